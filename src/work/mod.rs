//! Effects and events: what the screen asks to be done, and what came of it.

mod backups;
mod demo;
mod effect;
mod evidence;
mod facts;
mod gate;
mod hold;
mod home;
mod host;
mod naming;
mod own;
mod preferences;
mod saving;
mod undo;
mod workers;

pub use effect::{Effect, EngineNow, EngineWish, Event, SaveJob, SaveProblem, SaveReport};
pub use evidence::Gathered;
pub use hold::{Hold, HoldGuard};
pub use home::{Home, HomeOptions, NoHome};
pub use host::{Host, HostError, HostOptions};
pub use preferences::{Preferences, PreferencesError};
pub use naming::NamingError;
pub use saving::SaveNews;
pub use workers::{Sink, Workers};
