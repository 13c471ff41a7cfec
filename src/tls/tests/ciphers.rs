//! Cipher strings against the `openssl` of the machine, and the words of the findings.

use std::collections::BTreeSet;
use std::process::Command;

use proptest::prelude::*;

use super::super::*;

/// What `openssl ciphers` makes of a string at the lowest security level; `None`: it refuses it.
fn openssl(string: &str) -> Option<BTreeSet<String>> {
    // A separator in front keeps the program from taking the string for an option.
    let string = if string.starts_with('-') {
        format!(":{string}")
    } else {
        string.to_owned()
    };
    let out = Command::new("openssl")
        .args(["ciphers", "-ciphersuites", "", &string])
        .output()
        .expect("this test needs the program openssl: apt-get install openssl");
    let text = String::from_utf8(out.stdout).unwrap();
    out.status
        .success()
        .then(|| text.trim().split(':').map(str::to_owned).collect())
}

fn ours(string: &str) -> Option<BTreeSet<String>> {
    let check = check_ciphers(string);
    (!check.stops_tls()).then(|| check.suites.iter().map(|s| s.name.to_owned()).collect())
}

#[test]
fn every_line_of_the_asset_is_read() {
    let text = include_str!("../../../assets/ciphers.txt");
    let lines = text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).count();
    let known = &*super::super::suites::KNOWN;
    assert_eq!(known.suites.len() + known.older.len() + known.keywords.len(), lines);
    assert!(
        known
            .suites
            .iter()
            .all(|s| s.oldest == TlsVersion::Tls13 || !s.keywords.is_empty())
    );
    assert!(known.keywords.iter().all(|k| !k.meaning.is_empty()) && known.older.iter().all(|(_, w)| !w.is_empty()));
}

#[test]
fn strings_select_what_openssl_selects_or_are_refused_as_it_refuses_them() {
    for string in [
        "DEFAULT",
        "ALL",
        "HIGH",
        "HIGH:!aNULL",
        "HIGH:-SHA1:AES256-SHA",
        "HIGH:!SHA1:AES256-SHA",
        "ECDHE+AESGCM:DHE+AESGCM",
        "AES256-SHA;AES128-SHA, AES128-SHA256",
        "AES256-SHA:BOGUS",
        "BOGUS",
        "",
        " ",
        ":HIGH",
        "aes256-sha",
        "high",
        "AES256-SHA:@SECLEVEL=6",
        "AES256-SHA:@SECLEVEL=5",
        "AES256-SHA:@SECLEVEL=",
        "AES256-SHA:@BOGUS",
        "AES256-SHA:@strength",
        "HIGH:@STRENGTH",
        "ALL@SECLEVEL=0",
        "ALL:!ADH@STRENGTH",
        "HIGH!aNULL",
        "+HIGH",
        "!aNULL",
        "HIGH:+SHA1",
        "ECDHE+BOGUS:HIGH",
        "TLS_AES_128_GCM_SHA256",
        "AES256-SHA:TLS_AES_128_GCM_SHA256",
        "TLS_RSA_WITH_AES_256_CBC_SHA",
        "AES256-SHA:DEFAULT",
        "DEFAULT:!SHA1",
        "DEFAULT:DHE+AES256",
        "DEFAULT:aNULL",
        "DEFAULT:eNULL",
        "DEFAULTX",
        "DEFAULT AES256-SHA",
        "!DEFAULT",
        "SUITEB128",
        "SUITEB192:AES256-SHA",
        "SUITEB128ONLYX",
        "HIGH:SUITEB128",
        "AES128-SHA:!SUITEB128",
        "HIGH:!",
        "HIGH:+",
        "AES+",
        "HIGH:!!aNULL",
        "HIGH|LOW",
        "HIGH\tLOW",
        "\"HIGH\"",
        "HIGH:É",
        "HIGH=x",
        "HIGH:AES128-SHA=x",
        "HIGH:!@STRENGTH",
        "PROFILE=SYSTEM",
        "RC4:3DES",
        "RC4-SHA:AES128-SHA",
        "COMPLEMENTOFDEFAULT",
        "kRSA+SHA256:PSK+kECDHEPSK",
        "eNULL+SHA",
        "HIGH+MEDIUM:AES256-SHA",
        "TLSv1.2:!aNULL:!PSK",
        "AES256-SHA:*",
        "AES256-SHA:AES_128:AES128-SHA",
        "TLS_RSA_WITH_AES_256_CBC_SHA:AES128-SHA",
        "AES128-SHA:A_",
        "AES128-SHA:_",
        "AES256-SHA_",
        "AES128-SHA:@STRENGTH_",
        "AES128-SHA:BO*:AES256-SHA",
        "BOGUS!AES:AES128-SHA",
        "AES128-SHA:AES+*",
        "AES128-SHA:@",
        "@@STRENGTH:HIGH",
    ] {
        assert_eq!(
            ours(string),
            openssl(string),
            "{string:?}: {:?}",
            check_ciphers(string).findings
        );
    }
}

