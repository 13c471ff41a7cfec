//! All that the screen shows, as a value. [`super::update()`] changes it, the views read it.

use std::sync::Arc;

use jiff::Timestamp;

use crate::peers::{Counts, PeerBook, Threshold, Trouble, assess};
use crate::save::BackupInfo;
use crate::session::{Clock, Line, Session};
pub use crate::tls::CHOICES;
use crate::tls::{Choice, Direction, Minimum};
use crate::work::{EngineNow, EngineWish};

use super::editor_keys::Typed;
use super::keys::Place;
use super::overlay::Overlay;
use super::theme::Theme;

/// The tabs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// The two drop-downs and the panel.
    TlsOptions,
    /// Variables of `Security`.
    Inbound,
    /// Variables of `SmtpSecurity`.
    Outbound,
    /// Everybody we exchange mail with.
    Peers,
    /// What was saved when, by whom.
    Backups,
}

impl Tab {
    /// All tabs, from the left.
    pub const ALL: [Self; 5] = [
        Self::TlsOptions,
        Self::Inbound,
        Self::Outbound,
        Self::Peers,
        Self::Backups,
    ];

    /// The neighbour to the right (`1`) or left (`-1`), going round.
    #[must_use]
    pub fn step(self, by: isize) -> Self {
        let at = Self::ALL.iter().position(|tab| *tab == self).unwrap_or(0);
        let count = Self::ALL.len();
        let next = if by > 0 { at + 1 } else { at + count - 1 } % count;
        Self::ALL.get(next).copied().unwrap_or(self)
    }
}

/// What has the focus on the tab TLS Options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// The check box.
    SameForBoth,
    /// A drop-down.
    Field(Direction),
    /// The panel of peers.
    Panel,
}

impl Focus {
    /// All, from the top; the box stands first because it is the topmost.
    pub const ALL: [Self; 4] = [
        Self::SameForBoth,
        Self::Field(Direction::Inbound),
        Self::Field(Direction::Outbound),
        Self::Panel,
    ];
}

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

/// The screen's state.
#[derive(Debug, Clone)]
pub struct State {
    /// The file as the user named it.
    pub path: String,
    /// The edit session.
    pub session: Session,
    /// Everybody we exchange mail with.
    pub book: Arc<PeerBook>,
    /// Now, as of the last action, and the zone.
    pub clock: Clock,
    /// Looks.
    pub theme: Theme,
    /// The engine, when it was looked at.
    pub engine: Option<EngineNow>,
    /// The open tab.
    pub tab: Tab,
    /// The focus on TLS Options.
    pub focus: Focus,
    /// The direction whose drop-down had the focus last: the panel is about it.
    pub panel_direction: Direction,
    /// First row shown of the panel.
    pub panel_scroll: usize,
    /// Marked rows of the lists: Inbound, Outbound, Peers, Backups.
    pub selected: [usize; 4],
    /// The backups, newest first; `None`: not looked for yet.
    pub backups: Option<Arc<Vec<BackupInfo>>>,
    /// What lies over the form, topmost last.
    pub overlays: Vec<Overlay>,
    /// One line of news.
    pub status: Option<Line>,
    /// How the reading of evidence stands.
    pub scan: Scan,
    /// A probe that runs: so many have answered, of so many.
    pub probing: Option<(usize, usize)>,
    /// When the file was last saved, and whose mail is delayed or failing since.
    pub since_save: Option<(Timestamp, Vec<Trouble>)>,
    /// The review waits for facts.
    pub review_wanted: bool,
    /// What shall happen to a running engine.
    pub engine_wish: EngineWish,
    /// Why nothing can be saved at all (opened read-only).
    pub read_only: Option<String>,
    /// Edits of an earlier session, until the user has decided.
    pub found_draft: Option<crate::mailserver_cfg::EditSet>,
    /// What was done, for the normal screen after leaving.
    pub summary: Vec<String>,
    /// Width and height of the last frame, for paging.
    pub size: (u16, u16),
    /// Where the preferences are, for those who are told to put something there.
    pub preferences: String,
    /// Typed in an editor and left without applying.
    pub(super) typed: Option<Typed>,
    counts: [[(Threshold, Counts); 5]; 2],
}

impl State {
    /// A screen on a session, with nothing known yet.
    #[must_use]
    pub fn new(path: String, session: Session, clock: Clock, theme: Theme) -> Self {
        let mut state = Self {
            path,
            session,
            book: Arc::new(PeerBook::default()),
            clock,
            theme,
            engine: None,
            tab: Tab::TlsOptions,
            focus: Focus::Field(Direction::Inbound),
            panel_direction: Direction::Inbound,
            panel_scroll: 0,
            selected: [0; 4],
            backups: None,
            overlays: Vec::new(),
            status: None,
            scan: Scan::Never,
            probing: None,
            since_save: None,
            review_wanted: false,
            // The review says exactly what will be run, and falls back to the commands to type where it cannot be.
            engine_wish: EngineWish::Restart,
            read_only: None,
            found_draft: None,
            summary: Vec::new(),
            size: (80, 24),
            preferences: "kerio-tls.toml".to_owned(),
            typed: None,
            counts: [[(Threshold::NotKnown, Counts::default()); 5]; 2],
        };
        state.count();
        state
    }

