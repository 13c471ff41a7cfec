//! What a stretch of the log says, peer by peer. Its size grows with the peers and not with the lines.

use std::collections::HashMap;
use std::net::IpAddr;

use super::counts::{LineCounts, PeerTally, RouteTally, bit};
use super::distinct::{Merged, Waiting, identity};
use super::hash::Folding;
use super::line::{Outcome, Received, Sent};
use crate::peers::Service;

/// Most peers kept; what is beyond is counted and said.
pub(super) const PEERS_MAX: usize = 200_000;
/// Most recipient domains whose routes are kept.
const DOMAINS_MAX: usize = 100_000;
/// Which peer: direction and service in one, and the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Outbound,
    Inbound(Service),
}

/// A host as the hot path has it.
#[derive(Debug, Clone, Copy)]
pub(super) enum HostRef<'a> {
    Address(IpAddr),
    /// Lower case, checked.
    Name(&'a str),
}

/// Everything counted in a stretch of the log.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    addresses: HashMap<(Kind, IpAddr), u32, Folding>,
    names: HashMap<(Kind, Box<str>), u32>,
    peers: Vec<PeerTally>,
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
        let id = identity(line.queue_id);
        self.domain(index, line.recipient, matches!(line.outcome, Outcome::Delivered));
        let Some(peer) = self.peers.get_mut(index as usize) else {
            return;
        };
        match line.outcome {
            Outcome::Delivered => {
                let counted_before = peer.waiting > 0 && self.waiting.deliver(index, id);
                peer.delivered.add(id, !counted_before);
                peer.mail.see(second);
            }
            Outcome::Delayed => {
                let new = self.waiting.delay(index, id, || peer.delivered.has_recent(id));
                if new {
                    peer.waiting = peer.waiting.saturating_add(1);
                    peer.delayed = peer.delayed.saturating_add(1);
                }
                peer.trouble.get_or_insert_default().see(second, line.status, new);
            }
            Outcome::Failed => {
                let waited = peer.waiting > 0 && self.waiting.knows(index, id);
                let new = peer.failed.add(id, true) && !waited;
                peer.trouble.get_or_insert_default().see(second, line.status, new);
            }
            Outcome::Other => {}
        }
    }

    pub(super) fn received(&mut self, host: HostRef<'_>, service: Service, line: &Received<'_>, second: i64) {
        let Some(index) = self.peer(Kind::Inbound(service), host) else {
            return;
        };
        let Some(peer) = self.peers.get_mut(index as usize) else {
            return;
        };
        peer.delivered.add(identity(line.queue_id), true);
        peer.mail.see(second);
        peer.authenticated |= line.user;
        if line.tls {
            peer.with_tls.see(second);
        } else if service == Service::Smtp {
            peer.plain.see(second);
        }
    }

    fn peer(&mut self, kind: Kind, host: HostRef<'_>) -> Option<u32> {
        let known = match host {
            HostRef::Address(address) => self.addresses.get(&(kind, address)).copied(),
            // The tuple key needs an owned name to look up; names are rare ("log hostnames" is off by default).
            HostRef::Name(name) => self.names.get(&(kind, Box::from(name))).copied(),
        };
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
            HostRef::Address(address) => self.addresses.insert((kind, address), index),
            HostRef::Name(name) => self.names.insert((kind, name.into()), index),
        };
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
        let Some(tally) = self.peers.get_mut(peer as usize) else {
            return;
        };
        if let Some(place) = tally.domains.iter().position(|(known, _)| *known == key) {
            if took && tally.took & bit(place) == 0 {
                tally.took |= bit(place);
                let number = tally.domains.get(place).map(|(_, number)| *number);
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
        if let Some(tally) = self.peers.get_mut(peer as usize) {
            tally.name(key, index, took);
        }
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

    /// Adds a stretch that comes after this one in time.
    pub(super) fn absorb_newer(&mut self, newer: Self) {
        if self.peers.is_empty() {
            let lines = self.lines;
            *self = newer;
            self.lines.absorb(lines);
            return;
        }
        self.lines.absorb(newer.lines);
        let mut hosts: Vec<(u32, Kind, Result<IpAddr, Box<str>>)> = newer
            .addresses
            .into_iter()
            .map(|((kind, address), i)| (i, kind, Ok(address)))
            .chain(newer.names.into_iter().map(|((kind, name), i)| (i, kind, Err(name))))
            .collect();
        // In order of first sight, so that the cap falls on the same peers in every run.
        hosts.sort_unstable_by_key(|(i, ..)| *i);
        let used = self.lines.used;
        let domains: Vec<Option<u32>> = newer
            .domain_names
            .iter()
            .map(|d| Self::domain_number(&mut self.domain_index, &mut self.domain_names, &mut self.routes, d))
            .collect();
        let mut numbers: HashMap<u32, u32> = HashMap::with_capacity(hosts.len());
        let mut peers = newer.peers;
        for (old, kind, host) in hosts {
            let host = match &host {
                Ok(address) => HostRef::Address(*address),
                Err(name) => HostRef::Name(name),
            };
            let Some(index) = self.peer(kind, host) else { continue };
            numbers.insert(old, index);
            if let (Some(mine), Some(other)) = (self.peers.get_mut(index as usize), peers.get_mut(old as usize)) {
                mine.absorb_newer(std::mem::take(other), &domains);
            }
        }
        self.lines.used = used;
        for (route, domain) in newer.routes.into_iter().zip(&domains) {
            let Some(mine) = domain.and_then(|d| self.routes.get_mut(d as usize)) else {
                continue;
            };
            mine.overflow |= route.overflow;
            for peer in route.peers {
                match numbers.get(&peer) {
                    Some(peer) => mine.add(*peer),
                    None => mine.overflow = true,
                }
            }
        }
        for (peer, id, delivered) in newer.waiting.into_entries() {
            let Some(index) = numbers.get(&peer) else { continue };
            let Some(tally) = self.peers.get_mut(*index as usize) else {
                continue;
            };
            match self.waiting.merge(*index, id, delivered) {
                Merged::New => tally.waiting = tally.waiting.saturating_add(1),
                Merged::Known { delivered_twice } => {
                    tally.delayed = tally.delayed.saturating_sub(1);
                    tally.delivered.forget(u64::from(delivered_twice));
                }
            }
        }
    }

    /// Every peer with its host.
    pub(super) fn peers(&self) -> impl Iterator<Item = (Kind, HostRef<'_>, u32, &PeerTally)> {
        let addresses = self
            .addresses
            .iter()
            .map(|((kind, a), i)| (*kind, HostRef::Address(*a), *i));
        let names = self.names.iter().map(|((kind, n), i)| (*kind, HostRef::Name(n), *i));
        addresses
            .chain(names)
            .filter_map(|(kind, host, i)| self.peers.get(i as usize).map(|peer| (kind, host, i, peer)))
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
