//! How the program ends when it cannot go on: by a signal, or by an error of its own in whatever thread. A save that
//! runs comes to its end first: its engine must not stay down because a peer's name could not be drawn.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::work::{Event, Hold, place_of};

use super::terminal;

/// How long the main thread may take to stop drawing.
const GRACE: Duration = Duration::from_millis(300);

/// How long a save may take to end after an error in the program. A large store's engine needs minutes to stop and as
/// many to start; one that takes longer than this does not end by itself.
const LONGEST_SAVE: Duration = Duration::from_secs(15 * 60);

const BY_SIGNAL: &str = "kerio-tls: ended by a signal. Unsaved edits are kept and offered at the next start.\r\n";
const SAVE_RUNS: &str = "A save is running. It is brought to its end first, at most 15 minutes ...\n";
const NO_SAVE: &str = "mailserver.cfg is as it was, or as the last finished save left it.\n";
const SAVE_ENDED: &str = "The save has ended:\n";
const SAVE_HANGS: &str = "The save has not ended, and is broken off now. Look whether the engine runs. What was begun \
    with mailserver.cfg is finished or taken back, and said, when kerio-tls is started the next time: do that now.\n";
const EDITS: &str = "Unsaved edits are kept and offered at the next start.\n";

/// The threads of the screen, for which nobody else answers: the thread of keys,
pub const KEYS: &str = "keys";
/// that of signals,
pub const SIGNALS: &str = "signals";
/// and the one that draws.
const MAIN: &str = "main";

/// What is known of the saves of this session.
#[derive(Debug, Default)]
struct Saves {
    running: bool,
    /// What came of those that have ended, a line each.
    ended: Vec<String>,
}

/// Ends the process, from whatever thread.
pub struct Shutdown {
    hold: Arc<Hold>,
    /// Tells the main thread to stop drawing.
    stop_drawing: Box<dyn Fn() + Send + Sync>,
    quiet: (Mutex<bool>, Condvar),
    saves: Mutex<Saves>,
    has_panicked: AtomicBool,
    /// Where work broke off, which goes on without it.
    broken: Mutex<Vec<String>>,
}

impl Shutdown {
    /// `stop_drawing` reaches the main thread, which answers by [`Self::is_quiet`].
    pub fn new(hold: Arc<Hold>, stop_drawing: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            hold,
            stop_drawing: Box::new(stop_drawing),
            quiet: (Mutex::new(false), Condvar::new()),
            saves: Mutex::default(),
            has_panicked: AtomicBool::new(false),
            broken: Mutex::default(),
        })
    }

    /// The main thread has stopped drawing.
    pub fn is_quiet(&self) {
        let (quiet, changed) = &self.quiet;
        *lock(quiet) = true;
        changed.notify_all();
    }

    /// A save is being asked for.
    pub fn save_begins(&self) {
        lock(&self.saves).running = true;
    }

    /// Keeps what came of a save, on the thread that saved: nobody may be there to show it.
    pub fn note(&self, event: &Event) {
        let lines: Vec<String> = match event {
            Event::Saved(report) => {
                let warnings = report.warnings.iter().map(|words| format!("! {words}"));
                report.lines.iter().cloned().chain(warnings).collect()
            }
            Event::NotSaved(problem) => vec![format!("Not saved: {}", problem.message)],
            _ => return,
        };
        let mut saves = lock(&self.saves);
        saves.running = false;
        saves.ended.extend(lines);
    }

    /// Before the process dies of a signal.
    pub fn by_signal(&self) {
        self.quieten();
        self.hold.finish();
        terminal::give_back(BY_SIGNAL);
    }

    /// From now on a panic in a thread of the screen ends the process. One in a worker does not: `work` answers it to
    /// whoever asked, a save's with what is on disk, and its place is kept for the end.
    pub fn on_panic(self: &Arc<Self>) {
        let shutdown = Arc::clone(self);
        std::panic::set_hook(Box::new(move |info| {
            let place = place_of(info);
            let thread = std::thread::current();
            if !matches!(thread.name(), Some(MAIN | KEYS | SIGNALS)) {
                lock(&shutdown.broken).push(place);
                return;
            }
            if shutdown.has_panicked.swap(true, Ordering::SeqCst) {
                return;
            }
            if thread.name() == Some(MAIN) {
                shutdown.by_panic(&place);
            }
            let other = Arc::clone(&shutdown);
            let end = move || {
                other.quieten();
                other.by_panic(&place);
            };
            if std::thread::Builder::new().spawn(end).is_err() {
                terminal::give_back("kerio-tls: an error in the program, and no thread to end it in good order.\r\n");
                std::process::exit(101);
            }
        }));
    }

    /// Where work broke off, for the summary: a line each.
    pub fn broken(&self) -> Vec<String> {
        let places = lock(&self.broken);
        let words = places
            .iter()
            .map(|place| format!("! An error in the program{place} broke off a part of the work."));
        words.collect()
    }

    fn by_panic(&self, place: &str) -> ! {
        terminal::give_back("");
        let runs = lock(&self.saves).running;
        let mut first = format!("kerio-tls: an error in the program{place}. The terminal was restored.\n");
        first.push_str(if runs { SAVE_RUNS } else { "" });
        let _ = io::stderr().write_all(first.as_bytes());
        self.hold.finish_within(LONGEST_SAVE);
        let words = self.what_is_on_disk(runs);
        let _ = io::stderr().write_all(words.as_bytes());
        std::process::exit(101);
    }

    /// What came of the saves of this session. `ran`: one was running when the program broke.
    fn what_is_on_disk(&self, ran: bool) -> String {
        let saves = lock(&self.saves);
        let mut words = String::from(match (ran, saves.running) {
            (false, _) => NO_SAVE,
            (true, false) => SAVE_ENDED,
            (true, true) => SAVE_HANGS,
        });
        for line in saves.ended.iter().flat_map(|words| words.lines()) {
            let _ = writeln!(words, "  {line}");
        }
        words.push_str(EDITS);
        words
    }

    fn quieten(&self) {
        (self.stop_drawing)();
        let (quiet, changed) = &self.quiet;
        drop(changed.wait_timeout_while(lock(quiet), GRACE, |quiet| !*quiet));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::SaveProblem;

    #[test]
    fn what_is_said_of_the_disk_is_what_is_known_of_the_save() {
        let shutdown = Shutdown::new(Arc::default(), || {});
        assert!(
            shutdown
                .what_is_on_disk(false)
                .starts_with("mailserver.cfg is as it was")
        );
        shutdown.save_begins();
        assert!(shutdown.what_is_on_disk(true).starts_with("The save has not ended"));
        shutdown.note(&Event::NotSaved(Box::new(SaveProblem {
            message: "The disk is full.\nThe file is as it was.".to_owned(),
            refused: false,
            busy: false,
            conflicts: Vec::new(),
            document: None,
        })));
        let words = shutdown.what_is_on_disk(true);
        assert!(words.starts_with("The save has ended:\n  Not saved: The disk is full.\n  The file is as it was.\n"));
    }
}
