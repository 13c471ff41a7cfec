//! The tab TLS Options: a check box, two drop-downs, and below them the panel of who is touched.
//!
//! ```text
//!    Minimum TLS version                                 [ ] same for both
//!  * Inbound   SMTP IMAP POP3 HTTPS       [ TLS 1.2              v ]         opened, a drop-down covers
//!    Outbound  SMTP to other servers      [ Server default       v ]         the rows below its field
//!    ! Inbound (TLS 1.2) and outbound (Server default) differ ...
//!
//!    Inbound at TLS 1.2                                      mail in 30 days
//!    x 198.51.100.7               TLS 1.0 only     probed today 14:01      41
//! ```

use ratatui::layout::Rect;

use crate::peers::{Assessed, Impact, Threshold, Verdict, assess};
use crate::session::{Line, Tone, unknown_words};
use crate::tls::{Direction, Minimum};
use crate::tui::context::Context;
use crate::tui::keys::{Command, Place};
use crate::tui::layout::{self, FIELDS, NARROW};
use crate::tui::pane::Pane;
use crate::tui::request::{Opening, Request};
use crate::tui::widgets::boxes::{self, Spot};
use crate::tui::widgets::list::turned;
use crate::tui::widgets::painter::{Painter, width};
use crate::tui::widgets::peer_row::{self, Heading};
use crate::tui::{questions, words, wrap};

const TITLE: &str = "Minimum TLS version";
const SAME_FOR_BOTH: &str = "same for both";
const ALL_FINE: &str = "+ Everyone known can do it.";
const NOT_MEASURED: &str = "? Who that cuts off is not known: the default was never measured (v asks).";

/// Columns of a drop-down field between its brackets.
const FIELD: usize = 20;

/// Rows that the panel keeps, however much there is to note.
const PANEL_ROWS: u16 = 4;

/// What has the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Focus {
    SameForBoth,
    Field(Direction),
    Panel,
}

/// From the top; the box stands first because it is the topmost.
const STOPS: [Focus; 4] = [
    Focus::SameForBoth,
    Focus::Field(Direction::Inbound),
    Focus::Field(Direction::Outbound),
    Focus::Panel,
];

/// The tab.
#[derive(Debug, Clone)]
pub struct Options {
    focus: Focus,
    /// Whose field had the focus last: the panel is about it.
    subject: Direction,
    /// First row shown of the panel.
    scroll: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            focus: Focus::Field(Direction::Inbound),
            subject: Direction::Inbound,
            scroll: 0,
        }
    }
}

impl Options {
    fn move_focus(&mut self, command: Command) {
        let at = STOPS.iter().position(|stop| *stop == self.focus).unwrap_or(0);
        let to = turned(at, command, STOPS.len());
        if let Some(stop) = to.and_then(|to| STOPS.get(to)) {
            self.focus = *stop;
        }
        if let Focus::Field(direction) = self.focus
            && direction != self.subject
        {
            self.subject = direction;
            self.scroll = 0;
        }
    }

    fn scroll_panel(&mut self, command: Command, context: &Context) {
        let minimum = context.session.minimum(self.subject);
        let threshold = context.session.threshold(self.subject, &minimum);
        let rows = panel_rows(&assess(&context.book, self.subject, threshold));
        let visible = panel_shows(context);
        // One row stays in sight from page to page: the last one, which says how many are below.
        let page = visible.saturating_sub(1).max(1);
        let moved = match command {
            Command::Up => self.scroll.saturating_sub(1),
            Command::Down => self.scroll + 1,
            Command::PageUp => self.scroll.saturating_sub(page),
            Command::PageDown => self.scroll + page,
            Command::Last => rows,
            _ => 0,
        };
        self.scroll = moved.min(rows.saturating_sub(visible));
    }

    fn activate(&mut self, context: &mut Context) -> Vec<Request> {
        match self.focus {
            Focus::SameForBoth => {
                let ticked = context.session.same_for_both();
                context.session.set_same_for_both(!ticked);
                Vec::new()
            }
            Focus::Field(_) if context.refuses_changes() => Vec::new(),
            Focus::Field(direction) => {
                self.scroll = 0;
                vec![Request::Open(Opening::DropDown(direction))]
            }
            Focus::Panel => Vec::new(),
        }
    }

