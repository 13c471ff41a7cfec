//! Another program writes the file at the same time. Nothing that it wrote may ever be lost.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kerio_tls::mailserver_cfg::{Document, Edit, EditSet, Secrets};
use kerio_tls::save::{
    Content, Gate, GateError, OnDisk, OpenGate, SaveError, SaveOutcome, Started, Step, Target, What, save,
};

use crate::support::{NEW, OLD, Place, content, edit, path_of, request};

/// Writes the file right before the exchange, after everything was checked: the instant that check-then-rename cannot
/// see.
struct Intruder<'a> {
    writes: Vec<Box<dyn FnOnce() + 'a>>,
}

impl Gate for Intruder<'_> {
    fn prove_stopped(&mut self) -> Result<(), GateError> {
        if let Some(write) = self.writes.pop() {
            write();
        }
        Ok(())
    }
    fn before_roll_back(&mut self) -> Result<(), GateError> {
        unreachable!()
    }
    fn after_roll_back(&mut self) -> Started {
        unreachable!()
    }
}

/// An engine that is stopped for the save and writes the file then.
struct AtTheStop<F: FnMut()>(F);

impl<F: FnMut()> Gate for AtTheStop<F> {
    fn will_stop(&mut self) -> bool {
        true
    }
    fn before_write(&mut self) -> Result<(), GateError> {
        (self.0)();
        Ok(())
    }
    fn abort(&mut self) -> Result<(), GateError> {
        unreachable!()
    }
    fn after_commit(&mut self) -> Started {
        Started::Well(vec![])
    }
    fn before_roll_back(&mut self) -> Result<(), GateError> {
        unreachable!()
    }
    fn after_roll_back(&mut self) -> Started {
        unreachable!()
    }
}

fn with_counter(bytes: &[u8], counter: usize) -> Vec<u8> {
    let document = Document::parse(bytes.to_vec()).unwrap();
    let now = document.value(&path_of("Counter"));
    let edits = EditSet::new([Edit {
        path: path_of("Counter"),
        base: now,
        new: Some(counter.to_string()),
    }]);
    document.render(&edits).unwrap()
}

fn rename_over(file: &Path, bytes: &[u8]) {
    let temp = file.with_file_name("writer.tmp");
    std::fs::write(&temp, bytes).unwrap();
    std::fs::rename(temp, file).unwrap();
}

fn value(bytes: &[u8], variable: &str) -> Option<String> {
    Document::parse(bytes.to_vec()).unwrap().value(&path_of(variable))
}

#[test]
fn a_write_in_the_last_instant_comes_out_of_the_exchange_goes_back_in_and_is_rebased_on() {
    for in_the_same_inode in [false, true] {
        let place = Place::new(&content(OLD, 0));
        let file = place.file.clone();
        let theirs = with_counter(&content(OLD, 0), 7);
        let write = move || {
            if in_the_same_inode {
                std::fs::write(&file, &theirs).unwrap()
            } else {
                rename_over(&file, &theirs)
            }
        };
        let mut gate = Intruder {
            writes: vec![Box::new(write)],
        };
        let saved = place
            .save_with(edit("ServerTlsProtocols", OLD, NEW), |_| {}, &mut gate)
            .unwrap();
        assert_eq!(saved.outcome, SaveOutcome::Saved);
        assert_eq!(place.bytes(), with_counter(&content(NEW, 0), 7));
        assert_eq!(saved.changed_count, 1);
        assert_eq!(saved.changed_underneath[0].place, "Security/Counter");
        assert_eq!(place.beside(), ["mailserver.cfg"]);
        assert_eq!(
            kerio_tls::save::backups(&place.state(), &place.target()).unwrap().len(),
            1
        );
    }
}

