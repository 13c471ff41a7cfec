//! What a peer answered to a ClientHello, read from bytes as they arrive.
//!
//! Pure: it knows no sockets and no time. The bytes are a stranger's, so that nothing here may panic, grow without
//! bound, or name a version that the hello did not offer.

use super::hello::{ALERT_RECORD, HANDSHAKE_RECORD, Hello};
use super::server_hello::ServerHello;
use crate::hostile::safe_text;
use crate::tls::TlsVersion;

/// The largest record body that is read: 2^14 plus 256 (RFC 8446 section 5.2).
const RECORD_LIMIT: usize = 16_640;
/// The largest message read before and as the ServerHello. Real ones are under 200 bytes.
const MESSAGE_LIMIT: usize = 4_096;
/// All that is read of one answer, in bytes.
const TOTAL_LIMIT: usize = 65_536;
/// How much of something that is not TLS is looked at, in bytes.
const PREFIX: usize = 64;

/// The answer to one ClientHello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A ServerHello or HelloRetryRequest with a version that was offered.
    Version {
        /// The version the peer chose.
        version: TlsVersion,
        /// The peer's own mark (RFC 8446 section 4.1.3) that it has more than what it chose: at least this.
        mark: Option<TlsVersion>,
        /// It was a HelloRetryRequest: the peer agrees to the version, and has not gone on with it.
        retry: bool,
    },
    /// A ServerHello with a version that was not offered, as on the wire.
    NotOffered(u16),
    /// A fatal alert, or a `close_notify`: its number (RFC 8446 section 6).
    Alert(u8),
    /// The peer closed, or said no more, before anything was decided; the last warning alert, if there was one.
    Silence(Option<u8>),
    /// Not TLS, or TLS that no client could follow; what it is, bounded and safe to show.
    NotTls(String),
}

/// Reads one answer. Feed it what arrives, in pieces of any size: the result does not depend on them.
#[derive(Debug)]
pub struct ReplyParser<'h> {
    hello: &'h Hello,
    /// Bytes of the record being read, header included.
    record: Vec<u8>,
    /// Handshake bytes that are no whole message yet.
    message: Vec<u8>,
    /// First byte of an alert that was cut in two.
    alert: Option<u8>,
    warning: Option<u8>,
    records: usize,
    total: usize,
    result: Option<Reply>,
}

impl<'h> ReplyParser<'h> {
    /// A parser for the answer to this hello.
    #[must_use]
    pub fn new(hello: &'h Hello) -> Self {
        Self {
            hello,
            record: Vec::new(),
            message: Vec::new(),
            alert: None,
            warning: None,
            records: 0,
            total: 0,
            result: None,
        }
    }

    /// Takes the next bytes; the answer as soon as it is decided. Later bytes do not change it.
    pub fn feed(&mut self, bytes: &[u8]) -> Option<Reply> {
        for byte in bytes {
            if self.result.is_some() {
                break;
            }
            self.total = self.total.saturating_add(1);
            self.record.push(*byte);
            self.result = if self.total > TOTAL_LIMIT {
                Some(Reply::NotTls("more than 64 KiB without a ServerHello".to_owned()))
            } else {
                self.step()
            };
        }
        self.result.clone()
    }

    /// No more will come (closed, reset, or out of time): the answer with what there is.
    #[must_use]
    pub fn end(self) -> Reply {
        if let Some(result) = self.result {
            return result;
        }
        if self.records == 0 && !self.record.is_empty() && !may_be_tls(&self.record) {
            return Reply::NotTls(describe(&self.record));
        }
        Reply::Silence(self.warning)
    }

    /// Looks at the record after each byte: cheap, and the same however the bytes were cut.
    fn step(&mut self) -> Option<Reply> {
        if !may_be_tls(&self.record) {
            if self.records > 0 {
                return broken("after a TLS record comes something that is none");
            }
            let enough = self.record.len() >= PREFIX || self.record.last() == Some(&b'\n');
            return enough.then(|| Reply::NotTls(describe(&self.record)));
        }
        let [kind, _, _, high, low, body @ ..] = self.record.as_slice() else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if length > RECORD_LIMIT {
            return broken("a TLS record longer than 16,640 bytes");
        }
        if body.len() < length {
            return None;
        }
        let (kind, body) = (*kind, body.to_vec());
        self.record.clear();
        self.records = self.records.saturating_add(1);
        match kind {
            ALERT_RECORD => self.alerts(&body),
            HANDSHAKE_RECORD => self.handshake(&body),
            other => Some(Reply::NotTls(format!(
                "a TLS record of type {other} before the ServerHello"
            ))),
        }
    }

