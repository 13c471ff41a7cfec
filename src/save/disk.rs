//! System calls in the room's words: relative to directory handles, never through a path that could be swapped, with read-back.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, RawDir};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::error::SaveError;
use super::target::Snapshot;

/// Files larger than this are not read: a document has at most 1 GiB.
pub(crate) const LARGEST: u64 = 1 << 30;

/// Files that are only compared or summed are read in pieces of so many bytes: a second copy of a file of 10 MB is not needed for that.
const PIECE: usize = 64 * 1024;

/// A directory: its handle, and its path for messages only.
pub(crate) struct Dir {
    pub(crate) handle: OwnedFd,
    pub(crate) path: PathBuf,
}

impl Dir {
    /// Opens a directory; the last component must not be a symbolic link.
    pub(crate) fn open(path: &Path) -> Result<Self, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Self {
            handle: rustix::fs::open(path, flags, Mode::empty())?,
            path: path.to_path_buf(),
        })
    }

    /// A second handle on the same directory (its own open file description, so its own lock).
    pub(crate) fn again(&self) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::openat(&self.handle, ".", flags, Mode::empty())
    }

    /// Opens a sub-directory, made 0700 if it is not there.
    pub(crate) fn sub(&self, name: &str) -> Result<Self, SaveError> {
        let path = self.path.join(name);
        match rustix::fs::mkdirat(&self.handle, name, Mode::RWXU) {
            Ok(()) => self.sync()?,
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(SaveError::disk("creating", &path, errno)),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = rustix::fs::openat(&self.handle, name, flags, Mode::empty())
            .map_err(|errno| SaveError::disk("opening", &path, errno))?;
        Ok(Self { handle, path })
    }

    /// Makes what happened to names in this directory durable.
    pub(crate) fn sync(&self) -> Result<(), SaveError> {
        rustix::fs::fsync(&self.handle).map_err(|errno| SaveError::disk("syncing", &self.path, errno))
    }

    /// Opens a file for reading: never through a symbolic link, never waiting for a pipe.
    pub(crate) fn read_handle(&self, name: &str) -> Result<File, Errno> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        rustix::fs::openat(&self.handle, name, flags, Mode::empty()).map(File::from)
    }

    /// Creates a file that must not be there yet, 0600 from its first moment.
    pub(crate) fn create(&self, name: &str) -> Result<File, Errno> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&self.handle, name, flags, Mode::RUSR | Mode::WUSR).map(File::from)
    }

    /// Reads a file of at most `limit` bytes; `None` when there is none.
    pub(crate) fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, SaveError> {
        let path = self.path.join(name);
        let file = match self.read_handle(name) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(SaveError::disk("opening", &path, errno)),
        };
        read_all(&file, limit, &path).map(Some)
    }

    /// Through a new handle and the name: does the file hold exactly these bytes? No file: no.
    pub(crate) fn holds(&self, name: &str, bytes: &[u8]) -> Result<bool, SaveError> {
        let path = self.path.join(name);
        match self.read_handle(name) {
            Ok(file) => holds(&file, bytes, &path),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(SaveError::disk("opening", &path, errno)),
        }
    }

    /// The SHA-256 of a file; `None` when there is none.
    pub(crate) fn sum(&self, name: &str) -> Result<Option<String>, SaveError> {
        let path = self.path.join(name);
        match self.read_handle(name) {
            Ok(file) => sum(&file, &path).map(Some),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(SaveError::disk("opening", &path, errno)),
        }
    }

    /// Removes a name; that it is not there is fine.
    pub(crate) fn remove(&self, name: &str) -> Result<(), SaveError> {
        match rustix::fs::unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(SaveError::disk("removing", &self.path.join(name), errno)),
        }
    }

    /// The names in it, sorted, those that are not UTF-8 left out (none of ours is).
    pub(crate) fn names(&self) -> Result<Vec<String>, SaveError> {
        let fault = |errno| SaveError::disk("listing", &self.path, errno);
        let handle = self.again().map_err(fault)?;
        let mut names = Vec::new();
        let mut buffer = Vec::with_capacity(32 * 1024);
        let mut entries = RawDir::new(handle, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            if let Ok(name) = entry.map_err(fault)?.file_name().to_str()
                && name != "."
                && name != ".."
            {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Writes a file of ours so that it is the old one or the new one, whole, whatever happens: temp, fsync, rename, fsync of the
    /// directory. 0600. Read back before it takes its name, so that what stood there stays where that fails. A leftover is named `.tmp-…` and
    /// removed by recovery.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) -> Result<(), SaveError> {
        self.put_when(name, bytes, |file, path| prove(file, bytes, path))
    }

    /// The same for a name that is new: read back through it and through a new handle, as whoever needs it will read it.
    pub(crate) fn put_new(&self, name: &str, bytes: &[u8]) -> Result<(), SaveError> {
        self.put_when(name, bytes, |_, _| Ok(()))?;
        if self.holds(name, bytes)? {
            Ok(())
        } else {
            Err(SaveError::read_back(&self.path.join(name)))
        }
    }

    /// Writes a file that takes its name when it is durable and `proven`.
    fn put_when(
        &self,
        name: &str,
        bytes: &[u8],
        proven: impl FnOnce(&File, &Path) -> Result<(), SaveError>,
    ) -> Result<(), SaveError> {
        let temp = format!(".tmp-{}", random_name());
        let path = self.path.join(name);
        let mut file = self
            .create(&temp)
            .map_err(|errno| SaveError::disk("creating", &path, errno))?;
        let written = write_all(&mut file, bytes, &path)
            .and_then(|()| sync_file(&file, &path))
            .and_then(|()| proven(&file, &path))
            .and_then(|()| {
                rustix::fs::renameat(&self.handle, &temp, &self.handle, name)
                    .map_err(|errno| SaveError::disk("renaming", &path, errno))
            })
            .and_then(|()| self.sync());
        if written.is_err() {
            // The first error is the one to tell; what is left over is removed by recovery.
            let _ = self.remove(&temp);
        }
        written
    }
}

/// Reads a whole file from its beginning through a handle.
pub(crate) fn read_all(mut file: &File, limit: u64, path: &Path) -> Result<Vec<u8>, SaveError> {
    let fault = |error: &std::io::Error| SaveError::io("reading", path, error);
    let size = file.metadata().map_err(|error| fault(&error))?.len();
    if size > limit {
        return Err(SaveError::TooLarge {
            path: path.to_path_buf(),
            size,
            limit,
        });
    }
    file.seek(SeekFrom::Start(0)).map_err(|error| fault(&error))?;
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0).saturating_add(1));
    let read = file
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| fault(&error))?;
    let read = u64::try_from(read).unwrap_or(u64::MAX);
    if read > limit {
        return Err(SaveError::TooLarge {
            path: path.to_path_buf(),
            size: read,
            limit,
        });
    }
    Ok(bytes)
}

