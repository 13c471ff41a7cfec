//! Nothing that is told, and nothing that others may read, holds a secret; and what is kept beside the backups:
//! manifest, audit, draft.

use std::os::unix::fs::MetadataExt as _;

use kerio_tls::mailserver_cfg::{EditSet, Secrets};
use kerio_tls::save::{
    AUDIT_FILE, OpenGate, SaveError, SaveOutcome, What, backups, discard_draft, read_backup, read_draft, recover,
    write_draft,
};

use crate::support::{NEW, OLD, Place, TOKEN, assert_closed, assert_sums, content, edit, files_below};

const TOKEN_2: &str = "D3S:another-token-5eed";

/// No file of ours but copies of the whole file (`.cfg`, 0600) has a token in it.
fn assert_no_token(place: &Place) {
    for path in files_below(&place.state) {
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        let is_copy = path.extension().is_some_and(|extension| extension == "cfg");
        assert!(
            is_copy || !(text.contains(TOKEN) || text.contains(TOKEN_2)),
            "a secret is in {}",
            path.display()
        );
    }
}

#[test]
fn a_changed_secret_is_in_no_manifest_audit_line_or_message_and_cannot_be_undone_alone() {
    let place = Place::new(&content(OLD, 0)).adorned();
    let saved = place.save(edit("AdminPassword", TOKEN, TOKEN_2)).unwrap();
    assert_eq!(saved.outcome, SaveOutcome::Saved);
    let told = format!("{saved:?} {:?}", saved.changed_underneath);
    assert!(!told.contains(TOKEN) && !told.contains(TOKEN_2), "{told}");
    assert_no_token(&place);
    assert_closed(&place);
    let backup = &backups(&place.state(), &place.target()).unwrap()[0];
    assert!(backup.edits[0].masked);
    assert!(matches!(backup.undo().unwrap_err().what, What::BackupBroken { .. }));
}

#[test]
fn a_conflict_about_a_secret_shows_none_of_the_three_values() {
    let place = Place::new(&content(OLD, 0));
    let error = place.save(edit("AdminPassword", "D3S:base-5eed", TOKEN_2)).unwrap_err();
    assert!(matches!(error.what, What::Conflict { .. }));
    let told = format!("{error} {error:?}");
    for secret in [TOKEN, TOKEN_2, "base-5eed"] {
        assert!(!told.contains(secret), "{told}");
    }
    assert_no_token(&place);
}

#[test]
fn edits_of_a_backup_are_undone_on_todays_file_so_that_what_came_since_stays() {
    let place = Place::new(&content(OLD, 0));
    place.save(edit("ServerTlsProtocols", OLD, NEW)).unwrap();
    place.save(edit("Counter", "0", "5")).unwrap();
    let list = backups(&place.state(), &place.target()).unwrap();
    assert_eq!(list.len(), 2);
    assert!(list[0].id > list[1].id, "newest first");
    place.save(list[1].undo().unwrap()).unwrap();
    let expected = String::from_utf8(content(OLD, 0)).unwrap().replace("\">0<", "\">5<");
    assert_eq!(place.bytes(), expected.into_bytes());
}

#[test]
fn a_backup_whose_bytes_were_changed_is_refused() {
    let place = Place::new(&content(OLD, 0));
    place.save(edit("ServerTlsProtocols", OLD, NEW)).unwrap();
    let backup = &backups(&place.state(), &place.target()).unwrap()[0];
    std::fs::write(&backup.path, b"something else").unwrap();
    let error = read_backup(&place.state(), &place.target(), &backup.id).unwrap_err();
    assert!(matches!(error.what, What::BackupBroken { .. }), "{error}");
    for id in ["../../etc/passwd", "000009-20260101T000000Z"] {
        let error = read_backup(&place.state(), &place.target(), id).unwrap_err();
        assert!(matches!(error.what, What::NoSuchBackup { .. }), "{error}");
    }
}

#[test]
fn after_thirty_saves_in_a_day_twenty_backups_are_left_and_the_list_fits() {
    let place = Place::new(&content(OLD, 0));
    for number in 0..30 {
        place
            .save(edit("Counter", &number.to_string(), &(number + 1).to_string()))
            .unwrap();
    }
    let list = backups(&place.state(), &place.target()).unwrap();
    // All of one day, or of two when midnight (UTC) passed meanwhile.
    assert!(list.len() == 20 || list.len() == 21, "{}", list.len());
    assert_sums(&place, "after retention");
    let beside = std::fs::read_dir(list[0].path.parent().unwrap()).unwrap().count();
    assert_eq!(
        beside,
        list.len() * 2 + 1,
        "bytes, manifests and the list, nothing else"
    );
}

#[test]
fn each_save_that_did_or_did_not_happen_is_a_line_of_the_audit_file() {
    let place = Place::new(&content(OLD, 0));
    place.save(edit("ServerTlsProtocols", OLD, NEW)).unwrap();
    place.save(edit("ServerTlsProtocols", OLD, "TLSv1.1")).unwrap_err();
    let path = place.state.join(AUDIT_FILE);
    // A power cut tore the last line; the next one begins on a line of its own.
    let torn = [std::fs::read(&path).unwrap(), b"{\"when\":\"20".to_vec()].concat();
    std::fs::write(&path, torn).unwrap();
    place.save(edit("ServerTlsProtocols", NEW, OLD)).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert_eq!(lines[0]["result"], "saved");
    assert!(lines[1]["result"].as_str().unwrap().starts_with("not saved: "));
    assert_eq!(lines[2]["what"], "Inbound minimum: TLS 1.2");
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn a_draft_comes_back_with_its_date_without_secrets_and_is_gone_when_discarded() {
    let place = Place::new(&content(OLD, 0)).adorned();
    let (state, target) = (place.state(), place.target());
    assert_eq!(read_draft(&state, &target).unwrap(), None);
    let open = edit("ServerTlsProtocols", OLD, NEW);
    let both = open
        .edits()
        .iter()
        .chain(edit("AdminPassword", TOKEN, TOKEN_2).edits())
        .cloned()
        .collect::<Vec<_>>();
    let left_out = write_draft(&state, &target, &EditSet::new(both), &Secrets::default()).unwrap();
    assert_eq!(left_out.len(), 1);
    let draft = read_draft(&state, &target).unwrap().unwrap();
    assert_eq!(draft.edits, open);
    assert!(draft.when.starts_with("20"));
    assert_no_token(&place);
    assert_closed(&place);
    // Recovery does not take it away; discarding does, and so does a draft without edits.
    recover(&state, &target).unwrap();
    assert!(read_draft(&state, &target).unwrap().is_some());
    discard_draft(&state, &target).unwrap();
    assert_eq!(read_draft(&state, &target).unwrap(), None);
}

#[test]
fn two_recoveries_and_a_save_at_once_end_well() {
    let place = Place::new(&content(OLD, 0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    match recover(&place.state(), &place.target()) {
                        Ok(found) => assert_eq!(found, []),
                        Err(SaveError {
                            what: What::Locked { .. },
                            ..
                        }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
        let mut saved = false;
        for _ in 0..2000 {
            match place.save_with(edit("ServerTlsProtocols", OLD, NEW), |_| {}, &mut OpenGate) {
                Ok(_) => {
                    saved = true;
                    break;
                }
                Err(SaveError {
                    what: What::Locked { .. },
                    ..
                }) => std::thread::sleep(std::time::Duration::from_millis(2)),
                Err(error) => panic!("{error}"),
            }
        }
        assert!(saved);
    });
    assert_eq!(place.bytes(), content(NEW, 0));
    assert_eq!(place.beside(), ["mailserver.cfg"]);
}
