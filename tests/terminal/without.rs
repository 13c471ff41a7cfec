//! Where there is no terminal.

use std::process::{Command, Stdio};

use crate::pty::KERIO_TLS;
use crate::support::Server;

fn command(server: &Server) -> Command {
    let argv = server.argv();
    let mut command = Command::new(&argv[0]);
    command.args(&argv[1..]).stdin(Stdio::null());
    command
}

#[test]
fn without_a_terminal_it_says_which_commands_to_use() {
    let server = Server::new();
    let output = command(&server).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let words = String::from_utf8(output.stderr).unwrap();
    for wanted in ["no terminal", "kerio-tls show", "set", "--help"] {
        assert!(words.contains(wanted), "{wanted}: {words}");
    }
}

#[test]
fn a_closed_standard_output_is_no_terminal_and_no_panic() {
    let server = Server::new();
    let mut below = Command::new("sh");
    below.args(["-c", "exec \"$@\" >&-", "sh"]).args(server.argv());
    let output = below.stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(
        words.contains("no terminal") && !words.contains("an error in the program"),
        "{words}"
    );
}

#[test]
fn the_demo_without_a_terminal_leaves_nothing_behind() {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(KERIO_TLS)
        .arg("--demo")
        .env("TMPDIR", home.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}
