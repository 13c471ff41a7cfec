//! Putting new bytes in the place of old ones: by exchange of two files, by plain rename where there is no exchange, or
//! in the file itself.
//!
//! The exchange, `renameat2(RENAME_EXCHANGE)`, is a compare-and-swap: what comes out of it is read, and unless it is
//! exactly what was expected, it goes back in. (Check-then-rename lost 3–14 % of saves beside a competing writer; the
//! exchange caught every one; measured on a prototype.)
//!
//! A file that cannot be replaced (a single-file bind mount, hard links, an owner that is not known here) is written in
//! place. That is not atomic, so it is done only after an explicit yes, with the proven backup and the new bytes both
//! in the state directory: recovery can tell a torn file from a foreign one.

use std::borrow::Cow;
use std::fs::File;

use rustix::fs::{FallocateFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::backup;
use super::error::{SaveError, What};
use super::preflight;
use super::records::{Journal, PENDING, Phase};
use super::state_dir::Home;
use super::target::Attributes;
use super::target::{LARGEST, Snapshot, Target};
use super::trouble::{OnDisk, Shown, Trouble};
use crate::files;

/// What stands in the file before the swap, and what shall stand there after it.
pub(crate) struct Change<'a> {
    pub(crate) target: &'a Target,
    pub(crate) home: &'a Home,
    pub(crate) old: &'a [u8],
    pub(crate) attributes: &'a Attributes,
    pub(crate) new: &'a [u8],
}

/// Asked right before the first change to the file itself: is the engine still stopped, has nobody cancelled?
pub(crate) type LastLook<'a> = &'a mut dyn FnMut() -> Result<(), SaveError>;

/// A failed system call on the target itself: "no permission" is "immutable" when the flag is there.
pub(crate) fn fault(doing: &'static str, target: &Target, errno: Errno) -> SaveError {
    let mut error = SaveError::disk(doing, target.path(), errno);
    if let What::Disk {
        trouble: trouble @ Trouble::Denied,
        ..
    } = &mut error.what
        && preflight::immutable(target)
    {
        *trouble = Trouble::Immutable;
    }
    error
}

