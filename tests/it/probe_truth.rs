//! The truth table: every verdict of the probe against servers that other people wrote (issue 4, point 8).

use std::process::Command;

use kerio_tls::peers::Verdict;
use kerio_tls::probe::{Acceptance, Cancel, EhloName, Outcome, Service, Settings, Target, ask_exactly, probe_one};
use kerio_tls::tls::TlsVersion::{self, Tls10, Tls11, Tls12, Tls13};

use crate::{servers, stacks, tls_servers, verdicts};

fn settings() -> Settings {
    Settings::new(EhloName::new("mail.example.org").unwrap())
}

fn target(port: u16, service: Service) -> Target {
    Target::at([127, 0, 0, 1].into(), Some(port), service)
}

/// Probes a port whose versions are known to be `speaks`, and holds what the user is told against the rule: a peer with
/// legacy TLS only is never called ok, one that speaks 1.2 is never called cut off, and what cannot be known is called
/// unknown.
pub(crate) fn probe(port: u16, service: Service, speaks: &[TlsVersion]) -> Outcome {
    let report = probe_one(&target(port, service), &settings(), &Cancel::new().unwrap()).unwrap();
    println!(
        "{service} {speaks:?}: {} connection(s), {:.1} ms, {}",
        report.connections,
        report.milliseconds(),
        report.detail
    );
    assert!((1..=3).contains(&report.connections));
    for minimum in TlsVersion::MINIMUMS {
        let found = verdicts::honest(&report.outcome, speaks, minimum);
        match &report.outcome {
            Outcome::Version(highest) => {
                let wanted = if *highest >= minimum {
                    Verdict::Ok
                } else {
                    Verdict::CutOff
                };
                assert_eq!(found, wanted, "{minimum}: {report:?}");
            }
            Outcome::NoStartTls => assert_eq!(found, Verdict::Plain),
            _ => assert_eq!(found, Verdict::Unknown, "{minimum}: {report:?}"),
        }
    }
    report.outcome
}

/// Runs this test again in a network that has nothing but loopback: `gnutls-serv` listens on every address there is.
pub(crate) fn in_a_network_of_its_own(test: &str, inside: fn()) {
    const INSIDE: &str = "KERIO_TLS_TEST_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        return inside();
    }
    let mut command = Command::new("unshare");
    command
        .args([
            "--net",
            "sh",
            "-euc",
            r#"ip link set lo up; exec "$0" --exact "$1" --nocapture"#,
        ])
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .env(INSIDE, "1");
    let output = servers::run(&mut command, "util-linux (and iproute2 for ip)");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "in a network of its own (this needs root, util-linux and iproute2):\n{said}"
    );
    println!("{said}");
}

/// Asks for each version by itself, and asks `openssl s_client` the same.
fn accepted(port: u16, service: Service) -> Vec<TlsVersion> {
    let ask = |version: &TlsVersion| {
        let ours = match ask_exactly(
            &target(port, service),
            *version,
            None,
            &settings(),
            &Cancel::new().unwrap(),
        )
        .unwrap()
        {
            Acceptance::Accepted => true,
            refused @ (Acceptance::Refused(_) | Acceptance::NotOffered(_) | Acceptance::Closed(_)) => {
                println!("{service} {version}: {refused:?}");
                false
            }
            Acceptance::Agreed => panic!("{service} {version}: a real key share was not taken"),
            Acceptance::Unknown(outcome) => panic!("{service} {version}: {outcome:?}"),
        };
        assert_eq!(
            ours,
            s_client(port, service, *version),
            "{service} {version}: openssl s_client says otherwise"
        );
        ours
    };
    TlsVersion::MINIMUMS.into_iter().filter(ask).collect()
}

/// The second opinion. It knows neither RC4 nor 3DES (Debian builds OpenSSL without them).
fn s_client(port: u16, service: Service, version: TlsVersion) -> bool {
    let mut command = Command::new("openssl");
    command.args([
        "s_client",
        "-connect",
        &format!("127.0.0.1:{port}"),
        "-cipher",
        "ALL:@SECLEVEL=0",
        "-brief",
    ]);
    command.arg(match version {
        Tls10 => "-tls1",
        Tls11 => "-tls1_1",
        Tls12 => "-tls1_2",
        _ => "-tls1_3",
    });
    match service {
        Service::Smtp => command.args(["-starttls", "smtp"]),
        Service::Imap => command.args(["-starttls", "imap"]),
        Service::Pop3 => command.args(["-starttls", "pop3"]),
        _ => &mut command,
    };
    let output = servers::run(&mut command, "openssl");
    String::from_utf8_lossy(&output.stderr).contains("CONNECTION ESTABLISHED")
}

