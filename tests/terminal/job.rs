//! The job from start to saved file.

use std::fs;

use crate::support::{CONFIG, Server, focus_is_reversed, focused};

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
    pty.press("<F6>");
    pty.see("Review: nothing is written yet");
    pty.press("<S-Tab>");
    pty.wait("the box", |screen| focused(screen).contains("[ ]"));
    pty.press("<Space>");
    pty.wait("the tick", |screen| focused(screen).contains("[x]"));
    pty.press("<Tab><Tab>");
    pty.wait("the button", |screen| {
        focused(screen).contains("[ Save ]") && screen.cursor_position().1 > 8
    });
    pty.press("<Enter>");
    pty.see("Saved");
    pty.press("<Enter>");
    pty.see("no changes");
    pty.press("q");
    pty.see("[ended 0]");
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
    assert_eq!(values(&saved), {
        let mut wanted = values(CONFIG);
        let added: Vec<_> = values(&saved)
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

/// Table, name and value of every variable, read by another parser.
fn values(text: &str) -> Vec<(String, String, String)> {
    let document = roxmltree::Document::parse(text.trim_start_matches('\u{feff}')).unwrap();
    document
        .descendants()
        .filter(|node| node.has_tag_name("variable"))
        .map(|node| {
            let table = node
                .parent()
                .and_then(|parent| parent.attribute("name"))
                .unwrap_or_default();
            (
                table.to_owned(),
                node.attribute("name").unwrap_or_default().to_owned(),
                node.text().unwrap_or_default().to_owned(),
            )
        })
        .collect()
}