    fn draw_panel(&self, context: &Context, area: Rect, painter: &mut Painter<'_>) {
        if area.height < 2 {
            return;
        }
        let theme = painter.theme;
        let subject = || (self.subject, context.session.minimum(self.subject));
        let (direction, minimum) = context.preview.clone().unwrap_or_else(subject);
        let threshold = context.session.threshold(direction, &minimum);
        let impact = assess(&context.book, direction, threshold);
        let heading = Heading {
            direction,
            minimum: &minimum,
            window_days: (!context.book.peers.is_empty()).then_some(context.book.window_days),
        };
        heading.draw(area, 0, 5, painter);
        if self.focus == Focus::Panel {
            painter.mark(area, 2, 0, width(&heading.words()));
            painter.point(area, 2, 0);
        }
        let rest = layout::below(area, 1);
        if impact.coverage.all == 0 {
            painter.row(rest, 0, &words::nobody(Some(direction)), theme.caution());
            return;
        }
        let mut y = 0;
        if threshold == Threshold::NotKnown {
            painter.row(rest, y, NOT_MEASURED, theme.caution());
            y += 1;
        }
        let listed: Vec<&Assessed<'_>> = impact.rows.iter().filter(|row| is_listed(row)).collect();
        let unknown = impact.counts.unknown;
        if listed.is_empty() && unknown == 0 {
            painter.text(rest, 2, y, ALL_FINE, theme.text());
            return;
        }
        let rows = panel_rows(&impact);
        let visible = usize::from(rest.height.saturating_sub(y));
        let first = self.scroll.min(rows.saturating_sub(visible));
        for row in listed.iter().skip(first) {
            peer_row::draw(row, rest, y, &context.clock, painter);
            y += 1;
        }
        if unknown > 0 && y < rest.height {
            let mail = impact.counts.unknown_messages.to_string();
            let right = rest.width.saturating_sub(1);
            let words = format!("? {}", unknown_words(unknown, threshold));
            let room = usize::from(right.saturating_sub(3 + width(&mail)));
            painter.text(rest, 2, y, &wrap::cut(&words, room, theme.ellipsis()), theme.caution());
            painter.text_right(rest, right, y, &mail, theme.text());
        }
        painter.more(rest, first, rows + usize::from(threshold == Threshold::NotKnown));
    }
}

impl Pane for Options {
    fn place(&self) -> Place {
        match self.focus {
            Focus::SameForBoth => Place::CheckBox,
            Focus::Field(_) => Place::Field,
            Focus::Panel => Place::Panel,
        }
    }

    fn on(&mut self, command: Command, context: &mut Context) -> Vec<Request> {
        let on_panel = self.focus == Focus::Panel;
        match command {
            Command::Down if on_panel => self.scroll_panel(command, context),
            Command::Up if on_panel && self.scroll > 0 => self.scroll_panel(command, context),
            Command::PageDown | Command::PageUp | Command::First | Command::Last => {
                self.scroll_panel(command, context);
            }
            Command::Next | Command::Previous | Command::Down | Command::Up => self.move_focus(command),
            Command::Activate | Command::Toggle => return self.activate(context),
            Command::Revert => {
                if let Focus::Field(direction) = self.focus {
                    let done = context.session.revert_minimum(direction);
                    return context.changed(done, words::reverted(done));
                }
            }
            Command::Probe => return questions::ask_whom(None, context),
            _ => return Request::turn_tab(command).into_iter().collect(),
        }
        Vec::new()
    }

    fn draw(&self, context: &Context, area: Rect, painter: &mut Painter<'_>) {
        let area = Rect {
            width: area.width.min(layout::READABLE),
            ..area
        };
        let theme = painter.theme;
        painter.text(area, 2, 0, TITLE, theme.heading());
        let ticked = context.session.same_for_both();
        let box_width = width(&boxes::check_box_label(ticked, SAME_FOR_BOTH));
        let spot = Spot {
            area,
            x: area.width.saturating_sub(1 + box_width),
            y: 0,
            focused: self.focus == Focus::SameForBoth,
        };
        boxes::check_box(spot, ticked, SAME_FOR_BOTH, theme.text(), painter);
        for direction in Direction::ALL {
            field(direction, self.focus == Focus::Field(direction), context, area, painter);
        }
        // An open drop-down covers the rows below its field: no note is half hidden behind it, and the panel begins
        // under it.
        let top = match &context.preview {
            Some((direction, _)) => layout::field_row(*direction) + 1 + layout::DROP_DOWN,
            None => {
                let mut row = FIELDS;
                for note in note_rows(context, (area.width, area.height)) {
                    painter.text(area, 2, row, &note, theme.caution());
                    row += 1;
                }
                row + u16::from(area.height >= 12)
            }
        };
        self.draw_panel(context, layout::below(area, top), painter);
    }

