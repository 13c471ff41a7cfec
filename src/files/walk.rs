//! From a path to what it names, name by name, each through the handle of the one before: nobody can exchange a part
//! that was looked at already.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use super::fault::{Fault, Why, shown};

/// As many symbolic links as the kernel itself follows (path_resolution(7)).
const LINKS_MAX: usize = 40;

/// What a path names.
pub struct Resolved {
    /// The real path, without symbolic links.
    pub(crate) path: PathBuf,
    /// The directory that holds it, opened with `O_PATH`; of `/`, itself.
    pub(crate) parent: OwnedFd,
    /// Its name in there; `None`: it is `/`, or the path ends in `..`.
    pub(crate) name: Option<OsString>,
    /// Why others could make the path lead elsewhere: a directory above, or a link on the way.
    pub(crate) changeable: Option<String>,
    /// An owner, neither root nor we, of a symbolic link on the way.
    pub(crate) link_owner: Option<u32>,
    /// What it is, if it is no regular file of a disk, with its article.
    kind: Option<&'static str>,
}

impl Resolved {
    /// The real path, without symbolic links.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its name in its directory; `None`: it is `/`, or the path ends in `..`.
    #[must_use]
    pub fn name(&self) -> Option<&OsStr> {
        self.name.as_deref()
    }

    /// What it is, if it is no regular file of a disk, with its article.
    #[must_use]
    pub fn kind(&self) -> Option<&'static str> {
        self.kind
    }
}

/// Follows a path to its end. What it names is not opened for reading.
/// # Errors
/// A part of it is missing or closed to this user, or there are too many links.
pub fn resolve(path: &Path) -> Result<Resolved, Fault> {
    let absolute = std::path::absolute(path).map_err(|error| Fault::io("finding", path, &error))?;
    Walk::start(path)?.to(&absolute)
}

struct Walk<'a> {
    asked: &'a Path,
    trust: Trust,
    /// The directory that was reached.
    here: OwnedFd,
    real: PathBuf,
    links: usize,
    /// How many parts of the path are left behind the links: while there are more, a link is being followed.
    behind: Option<usize>,
    changeable: Option<String>,
    link_owner: Option<u32>,
}

impl<'a> Walk<'a> {
    fn start(asked: &'a Path) -> Result<Self, Fault> {
        let fault = |errno| Fault::system("finding", asked, errno);
        let here = root().map_err(fault)?;
        let stat = rustix::fs::fstat(&here).map_err(fault)?;
        let trust = Trust::here();
        Ok(Self {
            asked,
            changeable: trust.changeable_directory(&stat, Path::new("/")),
            trust,
            here,
            real: PathBuf::from("/"),
            links: 0,
            behind: None,
            link_owner: None,
        })
    }

