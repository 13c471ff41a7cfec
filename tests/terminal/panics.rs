//! An error in the program, in whatever thread: the terminal is as it was, a save that runs comes to its end, the
//! engine runs, no secret is shown, and what is said of the disk is true.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::pty::{Program, Pty};
use crate::support::{CONFIG, Server, focused};

const SECRET: &str = "D3S:3c8f0a6a5d1be7a95f0c";

/// An engine is believed to be up when one of its ports accepts.
const LISTENS: &str =
    "use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5) or die; sleep 600;\n";

/// Where the program is to break, with a secret as the message.
fn breaks(at: &str) -> String {
    format!("{at} {SECRET}")
}

/// A server whose engine takes a second to stop.
struct WithEngine(Server);

impl WithEngine {
    fn new() -> Self {
        let server = Server::new();
        let here = server.path().display().to_string();
        let perl = Path::new("/usr/bin/perl");
        assert!(perl.exists(), "there is no perl here: apt-get install perl");
        fs::copy(perl, server.path().join("mailserver")).unwrap();
        fs::write(server.path().join("engine.pl"), LISTENS).unwrap();
        for (name, text) in [
            ("stop", "sleep 1; kill $(cat pid)"),
            (
                "start",
                "./mailserver ./engine.pl </dev/null >/dev/null 2>&1 & echo $! >pid; echo started >>log",
            ),
            // In a PID namespace of its own the program believes nobody else that the engine is stopped.
            ("status", "kill -0 $(cat pid) 2>/dev/null || exit 3"),
        ] {
            let path = server.path().join(name);
            fs::write(&path, format!("#!/bin/sh\ncd {here} || exit 1\n{text}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::write(
            server.path().join("kerio-tls.toml"),
            format!(
                "[engine]\nwatch = 1\nstop = [\"{here}/stop\"]\nstart = [\"{here}/start\"]\nstatus = [\"{here}/status\"]\n"
            ),
        )
        .unwrap();
        Self(server)
    }

    /// Opened beside the running engine, and a save asked for.
    fn save(&self, breaks_at: &str) -> Pty {
        // systemd of this machine, if any, must not decide; the shell stays, to reap the engine.
        let script = format!(
            "[ ! -d /run/systemd ] || mount -t tmpfs none /run/systemd; {}/start; \"$@\"; exit $?",
            self.0.path().display()
        );
        let argv = ["sh".to_owned(), "-c".to_owned(), script, "sh".to_owned()];
        let argv: Vec<String> = argv.into_iter().chain(self.0.argv()).collect();
        let mut pty = Program::among_its_own_processes(self.0.path(), argv)
            .env("KERIO_TLS_TEST_PANIC", &breaks(breaks_at))
            .start();
        pty.see("engine: running");
        pty.press("<Enter><Down><Down>");
        pty.wait("the row TLS 1.2", |screen| focused(screen).contains(">TLS 1.2"));
        pty.press("<Enter>");
        pty.see("1 change *");
        pty.press("<F6>");
        pty.see("Review: nothing is written yet");
        while !focused(pty.screen()).contains("[ ] Yes") {
            let before = pty.screen().cursor_position();
            pty.press("<S-Tab>");
            pty.wait("the box above", |screen| screen.cursor_position() != before);
        }
        pty.press("<Space>");
        pty.wait("the tick", |screen| focused(screen).contains("[x] Yes"));
        while !(focused(pty.screen()).contains("[ Stop, save, start ]") && pty.screen().cursor_position().1 > 8) {
            let before = pty.screen().cursor_position();
            pty.press("<Tab>");
            pty.wait("the next stop", |screen| screen.cursor_position() != before);
        }
        pty.press("<Enter>");
        pty
    }

    fn starts(&self) -> usize {
        let log = fs::read_to_string(self.0.path().join("log")).unwrap();
        log.lines().count()
    }

    fn file(&self) -> String {
        fs::read_to_string(self.0.file()).unwrap()
    }
}

/// It has ended of its own error, in good order.
fn ended(pty: &mut Pty) -> String {
    pty.see("[ended 101]");
    pty.assert_given_back();
    let written = String::from_utf8_lossy(pty.written()).into_owned();
    assert!(!written.contains(SECRET), "the message is shown");
    let screen = pty.screen().contents();
    assert!(screen.contains("an error in the program at src/tui/"), "{screen}");
    assert!(screen.contains("Unsaved edits are kept"), "{screen}");
    screen
}

fn saved() -> String {
    CONFIG.replace("TLSv1,TLSv1.1,TLSv1.2", "TLSv1.2")
}

#[test]
fn an_error_gives_the_terminal_back_and_tells_no_secret() {
    for at in ["key", "reader"] {
        let server = Server::new();
        let mut pty = Program::below_a_shell(server.path(), server.argv())
            .env("KERIO_TLS_TEST_PANIC", &breaks(at))
            .start();
        pty.see("[TLS Options]");
        pty.assert_taken();
        pty.press("!");
        let screen = ended(&mut pty);
        assert!(screen.contains("mailserver.cfg is as it was"), "{screen}");
        assert!(!screen.contains("A save is running"), "{screen}");
    }
}

#[test]
fn an_error_in_drawing_or_in_the_reader_of_keys_lets_a_running_save_come_to_its_end() {
    for at in ["drawing", "reader"] {
        let server = WithEngine::new();
        let mut pty = server.save(at);
        if at == "reader" {
            pty.see("Stopping the engine");
            pty.press("!");
        }
        let screen = ended(&mut pty);
        assert!(screen.contains("A save is running."), "{at}: {screen}");
        assert!(screen.contains("The save has ended:"), "{at}: {screen}");
        assert!(screen.contains("Saved "), "{at}: {screen}");
        assert_eq!(server.file(), saved(), "{at}");
        assert_eq!(server.starts(), 2, "{at}: the engine was started again");
    }
}

/// Leaves a screen that an error in a worker has not ended: what is said of it there, and that no secret was.
fn left(pty: &mut Pty) {
    pty.press("<Esc><F10>");
    pty.see("! An error in the program at src/work/");
    pty.assert_given_back();
    assert!(
        !String::from_utf8_lossy(pty.written()).contains(SECRET),
        "the message is shown"
    );
}

#[test]
fn an_error_of_the_save_itself_starts_the_engine_again_says_what_is_on_disk_and_keeps_the_edits() {
    let server = WithEngine::new();
    let mut pty = server.save("step");
    pty.see("The save broke off. An error in the program ended it.");
    pty.see("The engine runs.");
    pty.see("The file is as it was.");
    assert_eq!(server.file(), CONFIG);
    assert_eq!(server.starts(), 2, "the engine is down");
    pty.press("<Esc>");
    pty.see("1 change *");
}

#[test]
fn an_error_while_the_words_of_strangers_are_read_is_answered_and_the_screen_goes_on() {
    let server = Server::new();
    let mut pty = Program::below_a_shell(server.path(), server.argv())
        .env("KERIO_TLS_TEST_PANIC", &breaks("evidence"))
        .start();
    pty.see("an error in the program ended this before it was done");
    left(&mut pty);
}
