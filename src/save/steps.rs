//! The save from end to end, step by step in order, and what becomes of the engine at each end.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Once};

use super::attempt::{Done, Save, Written};
use super::audit::{self, AuditEntry, audit};
use super::error::{EngineThen, SaveError, What};
use super::gate::{Gate, GateError, GateKind, Progress, Started, Step};
use super::locks::Locks;
use super::plan::{Old, Plan, Theirs, plan, read_now};
use super::plan::{Request, SaveOutcome, Saved};
use super::preflight::preflight;
use super::records::EngineStopped;
use super::recover::recover_locked;
use super::trouble::OnDisk;
use crate::mailserver_cfg::EditSet;

/// Saves. Returns when the file is in place for good and the engine is up, or when nothing has changed and the engine
/// is as it was. Does everything on the calling thread.
///
/// Where something in it panics (and panics unwind), an engine that was told to stop for this save is started before
/// the panic goes on to the caller, whether the exchange has happened or not: the file is the old one or the new one,
/// whole, and the journal tells the next start which.
/// # Errors
/// [`SaveError`]; each says what is on disk. After the commit point there is no error, only [`Saved::warnings`] and
/// [`SaveOutcome`].
pub fn save(request: &Request<'_>, gate: &mut dyn Gate, progress: &mut dyn Progress) -> Result<Saved, SaveError> {
    progress.step(Step::Recovering);
    same_file(request)?;
    // Beyond `ulimit -f` a write shall fail, not kill. Handled, not ignored: what is ignored stays so in the engine
    // that is started.
    static HANDLED: Once = Once::new();
    HANDLED.call_once(|| {
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    });
    let home = request.state.home(request.target)?;
    let locks = Locks::take(request.target, &home)?;
    let recovered = recover_locked(request.state, &home, request.target)?;
    let save = Save { request, home: &home };
    let engine = Cell::new(Engine::NotOurs);
    let mut result = catch_unwind(AssertUnwindSafe(|| save.run(gate, &engine, progress))).unwrap_or_else(|panic| {
        save.start_after_panic(gate, engine.get());
        resume_unwind(panic)
    });
    if let Ok(saved) = &mut result {
        saved.recovered = recovered;
        saved.warnings.extend(locks.warnings.iter().cloned());
    }
    let told = record(request, &result);
    if let (Ok(saved), Err(error)) = (&mut result, told) {
        saved
            .warnings
            .push(format!("the audit file could not be written: {}", error.why()));
    }
    result
}

/// A link that leads elsewhere by now would put one server's settings into another's file.
fn same_file(request: &Request<'_>) -> Result<(), SaveError> {
    let (asked, now) = (request.target.asked(), request.target.path());
    if now == request.reviewed {
        return Ok(());
    }
    let (asked, now, reviewed) = (asked.to_path_buf(), now.to_path_buf(), request.reviewed.to_path_buf());
    Err(What::AnotherFile { asked, now, reviewed }.into())
}

/// Is the engine down by our hand, right now?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    /// It was not touched, or is up again, or its start was tried and went badly.
    NotOurs,
    /// It may have been told to stop, and was not started since. `noted`: the note about it is on disk.
    MayBeDown { noted: bool },
}

