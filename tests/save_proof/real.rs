//! What file systems really do: full, read-only, immutable, mounted over, linked, or no file at all.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use kerio_tls::save::{
    InPlaceWhy, OnDisk, OpenGate, SaveError, SaveOutcome, StateDir, Target, Trouble, What, backups, preflight, recover,
};

use crate::support::{NEW, OLD, Place, assert_adorned, assert_sums, content, edit, need, need_root, run};

/// Something mounted, unmounted at the end.
pub(crate) struct Mounted(pub(crate) PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn mount(arguments: &[&str]) -> Mounted {
    need_root();
    need("mount", "mount");
    run("mount", arguments);
    Mounted(PathBuf::from(arguments.last().unwrap()))
}

fn change() -> kerio_tls::mailserver_cfg::EditSet {
    edit("ServerTlsProtocols", OLD, NEW)
}

fn trouble(error: &SaveError) -> &Trouble {
    match (&error.what, &error.on_disk) {
        (What::Disk { trouble, .. }, OnDisk::Untouched) => trouble,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_full_disk_is_found_before_anything_is_touched_and_says_need_and_free() {
    let root = tempfile::tempdir().unwrap();
    let _mounted = mount(&["-t", "tmpfs", "-o", "size=64k", "none", root.path().to_str().unwrap()]);
    let place = Place::at(root.path(), &content(OLD, 700));
    let error = place.save(change()).unwrap_err();
    assert!(
        matches!(trouble(&error), Trouble::NoRoom { need, free: Some(free) } if need > free),
        "{error}"
    );
    assert!(error.to_string().contains("the file is untouched"));
    assert_eq!(place.bytes(), content(OLD, 700));
    assert_eq!(place.beside(), ["mailserver.cfg"]);
}

#[test]
fn a_disk_that_fills_up_during_the_save_leaves_the_old_file_and_no_leftovers() {
    let (root, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let _mounted = mount(&["-t", "tmpfs", "-o", "size=1m", "none", root.path().to_str().unwrap()]);
    let mut place = Place::at(root.path(), &content(OLD, 700));
    place.state = state.path().join("state");
    struct Filler(PathBuf);
    impl kerio_tls::save::Gate for Filler {
        fn before_write(&mut self) -> Result<(), kerio_tls::save::GateError> {
            // After all checks: another program fills the disk.
            let error = std::fs::write(self.0.join("filler"), vec![1_u8; 2 << 20]).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
            Ok(())
        }
        fn after_commit(&mut self) -> kerio_tls::save::Started {
            unreachable!()
        }
        fn before_roll_back(&mut self) -> Result<(), kerio_tls::save::GateError> {
            unreachable!()
        }
        fn after_roll_back(&mut self) -> kerio_tls::save::Started {
            unreachable!()
        }
    }
    let error = place
        .save_with(change(), |_| {}, &mut Filler(root.path().into()))
        .unwrap_err();
    assert!(matches!(trouble(&error), Trouble::NoRoom { .. }), "{error:?}");
    assert_eq!(place.bytes(), content(OLD, 700));
    assert_eq!(place.beside(), ["mailserver.cfg"]);
    assert!(backups(&place.state(), &place.target()).unwrap().is_empty());
}

#[test]
fn a_read_only_file_system_is_named() {
    let place = Place::new(&content(OLD, 0));
    let directory = place.file.parent().unwrap().to_str().unwrap().to_owned();
    let _mounted = mount(&["--bind", &directory, &directory]);
    run("mount", &["-o", "remount,bind,ro", &directory]);
    assert_eq!(trouble(&place.save(change()).unwrap_err()), &Trouble::ReadOnly);
}

#[test]
fn an_immutable_file_or_directory_is_named_with_chattr() {
    need_root();
    need("chattr", "e2fsprogs");
    for whole_directory in [false, true] {
        let place = Place::new(&content(OLD, 0));
        let what = if whole_directory {
            place.file.parent().unwrap()
        } else {
            &place.file
        };
        run("chattr", &["+i", what.to_str().unwrap()]);
        let error = place.save(change()).unwrap_err();
        run("chattr", &["-i", what.to_str().unwrap()]);
        assert_eq!(trouble(&error), &Trouble::Immutable);
        assert!(error.to_string().contains("chattr -i"), "{error}");
        assert_eq!(place.save(change()).unwrap().outcome, SaveOutcome::Saved);
    }
}

#[test]
fn a_symbolic_link_is_followed_and_stays_a_link() {
    let place = Place::new(&content(OLD, 0)).adorned();
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("mailserver.cfg");
    symlink(&place.file, &link).unwrap();
    let through = Place::through(&link, &place.state);
    assert_eq!(through.save(change()).unwrap().outcome, SaveOutcome::Saved);
    assert!(std::fs::symlink_metadata(&link).unwrap().file_type().is_symlink());
    assert_eq!(place.bytes(), content(NEW, 0));
    assert_adorned(&place.file);
    // One state for both ways to the file.
    assert_eq!(backups(&place.state(), &place.target()).unwrap().len(), 1);
}

#[test]
fn what_is_not_a_file_is_named_for_what_it_is() {
    let root = tempfile::tempdir().unwrap();
    let message = |path: &Path| Target::resolve(path).unwrap_err().to_string();
    assert!(message(root.path()).contains("is a directory"));
    assert!(message(Path::new("/dev/null")).contains("is a device"));
    assert!(message(&root.path().join("absent")).contains("no such file"));
    let link = root.path().join("link");
    symlink("nowhere", &link).unwrap();
    assert!(message(&link).contains("leads to nothing"));
    let pipe = root.path().join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    assert!(message(&pipe).contains("a named pipe"));
}

#[test]
fn a_single_file_bind_mount_is_written_in_place_only_after_a_yes() {
    let place = Place::new(&content(OLD, 300)).adorned();
    let mount_point = place.file.parent().unwrap().parent().unwrap().join("mounted.cfg");
    std::fs::write(&mount_point, b"").unwrap();
    let _mounted = mount(&["--bind", place.file.to_str().unwrap(), mount_point.to_str().unwrap()]);
    let through = Place::through(&mount_point, &place.state);
    let before = std::fs::metadata(&place.file).unwrap().ino();
    let error = through.save(change()).unwrap_err();
    assert!(
        matches!(
            error.what,
            What::InPlaceNeeded {
                why: InPlaceWhy::MountPoint,
                ..
            }
        ),
        "{error:?}"
    );
    let saved = through
        .save_with(change(), |request| request.allow_in_place = true, &mut OpenGate)
        .unwrap();
    assert_eq!(saved.outcome, SaveOutcome::Saved);
    assert_eq!(place.bytes(), content(NEW, 300));
    assert_eq!(std::fs::metadata(&place.file).unwrap().ino(), before);
    assert_adorned(&place.file);
    assert_sums(&place, "in place");
    // And longer again, which must extend.
    let edits = edit("ServerTlsProtocols", NEW, &"TLSv1.2,".repeat(2000));
    through
        .save_with(edits, |request| request.allow_in_place = true, &mut OpenGate)
        .unwrap();
    assert_eq!(place.bytes(), content(&"TLSv1.2,".repeat(2000), 300));
}

#[test]
fn a_file_with_two_names_is_written_in_place_only_after_a_yes_and_both_names_see_it() {
    let place = Place::new(&content(OLD, 0)).adorned();
    let second = place.state.with_file_name("second-name.cfg");
    std::fs::hard_link(&place.file, &second).unwrap();
    let error = place.save(change()).unwrap_err();
    assert!(
        matches!(
            error.what,
            What::InPlaceNeeded {
                why: InPlaceWhy::HardLinks(2),
                ..
            }
        ),
        "{error:?}"
    );
    place
        .save_with(change(), |request| request.allow_in_place = true, &mut OpenGate)
        .unwrap();
    assert_eq!(std::fs::read(second).unwrap(), content(NEW, 0));
    assert_adorned(&place.file);
}

#[test]
fn in_place_on_a_full_disk_finds_that_out_before_the_first_byte() {
    let (root, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let _mounted = mount(&["-t", "tmpfs", "-o", "size=512k", "none", root.path().to_str().unwrap()]);
    let mut place = Place::at(root.path(), &content(OLD, 700));
    place.state = state.path().join("state");
    std::fs::hard_link(&place.file, root.path().join("second-name.cfg")).unwrap();
    let long = "TLSv1.2,".repeat(80_000);
    let error = place
        .save_with(
            edit("ServerTlsProtocols", OLD, &long),
            |request| request.allow_in_place = true,
            &mut OpenGate,
        )
        .unwrap_err();
    assert!(matches!(trouble(&error), Trouble::NoRoom { .. }), "{error:?}");
    assert_eq!(place.bytes(), content(OLD, 700));
}

#[test]
fn the_default_acl_of_a_directory_does_not_open_the_new_file() {
    need_root();
    need("setfacl", "acl");
    let place = Place::new(&content(OLD, 0));
    let directory = place.file.parent().unwrap();
    run("setfacl", &["-d", "-m", "u:23456:rw,o::r", directory.to_str().unwrap()]);
    place.save(change()).unwrap();
    let mut value = [0_u8; 64];
    assert_eq!(
        rustix::fs::getxattr(&place.file, "system.posix_acl_access", &mut value[..]),
        Err(rustix::io::Errno::NODATA)
    );
    assert_eq!(std::fs::metadata(&place.file).unwrap().mode() & 0o777, 0o640);
}

#[test]
fn a_state_directory_that_others_could_have_filled_is_not_used() {
    need_root();
    let root = tempfile::tempdir().unwrap();
    let refused = |path: &Path| matches!(StateDir::open(path, &[]).unwrap_err().what, What::StateDir { .. });
    let open = root.path().join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o770)).unwrap();
    assert!(refused(&open));
    let foreign = root.path().join("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::os::unix::fs::chown(&foreign, Some(12345), None).unwrap();
    assert!(refused(&foreign));
    let link = root.path().join("link");
    symlink("/root", &link).unwrap();
    assert!(refused(&link));
    // One that others may only read is closed.
    let readable = root.path().join("readable");
    std::fs::create_dir(&readable).unwrap();
    StateDir::open(&readable, &[]).unwrap();
    assert_eq!(std::fs::metadata(&readable).unwrap().mode() & 0o777, 0o700);
}

#[test]
fn preflight_tells_owner_mode_and_room_and_changes_nothing() {
    let place = Place::new(&content(OLD, 0)).adorned();
    let (target, state) = (place.target(), place.state());
    let found = preflight(&target, &state, 1000).unwrap();
    assert_eq!(
        (found.owner.as_str(), found.group.as_str(), found.mode),
        ("12345", "54321", 0o640)
    );
    assert!(found.refuse(&state, false).is_ok());
    assert_eq!((found.in_place, found.immutable, found.read_only), (None, false, false));
    assert_eq!(place.beside(), ["mailserver.cfg"]);
}

#[test]
fn what_lies_beside_the_file_and_is_named_like_ours_is_neither_read_nor_removed() {
    let place = Place::new(&content(OLD, 0));
    place.save(change()).unwrap();
    let copy = place.file.with_file_name(".mailserver.cfg.kerio-tls-0123456789abcdef");
    std::fs::write(&copy, content(OLD, 0)).unwrap();
    let pipe = place.file.with_file_name(".mailserver.cfg.kerio-tls-fedcba9876543210");
    let (fifo, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, fifo, mode, 0).unwrap();
    let read_at = || std::fs::metadata(&copy).unwrap().atime_nsec();
    let before = read_at();
    assert_eq!(recover(&place.state(), &place.target()).unwrap(), []);
    place.save(edit("ServerTlsProtocols", NEW, OLD)).unwrap();
    assert_eq!(read_at(), before);
    assert_eq!(std::fs::read(&copy).unwrap(), content(OLD, 0));
    assert!(pipe.exists());
}
