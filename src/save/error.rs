//! The errors of the room: what was being done, to what, why it failed, what is on disk now, what to do next.

use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::gate::GateError;
use crate::mailserver_cfg::{Conflict, EditError, ParseError, ValueChange};

/// What the target file is when an error is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnDisk {
    /// The old file, never touched.
    Untouched,
    /// The old file: it was swapped out and back in again, and checked.
    PutBack,
    /// What another program wrote in the meantime; nothing of ours.
    Theirs,
    /// The new file, whole.
    New,
    /// Writing in place broke off and putting the old bytes back failed too; the old bytes are in this backup.
    Torn {
        /// Where the old bytes are.
        backup: PathBuf,
    },
    /// It cannot be said; old or new, whole; what came out of the swap lies beside the file under this name.
    Unsure {
        /// Name beside the file.
        beside: String,
    },
}

impl std::fmt::Display for OnDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Untouched => f.write_str("the file is untouched"),
            Self::PutBack => f.write_str("the old file is back in place, checked"),
            Self::Theirs => f.write_str("the file is as the other program left it; nothing of this save is in it"),
            Self::New => f.write_str("the new file is in place"),
            Self::Torn { backup } => {
                write!(f, "THE FILE IS NOT WHOLE; its old bytes are in {}", Shown(backup))
            }
            Self::Unsure { beside } => {
                write!(
                    f,
                    "the file is the old or the new one, whole; the other lies beside it as {}",
                    shown(beside)
                )
            }
        }
    }
}

/// Why the kernel refused, in the administrator's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// ENOSPC; bytes.
    NoRoom {
        /// Bytes needed.
        need: u64,
        /// Bytes free, when it could be asked.
        free: Option<u64>,
    },
    /// EDQUOT.
    Quota,
    /// EROFS.
    ReadOnly,
    /// EPERM on a file or directory that carries the immutable or append-only flag.
    Immutable,
    /// EPERM or EACCES without such a flag.
    Denied,
    /// EBUSY: a mount point, or held by the kernel.
    Busy,
    /// EIO.
    DiskError,
    /// ELOOP where no symbolic link may be, or a name that is not what it was a moment ago.
    Replaced,
    /// What was read back is not what was written.
    ReadBack,
    /// Anything else, with the kernel's words.
    Other(String),
}

impl Trouble {
    /// Translates an error number. What is not in the number (how much room is needed, an immutable flag) the caller adds.
    #[must_use]
    pub fn of(errno: Errno) -> Self {
        match errno {
            Errno::NOSPC => Self::NoRoom { need: 0, free: None },
            Errno::DQUOT => Self::Quota,
            Errno::ROFS => Self::ReadOnly,
            Errno::PERM | Errno::ACCESS => Self::Denied,
            Errno::BUSY | Errno::TXTBSY => Self::Busy,
            Errno::IO => Self::DiskError,
            Errno::LOOP => Self::Replaced,
            other => Self::Other(std::io::Error::from(other).to_string()),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            Self::NoRoom { .. } => "free some room (df -h), then save again",
            Self::Quota => "the owner's disk quota is used up: raise it (quota, edquota), then save again",
            Self::ReadOnly => {
                "the file system is mounted read-only: look at dmesg for disk errors, remount it, then save again"
            }
            Self::Immutable => "take the flag off with chattr -i (or -a) after finding out who set it, then save again",
            Self::Denied => "save as root or as the owner of the file",
            Self::Busy => {
                "the file is a mount point or in use: allow writing in place, or change it where it is mounted from"
            }
            Self::DiskError => "look at dmesg and smartctl before anything else: the disk reports errors",
            Self::Replaced => "something replaced it meanwhile: look who else works on it, then save again",
            Self::ReadBack => "look at dmesg: the disk did not give back what was written",
            Self::Other(_) => "see the reason above, then save again",
        }
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoRoom { need: 0, .. } => f.write_str("no room on the disk"),
            Self::NoRoom { need, free: None } => write!(f, "no room on the disk: {need} bytes are needed"),
            Self::NoRoom { need, free: Some(free) } => {
                write!(f, "no room on the disk: {need} bytes are needed, {free} are free")
            }
            Self::Quota => f.write_str("disk quota exceeded"),
            Self::ReadOnly => f.write_str("the file system is read-only"),
            Self::Immutable => f.write_str("it is marked immutable or append-only"),
            Self::Denied => f.write_str("no permission"),
            Self::Busy => f.write_str("it is busy"),
            Self::DiskError => f.write_str("the disk reports an error (EIO)"),
            Self::Replaced => f.write_str("it is not what it was a moment ago"),
            Self::ReadBack => f.write_str("reading back gave other bytes than were written"),
            Self::Other(words) => f.write_str(words),
        }
    }
}

/// Why a file cannot be replaced by renaming, only written in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InPlaceWhy {
    /// The file is a mount point of its own (a bind mount of one file, as containers have): renaming over it gives EBUSY.
    MountPoint,
    /// It has more than one name; renaming would leave the others with the old content.
    HardLinks(u64),
}

impl std::fmt::Display for InPlaceWhy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::MountPoint => f.write_str("it is mounted on its own (a single-file bind mount)"),
            Self::HardLinks(links) => write!(f, "it has {links} names (hard links)"),
        }
    }
}

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
        "{} kept changing while it was read; nothing was written; find out who writes it, then try again",
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
    #[error("{}: {error}; nothing was written", Shown(path))]
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
    #[error("{}: {error}; the file is untouched", Shown(path))]
    Edit {
        /// The file.
        path: PathBuf,
        /// Why.
        error: EditError,
    },
    /// It can only be written in place, and nobody allowed that.
    #[error(
        "{}: {why}, so it can only be written in place, which a power cut can tear; allow that explicitly, or edit it where it comes from; the file is untouched",
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
    #[error("{0}; the file is untouched")]
    Gate(#[from] GateError),
    /// The user cancelled before the exchange.
    #[error("cancelled; the file is untouched")]
    Cancelled,
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
        next: &'static str,
    },
    /// The save ended without success, and the engine that had been stopped for it did not come up again.
    #[error("THE ENGINE IS DOWN: {start}. It was stopped for this save, which ended so: {because}")]
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
            Self::Disk { on_disk, .. } | Self::Conflict { on_disk, .. } | Self::ChangedUnderneath { on_disk, .. } => {
                *on_disk = now;
            }
            _ => {}
        }
        self
    }

    /// What is on disk now, as far as this error is about the file.
    #[must_use]
    pub fn on_disk(&self) -> OnDisk {
        match self {
            Self::Disk { on_disk, .. } | Self::Conflict { on_disk, .. } | Self::ChangedUnderneath { on_disk, .. } => {
                on_disk.clone()
            }
            Self::EngineDown { because, .. } => because.on_disk(),
            _ => OnDisk::Untouched,
        }
    }
}

/// A path as it may be shown: control bytes as hex, bounded.
struct Shown<'a>(&'a Path);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&shown(&self.0.to_string_lossy()))
    }
}

/// Hostile text as it may be shown: control characters as hex, at most 400 characters.
pub(crate) fn shown(text: &str) -> String {
    let mut out = String::new();
    for (count, character) in text.chars().enumerate() {
        if count >= 400 {
            out.push('…');
            break;
        }
        if character.is_control() {
            out.push_str(&format!("\\x{:02x}", u32::from(character)));
        } else {
            out.push(character);
        }
    }
    out
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
