//! `restore`: takes the changes of a save back, or puts a whole older file in place; `confirm` and the timer's `undo`.
//! None of them needs a file that can be understood, except to take single changes back.

use std::sync::Arc;

use crate::host::{Backup, Host, HostError, Loaded};
use crate::session::{Document, conflict_lines};
use crate::work::{self, hold_signals};

use super::args::{Arguments, Restore, Undo};
use super::change::{Broken, Change, Whole};
use super::console::{Console, cut};
use super::failure::Failure;
use super::json::{self, ChangeJson};
use super::opened::{Opened, Recovered, host, recover};
use super::review::can_be_answered;
use super::review::texts;

/// Longest id that is repeated in a message, in characters.
const ID: usize = 60;

/// Runs `restore`.
///
/// # Errors
/// [`Failure`].
pub(super) fn run(arguments: &Arguments, restore: &Restore, console: &mut Console<'_>) -> Result<(), Failure> {
    can_be_answered(restore.saving)?;
    if restore.whole && restore.saving.undo_after.is_some() {
        return Err(Failure::Usage(
            "--undo-after undoes single edits, so it does not go with --whole; nothing was changed".to_owned(),
        ));
    }
    let host = host(arguments, console)?;
    let recovered = recover(&host, restore.saving, console)?;
    let done = after_recovery(host, restore, &recovered, console);
    if done.is_err() {
        recovered.report(console);
    }
    done
}

fn after_recovery(
    host: Host,
    restore: &Restore,
    recovered: &Recovered,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let backup = find(&host, restore.id.as_deref())?;
    let (mut opened, whole) = if restore.whole {
        whole(host, &backup)?
    } else {
        let document = host.load()?;
        (Opened::with(host, document), None)
    };
    let book = opened.gather_aloud(console);
    if whole.is_none() {
        take_back(&mut opened, &backup, restore, console)?;
    }
    Change {
        whole,
        ..Change::new(&opened, &book, restore.saving, "restore", recovered)
    }
    .carry_out(console)
}

/// The backup of this id; without one, the newest.
///
/// # Errors
/// [`Failure::Usage`]: there is none.
pub(super) fn find(host: &Host, id: Option<&str>) -> Result<Backup, Failure> {
    let mut backups = host.backups.list().map_err(HostError::from)?.into_iter();
    let found = match id {
        Some(id) => backups.find(|backup| backup.id == id),
        None => backups.next(),
    };
    match (found, id) {
        (Some(backup), _) => Ok(backup),
        (None, Some(id)) => Err(Failure::Usage(format!(
            "there is no backup {}; see kerio-tls backups",
            cut(id, ID)
        ))),
        (None, None) => Err(Failure::Usage(
            "there is no backup yet, so there is nothing to restore; see kerio-tls backups".to_owned(),
        )),
    }
}

/// A session for putting the whole file in place: on the file now, or on the backup where the file cannot be
/// understood.
fn whole(host: Host, backup: &Backup) -> Result<(Opened, Option<Whole>), Failure> {
    let document = host.backups.document(&backup.id)?;
    let (now, over): (Arc<Document>, _) = match host.file.read().map_err(HostError::from)? {
        Loaded::Document(now) => (now, None),
        Loaded::Broken { bytes, error } => {
            let why = error.to_string();
            (Arc::clone(&document), Some(Broken { bytes, why }))
        }
    };
    let id = backup.id.clone();
    Ok((Opened::with(host, now), Some(Whole { id, document, over })))
}

/// Lays the edits that undo this save into the session.
///
/// # Errors
/// [`Failure::Refused`], with each value that someone else changed since.
fn take_back(
    opened: &mut Opened,
    backup: &Backup,
    restore: &Restore,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let undo = backup.undo.clone().map_err(Failure::Refused)?;
    let rebased = opened.document.rebase(&undo);
    if rebased.conflicts.is_empty() {
        opened.session.take_up(&rebased.apply);
        return Ok(());
    }
    let secrets = opened.session.secrets();
    let names: Vec<String> = rebased
        .conflicts
        .iter()
        .map(|conflict| conflict.path.to_string())
        .collect();
    let failure = Failure::Refused(format!(
        "{} was changed since that save, so it cannot be taken back by itself; nothing was written; see kerio-tls \
         backups {}",
        names.join(", "),
        backup.id
    ));
    if restore.saving.output.json {
        console.json(&ChangeJson {
            changed: true,
            conflicts: json::conflicts(&rebased.conflicts, &secrets),
            ..ChangeJson::nothing(vec![failure.to_string()])
        })?;
    }
    Err(failure.with_lines(texts(conflict_lines(&rebased.conflicts, &secrets))))
}

/// Runs `confirm`.
///
/// # Errors
/// [`Failure`].
pub(super) fn confirm(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let host = host(arguments, console)?;
    let kept = work::confirm(&host).map_err(|error| Failure::NotSaved(error.to_string()))?;
    if kept.is_empty() {
        return console.lines(&["Nothing waits to be confirmed: it is kept already, or was undone.".to_owned()]);
    }
    console.lines(&kept)
}

/// Runs `undo`: what the timer calls when nobody confirmed.
///
/// # Errors
/// [`Failure`].
pub(super) fn undo(arguments: &Arguments, undo: &Undo, console: &mut Console<'_>) -> Result<(), Failure> {
    let host = host(arguments, console)?;
    // It goes on to its end whatever is sent: half an undo is worse than a whole one.
    hold_signals().map_err(|error| Failure::NotSaved(format!("signals cannot be held during the undo ({error})")))?;
    let undone = work::undo_unconfirmed(&host, &undo.switch, &mut |words| console.warn(words))
        .map_err(|error| Failure::not_saved(&error.to_string()))?;
    for warning in &undone.warnings {
        console.warn(warning);
    }
    if undone.lines.is_empty() {
        return console.lines(&["Nothing to undo.".to_owned()]);
    }
    console.lines(&undone.lines)
}
