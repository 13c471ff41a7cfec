//! How fast mail logs are read, beside `rg -c 'Remote-Host: '` on the same file in the same run, and how much memory that
//! takes as peers and bytes grow.
//!
//! `cargo bench --bench logs [-- MEGABYTES]` (default 200; or `KERIO_TLS_BENCH_MB=1000`). Needs ripgrep (Debian: ripgrep).
//! The log is written first, so both read from the page cache; best of five runs each. It lies in four files, as rotation
//! leaves it, because rg uses one thread a file; `kerio-tls` cuts the bytes, whatever the files are.
//!
//! What the sample is: lines of 170 to 330 bytes (235 on average), a Recv and one or more Sent lines a message, few peers
//! with most of the mail, a tenth of the deliveries delayed or failed, subjects that look like fields. Where it differs from a
//! real log it is harder: message identities are shorter, so there are more lines to the gigabyte.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

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
use kerio_tls::peers::{OwnHosts, PeerBook, Progress, Threshold, Window, assess, find_logs, scan_logs};
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
    println!("{:<44} {:>8} {:>10}", "", "s", "MB/s");
    let rg_one = row("rg -j1 -c 'Remote-Host: '", bytes, || rg(&files, 1));
    let rg_all = row(&format!("rg -j{cores} (it uses one thread a file)"), bytes, || {
        rg(&files, cores)
    });
    let one = row("kerio-tls, 1 thread", bytes, || scan(&files, 1));
    let all = row(&format!("kerio-tls, {cores} threads"), bytes, || scan(&files, cores));
    println!(
        "\nspeed against rg: {:.2} on one core, {:.2} on all\n",
        ratio(rg_one, one),
        ratio(rg_all, all)
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
        &Progress::default(),
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

fn rg(files: &[PathBuf], threads: usize) {
    let output = Command::new("rg")
        .args([
            "--no-config",
            "-c",
            "--no-filename",
            &format!("-j{threads}"),
            "Remote-Host: ",
        ])
        .args(files)
        .output()
        .expect("ripgrep is needed: apt-get install ripgrep");
    // Read its answer: with nobody to read the counts it might stop at the first match.
    let counts = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(counts.lines().count(), files.len());
    assert!(counts.lines().all(|n| n.parse::<u64>().is_ok_and(|n| n > 1)));
}

fn scan(files: &[PathBuf], threads: usize) {
    let findings = scan_logs(
        files,
        &window(),
        &OwnHosts::default(),
        threads,
        &Progress::default(),
        &AtomicBool::new(false),
    );
    assert!(findings.lines().used > 0 && findings.lines().not_understood == 0);
}

fn row(name: &str, bytes: u64, run: impl Fn()) -> Duration {
    let best = (0..5)
        .map(|_| {
            let started = Instant::now();
            run();
            started.elapsed()
        })
        .min()
        .unwrap();
    let seconds = best.as_secs_f64();
    println!("{name:<44} {seconds:>8.3} {:>10.0}", bytes as f64 / 1e6 / seconds);
    best
}

fn ratio(theirs: Duration, ours: Duration) -> f64 {
    theirs.as_secs_f64() / ours.as_secs_f64()
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
    let files = find_logs(dir).unwrap();
    let findings = scan_logs(
        &files,
        &window(),
        &OwnHosts::default(),
        0,
        &Progress::default(),
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
