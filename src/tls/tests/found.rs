//! "found in the file, reads as", row by row.

use super::super::*;
use super::{pairs, read, read_both, with_minimum};

fn inbound(of: &[(&str, &str)]) -> Minimum {
    read(&with_minimum(), Direction::Inbound, &pairs(of)).minimum
}

fn list(value: &str) -> Minimum {
    inbound(&[("ServerTlsProtocols", value)])
}

fn why(minimum: Minimum) -> String {
    match minimum {
        Minimum::Custom(why) => why,
        other => panic!("{other:?} is not custom"),
    }
}

#[test]
fn no_variable_reads_as_default() {
    assert_eq!(inbound(&[]), Minimum::Default);
    assert_eq!(inbound(&[("SecurityMode", "0")]), Minimum::Default);
}

#[test]
fn both_variables_empty_read_as_default() {
    assert_eq!(
        inbound(&[("ServerTlsProtocols", ""), ("MinTlsVersion", " \n ")]),
        Minimum::Default
    );
}

#[test]
fn a_run_of_words_up_to_the_highest_reads_as_its_lowest() {
    for (value, at) in [
        ("TLSv1,TLSv1.1,TLSv1.2", TlsVersion::Tls10),
        ("TLSv1.0 TLSv1.1 TLSv1.2 TLSv1.3", TlsVersion::Tls10),
        ("TLSv1.1;TLSv1.2", TlsVersion::Tls11),
        ("TLSv1.2", TlsVersion::Tls12),
        ("TLSv1.2:TLSv1.3", TlsVersion::Tls12),
        ("TLSv1.3", TlsVersion::Tls13),
        ("TLSv1.3, TLSv1.2, TLSv1.1", TlsVersion::Tls11),
        ("tlsV1.2+TLSV1.1", TlsVersion::Tls11),
        ("TLSv1.2 + TLSv1.3", TlsVersion::Tls12),
        ("\n  TLSv1.2,\n  TLSv1.3\n", TlsVersion::Tls12),
        ("TLSv1.2,,TLSv1.2,", TlsVersion::Tls12),
    ] {
        assert_eq!(list(value), Minimum::At(at), "{value:?}");
    }
}

#[test]
fn a_name_matches_without_regard_to_case() {
    assert_eq!(
        inbound(&[("SERVERtlsPROTOCOLS", "TLSv1.2")]),
        Minimum::At(TlsVersion::Tls12)
    );
}

#[test]
fn a_list_with_a_gap_is_custom_and_names_the_gap() {
    assert!(why(list("TLSv1,TLSv1.2")).contains("without TLS 1.1"));
    assert!(why(list("TLSv1.1,TLSv1.3")).contains("without TLS 1.2"));
}

#[test]
fn a_list_with_an_unknown_word_is_custom_and_names_the_word() {
    for (value, word) in [
        ("TLSv1.2,TLSv1.4", "TLSv1.4"),
        ("ALL", "ALL"),
        ("1.2", "1.2"),
        ("TLS1.2", "TLS1.2"),
        ("TLSv1.2+", "TLSv1.2+"),
        ("TLSv1.2 +", "TLSv1.2 +"),
        ("TLSv1.1-TLSv1.2", "TLSv1.1-TLSv1.2"),
        (">=TLSv1.2", ">=TLSv1.2"),
    ] {
        assert!(
            why(list(value)).contains(&format!("has {word}, which is no protocol")),
            "{value:?}"
        );
    }
}

#[test]
fn a_list_with_a_signed_word_is_custom() {
    for value in ["TLSv1.2,!SSLv3", "-TLSv1", "+TLSv1.2", "TLSv1.1 +TLSv1.2", "all -SSLv3"] {
        let Minimum::Custom(_) = list(value) else {
            panic!("{value:?}")
        };
    }
    assert!(why(list("TLSv1.2,!SSLv3")).contains("!SSLv3: a sign may mean the opposite"));
}

#[test]
fn a_list_with_ssl_is_custom() {
    assert!(why(list("SSLv2,TLSv1,TLSv1.1,TLSv1.2")).contains("SSLv2, which is older than TLS"));
    assert!(why(list("SSLv3,TLSv1,TLSv1.1,TLSv1.2")).contains("SSLv3, which is older than TLS"));
}

#[test]
fn a_list_without_both_1_2_and_1_3_is_custom() {
    assert!(why(list("TLSv1,TLSv1.1")).contains("neither TLS 1.2 nor TLS 1.3"));
}

#[test]
fn a_list_of_separators_alone_is_custom() {
    assert!(why(list(" , ")).contains("names no protocol"));
}

#[test]
fn a_list_short_of_the_other_directions_highest_word_is_custom() {
    let c = Catalogue::embedded();
    let [i, o] = read_both(
        &c,
        &pairs(&[("ServerTlsProtocols", "TLSv1.2")]),
        &pairs(&[("ClientTlsProtocols", "TLSv1.2,TLSv1.3")]),
    );
    assert!(why(i.minimum).contains("ends at TLS 1.2, while another list of the file goes up to TLS 1.3"));
    assert_eq!(o.minimum, Minimum::At(TlsVersion::Tls12));
    assert_eq!(i.protocols, Some(vec![TlsVersion::Tls12]));
}

