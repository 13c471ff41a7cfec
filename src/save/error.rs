//! The errors of the room: what was being done, to what, why it failed, what is on disk now, what to do next.

use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::gate::GateError;
use super::trouble::{InPlaceWhy, OnDisk, Shown, Trouble, shown};
use crate::mailserver_cfg::{Conflict, EditError, ParseError, ValueChange};

/// Why nothing was saved (or restored, listed, recovered).
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// No such file.
    #[error("{}: there is no such file", Shown(path))]
    NotFound {
        /// As given.
        path: PathBuf,
    },
    /// A symbolic link to nothing.
    #[error(
        "{}: the symbolic link leads to nothing; mount or create what it points to",
        Shown(path)
    )]
    LinkLeadsNowhere {
        /// The link.
        path: PathBuf,
    },
    /// A directory, device, socket or pipe.
    #[error("{} is {what}, not a file; give the path of mailserver.cfg itself", Shown(path))]
    NotAFile {
        /// What was asked for.
        path: PathBuf,
        /// What it is, with its article.
        what: &'static str,
    },
    /// The state directory cannot be trusted.
    #[error("the state directory {} cannot be trusted: {why}; {next}", Shown(path))]
    StateDir {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
        /// What to do.
        next: &'static str,
    },
    /// Another save holds the lock.
    #[error("{} is being saved by another process{}; the file is untouched; wait for it to end", Shown(path), Pid(*pid))]
    Locked {
        /// The file.
        path: PathBuf,
        /// Who holds the lock, when the kernel tells.
        pid: Option<u32>,
    },
    /// The file never held still while it was read.
    #[error(
        "{} kept changing while it was read; nothing of this save was written; find out who writes it, then try again",
        Shown(path)
    )]
    NeverQuiet {
        /// The file.
        path: PathBuf,
    },
    /// More bytes than we are willing to hold in memory.
    #[error("{} has {size} bytes, more than {limit}; that is no mailserver.cfg", Shown(path))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The bytes on disk are not a document that we would edit.
    #[error("{}: {error}; nothing of this save was written", Shown(path))]
    NotADocument {
        /// The file.
        path: PathBuf,
        /// Where and why.
        error: ParseError,
    },
    /// Someone else changed the same values. Secret values in here are masked.
    #[error("{}: {} of the values to be saved were changed by someone else meanwhile ({}); {on_disk}", Shown(path), conflicts.len(), Paths(conflicts))]
    Conflict {
        /// The file.
        path: PathBuf,
        /// Base, theirs and mine of each (masked where secret).
        conflicts: Vec<Conflict>,
        /// What else changed (masked).
        changed: Vec<ValueChange>,
        /// What is on disk.
        on_disk: OnDisk,
    },
    /// The file changed and cannot be rebased (a whole file was to be put back), or it kept changing between check and exchange.
    #[error(
        "{} was changed by another program during the save; {on_disk}; review again, then save",
        Shown(path)
    )]
    ChangedUnderneath {
        /// The file.
        path: PathBuf,
        /// What changed (masked).
        changed: Vec<ValueChange>,
        /// What is on disk.
        on_disk: OnDisk,
    },
    /// The edits could not be applied.
    #[error("{}: {error}; nothing of this save was written", Shown(path))]
    Edit {
        /// The file.
        path: PathBuf,
        /// Why.
        error: EditError,
    },
    /// It can only be written in place, and nobody allowed that.
    #[error(
        "{}: {why}, so it can only be written in place, which a power cut can tear; allow that explicitly, or edit it where it comes from; nothing of this save was written",
        Shown(path)
    )]
    InPlaceNeeded {
        /// The file.
        path: PathBuf,
        /// Why.
        why: InPlaceWhy,
    },
    /// A system call failed.
    #[error("{doing} {}: {trouble}; {on_disk}; {}", Shown(path), trouble.next())]
    Disk {
        /// What was being done, as a gerund: "writing".
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why.
        trouble: Trouble,
        /// What is on disk.
        on_disk: OnDisk,
    },
    /// The engine stands in the way.
    #[error("{gate}; {on_disk}")]
    Gate {
        /// How, and what to do.
        gate: GateError,
        /// What is on disk.
        on_disk: OnDisk,
    },
    /// The user cancelled before the exchange.
    #[error("cancelled; the file is untouched")]
    Cancelled,
    /// The user cancelled when the engine had been stopped already, or was stopping. It was started again, except inside
    /// [`SaveError::EngineDown`].
    #[error("cancelled {}; nothing of this save was written{}", stop_words(*stopping), start_words(*up))]
    CancelledLate {
        /// It was stopping; else it had stopped.
        stopping: bool,
        /// It was started again.
        up: bool,
    },
    /// The engine itself wrote the wanted values when it stopped. Only ever inside [`SaveError::EngineDown`]; else it is no error.
    #[error("there was nothing left to save, because the engine itself wrote these values when it stopped")]
    NothingLeft,
    /// There is no backup of that name.
    #[error("there is no backup {}; list them first", shown(id))]
    NoSuchBackup {
        /// As asked for.
        id: String,
    },
    /// A backup is not what its manifest says.
    #[error("the backup {} cannot be used: {why}; choose another one", shown(id))]
    BackupBroken {
        /// Which.
        id: String,
        /// Why.
        why: String,
    },
    /// A file of our own is unreadable.
    #[error("{} cannot be understood ({why}); {next}", Shown(path))]
    StateFile {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
        /// What to do.
        next: String,
    },
    /// The save ended without success, and the engine that had been stopped for it did not come up again.
    #[error("THE ENGINE IS DOWN: {}; {}. It was stopped for this save, which ended so: {because}", start.in_full(), start.next)]
    EngineDown {
        /// Why the save ended.
        because: Box<SaveError>,
        /// Why the engine is down.
        start: GateError,
    },
}

