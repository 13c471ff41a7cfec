//! What the targets share.
#![allow(dead_code, reason = "each target uses its part")]

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// 1 November 2026.
pub const NOW: Timestamp = Timestamp::constant(1_793_491_200, 0);

/// A file in memory that every run of this process writes anew.
pub struct FixedFile {
    root: PathBuf,
    path: PathBuf,
}

impl FixedFile {
    /// By its path below a directory that belongs to this process.
    pub fn of_this_process(path: &str) -> Self {
        let root = PathBuf::from(format!("/dev/shm/kerio-tls-fuzz-{}", std::process::id()));
        fs::create_dir_all(&root).expect("a directory in memory");
        Self {
            path: root.join(path),
            root,
        }
    }

    pub fn write(&self, bytes: &[u8]) {
        fs::write(&self.path, bytes).expect("a file in memory");
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn root(&self) -> &Path {
        &self.root
    }
}

/// Nothing that a terminal would obey.
pub fn assert_safe(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
}
