//! How letters stand in the bytes of a program: one by one or with zeros between, and how a word is found among them,
//! sixteen bytes at a time. It must never know what a name is for.

use wide::{u8x16, u16x8};

/// Bytes that are looked at in one go.
pub(super) const BLOCK: usize = 64;

/// A word, and two pairs of its letters by which it is found: one begins at an even distance from its start, one at an odd.
/// Wherever the word stands, one of them stands at an even place.
pub(super) struct Word {
    pub(super) letters: Vec<u8>,
    pub(super) pairs: [usize; 2],
}

/// Where one letter of an identifier goes on: every byte, or every second with zeros between (UTF-16LE).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Letters {
    Bytes,
    Wide,
}

impl Letters {
    pub(super) const fn step(self) -> usize {
        match self {
            Self::Bytes => 1,
            Self::Wide => 2,
        }
    }

    pub(super) fn at(self, bytes: &[u8], at: usize) -> Option<u8> {
        let byte = *bytes.get(at)?;
        (self == Self::Bytes || bytes.get(at + 1) == Some(&0)).then_some(byte)
    }

    /// Does a letter of the same run stand before this place? The last one of a text of bytes and its zero are no wide
    /// letter.
    pub(super) fn is_before(self, bytes: &[u8], at: usize) -> bool {
        let Some(before) = at.checked_sub(self.step()) else {
            return false;
        };
        let is_wide = || before.checked_sub(1).is_none_or(|high| bytes.get(high) == Some(&0));
        self.is_name(bytes, before) && (self == Self::Bytes || is_wide())
    }

    pub(super) fn is_name(self, bytes: &[u8], at: usize) -> bool {
        self.at(bytes, at)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    }
}

/// How often a letter stands in machine code, as far as that matters for choosing a rare pair (prefixes and jumps of
/// x86-64).
fn commonness(letter: u8) -> u32 {
    match letter.to_ascii_lowercase() {
        b'h' => 9,
        b'd' | b'l' | b'a' | b'e' => 4,
        b't' | b'u' | b'f' => 2,
        _ => 1,
    }
}

impl Word {
    /// `taken` has the pairs of other words: one that is there already costs nothing.
    pub(super) fn new(word: &str, taken: &[[u8; 2]]) -> Option<Self> {
        let letters = word.to_ascii_lowercase().into_bytes();
        let cost = |pair: &[u8]| {
            let is_taken = taken.iter().any(|other| other == pair);
            let common: u32 = pair.iter().map(|byte| commonness(*byte)).sum();
            (!is_taken, common)
        };
        let rarest = |odd: usize| {
            let pairs = letters.windows(2).enumerate().filter(|(at, _)| at % 2 == odd);
            pairs.min_by_key(|(_, pair)| cost(pair)).map(|(at, _)| at)
        };
        let pairs = [rarest(0)?, rarest(1)?];
        Some(Self { letters, pairs })
    }

    pub(super) fn stands(&self, bytes: &[u8], start: usize, letters: Letters) -> bool {
        let mut wanted = self.letters.iter().enumerate();
        wanted.all(|(index, letter)| {
            let byte = letters.at(bytes, start + index * letters.step());
            byte.is_some_and(|byte| byte.to_ascii_lowercase() == *letter)
        })
    }
}

/// Two letters, each with a zero behind it, at any place: so begins every text of wide letters.
#[inline]
pub(super) fn may_be_wide(block: &[u8; BLOCK + 16]) -> bool {
    let mut any = u8x16::ZERO;
    for index in 0..BLOCK / 16 {
        let [one, zero, next, zero_again] = [0, 1, 2, 3].map(|shift| u8x16::new(sixteen(block, 16 * index + shift)));
        any |= (zero | zero_again).simd_eq(u8x16::ZERO) & is_letter(one) & is_letter(next);
    }
    any != u8x16::ZERO
}

#[inline]
fn is_letter(bytes: u8x16) -> u8x16 {
    let moved = (bytes | u8x16::splat(0x20)) - u8x16::splat(b'a');
    moved.min(u8x16::splat(25)).simd_eq(moved)
}

#[inline]
pub(super) fn lanes(block: &[u8; BLOCK + 16], at: usize) -> u16x8 {
    let bytes = sixteen(block, at);
    let (pairs, _) = bytes.as_chunks::<2>();
    let mut lanes = [0; 8];
    for (lane, pair) in lanes.iter_mut().zip(pairs) {
        *lane = u16::from_le_bytes(*pair);
    }
    u16x8::new(lanes)
}

#[inline]
fn sixteen(block: &[u8; BLOCK + 16], at: usize) -> [u8; 16] {
    block
        .get(at..)
        .and_then(|rest| rest.first_chunk().copied())
        .unwrap_or_default()
}
