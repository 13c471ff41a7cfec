//! The screen beside `whiptail`, each in a pseudo-terminal of 80x24 in the same run: `cargo bench --bench terminal`.
//! Needs Debian's whiptail and util-linux. Prints medians beside their budgets; asserts nothing about times.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a benchmark talks, and stops where its tools are missing"
)]

#[path = "../tests/common/sample_cfg.rs"]
mod sample_cfg;

use std::fs;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

const KERIO_TLS: &str = env!("CARGO_BIN_EXE_kerio-tls");
/// The end of a frame of ours.
const FRAME_END: &[u8] = b"\x1b[?2026l";
/// No byte for so long: the program has drawn what it had to draw.
const SILENCE: Duration = Duration::from_millis(150);
const PATIENCE: Duration = Duration::from_secs(30);
const STARTS: usize = 21;
const KEYS: usize = 30;

const DOWN: &str = "\x1b[B";
const UP: &str = "\x1b[A";

fn main() {
    let home = tempfile::tempdir().unwrap();
    let small = file(home.path(), "small", 200_000);
    let large = file(home.path(), "large", 10_000_000);

    row("", "measured", "budget");
    let peer = first_frames(|| Running::start(home.path(), &whiptail()), Running::silence);
    row("first frame: whiptail", &ms(peer), "");
    for (name, file, budget) in [
        ("200 KB", &small, "whiptail's; about 10 ms"),
        ("10 MB", &large, "about 60 ms"),
    ] {
        let time = first_frames(|| Running::start(home.path(), &kerio_tls(file)), Running::frame);
        let ratio = time.as_secs_f64() / peer.as_secs_f64();
        let measured = format!("{} ({ratio:.2} x whiptail)", ms(time));
        row(&format!("first frame: {name}"), &measured, budget);
    }

    let mut other = Running::start(home.path(), &whiptail());
    other.silence();
    keys(&mut other, "whiptail", [DOWN, UP], "");
    drop(other);

    let mut ours = Running::start(home.path(), &kerio_tls(&small));
    ours.see("engine: ");
    ours.silence();
    row("memory after the start: 200 KB", &memory(ours.pid()), "8192 kB");
    let before = switches(ours.pid());
    std::thread::sleep(Duration::from_secs(3));
    let woken = switches(ours.pid()) - before;
    row("wake-ups in 3 s of idleness", &woken.to_string(), "0");
    keys(&mut ours, "without effect", ["u", "u"], "0 bytes, 0 writes");
    ours.press("\r");
    keys(
        &mut ours,
        "drop-down and panel",
        [DOWN, UP],
        "about 1 ms, 800 bytes, 1 write",
    );
    ours.press("\x1b");
    ours.press("\x1b[C");
    ours.see("Inbound]");
    keys(&mut ours, "list", [DOWN, UP], "about 1 ms, 250 bytes, 1 write");
    drop(ours);

    let mut ours = Running::start(home.path(), &kerio_tls(&large));
    ours.see("engine: ");
    ours.silence();
    row("memory after the start: 10 MB", &memory(ours.pid()), "");
    drop(ours);
    let saved = fs::metadata(&large).unwrap().len();
    let most = 3 * saved / 1024 + 24 * 1024;
    row(
        "memory after a save: 10 MB",
        &memory_of_a_save(home.path(), &large),
        &format!("{most} kB"),
    );

    let size = fs::metadata(KERIO_TLS).unwrap().len();
    row("size of the program", &format!("{} kB", size / 1024), "4096 kB");
}

