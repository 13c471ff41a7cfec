//! Reading the engine's program beside `strings | grep` on the same 70 MB file in the same run: `cargo bench --bench names`.
//!
//! Wanted: at least 20 times faster, under 0.1 s warm and under 16 MB of memory. Figures depend on the machine, so nothing is
//! asserted here; look at the ratio.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use kerio_tls::engine::{Presence, Wanted, read_program};
use kerio_tls::tls::WORDS;

const BYTES: usize = 70_000_000;
const ROUNDS: usize = 7;
const NAMES: [&str; 5] = [
    "ServerTlsProtocols",
    "ClientTlsProtocols",
    "ServerTlsCiphers",
    "ClientTlsCiphers",
    "DisableEphemeralDH",
];

fn main() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("mailserver");
    std::fs::write(&file, sample()).expect("room for the sample");
    let read = || {
        let wanted = Wanted {
            anchor: "SmtpSecurity",
            names: &NAMES,
            words: &WORDS,
        };
        let found = read_program(&file, wanted);
        assert_eq!(found.silent, None);
        assert!(found.names.contains(&Presence::Whole));
    };
    let ours = best(read);
    let theirs = best(|| strings(&file));
    let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
    println!("a program of {BYTES} bytes; best of {ROUNDS}");
    println!("strings | grep    {:>8.1} ms", theirs.as_secs_f64() * 1000.0);
    println!(
        "read_program      {:>8.1} ms  {ratio:.1} times faster",
        ours.as_secs_f64() * 1000.0
    );
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    // What this process took at most, with the sample, which was made piece by piece.
    println!(
        "{}",
        status.lines().find(|line| line.starts_with("VmHWM")).expect("VmHWM")
    );
}

/// Machine code of this very benchmark over and over, with texts between.
fn sample() -> Vec<u8> {
    let own = std::fs::read(std::env::current_exe().expect("this program")).expect("this program");
    let mut bytes = Vec::with_capacity(BYTES);
    bytes.extend_from_slice(b"\0SmtpSecurity\0ServerTlsProtocols\0ClientTlsProtocols\0");
    while bytes.len() < BYTES {
        let room = BYTES - bytes.len();
        bytes.extend(own.iter().take(room));
    }
    bytes
}

fn strings(file: &Path) {
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "strings -a \"$0\" | grep -ciE 'tls|ssl|cipher|ephemeral|ecdh|dhkey|minversion|protocol'",
    ]);
    let ran = command.arg(file).output().expect("sh");
    assert!(ran.status.success(), "strings is missing: apt-get install binutils");
}

fn best(mut work: impl FnMut()) -> Duration {
    let times = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed()
    });
    times.min().expect("rounds")
}
