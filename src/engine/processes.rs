//! Which processes are the engine of one configuration file, which might be, which others have the file open for
//! writing, and on which ports they listen. Looks at `/proc`, and at what systemd calls the processes of its unit.
//!
//! Whoever can run a program can give it any name, put it beside a link to the file, and show us any path by a mount of
//! his own. So a process counts only if it runs as root or as the file's owner; and where it is not in a container with
//! files of its own, only if its executable lies where nobody but these two could have put it.

use super::places::{CONFIG_FILE, EXECUTABLE, Places};
use super::proc_fs::{Exe, FileId, Proc, Task, file_id};
use super::proc_parse::{listeners, parse_mounts};
use super::service::Unit;
use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
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
    /// Who started it.
    pub(super) user: Option<u32>,
    /// Systemd counts it among the processes of the engine's own unit.
    pub(super) of_unit: bool,
    /// It lives in the same container as we do: what an init script here stops, and what it can start again.
    pub(super) here: bool,
}

impl Process {
    /// For a message: its id, what it runs, and whose it is.
    pub(super) fn words(&self) -> String {
        let user = self.user.map_or_else(String::new, |user| format!(" of user {user}"));
        format!("process {} ({}){user}", self.pid, self.what)
    }

    /// Whether both are the same process, and not two that had the same id.
    pub(super) fn is(&self, other: &Process) -> bool {
        (self.pid, self.start_ticks) == (other.pid, other.start_ticks)
    }
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
    /// Processes that have the engine's name and are none.
    pub(super) namesakes: Vec<Process>,
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

/// Looks at every process. `unit` is the engine's own unit; one that systemd made from an init script does not say
/// which processes it has.
pub(super) fn look(places: &Places, unit: Option<&Unit>) -> Seen {
    let proc = Proc::new(&places.proc_root);
    let mut seen = Seen {
        namespaced: !proc.sees_whole_host(),
        ..Seen::default()
    };
    seen.blind = blind(places, &proc);
    let pids = match proc.pids() {
        Ok(pids) => pids,
        Err(error) => {
            let root = super::error::shown_path(&places.proc_root);
            seen.blind = Some(format!("{root} cannot be read: {error}"));
            return seen;
        }
    };
    let wanted = Wanted {
        unit: unit.filter(|unit| !unit.is_from_init_script()),
        ..Wanted::of(places, &proc)
    };
    let own = wanted.own.as_ref();
    for pid in pids {
        if own.is_some_and(|own| own.pid == pid) {
            continue;
        }
        let Some(task) = proc.task(pid) else { continue };
        // A command of ours between its fork and its exec: for that moment it holds copies of our own handles.
        if own.is_some_and(|own| {
            own.pid == task.stat.parent && wanted.own_exe.is_some() && task.exe_id() == wanted.own_exe
        }) {
            continue;
        }
        match wanted.judge(&task) {
            Relation::Engine => seen.engines.push(wanted.describe(&proc, &task)),
            // What ended while it was looked at shows half of itself.
            Relation::Unproven(_) if proc.start_of(pid) != Some(task.stat.start_ticks) => {}
            Relation::Unproven(why) => seen.unproven.push((wanted.describe(&proc, &task), why)),
            Relation::Other => {
                if wanted
                    .file
                    .is_some_and(|file| task.has_open_for_writing(file) == Some(true))
                {
                    seen.writers.push(wanted.describe(&proc, &task));
                }
                if has_the_name(&task) {
                    seen.namesakes.push(wanted.describe(&proc, &task));
                }
            }
        }
    }
    seen
}

/// Whether a script that looks for the engine by name would find this process: pidof(8) goes by the name, by the
/// program, and by the first word of the command line.
fn has_the_name(task: &Task) -> bool {
    let is_name = |bytes: &[u8]| bytes.rsplit(|byte| *byte == b'/').next() == Some(EXECUTABLE.as_bytes());
    task.comm().is_ok_and(|name| is_name(&name))
        || matches!(task.exe(), Exe::Path { path, .. } if is_name(path.as_os_str().as_encoded_bytes()))
        || task
            .command_line()
            .first()
            .is_some_and(|word| is_name(word.as_encoded_bytes()))
}

/// What an engine of the file looks like.
struct Wanted<'a> {
    /// The paths that its executable can have, with what lies there now.
    executables: Vec<(PathBuf, Option<FileId>)>,
    file: Option<FileId>,
    /// The file's owner: an engine that gave up root's rights runs as him, for it has to write the file.
    owner: Option<u32>,
    own: Option<Task>,
    own_exe: Option<FileId>,
    unit: Option<&'a Unit>,
}

