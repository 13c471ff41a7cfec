//! What is known of a peer, from where and when: all that a source of evidence owes is such records.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use super::host::PeerKey;
use crate::tls::TlsVersion;

/// What one record knows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Knowledge {
    /// The highest version the peer has.
    Ceiling(TlsVersion),
    /// It agreed to this version as its highest, and the handshake was not gone through (a HelloRetryRequest: nearly
    /// all who send one can go on, some cannot).
    Agreed(TlsVersion),
    /// It takes only a hello of this version and refuses whoever offers TLS 1.2: its highest in effect.
    CeilingInEffect(TlsVersion),
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
    /// Handshakes that passed this host's network card.
    Wire,
    /// A handshake of our own.
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

impl Evidence {
    /// Whether it is more than a year old: much may have changed since.
    #[must_use]
    pub fn is_old(&self, now: Timestamp) -> bool {
        now.duration_since(self.last_seen) > YEAR
    }
}

/// What is older is marked.
const YEAR: SignedDuration = SignedDuration::from_hours(365 * 24);

/// One record with whom it is about: what a probe or a Received header gives, and what is remembered between runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Who was asked or seen.
    pub key: PeerKey,
    /// The address that answered, where `key` has a name: this ties the two, and the record is the address's.
    pub address: Option<IpAddr>,
    /// Every address that the name had then, if it had several.
    pub addresses: Vec<IpAddr>,
    /// It logged in.
    pub authenticated: bool,
    /// What is known.
    pub evidence: Evidence,
}

impl Source {
    /// Every source, lightest first.
    pub const ALL: [Self; 5] = [Self::MailLog, Self::PeersFile, Self::Received, Self::Wire, Self::Probe];

    /// The stable spelling of JSON and the evidence store.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Self::MailLog => "mail.log",
            Self::PeersFile => "peers-file",
            Self::Received => "received",
            Self::Wire => "wire",
            Self::Probe => "probe",
        }
    }

    /// What stands before the date of a record.
    #[must_use]
    pub const fn before_date(self) -> &'static str {
        match self {
            Self::MailLog => "mail log, ",
            Self::PeersFile => "peers file, ",
            Self::Received => "Received header, ",
            Self::Wire => "on the wire ",
            Self::Probe => "probed ",
        }
    }

    /// What stands around the day where the record is the subject of a sentence.
    pub(super) const fn around_day(self) -> [&'static str; 2] {
        match self {
            Self::MailLog => ["The mail log, last on ", ","],
            Self::PeersFile => ["The peers file, dated ", ","],
            Self::Received => ["A Received header of ", ""],
            Self::Wire => ["What passed on the wire, last on ", ","],
            Self::Probe => ["The probe of ", ""],
        }
    }

    /// Reads [`Self::token`] back.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.token() == token)
    }
}

/// Adds a record; one that says the same from the same source is one with it. Of refusals, silences and remarks only
/// the newest of a source stays, which bounds the records of a peer. Kept sorted: heavier source first, then newer.
pub(super) fn add_evidence(records: &mut Vec<Evidence>, new: Evidence) {
    if let Some(mine) = records
        .iter_mut()
        .find(|e| e.source == new.source && e.knowledge == new.knowledge)
    {
        let same = mine.first_seen == new.first_seen && mine.last_seen == new.last_seen;
        // Only probes add up; headers and logs are read again and again, and what is remembered of them is the same
        // mail.
        mine.count = match new.source {
            Source::Probe if !same => mine.count.saturating_add(new.count),
            _ => mine.count.max(new.count),
        };
        if (new.last_seen, &new.raw) > (mine.last_seen, &mine.raw) {
            mine.raw = new.raw;
        }
        mine.first_seen = mine.first_seen.min(new.first_seen);
        mine.last_seen = mine.last_seen.max(new.last_seen);
    } else {
        let says_nothing =
            |k: &Knowledge| matches!(k, Knowledge::Refused(_) | Knowledge::NoAnswer(_) | Knowledge::Hint(_));
        let alike = |e: &Evidence| {
            e.source == new.source
                && e.source != Source::MailLog
                && says_nothing(&e.knowledge)
                && std::mem::discriminant(&e.knowledge) == std::mem::discriminant(&new.knowledge)
        };
        let is_newer = |mine: &Evidence| {
            let order = |e: &'_ Evidence| (e.last_seen, e.first_seen);
            let by_time = order(mine).cmp(&order(&new));
            by_time
                .then_with(|| (&mine.raw, &mine.knowledge).cmp(&(&new.raw, &new.knowledge)))
                .is_lt()
        };
        match records.iter_mut().find(|mine| alike(mine)) {
            Some(mine) if is_newer(mine) => *mine = new,
            Some(_) => {}
            None => records.push(new),
        }
    }
    records.sort_by(|a, b| {
        let newest_first = (b.source, b.last_seen, b.first_seen).cmp(&(a.source, a.last_seen, a.first_seen));
        newest_first.then_with(|| a.knowledge.cmp(&b.knowledge))
    });
}
