//! What the room's errors are made of, in the administrator's words: what is on disk, why the kernel refused, why a
//! file is written in place.

use std::fmt::{self, Display, Formatter};
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
    /// It cannot be said; old or new, whole; what came out of the swap lies beside the file under this name.
    Unsure {
        /// Name beside the file.
        beside: String,
    },
}

impl Display for OnDisk {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untouched => f.write_str("the file is untouched"),
            Self::Engines => {
                f.write_str("nothing of this save is in the file (the engine may have written it when it stopped)")
            }
            Self::PutBack => f.write_str("the old file is back in place, checked"),
            Self::Theirs => f.write_str("the file is as the other program left it; nothing of this save is in it"),
            Self::New => f.write_str("the new file is in place"),
            Self::Torn { backup } => torn_words(f, backup),
            Self::Unsure { beside } => unsure_words(f, beside),
        }
    }
}

fn torn_words(f: &mut Formatter<'_>, backup: &Path) -> fmt::Result {
    write!(f, "THE FILE IS NOT WHOLE; its old bytes are in {}", Shown(backup))
}

fn unsure_words(f: &mut Formatter<'_>, beside: &str) -> fmt::Result {
    let beside = shown(beside);
    write!(
        f,
        "the file is the old or the new one, whole; the other lies beside it as {beside}"
    )
}

/// What the target file is after the old one was to be put back and was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterRollBack {
    /// Still the file that the engine did not start with.
    Failed,
    /// The old file is there, but its name may not be durable.
    Restored,
    /// What another program wrote since the save.
    Others,
    /// As [`OnDisk::Torn`].
    Torn {
        /// Where the bytes are that stood there before.
        backup: PathBuf,
    },
    /// As [`OnDisk::Unsure`].
    Unsure {
        /// Name beside the file.
        beside: String,
    },
}

/// In putting the old file back, "old" is what the engine did not start with, and "new" the old file.
impl From<OnDisk> for AfterRollBack {
    fn from(on_disk: OnDisk) -> Self {
        match on_disk {
            OnDisk::Untouched | OnDisk::Engines | OnDisk::PutBack => Self::Failed,
            OnDisk::New => Self::Restored,
            OnDisk::Theirs => Self::Others,
            OnDisk::Torn { backup } => Self::Torn { backup },
            OnDisk::Unsure { beside } => Self::Unsure { beside },
        }
    }
}

impl Display for AfterRollBack {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed => f.write_str("the file that the engine did not start with is in place"),
            Self::Restored => f.write_str("the old file is in place, but a power cut could bring the new one back"),
            Self::Others => f.write_str("the file is as another program wrote it since the save"),
            Self::Torn { backup } => torn_words(f, backup),
            Self::Unsure { beside } => unsure_words(f, beside),
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
    /// EFBIG: the largest file that this process may write (`ulimit -f`).
    FileLimit,
    /// EIO.
    DiskError,
    /// ELOOP where no symbolic link may be, or a name that is not what it was a moment ago.
    Replaced,
    /// What was read back is not what was written.
    ReadBack,
    /// A directory, pipe, link or device where a file should be, with its article.
    NotAFile(&'static str),
    /// It has more bytes than a file of its kind can have.
    TooLarge {
        /// Its size.
        size: u64,
        /// The most that is read.
        limit: u64,
    },
    /// Anything else, with the kernel's words.
    Other(String),
}

impl Trouble {
    /// Translates an error number. What is not in the number (how much room is needed, an immutable flag) the caller
    /// adds.
    #[must_use]
    pub fn of(errno: Errno) -> Self {
        match errno {
            Errno::NOSPC => Self::NoRoom { need: 0, free: None },
            Errno::DQUOT => Self::Quota,
            Errno::ROFS => Self::ReadOnly,
            Errno::PERM | Errno::ACCESS => Self::Denied,
            Errno::BUSY | Errno::TXTBSY => Self::Busy,
            Errno::FBIG => Self::FileLimit,
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
            Self::FileLimit => "raise the limit (ulimit -f, LimitFSIZE=), then save again",
            Self::DiskError => "look at dmesg and smartctl before anything else: the disk reports errors",
            Self::Replaced => "something replaced it meanwhile: look who else works on it, then save again",
            Self::ReadBack => "look at dmesg: the disk did not give back what was written",
            Self::NotAFile(_) | Self::TooLarge { .. } => "see who put it there and move it away, then save again",
            Self::Other(_) => "see the reason above, then save again",
        }
    }
}

impl Display for Trouble {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
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
            Self::FileLimit => f.write_str("this process may not write so large a file (RLIMIT_FSIZE)"),
            Self::DiskError => f.write_str("the disk reports an error (EIO)"),
            Self::Replaced => f.write_str("it is not what it was a moment ago"),
            Self::ReadBack => f.write_str("reading back gave other bytes than were written"),
            Self::NotAFile(what) => write!(f, "it is {what}, not a file"),
            Self::TooLarge { size, limit } => write!(f, "it has {size} bytes, more than {limit}"),
            Self::Other(words) => f.write_str(words),
        }
    }
}

/// Why a file cannot be replaced by renaming, only written in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InPlaceWhy {
    /// The file is a mount point of its own (a bind mount of one file, as containers have): renaming over it gives
    /// EBUSY.
    MountPoint,
    /// It has more than one name; renaming would leave the others with the old content.
    HardLinks(u64),
    /// Its owner or group is not known in this user name space (a container without root's rights), so no new file can
    /// be given to it. The numbers by which it is shown here.
    OwnerNotMapped {
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
    },
}

impl Display for InPlaceWhy {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::MountPoint => f.write_str("it is mounted on its own (a single-file bind mount)"),
            Self::HardLinks(links) => write!(f, "it has {links} names (hard links)"),
            Self::OwnerNotMapped { uid, gid } => write!(
                f,
                "its owner or group (shown here as {uid}:{gid}) is not known in this container, so a new file could \
                 not be given to them"
            ),
        }
    }
}

/// How many characters of a stranger's text are shown.
const LONGEST: usize = 400;

/// A path as it may be shown: control bytes as hex, bounded.
pub(crate) struct Shown<'a>(pub(crate) &'a Path);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::hostile::safe_text(
            self.0.as_os_str().as_encoded_bytes(),
            LONGEST,
        ))
    }
}

/// Hostile text as it may be shown, at most 400 characters.
pub(crate) fn shown(text: &str) -> String {
    crate::hostile::safe_text(text, LONGEST)
}