impl SaveError {
    /// A failed system call, the target untouched.
    pub(crate) fn disk(doing: &'static str, path: &Path, errno: Errno) -> Self {
        Self::Disk {
            doing,
            path: path.to_path_buf(),
            trouble: Trouble::of(errno),
            on_disk: OnDisk::Untouched,
        }
    }

    /// The same from the standard library's error.
    pub(crate) fn io(doing: &'static str, path: &Path, error: &std::io::Error) -> Self {
        let trouble = match Errno::from_io_error(error) {
            Some(errno) => Trouble::of(errno),
            None => Trouble::Other(error.to_string()),
        };
        Self::Disk {
            doing,
            path: path.to_path_buf(),
            trouble,
            on_disk: OnDisk::Untouched,
        }
    }

    /// What was read back differs.
    pub(crate) fn read_back(path: &Path) -> Self {
        Self::Disk {
            doing: "reading back",
            path: path.to_path_buf(),
            trouble: Trouble::ReadBack,
            on_disk: OnDisk::Untouched,
        }
    }

    /// The same error with what is really on disk.
    pub(crate) fn with_on_disk(mut self, now: OnDisk) -> Self {
        match &mut self {
            Self::Disk { on_disk, .. }
            | Self::Conflict { on_disk, .. }
            | Self::ChangedUnderneath { on_disk, .. }
            | Self::Gate { on_disk, .. } => *on_disk = now,
            _ => {}
        }
        self
    }

    /// What its words say of what is on disk, if they say it.
    pub(crate) const fn said_of_disk(&self) -> Option<&OnDisk> {
        match self {
            Self::Disk { on_disk, .. }
            | Self::Conflict { on_disk, .. }
            | Self::ChangedUnderneath { on_disk, .. }
            | Self::Gate { on_disk, .. } => Some(on_disk),
            _ => None,
        }
    }

    /// What is on disk now, as far as this error is about the file.
    #[must_use]
    pub fn on_disk(&self) -> OnDisk {
        match self {
            Self::EngineDown { because, .. } => because.on_disk(),
            Self::CancelledLate { .. } | Self::NothingLeft => OnDisk::Engines,
            other => other.said_of_disk().cloned().unwrap_or(OnDisk::Untouched),
        }
    }
}

impl From<GateError> for SaveError {
    fn from(gate: GateError) -> Self {
        Self::Gate {
            gate,
            on_disk: OnDisk::Untouched,
        }
    }
}

fn stop_words(stopping: bool) -> &'static str {
    if stopping {
        "while the engine was stopping"
    } else {
        "after the engine had stopped"
    }
}

fn start_words(up: bool) -> &'static str {
    if up {
        "; the engine was started again (it may have written the file itself, as at each stop)"
    } else {
        ""
    }
}

struct Pid(Option<u32>);

impl std::fmt::Display for Pid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(pid) => write!(f, " (pid {pid})"),
            None => Ok(()),
        }
    }
}

struct Paths<'a>(&'a [Conflict]);

impl std::fmt::Display for Paths<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (count, conflict) in self.0.iter().take(5).enumerate() {
            if count > 0 {
                f.write_str(", ")?;
            }
            f.write_str(&shown(&conflict.path.to_string()))?;
        }
        Ok(())
    }
}
