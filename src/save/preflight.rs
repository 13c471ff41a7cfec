//! Everything that can be known before the engine is touched: whether the save would go through, and how.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, IFlags, Mode, OFlags, StatVfsMountFlags, StatxFlags};
use rustix::io::Errno;
use rustix::process::Resource;

use super::audit;
use super::error::{SaveError, What};
use super::state_dir::StateDir;
use super::target::{Snapshot, Target};
use super::trouble::{InPlaceWhy, Trouble};
use crate::files;

/// Room for metadata: manifests, journal, directory blocks. Bytes.
const MARGIN: u64 = 256 * 1024;

/// What was found out about the file without changing anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preflight {
    /// The real file.
    pub path: PathBuf,
    /// Owner's name, or number.
    pub owner: String,
    /// Group's name, or number.
    pub group: String,
    /// Permission bits.
    pub mode: u32,
    /// Names of the file (hard links).
    pub links: u64,
    /// The file system is mounted read-only.
    pub read_only: bool,
    /// File or directory carry the immutable or append-only flag.
    pub immutable: bool,
    /// This user may create and rename in the directory.
    pub directory_writable: bool,
    /// This user may give files the owner that this one has.
    pub owner_can_be_kept: bool,
    /// This user may give files the group that this one has: it is in that group, or the directory hands it on.
    pub group_can_be_kept: bool,
    /// Bytes needed beside the file and free there.
    pub room: Room,
    /// Bytes needed in the state directory and free there (both needs added where it is one file system).
    pub state_room: Room,
    /// The kind of file system can exchange two files; `None` = not known beforehand.
    pub can_exchange: Option<bool>,
    /// The file cannot be replaced, only written in place, and why.
    pub in_place: Option<InPlaceWhy>,
    /// A limit of this process that is too low for the save, in words.
    pub limit: Option<String>,
}

/// Room on a file system, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Needed.
    pub need: u64,
    /// Free for this user; `None` = the file system does not say.
    pub free: Option<u64>,
}

impl Room {
    fn is_enough(self) -> bool {
        self.free.is_none_or(|free| free >= self.need)
    }
}

impl Preflight {
    /// The first thing that stands in the way.
    /// # Errors
    /// Read-only, immutable, no right, no room, or in place without the user's yes; the file is untouched.
    pub fn refuse(&self, state: &StateDir, allow_in_place: bool) -> Result<(), SaveError> {
        let trouble = |doing, path: &Path, trouble| Err(SaveError::trouble(doing, path, trouble));
        let short = |room: Room| Trouble::NoRoom {
            need: room.need,
            free: room.free,
        };
        if self.read_only {
            return trouble("preparing to write", &self.path, Trouble::ReadOnly);
        }
        if self.immutable {
            return trouble("preparing to write", &self.path, Trouble::Immutable);
        }
        if let Some(why) = &self.in_place {
            if !allow_in_place {
                let (path, why) = (self.path.clone(), why.clone());
                return Err(What::InPlaceNeeded { path, why }.into());
            }
        } else if !self.directory_writable {
            return trouble("creating a file in the directory of", &self.path, Trouble::Denied);
        } else if !self.owner_can_be_kept {
            return trouble("keeping the owner of", &self.path, Trouble::Denied);
        } else if !self.group_can_be_kept {
            let group = self.group.clone();
            return trouble("keeping the group of", &self.path, Trouble::NotInGroup(group));
        }
        if let Some(limit) = &self.limit {
            return Err(What::Limit(limit.clone()).into());
        }
        if !self.room.is_enough() {
            return trouble("preparing to write", &self.path, short(self.room));
        }
        if !self.state_room.is_enough() {
            return trouble("preparing the backup in", state.path(), short(self.state_room));
        }
        Ok(())
    }
}

