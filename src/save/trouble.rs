//! The words of the room's errors: why the kernel refused, what is on disk, why a file is written in place.

use std::path::{Path, PathBuf};

use rustix::io::Errno;

/// What the target file is when an error is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnDisk {
    /// The old file, never touched.
    Untouched,
    /// Nothing of this save; but the engine was told to stop for it, and may have written it then, as it does.
    Engines,
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
    /// While the old file was to be put back: still the file that the engine did not start with.
    Failed,
    /// While the old file was to be put back: it is there, but its name may not be durable.
    Restored,
    /// While the old file was to be put back: what another program wrote since the save.
    Others,
    /// It cannot be said; old or new, whole; what came out of the swap lies beside the file under this name.
    Unsure {
        /// Name beside the file.
        beside: String,
    },
}

impl OnDisk {
    /// What an error of putting the old file back means: "old" and "new" are the other way round there.
    pub(crate) fn of_a_roll_back(self) -> Self {
        match self {
            Self::Untouched | Self::Engines | Self::PutBack => Self::Failed,
            Self::New => Self::Restored,
            Self::Theirs => Self::Others,
            other => other,
        }
    }
}

impl std::fmt::Display for OnDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Untouched => f.write_str("the file is untouched"),
            Self::Engines => {
                f.write_str("nothing of this save is in the file (the engine may have written it when it stopped)")
            }
            Self::PutBack => f.write_str("the old file is back in place, checked"),
            Self::Theirs => f.write_str("the file is as the other program left it; nothing of this save is in it"),
            Self::New => f.write_str("the new file is in place"),
            Self::Failed => f.write_str("the file that the engine did not start with is in place"),
            Self::Restored => f.write_str("the old file is in place, but a power cut could bring the new one back"),
            Self::Others => f.write_str("the file is as another program wrote it since the save"),
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
    /// Only root may give a file this group: the user is not in it.
    NotInGroup(String),
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
            Self::NotInGroup(_) => "save as root",
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
            Self::NotInGroup(group) => write!(f, "this user is not in the group {}", shown(group)),
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

/// A path as it may be shown: control bytes as hex, bounded.
pub(crate) struct Shown<'a>(pub(crate) &'a Path);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&shown(&self.0.to_string_lossy()))
    }
}

/// Hostile text as it may be shown, at most 400 characters.
pub(crate) fn shown(text: &str) -> String {
    crate::hostile::safe_text(text, 400)
}
