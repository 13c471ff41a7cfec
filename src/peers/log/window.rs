//! Sixteen bytes at once: where in the next few dozen bytes of a text certain bytes stand, as bits of a number.
//!
//! Fields are short and of every length, so a call for each search costs more than the search, and a loop that ends sooner or later costs a
//! badly predicted branch each time (nine a line by callgrind's predictor; four are left). Here all of a field is seen at once, and a bit
//! is picked instead.
//! (`memchr` remains what searches far.)

use wide::u8x16;

/// The next bytes of a text. Its bits count from the first byte.
pub(super) struct Window<const VECTORS: usize>([u8x16; VECTORS]);

/// 32 bytes: most addresses and fields.
pub(super) type Short = Window<2>;
/// 64 bytes: most of what is free text.
pub(super) type Long = Window<4>;

impl<const VECTORS: usize> Window<VECTORS> {
    /// Of the first bytes; `None` where there are fewer.
    #[inline]
    pub(super) fn new(text: &[u8]) -> Option<Self> {
        let (vectors, _) = text.as_chunks::<16>();
        let vectors: &[[u8; 16]; VECTORS] = vectors.first_chunk()?;
        Some(Self(vectors.map(u8x16::new)))
    }

    /// Where any of these bytes stands.
    #[inline]
    pub(super) fn find<const N: usize>(&self, bytes: [u8; N]) -> u64 {
        let bits = self.0.map(|vector| {
            let equal = bytes.map(|byte| vector.simd_eq(u8x16::splat(byte)));
            let any = equal.into_iter().reduce(|any, one| any | one);
            u64::from(any.map_or(0, u8x16::to_bitmask))
        });
        bits.into_iter().rev().fold(0, |all, bits| (all << 16) | bits)
    }

    /// Whether `first` stands anywhere where the other window has one of `bytes`.
    #[inline]
    pub(super) fn meets<const N: usize>(&self, first: u8, other: &Self, bytes: [u8; N]) -> bool {
        let both = self.0.iter().zip(&other.0).map(|(here, there)| {
            let equal = bytes.map(|byte| there.simd_eq(u8x16::splat(byte)));
            let any = equal.into_iter().fold(u8x16::ZERO, |any, one| any | one);
            here.simd_eq(u8x16::splat(first)) & any
        });
        both.fold(u8x16::ZERO, |any, one| any | one).to_bitmask() != 0
    }
}

/// The first place where any of these bytes stands.
#[inline]
pub(super) fn first<const N: usize>(text: &[u8], bytes: [u8; N]) -> Option<usize> {
    let mut from = 0;
    loop {
        let found = Short::new(text.get(from..)?)?.find(bytes);
        if found != 0 {
            return Some(from + found.trailing_zeros() as usize);
        }
        from += 32;
    }
}

/// How many digits a text begins with; `None` where that cannot be seen in eight bytes.
#[inline]
pub(super) fn digits(text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let values = u64::from_le_bytes(*text.first_chunk()?) ^ (ONES * u64::from(b'0'));
    // The highest bit of each byte over 9. What is carried out of one that is over 9 goes into those behind it.
    let others = (values.wrapping_add(ONES * (0x80 - 10)) | values) & (ONES * 0x80);
    (others != 0).then(|| others.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_place_has_its_bit(text in "[a-e\u{0}]{64}") {
            let text = text.as_bytes();
            for bytes in [*b"ab", *b"ec", *b"xx"] {
                let wanted = (0..64).filter(|at| bytes.contains(&text[*at])).fold(0, |all, at| all | 1_u64 << at);
                prop_assert_eq!(Long::new(text).unwrap().find(bytes), wanted);
                prop_assert_eq!(Short::new(text).unwrap().find(bytes), wanted & 0xffff_ffff);
                let (here, there) = (Short::new(text).unwrap(), Short::new(&text[2..]).unwrap());
                let meet = (0..32).any(|at| text[at] == b'a' && bytes.contains(&text[at + 2]));
                prop_assert_eq!(here.meets(b'a', &there, bytes), meet);
            }
            prop_assert!(Long::new(&text[1..]).is_none() && Short::new(&text[33..]).is_none());
        }

        #[test]
        fn the_first_of_some_bytes_is_found_or_nothing_is_said(text in "[a-d]{0,40}[a-e]{0,60}") {
            let found = first(text.as_bytes(), *b"e!");
            prop_assert!(found.is_none() || found == text.find('e'));
            prop_assert!(found.is_some() || text.find('e').is_none_or(|at| at + 32 + 32 > text.len()));
        }

        #[test]
        fn digits_are_counted_where_eight_bytes_show_it(text in "[0-9]{0,9}[ -~\u{80}-\u{ff}]{0,9}") {
            let count = text.bytes().take_while(u8::is_ascii_digit).count();
            let seen = digits(text.as_bytes());
            prop_assert_eq!(seen, (text.len() >= 8 && count < 8).then_some(count));
        }
    }
}
