//! The service that starts and stops the engine: a systemd unit, an init script, or commands that the
//! administrator has set. Finds it, says what would be run, asks for its state. Runs no stop or start itself.

use super::command::{self, Call};
use super::error::EngineError;
use super::places::{Places, UNIT};
use super::proc_fs::Proc;
use super::systemd::{Unit, ask_systemd, systemctl};
use std::path::PathBuf;

/// Commands from the root-owned preferences: argument lists, run as they stand, by no shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commands {
    /// Stops the engine and ends when it has stopped.
    pub stop: Vec<String>,
    /// Starts the engine.
    pub start: Vec<String>,
    /// Ends with status 0 if the engine runs (LSB). It is asked only where the engine's processes cannot be seen, and it can prove
    /// neither a stop nor a start: init scripts exist whose `status` ends with 0 whatever the engine does.
    pub status: Option<Vec<String>>,
}

/// Programs that find processes by their name.
const BY_NAME: [&str; 4] = ["pidof", "pgrep", "pkill", "killall"];

/// What the service says, beside the process tree.
#[derive(Debug, Clone, Default)]
pub(super) struct ServiceAnswer {
    /// The systemd unit, if there is one.
    pub(super) unit: Option<Unit>,
    /// A service in this PID namespace starts and stops the engine, so that it cannot run outside of it.
    pub(super) manages: bool,
    /// The service could not be asked (why).
    pub(super) silent: Option<String>,
}

/// What starts and stops the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Service {
    /// A systemd unit.
    Systemd {
        /// Its full name.
        unit: String,
    },
    /// An init script, on a system that systemd does not run.
    InitScript {
        /// Its file.
        path: PathBuf,
    },
    /// The administrator's own commands.
    Commands(Commands),
}

impl Service {
    /// Looks for the unit, then for the init script. `None`: the user has to stop and start the engine.
    pub fn find(places: &Places) -> Option<Service> {
        if let Ok(Some(unit)) = ask_systemd(places)
            && unit.exists()
        {
            return Some(Service::Systemd { unit: UNIT.to_owned() });
        }
        let path = places.init_script.clone();
        command::resolve(path.as_os_str()).map(|_| Service::InitScript { path })
    }

    /// What it is, for the review.
    pub fn description(&self) -> String {
        match self {
            Service::Systemd { unit } => format!("systemd unit {unit}"),
            Service::InitScript { path } => {
                format!(
                    "init script {}",
                    super::text::shown(path.as_os_str().as_encoded_bytes())
                )
            }
            Service::Commands(_) => "the commands set in kerio-tls.toml".to_owned(),
        }
    }

    /// With systemd it only hands in the job, and the engine is watched while it stops: a client that waits could be
    /// overtaken by a start (after a cancel), and then stop what was just started.
    pub(super) fn stop_call(&self) -> Call {
        match self {
            Service::Systemd { unit } => systemctl(&["--no-block", "stop", unit]),
            Service::InitScript { path } => Call::of_daemon([path.as_os_str(), "stop".as_ref()]),
            Service::Commands(commands) => Call::of_daemon(&commands.stop),
        }
    }

    pub(super) fn start_call(&self) -> Call {
        match self {
            Service::Systemd { unit } => systemctl(&["start", unit]),
            Service::InitScript { path } => Call::of_daemon([path.as_os_str(), "start".as_ref()]),
            Service::Commands(commands) => Call::of_daemon(&commands.start),
        }
    }

    /// Clears failures and the counter of starts, without which systemd refuses to start a unit that crash-looped.
    pub(super) fn clear_call(&self) -> Option<Call> {
        match self {
            Service::Systemd { unit } => Some(systemctl(&["reset-failed", unit])),
            _ => None,
        }
    }

    /// Asks the service, and systemd in any case: whatever stopped the engine, a unit with `Restart=` brings it back.
    pub(super) fn query(service: Option<&Service>, places: &Places) -> ServiceAnswer {
        let mut answer = ServiceAnswer::default();
        match ask_systemd(places) {
            Ok(unit) => answer.unit = unit.filter(|unit| unit.exists() || unit.why_not_stopped().is_some()),
            Err(why) => answer.silent = Some(why),
        }
        answer.manages = match service {
            Some(Service::Systemd { .. }) => true,
            Some(Service::InitScript { .. }) => Proc::new(&places.proc_root).is_a_system(),
            Some(Service::Commands(_)) | None => false,
        };
        answer
    }

    /// What the administrator's status command says; `None` without one, or if it does not tell.
    pub(super) fn says_running(&self) -> Option<bool> {
        let Service::Commands(Commands { status: Some(argv), .. }) = self else {
            return None;
        };
        match command::ask(&Call::of_daemon(argv)).ok()?.code? {
            0 => Some(true),
            1..=3 => Some(false),
            _ => None,
        }
    }

    /// The script that would stop or start the engine, if it looks for its engine by name and so takes any process of that name for it,
    /// whoever runs it. The vendor's does: with two such processes it stops nothing, with one it starts nothing.
    pub(super) fn script_by_name(&self, places: &Places, unit: Option<&Unit>) -> Option<PathBuf> {
        let own = || places.init_script.clone();
        let scripts: Vec<PathBuf> = match self {
            Service::Systemd { .. } => {
                let runs_it = unit.is_some_and(|unit| {
                    unit.is_from_init_script() || unit.exec_start.contains(&*places.init_script.to_string_lossy())
                });
                runs_it.then(own).into_iter().collect()
            }
            Service::InitScript { path } => vec![path.clone()],
            Service::Commands(commands) => {
                let programs = [&commands.stop, &commands.start]
                    .into_iter()
                    .filter_map(|argv| argv.first());
                let files = programs.filter_map(|program| command::resolve(program.as_ref()));
                // service(8) runs the init script.
                let file = |path: PathBuf| {
                    if path.ends_with("service") || path.ends_with("invoke-rc.d") {
                        own()
                    } else {
                        path
                    }
                };
                files.map(file).collect()
            }
        };
        scripts.into_iter().find(|path| {
            let text = command::script_text(path).unwrap_or_default();
            BY_NAME
                .iter()
                .any(|word| memchr::memmem::find(&text, word.as_bytes()).is_some())
        })
    }

    /// Whether the programs that it needs are there.
    pub(super) fn check_programs(&self) -> Result<(), EngineError> {
        for call in [self.stop_call(), self.start_call()] {
            if call
                .argv
                .first()
                .and_then(|program| command::resolve(program))
                .is_none()
            {
                return Err(EngineError::Command {
                    doing: "check the command for the engine",
                    command: call.words(),
                    why: "the program was not found or is not executable".to_owned(),
                });
            }
        }
        Ok(())
    }
}