/// Looks at everything; changes nothing. `needed` is the size of the new file in bytes.
/// # Errors
/// The file or the state directory cannot be looked at.
pub fn preflight(target: &Target, state: &StateDir, needed: u64) -> Result<Preflight, SaveError> {
    let parent = target.parent().handle();
    let stat = target
        .stat()
        .map_err(|errno| SaveError::disk("looking at", target.path(), errno))?;
    let file = Snapshot::of(&stat);
    let in_place = in_place_reason(target, &file);
    let room_here = if in_place.is_some() {
        needed.saturating_sub(file.size)
    } else {
        needed
    };
    // The backup, and for writing in place the pending bytes too.
    let room_state = file.size.saturating_add(if in_place.is_some() { needed } else { 0 });
    let parent_stat = target.parent().stat()?;
    let state_stat = state.handle().stat()?;
    let together = parent_stat.st_dev == state_stat.st_dev;
    let sum = room_here.saturating_add(room_state).saturating_add(MARGIN);
    let room = |alone: u64, free| Room {
        need: if together { sum } else { alone.saturating_add(MARGIN) },
        free,
    };
    let read_only = rustix::fs::fstatvfs(parent).is_ok_and(|room| room.f_flag.contains(StatVfsMountFlags::RDONLY))
        || mount_of_file_is_read_only(target);
    let access = rustix::fs::accessat(parent, ".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS);
    let euid = rustix::process::geteuid();
    Ok(Preflight {
        path: target.path().to_path_buf(),
        owner: audit::user_name(file.uid).unwrap_or_else(|| file.uid.to_string()),
        group: audit::group_name(file.gid).unwrap_or_else(|| file.gid.to_string()),
        mode: file.mode,
        links: file.links,
        read_only,
        immutable: immutable(target),
        directory_writable: access.is_ok(),
        owner_can_be_kept: euid.is_root() || euid.as_raw() == file.uid,
        group_can_be_kept: euid.is_root() || may_give_group(file.gid, &parent_stat),
        room: room(room_here, files::free_bytes(parent)),
        state_room: room(room_state, files::free_bytes(state.handle().handle())),
        can_exchange: can_exchange(target),
        in_place,
        limit: limit_in_the_way(target, file.size, needed),
    })
}

/// What this process needs beside what it has when a save begins.
const HANDLES: u32 = 32;
/// The same of memory, beside some copies of the file.
const MEMORY: u64 = 64 << 20;
const COPIES: u64 = 4;
/// And of processor time, in seconds.
const SECONDS: u64 = 60;

/// A limit that would end the save in its middle, with the engine stopped: the size of a file (beyond it a write fails,
/// or the process is killed), of memory (without it a program aborts), of processor time (beyond the hard one the
/// kernel kills), of handles, and of processes and threads (without one no command can be started, the engine's
/// neither).
fn limit_in_the_way(target: &Target, old: u64, new: u64) -> Option<String> {
    let limit = |which| rustix::process::getrlimit(which).current.unwrap_or(u64::MAX);
    let largest = old.max(new).saturating_add(MARGIN);
    let files = limit(Resource::Fsize);
    if files < largest {
        return Some(format!(
            "this process may write no file of more than {files} bytes (ulimit -f), and {largest} are needed"
        ));
    }
    let needs = COPIES.saturating_mul(old.saturating_add(new)).saturating_add(MEMORY);
    for (which, field, words) in [
        (Resource::As, 0, "memory (ulimit -v)"),
        (Resource::Data, 5, "memory (ulimit -d)"),
    ] {
        let (memory, has) = (limit(which), memory_in_use(field).unwrap_or(0));
        if memory.saturating_sub(has) < needs {
            return Some(format!(
                "this process may use {memory} bytes of {words}, {has} are in use, and {needs} more are needed"
            ));
        }
    }
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime).tv_sec;
    let seconds = rustix::process::getrlimit(Resource::Cpu).maximum.unwrap_or(u64::MAX);
    if seconds.saturating_sub(u64::try_from(used).unwrap_or(0)) < SECONDS {
        return Some(format!(
            "this process may use {seconds} s of processor time (ulimit -t), {used} are used, and up to {SECONDS} more \
             may be needed"
        ));
    }
    // Tried, not counted: who may not look into /proc/self/fd would find none there.
    let handles: Result<Vec<_>, Errno> = (0..HANDLES).map(|_| target.parent().again()).collect();
    if let Err(errno) = handles {
        let most = limit(Resource::Nofile);
        return Some(format!(
            "this process may have {most} files open (ulimit -n), and cannot open {HANDLES} more ({})",
            std::io::Error::from(errno)
        ));
    }
    // Root is exempt from RLIMIT_NPROC, but not from a control group's pids.max: only trying tells.
    let thread = std::thread::Builder::new().stack_size(64 << 10).spawn(|| ());
    let made = thread.map(|thread| thread.join());
    made.err()
        .map(|error| format!("this process can start no thread or process any more ({error}; ulimit -u, pids.max)"))
}