#[test]
fn what_was_proven_of_another_file_is_made_anew_in_the_one_that_is_there() {
    for is_proven in [true, false] {
        let place = Place::new(&content(OLD, 0));
        let file = place.file.clone();
        let theirs = with_counter(&content(OLD, 0), 7);
        let wanted = edit("ServerTlsProtocols", OLD, NEW);
        let saved = place
            .save_with(
                wanted.clone(),
                |request| {
                    assert!(matches!(request.content, Content::Proven(_)));
                    if !is_proven {
                        request.content = Content::Edits(wanted);
                    }
                    // After the review, before the save reads the file.
                    rename_over(&file, &theirs);
                },
                &mut OpenGate,
            )
            .unwrap();
        assert_eq!(saved.outcome, SaveOutcome::Saved);
        assert_eq!(place.bytes(), with_counter(&content(NEW, 0), 7));
        assert_eq!(saved.changed_underneath[0].place, "Security/Counter");
    }
}

#[test]
fn of_what_was_proven_only_what_is_not_there_already_is_made() {
    let place = Place::new(&content(OLD, 0));
    let file = place.file.clone();
    let set = |variable: &str, base: &str, new: &str| Edit {
        path: path_of(variable),
        base: Some(base.into()),
        new: Some(new.into()),
    };
    let wanted = EditSet::new([set("ServerTlsProtocols", OLD, NEW), set("Counter", "0", "5")]);
    let saved = place
        .save_with(
            wanted,
            |request| {
                assert!(matches!(request.content, Content::Proven(_)));
                rename_over(&file, &content(NEW, 0));
            },
            &mut OpenGate,
        )
        .unwrap();
    assert_eq!((saved.applied.edits().len(), saved.already.len()), (1, 1));
    assert_eq!(place.bytes(), with_counter(&content(NEW, 0), 5));
}

#[test]
fn a_program_that_never_stops_writing_wins_and_the_save_says_so() {
    let place = Place::new(&content(OLD, 0));
    let writes = (0..9).rev().map(|number| {
        let file = place.file.clone();
        Box::new(move || rename_over(&file, &with_counter(&content(OLD, 0), number))) as Box<dyn FnOnce()>
    });
    let mut gate = Intruder {
        writes: writes.collect(),
    };
    let error = place
        .save_with(edit("ServerTlsProtocols", OLD, NEW), |_| {}, &mut gate)
        .unwrap_err();
    assert!(
        matches!(error.what, What::ChangedUnderneath { .. }) && error.on_disk == OnDisk::Theirs,
        "{error:?}"
    );
    assert_eq!(place.bytes(), with_counter(&content(OLD, 0), 2));
    assert_eq!(place.beside(), ["mailserver.cfg"]);
}

