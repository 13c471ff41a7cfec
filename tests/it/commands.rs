//! The commands through the real binary where something stands in the way: a file that an earlier save tore, a file
//! that nobody can understand, places that are not there, an engine that does not come up.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::place::Place;
use crate::ran::{BINARY, Ran, alone, in_terminal, run};

const CONFIG: &str = r#"<config>
  <table name="Security">
    <variable name="RelayPassword">tok-plain-password</variable>
    <variable name="ServerTlsProtocols">TLSv1,TLSv1.1,TLSv1.2</variable>
  </table>
  <table name="SmtpSecurity">
    <variable name="ClientTlsProtocols">TLSv1.2</variable>
  </table>
</config>
"#;

const SECRET: &str = "tok-plain-password";

impl Place {
    /// One more name, so that the file can only be written in place.
    fn second_name(&self) {
        fs::hard_link(self.file(), self.path("second-name.cfg")).unwrap();
    }

    /// A save in place that is killed after it has written and before it has cut the file to its length.
    fn tear(&self, arguments: &[&str]) {
        let ran = run(alone()
            .args(["strace", "-qq", "-o"])
            .arg(self.path("strace"))
            .args(["-e", "trace=ftruncate", "-e", "inject=ftruncate:signal=KILL:when=1"])
            .arg(BINARY)
            .args(self.arguments(arguments)));
        assert_ne!(ran.status, 0, "strace (package strace): {}", ran.said());
        assert!(self.text().trim_end().len() > self.text().find("</config>").unwrap() + "</config>".len());
    }

    /// Saves once, so that there is a backup; its id.
    fn saved_once(&self) -> String {
        let ran = self.run(&["set", "--inbound", "tls1.2", "--yes", "--json"]);
        assert_eq!(ran.status, 0, "{}", ran.said());
        self.newest()["id"].as_str().unwrap().to_owned()
    }

    fn newest(&self) -> Value {
        self.run(&["backups", "--json"]).json()["backups"][0].clone()
    }
}

/// An engine beside the file, and what stops and starts it.
struct Engine<'a> {
    place: &'a Place,
}

impl<'a> Engine<'a> {
    /// `start` is the body of the script that starts it.
    fn new(place: &'a Place, start: &str) -> Self {
        fs::copy("/bin/sleep", place.path("mailserver")).unwrap();
        let pid = place.path("pid").display().to_string();
        place.script("stop", &format!("kill $(cat {pid})"));
        place.script("start", start);
        let commands = format!(
            "[engine]\nwatch = 1\nstop = [\"{}\"]\nstart = [\"{}\"]\n",
            place.path("stop").display(),
            place.path("start").display()
        );
        fs::write(place.path("kerio-tls.toml"), commands).unwrap();
        Self { place }
    }

    /// What starts it for good.
    fn runs(place: &Place) -> String {
        let (program, pid) = (place.path("mailserver"), place.path("pid"));
        let (program, pid) = (program.display(), pid.display());
        format!("{program} 600 </dev/null >/dev/null 2>&1 & echo $! > {pid}")
    }

    /// Runs the binary while the engine runs; `before` stands before the binary's own words.
    fn run(&self, before: &[&str], arguments: &[&str]) -> Ran {
        // systemd of this machine, if any, must not decide; the shell stays, to reap the engine.
        let script = format!(
            "[ ! -d /run/systemd ] || mount -t tmpfs none /run/systemd; {}; \"$@\"; exit $?",
            Self::runs(self.place)
        );
        run(alone()
            .args(["sh", "-c", &script, "sh"])
            .args(before)
            .arg(BINARY)
            .args(self.place.arguments(arguments)))
    }
}

const TEAR: [&str; 4] = ["reset", "inbound", "--yes", "--in-place"];

#[test]
fn a_torn_file_is_mended_by_the_next_command_that_saves_and_its_choice_is_saved_on_top() {
    let place = Place::with(CONFIG);
    place.second_name();
    place.tear(&TEAR);
    let ran = place.run(&["set", "--inbound", "tls1.2", "--yes", "--in-place", "--json"]);
    assert_eq!(ran.status, 0, "{}", ran.said());
    let warnings = ran.json()["warnings"].to_string();
    assert!(warnings.contains("put together again from backup"), "{warnings}");
    assert_eq!(place.text(), CONFIG.replace("TLSv1,TLSv1.1,TLSv1.2", "TLSv1.2"));
}

#[test]
fn every_command_that_saves_mends_a_torn_file_first_and_says_so_once() {
    for command in [
        &["set", "--inbound", "tls1.0", "--yes"][..],
        &["reset", "outbound", "--yes", "--in-place"],
        &["restore", "--yes", "--in-place"],
        &["restore", "--whole", "--yes", "--in-place"],
        &["undo", "--switch", "kerio-tls-undo-1"],
    ] {
        let place = Place::with(CONFIG);
        place.second_name();
        place.tear(&TEAR);
        let ran = place.run(command);
        let times =
            ran.err.matches("put together again from backup").count() + ran.out.matches("put together again").count();
        assert_eq!(times, 1, "{command:?}: {}", ran.said());
        assert!(
            place.text().ends_with("</config>\n") && place.text().contains("ServerTlsProtocols"),
            "{command:?}"
        );
    }
}

#[test]
fn what_only_looks_leaves_a_torn_file_and_says_what_mends_it() {
    let place = Place::with(CONFIG);
    place.second_name();
    place.tear(&TEAR);
    let torn = place.text();
    for command in [
        &["show"][..],
        &["check", "--min", "tls1.2"],
        &["peers"],
        &["set", "--inbound", "tls1.2", "--dry-run"],
        &["restore", "--dry-run"],
    ] {
        let ran = place.run(command);
        let line = ran.failed(1);
        assert!(
            line.contains("an earlier save broke off") && line.contains("kerio-tls -f "),
            "{command:?}: {line}"
        );
    }
    assert_eq!(place.text(), torn);
    // What is kept can be looked at and confirmed all the same.
    assert_eq!(place.run(&["confirm"]).status, 0);
    assert_eq!(place.run(&["backups"]).status, 0);
}

