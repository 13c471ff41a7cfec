//! What can go wrong with a file: what was being done, to what, and why it failed.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::hostile::safe_text;

/// How much of a path is shown.
const SHOWN: usize = 400;

/// Something with a file failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{doing} {}: {why}", shown(path))]
pub struct Fault {
    /// What was being done, as a gerund: "opening".
    pub doing: &'static str,
    /// To what.
    pub path: PathBuf,
    /// Why it failed.
    pub why: Why,
}

/// Why something with a file failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// The kernel refused.
    #[error("{}", io::Error::from(*.0))]
    System(Errno),
    /// The disk is full.
    #[error("no room on the disk: {need} bytes are needed")]
    NoRoom {
        /// Bytes that were to be written.
        need: u64,
        /// Bytes that this user may still write, when the file system says it.
        free: Option<u64>,
    },
    /// It is no regular file, but this (with its article).
    #[error("it is {0}, not a file")]
    NotAFile(&'static str),
    /// It has more bytes than whoever asked can use.
    #[error("it has {size} bytes, more than {limit}")]
    TooLarge {
        /// Bytes, as far as was looked.
        size: u64,
        /// The most that was asked for.
        limit: u64,
    },
    /// A symbolic link that one user made leads to another user's file: whoever made the link must not choose what we
    /// read.
    #[error("the symbolic link of user {link} leads to a file of user {file}")]
    ForeignLink {
        /// Who owns the link.
        link: u32,
        /// Who owns what it leads to.
        file: u32,
    },
    /// Symbolic links that lead to each other, or more of them than the kernel follows.
    #[error("its symbolic links lead in a circle, or there are more than 40 of them")]
    LinksInACircle,
    /// A symbolic link to what is not there.
    #[error("the symbolic link leads to nothing")]
    LinkLeadsNowhere,
    /// What was read back is not what was written.
    #[error("reading back gave other bytes than were written")]
    ReadBack,
}

impl Fault {
    pub(crate) fn new(doing: &'static str, path: &Path, why: Why) -> Self {
        Self {
            doing,
            path: path.to_path_buf(),
            why,
        }
    }

    pub(crate) fn system(doing: &'static str, path: &Path, errno: Errno) -> Self {
        Self::new(doing, path, Why::System(errno))
    }

    pub(crate) fn io(doing: &'static str, path: &Path, error: &io::Error) -> Self {
        Self::system(doing, path, Errno::from_io_error(error).unwrap_or(Errno::IO))
    }

    /// There is no such file, nor a link of that name.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.why == Why::System(Errno::NOENT)
    }
}

/// Without what was being done and the path, which the caller's own error has.
impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        match fault.why {
            Why::System(errno) => errno.into(),
            Why::NoRoom { .. } => Self::new(io::ErrorKind::StorageFull, fault.why),
            Why::TooLarge { .. } => Self::new(io::ErrorKind::FileTooLarge, fault.why),
            Why::NotAFile(_) | Why::ForeignLink { .. } | Why::LinksInACircle | Why::LinkLeadsNowhere => {
                Self::new(io::ErrorKind::InvalidInput, fault.why)
            }
            Why::ReadBack => Self::new(io::ErrorKind::InvalidData, fault.why),
        }
    }
}

/// A path as it may be shown.
pub(super) fn shown(path: &Path) -> String {
    safe_text(path.as_os_str().as_encoded_bytes(), SHOWN)
}