#[test]
fn a_change_of_mode_in_the_last_instant_is_a_change_too() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let place = Place::new(&content(OLD, 0));
    let file = place.file.clone();
    let write = move || std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut gate = Intruder {
        writes: vec![Box::new(write)],
    };
    place
        .save_with(edit("ServerTlsProtocols", OLD, NEW), |_| {}, &mut gate)
        .unwrap();
    assert_eq!(place.bytes(), content(NEW, 0));
    assert_eq!(std::fs::metadata(&place.file).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn a_conflict_names_both_values_and_leaves_theirs() {
    let place = Place::new(&content(OLD, 0));
    let theirs = content("TLSv1.1,TLSv1.2", 0);
    let file = place.file.clone();
    let write = theirs.clone();
    let mut gate = Intruder {
        writes: vec![Box::new(move || rename_over(&file, &write))],
    };
    let error = place
        .save_with(edit("ServerTlsProtocols", OLD, NEW), |_| {}, &mut gate)
        .unwrap_err();
    let What::Conflict { conflicts, .. } = &error.what else {
        panic!("{error:?}")
    };
    assert_eq!(conflicts[0].theirs.as_deref(), Some("TLSv1.1,TLSv1.2"));
    assert_eq!(conflicts[0].mine.as_deref(), Some(NEW));
    assert_eq!(place.bytes(), theirs);
    assert_eq!(place.beside(), ["mailserver.cfg"]);
}

#[test]
fn a_whole_file_is_put_back_over_changed_values_only_if_the_engine_changed_them_when_it_was_stopped_for_it() {
    let place = Place::new(&content(OLD, 0));
    let (state, target, secrets) = (place.state(), place.target(), Secrets::default());
    let base = Arc::new(Document::parse(place.bytes()).unwrap());
    rename_over(&place.file, &with_counter(&content(OLD, 0), 7));
    let mut wanted = request(&state, &target, &base, &secrets, EditSet::default());
    wanted.content = Content::Whole { bytes: content(NEW, 3) };
    let error = save(&wanted, &mut OpenGate, &mut |_: Step| {}).unwrap_err();
    assert!(
        matches!(&error.what, What::ChangedUnderneath { changed, .. } if changed.len() == 1),
        "{error:?}"
    );
    std::fs::write(&place.file, content(OLD, 0)).unwrap();
    let mut stops = AtTheStop(|| rename_over(&place.file, &with_counter(&content(OLD, 0), 7)));
    let saved = save(&wanted, &mut stops, &mut |_: Step| {}).unwrap();
    assert_eq!(saved.changed_count, 1);
    assert_eq!(place.bytes(), content(NEW, 3));
}

/// The writer counts up in `Counter`, replacing the file by rename, and looks each time whether its last number is
/// still there. The saver turns the protocol list to and fro. (The writer itself can run over a save of ours: it does
/// not compare. We may never run over it.)
#[test]
fn beside_a_program_that_rewrites_the_file_in_a_loop_no_update_of_it_is_lost() {
    let place = Place::new(&content(OLD, 200));
    let stop = AtomicBool::new(false);
    let (file, stop) = (&place.file, &stop);
    let ((written, glimpses), saved, refused) = std::thread::scope(|scope| {
        let writer = scope.spawn(move || {
            let mut counter = 0_usize;
            let mut glimpses = 0;
            while !stop.load(Ordering::SeqCst) {
                // For the instant between an exchange and its taking back, our file stands there without the writer's
                // last number. So it looks again before it calls a number lost.
                let mut looks = 0;
                let bytes = loop {
                    let bytes = std::fs::read(file).unwrap();
                    let seen = value(&bytes, "Counter");
                    if seen.as_deref() == Some(counter.to_string().as_str()) {
                        break bytes;
                    }
                    looks += 1;
                    if looks > 500 {
                        panic!("wrote {counter}, found {seen:?}, and that for good");
                    }
                    std::thread::sleep(std::time::Duration::from_millis(2));
                };
                glimpses += usize::from(looks > 0);
                counter += 1;
                rename_over(file, &with_counter(&bytes, counter));
                // Different pauses, so that every instant of a save is hit some time.
                std::thread::sleep(std::time::Duration::from_micros((counter as u64 * 7919) % 60_000));
            }
            (counter, glimpses)
        });
        let (mut saved, mut refused) = (0, 0);
        let (state, secrets) = (place.state(), Secrets::default());
        for _ in 0..250 {
            let target = Target::resolve(&place.file).unwrap();
            let (bytes, _) = match target.read() {
                Ok(read) => read,
                Err(SaveError {
                    what: What::NeverQuiet { .. },
                    ..
                }) => continue,
                Err(error) => panic!("{error}"),
            };
            let base = Arc::new(Document::parse(bytes).unwrap());
            let now = base.value(&path_of("ServerTlsProtocols")).unwrap();
            let edits = edit("ServerTlsProtocols", &now, if now == OLD { NEW } else { OLD });
            match save(
                &request(&state, &target, &base, &secrets, edits),
                &mut OpenGate,
                &mut |_: Step| {},
            ) {
                Ok(_) => saved += 1,
                Err(error) => match error.what {
                    What::ChangedUnderneath { .. } | What::Conflict { .. } | What::NeverQuiet { .. } => refused += 1,
                    _ => panic!("{error}"),
                },
            }
        }
        stop.store(true, Ordering::SeqCst);
        (writer.join().unwrap(), saved, refused)
    });
    println!(
        "competing writer: {written} writes, {saved} saves, {refused} refused, {glimpses} taken back in the last \
         instant, 0 lost"
    );
    assert!(written > 0 && saved > 0);
}
