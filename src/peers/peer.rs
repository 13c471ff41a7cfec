//! A peer with its records and amounts, and the route of a domain's mail.

use super::evidence::{Evidence, Knowledge, Source};
use super::host::PeerKey;

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
    /// One of which nothing is known.
    #[must_use]
    pub const fn new(key: PeerKey) -> Self {
        Self {
            key,
            names: Vec::new(),
            messages: 0,
            delayed: 0,
            failed: 0,
            authenticated: false,
            evidence: Vec::new(),
            note: None,
        }
    }

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
