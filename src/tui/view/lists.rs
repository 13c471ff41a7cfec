//! The tabs Inbound, Outbound and Peers: lists with a marked row, and help for it below.

use ratatui::layout::Rect;

use crate::session::{Tone, VariableRow, variable_rows};
use crate::tls::Direction;
use crate::tui::detail::{self, PeerRow};
use crate::tui::layout::{NARROW, READABLE, WIDE};
use crate::tui::state::State;
use crate::tui::{text, wrap};

use super::panel::peer_row;
use super::parts::{Painter, width};

/// The first row to show so that `selected` is in sight.
pub(super) fn first_row(selected: usize, visible: usize, rows: usize) -> usize {
    selected
        .saturating_sub(visible.saturating_sub(1))
        .min(rows.saturating_sub(visible))
}

/// The list at a width that the eye can follow and, on a wide screen, the room beside it for the marked row's details.
fn side_by_side(area: Rect) -> (Rect, Option<Rect>) {
    let list = Rect {
        width: area.width.min(READABLE),
        ..area
    };
    let details = Rect {
        x: area.x + READABLE + 2,
        width: area.width.saturating_sub(READABLE + 4),
        ..area
    };
    (list, (area.width >= WIDE).then_some(details))
}

/// Splits the body into list and help: help lies below, on a wide screen beside.
fn split(area: Rect) -> (Rect, Rect) {
    let (list, details) = side_by_side(area);
    if let Some(details) = details {
        return (list, details);
    }
    let help = match area.height {
        24.. => 9,
        14.. => 5,
        _ => 3,
    };
    let list = Rect {
        height: area.height.saturating_sub(help),
        ..list
    };
    let help = Rect {
        x: area.x + 2,
        width: area.width.saturating_sub(4),
        y: list.bottom(),
        height: help.min(area.height),
    };
    (list, help)
}

pub(super) fn variables(state: &State, area: Rect, painter: &mut Painter<'_>) {
    let theme = state.theme;
    let rows = variable_rows(&state.session, state.tab_direction());
    let (list, help) = split(area);
    let heading = format!("Table {} of mailserver.cfg", state.tab_direction().table());
    painter.text(list, 2, 0, &heading, theme.heading());
    let list = Rect {
        y: list.y + 1,
        height: list.height.saturating_sub(1),
        ..list
    };
    let selected = state.selected().min(rows.len().saturating_sub(1));
    let visible = usize::from(list.height);
    let first = first_row(selected, visible, rows.len());
    for (y, (index, row)) in (0_u16..).zip(rows.iter().enumerate().skip(first).take(visible)) {
        variable_row(row, list, y, painter);
        if index == selected {
            // The name only: a whole row is written twice with each move, and the help below changes too.
            painter.mark(list, 1, y, name_width(list) + 2);
            painter.point(list, 2, y);
        }
    }
    if let Some(row) = rows.get(selected) {
        let mut lines = variable_help(state, row);
        if area.width >= WIDE {
            lines.push(text::line(Tone::Text, ""));
            lines.extend(detail::variable_facts(row));
        }
        painter.lines(help, &lines, 0);
    }
}

/// Columns for the name of a variable.
fn name_width(area: Rect) -> u16 {
    if area.width < NARROW {
        20
    } else {
        26 + area.width.saturating_sub(80) / 2
    }
}

fn variable_row(row: &VariableRow, area: Rect, y: u16, painter: &mut Painter<'_>) {
    let theme = painter.theme;
    let narrow = area.width < NARROW;
    let name = row.path.as_ref().map_or_else(
        || format!("({})", row.known.as_ref().map_or("", |known| known.title.as_str())),
        |path| path.variable.clone(),
    );
    if row.dirty {
        painter.text(area, 0, y, "*", theme.dirty());
    }
    let sure = if row.path.is_none() {
        "no name"
    } else if row.assumed() {
        "assumed"
    } else if row.lookalike {
        "a list?"
    } else if row.known.is_some() {
        ""
    } else {
        "read-only"
    };
    let name_width = name_width(area);
    let right = area.width.saturating_sub(2);
    painter.text(
        area,
        2,
        y,
        &wrap::cut(&name, usize::from(name_width), theme.ellipsis()),
        theme.text(),
    );
    let x = 2 + name_width + 1;
    let value = match &row.shown {
        Some(value) if value.is_empty() => "(empty)".to_owned(),
        Some(value) => value.clone(),
        None if row.in_file => "(deleted: server default)".to_owned(),
        None => "(server default)".to_owned(),
    };
    let room = if narrow {
        right.saturating_sub(x)
    } else {
        right.saturating_sub(x + 10)
    };
    painter.text(
        area,
        x,
        y,
        &wrap::cut(&value, usize::from(room), theme.ellipsis()),
        theme.text(),
    );
    if !narrow {
        painter.text_right(area, right, y, sure, theme.caution());
    }
}

fn variable_help(state: &State, row: &VariableRow) -> Vec<crate::session::Line> {
    let mut lines = Vec::new();
    match &row.known {
        Some(known) => {
            lines.push(text::line(Tone::Heading, known.title.clone()));
            lines.extend(crate::tui::editor_text::row_advice(state, state.tab_direction(), row));
            let name = match &row.path {
                Some(_) => format!("Name {}.", detail::sureness(known.name_sure)),
                None => text::NO_NAME.to_owned(),
            };
            lines.push(text::line(Tone::Text, name));
            lines.push(text::line(Tone::Text, known.help.clone()));
        }
        None => {
            if let Some(why) = detail::not_deletable(row) {
                lines.push(text::line(Tone::Text, format!("Read-only: {why}.")));
            }
        }
    }
    lines
}

