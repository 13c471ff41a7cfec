//! The engine under a real systemd: each test boots a container (see `common/nspawn.rs`) with the stand-in
//! engine of `tests/systemd`, and runs *itself* inside, where the controller does its work.
//!
//! `cargo test --test systemd engine:: -- --test-threads=6` as root; packages systemd-container and debootstrap.
//! Measured on 2 cores: 18 s with six threads, 38 s with two (nearly all of it is waiting); once more 36 s to make the
//! root.

use crate::nspawn::{Bind, Container};
use kerio_tls::engine::{
    Armed, Controller, Disarmed, EngineError, Places, Service, Started, StartedWell, State, Status, Timing, arm, armed,
    disarm, rearm,
};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

const FILE: &str = "/opt/kerio/mailserver/mailserver.cfg";
const INSIDE: &str = "KERIO_TLS_TEST_INSIDE";

/// Outside: boots a container, installs the stand-in, runs this very test inside. Inside: does the work.
fn in_container(test: &str, inside: fn()) {
    if std::env::var_os(INSIDE).is_some() {
        return inside();
    }
    let container = Container::boot(&[Bind::read_only(std::env::current_exe().unwrap(), "/usr/bin/driver")]);
    container.install_engine();
    let ran = container.run(&[
        "env",
        &format!("{INSIDE}=1"),
        "/usr/bin/driver",
        "--exact",
        test,
        "--nocapture",
    ]);
    let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "inside the container:\n{said}");
    assert!(said.contains("1 passed"), "the test did not run inside: {said}");
}

macro_rules! container_tests {
    ($($name:ident $body:block)*) => { $(
        #[test]
        fn $name() {
            fn inside() $body
            in_container(concat!("engine::", stringify!($name)), inside);
        }
    )* };
}

// Inside.

fn sh(script: &str) -> String {
    let ran = Command::new("/bin/sh").args(["-euc", script]).output().unwrap();
    assert!(ran.status.success(), "{script}: {ran:?}");
    String::from_utf8(ran.stdout).unwrap()
}

/// Makes the stand-in behave so, and its unit have these settings.
fn stand_in(conf: &str, unit: &str) {
    std::fs::write("/opt/kerio/mailserver/stand-in.conf", conf).unwrap();
    if !unit.is_empty() {
        std::fs::create_dir_all("/etc/systemd/system/kerio-connect.service.d").unwrap();
        std::fs::write("/etc/systemd/system/kerio-connect.service.d/test.conf", unit).unwrap();
    }
    sh("systemctl daemon-reload");
}

fn quick() -> Timing {
    Timing {
        patience: Duration::from_secs(20),
        watch: Duration::from_secs(2),
        appear: Duration::from_secs(4),
        ..Timing::default()
    }
}

fn controller() -> Controller {
    Controller::find(Places::new(Path::new(FILE))).with_timing(quick())
}

fn stop(controller: &Controller) -> Result<kerio_tls::engine::Stopped, EngineError> {
    controller.stop(&mut |_| {}, &AtomicBool::new(false))
}

fn start(controller: &Controller) -> Result<Started, EngineError> {
    controller.start(&mut |_| {})
}

fn watch(controller: &Controller, started: &Started) -> Result<StartedWell, EngineError> {
    controller.watch(started, &["0.0.0.0:4040".parse().unwrap()], &mut |_| {}, &mut || Ok(()))
}

fn start_well(controller: &Controller) -> StartedWell {
    let started = start(controller).unwrap();
    watch(controller, &started).unwrap()
}

fn running(controller: &Controller) -> Status {
    let status = controller.status();
    assert_eq!(status.state, State::Running, "{status:?}");
    status
}