    /// Where the user is.
    #[must_use]
    pub fn place(&self) -> Place {
        match self.overlays.last() {
            Some(Overlay::DropDown { .. }) => Place::DropDown,
            Some(Overlay::Editor(editor)) if editor.in_text() => Place::TextField,
            Some(Overlay::Editor(_)) => Place::Editor,
            Some(Overlay::Find(_)) => Place::Find,
            Some(Overlay::Reader { .. }) => Place::Reader,
            Some(Overlay::Review(_)) => Place::Review,
            Some(Overlay::Question(_)) => Place::Question,
            Some(Overlay::Saving { .. }) => Place::Saving,
            None => match (self.tab, self.focus) {
                (Tab::TlsOptions, Focus::SameForBoth) => Place::CheckBox,
                (Tab::TlsOptions, Focus::Field(_)) => Place::Field,
                (Tab::TlsOptions, Focus::Panel) => Place::Panel,
                (Tab::Inbound | Tab::Outbound, _) => Place::Variables,
                (Tab::Peers, _) => Place::Peers,
                (Tab::Backups, _) => Place::Backups,
            },
        }
    }

    /// Counts once what each choice would do; the evidence changes seldom, the drop-down is read often.
    pub fn count(&mut self) {
        for (direction, counts) in Direction::ALL.into_iter().zip(&mut self.counts) {
            for (choice, slot) in CHOICES.into_iter().zip(counts) {
                let threshold = self.session.threshold_of(direction, choice);
                *slot = (threshold, assess(&self.book, direction, threshold).counts);
            }
        }
    }

    /// What each choice of `CHOICES` would do.
    #[must_use]
    pub fn counts(&self, direction: Direction) -> &[(Threshold, Counts); 5] {
        let [inbound, outbound] = &self.counts;
        match direction {
            Direction::Inbound => inbound,
            Direction::Outbound => outbound,
        }
    }

    /// What the panel is about: the open drop-down's marked row, else the wanted minimum.
    #[must_use]
    pub fn panel_subject(&self) -> (Direction, Minimum) {
        for overlay in self.overlays.iter().rev() {
            if let Overlay::DropDown { direction, selected } = overlay {
                let minimum = match CHOICES.get(*selected) {
                    Some(Choice::At(version)) => Minimum::At(*version),
                    _ => Minimum::Default,
                };
                return (*direction, minimum);
            }
        }
        (self.panel_direction, self.session.minimum(self.panel_direction))
    }

    /// The marked row of the open list.
    #[must_use]
    pub fn selected(&self) -> usize {
        let [inbound, outbound, peers, backups] = self.selected;
        match self.tab {
            Tab::Inbound => inbound,
            Tab::Outbound => outbound,
            Tab::Peers => peers,
            Tab::Backups => backups,
            Tab::TlsOptions => 0,
        }
    }

    /// Marks a row of the open list.
    pub fn select(&mut self, row: usize) {
        let [inbound, outbound, peers, backups] = &mut self.selected;
        match self.tab {
            Tab::Inbound => *inbound = row,
            Tab::Outbound => *outbound = row,
            Tab::Peers => *peers = row,
            Tab::Backups => *backups = row,
            Tab::TlsOptions => {}
        }
    }

    /// The direction of the open tab, for the lists of variables.
    #[must_use]
    pub fn tab_direction(&self) -> Direction {
        if self.tab == Tab::Outbound {
            Direction::Outbound
        } else {
            Direction::Inbound
        }
    }
}

impl State {
    /// News from before the first frame.
    pub fn notices(&mut self, words: impl IntoIterator<Item = String>) {
        for words in words {
            self.summary.push(words.clone());
            self.status = Some(super::text::line(crate::session::Tone::Caution, words));
        }
    }

    /// What recovery found and did: shown before anything else.
    pub fn recovered(&mut self, found: Vec<String>) {
        if found.is_empty() {
            return;
        }
        let lines = found
            .iter()
            .map(|words| super::text::line(crate::session::Tone::Text, words.clone()))
            .collect();
        self.summary.extend(found);
        self.overlays.push(Overlay::Reader {
            title: super::text::RECOVERED_TITLE.to_owned(),
            lines,
            scroll: 0,
        });
    }
}
