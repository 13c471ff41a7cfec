//! The recipient domains of a stretch of the log, each with a number and the peers that took its mail.

use std::collections::HashMap;

use super::counts::RouteTally;

/// Most recipient domains whose routes are kept.
const DOMAINS_MAX: usize = 100_000;

/// Domains by number and by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Domains {
    names: Vec<Box<str>>,
    index: HashMap<Box<str>, u32>,
    /// As many as `names`.
    routes: Vec<RouteTally>,
    /// For lower-casing a domain.
    scratch: String,
}

impl Domains {
    /// The number of a domain as a stranger wrote it; `None`: it is no domain, or there is no room.
    pub(super) fn number_of(&mut self, domain: &[u8]) -> Option<u32> {
        let legal = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        if domain.is_empty() || domain.len() > 253 || !domain.iter().all(legal) {
            return None;
        }
        let mut lower = std::mem::take(&mut self.scratch);
        lower.clear();
        lower.push_str(std::str::from_utf8(domain).ok()?);
        lower.make_ascii_lowercase();
        let number = self.number(&lower);
        self.scratch = lower;
        number
    }

    /// The number of a domain in lower case.
    fn number(&mut self, domain: &str) -> Option<u32> {
        if let Some(known) = self.index.get(domain) {
            return Some(*known);
        }
        if self.overflowed() {
            return None;
        }
        let number = u32::try_from(self.names.len()).ok()?;
        self.index.insert(domain.into(), number);
        self.names.push(domain.into());
        self.routes.push(RouteTally::default());
        Some(number)
    }

    /// The name of a domain by its number.
    pub(super) fn name(&self, number: u32) -> Option<&str> {
        self.names.get(number as usize).map(|name| &**name)
    }

    pub(super) fn route_mut(&mut self, number: u32) -> Option<&mut RouteTally> {
        self.routes.get_mut(number as usize)
    }

    /// Every domain with its route.
    pub(super) fn routes(&self) -> impl Iterator<Item = (&str, &RouteTally)> {
        self.names.iter().map(|name| &**name).zip(&self.routes)
    }

    /// Whether some domains are not kept.
    pub(super) fn overflowed(&self) -> bool {
        self.names.len() >= DOMAINS_MAX
    }

    /// Gives each domain of a newer stretch a number here; what it has there leads to it.
    pub(super) fn absorb_names(&mut self, newer: &Self) -> Vec<Option<u32>> {
        newer.names.iter().map(|domain| self.number(domain)).collect()
    }

    /// Adds the routes of a newer stretch: `domains` and `peers` say which number of that stretch is which one here.
    pub(super) fn absorb_routes(&mut self, newer: Self, domains: &[Option<u32>], peer: impl Fn(u32) -> Option<u32>) {
        for (route, domain) in newer.routes.into_iter().zip(domains) {
            let Some(mine) = domain.and_then(|number| self.route_mut(number)) else {
                continue;
            };
            mine.overflow |= route.overflow;
            for number in route.peers {
                match peer(number) {
                    Some(number) => mine.add(number),
                    None => mine.overflow = true,
                }
            }
        }
    }
}
