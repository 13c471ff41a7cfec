//! The counters of one peer, one domain, and of lines.

use super::distinct::Distinct;
use super::trouble::TroubleTally;

/// Most peers kept for one recipient domain; beyond, nothing is said of the domain as a whole.
const ROUTE_MAX: usize = 32;
/// Most names (recipient domains) a peer has.
const NAMES_MAX: usize = 8;

/// How often and when something was seen.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    pub(super) count: u64,
    pub(super) first: i64,
    pub(super) last: i64,
}

impl Span {
    pub(super) fn see(&mut self, second: i64) {
        self.absorb(Self {
            count: 1,
            first: second,
            last: second,
        });
    }

    pub(super) fn absorb(&mut self, other: Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = other;
            return;
        }
        self.count = self.count.saturating_add(other.count);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

/// One peer.
#[derive(Debug, Clone, Default)]
pub(super) struct PeerTally {
    pub(super) delivered: Distinct,
    pub(super) failed: Distinct,
    pub(super) delayed: u64,
    pub(super) waiting: u32,
    pub(super) authenticated: bool,
    /// Deliveries or receptions that went well.
    pub(super) mail: Span,
    pub(super) with_tls: Span,
    pub(super) plain: Span,
    pub(super) domains: Vec<(u64, u32)>,
    /// Of which of these domains it took mail, one bit each: a delay or a failure only names them.
    pub(super) took: u8,
    pub(super) trouble: Option<Box<TroubleTally>>,
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
    /// `Sent` and `Recv` lines that do not read as the engine writes them; not used.
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
    /// Adds a recipient domain that it does not have yet, while there is room.
    pub(super) fn name(&mut self, key: u64, number: u32, took: bool) {
        if self.domains.len() < NAMES_MAX {
            self.took |= if took { bit(self.domains.len()) } else { 0 };
            self.domains.push((key, number));
        }
    }

    /// `domains`: what the newer stretch's domain numbers are here.
    pub(super) fn absorb_newer(&mut self, newer: Self, domains: &[Option<u32>]) {
        self.delivered.absorb_newer(newer.delivered);
        self.failed.absorb_newer(newer.failed);
        self.delayed = self.delayed.saturating_add(newer.delayed);
        self.authenticated |= newer.authenticated;
        self.mail.absorb(newer.mail);
        self.with_tls.absorb(newer.with_tls);
        self.plain.absorb(newer.plain);
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
