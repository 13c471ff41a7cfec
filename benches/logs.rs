//! How fast mail logs are read, beside `rg -c 'Remote-Host: '` on the same file in the same run, and how much memory
//! that takes as peers and bytes grow.
//!
//! `cargo bench --bench logs [-- MEGABYTES]` (default 200; or `KERIO_TLS_BENCH_MB=1000`). Needs ripgrep (Debian:
//! ripgrep). The log is written first, so both read from the page cache. It lies in four files, as rotation leaves it,
//! because rg uses one thread a file; `kerio-tls` cuts the bytes, whatever the files are.
//!
//! Both run as processes of their own, from start to end, in turns, seven each; the least of each column counts. Beside
//! the time that passed stands the time they had a core (user and system, as the shell's `time` gives it): on a machine
//! with other work that is what tells them apart, so "on one core" is a ratio of these.
//!
//! What the sample is: a Recv and one or more Sent lines a message, few peers with most of the mail, deliveries that
//! are delayed or failed, subjects that look like fields; how long the lines are and how many tell of trouble is
//! counted and printed. It is made up: no claim that a real log is easier or harder.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

#[path = "../tests/common/sample_log.rs"]
mod sample_log;

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kerio_tls::peers::{OwnHosts, PeerBook, ScanProgress, Threshold, Window, assess, find_logs, scan_logs};
use kerio_tls::tls::{Direction, TlsVersion};
use sample_log::SampleLog;

const START: i64 = 1_700_000_000;
const DAYS: i64 = 20;
/// Rotations of the log.
const FILES: i64 = 4;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
    let first = arguments.next();
    if first.as_deref() == Some("--child") {
        return child(&PathBuf::from(arguments.next().expect("a path")));
    }
    if first.as_deref() == Some("--scan") {
        let threads = arguments.next().expect("threads").parse().expect("a number");
        return scan(&arguments.map(PathBuf::from).collect::<Vec<_>>(), threads);
    }
    let megabytes = first
        .or_else(|| std::env::var("KERIO_TLS_BENCH_MB").ok())
        .map_or(200, |text| text.parse::<u64>().expect("a size in megabytes"));
    let dir = tempfile::tempdir().unwrap();

    let started = Instant::now();
    let (files, bytes) = write(dir.path(), megabytes << 20, 2_000);
    println!(
        "{} MB of log in {FILES} files, 2,000 peers each way, written in {:.1} s\n",
        bytes >> 20,
        started.elapsed().as_secs_f64()
    );

    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    describe(&files);
    let own = std::env::current_exe().unwrap();
    let own = own.to_str().expect("a path in UTF-8");
    let all = cores.to_string();
    let mut rows = [
        Row::new("rg -j1 -c 'Remote-Host: '", &[&RG[..], &["-j1", PATTERN]].concat()),
        Row::new("kerio-tls, 1 thread", &[own, "--scan", "1"]),
        Row::new(
            &format!("rg -j{all} (it uses one thread a file)"),
            &[&RG[..], &["-j", &all, PATTERN]].concat(),
        ),
        Row::new(&format!("kerio-tls, {all} threads"), &[own, "--scan", &all]),
    ];
    for _ in 0..7 {
        rows.iter_mut().for_each(|row| row.run(&files));
    }
    println!("{:<44} {:>8} {:>8} {:>10}", "", "s", "CPU s", "MB/CPU s");
    for Row { name, wall, cpu, .. } in &rows {
        println!("{name:<44} {wall:>8.3} {cpu:>8.3} {:>10.0}", bytes as f64 / 1e6 / cpu);
    }
    let [rg_one, one, rg_all, all] = &rows;
    println!(
        "\nspeed against rg: {:.2} on one core (CPU time), {:.2} on all (time that passed)\n",
        rg_one.cpu / one.cpu,
        rg_all.wall / all.wall
    );

    println!("peak memory of a process that scans (VmHWM; {cores} threads)");
    for (megabytes, peers) in [
        (megabytes / 10, 2_000),
        (megabytes, 2_000),
        (megabytes, 20_000),
        (megabytes, 200_000),
    ] {
        let (_, bytes) = write(dir.path(), (megabytes << 20).max(4 << 20), peers);
        let own = std::env::current_exe().unwrap();
        let output = Command::new(own)
            .arg("--child")
            .arg(dir.path())
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        println!("  {:>6} MB, up to {peers:>7} peers drawn: {}", bytes >> 20, text.trim());
    }

    // 10,000 peers held against a minimum, as each row of the drop-down does.
    let findings = scan_logs(
        &files,
        &window(),
        &OwnHosts::default(),
        0,
        &ScanProgress::default(),
        &AtomicBool::new(false),
    );
    let mut peers = findings.peers();
    peers.retain(|p| p.key.direction == Direction::Outbound);
    peers.truncate(10_000);
    let records: usize = peers.iter().map(|p| p.evidence.len()).sum();
    let book = PeerBook {
        peers,
        ..PeerBook::default()
    };
    let mut best = Duration::MAX;
    for _ in 0..200 {
        let started = Instant::now();
        let impact = assess(&book, Direction::Outbound, Threshold::At(TlsVersion::Tls12));
        best = best.min(started.elapsed());
        assert_eq!(impact.rows.len(), book.peers.len());
    }
    println!(
        "\nassess: {} peers, {records} records: {:.3} ms",
        book.peers.len(),
        best.as_secs_f64() * 1e3
    );
}

