//! The mail engine: is it there, does it run; stop it, start it, watch it.
//!
//! This room answers with facts and does what it is told to the *service*; it never reads or writes what is in
//! `mailserver.cfg`, and must never know what a save, a TLS version or a screen is. Everything that it cannot see it calls
//! unknown, and everybody treats unknown as running: a file that is written under a running engine is lost.
//!
//! - [`Places`]: the paths that belong to one configuration file. [`detect()`] and [`Controller::status`]: the answer, with its reason.
//! - [`Controller`]: what would be run ([`Controller::planned`]), the checks before ([`Controller::preflight`]), the stop with its proof,
//!   the start, and the watch that tells "started well" from "the start command ended well".
//! - [`arm`], [`rearm`], [`disarm`], [`armed`]: the dead-man's switch.
//! - [`build`]: which engine it is, so that what was measured of one is not believed of the next.
//! - [`listening_ports`], [`in_our_network`]: where the engine can be asked, for the proof after saving.
//!
//! A caller that wants the engine's children to be as systemd would start them must not set core limits or ignore signals before it
//! calls [`Controller::start`]: where an init script starts the engine, it inherits both (a strict umask is undone here).

mod command;
mod control;
mod detect;
mod error;
mod fuse;
mod places;
mod ports;
mod preflight;
mod proc_fs;
mod proc_parse;
mod processes;
mod progress;
mod quiet;
mod service;
mod start;
mod stop;
mod text;
mod unit;
mod version;
mod watch;

pub use control::Controller;
pub use detect::{State, Status, detect};
pub use error::{EngineError, ManualCommands};
pub use fuse::{Armed, Disarmed, arm, armed, disarm, rearm};
pub use places::{CONFIG_FILE, DEFAULT_DIR, EXECUTABLE, INIT_SCRIPT, Places, UNIT};
pub use ports::{in_our_network, listening_ports};
pub use processes::Process;
pub use progress::{Progress, Started, Step, Stopped, Timing};
pub use service::{Commands, Service};
pub use unit::Unit;
pub use version::{Build, build};
pub use watch::StartedWell;
