//! `backups`: what was saved when and by whom, and what differs now.

use super::args::Backups;
use super::console::Console;
use super::failure::Failure;
use super::json::{BackupJson, BackupsJson, DifferenceJson};
use super::opened::Opened;

/// Runs `backups`.
///
/// # Errors
/// [`Failure`].
pub(super) fn run(opened: &Opened, backups: &Backups, console: &mut Console<'_>) -> Result<(), Failure> {
    match &backups.id {
        Some(id) => difference(opened, id, backups.output.json, console),
        None => list(opened, backups.output.json, console),
    }
}

fn list(opened: &Opened, json: bool, console: &mut Console<'_>) -> Result<(), Failure> {
    let found = if opened.host.has_state() {
        opened.host.backups()?
    } else {
        Vec::new()
    };
    if json {
        return console.json(&BackupsJson {
            backups: found.iter().map(BackupJson::from).collect(),
        });
    }
    if found.is_empty() {
        return console.lines(&["No backups yet: the first save makes one.".to_owned()]);
    }
    let mut lines = Vec::new();
    for backup in &found {
        lines.push(format!(
            "{}  {}  {}  {}: {}",
            backup.id,
            backup.when,
            backup.who.words(),
            backup.action,
            backup.summary
        ));
    }
    console.lines(&lines)
}

fn difference(opened: &Opened, id: &str, json: bool, console: &mut Console<'_>) -> Result<(), Failure> {
    let (changes, count) = opened.host.difference(id, &opened.session.secrets())?;
    if json {
        return console.json(&DifferenceJson::new(id, &changes, count));
    }
    let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "(not there)".to_owned());
    let mut lines = vec![format!("From the file now to {id}: {count} values differ.")];
    lines.extend(
        changes
            .iter()
            .map(|change| format!("  {}: {} -> {}", change.place, side(&change.old), side(&change.new))),
    );
    if count > changes.len() {
        lines.push(format!("  ... and {} more", count - changes.len()));
    }
    console.lines(&lines)
}