fn row(what: &str, measured: &str, budget: &str) {
    println!("{what:<34} {measured:<42} {budget}");
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

fn median<T: Ord + Copy>(values: &mut [T]) -> T {
    values.sort();
    values[values.len() / 2]
}

fn file(home: &Path, name: &str, bytes: usize) -> PathBuf {
    let path = home.join(format!("{name}.cfg"));
    fs::write(&path, sample_cfg::build(bytes, 1)).unwrap();
    path
}

fn kerio_tls(file: &Path) -> Vec<String> {
    let beside = |ending: &str| file.with_extension(ending).display().to_string();
    fs::write(file.with_extension("toml"), "").unwrap();
    let (toml, csv, state) = (beside("toml"), beside("csv"), beside("state"));
    fs::write(&csv, "outbound,smtp,198.51.100.7,tls1.0,2026-11-01,fax gateway\n").unwrap();
    let file = file.display().to_string();
    let words = [
        KERIO_TLS,
        "--file",
        &file,
        "--config",
        &toml,
        "--peers",
        &csv,
        "--state-dir",
        &state,
    ];
    words.map(str::to_owned).to_vec()
}

/// The same form in whiptail: a title, a list of six.
fn whiptail() -> Vec<String> {
    let words = "whiptail --title TLS --menu Minimum 20 70 6 a Default b 1.0 c 1.1 d 1.2 e 1.3 f Other";
    words.split(' ').map(str::to_owned).collect()
}

/// The median from start to the end of the first frame.
fn first_frames(start: impl Fn() -> Running, until: impl Fn(&mut Running) -> Instant) -> Duration {
    let once = |_| {
        let mut running = start();
        until(&mut running) - running.started
    };
    median(&mut (0..STARTS).map(once).collect::<Vec<_>>())
}

/// Presses two keys in turn; medians of the time from key to last byte, of bytes and of writes.
fn keys(running: &mut Running, what: &str, keys: [&str; 2], budget: &str) {
    let (mut times, mut bytes, mut writes) = (Vec::new(), Vec::new(), Vec::new());
    running.press(keys[0]);
    running.press(keys[1]);
    for key in keys.into_iter().cycle().take(KEYS) {
        let (taken, before) = (running.bytes, running.writes());
        let pressed = running.send(key);
        // Without a byte there is no end to be timed.
        let last = running.silence();
        times.push(last.saturating_duration_since(pressed));
        bytes.push(running.bytes - taken);
        writes.push(running.writes() - before);
    }
    let (time, bytes, writes) = (median(&mut times), median(&mut bytes), median(&mut writes));
    row(
        &format!("a key: {what}"),
        &format!("{}, {bytes} bytes, {writes} writes", ms(time)),
        budget,
    );
}

/// Chooses, ticks what is to be ticked, saves.
fn memory_of_a_save(home: &Path, file: &Path) -> String {
    // Where no process of this machine can be taken for an engine.
    let alone = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
    let mut argv: Vec<String> = alone.map(str::to_owned).to_vec();
    argv.extend(kerio_tls(file));
    let mut running = Running::start(home, &argv);
    running.see("engine: none");
    running.press("\t");
    running.press("\r");
    running.press("\x1b[F");
    running.press("\r");
    running.see("change");
    running.press("\x1b[17~");
    running.see("Review: nothing is written yet");
    for _ in 0..10 {
        let (row, column) = running.emulator.screen().cursor_position();
        let here: String = running.emulator.screen().rows(0, 80).nth(usize::from(row)).unwrap();
        let here: String = here.chars().skip(usize::from(column)).collect();
        if here.starts_with("Save") {
            break;
        }
        if here.starts_with("[ ]") || here.starts_with(" ]") {
            running.press(" ");
        }
        running.press("\t");
    }
    running.press("\r");
    running.see("Saved");
    let unshare = running.pid();
    let children = fs::read_to_string(format!("/proc/{unshare}/task/{unshare}/children")).unwrap();
    memory(children.trim().parse().unwrap())
}

/// The most memory that a process had.
fn memory(pid: u32) -> String {
    field(&format!("/proc/{pid}/status"), "VmHWM:")
}

/// How often the threads of a process were put on a processor and taken off.
fn switches(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let of = |task: PathBuf, name| {
        let status = task.join("status").display().to_string();
        field(&status, name).parse::<u64>().unwrap()
    };
    tasks
        .map(|task| task.unwrap().path())
        .map(|task| of(task.clone(), "voluntary_ctxt_switches:") + of(task, "nonvoluntary_ctxt_switches:"))
        .sum()
}

fn field(path: &str, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("{path} has no {name}")).trim().to_owned()
}

/// A program in a pseudo-terminal, and what it wrote.
struct Running {
    started: Instant,
    /// Kept: the program is hung up without it.
    _master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    pieces: Receiver<(Instant, Vec<u8>)>,
    emulator: vt100::Parser,
    bytes: usize,
    tail: Vec<u8>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn start(home: &Path, argv: &[String]) -> Self {
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
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, pieces) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send((Instant::now(), buffer[..count].to_vec())).is_err() {
                    return;
                }
            }
        });
        let writer = pair.master.take_writer().unwrap();
        let started = Instant::now();
        let child = pair
            .slave
            .spawn_command(command)
            .unwrap_or_else(|error| panic!("{}: {error}; apt-get install whiptail util-linux", argv[0]));
        let known = |n| NonZeroU16::new(n).unwrap();
        Self {
            started,
            _master: pair.master,
            writer,
            child,
            pieces,
            emulator: vt100::Parser::new(known(24), known(80), 0),
            bytes: 0,
            tail: Vec::new(),
        }
    }

    fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Calls of `write` so far.
    fn writes(&self) -> u64 {
        field(&format!("/proc/{}/io", self.pid()), "syscw:").parse().unwrap()
    }

    fn take(&mut self, patience: Duration) -> Option<Instant> {
        let (at, piece) = self.pieces.recv_timeout(patience).ok()?;
        self.emulator.process(&piece);
        self.bytes += piece.len();
        self.tail.extend(piece);
        let rest = self.tail.len().saturating_sub(FRAME_END.len());
        self.tail.drain(..rest);
        Some(at)
    }

    /// Takes output until a frame of ours ends; says when.
    fn frame(&mut self) -> Instant {
        loop {
            let at = self.take(PATIENCE).expect("a frame");
            if self.tail == FRAME_END {
                return at;
            }
        }
    }

    /// Takes output until no more comes; says when the last byte came.
    fn silence(&mut self) -> Instant {
        let mut last = self.started;
        let mut patience = if self.bytes == 0 { PATIENCE } else { SILENCE };
        while let Some(at) = self.take(patience) {
            last = at;
            patience = SILENCE;
        }
        last
    }

    fn see(&mut self, text: &str) {
        while !self.emulator.screen().contents().contains(text) {
            let came = self.take(PATIENCE);
            assert!(came.is_some(), "no {text:?} on\n{}", self.emulator.screen().contents());
        }
    }

    fn send(&mut self, key: &str) -> Instant {
        let now = Instant::now();
        self.writer.write_all(key.as_bytes()).unwrap();
        self.writer.flush().unwrap();
        now
    }

    /// Presses a key and waits until all is drawn.
    fn press(&mut self, key: &str) {
        self.send(key);
        self.silence();
    }
}