#[test]
fn openssl_pinned_to_one_version_has_that_version() {
    for (pin, version) in [
        ("-tls1", Tls10),
        ("-tls1_1", Tls11),
        ("-tls1_2", Tls12),
        ("-tls1_3", Tls13),
    ] {
        let server = tls_servers::openssl(&[pin]);
        assert_eq!(
            probe(server.ports[0], Service::Https, &[version]),
            Outcome::Version(version)
        );
        assert_eq!(accepted(server.ports[0], Service::Https), [version]);
    }
}

#[test]
fn openssl_with_every_version_has_the_highest() {
    for (without, speaks) in [
        (&[][..], &TlsVersion::MINIMUMS[..]),
        (&["-no_tls1_3"], &[Tls10, Tls11, Tls12]),
        (&["-no_tls1_3", "-no_tls1_2"], &[Tls10, Tls11]),
    ] {
        let server = tls_servers::openssl(without);
        assert_eq!(
            probe(server.ports[0], Service::Https, speaks),
            Outcome::Version(*speaks.last().unwrap())
        );
        assert_eq!(accepted(server.ports[0], Service::Https), speaks);
    }
}

#[test]
fn openssl_with_a_suite_that_nobody_has_refuses_and_stays_unknown() {
    let server = tls_servers::openssl(&["-tls1_2", "-cipher", "PSK-AES128-CBC-SHA", "-psk", "00112233"]);
    assert!(matches!(
        probe(server.ports[0], Service::Https, &[Tls12]),
        Outcome::Refused(_)
    ));
}

#[test]
fn gnutls_with_only_rc4_or_only_triple_des_has_its_version() {
    in_a_network_of_its_own(
        "probe_truth::gnutls_with_only_rc4_or_only_triple_des_has_its_version",
        || {
            for cipher in ["ARCFOUR-128", "3DES-CBC"] {
                for (word, version) in [("TLS1.0", Tls10), ("TLS1.1", Tls11), ("TLS1.2", Tls12)] {
                    let server =
                        tls_servers::gnutls(&format!("NORMAL:-VERS-ALL:+VERS-{word}:-CIPHER-ALL:+{cipher}:+SHA1"));
                    assert_eq!(
                        probe(server.ports[0], Service::Https, &[version]),
                        Outcome::Version(version),
                        "{cipher}"
                    );
                }
            }
        },
    );
}

#[test]
fn gnutls_answers_as_it_is_set() {
    in_a_network_of_its_own("probe_truth::gnutls_answers_as_it_is_set", || {
        for (priority, speaks) in [
            ("NORMAL:-VERS-ALL:+VERS-TLS1.3", &[Tls13][..]),
            ("NORMAL:-VERS-ALL:+VERS-TLS1.2", &[Tls12]),
            ("NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0", &[Tls10, Tls11]),
        ] {
            let server = tls_servers::gnutls(priority);
            assert_eq!(
                probe(server.ports[0], Service::Https, speaks),
                Outcome::Version(*speaks.last().unwrap())
            );
            assert_eq!(accepted(server.ports[0], Service::Https), speaks);
        }
    });
}

#[test]
fn gnutls_without_a_common_suite_answers_alert_40_and_stays_unknown() {
    in_a_network_of_its_own(
        "probe_truth::gnutls_without_a_common_suite_answers_alert_40_and_stays_unknown",
        || {
            let server = tls_servers::gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ANON-ECDH");
            let found = probe(server.ports[0], Service::Https, &[Tls12]);
            assert!(
                matches!(&found, Outcome::Refused(how) if how.contains("40")),
                "{found:?}"
            );
        },
    );
}

