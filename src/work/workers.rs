//! Threads that carry effects out. Each effect gets a thread of its own for as long as it takes; what comes of it goes
//! to the sink as events. Saving holds the process until it is whole.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::mailserver_cfg::{Document, EditSet, Secrets};
use crate::probe::Cancel;
use crate::session::Expected;
use crate::tls::confirmed_toml;

use super::effect::{Effect, Event, SaveProblem, Whom};
use super::evidence::Sources;
use super::hold::Hold;
use super::host::Host;
use super::probing::Question;
use super::saving::SaveNews;

/// Where events go.
pub type Sink = Box<dyn Fn(Event) + Send + Sync>;

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

    /// Carries an effect out; returns at once.
    pub fn carry_out(&self, effect: Effect) {
        let inner = &self.inner;
        match effect {
            Effect::CancelEvidence => inner.stop_evidence.store(true, Ordering::SeqCst),
            Effect::CancelSave => inner.stop_save.store(true, Ordering::SeqCst),
            Effect::PlanProbe(whom) => self.spawn("plan", move |inner| inner.plan_probe(&whom)),
            Effect::Probe(questions) => self.spawn("probe", move |inner| inner.probe(&questions)),
            Effect::CancelProbe => {
                if let Some(cancel) = &*inner.probe.lock().unwrap_or_else(PoisonError::into_inner) {
                    cancel.cancel();
                }
            }
            Effect::ReadHeaders => {
                inner.stop_evidence.store(false, Ordering::SeqCst);
                self.spawn("headers", Inner::read_headers);
            }
            Effect::ProveLive(expected) => self.spawn("ports", move |inner| inner.prove(&expected)),
            Effect::GatherEvidence => self.spawn("evidence", Inner::gather),
            Effect::LookAtEngine => self.spawn("engine", |inner| (inner.sink)(Event::Engine(inner.host.engine_now()))),
            Effect::Inspect { wish } => self.spawn("inspect", move |inner| {
                (inner.sink)(Event::Facts(Box::new(inner.host.facts(wish))));
            }),
            Effect::ListBackups => self.spawn("backups", |inner| match inner.host.backups() {
                Ok(backups) => (inner.sink)(Event::Backups(Arc::new(backups))),
                Err(error) => (inner.sink)(Event::Notice(error.to_string())),
            }),
            Effect::LookAtBackup(id) => self.spawn("backup", move |inner| {
                (inner.sink)(match inner.host.difference(&id, &inner.secrets) {
                    Ok((changes, count)) => Event::BackupDifference { id, changes, count },
                    Err(error) => Event::Notice(error.to_string()),
                });
            }),
            Effect::InspectWhole { id, wish } => self.spawn("inspect", move |inner| {
                (inner.sink)(match inner.host.backup_document(&id) {
                    Ok(restored) => Event::WholeFacts {
                        id,
                        restored,
                        facts: Box::new(inner.host.facts(wish)),
                    },
                    Err(error) => Event::Notice(error.to_string()),
                });
            }),
            Effect::Confirm => self.spawn("confirm", |inner| {
                (inner.sink)(match inner.host.confirm() {
                    Ok(kept) if kept.is_empty() => {
                        Event::Notice("Nothing waits to be confirmed: it is kept already, or was undone.".to_owned())
                    }
                    Ok(kept) => Event::Kept(kept),
                    Err(error) => Event::Notice(error.to_string()),
                });
            }),
            Effect::NameVariable { direction, name, role } => self.spawn("naming", move |inner| {
                let _one = inner.naming.lock().unwrap_or_else(PoisonError::into_inner);
                let _held = inner.hold.hold();
                (inner.sink)(match inner.host.name_variable(direction, &name, role) {
                    Ok(words) => Event::Notice(words),
                    Err(error) => Event::NotNamed {
                        why: error.to_string(),
                        snippet: confirmed_toml(direction, &name, role),
                    },
                });
            }),
            Effect::FindDraft => {
                // What is edited meanwhile is kept behind this: it must not be found as an earlier session's.
                inner.draft.lock().unwrap_or_else(PoisonError::into_inner).writing = true;
                let held = inner.hold.hold();
                self.spawn("draft", move |inner| {
                    inner.find_draft();
                    inner.write_drafts();
                    drop(held);
                });
            }
            Effect::KeepDraft(edits) => self.draft(edits),
            Effect::DropDraft => self.draft(EditSet::default()),
            Effect::Save(job) => {
                inner.stop_save.store(false, Ordering::SeqCst);
                let held = inner.hold.hold();
                self.spawn("save", move |inner| {
                    let _held = held;
                    let tell = |news: SaveNews<'_>| {
                        (inner.sink)(match news {
                            SaveNews::Step(words, cancellable) => Event::SaveStep {
                                words: words.to_owned(),
                                cancellable,
                            },
                            SaveNews::Detail(words) => Event::SaveDetail(words.to_owned()),
                        });
                    };
                    let event = match inner.host.save(&job, &inner.secrets, &inner.stop_save, &tell) {
                        Ok(report) => Event::Saved(Box::new(report)),
                        Err(problem) => Event::NotSaved(Box::new(problem)),
                    };
                    (inner.sink)(event);
                });
            }
        }
    }

    fn spawn(&self, name: &str, work: impl FnOnce(&Inner) + Send + 'static) {
        let inner = Arc::clone(&self.inner);
        let spawned = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work(&inner));
        if let Err(error) = spawned {
            let message = format!(
                "no thread could be started for this ({error}); nothing was done; close other programs and try again"
            );
            (self.inner.sink)(Event::NotSaved(Box::new(SaveProblem::failed(message, None))));
        }
    }

    fn draft(&self, edits: EditSet) {
        let mut drafts = self.inner.draft.lock().unwrap_or_else(PoisonError::into_inner);
        drafts.wanted = Some(edits);
        if !std::mem::replace(&mut drafts.writing, true) {
            drop(drafts);
            let held = self.inner.hold.hold();
            self.spawn("draft", move |inner| {
                inner.write_drafts();
                drop(held);
            });
        }
    }
}

