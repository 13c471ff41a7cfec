//! Asking peers, on the user's word only: who would be asked, what that means, and what came of it as evidence.

use std::net::IpAddr;

use jiff::Timestamp;

use crate::peers::{Evidence, Host as PeerHost, Knowledge, PeerBook, PeerKey, Record, Source};
use crate::probe::{AddressReport, Basis, Cancel, Outcome, ProbePlan, Report, Settings, Target, WORKERS, probe_many};
use crate::tls::Direction;

use crate::host::{Home, HomeOptions, Host, OwnNames, Preferences, PreferencesError};

/// A peer and where a probe of it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The peer.
    pub key: PeerKey,
    /// The address, port and service.
    pub target: Target,
}

/// What came of asking.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// What they said, as evidence.
    pub records: Vec<Record>,
    /// Who could not be asked, and what could not be remembered, in words.
    pub problems: Vec<String>,
}

/// How this host asks: under its own name.
#[must_use]
pub fn settings(host: &Host) -> Settings {
    Settings::new(host.names.ehlo())
}

/// The outbound peers of a book that can be asked. `only_unmeasured`: those of which no probe has told anything yet;
/// one that asked to come later or did not answer is asked again.
#[must_use]
pub fn questions(host: &Host, book: &PeerBook, only_unmeasured: bool) -> Vec<Question> {
    let measured = |evidence: &Evidence| evidence.source == Source::Probe && evidence.knowledge.tells();
    book.peers
        .iter()
        .filter(|peer| peer.key.direction == Direction::Outbound)
        .filter(|peer| !only_unmeasured || !peer.evidence.iter().any(measured))
        .filter_map(|peer| question(host, &peer.key))
        .collect()
}

/// The question to one outbound peer; `None`: its name cannot be looked up, or it is one that calls us: what its own
/// ports answer says nothing of the program that calls.
#[must_use]
pub fn question(host: &Host, key: &PeerKey) -> Option<Question> {
    if key.direction != Direction::Outbound {
        return None;
    }
    let target = match host.pretend(key) {
        // In the demo nobody else is ever asked.
        Some(pretend) => pretend?,
        None => target(key)?,
    };
    Some(Question {
        key: key.clone(),
        target,
    })
}

/// What asking them means, in words.
#[must_use]
pub fn probe_plan(host: &Host, questions: &[Question]) -> ProbePlan {
    let targets: Vec<Target> = questions.iter().map(|question| question.target.clone()).collect();
    let settings = settings(host);
    ProbePlan::new(&targets, &settings)
}

/// Asks them, and remembers what they said. `on_answer` gets what each peer has answered as it comes. Screen and
/// commands both ask through this.
#[must_use]
pub fn probe(host: &Host, questions: &[Question], cancel: &Cancel, mut on_answer: impl FnMut(&[Record])) -> Asked {
    let targets: Vec<Target> = questions.iter().map(|question| question.target.clone()).collect();
    let mut records = Vec::new();
    let problem = ask(&targets, &settings(host), cancel, |place, report| {
        if let Some(question) = questions.get(place) {
            let answer = evidence_of(host, &question.key, &report);
            on_answer(&answer);
            records.extend(answer);
        }
    });
    let mut problems: Vec<String> = problem.into_iter().collect();
    problems.extend(remember_aloud(host, &records));
    Asked { records, problems }
}

/// Remembers what was measured; the problem in words, if there is one.
#[must_use]
pub fn remember_aloud(host: &Host, records: &[Record]) -> Option<String> {
    if records.is_empty() {
        return None;
    }
    let error = host.memory.remember(records.to_vec()).err()?;
    Some(format!(
        "What was measured counts for this session only: it could not be remembered ({error})"
    ))
}

/// A probe's report as evidence: one record for each address of a name, since mail may go to any of them. An address
/// that the network does not reach from here takes no mail from here, and is no part of the name as long as another one
/// is reached.
#[must_use]
pub fn evidence_of(host: &Host, key: &PeerKey, report: &Report) -> Vec<Record> {
    let now = Timestamp::now();
    let record = |outcome: &Outcome, basis: Basis, connections: u32, detail: &str| Record {
        key: key.clone(),
        address: None,
        addresses: Vec::new(),
        authenticated: false,
        evidence: Evidence {
            knowledge: knowledge(outcome, basis),
            source: Source::Probe,
            first_seen: now,
            last_seen: now,
            // An absence that was asked about twice outweighs a version that was seen before; one look does not.
            count: if *outcome == Outcome::NoStartTls {
                u64::from(connections.max(1))
            } else {
                1
            },
            raw: detail.to_owned(),
        },
    };
    let reached: Vec<&AddressReport> = report.addresses.iter().filter(|of| !of.is_unreachable).collect();
    let is_named = matches!(key.host, PeerHost::Name(_)) && !host.is_demo();
    if !is_named || reached.is_empty() {
        return vec![record(
            &report.outcome,
            report.basis,
            report.connections,
            &report.detail,
        )];
    }
    let asked = reached.iter().map(|of| of.address.ip());
    let all: Vec<IpAddr> = asked
        .chain(report.not_asked.iter().map(|address| address.ip()))
        .collect();
    let of_address = |of: &AddressReport| Record {
        address: Some(of.address.ip()),
        addresses: if all.len() > 1 { all.clone() } else { Vec::new() },
        ..record(&of.outcome, of.basis, of.connections, &of.detail)
    };
    reached.into_iter().map(of_address).collect()
}

