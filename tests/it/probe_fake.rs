//! The probe against pretend peers on loopback: what no real server does on demand.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use kerio_tls::probe::fake::{Behaviour, FakePeer, How, Quirk, What};
use kerio_tls::probe::{
    Acceptance, Cancel, EhloName, Outcome, ProbeError, Report, Service, Settings, Target, ask_exactly, probe_many,
    probe_one,
};
use kerio_tls::tls::TlsVersion::{self, Ssl3, Tls10, Tls11, Tls12, Tls13};

use crate::verdicts;

fn settings() -> Settings {
    Settings::new(EhloName::new("mail.example.org").unwrap())
}

/// Short patience, for peers that never answer.
fn hasty() -> Settings {
    let mut settings = settings();
    settings.limits.greeting = Duration::from_millis(300);
    settings.limits.reply = Duration::from_millis(300);
    settings.limits.hello = Duration::from_millis(200);
    settings.limits.whole = Duration::from_millis(900);
    settings
}

fn probe(peer: &FakePeer, settings: &Settings) -> Report {
    let report = probe_one(&peer.target(), settings, &Cancel::new().unwrap()).unwrap();
    assert_eq!(
        usize::try_from(report.connections).unwrap(),
        peer.connections(),
        "{report:?}"
    );
    assert!(
        !report.detail.is_empty() && !report.detail.contains(char::is_control),
        "{report:?}"
    );
    report
}

fn outcome(behaviour: Behaviour) -> Outcome {
    probe(&FakePeer::start(behaviour).unwrap(), &settings()).outcome
}

fn smtp(quirk: Quirk) -> Behaviour {
    Behaviour::up_to(Service::Smtp, Tls12).with(quirk)
}

#[test]
fn the_highest_version_is_found_on_every_service_with_one_connection() {
    for service in Service::ALL {
        for ceiling in TlsVersion::MINIMUMS {
            let peer = FakePeer::start(Behaviour::up_to(service, ceiling)).unwrap();
            let report = probe(&peer, &settings());
            assert_eq!(
                (report.outcome, report.connections),
                (Outcome::Version(ceiling), 1),
                "{service} {ceiling}"
            );
        }
    }
}

#[test]
fn a_floor_above_the_old_versions_changes_nothing() {
    let behaviour = Behaviour {
        service: Service::Smtps,
        floor: Tls13,
        ceiling: Tls13,
        quirk: Quirk::None,
    };
    assert_eq!(outcome(behaviour), Outcome::Version(Tls13));
}

#[test]
fn a_peer_with_ssl3_only_is_found_by_an_older_hello() {
    let bare_only = Quirk::Dislikes(What::Extensions, How::Alert(40));
    for (quirk, connections) in [(Quirk::None, 2), (bare_only, 3)] {
        let peer = FakePeer::start(Behaviour::up_to(Service::Smtp, Ssl3).with(quirk)).unwrap();
        let report = probe(&peer, &settings());
        assert_eq!(
            (report.outcome, report.connections),
            (Outcome::Version(Ssl3), connections),
            "{quirk:?}"
        );
    }
}

#[test]
fn a_peer_that_dislikes_extensions_is_never_given_a_ceiling() {
    for ceiling in TlsVersion::MINIMUMS {
        // One that has 1.2 and dislikes an extension does the same as one that has 1.0 only: calling that a ceiling
        // would call peers cut off that are not.
        let dislike = Quirk::Dislikes(What::Extensions, How::Alert(40));
        let found = outcome(Behaviour::up_to(Service::Smtps, ceiling).with(dislike));
        assert_eq!(found, Outcome::AtLeast(Tls10), "{ceiling}");
        assert_eq!((found.token(), found.highest()), ("refused", None));
    }
    assert_eq!(outcome(smtp(Quirk::Marked)), Outcome::AtLeast(Tls12));
}

