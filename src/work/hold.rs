//! While something runs that must come to its end, the process must not be ended by a lost terminal.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

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

    /// The same with a bound. `false`: something holds still.
    pub fn finish_within(&self, longest: Duration) -> bool {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.free.wait_timeout_while(count, longest, |count| *count > 0);
        let (count, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let is_free = *count == 0;
        drop(count);
        self.remove_temporary();
        is_free
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
