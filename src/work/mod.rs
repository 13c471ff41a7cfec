//! Effects and events: what the screen asks to be done, and what came of it.

mod effect;
mod ending;
mod evidence;
mod facts;
mod gate;
mod hold;
mod live;
mod port_question;
mod probing;
mod proof;
mod recovered;
mod saving;
mod unbroken;
mod undo;
mod workers;

pub use effect::{Asker, Effect, EngineWish, Event, SaveJob, SaveProblem, SaveReport, Wanted, Whom};
pub use evidence::{Gathered, HEADERS, Sources};
pub use hold::{Hold, HoldGuard};
pub use probing::{Asked, Question, ask, knowledge, probe_settings};
pub use proof::{LiveProof, PortAnswer, PortProof};
pub use saving::SaveNews;
pub use unbroken::hold_signals;
pub use workers::{Sink, Workers};
