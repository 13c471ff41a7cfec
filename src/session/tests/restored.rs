//! Changes that come from a backup or an earlier draft are told like those that are made now.

use super::*;

const BARE: &str =
    "<config>\n  <table name=\"Security\">\n  </table>\n  <table name=\"SmtpSecurity\">\n  </table>\n</config>\n";

fn bare() -> Session {
    Session::new(document(BARE), Catalogue::embedded(), Measured::default())
}

#[test]
fn edits_that_are_taken_up_get_the_same_notes_as_the_choice_that_made_them() {
    let mut chosen = bare();
    chosen.choose(IN, at(TlsVersion::Tls11)).unwrap();
    assert!(chosen.notes(IN).len() >= 3);
    let mut taken = bare();
    assert!(taken.take_up(&chosen.edits()));
    assert_eq!(taken.notes(IN), chosen.notes(IN));
    let review = Review::of_edits(&taken, &book(Vec::new()), facts()).unwrap();
    let text = text(&review);
    assert!(text.contains("Its name is assumed"), "{text}");
    assert!(text.contains("TLS 1.3 goes off"), "{text}");
}

#[test]
fn notes_go_when_what_they_speak_of_is_no_longer_wanted() {
    let mut session = bare();
    session.choose(IN, at(TlsVersion::Tls12)).unwrap();
    session.revert_minimum(IN);
    assert_eq!(session.notes(IN), []);
}

#[test]
fn a_whole_file_that_changes_only_the_ciphers_asks_for_the_same_yes_as_an_edit_of_them() {
    let ciphers = |string: &str| {
        let with = format!("<table name=\"Security\">\n    <variable name=\"ServerTlsCiphers\">{string}</variable>");
        BARE.replace("<table name=\"Security\">", &with)
    };
    let old = |last| peer(IN, last, Some(Knowledge::Ceiling(TlsVersion::Tls10)));
    let book = book(vec![old(1), old(2)]);
    let mut session = Session::new(document(&ciphers("HIGH")), Catalogue::embedded(), Measured::default());
    let whole = Review::of_whole(&session, &book, facts(), &document(&ciphers("ECDHE+AESGCM")), "id");
    assert_eq!(whole.consents, [Consent::CutOff, Consent::WholeFile]);
    session
        .set_role_value(IN, crate::tls::Role::Ciphers, Some("ECDHE+AESGCM"))
        .unwrap();
    let edit = Review::of_edits(&session, &book, facts()).unwrap();
    assert_eq!(edit.directions, whole.directions);
}

#[test]
fn a_whole_file_that_changes_another_table_needs_no_word_about_peers() {
    let older = BARE.replace("</config>", "<table name=\"Else\"></table></config>");
    let review = Review::of_whole(&bare(), &book(Vec::new()), facts(), &document(&older), "id");
    assert_eq!(review.consents, [Consent::WholeFile]);
    assert_eq!(review.directions, []);
}

#[test]
fn a_whole_file_that_adds_an_assumed_name_says_so() {
    let mut chosen = bare();
    chosen.choose(OUT, at(TlsVersion::Tls12)).unwrap();
    let rendered = chosen.base().render(&chosen.edits()).unwrap();
    let older = Arc::new(Document::parse(rendered).unwrap());
    let review = Review::of_whole(&bare(), &book(Vec::new()), facts(), &older, "id");
    assert!(text(&review).contains("Its name is assumed"), "{}", text(&review));
}
