//! While something runs that must come to its end, the process must not be ended by a lost terminal. The screen has a
//! thread of its own for signals, which waits for [`Hold`]; a command has [`hold_signals`].

use std::fs;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::Signal;
use signal_hook::consts::{
    SIGALRM, SIGHUP, SIGINT, SIGIO, SIGPROF, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU,
};
use signal_hook::flag;

/// Removing a directory is tried this often: a worker that reads or writes in it may come in between.
const TRIES: usize = 10;

/// Counts what must come to its end, and knows what must not stay behind.
#[derive(Debug, Default)]
pub struct Hold {
    count: Mutex<usize>,
    free: Condvar,
    temporary: Option<PathBuf>,
}

impl Hold {
    /// One that also removes a temporary directory at the end: a process that dies of a signal, or ends while a worker
    /// still runs, drops nothing.
    #[must_use]
    pub fn removing(temporary: Option<PathBuf>) -> Self {
        Self {
            temporary,
            ..Self::default()
        }
    }

    /// Holds until the guard is dropped. To be taken before a thread is started, so that no end slips in between.
    pub fn hold(self: &Arc<Self>) -> HoldGuard {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        HoldGuard { hold: Arc::clone(self) }
    }

    /// Waits until nothing holds, and removes what must not stay behind. The last thing before the process ends.
    pub fn finish(&self) {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let free = self.free.wait_while(count, |count| *count > 0);
        drop(free);
        self.remove_temporary();
    }

    /// The same with a bound.
    pub fn finish_within(&self, longest: Duration) {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.free.wait_timeout_while(count, longest, |count| *count > 0));
        self.remove_temporary();
    }

    fn remove_temporary(&self) {
        let Some(temporary) = &self.temporary else { return };
        for _ in 0..TRIES {
            match fs::remove_dir_all(temporary) {
                Err(error) if error.kind() != ErrorKind::NotFound => {}
                Ok(()) | Err(_) => return,
            }
        }
    }
}

/// Holds while it lives.
#[derive(Debug)]
pub struct HoldGuard {
    hold: Arc<Hold>,
}

impl Drop for HoldGuard {
    fn drop(&mut self) {
        let mut count = self.hold.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count = count.saturating_sub(1);
        self.hold.free.notify_all();
    }
}

/// What ends a program that does not handle it, beside the signals that everybody knows: a timer that was set before
/// this program was started in the same process (`alarm 60; exec`), the power supply, any number given to `kill`.
const UNUSUAL: [i32; 8] = [
    SIGALRM,
    SIGVTALRM,
    SIGPROF,
    SIGIO,
    SIGUSR1,
    SIGUSR2,
    Signal::POWER.as_raw(),
    Signal::STKFLT.as_raw(),
];

/// Those, and the real-time signals (signal(7): 32 and 33 are the C library's own).
pub fn unusual_signals() -> impl Iterator<Item = i32> {
    UNUSUAL.into_iter().chain(34..=64)
}

/// From now on a lost connection, Ctrl-Z and a limit of processor time (`ulimit -t`) do nothing, and Ctrl-C, Ctrl-\,
/// `kill` and what else would end the process set the flag that is given: a save that looks at it can still be given up
/// before the exchange, and starts the engine again; after that it goes on to its end. For a process that ends when the
/// save has.
///
/// # Errors
/// A handler cannot be set.
pub fn hold_signals() -> io::Result<Arc<AtomicBool>> {
    let cancel = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGQUIT, SIGTERM].into_iter().chain(unusual_signals()) {
        flag::register(signal, Arc::clone(&cancel))?;
    }
    for signal in [SIGHUP, SIGTSTP, SIGXCPU] {
        flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    Ok(cancel)
}
