//! The order in which a save deals with the engine, by a stand-in that writes down what it was asked.

use std::sync::atomic::{AtomicBool, Ordering};

use kerio_tls::save::{
    EngineThen, Gate, GateError, GateKind, OnDisk, Recovered, SaveOutcome, Started, What, backups, engine_is_up,
    recover,
};

use crate::support::{NEW, OLD, Place, content, edit};

fn refusal(kind: GateKind) -> GateError {
    GateError {
        kind,
        what: "the engine does what it wants".into(),
        next: "systemctl stop kerio-connect".into(),
        lines: Vec::new(),
    }
}

/// Everything goes well unless told otherwise.
#[derive(Default)]
struct Engine<'a> {
    asked: Vec<&'static str>,
    on_stop: Option<Box<dyn FnMut() + 'a>>,
    fail: Option<&'static str>,
    /// So often it goes well before.
    spared: usize,
    comes_up_badly: bool,
}

impl Engine<'_> {
    fn ask(&mut self, what: &'static str, kind: GateKind) -> Result<(), GateError> {
        self.asked.push(what);
        if self.fail == Some(what) && self.asked.iter().filter(|asked| **asked == what).count() > self.spared {
            Err(refusal(kind))
        } else {
            Ok(())
        }
    }
}

impl Gate for Engine<'_> {
    fn will_stop(&mut self) -> bool {
        true
    }
    fn told_to_stop(&self) -> bool {
        self.fail != Some("preflight")
    }
    fn before_write(&mut self) -> Result<(), GateError> {
        if self.fail == Some("preflight") {
            return Err(refusal(GateKind::StopFailed));
        }
        if let Some(on_stop) = &mut self.on_stop {
            on_stop();
        }
        self.ask("stop", GateKind::StopFailed)
    }
    fn prove_stopped(&mut self) -> Result<(), GateError> {
        self.ask("prove", GateKind::Runs)
    }
    fn abort(&mut self) -> Result<(), GateError> {
        self.ask("start again", GateKind::StartFailed)
    }
    fn after_commit(&mut self) -> Started {
        self.asked.push("start");
        if self.comes_up_badly {
            Started::Badly(vec!["mailserver[7]: bad TLS".into()])
        } else {
            Started::Well(vec![])
        }
    }
    fn before_roll_back(&mut self) -> Result<(), GateError> {
        self.ask("stop for roll back", GateKind::StopFailed)
    }
    fn after_roll_back(&mut self) -> Started {
        self.asked.push("start with the old file");
        Started::Well(vec![])
    }
}

fn change() -> kerio_tls::mailserver_cfg::EditSet {
    edit("ServerTlsProtocols", OLD, NEW)
}

fn assert_untouched(place: &Place) {
    assert_eq!(place.bytes(), content(OLD, 0));
    assert_eq!(place.beside(), ["mailserver.cfg"]);
    assert_eq!(backups(&place.state(), &place.target()).unwrap(), []);
}

#[test]
fn it_is_stopped_before_and_started_after_the_commit() {
    let place = Place::new(&content(OLD, 0));
    let mut engine = Engine::default();
    let saved = place.save_with(change(), |_| {}, &mut engine).unwrap();
    assert_eq!(
        (saved.outcome, saved.engine),
        (SaveOutcome::Saved, Started::Well(vec![]))
    );
    assert_eq!(engine.asked, ["stop", "prove", "start"]);
    assert_eq!(recover(&place.state(), &place.target()).unwrap(), []);
}

#[test]
fn a_save_with_nothing_to_do_or_something_in_the_way_never_touches_it() {
    let place = Place::new(&content(NEW, 0));
    let mut engine = Engine::default();
    place.save_with(change(), |_| {}, &mut engine).unwrap();
    let conflict = Place::new(&content("TLSv1.1", 0));
    conflict.save_with(change(), |_| {}, &mut engine).unwrap_err();
    let linked = Place::new(&content(OLD, 0));
    std::fs::hard_link(&linked.file, linked.state.with_file_name("second.cfg")).unwrap();
    linked.save_with(change(), |_| {}, &mut engine).unwrap_err();
    assert_eq!(engine.asked, [] as [&str; 0]);
}

