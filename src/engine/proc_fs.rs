//! What `/proc` says about processes: who runs which executable, since when, and who has a file
//! open for writing. Thin readers over the parsers of `proc_parse`. It must never know what an engine is.
//!
//! The root of the tree is passed in, so that tests can build one of their own.

use super::proc_parse::{
    Stat, in_control_group, in_group_named, parse_boot_time, parse_exe, parse_stat, parse_uids, socket_inode, writes,
};
use crate::files::read_kernel;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What a file is, whatever its name: device and inode.
pub(super) type FileId = (u64, u64);

/// The kernel's inode number of the first PID namespace (`PROC_PID_INIT_INO`): from there every process of the host is
/// visible.
const FIRST_PID_NAMESPACE: &[u8] = b"pid:[4026531836]";

/// The most bytes read of one `/proc` file; all that are read here are far smaller, except socket tables.
const SMALL: u64 = 64 * 1024;

/// The executable of a process, as far as it can be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Exe {
    /// Its path, without the kernel's " (deleted)"; whether the kernel said so.
    Path {
        /// Where the executable was when it was started.
        path: PathBuf,
        /// The file is gone from there, or was replaced (as an update does).
        deleted: bool,
    },
    /// There is none: a kernel thread, or a process that is already dead.
    Absent,
    /// It may not be read (another user's process, seen without rights).
    Hidden,
}

/// A `/proc` tree.
#[derive(Debug, Clone)]
pub(super) struct Proc<'a> {
    root: &'a Path,
}

/// One living process. Where its first thread has ended and others live on, `/proc/<pid>` shows no executable and no
/// descriptors any more, but the directory of each living thread does: then this is one of those.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) pid: u32,
    pub(super) stat: Stat,
    /// Of the process; each thread has a name of its own.
    named_in: PathBuf,
    dir: PathBuf,
}

impl<'a> Proc<'a> {
    pub(super) fn new(root: &'a Path) -> Self {
        Proc { root }
    }

    fn of(&self, pid: u32, name: &str) -> PathBuf {
        self.root.join(pid.to_string()).join(name)
    }

    /// All process ids, in order.
    pub(super) fn pids(&self) -> io::Result<Vec<u32>> {
        let mut pids = numbers_in(self.root)?;
        pids.sort_unstable();
        Ok(pids)
    }

    /// The living process of that id; `None` if it has ended, also if its parent has not noticed yet.
    pub(super) fn task(&self, pid: u32) -> Option<Task> {
        let dir = self.root.join(pid.to_string());
        let stat = stat_in(&dir)?;
        let task = |living: PathBuf| Task {
            pid,
            stat,
            named_in: dir.clone(),
            dir: living,
        };
        if !stat.has_ended() {
            return Some(task(dir.clone()));
        }
        let threads = numbers_in(&dir.join("task")).ok()?;
        let mut others = threads.into_iter().filter(|thread| *thread != pid);
        others.find_map(|thread| {
            let living = dir.join("task").join(thread.to_string());
            stat_in(&living)
                .is_none_or(|stat| !stat.has_ended())
                .then(|| task(living))
        })
    }

    /// The start of a process, also of one that has ended and is still in the table.
    pub(super) fn start_of(&self, pid: u32) -> Option<u64> {
        stat_in(&self.root.join(pid.to_string())).map(|stat| stat.start_ticks)
    }

    /// The process that this tree calls `self`.
    pub(super) fn own_pid(&self) -> Option<u32> {
        fs::read_link(self.root.join("self")).ok()?.to_str()?.parse().ok()
    }

    /// Ourselves.
    pub(super) fn own(&self) -> Option<Task> {
        self.task(self.own_pid()?)
    }

    /// The name of a process.
    pub(super) fn comm(&self, pid: u32) -> io::Result<Vec<u8>> {
        comm_in(&self.root.join(pid.to_string()))
    }

