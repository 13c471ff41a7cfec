//! Threads that carry effects out. Each effect gets a thread of its own for as long as it takes; what comes of it goes
//! to the sink as events, with whoever asked for it. Saving holds the process until it is whole.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::host::Host;
use crate::mailserver_cfg::{Document, EditSet, Secrets};
use crate::probe::Cancel;
use crate::session::Expected;
use crate::tls::confirmed_toml;

use super::draft_keeper::{DraftKeeper, find_draft};
use super::effect::{Asker, Effect, Event, SaveJob, SaveProblem, Whom};
use super::evidence::{Sources, read_evidence};
use super::facts::facts;
use super::hold::{Hold, HoldGuard};
use super::learn::{ask_for_name, changed_since_question, learn_name, wait_for_change};
use super::live::{measured_with, prove};
use super::probing::{Question, probe, probe_plan, question, questions};
use super::reader::Reader;
use super::running::{Job, Running, panic_if_asked_to};
use super::saving::{SaveNews, save};
use super::undo::confirm;

/// Where events go, and to whom.
pub type Sink = Box<dyn Fn(Asker, Event) + Send + Sync>;

/// A job that can be cancelled by a flag.
type Flagged = Job<Arc<AtomicBool>>;

/// What a thread does.
type Task = Box<dyn FnOnce() + Send>;

/// Starts a thread of this name. (A test has one that cannot.)
type Start = Box<dyn Fn(&str, Task) -> io::Result<()> + Send + Sync>;

/// Carries effects out.
pub struct Workers {
    inner: Arc<Inner>,
    start: Start,
}

struct Inner {
    host: Host,
    secrets: Secrets,
    document: Arc<Document>,
    sink: Sink,
    hold: Arc<Hold>,
    /// What evidence is made from. Never held while something is read.
    sources: Mutex<Sources>,
    /// One reading at a time; the newest one wins.
    reading: Mutex<()>,
    evidence: Running<Arc<AtomicBool>>,
    readers: Running<Arc<AtomicBool>>,
    probes: Running<Cancel>,
    saves: Running<Arc<AtomicBool>>,
    learning: Running<Arc<AtomicBool>>,
    drafts: DraftKeeper,
    /// The preferences are written by one at a time.
    naming: Mutex<()>,
}

impl Workers {
    /// Workers for a host. `document` is the file as it was opened.
    #[must_use]
    pub fn new(host: Host, document: Arc<Document>, secrets: Secrets, hold: Arc<Hold>, sink: Sink) -> Self {
        let start = |name: &str, task: Task| {
            let thread = std::thread::Builder::new().name(name.to_owned());
            thread.spawn(task).map(|_| ())
        };
        Self {
            inner: Arc::new(Inner {
                host,
                secrets,
                document,
                sink,
                hold,
                sources: Mutex::default(),
                reading: Mutex::default(),
                evidence: Running::default(),
                readers: Running::default(),
                probes: Running::default(),
                saves: Running::default(),
                learning: Running::default(),
                drafts: DraftKeeper::default(),
                naming: Mutex::default(),
            }),
            start: Box::new(start),
        }
    }

