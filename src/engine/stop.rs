//! The stop, and the proof that it was one.

use super::command::{Call, RunError};
use super::controller::{BeforeStop, Controller, EngineProgress, EngineStep};
use super::error::EngineError;
use super::limits::Limits;
use super::places::EXECUTABLE;
use super::proc_fs::{Exe, Proc};
use super::processes::Process;
use super::service::{Commands, Service};
use super::status::Status;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

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

/// How the stop command ended.
struct StopCommand {
    /// The failure of a command that ran; the engine may have stopped all the same.
    result: Result<(), EngineError>,
    /// What a command that ended well said on its error output: it may have done nothing.
    complaint: Option<String>,
}

impl Controller {
    /// Stops the engine and proves that it stopped and that the file is quiet. Does nothing if it is stopped already.
    ///
    /// `cancel` ends the waiting for systemd; an init script or a command of the administrator's is waited for, because
    /// it would go on behind our back. After [`EngineError::Cancelled`], as after every other error here, the engine
    /// may be stopped or be stopping if [`Controller::told_to_stop`]: then call [`Controller::start`].
    pub fn stop(&self, progress: &mut dyn FnMut(EngineProgress), cancel: &AtomicBool) -> Result<Stopped, EngineError> {
        let begin = Instant::now();
        let before = self.status();
        if before.is_out_of_the_way() {
            return Ok(Stopped {
                was_running: false,
                took: Duration::ZERO,
                ports: Vec::new(),
            });
        }
        self.free_of_writers(&before)?;
        let service = self.may_stop(&before)?;
        let ports = self.ports(&before);
        let command = self.run_stop(service, &before, &ports, progress)?;
        self.wait_until_stopped(service, begin, command, progress, cancel)?;
        self.wait_quiet(&self.places.resolved, progress, cancel)?;
        // What starts an engine again without systemd (a supervisor, a cron job) had the time to do it.
        self.prove_stopped()?;
        Ok(Stopped {
            was_running: true,
            took: begin.elapsed(),
            ports,
        })
    }

    /// Runs the stop command. `Err`: it could not be run at all.
    fn run_stop(
        &self,
        service: &Service,
        before: &Status,
        ports: &[SocketAddr],
        progress: &mut dyn FnMut(EngineProgress),
    ) -> Result<StopCommand, EngineError> {
        let proc = Proc::new(&self.places.proc_root);
        let engine = before.processes.first();
        let earlier = self.before_stop().take();
        let (limits, own_way) = match &earlier {
            // Those of the engine that was there before we had a hand in it.
            Some(earlier) => (earlier.limits.clone(), earlier.own_way.clone()),
            None => {
                let text = engine.and_then(|engine| proc.limits(engine.pid).ok());
                let limits = text.map(|text| Limits::parse(&text)).unwrap_or_default();
                (limits, engine.and_then(|engine| own_way(&proc, engine)))
            }
        };
        *self.before_stop() = Some(BeforeStop {
            engines: before.processes.clone(),
            ports: ports.to_vec(),
            limits,
            own_way,
            ..BeforeStop::default()
        });
        let call = service.stop_call();
        let failed = |why: String| EngineError::Command {
            doing: "stop the engine",
            command: call.words(),
            why,
        };
        // Some scripts wait until the process is gone from the table, which a first process that is no init never takes
        // it from.
        let mut ended: Option<Instant> = None;
        let ran = self.run(&call, EngineStep::Stopping, progress, &mut || {
            if !self.status().is_out_of_the_way() {
                ended = None;
                return true;
            }
            ended.get_or_insert_with(Instant::now).elapsed() < self.timing.no_effect
        });
        let mut memory = self.before_stop();
        if let Some(memory) = memory.as_mut() {
            memory.ended = Some(Instant::now());
        }
        let failed_with = |why| StopCommand {
            result: Err(failed(why)),
            complaint: None,
        };
        match ran {
            Ok(ran) if ran.ok() => {
                let complaint = ran.complaint();
                if let Some(memory) = memory.as_mut() {
                    memory.silent = complaint.is_none();
                }
                Ok(StopCommand {
                    result: Ok(()),
                    complaint,
                })
            }
            Ok(ran) => Ok(failed_with(ran.words())),
            Err(error @ RunError::TimedOut(..)) => {
                let why = error.to_string();
                if let (Some(memory), RunError::TimedOut(_, _, child)) = (memory.as_mut(), error) {
                    memory.command = child;
                }
                Ok(failed_with(why))
            }
            // It never ran.
            Err(error) => {
                *memory = earlier;
                Err(failed(error.to_string()))
            }
        }
    }

