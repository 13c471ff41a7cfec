//! What a stretch of the log says, peer by peer. Its size grows with the peers and not with the lines.

#[path = "tally_join.rs"]
mod join;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use super::common::Common;
use super::counts::{LineCounts, PeerHost, PeerRest, PeerTally, RouteTally, bit};
use super::distinct::{MessageId, Waiting, identity, short};
use super::hash::Folding;
use super::key::{HostKey, Kind};
use super::line::{Outcome, Received, Sent};
use crate::peers::Service;

/// Most peers kept; what is beyond is counted and said.
pub(super) const PEERS_MAX: usize = 200_000;
/// Most recipient domains whose routes are kept.
const DOMAINS_MAX: usize = 100_000;
/// Stands for a peer's number where the host is this server itself.
const OURSELVES: u32 = u32::MAX;
/// Most spellings of ourselves that are remembered (127.0.0.0/8 has many).
const OURSELVES_MAX: u32 = 256;

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

/// Everything counted in a stretch of the log.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    v4: HashMap<HostKey, u32, Folding>,
    v6: HashMap<(Kind, Ipv6Addr), u32, Folding>,
    names: HashMap<(Kind, Box<str>), u32>,
    peers: Vec<PeerTally>,
    /// As many as `peers`.
    rest: Vec<PeerRest>,
    ourselves: u32,
    domain_names: Vec<Box<str>>,
    domain_index: HashMap<Box<str>, u32>,
    routes: Vec<RouteTally>,
    waiting: Waiting,
    pub(super) lines: LineCounts,
    /// For lower-casing a domain.
    scratch: String,
}

impl Tally {
    pub(super) fn sent(&mut self, host: HostRef<'_>, line: &Sent<'_>, second: i64) {
        let Some(index) = self.peer(Kind::Outbound, host) else {
            return;
        };
        let id = MessageId::of(line.queue_id);
        self.tried(index, id, line.recipient, (line.outcome, line.status), second);
    }

    fn tried(&mut self, index: u32, id: MessageId, recipient: &[u8], (outcome, status): (Outcome, &[u8]), second: i64) {
        if outcome == Outcome::Delivered {
            return self.delivered(index, id, recipient, second);
        }
        self.domain(index, recipient, false);
        let (Some(peer), Some(rest)) = (self.peers.get_mut(index as usize), self.rest.get_mut(index as usize)) else {
            return;
        };
        match outcome {
            Outcome::Delayed => {
                let new = self.waiting.delay(index, id.key, || rest.ring.has(id));
                if new {
                    peer.waits = true;
                    rest.delayed = rest.delayed.saturating_add(1);
                }
                rest.trouble.get_or_insert_default().see(second, status, new);
            }
            Outcome::Failed => {
                let waited = peer.waits && self.waiting.knows(index, id.key);
                let new = rest.fail(id) && !waited;
                rest.trouble.get_or_insert_default().see(second, status, new);
            }
            Outcome::Delivered | Outcome::Other => {}
        }
    }

    fn delivered(&mut self, index: u32, id: MessageId, recipient: &[u8], second: i64) {
        self.domain(index, recipient, true);
        let (Some(peer), Some(rest)) = (self.peers.get_mut(index as usize), self.rest.get_mut(index as usize)) else {
            return;
        };
        let counted_before = peer.waits && self.waiting.deliver(index, id.key);
        peer.delivered.add(&mut rest.ring, id, !counted_before);
        peer.other.see(second);
    }

    pub(super) fn received(&mut self, host: HostRef<'_>, service: Service, line: &Received<'_>, second: i64) {
        let Some(index) = self.peer(Kind::Inbound(service), host) else {
            return;
        };
        self.taken_in(index, MessageId::of(line.queue_id), (line.user, line.tls), second);
    }

    fn taken_in(&mut self, index: u32, id: MessageId, (user, tls): (bool, bool), second: i64) {
        let (Some(peer), Some(rest)) = (self.peers.get_mut(index as usize), self.rest.get_mut(index as usize)) else {
            return;
        };
        peer.delivered.add(&mut rest.ring, id, true);
        peer.authenticated |= user;
        let span = if tls { &mut peer.with_tls } else { &mut peer.other };
        span.see(second);
    }

    /// The number of the peer of a line of the usual shape, if it has one by now.
    pub(super) fn find(&self, line: &Common<'_>) -> Option<u32> {
        match line {
            Common::Sent { host, .. } | Common::Received { host, .. } => self.v4.get(host).copied(),
            Common::Made => Some(OURSELVES),
        }
    }

    /// Looks at the peers with these numbers, so that their counters are near when they are counted.
    pub(super) fn fetch(&self, numbers: &[Option<u32>]) {
        let look = |n: &u32| {
            let (peer, rest) = (self.peers.get(*n as usize)?, self.rest.get(*n as usize)?);
            Some(peer.delivered.oldest(&rest.ring))
        };
        std::hint::black_box(numbers.iter().flatten().filter_map(look).fold(0, |all, id| all ^ id));
    }

    /// Counts a line of the usual shape, if its peer is known by now; tells whether it was. `index`: what [`Self::find`] said
    /// of it not long ago.
    pub(super) fn common(&mut self, index: Option<u32>, line: &Common<'_>, second: i64) -> bool {
        let Some(index) = index.or_else(|| self.find(line)) else {
            return false;
        };
        if index == OURSELVES {
            return true;
        }
        self.lines.used += 1;
        match *line {
            Common::Sent {
                id,
                recipient,
                outcome,
                status,
                ..
            } => self.tried(index, id, recipient, (outcome, status), second),
            Common::Received { id, user, tls, .. } => self.taken_in(index, id, (user, tls), second),
            Common::Made => {}
        }
        true
    }