    /// Carries an effect out; returns at once. What answers goes to `asker`; a book that has changed, to nobody in
    /// particular.
    pub fn carry(&self, asker: Asker, effect: Effect) {
        let inner = &self.inner;
        match effect {
            Effect::CancelEvidence => {
                inner.evidence.each(set);
                inner.readers.each(set);
            }
            Effect::CancelSave => inner.saves.each(set),
            Effect::CancelProbe => inner.probes.each(Cancel::cancel),
            Effect::GatherEvidence => {
                // The one that runs is told to stop, then this one goes.
                inner.evidence.each(set);
                let job = inner.evidence.begin(Arc::default());
                self.run(asker, "evidence", move |inner| inner.gather(asker, &job));
            }
            Effect::Read(reader) => {
                let job = inner.readers.begin(Arc::default());
                self.run(asker, "reader", move |inner| inner.read(reader, &job));
            }
            Effect::PlanProbe(whom) => self.run(asker, "plan", move |inner| inner.plan_probe(&whom)),
            Effect::Probe(questions) => match Cancel::new() {
                Ok(cancel) => {
                    let job = inner.probes.begin(cancel);
                    self.run(asker, "probe", move |inner| inner.probe(asker, &questions, &job));
                }
                Err(error) => inner.send(
                    asker,
                    Event::NotStarted(format!("A probe could not be started: {error}")),
                ),
            },
            Effect::ProveLive(expected) => self.run(asker, "ports", move |inner| inner.prove(&expected)),
            Effect::CheckEngine => self.run(asker, "engine", |inner| Event::Engine(inner.host.engine.now())),
            Effect::ReadNames => self.run(asker, "names", move |inner| {
                if let Ok(Some(changed)) = changed_since_question(&inner.host) {
                    inner.send(asker, Event::Changed(Some(Arc::new(changed))));
                }
                Event::Names(Arc::new(inner.host.known_names()))
            }),
            Effect::Learn(version) => {
                inner.learning.each(set);
                let job = inner.learning.begin(Arc::default());
                self.run(asker, "learn", move |inner| {
                    let changed = ask_for_name(&inner.host, version)
                        .and_then(|()| wait_for_change(&inner.host, None, job.cancel()));
                    match changed {
                        Ok(changed) => Event::Changed(changed.map(Arc::new)),
                        Err(why) => Event::NotStarted(why),
                    }
                });
            }
            Effect::CancelLearn => inner.learning.each(set),
            Effect::Learned { changed, index } => self.run(asker, "names", move |inner| {
                let Some(variable) = changed.variables.get(index) else {
                    return notice("nothing was taken");
                };
                if let Err(error) = learn_name(&inner.host, &changed, variable) {
                    return notice(format!("{} cannot be kept ({error})", variable.name));
                }
                let words = format!("{} is the {}: kept for this build.", variable.name, variable.role);
                inner.send(asker, Event::Notice(words));
                Event::Names(Arc::new(inner.host.known_names()))
            }),
            Effect::Inspect { wish, ports } => self.run(asker, "inspect", move |inner| {
                if let Some(expected) = ports {
                    let proven = inner.prove(&expected);
                    inner.send(asker, proven);
                }
                Event::Facts(Box::new(facts(&inner.host, wish)))
            }),
            Effect::ListBackups => self.run(asker, "backups", |inner| {
                inner
                    .host
                    .backups
                    .list()
                    .map_or_else(notice, |backups| Event::Backups(Arc::new(backups)))
            }),
            Effect::CompareBackup(id) => self.run(asker, "backup", move |inner| {
                match inner.host.difference(&id, &inner.secrets) {
                    Ok((changes, count)) => Event::BackupDifference { id, changes, count },
                    Err(error) => notice(error),
                }
            }),
            Effect::InspectWhole { id, wish } => {
                self.run(asker, "inspect", move |inner| match inner.host.backups.document(&id) {
                    Ok(restored) => Event::WholeFacts {
                        id,
                        restored,
                        facts: Box::new(facts(&inner.host, wish)),
                    },
                    Err(error) => notice(error),
                });
            }
            Effect::Confirm => self.run(asker, "confirm", |inner| match confirm(&inner.host) {
                Ok(kept) if kept.is_empty() => {
                    Event::Notice("Nothing waits to be confirmed: it is kept already, or was undone.".to_owned())
                }
                Ok(kept) => Event::Kept(kept),
                Err(error) => notice(error),
            }),
            Effect::NameVariable { direction, name, role } => self.run(asker, "naming", move |inner| {
                let _one = lock(&inner.naming);
                let _held = inner.hold.hold();
                match inner.host.name_variable(direction, &name, role) {
                    Ok(words) => {
                        inner.send(asker, Event::Notice(words));
                        Event::Names(Arc::new(inner.host.known_names()))
                    }
                    Err(error) => Event::NotNamed {
                        why: error.to_string(),
                        snippet: confirmed_toml(direction, &name, role),
                    },
                }
            }),
            Effect::FindDraft => {
                // What is edited meanwhile is kept behind this: it must not be found as an earlier session's.
                inner.drafts.set_writer(true);
                self.write_drafts(asker, true);
            }
            Effect::KeepDraft(edits) => self.keep_draft(asker, edits),
            Effect::DropDraft => self.keep_draft(asker, EditSet::default()),
            Effect::Save(job) => {
                let running = inner.saves.begin(Arc::default());
                let not_saved = |why| Event::NotSaved(Box::new(SaveProblem::failed(why, None)));
                self.answer(asker, "save", Some(inner.hold.hold()), not_saved, move |inner| {
                    inner.save(asker, &job, &running)
                });
            }
        }
    }

