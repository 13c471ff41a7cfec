//! What TLS is spoken beneath.

use std::fmt;

/// A service of a mail server, by its port and by how TLS begins there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// SMTP between servers, with STARTTLS (RFC 3207), port 25.
    Smtp,
    /// Message submission with STARTTLS (RFC 6409), port 587.
    Submission,
    /// Submission over TLS from the start (RFC 8314), port 465.
    Smtps,
    /// IMAP with STARTTLS (RFC 9051), port 143.
    Imap,
    /// IMAP over TLS from the start (RFC 8314), port 993.
    Imaps,
    /// POP3 with STLS (RFC 2595), port 110.
    Pop3,
    /// POP3 over TLS from the start (RFC 8314), port 995.
    Pop3s,
    /// HTTPS: webmail, ActiveSync, the administration; port 443.
    Https,
}

impl Service {
    /// Every service, in the order of the screen.
    pub const ALL: [Self; 8] = [
        Self::Smtp,
        Self::Submission,
        Self::Smtps,
        Self::Imap,
        Self::Imaps,
        Self::Pop3,
        Self::Pop3s,
        Self::Https,
    ];

    /// The stable spelling of JSON, arguments and the peers file: `smtp` … `https`.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Submission => "submission",
            Self::Smtps => "smtps",
            Self::Imap => "imap",
            Self::Imaps => "imaps",
            Self::Pop3 => "pop3",
            Self::Pop3s => "pop3s",
            Self::Https => "https",
        }
    }

    /// Reads [`Self::token`] back, without regard to case.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.token().eq_ignore_ascii_case(token))
    }

    /// The usual port (IANA).
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::Smtp => 25,
            Self::Submission => 587,
            Self::Smtps => 465,
            Self::Imap => 143,
            Self::Imaps => 993,
            Self::Pop3 => 110,
            Self::Pop3s => 995,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.token())
    }
}
