//! The one message that matters: which version did the peer choose?

use super::fields::Fields;
use super::hello::SUPPORTED_VERSIONS;
use crate::tls::TlsVersion;

/// `random` of a HelloRetryRequest: SHA-256 of "HelloRetryRequest" (RFC 8446 section 4.1.3).
pub(super) const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

const CUT: &str = "a ServerHello whose lengths do not fit";

/// A ServerHello as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerHello {
    /// The version that the server chose.
    pub wire: u16,
    /// The server's own mark (RFC 8446 section 4.1.3) that it has more than what it chose: at least this.
    pub mark: Option<TlsVersion>,
    /// It is a HelloRetryRequest: another ClientHello follows.
    pub retry: bool,
    pub(super) suite: u16,
    pub(super) compression: u8,
}

impl ServerHello {
    /// Reads the body of a ServerHello (RFC 5246 section 7.4.1.3, RFC 8446 section 4.1.3).
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn read(body: &[u8]) -> Result<Self, &'static str> {
        let mut fields = Fields(body);
        let legacy = fields.u16().ok_or(CUT)?;
        let random: [u8; 32] = fields.array().ok_or(CUT)?;
        let session = fields.u8().ok_or(CUT)?;
        if session > 32 {
            return Err("a ServerHello with a session id longer than 32 bytes");
        }
        fields.take(usize::from(session)).ok_or(CUT)?;
        let suite = fields.u16().ok_or(CUT)?;
        let compression = fields.u8().ok_or(CUT)?;
        let selected = if fields.0.is_empty() {
            None
        } else {
            selected_version(&mut fields)?
        };
        let retry = random == RETRY_RANDOM;
        let wire = match selected {
            Some(_) if legacy != TlsVersion::Tls12.wire() => return Err("a ServerHello with two versions"),
            Some(v) if v < TlsVersion::Tls13.wire() => {
                return Err("a ServerHello that selects an old version as a new one");
            }
            Some(v) => v,
            None if retry => return Err("a HelloRetryRequest without a version"),
            None if legacy > TlsVersion::Tls12.wire() => return Err("a ServerHello with a version from the future"),
            None => legacy,
        };
        // A server of TLS 1.3 that chooses 1.2 ends its random in "DOWNGRD" 01, one of 1.2 or 1.3 that chooses less in 00.
        let mark = match random.get(24..) {
            Some([0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, 1]) => Some(TlsVersion::Tls13),
            Some([0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, 0]) => Some(TlsVersion::Tls12),
            _ => None,
        };
        Ok(Self {
            wire,
            mark: mark.filter(|mark| mark.wire() > wire),
            retry,
            suite,
            compression,
        })
    }
}

/// The version in the extension `supported_versions`, if there is one.
fn selected_version(fields: &mut Fields<'_>) -> Result<Option<u16>, &'static str> {
    let mut extensions = Fields(fields.block16().ok_or(CUT)?);
    if !fields.0.is_empty() {
        return Err(CUT);
    }
    let mut selected = None;
    while !extensions.0.is_empty() {
        let kind = extensions.u16().ok_or(CUT)?;
        let body = extensions.block16().ok_or(CUT)?;
        if kind == SUPPORTED_VERSIONS {
            let version = <[u8; 2]>::try_from(body).map_err(|_| CUT)?;
            if selected.replace(u16::from_be_bytes(version)).is_some() {
                return Err("a ServerHello with two versions");
            }
        }
    }
    Ok(selected)
}
