//! Is there an engine, and does it run? Against real processes on the real `/proc`, and against
//! process trees made by hand for what a test cannot arrange (another PID namespace, no rights).

use kerio_tls::engine::{Controller, Places, State, Status};
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
