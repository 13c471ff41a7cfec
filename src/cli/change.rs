//! What `set`, `reset` and `restore` share: the review, the yeses it needs, and the save on the calling thread.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::peers::{PeerBook, Verdict, assess};
use crate::session::{Consent, Document, Review, Subject, conflict_lines};
use crate::work::{self, LiveProof, SaveJob, SaveNews, SaveProblem, Wanted, hold_signals};

use super::args::Saving;
use super::console::Console;
use super::failure::Failure;
use super::json::{self, ChangeJson, ConflictJson, PeerJson, PortJson};
use super::opened::{Opened, Recovered};
use super::review::{self, Answer, answer, asked, blocked, permitted};

/// The rest of a command whose choice is made in the session.
pub(super) struct Change<'a> {
    pub(super) opened: &'a Opened,
    pub(super) book: &'a PeerBook,
    pub(super) saving: Saving,
    /// One word for manifest and audit.
    pub(super) action: &'static str,
    /// What was cleaned up before.
    pub(super) recovered: &'a Recovered,
    /// To be said whatever comes of it.
    pub(super) warnings: Vec<String>,
    /// Lines for people, at the end.
    pub(super) closing: Vec<String>,
    /// A whole older file is to be put in place.
    pub(super) whole: Option<Whole>,
    /// What the engine's ports said after the save. `None` before.
    pub(super) took_effect: Option<bool>,
    /// The same, port by port.
    pub(super) proof: Option<LiveProof>,
}

/// A backup whose whole file is to be put in place.
pub(super) struct Whole {
    pub(super) id: String,
    pub(super) document: Arc<Document>,
    /// The file now, when it cannot be understood.
    pub(super) over: Option<Broken>,
}

/// A file that cannot be understood. The session is then on the backup, for there is nothing else.
pub(super) struct Broken {
    pub(super) bytes: Vec<u8>,
    /// Where and why.
    pub(super) why: String,
}

impl<'a> Change<'a> {
    /// A change with nothing to be said beside it.
    pub(super) const fn new(
        opened: &'a Opened,
        book: &'a PeerBook,
        saving: Saving,
        action: &'static str,
        recovered: &'a Recovered,
    ) -> Self {
        Self {
            opened,
            book,
            saving,
            action,
            recovered,
            warnings: Vec::new(),
            closing: Vec::new(),
            whole: None,
            took_effect: None,
            proof: None,
        }
    }

