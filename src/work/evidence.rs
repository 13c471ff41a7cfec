//! Gathers what is known of the peers: mail logs, peers file.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::mailserver_cfg::Document;
use crate::peers::{self, PeerBook, Progress, Window};
use crate::session::Measured;

use super::host::Host;
use super::own::own_hosts;

/// What was gathered.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    /// Everybody.
    pub book: PeerBook,
    /// What the evidence shows of this server.
    pub measured: Measured,
    /// It was stopped half-way.
    pub cancelled: bool,
}

/// How often progress is told while logs are read.
const TICK: Duration = Duration::from_secs(1);

impl Host {
    /// Reads logs and peers file. `progress` hears bytes done and bytes in all.
    pub fn gather(&self, document: &Document, cancel: &AtomicBool, progress: impl Fn(u64, u64) + Sync) -> Gathered {
        let clock = Self::clock();
        let window = Window {
            now: clock.now,
            days: self.preferences.days,
            zone: clock.zone,
        };
        let mut warnings = Vec::new();
        let mut book = PeerBook {
            window_days: window.days,
            ..PeerBook::default()
        };
        match document.places().logs {
            None => warnings.push("the file does not say where the logs are, so no mail log was read".to_owned()),
            Some(directory) => match peers::find_logs(&directory) {
                Err(error) => warnings.push(error.to_string()),
                Ok(files) => {
                    let bytes = Progress::default();
                    let findings = ticking(&bytes, &progress, || {
                        peers::scan_logs(&files, &window, &own_hosts(), 0, &bytes, cancel)
                    });
                    warnings.extend(findings.warnings());
                    book.peers = findings.peers();
                }
            },
        }
        book.warnings = warnings;
        Gathered {
            book,
            measured: Measured::default(),
            cancelled: cancel.load(Ordering::SeqCst),
        }
    }
}

/// Runs `work` and tells the progress once a second meanwhile.
fn ticking<T>(bytes: &Progress, tell: &(impl Fn(u64, u64) + Sync), work: impl FnOnce() -> T) -> T {
    let (done, is_done) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while is_done.recv_timeout(TICK) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                let (read, total) = bytes.bytes();
                tell(read, total);
            }
        });
        let result = work();
        drop(done);
        result
    })
}
