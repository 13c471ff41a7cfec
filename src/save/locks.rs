//! One save at a time for a file, whatever state directory each uses.
//!
//! Three locks, because none alone does: whoever may *read* a directory can hold a lock on it for ever (flock(2) needs
//! no right to write).
//!
//! * The one that counts for root lies in a place that only root can open, [`PLACES`], and is named by device and inode
//!   of the file's directory (the file's own inode changes at each exchange).
//! * The target's sub-directory of the state directory, which only its owner can open: for users who are not root, and
//!   against two of one of them.
//! * The file's directory. It is seen across containers and users, so it counts if who holds it is a save: the same
//!   program, run by root or by this user. Anybody else's is told and stops nothing; if that was a save after all, the
//!   exchange still loses no change of anybody.

use std::os::fd::{AsRawFd as _, OwnedFd};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::error::{SaveError, What};
use super::state_dir::Home;
use super::target::Target;
use crate::files::{self, Directory, Lock};

/// Where root's locks lie, in a directory `kerio-tls` there: the first that can be used.
const PLACES: [&str; 2] = ["/run", "/var/lib"];
/// Files of `/proc` are small.
const LIMIT: u64 = 4 << 20;

/// The locks of a target, held until dropped.
pub(crate) struct Locks {
    _state: Flock,
    _root: Option<Fixed>,
    _directory: Option<Flock>,
    /// What is worth telling about them.
    pub(crate) warnings: Vec<String>,
}

impl Locks {
    /// Takes all of them, without waiting.
    /// # Errors
    /// [`What::Locked`].
    pub(crate) fn take(target: &Target, home: &Home) -> Result<Self, SaveError> {
        let path = || target.path().to_path_buf();
        let locked = |pid| SaveError::from(What::Locked { path: path(), pid });
        let fault = |errno| SaveError::disk("locking the directory of", target.path(), errno);
        let mut warnings = Vec::new();

        let Some(state) = Flock::take(&home.dir).map_err(fault)? else {
            return Err(locked(holders(home.dir.handle()).first().copied()));
        };
        let root = if rustix::process::geteuid().is_root() {
            match Fixed::take(target)? {
                Taken::Yes(lock) => Some(lock),
                Taken::Held(pid) => return Err(locked(pid)),
                Taken::NoPlace => None,
            }
        } else {
            None
        };
        let directory = match Flock::take(target.parent()) {
            Ok(Some(lock)) => Some(lock),
            Ok(None) => {
                let holders = holders(target.parent().handle());
                if let Some(save) = holders.iter().find(|pid| is_a_save(**pid)) {
                    return Err(locked(Some(*save)));
                }
                warnings.push(stranger_words(holders.first().copied()));
                None
            }
            // NFS turns flock into a byte-range lock, which needs a handle open for writing: impossible for a
            // directory.
            Err(Errno::BADF | Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {
                warnings.push(
                    "this file system knows no locks: a second save from another host would have been seen only by \
                     its effect"
                        .to_owned(),
                );
                None
            }
            Err(errno) => return Err(fault(errno)),
        };
        Ok(Self {
            _state: state,
            _root: root,
            _directory: directory,
            warnings,
        })
    }
}

fn stranger_words(pid: Option<u32>) -> String {
    let who = pid.map_or_else(
        || "a process that cannot be seen from here".to_owned(),
        |pid| {
            let user = ids(pid).and_then(|ids| ids.first().copied());
            let user = user.map_or_else(String::new, |user| format!(" of user {user}"));
            format!("process {pid}{user}")
        },
    );
    format!("{who} holds a lock on the directory of the file; it is no save of ours, so it was not waited for")
}

/// A `flock` on a directory.
struct Flock(OwnedFd);

impl Flock {
    /// `None`: somebody else has it.
    fn take(directory: &Directory) -> Result<Option<Self>, Errno> {
        let handle = directory.again()?;
        match rustix::fs::flock(&handle, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self(handle))),
            Err(Errno::AGAIN) => Ok(None),
            Err(errno) => Err(errno),
        }
    }
}

impl Drop for Flock {
    /// Said, not left to closing: a child that another thread is just starting has a copy of the handle until its
    /// `exec`.
    fn drop(&mut self) {
        let _ = rustix::fs::flock(&self.0, FlockOperation::Unlock);
    }
}

/// Root's lock.
struct Fixed {
    directory: Directory,
    name: String,
    _lock: Lock,
}

enum Taken {
    Yes(Fixed),
    Held(Option<u32>),
    /// There is no such place that only root can open: the root of a container without root's rights.
    NoPlace,
}

impl Fixed {
    fn take(target: &Target) -> Result<Taken, SaveError> {
        let stat = target.parent().stat()?;
        let name = format!("{:x}-{:x}.lock", stat.st_dev, stat.st_ino);
        let Some(directory) = PLACES.into_iter().find_map(place) else {
            return Ok(Taken::NoPlace);
        };
        // Who is done removes the file: a lock on one that is gone from its name is none.
        for _ in 0..100 {
            let Some(lock) = directory.lock(&name)? else {
                let holder = directory.open_file(&name)?.and_then(|opened| {
                    let holders = holders(opened.file());
                    holders.first().copied()
                });
                return Ok(Taken::Held(holder));
            };
            if directory
                .open_file(&name)?
                .is_some_and(|opened| lock.is_on(opened.stat()))
            {
                let _lock = lock;
                return Ok(Taken::Yes(Self { directory, name, _lock }));
            }
        }
        Ok(Taken::Held(None))
    }
}

