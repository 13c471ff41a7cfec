//! A quick hash for addresses, seeded at random.
//!
//! The standard hash costs as much as reading a line. Strangers choose addresses, so the seed is not theirs to know; all that a
//! collision costs is time, and what is counted does not depend on the order of a map.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Builds [`Fold`]s with one seed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Folding(u64);

impl Default for Folding {
    fn default() -> Self {
        Self(RandomState::new().hash_one(0_u8))
    }
}

impl BuildHasher for Folding {
    type Hasher = Fold;

    fn build_hasher(&self) -> Fold {
        Fold(self.0)
    }
}

/// Multiplies each word (of 16 bytes: its halves) into 128 bits and folds the halves.
#[derive(Debug)]
pub(super) struct Fold(u64);

impl Fold {
    fn word(&mut self, word: u64) {
        let wide = u128::from(self.0 ^ word) * u128::from(0x9e37_79b9_7f4a_7c15_u64);
        self.0 = (wide as u64) ^ ((wide >> 64) as u64);
    }
}

impl Hasher for Fold {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        let rest = rest.iter().fold(0_u64, |all, byte| (all << 8) | u64::from(*byte));
        self.word(rest ^ ((bytes.len() as u64) << 56));
    }

    fn write_u64(&mut self, n: u64) {
        self.word(n);
    }

    fn write_u128(&mut self, n: u128) {
        let wide = u128::from(self.0 ^ n as u64) * u128::from((n >> 64) as u64 ^ 0x9e37_79b9_7f4a_7c15);
        self.0 = (wide as u64) ^ ((wide >> 64) as u64);
    }

    fn write_usize(&mut self, n: usize) {
        self.word(n as u64);
    }

    fn write_isize(&mut self, n: isize) {
        self.word(n.cast_unsigned() as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
