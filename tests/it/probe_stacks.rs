//! The truth table goes on: one family of servers after the other, in what it is set to, what it speaks, and what the probe says.
//! No server with TLS 1.2 is called lower than that, none that speaks less is called higher; `None` is "not known", and allowed only
//! where no usual client gets through either.

use kerio_tls::probe::{Outcome, Service};
use kerio_tls::tls::TlsVersion::{self, Ssl3, Tls10, Tls11, Tls12, Tls13};

use crate::probe_truth::{in_a_network_of_its_own, probe};
use crate::servers::Server;
use crate::stacks::{self, RSA};

const EC: &str = "ec -pkeyopt ec_paramgen_curve:P-256";
const ALL: &[TlsVersion] = &TlsVersion::MINIMUMS;
const TO_12: &[TlsVersion] = &[Tls10, Tls11, Tls12];

/// The server is asked, and what is said of it is its highest version; `None` in place of that: it is not known.
#[track_caller]
fn holds(server: &Server, service: Service, speaks: &[TlsVersion], says: Option<TlsVersion>) {
    let found = probe(server.ports[0], service, speaks);
    match says {
        Some(version) => assert_eq!(found, Outcome::Version(version), "{speaks:?}"),
        None => assert!(matches!(found, Outcome::Refused(_)), "{found:?}"),
    }
}

#[track_caller]
fn highest(server: &Server, service: Service, speaks: &[TlsVersion]) {
    holds(server, service, speaks, speaks.last().copied());
}

#[test]
fn nss_is_told_also_where_it_has_tls_13_and_no_suite_for_it() {
    in_a_network_of_its_own(
        "probe_stacks::nss_is_told_also_where_it_has_tls_13_and_no_suite_for_it",
        || {
            for (options, speaks) in [
                ("-V tls1.0:tls1.0", &[Tls10][..]),
                ("-V tls1.0:tls1.2", TO_12),
                ("-V tls1.0:tls1.3", ALL),
                ("-V tls1.3:tls1.3 -I FF8192", &[Tls13]),
                // It marks its ServerHello as chosen beside TLS 1.3.
                ("-V tls1.0:tls1.3 -c :0005", TO_12),
                ("-V tls1.0:tls1.3 -c :0041", TO_12),
                ("-V tls1.0:tls1.3 -c :C02F", &[Tls12]),
            ] {
                highest(&stacks::nss(options), Service::Https, speaks);
            }
        },
    );
}

#[test]
fn openssl_with_a_curve_or_signature_that_tls_13_has_not_is_told() {
    for (options, speaks) in [
        ("-groups brainpoolP256r1", TO_12),
        ("-groups secp224r1", TO_12),
        ("-sigalgs RSA+SHA1", TO_12),
        ("-groups ffdhe8192", ALL),
        ("-no_tls1_3 -groups secp224r1 -cipher ECDHE:@SECLEVEL=0", TO_12),
    ] {
        let cipher = if options.contains("-cipher") {
            ""
        } else {
            "-cipher ALL:@SECLEVEL=0"
        };
        let script = format!(
            "exec openssl s_server -accept 127.0.0.1:$PORT -cert cert.pem -key key.pem -www {cipher} {options}"
        );
        highest(&stacks::stack("openssl", RSA, &[], &script), Service::Https, speaks);
    }
}

#[test]
fn gnutls_with_tls_13_and_only_a_camellia_suite_is_told() {
    in_a_network_of_its_own(
        "probe_stacks::gnutls_with_tls_13_and_only_a_camellia_suite_is_told",
        || {
            let versions = "-VERS-ALL:+VERS-TLS1.0:+VERS-TLS1.1:+VERS-TLS1.2:+VERS-TLS1.3";
            for (narrowed, speaks) in [
                ("-CIPHER-ALL:+CAMELLIA-128-CBC:+SHA1", TO_12),
                ("-CIPHER-ALL:+CAMELLIA-128-GCM", &[Tls12]),
                ("-VERS-TLS1.2:-VERS-TLS1.3:%FORCE_ETM", &[Tls10, Tls11]),
            ] {
                let server = crate::tls_servers::gnutls(&format!("NORMAL:{versions}:{narrowed}"));
                highest(&server, Service::Https, speaks);
            }
        },
    );
}

#[test]
fn go_is_told_and_one_that_wants_a_name_stays_unknown() {
    for (key, words, speaks) in [
        (RSA, "tls1.0 tls1.0", &[Tls10][..]),
        (RSA, "tls1.0 tls1.2 suite=0xc02f", &[Tls12]),
        (EC, "tls1.2 tls1.3 group=24", &[Tls12, Tls13]),
        ("ed25519", "tls1.0 tls1.2", &[Tls12]),
    ] {
        highest(&stacks::go(key, words), Service::Https, speaks);
    }
    holds(
        &stacks::go(RSA, "tls1.0 tls1.2 needs-name"),
        Service::Https,
        TO_12,
        None,
    );
}

