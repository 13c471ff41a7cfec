//! Reading the logs: which thread reads which bytes, and what they bring back put together in the order of time.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::clock::Clock;
use super::findings::{LogFindings, Problems};
use super::plan::{PlannedLog, plan};
use super::scope::{ScanProgress, Window};
use super::stretch::{Reader, Stretch};
use super::tally::Tally;
use super::zone::Written;
use crate::hostile::safe_text;
use crate::peers::host::OwnHosts;

/// A clock that was set back a little may leave lines so far ahead of now.
const AHEAD_SECONDS: i64 = 300;

/// Reads the logs (newest first, as [`super::find_logs`] gives them) as far as the window needs, on `threads` threads (0: one a
/// core). A file that cannot be read is a warning. Cancelling ends it within 256 KiB a thread, with what was found so far.
#[must_use]
pub fn scan_logs(
    files: &[PathBuf],
    window: &Window,
    own: &OwnHosts,
    threads: usize,
    progress: &ScanProgress,
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
        progress: &ScanProgress,
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
        progress: &ScanProgress,
        cancel: &AtomicBool,
    ) {
        let written = Written::notice(files, window);
        if written != self.written {
            // What was counted before was counted at other times.
            *self = Self {
                written,
                ..Self::default()
            };
        }
        self.problems = Problems::default();
        let zone = self.written.zone(&window.zone);
        let now = window.now.as_second();
        self.now = now;
        let mut logs = self.plan(files, window.since(), &mut Clock::new(zone.clone(), now), cancel);
        self.newest = logs.iter().filter_map(|log| log.last).max().max(self.newest);
        self.oldest = logs.iter().filter_map(|log| log.first).min().or(self.oldest);
        let ahead = self
            .newest
            .map(|newest| newest - now)
            .filter(|ahead| *ahead > AHEAD_SECONDS);
        self.minutes_ahead = ahead.map(|seconds| seconds / 60);
        // Oldest first from here on: a message is delayed before it is delivered.
        logs.reverse();
        progress.begin(logs.iter().map(|log| log.bytes).sum());
        let threads = match threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        let reader = || Reader::new(zone.clone(), own, window.since(), now);
        let results = std::thread::scope(|scope| {
            let logs = &logs;
            let running: Vec<_> = share(logs, threads)
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
                    .add("a part of the mail log was not read: a reader ended early (a fault of ours)".to_owned());
                continue;
            };
            self.tally.absorb_newer(share.tally);
            for (file, read_to) in share.read_to {
                if let Some(log) = logs.get(file) {
                    self.cursor.set(log, read_to);
                }
            }
            self.incomplete |= !share.problems.is_empty();
            self.problems.absorb(share.problems);
        }
        self.cancelled = cancel.load(Ordering::Relaxed);
        self.incomplete |= self.cancelled;
    }

    /// Looks at the logs one after another; those of which nothing is needed are done with.
    fn plan(&mut self, files: &[PathBuf], since: i64, clock: &mut Clock, cancel: &AtomicBool) -> Vec<PlannedLog> {
        let mut logs = Vec::new();
        for path in files {
            if cancel.load(Ordering::Relaxed) {
                break;
            }
            match plan(path, since, clock, &self.cursor) {
                Ok(log) => {
                    if log.bytes == 0 {
                        self.cursor.set(&log, log.end);
                    }
                    logs.push(log);
                }
                Err(e) => self.problems.add(format!("{} was not read: {e}", shown(path))),
            }
        }
        logs
    }
}

/// What a thread brings back.
struct Share {
    tally: Tally,
    read_to: Vec<(usize, u64)>,
    problems: Problems,
}

fn read_share(
    mut reader: Reader<'_>,
    logs: &[PlannedLog],
    stretches: Vec<Stretch>,
    progress: &ScanProgress,
    cancel: &AtomicBool,
) -> Share {
    let mut read_to = Vec::new();
    let mut problems = Problems::default();
    for stretch in stretches {
        let Some(log) = logs.get(stretch.file) else { continue };
        let unseen = ScanProgress::default();
        // ScanProgress counts bytes on disk.
        let seen = if log.packed { &unseen } else { progress };
        let read = log.open().and_then(|mut source| {
            let stopped = reader.read(&mut source, stretch, seen, cancel)?;
            source.failure().map(|()| stopped)
        });
        if log.packed && !cancel.load(Ordering::Relaxed) {
            progress.advance(log.bytes);
        }
        match read {
            // Only who reads to the end of the file knows where to go on.
            Ok(stopped) if stretch.end == log.end && !cancel.load(Ordering::Relaxed) => {
                read_to.push((stretch.file, stopped));
            }
            Ok(_) => {}
            Err(e) => problems.add(format!("{} was read only in part: {e}", shown(&log.path))),
        }
    }
    Share {
        tally: reader.tally,
        read_to,
        problems,
    }
}

/// Cuts all bytes into `threads` runs of about the same size, in order of time. One tally a run, so memory does not grow
/// with the number of files. Small logs are one run; what is packed is never cut.
fn share(logs: &[PlannedLog], threads: usize) -> Vec<Vec<Stretch>> {
    /// Below this a second thread costs more than it saves.
    const SMALLEST: u64 = 4 << 20;
    /// A cut so near a file's end is left out: an unfinished last line then lies in one stretch, which knows where it begins.
    const NEAR_END: u64 = 256 << 10;
    let total: u64 = logs.iter().map(PlannedLog::weight).sum();
    let size = total.div_ceil(threads.max(1) as u64).max(SMALLEST);
    let mut shares = vec![Vec::new()];
    let mut room = size;
    for (file, log) in logs.iter().enumerate().filter(|(_, log)| log.bytes > 0) {
        let mut start = log.start;
        while start < log.end {
            let cut = start.saturating_add(room);
            let whole = log.packed || log.end.saturating_sub(cut) < NEAR_END;
            let end = if whole { log.end } else { cut };
            if let Some(share) = shares.last_mut() {
                share.push(Stretch {
                    file,
                    start,
                    start_is_line: start == log.start && log.start_is_line,
                    end,
                    log_end: log.end,
                });
            }
            room = room.saturating_sub(if log.packed { log.weight() } else { end - start });
            start = end;
            if room == 0 {
                shares.push(Vec::new());
                room = size;
            }
        }
    }
    shares
}

fn shown(path: &Path) -> String {
    safe_text(path.as_os_str().as_encoded_bytes(), 200)
}
