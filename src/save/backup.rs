//! Backups: the old bytes, proven on disk before the file is touched, with a manifest and a list for `sha256sum -c`.
//!
//! `backups/000042-20261124T073000Z.cfg`, the same name with `.json`, and `SHA256SUMS`. The number counts up, so that a
//! clock that was set back cannot disturb the order. Never `mailserver.cfg.bak`: the server uses that name.

use super::audit::{self, Actor};
use super::error::{SaveError, What};
use super::records::{Journal, StoredEdit};
use super::state_dir::{self, BACKUPS, Home, StateDir};
use super::target::Attributes;
use super::target::{LARGEST, Target};
use crate::files::{self, Directory};
use crate::mailserver_cfg::EditSet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How many of the newest are kept whatever their age.
const NEWEST: usize = 20;
/// For how many days one a day is kept.
const DAYS: i64 = 30;
const LIST: &str = "SHA256SUMS";
/// Of manifests as they are now.
const FORMAT: u32 = 1;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    pub(crate) when: String,
    pub(crate) utc: String,
    pub(crate) who: Actor,
    pub(crate) action: String,
    pub(crate) file: String,
    pub(crate) size: u64,
    pub(crate) sha256: String,
    pub(crate) new_sha256: String,
    pub(crate) mode: String,
    pub(crate) uid: u32,
    pub(crate) owner: Option<String>,
    pub(crate) gid: u32,
    pub(crate) group: Option<String>,
    /// Values as hex.
    pub(crate) xattrs: BTreeMap<String, String>,
    /// A whole file was put in place instead of edits.
    pub(crate) whole: bool,
    pub(crate) edits: Vec<StoredEdit>,
    pub(crate) summary: String,
    pub(crate) words: Vec<String>,
}

/// A backup: the file as it was right before a save.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupInfo {
    /// Its name, which is also what `restore` takes.
    pub id: String,
    /// Where its bytes are.
    pub path: PathBuf,
    /// When the save was made: RFC 3339 with the local offset of that time.
    pub when: String,
    /// By whom.
    pub who: Actor,
    /// What was done: the word of the request, such as `save` or `restore`.
    pub action: String,
    /// The file that was saved.
    pub file: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the bytes, hex.
    pub sha256: String,
    /// SHA-256 of what the save put in place, hex.
    pub new_sha256: String,
    /// Mode of the file, octal digits.
    pub mode: String,
    /// Owner and group, by name where there is one.
    pub owner: String,
    /// The save put a whole file in place; there are no edits to undo.
    pub whole: bool,
    /// What the save changed.
    pub edits: Vec<StoredEdit>,
    /// The change in one line, as the request said it.
    pub summary: String,
    /// The change in words.
    pub words: Vec<String>,
}

impl BackupInfo {
    /// The edits that undo what this save did, to be saved on today's file, so that what the engine saved since stays.
    /// # Errors
    /// [`What::BackupBroken`] when a whole file was put in place or a value was masked: only the whole file can be put
    /// back then.
    pub fn undo(&self) -> Result<EditSet, SaveError> {
        let broken = |why: &str| {
            let (id, why) = (self.id.clone(), why.to_owned());
            Err(What::BackupBroken { id, why }.into())
        };
        if self.whole {
            return broken("it is from a save that put a whole file in place, so there are no single changes to undo");
        }
        if self.edits.iter().any(|edit| edit.masked) {
            return broken("one of its changes is a secret that is not kept in the clear; put back the whole file");
        }
        Ok(EditSet::new(self.edits.iter().map(StoredEdit::edit)).inverse())
    }
}

