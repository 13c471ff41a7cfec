//! What a stretch of the log says, peer by peer. Its size grows with the peers and not with the lines.

use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasher as _;
use std::net::{IpAddr, Ipv6Addr};

use super::counts::{LineCounts, PeerHost, PeerRest, PeerTally, bit};
use super::distinct::{Merged, MessageId, Waiting, identity, short};
use super::domains::Domains;
use super::hash::Folding;
use super::key::{HostKey, PeerKind};
use super::line::{Delivery, Received, Sent};
use super::numbers::{self, Numbers};
use crate::hostile::safe_text;
use crate::tls::Service;

/// Most peers kept; what is beyond is counted and said.
pub(super) const PEERS_MAX: usize = 200_000;
/// Most characters of a line that is shown.
const EXAMPLE_MAX: usize = 120;
/// From here on numbers are not of peers but of ourselves.
const OURSELVES: u32 = PEERS_MAX as u32;
/// Most spellings of ourselves that are remembered (127.0.0.0/8 has many).
const OURSELVES_MAX: u32 = 256;
const _: () = assert!(OURSELVES + OURSELVES_MAX <= numbers::LIMIT);

/// A host as the hot path has it.
#[derive(Debug, Clone, Copy)]
pub(super) enum HostRef<'a> {
    Address(IpAddr),
    /// Lower case, checked.
    Name(&'a str),
}

impl PeerHost {
    fn as_ref(&self) -> HostRef<'_> {
        match self {
            Self::Address(address) => HostRef::Address(*address),
            Self::Name(name) => HostRef::Name(name),
        }
    }
}

/// Whom a key is of.
pub(super) enum Known {
    /// The peer of this number.
    Peer(u32),
    /// This server itself.
    Ourselves,
}

/// Everything counted in a stretch of the log.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    /// Of IPv4 addresses, peers and ourselves.
    v4: Numbers,
    folding: Folding,
    v6: HashMap<(PeerKind, Ipv6Addr), u32, Folding>,
    names: HashMap<(PeerKind, Box<str>), u32>,
    peers: Vec<PeerTally>,
    /// As many as `peers`.
    rest: Vec<PeerRest>,
    ourselves: Vec<HostKey>,
    /// Addresses of this server that were passed over; loopback, with which every engine speaks, is not worth a word.
    pub(super) own_addresses: BTreeSet<IpAddr>,
    pub(super) domains: Domains,
    waiting: Waiting,
    pub(super) lines: LineCounts,
    /// One of the lines that were not understood, safe to show.
    pub(super) example: Option<String>,
}

impl Tally {
    pub(super) fn sent(&mut self, host: HostRef<'_>, line: &Sent<'_>, second: i64) {
        let Some(index) = self.peer(PeerKind::Outbound, host) else {
            return;
        };
        let id = MessageId::of(line.queue_id);
        self.tried(index, id, line.domain(), (line.outcome, line.status), second);
    }

    /// Counts a delivery to a peer of this number.
    #[inline]
    pub(super) fn tried(
        &mut self,
        index: u32,
        id: MessageId,
        domain: Option<&[u8]>,
        (outcome, status): (Delivery, &[u8]),
        second: i64,
    ) {
        self.lines.used += 1;
        let key = domain.map_or(0, identity);
        if let Some(domain) = domain
            && self
                .peers
                .get(index as usize)
                .is_some_and(|peer| peer.last_domain != short(key))
        {
            self.domain(index, (domain, key), outcome == Delivery::Delivered);
        }
        match outcome {
            Delivery::Delivered => self.delivered(index, id, second),
            Delivery::Delayed | Delivery::Failed => self.troubled(index, id, (outcome, status), second),
            Delivery::Other => {}
        }
    }

    fn troubled(&mut self, index: u32, id: MessageId, (outcome, status): (Delivery, &[u8]), second: i64) {
        let (Some(peer), Some(rest)) = (self.peers.get_mut(index as usize), self.rest.get_mut(index as usize)) else {
            return;
        };
        // One that was delayed or delivered before is not new.
        let is_new = peer.delivered.is_new(id);
        match outcome {
            Delivery::Delayed => {
                let new = self.waiting.delay(index, id.key, || !is_new && rest.ring.has(id));
                peer.delivered.pass(id);
                if new {
                    peer.waits = true;
                    rest.delayed = rest.delayed.saturating_add(1);
                }
                rest.trouble.get_or_insert_default().see(second, status, new);
            }
            Delivery::Failed => {
                let waited = peer.waits && !is_new && self.waiting.knows(index, id.key);
                let new = rest.fail(id) && !waited;
                rest.trouble.get_or_insert_default().see(second, status, new);
            }
            Delivery::Delivered | Delivery::Other => {}
        }
    }