    /// Remembers that this host is ourselves, so that its next line can be passed over quickly.
    pub(super) fn ourselves(&mut self, kind: Kind, address: IpAddr) {
        if let IpAddr::V4(address) = address
            && self.ourselves < OURSELVES_MAX
            && self.v4.insert(HostKey::of(kind, address), OURSELVES).is_none()
        {
            self.ourselves += 1;
        }
    }

    fn peer(&mut self, kind: Kind, host: HostRef<'_>) -> Option<u32> {
        let known = match host {
            HostRef::Address(IpAddr::V4(address)) => self.v4.get(&HostKey::of(kind, address)).copied(),
            HostRef::Address(IpAddr::V6(address)) => self.v6.get(&(kind, address)).copied(),
            // The tuple key needs an owned name to look up; names are rare ("log hostnames" is off by default).
            HostRef::Name(name) => self.names.get(&(kind, Box::from(name))).copied(),
        };
        // What once was ourselves may be a peer by now: a follow-up scan is told anew who we are.
        let known = known.filter(|index| *index != OURSELVES);
        if known.is_some() {
            self.lines.used += 1;
            return known;
        }
        if self.peers.len() >= PEERS_MAX {
            self.lines.beyond_cap += 1;
            return None;
        }
        let index = u32::try_from(self.peers.len()).ok()?;
        self.peers.push(PeerTally::default());
        match host {
            HostRef::Address(IpAddr::V4(address)) => self.v4.insert(HostKey::of(kind, address), index),
            HostRef::Address(IpAddr::V6(address)) => self.v6.insert((kind, address), index),
            HostRef::Name(name) => self.names.insert((kind, name.into()), index),
        };
        let host = match host {
            HostRef::Address(address) => PeerHost::Address(address),
            HostRef::Name(name) => PeerHost::Name(name.into()),
        };
        self.rest.push(PeerRest::new(kind, host));
        self.lines.used += 1;
        Some(index)
    }

    /// Notes that the recipient's domain is a name of this peer, and whether it `took` the mail: only then is it on the domain's route.
    fn domain(&mut self, peer: u32, recipient: &[u8], took: bool) {
        let Some(at) = memchr::memrchr(b'@', recipient) else {
            return;
        };
        let Some(domain) = recipient.get(at + 1..) else { return };
        let key = identity(domain);
        let (Some(tally), Some(rest)) = (self.peers.get_mut(peer as usize), self.rest.get_mut(peer as usize)) else {
            return;
        };
        if tally.last_domain == short(key) {
            return;
        }
        if let Some(place) = rest.domains.iter().position(|(known, _)| *known == key) {
            if took {
                tally.last_domain = short(key);
            }
            if took && rest.took & bit(place) == 0 {
                rest.took |= bit(place);
                let number = rest.domains.get(place).map(|(_, number)| *number);
                if let Some(route) = number.and_then(|number| self.routes.get_mut(number as usize)) {
                    route.add(peer);
                }
            }
            return;
        }
        let legal = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        if domain.is_empty() || domain.len() > 253 || !domain.iter().all(legal) {
            return;
        }
        let Ok(domain) = std::str::from_utf8(domain) else {
            return;
        };
        self.scratch.clear();
        self.scratch.push_str(domain);
        self.scratch.make_ascii_lowercase();
        let Some(index) = Self::domain_number(
            &mut self.domain_index,
            &mut self.domain_names,
            &mut self.routes,
            &self.scratch,
        ) else {
            return;
        };
        if let Some(route) = self.routes.get_mut(index as usize).filter(|_| took) {
            route.add(peer);
        }
        if took {
            tally.last_domain = short(key);
        }
        rest.name(key, index, took);
    }

    fn domain_number(
        index: &mut HashMap<Box<str>, u32>,
        names: &mut Vec<Box<str>>,
        routes: &mut Vec<RouteTally>,
        domain: &str,
    ) -> Option<u32> {
        if let Some(known) = index.get(domain) {
            return Some(*known);
        }
        if names.len() >= DOMAINS_MAX {
            return None;
        }
        let number = u32::try_from(names.len()).ok()?;
        index.insert(domain.into(), number);
        names.push(domain.into());
        routes.push(RouteTally::default());
        Some(number)
    }

    /// Every peer, in the order of their numbers.
    pub(super) fn peers(&self) -> impl Iterator<Item = (&PeerTally, &PeerRest)> {
        self.peers.iter().zip(&self.rest)
    }

    /// The name of a domain by its number.
    pub(super) fn domain_name(&self, number: u32) -> Option<&str> {
        self.domain_names.get(number as usize).map(|name| &**name)
    }

    /// Every domain with its route.
    pub(super) fn routes(&self) -> impl Iterator<Item = (&str, &RouteTally)> {
        self.domain_names.iter().map(|name| &**name).zip(&self.routes)
    }

    /// Whether some delayed messages could be counted more than once.
    pub(super) const fn waiting_overflowed(&self) -> bool {
        self.waiting.overflowed()
    }

    /// Whether some domains are not kept.
    pub(super) fn domains_overflowed(&self) -> bool {
        self.domain_names.len() >= DOMAINS_MAX
    }
}