impl Drop for Fixed {
    fn drop(&mut self) {
        let _ = self.directory.remove(&self.name);
    }
}

/// The directory of locks there, if nobody but root can change it.
fn place(above: &str) -> Option<Directory> {
    let above = Directory::open(std::path::Path::new(above)).ok()?;
    let ours = above.sub("kerio-tls").and_then(|ours| ours.sub("locks")).ok()?;
    ours.changeable().ok()?.is_none().then_some(ours)
}

/// Is it this program, with no other rights than root's or ours? A set-uid program that a user started keeps his real
/// uid; the number of a process that is gone can be another's by now, so the executable counts too.
fn is_a_save(pid: u32) -> bool {
    let ours = rustix::process::geteuid().as_raw();
    let program = |process: &str| {
        let link = std::fs::read_link(format!("/proc/{process}/exe")).ok()?;
        let name = link.file_name()?.to_str()?.to_owned();
        Some(name.strip_suffix(" (deleted)").map_or(name.clone(), str::to_owned))
    };
    ids(pid).is_some_and(|ids| ids.iter().all(|uid| *uid == 0 || *uid == ours))
        && program(&pid.to_string()).is_some_and(|theirs| Some(theirs) == program("self"))
}

/// Real, effective, saved and file system uid of a process.
fn ids(pid: u32) -> Option<Vec<u32>> {
    let status = read_proc(&format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    let ids: Option<Vec<u32>> = line.split_whitespace().map(|id| id.parse().ok()).collect();
    ids.filter(|ids| ids.len() == 4)
}

fn read_proc(path: &str) -> Option<String> {
    let bytes = files::read_kernel(std::path::Path::new(path), LIMIT).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Who holds a lock on what this handle is, from `/proc/locks`; none where it does not say (another PID name space).
fn holders(handle: impl std::os::fd::AsFd) -> Vec<u32> {
    let handle = handle.as_fd();
    let found = || -> Option<Vec<u32>> {
        let inode = rustix::fs::fstat(handle).ok()?.st_ino;
        // Of btrfs stat(2) tells another device than /proc/locks; the table of mounts has the same.
        let info = read_proc(&format!("/proc/self/fdinfo/{}", handle.as_raw_fd()))?;
        let mount = info.lines().find_map(|line| line.strip_prefix("mnt_id:"))?.trim();
        let device = device_of(mount, &read_proc("/proc/self/mountinfo")?)?;
        Some(holders_in(&read_proc("/proc/locks")?, device, inode))
    };
    found().unwrap_or_default()
}

/// Major and minor number of a mount's device (proc_pid_mountinfo(5)).
fn device_of(mount: &str, mountinfo: &str) -> Option<(u64, u64)> {
    let line = mountinfo.lines().find(|line| line.split(' ').next() == Some(mount))?;
    let (major, minor) = line.split(' ').nth(2)?.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// `1: FLOCK  ADVISORY  WRITE 4242 08:02:1234 0 EOF` (proc_locks(5)): the device is in hexadecimal. One who only waits
/// has `->` before the kind.
fn holders_in(locks: &str, device: (u64, u64), inode: u64) -> Vec<u32> {
    let holder = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        if fields.next()? != "FLOCK" {
            return None;
        }
        let pid = fields.nth(2)?.parse().ok()?;
        let mut place = fields.next()?.split(':');
        let found = (
            u64::from_str_radix(place.next()?, 16).ok()?,
            u64::from_str_radix(place.next()?, 16).ok()?,
        );
        (found == device && place.next()?.parse() == Ok(inode)).then_some(pid)
    };
    locks.lines().filter_map(holder).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_of_a_lock_is_found_by_device_and_inode() {
        let locks = "1: POSIX  ADVISORY  WRITE 11 08:02:77 0 EOF\n2: FLOCK  ADVISORY  WRITE 22 08:03:77 0 EOF\n\
            3: FLOCK  ADVISORY  READ  33 08:1a:77 0 EOF\n3: -> FLOCK  ADVISORY  WRITE 44 08:1a:77 0 EOF\n";
        assert_eq!(holders_in(locks, (8, 26), 77), [33]);
        assert_eq!(holders_in(locks, (8, 2), 77), [0_u32; 0]);
        assert_eq!(holders_in(locks, (8, 3), 7), [0_u32; 0]);
        let mounts = "36 35 98:0 /mnt1 /mnt2 rw,noatime - ext3 /dev/root rw\n3 1 0:31 / / rw - btrfs x rw\n";
        assert_eq!(device_of("3", mounts), Some((0, 31)));
        assert_eq!(device_of("35", mounts), None);
    }

    #[test]
    fn who_holds_a_lock_on_a_real_directory_is_this_process_and_its_ids_are_ours() {
        let dir = tempfile::tempdir().unwrap();
        let directory = Directory::open(dir.path()).unwrap();
        let held = Flock::take(&directory);
        assert_eq!(holders(directory.handle()), [std::process::id()]);
        assert!(is_a_save(std::process::id()));
        assert!(!is_a_save(u32::MAX));
        drop(held);
        assert_eq!(holders(directory.handle()), [0_u32; 0]);
    }
}