pub(super) fn peers(state: &State, area: Rect, painter: &mut Painter<'_>) {
    let theme = state.theme;
    let rows = detail::peer_rows(state);
    if rows.is_empty() {
        painter.text(area, 2, 0, &text::nobody(None), theme.caution());
        for (y, warning) in (2_u16..).zip(&state.book.warnings) {
            let words = wrap::cut(
                &format!("! {warning}"),
                usize::from(area.width.saturating_sub(4)),
                theme.ellipsis(),
            );
            painter.text(area, 2, y, &words, theme.caution());
        }
        painter.point(area, 2, 0);
        return;
    }
    let warnings = u16::try_from(state.book.warnings.len().min(3)).unwrap_or(0);
    let troubles = state
        .since_save
        .as_ref()
        .map(|(at, troubles)| text::since_save_lines(*at, troubles, &state.clock, usize::from(area.height / 6).min(3)))
        .unwrap_or_default();
    let top = painter.lines(
        Rect {
            x: area.x + 2,
            width: area.width.saturating_sub(3),
            ..area
        },
        &troubles,
        0,
    );
    let top = u16::try_from(top).unwrap_or(0);
    let body = Rect {
        y: area.y + top.min(area.height),
        height: area.height.saturating_sub(warnings + top),
        ..area
    };
    let (list, details) = side_by_side(body);
    let selected = state.selected().min(rows.len().saturating_sub(1));
    // Each direction has a heading of its own: rows and headings together are what scrolls.
    let items = items(&rows);
    let selected_item = items.iter().position(|item| *item == Item::Peer(selected)).unwrap_or(0);
    let visible = usize::from(list.height);
    let first = first_row(selected_item, visible, items.len());
    for (y, item) in (0_u16..).zip(items.iter().skip(first).take(visible)) {
        match item {
            Item::Heading(direction) => heading(state, *direction, list, y, painter),
            Item::Peer(index) => {
                if let Some(row) = rows.get(*index) {
                    peer_row(&row.assessed, list, y, &state.clock, painter);
                }
                if *index == selected {
                    painter.mark(list, 1, y, list.width.saturating_sub(2));
                    painter.point(list, 2, y);
                }
            }
        }
    }
    if let (Some(details), Some(row)) = (details, rows.get(selected)) {
        let (title, lines) = detail::peer(row, state);
        painter.text(details, 0, 0, &title, theme.heading());
        let below = Rect {
            y: details.y + 1,
            height: details.height.saturating_sub(1),
            ..details
        };
        painter.lines(below, &lines, 0);
    }
    for (y, warning) in (top + list.height..area.height).zip(&state.book.warnings) {
        let words = wrap::cut(
            &format!("! {warning}"),
            usize::from(area.width.saturating_sub(4)),
            theme.ellipsis(),
        );
        painter.text(area, 2, y, &words, theme.caution());
    }
}

pub(super) fn backups(state: &State, area: Rect, painter: &mut Painter<'_>) {
    let theme = state.theme;
    let backups = state.backups.clone().unwrap_or_default();
    if backups.is_empty() {
        let words = text::no_backups(state.backups.is_some());
        painter.text(area, 2, 0, words, theme.text());
        painter.point(area, 2, 0);
        return;
    }
    let selected = state.selected().min(backups.len().saturating_sub(1));
    let visible = usize::from(area.height);
    let first = first_row(selected, visible, backups.len());
    for (y, (index, backup)) in (0_u16..).zip(backups.iter().enumerate().skip(first).take(visible)) {
        // RFC 3339 with the local offset: date and minute are what a person looks for.
        let when = backup.when.get(..16).unwrap_or(&backup.when).replace('T', " ");
        let who = wrap::cut(&backup.who.words(), 12, theme.ellipsis());
        let words = if area.width < NARROW {
            format!("{when}  {}", backup.summary)
        } else {
            format!("{when}  {who:<12}  {:<8}{}", backup.action, backup.summary)
        };
        painter.text(
            area,
            2,
            y,
            &wrap::cut(&words, usize::from(area.width.saturating_sub(4)), theme.ellipsis()),
            theme.text(),
        );
        if index == selected {
            painter.mark(area, 1, y, area.width.saturating_sub(2));
            painter.point(area, 2, y);
        }
    }
}

#[derive(PartialEq, Eq)]
enum Item {
    Heading(Direction),
    Peer(usize),
}

fn items(rows: &[PeerRow<'_>]) -> Vec<Item> {
    let mut items = Vec::with_capacity(rows.len() + 2);
    let mut last = None;
    for (index, row) in rows.iter().enumerate() {
        if last != Some(row.direction) {
            last = Some(row.direction);
            items.push(Item::Heading(row.direction));
        }
        items.push(Item::Peer(index));
    }
    items
}

fn heading(state: &State, direction: Direction, area: Rect, y: u16, painter: &mut Painter<'_>) {
    let theme = painter.theme;
    let minimum = crate::session::describe_minimum(&state.session.minimum(direction));
    let end = painter.text(area, 2, y, &text::panel_title(direction, &minimum), theme.heading());
    let window = text::window(state.book.window_days);
    if end + width(&window) + 2 < area.width {
        painter.text_right(area, area.width.saturating_sub(1), y, &window, theme.text());
    }
}