#[test]
fn a_file_that_nobody_can_understand_is_met_by_the_command_that_restores_the_newest_good_backup() {
    let place = Place::with(CONFIG);
    let id = place.saved_once();
    let broken = format!("{} <!-- ", place.text());
    fs::write(place.file(), &broken).unwrap();
    let ran = place.run(&["show"]);
    let line = ran.failed(1);
    let way_out = format!(
        "kerio-tls -f {} --state-dir {} restore {id} --whole",
        place.file().display(),
        place.path("state").display()
    );
    assert!(line.contains(&way_out), "{line}\n{way_out}");
    // The screen says the same.
    let ran = run(alone().arg(BINARY).args(place.arguments(&[])));
    assert!(ran.failed(1).contains(&way_out), "{}", ran.err);
    assert_eq!(place.text(), broken);
    let listed = place.run(&["backups"]);
    assert_eq!(listed.status, 0, "{}", listed.said());
    assert!(listed.out.contains(&id));
    let looked = place.run(&["backups", &id]);
    assert_eq!(looked.status, 0, "{}", looked.said());
    assert!(
        looked.out.contains("cannot be understood") && looked.out.contains(&way_out),
        "{}",
        looked.out
    );
    assert_eq!(place.run(&["backups", &id, "--json"]).json()["count"], Value::Null);
    assert_eq!(place.run(&["confirm"]).status, 0);
    // What is only a change of values cannot be taken back here, and the way out is said.
    assert!(place.run(&["restore", &id, "--yes"]).failed(1).contains(&way_out));
}

#[test]
fn a_whole_backup_takes_the_place_of_a_file_that_nobody_can_understand_and_that_file_is_kept() {
    let place = Place::with(CONFIG);
    let id = place.saved_once();
    let broken = format!("{} <!-- {SECRET}", place.text());
    fs::write(place.file(), &broken).unwrap();
    let dry = place.run(&["restore", &id, "--whole", "--dry-run"]);
    assert_eq!(dry.status, 0, "{}", dry.said());
    assert!(
        dry.out.contains("cannot be understood") && !dry.said().contains(SECRET),
        "{}",
        dry.said()
    );
    assert_eq!(place.text(), broken);
    let ran = place.run(&["restore", &id, "--whole", "--yes", "--json"]);
    assert_eq!(ran.status, 0, "{}", ran.said());
    let json = ran.json();
    assert_eq!(
        (&json["changed"], &json["saved"], &json["edits"]),
        (&json!(true), &json!(true), &json!([]))
    );
    assert!(json["warnings"].to_string().contains("cannot be understood"), "{json}");
    assert_eq!(place.text(), CONFIG);
    assert_eq!(fs::read_to_string(json["backup"].as_str().unwrap()).unwrap(), broken);
}

#[test]
fn a_file_that_nobody_can_understand_and_without_a_backup_is_left_alone_and_nothing_is_made() {
    let place = Place::with(CONFIG);
    fs::write(place.file(), "<config>").unwrap();
    for command in [
        &["show"][..],
        &["set", "--inbound", "tls1.2", "--yes"],
        &["restore", "--yes"],
        &["restore", "--whole", "--yes"],
    ] {
        let ran = place.run(command);
        assert!(matches!(ran.status, 1 | 2), "{command:?}: {}", ran.said());
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    }
    assert!(place.run(&["show"]).failed(1).contains("a backup of your own"));
    assert_eq!(place.text(), "<config>");
    assert!(!place.path("state").exists());
}

#[test]
fn what_only_looks_makes_no_state_directory() {
    let place = Place::with(CONFIG);
    for command in [
        &["confirm"][..],
        &["backups"],
        &["backups", "000001-20261124T073000Z"],
        &["restore", "--yes"],
        &["restore", "000001-20261124T073000Z", "--whole", "--yes"],
        &["restore", "--dry-run"],
        &["undo", "--switch", "kerio-tls-undo-1"],
    ] {
        place.run(command);
        assert!(!place.path("state").exists(), "{command:?}");
    }
}

#[test]
fn a_backup_that_is_not_there_is_wrong_usage_whoever_asks_for_it() {
    let place = Place::with(CONFIG);
    place.saved_once();
    for id in ["000099-20261124T073000Z", "nonsense"] {
        for command in [
            &["backups", id][..],
            &["restore", id, "--yes"],
            &["restore", id, "--whole", "--yes"],
        ] {
            let ran = place.run(command);
            assert!(ran.failed(2).contains("kerio-tls backups"), "{command:?}: {}", ran.err);
        }
    }
}

#[test]
fn a_peers_file_that_was_named_and_is_not_there_ends_every_command() {
    let place = Place::with(CONFIG);
    let before = place.text();
    std::os::unix::fs::symlink("nowhere", place.path("dangling.csv")).unwrap();
    fs::create_dir(place.path("directory.csv")).unwrap();
    assert!(run(Command::new("mkfifo").arg(place.path("pipe.csv"))).status == 0);
    for name in ["typo.csv", "dangling.csv", "directory.csv", "pipe.csv", "typo/typo.csv"] {
        let path = place.path(name).display().to_string();
        for command in [
            &["peers", "--json", "--peers", &path][..],
            &["set", "--inbound", "tls1.2", "--yes", "--peers", &path],
            &["show", "--peers", &path],
            &["--peers", &path],
        ] {
            let ran = place.run(command);
            assert!(ran.failed(1).contains(name), "{command:?}: {}", ran.err);
        }
    }
    assert_eq!(place.text(), before);
    // The usual one need not be there.
    let ran = place.run(&["peers", "--json"]);
    assert_eq!(ran.status, 0, "{}", ran.said());
    assert!(!ran.said().contains("cannot be read"), "{}", ran.said());
}

#[test]
fn preferences_that_are_a_pipe_or_too_long_or_not_there_are_refused_at_once_with_the_reason() {
    let place = Place::with(CONFIG);
    assert!(run(Command::new("mkfifo").arg(place.path("pipe.toml"))).status == 0);
    fs::write(place.path("long.toml"), format!("days = 7\n#{}\n", "x".repeat(1 << 20))).unwrap();
    for (name, wanted) in [
        ("pipe.toml", "no regular file"),
        ("long.toml", "more than 1048576 bytes"),
        ("typo.toml", "config --default"),
    ] {
        let path = place.path(name).display().to_string();
        let ran = run(alone()
            .arg(BINARY)
            .arg("-f")
            .arg(place.file())
            .args(["--config", &path, "show"]));
        let line = ran.failed(1);
        assert!(line.contains(name) && line.contains(wanted), "{line}");
        assert!(!line.contains("permissions"), "{line}");
    }
}