    #[inline]
    fn delivered(&mut self, index: u32, id: MessageId, second: i64) {
        let (Some(peer), Some(rest)) = (self.peers.get_mut(index as usize), self.rest.get_mut(index as usize)) else {
            return;
        };
        let counted_before = peer.waits && !peer.delivered.is_new(id) && self.waiting.deliver(index, id.key);
        peer.delivered.add(&mut rest.ring, id, !counted_before);
        peer.other.see(second);
    }

    pub(super) fn received(&mut self, host: HostRef<'_>, service: Service, line: &Received<'_>, second: i64) {
        let Some(index) = self.peer(PeerKind::Inbound(service), host) else {
            return;
        };
        self.taken_in(index, MessageId::of(line.queue_id), (line.user, line.tls), second);
    }

    /// Counts a message from a peer of this number.
    #[inline]
    pub(super) fn taken_in(&mut self, index: u32, id: MessageId, (user, tls): (bool, bool), second: i64) {
        self.lines.used += 1;
        let (Some(peer), Some(rest)) = (self.peers.get_mut(index as usize), self.rest.get_mut(index as usize)) else {
            return;
        };
        peer.delivered.add(&mut rest.ring, id, true);
        peer.authenticated |= user;
        let span = if tls { &mut peer.with_tls } else { &mut peer.other };
        span.see(second);
    }

    /// Counts a line that looks like one of ours and is not understood; the first one is kept to be shown.
    pub(super) fn not_understood(&mut self, line: &[u8]) {
        self.lines.not_understood += 1;
        self.example.get_or_insert_with(|| safe_text(line, EXAMPLE_MAX));
    }

    /// Whose key this is, if that is known by now.
    #[inline]
    pub(super) fn known(&self, key: HostKey) -> Option<Known> {
        let number = self.number(key)?;
        Some(if number < OURSELVES {
            Known::Peer(number)
        } else {
            Known::Ourselves
        })
    }

    /// Notes that the recipient's domain is a name of this peer, and whether it `took` the mail: only then is it on the domain's route.
    fn domain(&mut self, peer: u32, (domain, key): (&[u8], u64), took: bool) {
        let (Some(tally), Some(rest)) = (self.peers.get_mut(peer as usize), self.rest.get_mut(peer as usize)) else {
            return;
        };
        let number = if let Some(place) = rest.domains.iter().position(|(known, _)| *known == key) {
            let took_before = rest.took & bit(place) != 0;
            rest.took |= if took { bit(place) } else { 0 };
            rest.domains
                .get(place)
                .map(|(_, number)| *number)
                .filter(|_| !took_before)
        } else {
            let Some(number) = self.domains.number_of(domain) else {
                return;
            };
            rest.name(key, number, took);
            Some(number)
        };
        if took {
            tally.last_domain = short(key);
            if let Some(route) = number.and_then(|number| self.domains.route_mut(number)) {
                route.add(peer);
            }
        }
    }

    /// Remembers that this host is ourselves, so that its next line can be passed over quickly.
    pub(super) fn ourselves(&mut self, kind: PeerKind, address: IpAddr) {
        if !address.is_loopback() && !address.is_unspecified() && self.own_addresses.len() < OURSELVES_MAX as usize {
            self.own_addresses.insert(address);
        }
        let IpAddr::V4(address) = address else { return };
        let (key, count) = (HostKey::of(kind, address), self.ourselves.len() as u32);
        if count < OURSELVES_MAX && self.number(key).is_none_or(|known| known < OURSELVES) {
            self.ourselves.push(key);
            self.put(key, OURSELVES + count);
        }
    }

    /// The number that an address has.
    #[inline]
    fn number(&self, key: HostKey) -> Option<u32> {
        self.v4
            .find(self.folding.hash_one(key), |number| self.key(number) == Some(key))
    }

    /// Gives an address a number, or another one than it had. The counters of the number have its key already.
    fn put(&mut self, key: HostKey, number: u32) {
        let mut v4 = std::mem::take(&mut self.v4);
        v4.put(
            self.folding.hash_one(key),
            number,
            |number| self.key(number) == Some(key),
            |number| self.folding.hash_one(self.key(number).unwrap_or_default()),
        );
        self.v4 = v4;
    }

