//! How the program ends when it cannot go on: by a signal, or by an error of its own in whatever thread. A save that
//! runs comes to its end first: its engine must not stay down because a peer's name could not be drawn.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::work::{Event, Hold};

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
const SAVE_BROKE_OFF: &str = "The save broke off. If the engine was stopped for it, it was started again; look \
    whether it runs. What was begun with mailserver.cfg is finished or taken back, and said, when kerio-tls is started \
    the next time: do that now.\n";
const SAVE_HANGS: &str = "The save has not ended, and is broken off now. Look whether the engine runs. What was begun \
    with mailserver.cfg is finished or taken back, and said, when kerio-tls is started the next time: do that now.\n";
const EDITS: &str = "Unsaved edits are kept and offered at the next start.\n";

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
        })
    }

    /// The main thread has stopped drawing.
    pub fn is_quiet(&self) {
        let (quiet, changed) = &self.quiet;
        *quiet.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }

    /// A save is being asked for.
    pub fn save_begins(&self) {
        self.saves.lock().unwrap_or_else(PoisonError::into_inner).running = true;
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
        let mut saves = self.saves.lock().unwrap_or_else(PoisonError::into_inner);
        saves.running = false;
        saves.ended.extend(lines);
    }

    /// Before the process dies of a signal.
    pub fn by_signal(&self) {
        self.quieten();
        self.hold.finish();
        terminal::give_back(BY_SIGNAL);
    }

    /// From now on a panic in whatever thread ends the process. To be called on the main thread. It says where it
    /// happened but not what: a message could hold a secret.
    pub fn on_panic(self: &Arc<Self>) {
        let shutdown = Arc::clone(self);
        let main = std::thread::current().id();
        std::panic::set_hook(Box::new(move |info| {
            if shutdown.has_panicked.swap(true, Ordering::SeqCst) {
                return;
            }
            let place = info
                .location()
                .map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
            if std::thread::current().id() == main {
                shutdown.by_panic(&place);
            }
            // This thread goes on to unwind: if it is the save's, the engine is started again on the way.
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

    fn by_panic(&self, place: &str) -> ! {
        terminal::give_back("");
        let runs = self.saves.lock().unwrap_or_else(PoisonError::into_inner).running;
        let mut first = format!("kerio-tls: an error in the program{place}. The terminal was restored.\n");
        first.push_str(if runs { SAVE_RUNS } else { "" });
        let _ = io::stderr().write_all(first.as_bytes());
        let ended = self.hold.finish_within(LONGEST_SAVE);
        let words = self.what_is_on_disk(runs, ended);
        let _ = io::stderr().write_all(words.as_bytes());
        std::process::exit(101);
    }

    /// What came of the saves of this session. `runs`: one was running; `ended`: it is not running any more.
    fn what_is_on_disk(&self, runs: bool, ended: bool) -> String {
        let saves = self.saves.lock().unwrap_or_else(PoisonError::into_inner);
        let mut words = String::new();
        words.push_str(match (runs, saves.running) {
            (false, _) => NO_SAVE,
            (true, false) => SAVE_ENDED,
            (true, true) if ended => SAVE_BROKE_OFF,
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
        let quiet = quiet.lock().unwrap_or_else(PoisonError::into_inner);
        drop(changed.wait_timeout_while(quiet, GRACE, |quiet| !*quiet));
    }
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
                .what_is_on_disk(false, true)
                .starts_with("mailserver.cfg is as it was")
        );
        shutdown.save_begins();
        assert!(shutdown.what_is_on_disk(true, true).starts_with("The save broke off"));
        assert!(
            shutdown
                .what_is_on_disk(true, false)
                .starts_with("The save has not ended")
        );
        shutdown.note(&Event::NotSaved(Box::new(SaveProblem {
            message: "The disk is full.\nThe file is as it was.".to_owned(),
            refused: false,
            busy: false,
            conflicts: Vec::new(),
            document: None,
        })));
        let words = shutdown.what_is_on_disk(true, true);
        assert!(words.starts_with("The save has ended:\n  Not saved: The disk is full.\n  The file is as it was.\n"));
    }
}
