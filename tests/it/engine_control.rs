//! Stop, start and watch without systemd: by an init script, and by commands of the administrator's,
//! with the stand-in engine of `tests/systemd` (a copy of perl, which every Debian has) in a directory of its own.

use kerio_tls::engine::{
    Commands, Controller, EngineError, Places, Service, StartedWell, State, Timing, arm, listening_ports,
};
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// An engine with an init script, in a temporary directory.
struct Install {
    dir: tempfile::TempDir,
    port: u16,
}

impl Install {
    fn new(conf: &str) -> Install {
        let dir = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let install = Install { dir, port };
        let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/systemd");
        assert!(
            Path::new("/usr/bin/perl").exists(),
            "perl is missing: install the Debian package perl-base"
        );
        // By `cp`, not by this process: a child of another test would hold the executable open for writing.
        let copied = std::process::Command::new("cp")
            .arg("/usr/bin/perl")
            .arg(install.path("mailserver"))
            .status();
        assert!(copied.unwrap().success());
        fs::copy(files.join("engine.pl"), install.path("engine.pl")).unwrap();
        fs::copy(files.join("mailserver.cfg"), install.path("mailserver.cfg")).unwrap();
        let script = fs::read_to_string(files.join("kerio-connect.init")).unwrap();
        let script = script
            .replace(
                "dir=/opt/kerio/mailserver",
                &format!("dir={}", install.path("").display()),
            )
            .replace(
                "pid_file=/run/kms.pid",
                &format!("pid_file={}", install.path("kms.pid").display()),
            );
        install.write_script("init", &script);
        install.conf(conf);
        install
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    /// By `install`, for the same reason as above.
    /// Exchanges a part of a script, which must be there.
    fn change_script(&self, name: &str, part: &str, with: &str) {
        let script = fs::read_to_string(self.path(name)).unwrap();
        assert!(script.contains(part), "{script}");
        self.write_script(name, &script.replace(part, with));
    }

    fn write_script(&self, name: &str, text: &str) {
        use std::io::Write;
        let mut command = std::process::Command::new("install");
        command
            .args(["-m", "755", "/dev/stdin"])
            .arg(self.path(name))
            .stdin(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }

    fn conf(&self, conf: &str) {
        let own = format!(
            "daemon=1\nport={}\npid_file={}\n",
            self.port,
            self.path("kms.pid").display()
        );
        fs::write(self.path("stand-in.conf"), own + conf).unwrap();
    }

    fn places(&self) -> Places {
        let mut places = Places::new(&self.path("mailserver.cfg"));
        places.default_dir = self.path("no-default");
        places.systemd_runs = self.path("no-systemd");
        places.init_script = self.path("init");
        places
    }

    fn controller(&self) -> Controller {
        Controller::find(self.places()).with_timing(quick())
    }

    fn by_commands(&self, status: Option<&str>) -> Controller {
        let words = |verb: &str| vec![self.path("init").to_str().unwrap().to_owned(), verb.to_owned()];
        let commands = Commands {
            stop: words("stop"),
            start: words("start"),
            status: status.map(words),
        };
        Controller::with_commands(self.places(), commands).with_timing(quick())
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path("mailserver.cfg")).unwrap()
    }
}

impl Drop for Install {
    fn drop(&mut self) {
        // Only what is surely ours: processes that run the executable in our directory. One that forks meanwhile is
        // found in the next round.
        let engine = self.path("mailserver");
        loop {
            let entries = fs::read_dir("/proc").unwrap().flatten();
            let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
            let ours = pids.filter(|pid| fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == engine));
            let ours: Vec<i32> = ours.collect();
            if ours.is_empty() {
                return;
            }
            for pid in ours.into_iter().filter_map(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn quick() -> Timing {
    Timing {
        patience: Duration::from_secs(20),
        watch: Duration::from_secs(1),
        appear: Duration::from_secs(3),
        poll: Duration::from_millis(50),
        quiet: Duration::from_millis(100),
        no_effect: Duration::from_secs(2),
        after_all: Duration::from_secs(3),
    }
}

fn round(install: &Install, controller: &Controller) {
    let started = controller.start(&mut |_| {}).unwrap();
    let well = controller
        .watch(&started, &[], &mut |_| {}, &mut || Err("one is gone".to_owned()))
        .unwrap();
    assert_eq!(well.ports, [format!("0.0.0.0:{}", install.port).parse().unwrap()]);
    assert_eq!(well.values, Err("one is gone".to_owned()));
    let status = controller.status();
    assert_eq!(status.state, State::Running, "{status:?}");
    assert_eq!(
        listening_ports(Path::new("/proc"), &[status.processes[0].pid]),
        well.ports
    );
    let stopped = controller.stop(&mut |_| {}, &AtomicBool::new(false)).unwrap();
    assert!(stopped.was_running);
    assert_eq!(stopped.ports, well.ports);
    assert!(
        install.text().contains(">77<"),
        "the stop did not write the file: {}",
        install.text()
    );
    controller.prove_stopped().unwrap();
}

/// Starts the engine, and watches it until it counts as started well.
fn start_well(controller: &Controller) -> StartedWell {
    let started = controller.start(&mut |_| {}).unwrap();
    controller.watch(&started, &[], &mut |_| {}, &mut || Ok(())).unwrap()
}

#[test]
fn an_init_script_does_a_whole_round() {
    let install = Install::new("on_stop=>0<|>77<\n");
    let controller = install.controller();
    let script = install.path("init");
    assert_eq!(
        controller.service(),
        Some(&Service::InitScript { path: script.clone() })
    );
    assert_eq!(
        controller.planned(),
        [
            format!("{} stop", script.display()),
            format!("{} start", script.display())
        ]
    );
    round(&install, &controller);
}

#[test]
fn commands_of_the_administrator_do_a_whole_round() {
    let install = Install::new("on_stop=>0<|>77<\n");
    round(&install, &install.by_commands(Some("status")));
}

/// An init script as the vendor's is: its `status` ends with 0 whatever the engine does.
fn whose_status_is_always_0(install: &Install) {
    install.change_script("init", "status) alive && exit 0 || exit 3 ;;", "status) exit 0 ;;");
}

#[test]
fn a_status_that_is_always_0_keeps_no_engine_down_neither_as_a_script_nor_as_a_command() {
    let install = Install::new("on_stop=>0<|>77<\n");
    whose_status_is_always_0(&install);
    assert_eq!(install.by_commands(Some("status")).status().state, State::Stopped);
    round(&install, &install.by_commands(Some("status")));
    install.conf("");
    round(&install, &install.controller());
}

#[test]
fn the_commands_that_the_default_preferences_give_as_their_example_do_a_whole_round_with_such_a_script() {
    let install = Install::new("on_stop=>0<|>77<\n");
    whose_status_is_always_0(&install);
    let text = include_str!("../../assets/kerio-tls.toml");
    let example = |name: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("# {name} = [")))
            .unwrap();
        let words = line
            .trim_end_matches(']')
            .split(", ")
            .map(|word| word.trim_matches('"').to_owned());
        let script = install.path("init").to_str().unwrap().to_owned();
        words
            .map(|word| {
                if word == "/etc/init.d/kerio-connect" {
                    script.clone()
                } else {
                    word
                }
            })
            .collect::<Vec<_>>()
    };
    let (stop, start) = (example("stop"), example("start"));
    assert_eq!(
        (stop.len(), start.len()),
        (2, 2),
        "the example is read as the script and one word"
    );
    assert!(!text.contains("# status = "));
    let commands = Commands {
        stop,
        start,
        status: None,
    };
    round(
        &install,
        &Controller::with_commands(install.places(), commands).with_timing(quick()),
    );
}

#[test]
fn a_stop_script_that_did_nothing_is_given_up_with_its_words_and_the_engine_is_left_as_it_was() {
    let install = Install::new("");
    let controller = install.controller();
    controller.start(&mut |_| {}).unwrap();
    let before = controller.status().processes;
    install.write_script(
        "init",
        &format!(
            "#!/bin/sh\necho \"[: unexpected operator\" >&2; [ $1 != start ] || touch {}\n",
            install.path("started").display()
        ),
    );
    let error = controller.stop(&mut |_| {}, &AtomicBool::new(false)).unwrap_err();
    assert!(
        matches!(&error, EngineError::NotStopped { why, waited_s, .. } if why.contains("[: unexpected \
            operator") && *waited_s < 15),
        "{error}"
    );
    start_well(&controller);
    assert_eq!(controller.status().processes, before);
    assert!(!install.path("started").exists());
}

#[test]
fn a_stop_script_that_does_nothing_without_a_word_is_given_up_too_and_what_is_said_then_is_true() {
    let install = Install::new("");
    let controller = install.controller();
    controller.start(&mut |_| {}).unwrap();
    let before = controller.status().processes;
    install.write_script("init", "#!/bin/sh\nexit 0\n");
    let error = controller.stop(&mut |_| {}, &AtomicBool::new(false)).unwrap_err();
    assert!(
        matches!(&error, EngineError::NotStopped { why, waited_s, .. } if why.contains("it said \
            nothing") && *waited_s < 15),
        "{error}"
    );
    let cancelled = controller.stop(&mut |_| {}, &AtomicBool::new(true)).unwrap_err();
    assert_eq!(cancelled, EngineError::Cancelled);
    let well = start_well(&controller);
    assert!(well.never_ended);
    assert_eq!(controller.status().processes, before);
}

#[test]
fn a_slow_engine_is_not_taken_for_one_that_was_not_told_to_stop() {
    let install = Install::new("stop_takes=4\n");
    let controller = install.controller();
    controller.start(&mut |_| {}).unwrap();
    install.change_script("init", "\tkill \"$(pid)\"\n", "\tkill \"$(pid)\"; exit 0\n");
    assert!(
        controller
            .stop(&mut |_| {}, &AtomicBool::new(false))
            .unwrap()
            .was_running
    );
    let well = start_well(&controller);
    assert!(!well.never_ended);
}

#[test]
fn a_strangers_process_of_the_engines_name_does_not_keep_the_engine_down() {
    let install = Install::new("");
    let controller = install.controller();
    controller.start(&mut |_| {}).unwrap();
    controller.stop(&mut |_| {}, &AtomicBool::new(false)).unwrap();
    // As the vendor's does, which finds any process of that name.
    install.change_script(
        "init",
        "start) alive ||",
        "start) echo pidof: already running; exit 0; alive ||",
    );
    let elsewhere = tempfile::tempdir().unwrap();
    let copied = std::process::Command::new("cp")
        .arg("/bin/sleep")
        .arg(elsewhere.path().join("mailserver"))
        .status();
    assert!(copied.unwrap().success());
    let mut namesake = std::process::Command::new(elsewhere.path().join("mailserver"))
        .arg("1000")
        .spawn()
        .unwrap();
    start_well(&controller);
    let status = controller.status();
    namesake.kill().unwrap();
    namesake.wait().unwrap();
    assert_eq!((status.state, status.processes.len()), (State::Running, 1));
}

#[test]
fn an_engine_that_ends_after_its_stop_was_given_up_is_started_again() {
    let install = Install::new("");
    let controller = install.controller();
    controller.start(&mut |_| {}).unwrap();
    let before = controller.status().processes[0].pid;
    install.change_script(
        "init",
        "\tkill \"$(pid)\"\n",
        "\techo odd >&2; (sleep 4; kill \"$(pid)\") & exit 0\n",
    );
    let error = controller.stop(&mut |_| {}, &AtomicBool::new(false)).unwrap_err();
    assert!(matches!(error, EngineError::NotStopped { .. }), "{error}");
    start_well(&controller);
    let status = controller.status();
    assert_eq!(status.state, State::Running);
    assert_ne!(status.processes[0].pid, before);
}

#[test]
fn nothing_is_started_into_an_engine_that_is_still_stopping() {
    for takes in [1, 4] {
        let install = Install::new(&format!("stop_takes={takes}\n"));
        let controller = install.controller();
        controller.start(&mut |_| {}).unwrap();
        let before = controller.status().processes[0].pid;
        install.change_script("init", "\tkill \"$(pid)\"\n", "\tkill \"$(pid)\"; exit 0\n");
        let cancel = AtomicBool::new(true);
        let error = controller.stop(&mut |_| {}, &cancel).unwrap_err();
        assert_eq!(error, EngineError::Cancelled);
        start_well(&controller);
        let status = controller.status();
        assert_eq!((status.state, status.processes.len()), (State::Running, 1));
        assert_ne!(status.processes[0].pid, before, "{takes}");
    }
}

#[test]
fn a_stop_script_that_never_sees_the_end_of_the_engine_does_not_keep_it_down() {
    let install = Install::new("");
    let controller = install.controller();
    controller.start(&mut |_| {}).unwrap();
    let before = controller.status().processes[0].pid;
    install.change_script(
        "init",
        "\tfor _ in $(seq 100); do alive || break; sleep 0.1; done\n",
        "\tsleep 100; kill \"$(pid)\"\n",
    );
    let stopped = controller.stop(&mut |_| {}, &AtomicBool::new(false)).unwrap();
    assert!(
        stopped.was_running && stopped.took < Duration::from_secs(15),
        "{stopped:?}"
    );
    start_well(&controller);
    let status = controller.status();
    assert_eq!(status.state, State::Running);
    assert_ne!(status.processes[0].pid, before);
}

#[test]
fn a_start_script_that_calls_it_an_error_that_the_engine_runs_already_is_not_believed_over_the_engine() {
    let install = Install::new("");
    let controller = install.controller();
    controller.start(&mut |_| {}).unwrap();
    controller.stop(&mut |_| {}, &AtomicBool::new(false)).unwrap();
    install.change_script(
        "init",
        "start) alive ||",
        "start) alive && { echo already running; exit 2; };",
    );
    // Somebody else was quicker.
    assert!(
        std::process::Command::new(install.path("init"))
            .arg("start")
            .status()
            .unwrap()
            .success()
    );
    start_well(&controller);
    assert_eq!(controller.status().state, State::Running);
}

#[test]
fn an_engine_that_something_else_starts_again_at_once_is_told_without_the_whole_patience() {
    let install = Install::new("");
    let controller = install.controller().with_timing(Timing {
        patience: Duration::from_secs(120),
        ..quick()
    });
    controller.start(&mut |_| {}).unwrap();
    install.change_script(
        "init",
        "\tfor _ in",
        "\twhile alive; do sleep 0.1; done; \"$0\" start; exit 0\n\tfor _ in",
    );
    let error = controller.stop(&mut |_| {}, &AtomicBool::new(false)).unwrap_err();
    assert!(
        matches!(&error, EngineError::NotStopped { why, waited_s, .. } if why.contains("started it \
            again") && *waited_s < 60),
        "{error}"
    );
}

#[test]
fn a_daemon_started_by_a_script_gets_the_limits_that_the_engine_had_and_not_those_of_this_session() {
    // Limits belong to the whole process: this test runs itself once more, alone.
    if std::env::var_os("KERIO_TLS_TEST_LIMITS").is_none() {
        let name = "a_daemon_started_by_a_script_gets_the_limits_that_the_engine_had_and_not_those_of_this_session";
        let ran = std::process::Command::new(std::env::current_exe().unwrap())
            .arg(name)
            .env("KERIO_TLS_TEST_LIMITS", "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(ran.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let install = Install::new("");
    let controller = install.controller();
    controller.start(&mut |_| {}).unwrap();
    let wide = getrlimit(Resource::Nofile);
    let (size, narrow) = (getrlimit(Resource::Fsize), Some(100));
    for (resource, limit) in [(Resource::Nofile, wide), (Resource::Fsize, size)] {
        let limit = Rlimit {
            current: narrow.map(|narrow| narrow * 1024),
            ..limit
        };
        setrlimit(
            resource,
            if resource == Resource::Nofile {
                Rlimit {
                    current: narrow,
                    ..limit
                }
            } else {
                limit
            },
        )
        .unwrap();
    }
    controller.stop(&mut |_| {}, &AtomicBool::new(false)).unwrap();
    controller.start(&mut |_| {}).unwrap();
    let pid = controller.status().processes[0].pid;
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let soft = |name: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().ok()
    };
    assert_eq!(
        (soft("Max open files"), soft("Max file size")),
        (wide.current, size.current)
    );
    assert_eq!(getrlimit(Resource::Nofile).current, narrow);
}

#[test]
fn an_engine_whose_program_is_gone_is_not_stopped_because_nothing_could_be_started() {
    let install = Install::new("");
    let controller = install.controller();
    start_well(&controller);
    let (program, aside) = (install.path("mailserver"), install.path("aside"));
    fs::rename(&program, &aside).unwrap();
    fs::copy(&aside, &program).unwrap();
    // An update has replaced it: that is no reason.
    fs::remove_file(&aside).unwrap();
    controller.preflight().unwrap();
    fs::remove_file(&program).unwrap();
    let refused = |controller: &Controller| {
        let error = controller.preflight().unwrap_err();
        assert!(
            matches!(&error, EngineError::Unusable { why, .. } if why.contains("removed or renamed")),
            "{error}"
        );
        assert!(controller.stop(&mut |_| {}, &AtomicBool::new(false)).is_err());
        assert_eq!(controller.status().state, State::Running);
    };
    refused(&controller);

    let renamed = Install::new("");
    start_well(&renamed.controller());
    fs::rename(renamed.path("mailserver"), renamed.path("mailserver.old")).unwrap();
    refused(&renamed.controller());
}

#[test]
fn a_stop_script_that_fails_is_reported_with_its_words_and_the_engine_still_runs() {
    let install = Install::new("");
    let controller = install.controller();
    controller.start(&mut |_| {}).unwrap();
    install.write_script("init", "#!/bin/sh\necho no such luck >&2\nexit 1\n");
    let short = controller.with_timing(Timing {
        patience: Duration::from_secs(1),
        ..quick()
    });
    let error = short.stop(&mut |_| {}, &AtomicBool::new(false)).unwrap_err();
    assert!(
        matches!(&error, EngineError::Command { why, .. } if why.contains("no such luck")),
        "{error}"
    );
    assert_eq!(short.status().state, State::Running);
}

#[test]
fn a_start_script_that_lies_is_found_out_and_one_that_fails_is_quoted() {
    let install = Install::new("");
    install.write_script("init", "#!/bin/sh\nexit 0\n");
    let controller = install.controller().with_timing(Timing {
        appear: Duration::from_millis(300),
        ..quick()
    });
    let started = controller.start(&mut |_| {}).unwrap();
    let error = controller
        .watch(&started, &[], &mut |_| {}, &mut || Ok(()))
        .unwrap_err();
    assert!(
        matches!(&error, EngineError::NotWell { why, .. } if why.contains("no engine process")),
        "{error}"
    );
    install.write_script(
        "init",
        "#!/bin/sh\necho 'D3S:secret is bad'; echo 'port 25 is taken'; exit 7\n",
    );
    let error = controller.start(&mut |_| {}).unwrap_err().to_string();
    assert!(
        error.contains("status 7") && error.contains("port 25 is taken") && !error.contains("D3S:"),
        "{error}"
    );
}

#[test]
fn an_engine_that_a_supervisor_brings_back_is_not_called_well_when_it_dies() {
    let install = Install::new("die_after=1\n");
    let controller = install.controller().with_timing(Timing {
        watch: Duration::from_secs(8),
        ..quick()
    });
    let started = controller.start(&mut |_| {}).unwrap();
    let error = controller
        .watch(&started, &[], &mut |_| {}, &mut || Ok(()))
        .unwrap_err();
    assert!(
        matches!(&error, EngineError::NotWell { why, .. } if why.contains("process ended")),
        "{error}"
    );
}

#[test]
fn a_cancel_waits_for_the_stop_script_so_that_it_cannot_overtake_the_next_start() {
    let install = Install::new("stop_takes=1\n");
    let controller = install.controller();
    controller.start(&mut |_| {}).unwrap();
    let cancel = AtomicBool::new(false);
    let result = controller.stop(&mut |_| cancel.store(true, Ordering::Relaxed), &cancel);
    // The script ended, and with it the engine: too late to cancel, or cancelled; never still stopping.
    assert!(matches!(result, Ok(_) | Err(EngineError::Cancelled)), "{result:?}");
    assert_eq!(controller.status().state, State::Stopped);
    controller.start(&mut |_| {}).unwrap();
    assert_eq!(controller.status().state, State::Running);
}

#[test]
fn without_a_service_a_running_engine_is_left_alone_and_the_commands_are_told() {
    let install = Install::new("");
    install.controller().start(&mut |_| {}).unwrap();
    let mut places = install.places();
    places.init_script = install.path("nothing");
    let controller = Controller::find(places);
    for error in [
        controller.preflight().unwrap_err(),
        controller.stop(&mut |_| {}, &AtomicBool::new(false)).unwrap_err(),
    ] {
        let EngineError::NoService { manual, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(manual.stop, "systemctl stop kerio-connect.service");
    }
    assert!(controller.planned().is_empty());
    assert_eq!(controller.status().state, State::Running);
}

#[test]
fn a_file_that_another_process_holds_open_is_busy_before_anything_is_stopped() {
    let install = Install::new("");
    let file = fs::OpenOptions::new()
        .append(true)
        .open(install.path("mailserver.cfg"))
        .unwrap();
    let mut child = std::process::Command::new("/bin/sleep")
        .arg("300")
        .stdout(file)
        .spawn()
        .unwrap();
    let pid = child.id();
    let controller = install.controller();
    let errors = [
        controller.preflight().err(),
        controller.stop(&mut |_| {}, &AtomicBool::new(false)).err(),
        controller.prove_stopped().err(),
    ];
    child.kill().unwrap();
    child.wait().unwrap();
    for error in errors {
        assert!(
            matches!(error, Some(EngineError::Busy { pid: found, .. }) if found == pid),
            "{error:?}"
        );
    }
    controller.prove_stopped().unwrap();
}

#[test]
fn an_engine_is_started_even_if_another_process_has_the_file_open() {
    let install = Install::new("");
    let file = fs::OpenOptions::new()
        .append(true)
        .open(install.path("mailserver.cfg"))
        .unwrap();
    let mut child = std::process::Command::new("/bin/sleep")
        .arg("300")
        .stdout(file)
        .spawn()
        .unwrap();
    let controller = install.controller();
    let started = controller.start(&mut |_| {});
    let status = controller.status();
    child.kill().unwrap();
    child.wait().unwrap();
    started.unwrap();
    assert_eq!(status.processes.len(), 1, "{status:?}");
}

#[test]
fn a_daemon_started_by_a_script_gets_an_ordinary_umask() {
    // The umask belongs to the whole process: this test runs itself once more, alone.
    if std::env::var_os("KERIO_TLS_TEST_UMASK").is_none() {
        let name = "engine_control::a_daemon_started_by_a_script_gets_an_ordinary_umask";
        let ran = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env("KERIO_TLS_TEST_UMASK", "1")
            .output()
            .unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
        return;
    }
    let install = Install::new("");
    let said = install.path("umask");
    install.write_script(
        "init",
        &format!("#!/bin/sh\necho $(umask) \"$1\" > {}\n", said.display()),
    );
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    install.controller().start(&mut |_| {}).unwrap();
    assert_eq!(fs::read_to_string(said).unwrap(), "0022 start\n");
}

#[test]
fn where_systemd_does_not_run_the_dead_mans_switch_says_so() {
    if Path::new("/run/systemd/system").is_dir() {
        // Then it must be able to refuse for another reason; the rest is proven in the container.
        assert!(arm(Duration::from_secs(60), &["relative".into()], "kerio-tls-test").is_err());
        return;
    }
    let error = arm(Duration::from_secs(60), &["/bin/true".into()], "kerio-tls-test").unwrap_err();
    assert!(
        error.to_string().contains("systemd does not run this system"),
        "{error}"
    );
}
