//! From far away: what a user at the other end of a slow line sees. Time, bytes and arrivals are those at the outer
//! terminal.

use std::path::Path;
use std::time::Duration;

use crate::delay::relay;
use crate::running::{Line, Running};
use crate::sshd::Sshd;
use crate::{DOWN, UP, cost, file, first_frames, kerio_tls, ms, row, tour, whiptail};

const ROUND_TRIP: Duration = Duration::from_millis(200);
const KEYS: usize = 10;

/// Bytes of a pseudo-terminal, 100 ms each way.
pub fn terminal(home: &Path) {
    println!();
    row("a round trip of 200 ms", "measured", "one round trip, and no more");
    let line = Line {
        terminal: ROUND_TRIP,
        ..Line::NONE
    };
    both(home, line, 9, |argv| argv.to_vec());
}

/// A real sshd on loopback; then with a relay before it that delays its connection.
pub fn ssh(home: &Path) {
    let sshd = Sshd::start();
    for (name, round_trip, starts, budget) in [
        ("ssh on loopback", Duration::ZERO, 21, ""),
        ("ssh, a round trip of 200 ms", ROUND_TRIP, 5, "a key: one round trip"),
    ] {
        println!();
        row(name, "measured", budget);
        let line = Line {
            connection: round_trip,
            ..Line::NONE
        };
        let at = if round_trip.is_zero() {
            sshd.address()
        } else {
            relay(sshd.address(), round_trip)
        };
        // What the connection takes before any program of its far end can start.
        let nothing = sshd.client(at, "printf .");
        let mut first = Running::start(home, &nothing, line);
        first.silence();
        let said = first.emulator.screen().contents();
        assert!(said.starts_with('.'), "ssh: {said}\nsshd: {}", sshd.log());
        let alone = first_frames(starts, || Running::start(home, &nothing, line), Running::silence);
        row("ssh alone, to the first byte", &ms(alone), "");
        both(home, line, starts, |argv| {
            let words: Vec<String> = argv.iter().map(|word| format!("'{word}'")).collect();
            sshd.client(at, &format!("exec {}", words.join(" ")))
        });
    }
}

/// whiptail and the program, each at the end of the line. `at` says how a program is started there.
fn both(home: &Path, line: Line, starts: usize, at: impl Fn(&[String]) -> Vec<String>) {
    let peer = at(&whiptail());
    let ours = at(&kerio_tls(&file(home, "far", 200_000)));
    let theirs = first_frames(starts, || Running::start(home, &peer, line), Running::silence);
    row("first frame: whiptail", &ms(theirs), "");
    let time = first_frames(starts, || Running::start(home, &ours, line), Running::frame);
    let ratio = time.as_secs_f64() / theirs.as_secs_f64();
    let measured = format!("{} ({ratio:.2} x whiptail)", ms(time));
    row("first frame: 200 KB", &measured, "whiptail's");

    let mut running = Running::start(home, &peer, line);
    running.silence();
    let theirs = cost(&mut running, KEYS, [DOWN, UP]);
    let tell = |what: &str, cost: &crate::Cost| {
        let ratio = cost.time.as_secs_f64() / theirs.time.as_secs_f64();
        let measured = format!(
            "{} ({ratio:.2} x), {} bytes, arriving {} times",
            ms(cost.time),
            cost.bytes,
            cost.arrivals
        );
        row(&format!("a key: {what}"), &measured, "");
    };
    tell("whiptail", &theirs);
    drop(running);
    let mut running = Running::start(home, &ours, line);
    tour(&mut running, |what, running, keys| {
        tell(what, &cost(running, KEYS, keys));
    });
}
