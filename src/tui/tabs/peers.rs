//! The tab Peers: everyone we exchange mail with, held against the minimums that are wanted now.

use ratatui::layout::Rect;

use crate::peers::{Assessed, Peer, PeerKey, Trouble, assess};
use crate::session::{Line, Tone, Wrap, amount, evidence_words, knowledge_words, verdict_words, words_of};
use crate::tls::Direction;
use crate::tui::context::Context;
use crate::tui::keys::{Command, Place};
use crate::tui::pane::Pane;
use crate::tui::request::{Opening, Request};
use crate::tui::widgets::list;
use crate::tui::widgets::painter::Painter;
use crate::tui::widgets::peer_row::{self, Heading};
use crate::tui::wrap::{indented, line};
use crate::tui::{layout, questions, words};

/// The tab: which row is marked.
#[derive(Debug, Clone, Default)]
pub struct Peers {
    selected: usize,
}

/// A row of the list: each direction has a heading of its own, and rows and headings together are what scrolls.
enum Item<'a> {
    Heading(Direction),
    Peer(&'a Assessed<'a>),
}

/// All peers, outbound after inbound, each with its verdict at the wanted minimum of its direction.
fn rows(context: &Context) -> Vec<Assessed<'_>> {
    Direction::ALL
        .into_iter()
        .flat_map(|direction| {
            let threshold = context
                .session
                .threshold(direction, &context.session.minimum(direction));
            assess(&context.book, direction, threshold).rows
        })
        .collect()
}

impl Peers {
    fn marked<'a>(&self, rows: &'a [Assessed<'a>]) -> Option<&'a Assessed<'a>> {
        rows.get(self.selected.min(rows.len().saturating_sub(1)))
    }

    /// The marked peer, if it can be asked by itself.
    fn to_ask(&self, context: &Context) -> Option<PeerKey> {
        let rows = rows(context);
        let key = rows.get(self.selected).map(|row| row.peer.key.clone())?;
        // What a caller's own port 25 answers says nothing of the program that calls from there.
        (key.direction == Direction::Outbound).then_some(key)
    }
}

impl Pane for Peers {
    fn place(&self) -> Place {
        Place::Peers
    }

    fn on(&mut self, command: Command, context: &mut Context) -> Vec<Request> {
        if let Some(turn) = Request::turn_tab(command) {
            return vec![turn];
        }
        match command {
            Command::Probe => return questions::ask_whom(self.to_ask(context), context),
            Command::Activate => {
                let rows = rows(context);
                match self.marked(&rows) {
                    Some(row) => {
                        let (title, lines) = details(row, context);
                        return vec![Request::Open(Opening::Text { title, lines })];
                    }
                    None => context.report(Tone::Text, words::nobody(None)),
                }
            }
            _ => {
                let count = rows(context).len();
                let page = layout::page(context.size);
                self.selected = list::moved(self.selected, command, page, count).unwrap_or(self.selected);
            }
        }
        Vec::new()
    }

    fn draw(&self, context: &Context, area: Rect, painter: &mut Painter<'_>) {
        let theme = painter.theme;
        let rows = rows(context);
        let warning = |y: u16, warning: &String, painter: &mut Painter<'_>| {
            painter.row(area, y, &format!("! {warning}"), theme.caution());
        };
        let Some(marked) = self.marked(&rows) else {
            painter.text(area, 2, 0, &words::nobody(None), theme.caution());
            for (y, words) in (2..).zip(&context.book.warnings) {
                warning(y, words, painter);
            }
            painter.point(area, 2, 0);
            return;
        };
        let warnings = u16::try_from(context.book.warnings.len().min(3)).unwrap_or(0);
        let troubles = since_save(context, usize::from(area.height / 6).min(3));
        let head = Rect {
            x: area.x + 2,
            width: area.width.saturating_sub(3),
            ..area
        };
        let top = u16::try_from(painter.lines(head, &troubles, 0)).unwrap_or(0);
        let body = Rect {
            y: area.y + top.min(area.height),
            height: area.height.saturating_sub(warnings + top),
            ..area
        };
        let (list, beside) = list::side_by_side(body);
        let items = items(&rows);
        let is_marked = |item: &Item<'_>| matches!(item, Item::Peer(row) if std::ptr::eq(*row, marked));
        let at = items.iter().position(is_marked).unwrap_or(0);
        for (y, item, is_marked) in list::in_sight(&items, at, list.height) {
            match item {
                Item::Heading(direction) => {
                    let heading = Heading {
                        direction: *direction,
                        minimum: &context.session.minimum(*direction),
                        window_days: Some(context.book.window_days),
                    };
                    heading.draw(list, y, 2, painter);
                }
                Item::Peer(row) => peer_row::draw(row, list, y, &context.clock, painter),
            }
            if is_marked {
                painter.mark(list, 1, y, list.width.saturating_sub(2));
                painter.point(list, 2, y);
            }
        }
        if let Some(beside) = beside {
            let (title, lines) = details(marked, context);
            painter.text(beside, 0, 0, &title, theme.heading());
            painter.lines(layout::below(beside, 1), &lines, 0);
        }
        for (y, words) in (top + list.height..area.height).zip(&context.book.warnings) {
            warning(y, words, painter);
        }
    }

    fn about(&self, _: &Context) -> Vec<Line> {
        vec![line(
            Tone::Text,
            "Everyone we exchanged mail with, held against the minimums that are wanted now. Enter shows the evidence.",
        )]
    }
}

