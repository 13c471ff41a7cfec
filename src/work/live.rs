//! The server's own ports: what the running engine really accepts. This is what catches a variable whose name was only
//! assumed, and what tells what "server default" means.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::engine::{State, in_our_network, listening_ports};
use crate::probe::{Acceptance, Cancel, Outcome, Service, Settings, Target, ask_exactly};
use crate::session::{Expected, Measured};
use crate::tls::TlsVersion;

use super::proof::{LiveProof, PortProof, Said};
use crate::host::Host;

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

/// An engine reads its file when it starts, and may write it again until it is up.
const START: Duration = Duration::from_secs(60);

/// The running engine's own ports.
#[derive(Default)]
struct OwnPorts {
    /// With what is spoken there.
    known: Vec<(SocketAddr, Service)>,
    /// Of which nobody knows it.
    skipped: Vec<u16>,
    engine_started: Option<SystemTime>,
}

impl Host {
    /// Asks every known port of the running engine for each version, all ports at once and one question at a time at each.
    /// `expected` is what inbound ports should do now. At most four connections a port, to this host only.
    #[must_use]
    pub fn prove(&self, expected: &Expected, cancel: &Cancel) -> LiveProof {
        let OwnPorts {
            known: targets,
            skipped,
            engine_started,
        } = match self.own_ports() {
            Ok(found) => found,
            Err(why) => {
                return LiveProof {
                    open: vec![format!("nothing was proven: {why}")],
                    ..LiveProof::default()
                };
            }
        };
        let settings = self.probe_settings();
        let mut proof = LiveProof {
            skipped,
            file_is_newer: engine_started.is_some_and(|started| self.written_after(started)),
            ..LiveProof::default()
        };
        // Spam protection may hold each greeting back for half a minute: ports do not wait for each other.
        let ports = std::thread::scope(|scope| {
            let asking: Vec<_> = targets
                .into_iter()
                .map(|(address, service)| {
                    scope.spawn({
                        let settings = &settings;
                        move || ask_port(address, service, settings, cancel)
                    })
                })
                .collect();
            asking.into_iter().filter_map(|thread| thread.join().ok()).collect()
        });
        proof.ports = ports;
        proof.judge(expected);
        self.learn(&proof, expected);
        proof
    }

    /// The engine's own ports, or why there are none.
    fn own_ports(&self) -> Result<OwnPorts, String> {
        if let Some(pretend) = self.pretend_ports() {
            return Ok(OwnPorts {
                known: pretend,
                ..OwnPorts::default()
            });
        }
        let status = match self.controller() {
            Some(controller) => controller.status(),
            None => return Err("there is no engine".to_owned()),
        };
        match status.state {
            State::Running => {}
            State::None | State::Stopped => return Err("the engine does not run".to_owned()),
            State::Unknown(why) => return Err(format!("it cannot be seen whether the engine runs ({why})")),
        }
        let proc = Path::new("/proc");
        let all: Vec<u32> = status.processes.iter().map(|process| process.pid).collect();
        let pids: Vec<u32> = all.iter().copied().filter(|pid| in_our_network(proc, *pid)).collect();
        if pids.is_empty() && !all.is_empty() {
            return Err(
                "the engine has a network of its own (a container?), where the same ports are not those of this host; run kerio-tls in there"
                    .to_owned(),
            );
        }
        let (mut known, mut skipped): (Vec<(SocketAddr, Service)>, Vec<u16>) = (Vec::new(), Vec::new());
        for address in listening_ports(proc, &pids) {
            match SERVICES.iter().find(|(port, _)| *port == address.port()) {
                // One address a port is enough: the engine has one setting for all.
                Some(_) if known.iter().any(|(seen, _)| seen.port() == address.port()) => {}
                Some((_, service)) => known.push((address, *service)),
                None if skipped.contains(&address.port()) => {}
                None => skipped.push(address.port()),
            }
        }
        if known.is_empty() {
            return Err("no port of the engine could be found".to_owned());
        }
        Ok(OwnPorts {
            known,
            skipped,
            engine_started: status.processes.iter().filter_map(|process| process.started).min(),
        })
    }

    /// Was the file written after an engine that started then was up?
    fn written_after(&self, started: SystemTime) -> bool {
        let written = std::fs::metadata(&self.file).and_then(|found| found.modified());
        written.is_ok_and(|written| written.duration_since(started).is_ok_and(|after| after > START))
    }

    /// What is known of this build with the proof: whether it speaks TLS 1.3, and what its default is.
    #[must_use]
    pub fn measured_with(&self, proof: &LiveProof, expected: &Expected) -> Measured {
        let before = self.measured();
        let shown = proof.lowest().filter(|_| expected.is_default);
        let inbound_default = shown.or(before.inbound_default);
        Measured {
            speaks_tls13: before.speaks_tls13 || proof.accepted().any(|version| version == TlsVersion::Tls13),
            inbound_default,
        }
    }

    /// What the proof shows of this build is remembered.
    fn learn(&self, proof: &LiveProof, expected: &Expected) {
        if proof.accepted().next().is_none() {
            return;
        }
        let default = proof.lowest().filter(|_| expected.is_default);
        // What could not be remembered is measured again next time.
        let _: std::io::Result<()> = self.remember_server(|memory| {
            memory.speaks_tls13 |= proof.accepted().any(|version| version == TlsVersion::Tls13);
            if let Some(version) = default {
                memory.inbound_default = Some(version.token().to_owned());
            }
            memory.at = jiff::Timestamp::now().to_string();
        });
    }
}

/// Asks one port for each version. One that has not answered, or offers no TLS, is not asked for the next one.
fn ask_port(address: SocketAddr, service: Service, settings: &Settings, cancel: &Cancel) -> PortProof {
    let target = Target::at(reachable(address.ip()), Some(address.port()), service);
    let mut said: Vec<(TlsVersion, Said)> = Vec::new();
    let mut last_word: Option<Said> = None;
    for version in TlsVersion::MINIMUMS {
        let answer = match &last_word {
            Some(said) => said.clone(),
            None => match ask_exactly(&target, version, None, settings, cancel) {
                Ok(Acceptance::Accepted | Acceptance::Agreed) => Said::Accepts,
                Ok(Acceptance::Refused(_) | Acceptance::NotOffered(_) | Acceptance::Closed(_)) => Said::Refuses,
                Ok(Acceptance::Unknown(Outcome::NoStartTls)) => Said::NoTls,
                Ok(Acceptance::Unknown(outcome)) => Said::NoAnswer(outcome.words().to_owned()),
                Err(error) => Said::NoAnswer(error.to_string()),
            },
        };
        if matches!(answer, Said::NoTls | Said::NoAnswer(_)) {
            last_word = Some(answer.clone());
        }
        said.push((version, answer));
    }
    PortProof { address, service, said }
}

/// Where a port that listens on every address can be reached from here.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        other => other,
    }
}
