//! The server's own ports: what the running engine really accepts. This is what catches a variable whose name was only
//! assumed, and what tells what "server default" means.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use crate::engine::{State, in_our_network, listening_ports};
use crate::probe::{Acceptance, Cancel, Outcome, Service, Settings, Target, ask_exactly};
use crate::session::Measured;
use crate::tls::{Minimum, TlsVersion};

use super::host::Host;

/// What one port said of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It accepts it.
    Accepts,
    /// It refuses it.
    Refuses,
    /// It answered, and offers no TLS: mail in clear only.
    NoTls,
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

    fn has_no_tls(&self) -> bool {
        self.said.iter().any(|(_, said)| *said == Said::NoTls)
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
            ("offers none of", list(|said| *said == Said::NoTls)),
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

/// The engine's ports with what is spoken there, and those of which nobody knows it.
type OwnPorts = (Vec<(SocketAddr, Service)>, Vec<u16>);

impl Host {
    /// Asks every known port of the running engine for each version, all ports at once and one question at a time at each.
    /// `minimum` is what inbound should be now. At most four connections a port, to this host only.
    #[must_use]
    pub fn prove(&self, minimum: &Minimum, cancel: &Cancel) -> LiveProof {
        let (targets, skipped) = match self.own_ports() {
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
        proof.judge(minimum);
        self.learn(&proof, minimum);
        proof
    }

    /// The engine's own ports, or why there are none.
    fn own_ports(&self) -> Result<OwnPorts, String> {
        if let Some(pretend) = self.pretend_ports() {
            return Ok((pretend, Vec::new()));
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
        Ok((known, skipped))
    }

    /// What is known of this build with the proof: whether it speaks TLS 1.3, and what its default is.
    #[must_use]
    pub fn measured_with(&self, proof: &LiveProof, minimum: &Minimum) -> Measured {
        let before = self.measured();
        let inbound_default = match minimum {
            Minimum::Default => proof.lowest().or(before.inbound_default),
            Minimum::At(_) | Minimum::Custom(_) => before.inbound_default,
        };
        Measured {
            speaks_tls13: before.speaks_tls13 || proof.accepted().any(|version| version == TlsVersion::Tls13),
            inbound_default,
        }
    }

    /// What the proof shows of this build is remembered.
    fn learn(&self, proof: &LiveProof, minimum: &Minimum) {
        if proof.accepted().next().is_none() {
            return;
        }
        let measured = self.measured_with(proof, minimum);
        let mut memory = self.server_memory();
        memory.speaks_tls13 = measured.speaks_tls13;
        memory.inbound_default = measured.inbound_default.map(|version| version.token().to_owned());
        memory.at = jiff::Timestamp::now().to_string();
        // What could not be remembered is measured again next time.
        let _: std::io::Result<()> = self.remember_server(&memory);
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
            None => match ask_exactly(&target, version, settings, cancel) {
                Ok(Acceptance::Accepted) => Said::Accepts,
                Ok(Acceptance::Refused(_)) => Said::Refuses,
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

impl LiveProof {
    /// Every version that some port accepts.
    fn accepted(&self) -> impl Iterator<Item = TlsVersion> {
        self.ports.iter().flat_map(PortProof::accepts)
    }

    /// Has any port accepted anything? If not, nothing is proven.
    #[must_use]
    pub fn has_answers(&self) -> bool {
        self.accepted().next().is_some()
    }

    /// The lowest version accepted, where every port with TLS has answered about every version and all agree. Half an answer would
    /// make a default look stricter than it is, and cut somebody off in words.
    fn lowest(&self) -> Option<TlsVersion> {
        let with_tls = self.ports.iter().filter(|port| !port.has_no_tls());
        let mut all = with_tls.map(|port| {
            let whole = port.said.iter().all(|(_, said)| !matches!(said, Said::NoAnswer(_)));
            port.accepts().min().filter(|_| whole)
        });
        let first = all.next()??;
        all.all(|other| other == Some(first)).then_some(first)
    }

    /// Holds what was accepted against what was chosen.
    fn judge(&mut self, minimum: &Minimum) {
        for port in &self.ports {
            let label = format!("port {} ({})", port.address.port(), port.service);
            let unanswered = |of: &(TlsVersion, Said)| match &of.1 {
                Said::NoAnswer(why) => Some((of.0, why.clone())),
                Said::Accepts | Said::Refuses | Said::NoTls => None,
            };
            if port.has_no_tls() {
                self.open.push(format!("{label} offers no TLS"));
                continue;
            }
            let silent: Vec<(TlsVersion, String)> = port.said.iter().filter_map(unanswered).collect();
            if let Some((_, why)) = silent.first() {
                let versions: Vec<String> = silent.iter().map(|(version, _)| version.to_string()).collect();
                self.open
                    .push(format!("{label} gave no answer about {}: {why}", versions.join(", ")));
            }
            if silent.len() == port.said.len() {
                continue;
            }
            let accepts: Vec<TlsVersion> = port.accepts().collect();
            if accepts.is_empty() && silent.is_empty() {
                self.contradictions
                    .push(format!("{label} accepts no TLS version at all any more"));
                continue;
            }
            let Minimum::At(minimum) = minimum else { continue };
            for version in accepts.iter().filter(|version| *version < minimum) {
                self.contradictions.push(format!(
                    "{label} still accepts {version}, though {minimum} was chosen: the setting did not take effect there"
                ));
            }
            if port.said.contains(&(*minimum, Said::Refuses)) {
                self.open.push(format!(
                    "{label} does not accept {minimum} itself; newer builds refuse old versions without @SECLEVEL=0"
                ));
            }
        }
        if *minimum == Minimum::Default && self.has_answers() && self.lowest().is_none() {
            self.open.push(
                "the ports do not agree, or did not answer everything, so it stays unknown what the server's default is".to_owned(),
            );
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
        assert_eq!(
            silent.open,
            ["port 465 (smtps) gave no answer about TLS 1.0, TLS 1.1, TLS 1.2, TLS 1.3: timed out"]
        );
        assert_eq!(silent.lowest(), None);
    }

    #[test]
    fn the_default_is_known_only_where_every_port_answered_everything_and_all_agree() {
        let whole = || proof(&[Said::Refuses, Said::Refuses, Said::Accepts, Said::Accepts]);
        assert_eq!(whole().lowest(), Some(TlsVersion::Tls12));
        let mut half = proof(&[
            Said::NoAnswer("reset".to_owned()),
            Said::Refuses,
            Said::Accepts,
            Said::Accepts,
        ]);
        half.judge(&Minimum::Default);
        assert_eq!((half.lowest(), half.open.len()), (None, 2), "{half:?}");
        let mut two = whole();
        two.ports.extend(whole().ports);
        assert_eq!(two.lowest(), Some(TlsVersion::Tls12));
        two.ports
            .extend(proof(&[Said::Accepts, Said::Accepts, Said::Accepts, Said::Refuses]).ports);
        two.judge(&Minimum::Default);
        assert_eq!(two.lowest(), None);
        assert!(two.open[0].contains("stays unknown"), "{two:?}");
        assert_eq!(LiveProof::default().lowest(), None);
    }

    #[test]
    fn a_port_without_tls_at_all_is_said_at_every_minimum() {
        for minimum in [
            Minimum::Default,
            Minimum::Custom("x".to_owned()),
            Minimum::At(TlsVersion::Tls10),
        ] {
            let mut none = proof(&[Said::Refuses, Said::Refuses, Said::Refuses, Said::Refuses]);
            none.judge(&minimum);
            assert_eq!(none.contradictions.len(), 1, "{minimum:?}");
        }
    }
}
