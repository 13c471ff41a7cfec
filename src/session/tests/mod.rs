//! What an edit session promises: dirty by value, nothing lost by going back and forth, consent where it is due.

mod both;
mod expected;
mod hostile;
mod restored;
mod rows;

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::*;
use crate::peers::{Evidence, Host, Knowledge, Peer, PeerBook, PeerKey, Service, Source};
use crate::tls::{Catalogue, Choice, Direction, Governs, Minimum, TlsVersion};

const FILE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<config>
  <table name="Security">
    <variable name="ServerTlsProtocols">TLSv1, TLSv1.1, TLSv1.2</variable>
    <variable name="LockoutCount">5</variable>
    <variable name="SomePassword">D3S:token-that-must-not-show</variable>
  </table>
  <table name="SmtpSecurity">
    <variable name="SpamRepellentEnabled">1</variable>
  </table>
</config>
"#;

const IN: Direction = Direction::Inbound;
const OUT: Direction = Direction::Outbound;

fn document(text: &str) -> Arc<Document> {
    Arc::new(Document::parse(text.as_bytes().to_vec()).unwrap())
}

fn session() -> Session {
    Session::new(document(FILE), Catalogue::embedded(), Measured::default())
}

fn at(version: TlsVersion) -> Choice {
    Choice::At(version)
}

fn facts() -> Facts {
    Facts {
        path: "/etc/x/mailserver.cfg".to_owned(),
        link_target: None,
        owner: "kerio:kerio".to_owned(),
        mode: 0o640,
        backups: "/var/lib/kerio-tls/x/backups".to_owned(),
        in_place: None,
        blocked: None,
        engine: EnginePlan::Stopped,
        no_undo: None,
    }
}

fn clock() -> Clock {
    Clock {
        now: "2026-11-24T15:00:00Z".parse().unwrap(),
        zone: TimeZone::UTC,
    }
}

fn peer(direction: Direction, last: u8, knowledge: Option<Knowledge>) -> Peer {
    let seen: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    Peer {
        key: PeerKey {
            direction,
            service: Service::Smtp,
            host: Host::Address(std::net::Ipv4Addr::new(192, 0, 2, last).into()),
            port: None,
        },
        names: Vec::new(),
        messages: 10,
        delayed: 0,
        failed: 0,
        authenticated: false,
        evidence: knowledge
            .map(|knowledge| Evidence {
                knowledge,
                source: Source::PeersFile,
                first_seen: seen,
                last_seen: seen,
                count: 1,
                raw: String::new(),
            })
            .into_iter()
            .collect(),
        note: None,
    }
}

fn book(peers: Vec<Peer>) -> PeerBook {
    PeerBook {
        peers,
        window_days: 30,
        ..PeerBook::default()
    }
}

fn text(review: &Review) -> String {
    review
        .lines(&clock())
        .iter()
        .map(|line| format!("{}\n", line.text))
        .collect()
}

#[test]
fn choosing_what_was_loaded_leaves_no_edit_behind() {
    let mut session = session();
    assert!(session.choose(IN, at(TlsVersion::Tls12)).unwrap());
    assert!(session.is_dirty());
    assert!(session.choose(IN, at(TlsVersion::Tls10)).unwrap());
    assert!(!session.is_dirty());
    assert!(session.edits().is_empty());
}

#[test]
fn going_through_every_choice_and_back_loses_no_word_and_no_separator() {
    let mut session = session();
    for version in [TlsVersion::Tls13, TlsVersion::Tls12, TlsVersion::Tls11] {
        session.choose(IN, at(version)).unwrap();
    }
    let edits = session.edits();
    assert_eq!(edits.edits()[0].new.as_deref(), Some("TLSv1.1, TLSv1.2"));
}

#[test]
fn undo_and_redo_walk_the_same_steps_and_end_where_they_end() {
    let mut session = session();
    session.choose(IN, at(TlsVersion::Tls12)).unwrap();
    session.choose(OUT, at(TlsVersion::Tls12)).unwrap();
    let both = session.edits();
    assert!(session.undo() && session.undo() && !session.undo());
    assert!(!session.is_dirty());
    assert!(session.redo() && session.redo() && !session.redo());
    assert_eq!(session.edits(), both);
}

#[test]
fn same_for_both_chooses_reverts_and_says_no_difference() {
    let mut session = session();
    assert!(session.wanted().difference().is_some());
    session.set_same_for_both(true);
    session.choose(OUT, at(TlsVersion::Tls12)).unwrap();
    assert_eq!(session.minimum(IN), Minimum::At(TlsVersion::Tls12));
    assert_eq!(session.minimum(OUT), Minimum::At(TlsVersion::Tls12));
    assert!(session.wanted().difference().is_none());
    session.revert_minimum(IN);
    assert!(!session.is_dirty());
}

#[test]
fn default_deletes_the_list_and_reset_names_only_what_has_a_role() {
    let mut session = session();
    session.choose(IN, Choice::Default).unwrap();
    assert_eq!(session.edits().edits().len(), 1);
    assert_eq!(session.edits().edits()[0].new, None);
    assert_eq!(session.reset_names(IN).unwrap(), ["ServerTlsProtocols"]);
    assert!(session.reset_names(OUT).unwrap().is_empty());
}

#[test]
fn a_rebase_keeps_what_still_fits_and_hands_back_what_does_not() {
    let mut session = session();
    session.choose(IN, at(TlsVersion::Tls12)).unwrap();
    session.choose(OUT, at(TlsVersion::Tls12)).unwrap();
    let theirs = FILE.replace("TLSv1, TLSv1.1, TLSv1.2", "TLSv1.1, TLSv1.2");
    let rebased = session.rebase(document(&theirs));
    assert_eq!(rebased.conflicts.len(), 1);
    assert_eq!(session.minimum(IN), Minimum::At(TlsVersion::Tls11));
    assert_eq!(session.minimum(OUT), Minimum::At(TlsVersion::Tls12));
    assert!(!session.undo(), "undo would bring back edits of another file");
}

