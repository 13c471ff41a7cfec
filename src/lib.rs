//! kerio-tls: the TLS Options screen of Kerio Connect, for the terminal.

pub mod cli;
pub mod engine;
pub mod mailserver_cfg;
pub mod peers;
pub mod probe;
pub mod save;
pub mod session;
pub mod tls;
pub mod tui;
pub mod work;
