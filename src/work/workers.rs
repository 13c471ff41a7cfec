//! Threads that carry effects out. Each effect gets a thread of its own for as long as it takes; what comes of it goes
//! to the sink as events. Saving holds the process until it is whole.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::mailserver_cfg::{Document, EditSet, Secrets};
use crate::probe::Cancel;
use crate::session::Expected;
use crate::tls::confirmed_toml;

use super::effect::{Asker, Effect, Event, SaveProblem, Whom};
use super::evidence::Sources;
use super::hold::Hold;
use super::probing::Question;
use super::saving::SaveNews;
use crate::host::Host;

/// Where events go.
pub type Sink = Box<dyn Fn(Asker, Event) + Send + Sync>;

/// Carries effects out.
pub struct Workers {
    inner: Arc<Inner>,
}

struct Inner {
    host: Host,
    secrets: Secrets,
    document: Arc<Document>,
    sink: Sink,
    hold: Arc<Hold>,
    stop_evidence: AtomicBool,
    stop_save: AtomicBool,
    /// What evidence is made from; one reading at a time.
    sources: Mutex<Sources>,
    probe: Mutex<Option<Cancel>>,
    draft: Mutex<Drafts>,
    /// The preferences are written by one at a time.
    naming: Mutex<()>,
}

/// The newest wish for the draft, so that slow disks skip what is outdated.
#[derive(Default)]
struct Drafts {
    wanted: Option<EditSet>,
    writing: bool,
}

impl Workers {
    /// Workers for a host. `document` is the file as it was opened.
    #[must_use]
    pub fn new(host: Host, document: Arc<Document>, secrets: Secrets, hold: Arc<Hold>, sink: Sink) -> Self {
        Self {
            inner: Arc::new(Inner {
                host,
                secrets,
                document,
                sink,
                hold,
                stop_evidence: AtomicBool::new(false),
                stop_save: AtomicBool::new(false),
                sources: Mutex::new(Sources::default()),
                probe: Mutex::new(None),
                draft: Mutex::new(Drafts::default()),
                naming: Mutex::new(()),
            }),
        }
    }

