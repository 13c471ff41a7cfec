//! Counting each message once without remembering every message.
//!
//! "Messages" are distinct Queue-IDs, but a Queue-ID repeats: one line per recipient, and again when a delayed delivery is
//! tried later. A set of all Queue-IDs would grow with the log. Two facts of the engine's work bound it:
//! - the lines of one message to one host stand close together: the last [`RECENT`] identities *of that peer* are
//!   remembered, so a repetition counts again only if 32 other messages to the same peer stand between (and the newest of all not
//!   even then);
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

/// Bit 5 of each byte is what differs between cases; digits and `-` have it set already.
const SMALL: u64 = u64::from_ne_bytes([0x20; 8]);

/// A 64-bit identity of a Queue-ID or domain, without regard to the case of letters.
pub(super) fn identity(text: &[u8]) -> u64 {
    let (words, rest) = text.as_chunks::<8>();
    let mut state = MIX ^ text.len() as u64;
    let mut fold = |word: u64| {
        state = (state ^ (word | SMALL)).wrapping_mul(MIX);
        state ^= state >> 29;
    };
    for word in words {
        fold(u64::from_le_bytes(*word));
    }
    // The last eight bytes again, whatever of them was in a word: no loop that is of another length each time.
    fold(match text.last_chunk() {
        Some(last) => u64::from_le_bytes(*last),
        None => rest.iter().fold(0, |all, byte| (all << 8) | u64::from(*byte)),
    });
    state ^ (state >> 32)
}

/// A Queue-ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MessageId {
    /// Which message it is.
    pub(super) key: u64,
    /// The digits of both halves, taken in turns, as one number, without regard to case. The engine's are the time and a counter in
    /// hexadecimal, and where neither goes back their mixture does not either: a new message comes after all before it, as a rule;
    /// nothing is wrong where it does not. 0 for an id of another shape.
    order: u64,
}

impl MessageId {
    pub(super) fn of(text: &[u8]) -> Self {
        match text.first_chunk() {
            Some(usual) if text.len() == 17 => Self::usual(usual),
            _ => Self {
                key: identity(text),
                order: 0,
            },
        }
    }

    /// Of eight hexadecimal digits, a hyphen, and eight more (or whatever stands there: the same text has the same order).
    #[inline]
    pub(super) fn usual(text: &[u8; 17]) -> Self {
        let [a, b, c, d, e, f, g, h, hyphen, last @ ..] = *text;
        let first = u64::from_be_bytes([a, b, c, d, e, f, g, h]) | SMALL;
        let last = u64::from_be_bytes(last) | SMALL;
        let wide = u128::from(first ^ MIX ^ u64::from(hyphen)) * u128::from(last ^ MIX.rotate_left(32));
        Self {
            key: (wide as u64) ^ ((wide >> 64) as u64),
            order: values(first) << 4 | values(last),
        }
    }
}

/// The values of eight hexadecimal digits, each in its byte.
const fn values(digits: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    // A letter has bit 6, and comes nine after the digit with the same lower half.
    (digits & (ONES * 0xf)) + ((digits >> 6) & ONES) * 9
}

/// A count of distinct identities, see the module; what every line of a peer looks at. What it has seen lately is in its
/// [`Ring`], which is only written to as a rule: a message of a higher order than all before it cannot be in there.
#[derive(Debug, Clone, Default)]
pub(super) struct Distinct {
    /// The highest order seen.
    newest: u64,
    /// Of the identity that had it, if it was counted: a message to several recipients is itself again. 0: it is not. (Two that have one
    /// order are the same unless they are not hexadecimal.)
    latest: u16,
    /// Ends at four thousand million.
    count: u32,
    /// The place in the ring that is written next.
    next: u8,
}

/// The last identities. Of an identity 32 bits are remembered: that two of 33 are the same by chance happens once in tens of
/// millions of messages.
#[derive(Debug, Clone, Default)]
pub(super) struct Ring {
    /// 0 where there is none yet.
    recent: [u32; RECENT],
    /// The first ones, kept before the ring begins to overwrite them. None of them was a repetition: that would have been
    /// found in the ring. Only a newer count's are asked for, so joining does not keep them up.
    first: Option<Box<[u32; RECENT]>>,
}

impl Ring {
    pub(super) fn has(&self, id: MessageId) -> bool {
        holds(&self.recent, short(id.key))
    }
}

impl Distinct {
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// Whether none that was seen had so high an order: then this one was not among them.
    #[inline]
    pub(super) const fn is_new(&self, id: MessageId) -> bool {
        id.order > self.newest
    }

    /// Sees an identity that is not counted (yet).
    pub(super) const fn pass(&mut self, id: MessageId) {
        if id.order > self.newest {
            (self.newest, self.latest) = (id.order, 0);
        }
    }

