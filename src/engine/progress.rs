//! How long work with the engine may take, and what is reported while it takes that long.

use std::net::SocketAddr;
use std::time::Duration;

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

/// The start command ended well. Whether the engine stays up is for [`Controller::watch`](super::Controller::watch) to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// How long the start command took.
    pub took: Duration,
    /// The run of the unit that this start began, where systemd has one.
    pub(super) invocation: Option<String>,
    pub(super) restarts: u64,
}
