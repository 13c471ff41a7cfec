//! A program in a pseudo-terminal with an emulator on the other side. Nothing sleeps: a test waits until the emulator's
//! screen says what it should, and fails with a picture of the screen when it never does.
//!
//! What the program writes is taken from the terminal only while a test waits. A test that does not wait is a line
//! that has stalled.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kerio_tls::tui::Key;
use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

use super::notation;

/// How long a test waits for what must come. Generous: the machine may be busy, and no test asserts a time.
pub const PATIENCE: Duration = Duration::from_secs(15);

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The program under test.
pub const KERIO_TLS: &str = env!("CARGO_BIN_EXE_kerio-tls");

/// A program to be started.
pub struct Program {
    command: CommandBuilder,
    size: (u16, u16),
}

impl Program {
    /// A program with its arguments, in an environment that is the same everywhere. `home` is its home and its
    /// directory for temporary files.
    pub fn new<I: AsRef<OsStr>>(home: &Path, argv: impl IntoIterator<Item = I>) -> Self {
        let mut command = CommandBuilder::from_argv(argv.into_iter().map(|arg| arg.as_ref().to_owned()).collect());
        command.env_clear();
        command.cwd(home);
        for (name, value) in [
            ("PATH", PATH),
            ("TERM", "xterm-256color"),
            ("LANG", "C.UTF-8"),
            ("PS1", "prompt> "),
            ("HISTFILE", "/dev/null"),
        ] {
            command.env(name, value);
        }
        command.env("HOME", home);
        command.env("TMPDIR", home);
        Self {
            command,
            size: (80, 24),
        }
    }

    /// The same below a shell that stays: when a session's leader ends, the kernel itself sets the terminal back, and
    /// nobody could see what the program left behind.
    pub fn below_a_shell<I: AsRef<OsStr>>(home: &Path, argv: impl IntoIterator<Item = I>) -> Self {
        let script = r#""$@"; echo "[ended $?]"; exec cat >/dev/null"#;
        let shell = ["sh", "-c", script, "sh"].map(|arg| AsRef::<OsStr>::as_ref(arg).to_owned());
        let argv = argv.into_iter().map(|arg| arg.as_ref().to_owned());
        Self::new(home, shell.into_iter().chain(argv))
    }

    /// The same where no other process of this machine can be seen: what else runs here may look like an engine, and
    /// nothing is saved while one runs.
    pub fn among_its_own_processes<I: AsRef<OsStr>>(home: &Path, argv: impl IntoIterator<Item = I>) -> Self {
        let unshare = "unshare";
        let found = std::env::split_paths(PATH).any(|dir| dir.join(unshare).exists());
        assert!(found, "there is no unshare here: apt-get install util-linux");
        let user: &[&str] = if rustix::process::geteuid().is_root() {
            &[]
        } else {
            &["--map-root-user"]
        };
        let mut below = Self::below_a_shell(home, argv);
        let shell = std::mem::take(below.command.get_argv_mut());
        let mut argv: Vec<OsString> = vec![unshare.into()];
        argv.extend(user.iter().map(OsString::from));
        argv.extend(["--pid", "--fork", "--mount-proc", "--kill-child"].map(OsString::from));
        argv.extend(shell);
        *below.command.get_argv_mut() = argv;
        below
    }

