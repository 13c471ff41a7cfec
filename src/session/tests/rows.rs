//! What the lists of variables show, and what they must not.

use super::*;
use crate::tls::Role;

const TWICE: &str = r#"<config>
  <table name="Security">
    <variable name="ServerTlsProtocols">TLSv1.2</variable>
    <variable name="servertlsprotocols">TLSv1</variable>
    <variable name="Odd">1</variable>
    <variable name="Odd">2</variable>
    <variable name="Once">3</variable>
  </table>
</config>
"#;

#[test]
fn a_name_that_stands_more_than_once_has_a_row_for_each_place_with_its_own_value() {
    let session = Session::new(document(TWICE), Catalogue::embedded(), Measured::default());
    let rows = variable_rows(&session, IN);
    let of = |name: &str| -> Vec<(String, String, Vec<u32>)> {
        rows.iter()
            .filter(|row| row.in_file)
            .filter_map(|row| {
                let path = row.path.clone()?;
                (path.variable.eq_ignore_ascii_case(name) && row.duplicate).then(|| {
                    let value = row.shown.clone().unwrap();
                    (path.variable, value, row.lines.clone())
                })
            })
            .collect()
    };
    let row = |name: &str, value: &str, lines: [u32; 2]| (name.to_owned(), value.to_owned(), lines.to_vec());
    assert_eq!(
        of("ServerTlsProtocols"),
        [
            row("ServerTlsProtocols", "TLSv1.2", [3, 4]),
            row("servertlsprotocols", "TLSv1", [3, 4])
        ]
    );
    assert_eq!(of("Odd"), [row("Odd", "1", [5, 6]), row("Odd", "2", [5, 6])]);
    assert_eq!(of("Once"), []);
    assert_eq!(rows.iter().filter(|row| row.in_file).count(), 5);
}

#[test]
fn every_variable_of_the_table_and_every_wanted_one_has_a_row() {
    let mut session = session();
    session.choose(OUT, at(TlsVersion::Tls12)).unwrap();
    let names = |direction| -> Vec<String> {
        let rows = variable_rows(&session, direction);
        rows.into_iter()
            .filter(|row| row.shown.is_some())
            .filter_map(|row| Some(row.path?.variable))
            .collect()
    };
    assert_eq!(names(IN), ["ServerTlsProtocols", "LockoutCount", "SomePassword"]);
    assert_eq!(names(OUT), ["ClientTlsProtocols", "SpamRepellentEnabled"]);
    let rows = variable_rows(&session, OUT);
    let added = rows.iter().find(|row| row.dirty).unwrap();
    assert!(!added.in_file && !added.duplicate && added.known.is_some());
}

const WITH_LIST: &str = r#"<config>
  <table name="Security">
    <variable name="DhKeySize">2048</variable>
    <variable name="TlsKeyPassword">hunter1</variable>
    <variable name="ServerTlsCiphers">SHA:AES128:!aNULL</variable>
    <variable name="ServerTlsProtocols">TLSv1.2</variable>
  </table>
  <list name="Domains">
    <listitem>
      <variable name="TlsKeyPassword">hunter2</variable>
      <variable name="DhKeySize">hunter3</variable>
    </listitem>
  </list>
</config>
"#;

#[test]
fn only_closed_values_are_open_and_only_where_the_catalogue_has_them() {
    let catalogue = Catalogue::embedded()
        .confirm(IN, "TlsKeyPassword", Role::Ciphers)
        .confirm(IN, "DhKeySize", Role::DheKeySize);
    let session = Session::new(document(WITH_LIST), catalogue, Measured::default());
    let rows = variable_rows(&session, IN);
    let shown = |name: &str| {
        let row = rows
            .iter()
            .find(|row| row.path.as_ref().is_some_and(|path| path.variable == name));
        row.unwrap().shown.clone().unwrap()
    };
    assert_eq!(shown("DhKeySize"), "2048");
    assert_eq!(shown("TlsKeyPassword"), "(hidden)");

    // The whole file in one picture: an edit with all of it as context, and the same values as a restore tells them.
    let newer = WITH_LIST.replace("hunter", "hunter4").replace("TLSv1.2", "TLSv1.3");
    let edit = EditSet::new([Edit {
        path: VariablePath {
            table: "Security".to_owned(),
            variable: "ServerTlsProtocols".to_owned(),
        },
        base: Some("TLSv1.2".to_owned()),
        new: Some("TLSv1.3".to_owned()),
    }]);
    let diff = session.base().prove(&edit).unwrap().diff(&session.secrets(), 99);
    let changes = session.base().changes_to(&document(&newer), &session.secrets(), 99);
    let said = format!("{diff:?} {changes:?}");
    assert!(!said.contains("hunter"), "{said}");
    assert!(said.contains(">2048<"), "{said}");
}

#[test]
fn a_cipher_string_that_begins_with_sha_is_shown_changed_and_told() {
    let mut session = Session::new(document(WITH_LIST), Catalogue::embedded(), Measured::default());
    session.reset(&[IN]).unwrap();
    let path = VariablePath {
        table: "Security".to_owned(),
        variable: "ServerTlsCiphers".to_owned(),
    };
    assert!(!session.secrets().is_secret_at(&path, "SHA:AES128:!aNULL"));
    let review = Review::of_edits(&session, &book(Vec::new()), facts()).unwrap();
    assert!(text(&review).contains("SHA:AES128:!aNULL"), "{}", text(&review));
}