#[test]
fn an_engine_that_is_left_alone_is_refused_and_has_no_second_name() {
    let ran = Place::with(CONFIG).run(&["set", "--inbound", "tls1.2", "--engine", "leave", "--yes"]);
    assert_eq!(ran.status, 2, "{}", ran.said());
}

#[test]
fn a_dry_run_says_what_a_whole_backup_changes_with_secrets_masked() {
    let place = Place::with(CONFIG);
    let id = place.saved_once();
    let changed = place.text().replace(SECRET, "tok-other-password");
    fs::write(place.file(), changed).unwrap();
    let wanted = json!([
        {"table": "Security", "variable": "RelayPassword", "old": "(hidden)", "new": "(hidden)", "name_sure": null},
        {"table": "Security", "variable": "ServerTlsProtocols", "old": "TLSv1.2", "new": "TLSv1,TLSv1.1,TLSv1.2", "name_sure": "assumed"}
    ]);
    for answer in ["--dry-run", "--yes"] {
        let ran = place.run(&["restore", &id, "--whole", answer, "--json"]);
        assert_eq!(ran.status, 0, "{}", ran.said());
        assert_eq!(ran.json()["edits"], wanted);
    }
    assert_eq!(place.text(), CONFIG);
}

#[test]
fn what_was_changed_since_a_save_is_shown_value_by_value_when_it_cannot_be_taken_back() {
    let place = Place::with(CONFIG);
    let id = place.saved_once();
    fs::write(place.file(), place.text().replace(">TLSv1.2<", ">TLSv1.1,TLSv1.2<")).unwrap();
    let ran = place.run(&["restore", &id, "--yes"]);
    assert_eq!(ran.status, 4, "{}", ran.said());
    for line in [
        "  Security/ServerTlsProtocols",
        "    as loaded   TLSv1.2",
        "    on disk     TLSv1.1,TLSv1.2",
        "    your edit   TLSv1,TLSv1.1,TLSv1.2",
    ] {
        assert!(ran.err.lines().any(|said| said == line), "{line}: {}", ran.err);
    }
    let ran = place.run(&["restore", &id, "--yes", "--json"]);
    assert_eq!(ran.status, 4, "{}", ran.said());
    assert_eq!(
        ran.json()["conflicts"][0],
        json!({
            "table": "Security", "variable": "ServerTlsProtocols",
            "base": "TLSv1.2", "theirs": "TLSv1.1,TLSv1.2", "mine": "TLSv1,TLSv1.1,TLSv1.2"
        })
    );
}

#[test]
fn an_undo_that_cannot_be_armed_is_said_by_a_dry_run_and_ends_the_save_before_the_engine_is_stopped() {
    let place = Place::with(CONFIG);
    let engine = Engine::new(&place, "exit 1");
    let save = [
        "set",
        "--inbound",
        "tls1.2",
        "--engine",
        "restart",
        "--undo-after",
        "10m",
    ];
    let dry = engine.run(&[], &[&save[..], &["--dry-run"]].concat());
    assert_eq!(dry.status, 0, "{}", dry.said());
    assert!(
        dry.err
            .contains("this would not be saved as it is: the automatic undo cannot be armed"),
        "{}",
        dry.said()
    );
    let ran = engine.run(&[], &[&save[..], &["--yes"]].concat());
    assert_eq!(ran.status, 1, "{}", ran.said());
    assert!(ran.err.contains("the automatic undo cannot be armed"), "{}", ran.err);
    assert_eq!(place.text(), CONFIG);
    // Without an engine to restart it is no other.
    let place = Place::with(CONFIG);
    let script = "[ ! -d /run/systemd ] || mount -t tmpfs none /run/systemd; exec \"$@\"";
    let dry = run(alone().args(["sh", "-c", script, "sh", BINARY]).args(place.arguments(&[
        "set",
        "--inbound",
        "tls1.2",
        "--undo-after",
        "10m",
        "--dry-run",
    ])));
    assert!(dry.err.contains("the automatic undo cannot be armed"), "{}", dry.said());
}

#[test]
fn an_engine_that_comes_up_with_neither_file_is_told_line_by_line_and_the_command_stands_at_the_end_of_its_line() {
    let place = Place::with(CONFIG);
    let engine = Engine::new(&place, "echo first words; echo last words >&2; exit 7");
    let save = ["set", "--inbound", "tls1.2", "--engine", "restart", "--yes"];
    let ran = engine.run(&[], &save);
    assert_eq!(ran.status, 1, "{}", ran.said());
    let told: Vec<&str> = ran
        .err
        .lines()
        .skip_while(|line| !line.contains("THE ENGINE IS DOWN"))
        .collect();
    assert!(told[0].starts_with("kerio-tls: THE ENGINE IS DOWN"), "{}", ran.err);
    assert!(
        told[0].ends_with(&format!(": {}", place.path("start").display())),
        "{}",
        ran.err
    );
    for line in ["  With the old file:", "  With the new file:"] {
        assert!(told.contains(&line), "{}", ran.err);
    }
    assert!(told.iter().any(|line| line.contains("last words")), "{}", ran.err);
    assert_eq!(place.text(), CONFIG);
}

#[test]
fn what_stops_and_starts_an_engine_is_run_without_a_shell_and_leaves_no_strict_umask() {
    let place = Place::with(CONFIG);
    let body = format!("umask > {}; exit 1", place.path("umask").display());
    let engine = Engine::new(&place, &body);
    let log = place.path("strace").display().to_string();
    let strace = ["strace", "-f", "-qq", "-o", &log, "-e", "trace=execve"];
    let ran = engine.run(
        &strace,
        &["set", "--inbound", "tls1.2", "--engine", "restart", "--yes", "--json"],
    );
    assert!(
        ran.err.contains("THE ENGINE IS DOWN"),
        "strace (package strace): {}",
        ran.said()
    );
    let log = fs::read_to_string(log).unwrap();
    for script in ["stop", "start"] {
        assert!(
            log.contains(&format!("execve(\"{}\"", place.path(script).display())),
            "{log}"
        );
    }
    assert!(
        !log.contains("exec \\\"$@\\\"") && !log.contains("execve(\"/bin/sh\""),
        "{log}"
    );
    assert_eq!(fs::read_to_string(place.path("umask")).unwrap().trim(), "0022");
}

