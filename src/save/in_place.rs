//! Writing into the file itself, where it cannot be replaced: a single-file bind mount, hard links. Not atomic, so only after an explicit
//! yes, with the proven backup and the new bytes both in the state directory: recovery can tell a torn file from a foreign one.

use std::fs::File;

use rustix::fs::{FallocateFlags, Mode, OFlags};
use rustix::io::Errno;

use super::disk;
use super::error::SaveError;
use super::journal::{Journal, PENDING, Phase};
use super::swap::{Change, LastLook, fault};
use super::target::Target;
use super::trouble::OnDisk;

impl Change<'_> {
    /// Writes in place. `pending` is whichever of old and new is not in the backup.
    pub(crate) fn write_in_place(
        &self,
        journal: &mut Journal,
        pending: &[u8],
        look: LastLook<'_>,
    ) -> Result<Vec<String>, SaveError> {
        self.home.dir.put(PENDING, pending)?;
        journal.phase = Phase::InPlace;
        journal.write(self.home)?;
        look()?;
        let mut file = open(self.target)?;
        if !disk::holds(&file, self.old, self.target.path())? {
            let (path, changed) = (self.target.path().to_path_buf(), Vec::new());
            return Err(SaveError::ChangedUnderneath {
                path,
                changed,
                on_disk: OnDisk::Theirs,
            });
        }
        reserve(&file, self.old.len(), self.new.len(), self.target)?;
        let written = overwrite(&mut file, self.new, self.target).and_then(|()| check(self.target, self.new));
        if let Err(error) = written {
            // A new handle: a failed fsync is never repeated on the same one.
            let back = open(self.target)
                .and_then(|mut file| overwrite(&mut file, self.old, self.target))
                .and_then(|()| check(self.target, self.old));
            return Err(error.with_on_disk(match back {
                Ok(()) => OnDisk::PutBack,
                Err(_) => OnDisk::Torn {
                    backup: self.home.backups.path.join(format!("{}.cfg", journal.backup)),
                },
            }));
        }
        Ok(vec![
            "the file was written in place, because it could not be replaced".to_owned(),
        ])
    }
}

pub(crate) fn open(target: &Target) -> Result<File, SaveError> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    rustix::fs::openat(&target.parent().handle, target.name(), flags, Mode::empty())
        .map(File::from)
        .map_err(|errno| fault("opening for writing", target, errno))
}

/// Extends first, so that a full disk is found before the first byte is overwritten. The size stays as it is.
fn reserve(file: &File, old: usize, new: usize, target: &Target) -> Result<(), SaveError> {
    if new <= old {
        return Ok(());
    }
    let length = u64::try_from(new).unwrap_or(u64::MAX);
    match rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, 0, length) {
        // Where it is not known (some NFS, FUSE), a full disk is met while writing, and the old bytes are put back.
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
        Err(errno) => Err(fault("reserving room for", target, errno)),
    }
}

/// From the beginning, cut to length, made durable.
pub(crate) fn overwrite(file: &mut File, bytes: &[u8], target: &Target) -> Result<(), SaveError> {
    use std::io::Seek as _;
    file.seek(std::io::SeekFrom::Start(0))
        .map_err(|error| SaveError::io("writing", target.path(), &error))?;
    disk::write_all(file, bytes, target.path())?;
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    rustix::fs::ftruncate(&*file, length).map_err(|errno| fault("cutting to length", target, errno))?;
    disk::sync_file(file, target.path())
}

/// Through a new handle: does the file hold exactly this?
pub(crate) fn check(target: &Target, bytes: &[u8]) -> Result<(), SaveError> {
    if target.parent().holds(target.name(), bytes)? {
        Ok(())
    } else {
        Err(SaveError::read_back(target.path()))
    }
}

/// Is `now` what a broken-off overwrite of one of these with the other leaves? Every byte is from one of them at its place, or a zero from
/// extending; pages reach the disk in any order.
pub(crate) fn is_torn(now: &[u8], one: &[u8], other: &[u8]) -> bool {
    now.len() <= one.len().max(other.len())
        && now.iter().enumerate().all(|(at, byte)| {
            let from = |it: &[u8]| it.get(at) == Some(byte);
            from(one) || from(other) || (*byte == 0 && at >= one.len().min(other.len()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_of_old_and_new_is_torn_and_a_foreign_file_is_not() {
        let (old, new) = (b"<a>old</a>".as_slice(), b"<a>newer!</a>".as_slice());
        assert!(is_torn(b"<a>new</a>", old, new));
        assert!(is_torn(b"<a>newer!<\0\0\0", old, new));
        assert!(is_torn(b"", old, new));
        assert!(!is_torn(b"<b>old</b>", old, new));
        assert!(!is_torn(b"<a>newer!</a> and more", old, new));
    }
}
