//! Counting each message once without remembering every message.
//!
//! "Messages" are distinct Queue-IDs, but a Queue-ID repeats: one line per recipient, and again when a delayed delivery is
//! tried later. A set of all Queue-IDs would grow with the log. Two facts of the engine's work bound it:
//! - the lines of one message to one host stand close together: the last [`RECENT`] identities *of that peer* are
//!   remembered, so a repetition counts again only if 32 other messages to the same peer stand between;
//! - what comes back after hours was delayed first, and said so: delayed messages are remembered exactly, up to
//!   [`WAITING_MAX`] at a time over all peers (about 8 MB); past it a delayed message can count at every try, and the
//!   reader says so.
//!
//! Stretches of the log that were read side by side are joined in the order of time; the first identities of the newer
//! are held against the last of the older, so that a cut through a message's lines does not count it twice.

use std::collections::HashMap;

use super::hash::Folding;

/// Identities remembered per peer: two cache lines.
const RECENT: usize = 32;
/// Delayed messages remembered, over all peers.
const WAITING_MAX: usize = 1 << 18;

/// An odd number with bits all over: 2^64 divided by the golden ratio.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// A 64-bit identity of a Queue-ID or domain, without regard to the case of letters.
pub(super) fn identity(text: &[u8]) -> u64 {
    let (words, rest) = text.as_chunks::<8>();
    let mut state = MIX ^ text.len() as u64;
    let mut fold = |word: u64| {
        // Bit 5 is what differs between cases; digits and `-` have it set already.
        state = (state ^ (word | 0x2020_2020_2020_2020)).wrapping_mul(MIX);
        state ^= state >> 29;
    };
    for word in words {
        fold(u64::from_le_bytes(*word));
    }
    let mut last = [0_u8; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    fold(u64::from_le_bytes(last));
    state ^ (state >> 32)
}

/// A count of distinct identities, see the module. Of an identity 32 bits are remembered: that two of 33 are the same by
/// chance happens once in tens of millions of messages.
///
/// It lies in one piece, without a pointer to follow, since every line looks at one of thousands of these.
#[derive(Debug, Clone, Default)]
pub(super) struct Distinct {
    /// The last identities, as a ring; 0 where there is none yet.
    recent: [u32; RECENT],
    /// The first ones, kept when the ring begins to overwrite them. None of them was a repetition: that would have been
    /// found in the ring. Only a newer count's are asked for, so joining does not keep them up.
    first: Option<Box<[u32; RECENT]>>,
    /// Ends at four thousand million.
    count: u32,
    next: u8,
}

impl Distinct {
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    pub(super) fn has_recent(&self, id: u64) -> bool {
        holds(&self.recent, short(id))
    }

    /// Sees an identity; counts it if it is new and `counts`. Tells whether it was new.
    pub(super) fn add(&mut self, id: u64, counts: bool) -> bool {
        let id = short(id);
        if holds(&self.recent, id) {
            return false;
        }
        self.count = self.count.saturating_add(u32::from(counts));
        self.remember(id);
        true
    }

    fn remember(&mut self, id: u32) {
        let full = self.recent.get(usize::from(self.next)).is_some_and(|slot| *slot != 0);
        if full && self.first.is_none() {
            self.first = Some(Box::new(self.recent));
        }
        if let Some(slot) = self.recent.get_mut(usize::from(self.next)) {
            *slot = id;
            self.next = (self.next + 1) % (RECENT as u8);
        }
    }

    pub(super) fn forget(&mut self, count: u32) {
        self.count = self.count.saturating_sub(count);
    }

    pub(super) fn absorb_newer(&mut self, newer: &Self) {
        let first = newer.first.as_deref().unwrap_or(&newer.recent);
        let repeated = first.iter().filter(|id| **id != 0 && holds(&self.recent, **id)).count();
        self.count = self.count.saturating_add(newer.count.saturating_sub(repeated as u32));
        let (later, earlier) = newer
            .recent
            .split_at_checked(usize::from(newer.next))
            .unwrap_or_default();
        for id in earlier.iter().chain(later) {
            if *id != 0 && !holds(&self.recent, *id) {
                self.remember(*id);
            }
        }
    }
}

/// What is remembered of an identity; never 0.
const fn short(id: u64) -> u32 {
    match id as u32 {
        0 => u32::MAX,
        id => id,
    }
}

/// Looks at all of them, without leaving early: the compiler makes vector compares of that.
fn holds(ids: &[u32; RECENT], id: u32) -> bool {
    ids.iter().fold(false, |found, other| found | (*other == id))
}

/// Messages that were delayed, by peer, and whether each was (also) delivered.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting {
    entries: HashMap<(u32, u64), bool, Folding>,
    overflowed: bool,
}

