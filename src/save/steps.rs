//! The save from end to end, step by step in order.

use std::fs::File;
use std::sync::Arc;

use super::attributes::Attributes;
use super::audit::{AuditEntry, audit};
use super::error::SaveError;
use super::gate::{Gate, Progress, Started, Step};
use super::left_down::{late, left};
use super::manifest::BackupInfo;
use super::plan::{Old, Plan, Theirs, plan, read_now};
use super::preflight::{in_place_reason, preflight};
use super::recover::recover_locked;
use super::request::{Outcome, Request, Saved, ended};
use super::state_dir::{Home, Locks};
use super::target::Snapshot;
use super::trouble::OnDisk;
use crate::mailserver_cfg::EditSet;

/// How often a save starts over when another program wrote between reading and exchange.
pub(crate) const ATTEMPTS: usize = 3;

/// Saves. Returns when the file is in place for good and the engine is up, or when nothing has changed and the engine is as it was.
/// Does everything on the calling thread.
/// # Errors
/// [`SaveError`]; each says what is on disk. After the commit point there is no error, only [`Saved::warnings`] and [`Outcome`].
pub fn save(request: &Request<'_>, gate: &mut dyn Gate, progress: &mut dyn Progress) -> Result<Saved, SaveError> {
    progress.step(Step::Recovering);
    let home = request.state.home(request.target)?;
    let locks = Locks::take(request.target, &home)?;
    let recovered = recover_locked(request.state, &home, request.target)?;
    let mut result = Save { request, home: &home }.run(gate, progress);
    if let Ok(saved) = &mut result {
        saved.recovered = recovered;
        if locks.weak {
            saved.warnings.push(
                "this file system knows no locks: a second save from another host would have been seen only by its effect".to_owned(),
            );
        }
    }
    let told = tell(request, &result);
    if let (Ok(saved), Err(error)) = (&mut result, told) {
        saved
            .warnings
            .push(format!("the audit file could not be written: {error}"));
    }
    result
}

/// What was committed.
struct Done {
    plan: Plan,
    attributes: Attributes,
    backup: BackupInfo,
    warnings: Vec<String>,
}

pub(crate) struct Save<'a> {
    pub(crate) request: &'a Request<'a>,
    pub(crate) home: &'a Home,
}

impl<'a> Save<'a> {
    fn run(&self, gate: &mut dyn Gate, progress: &mut dyn Progress) -> Result<Saved, SaveError> {
        progress.step(Step::Checking);
        let request = self.request;
        let (now, ..) = read_now(request)?;
        let first = plan(request, now, Theirs::Asked)?;
        let Some(new) = &first.new else {
            return Ok(self.nothing(first));
        };
        let size = u64::try_from(new.as_bytes().len()).unwrap_or(u64::MAX);
        preflight(request.target, request.state, size)?.refuse(request.state, request.allow_in_place)?;
        self.not_cancelled()?;

        progress.step(Step::StoppingEngine);
        let stops = gate.will_stop();
        if stops {
            self.engine_stopped(None).write(self.home)?;
        }
        let written = match gate.before_write() {
            Ok(()) => self.write(first, stops, gate, progress),
            Err(error) => Err(error.into()),
        };
        match written {
            Ok(Ok(done)) => Ok(self.after_commit(done, stops, gate, progress)),
            Ok(Err(plan)) => {
                // The engine itself wrote what was wanted when it stopped.
                progress.step(Step::RestartingEngine);
                let mut saved = self.nothing(plan);
                match gate.abort() {
                    Ok(()) if stops => saved.warnings.extend(self.engine_cleared()),
                    Ok(()) => {}
                    Err(error) => {
                        self.engine_left(format!("it could not be started again: {}", error.in_full()));
                        return Err(ended(SaveError::NothingLeft, Err(error)));
                    }
                }
                Ok(saved)
            }
            Err(error) => {
                progress.step(Step::RestartingEngine);
                let told = stops && gate.told_to_stop();
                let engine = gate.abort();
                // A note of an earlier save is not ours to take away: nothing was started now.
                if stops && engine.is_ok() {
                    // Whatever this says, the error to tell is the one that ended the save.
                    let _ = self.engine_cleared();
                }
                let error = if told { late(error, engine.is_ok()) } else { error };
                if let Err(start) = &engine {
                    self.engine_left(format!("it could not be started again: {}", start.in_full()));
                }
                Err(ended(error, engine))
            }
        }
    }

    pub(crate) fn not_cancelled(&self) -> Result<(), SaveError> {
        if self.request.cancelled() {
            Err(SaveError::Cancelled)
        } else {
            Ok(())
        }
    }

