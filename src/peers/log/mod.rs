//! The engine's mail log: who we exchange mail with, and how much.
//!
//! Logs reach gigabytes, so they are read as bytes, a piece at a time, by as many threads as there are cores, each
//! with its own stretch of the whole; memory grows with the peers and not with the lines ([`distinct`] says how a message is
//! counted once). Lines are trusted with nothing ([`line`]). A later [`LogFindings::follow`] reads only what is new.

mod clock;
mod distinct;
mod files;
mod hash;
mod line;
mod stretch;
mod tally;
mod trouble;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use files::find_logs;
pub use tally::LineCounts;
pub use trouble::Trouble;

use super::{Evidence, Host, Knowledge, Peer, PeerKey, Route, Service, Source};
use crate::tls::{Direction, TlsVersion};
use clock::Clock;
use files::{Cursor, OpenLog};
use stretch::{Reader, Stretch};
use tally::{HostRef, Kind, PeerTally, Span, Tally};

/// Why the log could not be looked for.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The directory of the logs cannot be read.
    #[error("cannot list the mail logs in {}: {source}; nothing was read; check the path and your rights", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// How far back is counted.
#[derive(Debug, Clone)]
pub struct Window {
    /// "Now".
    pub now: Timestamp,
    /// Days back from it.
    pub days: u32,
    /// The zone in which the engine writes its log: the server's.
    pub zone: TimeZone,
}

impl Window {
    /// The first second that counts.
    fn since(&self) -> i64 {
        self.now.as_second().saturating_sub(i64::from(self.days) * 86_400)
    }
}

/// This server's own addresses and names: they are no peers. Loopback and the unspecified address never are.
#[derive(Debug, Clone, Default)]
pub struct OwnHosts {
    /// A handful: looking through them is quicker than hashing.
    addresses: Vec<IpAddr>,
    names: Vec<String>,
}

impl OwnHosts {
    /// From addresses and names as they come.
    pub fn new(hosts: impl IntoIterator<Item = Host>) -> Self {
        let mut own = Self::default();
        for host in hosts {
            match host {
                Host::Address(address) => own.addresses.push(address.to_canonical()),
                Host::Name(name) => own.names.push(name.to_ascii_lowercase()),
            };
        }
        own
    }

    /// Whether this address is ours (or nobody's).
    #[must_use]
    pub fn has_address(&self, address: IpAddr) -> bool {
        address.is_loopback() || address.is_unspecified() || self.addresses.contains(&address)
    }

    /// Whether this name, in lower case, is ours.
    #[must_use]
    pub fn has_name(&self, name: &str) -> bool {
        name == "localhost" || name.starts_with("localhost.") || self.names.iter().any(|own| own == name)
    }
}

/// Bytes read of bytes to read; another thread may look at any time.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    /// Bytes done and bytes in all. All is 0 until the files have been looked at.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }

    fn advance(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }

    fn begin(&self, total: u64) {
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }
}

