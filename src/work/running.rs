//! The jobs of one kind that run, each with its own way to cancel it: a cancel meant for one never reaches the next,
//! and none is lost because another has begun or ended. And where a thread broke off.

use std::panic::PanicHookInfo;
use std::sync::{Arc, Mutex, PoisonError};

/// The jobs of one kind.
#[derive(Debug)]
pub(super) struct Running<T> {
    jobs: Arc<Mutex<Vec<(u64, T)>>>,
}

/// One job, until it is dropped.
#[derive(Debug)]
pub(super) struct Job<T> {
    number: u64,
    cancel: T,
    jobs: Arc<Mutex<Vec<(u64, T)>>>,
}

impl<T> Default for Running<T> {
    fn default() -> Self {
        Self { jobs: Arc::default() }
    }
}

impl<T: Clone> Running<T> {
    /// A job begins. To be called before its thread is started: a cancel that comes in between counts.
    pub(super) fn begin(&self, cancel: T) -> Job<T> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let number = jobs.last().map_or(0, |(number, _)| number + 1);
        jobs.push((number, cancel.clone()));
        Job {
            number,
            cancel,
            jobs: Arc::clone(&self.jobs),
        }
    }

    /// Does something with each job that runs now: cancel it.
    pub(super) fn each(&self, cancel: impl Fn(&T)) {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.iter().for_each(|(_, job)| cancel(job));
    }
}

impl<T> Job<T> {
    /// What cancels it.
    pub(super) fn cancel(&self) -> &T {
        &self.cancel
    }
}

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.retain(|(number, _)| *number != self.number);
    }
}

/// Where an error in the program happened, as it may be said. Its message could hold a secret, and is never said.
#[must_use]
pub fn place_of(info: &PanicHookInfo<'_>) -> String {
    info.location()
        .map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()))
}

/// For tests of what an error in the program leaves behind: in debug builds the variable says where, and a message with
/// a secret.
#[cfg(debug_assertions)]
#[expect(clippy::panic, reason = "on purpose, and not in a release")]
#[track_caller]
pub fn panic_if_asked_to(place: &str) {
    if let Ok(wanted) = std::env::var("KERIO_TLS_TEST_PANIC")
        && wanted.split(' ').next() == Some(place)
    {
        std::panic::panic_any(wanted);
    }
}

/// Nothing, in a release.
#[cfg(not(debug_assertions))]
pub const fn panic_if_asked_to(_: &str) {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn a_cancel_reaches_every_job_that_runs_and_none_that_begins_later() {
        let running: Running<Arc<AtomicBool>> = Running::default();
        let (first, second) = (running.begin(Arc::default()), running.begin(Arc::default()));
        drop(first);
        running.each(|job| job.store(true, Ordering::SeqCst));
        let third = running.begin(Arc::default());
        assert!(second.cancel().load(Ordering::SeqCst));
        assert!(!third.cancel().load(Ordering::SeqCst));
        drop((second, third));
        running.each(|_| unreachable!("nothing runs"));
    }
}
