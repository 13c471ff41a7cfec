//! The review: all that would be written, who is touched by it, and what needs a yes of its own before it can be saved.

use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

use crate::session::{Document, EnginePlan, Facts, Line, Review, Tone};
use crate::tui::context::Context;
use crate::tui::keys::{Command, Place};
use crate::tui::pane::Pane;
use crate::tui::request::Request;
use crate::tui::widgets::boxes::{self, Spot};
use crate::tui::widgets::list::turned;
use crate::tui::widgets::painter::Painter;
use crate::tui::widgets::scroll::Scroll;
use crate::tui::wrap::{cut, line};
use crate::tui::{layout, words};
use crate::work::{SaveJob, Wanted};

const TITLE: &str = "Review: nothing is written yet";
const BACK: &str = "Back";
const UNDO: &str = "Undo it by itself unless I confirm within 10 minutes";
const UNDO_AFTER: Duration = Duration::from_secs(600);
const ABOUT: &str =
    "Read what would be written. Cutting someone off, or not knowing, needs its own tick before Save can be pressed.";

/// What can have the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// The box of a consent.
    Consent(usize),
    /// The box that lets the save undo itself.
    Undo,
    Back,
    Save,
}

/// An open review.
#[derive(Debug, Clone)]
pub struct Reviewing {
    review: Review,
    lines: Vec<Line>,
    /// Which consents were given, in the order of `review.consents`.
    given: Vec<bool>,
    focus: Stop,
    scroll: Scroll,
    /// Shall it undo itself unless it is confirmed? `None`: that cannot be had here.
    undo: Option<bool>,
}

impl Reviewing {
    /// The review of what is changed; `None`: it cannot be reviewed, and the news says why.
    pub fn of_edits(mut facts: Facts, context: &mut Context) -> Option<Self> {
        if !context.session.is_dirty() {
            context.report(Tone::Text, words::NOTHING_TO_SAVE);
            return None;
        }
        if facts.blocked.is_none() {
            facts.blocked.clone_from(&context.read_only);
        }
        match Review::of_edits(&context.session, &context.book, facts) {
            Ok(review) => Some(Self::new(review, context)),
            Err(error) => {
                context.report(Tone::Bad, error.to_string());
                None
            }
        }
    }

    /// The review of putting the whole file of a backup in place; `None`: something was changed meanwhile.
    pub fn of_whole(id: &str, restored: &Arc<Document>, facts: Facts, context: &mut Context) -> Option<Self> {
        if context.session.is_dirty() {
            context.report(Tone::Caution, words::DIRTY_BEFORE_WHOLE);
            return None;
        }
        let review = Review::of_whole(&context.session, &context.book, facts, restored, id);
        Some(Self::new(review, context))
    }

    fn new(review: Review, context: &Context) -> Self {
        let restarts = matches!(&review.facts.engine, EnginePlan::Restart { .. });
        // Only edits can be undone by rebasing; a whole file cannot.
        let can_undo = restarts && review.facts.no_undo.is_none() && !review.is_whole_file();
        Self {
            lines: review.lines(&context.clock),
            given: vec![false; review.consents.len()],
            review,
            focus: Stop::Back,
            scroll: Scroll::default(),
            undo: can_undo.then_some(false),
        }
    }

    /// What can have the focus, in order. Save is there only when it can be pressed.
    fn stops(&self) -> Vec<Stop> {
        let mut stops = Vec::new();
        if self.review.refusal().is_none() {
            stops.extend((0..self.given.len()).map(Stop::Consent));
            stops.extend(self.undo.map(|_| Stop::Undo));
        }
        stops.push(Stop::Back);
        stops.extend(self.can_save().then_some(Stop::Save));
        stops
    }

    /// The topmost box that can be ticked.
    fn first_box(&self) -> Option<Stop> {
        let is_box = |stop: &Stop| matches!(stop, Stop::Consent(_) | Stop::Undo);
        self.stops().into_iter().find(is_box)
    }

    /// Boxes below the text.
    fn boxes(&self) -> usize {
        self.given.len() + usize::from(self.undo.is_some())
    }

    /// Nothing stands in the way any more.
    fn can_save(&self) -> bool {
        self.review.refusal().is_none()
            && (self.review.is_whole_file() || !self.review.edits().is_empty())
            && self.given.iter().all(|given| *given)
    }

