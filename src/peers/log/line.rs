//! One line of `mail.log` as fields. Pure, and it trusts nobody.
//!
//! A line is read from the left, field by field, each where the engine writes it; nothing is searched for across text
//! that a stranger wrote. The one field that stands *behind* free text is `Remote-Host` (behind the remote server's
//! `Status`); and an address may hold what looks like fields, if the engine shows a quoted local part without its quotes.
//! So a line in which a field could be read in two places is [`LogLine::Ambiguous`]: counted, never used.

use crate::hostile::slice_at;

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// `delivered`, `relayed`.
    Delivered,
    /// `delayed`, `deferred`: it will be tried again.
    Delayed,
    /// `failed`.
    Failed,
    /// A word that is not known.
    Other,
}

/// A delivery to one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sent<'a> {
    pub(super) queue_id: &'a [u8],
    /// What stands between `<` and `>`.
    pub(super) recipient: &'a [u8],
    pub(super) outcome: Delivery,
    /// The remote server's words: hostile.
    pub(super) status: &'a [u8],
    /// An address or a name, not checked; `None`: no host was reached.
    pub(super) host: Option<&'a [u8]>,
}

impl<'a> Sent<'a> {
    /// The domain of the recipient.
    pub(super) fn domain(&self) -> Option<&'a [u8]> {
        domain(self.recipient)
    }
}

/// What follows on the last `@`.
pub(super) fn domain(address: &[u8]) -> Option<&[u8]> {
    let at = memchr::memrchr(b'@', address)?;
    address.get(at + 1..)
}

/// A message taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Received<'a> {
    pub(super) queue_id: &'a [u8],
    pub(super) service: &'a [u8],
    /// An address or a name, not checked; `None`: made here (a bounce).
    pub(super) host: Option<&'a [u8]>,
    /// It logged in.
    pub(super) user: bool,
    pub(super) tls: bool,
}

/// A line's message, after its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogLine<'a> {
    Sent(Sent<'a>),
    Received(Received<'a>),
    /// Neither.
    Other,
    /// A field could be read in two places.
    Ambiguous,
    /// It begins like one of the two and goes on differently, or is cut short.
    NotUnderstood,
}

/// Why an address could not be taken.
enum Bracket<'a> {
    Inner(&'a [u8], &'a [u8]),
    TwoEnds,
    Missing,
}

/// Reads the text behind the time. `whole`: the line ended with a line feed; otherwise it may be cut anywhere, and is used
/// only if what decides is followed by a further field.
pub(super) fn parse(message: &[u8], whole: bool) -> LogLine<'_> {
    let message = message.strip_suffix(b"\r").unwrap_or(message);
    if let Some(rest) = message.strip_prefix(b"Sent: Queue-ID: ") {
        sent(rest, whole)
    } else if let Some(rest) = message.strip_prefix(b"Recv: Queue-ID: ") {
        received(rest, whole)
    } else {
        LogLine::Other
    }
}

