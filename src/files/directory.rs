//! A directory that was opened once: what is in it is reached through its handle, never through a path that could be
//! turned elsewhere.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FlockOperation, Gid, Mode, OFlags, RawDir, Stat, Uid};
use rustix::io::Errno;

use super::fault::{Fault, Why};
use super::opened::{Opened, holds, sync, write_all};
use super::walk::{Resolved, Trust, open_regular, resolve};

/// What begins the name of a file that is not whole yet.
const TEMP: &str = ".tmp-";

/// An open directory.
pub struct Directory {
    handle: OwnedFd,
    path: PathBuf,
    /// Why others could put another directory in its place.
    above: Option<String>,
    /// Why others could exchange what is in it: that, or its own owner and mode.
    within: Option<String>,
}

/// Who may do what with a file that is written anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permissions {
    /// Permission bits.
    pub mode: u32,
    /// User and group; `None`: whoever writes it.
    pub owner: Option<(u32, u32)>,
}

/// For us alone.
const PRIVATE: Permissions = Permissions {
    mode: 0o600,
    owner: None,
};

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Directory").field(&self.path).finish()
    }
}

impl Directory {
    /// Opens the directory that a path names, following symbolic links.
    /// # Errors
    /// It is missing, closed to this user, or no directory.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        Self::of(resolve(path)?)
    }

    /// Opens a directory that was found.
    pub(crate) fn of(found: Resolved) -> Result<Self, Fault> {
        let fault = |errno| Fault::system("opening", &found.path, errno);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let name = found.name.as_deref().unwrap_or(OsStr::new("."));
        let handle = rustix::fs::openat(&found.parent, name, flags, Mode::empty()).map_err(fault)?;
        Self::new(handle, found.path, found.changeable)
    }

    /// The directory in which a found thing lies.
    /// # Errors
    /// It is closed to this user.
    pub fn holding(found: &Resolved) -> Result<Self, Fault> {
        let path = found.path.parent().unwrap_or(&found.path).to_path_buf();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = rustix::fs::openat(&found.parent, ".", flags, Mode::empty());
        let handle = handle.map_err(|errno| Fault::system("opening", &path, errno))?;
        Self::new(handle, path, found.changeable.clone())
    }

    fn new(handle: OwnedFd, path: PathBuf, above: Option<String>) -> Result<Self, Fault> {
        let stat = rustix::fs::fstat(&handle).map_err(|errno| Fault::system("looking at", &path, errno))?;
        let own = || Trust::here().changeable_directory(&stat, &path);
        Ok(Self {
            within: above.clone().or_else(own),
            above,
            handle,
            path,
        })
    }

    /// Its path, for messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its handle.
    #[must_use]
    pub fn handle(&self) -> &OwnedFd {
        &self.handle
    }

    /// What it is now.
    /// # Errors
    /// The disk's.
    pub fn stat(&self) -> Result<Stat, Fault> {
        rustix::fs::fstat(&self.handle).map_err(|errno| Fault::system("looking at", &self.path, errno))
    }

    /// Why somebody else than root and this user could write to it or exchange it: its owner, its mode, a directory
    /// above, a link on the way. `None`: nobody could.
    /// # Errors
    /// The disk's.
    pub fn changeable(&self) -> Result<Option<String>, Fault> {
        let (stat, trust) = (self.stat()?, Trust::here());
        if !trust.trusts(stat.st_uid) {
            return Ok(Some(format!("it belongs to user {}", stat.st_uid)));
        }
        if trust.others_write(&stat) {
            let mode = stat.st_mode & 0o7777;
            return Ok(Some(format!("others may write to it (mode {mode:04o})")));
        }
        Ok(self.above.clone())
    }

    /// Why somebody else could exchange the directory itself, whatever is in it: a directory above, a link on the way.
    #[must_use]
    pub fn replaceable(&self) -> Option<&str> {
        self.above.as_deref()
    }

    /// A second handle on the same directory (its own open file description, so its own lock).
    pub(crate) fn again(&self) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::openat(&self.handle, ".", flags, Mode::empty())
    }

    /// A directory in it; made 0700 if it is not there.
    /// # Errors
    /// The disk's, or something else has that name.
    pub fn sub(&self, name: &str) -> Result<Self, Fault> {
        match rustix::fs::mkdirat(&self.handle, name, Mode::RWXU) {
            Ok(()) => self.sync()?,
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(Fault::system("creating", &self.path.join(name), errno)),
        }
        match self.existing(name)? {
            Some(directory) => Ok(directory),
            None => Err(Fault::system("opening", &self.path.join(name), Errno::NOENT)),
        }
    }

    /// A directory in it; `None`: there is none of that name.
    /// # Errors
    /// The disk's, or something else has that name.
    pub fn existing(&self, name: &str) -> Result<Option<Self>, Fault> {
        let path = self.path.join(name);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.handle, name, flags, Mode::empty()) {
            Ok(handle) => Self::new(handle, path, self.within.clone()).map(Some),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(Fault::system("opening", &path, errno)),
        }
    }

    /// Makes what happened to names in this directory durable.
    /// # Errors
    /// The disk's.
    pub fn sync(&self) -> Result<(), Fault> {
        rustix::fs::fsync(&self.handle).map_err(|errno| Fault::system("syncing", &self.path, errno))
    }

    /// Opens a regular file in it for reading; `None`: there is nothing of that name.
    /// # Errors
    /// It is closed to this user, or no regular file.
    pub fn open_file(&self, name: &str) -> Result<Option<Opened>, Fault> {
        let path = self.path.join(name);
        match open_regular(&self.handle, OsStr::new(name), &path) {
            Ok((file, stat)) => Ok(Some(Opened::new(file, stat, &path, self.within.clone()))),
            Err(fault) if fault.is_missing() => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The content of a file of at most `limit` bytes; `None`: there is nothing of that name.
    /// # Errors
    /// As [`Self::open_file`]; it has more bytes.
    pub fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Fault> {
        self.open_file(name)?.map(|opened| opened.read(limit)).transpose()
    }

    /// Through a new handle and the name: does the file hold exactly these bytes? No file: no.
    /// # Errors
    /// As [`Self::open_file`].
    pub fn holds(&self, name: &str, bytes: &[u8]) -> Result<bool, Fault> {
        let Some(opened) = self.open_file(name)? else {
            return Ok(false);
        };
        holds(opened.file(), bytes, &self.path.join(name))
    }

    /// Creates a file that must not be there yet, 0600 from its first moment.
    pub(crate) fn create(&self, name: &str) -> Result<File, Errno> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&self.handle, name, flags, Mode::RUSR | Mode::WUSR).map(File::from)
    }

    /// Opens a file that grows; made 0600 if it is not there.
    /// # Errors
    /// The disk's, or it is no regular file.
    pub fn append_to(&self, name: &str) -> Result<File, Fault> {
        self.open_or_create(name, OFlags::APPEND)
    }

    fn open_or_create(&self, name: &str, more: OFlags) -> Result<File, Fault> {
        let path = self.path.join(name);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | more;
        let fault = |errno| Fault::system("opening", &path, errno);
        match super::walk::look_before(&self.handle, OsStr::new(name), &path) {
            Err(found) if !found.is_missing() => return Err(found),
            _ => {}
        }
        let file = rustix::fs::openat(&self.handle, name, flags, Mode::RUSR | Mode::WUSR).map_err(fault)?;
        match super::walk::kind(&rustix::fs::fstat(&file).map_err(fault)?) {
            None => Ok(file.into()),
            Some(what) => Err(Fault::new("opening", &path, Why::NotAFile(what))),
        }
    }

    /// Takes the lock of that name without waiting; `None`: somebody has it. It ends with the value, or with the
    /// process.
    /// # Errors
    /// The disk's; this file system knows no locks.
    pub fn lock(&self, name: &str) -> Result<Option<Lock>, Fault> {
        let file = self.open_or_create(name, OFlags::empty())?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Lock { handle: file.into() })),
            Err(Errno::AGAIN) => Ok(None),
            Err(errno) => Err(Fault::system("locking", &self.path.join(name), errno)),
        }
    }

    /// Removes a name; that it is not there is fine.
    /// # Errors
    /// The disk's.
    pub fn remove(&self, name: &str) -> Result<(), Fault> {
        match rustix::fs::unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(Fault::system("removing", &self.path.join(name), errno)),
        }
    }

    /// Removes what was left by writing that broke off. Only for a directory that is ours alone, and whose lock is
    /// held.
    /// # Errors
    /// The disk's.
    pub fn remove_leftovers(&self) -> Result<(), Fault> {
        for name in self.names()?.iter().filter(|name| is_temp_name(name)) {
            self.remove(name)?;
        }
        Ok(())
    }

    /// The names in it, sorted, those that are not UTF-8 left out (none of ours is).
    /// # Errors
    /// The disk's.
    pub fn names(&self) -> Result<Vec<String>, Fault> {
        let fault = |errno| Fault::system("listing", &self.path, errno);
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

    /// Writes a small file so that it is the old one or the new one, whole, whatever happens: beside it, 0600, read
    /// back, made durable, renamed, and that made durable. Read back before it takes its name, so that what stood there
    /// stays where that fails.
    /// # Errors
    /// The disk's; the old file stands there then, as a rule (the new one, if only the last step failed).
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Fault> {
        self.write_for(name, bytes, PRIVATE)
    }

    /// The same, with other permissions: those of the file that it takes the place of.
    /// # Errors
    /// As [`Self::write`]; this user may not give it that owner.
    pub fn write_for(&self, name: &str, bytes: &[u8], permissions: Permissions) -> Result<(), Fault> {
        self.write_when(name, bytes, permissions, |file, path| {
            if holds(file, bytes, path)? {
                Ok(())
            } else {
                Err(Fault::new("reading back", path, Why::ReadBack))
            }
        })
    }

    /// The same as [`Self::write`] for a name that is new: read back through it and through a new handle, as whoever
    /// needs it will read it.
    /// # Errors
    /// As [`Self::write`].
    pub fn write_new(&self, name: &str, bytes: &[u8]) -> Result<(), Fault> {
        self.write_when(name, bytes, PRIVATE, |_, _| Ok(()))?;
        if self.holds(name, bytes)? {
            Ok(())
        } else {
            Err(Fault::new("reading back", &self.path.join(name), Why::ReadBack))
        }
    }

    fn write_when(
        &self,
        name: &str,
        bytes: &[u8],
        permissions: Permissions,
        proven: impl FnOnce(&File, &Path) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let temp = format!("{TEMP}{}", random_name());
        let path = self.path.join(name);
        let file = self
            .create(&temp)
            .map_err(|errno| Fault::system("creating", &path, errno))?;
        let written = write_all(&file, bytes, &path)
            .and_then(|()| give(&file, permissions, &path))
            .and_then(|()| sync(&file, &path))
            .and_then(|()| proven(&file, &path))
            .and_then(|()| {
                rustix::fs::renameat(&self.handle, &temp, &self.handle, name).map_err(|errno| match errno {
                    Errno::ISDIR => Fault::new("renaming", &path, Why::NotAFile("a directory")),
                    errno => Fault::system("renaming", &path, errno),
                })
            })
            .and_then(|()| self.sync());
        if written.is_err() {
            // The first error is the one that counts.
            let _ = self.remove(&temp);
        }
        written
    }
}