#[test]
fn cutting_someone_off_and_not_knowing_both_need_a_yes_of_their_own() {
    let mut session = session();
    session.choose(OUT, at(TlsVersion::Tls12)).unwrap();
    let consents = |peers: Vec<Peer>| Review::of_edits(&session, &book(peers), facts()).unwrap().consents;
    let ceiling = |version| Some(Knowledge::Ceiling(version));
    assert_eq!(
        consents(vec![peer(OUT, 1, ceiling(TlsVersion::Tls10))]),
        [Consent::CutOff]
    );
    assert_eq!(consents(vec![peer(OUT, 1, None)]), [Consent::CutOff]);
    assert_eq!(consents(Vec::new()), [Consent::CutOff]);
    assert_eq!(consents(vec![peer(OUT, 1, ceiling(TlsVersion::Tls12))]), []);
}

#[test]
fn going_back_to_an_unmeasured_default_is_not_knowing() {
    let mut session = session();
    session.choose(IN, Choice::Default).unwrap();
    let fine = book(vec![peer(IN, 1, Some(Knowledge::Ceiling(TlsVersion::Tls13)))]);
    assert_eq!(
        Review::of_edits(&session, &fine, facts()).unwrap().consents,
        [Consent::CutOff]
    );
    session.set_measured(Measured {
        governs: Governs::default(),
        speaks_tls13: true,
        inbound_default: Some(TlsVersion::Tls12),
    });
    assert!(Review::of_edits(&session, &fine, facts()).unwrap().consents.is_empty());
}

#[test]
fn the_review_names_who_is_cut_off_with_evidence_and_amount_and_shows_no_secret() {
    let mut session = session();
    session.choose(OUT, at(TlsVersion::Tls12)).unwrap();
    session.want(
        VariablePath {
            table: "Security".to_owned(),
            variable: "SomePassword".to_owned(),
        },
        None,
    );
    let review = Review::of_edits(
        &session,
        &book(vec![peer(OUT, 9, Some(Knowledge::Ceiling(TlsVersion::Tls10)))]),
        facts(),
    )
    .unwrap();
    let text = text(&review);
    assert!(
        text.contains("x 192.0.2.9: TLS 1.0 only, peers file, 20 Nov; 10 messages in 30 days"),
        "{text}"
    );
    assert!(
        text.contains("its name is assumed") || text.contains("Its name is assumed"),
        "{text}"
    );
    assert!(!text.contains("token-that-must-not-show"), "{text}");
}

#[test]
fn an_engine_that_runs_is_refused_with_the_commands_to_type() {
    let mut session = session();
    session.choose(IN, at(TlsVersion::Tls12)).unwrap();
    let engine = EnginePlan::Refuse {
        why: "it runs".to_owned(),
        commands: vec!["systemctl stop kerio-connect".to_owned()],
    };
    let review = Review::of_edits(&session, &book(Vec::new()), Facts { engine, ..facts() }).unwrap();
    assert_eq!(review.refusal(), Some("it runs"));
    assert!(text(&review).contains("systemctl stop kerio-connect"));
}

#[test]
fn a_restart_says_what_becomes_of_the_engine_if_the_program_dies_in_the_middle() {
    for (no_undo, undo) in [
        (None, true),
        (Some("systemd does not run this system".to_owned()), false),
    ] {
        let mut session = session();
        session.choose(Direction::Inbound, at(TlsVersion::Tls12)).unwrap();
        let engine = EnginePlan::Restart {
            commands: vec!["systemctl stop kerio-connect".to_owned()],
            last_seconds: None,
            warnings: Vec::new(),
        };
        let facts = Facts {
            engine,
            no_undo,
            ..facts()
        };
        let text = text(&Review::of_edits(&session, &book(Vec::new()), facts).unwrap());
        let said = text.lines().find(|line| line.contains("killed in the middle")).unwrap();
        assert!(said.contains("the engine stays down until someone starts it"), "{said}");
        assert_eq!(said.contains("undo goes off"), undo, "{said}");
    }
}

#[test]
fn a_whole_older_file_lists_what_else_changes_and_needs_its_own_yes() {
    let session = session();
    let older = document(
        &FILE
            .replace(">5<", ">9<")
            .replace("D3S:token-that-must-not-show", "D3S:another-token"),
    );
    let review = Review::of_whole(&session, &book(Vec::new()), facts(), &older, "id");
    assert!(review.consents.contains(&Consent::WholeFile));
    let text = text(&review);
    assert!(text.contains("LockoutCount: 5 -> 9"), "{text}");
    assert!(!text.contains("token"), "{text}");
}

proptest::proptest! {
    #[test]
    fn whatever_is_chosen_the_edits_are_what_makes_it_read_so(choices in proptest::collection::vec((0_usize..2, 0_usize..5), 1..12)) {
        let offered = [Choice::Default, at(TlsVersion::Tls10), at(TlsVersion::Tls11), at(TlsVersion::Tls12), at(TlsVersion::Tls13)];
        let mut session = session();
        for (direction, choice) in choices {
            session.choose(Direction::ALL[direction], offered[choice]).unwrap();
        }
        let edits = session.edits();
        let rendered = session.base().render(&edits).unwrap();
        let saved = session.base().verify(&edits, rendered).unwrap();
        let again = Session::new(Arc::new(saved), Catalogue::embedded(), Measured::default());
        for direction in Direction::ALL {
            proptest::prop_assert_eq!(again.loaded().minimum(direction), session.minimum(direction));
        }
    }
}
