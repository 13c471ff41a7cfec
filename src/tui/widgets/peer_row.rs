//! A peer on one row: mark, host (and a name where there is room), verdict, evidence, messages.

use ratatui::layout::Rect;

use crate::peers::{Assessed, Verdict};
use crate::session::{Clock, amount, evidence_words, verdict_words, words_of};
use crate::tls::{Direction, Minimum};
use crate::tui::layout::{NARROW, READABLE};
use crate::tui::wrap;

use super::painter::{Painter, width};

/// Draws the row of a peer.
pub fn draw(row: &Assessed<'_>, area: Rect, y: u16, clock: &Clock, painter: &mut Painter<'_>) {
    let theme = painter.theme;
    let look = theme.verdict(row.verdict);
    let narrow = area.width < NARROW;
    let host = row.peer.key.host_and_port();
    let host = match row.peer.names.first() {
        Some(name) if *name != host && area.width >= READABLE => format!("{host} ({name})"),
        _ => host,
    };
    let host_width = if narrow { 16 } else { 26 + area.width.saturating_sub(80) };
    let cut = |text: &str, width: u16| wrap::cut(text, usize::from(width), theme.ellipsis());
    painter.text(area, 2, y, &words_of(row.verdict).mark.to_string(), look);
    painter.text(area, 4, y, &cut(&host, host_width), look);
    let x = 4 + host_width + 1;
    let mail = row.peer.messages.to_string();
    let right = area.width.saturating_sub(1);
    let room = right.saturating_sub(x + width(&mail) + 1);
    let verdict = verdict_words(row.verdict, row.highest);
    let seen = row
        .decisive
        .map(|evidence| evidence_words(evidence.source, evidence.last_seen, clock));
    let words = match seen {
        Some(seen) if !narrow && row.verdict != Verdict::Unknown && row.verdict != Verdict::Plain => {
            format!("{verdict:<16} {seen}")
        }
        _ => verdict,
    };
    painter.text(area, x, y, &cut(&words, room), theme.text());
    painter.text_right(area, right, y, &mail, theme.text());
}

/// Above peers: the direction and the minimum that they are held against, and the days that their amounts stand for.
#[derive(Debug, Clone, Copy)]
pub struct Heading<'a> {
    /// Direction.
    pub direction: Direction,
    /// Minimum.
    pub minimum: &'a Minimum,
    /// Days; `None`: there are no amounts.
    pub window_days: Option<u32>,
}

impl Heading<'_> {
    /// Its words.
    pub fn words(&self) -> String {
        format!("{} at {}", self.direction, self.minimum)
    }

    /// Draws it; the days only with `gap` columns between them and the words.
    pub fn draw(&self, area: Rect, y: u16, gap: u16, painter: &mut Painter<'_>) {
        let theme = painter.theme;
        let end = painter.text(area, 2, y, &self.words(), theme.heading());
        if let Some(days) = self.window_days {
            let days = format!("mail in {}", amount(days, "day", "days"));
            if end + width(&days) + gap < area.width {
                painter.text_right(area, area.width.saturating_sub(1), y, &days, theme.text());
            }
        }
    }
}
