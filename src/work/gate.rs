//! The engine as the save sees it: something that must be out of the way before the file is written.

use crate::engine::{Controller, State};
use crate::save::{Gate, GateError, GateKind, Started};

/// Lets a save through only while no engine is in the way; never stops one.
#[derive(Debug)]
pub struct RefusingGate {
    controller: Option<Controller>,
}

impl RefusingGate {
    /// For this engine; `None`: there is none to look at (the demo).
    #[must_use]
    pub fn new(controller: Option<Controller>) -> Self {
        Self { controller }
    }

    fn look(&self) -> Result<(), GateError> {
        let Some(controller) = &self.controller else {
            return Ok(());
        };
        let status = controller.status();
        let (kind, what) = match &status.state {
            State::None | State::Stopped => return Ok(()),
            State::Running => (GateKind::Runs, format!("the engine runs ({})", status.why)),
            State::Unknown(why) => (
                GateKind::NotSure,
                format!("it cannot be seen whether the engine runs ({why})"),
            ),
        };
        let manual = controller.manual_commands();
        let next = format!(
            "it writes this file when it stops and would throw the change away; stop it first: {}; save; start it again: {}",
            manual.stop, manual.start
        );
        Err(GateError { kind, what, next })
    }
}

impl Gate for RefusingGate {
    fn will_stop(&mut self) -> bool {
        false
    }
    fn before_write(&mut self) -> Result<(), GateError> {
        self.look()
    }
    fn prove_stopped(&mut self) -> Result<(), GateError> {
        self.look()
    }
    fn abort(&mut self) -> Result<(), GateError> {
        Ok(())
    }
    fn after_commit(&mut self) -> Started {
        Started::NotOurs
    }
    fn before_roll_back(&mut self) -> Result<(), GateError> {
        Ok(())
    }
    fn after_roll_back(&mut self) -> Started {
        Started::NotOurs
    }
}
