//! The real binary in a real pseudo-terminal: the job from start to saved file, and the terminal given back whatever
//! happens.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests: clippy.toml exempts test functions only"
)]

#[path = "../common/notation.rs"]
mod notation;
#[path = "../common/other_parser.rs"]
mod other_parser;
#[path = "../common/pty.rs"]
mod pty;
#[path = "../common/sshd.rs"]
mod sshd;

mod given_back;
mod hung_up;
mod job;
mod kept;
mod looks;
mod over_ssh;
mod panics;
mod support;
mod without;