    /// Carries an effect out; returns at once. What answers goes to `asker`; a book that has changed, to nobody in particular.
    pub fn carry(&self, asker: Asker, effect: Effect) {
        let inner = &self.inner;
        match effect {
            Effect::CancelEvidence => inner.stop_evidence.store(true, Ordering::SeqCst),
            Effect::CancelSave => inner.stop_save.store(true, Ordering::SeqCst),
            Effect::PlanProbe(whom) => self.spawn(asker, "plan", move |inner| inner.plan_probe(asker, &whom)),
            Effect::Probe(questions) => self.spawn(asker, "probe", move |inner| inner.probe(asker, &questions)),
            Effect::CancelProbe => {
                if let Some(cancel) = &*inner.probe.lock().unwrap_or_else(PoisonError::into_inner) {
                    cancel.cancel();
                }
            }
            Effect::ReadHeaders => {
                inner.stop_evidence.store(false, Ordering::SeqCst);
                self.spawn(asker, "headers", move |inner| inner.read_headers(asker));
            }
            Effect::ProveLive(expected) => self.spawn(asker, "ports", move |inner| inner.prove(asker, &expected)),
            Effect::GatherEvidence => self.spawn(asker, "evidence", move |inner| inner.gather(asker)),
            Effect::LookAtEngine => self.spawn(asker, "engine", move |inner| {
                (inner.sink)(asker, Event::Engine(inner.host.engine_now()))
            }),
            Effect::Inspect { wish } => self.spawn(asker, "inspect", move |inner| {
                (inner.sink)(asker, Event::Facts(Box::new(inner.host.facts(wish))));
            }),
            Effect::ListBackups => self.spawn(asker, "backups", move |inner| match inner.host.backups() {
                Ok(backups) => (inner.sink)(asker, Event::Backups(Arc::new(backups))),
                Err(error) => (inner.sink)(asker, Event::Notice(error.to_string())),
            }),
            Effect::LookAtBackup(id) => self.spawn(asker, "backup", move |inner| {
                (inner.sink)(
                    asker,
                    match inner.host.difference(&id, &inner.secrets) {
                        Ok((changes, count)) => Event::BackupDifference { id, changes, count },
                        Err(error) => Event::Notice(error.to_string()),
                    },
                );
            }),
            Effect::InspectWhole { id, wish } => self.spawn(asker, "inspect", move |inner| {
                (inner.sink)(
                    asker,
                    match inner.host.backup_document(&id) {
                        Ok(restored) => Event::WholeFacts {
                            id,
                            restored,
                            facts: Box::new(inner.host.facts(wish)),
                        },
                        Err(error) => Event::Notice(error.to_string()),
                    },
                );
            }),
            Effect::Confirm => self.spawn(asker, "confirm", move |inner| {
                (inner.sink)(
                    asker,
                    match inner.host.confirm() {
                        Ok(kept) if kept.is_empty() => Event::Notice(
                            "Nothing waits to be confirmed: it is kept already, or was undone.".to_owned(),
                        ),
                        Ok(kept) => Event::Kept(kept),
                        Err(error) => Event::Notice(error.to_string()),
                    },
                );
            }),
            Effect::NameVariable { direction, name, role } => self.spawn(asker, "naming", move |inner| {
                let _one = inner.naming.lock().unwrap_or_else(PoisonError::into_inner);
                let _held = inner.hold.hold();
                (inner.sink)(
                    asker,
                    match inner.host.name_variable(direction, &name, role) {
                        Ok(words) => Event::Notice(words),
                        Err(error) => Event::NotNamed {
                            why: error.to_string(),
                            snippet: confirmed_toml(direction, &name, role),
                        },
                    },
                );
            }),
            Effect::FindDraft => {
                // What is edited meanwhile is kept behind this: it must not be found as an earlier session's.
                inner.draft.lock().unwrap_or_else(PoisonError::into_inner).writing = true;
                let held = inner.hold.hold();
                self.spawn(asker, "draft", move |inner| {
                    inner.find_draft(asker);
                    inner.write_drafts(asker);
                    drop(held);
                });
            }
            Effect::KeepDraft(edits) => self.draft(asker, edits),
            Effect::DropDraft => self.draft(asker, EditSet::default()),
            Effect::Save(job) => {
                inner.stop_save.store(false, Ordering::SeqCst);
                let held = inner.hold.hold();
                let started = self.start("save", move |inner| {
                    let _held = held;
                    let tell = |news: SaveNews<'_>| {
                        (inner.sink)(
                            asker,
                            match news {
                                SaveNews::Step(words, cancellable) => Event::SaveStep {
                                    words: words.to_owned(),
                                    cancellable,
                                },
                                SaveNews::Detail(words) => Event::SaveDetail(words.to_owned()),
                            },
                        );
                    };
                    let event = match inner.host.save(&job, &inner.secrets, &inner.stop_save, &tell) {
                        Ok(report) => Event::Saved(Box::new(report)),
                        Err(problem) => Event::NotSaved(Box::new(problem)),
                    };
                    (inner.sink)(asker, event);
                });
                if let Err(error) = started {
                    let problem = SaveProblem::failed(not_started(&error), None);
                    (inner.sink)(asker, Event::NotSaved(Box::new(problem)));
                }
            }
        }
    }

    fn spawn(&self, asker: Asker, name: &str, work: impl FnOnce(&Inner) + Send + 'static) {
        if let Err(error) = self.start(name, work) {
            (self.inner.sink)(asker, Event::NotStarted(not_started(&error)));
        }
    }

    fn start(&self, name: &str, work: impl FnOnce(&Inner) + Send + 'static) -> io::Result<()> {
        let inner = Arc::clone(&self.inner);
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work(&inner))?;
        Ok(())
    }

    fn draft(&self, asker: Asker, edits: EditSet) {
        let mut drafts = self.inner.draft.lock().unwrap_or_else(PoisonError::into_inner);
        drafts.wanted = Some(edits);
        if !std::mem::replace(&mut drafts.writing, true) {
            drop(drafts);
            let held = self.inner.hold.hold();
            self.spawn(asker, "draft", move |inner| {
                inner.write_drafts(asker);
                drop(held);
            });
        }
    }
}

fn not_started(error: &io::Error) -> String {
    format!("no thread could be started for this ({error}); nothing was done; close other programs and try again")
}

impl Inner {
    fn gather(&self, asker: Asker) {
        // A second wish while one runs: the running one is told to stop, then this one goes.
        self.stop_evidence.store(true, Ordering::SeqCst);
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        self.stop_evidence.store(false, Ordering::SeqCst);
        let progress = |done, total| (self.sink)(asker, Event::EvidenceProgress { done, total });
        let gathered = self
            .host
            .gather(&mut sources, &self.document, &self.stop_evidence, progress);
        (self.sink)(
            asker,
            Event::Evidence {
                book: Arc::new(gathered.book),
                measured: gathered.measured,
                cancelled: gathered.cancelled,
                since_save: gathered.since_save,
            },
        );
    }

