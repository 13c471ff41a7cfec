//! The dead-man's switch: a save that undoes itself unless it is confirmed, by a timer of systemd that outlives this
//! program and the SSH session. (It does not outlive a reboot, and the review says so.)
//!
//! It is armed before the engine is stopped, with time enough for the whole save, and armed anew once the engine has
//! started well. Which save it belongs to is found by its name, which stands among the words of the backup's manifest.

use std::ffi::OsString;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::engine::{self, Armed, Disarmed, EngineError, State};
use crate::save::{self, BackupInfo, Recovered, SaveError, StateDir, Target};

use super::effect::{EngineWish, SaveJob, SaveProblem, SaveReport, Wanted};
use crate::host::Host;

/// What names of switches begin with.
const PREFIX: &str = "kerio-tls-undo-";
/// What stands before the name in the manifest.
const WORDS: &str = "undoes itself unless confirmed: ";
/// Stop, start, watch and roll back, each with the engine's patience: more than any save takes.
const WHOLE_SAVE: Duration = Duration::from_secs(4 * 300 + 120);

/// An armed switch.
pub(super) struct UndoSwitch {
    name: String,
    after: Duration,
    command: Vec<OsString>,
}

impl UndoSwitch {
    /// Arms it with time enough for the whole save.
    pub(super) fn arm(host: &Host, after: Duration) -> Result<Self, EngineError> {
        let name = new_name();
        let program = std::env::current_exe().map_err(|error| EngineError::NoUndoTimer {
            why: format!("the path of this program is not known ({error})"),
        })?;
        let absolute = |path: &std::path::Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let command: Vec<OsString> = vec![
            program.into(),
            "--file".into(),
            absolute(&host.file).into(),
            "--state-dir".into(),
            absolute(&host.home.state_dir).into(),
            "--config".into(),
            absolute(&host.home.config).into(),
            "undo".into(),
            "--switch".into(),
            name.clone().into(),
        ];
        engine::arm(WHOLE_SAVE + after, &command, &first(&name))?;
        Ok(Self { name, after, command })
    }

    /// For the manifest: how the save is found again.
    pub(super) fn words(&self) -> String {
        format!("{WORDS}{}", self.name)
    }

    /// The engine has started well: from now on it counts. In words; `Err`: it may go off late.
    pub(super) fn start_counting(self) -> Result<String, String> {
        match engine::rearm(&first(&self.name), self.after, &self.command, &second(&self.name)) {
            Ok(_) => Ok(format!(
                "It undoes itself in {} unless you confirm it: kerio-tls confirm",
                in_words(self.after)
            )),
            Err(error) => Err(late(&error)),
        }
    }

    /// Nothing was saved, so there is nothing to undo.
    pub(super) fn give_up(self) {
        // Were it to go off all the same, it would find no save of its name and do nothing.
        let _ = engine::disarm(&first(&self.name));
    }
}

/// The first switch is still armed, with time for the whole save.
fn late(error: &EngineError) -> String {
    format!(
        "It still undoes itself unless you confirm it (kerio-tls confirm), but counted from the beginning of the save and with {} more: {error}",
        in_words(WHOLE_SAVE)
    )
}

/// `90 s`, `10 minutes`.
fn in_words(time: Duration) -> String {
    match time.as_secs() {
        60 => "1 minute".to_owned(),
        seconds if seconds.is_multiple_of(60) => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

/// A name that no other switch has: two saves may begin in the same second, of one server or of two.
fn new_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = jiff::Timestamp::now().as_second();
    format!("{PREFIX}{now}-{}-{count}", std::process::id())
}

fn first(name: &str) -> String {
    format!("{name}-a")
}

fn second(name: &str) -> String {
    format!("{name}-b")
}

/// The switch of a save, if it had one.
fn switch_of(backup: &BackupInfo) -> Option<&str> {
    backup.words.iter().find_map(|words| words.strip_prefix(WORDS))
}

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
    /// A save had stopped the engine and left it so, and it does not come up.
    #[error("THE ENGINE IS DOWN: a save had stopped it and left it so, and now: {why}. Start it: {start}")]
    Down {
        /// Why it does not come up.
        why: EngineError,
        /// What to type.
        start: String,
    },
    /// The undo itself was not saved.
    #[error("the change could not be undone: {0}")]
    NotSaved(String),
}

