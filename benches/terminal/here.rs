//! In a pseudo-terminal of this machine.

use std::fs;
use std::path::Path;

use crate::running::{Line, Running, memory};
use crate::{DOWN, UP, cost, file, first_frames, kerio_tls, ms, program, row, tour, whiptail};

const STARTS: usize = 41;
const KEYS: usize = 30;

pub fn all(home: &Path) {
    let small = file(home, "small", 200_000);
    let large = file(home, "large", 10_000_000);
    let start = |argv: &[String]| Running::start(home, argv, Line::NONE);

    row("here", "measured", "budget");
    let peer = first_frames(STARTS, || start(&whiptail()), Running::silence);
    row("first frame: whiptail", &ms(peer), "");
    for (name, file, budget) in [
        ("200 KB", &small, "whiptail's; about 10 ms"),
        ("10 MB", &large, "about 60 ms"),
    ] {
        let argv = kerio_tls(file);
        let time = first_frames(STARTS, || start(&argv), Running::frame);
        let ratio = time.as_secs_f64() / peer.as_secs_f64();
        let measured = format!("{} ({ratio:.2} x whiptail)", ms(time));
        row(&format!("first frame: {name}"), &measured, budget);
    }

    let mut other = start(&whiptail());
    other.silence();
    keys("whiptail", &mut other, [DOWN, UP]);
    drop(other);

    let mut ours = start(&kerio_tls(&small));
    ours.see("engine: ");
    ours.silence();
    row("memory after the start: 200 KB", &ours.memory(), "8192 kB");
    let before = ours.switches();
    std::thread::sleep(std::time::Duration::from_secs(3));
    let woken = ours.switches() - before;
    row("wake-ups in 3 s of idleness", &woken.to_string(), "0");
    tour(&mut ours, keys);
    drop(ours);

    let mut ours = start(&kerio_tls(&large));
    ours.see("engine: ");
    ours.silence();
    row("memory after the start: 10 MB", &ours.memory(), "");
    drop(ours);
    let saved = fs::metadata(&large).unwrap().len();
    let most = 3 * saved / 1024 + 24 * 1024;
    row(
        "memory after a save: 10 MB",
        &memory_of_a_save(home, &large),
        &format!("{most} kB"),
    );

    let size = fs::metadata(program()).unwrap().len();
    row("size of the program", &format!("{} kB", size / 1024), "5859 kB");
}

fn keys(what: &str, running: &mut Running, keys: [&str; 2]) {
    let cost = cost(running, KEYS, keys);
    let budget = match what {
        "whiptail" => "",
        "without effect" => "0 bytes, 0 writes",
        "drop-down and panel" | "Inbound: list and its help" => "about 1 ms, 800 bytes, 1 write",
        _ => "about 1 ms, 250 bytes, 1 write",
    };
    let measured = format!("{}, {} bytes, {} writes", ms(cost.time), cost.bytes, cost.writes);
    row(&format!("a key: {what}"), &measured, budget);
}

/// Chooses, ticks what is to be ticked, saves.
fn memory_of_a_save(home: &Path, file: &Path) -> String {
    // Where no process of this machine can be taken for an engine.
    let alone = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
    let mut argv: Vec<String> = alone.map(str::to_owned).to_vec();
    argv.extend(kerio_tls(file));
    let mut running = Running::start(home, &argv, Line::NONE);
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
