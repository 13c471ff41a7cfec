//! The engine did not come up with the new file: the old one goes back, by the same exchange, and the new one is kept for looking at.

use super::attempt::take_back;
use super::attributes::Attributes;
use super::disk;
use super::error::SaveError;
use super::gate::Gate;
use super::journal::{self, Journal, Phase};
use super::manifest::BackupInfo;
use super::preflight::in_place_reason;
use super::recovered::ROLL_BACK;
use super::request::Outcome;
use super::steps::{ATTEMPTS, Save};
use super::swap::Change;
use super::trouble::OnDisk;
use super::who;

impl Save<'_> {
    /// Puts the old file back, keeps the one that the engine did not like, starts the engine once.
    pub(crate) fn roll_back(
        &self,
        old: &[u8],
        attributes: &Attributes,
        backup: &BackupInfo,
        why: &[String],
        gate: &mut dyn Gate,
    ) -> (Outcome, Vec<String>) {
        let why = why.to_vec();
        if let Err(error) = gate.before_roll_back() {
            let error = words(SaveError::from(error));
            return (Outcome::RollBackFailed { why, error }, Vec::new());
        }
        let mut warnings = Vec::new();
        let mut attempt = 1;
        loop {
            match self.put_old_back(old, attributes, backup, gate) {
                Ok((failed_file, more)) => {
                    warnings.extend(more);
                    let then = gate.after_roll_back();
                    return (Outcome::RolledBack { why, failed_file, then }, warnings);
                }
                Err(SaveError::ChangedUnderneath {
                    on_disk: OnDisk::Theirs,
                    ..
                }) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => {
                    let error = words(error);
                    return (Outcome::RollBackFailed { why, error }, warnings);
                }
            }
        }
    }

    fn put_old_back(
        &self,
        old: &[u8],
        attributes: &Attributes,
        backup: &BackupInfo,
        gate: &mut dyn Gate,
    ) -> Result<(Option<std::path::PathBuf>, Vec<String>), SaveError> {
        let (target, home) = (self.request.target, self.home);
        let (failed, snapshot, file) = target.read_handle()?;
        if failed == old {
            return Ok((None, Vec::new()));
        }
        let now = Attributes::of(&file, target.path())?;
        let mut warnings = Vec::new();
        let failed_file = match home.keep("failed", &failed) {
            Ok(path) => Some(path),
            // A mail host that is down is worse than a copy that is missing.
            Err(error) => {
                warnings.push(format!(
                    "the file that the engine did not start with could not be kept: {error}"
                ));
                None
            }
        };
        if now.differs(attributes) {
            warnings.push("owner, mode or ACL of the file were changed since the save; they are left so".to_owned());
        }
        let mut journal = Journal {
            format: journal::FORMAT,
            when: who::now(),
            action: ROLL_BACK.to_owned(),
            summary: self.request.note.summary.clone(),
            temp: target.temp_name(),
            old_sha256: disk::sha256(&failed),
            new_sha256: disk::sha256(old),
            backup: backup.id.clone(),
            own_backup: false,
            phase: Phase::Begun,
        };
        journal.write(home)?;
        let change = Change {
            target,
            home,
            old: &failed,
            attributes: &now,
            new: old,
        };
        let mut look = || gate.prove_stopped().map_err(SaveError::from);
        let result = if in_place_reason(target, &snapshot).is_some() {
            change.write_in_place(&mut journal, &failed, &mut look)
        } else {
            change.replace(&mut journal, &mut look)
        };
        match result {
            Ok(more) => {
                warnings.extend(more);
                warnings.extend(self.close(&journal));
                Ok((failed_file, warnings))
            }
            Err(error) => {
                take_back(self.request, home, &journal, &error);
                Err(error)
            }
        }
    }
}

/// Why the old file is not back, and which file is there.
fn words(error: SaveError) -> String {
    let there = error.on_disk().of_a_roll_back();
    if error.said_of_disk().is_some() {
        error.with_on_disk(there).to_string()
    } else {
        format!("{error}; {there}")
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn why_the_old_file_is_not_back_always_says_which_file_is_there() {
        let disk = |on_disk| {
            let error = SaveError::disk("syncing", Path::new("/x"), rustix::io::Errno::IO);
            words(error.with_on_disk(on_disk))
        };
        let failed = "the file that the engine did not start with is in place";
        for on_disk in [OnDisk::Untouched, OnDisk::Engines, OnDisk::PutBack] {
            assert!(disk(on_disk).contains(failed));
        }
        assert!(disk(OnDisk::New).contains("the old file is in place"));
        assert!(!disk(OnDisk::New).contains("the new file is in place"));
        let theirs = words(SaveError::ChangedUnderneath {
            path: "/x".into(),
            changed: Vec::new(),
            on_disk: OnDisk::Theirs,
        });
        assert!(theirs.contains("as another program wrote it") && !theirs.contains("nothing of this save"));
        assert!(words(SaveError::NeverQuiet { path: "/x".into() }).ends_with(failed));
    }
}