/// What the log says.
#[derive(Debug, Clone, Default)]
pub struct LogFindings {
    tally: Tally,
    cursor: Cursor,
    problems: Vec<String>,
    cancelled: bool,
    /// Some stretch was not read to its end: where to go on is not known.
    incomplete: bool,
}

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
                    .push(format!("{} was not read: {e}", super::safe_text(path_bytes(path), 200))),
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

    /// It was cancelled: the amounts are too low.
    #[must_use]
    pub const fn cancelled(&self) -> bool {
        self.cancelled
    }

    /// Lines, by what was made of them.
    #[must_use]
    pub const fn lines(&self) -> LineCounts {
        self.tally.lines
    }

    /// Every peer, sorted by key.
    #[must_use]
    pub fn peers(&self) -> Vec<Peer> {
        let mut peers: Vec<Peer> = self
            .tally
            .peers()
            .map(|(kind, host, _, tally)| self.peer(kind, host, tally))
            .collect();
        peers.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        peers
    }

    fn peer(&self, kind: Kind, host: HostRef<'_>, tally: &PeerTally) -> Peer {
        let names = tally
            .domains
            .iter()
            .filter_map(|(_, n)| self.tally.domain_name(*n))
            .map(str::to_owned)
            .collect();
        Peer {
            key: key(kind, host),
            names,
            messages: tally.delivered.count(),
            delayed: tally.delayed,
            failed: tally.failed.count(),
            authenticated: tally.authenticated,
            evidence: evidence(tally),
            note: None,
        }
    }

    /// Where each recipient domain's mail went, sorted by domain.
    #[must_use]
    pub fn routes(&self) -> Vec<Route> {
        let mut keys = vec![None; self.tally.peers().count()];
        for (kind, host, index, _) in self.tally.peers() {
            if let Some(slot) = keys.get_mut(index as usize) {
                *slot = Some(key(kind, host));
            }
        }
        let mut routes: Vec<Route> = self
            .tally
            .routes()
            .map(|(domain, route)| {
                let mut peers: Vec<PeerKey> = route
                    .peers
                    .iter()
                    .filter_map(|i| keys.get(*i as usize).cloned().flatten())
                    .collect();
                peers.sort_unstable();
                Route {
                    domain: domain.to_owned(),
                    peers,
                    complete: !route.overflow && !self.incomplete,
                }
            })
            .collect();
        routes.sort_unstable_by(|a, b| a.domain.cmp(&b.domain));
        routes
    }

    /// Peers whose mail was delayed or failed since a time: new troubles first, then by how many messages.
    #[must_use]
    pub fn troubles(&self, since: Timestamp) -> Vec<Trouble> {
        let mut troubles: Vec<Trouble> = self
            .tally
            .peers()
            .filter_map(|(kind, host, _, tally)| {
                tally
                    .trouble
                    .as_ref()?
                    .since(key(kind, host), since.as_second(), tally.mail)
            })
            .collect();
        troubles.sort_unstable_by(|a, b| {
            let rank = |t: &Trouble| (t.troubled_before, !t.worked_before, std::cmp::Reverse(t.count));
            rank(a).cmp(&rank(b)).then_with(|| a.peer.cmp(&b.peer))
        });
        troubles
    }

    /// What could not be read or used, in words.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.problems.clone();
        let lines = self.tally.lines;
        let mut say = |count: u64, what: &str| {
            if count > 0 {
                warnings.push(format!("mail log: {count} {what}"));
            }
        };
        say(
            lines.ambiguous,
            "lines in which a field could be read in two places were not used",
        );
        say(
            lines.not_understood,
            "Sent or Recv lines were not understood and not used",
        );
        say(lines.overlong, "lines over 256 KiB were skipped");
        say(
            lines.in_future,
            "lines dated more than a day ahead were not used (clock or time zone?)",
        );
        say(
            lines.beyond_cap,
            "lines of peers beyond the first 200,000 were not used",
        );
        if self.tally.waiting_overflowed() {
            warnings.push("mail log: so many messages wait that some count as delayed more than once".to_owned());
        }
        if self.tally.domains_overflowed() {
            warnings.push("mail log: only the first 100,000 recipient domains are kept".to_owned());
        }
        if self.cancelled {
            warnings.push("mail log: the scan was cancelled; the amounts are too low".to_owned());
        }
        warnings
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
                super::safe_text(path_bytes(&log.path), 200)
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

fn key(kind: Kind, host: HostRef<'_>) -> PeerKey {
    let (direction, service) = match kind {
        Kind::Outbound => (Direction::Outbound, Service::Smtp),
        Kind::Inbound(service) => (Direction::Inbound, service),
    };
    let host = match host {
        HostRef::Address(address) => Host::Address(address),
        HostRef::Name(name) => Host::Name(name.to_owned()),
    };
    PeerKey {
        direction,
        service,
        host,
        port: None,
    }
}

/// The records that a tally makes.
fn evidence(tally: &PeerTally) -> Vec<Evidence> {
    let mut records = Vec::new();
    let mut record = |knowledge: Knowledge, span: Span, raw: String| {
        if span.count == 0 {
            return;
        }
        let (Ok(first_seen), Ok(last_seen)) = (Timestamp::from_second(span.first), Timestamp::from_second(span.last))
        else {
            return;
        };
        records.push(Evidence {
            knowledge,
            source: Source::MailLog,
            first_seen,
            last_seen,
            count: span.count,
            raw,
        });
    };
    record(Knowledge::Plain, tally.plain, "SMTP without SSL: yes".to_owned());
    // `AtLeast(Ssl3)` is how "TLS of a version that is not known" is written.
    record(
        Knowledge::AtLeast(TlsVersion::Ssl3),
        tally.with_tls,
        "SSL: yes".to_owned(),
    );
    if tally.plain.count == 0 && tally.with_tls.count == 0 {
        record(
            Knowledge::Hint("mail went by, of TLS the log says nothing".to_owned()),
            tally.mail,
            String::new(),
        );
    }
    if let Some((words, span)) = tally.trouble.as_ref().and_then(|t| t.remark()) {
        record(Knowledge::Hint(words.clone()), span, words);
    }
    records
}

fn path_bytes(path: &std::path::Path) -> &[u8] {
    std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str())
}