#[test]
fn whatever_a_peer_does_legacy_alone_is_never_ok_and_a_modern_one_is_never_cut_off() {
    let quirks = [
        Quirk::None,
        Quirk::NoStartTls,
        Quirk::EndlessBanner,
        Quirk::ComeLater,
        Quirk::BytesAfterGo,
        Quirk::CutAt(3),
        Quirk::Records(7),
        Quirk::WarningFirst,
        Quirk::Alert(40),
        Quirk::Alert(70),
        Quirk::SilentClose,
        Quirk::Dislikes(What::Extensions, How::Alert(40)),
        Quirk::Dislikes(What::SupportedVersions, How::Alert(70)),
        Quirk::Dislikes(What::Length, How::Close),
        Quirk::Marked,
        Quirk::Http,
        Quirk::Junk,
    ];
    for ceiling in TlsVersion::ALL {
        for floor in TlsVersion::ALL.into_iter().filter(|floor| *floor <= ceiling) {
            for quirk in quirks {
                let behaviour = Behaviour {
                    service: Service::Smtp,
                    floor,
                    ceiling,
                    quirk,
                };
                // Without an offer, or with something else than TLS, it speaks none.
                let none = matches!(quirk, Quirk::NoStartTls | Quirk::Http | Quirk::Junk);
                // Nobody can offer TLS 1.3 to one that throws out its list of versions.
                let old_only = matches!(quirk, Quirk::Dislikes(What::SupportedVersions, _));
                let highest = if old_only { ceiling.min(Tls12) } else { ceiling };
                let every = TlsVersion::ALL.into_iter();
                let speaks: Vec<TlsVersion> = every.filter(|v| (floor..=highest).contains(v) && !none).collect();
                let found = outcome(behaviour);
                for minimum in TlsVersion::MINIMUMS {
                    verdicts::honest(&found, &speaks, minimum);
                }
            }
        }
    }
}

#[test]
fn a_refusal_is_unknown_however_it_looks_and_is_asked_three_times() {
    for quirk in [Quirk::Alert(70), Quirk::Alert(40), Quirk::Alert(80), Quirk::SilentClose] {
        let peer = FakePeer::start(smtp(quirk)).unwrap();
        let report = probe(&peer, &settings());
        assert!(matches!(report.outcome, Outcome::Refused(_)), "{report:?}");
        assert_eq!((report.connections, report.highest()), (3, None));
        assert!(report.detail.contains("without a server name"), "{}", report.detail);
    }
}

#[test]
fn what_a_box_dislikes_in_the_first_hello_is_left_out_of_the_second() {
    let dislikes = |what, how, ceiling| {
        let behaviour = Behaviour::up_to(Service::Smtps, ceiling).with(Quirk::Dislikes(what, how));
        probe(&FakePeer::start(behaviour).unwrap(), &hasty())
    };
    for how in [How::Alert(70), How::Alert(47), How::Alert(40), How::Close, How::Silence] {
        for ceiling in [Tls10, Tls11, Tls12] {
            let report = dislikes(What::SupportedVersions, how, ceiling);
            assert_eq!(
                (&report.outcome, report.connections),
                (&Outcome::Version(ceiling), 2),
                "{how:?}"
            );
            let report = dislikes(What::Length, how, ceiling);
            assert_eq!(
                (&report.outcome, report.connections),
                (&Outcome::Version(ceiling), 1),
                "{how:?}"
            );
        }
    }
}

#[test]
fn a_peer_that_ends_the_handshake_on_a_name_it_does_not_know_is_asked_without_one() {
    let behaviour = Behaviour::up_to(Service::Smtp, Tls12).with(Quirk::Dislikes(What::ServerName, How::Alert(112)));
    let peer = FakePeer::start(behaviour).unwrap();
    let target = Target::parse(&format!("localhost:{}", peer.address().port()), Service::Smtp).unwrap();
    let report = probe_one(&target, &settings(), &Cancel::new().unwrap()).unwrap();
    assert_eq!(report.outcome, Outcome::Version(Tls12), "{report:?}");
    assert!(report.detail.contains("unrecognized_name"), "{}", report.detail);
}

