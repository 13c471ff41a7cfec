//! The proof that saving loses nothing; as root on plain Linux.
//!
//! `cargo test --test save_proof -- --nocapture` prints the figures; `cargo test --test save_proof kill::` runs one
//! part.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "helpers of tests: clippy.toml exempts test functions only"
)]

mod competing;
mod engine;
mod kill;
mod memory;
mod panics;
mod plain;
mod power;
mod real;
mod secrets;
mod strangers;
mod support;

/// Not a test of its own: what `support::driver` runs in a process of its own, below strace. Does nothing without its
/// variables.
#[test]
fn driver() {
    support::drive();
}
