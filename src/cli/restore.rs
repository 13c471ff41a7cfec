//! `restore`: takes the changes of a save back, or puts a whole older file in place; `confirm` and the timer's `undo`.

use crate::work::hold_signals;

use super::args::{Restore, Undo};
use super::change::{Change, Whole, can_be_answered};
use super::console::Console;
use super::failure::Failure;
use super::opened::Opened;

/// Runs `restore`.
///
/// # Errors
/// [`Failure`].
pub(super) fn run(opened: &mut Opened, restore: &Restore, console: &mut Console<'_>) -> Result<(), Failure> {
    can_be_answered(restore.saving)?;
    if restore.whole && restore.saving.undo_after.is_some() {
        return Err(Failure::Usage(
            "--undo-after undoes single edits, so it does not go with --whole; nothing was changed".to_owned(),
        ));
    }
    let backups = opened.host.backups()?;
    let backup = match &restore.id {
        Some(id) => backups.iter().find(|backup| backup.id == *id),
        None => backups.first(),
    };
    let Some(backup) = backup else {
        return Err(Failure::Usage(
            "there is no such backup; see kerio-tls backups".to_owned(),
        ));
    };
    let book = opened.gather();
    let whole = if restore.whole {
        Some(Whole {
            id: backup.id.clone(),
            document: opened.host.backup_document(&backup.id)?,
        })
    } else {
        let undo = backup.undo().map_err(|error| Failure::Refused(error.to_string()))?;
        let rebased = opened.document.rebase(&undo);
        if let Some(conflict) = rebased.conflicts.first() {
            return Err(Failure::Refused(format!(
                "{} was changed since that save, so it cannot be taken back by itself; nothing was written; see kerio-tls backups {}",
                conflict.path, backup.id
            )));
        }
        opened.session.take_up(&rebased.apply);
        None
    };
    Change {
        opened,
        book: &book,
        saving: restore.saving,
        action: "restore",
        warnings: Vec::new(),
        closing: Vec::new(),
        whole,
        took_effect: None,
    }
    .carry_out(console)
}

/// Runs `confirm`.
///
/// # Errors
/// [`Failure`].
pub(super) fn confirm(opened: &Opened, console: &mut Console<'_>) -> Result<(), Failure> {
    let kept = opened
        .host
        .confirm()
        .map_err(|error| Failure::NotSaved(error.to_string()))?;
    if kept.is_empty() {
        return console.lines(&["Nothing waits to be confirmed: it is kept already, or was undone.".to_owned()]);
    }
    console.lines(&kept)
}

/// Runs `undo`: what the timer calls when nobody confirmed.
///
/// # Errors
/// [`Failure`].
pub(super) fn undo(opened: &Opened, undo: &Undo, console: &mut Console<'_>) -> Result<(), Failure> {
    // It goes on to its end whatever is sent: half an undo is worse than a whole one.
    hold_signals().map_err(|error| Failure::NotSaved(format!("signals cannot be held during the undo ({error})")))?;
    let undone = opened.host.undo_unconfirmed(&undo.switch, &opened.session.secrets());
    let undone = undone.map_err(|error| Failure::NotSaved(error.to_string()))?;
    for warning in &undone.warnings {
        console.warn(warning);
    }
    if undone.lines.is_empty() {
        return console.lines(&["Nothing to undo.".to_owned()]);
    }
    console.lines(&undone.lines)
}