    fn about(&self, _: &Context) -> Vec<Line> {
        match self.focus {
            Focus::Field(direction) => words::about_direction(direction),
            Focus::SameForBoth => vec![wrap::line(
                Tone::Text,
                "Ticked, a choice counts for inbound and outbound. The vendor advises the same for both; tune them \
                 apart on purpose only.",
            )],
            Focus::Panel => vec![wrap::line(
                Tone::Text,
                "Who is touched by the minimum above: x cut off, ! evidence disagrees, - without TLS already, ? \
                 never measured. The tab Peers lists everyone.",
            )],
        }
    }
}

fn is_listed(row: &Assessed<'_>) -> bool {
    matches!(row.verdict, Verdict::CutOff | Verdict::Mixed | Verdict::Plain)
}

/// Rows of the panel: everyone who is not fine, and one row for the unknown.
fn panel_rows(impact: &Impact<'_>) -> usize {
    impact.rows.iter().filter(|row| is_listed(row)).count() + usize::from(impact.counts.unknown > 0)
}

/// Rows that the panel shows at once.
fn panel_shows(context: &Context) -> usize {
    let (width, height) = context.size;
    let body = layout::body_height(height);
    let form = (width.min(layout::READABLE), body);
    layout::panel_height(body, note_rows(context, form).len())
}

/// The notes as rows of a body of this size. They are wrapped, not cut: half a warning is none. Only where the panel
/// would have no room left is the last row cut; the review has them all.
fn note_rows(context: &Context, (width, height): (u16, u16)) -> Vec<String> {
    let columns = usize::from(width.saturating_sub(4));
    let ellipsis = context.theme.ellipsis();
    let mut rows: Vec<String> = notes(context)
        .into_iter()
        .flat_map(|note| wrap::rows(&wrap::indented(Tone::Caution, note, 2), columns, ellipsis))
        .collect();
    let room = usize::from(height.saturating_sub(FIELDS + PANEL_ROWS).max(1));
    if rows.len() > room {
        rows.truncate(room);
        if let Some(last) = rows.last_mut() {
            *last = wrap::cut(&format!("{last} {ellipsis}"), columns, ellipsis);
        }
    }
    rows
}

/// What must be said right under the fields.
fn notes(context: &Context) -> Vec<String> {
    let mut notes = Vec::new();
    let refused = context
        .refused
        .as_ref()
        .and_then(|refused| refused.line(&context.clock));
    notes.extend(refused.map(|words| format!("x {words}")));
    for direction in Direction::ALL {
        if let Minimum::Custom(why) = context.session.minimum(direction) {
            notes.push(format!("! {direction} is custom: {why}"));
        }
    }
    if let Some(difference) = context.session.wanted().difference() {
        notes.push(format!("! {difference}"));
    }
    notes
}

fn field(direction: Direction, focused: bool, context: &Context, area: Rect, painter: &mut Painter<'_>) {
    let theme = painter.theme;
    let y = layout::field_row(direction);
    if context.session.is_minimum_dirty(direction) {
        painter.text(area, 0, y, "*", theme.dirty());
    }
    painter.text(area, 2, y, &direction.to_string(), theme.text());
    if area.width >= NARROW {
        let apart = context.session.measured().governs.smtp_follows_outbound() == Some(true);
        let covers = match (direction, apart) {
            (Direction::Inbound, false) => "SMTP IMAP POP3 HTTPS",
            (Direction::Inbound, true) => "IMAP POP3 HTTPS",
            (Direction::Outbound, false) => "SMTP to other servers",
            (Direction::Outbound, true) => "SMTP, both directions",
        };
        painter.text(area, 12, y, covers, theme.text());
    }
    let value = context.session.minimum(direction);
    let x = if area.width < NARROW { 12 } else { 41 };
    let spot = Spot { area, x, y, focused };
    boxes::labelled(spot, &format!("[ {value:<FIELD$} v ]"), 2, theme.text(), painter);
}
