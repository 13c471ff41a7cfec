//! Unsaved edits, kept so that a lost session loses no work: what to change, never a secret, 0600.

use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use super::audit;
use super::backup::StoredEdit;
use super::error::SaveError;
use super::state_dir::{self, StateDir};
use super::target::Target;
use crate::files::Directory;
use crate::mailserver_cfg::{EditSet, Secrets, VariablePath};

/// The directory of the draft, in the target's.
const DRAFT: &str = "draft";
const NAME: &str = "draft.json";
const FORMAT: u32 = 1;

/// Edits that were not saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// When the last edit was made: RFC 3339.
    pub when: String,
    /// The edits, to be rebased onto today's file.
    pub edits: EditSet,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    format: u32,
    when: String,
    edits: Vec<StoredEdit>,
}

/// The draft lives in a directory of its own with a lock of its own: it is written while no save is going on, by a process that holds no
/// other lock.
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

/// Writes the draft, replacing an earlier one; no edits: discards it. Returns the paths that are left out because their values are secrets.
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
    let stored = Stored {
        format: FORMAT,
        when: audit::now(),
        edits,
    };
    state_dir::put(&dir, NAME, &stored)?;
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
    let stored: Option<Stored> = state_dir::get_of(&dir, NAME, FORMAT)?;
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
    dir.remove(NAME)?;
    Ok(dir.sync()?)
}