    fn wait_until_stopped(
        &self,
        service: &Service,
        begin: Instant,
        command: StopCommand,
        progress: &mut dyn FnMut(EngineProgress),
        cancel: &AtomicBool,
    ) -> Result<(), EngineError> {
        // A stop command that failed will not succeed later; give what is under way a moment.
        let limit = if command.result.is_ok() {
            self.timing.patience
        } else {
            begin.elapsed() + self.timing.patience.min(Duration::from_secs(10))
        };
        let mut another_since: Option<Instant> = None;
        loop {
            let status = self.status();
            if status.is_out_of_the_way() {
                return Ok(());
            }
            if cancel.load(Ordering::Relaxed) {
                return Err(EngineError::Cancelled);
            }
            let not_stopped = |why: String| EngineError::NotStopped {
                why,
                waited_s: begin.elapsed().as_secs(),
                look: self.look_command(service),
            };
            if begin.elapsed() >= limit {
                command.result?;
                self.free_of_writers(&status)?;
                return Err(not_stopped(status.why));
            }
            if command.result.is_ok() && self.had_no_effect(&status) {
                let said = command.complaint.map_or_else(
                    || "it said nothing".to_owned(),
                    |complaint| format!("it said: {complaint}"),
                );
                let name = status.namesakes.first().map_or_else(String::new, |other| {
                    format!(" ({} has the engine's name, too)", other.words())
                });
                return Err(not_stopped(format!(
                    "`{}` ended well, but {}, with the same ports as before; {said}{name}",
                    service.stop_call().words(),
                    status.why
                )));
            }
            // Somebody else starts it again as soon as it ends; the file is never free.
            if self.is_another(&status) {
                let since = *another_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= self.timing.no_effect {
                    return Err(not_stopped(format!(
                        "{}: something started it again when it had stopped",
                        status.why
                    )));
                }
            } else {
                another_since = None;
            }
            let step = if status.processes.is_empty() {
                EngineStep::Proving
            } else {
                EngineStep::Stopping
            };
            progress(EngineProgress::new(step, begin.elapsed(), limit, status.why));
            std::thread::sleep(self.timing.poll);
        }
    }

    /// Whether the stop command, which has ended, has left the engine as it was: the same processes on the same ports,
    /// for so long that nothing more is to be expected of it. Systemd says itself what its job is at.
    pub(super) fn had_no_effect(&self, status: &Status) -> bool {
        if matches!(self.service, Some(Service::Systemd { .. })) {
            return false;
        }
        let ports = self.ports(status);
        let mut memory = self.before_stop();
        let Some(before) = memory.as_mut() else { return false };
        let all_there = before.still_there(status) == before.engines.len() && !before.engines.is_empty();
        let enough = self.timing.no_effect * if before.silent { 3 } else { 1 };
        let long_ago = before.ended.is_some_and(|ended| ended.elapsed() >= enough);
        all_there && long_ago && ports == before.ports && !before.command_runs()
    }

    /// Whether the engine runs, but none of its processes is one that we stopped.
    fn is_another(&self, status: &Status) -> bool {
        let memory = self.before_stop();
        let gone = memory.as_ref().is_some_and(|before| before.still_there(status) == 0);
        gone && status.service_is_up()
    }

