//! The program as a process: what it printed and how it ended.

use std::io::{ErrorKind, Read as _, Write as _};
use std::process::{Command, Stdio};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use serde_json::Value;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_kerio-tls");

/// What came of a run.
pub(crate) struct Ran {
    /// -1: a signal ended it.
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs a command in UTC, with nothing to read.
pub(crate) fn run(command: &mut Command) -> Ran {
    command.stdin(Stdio::null()).env("TZ", "UTC");
    let output = loop {
        match command.output() {
            // Another test's child may hold a copied executable for writing between its fork and its exec.
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
            Err(error) => panic!(
                "{:?}: {error}; unshare is in the Debian package util-linux",
                command.get_program()
            ),
            Ok(output) => break output,
        }
    };
    Ran {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A PID namespace of its own, with its own `/proc`: no process of this machine can be taken for an engine.
pub(crate) fn alone() -> Command {
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-current-user"]);
    }
    command.args(["--pid", "--fork", "--mount-proc", "--kill-child"]);
    command
}

/// Runs a command in a terminal of this width, with these answers typed: exit status, and what was on the screen.
pub(crate) fn in_terminal(command: &Command, columns: u16, answers: &str) -> (u32, String) {
    let size = PtySize {
        rows: 60,
        cols: columns,
        pixel_width: 0,
        pixel_height: 0,
    };
    let pty = native_pty_system().openpty(size).unwrap();
    let mut words = CommandBuilder::new(command.get_program());
    words.args(command.get_args());
    let mut child = pty.slave.spawn_command(words).unwrap();
    drop(pty.slave);
    let mut reader = pty.master.try_clone_reader().unwrap();
    pty.master.take_writer().unwrap().write_all(answers.as_bytes()).unwrap();
    let mut seen = Vec::new();
    // Linux ends a terminal without a process by EIO.
    let _ = reader.read_to_end(&mut seen);
    let status = child.wait().unwrap().exit_code();
    (status, String::from_utf8_lossy(&seen).into_owned())
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {} / {}", self.out, self.err))
    }

    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    /// It went well.
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.status, 0, "{} / {}", self.out, self.err);
        self
    }

    /// One line on standard error, nothing on standard output, no panic.
    pub(crate) fn failed(&self, status: i32) -> &str {
        assert_eq!(self.err.lines().count(), 1, "{}", self.err);
        self.failed_with_warnings(status)
    }

    /// The same, where warnings may stand before that line.
    pub(crate) fn failed_with_warnings(&self, status: i32) -> &str {
        assert_eq!(self.status, status, "{}", self.said());
        assert_eq!(self.out, "");
        assert!(!self.err.contains("panicked"), "{}", self.err);
        assert!(
            self.err.starts_with("kerio-tls: ") && self.err.ends_with('\n'),
            "{}",
            self.err
        );
        let mut lines = self.err.lines();
        let last = lines.next_back().unwrap();
        assert!(
            lines.all(|line| line.starts_with("kerio-tls: warning: ")),
            "{}",
            self.err
        );
        last
    }
}