    /// Sees an identity; counts it if it is new and `counts`. Tells whether it was new.
    #[inline]
    pub(super) fn add(&mut self, ring: &mut Ring, id: MessageId, counts: bool) -> bool {
        let short = short(id.key);
        let brief = (short >> 16) as u16 | 1;
        if id.order > self.newest {
            (self.newest, self.latest) = (id.order, brief);
        } else if (id.order, brief) == (self.newest, self.latest) || holds(&ring.recent, short) {
            return false;
        }
        self.count = self.count.saturating_add(u32::from(counts));
        self.remember(ring, short);
        true
    }

    #[inline]
    fn remember(&mut self, ring: &mut Ring, id: u32) {
        if let Some(slot) = ring.recent.get_mut(usize::from(self.next)) {
            *slot = id;
            self.next = (self.next + 1) % (RECENT as u8);
            // From here on it overwrites. Asked once a round only: `first` lies in a cache line that is not needed otherwise.
            if self.next == 0 && ring.first.is_none() {
                ring.first = Some(Box::new(ring.recent));
            }
        }
    }

    pub(super) fn forget(&mut self, count: u32) {
        self.count = self.count.saturating_sub(count);
    }

    pub(super) fn absorb_newer(&mut self, ring: &mut Ring, newer: &Self, newer_ring: &Ring) {
        let first = newer_ring.first.as_deref().unwrap_or(&newer_ring.recent);
        let repeated = first.iter().filter(|id| **id != 0 && holds(&ring.recent, **id)).count();
        self.count = self.count.saturating_add(newer.count.saturating_sub(repeated as u32));
        if newer.newest > self.newest {
            (self.newest, self.latest) = (newer.newest, newer.latest);
        }
        let (later, earlier) = newer_ring
            .recent
            .split_at_checked(usize::from(newer.next))
            .unwrap_or_default();
        for id in earlier.iter().chain(later) {
            if *id != 0 && !holds(&ring.recent, *id) {
                self.remember(ring, *id);
            }
        }
    }
}

/// What is remembered of an identity; never 0.
pub(super) const fn short(id: u64) -> u32 {
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

    fn numbered(n: u64) -> MessageId {
        MessageId::of(format!("{:08x}-{:08X}", n / 7, n % 7).as_bytes())
    }

    #[test]
    fn a_repetition_among_30_other_messages_counts_once() {
        let (mut seen, mut ring) = (Distinct::default(), Ring::default());
        for n in 0..1000_u64 {
            seen.add(&mut ring, numbered(n), true);
            seen.add(&mut ring, numbered(n.saturating_sub(30)), true);
        }
        assert_eq!(seen.count(), 1000);
        let size = size_of_val(&seen) + size_of_val(&ring);
        assert!(size <= 4 * RECENT + 32 && ring.first.is_some_and(|first| first.len() <= RECENT));
    }

    #[test]
    fn identities_do_not_regard_case_and_differ_by_length() {
        assert_eq!(MessageId::of(b"63073369-0000000A"), MessageId::of(b"63073369-0000000a"));
        assert_ne!(identity(b"a"), identity(b"a\0"));
        assert_ne!(identity(b"63073369-00000001"), identity(b"63073369-00000002"));
    }

    #[test]
    fn an_order_takes_the_digits_in_turns() {
        for (text, order) in [
            (b"63073369-0000000A", 0x6030_0070_3030_609a),
            (b"abcdefAB-CDEF0123", 0xacbd_cedf_e0f1_a2b3),
            (b"ffffffff-ffffffff", u64::MAX),
            (b"00000000-98765432", 0x0908_0706_0504_0302),
        ] {
            assert_eq!(MessageId::usual(text).order, order);
        }
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
                let (mut seen, mut ring) = (Distinct::default(), Ring::default());
                ids.iter().for_each(|id| { seen.add(&mut ring, numbered(*id), true); });
                (seen, ring)
            };
            let (whole, _) = count(&ids);
            let (mut parts, mut ring) = count(&ids[..cut]);
            let (newer, newer_ring) = count(&ids[cut..]);
            parts.absorb_newer(&mut ring, &newer, &newer_ring);
            prop_assert_eq!(whole.count(), parts.count());
        }

        #[test]
        fn a_ring_is_asked_only_where_it_could_know(ids in prop::collection::vec(0_u64..90, 0..400), ordered in any::<bool>()) {
            // In any order and with none at all, what is counted is what a list of the last identities says, and the one of the highest order.
            let (mut seen, mut ring) = (Distinct::default(), Ring::default());
            let (mut last, mut count, mut highest) = (Vec::new(), 0, 0);
            for id in ids {
                let id = MessageId { order: if ordered { id } else { 0 }, ..numbered(id) };
                let is_highest = id.order > 0 && id.order == highest;
                let new = !is_highest && !last.iter().rev().take(RECENT).any(|known| *known == id.key);
                highest = highest.max(id.order);
                if new {
                    last.push(id.key);
                    count += 1;
                }
                prop_assert_eq!(seen.add(&mut ring, id, true), new);
            }
            prop_assert_eq!(seen.count(), count);
        }
    }
}
