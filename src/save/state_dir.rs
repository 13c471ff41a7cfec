//! The state directory: 0700, ours, one sub-directory for each target file, so that several servers keep apart.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, FlockOperation, Mode};
use rustix::io::Errno;

use super::audit::AUDIT_FILE;
use super::disk::{self, Dir};
use super::error::SaveError;
use super::target::Target;
use super::trouble::shown;

/// Where backups, journal, draft and audit lie. Open means: checked.
pub struct StateDir {
    pub(crate) dir: Dir,
}

impl std::fmt::Debug for StateDir {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("StateDir").field(&self.dir.path).finish()
    }
}

impl StateDir {
    /// Opens the directory, creating it (and missing parents) 0700. One that others may only read is closed to them, if nothing is in it but
    /// what is ours.
    /// # Errors
    /// [`SaveError::StateDir`] when it is a symbolic link, belongs to another user, others may write to it, or others may read it and it holds
    /// what is not ours: closing that to them could stop the whole host.
    pub fn open(path: &Path) -> Result<Self, SaveError> {
        if !is_there(path)? {
            create(path)?;
        }
        let (state, mode) = Self::trusted(path)?;
        if mode != 0o700 {
            rustix::fs::fchmod(&state.dir.handle, Mode::RWXU)
                .map_err(|errno| SaveError::disk("closing", path, errno))?;
        }
        Ok(state)
    }

    /// The directory and its mode, if it can be trusted.
    fn trusted(path: &Path) -> Result<(Self, u32), SaveError> {
        let dir = Dir::open(path).map_err(|errno| SaveError::disk("opening", path, errno))?;
        let stat = rustix::fs::fstat(&dir.handle).map_err(|errno| SaveError::disk("looking at", path, errno))?;
        let ours = rustix::process::geteuid().as_raw();
        if stat.st_uid != ours {
            let why = format!("it belongs to user {}, and this is user {ours}", stat.st_uid);
            return Err(untrusted(path, why, "give another one with --state-dir, or chown it"));
        }
        let mode = stat.st_mode & 0o777;
        if mode & 0o022 != 0 {
            return Err(untrusted(
                path,
                format!("others may write to it (mode {mode:04o})"),
                "look who put what into it, then chmod 0700 it",
            ));
        }
        if mode != 0o700
            && let Some(name) = stranger(path)?
        {
            let why = format!(
                "others may read it (mode {mode:04o}), and {} in it is not ours, so that closing it could harm others",
                shown(&name)
            );
            let next = "give another one with --state-dir, or chmod 0700 it if it is for kerio-tls alone";
            return Err(untrusted(path, why, next));
        }
        Ok((Self { dir }, mode))
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.dir.path
    }

    /// Opens the directory for looking only: nothing is created, no mode is changed. Where it is not there yet, the nearest directory above
    /// it, where it would be made, is looked at.
    /// # Errors
    /// [`SaveError::Disk`] when it cannot be opened; [`SaveError::StateDir`] as [`Self::open`].
    pub fn look(path: &Path) -> Result<Self, SaveError> {
        if is_there(path)? {
            return Ok(Self::trusted(path)?.0);
        }
        let absolute = std::path::absolute(path).map_err(|error| SaveError::io("looking at", path, &error))?;
        let there = absolute.ancestors().find(|above| above.is_dir()).unwrap_or(&absolute);
        let dir = Dir::open(there).map_err(|errno| SaveError::disk("opening", there, errno))?;
        let access = Access::WRITE_OK | Access::EXEC_OK;
        rustix::fs::accessat(&dir.handle, ".", access, AtFlags::EACCESS)
            .map_err(|errno| SaveError::disk("making the state directory in", there, errno))?;
        Ok(Self { dir })
    }

    /// Where the state of one target is, or will be once something was saved.
    #[must_use]
    pub fn place(path: &Path, target: &Target) -> PathBuf {
        path.join(name(target))
    }

    /// Has anything been kept for this target yet?
    #[must_use]
    pub fn knows(path: &Path, target: &Target) -> bool {
        Self::place(path, target).is_dir()
    }

    /// The sub-directory of one target.
    pub(crate) fn home(&self, target: &Target) -> Result<Home, SaveError> {
        let dir = self.dir.sub(&name(target))?;
        Ok(Home {
            backups: dir.sub("backups")?,
            kept: dir.sub("kept")?,
            dir,
        })
    }
}

fn untrusted(path: &Path, why: String, next: &'static str) -> SaveError {
    SaveError::StateDir {
        path: path.to_path_buf(),
        why,
        next,
    }
}

/// Is there a directory of this name? A symbolic link is none: it could be turned to another place between two looks.
fn is_there(path: &Path) -> Result<bool, SaveError> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_symlink() => Err(untrusted(
            path,
            "it is a symbolic link".into(),
            "give the directory that it points to",
        )),
        Ok(found) if !found.is_dir() => Err(untrusted(
            path,
            "it is not a directory".into(),
            "give another one with --state-dir",
        )),
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(SaveError::io("looking at", path, &error)),
    }
}

