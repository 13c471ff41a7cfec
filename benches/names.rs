//! Reading the engine's program beside `strings | grep` on the same 70 MB file in the same run: `cargo bench --bench names`.
//!
//! Wanted: at least 20 times faster, under 0.1 s warm and under 16 MB of memory. Figures depend on the machine, so nothing is
//! asserted here; look at the ratio.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use std::io::{Read as _, Write as _};
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
    make_sample(&file);
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
    // What this process took at most.
    println!(
        "{}",
        status.lines().find(|line| line.starts_with("VmHWM")).expect("VmHWM")
    );
}

/// The machine code of a real C++ program (the compiler's own) over and over, and names. Written piece by piece.
fn make_sample(file: &Path) {
    let code = Command::new("g++")
        .arg("-print-prog-name=cc1plus")
        .output()
        .expect("g++ is missing: apt-get install g++");
    let code = std::path::PathBuf::from(String::from_utf8(code.stdout).expect("a path").trim());
    let mut to = std::fs::File::create(file).expect("room for the sample");
    to.write_all(b"\0SmtpSecurity\0ServerTlsProtocols\0ClientTlsProtocols\0")
        .expect("room");
    let mut left = BYTES as u64;
    while left > 0 {
        let from = std::fs::File::open(&code).expect("cc1plus").take(left);
        left -= std::io::copy(&mut { from }, &mut to).expect("room");
    }
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
