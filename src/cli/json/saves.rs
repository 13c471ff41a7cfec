//! What `set`, `reset`, `restore` and `backups` say.

use serde::Serialize;

use crate::host::Backup;
use crate::session::{Conflict, Edit, Secrets, ValueChange};
use crate::tls::{Catalogue, Direction};

use super::answers::{PeerJson, PortJson};

/// `set`, `reset`, `restore`
#[derive(Serialize)]
pub(in crate::cli) struct ChangeJson {
    pub(in crate::cli) changed: bool,
    pub(in crate::cli) saved: bool,
    pub(in crate::cli) edits: Vec<EditJson>,
    pub(in crate::cli) cut_off: Vec<PeerJson>,
    pub(in crate::cli) backup: Option<String>,
    /// Only where someone else changed the same values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::cli) conflicts: Vec<ConflictJson>,
    pub(in crate::cli) warnings: Vec<String>,
    /// `null`: not known, because nothing was asked or something was not answered.
    pub(in crate::cli) took_effect: Option<bool>,
    /// Recipient domains whose every known server is cut off.
    pub(in crate::cli) cut_off_domains: Vec<String>,
    /// What the server's own ports answered after the save; `null`: they were not asked.
    pub(in crate::cli) live: Option<Vec<PortJson>>,
    /// The engine's ports that were not asked, because nobody knows what is spoken there.
    pub(in crate::cli) not_asked: Option<Vec<u16>>,
}

impl ChangeJson {
    /// Nothing is changed.
    pub(in crate::cli) fn nothing(warnings: Vec<String>) -> Self {
        Self {
            changed: false,
            saved: false,
            edits: Vec::new(),
            cut_off: Vec::new(),
            backup: None,
            conflicts: Vec::new(),
            warnings,
            took_effect: None,
            cut_off_domains: Vec::new(),
            live: None,
            not_asked: None,
        }
    }
}

/// A value that someone else changed too; secrets are masked.
#[derive(Serialize)]
pub(in crate::cli) struct ConflictJson {
    table: String,
    variable: String,
    base: Option<String>,
    theirs: Option<String>,
    mine: Option<String>,
}

/// One edit; secrets are masked.
#[derive(Serialize)]
pub(in crate::cli) struct EditJson {
    pub(in crate::cli) table: String,
    pub(in crate::cli) variable: String,
    pub(in crate::cli) old: Option<String>,
    pub(in crate::cli) new: Option<String>,
    /// How sure the name is, where the catalogue has it.
    pub(in crate::cli) name_sure: Option<&'static str>,
}

/// Edits as they may be shown.
pub(in crate::cli) fn edits(edits: &[Edit], secrets: &Secrets, catalogue: &Catalogue) -> Vec<EditJson> {
    edits
        .iter()
        .map(|edit| {
            let show = |value: &Option<String>| value.as_ref().map(|value| secrets.show_at(&edit.path, value));
            EditJson {
                table: edit.path.table.clone(),
                variable: edit.path.variable.clone(),
                old: show(&edit.base),
                new: show(&edit.new),
                name_sure: sure(catalogue, &edit.path.table, &edit.path.variable),
            }
        })
        .collect()
}

/// The values that a whole file changes; they are masked already. What is no variable of a table is named by its place.
pub(in crate::cli) fn changes(changes: &[ValueChange], catalogue: &Catalogue) -> Vec<EditJson> {
    changes
        .iter()
        .map(|change| {
            let place = change.place.as_str();
            let (table, variable) = place
                .rsplit_once(", ")
                .or_else(|| place.split_once('/'))
                .unwrap_or(("", place));
            EditJson {
                table: table.to_owned(),
                variable: variable.to_owned(),
                old: change.old.clone(),
                new: change.new.clone(),
                name_sure: sure(catalogue, table, variable),
            }
        })
        .collect()
}

fn sure(catalogue: &Catalogue, table: &str, variable: &str) -> Option<&'static str> {
    let direction = Direction::ALL.into_iter().find(|it| it.table() == table)?;
    catalogue.find(direction, variable).map(|row| row.name_sure.token())
}

/// Values in dispute as they may be shown.
pub(in crate::cli) fn conflicts(conflicts: &[Conflict], secrets: &Secrets) -> Vec<ConflictJson> {
    conflicts
        .iter()
        .map(|conflict| {
            let show = |value: &Option<String>| value.as_ref().map(|value| secrets.show_at(&conflict.path, value));
            ConflictJson {
                table: conflict.path.table.clone(),
                variable: conflict.path.variable.clone(),
                base: show(&conflict.base),
                theirs: show(&conflict.theirs),
                mine: show(&conflict.mine),
            }
        })
        .collect()
}

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
