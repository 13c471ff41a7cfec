//! The server's own ports: what the running engine really accepts. This is what catches a variable whose name was only
//! assumed, and what tells what "server default" means.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::engine::{State, listening_ports};
use crate::probe::{Acceptance, Cancel, Service, Target, ask_exactly};
use crate::tls::{Minimum, TlsVersion};

use super::host::Host;

/// What one port said of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It accepts it.
    Accepts,
    /// It refuses it.
    Refuses,
    /// The question was not answered; why.
    NoAnswer(String),
}

/// What one port accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortProof {
    /// Where it listens.
    pub address: SocketAddr,
    /// What is spoken there.
    pub service: Service,
    /// What it said of TLS 1.0 to 1.3, oldest first.
    pub said: Vec<(TlsVersion, Said)>,
}

impl PortProof {
    fn accepts(&self) -> impl Iterator<Item = TlsVersion> {
        self.said
            .iter()
            .filter(|(_, said)| *said == Said::Accepts)
            .map(|(version, _)| *version)
    }

    /// In words: `465 smtps: accepts TLS 1.2, TLS 1.3; refuses TLS 1.0, TLS 1.1`.
    #[must_use]
    pub fn words(&self) -> String {
        let list = |wanted: fn(&Said) -> bool| {
            let found: Vec<String> = self
                .said
                .iter()
                .filter(|(_, said)| wanted(said))
                .map(|(version, _)| version.to_string())
                .collect();
            found.join(", ")
        };
        let mut parts = Vec::new();
        for (verb, versions) in [
            ("accepts", list(|said| *said == Said::Accepts)),
            ("refuses", list(|said| *said == Said::Refuses)),
            ("no answer to", list(|said| matches!(said, Said::NoAnswer(_)))),
        ] {
            if !versions.is_empty() {
                parts.push(format!("{verb} {versions}"));
            }
        }
        format!("{} {}: {}", self.address.port(), self.service, parts.join("; "))
    }
}

/// What all ports said, held against what was chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveProof {
    /// Every port that was asked.
    pub ports: Vec<PortProof>,
    /// Ports of the engine that were not asked, because what is spoken there is not known.
    pub skipped: Vec<u16>,
    /// Where the engine does something else than was chosen. Loud.
    pub contradictions: Vec<String>,
    /// What could not be found out.
    pub open: Vec<String>,
}

/// What is spoken at the engine's ports, by number (the services of Kerio Connect; 4040 is the administration).
const SERVICES: [(u16, Service); 10] = [
    (25, Service::Smtp),
    (587, Service::Submission),
    (465, Service::Smtps),
    (143, Service::Imap),
    (993, Service::Imaps),
    (110, Service::Pop3),
    (995, Service::Pop3s),
    (443, Service::Https),
    (4040, Service::Https),
    (8443, Service::Https),
];

impl Host {
    /// Asks every known port of the running engine for each version. `minimum` is what inbound should be now.
    /// At most `ports` times four connections, to this host only.
    #[must_use]
    pub fn prove(&self, minimum: &Minimum, cancel: &Cancel) -> LiveProof {
        let (targets, skipped) = self.own_ports();
        let mut proof = LiveProof {
            skipped,
            ..LiveProof::default()
        };
        if targets.is_empty() {
            proof
                .open
                .push("no port of the engine could be found, so nothing was proven".to_owned());
        }
        let settings = self.probe_settings();
        for (address, service) in targets {
            let target = Target::at(reachable(address.ip()), Some(address.port()), service);
            let said = TlsVersion::MINIMUMS
                .into_iter()
                .map(|version| {
                    let said = match ask_exactly(&target, version, &settings, cancel) {
                        Ok(Acceptance::Accepted) => Said::Accepts,
                        Ok(Acceptance::Refused(_)) => Said::Refuses,
                        Ok(Acceptance::Unknown(outcome)) => Said::NoAnswer(outcome.words().to_owned()),
                        Err(error) => Said::NoAnswer(error.to_string()),
                    };
                    (version, said)
                })
                .collect();
            proof.ports.push(PortProof { address, service, said });
        }
        proof.judge(minimum);
        self.learn(&proof, minimum);
        proof
    }

    /// The engine's ports with what is spoken there, and those that nobody knows.
    fn own_ports(&self) -> (Vec<(SocketAddr, Service)>, Vec<u16>) {
        if let Some(pretend) = self.pretend_ports() {
            return (pretend, Vec::new());
        }
        let Some(controller) = self.controller() else {
            return (Vec::new(), Vec::new());
        };
        let status = controller.status();
        if status.state != State::Running {
            return (Vec::new(), Vec::new());
        }
        let pids: Vec<u32> = status.processes.iter().map(|process| process.pid).collect();
        let (mut known, mut skipped): (Vec<(SocketAddr, Service)>, Vec<u16>) = (Vec::new(), Vec::new());
        for address in listening_ports(std::path::Path::new("/proc"), &pids) {
            match SERVICES.iter().find(|(port, _)| *port == address.port()) {
                // One address a port is enough: the engine has one setting for all.
                Some(_) if known.iter().any(|(seen, _)| seen.port() == address.port()) => {}
                Some((_, service)) => known.push((address, *service)),
                None if skipped.contains(&address.port()) => {}
                None => skipped.push(address.port()),
            }
        }
        (known, skipped)
    }

