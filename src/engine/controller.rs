//! The hand on the engine: what it is, what would be run, what it said, and the questions that are asked before it is touched: whether
//! it could be stopped, and above all started again. Stop and start have files of their own.

use super::command::{self, AtTheEnd, Call, Ran, RunError};
use super::error::{EngineError, ManualCommands};
use super::places::{Places, UNIT};
use super::processes;
use super::service::{Commands, Service};
use super::status::{self, State, Status};
use super::systemd::{Unit, systemctl};
use std::net::SocketAddr;
use std::time::Duration;

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// A stop, and a start, may take this long (five minutes).
    pub patience: Duration,
    /// An engine has to stay up this long after it became active (30 s; starts of 19 s are normal).
    pub watch: Duration,
    /// A start that gave no process by then has failed (30 s).
    pub appear: Duration,
    /// Time between two looks (250 ms).
    pub poll: Duration,
    /// Time between the two equal looks at a quiet file (500 ms).
    pub quiet: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Timing {
            patience: Duration::from_secs(300),
            watch: Duration::from_secs(30),
            appear: Duration::from_secs(30),
            poll: Duration::from_millis(250),
            quiet: Duration::from_millis(500),
        }
    }
}

/// Which part of the work is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineStep {
    /// The stop command runs.
    Stopping,
    /// It ended; whether the engine has stopped is being proven.
    Proving,
    /// The engine is stopped; its last write has to be over.
    Quiet,
    /// The start command runs.
    Starting,
    /// The engine is up; whether it stays up is being watched.
    Watching,
}

/// Reported a few times a second while something is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineProgress {
    /// What is being done.
    pub step: EngineStep,
    /// Time since this step began.
    pub passed: Duration,
    /// The time that it may take at most.
    pub limit: Duration,
    /// What is waited for, in words; may be empty.
    pub detail: String,
}

/// Looks at, stops, starts and watches the engine of one configuration file.
#[derive(Debug, Clone)]
pub struct Controller {
    pub(super) places: Places,
    pub(super) service: Option<Service>,
    pub(super) timing: Timing,
}

impl Controller {
    /// Finds the service by itself: the systemd unit, else the init script, else none.
    pub fn find(places: Places) -> Controller {
        let service = Service::find(&places);
        Controller {
            places,
            service,
            timing: Timing::default(),
        }
    }

    /// Uses the administrator's commands instead of looking for a service. The caller vouches that they
    /// come from a file that only root can write. The proof of "stopped" still looks at `/proc` and systemd.
    pub fn with_commands(places: Places, commands: Commands) -> Controller {
        Controller {
            places,
            service: Some(Service::Commands(commands)),
            timing: Timing::default(),
        }
    }

    /// The same controller with other limits.
    #[must_use]
    pub fn with_timing(self, timing: Timing) -> Controller {
        Controller { timing, ..self }
    }

    /// What starts and stops the engine; `None` if the user has to.
    pub fn service(&self) -> Option<&Service> {
        self.service.as_ref()
    }

    /// The limits that apply.
    pub fn timing(&self) -> &Timing {
        &self.timing
    }

    /// Whether the engine runs, now.
    pub fn status(&self) -> Status {
        let answer = Service::query(self.service.as_ref(), &self.places);
        // The tree is read after the service was asked: a process that systemd has just started is in it.
        status::judge(&self.places, processes::look(&self.places), answer)
    }

    /// The exact commands that a save would run, in order, for the review. Empty without a service.
    pub fn planned(&self) -> Vec<String> {
        let Some(service) = &self.service else {
            return Vec::new();
        };
        let calls = [
            Some(service.stop_call()),
            service.clear_call(),
            Some(service.start_call()),
        ];
        calls.into_iter().flatten().map(|call| call.words()).collect()
    }

    /// What a person without rights, or without a service that we know, would type.
    pub fn manual_commands(&self) -> ManualCommands {
        let service = self
            .service
            .clone()
            .unwrap_or(Service::Systemd { unit: UNIT.to_owned() });
        let words = |call: Call| {
            call.words()
                .replace(" --no-ask-password", "")
                .replace(" --no-block", "")
        };
        ManualCommands {
            stop: words(service.stop_call()),
            start: words(service.start_call()),
        }
    }

