//! What a tab and a window have in common. Each stands in a file of its own, with its state, its keys, its drawing and
//! its words; it knows itself and no other.

use ratatui::layout::Rect;

use crate::session::Line;

use super::context::Context;
use super::keys::{Command, Place};
use super::request::Request;
use super::widgets::painter::Painter;

/// A tab or a window.
pub trait Pane {
    /// Which rows of the key table hold.
    fn place(&self) -> Place;

    /// Does what a key of the table means here.
    fn on(&mut self, command: Command, context: &mut Context) -> Vec<Request>;

    /// A character was typed, at a place that takes text.
    fn on_typed(&mut self, _character: char) {}

    /// Draws itself into its area: the body for a tab, the whole screen for a window.
    fn draw(&self, context: &Context, area: Rect, painter: &mut Painter<'_>);

    /// What the help says above the keys.
    fn about(&self, context: &Context) -> Vec<Line>;

    /// Does it hold something that leaving would lose?
    fn is_unapplied(&self) -> bool {
        false
    }
}