/// Something in the directory that no kerio-tls has put there.
fn stranger(path: &Path) -> Result<Option<String>, SaveError> {
    let fault = |error: std::io::Error| SaveError::io("listing", path, &error);
    for entry in std::fs::read_dir(path).map_err(fault)? {
        let name = entry.map_err(fault)?.file_name();
        let name = name.to_string_lossy();
        if !is_ours(&name) {
            return Ok(Some(name.into_owned()));
        }
    }
    Ok(None)
}

/// A target's sub-directory, the audit file, what is remembered between runs (`host::memory`, `host::backups`; another name while it is written),
/// or preferences, which stand here too where a user has no home.
fn is_ours(name: &str) -> bool {
    let of_target = name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let remembered = [
        "evidence.",
        "server.",
        "memory.",
        "engine-seconds",
        "kerio-tls.",
        "peers.csv",
    ];
    of_target || name == AUDIT_FILE || remembered.iter().any(|start| name.starts_with(start))
}

/// A name for a target's sub-directory: paths can be long and hold anything.
fn name(target: &Target) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    disk::sha256(target.path().as_os_str().as_bytes())
        .chars()
        .take(16)
        .collect()
}

fn create(path: &Path) -> Result<(), SaveError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    // Parents as `mkdir -p` makes them, so by the umask: 077 makes them private too. The last one is private always.
    std::fs::create_dir_all(parent).map_err(|error| SaveError::io("creating", parent, &error))?;
    match std::fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(SaveError::io("creating", path, &error)),
    }
    let parent_dir = std::fs::File::open(parent).map_err(|error| SaveError::io("opening", parent, &error))?;
    parent_dir
        .sync_all()
        .map_err(|error| SaveError::io("syncing", parent, &error))
}

/// The state of one target file.
pub(crate) struct Home {
    pub(crate) dir: Dir,
    pub(crate) backups: Dir,
    /// Files that are nobody's backup but may be wanted: what a failed start left, what another program wrote in between.
    pub(crate) kept: Dir,
}

impl Home {
    /// Keeps bytes that would otherwise be lost. Returns where.
    pub(crate) fn keep(&self, why: &str, bytes: &[u8]) -> Result<PathBuf, SaveError> {
        // Several may be kept in one second, and the oldest go first.
        let stamp = super::who::utc_stamp_fine();
        let name = format!("{stamp}-{why}-{}.cfg", disk::random_name());
        self.kept.put(&name, bytes)?;
        // What cannot be dropped now is dropped another time: keeping is what matters.
        let _ = self.prune_kept(&name);
        Ok(self.kept.path.join(name))
    }

    /// Kept files are copies of everything in the file, secrets too: they go by the rule for backups. `protect` is the one just made.
    fn prune_kept(&self, protect: &str) -> Result<(), SaveError> {
        let names = self.kept.names()?.into_iter().filter(|name| name.ends_with(".cfg"));
        // Names begin with the stamp, so they are in order.
        let stamps: Vec<_> = names.map(|name| (name.clone(), name)).collect();
        for name in super::backup::too_old(&stamps, &super::who::utc_stamp(), protect) {
            self.kept.remove(&name)?;
        }
        self.kept.sync()
    }
}

/// Both locks of a target: on its directory (against other state directories) and on its state. Held until dropped.
pub(crate) struct Locks {
    target: std::os::fd::OwnedFd,
    state: std::os::fd::OwnedFd,
    /// The file system of the target knows no locks (some NFS): only the state directory's is held.
    pub(crate) weak: bool,
}

impl Locks {
    /// Takes both, without waiting. `flock` on a directory handle: no lock file, gone with the process.
    /// # Errors
    /// [`SaveError::Locked`].
    pub(crate) fn take(target: &Target, home: &Home) -> Result<Self, SaveError> {
        let path = target.path();
        let busy = |handle: &std::os::fd::OwnedFd| SaveError::Locked {
            path: path.to_path_buf(),
            pid: holder(handle),
        };
        let fault = |errno| SaveError::disk("locking the directory of", path, errno);
        let state = home.dir.again().map_err(fault)?;
        match rustix::fs::flock(&state, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::AGAIN) => return Err(busy(&state)),
            Err(errno) => return Err(fault(errno)),
        }
        let directory = target.parent().again().map_err(fault)?;
        let weak = match rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => false,
            Err(Errno::AGAIN) => return Err(busy(&directory)),
            // NFS turns flock into a byte-range lock, which needs a handle open for writing: impossible for a directory.
            Err(Errno::BADF | Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => true,
            Err(errno) => return Err(fault(errno)),
        };
        Ok(Self {
            target: directory,
            state,
            weak,
        })
    }
}

impl Drop for Locks {
    /// Said, not left to closing: a child that another thread is just starting has a copy of the handles until its `exec`.
    fn drop(&mut self) {
        for handle in [&self.target, &self.state] {
            let _ = rustix::fs::flock(handle, FlockOperation::Unlock);
        }
    }
}

/// Who holds the lock, from `/proc/locks`; `None` when it does not say (another PID namespace).
fn holder(handle: &std::os::fd::OwnedFd) -> Option<u32> {
    let inode = rustix::fs::fstat(handle).ok()?.st_ino.to_string();
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    locks.lines().find_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        if fields.next()? != "FLOCK" {
            return None;
        }
        let pid = fields.nth(2)?;
        let place = fields.next()?;
        (place.rsplit(':').next()? == inode).then(|| pid.parse().ok())?
    })
}
