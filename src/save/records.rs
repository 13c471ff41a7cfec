//! What is kept of a save that is going on or was not made yet: the journal, by which the next start can finish or undo
//! it; the note that an engine is stopped for it; and the draft, so that a lost session loses no work. Small files,
//! durable, 0600, never with a secret in the clear.

use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use super::audit;
use super::error::{SaveError, What};
use super::state_dir::{self, Home, StateDir};
use super::target::Target;
use super::trouble::Shown;
use crate::files::Directory;
use crate::mailserver_cfg::{Edit, EditSet, Secrets, VariablePath};

pub(crate) const NAME: &str = "journal.json";
const ENGINE: &str = "engine-stopped.json";
/// The bytes that are not in the backup while a file is written in place: the new ones, or on the way back the failed
/// ones.
pub(crate) const PENDING: &str = "pending.cfg";

/// Of the journal as it is now.
pub(crate) const FORMAT: u32 = 1;

/// What to do about a journal that cannot be understood: a file that was torn while it was written in place can be
/// mended only by what is in it.
fn unread(home: &Home) -> String {
    let names = home.backups.names().unwrap_or_default();
    let newest = names.iter().rev().find(|name| name.ends_with(".cfg"));
    let old = newest.map_or_else(
        || "; there is no backup, so that save had written nothing".to_owned(),
        |name| {
            format!(
                " (if it was torn while it was written in place, its old bytes are in {})",
                Shown(&home.backups.path().join(name))
            )
        },
    );
    format!(
        "it says what became of a save that broke off: see whether the file is whole{old}; only then move the \
         journal away and try again"
    )
}

/// How far a save has come. Written before the thing that it names is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "phase")]
pub(crate) enum Phase {
    /// The backup and the temp file may be there in part. The exchange has not happened.
    Begun,
    /// The temp file is whole and durable and has this inode; the exchange may have happened. (No device number: it can
    /// be another one after a reboot.)
    Ready { inode: u64 },
    /// The file is being written in place; [`PENDING`] is there.
    InPlace,
}

/// An unfinished save.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Journal {
    pub(crate) format: u32,
    pub(crate) when: String,
    /// `save`, `restore`, … or `roll back`.
    pub(crate) action: String,
    pub(crate) summary: String,
    /// Name beside the target.
    pub(crate) temp: String,
    pub(crate) old_sha256: String,
    pub(crate) new_sha256: String,
    /// The backup that holds the old bytes (the new ones, when it is a roll back).
    pub(crate) backup: String,
    /// The backup belongs to this save alone: it goes when the save is undone.
    pub(crate) own_backup: bool,
    #[serde(flatten)]
    pub(crate) phase: Phase,
}

impl Journal {
    pub(crate) fn read(home: &Home) -> Result<Option<Self>, SaveError> {
        state_dir::get_of(&home.dir, NAME, FORMAT).map_err(|mut error: SaveError| {
            if let What::StateFile { next, .. } = &mut error.what {
                *next = unread(home);
            }
            error
        })
    }

    pub(crate) fn write(&self, home: &Home) -> Result<(), SaveError> {
        state_dir::put(&home.dir, NAME, self)
    }

    /// The save is over, one way or the other.
    pub(crate) fn close(home: &Home) -> Result<(), SaveError> {
        home.dir.remove(NAME)?;
        home.dir.remove(PENDING)?;
        Ok(home.dir.sync()?)
    }
}

/// The note that an engine is stopped because of a save.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EngineStopped {
    pub(crate) when: String,
    pub(crate) who: String,
    /// Why the save that stopped it ended and left it down, which its user was told; `None`: it broke off, or is still
    /// going on.
    #[serde(default)]
    pub(crate) left: Option<String>,
}

impl EngineStopped {
    pub(crate) fn read(home: &Home) -> Result<Option<Self>, SaveError> {
        state_dir::get(&home.dir, ENGINE)
    }

    pub(crate) fn write(&self, home: &Home) -> Result<(), SaveError> {
        state_dir::put(&home.dir, ENGINE, self)
    }

    pub(crate) fn clear(home: &Home) -> Result<(), SaveError> {
        home.dir.remove(ENGINE)?;
        Ok(home.dir.sync()?)
    }
}

/// One change, as a manifest tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEdit {
    /// Table.
    pub table: String,
    /// Variable.
    pub variable: String,
    /// Before; `None` = was not in the file.
    pub old: Option<String>,
    /// After; `None` = was deleted.
    pub new: Option<String>,
    /// The values are masked, because one of them is a secret: this change cannot be undone alone.
    pub masked: bool,
}

