//! Who did what, and when: the words for it, and the audit file, one line of JSON for each save, restore, roll back and
//! recovery; append-only, 0600, durable.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::error::SaveError;
use super::state_dir::{self, AUDIT_FILE, StateDir};
use super::target::Target;
use super::trouble::shown;
use crate::files;

/// The files that are read here are small.
const LARGEST: u64 = 16 << 20;

#[derive(Serialize)]
struct Entry<'a> {
    when: String,
    who: String,
    actor: &'a Actor,
    file: String,
    action: &'a str,
    what: &'a str,
    words: &'a [String],
    result: &'a str,
    backup: Option<&'a str>,
}

/// One entry of the audit file. All of it in words, secrets masked by whoever made the words.
#[derive(Debug, Clone, Copy)]
pub struct AuditEntry<'a> {
    /// Who did it.
    pub actor: &'a Actor,
    /// What was done, one word.
    pub action: &'a str,
    /// What changed, in one line.
    pub what: &'a str,
    /// What changed, in more words.
    pub words: &'a [String],
    /// How it ended.
    pub result: &'a str,
    /// The backup that belongs to it.
    pub backup: Option<&'a str>,
}

/// Appends an entry and makes it durable.
/// # Errors
/// The state directory is full, read-only or broken. Nothing else depends on this.
pub fn audit(state: &StateDir, target: &Target, entry: AuditEntry<'_>) -> Result<(), SaveError> {
    let dir = state.handle();
    let path = dir.path().join(AUDIT_FILE);
    let line = Entry {
        when: now(),
        who: entry.actor.words(),
        actor: entry.actor,
        file: target.path().to_string_lossy().into_owned(),
        action: entry.action,
        what: entry.what,
        words: entry.words,
        result: entry.result,
        backup: entry.backup,
    };
    let mut line = state_dir::line(dir, AUDIT_FILE, &line)?;
    let file = dir.append_to(AUDIT_FILE)?;
    let fault =
        |error: std::io::Error| SaveError::disk("writing", &path, Errno::from_io_error(&error).unwrap_or(Errno::IO));
    let size = file.metadata().map_err(fault)?.len();
    if size == 0 {
        dir.sync()?;
    } else {
        // A power cut can have torn the last line: ours begins on a line of its own.
        let mut last = [b'\n'];
        let at = size.saturating_sub(1);
        std::os::unix::fs::FileExt::read_exact_at(&file, &mut last, at).map_err(fault)?;
        if last != [b'\n'] {
            line.insert(0, '\n');
        }
    }
    // One write: two processes that append do not mix their lines.
    files::write_all(&file, line.as_bytes(), &path)?;
    Ok(files::sync(&file, &path)?)
}

/// Who saves. The login uid is the kernel's (set at login, it survives `sudo` and `su`); `SUDO_USER` is only what the
/// environment says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The uid of the login session, when there is one.
    pub login_uid: Option<u32>,
    /// Its name in `/etc/passwd`.
    pub login_name: Option<String>,
    /// The uid that the process has.
    pub uid: u32,
    /// Its name in `/etc/passwd`.
    pub name: Option<String>,
    /// `SUDO_USER`, a hint that anyone can set.
    pub sudo_user_hint: Option<String>,
}

impl Actor {
    /// Of this process.
    #[must_use]
    pub fn now() -> Self {
        let login_uid = files::read_kernel(Path::new("/proc/self/loginuid"), 64)
            .ok()
            .and_then(|text| std::str::from_utf8(&text).ok()?.trim().parse::<u32>().ok())
            .filter(|uid| *uid != u32::MAX); // (uid_t)-1: nobody logged in, a timer or a container
        let uid = rustix::process::getuid().as_raw();
        Self {
            login_uid,
            login_name: login_uid.and_then(user_name),
            uid,
            name: user_name(uid),
            sudo_user_hint: std::env::var("SUDO_USER")
                .ok()
                .filter(|name| !name.is_empty() && name.len() <= 64),
        }
    }

    /// In words: `anna as root`, `root`, `uid 1000 as root (SUDO_USER says anna)`.
    #[must_use]
    pub fn words(&self) -> String {
        let word = |name: &Option<String>, uid: u32| name.clone().unwrap_or_else(|| format!("uid {uid}"));
        let real = word(&self.name, self.uid);
        let words = match self.login_uid {
            Some(uid) if uid != self.uid => format!("{} as {real}", word(&self.login_name, uid)),
            _ => match &self.sudo_user_hint {
                Some(hint) => format!("{real} (SUDO_USER says {hint})"),
                None => real,
            },
        };
        shown(&words)
    }
}