impl Save<'_> {
    fn run(&self, gate: &mut dyn Gate, state: &Cell<Engine>, progress: &mut dyn Progress) -> Result<Saved, SaveError> {
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
        state.set(Engine::MayBeDown { noted: stops });
        let written = match gate.before_write() {
            Ok(()) => self.write(first, stops, gate, progress),
            Err(error) => Err(error.into()),
        };
        match written {
            Ok(Written::Committed(done)) => Ok(self.after_commit(*done, stops, gate, state, progress)),
            Ok(Written::Nothing(plan)) => {
                progress.step(Step::RestartingEngine);
                let mut saved = self.nothing(plan);
                match self.start_again(gate, state) {
                    Ok(()) if stops => saved.warnings.extend(self.engine_cleared()),
                    Ok(()) => {}
                    Err(start) => return Err(ended(What::NothingLeft.into(), Err(start))),
                }
                Ok(saved)
            }
            Err(error) => {
                progress.step(Step::RestartingEngine);
                let told = stops && gate.told_to_stop();
                let engine = self.start_again(gate, state);
                // A note of an earlier save is not ours to take away: nothing was started now.
                if stops && engine.is_ok() {
                    // Whatever this says, the error to tell is the one that ended the save.
                    let _ = self.engine_cleared();
                }
                let then = match &engine {
                    Err(_) => EngineThen::Down,
                    Ok(()) if gate.never_ended() => EngineThen::RunsOn,
                    Ok(()) => EngineThen::StartedAgain,
                };
                Err(ended(if told { late(error, then) } else { error }, engine))
            }
        }
    }

    /// The save ended before its commit: the engine is started, if it was told to stop.
    fn start_again(&self, gate: &mut dyn Gate, state: &Cell<Engine>) -> Result<(), GateError> {
        let engine = gate.abort();
        state.set(Engine::NotOurs);
        if let Err(start) = &engine {
            self.engine_left(format!("it could not be started again: {}", start.in_full()));
        }
        engine
    }

    /// The same after a panic, which may have come out of the gate itself.
    fn start_after_panic(&self, gate: &mut dyn Gate, engine: Engine) {
        let Engine::MayBeDown { noted } = engine else { return };
        let started = catch_unwind(AssertUnwindSafe(|| gate.abort()));
        match started {
            Ok(Ok(())) if noted => {
                // The panic is what is told.
                let _ = self.engine_cleared();
            }
            Ok(Ok(())) => {}
            Ok(Err(start)) => self.engine_left(format!("it could not be started again: {}", start.in_full())),
            Err(_) => self.engine_left("the program itself failed while it started it again".to_owned()),
        }
    }

    fn after_commit(
        &self,
        done: Done,
        stops: bool,
        gate: &mut dyn Gate,
        state: &Cell<Engine>,
        progress: &mut dyn Progress,
    ) -> Saved {
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
            Started::NotOurs | Started::Well(_) => SaveOutcome::Saved,
        };
        state.set(Engine::NotOurs);
        let up = match &outcome {
            SaveOutcome::RolledBack { then, .. } => !matches!(then, Started::Badly(_)),
            SaveOutcome::RollBackFailed { .. } => false,
            SaveOutcome::Saved | SaveOutcome::NothingToDo => stops || matches!(engine, Started::Well(_)),
        };
        if up {
            warnings.extend(self.engine_cleared());
        } else if let Some(why) = left_down(&outcome) {
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
            outcome: SaveOutcome::NothingToDo,
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

    fn engine_stopped(&self, left: Option<String>) -> EngineStopped {
        EngineStopped {
            when: audit::now(),
            who: self.request.actor.words(),
            left,
        }
    }

    /// The engine is down and the user is told: the next start of the program must not call it forgotten.
    fn engine_left(&self, why: String) {
        // Where this cannot be written, the note from before the stop is still there.
        let _ = self.engine_stopped(Some(why)).write(self.home);
    }

    fn engine_cleared(&self) -> Option<String> {
        let flag = EngineStopped::read(self.home);
        if matches!(flag, Ok(None)) {
            return None;
        }
        let cleared = EngineStopped::clear(self.home);
        cleared
            .err()
            .map(|error| format!("the note that the engine is stopped is still there: {}", error.why()))
    }
}

/// Why the engine is down after a start that went badly; `None`: it is not.
fn left_down(outcome: &SaveOutcome) -> Option<String> {
    match outcome {
        SaveOutcome::RolledBack {
            then: Started::Badly(_),
            ..
        } => Some("it came up neither with the new file nor with the old one, which is back".to_owned()),
        SaveOutcome::RollBackFailed { error, .. } => Some(format!(
            "it did not come up with the new file, and the old one could not be put back: {error}"
        )),
        SaveOutcome::RolledBack { .. } | SaveOutcome::Saved | SaveOutcome::NothingToDo => None,
    }
}

/// What an error says once the engine was told to stop: of a cancelled save that it came late, and of none that the
/// file is as it was.
fn late(error: SaveError, engine: EngineThen) -> SaveError {
    let cancelled = |stopping| What::CancelledLate { stopping, engine }.into();
    match &error.what {
        What::Cancelled => cancelled(false),
        What::Gate(gate) if gate.kind == GateKind::Cancelled => cancelled(true),
        _ if error.on_disk == OnDisk::Untouched => error.with_on_disk(OnDisk::Engines),
        _ => error,
    }
}

/// Puts an error and what became of the engine together.
fn ended(error: SaveError, engine: Result<(), GateError>) -> SaveError {
    match engine {
        Ok(()) => error,
        Err(start) => {
            let (because, start) = (Box::new(error), Box::new(start));
            What::EngineDown { because, start }.into()
        }
    }
}

/// Writes the audit line. A save that had nothing to do has none.
fn record(request: &Request<'_>, result: &Result<Saved, SaveError>) -> Result<(), SaveError> {
    let (words, backup) = match result {
        Ok(saved) => {
            let words = match &saved.outcome {
                SaveOutcome::NothingToDo => return Ok(()),
                SaveOutcome::Saved if saved.warnings.is_empty() => "saved".to_owned(),
                SaveOutcome::Saved => format!("saved, but: {}", saved.warnings.join("; ")),
                SaveOutcome::RolledBack { why, .. } => {
                    format!("rolled back, the engine did not come up: {}", why.join(" | "))
                }
                SaveOutcome::RollBackFailed { why, error } => {
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
