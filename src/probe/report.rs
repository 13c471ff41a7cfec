//! What a probe found out, and what it did not.

use std::net::SocketAddr;
use std::time::Duration;

use super::target::Target;
use crate::tls::TlsVersion;

/// What is known of a peer after it was asked. All words are bounded and safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Its highest version: it chose this where TLS 1.0 to 1.3 were offered, or SSL 3.0 where TLS 1.0 was.
    Version(TlsVersion),
    /// It speaks this, but what more it speaks is not known: it refused the hello that offers everything and took a
    /// bare one, or marked the answer as talked down. No ceiling, so nobody is called cut off for it.
    AtLeast(TlsVersion),
    /// It answered, and does not offer TLS on this port.
    NoStartTls,
    /// It refused the ClientHello, and how. Unknown: never "no TLS". A "no" before TLS has begun is [`Self::NoAnswer`].
    Refused(String),
    /// No answer, and why. Unknown.
    NoAnswer(String),
    /// Something else is spoken there. Unknown.
    NotTls(String),
    /// It asks to come later (421, 4xx), in its own words. Unknown.
    Later(String),
}

impl Outcome {
    /// The stable word of JSON: `version`, `no-starttls`, `refused`, `no-answer`, `not-tls`, `later`. [`Self::AtLeast`]
    /// is `refused` (the question that would have told the highest version was), with the version in the detail.
    #[must_use]
    pub const fn token(&self) -> &'static str {
        match self {
            Self::Version(_) => "version",
            Self::NoStartTls => "no-starttls",
            Self::AtLeast(_) | Self::Refused(_) => "refused",
            Self::NoAnswer(_) => "no-answer",
            Self::NotTls(_) => "not-tls",
            Self::Later(_) => "later",
        }
    }

    /// The highest version, where it is known.
    #[must_use]
    pub const fn highest(&self) -> Option<TlsVersion> {
        match self {
            Self::Version(version) => Some(*version),
            _ => None,
        }
    }

    /// The reason in words, where there is one.
    #[must_use]
    pub fn words(&self) -> &str {
        match self {
            Self::Version(_) | Self::AtLeast(_) => "",
            Self::NoStartTls => "no STARTTLS offered",
            Self::Refused(words) | Self::NoAnswer(words) | Self::NotTls(words) | Self::Later(words) => words,
        }
    }
}

/// The result of one probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Who was asked.
    pub target: Target,
    /// What is known now.
    pub outcome: Outcome,
    /// The address that took the connection.
    pub address: Option<SocketAddr>,
    /// TCP connections that the peer has seen: 0, 1 or 2.
    pub connections: u32,
    /// From the look-up to the verdict.
    pub elapsed: Duration,
    /// The evidence in one line: bounded, control bytes as hex.
    pub detail: String,
}

impl Report {
    /// A target whose host could not be found, in this time.
    pub(super) fn unreached(target: &Target, why: String, elapsed: Duration) -> Self {
        Self {
            target: target.clone(),
            outcome: Outcome::NoAnswer(why.clone()),
            address: None,
            connections: 0,
            elapsed,
            detail: why,
        }
    }

    /// The highest version, where it is known.
    #[must_use]
    pub const fn highest(&self) -> Option<TlsVersion> {
        self.outcome.highest()
    }

    /// The time in milliseconds, rounded to a tenth.
    #[must_use]
    pub fn milliseconds(&self) -> f64 {
        (self.elapsed.as_secs_f64() * 10_000.0).round() / 10.0
    }
}

/// Whether a port accepts one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acceptance {
    /// It answered with this version.
    Accepted,
    /// It refused this version, and how.
    Refused(String),
    /// The question was not answered; why. Never [`Outcome::Version`] or [`Outcome::AtLeast`].
    Unknown(Outcome),
}
