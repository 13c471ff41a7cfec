//! The start command, and the watch after it. A start command that ends well proves little: systemd reports success while a
//! unit crash-loops, and a unit made from an init script stays "active" when its daemon is long dead.

use super::command::{self, Call};
use super::controller::{Controller, EngineProgress, EngineStep};
use super::error::EngineError;
use super::proc_fs::Proc;
use super::processes;
use super::service::Service;
use super::status::Status;
use super::systemd::Unit;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The start command ended well. Whether the engine stays up is for [`Controller::watch`](super::Controller::watch) to say.
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

/// How long the start waits for the last traces of an engine that has ended: its stop command, its entry in the process table.
const TRACES: Duration = Duration::from_secs(10);

impl Controller {
    /// Starts the engine. An `Ok` only means that the start command ended well: see [`Controller::watch`].
    /// It cannot be cancelled: from the exchange on, the engine has to come up.
    ///
    /// Once a stop command was run, the start command is run whatever else seems to be an engine by now; only the very process that
    /// was there before the stop, and will not end any more, makes it needless. Nothing is started into an engine that is stopping.
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
        let unit = super::systemd::ask_systemd(&self.places)
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
            progress(EngineProgress {
                step: EngineStep::Stopping,
                passed: waited,
                limit: self.timing.patience,
                detail: status.why,
            });
            std::thread::sleep(self.timing.poll);
        }
    }

    /// A start command that failed has failed, unless an engine of the service is there all the same: scripts call it an error
    /// that it runs already.
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
    fn namesake_words(&self, status: &Status) -> String {
        status.namesakes.first().map_or_else(String::new, |other| {
            let (words, start) = (other.words(), self.manual_commands().start);
            format!(
                "; {words} has the engine's name, and a script that looks for its engine by name starts nothing while that runs: \
                 `kill {}`, then `{start}`",
                other.pid
            )
        })
    }

    /// A script that goes by names takes any user's process of the engine's name for the engine, says that it runs already, and
    /// starts nothing. Then the engine that we stopped is started as its process was. Whether that was done.
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
            progress(EngineProgress {
                step: EngineStep::Starting,
                passed: begin.elapsed(),
                limit: self.timing.patience,
                detail: status.why,
            });
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

/// The engine came up and stayed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartedWell {
    /// From the start of the watch until the engine was active.
    pub active_after: Duration,
    /// The ports on which it listens.
    pub ports: Vec<SocketAddr>,
    /// Ports that it listened on before the stop and does not any more.
    pub missing_ports: Vec<SocketAddr>,
    /// What the caller's closure said about the values in the file.
    pub values: Result<(), String>,
    /// What could not be checked, in words.
    pub notes: Vec<String>,
    /// Nothing was started: it is the engine that was told to stop, and it never ended.
    pub never_ended: bool,
}

/// The ports that the engine listens on, and what could not be checked.
type PortsAndNotes = (Vec<SocketAddr>, Vec<String>);

impl Controller {
    /// Watches a started engine: it becomes active, the same process lives for [`Timing::watch`](super::Timing::watch)
    /// after that, systemd did not start it again (same InvocationID, NRestarts unchanged), and a port accepts.
    ///
    /// `ports_before` are those it had before it was stopped. `values` is asked once, at the end, whether our values are
    /// still in the file; its answer is handed back and does not make the start a bad one.
    ///
    /// Errors: [`EngineError::NotWell`], as soon as it is certain. Takes at least the watch, by default 30 s.
    pub fn watch(
        &self,
        started: &Started,
        ports_before: &[SocketAddr],
        progress: &mut dyn FnMut(EngineProgress),
        values: &mut dyn FnMut() -> Result<(), String>,
    ) -> Result<StartedWell, EngineError> {
        match self.watch_once(started, ports_before, progress, values) {
            // It was told to stop, seemed not to care, and has ended now: then it has to be started after all.
            Err(EngineError::NotWell { .. })
                if started.kept && self.told_to_stop() && !self.status().service_is_up() =>
            {
                let started = self.start(progress)?;
                self.watch_once(&started, ports_before, progress, values)
            }
            watched => watched,
        }
    }

    fn watch_once(
        &self,
        started: &Started,
        ports_before: &[SocketAddr],
        progress: &mut dyn FnMut(EngineProgress),
        values: &mut dyn FnMut() -> Result<(), String>,
    ) -> Result<StartedWell, EngineError> {
        let watch = if started.kept && self.told_to_stop() {
            self.timing.after_all
        } else {
            self.timing.watch
        };
        let begin = Instant::now();
        let mut invocation = started.invocation.clone();
        let active = self.wait_until_active(started, begin, &mut invocation, progress)?;
        let active_after = begin.elapsed();
        let mut alive = active.processes;
        let mut followed = false;
        let up = Instant::now();
        loop {
            // What fails here fails for good: there is no hurry to see it.
            std::thread::sleep(self.timing.poll * 4);
            let status = self.status();
            self.check_unit(started, &mut invocation, &status)?;
            let now = &status.processes;
            if !alive.iter().any(|one| now.iter().any(|now| now.is(one))) {
                // A daemon's first process may hand over to a second one, once, just after the start.
                if followed || now.is_empty() || up.elapsed() > Duration::from_secs(5) {
                    return Err(self.not_well(format!(
                        "its process ended {} s after it was up",
                        up.elapsed().as_secs()
                    )));
                }
                followed = true;
                alive.clone_from(now);
            }
            // Once it was up for long enough, it is its ports that are waited for.
            let more = if up.elapsed() < watch {
                Duration::ZERO
            } else {
                self.timing.appear
            };
            progress(EngineProgress {
                step: EngineStep::Watching,
                passed: up.elapsed(),
                limit: watch + more,
                detail: status.why.clone(),
            });
            if up.elapsed() >= watch
                && let Some((ports, notes)) = self.check_ports(&status, up, watch)?
            {
                let missing_ports = ports_before
                    .iter()
                    .filter(|port| !ports.contains(port))
                    .copied()
                    .collect();
                return Ok(StartedWell {
                    active_after,
                    ports,
                    missing_ports,
                    values: values(),
                    notes,
                    never_ended: started.kept && self.told_to_stop(),
                });
            }
        }
    }

