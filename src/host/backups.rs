//! Backups: what differs, and the document of one.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;

use crate::mailserver_cfg::{Document, Secrets, ValueChange};
use crate::save::{self, BackupInfo, SaveError};

use super::here::{Host, HostError};
use super::loading::parse;

/// How many differing values are listed.
const LISTED: usize = 200;

/// Where the time is kept that stop and start took last, beside the backups.
const SECONDS: &str = "engine-seconds";

impl Host {
    /// The backups of this file, newest first. Where nothing was kept yet there are none, and no place is made for them.
    ///
    /// # Errors
    /// [`SaveError`].
    pub fn backups(&self) -> Result<Vec<BackupInfo>, SaveError> {
        if !self.has_state() {
            return Ok(Vec::new());
        }
        save::backups(&self.state()?, &self.target()?)
    }

    /// The document of a backup, its hash checked.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn backup_document(&self, id: &str) -> Result<Arc<Document>, HostError> {
        if !self.has_state() {
            return Err(SaveError::from(save::What::NoSuchBackup { id: id.to_owned() }).into());
        }
        let bytes = save::read_backup(&self.state()?, &self.target()?, id)?;
        parse(std::path::Path::new(id), bytes)
    }

    /// What putting that backup's whole file in place would change now: value by value, masked, and how many in all.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn difference(&self, id: &str, secrets: &Secrets) -> Result<(Vec<ValueChange>, usize), HostError> {
        Ok(self.load()?.changes_to(&*self.backup_document(id)?, secrets, LISTED))
    }

    /// How long stop and start took last time, in seconds.
    pub(crate) fn engine_seconds(&self) -> Option<u64> {
        std::fs::read_to_string(self.home.state_dir.join(SECONDS))
            .ok()?
            .trim()
            .parse()
            .ok()
    }

    /// Remembers it. Nothing depends on it, so nothing is said when that fails.
    pub(crate) fn remember_engine_seconds(&self, seconds: u64) {
        let path = self.home.state_dir.join(SECONDS);
        let beside = path.with_extension("new");
        let written = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)
            .and_then(|mut file| file.write_all(format!("{seconds}\n").as_bytes()));
        if written.is_ok() {
            let _ = std::fs::rename(&beside, &path);
        }
    }
}