impl Change<'_> {
    /// Writes the new file beside the old one, proves it, journals it, swaps, makes it durable, removes the old one.
    /// Returns warnings. The caller has journalled [`Phase::Begun`] with the temp name.
    pub(crate) fn replace(&self, journal: &mut Journal, look: LastLook<'_>) -> Result<Vec<String>, SaveError> {
        let (new_file, mut warnings) = self.write_temp(&journal.temp)?;
        let ours = self.identity(&new_file)?;
        journal.phase = Phase::Ready { inode: ours.inode };
        journal.write(self.home)?;
        look()?;
        match self.swap(&journal.temp) {
            Ok(()) => self.judge(&journal.temp, &ours)?,
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                warnings.push(self.rename_over(&journal.temp)?);
                let synced = self.target.parent().sync();
                synced.map_err(|fault| SaveError::from(fault).with_on_disk(OnDisk::New))?;
                return Ok(warnings);
            }
            // Over a network the answer can be lost and the deed done: look before believing.
            Err(_) if self.is_in_place(&ours) => self.judge(&journal.temp, &ours)?,
            Err(errno) => return Err(fault("exchanging the new file with", self.target, errno)),
        }
        if let Err(fault) = self.target.parent().sync() {
            // Not durable, so not saved: back to the old file, which is.
            let out = came_out(self.target, &journal.temp);
            return Err(
                SaveError::from(fault).with_on_disk(match self.back(&journal.temp, out, ours) {
                    Ok(()) => OnDisk::PutBack,
                    Err(_) => OnDisk::Unsure {
                        beside: journal.temp.clone(),
                    },
                }),
            );
        }
        // The commit point. From here on nothing fails any more.
        warnings.extend(self.remove_old(&journal.temp));
        Ok(warnings)
    }

    fn write_temp(&self, temp: &str) -> Result<(File, Vec<String>), SaveError> {
        let path = self.target.path();
        let file = self
            .target
            .parent()
            .create(temp)
            .map_err(|errno| fault("writing beside", self.target, errno))?;
        files::write_all(&file, self.new, path)?;
        let lost = self.attributes.give(&file, path)?;
        files::sync(&file, path)?;
        if !files::holds(&file, self.new, path)? {
            return Err(SaveError::read_back(path));
        }
        Ok((file, lost))
    }

    fn identity(&self, file: &File) -> Result<Snapshot, SaveError> {
        let stat =
            rustix::fs::fstat(file).map_err(|errno| fault("looking at the new file beside", self.target, errno))?;
        Ok(Snapshot::of(&stat))
    }

    fn swap(&self, temp: &str) -> Result<(), Errno> {
        exchange(self.target, temp)
    }

    fn is_in_place(&self, ours: &Snapshot) -> bool {
        self.target.stat().is_ok_and(|stat| Snapshot::of(&stat).same_file(ours))
    }

    fn back(&self, temp: &str, out: Seen<'_>, ours: Snapshot) -> Result<(), SaveError> {
        let inside = (Some(Cow::Borrowed(self.new)), Some(ours));
        put_back(self.target, self.home, temp, out, inside)
    }

    /// After the swap: is what came out what was expected? If not, back with it.
    fn judge(&self, temp: &str, ours: &Snapshot) -> Result<(), SaveError> {
        // Read once, without waiting for it to be quiet: until it is back, readers see a file without the other
        // program's change.
        let (out, why) = match self.is_old(temp) {
            Ok(true) => return Ok(()),
            Ok(false) => (
                came_out(self.target, temp),
                SaveError::changed_underneath(self.target.path(), OnDisk::Theirs),
            ),
            Err(error) => (
                (None, identity_at(self.target, temp)),
                error.with_on_disk(OnDisk::PutBack),
            ),
        };
        Err(match self.back(temp, out, *ours) {
            Ok(()) => why,
            Err(_) => why.with_on_disk(OnDisk::Unsure {
                beside: temp.to_owned(),
            }),
        })
    }

    /// Is what stands under this name the old file, with its attributes and no second name?
    fn is_old(&self, temp: &str) -> Result<bool, SaveError> {
        let path = self.target.path();
        let Some(opened) = self.target.parent().open_file(temp)? else {
            return Err(fault("reading what was exchanged for", self.target, Errno::NOENT));
        };
        let file = opened.into_file();
        Ok(files::holds(&file, self.old, path)?
            && self.identity(&file)?.links == 1
            && !Attributes::of(&file, path)?.differs(self.attributes))
    }

    /// Where there is no exchange: compare once more, then a plain rename.
    fn rename_over(&self, temp: &str) -> Result<String, SaveError> {
        let (same, _, file) = self.target.holds(self.old)?;
        if !same || Attributes::of(&file, self.target.path())?.differs(self.attributes) {
            return Err(SaveError::changed_underneath(self.target.path(), OnDisk::Theirs));
        }
        let parent = self.target.parent().handle();
        rustix::fs::renameat(parent, temp, parent, self.target.name())
            .map_err(|errno| fault("renaming the new file over", self.target, errno))?;
        Ok(
            "this file system cannot exchange two files: it was compared and then replaced, so a change that another \
            program made in the \
            instant between would not have been seen"
                .to_owned(),
        )
    }

    /// Removes the old file that came out. It holds secrets, so that this failed is worth a word.
    fn remove_old(&self, temp: &str) -> Vec<String> {
        let mut warnings = Vec::new();
        // Someone who had the old file open may have written into it since it came out.
        let late = match self.target.parent().holds(temp, self.old) {
            Ok(false) => self.target.parent().read(temp, LARGEST),
            Ok(true) | Err(_) => Ok(None),
        };
        if let Ok(Some(bytes)) = late {
            let kept = backup::keep(self.home, "written-late", &bytes);
            let place = kept.map_or_else(
                |error| format!("could not be kept: {}", error.why()),
                |path| format!("is kept as {}", Shown(&path)),
            );
            warnings.push(format!(
                "another program wrote into the old file while it was being replaced; what it wrote {place}"
            ));
        }
        let removed = self
            .target
            .parent()
            .remove(temp)
            .and_then(|()| self.target.parent().sync());
        if let Err(error) = removed {
            warnings.push(format!(
                "the old file could not be removed and lies beside the new one as {temp} until the next start: {error}"
            ));
        }
        warnings
    }
}

/// Swaps the temp name and the target's name.
pub(crate) fn exchange(target: &Target, temp: &str) -> Result<(), Errno> {
    let parent = target.parent().handle();
    rustix::fs::renameat_with(parent, temp, parent, target.name(), RenameFlags::EXCHANGE)
}

fn came_out(target: &Target, temp: &str) -> Seen<'static> {
    let bytes = target.parent().read(temp, LARGEST).ok().flatten();
    (bytes.map(Cow::Owned), identity_at(target, temp))
}

fn identity_at(target: &Target, temp: &str) -> Option<Snapshot> {
    let stat = rustix::fs::statat(target.parent().handle(), temp, rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
    stat.ok().map(|stat| Snapshot::of(&stat))
}

/// Content (`None` = could not be read) and identity of one of the two names.
type Seen<'a> = (Option<Cow<'a, [u8]>>, Option<Snapshot>);

fn same(a: &Seen<'_>, b: &Seen<'_>) -> bool {
    let (Some(bytes_a), Some(bytes_b), Some(file_a), Some(file_b)) = (&a.0, &b.0, &a.1, &b.1) else {
        return false;
    };
    file_a.same_file(file_b) && bytes_a == bytes_b
}

