//! What is written beside the bytes of a backup, and what is told of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::SaveError;
use super::state_dir::Home;
use super::who::Actor;
use crate::mailserver_cfg::{Edit, EditSet, Secrets, VariablePath};

/// One change, as a manifest tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEdit {
    /// Table.
    pub table: String,
    /// Variable.
    pub variable: String,
    /// Before; `None` = was not in the file.
    pub old: Option<String>,
    /// After; `None` = was deleted.
    pub new: Option<String>,
    /// The values are masked, because one of them is a secret: this change cannot be undone alone.
    pub masked: bool,
}

impl StoredEdit {
    pub(crate) fn of(edit: &Edit, secrets: &Secrets) -> Self {
        let masked = [&edit.base, &edit.new]
            .into_iter()
            .flatten()
            .any(|value| secrets.is_secret_at(&edit.path, value));
        let show = |value: &Option<String>| {
            value.as_ref().map(|value| {
                if masked {
                    secrets.show_at(&edit.path, value)
                } else {
                    value.clone()
                }
            })
        };
        Self {
            table: edit.path.table.clone(),
            variable: edit.path.variable.clone(),
            old: show(&edit.base),
            new: show(&edit.new),
            masked,
        }
    }

    pub(crate) fn edit(&self) -> Edit {
        let path = VariablePath {
            table: self.table.clone(),
            variable: self.variable.clone(),
        };
        Edit {
            path,
            base: self.old.clone(),
            new: self.new.clone(),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    pub(crate) when: String,
    pub(crate) utc: String,
    pub(crate) who: Actor,
    pub(crate) action: String,
    pub(crate) file: String,
    pub(crate) size: u64,
    pub(crate) sha256: String,
    pub(crate) new_sha256: String,
    pub(crate) mode: String,
    pub(crate) uid: u32,
    pub(crate) owner: Option<String>,
    pub(crate) gid: u32,
    pub(crate) group: Option<String>,
    /// Values as hex.
    pub(crate) xattrs: BTreeMap<String, String>,
    /// A whole file was put in place instead of edits.
    pub(crate) whole: bool,
    pub(crate) edits: Vec<StoredEdit>,
    pub(crate) summary: String,
    pub(crate) words: Vec<String>,
}

/// A backup: the file as it was right before a save.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupInfo {
    /// Its name, which is also what `restore` takes.
    pub id: String,
    /// Where its bytes are.
    pub path: PathBuf,
    /// When the save was made: RFC 3339 with the local offset of that time.
    pub when: String,
    /// By whom.
    pub who: Actor,
    /// What was done: the word of the request, such as `save` or `restore`.
    pub action: String,
    /// The file that was saved.
    pub file: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the bytes, hex.
    pub sha256: String,
    /// SHA-256 of what the save put in place, hex.
    pub new_sha256: String,
    /// Mode of the file, octal digits.
    pub mode: String,
    /// Owner and group, by name where there is one.
    pub owner: String,
    /// The save put a whole file in place; there are no edits to undo.
    pub whole: bool,
    /// What the save changed.
    pub edits: Vec<StoredEdit>,
    /// The change in one line, as the request said it.
    pub summary: String,
    /// The change in words.
    pub words: Vec<String>,
}

impl BackupInfo {
    /// The edits that undo what this save did, to be saved on today's file, so that what the engine saved since stays.
    /// # Errors
    /// [`SaveError::BackupBroken`] when a whole file was put in place or a value was masked: only the whole file can be put back then.
    pub fn undo(&self) -> Result<EditSet, SaveError> {
        let broken = |why: &str| {
            Err(SaveError::BackupBroken {
                id: self.id.clone(),
                why: why.to_owned(),
            })
        };
        if self.whole {
            return broken("it is from a save that put a whole file in place, so there are no single changes to undo");
        }
        if self.edits.iter().any(|edit| edit.masked) {
            return broken("one of its changes is a secret that is not kept in the clear; put back the whole file");
        }
        Ok(EditSet::new(self.edits.iter().map(StoredEdit::edit)).inverse())
    }
}

pub(crate) fn info(home: &Home, id: &str, manifest: Manifest) -> BackupInfo {
    let owner = manifest.owner.unwrap_or_else(|| manifest.uid.to_string());
    let group = manifest.group.unwrap_or_else(|| manifest.gid.to_string());
    BackupInfo {
        id: id.to_owned(),
        path: home.backups.path.join(format!("{id}.cfg")),
        when: manifest.when,
        who: manifest.who,
        action: manifest.action,
        file: manifest.file,
        size: manifest.size,
        sha256: manifest.sha256,
        new_sha256: manifest.new_sha256,
        mode: manifest.mode,
        owner: format!("{owner}:{group}"),
        whole: manifest.whole,
        edits: manifest.edits,
        summary: manifest.summary,
        words: manifest.words,
    }
}
