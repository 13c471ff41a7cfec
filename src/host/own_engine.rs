//! The engine that uses the file: what it does now, and the hand on it.

use std::path::PathBuf;
use std::time::Duration;

use crate::engine::{self, Commands, Controller, State};

/// What the header says of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineNow {
    /// `running`, `stopped`, `none`, `unknown`.
    pub word: &'static str,
    /// When that was seen.
    pub at: jiff::Timestamp,
}

/// The engine beside one file.
#[derive(Debug, Clone)]
pub struct OwnEngine {
    /// `None` in the demo, whose file no engine uses.
    pub(super) file: Option<PathBuf>,
    pub(super) commands: Option<Commands>,
    pub(super) watch: Option<Duration>,
    /// No engine outside of this container uses the file: the administrator's word.
    pub(super) only_here: bool,
}

impl OwnEngine {
    /// The hand on it; `None`: no engine uses this file.
    pub(crate) fn controller(&self) -> Option<Controller> {
        let places = engine::Places::new(self.file.as_ref()?);
        let controller = match &self.commands {
            Some(commands) => Controller::with_commands(places, commands.clone()),
            None => Controller::find(places),
        }
        .with_only_here(self.only_here);
        let usual = engine::Timing::default();
        Some(controller.with_timing(engine::Timing {
            watch: self.watch.unwrap_or(usual.watch),
            ..usual
        }))
    }

    /// What to type to start it.
    pub(crate) fn start_command(&self) -> String {
        self.controller()
            .map_or_else(String::new, |controller| controller.manual_commands().start)
    }

    /// What it does.
    #[must_use]
    pub fn now(&self) -> EngineNow {
        let state = self.controller().map(|controller| controller.status().state);
        let word = match state {
            None | Some(State::None) => "none",
            Some(State::Stopped) => "stopped",
            Some(State::Running) => "running",
            Some(State::Unknown(_)) => "unknown",
        };
        EngineNow {
            word,
            at: jiff::Timestamp::now(),
        }
    }
}
