//! The tests that need no more than this process and the program: one binary, so that there is one to link. A part is
//! run by its name: `cargo test --test it cli::`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "helpers of tests: clippy.toml exempts test functions only"
)]

#[path = "../common/other_parser.rs"]
mod other_parser;
#[path = "../common/place.rs"]
mod place;
#[path = "../common/ran.rs"]
mod ran;
#[path = "../common/sample_cfg.rs"]
mod sample_cfg;
#[path = "../common/sample_log.rs"]
mod sample_log;
#[path = "../common/servers.rs"]
mod servers;
#[path = "../common/stacks.rs"]
mod stacks;
#[path = "../common/tls_servers.rs"]
mod tls_servers;
#[path = "../common/verdicts.rs"]
mod verdicts;

mod cli;
mod commands;
mod document;
mod engine_control;
mod engine_detect;
mod evidence;
mod log_files;
mod names;
mod peers_logs;
mod probe_fake;
mod probe_stacks;
mod probe_truth;
mod readme;
mod watch;
