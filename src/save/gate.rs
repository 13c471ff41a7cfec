//! What the save needs from whoever drives the engine. This room never knows what an engine is.

/// What kind of obstacle the engine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateKind {
    /// It runs and may not be stopped.
    Runs,
    /// It cannot be seen whether it runs.
    NotSure,
    /// Stopping it failed.
    StopFailed,
    /// Starting it (again) failed.
    StartFailed,
    /// The user cancelled while it was being stopped.
    Cancelled,
}

/// The engine stands in the way: why, and what to type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {next}")]
pub struct GateError {
    /// What kind.
    pub kind: GateKind,
    /// What was tried and what happened, in words.
    pub what: String,
    /// What to do, with the exact command.
    pub next: String,
    /// What the engine itself said, line by line: its journal's last words.
    pub lines: Vec<String>,
}

impl GateError {
    /// What happened, and what the engine said, in one line.
    #[must_use]
    pub fn in_full(&self) -> String {
        match self.lines.as_slice() {
            [] => self.what.clone(),
            lines => format!("{}; its last lines: {}", self.what, lines.join(" / ")),
        }
    }
}

/// How the engine came up after the new file was in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Started {
    /// It was not ours to start.
    NotOurs,
    /// It runs well; what is worth telling.
    Well(Vec<String>),
    /// It did not come up well; why, and the last lines of its journal.
    Badly(Vec<String>),
}

/// Stands between the save and the engine. Called in this order:
///
/// [`will_stop`](Gate::will_stop) → [`before_write`](Gate::before_write) → [`prove_stopped`](Gate::prove_stopped) →
/// *exchange, commit* → [`after_commit`](Gate::after_commit); and, when that says [`Started::Badly`],
/// [`before_roll_back`](Gate::before_roll_back) → *old file back* → [`after_roll_back`](Gate::after_roll_back).
///
/// What is not told otherwise is as where there is no engine.
///
/// Whatever ends the save after `before_write` was called and before the commit calls [`abort`](Gate::abort), exactly
/// once.
pub trait Gate {
    /// Will [`before_write`](Gate::before_write) stop a running engine? Asked once, before anything is touched; "yes"
    /// is written to the state directory first, so that a crash cannot leave the engine down without the next start of
    /// the program knowing it.
    fn will_stop(&mut self) -> bool {
        false
    }
    /// Stops the engine if that is needed and allowed, and proves that it is stopped.
    /// # Errors
    /// It runs and may not be stopped, could not be stopped, or cannot be seen.
    fn before_write(&mut self) -> Result<(), GateError> {
        Ok(())
    }
    /// Was the engine told to stop by `before_write`? Where that cannot be said, yes: it may have written the file
    /// then.
    fn told_to_stop(&self) -> bool {
        true
    }
    /// Proves again, right before the exchange, that it is stopped and nobody has the file open for writing.
    /// # Errors
    /// It came back, or cannot be seen.
    fn prove_stopped(&mut self) -> Result<(), GateError> {
        Ok(())
    }
    /// The save ended before its commit: starts an engine again that `before_write` stopped. (The file is as it was;
    /// only where a file system knows no exchange and then fails to sync it can be the new one.)
    /// # Errors
    /// It does not come up with the old file either.
    fn abort(&mut self) -> Result<(), GateError> {
        Ok(())
    }
    /// Asked after `abort`: did the engine, which was told to stop, never end, and runs on?
    fn never_ended(&self) -> bool {
        false
    }
    /// The new file is in place for good: starts an engine that `before_write` stopped, and watches it.
    fn after_commit(&mut self) -> Started {
        Started::NotOurs
    }
    /// The engine came up badly: stops what is left of it, so that the old file can be put back.
    /// # Errors
    /// It cannot be stopped; the new file stays.
    fn before_roll_back(&mut self) -> Result<(), GateError> {
        Ok(())
    }
    /// The old file is back: starts the engine. Not tried twice, whatever it says.
    fn after_roll_back(&mut self) -> Started {
        Started::NotOurs
    }
}

/// The gate where there is no engine: always open.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenGate;

impl Gate for OpenGate {}

/// A step of the save, for the screen that watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Cleaning up after an earlier save that did not end.
    Recovering,
    /// All checks that need no writing.
    Checking,
    /// Waiting for the engine to stop.
    StoppingEngine,
    /// Reading the file again and carrying the edits over.
    Reading,
    /// Writing and proving the backup.
    BackingUp,
    /// Writing the new file beside the old one.
    Writing,
    /// Looking once more whether the engine is stopped.
    ProvingStopped,
    /// Putting the new file in place. From here on there is no cancelling.
    Exchanging,
    /// The new file is in place for good.
    Committed,
    /// Starting the engine and watching it.
    StartingEngine,
    /// Putting the old file back because the engine did not come up.
    RollingBack,
    /// Starting the engine again after a save that ended early.
    RestartingEngine,
}

/// Hears about the steps. Any `FnMut(Step)` is one.
pub trait Progress {
    /// A step begins.
    fn step(&mut self, step: Step);
}

impl<F: FnMut(Step)> Progress for F {
    fn step(&mut self, step: Step) {
        self(step);
    }
}