impl Wanted<'_> {
    fn of(places: &Places, proc: &Proc<'_>) -> Self {
        let own = proc.own();
        Wanted {
            executables: places
                .executables()
                .into_iter()
                .map(|path| (path.clone(), file_id(&path)))
                .collect(),
            file: file_id(&places.resolved),
            owner: fs::metadata(&places.resolved).ok().map(|found| found.uid()),
            own_exe: own.as_ref().and_then(Task::exe_id),
            own,
            unit: None,
        }
    }

    fn judge(&self, task: &Task) -> Relation {
        if self.is_main_process(task) {
            return Relation::Engine;
        }
        let pid = task.pid;
        let named = task.comm().is_ok_and(|name| name == EXECUTABLE.as_bytes());
        match task.exe() {
            Exe::Absent if named && task.stat.has_ended() && self.is_trusted_user(task) => Relation::Unproven(format!(
                "process {pid}, named {EXECUTABLE}, has ended only in part: other threads of it live"
            )),
            Exe::Absent => Relation::Other,
            Exe::Hidden if named && self.is_trusted_user(task) => Relation::Unproven(format!(
                "process {pid} is named {EXECUTABLE}, and its executable cannot be read without rights"
            )),
            Exe::Hidden => Relation::Other,
            Exe::Path { path, deleted } => {
                let file_name = path.file_name().map(|name| name.as_encoded_bytes()).unwrap_or_default();
                // An update, or an administrator, may have renamed the executable of an engine that runs.
                let named = named || file_name.starts_with(EXECUTABLE.as_bytes());
                let known = self.known_place(task, &path, deleted);
                if (named || known.is_some()) && self.is_of_unit(task) {
                    return Relation::Engine;
                }
                if !(named || known.is_some()) || !self.is_trusted_user(task) {
                    return Relation::Other;
                }
                match known {
                    Some(place) => self.judge_place(task, place),
                    None => self.judge_elsewhere(task, &path, deleted),
                }
            }
        }
    }

    /// The place of ours that a process's executable lies in: it is the file that lies there, or it was started from
    /// there and has been replaced since. In another container the same path is another file, and the same file may
    /// serve another configuration.
    fn known_place(&self, task: &Task, path: &Path, deleted: bool) -> Option<&Path> {
        let id = task.exe_id();
        let same_mounts = self.own.as_ref().is_none_or(|own| {
            let (theirs, ours) = (task.namespace("mnt"), own.namespace("mnt"));
            theirs.is_none() || ours.is_none() || theirs == ours
        });
        let uses_another =
            || matches!(task.id_of(&path.with_file_name(CONFIG_FILE)), Ok(Some(id)) if Some(id) != self.file);
        let found = self.executables.iter().find(|(known, found)| {
            let same_file = found.is_some() && *found == id;
            let replaced = known == path && (deleted || found.is_none());
            if same_mounts {
                same_file || replaced
            } else {
                same_file && !uses_another()
            }
        });
        found.map(|(known, _)| known.as_path())
    }

    fn judge_place(&self, task: &Task, place: &Path) -> Relation {
        match self.who_else_writes(place) {
            None => Relation::Engine,
            Some(why) => Relation::Unproven(format!(
                "process {} runs {}, but others than root and the file's owner could have put that there: {why}",
                task.pid,
                super::error::shown_path(place)
            )),
        }
    }

    /// An executable of that name in another directory, of another name in ours, or in another container: the
    /// configuration beside it, seen with that process's eyes, tells whether it is ours. An engine's is always there
    /// (seen in real installs): without one, or with another one, it is something else that happens to have the name.
    fn judge_elsewhere(&self, task: &Task, path: &Path, deleted: bool) -> Relation {
        let contained = self.own.as_ref().is_some_and(|own| task.is_contained(own));
        match task.id_of(&path.with_file_name(CONFIG_FILE)) {
            Ok(Some(theirs)) if Some(theirs) == self.file => {
                if contained {
                    Relation::Engine
                } else {
                    self.judge_place(task, path)
                }
            }
            Ok(_) => Relation::Other,
            Err(_) => {
                let gone = if deleted { " (deleted)" } else { "" };
                let place = if contained { " in another container" } else { "" };
                let path = super::error::shown_path(path);
                Relation::Unproven(format!(
                    "process {} runs {path}{gone}{place}, and it cannot be told which file is its configuration",
                    task.pid
                ))
            }
        }
    }

    /// Whether it runs as root or as the file's owner. A process whose user cannot be seen is not taken for a
    /// stranger's.
    fn is_trusted_user(&self, task: &Task) -> bool {
        let trusted = |uid: &u32| *uid == 0 || Some(*uid) == self.owner;
        // The first one is the user who started it, also where a program takes on other rights (set-user-ID).
        task.uids().is_none_or(|[real, ..]| trusted(&real))
    }

    /// Who else than root and the file's owner could put a program there, in words: the file itself and every directory
    /// above it count. A directory of root's that is writable by all but sticky, such as /tmp, lets nobody replace what
    /// others made there.
    fn who_else_writes(&self, place: &Path) -> Option<String> {
        let place = place.canonicalize().or_else(|_| {
            // Replaced by an update, or renamed: its directory is what counts then.
            let dir = place.parent().unwrap_or(Path::new("/"));
            dir.canonicalize()
        });
        let Ok(place) = place else {
            return Some("it is gone".to_owned());
        };
        place.ancestors().find_map(|path| {
            let shown = super::error::shown_path(path);
            let found = match fs::symlink_metadata(path) {
                Ok(found) => found,
                Err(error) => return Some(format!("{shown} cannot be looked at ({error})")),
            };
            let (uid, mode) = (found.uid(), found.mode());
            if uid != 0 && Some(uid) != self.owner {
                return Some(format!("{shown} belongs to user {uid}"));
            }
            let sticky = found.is_dir() && mode & 0o1000 != 0 && uid == 0;
            let by_others = mode & 0o002 != 0 || (mode & 0o020 != 0 && found.gid() != 0);
            (by_others && !sticky).then(|| format!("{shown} is writable by others (mode {:o})", mode & 0o7777))
        })
    }

    /// The process that systemd calls the main one of the unit, whatever it runs.
    fn is_main_process(&self, task: &Task) -> bool {
        self.unit.is_some_and(|unit| unit.main_pid == Some(task.pid))
    }

    fn is_of_unit(&self, task: &Task) -> bool {
        let Some(unit) = self.unit else { return false };
        self.is_main_process(task) || task.is_in_control_group(&unit.control_group)
    }

    fn describe(&self, proc: &Proc<'_>, task: &Task) -> Process {
        let what = match task.exe() {
            Exe::Path { path, .. } => super::error::shown_path(&path),
            _ => super::error::shown(&task.comm().unwrap_or_default()),
        };
        Process {
            pid: task.pid,
            start_ticks: task.stat.start_ticks,
            started: proc.started(task.stat),
            what,
            user: task.uids().map(|[real, ..]| real),
            // A unit that starts just now may not have told us its processes yet.
            of_unit: self.is_of_unit(task) || self.unit.is_some_and(|unit| task.is_in_group_named(&unit.id)),
            here: self
                .own
                .as_ref()
                .is_some_and(|own| task.shares(own, "pid") && !task.is_contained(own)),
        }
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
        let Some(Ok(inodes)) = proc.task(*pid).map(|task| task.sockets()) else {
            continue;
        };
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

/// Whether the process lives in the same network as we do, so that its ports can be tried from here: the same number on
/// our loopback would be somebody else's. `false` as well where that cannot be seen.
pub fn in_our_network(proc_root: &Path, pid: u32) -> bool {
    let proc = Proc::new(proc_root);
    matches!((proc.own(), proc.task(pid)), (Some(own), Some(task)) if task.shares(&own, "net"))
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