    fn plan_probe(&self, asker: Asker, whom: &Whom) {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let book = self.host.book(&sources);
        drop(sources);
        let questions = match whom {
            Whom::Unmeasured => self.host.questions(&book, true),
            Whom::All => self.host.questions(&book, false),
            Whom::One(key) => self.host.question(key).into_iter().collect(),
        };
        let words = self.host.probe_plan(&questions).words;
        (self.sink)(asker, Event::ProbePlanned { questions, words });
    }

    fn probe(&self, asker: Asker, questions: &[Question]) {
        let Ok(cancel) = Cancel::new() else {
            (self.sink)(
                asker,
                Event::Notice("A probe could not be started: no file handle is left.".to_owned()),
            );
            return;
        };
        *self.probe.lock().unwrap_or_else(PoisonError::into_inner) = Some(cancel.clone());
        let total = questions.len();
        let (mut done, mut shown) = (0, Instant::now());
        (self.sink)(asker, Event::ProbeProgress { done, total });
        let asked = self.host.probe(questions, &cancel, |records| {
            let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
            records.iter().cloned().for_each(|record| sources.learn(record));
            drop(sources);
            done += 1;
            // Rows appear as answers come, but a thousand peers must not mean a thousand books.
            if shown.elapsed() > Duration::from_millis(200) {
                shown = Instant::now();
                (self.sink)(asker, Event::ProbeProgress { done, total });
                self.tell_book();
            }
        });
        *self.probe.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.tell_book();
        (self.sink)(asker, Event::ProbeProgress { done: total, total });
        if !asked.problems.is_empty() {
            (self.sink)(asker, Event::Notice(asked.problems.join("; ")));
        }
    }

    fn read_headers(&self, asker: Asker) {
        match self.host.read_headers(&self.document, &self.stop_evidence) {
            Ok((records, words)) => {
                {
                    let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
                    records.into_iter().for_each(|record| sources.learn(record));
                }
                self.tell_book();
                (self.sink)(asker, Event::HeadersRead(words));
            }
            Err(words) => (self.sink)(asker, Event::HeadersRead(words)),
        }
    }

    fn tell_book(&self) {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let book = self.host.book(&sources);
        drop(sources);
        (self.sink)(Asker::default(), Event::Learned(Arc::new(book)));
    }

    fn prove(&self, asker: Asker, expected: &Expected) {
        let Ok(cancel) = Cancel::new() else { return };
        let proof = self.host.prove(expected, &cancel);
        let measured = self.host.measured_with(&proof, expected);
        (self.sink)(
            asker,
            Event::Proven {
                proof: Box::new(proof),
                measured,
            },
        );
    }

    fn write_drafts(&self, asker: Asker) {
        loop {
            let edits = {
                let mut drafts = self.draft.lock().unwrap_or_else(PoisonError::into_inner);
                match drafts.wanted.take() {
                    Some(edits) => edits,
                    None => {
                        drafts.writing = false;
                        return;
                    }
                }
            };
            let written = if edits.is_empty() {
                self.host.drop_draft()
            } else {
                self.host.keep_draft(&edits, &self.secrets)
            };
            if let Err(error) = written {
                (self.sink)(
                    asker,
                    Event::Notice(format!("Unsaved edits are not kept for a lost session: {error}")),
                );
            }
        }
    }

    fn find_draft(&self, asker: Asker) {
        match self.host.draft() {
            Ok(Some(draft)) => {
                let rebased = self.document.rebase(&draft.edits);
                let lost = rebased
                    .conflicts
                    .iter()
                    .map(|conflict| {
                        format!(
                            "{} was changed by someone else since; that edit is left out.",
                            conflict.path
                        )
                    })
                    .collect();
                let at = draft.when.parse().unwrap_or_else(|_| jiff::Timestamp::now());
                (self.sink)(
                    asker,
                    Event::DraftFound {
                        edits: rebased.apply,
                        lost,
                        at,
                    },
                );
            }
            Ok(None) => {}
            Err(error) => (self.sink)(
                asker,
                Event::Notice(format!("The edits of an earlier session cannot be read: {error}")),
            ),
        }
    }
}
