//! The stop, and the proof that it was one.

use super::command::{Call, RunError};
use super::controller::{Controller, EngineProgress, EngineStep};
use super::error::EngineError;
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

impl Controller {
    /// Stops the engine and proves that it stopped and that the file is quiet. Does nothing if it is stopped already.
    ///
    /// `cancel` ends the waiting for systemd; an init script or a command of the administrator's is waited for, because it would
    /// go on behind our back. After [`EngineError::Cancelled`], as after every other error here, the engine may be stopped or be
    /// stopping: call [`Controller::start`].
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
        let Some(service) = &self.service else {
            return Err(EngineError::NoService {
                doing: "stop",
                manual: self.manual_commands(),
            });
        };
        let ports = self.ports(&before);
        let ended_well = self.run_stop(service, progress)?;
        self.wait_until_stopped(service, begin, ended_well, progress, cancel)?;
        self.wait_quiet(&self.places.resolved, progress, cancel)?;
        // What starts an engine again without systemd (a supervisor, a cron job) had the time to do it.
        self.prove_stopped()?;
        Ok(Stopped {
            was_running: true,
            took: begin.elapsed(),
            ports,
        })
    }

    /// Runs the stop command. The failure of a command that ran is handed on inside `Ok`: the engine may have stopped all the same.
    fn run_stop(
        &self,
        service: &Service,
        progress: &mut dyn FnMut(EngineProgress),
    ) -> Result<Result<(), EngineError>, EngineError> {
        let call = service.stop_call();
        let failed = |why: String| EngineError::Command {
            doing: "stop the engine",
            command: call.words(),
            why,
        };
        match self.run(&call, EngineStep::Stopping, progress) {
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
        progress: &mut dyn FnMut(EngineProgress),
        cancel: &AtomicBool,
    ) -> Result<(), EngineError> {
        // A stop command that failed will not succeed later; give what is under way a moment.
        let limit = if ended_well.is_ok() {
            self.timing.patience
        } else {
            begin.elapsed() + self.timing.patience.min(Duration::from_secs(10))
        };
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
                return Err(EngineError::NotStopped {
                    why: status.why,
                    waited_s: begin.elapsed().as_secs(),
                    look: self.look_command(service),
                });
            }
            let step = if status.processes.is_empty() {
                EngineStep::Proving
            } else {
                EngineStep::Stopping
            };
            progress(EngineProgress {
                step,
                passed: begin.elapsed(),
                limit,
                detail: status.why,
            });
            std::thread::sleep(self.timing.poll);
        }
    }

    /// `Err` if no engine but another process holds the file.
    pub(super) fn free_of_writers(&self, status: &Status) -> Result<(), EngineError> {
        match status.writers.first().filter(|_| status.processes.is_empty()) {
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
            Service::InitScript { path } => format!("{} status", path.display()),
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
            progress(EngineProgress {
                step: EngineStep::Quiet,
                passed,
                limit,
                detail: "the file still changes".to_owned(),
            });
            !cancel.load(Ordering::Relaxed)
        });
        match (quiet, cancel.load(Ordering::Relaxed)) {
            (true, _) => Ok(()),
            (false, true) => Err(EngineError::Cancelled),
            (false, false) => Err(EngineError::NotQuiet {
                path: super::text::shown(path.as_os_str().as_encoded_bytes()),
                waited_s: limit.as_secs(),
            }),
        }
    }
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