fn window() -> Window {
    let now = Timestamp::from_second(START + DAYS * 86_400).unwrap();
    Window {
        now,
        days: 30,
        zone: TimeZone::UTC,
        zone_given: false,
    }
}

/// Writes the log as rotations, newest first; gives the files and their bytes in all.
fn write(dir: &Path, bytes: u64, peers: u32) -> (Vec<PathBuf>, u64) {
    let files = ["mail.log", "mail.log.0", "mail.log.1", "mail.log.2"].map(|name| dir.join(name));
    let spell = DAYS * 86_400 / FILES;
    let mut written = 0;
    for (age, path) in (0..FILES).zip(&files) {
        let end = START + DAYS * 86_400 - age * spell;
        let sample = SampleLog {
            seed: 1 + age.cast_unsigned(),
            peers,
            start: end - spell,
            end,
        };
        let mut out = BufWriter::new(File::create(path).unwrap());
        written += sample.write(&mut out, bytes / FILES.cast_unsigned()).unwrap();
        out.flush().unwrap();
    }
    (files.to_vec(), written)
}

const RG: [&str; 4] = ["rg", "--no-config", "-c", "--no-filename"];
const PATTERN: &str = "Remote-Host: ";

/// A command that is given the files, and the least it took so far.
struct Row {
    name: String,
    command: Vec<String>,
    /// Seconds that passed.
    wall: f64,
    /// Seconds on a core, user and system, of all threads.
    cpu: f64,
}

impl Row {
    fn new(name: &str, command: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            wall: f64::MAX,
            cpu: f64::MAX,
        }
    }

    fn run(&mut self, files: &[PathBuf]) {
        // What the shell says of a child it has from the system (getrusage); /proc counts in hundredths.
        let output = Command::new("bash")
            .args(["-c", "TIMEFORMAT='%3R %3U %3S'; time \"$@\"", "time"])
            .args(&self.command)
            .args(files)
            .env("LC_ALL", "C")
            .output()
            .expect("bash is needed");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.success(),
            "{}: {said} (ripgrep is Debian's package of that name)",
            self.name
        );
        // Read rg's answer: with nobody to read the counts it might stop at the first match.
        let counts = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(counts.lines().count(), files.len(), "{}", self.name);
        assert!(counts.lines().all(|n| n.parse::<u64>().is_ok_and(|n| n > 1)));
        let times: Vec<f64> = said.split_whitespace().map(|n| n.parse().expect("a time")).collect();
        let [wall, user, system] = times[..] else {
            panic!("not three times: {said}")
        };
        self.wall = self.wall.min(wall);
        self.cpu = self.cpu.min(user + system);
    }
}

/// Says of the newest rotation how long its lines are and how many tell of trouble.
fn describe(files: &[PathBuf]) {
    let text = fs::read(&files[0]).unwrap();
    let lines: Vec<&[u8]> = text.split(|b| *b == b'\n').filter(|line| !line.is_empty()).collect();
    let mut lengths: Vec<usize> = lines.iter().map(|line| line.len() + 1).collect();
    lengths.sort_unstable();
    let with = |word: &str| {
        lines
            .iter()
            .filter(|line| memchr::memmem::find(line, word.as_bytes()).is_some())
            .count()
    };
    let (sent, well) = (with("] Sent: "), with(", Result: delivered, "));
    println!(
        "lines: {} to {} bytes, {} on average; of {sent} deliveries {:.0} % delayed or failed\n",
        lengths[0],
        lengths[lengths.len() - 1],
        text.len() / lines.len(),
        100.0 * (sent - well) as f64 / sent as f64
    );
}

fn scan(files: &[PathBuf], threads: usize) {
    let findings = scan_logs(
        files,
        &window(),
        &OwnHosts::default(),
        threads,
        &ScanProgress::default(),
        &AtomicBool::new(false),
    );
    assert!(findings.lines().used > 0 && findings.lines().not_understood == 0);
    // As many lines as rg prints.
    files.iter().for_each(|_| println!("{}", findings.lines().used));
}

/// Scans in a process of its own and says what it took.
fn child(dir: &Path) {
    let memory = || {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status
            .lines()
            .find_map(|l| l.strip_prefix("VmHWM:"))
            .unwrap()
            .trim()
            .to_owned();
        line.trim_end_matches("kB").trim().parse::<u64>().unwrap()
    };
    let before = memory();
    let files = find_logs(&[dir.to_owned()]).unwrap().files;
    let findings = scan_logs(
        &files,
        &window(),
        &OwnHosts::default(),
        0,
        &ScanProgress::default(),
        &AtomicBool::new(false),
    );
    let after = memory();
    let peers = findings.peers().len();
    println!(
        "{peers:>7} peers found, {:>7.1} MB ({:.1} MB before)",
        after as f64 / 1024.0,
        before as f64 / 1024.0
    );
}
