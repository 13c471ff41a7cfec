//! Who: hosts and peers by name, as the peers file, the evidence store and the JSON spell them; and who we are ourselves.

use std::fmt;
use std::net::IpAddr;

use crate::tls::{Direction, Service};

/// Longest host name taken (RFC 1035 section 2.3.4).
const NAME_MAX: usize = 253;

/// Host of a peer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// An address.
    Address(IpAddr),
    /// A name, lower case, already safe to show.
    Name(String),
}

/// What makes a peer one peer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerKey {
    /// Direction.
    pub direction: Direction,
    /// Service.
    pub service: Service,
    /// Host.
    pub host: Host,
    /// Port, where it is not the service's usual one.
    pub port: Option<u16>,
}

impl Host {
    /// Reads an address (with or without brackets) or a host name; `None` where it is neither. An IPv4 address written as
    /// IPv6 (`::ffff:192.0.2.1`) is the IPv4 address; a name is lower case without the closing dot.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = inner.parse::<IpAddr>() {
            return Some(Self::Address(address.to_canonical()));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let sound = !name.is_empty()
            && name.len() <= NAME_MAX
            && name.bytes().all(legal)
            && name.bytes().any(|b| b.is_ascii_alphabetic())
            && name.split('.').all(|label| !label.is_empty() && label.len() <= 63);
        sound.then(|| Self::Name(name.to_ascii_lowercase()))
    }

    /// Reads `host`, `host:port`, `[v6]` or `[v6]:port`. A bare IPv6 address has no port.
    #[must_use]
    pub fn parse_with_port(text: &str) -> Option<(Self, Option<u16>)> {
        if let Some(rest) = text.strip_prefix('[') {
            let (inner, port) = rest.split_once(']')?;
            inner.parse::<std::net::Ipv6Addr>().ok()?;
            let port = if port.is_empty() {
                None
            } else {
                Some(parse_port(port.strip_prefix(':')?)?)
            };
            return Some((Self::parse(inner)?, port));
        }
        match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => Some((Self::parse(host)?, Some(parse_port(port)?))),
            _ => Some((Self::parse(text)?, None)),
        }
    }
}

fn parse_port(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port != 0)
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => f.pad(&address.to_string()),
            Self::Name(name) => f.pad(name),
        }
    }
}

impl PeerKey {
    /// `host`, or `host:port` where the port is not the service's usual one; IPv6 in brackets before a port.
    #[must_use]
    pub fn host_and_port(&self) -> String {
        match (&self.host, self.port) {
            (host, None) => host.to_string(),
            (Host::Address(IpAddr::V6(address)), Some(port)) => format!("[{address}]:{port}"),
            (host, Some(port)) => format!("{host}:{port}"),
        }
    }
}

/// This server's own addresses and names: they are no peers. Loopback and the unspecified address never are.
#[derive(Debug, Clone, Default)]
pub struct OwnHosts {
    /// A handful: looking through them is quicker than hashing.
    addresses: Vec<IpAddr>,
    names: Vec<String>,
}

impl OwnHosts {
    /// From addresses and names as they come.
    pub fn new(hosts: impl IntoIterator<Item = Host>) -> Self {
        let mut own = Self::default();
        for host in hosts {
            match host {
                Host::Address(address) => own.addresses.push(address.to_canonical()),
                Host::Name(name) => own.names.push(name.to_ascii_lowercase()),
            };
        }
        own
    }

    /// Whether this address is ours (or nobody's).
    #[must_use]
    pub fn has_address(&self, address: IpAddr) -> bool {
        address.is_loopback() || address.is_unspecified() || self.addresses.contains(&address)
    }

    /// Whether this host is ours (or nobody's).
    #[must_use]
    pub fn has(&self, host: &Host) -> bool {
        match host {
            Host::Address(address) => self.has_address(address.to_canonical()),
            Host::Name(name) => self.has_name(name),
        }
    }

    /// Whether this name, in lower case, is ours.
    #[must_use]
    pub fn has_name(&self, name: &str) -> bool {
        name == "localhost" || name.starts_with("localhost.") || self.names.iter().any(|own| own == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::Service;

    #[test]
    fn hosts_with_ports_are_read_and_written_back() {
        for text in [
            "mx.example.org",
            "mx.example.org:2525",
            "192.0.2.9",
            "192.0.2.9:26",
            "2001:db8::1",
            "[2001:db8::1]:26",
        ] {
            let (host, port) = Host::parse_with_port(text).unwrap();
            let key = PeerKey {
                direction: crate::tls::Direction::Outbound,
                service: Service::Smtp,
                host,
                port,
            };
            assert_eq!(key.host_and_port(), text);
        }
        assert_eq!(
            Host::parse_with_port("[2001:db8::1]"),
            Host::parse_with_port("2001:db8::1")
        );
        assert_eq!(Host::parse("::ffff:192.0.2.1"), Host::parse("192.0.2.1"));
        assert_eq!(Host::parse("MX.Example.org."), Host::parse("mx.example.org"));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "",
            ".",
            "a b",
            "999.1.1.1",
            "1.2.3",
            "x:0",
            "x:70000",
            "x:+25",
            "[x]:25",
            "[::1",
            "[::1]25",
            "a..b",
            "<x>",
            "x\u{202e}",
            "12345",
        ] {
            assert_eq!(Host::parse_with_port(text), None, "{text:?}");
        }
    }

    #[test]
    fn service_tokens_are_read_back() {
        for service in Service::ALL {
            assert_eq!(Service::from_token(&service.token().to_uppercase()), Some(service));
        }
    }
}
