//! The job from start to saved file.

use std::fs;

use crate::other_parser::variables;
use crate::support::{CONFIG, Server, focus_is_reversed, focused, review_save_quit};

#[test]
fn the_whole_job_changes_the_file_only_where_it_was_told_to() {
    let server = Server::new();
    let mut pty = server.open();
    pty.assert_taken();

    pty.press("<Enter>");
    pty.press("<Down><Down>");
    pty.wait("the row TLS 1.2", |screen| {
        focused(screen).contains(">TLS 1.2") && focus_is_reversed(screen)
    });
    pty.press("<Enter>");
    pty.see("1 change *");

    pty.press("<F6>");
    pty.see("Review: nothing is written yet");
    pty.wait("Back as the default", |screen| {
        focused(screen).contains("[ Back ]") && focus_is_reversed(screen)
    });
    pty.press("<Enter>");
    pty.see("[TLS Options]");
    assert_eq!(
        fs::read_to_string(server.file()).unwrap(),
        CONFIG,
        "refused, so nothing is written"
    );

    // Chosen again, and something else: back to the default.
    pty.press("u");
    pty.see("no changes");
    pty.press("<Tab><Enter>");
    pty.wait("the drop-down of Outbound", |screen| {
        focused(screen).contains(">Server default")
    });
    pty.press("<Home><Down><Down><Down>");
    pty.wait("the row TLS 1.2", |screen| focused(screen).contains(">TLS 1.2"));
    pty.press("<Enter>");
    pty.see("Outbound at TLS 1.2");
    pty.see("*");
    review_save_quit(&mut pty);
    pty.assert_given_back();
    let left = pty.screen().contents();
    assert!(left.contains("mailserver.cfg"), "the summary names the file\n{left}");

    let saved = fs::read_to_string(server.file()).unwrap();
    let at = CONFIG
        .bytes()
        .zip(saved.bytes())
        .position(|(a, b)| a != b)
        .expect("the file must have changed");
    let tail = CONFIG
        .bytes()
        .rev()
        .zip(saved.bytes().rev())
        .position(|(a, b)| a != b)
        .unwrap();
    // Only added to: what was there stands around it, byte for byte.
    assert!(
        at + tail >= CONFIG.len(),
        "something of the old file was changed:\n{saved}"
    );
    assert_eq!(variables(&saved), {
        let mut wanted = variables(CONFIG);
        let added: Vec<_> = variables(&saved)
            .into_iter()
            .filter(|pair| !wanted.contains(pair))
            .collect();
        assert!(
            added.iter().all(|(table, _, _)| table == "SmtpSecurity") && !added.is_empty(),
            "{added:?}"
        );
        let last = wanted
            .iter()
            .rposition(|(table, _, _)| table == "SmtpSecurity")
            .unwrap();
        wanted.splice(last + 1..last + 1, added);
        wanted
    });
}
