//! Whom to ask, and how TLS begins there.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::{ProbeError, Service, idn};
use crate::hostile::safe_text;

/// How TLS begins on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Start {
    /// With the first byte.
    Direct,
    /// After SMTP's STARTTLS.
    Smtp,
    /// After IMAP's STARTTLS.
    Imap,
    /// After POP3's STLS.
    Pop3,
}

impl Start {
    /// How TLS begins at a service.
    #[must_use]
    pub const fn of(service: Service) -> Self {
        match service {
            Service::Smtp | Service::Submission => Self::Smtp,
            Service::Imap => Self::Imap,
            Service::Pop3 => Self::Pop3,
            Service::Smtps | Service::Imaps | Service::Pop3s | Service::Https => Self::Direct,
        }
    }
}

/// A host name that can be looked up: lower case, letters, digits, `-`, `_` and dots, at most 253 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostName(String);

impl HostName {
    /// The name, safe to show and to send.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let label = |l: &str| {
            (1..=63).contains(&l.len())
                && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
                && !l.starts_with('-')
                && !l.ends_with('-')
        };
        // "192.0.2.999" is a mistyped address, not a name: no top-level domain is all digits (RFC 3696 section 2).
        let numeric = name
            .rsplit('.')
            .next()
            .is_some_and(|l| l.bytes().all(|b| b.is_ascii_digit()));
        (name.len() <= 253 && !numeric && name.split('.').all(label)).then_some(Self(name))
    }
}

/// Where a probe goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TargetHost {
    /// An address, as the logs give it. No server name is sent.
    Address(IpAddr),
    /// A name, looked up by the system as a host name (no MX look-up) and sent as the TLS server name.
    Name(HostName),
}

/// One host, port and service to ask.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// The host.
    pub host: TargetHost,
    /// The TCP port.
    pub port: u16,
    /// What is spoken there.
    pub service: Service,
}

impl Target {
    /// The service at this address, on `port` or on its usual one.
    #[must_use]
    pub fn at(address: IpAddr, port: Option<u16>, service: Service) -> Self {
        Self {
            host: TargetHost::Address(address),
            port: port.unwrap_or(service.port()),
            service,
        }
    }

    /// Reads `HOST` or `HOST:PORT`; an IPv6 address stands in brackets where a port follows.
    /// # Errors
    /// [`ProbeError::BadTarget`] with what is wrong with it.
    pub fn parse(text: &str, service: Service) -> Result<Self, ProbeError> {
        let bad = |why: &str| ProbeError::BadTarget {
            text: safe_text(text.as_bytes(), 80),
            why: why.to_owned(),
        };
        if let Some(why) = mistaken(text) {
            return Err(bad(&why));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::at(address, None, service));
        }
        let (host, port) = match text.strip_prefix('[').and_then(|t| t.split_once(']')) {
            Some((v6, "")) => (v6, None),
            Some((v6, rest)) => (
                v6,
                Some(rest.strip_prefix(':').ok_or_else(|| bad("after ] comes :PORT"))?),
            ),
            None => match text.split_once(':') {
                Some((_, rest)) if rest.contains(':') => return Err(bad("an IPv6 address with a port stands in [ ]")),
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let port = match port.map(str::parse) {
            None => service.port(),
            Some(Ok(port)) if port > 0 => port,
            Some(_) => return Err(bad("the port is a number from 1 to 65535")),
        };
        let host = if text.starts_with('[') {
            TargetHost::Address(IpAddr::V6(
                host.parse::<Ipv6Addr>().map_err(|_| bad("no IPv6 address in [ ]"))?,
            ))
        } else if let Ok(address) = host.parse() {
            TargetHost::Address(address)
        } else {
            TargetHost::Name(HostName::parse(host).ok_or_else(|| bad("neither a host name nor an address"))?)
        };
        Ok(Self { host, port, service })
    }

    /// The name to send in the hello, if there is one: an address is never sent (RFC 6066 section 3).
    pub(super) fn server_name(&self) -> Option<&str> {
        match &self.host {
            TargetHost::Address(_) => None,
            TargetHost::Name(name) => Some(name.as_str()),
        }
    }
}

/// What people type for a host and what is none, with the true reason.
fn mistaken(text: &str) -> Option<String> {
    if text.contains("://") {
        return Some("that is a URL, and only its host and port are wanted".to_owned());
    }
    if let Some((address, _)) = text.trim_start_matches('[').split_once('%')
        && address.parse::<Ipv6Addr>().is_ok()
    {
        return Some("an address with a zone (%) holds on one link of this host only, and is not asked".to_owned());
    }
    if text.is_ascii() {
        return None;
    }
    let host = text.rsplit_once(':').map_or(text, |(host, _)| host);
    Some(match idn::ascii_form(host) {
        Some(ascii) => format!("a name with other letters than ASCII is given in its xn-- form, {ascii}"),
        None => "a name with other letters than ASCII is given in its xn-- form".to_owned(),
    })
}

impl fmt::Display for TargetHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => f.pad(name.as_str()),
        }
    }
}

impl fmt::Display for Target {
    /// `HOST:PORT`, with brackets around an IPv6 address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            TargetHost::Address(IpAddr::V6(v6)) => write!(f, "[{v6}]:{}", self.port),
            host => write!(f, "{host}:{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        Target::parse(text, Service::Smtp).map_or_else(|e| e.to_string(), |t| t.to_string())
    }

    #[test]
    fn hosts_and_ports_are_read() {
        for (text, expected) in [
            ("mx.Example.org", "mx.example.org:25"),
            ("mx.example.org.:2525", "mx.example.org:2525"),
            ("192.0.2.9", "192.0.2.9:25"),
            ("192.0.2.9:587", "192.0.2.9:587"),
            ("2001:db8::7", "[2001:db8::7]:25"),
            ("[2001:db8::7]", "[2001:db8::7]:25"),
            ("[2001:db8::7]:465", "[2001:db8::7]:465"),
            ("localhost", "localhost:25"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn what_is_no_target_says_why() {
        let long = "a".repeat(300);
        for text in [
            "",
            ":",
            "mx.example.org:",
            "mx:0",
            "mx:99999",
            "[::1",
            "[mx]:25",
            "[::1]25",
            "a b",
            "-x",
            "a..b",
            "192.0.2.999",
            "mx\x1b[2J",
            "2001:db8::zz",
            &long,
        ] {
            let said = shown(text);
            assert!(said.starts_with("cannot probe") && !said.contains('\x1b'), "{said}");
        }
    }

    #[test]
    fn a_url_a_zone_and_other_letters_are_called_what_they_are() {
        for (text, reason) in [
            ("smtp://mx.example.org:25", "a URL"),
            ("fe80::1%eth0", "a zone"),
            ("[fe80::1%eth0]:25", "a zone"),
            ("müller.example", "xn--mller-kva.example;"),
            ("müller.example:587", "xn--mller-kva.example;"),
            ("m\u{202e}ller.example", "its xn-- form;"),
        ] {
            let said = shown(text);
            assert!(said.starts_with("cannot probe") && said.contains(reason), "{said}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_what_is_read_reads_back(text in "\\PC{0,40}|[a-z0-9.:\\[\\]-]{0,30}") {
            if let Ok(target) = Target::parse(&text, Service::Imap) {
                prop_assert_eq!(Target::parse(&target.to_string(), Service::Imap).unwrap(), target);
            }
        }
    }

    #[test]
    fn tokens_read_back() {
        for service in Service::ALL {
            assert_eq!(Service::from_token(&service.token().to_uppercase()), Some(service));
        }
    }
}
