//! A local user has no power over root's save: not with a lock, a link, a pipe, a name, or a directory that is his.

use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use kerio_tls::files;
use kerio_tls::mailserver_cfg::{Document, EditSet, Secrets};
use kerio_tls::save::{
    Gate, GateError, Note, OpenGate, SaveError, SaveOutcome, Started, StateDir, Step, What, backups, recover, save,
};

use crate::support::{
    Ended, NEW, OLD, Place, Way, content, driver, edit, ended, files_below, names, need, need_root, request,
};

/// A user without any rights (nobody, of Debian).
const NOBODY: u32 = 65534;

fn change() -> EditSet {
    edit("ServerTlsProtocols", OLD, NEW)
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A program of nobody's that holds a lock on a directory until it is dropped.
struct Holder(Child);

impl Holder {
    fn of(directory: &Path) -> Self {
        need("setpriv", "util-linux");
        need("flock", "util-linux");
        let mut child = Command::new("setpriv")
            .args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "flock", "-x"])
            .arg(directory)
            .args(["sh", "-c", "echo held; exec sleep 1000"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = [0; 5];
        child.stdout.as_mut().unwrap().read_exact(&mut said).unwrap();
        assert_eq!(&said, b"held\n");
        Self(child)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // `sleep` has the handle as well; nobody else has a child of this process.
        let children = format!("/proc/{0}/task/{0}/children", self.0.id());
        for pid in std::fs::read_to_string(children).unwrap_or_default().split_whitespace() {
            let _ = Command::new("kill").arg(pid).status();
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn who_may_only_read_the_directory_stops_no_save_with_a_lock_and_is_named() {
    need_root();
    let place = Place::new(&content(OLD, 0));
    mode(place.file.parent().unwrap().parent().unwrap(), 0o755);
    let holder = Holder::of(place.file.parent().unwrap());
    let saved = place.save(change()).unwrap();
    assert_eq!(saved.outcome, SaveOutcome::Saved);
    let named = |warning: &String| warning.contains("of user 65534") && warning.contains("no save of ours");
    assert!(saved.warnings.iter().any(named), "{:?}", saved.warnings);
    assert_eq!(recover(&place.state(), &place.target()).unwrap(), []);
    drop(holder);
}

/// Saves the same file with another state directory, while the first save is between its checks and its exchange.
struct Second<'a> {
    place: &'a Place,
    found: Option<Result<(), SaveError>>,
}

impl Gate for Second<'_> {
    fn before_write(&mut self) -> Result<(), GateError> {
        let other = Place::through(&self.place.file, &self.place.state.with_file_name("other-state"));
        self.found = Some(other.save(edit("Counter", "0", "5")).map(|_| ()));
        Ok(())
    }
}

#[test]
fn two_saves_of_one_file_with_two_state_directories_never_run_at_once() {
    need_root();
    let place = Place::new(&content(OLD, 0));
    // Nobody holds the directory's own lock, so that it is root's lock alone that counts.
    mode(place.file.parent().unwrap().parent().unwrap(), 0o755);
    let holder = Holder::of(place.file.parent().unwrap());
    let mut second = Second {
        place: &place,
        found: None,
    };
    place.save_with(change(), |_| {}, &mut second).unwrap();
    let error = second.found.unwrap().unwrap_err();
    let own = std::process::id();
    assert!(
        matches!(error.what, What::Locked { pid: Some(pid), .. } if pid == own),
        "{error}"
    );
    assert_eq!(place.bytes(), content(NEW, 0));
    drop(holder);
    // Nothing is left of the lock, and only root can open where it was.
    let directory = Path::new("/run/kerio-tls/locks");
    let found = std::fs::metadata(directory).unwrap();
    assert_eq!((found.uid(), found.mode() & 0o777), (0, 0o700));
    let parent = std::fs::metadata(place.file.parent().unwrap()).unwrap();
    assert!(
        !directory
            .join(format!("{:x}-{:x}.lock", parent.dev(), parent.ino()))
            .exists()
    );
}

#[test]
fn a_state_directory_below_one_that_others_could_exchange_is_neither_written_nor_believed() {
    need_root();
    let root = tempfile::tempdir().unwrap();
    mode(root.path(), 0o755);
    let theirs = root.path().join("theirs");
    std::fs::create_dir(&theirs).unwrap();
    std::os::unix::fs::chown(&theirs, Some(NOBODY), None).unwrap();
    std::fs::create_dir(theirs.join("state")).unwrap();
    let refused = |path: &Path| {
        for found in [StateDir::open(path, &[]), StateDir::look(path, &[])] {
            let error = found.unwrap_err();
            assert!(matches!(error.what, What::StateDir { .. }), "{error}");
            assert!(error.to_string().contains("above it belongs to user 65534"), "{error}");
        }
    };
    refused(&theirs.join("state"));
    std::fs::create_dir(theirs.join("state/deeper")).unwrap();
    refused(&theirs.join("state/deeper"));
    // A link of theirs on the way is no better, wherever it leads.
    let ours = root.path().join("ours");
    std::fs::create_dir_all(ours.join("state")).unwrap();
    let sticky = root.path().join("sticky");
    std::fs::create_dir(&sticky).unwrap();
    mode(&sticky, 0o1777);
    symlink(&ours, sticky.join("link")).unwrap();
    assert!(StateDir::open(&sticky.join("link/state"), &[]).is_ok());
    std::os::unix::fs::lchown(sticky.join("link"), Some(NOBODY), None).unwrap();
    let error = StateDir::open(&sticky.join("link/state"), &[]).unwrap_err();
    assert!(error.to_string().contains("belongs to user 65534"), "{error}");
    // What is not there yet would be made below it.
    let error = StateDir::open(&theirs.join("new/state"), &[]).unwrap_err();
    assert!(matches!(error.what, What::StateDir { .. }), "{error}");
}

#[test]
fn a_strangers_link_leads_to_no_file_but_his_own() {
    need_root();
    let root = tempfile::tempdir().unwrap();
    mode(root.path(), 0o755);
    let theirs = root.path().join("theirs");
    std::fs::create_dir(&theirs).unwrap();
    std::fs::write(theirs.join("log"), "his").unwrap();
    std::fs::write(root.path().join("ours"), "ours").unwrap();
    symlink("log", theirs.join("to-his")).unwrap();
    symlink("../ours", theirs.join("to-ours")).unwrap();
    symlink("..", theirs.join("up")).unwrap();
    symlink("/dev/zero", theirs.join("to-device")).unwrap();
    for name in ["", "log", "to-his", "to-ours", "to-device", "up"] {
        std::os::unix::fs::lchown(theirs.join(name), Some(NOBODY), None).unwrap();
    }
    let read = |name: &str| files::read(&theirs.join(name), 100);
    assert_eq!(read("log").unwrap(), b"his");
    assert_eq!(read("to-his").unwrap(), b"his");
    for name in ["to-ours", "up/ours"] {
        let fault = read(name).unwrap_err();
        assert_eq!(
            fault.why,
            files::Why::ForeignLink { link: NOBODY, file: 0 },
            "{name}: {fault}"
        );
    }
    assert!(matches!(read("to-device").unwrap_err().why, files::Why::NotAFile(_)));
    assert!(files::open(&theirs.join("log")).unwrap().changeable().is_some());
}

#[test]
fn a_link_that_was_turned_to_another_servers_file_since_the_review_is_not_followed() {
    let (one, other) = (Place::new(&content(OLD, 0)), Place::new(&content(OLD, 3)));
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("mailserver.cfg");
    symlink(&one.file, &link).unwrap();
    let place = Place::through(&link, &one.state);
    let reviewed = place.target();
    let base = Arc::new(Document::parse(place.bytes()).unwrap());
    std::fs::remove_file(&link).unwrap();
    symlink(&other.file, &link).unwrap();
    let (state, target, secrets) = (place.state(), place.target(), Secrets::default());
    let mut wanted = request(&state, &target, &base, &secrets, change());
    wanted.reviewed = reviewed.path();
    let error = save(&wanted, &mut OpenGate, &mut |_: Step| {}).unwrap_err();
    assert!(matches!(error.what, What::AnotherFile { .. }), "{error}");
    assert_eq!(
        (one.bytes(), other.bytes()),
        (content(OLD, 0), content(OLD, 3)),
        "neither is touched"
    );
    assert!(backups(&other.state(), &other.target()).unwrap().is_empty());
}

/// An engine that does not come up, and whose user puts something else in place of the file meanwhile.
struct Exchanged<'a>(&'a dyn Fn());

impl Gate for Exchanged<'_> {
    fn after_commit(&mut self) -> Started {
        self.0();
        Started::Badly(Vec::new())
    }
}

