//! Which processes are the engine of one configuration file, which might be, which others have the file open for writing,
//! and on which ports they listen. Looks at `/proc` only; knows nothing of services.

use super::places::{CONFIG_FILE, EXECUTABLE, Places};
use super::proc_fs::{Exe, FileId, Proc, file_id};
use super::proc_parse::{Stat, listeners, parse_mounts};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A process, named for good by its id and its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id, as seen from here.
    pub pid: u32,
    /// When it started, in clock ticks since boot: a reused id has another one.
    pub start_ticks: u64,
    /// When it started, as clock time.
    pub started: Option<SystemTime>,
    /// What it runs, or its name where that cannot be read; control bytes as hex.
    pub what: String,
}

/// What a look at the process tree found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Engines of this file.
    pub(super) engines: Vec<Process>,
    /// Others that have the file open for writing.
    pub(super) writers: Vec<Process>,
    /// Processes that may be an engine of this file, with the reason why that cannot be told.
    pub(super) unproven: Vec<(Process, String)>,
    /// Why the tree as a whole cannot be trusted to show every process.
    pub(super) blind: Option<String>,
    /// Other processes stand outside this PID namespace; they are not seen here.
    pub(super) namespaced: bool,
}

/// What one process is to the file.
enum Relation {
    Engine,
    Unproven(String),
    Other,
}

/// Looks at every process.
pub(super) fn look(places: &Places) -> Seen {
    let proc = Proc::new(&places.proc_root);
    let mut seen = Seen {
        namespaced: !proc.sees_whole_host(),
        ..Seen::default()
    };
    seen.blind = blind(places, &proc);
    let pids = match proc.pids() {
        Ok(pids) => pids,
        Err(error) => {
            seen.blind = Some(format!("{} cannot be read: {error}", places.proc_root.display()));
            return seen;
        }
    };
    let own = proc.own_pid();
    let own_exe = own.and_then(|own| proc.exe_id(own));
    let wanted = Wanted::of(places);
    for pid in pids {
        if Some(pid) == own {
            continue;
        }
        let Some(stat) = proc.stat(pid) else { continue };
        if matches!(stat.state, b'Z' | b'X' | b'x') {
            if proc.comm(pid).is_ok_and(|name| name == EXECUTABLE.as_bytes()) && proc.has_threads_left(pid) {
                let why =
                    format!("process {pid}, named {EXECUTABLE}, has ended only in part: other threads of it live");
                seen.unproven.push((describe(&proc, pid, stat), why));
            }
            continue;
        }
        // A command of ours between its fork and its exec: for that moment it holds copies of our own handles.
        if own == Some(stat.parent) && own_exe.is_some() && proc.exe_id(pid) == own_exe {
            continue;
        }
        match wanted.judge(&proc, pid) {
            Relation::Engine => seen.engines.push(describe(&proc, pid, stat)),
            Relation::Unproven(why) => seen.unproven.push((describe(&proc, pid, stat), why)),
            Relation::Other => {
                if wanted
                    .file
                    .is_some_and(|file| proc.has_open_for_writing(pid, file) == Some(true))
                {
                    seen.writers.push(describe(&proc, pid, stat));
                }
            }
        }
    }
    seen
}

/// What an engine of the file looks like.
struct Wanted {
    paths: Vec<PathBuf>,
    ids: Vec<FileId>,
    file: Option<FileId>,
}

impl Wanted {
    fn of(places: &Places) -> Wanted {
        let paths = places.executables();
        Wanted {
            ids: paths.iter().filter_map(|path| file_id(path)).collect(),
            paths,
            file: file_id(&places.resolved),
        }
    }

    fn judge(&self, proc: &Proc<'_>, pid: u32) -> Relation {
        match proc.exe(pid) {
            Exe::Absent => Relation::Other,
            Exe::Hidden => match proc.comm(pid) {
                Ok(name) if name == EXECUTABLE.as_bytes() => Relation::Unproven(format!(
                    "process {pid} is named {EXECUTABLE}, and its executable cannot be read without rights"
                )),
                _ => Relation::Other,
            },
            Exe::Path { path, deleted } => {
                // In another container the same path is another file: two servers on one host look alike.
                let ours = self.paths.contains(&path) && !proc.is_contained(pid);
                if ours || proc.exe_id(pid).is_some_and(|id| self.ids.contains(&id)) {
                    return Relation::Engine;
                }
                if path.file_name().is_some_and(|name| name == EXECUTABLE) {
                    return self.judge_elsewhere(proc, pid, &path, deleted);
                }
                Relation::Other
            }
        }
    }