fn target(key: &PeerKey) -> Option<Target> {
    let service = key.service;
    let port = key.port.unwrap_or_else(|| service.port());
    match &key.host {
        PeerHost::Address(address) => Some(Target::at(*address, Some(port), service)),
        PeerHost::Name(name) => Target::parse(&format!("{name}:{port}"), service).ok(),
    }
}

/// Asks, and hears each answer with the place of its target. In words: whom this machine could not ask, and why; a
/// silence about that would look like a silence of the peer.
pub fn ask(
    targets: &[Target],
    settings: &Settings,
    cancel: &Cancel,
    mut heard: impl FnMut(usize, Report),
) -> Option<String> {
    let (mut failed, mut why) = (0_usize, None);
    let asked = probe_many(targets, settings, WORKERS, cancel, |place, result| match result {
        Ok(report) => heard(place, report),
        Err(error) => {
            failed += 1;
            why.get_or_insert(error);
        }
    });
    if let Err(error) = asked {
        return Some(format!("Nobody could be asked: {error}"));
    }
    why.map(|error| {
        let all = targets.len();
        format!("{failed} of {all} could not be asked, and nothing new is known of them: {error}")
    })
}

/// How to ask where there is no `mailserver.cfg`: the preferences still say under which name.
///
/// # Errors
/// [`PreferencesError`].
pub fn settings_without_file(options: &HomeOptions) -> Result<Settings, PreferencesError> {
    // A user without a home directory has no preferences.
    let preferences = match Home::find(options) {
        Ok(home) => Preferences::read(&home, options.config.is_some())?,
        Err(_) => Preferences::default(),
    };
    Ok(Settings::new(OwnNames::new(&preferences.names).ehlo()))
}