fn info(backups: &Directory, id: &str, manifest: Manifest) -> BackupInfo {
    let owner = manifest.owner.unwrap_or_else(|| manifest.uid.to_string());
    let group = manifest.group.unwrap_or_else(|| manifest.gid.to_string());
    BackupInfo {
        id: id.to_owned(),
        path: backups.path().join(format!("{id}.cfg")),
        when: manifest.when,
        who: manifest.who,
        action: manifest.action,
        file: manifest.file,
        size: manifest.size,
        sha256: manifest.sha256,
        new_sha256: manifest.new_sha256,
        mode: manifest.mode,
        owner: format!("{owner}:{group}"),
        whole: manifest.whole,
        edits: manifest.edits,
        summary: manifest.summary,
        words: manifest.words,
    }
}

/// What a save says about itself in the manifest of its backup.
pub(crate) struct About<'a> {
    pub(crate) who: &'a Actor,
    pub(crate) action: &'a str,
    pub(crate) summary: &'a str,
    pub(crate) words: &'a [String],
    pub(crate) file: &'a Path,
    pub(crate) whole: bool,
    pub(crate) edits: Vec<StoredEdit>,
    pub(crate) attributes: &'a Attributes,
}

/// Writes and proves the backup of `old` that the journal announces.
pub(crate) fn make(home: &Home, journal: &Journal, old: &[u8], about: About<'_>) -> Result<BackupInfo, SaveError> {
    let id = journal.backup.as_str();
    let attributes = about.attributes;
    let manifest = Manifest {
        format: FORMAT,
        when: audit::now(),
        utc: audit::utc_stamp(),
        who: about.who.clone(),
        action: about.action.to_owned(),
        file: about.file.to_string_lossy().into_owned(),
        size: u64::try_from(old.len()).unwrap_or(u64::MAX),
        new_sha256: journal.new_sha256.clone(),
        mode: format!("{:04o}", attributes.mode),
        uid: attributes.uid,
        owner: audit::user_name(attributes.uid),
        gid: attributes.gid,
        group: audit::group_name(attributes.gid),
        xattrs: attributes.in_hex(),
        whole: about.whole,
        edits: about.edits,
        summary: about.summary.to_owned(),
        words: about.words.to_vec(),
        sha256: journal.old_sha256.clone(),
    };
    let backups = &home.backups;
    backups.write_new(&format!("{id}.cfg"), old)?;
    state_dir::put(backups, &format!("{id}.json"), &manifest)?;
    write_list(backups, &entries(backups)?)?;
    Ok(info(backups, id, manifest))
}

/// The id for the next backup.
pub(crate) fn next_id(home: &Home) -> Result<String, SaveError> {
    let number = |name: &String| name.split('-').next().and_then(|digits| digits.parse::<u64>().ok());
    let next = home
        .backups
        .names()?
        .iter()
        .filter_map(number)
        .max()
        .map_or(1, |last| last.saturating_add(1));
    Ok(format!("{next:06}-{}", audit::utc_stamp()))
}

fn is_id(id: &str) -> bool {
    id.split_once('-').is_some_and(|(number, stamp)| {
        number.len() >= 6
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && stamp.len() == 16
            && stamp
                .bytes()
                .all(|byte| byte.is_ascii_digit() || matches!(byte, b'T' | b'Z'))
    })
}

/// Readable manifests, oldest first. An unreadable one is left out here (and kept on disk: its bytes may be wanted).
fn entries(backups: &Directory) -> Result<Vec<(String, Manifest)>, SaveError> {
    let mut found = Vec::new();
    for name in backups.names()? {
        if let Some(id) = name.strip_suffix(".json").filter(|id| is_id(id))
            && let Ok(Some(manifest)) = state_dir::get_of::<Manifest>(backups, &name, FORMAT)
        {
            found.push((id.to_owned(), manifest));
        }
    }
    Ok(found)
}

fn write_list(backups: &Directory, entries: &[(String, Manifest)]) -> Result<(), SaveError> {
    let lines: String = entries
        .iter()
        .map(|(id, manifest)| format!("{}  {id}.cfg\n", manifest.sha256))
        .collect();
    // Whatever else has that name by now: the list can be made anew.
    if matches!(backups.read(LIST, 16 << 20), Ok(Some(found)) if found == lines.as_bytes()) {
        return Ok(());
    }
    Ok(backups.write(LIST, lines.as_bytes())?)
}

