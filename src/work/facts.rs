//! Facts about file and engine, for the review.

use std::path::Path;

use crate::engine::{Controller, State};
use crate::hostile::safe_path;
use crate::save::{self, Preflight, SaveError, StateDir, Target};
use crate::session::{EnginePlan, Facts};

use super::effect::EngineWish;
use crate::host::Host;

/// What a save adds at most to the file, in bytes, beside its present size: a few variables.
const GROWTH: u64 = 64 * 1024;

/// Looks at file and engine; changes nothing.
#[must_use]
pub fn facts(host: &Host, wish: EngineWish) -> Facts {
    let engine = engine_plan(host, wish);
    let path = safe_path(host.file.path());
    let backups = host.file.target().map_or_else(
        |_| host.home.state_dir.clone(),
        |target| StateDir::place(&host.home.state_dir, &target).join("backups"),
    );
    let backups = safe_path(backups);
    let no_undo = (!Path::new(SYSTEMD_RUNS).is_dir()).then(|| "systemd does not run this system".to_owned());
    match inspect_file(host) {
        Ok((target, state, found)) => {
            let link_target = (target.asked() != target.path()).then(|| safe_path(target.path()));
            Facts {
                path,
                // Only what was named through a link is worth a line, not every relative path.
                link_target: link_target.filter(|_| host.file.path().is_symlink()),
                owner: format!("{}:{}", found.owner, found.group),
                mode: found.mode,
                backups,
                in_place: found.in_place.as_ref().map(ToString::to_string),
                blocked: found.refuse(&state, true).err().map(|error| error.to_string()),
                engine,
                no_undo,
            }
        }
        Err(error) => Facts {
            path,
            link_target: None,
            owner: "not known".to_owned(),
            mode: 0,
            backups,
            in_place: None,
            blocked: Some(error.to_string()),
            engine,
            no_undo,
        },
    }
}

fn inspect_file(host: &Host) -> Result<(Target, StateDir, Preflight), SaveError> {
    let target = host.file.target()?;
    // Looking makes no directory: a dry run leaves nothing behind. The save itself opens and closes it to others.
    let state = host.file.existing_state()?;
    let size = std::fs::metadata(target.path()).map_or(0, |found| found.len());
    let found = save::preflight(&target, &state, size + GROWTH)?;
    Ok((target, state, found))
}

fn engine_plan(host: &Host, wish: EngineWish) -> EnginePlan {
    let Some(controller) = host.engine.controller() else {
        return EnginePlan::Absent;
    };
    let status = controller.status();
    match (&status.state, wish) {
        (State::None, _) => EnginePlan::Absent,
        (State::Stopped, _) => EnginePlan::Stopped,
        (State::Running | State::Unknown(_), EngineWish::Restart) => match controller.preflight() {
            Ok(warnings) => EnginePlan::Restart {
                commands: controller.planned(),
                last_seconds: host.memory.engine_seconds(),
                warnings,
            },
            Err(error) => refuse(&controller, error.to_string()),
        },
        (State::Unknown(why), EngineWish::Refuse) => refuse(
            &controller,
            format!("it cannot be seen whether the engine runs ({why})"),
        ),
        (State::Running, EngineWish::Refuse) => refuse(&controller, format!("the engine runs ({})", status.why)),
    }
}

/// Present if systemd runs this system (sd_booted(3)).
const SYSTEMD_RUNS: &str = "/run/systemd/system";

fn refuse(controller: &Controller, why: String) -> EnginePlan {
    let manual = controller.manual_commands();
    EnginePlan::Refuse {
        why,
        commands: vec![manual.stop, "(save here)".to_owned(), manual.start],
    }
}
