//! The errors of the room: what was being done, to what, why it failed, what is on disk now, what to do next.

use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::gate::GateError;
use super::trouble::{AfterRollBack, InPlaceWhy, OnDisk, Shown, Trouble, shown};
use crate::files::{Fault, Why};
use crate::mailserver_cfg::{Conflict, EditError, ParseError, ValueChange};

/// Why nothing was saved (or restored, listed, recovered), and what is on disk now.
#[derive(Debug)]
pub struct SaveError {
    /// What went wrong.
    pub what: What,
    /// What the file is now, as far as this error is about the file.
    pub on_disk: OnDisk,
}

/// What became of an engine that was told to stop for a save that ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineThen {
    /// It is down; only inside [`What::EngineDown`], which says so.
    Down,
    /// It was started again.
    StartedAgain,
    /// It never ended.
    RunsOn,
}

impl EngineThen {
    fn words(self) -> &'static str {
        match self {
            Self::Down => "",
            Self::StartedAgain => {
                "; the engine was started again (it may have written the file itself, as at each stop)"
            }
            Self::RunsOn => {
                "; the stop command was run, but the engine never ended and runs on; should it end after all, start it"
            }
        }
    }
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum What {
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
    #[error("{} is being saved by another process{}; the file is untouched; wait for it to \
        end", Shown(path), Pid(*pid))]
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
    /// The bytes on disk are not a document that we would edit.
    #[error("{}: {error}; nothing of this save was written", Shown(path))]
    NotADocument {
        /// The file.
        path: PathBuf,
        /// Where and why.
        error: ParseError,
    },
    /// The path leads to another file than the one that was reviewed.
    #[error(
        "{} leads to {} now, and what was reviewed is {}; nothing of this save was written; see who turned the \
         link, then start again",
        Shown(asked),
        Shown(now),
        Shown(reviewed)
    )]
    AnotherFile {
        /// The path as given.
        asked: PathBuf,
        /// The real file now.
        now: PathBuf,
        /// The real file that was reviewed.
        reviewed: PathBuf,
    },
    /// Someone else changed the same values. Secret values in here are masked.
    #[error("{}: {} of the values to be saved were changed by someone else meanwhile \
        ({})", Shown(path), conflicts.len(), Paths(conflicts))]
    Conflict {
        /// The file.
        path: PathBuf,
        /// Base, theirs and mine of each (masked where secret).
        conflicts: Vec<Conflict>,
        /// What else changed (masked).
        changed: Vec<ValueChange>,
    },
    /// The file changed and cannot be rebased (a whole file was to be put back), or it kept changing between check and
    /// exchange.
    #[error("{} was changed by another program during the save", Shown(path))]
    ChangedUnderneath {
        /// The file.
        path: PathBuf,
        /// What changed (masked).
        changed: Vec<ValueChange>,
    },
    /// The edits could not be applied.
    #[error("{}: {error}; nothing of this save was written", Shown(path))]
    Edit {
        /// The file.
        path: PathBuf,
        /// Why.
        error: Box<EditError>,
    },
    /// It can only be written in place, and nobody allowed that.
    #[error(
        "{}: {why}, so it can only be written in place, which a power cut can tear; allow that explicitly, or edit \
         it where it comes from; nothing of this save was written",
        Shown(path)
    )]
    InPlaceNeeded {
        /// The file.
        path: PathBuf,
        /// Why.
        why: InPlaceWhy,
    },
    /// A limit of this process (setrlimit(2)) is too low for the save.
    #[error("{0}; the engine was not touched and nothing was written; raise the limit, then save again")]
    Limit(String),
    /// A system call failed.
    #[error("{doing} {}: {trouble}", Shown(path))]
    Disk {
        /// What was being done, as a gerund: "writing".
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why.
        trouble: Trouble,
    },
    /// The engine stands in the way: how, and what to do.
    #[error("{0}")]
    Gate(Box<GateError>),
    /// The user cancelled before the exchange.
    #[error("cancelled; the file is untouched")]
    Cancelled,
    /// The user cancelled when the engine had been stopped already, or was stopping.
    #[error("cancelled {}; nothing of this save was written{}", stop_words(*stopping), engine.words())]
    CancelledLate {
        /// It was stopping; else it had stopped.
        stopping: bool,
        /// What became of it.
        engine: EngineThen,
    },
    /// The engine itself wrote the wanted values when it stopped. Only ever inside [`What::EngineDown`]; else it is no
    /// error.
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
    #[error("THE ENGINE IS DOWN: {}; {}. It was stopped for this save, which ended so: \
        {because}", start.in_full(), start.next)]
    EngineDown {
        /// Why the save ended.
        because: Box<SaveError>,
        /// Why the engine is down.
        start: Box<GateError>,
    },
}

impl What {
    /// Do its words leave it to [`OnDisk`] to say what became of the file?
    pub(crate) const fn leaves_disk_open(&self) -> bool {
        matches!(
            self,
            Self::Disk { .. } | Self::Conflict { .. } | Self::ChangedUnderneath { .. } | Self::Gate(_)
        )
    }

    fn next(&self) -> Option<&'static str> {
        match self {
            Self::Disk { trouble, .. } => Some(trouble.next()),
            Self::ChangedUnderneath { .. } => Some("review again, then save"),
            _ => None,
        }
    }
}