    /// Has a thread work out an answer.
    fn run(&self, asker: Asker, name: &'static str, work: impl FnOnce(&Inner) -> Event + Send + 'static) {
        self.answer(asker, name, None, Event::NotStarted, work);
    }

    /// The same, for what the process must wait for. A thread that cannot be started, or breaks off, is answered as
    /// `failed`: an error in the program, met in the words of some stranger, must not keep the user from what else can
    /// be done.
    fn answer(
        &self,
        asker: Asker,
        name: &'static str,
        held: Option<HoldGuard>,
        failed: fn(String) -> Event,
        work: impl FnOnce(&Inner) -> Event + Send + 'static,
    ) {
        let started = self.start(name, move |inner| {
            let answer = catch_unwind(AssertUnwindSafe(|| {
                panic_if_asked_to(name);
                work(inner)
            }));
            inner.send(asker, answer.unwrap_or_else(|_| failed(BROKE_OFF.to_owned())));
            drop(held);
        });
        if let Err(error) = started {
            self.inner.send(asker, failed(not_started(&error)));
        }
    }

    fn start(&self, name: &str, work: impl FnOnce(&Inner) + Send + 'static) -> io::Result<()> {
        let inner = Arc::clone(&self.inner);
        (self.start)(name, Box::new(move || work(&inner)))
    }

    fn keep_draft(&self, asker: Asker, edits: EditSet) {
        if self.inner.drafts.want(edits) {
            self.write_drafts(asker, false);
        }
    }

    /// Starts the thread that writes drafts. Where it cannot be started this is said, and the next edit tries again.
    fn write_drafts(&self, asker: Asker, find_first: bool) {
        let held = self.inner.hold.hold();
        let not_kept = |why: &dyn std::fmt::Display| Event::Notice(format!("{NOT_KEPT}{why}"));
        let started = self.start("draft", move |inner| {
            let written = catch_unwind(AssertUnwindSafe(|| {
                let found = if find_first {
                    find_draft(&inner.host, &inner.document)
                } else {
                    None
                };
                found.into_iter().for_each(|event| inner.send(asker, event));
                let on_problem = |why| inner.send(asker, not_kept(&why));
                inner.drafts.write(&inner.host, &inner.secrets, on_problem);
            }));
            if written.is_err() {
                inner.drafts.set_writer(false);
                inner.send(asker, not_kept(&BROKE_OFF));
            }
            drop(held);
        });
        if let Err(error) = started {
            self.inner.drafts.set_writer(false);
            self.inner
                .send(asker, not_kept(&format!("no thread could be started ({error})")));
        }
    }
}

const NOT_KEPT: &str = "Unsaved edits are not kept for a lost session: ";
const BROKE_OFF: &str = "an error in the program ended this before it was done";

fn not_started(error: &io::Error) -> String {
    format!("no thread could be started for this ({error}); nothing was done; close other programs and try again")
}

fn notice(error: impl std::fmt::Display) -> Event {
    Event::Notice(error.to_string())
}

