//! Gathers what is known of the peers: mail logs, peers file, what was measured before.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::mailserver_cfg::Document;
use crate::peers::{
    self, BookSources, Evidence, EvidenceStore, Host as PeerHost, LogFindings, PeerBook, PeerKey, PeersFile, Progress,
    ReceivedBudget, Record, Trouble, Window,
};
use crate::session::Measured;

use crate::host::Host;
use crate::host::distrust;

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
    /// What is remembered between runs.
    remembered: EvidenceStore,
    /// What this session has found out; it counts also where it could not be remembered.
    learned: Vec<Record>,
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
        self.read_peers_file(sources, &window);
        let (store, problems) = self.remembered();
        sources.warnings.extend(problems);
        sources.remembered = store;
        sources.forget_what_is_remembered();
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
        let records: Vec<Record> = sources.records().cloned().collect();
        let mut book = peers::make_book(&BookSources {
            logs: sources.logs.as_ref(),
            peers_file: sources.peers_file.as_ref(),
            records: &records,
            own: Some(&self.own_hosts()),
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
        let found = peers::read_received(&store, &self.own_hosts(), HEADERS, Timestamp::now(), cancel)
            .map_err(|error| error.to_string())?;
        if found.tls13_seen {
            // What could not be remembered is seen again next time.
            let _: std::io::Result<()> = self.remember_server(|memory| memory.speaks_tls13 = true);
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
        if found.messages_read > 0 && found.messages_used == 0 {
            let names = self.own_names();
            let known = if names.is_empty() {
                "no name".to_owned()
            } else {
                names.join(", ")
            };
            words.push_str(&format!(
                " This server is known as {known}; name it as its headers do with names = [\"…\"] in {}.",
                self.home.config.display()
            ));
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
        if candidates.is_empty() {
            sources
                .warnings
                .push("the file does not say where the logs are, so no mail log was read".to_owned());
            return;
        }
        let logs = match peers::find_logs(&candidates) {
            Ok(logs) => logs,
            Err(error) => {
                sources.warnings.push(error.to_string());
                return;
            }
        };
        sources.warnings.extend(logs.unread_words(window));
        let bytes = Progress::default();
        let own = self.own_hosts();
        ticking(&bytes, &progress, || match &mut sources.logs {
            Some(findings) => findings.follow(&logs.files, window, &own, &bytes, cancel),
            none => *none = Some(peers::scan_logs(&logs.files, window, &own, 0, &bytes, cancel)),
        });
    }

    fn read_peers_file(&self, sources: &mut Sources, window: &Window) {
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
        match PeersFile::read(path, window.now, &window.zone) {
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
    /// Takes in what a probe or a header has just shown.
    pub fn learn(&mut self, record: Record) {
        self.learned.push(record);
    }

    /// The known peer that an answer of this host is about, as the book names it: from the logs, the peers file, or remembered.
    /// `answered`: the address that took the connection. `None`: nobody that we exchange mail with, as far as is known.
    #[must_use]
    pub fn known(&self, book: &PeerBook, asked: &PeerKey, answered: Option<IpAddr>) -> Option<PeerKey> {
        let listed = |key: &PeerKey| book.peers.binary_search_by(|peer| peer.key.cmp(key)).is_ok();
        // A name that is tied to an address stands in the book under the address.
        let named = || {
            let file = self.peers_file.iter().flat_map(|file| &file.entries);
            let mut keys = file
                .map(|entry| &entry.key)
                .chain(self.records().map(|record| &record.key));
            keys.any(|key| key == asked)
        };
        if listed(asked) || (matches!(asked.host, PeerHost::Name(_)) && named()) {
            return Some(asked.clone());
        }
        let by_address = PeerKey {
            host: PeerHost::Address(answered?.to_canonical()),
            ..asked.clone()
        };
        listed(&by_address).then_some(by_address)
    }

    fn records(&self) -> impl Iterator<Item = &Record> {
        self.remembered.records().iter().chain(&self.learned)
    }

    /// What was learned and is remembered by now must not be counted twice.
    fn forget_what_is_remembered(&mut self) {
        if self.learned.is_empty() {
            return;
        }
        let mut kept: HashMap<(&PeerKey, Option<IpAddr>), Vec<&Evidence>> = HashMap::new();
        for record in self.remembered.records() {
            let of_peer = kept.entry((&record.key, record.address)).or_default();
            of_peer.push(&record.evidence);
        }
        self.learned.retain(|record| {
            let of_peer = kept.get(&(&record.key, record.address));
            let (new, mut all) = (&record.evidence, of_peer.into_iter().flatten());
            !all.any(|old| old.source == new.source && old.knowledge == new.knowledge && old.last_seen >= new.last_seen)
        });
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
