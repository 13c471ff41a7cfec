//! What earlier saves left behind, cleaned up and put into words; and whether the engine that one of them stopped is up
//! again.

use crate::engine::State;
use crate::hostile::safe_path;
use crate::save::{self, ROLL_BACK, Recovered, SaveError, StateDir, Target};

use crate::host::Host;

/// What became of an engine that a save stopped and did not start.
enum AfterAll {
    /// Somebody started it.
    Runs,
    /// It does not run. What to type.
    Down(String),
    /// It cannot be seen. What to type if it does not run.
    NotSure(String),
}

/// Cleans up after saves that did not end; says what was found. Needs no file that can be understood: it may be torn.
/// Where nothing was kept yet there is nothing to do, and no place is made.
///
/// # Errors
/// [`SaveError`].
pub fn recover(host: &Host) -> Result<Vec<String>, SaveError> {
    if host.file.kept().is_none() {
        return Ok(Vec::new());
    }
    let (state, target) = (host.file.state()?, host.file.target()?);
    let found = save::recover(&state, &target)?;
    Ok(recovered(host, &state, &target, &found))
}

/// In words. That the engine may be down is said at each start until it is seen to run.
pub(super) fn recovered(host: &Host, state: &StateDir, target: &Target, found: &[Recovered]) -> Vec<String> {
    let was_left = engine_was_left(found);
    let engine = if was_left { after_all(host) } else { AfterAll::Runs };
    let mut lines: Vec<String> = found.iter().map(|one| words(one, &engine)).collect();
    if was_left
        && matches!(engine, AfterAll::Runs)
        && let Err(error) = save::engine_is_up(state, target)
    {
        lines.push(format!(
            "The note that the engine is stopped could not be removed: {error}"
        ));
    }
    lines
}

/// Did an earlier save stop the engine and not start it?
pub(super) fn engine_was_left(found: &[Recovered]) -> bool {
    found.iter().any(|one| matches!(one, Recovered::EngineMayBeDown { .. }))
}

fn after_all(host: &Host) -> AfterAll {
    let Some(controller) = host.engine.controller() else {
        return AfterAll::NotSure(String::new());
    };
    let start = controller.manual_commands().start;
    let status = controller.status();
    match status.state {
        State::Running if status.service_is_up() => AfterAll::Runs,
        State::Stopped => AfterAll::Down(start),
        State::None | State::Running | State::Unknown(_) => AfterAll::NotSure(start),
    }
}

fn words(found: &Recovered, engine: &AfterAll) -> String {
    match found {
        Recovered::Undone {
            action,
            when,
            summary,
            backup,
        } if action == ROLL_BACK => {
            let old = backup.as_ref().map_or_else(String::new, |id| format!(" (backup {id})"));
            format!(
                "Putting the old file back, begun {when}, had broken off ({summary}): the file is still the new one, \
                 with which the engine did not come up. To put the old one back{old}: kerio-tls restore"
            )
        }
        Recovered::Completed {
            action,
            when,
            summary,
            backup,
        } if action == ROLL_BACK => {
            format!(
                "Putting the old file back, begun {when}, had broken off after it was done ({summary}): the old file \
                 is back in place, the same as backup {backup}."
            )
        }
        Recovered::Undone { action, when, .. } => {
            format!(
                "A {action} of {when} had broken off before it wrote anything: the file is the old one, leftovers are \
                 gone."
            )
        }
        Recovered::Completed {
            action,
            when,
            summary,
            backup,
        } => {
            format!(
                "A {action} of {when} had broken off after it was done ({summary}): the new file is in place, backup \
                 {backup}."
            )
        }
        Recovered::TheirsPutBack { when, kept } => format!(
            "A save of {when} had broken off while another program's version was out: that version is back, a copy is \
             {}.",
            safe_path(kept)
        ),
        Recovered::Kept { when, kept } => format!(
            "A save of {when} had broken off, and another program has replaced the file since; what had come out is \
             kept in {}.",
            safe_path(kept)
        ),
        Recovered::Repaired { when, backup } => {
            format!(
                "A save of {when} had torn the file while writing in place: it was put together again from backup \
                 {backup}."
            )
        }
        Recovered::ChangedSince { when, backup } => {
            format!("A save of {when} had broken off, and the file was changed since: left as it is; backup {backup}.")
        }
        Recovered::EngineMayBeDown { when, who, left } => {
            let save = match left {
                None => format!("A save of {when} by {who} stopped the engine and did not live to start it"),
                Some(why) => format!("A save of {when} by {who} left the engine down ({why})"),
            };
            match engine {
                AfterAll::Runs => format!("{save}; it runs again."),
                AfterAll::Down(start) => format!("THE ENGINE IS DOWN: {save}. Start it: {start}"),
                AfterAll::NotSure(start) => format!("{save}: see whether it runs; if not, start it: {start}"),
            }
        }
    }
}