/// Owner first, mode last: nobody may read it a moment too early.
fn give(file: &File, permissions: Permissions, path: &Path) -> Result<(), Fault> {
    if let Some((user, group)) = permissions.owner {
        rustix::fs::fchown(file, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)))
            .map_err(|errno| Fault::system("giving its owner to", path, errno))?;
    }
    if permissions.mode == PRIVATE.mode {
        return Ok(());
    }
    rustix::fs::fchmod(file, Mode::from_raw_mode(permissions.mode))
        .map_err(|errno| Fault::system("giving its mode to", path, errno))
}

/// A lock that is held.
#[derive(Debug)]
pub struct Lock {
    handle: OwnedFd,
}

impl Lock {
    /// Is it on this file?
    #[must_use]
    pub fn is_on(&self, stat: &Stat) -> bool {
        rustix::fs::fstat(&self.handle).is_ok_and(|own| (own.st_dev, own.st_ino) == (stat.st_dev, stat.st_ino))
    }
}

impl Drop for Lock {
    /// Said, not left to closing: a child that another thread is just starting has a copy of the handle until its
    /// `exec`.
    fn drop(&mut self) {
        let _ = rustix::fs::flock(&self.handle, FlockOperation::Unlock);
    }
}

/// Sixteen hex digits that no other process has. Only to avoid clashes: `O_EXCL` is what protects.
pub(crate) fn random_name() -> String {
    use std::hash::{BuildHasher as _, Hasher as _};
    let mut hasher = std::hash::RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    format!("{:016x}", hasher.finish())
}

/// Is this the name of a file that [`Directory::write`] had not finished?
pub(crate) fn is_temp_name(name: &str) -> bool {
    name.strip_prefix(TEMP)
        .is_some_and(|random| random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