fn sent(rest: &[u8], whole: bool) -> LogLine<'_> {
    let Some((queue_id, rest)) = queue_id(rest) else {
        return LogLine::NotUnderstood;
    };
    let Some(rest) = field(rest, b"Recipient: ") else {
        return LogLine::NotUnderstood;
    };
    let (recipient, rest) = match bracket(rest) {
        Bracket::Inner(inner, rest) => (inner, rest),
        Bracket::TwoEnds => return LogLine::Ambiguous,
        Bracket::Missing => return LogLine::NotUnderstood,
    };
    let Some(rest) = field(rest, b"Result: ") else {
        return LogLine::NotUnderstood;
    };
    // What nine of ten deliveries say is compared at one stroke; the fields behind it are held to the same rules.
    if let Some(tail) = rest.strip_prefix(b"delivered, Status: 2.0.0 , Remote-Host: ") {
        if second_delivery(tail) {
            return LogLine::Ambiguous;
        }
        return match host(tail) {
            Some((host, rest)) if followed(rest, whole) => LogLine::Sent(Sent {
                queue_id,
                recipient,
                outcome: Delivery::Delivered,
                status: b"2.0.0",
                host: Some(host),
            }),
            _ => LogLine::NotUnderstood,
        };
    }
    let Some((result, rest)) = split_field(rest, 32) else {
        return LogLine::NotUnderstood;
    };
    let outcome = match result {
        b"delivered" | b"relayed" => Delivery::Delivered,
        b"delayed" | b"deferred" => Delivery::Delayed,
        b"failed" => Delivery::Failed,
        _ => Delivery::Other,
    };
    let Some(free) = field(rest, b"Status:") else {
        return LogLine::NotUnderstood;
    };
    let sent = Sent {
        queue_id,
        recipient,
        outcome,
        status: free,
        host: None,
    };
    let found = memchr::memchr_iter(b',', free).find_map(|at| {
        let (status, rest) = free.split_at_checked(at)?;
        Some((status, field(rest, b"Remote-Host: ")?))
    });
    let Some((status, tail)) = found else {
        // A delivery that reached nobody (no such domain). Cut lines end up here too and name nobody.
        return LogLine::Sent(sent);
    };
    if second_delivery(status) || second_delivery(tail) {
        return LogLine::Ambiguous;
    }
    match host(tail) {
        Some((host, rest)) if followed(rest, whole) => LogLine::Sent(Sent {
            status: status.trim_ascii(),
            host: Some(host),
            ..sent
        }),
        _ => LogLine::NotUnderstood,
    }
}

/// Whether the line goes on as it must behind `Remote-Host`.
fn followed(rest: &[u8], whole: bool) -> bool {
    field(rest, b"Msg-Id:").is_some() || rest.is_empty() && whole
}

/// Whether a text holds what could be a second `Status` or `Remote-Host`.
fn second_delivery(text: &[u8]) -> bool {
    memchr::memchr_iter(b',', text).any(|at| {
        let text = slice_at(text, at..);
        field(text, b"Remote-Host:").is_some() || field(text, b"Status:").is_some()
    })
}

/// What follows on a comma, a blank, and this name. The blank may be missing, as in the vendor's manual.
fn field<'a>(rest: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = rest.strip_prefix(b",")?;
    rest.strip_prefix(b" ").unwrap_or(rest).strip_prefix(name)
}

fn received(rest: &[u8], whole: bool) -> LogLine<'_> {
    let Some((queue_id, rest)) = queue_id(rest) else {
        return LogLine::NotUnderstood;
    };
    let Some(rest) = field(rest, b"Service: ") else {
        return LogLine::NotUnderstood;
    };
    let Some((service, rest)) = split_field(rest, 64) else {
        return LogLine::NotUnderstood;
    };
    let Some(rest) = field(rest, b"From: ") else {
        return LogLine::NotUnderstood;
    };
    let rest = match bracket(rest) {
        Bracket::Inner(_, rest) => rest,
        Bracket::TwoEnds => return LogLine::Ambiguous,
        Bracket::Missing => return LogLine::NotUnderstood,
    };
    let Some(mut rest) = field(rest, b"To: ") else {
        return LogLine::NotUnderstood;
    };
    // Several recipients may stand on one line.
    loop {
        rest = match bracket(rest) {
            Bracket::Inner(_, rest) => rest,
            Bracket::TwoEnds => return LogLine::Ambiguous,
            Bracket::Missing => return LogLine::NotUnderstood,
        };
        if field(rest, b"Size: ").is_some() {
            break;
        }
        let next = [b", ".as_slice(), b", To: ", b",To: ", b",", b"; ", b" "]
            .into_iter()
            .find_map(|separator| rest.strip_prefix(separator).filter(|next| next.starts_with(b"<")));
        match next {
            Some(next) => rest = next,
            None => return LogLine::NotUnderstood,
        }
    }
    let Some(rest) = field(rest, b"Size: ") else {
        return LogLine::NotUnderstood;
    };
    let digits = count_digits(rest);
    let Some(mut rest) = rest.get(digits..).filter(|_| digits > 0) else {
        return LogLine::NotUnderstood;
    };
    // A second size: either a subject that plays at being a log line, or an address that did. Which, nobody can say.
    if has_size(rest) {
        return LogLine::Ambiguous;
    }
    let mut line = Received {
        queue_id,
        service,
        host: None,
        user: false,
        tls: false,
    };
    // The vendor's manual has the user before the host, newer engines behind it.
    loop {
        if let Some(after) = field(rest, b"Sender-Host: ").filter(|_| line.host.is_none()) {
            let Some((sender, after)) = host(after) else {
                return LogLine::NotUnderstood;
            };
            (line.host, rest) = (Some(sender), after);
        } else if let Some(after) = field(rest, b"SSL: yes") {
            (line.tls, rest) = (true, after);
        } else if let Some(after) = field(rest, b"User:") {
            let (name, after) = after.split_at(memchr::memchr(b',', after).unwrap_or(after.len()));
            line.user |= name.iter().any(|byte| *byte != b' ');
            rest = after;
        } else {
            break;
        }
    }
    // An unknown field here could be the rest of a cut `SSL: yes`: then "no TLS" would be a lie.
    let known = [b"Subject:".as_slice(), b"Msg-Id:", b"Report:", b"SSL: no"];
    if known.into_iter().any(|name| field(rest, name).is_some()) || rest.is_empty() && whole {
        LogLine::Received(line)
    } else {
        LogLine::NotUnderstood
    }
}

