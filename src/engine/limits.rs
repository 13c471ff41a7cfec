//! What a program may use (`ulimit`): the limits of an engine that runs, given to the one that is started after it.

use super::proc_parse::parse_limit;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::{Mutex, PoisonError};

/// One at a time: umask and limits belong to the whole process.
pub(super) static PROCESS_WIDE: Mutex<()> = Mutex::new(());

/// The limits that an engine ran with. One that an init script starts inherits ours, and a session may have small ones:
/// of files (`ulimit -f`, with which an engine dies when it writes), memory, descriptors, processes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Limits(Vec<(Resource, Rlimit)>);

/// The limits that matter, with their names in `/proc/<pid>/limits`.
const LIMITS: [(&str, Resource); 9] = [
    ("Max file size", Resource::Fsize),
    ("Max address space", Resource::As),
    ("Max data size", Resource::Data),
    ("Max stack size", Resource::Stack),
    ("Max core file size", Resource::Core),
    ("Max open files", Resource::Nofile),
    ("Max processes", Resource::Nproc),
    ("Max locked memory", Resource::Memlock),
    ("Max cpu time", Resource::Cpu),
];

/// Those of them that end a program which reaches them. (The stacks of its threads are as large as that limit.)
pub(super) const DEADLY_LIMITS: [&str; 5] = [
    "Max file size",
    "Max address space",
    "Max data size",
    "Max stack size",
    "Max cpu time",
];

impl Limits {
    /// Reads `/proc/<pid>/limits`.
    pub(super) fn parse(text: &[u8]) -> Limits {
        let found = LIMITS.iter().filter_map(|(name, resource)| {
            let (current, maximum) = parse_limit(text, name)?;
            Some((*resource, Rlimit { current, maximum }))
        });
        Limits(found.collect())
    }

    /// Raises our own limits to these where they are lower, and returns what they were. The names of those that may not
    /// be raised are in the second part: without the right to (as in many containers) nobody gets more than he has.
    pub(super) fn raise(&self) -> (Limits, Vec<&'static str>) {
        let (mut before, mut refused) = (Limits::default(), Vec::new());
        for (resource, wanted) in &self.0 {
            let ours = getrlimit(*resource);
            let raised = Rlimit {
                current: more(ours.current, wanted.current),
                maximum: more(ours.maximum, wanted.maximum),
            };
            if raised == ours {
                continue;
            }
            // Without the right to a higher hard limit, up to the one that we have.
            let within = Rlimit {
                current: less(raised.current, ours.maximum),
                maximum: ours.maximum,
            };
            let full = setrlimit(*resource, raised).is_ok();
            if full || (within != ours && setrlimit(*resource, within).is_ok()) {
                before.0.push((*resource, ours));
            }
            // Whether it leaves a core file when it crashes is nothing that mail depends on.
            if !full && *resource != Resource::Core {
                refused.extend(
                    LIMITS
                        .iter()
                        .find(|(_, other)| other == resource)
                        .map(|(name, _)| *name),
                );
            }
        }
        (before, refused)
    }

    /// Sets ours to these.
    pub(super) fn set(&self) {
        for (resource, limit) in &self.0 {
            // Down is always allowed.
            let _ = setrlimit(*resource, *limit);
        }
    }

    /// The names of the limits that we could not give to a daemon that we start.
    pub(super) fn missing(&self) -> Vec<&'static str> {
        let _one = PROCESS_WIDE.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, refused) = self.raise();
        before.set();
        refused
    }
}

/// The wider of two limits; `None` is none.
fn more(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.zip(other).map(|(one, other)| one.max(other))
}

/// The narrower of two limits; `None` is none.
fn less(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
