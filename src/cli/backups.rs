//! `backups`: what was saved when and by whom, and what differs now.

use crate::host::{Backup, Host, HostError, Loaded};
use crate::session::{amount, value_lines};

use super::args::{Arguments, Backups};
use super::console::Console;
use super::failure::Failure;
use super::json::{BackupJson, BackupsJson, DifferenceJson};
use super::opened::host;
use super::restore::find;
use super::review::texts;

/// Runs `backups`.
///
/// # Errors
/// [`Failure`].
pub(super) fn run(arguments: &Arguments, backups: &Backups, console: &mut Console<'_>) -> Result<(), Failure> {
    let host = host(arguments, console)?;
    match &backups.id {
        Some(id) => difference(&host, id, backups.output.json, console),
        None => list(&host, backups.output.json, console),
    }
}

fn list(host: &Host, json: bool, console: &mut Console<'_>) -> Result<(), Failure> {
    let found = host.backups.list().map_err(HostError::from)?;
    if json {
        return console.json(&BackupsJson {
            backups: found.iter().map(BackupJson::from).collect(),
        });
    }
    if found.is_empty() {
        return console.lines(&["No backups yet: the first save makes one.".to_owned()]);
    }
    let lines: Vec<String> = found.iter().map(line).collect();
    console.lines(&lines)
}

fn line(backup: &Backup) -> String {
    format!(
        "{}  {}  {}  {}: {}",
        backup.id, backup.when, backup.who, backup.action, backup.summary
    )
}

fn difference(host: &Host, id: &str, json: bool, console: &mut Console<'_>) -> Result<(), Failure> {
    let backup = find(host, Some(id))?;
    if let Loaded::Broken { error, .. } = host.file.read().map_err(HostError::from)? {
        return nothing_to_compare(host, &backup, &error.to_string(), json, console);
    }
    let (changes, count) = host.difference(id, &host.secrets())?;
    if json {
        return console.json(&DifferenceJson::new(id, &changes, count));
    }
    let values = amount(count, "value differs", "values differ");
    let mut lines = vec![format!("From the file now to {id}: {values}.")];
    lines.extend(texts(value_lines(&changes, count)));
    console.lines(&lines)
}

/// What can be said of a backup while the file itself cannot be understood.
fn nothing_to_compare(
    host: &Host,
    backup: &Backup,
    why: &str,
    json: bool,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let why = format!("{} cannot be understood ({why})", host.file.path().display());
    if json {
        return console.json(&DifferenceJson::unknown(&backup.id, why));
    }
    console.lines(&[
        line(backup),
        format!("{why}, so there is nothing to compare with."),
        format!("To put this backup in its place: {}", host.restore_whole(&backup.id)),
    ])
}
