//! A save that runs, and answers that come when nobody waits for them: whatever the order, the end of a save is shown,
//! nothing lies over it, and the user can leave.

use std::sync::Arc;

use kerio_tls::mailserver_cfg::EditSet;
use kerio_tls::session::Measured;
use kerio_tls::tui::{Effect, Place};
use kerio_tls::work::{self, Asker, Event, LiveProof, SaveProblem};
use proptest::prelude::*;

use crate::support::{self, COLOUR, Desk, document, facts};

const CHOOSE: &str = "<Down><Enter><Down><Down><Down><Enter>";
const CONSENT_AND_SAVE: &str = "<S-Tab><S-Tab><Space><S-Tab><Enter>";

/// A save that runs, with some requests made before it.
fn saving(before: &str) -> Desk {
    let mut desk = Desk::at_80x24();
    desk.press(before).press(CHOOSE).press("<F6>").inspected(facts());
    desk.press(CONSENT_AND_SAVE);
    assert_eq!(desk.state.place(), Place::Saving);
    desk
}

fn proof() -> Event {
    Event::Proven {
        proof: Box::new(LiveProof::default()),
        measured: Measured::default(),
    }
}

fn step(words: &str) -> Event {
    Event::SaveStep {
        words: words.to_owned(),
        cancellable: true,
    }
}

fn failed() -> Event {
    Event::NotSaved(Box::new(SaveProblem {
        message: "The disk is full.".to_owned(),
        conflicts: Vec::new(),
        document: None,
        refused: false,
        busy: false,
    }))
}

fn is_proof(effect: &work::Effect) -> bool {
    matches!(effect, work::Effect::ProveLive(_))
}

#[test]
fn an_answer_that_comes_while_a_save_runs_waits_for_its_end() {
    let mut desk = saving("v");
    let asker = desk.asker(is_proof);
    desk.save_reports(step("Stopping the engine ..."));
    desk.answer(asker, proof());
    assert_eq!(desk.state.place(), Place::Saving);
    desk.press("<Esc><Esc>");
    desk.save_reports(step("Starting the engine ..."));
    desk.look().shows("Starting the engine ...");

    desk.saved();
    desk.look().shows("the engine took 90 s");
    desk.look().hides("Starting the engine");
    // What waited comes after it, and then one can leave.
    desk.press("<Enter>");
    desk.look().shows("What this server accepts now");
    desk.press("<Enter>q");
    assert!(desk.quits());
}

#[test]
fn leaving_and_stopping_have_an_answer_while_a_save_runs() {
    for key in ["q", "<F10>", "<C-c>", "<C-z>"] {
        let mut desk = saving("");
        desk.save_reports(step("Stopping the engine ..."));
        desk.effects
            .retain(|effect| matches!(effect, Effect::Work(_, work::Effect::Save(_))));
        desk.press(key);
        assert_eq!(desk.effects.len(), 1, "{key}: {:?}", desk.effects);
        desk.look().shows("A save is running");
        desk.look().shows("Stopping the engine ...");
        desk.saved();
        desk.press("<Enter>q");
        assert!(desk.quits(), "{key}");
    }
}

#[test]
fn what_workers_find_out_during_a_save_counts_after_it() {
    let mut desk = saving("");
    desk.report(support::evidence());
    desk.report(Event::Notice("the peers file is damaged".to_owned()));
    desk.look().hides("damaged");
    desk.saved();
    desk.look().shows("the engine took 90 s");
    desk.press("<Enter>");
    desk.look().shows("no changes");
}

#[test]
fn of_two_reviews_that_were_asked_for_the_newer_one_is_shown() {
    let is_whole = |effect: &work::Effect| matches!(effect, work::Effect::InspectWhole { .. });
    let whole = || Event::WholeFacts {
        id: "20261120T101500Z-1".to_owned(),
        restored: document("<config/>"),
        facts: Box::new(facts()),
    };
    for whole_comes_first in [true, false] {
        let mut desk = Desk::at_80x24();
        // The whole file of a backup; before the answer, a change and its own review.
        desk.press("<Left>W");
        let asker = desk.asker(is_whole);
        desk.press("<Right>").press(CHOOSE).press("<F6>");
        if whole_comes_first {
            desk.answer(asker, whole());
            assert_eq!(desk.state.place(), Place::Field);
        }
        desk.inspected(facts());
        assert_eq!(desk.state.place(), Place::Review);
        desk.answer(asker, whole());
        desk.look().shows("Outbound");
        desk.press("<Esc>");
        assert!(desk.state.windows.is_empty(), "{}", desk.look());
    }
}

#[test]
fn a_whole_file_is_not_reviewed_when_something_was_changed_since_it_was_asked_for() {
    let mut desk = Desk::at_80x24();
    desk.press("<Left>W");
    let asker = desk.asker(|effect| matches!(effect, work::Effect::InspectWhole { .. }));
    desk.press("<Right>").press(CHOOSE);
    desk.answer(
        asker,
        Event::WholeFacts {
            id: "20261120T101500Z-1".to_owned(),
            restored: document("<config/>"),
            facts: Box::new(facts()),
        },
    );
    assert!(desk.state.windows.is_empty(), "{}", desk.look());
    desk.look().shows("There are unsaved changes");
}

#[test]
fn an_answer_never_opens_a_window_over_another() {
    let mut desk = Desk::at_80x24();
    desk.press("v/tls");
    let asker = desk.asker(is_proof);
    desk.answer(asker, proof());
    assert_eq!(desk.state.place(), Place::Find);
    desk.press("<Esc>");
    desk.look().shows("What this server accepts now");
    // Nor does one that is not waited for any more.
    desk.press("<Esc>");
    desk.answer(asker, proof());
    assert!(desk.state.windows.is_empty());
}

