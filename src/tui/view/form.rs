//! The tab TLS Options: the box, two drop-downs, and the panel below them.

use ratatui::layout::{Position, Rect};

use crate::session::{Tone, cut_off_line, describe_choice, describe_minimum};
use crate::tls::{Direction, Minimum};
use crate::tui::layout::{FIELDS, NARROW, ROOMY};
use crate::tui::overlay::Overlay;
use crate::tui::state::{CHOICES, Focus, State};
use crate::tui::{text, wrap};

use super::parts::Painter;
use super::{panel, popup};

/// Columns of a drop-down field between its brackets.
const FIELD: u16 = 20;

/// Columns of a choice in a narrow drop-down; only the server's default, which has no counts beside it, is longer.
const NAME_NARROW: usize = 8;

/// Row of a direction's field within the body.
const fn row_of(direction: Direction) -> u16 {
    match direction {
        Direction::Inbound => 1,
        Direction::Outbound => 2,
    }
}

fn field_x(area: Rect) -> u16 {
    if area.width < NARROW { 12 } else { 41 }
}

pub(super) fn tls_options(state: &State, area: Rect, painter: &mut Painter<'_>) {
    let theme = state.theme;
    painter.text(area, 2, 0, text::MINIMUM, theme.heading());
    let mark = if state.session.same_for_both() { 'x' } else { ' ' };
    let label = format!("[{mark}] {}", text::SAME_FOR_BOTH);
    let x = area.width.saturating_sub(1 + super::parts::width(&label));
    painter.text(area, x, 0, &label, theme.text());
    if state.focus == Focus::SameForBoth {
        painter.mark(area, x, 0, super::parts::width(&label));
        painter.point(area, x + 1, 0);
    }
    for direction in Direction::ALL {
        field(state, direction, area, painter);
    }

    let open = state.overlays.iter().find_map(|overlay| match overlay {
        Overlay::DropDown { direction, .. } => Some(*direction),
        _ => None,
    });
    // An open drop-down covers the rows below its field: no note is half hidden behind it, and the panel begins under it.
    let below = match open {
        Some(direction) => row_of(direction) + 1 + drop_down_height(),
        None => {
            let mut row = FIELDS;
            for note in note_rows(state, (area.width, area.height)) {
                painter.text(area, 2, row, &note, theme.caution());
                row += 1;
            }
            row
        }
    };
    let gap = u16::from(open.is_none() && area.height >= 12);
    let top = (below + gap).min(area.height);
    let rest = Rect {
        y: area.y + top,
        height: area.height - top,
        ..area
    };
    panel::draw(state, rest, painter);
}

/// Rows that the panel keeps, however much there is to note.
const PANEL_ROWS: u16 = 4;

/// The notes as rows of a body of this size. They are wrapped, not cut: half a warning is none. Only where the panel
/// would have no room left is the last row cut; the review has them all.
pub(in crate::tui) fn note_rows(state: &State, (width, height): (u16, u16)) -> Vec<String> {
    let columns = usize::from(width.saturating_sub(4));
    let ellipsis = state.theme.ellipsis();
    let mut rows: Vec<String> = Vec::new();
    for note in notes(state) {
        let mut line = text::line(Tone::Caution, note);
        line.indent = 2;
        rows.extend(wrap::rows(&line, columns, ellipsis));
    }
    let room = usize::from(height.saturating_sub(FIELDS + PANEL_ROWS).max(1));
    if rows.len() > room {
        rows.truncate(room);
        if let Some(last) = rows.last_mut() {
            *last = wrap::cut(&format!("{last} {ellipsis}"), columns, ellipsis);
        }
    }
    rows
}

/// What must be said right under the fields.
fn notes(state: &State) -> Vec<String> {
    let mut notes = Vec::new();
    for direction in Direction::ALL {
        if let Minimum::Custom(why) = state.session.minimum(direction) {
            notes.push(format!("! {direction} is custom: {why}"));
        }
    }
    if let Some(difference) = state.session.wanted().difference() {
        notes.push(format!("! {difference}"));
    }
    notes
}

fn field(state: &State, direction: Direction, area: Rect, painter: &mut Painter<'_>) {
    let theme = state.theme;
    let row = row_of(direction);
    if state.session.is_minimum_dirty(direction) {
        painter.text(area, 0, row, "*", theme.dirty());
    }
    painter.text(area, 2, row, &direction.to_string(), theme.text());
    if area.width >= NARROW {
        painter.text(area, 12, row, text::covers(direction), theme.text());
    }
    let value = describe_minimum(&state.session.minimum(direction));
    let x = field_x(area);
    let label = format!("[ {value:<width$} v ]", width = usize::from(FIELD));
    painter.text(area, x, row, &label, theme.text());
    if state.focus == Focus::Field(direction) {
        painter.mark(area, x, row, super::parts::width(&label));
        painter.point(area, x + 2, row);
    }
}

const fn drop_down_height() -> u16 {
    // As many rows as choices, and the border.
    7
}

/// The open drop-down: every row says what is known and how much is not.
pub(super) fn drop_down(state: &State, direction: Direction, selected: usize, area: Rect, painter: &mut Painter<'_>) {
    let theme = state.theme;
    let rows: Vec<(String, bool)> = CHOICES
        .into_iter()
        .zip(state.counts(direction))
        .map(|(choice, (threshold, counts))| {
            let choice = describe_choice(choice);
            let words = if area.width < NARROW {
                let room = usize::from(area.width).saturating_sub(NAME_NARROW + 5);
                let counts = text::counts_narrow(*threshold, counts, room);
                format!("{choice:<NAME_NARROW$} {counts}")
            } else {
                format!("{choice:<14} {}", cut_off_line(*threshold, counts))
            };
            (words, counts.cut_off > 0)
        })
        .collect();
    let widest = rows
        .iter()
        .map(|(words, _)| super::parts::width(words))
        .max()
        .unwrap_or(0);
    let roomy = area.height >= ROOMY;
    let top = if roomy { 4 } else { 3 };
    let anchor = Position {
        x: area.x + if area.width < NARROW { 1 } else { 28 },
        y: area.y + top + row_of(direction) + 1,
    };
    let inside = painter.panel(popup(area, anchor, (widest + 5).max(40), drop_down_height()), "");
    for (index, (words, cuts_off)) in rows.iter().enumerate() {
        let y = u16::try_from(index).unwrap_or(u16::MAX);
        let mark = if index == selected { '>' } else { ' ' };
        let look = if *cuts_off { theme.bad() } else { theme.text() };
        let width = usize::from(inside.width).saturating_sub(1);
        painter.text(inside, 0, y, &format!("{mark}{words:<width$}"), look);
        if index == selected {
            painter.mark(inside, 0, y, inside.width);
            painter.point(inside, 0, y);
        }
    }
}
