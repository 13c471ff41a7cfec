//! An open drop-down: every row says what is known of who would be cut off, and how much is not known.

use ratatui::layout::{Position, Rect};

use crate::session::{Line, Tone, cut_off_line, cut_off_narrow};
use crate::tls::{CHOICES, Direction, Minimum};
use crate::tui::context::Context;
use crate::tui::keys::{Command, Place};
use crate::tui::layout::{self, NARROW};
use crate::tui::pane::Pane;
use crate::tui::request::Request;
use crate::tui::widgets::list;
use crate::tui::widgets::painter::{Painter, popup, width};
use crate::tui::words;

/// Columns of a choice in a narrow drop-down; only the server's default, which has no counts beside it, is longer.
const NAME_NARROW: usize = 8;

/// An open drop-down.
#[derive(Debug, Clone)]
pub struct DropDown {
    direction: Direction,
    /// The marked row of [`CHOICES`].
    selected: usize,
}

impl DropDown {
    /// Opens it on what is wanted now.
    pub fn new(direction: Direction, context: &Context) -> Self {
        let wanted = context.session.minimum(direction);
        let selected = CHOICES.iter().position(|choice| choice.is_already(&wanted));
        Self {
            direction,
            selected: selected.unwrap_or(0),
        }
    }

    fn choose(&self, context: &mut Context) -> Vec<Request> {
        let Some(choice) = CHOICES.get(self.selected).copied() else {
            return Vec::new();
        };
        match context.session.choose(self.direction, choice) {
            Ok(done) => {
                let words = if context.session.is_minimum_dirty(self.direction) {
                    format!("{choice}: not written yet; F6 reviews.")
                } else {
                    words::AS_LOADED.to_owned()
                };
                context.changed(done, words)
            }
            Err(error) => {
                context.report(Tone::Bad, error.to_string());
                Vec::new()
            }
        }
    }
}

impl Pane for DropDown {
    fn place(&self) -> Place {
        Place::DropDown
    }

    fn on(&mut self, command: Command, context: &mut Context) -> Vec<Request> {
        let mut requests = Vec::new();
        match command {
            Command::Back => requests.push(Request::Close),
            Command::Activate => {
                requests.push(Request::Close);
                requests.extend(self.choose(context));
            }
            _ => {
                self.selected =
                    list::moved(self.selected, command, CHOICES.len(), CHOICES.len()).unwrap_or(self.selected)
            }
        }
        requests
    }

    fn draw(&self, context: &Context, area: Rect, painter: &mut Painter<'_>) {
        let theme = painter.theme;
        let narrow = area.width < NARROW;
        let rows: Vec<(String, bool)> = CHOICES
            .into_iter()
            .zip(context.counts(self.direction))
            .map(|(choice, (threshold, counts))| {
                let choice = choice.to_string();
                let words = if narrow {
                    let room = usize::from(area.width).saturating_sub(NAME_NARROW + 5);
                    format!("{choice:<NAME_NARROW$} {}", cut_off_narrow(*threshold, counts, room))
                } else {
                    format!("{choice:<14} {}", cut_off_line(*threshold, counts))
                };
                (words, counts.cut_off > 0)
            })
            .collect();
        let widest = rows.iter().map(|(words, _)| width(words)).max().unwrap_or(0);
        let anchor = Position {
            x: area.x + if narrow { 1 } else { 28 },
            y: area.y + layout::body_top(area.height) + layout::field_row(self.direction) + 1,
        };
        let place = popup(area, anchor, (widest + 5).max(40), layout::DROP_DOWN);
        let inside = painter.panel(place, "");
        for (y, (index, (words, cuts_off))) in (0_u16..).zip(rows.iter().enumerate()) {
            let is_marked = index == self.selected;
            let mark = if is_marked { '>' } else { ' ' };
            let look = if *cuts_off { theme.bad() } else { theme.text() };
            let width = usize::from(inside.width).saturating_sub(1);
            painter.text(inside, 0, y, &format!("{mark}{words:<width$}"), look);
            if is_marked {
                painter.mark(inside, 0, y, inside.width);
                painter.point(inside, 0, y);
            }
        }
    }

    fn about(&self, _: &Context) -> Vec<Line> {
        words::about_direction(self.direction)
    }

    fn preview(&self) -> Option<(Direction, Minimum)> {
        let choice = CHOICES.get(self.selected).copied()?;
        Some((self.direction, choice.into()))
    }
}
