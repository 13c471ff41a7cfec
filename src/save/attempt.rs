//! Attempts at putting the new file in place: plan, journal, backup, write, commit, and taking all of it back when it
//! fails. And the same the other way round: the old file goes back where the engine did not come up with the new one,
//! which is kept for looking at.

use std::fs::File;

use rustix::fs::AtFlags;

use super::audit;
use super::backup::{self, About, BackupInfo};
use super::error::{SaveError, What};
use super::gate::{Gate, Progress, Step};
use super::plan::{Plan, Theirs, plan, read_now};
use super::plan::{Request, SaveOutcome};
use super::preflight::in_place_reason;
use super::records::stored;
use super::records::{self, Journal, Phase};
use super::recover::ROLL_BACK;
use super::replace::Change;
use super::state_dir::Home;
use super::target::Attributes;
use super::target::Snapshot;
use super::trouble::OnDisk;
use crate::files;

/// How often a save starts over when another program wrote between reading and exchange.
const ATTEMPTS: usize = 3;

/// What was committed.
pub(crate) struct Done {
    pub(crate) plan: Plan,
    pub(crate) attributes: Attributes,
    pub(crate) backup: BackupInfo,
    pub(crate) warnings: Vec<String>,
}

/// What writing came to.
pub(crate) enum Written {
    /// The new file is in place for good.
    Committed(Box<Done>),
    /// There was nothing to write any more: the engine itself had written what was wanted when it stopped.
    Nothing(Plan),
}

/// A save that is going on.
pub(crate) struct Save<'a> {
    pub(crate) request: &'a Request<'a>,
    pub(crate) home: &'a Home,
}

