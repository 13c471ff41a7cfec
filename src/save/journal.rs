//! The journal: one small durable file that says what a save is about to do, so that the next start can finish or undo it.

use serde::{Deserialize, Serialize};

use super::error::{SaveError, What};
use super::state_dir::{self, Home};
use super::trouble::Shown;

pub(crate) const NAME: &str = "journal.json";
const ENGINE: &str = "engine-stopped.json";
/// The bytes that are not in the backup while a file is written in place: the new ones, or on the way back the failed ones.
pub(crate) const PENDING: &str = "pending.cfg";

/// Of the journal as it is now.
pub(crate) const FORMAT: u32 = 1;

/// What to do about a journal that cannot be understood: a file that was torn while it was written in place can be mended only by what is in it.
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
        "it says what became of a save that broke off: see whether the file is whole{old}; only then move the journal away and try again"
    )
}

/// How far a save has come. Written before the thing that it names is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "phase")]
pub(crate) enum Phase {
    /// The backup and the temp file may be there in part. The exchange has not happened.
    Begun,
    /// The temp file is whole and durable and has this inode; the exchange may have happened. (No device number: it can be another one
    /// after a reboot.)
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
    /// Why the save that stopped it ended and left it down, which its user was told; `None`: it broke off, or is still going on.
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
