//! The server's own ports: what the running engine really accepts. This is what catches a variable whose name was only
//! assumed, and what tells what "server default" means.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::engine::{State, in_our_network, listening_ports};
use crate::probe::{Cancel, Service};
use crate::session::{Expected, Measured, Session};
use crate::tls::{Direction, Role, TlsVersion};

use super::lessons::{Lessons, lessons};
use super::port_question::PortQuestion;
use super::probing::settings;
use super::proof::{LiveProof, PortProof};
use crate::host::{Host, Learned, Loaded, Standing};

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

/// How long ports that were open before are waited for after a start: some open only when the store is loaded.
const OPENING: Duration = Duration::from_secs(120);
/// Between two looks at them.
const TICK: Duration = Duration::from_secs(1);
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

/// Asks every known port of the running engine for each version, all ports at once and one question at a time at each.
/// `expected` is what inbound ports should do now. To this host only.
#[must_use]
pub fn prove(host: &Host, expected: &Expected, cancel: &Cancel) -> LiveProof {
    prove_ports(host, &[], expected, cancel)
}

/// The same after a start of the engine: the ports that it had `before` its stop and at the last proof are waited for,
/// up to [`OPENING`]. An engine opens one after the other, and a port that is not open yet proves nothing.
pub(super) fn prove_ports(host: &Host, before: &[SocketAddr], expected: &Expected, cancel: &Cancel) -> LiveProof {
    let spoken = SpokenAt::of(host);
    let had = ports_to_expect(host, &spoken, before);
    let until = Instant::now().checked_add(if before.is_empty() { Duration::ZERO } else { OPENING });
    let (found, missing) = loop {
        let found = own_ports(host, &spoken);
        let missing = match &found {
            Ok(found) => found.missing_of(&had),
            Err(_) => had.clone(),
        };
        let is_late = until.is_none_or(|until| Instant::now() >= until);
        if missing.is_empty() || is_late || cancel.is_cancelled() {
            break (found, missing);
        }
        std::thread::sleep(TICK);
    };
    let OwnPorts {
        known,
        skipped,
        engine_started,
    } = match found {
        Ok(found) => found,
        Err(why) => {
            return LiveProof {
                open: vec![format!("nothing was proven: {why}")],
                missing,
                ..LiveProof::default()
            };
        }
    };
    let mut proof = LiveProof {
        ports: ask_ports(host, &known, cancel),
        skipped,
        missing,
        file_is_newer: engine_started.is_some_and(|started| written_after(host, started)),
        ..LiveProof::default()
    };
    proof.judge(expected);
    if let Some(standing) = host.memory.server().standing {
        proof.compare_with(&read_standing(&standing), expected);
    }
    learn(host, &proof, before, expected);
    proof
}

fn ask_ports(host: &Host, ports: &[(SocketAddr, Service)], cancel: &Cancel) -> Vec<PortProof> {
    let (settings, names) = (settings(host), host.names.list());
    let own_name = names.first().filter(|name| name.contains('.')).map(String::as_str);
    // Spam protection may hold each greeting back for half a minute: ports do not wait for each other.
    std::thread::scope(|scope| {
        let mut asking = Vec::new();
        let mut answered = Vec::new();
        for (address, service) in ports {
            let question = PortQuestion {
                address: *address,
                service: *service,
                own_name,
                settings: &settings,
                cancel,
            };
            let thread = std::thread::Builder::new().name("port".to_owned());
            let question = Arc::new(question);
            let its = Arc::clone(&question);
            match thread.spawn_scoped(scope, move || its.ask()) {
                Ok(thread) => asking.push(thread),
                // No thread to be had: slower, not wrong.
                Err(_) => answered.push(question.ask()),
            }
        }
        answered.extend(asking.into_iter().filter_map(|thread| thread.join().ok()));
        answered.sort_by_key(|port| (port.address.port(), port.address.ip()));
        answered
    })
}

/// The ports of known use that the engine should have: those of before its stop, and those of the last proof.
fn ports_to_expect(host: &Host, spoken: &SpokenAt, before: &[SocketAddr]) -> Vec<(SocketAddr, Service)> {
    if host.is_demo() {
        return Vec::new();
    }
    let last = host.memory.server().ports;
    let all = before
        .iter()
        .copied()
        .chain(last.iter().filter_map(|text| text.parse().ok()));
    let mut had: Vec<(SocketAddr, Service)> = Vec::new();
    for address in all {
        if let Some(service) = spoken.get(address.port())
            && !had.iter().any(|(other, _)| other.port() == address.port())
        {
            had.push((address, service));
        }
    }
    had
}

