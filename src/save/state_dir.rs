//! The state directory: 0700, ours, one sub-directory for each target file, so that several servers keep apart; and the
//! JSON of the files in it.
//!
//! It is opened once and everything in it is reached through that handle. What cannot be trusted for writing is not
//! believed for reading either.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, FileType, Mode};
use rustix::io::Errno;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::{SaveError, What};
use super::target::Target;
use super::trouble::shown;
use crate::files::{self, Directory};
use crate::hostile::safe_text;

/// The backups in a target's sub-directory.
pub(crate) const BACKUPS: &str = "backups";

/// The audit file in the state directory.
pub const AUDIT_FILE: &str = "audit.jsonl";

/// State files are small; one that is larger was not written by us.
const LARGEST: u64 = 16 << 20;

/// Where backups, journal, draft and audit lie. Open means: checked.
#[derive(Debug)]
pub struct StateDir {
    dir: Directory,
    /// It is there; else `dir` is the nearest directory above it, in which it would be made.
    is_there: bool,
}

impl StateDir {
    /// Opens the directory, creating it (and missing parents) 0700. One that others may only read is closed to them, if
    /// nothing is in it but what is ours: this room's files and those whose names begin like one of `others` (what the
    /// rest of the program keeps there).
    /// # Errors
    /// [`What::StateDir`] when it is a symbolic link, belongs to another user, others may write to it or to a directory
    /// above, or others may read it and it holds what is not ours: closing that to them could stop the whole host.
    pub fn open(path: &Path, others: &[&str]) -> Result<Self, SaveError> {
        let (dir, mode) = match find(path)? {
            Some(dir) => trusted(dir, path, others)?,
            None => trusted(create(path)?, path, others)?,
        };
        if mode != 0o700 {
            rustix::fs::fchmod(dir.handle(), Mode::RWXU).map_err(|errno| SaveError::disk("closing", path, errno))?;
        }
        Ok(Self { dir, is_there: true })
    }

