//! One frame to one TCP segment. Allocates nothing; what is cut, or no TCP, is nothing.

use std::net::{IpAddr, SocketAddr};

/// How a frame begins (tcpdump.org, link-layer header types).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Ethernet, with VLAN tags or without.
    Ethernet,
    /// `tcpdump -i any`, first version.
    Cooked,
    /// `tcpdump -i any`, second version.
    Cooked2,
    /// The IP packet itself.
    Raw,
    /// Four bytes of address family, then IP (loopback of BSD and macOS).
    Loopback,
}

impl Link {
    /// The type by its number in a capture; `None`: not one of these.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            1 => Self::Ethernet,
            113 => Self::Cooked,
            276 => Self::Cooked2,
            12 | 14 | 101 | 228 | 229 => Self::Raw,
            0 | 108 => Self::Loopback,
            _ => return None,
        })
    }

    /// The IP packet behind this head.
    fn network(self, frame: &[u8]) -> Option<&[u8]> {
        let (mut kind, mut rest) = match self {
            Self::Raw => return Some(frame),
            Self::Loopback => return frame.get(4..),
            Self::Ethernet => (two(frame, 12)?, frame.get(14..)?),
            Self::Cooked => (two(frame, 14)?, frame.get(16..)?),
            Self::Cooked2 => (two(frame, 0)?, frame.get(20..)?),
        };
        while let VLAN | PROVIDER_VLAN | OLD_VLAN = kind {
            (kind, rest) = (two(rest, 2)?, rest.get(4..)?);
        }
        matches!(kind, 0x0800 | 0x86dd).then_some(rest)
    }
}

const VLAN: u16 = 0x8100;
const PROVIDER_VLAN: u16 = 0x88a8;
const OLD_VLAN: u16 = 0x9100;

/// A TCP segment with what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Who sent it.
    pub from: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
    /// The number of its first byte.
    pub sequence: u32,
    /// As many of its bytes as were kept.
    pub payload: &'a [u8],
}

impl<'a> Segment<'a> {
    /// The segment in a frame.
    #[must_use]
    pub fn of_frame(link: Link, frame: &'a [u8]) -> Option<Self> {
        Self::of_packet(link.network(frame)?)
    }

    /// The segment in an IP packet.
    #[must_use]
    pub fn of_packet(packet: &'a [u8]) -> Option<Self> {
        let (from, to, tcp) = match packet.first()? >> 4 {
            4 => version4(packet)?,
            6 => version6(packet)?,
            _ => return None,
        };
        let offset = usize::from(tcp.get(12)? >> 4) * 4;
        if offset < 20 {
            return None;
        }
        Some(Segment {
            from: SocketAddr::new(from.to_canonical(), two(tcp, 0)?),
            to: SocketAddr::new(to.to_canonical(), two(tcp, 2)?),
            sequence: u32::from_be_bytes(array(tcp, 4)?),
            payload: tcp.get(offset..)?,
        })
    }
}

fn version4(packet: &[u8]) -> Option<(IpAddr, IpAddr, &[u8])> {
    let head = usize::from(packet.first()? & 15) * 4;
    let fragment = two(packet, 6)? & 0x3fff;
    if head < 20 || fragment != 0 || *packet.get(9)? != TCP {
        return None;
    }
    let body = bounded(packet, two(packet, 2)?, 0)?.get(head..)?;
    Some((array::<4>(packet, 12)?.into(), array::<4>(packet, 16)?.into(), body))
}

fn version6(packet: &[u8]) -> Option<(IpAddr, IpAddr, &[u8])> {
    let (mut next, mut rest) = (*packet.get(6)?, bounded(packet, two(packet, 4)?, 40)?.get(40..)?);
    while next != TCP {
        let length = match next {
            // Hop-by-hop, routing, destination options (RFC 8200); authentication (RFC 4302).
            0 | 43 | 60 => (usize::from(*rest.get(1)?) + 1) * 8,
            51 => (usize::from(*rest.get(1)?) + 2) * 4,
            // The fragment that is the whole packet (RFC 6946).
            44 if two(rest, 2)? & 0xfff9 == 0 => 8,
            _ => return None,
        };
        (next, rest) = (*rest.first()?, rest.get(length..)?);
    }
    Some((array::<16>(packet, 8)?.into(), array::<16>(packet, 24)?.into(), rest))
}

/// The packet without what fills up a short frame. A length of 0 is one that the network card has yet to write.
fn bounded(packet: &[u8], length: u16, head: usize) -> Option<&[u8]> {
    match usize::from(length) {
        0 => Some(packet),
        length => packet.get(..length.saturating_add(head).min(packet.len())),
    }
}

const TCP: u8 = 6;

fn two(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_be_bytes)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.saturating_add(N))?.try_into().ok()
}
