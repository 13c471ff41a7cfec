//! What a scan is given: how far back, and where to say how far it got.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// How far back is counted.
#[derive(Debug, Clone)]
pub struct Window {
    /// "Now".
    pub now: Timestamp,
    /// Days back from it.
    pub days: u32,
    /// The zone in which the engine writes its log: the server's.
    pub zone: TimeZone,
    /// The user has named the zone: nothing is guessed.
    pub zone_given: bool,
}

impl Window {
    /// The first second that counts.
    pub(super) fn since(&self) -> i64 {
        self.now.as_second().saturating_sub(i64::from(self.days) * 86_400)
    }
}

/// Bytes read of bytes to read; another thread may look at any time.
#[derive(Debug, Default)]
pub struct ScanProgress {
    done: AtomicU64,
    total: AtomicU64,
}

impl ScanProgress {
    /// Bytes done and bytes in all. All is 0 until the files have been looked at.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }

    pub(super) fn advance(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn begin(&self, total: u64) {
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }
}
