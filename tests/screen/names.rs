//! The window of names: how sure each is, and giving a role another one.

use kerio_tls::tls::{Certainty, Direction, Role};
use kerio_tls::tui::Place;
use kerio_tls::work::{self, Event};
use std::sync::Arc;

use crate::support::{Desk, known_names};

fn desk() -> Desk {
    let mut desk = Desk::at_80x24();
    desk.press("<Right>");
    desk.report(Event::Names(Arc::new(known_names())));
    desk
}

fn text(desk: &Desk) -> String {
    desk.look().to_string()
}

#[test]
fn with_the_engines_program_at_hand_no_name_is_called_assumed() {
    let mut desk = desk();
    for keys in ["", "<Right>", "n"] {
        desk.press(keys);
        let text = text(&desk);
        assert!(!text.contains("assumed") && text.contains("not there"), "{text}");
    }
    assert_eq!(desk.state.place(), Place::Names);
}

#[test]
fn a_candidate_is_taken_only_after_a_yes_and_plays_its_role_from_then_on() {
    let mut desk = desk();
    desk.press("n<Enter><Down>");
    assert_eq!(desk.state.place(), Place::NameField);
    desk.press("<Enter>");
    assert_eq!(desk.state.place(), Place::Question);
    assert!(
        text(&desk).contains("Is TlsMinimumVersion in table Security the minimum version?"),
        "{}",
        text(&desk)
    );
    // No is the default.
    let find = |desk: &Desk| {
        desk.state
            .context
            .session
            .catalogue()
            .find(Direction::Inbound, "TlsMinimumVersion")
            .cloned()
    };
    desk.press("<Enter>");
    assert_eq!((desk.state.place(), find(&desk)), (Place::NameField, None));
    desk.press("<Enter><Tab><Enter>");
    let row = find(&desk).unwrap();
    assert_eq!((row.role, row.name_sure), (Role::MinimumVersion, Certainty::Given));
    desk.asker(|effect| matches!(effect, work::Effect::NameVariable { name, .. } if name == "TlsMinimumVersion"));
    assert_eq!(desk.state.place(), Place::Variables);
}

#[test]
fn nothing_is_said_of_a_program_that_was_not_read_nor_of_letters_that_it_does_not_hold() {
    let mut unread = Desk::at_80x24();
    unread.press("<Right>n");
    assert!(text(&unread).contains("more below"), "{}", text(&unread));
    unread.press("<Enter>");
    assert!(text(&unread).contains("no program has told any"), "{}", text(&unread));
    let mut desk = desk();
    desk.press("n<Enter>zzz");
    assert!(
        text(&desk).contains("no other name with these letters"),
        "{}",
        text(&desk)
    );
}

#[test]
fn a_name_is_typed_and_one_that_may_mean_the_opposite_is_refused() {
    let mut desk = desk();
    desk.press("n<Enter>NoTlsProtocols<Enter>");
    assert_eq!(desk.state.place(), Place::NameField);
    assert!(text(&desk).contains("can mean the opposite"), "{}", text(&desk));
    desk.press("<C-u>WebTlsMinimum<Enter>");
    assert_eq!(desk.state.place(), Place::Question);
    desk.press("<Esc><Esc><Esc>");
    assert_eq!(desk.state.place(), Place::Variables);
}

#[test]
fn the_web_administrations_change_is_waited_for_and_the_user_says_which_variable_it_was() {
    use kerio_tls::mailserver_cfg::ValueChange;
    use kerio_tls::tls::TlsVersion;
    use kerio_tls::work::{Changed, ChangedVariable};
    let mut desk = desk();
    desk.press("nw<Right><Right><Right><Enter>");
    let asker = desk.asker(|effect| matches!(effect, work::Effect::Learn(TlsVersion::Tls12)));
    desk.press("<Esc>");
    assert!(
        text(&desk).contains("Waiting until the web administration has saved; c stops"),
        "{}",
        text(&desk)
    );
    let variable = ChangedVariable {
        direction: Direction::Inbound,
        name: "TlsMin".to_owned(),
        role: Role::MinimumVersion,
        old: None,
        new: "1.2".to_owned(),
    };
    let change = |place: &str| ValueChange {
        place: place.to_owned(),
        old: Some("(hidden)".to_owned()),
        new: Some("(hidden)".to_owned()),
    };
    let changed = Changed {
        asked: crate::support::now(),
        chosen: TlsVersion::Tls12,
        changes: vec![change("Smtp/RelayPassword")],
        count: 1,
        variables: vec![variable],
        log: vec!["[24/Aug/2022 10:35:12] admin@example.org - Update".to_owned()],
    };
    desk.answer(asker, Event::Changed(Some(Arc::new(changed))));
    let shown = text(&desk);
    for words in [
        "Smtp/RelayPassword: (hidden) -> (hidden)",
        "config.log: [24/Aug/2022",
        "[ TlsMin: the minimum version ]",
    ] {
        assert!(shown.contains(words), "{words}\n{shown}");
    }
    desk.press("<Tab><Enter>");
    desk.asker(|effect| matches!(effect, work::Effect::Learned { index: 0, .. }));
    // Or nothing changed, and the user stops.
    desk.press("nw<Right><Enter><Esc>c");
    let asker = desk.asker(|effect| matches!(effect, work::Effect::Learn(TlsVersion::Tls10)));
    desk.asker(|effect| matches!(effect, work::Effect::CancelLearn));
    desk.answer(asker, Event::Changed(None));
    assert!(text(&desk).contains("The question stays open"), "{}", text(&desk));
}
