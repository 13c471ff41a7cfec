//! Joining what two stretches of the log say.

use super::Tally;
use crate::peers::log::distinct::Merged;

impl Tally {
    /// Adds a stretch that comes after this one in time.
    pub(in crate::peers::log) fn absorb_newer(&mut self, newer: Self) {
        if self.peers.is_empty() {
            let lines = self.lines;
            *self = newer;
            self.lines.absorb(lines);
            return;
        }
        self.lines.absorb(newer.lines);
        let used = self.lines.used;
        let domains: Vec<Option<u32>> = newer
            .domain_names
            .iter()
            .map(|d| Self::domain_number(&mut self.domain_index, &mut self.domain_names, &mut self.routes, d))
            .collect();
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
        self.lines.used = used;
        for (route, domain) in newer.routes.into_iter().zip(&domains) {
            let Some(mine) = domain.and_then(|d| self.routes.get_mut(d as usize)) else {
                continue;
            };
            mine.overflow |= route.overflow;
            for peer in route.peers {
                match number(peer) {
                    Some(peer) => mine.add(peer),
                    None => mine.overflow = true,
                }
            }
        }
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
}
