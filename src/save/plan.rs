//! What is to be saved and what came of it; and what would be written onto what stands in the file: rebase, render,
//! verify.
//!
//! A file of 10 MB is in memory once for what the user saw, once for what is to be written, and a third time only if
//! somebody else changed it in between.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::audit::Actor;
use super::backup::BackupInfo;
use super::error::{NotRolledBack, SaveError, What};
use super::gate::Started;
use super::recover::Recovered;
use super::state_dir::StateDir;
use super::target::{Snapshot, Target};
use super::trouble::OnDisk;
use crate::mailserver_cfg::{Conflict, Document, Edit, EditSet, Proven, Secrets, ValueChange};

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
    /// The same, with the edits made in the base and proven already, as the review showed them. Where something else
    /// stands in the file by then, they are made anew.
    Proven(Arc<Proven>),
    /// These bytes, whole: a restore. Where values changed since the base was read, the save ends with
    /// [`What::ChangedUnderneath`]; but what the engine wrote when it was stopped for
    /// this save is reported, in the backup, and gone from the file.
    Whole {
        /// The new content; must be a document.
        bytes: Vec<u8>,
    },
    /// These bytes, whole, in place of a file that is no document: a restore where nothing can be compared.
    Mend {
        /// The new content; must be a document.
        bytes: Vec<u8>,
        /// The bytes that the user was told of. If others are there by then, the save ends with
        /// [`What::ChangedUnderneath`].
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
    /// The document that the save put in place (what the engine did to it since can be compared with it), or found
    /// there when it had nothing to do; `None`: the base stands there.
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

/// How many changed values are told by name.
pub(crate) const TOLD: usize = 100;

/// What stands in the file.
pub(crate) enum Old {
    /// A document: the base, or what became of it.
    Document(Arc<Document>),
    /// The bytes of a file that is none, which the user was told of.
    Broken(Vec<u8>),
}

impl Old {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Document(document) => document.as_bytes(),
            Self::Broken(bytes) => bytes,
        }
    }
}

/// Who changed the file since the user saw it; matters where a whole file is put over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theirs {
    /// It cannot be known: the user has to look again.
    Asked,
    /// The engine, which writes its file when it stops, and was just stopped for this save. It would do so at every
    /// try.
    Engines,
}

/// The new file and how it came about.
pub(crate) struct Plan {
    /// What it is made from: the base, unless the file was changed since.
    pub(crate) old: Old,
    /// The verified new document; `None` = its bytes are the old ones.
    pub(crate) new: Option<Arc<Document>>,
    pub(crate) applied: EditSet,
    pub(crate) already: Vec<Edit>,
    pub(crate) changed: Vec<ValueChange>,
    pub(crate) changed_count: usize,
}

fn parse(request: &Request<'_>, bytes: Vec<u8>) -> Result<Arc<Document>, SaveError> {
    Document::parse(bytes).map(Arc::new).map_err(|error| {
        let path = request.target.path().to_path_buf();
        What::NotADocument { path, error }.into()
    })
}

/// What stands in the file now, read only if it is not the base.
/// # Errors
/// It cannot be read, never holds still, is not a document.
pub(crate) fn read_now(request: &Request<'_>) -> Result<(Old, Snapshot, File), SaveError> {
    if let Content::Mend { broken, .. } = &request.content {
        let (is_broken, snapshot, file) = request.target.holds(broken)?;
        if is_broken {
            return Ok((Old::Broken(broken.clone()), snapshot, file));
        }
    }
    let base = request.base;
    let (is_base, snapshot, file) = request.target.holds(base.as_bytes())?;
    if is_base {
        return Ok((Old::Document(Arc::clone(base)), snapshot, file));
    }
    let (bytes, snapshot, file) = request.target.read_handle()?;
    let now = if bytes == base.as_bytes() {
        Arc::clone(base)
    } else {
        parse(request, bytes)?
    };
    Ok((Old::Document(now), snapshot, file))
}

