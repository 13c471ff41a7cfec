//! The watch after a start. A start command that ends well proves little: systemd reports success while a unit
//! crash-loops, and a unit made from an init script stays "active" when its daemon is long dead.

use super::controller::{Controller, EngineProgress, EngineStep};
use super::error::EngineError;
use super::processes;
use super::service::Service;
use super::start::Started;
use super::status::Status;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

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
    /// `ports_before` are those it had before it was stopped. `values` is asked once, at the end, whether our values
    /// are still in the file; its answer is handed back and does not make the start a bad one.
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
            progress(EngineProgress::new(
                EngineStep::Watching,
                up.elapsed(),
                watch + more,
                status.why.clone(),
            ));
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
            progress(EngineProgress::new(
                EngineStep::Starting,
                begin.elapsed(),
                self.timing.patience,
                status.why,
            ));
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
            return Ok(Some((
                Vec::new(),
                vec![
                    "its ports were not tried: it lives in another network (a container), \
                or that cannot be seen without rights"
                        .to_owned(),
                ],
            )));
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
