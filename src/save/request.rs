//! What is to be saved, and what came of it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::audit::Actor;
use super::backup::BackupInfo;
use super::error::NotRolledBack;
use super::gate::Started;
use super::recover::Recovered;
use super::state_dir::StateDir;
use super::target::Target;
use crate::mailserver_cfg::{Document, Edit, EditSet, Proven, Secrets, ValueChange};

/// The words that go with a save into manifest and audit. This room does not read them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Note {
    /// What is done, one word: `save`, `reset`, `restore`, `undo`.
    pub action: String,
    /// The change in one line, secrets masked.
    pub summary: String,
    /// The change in words, secrets masked.
    pub words: Vec<String>,
}

/// What the file shall become.
#[derive(Clone)]
pub enum Content {
    /// These edits, applied to whatever is in the file when it is written (rebased; a conflict ends the save).
    Edits(EditSet),
    /// The same, with the edits made in the base and proven already, as the review showed them. Where something else stands in the file
    /// by then, they are made anew.
    Proven(Arc<Proven>),
    /// These bytes, whole: a restore. Where values changed since the base was read, the save ends with [`What::ChangedUnderneath`](super::What::ChangedUnderneath);
    /// but what the engine wrote when it was stopped for this save is reported, in the backup, and gone from the file.
    Whole {
        /// The new content; must be a document.
        bytes: Vec<u8>,
    },
    /// These bytes, whole, in place of a file that is no document: a restore where nothing can be compared.
    Mend {
        /// The new content; must be a document.
        bytes: Vec<u8>,
        /// The bytes that the user was told of. If others are there by then, the save ends with [`What::ChangedUnderneath`](super::What::ChangedUnderneath).
        broken: Vec<u8>,
    },
}

impl Content {
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self, Self::Whole { .. } | Self::Mend { .. })
    }
}

/// A save to be done.
pub struct Request<'a> {
    /// Where backups and journal go.
    pub state: &'a StateDir,
    /// The file.
    pub target: &'a Target,
    /// The real path of the file that was reviewed: a link that leads elsewhere by now is not followed.
    pub reviewed: &'a Path,
    /// The document that the user saw and reviewed.
    pub base: &'a Arc<Document>,
    /// What it shall become.
    pub content: Content,
    /// Words for manifest and audit.
    pub note: Note,
    /// What to mask in manifest, report and errors.
    pub secrets: &'a Secrets,
    /// The user's explicit yes to writing in place, where the file cannot be replaced.
    pub allow_in_place: bool,
    /// Who does it; usually [`Actor::now`].
    pub actor: Actor,
    /// Set by another thread to cancel; looked at until the exchange.
    pub cancel: Option<&'a AtomicBool>,
}

impl Request<'_> {
    pub(crate) fn cancelled(&self) -> bool {
        self.cancel.is_some_and(|flag| flag.load(Ordering::SeqCst))
    }
}

/// How a save ended that was not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SaveOutcome {
    /// The file already was as wanted; nothing was written, the engine not touched.
    NothingToDo,
    /// The new file is in place, durably, and read back.
    Saved,
    /// It was in place, but the engine did not come up with it: the old file is back.
    RolledBack {
        /// Why, and the engine's last words.
        why: Vec<String>,
        /// Where the file is kept that the engine did not start with, when it could be kept.
        failed_file: Option<std::path::PathBuf>,
        /// How the engine came up with the old file.
        then: Started,
    },
    /// The engine did not come up, and the old file could not be put back: **the engine is down**.
    RollBackFailed {
        /// Why it did not come up.
        why: Vec<String>,
        /// Why the old file is not back, and which file is there.
        error: NotRolledBack,
    },
}

/// A save that took place (or had nothing to do).
pub struct Saved {
    /// How it ended.
    pub outcome: SaveOutcome,
    /// The file as it was before; `None` when there was nothing to do.
    pub backup: Option<BackupInfo>,
    /// The edits that were applied (the rest was there already).
    pub applied: EditSet,
    /// The edits that somebody else had made already.
    pub already: Vec<Edit>,
    /// What others changed between the review and the save, masked; at most 100 values.
    pub changed_underneath: Vec<ValueChange>,
    /// How many values those are in all.
    pub changed_count: usize,
    /// How the engine came up.
    pub engine: Started,
    /// The document that the save put in place (what the engine did to it since can be compared with it), or found there when it had nothing
    /// to do; `None`: the base stands there.
    pub written: Option<Arc<Document>>,
    /// Unfinished saves that were cleaned up first.
    pub recovered: Vec<Recovered>,
    /// What is worth knowing: "saved, but …".
    pub warnings: Vec<String>,
}

/// Without the bytes and values: they hold secrets.
impl std::fmt::Debug for Saved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            outcome,
            backup,
            changed_count,
            engine,
            recovered,
            warnings,
            ..
        } = self;
        f.debug_struct("Saved")
            .field("outcome", outcome)
            .field("backup", &backup.as_ref().map(|backup| &backup.id))
            .field("changed_count", changed_count)
            .field("engine", engine)
            .field("recovered", recovered)
            .field("warnings", warnings)
            .finish_non_exhaustive()
    }
}
