//! Under a real systemd, in containers (see `common/nspawn.rs`), with the stand-in engine that lies beside this file.
//! As root; packages systemd-container and debootstrap.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests: clippy.toml exempts test functions only"
)]

#[path = "../common/notation.rs"]
#[allow(dead_code, reason = "of the terminal's helpers")]
mod notation;
#[path = "../common/nspawn.rs"]
mod nspawn;
#[allow(dead_code, reason = "the other part is used by tests/terminal")]
#[path = "../common/pty.rs"]
mod pty;

mod engine;
mod procedure;
mod watch;