/// Takes back a backup of a save that did not happen.
pub(crate) fn discard(home: &Home, id: &str) -> Result<(), SaveError> {
    remove(home, &[id.to_owned()])
}

fn remove(home: &Home, ids: &[String]) -> Result<(), SaveError> {
    if ids.is_empty() {
        return Ok(());
    }
    // The list first, so that `sha256sum -c` never misses a file; then the manifest; the bytes last.
    let left: Vec<_> = entries(&home.backups)?
        .into_iter()
        .filter(|(id, _)| !ids.contains(id))
        .collect();
    write_list(&home.backups, &left)?;
    for id in ids {
        home.backups.remove(&format!("{id}.json"))?;
        home.backups.remove(&format!("{id}.cfg"))?;
    }
    Ok(home.backups.sync()?)
}

/// Drops what is too old. `protect` is the backup just made, whose bytes were proven: the last good one.
pub(crate) fn prune(home: &Home, protect: &str) -> Result<usize, SaveError> {
    let entries = entries(&home.backups)?;
    let stamps: Vec<(String, String)> = entries.into_iter().map(|(id, manifest)| (id, manifest.utc)).collect();
    let drop = too_old(&stamps, &audit::utc_stamp(), protect);
    remove(home, &drop)?;
    Ok(drop.len())
}

/// Which of these (name, UTC stamp; oldest first) are neither among the newest nor the last of one of the past days.
fn too_old(stamps: &[(String, String)], now: &str, protect: &str) -> Vec<String> {
    let day =
        |stamp: &str| -> Option<jiff::civil::Date> { jiff::civil::Date::strptime("%Y%m%d", stamp.get(..8)?).ok() };
    let today = day(now);
    let mut days_seen = std::collections::BTreeSet::new();
    let mut drop = Vec::new();
    for (age, (id, stamp)) in stamps.iter().rev().enumerate() {
        let of_day = day(stamp).is_none_or(|date| {
            let first_of_its_day = days_seen.insert(date);
            let recent = today.is_none_or(|today| {
                today
                    .checked_sub(jiff::Span::new().days(DAYS))
                    .is_ok_and(|oldest| date >= oldest)
            });
            first_of_its_day && recent
        });
        if age >= NEWEST && !of_day && id != protect {
            drop.push(id.clone());
        }
    }
    drop
}

/// Removes what a crash left between the steps of [`make`] and [`remove`]: bytes without manifest, manifests without
/// bytes, temp files.
pub(crate) fn clean(home: &Home) -> Result<(), SaveError> {
    let names = home.backups.names()?;
    for name in &names {
        let other = match (name.strip_suffix(".cfg"), name.strip_suffix(".json")) {
            (Some(id), _) if is_id(id) => format!("{id}.json"),
            (_, Some(id)) if is_id(id) => format!("{id}.cfg"),
            _ => continue,
        };
        if !names.contains(&other) {
            home.backups.remove(name)?;
        }
    }
    write_list(&home.backups, &entries(&home.backups)?)
}

/// The backups of a file, newest first.
/// # Errors
/// The state directory cannot be read.
pub fn backups(state: &StateDir, target: &Target) -> Result<Vec<BackupInfo>, SaveError> {
    let Some(backups) = state.look_into(target, Some(BACKUPS))? else {
        return Ok(Vec::new());
    };
    let newest_first = entries(&backups)?.into_iter().rev();
    Ok(newest_first
        .map(|(id, manifest)| info(&backups, &id, manifest))
        .collect())
}

/// The bytes of a backup, proven by the hash of its manifest.
/// # Errors
/// [`What::NoSuchBackup`], [`What::BackupBroken`].
pub fn read_backup(state: &StateDir, target: &Target, id: &str) -> Result<Vec<u8>, SaveError> {
    match state.look_into(target, Some(BACKUPS))? {
        Some(backups) => read_proven(&backups, id),
        None => Err(What::NoSuchBackup { id: id.to_owned() }.into()),
    }
}

