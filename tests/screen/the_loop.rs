//! The whole loop, from opening to the summary, at every size that is laid out for.

use kerio_tls::tui::{Effect, Place};
use kerio_tls::work::{self, Wanted};
use ratatui::style::{Color, Modifier};

use crate::support::{COLOUR, Desk, facts};

const SIZES: [(u16, u16); 3] = [(120, 40), (80, 24), (40, 15)];

#[test]
fn choosing_reviewing_refusing_consenting_and_saving_work_at_every_size() {
    for size in SIZES {
        the_loop(size);
    }
}

fn the_loop(size: (u16, u16)) {
    let mut desk = Desk::new(COLOUR, size);
    let form = desk.look();
    form.shows("no changes");
    assert!(form.focused().contains("Inbound"), "{form}");
    assert!(form.marked().contains("TLS 1.0"), "{form}");

    // The drop-down of Outbound; the panel follows.
    desk.press("<Tab><Enter>");
    assert_eq!(desk.state.place(), Place::DropDown);
    let open = desk.look();
    assert!(open.marked().contains(">Server default"), "{open}");
    // On the smallest screen the drop-down leaves no row for the panel.
    let has_panel = size.1 > 15;
    if has_panel {
        open.shows("Outbound at Server default");
    }
    for version in ["TLS 1.0", "TLS 1.1", "TLS 1.2"] {
        desk.press("<Down>");
        let open = desk.look();
        assert!(open.marked().contains(&format!(">{version}")), "{open}");
        if has_panel {
            open.shows(&format!("Outbound at {version}"));
        }
        open.shows("no changes");
    }
    let open = desk.look();
    // 198.51.100.7, .8 and two hostile names have nothing newer than TLS 1.1; one disagrees; one is silent.
    if size.0 >= 80 {
        assert!(open.marked().contains("4 cut off   1 mixed    1 unknown"), "{open}");
    }

    // Chosen: dirty, and the draft is kept.
    desk.press("<Enter>");
    let chosen = desk.look();
    chosen.shows("Outbound at TLS 1.2");
    assert!(chosen.marked().contains("TLS 1.2"), "{chosen}");
    assert!(chosen.focused().starts_with('*'), "{chosen}");
    assert_eq!(chosen.look_of("*"), (Color::Blue, Modifier::BOLD));
    let edits = desk.state.context.session.edits();
    assert!(edits.edits().iter().all(|edit| edit.path.table == "SmtpSecurity"));
    assert!(matches!(
        desk.effects.as_slice(),
        [Effect::Work(_, work::Effect::KeepDraft(kept))] if *kept == edits
    ));

    // Review: everything in words; the default is Back, and Save is not there.
    desk.press("<F6>");
    assert_eq!(desk.state.place(), Place::Field, "the review waits for facts");
    desk.inspected(facts());
    assert_eq!(desk.state.place(), Place::Review);
    let review = desk.look();
    review.shows("Review: nothing is written yet");
    assert_eq!(review.marked(), "[ Back ]");
    review.shows("[ ] ");
    review.hides("[x]");
    review.hides("[ Stop, save, start ]");

    // Refused by Enter: nothing is written, nothing is lost.
    desk.press("<Enter>");
    assert_eq!(desk.state.place(), Place::Field);
    assert_eq!(desk.state.context.session.edits(), edits);
    assert!(desk.save_job().is_none());

    // Again. Save cannot be reached before the tick: every stop is looked at.
    desk.press("<F6>").inspected(facts());
    for _ in 0..4 {
        desk.press("<Tab>");
        let marked = desk.look().marked();
        assert!(!marked.contains("save, start"), "{marked}");
    }
    while !desk.look().marked().contains("cut") {
        desk.press("<Tab>");
    }
    assert!(desk.look().marked().starts_with("[ ]"));
    desk.press("<Space>");
    assert!(desk.look().marked().starts_with("[x]"));
    desk.look().shows("[ Stop, save, start ]");
    // And taken back: the button goes.
    desk.press("<Space>");
    desk.look().hides("[ Stop, save, start ]");
    desk.press("<Space>");
    while desk.look().marked() != "[ Stop, save, start ]" {
        desk.press("<Tab>");
    }
    assert!(desk.save_job().is_none());
    desk.press("<Enter>");
    let job = desk.save_job().expect("the save");
    let Wanted::Proven(proven) = &job.wanted else {
        panic!("{job:?}")
    };
    assert_eq!(*proven.edits(), edits);
    assert_eq!(job.action, "save");
    assert_eq!(job.undo_after, None);
    assert_eq!(job.consents.len(), 1);
    assert_eq!(desk.state.place(), Place::Saving);

    // Saved: clean, said, and in the summary.
    desk.save_reports(work::Event::SaveStep {
        words: "stopping the engine".to_owned(),
        cancellable: true,
    });
    desk.look().shows("stopping the engine");
    desk.press("c");
    assert!(matches!(
        desk.effects.last(),
        Some(Effect::Work(_, work::Effect::CancelSave))
    ));
    desk.saved();
    let said = desk.look();
    said.shows("/opt/kerio/mailserver/mailserver.cfg");
    said.shows("! the engine took 90 s");
    desk.press("<Enter>");
    assert!(!desk.state.context.session.is_dirty());
    let form = desk.look();
    form.shows("no changes");
    assert!(form.marked().contains("TLS 1.2"), "{form}");
    desk.press("q");
    assert!(desk.quits());
    assert_eq!(
        desk.state.context.summary,
        [
            "Saved /opt/kerio/mailserver/mailserver.cfg.",
            "! the engine took 90 s to start"
        ]
    );
}