fn count_digits(text: &[u8]) -> usize {
    text.iter().take_while(|b| b.is_ascii_digit()).count()
}

fn has_size(rest: &[u8]) -> bool {
    memchr::memchr_iter(b',', rest).any(|at| {
        let Some(after) = field(slice_at(rest, at..), b"Size: ") else {
            return false;
        };
        let digits = count_digits(after);
        digits > 0 && matches!(after.get(digits), None | Some(b','))
    })
}

/// `<…>`, with quotes. Where a quoted part holds what looks like the closing bracket and the next field, both ends are
/// candidates: a stranger could have opened a quote here and closed it in the subject.
fn bracket(rest: &[u8]) -> Bracket<'_> {
    let Some(inner) = rest.strip_prefix(b"<") else {
        return Bracket::Missing;
    };
    let Some(mut end) = memchr::memchr(b'>', inner) else {
        return Bracket::Missing;
    };
    loop {
        let Some((address, after)) = inner.split_at_checked(end) else {
            return Bracket::Missing;
        };
        let after = slice_at(after, 1..);
        if !inside_quotes(address) {
            return Bracket::Inner(address, after);
        }
        if after.starts_with(b",") {
            return Bracket::TwoEnds;
        }
        match memchr::memchr(b'>', after) {
            Some(next) => end += 1 + next,
            None => return Bracket::TwoEnds,
        }
    }
}

/// Whether a quote is open at the end of this text (RFC 5321 section 4.1.2: a backslash quotes the next character).
fn inside_quotes(text: &[u8]) -> bool {
    let (mut open, mut escaped) = (false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if open => escaped = true,
            b'"' => open = !open,
            _ => {}
        }
    }
    open
}

/// The Queue-ID: as a rule eight digits, a hyphen, and eight digits.
fn queue_id(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    match (rest.get(8), rest.get(17)) {
        (Some(b'-'), Some(b',')) if !rest.iter().take(17).any(|b| *b == b',') => rest.split_at_checked(17),
        _ => split_field(rest, 64),
    }
}

/// A field of the engine's own, at most `max` bytes, and what follows from its comma on.
fn split_field(rest: &[u8], max: usize) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b',', rest).filter(|end| (1..=max).contains(end))?;
    rest.split_at_checked(end)
}

/// What should be an address or a name, up to the comma of the next field or the end; the caller checks it.
fn host(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b',', rest).unwrap_or(rest.len());
    rest.split_at_checked(end)
        .filter(|(host, _)| !host.is_empty() && host.len() <= 255)
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