#[test]
fn a_pipe_or_a_device_in_place_of_the_file_after_the_start_ends_the_roll_back_at_once() {
    need_root();
    for device in [false, true] {
        let place = Place::new(&content(OLD, 0));
        let put = || {
            std::fs::remove_file(&place.file).unwrap();
            if device {
                symlink("/dev/zero", &place.file).unwrap();
            } else {
                let (fifo, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR);
                rustix::fs::mknodat(rustix::fs::CWD, &place.file, fifo, mode, 0).unwrap();
            }
        };
        let saved = place.save_with(change(), |_| {}, &mut Exchanged(&put)).unwrap();
        assert!(matches!(saved.outcome, SaveOutcome::RollBackFailed { .. }), "{saved:?}");
    }
}

#[test]
fn limits_that_would_end_the_save_with_the_engine_stopped_end_it_before_the_stop() {
    need_root();
    need("prlimit", "util-linux");
    for (limit, word) in [
        ("--fsize=200000", "ulimit -f"),
        ("--nofile=24", "ulimit -n"),
        ("--data=20000000", "ulimit -d"),
        ("--cpu=30", "ulimit -t"),
    ] {
        let place = Place::new(&content(OLD, 2000)).adorned();
        let output = driver(&place, &["prlimit", limit], Way::Replace).output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(ended(output.status), Ended::Untouched, "{limit}: {words}");
        assert!(words.contains(word), "{limit}: {words}");
        assert!(!place.engine().exists(), "{limit}: the engine was stopped");
        assert_eq!(place.bytes(), content(OLD, 2000));
    }
}

