//! Everything that can be known before the engine is touched: whether the save would go through, and how.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, IFlags, StatVfsMountFlags, StatxFlags};

use super::disk;
use super::error::SaveError;
use super::state_dir::StateDir;
use super::target::{Snapshot, Target};
use super::trouble::{InPlaceWhy, OnDisk, Trouble};
use super::who;

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
        let trouble = |doing, path: &Path, trouble| {
            Err(SaveError::Disk {
                doing,
                path: path.to_path_buf(),
                trouble,
                on_disk: OnDisk::Untouched,
            })
        };
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
                return Err(SaveError::InPlaceNeeded {
                    path: self.path.clone(),
                    why: why.clone(),
                });
            }
        } else if !self.directory_writable {
            return trouble("creating a file in the directory of", &self.path, Trouble::Denied);
        } else if !self.owner_can_be_kept {
            return trouble("keeping the owner of", &self.path, Trouble::Denied);
        } else if !self.group_can_be_kept {
            let group = self.group.clone();
            return trouble("keeping the group of", &self.path, Trouble::NotInGroup(group));
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
    let parent = &target.parent().handle;
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
    let parent_stat = rustix::fs::fstat(parent)
        .map_err(|errno| SaveError::disk("looking at the directory of", target.path(), errno))?;
    let state_stat =
        rustix::fs::fstat(&state.dir.handle).map_err(|errno| SaveError::disk("looking at", state.path(), errno))?;
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
        owner: who::user_name(file.uid).unwrap_or_else(|| file.uid.to_string()),
        group: who::group_name(file.gid).unwrap_or_else(|| file.gid.to_string()),
        mode: file.mode,
        links: file.links,
        read_only,
        immutable: immutable(target),
        directory_writable: access.is_ok(),
        owner_can_be_kept: euid.is_root() || euid.as_raw() == file.uid,
        group_can_be_kept: euid.is_root() || may_give_group(file.gid, &parent_stat),
        room: room(room_here, disk::free_bytes(parent)),
        state_room: room(room_state, disk::free_bytes(&state.dir.handle)),
        can_exchange: can_exchange(target),
        in_place,
    })
}

/// May an owner who is not root give a new file this group (chown(2))? Its own, one of its others, or the one that the file is made with.
fn may_give_group(gid: u32, parent: &rustix::fs::Stat) -> bool {
    let handed_on = parent.st_mode & 0o2000 != 0 && parent.st_gid == gid;
    handed_on
        || rustix::process::getegid().as_raw() == gid
        || rustix::process::getgroups().is_ok_and(|groups| groups.iter().any(|group| group.as_raw() == gid))
}

/// Does the file or its directory carry the immutable or append-only flag? (A file system without flags: no.)
pub(crate) fn immutable(target: &Target) -> bool {
    let stuck = |flags: IFlags| flags.intersects(IFlags::IMMUTABLE | IFlags::APPEND);
    let file = target.parent().read_handle(target.name());
    file.is_ok_and(|file| rustix::fs::ioctl_getflags(file).is_ok_and(stuck))
        || rustix::fs::ioctl_getflags(&target.parent().handle).is_ok_and(stuck)
}

/// A bind mount of the single file can be read-only where its directory is not.
fn mount_of_file_is_read_only(target: &Target) -> bool {
    target
        .parent()
        .read_handle(target.name())
        .is_ok_and(|file| rustix::fs::fstatvfs(file).is_ok_and(|room| room.f_flag.contains(StatVfsMountFlags::RDONLY)))
}

/// Why the file cannot be replaced by a rename.
pub(crate) fn in_place_reason(target: &Target, file: &Snapshot) -> Option<InPlaceWhy> {
    if is_mount_point(target) {
        Some(InPlaceWhy::MountPoint)
    } else {
        (file.links > 1).then_some(InPlaceWhy::HardLinks(file.links))
    }
}

/// The mount id of the file is another one than its directory's (Linux 5.8), or `/proc/self/mountinfo` names the file.
fn is_mount_point(target: &Target) -> bool {
    let id = |name: &str, flags| {
        let statx = rustix::fs::statx(&target.parent().handle, name, flags, StatxFlags::MNT_ID).ok()?;
        (statx.stx_mask & StatxFlags::MNT_ID.bits() != 0).then_some(statx.stx_mnt_id)
    };
    match (
        id(target.name(), AtFlags::SYMLINK_NOFOLLOW),
        id("", AtFlags::EMPTY_PATH),
    ) {
        (Some(file), Some(directory)) => file != directory,
        _ => std::fs::read("/proc/self/mountinfo").is_ok_and(|text| is_in_mountinfo(&text, target.path())),
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
    let magic = rustix::fs::fstatfs(&target.parent().handle).ok()?.f_type;
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
}