    /// What the proof shows of this build is remembered: whether it speaks TLS 1.3, and what its default is.
    fn learn(&self, proof: &LiveProof, minimum: &Minimum) {
        let accepted: Vec<TlsVersion> = proof.ports.iter().flat_map(PortProof::accepts).collect();
        if accepted.is_empty() {
            return;
        }
        // What could not be remembered is measured again next time.
        let _: std::io::Result<()> = self.remember_server(|memory| {
            memory.speaks_tls13 |= accepted.contains(&TlsVersion::Tls13);
            if *minimum == Minimum::Default {
                memory.inbound_default = accepted.iter().min().map(|version| version.token().to_owned());
            }
            memory.at = jiff::Timestamp::now().to_string();
        });
    }
}

impl LiveProof {
    /// Holds what was accepted against what was chosen.
    fn judge(&mut self, minimum: &Minimum) {
        let Minimum::At(minimum) = minimum else { return };
        for port in &self.ports {
            for (version, said) in &port.said {
                match said {
                    Said::Accepts if version < minimum => self.contradictions.push(format!(
                        "port {} ({}) still accepts {version}, though {minimum} was chosen: the setting did not take effect there",
                        port.address.port(),
                        port.service
                    )),
                    Said::NoAnswer(why) => self.open.push(format!(
                        "port {} ({}) did not answer about {version}: {why}",
                        port.address.port(),
                        port.service
                    )),
                    Said::Accepts | Said::Refuses => {}
                }
            }
            let answered = port.said.iter().any(|(_, said)| !matches!(said, Said::NoAnswer(_)));
            if answered && port.accepts().next().is_none() {
                self.contradictions.push(format!(
                    "port {} ({}) accepts no TLS version at all any more",
                    port.address.port(),
                    port.service
                ));
            } else if answered
                && !port
                    .said
                    .iter()
                    .any(|(version, said)| version == minimum && *said == Said::Accepts)
            {
                self.open.push(format!(
                    "port {} ({}) does not accept {minimum} itself; newer builds refuse old versions without @SECLEVEL=0",
                    port.address.port(),
                    port.service
                ));
            }
        }
    }

    /// In words, one line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.ports.iter().map(|port| format!("  {}", port.words())).collect();
        if !self.skipped.is_empty() {
            let ports: Vec<String> = self.skipped.iter().map(ToString::to_string).collect();
            lines.push(format!(
                "  not asked, because nobody knows what is spoken there: {}",
                ports.join(", ")
            ));
        }
        lines
    }
}

/// Where a port that listens on every address can be reached from here.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(said: &[Said]) -> LiveProof {
        let said = TlsVersion::MINIMUMS.into_iter().zip(said.iter().cloned()).collect();
        let address = "127.0.0.1:465".parse().unwrap();
        LiveProof {
            ports: vec![PortProof {
                address,
                service: Service::Smtps,
                said,
            }],
            ..LiveProof::default()
        }
    }

    #[test]
    fn a_port_that_still_accepts_an_old_version_contradicts_the_choice() {
        let mut proof = proof(&[Said::Accepts, Said::Refuses, Said::Accepts, Said::Accepts]);
        proof.judge(&Minimum::At(TlsVersion::Tls12));
        assert_eq!(proof.contradictions.len(), 1);
        assert!(
            proof.contradictions[0].contains("TLS 1.0"),
            "{:?}",
            proof.contradictions
        );
    }

    #[test]
    fn a_port_that_does_what_was_chosen_contradicts_nothing() {
        let mut proof = proof(&[Said::Refuses, Said::Refuses, Said::Accepts, Said::Accepts]);
        proof.judge(&Minimum::At(TlsVersion::Tls12));
        assert!(proof.contradictions.is_empty() && proof.open.is_empty());
        assert_eq!(
            proof.ports[0].words(),
            "465 smtps: accepts TLS 1.2, TLS 1.3; refuses TLS 1.0, TLS 1.1"
        );
    }

    #[test]
    fn a_port_that_accepts_nothing_any_more_is_said_loudly_and_silence_is_never_a_refusal() {
        let mut none = proof(&[Said::Refuses, Said::Refuses, Said::Refuses, Said::Refuses]);
        none.judge(&Minimum::At(TlsVersion::Tls12));
        assert!(none.contradictions[0].contains("no TLS version at all"));
        let silence = || Said::NoAnswer("timed out".to_owned());
        let mut silent = proof(&[silence(), silence(), silence(), silence()]);
        silent.judge(&Minimum::At(TlsVersion::Tls12));
        assert!(silent.contradictions.is_empty());
        assert_eq!(silent.open.len(), 4);
    }
}