/// Makes the plan for what [`read_now`] found.
/// # Errors
/// Not a document, a conflict, edits that cannot be applied.
pub(crate) fn plan(request: &Request<'_>, old: Old, theirs: Theirs) -> Result<Plan, SaveError> {
    let path = || request.target.path().to_path_buf();
    let old = match (old, &request.content) {
        (Old::Broken(bytes), Content::Mend { bytes: new, .. }) => {
            let new = Some(parse(request, new.clone())?);
            return Ok(whole(Old::Broken(bytes), new, Vec::new(), 0));
        }
        (Old::Broken(bytes), _) => parse(request, bytes)?,
        (Old::Document(old), _) => old,
    };
    let (changed, changed_count) = if Arc::ptr_eq(&old, request.base) {
        (Vec::new(), 0)
    } else {
        request.base.changes_to(&old, request.secrets, TOLD)
    };
    let differs = |new: &Arc<Document>| new.as_bytes() != old.as_bytes();
    let (edits, proven) = match &request.content {
        Content::Edits(edits) => (edits, None),
        Content::Proven(proven) => (proven.edits(), Some(proven)),
        // What could not be understood is gone: another program, or the engine when it stopped, has written a document.
        Content::Mend { bytes, .. } => {
            return match Some(parse(request, bytes.clone())?).filter(differs) {
                None => Ok(whole(Old::Document(old), None, Vec::new(), 0)),
                Some(_) => Err(SaveError::changed_underneath(request.target.path(), OnDisk::Untouched)),
            };
        }
        Content::Whole { bytes } => {
            if changed_count > 0 && theirs == Theirs::Asked {
                return Err(What::ChangedUnderneath { path: path(), changed }.into());
            }
            let new = Some(parse(request, bytes.clone())?).filter(differs);
            return Ok(whole(Old::Document(old), new, changed, changed_count));
        }
    };
    let rebased = old.rebase(edits);
    if !rebased.conflicts.is_empty() {
        let conflicts = rebased
            .conflicts
            .iter()
            .map(|conflict| masked(conflict, request.secrets))
            .collect();
        return Err(What::Conflict {
            path: path(),
            conflicts,
            changed,
        }
        .into());
    }
    let new = if rebased.apply.is_empty() {
        None
    } else {
        let new = match proven.filter(|proven| proven.is_of(&old, &rebased.apply)) {
            Some(proven) => Arc::clone(proven.result()),
            None => {
                let proven = old.prove(&rebased.apply);
                let proven = proven.map_err(|error| What::Edit {
                    path: path(),
                    error: Box::new(error),
                })?;
                Arc::clone(proven.result())
            }
        };
        Some(new).filter(differs)
    };
    Ok(Plan {
        old: Old::Document(old),
        new,
        applied: rebased.apply,
        already: rebased.already,
        changed,
        changed_count,
    })
}

/// The plan for a whole file.
fn whole(old: Old, new: Option<Arc<Document>>, changed: Vec<ValueChange>, changed_count: usize) -> Plan {
    Plan {
        old,
        new,
        applied: EditSet::default(),
        already: Vec::new(),
        changed,
        changed_count,
    }
}

/// Errors are printed: no secret may be in them.
fn masked(conflict: &Conflict, secrets: &Secrets) -> Conflict {
    let values = [&conflict.base, &conflict.theirs, &conflict.mine];
    let path = &conflict.path;
    if !values
        .into_iter()
        .flatten()
        .any(|value| secrets.is_secret_at(path, value))
    {
        return conflict.clone();
    }
    let show = |value: &Option<String>| value.as_ref().map(|value| secrets.show_at(path, value));
    Conflict {
        path: conflict.path.clone(),
        base: show(&conflict.base),
        theirs: show(&conflict.theirs),
        mine: show(&conflict.mine),
    }
}
