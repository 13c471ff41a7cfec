//! Which domains' mail a peer takes, and which peers take a domain's.

use std::collections::HashMap;

use super::Tally;
use crate::peers::log::counts::{RouteTally, bit};
use crate::peers::log::distinct::short;

/// Most recipient domains whose routes are kept.
const DOMAINS_MAX: usize = 100_000;

impl Tally {
    /// Notes that the recipient's domain is a name of this peer, and whether it `took` the mail: only then is it on the domain's route.
    pub(super) fn domain(&mut self, peer: u32, (domain, key): (&[u8], u64), took: bool) {
        let (Some(tally), Some(rest)) = (self.peers.get_mut(peer as usize), self.rest.get_mut(peer as usize)) else {
            return;
        };
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

    pub(super) fn domain_number(
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

    /// The name of a domain by its number.
    pub(in crate::peers::log) fn domain_name(&self, number: u32) -> Option<&str> {
        self.domain_names.get(number as usize).map(|name| &**name)
    }

    /// Every domain with its route.
    pub(in crate::peers::log) fn routes(&self) -> impl Iterator<Item = (&str, &RouteTally)> {
        self.domain_names.iter().map(|name| &**name).zip(&self.routes)
    }

    /// Whether some domains are not kept.
    pub(in crate::peers::log) fn domains_overflowed(&self) -> bool {
        self.domain_names.len() >= DOMAINS_MAX
    }
}