    /// Reviews, asks, saves, and prints what came of it.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) fn carry_out(mut self, console: &mut Console<'_>) -> Result<(), Failure> {
        let answer = answer(self.saving)?;
        if self.saving.output.json && !self.recovered.reported.replace(true) {
            self.warnings.splice(0..0, self.recovered.words.iter().cloned());
        }
        if self.is_there_already() {
            return self.nothing_to_do(console);
        }
        let session = &self.opened.session;
        let facts = work::facts(&self.opened.host, self.saving.engine.wish());
        let review = match &self.whole {
            Some(whole @ Whole { over: Some(broken), .. }) => {
                Review::of_mend(session, self.book, facts, broken.why.clone(), &whole.id)
            }
            Some(whole) => Review::of_whole(session, self.book, facts, &whole.document, &whole.id),
            None => Review::of_edits(session, self.book, facts)?,
        };
        // Whoever reads the review reads these beside it: it does not have them.
        if answer != Answer::Given && !self.saving.output.json {
            self.warn(console);
        }
        self.warnings.extend(review::warnings(&review));
        let result = match answer {
            Answer::DryRun => return self.dry_run(&review, console),
            Answer::Given => permitted(&review, self.saving),
            Answer::Ask => {
                console.lines(&review::lines(&review, self.saving))?;
                console.own("\n")?;
                blocked(&review, self.saving).and_then(|()| asked(&review, self.saving, &self.opened.file(), console))
            }
        };
        match result {
            Ok(consents) => {
                let job = self.job(&review, consents);
                self.save(&review, &job, answer, console)
            }
            Err(failure) => self.fail(&review, failure, Vec::new(), answer, console),
        }
    }

    fn is_there_already(&self) -> bool {
        match &self.whole {
            Some(whole) => whole.over.is_none() && whole.document.as_bytes() == self.opened.document.as_bytes(),
            None => !self.opened.session.is_dirty(),
        }
    }

    fn nothing_to_do(self, console: &mut Console<'_>) -> Result<(), Failure> {
        if self.saving.output.json {
            return console.json(&ChangeJson::nothing(self.warnings));
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
        let refused = permitted(review, self.saving)
            .err()
            .map(|failure| format!("this would not be saved as it is: {failure}"));
        if self.saving.output.json {
            self.warnings.extend(refused);
            return console.json(&self.json(review, None, Vec::new()));
        }
        // The review on the page has the other warnings in it already.
        if let Some(refused) = refused {
            console.warn(&refused);
        }
        let mut lines = review::lines(review, self.saving);
        lines.extend(self.closing);
        lines.push(String::new());
        lines.push("Dry run: nothing was changed.".to_owned());
        console.lines(&lines)
    }

    fn job(&self, review: &Review, consents: Vec<Consent>) -> SaveJob {
        SaveJob {
            base: Arc::clone(&self.opened.document),
            wanted: Wanted::of(review),
            consents,
            action: self.action,
            words: review.change_words(),
            engine: self.saving.engine.wish(),
            proves: review.inbound_after(),
            undo_after: self.saving.undo_after,
        }
    }

    fn save(
        mut self,
        review: &Review,
        job: &SaveJob,
        answer: Answer,
        console: &mut Console<'_>,
    ) -> Result<(), Failure> {
        let cancel = hold_signals().map_err(|error| {
            Failure::NotSaved(format!(
                "signals cannot be held during the save ({error}); nothing was written"
            ))
        })?;
        let (host, secrets) = (&self.opened.host, self.opened.session.secrets());
        let broken = self.whole.as_ref().and_then(|whole| whole.over.as_ref());
        let steps = Steps::new(console);
        let saved = work::save(
            host,
            job,
            broken.map(|it| it.bytes.as_slice()),
            &secrets,
            &cancel,
            &|news| {
                steps.show(news);
            },
        );
        let report = match saved {
            Ok(report) => report,
            Err(problem) => {
                let (failure, conflicts) = self.problem(problem);
                return self.fail(review, failure, conflicts, answer, console);
            }
        };
        // The save cleans up once more, and says again that the engine may be down.
        let new = |warning: &String| !self.recovered.words.contains(warning);
        self.warnings.extend(report.warnings.into_iter().filter(new));
        let backup = report.backup;
        self.took_effect = report.took_effect;
        self.proof = report.proof;
        let printed = if self.saving.output.json {
            console.json(&self.json(review, backup.clone(), Vec::new()))
        } else {
            self.warn(console);
            let mut lines = report.lines;
            lines.extend(self.closing);
            console.lines(&lines)
        };
        printed.map_err(|failure| failure.after_saving(backup.as_deref()))?;
        if self.took_effect == Some(false) {
            return Err(Failure::NoEffect);
        }
        Ok(())
    }

    /// Why it was not saved, with each value in dispute.
    fn problem(&self, problem: SaveProblem) -> (Failure, Vec<ConflictJson>) {
        let secrets = self.opened.session.secrets();
        let conflicts = json::conflicts(&problem.conflicts, &secrets);
        let values = review::texts(conflict_lines(&problem.conflicts, &secrets));
        let failure = if problem.refused {
            Failure::Refused(problem.message)
        } else {
            Failure::not_saved(&problem.message)
        };
        (failure.with_lines(values), conflicts)
    }

    /// Not saved: JSON says so, too.
    fn fail(
        mut self,
        review: &Review,
        failure: Failure,
        conflicts: Vec<ConflictJson>,
        answer: Answer,
        console: &mut Console<'_>,
    ) -> Result<(), Failure> {
        if self.saving.output.json {
            self.warnings.push(failure.to_string());
            console.json(&self.json(review, None, conflicts))?;
        } else if answer == Answer::Given {
            // Nobody has read them in a review.
            self.warn(console);
        }
        Err(failure)
    }

    fn warn(&self, console: &mut Console<'_>) {
        for warning in &self.warnings {
            console.warn(warning);
        }
    }

    fn json(&self, review: &Review, backup: Option<String>, conflicts: Vec<ConflictJson>) -> ChangeJson {
        let catalogue = self.opened.session.catalogue();
        let edits = match &review.subject {
            Subject::Edits { proven, .. } => {
                json::edits(proven.edits().edits(), &self.opened.session.secrets(), catalogue)
            }
            Subject::Whole { changes, .. } => json::changes(changes, catalogue),
            Subject::Mend { .. } => Vec::new(),
        };
        ChangeJson {
            changed: true,
            saved: backup.is_some(),
            edits,
            cut_off: self.cut_off(review),
            cut_off_domains: review.directions.iter().flat_map(|it| it.domains.clone()).collect(),
            backup,
            conflicts,
            warnings: self.warnings.clone(),
            took_effect: self.took_effect,
            live: self
                .proof
                .as_ref()
                .map(|proof| proof.ports.iter().map(PortJson::from).collect()),
            not_asked: self.proof.as_ref().map(|proof| proof.skipped.clone()),
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

/// What is being waited for is said again so often.
const AGAIN: Duration = Duration::from_secs(10);

/// The steps of a save as lines on standard error, for who sits before it: an engine that is stopped and started is
/// minutes of silence otherwise. A script's log gets none of them.
struct Steps<'a, 'b> {
    console: RefCell<&'a mut Console<'b>>,
    /// What was waited for last, without its seconds, and when that was said.
    last: RefCell<Option<(String, Instant)>>,
}

impl<'a, 'b> Steps<'a, 'b> {
    fn new(console: &'a mut Console<'b>) -> Self {
        Self {
            console: RefCell::new(console),
            last: RefCell::new(None),
        }
    }

    fn show(&self, news: SaveNews<'_>) {
        match news {
            SaveNews::Step(words, _) => self.console.borrow_mut().progress(words),
            SaveNews::Detail(words) if self.is_due(words) => self.console.borrow_mut().progress(&format!("  {words}")),
            SaveNews::Detail(_) => {}
        }
    }

    /// `Stopping the engine: 3 s of at most 300 s` comes every second; only each tenth is worth a line.
    fn is_due(&self, words: &str) -> bool {
        let what = words.split(':').next().unwrap_or(words);
        let mut last = self.last.borrow_mut();
        let due = last
            .as_ref()
            .is_none_or(|(before, at)| before != what || at.elapsed() >= AGAIN);
        if due {
            *last = Some((what.to_owned(), Instant::now()));
        }
        due
    }
}