    /// Opens the directory for looking only: nothing is created, no mode is changed. Where it is not there yet, the
    /// nearest directory above it, where it would be made, is looked at.
    /// # Errors
    /// [`What::Disk`] when it cannot be opened; [`What::StateDir`] as [`Self::open`].
    pub fn look(path: &Path, others: &[&str]) -> Result<Self, SaveError> {
        if let Some(dir) = find(path)? {
            let (dir, _) = trusted(dir, path, others)?;
            return Ok(Self { dir, is_there: true });
        }
        let dir = nearest(path)?;
        let access = Access::WRITE_OK | Access::EXEC_OK;
        rustix::fs::accessat(dir.handle(), ".", access, AtFlags::EACCESS)
            .map_err(|errno| SaveError::disk("making the state directory in", dir.path(), errno))?;
        Ok(Self { dir, is_there: false })
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The directory itself, for what the rest of the program keeps in it; `None`: it is not there yet.
    #[must_use]
    pub fn directory(&self) -> Option<&Directory> {
        self.is_there.then_some(&self.dir)
    }

    pub(crate) fn handle(&self) -> &Directory {
        &self.dir
    }

    /// Where the state of one target is, or will be once something was saved: for words.
    #[must_use]
    pub fn place(path: &Path, target: &Target) -> PathBuf {
        path.join(name(target))
    }

    /// Has anything been kept for this target yet?
    #[must_use]
    pub fn knows(&self, target: &Target) -> bool {
        self.is_there && self.dir.existing(&name(target)).is_ok_and(|found| found.is_some())
    }

    /// The sub-directory of one target, made if it is not there.
    pub(crate) fn home(&self, target: &Target) -> Result<Home, SaveError> {
        let dir = self.dir.sub(&name(target))?;
        Ok(Home {
            backups: dir.sub(BACKUPS)?,
            kept: dir.sub("kept")?,
            dir,
        })
    }

    /// What is in the sub-directory of one target: a directory of that name, or the sub-directory itself. Makes
    /// nothing.
    pub(crate) fn look_into(&self, target: &Target, inside: Option<&str>) -> Result<Option<Directory>, SaveError> {
        if !self.is_there {
            return Ok(None);
        }
        let home = self.dir.existing(&name(target))?;
        match (home, inside) {
            (Some(home), Some(inside)) => Ok(home.existing(inside)?),
            (home, _) => Ok(home),
        }
    }
}

/// The state of one target file.
pub(crate) struct Home {
    pub(crate) dir: Directory,
    pub(crate) backups: Directory,
    /// Files that are nobody's backup but may be wanted: what a failed start left, what another program wrote in
    /// between.
    pub(crate) kept: Directory,
}

fn untrusted(path: &Path, why: impl Into<String>, next: &'static str) -> SaveError {
    let (path, why) = (path.to_path_buf(), why.into());
    What::StateDir { path, why, next }.into()
}

/// The directory and its mode, if it can be trusted.
fn trusted(dir: Directory, path: &Path, others: &[&str]) -> Result<(Directory, u32), SaveError> {
    let stat = dir.stat()?;
    let ours = rustix::process::geteuid().as_raw();
    if stat.st_uid != ours {
        let why = format!("it belongs to user {}, and this is user {ours}", stat.st_uid);
        return Err(untrusted(path, why, "give another one with --state-dir, or chown it"));
    }
    let mode = stat.st_mode & 0o777;
    if mode & 0o022 != 0 {
        let why = format!("others may write to it (mode {mode:04o})");
        return Err(untrusted(path, why, "look who put what into it, then chmod 0700 it"));
    }
    if let Some(why) = dir.replaceable() {
        let next = "give one with --state-dir that nobody but root can exchange";
        return Err(untrusted(path, why, next));
    }
    if mode != 0o700
        && let Some(name) = stranger(&dir, others)?
    {
        let why = format!(
            "others may read it (mode {mode:04o}), and {} in it is not ours, so that closing it could harm others",
            shown(&name)
        );
        let next = "give another one with --state-dir, or chmod 0700 it if it is for kerio-tls alone";
        return Err(untrusted(path, why, next));
    }
    Ok((dir, mode))
}

/// The directory of that name. A symbolic link is none: it could be turned to another place between two looks.
fn find(path: &Path) -> Result<Option<Directory>, SaveError> {
    let not_a_directory = || untrusted(path, "it is not a directory", "give another one with --state-dir");
    let (above, name) = split(path)?;
    let above = match Directory::open(&above) {
        Ok(above) => above,
        Err(fault) if fault.is_missing() => return Ok(None),
        Err(fault) => return Err(fault.into()),
    };
    let stat = match rustix::fs::statat(above.handle(), name.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(SaveError::disk("looking at", path, errno)),
    };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => Ok(above.existing(&name)?),
        FileType::Symlink => Err(untrusted(
            path,
            "it is a symbolic link",
            "give the directory that it points to",
        )),
        _ => Err(not_a_directory()),
    }
}

/// The directory above, and the last name.
fn split(path: &Path) -> Result<(PathBuf, String), SaveError> {
    let absolute = std::path::absolute(path).map_err(|_| SaveError::disk("looking at", path, Errno::NOENT))?;
    let name = absolute.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    match (absolute.parent(), name) {
        (Some(above), Some(name)) => Ok((above.to_path_buf(), name)),
        _ => {
            let why = "its path does not end in a name that is UTF-8";
            Err(untrusted(path, why, "give another one with --state-dir"))
        }
    }
}

/// The nearest directory above that is there.
fn nearest(path: &Path) -> Result<Directory, SaveError> {
    let mut above = split(path)?.0;
    loop {
        match Directory::open(&above) {
            Ok(found) => return Ok(found),
            Err(fault) if fault.is_missing() && above.pop() => {}
            Err(fault) => return Err(fault.into()),
        }
    }
}

/// Makes it and what is missing above it.
fn create(path: &Path) -> Result<Directory, SaveError> {
    let (mut above, name) = split(path)?;
    let mut missing = vec![name];
    let mut dir = loop {
        match Directory::open(&above) {
            Ok(found) => break found,
            Err(fault) if fault.is_missing() => {
                let (next, name) = split(&above)?;
                missing.push(name);
                above = next;
            }
            Err(fault) => return Err(fault.into()),
        }
    };
    for name in missing.into_iter().rev() {
        dir = dir.sub(&name)?;
    }
    Ok(dir)
}

/// Something in the directory that no kerio-tls has put there.
fn stranger(dir: &Directory, others: &[&str]) -> Result<Option<String>, SaveError> {
    let names = dir.names()?;
    Ok(names.into_iter().find(|name| !is_ours(name, others)))
}

