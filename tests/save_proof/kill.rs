//! Killed, or refused by the kernel, at every system call of a save. `cargo test --test save_proof kill:: --
//! --nocapture` prints the figures.
//!
//! strace counts per system call and thread; so the calls of one save are listed first, each with the numbers that it
//! has between the driver's two marks, and then each is hit once.

use std::collections::BTreeMap;
use std::process::Output;

use crate::support::{Ended, NEW, OLD, Place, TOKEN, Way, assert_sound, content, driver, ended, need, need_root};

/// Name → the first and last number of its calls during the save.
pub(crate) type Calls = BTreeMap<String, (usize, usize)>;

/// Calls that change or read nothing but what the kernel has of the process itself: a kill before one of them is a kill
/// before the call that follows.
const IN_MEMORY: [&str; 12] = [
    "mmap",
    "munmap",
    "mremap",
    "mprotect",
    "madvise",
    "brk",
    "futex",
    "sigaltstack",
    "rt_sigprocmask",
    "rt_sigaction",
    "prlimit64",
    "getrandom",
];

/// What one undisturbed run of the driver calls.
pub(crate) fn calls(place: &Place, way: Way) -> Calls {
    let trace = tempfile::NamedTempFile::new().unwrap();
    let output = driver(place, &["strace", "-f", "-o", trace.path().to_str().unwrap()], way)
        .output()
        .unwrap();
    let expected = match way {
        Way::Replace | Way::InPlace => Ended::Saved,
        Way::RollBack => Ended::RolledBack,
        Way::Recover => Ended::Recovered,
    };
    assert_eq!(
        ended(output.status),
        expected,
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = std::fs::read_to_string(&trace).unwrap();
    let begin = text
        .lines()
        .find(|line| line.contains("/save-driver-begins"))
        .expect("the driver's first mark");
    let thread = begin.split_whitespace().next().unwrap();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut others: BTreeMap<(String, String), usize> = BTreeMap::new();
    let (mut calls, mut inside) = (Calls::new(), false);
    for line in text.lines() {
        let Some((pid, rest)) = line.split_once(char::is_whitespace) else {
            continue;
        };
        let Some((name, _)) = rest.trim_start().split_once('(') else {
            continue;
        };
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') || IN_MEMORY.contains(&name) {
            continue;
        }
        if pid != thread {
            *others.entry((pid.to_owned(), name.to_owned())).or_default() += 1;
            continue;
        }
        let number = seen.entry(name.to_owned()).or_default();
        *number += 1;
        if rest.contains("/save-driver-begins") {
            inside = true;
        } else if rest.contains("/save-driver-ends") {
            inside = false;
        } else if inside {
            calls.entry(name.to_owned()).or_insert((*number, *number)).1 = *number;
        }
    }
    for ((_, name), count) in &others {
        let first = calls.get(name).map_or(usize::MAX, |(first, _)| *first);
        assert!(
            *count < first,
            "{name}: another thread makes {count} calls, the save begins at number {first}"
        );
    }
    calls
}

fn total(calls: &Calls) -> usize {
    calls.values().map(|(first, last)| last - first + 1).sum()
}

#[derive(Default)]
struct Figures {
    runs: usize,
    ends: BTreeMap<Ended, usize>,
    new: usize,
}

impl Figures {
    fn of(&self, end: Ended) -> usize {
        self.ends.get(&end).copied().unwrap_or_default()
    }
}

/// The driver with a fault put in.
fn inject(place: &Place, fault: &str, way: Way) -> Output {
    let trace = format!("trace={}", fault.split(':').next().unwrap());
    let fault = format!("inject={fault}");
    let strace = [
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        trace.as_str(),
        "-e",
        fault.as_str(),
    ];
    driver(place, &strace, way).output().unwrap()
}