    /// An executable of that name in another directory, or in another container: the configuration
    /// beside it, seen with that process's eyes, tells whether it is ours. An engine's is always there (seen in real installs):
    /// without one, or with another one, it is something else that happens to have the name.
    fn judge_elsewhere(&self, proc: &Proc<'_>, pid: u32, path: &Path, deleted: bool) -> Relation {
        let beside = path.with_file_name(CONFIG_FILE);
        match proc.id_seen_by(pid, &beside) {
            Ok(Some(theirs)) if Some(theirs) == self.file => Relation::Engine,
            Ok(_) => Relation::Other,
            // It ended in this moment.
            Err(_) if proc.stat(pid).is_none() => Relation::Other,
            Err(_) => {
                let gone = if deleted { " (deleted)" } else { "" };
                let place = if proc.is_contained(pid) {
                    " in another container"
                } else {
                    ""
                };
                let path = super::text::shown(path.as_os_str().as_encoded_bytes());
                Relation::Unproven(format!(
                    "process {pid} runs {path}{gone}{place}, and it cannot be told which file is its configuration"
                ))
            }
        }
    }
}

fn describe(proc: &Proc<'_>, pid: u32, stat: Stat) -> Process {
    let what = match proc.exe(pid) {
        Exe::Path { path, .. } => super::text::shown(path.as_os_str().as_encoded_bytes()),
        _ => super::text::shown(&proc.comm(pid).unwrap_or_default()),
    };
    Process {
        pid,
        start_ticks: stat.start_ticks,
        started: proc.started(stat),
        what,
    }
}

/// Whether this tree hides processes of others: `hidepid=` (proc(5)) without rights, or a tree of another namespace.
fn blind(places: &Places, proc: &Proc<'_>) -> Option<String> {
    if places.proc_root == Path::new("/proc") && proc.own_pid() != Some(std::process::id()) {
        return Some("/proc belongs to another PID namespace".to_owned());
    }
    // Everybody may read the first process's name, unless /proc is mounted to hide it.
    if proc.comm(1).is_err() {
        return Some("/proc hides the processes of other users".to_owned());
    }
    let hides = parse_mounts(&proc.mountinfo())
        .into_iter()
        .rfind(|mount| mount.kind == b"proc" && mount.point == places.proc_root)
        .is_some_and(|mount| {
            mount
                .options
                .split(|byte| *byte == b',')
                .filter_map(|option| option.strip_prefix(b"hidepid="))
                .any(|value| !matches!(value, b"0" | b"off"))
        });
    (hides && !rustix::process::geteuid().is_root())
        .then(|| "/proc is mounted with hidepid and hides the processes of other users".to_owned())
}

/// Whether the file comes from outside this container: from a mount of its own, such as a volume
/// that other containers may have too. Memory is never shared.
pub(super) fn lies_on_a_volume(places: &Places) -> bool {
    let mounts = parse_mounts(&Proc::new(&places.proc_root).mountinfo());
    let deepest = mounts
        .iter()
        .filter(|mount| places.resolved.starts_with(&mount.point))
        .max_by_key(|mount| mount.point.components().count());
    deepest.is_some_and(|mount| mount.point != Path::new("/") && mount.kind != b"tmpfs")
}

/// TCP addresses on which the given processes listen, sorted, each once. Needs the rights to read
/// their descriptors; without them the list is empty.
///
/// The addresses are those of the process's own network: in another container they are not reachable from here.
pub fn listening_ports(proc_root: &Path, pids: &[u32]) -> Vec<SocketAddr> {
    let proc = Proc::new(proc_root);
    let mut found = BTreeSet::new();
    for pid in pids {
        let Ok(inodes) = proc.sockets(*pid) else { continue };
        for table in ["tcp", "tcp6"] {
            let Ok(text) = proc.socket_table(*pid, table) else {
                continue;
            };
            found.extend(
                listeners(&text)
                    .filter(|(inode, _)| inodes.contains(inode))
                    .map(|(_, address)| address),
            );
        }
    }
    found.into_iter().collect()
}

/// Whether the process lives in the same network as we do, so that its ports can be tried from here: the same number on our
/// loopback would be somebody else's. `false` as well where that cannot be seen.
pub fn in_our_network(proc_root: &Path, pid: u32) -> bool {
    let proc = Proc::new(proc_root);
    let ours = proc.own_pid().and_then(|own| proc.namespace(own, "net"));
    ours.is_some() && ours == proc.namespace(pid, "net")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ports_of_this_very_process_are_found_and_accept() {
        let four = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let ports = listening_ports(Path::new("/proc"), &[std::process::id()]);
        let address = four.local_addr().unwrap();
        assert!(ports.contains(&address), "{ports:?}");
        assert!(in_our_network(Path::new("/proc"), std::process::id()));
        drop(four);
        assert!(!listening_ports(Path::new("/proc"), &[std::process::id()]).contains(&address));
    }
}
