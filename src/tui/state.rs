//! The screen as a value: the tabs, the windows over them or a save that runs, and what is still to be answered.
//!
//! Two rules keep answers of workers from doing harm. Requests are numbered ([`Asker`]), and only the answer to the
//! newest request of a kind is taken. And an answer never opens a window over another one: it waits until none is open.
//! While a save runs, everything waits that is not the save's own.

use std::collections::VecDeque;

use crate::session::{Clock, Session, Tone, variable_rows};
use crate::tls::{Direction, Role};
use crate::work::{self, Asker, Event};

use super::context::Context;
use super::keys::Place;
use super::pane::Pane;
use super::questions::NOTHING_TO_RESET;
use super::request::{Opening, Request};
use super::tabs::Tabs;
use super::theme::Theme;
use super::windows::Windows;
use super::windows::saving::Saving;
use super::{commands, wrap};

const RECOVERED_TITLE: &str = "After an earlier save";
const RESET_DONE: &str = "Custom TLS variables will be deleted. Nothing is written before you review and save.";
const DRAFT_TAKEN: &str = "The edits of the earlier session are back. Review them before saving.";

/// Something to be done, by the loop or by the workers.
#[derive(Debug, Clone)]
pub enum Effect {
    /// By the workers; what answers comes back with the same asker.
    Work(Asker, work::Effect),
    /// Give the terminal back and stop until `fg`.
    Suspend,
    /// Paint everything.
    Repaint,
    /// Leave.
    Quit,
}

/// Requests of which only the newest is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaited {
    /// A review, of edits or of a whole file.
    Review,
    /// Whom a probe would ask.
    Plan,
    /// What the server's own ports accept.
    Proof,
    /// What differs between a backup and the file now.
    Difference,
    /// The reading of evidence.
    Evidence,
}

impl Awaited {
    fn by(effect: &work::Effect) -> Option<Self> {
        Some(match effect {
            work::Effect::Inspect { .. } | work::Effect::InspectWhole { .. } => Self::Review,
            work::Effect::PlanProbe(_) => Self::Plan,
            work::Effect::ProveLive(_) => Self::Proof,
            work::Effect::CompareBackup(_) => Self::Difference,
            work::Effect::GatherEvidence => Self::Evidence,
            _ => return None,
        })
    }
}

/// The screen's state.
#[derive(Debug, Clone)]
pub struct State {
    /// What tabs and windows share.
    pub context: Context,
    /// The tabs.
    pub tabs: Tabs,
    /// What lies over them.
    pub windows: Windows,
    /// A save that runs. While it is there, no window is.
    pub(super) saving: Option<Saving>,
    /// What workers reported while a save ran.
    pub(super) inbox: Vec<(Asker, Event)>,
    /// Windows that answers ask for, until no other is open.
    waiting: VecDeque<Opening>,
    /// The newest request of each kind.
    awaited: Vec<(Awaited, Asker)>,
    askers: u64,
}

impl State {
    /// A screen on a session, with nothing known yet.
    #[must_use]
    pub fn new(path: String, session: Session, clock: Clock, theme: Theme) -> Self {
        let mut session = session;
        // As the vendor's one drop-down does, where the file says the same for both already.
        session.set_same_for_both(session.loaded().difference().is_none());
        Self {
            context: Context::new(path, session, clock, theme),
            tabs: Tabs::default(),
            windows: Windows::default(),
            saving: None,
            inbox: Vec::new(),
            waiting: VecDeque::new(),
            awaited: Vec::new(),
            askers: 0,
        }
    }

    /// News from before the first frame.
    pub fn notices(&mut self, words: impl IntoIterator<Item = String>) {
        for words in words {
            self.context.summary.push(words.clone());
            self.context.report(Tone::Caution, words);
        }
    }

    /// What recovery found and did: shown before anything else.
    pub fn recovered(&mut self, found: Vec<String>) {
        if found.is_empty() {
            return;
        }
        let lines = found
            .iter()
            .map(|words| wrap::line(Tone::Text, words.clone()))
            .collect();
        self.context.summary.extend(found);
        let title = RECOVERED_TITLE.to_owned();
        self.windows.open(Opening::Text { title, lines }, &mut self.context);
    }

    /// Where the user is.
    #[must_use]
    pub fn place(&self) -> Place {
        self.pane().place()
    }