#[test]
fn wolfssl_and_mbed_tls_are_told() {
    for (words, speaks) in [
        ("2 2", &[Tls11][..]),
        ("3 4", &[Tls12, Tls13]),
        ("3 3 ECDHE-RSA-CHACHA20-POLY1305-OLD", &[Tls12]),
    ] {
        highest(&stacks::wolfssl(words), Service::Https, speaks);
    }
    for (key, words, speaks) in [
        (RSA, "1 1", &[Tls10][..]),
        (RSA, "1 3", TO_12),
        (EC, "1 3 TLS-ECDHE-ECDSA-WITH-AES-128-CCM-8", &[Tls12]),
        (EC, "1 3 TLS-ECDH-ECDSA-WITH-AES-128-CBC-SHA", TO_12),
        (RSA, "1 3 TLS-RSA-WITH-CAMELLIA-256-GCM-SHA384", &[Tls12]),
    ] {
        highest(&stacks::mbedtls(key, words), Service::Https, speaks);
    }
}

#[test]
fn botan_and_tlslite_are_told() {
    in_a_network_of_its_own("probe_stacks::botan_and_tlslite_are_told", || {
        let all = "allow_tls10 = true\nallow_tls11 = true\nallow_tls12 = true\n";
        highest(&stacks::botan(all), Service::Https, TO_12);
        highest(
            &stacks::botan(&format!("{all}ciphers = ARIA-128/GCM\n")),
            Service::Https,
            &[Tls12],
        );
        for (words, speaks) in [
            ("0 0", &[Ssl3][..]),
            ("1 2", &[Tls10, Tls11]),
            ("1 3 cipherNames=aes128ccm_8", &[Tls12]),
        ] {
            highest(&stacks::tlslite(words), Service::Https, speaks);
        }
    });
}

#[test]
fn erlang_is_told_also_with_a_dsa_key() {
    for (key, words, speaks) in [
        (RSA, "tlsv1,tlsv1.1", &[Tls10, Tls11][..]),
        (RSA, "tlsv1.2,tlsv1.3", &[Tls12, Tls13]),
        ("dsa", "tlsv1,tlsv1.1,tlsv1.2,tlsv1.3", TO_12),
    ] {
        highest(&stacks::erlang(key, words), Service::Https, speaks);
    }
}

#[test]
fn java_and_bouncy_castle_are_told() {
    highest(
        &stacks::java(false, RSA, "TLSv1,TLSv1.1"),
        Service::Https,
        &[Tls10, Tls11],
    );
    for (words, speaks) in [("TLSv1", &[Tls10][..]), ("TLSv1.2,TLSv1.3", &[Tls12, Tls13])] {
        highest(&stacks::java(true, RSA, words), Service::Https, speaks);
    }
}

#[test]
fn nginx_haproxy_and_stunnel_are_told() {
    for (protocol, service) in [
        ("https", Service::Https),
        ("smtp", Service::Smtp),
        ("imap", Service::Imap),
        ("pop3", Service::Pop3),
    ] {
        highest(&stacks::nginx(protocol, "TLSv1"), service, &[Tls10]);
    }
    highest(
        &stacks::nginx("smtp", "TLSv1.2 TLSv1.3"),
        Service::Smtp,
        &[Tls12, Tls13],
    );
    for (options, speaks, says) in [
        (
            "ssl-min-ver TLSv1.0 ssl-max-ver TLSv1.1 ciphers ALL:@SECLEVEL=0",
            &[Tls10, Tls11][..],
            Some(Tls11),
        ),
        ("ssl-min-ver TLSv1.2", &[Tls12, Tls13], Some(Tls13)),
        ("ssl-min-ver TLSv1.2 strict-sni", &[Tls12, Tls13], None),
    ] {
        holds(&stacks::haproxy(options), Service::Https, speaks, says);
    }
    for (options, speaks, says) in [
        (
            "sslVersion = TLSv1\nciphers = ALL:@SECLEVEL=0",
            &[Tls10][..],
            Some(Tls10),
        ),
        (
            "sslVersionMin = TLSv1.2\ncurves = brainpoolP256r1",
            &[Tls12],
            Some(Tls12),
        ),
        (
            "sslVersionMax = TLSv1.2\nciphers = PSK\nPSKsecrets = psk.txt",
            &[Tls12],
            None,
        ),
    ] {
        holds(&stacks::stunnel(options), Service::Https, speaks, says);
    }
}

#[test]
fn exim_sendmail_courier_and_cyrus_are_told() {
    for (versions, speaks) in [("TLS1.0", &[Tls10][..]), ("TLS1.2:+VERS-TLS1.3", &[Tls12, Tls13])] {
        let priority = format!("NORMAL:-VERS-ALL:+VERS-{versions}");
        highest(&stacks::exim(&priority), Service::Smtp, speaks);
        highest(&stacks::courier(&priority), Service::Imaps, speaks);
    }
    for (options, speaks) in [
        ("+SSL_OP_NO_TLSv1_2 +SSL_OP_NO_TLSv1_3", &[Tls10, Tls11][..]),
        ("+SSL_OP_NO_TLSv1 +SSL_OP_NO_TLSv1_1", &[Tls12, Tls13]),
    ] {
        highest(&stacks::sendmail(options), Service::Smtp, speaks);
    }
    for (versions, speaks) in [
        ("tls1_0", &[Tls10][..]),
        ("tls1_0 tls1_1 tls1_2", TO_12),
        ("tls1_3", &[Tls13]),
    ] {
        highest(&stacks::cyrus(versions), Service::Imap, speaks);
    }
}