/// What became of an entry of a newer stretch.
pub(super) enum Merged {
    New,
    Known { delivered_twice: bool },
}

impl Waiting {
    pub(super) fn knows(&self, peer: u32, id: u64) -> bool {
        self.entries.contains_key(&(peer, id))
    }

    /// Notes a delivery; true if it was delayed before and a delivery to another recipient counted already.
    pub(super) fn deliver(&mut self, peer: u32, id: u64) -> bool {
        self.entries
            .get_mut(&(peer, id))
            .is_some_and(|delivered| std::mem::replace(delivered, true))
    }

    /// Notes a delay; true if it is the message's first.
    pub(super) fn delay(&mut self, peer: u32, id: u64, delivered: impl FnOnce() -> bool) -> bool {
        if self.knows(peer, id) {
            return false;
        }
        if self.entries.len() >= WAITING_MAX {
            self.overflowed = true;
        } else {
            self.entries.insert((peer, id), delivered());
        }
        true
    }

    pub(super) fn merge(&mut self, peer: u32, id: u64, delivered: bool) -> Merged {
        if let Some(mine) = self.entries.get_mut(&(peer, id)) {
            let delivered_twice = *mine && delivered;
            *mine |= delivered;
            return Merged::Known { delivered_twice };
        }
        if self.entries.len() >= WAITING_MAX {
            self.overflowed = true;
        } else {
            self.entries.insert((peer, id), delivered);
        }
        Merged::New
    }

    pub(super) fn into_entries(self) -> impl Iterator<Item = (u32, u64, bool)> {
        self.entries
            .into_iter()
            .map(|((peer, id), delivered)| (peer, id, delivered))
    }

    pub(super) const fn overflowed(&self) -> bool {
        self.overflowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_repetition_among_30_other_messages_counts_once() {
        let mut seen = Distinct::default();
        for n in 0..1000_u64 {
            seen.add(n, true);
            seen.add(n.saturating_sub(30), true);
        }
        assert_eq!(seen.count(), 1000);
        assert!(size_of_val(&seen) <= 4 * RECENT + 16 && seen.first.is_some_and(|first| first.len() <= RECENT));
    }

    #[test]
    fn identities_do_not_regard_case_and_differ_by_length() {
        assert_eq!(identity(b"63073369-0000000A"), identity(b"63073369-0000000a"));
        assert_ne!(identity(b"a"), identity(b"a\0"));
        assert_ne!(identity(b"63073369-00000001"), identity(b"63073369-00000002"));
    }

    #[test]
    fn a_message_is_delayed_once_and_delivered_once() {
        let mut waiting = Waiting::default();
        assert!(waiting.delay(1, 7, || false));
        assert!(!waiting.delay(1, 7, || false));
        assert!(!waiting.deliver(1, 7));
        assert!(waiting.deliver(1, 7));
        assert!(!waiting.deliver(2, 7));
    }

    proptest! {
        #[test]
        fn a_log_cut_in_two_counts_as_the_whole(ids in prop::collection::vec(0_u64..30, 0..200), cut in 0_usize..200) {
            let cut = cut.min(ids.len());
            let count = |ids: &[u64]| {
                let mut seen = Distinct::default();
                ids.iter().for_each(|id| { seen.add(*id, true); });
                seen
            };
            let whole = count(&ids);
            let mut parts = count(&ids[..cut]);
            parts.absorb_newer(&count(&ids[cut..]));
            prop_assert_eq!(whole.count(), parts.count());
        }
    }
}