    /// Runs a stop or start command, with progress.
    pub(super) fn run(
        &self,
        call: &Call,
        step: EngineStep,
        progress: &mut dyn FnMut(EngineProgress),
    ) -> Result<Ran, RunError> {
        let limit = self.timing.patience;
        let mut next = Duration::ZERO;
        command::run(call, limit, AtTheEnd::Leave, &mut |passed| {
            if passed >= next {
                next = passed + self.timing.poll;
                progress(EngineProgress {
                    step,
                    passed,
                    limit,
                    detail: call.words(),
                });
            }
        })
    }

    /// The journal's last lines of the unit: bounded, control bytes as hex, no lines that may hold secrets.
    /// Empty without systemd.
    pub fn journal_tail(&self, lines: usize) -> Vec<String> {
        if !self.places.systemd_runs.is_dir() {
            return Vec::new();
        }
        let count = lines.to_string();
        let call = Call::of(["journalctl", "-u", UNIT, "-n", &count, "--no-pager", "-o", "cat", "-q"]);
        command::ask(&call)
            .map(|ran| super::text::last_lines(&ran.stdout, lines))
            .unwrap_or_default()
    }

    /// The TCP addresses on which the engine of this status listens; empty without the rights to see them.
    pub fn ports(&self, status: &Status) -> Vec<SocketAddr> {
        let pids: Vec<u32> = status.processes.iter().map(|process| process.pid).collect();
        processes::listening_ports(&self.places.proc_root, &pids)
    }

    /// Everything about the engine that can be known before it is touched. Gives warnings for the review;
    /// an error means that stopping or starting it would fail, or must not be tried.
    pub fn preflight(&self) -> Result<Vec<String>, EngineError> {
        let status = self.status();
        self.free_of_writers(&status)?;
        if status.is_out_of_the_way() {
            return Ok(status.note.into_iter().collect());
        }
        let Some(service) = &self.service else {
            return Err(EngineError::NoService {
                doing: "stop",
                manual: self.manual_commands(),
            });
        };
        if !rustix::process::geteuid().is_root() && !matches!(service, Service::Commands(_)) {
            return Err(EngineError::NoRights {
                manual: self.manual_commands(),
            });
        }
        if matches!(
            (service, &status.state),
            (Service::Commands(Commands { status: None, .. }), State::Unknown(_))
        ) {
            let why = format!(
                "cannot prove a stop here ({}): set a status command beside stop and start",
                status.why
            );
            return Err(EngineError::Unusable {
                unit: service.description(),
                why,
            });
        }
        service.check_programs()?;
        let mut warnings: Vec<String> = status.note.into_iter().collect();
        if let (Some(unit), Service::Systemd { .. }) = (&status.unit, service) {
            usable(unit)?;
            warnings.extend(unit_warnings(unit, self.timing.patience));
        }
        Ok(warnings)
    }
}

fn usable(unit: &Unit) -> Result<(), EngineError> {
    let why = match unit.load_state.as_str() {
        "masked" => "is masked, so it could not be started again: run `systemctl unmask` first",
        "bad-setting" | "error" => {
            "has a unit file that systemd cannot read, so it could not be started again: mend it first (`systemctl status` says what is wrong)"
        }
        _ if !unit.may_stop => "may not be stopped by hand (RefuseManualStop=)",
        _ if !unit.may_start => "may not be started by hand (RefuseManualStart=), so it could not be started again",
        _ => return Ok(()),
    };
    Err(EngineError::Unusable {
        unit: unit.id.clone(),
        why: why.to_owned(),
    })
}

fn unit_warnings(unit: &Unit, patience: Duration) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(limit) = unit.stop_timeout.filter(|limit| unit.kills && *limit < patience) {
        let kind = systemctl(&["show", "-p", "TimeoutStopUSec", &unit.id])
            .words()
            .replace(" --no-ask-password", "");
        warnings.push(format!("systemd kills the engine if it takes longer than {} s to stop (TimeoutStopSec, see `{kind}`); a large mail store may need longer", limit.as_secs()));
    }
    if unit.needs_reload {
        warnings.push(format!(
            "the file of {} changed since systemd read it; systemd uses the old one until `systemctl daemon-reload`",
            unit.id
        ));
    }
    warnings
}
