//! A server's side of the first two messages: reads a ClientHello, chooses a version and a suite, writes a ServerHello.

use super::behaviour::What;
use crate::probe::hello::{ALERT_RECORD, CLIENT_HELLO, HANDSHAKE_RECORD, KEY_SHARE, SERVER_NAME, SUPPORTED_VERSIONS};
use crate::probe::server_hello::RETRY_RANDOM;
use crate::tls::TlsVersion;

/// What a client offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    client_version: u16,
    suites: Vec<u16>,
    /// The list of `supported_versions`, where there is one.
    versions: Option<Vec<u16>>,
    has_extensions: bool,
    has_server_name: bool,
    /// It brings a key of its own for TLS 1.3.
    has_key: bool,
    /// Of the message, in bytes.
    length: usize,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes(<[u8; 2]>::try_from(pair).ok()?))
}

fn words(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks_exact(2).filter_map(|w| u16_at(w, 0)).collect()
}

impl Offer {
    /// Reads a hello that came as one record; `None` while it is not whole (or is none: then it never will be).
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let length = usize::from(u16_at(bytes, 3)?);
        let record = bytes.get(5..length.checked_add(5)?)?;
        if bytes.first() != Some(&HANDSHAKE_RECORD) || record.first() != Some(&CLIENT_HELLO) {
            return None;
        }
        let client_version = u16_at(record, 4)?;
        let rest = record.get(38..)?; // after type, length, version and random
        let (session, rest) = rest.split_first()?;
        let rest = rest.get(usize::from(*session)..)?;
        let suites = usize::from(u16_at(rest, 0)?).checked_add(2)?;
        let (suites, rest) = (words(rest.get(2..suites)?), rest.get(suites..)?);
        let (compressions, rest) = rest.split_first()?;
        let rest = rest.get(usize::from(*compressions)..)?;
        let mut extensions = if rest.is_empty() { rest } else { rest.get(2..)? };
        let mut offer = Self {
            client_version,
            suites,
            versions: None,
            has_extensions: !rest.is_empty(),
            has_server_name: false,
            has_key: false,
            length,
        };
        while !extensions.is_empty() {
            let end = usize::from(u16_at(extensions, 2)?).checked_add(4)?;
            match u16_at(extensions, 0)? {
                SERVER_NAME => offer.has_server_name = true,
                SUPPORTED_VERSIONS => offer.versions = Some(words(extensions.get(5..end)?)),
                KEY_SHARE => offer.has_key = u16_at(extensions, 4)? > 0,
                _ => {}
            }
            extensions = extensions.get(end..)?;
        }
        Some(offer)
    }

    /// Whether the hello has what this peer may dislike.
    pub(super) fn has(&self, what: What) -> bool {
        match what {
            What::Extensions => self.has_extensions,
            What::SupportedVersions => self.versions.is_some(),
            What::ServerName => self.has_server_name,
            What::NoServerName => !self.has_server_name,
            What::Length => (256..512).contains(&self.length),
            What::Tls12 => self.client_version >= TlsVersion::Tls12.wire(),
        }
    }

    /// The ServerHello (or HelloRetryRequest) of a server with these versions; else the number of its alert.
    /// A server that has TLS 1.3 reads `supported_versions`; older ones know `client_version` only (RFC 5246 appendix E).
    pub(super) fn answer(&self, floor: TlsVersion, ceiling: TlsVersion, marked: bool) -> Result<Vec<u8>, u8> {
        let version = match &self.versions {
            Some(list) if ceiling == TlsVersion::Tls13 => list
                .iter()
                .filter_map(|v| TlsVersion::from_wire(*v))
                .filter(|v| *v <= ceiling)
                .max(),
            _ => TlsVersion::ALL
                .into_iter()
                .rfind(|v| v.wire() <= self.client_version && *v <= ceiling.min(TlsVersion::Tls12)),
        };
        let version = version.filter(|v| *v >= floor).ok_or(70_u8)?;
        let new = version == TlsVersion::Tls13;
        let fits = |suite: &&u16| match version {
            TlsVersion::Tls13 => **suite >> 8 == 0x13,
            TlsVersion::Tls12 => **suite == 0xc02f || OLD_SUITES.contains(suite),
            _ => OLD_SUITES.contains(suite),
        };
        let suite = self.suites.iter().find(fits).ok_or(40_u8)?;
        let mut body = version.min(TlsVersion::Tls12).wire().to_be_bytes().to_vec();
        let retry = new && !self.has_key;
        let mut random = if retry { RETRY_RANDOM } else { [0x4b; 32] };
        // A server with TLS 1.3 must mark that it chose less (RFC 8446 section 4.1.3).
        let chose_less = ceiling == TlsVersion::Tls13 && !new && version >= TlsVersion::Tls10;
        if (marked || chose_less)
            && let Some(end) = random.last_chunk_mut::<8>()
        {
            *end = if version == TlsVersion::Tls12 {
                *b"DOWNGRD\x01"
            } else {
                *b"DOWNGRD\x00"
            };
        }
        body.extend(random);
        body.push(0);
        body.extend(suite.to_be_bytes());
        body.push(0);
        if new {
            // supported_versions, and key_share: a HelloRetryRequest must ask for something, here x25519.
            if retry {
                body.extend([0, 12, 0, 0x2b, 0, 2, 3, 4, 0, 0x33, 0, 2, 0, 0x1d]);
            } else {
                body.extend([0, 46, 0, 0x2b, 0, 2, 3, 4, 0, 0x33, 0, 36, 0, 0x1d, 0, 32]);
                body.extend([9; 32]);
            }
        }
        let [.., a, b, c] = body.len().to_be_bytes();
        Ok([&[2, a, b, c], body.as_slice()].concat())
    }
}

/// AES, 3DES and RC4 with SHA-1, which every old server has.
const OLD_SUITES: [u16; 4] = [0x002f, 0x0035, 0x000a, 0x0005];

/// One record of this type.
pub(super) fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let [.., high, low] = body.len().to_be_bytes();
    [&[kind, 3, 1, high, low], body].concat()
}

/// One alert record.
pub(super) fn alert(level: u8, code: u8) -> Vec<u8> {
    record(ALERT_RECORD, &[level, code])
}
