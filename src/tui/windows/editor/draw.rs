//! An open editor: what can be ticked, picked or typed above, what follows from it below.
//!
//! ```text
//!  ┌ Security/ServerTlsProtocols ────────────────────┐
//!  │ [ ] TLS 1.0   2 peers have nothing newer        │  stops: one has the focus and the cursor
//!  │ [x] TLS 1.2                                     │
//!  │ Server default (delete)                         │
//!  │ ─────────────────────────────────────────────── │
//!  │ Minimum: TLS 1.2                                │  what follows, scrolled by PgDn
//!  └─────────────────────────────────────────────────┘
//! ```

use ratatui::layout::Rect;

use crate::tls::CipherCheck;
use crate::tui::context::Context;
use crate::tui::keys::Place;
use crate::tui::widgets::list::{first_row, in_sight};
use crate::tui::widgets::painter::{Painter, width};
use crate::tui::widgets::text_line::TextLine;
use crate::tui::{layout, wrap};

use super::model::{Editor, Field, Stop};
use super::words;

/// Rows that what follows keeps at least.
const BELOW: usize = 5;

pub(super) fn draw(editor: &Editor, place: Place, context: &Context, area: Rect, painter: &mut Painter<'_>) {
    let inner_width = layout::reader_width((area.width, area.height));
    let room = usize::from(area.height.saturating_sub(3));
    let lines = words::lines(context, editor);
    let (line, stops) = match &editor.field {
        Field::Ciphers { line, .. } => (Some(line), editor.stops().into_iter().skip(1).collect::<Vec<_>>()),
        _ => (None, editor.stops()),
    };
    let typed = line.map_or_else(Vec::new, |line| typed_rows(line, inner_width));
    // A long text, many stops and a small screen: what follows keeps its rows, the others scroll.
    let typed_shown = typed.len().min((room.saturating_sub(BELOW) / 2).max(2));
    let stops_shown = stops.len().min(room.saturating_sub(BELOW + typed_shown).max(2));
    let above = typed_shown + stops_shown + 1;
    let rows = wrap::height(&lines, inner_width);
    let height = (above + rows).min(room).max(above + 1);
    let inside = painter.centred(area, inner_width, height, &words::title(editor));

    if let Field::Ciphers { line, check } = &editor.field {
        let faults = faults(line, check);
        draw_typed(line, &faults, editor.in_text(), (&typed, typed_shown), inside, painter);
    }
    let offset = usize::from(line.is_some());
    let focus = editor.focus.checked_sub(offset);
    for (y, stop, is_marked) in in_sight(&stops, focus.unwrap_or(0), rows_u16(stops_shown)) {
        let y = y.saturating_add(rows_u16(typed_shown));
        let label = wrap::cut(
            &words::label(context, editor, stop),
            usize::from(inside.width),
            painter.theme.ellipsis(),
        );
        let look = match stop {
            Stop::Fix(..) => painter.theme.caution(),
            _ => painter.theme.text(),
        };
        painter.text(inside, 0, y, &label, look);
        if focus.is_some() && is_marked {
            painter.mark(inside, 0, y, width(&label).max(1));
            let x = if label.starts_with(['[', '(']) { 1 } else { 0 };
            painter.point(inside, x, y);
        }
    }
    let rule = rows_u16(above.saturating_sub(1));
    let line = painter.theme.rule().repeat(usize::from(inside.width));
    painter.text(inside, 0, rule, &line, painter.theme.text());
    let below = layout::below(inside, rows_u16(above));
    let scroll = editor.scroll.0.min(rows.saturating_sub(usize::from(below.height)));
    painter.lines(below, &lines, scroll);
    painter.more(below, scroll, rows);
    painter.foot(area, place, None);
}

fn rows_u16(rows: usize) -> u16 {
    u16::try_from(rows).unwrap_or(u16::MAX)
}

/// A character as it is shown: one that takes no column, or moves the cursor, is shown as `?`.
fn shown(character: char) -> char {
    if character.is_control() || wrap::columns(character.encode_utf8(&mut [0; 4])) == 0 {
        '?'
    } else {
        character
    }
}

/// The typed text in rows of a width, each with the number of its first character. The cursor may stand behind the
/// last character, so that there is always a cell for it.
fn typed_rows(line: &TextLine, columns: usize) -> Vec<(usize, String)> {
    let mut rows = vec![(0, String::new())];
    let mut used = 0;
    for (at, character) in line.text().chars().map(shown).enumerate() {
        let wide = wrap::columns(character.encode_utf8(&mut [0; 4]));
        if used + wide > columns.max(2) {
            rows.push((at, String::new()));
            used = 0;
        }
        used += wide;
        if let Some((_, row)) = rows.last_mut() {
            row.push(character);
        }
    }
    if used >= columns.max(2) {
        rows.push((line.text().chars().count(), String::new()));
    }
    rows
}

fn draw_typed(
    line: &TextLine,
    faults: &[(usize, usize)],
    focused: bool,
    (rows, visible): (&[(usize, String)], usize),
    area: Rect,
    painter: &mut Painter<'_>,
) {
    let cursor = line.cursor();
    let cursor_row = rows.iter().rposition(|(start, _)| *start <= cursor).unwrap_or(0);
    let first = first_row(cursor_row, visible, rows.len());
    for (y, (index, (start, row))) in (0_u16..).zip(rows.iter().enumerate().skip(first).take(visible)) {
        if focused {
            painter.mark(area, 0, y, area.width);
        }
        let mut x = 0;
        for (at, character) in (*start..).zip(row.chars()) {
            let look = if faults.iter().any(|(from, to)| (*from..*to).contains(&at)) {
                painter.theme.bad()
            } else {
                painter.theme.text()
            };
            let look = if focused {
                look.patch(painter.theme.focus())
            } else {
                look
            };
            let next = painter.text(area, x, y, character.encode_utf8(&mut [0; 4]), look);
            if focused && at == cursor {
                painter.point(area, x, y);
            }
            x = next;
        }
        if focused && index == cursor_row && cursor >= start.saturating_add(row.chars().count()) {
            painter.point(area, x.min(area.width.saturating_sub(1)), y);
        }
    }
}

/// Where the words are that something is wrong with, in characters.
fn faults(line: &TextLine, check: &CipherCheck) -> Vec<(usize, usize)> {
    let text = line.text();
    let count = |upto: usize| text.get(..upto).map_or(0, |head| head.chars().count());
    check
        .findings
        .iter()
        .map(|finding| (count(finding.start), count(finding.end)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_text_always_has_a_cell_for_the_cursor() {
        let rows = typed_rows(&TextLine::new("abcdef"), 3);
        assert_eq!(rows, [(0, "abc".to_owned()), (3, "def".to_owned()), (6, String::new())]);
        assert_eq!(typed_rows(&TextLine::new(""), 3), [(0, String::new())]);
        let starts: Vec<usize> = typed_rows(&TextLine::new("日本a"), 3).iter().map(|row| row.0).collect();
        assert_eq!(starts, [0, 1, 3]);
    }
}