    fn to(mut self, path: &Path) -> Result<Resolved, Fault> {
        let mut rest = parts(path);
        while let Some(part) = rest.pop_front() {
            let handle = match open_at(&self.here, &part) {
                Ok(handle) => handle,
                Err(Errno::NOENT) if self.behind.is_some_and(|behind| rest.len() >= behind) => {
                    return Err(Fault::new("finding", self.asked, Why::LinkLeadsNowhere));
                }
                Err(errno) => return Err(self.fault(&part, errno)),
            };
            let stat = rustix::fs::fstat(&handle).map_err(|errno| self.fault(&part, errno))?;
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Symlink => {
                    self.links += 1;
                    if self.links > LINKS_MAX {
                        return Err(Fault::new("finding", self.asked, Why::LinksInACircle));
                    }
                    let text = rustix::fs::readlinkat(&handle, "", Vec::new());
                    let text = text.map_err(|errno| self.fault(&part, errno))?;
                    let target = PathBuf::from(OsString::from_vec(text.into_bytes()));
                    self.follow(&part, &stat, &target)?;
                    self.behind = Some(self.behind.map_or(rest.len(), |behind| behind.min(rest.len())));
                    let mut more = parts(&target);
                    more.append(&mut rest);
                    rest = more;
                }
                FileType::Directory => {
                    if rest.is_empty() && part != ".." {
                        return Ok(self.end(Some(part), kind(&stat)));
                    }
                    if part == ".." {
                        self.real.pop();
                    } else {
                        self.real.push(&part);
                    }
                    let found = self.trust.changeable_directory(&stat, &self.real);
                    self.changeable = self.changeable.take().or(found);
                    self.here = handle;
                }
                _ if rest.is_empty() => {
                    let what = kind(&stat).or_else(|| of_the_kernel(&handle));
                    return Ok(self.end(Some(part), what));
                }
                _ => return Err(self.fault(&part, Errno::NOTDIR)),
            }
        }
        Ok(self.end(None, Some("a directory")))
    }

    fn follow(&mut self, part: &OsStr, link: &Stat, target: &Path) -> Result<(), Fault> {
        if !self.trust.trusts(link.st_uid) {
            let path = self.real.join(part);
            let found = format!("the symbolic link {} belongs to user {}", shown(&path), link.st_uid);
            self.changeable.get_or_insert(found);
            // Of two strangers' links neither may choose for the other.
            let same = self.link_owner.is_none_or(|owner| owner == link.st_uid);
            self.link_owner = Some(if same { link.st_uid } else { u32::MAX });
        }
        if target.is_absolute() {
            self.here = root().map_err(|errno| Fault::system("finding", self.asked, errno))?;
            self.real = PathBuf::from("/");
        }
        Ok(())
    }

    fn end(self, name: Option<OsString>, kind: Option<&'static str>) -> Resolved {
        let path = name
            .as_ref()
            .map_or_else(|| self.real.clone(), |name| self.real.join(name));
        Resolved {
            path,
            parent: self.here,
            name,
            changeable: self.changeable,
            link_owner: self.link_owner,
            kind,
        }
    }

    /// With the path that was asked for: what lies behind a link says nothing to whoever asked.
    fn fault(&self, part: &OsStr, errno: Errno) -> Fault {
        let path = if self.links == 0 {
            self.real.join(part)
        } else {
            self.asked.to_path_buf()
        };
        let path = if errno == Errno::NOENT {
            self.asked.to_path_buf()
        } else {
            path
        };
        Fault::system("finding", &path, errno)
    }
}

/// Who can change a file without our knowing? Nobody but root and ourselves is trusted.
#[derive(Clone, Copy)]
pub(super) struct Trust {
    ours: u32,
    our_group: u32,
    /// The owner of `/`: root, or in a user name space that has none the number by which it shows owners that it does
    /// not know. Root outside cannot be told apart from the others outside then; all of them are out of this name
    /// space's reach.
    top: u32,
}

impl Trust {
    /// Looked up once: neither changes while the program runs.
    pub(super) fn here() -> Self {
        static HERE: OnceLock<Trust> = OnceLock::new();
        *HERE.get_or_init(|| Self {
            ours: rustix::process::geteuid().as_raw(),
            our_group: rustix::process::getegid().as_raw(),
            top: root().and_then(rustix::fs::fstat).map_or(0, |root| root.st_uid),
        })
    }

    pub(super) fn trusts(&self, uid: u32) -> bool {
        uid == 0 || uid == self.ours || uid == self.top
    }

    /// May others write to it? The group counts as others, unless it is the user's own (Debian gives each user one).
    /// Root's own group counts, too.
    pub(super) fn others_write(&self, stat: &Stat) -> bool {
        let group_is_own = self.ours != 0 && stat.st_gid == self.our_group;
        stat.st_mode & 0o002 != 0 || (stat.st_mode & 0o020 != 0 && !group_is_own)
    }

    /// Why others could exchange what is in this directory. In a sticky one (`/tmp`) they can only add to it.
    pub(super) fn changeable_directory(&self, stat: &Stat, path: &Path) -> Option<String> {
        if !self.trusts(stat.st_uid) {
            return Some(format!(
                "the directory {} above it belongs to user {}",
                shown(path),
                stat.st_uid
            ));
        }
        let sticky = stat.st_mode & 0o1000 != 0;
        (self.others_write(stat) && !sticky).then(|| {
            let mode = stat.st_mode & 0o7777;
            format!(
                "others may write to the directory {} above it (mode {mode:04o})",
                shown(path)
            )
        })
    }
}

fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some(OsString::from("..")),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
        })
        .collect()
}

fn root() -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, "/", flags, Mode::empty())
}

/// The thing of that name itself, also if it is a link; not opened, only held.
fn open_at(directory: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(directory, name, flags, Mode::empty())
}

/// What it is, if it is no regular file, with its article.
#[must_use]
pub fn kind(stat: &Stat) -> Option<&'static str> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => None,
        FileType::Directory => Some("a directory"),
        FileType::Fifo => Some("a named pipe"),
        FileType::Socket => Some("a socket"),
        FileType::BlockDevice | FileType::CharacterDevice => Some("a device"),
        FileType::Symlink => Some("a symbolic link"),
        FileType::Unknown => Some("something unknown"),
    }
}

/// File systems that keep no files but show what the kernel has, by their magic numbers (statfs(2), linux/magic.h):
/// what is read from them is made at that moment, may be without end, and may be gone for whoever was meant to read it
/// (`/proc/kmsg`).
const KERNELS: [u32; 13] = [
    0x0000_9fa0, // proc
    0x6265_6572, // sysfs
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
    0x7363_6673, // securityfs
    0x6265_6570, // configfs
    0x6367_7270, // cgroup2
    0x0027_e0eb, // cgroup
    0xcafe_4a11, // bpf
    0xf97c_ff8c, // selinux
    0xde5e_81e4, // efivarfs
    0x6165_676c, // pstore
    0x4249_4e4d, // binfmt_misc
];

/// What a regular file is, if it is none of a disk, with its article.
fn of_the_kernel(file: &OwnedFd) -> Option<&'static str> {
    let magic = u32::try_from(rustix::fs::fstatfs(file).ok()?.f_type).ok()?;
    KERNELS
        .contains(&magic)
        .then_some("a view into the kernel (of /proc, /sys or the like)")
}

/// Opens a name in a directory for reading if it is a regular file: never through a link, never waiting for a pipe,
/// never a device.
pub(super) fn open_regular(directory: &OwnedFd, name: &OsStr, path: &Path) -> Result<(File, Stat), Fault> {
    look_before(directory, name, path)?;
    open_looked_at(directory, name, path)
}

/// The same for one that was just seen to be a regular file.
pub(super) fn open_looked_at(directory: &OwnedFd, name: &OsStr, path: &Path) -> Result<(File, Stat), Fault> {
    let flags = READ | OFlags::NOFOLLOW;
    let file = rustix::fs::openat(directory, name, flags, Mode::empty());
    let file = file.map_err(|errno| Fault::system("opening", path, errno))?;
    checked(file, path)
}

/// Opens a regular file whose path has no symbolic link in it, in one call; `None`: there are links, or it cannot be
/// opened so (the walk says why).
pub(super) fn open_without_links(path: &Path) -> Option<Result<(File, Stat), Fault>> {
    let file = rustix::fs::openat2(CWD, path, READ, Mode::empty(), ResolveFlags::NO_SYMLINKS).ok()?;
    Some(checked(file, path))
}

const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

fn checked(file: OwnedFd, path: &Path) -> Result<(File, Stat), Fault> {
    let stat = rustix::fs::fstat(&file).map_err(|errno| Fault::system("opening", path, errno))?;
    match kind(&stat).or_else(|| of_the_kernel(&file)) {
        None => Ok((file.into(), stat)),
        Some(what) => Err(Fault::new("opening", path, Why::NotAFile(what))),
    }
}

/// Stops before something of that name is opened that is no regular file.
pub(super) fn look_before(directory: &OwnedFd, name: &OsStr, path: &Path) -> Result<(), Fault> {
    let stat = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW);
    let stat = stat.map_err(|errno| Fault::system("opening", path, errno))?;
    kind(&stat).map_or(Ok(()), |what| Err(Fault::new("opening", path, Why::NotAFile(what))))
}
