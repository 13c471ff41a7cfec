//! Which peer a line names, in the form in which it is looked up.
//!
//! Nearly every host is an IPv4 address, and an address has one spelling only (leading zeros are not taken). So its text
//! itself is the key, at most 15 bytes, with the kind of peer as the 16th: found and masked out of the line with a few
//! operations on 16 bytes at once, where reading octets costs a badly predicted branch for each digit.

use std::hash::{Hash, Hasher};
use std::net::Ipv4Addr;

use wide::u8x16;

use crate::peers::Service;

/// Which peer: direction and service in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Outbound,
    Inbound(Service),
}

/// The text of an IPv4 address, and what kind of peer it is. Its default is no line's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct HostKey([u64; 2]);

impl HostKey {
    /// Reads what stands before the first byte that is before `.` in ASCII (comma, blank, line feed), if that is within 15
    /// bytes; and what follows from that byte on. Whether it is an address is not looked at: what is none was never put into
    /// the table.
    #[inline(always)]
    pub(super) fn read(kind: Kind, text: &[u8]) -> Option<(Self, &[u8])> {
        const PLACES: u8x16 = u8x16::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        let bytes = u8x16::new(*text.first_chunk()?);
        let before_dot = bytes.min(u8x16::splat(b'.' - 1)).simd_eq(bytes).to_bitmask();
        if before_dot == 0 {
            return None;
        }
        let length = before_dot.trailing_zeros();
        let behind = PLACES.max(u8x16::splat(length as u8)).simd_eq(PLACES);
        let host = u128::from_le_bytes((bytes & !behind).to_array());
        Some((Self::new(kind, host), text.get(length as usize..)?))
    }

    /// The key of an address.
    pub(super) fn of(kind: Kind, address: Ipv4Addr) -> Self {
        let (mut text, mut at) = (0_u128, 0);
        let mut push = |byte: u8| {
            text |= u128::from(byte) << at;
            at += 8;
        };
        for (n, octet) in address.octets().into_iter().enumerate() {
            if n > 0 {
                push(b'.');
            }
            if octet >= 100 {
                push(b'0' + octet / 100);
            }
            if octet >= 10 {
                push(b'0' + octet / 10 % 10);
            }
            push(b'0' + octet % 10);
        }
        Self::new(kind, text)
    }

    const fn new(kind: Kind, text: u128) -> Self {
        let kind = match kind {
            Kind::Outbound => 1,
            Kind::Inbound(service) => 2 + service as u128,
        };
        let key = text | kind << 120;
        Self([key as u64, (key >> 64) as u64])
    }
}

impl Hash for HostKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self([low, high]) = *self;
        state.write_u128(u128::from(high) << 64 | u128::from(low));
    }
}

/// An IPv4 address in its one spelling.
pub(super) fn address(host: &[u8]) -> Option<Ipv4Addr> {
    let mut octets = [0_u8; 4];
    let mut parts = host.split(|b| *b == b'.');
    for octet in &mut octets {
        let part = parts.next()?;
        if part.is_empty() || part.len() > 3 || (part.len() > 1 && part.first() == Some(&b'0')) {
            return None;
        }
        let mut value = 0_u16;
        for digit in part {
            value = value * 10 + u16::from(digit.checked_sub(b'0').filter(|d| *d < 10)?);
        }
        *octet = u8::try_from(value).ok()?;
    }
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}

/// The service that a `Recv` line names. Only `SMTP` is mail transport; the engine's own client, WebDAV and ActiveSync
/// come over HTTPS. A session of a user on 587 or 465 is logged as `SMTP` too, as far as is known.
pub(super) fn service(word: &[u8]) -> Service {
    if word == b"SMTP" {
        return Service::Smtp;
    }
    if word == b"Kerio Connect Client" || word == b"WebDAV" {
        return Service::Https;
    }
    let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    if is("SMTP") || is("ESMTP") {
        Service::Smtp
    } else {
        let named = std::str::from_utf8(word).ok().and_then(Service::from_token);
        named.unwrap_or(Service::Https)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_host_ends_at_a_comma_or_line_feed_as_far_as_an_address_is_long() {
        let read = |text: &[u8]| HostKey::read(Kind::Outbound, text).map(|(_, rest)| text.len() - rest.len());
        assert_eq!(read(b"255.255.255.255, Msg-Id: <x>"), Some(15));
        assert_eq!(read(b"1255.255.255.255, Msg-Id: <x>"), None);
        assert_eq!(read(b", Msg-Id: <xxxxxxxx>"), Some(0));
        assert_eq!(read(b"1.2.3.4, Msg-Id"), None);
        assert_eq!(read(b"1.2.3\n.4, Msg-Id: <x>"), Some(5));
    }

    proptest! {
        #[test]
        fn an_address_is_found_by_its_text_and_nothing_else_is(
            octets in any::<[u8; 4]>(), tail in "[ -~]{16}", other in "[0-9.,:a-z-]{16,20}",
        ) {
            let address = Ipv4Addr::from(octets);
            let text = format!("{address},{tail}");
            let key = HostKey::of(Kind::Outbound, address);
            let (read, rest) = HostKey::read(Kind::Outbound, text.as_bytes()).unwrap();
            prop_assert_eq!(read, key);
            prop_assert_eq!(rest.get(1..), Some(tail.as_bytes()));
            prop_assert_eq!(super::address(address.to_string().as_bytes()), Some(address));
            let inbound = Kind::Inbound(Service::Smtp);
            prop_assert!(HostKey::read(inbound, text.as_bytes()).unwrap().0 != key);
            if let Some((read, rest)) = HostKey::read(Kind::Outbound, other.as_bytes()) {
                let (host, _) = other.split_at(other.len() - rest.len());
                prop_assert_eq!(Some(host), other.split([',', '-']).next());
                prop_assert_eq!(read == key, host == address.to_string());
            }
        }
    }
}
