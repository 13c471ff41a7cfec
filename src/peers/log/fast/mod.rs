//! The fast lane: lines of the usual shape, which nearly all are, are read at one stroke.
//!
//! The strict reader ([`super::line`]) asks for each field what may have gone wrong with it. A line without quotes, whose words stand
//! where the engine writes them, needs none of these questions: it is read here from the left without knowing where it ends, and the
//! last search, which has to look through the free text anyway, finds the line feed. Whatever deviates is left to the strict reader:
//! this is a short cut and never an opinion of its own (tests hold the two against each other). No search passes a line feed.
//!
//! [`count`] is the one way in. Nobody else needs this folder: without it, and without `wide`, the program is slower and finds the
//! same; how to do without is said at `FAST` in `stretch.rs`.

mod window;

use super::distinct::MessageId;
use super::key::{HostKey, PeerKind, service};
use super::line::{Delivery, domain};
use super::tally::{Known, Tally};
use crate::hostile::slice_at;
use crate::tls::Service;
use window::{Long, Short, digits, first};

/// Counts the line at the head of `text` (behind its time), if it is of the usual shape and its peer is known by now; gives what follows
/// from its line feed on.
#[inline]
pub(super) fn count<'t>(text: &'t [u8], second: i64, tally: &mut Tally) -> Option<&'t [u8]> {
    let (line, after) = read(text)?;
    match line {
        Usual::Sent {
            host,
            id,
            domain,
            outcome,
            status,
        } => match tally.known(host)? {
            Known::Peer(peer) => tally.tried(peer, MessageId::usual(id), domain, (outcome, status), second),
            Known::Ourselves => {}
        },
        Usual::Received { host, id, user, tls } => match tally.known(host)? {
            Known::Peer(peer) => tally.taken_in(peer, MessageId::usual(id), (user, tls), second),
            Known::Ourselves => {}
        },
        Usual::Made => {}
    }
    Some(after)
}

/// A line of the usual shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Usual<'a> {
    Sent {
        host: HostKey,
        /// The Queue-ID.
        id: &'a [u8; 17],
        /// Of its recipient; `None`: there is none.
        domain: Option<&'a [u8]>,
        outcome: Delivery,
        status: &'a [u8],
    },
    Received {
        host: HostKey,
        /// The Queue-ID.
        id: &'a [u8; 17],
        user: bool,
        tls: bool,
    },
    /// Taken in from nobody: made here (a bounce).
    Made,
}

/// Reads the line at the head of `text`; gives it and what follows from its line feed on.
#[inline]
fn read(text: &[u8]) -> Option<(Usual<'_>, &[u8])> {
    let (head, rest) = text.split_first_chunk::<16>()?;
    if head == b"Sent: Queue-ID: " {
        sent(rest)
    } else if head == b"Recv: Queue-ID: " {
        received(rest)
    } else {
        None
    }
}

#[inline]
fn sent(rest: &[u8]) -> Option<(Usual<'_>, &[u8])> {
    let (id, rest) = queue_id(rest)?;
    let (domain, rest) = recipient(rest.strip_prefix(b", Recipient: <")?)?;
    let (outcome, status, rest) = result(rest.strip_prefix(b", Result: ")?)?;
    let (host, rest) = host(PeerKind::Outbound, rest)?;
    let rest = rest.strip_prefix(b", Msg-Id: ")?;
    let end = end_without(rest, [*b"Rm", *b"Sa"], [b"Remote-Host:", b"Status:"])?;
    let sent = Usual::Sent {
        host,
        id,
        domain,
        outcome,
        status,
    };
    Some((sent, end))
}

#[inline]
fn received(rest: &[u8]) -> Option<(Usual<'_>, &[u8])> {
    let (id, rest) = queue_id(rest)?;
    let rest = rest.strip_prefix(b", Service: ")?;
    // What nearly all say.
    let (service, rest) = if let Some(rest) = rest.strip_prefix(b"SMTP, From: <") {
        (Service::Smtp, rest)
    } else if let Some(rest) = rest.strip_prefix(b"Kerio Connect Client, From: <") {
        (Service::Https, rest)
    } else {
        let (word, rest) = short_field(rest, 64)?;
        (service(word), rest.strip_prefix(b", From: <")?)
    };
    let rest = mailbox(rest)?;
    let rest = mailbox(rest.strip_prefix(b", To: <")?)?;
    let size = rest.strip_prefix(b", Size: ")?;
    let mut rest = size.get(digits(size).filter(|digits| *digits > 0)?..)?;
    if let Some(report) = rest.strip_prefix(b", Report: ") {
        return Some((Usual::Made, end_without(report, [*b"Sz"], [b"Size: "])?));
    }
    let (mut user, mut tls) = (false, false);
    // The vendor's manual has the user before the host, newer engines behind it.
    if let Some(name) = rest.strip_prefix(b", User: ") {
        (user, rest) = (true, user_name(name)?);
    }
    let (host, mut rest) = host(PeerKind::Inbound(service), rest.strip_prefix(b", Sender-Host: ")?)?;
    loop {
        if let Some(after) = rest.strip_prefix(b", SSL: yes") {
            (tls, rest) = (true, after);
        } else if let Some(name) = rest.strip_prefix(b", User: ") {
            (user, rest) = (true, user_name(name)?);
        } else {
            break;
        }
    }
    let rest = rest
        .strip_prefix(b", Subject:")
        .or_else(|| rest.strip_prefix(b", Msg-Id: "))?;
    let end = end_without(rest, [*b"Sz"], [b"Size: "])?;
    Some((Usual::Received { host, id, user, tls }, end))
}