    /// With a variable of the environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Without one.
    pub fn env_remove(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// On a terminal of a size.
    pub fn size(mut self, width: u16, height: u16) -> Self {
        self.size = (width, height);
        self
    }

    /// Starts it.
    pub fn start(self) -> Pty {
        let (cols, rows) = self.size;
        let size = PtySize {
            rows,
            cols,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let modes = format!("{:?}", pair.master.get_termios().unwrap());
        let child = pair.slave.spawn_command(self.command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        // A rendezvous: the thread holds one piece at most that the test has not asked for.
        let (sender, pieces) = mpsc::sync_channel(0);
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // At the end a pseudo-terminal says EIO.
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let writer = pair.master.take_writer().unwrap();
        // An unknown size is 80x24 for everyone.
        let known = |n: u16, usual| NonZeroU16::new(if cols == 0 || rows == 0 { usual } else { n }).unwrap();
        Pty {
            line: Some((pair.master, writer)),
            child,
            pieces: Some(pieces),
            thread: Some(thread),
            emulator: vt100::Parser::new(known(rows, 24), known(cols, 80), 200),
            written: Vec::new(),
            modes,
        }
    }
}

/// A program that runs.
pub struct Pty {
    /// The terminal's other end: to look at it, and to write. `None`: hung up.
    line: Option<(Box<dyn MasterPty + Send>, Box<dyn Write + Send>)>,
    child: Box<dyn Child + Send + Sync>,
    pieces: Option<Receiver<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
    emulator: vt100::Parser,
    written: Vec<u8>,
    modes: String,
}

impl Drop for Pty {
    fn drop(&mut self) {
        // A test that failed must not leave its program behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Pty {
    /// Presses keys, written as one burst. It comes after a pause: a consent is not taken from keys that follow each
    /// other faster than a person presses them.
    pub fn press(&mut self, notation: &str) {
        std::thread::sleep(Duration::from_millis(80));
        let bytes: String = notation::keys(notation).into_iter().map(bytes_of).collect();
        self.send(&bytes);
    }

    /// Sends bytes as a terminal would.
    pub fn send(&mut self, bytes: &str) {
        let (_, writer) = self.line.as_mut().unwrap();
        writer.write_all(bytes.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    /// Changes the terminal's size.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.emulator
            .set_size(NonZeroU16::new(height).unwrap(), NonZeroU16::new(width).unwrap());
        let size = PtySize {
            rows: height,
            cols: width,
            pixel_width: 0,
            pixel_height: 0,
        };
        self.line.as_ref().unwrap().0.resize(size).unwrap();
    }

    /// Waits until the screen is as it should be.
    pub fn wait(&mut self, what: &str, mut is_so: impl FnMut(&vt100::Screen) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self.screen()) {
            match self.take(deadline) {
                Ok(()) => {}
                Err(why) => panic!("waiting for {what}: {why}; the screen is\n{}", self.picture()),
            }
        }
    }

    /// Waits until a text stands on the screen.
    pub fn see(&mut self, text: &str) {
        self.wait(&format!("{text:?}"), |screen| screen.contents().contains(text));
    }

    /// Waits until a text does not stand on the screen.
    pub fn see_no(&mut self, text: &str) {
        self.wait(&format!("{text:?} to go"), |screen| !screen.contents().contains(text));
    }

    /// Waits until what was written so far is as it should be.
    pub fn wait_for_bytes(&mut self, what: &str, is_so: impl Fn(&[u8]) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self.written()) {
            if let Err(why) = self.take(deadline) {
                panic!("waiting for {what}: {why}; the screen is\n{}", self.picture());
            }
        }
    }

    /// Takes one piece of output.
    fn take(&mut self, deadline: Instant) -> Result<(), &'static str> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.pieces.as_ref().unwrap().recv_timeout(left) {
            Ok(piece) => {
                self.emulator.process(&piece);
                self.written.extend(piece);
                Ok(())
            }
            Err(RecvTimeoutError::Timeout) => Err("it never came"),
            Err(RecvTimeoutError::Disconnected) => Err("the program has ended"),
        }
    }

    /// The emulator's screen as of the last wait.
    pub fn screen(&self) -> &vt100::Screen {
        self.emulator.screen()
    }

    /// All bytes that were taken so far.
    pub fn written(&self) -> &[u8] {
        &self.written
    }

    /// The screen as text, for messages.
    pub fn picture(&self) -> String {
        let screen = self.screen();
        let (row, column) = screen.cursor_position();
        let shown = if screen.hide_cursor() { "hidden" } else { "shown" };
        let bar = "=".repeat(40);
        format!("{bar}\n{}\n{bar}\ncursor {shown} at {row},{column}", screen.contents())
    }

    /// Takes output until the other side closes, and says how the program ended.
    pub fn end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.take(deadline) {
                Ok(()) => {}
                Err("the program has ended") => break,
                Err(why) => panic!("waiting for the end: {why}; the screen is\n{}", self.picture()),
            }
        }
        self.child.wait().unwrap()
    }

    /// Waits for the end while nobody takes output.
    pub fn end_without_reading(&mut self) -> ExitStatus {
        until("the end of the program", || self.child.try_wait().unwrap())
    }

    /// The terminal goes away, as when a connection breaks. Nothing can be taken afterwards.
    pub fn hang_up(&mut self) {
        // The reading thread holds the terminal open while it waits for output: a repaint sets it free.
        let thread = self.thread.take().unwrap();
        drop(self.pieces.take());
        let mut pressed = false;
        until("the reading thread to let go", || {
            if !thread.is_finished() && !pressed {
                self.send("\x0c");
                pressed = true;
            }
            thread.is_finished().then_some(())
        });
        thread.join().unwrap();
        self.line = None;
    }

    /// The program's process id.
    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// The process id of the one child of the shell that was started.
    pub fn pid_below_shell(&self) -> u32 {
        let shell = self.pid();
        until("the shell's child", || {
            let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap();
            children.split_whitespace().next().map(|pid| pid.parse().unwrap())
        })
    }

    fn modes(&self) -> String {
        format!("{:?}", self.line.as_ref().unwrap().0.get_termios().unwrap())
    }

    /// Has the terminal been given back: its modes as before the start, the normal screen, a cursor, no update held.
    pub fn assert_given_back(&mut self) {
        assert_eq!(self.modes(), self.modes, "the terminal's modes differ");
        let screen = self.screen();
        assert!(
            !screen.alternate_screen(),
            "still on the alternate screen\n{}",
            self.picture()
        );
        assert!(!screen.hide_cursor(), "the cursor is hidden");
        assert!(!screen.bracketed_paste() && !screen.application_cursor() && !screen.application_keypad());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        let (on, off) = (last(&self.written, b"\x1b[?2026h"), last(&self.written, b"\x1b[?2026l"));
        assert!(on < off || on.is_none(), "a synchronised update was left open");
    }

    /// Is the terminal taken: raw mode, the other screen.
    pub fn assert_taken(&self) {
        assert_ne!(self.modes(), self.modes, "not in raw mode");
        assert!(self.screen().alternate_screen());
    }
}

