//! The screen beside `whiptail`, each in a pseudo-terminal of 80x24 in the same run: here, through a line with a round
//! trip of 200 ms, and over a real `sshd` on loopback with and without that line. `cargo bench --bench terminal`, for
//! one part `cargo bench --bench terminal -- here`, `far` or `ssh`.
//! Needs Debian's whiptail, util-linux, openssh-server and openssh-client. Prints medians beside their budgets; asserts
//! nothing about times.
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

mod delay;
mod far;
mod here;
mod running;
#[path = "../../tests/common/sample_cfg.rs"]
mod sample_cfg;
#[path = "../../tests/common/sshd.rs"]
mod sshd;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use running::Running;

/// The program that is measured: `KERIO_TLS`, if that is set (.ci/run names the package's), else what cargo built
/// beside this.
fn program() -> String {
    std::env::var("KERIO_TLS").unwrap_or_else(|_| env!("CARGO_BIN_EXE_kerio-tls").to_owned())
}

const DOWN: &str = "\x1b[B";
const UP: &str = "\x1b[A";

fn main() {
    let home = tempfile::tempdir().unwrap();
    // Cargo itself passes `--bench`.
    let asked = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let is_asked = |part| asked.as_ref().is_none_or(|asked| asked == part);
    if is_asked("here") {
        here::all(home.path());
    }
    if is_asked("far") {
        far::terminal(home.path());
    }
    if is_asked("ssh") {
        far::ssh(home.path());
    }
}

fn row(what: &str, measured: &str, budget: &str) {
    println!("{what:<38} {measured:<46} {budget}");
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

/// The program on a file, with a screenful of peers.
fn kerio_tls(file: &Path) -> Vec<String> {
    let beside = |ending: &str| file.with_extension(ending).display().to_string();
    fs::write(file.with_extension("toml"), "").unwrap();
    let (toml, csv, state) = (beside("toml"), beside("csv"), beside("state"));
    let peer = |n| format!("outbound,smtp,198.51.100.{n},tls1.{},2026-11-01,peer {n}\n", n % 4);
    fs::write(&csv, (1..=12).map(peer).collect::<String>()).unwrap();
    let file = file.display().to_string();
    let program = program();
    let words = [
        &program,
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
fn first_frames(
    starts: usize,
    mut start: impl FnMut() -> Running,
    mut until: impl FnMut(&mut Running) -> Instant,
) -> Duration {
    let once = |_| {
        let mut running = start();
        until(&mut running) - running.started
    };
    median(&mut (0..starts).map(once).collect::<Vec<_>>())
}

/// What a key costs: medians.
struct Cost {
    time: Duration,
    bytes: usize,
    writes: u64,
    arrivals: u64,
}

/// Presses two keys in turn and takes the time from key to last byte.
fn cost(running: &mut Running, count: usize, keys: [&str; 2]) -> Cost {
    let (mut times, mut bytes, mut writes, mut arrivals) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    running.press(keys[0]);
    running.press(keys[1]);
    for key in keys.into_iter().cycle().take(count) {
        let before = (running.bytes, running.writes(), running.arrivals);
        let pressed = running.send(key);
        // Without a byte there is no end to be timed.
        let last = running.silence();
        times.push(last.saturating_duration_since(pressed));
        bytes.push(running.bytes - before.0);
        writes.push(running.writes() - before.1);
        arrivals.push(running.arrivals - before.2);
    }
    Cost {
        time: median(&mut times),
        bytes: median(&mut bytes),
        writes: median(&mut writes),
        arrivals: median(&mut arrivals),
    }
}

/// Once round the tabs: what every measurement of keys presses. `tell` gets a name, the program in its place and two
/// keys.
fn tour(ours: &mut Running, mut tell: impl FnMut(&str, &mut Running, [&str; 2])) {
    ours.see("engine: ");
    ours.silence();
    tell("without effect", ours, ["7", "7"]);
    ours.press("\r");
    tell("drop-down and panel", ours, [DOWN, UP]);
    ours.press("\x1b");
    ours.press("\x1b[C");
    ours.see("Inbound]");
    tell("Inbound: list and its help", ours, [DOWN, UP]);
    ours.press("\x1b[C");
    ours.press("\x1b[C");
    ours.see("[Peers]");
    tell("Peers: list", ours, [DOWN, UP]);
}