/// The key of an IPv4 address, and what follows. Whether it is an address is not looked at: what is none was never put into the table.
#[inline(always)]
fn host(kind: PeerKind, text: &[u8]) -> Option<(HostKey, &[u8])> {
    let (host, rest) = window::host(text)?;
    Some((HostKey::new(kind, host), rest))
}

/// What follows on the name of a user. An empty one is left to the strict reader.
#[inline]
fn user_name(text: &[u8]) -> Option<&[u8]> {
    let (name, rest) = short_field(text, 1024)?;
    (!name.starts_with(b" ")).then_some(rest)
}

/// What became of a delivery, the remote server's words, and what follows on `Remote-Host: `.
#[inline]
fn result(text: &[u8]) -> Option<(Delivery, &[u8], &[u8])> {
    let (outcome, words) = if let Some(words) = text.strip_prefix(b"delivered, Status: ") {
        // What nearly all say.
        if let Some(rest) = words.strip_prefix(b"2.0.0 , Remote-Host: ") {
            return Some((Delivery::Delivered, b"2.0.0", rest));
        }
        (Delivery::Delivered, words)
    } else if let Some(words) = text.strip_prefix(b"delayed, Status: ") {
        (Delivery::Delayed, words)
    } else {
        (Delivery::Failed, text.strip_prefix(b"failed, Status: ")?)
    };
    let mut from = 0;
    loop {
        let at = from + first(words.get(from..)?, *b",\n")?;
        let (status, field) = words.split_at_checked(at)?;
        if let Some(rest) = field.strip_prefix(b", Remote-Host: ") {
            return Some((outcome, status.trim_ascii(), rest));
        }
        if field.starts_with(b"\n") || starts_delivery_field(field) {
            return None;
        }
        from = at + 1;
    }
}

/// Eight characters, a hyphen, eight characters; none of them before `0` in ASCII, so neither comma nor line feed.
#[inline]
fn queue_id(text: &[u8]) -> Option<(&[u8; 17], &[u8])> {
    const ZEROS: u64 = u64::from_ne_bytes([b'0'; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let (id, rest) = text.split_first_chunk::<17>()?;
    let (first, last) = (
        u64::from_le_bytes(*id.first_chunk()?),
        u64::from_le_bytes(*id.last_chunk()?),
    );
    // The lowest byte below `0` sets its highest bit; without one nothing is borrowed from the next.
    let before = |word: u64| (word | word.wrapping_sub(ZEROS)) & HIGH;
    (before(first) | before(last) == 0 && id.get(8) == Some(&b'-')).then_some((id, rest))
}

/// What follows on the `>` of an address without quotes.
#[inline]
fn mailbox(text: &[u8]) -> Option<&[u8]> {
    text.get(first(text, *b">\"\n")?..)?.strip_prefix(b">")
}

/// The domain of an address without quotes, and what follows on its `>`.
#[inline]
fn recipient(text: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let window = Short::new(text)?;
    let ends = window.find(*b">\"\n");
    if ends == 0 {
        let (address, rest) = text.split_at_checked(first(text, *b">\"\n")?)?;
        return Some((domain(address), rest.strip_prefix(b">")?));
    }
    let (address, rest) = text.split_at_checked(ends.trailing_zeros() as usize)?;
    // Of those before the end the last.
    let at = window.find(*b"@") & (ends - 1) & !ends;
    let domain = address.get((u64::BITS - at.leading_zeros()) as usize..)?;
    Some((Some(domain).filter(|_| at != 0), rest.strip_prefix(b">")?))
}

/// A field of one to `max` bytes, and what follows from its comma on.
#[inline]
fn short_field(text: &[u8], max: usize) -> Option<(&[u8], &[u8])> {
    let end = first(text, *b",\n").filter(|end| (1..=max).contains(end))?;
    text.split_at_checked(end).filter(|(_, rest)| rest.starts_with(b","))
}

/// Whether a text that begins with a comma goes on with a field that a delivery has once.
fn starts_delivery_field(text: &[u8]) -> bool {
    let name = slice_at(text, 1..);
    let name = name.strip_prefix(b" ").unwrap_or(name);
    name.starts_with(b"Remote-Host:") || name.starts_with(b"Status:")
}

/// The text from the line feed on, if none of these names stands before. `pairs`: the first and the third byte of each.
#[inline]
fn end_without<'t, const N: usize>(mut text: &'t [u8], pairs: [[u8; 2]; N], names: [&[u8]; N]) -> Option<&'t [u8]> {
    loop {
        let (here, ahead) = (Long::new(text)?, Long::new(text.get(2..)?)?);
        let ends = here.find(*b"\n");
        if here.meets(&ahead, pairs) {
            let before = ends.wrapping_sub(1) & !ends;
            let mut suspects = here.find(pairs.map(|[first, _]| first)) & before;
            while suspects != 0 {
                let there = text.get(suspects.trailing_zeros() as usize..)?;
                if names.iter().any(|name| there.starts_with(name)) {
                    return None;
                }
                suspects &= suspects - 1;
            }
        }
        if ends != 0 {
            return text.get(ends.trailing_zeros() as usize..);
        }
        text = text.get(64..)?;
    }
}

#[cfg(test)]
mod tests;
