//! The commands: every action of the screen for scripts and for people with screen readers. Owns the JSON shapes.

mod args;

use std::io::Write;

pub use args::{Arguments, Command};

/// Exit statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// Done, or nothing to do.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Wrong usage.
    Usage = 2,
    /// `check`: short of the minimum.
    Short = 3,
    /// Refused: peers would be cut off, the file changed in conflict, the engine runs.
    Refused = 4,
}

/// Runs a command.
pub fn run(arguments: &Arguments, out: &mut dyn Write, err: &mut dyn Write) -> Status {
    let _ = (arguments, out, err);
    Status::Failed
}
