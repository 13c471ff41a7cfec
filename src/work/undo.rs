//! Keeping a save that would undo itself, and undoing it when nobody confirmed.

use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use crate::engine::{self, Armed, Disarmed, EngineError, State};
use crate::host::{Backup, Host, clock};
use crate::hostile::safe_path;
use crate::save::{self, Recovered, SaveError, StateDir, Target, What};

use super::effect::{EngineWish, SaveJob, SaveReport, Wanted};
use super::recovered::{engine_was_left, recovered};
use super::refused::refused_since;
use super::saving::save;
use super::switch::{first, second, switch_of, words_of};

/// How often it is tried again while another save is in the way.
const AGAIN: Duration = Duration::from_secs(2);

/// What came of an automatic undo, in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undone {
    /// What was done; empty: there was nothing to undo (the save never came to be, or it was rolled back).
    pub lines: Vec<String>,
    /// "Undone, but …".
    pub warnings: Vec<String>,
}

/// Why nothing was confirmed or undone.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// The state directory.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// The switch.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// It is undoing at this moment.
    #[error("the undo runs at this moment and was left alone; wait for it to end, then look at the file")]
    Running,
    /// Nothing was ever saved under this name: another file than the one of the switch.
    #[error(
        "nothing was undone: nothing was ever saved of {file} here, so this is not the file (or not the state \
         directory) that the switch {switch} was armed for"
    )]
    NothingKept {
        /// The file, as it was named.
        file: String,
        /// The switch.
        switch: String,
    },
    /// Something was armed, but no backup is of its save.
    #[error(
        "nothing was undone: the save of {file} that the switch {switch} was armed for was made, and its backup has been removed since: look at the file and at its backups (kerio-tls backups)"
    )]
    NoBackup {
        /// The file, as it was named.
        file: String,
        /// The switch.
        switch: String,
    },
    /// A save had stopped the engine and left it so, and it does not come up.
    #[error("THE ENGINE IS DOWN: a save had stopped it and left it so, and now: {why}. Start it: {start}")]
    Down {
        /// Why it does not come up.
        why: EngineError,
        /// What to type.
        start: String,
    },
    /// Another save is in the way.
    #[error("another save is going on: {0}")]
    Busy(String),
    /// The undo itself was not saved.
    #[error("the change could not be undone: {0}")]
    NotSaved(String),
}

/// Keeps saves that would undo themselves. Returns what was confirmed, in words.
///
/// # Errors
/// Why it could not be undone or kept, and what stands on disk.
pub fn confirm(host: &Host) -> Result<Vec<String>, UndoError> {
    let mut confirmed = Vec::new();
    for backup in &host.backups.list()? {
        let Some(name) = switch_of(backup) else { continue };
        for unit in [first(name), second(name)] {
            if engine::armed(&unit)? == Armed::No {
                continue;
            }
            match engine::disarm(&unit)? {
                Disarmed::InTime => {
                    confirmed.push(format!("Kept: {} ({})", backup.summary, backup.when));
                    confirmed.extend(refused_meanwhile(host, backup));
                }
                Disarmed::NotArmed => {}
                Disarmed::Running => return Err(UndoError::Running),
            }
        }
    }
    Ok(confirmed)
}

/// What a switch runs when nobody confirmed: undoes the edits of its save on today's file, so that whatever the engine
/// saved since stays. A save that was killed while the engine was stopped for it gets its engine started, too: whoever
/// asked for the switch may have nobody at hand who could. The timer goes off once, so while another save is in the way
/// this waits, and says so to `on_wait`, until it could act.
///
/// # Errors
/// Why it could not be undone or kept, and what stands on disk.
pub fn undo_unconfirmed(host: &Host, switch: &str, on_wait: &mut dyn FnMut(&str)) -> Result<Undone, UndoError> {
    if host.file.kept().is_none() {
        // Whatever is wrong with the file or the state directory is said first.
        host.file.target()?;
        host.file.existing_state()?;
        return Err(UndoError::NothingKept {
            file: safe_path(host.file.path()),
            switch: switch.to_owned(),
        });
    }
    let mut has_said = false;
    loop {
        let why = match undo_once(host, switch) {
            Err(UndoError::Busy(why)) => why,
            Err(UndoError::Save(error)) if matches!(error.what, What::Locked { .. }) => error.to_string(),
            ended => return ended,
        };
        if !std::mem::replace(&mut has_said, true) {
            on_wait(&format!("The undo waits, and goes on when it can: {why}"));
        }
        thread::sleep(AGAIN);
    }
}

