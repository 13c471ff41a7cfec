//! Saving `mailserver.cfg` so that it is the old file or the new one, whole, whatever happens.
//!
//! In the order of [`save`]: recover what an earlier save left · lock · check · have the engine stopped (through a
//! [`Gate`], which somebody above implements) · read again and carry the edits over · back up, proven · write beside
//! the file, with its owner, mode, ACL and attributes · exchange the two names and look at what came out · make it
//! durable (the **commit point**) · have the engine started, and put the old file back if it does not come up. What
//! will be done is in a small durable journal before it is done.
//!
//! What this room must never know: what a variable means, what an engine is and how it is driven, anything of the
//! screen. Words for people come in as an opaque [`Note`]. All of it happens on the calling thread.
//!
//! ## Every ending, and what is on disk then
//!
//! Each line: what happens · the file · what lies beside it · what is in the state directory · how it is told.
//!
//! - not a file, no right, read-only, immutable, no room, a limit of the process too low, in place without a yes, a
//!   second save, a link that was turned since the review · old, never touched · nothing · no backup · [`SaveError`],
//!   engine never touched
//! - conflict, cancel, engine not stopped, edits that do not fit · old (or as the engine wrote it when it stopped) ·
//!   nothing · no backup · [`SaveError`] with [`OnDisk::Untouched`] (or [`OnDisk::Engines`], once it was told to
//!   stop), engine started again
//! - a call fails before the exchange (ENOSPC, EDQUOT, EIO, …) · old · nothing; what cannot be removed goes at the
//!   next start · no backup · [`What::Disk`], [`OnDisk::Untouched`]
//! - another program writes before the exchange · theirs · nothing · no backup · rebased and tried again, three times;
//!   then [`What::ChangedUnderneath`], [`OnDisk::Theirs`]
//! - syncing the directory after the exchange fails · old, put back by the same exchange · nothing · no backup ·
//!   [`What::Disk`], [`OnDisk::PutBack`]
//! - putting back fails too · old or new, whole · the other one, closed as the file is · backup, journal ·
//!   [`OnDisk::Unsure`]; the next start decides
//! - no exchange here, and syncing the directory after the plain rename fails · new; after a power cut old or new ·
//!   nothing · backup, journal · [`What::Disk`], [`OnDisk::New`]
//! - a call fails after the commit · new · the old one until the next start, if it could not be removed · backup ·
//!   [`Saved`] with warnings, never an error
//! - killed, or power cut, before the exchange · old · temp file, 0600 until it is whole · journal · next start:
//!   [`Recovered::Undone`]
//! - killed, or power cut, after the exchange · new (after a power cut before the commit: old or new) · the old one ·
//!   backup, journal · next start: [`Recovered::Completed`]
//! - killed while another program's version was swapped out · ours · theirs · journal · next start:
//!   [`Recovered::TheirsPutBack`]
//! - killed while the engine was stopped for the save · any of the above · any of the above · a note ·
//!   [`Recovered::EngineMayBeDown`] at each start until [`engine_is_up`]
//! - the save itself panics · old or new, whole · temp file, or the old one · journal · the engine that was stopped is
//!   started, then the panic goes on; next start as above
//! - the engine does not come up · old · nothing · backup, and the new file under `kept` · [`SaveOutcome::RolledBack`]
//! - the roll back fails · new, as a rule; it is said · nothing · backup, kept file, note ·
//!   [`SaveOutcome::RollBackFailed`], loudly
//! - in place: a call fails · old, written back · nothing · no backup · [`What::Disk`], [`OnDisk::PutBack`]
//! - in place: writing back fails too · **torn** · nothing · backup, new bytes, journal · [`OnDisk::Torn`] with the
//!   backup's path; next start: [`Recovered::Repaired`]
//! - in place: killed, or power cut · **torn**, or old, or new · nothing · backup, new bytes, journal · next start:
//!   [`Recovered::Repaired`], `Undone` or `Completed`
//!
//! Where the file system knows no exchange (NFS, some FUSE) the file is compared once more and replaced by a plain
//! rename; a change in the instant between is not seen, and [`Saved::warnings`] says so.
//!
//! While another program's write is being put back, readers see our file without its change for as long as it takes to
//! read what came out (about a millisecond). A program that builds its next version on what it read in just that
//! instant would carry the loss on by itself; one that keeps its configuration in memory, as the engine does, cannot. A
//! stopped engine, proven right before the exchange, writes nothing.
//!
//! The proof is `tests/save_proof`: killed and refused at every system call, power cuts on three file systems, a
//! competing writer.

mod attempt;
mod audit;
mod backup;
mod error;
mod gate;
mod locks;
mod plan;
mod preflight;
mod records;
mod recover;
mod replace;
mod state_dir;
mod steps;
mod target;
mod trouble;

pub use audit::{Actor, AuditEntry, audit, zone};
pub use backup::{BackupInfo, backups, read_backup};
pub use error::{EngineThen, NotRolledBack, SaveError, What};
pub use gate::{Gate, GateError, GateKind, OpenGate, Progress, Started, Step};
pub use plan::{Content, Note, Request, SaveOutcome, Saved};
pub use preflight::{Preflight, Room, preflight};
pub use records::{Draft, StoredEdit, discard_draft, read_draft, write_draft};
pub use recover::{ROLL_BACK, Recovered, engine_is_up, recover, unfinished};
pub use state_dir::{AUDIT_FILE, StateDir};
pub use steps::save;
pub use target::{Snapshot, Target};
pub use trouble::{AfterRollBack, InPlaceWhy, OnDisk, Trouble};
