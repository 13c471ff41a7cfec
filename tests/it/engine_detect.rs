//! Is there an engine, and does it run? Against real processes on the real `/proc`, and against
//! process trees made by hand for what a test cannot arrange (another PID namespace, no rights).

use kerio_tls::engine::{Commands, Controller, EngineError, Places, State, Status};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

/// An install of its own: `app/mailserver.cfg` is a link to `volume/mailserver.cfg`, as in containers.
struct Install {
    dir: tempfile::TempDir,
    children: Vec<Child>,
}

impl Install {
    fn new() -> Install {
        let dir = tempfile::tempdir().unwrap();
        let install = Install {
            dir,
            children: Vec::new(),
        };
        for name in ["app", "volume", "default", "proc"] {
            fs::create_dir(install.path(name)).unwrap();
        }
        fs::write(install.path("volume/mailserver.cfg"), "<config></config>\n").unwrap();
        symlink("../volume/mailserver.cfg", install.path("app/mailserver.cfg")).unwrap();
        install
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    fn places(&self) -> Places {
        let mut places = Places::new(&self.path("app/mailserver.cfg"));
        places.default_dir = self.path("default");
        places.systemd_runs = self.path("no-systemd");
        places.init_script = self.path("no-init-script");
        places
    }

    fn status(&self) -> Status {
        Controller::find(self.places()).status()
    }

    fn put_engine(&self, dir: &str) -> PathBuf {
        let path = self.path(dir).join("mailserver");
        fs::copy("/bin/sleep", &path).unwrap();
        path
    }

    fn run(&mut self, mut command: Command) -> u32 {
        // Another test's child may hold the executable for writing between its fork and its exec.
        let child = loop {
            match command.spawn() {
                Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                    std::thread::sleep(std::time::Duration::from_millis(2))
                }
                other => break other.unwrap(),
            }
        };
        let pid = child.id();
        self.children.push(child);
        // Until the new process has replaced itself with the program, it still looks like this test.
        let own = std::env::current_exe().unwrap();
        while fs::read_link(format!("/proc/{pid}/exe")).unwrap() == own {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        pid
    }

    fn run_engine(&mut self, path: &Path) -> u32 {
        let mut command = Command::new(path);
        command.arg("300");
        self.run(command)
    }
}

impl Drop for Install {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn pids(status: &Status) -> Vec<u32> {
    status.processes.iter().map(|process| process.pid).collect()
}

#[test]
fn without_an_executable_and_a_process_there_is_no_engine() {
    let status = Install::new().status();
    assert_eq!(status.state, State::None, "{}", status.why);
    assert!(status.is_out_of_the_way());
}

#[test]
fn an_executable_without_a_process_is_a_stopped_engine_in_each_of_the_three_places() {
    for dir in ["app", "volume", "default"] {
        let install = Install::new();
        install.put_engine(dir);
        let status = install.status();
        assert_eq!(status.state, State::Stopped, "{dir}: {}", status.why);
    }
}

#[test]
fn a_running_engine_is_found_in_each_of_the_three_places_with_its_start() {
    for dir in ["app", "volume", "default"] {
        let mut install = Install::new();
        let engine = install.put_engine(dir);
        let pid = install.run_engine(&engine);
        let status = install.status();
        assert_eq!(status.state, State::Running, "{dir}: {}", status.why);
        assert_eq!(pids(&status), [pid]);
        assert!(status.since.is_some());
        assert!(!status.is_out_of_the_way());
    }
}

#[test]
fn an_engine_whose_executable_an_update_replaced_still_runs() {
    let mut install = Install::new();
    let engine = install.put_engine("app");
    let pid = install.run_engine(&engine);
    fs::remove_file(&engine).unwrap();
    let status = install.status();
    assert_eq!(status.state, State::Running, "{}", status.why);
    assert_eq!(pids(&status), [pid]);
    install.put_engine("app");
    assert_eq!(pids(&install.status()), [pid]);
}

#[test]
fn an_engine_started_through_another_name_of_its_directory_is_found() {
    let mut install = Install::new();
    install.put_engine("app");
    symlink("app", install.path("alias")).unwrap();
    let pid = install.run_engine(&install.path("alias/mailserver"));
    assert_eq!(pids(&install.status()), [pid]);
}

#[test]
fn an_ended_engine_that_nobody_has_reaped_is_stopped() {
    let mut install = Install::new();
    let engine = install.put_engine("app");
    let pid = install.run_engine(&engine);
    install.children[0].kill().unwrap();
    while !fs::read_to_string(format!("/proc/{pid}/stat"))
        .unwrap()
        .contains(") Z ")
    {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let status = install.status();
    assert_eq!(status.state, State::Stopped, "{}", status.why);
}

#[test]
fn an_engine_elsewhere_with_a_configuration_of_its_own_is_not_ours() {
    let mut install = Install::new();
    fs::create_dir(install.path("other")).unwrap();
    fs::write(install.path("other/mailserver.cfg"), "<config></config>\n").unwrap();
    let engine = install.put_engine("other");
    install.run_engine(&engine);
    let status = install.status();
    assert_eq!(status.state, State::None, "{}", status.why);
}

#[test]
fn a_program_elsewhere_that_only_has_the_engines_name_is_not_ours() {
    let mut install = Install::new();
    fs::create_dir(install.path("other")).unwrap();
    let engine = install.put_engine("other");
    install.run_engine(&engine);
    assert_eq!(install.status().state, State::None);
    fs::remove_file(&engine).unwrap();
    assert_eq!(install.status().state, State::None);
}

#[test]
fn an_engine_elsewhere_whose_configuration_links_to_our_file_is_ours() {
    let mut install = Install::new();
    fs::create_dir(install.path("custom")).unwrap();
    symlink("../volume/mailserver.cfg", install.path("custom/mailserver.cfg")).unwrap();
    let engine = install.put_engine("custom");
    let pid = install.run_engine(&engine);
    let status = install.status();
    assert_eq!(status.state, State::Running, "{}", status.why);
    assert_eq!(pids(&status), [pid]);
}

#[test]
fn a_process_that_has_the_file_open_for_writing_is_in_the_way_and_named() {
    let mut install = Install::new();
    let mut command = Command::new("/bin/sleep");
    command.arg("300").stdout(
        fs::OpenOptions::new()
            .append(true)
            .open(install.path("volume/mailserver.cfg"))
            .unwrap(),
    );
    let pid = install.run(command);
    let status = install.status();
    assert_eq!(status.state, State::Running, "{}", status.why);
    assert_eq!(status.writers[0].pid, pid);
    assert!(status.processes.is_empty());
    assert!(
        status.why.contains("open for writing") && status.why.contains("sleep"),
        "{}",
        status.why
    );
}

#[test]
fn a_process_that_only_reads_the_file_is_not_in_the_way() {
    let mut install = Install::new();
    let mut command = Command::new("/bin/sleep");
    command
        .arg("300")
        .stdin(fs::File::open(install.path("volume/mailserver.cfg")).unwrap());
    install.run(command);
    assert_eq!(install.status().state, State::None);
}

#[test]
fn our_own_open_handle_is_not_in_the_way() {
    let install = Install::new();
    let _handle = fs::OpenOptions::new()
        .write(true)
        .open(install.path("volume/mailserver.cfg"))
        .unwrap();
    for _ in 0..20 {
        // Neither while a child of ours, between its fork and its exec, holds a copy of it.
        let mut child = Command::new("/bin/true").spawn().unwrap();
        assert_eq!(install.status().state, State::None);
        child.wait().unwrap();
    }
}

#[test]
fn a_copy_of_the_file_is_told_from_the_one_that_the_default_engine_uses() {
    let install = Install::new();
    install.put_engine("default");
    fs::write(install.path("default/mailserver.cfg"), "<config></config>\n").unwrap();
    let note = install.status().note.unwrap();
    assert!(note.contains("another file than this one"), "{note}");
}

#[test]
fn an_engine_whose_executable_was_renamed_while_it_ran_still_runs_whatever_lies_in_its_place_now() {
    let mut install = Install::new();
    let engine = install.put_engine("volume");
    let pid = install.run_engine(&engine);
    fs::rename(&engine, install.path("volume/mailserver.old")).unwrap();
    assert_eq!(pids(&install.status()), [pid]);
    install.put_engine("volume");
    let status = install.status();
    assert_eq!((&status.state, pids(&status)), (&State::Running, vec![pid]));
    fs::remove_file(install.path("volume/mailserver.old")).unwrap();
    assert_eq!(pids(&install.status()), [pid]);
}

#[test]
fn an_engine_in_a_place_that_others_can_write_is_unknown_and_never_stopped() {
    use std::os::unix::fs::PermissionsExt;
    for (open, mode) in [("app", 0o777), ("app/mailserver", 0o777)] {
        let mut install = Install::new();
        let engine = install.put_engine("app");
        install.run_engine(&engine);
        fs::set_permissions(install.path(open), fs::Permissions::from_mode(mode)).unwrap();
        let status = install.status();
        assert!(
            matches!(&status.state, State::Unknown(why) if why.contains("writable by others")),
            "{open}: {status:?}"
        );
        assert!(status.processes.is_empty());
        // Then it must not be stopped either: what is there is perhaps not the engine, and would not count as started
        // again.
        let commands = Commands {
            stop: vec!["/bin/false".to_owned()],
            start: vec!["/bin/false".to_owned()],
            status: None,
        };
        let controller = Controller::with_commands(install.places(), commands);
        let error = controller.preflight().unwrap_err();
        assert!(error.to_string().contains("writable by others"), "{error}");
        assert!(!controller.told_to_stop());
    }
}

// Process trees made by hand.

const FIRST_NAMESPACE: &str = "pid:[4026531836]";

/// A tree with a first process and ourselves.
fn tree(install: &Install, namespace: &str) -> Places {
    let mut places = install.places();
    places.proc_root = install.path("proc");
    add_process(&places, 1, 0, "systemd", Some("/usr/lib/systemd/systemd"));
    add_process(&places, 700, 1, "kerio-tls", Some("/usr/bin/kerio-tls"));
    symlink("700", places.proc_root.join("self")).unwrap();
    fs::create_dir(places.proc_root.join("700/ns")).unwrap();
    symlink(namespace, places.proc_root.join("700/ns/pid")).unwrap();
    fs::write(places.proc_root.join("stat"), "cpu 1 2 3\nbtime 1700000000\n").unwrap();
    places
}

fn add_process(places: &Places, pid: u32, parent: u32, name: &str, exe: Option<&str>) {
    let dir = places.proc_root.join(pid.to_string());
    fs::create_dir_all(dir.join("fd")).unwrap();
    fs::write(dir.join("comm"), format!("{name}\n")).unwrap();
    fs::write(
        dir.join("stat"),
        format!("{pid} ({name}) S {parent} 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 500 0 0\n"),
    )
    .unwrap();
    if let Some(exe) = exe {
        symlink(exe, dir.join("exe")).unwrap();
    }
}

/// Whose process it is, and the program that it looks like.
fn of_user(places: &Places, pid: u32, [real, effective]: [u32; 2]) {
    let text = format!("Name:\tx\nUid:\t{real}\t{effective}\t{effective}\t{effective}\nGid:\t0\t0\t0\t0\n");
    fs::write(places.proc_root.join(pid.to_string()).join("status"), text).unwrap();
}

/// The namespaces that it lives in.
fn in_namespaces(places: &Places, pid: u32, pid_ns: &str, mnt_ns: &str) {
    let dir = places.proc_root.join(pid.to_string()).join("ns");
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir(&dir).unwrap();
    symlink(pid_ns, dir.join("pid")).unwrap();
    symlink(mnt_ns, dir.join("mnt")).unwrap();
}

/// The files that it sees are those of this directory.
fn with_root(places: &Places, pid: u32, root: &Path) {
    symlink(root, places.proc_root.join(pid.to_string()).join("root")).unwrap();
}

/// Nobody, who owns nothing here.
const STRANGER: u32 = 4_000_000_000;

fn look(places: &Places) -> Status {
    Controller::find(places.clone()).status()
}

#[test]
fn a_process_tree_made_by_hand_reads_as_the_real_one_does() {
    let install = Install::new();
    let places = tree(&install, FIRST_NAMESPACE);
    assert_eq!(look(&places).state, State::None);
    let exe = format!("{} (deleted)", install.path("app/mailserver").display());
    add_process(&places, 812, 1, "mailserver", Some(&exe));
    let status = look(&places);
    assert_eq!(status.state, State::Running, "{}", status.why);
    assert_eq!((pids(&status), status.processes[0].start_ticks), (vec![812], 500));
}

#[test]
fn in_a_container_without_a_service_an_engine_that_is_not_seen_is_unknown_and_not_stopped() {
    let install = Install::new();
    let places = tree(&install, "pid:[4026532999]");
    install.put_engine("app");
    let status = look(&places);
    assert!(matches!(status.state, State::Unknown(_)), "{status:?}");
    assert!(status.why.contains("container"), "{}", status.why);
}

#[test]
fn in_a_container_that_is_a_system_with_an_init_script_a_stopped_engine_is_stopped() {
    let install = Install::new();
    let mut places = tree(&install, "pid:[4026532999]");
    install.put_engine("app");
    places.init_script = install.put_engine("default");
    let status = look(&places);
    assert_eq!(status.state, State::Stopped, "{}", status.why);
}

#[test]
fn in_a_container_made_only_for_this_program_the_init_script_of_the_image_proves_nothing() {
    let install = Install::new();
    let mut places = tree(&install, "pid:[4026532999]");
    fs::write(places.proc_root.join("1/comm"), "sh\n").unwrap();
    install.put_engine("app");
    places.init_script = install.put_engine("default");
    let status = look(&places);
    assert!(matches!(status.state, State::Unknown(_)), "{status:?}");
    // Brought in from outside (docker exec) the first process is not our ancestor: it is the system that we look at.
    add_process(&places, 700, 0, "kerio-tls", None);
    assert_eq!(look(&places).state, State::Stopped);
}

#[test]
fn a_file_on_a_volume_of_a_container_is_unknown_even_without_an_executable() {
    let install = Install::new();
    let places = tree(&install, "pid:[4026532999]");
    let mount = format!(
        "22 1 0:5 / / rw - overlay overlay rw\n40 22 8:1 /v {} rw - ext4 /dev/sda1 rw\n",
        install.path("volume").display()
    );
    fs::write(places.proc_root.join("700/mountinfo"), mount).unwrap();
    assert!(matches!(look(&places).state, State::Unknown(_)));
}

#[test]
fn processes_that_are_hidden_make_a_stopped_engine_unknown() {
    let install = Install::new();
    let places = tree(&install, FIRST_NAMESPACE);
    install.put_engine("app");
    assert_eq!(look(&places).state, State::Stopped);
    fs::remove_dir_all(places.proc_root.join("1")).unwrap();
    let status = look(&places);
    assert!(status.why.contains("hides"), "{}", status.why);
    assert!(matches!(status.state, State::Unknown(_)));
}

#[test]
fn an_engine_whose_first_thread_alone_has_ended_is_unknown_and_one_that_has_ended_whole_is_stopped() {
    let install = Install::new();
    let places = tree(&install, FIRST_NAMESPACE);
    install.put_engine("app");
    add_process(&places, 812, 1, "mailserver", None);
    let stat = places.proc_root.join("812/stat");
    fs::write(&stat, fs::read_to_string(&stat).unwrap().replace(") S ", ") Z ")).unwrap();
    fs::create_dir_all(places.proc_root.join("812/task/812")).unwrap();
    assert_eq!(look(&places).state, State::Stopped);
    fs::create_dir(places.proc_root.join("812/task/813")).unwrap();
    assert!(matches!(look(&places).state, State::Unknown(_)));
}

#[test]
fn a_process_tree_that_cannot_be_read_is_unknown() {
    let install = Install::new();
    let mut places = install.places();
    install.put_engine("app");
    places.proc_root = install.path("nowhere");
    assert!(matches!(look(&places).state, State::Unknown(_)));
}

#[test]
fn a_process_counts_only_if_it_runs_as_root_or_as_the_owner_of_the_file() {
    use std::os::unix::fs::MetadataExt;
    let install = Install::new();
    let owner = fs::metadata(install.path("volume/mailserver.cfg")).unwrap().uid();
    let engine = install.put_engine("app");
    let engine = engine.to_str().unwrap();
    for (user, state) in [
        ([0, 0], State::Running),
        ([owner, owner], State::Running),
        ([STRANGER, STRANGER], State::Stopped),
        // A program that takes on root's rights was still started by a stranger.
        ([STRANGER, 0], State::Stopped),
    ] {
        let places = tree(&install, FIRST_NAMESPACE);
        add_process(&places, 812, 1, "mailserver", Some(engine));
        of_user(&places, 812, user);
        assert_eq!(look(&places).state, state, "{user:?}");
        fs::remove_dir_all(&places.proc_root).unwrap();
        fs::create_dir(&places.proc_root).unwrap();
    }
}

#[test]
fn what_a_local_user_can_arrange_is_never_the_engine_and_makes_nothing_unknown() {
    let install = Install::new();
    install.put_engine("app");
    fs::create_dir(install.path("home")).unwrap();
    let fake = install.put_engine("home");
    symlink("../volume/mailserver.cfg", install.path("home/mailserver.cfg")).unwrap();
    let places = tree(&install, FIRST_NAMESPACE);
    let gone = format!("{} (deleted)", install.path("app/mailserver").display());
    for (pid, name, exe) in [
        // A copy beside a link to the file; the true path by a mount of his own; a program that is gone; one that
        // cannot be read.
        (901, "mailserver", Some(fake.to_str().unwrap())),
        (902, "mailserver", Some(gone.as_str())),
        (903, "mailserver", Some("/nowhere/mailserver (deleted)")),
        (904, "mailserver", None),
    ] {
        add_process(&places, pid, 1, name, exe);
        of_user(&places, pid, [STRANGER, STRANGER]);
        with_root(&places, pid, Path::new("/"));
    }
    // Its first thread has ended, another one lives.
    let stat = places.proc_root.join("904/stat");
    fs::write(&stat, fs::read_to_string(&stat).unwrap().replace(") S ", ") Z ")).unwrap();
    let thread = places.proc_root.join("904/task/905");
    fs::create_dir_all(&thread).unwrap();
    fs::copy(places.proc_root.join("904/status"), thread.join("status")).unwrap();
    let status = look(&places);
    assert_eq!(status.state, State::Stopped, "{status:?}");
}

#[test]
fn a_program_of_roots_that_was_only_called_by_the_engines_name_is_not_the_engine() {
    // A user can start a set-user-ID program through a link of any name.
    let install = Install::new();
    install.put_engine("app");
    let places = tree(&install, FIRST_NAMESPACE);
    add_process(&places, 812, 1, "mailserver", Some("/bin/sleep"));
    of_user(&places, 812, [0, 0]);
    with_root(&places, 812, Path::new("/"));
    assert_eq!(look(&places).state, State::Stopped);
}

#[test]
fn an_engine_that_is_seen_through_another_name_of_its_file_is_found_by_the_file() {
    let install = Install::new();
    let engine = install.put_engine("app");
    let elsewhere = install.path("default/some-mount");
    fs::hard_link(&engine, &elsewhere).unwrap();
    let places = tree(&install, FIRST_NAMESPACE);
    add_process(&places, 812, 1, "x", Some(elsewhere.to_str().unwrap()));
    assert_eq!(pids(&look(&places)), [812]);
}

#[test]
fn an_engine_whose_first_thread_has_ended_is_known_by_the_threads_that_live() {
    let install = Install::new();
    let engine = install.put_engine("app");
    let places = tree(&install, FIRST_NAMESPACE);
    add_process(&places, 812, 1, "mailserver", None);
    let stat = places.proc_root.join("812/stat");
    fs::write(&stat, fs::read_to_string(&stat).unwrap().replace(") S ", ") Z ")).unwrap();
    let thread = places.proc_root.join("812/task/813");
    fs::create_dir_all(&thread).unwrap();
    symlink(&engine, thread.join("exe")).unwrap();
    fs::write(
        thread.join("stat"),
        "813 (worker) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 900 0 0\n",
    )
    .unwrap();
    let status = look(&places);
    assert_eq!((&status.state, pids(&status)), (&State::Running, vec![812]));
    // The process is named by the start of its first thread.
    assert_eq!(status.processes[0].start_ticks, 500);
    fs::write(
        thread.join("stat"),
        "813 (worker) Z 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 900 0 0\n",
    )
    .unwrap();
    assert_eq!(look(&places).state, State::Stopped);
}

#[test]
fn an_engine_in_a_container_is_known_by_the_configuration_beside_it_and_by_its_user() {
    let install = Install::new();
    install.put_engine("app");
    for (user, beside, found) in [(0, "ours", 1), (0, "theirs", 0), (STRANGER, "ours", 0)] {
        let places = tree(&install, FIRST_NAMESPACE);
        in_namespaces(&places, 700, FIRST_NAMESPACE, "mnt:[1]");
        with_root(&places, 700, Path::new("/"));
        let root = install.path("root");
        fs::create_dir_all(root.join("srv")).unwrap();
        let config = root.join("srv/mailserver.cfg");
        match beside {
            "ours" => fs::hard_link(install.path("volume/mailserver.cfg"), &config).unwrap(),
            _ => fs::write(&config, "<config></config>").unwrap(),
        }
        add_process(&places, 812, 1, "mailserver", Some("/srv/mailserver"));
        of_user(&places, 812, [user, user]);
        in_namespaces(&places, 812, "pid:[2]", "mnt:[2]");
        with_root(&places, 812, &root);
        assert_eq!(look(&places).processes.len(), found, "{user} {beside}");
        fs::remove_dir_all(&places.proc_root).unwrap();
        fs::remove_dir_all(&root).unwrap();
        fs::create_dir(&places.proc_root).unwrap();
    }
}

/// Commands that leave a mark if they are run.
fn commands(install: &Install, status: Option<u8>) -> Commands {
    let mark = install.path("ran").display().to_string();
    let touch = || vec!["/usr/bin/touch".to_owned(), mark.clone()];
    Commands {
        stop: touch(),
        start: touch(),
        status: status.map(|code| {
            let words = ["/bin/sh", "-c", &format!("touch {mark}; exit {code}")];
            words.map(str::to_owned).to_vec()
        }),
    }
}

#[test]
fn a_status_command_is_not_even_asked_where_the_processes_are_seen() {
    let install = Install::new();
    let places = tree(&install, FIRST_NAMESPACE);
    install.put_engine("app");
    for code in [0, 3, 4] {
        let controller = Controller::with_commands(places.clone(), commands(&install, Some(code)));
        assert_eq!(controller.status().state, State::Stopped, "{code}");
        assert!(!install.path("ran").exists());
    }
}

#[test]
fn where_processes_are_not_seen_a_status_command_can_say_that_it_runs_and_never_that_it_is_stopped() {
    let install = Install::new();
    let places = tree(&install, "pid:[4026532999]");
    install.put_engine("app");
    for (code, running) in [(0, true), (3, false), (4, false)] {
        let controller = Controller::with_commands(places.clone(), commands(&install, Some(code)));
        let state = controller.status().state;
        assert_eq!(state == State::Running, running, "{code}: {state:?}");
        assert!(!controller.status().is_out_of_the_way());
        let error = controller.preflight().unwrap_err().to_string();
        assert!(
            error.contains("could not be proven") && error.contains("container"),
            "{error}"
        );
    }
}

#[test]
fn the_administrators_word_that_no_other_container_uses_the_file_makes_an_engine_that_is_not_seen_stopped() {
    let install = Install::new();
    let places = tree(&install, "pid:[4026532999]");
    install.put_engine("app");
    let controller = Controller::find(places.clone());
    let why = controller.status().why;
    assert!(
        why.contains("only_here = true") && why.contains("kerio-tls.toml"),
        "{why}"
    );
    let controller = controller.with_only_here(true);
    assert_eq!(controller.status().state, State::Stopped);
    // It is no word about an engine that is seen.
    add_process(&places, 812, 1, "mailserver", install.path("app/mailserver").to_str());
    assert_eq!(controller.status().state, State::Running);
}

#[test]
fn an_engine_seen_in_this_container_can_be_stopped_there_whatever_its_first_process_is() {
    let install = Install::new();
    let here = "pid:[4026532999]";
    let places = tree(&install, here);
    fs::write(places.proc_root.join("1/comm"), "supervisord\n").unwrap();
    let engine = install.put_engine("app");
    add_process(&places, 812, 1, "mailserver", engine.to_str());
    in_namespaces(&places, 700, here, "mnt:[1]");
    in_namespaces(&places, 812, here, "mnt:[1]");
    let controller = Controller::with_commands(places.clone(), commands(&install, None));
    let warnings = controller.preflight().unwrap();
    assert!(
        warnings.iter().any(|warning| warning.contains("supervisord")),
        "{warnings:?}"
    );
    // One in a container inside of this one was not started here.
    in_namespaces(&places, 812, "pid:[4026533333]", "mnt:[1]");
    assert!(matches!(controller.preflight(), Err(EngineError::Unusable { .. })));
}

#[test]
fn an_engine_with_which_this_container_or_this_program_would_end_is_not_told_to_stop() {
    let install = Install::new();
    let here = "pid:[4026532999]";
    let engine = install.put_engine("app");
    for pid in [1, 600] {
        let places = tree(&install, here);
        add_process(
            &places,
            600,
            1,
            "mailserver",
            (pid == 600).then_some(engine.to_str().unwrap()),
        );
        add_process(&places, 700, 600, "kerio-tls", None);
        if pid == 1 {
            fs::remove_file(places.proc_root.join("1/exe")).unwrap();
            symlink(&engine, places.proc_root.join("1/exe")).unwrap();
        }
        for process in [700, pid] {
            in_namespaces(&places, process, here, "mnt:[1]");
        }
        let controller = Controller::with_commands(places.clone(), commands(&install, None));
        let error = controller.preflight().unwrap_err().to_string();
        assert!(error.contains("from which this program descends"), "{error}");
        assert!(!install.path("ran").exists());
        fs::remove_dir_all(&places.proc_root).unwrap();
        fs::create_dir(&places.proc_root).unwrap();
    }
}

#[test]
fn an_init_script_does_not_stop_the_engine_of_another_container_and_so_nothing_is_stopped() {
    let install = Install::new();
    let mut places = tree(&install, FIRST_NAMESPACE);
    in_namespaces(&places, 700, FIRST_NAMESPACE, "mnt:[1]");
    let engine = install.put_engine("app");
    places.init_script = install.put_engine("default");
    for (pid, namespace) in [(812, FIRST_NAMESPACE), (813, "pid:[4026532999]")] {
        add_process(&places, pid, 1, "mailserver", engine.to_str());
        in_namespaces(&places, pid, namespace, "mnt:[1]");
    }
    let controller = Controller::find(places.clone());
    let status = controller.status();
    assert_eq!((status.state.clone(), pids(&status)), (State::Running, vec![812]));
    assert_eq!(status.others.iter().map(|other| other.pid).collect::<Vec<_>>(), [813]);
    let stop = controller.stop(&mut |_| {}, &std::sync::atomic::AtomicBool::new(false));
    assert!(
        matches!(&stop, Err(EngineError::Unusable { why, .. }) if why.contains("process 813")),
        "{stop:?}"
    );
    assert!(!controller.told_to_stop());
    // The other one alone is in the way of a save as well, but it is not the service that is up.
    fs::remove_dir_all(places.proc_root.join("812")).unwrap();
    let status = controller.status();
    assert!(status.state == State::Running && !status.service_is_up(), "{status:?}");
}

#[test]
fn a_script_that_looks_for_its_engine_by_name_is_not_run_while_another_process_has_the_name() {
    let install = Install::new();
    let engine = install.put_engine("app");
    let mut places = tree(&install, FIRST_NAMESPACE);
    in_namespaces(&places, 700, FIRST_NAMESPACE, "mnt:[1]");
    add_process(&places, 812, 1, "mailserver", engine.to_str());
    in_namespaces(&places, 812, FIRST_NAMESPACE, "mnt:[1]");
    // By its name, or by the first word of its command line alone.
    for (name, called) in [("mailserver", "sleep"), ("sleep", "/srv/mailserver")] {
        add_process(&places, 901, 1, name, None);
        symlink("/bin/sleep", places.proc_root.join("901/exe")).unwrap();
        fs::write(places.proc_root.join("901/cmdline"), format!("{called}\0001000\0")).unwrap();
        of_user(&places, 901, [STRANGER, STRANGER]);
        with_root(&places, 901, Path::new("/"));
        places.init_script = install.path("script");
        fs::write(
            &places.init_script,
            "#!/bin/sh\n[ $(pidof mailserver) ] && kill $(pidof mailserver)\n",
        )
        .unwrap();
        fs::set_permissions(&places.init_script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let controller = Controller::find(places.clone());
        let error = controller
            .stop(&mut |_| {}, &std::sync::atomic::AtomicBool::new(false))
            .unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("process 901") && error.contains(&format!("user {STRANGER}")),
            "{error}"
        );
        assert!(error.contains("by name") && !controller.told_to_stop(), "{error}");
        // Programs of which that is not known are run, and the review says what may happen.
        let controller = Controller::with_commands(places.clone(), commands(&install, None));
        let warnings = controller.preflight().unwrap();
        assert!(
            warnings.iter().any(|warning| warning.contains("process 901")),
            "{warnings:?}"
        );
        fs::remove_dir_all(places.proc_root.join("901")).unwrap();
        assert!(controller.preflight().unwrap().is_empty());
    }
}
