//! What a tab and a window have in common. Each stands in a file of its own, with its state, its keys, its drawing and
//! its words; it knows itself and no other.

use std::fmt::Debug;

use ratatui::layout::Rect;

use crate::session::Line;
use crate::tls::{Direction, Minimum};

use super::context::Context;
use super::keys::{Command, Place};
use super::request::Request;
use super::widgets::painter::Painter;

/// A tab or a window.
pub trait Pane: CloneBoxed + Debug {
    /// Which rows of the key table hold.
    fn place(&self) -> Place;

    /// Does what a key of the table means here.
    fn on(&mut self, command: Command, context: &mut Context) -> Vec<Request>;

    /// A character was typed, at a place that takes text.
    fn on_typed(&mut self, _character: char) {}

    /// Draws itself into its area: the body for a tab, the whole screen for a window.
    fn draw(&self, context: &Context, area: Rect, painter: &mut Painter<'_>);

    /// What the help says above the keys.
    fn about(&self, _context: &Context) -> Vec<Line> {
        Vec::new()
    }

    /// Does it hold something that leaving would lose?
    fn is_unapplied(&self) -> bool {
        false
    }

    /// What it would make the minimum of which direction, so that the panel below shows it.
    fn preview(&self) -> Option<(Direction, Minimum)> {
        None
    }

    /// Does it cover the whole screen?
    fn covers_all(&self) -> bool {
        false
    }
}

/// A copy of a pane of whatever kind: the screen is a value.
pub trait CloneBoxed {
    /// See [`Clone::clone`].
    fn clone_boxed(&self) -> Box<dyn Pane>;
}

impl<T: Pane + Clone + 'static> CloneBoxed for T {
    fn clone_boxed(&self) -> Box<dyn Pane> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn Pane> {
    fn clone(&self) -> Self {
        (**self).clone_boxed()
    }
}
