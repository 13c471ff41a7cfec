//! Gathers what is known of the peers: mail logs, peers file, what was measured before.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::mailserver_cfg::Document;
use crate::peers::{self, BookSources, LogFindings, PeerBook, PeersFile, Progress, Record, Trouble, Window};
use crate::session::Measured;

use super::home::distrust;
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
    /// When the file was last saved with this program, and whose mail is delayed or failing since.
    pub since_save: Option<(Timestamp, Vec<Trouble>)>,
}

/// What is kept between two runs of one session: a second reading of the logs reads only what is new.
#[derive(Debug, Default)]
pub struct Sources {
    logs: Option<LogFindings>,
    peers_file: Option<PeersFile>,
    records: Vec<Record>,
    warnings: Vec<String>,
}

/// How often progress is told while logs are read.
const TICK: Duration = Duration::from_secs(1);

impl Host {
    /// Reads logs, peers file and remembered evidence. `progress` hears bytes done and bytes in all.
    pub fn gather(
        &self,
        sources: &mut Sources,
        document: &Document,
        cancel: &AtomicBool,
        progress: impl Fn(u64, u64) + Sync,
    ) -> Gathered {
        let clock = Self::clock();
        let window = Window { now: clock.now, days: self.preferences.days, zone: clock.zone };
        sources.warnings.clear();
        self.read_logs(sources, document, &window, cancel, progress);
        self.read_peers_file(sources, clock.now);
        let (store, problems) = self.remembered();
        sources.warnings.extend(problems);
        sources.records = store.records().to_vec();
        Gathered {
            book: self.book(sources),
            measured: self.measured(),
            cancelled: cancel.load(Ordering::SeqCst),
            since_save: self.since_save(sources),
        }
    }

    /// The book of what is known now; cheap enough to be made anew while probes come in.
    #[must_use]
    pub fn book(&self, sources: &Sources) -> PeerBook {
        let mut book = peers::make_book(&BookSources {
            logs: sources.logs.as_ref(),
            peers_file: sources.peers_file.as_ref(),
            records: &sources.records,
            window_days: self.preferences.days,
        });
        book.warnings.extend(sources.warnings.iter().cloned());
        book
    }

    fn read_logs(
        &self,
        sources: &mut Sources,
        document: &Document,
        window: &Window,
        cancel: &AtomicBool,
        progress: impl Fn(u64, u64) + Sync,
    ) {
        let candidates = document.log_directories();
        // The likeliest that exists; where none does, the first says where we looked.
        let Some(directory) = candidates.iter().find(|path| path.is_dir()).or(candidates.first()) else {
            sources.warnings.push("the file does not say where the logs are, so no mail log was read".to_owned());
            return;
        };
        let files = match peers::find_logs(directory) {
            Ok(files) => files,
            Err(error) => {
                sources.warnings.push(error.to_string());
                return;
            }
        };
        let bytes = Progress::default();
        let own = own_hosts();
        ticking(&bytes, &progress, || match &mut sources.logs {
            Some(findings) => findings.follow(&files, window, &own, &bytes, cancel),
            none => *none = Some(peers::scan_logs(&files, window, &own, 0, &bytes, cancel)),
        });
    }

    fn read_peers_file(&self, sources: &mut Sources, now: Timestamp) {
        let path = &self.home.peers;
        sources.peers_file = None;
        if !path.exists() {
            return;
        }
        if let Some(why) = distrust(path) {
            sources.warnings.push(format!("the peers file {} is ignored: {why}", path.display()));
            return;
        }
        match PeersFile::read(path, now) {
            Ok(file) => sources.peers_file = Some(file),
            Err(error) => sources.warnings.push(error.to_string()),
        }
    }

    /// Whose mail is delayed or failing since the newest save of this program.
    fn since_save(&self, sources: &Sources) -> Option<(Timestamp, Vec<Trouble>)> {
        // Looking must not make a state directory where there is none.
        if !self.home.state_dir.is_dir() {
            return None;
        }
        let newest = self.backups().ok()?.into_iter().next()?;
        let at: Timestamp = newest.when.parse().ok()?;
        Some((at, sources.logs.as_ref().map(|logs| logs.troubles(at)).unwrap_or_default()))
    }
}

impl Sources {
    /// Takes in what a probe has just found.
    pub fn learn(&mut self, record: Record) {
        self.records.push(record);
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