/// Is it this that stands under the temp name?
fn stands_at(target: &Target, temp: &str, seen: &Seen<'_>) -> bool {
    let (Some(bytes), Some(file)) = seen else {
        return false;
    };
    identity_at(target, temp).is_some_and(|there| there.same_file(file))
        && target.parent().holds(temp, bytes).unwrap_or(false)
}

/// Puts what came out (`out`, now under the temp name) back in place, expecting `ours` (what we had put in) to come
/// out. When something else comes out, a third program was faster: then that is the newest, and goes back in, and so on
/// until what comes out is what went in. At the end the temp name is gone; content under it that is not ours is kept in
/// the state directory first.
pub(crate) fn put_back(
    target: &Target,
    home: &Home,
    temp: &str,
    out: Seen<'_>,
    ours: Seen<'_>,
) -> Result<(), SaveError> {
    let (mut out, mut inside) = (out, (ours.0.as_deref().map(Cow::Borrowed), ours.1));
    for _ in 0..50 {
        exchange(target, temp).map_err(|errno| fault("putting back", target, errno))?;
        if stands_at(target, temp, &inside) {
            if !same(&inside, &ours)
                && let Some(bytes) = &inside.0
            {
                backup::keep(home, "overwritten", bytes)?;
            }
            target.parent().remove(temp)?;
            // A handle of its own: the sync that led here may have failed, and is never repeated on the same one.
            let again = target.parent().again().and_then(rustix::fs::fsync);
            return again.map_err(|errno| fault("syncing the directory of", target, errno));
        }
        (out, inside) = (came_out(target, temp), out);
    }
    drop(out);
    let path = target.path().to_path_buf();
    Err(What::NeverQuiet { path }.into())
}

impl Change<'_> {
    /// Writes in place. `pending` is whichever of old and new is not in the backup.
    pub(crate) fn write_in_place(
        &self,
        journal: &mut Journal,
        pending: &[u8],
        look: LastLook<'_>,
    ) -> Result<Vec<String>, SaveError> {
        self.home.dir.write(PENDING, pending)?;
        journal.phase = Phase::InPlace;
        journal.write(self.home)?;
        look()?;
        let mut file = open_for_writing(self.target)?;
        if !files::holds(&file, self.old, self.target.path())? {
            return Err(SaveError::changed_underneath(self.target.path(), OnDisk::Theirs));
        }
        reserve(&file, self.old.len(), self.new.len(), self.target)?;
        let written = overwrite(&mut file, self.new, self.target).and_then(|()| check(self.target, self.new));
        if let Err(error) = written {
            // A new handle: a failed fsync is never repeated on the same one.
            let back = open_for_writing(self.target)
                .and_then(|mut file| overwrite(&mut file, self.old, self.target))
                .and_then(|()| check(self.target, self.old));
            return Err(error.with_on_disk(match back {
                Ok(()) => OnDisk::PutBack,
                Err(_) => OnDisk::Torn {
                    backup: self.home.backups.path().join(format!("{}.cfg", journal.backup)),
                },
            }));
        }
        Ok(vec![
            "the file was written in place, because it could not be replaced".to_owned(),
        ])
    }
}

pub(crate) fn open_for_writing(target: &Target) -> Result<File, SaveError> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let fault = |errno| fault("opening for writing", target, errno);
    let file = rustix::fs::openat(target.parent().handle(), target.name(), flags, Mode::empty()).map_err(fault)?;
    let what = files::kind(&rustix::fs::fstat(&file).map_err(fault)?);
    what.map_or(Ok(file.into()), |what| {
        Err(
            SaveError::trouble("opening for writing", target.path(), Trouble::NotAFile(what))
                .with_on_disk(OnDisk::Theirs),
        )
    })
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
    file.seek(std::io::SeekFrom::Start(0)).map_err(|error| {
        SaveError::disk(
            "writing",
            target.path(),
            Errno::from_io_error(&error).unwrap_or(Errno::IO),
        )
    })?;
    files::write_all(file, bytes, target.path())?;
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    rustix::fs::ftruncate(&*file, length).map_err(|errno| fault("cutting to length", target, errno))?;
    files::sync(file, target.path())?;
    Ok(())
}

/// Through a new handle: does the file hold exactly this?
pub(crate) fn check(target: &Target, bytes: &[u8]) -> Result<(), SaveError> {
    if target.parent().holds(target.name(), bytes)? {
        Ok(())
    } else {
        Err(SaveError::read_back(target.path()))
    }
}

/// Is `now` what a broken-off overwrite of one of these with the other leaves? Every byte is from one of them at its
/// place, or a zero from extending; pages reach the disk in any order.
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
