//! Effects and events: what the screen asks to be done, and what came of it.

mod backups;
mod demo;
mod effect;
mod ending;
mod evidence;
mod facts;
mod gate;
mod hold;
mod home;
mod host;
mod live;
mod memory;
mod naming;
mod own;
mod preferences;
mod probing;
mod proof;
mod recovered;
mod saving;
mod unbroken;
mod undo;
mod workers;

pub use effect::{Effect, EngineNow, EngineWish, Event, SaveJob, SaveProblem, SaveReport, Whom};
pub use evidence::{Gathered, HEADERS, Sources};
pub use hold::{Hold, HoldGuard};
pub use home::{Home, HomeOptions, NoHome};
pub use host::{Host, HostError, HostOptions};
pub use naming::NamingError;
pub use preferences::{Preferences, PreferencesError};
pub use probing::{Asked, Question, ask, knowledge, probe_settings};
pub use proof::{LiveProof, PortProof, Said};
pub use saving::SaveNews;
pub use unbroken::hold_signals;
pub use workers::{Sink, Workers};
