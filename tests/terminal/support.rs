//! A server's directory, and what a test looks for on a screen.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::pty::{KERIO_TLS, Program, Pty};

/// A directory of its own with a `mailserver.cfg` that has everything that must survive byte for byte.
pub struct Server {
    dir: TempDir,
}

/// A byte order mark, Windows line ends, odd spacing, a comment, a secret.
pub const CONFIG: &str = "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<config>\r\n  <!-- kept -->\r\n  <table name=\"Security\">\r\n    <variable name=\"ServerTlsProtocols\">TLSv1,TLSv1.1,TLSv1.2</variable>\r\n    <variable  name='AdminKeyFile'/>\r\n  </table>\r\n  <table name=\"SmtpSecurity\">\r\n    <variable name=\"SpamRepellentEnabled\">1</variable>\r\n  </table>\r\n  <table name=\"Smtp\"><variable name=\"RelayPassword\">D3S:3c8f0a6a5d1be7a95f0c</variable></table>\r\n  <v a=\"1\"></v><![CDATA[ <kept> ]]>\r\n</config>\r\n";

impl Server {
    pub fn new() -> Self {
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

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn file(&self) -> PathBuf {
        self.path().join("mailserver.cfg")
    }

    pub fn argv(&self) -> Vec<String> {
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

    /// Started among its own processes, so that it can save, and ready.
    pub fn open(&self) -> Pty {
        let mut pty = Program::among_its_own_processes(self.path(), self.argv()).start();
        pty.see("[TLS Options]");
        pty.see("engine: none");
        pty
    }
}

/// The text of a row of the emulator's screen.
pub fn row(screen: &vt100::Screen, row: u16) -> String {
    let (_, columns) = screen.size();
    screen.rows(0, columns.get()).nth(usize::from(row)).unwrap()
}

/// The row under the cursor.
pub fn focused(screen: &vt100::Screen) -> String {
    row(screen, screen.cursor_position().0)
}

/// Is the cell under the cursor reversed, so that those who see and those who hear have the same focus?
pub fn focus_is_reversed(screen: &vt100::Screen) -> bool {
    let (row, column) = screen.cursor_position();
    screen.cell(row, column).is_some_and(vt100::Cell::inverse)
}

/// Reviews, ticks the box, saves, and leaves.
pub fn review_save_quit(pty: &mut Pty) {
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
}
