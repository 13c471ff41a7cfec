//! What every tab and window may read and change: the edit session, what is known of the world, and the line of news.

use std::sync::Arc;

use jiff::Timestamp;

use crate::host::{EngineNow, KnownNames};
use crate::peers::{Counts, PeerBook, Threshold, Trouble, assess};
use crate::session::{Clock, Line, Session, Tone};
use crate::tls::{CHOICES, Direction, Minimum, Role};
use crate::work::{self, EngineWish, RefusedSince};

use super::request::Request;
use super::theme::Theme;
use super::{words, wrap};

/// How the reading of evidence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scan {
    /// Not asked for yet.
    #[default]
    Never,
    /// Running: bytes done, bytes in all.
    Running(u64, u64),
    /// Complete.
    Done,
    /// Stopped by the user: what was read counts, the rest is unknown.
    Cancelled,
}

/// A text that was typed in an editor and not applied, so that a stray Esc loses nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    /// The variable's table.
    pub direction: Direction,
    /// What it is for.
    pub role: Role,
    /// The text.
    pub text: String,
}

/// What tabs and windows share.
#[derive(Debug, Clone)]
pub struct Context {
    /// The file as the user named it.
    pub path: String,
    /// The edit session.
    pub session: Session,
    /// Everybody we exchange mail with. After a change: [`Self::count`].
    pub book: Arc<PeerBook>,
    /// Now, as of the last action, and the zone.
    pub clock: Clock,
    /// Looks.
    pub theme: Theme,
    /// The engine, when it was looked at.
    pub engine: Option<EngineNow>,
    /// What is known of the names of variables, when that was found out.
    pub names: Option<Arc<KnownNames>>,
    /// One line of news.
    pub status: Option<Line>,
    /// How the reading of evidence stands.
    pub scan: Scan,
    /// A probe that runs: so many have answered, of so many.
    pub probing: Option<(usize, usize)>,
    /// The web administration is waited for.
    pub learning: bool,
    /// When the file was last saved, and whose mail is delayed or failing since.
    pub since_save: Option<(Timestamp, Vec<Trouble>)>,
    /// And who was refused since, as far as the wire was watched.
    pub refused: Option<RefusedSince>,
    /// What shall happen to a running engine.
    pub engine_wish: EngineWish,
    /// Why nothing can be saved at all (opened read-only).
    pub read_only: Option<String>,
    /// What was done, for the normal screen after leaving.
    pub summary: Vec<String>,
    /// Width and height of the last frame.
    pub size: (u16, u16),
    /// Where the preferences are, for those who are told to put something there.
    pub preferences: String,
    /// What an open drop-down has marked: the panel shows what it would do.
    pub preview: Option<(Direction, Minimum)>,
    /// Typed in an editor and left without applying.
    pub typed: Option<Typed>,
    counts: [[(Threshold, Counts); 5]; 2],
}

impl Context {
    /// A session with nothing known yet.
    #[must_use]
    pub fn new(path: String, session: Session, clock: Clock, theme: Theme) -> Self {
        let mut context = Self {
            path,
            session,
            book: Arc::new(PeerBook::default()),
            clock,
            theme,
            engine: None,
            names: None,
            status: None,
            scan: Scan::Never,
            probing: None,
            learning: false,
            since_save: None,
            refused: None,
            // The review says exactly what will be run, and falls back to the commands to type where it cannot be.
            engine_wish: EngineWish::Restart,
            read_only: None,
            summary: Vec::new(),
            size: (80, 24),
            preferences: "kerio-tls.toml".to_owned(),
            preview: None,
            typed: None,
            counts: [[(Threshold::NotKnown, Counts::default()); 5]; 2],
        };
        context.count();
        context
    }

    /// Counts once what each choice would do; the evidence changes seldom, the drop-down is read often.
    pub fn count(&mut self) {
        for (direction, counts) in Direction::ALL.into_iter().zip(&mut self.counts) {
            for (choice, slot) in CHOICES.into_iter().zip(counts) {
                let threshold = self.session.threshold(direction, &choice.into());
                *slot = (threshold, assess(&self.book, direction, threshold).counts);
            }
        }
    }

    /// What each choice of `CHOICES` would do.
    #[must_use]
    pub fn counts(&self, direction: Direction) -> &[(Threshold, Counts); 5] {
        let [inbound, outbound] = &self.counts;
        direction.of([inbound, outbound])
    }

    /// The line of news.
    pub fn report(&mut self, tone: Tone, words: impl Into<String>) {
        self.status = Some(wrap::line(tone, words));
    }

    /// Where the file was opened read-only: says so. `false`: it can be changed.
    pub fn refuses_changes(&mut self) -> bool {
        let why = self.read_only.as_deref().map(words::cannot_change);
        let refuses = why.is_some();
        if let Some(why) = why {
            self.report(Tone::Caution, why);
        }
        refuses
    }

    /// After the draft may have changed: the words, and the draft on disk.
    pub fn changed(&mut self, done: bool, words: impl Into<String>) -> Vec<Request> {
        self.report(Tone::Text, words);
        if !done {
            return Vec::new();
        }
        let edits = self.session.edits();
        vec![Request::Work(if edits.is_empty() {
            work::Effect::DropDraft
        } else {
            work::Effect::KeepDraft(edits)
        })]
    }

    /// How many edits are not saved.
    #[must_use]
    pub fn unsaved(&self) -> usize {
        self.session.edits().edits().len()
    }
}
