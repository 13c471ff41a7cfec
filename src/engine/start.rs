//! The questions that are asked before the engine is touched (whether it could be stopped, whether that could be
//! proven, and above all whether it would be started again), and the start.

use super::command::{self, Call};
use super::controller::{Controller, EngineProgress, EngineStep};
use super::error::EngineError;
use super::limits::{DEADLY_LIMITS, Limits};
use super::places::EXECUTABLE;
use super::proc_fs::{Exe, Proc};
use super::processes::Process;
use super::service::{Service, Unit, systemctl};
use super::status::{self, State, Status};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

impl Controller {
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

    /// What stops and starts the engine; an error if a stop could not be proven, or would not end with the engine
    /// started again.
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
                "would neither start nor stop {}, which uses this file, too; stop that one first, the way it was \
                 started, then try again",
                other.words()
            ));
        }
        if let (Some(other), Some(script)) = (
            status.namesakes.first(),
            service.script_by_name(&self.places, status.unit.as_ref()),
        ) {
            return refuse(format!(
                "might stop or start nothing: {} has the engine's name, and {} looks for its engine by name. End \
                 that process, then try again",
                other.words(),
                super::error::shown_path(&script)
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
                "could not start it again: the engine is process {}, from which this program descends or with which \
                 this container ends, so \
                 nobody would be left to do that. Stop the container, save from outside of it, and start it",
                first.pid
            ));
        }
        if let Some(path) = self.lost_executable(status) {
            return refuse(format!(
                "could not start it again: the engine runs {}, but its program was removed or renamed since (an update \
                 that was broken off?). Put it back, then try again",
                super::error::shown_path(&path)
            ));
        }
        let missing = if matches!(service, Service::Systemd { .. }) {
            Vec::new()
        } else {
            self.missing_limits(status)
        };
        if let Some(limit) = missing.iter().find(|limit| DEADLY_LIMITS.contains(limit)) {
            return refuse(format!(
                "would start it again with a narrower limit than it has now ({limit}, see ulimit), \
                 from which an engine may die, and this session may not raise it. \
                 Save from a session without that limit"
            ));
        }
        let (seen, answer) = self.look();
        match status::once_stopped(&self.view(), seen, answer) {
            (State::None | State::Stopped, _) => Ok(service),
            (_, why) => refuse(format!("could stop it, but that could not be proven here: {why}")),
        }
    }

    /// What an engine runs whose program was removed or renamed since, where no other one lies in any of its places.
    fn lost_executable(&self, status: &Status) -> Option<PathBuf> {
        let proc = Proc::new(&self.places.proc_root);
        let startable = |path: &Path| command::resolve(path.as_os_str()).is_some();
        let lost = |process: &Process| match proc.task(process.pid)?.exe() {
            Exe::Path { path, deleted: true } if !startable(&path) => Some(path),
            // Of a unit's own process its unit says what it runs.
            Exe::Path { path, .. } if path.file_name() != Some(EXECUTABLE.as_ref()) && !process.of_unit => Some(path),
            _ => None,
        };
        let lost = status.processes.iter().filter(|process| process.here).find_map(lost)?;
        let another = self.places.executables().iter().any(|path| startable(path));
        (!another).then_some(lost)
    }

    /// The limits that the engine has now and would not have again: a script passes ours on, and not everybody may
    /// raise them.
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
                "{} has the engine's name; a script that looks for its engine by name may stop or start nothing \
                 while it runs",
                other.words()
            ));
        }
        // A container ends with its first process, and that one may wait for nothing but the engine.
        let first = proc.comm(1).unwrap_or_default();
        if !proc.sees_whole_host() && !proc.is_a_system() {
            warnings.push(format!(
                "the first process of this container ({}) is no init system; should it end when the engine stops, \
                 the container ends with it",
                super::error::shown(&first)
            ));
        }
        let missing = self.missing_limits(status);
        if !missing.is_empty() {
            warnings.push(format!(
                "the engine would be started with narrower limits than it has now ({}): those of this session, \
                 which may not be raised",
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
            "has a unit file that systemd cannot read, so it could not be started again: mend it first (`systemctl \
             status` says what is wrong)"
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
        warnings.push(format!(
            "systemd kills the engine if it takes longer than {} s to stop (TimeoutStopSec, see \
            `{kind}`); a large mail store may need longer",
            limit.as_secs()
        ));
    }
    if unit.needs_reload {
        warnings.push(format!(
            "the file of {} changed since systemd read it; systemd uses the old one until `systemctl daemon-reload`",
            unit.id
        ));
    }
    warnings
}

/// The start command ended well. Whether the engine stays up is for [`Controller::watch`](super::Controller::watch) to
/// say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// How long the start command took.
    pub took: Duration,
    /// The run of the unit that this start began, where systemd has one.
    pub(super) invocation: Option<String>,
    pub(super) restarts: u64,
    /// Nothing was started: the engine that was there before the stop never ended.
    pub(super) kept: bool,
}