fn items<'a>(rows: &'a [Assessed<'a>]) -> Vec<Item<'a>> {
    let mut items = Vec::with_capacity(rows.len() + 2);
    let mut last = None;
    for row in rows {
        let direction = row.peer.key.direction;
        if last != Some(direction) {
            last = Some(direction);
            items.push(Item::Heading(direction));
        }
        items.push(Item::Peer(row));
    }
    items
}

/// Whose mail is delayed or failing since the last save; the first `named` of them with the remote server's words.
fn since_save(context: &Context, named: usize) -> Vec<Line> {
    let refused = context
        .refused
        .as_ref()
        .and_then(|refused| refused.line(&context.clock));
    let refused = refused.map(|words| line(Tone::Bad, format!("x {words}")));
    let Some((at, troubles)) = context.since_save.as_ref().filter(|(_, all)| !all.is_empty()) else {
        return refused.into_iter().collect();
    };
    let new = troubles
        .iter()
        .filter(|trouble| trouble.worked_before && !trouble.troubled_before)
        .count();
    let mut lines = vec![line(
        Tone::Bad,
        format!(
            "x Since the save of {}: {} delayed or failing, {new} of them newly",
            context.clock.date_and_time(*at),
            amount(troubles.len(), "peer", "peers"),
        ),
    )];
    lines.extend(refused);
    // One row each: the whole words stand in the peer's own view.
    lines.extend(troubles.iter().take(named).map(|trouble| Line {
        wrap: Wrap::Cut,
        ..indented(
            Tone::Text,
            format!("    {}: {}", trouble.peer.host_and_port(), trouble.status),
            4,
        )
    }));
    lines
}

/// All about a peer: verdict, why, and the raw evidence.
fn details(assessed: &Assessed<'_>, context: &Context) -> (String, Vec<Line>) {
    let peer = assessed.peer;
    let mut verdict = words::field("verdict", verdict_words(assessed.verdict, assessed.highest));
    verdict.tone = words_of(assessed.verdict).tone;
    let mut lines = vec![words::field("direction", peer.key.direction.to_string()), verdict];
    if !peer.names.is_empty() {
        lines.push(words::field("names", peer.names.join(", ")));
    }
    let logs_in = if peer.authenticated { "; it logs in" } else { "" };
    lines.push(words::field(
        "mail",
        format!(
            "{} in {}, {} delayed, {} failed{logs_in}",
            peer.messages,
            amount(context.book.window_days, "day", "days"),
            peer.delayed,
            peer.failed
        ),
    ));
    if let Some(note) = &peer.note {
        lines.push(words::field("note", note));
    }
    if let Some(trouble) = trouble(peer, context) {
        lines.extend(trouble_lines(trouble, context));
    }
    lines.push(words::field("why", crate::peers::conclude(peer, context.clock.now).why));
    lines.push(line(Tone::Text, ""));
    lines.push(line(Tone::Heading, "Evidence"));
    if peer.evidence.is_empty() {
        lines.push(line(Tone::Text, "None: mail went by, and nothing was seen of its TLS."));
    }
    for evidence in &peer.evidence {
        let decides = assessed
            .decisive
            .is_some_and(|decisive| std::ptr::eq(decisive, evidence));
        let mark = if decides { '>' } else { ' ' };
        let seen = evidence_words(evidence.source, evidence.last_seen, &context.clock);
        let known = knowledge_words(&evidence.knowledge);
        lines.push(line(Tone::Text, format!("{mark} {seen}: {known}")));
        if !evidence.raw.is_empty() {
            lines.push(indented(Tone::Context, format!("    {}", evidence.raw), 4));
        }
    }
    (peer.key.host_and_port(), lines)
}

/// What the remote server said of mail that is delayed or failing since the last save.
fn trouble<'a>(peer: &Peer, context: &'a Context) -> Option<&'a Trouble> {
    let (_, troubles) = context.since_save.as_ref()?;
    troubles.iter().find(|trouble| trouble.peer == peer.key)
}

fn trouble_lines(trouble: &Trouble, context: &Context) -> [Line; 2] {
    let clock = &context.clock;
    let since = trouble
        .worked_since
        .map_or_else(String::new, |at| format!("; it worked again {}", clock.day(at)));
    let many = if trouble.at_least { "at least " } else { "" };
    let mut words = words::field(
        "since save",
        format!(
            "{many}{} delayed or failing ({}), first {}, last {}{since}",
            trouble.count,
            trouble.novelty(),
            clock.day(trouble.first),
            clock.day(trouble.last)
        ),
    );
    words.tone = Tone::Bad;
    [words, words::field("it says", &trouble.status)]
}
