//! Effects and events: what the screen asks to be done, and what came of it.

mod effect;
mod hold;

pub use effect::{Effect, EngineNow, EngineWish, Event, SaveJob, SaveProblem, SaveReport};
pub use hold::{Hold, HoldGuard};
