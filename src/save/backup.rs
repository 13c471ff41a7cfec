//! Backups: the old bytes, proven on disk before the file is touched, with a manifest and a list for `sha256sum -c`.
//!
//! `backups/000042-20261124T073000Z.cfg`, the same name with `.json`, and `SHA256SUMS`. The number counts up, so that a clock that was set
//! back cannot disturb the order. Never `mailserver.cfg.bak`: the server uses that name.

use super::attributes::Attributes;
use super::disk::{self, LARGEST};
use super::error::SaveError;
use super::journal::Journal;
use super::json;
use super::manifest::{BackupInfo, Manifest, StoredEdit, info};
use super::request::Request;
use super::state_dir::{Home, StateDir};
use super::target::Target;
use super::who;
use crate::mailserver_cfg::EditSet;

/// How many of the newest are kept whatever their age.
const NEWEST: usize = 20;
/// For how many days one a day is kept.
const DAYS: i64 = 30;
const LIST: &str = "SHA256SUMS";
/// Of manifests as they are now.
const FORMAT: u32 = 1;

/// Writes and proves the backup of `old` that the journal announces.
pub(crate) fn make(
    home: &Home,
    request: &Request<'_>,
    journal: &Journal,
    old: &[u8],
    edits: &EditSet,
    attributes: &Attributes,
) -> Result<BackupInfo, SaveError> {
    let id = journal.backup.as_str();
    let manifest = Manifest {
        format: FORMAT,
        when: who::now(),
        utc: who::utc_stamp(),
        who: request.actor.clone(),
        action: request.note.action.clone(),
        file: request.target.path().to_string_lossy().into_owned(),
        size: u64::try_from(old.len()).unwrap_or(u64::MAX),
        new_sha256: journal.new_sha256.clone(),
        mode: format!("{:04o}", attributes.mode),
        uid: attributes.uid,
        owner: who::user_name(attributes.uid),
        gid: attributes.gid,
        group: who::group_name(attributes.gid),
        xattrs: attributes
            .xattrs
            .iter()
            .map(|(name, value)| (name.clone(), disk::hex(value)))
            .collect(),
        whole: request.content.is_whole(),
        edits: edits
            .edits()
            .iter()
            .map(|edit| StoredEdit::of(edit, request.secrets))
            .collect(),
        summary: request.note.summary.clone(),
        words: request.note.words.clone(),
        sha256: journal.old_sha256.clone(),
    };
    let backups = &home.backups;
    backups.put_new(&format!("{id}.cfg"), old)?;
    json::put(backups, &format!("{id}.json"), &manifest)?;
    write_list(home, &entries(home)?)?;
    Ok(info(home, id, manifest))
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
    Ok(format!("{next:06}-{}", who::utc_stamp()))
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
fn entries(home: &Home) -> Result<Vec<(String, Manifest)>, SaveError> {
    let mut found = Vec::new();
    for name in home.backups.names()? {
        if let Some(id) = name.strip_suffix(".json").filter(|id| is_id(id))
            && let Ok(Some(manifest)) = json::get_of::<Manifest>(&home.backups, &name, FORMAT)
        {
            found.push((id.to_owned(), manifest));
        }
    }
    Ok(found)
}

fn write_list(home: &Home, entries: &[(String, Manifest)]) -> Result<(), SaveError> {
    let lines: String = entries
        .iter()
        .map(|(id, manifest)| format!("{}  {id}.cfg\n", manifest.sha256))
        .collect();
    if home.backups.read(LIST, 16 << 20)?.as_deref() == Some(lines.as_bytes()) {
        return Ok(());
    }
    home.backups.put(LIST, lines.as_bytes())
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
    let left: Vec<_> = entries(home)?.into_iter().filter(|(id, _)| !ids.contains(id)).collect();
    write_list(home, &left)?;
    for id in ids {
        home.backups.remove(&format!("{id}.json"))?;
        home.backups.remove(&format!("{id}.cfg"))?;
    }
    home.backups.sync()
}

/// Drops what is too old. `protect` is the backup just made, whose bytes were proven: the last good one.
pub(crate) fn prune(home: &Home, protect: &str) -> Result<usize, SaveError> {
    let entries = entries(home)?;
    let stamps: Vec<(String, String)> = entries.into_iter().map(|(id, manifest)| (id, manifest.utc)).collect();
    let drop = too_old(&stamps, &who::utc_stamp(), protect);
    remove(home, &drop)?;
    Ok(drop.len())
}

/// Which of these (name, UTC stamp; oldest first) are neither among the newest nor the last of one of the past days.
pub(crate) fn too_old(stamps: &[(String, String)], now: &str, protect: &str) -> Vec<String> {
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

/// Is content with this hash in a backup whose bytes are proven?
pub(crate) fn holds(home: &Home, sha256: &str) -> Result<bool, SaveError> {
    let proven = |id: &str| matches!(home.backups.sum(&format!("{id}.cfg")), Ok(Some(sum)) if sum == sha256);
    Ok(entries(home)?
        .iter()
        .any(|(id, manifest)| manifest.sha256 == sha256 && proven(id)))
}

/// Removes what a crash left between the steps of [`make`] and [`remove`]: bytes without manifest, manifests without bytes, temp files.
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
    write_list(home, &entries(home)?)
}

/// The backups of a file, newest first.
/// # Errors
/// The state directory cannot be read.
pub fn backups(state: &StateDir, target: &Target) -> Result<Vec<BackupInfo>, SaveError> {
    let home = state.home(target)?;
    Ok(entries(&home)?
        .into_iter()
        .rev()
        .map(|(id, manifest)| info(&home, &id, manifest))
        .collect())
}

/// The bytes of a backup, proven by the hash of its manifest.
/// # Errors
/// [`SaveError::NoSuchBackup`], [`SaveError::BackupBroken`].
pub fn read_backup(state: &StateDir, target: &Target, id: &str) -> Result<Vec<u8>, SaveError> {
    read_proven(&state.home(target)?, id)
}

pub(crate) fn read_proven(home: &Home, id: &str) -> Result<Vec<u8>, SaveError> {
    if !is_id(id) {
        return Err(SaveError::NoSuchBackup { id: id.to_owned() });
    }
    let manifest: Option<Manifest> = json::get_of(&home.backups, &format!("{id}.json"), FORMAT)?;
    let bytes = home.backups.read(&format!("{id}.cfg"), LARGEST)?;
    let (Some(manifest), Some(bytes)) = (manifest, bytes) else {
        return Err(SaveError::NoSuchBackup { id: id.to_owned() });
    };
    if disk::sha256(&bytes) == manifest.sha256 {
        Ok(bytes)
    } else {
        Err(SaveError::BackupBroken {
            id: id.to_owned(),
            why: "its bytes do not match its SHA-256".into(),
        })
    }
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
        // The 20 newest cover 19 Feb back to 13 Feb (the last of that day and one more of it); 31 dates from 20 Jan on have one each.
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
