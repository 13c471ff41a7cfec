//! The file to be saved: where it really is, what it was when it was read, and its owner, mode and attributes, which
//! must not be lost.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Gid, Mode, Stat, Uid, XattrFlags};
use rustix::io::Errno;

use super::error::{SaveError, What};
use super::trouble::{OnDisk, Trouble, shown};
use crate::files::{self, Directory, Why};

/// Files larger than this are not read: a document has at most 1 GiB.
pub(crate) const LARGEST: u64 = 1 << 30;

/// Which file it is and how it stands: two equal ones mean that nobody touched it in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot {
    /// Device number.
    pub dev: u64,
    /// Inode number.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// Last change of the content: seconds and nanoseconds since 1970.
    pub mtime: (i64, u64),
    /// Last change of content or attributes: seconds and nanoseconds since 1970.
    pub ctime: (i64, u64),
    /// Permission bits, with set-id and sticky bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Names of the file (hard links).
    pub links: u64,
}

impl Snapshot {
    #[allow(clippy::useless_conversion)] // the widths of these fields differ by architecture
    pub(crate) fn of(stat: &Stat) -> Self {
        Self {
            dev: u64::from(stat.st_dev),
            inode: u64::from(stat.st_ino),
            size: u64::try_from(stat.st_size).unwrap_or(0),
            mtime: (i64::from(stat.st_mtime), u64::from(stat.st_mtime_nsec)),
            ctime: (i64::from(stat.st_ctime), u64::from(stat.st_ctime_nsec)),
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            links: u64::from(stat.st_nlink),
        }
    }

    /// The same file (not: the same content)?
    pub(crate) fn same_file(&self, other: &Self) -> bool {
        self.dev == other.dev && self.inode == other.inode
    }

    /// Changed so recently that a second change could carry the same time (ticks of the file system's clock are up to
    /// 10 ms)?
    fn is_fresh(&self) -> bool {
        let Ok(now) = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) else {
            return true;
        };
        let Ok(seconds) = u64::try_from(self.ctime.0) else {
            return false;
        };
        let changed = std::time::Duration::from_secs(seconds) + std::time::Duration::from_nanos(self.ctime.1);
        now.saturating_sub(changed) < std::time::Duration::from_millis(50)
    }
}

/// The real file behind a path that may be a symbolic link, held by its directory.
pub struct Target {
    asked: PathBuf,
    path: PathBuf,
    name: String,
    parent: Directory,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target")
            .field("asked", &self.asked)
            .field("path", &self.path)
            .finish()
    }
}

impl Target {
    /// Follows symbolic links (the link itself is never written) and opens the directory that holds the real file.
    /// # Errors
    /// No such file, a link to nothing, no permission, or something that is not a file, each by its name.
    pub fn resolve(asked: &Path) -> Result<Self, SaveError> {
        let not_a_file = |what| {
            let path = asked.to_path_buf();
            SaveError::from(What::NotAFile { path, what })
        };
        let found = match files::resolve(asked) {
            Ok(found) => found,
            Err(fault) if fault.is_missing() => {
                return Err(What::NotFound {
                    path: asked.to_path_buf(),
                }
                .into());
            }
            Err(fault) => return Err(fault.into()),
        };
        let Some(name) = found.name() else {
            return Err(not_a_file("a directory"));
        };
        let name = name.to_str().ok_or_else(|| not_a_file("a name that is not UTF-8"))?;
        if let Some(what) = found.kind() {
            return Err(not_a_file(what));
        }
        Ok(Self {
            asked: asked.to_path_buf(),
            name: name.to_owned(),
            parent: Directory::holding(&found)?,
            path: found.path().to_path_buf(),
        })
    }

    /// The path as it was given.
    #[must_use]
    pub fn asked(&self) -> &Path {
        &self.asked
    }

