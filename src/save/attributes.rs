//! Owner, mode and extended attributes: what a replaced file must not lose.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use rustix::fs::{Gid, Mode, Uid, XattrFlags};
use rustix::io::Errno;

use super::error::SaveError;
use super::target::Snapshot;
use super::trouble::{Trouble, shown};

/// Everything about a file but its content and times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Extended attributes that this process can see, among them the ACL and the SELinux label.
    pub(crate) xattrs: BTreeMap<String, Vec<u8>>,
}

/// Attributes that only the kernel or a privileged tool makes and that belong to one inode's content or storage: a copy would be wrong
/// (`security.ima`, `security.evm` sign the old bytes; `btrfs.*` says how its blocks are stored) or is impossible in a container
/// (`trusted.*`). Not carrying them over is worth a word, not a refusal. All others must be kept: a `system.posix_acl_access` or
/// `security.selinux` that is lost can lock the engine out of its file, a `user.*` is somebody's data.
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

    /// Gives them to a new file: owner, extended attributes, and the mode last, so that nobody may read it a moment too early.
    /// Returns what could not be kept and may be lost.
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
            // A file system that says yes and does otherwise (vfat, some FUSE): then the old file's rights cannot be kept.
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
