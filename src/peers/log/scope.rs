//! What a scan is given: how far back, who we are ourselves, and where to say how far it got.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::peers::Host;

/// How far back is counted.
#[derive(Debug, Clone)]
pub struct Window {
    /// "Now".
    pub now: Timestamp,
    /// Days back from it.
    pub days: u32,
    /// The zone in which the engine writes its log: the server's.
    pub zone: TimeZone,
}

impl Window {
    /// The first second that counts.
    pub(super) fn since(&self) -> i64 {
        self.now.as_second().saturating_sub(i64::from(self.days) * 86_400)
    }
}

/// This server's own addresses and names: they are no peers. Loopback and the unspecified address never are.
#[derive(Debug, Clone, Default)]
pub struct OwnHosts {
    /// A handful: looking through them is quicker than hashing.
    addresses: Vec<IpAddr>,
    names: Vec<String>,
}

impl OwnHosts {
    /// From addresses and names as they come.
    pub fn new(hosts: impl IntoIterator<Item = Host>) -> Self {
        let mut own = Self::default();
        for host in hosts {
            match host {
                Host::Address(address) => own.addresses.push(address.to_canonical()),
                Host::Name(name) => own.names.push(name.to_ascii_lowercase()),
            };
        }
        own
    }

    /// Whether this address is ours (or nobody's).
    #[must_use]
    pub fn has_address(&self, address: IpAddr) -> bool {
        address.is_loopback() || address.is_unspecified() || self.addresses.contains(&address)
    }

    /// Whether this host is ours (or nobody's).
    #[must_use]
    pub fn has(&self, host: &Host) -> bool {
        match host {
            Host::Address(address) => self.has_address(address.to_canonical()),
            Host::Name(name) => self.has_name(name),
        }
    }

    /// Whether this name, in lower case, is ours.
    #[must_use]
    pub fn has_name(&self, name: &str) -> bool {
        name == "localhost" || name.starts_with("localhost.") || self.names.iter().any(|own| own == name)
    }
}

/// Bytes read of bytes to read; another thread may look at any time.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    /// Bytes done and bytes in all. All is 0 until the files have been looked at.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }

    pub(super) fn advance(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn begin(&self, total: u64) {
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }
}