#[test]
fn an_engine_that_commands_start_again_has_the_limits_that_it_had() {
    let place = Place::with(CONFIG);
    let limits = place.path("limits").display().to_string();
    let engine = Engine::new(&place, &format!("cat /proc/self/limits > {limits}; exit 1"));
    let unlimited = ["prlimit", "--core=unlimited:unlimited"];
    let save = ["set", "--inbound", "tls1.2", "--engine", "restart", "--yes"];
    let ran = engine.run(&unlimited, &save);
    assert!(
        ran.err.contains("THE ENGINE IS DOWN"),
        "prlimit (package util-linux): {}",
        ran.said()
    );
    let limits = fs::read_to_string(limits).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size"));
    assert_eq!(core.unwrap().matches("unlimited").count(), 2, "{limits}");
}

/// Only a debug build can be asked to break.
#[cfg(debug_assertions)]
#[test]
fn a_save_that_an_error_in_the_program_ends_starts_the_engine_first_and_says_what_is_true() {
    const SECRET: &str = "D3S:7f0c1b2a9e8d4455aa0b";
    let place = Place::with(CONFIG);
    let started = place.path("started").display().to_string();
    let engine = Engine::new(&place, &format!("touch {started}; {}", Engine::runs(&place)));
    let breaks = format!("KERIO_TLS_TEST_PANIC=step {SECRET}");
    let save = ["set", "--inbound", "tls1.2", "--engine", "restart", "--yes"];
    let ran = engine.run(&["env", &breaks], &save);
    assert_eq!(ran.status, 1, "{}", ran.said());
    assert!(place.path("started").exists(), "the engine is down: {}", ran.said());
    for words in [
        "an error in the program at src/work/",
        "The save broke off.",
        "The file is as it was.",
    ] {
        assert!(ran.err.contains(words), "{words}: {}", ran.said());
    }
    assert!(!ran.said().contains(SECRET), "{}", ran.said());
    assert_eq!(place.text(), CONFIG);
}

#[test]
fn an_undo_waits_for_another_save_and_says_so() {
    let place = Place::with(CONFIG);
    place.saved_once();
    // The save ends soon, since the engine does not come up.
    let engine = Engine::new(&place, "exit 1");
    let pid = place.path("pid").display().to_string();
    place.script("stop", &format!("sleep 3; kill $(cat {pid})"));
    let undo = place.arguments(&["undo", "--switch", "kerio-tls-undo-1"]);
    let undo = undo.join(std::ffi::OsStr::new("' '")).display().to_string();
    let both = format!("\"$@\" >/dev/null 2>&1 & sleep 1; {BINARY} '{undo}'");
    let save = ["set", "--inbound", "tls1.1", "--engine", "restart", "--yes"];
    let ran = engine.run(&["sh", "-c", &both, "sh"], &save);
    assert!(ran.err.contains("The undo waits"), "{}", ran.said());
    assert!(!ran.err.contains("could not be undone"), "{}", ran.said());
}

#[test]
fn an_undo_of_a_file_of_which_nothing_was_ever_saved_is_an_error() {
    let place = Place::with(CONFIG);
    let ran = place.run(&["undo", "--switch", "kerio-tls-undo-1"]);
    assert_eq!(ran.status, 1, "{}", ran.said());
    assert!(ran.err.contains("nothing was undone"), "{}", ran.said());
    place.saved_once();
    let ran = place.run(&["undo", "--switch", "kerio-tls-undo-1"]);
    assert_eq!(ran.status, 0, "{}", ran.said());
    // A save of that switch was made, and its backup was removed since.
    let audit = place.path("state/audit.jsonl");
    let text = fs::read_to_string(&audit).unwrap();
    let switched = text.replace(
        "\"words\":[",
        "\"words\":[\"undoes itself unless confirmed: kerio-tls-undo-1\",",
    );
    assert_ne!(text, switched);
    fs::write(&audit, switched).unwrap();
    let ran = place.run(&["undo", "--switch", "kerio-tls-undo-1"]);
    assert_eq!(ran.status, 1, "{}", ran.said());
    assert!(ran.err.contains("its backup has been removed since"), "{}", ran.said());
}

#[test]
fn preferences_behind_a_link_to_nothing_are_an_error_and_not_none() {
    let place = Place::with(CONFIG);
    let _ = fs::remove_file(place.path("kerio-tls.toml"));
    std::os::unix::fs::symlink("/nowhere/at/all", place.path("kerio-tls.toml")).unwrap();
    let ran = place.run(&["show"]);
    assert_eq!(ran.status, 1, "{}", ran.said());
    assert!(ran.err.contains("the symbolic link leads to nothing"), "{}", ran.said());
}

#[test]
fn the_administrators_word_that_no_engine_outside_of_a_container_uses_the_file_is_heard() {
    let place = Place::with(CONFIG);
    fs::copy("/bin/sleep", place.path("mailserver")).unwrap();
    let show = || run(alone().arg(BINARY).args(place.arguments(&["show"])));
    assert!(show().out.contains("cannot be seen"), "{}", show().said());
    fs::write(place.path("kerio-tls.toml"), "[engine]\nonly_here = true\n").unwrap();
    assert!(show().out.contains("engine: is stopped"), "{}", show().said());
}

