//! What `/proc` says about processes: who runs which executable, since when, and who has a file
//! open for writing. Thin readers over the parsers of `proc_parse`. It must never know what an engine is.
//!
//! The root of the tree is passed in, so that tests can build one of their own.

use super::proc_parse::{Stat, parse_boot_time, parse_exe, parse_stat, socket_inode, writes};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What a file is, whatever its name: device and inode.
pub(super) type FileId = (u64, u64);

/// The kernel's inode number of the first PID namespace (`PROC_PID_INIT_INO`): from there every process of the host is visible.
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

/// Reads one file of `/proc`, bounded.
pub(super) fn read_bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A `/proc` tree.
#[derive(Debug, Clone)]
pub(super) struct Proc<'a> {
    root: &'a Path,
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
        let mut pids = Vec::new();
        for entry in fs::read_dir(self.root)? {
            // An entry that ends between listing and reading is a process that ended.
            let Ok(entry) = entry else { continue };
            if let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
                pids.push(pid);
            }
        }
        pids.sort_unstable();
        Ok(pids)
    }

    /// The process that this tree calls `self`.
    pub(super) fn own_pid(&self) -> Option<u32> {
        fs::read_link(self.root.join("self")).ok()?.to_str()?.parse().ok()
    }

    pub(super) fn exe(&self, pid: u32) -> Exe {
        match fs::read_link(self.of(pid, "exe")) {
            Ok(target) => {
                let (path, deleted) = parse_exe(target.as_os_str().as_bytes());
                Exe::Path { path, deleted }
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Exe::Hidden,
            Err(_) => Exe::Absent,
        }
    }

    /// Device and inode of the executable, even where its path says nothing (bind mounts, other roots).
    pub(super) fn exe_id(&self, pid: u32) -> Option<FileId> {
        file_id(&self.of(pid, "exe"))
    }

    /// What a path leads to with that process's eyes: absolute links in its container are followed in its container.
    /// `Ok(None)`: there is no such file there. `Err`: that cannot be seen.
    #[cfg(target_os = "linux")]
    pub(super) fn id_seen_by(&self, pid: u32, path: &Path) -> io::Result<Option<FileId>> {
        use rustix::fs::{Mode, OFlags, ResolveFlags, fstat, open, openat2};
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let root = open(self.of(pid, "root"), flags | OFlags::DIRECTORY, Mode::empty())?;
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
    pub(super) fn id_seen_by(&self, _pid: u32, _path: &Path) -> io::Result<Option<FileId>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Whether that process lives in a container with files of its own: another mount namespace and another root. A
    /// service with `PrivateTmp=` or the like has the first only. What cannot be seen counts as no.
    pub(super) fn is_contained(&self, pid: u32) -> bool {
        let Some(own) = self.own_pid() else { return false };
        let differs =
            |theirs: Option<FileId>, ours: Option<FileId>| theirs.is_some() && ours.is_some() && theirs != ours;
        let namespaces = (self.namespace(pid, "mnt"), self.namespace(own, "mnt"));
        matches!(namespaces, (Some(theirs), Some(ours)) if theirs != ours)
            && differs(file_id(&self.of(pid, "root")), file_id(&self.of(own, "root")))
    }

    /// The name of the process (at most 15 bytes; the process may change it).
    pub(super) fn comm(&self, pid: u32) -> io::Result<Vec<u8>> {
        let mut name = read_bounded(&self.of(pid, "comm"), 64)?;
        while name.last() == Some(&b'\n') {
            name.pop();
        }
        Ok(name)
    }

    pub(super) fn stat(&self, pid: u32) -> Option<Stat> {
        parse_stat(&read_bounded(&self.of(pid, "stat"), SMALL).ok()?)
    }

    /// Whether other threads of the process live on after its first one ended: then it looks dead and is not.
    pub(super) fn has_threads_left(&self, pid: u32) -> bool {
        fs::read_dir(self.of(pid, "task")).is_ok_and(|threads| threads.count() > 1)
    }

    /// When a process started, as clock time.
    pub(super) fn started(&self, stat: Stat) -> Option<SystemTime> {
        let boot = parse_boot_time(&read_bounded(&self.root.join("stat"), 1 << 20).ok()?)?;
        let per_second = rustix::param::clock_ticks_per_second().max(1);
        let since_boot = Duration::from_millis(stat.start_ticks.saturating_mul(1000) / per_second);
        SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_secs(boot))?
            .checked_add(since_boot)
    }

    /// A namespace of a process, such as `net:[4026531840]`.
    pub(super) fn namespace(&self, pid: u32, kind: &str) -> Option<PathBuf> {
        fs::read_link(self.of(pid, "ns").join(kind)).ok()
    }

    /// Whether this process sees every process of the host: it stands in the first PID namespace.
    pub(super) fn sees_whole_host(&self) -> bool {
        self.own_pid()
            .and_then(|own| self.namespace(own, "pid"))
            .is_some_and(|link| link.as_os_str().as_bytes() == FIRST_PID_NAMESPACE)
    }

    /// Whether the first process here is an init system, or we were brought in from outside (as `docker exec`
    /// does) and it is somebody else. If we descend from a first process that is none, then this container
    /// was started for us alone, and what an init script in its image would start does not run in it.
    pub(super) fn is_a_system(&self) -> bool {
        if matches!(self.comm(1).as_deref(), Ok(b"systemd" | b"init")) {
            return true;
        }
        let mut pid = self.own_pid();
        for _ in 0..64 {
            match pid {
                Some(1) | None => return false,
                Some(0) => return true,
                Some(other) => pid = self.stat(other).map(|stat| stat.parent),
            }
        }
        false
    }

    /// Whether `pid` has this very file open for writing. Unreadable descriptors say nothing: `None`.
    pub(super) fn has_open_for_writing(&self, pid: u32, file: FileId) -> Option<bool> {
        for entry in fs::read_dir(self.of(pid, "fd")).ok()? {
            let Ok(entry) = entry else { continue };
            if file_id(&entry.path()) != Some(file) {
                continue;
            }
            let info = self.of(pid, "fdinfo").join(entry.file_name());
            // Open on this file but flags unreadable: it may write.
            if read_bounded(&info, SMALL)
                .ok()
                .and_then(|text| writes(&text))
                .unwrap_or(true)
            {
                return Some(true);
            }
        }
        Some(false)
    }

    /// The sockets that a process holds, as inodes.
    pub(super) fn sockets(&self, pid: u32) -> io::Result<Vec<u64>> {
        let mut inodes = Vec::new();
        for entry in fs::read_dir(self.of(pid, "fd"))? {
            let Ok(entry) = entry else { continue };
            let Ok(target) = fs::read_link(entry.path()) else {
                continue;
            };
            inodes.extend(socket_inode(target.as_os_str().as_bytes()));
        }
        Ok(inodes)
    }

    /// A socket table (`tcp`, `tcp6`) of the network that the process lives in, bounded to 8 MiB.
    pub(super) fn socket_table(&self, pid: u32, name: &str) -> io::Result<Vec<u8>> {
        read_bounded(&self.of(pid, "net").join(name), 8 << 20)
    }

    /// The mounts that this process sees.
    pub(super) fn mountinfo(&self) -> Vec<u8> {
        read_bounded(&self.root.join("self/mountinfo"), 1 << 20).unwrap_or_default()
    }
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
        let Exe::Path { path, .. } = proc.exe(own) else {
            panic!("own executable is unreadable")
        };
        assert_eq!(path, std::env::current_exe().unwrap());
        let started = proc.started(proc.stat(own).unwrap()).unwrap();
        let age = SystemTime::now().duration_since(started).unwrap_or_default();
        assert!(age < Duration::from_secs(3600 * 24), "{age:?}");
    }
}