/// The size of this process in memory, in bytes, as a limit counts it: a field of proc_pid_statm(5).
fn memory_in_use(field: usize) -> Option<u64> {
    let text = files::read_kernel(Path::new("/proc/self/statm"), 4096).ok()?;
    let pages: u64 = std::str::from_utf8(&text).ok()?.split(' ').nth(field)?.parse().ok()?;
    pages.checked_mul(u64::try_from(rustix::param::page_size()).ok()?)
}

/// May an owner who is not root give a new file this group (chown(2))? Its own, one of its others, or the one that the
/// file is made with.
fn may_give_group(gid: u32, parent: &rustix::fs::Stat) -> bool {
    let handed_on = parent.st_mode & 0o2000 != 0 && parent.st_gid == gid;
    handed_on
        || rustix::process::getegid().as_raw() == gid
        || rustix::process::getgroups().is_ok_and(|groups| groups.iter().any(|group| group.as_raw() == gid))
}

/// Does the file or its directory carry the immutable or append-only flag? (A file system without flags: no.)
pub(crate) fn immutable(target: &Target) -> bool {
    let stuck = |flags: IFlags| flags.intersects(IFlags::IMMUTABLE | IFlags::APPEND);
    let file = target.parent().open_file(target.name()).ok().flatten();
    file.is_some_and(|file| rustix::fs::ioctl_getflags(file.file()).is_ok_and(stuck))
        || rustix::fs::ioctl_getflags(target.parent().handle()).is_ok_and(stuck)
}

/// A bind mount of the single file can be read-only where its directory is not.
fn mount_of_file_is_read_only(target: &Target) -> bool {
    let read_only = |room: rustix::fs::StatVfs| room.f_flag.contains(StatVfsMountFlags::RDONLY);
    let file = target.parent().open_file(target.name()).ok().flatten();
    file.is_some_and(|file| rustix::fs::fstatvfs(file.file()).is_ok_and(read_only))
}

/// Why the file cannot be replaced by a rename.
pub(crate) fn in_place_reason(target: &Target, file: &Snapshot) -> Option<InPlaceWhy> {
    if is_mount_point(target) {
        return Some(InPlaceWhy::MountPoint);
    }
    if file.links > 1 {
        return Some(InPlaceWhy::HardLinks(file.links));
    }
    let (uid, gid) = (file.uid, file.gid);
    owner_is_unknown(target, file).then_some(InPlaceWhy::OwnerNotMapped { uid, gid })
}

