//! The real binary and an engine under a real systemd, from the command to the file and back: each test boots a
//! container (see `common/nspawn.rs`) with the stand-in engine of `tests/systemd`, which writes its file whenever it
//! stops.
//!
//! `cargo test --test systemd procedure::` as root; packages systemd-container and debootstrap.
//! Measured on 2 cores with two threads: 65 s, nearly all of it waiting; once more 36 s to make the root.
//!
//! Whatever is run here, none of it may show a secret of the file, and each test ends with a look at all that is left.

use crate::nspawn::{Bind, Container};
use crate::pty::{Program, Pty, gone, signal};
use serde_json::Value;
use std::process::Stdio;

const FILE: &str = "/opt/kerio/mailserver/mailserver.cfg";
const OLD: &str = "TLSv1,TLSv1.1,TLSv1.2";
/// Part of every secret of the file.
const SECRET: &str = "5ecre7";
/// Must be there byte for byte after everything.
const CONFIG: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<config>
  <table name="Security">
    <variable name="ServerTlsProtocols">TLSv1,TLSv1.1,TLSv1.2</variable>
    <variable name="SslKeyPassword">5ecre7-password</variable>
  </table>
  <table name="SmtpSecurity">
    <variable name="ClientTlsProtocols">TLSv1,TLSv1.1,TLSv1.2</variable>
  </table>
  <table name="SmtpRelay">
    <variable name="Secret">D3S:5ecre7d3s</variable>
  </table>
  <list name="User">
    <listitem>
      <variable name="Name">alice</variable>
      <variable name="Password">SHA:5ecre7sha</variable>
    </listitem>
  </list>
  <table name="Statistics">
    <variable name="Uptime">0</variable>
  </table>
</config>
"#;

/// A mail host.
struct Server {
    container: Container,
}

/// What a command came to.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    fn said(&self, words: &str) -> bool {
        self.out.contains(words) || self.err.contains(words)
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {}\n{}\n{}", self.code, self.out, self.err)
    }
}

impl Server {
    /// With an engine that runs and behaves as told in `stand-in.conf`.
    fn new(stand_in: &str) -> Server {
        Server::with(stand_in, CONFIG)
    }

    /// With an engine that really speaks TLS on 25, 465, 993 and 4040, in the versions that the variable `name` names
    /// (without it, in `default`); with these TLS variables in `Security` and none in `SmtpSecurity`, and without peers
    /// who would be cut off.
    fn speaking(name: &str, default: &str, more: &str, security: &str) -> Server {
        let config = CONFIG
            .replace(
                "    <variable name=\"ServerTlsProtocols\">TLSv1,TLSv1.1,TLSv1.2</variable>\n",
                security,
            )
            .replace(
                "    <variable name=\"ClientTlsProtocols\">TLSv1,TLSv1.1,TLSv1.2</variable>\n",
                "",
            );
        let server = Server::with(&format!("tls={name}\ntls_default={default}\n{more}"), &config);
        server.container.sh("rm /etc/kerio-tls/peers.csv");
        server
    }

    fn with(stand_in: &str, config: &str) -> Server {
        let container = Container::boot(&[Bind::read_only(env!("CARGO_BIN_EXE_kerio-tls"), "/usr/bin/kerio-tls")]);
        container.install_engine();
        container.write(FILE, config.as_bytes());
        container.write("/etc/kerio-tls/kerio-tls.toml", b"[engine]\nwatch = 2\n");
        container.write(
            "/etc/kerio-tls/peers.csv",
            b"inbound,smtp,192.0.2.77,tls1.0,2026-11-01,scanner\n",
        );
        container.sh("chmod 700 /etc/kerio-tls; chmod 600 /etc/kerio-tls/*");
        let server = Server { container };
        server.stand_in(stand_in);
        server.start();
        server
    }

    fn stand_in(&self, conf: &str) {
        self.container
            .write("/opt/kerio/mailserver/stand-in.conf", conf.as_bytes());
    }

    fn start(&self) {
        self.container.sh("systemctl start kerio-connect; for i in $(seq 100); do grep -q :0FC8 /proc/net/tcp && exit 0; sleep 0.05; done; echo 'it never listened'; exit 1");
    }

    fn stop(&self) {
        self.container.sh("systemctl stop kerio-connect");
    }

    fn run(&self, words: &[&str]) -> Ran {
        let argv: Vec<&str> = std::iter::once("kerio-tls").chain(words.iter().copied()).collect();
        let ran = self.container.run(&argv);
        let ran = Ran {
            code: ran.status.code().expect("an exit status"),
            out: String::from_utf8(ran.stdout).unwrap(),
            err: String::from_utf8(ran.stderr).unwrap(),
        };
        assert!(!ran.said(SECRET), "{words:?} showed a secret:\n{ran}");
        ran
    }

    fn set(&self, more: &[&str]) -> Ran {
        let mut words = vec!["set", "--inbound", "tls1.2", "--outbound", "tls1.2"];
        words.extend(["--yes", "--accept-cut-off"].iter().chain(more));
        self.run(&words)
    }

    fn file(&self) -> String {
        self.container.sh(&format!("cat {FILE}"))
    }

    /// The process id of the engine's unit; 0: it is down.
    fn pid(&self) -> u32 {
        let pid = self.container.sh("systemctl show -p MainPID --value kerio-connect");
        pid.trim().parse().unwrap()
    }

