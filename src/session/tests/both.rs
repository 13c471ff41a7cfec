//! Two directions, one file: what one is given decides how the other reads.

use super::*;
use crate::tls::{CHOICES, Governs, PlanNote, Role};

const LISTS: &str = r#"<config>
  <table name="Security">
    <variable name="ServerTlsProtocols">TLSv1,TLSv1.1,TLSv1.2</variable>
  </table>
  <table name="SmtpSecurity">
    <variable name="ClientTlsProtocols">TLSv1,TLSv1.1,TLSv1.2</variable>
  </table>
</config>
"#;

const TLS10: Choice = Choice::At(TlsVersion::Tls10);
const TLS12: Choice = Choice::At(TlsVersion::Tls12);
const TLS13: Choice = Choice::At(TlsVersion::Tls13);

fn on(text: &str) -> Session {
    Session::new(document(text), Catalogue::embedded(), Measured::default())
}

fn saved(session: &Session) -> Session {
    let edits = session.edits();
    let rendered = session.base().render(&edits).unwrap();
    let document = session.base().verify(&edits, rendered).unwrap();
    Session::new(Arc::new(document), Catalogue::embedded(), Measured::default())
}

fn value(session: &Session, direction: Direction) -> String {
    session.wanted().role_pairs(direction, Role::ProtocolList)[0]
        .value
        .clone()
}

#[test]
fn in_whatever_order_both_are_chosen_the_file_reads_as_both_and_the_second_run_changes_nothing() {
    let steps = [(IN, TLS13), (OUT, TLS12)];
    for steps in [steps, [steps[1], steps[0]]] {
        let mut session = on(LISTS);
        for (direction, choice) in steps {
            session.choose(direction, choice).unwrap();
        }
        assert_eq!(value(&session, IN), "TLSv1.3");
        assert_eq!(value(&session, OUT), "TLSv1.2,TLSv1.3");
        let mut again = saved(&session);
        for (direction, choice) in steps {
            assert!(choice.is_already(&again.loaded().minimum(direction)), "{direction}");
            again.choose(direction, choice).unwrap();
        }
        assert!(!again.is_dirty());
    }
}

#[test]
fn a_direction_that_was_chosen_as_it_is_follows_and_one_that_was_not_is_left_alone() {
    let mut session = on(LISTS);
    assert!(!session.choose(OUT, TLS10).unwrap(), "as loaded: no step to undo");
    session.choose(IN, TLS13).unwrap();
    assert_eq!(value(&session, OUT), "TLSv1,TLSv1.1,TLSv1.2,TLSv1.3");
    assert_eq!(session.minimum(OUT), Minimum::At(TlsVersion::Tls10));

    let mut session = on(LISTS);
    session.choose(IN, TLS13).unwrap();
    assert_eq!(value(&session, OUT), "TLSv1,TLSv1.1,TLSv1.2");
    assert!(matches!(session.minimum(OUT), Minimum::Custom(_)));
    // Choosing in the drop-down that has become custom makes it a minimum again.
    assert!(session.choose(OUT, TLS10).unwrap());
    assert_eq!(session.minimum(OUT), Minimum::At(TlsVersion::Tls10));
}

#[test]
fn what_followed_goes_back_when_its_cause_does() {
    let mut session = on(LISTS);
    session.choose(IN, TLS13).unwrap();
    session.choose(OUT, TLS12).unwrap();
    session.revert_minimum(IN);
    assert_eq!(value(&session, OUT), "TLSv1.2");
    session.undo();
    assert_eq!(value(&session, OUT), "TLSv1.2,TLSv1.3");
    session.undo();
    session.undo();
    assert!(!session.is_dirty());
}

#[test]
fn a_list_set_by_hand_stays_and_the_chosen_one_beside_it_follows() {
    let mut session = on(LISTS);
    session.choose(OUT, TLS12).unwrap();
    session.choose(IN, TLS12).unwrap();
    session
        .set_protocols(IN, &[TlsVersion::Tls12, TlsVersion::Tls13])
        .unwrap();
    assert_eq!(value(&session, IN), "TLSv1.2,TLSv1.3");
    assert_eq!(value(&session, OUT), "TLSv1.2,TLSv1.3");
    session.choose(OUT, TLS10).unwrap();
    assert_eq!(value(&session, IN), "TLSv1.2,TLSv1.3");
}

#[test]
fn a_direction_that_only_reads_otherwise_is_reviewed_with_a_sentence_and_needs_a_yes() {
    let fine = |direction| peer(direction, 1, Some(Knowledge::Ceiling(TlsVersion::Tls13)));
    let book = book(vec![fine(IN), fine(OUT)]);
    let mut session = on(LISTS);
    session.set_measured(Measured {
        governs: Governs::default(),
        speaks_tls13: true,
        inbound_default: None,
    });
    session.choose(IN, TLS13).unwrap();
    let review = Review::of_edits(&session, &book, facts()).unwrap();
    let [inbound, outbound] = &review.directions[..] else {
        panic!("{:?}", review.directions)
    };
    assert!(!inbound.needs_consent());
    assert_eq!(outbound.from, Minimum::At(TlsVersion::Tls10));
    assert!(outbound.needs_consent() && outbound.counts.unknown == 1);
    assert!(matches!(
        outbound.notes[..],
        [PlanNote::ReadsOtherwise {
            table: "SmtpSecurity",
            ..
        }]
    ));
    assert_eq!(review.consents, [Consent::CutOff]);
    let text = text(&review);
    assert!(text.contains("Outbound: minimum TLS 1.0 -> custom"), "{text}");
    assert!(
        text.contains("No protocol setting of SmtpSecurity is changed"),
        "{text}"
    );

    session.choose(OUT, TLS10).unwrap();
    let review = Review::of_edits(&session, &book, facts()).unwrap();
    assert_eq!(review.directions.len(), 2);
    assert_eq!(review.consents, []);
}

#[test]
fn a_direction_that_becomes_a_minimum_again_is_reviewed_too() {
    let mut session = on(&LISTS.replacen("TLSv1.2<", "TLSv1.2,TLSv1.3<", 1));
    assert!(matches!(session.loaded().minimum(OUT), Minimum::Custom(_)));
    session.choose(IN, Choice::Default).unwrap();
    let review = Review::of_edits(&session, &book(Vec::new()), facts()).unwrap();
    assert_eq!(review.directions[1].to, Minimum::At(TlsVersion::Tls10));
    assert!(text(&review).contains("it now reads as TLS 1.0"), "{}", text(&review));
}

#[test]
fn a_table_that_stands_twice_is_no_minimum_and_takes_no_choice() {
    let twice = LISTS.replace("<config>", "<config>\n  <table name=\"Security\"></table>");
    let mut session = on(&twice);
    let Minimum::Custom(why) = session.loaded().minimum(IN) else {
        panic!("read as a minimum")
    };
    assert!(why.contains("table Security 2 times"), "{why}");
    assert_eq!(session.minimum(OUT), Minimum::At(TlsVersion::Tls10));
    for choice in CHOICES {
        let error = session.choose(IN, choice).unwrap_err();
        assert!(error.to_string().contains("table Security 2 times"), "{error}");
    }
    assert!(session.reset(&[IN]).is_err());
    assert!(session.set_role_value(IN, Role::Ciphers, Some("HIGH")).is_err());
    assert!(!session.is_dirty());
    assert!(
        variable_rows(&session, IN)
            .iter()
            .filter(|row| row.in_file)
            .all(|row| row.duplicate)
    );
    session.choose(OUT, TLS12).unwrap();
}