#[test]
fn a_reading_of_logs_that_could_not_be_started_is_not_waited_for() {
    let mut desk = Desk::at_80x24();
    desk.press("<F5>");
    desk.look().shows("Looking for mail logs ...");
    let asker = desk.asker(|effect| matches!(effect, work::Effect::GatherEvidence));
    desk.answer(asker, Event::NotStarted("no thread".to_owned()));
    desk.look().shows("no thread");
    desk.press("<Down>");
    desk.look().shows("incomplete");
}

/// One thing that happens.
#[derive(Debug, Clone)]
enum Happens {
    Keys(&'static str),
    /// A review is asked for and answered, and saved if it comes to that.
    Save,
    /// An event, as an answer to the newest effect (`true`) or to nobody.
    Event(usize, bool),
    /// The save that runs, if one does, ends: well or badly.
    End(bool),
}

const KEYS: &[&str] = &[
    "<Tab>",
    "<S-Tab>",
    "<Enter>",
    "<Esc>",
    "<Space>",
    "<Up>",
    "<Down>",
    "<Left>",
    "<Right>",
    "<PgDn>",
    "<F1>",
    "<F5>",
    "<F6>",
    "<F10>",
    "<C-c>",
    "<C-z>",
    "<C-r>",
    "c",
    "d",
    "r",
    "u",
    "v",
    "y",
    "p",
    "q",
    "X",
    "W",
    "b",
    "/",
    "/tls<Enter>",
];

fn events() -> Vec<Event> {
    vec![
        proof(),
        support::evidence(),
        support::backups(),
        Event::EvidenceProgress { done: 1, total: 2 },
        Event::Facts(Box::new(facts())),
        Event::WholeFacts {
            id: "20261120T101500Z-1".to_owned(),
            restored: document("<config/>"),
            facts: Box::new(facts()),
        },
        Event::ProbePlanned {
            questions: Vec::new(),
            words: Vec::new(),
        },
        Event::BackupDifference {
            id: "20261120T101500Z-1".to_owned(),
            changes: Vec::new(),
            count: 0,
        },
        Event::DraftFound {
            edits: EditSet::default(),
            lost: Vec::new(),
            at: support::now(),
        },
        Event::NotNamed {
            why: "no room".to_owned(),
            snippet: String::new(),
        },
        Event::Learned(support::book()),
        Event::Notice("notice".to_owned()),
        Event::NotStarted("no thread".to_owned()),
        Event::Kept(Vec::new()),
        Event::SaveDetail("late".to_owned()),
        step("late"),
    ]
}

fn happens() -> impl Strategy<Value = Happens> {
    let events = events().len();
    prop_oneof![
        6 => proptest::sample::select(KEYS).prop_map(Happens::Keys),
        2 => Just(Happens::Save),
        4 => (0..events, any::<bool>()).prop_map(|(at, answers)| Happens::Event(at, answers)),
        1 => any::<bool>().prop_map(Happens::End),
    ]
}

fn end_save(desk: &mut Desk, well: bool) {
    if well {
        desk.saved();
    } else {
        desk.save_reports(failed());
    }
    let words = if well {
        "the engine took 90 s"
    } else {
        "The disk is full."
    };
    desk.look().shows(words);
}

fn happen(desk: &mut Desk, what: &Happens) {
    match what {
        Happens::Keys(keys) => drop(desk.press(keys)),
        Happens::Save => {
            desk.press("<Esc><Esc><Esc><Esc><Esc><Left><Left><Left><Left>")
                .press("<F6>");
            let asked = desk.effects.iter().rev().find_map(|effect| match effect {
                Effect::Work(asker, work::Effect::Inspect { .. }) => Some(*asker),
                _ => None,
            });
            desk.answer(asked.unwrap_or_default(), Event::Facts(Box::new(facts())));
            if desk.state.place() == Place::Review {
                desk.press(CONSENT_AND_SAVE);
            }
        }
        Happens::Event(at, answers) => {
            let newest = desk.effects.iter().rev().find_map(|effect| match effect {
                Effect::Work(asker, _) => Some(*asker),
                _ => None,
            });
            let asker = newest.filter(|_| *answers).unwrap_or(Asker::default());
            desk.answer(asker, events().swap_remove(*at));
        }
        Happens::End(well) => {
            if desk.state.place() == Place::Saving {
                end_save(desk, *well);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn whatever_happens_the_end_of_a_save_is_shown_and_the_user_can_leave(
        all in proptest::collection::vec(happens(), 1..40),
    ) {
        let mut desk = Desk::new(COLOUR, (80, 24));
        desk.press(CHOOSE);
        for what in &all {
            happen(&mut desk, what);
            let saves = desk.state.place() == Place::Saving;
            prop_assert!(!saves || desk.state.windows.is_empty());
        }
        if desk.state.place() == Place::Saving {
            end_save(&mut desk, true);
        }
        for _ in 0..60 {
            desk.press("<Esc>");
        }
        prop_assert!(desk.state.windows.is_empty(), "{}", desk.look());
        desk.effects.clear();
        desk.press("q");
        if desk.state.place() == Place::Question {
            desk.press("<S-Tab><Enter>");
        }
        prop_assert!(desk.quits(), "{}", desk.look());
    }
}

#[test]
fn a_book_that_comes_during_a_save_is_not_lost() {
    let mut desk = Desk::bare(&support::config(), COLOUR);
    desk.press(CHOOSE).press("<F6>").inspected(facts());
    desk.press(CONSENT_AND_SAVE);
    desk.report(Event::Learned(Arc::clone(&support::book())));
    desk.saved();
    desk.press("<Enter>");
    desk.look().hides("No inbound peers known");
}