#[test]
fn too_little_memory_is_found_before_the_stop_whatever_the_limit_is() {
    need_root();
    need("prlimit", "util-linux");
    let place = Place::new(&content(OLD, 0)).adorned();
    let mut named = 0;
    for mebibytes in (48..1024).step_by(24) {
        let limit = format!("--as={}", mebibytes << 20);
        let output = driver(&place, &["prlimit", &limit], Way::Replace).output().unwrap();
        if String::from_utf8_lossy(&output.stderr).contains("ulimit -v") {
            assert_eq!(ended(output.status), Ended::Untouched, "{limit}");
            named += 1;
        } else if place.bytes() != content(OLD, 0) {
            assert_eq!(ended(output.status), Ended::Saved, "{limit}");
            break;
        }
        // With less than that not even the driver runs.
        assert!(!place.engine().exists(), "{limit}: the engine was stopped");
    }
    assert!(named > 0);
}

#[test]
fn a_pipe_as_time_zone_is_not_waited_for_by_a_save() {
    need("timeout", "coreutils");
    let place = Place::new(&content(OLD, 0));
    let pipe = place.state.with_file_name("zone");
    make("a named pipe", &pipe);
    for zone in [pipe.display().to_string(), format!(":{}", pipe.display())] {
        let wrapper = ["timeout", "-s", "KILL", "60"];
        let mut command = driver(&place, &wrapper, Way::Replace);
        let output = command.env("TZ", zone).output().unwrap();
        assert!(
            output.status.success() || output.status.code() != Some(137),
            "{output:?}"
        );
        assert!(matches!(ended(output.status), Ended::Saved), "{output:?}");
        std::fs::write(&place.file, content(OLD, 0)).unwrap();
    }
}