    /// Warnings before the ServerHello are passed over (a wrong server name, alert 112, is common).
    fn alerts(&mut self, body: &[u8]) -> Option<Reply> {
        for byte in body {
            match self.alert.take() {
                None => self.alert = Some(*byte),
                Some(1) if *byte != 0 => self.warning = Some(*byte),
                Some(1 | 2) => return Some(Reply::Alert(*byte)),
                Some(_) => return broken("an alert that is neither warning nor fatal"),
            }
        }
        None
    }

    fn handshake(&mut self, body: &[u8]) -> Option<Reply> {
        self.message.extend_from_slice(body);
        loop {
            let [kind, a, b, c, rest @ ..] = self.message.as_slice() else {
                return None;
            };
            let length = usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).unwrap_or(usize::MAX);
            match kind {
                0 if length == 0 => {
                    // HelloRequest: may come at any time (RFC 5246 section 7.4.1.1).
                    self.message.drain(..4);
                    continue;
                }
                2 => {}
                other => {
                    return Some(Reply::NotTls(format!(
                        "handshake message {other} instead of a ServerHello"
                    )));
                }
            }
            if length > MESSAGE_LIMIT {
                return broken("a ServerHello longer than 4,096 bytes");
            }
            let hello = rest.get(..length)?;
            return Some(server_hello(hello, self.hello).unwrap_or_else(|what| Reply::NotTls(what.to_owned())));
        }
    }
}

/// The answer to this hello. Everything that must hold is checked before a version is believed: a mistake here would be a wrong
/// verdict about a peer.
fn server_hello(body: &[u8], hello: &Hello) -> Result<Reply, &'static str> {
    let answer = ServerHello::read(body)?;
    let offered = TlsVersion::from_wire(answer.wire).filter(|v| hello.versions().contains(v));
    let Some(version) = offered else {
        return Ok(Reply::NotOffered(answer.wire));
    };
    if answer.compression != 0 {
        return Err("a ServerHello with a compression that was not offered");
    }
    if !hello.offers_suite(answer.suite) || (version == TlsVersion::Tls13) != (answer.suite >> 8 == 0x13) {
        return Err("a ServerHello with a cipher suite that was not offered");
    }
    Ok(Reply::Version {
        version,
        mark: answer.mark,
        retry: answer.retry,
    })
}

fn broken(what: &str) -> Option<Reply> {
    Some(Reply::NotTls(what.to_owned()))
}

/// Whether these bytes can be the beginning of a TLS record.
fn may_be_tls(start: &[u8]) -> bool {
    start.first().is_none_or(|kind| (20..=24).contains(kind)) && start.get(1).is_none_or(|major| *major == 3)
}

/// Names what is not TLS, from its first bytes.
fn describe(start: &[u8]) -> String {
    match start {
        [first, _, 0 | 4, ..] if first & 0x80 != 0 => "an SSL 2.0 record".to_owned(),
        [b'H', b'T', b'T', b'P', b'/', ..] => format!("HTTP in clear: {}", safe_text(start.trim_ascii(), PREFIX)),
        [b'2' | b'4' | b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'-', ..] | [b'*', b' ', ..] | [b'+', b'O', b'K', ..] => {
            format!("a mail server in clear: {}", safe_text(start.trim_ascii(), PREFIX))
        }
        _ => format!("not TLS: {}", safe_text(start.trim_ascii(), PREFIX)),
    }
}

/// An alert in words, with its number, for people (RFC 8446 section 6 and RFC 5246 section 7.2).
#[must_use]
pub fn alert_words(code: u8) -> String {
    let name = match code {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        22 => "record_overflow",
        40 => "handshake_failure",
        47 => "illegal_parameter",
        50 => "decode_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        _ => return format!("TLS alert {code}"),
    };
    format!("TLS alert {code} ({name})")
}

#[cfg(test)]
mod tests;
