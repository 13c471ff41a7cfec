//! The commands through the real binary where something stands in the way: a file that an earlier save tore, a file that nobody can
//! understand, places that are not there, an engine that does not come up.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy knows only functions marked #[test] as tests, not their helpers"
)]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_kerio-tls");

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

/// A directory with `mailserver.cfg`, empty preferences, and a place for a state directory.
struct Place {
    dir: tempfile::TempDir,
}

struct Ran {
    status: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {} / {}", self.out, self.err))
    }

    fn said(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    /// One line on standard error and nothing on standard output.
    fn failed(&self, status: i32) -> &str {
        assert_eq!(self.status, Some(status), "{}", self.said());
        assert_eq!(self.out, "");
        assert_eq!(self.err.lines().count(), 1, "{}", self.err);
        self.err.trim_end()
    }
}

impl Place {
    fn new() -> Self {
        let place = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        fs::write(place.file(), CONFIG).unwrap();
        fs::write(place.path("kerio-tls.toml"), "").unwrap();
        place
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    fn file(&self) -> PathBuf {
        self.path("mailserver.cfg")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    fn arguments(&self, arguments: &[&str]) -> Vec<OsString> {
        let mut all: Vec<OsString> = vec!["-f".into(), self.file().into()];
        all.extend(["--state-dir".into(), self.path("state").into()]);
        all.extend(["--config".into(), self.path("kerio-tls.toml").into()]);
        all.extend(arguments.iter().map(Into::into));
        all
    }

    /// Runs the binary where it sees no process of this machine.
    fn run(&self, arguments: &[&str]) -> Ran {
        run(alone().arg(BINARY).args(self.arguments(arguments)))
    }

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
        assert_ne!(ran.status, Some(0), "strace (package strace): {}", ran.said());
        assert!(self.text().trim_end().len() > self.text().find("</config>").unwrap() + "</config>".len());
    }

    /// Saves once, so that there is a backup; its id.
    fn saved_once(&self) -> String {
        let ran = self.run(&["set", "--inbound", "tls1.2", "--yes", "--json"]);
        assert_eq!(ran.status, Some(0), "{}", ran.said());
        self.newest()["id"].as_str().unwrap().to_owned()
    }

    fn newest(&self) -> Value {
        self.run(&["backups", "--json"]).json()["backups"][0].clone()
    }
}

/// A PID namespace of its own, with its own `/proc`.
fn alone() -> Command {
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-current-user"]);
    }
    command.args(["--pid", "--fork", "--mount-proc", "--kill-child"]);
    command
}

fn run(command: &mut Command) -> Ran {
    let output = command
        .stdin(Stdio::null())
        .env("TZ", "UTC")
        .output()
        .unwrap_or_else(|error| panic!("unshare is in the Debian package util-linux: {error}"));
    Ran {
        status: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

const TEAR: [&str; 4] = ["reset", "inbound", "--yes", "--in-place"];

#[test]
fn a_torn_file_is_mended_by_the_next_command_that_saves_and_its_choice_is_saved_on_top() {
    let place = Place::new();
    place.second_name();
    place.tear(&TEAR);
    let ran = place.run(&["set", "--inbound", "tls1.2", "--yes", "--in-place", "--json"]);
    assert_eq!(ran.status, Some(0), "{}", ran.said());
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
        let place = Place::new();
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
    let place = Place::new();
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
    assert_eq!(place.run(&["confirm"]).status, Some(0));
    assert_eq!(place.run(&["backups"]).status, Some(0));
}

#[test]
fn a_file_that_nobody_can_understand_is_met_by_the_command_that_restores_the_newest_good_backup() {
    let place = Place::new();
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
    assert_eq!(listed.status, Some(0), "{}", listed.said());
    assert!(listed.out.contains(&id));
    let looked = place.run(&["backups", &id]);
    assert_eq!(looked.status, Some(0), "{}", looked.said());
    assert!(
        looked.out.contains("cannot be understood") && looked.out.contains(&way_out),
        "{}",
        looked.out
    );
    assert_eq!(place.run(&["backups", &id, "--json"]).json()["count"], Value::Null);
    assert_eq!(place.run(&["confirm"]).status, Some(0));
    // What is only a change of values cannot be taken back here, and the way out is said.
    assert!(place.run(&["restore", &id, "--yes"]).failed(1).contains(&way_out));
}

#[test]
fn a_whole_backup_takes_the_place_of_a_file_that_nobody_can_understand_and_that_file_is_kept() {
    let place = Place::new();
    let id = place.saved_once();
    let broken = format!("{} <!-- {SECRET}", place.text());
    fs::write(place.file(), &broken).unwrap();
    let dry = place.run(&["restore", &id, "--whole", "--dry-run"]);
    assert_eq!(dry.status, Some(0), "{}", dry.said());
    assert!(
        dry.out.contains("cannot be understood") && !dry.said().contains(SECRET),
        "{}",
        dry.said()
    );
    assert_eq!(place.text(), broken);
    let ran = place.run(&["restore", &id, "--whole", "--yes", "--json"]);
    assert_eq!(ran.status, Some(0), "{}", ran.said());
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
    let place = Place::new();
    fs::write(place.file(), "<config>").unwrap();
    for command in [
        &["show"][..],
        &["set", "--inbound", "tls1.2", "--yes"],
        &["restore", "--yes"],
        &["restore", "--whole", "--yes"],
    ] {
        let ran = place.run(command);
        assert!(matches!(ran.status, Some(1 | 2)), "{command:?}: {}", ran.said());
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    }
    assert!(place.run(&["show"]).failed(1).contains("a backup of your own"));
    assert_eq!(place.text(), "<config>");
    assert!(!place.path("state").exists());
}

#[test]
fn what_only_looks_makes_no_state_directory() {
    let place = Place::new();
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
    let place = Place::new();
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
