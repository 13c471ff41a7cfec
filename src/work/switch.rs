//! The dead-man's switch: a save that undoes itself unless it is confirmed, by a timer of systemd that outlives this
//! program and the SSH session. (It does not outlive a reboot, and the review says so.)
//!
//! It is armed before the engine is stopped, with time enough for the whole save, and armed anew once the engine has
//! started well. Which save it belongs to is found by its name, which stands among the words of the backup's manifest.

use std::ffi::OsString;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::engine::{self, EngineError};
use crate::host::{Backup, Host};

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
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let command: Vec<OsString> = vec![
            program.into(),
            "--file".into(),
            absolute(host.file.path()).into(),
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
        words_of(&self.name)
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
        "It still undoes itself unless you confirm it (kerio-tls confirm), but counted from the beginning of the save \
         and with {} more: {error}",
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

/// What stands in the manifest and in the audit file of a save with this switch.
pub(super) fn words_of(name: &str) -> String {
    format!("{WORDS}{name}")
}

pub(super) fn first(name: &str) -> String {
    format!("{name}-a")
}

pub(super) fn second(name: &str) -> String {
    format!("{name}-b")
}

/// The switch of a save, if it had one.
pub(super) fn switch_of(backup: &Backup) -> Option<&str> {
    backup.words.iter().find_map(|words| words.strip_prefix(WORDS))
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
    fn a_time_is_told_as_it_is_and_not_rounded() {
        for (seconds, words) in [(5, "5 s"), (60, "1 minute"), (90, "90 s"), (600, "10 minutes")] {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
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
}
