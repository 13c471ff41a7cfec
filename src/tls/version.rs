//! Protocol versions and mail directions: words that every room shares.

use std::fmt;

/// A protocol version, oldest first, so that `<` means "older than".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// SSL 3.0 (RFC 6101), prohibited by RFC 7568.
    Ssl3,
    /// TLS 1.0 (RFC 2246), deprecated by RFC 8996.
    Tls10,
    /// TLS 1.1 (RFC 4346), deprecated by RFC 8996.
    Tls11,
    /// TLS 1.2 (RFC 5246).
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl TlsVersion {
    /// Every version, oldest first.
    pub const ALL: [Self; 5] = [Self::Ssl3, Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13];
    /// The versions that can be chosen as a minimum, oldest first.
    pub const MINIMUMS: [Self; 4] = [Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13];

    /// The stable spelling of JSON, arguments and the peers file: `ssl3`, `tls1.0` … `tls1.3`.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Self::Ssl3 => "ssl3",
            Self::Tls10 => "tls1.0",
            Self::Tls11 => "tls1.1",
            Self::Tls12 => "tls1.2",
            Self::Tls13 => "tls1.3",
        }
    }

    /// Reads [`Self::token`] back, without regard to case.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.token().eq_ignore_ascii_case(token))
    }

    /// The version number on the wire (RFC 8446 section 4.2.1), such as `0x0303` for TLS 1.2.
    #[must_use]
    pub const fn wire(self) -> u16 {
        match self {
            Self::Ssl3 => 0x0300,
            Self::Tls10 => 0x0301,
            Self::Tls11 => 0x0302,
            Self::Tls12 => 0x0303,
            Self::Tls13 => 0x0304,
        }
    }

    /// Reads [`Self::wire`] back.
    #[must_use]
    pub fn from_wire(wire: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.wire() == wire)
    }
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ssl3 => "SSL 3.0",
            Self::Tls10 => "TLS 1.0",
            Self::Tls11 => "TLS 1.1",
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        })
    }
}

/// Which way mail travels, and so which table of the file governs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// This server answers: SMTP, IMAP, POP3, HTTPS. Table `Security` (vendor's article 115132).
    Inbound,
    /// This server calls other servers: SMTP. Table `SmtpSecurity` (vendor's article 115132).
    Outbound,
}

impl Direction {
    /// Both directions, in the order of the screen.
    pub const ALL: [Self; 2] = [Self::Inbound, Self::Outbound];

    /// The table of `mailserver.cfg` that governs this direction (vendor's article 115132).
    #[must_use]
    pub const fn table(self) -> &'static str {
        match self {
            Self::Inbound => "Security",
            Self::Outbound => "SmtpSecurity",
        }
    }

    /// This direction's one of two, which stand in the order of [`Self::ALL`].
    #[must_use]
    pub fn of<T>(self, [inbound, outbound]: [T; 2]) -> T {
        match self {
            Self::Inbound => inbound,
            Self::Outbound => outbound,
        }
    }

    /// The stable spelling of JSON and the peers file.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Inbound => "Inbound",
            Self::Outbound => "Outbound",
        })
    }
}