#[test]
fn nothing_that_is_kept_for_people_holds_a_raw_control_or_invisible_character() {
    let root = tempfile::tempdir().unwrap();
    let hostile = "\u{1b}[2J\u{9b}31m\u{202e}\u{200b}\u{7f}x";
    let place = Place::at(&root.path().join(hostile), &content(OLD, 0));
    let note = Note {
        action: "save".into(),
        summary: format!("from {hostile}"),
        words: vec![hostile.into()],
    };
    place
        .save_with(change(), |request| request.note = note.clone(), &mut OpenGate)
        .unwrap();
    let error = place.save(edit("ServerTlsProtocols", OLD, "TLSv1.1")).unwrap_err();
    let state = StateDir::open(&place.state, &[]).unwrap();
    let known = backups(&state, &place.target()).unwrap();
    assert_eq!(
        (known[0].summary.as_str(), &known[0].words),
        (note.summary.as_str(), &note.words)
    );
    let mut texts = vec![error.to_string()];
    for path in files_below(&place.state) {
        if path.extension().is_none_or(|extension| extension != "cfg") {
            texts.push(std::fs::read_to_string(path).unwrap());
        }
    }
    assert!(texts.len() >= 5, "manifest, list, audit, target");
    for text in texts {
        let raw = |c: char| c != '\n' && (c.is_control() || "\u{202e}\u{200b}".contains(c));
        assert!(!text.contains(raw), "{text:?}");
    }
}

/// Puts something that is no file under a name.
fn make(what: &str, path: &Path) {
    let _ = std::fs::remove_file(path);
    match what {
        "a named pipe" => {
            let (fifo, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR);
            rustix::fs::mknodat(rustix::fs::CWD, path, fifo, mode, 0).unwrap();
        }
        "a symbolic link" => symlink("/nowhere/at/all", path).unwrap(),
        _ => std::fs::create_dir(path).unwrap(),
    }
}

/// Words that are for another file, or for a save that failed.
const WRONG: [&str; 4] = ["mailserver.cfg itself", "just now", "no mailserver.cfg", "a moment ago"];

#[test]
fn what_stands_under_a_name_of_ours_is_called_what_it_is_with_advice_that_is_meant_for_it() {
    for what in ["a named pipe", "a symbolic link", "a directory"] {
        let place = Place::new(&content(OLD, 0));
        place.save(change()).unwrap();
        let home = place
            .state
            .join(names(&place.state).into_iter().find(|name| name.len() == 16).unwrap());
        make(what, &place.state.join("audit.jsonl"));
        let saved = place.save(edit("Counter", "0", "1")).unwrap();
        assert_eq!(saved.outcome, SaveOutcome::Saved);
        let warning = saved.warnings.iter().find(|warning| warning.contains("audit")).unwrap();
        assert!(warning.contains(what), "{warning}");
        for wrong in WRONG.iter().chain(&["untouched", "save again"]) {
            assert!(!warning.contains(wrong), "{warning}");
        }
        // The list can be made anew; a directory is nobody's to remove.
        make(what, &home.join("backups/SHA256SUMS"));
        match (place.save(edit("Counter", "1", "2")), what) {
            (Err(error), "a directory") => {
                let words = error.to_string();
                assert!(
                    words.contains("SHA256SUMS: it is a directory, not a file; the file is untouched"),
                    "{words}"
                );
                std::fs::remove_dir(home.join("backups/SHA256SUMS")).unwrap();
            }
            (saved, _) => assert_eq!(saved.unwrap().outcome, SaveOutcome::Saved),
        }
        make(what, &home.join("journal.json"));
        let words = place.save(edit("Counter", "2", "3")).unwrap_err().to_string();
        assert!(
            words.contains(&format!("journal.json: it is {what}, not a file")),
            "{words}"
        );
        assert!(
            words.contains("move it away") && !WRONG.iter().any(|wrong| words.contains(wrong)),
            "{words}"
        );
        let target = place.target();
        make(what, &place.file);
        let words = target.read().unwrap_err().to_string();
        assert!(
            words.contains(&format!(
                "it is {what}, not a file; the file is as the other program left it"
            )),
            "{words}"
        );
        assert!(!WRONG.iter().any(|wrong| words.contains(wrong)), "{words}");
    }
}

#[test]
fn a_path_that_leads_into_the_kernel_is_refused_with_true_words() {
    let elsewhere = tempfile::tempdir().unwrap();
    for leads_to in ["/proc/self/mem", "/proc/kmsg", "/sys/kernel/uevent_seqnum"] {
        let link = elsewhere.path().join("mailserver.cfg");
        let _ = std::fs::remove_file(&link);
        symlink(leads_to, &link).unwrap();
        let words = kerio_tls::save::Target::resolve(&link).unwrap_err().to_string();
        assert!(words.contains("a view into the kernel"), "{leads_to}: {words}");
    }
}