    /// When a process started, as clock time.
    pub(super) fn started(&self, stat: Stat) -> Option<SystemTime> {
        let boot = parse_boot_time(&read_kernel(&self.root.join("stat"), 1 << 20).ok()?)?;
        let per_second = rustix::param::clock_ticks_per_second().max(1);
        let since_boot = Duration::from_millis(stat.start_ticks.saturating_mul(1000) / per_second);
        SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_secs(boot))?
            .checked_add(since_boot)
    }

    /// Whether this process sees every process of the host: it stands in the first PID namespace.
    pub(super) fn sees_whole_host(&self) -> bool {
        self.own()
            .and_then(|own| own.namespace("pid"))
            .is_some_and(|link| link.as_os_str().as_bytes() == FIRST_PID_NAMESPACE)
    }

    /// Whether the first process here is an init system, or we were brought in from outside (as `docker exec`
    /// does) and it is somebody else. If we descend from a first process that is none, then this container
    /// was started for us alone, and what an init script in its image would start does not run in it.
    pub(super) fn is_a_system(&self) -> bool {
        matches!(self.comm(1).as_deref(), Ok(b"systemd" | b"init")) || self.own_ancestors().last() == Some(&0)
    }

    /// Our parent, its parent, and so on, to the first process, or to 0 where we were brought in from outside.
    pub(super) fn own_ancestors(&self) -> Vec<u32> {
        let mut ancestors = Vec::new();
        let mut next = self.own_pid();
        while let Some(pid) = next.filter(|pid| *pid > 1 && ancestors.len() < 64) {
            next = stat_in(&self.root.join(pid.to_string())).map(|stat| stat.parent);
            ancestors.extend(next);
        }
        ancestors
    }

    /// A socket table (`tcp`, `tcp6`) of the network that the process lives in, bounded to 8 MiB.
    pub(super) fn socket_table(&self, pid: u32, name: &str) -> io::Result<Vec<u8>> {
        read_kernel(&self.of(pid, "net").join(name), 8 << 20)
    }

    /// The limits of a process, as text.
    pub(super) fn limits(&self, pid: u32) -> io::Result<Vec<u8>> {
        read_kernel(&self.of(pid, "limits"), SMALL)
    }

    /// The mounts that this process sees.
    pub(super) fn mountinfo(&self) -> Vec<u8> {
        read_kernel(&self.root.join("self/mountinfo"), 1 << 20).unwrap_or_default()
    }
}

