//! A program in a pseudo-terminal of 80x24, and what it wrote.

use std::fs;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::delay::later;

/// The end of a frame of ours.
const FRAME_END: &[u8] = b"\x1b[?2026l";
/// No byte for so long: the program has drawn what it had to draw.
const SILENCE: Duration = Duration::from_millis(150);
const PATIENCE: Duration = Duration::from_secs(30);

/// How far away a program is.
#[derive(Clone, Copy)]
pub struct Line {
    /// The round trip that the terminal itself adds, both ways together.
    pub terminal: Duration,
    /// The round trip behind it, in a connection that the program makes.
    pub connection: Duration,
}

impl Line {
    pub const NONE: Self = Self {
        terminal: Duration::ZERO,
        connection: Duration::ZERO,
    };

    pub fn round_trip(self) -> Duration {
        self.terminal + self.connection
    }
}

pub struct Running {
    pub started: Instant,
    line: Line,
    /// Kept: the program is hung up without it.
    _master: Box<dyn MasterPty + Send>,
    keys: Way,
    child: Box<dyn Child + Send + Sync>,
    pieces: Receiver<(Instant, Vec<u8>)>,
    pub emulator: vt100::Parser,
    pub bytes: usize,
    /// How often something arrived.
    pub arrivals: u64,
    tail: Vec<u8>,
    framed: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    pub fn start(home: &Path, argv: &[String], line: Line) -> Self {
        let size = PtySize {
            rows: 24,
            cols: 80,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::from_argv(argv.iter().map(Into::into).collect());
        command.cwd(home);
        command.env("TERM", "xterm-256color");
        command.env("LC_ALL", "C.UTF-8");
        let (pieces, keys) = wire(&*pair.master, line.terminal / 2);
        let started = Instant::now();
        // The wish to start it travels too.
        std::thread::sleep(line.terminal / 2);
        let child = pair
            .slave
            .spawn_command(command)
            .unwrap_or_else(|error| panic!("{}: {error}; apt-get install whiptail util-linux", argv[0]));
        let known = |n| NonZeroU16::new(n).unwrap();
        Self {
            started,
            line,
            _master: pair.master,
            keys,
            child,
            pieces,
            emulator: vt100::Parser::new(known(24), known(80), 0),
            bytes: 0,
            arrivals: 0,
            tail: Vec::new(),
            framed: false,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Calls of `write` so far.
    pub fn writes(&self) -> u64 {
        field(&format!("/proc/{}/io", self.pid()), "syscw:").parse().unwrap()
    }

    fn take(&mut self, patience: Duration) -> Option<Instant> {
        let (at, piece) = self.pieces.recv_timeout(patience).ok()?;
        self.emulator.process(&piece);
        self.bytes += piece.len();
        self.arrivals += 1;
        self.tail.extend(piece);
        self.framed |= self.tail.windows(FRAME_END.len()).any(|bytes| bytes == FRAME_END);
        let rest = self.tail.len().saturating_sub(FRAME_END.len());
        self.tail.drain(..rest);
        Some(at)
    }

    /// Takes output until the first frame of ours ends; says when.
    pub fn frame(&mut self) -> Instant {
        loop {
            let at = self.take(PATIENCE).expect("a frame");
            if self.framed {
                return at;
            }
        }
    }

    /// Takes output until no more comes; says when the last byte came.
    pub fn silence(&mut self) -> Instant {
        let mut last = self.started;
        let mut patience = if self.bytes == 0 {
            PATIENCE
        } else {
            SILENCE + self.line.round_trip()
        };
        while let Some(at) = self.take(patience) {
            last = at;
            patience = SILENCE;
        }
        last
    }

    pub fn see(&mut self, text: &str) {
        while !self.emulator.screen().contents().contains(text) {
            let came = self.take(PATIENCE);
            assert!(came.is_some(), "no {text:?} on\n{}", self.emulator.screen().contents());
        }
    }

    pub fn send(&mut self, key: &str) -> Instant {
        let now = Instant::now();
        assert!((self.keys)(key.as_bytes().to_vec()), "nobody takes the key {key:?}");
        now
    }

    /// Presses a key and waits until all is drawn.
    pub fn press(&mut self, key: &str) {
        self.send(key);
        self.silence();
    }

    /// The most memory that it had.
    pub fn memory(&self) -> String {
        memory(self.pid())
    }

    /// How often its threads were put on a processor and taken off.
    pub fn switches(&self) -> u64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
        let of = |task: PathBuf, name| {
            let status = task.join("status").display().to_string();
            field(&status, name).parse::<u64>().unwrap()
        };
        tasks
            .map(|task| task.unwrap().path())
            .map(|task| of(task.clone(), "voluntary_ctxt_switches:") + of(task, "nonvoluntary_ctxt_switches:"))
            .sum()
    }
}

/// One way of a line; `false`: nobody is there any more.
type Way = Box<dyn FnMut(Vec<u8>) -> bool + Send>;

/// The same way, longer.
fn lengthened(way: Way, delay: Duration) -> Way {
    if delay.is_zero() {
        return way;
    }
    Box::new(later(delay, way))
}

/// Both ways of a pseudo-terminal, each so long.
fn wire(master: &dyn MasterPty, delay: Duration) -> (Receiver<(Instant, Vec<u8>)>, Way) {
    let mut reader = master.try_clone_reader().unwrap();
    let mut writer = master.take_writer().unwrap();
    let (arrived, pieces) = mpsc::channel();
    let mut out = lengthened(
        Box::new(move |piece| arrived.send((Instant::now(), piece)).is_ok()),
        delay,
    );
    std::thread::spawn(move || {
        let mut buffer = [0; 65536];
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            if !out(buffer[..count].to_vec()) {
                return;
            }
        }
    });
    let keys = lengthened(
        Box::new(move |keys| writer.write_all(&keys).and_then(|()| writer.flush()).is_ok()),
        delay,
    );
    (pieces, keys)
}

/// The most memory that a process had.
pub fn memory(pid: u32) -> String {
    field(&format!("/proc/{pid}/status"), "VmHWM:")
}

fn field(path: &str, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("{path} has no {name}")).trim().to_owned()
}