/// Has the file an owner or group that this user name space does not know? They are shown as the overflow numbers then
/// (user_namespaces(7)), and a file cannot be given to them. Those numbers can be real ones, too.
fn owner_is_unknown(target: &Target, file: &Snapshot) -> bool {
    // By default (proc_sys_kernel(5)); on a host that has changed it the refusal comes when the new file is to be given
    // away.
    let (user, group) = (65534, 65534);
    if file.uid != user && file.gid != group {
        return false;
    }
    let maps = |id: u32, map: &str| {
        files::read_kernel(Path::new(map), 64 << 10).map_or(true, |text| is_mapped(&String::from_utf8_lossy(&text), id))
    };
    if (file.uid == user && !maps(user, "/proc/self/uid_map"))
        || (file.gid == group && !maps(group, "/proc/self/gid_map"))
    {
        return true;
    }
    // The number is known here, but is it meant? O_NOATIME is granted to the owner, and to a root who knows the owner:
    // open(2).
    let flags = OFlags::RDONLY | OFlags::NOATIME | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    rustix::process::geteuid().is_root()
        && file.uid == user
        && rustix::fs::openat(target.parent().handle(), target.name(), flags, Mode::empty()).err() == Some(Errno::PERM)
}

/// Does a table of a user name space (its first number, the one outside, how many) have this number?
fn is_mapped(map: &str, id: u32) -> bool {
    map.lines().any(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u64>);
        let (Some(Ok(first)), Some(Ok(_)), Some(Ok(count))) = (numbers.next(), numbers.next(), numbers.next()) else {
            return false;
        };
        (first..first.saturating_add(count)).contains(&u64::from(id))
    })
}

/// The mount id of the file is another one than its directory's (Linux 5.8), or `/proc/self/mountinfo` names the file.
fn is_mount_point(target: &Target) -> bool {
    let id = |name: &str, flags| {
        let statx = rustix::fs::statx(target.parent().handle(), name, flags, StatxFlags::MNT_ID).ok()?;
        (statx.stx_mask & StatxFlags::MNT_ID.bits() != 0).then_some(statx.stx_mnt_id)
    };
    match (
        id(target.name(), AtFlags::SYMLINK_NOFOLLOW),
        id("", AtFlags::EMPTY_PATH),
    ) {
        (Some(file), Some(directory)) => file != directory,
        _ => files::read_kernel(Path::new("/proc/self/mountinfo"), 64 << 20)
            .is_ok_and(|text| is_in_mountinfo(&text, target.path())),
    }
}

fn is_in_mountinfo(text: &[u8], path: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    // The kernel writes blank, tab, line feed and backslash as octal.
    let mut escaped = Vec::new();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b' ' | b'\t' | b'\n' | b'\\' => escaped.extend_from_slice(format!("\\{byte:03o}").as_bytes()),
            other => escaped.push(*other),
        }
    }
    text.split(|byte| *byte == b'\n').any(|line| {
        line.split(|byte| *byte == b' ')
            .nth(4)
            .is_some_and(|mount_point| mount_point == escaped)
    })
}

/// By the magic number of the file system (statfs(2)). What is not listed is found out by trying.
fn can_exchange(target: &Target) -> Option<bool> {
    let magic = rustix::fs::fstatfs(target.parent().handle()).ok()?.f_type;
    match u32::try_from(magic).ok()? {
        0xEF53 | 0x5846_5342 | 0x9123_683E | 0x0102_1994 | 0xF2F5_2010 => Some(true), // ext4, xfs, btrfs, tmpfs, f2fs
        0x6969 | 0xFF53_4D42 | 0xFE53_4D42 => Some(false),                            // nfs, cifs, smb2
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_point_with_a_blank_in_its_name_is_found_in_mountinfo() {
        let text = b"42 27 7:0 / /srv/a\\040b/mailserver.cfg rw,relatime - ext4 /dev/loop0 rw\n";
        assert!(is_in_mountinfo(text, Path::new("/srv/a b/mailserver.cfg")));
        assert!(!is_in_mountinfo(text, Path::new("/srv/a b")));
    }
    #[test]
    fn a_number_is_mapped_if_one_of_the_ranges_has_it() {
        let all = "         0          0 4294967295\n";
        assert!(is_mapped(all, 0) && is_mapped(all, 65534));
        let rootless = "         0       1000          1\n         1     100000      65533\n";
        assert!(is_mapped(rootless, 0) && is_mapped(rootless, 65533));
        assert!(!is_mapped(rootless, 65534));
    }
}