impl std::error::Error for SaveError {}

impl Display for SaveError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        if self.what.leaves_disk_open() {
            write!(f, "; {}", self.on_disk)?;
        }
        self.what.next().map_or(Ok(()), |next| write!(f, "; {next}"))
    }
}

impl SaveError {
    /// A failed system call, the target untouched.
    pub(crate) fn disk(doing: &'static str, path: &Path, errno: Errno) -> Self {
        Self::trouble(doing, path, Trouble::of(errno))
    }

    /// The same for a reason that is known better.
    pub(crate) fn trouble(doing: &'static str, path: &Path, trouble: Trouble) -> Self {
        let path = path.to_path_buf();
        What::Disk { doing, path, trouble }.into()
    }

    /// What was read back differs.
    pub(crate) fn read_back(path: &Path) -> Self {
        Self::trouble("reading back", path, Trouble::ReadBack)
    }

    /// Another program changed the file; nothing of ours is in it.
    pub(crate) fn changed_underneath(path: &Path, on_disk: OnDisk) -> Self {
        let (path, changed) = (path.to_path_buf(), Vec::new());
        Self::from(What::ChangedUnderneath { path, changed }).with_on_disk(on_disk)
    }

    /// What went wrong, for a warning after the commit: without the file, about which nothing is open any more, and
    /// without advice for a save that has succeeded.
    pub(crate) fn why(&self) -> String {
        self.what.to_string()
    }

    /// Another program was faster than the exchange, and what it wrote stands there: the save can begin anew.
    pub(crate) fn is_overtaken(&self) -> bool {
        matches!(self.what, What::ChangedUnderneath { .. }) && self.on_disk == OnDisk::Theirs
    }

    /// The same error with what is really on disk.
    pub(crate) fn with_on_disk(mut self, now: OnDisk) -> Self {
        self.on_disk = now;
        self
    }
}

/// What went wrong before anything was done to the file.
impl From<What> for SaveError {
    fn from(what: What) -> Self {
        let on_disk = match &what {
            What::EngineDown { because, .. } => because.on_disk.clone(),
            What::CancelledLate { .. } | What::NothingLeft => OnDisk::Engines,
            _ => OnDisk::Untouched,
        };
        Self { what, on_disk }
    }
}

impl From<GateError> for SaveError {
    fn from(gate: GateError) -> Self {
        What::Gate(Box::new(gate)).into()
    }
}

impl From<Fault> for SaveError {
    fn from(fault: Fault) -> Self {
        let Fault { doing, path, why } = fault;
        let trouble = match why {
            Why::System(errno) => Trouble::of(errno),
            Why::NoRoom { need, free } => Trouble::NoRoom { need, free },
            Why::ReadBack => Trouble::ReadBack,
            Why::ForeignLink { .. } | Why::LinksInACircle => Trouble::Other(why.to_string()),
            Why::LinkLeadsNowhere => return What::LinkLeadsNowhere { path }.into(),
            Why::NotAFile(what) => Trouble::NotAFile(what),
            Why::TooLarge { size, limit } => Trouble::TooLarge { size, limit },
        };
        What::Disk { doing, path, trouble }.into()
    }
}

/// Why the old file is not back, and what stands there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRolledBack {
    /// Why, in words that say nothing of the disk yet.
    pub why: String,
    /// What stands there.
    pub stands: AfterRollBack,
    /// What to do about the reason.
    pub next: Option<&'static str>,
}

impl From<SaveError> for NotRolledBack {
    fn from(error: SaveError) -> Self {
        Self {
            why: error.what.to_string(),
            next: error.what.next(),
            stands: error.on_disk.into(),
        }
    }
}

impl Display for NotRolledBack {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.why, self.stands)?;
        self.next.map_or(Ok(()), |next| write!(f, "; {next}"))
    }
}

fn stop_words(stopping: bool) -> &'static str {
    if stopping {
        "while the engine was stopping"
    } else {
        "after the engine had stopped"
    }
}

struct Pid(Option<u32>);

impl Display for Pid {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |pid| write!(f, " (pid {pid})"))
    }
}

struct Paths<'a>(&'a [Conflict]);

impl Display for Paths<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (count, conflict) in self.0.iter().take(5).enumerate() {
            if count > 0 {
                f.write_str(", ")?;
            }
            f.write_str(&shown(&conflict.path.to_string()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_the_old_file_is_not_back_always_says_which_file_is_there() {
        let words = |error: SaveError| NotRolledBack::from(error).to_string();
        let disk = |on_disk| words(SaveError::disk("syncing", Path::new("/x"), Errno::IO).with_on_disk(on_disk));
        let failed = "the file that the engine did not start with is in place";
        for on_disk in [OnDisk::Untouched, OnDisk::Engines, OnDisk::PutBack] {
            assert!(disk(on_disk).contains(failed));
        }
        assert!(disk(OnDisk::New).contains("the old file is in place"));
        assert!(!disk(OnDisk::New).contains("the new file is in place"));
        let theirs = words(SaveError::changed_underneath(Path::new("/x"), OnDisk::Theirs));
        assert!(theirs.contains("as another program wrote it") && !theirs.contains("nothing of this save"));
        let never = words(What::NeverQuiet { path: "/x".into() }.into());
        assert!(never.ends_with(failed), "{never}");
    }
}