impl Inner {
    fn gather(&self) {
        // A second wish while one runs: the running one is told to stop, then this one goes.
        self.stop_evidence.store(true, Ordering::SeqCst);
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        self.stop_evidence.store(false, Ordering::SeqCst);
        let progress = |done, total| (self.sink)(Event::EvidenceProgress { done, total });
        let gathered = self
            .host
            .gather(&mut sources, &self.document, &self.stop_evidence, progress);
        (self.sink)(Event::Evidence {
            book: Arc::new(gathered.book),
            measured: gathered.measured,
            cancelled: gathered.cancelled,
            since_save: gathered.since_save,
        });
    }

    fn plan_probe(&self, whom: &Whom) {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let book = self.host.book(&sources);
        drop(sources);
        let questions = match whom {
            Whom::Unmeasured => self.host.questions(&book, true),
            Whom::All => self.host.questions(&book, false),
            Whom::One(key) => self.host.question(key).into_iter().collect(),
        };
        let words = self.host.probe_plan(&questions).words;
        (self.sink)(Event::ProbePlanned { questions, words });
    }

    fn probe(&self, questions: &[Question]) {
        let Ok(cancel) = Cancel::new() else {
            (self.sink)(Event::Notice(
                "A probe could not be started: no file handle is left.".to_owned(),
            ));
            return;
        };
        *self.probe.lock().unwrap_or_else(PoisonError::into_inner) = Some(cancel.clone());
        let total = questions.len();
        let (mut done, mut shown) = (0, Instant::now());
        (self.sink)(Event::ProbeProgress { done, total });
        let asked = self.host.probe(questions, &cancel, |record| {
            self.sources
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .learn(record);
            done += 1;
            // Rows appear as answers come, but a thousand peers must not mean a thousand books.
            if shown.elapsed() > Duration::from_millis(200) {
                shown = Instant::now();
                (self.sink)(Event::ProbeProgress { done, total });
                self.tell_book();
            }
        });
        *self.probe.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.tell_book();
        (self.sink)(Event::ProbeProgress { done: total, total });
        if !asked.problems.is_empty() {
            (self.sink)(Event::Notice(asked.problems.join("; ")));
        }
    }

    fn read_headers(&self) {
        match self.host.read_headers(&self.document, &self.stop_evidence) {
            Ok((records, words)) => {
                {
                    let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
                    records.into_iter().for_each(|record| sources.learn(record));
                }
                self.tell_book();
                (self.sink)(Event::HeadersRead(words));
            }
            Err(words) => (self.sink)(Event::HeadersRead(words)),
        }
    }

    fn tell_book(&self) {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let book = self.host.book(&sources);
        drop(sources);
        (self.sink)(Event::Learned(Arc::new(book)));
    }

    fn prove(&self, expected: &Expected) {
        let Ok(cancel) = Cancel::new() else { return };
        let proof = self.host.prove(expected, &cancel);
        let measured = self.host.measured_with(&proof, expected);
        (self.sink)(Event::Proven {
            proof: Box::new(proof),
            measured,
        });
    }

    fn write_drafts(&self) {
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
                self.host.keep_draft(&self.document, &edits, &self.secrets)
            };
            if let Err(error) = written {
                (self.sink)(Event::Notice(format!(
                    "Unsaved edits are not kept for a lost session: {error}"
                )));
            }
        }
    }

    fn find_draft(&self) {
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
                (self.sink)(Event::DraftFound {
                    edits: rebased.apply,
                    lost,
                    at,
                });
            }
            Ok(None) => {}
            Err(error) => (self.sink)(Event::Notice(format!(
                "The edits of an earlier session cannot be read: {error}"
            ))),
        }
    }
}
