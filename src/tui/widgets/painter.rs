//! The brushes that tabs and windows paint with. All coordinates are relative to an area, and everything is cut to it.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::widgets::{Block, Clear, Widget};

use crate::session::Line;
use crate::tui::key::Key;
use crate::tui::keys::{Binding, Command, Place, bindings_at};
use crate::tui::theme::Theme;
use crate::tui::wrap;

/// Columns of a text, as a terminal counts.
pub fn width(text: &str) -> u16 {
    u16::try_from(wrap::columns(text)).unwrap_or(u16::MAX)
}

/// A buffer with the theme, and where the cursor shall stand.
pub struct Painter<'a> {
    pub buffer: &'a mut Buffer,
    pub theme: Theme,
    pub cursor: Option<Position>,
}

impl Painter<'_> {
    /// Writes text at a column and row of an area; returns the column behind it.
    pub fn text(&mut self, area: Rect, x: u16, y: u16, text: &str, style: Style) -> u16 {
        if x < area.width && y < area.height {
            let room = usize::from(area.width - x);
            self.buffer.set_stringn(area.x + x, area.y + y, text, room, style);
        }
        x.saturating_add(width(text))
    }

    /// Writes text so that it ends before column `right`.
    pub fn text_right(&mut self, area: Rect, right: u16, y: u16, text: &str, style: Style) {
        self.text(area, right.saturating_sub(width(text)), y, text, style);
    }

    /// Marks a row as focused, over a width.
    pub fn mark(&mut self, area: Rect, x: u16, y: u16, width: u16) {
        let row = Rect {
            x: area.x + x.min(area.width),
            y: area.y + y.min(area.height),
            width,
            height: 1,
        };
        self.buffer.set_style(row.intersection(area), self.theme.focus());
    }

    /// Words with an ellipsis where they are cut: from column 2 to one before the edge.
    pub fn row(&mut self, area: Rect, y: u16, words: &str, look: Style) {
        let room = usize::from(area.width.saturating_sub(3));
        self.text(area, 2, y, &wrap::cut(words, room, self.theme.ellipsis()), look);
    }

    /// Lets the cursor stand here.
    pub fn point(&mut self, area: Rect, x: u16, y: u16) {
        if x < area.width && y < area.height {
            self.cursor = Some(Position {
                x: area.x + x,
                y: area.y + y,
            });
        }
    }

    /// A horizontal rule across an area.
    pub fn rule(&mut self, area: Rect, y: u16) {
        let rule = self.theme.rule().repeat(usize::from(area.width.saturating_sub(2)));
        self.text(area, 1, y, &rule, self.theme.text());
    }

    /// A box with a title on cleared ground; returns its inside.
    pub fn panel(&mut self, area: Rect, title: &str) -> Rect {
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
    pub fn lines(&mut self, area: Rect, lines: &[Line], scroll: usize) -> usize {
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

    /// Says on the last row that there is more below. What the row held is cleared: half of it would read as all.
    pub fn more(&mut self, area: Rect, shown_from: usize, rows: usize) {
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

    /// A box in the middle of an area, with room for an inside of this size and the footer below; returns the inside.
    pub fn centred(&mut self, area: Rect, inner_width: usize, inner_height: usize, title: &str) -> Rect {
        let w = u16::try_from(inner_width + 4).unwrap_or(u16::MAX).min(area.width);
        let h = u16::try_from(inner_height + 2)
            .unwrap_or(u16::MAX)
            .min(area.height.saturating_sub(1));
        let place = Rect {
            x: area.x + (area.width - w) / 2,
            y: area.y + (area.height.saturating_sub(1) - h) / 2,
            width: w,
            height: h,
        };
        let inside = self.panel(place, title);
        Rect {
            x: inside.x + 1,
            width: inside.width.saturating_sub(2),
            ..inside
        }
    }

    /// The last row of an area for a window: its hints, or words in their place.
    pub fn foot(&mut self, area: Rect, place: Place, words: Option<&str>) {
        let row = area.height.saturating_sub(1);
        let line = Rect {
            y: area.y + row,
            height: 1,
            ..area
        };
        Clear.render(line, self.buffer);
        match words {
            Some(words) => {
                self.text(area, 1, row, words, self.theme.text());
            }
            None => self.hints(area, row, place, None),
        }
    }

    /// The hints of a place, without a command that has nothing to act on just now: as many as fit. What the job cannot
    /// be done without is the last to go.
    pub fn hints(&mut self, area: Rect, row: u16, place: Place, without: Option<Command>) {
        let shown = |binding: &&Binding| !binding.hint.is_empty() && Some(binding.command) != without;
        let mut hints: Vec<(&Binding, String, &str)> = bindings_at(place)
            .filter(shown)
            .map(|binding| {
                let key = place.keys_of(binding.command).next();
                (binding, key.map_or_else(String::new, Key::label), binding.hint)
            })
            .collect();
        let room = usize::from(area.width.saturating_sub(2));
        let columns = |(_, key, words): &(&Binding, String, &str)| wrap::columns(key) + 1 + wrap::columns(words) + 2;
        let too_long =
            |hints: &[(&Binding, String, &str)]| hints.iter().map(columns).sum::<usize>().saturating_sub(2) > room;
        if too_long(&hints) {
            hints.iter_mut().for_each(|(binding, _, words)| *words = binding.short);
        }
        while too_long(&hints) && hints.len() > 1 {
            let lightest = hints.iter().map(|(binding, ..)| binding.weight).min();
            match hints.iter().rposition(|(binding, ..)| Some(binding.weight) == lightest) {
                Some(at) => drop(hints.remove(at)),
                None => break,
            }
        }
        let mut x = 1;
        for (_, key, words) in hints {
            x = self.text(area, x, row, &key, self.theme.key()) + 1;
            x = self.text(area, x, row, words, self.theme.text()) + 2;
        }
    }
}

/// Where a box of a size sits best: below `anchor`, moved in from the right and lower edges.
pub fn popup(area: Rect, anchor: Position, width: u16, height: u16) -> Rect {
    let width = width.min(area.width);
    let x = anchor.x.min(area.right().saturating_sub(width));
    let y = anchor.y.min(area.bottom().saturating_sub(height.min(area.height)));
    Rect {
        x,
        y,
        width: width.min(area.right().saturating_sub(x)),
        height: height.min(area.bottom().saturating_sub(y)),
    }
}
