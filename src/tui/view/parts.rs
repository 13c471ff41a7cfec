//! The few brushes that every view paints with. All coordinates are relative to an area, and everything is cut to it.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::widgets::{Block, Clear, Widget};

use crate::session::Line;
use crate::tui::keys::{Command, Place};
use crate::tui::text::{self, Hint};
use crate::tui::theme::Theme;
use crate::tui::wrap;

/// Columns of a text, as a terminal counts.
pub(super) fn width(text: &str) -> u16 {
    u16::try_from(wrap::columns(text)).unwrap_or(u16::MAX)
}

/// Columns from `x` to the right edge of `area`.
pub(super) fn rest_right(area: Rect, x: u16) -> u16 {
    area.right().saturating_sub(x)
}

/// Rows from `y` to the bottom of `area`.
pub(super) fn rest_below(area: Rect, y: u16) -> u16 {
    area.bottom().saturating_sub(y)
}

/// A buffer with the theme, and where the cursor shall stand.
pub(super) struct Painter<'a> {
    pub(super) buffer: &'a mut Buffer,
    pub(super) theme: Theme,
    pub(super) cursor: Option<Position>,
}

impl Painter<'_> {
    /// Writes text at a column and row of an area; returns the column behind it.
    pub(super) fn text(&mut self, area: Rect, x: u16, y: u16, text: &str, style: Style) -> u16 {
        if x < area.width && y < area.height {
            let room = usize::from(area.width - x);
            self.buffer.set_stringn(area.x + x, area.y + y, text, room, style);
        }
        x.saturating_add(width(text))
    }

    /// Writes text so that it ends before column `right`.
    pub(super) fn text_right(&mut self, area: Rect, right: u16, y: u16, text: &str, style: Style) {
        self.text(area, right.saturating_sub(width(text)), y, text, style);
    }

    /// Marks a row as focused, over a width.
    pub(super) fn mark(&mut self, area: Rect, x: u16, y: u16, width: u16) {
        let row = Rect {
            x: area.x + x.min(area.width),
            y: area.y + y.min(area.height),
            width,
            height: 1,
        };
        self.buffer.set_style(row.intersection(area), self.theme.focus());
    }

    /// Lets the cursor stand here.
    pub(super) fn point(&mut self, area: Rect, x: u16, y: u16) {
        if x < area.width && y < area.height {
            self.cursor = Some(Position {
                x: area.x + x,
                y: area.y + y,
            });
        }
    }

    /// A horizontal rule across an area.
    pub(super) fn rule(&mut self, area: Rect, y: u16) {
        let rule = self.theme.rule().repeat(usize::from(area.width.saturating_sub(2)));
        self.text(area, 1, y, &rule, self.theme.text());
    }

    /// A box with a title on cleared ground; returns its inside.
    pub(super) fn panel(&mut self, area: Rect, title: &str) -> Rect {
        Clear.render(area, self.buffer);
        let mut block = Block::bordered().border_set(self.theme.border());
        if !title.is_empty() {
            block = block.title(format!(" {title} "));
        }
        let inside = block.inner(area);
        block.render(area, self.buffer);
        inside
    }

    /// Lines, wrapped to the area, from row `scroll` on. Returns how many rows they take in all.
    pub(super) fn lines(&mut self, area: Rect, lines: &[Line], scroll: usize) -> usize {
        let mut row = 0_usize;
        for line in lines {
            for text in wrap::rows(line, usize::from(area.width), self.theme.ellipsis()) {
                if let Some(y) = row.checked_sub(scroll).and_then(|y| u16::try_from(y).ok()) {
                    self.text(area, 0, y, &text, self.theme.tone(line.tone));
                }
                row += 1;
            }
        }
        row
    }

    /// Says on the last row that there is more below. The row is cleared: half a row under a note reads like a whole one.
    pub(super) fn more(&mut self, area: Rect, shown_from: usize, rows: usize) {
        let below = rows.saturating_sub(shown_from + usize::from(area.height));
        if below > 0 {
            let last = Rect {
                y: area.bottom().saturating_sub(1),
                height: area.height.min(1),
                ..area
            };
            Clear.render(last.intersection(self.buffer.area), self.buffer);
            let words = format!(" {} more below, PgDn ", below + 1);
            self.text_right(last, last.width, 0, &words, self.theme.key());
        }
    }

    /// The footer's hints, as many as fit; what the job cannot be done without goes last.
    pub(super) fn hints(&mut self, area: Rect, row: u16, place: Place) {
        self.hints_without(area, row, place, None);
    }

    /// The same, without a command that has nothing to act on just now.
    pub(super) fn hints_without(&mut self, area: Rect, row: u16, place: Place, without: Option<Command>) {
        let mut hints = text::hints(place);
        hints.retain(|hint| Some(hint.command) != without);
        let room = usize::from(area.width.saturating_sub(2));
        let columns = |hint: &Hint| wrap::columns(&hint.key) + 1 + wrap::columns(hint.words) + 2;
        let too_long = |hints: &[Hint]| hints.iter().map(columns).sum::<usize>().saturating_sub(2) > room;
        if too_long(&hints) {
            hints.iter_mut().for_each(|hint| hint.words = hint.short);
        }
        while too_long(&hints) && hints.len() > 1 {
            let lightest = hints.iter().map(|hint| hint.weight).min();
            match hints.iter().rposition(|hint| Some(hint.weight) == lightest) {
                Some(at) => drop(hints.remove(at)),
                None => break,
            }
        }
        let mut x = 1;
        for hint in hints {
            x = self.text(area, x, row, &hint.key, self.theme.key()) + 1;
            x = self.text(area, x, row, hint.words, self.theme.text()) + 2;
        }
    }
}
