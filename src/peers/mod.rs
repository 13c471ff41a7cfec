//! Who we exchange mail with, what is known of their TLS, and what a minimum would do to them.
//!
//! The room turns four kinds of evidence (the engine's mail log, its Received headers in stored mail, the user's peers
//! file, and probe records handed in) into one [`PeerBook`], and holds that book against a minimum ([`assess()`]).
//! It must never know of the configuration file, of the screen, or of sockets: paths, "now", the time zone and this
//! server's own addresses are passed in, and a probe's result arrives as [`Evidence`].
//!
//! Nothing here trusts what a stranger could have typed: subjects, quoted local parts, the remote server's words,
//! the peers file. Such text is bounded, cannot become a field, and is shown with control bytes as hex ([`safe_text`]).

mod assess;
mod book;
mod conclude;
mod log;
mod names;
mod peers_file;
mod received;
mod store;

pub use assess::{assess, cut_off_domains};
pub use book::{BookSources, Record, make_book};
pub use conclude::{Conclusion, conclude};
pub use log::{LineCounts, LogError, LogFindings, OwnHosts, Progress, Trouble, Window, find_logs, scan_logs};
pub use peers_file::{PeersFile, PeersFileEntry, PeersFileError, Said};
pub use received::{ReceivedBudget, ReceivedError, ReceivedFindings, read_received};
pub use store::EvidenceStore;

use std::net::IpAddr;

use jiff::Timestamp;

pub use crate::hostile::safe_text;
pub use crate::tls::Service;
use crate::tls::{Direction, TlsVersion};

/// Host of a peer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// An address.
    Address(IpAddr),
    /// A name, lower case, already safe to show.
    Name(String),
}

/// What makes a peer one peer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerKey {
    /// Direction.
    pub direction: Direction,
    /// Service.
    pub service: Service,
    /// Host.
    pub host: Host,
    /// Port, where it is not the service's usual one.
    pub port: Option<u16>,
}

/// What one record knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Knowledge {
    /// The highest version the peer has.
    Ceiling(TlsVersion),
    /// It has at least this.
    AtLeast(TlsVersion),
    /// A session without TLS was seen.
    Plain,
    /// It was asked and offers no STARTTLS.
    NoStartTls,
    /// It refused every hello (how): unknown, never "no TLS".
    Refused(String),
    /// No answer (why): unknown.
    NoAnswer(String),
    /// Mail went by, or a remark was seen; nothing about versions.
    Hint(String),
}

/// Where a record is from; later variants weigh more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// The engine's mail log.
    MailLog,
    /// The peers file.
    PeersFile,
    /// The engine's own Received header.
    Received,
    /// A handshake.
    Probe,
}

/// One record about a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// What is known.
    pub knowledge: Knowledge,
    /// From where.
    pub source: Source,
    /// First time.
    pub first_seen: Timestamp,
    /// Last time.
    pub last_seen: Timestamp,
    /// How often.
    pub count: u64,
    /// The raw text or bytes, bounded, control bytes as hex.
    pub raw: String,
}

/// A peer with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Who.
    pub key: PeerKey,
    /// Names it goes by (recipient domains, a note), bounded, safe to show.
    pub names: Vec<String>,
    /// Distinct messages delivered to it or received from it in the window.
    pub messages: u64,
    /// Deliveries delayed or deferred.
    pub delayed: u64,
    /// Deliveries failed.
    pub failed: u64,
    /// It logged in (a user's device).
    pub authenticated: bool,
    /// The records.
    pub evidence: Vec<Evidence>,
    /// The user's note.
    pub note: Option<String>,
}

impl Peer {
    /// What the remote server said about TLS in the log, word for word: a hint and no more.
    #[must_use]
    pub fn remark(&self) -> Option<&str> {
        self.evidence.iter().find_map(|record| match &record.knowledge {
            // A remark's raw text is the remark; other hints are our own words.
            Knowledge::Hint(words) if record.source == Source::MailLog && *words == record.raw => Some(words.as_str()),
            _ => None,
        })
    }
}

/// Everybody, and what the readers had to say.
#[derive(Debug, Clone, Default)]
pub struct PeerBook {
    /// Sorted by key, one entry a key.
    pub peers: Vec<Peer>,
    /// What could not be read or used, in words.
    pub warnings: Vec<String>,
    /// Days back from "now" that were counted.
    pub window_days: u32,
    /// Which peers took each recipient domain's mail, sorted by domain.
    pub routes: Vec<Route>,
}

/// Every address that took a recipient domain's mail in the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The domain, lower case, safe to show.
    pub domain: String,
    /// The outbound peers that took its mail, sorted.
    pub peers: Vec<PeerKey>,
    /// False when there were more peers than were kept: nothing can then be said of the domain as a whole.
    pub complete: bool,
}

/// What a minimum would do to a peer, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// Its ceiling is below the minimum, and nothing speaks against that.
    CutOff,
    /// Evidence disagrees.
    Mixed,
    /// No TLS offered or seen: in clear already.
    Plain,
    /// Not known.
    Unknown,
    /// It has the minimum.
    Ok,
}

/// What peers are held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Threshold {
    /// A minimum of this version.
    At(TlsVersion),
    /// The server's default, never measured (or a custom list): every verdict is unknown.
    NotKnown,
}

/// A peer and its verdict.
#[derive(Debug, Clone)]
pub struct Assessed<'a> {
    /// The peer.
    pub peer: &'a Peer,
    /// The verdict.
    pub verdict: Verdict,
    /// The highest version known of it.
    pub highest: Option<TlsVersion>,
    /// The record that decided.
    pub decisive: Option<&'a Evidence>,
}

/// Counts of peers by verdict, and how much is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Cut off.
    pub cut_off: usize,
    /// Mixed.
    pub mixed: usize,
    /// Plain.
    pub plain: usize,
    /// Unknown.
    pub unknown: usize,
    /// Ok.
    pub ok: usize,
    /// Messages that the cut-off stand for.
    pub cut_off_messages: u64,
    /// Messages that the unknown stand for.
    pub unknown_messages: u64,
}

/// How much is known of a direction's peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Peers of which a version, or the absence of TLS, is known.
    pub known: usize,
    /// All peers.
    pub all: usize,
    /// Newest record that knows something.
    pub newest: Option<Timestamp>,
    /// Oldest of the records that decide.
    pub oldest: Option<Timestamp>,
}

/// A direction's peers held against a minimum.
#[derive(Debug, Clone)]
pub struct Impact<'a> {
    /// Sorted by verdict (worst first), then authenticated, then amount of mail.
    pub rows: Vec<Assessed<'a>>,
    /// Counts.
    pub counts: Counts,
    /// Coverage.
    pub coverage: Coverage,
}