    /// The real file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn parent(&self) -> &Directory {
        &self.parent
    }

    /// Reads the file. What is returned stood in it as a whole at one moment, as far as that can be seen: the identity
    /// is the same before and after, and a file that was changed just now is read until two readings are equal.
    /// # Errors
    /// [`What::NeverQuiet`] when it kept changing for two seconds; no permission; too large; no longer a file.
    pub fn read(&self) -> Result<(Vec<u8>, Snapshot), SaveError> {
        self.read_handle().map(|(bytes, snapshot, _)| (bytes, snapshot))
    }

    /// The same, with the handle that was read, for attributes.
    pub(crate) fn read_handle(&self) -> Result<(Vec<u8>, Snapshot, File), SaveError> {
        self.quiet(|file, last: Option<Vec<u8>>| {
            if let Some(bytes) = last
                && files::holds(file, &bytes, &self.path)?
            {
                return Ok((bytes, true));
            }
            Ok((files::read_all(file, LARGEST, &self.path)?, false))
        })
    }

    /// Does the file hold exactly these bytes? Looked at as [`Self::read`] reads it, without a copy of it.
    pub(crate) fn holds(&self, bytes: &[u8]) -> Result<(bool, Snapshot, File), SaveError> {
        self.quiet(|file, last| {
            let now = files::holds(file, bytes, &self.path)?;
            Ok((now, last == Some(now)))
        })
    }

    /// The SHA-256 of the file, read as [`Self::read`] does, without a copy of it.
    pub(crate) fn sum(&self) -> Result<(String, Snapshot), SaveError> {
        let (sum, snapshot, _) = self.quiet(|file, last: Option<String>| {
            let now = files::sha256_of(file, LARGEST, &self.path)?;
            let same = last.as_ref() == Some(&now);
            Ok((now, same))
        })?;
        Ok((sum, snapshot))
    }

    /// Looks at the file until it holds still. `look` is given what it found the time before, if the file held still
    /// then, and says what it finds and whether that is the same.
    fn quiet<T>(
        &self,
        mut look: impl FnMut(&File, Option<T>) -> Result<(T, bool), SaveError>,
    ) -> Result<(T, Snapshot, File), SaveError> {
        let name = self.name.as_str();
        let fault = |errno| SaveError::disk("reading", &self.path, errno);
        let mut last: Option<T> = None;
        for attempt in 0..40_u64 {
            if attempt > 0 {
                std::thread::sleep(std::time::Duration::from_millis(50.min(attempt * 5)));
            }
            let opened = match self.parent.open_file(name) {
                Ok(Some(opened)) => opened,
                // Replaced by rename or by remove-and-create: for a moment there may be nothing.
                Ok(None) if attempt < 5 => continue,
                Ok(None) => return Err(fault(Errno::NOENT)),
                // What stands there now somebody else has put there.
                Err(found) if matches!(found.why, Why::NotAFile(_)) => {
                    return Err(SaveError::from(found).with_on_disk(OnDisk::Theirs));
                }
                Err(found) => return Err(found.into()),
            };
            let before = Snapshot::of(opened.stat());
            let file = opened.into_file();
            let (found, same) = look(&file, last.take())?;
            let after = rustix::fs::fstat(&file)
                .map(|stat| Snapshot::of(&stat))
                .map_err(fault)?;
            let named = rustix::fs::statat(self.parent.handle(), name, AtFlags::SYMLINK_NOFOLLOW);
            let named = named.map(|stat| Snapshot::of(&stat));
            let held_still = before == after && named == Ok(after);
            if held_still && (!after.is_fresh() || same) {
                return Ok((found, after, file));
            }
            last = held_still.then_some(found);
        }
        let path = self.path.clone();
        Err(What::NeverQuiet { path }.into())
    }

    /// What the name is right now.
    pub(crate) fn stat(&self) -> Result<Stat, Errno> {
        rustix::fs::statat(self.parent.handle(), &self.name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Is this a name that we give to files beside the target? `.mailserver.cfg.kerio-tls-0123456789abcdef`.
    pub(crate) fn is_temp_name(&self, name: &str) -> bool {
        name.strip_prefix(&self.temp_prefix())
            .is_some_and(|random| random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }

    /// A fresh name beside the target.
    pub(crate) fn temp_name(&self) -> String {
        format!("{}{}", self.temp_prefix(), files::random_name())
    }

    fn temp_prefix(&self) -> String {
        // A name may have 255 bytes; ours adds 28.
        if self.name.len() <= 200 {
            format!(".{}.kerio-tls-", self.name)
        } else {
            let digest: String = files::sha256(self.name.as_bytes()).chars().take(16).collect();
            format!(".{digest}.kerio-tls-")
        }
    }
}

/// Everything about a file but its content and times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Extended attributes that this process can see, among them the ACL and the SELinux label.
    pub(crate) xattrs: BTreeMap<String, Vec<u8>>,
}

/// Attributes that only the kernel or a privileged tool makes and that belong to one inode's content or storage: a copy
/// would be wrong (`security.ima`, `security.evm` sign the old bytes; `btrfs.*` says how its blocks are stored) or is
/// impossible in a container (`trusted.*`). Not carrying them over is worth a word, not a refusal. All others must be
/// kept: a `system.posix_acl_access` or `security.selinux` that is lost can lock the engine out of its file, a `user.*`
/// is somebody's data.
fn may_be_lost(name: &str) -> bool {
    name.starts_with("trusted.") || name.starts_with("btrfs.") || matches!(name, "security.ima" | "security.evm")
}

impl Attributes {
    /// Reads them from an open file.
    pub(crate) fn of(file: &File, path: &Path) -> Result<Self, SaveError> {
        let fault = |errno| SaveError::disk("reading the attributes of", path, errno);
        let snapshot = Snapshot::of(&rustix::fs::fstat(file).map_err(fault)?);
        Ok(Self {
            mode: snapshot.mode,
            uid: snapshot.uid,
            gid: snapshot.gid,
            xattrs: xattrs(file).map_err(fault)?,
        })
    }

    /// The extended attributes with their values in hex.
    pub(crate) fn in_hex(&self) -> BTreeMap<String, String> {
        let hex = |value: &[u8]| value.iter().map(|byte| format!("{byte:02x}")).collect();
        let pairs = self.xattrs.iter();
        pairs.map(|(name, value)| (name.clone(), hex(value))).collect()
    }

    /// Differs in what must be kept?
    pub(crate) fn differs(&self, other: &Self) -> bool {
        let must = |it: &Self| -> BTreeMap<String, Vec<u8>> {
            it.xattrs
                .iter()
                .filter(|(name, _)| !may_be_lost(name))
                .map(|(n, v)| (n.clone(), v.clone()))
                .collect()
        };
        (self.mode, self.uid, self.gid) != (other.mode, other.uid, other.gid) || must(self) != must(other)
    }

    /// Gives them to a new file: owner, extended attributes, and the mode last, so that nobody may read it a moment too
    /// early. Returns what could not be kept and may be lost.
    pub(crate) fn give(&self, file: &File, path: &Path) -> Result<Vec<String>, SaveError> {
        let mut lost = Vec::new();
        let has = Self::of(file, path)?;
        if (has.uid, has.gid) != (self.uid, self.gid) {
            let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
            let uid = (has.uid != self.uid).then_some(uid);
            let gid = (has.gid != self.gid).then_some(gid);
            rustix::fs::fchown(file, uid, gid)
                .map_err(|errno| SaveError::disk("giving the new file its owner,", path, errno))?;
        }
        for name in has.xattrs.keys().filter(|name| !self.xattrs.contains_key(*name)) {
            // Inherited from a default ACL or label of the directory; the old file has none.
            match rustix::fs::fremovexattr(file, name.as_str()) {
                Ok(()) | Err(Errno::NODATA) => {}
                Err(_) if may_be_lost(name) => {}
                Err(errno) => return Err(SaveError::disk("giving the new file its attributes,", path, errno)),
            }
        }
        for (name, value) in &self.xattrs {
            if has.xattrs.get(name) == Some(value) {
                continue;
            }
            match rustix::fs::fsetxattr(file, name.as_str(), value, XattrFlags::empty()) {
                Ok(()) => {}
                Err(_) if may_be_lost(name) => lost.push(not_kept(name)),
                Err(errno) => {
                    return Err(SaveError::disk(
                        "giving the new file its ACL and attributes,",
                        path,
                        errno,
                    ));
                }
            }
        }
        let fault = |errno| SaveError::disk("giving the new file its mode,", path, errno);
        rustix::fs::fchmod(file, Mode::from_raw_mode(self.mode)).map_err(fault)?;
        let now = Self::of(file, path)?;
        if self.differs(&now) {
            // A file system that says yes and does otherwise (vfat, some FUSE): then the old file's rights cannot be
            // kept.
            let doing = "giving the new file owner, mode and ACL,";
            return Err(SaveError::trouble(doing, path, Trouble::ReadBack));
        }
        Ok(lost)
    }
}

fn not_kept(name: &str) -> String {
    format!("the extended attribute {} was not carried over", shown(name))
}

fn xattrs(file: &File) -> Result<BTreeMap<String, Vec<u8>>, Errno> {
    let mut names = vec![0_u8; 65536]; // XATTR_LIST_MAX
    let length = match rustix::fs::flistxattr(file, &mut names[..]) {
        Ok(length) => length,
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => 0,
        Err(errno) => return Err(errno),
    };
    names.truncate(length);
    let mut found = BTreeMap::new();
    for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let Ok(name) = std::str::from_utf8(name) else { continue };
        let mut value = vec![0_u8; 65536]; // XATTR_SIZE_MAX
        match rustix::fs::fgetxattr(file, name, &mut value[..]) {
            Ok(length) => value.truncate(length),
            Err(Errno::NODATA) => continue,
            Err(_) if may_be_lost(name) => continue,
            Err(errno) => return Err(errno),
        }
        found.insert(name.to_owned(), value);
    }
    Ok(found)
}
