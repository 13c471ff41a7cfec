//! Killed, or refused by the kernel, at every system call of a save. `cargo test --test save_proof kill:: -- --nocapture` prints the figures.
//!
//! strace counts per system call and thread; so the calls of one save are listed first, each with the numbers that it has between the
//! driver's two marks, and then each is hit once.

use std::collections::BTreeMap;
use std::process::Stdio;

use crate::support::{Ended, NEW, OLD, Place, assert_sound, content, driver, ended, need, need_root};

/// Name → the first and last number of its calls during the save.
pub(crate) type Calls = BTreeMap<String, (usize, usize)>;

/// Calls that change nothing but the process's own memory: a kill before one of them is a kill before the call that follows.
const IN_MEMORY: [&str; 9] = [
    "mmap",
    "munmap",
    "mremap",
    "mprotect",
    "madvise",
    "brk",
    "futex",
    "sigaltstack",
    "rt_sigprocmask",
];

pub(crate) fn calls(place: &Place, in_place: bool) -> Calls {
    let trace = place.file.parent().unwrap().parent().unwrap().join("trace");
    let status = driver(place, &["strace", "-f", "-o", trace.to_str().unwrap()], in_place)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(ended(status), Ended::Saved);
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
    assert!(
        calls.contains_key("renameat2") || in_place,
        "no exchange in the trace: {calls:?}"
    );
    calls
}

struct Figures {
    runs: usize,
    ends: BTreeMap<Ended, usize>,
    new: usize,
}

impl Figures {
    fn new() -> Self {
        Self {
            runs: 0,
            ends: BTreeMap::new(),
            new: 0,
        }
    }

    fn count(&mut self, end: Ended, new: bool) {
        self.runs += 1;
        *self.ends.entry(end).or_default() += 1;
        self.new += usize::from(new);
    }
}

/// One run with a fault put in; then everything must be sound, and what the driver claimed must be true.
fn hit(place: &Place, inject: &str, in_place: bool, figures: &mut Figures) -> Ended {
    let (old, new) = (content(OLD, 60), content(NEW, 60));
    place.reset(&old);
    let name = inject.split(':').next().unwrap();
    let output = driver(
        place,
        &[
            "strace",
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            &format!("trace={name}"),
            "-e",
            &format!("inject={inject}"),
        ],
        in_place,
    )
    .output()
    .unwrap();
    let end = ended(output.status);
    let now = place.bytes();
    let said = String::from_utf8_lossy(&output.stderr);
    match end {
        Ended::Saved => assert_eq!(now, new, "{inject}: said saved, but the file is not new\n{said}"),
        Ended::Untouched | Ended::PutBack | Ended::Theirs => {
            assert_eq!(
                now, old,
                "{inject}: said {end:?}, but the file is not the old one\n{said}"
            );
        }
        Ended::New => assert_eq!(now, new, "{inject}\n{said}"),
        Ended::Killed | Ended::Unsure | Ended::Torn => {}
        Ended::NothingToDo | Ended::RolledBack => panic!("{inject}: {end:?}\n{said}"),
    }
    assert!(!said.contains(crate::support::TOKEN), "{inject}: a secret was printed");
    figures.count(end, assert_sound(place, &old, &new, inject));
    end
}

#[test]
fn killed_before_any_system_call_of_a_save_the_file_is_old_or_new_and_the_next_start_is_sound() {
    need_root();
    need("strace", "strace");
    let place = Place::new(&content(OLD, 60)).adorned();
    let calls = calls(&place, false);
    let mut figures = Figures::new();
    for (name, (first, last)) in &calls {
        // One more than there were: some counts differ from run to run by a call.
        for number in *first..=*last + 1 {
            hit(
                &place,
                &format!("{name}:signal=KILL:when={number}"),
                false,
                &mut figures,
            );
        }
    }
    let killed = figures.ends.get(&Ended::Killed).copied().unwrap_or_default();
    let planned: usize = calls.values().map(|(first, last)| last - first + 1).sum();
    println!(
        "kill: {} runs, {killed} killed of {planned} calls, file new in {}: {:?}",
        figures.runs, figures.new, figures.ends
    );
    assert!(
        killed * 10 >= planned * 9,
        "only {killed} of {planned} were killed: the counting is wrong"
    );
    assert!(
        figures.new > 0 && figures.new < figures.runs,
        "kills only on one side of the exchange"
    );
}

/// What each call can fail with, of what a disk or an administrator can do to us.
const FAULTS: [(&str, &[&str]); 14] = [
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
    ("read", &["EIO"]),
    ("fstat", &["EIO"]),
    ("flock", &["EIO", "ENOLCK"]),
    ("fallocate", &["ENOSPC", "EIO", "EDQUOT", "EOPNOTSUPP"]),
];

fn faults(in_place: bool) -> Figures {
    let place = Place::new(&content(OLD, 60)).adorned();
    let calls = calls(&place, in_place);
    let mut figures = Figures::new();
    for (name, errors) in FAULTS {
        let Some((first, last)) = calls.get(name) else { continue };
        for error in errors {
            for number in *first..=*last {
                // Once, and then for good: a full disk stays full.
                hit(
                    &place,
                    &format!("{name}:error={error}:when={number}"),
                    in_place,
                    &mut figures,
                );
            }
            hit(
                &place,
                &format!("{name}:error={error}:when={first}+"),
                in_place,
                &mut figures,
            );
            hit(
                &place,
                &format!("{name}:error={error}:when={}+", (first + last) / 2),
                in_place,
                &mut figures,
            );
        }
    }
    figures
}

#[test]
fn whatever_system_call_fails_the_file_is_old_or_new_and_the_message_is_true() {
    need_root();
    need("strace", "strace");
    let figures = faults(false);
    println!(
        "errors: {} runs, file new in {}: {:?}",
        figures.runs, figures.new, figures.ends
    );
    assert!(figures.ends.contains_key(&Ended::Untouched) && figures.ends.contains_key(&Ended::PutBack));
}