#[test]
fn the_undo_of_a_timer_mends_a_torn_file_and_starts_the_engine_that_was_left_stopped() {
    let place = Place::with(CONFIG);
    place.second_name();
    let started = place.path("started").display().to_string();
    let engine = Engine::new(&place, &format!("touch {started}; exit 1"));
    let log = place.path("strace").display().to_string();
    let inject = "inject=ftruncate:signal=KILL:when=1";
    let strace = ["strace", "-qq", "-o", &log, "-e", "trace=ftruncate", "-e", inject];
    let ran = engine.run(
        &strace,
        &["reset", "inbound", "--engine", "restart", "--yes", "--in-place"],
    );
    assert_ne!(ran.status, 0, "strace (package strace): {}", ran.said());
    assert_ne!(place.text(), CONFIG);
    assert!(!place.path("started").exists());
    let ran = place.run(&["undo", "--switch", "kerio-tls-undo-1"]);
    assert!(ran.err.contains("THE ENGINE IS DOWN"), "{}", ran.said());
    assert!(place.path("started").exists());
    assert_eq!(place.text(), CONFIG);
}

/// Runs in a terminal, by a shell that may leave it no terminal for standard output; `answers` are typed.
fn by_shell(place: &Place, before: &str, arguments: &[&str], answers: &str) -> (u32, String) {
    let mut command = alone();
    command.args(["sh", "-c", before, "sh", BINARY]);
    in_terminal(command.args(place.arguments(arguments)), 200, answers)
}

#[test]
fn a_save_that_is_refused_says_its_warnings_on_a_terminal_as_it_does_into_a_pipe() {
    let place = Place::with(CONFIG);
    place.second_name();
    let save = ["set", "--inbound", "tls1.2", "--yes"];
    let piped = place.run(&save);
    let warnings: Vec<&str> = piped.err.lines().filter(|line| line.contains(": warning: ")).collect();
    assert!(piped.status == 4 && !warnings.is_empty(), "{}", piped.said());
    let (status, seen) = by_shell(&place, "exec \"$@\"", &save, "");
    assert_eq!(status, 4, "{seen}");
    for warning in warnings {
        assert!(seen.contains(warning), "{warning}: {seen}");
    }
}

#[test]
fn who_sits_before_a_save_sees_its_steps_and_a_pipe_gets_none() {
    let place = Place::with(CONFIG);
    let save = ["set", "--inbound", "tls1.2", "--yes", "--json"];
    let (status, seen) = by_shell(&place, "exec \"$@\"", &save, "");
    assert_eq!(status, 0, "{seen}");
    for step in [
        "Reading mail logs",
        "Writing and proving the backup ...",
        "Putting the new file in place ...",
    ] {
        assert!(seen.contains(step), "{step}: {seen}");
    }
    let piped = Place::with(CONFIG).run(&["set", "--inbound", "tls1.2", "--yes"]);
    assert!(!piped.said().contains("..."), "{}", piped.said());
}

#[test]
fn the_man_page_names_the_values_of_a_command_and_has_examples() {
    let page = run(Command::new(BINARY).arg("man")).out;
    for wanted in [
        "\\fB\\-\\-min\\fR \\fIVERSION\\fR",
        "[\\fB\\-\\-undo\\-after\\fR \\fITIME\\fR]",
        "\\fIHOST[:PORT]\\fR ...",
        "[\\fB\\-f\\fR \\fIFILE\\fR]",
        ".SH EXAMPLES",
    ] {
        assert!(page.contains(wanted), "{wanted}\n{page}");
    }
    assert!(!page.contains("<\\fB\\-\\-min\\fR>"));
}

/// Roles of every kind; those whose names are not public are named in the preferences.
fn with_roles() -> Place {
    let place = Place::with(CONFIG);
    let config = CONFIG.replacen(
        "  </table>",
        "    <variable name=\"ServerTlsCiphers\">HIGH</variable>\n    <variable name=\"TlsEcdhe\">1</variable>\n  </table>",
        1,
    );
    fs::write(place.file(), config).unwrap();
    let named = [
        ("ecdhe-on", "TlsEcdhe"),
        ("dhe-on", "TlsDhe"),
        ("dhe-key-size", "TlsDhKey"),
    ]
    .map(|(role, name)| format!("[[variable]]\ndirection = \"inbound\"\nrole = \"{role}\"\nname = \"{name}\"\n"))
    .concat();
    fs::write(place.path("kerio-tls.toml"), named).unwrap();
    place
}

fn edit(variable: &str, old: Option<&str>, new: Option<&str>) -> Value {
    let sure = match variable {
        "DisableEphemeralDH" => "documented",
        name if name.starts_with("Server") => "assumed",
        _ => "given",
    };
    json!({"table": "Security", "variable": variable, "old": old, "new": new, "name_sure": sure})
}

#[test]
fn every_role_takes_a_value_and_the_word_default_or_none_deletes_it() {
    for (value, wanted) in [
        (
            "inbound:ciphers=HIGH:!aNULL:@STRENGTH",
            edit("ServerTlsCiphers", Some("HIGH"), Some("HIGH:!aNULL:@STRENGTH")),
        ),
        // In small letters it is the server's default; DEFAULT is a keyword of OpenSSL.
        (
            "inbound:ciphers=DEFAULT",
            edit("ServerTlsCiphers", Some("HIGH"), Some("DEFAULT")),
        ),
        ("inbound:ciphers=default", edit("ServerTlsCiphers", Some("HIGH"), None)),
        ("inbound:ciphers=", edit("ServerTlsCiphers", Some("HIGH"), None)),
        ("INBOUND:ECDHE-ON=0", edit("TlsEcdhe", Some("1"), Some("0"))),
        ("inbound:ecdhe-on=Default", edit("TlsEcdhe", Some("1"), None)),
        ("inbound:dhe-on=1", edit("TlsDhe", None, Some("1"))),
        ("inbound:dhe-off=1", edit("DisableEphemeralDH", None, Some("1"))),
        ("inbound:dhe-key-size=2048", edit("TlsDhKey", None, Some("2048"))),
        (
            "inbound:protocol-list=tls1.3,TLSv1.2",
            edit(
                "ServerTlsProtocols",
                Some("TLSv1,TLSv1.1,TLSv1.2"),
                Some("TLSv1.2,TLSv1.3"),
            ),
        ),
        (
            "inbound:protocol-list=tls1.0, tls1.2",
            edit(
                "ServerTlsProtocols",
                Some("TLSv1,TLSv1.1,TLSv1.2"),
                Some("TLSv1,TLSv1.2"),
            ),
        ),
        (
            "inbound:protocol-list=default",
            edit("ServerTlsProtocols", Some("TLSv1,TLSv1.1,TLSv1.2"), None),
        ),
    ] {
        let place = with_roles();
        let before = place.text();
        let dry = place.run(&["set", "--value", value, "--dry-run", "--json"]);
        assert_eq!(dry.status, 0, "{value}: {}", dry.said());
        assert_eq!(dry.json()["edits"], json!([wanted]), "{value}");
        assert_eq!(place.text(), before, "{value}");
        let ran = place.run(&["set", "--value", value, "--yes", "--json"]);
        assert_eq!(ran.status, 0, "{value}: {}", ran.said());
        assert_eq!(ran.json()["saved"], json!(true), "{value}");
        assert_ne!(place.text(), before, "{value}");
        let again = place.run(&["set", "--value", value, "--yes", "--json"]);
        assert_eq!((again.status, &again.json()["changed"]), (0, &json!(false)), "{value}");
    }
}

