//! How the probe behaves: its patience, and the name it gives.

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
    /// Each later reply, and the ServerHello.
    pub reply: Duration,
    /// Everything with one peer, both connections, after the name is looked up.
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
            whole: Duration::from_secs(45),
            lines: 128,
            bytes: 65_536,
        }
    }
}

/// The name given in EHLO (RFC 5321 section 4.1.1.1). It stands in the peer's log: the server's own name is honest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EhloName(String);

impl EhloName {
    /// A host name or an address literal such as `[192.0.2.1]`; `None` where a byte could end the command or is not
    /// allowed there, or the length is not 1 to 253.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let good = |b: u8| b.is_ascii_alphanumeric() || b"-_.:[]".contains(&b);
        ((1..=253).contains(&name.len()) && name.bytes().all(good)).then(|| Self(name.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for EhloName {
    /// `localhost`, for a host that has no name that could be given.
    fn default() -> Self {
        Self("localhost".to_owned())
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
    fn an_ehlo_name_cannot_carry_a_second_command() {
        for bad in ["", "a b", "mx.example.org\r\nMAIL FROM:<>", "\u{fc}", &"a".repeat(254)] {
            assert_eq!(EhloName::new(bad), None);
        }
        for good in ["mail.example.org", "[192.0.2.1]", "[IPv6:2001:db8::1]"] {
            assert_eq!(EhloName::new(good).unwrap().as_str(), good);
        }
    }
}
