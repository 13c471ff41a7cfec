//! Where in the next few dozen bytes of a text certain bytes stand, as bits of a number: sixteen bytes are compared at once.
//!
//! Fields are short and of every length. A function call for each search costs more than the search itself, and a loop over bytes costs a
//! badly predicted branch when it ends (callgrind counted nine such branches a line; four are left).

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

    /// Whether any of these pairs stands anywhere: its first byte here where the other window has its second.
    #[inline]
    pub(super) fn meets<const N: usize>(&self, other: &Self, pairs: [[u8; 2]; N]) -> bool {
        let both = self.0.iter().zip(&other.0).map(|(here, there)| {
            let equal = pairs.map(|[a, b]| here.simd_eq(u8x16::splat(a)) & there.simd_eq(u8x16::splat(b)));
            equal.into_iter().fold(u8x16::ZERO, |any, one| any | one)
        });
        both.fold(u8x16::ZERO, |any, one| any | one).to_bitmask() != 0
    }
}

/// Up to 15 bytes as a number, the first one lowest: those before the first byte that is before `.` in ASCII (comma, blank, line
/// feed); and what follows from that byte on. An IPv4 address is masked out so with a few operations, where reading its octets costs a
/// badly predicted branch a digit.
#[inline(always)]
pub(super) fn host(text: &[u8]) -> Option<(u128, &[u8])> {
    const PLACES: u8x16 = u8x16::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    let bytes = u8x16::new(*text.first_chunk()?);
    let before_dot = bytes.min(u8x16::splat(b'.' - 1)).simd_eq(bytes).to_bitmask();
    if before_dot == 0 {
        return None;
    }
    let length = before_dot.trailing_zeros();
    let behind = PLACES.max(u8x16::splat(length as u8)).simd_eq(PLACES);
    let host = u128::from_le_bytes((bytes & !behind).to_array());
    Some((host, text.get(length as usize..)?))
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
                let pairs = bytes.map(|b| [b'a', b]);
                let meet = (0..32).any(|at| text[at] == b'a' && bytes.contains(&text[at + 2]));
                prop_assert_eq!(here.meets(&there, pairs), meet);
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

        #[test]
        fn an_address_is_found_by_its_text_and_nothing_else_is(
            octets in any::<[u8; 4]>(), tail in "[ -~]{16}", other in "[0-9.,:a-z-]{16,20}",
        ) {
            let address = std::net::Ipv4Addr::from(octets).to_string();
            let text = format!("{address},{tail}");
            let (read, rest) = host(text.as_bytes()).unwrap();
            prop_assert_eq!(&read.to_le_bytes()[..address.len()], address.as_bytes());
            prop_assert_eq!(read >> (8 * address.len()), 0);
            prop_assert_eq!(rest.get(1..), Some(tail.as_bytes()));
            if let Some((read, rest)) = host(other.as_bytes()) {
                let (text, _) = other.split_at(other.len() - rest.len());
                prop_assert_eq!(Some(text), other.split([',', '-']).next());
                prop_assert_eq!(&read.to_le_bytes()[..text.len()], text.as_bytes());
            }
        }
    }

    #[test]
    fn a_host_ends_at_a_comma_or_line_feed_as_far_as_an_address_is_long() {
        let read = |text: &[u8]| host(text).map(|(_, rest)| text.len() - rest.len());
        assert_eq!(read(b"255.255.255.255, Msg-Id: <x>"), Some(15));
        assert_eq!(read(b"1255.255.255.255, Msg-Id: <x>"), None);
        assert_eq!(read(b", Msg-Id: <xxxxxxxx>"), Some(0));
        assert_eq!(read(b"1.2.3.4, Msg-Id"), None);
        assert_eq!(read(b"1.2.3\n.4, Msg-Id: <x>"), Some(5));
    }
}
