//! The hand on the engine: what it is, what would be run, what it said, and the questions that are asked before it is touched: whether
//! it could be stopped, and above all started again. Stop and start have files of their own.

use super::command::{self, AtTheEnd, Call, DEADLY_LIMITS, Limits, Ran, RunError};
use super::error::{EngineError, ManualCommands};
use super::places::{Places, UNIT};
use super::proc_fs::Proc;
use super::processes::{self, Process, Seen};
use super::service::{Commands, Service, ServiceAnswer};
use super::status::{self, State, Status, View};
use super::systemd::{Unit, systemctl};
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
    /// A stop command that ended and had no visible effect in this time will have none (20 s).
    pub no_effect: Duration,
    /// An engine that a stop command left running is watched for this long all the same: should it end after all, it is started (12 s).
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
}

impl BeforeStop {
    /// How many of its processes a status still shows.
    pub(super) fn still_there(&self, status: &Status) -> usize {
        let now = status.processes.iter().chain(&status.others);
        now.filter(|now| self.engines.iter().any(|before| before.is(now)))
            .count()
    }

    /// Whether one of its processes is still in the process table, if only because its parent has not noticed its end: a script that
    /// looks there takes it for running.
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

    /// Ends a stop command that the engine did not wait for. It leads a process group of its own; the engine is not in it.
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

    /// With the administrator's word, from a file that only root can write, that no engine outside of this container uses the file.
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

    fn look(&self) -> (Seen, ServiceAnswer) {
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

    fn view(&self) -> View<'_> {
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
            progress(EngineProgress {
                step,
                passed,
                limit,
                detail: call.words(),
            });
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
        let by_systems_own = matches!(self.service, Some(Service::Systemd { .. } | Service::InitScript { .. }));
        if by_systems_own && !rustix::process::geteuid().is_root() {
            return Err(EngineError::NoRights {
                manual: self.manual_commands(),
            });
        }
        let service = self.may_stop(&status)?;
        service.check_programs()?;
        let mut warnings: Vec<String> = status.note.iter().cloned().collect();
        match (&status.unit, service) {
            (Some(unit), Service::Systemd { .. }) => {
                usable(unit)?;
                warnings.extend(unit_warnings(unit, self.timing.patience));
            }
            _ => warnings.extend(self.script_warnings(&status)),
        }
        Ok(warnings)
    }

    /// What stops and starts the engine; an error if a stop could not be proven, or would not end with the engine started again.
    pub(super) fn may_stop(&self, status: &Status) -> Result<&Service, EngineError> {
        let Some(service) = &self.service else {
            return Err(EngineError::NoService {
                doing: "stop",
                manual: self.manual_commands(),
            });
        };
        let refuse = |why: String| {
            Err(EngineError::Unusable {
                unit: service.description(),
                why,
            })
        };
        if let Some(other) = status.others.first() {
            return refuse(format!(
                "neither starts nor stops {}, which uses this file, too; stop that one first, the way it was started, then try again",
                other.words()
            ));
        }
        if let (Some(other), Some(script)) = (
            status.namesakes.first(),
            service.script_by_name(&self.places, status.unit.as_ref()),
        ) {
            return refuse(format!(
                "was not told to stop the engine: {} has the engine's name, and {} looks for its engine by name, so that it might stop or \
                 start nothing. End that process, then try again",
                other.words(),
                super::text::shown(script.as_os_str().as_encoded_bytes())
            ));
        }
        let proc = Proc::new(&self.places.proc_root);
        let above_us = proc.own_ancestors();
        if let Some(first) = status
            .processes
            .iter()
            .find(|process| process.here && (process.pid == 1 || above_us.contains(&process.pid)))
        {
            return refuse(format!(
                "cannot be used from here: the engine is process {}, from which this program descends or with which this container ends, so \
                 nobody would be left to start it again. Stop the container, save from outside of it, and start it",
                first.pid
            ));
        }
        let missing = if matches!(service, Service::Systemd { .. }) {
            Vec::new()
        } else {
            self.missing_limits(status)
        };
        if let Some(limit) = missing.iter().find(|limit| DEADLY_LIMITS.contains(limit)) {
            return refuse(format!(
                "was not told to stop the engine: it would be started again with a narrower limit than it has now ({limit}, see ulimit), \
                 from which an engine may die, and this session may not raise it. Save from a session without that limit"
            ));
        }
        let (seen, answer) = self.look();
        match status::once_stopped(&self.view(), seen, answer) {
            (State::None | State::Stopped, _) => Ok(service),
            (_, why) => refuse(format!(
                "was not told to stop the engine, because that could not be proven here: {why}"
            )),
        }
    }

    /// The limits that the engine has now and would not have again: a script passes ours on, and not everybody may raise them.
    fn missing_limits(&self, status: &Status) -> Vec<&'static str> {
        let engine = status.processes.first();
        let limits = engine.and_then(|engine| Proc::new(&self.places.proc_root).limits(engine.pid).ok());
        limits.map(|text| Limits::parse(&text).missing()).unwrap_or_default()
    }

    fn script_warnings(&self, status: &Status) -> Vec<String> {
        let proc = Proc::new(&self.places.proc_root);
        let mut warnings = Vec::new();
        if let Some(other) = status.namesakes.first() {
            warnings.push(format!(
                "{} has the engine's name; a script that looks for its engine by name may stop or start nothing while it runs",
                other.words()
            ));
        }
        // A container ends with its first process, and that one may wait for nothing but the engine.
        let first = proc.comm(1).unwrap_or_default();
        if !proc.sees_whole_host() && !proc.is_a_system() {
            warnings.push(format!(
                "the first process of this container ({}) is no init system; should it end when the engine stops, the container ends with it",
                super::text::shown(&first)
            ));
        }
        let missing = self.missing_limits(status);
        if !missing.is_empty() {
            warnings.push(format!(
                "the engine would be started with narrower limits than it has now ({}): those of this session, which may not be raised",
                missing.join(", ")
            ));
        }
        warnings
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
