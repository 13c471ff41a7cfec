//! Presets and advice: who says what, and when.

use super::super::*;
use super::{alone, pairs};

fn catalogue() -> Catalogue {
    let mut c = Catalogue::embedded();
    for direction in Direction::ALL {
        c = c
            .confirm(direction, "DhSize", Role::DheKeySize)
            .confirm(direction, "DhOn", Role::DheOn)
            .confirm(direction, "EcdhOn", Role::EcdheOn);
    }
    c
}

fn advise_in(direction: Direction, of: &[(&str, &str)], tls13: bool) -> Vec<Advice> {
    let (c, of) = (catalogue(), pairs(of));
    super::super::advise(Settings::new(&c, alone(direction, &of)), direction, tls13)
}

fn advise(of: &[(&str, &str)]) -> Vec<Advice> {
    advise_in(Direction::Inbound, of, false)
}

fn has(advice: &[Advice], about: Option<Role>, text: &str) -> bool {
    advice.iter().any(|a| a.about == about && a.text.contains(text))
}

const TLS12: (&str, &str) = ("ServerTlsProtocols", "TLSv1.2");
const TLS13: (&str, &str) = ("ServerTlsProtocols", "TLSv1.3");

#[test]
fn every_preset_is_a_sound_string_that_serves_its_minimum() {
    for preset in Preset::ALL {
        let Some(ciphers) = preset.ciphers else {
            assert_eq!(preset.minimum, TlsVersion::Tls13);
            continue;
        };
        let check = check_ciphers(ciphers);
        assert!(!check.stops_tls() && check.serves(preset.minimum), "{}", preset.name);
        assert!(
            check
                .findings
                .iter()
                .all(|f| matches!(f.problem, CipherProblem::NotInBuilds { .. }))
        );
        let level = check_ciphers(&preset.ciphers_for_openssl_3().unwrap()).security_level;
        assert_eq!(level, (preset.minimum < TlsVersion::Tls12).then_some(0));
        assert_eq!(
            check.serves(TlsVersion::Tls11),
            preset.minimum < TlsVersion::Tls12,
            "{}",
            preset.name
        );
    }
}

#[test]
fn every_piece_of_advice_has_a_source_and_no_bare_insecure() {
    let values = ["", "HIGH", "ALL:eNULL", "BOGUS", "AES256-SHA:@SECLEVEL=0", "ECDHE"];
    let lists = [
        "",
        "SSLv3,TLSv1",
        "TLSv1,TLSv1.1,TLSv1.2",
        "TLSv1.1,TLSv1.2",
        "TLSv1.2",
        "TLSv1.3",
        "all",
    ];
    let mut count = 0;
    for direction in Direction::ALL {
        for (ciphers, list) in values.iter().flat_map(|c| lists.iter().map(move |l| (*c, *l))) {
            let of = [
                ("ServerTlsCiphers", ciphers),
                ("ClientTlsCiphers", ciphers),
                ("ServerTlsProtocols", list),
                ("ClientTlsProtocols", list),
                ("DhSize", "1024"),
                ("EcdhOn", "0"),
            ];
            let advice = advise_in(direction, &of, true);
            assert!(advice.windows(2).all(|w| w[0].weight >= w[1].weight));
            for a in advice {
                count += 1;
                assert!(
                    !a.source.is_empty() && a.text.ends_with('.') && a.text.len() > 30,
                    "{a:?}"
                );
                assert!(
                    !a.text.to_lowercase().contains("insecure") && !a.text.contains("  "),
                    "{a:?}"
                );
            }
        }
    }
    assert!(count > 100);
}

#[test]
fn a_key_size_without_dhe_does_nothing() {
    let size = ("DhSize", "2048");
    let why = |of: &[(&str, &str)]| has(&advise(of), Some(Role::DheKeySize), "does nothing");
    assert!(!why(&[TLS12, size]));
    assert!(why(&[TLS13, size]));
    assert!(why(&[size, ("DhOn", "0")]));
    assert!(why(&[size, ("DisableEphemeralDH", "1")]));
    assert!(why(&[size, ("ServerTlsCiphers", "ECDHE+AESGCM")]));
    assert!(!why(&[size, ("ServerTlsCiphers", "DHE+AESGCM")]));
}

#[test]
fn a_minimum_of_1_3_makes_the_cipher_string_moot_and_cuts_off_1_2() {
    let advice = advise(&[TLS13, ("ServerTlsCiphers", "HIGH")]);
    assert!(has(&advice, Some(Role::Ciphers), "does nothing"));
    assert!(has(&advice, None, "cuts off every peer that speaks TLS 1.2 at best"));
    assert!(!has(
        &advise(&[TLS12, ("ServerTlsCiphers", "HIGH")]),
        Some(Role::Ciphers),
        "does nothing"
    ));
}

#[test]
fn a_minimum_below_1_2_needs_security_level_0_and_names_rfc_8996() {
    let old = ("ServerTlsProtocols", "TLSv1.1,TLSv1.2");
    let advice = advise(&[old]);
    assert!(has(&advice, Some(Role::Ciphers), "only with @SECLEVEL=0"));
    assert!(
        advice.iter().any(|a| a.source.contains("RFC 8996")) && advice.iter().any(|a| a.source.contains("RFC 8997"))
    );
    assert!(!has(
        &advise(&[old, ("ServerTlsCiphers", "ALL:@SECLEVEL=0")]),
        Some(Role::Ciphers),
        "only with"
    ));
    assert!(!has(&advise(&[TLS12]), Some(Role::Ciphers), "only with"));
}

#[test]
fn a_string_that_stops_tls_comes_first_as_a_danger() {
    let advice = advise(&[TLS12, ("ServerTlsCiphers", "BOGUS")]);
    assert_eq!(
        (advice[0].weight, advice[0].about),
        (Weight::Danger, Some(Role::Ciphers))
    );
}

#[test]
fn a_string_without_suites_for_the_minimum_is_said_to_cut_off() {
    let advice = advise(&[
        ("ServerTlsProtocols", "TLSv1.1,TLSv1.2"),
        ("ServerTlsCiphers", "ECDHE+AESGCM:@SECLEVEL=0"),
    ]);
    assert!(has(
        &advice,
        Some(Role::Ciphers),
        "no suite of this string works before TLS 1.2"
    ));
}

#[test]
fn a_list_that_leaves_out_1_3_is_said_only_where_the_server_has_it() {
    let left_out = |tls13| {
        has(
            &advise_in(Direction::Inbound, &[TLS12], tls13),
            Some(Role::ProtocolList),
            "switched off",
        )
    };
    assert!(left_out(true) && !left_out(false));
}

#[test]
fn sending_with_a_higher_minimum_says_what_may_happen_to_the_mail() {
    let of = [("ClientTlsProtocols", "TLSv1.2")];
    assert!(has(&advise_in(Direction::Outbound, &of, false), None, "go in clear"));
    assert!(!has(&advise(&[TLS12]), None, "go in clear"));
}