/// How long the start waits for the last traces of an engine that has ended: its stop command, its entry in the process
/// table.
const TRACES: Duration = Duration::from_secs(10);

impl Controller {
    /// Starts the engine. An `Ok` only means that the start command ended well: see [`Controller::watch`].
    /// It cannot be cancelled: from the exchange on, the engine has to come up.
    ///
    /// Once a stop command was run, the start command is run whatever else seems to be an engine by now; only the very
    /// process that was there before the stop, and will not end any more, makes it needless. Nothing is started into an
    /// engine that is stopping.
    pub fn start(&self, progress: &mut dyn FnMut(EngineProgress)) -> Result<Started, EngineError> {
        let Some(service) = &self.service else {
            return Err(EngineError::NoService {
                doing: "start",
                manual: self.manual_commands(),
            });
        };
        let begin = Instant::now();
        let kept = if self.told_to_stop() {
            self.wait_for_the_end(service, progress)
        } else {
            self.runs_already()?
        };
        if let Some(kept) = kept {
            return Ok(kept);
        }
        if let Some(call) = service.clear_call() {
            // It fails where there is nothing to clear.
            let _ = command::ask(&call);
        }
        let limits = self.before_stop().as_ref().map(|before| before.limits.clone());
        let call = Call {
            limits: limits.unwrap_or_default(),
            ..service.start_call()
        };
        let failed = match self.run(&call, EngineStep::Starting, progress, &mut || true) {
            Ok(ran) if ran.ok() => None,
            Ok(ran) => Some(ran.words()),
            Err(error) => Some(error.to_string()),
        };
        if !self.start_past_a_namesake(service, progress)
            && let Some(why) = failed
        {
            self.failed_start(&call, why)?;
        }
        let unit = super::service::ask_systemd(&self.places)
            .ok()
            .flatten()
            .unwrap_or_default();
        // A start by hand counts restarts from 0 (systemd.service(5), NRestarts): what has happened since is a crash.
        Ok(Started {
            took: begin.elapsed(),
            invocation: Some(unit.invocation).filter(|id| !id.is_empty() && unit.restarts == 0),
            restarts: 0,
            kept: false,
        })
    }

    /// Where we stopped nothing, an engine that runs is left alone.
    fn runs_already(&self) -> Result<Option<Started>, EngineError> {
        let status = self.status();
        if let Some(other) = status.others.first() {
            return Err(EngineError::NotStarted {
                why: format!(
                    "{} uses this file already, and two engines must not; stop that one first",
                    other.words()
                ),
                journal: Vec::new(),
            });
        }
        let steady = |unit: &Unit| unit.active_state == "active" && !unit.job_pending;
        let runs = status.service_is_up() && status.unit.as_ref().is_none_or(steady);
        Ok(runs.then(|| Started::kept(status.unit.unwrap_or_default())))
    }

