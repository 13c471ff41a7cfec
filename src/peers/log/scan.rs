//! Reading the logs: which thread reads which bytes, and what they bring back put together in the order of time.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::clock::Clock;
use super::files::{self, OpenLog};
use super::findings::LogFindings;
use super::scope::{Progress, Window};
use super::stretch::{Reader, Stretch};
use super::tally::Tally;
use crate::hostile::safe_text;
use crate::peers::host::OwnHosts;

/// Reads the logs (newest first, as [`find_logs`] gives them) as far as the window needs, on `threads` threads (0: one a
/// core). A file that cannot be read is a warning. Cancelling ends it within 256 KiB a thread, with what was found so far.
#[must_use]
pub fn scan_logs(
    files: &[PathBuf],
    window: &Window,
    own: &OwnHosts,
    threads: usize,
    progress: &Progress,
    cancel: &AtomicBool,
) -> LogFindings {
    let mut findings = LogFindings::default();
    findings.read(files, window, own, threads, progress, cancel);
    findings
}

impl LogFindings {
    /// Reads only what was written since the last scan: appended lines and new files, known again by device, inode and
    /// first line, whatever rotation calls them now. What left the window meanwhile is still counted; scan afresh once a day.
    /// After a scan that was cancelled or met an error, this reads everything again.
    pub fn follow(
        &mut self,
        files: &[PathBuf],
        window: &Window,
        own: &OwnHosts,
        progress: &Progress,
        cancel: &AtomicBool,
    ) {
        if self.incomplete {
            *self = Self::default();
        }
        self.read(files, window, own, 0, progress, cancel);
    }

    fn read(
        &mut self,
        files: &[PathBuf],
        window: &Window,
        own: &OwnHosts,
        threads: usize,
        progress: &Progress,
        cancel: &AtomicBool,
    ) {
        self.problems.clear();
        let mut clock = Clock::new(window.zone.clone());
        let mut logs = Vec::new();
        for path in files {
            if cancel.load(Ordering::Relaxed) {
                break;
            }
            match files::open(path, window.since(), &mut clock, Some(&self.cursor)) {
                Ok(log) => logs.push(log),
                Err(e) => self
                    .problems
                    .push(format!("{} was not read: {e}", safe_text(path_bytes(path), 200))),
            }
        }
        // Oldest first from here on: a message is delayed before it is delivered.
        logs.reverse();
        progress.begin(logs.iter().map(|log| log.end - log.start).sum());
        let threads = match threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        let shares = share(&logs, threads);
        let reader = || Reader::new(window.zone.clone(), own, window.since(), window.now.as_second());
        let results = std::thread::scope(|scope| {
            let logs = &logs;
            let running: Vec<_> = shares
                .into_iter()
                .map(|stretches| scope.spawn(move || read_share(reader(), logs, stretches, progress, cancel)))
                .collect();
            running
                .into_iter()
                .map(std::thread::ScopedJoinHandle::join)
                .collect::<Vec<_>>()
        });
        for result in results {
            let Ok(share) = result else {
                self.incomplete = true;
                self.problems
                    .push("a part of the mail log was not read: a reader ended early (a fault of ours)".to_owned());
                continue;
            };
            self.tally.absorb_newer(share.tally);
            for (file, read_to) in share.read_to {
                if let Some(log) = logs.get(file) {
                    self.cursor.set(log, read_to);
                }
            }
            self.incomplete |= !share.problems.is_empty();
            self.problems.extend(share.problems);
        }
        self.cancelled = cancel.load(Ordering::Relaxed);
        self.incomplete |= self.cancelled;
    }
}

/// What a thread brings back.
struct Share {
    tally: Tally,
    read_to: Vec<(usize, u64)>,
    problems: Vec<String>,
}

fn read_share(
    mut reader: Reader<'_>,
    logs: &[OpenLog],
    stretches: Vec<Stretch>,
    progress: &Progress,
    cancel: &AtomicBool,
) -> Share {
    let mut read_to = Vec::new();
    let mut problems = Vec::new();
    for stretch in stretches {
        let Some(log) = logs.get(stretch.file) else { continue };
        match reader.read(log, stretch, progress, cancel) {
            // Only who reads to the end of the file knows where to go on.
            Ok(stopped) if stretch.end == log.end && !cancel.load(Ordering::Relaxed) => {
                read_to.push((stretch.file, stopped));
            }
            Ok(_) => {}
            Err(e) => problems.push(format!(
                "{} was read only in part: {e}",
                safe_text(path_bytes(&log.path), 200)
            )),
        }
    }
    Share {
        tally: reader.tally,
        read_to,
        problems,
    }
}

/// Cuts all bytes into `threads` runs of about the same size, in order of time. One tally a run, so memory does not grow
/// with the number of files. Small logs are one run.
fn share(logs: &[OpenLog], threads: usize) -> Vec<Vec<Stretch>> {
    /// Below this a second thread costs more than it saves.
    const SMALLEST: u64 = 4 << 20;
    /// A cut so near a file's end is left out: an unfinished last line then lies in one stretch, which knows where it begins.
    const NEAR_END: u64 = 256 << 10;
    let total: u64 = logs.iter().map(|log| log.end - log.start).sum();
    let size = total.div_ceil(threads.max(1) as u64).max(SMALLEST);
    let mut shares = vec![Vec::new()];
    let mut room = size;
    for (file, log) in logs.iter().enumerate() {
        let mut start = log.start;
        // A file with nothing to read still has to be remembered as read.
        loop {
            let cut = start.saturating_add(room);
            let end = if log.end.saturating_sub(cut) < NEAR_END {
                log.end
            } else {
                cut
            };
            let start_is_line = start == log.start && log.start_is_line;
            if let Some(share) = shares.last_mut() {
                share.push(Stretch {
                    file,
                    start,
                    start_is_line,
                    end,
                });
            }
            room = room.saturating_sub(end - start);
            start = end;
            if room == 0 {
                shares.push(Vec::new());
                room = size;
            }
            if start >= log.end {
                break;
            }
        }
    }
    shares
}

fn path_bytes(path: &Path) -> &[u8] {
    std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str())
}
