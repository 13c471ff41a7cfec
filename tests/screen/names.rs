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
