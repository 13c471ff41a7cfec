//! The number of a peer by its key, in four bytes a place: the keys themselves lie where the counters are, which a line comes to
//! anyway. (A map that holds the keys took 24 bytes a place; a fifth of a scan, sampled by perf, was spent on it and on waiting for counters.)

/// Bits of a place that hold a number and one more; the others are those of its hash that did not choose the place.
const NUMBER: u32 = 18;
const MASK: u32 = (1 << NUMBER) - 1;
/// Numbers are below this.
pub(super) const LIMIT: u32 = MASK;
const SMALLEST: usize = 64;

/// A table of numbers. Whoever holds the keys says which number has which.
#[derive(Debug, Clone, Default)]
pub(super) struct Numbers {
    /// As many as a power of two, at most half of them taken. 0: free.
    places: Vec<u32>,
    taken: usize,
}

impl Numbers {
    /// The number whose key has this hash and `is` it.
    #[inline]
    pub(super) fn find(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        let (_, place) = self.place(hash, is)?;
        number(place)
    }

    /// Adds a number, or puts it in the place of the one that has the key now. `hash_of`: of the key of any number in here.
    pub(super) fn put(&mut self, hash: u64, number: u32, is: impl Fn(u32) -> bool, hash_of: impl Fn(u32) -> u64) {
        if (self.taken + 1) * 2 > self.places.len() {
            self.grow(hash_of);
        }
        if let Some((at, before)) = self.place(hash, is)
            && let Some(place) = self.places.get_mut(at)
        {
            *place = tag(hash) | number.saturating_add(1).min(MASK);
            self.taken += usize::from(before == 0);
        }
    }

    fn grow(&mut self, hash_of: impl Fn(u32) -> u64) {
        let size = (self.places.len() * 2).max(SMALLEST);
        let before = std::mem::replace(&mut self.places, vec![0; size]);
        for number in before.into_iter().filter_map(number) {
            let hash = hash_of(number);
            if let Some((at, _)) = self.place(hash, |_| false)
                && let Some(place) = self.places.get_mut(at)
            {
                *place = tag(hash) | (number + 1);
            }
        }
    }

    /// The place of a key, or the free one where it belongs, and what is in it; `None` while there are no places.
    #[inline]
    fn place(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<(usize, u32)> {
        let mut at = hash as usize;
        loop {
            at &= self.places.len().wrapping_sub(1);
            let place = *self.places.get(at)?;
            if place == 0 || (place & !MASK == tag(hash) && number(place).is_some_and(&is)) {
                return Some((at, place));
            }
            at += 1;
        }
    }
}

const fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32 & !MASK
}

fn number(place: u32) -> Option<u32> {
    (place & MASK).checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        /// With few hashes, so that many keys want the same place.
        #[test]
        fn it_answers_as_a_map_does(steps in prop::collection::vec((0_u64..400, any::<bool>()), 0..900), spread in any::<u64>()) {
            let hash = |key: u64| (key / 3).wrapping_mul(spread);
            let (mut numbers, mut keys, mut map) = (Numbers::default(), Vec::new(), HashMap::new());
            for (key, add) in steps {
                let is = |number: u32| keys.get(number as usize) == Some(&key);
                prop_assert_eq!(numbers.find(hash(key), is), map.get(&key).copied());
                if add {
                    let number = u32::try_from(keys.len()).unwrap();
                    let before = map.insert(key, number);
                    numbers.put(hash(key), number, |n| Some(n) == before, |n| hash(keys[n as usize]));
                    keys.push(key);
                }
            }
        }
    }
}