#[test]
fn a_suite_of_gost_is_known_to_need_an_engine() {
    for suite in [
        "GOST2012-GOST8912-GOST8912",
        "GOST2012-MAGMA-MAGMAOMAC",
        "GOST2012-KUZNYECHIK-KUZNYECHIKOMAC",
    ] {
        let check = check_ciphers(&format!("AES128-SHA:{suite}"));
        let [finding] = &check.findings[..] else {
            panic!("{suite}: {:?}", check.findings)
        };
        assert!(
            finding.problem.to_string().contains("needs an engine"),
            "{suite}: {}",
            finding.problem
        );
    }
}

#[test]
fn every_keyword_and_suite_selects_what_openssl_selects() {
    for name in super::super::suites::KNOWN.names() {
        let string = format!("{name}:@SECLEVEL=0");
        assert_eq!(ours(&string), openssl(&string), "{string:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn strings_at_random_select_what_openssl_selects(parts in prop::collection::vec(
        (prop::sample::select(vec!["", "", "", "!", "-", "+", "A", "_"]),
         prop::sample::select(vec!["ALL", "HIGH", "AES", "SHA1", "ECDHE", "kRSA", "AESGCM", "aNULL", "AES256-SHA", "BOGUS", "RC4",
             "DHE+AES256", "PSK", "ECDHE-RSA-AES128-GCM-SHA256", "DEFAULT", "@STRENGTH", "eNULL", "TLSv1.2+ECDH", "FIPS+CBC"]),
         prop::sample::select(vec![":", " ", ",", ": ", ";"])), 1..7),
    ) {
        let string: String = parts.iter().map(|(sign, word, gap)| format!("{sign}{word}{gap}")).collect();
        prop_assert_eq!(ours(&string), openssl(&string), "{:?}", string);
    }

    #[test]
    fn any_text_is_read_and_every_finding_points_into_it(text in "\\PC{0,60}|[A-Z0-9:+!@-]{0,60}") {
        for finding in check_ciphers(&text).findings {
            prop_assert!(text.get(finding.start..finding.end).is_some(), "{:?}", finding);
            prop_assert!(!finding.problem.to_string().chars().any(char::is_control));
        }
    }
}

#[test]
fn a_misspelt_name_gets_the_nearest_one() {
    for (word, right) in [
        ("ECDHE-RSA-AES256-GCM-SHA348", "ECDHE-RSA-AES256-GCM-SHA384"),
        ("ECDHE-RSA-AES128-GCM-SHA25", "ECDHE-RSA-AES128-GCM-SHA256"),
        ("HIHG", "HIGH"),
        ("high", "HIGH"),
        ("aes256-sha", "AES256-SHA"),
        ("anull", "aNULL"),
        ("ECHDE", "ECDHE"),
    ] {
        let text = format!("HIGH:{word}:!aNULL");
        let check = check_ciphers(&text);
        let [finding] = check.findings.as_slice() else {
            panic!("{check:?}")
        };
        assert_eq!(text.get(finding.start..finding.end), Some(word));
        assert_eq!(
            finding.problem,
            CipherProblem::Unknown {
                word: word.to_owned(),
                suggestion: Some(right)
            }
        );
        assert!(
            finding
                .problem
                .to_string()
                .ends_with(&format!("in silence; did you mean {right}?"))
        );
    }
    let far = check_ciphers("HIGH:WHATEVER");
    assert_eq!(
        far.findings[0].problem,
        CipherProblem::Unknown {
            word: "WHATEVER".to_owned(),
            suggestion: None
        }
    );
}

#[test]
fn a_name_of_iana_gets_the_name_of_openssl() {
    let check = check_ciphers("HIGH:TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384");
    let words = check.findings[0].problem.to_string();
    assert!(
        !check.stops_tls() && words.ends_with("did you mean ECDHE-RSA-AES256-GCM-SHA384?"),
        "{words}"
    );
    let check = check_ciphers("HIGH:TLS_AES_128_GCM_SHA256");
    assert_eq!(
        check.findings[0].problem,
        CipherProblem::OfTls13 {
            word: "TLS_AES_128_GCM_SHA256".to_owned()
        }
    );
}

#[test]
fn a_suite_that_builds_of_today_lack_is_named_with_the_reason() {
    let check = check_ciphers("AES256-SHA:DES-CBC3-SHA:!RC4");
    let words: Vec<String> = check.findings.iter().map(|f| f.problem.to_string()).collect();
    assert_eq!(words.len(), 2, "{words:?}");
    assert!(
        words[0].starts_with("DES-CBC3-SHA selects nothing here: triple DES"),
        "{words:?}"
    );
    assert!(!check.stops_tls());
}

#[test]
fn what_a_string_serves_follows_its_suites() {
    let check = check_ciphers("ECDHE+AESGCM");
    assert!(check.serves(TlsVersion::Tls12) && check.serves(TlsVersion::Tls13) && !check.serves(TlsVersion::Tls11));
    assert!(check.has_ecdhe() && !check.has_dhe());
    let check = check_ciphers("DHE-RSA-AES256-SHA:@SECLEVEL=0");
    assert!(check.serves(TlsVersion::Tls10) && check.has_dhe() && !check.has_ecdhe());
    assert_eq!(check.security_level, Some(0));
    assert_eq!(check_ciphers("ALL:eNULL").of_keyword("eNULL").count(), 18);
}