/// Takes a whole file from its beginning through a handle, piece by piece, until `take` has seen enough (returns false).
fn pieces(mut file: &File, path: &Path, mut take: impl FnMut(&[u8]) -> bool) -> Result<(), SaveError> {
    let fault = |error: &std::io::Error| SaveError::io("reading", path, error);
    file.seek(SeekFrom::Start(0)).map_err(|error| fault(&error))?;
    let mut buffer = vec![0; PIECE];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                if !take(buffer.get(..count).unwrap_or_default()) {
                    return Ok(());
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(fault(&error)),
        }
    }
}

/// Does the file hold exactly these bytes, to its end? One that is written to while it is read does not.
pub(crate) fn holds(file: &File, bytes: &[u8], path: &Path) -> Result<bool, SaveError> {
    let stand = || -> Result<_, SaveError> {
        let stat = rustix::fs::fstat(file).map_err(|errno| SaveError::disk("reading", path, errno))?;
        let stands = Snapshot::of(&stat);
        Ok((stands.size, stands.mtime))
    };
    let before = stand()?;
    if usize::try_from(before.0).ok() != Some(bytes.len()) {
        return Ok(false);
    }
    let (mut rest, mut same) = (bytes, true);
    pieces(file, path, |piece| {
        match rest.strip_prefix(piece) {
            Some(after) => rest = after,
            None => same = false,
        }
        same
    })?;
    Ok(same && rest.is_empty() && stand()? == before)
}