#[test]
fn whoever_throws_out_an_offer_of_tls_12_has_tls_10_as_its_highest_in_effect_unless_it_only_lacked_a_suite() {
    for (how, expected) in [
        (How::Alert(70), Outcome::Version(Tls10)),
        (How::Alert(50), Outcome::Version(Tls10)),
        (How::Close, Outcome::Version(Tls10)),
        (How::Alert(40), Outcome::AtLeast(Tls10)),
        (How::Alert(71), Outcome::AtLeast(Tls10)),
        (How::Silence, Outcome::AtLeast(Tls10)),
    ] {
        let behaviour = Behaviour::up_to(Service::Smtps, Tls12).with(Quirk::Dislikes(What::Tls12, how));
        let report = probe(&FakePeer::start(behaviour).unwrap(), &hasty());
        assert_eq!((&report.outcome, report.connections), (&expected, 3), "{how:?}");
        let in_effect = matches!(expected, Outcome::Version(_));
        assert_eq!(
            report.detail.contains("in effect its highest"),
            in_effect,
            "{}",
            report.detail
        );
    }
}

#[test]
fn whoever_refuses_each_offer_of_tls_13_has_tls_12_as_its_highest_in_effect_whatever_its_mark_says() {
    for how in [How::Alert(40), How::Alert(70), How::Close] {
        let behaviour = Behaviour::up_to(Service::Smtps, Tls13).with(Quirk::Dislikes(What::SupportedVersions, how));
        let report = probe(&FakePeer::start(behaviour).unwrap(), &hasty());
        assert_eq!(
            (&report.outcome, report.connections),
            (&Outcome::Version(Tls12), 3),
            "{how:?}"
        );
        assert!(report.detail.contains("in effect its highest"), "{}", report.detail);
    }
    let hangs = Behaviour::up_to(Service::Smtps, Tls13).with(Quirk::Dislikes(What::SupportedVersions, How::Silence));
    let report = probe(&FakePeer::start(hangs).unwrap(), &hasty());
    assert_eq!(
        report.outcome,
        Outcome::AtLeast(Tls12),
        "silence is no refusal: {report:?}"
    );
}

#[test]
fn a_mark_of_tls_13_is_believed_where_a_hello_without_a_server_name_brings_it() {
    let behaviour = Behaviour::up_to(Service::Smtp, Tls13).with(Quirk::Dislikes(What::ServerName, How::Alert(112)));
    let peer = FakePeer::start(behaviour).unwrap();
    let target = Target::parse(&format!("localhost:{}", peer.address().port()), Service::Smtp).unwrap();
    let report = probe_one(&target, &settings(), &Cancel::new().unwrap()).unwrap();
    assert_eq!(
        (&report.outcome, report.connections),
        (&Outcome::Version(Tls13), 3),
        "{report:?}"
    );
}

#[test]
fn tls_13_is_agreed_and_not_gone_through() {
    let report = probe(
        &FakePeer::start(Behaviour::up_to(Service::Smtps, Tls13)).unwrap(),
        &settings(),
    );
    assert!(
        report.detail.contains("agreed and not gone through"),
        "{}",
        report.detail
    );
}

#[test]
fn the_server_hello_may_be_cut_anywhere() {
    for ceiling in [Tls10, Tls13] {
        for cut in 0..66 {
            let behaviour = Behaviour::up_to(Service::Smtps, ceiling);
            assert_eq!(
                outcome(behaviour.with(Quirk::CutAt(cut))),
                Outcome::Version(ceiling),
                "cut at {cut}"
            );
            if cut > 0 {
                assert_eq!(
                    outcome(behaviour.with(Quirk::Records(cut))),
                    Outcome::Version(ceiling),
                    "records of {cut}"
                );
            }
        }
    }
}

#[test]
fn a_warning_before_the_server_hello_is_passed_over() {
    assert_eq!(outcome(smtp(Quirk::WarningFirst)), Outcome::Version(Tls12));
}