    /// Reads again, and writes (`stopped`: the engine was stopped for this); starts over when another program was in between. `Ok(Err(plan))`: nothing to do any more.
    fn write(
        &self,
        first: Plan,
        stopped: bool,
        gate: &mut dyn Gate,
        progress: &mut dyn Progress,
    ) -> Result<Result<Done, Plan>, SaveError> {
        let mut last = Some(first);
        let mut attempt = 0;
        loop {
            attempt += 1;
            self.not_cancelled()?;
            progress.step(Step::Reading);
            // What the engine wrote when it was stopped for this save is no surprise; whoever writes after that is another program.
            let theirs = if stopped && attempt == 1 {
                Theirs::Engines
            } else {
                Theirs::Asked
            };
            let (plan, snapshot, file) = self.read_again(last.take(), theirs)?;
            let attributes = Attributes::of(&file, self.request.target.path())?;
            let Some(new) = &plan.new else {
                return Ok(Err(plan));
            };
            let in_place = in_place_reason(self.request.target, &snapshot);
            if let Some(why) = &in_place
                && !self.request.allow_in_place
            {
                let (path, why) = (self.request.target.path().to_path_buf(), why.clone());
                return Err(SaveError::InPlaceNeeded { path, why });
            }
            match self.once(&plan, new.as_bytes(), &attributes, in_place.is_some(), gate, progress) {
                Ok((backup, warnings)) => {
                    return Ok(Ok(Done {
                        plan,
                        attributes,
                        backup,
                        warnings,
                    }));
                }
                Err(SaveError::ChangedUnderneath {
                    on_disk: OnDisk::Theirs,
                    ..
                }) if attempt < ATTEMPTS => {}
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

    fn after_commit(&self, done: Done, stops: bool, gate: &mut dyn Gate, progress: &mut dyn Progress) -> Saved {
        progress.step(Step::StartingEngine);
        let engine = gate.after_commit();
        let Done {
            plan,
            attributes,
            backup,
            mut warnings,
        } = done;
        let outcome = match &engine {
            Started::Badly(why) => {
                progress.step(Step::RollingBack);
                let (outcome, more) = self.roll_back(plan.old.as_bytes(), &attributes, &backup, why, gate);
                warnings.extend(more);
                outcome
            }
            Started::NotOurs | Started::Well(_) => Outcome::Saved,
        };
        let up = match &outcome {
            Outcome::RolledBack { then, .. } => !matches!(then, Started::Badly(_)),
            Outcome::RollBackFailed { .. } => false,
            Outcome::Saved | Outcome::NothingToDo => stops || matches!(engine, Started::Well(_)),
        };
        if up {
            warnings.extend(self.engine_cleared());
        } else if let Some(why) = left(&outcome) {
            self.engine_left(why);
        }
        Saved {
            outcome,
            backup: Some(backup),
            applied: plan.applied,
            already: plan.already,
            changed_underneath: plan.changed,
            changed_count: plan.changed_count,
            engine,
            written: plan.new,
            recovered: Vec::new(),
            warnings,
        }
    }

    fn nothing(&self, plan: Plan) -> Saved {
        Saved {
            outcome: Outcome::NothingToDo,
            backup: None,
            applied: EditSet::default(),
            already: plan.already,
            changed_underneath: plan.changed,
            changed_count: plan.changed_count,
            engine: Started::NotOurs,
            written: match plan.old {
                Old::Document(now) => Some(now).filter(|now| !Arc::ptr_eq(now, self.request.base)),
                Old::Broken(_) => None,
            },
            recovered: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

/// Writes the audit line. A save that had nothing to do has none.
fn tell(request: &Request<'_>, result: &Result<Saved, SaveError>) -> Result<(), SaveError> {
    let (words, backup) = match result {
        Ok(saved) => {
            let words = match &saved.outcome {
                Outcome::NothingToDo => return Ok(()),
                Outcome::Saved if saved.warnings.is_empty() => "saved".to_owned(),
                Outcome::Saved => format!("saved, but: {}", saved.warnings.join("; ")),
                Outcome::RolledBack { why, .. } => {
                    format!("rolled back, the engine did not come up: {}", why.join(" | "))
                }
                Outcome::RollBackFailed { why, error } => {
                    format!(
                        "the engine did not come up ({}) and rolling back failed: {error}",
                        why.join(" | ")
                    )
                }
            };
            (words, saved.backup.as_ref().map(|backup| backup.id.clone()))
        }
        Err(error) => (format!("not saved: {error}"), None),
    };
    let entry = AuditEntry {
        actor: &request.actor,
        action: &request.note.action,
        what: &request.note.summary,
        words: &request.note.words,
        result: &words,
        backup: backup.as_deref(),
    };
    audit(request.state, request.target, entry)
}
