//! Which side of a connection is ours, and what is spoken there.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use crate::tls::{Direction, Service};

/// Ports of the vendor's services with TLS, besides those that a [`Service`] has: the administration, and NNTP(S), LDAP(S), XMPP(S).
const OTHER_PORTS: [u16; 7] = [4040, 119, 563, 389, 636, 5222, 5223];
/// Where another server takes mail.
const MAIL: [Service; 3] = [Service::Smtp, Service::Submission, Service::Smtps];

/// This server's own addresses and ports.
#[derive(Debug, Clone, Default)]
pub struct Own {
    addresses: Vec<IpAddr>,
    /// `None`: the usual ones.
    ports: Option<BTreeSet<u16>>,
    relays: BTreeSet<u16>,
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

    /// The same with just these ports as our services.
    #[must_use]
    pub fn listening(self, ports: impl IntoIterator<Item = u16>) -> Self {
        Self {
            ports: Some(ports.into_iter().collect()),
            ..self
        }
    }

    /// The same, where mail goes to these ports of others, too (a relay's).
    #[must_use]
    pub fn relaying(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        self.relays.extend(ports);
        self
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
            (false, true) => self
                .is_service(server.port())
                .then(|| way(Direction::Inbound, client.ip())),
            (true, false) => self
                .takes_mail(server.port())
                .then(|| way(Direction::Outbound, server.ip())),
            _ => None,
        }
    }

    fn is_service(&self, port: u16) -> bool {
        match &self.ports {
            Some(ports) => ports.contains(&port),
            None => is_usual(port),
        }
    }

    fn takes_mail(&self, port: u16) -> bool {
        MAIL.iter().any(|service| service.port() == port) || self.relays.contains(&port)
    }
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