#[test]
fn no_tls_on_offer_is_its_own_answer() {
    for service in [Service::Smtp, Service::Submission, Service::Imap, Service::Pop3] {
        let peer = FakePeer::start(Behaviour::up_to(service, Tls12).with(Quirk::NoStartTls)).unwrap();
        let report = probe(&peer, &settings());
        assert_eq!(
            (report.outcome, report.connections),
            (Outcome::NoStartTls, 2),
            "{service}: an absence is asked about twice"
        );
        let heard = String::from_utf8(peer.heard()).unwrap();
        assert!(
            heard.ends_with("QUIT\r\n") || heard.ends_with("LOGOUT\r\n"),
            "{heard:?}"
        );
    }
}

#[test]
fn come_later_is_later_on_every_protocol() {
    for service in [Service::Smtp, Service::Imap, Service::Pop3] {
        let found = outcome(Behaviour::up_to(service, Tls12).with(Quirk::ComeLater));
        assert!(
            matches!(&found, Outcome::Later(words) if words.contains("too busy")),
            "{found:?}"
        );
    }
}

#[test]
fn nothing_is_said_before_a_slow_greeting_and_nothing_is_pipelined() {
    let peer = FakePeer::start(smtp(Quirk::SlowGreeting(Duration::from_millis(400)))).unwrap();
    assert_eq!(probe(&peer, &settings()).outcome, Outcome::Version(Tls12));
    assert_eq!(peer.spoken_early(), 0);
    assert!(
        peer.heard()
            .starts_with(b"EHLO mail.example.org\r\nSTARTTLS\r\n\x16\x03\x01")
    );
}

#[test]
fn bytes_after_go_ahead_are_refused() {
    for service in [Service::Smtp, Service::Imap, Service::Pop3] {
        let found = outcome(Behaviour::up_to(service, Tls12).with(Quirk::BytesAfterGo));
        assert!(matches!(found, Outcome::NotTls(_)), "{found:?}");
    }
}

#[test]
fn what_is_not_tls_is_named() {
    for service in [Service::Smtp, Service::Imap, Service::Pop3, Service::Https] {
        for quirk in [Quirk::Http, Quirk::Junk] {
            let found = outcome(Behaviour::up_to(service, Tls12).with(quirk));
            assert!(matches!(found, Outcome::NotTls(_)), "{service} {found:?}");
        }
    }
    // TLS from the start is asked of a port that greets in clear.
    let peer = FakePeer::start(smtp(Quirk::None)).unwrap();
    let wrong = Target {
        service: Service::Smtps,
        ..peer.target()
    };
    let found = probe_one(&wrong, &settings(), &Cancel::new().unwrap()).unwrap().outcome;
    assert!(
        matches!(&found, Outcome::NotTls(what) if what.contains("a mail server in clear")),
        "{found:?}"
    );
}

#[test]
fn an_endless_banner_and_a_tarpit_come_to_an_end_as_no_answer() {
    for (quirk, settings) in [
        (Quirk::EndlessBanner, settings()),
        (Quirk::Tarpit(Duration::from_millis(20)), hasty()),
        (Quirk::SlowGreeting(Duration::from_secs(60)), hasty()),
    ] {
        let peer = FakePeer::start(smtp(quirk)).unwrap();
        let report = probe(&peer, &settings);
        assert!(matches!(report.outcome, Outcome::NoAnswer(_)), "{report:?}");
        assert_eq!(report.connections, 1);
    }
    // A port that takes the connection and says nothing where TLS should begin.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let target = Target::at(address.ip(), Some(address.port()), Service::Https);
    let report = probe_one(&target, &hasty(), &Cancel::new().unwrap()).unwrap();
    assert!(matches!(report.outcome, Outcome::NoAnswer(_)), "{report:?}");
}

#[test]
fn a_closed_port_is_no_answer() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let target = Target::at(free.ip(), Some(free.port()), Service::Smtp);
    let report = probe_one(&target, &settings(), &Cancel::new().unwrap()).unwrap();
    assert_eq!(report.connections, 0);
    assert!(
        matches!(&report.outcome, Outcome::NoAnswer(why) if why.contains("refused")),
        "{report:?}"
    );
}