#[test]
fn postfix_has_the_versions_of_each_listener_and_none_where_tls_is_off() {
    let tls = |protocols: &str| {
        [
            format!("smtpd_tls_protocols={protocols}"),
            "smtpd_tls_security_level=may".to_owned(),
        ]
    };
    let rows: [(&str, &[TlsVersion]); 6] = [
        ("TLSv1", &[Tls10]),
        ("TLSv1.1", &[Tls11]),
        ("TLSv1.2", &[Tls12]),
        ("TLSv1.3", &[Tls13]),
        ("TLSv1,TLSv1.1", &[Tls10, Tls11]),
        (">=TLSv1.2", &[Tls12, Tls13]),
    ];
    let options: Vec<[String; 2]> = rows.iter().map(|(protocols, _)| tls(protocols)).collect();
    let mut listeners: Vec<Vec<&str>> = options.iter().map(|o| o.iter().map(String::as_str).collect()).collect();
    listeners.push(vec!["smtpd_tls_security_level=none"]);
    let listeners: Vec<&[&str]> = listeners.iter().map(Vec::as_slice).collect();
    let server = servers::postfix(&listeners);
    for ((protocols, speaks), port) in rows.iter().zip(&server.ports) {
        let found = probe(*port, Service::Smtp, speaks);
        assert_eq!(found, Outcome::Version(*speaks.last().unwrap()), "{protocols}");
        assert_eq!(accepted(*port, Service::Smtp), *speaks, "{protocols}");
    }
    assert_eq!(
        probe(*server.ports.last().unwrap(), Service::Smtp, &[]),
        Outcome::NoStartTls
    );
}

#[test]
fn dovecot_has_its_versions_on_imap_and_pop3_and_refuses_the_others_silently() {
    let services = [Service::Imap, Service::Pop3, Service::Imaps, Service::Pop3s];
    for (settings, speaks) in [
        ("ssl_min_protocol = TLSv1.2\n", &[Tls12, Tls13][..]),
        (
            "ssl_min_protocol = TLSv1\nssl_cipher_list = ALL:@SECLEVEL=0\n",
            &TlsVersion::MINIMUMS,
        ),
    ] {
        let server = tls_servers::dovecot(true, settings);
        for (service, port) in services.into_iter().zip(&server.ports) {
            assert_eq!(probe(*port, service, speaks), Outcome::Version(Tls13), "{service}");
            assert_eq!(accepted(*port, service), speaks, "{service}");
        }
    }
}

#[test]
fn dovecot_without_tls_offers_none() {
    let server = tls_servers::dovecot(false, "");
    assert_eq!(probe(server.ports[0], Service::Imap, &[]), Outcome::NoStartTls);
    assert_eq!(probe(server.ports[1], Service::Pop3, &[]), Outcome::NoStartTls);
}

#[test]
fn dovecot_that_refuses_every_hello_closes_silently_and_stays_unknown() {
    // TLS 1.2 at most (see `tls_servers::dovecot`), and no suite for it but one without a certificate.
    let server = tls_servers::dovecot(
        true,
        "import_environment = OPENSSL_CONF\nssl_min_protocol = TLSv1.2\nssl_cipher_list = ADH-AES128-SHA\n",
    );
    for (service, port) in [Service::Imap, Service::Pop3, Service::Imaps, Service::Pop3s]
        .into_iter()
        .zip(&server.ports)
    {
        let found = probe(*port, service, &[Tls12]);
        assert_eq!(found, Outcome::Refused("closed without a word".to_owned()), "{service}");
    }
}

#[test]
fn dovecot_up_to_one_point_two_has_that() {
    let server = tls_servers::dovecot(
        true,
        "import_environment = OPENSSL_CONF\nssl_min_protocol = TLSv1.1\nssl_cipher_list = ALL:@SECLEVEL=0\n",
    );
    assert_eq!(
        probe(server.ports[0], Service::Imap, &[Tls11, Tls12]),
        Outcome::Version(Tls12)
    );
    assert_eq!(accepted(server.ports[1], Service::Pop3), [Tls11, Tls12]);
}

#[test]
fn java_with_ssl3_only_is_found_by_an_older_hello() {
    // Debian builds OpenSSL and GnuTLS without it.
    let server = stacks::java(false, stacks::RSA, "SSLv3");
    assert_eq!(
        probe(server.ports[0], Service::Https, &[TlsVersion::Ssl3]),
        Outcome::Version(TlsVersion::Ssl3)
    );
    for version in TlsVersion::ALL {
        let found = ask_exactly(
            &target(server.ports[0], Service::Https),
            version,
            None,
            &settings(),
            &Cancel::new().unwrap(),
        );
        assert_eq!(
            found.unwrap() == Acceptance::Accepted,
            version == TlsVersion::Ssl3,
            "{version}"
        );
    }
}
