//! What syslog puts before a line: RFC 5424, the old form of RFC 3164, and what rsyslog writes to files (either without the priority, or the
//! new form's time before the old form's rest). Pure; what follows may be a stranger's, so nothing is searched for.

use jiff::Timestamp;

/// A time as it stands in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stamp {
    /// With its zone: seconds since 1970.
    Zoned(i64),
    /// Local, without a zone or a year.
    Local(Local),
}

/// `Apr  4 10:00:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Local {
    pub(super) month: i8,
    pub(super) day: i8,
    pub(super) hour: i8,
    pub(super) minute: i8,
    pub(super) second: i8,
}

/// Reads a header; gives its time and the message behind it.
pub(super) fn read(line: &[u8]) -> Option<(Stamp, &[u8])> {
    let (has_priority, rest) = match line.strip_prefix(b"<") {
        Some(rest) => {
            let close = memchr::memchr(b'>', rest.get(..rest.len().min(5))?)?;
            let (priority, rest) = rest.split_at_checked(close)?;
            if priority.is_empty() || !priority.iter().all(u8::is_ascii_digit) {
                return None;
            }
            (true, rest.strip_prefix(b">")?)
        }
        None => (false, line),
    };
    if let Some(rest) = rest.strip_prefix(b"1 ").filter(|_| has_priority) {
        // TIMESTAMP HOST APP PROCID MSGID SD MSG (RFC 5424 section 6).
        let (time, rest) = word(rest)?;
        let (_host, rest) = word(rest)?;
        return Some((zoned(time)?, new_rest(rest)?));
    }
    if rest.first()?.is_ascii_digit() {
        let (time, rest) = word(rest)?;
        return Some((zoned(time)?, old_rest(rest)?));
    }
    let (local, rest) = local(rest)?;
    Some((Stamp::Local(local), old_rest(rest)?))
}

fn zoned(time: &[u8]) -> Option<Stamp> {
    let moment = std::str::from_utf8(time).ok()?.parse::<Timestamp>().ok()?;
    Some(Stamp::Zoned(moment.as_second()))
}

/// `Mmm dd hh:mm:ss ` (RFC 3164 section 4.1.2), and what follows.
fn local(text: &[u8]) -> Option<(Local, &[u8])> {
    let ([m1, m2, m3, b' ', d1, d2, b' ', h1, h2, b':', n1, n2, b':', s1, s2, b' '], rest) =
        text.split_first_chunk::<16>()?
    else {
        return None;
    };
    let local = Local {
        month: month([*m1, *m2, *m3])?,
        day: two_digits(if *d1 == b' ' { b'0' } else { *d1 }, *d2)?,
        hour: two_digits(*h1, *h2)?,
        minute: two_digits(*n1, *n2)?,
        second: two_digits(*s1, *s2)?,
    };
    Some((local, rest))
}

/// `HOST TAG: MSG`, `HOST MSG`, or, as some templates write it, `HOST APP PROCID MSGID SD MSG`.
fn old_rest(rest: &[u8]) -> Option<&[u8]> {
    let (_host, rest) = word(rest)?;
    if begins_message(rest) {
        return Some(rest);
    }
    let (tag, message) = word(rest)?;
    if tag.ends_with(b":") {
        return Some(message.trim_ascii_start());
    }
    new_rest(rest)
}

/// Whether this is the engine's own text already.
fn begins_message(text: &[u8]) -> bool {
    [b"Sent: ".as_slice(), b"Recv: ", b"["]
        .into_iter()
        .any(|start| text.starts_with(start))
}

/// `APP PROCID MSGID SD MSG`.
fn new_rest(rest: &[u8]) -> Option<&[u8]> {
    let (_app, rest) = word(rest)?;
    let (_process, rest) = word(rest)?;
    let (_kind, rest) = word(rest)?;
    structured_data(rest)
}

/// A word of a header and what follows on its blank.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = memchr::memchr(b' ', text.get(..text.len().min(300))?).filter(|space| *space > 0)?;
    let (word, rest) = text.split_at_checked(space)?;
    Some((word, rest.strip_prefix(b" ")?))
}

/// Skips `-` or `[id name="value"]…` (quotes may hold `]`).
fn structured_data(rest: &[u8]) -> Option<&[u8]> {
    if let Some(message) = rest.strip_prefix(b"- ") {
        return Some(message);
    }
    let (mut depth, mut quoted, mut escaped) = (0_u8, false, false);
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if depth == 1 => quoted = !quoted,
            b'[' if !quoted && depth == 0 => depth = 1,
            b']' if !quoted && depth == 1 => depth = 0,
            b' ' if depth == 0 && at > 0 => return rest.get(at + 1..),
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// The number of a month by its English name, as the engine and syslog write it.
pub(super) fn month(name: [u8; 3]) -> Option<i8> {
    const NAMES: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let (names, _) = NAMES.as_chunks::<3>();
    (1..)
        .zip(names)
        .find_map(|(number, known)| (*known == name).then_some(number))
}

pub(super) fn two_digits(tens: u8, ones: u8) -> Option<i8> {
    if !(tens.is_ascii_digit() && ones.is_ascii_digit()) {
        return None;
    }
    i8::try_from((tens - b'0') * 10 + (ones - b'0')).ok()
}