impl StoredEdit {
    pub(crate) fn of(edit: &Edit, secrets: &Secrets) -> Self {
        let masked = [&edit.base, &edit.new]
            .into_iter()
            .flatten()
            .any(|value| secrets.is_secret_at(&edit.path, value));
        let show = |value: &Option<String>| {
            value.as_ref().map(|value| {
                if masked {
                    secrets.show_at(&edit.path, value)
                } else {
                    value.clone()
                }
            })
        };
        Self {
            table: edit.path.table.clone(),
            variable: edit.path.variable.clone(),
            old: show(&edit.base),
            new: show(&edit.new),
            masked,
        }
    }

    pub(crate) fn edit(&self) -> Edit {
        let path = VariablePath {
            table: self.table.clone(),
            variable: self.variable.clone(),
        };
        Edit {
            path,
            base: self.old.clone(),
            new: self.new.clone(),
        }
    }
}

/// Edits as manifests tell them.
pub(crate) fn stored(edits: &EditSet, secrets: &Secrets) -> Vec<StoredEdit> {
    edits.edits().iter().map(|edit| StoredEdit::of(edit, secrets)).collect()
}

/// The directory of the draft, in the target's.
const DRAFT: &str = "draft";
const DRAFT_FILE: &str = "draft.json";
const DRAFT_FORMAT: u32 = 1;

/// Edits that were not saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// When the last edit was made: RFC 3339.
    pub when: String,
    /// The edits, to be rebased onto today's file.
    pub edits: EditSet,
}

#[derive(Serialize, Deserialize)]
struct StoredDraft {
    format: u32,
    when: String,
    edits: Vec<StoredEdit>,
}

/// The draft lives in a directory of its own with a lock of its own: it is written while no save is going on, by a
/// process that holds no other lock.
fn place(state: &StateDir, target: &Target) -> Result<(Directory, std::os::fd::OwnedFd), SaveError> {
    let dir = state.home(target)?.dir.sub(DRAFT)?;
    lock(dir)
}

fn lock(dir: Directory) -> Result<(Directory, std::os::fd::OwnedFd), SaveError> {
    let fault = |errno| SaveError::disk("locking", dir.path(), errno);
    let lock = dir.again().map_err(fault)?;
    rustix::fs::flock(&lock, FlockOperation::LockExclusive).map_err(fault)?;
    Ok((dir, lock))
}

/// Writes the draft, replacing an earlier one; no edits: discards it. Returns the paths that are left out because their
/// values are secrets.
/// # Errors
/// The state directory cannot be written; an earlier draft is still there then.
pub fn write_draft(
    state: &StateDir,
    target: &Target,
    edits: &EditSet,
    secrets: &Secrets,
) -> Result<Vec<VariablePath>, SaveError> {
    let stored = edits.edits().iter().map(|edit| (edit, StoredEdit::of(edit, secrets)));
    let (secret, open): (Vec<_>, Vec<_>) = stored.partition(|(_, stored)| stored.masked);
    let left_out = secret.into_iter().map(|(edit, _)| edit.path.clone()).collect();
    let edits: Vec<_> = open.into_iter().map(|(_, stored)| stored).collect();
    if edits.is_empty() {
        discard_draft(state, target)?;
        return Ok(left_out);
    }
    let (dir, _lock) = place(state, target)?;
    dir.remove_leftovers()?;
    let stored = StoredDraft {
        format: DRAFT_FORMAT,
        when: audit::now(),
        edits,
    };
    state_dir::put(&dir, DRAFT_FILE, &stored)?;
    Ok(left_out)
}

/// The draft that is there, if any.
/// # Errors
/// It cannot be read or understood; discarding it is possible then too.
pub fn read_draft(state: &StateDir, target: &Target) -> Result<Option<Draft>, SaveError> {
    let Some(dir) = state.look_into(target, Some(DRAFT))? else {
        return Ok(None);
    };
    let (dir, _lock) = lock(dir)?;
    let stored: Option<StoredDraft> = state_dir::get_of(&dir, DRAFT_FILE, DRAFT_FORMAT)?;
    Ok(stored.map(|stored| Draft {
        when: stored.when,
        edits: EditSet::new(stored.edits.iter().map(StoredEdit::edit)),
    }))
}

/// Removes the draft.
/// # Errors
/// The state directory cannot be written.
pub fn discard_draft(state: &StateDir, target: &Target) -> Result<(), SaveError> {
    let (dir, _lock) = place(state, target)?;
    dir.remove_leftovers()?;
    dir.remove(DRAFT_FILE)?;
    Ok(dir.sync()?)
}
