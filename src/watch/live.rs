//! Frames as they pass: a packet socket, and the filter that the kernel runs on each packet. All but the first segments
//! of handshakes stays in the kernel, so that a byte of mail costs nothing here.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};

use nix::cmsg_space;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use super::frame::Segment;

/// `ETH_P_ALL` in network order: packets of both ways, whatever their protocol.
const ALL_PROTOCOLS: i32 = 0x0300;
/// Kept of each packet: a hello with post-quantum key shares and a session ticket has 3,000 bytes.
const KEPT: u32 = 8192;
/// What the socket may hold while we do something else, as far as the system allows it.
const BUFFER: usize = 8 << 20;
/// Packets from before the filter that are thrown away, at most.
const DRAINED: usize = 100_000;

/// Why nothing can be seen.
#[derive(Debug, thiserror::Error)]
pub enum TapError {
    /// No right to.
    #[error(
        "watching the network needs root, or the capability CAP_NET_RAW: run it with sudo, start the service as root (kerio-tls watch start), or read a capture (kerio-tls watch --read FILE)"
    )]
    NotAllowed,
    /// The kernel has no packet sockets, or they are forbidden to this process (a container's or a service's filter).
    #[error(
        "this system has no packet sockets, or forbids them here ({0}); capture on the host itself with tcpdump -w FILE tcp, and read that: kerio-tls watch --read FILE"
    )]
    None(io::Error),
    /// Something else went wrong.
    #[error("the network cannot be watched: {0}")]
    Failed(#[from] io::Error),
}

/// A socket that sees the first messages of TLS handshakes on all interfaces of this network namespace.
#[derive(Debug)]
pub struct Tap {
    socket: Socket,
    packet: Vec<u8>,
    lost: u32,
}

