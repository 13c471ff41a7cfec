//! The hand on the engine: what it is, what would be run, what it said. The questions before, the stop and the start
//! have files of their own beside this one.

use super::command::{self, AtTheEnd, Call, Ran, RunError};
use super::error::ManualCommands;
use super::limits::Limits;
use super::places::{Places, UNIT};
use super::proc_fs::Proc;
use super::processes::{self, Process, Seen};
use super::service::ask_systemd;
use super::service::{Commands, Service, ServiceAnswer};
use super::status::{self, Status, View};
use std::net::SocketAddr;
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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
    /// A stop command that ended, complained and had no visible effect in this time will have none (20 s). One that
    /// ended without a word is given three times as long: its engine may be slow.
    pub no_effect: Duration,
    /// An engine that a stop command left running is watched for this long all the same: should it end after all, it is
    /// started (12 s).
    pub after_all: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Timing {
            patience: Duration::from_secs(300),
            watch: Duration::from_secs(30),
            appear: Duration::from_secs(30),
            poll: Duration::from_millis(250),
            quiet: Duration::from_millis(500),
            no_effect: Duration::from_secs(20),
            after_all: Duration::from_secs(12),
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

impl EngineProgress {
    pub(super) fn new(step: EngineStep, passed: Duration, limit: Duration, detail: String) -> Self {
        Self {
            step,
            passed,
            limit,
            detail,
        }
    }
}

/// What was there when the stop command was run: what the start after it goes by.
#[derive(Debug, Default)]
pub(super) struct BeforeStop {
    pub(super) engines: Vec<Process>,
    pub(super) ports: Vec<SocketAddr>,
    /// What the engine that is started again shall have at least.
    pub(super) limits: Limits,
    /// When the stop command ended, or was not waited for any longer.
    pub(super) ended: Option<Instant>,
    /// The stop command itself, if it did not end in time.
    pub(super) command: Option<Child>,
    /// It ended well and said nothing.
    pub(super) silent: bool,
    /// What the engine's own process was started with.
    pub(super) own_way: Option<Call>,
}

impl BeforeStop {
    /// How many of its processes a status still shows.
    pub(super) fn still_there(&self, status: &Status) -> usize {
        let now = status.processes.iter().chain(&status.others);
        now.filter(|now| self.engines.iter().any(|before| before.is(now)))
            .count()
    }

    /// Whether one of its processes is still in the process table, if only because its parent has not noticed its end:
    /// a script that looks there takes it for running.
    pub(super) fn is_in_table(&self, proc: &Proc<'_>) -> bool {
        let is_there = |one: &Process| proc.start_of(one.pid) == Some(one.start_ticks);
        self.engines.iter().any(is_there)
    }

    /// Whether the stop command is still on its way: then it would reach an engine that is started now.
    pub(super) fn command_runs(&mut self) -> bool {
        self.command
            .as_mut()
            .is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Ends a stop command that the engine did not wait for. It leads a process group of its own; the engine is not in
    /// it.
    pub(super) fn end_command(&mut self) {
        let group = self.command.as_ref().and_then(|child| i32::try_from(child.id()).ok());
        if let Some(group) = group.and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);
        }
    }
}

/// Looks at, stops, starts and watches the engine of one configuration file. Clones know of one another's stops.
#[derive(Debug, Clone)]
pub struct Controller {
    pub(super) places: Places,
    pub(super) service: Option<Service>,
    pub(super) timing: Timing,
    only_here: bool,
    /// Set by the stop command, and never taken away: whoever has run it owes a start.
    before_stop: Arc<Mutex<Option<BeforeStop>>>,
}

impl Controller {
    /// Finds the service by itself: the systemd unit, else the init script, else none.
    pub fn find(places: Places) -> Controller {
        let service = Service::find(&places);
        Controller::new(places, service)
    }

    /// Uses the administrator's commands instead of looking for a service. The caller vouches that they
    /// come from a file that only root can write. The proof of "stopped" still looks at `/proc` and systemd.
    pub fn with_commands(places: Places, commands: Commands) -> Controller {
        Controller::new(places, Some(Service::Commands(commands)))
    }