impl Save<'_> {
    pub(crate) fn not_cancelled(&self) -> Result<(), SaveError> {
        if self.request.cancelled() {
            Err(What::Cancelled.into())
        } else {
            Ok(())
        }
    }

    /// Reads again, and writes (`stopped`: the engine was stopped for this); starts over when another program was in
    /// between.
    pub(crate) fn write(
        &self,
        first: Plan,
        stopped: bool,
        gate: &mut dyn Gate,
        progress: &mut dyn Progress,
    ) -> Result<Written, SaveError> {
        let mut last = Some(first);
        let mut attempt = 0;
        loop {
            attempt += 1;
            self.not_cancelled()?;
            progress.step(Step::Reading);
            // What the engine wrote when it was stopped for this save is no surprise; whoever writes after that is
            // another program.
            let theirs = if stopped && attempt == 1 {
                Theirs::Engines
            } else {
                Theirs::Asked
            };
            let (plan, snapshot, file) = self.read_again(last.take(), theirs)?;
            let attributes = Attributes::of(&file, self.request.target.path())?;
            let Some(new) = &plan.new else {
                return Ok(Written::Nothing(plan));
            };
            let in_place = in_place_reason(self.request.target, &snapshot);
            if let Some(why) = &in_place
                && !self.request.allow_in_place
            {
                let (path, why) = (self.request.target.path().to_path_buf(), why.clone());
                return Err(What::InPlaceNeeded { path, why }.into());
            }
            match self.once(&plan, new.as_bytes(), &attributes, in_place.is_some(), gate, progress) {
                Ok((backup, warnings)) => {
                    return Ok(Written::Committed(Box::new(Done {
                        plan,
                        attributes,
                        backup,
                        warnings,
                    })));
                }
                Err(error) if error.is_overtaken() && attempt < ATTEMPTS => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The plan for what stands in the file now: the last one, if it is made from that.
    fn read_again(&self, last: Option<Plan>, theirs: Theirs) -> Result<(Plan, Snapshot, File), SaveError> {
        if let Some(plan) = last {
            let (same, snapshot, file) = self.request.target.holds(plan.old.as_bytes())?;
            if same {
                return Ok((plan, snapshot, file));
            }
        }
        let (now, snapshot, file) = read_now(self.request)?;
        Ok((plan(self.request, now, theirs)?, snapshot, file))
    }

    /// One attempt: journal, backup, write, exchange, commit. Cleans up after itself when it fails.
    fn once(
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
            format: records::FORMAT,
            when: audit::now(),
            action: request.note.action.clone(),
            summary: request.note.summary.clone(),
            temp: request.target.temp_name(),
            old_sha256: files::sha256(old),
            new_sha256: files::sha256(new),
            backup: backup::next_id(home)?,
            own_backup: true,
            phase: Phase::Begun,
        };
        journal.write(home)?;
        let result = (|| {
            progress.step(Step::BackingUp);
            let about = About {
                who: &request.actor,
                action: &request.note.action,
                summary: &request.note.summary,
                words: &request.note.words,
                file: request.target.path(),
                whole: request.content.is_whole(),
                edits: stored(&plan.applied, request.secrets),
                attributes,
            };
            let made = backup::make(home, &journal, old, about)?;
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
                    warnings.push(format!("old backups could not be removed: {}", error.why()));
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
    fn close(&self, journal: &Journal) -> Option<String> {
        let parent = self.request.target.parent().handle();
        if rustix::fs::statat(parent, &journal.temp, AtFlags::SYMLINK_NOFOLLOW).is_ok() {
            return None; // the warning about it is there already; the next start removes it
        }
        Journal::close(self.home).err().map(|error| {
            format!(
                "the journal could not be closed; the next start does it: {}",
                error.why()
            )
        })
    }

    /// Puts the old file back, keeps the one that the engine did not like, starts the engine once.
    pub(crate) fn roll_back(
        &self,
        old: &[u8],
        attributes: &Attributes,
        made: &BackupInfo,
        why: &[String],
        gate: &mut dyn Gate,
    ) -> (SaveOutcome, Vec<String>) {
        let why = why.to_vec();
        if let Err(error) = gate.before_roll_back() {
            let error = SaveError::from(error).into();
            return (SaveOutcome::RollBackFailed { why, error }, Vec::new());
        }
        let mut warnings = Vec::new();
        let mut attempt = 1;
        loop {
            match self.put_old_back(old, attributes, made, gate) {
                Ok((failed_file, more)) => {
                    warnings.extend(more);
                    let then = gate.after_roll_back();
                    return (SaveOutcome::RolledBack { why, failed_file, then }, warnings);
                }
                Err(error) if error.is_overtaken() && attempt < ATTEMPTS => attempt += 1,
                Err(error) => {
                    let error = error.into();
                    return (SaveOutcome::RollBackFailed { why, error }, warnings);
                }
            }
        }
    }

    fn put_old_back(
        &self,
        old: &[u8],
        attributes: &Attributes,
        made: &BackupInfo,
        gate: &mut dyn Gate,
    ) -> Result<(Option<std::path::PathBuf>, Vec<String>), SaveError> {
        let (target, home) = (self.request.target, self.home);
        let (failed, snapshot, file) = target.read_handle()?;
        if failed == old {
            return Ok((None, Vec::new()));
        }
        let now = Attributes::of(&file, target.path())?;
        let mut warnings = Vec::new();
        let failed_file = match backup::keep(home, "failed", &failed) {
            Ok(path) => Some(path),
            // A mail host that is down is worse than a copy that is missing.
            Err(error) => {
                warnings.push(format!(
                    "the file that the engine did not start with could not be kept: {}",
                    error.why()
                ));
                None
            }
        };
        if now.differs(attributes) {
            warnings.push("owner, mode or ACL of the file were changed since the save; they are left so".to_owned());
        }
        let mut journal = Journal {
            format: records::FORMAT,
            when: audit::now(),
            action: ROLL_BACK.to_owned(),
            summary: self.request.note.summary.clone(),
            temp: target.temp_name(),
            old_sha256: files::sha256(&failed),
            new_sha256: files::sha256(old),
            backup: made.id.clone(),
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

/// After a failed attempt: nothing of it stays. What cannot be removed now is in the journal for the next start, so
/// errors are not told.
fn take_back(request: &Request<'_>, home: &Home, journal: &Journal, error: &SaveError) {
    match error.on_disk {
        OnDisk::Untouched | OnDisk::Engines | OnDisk::PutBack | OnDisk::Theirs => {}
        OnDisk::New | OnDisk::Torn { .. } | OnDisk::Unsure { .. } => return,
    }
    let parent = request.target.parent();
    let clean = || -> Result<(), SaveError> {
        parent.remove(&journal.temp)?;
        parent.sync()?;
        if journal.own_backup {
            backup::discard(home, &journal.backup)?;
        }
        Journal::close(home)
    };
    let _ = clean();
}