/// The SHA-256 of a file of at most [`LARGEST`] bytes, in lower-case hex.
pub(crate) fn sum(file: &File, path: &Path) -> Result<String, SaveError> {
    let (mut hasher, mut size) = (Sha256::new(), 0_u64);
    pieces(file, path, |piece| {
        hasher.update(piece);
        size = size.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        size <= LARGEST
    })?;
    if size > LARGEST {
        return Err(SaveError::TooLarge {
            path: path.to_path_buf(),
            size,
            limit: LARGEST,
        });
    }
    Ok(hex(&hasher.finalize()))
}

/// Writes everything at the handle's position.
pub(crate) fn write_all(file: &mut File, bytes: &[u8], path: &Path) -> Result<(), SaveError> {
    file.write_all(bytes)
        .map_err(|error| with_room(SaveError::io("writing", path, &error), file, bytes.len()))
}

/// Makes content and attributes of a file durable. Never called twice for one handle after a failure: the second call would lie.
pub(crate) fn sync_file(file: &File, path: &Path) -> Result<(), SaveError> {
    rustix::fs::fsync(file).map_err(|errno| with_room(SaveError::disk("syncing", path, errno), file, 0))
}

/// Proves through the handle that the file holds exactly these bytes.
pub(crate) fn prove(file: &File, bytes: &[u8], path: &Path) -> Result<(), SaveError> {
    if holds(file, bytes, path)? {
        Ok(())
    } else {
        Err(SaveError::read_back(path))
    }
}

/// Adds to "no room" how much is needed and free.
fn with_room(mut error: SaveError, file: &File, needed: usize) -> SaveError {
    if let SaveError::Disk {
        trouble: super::trouble::Trouble::NoRoom { need, free },
        ..
    } = &mut error
    {
        *need = u64::try_from(needed).unwrap_or(u64::MAX);
        *free = free_bytes(file);
    }
    error
}

/// The bytes that this user may still write on the file system of a handle.
pub(crate) fn free_bytes(handle: impl std::os::fd::AsFd) -> Option<u64> {
    let room = rustix::fs::fstatvfs(handle).ok()?;
    let blocks = if rustix::process::geteuid().is_root() {
        room.f_bfree
    } else {
        room.f_bavail
    };
    Some(blocks.saturating_mul(room.f_frsize))
}

/// SHA-256 in lower-case hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Sixteen hex digits that no other process has. Only to avoid clashes: `O_EXCL` is what protects.
pub(crate) fn random_name() -> String {
    use std::hash::{BuildHasher as _, Hasher as _};
    let mut hasher = std::hash::RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_its_bytes_to_the_end_and_neither_a_part_nor_more() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE] {
            let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            let held = |bytes: &[u8]| holds(&file, bytes, Path::new("x")).unwrap();
            assert!(held(&bytes) && held(&bytes), "{length}");
            assert!(!held(&[&bytes[..], b"x"].concat()), "{length}");
            for at in [0, length / 2, length.saturating_sub(1)] {
                let mut other = bytes.clone();
                if let Some(byte) = other.get_mut(at) {
                    *byte ^= 1;
                    assert!(!held(&other), "{length}: {at}");
                }
            }
            assert_eq!(length == 0, held(&bytes[..length.saturating_sub(1)]), "{length}");
            assert_eq!(sum(&file, Path::new("x")).unwrap(), sha256(&bytes));
        }
    }
}