/// One run with a fault; then everything must be sound, and what the driver claimed must be true.
fn hit(place: &Place, fault: &str, way: Way, figures: &mut Figures) {
    let (old, new) = (content(OLD, 60), content(NEW, 60));
    let output = inject(place, fault, way);
    let end = ended(output.status);
    let now = place.bytes();
    let said = String::from_utf8_lossy(&output.stderr);
    let what = format!("{way:?} {fault}: {end:?}: {said}");
    match end {
        Ended::Saved | Ended::New => assert_eq!(now, new, "{what}: the file is not new"),
        Ended::Untouched | Ended::PutBack | Ended::Theirs => {
            assert!(now == old || way == Way::Recover, "{what}: the file is not the old one");
        }
        Ended::RolledBack => assert_eq!(now, old, "{what}: the file is not the old one"),
        Ended::Torn => assert_eq!(way, Way::InPlace, "{what}"),
        Ended::RollBackFailed => assert_eq!(way, Way::RollBack, "{what}"),
        Ended::Recovered => assert_eq!(way, Way::Recover, "{what}"),
        Ended::Killed | Ended::Unsure => {}
        Ended::NothingToDo => panic!("{what}"),
    }
    assert!(!said.contains(TOKEN), "{what}: a secret was printed");
    figures.runs += 1;
    *figures.ends.entry(end).or_default() += 1;
    // A kill can leave the engine down; then the next start must say so. (A fault can hit the stand-in itself: then its
    // word is not believed.)
    let down = end == Ended::Killed && std::fs::read(place.engine()).is_ok_and(|word| word == b"down");
    figures.new += usize::from(assert_sound(place, way, &old, &new, down, &what));
}

fn place() -> Place {
    need_root();
    need("strace", "strace");
    Place::new(&content(OLD, 60)).adorned()
}

/// Kills at each call; `prepare` brings the place to where the driver begins.
fn kill_everywhere(name: &str, way: Way, prepare: impl Fn(&Place)) -> Figures {
    let place = place();
    prepare(&place);
    let calls = calls(&place, way);
    let mut figures = Figures::default();
    for (call, (first, last)) in &calls {
        // One more than there were: some counts differ from run to run by a call.
        for number in *first..=*last + 1 {
            prepare(&place);
            hit(&place, &format!("{call}:signal=KILL:when={number}"), way, &mut figures);
        }
    }
    let (killed, planned) = (figures.of(Ended::Killed), total(&calls));
    println!(
        "kill, {name}: {killed} killed of {planned} calls, then new in {} of {}: {:?}",
        figures.new, figures.runs, figures.ends
    );
    assert!(
        killed * 10 >= planned * 9,
        "{name}: only {killed} of {planned} were killed: the counting is wrong"
    );
    figures
}

#[test]
fn killed_at_any_call_of_a_save_the_file_is_old_or_new_and_the_next_start_is_sound() {
    let figures = kill_everywhere("save", Way::Replace, |place| {
        place.reset(Way::Replace, &content(OLD, 60))
    });
    assert!(
        figures.new > 0 && figures.new < figures.runs,
        "kills only on one side of the exchange"
    );
}

#[test]
fn killed_at_any_call_of_a_save_in_place_recovery_makes_the_file_whole() {
    let figures = kill_everywhere("in place", Way::InPlace, |place| {
        place.reset(Way::InPlace, &content(OLD, 60))
    });
    assert!(
        figures.new > 0 && figures.new < figures.runs,
        "kills only on one side of the writing"
    );
}

#[test]
fn killed_at_any_call_of_a_roll_back_the_file_is_old_or_new_and_the_engine_is_not_forgotten() {
    let figures = kill_everywhere("roll back", Way::RollBack, |place| {
        place.reset(Way::RollBack, &content(OLD, 60))
    });
    assert!(figures.new > 0 && figures.new < figures.runs);
}

