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
    /// It speaks this, but what more it speaks is not known: it took only the bare hello, or marked the answer as talked
    /// down. No ceiling, so nobody is called cut off for it.
    AtLeast(TlsVersion),
    /// It answered, and does not offer TLS on this port.
    NoStartTls,
    /// It refused every ClientHello, and how the first. Unknown: never "no TLS".
    Refused(String),
    /// It answered with a permanent no before TLS had begun (a 5xx greeting, a refused EHLO). That is about our name or
    /// address and says nothing about its versions.
    TurnedAway(String),
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
            Self::AtLeast(_) | Self::Refused(_) | Self::TurnedAway(_) => "refused",
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
            Self::Refused(words)
            | Self::TurnedAway(words)
            | Self::NoAnswer(words)
            | Self::NotTls(words)
            | Self::Later(words) => words,
        }
    }

    /// Which of several addresses stands for the peer: what is certainly old first, then what is not known, then the
    /// others from the lowest. One that could not be reached takes no mail either, so that it counts last.
    fn rank(&self) -> (u8, Option<TlsVersion>) {
        match self {
            Self::Version(version) if *version < TlsVersion::Tls12 => (0, Some(*version)),
            Self::Refused(_) | Self::TurnedAway(_) | Self::NotTls(_) | Self::Later(_) => (1, None),
            Self::NoStartTls => (2, None),
            Self::AtLeast(version) | Self::Version(version) => (3, Some(*version)),
            Self::NoAnswer(_) => (4, None),
        }
    }
}

/// What a version rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Basis {
    /// Its ServerHello: it chose the version.
    #[default]
    Chosen,
    /// Its HelloRetryRequest: it agreed to TLS 1.3, and nobody has seen it go on.
    Agreed,
    /// It throws out whoever offers more.
    InEffect,
}

/// What one address of a peer answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressReport {
    /// Who was asked.
    pub address: SocketAddr,
    /// What is known of it now.
    pub outcome: Outcome,
    /// What a version in `outcome` rests on.
    pub basis: Basis,
    /// TCP connections that it has seen: 0 to 3.
    pub connections: u32,
    /// The network said no (refused, no route): from here no mail goes there either.
    pub is_unreachable: bool,
    /// The evidence in one line: bounded, control bytes as hex.
    pub detail: String,
}

/// The result of one probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Who was asked.
    pub target: Target,
    /// What is known now: the worst of its addresses.
    pub outcome: Outcome,
    /// What a version in `outcome` rests on.
    pub basis: Basis,
    /// The address that this is about, where one took a connection.
    pub address: Option<SocketAddr>,
    /// Each address that was asked, in the resolver's order.
    pub addresses: Vec<AddressReport>,
    /// Addresses that there was no time to ask: of them nothing is known.
    pub not_asked: Vec<SocketAddr>,
    /// TCP connections that the peer has seen: 0 to 3 an address.
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
            basis: Basis::default(),
            address: None,
            addresses: Vec::new(),
            not_asked: Vec::new(),
            connections: 0,
            elapsed,
            detail: why,
        }
    }

    /// What the addresses of a target answered; it has `all` of them.
    pub(super) fn of(target: &Target, addresses: Vec<AddressReport>, all: &[SocketAddr], elapsed: Duration) -> Self {
        let not_asked = all.iter().skip(addresses.len()).copied().collect();
        let Some(worst) = addresses.iter().min_by_key(|answer| answer.outcome.rank()) else {
            return Self::unreached(target, "it has no address".to_owned(), elapsed);
        };
        let detail = if all.len() == 1 {
            worst.detail.clone()
        } else {
            let each: Vec<String> = addresses
                .iter()
                .map(|a| format!("{}: {}", a.address.ip(), a.detail))
                .collect();
            format!(
                "{} of {} addresses asked, the worst counts: {}",
                addresses.len(),
                all.len(),
                each.join("; ")
            )
        };
        Self {
            target: target.clone(),
            outcome: worst.outcome.clone(),
            basis: worst.basis,
            address: Some(worst.address).filter(|_| worst.connections > 0),
            connections: addresses.iter().map(|answer| answer.connections).sum(),
            not_asked,
            addresses,
            elapsed,
            detail,
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
    /// It answered with a ServerHello of this version.
    Accepted,
    /// It answered with a HelloRetryRequest: it agrees to TLS 1.3, and nobody has seen it go on. JSSE with a DSA key
    /// answers so, and can speak no TLS 1.3.
    Agreed,
    /// It refused this version with this alert.
    Refused(u8),
    /// It answered with another version than the one that was offered; in words.
    NotOffered(String),
    /// It closed without an alert: a refusal, a limit on connections, or a server that is still loading.
    Closed(String),
    /// The question was not answered; why. Never [`Outcome::Version`] or [`Outcome::AtLeast`].
    Unknown(Outcome),
}
