//! Which side of a connection is ours, and what is spoken there.

use std::net::{IpAddr, SocketAddr};

use crate::tls::{Direction, Service};

/// Ports of the vendor's services with TLS, besides those that a [`Service`] has: the administration, and NNTP(S),
/// LDAP(S), XMPP(S).
const OTHER_PORTS: [u16; 7] = [4040, 119, 563, 389, 636, 5222, 5223];
/// Services by which mail is given to another server.
const MAIL: [Service; 3] = [Service::Smtp, Service::Submission, Service::Smtps];

/// This server's own addresses.
#[derive(Debug, Clone, Default)]
pub struct Own {
    addresses: Vec<IpAddr>,
    any_port: bool,
}

/// Which way a connection goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) direction: Direction,
    pub(super) port: u16,
    pub(super) service: Option<Service>,
    pub(super) peer: IpAddr,
}

impl Own {
    /// With the usual ports.
    #[must_use]
    pub fn new(addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        Self {
            addresses: addresses.into_iter().map(|address| address.to_canonical()).collect(),
            ..Self::default()
        }
    }

    /// The same with every port of ours that is called: whoever gets as far as a hello has been let in there.
    #[must_use]
    pub fn on_any_port(self) -> Self {
        Self { any_port: true, ..self }
    }

    /// Is this address ours?
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        self.addresses.contains(&address)
    }

    /// The way of a connection; `None`: between others, within this host, or to a port that is no service here.
    pub(super) fn way(&self, client: SocketAddr, server: SocketAddr) -> Option<Way> {
        let way = |direction, peer| Way {
            direction,
            port: server.port(),
            service: service_of(server.port()),
            peer,
        };
        match (self.has(client.ip()), self.has(server.ip())) {
            (false, true) => (self.any_port || is_usual(server.port())).then(|| way(Direction::Inbound, client.ip())),
            (true, false) => takes_mail(server.port()).then(|| way(Direction::Outbound, server.ip())),
            _ => None,
        }
    }
}

/// Where another server takes mail.
fn takes_mail(port: u16) -> bool {
    MAIL.iter().any(|service| service.port() == port)
}

/// A port where such a server speaks TLS.
pub(super) fn is_usual(port: u16) -> bool {
    service_of(port).is_some() || OTHER_PORTS.contains(&port)
}

/// The service that a port is usual for.
#[must_use]
pub fn service_of(port: u16) -> Option<Service> {
    if port == 4040 {
        // The web administration (vendor's documentation).
        return Some(Service::Https);
    }
    Service::ALL.into_iter().find(|service| service.port() == port)
}
