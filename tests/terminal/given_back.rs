//! The terminal is as it was, whatever ended or stopped the program: modes, normal screen, cursor.

use rustix::process::Signal;

use crate::pty::{Program, Pty, signal, state_of, until};
use crate::support::{Server, focused};

/// What takes the screen.
const ENTER: &[u8] = b"\x1b[?1049h";

fn below_a_shell(server: &Server) -> Pty {
    let mut pty = Program::below_a_shell(server.path(), server.argv()).start();
    pty.see("[TLS Options]");
    pty.assert_taken();
    pty
}

fn choose_tls_1_2(pty: &mut Pty) {
    pty.press("<Enter><Down><Down>");
    pty.wait("the row TLS 1.2", |screen| focused(screen).contains(">TLS 1.2"));
    pty.press("<Enter>");
    pty.see("1 change *");
}

#[test]
fn ctrl_c_ends_it_when_nothing_is_changed() {
    let server = Server::new();
    let mut pty = below_a_shell(&server);
    pty.press("<C-c>");
    pty.see("[ended 0]");
    pty.assert_given_back();
}

#[test]
fn ctrl_c_asks_when_something_is_changed_and_staying_is_the_default() {
    let server = Server::new();
    let mut pty = below_a_shell(&server);
    choose_tls_1_2(&mut pty);
    pty.press("<C-c>");
    pty.see("[ Stay ]");
    pty.assert_taken();
    pty.press("<Enter>");
    pty.see_no("[ Stay ]");
    pty.see("1 change *");
    pty.assert_taken();
}

#[test]
fn a_signal_gives_the_terminal_back_and_the_program_dies_of_it() {
    for (wanted, name) in [
        (Signal::TERM, "TERM"),
        (Signal::HUP, "HUP"),
        (Signal::INT, "INT"),
        (Signal::QUIT, "QUIT"),
        (Signal::ALARM, "ALRM"),
        (Signal::POWER, "PWR"),
    ] {
        let server = Server::new();
        let mut pty = below_a_shell(&server);
        signal(pty.pid_below_shell(), wanted);
        pty.see(&format!("[ended {}]", 128 + wanted.as_raw()));
        pty.assert_given_back();
        assert!(
            pty.screen().contents().contains("ended by a signal"),
            "SIG{name}: it does not say why\n{}",
            pty.picture()
        );
    }
}

#[test]
fn ctrl_z_and_fg_below_a_shell_with_job_control() {
    let server = Server::new();
    // Without line editing, which would set modes of its own.
    let shell = ["bash", "--norc", "--noprofile", "--noediting", "-i"];
    let mut pty = Program::new(server.path(), shell).start();
    prompt(&mut pty);
    pty.send(&format!("{}\r", server.argv().join(" ")));
    pty.see("[TLS Options]");
    pty.assert_taken();
    choose_tls_1_2(&mut pty);
    for _ in 0..2 {
        pty.press("<C-z>");
        prompt(&mut pty);
        assert!(pty.screen().contents().contains("Stopped"), "{}", pty.picture());
        pty.assert_given_back();
        pty.send("fg\r");
        pty.see("1 change *");
        pty.assert_taken();
        // Keys arrive again.
        pty.press("?");
        pty.see("Help");
        pty.press("<Esc>");
        pty.see_no("Help");
    }
    pty.press("u");
    pty.see("no changes");
    pty.press("q");
    prompt(&mut pty);
    pty.send("echo \"[ended $?]\"\r");
    pty.see("[ended 0]");
    pty.assert_given_back();
    pty.send("exit\r");
    assert!(pty.end().success());
}

#[test]
fn ctrl_z_in_an_orphaned_process_group_lets_it_go_on() {
    // As with `ssh -t host kerio-tls`: nobody could ever send it back to the foreground.
    let server = Server::new();
    let mut pty = below_a_shell(&server);
    pty.press("<C-z>");
    pty.wait_for_bytes("the screen taken again", |bytes| count(bytes, ENTER) == 2);
    choose_tls_1_2(&mut pty);
    pty.assert_taken();
    assert_ne!(state_of(pty.pid_below_shell()), Some('T'));
}

#[test]
fn an_outside_stop_and_continuation_repaints() {
    let server = Server::new();
    let mut pty = below_a_shell(&server);
    let pid = pty.pid_below_shell();
    signal(pid, Signal::STOP);
    until("the stop", || (state_of(pid) == Some('T')).then_some(()));
    signal(pid, Signal::CONT);
    pty.wait_for_bytes("everything painted again", |bytes| count(bytes, b"[TLS Options]") == 2);
    choose_tls_1_2(&mut pty);
    pty.assert_taken();
}

/// Waits until the shell asks for the next command.
fn prompt(pty: &mut Pty) {
    pty.wait("the shell's prompt", |screen| {
        !screen.alternate_screen() && focused(screen).trim_end() == "prompt>"
    });
}

fn count(haystack: &[u8], needle: &[u8]) -> usize {
    haystack
        .windows(needle.len())
        .filter(|window| *window == needle)
        .count()
}