    fn job(&self, context: &Context) -> SaveJob {
        SaveJob {
            base: Arc::clone(context.session.base()),
            consents: self.review.consents.clone(),
            action: if self.review.is_whole_file() { "restore" } else { "save" },
            words: self.review.change_words(),
            proves: self.review.inbound_after(),
            engine: context.engine_wish,
            wanted: Wanted::of(&self.review),
            undo_after: (self.undo == Some(true)).then_some(UNDO_AFTER),
        }
    }

    /// The button that writes.
    fn save_label(&self) -> &'static str {
        match self.review.facts.engine {
            EnginePlan::Restart { .. } => "Stop, save, start",
            _ => "Save",
        }
    }

    /// Why there is no such button yet.
    fn why_not_yet(&self) -> &'static str {
        if self.review.refusal().is_some() {
            "cannot be saved now: see above"
        } else {
            "first tick: Tab, Space"
        }
    }
}

impl Pane for Reviewing {
    fn place(&self) -> Place {
        Place::Review
    }

    fn on(&mut self, command: Command, context: &mut Context) -> Vec<Request> {
        match (command, self.focus) {
            (Command::Back, _) | (Command::Activate, Stop::Back) => return vec![Request::Close],
            (Command::Next | Command::Right | Command::Previous | Command::Left, _) => {
                let stops = self.stops();
                let at = stops.iter().position(|stop| *stop == self.focus).unwrap_or(0);
                let to = turned(at, command, stops.len());
                self.focus = to.and_then(|to| stops.get(to).copied()).unwrap_or(Stop::Back);
            }
            (Command::Activate | Command::Toggle, Stop::Consent(index)) => {
                if let Some(given) = self.given.get_mut(index) {
                    *given = !*given;
                }
            }
            (Command::Activate | Command::Toggle, Stop::Undo) => self.undo = self.undo.map(|undo| !undo),
            // Space beside the boxes goes to the first: the footer offers it. It ticks nothing that was not looked at.
            (Command::Toggle, _) => self.focus = self.first_box().unwrap_or(self.focus),
            (Command::Activate, Stop::Save) if self.can_save() => {
                return vec![Request::Close, Request::Save(Box::new(self.job(context)))];
            }
            _ => {
                let width = usize::from(context.size.0.saturating_sub(2));
                let visible = layout::review_height(context.size, self.boxes());
                let page = layout::page(context.size);
                self.scroll.on(command, page, &self.lines, width, visible);
            }
        }
        Vec::new()
    }

    fn draw(&self, _: &Context, area: Rect, painter: &mut Painter<'_>) {
        let theme = painter.theme;
        Clear.render(area, painter.buffer);
        painter.text(area, 1, 0, TITLE, theme.heading());
        painter.rule(area, 1);
        let visible = layout::review_height((area.width, area.height), self.boxes());
        let height = u16::try_from(visible).unwrap_or(u16::MAX);
        let body = Rect {
            x: area.x + 1,
            y: area.y + 2,
            width: area.width.saturating_sub(2),
            height,
        };
        let rows = painter.lines(body, &self.lines, self.scroll.0);
        painter.more(body, self.scroll.0, rows);

        let mut y = 2 + height;
        painter.rule(area, y);
        y += 1;
        let spot = |x, y, stop| Spot {
            area,
            x,
            y,
            focused: self.focus == stop,
        };
        let look = if self.review.refusal().is_some() {
            theme.text()
        } else {
            theme.caution()
        };
        for (index, (consent, given)) in self.review.consents.iter().zip(&self.given).enumerate() {
            let words = self.review.question(*consent);
            boxes::check_box(spot(1, y, Stop::Consent(index)), *given, &words, look, painter);
            y += 1;
        }
        if let Some(undo) = self.undo {
            boxes::check_box(spot(1, y, Stop::Undo), undo, UNDO, theme.text(), painter);
            y += 1;
        }
        let x = boxes::button(spot(1, y, Stop::Back), BACK, painter) + 2;
        if self.can_save() {
            boxes::button(spot(x, y, Stop::Save), self.save_label(), painter);
        } else {
            let room = usize::from(area.width.saturating_sub(x + 1));
            let words = cut(self.why_not_yet(), room, theme.ellipsis());
            painter.text(area, x, y, &words, theme.bad());
        }
        // A refused review has no box that could be ticked.
        let idle = self.first_box().is_none().then_some(Command::Toggle);
        painter.hints(area, y + 1, Place::Review, idle);
    }

    fn about(&self, _: &Context) -> Vec<Line> {
        vec![line(Tone::Text, ABOUT)]
    }

    fn covers_all(&self) -> bool {
        true
    }
}
