//! While something runs that must come to its end, the process must not be ended by a lost terminal.

use std::sync::{Condvar, Mutex, PoisonError};

/// Counts what must come to its end.
#[derive(Debug, Default)]
pub struct Hold {
    count: Mutex<usize>,
    free: Condvar,
}

impl Hold {
    /// Holds until the guard is dropped.
    pub fn hold(&self) -> HoldGuard<'_> {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        HoldGuard { hold: self }
    }

    /// Waits until nothing holds.
    pub fn wait_until_free(&self) {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        while *count > 0 {
            count = self.free.wait(count).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Holds while it lives.
#[derive(Debug)]
pub struct HoldGuard<'a> {
    hold: &'a Hold,
}

impl Drop for HoldGuard<'_> {
    fn drop(&mut self) {
        let mut count = self.hold.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count = count.saturating_sub(1);
        self.hold.free.notify_all();
    }
}
