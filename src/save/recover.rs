//! Finishing or undoing what an earlier save left behind. Idempotent: killed at any point, it starts over; run twice at
//! once, the lock lets one through.

use std::borrow::Cow;
use std::path::PathBuf;

use super::audit::{Actor, AuditEntry, audit};
use super::backup;
use super::error::{SaveError, What};
use super::locks::Locks;
use super::records::{self, EngineStopped, Journal, PENDING, Phase};
use super::replace;
use super::state_dir::{Home, StateDir};
use super::target::{LARGEST, Snapshot, Target};
use super::trouble::{OnDisk, Shown, shown};
use crate::files;
use crate::mailserver_cfg::Document;

/// The action of a journal that put the old file back after a bad start: undone, the file is still the one that the
/// engine did not like.
pub const ROLL_BACK: &str = "roll back";

/// What recovery found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovered {
    /// A save broke off before its exchange: the file is what it was before; leftovers are gone.
    Undone {
        /// What it was: `save`, `restore`, … or [`ROLL_BACK`].
        action: String,
        /// When it began.
        when: String,
        /// What it was about.
        summary: String,
        /// The backup that is still there: of a [`ROLL_BACK`], with the bytes that did not get back. A save's own is
        /// gone.
        backup: Option<String>,
    },
    /// A save broke off after its exchange: the new file is in place; the old one, which lay beside it, is gone; the
    /// backup is there.
    Completed {
        /// What it was: `save`, `restore`, … or [`ROLL_BACK`].
        action: String,
        /// When it began.
        when: String,
        /// What it was about.
        summary: String,
        /// Its backup; of a [`ROLL_BACK`], the bytes that are in the file again.
        backup: String,
    },
    /// A save broke off while another program's version was swapped out: that version is back in place.
    TheirsPutBack {
        /// When it began.
        when: String,
        /// A copy of their version.
        kept: PathBuf,
    },
    /// The file was replaced by another program after the save broke off; what had come out of the exchange is kept.
    Kept {
        /// When the save began.
        when: String,
        /// Where.
        kept: PathBuf,
    },
    /// The file was torn while written in place; it was put together again from the backup.
    Repaired {
        /// When the save began.
        when: String,
        /// From this backup.
        backup: String,
    },
    /// A save broke off; the file has been changed since, so it is left alone. The backup is there.
    ChangedSince {
        /// When it began.
        when: String,
        /// Its backup.
        backup: String,
    },
    /// An earlier save stopped the engine, and did not live to start it or could not. Said until [`engine_is_up`] is
    /// called.
    EngineMayBeDown {
        /// Since when.
        when: String,
        /// Who saved.
        who: String,
        /// Why it could not, which was told then; `None`: it did not live to.
        left: Option<String>,
    },
}

/// Cleans up after saves that did not end. To be called at the start of the program; a save calls it first too.
/// # Errors
/// [`SaveError`]: [`What::Locked`] while a save is going on; the disk's errors, and then it can be called again.
pub fn recover(state: &StateDir, target: &Target) -> Result<Vec<Recovered>, SaveError> {
    let home = state.home(target)?;
    let _locks = Locks::take(target, &home)?;
    recover_locked(state, &home, target)
}

/// Did a save of this file break off, so that [`recover`] has something to finish or undo? Only looks; makes nothing.
#[must_use]
pub fn unfinished(state: &StateDir, target: &Target) -> bool {
    let home = state.look_into(target, None).ok().flatten();
    home.is_some_and(|home| home.open_file(records::NAME).is_ok_and(|found| found.is_some()))
}

/// The engine runs again (or is meant to be down): [`Recovered::EngineMayBeDown`] is not said any more.
/// # Errors
/// The state directory cannot be written.
pub fn engine_is_up(state: &StateDir, target: &Target) -> Result<(), SaveError> {
    EngineStopped::clear(&state.home(target)?)
}

