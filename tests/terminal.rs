//! The real binary in a real pseudo-terminal: the job from start to saved file, and the terminal given back whatever
//! happens.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests: clippy.toml exempts test functions only"
)]

mod common {
    pub mod notation;
    pub mod pty;
}

use std::fs;
use std::path::{Path, PathBuf};

use common::pty::{KERIO_TLS, Program, Pty};
use tempfile::TempDir;

/// A directory of its own with a `mailserver.cfg` that has everything that must survive byte for byte.
struct Server {
    dir: TempDir,
}

const CONFIG: &str = "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<config>\r\n  <!-- kept -->\r\n  <table name=\"Security\">\r\n    <variable name=\"ServerTlsProtocols\">TLSv1,TLSv1.1,TLSv1.2</variable>\r\n    <variable  name='AdminKeyFile'/>\r\n  </table>\r\n  <table name=\"SmtpSecurity\">\r\n    <variable name=\"SpamRepellentEnabled\">1</variable>\r\n  </table>\r\n  <table name=\"Smtp\"><variable name=\"RelayPassword\">D3S:3c8f0a6a5d1be7a95f0c</variable></table>\r\n  <v a=\"1\"></v><![CDATA[ <kept> ]]>\r\n</config>\r\n";

impl Server {
    fn new() -> Self {
        let server = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        fs::write(server.file(), CONFIG).unwrap();
        fs::write(server.path().join("kerio-tls.toml"), "").unwrap();
        fs::write(
            server.dir.path().join("peers.csv"),
            "outbound,smtp,198.51.100.7,tls1.0,2026-11-01,fax gateway\n\
             outbound,smtp,192.0.2.9,tls1.3,2026-11-01,\n\
             inbound,smtp,192.0.2.77,tls1.0,2026-11-01,scanner\n",
        )
        .unwrap();
        server
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn file(&self) -> PathBuf {
        self.path().join("mailserver.cfg")
    }

    fn argv(&self) -> Vec<String> {
        let here = |name: &str| self.path().join(name).display().to_string();
        vec![
            KERIO_TLS.to_owned(),
            "--file".to_owned(),
            here("mailserver.cfg"),
            "--peers".to_owned(),
            here("peers.csv"),
            "--config".to_owned(),
            here("kerio-tls.toml"),
            "--state-dir".to_owned(),
            here("state"),
        ]
    }

    fn open(&self) -> Pty {
        let mut pty = Program::among_its_own_processes(self.path(), self.argv()).start();
        pty.see("[TLS Options]");
        pty.see("engine: none");
        pty
    }
}

/// The text of a row of the emulator's screen.
fn row(screen: &vt100::Screen, row: u16) -> String {
    let (_, columns) = screen.size();
    screen.rows(0, columns.get()).nth(usize::from(row)).unwrap()
}

/// The row under the cursor.
fn focused(screen: &vt100::Screen) -> String {
    row(screen, screen.cursor_position().0)
}

/// Is the cell under the cursor reversed, so that those who see and those who hear have the same focus?
fn focus_is_reversed(screen: &vt100::Screen) -> bool {
    let (row, column) = screen.cursor_position();
    screen.cell(row, column).is_some_and(vt100::Cell::inverse)
}

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
