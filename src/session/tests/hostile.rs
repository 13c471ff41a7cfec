//! Files that somebody filled on purpose: lists stay short, time stays in proportion, and no secret is quoted.

use std::fmt::Write as _;

use super::*;
use crate::tls::Role;

fn filled(inside: &str) -> Session {
    let file = format!("<config>\n  <table name=\"Security\">\n{inside}  </table>\n</config>\n");
    Session::new(document(&file), Catalogue::embedded(), Measured::default())
}

/// Everything that the session can say of the inbound side.
fn all_words(session: &Session) -> String {
    let mut words = format!("{:?}\n", variable_list(session, IN));
    let wanted = session.wanted();
    write!(words, "{:?}\n{:?}\n", wanted.reading(IN), wanted.difference()).unwrap();
    for role in Role::ALL {
        writeln!(words, "{:?}", wanted.advice(IN, role)).unwrap();
    }
    writeln!(words, "{:?}", session.notes(IN)).unwrap();
    words
}

/// Most bytes that the words about a file may take, whatever is in it.
const BOUND: usize = 8_000_000;

#[test]
fn a_hundred_thousand_duplicates_cost_their_number_and_no_more() {
    for name in ["Odd", "ServerTlsProtocols"] {
        let one = format!("<variable name=\"{name}\">TLSv1.2</variable>\n");
        let session = filled(&one.repeat(100_000));
        let list = variable_list(&session, IN);
        let row = list.rows.iter().find(|row| row.in_file).unwrap();
        assert_eq!((row.stands, row.lines.len(), row.duplicate), (100_000, 10, true));
        assert_eq!(
            list.rows.iter().filter(|row| row.in_file).count() + list.left_out,
            100_000
        );
        let words = format!("{list:?} {:?}", session.wanted().reading(IN));
        assert!(words.len() < BOUND);
    }
}

#[test]
fn a_hundred_thousand_different_names_are_listed_in_time_and_in_bounds() {
    let mut inside = String::new();
    for n in 0..100_000 {
        // Each looks like a protocol list, which is looked for among all of them.
        writeln!(inside, "<variable name=\"V{n}\">TLSv1.2</variable>").unwrap();
    }
    let mut session = filled(&inside);
    let list = variable_list(&session, IN);
    assert_eq!(
        list.rows.iter().filter(|row| row.in_file).count() + list.left_out,
        100_000
    );
    assert!(session.choose(IN, at(TlsVersion::Tls13)).unwrap());
    assert!(session.notes(IN).iter().all(|note| note.to_string().len() < 2000));
    let rows = variable_rows(&session, IN);
    assert!(rows.iter().any(|row| row.dirty) && rows.len() < 3000);
}

#[test]
fn a_hundred_thousand_tables_and_values_of_megabytes_are_named_in_a_few_words() {
    let tables = "<table name=\"Security\"/>\n".repeat(100_000);
    let session = Session::new(
        document(&format!("<config>\n{tables}</config>\n")),
        Catalogue::embedded(),
        Measured::default(),
    );
    assert!(all_words(&session).len() < BOUND);
    for (name, value) in [
        ("ServerTlsProtocols", "TLSv1.2,!x,"),
        ("ServerTlsCiphers", "x:y:"),
        ("Odd", "TLSv1 "),
    ] {
        let long = value.repeat(2_000_000 / value.len());
        let mut session = filled(&format!("<variable name=\"{name}\">{long}</variable>\n"));
        assert!(all_words(&session).len() < 200_000, "{name}");
        session.choose(IN, at(TlsVersion::Tls12)).unwrap();
        assert_eq!(session.minimum(IN), Minimum::At(TlsVersion::Tls12), "{name}");
    }
}

#[test]
fn a_hidden_value_is_quoted_nowhere_whatever_role_its_variable_has() {
    const SECRET: &str = "c0nfidential";
    for (name, value) in [
        ("ServerTlsCiphers", format!("D3S:{SECRET}:x!{SECRET}")),
        ("ServerTlsCiphers", format!("SHA:{SECRET}0123456789abcdef:{SECRET}")),
        ("ServerTlsProtocols", format!("D3S:{SECRET},!{SECRET} TLSv1.2")),
        ("ServerTlsProtocols", format!(" sha:{SECRET}")),
        ("KeyCiphers", format!("HIGH:{SECRET}")),
        ("PasswordMinimum", format!("D3S:{SECRET}")),
        ("SecretSize", format!("D3S:{SECRET}")),
    ] {
        let file =
            format!("<config><table name=\"Security\"><variable name=\"{name}\">{value}</variable></table></config>");
        let catalogue = Catalogue::embedded()
            .confirm(IN, "KeyCiphers", Role::Ciphers)
            .confirm(IN, "PasswordMinimum", Role::MinimumVersion)
            .confirm(IN, "SecretSize", Role::DheKeySize);
        let mut session = Session::new(document(&file), catalogue, Measured::default());
        let loaded = all_words(&session);
        session.choose(IN, at(TlsVersion::Tls11)).unwrap();
        session.choose(OUT, at(TlsVersion::Tls12)).unwrap();
        let review = Review::of_edits(&session, &book(Vec::new()), facts()).unwrap();
        let words = format!("{loaded}\n{}\n{}", all_words(&session), text(&review));
        assert!(!words.to_lowercase().contains(SECRET), "{name}={value}: {words}");
        assert!(words.contains("(hidden)"), "{name}={value}: {words}");
    }
}