pub(crate) fn recover_locked(state: &StateDir, home: &Home, target: &Target) -> Result<Vec<Recovered>, SaveError> {
    let mut found = Vec::new();
    for dir in [&home.dir, &home.backups, &home.kept] {
        dir.remove_leftovers()?;
    }
    if home.dir.open_file("target")?.is_none() {
        // For people: whose directory this is.
        let line = format!("{}\n", Shown(target.path()));
        home.dir.write("target", line.as_bytes())?;
    }
    if let Some(mut journal) = Journal::read(home)? {
        // Words of people, told again.
        journal.summary = shown(&journal.summary);
        let what = match &journal.phase {
            Phase::Begun => undo(home, target, &journal)?,
            Phase::Ready { inode } => after_ready(home, target, &journal, *inode)?,
            Phase::InPlace => in_place_broken(home, target, &journal)?,
        };
        // Cleaning up matters more than telling: a full disk must not stop it.
        let _ = record(state, target, &journal, &what);
        found.push(what);
        Journal::close(home)?;
    }
    // Left when closing the journal was cut short: without a journal nobody asks for it.
    home.dir.remove(PENDING)?;
    backup::clean(home)?;
    if let Some(engine) = EngineStopped::read(home)? {
        found.push(Recovered::EngineMayBeDown {
            when: engine.when,
            who: engine.who,
            left: engine.left,
        });
    }
    Ok(found)
}

/// The exchange did not happen: the temp file and the backup go.
fn undo(home: &Home, target: &Target, journal: &Journal) -> Result<Recovered, SaveError> {
    if target.is_temp_name(&journal.temp) {
        target.parent().remove(&journal.temp)?;
        target.parent().sync()?;
    }
    if journal.own_backup {
        backup::discard(home, &journal.backup)?;
    }
    let Journal {
        action,
        when,
        summary,
        backup,
        ..
    } = journal.clone();
    let backup = (!journal.own_backup).then_some(backup);
    Ok(Recovered::Undone {
        action,
        when,
        summary,
        backup,
    })
}

fn completed(journal: &Journal) -> Recovered {
    let Journal {
        action,
        when,
        summary,
        backup,
        ..
    } = journal.clone();
    Recovered::Completed {
        action,
        when,
        summary,
        backup,
    }
}

/// The SHA-256 of what lies beside the target under this name; `None`: nothing does.
fn sum_of(target: &Target, temp: &str) -> Result<Option<String>, SaveError> {
    let Some(opened) = target.parent().open_file(temp)? else {
        return Ok(None);
    };
    Ok(Some(files::sha256_of(opened.file(), LARGEST, target.path())?))
}

/// The temp file was whole; which of the two names has it?
fn after_ready(home: &Home, target: &Target, journal: &Journal, inode: u64) -> Result<Recovered, SaveError> {
    let temp = journal.temp.as_str();
    let (sum, snapshot) = target.sum()?;
    // By inode; by content where a file system makes new inode numbers at each mount.
    let ours_is_in = snapshot.inode == inode || sum == journal.new_sha256;
    let beside = if target.is_temp_name(temp) {
        sum_of(target, temp)?
    } else {
        None
    };
    let Some(out_sum) = beside else {
        return if sum == journal.old_sha256 {
            undo(home, target, journal)
        } else if ours_is_in {
            target.parent().sync()?;
            Ok(completed(journal))
        } else {
            Ok(Recovered::ChangedSince {
                when: journal.when.clone(),
                backup: journal.backup.clone(),
            })
        };
    };
    let out_stat = rustix::fs::statat(target.parent().handle(), temp, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|errno| SaveError::disk("looking at what lies beside", target.path(), errno))?;
    let out_snapshot = Snapshot::of(&out_stat);
    if out_snapshot.inode == inode || out_sum == journal.new_sha256 {
        return undo(home, target, journal);
    }
    if out_sum == journal.old_sha256 {
        // What came out is what was expected. Durable first, then the old file, which holds secrets, goes.
        target.parent().sync()?;
        target.parent().remove(temp)?;
        target.parent().sync()?;
        return Ok(completed(journal));
    }
    // Another program's version came out, and the crash was faster than putting it back.
    let Some(out) = target.parent().read(temp, LARGEST)? else {
        // Gone since it was summed: the next try finds it so.
        let path = target.path().to_path_buf();
        return Err(What::NeverQuiet { path }.into());
    };
    let kept = backup::keep(home, "came-out", &out)?;
    let when = journal.when.clone();
    let (bytes, snapshot) = target.read()?;
    if snapshot.inode == inode && files::sha256(&bytes) == journal.new_sha256 {
        let ours = (Some(Cow::Owned(bytes)), Some(snapshot));
        replace::put_back(target, home, temp, (Some(Cow::Owned(out)), Some(out_snapshot)), ours)?;
        if journal.own_backup {
            backup::discard(home, &journal.backup)?;
        }
        return Ok(Recovered::TheirsPutBack { when, kept });
    }
    target.parent().remove(temp)?;
    target.parent().sync()?;
    Ok(Recovered::Kept { when, kept })
}

