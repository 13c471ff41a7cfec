//! One attempt at putting the new file in place: journal, backup, write, commit; and taking all of it back when it fails.

use super::attributes::Attributes;
use super::backup;
use super::disk;
use super::error::SaveError;
use super::gate::{Gate, Progress, Step};
use super::journal::{self, Journal, Phase};
use super::manifest::BackupInfo;
use super::plan::Plan;
use super::request::Request;
use super::state_dir::Home;
use super::steps::Save;
use super::swap::Change;
use super::trouble::OnDisk;
use super::who;

impl Save<'_> {
    /// One attempt: journal, backup, write, exchange, commit. Cleans up after itself when it fails.
    pub(crate) fn once(
        &self,
        plan: &Plan,
        new: &[u8],
        attributes: &Attributes,
        in_place: bool,
        gate: &mut dyn Gate,
        progress: &mut dyn Progress,
    ) -> Result<(BackupInfo, Vec<String>), SaveError> {
        let (request, home, old) = (self.request, self.home, plan.old.as_bytes());
        let mut journal = Journal {
            format: journal::FORMAT,
            when: who::now(),
            action: request.note.action.clone(),
            summary: request.note.summary.clone(),
            temp: request.target.temp_name(),
            old_sha256: disk::sha256(old),
            new_sha256: disk::sha256(new),
            backup: backup::next_id(home)?,
            own_backup: true,
            phase: Phase::Begun,
        };
        journal.write(home)?;
        let result = (|| {
            progress.step(Step::BackingUp);
            let made = backup::make(home, request, &journal, old, &plan.applied, attributes)?;
            progress.step(Step::Writing);
            let change = Change {
                target: request.target,
                home,
                old,
                attributes,
                new,
            };
            let mut look = || {
                self.not_cancelled()?;
                progress.step(Step::ProvingStopped);
                gate.prove_stopped()?;
                self.not_cancelled()?;
                progress.step(Step::Exchanging);
                Ok(())
            };
            let warnings = if in_place {
                change.write_in_place(&mut journal, new, &mut look)?
            } else {
                change.replace(&mut journal, &mut look)?
            };
            Ok((made, warnings))
        })();
        match result {
            Ok((made, mut warnings)) => {
                progress.step(Step::Committed);
                warnings.extend(self.read_back(new));
                warnings.extend(self.close(&journal));
                if let Err(error) = backup::prune(home, &made.id) {
                    warnings.push(format!("old backups could not be removed: {error}"));
                }
                Ok((made, warnings))
            }
            Err(error) => {
                take_back(request, home, &journal, &error);
                Err(error)
            }
        }
    }

    /// Once, by its name: that it was written just now is known, so there is nothing to wait for.
    fn read_back(&self, new: &[u8]) -> Option<String> {
        let target = self.request.target;
        match target.parent().holds(target.name(), new) {
            Ok(true) => None,
            Ok(false) => Some("another program has already changed the file again after this save".to_owned()),
            Err(error) => Some(format!("the file was saved, but could not be read back: {error}")),
        }
    }

    /// The journal is closed, unless something is left for recovery to remove.
    pub(crate) fn close(&self, journal: &Journal) -> Option<String> {
        let names = self.request.target.parent().names();
        if names.is_ok_and(|names| names.contains(&journal.temp)) {
            return None; // the warning about it is there already; the next start removes it
        }
        Journal::close(self.home)
            .err()
            .map(|error| format!("the journal could not be closed; the next start does it: {error}"))
    }
}

/// After a failed attempt: nothing of it stays. What cannot be removed now is in the journal for the next start, so errors are not told.
pub(crate) fn take_back(request: &Request<'_>, home: &Home, journal: &Journal, error: &SaveError) {
    let gone = match error.on_disk() {
        OnDisk::Untouched | OnDisk::Engines | OnDisk::PutBack | OnDisk::Theirs => true,
        OnDisk::New | OnDisk::Torn { .. } | OnDisk::Unsure { .. } => false,
        // Never said before a roll back has ended.
        OnDisk::Failed | OnDisk::Restored | OnDisk::Others => false,
    };
    if !gone {
        return;
    }
    let parent = request.target.parent();
    let _ = parent
        .remove(&journal.temp)
        .and_then(|()| parent.sync())
        .and_then(|()| {
            if journal.own_backup {
                backup::discard(home, &journal.backup)
            } else {
                Ok(())
            }
        })
        .and_then(|()| Journal::close(home));
}
