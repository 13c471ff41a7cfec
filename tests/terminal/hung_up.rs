//! A connection that breaks or stalls: the program is gone at once, and burns nothing.

use std::fs;

use rustix::process::Signal;

use crate::pty::{Program, Pty, gone, signal, until};
use crate::support::Server;

fn alone(server: &Server) -> Pty {
    let mut pty = Program::new(server.path(), server.argv()).start();
    pty.see("[TLS Options]");
    pty
}

/// Repaints until the line takes no more and the program hangs in a write.
fn stall(pty: &mut Pty) {
    let pid = pty.pid();
    until("the line to stall", || {
        pty.press("<C-l>");
        // The function of the kernel in which the main thread sleeps.
        let place = fs::read_to_string(format!("/proc/{pid}/task/{pid}/wchan")).unwrap();
        (place != "0" && !place.contains("futex")).then_some(())
    });
}

/// Ends of the signal, or of a write that fails: whichever is noticed first.
fn ends_of_it(pty: &mut Pty) {
    let ending = pty.end_without_reading();
    assert!(
        ending.signal() == Some("Hangup") || ending.exit_code() == 1,
        "{ending:?}"
    );
}

#[test]
fn a_lost_terminal_ends_it() {
    let server = Server::new();
    let mut pty = alone(&server);
    pty.hang_up();
    ends_of_it(&mut pty);
}

#[test]
fn a_lost_terminal_ends_it_below_a_shell_too() {
    let server = Server::new();
    let mut pty = Program::below_a_shell(server.path(), server.argv()).start();
    pty.see("[TLS Options]");
    let pid = pty.pid_below_shell();
    pty.hang_up();
    gone(pid);
}

#[test]
fn a_terminal_that_stalls_and_then_goes_ends_it() {
    let server = Server::new();
    let mut pty = alone(&server);
    stall(&mut pty);
    pty.hang_up();
    // Of the signal, or of the write that failed: whichever is noticed first.
    let ending = pty.end_without_reading();
    assert!(
        ending.signal() == Some("Hangup") || ending.exit_code() == 1,
        "{ending:?}"
    );
}

#[test]
fn a_signal_ends_it_while_the_line_stalls() {
    for (wanted, name) in [(Signal::HUP, "Hangup"), (Signal::TERM, "Terminated")] {
        let server = Server::new();
        let mut pty = alone(&server);
        stall(&mut pty);
        signal(pty.pid(), wanted);
        let ending = pty.end_without_reading();
        assert_eq!(ending.signal(), Some(name), "{ending:?}");
    }
}
