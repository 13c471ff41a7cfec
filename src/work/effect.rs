//! The values that cross between the screen and the workers.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::host::{Backup, EngineNow, KnownNames};
use crate::mailserver_cfg::{Conflict, Document, EditSet, Proven, ValueChange};
use crate::peers::{PeerBook, PeerKey, Trouble};
use crate::session::{Consent, Expected, Facts, Measured, Review, Subject};
use crate::tls::{Direction, Role, TlsVersion};

use super::learn::Changed;
use super::probing::Question;
use super::proof::LiveProof;
use super::reader::Reader;
use super::refused::RefusedSince;

/// What shall happen to a running engine when saving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EngineWish {
    /// Refuse to save while it runs.
    #[default]
    Refuse,
    /// Stop it, write, start it again.
    Restart,
}

/// Whom to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// Outbound peers of which no probe has told anything yet.
    Unmeasured,
    /// All outbound peers.
    All,
    /// This one.
    One(PeerKey),
}

/// Something to be done outside the model.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Read logs and peers file.
    GatherEvidence,
    /// Stop reading them.
    CancelEvidence,
    /// Find out whom a probe would ask, and what that means.
    PlanProbe(Whom),
    /// Ask them.
    Probe(Vec<Question>),
    /// Stop asking.
    CancelProbe,
    /// Read a source of evidence that is read on the user's word only.
    Read(Reader),
    /// Ask the server's own ports, and hold what they accept against this inbound minimum.
    ProveLive(Expected),
    /// Find out about file and engine, for a review.
    Inspect {
        /// What shall happen to a running engine.
        wish: EngineWish,
        /// First ask the own ports, of which nothing is known yet, what they accept: what inbound ports should do as the file is.
        ports: Option<Expected>,
    },
    /// Look for unsaved edits of an earlier session.
    FindDraft,
    /// Look whether the engine runs, for the header.
    CheckEngine,
    /// Find out what is known of the names of variables, and whether the file changed since a question about one was asked.
    ReadNames,
    /// Ask which variable changes when this version is chosen in the web administration, and wait for it.
    Learn(TlsVersion),
    /// Stop waiting; the question stays open.
    CancelLearn,
    /// It was this one.
    Learned {
        /// What changed.
        changed: Arc<Changed>,
        /// Which of its variables.
        index: usize,
    },
    /// Save.
    Save(Box<SaveJob>),
    /// Give up a save that has not reached the exchange.
    CancelSave,
    /// List the backups.
    ListBackups,
    /// What differs between a backup and the file now.
    CompareBackup(String),
    /// Find out about file and engine, for putting a backup's whole file in place.
    InspectWhole {
        /// Its id.
        id: String,
        /// What shall happen to a running engine.
        wish: EngineWish,
    },
    /// Keep the last save: it shall not undo itself.
    Confirm,
    /// Remember unsaved edits.
    KeepDraft(EditSet),
    /// Forget them.
    DropDraft,
    /// Keep in the preferences what a variable is for, because the user said so.
    NameVariable {
        /// Its table.
        direction: Direction,
        /// Its name, as the file spells it.
        name: String,
        /// What it is for.
        role: Role,
    },
}

/// What a save shall do.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// Make these edits.
    Edits(EditSet),
    /// Make the edits that were reviewed, and proven for that.
    Proven(Arc<Proven>),
    /// Put the whole file of the backup with this id in place.
    Whole(String),
}

impl Wanted {
    /// What was reviewed: edits, or the whole file of a backup.
    #[must_use]
    pub fn of(review: &Review) -> Self {
        match &review.subject {
            Subject::Edits { proven, .. } => Self::Proven(Arc::clone(proven)),
            Subject::Whole { backup, .. } | Subject::Mend { backup, .. } => Self::Whole(backup.clone()),
        }
    }
}

/// All that a save needs.
#[derive(Debug, Clone)]
pub struct SaveJob {
    /// The document that the edits are based on.
    pub base: Arc<Document>,
    /// What is to be saved.
    pub wanted: Wanted,
    /// What the user said yes to.
    pub consents: Vec<Consent>,
    /// What is done, one word for manifest and audit: `save`, `reset`, `restore`.
    pub action: &'static str,
    /// The change in words, one line each, for manifest and audit.
    pub words: Vec<String>,
    /// What happens to the engine.
    pub engine: EngineWish,
    /// What the engine's inbound ports should do after the save, where it touches them.
    pub proves: Option<Expected>,
    /// Undo it by itself this long after the engine has started well, unless it is confirmed.
    pub undo_after: Option<Duration>,
}

