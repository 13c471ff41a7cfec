//! The counters of one peer, one domain, and of lines.

use std::net::IpAddr;

use super::distinct::{Distinct, MessageId, Ring};
use super::key::{HostKey, PeerKind};
use super::span::{ShortSpan, Span};
use super::trouble::TroubleTally;

/// Most peers kept for one recipient domain; beyond, nothing is said of the domain as a whole.
const ROUTE_MAX: usize = 32;
/// Most names (recipient domains) a peer has.
const NAMES_MAX: usize = 8;

/// What a line of a peer looks at: one cache line and no more (a test counts), as there are thousands of these and each
/// line comes to another one. The rest is in [`PeerRest`].
#[derive(Debug, Clone, Default)]
#[repr(align(64))]
pub(super) struct PeerTally {
    /// What it is looked up by, if that is an IPv4 address.
    pub(super) key: HostKey,
    pub(super) delivered: Distinct,
    /// Receptions with TLS.
    pub(super) with_tls: ShortSpan,
    /// What went well otherwise: deliveries, receptions without TLS.
    pub(super) other: ShortSpan,
    /// The domain whose mail it was last noted to take, as 32 bits of its identity; 0: none.
    pub(super) last_domain: u32,
    /// Some message was delayed.
    pub(super) waits: bool,
    pub(super) authenticated: bool,
}

/// Who a peer is, and what few lines come to.
#[derive(Debug, Clone)]
pub(super) struct PeerRest {
    pub(super) kind: PeerKind,
    pub(super) host: PeerHost,
    /// The last of those that were `delivered`.
    pub(super) ring: Ring,
    pub(super) delayed: u64,
    pub(super) failed: Option<Box<(Distinct, Ring)>>,
    pub(super) domains: Vec<(u64, u32)>,
    /// Of which of these domains it took mail, one bit each: a delay or a failure only names them.
    pub(super) took: u8,
    pub(super) trouble: Option<Box<TroubleTally>>,
}

/// The host of a peer.
#[derive(Debug, Clone)]
pub(super) enum PeerHost {
    Address(IpAddr),
    /// Lower case, checked.
    Name(Box<str>),
}

/// Where a domain's mail went.
#[derive(Debug, Clone, Default)]
pub(super) struct RouteTally {
    pub(super) peers: Vec<u32>,
    pub(super) overflow: bool,
}

/// Lines, by what was made of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineCounts {
    /// `Sent` and `Recv` lines in the window that were used.
    pub used: u64,
    /// Lines in which a field could be read in two places; not used.
    pub ambiguous: u64,
    /// Lines that look like `Sent` or `Recv` and do not read as the engine writes them; not used.
    pub not_understood: u64,
    /// Lines over 256 KiB, skipped.
    pub overlong: u64,
    /// Lines dated more than a day after "now"; not used.
    pub in_future: u64,
    /// Lines of peers beyond the cap of 200,000; not used.
    pub beyond_cap: u64,
}

impl LineCounts {
    pub(super) fn absorb(&mut self, other: Self) {
        self.used += other.used;
        self.ambiguous += other.ambiguous;
        self.not_understood += other.not_understood;
        self.overlong += other.overlong;
        self.in_future += other.in_future;
        self.beyond_cap += other.beyond_cap;
    }
}

impl RouteTally {
    pub(super) fn add(&mut self, peer: u32) {
        if self.peers.contains(&peer) {
            return;
        }
        if self.peers.len() >= ROUTE_MAX {
            self.overflow = true;
        } else {
            self.peers.push(peer);
        }
    }
}

/// The bit of a place among a peer's domains.
pub(super) const fn bit(place: usize) -> u8 {
    if place < NAMES_MAX { 1 << place } else { 0 }
}

impl PeerTally {
    /// Deliveries or receptions that went well.
    pub(super) fn mail(&self) -> Span {
        self.with_tls.span().and(self.other.span())
    }

    pub(super) fn absorb_newer(&mut self, ring: &mut Ring, newer: &Self, newer_ring: &Ring) {
        self.delivered.absorb_newer(ring, &newer.delivered, newer_ring);
        self.authenticated |= newer.authenticated;
        self.with_tls = self.with_tls.span().and(newer.with_tls.span()).into();
        self.other = self.other.span().and(newer.other.span()).into();
    }
}

impl PeerRest {
    pub(super) fn new(kind: PeerKind, host: PeerHost) -> Self {
        Self {
            kind,
            host,
            ring: Ring::default(),
            delayed: 0,
            failed: None,
            domains: Vec::new(),
            took: 0,
            trouble: None,
        }
    }

    /// Counts a failed message; tells whether it was new.
    pub(super) fn fail(&mut self, id: MessageId) -> bool {
        let (count, ring) = &mut **self.failed.get_or_insert_default();
        count.add(ring, id, true)
    }

    /// Adds a recipient domain that it does not have yet, while there is room.
    pub(super) fn name(&mut self, key: u64, number: u32, took: bool) {
        if self.domains.len() < NAMES_MAX {
            self.took |= if took { bit(self.domains.len()) } else { 0 };
            self.domains.push((key, number));
        }
    }

    /// `domains`: what the newer stretch's domain numbers are here.
    pub(super) fn absorb_newer(&mut self, newer: Self, domains: &[Option<u32>]) {
        self.delayed = self.delayed.saturating_add(newer.delayed);
        match (&mut self.failed, newer.failed) {
            (Some(mine), Some(other)) => {
                let (count, ring) = &mut **mine;
                count.absorb_newer(ring, &other.0, &other.1);
            }
            (mine @ None, other) => *mine = other,
            (Some(_), None) => {}
        }
        for (place, (key, number)) in newer.domains.into_iter().enumerate() {
            let took = newer.took & bit(place);
            if let Some(mine) = self.domains.iter().position(|(known, _)| *known == key) {
                self.took |= if took == 0 { 0 } else { bit(mine) };
            } else if let Some(number) = domains.get(number as usize).copied().flatten() {
                self.name(key, number, took != 0);
            }
        }
        match (&mut self.trouble, newer.trouble) {
            (Some(mine), Some(other)) => mine.absorb_newer(*other),
            (mine @ None, other) => *mine = other,
            (Some(_), None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_line_looks_at_is_one_cache_line() {
        assert_eq!(size_of::<PeerTally>(), 64);
    }
}