/// The name of a user in `/etc/passwd`; no name service is asked, it could hang.
pub(crate) fn user_name(uid: u32) -> Option<String> {
    name_in(&text("/etc/passwd")?, uid)
}

/// The name of a group in `/etc/group`.
pub(crate) fn group_name(gid: u32) -> Option<String> {
    name_in(&text("/etc/group")?, gid)
}

fn text(path: &str) -> Option<String> {
    String::from_utf8(files::read(Path::new(path), LARGEST).ok()?).ok()
}

fn name_in(text: &str, id: u32) -> Option<String> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse::<u32>().ok()? == id).then(|| name.to_owned())
    })
}

/// Now, RFC 3339 with seconds and the local offset.
pub(crate) fn now() -> String {
    // Not by jiff's own idea of the zone: it would wait for a pipe that `TZ` names, with the engine stopped.
    let now = Timestamp::now().to_zoned_datetime(zone());
    now.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// A compiled time zone is a few kilobytes.
const ZONE_LARGEST: u64 = 1 << 20;

/// This machine's zone. jiff looks its name up in a list of the whole of `/usr/share/zoneinfo`, which costs a start
/// half a millisecond; the file that the name stands for says the same.
#[must_use]
pub fn zone() -> TimeZone {
    match std::env::var("TZ") {
        Ok(named) => named_zone(&named),
        Err(_) => of_this_machine().unwrap_or(TimeZone::UTC),
    }
}

fn of_this_machine() -> Option<TimeZone> {
    let path = Path::new("/etc/localtime");
    let name = std::fs::read_link(path).ok().and_then(|link| {
        let (_, name) = link.to_str()?.rsplit_once("zoneinfo/")?;
        Some(name.to_owned())
    });
    TimeZone::tzif(
        name.as_deref().unwrap_or("local"),
        &files::read(path, ZONE_LARGEST).ok()?,
    )
    .ok()
}

/// What `TZ` names (tzset(3)): a file by its path, a zone of the list, or a rule. A path of the user's choice may be a
/// pipe, which jiff would wait for; it is opened as every stranger's file is.
fn named_zone(named: &str) -> TimeZone {
    let name = named.strip_prefix(':').unwrap_or(named);
    let path = Path::new(name);
    let found = if name.is_empty() {
        None
    } else if path.is_absolute() {
        let bytes = files::read(path, ZONE_LARGEST).ok();
        bytes.and_then(|bytes| TimeZone::tzif(name, &bytes).ok())
    } else {
        TimeZone::get(name).or_else(|_| TimeZone::posix(name)).ok()
    };
    found.unwrap_or(TimeZone::UTC)
}

/// Now in UTC, for file names: `20261124T073000Z`.
pub(crate) fn utc_stamp() -> String {
    Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The same to the microsecond, for names whose order counts: `20261124T073000.000000Z`.
pub(crate) fn utc_stamp_fine() -> String {
    Timestamp::now().strftime("%Y%m%dT%H%M%S%.6fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_number_and_never_by_a_prefix_of_it() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nanna:x:1000:1000::/home/anna:/bin/sh\n";
        assert_eq!(name_in(passwd, 1000).as_deref(), Some("anna"));
        assert_eq!(name_in(passwd, 100), None);
    }

    #[test]
    fn the_kernels_login_name_wins_over_sudo_user() {
        let actor = Actor {
            login_uid: Some(1000),
            login_name: Some("anna".into()),
            uid: 0,
            name: Some("root".into()),
            sudo_user_hint: Some("mallory".into()),
        };
        assert_eq!(actor.words(), "anna as root");
    }

    #[test]
    fn the_zone_is_the_one_that_jiff_finds() {
        let (ours, theirs) = (zone(), TimeZone::system());
        for time in ["2026-01-15T12:00:00Z", "2026-07-15T12:00:00Z", "2040-07-15T12:00:00Z"] {
            let time: jiff::Timestamp = time.parse().unwrap();
            assert_eq!(ours.to_offset(time), theirs.to_offset(time), "{time}");
        }
    }

    #[test]
    fn a_zone_is_named_by_the_list_by_a_rule_or_by_a_file_and_a_pipe_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("zone");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
        let summer: jiff::Timestamp = "2026-07-15T12:00:00Z".parse().unwrap();
        let hours = |named: &str| named_zone(named).to_offset(summer).seconds() / 3600;
        assert_eq!(hours("CET-1CEST,M3.5.0,M10.5.0/3"), 2);
        assert_eq!(hours("EST5"), -5);
        for none in ["", ":", "no such zone", &pipe.display().to_string(), "/nonexistent"] {
            assert_eq!(hours(none), 0, "{none}");
        }
    }
}