/// The engine's own ports, or why there are none.
fn own_ports(host: &Host, spoken: &SpokenAt) -> Result<OwnPorts, String> {
    if let Some(pretend) = host.pretend_ports() {
        return Ok(OwnPorts {
            known: pretend,
            ..OwnPorts::default()
        });
    }
    let status = match host.engine.controller() {
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
            "the engine has a network of its own (a container?), where the same ports are not those of this host; run \
             kerio-tls in there"
                .to_owned(),
        );
    }
    let (mut known, mut skipped): (Vec<(SocketAddr, Service)>, Vec<u16>) = (Vec::new(), Vec::new());
    for address in listening_ports(proc, &pids) {
        match spoken.get(address.port()) {
            Some(service) => known.push((address, service)),
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
fn written_after(host: &Host, started: SystemTime) -> bool {
    let written = std::fs::metadata(host.file.path()).and_then(|found| found.modified());
    written.is_ok_and(|written| written.duration_since(started).is_ok_and(|after| after > START))
}

/// What is known of this build with the proof: whether it speaks TLS 1.3, and what its default is.
#[must_use]
pub fn measured_with(host: &Host, proof: &LiveProof, expected: &Expected) -> Measured {
    let before = host.memory.measured();
    let shown = proof.lowest().filter(|_| expected.is_default);
    let inbound_default = shown.or(before.inbound_default);
    Measured {
        governs: before.governs,
        speaks_tls13: before.speaks_tls13 || proof.accepted().any(|version| version == TlsVersion::Tls13),
        inbound_default,
    }
}

/// What the proof shows of this build is remembered.
fn learn(host: &Host, proof: &LiveProof, before: &[SocketAddr], expected: &Expected) {
    if proof.accepted().next().is_none() {
        return;
    }
    let default = proof.lowest().filter(|_| expected.is_default);
    let session = (!proof.file_is_newer).then(|| host.load().ok()).flatten();
    let session = session.map(|document| Session::new(document, host.catalogue(), host.memory.measured()));
    let now = session.as_ref().map(|session| standing(proof, session));
    let server = host.memory.server();
    let lessons = now
        .as_ref()
        .map(|now| lessons(server.standing.as_ref(), now, server.governs()));
    if let (Some(session), Some(lessons)) = (&session, &lessons) {
        learn_names(host, session, lessons);
    }
    // What could not be remembered is measured again next time.
    let _: std::io::Result<()> = host.memory.remember_server(|memory| {
        memory.speaks_tls13 |= proof.accepted().any(|version| version == TlsVersion::Tls13);
        if let Some(version) = default {
            memory.inbound_default = Some(version.token().to_owned());
        }
        memory.ports = ports_to_remember(proof, before);
        if now.is_some() {
            memory.standing = now;
        }
        if let Some(lessons) = lessons {
            memory.set_governs(lessons.governs);
        }
        memory.at = jiff::Timestamp::now().to_string();
    });
}

/// The ports that the next proof asks for: those of now, and those missing, so that a later look does not take what never
/// came back for proven. A port that the engine did not have `before` its stop either belongs to a service that is off.
fn ports_to_remember(proof: &LiveProof, before: &[SocketAddr]) -> Vec<String> {
    let is_awaited = |port: u16| before.is_empty() || before.iter().any(|had| had.port() == port);
    let missing = proof.missing.iter().map(|(address, _)| *address);
    let open = proof.ports.iter().map(|port| port.address);
    open.chain(missing.filter(|address| is_awaited(address.port())))
        .map(|address| address.to_string())
        .collect()
}

/// What the ports accept now, where they answered everything, and what the file says.
fn standing(proof: &LiveProof, session: &Session) -> Standing {
    let accepts = proof.ports.iter().filter(|port| port.is_whole()).map(|port| {
        let versions = port.accepts().map(|version| version.token().to_owned());
        (port.service.token().to_owned(), versions.collect())
    });
    Standing {
        minimums: Direction::ALL.map(|direction| session.minimum(direction).token().to_owned()),
        accepts: accepts.collect(),
    }
}

/// Services and what they accepted.
fn read_standing(standing: &Standing) -> Vec<(Service, Vec<TlsVersion>)> {
    let read = |(service, versions): &(String, Vec<String>)| {
        let versions = versions.iter().filter_map(|token| TlsVersion::from_token(token));
        Some((Service::from_token(service)?, versions.collect()))
    };
    standing.accepts.iter().filter_map(read).collect()
}

/// The name that makes a direction's minimum is remembered as proven or contradicted. Where two make it, it is neither.
fn learn_names(host: &Host, session: &Session, lessons: &Lessons) {
    for (direction, sure) in Direction::ALL.into_iter().zip(lessons.names) {
        let loaded = session.loaded();
        let of_role = |role| {
            loaded
                .role_pairs(direction, role)
                .into_iter()
                .map(move |pair| (role, pair.name))
        };
        let mut names = [Role::MinimumVersion, Role::ProtocolList].into_iter().flat_map(of_role);
        if let (Some(sure), Some((role, name)), None) = (sure, names.next(), names.next()) {
            // What could not be remembered is proven again next time.
            let _: std::io::Result<()> = host.memory.learn_name(&Learned {
                direction,
                role,
                name,
                sure,
                words: Vec::new(),
            });
        }
    }
}

impl OwnPorts {
    /// Those that are not open, by number: an engine may listen on another address after a change of its services.
    fn missing_of(&self, had: &[(SocketAddr, Service)]) -> Vec<(SocketAddr, Service)> {
        let is_open = |port: u16| self.known.iter().any(|(open, _)| open.port() == port);
        had.iter()
            .copied()
            .filter(|(address, _)| !is_open(address.port()))
            .collect()
    }
}

/// What is spoken at a port: what the file says of it, else what its number says.
struct SpokenAt(Vec<(u16, Service)>);

impl SpokenAt {
    fn of(host: &Host) -> Self {
        let ports = match host.file.read() {
            Ok(Loaded::Document(document)) => document.ports(),
            // Then the usual numbers have to do.
            Ok(Loaded::Broken { .. }) | Err(_) => Vec::new(),
        };
        Self(
            ports
                .iter()
                .filter_map(|(port, words)| Some((*port, service_called(words)?)))
                .collect(),
        )
    }

    fn get(&self, port: u16) -> Option<Service> {
        let all = self.0.iter().chain(&SERVICES);
        let mut at = all.filter(|(number, _)| *number == port);
        at.next().map(|(_, service)| *service)
    }
}

/// The service that such words name, if they name one of ours with TLS.
fn service_called(words: &str) -> Option<Service> {
    let words = words.to_ascii_lowercase();
    let has = |word: &str| words.contains(word);
    if ["relay", "account", "download", "client", "proxy"].into_iter().any(has) {
        return None;
    }
    let is_secure = has("ssl") || words.split(' ').any(|word| word == "secure");
    let either = |plain, secure| Some(if is_secure { secure } else { plain });
    match () {
        () if has("submission") => Some(Service::Submission),
        () if has("smtps") => Some(Service::Smtps),
        () if has("imaps") => Some(Service::Imaps),
        () if has("pop3s") => Some(Service::Pop3s),
        () if has("smtp") => either(Service::Smtp, Service::Smtps),
        () if has("imap") => either(Service::Imap, Service::Imaps),
        () if has("pop3") => either(Service::Pop3, Service::Pop3s),
        () if has("https") || has("webadmin") || (has("http") && is_secure) => Some(Service::Https),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_did_not_come_back_is_asked_for_again_until_a_stop_finds_its_service_off() {
        let at = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        let proof = LiveProof {
            missing: vec![(at(993), Service::Imaps)],
            ..LiveProof::default()
        };
        let kept = vec!["127.0.0.1:993".to_owned()];
        assert_eq!(ports_to_remember(&proof, &[at(25), at(993)]), kept, "lost in this save");
        assert_eq!(ports_to_remember(&proof, &[]), kept, "a look without a save");
        assert!(
            ports_to_remember(&proof, &[at(25)]).is_empty(),
            "off before the save, too"
        );
    }

    #[test]
    fn a_port_of_the_file_is_known_by_the_words_beside_it_and_any_other_by_its_number() {
        let named = |words| service_called(words);
        assert_eq!(named("Services SMTP"), Some(Service::Smtp));
        assert_eq!(named("Services Secure IMAP"), Some(Service::Imaps));
        assert_eq!(named("Services SMTP Submission"), Some(Service::Submission));
        assert_eq!(named("Services HTTPS"), Some(Service::Https));
        for other in [
            "Services HTTP",
            "Services LDAP",
            "SmtpRelay",
            "Pop3Account pop.example.org",
            "Proxy https",
        ] {
            assert_eq!(named(other), None, "{other}");
        }
        let spoken = SpokenAt(vec![(2525, Service::Smtp), (993, Service::Https)]);
        assert_eq!(spoken.get(2525), Some(Service::Smtp));
        assert_eq!(spoken.get(993), Some(Service::Https), "the file comes first");
        assert_eq!((spoken.get(995), spoken.get(9995)), (Some(Service::Pop3s), None));
    }
}
