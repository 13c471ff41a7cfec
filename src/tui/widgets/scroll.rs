//! A text that is longer than its window: which row is the first in sight.

use crate::session::Line;
use crate::tui::keys::Command;
use crate::tui::wrap;

/// The first row in sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scroll(pub usize);

impl Scroll {
    /// Moves by a command, never further than to the last full window of `visible` rows.
    pub fn on(&mut self, command: Command, page: usize, lines: &[Line], width: usize, visible: usize) {
        let last = wrap::height(lines, width).saturating_sub(visible);
        self.0 = match command {
            Command::Up => self.0.saturating_sub(1),
            Command::Down => self.0 + 1,
            Command::PageUp => self.0.saturating_sub(page),
            Command::PageDown => self.0 + page,
            Command::First => 0,
            Command::Last => last,
            _ => self.0,
        }
        .min(last);
    }
}
