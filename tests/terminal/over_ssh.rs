//! Over a real sshd: `ssh -t host kerio-tls`, as an administrator starts it.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::pty::{KERIO_TLS, Program, Pty, gone, signal, state_of, until};
use crate::sshd::Sshd;
use crate::support::{focus_is_reversed, focused};

/// A host with the demo on it.
struct Far {
    sshd: Sshd,
    home: TempDir,
}

impl Far {
    fn new() -> Self {
        Self {
            sshd: Sshd::start(),
            home: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> &Path {
        self.home.path()
    }

    fn pid_file(&self) -> PathBuf {
        self.path().join("pid")
    }

    /// Opens the demo from a shell that stays.
    fn open(&self) -> Pty {
        let home = self.path().display();
        let command = format!("echo $$ > {home}/pid; export TMPDIR={home}; exec {KERIO_TLS} --demo");
        let argv = self.sshd.client(self.sshd.address(), &command);
        let mut pty = Program::below_a_shell(self.path(), argv).start();
        pty.wait("the demo, or why there is none", |screen| {
            let screen = screen.contents();
            screen.contains("[TLS Options]") || screen.contains("[ended ")
        });
        assert!(
            pty.screen().contents().contains("[TLS Options]"),
            "{}\nsshd says:\n{}",
            pty.picture(),
            self.sshd.log()
        );
        pty
    }

    /// The program at the far end.
    fn pid(&self) -> u32 {
        fs::read_to_string(self.pid_file()).unwrap().trim().parse().unwrap()
    }

    fn left_behind(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path()).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| *path != self.pid_file()).collect()
    }
}

fn a_key_works(pty: &mut Pty) {
    pty.press("<Enter>");
    pty.wait("the drop-down", |screen| {
        focused(screen).contains(">") && focus_is_reversed(screen)
    });
    pty.press("<Esc>");
    pty.wait("the form", |screen| !focused(screen).contains(">"));
}

#[test]
fn over_ssh_the_demo_opens_listens_and_gives_the_terminal_back() {
    let far = Far::new();
    let mut pty = far.open();
    pty.assert_taken();
    a_key_works(&mut pty);
    pty.press("q");
    pty.see("[ended 0]");
    pty.assert_given_back();
    assert_eq!(far.left_behind(), Vec::<PathBuf>::new());
}

#[test]
fn over_ssh_ctrl_z_has_no_shell_to_go_to_and_the_screen_comes_back() {
    let far = Far::new();
    let mut pty = far.open();
    pty.press("<C-z>");
    pty.wait_for_bytes("the screen taken again", |bytes| {
        let enter = b"\x1b[?1049h";
        bytes.windows(enter.len()).filter(|bytes| bytes == enter).count() == 2
    });
    a_key_works(&mut pty);
    assert_ne!(state_of(far.pid()), Some('T'));
    pty.press("q");
    pty.see("[ended 0]");
    pty.assert_given_back();
}

#[test]
fn a_dropped_connection_ends_the_program_at_the_far_end() {
    let far = Far::new();
    let pty = far.open();
    let program = far.pid();
    signal(pty.pid_below_shell(), Signal::KILL);
    gone(program);
    // Its directory goes with it, before it or behind it.
    until("the demo's directory to go", || {
        far.left_behind().is_empty().then_some(())
    });
}
