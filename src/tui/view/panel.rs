//! Who is touched: the peers behind the numbers, with evidence, its date, and how much mail each stands for.

use ratatui::layout::Rect;

use crate::peers::{Assessed, Threshold, Verdict, assess};
use crate::session::{Clock, describe_minimum, evidence_words, host_label, mark, verdict_words};
use crate::tui::layout::{NARROW, READABLE};
use crate::tui::state::{Focus, State};
use crate::tui::{text, wrap};

use super::parts::{Painter, width};

pub(super) fn draw(state: &State, area: Rect, painter: &mut Painter<'_>) {
    if area.height < 2 {
        return;
    }
    let theme = state.theme;
    let (direction, minimum) = state.panel_subject();
    let threshold = state.session.threshold(direction, &minimum);
    let impact = assess(&state.book, direction, threshold);

    let title = text::panel_title(direction, &describe_minimum(&minimum));
    let end = painter.text(area, 2, 0, &title, theme.heading());
    if state.focus == Focus::Panel {
        painter.mark(area, 2, 0, width(&title));
        painter.point(area, 2, 0);
    }
    if !state.book.peers.is_empty() && end + 20 < area.width {
        painter.text_right(
            area,
            area.width.saturating_sub(1),
            0,
            &text::window(state.book.window_days),
            theme.text(),
        );
    }
    let rest = Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    };
    let room = usize::from(area.width.saturating_sub(3));
    if impact.coverage.all == 0 {
        painter.text(
            rest,
            2,
            0,
            &wrap::cut(&text::nobody(Some(direction)), room, theme.ellipsis()),
            theme.caution(),
        );
        return;
    }
    let mut y = 0;
    if threshold == Threshold::NotKnown {
        painter.text(
            rest,
            2,
            y,
            &wrap::cut(text::PANEL_UNKNOWN, room, theme.ellipsis()),
            theme.caution(),
        );
        y += 1;
    }
    let listed: Vec<&Assessed<'_>> = impact
        .rows
        .iter()
        .filter(|row| matches!(row.verdict, Verdict::CutOff | Verdict::Mixed | Verdict::Plain))
        .collect();
    let unknown = impact.counts.unknown;
    if listed.is_empty() && unknown == 0 {
        painter.text(rest, 2, y, text::PANEL_ALL_FINE, theme.text());
        return;
    }
    let rows = text::panel_rows(&impact);
    let visible = usize::from(rest.height.saturating_sub(y));
    // Never scroll further than to the last full page.
    let first = state.panel_scroll.min(rows.saturating_sub(visible));
    for row in listed.iter().skip(first) {
        peer_row(row, rest, y, &state.clock, painter);
        y += 1;
    }
    if unknown > 0 && y < rest.height {
        let mail = impact.counts.unknown_messages.to_string();
        let right = rest.width.saturating_sub(1);
        let words = format!("? {}", text::unknown(unknown));
        let room = usize::from(right.saturating_sub(3 + width(&mail)));
        painter.text(rest, 2, y, &wrap::cut(&words, room, theme.ellipsis()), theme.caution());
        painter.text_right(rest, right, y, &mail, theme.text());
    }
    painter.more(rest, first, rows + usize::from(threshold == Threshold::NotKnown));
}

/// One peer on one row: mark, host (and names where there is room), verdict, evidence, messages.
pub(super) fn peer_row(row: &Assessed<'_>, area: Rect, y: u16, clock: &Clock, painter: &mut Painter<'_>) {
    let theme = painter.theme;
    let look = theme.verdict(row.verdict);
    let narrow = area.width < NARROW;
    let host = host_label(&row.peer.key);
    let host = match row.peer.names.first() {
        Some(name) if *name != host && area.width >= READABLE => format!("{host} ({name})"),
        _ => host,
    };
    let host_width = if narrow { 16 } else { 26 + area.width.saturating_sub(80) };
    let cut = |text: &str, width: u16| wrap::cut(text, usize::from(width), theme.ellipsis());
    painter.text(area, 2, y, &mark(row.verdict).to_string(), look);
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
