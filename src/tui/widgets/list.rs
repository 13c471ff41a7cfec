//! A list with a marked row: how commands move the mark, and which rows are in sight.

use ratatui::layout::Rect;

use crate::tui::keys::Command;
use crate::tui::layout::{READABLE, WIDE};

/// The row that a command moves the mark to; `None`: the command is no movement.
pub fn moved(selected: usize, command: Command, page: usize, rows: usize) -> Option<usize> {
    let last = rows.saturating_sub(1);
    let selected = selected.min(last);
    let row = match command {
        Command::Up => selected.saturating_sub(1),
        Command::Down => selected + 1,
        Command::PageUp => selected.saturating_sub(page),
        Command::PageDown => selected + page,
        Command::First => 0,
        Command::Last => last,
        _ => return None,
    };
    Some(row.min(last))
}

/// The next stop of a ring, in which the first follows the last; `None`: the command does not lead to another.
pub fn turned(at: usize, command: Command, stops: usize) -> Option<usize> {
    let stops = stops.max(1);
    match command {
        Command::Next | Command::Right | Command::Down => Some((at + 1) % stops),
        Command::Previous | Command::Left | Command::Up => Some((at + stops - 1) % stops),
        _ => None,
    }
}

/// The first row to show so that `selected` is in sight.
pub fn first_row(selected: usize, visible: usize, rows: usize) -> usize {
    selected
        .saturating_sub(visible.saturating_sub(1))
        .min(rows.saturating_sub(visible))
}

/// The rows in sight of a list that shows `visible` of them: where each stands, and whether it is the marked one.
pub fn in_sight<T>(rows: &[T], selected: usize, visible: u16) -> impl Iterator<Item = (u16, &T, bool)> {
    let selected = selected.min(rows.len().saturating_sub(1));
    let first = first_row(selected, usize::from(visible), rows.len());
    let shown = rows.iter().enumerate().skip(first);
    (0..visible)
        .zip(shown)
        .map(move |(y, (index, row))| (y, row, index == selected))
}

/// The list at a width that the eye can follow and, on a wide screen, the room beside it for the marked row's details.
pub fn side_by_side(area: Rect) -> (Rect, Option<Rect>) {
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
