//! The hand on the engine: what it is, what would be run, what it said. The checks before, the stop, the start and the watch
//! are in rooms of their own beside this file.

use super::command::{self, AtTheEnd, Call, Ran, RunError};
use super::detect::{self, Status};
use super::error::ManualCommands;
use super::places::{Places, UNIT};
use super::processes;
use super::progress::{Progress, Step, Timing};
use super::service::{Commands, Service};
use std::net::SocketAddr;
use std::time::Duration;

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
        let told = Service::tell(self.service.as_ref(), &self.places);
        // The tree is read after the service was asked: a process that systemd has just started is in it.
        detect::judge(&self.places, processes::look(&self.places), told)
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
    pub(super) fn run(&self, call: &Call, step: Step, progress: &mut dyn FnMut(Progress)) -> Result<Ran, RunError> {
        let limit = self.timing.patience;
        let mut next = Duration::ZERO;
        command::run(call, limit, AtTheEnd::Leave, &mut |passed| {
            if passed >= next {
                next = passed + self.timing.poll;
                progress(Progress {
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
        super::ports::listening_ports(&self.places.proc_root, &pids)
    }
}
