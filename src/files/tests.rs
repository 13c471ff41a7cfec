//! What a stranger can put under a name is told apart from what was meant, and what is written is whole.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode};

use super::*;

fn place() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn links_that_lead_in_a_circle_are_called_so() {
    let place = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("b", place.path().join("a")).unwrap();
    std::os::unix::fs::symlink("a", place.path().join("b")).unwrap();
    let fault = resolve(&place.path().join("a")).err().unwrap();
    assert_eq!(fault.why, Why::LinksInACircle);
    assert!(fault.to_string().contains("in a circle"), "{fault}");
}

#[test]
fn a_link_to_nothing_is_told_from_a_file_that_is_not_there() {
    let dir = place();
    symlink("none/at/all", dir.path().join("link")).unwrap();
    symlink(".", dir.path().join("here")).unwrap();
    for (path, nowhere) in [
        ("link", true),
        ("link/x", true),
        ("here/link", true),
        ("here/none", false),
        ("none", false),
    ] {
        let fault = resolve(&dir.path().join(path)).err().unwrap();
        assert_eq!(
            (fault.why == Why::LinkLeadsNowhere, fault.is_missing()),
            (nowhere, !nowhere),
            "{path}: {fault}"
        );
    }
}

#[test]
fn a_regular_file_is_read_also_through_links_and_no_further_than_was_asked() {
    let dir = place();
    let path = dir.path().join("file");
    fs::write(&path, "twelve bytes").unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    symlink("../file", dir.path().join("sub/link")).unwrap();
    symlink(dir.path().join("sub"), dir.path().join("other")).unwrap();
    let link = dir.path().join("other/./link");
    assert_eq!(read(&path, 12).unwrap(), b"twelve bytes");
    assert_eq!(read(&link, 12).unwrap(), b"twelve bytes");
    assert_eq!(resolve(&link).unwrap().path(), fs::canonicalize(&path).unwrap());
    let fault = read(&path, 11).unwrap_err();
    assert_eq!(fault.why, Why::TooLarge { size: 12, limit: 11 });
    assert!(open(&dir.path().join("none")).unwrap_err().is_missing());
}

#[test]
fn what_the_kernel_shows_is_no_file_whatever_leads_there() {
    let dir = place();
    for (name, target) in [
        ("mem", "/proc/self/mem"),
        ("log", "/proc/self/status"),
        ("sys", "/sys/kernel/uevent_seqnum"),
    ] {
        let (link, target) = (dir.path().join(name), Path::new(target));
        symlink(target, &link).unwrap();
        assert!(resolve(&link).unwrap().kind().unwrap().contains("/proc, /sys"));
        for path in [&link, target] {
            for fault in [open(path).unwrap_err(), read(path, 1 << 16).unwrap_err()] {
                assert!(
                    matches!(fault.why, Why::NotAFile(what) if what.contains("kernel")),
                    "{fault}"
                );
            }
        }
    }
    assert_eq!(read_kernel(Path::new("/proc/self/status"), 5).unwrap(), b"Name:");
}