    fn state(&self) -> String {
        self.container
            .sh("systemctl show -p ActiveState --value kerio-connect")
            .trim()
            .to_owned()
    }

    /// Owner and mode as they were, and no secret where others can read.
    fn nothing_lies_open(&self) {
        assert_eq!(
            self.container.sh(&format!("stat -c '%U:%G %a' {FILE}")),
            "kerio:kerio 640\n"
        );
        let beside = self.container.sh("ls -A /opt/kerio/mailserver");
        assert!(!beside.contains("kerio-tls"), "left beside the file: {beside}");
        let open = self
            .container
            .sh("if [ -e /var/lib/kerio-tls ]; then find /var/lib/kerio-tls -perm /077; fi");
        assert_eq!(open, "", "open to others");
        let with = self.container.sh(&format!(
            "grep -rlF {SECRET} /etc /opt /run /tmp /var /root 2>/dev/null | grep -v '^/var/lib/kerio-tls/' | grep -v '^/run/stand-in/' || true"
        ));
        assert_eq!(with.trim(), FILE, "secrets in other places");
        let journal = self.container.sh("journalctl --no-pager --output=export | cat");
        assert!(journal.contains("stand-in: up"), "the journal is not what it should be");
        assert!(!journal.contains(SECRET), "a secret in the journal");
        let with = self.container.sh(&format!(
            "grep -rlF {SECRET} /var/lib/kerio-tls 2>/dev/null | grep -v '\\.cfg$' || true"
        ));
        assert_eq!(with, "", "secrets in what is no copy of the file");
    }
}

/// The value of a variable, read by another parser.
fn value(text: &str, table: &str, name: &str) -> Option<String> {
    let document = roxmltree::Document::parse(text).unwrap();
    let found = document.descendants().find(|node| {
        node.attribute("name") == Some(name)
            && node
                .parent()
                .is_some_and(|parent| parent.attribute("name") == Some(table))
    })?;
    Some(found.text().unwrap_or_default().to_owned())
}

fn protocols(text: &str) -> [Option<String>; 2] {
    [
        value(text, "Security", "ServerTlsProtocols"),
        value(text, "SmtpSecurity", "ClientTlsProtocols"),
    ]
}

fn both(value: &str) -> [Option<String>; 2] {
    [Some(value.to_owned()), Some(value.to_owned())]
}

#[test]
fn a_save_stops_the_engine_edits_what_the_engine_wrote_and_starts_it_again() {
    let server = Server::new("on_stop=>0<|>77<\nstop_takes=1\n");
    let before = server.pid();
    let ran = server.set(&["--engine", "restart", "--json"]);
    assert_eq!(ran.code, 0, "{ran}");
    let json = ran.json();
    assert!(json["saved"] == true && json["changed"] == true, "{ran}");
    let after = server.pid();
    assert!(after != 0 && after != before, "{before} {after}");
    let file = server.file();
    assert_eq!(
        file,
        CONFIG
            .replace(">0<", ">77<")
            .replace(OLD, json["edits"][0]["new"].as_str().unwrap())
    );
    assert_eq!(protocols(&file), both("TLSv1.2"));
    let backup = json["backup"].as_str().unwrap();
    assert_eq!(
        server.container.sh(&format!("cat {backup}")),
        CONFIG.replace(">0<", ">77<"),
        "the backup is the file as the engine left it"
    );
    server.nothing_lies_open();
}

#[test]
fn a_running_engine_is_refused_by_default_with_the_commands_to_type() {
    let server = Server::new("on_stop=>0<|>77<\n");
    let before = server.pid();
    for more in [&[][..], &["--json"], &["--engine", "refuse"]] {
        let ran = server.set(more);
        assert_eq!(ran.code, 4, "{ran}");
        for command in [
            "systemctl stop kerio-connect.service",
            "systemctl start kerio-connect.service",
        ] {
            assert!(ran.err.contains(command), "{ran}");
        }
    }
    assert_eq!(server.pid(), before);
    assert_eq!(server.file(), CONFIG);
    server.nothing_lies_open();
}