fn undo_once(host: &Host, switch: &str) -> Result<Undone, UndoError> {
    let (state, target) = (host.file.state()?, host.file.target()?);
    let found = save::recover(&state, &target)?;
    let left_down = engine_was_left(&found);
    // A torn file is whole again by now, so that it can be read.
    let undone = undo_edits(host, switch, &state);
    // The engine comes up whatever became of the edits.
    let started = if left_down {
        start_left_down(host, &state, &target)?
    } else {
        None
    };
    let mut all = Undone::default();
    if let Some(report) = undone? {
        all.lines = report.lines;
        all.warnings = report.warnings;
    }
    all.lines.extend(started);
    let but_the_engine = |one: &&Recovered| !matches!(one, Recovered::EngineMayBeDown { .. });
    let cleaned: Vec<Recovered> = found.iter().filter(but_the_engine).cloned().collect();
    all.warnings.splice(0..0, recovered(host, &state, &target, &cleaned));
    Ok(all)
}

/// `None`: there is no such save, or it is undone already.
fn undo_edits(host: &Host, switch: &str, state: &StateDir) -> Result<Option<SaveReport>, UndoError> {
    let backups = host.backups.list()?;
    let Some(backup) = backups.iter().find(|backup| switch_of(backup) == Some(switch)) else {
        let (file, switch) = (host.file.path().display().to_string(), switch.to_owned());
        return if was_saved(state, &switch) {
            Err(UndoError::NoBackup { file, switch })
        } else {
            Ok(None)
        };
    };
    let base = host.load().map_err(|error| UndoError::NotSaved(error.to_string()))?;
    let rebased = base.rebase(backup.undo.as_ref().map_err(|why| UndoError::NotSaved(why.clone()))?);
    if let Some(conflict) = rebased.conflicts.first() {
        return Err(UndoError::NotSaved(format!(
            "{} was changed by someone else since",
            conflict.path
        )));
    }
    if rebased.apply.is_empty() {
        return Ok(None);
    }
    let job = SaveJob {
        base,
        wanted: Wanted::Edits(rebased.apply),
        consents: Vec::new(),
        action: "undo",
        words: vec![format!("undone because nobody confirmed it: {}", backup.summary)],
        engine: EngineWish::Restart,
        proves: None,
        undo_after: None,
    };
    let never = AtomicBool::new(false);
    let meanwhile = refused_meanwhile(host, backup);
    match save(host, &job, None, &host.secrets(), &never, &|_| {}) {
        Ok(mut report) => {
            report.lines.extend(meanwhile);
            Ok(Some(report))
        }
        Err(problem) if problem.busy => Err(UndoError::Busy(problem.message)),
        Err(problem) => Err(UndoError::NotSaved(problem.message)),
    }
}

/// The honest answer to "what happens if": whom a save on trial refused until now, if anybody watched.
fn refused_meanwhile(host: &Host, backup: &Backup) -> Vec<String> {
    let at = backup.when.parse().ok();
    let refused = at.and_then(|at| refused_since(host, at));
    refused.map_or_else(Vec::new, |refused| refused.lines(&clock()))
}

/// Whether the audit file tells of a save with this switch that was made. (A name of a switch has nothing that JSON
/// escapes.)
fn was_saved(state: &StateDir, switch: &str) -> bool {
    let audit = state
        .directory()
        .and_then(|dir| dir.read(save::AUDIT_FILE, 256 << 20).ok().flatten());
    let text = String::from_utf8_lossy(audit.as_deref().unwrap_or_default()).into_owned();
    let words = format!("\"{}\"", words_of(switch));
    text.lines()
        .any(|line| line.contains(&words) && line.contains("\"result\":\"saved"))
}

/// Starts the engine that a save had stopped, and watches it; in words. Where it cannot be seen whether it runs it is
/// started too: it was our hand that stopped it.
fn start_left_down(host: &Host, state: &StateDir, target: &Target) -> Result<Option<String>, UndoError> {
    let Some(controller) = host.engine.controller() else {
        return Ok(None);
    };
    if matches!(controller.status().state, State::Running | State::None) {
        return Ok(None);
    }
    let up = controller
        .start(&mut |_| {})
        .and_then(|started| controller.watch(&started, &[], &mut |_| {}, &mut || Ok(())));
    match up {
        Ok(_) => {
            save::engine_is_up(state, target)?;
            Ok(Some(
                "A save had stopped the engine and left it so; it was started again and runs.".to_owned(),
            ))
        }
        Err(why) => Err(UndoError::Down {
            why,
            start: host.engine.start_command(),
        }),
    }
}
