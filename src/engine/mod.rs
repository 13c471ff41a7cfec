//! The mail engine: is it there, does it run; stop it, start it, watch it.

mod command;
mod control;
mod detect;
mod error;
mod places;
mod proc_fs;
mod processes;
mod service;
mod text;
mod unit;

pub use control::Controller;
pub use detect::{State, Status, detect};
pub use error::{EngineError, ManualCommands};
pub use places::{CONFIG_FILE, DEFAULT_DIR, EXECUTABLE, INIT_SCRIPT, Places, UNIT};
pub use processes::Process;
pub use service::{Commands, Service};
pub use unit::Unit;
