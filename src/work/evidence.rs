//! Gathers what is known of the peers: mail logs, peers file, what was measured before.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::mailserver_cfg::Document;
use crate::peers::{
    self, BookSources, LogFindings, PeerBook, PeersFile, Progress, ReceivedBudget, Record, Trouble, Window,
};
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

/// How much stored mail is looked at: enough for every device of a usual server, and never a long wait.
pub const HEADERS: ReceivedBudget = ReceivedBudget {
    messages: 20_000,
    time: Duration::from_secs(20),
};

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
        let window = Window {
            now: clock.now,
            days: self.preferences.days,
            zone: clock.zone,
        };
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

    /// Reads this server's own topmost Received header of stored mail, newest first, within a budget: never a subject,
    /// never a body. Remembers what it shows. In words: what was read; or why not.
    ///
    /// # Errors
    /// Why nothing could be read, in words.
    pub fn read_headers(&self, document: &Document, cancel: &AtomicBool) -> Result<(Vec<Record>, String), String> {
        let store = document
            .places()
            .store
            .ok_or("The file does not say where the mail is stored.")?;
        let found = peers::read_received(&store, &own_hosts(), HEADERS, Timestamp::now(), cancel)
            .map_err(|error| error.to_string())?;
        if found.tls13_seen {
            let mut memory = self.server_memory();
            memory.speaks_tls13 = true;
            // What could not be remembered is seen again next time.
            let _: std::io::Result<()> = self.remember_server(&memory);
        }
        let mut words = format!(
            "Read {} messages; {} had this server's own header.",
            found.messages_read, found.messages_used
        );
        if found.ended_early {
            words.push_str(" The budget ended it: older mail was not read.");
        }
        if let Err(error) = self.remember(found.records.clone()) {
            words.push_str(&format!(
                " It counts for this session only: it could not be remembered ({error})."
            ));
        }
        for warning in &found.warnings {
            words.push(' ');
            words.push_str(warning);
        }
        Ok((found.records, words))
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
            sources
                .warnings
                .push("the file does not say where the logs are, so no mail log was read".to_owned());
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
        // The usual one need not be there. One that was named was looked at when the host was found.
        if matches!(path.symlink_metadata(), Err(error) if error.kind() == std::io::ErrorKind::NotFound) {
            return;
        }
        if let Some(why) = distrust(path) {
            sources
                .warnings
                .push(format!("the peers file {} is ignored: {why}", path.display()));
            return;
        }
        match PeersFile::read(path, now) {
            Ok(file) => sources.peers_file = Some(file),
            Err(error) => sources.warnings.push(error.to_string()),
        }
    }

    /// Whose mail is delayed or failing since the newest save of this program.
    fn since_save(&self, sources: &Sources) -> Option<(Timestamp, Vec<Trouble>)> {
        if !self.has_state() {
            return None;
        }
        let newest = self.backups().ok()?.into_iter().next()?;
        let at: Timestamp = newest.when.parse().ok()?;
        Some((
            at,
            sources.logs.as_ref().map(|logs| logs.troubles(at)).unwrap_or_default(),
        ))
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
