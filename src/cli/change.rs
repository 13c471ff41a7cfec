//! What `set` and `reset` share: the review, the yeses it needs, and the save on the calling thread.

use std::sync::Arc;

use crate::mailserver_cfg::Document;
use crate::peers::{PeerBook, Threshold, Verdict, assess};
use crate::session::{Consent, DirectionReview, EnginePlan, Review, amount};
use crate::work::{Host, SaveJob, hold_signals};

use super::args::Saving;
use super::console::{Console, can_ask, columns, wrap};
use super::failure::Failure;
use super::json::{self, ChangeJson, PeerJson};
use super::opened::Opened;

/// How the yes is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Nothing is to be changed.
    DryRun,
    /// `--yes`.
    Given,
    /// On the terminal.
    Ask,
}

/// Refuses a command line that could only end in nobody being asked; before anything is read.
///
/// # Errors
/// [`Failure::Usage`].
pub(super) fn can_be_answered(saving: Saving) -> Result<(), Failure> {
    answer(saving).map(|_| ())
}

fn answer(saving: Saving) -> Result<Answer, Failure> {
    if saving.dry_run {
        Ok(Answer::DryRun)
    } else if saving.yes {
        Ok(Answer::Given)
    } else if saving.output.json {
        Err(Failure::Usage(
            "--json asks no questions: add --yes to save, or --dry-run to see the review".to_owned(),
        ))
    } else if can_ask() {
        Ok(Answer::Ask)
    } else {
        Err(Failure::Usage(
            "there is no terminal to ask on: add --yes to save, or --dry-run to see the review".to_owned(),
        ))
    }
}

/// The rest of a command whose choice is made in the session.
pub(super) struct Change<'a> {
    pub(super) opened: &'a Opened,
    pub(super) book: &'a PeerBook,
    pub(super) saving: Saving,
    /// One word for manifest and audit.
    pub(super) action: &'static str,
    /// To be told whatever comes of it.
    pub(super) warnings: Vec<String>,
    /// Lines for people, at the end.
    pub(super) closing: Vec<String>,
    /// A whole older file is to be put in place.
    pub(super) whole: Option<Whole>,
    /// What the engine's ports said after the save. `None` before.
    pub(super) took_effect: Option<bool>,
}

/// A backup whose whole file is to be put in place.
pub(super) struct Whole {
    pub(super) id: String,
    pub(super) document: Arc<Document>,
}