    /// What the user acts on.
    pub(super) fn pane(&self) -> &dyn Pane {
        match &self.saving {
            Some(saving) => saving,
            None => self.windows.top().unwrap_or_else(|| self.tabs.pane()),
        }
    }

    /// Carries out what the user's key asked for.
    pub(super) fn carry(&mut self, requests: Vec<Request>) -> Vec<Effect> {
        requests
            .into_iter()
            .flat_map(|request| self.carry_one(request))
            .collect()
    }

    /// Carries out what an answer of the workers asks for: its windows wait for their turn.
    pub(super) fn carry_answer(&mut self, requests: Vec<Request>) -> Vec<Effect> {
        let mut effects = Vec::new();
        for request in requests {
            match request {
                Request::Open(opening) => self.waiting.push_back(opening),
                other => effects.extend(self.carry_one(other)),
            }
        }
        effects
    }

    fn carry_one(&mut self, request: Request) -> Vec<Effect> {
        let context = &mut self.context;
        let more = match request {
            Request::Work(effect) => return vec![self.ask(effect)],
            Request::Save(job) => {
                self.windows = Windows::default();
                let effect = self.ask(work::Effect::Save(job));
                if let Effect::Work(asker, _) = effect {
                    self.saving = Some(Saving::new(asker));
                }
                return vec![effect];
            }
            Request::Repaint => return vec![Effect::Repaint],
            Request::Suspend => return vec![Effect::Suspend],
            Request::Quit => return vec![Effect::Quit],
            Request::Open(opening) => {
                self.windows.open(opening, context);
                Vec::new()
            }
            Request::Close => {
                self.windows.close();
                Vec::new()
            }
            Request::TurnTab(by) => self.tabs.turn(by).map(Request::Work).into_iter().collect(),
            Request::GoTo(direction, row) => {
                self.tabs.go_to(direction, row);
                Vec::new()
            }
            Request::Review => commands::review(context),
            Request::Reset(directions) => match context.session.reset(&directions) {
                Ok(done) => context.changed(done, if done { RESET_DONE } else { NOTHING_TO_RESET }),
                Err(error) => {
                    context.report(Tone::Bad, error.to_string());
                    Vec::new()
                }
            },
            Request::TakeUp(edits) => {
                let done = context.session.take_up(&edits);
                context.changed(done, DRAFT_TAKEN)
            }
            Request::Name { direction, name, role } => self.name(direction, name, role),
            Request::Learn(version) => {
                context.learning = true;
                vec![Request::Work(work::Effect::Learn(version))]
            }
            Request::Status(words) => {
                context.report(Tone::Text, words);
                Vec::new()
            }
            Request::Summary(words) => {
                context.summary.push(words);
                Vec::new()
            }
        };
        self.carry(more)
    }

    /// Lets a variable play a role. Its row moves up among the roles; the mark goes with it.
    fn name(&mut self, direction: Direction, name: String, role: Role) -> Vec<Request> {
        let context = &mut self.context;
        context.session.confirm(direction, &name, role);
        context.count();
        let rows = variable_rows(&context.session, direction);
        let at = rows
            .iter()
            .position(|row| row.path.as_ref().is_some_and(|path| path.variable == name));
        if let Some(at) = at {
            self.tabs.go_to(direction, at);
        }
        context.report(Tone::Text, format!("{name} is used as the {role} from now on."));
        vec![Request::Work(work::Effect::NameVariable { direction, name, role })]
    }

    fn ask(&mut self, effect: work::Effect) -> Effect {
        self.askers += 1;
        let asker = Asker::numbered(self.askers);
        if let Some(kind) = Awaited::by(&effect) {
            self.awaited.retain(|(other, _)| *other != kind);
            self.awaited.push((kind, asker));
        }
        Effect::Work(asker, effect)
    }

    /// Is this the answer to the newest request of its kind? Asked once: then it is answered.
    pub(super) fn is_awaited(&mut self, kind: Awaited, asker: Asker) -> bool {
        let before = self.awaited.len();
        self.awaited.retain(|wanted| *wanted != (kind, asker));
        self.awaited.len() < before
    }

    /// After each action: a window that waited is opened if no other is.
    pub(super) fn settle(&mut self) {
        while self.saving.is_none() && self.windows.is_empty() {
            let Some(opening) = self.waiting.pop_front() else { break };
            self.windows.open(opening, &mut self.context);
        }
        self.context.preview = self.windows.preview();
    }
}