    /// After a stop command: waits until what was there before has ended. `Some`: it stays.
    fn wait_for_the_end(&self, service: &Service, progress: &mut dyn FnMut(EngineProgress)) -> Option<Started> {
        let begin = Instant::now();
        loop {
            let status = self.status();
            let proc = Proc::new(&self.places.proc_root);
            let (old, traces) = match self.before_stop().as_mut() {
                Some(before) => (
                    before.still_there(&status) > 0,
                    before.is_in_table(&proc) || before.command_runs(),
                ),
                None => (false, false),
            };
            if let Service::Systemd { .. } = service {
                // Systemd puts its own jobs in order: a start waits for the stop before it.
                let unit = status.unit.clone().unwrap_or_default();
                let stays = old && status.service_is_up() && unit.active_state == "active" && !unit.job_pending;
                return stays.then(|| Started::kept(unit));
            }
            let waited = begin.elapsed();
            if !old && (!traces || waited >= TRACES) {
                // What is left of the stop command must not reach the engine that is started now.
                if let Some(before) = self.before_stop().as_mut().filter(|_| traces) {
                    before.end_command();
                }
                return None;
            }
            if old && (self.had_no_effect(&status) || waited >= self.timing.patience) {
                return Some(Started::kept(status.unit.unwrap_or_default()));
            }
            progress(EngineProgress::new(
                EngineStep::Stopping,
                waited,
                self.timing.patience,
                status.why,
            ));
            std::thread::sleep(self.timing.poll);
        }
    }

    /// A start command that failed has failed, unless an engine of the service is there all the same: scripts call it
    /// an error that it runs already.
    fn failed_start(&self, call: &Call, why: String) -> Result<(), EngineError> {
        let status = self.status();
        let by_systemd = matches!(self.service, Some(Service::Systemd { .. }));
        if status.service_is_up() && !by_systemd {
            return Ok(());
        }
        Err(EngineError::NotStarted {
            why: format!("`{}`: {why}{}", call.words(), self.namesake_words(&status)),
            journal: self.journal_tail(20),
        })
    }

    /// What to do about a process with the engine's name where no engine came up.
    pub(super) fn namesake_words(&self, status: &Status) -> String {
        status.namesakes.first().map_or_else(String::new, |other| {
            let (words, start) = (other.words(), self.manual_commands().start);
            format!(
                "; {words} has the engine's name, and a script that looks for its engine by name starts nothing \
                 while that runs: \
                 `kill {}`, then `{start}`",
                other.pid
            )
        })
    }

    /// A script that goes by names takes any user's process of the engine's name for the engine, says that it runs
    /// already, and starts nothing. Then the engine that we stopped is started as its process was. Whether that was
    /// done.
    fn start_past_a_namesake(&self, service: &Service, progress: &mut dyn FnMut(EngineProgress)) -> bool {
        let own_way = self.before_stop().as_ref().and_then(|before| before.own_way.clone());
        let Some(call) = own_way.filter(|_| !matches!(service, Service::Systemd { .. })) else {
            return false;
        };
        let begin = Instant::now();
        loop {
            let status = self.status();
            let by_name = || service.script_by_name(&self.places, status.unit.as_ref()).is_some();
            if status.service_is_up() || status.namesakes.is_empty() || !by_name() {
                return false;
            }
            // It may be under way.
            if begin.elapsed() >= TRACES {
                break;
            }
            progress(EngineProgress::new(
                EngineStep::Starting,
                begin.elapsed(),
                self.timing.patience,
                status.why,
            ));
            std::thread::sleep(self.timing.poll);
        }
        let limits = self
            .before_stop()
            .as_ref()
            .map(|before| before.limits.clone())
            .unwrap_or_default();
        // One that does not go into the background by itself is left alone once it runs.
        let ran = self.run(&Call { limits, ..call }, EngineStep::Starting, progress, &mut || {
            !self.status().service_is_up()
        });
        matches!(ran, Ok(ran) if ran.ok()) || self.status().service_is_up()
    }
}

impl Started {
    /// The engine never ended.
    fn kept(unit: Unit) -> Started {
        Started {
            took: Duration::ZERO,
            invocation: Some(unit.invocation).filter(|id| !id.is_empty()),
            restarts: unit.restarts,
            kept: true,
        }
    }
}
