//! One line of `mail.log` as fields. Pure, and it trusts nobody.
//!
//! A line is read from the left, field by field, each where the engine writes it; nothing is searched for across text
//! that a stranger wrote. The one field that stands *behind* free text is `Remote-Host` (behind the remote server's
//! `Status`); and an address may hold what looks like fields, if the engine shows a quoted local part without its quotes.
//! So a line in which a field could be read in two places is [`Line::Ambiguous`]: counted, never used.

use memchr::memmem::Finder;

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
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
    pub(super) outcome: Outcome,
    /// The remote server's words: hostile.
    pub(super) status: &'a [u8],
    /// An address or a name, not checked; `None`: no host was reached.
    pub(super) host: Option<&'a [u8]>,
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
pub(super) enum Line<'a> {
    Sent(Sent<'a>),
    Received(Received<'a>),
    /// Neither.
    Other,
    /// A field could be read in two places.
    Ambiguous,
    /// It begins like one of the two and goes on differently, or is cut short.
    NotUnderstood,
}

/// The parser: search tables made once.
#[derive(Debug)]
pub(super) struct Parser {
    remote_host: Finder<'static>,
    status: Finder<'static>,
    size: Finder<'static>,
    separator: Finder<'static>,
}

/// Why an address could not be taken.
enum Bracket<'a> {
    Inner(&'a [u8], &'a [u8]),
    TwoEnds,
    Missing,
}

impl Parser {
    pub(super) fn new() -> Self {
        Self {
            remote_host: Finder::new(b", Remote-Host: "),
            status: Finder::new(b", Status: "),
            size: Finder::new(b", Size: "),
            separator: Finder::new(b", "),
        }
    }