/// What came of a save.
#[derive(Debug, Clone)]
pub struct SaveReport {
    /// The file as it is now.
    pub document: Arc<Document>,
    /// What was done, one line each, for the screen and for the summary.
    pub lines: Vec<String>,
    /// "Saved, but …".
    pub warnings: Vec<String>,
    /// Where the backup is; `None`: nothing had to be written.
    pub backup: Option<String>,
    /// It undoes itself unless it is confirmed.
    pub to_confirm: bool,
    /// Does the running engine do what was saved? `false`: its ports contradict it, or it threw a value away. `None`:
    /// not known, because nothing was asked or something was not answered.
    pub took_effect: Option<bool>,
    /// What the ports answered, where they were asked.
    pub proof: Option<LiveProof>,
}

/// Why a save did not happen.
#[derive(Debug, Clone)]
pub struct SaveProblem {
    /// What was being done, why it failed, what is on disk, what to do.
    pub message: String,
    /// Refused rather than failed: the engine runs, or someone else changed the same values. The engine is as it was.
    pub refused: bool,
    /// Another save was going on.
    pub busy: bool,
    /// Values that someone else changed too.
    pub conflicts: Vec<Conflict>,
    /// The file as it is now, when it could be read: the draft is carried over to it.
    pub document: Option<Arc<Document>>,
}

impl SaveProblem {
    /// It failed, and no value is in dispute.
    pub(super) fn failed(message: String, document: Option<Arc<Document>>) -> Self {
        Self {
            message,
            refused: false,
            busy: false,
            conflicts: Vec::new(),
            document,
        }
    }
}

/// Who asked for something: a number that the screen gives to each of its windows or requests. An effect is sent with
/// it, and every event that answers comes back with it. The default one is nobody in particular.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Asker(u64);

impl Asker {
    /// The asker with this number; 0 is nobody in particular.
    #[must_use]
    pub const fn numbered(number: u64) -> Self {
        Self(number)
    }
}

/// What came back from a worker.
#[derive(Debug, Clone)]
pub enum Event {
    /// What was asked for could not be started, or an error in the program broke it off: why, in words. (A save answers
    /// with [`Event::NotSaved`].)
    NotStarted(String),
    /// Bytes of logs read, of how many.
    EvidenceProgress {
        /// Bytes read.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// Evidence, complete or cancelled.
    Evidence {
        /// Everybody.
        book: Arc<PeerBook>,
        /// What it shows of this server.
        measured: Measured,
        /// The user stopped it half-way.
        cancelled: bool,
        /// When the file was last saved, and whose mail is delayed or failing since.
        since_save: Option<(Timestamp, Vec<Trouble>)>,
        /// And who was refused since, as far as the wire was watched.
        refused: Option<RefusedSince>,
    },
    /// Whom a probe would ask, and what that means, in words.
    ProbePlanned {
        /// Whom.
        questions: Vec<Question>,
        /// One sentence a line.
        words: Vec<String>,
    },
    /// A probe goes on: so many have answered, of so many. Equal: it has ended.
    ProbeProgress {
        /// Answered.
        done: usize,
        /// Asked.
        total: usize,
    },
    /// What was read of such a source, in words.
    SourceRead(String),
    /// The book with what probes have found so far.
    Learned(Arc<PeerBook>),
    /// What the server's own ports accept.
    Proven {
        /// What was asked and answered.
        proof: Box<LiveProof>,
        /// What is known of this server now.
        measured: Measured,
    },
    /// The engine's state.
    Engine(EngineNow),
    /// What is known of the names of variables.
    Names(Arc<KnownNames>),
    /// What changed since it was asked which variable does; `None`: nothing yet, the question stays open.
    Changed(Option<Arc<Changed>>),
    /// Facts for a review.
    Facts(Box<Facts>),
    /// A step of a save, in words; whether it can still be cancelled.
    SaveStep {
        /// In words.
        words: String,
        /// Can still be given up.
        cancellable: bool,
    },
    /// What a save waits for, in words; replaces the one before.
    SaveDetail(String),
    /// Saved.
    Saved(Box<SaveReport>),
    /// Not saved.
    NotSaved(Box<SaveProblem>),
    /// Unsaved edits of an earlier session were found.
    DraftFound {
        /// The edits that still fit the file.
        edits: EditSet,
        /// Those that do not, in words.
        lost: Vec<String>,
        /// When they were made.
        at: Timestamp,
    },
    /// The backups, newest first.
    Backups(Arc<Vec<Backup>>),
    /// What differs between a backup and the file now; how many values in all.
    BackupDifference {
        /// Its id.
        id: String,
        /// Value by value, masked.
        changes: Vec<ValueChange>,
        /// How many there are in all.
        count: usize,
    },
    /// For the review of a whole file to be put in place.
    WholeFacts {
        /// The backup.
        id: String,
        /// Its document.
        restored: Arc<Document>,
        /// Facts about file and engine.
        facts: Box<Facts>,
    },
    /// A name could not be kept in the preferences.
    NotNamed {
        /// Why, and what is on disk.
        why: String,
        /// What to add by hand.
        snippet: String,
    },
    /// A save that would have undone itself stays: in words, a line each.
    Kept(Vec<String>),
    /// Something to be told.
    Notice(String),
}
