//! What handshakes are held against.

use super::*;

fn expected(variables: &str) -> Expected {
    let file = format!("<config>\n  <table name=\"Security\">\n{variables}  </table>\n</config>\n");
    let document = Arc::new(Document::parse(file.into_bytes()).unwrap());
    Session::new(document, Catalogue::embedded(), Measured::default())
        .loaded()
        .expected()
}

fn variable(name: &str, value: &str) -> String {
    format!("    <variable name=\"{name}\">{value}</variable>\n")
}

#[test]
fn ports_show_the_servers_default_only_while_nothing_of_tls_is_set() {
    assert!(expected(&variable("LockoutCount", "5")).is_default);
    assert!(
        expected(&variable("ServerTlsProtocols", "")).is_default,
        "empty is not set"
    );
    for (name, value) in [
        ("ServerTlsCiphers", "HIGH"),
        ("DisableEphemeralDH", "1"),
        ("AcceptedSslVersions", "TLSv1.2"),
        ("ServerTlsProtocols", "TLSv1.2"),
    ] {
        let set = expected(&variable(name, value));
        assert!(!set.is_default, "{name}: {set:?}");
    }
}

#[test]
fn what_a_list_names_is_expected_and_no_list_expects_no_version() {
    let list = expected(&variable("ServerTlsProtocols", "TLSv1.1,TLSv1.2"));
    assert_eq!(list.listed, Some(vec![TlsVersion::Tls11, TlsVersion::Tls12]));
    assert_eq!(list.minimum, Minimum::At(TlsVersion::Tls11));
    assert_eq!(expected("").listed, None);
}
