//! What is *done*: effects carried out on threads, and what came of them as events to whoever asked; and the same as
//! functions on a [`crate::host::Host`], for the commands. It must never know of a screen, a key or a JSON shape.

mod captured;
mod draft_keeper;
mod effect;
mod ending;
mod evidence;
mod facts;
mod gate;
mod hold;
mod learn;
mod lessons;
mod live;
mod outbound;
mod port_question;
mod probing;
mod proof;
mod reader;
mod recovered;
mod refused;
mod running;
mod saving;
mod switch;
mod undo;
mod watching;
mod workers;

/// What a question to a peer and its answer are made of: the commands name them through here.
/// The service of the watch, likewise.
pub use crate::engine::{
    WATCH_UNIT, WatchService, WatchServiceError, start_watch_service, stop_watch_service, watch_service,
};
pub use crate::probe::{Basis, Cancel, Outcome, Report, Settings, Target, TargetHost};
/// What was seen on the wire, likewise.
pub use crate::watch::{Row, RowKey, Rows};
pub use captured::{Captured, OwnHello, overflow_words, own_hellos, read_capture};
pub use effect::{Asker, Effect, EngineWish, Event, SaveJob, SaveProblem, SaveReport, Wanted, Whom};
pub use evidence::{Gathered, Sources, read_evidence};
pub use facts::facts;
pub use hold::{Hold, HoldGuard, hold_signals, unusual_signals};
pub use learn::{
    Changed, ChangedVariable, ask_for_name, changed_since_question, learn_name, open_question, wait_for_change,
};
pub use live::{measured_with, prove};
pub use outbound::{OfferState, OutboundProof, outbound_proof};
pub use probing::{
    Asked, Question, ask, evidence_of, knowledge, probe, probe_plan, question, questions, remember_aloud, settings,
    settings_without_file,
};
pub use proof::{LiveProof, PortAnswer, PortProof};
pub use reader::{HEADERS, Reader};
pub use recovered::recover;
pub use refused::{RefusedClient, RefusedSince};
pub use running::{panic_if_asked_to, place_of};
pub use saving::{SaveNews, save};
pub use undo::{Undone, confirm, undo_unconfirmed};
pub use watching::{Seen, WatchError, WatchPlan, make_watch_directory, watch};
pub use workers::{Sink, Workers};