#[test]
fn a_pipe_a_link_or_a_directory_under_the_name_of_a_file_of_ours_is_called_what_it_is() {
    let dir = place();
    rustix::fs::mknodat(CWD, dir.path().join("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    symlink("nowhere", dir.path().join("link")).unwrap();
    fs::create_dir(dir.path().join("dir")).unwrap();
    let directory = Directory::open(dir.path()).unwrap();
    for (name, what) in [
        ("pipe", "a named pipe"),
        ("link", "a symbolic link"),
        ("dir", "a directory"),
    ] {
        let faults = [
            directory.append_to(name).unwrap_err(),
            directory.lock(name).unwrap_err(),
            directory.read(name, 9).unwrap_err(),
        ];
        for fault in faults {
            assert_eq!(fault.why, Why::NotAFile(what), "{fault}");
        }
    }
    assert_eq!(
        directory.write("dir", b"x").unwrap_err().why,
        Why::NotAFile("a directory")
    );
    directory.write("pipe", b"x").unwrap();
    assert_eq!(directory.read("pipe", 9).unwrap().unwrap(), b"x");
}

#[test]
fn pipes_devices_directories_and_rings_of_links_are_refused_at_once() {
    let dir = place();
    rustix::fs::mknodat(CWD, dir.path().join("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    symlink("pipe", dir.path().join("to-pipe")).unwrap();
    symlink("/dev/zero", dir.path().join("to-device")).unwrap();
    symlink("ring", dir.path().join("ring")).unwrap();
    let why = |name: &str| open(&dir.path().join(name)).unwrap_err().to_string();
    assert!(why("pipe").contains("a named pipe"));
    assert!(why("to-pipe").contains("a named pipe"));
    assert!(why("to-device").contains("a device"));
    assert!(why("").contains("a directory"));
    assert!(why("ring").contains("symbolic links"));
    assert!(read(Path::new("/"), 9).is_err());
    let directory = Directory::open(dir.path()).unwrap();
    assert!(directory.read("pipe", 9).is_err());
    assert!(directory.read("to-device", 9).is_err(), "no link is followed in there");
    assert!(directory.append_to("pipe").is_err() && directory.append_to("to-device").is_err());
    assert!(directory.lock("pipe").is_err());
}

#[test]
fn who_could_have_changed_a_file_is_found_in_its_mode_and_in_the_directories_above() {
    let dir = place();
    let above = dir.path().join("above");
    let inside = above.join("inside");
    fs::create_dir_all(&inside).unwrap();
    mode(&above, 0o755);
    mode(&inside, 0o700);
    let path = inside.join("file");
    fs::write(&path, "x").unwrap();
    mode(&path, 0o600);
    // The temporary directory lies in /tmp, which is sticky and root's.
    let changeable = |path: &Path| open(path).unwrap().changeable();
    assert_eq!(changeable(&path), None);
    assert_eq!(Directory::open(&inside).unwrap().changeable().unwrap(), None);
    mode(&path, 0o602);
    assert!(
        changeable(&path)
            .unwrap()
            .contains("others may write to it (mode 0602)")
    );
    mode(&path, 0o600);
    mode(&above, 0o777);
    let found = changeable(&path).unwrap();
    assert!(found.contains("above it (mode 0777)"), "{found}");
    let directory = Directory::open(&inside).unwrap();
    assert!(directory.replaceable().is_some() && directory.changeable().unwrap().is_some());
    let found = directory.open_file("file").unwrap().unwrap();
    assert!(found.changeable().is_some());
    mode(&above, 0o755);
    mode(&inside, 0o777);
    let directory = Directory::open(&inside).unwrap();
    assert!(directory.replaceable().is_none() && directory.changeable().unwrap().is_some());
    assert!(directory.open_file("file").unwrap().unwrap().changeable().is_some());
    assert!(directory.sub("deeper").unwrap().changeable().unwrap().is_some());
}

#[test]
fn a_small_file_is_written_whole_private_and_never_through_a_link() {
    let dir = place();
    let directory = Directory::open(dir.path()).unwrap();
    let victim = dir.path().join("victim");
    fs::write(&victim, "victim").unwrap();
    symlink(&victim, dir.path().join("name")).unwrap();
    directory.write("name", b"ours").unwrap();
    assert_eq!(fs::read(&victim).unwrap(), b"victim");
    let written = dir.path().join("name");
    let found = fs::symlink_metadata(&written).unwrap();
    assert!(found.is_file() && found.permissions().mode() & 0o7777 == 0o600);
    directory.write("name", b"ours again").unwrap();
    assert_eq!(directory.read("name", 99).unwrap().unwrap(), b"ours again");
    let permissions = Permissions {
        mode: 0o644,
        owner: None,
    };
    directory.write_for("name", b"open", permissions).unwrap();
    assert_eq!(fs::metadata(&written).unwrap().permissions().mode() & 0o7777, 0o644);
    assert_eq!(directory.names().unwrap(), ["name", "victim"]);
    fs::create_dir(dir.path().join("taken")).unwrap();
    directory.write("taken", b"x").unwrap_err();
    assert_eq!(
        directory.names().unwrap(),
        ["name", "taken", "victim"],
        "nothing is left over"
    );
}

#[test]
fn of_two_who_want_a_lock_one_gets_it_until_he_is_done() {
    let dir = place();
    let directory = Directory::open(dir.path()).unwrap();
    let held = directory.lock("lock").unwrap();
    assert!(held.is_some());
    assert!(directory.lock("lock").unwrap().is_none());
    drop(held);
    assert!(directory.lock("lock").unwrap().is_some());
}
