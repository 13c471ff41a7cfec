//! Saving `mailserver.cfg` so that it is the old file or the new one, whole, whatever happens.

mod attributes;
mod audit;
mod backup;
mod disk;
mod draft;
mod error;
mod gate;
mod in_place;
mod journal;
mod json;
mod plan;
mod preflight;
mod recover;
mod request;
mod state_dir;
mod steps;
mod swap;
mod target;
mod who;

pub use audit::{AUDIT_FILE, AuditEntry, audit};
pub use backup::{BackupInfo, StoredEdit, backups, read_backup};
pub use draft::{Draft, discard_draft, read_draft, write_draft};
pub use error::{InPlaceWhy, OnDisk, SaveError, Trouble};
pub use gate::{Gate, GateError, GateKind, OpenGate, Progress, Started, Step};
pub use preflight::{Preflight, Room, preflight};
pub use recover::{ROLL_BACK, Recovered, engine_is_up, recover};
pub use request::{Content, Note, Outcome, Request, Saved};
pub use state_dir::StateDir;
pub use steps::save;
pub use target::{Snapshot, Target};
pub use who::Actor;