pub(crate) fn read_proven(backups: &Directory, id: &str) -> Result<Vec<u8>, SaveError> {
    let none = || SaveError::from(What::NoSuchBackup { id: id.to_owned() });
    if !is_id(id) {
        return Err(none());
    }
    let manifest: Option<Manifest> = state_dir::get_of(backups, &format!("{id}.json"), FORMAT)?;
    let bytes = backups.read(&format!("{id}.cfg"), LARGEST)?;
    let (Some(manifest), Some(bytes)) = (manifest, bytes) else {
        return Err(none());
    };
    if files::sha256(&bytes) == manifest.sha256 {
        Ok(bytes)
    } else {
        let (id, why) = (id.to_owned(), "its bytes do not match its SHA-256".to_owned());
        Err(What::BackupBroken { id, why }.into())
    }
}

/// Keeps bytes that would otherwise be lost and that are nobody's backup. Returns where.
pub(crate) fn keep(home: &Home, why: &str, bytes: &[u8]) -> Result<PathBuf, SaveError> {
    // Several may be kept in one second, and the oldest go first.
    let stamp = audit::utc_stamp_fine();
    let name = format!("{stamp}-{why}-{}.cfg", files::random_name());
    home.kept.write(&name, bytes)?;
    // What cannot be dropped now is dropped another time: keeping is what matters.
    let _ = prune_kept(home, &name);
    Ok(home.kept.path().join(name))
}

/// Kept files are copies of everything in the file, secrets too: they go by the rule for backups. `protect` is the one
/// just made.
fn prune_kept(home: &Home, protect: &str) -> Result<(), SaveError> {
    let names = home.kept.names()?.into_iter().filter(|name| name.ends_with(".cfg"));
    // Names begin with the stamp, so they are in order.
    let stamps: Vec<_> = names.map(|name| (name.clone(), name)).collect();
    for name in too_old(&stamps, &audit::utc_stamp(), protect) {
        home.kept.remove(&name)?;
    }
    Ok(home.kept.sync()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_twenty_newest_and_one_a_day_for_thirty_days_are_kept_and_the_protected_one_always() {
        // Three a day for 50 days, oldest first, ending on 19 Feb 2026.
        let mut stamps = Vec::new();
        let mut date = jiff::civil::date(2026, 1, 1);
        for day in 0..50 {
            for hour in 0..3 {
                stamps.push((
                    format!("{:06}-x", day * 3 + hour),
                    format!("{}T{hour:02}0000Z", date.strftime("%Y%m%d")),
                ));
            }
            date = date.tomorrow().unwrap();
        }
        let now = "20260219T230000Z";
        let dropped = too_old(&stamps, now, "000000-x");
        let kept: Vec<_> = stamps.iter().filter(|(id, _)| !dropped.contains(id)).collect();
        // The 20 newest cover 19 Feb back to 13 Feb (the last of that day and one more of it); 31 dates from 20 Jan on
        // have one each.
        assert!(stamps[130..].iter().all(|(id, _)| !dropped.contains(id)));
        let days: std::collections::BTreeSet<_> = kept.iter().map(|(_, stamp)| stamp.get(..8).unwrap()).collect();
        assert_eq!(days.len(), 31 + 1); // and the protected one of 1 January
        assert!(kept.iter().any(|(id, _)| id == "000000-x"));
        assert_eq!(kept.len(), 20 + (31 - 7) + 1);
    }

    #[test]
    fn an_id_never_leads_out_of_the_directory() {
        assert!(is_id("000042-20261124T073000Z"));
        for bad in [
            "../../etc/passwd",
            "000042-20261124T0730/../",
            "",
            "x",
            "000042",
            "000042-20261124T073000Z.cfg",
        ] {
            assert!(!is_id(bad), "{bad}");
        }
    }
}
