//! Which peer a line names, in the form in which it is looked up.
//!
//! Nearly every host is an IPv4 address, and an address has one spelling only (leading zeros are not taken). So its text
//! itself is the key, at most 15 bytes, with the kind of peer as the 16th: the fast lane takes it out of a line as it stands.

use std::hash::{Hash, Hasher};
use std::net::Ipv4Addr;

use crate::tls::Service;

/// Which peer: direction and service in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum PeerKind {
    Outbound,
    Inbound(Service),
}

/// The text of an IPv4 address, and what kind of peer it is. Its default is no line's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct HostKey([u64; 2]);

impl HostKey {
    /// The key of an address.
    pub(super) fn of(kind: PeerKind, address: Ipv4Addr) -> Self {
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

    /// `text`: at most 15 bytes, the first one lowest.
    pub(super) const fn new(kind: PeerKind, text: u128) -> Self {
        let kind = match kind {
            PeerKind::Outbound => 1,
            PeerKind::Inbound(service) => 2 + service as u128,
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

    proptest! {
        #[test]
        fn an_address_has_one_spelling_and_one_key_a_kind(octets in any::<[u8; 4]>(), text in "[0-9.,:a-z-]{0,20}") {
            let there = Ipv4Addr::from(octets);
            prop_assert_eq!(address(there.to_string().as_bytes()), Some(there));
            prop_assert!(address(text.as_bytes()).is_none_or(|read| read.to_string() == text));
            let inbound = PeerKind::Inbound(Service::Smtp);
            prop_assert!(HostKey::of(PeerKind::Outbound, there) != HostKey::of(inbound, there));
        }
    }
}
