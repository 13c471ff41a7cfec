//! How the probe behaves: its patience, and the name it gives.

use std::net::IpAddr;
use std::time::{Duration, Instant};

/// What is allowed to one peer. The defaults are those that a mail administrator would call polite and a tarpit cannot
/// stretch: every one is a deadline for the whole step, not for each byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Looking a name up.
    pub resolve: Duration,
    /// One TCP connect.
    pub connect: Duration,
    /// The greeting. Long, because servers delay it to catch spammers who speak first (RFC 5321 4.5.3.2.1 allows minutes).
    pub greeting: Duration,
    /// Each later reply.
    pub reply: Duration,
    /// The answer to a hello; what is silent so long is asked in another way.
    pub hello: Duration,
    /// Everything with one peer, all connections to all its addresses, after the name is looked up.
    pub whole: Duration,
    /// Reply lines read on one connection.
    pub lines: usize,
    /// Bytes of replies read on one connection.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            resolve: Duration::from_secs(10),
            connect: Duration::from_secs(5),
            greeting: Duration::from_secs(30),
            reply: Duration::from_secs(10),
            hello: Duration::from_secs(6),
            whole: Duration::from_secs(45),
            lines: 128,
            bytes: 65_536,
        }
    }
}

/// The name given in EHLO (RFC 5321 section 4.1.1.1). It stands in the peer's log: the server's own name is honest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EhloName(Option<String>);

impl EhloName {
    /// A host name or an address literal such as `[192.0.2.1]`; `None` where a byte could end the command or is not
    /// allowed there, or the length is not 1 to 253. The default is the literal of whatever address the connection has
    /// here, which is what a host without a full name gives (RFC 5321 section 4.1.1.1).
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let good = |b: u8| b.is_ascii_alphanumeric() || b"-_.:[]".contains(&b);
        ((1..=253).contains(&name.len()) && name.bytes().all(good)).then(|| Self(Some(name.to_owned())))
    }

    /// What is said on a connection whose own end has this address.
    pub(super) fn spoken(&self, local: Option<IpAddr>) -> String {
        match (&self.0, local) {
            (Some(name), _) => name.clone(),
            (None, Some(IpAddr::V4(address))) => format!("[{address}]"),
            (None, Some(IpAddr::V6(address))) => format!("[IPv6:{address}]"),
            (None, None) => "localhost".to_owned(),
        }
    }
}

impl std::fmt::Display for EhloName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.0.as_deref().unwrap_or("[this host's address]"))
    }
}

/// How to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The name given in EHLO.
    pub ehlo_name: EhloName,
    /// Patience.
    pub limits: Limits,
}

impl Settings {
    /// The usual limits, under this name.
    #[must_use]
    pub fn new(ehlo_name: EhloName) -> Self {
        Self {
            ehlo_name,
            limits: Limits::default(),
        }
    }
}

/// The earlier of `whole` and `step` from now.
pub(super) fn step_until(whole: Instant, step: Duration) -> Instant {
    Instant::now().checked_add(step).map_or(whole, |step| step.min(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_a_full_name_gives_the_literal_of_its_address() {
        let spoken = |address: &str| EhloName::default().spoken(address.parse().ok());
        assert_eq!(spoken("192.0.2.1"), "[192.0.2.1]");
        assert_eq!(spoken("2001:db8::1"), "[IPv6:2001:db8::1]");
        let named = EhloName::new("mail.example.org").unwrap();
        assert_eq!(named.spoken("192.0.2.1".parse().ok()), "mail.example.org");
    }

    #[test]
    fn an_ehlo_name_cannot_carry_a_second_command() {
        for bad in ["", "a b", "mx.example.org\r\nMAIL FROM:<>", "\u{fc}", &"a".repeat(254)] {
            assert_eq!(EhloName::new(bad), None);
        }
        for good in ["mail.example.org", "[192.0.2.1]", "[IPv6:2001:db8::1]"] {
            assert_eq!(EhloName::new(good).unwrap().to_string(), good);
        }
    }
}