#[test]
fn a_word_in_the_minimum_variable_reads_as_that_version() {
    for (value, at) in [
        ("TLSv1", TlsVersion::Tls10),
        ("TLSv1.0", TlsVersion::Tls10),
        ("tlsv1.1", TlsVersion::Tls11),
        (" TLSv1.2 ", TlsVersion::Tls12),
        ("TLSv1.3", TlsVersion::Tls13),
    ] {
        assert_eq!(inbound(&[("MinTlsVersion", value)]), Minimum::At(at), "{value:?}");
    }
}

#[test]
fn anything_else_in_the_minimum_variable_is_custom() {
    for value in ["3", "1.2", "TLSv1.2,TLSv1.3", "!TLSv1", "SSLv2", "SSLv3", "high"] {
        assert!(
            why(inbound(&[("MinTlsVersion", value)])).starts_with("MinTlsVersion is "),
            "{value:?}"
        );
    }
}

#[test]
fn a_list_and_a_minimum_that_agree_read_as_it() {
    assert_eq!(
        inbound(&[("ServerTlsProtocols", "TLSv1.1,TLSv1.2"), ("MinTlsVersion", "TLSv1.1")]),
        Minimum::At(TlsVersion::Tls11)
    );
}

#[test]
fn a_list_and_a_minimum_that_disagree_are_custom() {
    let w = why(inbound(&[
        ("ServerTlsProtocols", "TLSv1.1,TLSv1.2"),
        ("MinTlsVersion", "TLSv1.2"),
    ]));
    assert_eq!(
        w,
        "ServerTlsProtocols says TLS 1.1 and MinTlsVersion says TLS 1.2; which one wins is not known"
    );
}

#[test]
fn an_empty_list_leaves_the_word_to_the_minimum_variable() {
    assert_eq!(
        inbound(&[("ServerTlsProtocols", ""), ("MinTlsVersion", "TLSv1.2")]),
        Minimum::At(TlsVersion::Tls12)
    );
}

#[test]
fn a_name_that_stands_twice_is_custom() {
    let w = why(inbound(&[
        ("ServerTlsProtocols", "TLSv1.2"),
        ("servertlsprotocols", "TLSv1.2"),
    ]));
    assert_eq!(
        w,
        "Security has ServerTlsProtocols 2 times; which one counts is not known"
    );
}

#[test]
fn the_other_directions_name_means_nothing_here() {
    assert_eq!(inbound(&[("ClientTlsProtocols", "TLSv1.2")]), Minimum::Default);
}

#[test]
fn hostile_text_is_bounded_and_its_control_characters_are_shown_as_hex() {
    let w = why(list(&format!("\u{1b}[2J{}", "x".repeat(10_000))));
    assert!(
        w.contains("\\x1b[2J") && w.chars().count() < 200 && !w.contains('\u{1b}'),
        "{w}"
    );
}

#[test]
fn protocols_are_those_of_a_readable_list_oldest_first() {
    let c = Catalogue::embedded();
    let read = |v: &str| read(&c, Direction::Inbound, &pairs(&[("ServerTlsProtocols", v)])).protocols;
    assert_eq!(read("TLSv1.3,SSLv3"), Some(vec![TlsVersion::Ssl3, TlsVersion::Tls13]));
    assert_eq!(read("TLSv1.2,bogus"), None);
    assert_eq!(read(""), None);
}

#[test]
fn a_value_of_protocol_words_alone_looks_like_a_list() {
    let c = Catalogue::embedded();
    let found = read(
        &c,
        Direction::Inbound,
        &pairs(&[
            ("SslProtos", "TLSv1.2 TLSv1.3"),
            ("One", "TLSv1.2"),
            ("OldOnes", "SSLv2,SSLv3"),
            ("NotifyList", "TLSv1.2,TLSv1.3"),
            ("ServerTlsProtocols", "TLSv1.2"),
        ]),
    );
    assert_eq!(found.lookalikes, ["SslProtos", "One", "OldOnes", "NotifyList"]);
    assert_eq!(found.minimum, Minimum::At(TlsVersion::Tls12));
}

#[test]
fn what_may_mean_the_opposite_never_looks_like_a_list() {
    let hostile = [
        ("DisabledProtocols", "SSLv3"),
        ("TlsDeny", "TLSv1"),
        ("ExcludeProtocols", "TLSv1"),
        ("MaxTlsVersion", "TLSv1.2"),
        ("NoProtocols", "TLSv1"),
        ("TLS_NOT_USED", "TLSv1"),
        ("TLSNoVersions", "TLSv1"),
        ("ForbiddenTls", "TLSv1"),
        ("SslProtos", "!SSLv3"),
        ("SslProtos2", "TLSv1.2,-TLSv1"),
        ("SslProtos3", "+TLSv1.2"),
        ("Number", "3"),
        ("Version", "1.2"),
        ("Empty", ""),
        ("Commas", ",,"),
        ("Mixed", "TLSv1.2,1.3"),
    ];
    let found = read(&Catalogue::embedded(), Direction::Inbound, &pairs(&hostile));
    assert_eq!(found.lookalikes, Vec::<String>::new());
    assert_eq!(found.minimum, Minimum::Default);
}

#[test]
fn a_single_word_under_a_name_with_min_looks_like_a_minimum() {
    assert_eq!(lookalike_role("TlsMinVersion", "TLSv1.2"), Some(Role::MinimumVersion));
    assert_eq!(
        lookalike_role("TlsMinVersion", "TLSv1.2,TLSv1.3"),
        Some(Role::ProtocolList)
    );
    assert_eq!(lookalike_role("SslVersions", "TLSv1.2"), Some(Role::ProtocolList));
}
