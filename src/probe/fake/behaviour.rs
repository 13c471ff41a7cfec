//! What a pretend peer does, and what it saw.

use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use crate::tls::{Service, TlsVersion};

/// Bytes of one peer's transcript that are kept.
pub(super) const HEARD: usize = 16_384;

/// What is odd about a pretend peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quirk {
    /// Nothing.
    None,
    /// It does not offer STARTTLS.
    NoStartTls,
    /// The greeting comes after this time.
    SlowGreeting(Duration),
    /// The greeting never ends.
    EndlessBanner,
    /// It greets with 421 (or its like) and closes.
    ComeLater,
    /// It sends more in clear right after it said that TLS may begin.
    BytesAfterGo,
    /// The ServerHello comes in two pieces, cut after so many bytes.
    CutAt(usize),
    /// The ServerHello comes in records of so many bytes.
    Records(usize),
    /// A warning alert (112) comes before the ServerHello.
    WarningFirst,
    /// Every hello is answered by this fatal alert.
    Alert(u8),
    /// Every hello is answered by closing.
    SilentClose,
    /// A hello that has this is refused so.
    Dislikes(What, How),
    /// The ServerHello is marked as talked down (RFC 8446 section 4.1.3).
    Marked,
    /// It speaks HTTP, in clear.
    Http,
    /// It sends junk.
    Junk,
    /// It sends one byte each time this has passed, for ever.
    Tarpit(Duration),
}

/// What a pretend peer may dislike in a hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Extensions of any kind.
    Extensions,
    /// The list of versions that TLS 1.3 brought.
    SupportedVersions,
    /// A server name.
    ServerName,
    /// That there is no server name.
    NoServerName,
    /// A message of 256 to 511 bytes (RFC 7685).
    Length,
    /// A `client_version` of TLS 1.2.
    Tls12,
}

/// How it shows that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// By this fatal alert.
    Alert(u8),
    /// By closing.
    Close,
    /// By saying nothing any more.
    Silence,
}

/// A pretend peer: the versions it has, and its quirk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behaviour {
    /// What it speaks, and so how TLS begins.
    pub service: Service,
    /// The oldest version it accepts.
    pub floor: TlsVersion,
    /// The newest version it has.
    pub ceiling: TlsVersion,
    /// What is odd about it.
    pub quirk: Quirk,
}

impl Behaviour {
    /// A peer with everything from TLS 1.0 (or its ceiling, if that is older) up to `ceiling`, without a quirk.
    #[must_use]
    pub fn up_to(service: Service, ceiling: TlsVersion) -> Self {
        Self {
            service,
            floor: ceiling.min(TlsVersion::Tls10),
            ceiling,
            quirk: Quirk::None,
        }
    }

    /// The same peer with this quirk.
    #[must_use]
    pub const fn with(mut self, quirk: Quirk) -> Self {
        self.quirk = quirk;
        self
    }
}

/// What a pretend peer saw.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) connections: AtomicUsize,
    /// Connections that still wait for what they came for.
    pub(super) waiting: AtomicUsize,
    pub(super) most_waiting: AtomicUsize,
    pub(super) early: AtomicUsize,
    pub(super) heard: Mutex<Vec<u8>>,
}
