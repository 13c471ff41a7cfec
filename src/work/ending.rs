//! How saves end badly, in words: what is on disk, whether the engine is up, what to type.

use crate::save::{GateKind, Outcome, SaveError, Started};

/// Refused rather than failed: nothing went wrong, but somebody has to decide or to stop the engine first.
pub(super) fn is_refusal(error: &SaveError) -> bool {
    match error {
        SaveError::Conflict { .. } | SaveError::ChangedUnderneath { .. } => true,
        SaveError::Gate(gate) => matches!(gate.kind, GateKind::Runs | GateKind::NotSure),
        _ => false,
    }
}

/// An error in words; the command that starts an engine stands at the end of its line.
pub(super) fn error_words(error: &SaveError) -> String {
    match error {
        SaveError::EngineDown { because, start } => {
            format!("THE ENGINE IS DOWN: {start}\nIt was stopped for this save, which ended so: {because}")
        }
        other => other.to_string(),
    }
}

/// A save that was taken back, or should have been. `start`: the command that starts the engine.
pub(super) fn words(outcome: &Outcome, start: &str) -> String {
    match outcome {
        Outcome::NothingToDo | Outcome::Saved => String::new(),
        Outcome::RolledBack { why, failed_file, then } => {
            let mut lines = Vec::new();
            match then {
                Started::Badly(again) => {
                    lines.push(format!(
                        "THE ENGINE IS DOWN: it came up neither with the new file nor with the old one, which is back. See why, then start it: {start}"
                    ));
                    lines.push("With the old file:".to_owned());
                    lines.extend(again.iter().cloned());
                    lines.push("With the new file:".to_owned());
                }
                Started::Well(_) => lines.push(
                    "The engine did not come up with the new file; the old file is back, and the engine runs with it."
                        .to_owned(),
                ),
                Started::NotOurs => {
                    lines.push("The engine did not come up with the new file; the old file is back.".to_owned());
                }
            }
            lines.extend(why.iter().cloned());
            lines.extend(
                failed_file
                    .iter()
                    .map(|path| format!("The file that it did not like is kept: {}", path.display())),
            );
            lines.join("\n")
        }
        Outcome::RollBackFailed { why, error } => {
            let mut lines = vec![format!(
                "THE ENGINE IS DOWN, and the old file could not be put back ({error}). The new file is in place. See why, then start it: {start}"
            )];
            lines.extend(why.iter().cloned());
            lines.join("\n")
        }
    }
}
