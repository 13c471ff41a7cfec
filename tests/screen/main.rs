//! The screen in process: keys in, cells out; what workers would say is scripted. Text, style and cursor are looked at.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests: clippy.toml exempts test functions only"
)]

#[path = "../common/notation.rs"]
mod notation;

mod bytes;
mod editors;
mod everywhere;
mod names;
mod rules;
mod saving;
mod snapshots;
mod support;
mod the_loop;
