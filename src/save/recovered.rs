//! What recovery found and did.

use std::path::PathBuf;

/// The action of a journal that put the old file back after a bad start: undone, the file is still the one that the engine did not like.
pub const ROLL_BACK: &str = "roll back";

/// What recovery found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovered {
    /// A save broke off before its exchange: the file is what it was before; leftovers are gone.
    Undone {
        /// What it was: `save`, `restore`, … or [`ROLL_BACK`].
        action: String,
        /// When it began.
        when: String,
        /// What it was about.
        summary: String,
        /// The backup that is still there: of a [`ROLL_BACK`], with the bytes that did not get back. A save's own is gone.
        backup: Option<String>,
    },
    /// A save broke off after its exchange: the new file is in place; the old one, which lay beside it, is gone; the backup is there.
    Completed {
        /// What it was: `save`, `restore`, … or [`ROLL_BACK`].
        action: String,
        /// When it began.
        when: String,
        /// What it was about.
        summary: String,
        /// Its backup; of a [`ROLL_BACK`], the bytes that are in the file again.
        backup: String,
    },
    /// A save broke off while another program's version was swapped out: that version is back in place.
    TheirsPutBack {
        /// When it began.
        when: String,
        /// A copy of their version.
        kept: PathBuf,
    },
    /// The file was replaced by another program after the save broke off; what had come out of the exchange is kept.
    Kept {
        /// When the save began.
        when: String,
        /// Where.
        kept: PathBuf,
    },
    /// The file was torn while written in place; it was put together again from the backup.
    Repaired {
        /// When the save began.
        when: String,
        /// From this backup.
        backup: String,
    },
    /// A save broke off; the file has been changed since, so it is left alone. The backup is there.
    ChangedSince {
        /// When it began.
        when: String,
        /// Its backup.
        backup: String,
    },
    /// A file of ours beside the target, proven to be a copy of what is backed up: removed.
    LeftoverRemoved {
        /// Its name.
        name: String,
    },
    /// A file beside the target that is named like ours, but not proven to be: left alone, to be looked at. It may hold secrets.
    LeftoverFound {
        /// Its path.
        path: PathBuf,
    },
    /// An earlier save stopped the engine, and did not live to start it or could not. Said until [`engine_is_up`](super::engine_is_up) is called.
    EngineMayBeDown {
        /// Since when.
        when: String,
        /// Who saved.
        who: String,
        /// Why it could not, which was told then; `None`: it did not live to.
        left: Option<String>,
    },
}