impl Change<'_> {
    /// Reviews, asks, saves, and prints what came of it.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) fn carry_out(mut self, console: &mut Console<'_>) -> Result<(), Failure> {
        let answer = answer(self.saving)?;
        let session = &self.opened.session;
        let same = self
            .whole
            .as_ref()
            .is_some_and(|whole| whole.document.as_bytes() == self.opened.document.as_bytes());
        if same || (self.whole.is_none() && !session.is_dirty()) {
            return self.nothing_to_do(answer, console);
        }
        let facts = self.opened.host.facts(self.saving.engine.wish());
        let review = match &self.whole {
            Some(whole) => session.review_whole(self.book, facts, &whole.document),
            None => session.review(self.book, facts)?,
        };
        self.warnings.extend(warnings(&review));
        let result = match answer {
            Answer::DryRun => return self.dry_run(&review, console),
            Answer::Given => self.permitted(&review),
            Answer::Ask => {
                console.lines(&review_lines(&review))?;
                console.raw("\n")?;
                blocked(&review).and_then(|()| self.asked(&review, console))
            }
        };
        match result {
            Ok(consents) => self.save(&review, consents, console),
            Err(failure) => self.fail(&review, failure, console),
        }
    }

    fn nothing_to_do(mut self, answer: Answer, console: &mut Console<'_>) -> Result<(), Failure> {
        // An earlier save may have broken off after it wrote just this, with the engine down. A dry run only looks.
        if answer != Answer::DryRun && self.opened.host.has_state() {
            self.warnings.extend(self.opened.host.recover()?);
        }
        if self.saving.output.json {
            return console.json(&ChangeJson {
                changed: false,
                saved: false,
                edits: Vec::new(),
                cut_off: Vec::new(),
                backup: None,
                warnings: self.warnings,
                took_effect: None,
            });
        }
        self.warn(console);
        let mut lines = vec![format!(
            "{}: already as wanted; nothing is written.",
            self.opened.file()
        )];
        lines.extend(self.closing);
        console.lines(&lines)
    }

    fn dry_run(mut self, review: &Review, console: &mut Console<'_>) -> Result<(), Failure> {
        let would = blocked(review).and_then(|()| self.permitted(review).map(|_| ()));
        if let Err(failure) = would {
            self.warnings
                .push(format!("this would not be saved as it is: {failure}"));
        }
        if self.saving.output.json {
            return console.json(&self.json(review, false, None));
        }
        // The review on the page has the other warnings in it already.
        if let Some(last) = self.warnings.last().filter(|words| words.starts_with("this would")) {
            console.warn(last);
        }
        let mut lines = review_lines(review);
        lines.extend(self.closing);
        lines.push(String::new());
        lines.push("Dry run: nothing was changed.".to_owned());
        console.lines(&lines)
    }

    /// What `--yes` and its companions allow.
    fn permitted(&self, review: &Review) -> Result<Vec<Consent>, Failure> {
        blocked(review)?;
        let (cut_off, mixed) = worst(review);
        if cut_off + mixed > 0 && !self.saving.accept_cut_off {
            return Err(Failure::Refused(format!(
                "{}; nothing was written; see who with --dry-run, then add --accept-cut-off if that is meant",
                cut_off_words(cut_off, mixed)
            )));
        }
        if let Some(why) = review.facts.in_place.as_ref().filter(|_| !self.saving.in_place) {
            return Err(Failure::Refused(format!(
                "the file can only be written in place ({why}), which a power cut can tear; nothing was written; add --in-place if that is meant"
            )));
        }
        Ok(review.consents.clone())
    }

    /// Asks for each yes that was not given beforehand.
    fn asked(&self, review: &Review, console: &mut Console<'_>) -> Result<Vec<Consent>, Failure> {
        let (cut_off, mixed) = worst(review);
        let mut questions = Vec::new();
        for consent in &review.consents {
            match consent {
                Consent::CutOff if self.saving.accept_cut_off => {}
                Consent::CutOff if cut_off + mixed > 0 => {
                    questions.push(format!("{}: go on all the same?", cut_off_words(cut_off, mixed)));
                }
                Consent::CutOff => {
                    questions.push("It is not known who would be cut off: go on all the same?".to_owned())
                }
                Consent::WholeFile => questions.push("Put the whole older file in place?".to_owned()),
                Consent::InPlace if self.saving.in_place => {}
                Consent::InPlace => questions.push("Write the file in place, which a power cut can tear?".to_owned()),
            }
        }
        questions.push(format!("Save {}?", self.opened.file()));
        for question in questions {
            if !console.ask(&question)? {
                return Err(Failure::Refused("you did not say yes; nothing was written".to_owned()));
            }
        }
        Ok(review.consents.clone())
    }

    fn save(mut self, review: &Review, consents: Vec<Consent>, console: &mut Console<'_>) -> Result<(), Failure> {
        let session = &self.opened.session;
        let job = SaveJob {
            base: Arc::clone(&self.opened.document),
            edits: review.edits.clone(),
            consents,
            action: self.action,
            words: review.change_words(),
            engine: self.saving.engine.wish(),
            proves: review.inbound_after(),
            whole: self.whole.as_ref().map(|whole| whole.id.clone()),
            undo_after: self.saving.undo_after,
        };
        let cancel = hold_signals().map_err(|error| {
            Failure::NotSaved(format!(
                "signals cannot be held during the save ({error}); nothing was written"
            ))
        })?;
        let saved = self.opened.host.save(&job, &session.secrets(), &cancel, &|_| {});
        match saved {
            Ok(report) => {
                self.warnings.extend(report.warnings);
                let backup = report.backup;
                self.took_effect = report.took_effect;
                let printed = if self.saving.output.json {
                    console.json(&self.json(review, backup.is_some(), backup.clone()))
                } else {
                    self.warn(console);
                    let mut lines = report.lines;
                    lines.extend(self.closing);
                    console.lines(&lines)
                };
                printed.map_err(|failure| failure.after_saving(backup.as_deref()))?;
                if report.took_effect == Some(false) {
                    return Err(Failure::NoEffect);
                }
                Ok(())
            }
            Err(problem) => {
                let failure = if problem.refused {
                    Failure::Refused(problem.message)
                } else {
                    Failure::NotSaved(problem.message)
                };
                self.fail(review, failure, console)
            }
        }
    }

    /// Not saved: JSON says so, too.
    fn fail(mut self, review: &Review, failure: Failure, console: &mut Console<'_>) -> Result<(), Failure> {
        if self.saving.output.json {
            self.warnings.push(failure.to_string());
            console.json(&self.json(review, false, None))?;
        } else if !can_ask() {
            self.warn(console);
        }
        Err(failure)
    }

    fn warn(&self, console: &mut Console<'_>) {
        for warning in &self.warnings {
            console.warn(warning);
        }
    }

    fn json(&self, review: &Review, saved: bool, backup: Option<String>) -> ChangeJson {
        ChangeJson {
            changed: true,
            saved,
            edits: json::edits(&review.edits, &self.opened.session.secrets()),
            cut_off: self.cut_off(review),
            backup,
            warnings: self.warnings.clone(),
            took_effect: self.took_effect,
        }
    }

    /// Cut off and mixed peers of the directions that change.
    fn cut_off(&self, review: &Review) -> Vec<PeerJson> {
        review
            .directions
            .iter()
            .flat_map(|direction| assess(self.book, direction.direction, direction.threshold).rows)
            .filter(|row| matches!(row.verdict, Verdict::CutOff | Verdict::Mixed))
            .map(|row| PeerJson::from(&row))
            .collect()
    }
}