    fn new(places: Places, service: Option<Service>) -> Controller {
        Controller {
            places,
            service,
            timing: Timing::default(),
            only_here: false,
            before_stop: Arc::default(),
        }
    }

    /// The same controller with other limits.
    #[must_use]
    pub fn with_timing(self, timing: Timing) -> Controller {
        Controller { timing, ..self }
    }

    /// With the administrator's word, from a file that only root can write, that no engine outside of this container
    /// uses the file.
    #[must_use]
    pub fn with_only_here(self, only_here: bool) -> Controller {
        Controller { only_here, ..self }
    }

    /// Whether a stop command was run: then the engine has to be started again, however things end.
    pub fn told_to_stop(&self) -> bool {
        self.before_stop().is_some()
    }

    pub(super) fn before_stop(&self) -> MutexGuard<'_, Option<BeforeStop>> {
        self.before_stop.lock().unwrap_or_else(PoisonError::into_inner)
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
        let (seen, answer) = self.look();
        status::judge(&self.view(), seen, answer)
    }

    pub(super) fn look(&self) -> (Seen, ServiceAnswer) {
        let mut found = self.look_once();
        // Systemd may have started a process of its unit between its answer and the look: then it knows by now.
        for _ in 0..2 {
            let (seen, answer) = &found;
            let native = answer.unit.as_ref().is_some_and(|unit| !unit.is_from_init_script());
            let by_unit = native && matches!(self.service, Some(Service::Systemd { .. }));
            if !by_unit || seen.engines.iter().all(|process| process.of_unit) {
                break;
            }
            found = self.look_once();
        }
        found
    }

    fn look_once(&self) -> (Seen, ServiceAnswer) {
        let answer = Service::query(self.service.as_ref(), &self.places);
        // The tree is read after the service was asked: a process that systemd has just started is in it.
        let seen = processes::look(&self.places, answer.unit.as_ref());
        (seen, answer)
    }

    pub(super) fn view(&self) -> View<'_> {
        let before = self.before_stop();
        let stopped_here = before
            .as_ref()
            .is_some_and(|before| before.engines.iter().any(|process| process.here));
        View {
            places: &self.places,
            service: self.service.as_ref(),
            stopped_here,
            only_here: self.only_here,
            asks_command: true,
        }
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
        let by_unit = || Service::Systemd { unit: UNIT.to_owned() };
        let service = self.service.clone().unwrap_or_else(by_unit);
        let words = |call: Call| {
            let words = call.words().replace(" --no-ask-password", "");
            words.replace(" --no-block", "")
        };
        let mut start = words(service.start_call());
        // Systemd calls a unit that it made from an init script active when its daemon is long dead, and would not
        // start it.
        let unit = ask_systemd(&self.places).ok().flatten();
        if matches!(service, Service::Systemd { .. }) && unit.is_some_and(|unit| unit.is_from_init_script()) {
            start = start.replace(" start ", " restart ");
        }
        let stop = words(service.stop_call());
        ManualCommands { stop, start }
    }

    /// Runs a stop or start command, with progress, for as long as `go_on` says so.
    pub(super) fn run(
        &self,
        call: &Call,
        step: EngineStep,
        progress: &mut dyn FnMut(EngineProgress),
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Ran, RunError> {
        let limit = self.timing.patience;
        let mut next = Duration::ZERO;
        command::run(call, limit, AtTheEnd::Leave, &mut |passed| {
            if passed < next {
                return true;
            }
            next = passed + self.timing.poll;
            progress(EngineProgress::new(step, passed, limit, call.words()));
            go_on()
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
            .map(|ran| super::error::last_lines(&ran.stdout, lines))
            .unwrap_or_default()
    }

    /// The TCP addresses on which the engine of this status listens; empty without the rights to see them.
    pub fn ports(&self, status: &Status) -> Vec<SocketAddr> {
        let pids: Vec<u32> = status.processes.iter().map(|process| process.pid).collect();
        processes::listening_ports(&self.places.proc_root, &pids)
    }
}