#[test]
fn killed_at_any_call_of_a_recovery_the_next_one_finishes_it() {
    // The save broke off with half a temp file; with a whole one; after the exchange (the first removing after it;
    // recovery has its own before).
    let breaks = [
        ("half", "fchown", false),
        ("ready", "renameat2", false),
        ("exchanged", "unlinkat", true),
    ];
    for (state, call, new) in breaks {
        let break_off = |place: &Place, number: usize| {
            place.reset(Way::Replace, &content(OLD, 60));
            let output = inject(place, &format!("{call}:signal=KILL:when={number}"), Way::Replace);
            let temps = place.beside().iter().filter(|name| name.contains("kerio-tls")).count();
            ended(output.status) == Ended::Killed && temps == 1 && (place.bytes() == content(NEW, 60)) == new
        };
        let place = place();
        let number = (1..20)
            .find(|number| break_off(&place, *number))
            .expect("a place to break off at");
        let figures = kill_everywhere(&format!("recovery from {state}"), Way::Recover, |place| {
            assert!(
                break_off(place, number),
                "{state}: the save was killed at another place"
            );
        });
        assert_eq!(figures.new, if new { figures.runs } else { 0 }, "recovery from {state}");
    }
}

/// What each call can fail with, of what a disk or an administrator can do to us.
const FAULTS: [(&str, &[&str]); 15] = [
    ("openat", &["ENOSPC", "EIO", "EDQUOT", "EROFS", "EPERM"]),
    ("write", &["ENOSPC", "EIO", "EDQUOT"]),
    ("fsync", &["ENOSPC", "EIO", "EDQUOT", "EROFS"]),
    ("renameat", &["ENOSPC", "EIO", "EDQUOT", "EROFS", "EPERM"]),
    (
        "renameat2",
        &["ENOSPC", "EIO", "EDQUOT", "EROFS", "EPERM", "EBUSY", "EINVAL", "ENOSYS"],
    ),
    ("unlinkat", &["EIO", "EROFS", "EPERM"]),
    ("mkdirat", &["ENOSPC", "EIO", "EDQUOT", "EROFS", "EPERM"]),
    ("fchown", &["EIO", "EDQUOT", "EROFS", "EPERM"]),
    ("fchmod", &["EIO", "EROFS", "EPERM"]),
    ("fsetxattr", &["ENOSPC", "EIO", "EDQUOT", "EROFS", "EPERM"]),
    ("ftruncate", &["EIO", "EROFS", "EPERM"]),
    ("read", &["EIO"]),
    ("fstat", &["EIO"]),
    ("flock", &["EIO", "ENOLCK"]),
    ("fallocate", &["ENOSPC", "EIO", "EDQUOT", "EOPNOTSUPP"]),
];

fn fail_everywhere(name: &str, way: Way) -> Figures {
    let place = place();
    let prepare = || place.reset(way, &content(OLD, 60));
    prepare();
    let calls = calls(&place, way);
    let mut figures = Figures::default();
    for (call, errors) in FAULTS {
        let Some((first, last)) = calls.get(call) else { continue };
        for error in errors {
            // Each once; and from a point on for good, as a full disk stays full.
            let once = (*first..=*last).map(|number| number.to_string());
            let for_good = [*first, (first + last) / 2, *last].map(|number| format!("{number}+"));
            for when in once.chain(for_good) {
                prepare();
                hit(&place, &format!("{call}:error={error}:when={when}"), way, &mut figures);
            }
        }
    }
    println!(
        "errors, {name}: {} runs, then new in {}: {:?}",
        figures.runs, figures.new, figures.ends
    );
    figures
}

#[test]
fn whatever_call_of_a_save_fails_the_file_is_old_or_new_and_the_message_is_true() {
    let figures = fail_everywhere("save", Way::Replace);
    assert!(figures.of(Ended::Untouched) > 0 && figures.of(Ended::PutBack) > 0 && figures.of(Ended::Saved) > 0);
}

#[test]
fn whatever_call_of_a_save_in_place_fails_the_message_is_true_and_recovery_makes_the_file_whole() {
    let figures = fail_everywhere("in place", Way::InPlace);
    assert!(figures.of(Ended::Untouched) > 0 && figures.of(Ended::PutBack) > 0 && figures.of(Ended::Torn) > 0);
}