/// What no yes can remove.
fn blocked(review: &Review) -> Result<(), Failure> {
    if let Some(why) = &review.facts.blocked {
        return Err(Failure::NotSaved(why.clone()));
    }
    match &review.facts.engine {
        EnginePlan::Refuse { why, commands } => Err(Failure::Refused(format!(
            "{why}; it writes this file when it stops and would throw the change away; nothing was written; type: {}",
            commands.join("; ").replace("(save here)", "(this command again)")
        ))),
        EnginePlan::Absent | EnginePlan::Stopped | EnginePlan::Restart { .. } => Ok(()),
    }
}

/// Peers cut off and mixed, in all directions that change.
fn worst(review: &Review) -> (usize, usize) {
    let sum = |of: fn(&DirectionReview) -> usize| review.directions.iter().map(of).sum();
    (sum(|d| d.counts.cut_off), sum(|d| d.counts.mixed))
}

fn cut_off_words(cut_off: usize, mixed: usize) -> String {
    let cut = amount(
        cut_off as u64,
        "known peer would be cut off",
        "known peers would be cut off",
    );
    let doubt = amount(mixed as u64, "peer", "peers");
    match (cut_off, mixed) {
        (_, 0) => cut,
        (0, _) => format!("{doubt} may be cut off (the evidence disagrees)"),
        _ => format!("{cut}, and {doubt} may be (the evidence disagrees)"),
    }
}

/// What a reader of a script's log should know.
fn warnings(review: &Review) -> Vec<String> {
    let mut warnings = Vec::new();
    for direction in &review.directions {
        let way = direction.direction.token();
        warnings.extend(direction.notes.iter().map(|note| format!("{way}: {note}")));
        if direction.threshold == Threshold::NotKnown {
            warnings.push(format!(
                "{way}: what peers would be held against is not known, so it cannot be said who would be cut off"
            ));
        } else if direction.coverage.all == 0 {
            warnings.push(format!(
                "{way}: no peer is known at all, neither from the logs nor from a peers file"
            ));
        } else if direction.counts.unknown > 0 {
            let peers = amount(direction.counts.unknown as u64, "peer", "peers");
            let mail = amount(direction.counts.unknown_messages, "message", "messages");
            warnings.push(format!(
                "{way}: {peers} never measured ({mail} in {} days)",
                review.window_days
            ));
        }
    }
    warnings.extend(review.difference.clone());
    warnings.extend(review.evidence_warnings.iter().cloned());
    warnings
}

fn review_lines(review: &Review) -> Vec<String> {
    let columns = columns();
    review
        .lines(&Host::clock())
        .iter()
        .flat_map(|line| {
            if line.wraps {
                wrap(&line.text, usize::from(line.indent), columns)
            } else {
                vec![line.text.clone()]
            }
        })
        .collect()
}
