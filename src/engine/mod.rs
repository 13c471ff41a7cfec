//! The mail engine: is it there, does it run; stop it, start it, watch it.
//!
//! This room answers with facts and stops or starts the *service*; it never reads or writes what is in
//! `mailserver.cfg`, and must never know what a save, a TLS version or a screen is. Everything that it cannot see it
//! calls unknown, and everybody treats unknown as running: a file that is written under a running engine is lost.
//!
//! - [`Places`]: the paths that belong to one configuration file. [`Controller::status`]: the answer, with its reason.
//! - [`Controller`]: what would be run ([`Controller::planned`]), the checks before ([`Controller::preflight`]), the
//!   stop with its proof, the start, and the watch that tells "started well" from "the start command ended well".
//! - [`arm`], [`rearm`], [`disarm`], [`armed`]: the dead-man's switch.
//! - [`build`]: which engine it is, so that what was measured of one is not believed of the next.
//! - [`read_program`]: which names the engine's own program holds, read as bytes and never run.
//! - [`listening_ports`], [`in_our_network`]: where the engine can be asked, for the proof after saving.
//!
//! A caller that wants the engine's children to be as systemd would start them must not set core limits or ignore
//! signals before it calls [`Controller::start`]: where an init script starts the engine, it inherits both (a strict
//! umask is undone here).

mod administration;
mod command;
mod controller;
mod error;
mod health;
mod identifiers;
mod letters;
mod limits;
mod places;
mod proc_fs;
mod proc_parse;
mod processes;
mod program;
mod service;
mod start;
mod status;
mod stop;
mod undo_timer;
mod watch_service;

pub use administration::{Field, administration};
pub use controller::{Controller, EngineProgress, EngineStep, Timing};
pub use error::{EngineError, ManualCommands};
pub use health::StartedWell;
pub use identifiers::{OtherName, Presence, Wanted};
pub use places::{Build, CONFIG_FILE, DEFAULT_DIR, EXECUTABLE, INIT_SCRIPT, Places, UNIT, build};
pub use processes::{Process, in_our_network, listening_ports};
pub use program::{Program, Stamp, program_stamp, read_program};
pub use service::{Commands, Service, Unit};
pub use start::Started;
pub use status::{State, Status};
pub use stop::Stopped;
pub use undo_timer::{Armed, Disarmed, arm, armed, disarm, rearm};
pub use watch_service::{
    WATCH_UNIT, WatchService, WatchServiceError, start_watch_service, stop_watch_service, watch_service,
};