/// A target's sub-directory, the audit file, a file that is being written, or what the rest of the program keeps there.
fn is_ours(name: &str, others: &[&str]) -> bool {
    let of_target = name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let begins = |start: &&str| name.starts_with(*start);
    of_target || name == AUDIT_FILE || files::is_temp_name(name) || others.iter().any(begins)
}

/// A name for a target's sub-directory: paths can be long and hold anything.
fn name(target: &Target) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let digest = files::sha256(target.path().as_os_str().as_bytes());
    digest.chars().take(16).collect()
}

/// Writes a value as JSON (see [`Directory::write`]).
pub(crate) fn put<T: Serialize>(dir: &Directory, name: &str, value: &T) -> Result<(), SaveError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| broken(dir, name, &error))?;
    Ok(dir.write(name, printable(&(text + "\n")).as_bytes())?)
}

/// One line of JSON, for files that grow.
pub(crate) fn line<T: Serialize>(dir: &Directory, name: &str, value: &T) -> Result<String, SaveError> {
    let text = serde_json::to_string(value).map_err(|error| broken(dir, name, &error))?;
    Ok(printable(&(text + "\n")))
}

/// The same JSON, so written that a terminal shows just what is in it: whatever is not plainly visible is escaped.
/// (Such characters stand only inside strings.) A path, a value of the file, or what an engine said could hold
/// anything, and administrators `cat` these files.
fn printable(json: &str) -> String {
    let plain = |byte: u8| (b' '..=b'~').contains(&byte) || byte == b'\n';
    if json.bytes().all(plain) {
        return json.to_owned();
    }
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        let shows_itself = u8::try_from(c).is_ok_and(plain) || {
            let shown = safe_text(c.encode_utf8(&mut [0; 4]), 16);
            shown.chars().eq([c])
        };
        if shows_itself {
            text.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

/// What to do about a file that nothing depends on.
const BOOKKEEPING: &str = "move it away (it is only our own bookkeeping), then try again";

/// The number that every file of ours begins with, for what is in it and how.
#[derive(Deserialize)]
struct Head {
    format: u32,
}

/// The same as [`get`] for a file that says its format.
pub(crate) fn get_of<T: DeserializeOwned>(dir: &Directory, name: &str, format: u32) -> Result<Option<T>, SaveError> {
    let Some(bytes) = dir.read(name, LARGEST)? else {
        return Ok(None);
    };
    let head: Head = parse(dir, name, &bytes)?;
    if head.format == format {
        return parse(dir, name, &bytes).map(Some);
    }
    let why = format!(
        "it is of format {}, made by another version of kerio-tls; this one knows format {format}",
        head.format
    );
    let (path, next) = (
        dir.path().join(name),
        "use that version, or move the file away and try again",
    );
    let next = next.to_owned();
    Err(What::StateFile { path, why, next }.into())
}

/// Reads a value; `None` when there is no such file.
pub(crate) fn get<T: DeserializeOwned>(dir: &Directory, name: &str) -> Result<Option<T>, SaveError> {
    let bytes = dir.read(name, LARGEST)?;
    bytes.map(|bytes| parse(dir, name, &bytes)).transpose()
}

fn parse<T: DeserializeOwned>(dir: &Directory, name: &str, bytes: &[u8]) -> Result<T, SaveError> {
    serde_json::from_slice(bytes).map_err(|error| broken(dir, name, &error))
}

fn broken(dir: &Directory, name: &str, error: &serde_json::Error) -> SaveError {
    let (path, next) = (dir.path().join(name), BOOKKEEPING.to_owned());
    // serde's words can quote the content; the place is enough.
    let why = format!("line {}, column {}", error.line(), error.column());
    What::StateFile { path, why, next }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_of_ours_shows_what_is_in_it_and_reads_back_the_same() {
        let hostile = "a\x1b[2J\u{9b}\u{202e}\u{200b}\u{7f}\u{e0041}\r\nGrüße 東京 \\u0041";
        let text = printable(&serde_json::to_string(hostile).unwrap());
        assert!(text.contains("Grüße 東京"), "{text}");
        assert!(
            !text
                .chars()
                .any(|c| c.is_control() || "\u{202e}\u{200b}\u{e0041}".contains(c))
        );
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
    }
}