#[test]
fn values_go_together_with_minimums_and_with_each_other_in_one_save() {
    let place = with_roles();
    let ran = place.run(&[
        "set",
        "--inbound",
        "tls1.2",
        "--value",
        "inbound:ciphers=HIGH:!aNULL",
        "--value",
        "inbound:ecdhe-on=0",
        "--value",
        "outbound:protocol-list=tls1.2,tls1.3",
        "--yes",
        "--json",
    ]);
    assert_eq!(ran.status, 0, "{}", ran.said());
    for line in [
        // The other list says that this server has TLS 1.3.
        "ServerTlsProtocols\">TLSv1.2,TLSv1.3<",
        "ServerTlsCiphers\">HIGH:!aNULL<",
        "TlsEcdhe\">0<",
        "ClientTlsProtocols\">TLSv1.2,TLSv1.3<",
        SECRET,
    ] {
        assert!(place.text().contains(line), "{line}: {}", place.text());
    }
    assert_eq!(
        place.run(&["backups", "--json"]).json()["backups"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // What it means for who is served is said: as in the screen's editor, with the source.
    let warnings = ran.json()["warnings"].to_string();
    assert!(
        warnings.contains("ECDHE is off") && warnings.contains("RFC 9325"),
        "{warnings}"
    );
}

#[test]
fn a_value_that_cannot_be_is_wrong_usage_and_says_what_can_be() {
    let place = with_roles();
    let before = place.text();
    for (value, wanted) in [
        ("inbound:ciphers=HIGH:@SECLEVEL=9", "OpenSSL refuses the whole string"),
        ("inbound:ciphers=!ALL", "selects no suite at all"),
        ("inbound:ciphers=HIGH\u{7}", "control character"),
        ("inbound:ecdhe-on=yes", "it is 0 or 1"),
        ("inbound:dhe-key-size=2049", "it is one of 0, 1024, 2048, 4096"),
        ("inbound:protocol-list=tls1.2,tls9", "tls9"),
        ("inbound:protocol-list=tls1.2,!tls1.3", "!tls1.3"),
        ("inbound:protocol-list=,", "expected"),
        ("inbound:protocol-list=SSLv3,tls1.2", "RFC 7568"),
        ("inbound=tls1.2", "DIRECTION:ROLE=VALUE"),
        ("inbound:ciphers", "DIRECTION:ROLE=VALUE"),
        ("sideways:ciphers=HIGH", "inbound or outbound"),
        (
            "inbound:cipher=HIGH",
            "ciphers, ecdhe-on, dhe-on, dhe-off, dhe-key-size",
        ),
    ] {
        for end in ["--yes", "--dry-run"] {
            let ran = place.run(&["set", "--value", value, end]);
            assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{value}: {}", ran.said());
            assert!(ran.err.contains(wanted), "{value}: {}", ran.err);
        }
    }
    let long = format!("inbound:ciphers=HIGH{}", ":HIGH".repeat(1000));
    assert!(
        place
            .run(&["set", "--value", &long, "--yes"])
            .failed(2)
            .contains("4096")
    );
    for both in [
        ["--value=inbound:ciphers=HIGH", "--value=inbound:ciphers=ALL"],
        ["--inbound=tls1.2", "--value=inbound:protocol-list=tls1.2"],
        ["--inbound=tls1.2", "--value=inbound:minimum-version=tls1.2"],
    ] {
        let ran = place.run(&["set", both[0], both[1], "--yes"]);
        assert!(ran.failed(2).contains("say one of them"), "{}", ran.err);
    }
    assert_eq!(place.text(), before);
    assert!(!place.path("state").exists(), "nothing was saved");
}

#[test]
fn a_misspelt_cipher_is_saved_with_a_warning_that_says_what_was_meant() {
    let place = with_roles();
    let value = "inbound:ciphers=ECDHE-RSA-AES128-GCM-SHA265:HIGH";
    let dry = place.run(&["set", "--value", value, "--dry-run"]);
    assert_eq!(dry.status, 0, "{}", dry.said());
    let ran = place.run(&["set", "--value", value, "--yes"]);
    assert_eq!(ran.status, 0, "{}", ran.said());
    for said in [dry.said(), ran.said()] {
        assert!(said.contains("did you mean ECDHE-RSA-AES128-GCM-SHA256?"), "{said}");
    }
    assert!(place.text().contains("SHA265:HIGH<"));
}

#[test]
fn a_minimum_variable_that_was_named_takes_a_version_and_keeps_the_spelling_of_the_file() {
    let place = Place::with(CONFIG);
    let config = CONFIG.replace("ServerTlsProtocols\">TLSv1,TLSv1.1,TLSv1.2", "TlsMin\">tlsv1.2");
    fs::write(place.file(), &config).unwrap();
    let named = "[[variable]]\ndirection = \"inbound\"\nrole = \"minimum-version\"\nname = \"TlsMin\"\n";
    fs::write(place.path("kerio-tls.toml"), named).unwrap();
    for same in ["tls1.2", "TLSv1.2"] {
        let value = format!("inbound:minimum-version={same}");
        let ran = place.run(&["set", "--value", &value, "--yes", "--json"]);
        assert_eq!((ran.status, &ran.json()["changed"]), (0, &json!(false)));
    }
    let ran = place.run(&["set", "--value", "inbound:minimum-version=tls1.3", "--yes", "--json"]);
    assert_eq!(
        ran.json()["edits"],
        json!([edit("TlsMin", Some("tlsv1.2"), Some("TLSv1.3"))])
    );
    let ran = place.run(&["set", "--value", "inbound:minimum-version=ssl3", "--yes"]);
    assert!(
        ran.failed(2).contains("tls1.0, tls1.1, tls1.2 or tls1.3"),
        "{}",
        ran.err
    );
}

#[test]
fn a_value_that_cuts_peers_off_needs_its_own_yes() {
    let place = with_roles();
    let peers = place.path("peers.csv").display().to_string();
    fs::write(&peers, "outbound,smtp,192.0.2.9,tls1.0,2026-10-02,fax\n").unwrap();
    let before = place.text();
    let words = [
        "--peers",
        &peers,
        "set",
        "--value",
        "outbound:protocol-list=tls1.3",
        "--yes",
    ];
    let ran = place.run(&words);
    let line = ran.failed_with_warnings(4);
    assert!(line.contains("--accept-cut-off"), "{line}");
    assert_eq!(place.text(), before);
    let ran = place.run(&[&words[..], &["--accept-cut-off", "--json"]].concat());
    assert_eq!(ran.status, 0, "{}", ran.said());
    assert_eq!(ran.json()["cut_off"][0]["address"], "192.0.2.9");
}

#[test]
fn a_role_without_a_name_says_how_it_is_named_and_naming_it_makes_it_work() {
    let place = Place::with(CONFIG);
    let config = CONFIG.replacen(
        "  </table>",
        "    <variable name=\"TlsEcdhe\">1</variable>\n  </table>",
        1,
    );
    fs::write(place.file(), &config).unwrap();
    let set = ["set", "--value", "inbound:ecdhe-on=0", "--yes"];
    let ran = place.run(&set);
    let line = ran.failed(1);
    assert!(
        line.contains("kerio-tls config --name inbound:ecdhe-on=VARIABLE") && line.contains("Security"),
        "{line}"
    );
    // What is not there is not deleted.
    let ran = place.run(&["set", "--value", "inbound:ecdhe-on=default", "--yes"]);
    assert_eq!(ran.status, 0, "{}", ran.said());
    // Without a yes nobody has been asked; the mail server's file is never touched.
    let name = ["config", "--name", "inbound:ecdhe-on=tlsecdhe"];
    assert!(place.run(&name).failed(2).contains("--yes"));
    let ran = place.run(&[&name[..], &["--yes"]].concat());
    assert_eq!(ran.status, 0, "{}", ran.said());
    let kept = place.path("kerio-tls.toml");
    assert!(
        ran.out
            .contains("TlsEcdhe is the variable for \"ephemeral ECDH on\": kept in ")
            && ran.out.contains(&*kept.to_string_lossy()),
        "{}",
        ran.out
    );
    assert_eq!(place.text(), config);
    assert_eq!(
        fs::read_to_string(&kept).unwrap(),
        "[[variable]]\ndirection = \"inbound\"\nrole = \"ecdhe-on\"\nname = \"TlsEcdhe\"\n"
    );
    let again = place.run(&[&name[..], &["--yes"]].concat());
    assert!(again.status == 0 && again.out.contains("already"), "{}", again.said());
    let ran = place.run(&set);
    assert_eq!(ran.status, 0, "{}", ran.said());
    assert_eq!(place.text(), config.replace("TlsEcdhe\">1", "TlsEcdhe\">0"));
}

#[test]
fn a_lookalike_is_kept_as_what_it_is_said_to_be_after_a_yes_to_what_it_may_mean() {
    let place = Place::with(CONFIG);
    let config = CONFIG.replace("ServerTlsProtocols", "SslVersions");
    fs::write(place.file(), &config).unwrap();
    let used = place.run(&["set", "--inbound", "tls1.2", "--use", "SslVersions", "--dry-run"]);
    let way = "kerio-tls config --name inbound:protocol-list=SslVersions";
    assert!(used.said().contains(way), "{}", used.said());
    let ran = place.run(&["config", "--name", "inbound:protocol-list=SslVersions", "--yes"]);
    assert_eq!(ran.status, 0, "{}", ran.said());
    assert!(
        ran.err.contains("= TLSv1,TLSv1.1,TLSv1.2") && ran.err.contains("the opposite"),
        "{}",
        ran.err
    );
    assert_eq!(place.run(&["show", "--json"]).json()["inbound"]["minimum"], "tls1.0");
    // A second one that plays the same role: both are written from then on, and that is said.
    fs::write(
        place.file(),
        config.replacen(
            "  </table>",
            "    <variable name=\"TlsList\">TLSv1.2</variable>\n  </table>",
            1,
        ),
    )
    .unwrap();
    let ran = place.run(&["config", "--name", "inbound:protocol-list=TlsList", "--yes"]);
    assert!(
        ran.err.contains("SslVersions plays this role already"),
        "{}",
        ran.said()
    );
}

#[test]
fn a_key_size_may_be_named_like_a_key_and_a_full_output_does_not_hide_that_it_is_kept() {
    let place = Place::with(CONFIG);
    let config = CONFIG.replacen(
        "  </table>",
        "    <variable name=\"TlsDhKeySize\">2048</variable>\n  </table>",
        1,
    );
    fs::write(place.file(), config).unwrap();
    let words = place.arguments(&["config", "--name", "inbound:dhe-key-size=TlsDhKeySize", "--yes"]);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = alone()
        .arg(BINARY)
        .args(words)
        .stdin(Stdio::null())
        .stdout(full)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("TlsDhKeySize = 2048") && said.contains("is the variable for \"ephemeral DH key size\": kept in"),
        "{said}"
    );
    assert!(!said.contains("nothing was"), "{said}");
    let kept = fs::read_to_string(place.path("kerio-tls.toml")).unwrap();
    assert!(kept.contains("TlsDhKeySize"), "{kept}");
}

#[test]
fn who_sits_before_a_name_is_asked_and_anything_but_yes_keeps_nothing() {
    let place = Place::with(CONFIG);
    fs::write(place.file(), CONFIG.replace("ServerTlsProtocols", "SslVersions")).unwrap();
    let kept = || fs::read_to_string(place.path("kerio-tls.toml")).unwrap();
    let name = ["config", "--name", "inbound:protocol-list=SslVersions"];
    let (status, seen) = by_shell(&place, "exec \"$@\"", &name, "\n");
    assert_eq!((status, kept().as_str()), (4, ""), "{seen}");
    for wanted in ["the opposite", "the list of protocols? [y/N]", "nothing was written"] {
        assert!(seen.contains(wanted), "{wanted}: {seen}");
    }
    let (status, seen) = by_shell(&place, "exec \"$@\"", &name, "y\n");
    assert_eq!(status, 0, "{seen}");
    assert!(kept().contains("SslVersions"), "{}", kept());
}

#[test]
fn who_is_asked_for_a_save_has_read_what_its_values_mean() {
    let place = with_roles();
    let set = ["set", "--value", "inbound:ecdhe-on=0"];
    let (status, seen) = by_shell(&place, "exec \"$@\"", &set, "n\n");
    assert_eq!(status, 4, "{seen}");
    let (before, _) = seen.split_once("[y/N]").unwrap();
    assert!(before.contains("ECDHE is off"), "{seen}");
}

#[test]
fn a_name_that_may_mean_the_opposite_or_holds_something_else_is_refused_and_nothing_is_written() {
    let place = Place::with(CONFIG);
    let variables = [
        ("DisabledSsl", "TLSv1"),
        ("DenyTls", "TLSv1,TLSv1.1"),
        ("ExcludedTls", "TLSv1"),
        ("TlsMaxVersion", "TLSv1.3"),
        ("NoEcdhe", "1"),
        ("TlsSigned", "TLSv1,!SSLv3"),
        ("TlsMinimum", "TLSv1.2"),
        ("TlsDhe", "1"),
        ("Number", "17"),
        ("TlsKeyWord", "HIGH"),
        ("Reversible", "D3S:0123abcd"),
        ("Twice", "TLSv1.2"),
        ("twice", "TLSv1.2"),
    ]
    .map(|(name, value)| format!("    <variable name=\"{name}\">{value}</variable>\n"))
    .concat();
    let config = CONFIG.replacen("  </table>", &format!("{variables}  </table>"), 1);
    fs::write(place.file(), &config).unwrap();
    for (name, wanted) in [
        ("inbound:protocol-list=DisabledSsl", "the opposite"),
        ("inbound:protocol-list=DenyTls", "the opposite"),
        ("inbound:protocol-list=ExcludedTls", "the opposite"),
        ("inbound:minimum-version=TlsMaxVersion", "the opposite"),
        // Not in the file, but its name says enough.
        ("inbound:protocol-list=RejectedTls", "the opposite"),
        ("inbound:ecdhe-on=NoEcdhe", "the opposite"),
        ("inbound:dhe-off=TlsDhe", "the opposite"),
        ("inbound:protocol-list=TlsSigned", "does not look like"),
        ("inbound:protocol-list=TlsMinimum", "looks like the minimum version"),
        ("inbound:ecdhe-on=Number", "it is 0 or 1"),
        ("inbound:ciphers=TlsKeyWord", "a secret"),
        ("inbound:ciphers=Reversible", "a secret"),
        ("inbound:ciphers=RelayPassword", "a secret"),
        ("inbound:protocol-list=Twice", "more than once"),
        ("inbound:minimum-version=ServerTlsProtocols", "list of protocols"),
    ] {
        let ran = place.run(&["config", "--name", name, "--yes"]);
        let line = ran.failed(4);
        assert!(
            line.contains(wanted) && line.contains("nothing was written"),
            "{name}: {line}"
        );
        assert!(!line.contains("0123abcd") && !line.contains(SECRET), "{line}");
    }
    for (name, status) in [
        ("inbound:ciphers=", 2),
        ("inbound:nothing=X", 2),
        ("inbound:ciphers=A\u{1b}B", 2),
    ] {
        let ran = place.run(&["config", "--name", name, "--yes"]);
        assert_eq!(ran.status, status, "{name}: {}", ran.said());
    }
    assert_eq!(fs::read_to_string(place.path("kerio-tls.toml")).unwrap(), "");
    assert_eq!(place.text(), config);
    // One that the file has not is only taken with what that means said.
    let ran = place.run(&["config", "--name", "outbound:dhe-on=TlsDheOn", "--yes"]);
    assert_eq!(ran.status, 0, "{}", ran.said());
    assert!(ran.err.contains("not in table SmtpSecurity"), "{}", ran.err);
}

#[test]
fn preferences_that_cannot_be_written_fail_with_what_to_add_by_hand() {
    let place = Place::with(CONFIG);
    let ran = place.run(&["config", "--default", "--name", "inbound:dhe-off=DisableX", "--yes"]);
    assert_eq!(ran.status, 2, "{}", ran.said());
    assert_eq!(fs::read_to_string(place.path("kerio-tls.toml")).unwrap(), "");
    let locked = place.path("locked");
    fs::create_dir(&locked).unwrap();
    fs::write(locked.join("kerio-tls.toml"), "").unwrap();
    // Others can write the directory: root writes nothing there. Another user cannot write it at all.
    let mode = if rustix::process::geteuid().is_root() {
        0o777
    } else {
        0o555
    };
    fs::set_permissions(&locked, fs::Permissions::from_mode(mode)).unwrap();
    let config = locked.join("kerio-tls.toml").display().to_string();
    let ran = run(alone()
        .arg(BINARY)
        .arg("-f")
        .arg(place.file())
        .arg("--state-dir")
        .arg(place.path("state"))
        .args([
            "--config",
            &config,
            "config",
            "--name",
            "inbound:dhe-on=TlsDhe",
            "--yes",
        ]));
    assert_eq!(ran.status, 1, "{}", ran.said());
    assert!(
        ran.err.contains("was not written") || ran.err.contains("could not be written"),
        "{}",
        ran.err
    );
    for line in ["  [[variable]]", "  role = \"dhe-on\"", "  name = \"TlsDhe\""] {
        assert!(ran.err.contains(line), "{}", ran.err);
    }
    assert_eq!(fs::read_to_string(&config).unwrap(), "");
}
