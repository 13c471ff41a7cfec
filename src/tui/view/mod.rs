//! Views: from `&State` to cells. Nothing here changes anything.

mod editor;
mod find;
mod form;
mod lists;
mod overlay;
mod panel;
mod parts;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use super::layout::{self, NARROW, READABLE, ROOMY, SMALLEST};
use super::overlay::Overlay;
use super::state::{State, Tab};
use super::text;
pub(super) use form::note_rows;
use parts::{Painter, rest_below, rest_right};

/// Draws the whole screen. Right from 40x15 up; below that it says so; never panics from 0x0 up.
pub fn draw(state: &State, frame: &mut Frame<'_>) {
    let area = frame.area();
    let (cursor, buffer) = (None, frame.buffer_mut());
    let mut painter = Painter {
        buffer,
        theme: state.theme,
        cursor,
    };
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        painter.text(
            area,
            0,
            0,
            &text::too_small(area.width, area.height),
            state.theme.text(),
        );
        return;
    }
    let full = matches!(state.overlays.last(), Some(Overlay::Review(_)))
        || (state.overlays.len() > 1 && state.overlays.iter().any(|o| matches!(o, Overlay::Review(_))));
    if !full {
        let body = chrome(state, area, &mut painter);
        match state.tab {
            Tab::TlsOptions => {
                let width = body.width.min(READABLE);
                form::tls_options(state, Rect { width, ..body }, &mut painter);
            }
            Tab::Inbound | Tab::Outbound => lists::variables(state, body, &mut painter),
            Tab::Peers => lists::peers(state, body, &mut painter),
            Tab::Backups => lists::backups(state, body, &mut painter),
        }
    }
    for overlay in &state.overlays {
        overlay::draw(state, overlay, area, &mut painter);
    }
    // Screen readers follow the hardware cursor: it stands on what has the focus.
    let cursor = painter.cursor;
    if let Some(cursor) = cursor {
        frame.set_cursor_position(cursor);
    }
}

/// Head and foot; returns what is left between them.
fn chrome(state: &State, area: Rect, painter: &mut Painter<'_>) -> Rect {
    let theme = state.theme;
    let narrow = area.width < NARROW;
    let engine = text::engine(state, narrow);
    let changes = text::changes(state.session.edits().edits().len());
    let changes_look = if state.session.is_dirty() {
        theme.dirty()
    } else {
        theme.text()
    };
    let right = area.width.saturating_sub(1);

    let mut x = painter.text(area, 1, 0, text::PROGRAM, theme.heading()) + 2;
    let engine_width = parts::width(&engine);
    let room = if narrow {
        right.saturating_sub(x)
    } else {
        right.saturating_sub(x + engine_width + 2)
    };
    let path = super::wrap::cut_front(&state.path, usize::from(room), theme.ellipsis());
    if !narrow {
        x += 1;
    }
    painter.text(area, x, 0, &path, theme.text());
    if narrow {
        painter.text(area, 1, 1, &engine, theme.text());
        painter.text_right(area, right, 1, &changes, changes_look);
    } else {
        painter.text_right(area, right, 0, &engine, theme.text());
        painter.text(area, 1, 1, text::WHERE, theme.text());
        painter.text_right(area, right, 1, &changes, changes_look);
    }

    let mut x = 1;
    for tab in Tab::ALL {
        let name = text::tab_name(tab, narrow);
        let (label, look) = if tab == state.tab {
            (format!("[{name}]"), theme.open_tab())
        } else {
            (format!(" {name} "), theme.text())
        };
        x = painter.text(area, x, 2, &label, look) + u16::from(!narrow);
    }

    let roomy = area.height >= ROOMY;
    let foot = area.height.saturating_sub(2);
    if roomy {
        painter.rule(area, 3);
        painter.rule(area, foot.saturating_sub(1));
    }
    footer(state, area, foot, painter);
    Rect {
        x: area.x,
        y: area.y + if roomy { 4 } else { 3 },
        width: area.width,
        height: layout::body_height(area.height),
    }
}

/// News and hints.
fn footer(state: &State, area: Rect, row: u16, painter: &mut Painter<'_>) {
    let theme = state.theme;
    let room = usize::from(area.width.saturating_sub(2));
    if let Some(status) = &state.status {
        let words = super::wrap::cut(&status.text, room, theme.ellipsis());
        painter.text(area, 1, row, &words, theme.tone(status.tone));
    } else if let Some(scan) = text::scan(state) {
        painter.text(
            area,
            1,
            row,
            &super::wrap::cut(&scan, room, theme.ellipsis()),
            theme.text(),
        );
    }
    painter.hints(area, row + 1, state.place());
}

/// Where a popup of a size sits best: below `anchor`, moved in from the right edge.
fn popup(area: Rect, anchor: Position, width: u16, height: u16) -> Rect {
    let width = width.min(area.width);
    let x = anchor.x.min(area.right().saturating_sub(width));
    let y = anchor.y.min(area.bottom().saturating_sub(height.min(area.height)));
    Rect {
        x,
        y,
        width: width.min(rest_right(area, x)),
        height: height.min(rest_below(area, y)),
    }
}