#[test]
fn a_stopped_engine_is_left_stopped_after_a_save() {
    let server = Server::new("");
    server.stop();
    let ran = server.set(&["--engine", "refuse"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(protocols(&server.file()), both("TLSv1.2"));
    assert_eq!(server.state(), "inactive");
    server.nothing_lies_open();
}

#[test]
fn an_engine_that_dies_of_the_new_file_gets_the_old_one_back() {
    let server = Server::new("die_if=>TLSv1.2<\non_stop=>0<|>77<\n");
    let ran = server.set(&["--engine", "restart", "--json"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert_eq!(ran.json()["saved"], false, "{ran}");
    assert_ne!(server.pid(), 0, "the engine is down: {ran}");
    assert_eq!(server.file(), CONFIG.replace(">0<", ">77<"));
    let said = "I do not like this configuration";
    assert!(
        ran.err.contains(said) && ran.err.contains("the old file is back"),
        "{ran}"
    );
    let failed = server.container.sh(
        "set -- /var/lib/kerio-tls/*/kept/*; [ $# = 1 ]; [ \"$(stat -c '%U %a' \"$1\")\" = 'root 600' ]; echo \"$1\"; cat \"$1\"",
    );
    let (path, failed) = failed.split_once('\n').unwrap();
    assert!(ran.err.contains(path), "{path} is not named: {ran}");
    assert_eq!(protocols(failed), both("TLSv1.2"));
    server.nothing_lies_open();
}

#[test]
fn an_engine_that_drops_our_variable_is_told_of_by_its_name() {
    let server = Server::new("");
    server.stand_in("forget=ServerTlsProtocols\n");
    let ran = server.set(&["--engine", "restart", "--json"]);
    assert_eq!(ran.code, 1, "{ran}");
    let json = ran.json();
    assert!(json["saved"] == true && json["took_effect"] == false, "{ran}");
    let warnings = json["warnings"].to_string();
    for words in ["dropped", "ServerTlsProtocols", "name is wrong", "kerio-tls restore"] {
        assert!(warnings.contains(words), "{words}: {ran}");
    }
    assert!(ran.err.contains("kerio-tls restore"), "{ran}");
    let file = server.file();
    assert_eq!(protocols(&file), [None, Some("TLSv1.2".to_owned())]);
    assert_ne!(server.pid(), 0);
    server.nothing_lies_open();
}

#[test]
fn a_value_that_the_stop_itself_changed_is_theirs_and_the_engine_comes_up_again() {
    let server = Server::new("on_stop=Protocols\">TLSv1,TLSv1.1,TLSv1.2<|Protocols\">TLSv1.1,TLSv1.2<\n");
    let before = server.pid();
    let ran = server.set(&["--engine", "restart"]);
    assert_eq!(ran.code, 4, "{ran}");
    assert!(ran.err.contains("ServerTlsProtocols"), "{ran}");
    assert_eq!(server.file(), CONFIG.replace(OLD, "TLSv1.1,TLSv1.2"));
    let after = server.pid();
    assert!(after != 0 && after != before, "{before} {after}");
    assert_eq!(
        server.container.sh("find /var/lib/kerio-tls/*/backups -name '*.cfg'"),
        ""
    );
    server.nothing_lies_open();
}

#[test]
fn a_save_that_nobody_confirms_is_undone_by_a_timer_that_was_armed_before_the_engine_was_stopped() {
    let server = Server::new("on_stop=>0<|>77<\nstop_takes=2\n");
    let words = ["kerio-tls", "set", "--inbound", "tls1.2", "--yes", "--accept-cut-off"];
    let more = ["--engine", "restart", "--undo-after", "5s"];
    let mut save = server.container.command(&[&words[..], &more].concat());
    let save = save.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    server.container.sh(&until(
        "the stop",
        "[ \"$(systemctl show -p ActiveState --value kerio-connect)\" = deactivating ]",
    ));
    let timers = server
        .container
        .sh("systemctl list-units --type=timer --plain --no-legend 'kerio-tls-undo-*'");
    assert!(
        timers.contains("-a.timer"),
        "no timer while the engine stops: {timers:?}"
    );
    let saved = save.wait_with_output().unwrap();
    let said = String::from_utf8(saved.stdout).unwrap();
    assert!(saved.status.success(), "{said}");
    assert!(said.contains("It undoes itself in 5 s unless you confirm it"), "{said}");
    let [inbound, _] = protocols(&server.file());
    assert_eq!(inbound.as_deref(), Some("TLSv1.2"));
    let pid = server.pid();
    let undone = format!("grep -q '>TLSv1,TLSv1.1,TLSv1.2<.*' {FILE} && ! grep -q '>TLSv1.2<' {FILE}");
    server.container.sh(&until("the undo", &undone));
    server.container.sh(&until(
        "the end of the undo",
        "[ -z \"$(systemctl list-units --all --plain --no-legend 'kerio-tls-undo-*')\" ]",
    ));
    assert_eq!(server.file(), CONFIG.replace(">0<", ">77<"));
    let after = server.pid();
    assert!(after != 0 && after != pid, "{pid} {after}");
    let journal = server.container.sh("journalctl --no-pager -o cat");
    assert!(journal.contains("undone because nobody confirmed it"), "{journal}");
    server.nothing_lies_open();
}

#[test]
fn a_save_that_is_confirmed_stays_and_can_be_undone_by_hand() {
    let server = Server::new("");
    let saved = server.set(&["--engine", "restart", "--undo-after", "10m"]);
    assert_eq!(saved.code, 0, "{saved}");
    assert!(
        saved.said("It undoes itself in 10 minutes unless you confirm it"),
        "{saved}"
    );
    let left = server
        .container
        .sh("systemctl list-units --all --plain --no-legend 'kerio-tls-undo-*.timer'");
    assert!(left.contains("-b.timer") && !left.contains("-a.timer"), "{left}");
    let pid = server.pid();
    let confirmed = server.run(&["confirm"]);
    assert!(confirmed.code == 0 && confirmed.out.contains("Kept: "), "{confirmed}");
    let left = server
        .container
        .sh("systemctl list-units --all --plain --no-legend 'kerio-tls-undo-*'");
    assert_eq!(left, "", "a timer is left");
    let again = server.run(&["confirm"]);
    assert!(again.code == 0 && again.out.contains("Nothing waits"), "{again}");
    assert_eq!(protocols(&server.file()), both("TLSv1.2"));
    assert_eq!(server.pid(), pid);

    // Taken back by hand.
    let listed = server.run(&["backups", "--json"]).json();
    let [backup] = &listed["backups"].as_array().unwrap()[..] else {
        panic!("{listed}")
    };
    assert_eq!(backup["action"], "save");
    let sum = server.container.sh(&format!(
        "sha256sum {} | cut -d' ' -f1",
        backup["path"].as_str().unwrap()
    ));
    assert_eq!(backup["sha256"].as_str().unwrap(), sum.trim());
    let restored = server.run(&["restore", "--yes", "--engine", "restart"]);
    assert_eq!(restored.code, 0, "{restored}");
    assert_eq!(server.file(), CONFIG);
    let after = server.pid();
    assert!(after != 0 && after != pid, "{pid} {after}");
    let listed = server.run(&["backups", "--json"]).json();
    assert_eq!(listed["backups"].as_array().unwrap().len(), 2, "{listed}");
    assert_eq!(listed["backups"][0]["action"], "restore");
    server.nothing_lies_open();
}

#[test]
fn the_automatic_undo_finds_a_file_whose_path_is_full_of_what_systemd_would_replace() {
    let server = Server::new("");
    server.stop();
    server.container.sh("rm -r /opt/kerio");
    let path = "/srv/b${USER}c $HOME %n 100% it's \"one\"/mailserver.cfg";
    server.container.write(path, CONFIG.as_bytes());
    server.container.sh("chmod -R go= /srv/b*");
    let words = [
        "-f",
        path,
        "set",
        "--inbound",
        "tls1.2",
        "--yes",
        "--accept-cut-off",
        "--undo-after",
        "2s",
    ];
    let ran = server.run(&words);
    assert_eq!(ran.code, 0, "{ran}");
    let file = || server.container.sh("cat /srv/b*/mailserver.cfg");
    assert_ne!(file(), CONFIG);
    server.container.sh(&until(
        "the end of the undo",
        "[ -z \"$(systemctl list-units --all --plain --no-legend 'kerio-tls-undo-*')\" ]",
    ));
    assert_eq!(file(), CONFIG);
}

#[test]
fn a_save_that_was_rolled_back_leaves_no_timer() {
    let server = Server::new("die_if=>TLSv1.2<\n");
    let ran = server.set(&["--engine", "restart", "--undo-after", "10m"]);
    assert_eq!(ran.code, 1, "{ran}");
    let left = server
        .container
        .sh("systemctl list-units --all --plain --no-legend 'kerio-tls-undo-*'");
    assert_eq!(left, "", "a timer is left");
    assert_eq!(server.file(), CONFIG);
    server.nothing_lies_open();
}

#[test]
fn an_engine_that_a_killed_save_left_down_is_said_with_the_command_until_it_runs_again() {
    let server = Server::new("on_stop=>0<|>77<\nstop_takes=2\n");
    let home = tempfile::tempdir().unwrap();
    let (mut pty, pid) = stopping_from_the_screen(&server, home.path());
    server.container.sh(&until(
        "the beginning of the stop",
        "[ \"$(systemctl show -p ActiveState --value kerio-connect)\" != active ]",
    ));
    signal(pid, rustix::process::Signal::KILL);
    let _ = pty.end();
    server.container.sh(&until(
        "the stop",
        "[ \"$(systemctl show -p ActiveState --value kerio-connect)\" = inactive ]",
    ));
    assert_eq!(server.file(), CONFIG.replace(">0<", ">77<"));
    let open = |words: &str| {
        let mut pty = Program::new(home.path(), server.container.argv(&["kerio-tls"]))
            .size(100, 40)
            .start();
        pty.see(words);
        pty
    };
    for _ in 0..2 {
        // What is urgent lies on top; the killed session's choice is offered again below it.
        let mut pty = open("THE ENGINE IS DOWN");
        pty.see("systemctl start kerio-connect.service");
        pty.press("<Esc>");
        pty.see("Unsaved edits found");
    }
    server.start();
    drop(open("runs again."));
    let mut pty = open("Unsaved edits found");
    pty.press("<Esc>");
    pty.see_no("Unsaved edits found");
    pty.see("engine: running");
    let screen = pty.screen().contents();
    assert!(!screen.contains("runs again") && !screen.contains("ENGINE"), "{screen}");
    server.nothing_lies_open();
}

#[test]
fn an_engine_that_comes_up_with_neither_file_is_down_and_that_is_said_first() {
    let server = Server::new("on_stop=>0<|>77<\n");
    server.stand_in("die_if=<config>\n");
    let ran = server.set(&["--engine", "restart"]);
    assert_eq!(ran.code, 1, "{ran}");
    let (_, failure) = ran.err.split_once("kerio-tls: THE ENGINE IS DOWN").expect("said");
    // The command ends its line, so that it can be copied; the reasons follow, indented.
    let (first, reasons) = failure.split_once('\n').unwrap();
    assert!(first.ends_with(": systemctl start kerio-connect.service"), "{ran}");
    assert!(reasons.contains("I do not like this configuration"), "{ran}");
    assert!(reasons.lines().all(|line| line.starts_with("  ")), "{ran}");
    assert_eq!(server.file(), CONFIG.replace(">0<", ">77<"), "the old file is back");
    // Said again by whoever saves next, until it runs.
    server.stop();
    let again = server.set(&[]);
    assert!(again.code == 0 && again.err.contains("THE ENGINE IS DOWN"), "{again}");
    server.nothing_lies_open();
}

#[test]
fn an_engine_that_does_not_come_up_after_a_conflict_is_down_and_that_is_said_first() {
    let server = Server::new("on_stop=Protocols\">TLSv1,TLSv1.1,TLSv1.2<|Protocols\">TLSv1.1,TLSv1.2<\n");
    server.stand_in("die_if=<config>\n");
    let ran = server.set(&["--engine", "restart"]);
    assert_eq!(ran.code, 1, "{ran}");
    let (_, failure) = ran.err.split_once("kerio-tls: THE ENGINE IS DOWN").expect("said");
    let (first, rest) = failure.split_once('\n').unwrap();
    assert!(first.ends_with(": systemctl start kerio-connect.service"), "{ran}");
    assert!(rest.contains("ServerTlsProtocols"), "{ran}");
    // What the engine said stands on lines of its own.
    assert!(!first.contains("I do not like this configuration"), "{ran}");
    assert!(
        rest.lines()
            .any(|line| line.starts_with("    ") && line.contains("I do not like this configuration")),
        "{ran}"
    );
    server.nothing_lies_open();
}

#[test]
fn every_save_is_one_line_of_the_audit_file() {
    let server = Server::new("");
    assert_eq!(server.set(&["--engine", "restart"]).code, 0);
    assert_eq!(server.set(&["--engine", "restart"]).code, 0, "nothing to do");
    assert_eq!(server.run(&["restore", "--yes", "--engine", "restart"]).code, 0);
    let audit = server.container.sh("cat $(find /var/lib/kerio-tls -name 'audit*')");
    let actions: Vec<String> = audit
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["action"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(actions, ["save", "restore"], "{audit}");
    server.nothing_lies_open();
}

#[test]
fn the_automatic_undo_of_a_killed_save_starts_the_engine_that_the_save_had_stopped() {
    let server = Server::new("on_stop=>0<|>77<\nstop_takes=2\n");
    let words = ["kerio-tls", "set", "--inbound", "tls1.2", "--yes", "--accept-cut-off"];
    let more = ["--engine", "restart", "--undo-after", "10m"];
    let argv = [
        &["sh", "-c", "echo $$ > /run/save.pid; exec \"$@\"", "sh"],
        &words[..],
        &more,
    ]
    .concat();
    let mut save = server.container.command(&argv).spawn().unwrap();
    server.container.sh(&until(
        "the stop",
        "[ \"$(systemctl show -p ActiveState --value kerio-connect)\" = deactivating ]",
    ));
    server.container.sh("kill -9 $(cat /run/save.pid)");
    save.wait().unwrap();
    server.container.sh(&until(
        "the end of the stop",
        "[ \"$(systemctl show -p ActiveState --value kerio-connect)\" = inactive ]",
    ));
    let timer = server
        .container
        .sh("systemctl list-units --type=timer --plain --no-legend 'kerio-tls-undo-*'");
    let name = timer.split("-a.timer").next().unwrap();
    // What the timer runs, without the half hour.
    let undone = server.run(&["undo", "--switch", name]);
    assert_eq!(undone.code, 0, "{undone}");
    assert!(undone.out.contains("started again"), "{undone}");
    assert_ne!(server.pid(), 0, "{undone}");
    assert_eq!(server.file(), CONFIG.replace(">0<", ">77<"));
    let pid = server.pid();
    let again = server.run(&["undo", "--switch", name]);
    assert!(again.code == 0 && again.out.contains("Nothing to undo"), "{again}");
    assert_eq!(server.pid(), pid);
    server.nothing_lies_open();
}

/// A save by command that gets a signal while the engine stops.
fn signalled_while_the_engine_stops(server: &Server, name: &str) -> Ran {
    let words = [
        "kerio-tls",
        "set",
        "--inbound",
        "tls1.2",
        "--yes",
        "--accept-cut-off",
        "--engine",
        "restart",
    ];
    let argv = [&["sh", "-c", "echo $$ > /run/save.pid; exec \"$@\"", "sh"], &words[..]].concat();
    let mut save = server.container.command(&argv);
    let save = save.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    server.container.sh(&until(
        "the stop",
        "[ \"$(systemctl show -p ActiveState --value kerio-connect)\" = deactivating ]",
    ));
    server.container.sh(&format!("kill -{name} $(cat /run/save.pid)"));
    let ended = save.wait_with_output().unwrap();
    let ran = Ran {
        code: ended.status.code().unwrap_or(-1),
        out: String::from_utf8(ended.stdout).unwrap(),
        err: String::from_utf8(ended.stderr).unwrap(),
    };
    assert!(!ran.said(SECRET), "{ran}");
    ran
}

#[test]
fn a_lost_connection_or_ctrl_z_while_the_engine_stops_does_not_end_a_command() {
    for name in ["HUP", "TSTP"] {
        let server = Server::new("stop_takes=2\n");
        let before = server.pid();
        let ran = signalled_while_the_engine_stops(&server, name);
        assert_eq!(ran.code, 0, "{name}: {ran}");
        let [inbound, _] = protocols(&server.file());
        assert_eq!(inbound.as_deref(), Some("TLSv1.2"), "{name}: {ran}");
        let after = server.pid();
        assert!(after != 0 && after != before, "{name}: {before} {after}");
        server.nothing_lies_open();
    }
}

#[test]
fn ctrl_c_and_kill_while_the_engine_stops_give_the_save_up_and_start_the_engine_again() {
    for name in ["INT", "TERM"] {
        let server = Server::new("stop_takes=2\n");
        let before = server.pid();
        let ran = signalled_while_the_engine_stops(&server, name);
        assert_eq!(ran.code, 1, "{name}: {ran}");
        assert!(
            ran.err.contains("cancelled while the engine was stopping"),
            "{name}: {ran}"
        );
        assert_eq!(server.file(), CONFIG, "{name}");
        let after = server.pid();
        assert!(after != 0 && after != before, "{name}: {before} {after}");
        server.nothing_lies_open();
    }
}

/// A script that waits for something, and fails if it never comes.
fn until(what: &str, condition: &str) -> String {
    format!(
        "for i in $(seq 400); do if {condition}; then exit 0; fi; sleep 0.05; done; echo '{what} never came'; exit 1"
    )
}

/// The screen on a terminal of its own, TLS 1.2 chosen for both directions and saved, seen to wait for the engine's stop. The
/// program, the process id of kerio-tls seen from outside.
fn stopping_from_the_screen(server: &Server, home: &std::path::Path) -> (Pty, u32) {
    let mut pty = Program::new(home, server.container.argv(&["kerio-tls"]))
        .size(100, 40)
        .start();
    pty.see("[TLS Options]");
    pty.see("engine: running");
    let pid = pty.pid_below_shell();
    pty.press("<Enter>");
    pty.press("<Down><Down>");
    pty.press("<Enter>");
    pty.see("2 changes *");
    pty.press("<F6>");
    pty.see("Review: nothing is written yet");
    pty.press("<S-Tab><S-Tab>");
    pty.wait("the box", |screen| {
        let row = usize::from(screen.cursor_position().0);
        screen
            .contents()
            .lines()
            .nth(row)
            .is_some_and(|line| line.contains("[ ] Yes: 1 cut off"))
    });
    pty.press("<Space>");
    pty.see("[x] Yes: 1 cut off");
    pty.press("<PgDn>");
    pty.see("SslKeyPassword");
    pty.press("<Tab><Tab><Tab>");
    pty.wait("the button", |screen| {
        let (row, column) = screen.cursor_position();
        let line = screen
            .contents()
            .lines()
            .nth(usize::from(row))
            .unwrap_or_default()
            .to_owned();
        line.find("[ Stop, save, start ]")
            .is_some_and(|at| usize::from(column) >= at)
    });
    pty.press("<Enter>");
    pty.see("Stopping the engine");
    // The review shows the lines around a change.
    let drawn = String::from_utf8_lossy(pty.written()).into_owned();
    assert!(drawn.contains("SslKeyPassword") && !drawn.contains(SECRET), "{drawn:?}");
    (pty, pid)
}

#[test]
fn a_terminal_that_hangs_up_while_the_engine_stops_does_not_end_the_save() {
    let server = Server::new("on_stop=>0<|>77<\nstop_takes=2\n");
    let home = tempfile::tempdir().unwrap();
    let before = server.pid();
    let (mut pty, pid) = stopping_from_the_screen(&server, home.path());
    pty.hang_up();
    gone(pid);
    let after = server.pid();
    assert!(after != 0 && after != before, "{before} {after}");
    let file = server.file();
    // The file says the same for both, so the choice counts for both.
    assert_eq!(
        protocols(&file),
        [Some("TLSv1.2".to_owned()), Some("TLSv1.2".to_owned())]
    );
    assert_eq!(value(&file, "Statistics", "Uptime").as_deref(), Some("77"));
    server.nothing_lies_open();
}

const OURS: &str = "ServerTlsProtocols";
const INBOUND: &[&str] = &["set", "--inbound", "tls1.2", "--yes", "--engine", "restart", "--json"];

impl Server {
    /// What `check --live` says, with its exit status.
    fn check(&self, min: &str) -> (i32, Value) {
        let ran = self.run(&["check", "--live", "--min", min, "--json"]);
        (ran.code, ran.json())
    }

    /// A list of TLS words for outbound, so that only inbound is in question.
    fn outbound_is_fine(&self) {
        let ran = self.run(&["set", "--outbound", "tls1.2", "--yes", "--engine", "restart", "--json"]);
        assert_eq!(ran.code, 0, "{ran}");
    }
}

/// Each port of a `check --live`, in order: port, accepted, refused.
fn ports(json: &Value) -> Vec<(u64, String, String)> {
    let words = |list: &Value| {
        let words: Vec<&str> = list
            .as_array()
            .unwrap()
            .iter()
            .map(|word| word.as_str().unwrap())
            .collect();
        words.join(" ")
    };
    let row = |port: &Value| {
        assert_eq!(port["unknown"], serde_json::json!([]), "{port}");
        (
            port["port"].as_u64().unwrap(),
            words(&port["accepts"]),
            words(&port["refuses"]),
        )
    };
    json["live"].as_array().unwrap().iter().map(row).collect()
}

fn all_four(accepts: &str, refuses: &str) -> Vec<(u64, String, String)> {
    [25, 465, 993, 4040]
        .map(|port| (port, accepts.to_owned(), refuses.to_owned()))
        .to_vec()
}

#[test]
fn the_servers_default_is_measured_by_handshakes_remembered_and_forgotten_with_a_new_engine() {
    let server = Server::speaking(OURS, "TLSv1.1,TLSv1.2", "", "");
    server.container.write(
        "/etc/kerio-tls/peers.csv",
        b"inbound,smtp,192.0.2.77,tls1.0,2026-11-01,scanner\n",
    );
    let verdict = || server.run(&["peers", "--json"]).json()["peers"][0]["verdict"].clone();
    assert_eq!(verdict(), "unknown", "never measured");
    let before = server.run(&["check", "--min", "tls1.1", "--json"]);
    assert!(
        before.code == 3 && before.said("inbound is the server's default, which was never measured"),
        "{before}"
    );
    // Before a list is newly written the ports are asked, and that measures it, too.
    server.outbound_is_fine();

    let (code, json) = server.check("tls1.1");
    assert_eq!(ports(&json), all_four("tls1.1 tls1.2", "tls1.0 tls1.3"));
    assert_eq!(code, 3, "the scanner is cut off: {json}");
    assert!(
        !json["reasons"].to_string().contains("never measured"),
        "known from this very run on: {json}"
    );
    assert_eq!(verdict(), "cut-off", "by the default as it was measured");
    let after = server.run(&["check", "--min", "tls1.2", "--json"]);
    assert!(
        after.said("inbound is the server's default, measured as TLS 1.1"),
        "{after}"
    );

    // The next version of the engine.
    server.stop();
    server.container.sh("printf x >> /opt/kerio/mailserver/mailserver");
    server.start();
    assert_eq!(verdict(), "unknown", "measured of another engine");
    server.nothing_lies_open();
}

#[test]
fn a_minimum_that_took_effect_is_proven_port_by_port() {
    let server = Server::speaking(OURS, "TLSv1,TLSv1.1,TLSv1.2", "", "");
    server.outbound_is_fine();
    let ran = server.run(&["set", "--inbound", "tls1.2", "--yes", "--engine", "restart"]);
    assert_eq!(ran.code, 0, "{ran}");
    for line in [
        "  25 smtp: accepts TLS 1.2; refuses TLS 1.0, TLS 1.1, TLS 1.3",
        "  465 smtps: accepts TLS 1.2; refuses TLS 1.0, TLS 1.1, TLS 1.3",
        "  993 imaps: accepts TLS 1.2; refuses TLS 1.0, TLS 1.1, TLS 1.3",
        "  4040 https: accepts TLS 1.2; refuses TLS 1.0, TLS 1.1, TLS 1.3",
    ] {
        assert!(ran.out.contains(line), "{line}: {ran}");
    }
    let (code, json) = server.check("tls1.2");
    assert_eq!((code, &json["ok"]), (0, &Value::Bool(true)), "{json}");
    assert_eq!(ports(&json), all_four("tls1.2", "tls1.0 tls1.1 tls1.3"));
    let (code, json) = server.check("tls1.3");
    assert_eq!(code, 3, "{json}");
    assert!(
        json["reasons"].to_string().contains("port 465 accepts TLS 1.2"),
        "{json}"
    );
    // Short of it or not, the ports are shown to people, too.
    let plain = server.run(&["check", "--live", "--min", "tls1.3"]);
    assert!(
        plain.code == 3 && plain.out.contains("  465 smtps: accepts TLS 1.2"),
        "{plain}"
    );
    // Back to the default, which is told from the minimum that was.
    let ran = server.run(&["restore", "--yes", "--engine", "restart", "--json"]);
    assert_eq!((ran.code, &ran.json()["took_effect"]), (0, &Value::Bool(true)), "{ran}");
    let (_, json) = server.check("tls1.0");
    assert_eq!(ports(&json), all_four("tls1.0 tls1.1 tls1.2", "tls1.3"));
    server.nothing_lies_open();
}

#[test]
fn an_engine_that_does_not_know_our_variable_is_caught_by_its_ports() {
    let server = Server::speaking("TlsVersionsReallyNamedSo", "TLSv1,TLSv1.1,TLSv1.2", "", "");
    let ran = server.run(INBOUND);
    assert_eq!(ran.code, 1, "{ran}");
    let json = ran.json();
    assert!(json["saved"] == true && json["took_effect"] == false, "{ran}");
    let warnings = json["warnings"].to_string();
    for words in [
        "THE SETTING DID NOT TAKE EFFECT: port 25 (smtp) still accepts TLS 1.0",
        "port 4040 (https) still accepts TLS 1.1",
        "name is wrong",
        "kerio-tls restore",
    ] {
        assert!(warnings.contains(words), "{words}: {ran}");
    }
    assert!(
        ran.err.contains("did not take effect") && ran.err.contains("kerio-tls restore"),
        "{ran}"
    );
    assert_eq!(protocols(&server.file()), [Some("TLSv1.2".to_owned()), None]);
    let (code, json) = server.check("tls1.2");
    assert_eq!(code, 3, "{json}");
    let reasons = json["reasons"].to_string();
    assert!(
        reasons.contains("port 993 (imaps) still accepts TLS 1.1, though TLS 1.2 was chosen"),
        "{json}"
    );
    // The way back, as it was named.
    let ran = server.run(&["restore", "--yes", "--engine", "restart", "--json"]);
    assert_eq!((ran.code, &ran.json()["took_effect"]), (0, &Value::Bool(true)), "{ran}");
    assert_eq!(protocols(&server.file()), [None, None]);
    server.nothing_lies_open();
}

#[test]
fn tls13_is_written_as_a_word_once_a_port_of_this_engine_has_spoken_it() {
    let server = Server::speaking(OURS, "TLSv1,TLSv1.1,TLSv1.2,TLSv1.3", "", "");
    let wish = ["set", "--inbound", "tls1.2", "--dry-run", "--json"];
    assert_eq!(server.run(&wish).json()["edits"][0]["new"], "TLSv1.2");
    let (_, json) = server.check("tls1.2");
    assert_eq!(ports(&json), all_four("tls1.0 tls1.1 tls1.2 tls1.3", ""));
    assert_eq!(server.run(&wish).json()["edits"][0]["new"], "TLSv1.2,TLSv1.3");
    let ran = server.run(INBOUND);
    assert_eq!((ran.code, &ran.json()["took_effect"]), (0, &Value::Bool(true)), "{ran}");
    let (_, json) = server.check("tls1.2");
    assert_eq!(ports(&json), all_four("tls1.2 tls1.3", "tls1.0 tls1.1"));
    server.nothing_lies_open();
}

/// Somebody else, who listens there and writes to the journal when he is asked.
fn somebody_else(server: &Server, port: u16) {
    let program =
        b"use Socket; $| = 1; socket(my $s, PF_INET, SOCK_STREAM, 0); setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
        bind($s, sockaddr_in(shift, INADDR_ANY)) or die;
        listen($s, 5); while (accept(my $c, $s)) { print qq(he was spoken to\n) }";
    server.container.write("/run/other.pl", program);
    server.container.sh(&format!(
        "systemd-run --quiet --unit=other{port} perl /run/other.pl {port}"
    ));
    let listens = format!("grep -q ':{port:04X} 00000000:0000 0A' /proc/net/tcp");
    server.container.sh(&until("the other listener", &listens));
}

fn spoken_to(server: &Server, port: u16) -> bool {
    let journal = format!("journalctl --no-pager -o cat -u other{port} | cat");
    server.container.sh(&journal).contains("he was spoken to")
}

#[test]
fn only_the_engines_own_ports_are_asked() {
    let server = Server::speaking(OURS, "TLSv1.2", "", "");
    somebody_else(&server, 143);
    let (_, json) = server.check("tls1.2");
    assert_eq!(ports(&json), all_four("tls1.2", "tls1.0 tls1.1 tls1.3"));
    assert!(!spoken_to(&server, 143));

    // An engine with a network of its own: the same numbers here are somebody else's.
    server.stop();
    server.container.write(
        "/etc/systemd/system/kerio-connect.service.d/net.conf",
        b"[Service]\nPrivateNetwork=yes\n",
    );
    server
        .container
        .sh("systemctl daemon-reload; systemctl start kerio-connect");
    server.container.sh(&until(
        "the engine in its network",
        "grep -q :01D1 /proc/$(systemctl show -p MainPID --value kerio-connect)/net/tcp",
    ));
    somebody_else(&server, 465);
    let (code, json) = server.check("tls1.2");
    assert_eq!((code, &json["live"]), (3, &serde_json::json!([])), "{json}");
    assert!(json["reasons"].to_string().contains("a network of its own"), "{json}");
    assert!(!spoken_to(&server, 465));
    // He would have said so.
    server
        .container
        .sh("perl -MIO::Socket::INET -e 'IO::Socket::INET->new(PeerAddr => \"127.0.0.1:465\") or die'");
    let said = "journalctl --no-pager -o cat -u other465 | grep -q 'he was spoken to'";
    server.container.sh(&until("a word in the journal", said));
    server.nothing_lies_open();
}

#[test]
fn a_file_that_was_edited_by_hand_under_a_running_engine_teaches_nothing_about_the_default() {
    let variable = "    <variable name=\"ServerTlsProtocols\">TLSv1.2</variable>\n";
    let server = Server::speaking(OURS, "TLSv1,TLSv1.1,TLSv1.2", "", variable);
    server.container.sh(&format!(
        "sed -i /ServerTlsProtocols/d {FILE}; chown kerio:kerio {FILE}; chmod 640 {FILE}; touch -d '+2 minutes' {FILE}"
    ));
    let ran = server.run(&["check", "--live", "--min", "tls1.2", "--json"]);
    assert_eq!(ran.code, 3, "{ran}");
    assert!(ran.said("never measured") && ran.said("tell of older values"), "{ran}");
    server.nothing_lies_open();
}

#[test]
fn ports_that_disagree_or_are_silent_leave_the_default_unknown() {
    for more in ["tls_own=993=TLSv1,TLSv1.1,TLSv1.2\n", "silent=465\n"] {
        let server = Server::speaking(OURS, "TLSv1.2", more, "");
        let ran = server.run(&["check", "--live", "--min", "tls1.2", "--json"]);
        assert_eq!(ran.code, 3, "{ran}");
        assert!(ran.said("never measured") && ran.said("stays unknown"), "{ran}");
        server.nothing_lies_open();
    }
}