#[test]
fn a_name_is_looked_up_by_the_system_and_sent_as_server_name() {
    let peer = FakePeer::start(Behaviour::up_to(Service::Smtps, Tls12)).unwrap();
    let target = Target::parse(&format!("localhost:{}", peer.address().port()), Service::Smtps).unwrap();
    let report = probe_one(&target, &settings(), &Cancel::new().unwrap()).unwrap();
    assert_eq!(report.outcome, Outcome::Version(Tls12));
    assert!(peer.heard().windows(9).any(|w| w == b"localhost"));
    // An address is never sent as a name.
    let peer = FakePeer::start(Behaviour::up_to(Service::Smtps, Tls12)).unwrap();
    probe(&peer, &settings());
    assert!(!peer.heard().windows(9).any(|w| w == b"127.0.0.1"));
}

#[test]
fn each_version_is_asked_for_by_itself() {
    let behaviour = Behaviour {
        service: Service::Imap,
        floor: Tls11,
        ceiling: Tls12,
        quirk: Quirk::None,
    };
    let peer = FakePeer::start(behaviour).unwrap();
    for version in TlsVersion::ALL {
        let found = ask_exactly(&peer.target(), version, None, &settings(), &Cancel::new().unwrap()).unwrap();
        match found {
            Acceptance::Accepted => assert!((Tls11..=Tls12).contains(&version), "{version}"),
            Acceptance::Refused(_) => assert!(!(Tls11..=Tls12).contains(&version), "{version}"),
            other => panic!("{version}: {other:?}"),
        }
    }
    assert_eq!(peer.connections(), TlsVersion::ALL.len());
}

#[test]
fn cancel_ends_a_wait_and_starts_nothing_new() {
    let peer = FakePeer::start(smtp(Quirk::SlowGreeting(Duration::from_secs(60)))).unwrap();
    let cancel = Cancel::new().unwrap();
    let (target, its_cancel) = (peer.target(), cancel.clone());
    let probing = std::thread::spawn(move || probe_one(&target, &settings(), &its_cancel));
    while peer.connections() == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let asked = Instant::now();
    cancel.cancel();
    assert!(matches!(probing.join().unwrap(), Err(ProbeError::Cancelled)));
    println!("cancelled after {:?}", asked.elapsed());
    assert!(matches!(
        probe_one(&peer.target(), &settings(), &cancel),
        Err(ProbeError::Cancelled)
    ));
    assert_eq!(peer.connections(), 1);
}

#[test]
fn many_peers_are_asked_at_once_and_each_has_one_result() {
    let peers: Vec<FakePeer> = TlsVersion::MINIMUMS
        .into_iter()
        .cycle()
        .take(40)
        .map(|ceiling| FakePeer::start(Behaviour::up_to(Service::Smtp, ceiling)).unwrap())
        .collect();
    let targets: Vec<Target> = peers.iter().map(FakePeer::target).collect();
    let mut found = vec![None; targets.len()];
    let done = probe_many(&targets, &settings(), 8, &Cancel::new().unwrap(), |place, result| {
        assert_eq!(found[place].replace(result.unwrap().outcome), None);
    });
    assert_eq!(done.unwrap(), 40);
    for (found, ceiling) in found.into_iter().zip(TlsVersion::MINIMUMS.into_iter().cycle()) {
        assert_eq!(found, Some(Outcome::Version(ceiling)));
    }
}

#[test]
fn a_host_never_has_two_connections_at_the_same_time_under_whatever_name() {
    let slow = smtp(Quirk::SlowGreeting(Duration::from_millis(60)));
    let (one, other) = (
        FakePeer::start(slow).unwrap(),
        FakePeer::start_at([127, 0, 0, 2].into(), slow).unwrap(),
    );
    let named = Target::parse(&format!("localhost:{}", one.address().port()), Service::Smtp).unwrap();
    let targets = [
        one.target(),
        named.clone(),
        other.target(),
        one.target(),
        named,
        other.target(),
    ];
    let done = probe_many(&targets, &settings(), 6, &Cancel::new().unwrap(), |_, result| {
        assert_eq!(result.unwrap().outcome, Outcome::Version(Tls12));
    });
    assert_eq!(done.unwrap(), 6);
    assert_eq!((one.connections(), one.most_at_once()), (4, 1));
    assert_eq!((other.connections(), other.most_at_once()), (2, 1));
}

