//! What stays when the program ends: unsaved edits do, the demo's directory does not.

use std::fs;
use std::path::Path;

use rustix::process::Signal;

use crate::pty::{KERIO_TLS, Program, signal};
use crate::support::{Server, focused, review_save_quit};

fn names(directory: &Path) -> Vec<String> {
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn the_demo_leaves_nothing_behind_whatever_ends_it() {
    for ending in [None, Some(Signal::TERM), Some(Signal::HUP)] {
        let home = tempfile::tempdir().unwrap();
        let mut pty = Program::below_a_shell(home.path(), [KERIO_TLS, "--demo"]).start();
        pty.see("[TLS Options]");
        // A peer of the demo's logs: its workers are done.
        pty.see("192.0.2.40");
        let made = names(home.path());
        assert!(
            made.iter().any(|name| name.starts_with("kerio-tls-demo-")),
            "the demo works elsewhere: {made:?}"
        );
        match ending {
            None => pty.press("q"),
            Some(wanted) => signal(pty.pid_below_shell(), wanted),
        }
        pty.see("[ended ");
        pty.assert_given_back();
        assert_eq!(names(home.path()), Vec::<String>::new(), "after {ending:?}");
    }
}

#[test]
fn unsaved_edits_of_a_lost_session_are_offered_taken_up_and_gone_once_saved() {
    let server = Server::new();
    let mut pty = Program::new(server.path(), server.argv()).start();
    pty.see("[TLS Options]");
    pty.press("<Enter><Down><Down>");
    pty.wait("the row TLS 1.2", |screen| focused(screen).contains(">TLS 1.2"));
    pty.press("<Enter>");
    pty.see("1 change *");
    signal(pty.pid(), Signal::HUP);
    assert_eq!(pty.end().signal(), Some("Hangup"));

    let mut pty = server.open();
    pty.see("Unsaved edits found");
    pty.wait("Later as the default", |screen| button(screen).starts_with("Later"));
    pty.press("<Tab>");
    pty.wait("the next button", |screen| button(screen).starts_with("Take them up"));
    pty.press("<Enter>");
    pty.see_no("Unsaved edits found");
    pty.see("1 change *");
    pty.see("TLS 1.2");
    review_save_quit(&mut pty);
    assert!(!kept(server.path()), "the draft is still there");

    // Something that comes later than a question would: the tab of the backups, read by a worker too.
    let mut pty = server.open();
    pty.press("<Left>");
    pty.see("[Backups]");
    assert!(!pty.screen().contents().contains("Unsaved edits found"));
    pty.press("q");
    pty.see("[ended 0]");
}

#[test]
fn edits_that_were_thrown_away_on_leaving_are_not_offered_again() {
    let server = Server::new();
    let mut pty = server.open();
    pty.press("<Enter><Down><Down>");
    pty.wait("the row TLS 1.2", |screen| focused(screen).contains(">TLS 1.2"));
    pty.press("<Enter>");
    pty.see("1 change *");
    pty.press("q");
    pty.see("[ Stay ]");
    pty.see("[ Discard");
    while !button(pty.screen()).starts_with("Discard") {
        let before = button(pty.screen());
        pty.press("<Tab>");
        pty.wait("the next button", |screen| button(screen) != before);
        assert!(!button(pty.screen()).starts_with("Stay"), "no button throws away");
    }
    pty.press("<Enter>");
    pty.see("[ended 0]");
    assert!(!kept(server.path()), "the draft is still there");
}

/// The row from the cursor on.
fn button(screen: &vt100::Screen) -> String {
    let column = usize::from(screen.cursor_position().1);
    focused(screen).chars().skip(column).collect()
}

/// Is a draft kept anywhere below?
fn kept(directory: &Path) -> bool {
    fs::read_dir(directory).unwrap().any(|entry| {
        let entry = entry.unwrap();
        entry.file_name() == "draft.json" || (entry.file_type().unwrap().is_dir() && kept(&entry.path()))
    })
}
