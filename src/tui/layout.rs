//! Where things go: the sizes that drawing and scrolling both count by.

use ratatui::layout::Rect;

use crate::tls::Direction;

/// The smallest screen that everything is laid out for.
pub(super) const SMALLEST: (u16, u16) = (40, 15);

/// Below this width names are shortened and columns dropped.
pub(super) const NARROW: u16 = 70;

/// From this width on, a list has the details of its marked row beside it instead of below.
pub(super) const WIDE: u16 = 140;

/// Columns of a form or a list at most: over more, an eye loses the row between its two ends.
pub(super) const READABLE: u16 = 100;

/// From this height on there is room for rules between head, body and foot.
pub(super) const ROOMY: u16 = 20;

/// Rows that the fields of TLS Options take.
pub(super) const FIELDS: u16 = 3;

/// Rows of an open drop-down: as many as there are choices, and the border.
pub(super) const DROP_DOWN: u16 = 7;

/// Row of a direction's field within the body.
pub(super) const fn field_row(direction: Direction) -> u16 {
    match direction {
        Direction::Inbound => 1,
        Direction::Outbound => 2,
    }
}

/// Rows above the body.
pub(super) const fn body_top(height: u16) -> u16 {
    if height >= ROOMY { 4 } else { 3 }
}

/// What is left of an area below some rows.
pub(super) fn below(area: Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    Rect {
        y: area.y + rows,
        height: area.height - rows,
        ..area
    }
}

/// Rows that a page moves; what is in sight is never fewer.
pub(super) fn page((_, height): (u16, u16)) -> usize {
    usize::from(height.saturating_sub(10).max(3))
}

/// Rows between head and foot.
pub(super) fn body_height(height: u16) -> u16 {
    height.saturating_sub(if height >= ROOMY { 7 } else { 5 })
}

/// Rows of the panel's list in a body of this height: less the fields with their notes, a gap where there is room, and
/// the panel's title.
pub(super) fn panel_height(body: u16, notes: usize) -> usize {
    usize::from(body).saturating_sub(usize::from(FIELDS) + notes + usize::from(body >= 12) + 1)
}

/// Columns inside a text over the screen.
pub(super) fn reader_width(size: (u16, u16)) -> usize {
    usize::from(size.0.saturating_sub(4).min(READABLE))
}

/// Rows inside a text over the screen.
pub(super) fn reader_height(size: (u16, u16)) -> usize {
    usize::from(size.1.saturating_sub(4))
}

/// Rows of the review's text: less title, rules, boxes, buttons and footer.
pub(super) fn review_height(size: (u16, u16), boxes: usize) -> usize {
    usize::from(size.1).saturating_sub(5 + boxes)
}
