//! The lines that nearly all are, at one stroke: a delivery that went well or did not, a message taken in, a report made here.
//!
//! The reader of [`mod@super::line`] asks for each field what may have gone wrong with it. A line without quotes, without
//! anything unusual, whose literals stand where the engine writes them, needs none of these questions: it is read here from
//! the left without knowing where it ends, and the last search, which has to look through the free text anyway, finds the
//! line feed. Whatever deviates is `None` and goes the strict way: this is a short cut and never an opinion of its own (a
//! test holds the two against each other). No search passes a line feed.

use super::distinct::MessageId;
use super::key::{HostKey, Kind, service};
use super::line::Outcome;

/// A line of the usual shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Common<'a> {
    Sent {
        host: HostKey,
        id: MessageId,
        recipient: &'a [u8],
        outcome: Outcome,
        status: &'a [u8],
    },
    Received {
        host: HostKey,
        id: MessageId,
        user: bool,
        tls: bool,
    },
    /// Taken in from nobody: made here (a bounce).
    Made,
}

/// Reads the line at the head of `text` (behind its time); gives it and what follows from its line feed on.
#[inline]
pub(super) fn read(text: &[u8]) -> Option<(Common<'_>, &[u8])> {
    if let Some(rest) = text.strip_prefix(b"Sent: Queue-ID: ") {
        let (id, rest) = queue_id(rest)?;
        let (recipient, rest) = mailbox(rest.strip_prefix(b", Recipient: <")?)?;
        let (outcome, status, rest) = result(rest.strip_prefix(b", Result: ")?)?;
        let (host, rest) = HostKey::read(Kind::Outbound, rest)?;
        let rest = rest.strip_prefix(b", Msg-Id: ")?;
        let end = end_without(rest, |field| {
            field.starts_with(b", Remote-Host: ") || field.starts_with(b", Status: ")
        })?;
        let sent = Common::Sent {
            host,
            id,
            recipient,
            outcome,
            status,
        };
        return Some((sent, end));
    }
    let (id, rest) = queue_id(text.strip_prefix(b"Recv: Queue-ID: ")?)?;
    let (word, rest) = short_field(rest.strip_prefix(b", Service: ")?, 64)?;
    let (_, rest) = mailbox(rest.strip_prefix(b", From: <")?)?;
    let (_, rest) = mailbox(rest.strip_prefix(b", To: <")?)?;
    let size = rest.strip_prefix(b", Size: ")?;
    let digits = size.iter().take_while(|b| b.is_ascii_digit()).count();
    let rest = size.get(digits..).filter(|_| digits > 0)?;
    let second = |field: &[u8]| field.starts_with(b", Size: ");
    let Some(rest) = rest.strip_prefix(b", Sender-Host: ") else {
        return Some((Common::Made, end_without(rest.strip_prefix(b", Report: ")?, second)?));
    };
    let (host, mut rest) = HostKey::read(Kind::Inbound(service(word)), rest)?;
    let (mut user, mut tls) = (false, false);
    loop {
        if let Some(after) = rest.strip_prefix(b", SSL: yes") {
            (tls, rest) = (true, after);
        } else if let Some(name) = rest.strip_prefix(b", User: ") {
            user = true;
            (_, rest) = short_field(name, 1024)?;
        } else {
            break;
        }
    }
    let rest = rest
        .strip_prefix(b", Subject:")
        .or_else(|| rest.strip_prefix(b", Msg-Id: "))?;
    let end = end_without(rest, second)?;
    Some((Common::Received { host, id, user, tls }, end))
}

/// What became of a delivery, the remote server's words, and what follows on `Remote-Host: `.
#[inline]
fn result(text: &[u8]) -> Option<(Outcome, &[u8], &[u8])> {
    if let Some(rest) = text.strip_prefix(b"delivered, Status: 2.0.0 , Remote-Host: ") {
        return Some((Outcome::Delivered, b"2.0.0", rest));
    }
    let (outcome, words) = if let Some(words) = text.strip_prefix(b"delayed, Status: ") {
        (Outcome::Delayed, words)
    } else if let Some(words) = text.strip_prefix(b"failed, Status: ") {
        (Outcome::Failed, words)
    } else {
        (Outcome::Delivered, text.strip_prefix(b"delivered, Status: ")?)
    };
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b',', b'\n', words.get(from..)?)?;
        let (status, field) = words.split_at_checked(at)?;
        if let Some(rest) = field.strip_prefix(b", Remote-Host: ") {
            return Some((outcome, status.trim_ascii(), rest));
        }
        if field.starts_with(b"\n") || field.starts_with(b", Status: ") {
            return None;
        }
        from = at + 1;
    }
}

/// Eight characters, a hyphen, eight characters; none of them before `0` in ASCII, so neither comma nor line feed.
#[inline]
fn queue_id(text: &[u8]) -> Option<(MessageId, &[u8])> {
    const ZEROS: u64 = u64::from_ne_bytes([b'0'; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let (id, rest) = text.split_first_chunk::<17>()?;
    let (first, last) = (
        u64::from_le_bytes(*id.first_chunk()?),
        u64::from_le_bytes(*id.last_chunk()?),
    );
    // The lowest byte below `0` sets its highest bit; without one nothing is borrowed from the next.
    let before = |word: u64| (word | word.wrapping_sub(ZEROS)) & HIGH;
    (before(first) | before(last) == 0 && id.get(8) == Some(&b'-')).then(|| (MessageId::usual(id), rest))
}

/// What stands before `>`, without quotes in it, and what follows.
fn mailbox(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (inner, rest) = text.split_at_checked(memchr::memchr3(b'>', b'"', b'\n', text)?)?;
    Some((inner, rest.strip_prefix(b">")?))
}

/// A field of one to `max` bytes, and what follows from its comma on.
fn short_field(text: &[u8], max: usize) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr2(b',', b'\n', text).filter(|end| (1..=max).contains(end))?;
    text.split_at_checked(end).filter(|(_, rest)| rest.starts_with(b","))
}

/// The text from the line feed on, if no field until there is a `forbidden` one.
fn end_without(mut text: &[u8], forbidden: impl Fn(&[u8]) -> bool) -> Option<&[u8]> {
    loop {
        let field = text.get(memchr::memchr2(b',', b'\n', text)?..)?;
        if field.starts_with(b"\n") {
            return Some(field);
        }
        if forbidden(field) {
            return None;
        }
        text = field.get(1..)?;
    }
}

#[cfg(test)]
#[path = "common_tests.rs"]
mod tests;