    #[inline]
    fn key(&self, number: u32) -> Option<HostKey> {
        match self.peers.get(number as usize) {
            Some(peer) => Some(peer.key),
            None => self.ourselves.get(number.checked_sub(OURSELVES)? as usize).copied(),
        }
    }

    fn peer(&mut self, kind: PeerKind, host: HostRef<'_>) -> Option<u32> {
        let known = match host {
            // What once was ourselves may be a peer by now: a follow-up scan is told anew who we are.
            HostRef::Address(IpAddr::V4(address)) => match self.known(HostKey::of(kind, address)) {
                Some(Known::Peer(number)) => Some(number),
                Some(Known::Ourselves) | None => None,
            },
            HostRef::Address(IpAddr::V6(address)) => self.v6.get(&(kind, address)).copied(),
            // The tuple key needs an owned name to look up; names are rare ("log hostnames" is off by default).
            HostRef::Name(name) => self.names.get(&(kind, Box::from(name))).copied(),
        };
        if known.is_some() {
            return known;
        }
        if self.peers.len() >= PEERS_MAX {
            self.lines.beyond_cap += 1;
            return None;
        }
        let index = u32::try_from(self.peers.len()).ok()?;
        self.peers.push(PeerTally::default());
        match host {
            HostRef::Address(IpAddr::V4(address)) => {
                let key = HostKey::of(kind, address);
                if let Some(peer) = self.peers.last_mut() {
                    peer.key = key;
                }
                self.put(key, index);
            }
            HostRef::Address(IpAddr::V6(address)) => {
                self.v6.insert((kind, address), index);
            }
            HostRef::Name(name) => {
                self.names.insert((kind, name.into()), index);
            }
        }
        let host = match host {
            HostRef::Address(address) => PeerHost::Address(address),
            HostRef::Name(name) => PeerHost::Name(name.into()),
        };
        self.rest.push(PeerRest::new(kind, host));
        Some(index)
    }

    /// Adds a stretch that comes after this one in time.
    pub(super) fn absorb_newer(&mut self, mut newer: Self) {
        newer.own_addresses.append(&mut self.own_addresses);
        if self.peers.is_empty() {
            let (lines, example) = (self.lines, self.example.take());
            *self = newer;
            self.lines.absorb(lines);
            self.example = example.or(self.example.take());
            return;
        }
        self.own_addresses = std::mem::take(&mut newer.own_addresses);
        self.lines.absorb(newer.lines);
        self.example = self.example.take().or(newer.example);
        let domains = self.domains.absorb_names(&newer.domains);
        // The newer's numbers to ours. In order of first sight, so that the cap falls on the same peers in every run.
        let mut numbers: Vec<Option<u32>> = Vec::with_capacity(newer.peers.len());
        for (peer, rest) in newer.peers.iter().zip(newer.rest) {
            let index = self.peer(rest.kind, rest.host.as_ref());
            numbers.push(index);
            let Some(index) = index else { continue };
            if let (Some(tally), Some(mine)) = (self.peers.get_mut(index as usize), self.rest.get_mut(index as usize)) {
                tally.absorb_newer(&mut mine.ring, peer, &rest.ring);
                mine.absorb_newer(rest, &domains);
            }
        }
        let number = |old: u32| numbers.get(old as usize).copied().flatten();
        self.domains.absorb_routes(newer.domains, &domains, number);
        for (peer, id, delivered) in newer.waiting.into_entries() {
            let Some(index) = number(peer) else { continue };
            let (Some(tally), Some(rest)) = (self.peers.get_mut(index as usize), self.rest.get_mut(index as usize))
            else {
                continue;
            };
            match self.waiting.merge(index, id, delivered) {
                Merged::New => tally.waits = true,
                Merged::Known { delivered_twice } => {
                    rest.delayed = rest.delayed.saturating_sub(1);
                    tally.delivered.forget(u32::from(delivered_twice));
                }
            }
        }
    }

    /// Every peer, in the order of their numbers.
    pub(super) fn peers(&self) -> impl Iterator<Item = (&PeerTally, &PeerRest)> {
        self.peers.iter().zip(&self.rest)
    }

    /// Whether some delayed messages could be counted more than once.
    pub(super) const fn waiting_overflowed(&self) -> bool {
        self.waiting.overflowed()
    }
}
