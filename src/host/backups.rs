//! Backups: what was saved when and by whom, and the document of one.

use std::path::PathBuf;
use std::sync::Arc;

use crate::mailserver_cfg::{Document, EditSet};
use crate::save::{self, BackupInfo, SaveError, What};

use super::config_file::ConfigFile;
use super::error::{HostError, parse};

/// So many of the newest backups are looked into for one that can be understood.
const LOOKED_INTO: usize = 20;

/// A backup: the file as it was right before a save.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Its name, which is also what `restore` takes.
    pub id: String,
    /// Where its bytes are.
    pub path: PathBuf,
    /// When the save was made: RFC 3339 with the local offset of that time.
    pub when: String,
    /// By whom, in words.
    pub who: String,
    /// What was done: `save`, `reset`, `restore`, `undo`.
    pub action: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the bytes, hex.
    pub sha256: String,
    /// The change in one line.
    pub summary: String,
    /// The change in words.
    pub words: Vec<String>,
    /// The edits that undo what the save did, to be made on today's file, so that what the engine saved since stays; or
    /// why only the whole file can be put back.
    pub undo: Result<EditSet, String>,
}

impl From<BackupInfo> for Backup {
    fn from(info: BackupInfo) -> Self {
        Self {
            undo: info.undo().map_err(|error| error.to_string()),
            id: info.id,
            path: info.path,
            when: info.when,
            who: info.who.words(),
            action: info.action,
            size: info.size,
            sha256: info.sha256,
            summary: info.summary,
            words: info.words,
        }
    }
}

/// The backups of one file.
#[derive(Debug, Clone)]
pub struct Backups {
    file: ConfigFile,
}

impl Backups {
    pub(super) fn new(file: ConfigFile) -> Self {
        Self { file }
    }

    /// All of them, newest first. Where nothing was kept yet there are none, and no place is made for them.
    ///
    /// # Errors
    /// [`SaveError`].
    pub fn list(&self) -> Result<Vec<Backup>, SaveError> {
        let Some((state, target)) = self.file.kept() else {
            // A state directory that must not be believed is not the same as none.
            self.file.existing_state()?;
            return Ok(Vec::new());
        };
        Ok(save::backups(&state, &target)?.into_iter().map(Backup::from).collect())
    }

    /// The document of a backup, its hash checked.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn document(&self, id: &str) -> Result<Arc<Document>, HostError> {
        let Some((state, target)) = self.file.kept() else {
            return Err(SaveError::from(What::NoSuchBackup { id: id.to_owned() }).into());
        };
        parse(id, save::read_backup(&state, &target, id)?)
    }

    /// Id and time of the newest backup that is a document. (A backup of a broken file is none.)
    pub(super) fn newest_good(&self) -> Option<(String, String)> {
        let list = self.list().ok()?;
        let good = list.into_iter().take(LOOKED_INTO);
        let good = good.into_iter().find(|backup| self.document(&backup.id).is_ok())?;
        Some((good.id, good.when))
    }
}
