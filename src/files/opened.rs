//! A file that was opened for reading: what is judged and what is read are the same.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::Stat;
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::fault::{Fault, Why};
use super::walk::{Trust, open_looked_at, open_without_links, resolve};

/// Files that are only compared or summed are read in pieces of so many bytes: a second copy of a file of 10 MB is not
/// needed for that.
const PIECE: usize = 64 * 1024;

/// A regular file, open for reading.
#[derive(Debug)]
pub struct Opened {
    file: File,
    stat: Stat,
    path: PathBuf,
    /// Why others could have put another file there.
    above: Option<String>,
}

/// Opens the regular file that a path names, following symbolic links; one that a stranger made only to a file of his
/// own.
/// # Errors
/// It is missing, closed to this user, no regular file, or behind a stranger's link.
pub fn open(path: &Path) -> Result<Opened, Fault> {
    let found = resolve(path)?;
    let Some(name) = &found.name else {
        return Err(Fault::new("opening", path, Why::NotAFile("a directory")));
    };
    if let Some(what) = found.kind() {
        return Err(Fault::new("opening", path, Why::NotAFile(what)));
    }
    let (file, stat) = open_looked_at(&found.parent, name, path)?;
    if let Some(link) = found.link_owner
        && link != stat.st_uid
    {
        let file = stat.st_uid;
        return Err(Fault::new("opening", path, Why::ForeignLink { link, file }));
    }
    Ok(Opened::new(file, stat, path, found.changeable))
}

/// The whole content of the file that a path names, if it has at most `limit` bytes: [`open()`] and [`Opened::read`].
/// # Errors
/// Those of both.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Fault> {
    match open_without_links(path) {
        Some(opened) => read_all(&opened?.0, limit, path),
        None => open(path)?.read(limit),
    }
}

/// The first `most` bytes of a file of the kernel's, such as those of `/proc`, where nobody can put another one:
/// [`open()`] and [`read()`] refuse these.
/// # Errors
/// It is missing or closed to this user; it is of a process that has ended.
pub fn read_kernel(path: &Path, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Opened {
    pub(super) fn new(file: File, stat: Stat, path: &Path, above: Option<String>) -> Self {
        let path = path.to_path_buf();
        Self {
            file,
            stat,
            path,
            above,
        }
    }

    /// The handle.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The handle, alone.
    #[must_use]
    pub fn into_file(self) -> File {
        self.file
    }

    /// What the handle was when it was opened.
    #[must_use]
    pub fn stat(&self) -> &Stat {
        &self.stat
    }

    /// Its size when it was opened, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        u64::try_from(self.stat.st_size).unwrap_or(0)
    }

    /// Why somebody else than root and this user could have written it or put it there: its owner, its mode, a
    /// directory above, a link on the way. `None`: nobody could.
    #[must_use]
    pub fn changeable(&self) -> Option<String> {
        let trust = Trust::here();
        if !trust.trusts(self.stat.st_uid) {
            return Some(format!("it belongs to user {}", self.stat.st_uid));
        }
        if trust.others_write(&self.stat) {
            let mode = self.stat.st_mode & 0o7777;
            return Some(format!("others may write to it (mode {mode:04o})"));
        }
        self.above.clone()
    }

    /// Its whole content, if it has at most `limit` bytes.
    /// # Errors
    /// It has more, or the disk fails.
    pub fn read(&self, limit: u64) -> Result<Vec<u8>, Fault> {
        read_all(&self.file, limit, &self.path)
    }
}

/// The whole content from its beginning through a handle, if it has at most `limit` bytes. `path` is for the error
/// only.
/// # Errors
/// It has more, or the disk fails.
pub fn read_all(mut file: &File, limit: u64, path: &Path) -> Result<Vec<u8>, Fault> {
    let fault = |error: std::io::Error| Fault::io("reading", path, &error);
    let too_large = |size| Err(Fault::new("reading", path, Why::TooLarge { size, limit }));
    let size = file.metadata().map_err(fault)?.len();
    if size > limit {
        return too_large(size);
    }
    file.seek(SeekFrom::Start(0)).map_err(fault)?;
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0).saturating_add(1));
    // Files of /proc say that they have no bytes.
    let read = file
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(fault)?;
    let read = u64::try_from(read).unwrap_or(u64::MAX);
    if read > limit { too_large(read) } else { Ok(bytes) }
}

/// Takes a whole file from its beginning through a handle, piece by piece, until `take` has seen enough (returns
/// false).
fn pieces(mut file: &File, path: &Path, mut take: impl FnMut(&[u8]) -> bool) -> Result<(), Fault> {
    let fault = |error: std::io::Error| Fault::io("reading", path, &error);
    file.seek(SeekFrom::Start(0)).map_err(fault)?;
    let mut buffer = vec![0; PIECE];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                if !buffer.get(..count).is_some_and(&mut take) {
                    return Ok(());
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(fault(error)),
        }
    }
}

/// Does the file hold exactly these bytes, to its end? One that is written to while it is read does not.
/// # Errors
/// The disk's.
pub fn holds(file: &File, bytes: &[u8], path: &Path) -> Result<bool, Fault> {
    let stand = || {
        let stat = rustix::fs::fstat(file).map_err(|errno| Fault::system("reading", path, errno))?;
        Ok((stat.st_size, stat.st_mtime, stat.st_mtime_nsec))
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

/// The SHA-256 of a file of at most `limit` bytes, in lower-case hex.
/// # Errors
/// It has more, or the disk fails.
pub fn sha256_of(file: &File, limit: u64, path: &Path) -> Result<String, Fault> {
    let (mut hasher, mut size) = (Sha256::new(), 0_u64);
    pieces(file, path, |piece| {
        hasher.update(piece);
        size = size.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        size <= limit
    })?;
    if size > limit {
        return Err(Fault::new("reading", path, Why::TooLarge { size, limit }));
    }
    Ok(hex(&hasher.finalize()))
}

/// SHA-256 in lower-case hex.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes everything at the handle's position.
/// # Errors
/// The disk's.
pub fn write_all(mut file: &File, bytes: &[u8], path: &Path) -> Result<(), Fault> {
    file.write_all(bytes)
        .map_err(|error| with_room(Fault::io("writing", path, &error), file, bytes.len()))
}

/// Makes content and attributes of a file durable. Never to be called again for the same handle after a failure: the
/// second call would lie.
/// # Errors
/// The disk's.
pub fn sync(file: &File, path: &Path) -> Result<(), Fault> {
    rustix::fs::fsync(file).map_err(|errno| with_room(Fault::system("syncing", path, errno), file, 0))
}

/// Adds to "no room" how much is needed and free.
fn with_room(mut fault: Fault, file: &File, needed: usize) -> Fault {
    if fault.why == Why::System(Errno::NOSPC) {
        fault.why = Why::NoRoom {
            need: u64::try_from(needed).unwrap_or(u64::MAX),
            free: free_bytes(file),
        };
    }
    fault
}

/// The bytes that this user may still write on the file system of a handle; `None`: it does not say.
pub fn free_bytes(handle: impl std::os::fd::AsFd) -> Option<u64> {
    let room = rustix::fs::fstatvfs(handle).ok()?;
    let blocks = if rustix::process::geteuid().is_root() {
        room.f_bfree
    } else {
        room.f_bavail
    };
    Some(blocks.saturating_mul(room.f_frsize))
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
            assert_eq!(sha256_of(&file, u64::MAX, Path::new("x")).unwrap(), sha256(&bytes));
        }
    }
}