#[test]
fn whatever_ends_the_save_before_the_exchange_starts_it_again() {
    for fail in ["stop", "prove"] {
        let place = Place::new(&content(OLD, 0));
        let mut engine = Engine {
            fail: Some(fail),
            ..Engine::default()
        };
        let error = place.save_with(change(), |_| {}, &mut engine).unwrap_err();
        assert!(matches!(error.what, What::Gate(_)), "{error:?}");
        assert_eq!(engine.asked.last(), Some(&"start again"));
        assert_untouched(&place);
        assert_eq!(recover(&place.state(), &place.target()).unwrap(), []);
    }
}

#[test]
fn a_conflict_that_the_stop_brings_up_starts_it_again() {
    let place = Place::new(&content(OLD, 0));
    let mut engine = Engine {
        on_stop: Some(Box::new(|| std::fs::write(&place.file, content("TLSv1.1", 0)).unwrap())),
        ..Engine::default()
    };
    let error = place.save_with(change(), |_| {}, &mut engine).unwrap_err();
    assert!(matches!(error.what, What::Conflict { .. }), "{error:?}");
    assert_eq!(engine.asked, ["stop", "start again"]);
    // It is not as it was: the engine has written it.
    assert_eq!(error.on_disk, OnDisk::Engines);
}

#[test]
fn once_the_engine_was_told_to_stop_no_error_calls_the_file_untouched() {
    for fail in ["stop", "prove"] {
        let place = Place::new(&content(OLD, 0));
        let mut engine = Engine {
            fail: Some(fail),
            ..Engine::default()
        };
        let error = place.save_with(change(), |_| {}, &mut engine).unwrap_err();
        assert!(error.to_string().contains("nothing of this save"), "{error}");
    }
    let place = Place::new(&content(OLD, 0));
    let second_name = place.file.with_extension("also");
    let mut engine = Engine {
        on_stop: Some(Box::new(|| std::fs::hard_link(&place.file, &second_name).unwrap())),
        ..Engine::default()
    };
    let error = place.save_with(change(), |_| {}, &mut engine).unwrap_err();
    assert!(matches!(error.what, What::InPlaceNeeded { .. }), "{error:?}");
    assert!(error.to_string().contains("nothing of this save"), "{error}");
    // What ends it before that is another matter.
    let place = Place::new(&content(OLD, 0));
    let mut engine = Engine {
        fail: Some("preflight"),
        ..Engine::default()
    };
    let error = place.save_with(change(), |_| {}, &mut engine).unwrap_err();
    assert!(error.to_string().contains("the file is untouched"), "{error}");
}

#[test]
fn what_the_stop_writes_is_kept_and_told() {
    let place = Place::new(&content(OLD, 0));
    let rewritten = |protocols| {
        String::from_utf8(content(protocols, 0))
            .unwrap()
            .replace("\">0<", "\">99<")
    };
    let mut engine = Engine {
        on_stop: Some(Box::new(|| std::fs::write(&place.file, rewritten(OLD)).unwrap())),
        ..Engine::default()
    };
    let saved = place.save_with(change(), |_| {}, &mut engine).unwrap();
    assert_eq!(saved.changed_count, 1);
    assert_eq!(place.bytes(), rewritten(NEW).into_bytes());
}

#[test]
fn cancelled_after_the_stop_it_is_started_again() {
    let place = Place::new(&content(OLD, 0));
    static CANCEL: AtomicBool = AtomicBool::new(false);
    let mut engine = Engine {
        on_stop: Some(Box::new(|| CANCEL.store(true, Ordering::SeqCst))),
        ..Engine::default()
    };
    let error = place
        .save_with(change(), |request| request.cancel = Some(&CANCEL), &mut engine)
        .unwrap_err();
    assert!(
        matches!(
            error.what,
            What::CancelledLate {
                stopping: false,
                engine: EngineThen::StartedAgain
            }
        ),
        "{error:?}"
    );
    assert_eq!(engine.asked, ["stop", "start again"]);
    assert_untouched(&place);
}

