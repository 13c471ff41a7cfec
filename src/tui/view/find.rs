//! The search: a line to type in, and the rows that match.

use ratatui::layout::Rect;

use crate::tui::find::{Find, Match, matches};
use crate::tui::state::State;
use crate::tui::{layout, wrap};

use super::lists::first_row;
use super::overlay::{centred, foot};
use super::parts::Painter;
use crate::tui::keys::Place;

const TITLE: &str = "Find by name, meaning or value";
const PROMPT: &str = "/ ";
const NOTHING: &str = "Nothing matches; Backspace takes a letter back.";

pub(super) fn draw(state: &State, find: &Find, area: Rect, painter: &mut Painter<'_>) {
    let theme = painter.theme;
    let inner_width = layout::reader_width((area.width, area.height));
    let height = layout::reader_height((area.width, area.height));
    let inside = centred(area, inner_width, height, TITLE, painter);
    let typed: String = find.line.text();
    // The cursor stays in sight: what is too long is cut in front.
    let before: String = typed.chars().take(find.line.cursor()).collect();
    let after: String = typed.chars().skip(find.line.cursor()).collect();
    let room = usize::from(inside.width).saturating_sub(PROMPT.len() + 1);
    let before = wrap::cut_front(&before, room, theme.ellipsis());
    let x = painter.text(inside, 0, 0, PROMPT, theme.key());
    let x = painter.text(inside, x, 0, &before, theme.text());
    painter.text(inside, x, 0, &after, theme.text());

    let found = matches(state, &typed);
    let list = Rect {
        y: inside.y.saturating_add(2),
        height: inside.height.saturating_sub(2),
        ..inside
    };
    let selected = find.selected.min(found.len().saturating_sub(1));
    let visible = usize::from(list.height);
    let first = first_row(selected, visible, found.len());
    if found.is_empty() {
        painter.text(list, 0, 0, NOTHING, theme.caution());
    }
    for (y, (index, found)) in (0_u16..).zip(found.iter().enumerate().skip(first).take(visible)) {
        let words = wrap::cut(&words(found), usize::from(list.width), theme.ellipsis());
        painter.text(list, 0, y, &words, theme.text());
        if index == selected {
            painter.mark(list, 0, y, list.width);
        }
    }
    // One types here: the cursor says so, the marked row is said by reverse video.
    painter.point(inside, x, 0);
    foot(area, Place::Find, None, painter);
}

fn words(found: &Match) -> String {
    let title = found.row.known.as_ref().map_or("", |known| known.title.as_str());
    let value = match &found.row.shown {
        Some(value) if value.is_empty() => "(empty)",
        Some(value) => value,
        None => "(server default)",
    };
    match &found.row.path {
        Some(path) => format!("{path} = {value}  {title}"),
        None => format!("{}: {title} (no name)", found.direction.table()),
    }
}