    /// Reads the text behind the time. `whole`: the line ended with a line feed; otherwise it may be cut anywhere, and is
    /// used only if what decides is followed by a further field.
    pub(super) fn parse<'a>(&self, message: &'a [u8], whole: bool) -> Line<'a> {
        let message = message.strip_suffix(b"\r").unwrap_or(message);
        if let Some(rest) = message.strip_prefix(b"Sent: Queue-ID: ") {
            self.sent(rest, whole)
        } else if let Some(rest) = message.strip_prefix(b"Recv: Queue-ID: ") {
            self.received(rest, whole)
        } else {
            Line::Other
        }
    }

    fn sent<'a>(&self, rest: &'a [u8], whole: bool) -> Line<'a> {
        let Some((queue_id, rest)) = queue_id(rest) else {
            return Line::NotUnderstood;
        };
        let Some(rest) = rest.strip_prefix(b"Recipient: ") else {
            return Line::NotUnderstood;
        };
        let (recipient, rest) = match self.bracket(rest) {
            Bracket::Inner(inner, rest) => (inner, rest),
            Bracket::TwoEnds => return Line::Ambiguous,
            Bracket::Missing => return Line::NotUnderstood,
        };
        let Some(rest) = rest.strip_prefix(b", Result: ") else {
            return Line::NotUnderstood;
        };
        let Some((result, rest)) = split_word(rest) else {
            return Line::NotUnderstood;
        };
        let outcome = match result {
            b"delivered" | b"relayed" => Outcome::Delivered,
            b"delayed" | b"deferred" => Outcome::Delayed,
            b"failed" => Outcome::Failed,
            _ => Outcome::Other,
        };
        let Some(free) = rest.strip_prefix(b", Status:") else {
            return Line::NotUnderstood;
        };
        let sent = Sent {
            queue_id,
            recipient,
            outcome,
            status: free,
            host: None,
        };
        let Some((status, rest)) = self.split(&self.remote_host, free) else {
            // A delivery that reached nobody (no such domain). Cut lines end up here too and name nobody.
            return Line::Sent(sent);
        };
        let tail = free.get(status.len()..).unwrap_or_default();
        if self.remote_host.find(rest).is_some()
            || self.status.find(status).is_some()
            || self.status.find(tail).is_some()
        {
            return Line::Ambiguous;
        }
        let Some((host, rest)) = host(rest) else {
            return Line::NotUnderstood;
        };
        if !(rest.starts_with(b", Msg-Id: ") || rest.is_empty() && whole) {
            return Line::NotUnderstood;
        }
        Line::Sent(Sent {
            status: status.trim_ascii(),
            host: Some(host),
            ..sent
        })
    }

    fn received<'a>(&self, rest: &'a [u8], whole: bool) -> Line<'a> {
        let Some((queue_id, rest)) = queue_id(rest) else {
            return Line::NotUnderstood;
        };
        let Some(rest) = rest.strip_prefix(b"Service: ") else {
            return Line::NotUnderstood;
        };
        let Some((service, rest)) = self.split(&self.separator, rest) else {
            return Line::NotUnderstood;
        };
        let Some(mut rest) = rest.strip_prefix(b"From: ") else {
            return Line::NotUnderstood;
        };
        match self.bracket(rest) {
            Bracket::Inner(_, after) => rest = after,
            Bracket::TwoEnds => return Line::Ambiguous,
            Bracket::Missing => return Line::NotUnderstood,
        }
        let Some(mut rest) = rest.strip_prefix(b", To: ") else {
            return Line::NotUnderstood;
        };
        loop {
            match self.bracket(rest) {
                Bracket::Inner(_, after) => rest = after,
                Bracket::TwoEnds => return Line::Ambiguous,
                Bracket::Missing => return Line::NotUnderstood,
            }
            // Several recipients on one line.
            let next = [b", ".as_slice(), b", To: ", b",", b"; ", b" "]
                .into_iter()
                .find_map(|separator| rest.strip_prefix(separator).filter(|next| next.starts_with(b"<")));
            match next {
                Some(next) => rest = next,
                None => break,
            }
        }
        let Some(rest) = rest.strip_prefix(b", Size: ") else {
            return Line::NotUnderstood;
        };
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let Some((size, rest)) = rest.split_at_checked(digits) else {
            return Line::NotUnderstood;
        };
        if size.is_empty() {
            return Line::NotUnderstood;
        }
        // A second size: either a subject that plays at being a log line, or an address that did. Which, nobody can say.
        if self.second_size(rest) {
            return Line::Ambiguous;
        }
        let mut line = Received {
            queue_id,
            service,
            host: None,
            user: false,
            tls: false,
        };
        let Some(rest) = rest.strip_prefix(b", Sender-Host: ") else {
            return Line::Received(line);
        };
        let Some((sender, mut rest)) = host(rest) else {
            return Line::NotUnderstood;
        };
        line.host = Some(sender);
        loop {
            if let Some(after) = rest.strip_prefix(b", SSL: yes") {
                line.tls = true;
                rest = after;
            } else if let Some(user) = rest.strip_prefix(b", User: ") {
                line.user = true;
                // Up to the comma of the next field.
                let end = self.separator.find(user).unwrap_or(user.len());
                rest = user.get(end..).unwrap_or_default();
            } else {
                break;
            }
        }
        // An unknown field here could be the rest of a cut `SSL: yes`: then "no TLS" would be a lie.
        let known = [
            b", Subject: ".as_slice(),
            b", Subject:",
            b", Msg-Id: ",
            b", Report: ",
            b", SSL: no",
        ];
        if known.into_iter().any(|field| rest.starts_with(field)) || rest.is_empty() && whole {
            Line::Received(line)
        } else {
            Line::NotUnderstood
        }
    }

    fn second_size(&self, rest: &[u8]) -> bool {
        self.size.find_iter(rest).any(|at| {
            let after = rest.get(at + 8..).unwrap_or_default();
            let digits = after.iter().take_while(|b| b.is_ascii_digit()).count();
            digits > 0 && matches!(after.get(digits), None | Some(b','))
        })
    }

    /// `<…>`, with quotes. Where a quoted part holds what looks like the closing bracket and the next field, both ends are
    /// candidates: a stranger could have opened a quote here and closed it in the subject.
    fn bracket<'a>(&self, rest: &'a [u8]) -> Bracket<'a> {
        let Some(inner) = rest.strip_prefix(b"<") else {
            return Bracket::Missing;
        };
        let Some(first) = memchr::memchr(b'>', inner) else {
            return Bracket::Missing;
        };
        let mut end = first;
        loop {
            let Some(address) = inner.get(..end) else {
                return Bracket::Missing;
            };
            if !inside_quotes(address) {
                let after = inner.get(end + 1..).unwrap_or_default();
                return Bracket::Inner(address, after);
            }
            if inner.get(end + 1..).is_none_or(|after| after.starts_with(b", ")) {
                return Bracket::TwoEnds;
            }
            match inner.get(end + 1..).and_then(|after| memchr::memchr(b'>', after)) {
                Some(next) => end += 1 + next,
                None => return Bracket::TwoEnds,
            }
        }
    }

    fn split<'a>(&self, finder: &Finder<'_>, text: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let at = finder.find(text)?;
        Some((text.get(..at)?, text.get(at + finder.needle().len()..)?))
    }
}

/// Whether a quote is open at the end of this text (RFC 5321 section 4.1.2: a backslash quotes the next character).
fn inside_quotes(text: &[u8]) -> bool {
    if memchr::memchr(b'"', text).is_none() {
        return false;
    }
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

/// The Queue-ID and what follows its comma.
fn queue_id(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = rest
        .iter()
        .take(65)
        .position(|b| !(b.is_ascii_alphanumeric() || *b == b'-'))?;
    let (id, rest) = rest.split_at_checked(end)?;
    Some((id, rest.strip_prefix(b", ")?)).filter(|_| !id.is_empty())
}

/// A word of letters, and the rest with its comma.
fn split_word(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = rest.iter().take(32).position(|b| !b.is_ascii_alphabetic())?;
    rest.split_at_checked(end).filter(|(word, _)| !word.is_empty())
}

/// What can be an address or a name, up to the comma of the next field or the end.
fn host(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let legal = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b':' | b'-' | b'_' | b'[' | b']');
    let end = rest.iter().position(|b| !legal(b)).unwrap_or(rest.len());
    let (host, after) = rest.split_at_checked(end)?;
    let ends = after.is_empty() || after.starts_with(b", ");
    (ends && !host.is_empty() && host.len() <= 255).then_some((host, after))
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