fn set(flag: &Arc<AtomicBool>) {
    flag.store(true, Ordering::SeqCst);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    fn send(&self, asker: Asker, event: Event) {
        (self.sink)(asker, event);
    }

    fn gather(&self, asker: Asker, job: &Flagged) -> Event {
        let _one = lock(&self.reading);
        let logs = lock(&self.sources).logs();
        let progress = |done, total| self.send(asker, Event::EvidenceProgress { done, total });
        let reading = read_evidence(&self.host, logs, &self.document, job.cancel(), progress);
        let mut sources = lock(&self.sources);
        sources.take_in(reading);
        let gathered = sources.gathered(&self.host);
        Event::Evidence {
            book: Arc::new(gathered.book),
            measured: gathered.measured,
            cancelled: job.cancel().load(Ordering::SeqCst),
            since_save: gathered.since_save,
            refused: gathered.refused,
        }
    }

    fn read(&self, reader: Reader, job: &Flagged) -> Event {
        match reader.read(&self.host, &self.document, job.cancel()) {
            Ok((records, words)) => {
                let mut sources = lock(&self.sources);
                records.into_iter().for_each(|record| sources.learn(record));
                drop(sources);
                self.send_book();
                Event::SourceRead(words)
            }
            Err(words) => Event::SourceRead(words),
        }
    }

    fn plan_probe(&self, whom: &Whom) -> Event {
        let book = lock(&self.sources).book(&self.host);
        let questions = match whom {
            Whom::Unmeasured => questions(&self.host, &book, true),
            Whom::All => questions(&self.host, &book, false),
            Whom::One(key) => question(&self.host, key).into_iter().collect(),
        };
        let words = probe_plan(&self.host, &questions).words;
        Event::ProbePlanned { questions, words }
    }

    fn probe(&self, asker: Asker, questions: &[Question], job: &Job<Cancel>) -> Event {
        let total = questions.len();
        let (mut done, mut shown) = (0, Instant::now());
        self.send(asker, Event::ProbeProgress { done, total });
        let asked = probe(&self.host, questions, job.cancel(), |records| {
            let mut sources = lock(&self.sources);
            records.iter().cloned().for_each(|record| sources.learn(record));
            drop(sources);
            done += 1;
            // Rows appear as answers come, but a thousand peers must not mean a thousand books.
            if shown.elapsed() > Duration::from_millis(200) {
                shown = Instant::now();
                self.send(asker, Event::ProbeProgress { done, total });
                self.send_book();
            }
        });
        self.send_book();
        let ended = Event::ProbeProgress { done: total, total };
        if asked.problems.is_empty() {
            return ended;
        }
        self.send(asker, ended);
        Event::Notice(asked.problems.join("; "))
    }

    fn send_book(&self) {
        let book = lock(&self.sources).book(&self.host);
        self.send(Asker::default(), Event::Learned(Arc::new(book)));
    }

    fn prove(&self, expected: &Expected) -> Event {
        let cancel = match Cancel::new() {
            Ok(cancel) => cancel,
            Err(error) => return Event::NotStarted(format!("The server's own ports could not be asked: {error}")),
        };
        let proof = prove(&self.host, expected, &cancel);
        let measured = measured_with(&self.host, &proof, expected);
        Event::Proven {
            proof: Box::new(proof),
            measured,
        }
    }

    fn save(&self, asker: Asker, job: &SaveJob, running: &Flagged) -> Event {
        let on_news = |news: SaveNews<'_>| {
            let event = match news {
                SaveNews::Step(words, cancellable) => Event::SaveStep {
                    words: words.to_owned(),
                    cancellable,
                },
                SaveNews::Detail(words) => Event::SaveDetail(words.to_owned()),
            };
            self.send(asker, event);
        };
        match save(&self.host, job, None, &self.secrets, running.cancel(), &on_news) {
            Ok(report) => Event::Saved(Box::new(report)),
            Err(problem) => Event::NotSaved(Box::new(problem)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::HostOptions;
    use crate::mailserver_cfg::{Edit, VariablePath};
    use crate::work::{EngineWish, Wanted};
    use std::sync::mpsc::{Receiver, channel};

    /// Workers on the demo whose threads can be refused, and what they answer.
    struct Bench {
        workers: Workers,
        events: Receiver<(Asker, Event)>,
        refuse: Arc<AtomicBool>,
    }

    impl Bench {
        fn new() -> Self {
            let host = Host::find(&HostOptions {
                demo: true,
                ..HostOptions::default()
            })
            .unwrap();
            let document = host.load().unwrap();
            let secrets = host.secrets();
            let (sender, events) = channel();
            let sender = Mutex::new(sender);
            let sink = Box::new(move |asker, event| lock(&sender).send((asker, event)).unwrap());
            let mut workers = Workers::new(host, document, secrets, Arc::default(), sink);
            let refuse = Arc::new(AtomicBool::new(false));
            let (refused, usual) = (Arc::clone(&refuse), workers.start);
            workers.start = Box::new(move |name, task| {
                if refused.load(Ordering::SeqCst) {
                    return Err(io::Error::from(io::ErrorKind::WouldBlock));
                }
                usual(name, task)
            });
            Self {
                workers,
                events,
                refuse,
            }
        }

        /// The next event for this asker that is no progress.
        fn answer(&self, asker: Asker) -> Event {
            loop {
                match self.events.recv_timeout(Duration::from_secs(60)).unwrap() {
                    (_, Event::EvidenceProgress { .. } | Event::Learned(_) | Event::ProbeProgress { .. }) => {}
                    (to, event) if to == asker => return event,
                    (to, event) => unreachable!("{to:?}: {event:?}"),
                }
            }
        }

        fn edits() -> EditSet {
            EditSet::new([Edit {
                path: VariablePath {
                    table: "Security".to_owned(),
                    variable: "ServerTlsProtocols".to_owned(),
                },
                base: None,
                new: Some("TLSv1.2".to_owned()),
            }])
        }

        fn save_job(&self) -> SaveJob {
            SaveJob {
                base: Arc::clone(&self.workers.inner.document),
                wanted: Wanted::Edits(EditSet::default()),
                consents: Vec::new(),
                action: "save",
                words: Vec::new(),
                engine: EngineWish::Refuse,
                proves: None,
                undo_after: None,
            }
        }
    }

    #[test]
    fn a_thread_that_cannot_be_started_is_answered_to_whoever_asked_and_only_a_save_is_not_saved() {
        let bench = Bench::new();
        bench.refuse.store(true, Ordering::SeqCst);
        for (number, effect) in (1..).zip([
            Effect::GatherEvidence,
            Effect::CheckEngine,
            Effect::ListBackups,
            Effect::Confirm,
            Effect::Probe(Vec::new()),
            Effect::Read(Reader::Headers),
        ]) {
            let asker = Asker::numbered(number);
            bench.workers.carry(asker, effect);
            assert!(matches!(bench.answer(asker), Event::NotStarted(why) if why.contains("no thread")));
        }
        let asker = Asker::numbered(99);
        bench.workers.carry(asker, Effect::Save(Box::new(bench.save_job())));
        assert!(
            matches!(bench.answer(asker), Event::NotSaved(problem) if problem.message.contains("nothing was done"))
        );
        // Nothing is left behind of jobs that never ran.
        bench.workers.inner.evidence.each(|_| unreachable!());
        bench.workers.inner.saves.each(|_| unreachable!());
    }

    #[test]
    fn a_draft_that_could_not_be_written_once_is_written_with_the_next_edit() {
        let bench = Bench::new();
        let nobody = Asker::default();
        for effect in [Effect::FindDraft, Effect::KeepDraft(Bench::edits())] {
            bench.refuse.store(true, Ordering::SeqCst);
            bench.workers.carry(nobody, effect);
            assert!(matches!(bench.answer(nobody), Event::Notice(words) if words.starts_with(NOT_KEPT)));
        }
        bench.refuse.store(false, Ordering::SeqCst);
        bench.workers.carry(nobody, Effect::KeepDraft(Bench::edits()));
        bench.workers.inner.hold.finish();
        let draft = bench.workers.inner.host.drafts.find().unwrap();
        assert_eq!(draft.unwrap().edits, Bench::edits());
    }

    #[test]
    fn a_probe_is_planned_while_evidence_is_being_read() {
        let bench = Bench::new();
        let (reading, asking) = (Asker::numbered(1), Asker::numbered(2));
        // What a reading of gigabytes holds meanwhile.
        let read = lock(&bench.workers.inner.reading);
        bench.workers.carry(reading, Effect::GatherEvidence);
        bench.workers.carry(asking, Effect::PlanProbe(Whom::All));
        assert!(matches!(bench.answer(asking), Event::ProbePlanned { .. }));
        // The cancel came before its turn: it counts all the same.
        bench.workers.carry(reading, Effect::CancelEvidence);
        bench.workers.carry(Asker::numbered(3), Effect::CancelProbe);
        drop(read);
        assert!(matches!(bench.answer(reading), Event::Evidence { cancelled: true, .. }));
    }

    #[test]
    fn work_that_breaks_off_is_answered_to_whoever_asked() {
        let bench = Bench::new();
        let asker = Asker::numbered(7);
        bench.workers.run(asker, "breaks", |_| unreachable!("on purpose"));
        assert!(matches!(bench.answer(asker), Event::NotStarted(why) if why == BROKE_OFF));
    }
}