fn in_place_broken(home: &Home, target: &Target, journal: &Journal) -> Result<Recovered, SaveError> {
    let (sum, _) = target.sum()?;
    if sum == journal.new_sha256 {
        // It may have got there without fsync.
        let file = replace::open_for_writing(target)?;
        files::sync(&file, target.path())?;
        return Ok(completed(journal));
    }
    if sum == journal.old_sha256 {
        return undo(home, target, journal);
    }
    let (when, backup) = (journal.when.clone(), journal.backup.clone());
    let (bytes, _) = target.read()?;
    let good = backup::read_proven(&home.backups, &journal.backup)?;
    let other = home.dir.read(PENDING, LARGEST)?.unwrap_or_default();
    if !replace::is_torn(&bytes, &good, &other) && Document::parse(bytes.clone()).is_ok() {
        return Ok(Recovered::ChangedSince { when, backup });
    }
    backup::keep(home, "torn", &bytes)?;
    let mut file = replace::open_for_writing(target)?;
    replace::overwrite(&mut file, &good, target)
        .and_then(|()| replace::check(target, &good))
        .map_err(|error| {
            error.with_on_disk(OnDisk::Torn {
                backup: home.backups.path().join(format!("{}.cfg", journal.backup)),
            })
        })?;
    Ok(Recovered::Repaired { when, backup })
}

/// Writes the audit line.
fn record(state: &StateDir, target: &Target, journal: &Journal, what: &Recovered) -> Result<(), SaveError> {
    let result = match what {
        Recovered::Undone { action, .. } if action == ROLL_BACK => {
            "broke off; the file is still the new one, with which the engine did not come up"
        }
        Recovered::Completed { action, .. } if action == ROLL_BACK => {
            "broke off; completed: the old file is back in place"
        }
        Recovered::Undone { .. } => "broke off; undone: the file is as it was before",
        Recovered::Completed { .. } => "broke off; completed: what it wrote is in place",
        Recovered::TheirsPutBack { .. } => "broke off; what another program had written is back in place",
        Recovered::Kept { .. } => "broke off; replaced by another program since, what came out is kept",
        Recovered::Repaired { .. } => "broke off while writing in place; put together again from the backup",
        Recovered::ChangedSince { .. } => "broke off; changed by another program since, left alone",
        Recovered::EngineMayBeDown { .. } => return Ok(()),
    };
    let (actor, words) = (
        Actor::now(),
        format!("{} of {}: {}", journal.action, journal.when, journal.summary),
    );
    let entry = AuditEntry {
        actor: &actor,
        action: "recover",
        what: &words,
        words: &[],
        result,
        backup: Some(&journal.backup),
    };
    audit(state, target, entry)
}