impl Task {
    pub(super) fn exe(&self) -> Exe {
        match fs::read_link(self.dir.join("exe")) {
            Ok(target) => {
                let (path, deleted) = parse_exe(target.as_os_str().as_bytes());
                Exe::Path { path, deleted }
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Exe::Hidden,
            Err(_) => Exe::Absent,
        }
    }

    /// Device and inode of the executable, even where its path says nothing (bind mounts, other roots).
    pub(super) fn exe_id(&self) -> Option<FileId> {
        file_id(&self.dir.join("exe"))
    }

    /// The name of the process (at most 15 bytes; the process may change it).
    pub(super) fn comm(&self) -> io::Result<Vec<u8>> {
        comm_in(&self.named_in)
    }

    /// Its command line, word by word; empty if it cannot be read.
    pub(super) fn command_line(&self) -> Vec<OsString> {
        self.words_of("cmdline")
    }

    /// The environment that it was started with; empty if it cannot be read.
    pub(super) fn environment(&self) -> Vec<(OsString, OsString)> {
        let pair = |word: OsString| {
            let at = word.as_bytes().iter().position(|byte| *byte == b'=')?;
            let (name, value) = word.as_bytes().split_at_checked(at)?;
            let value = value.get(1..)?;
            (!name.is_empty()).then(|| (OsStr::from_bytes(name).to_owned(), OsStr::from_bytes(value).to_owned()))
        };
        self.words_of("environ").into_iter().filter_map(pair).collect()
    }

    fn words_of(&self, name: &str) -> Vec<OsString> {
        let text = read_kernel(&self.dir.join(name), SMALL).unwrap_or_default();
        let text = text.strip_suffix(b"\0").unwrap_or(&text);
        let words = text.split(|byte| *byte == 0);
        words.map(|word| OsStr::from_bytes(word).to_owned()).collect()
    }

    /// Its user ids as we see them: real, effective, saved, and of the file system. Not the owner of its directory:
    /// that one is root for every process that may not be dumped.
    pub(super) fn uids(&self) -> Option<[u32; 4]> {
        parse_uids(&read_kernel(&self.dir.join("status"), SMALL).ok()?)
    }

    /// Whether it is in this control group of systemd's.
    pub(super) fn is_in_control_group(&self, group: &str) -> bool {
        read_kernel(&self.dir.join("cgroup"), SMALL).is_ok_and(|text| in_control_group(&text, group))
    }

    /// Whether its control group has the name of this unit.
    pub(super) fn is_in_group_named(&self, unit: &str) -> bool {
        read_kernel(&self.dir.join("cgroup"), SMALL).is_ok_and(|text| in_group_named(&text, unit))
    }

    /// A namespace of the process, such as `net:[4026531840]`.
    pub(super) fn namespace(&self, kind: &str) -> Option<PathBuf> {
        fs::read_link(self.dir.join("ns").join(kind)).ok()
    }

    /// Whether both live in the same namespace of that kind. What cannot be seen counts as no.
    pub(super) fn shares(&self, other: &Task, kind: &str) -> bool {
        let ours = self.namespace(kind);
        ours.is_some() && ours == other.namespace(kind)
    }

    /// Whether the process lives in a container with files of its own: another mount namespace than `own` and another
    /// root. A service with `PrivateTmp=` or the like has the first only. What cannot be seen counts as no.
    pub(super) fn is_contained(&self, own: &Task) -> bool {
        let differs =
            |theirs: Option<FileId>, ours: Option<FileId>| theirs.is_some() && ours.is_some() && theirs != ours;
        let namespaces = (self.namespace("mnt"), own.namespace("mnt"));
        matches!(namespaces, (Some(theirs), Some(ours)) if theirs != ours)
            && differs(file_id(&self.dir.join("root")), file_id(&own.dir.join("root")))
    }

    /// What a path leads to with that process's eyes: absolute links in its container are followed in its container.
    /// `Ok(None)`: there is no such file there. `Err`: that cannot be seen.
    #[cfg(target_os = "linux")]
    pub(super) fn id_of(&self, path: &Path) -> io::Result<Option<FileId>> {
        use rustix::fs::{Mode, OFlags, ResolveFlags, fstat, open, openat2};
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let root = open(self.dir.join("root"), flags | OFlags::DIRECTORY, Mode::empty())?;
        let inside = path.strip_prefix("/").unwrap_or(path);
        match openat2(root, inside, flags, Mode::empty(), ResolveFlags::IN_ROOT) {
            Ok(found) => fstat(found)
                .map(|found| Some((found.st_dev, found.st_ino)))
                .map_err(io::Error::from),
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What a path leads to with that process's eyes.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn id_of(&self, _path: &Path) -> io::Result<Option<FileId>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Whether it has this very file open for writing. Unreadable descriptors say nothing: `None`.
    pub(super) fn has_open_for_writing(&self, file: FileId) -> Option<bool> {
        for entry in fs::read_dir(self.dir.join("fd")).ok()? {
            let Ok(entry) = entry else { continue };
            if file_id(&entry.path()) != Some(file) {
                continue;
            }
            let info = self.dir.join("fdinfo").join(entry.file_name());
            // Open on this file but flags unreadable: it may write.
            if read_kernel(&info, SMALL)
                .ok()
                .and_then(|text| writes(&text))
                .unwrap_or(true)
            {
                return Some(true);
            }
        }
        Some(false)
    }

    /// The sockets that it holds, as inodes.
    pub(super) fn sockets(&self) -> io::Result<Vec<u64>> {
        let mut inodes = Vec::new();
        for entry in fs::read_dir(self.dir.join("fd"))? {
            let Ok(entry) = entry else { continue };
            let Ok(target) = fs::read_link(entry.path()) else {
                continue;
            };
            inodes.extend(socket_inode(target.as_os_str().as_bytes()));
        }
        Ok(inodes)
    }
}

fn stat_in(dir: &Path) -> Option<Stat> {
    parse_stat(&read_kernel(&dir.join("stat"), SMALL).ok()?)
}

fn comm_in(dir: &Path) -> io::Result<Vec<u8>> {
    let mut name = read_kernel(&dir.join("comm"), 64)?;
    while name.last() == Some(&b'\n') {
        name.pop();
    }
    Ok(name)
}

/// The entries of a directory whose names are numbers. One that ends between listing and reading is a process that
/// ended.
fn numbers_in(dir: &Path) -> io::Result<Vec<u32>> {
    let names = fs::read_dir(dir)?.filter_map(Result::ok).map(|entry| entry.file_name());
    Ok(names.filter_map(|name| name.to_str()?.parse().ok()).collect())
}

/// Device and inode of what a path leads to. It must not hang on a dead network mount, so the
/// kernel answers from what it has (`AT_STATX_DONT_SYNC`).
#[cfg(target_os = "linux")]
pub(super) fn file_id(path: &Path) -> Option<FileId> {
    use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};
    match statx(CWD, path, AtFlags::STATX_DONT_SYNC, StatxFlags::INO) {
        Ok(found) => Some((makedev(found.stx_dev_major, found.stx_dev_minor), found.stx_ino)),
        Err(rustix::io::Errno::NOSYS) => stat_id(path),
        Err(_) => None,
    }
}

/// Device and inode of what a path leads to.
#[cfg(not(target_os = "linux"))]
pub(super) fn file_id(path: &Path) -> Option<FileId> {
    stat_id(path)
}

fn stat_id(path: &Path) -> Option<FileId> {
    fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_process_is_found_with_its_executable_and_start() {
        let proc = Proc::new(Path::new("/proc"));
        let own = std::process::id();
        assert_eq!(proc.own_pid(), Some(own));
        assert!(proc.pids().unwrap().contains(&own));
        let own = proc.own().unwrap();
        let Exe::Path { path, .. } = own.exe() else {
            panic!("own executable is unreadable")
        };
        assert_eq!(path, std::env::current_exe().unwrap());
        let started = proc.started(own.stat).unwrap();
        let age = SystemTime::now().duration_since(started).unwrap_or_default();
        assert!(age < Duration::from_secs(3600 * 24), "{age:?}");
    }
}
