//! Check boxes and buttons: a label, marked where it has the focus, with the cursor inside its bracket.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::painter::{Painter, width};
use crate::tui::wrap;

/// Where something stands that can have the focus.
#[derive(Debug, Clone, Copy)]
pub struct Spot {
    /// The area.
    pub area: Rect,
    /// Column within it.
    pub x: u16,
    /// Row within it.
    pub y: u16,
    /// Does it have the focus?
    pub focused: bool,
}

/// `[x] words`.
pub fn check_box_label(ticked: bool, words: &str) -> String {
    format!("[{}] {words}", if ticked { 'x' } else { ' ' })
}

/// A check box, cut where its area ends one column before the edge.
pub fn check_box(spot: Spot, ticked: bool, words: &str, look: Style, painter: &mut Painter<'_>) {
    let room = usize::from(spot.area.width.saturating_sub(spot.x + 1));
    let label = wrap::cut(&check_box_label(ticked, words), room, painter.theme.ellipsis());
    labelled(spot, &label, 1, look, painter);
}

/// `[ words ]`.
pub fn button_label(words: &str) -> String {
    format!("[ {words} ]")
}

/// A button; returns the column behind it.
pub fn button(spot: Spot, words: &str, painter: &mut Painter<'_>) -> u16 {
    let look = painter.theme.text();
    labelled(spot, &button_label(words), 2, look, painter)
}

/// A label, marked where it has the focus, with the cursor `cursor` columns into it; returns the column behind it.
pub fn labelled(spot: Spot, label: &str, cursor: u16, look: Style, painter: &mut Painter<'_>) -> u16 {
    let Spot { area, x, y, focused } = spot;
    let end = painter.text(area, x, y, label, look);
    if focused {
        painter.mark(area, x, y, width(label));
        painter.point(area, x + cursor, y);
    }
    end
}