#[test]
fn cancelling_many_frees_the_caller_closes_what_is_open_and_starts_nothing_new() {
    let peers: Vec<FakePeer> = (0..12)
        .map(|_| FakePeer::start(smtp(Quirk::SlowGreeting(Duration::from_secs(60)))).unwrap())
        .collect();
    let quick = FakePeer::start(smtp(Quirk::None)).unwrap();
    let targets: Vec<Target> = std::iter::once(&quick).chain(&peers).map(FakePeer::target).collect();
    let cancel = Cancel::new().unwrap();
    let mut results = 0;
    // The first result cancels the rest: 4 at most are open then, the others were never begun.
    let done = probe_many(&targets, &settings(), 4, &cancel, |place, result| {
        assert_eq!((place, result.unwrap().outcome), (0, Outcome::Version(Tls12)));
        results += 1;
        cancel.cancel();
    });
    assert_eq!((done.unwrap(), results), (1, 1));
    // Every thread has ended; a connection that the kernel took before that may be counted a little later.
    std::thread::sleep(Duration::from_millis(200));
    let begun: usize = peers.iter().map(FakePeer::connections).sum();
    assert!(begun <= 4, "{begun}");
    assert_eq!(
        probe_many(&[], &settings(), 4, &cancel, |_, _| unreachable!()).unwrap(),
        0
    );
}

/// A port whose queue of connections is full: a further connect hangs, as behind a firewall that drops.
fn full_port() -> (std::os::fd::OwnedFd, Vec<std::net::TcpStream>, Target) {
    use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};
    let listener = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&listener, &std::net::SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    listen(&listener, 0).unwrap();
    let address = std::net::SocketAddr::try_from(getsockname(&listener).unwrap()).unwrap();
    let mut queued = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        queued.push(stream);
        assert!(queued.len() < 64, "the queue does not fill");
    }
    let target = Target::at(address.ip(), Some(address.port()), Service::Smtp);
    (listener, queued, target)
}

#[test]
fn a_connect_that_hangs_ends_at_its_deadline_and_at_once_on_cancel() {
    let (_listener, _queued, target) = full_port();
    let mut settings = settings();
    settings.limits.connect = Duration::from_millis(100);
    let report = probe_one(&target, &settings, &Cancel::new().unwrap()).unwrap();
    assert!(
        matches!(&report.outcome, Outcome::NoAnswer(why) if why.contains("out of time")),
        "{report:?}"
    );
    assert_eq!(report.connections, 0);
    settings.limits.connect = Duration::from_secs(40);
    let cancel = Cancel::new().unwrap();
    let bell = cancel.clone();
    let probing = std::thread::spawn(move || probe_one(&target, &settings, &cancel));
    std::thread::sleep(Duration::from_millis(100));
    bell.cancel();
    assert!(matches!(probing.join().unwrap(), Err(ProbeError::Cancelled)));
}

#[test]
fn the_limit_for_one_peer_holds_where_each_step_alone_would_be_in_time() {
    let mut settings = settings();
    settings.limits.whole = Duration::from_millis(100);
    for quirk in [
        Quirk::SlowGreeting(Duration::from_millis(600)),
        Quirk::Tarpit(Duration::from_millis(10)),
    ] {
        let peer = FakePeer::start(smtp(quirk)).unwrap();
        let report = probe(&peer, &settings);
        assert!(
            matches!(report.outcome, Outcome::NoAnswer(_) | Outcome::NotTls(_)),
            "{report:?}"
        );
    }
}

#[test]
fn a_pretend_peer_lives_on_loopback_only() {
    assert!(FakePeer::start_at([192, 0, 2, 1].into(), smtp(Quirk::None)).is_err());
}