fn last(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).rposition(|window| window == needle)
}

/// Asks again and again until there is an answer.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what}: it never came");
        // Not synchronisation, only manners towards the processor between two questions.
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A key as xterm sends it.
fn bytes_of(key: Key) -> String {
    match key {
        Key::Char(c) => c.to_string(),
        Key::Ctrl(c) => char::from(c as u8 & 0x1f).to_string(),
        Key::F(n @ 1..=4) => format!("\x1bO{}", char::from(b'P' + n - 1)),
        Key::F(n) => {
            let code = [15, 17, 18, 19, 20, 21, 23, 24][usize::from(n) - 5];
            format!("\x1b[{code}~")
        }
        Key::Enter => "\r".to_owned(),
        Key::Esc => "\x1b".to_owned(),
        Key::Tab => "\t".to_owned(),
        Key::BackTab => "\x1b[Z".to_owned(),
        Key::Up => "\x1b[A".to_owned(),
        Key::Down => "\x1b[B".to_owned(),
        Key::Right => "\x1b[C".to_owned(),
        Key::Left => "\x1b[D".to_owned(),
        Key::PageUp => "\x1b[5~".to_owned(),
        Key::PageDown => "\x1b[6~".to_owned(),
        Key::Home => "\x1b[H".to_owned(),
        Key::End => "\x1b[F".to_owned(),
        Key::Backspace => "\x7f".to_owned(),
        Key::Delete => "\x1b[3~".to_owned(),
    }
}

/// The state letter of a process (`R`, `S`, `T`, `Z` …), or `None` when it is gone.
pub fn state_of(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Waits until a process is gone; one that has ended and waits to be asked counts as gone.
pub fn gone(pid: u32) {
    until("the process to end", || {
        matches!(state_of(pid), None | Some('Z' | 'X')).then_some(())
    });
}

/// Sends a signal.
pub fn signal(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}