impl Tap {
    /// Opens it.
    ///
    /// # Errors
    /// [`TapError`].
    pub fn open() -> Result<Self, TapError> {
        let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(Protocol::from(ALL_PROTOCOLS))).map_err(
            |error| match error.kind() {
                io::ErrorKind::PermissionDenied => TapError::NotAllowed,
                _ => TapError::None(error),
            },
        )?;
        let filter: Vec<SockFilter> = FILTER
            .iter()
            .map(|(code, yes, no, k)| SockFilter::new(*code, *yes, *no, *k))
            .collect();
        socket.attach_filter(&filter)?;
        socket.set_nonblocking(true)?;
        // More than `rmem_max` is not given; the default holds 44 flights.
        let _ = socket.set_recv_buffer_size(BUFFER);
        // With every packet the kernel says how many it could not hand over.
        setsockopt(&socket, sockopt::RxqOvfl, &1).map_err(io::Error::from)?;
        let mut tap = Self {
            socket,
            packet: vec![0; usize::try_from(KEPT).unwrap_or(0)],
            lost: 0,
        };
        // What came between opening and filtering is anything.
        for _ in 0..DRAINED {
            if tap.receive()?.is_none() {
                break;
            }
        }
        tap.lost = 0;
        Ok(tap)
    }

    /// The next segment of those that wait; `None`: none does now. A packet that has none is passed over.
    ///
    /// # Errors
    /// What the kernel said; an interface that goes down is no error.
    pub fn next_segment(&mut self) -> io::Result<Option<Segment<'_>>> {
        loop {
            let Some(length) = self.receive()? else { return Ok(None) };
            if self.packet.get(..length).and_then(Segment::of_packet).is_some() {
                // Looked at twice, because a borrow that is returned from a loop may not be tried before.
                return Ok(self.packet.get(..length).and_then(Segment::of_packet));
            }
        }
    }

    /// Packets that the kernel could not hand over since it was opened.
    #[must_use]
    pub const fn lost(&self) -> u32 {
        self.lost
    }

    fn receive(&mut self) -> io::Result<Option<usize>> {
        loop {
            let mut parts = [IoSliceMut::new(&mut self.packet)];
            let mut control = cmsg_space!(u32);
            match recvmsg::<()>(
                self.socket.as_raw_fd(),
                &mut parts,
                Some(&mut control),
                MsgFlags::MSG_DONTWAIT,
            ) {
                Ok(message) => {
                    for part in message.cmsgs() {
                        if let ControlMessageOwned::RxqOvfl(lost) = part {
                            self.lost = lost;
                        }
                    }
                    return Ok(Some(message.bytes));
                }
                Err(nix::errno::Errno::EAGAIN) => return Ok(None),
                Err(nix::errno::Errno::EINTR | nix::errno::Errno::ENETDOWN) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

// Operations of the classic filter (linux/filter.h): loads of words, halves and bytes at a place or behind X, jumps,
// sums.
const LOAD_WORD: u16 = 0x20;
const LOAD_HALF: u16 = 0x28;
const LOAD_BYTE: u16 = 0x30;
const LOAD_HALF_AT: u16 = 0x48;
const LOAD_BYTE_AT: u16 = 0x50;
/// X is four times the lower half of a byte.
const LOAD_HEAD: u16 = 0xb1;
const IF_EQUAL: u16 = 0x15;
const IF_ANY: u16 = 0x45;
const JUMP: u16 = 0x05;
const AND: u16 = 0x54;
const SHIFT: u16 = 0x74;
const ADD: u16 = 0x04;
const ADD_X: u16 = 0x0c;
const TO_X: u16 = 0x07;
const RETURN: u16 = 0x06;
/// What the kernel knows beside the packet: its protocol, its way, its interface.
const PROTOCOL: u32 = 0xffff_f000;
const WAY: u32 = 0xffff_f004;
const INTERFACE: u32 = 0xffff_f008;
/// The way out; loopback's index is 1 everywhere.
const OUTGOING: u32 = 4;
const LOOPBACK: u32 = 1;

/// Operation, jump if so, jump if not, operand. The packet begins with its IP head. A load beyond its end drops it.
#[rustfmt::skip]
const FILTER: [(u16, u8, u8, u32); 37] = [
    /*  0 */ (LOAD_WORD, 0, 0, INTERFACE),
    /*  1 */ (IF_EQUAL, 0, 2, LOOPBACK),
    /*  2 */ (LOAD_WORD, 0, 0, WAY), // on loopback each packet comes twice: going out, and coming in
    /*  3 */ (IF_EQUAL, 32, 0, OUTGOING),
    /*  4 */ (LOAD_HALF, 0, 0, PROTOCOL),
    /*  5 */ (IF_EQUAL, 0, 10, 0x0800), // IPv4
    /*  6 */ (LOAD_BYTE, 0, 0, 9),
    /*  7 */ (IF_EQUAL, 0, 28, 6), // TCP
    /*  8 */ (LOAD_HALF, 0, 0, 6),
    /*  9 */ (IF_ANY, 26, 0, 0x3fff), // no fragment
    /* 10 */ (LOAD_HEAD, 0, 0, 0),
    /* 11 */ (LOAD_BYTE_AT, 0, 0, 12),
    /* 12 */ (AND, 0, 0, 0xf0),
    /* 13 */ (SHIFT, 0, 0, 2),
    /* 14 */ (ADD_X, 0, 0, 0),
    /* 15 */ (JUMP, 0, 0, 7),
    /* 16 */ (IF_EQUAL, 0, 19, 0x86dd), // IPv6
    /* 17 */ (LOAD_BYTE, 0, 0, 6),
    /* 18 */ (IF_EQUAL, 0, 17, 6), // TCP right behind the head
    /* 19 */ (LOAD_BYTE, 0, 0, 52),
    /* 20 */ (AND, 0, 0, 0xf0),
    /* 21 */ (SHIFT, 0, 0, 2),
    /* 22 */ (ADD, 0, 0, 40),
    /* 23 */ (TO_X, 0, 0, 0), // where the payload begins
    /* 24 */ (LOAD_HALF_AT, 0, 0, 0),
    /* 25 */ (IF_EQUAL, 2, 0, 0x1603), // a record of the handshake
    /* 26 */ (IF_EQUAL, 4, 0, 0x1503), // an alert
    /* 27 */ (IF_ANY, 5, 8, 0x8000), // perhaps framed as SSL 2.0
    /* 28 */ (LOAD_BYTE_AT, 0, 0, 5),
    /* 29 */ (IF_EQUAL, 5, 0, 1), // ClientHello
    /* 30 */ (IF_EQUAL, 4, 5, 2), // ServerHello
    /* 31 */ (LOAD_HALF_AT, 0, 0, 3),
    /* 32 */ (IF_EQUAL, 2, 3, 2), // an alert in clear has two bytes; encrypted ones are longer
    /* 33 */ (LOAD_HALF_AT, 0, 0, 2),
    /* 34 */ (IF_EQUAL, 0, 1, 0x0103), // ClientHello of version 3
    /* 35 */ (RETURN, 0, 0, KEPT),
    /* 36 */ (RETURN, 0, 0, 0),
];

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Runs the filter as the kernel does (net/core/filter.c), on a packet that comes in.
    pub(crate) fn passes(packet: &[u8], interface: u32, way: u32) -> bool {
        let (mut a, mut x, mut at) = (0_u32, 0_u32, 0_usize);
        let load = |at: u32, n: usize| {
            let at = usize::try_from(at).unwrap();
            let bytes = packet.get(at..at.checked_add(n)?)?;
            Some(bytes.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte)))
        };
        loop {
            let (code, yes, no, k) = FILTER[at];
            at += 1;
            let loaded = match (code, k) {
                (_, PROTOCOL) => Some(if packet[0] >> 4 == 4 { 0x0800 } else { 0x86dd }),
                (_, WAY) => Some(way),
                (_, INTERFACE) => Some(interface),
                (LOAD_HALF, _) => load(k, 2),
                (LOAD_BYTE, _) => load(k, 1),
                (LOAD_HALF_AT, _) => load(x + k, 2),
                (LOAD_BYTE_AT, _) => load(x + k, 1),
                _ => Some(a),
            };
            let Some(loaded) = loaded else { return false };
            a = loaded;
            match code {
                LOAD_HEAD => x = (load(k, 1).unwrap() & 15) * 4,
                IF_EQUAL => at += usize::from(if a == k { yes } else { no }),
                IF_ANY => at += usize::from(if a & k != 0 { yes } else { no }),
                JUMP => at += usize::try_from(k).unwrap(),
                AND => a &= k,
                SHIFT => a >>= k,
                ADD => a += k,
                ADD_X => a += x,
                TO_X => x = a,
                RETURN => return k > 0,
                _ => {}
            }
        }
    }
}