    /// `Err` if no engine but another process holds the file.
    pub(super) fn free_of_writers(&self, status: &Status) -> Result<(), EngineError> {
        let engine = !status.processes.is_empty() || !status.others.is_empty();
        match status.writers.first().filter(|_| !engine) {
            Some(writer) => Err(EngineError::Busy {
                pid: writer.pid,
                what: writer.what.clone(),
            }),
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
        let look = self
            .service
            .as_ref()
            .map_or_else(|| "ps -e".to_owned(), |service| self.look_command(service));
        Err(EngineError::NotStopped {
            why: status.why,
            waited_s: 0,
            look,
        })
    }

    fn look_command(&self, service: &Service) -> String {
        match service {
            Service::Systemd { unit } => format!("systemctl status {unit}"),
            Service::InitScript { path } => Call::of([path.as_os_str(), "status".as_ref()]).words(),
            Service::Commands(Commands {
                status: Some(status), ..
            }) => Call::of(status).words(),
            Service::Commands(_) => "ps -e".to_owned(),
        }
    }

    /// Waits until the file has not changed between two looks.
    pub fn wait_quiet(
        &self,
        path: &Path,
        progress: &mut dyn FnMut(EngineProgress),
        cancel: &AtomicBool,
    ) -> Result<(), EngineError> {
        let limit = self.timing.patience.min(Duration::from_secs(60));
        let quiet = wait_until_quiet(path, self.timing.quiet, limit, &mut |passed| {
            progress(EngineProgress::new(
                EngineStep::Quiet,
                passed,
                limit,
                "the file still changes".to_owned(),
            ));
            !cancel.load(Ordering::Relaxed)
        });
        match (quiet, cancel.load(Ordering::Relaxed)) {
            (true, _) => Ok(()),
            (false, true) => Err(EngineError::Cancelled),
            (false, false) => Err(EngineError::NotQuiet {
                path: super::error::shown_path(path),
                waited_s: limit.as_secs(),
            }),
        }
    }
}

/// The command with which an engine of root's would be started by itself: what it runs, with its words and its
/// environment.
fn own_way(proc: &Proc<'_>, engine: &Process) -> Option<Call> {
    let task = proc.task(engine.pid).filter(|_| engine.here)?;
    let (argv, Exe::Path { path, deleted: false }) = (task.command_line(), task.exe()) else {
        return None;
    };
    let program = Path::new(argv.first()?).file_name()?;
    if program != EXECUTABLE || task.uids()? != [0; 4] || !rustix::process::geteuid().is_root() {
        return None;
    }
    let words = std::iter::once(path.into_os_string()).chain(argv.into_iter().skip(1));
    Some(Call {
        environment: task.environment(),
        ..Call::of_daemon(words)
    })
}

/// Everything of a file that changes when it is written or replaced; `None` while there is no such file.
type Look = Option<(u64, u64, u64, i64, i64, i64, i64)>;

fn look(path: &Path) -> Look {
    let found = fs::metadata(path).ok()?;
    Some((
        found.dev(),
        found.ino(),
        found.size(),
        found.mtime(),
        found.mtime_nsec(),
        found.ctime(),
        found.ctime_nsec(),
    ))
}

/// Waits until two looks `pause` apart are equal. `false` if the file still changes after `patience`.
fn wait_until_quiet(path: &Path, pause: Duration, patience: Duration, go_on: &mut dyn FnMut(Duration) -> bool) -> bool {
    let start = Instant::now();
    let mut before = look(path);
    loop {
        std::thread::sleep(pause);
        let now = look(path);
        if now == before {
            return true;
        }
        before = now;
        if start.elapsed() >= patience || !go_on(start.elapsed()) {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_nobody_writes_is_quiet_and_one_that_grows_at_each_look_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mailserver.cfg");
        fs::write(&path, "x").unwrap();
        assert!(wait_until_quiet(
            &path,
            Duration::from_millis(5),
            Duration::from_secs(5),
            &mut |_| true
        ));
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                use std::io::Write;
                let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    file.write_all(b"y").unwrap();
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
            let quiet = wait_until_quiet(
                &path,
                Duration::from_millis(200),
                Duration::from_millis(300),
                &mut |_| true,
            );
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(!quiet);
        });
    }
}
