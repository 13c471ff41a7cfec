//! The start command. Whether the engine then stays up is for `watch` to say.

use super::command;
use super::control::Controller;
use super::detect::State;
use super::error::EngineError;
use super::progress::{Progress, Started, Step};
use std::time::{Duration, Instant};

impl Controller {
    /// Starts the engine. An `Ok` only means that the start command ended well: see [`Controller::watch`].
    /// It cannot be cancelled: from the exchange on, the engine has to come up.
    pub fn start(&self, progress: &mut dyn FnMut(Progress)) -> Result<Started, EngineError> {
        let Some(service) = &self.service else {
            return Err(EngineError::NoService {
                doing: "start",
                manual: self.manual_commands(),
            });
        };
        let begin = Instant::now();
        let before = self.status();
        // A mere writer of the file makes the state "running" too; it is no engine.
        let is_there = !before.processes.is_empty() || before.writers.is_empty();
        if before.state == State::Running
            && is_there
            && before
                .unit
                .as_ref()
                .is_none_or(|unit| unit.active_state == "active" && !unit.job_pending)
        {
            let unit = before.unit.unwrap_or_default();
            return Ok(Started {
                took: Duration::ZERO,
                invocation: Some(unit.invocation).filter(|id| !id.is_empty()),
                restarts: unit.restarts,
            });
        }
        if let Some(call) = service.clear_call() {
            // It fails where there is nothing to clear.
            let _ = command::ask(&call);
        }
        let call = service.start_call();
        let failed = |why: String| EngineError::NotStarted {
            why: format!("`{}`: {why}", call.words()),
            journal: self.journal_tail(20),
        };
        match self.run(&call, Step::Starting, progress) {
            Ok(ran) if ran.ok() => {}
            Ok(ran) => return Err(failed(ran.words())),
            Err(error) => return Err(failed(error.to_string())),
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
        })
    }
}
