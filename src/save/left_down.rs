//! The note that the engine is down because of a save, and what a save is called that ended after the engine was told to stop.

use super::error::SaveError;
use super::gate::{GateKind, Started};
use super::journal::EngineStopped;
use super::request::Outcome;
use super::steps::Save;
use super::trouble::OnDisk;
use super::who;

impl Save<'_> {
    pub(super) fn engine_stopped(&self, left: Option<String>) -> EngineStopped {
        EngineStopped {
            when: who::now(),
            who: self.request.actor.words(),
            left,
        }
    }

    /// The engine is down and the user is told: the next start of the program must not call it forgotten.
    pub(super) fn engine_left(&self, why: String) {
        // Where this cannot be written, the note from before the stop is still there.
        let _ = self.engine_stopped(Some(why)).write(self.home);
    }

    pub(super) fn engine_cleared(&self) -> Option<String> {
        let flag = EngineStopped::read(self.home);
        if matches!(flag, Ok(None)) {
            return None;
        }
        EngineStopped::clear(self.home)
            .err()
            .map(|error| format!("the note that the engine is stopped is still there: {error}"))
    }
}

/// Why the engine is down after a start that went badly; `None`: it is not.
pub(super) fn left(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::RolledBack {
            then: Started::Badly(_),
            ..
        } => Some("it came up neither with the new file nor with the old one, which is back".to_owned()),
        Outcome::RollBackFailed { error, .. } => Some(format!(
            "it did not come up with the new file, and the old one could not be put back: {error}"
        )),
        Outcome::RolledBack { .. } | Outcome::Saved | Outcome::NothingToDo => None,
    }
}

/// What an error says once the engine was told to stop: of a cancelled save that it came late, and of none that the file is as it was.
pub(super) fn late(error: SaveError, up: bool) -> SaveError {
    match error {
        SaveError::Cancelled => SaveError::CancelledLate { stopping: false, up },
        SaveError::Gate { gate, .. } if gate.kind == GateKind::Cancelled => {
            SaveError::CancelledLate { stopping: true, up }
        }
        other if other.on_disk() == OnDisk::Untouched => other.with_on_disk(OnDisk::Engines),
        other => other,
    }
}
