//! From a wish to save to a saved file: the save room with the engine in front of it, and words for what came of it.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::hostile::safe_path;
use crate::mailserver_cfg::{EditSet, Secrets};
use crate::probe::Cancel;
use crate::save::{
    self, Actor, Content, Note, Request, SaveError, SaveOutcome, Saved, Started, StateDir, Step, Target, What,
};
use crate::session::{Consent, Expected};

use super::effect::{SaveJob, SaveProblem, SaveReport, Wanted};
use super::ending;
use super::gate::EngineGate;
use super::live::prove_ports;
use super::recovered::recovered;
use super::running::panic_if_asked_to;
use super::switch::UndoSwitch;
use crate::host::{Host, clock};

/// What to do when the engine does not do what was saved.
const NO_EFFECT: &str = "Probably a variable's name is wrong for this version of the server, or what starts it sets \
    the value \
itself. Take the change back (tab Backups, or kerio-tls restore), or set it in the web administration.";

/// News of a save that runs.
#[derive(Debug, Clone, Copy)]
pub enum SaveNews<'a> {
    /// A step begins, in words; whether the save can still be given up.
    Step(&'a str, bool),
    /// What is being waited for, in words; replaces the one before.
    Detail(&'a str),
}

/// Saves on the calling thread; `on_news` gets each step. A whole file may take the place of `broken`: bytes that are
/// no document.
///
/// # Errors
/// Why nothing was saved, and the file as it is now.
pub fn save(
    host: &Host,
    job: &SaveJob,
    broken: Option<&[u8]>,
    secrets: &Secrets,
    cancel: &AtomicBool,
    on_news: &dyn Fn(SaveNews<'_>),
) -> Result<SaveReport, SaveProblem> {
    // The save room has started the engine again when a panic arrives here.
    catch_unwind(AssertUnwindSafe(|| saved(host, job, broken, secrets, cancel, on_news)))
        .unwrap_or_else(|_| Err(broke_off(host, job)))
}

/// An error in the program ended the save: what is true now.
fn broke_off(host: &Host, job: &SaveJob) -> SaveProblem {
    let document = host.load().ok();
    let engine = match host.engine.now().word {
        "none" => String::new(),
        "running" => "The engine runs.".to_owned(),
        "stopped" => format!("THE ENGINE IS DOWN. Start it: {}", host.engine.start_command()),
        _ => "Look whether the engine runs.".to_owned(),
    };
    let file = match &document {
        Some(now) if now.as_bytes() == job.base.as_bytes() => "The file is as it was.",
        Some(_) => "The file is not as it was: look at it.",
        None => "The file cannot be read.",
    };
    let lines = [
        "The save broke off. An error in the program ended it.",
        &engine,
        file,
        "What was begun is finished or taken back, and said, when kerio-tls is started the next time: do that now.",
    ];
    let lines: Vec<&str> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    SaveProblem::failed(lines.join("\n"), document)
}

fn saved(
    host: &Host,
    job: &SaveJob,
    broken: Option<&[u8]>,
    secrets: &Secrets,
    cancel: &AtomicBool,
    on_news: &dyn Fn(SaveNews<'_>),
) -> Result<SaveReport, SaveProblem> {
    let (target, state) = host
        .file
        .target()
        .and_then(|target| Ok((target, host.file.state()?)))
        .map_err(|error| problem(host, &error))?;
    let (content, edits) = content(host, &state, &target, job, broken)?;
    let switch = match job.undo_after {
        Some(after) => {
            Some(UndoSwitch::arm(host, after).map_err(|error| SaveProblem::failed(error.to_string(), None))?)
        }
        None => None,
    };
    let mut words = job.words.clone();
    words.extend(switch.as_ref().map(UndoSwitch::words));
    let reviewed = host.file.reviewed().unwrap_or(target.path());
    let request = Request {
        state: &state,
        target: &target,
        reviewed,
        base: &job.base,
        content,
        note: Note {
            action: job.action.to_owned(),
            summary: job.words.join("; "),
            words,
        },
        secrets,
        allow_in_place: job.consents.contains(&Consent::InPlace),
        actor: Actor::now(),
        cancel: Some(cancel),
    };
    let detail = |words: &str| on_news(SaveNews::Detail(words));
    let file = target.path().to_path_buf();
    let mut gate = EngineGate::new(host.engine.controller(), job.engine, cancel, &edits, file, &detail);
    let mut progress = |at: Step| {
        if at == Step::Reading {
            panic_if_asked_to("step");
        }
        on_news(SaveNews::Step(step_words(at), can_cancel(at)));
    };
    let result = save::save(&request, &mut gate, &mut progress);
    if let Some(seconds) = gate.seconds() {
        host.memory.remember_engine_seconds(seconds);
    }
    match result {
        Ok(saved) => {
            let engine_after = saved.engine.clone();
            let went_well = matches!(saved.outcome, SaveOutcome::Saved);
            let armed = switch.and_then(|switch| {
                if went_well {
                    Some(switch.start_counting())
                } else {
                    switch.give_up();
                    None
                }
            });
            let recovered = recovered(host, &state, &target, &saved.recovered);
            let mut report = report(host, &target, job, saved, recovered)?;
            // One switch or the other is armed, so there is something to confirm either way.
            report.to_confirm = armed.is_some();
            match armed {
                Some(Ok(words)) => report.lines.push(words),
                Some(Err(words)) => report.warnings.push(words),
                None => {}
            }
            let runs = matches!(engine_after, Started::Well(_)) || host.is_demo();
            if let (true, true, Some(expected)) = (went_well, runs, &job.proves) {
                on_news(SaveNews::Detail(
                    "Asking the server's own ports what they accept now ...",
                ));
                prove_save(host, gate.ports_before(), expected, &mut report);
            }
            if let Some(words) = gate.values() {
                report.took_effect = Some(false);
                report.warnings.insert(0, format!("After the start, {words}."));
            }
            // SMTP that follows the other table is no wrong name.
            let is_apart = report.proof.as_ref().is_some_and(|proof| proof.smtp_is_apart);
            if report.took_effect == Some(false) && !is_apart {
                report.warnings.push(NO_EFFECT.to_owned());
            }
            Ok(report)
        }
        Err(error) => {
            if let Some(switch) = switch {
                switch.give_up();
            }
            Err(problem(host, &error))
        }
    }
}

/// The proof after a save: what the engine accepts now, against what was chosen.
fn prove_save(host: &Host, before: &[SocketAddr], expected: &Expected, report: &mut SaveReport) {
    let Ok(cancel) = Cancel::new() else { return };
    let proof = prove_ports(host, before, expected, &cancel);
    if !proof.ports.is_empty() {
        report.lines.push("What the server's own ports accept now:".to_owned());
        report.lines.extend(proof.lines());
    }
    for words in &proof.contradictions {
        report
            .warnings
            .push(format!("THE SETTING DID NOT TAKE EFFECT: {words}"));
    }
    report.took_effect = proof.took_effect();
    report.warnings.extend(proof.open.iter().cloned());
    report.proof = Some(proof);
}

/// What is to be written, and the edits whose values must still be there after the engine's start.
fn content(
    host: &Host,
    state: &StateDir,
    target: &Target,
    job: &SaveJob,
    broken: Option<&[u8]>,
) -> Result<(Content, EditSet), SaveProblem> {
    let id = match &job.wanted {
        Wanted::Edits(edits) => return Ok((Content::Edits(edits.clone()), edits.clone())),
        Wanted::Proven(proven) => return Ok((Content::Proven(Arc::clone(proven)), proven.edits().clone())),
        Wanted::Whole(id) => id,
    };
    let bytes = save::read_backup(state, target, id).map_err(|error| problem(host, &error))?;
    let content = match broken {
        Some(broken) => Content::Mend {
            bytes,
            broken: broken.to_vec(),
        },
        None => Content::Whole { bytes },
    };
    Ok((content, EditSet::default()))
}

fn report(
    host: &Host,
    target: &Target,
    job: &SaveJob,
    saved: Saved,
    recovered: Vec<String>,
) -> Result<SaveReport, SaveProblem> {
    let at = clock();
    let mut lines = Vec::new();
    let mut warnings = recovered;
    let meanwhile = ending::meanwhile(job, &saved);
    let backup = saved
        .backup
        .as_ref()
        .map(|backup| format!("Backup: {}", safe_path(&backup.path)));
    match &saved.outcome {
        SaveOutcome::NothingToDo => lines.push(format!(
            "{}: already as wanted; nothing was written.",
            safe_path(target.path())
        )),
        SaveOutcome::Saved => lines.push(format!("Saved {} at {}.", safe_path(target.path()), at.time(at.now))),
        ended_badly => {
            let mut all = vec![ending::words(ended_badly, &host.engine.start_command())];
            all.extend(meanwhile);
            all.extend(saved.warnings);
            all.extend(warnings);
            all.extend(backup);
            return Err(SaveProblem::failed(all.join("\n"), host.load().ok()));
        }
    }
    // An engine that was started may have written the file since.
    let started = matches!(saved.engine, Started::Well(_));
    let document = match started.then(|| host.load().ok()).flatten() {
        Some(now) => now,
        None => saved.written.unwrap_or_else(|| Arc::clone(&job.base)),
    };
    lines.extend(job.words.iter().map(|words| format!("  {words}")));
    lines.extend(backup);
    match &saved.engine {
        Started::NotOurs => {}
        Started::Well(words) => {
            lines.push("The engine was started again and runs.".to_owned());
            lines.extend(words.iter().map(|words| format!("  {words}")));
        }
        Started::Badly(words) => warnings.extend(words.iter().cloned()),
    }
    lines.extend(meanwhile);
    warnings.extend(saved.warnings);
    Ok(SaveReport {
        document,
        lines,
        warnings,
        backup: saved.backup.map(|backup| backup.path.display().to_string()),
        to_confirm: false,
        took_effect: None,
        proof: None,
    })
}

fn problem(host: &Host, error: &SaveError) -> SaveProblem {
    let conflicts = match &error.what {
        What::Conflict { conflicts, .. } => conflicts.clone(),
        _ => Vec::new(),
    };
    SaveProblem {
        message: ending::error_words(error),
        refused: ending::is_refusal(error),
        busy: matches!(error.what, What::Locked { .. }),
        conflicts,
        document: host.load().ok(),
    }
}

fn step_words(step: Step) -> &'static str {
    match step {
        Step::Recovering => "Cleaning up after an earlier save ...",
        Step::Checking => "Checking rights, room and mounts ...",
        Step::StoppingEngine => "Stopping the engine ...",
        Step::Reading => "Reading the file again ...",
        Step::BackingUp => "Writing and proving the backup ...",
        Step::Writing => "Writing the new file beside the old one ...",
        Step::ProvingStopped => "Making sure that the engine is stopped ...",
        Step::Exchanging => "Putting the new file in place ...",
        Step::Committed => "The new file is in place.",
        Step::StartingEngine => "Starting the engine and watching it ...",
        Step::RollingBack => "The engine did not come up: putting the old file back ...",
        Step::RestartingEngine => "Starting the engine again ...",
    }
}

fn can_cancel(step: Step) -> bool {
    matches!(
        step,
        Step::Recovering
            | Step::Checking
            | Step::StoppingEngine
            | Step::Reading
            | Step::BackingUp
            | Step::Writing
            | Step::ProvingStopped
    )
}
