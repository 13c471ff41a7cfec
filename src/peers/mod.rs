//! Who we exchange mail with, what is known of their TLS, and what a minimum would do to them.
//!
//! The room turns evidence (the engine's mail and audit logs, its Received headers in stored mail, the user's peers
//! file, and records of probes and of the wire handed in) into one [`PeerBook`], and holds that book against a minimum
//! ([`assess()`]). It must never know of the configuration file, of the screen, or of sockets: paths, "now", the time
//! zone and this server's own addresses are passed in, and a probe's result arrives as [`Evidence`].
//!
//! Nothing here trusts what a stranger could have typed: subjects, quoted local parts, the remote server's words,
//! the peers file. Such text is bounded, cannot become a field, and is shown with control bytes as hex ([`safe_text`]).

mod assess;
mod book;
mod conclude;
mod evidence;
mod host;
mod log;
mod peer;
mod peers_file;
mod received;
mod store;

pub use assess::{Assessed, Counts, Coverage, Impact, Threshold, Verdict, assess, cut_off_domains};
pub use book::{BookSources, PeerBook, make_book};
pub use conclude::{Conclusion, conclude};
pub use evidence::{Evidence, Knowledge, Record, Source};
pub use host::{Host, OwnHosts, PeerKey};
pub use log::{
    LineCounts, LogError, LogFindings, Logins, Logs, ScanProgress, Trouble, Whose, Window, find_logs, read_logins,
    scan_logs,
};
pub use peer::{Peer, Route};
pub use peers_file::{ListedVersion, PeersFile, PeersFileEntry, PeersFileError};
pub use received::{ReceivedBudget, ReceivedError, ReceivedFindings, read_received};
pub use store::EvidenceStore;

pub use crate::hostile::safe_text;
pub use crate::tls::Service;