#[test]
fn an_engine_that_does_not_come_up_gets_the_old_file_back_and_the_new_one_is_kept() {
    let place = Place::new(&content(OLD, 0));
    let mut engine = Engine {
        comes_up_badly: true,
        ..Engine::default()
    };
    let saved = place.save_with(change(), |_| {}, &mut engine).unwrap();
    let SaveOutcome::RolledBack { why, failed_file, then } = saved.outcome else {
        panic!("{:?}", saved.outcome)
    };
    assert_eq!(why, ["mailserver[7]: bad TLS"]);
    assert_eq!(std::fs::read(failed_file.unwrap()).unwrap(), content(NEW, 0));
    assert_eq!(then, Started::Well(vec![]));
    assert_eq!(
        engine.asked,
        [
            "stop",
            "prove",
            "start",
            "stop for roll back",
            "prove",
            "start with the old file"
        ]
    );
    assert_eq!(place.bytes(), content(OLD, 0));
    assert_eq!(place.beside(), ["mailserver.cfg"]);
    assert_eq!(recover(&place.state(), &place.target()).unwrap(), []);
}

/// A save after which the engine comes up badly and the old file cannot be put back: the new one is there, and that is
/// said.
fn roll_back_fails(engine: Engine<'_>) -> Place {
    let place = Place::new(&content(OLD, 0));
    let mut engine = Engine {
        comes_up_badly: true,
        ..engine
    };
    let saved = place.save_with(change(), |_| {}, &mut engine).unwrap();
    let SaveOutcome::RollBackFailed { error, .. } = saved.outcome else {
        panic!("{:?}", saved.outcome)
    };
    assert!(
        error
            .to_string()
            .ends_with("the file that the engine did not start with is in place"),
        "{error}"
    );
    assert_eq!(place.bytes(), content(NEW, 0));
    place
}

#[test]
fn an_engine_that_cannot_be_stopped_for_the_roll_back_is_said_to_be_down_until_it_is_up() {
    let place = roll_back_fails(Engine {
        fail: Some("stop for roll back"),
        ..Engine::default()
    });
    for _ in 0..2 {
        let found = recover(&place.state(), &place.target()).unwrap();
        assert!(matches!(found[..], [Recovered::EngineMayBeDown { .. }]), "{found:?}");
    }
    engine_is_up(&place.state(), &place.target()).unwrap();
    assert_eq!(recover(&place.state(), &place.target()).unwrap(), []);
}

#[test]
fn a_roll_back_that_fails_says_that_the_new_file_is_there() {
    roll_back_fails(Engine {
        fail: Some("prove"),
        spared: 1,
        ..Engine::default()
    });
}

#[test]
fn an_engine_that_is_down_after_all_is_said_loudly_and_at_the_next_start_again() {
    struct NeverUp;
    impl Gate for NeverUp {
        fn will_stop(&mut self) -> bool {
            true
        }
        fn prove_stopped(&mut self) -> Result<(), GateError> {
            Err(refusal(GateKind::NotSure))
        }
        fn abort(&mut self) -> Result<(), GateError> {
            Err(refusal(GateKind::StartFailed))
        }
        fn after_commit(&mut self) -> Started {
            unreachable!()
        }
        fn before_roll_back(&mut self) -> Result<(), GateError> {
            unreachable!()
        }
        fn after_roll_back(&mut self) -> Started {
            unreachable!()
        }
    }
    let place = Place::new(&content(OLD, 0));
    let error = place.save_with(change(), |_| {}, &mut NeverUp).unwrap_err();
    assert!(error.to_string().starts_with("THE ENGINE IS DOWN"), "{error}");
    assert_untouched(&place);
    let found = recover(&place.state(), &place.target()).unwrap();
    assert!(matches!(found[..], [Recovered::EngineMayBeDown { .. }]), "{found:?}");
}

#[test]
fn of_files_that_an_engine_did_not_start_with_the_twenty_newest_are_kept() {
    let place = Place::new(&content(OLD, 0));
    let mut named = Vec::new();
    for _ in 0..23 {
        let mut engine = Engine {
            comes_up_badly: true,
            ..Engine::default()
        };
        let saved = place.save_with(change(), |_| {}, &mut engine).unwrap();
        let SaveOutcome::RolledBack { failed_file, .. } = saved.outcome else {
            panic!("{:?}", saved.outcome)
        };
        let failed_file = failed_file.unwrap();
        assert!(failed_file.is_file(), "what is named is there");
        named.push(failed_file);
    }
    let mut kept = crate::support::files_below(&place.state);
    kept.retain(|path| path.parent().unwrap().ends_with("kept"));
    kept.sort();
    assert_eq!(kept, named[3..]);
}