/// What a probe's outcome says of a peer. A refusal is never "no TLS" (Dovecot closes silently, GnuTLS sends alert 40).
#[must_use]
pub fn knowledge(outcome: &Outcome, basis: Basis) -> Knowledge {
    match outcome {
        Outcome::Version(version) => match basis {
            Basis::Chosen => Knowledge::Ceiling(*version),
            Basis::Agreed => Knowledge::Agreed(*version),
            Basis::InEffect => Knowledge::CeilingInEffect(*version),
        },
        Outcome::AtLeast(version) => Knowledge::AtLeast(*version),
        Outcome::NoStartTls => Knowledge::NoStartTls,
        Outcome::Refused(how) => Knowledge::Refused(how.clone()),
        Outcome::TurnedAway(why) | Outcome::NoAnswer(why) | Outcome::NotTls(why) | Outcome::Later(why) => {
            Knowledge::NoAnswer(why.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::{Peer, Threshold, Verdict, assess};
    use crate::probe::Service;
    use crate::probe::fake::{Behaviour, FakePeer, Quirk};
    use crate::probe::{EhloName, probe_one};
    use crate::tls::TlsVersion;
    use std::io::{BufRead as _, Write as _};

    /// One SMTP server on loopback that says these replies, one after each command, and the last one for ever.
    fn smtp(replies: &'static [&'static str]) -> Target {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = std::io::BufReader::new(stream.try_clone().unwrap()).lines();
                for reply in replies {
                    let sent = stream.write_all(reply.as_bytes());
                    if sent.is_err() || lines.next().is_none() {
                        break;
                    }
                }
            }
        });
        Target::parse(&format!("127.0.0.1:{port}"), Service::Smtp).unwrap()
    }

    /// The verdict on a peer that was probed at TLS 1.3 a day ago, and now like this.
    fn verdict_after(target: &Target) -> (Knowledge, Verdict) {
        let key = PeerKey {
            direction: Direction::Outbound,
            service: crate::peers::Service::Smtp,
            host: PeerHost::parse("192.0.2.9").unwrap(),
            port: None,
        };
        let report = probe_one(target, &Settings::new(EhloName::default()), &Cancel::new().unwrap()).unwrap();
        let now = Timestamp::now();
        let seen = now - jiff::SignedDuration::from_hours(24);
        let evidence = |knowledge: Knowledge, seen| Evidence {
            knowledge,
            source: Source::Probe,
            first_seen: seen,
            last_seen: seen,
            count: 1,
            raw: String::new(),
        };
        let said = knowledge(&report.outcome, report.basis);
        let records = vec![
            evidence(Knowledge::Ceiling(TlsVersion::Tls13), seen),
            evidence(said.clone(), now),
        ];
        let peer = Peer {
            key,
            names: Vec::new(),
            messages: 1,
            delayed: 0,
            failed: 0,
            authenticated: false,
            evidence: records,
            note: None,
        };
        let book = PeerBook {
            peers: vec![peer],
            ..PeerBook::default()
        };
        let impact = assess(&book, Direction::Outbound, Threshold::At(TlsVersion::Tls12));
        (said, impact.rows[0].verdict)
    }

    #[test]
    fn a_no_before_tls_began_contradicts_nothing_and_a_refused_hello_does() {
        for replies in [
            &["554 5.7.1 blocked by a list\r\n"][..],
            &["220 mx\r\n", "504 5.5.2 Helo command rejected\r\n"],
            &["220 mx\r\n", "250-mx\r\n250 STARTTLS\r\n", "503 5.5.1 not now\r\n"],
        ] {
            let (said, verdict) = verdict_after(&smtp(replies));
            let words = replies.last().unwrap().trim_end();
            assert!(
                matches!(&said, Knowledge::NoAnswer(why) if why.contains(words)),
                "{said:?}"
            );
            assert_eq!(verdict, Verdict::Ok, "{said:?}");
        }
        let modern = Behaviour::up_to(Service::Smtp, TlsVersion::Tls12);
        let refuses = FakePeer::start(modern.with(Quirk::Alert(70))).unwrap();
        let (said, verdict) = verdict_after(&refuses.target());
        assert!(matches!(said, Knowledge::Refused(_)), "{said:?}");
        assert_eq!(verdict, Verdict::Mixed);
    }

    #[test]
    fn each_address_of_a_name_is_a_record_and_one_without_a_route_is_none() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let host = Host::find(&crate::host::HostOptions {
            file: Some(file.path().to_owned()),
            ..crate::host::HostOptions::default()
        })
        .unwrap();
        let of = |address: &str, outcome, is_unreachable| AddressReport {
            address: address.parse().unwrap(),
            outcome,
            basis: Basis::default(),
            connections: 1,
            is_unreachable,
            detail: "as it was".to_owned(),
        };
        let no_route = Outcome::NoAnswer("network is unreachable".to_owned());
        let mut report = Report {
            target: Target::parse("mx.example.org", Service::Smtp).unwrap(),
            outcome: Outcome::Version(TlsVersion::Tls10),
            basis: Basis::default(),
            address: None,
            addresses: vec![
                of("192.0.2.1:25", Outcome::Version(TlsVersion::Tls10), false),
                of("192.0.2.2:25", Outcome::Version(TlsVersion::Tls13), false),
                of("[2001:db8::1]:25", no_route.clone(), true),
            ],
            not_asked: vec!["192.0.2.3:25".parse().unwrap()],
            connections: 2,
            elapsed: std::time::Duration::ZERO,
            detail: String::new(),
        };
        let key = PeerKey {
            direction: Direction::Outbound,
            service: crate::peers::Service::Smtp,
            host: PeerHost::parse("mx.example.org").unwrap(),
            port: None,
        };
        let records = evidence_of(&host, &key, &report);
        let asked: Vec<String> = records.iter().filter_map(|of| Some(of.address?.to_string())).collect();
        assert_eq!(asked, ["192.0.2.1", "192.0.2.2"]);
        assert!(records.iter().all(|record| record.addresses.len() == 3), "{records:?}");
        report.addresses = vec![of("192.0.2.1:25", no_route, true)];
        report.not_asked.clear();
        assert_eq!(
            evidence_of(&host, &key, &report).len(),
            1,
            "a name that is not reached at all is still told about"
        );
    }

    #[test]
    fn those_who_gave_no_answer_are_asked_again_and_those_who_did_are_not() {
        let host = Host::find(&crate::host::HostOptions {
            demo: true,
            ..crate::host::HostOptions::default()
        })
        .unwrap();
        let said = [
            (Source::Probe, Knowledge::Ceiling(TlsVersion::Tls12)),
            (Source::Probe, Knowledge::NoStartTls),
            (Source::Probe, Knowledge::NoAnswer("450 greylisted".into())),
            (Source::Probe, Knowledge::Refused("alert 40".into())),
            (Source::PeersFile, Knowledge::Ceiling(TlsVersion::Tls12)),
        ];
        let now = Timestamp::now();
        let peers = (1_u8..).zip(said).map(|(last, (source, knowledge))| Peer {
            key: PeerKey {
                direction: Direction::Outbound,
                service: crate::peers::Service::Smtp,
                host: PeerHost::Address([203, 0, 113, last].into()),
                port: None,
            },
            names: Vec::new(),
            messages: 1,
            delayed: 0,
            failed: 0,
            authenticated: false,
            evidence: vec![Evidence {
                knowledge,
                source,
                first_seen: now,
                last_seen: now,
                count: 1,
                raw: String::new(),
            }],
            note: None,
        });
        let book = PeerBook {
            peers: peers.collect(),
            ..PeerBook::default()
        };
        let asked: Vec<String> = questions(&host, &book, true)
            .iter()
            .map(|question| question.key.host.to_string())
            .collect();
        assert_eq!(asked, ["203.0.113.3", "203.0.113.4", "203.0.113.5"]);
        assert_eq!(questions(&host, &book, false).len(), 5);
    }
}