impl Host {
    /// Keeps saves that would undo themselves. Returns what was confirmed, in words.
    ///
    /// # Errors
    /// `UndoError`.
    pub fn confirm(&self) -> Result<Vec<String>, UndoError> {
        let mut confirmed = Vec::new();
        for backup in self.backups()?.iter() {
            let Some(name) = switch_of(backup) else { continue };
            for unit in [first(name), second(name)] {
                if engine::armed(&unit)? == Armed::No {
                    continue;
                }
                match engine::disarm(&unit)? {
                    Disarmed::InTime => confirmed.push(format!("Kept: {} ({})", backup.summary, backup.when)),
                    Disarmed::NotArmed => {}
                    Disarmed::Running => return Err(UndoError::Running),
                }
            }
        }
        Ok(confirmed)
    }

    /// What a switch runs when nobody confirmed: undoes the edits of its save on today's file, so that whatever the engine
    /// saved since stays. A save that was killed while the engine was stopped for it gets its engine started, too: whoever
    /// asked for the switch may have nobody at hand who could.
    ///
    /// # Errors
    /// `UndoError`.
    pub fn undo_unconfirmed(&self, switch: &str) -> Result<Undone, UndoError> {
        if !self.has_state() {
            return Ok(Undone::default());
        }
        let (state, target) = (self.state()?, self.target()?);
        let found = save::recover(&state, &target)?;
        let left_down = Self::engine_was_left(&found);
        // A torn file is whole again by now, so that it can be read.
        let undone = self.undo_edits(switch);
        // The engine comes up whatever became of the edits.
        let started = if left_down {
            self.start_left_down(&state, &target)?
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
        all.warnings.splice(0..0, self.recovered(&state, &target, &cleaned));
        Ok(all)
    }

    /// `None`: there is no such save (any more).
    fn undo_edits(&self, switch: &str) -> Result<Option<SaveReport>, UndoError> {
        let backups = self.backups()?;
        let Some(backup) = backups.iter().find(|backup| switch_of(backup) == Some(switch)) else {
            return Ok(None);
        };
        let not_saved = |problem: Box<SaveProblem>| UndoError::NotSaved(problem.message);
        let base = self.load().map_err(|error| UndoError::NotSaved(error.to_string()))?;
        let rebased = base.rebase(&backup.undo()?);
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
        let never = std::sync::atomic::AtomicBool::new(false);
        self.save(&job, &self.secrets(), &never, &|_| {})
            .map(Some)
            .map_err(|problem| not_saved(Box::new(problem)))
    }

    /// Starts an engine that is stopped, and watches it; in words.
    fn start_left_down(&self, state: &StateDir, target: &Target) -> Result<Option<String>, UndoError> {
        let Some(controller) = self.controller() else {
            return Ok(None);
        };
        // In a container nothing proves that it is stopped; but our save stopped it here, and it is not seen here.
        if !matches!(controller.status().state, State::Stopped | State::Unknown(_)) {
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
                start: self.start_command(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_undo_that_could_not_be_armed_anew_still_names_what_to_type() {
        let error = EngineError::NoUndoTimer {
            why: "systemd-run: it ended with status 1".to_owned(),
        };
        let words = late(&error);
        assert!(
            words.contains("kerio-tls confirm") && words.contains("22 minutes") && words.contains("status 1"),
            "{words}"
        );
    }

    #[test]
    fn two_switches_of_one_second_have_names_of_their_own_that_systemd_takes() {
        let names = [new_name(), new_name()];
        assert_ne!(names[0], names[1]);
        for name in names {
            let unit = first(&name);
            assert!(unit.len() <= 64, "{unit}");
            assert!(
                unit.chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || letter == '-'),
                "{unit}"
            );
        }
    }

    #[test]
    fn a_time_is_told_as_it_is_and_not_rounded() {
        for (seconds, words) in [(5, "5 s"), (60, "1 minute"), (90, "90 s"), (600, "10 minutes")] {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
    }
}