container_tests! {
    a_whole_round_stops_with_proof_after_the_engine_wrote_its_file_and_starts_it_well {
        stand_in("on_stop=>0<|>77<\nstop_takes=1\n", "");
        let controller = controller();
        assert_eq!(controller.service(), Some(&Service::Systemd { unit: "kerio-connect.service".to_owned() }));
        assert_eq!(controller.status().state, State::Stopped);
        let well = start_well(&controller);
        assert_eq!(well.ports, ["0.0.0.0:4040".parse().unwrap()]);
        assert!(well.missing_ports.is_empty() && well.notes.is_empty(), "{well:?}");
        assert!(running(&controller).since.is_some());
        assert_eq!(controller.planned(), [
            "systemctl --no-ask-password --no-block stop kerio-connect.service",
            "systemctl --no-ask-password reset-failed kerio-connect.service",
            "systemctl --no-ask-password start kerio-connect.service",
        ]);
        let warnings = controller.preflight().unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        let mut steps = Vec::new();
        let stopped = controller.stop(&mut |progress| steps.push(progress.step), &AtomicBool::new(false)).unwrap();
        assert!(stopped.was_running && stopped.took >= Duration::from_secs(1));
        assert_eq!(stopped.ports, ["0.0.0.0:4040".parse().unwrap()]);
        assert!(steps.contains(&kerio_tls::engine::EngineStep::Stopping), "{steps:?}");
        // The stop itself wrote the file, as its owner.
        assert!(std::fs::read_to_string(FILE).unwrap().contains(">77<"));
        assert_eq!(sh(&format!("stat -c '%U %a' {FILE}")), "kerio 640\n");
        controller.prove_stopped().unwrap();
        assert!(!stop(&controller).unwrap().was_running);
        start_well(&controller);
    }

    a_crash_loop_is_seen_although_the_start_succeeds_and_the_engine_can_be_stopped_mended_and_started_again {
        stand_in("die_if=BROKEN\n", "");
        let controller = controller();
        let good = std::fs::read(FILE).unwrap();
        std::fs::write(FILE, "<config><!-- BROKEN --></config>").unwrap();
        let started = start(&controller).unwrap();
        let Err(EngineError::NotWell { why, journal }) = watch(&controller, &started) else { panic!("a crash loop was called well") };
        assert!(journal.iter().any(|line| line.contains("I do not like this configuration")), "{why}: {journal:?}");
        // Once more until systemd itself gives up (start limit), then mend and start: it must come up.
        sh("for i in $(seq 100); do [ \"$(systemctl show -p ActiveState --value kerio-connect)\" = failed ] && break; sleep 0.1; done");
        assert_eq!(sh("systemctl show -p Result --value kerio-connect"), "exit-code\n");
        stop(&controller).unwrap();
        std::fs::write(FILE, good).unwrap();
        start_well(&controller);
    }

    a_unit_that_is_about_to_be_started_again_is_not_called_stopped_until_it_was_stopped {
        stand_in("die_if=config\n", "[Service]\nRestartSec=5\n");
        let controller = controller();
        start(&controller).unwrap();
        sh("for i in $(seq 100); do [ \"$(systemctl show -p SubState --value kerio-connect)\" = auto-restart ] && break; sleep 0.05; done");
        let status = controller.status();
        assert!(matches!(&status.state, State::Unknown(why) if why.contains("about to start")), "{status:?}");
        assert!(controller.prove_stopped().is_err());
        assert!(stop(&controller).unwrap().was_running);
        std::thread::sleep(Duration::from_secs(6));
        controller.prove_stopped().unwrap();
    }

    an_engine_that_dies_once_after_a_good_start_did_not_start_well {
        stand_in("die_after=1\n", "[Service]\nRestart=no\n");
        let controller = controller();
        let started = start(&controller).unwrap();
        let error = watch(&controller, &started).unwrap_err();
        assert!(error.to_string().contains("exit-code") && error.to_string().contains("stand-in: dying"), "{error}");
        assert_eq!(controller.status().state, State::Stopped);
    }

    an_engine_that_listens_late_is_waited_for_and_one_that_never_listens_did_not_start_well {
        stand_in("listen_after=4\n", "");
        let controller = controller();
        assert_eq!(start_well(&controller).ports.len(), 1);
        stop(&controller).unwrap();
        stand_in("listen_after=1000\n", "");
        let started = start(&controller).unwrap();
        let error = watch(&controller, &started).unwrap_err();
        assert!(error.to_string().contains("listens on no port"), "{error}");
    }

    a_stop_that_systemd_has_to_kill_is_announced_before_and_proven_after {
        stand_in("ignore_term=1\n", "[Service]\nTimeoutStopSec=2\n");
        let controller = controller();
        start_well(&controller);
        let warnings = controller.preflight().unwrap();
        assert!(warnings.iter().any(|warning| warning.contains("longer than 2 s")), "{warnings:?}");
        stop(&controller).unwrap();
        assert_eq!(sh("systemctl show -p Result --value kerio-connect"), "timeout\n");
        start_well(&controller);
    }

    a_stop_that_takes_too_long_or_is_cancelled_says_so_and_is_never_a_kill {
        stand_in("ignore_term=1\n", "[Service]\nTimeoutStopSec=infinity\n");
        let controller = controller();
        start_well(&controller);
        let short = controller.clone().with_timing(Timing { patience: Duration::from_secs(1), ..quick() });
        let pid = running(&controller).processes[0].pid;
        let error = stop(&short).unwrap_err();
        assert!(matches!(error, EngineError::NotStopped { .. }), "{error}");
        let cancel = AtomicBool::new(false);
        let error = controller.stop(&mut |_| cancel.store(true, std::sync::atomic::Ordering::Relaxed), &cancel).unwrap_err();
        assert_eq!(error, EngineError::Cancelled);
        assert_eq!(running(&controller).processes[0].pid, pid);
        sh(&format!("kill -9 {pid}"));
    }

    an_engine_that_was_told_to_stop_too_late_is_started_again_after_a_cancel {
        stand_in("stop_takes=3\n", "");
        let controller = controller();
        start_well(&controller);
        let old = running(&controller).processes[0].pid;
        let cancel = AtomicBool::new(false);
        let error = controller.stop(&mut |_| cancel.store(true, std::sync::atomic::Ordering::Relaxed), &cancel).unwrap_err();
        assert_eq!(error, EngineError::Cancelled);
        start_well(&controller);
        assert_ne!(running(&controller).processes[0].pid, old);
    }

    an_engine_outside_of_its_unit_forbids_a_save_before_anything_is_stopped {
        stand_in("daemon=1\nport=4041\n", "");
        sh("/opt/kerio/mailserver/mailserver /opt/kerio/mailserver/engine.pl");
        let controller = controller();
        let status = running(&controller);
        let other = status.others[0].pid;
        assert!(!status.service_is_up(), "{status:?}");
        for error in [controller.preflight().unwrap_err(), stop(&controller).unwrap_err(), start(&controller).unwrap_err()] {
            assert!(error.to_string().contains(&format!("process {other} ")), "{error}");
        }
        assert!(controller.prove_stopped().is_err());
        // Beside an engine of the unit, too.
        stand_in("", "");
        sh("systemctl start kerio-connect");
        let status = running(&controller);
        assert_eq!(status.others[0].pid, other);
        let main = status.processes[0].pid;
        let error = stop(&controller).unwrap_err();
        assert!(matches!(&error, EngineError::Unusable { why, .. } if why.contains(&format!("process {other} "))), "{error}");
        assert_eq!(running(&controller).processes[0].pid, main);
        sh(&format!("kill {other}; while [ -d /proc/{other} ]; do sleep 0.05; done"));
        assert!(stop(&controller).unwrap().was_running);
        start_well(&controller);
    }

    the_main_process_of_the_unit_is_the_engine_whatever_program_it_is_and_whoever_else_has_its_name {
        // No program named mailserver at all, and a user who runs one beside a link to the file.
        stand_in("", "[Service]\nExecStart=\nExecStart=/usr/bin/perl /opt/kerio/mailserver/engine.pl\n");
        sh("mkdir -m 755 /srv/u; cp /bin/sleep /srv/u/mailserver; ln -s /opt/kerio/mailserver/mailserver.cfg /srv/u/");
        sh("setpriv --reuid=65534 --regid=65534 --clear-groups /srv/u/mailserver 1000 >/dev/null 2>&1 & sleep 0.2");
        let controller = controller();
        assert_eq!(controller.status().state, State::Stopped);
        start_well(&controller);
        let status = running(&controller);
        assert!(status.others.is_empty() && status.processes.len() == 1, "{status:?}");
        assert_eq!(sh("systemctl show -p MainPID --value kerio-connect").trim(), status.processes[0].pid.to_string());
        assert!(stop(&controller).unwrap().was_running);
        controller.prove_stopped().unwrap();
        start_well(&controller);
    }

    a_strangers_process_of_the_engines_name_does_not_pass_for_a_start {
        stand_in("die_if=config\n", "[Service]\nRestart=no\n");
        sh("mkdir -m 755 /srv/u; cp /bin/sleep /srv/u/mailserver; ln -s /opt/kerio/mailserver/mailserver.cfg /srv/u/");
        sh("setpriv --reuid=65534 --regid=65534 --clear-groups /srv/u/mailserver 1000 >/dev/null 2>&1 & sleep 0.2");
        let controller = controller();
        let started = start(&controller).unwrap();
        assert!(matches!(watch(&controller, &started), Err(EngineError::NotWell { .. })));
    }

    the_command_of_the_dead_mans_switch_reaches_the_program_as_it_was_given {
        let words = [
            "/srv/b${USER}c/x", "$HOME", "${HOME}", "$$", "a$b", "50% off %n %%", "two  blanks", "it's \"quoted\"", "back\\slash \\x41",
            "", ";", "|", "-x", "--", "ümlaut", "line\nbreak", "tab\t", "#", "~", "*",
        ];
        std::fs::write("/run/say ${it} 100%", "#!/bin/sh\nprintf '%s\\0' \"$@\" > /run/words.new; mv /run/words.new /run/words\n").unwrap();
        sh("chmod 755 /run/say*");
        let mut argv = vec!["/run/say ${it} 100%".into()];
        argv.extend(words.iter().map(Into::into));
        arm(Duration::from_secs(1), &argv, "kerio-tls-words").unwrap();
        sh("for i in $(seq 100); do [ -e /run/words ] && break; sleep 0.1; done");
        let said = std::fs::read("/run/words").unwrap();
        let said: Vec<&str> = std::str::from_utf8(&said).unwrap().split_terminator('\0').collect();
        assert_eq!(said, words);
    }

    an_engine_of_an_init_script_that_died_is_unknown_until_stopped_and_starts_well_again {
        stand_in("daemon=1\n", "");
        sh("rm -r /etc/systemd/system/kerio-connect.service*; cp /run/stand-in/kerio-connect.init /etc/init.d/kerio-connect; chmod 755 /etc/init.d/kerio-connect; systemctl daemon-reload");
        let controller = controller();
        start_well(&controller);
        let status = running(&controller);
        assert!(status.unit.as_ref().unwrap().is_from_init_script(), "{status:?}");
        sh(&format!("kill -9 {}", status.processes[0].pid));
        sh("for i in $(seq 100); do pgrep -x mailserver || break; sleep 0.05; done");
        let status = controller.status();
        // systemd says "exited" where cgroups tell it of the end, "running" where they do not; "active" in any case.
        assert!(matches!(&status.state, State::Unknown(why) if why.contains("active (") && why.contains("it died")), "{status:?}");
        stop(&controller).unwrap();
        assert_eq!(controller.status().state, State::Stopped);
        start_well(&controller);
    }

    a_masked_unit_is_refused_before_the_engine_is_touched {
        stand_in("", "");
        let controller = controller();
        start_well(&controller);
        sh("mv /etc/systemd/system/kerio-connect.service /run/; ln -s /dev/null /etc/systemd/system/kerio-connect.service; systemctl daemon-reload");
        let error = controller.preflight().unwrap_err();
        assert!(matches!(&error, EngineError::Unusable { why, .. } if why.contains("unmask")), "{error}");
        running(&controller);
    }

    a_user_without_rights_sees_the_engine_run_and_is_told_the_commands {
        if rustix::process::geteuid().is_root() {
            stand_in("", "");
            start_well(&controller());
            // This very test again, as nobody, and once more where /proc hides the processes of others.
            let name = "engine::a_user_without_rights_sees_the_engine_run_and_is_told_the_commands";
            for hides in ["", "yes"] {
                if !hides.is_empty() {
                    sh("mount -o remount,hidepid=invisible /proc");
                }
                let ran = Command::new("setpriv")
                    .args(["--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/driver", "--exact", name, "--nocapture"])
                    .env("KERIO_TLS_TEST_HIDES", hides)
                    .output()
                    .unwrap();
                assert!(ran.status.success(), "{hides}: {}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
            }
            return;
        }
        if std::env::var("KERIO_TLS_TEST_HIDES").unwrap() == "yes" {
            let status = controller().status();
            assert!(status.processes.is_empty() && matches!(status.state, State::Unknown(_)), "{status:?}");
            // Not even a unit that systemd calls inactive is proof then.
            let mut places = Places::new(Path::new(FILE));
            places.systemd_runs = "/nowhere".into();
            let status = Controller::find(places).status();
            assert!(matches!(&status.state, State::Unknown(why) if why.contains("hides")), "{status:?}");
            return;
        }
        let status = running(&controller());
        assert!(status.why.contains("main process of kerio-connect.service"), "{}", status.why);
        let error = controller().preflight().unwrap_err();
        let EngineError::NoRights { manual } = error else { panic!("{error}") };
        assert_eq!(manual.stop, "systemctl stop kerio-connect.service");
    }

    the_dead_mans_switch_runs_when_nobody_confirms_and_not_when_somebody_does {
        let touch = |path: &str| ["/usr/bin/touch".into(), path.into()];
        arm(Duration::from_secs(2), &touch("/run/one fired"), "kerio-tls-one").unwrap();
        arm(Duration::from_secs(2), &touch("/run/two"), "kerio-tls-two").unwrap();
        arm(Duration::from_secs(2), &touch("/run/three"), "kerio-tls-three").unwrap();
        let Armed::Waiting(Some(left)) = armed("kerio-tls-one").unwrap() else { panic!("not armed") };
        assert!(left <= Duration::from_secs(3), "{left:?}");
        assert!(arm(Duration::from_secs(9), &touch("/run/again"), "kerio-tls-one").is_err());
        assert_eq!(disarm("kerio-tls-two").unwrap(), Disarmed::InTime);
        assert_eq!(disarm("kerio-tls-two").unwrap(), Disarmed::NotArmed);
        assert_eq!(rearm("kerio-tls-three", Duration::from_secs(3600), &touch("/run/four"), "kerio-tls-four").unwrap(), Disarmed::InTime);
        sh("for i in $(seq 100); do [ -e '/run/one fired' ] && break; sleep 0.1; done");
        std::thread::sleep(Duration::from_secs(2));
        assert!(Path::new("/run/one fired").exists());
        assert!(!Path::new("/run/two").exists() && !Path::new("/run/three").exists());
        assert_eq!(armed("kerio-tls-one").unwrap(), Armed::No);
        assert!(matches!(armed("kerio-tls-four").unwrap(), Armed::Waiting(Some(left)) if left > Duration::from_secs(3000)));
        // A switch whose command runs is left alone.
        arm(Duration::from_secs(1), &["/bin/sleep".into(), "60".into()], "kerio-tls-five").unwrap();
        sh("for i in $(seq 100); do systemctl -q is-active kerio-tls-five.service && break; sleep 0.1; done");
        assert_eq!(disarm("kerio-tls-five").unwrap(), Disarmed::Running);
        assert!(arm(Duration::from_secs(60), &["touch".into()], "kerio-tls-six").is_err());
    }
}

/// Outside, on the host: two files, of which an engine in a container uses one.
#[test]
fn from_the_host_an_engine_in_a_container_is_found_by_the_file_that_it_uses_and_not_by_its_path() {
    let dir = tempfile::tempdir().unwrap();
    let text = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/systemd/mailserver.cfg")).unwrap();
    for name in ["ours", "other"] {
        std::fs::create_dir(dir.path().join(name)).unwrap();
        std::fs::write(dir.path().join(name).join("mailserver.cfg"), &text).unwrap();
    }
    let container = Container::boot(&[Bind::writable(dir.path().join("ours"), "/volume")]);
    container.install_engine();
    // As in containers: the file beside the engine is a link into a volume.
    container.sh("ln -sf /volume/mailserver.cfg /opt/kerio/mailserver/mailserver.cfg; sed -i /^User=/d /etc/systemd/system/kerio-connect.service; systemctl daemon-reload; systemctl start kerio-connect; for i in $(seq 100); do grep -q :0FC8 /proc/net/tcp && break; sleep 0.05; done");
    let look = |name: &str| Controller::find(Places::new(&dir.path().join(name).join("mailserver.cfg"))).status();
    let status = look("ours");
    assert_eq!(status.state, State::Running, "{status:?}");
    let ports = kerio_tls::engine::listening_ports(Path::new("/proc"), &[status.processes[0].pid]);
    assert_eq!(ports, ["0.0.0.0:4040".parse().unwrap()]);
    let status = look("other");
    assert!(
        status.processes.is_empty() && !matches!(status.state, State::Running),
        "{status:?}"
    );
    drop(container);
    assert!(look("ours").processes.is_empty());
}
