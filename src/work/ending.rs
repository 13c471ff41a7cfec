//! How saves end, in words: what is on disk, whether the engine is up, what to type.

use crate::hostile::safe_path;
use crate::mailserver_cfg::ValueChange;
use crate::save::{GateKind, SaveError, SaveOutcome, Saved, Started, What};
use crate::session::amount;

use super::effect::{SaveJob, Wanted};

/// Refused rather than failed: nothing went wrong, but somebody has to decide or to stop the engine first.
pub(super) fn is_refusal(error: &SaveError) -> bool {
    match &error.what {
        What::Conflict { .. } | What::ChangedUnderneath { .. } | What::AnotherFile { .. } => true,
        What::Gate(gate) => matches!(gate.kind, GateKind::Runs | GateKind::NotSure),
        _ => false,
    }
}

/// An error in words; the command that starts an engine stands at the end of its line.
pub(super) fn error_words(error: &SaveError) -> String {
    match &error.what {
        What::EngineDown { because, start } => {
            let because = error_words(because);
            let mut lines = vec![format!("THE ENGINE IS DOWN: {start}")];
            if !start.lines.is_empty() {
                lines.push("Its last lines:".to_owned());
                lines.extend(start.lines.iter().map(|line| format!("  {line}")));
            }
            lines.push(format!("It was stopped for this save, which ended so: {because}"));
            lines.join("\n")
        }
        What::ChangedUnderneath { changed, .. } => std::iter::once(error.to_string())
            .chain(changed.iter().map(change_words))
            .collect::<Vec<_>>()
            .join("\n"),
        _ => error.to_string(),
    }
}

/// A save that was taken back, or should have been. `start`: the command that starts the engine.
pub(super) fn words(outcome: &SaveOutcome, start: &str) -> String {
    match outcome {
        SaveOutcome::NothingToDo | SaveOutcome::Saved => String::new(),
        SaveOutcome::RolledBack { why, failed_file, then } => {
            let mut lines = Vec::new();
            match then {
                Started::Badly(again) => {
                    lines.push(format!(
                        "THE ENGINE IS DOWN: it came up neither with the new file nor with the old one, which is \
                         back. See why, then start it: {start}"
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
                    .map(|path| format!("The file that it did not like is kept: {}", safe_path(path))),
            );
            lines.join("\n")
        }
        SaveOutcome::RollBackFailed { why, error } => {
            let mut lines = vec![format!(
                "THE ENGINE IS DOWN, and the old file could not be put back: {error}. See why, then start it: {start}"
            )];
            lines.extend(why.iter().cloned());
            lines.join("\n")
        }
    }
}

/// What was changed between the review and the save, and where it is now.
pub(super) fn meanwhile(job: &SaveJob, saved: &Saved) -> Vec<String> {
    if saved.changed_count == 0 {
        return Vec::new();
    }
    let count = saved.changed_count as u64;
    let replaced = matches!(job.wanted, Wanted::Whole(_)) && matches!(saved.outcome, SaveOutcome::Saved);
    let head = if replaced {
        // Only what the engine writes when it stops is gone over without asking.
        let values = amount(count, "value, which is", "values, which are");
        format!("When it was stopped, the engine had changed {values} in the backup only:")
    } else {
        let values = amount(count, "value, which was kept", "values, which were kept");
        format!("Meanwhile others had changed {values}:")
    };
    std::iter::once(head)
        .chain(saved.changed_underneath.iter().map(change_words))
        .collect()
}

fn change_words(change: &ValueChange) -> String {
    let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "(not there)".to_owned());
    format!("  {}: {} -> {}", change.place, side(&change.old), side(&change.new))
}

#[cfg(test)]
mod tests {
    use crate::save::{EngineThen, GateError};

    use super::*;

    #[test]
    fn an_engine_that_is_down_is_told_with_its_own_words_line_by_line() {
        let late = What::CancelledLate {
            stopping: false,
            engine: EngineThen::Down,
        };
        let down = SaveError::from(What::EngineDown {
            because: Box::new(late.into()),
            start: Box::new(GateError {
                kind: GateKind::StartFailed,
                what: "the engine did not start: it ended with 7".to_owned(),
                next: "see why, then start it: systemctl start kerio-connect".to_owned(),
                lines: vec!["bad TLS".to_owned(), "bye".to_owned()],
            }),
        });
        assert_eq!(
            error_words(&down).lines().collect::<Vec<_>>(),
            [
                "THE ENGINE IS DOWN: the engine did not start: it ended with 7; see why, then start it: systemctl \
                 start kerio-connect",
                "Its last lines:",
                "  bad TLS",
                "  bye",
                "It was stopped for this save, which ended so: cancelled after the engine had stopped; nothing of \
                 this save was written",
            ]
        );
        // In one line, for the audit file.
        let line = down.to_string();
        assert!(
            line.contains("it ended with 7; its last lines: bad TLS / bye; see why"),
            "{line}"
        );
    }
}
