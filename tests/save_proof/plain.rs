//! Saving a file where nothing goes wrong: what is kept, what is written, what is told.

use std::os::unix::fs::MetadataExt as _;

use crate::support::{NEW, OLD, Place, assert_adorned, assert_closed, assert_sums, content, edit};
use kerio_tls::save::{SaveOutcome, What, backups, read_backup};

#[test]
fn a_save_changes_one_value_and_keeps_owner_mode_acl_and_attributes() {
    let place = Place::new(&content(OLD, 50)).adorned();
    let saved = place.save(edit("ServerTlsProtocols", OLD, NEW)).unwrap();
    assert_eq!(saved.outcome, SaveOutcome::Saved);
    assert_eq!(saved.warnings, [] as [String; 0]);
    assert_eq!(place.bytes(), content(NEW, 50));
    assert_adorned(&place.file);
    assert_closed(&place);
    assert_eq!(place.beside(), ["mailserver.cfg"]);
    assert_sums(&place, "after a save");
    let list = backups(&place.state(), &place.target()).unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!(
        read_backup(&place.state(), &place.target(), &list[0].id).unwrap(),
        content(OLD, 50)
    );
    assert_eq!((list[0].mode.as_str(), list[0].owner.as_str()), ("0640", "12345:54321"));
    assert_eq!(
        (list[0].edits[0].old.as_deref(), list[0].edits[0].new.as_deref()),
        (Some(OLD), Some(NEW))
    );
}

#[test]
fn saving_what_is_there_already_writes_nothing_at_all() {
    let place = Place::new(&content(NEW, 0));
    let before = std::fs::metadata(&place.file).unwrap();
    let saved = place.save(edit("ServerTlsProtocols", OLD, NEW)).unwrap();
    assert_eq!(saved.outcome, SaveOutcome::NothingToDo);
    assert_eq!(saved.already.len(), 1);
    let after = std::fs::metadata(&place.file).unwrap();
    assert_eq!((before.ino(), before.ctime_nsec()), (after.ino(), after.ctime_nsec()));
    assert!(backups(&place.state(), &place.target()).unwrap().is_empty());
}

#[test]
fn a_second_save_is_refused_with_the_pid_of_the_first() {
    let place = Place::new(&content(OLD, 0));
    let directory = std::fs::File::open(place.file.parent().unwrap()).unwrap();
    rustix::fs::flock(&directory, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let error = place.save(edit("ServerTlsProtocols", OLD, NEW)).unwrap_err();
    assert!(
        matches!(error.what, What::Locked { pid: Some(pid), .. } if pid == std::process::id()),
        "{error}"
    );
    assert_eq!(place.bytes(), content(OLD, 0));
}
