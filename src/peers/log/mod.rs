//! The engine's mail log: who we exchange mail with, and how much.
//!
//! Logs reach gigabytes, so they are read as bytes, a piece at a time, by as many threads as there are cores, each with its own stretch
//! of the whole ([`mod@scan`], [`mod@stretch`]); memory grows with the peers and not with the lines ([`mod@distinct`] says how a message
//! is counted once). Lines are trusted with nothing ([`mod@line`]); those of the usual shape take the fast lane (`fast`). What a
//! line looks at is found by [`mod@numbers`] and is one cache line. A later [`LogFindings::follow`] reads only what is new.

mod clock;
mod counts;
mod distinct;
mod domains;
mod fast;
mod files;
mod findings;
mod hash;
mod key;
mod line;
mod logins;
mod numbers;
mod plan;
mod scan;
mod scope;
mod source;
mod span;
mod stretch;
mod syslog;
mod tally;
mod trouble;
mod zone;

pub use counts::LineCounts;
pub use files::{LogError, Logs, find_logs};
pub use findings::LogFindings;
pub use logins::{Logins, Whose, read_logins};
pub use scan::scan_logs;
pub use scope::{ScanProgress, Window};
pub use trouble::Trouble;
