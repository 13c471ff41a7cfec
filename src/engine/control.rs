//! The hand on the engine: what would be run, stop with proof, start. The watch afterwards is in `watch`.

use super::command::{self, AtTheEnd, Call, Ran, RunError};
use super::detect::{self, State, Status};
use super::error::{EngineError, ManualCommands};
use super::places::{Places, UNIT};
use super::processes;
use super::quiet;
use super::service::{Commands, Service, systemctl};
use super::unit::Unit;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
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
pub enum Step {
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
pub struct Progress {
    /// What is being done.
    pub step: Step,
    /// Time since this step began.
    pub passed: Duration,
    /// The time that it may take at most.
    pub limit: Duration,
    /// What is waited for, in words; may be empty.
    pub detail: String,
}

/// The engine is proven stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// Whether it ran before: then it has to be started again, however things end.
    pub was_running: bool,
    /// How long the stop took, to tell the user next time.
    pub took: Duration,
    /// The ports that it listened on before.
    pub ports: Vec<SocketAddr>,
}

/// The start command ended well. Whether the engine stays up is for [`Controller::watch`] to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// How long the start command took.
    pub took: Duration,
    /// The run of the unit that this start began, where systemd has one.
    pub(super) invocation: Option<String>,
    pub(super) restarts: u64,
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
        Controller { places, service, timing: Timing::default() }
    }

    /// Uses the administrator's commands instead of looking for a service. The caller vouches that they
    /// come from a file that only root can write. The proof of "stopped" still looks at `/proc` and systemd.
    pub fn with_commands(places: Places, commands: Commands) -> Controller {
        Controller { places, service: Some(Service::Commands(commands)), timing: Timing::default() }
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
        let Some(service) = &self.service else { return Vec::new() };
        let calls = [Some(service.stop_call()), service.clear_call(), Some(service.start_call())];
        calls.into_iter().flatten().map(|call| call.words()).collect()
    }

    /// What a person without rights, or without a service that we know, would type.
    pub fn manual_commands(&self) -> ManualCommands {
        let service = self.service.clone().unwrap_or(Service::Systemd { unit: UNIT.to_owned() });
        let words = |call: Call| call.words().replace(" --no-ask-password", "").replace(" --no-block", "");
        ManualCommands { stop: words(service.stop_call()), start: words(service.start_call()) }
    }

    /// Everything about the engine that can be known before it is touched. Gives warnings for the review;
    /// an error means that stopping or starting it would fail, or must not be tried.
    pub fn preflight(&self) -> Result<Vec<String>, EngineError> {
        let status = self.status();
        self.free_of_writers(&status)?;
        if status.is_out_of_the_way() {
            return Ok(status.note.into_iter().collect());
        }
        let Some(service) = &self.service else { return Err(EngineError::NoService { doing: "stop", manual: self.manual_commands() }) };
        if !rustix::process::geteuid().is_root() && !matches!(service, Service::Commands(_)) {
            return Err(EngineError::NoRights { manual: self.manual_commands() });
        }
        if matches!((service, &status.state), (Service::Commands(Commands { status: None, .. }), State::Unknown(_))) {
            let why = format!("cannot prove a stop here ({}): set a status command beside stop and start", status.why);
            return Err(EngineError::Unusable { unit: service.description(), why });
        }
        service.check_programs()?;
        let mut warnings: Vec<String> = status.note.into_iter().collect();
        if let (Some(unit), Service::Systemd { .. }) = (&status.unit, service) {
            usable(unit)?;
            warnings.extend(unit_warnings(unit, self.timing.patience));
        }
        Ok(warnings)
    }

    /// Stops the engine and proves that it stopped and that the file is quiet. Does nothing if it is stopped already.
    ///
    /// `cancel` ends the waiting for systemd; an init script or a command of the administrator's is waited for, because it would
    /// go on behind our back. After [`EngineError::Cancelled`], as after every other error here, the engine may be stopped or be
    /// stopping: call [`Controller::start`].
    pub fn stop(&self, progress: &mut dyn FnMut(Progress), cancel: &AtomicBool) -> Result<Stopped, EngineError> {
        let begin = Instant::now();
        let before = self.status();
        if before.is_out_of_the_way() {
            return Ok(Stopped { was_running: false, took: Duration::ZERO, ports: Vec::new() });
        }
        self.free_of_writers(&before)?;
        let Some(service) = &self.service else { return Err(EngineError::NoService { doing: "stop", manual: self.manual_commands() }) };
        let ports = self.ports(&before);
        let ended_well = self.run_stop(service, progress)?;
        self.wait_until_stopped(service, begin, ended_well, progress, cancel)?;
        self.wait_quiet(&self.places.resolved, progress, cancel)?;
        // What starts an engine again without systemd (a supervisor, a cron job) had the time to do it.
        self.prove_stopped()?;
        Ok(Stopped { was_running: true, took: begin.elapsed(), ports })
    }

    /// Runs the stop command. The failure of a command that ran is handed on inside `Ok`: the engine may have stopped all the same.
    fn run_stop(&self, service: &Service, progress: &mut dyn FnMut(Progress)) -> Result<Result<(), EngineError>, EngineError> {
        let call = service.stop_call();
        let failed = |why: String| EngineError::Command { doing: "stop the engine", command: call.words(), why };
        match self.run(&call, Step::Stopping, progress) {
            Ok(ran) if ran.ok() => Ok(Ok(())),
            Ok(ran) => Ok(Err(failed(ran.words()))),
            Err(error @ RunError::TimedOut(..)) => Ok(Err(failed(error.to_string()))),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    fn wait_until_stopped(
        &self,
        service: &Service,
        begin: Instant,
        ended_well: Result<(), EngineError>,
        progress: &mut dyn FnMut(Progress),
        cancel: &AtomicBool,
    ) -> Result<(), EngineError> {
        // A stop command that failed will not succeed later; give what is under way a moment.
        let limit = if ended_well.is_ok() { self.timing.patience } else { begin.elapsed() + self.timing.patience.min(Duration::from_secs(10)) };
        loop {
            let status = self.status();
            if status.is_out_of_the_way() {
                return Ok(());
            }
            if cancel.load(Ordering::Relaxed) {
                return Err(EngineError::Cancelled);
            }
            if begin.elapsed() >= limit {
                ended_well?;
                self.free_of_writers(&status)?;
                return Err(EngineError::NotStopped { why: status.why, waited_s: begin.elapsed().as_secs(), look: self.look_command(service) });
            }
            let step = if status.processes.is_empty() { Step::Proving } else { Step::Stopping };
            progress(Progress { step, passed: begin.elapsed(), limit, detail: status.why });
            std::thread::sleep(self.timing.poll);
        }
    }

    /// `Err` if no engine but another process holds the file.
    fn free_of_writers(&self, status: &Status) -> Result<(), EngineError> {
        match status.writers.first().filter(|_| status.processes.is_empty()) {
            Some(writer) => Err(EngineError::Busy { pid: writer.pid, what: writer.what.clone() }),
            None => Ok(()),
        }
    }

    /// Proves, by one look at the process tree and the service, that nothing is in the way of writing the file.
    pub fn prove_stopped(&self) -> Result<(), EngineError> {
        let status = self.status();
        if status.is_out_of_the_way() {
            return Ok(());
        }
        self.free_of_writers(&status)?;
        let look = self.service.as_ref().map_or_else(|| "ps -e".to_owned(), |service| self.look_command(service));
        Err(EngineError::NotStopped { why: status.why, waited_s: 0, look })
    }

    fn look_command(&self, service: &Service) -> String {
        match service {
            Service::Systemd { unit } => format!("systemctl status {unit}"),
            Service::InitScript { path } => format!("{} status", path.display()),
            Service::Commands(Commands { status: Some(status), .. }) => Call::of(status).words(),
            Service::Commands(_) => "ps -e".to_owned(),
        }
    }

    /// Waits until the file has not changed between two looks.
    pub fn wait_quiet(&self, path: &Path, progress: &mut dyn FnMut(Progress), cancel: &AtomicBool) -> Result<(), EngineError> {
        let limit = self.timing.patience.min(Duration::from_secs(60));
        let quiet = quiet::wait(path, self.timing.quiet, limit, &mut |passed| {
            progress(Progress { step: Step::Quiet, passed, limit, detail: "the file still changes".to_owned() });
            !cancel.load(Ordering::Relaxed)
        });
        match (quiet, cancel.load(Ordering::Relaxed)) {
            (true, _) => Ok(()),
            (false, true) => Err(EngineError::Cancelled),
            (false, false) => Err(EngineError::NotQuiet { path: super::text::shown(path.as_os_str().as_encoded_bytes()), waited_s: limit.as_secs() }),
        }
    }

    /// Starts the engine. An `Ok` only means that the start command ended well: see [`Controller::watch`].
    /// It cannot be cancelled: from the exchange on, the engine has to come up.
    pub fn start(&self, progress: &mut dyn FnMut(Progress)) -> Result<Started, EngineError> {
        let Some(service) = &self.service else { return Err(EngineError::NoService { doing: "start", manual: self.manual_commands() }) };
        let begin = Instant::now();
        let before = self.status();
        if before.state == State::Running && before.unit.as_ref().is_none_or(|unit| unit.active_state == "active" && !unit.job_pending) {
            let unit = before.unit.unwrap_or_default();
            return Ok(Started { took: Duration::ZERO, invocation: Some(unit.invocation).filter(|id| !id.is_empty()), restarts: unit.restarts });
        }
        if let Some(call) = service.clear_call() {
            // It fails where there is nothing to clear.
            let _ = command::ask(&call);
        }
        let call = service.start_call();
        let failed = |why: String| EngineError::NotStarted { why: format!("`{}`: {why}", call.words()), journal: self.journal_tail(20) };
        match self.run(&call, Step::Starting, progress) {
            Ok(ran) if ran.ok() => {}
            Ok(ran) => return Err(failed(ran.words())),
            Err(error) => return Err(failed(error.to_string())),
        }
        let unit = super::service::ask_systemd(&self.places).ok().flatten().unwrap_or_default();
        // A start by hand counts restarts from 0 (systemd.service(5), NRestarts): what has happened since is a crash.
        Ok(Started { took: begin.elapsed(), invocation: Some(unit.invocation).filter(|id| !id.is_empty() && unit.restarts == 0), restarts: 0 })
    }

    fn run(&self, call: &Call, step: Step, progress: &mut dyn FnMut(Progress)) -> Result<Ran, RunError> {
        let limit = self.timing.patience;
        let mut next = Duration::ZERO;
        command::run(call, limit, AtTheEnd::Leave, &mut |passed| {
            if passed >= next {
                next = passed + self.timing.poll;
                progress(Progress { step, passed, limit, detail: call.words() });
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
        command::ask(&call).map(|ran| super::text::last_lines(&ran.stdout, lines)).unwrap_or_default()
    }

    /// The TCP addresses on which the engine of this status listens; empty without the rights to see them.
    pub fn ports(&self, status: &Status) -> Vec<SocketAddr> {
        let pids: Vec<u32> = status.processes.iter().map(|process| process.pid).collect();
        super::ports::listening_ports(&self.places.proc_root, &pids)
    }
}

fn usable(unit: &Unit) -> Result<(), EngineError> {
    let why = match unit.load_state.as_str() {
        "masked" => "is masked, so it could not be started again: run `systemctl unmask` first",
        "bad-setting" | "error" => "has a unit file that systemd cannot read, so it could not be started again: mend it first (`systemctl status` says what is wrong)",
        _ if !unit.may_stop => "may not be stopped by hand (RefuseManualStop=)",
        _ if !unit.may_start => "may not be started by hand (RefuseManualStart=), so it could not be started again",
        _ => return Ok(()),
    };
    Err(EngineError::Unusable { unit: unit.id.clone(), why: why.to_owned() })
}

fn unit_warnings(unit: &Unit, patience: Duration) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(limit) = unit.stop_timeout.filter(|limit| unit.kills && *limit < patience) {
        let kind = systemctl(&["show", "-p", "TimeoutStopUSec", &unit.id]).words().replace(" --no-ask-password", "");
        warnings.push(format!("systemd kills the engine if it takes longer than {} s to stop (TimeoutStopSec, see `{kind}`); a large mail store may need longer", limit.as_secs()));
    }
    if unit.needs_reload {
        warnings.push(format!("the file of {} changed since systemd read it; systemd uses the old one until `systemctl daemon-reload`", unit.id));
    }
    warnings
}