    /// Waits until the unit is active and a process is the engine.
    fn wait_until_active(
        &self,
        started: &Started,
        begin: Instant,
        invocation: &mut Option<String>,
        progress: &mut dyn FnMut(EngineProgress),
    ) -> Result<Status, EngineError> {
        let mut absent_since = Instant::now();
        loop {
            let status = self.status();
            self.check_unit(started, invocation, &status)?;
            let starting = status
                .unit
                .as_ref()
                .is_some_and(|unit| unit.active_state == "activating");
            if !status.processes.is_empty() && !starting {
                return Ok(status);
            }
            if !status.processes.is_empty() || starting {
                absent_since = Instant::now();
            }
            if started.kept || absent_since.elapsed() >= self.timing.appear {
                return Err(self.not_well(format!(
                    "no engine process {} s after the start: {}{}",
                    absent_since.elapsed().as_secs(),
                    status.why,
                    self.namesake_words(&status)
                )));
            }
            if begin.elapsed() >= self.timing.patience {
                return Err(self.not_well(format!(
                    "it is still not active after {} s: {}",
                    begin.elapsed().as_secs(),
                    status.why
                )));
            }
            progress(EngineProgress {
                step: EngineStep::Starting,
                passed: begin.elapsed(),
                limit: self.timing.patience,
                detail: status.why,
            });
            std::thread::sleep(self.timing.poll);
        }
    }

    /// What systemd says must stay what it was.
    fn check_unit(
        &self,
        started: &Started,
        invocation: &mut Option<String>,
        status: &Status,
    ) -> Result<(), EngineError> {
        let Some(unit) = &status.unit else { return Ok(()) };
        if unit.restarts != started.restarts {
            return Err(self.not_well(format!(
                "it crashed and systemd started it again ({} times)",
                unit.restarts
            )));
        }
        // Commands of the administrator's may start it outside of the unit; then the unit says nothing about it.
        let ours = matches!(self.service, Some(Service::Systemd { .. }));
        if ours && matches!(unit.active_state.as_str(), "inactive" | "failed" | "deactivating") {
            return Err(self.not_well(format!(
                "systemd calls {} {}, its last run ended with \"{}\"",
                unit.id,
                unit.words(),
                unit.result
            )));
        }
        match invocation {
            Some(first) if ours && *first != unit.invocation => {
                Err(self.not_well("systemd started it again".to_owned()))
            }
            Some(_) => Ok(()),
            None => {
                *invocation = Some(unit.invocation.clone()).filter(|id| !id.is_empty());
                Ok(())
            }
        }
    }

    /// `Ok(None)`: no port yet, go on waiting; a start may take a while to listen.
    fn check_ports(&self, status: &Status, up: Instant, watch: Duration) -> Result<Option<PortsAndNotes>, EngineError> {
        let reachable = status
            .processes
            .iter()
            .any(|process| processes::in_our_network(&self.places.proc_root, process.pid));
        if !reachable {
            return Ok(Some((Vec::new(), vec!["its ports were not tried: it lives in another network (a container), or that cannot be seen without rights".to_owned()])));
        }
        let mut listening = self.ports(status);
        // One connection is enough and leaves one line in one log; the administration's port first, it greets nobody.
        listening.sort_by_key(|address| address.port() != 4040);
        if listening.iter().any(|address| accepts(*address)) {
            listening.sort();
            return Ok(Some((listening, Vec::new())));
        }
        if up.elapsed() >= watch + self.timing.appear {
            let why = if listening.is_empty() {
                "it listens on no port"
            } else {
                "none of its ports accepts a connection"
            };
            return Err(self.not_well(format!("{why} {} s after it was up", up.elapsed().as_secs())));
        }
        Ok(None)
    }

    fn not_well(&self, why: String) -> EngineError {
        EngineError::NotWell {
            why,
            journal: self.journal_tail(20),
        }
    }
}

/// Connects once and hangs up. A port that listens on every address is tried on loopback.
fn accepts(address: SocketAddr) -> bool {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        other => other,
    };
    TcpStream::connect_timeout(&SocketAddr::new(ip, address.port()), Duration::from_secs(2)).is_ok()
}
