//! What `backups` says.

use serde::Serialize;

use crate::host::Backup;
use crate::session::ValueChange;

/// `backups`
#[derive(Serialize)]
pub(in crate::cli) struct BackupsJson {
    pub(in crate::cli) backups: Vec<BackupJson>,
}

/// One backup: the file as it was right before a save.
#[derive(Serialize)]
pub(in crate::cli) struct BackupJson {
    id: String,
    when: String,
    who: String,
    action: String,
    summary: String,
    path: String,
    sha256: String,
}

impl From<&Backup> for BackupJson {
    fn from(backup: &Backup) -> Self {
        Self {
            id: backup.id.clone(),
            when: backup.when.clone(),
            who: backup.who.clone(),
            action: backup.action.clone(),
            summary: backup.summary.clone(),
            path: backup.path.display().to_string(),
            sha256: backup.sha256.clone(),
        }
    }
}

/// `backups ID`
#[derive(Serialize)]
pub(in crate::cli) struct DifferenceJson {
    id: String,
    /// `null`: the file now cannot be understood, so there is nothing to compare with.
    count: Option<usize>,
    changes: Vec<ChangedValueJson>,
    /// Why there is nothing to compare with.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// One value that differs, masked.
#[derive(Serialize)]
struct ChangedValueJson {
    place: String,
    now: Option<String>,
    then: Option<String>,
}

impl DifferenceJson {
    pub(in crate::cli) fn new(id: &str, changes: &[ValueChange], count: usize) -> Self {
        let changes = changes.iter().map(|change| ChangedValueJson {
            place: change.place.clone(),
            now: change.old.clone(),
            then: change.new.clone(),
        });
        Self {
            id: id.to_owned(),
            count: Some(count),
            changes: changes.collect(),
            why: None,
        }
    }

    pub(in crate::cli) fn unknown(id: &str, why: String) -> Self {
        Self {
            id: id.to_owned(),
            count: None,
            changes: Vec::new(),
            why: Some(why),
        }
    }
}
