//! Gathers what is known of the peers: mail logs, peers file, what was measured before.
//!
//! Every source but the log and the peers file gives [`Record`]s and nothing else ([`super::reader`]); they are
//! remembered, and what is remembered is read here, whatever it came from.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use jiff::Timestamp;

use crate::host::{Host, Sightings, clock, is_stranger};
use crate::mailserver_cfg::Document;
use crate::peers::{
    self, BookSources, Evidence, EvidenceStore, Host as PeerHost, LogFindings, Logins, PeerBook, PeerKey, PeersFile,
    Record, ScanProgress, Trouble, Whose, Window,
};
use crate::session::{Clock, Measured, amount};
use crate::tls::Direction;
use crate::watch::{Row, RowKey};

use super::refused::RefusedSince;

/// All that is known at one time.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    /// Everybody.
    pub book: PeerBook,
    /// What the evidence shows of this server.
    pub measured: Measured,
    /// When the file was last saved with this program, and whose mail is delayed or failing since.
    pub since_save: Option<(Timestamp, Vec<Trouble>)>,
    /// And who was refused since, as far as the wire was watched.
    pub refused: Option<RefusedSince>,
}

/// What is kept between two readings of one session.
#[derive(Debug, Default)]
pub struct Sources {
    logs: Option<Arc<LogFindings>>,
    peers_file: Option<PeersFile>,
    /// What is remembered between runs.
    remembered: EvidenceStore,
    /// What this session has found out; it counts also where it could not be remembered.
    learned: Vec<Record>,
    /// Who logged in from where.
    logins: Logins,
    /// Addresses that mail came from.
    mail: HashSet<IpAddr>,
    /// What the watch has seen.
    sightings: Arc<Sightings>,
    /// Of which this is evidence of peers.
    wire: Vec<Record>,
    warnings: Vec<String>,
}

/// What one reading has found.
#[derive(Debug, Default)]
pub struct Reading {
    logs: Option<Arc<LogFindings>>,
    peers_file: Option<PeersFile>,
    remembered: EvidenceStore,
    logins: Logins,
    sightings: Sightings,
    warnings: Vec<String>,
}

/// How often progress is reported while logs are read.
const TICK: Duration = Duration::from_secs(1);

/// Reads logs, peers file and remembered evidence. `logs`: what an earlier reading found in the logs. `progress` gets
/// the bytes done and the bytes in all.
#[must_use]
pub fn read_evidence(
    host: &Host,
    logs: Option<Arc<LogFindings>>,
    document: &Document,
    cancel: &AtomicBool,
    progress: impl Fn(u64, u64) + Sync,
) -> Reading {
    let clock = clock();
    let window = Window {
        now: clock.now,
        days: host.preferences.days,
        zone: host.preferences.log_zone.clone().unwrap_or_else(|| clock.zone.clone()),
        zone_given: host.preferences.log_zone.is_some(),
    };
    let mut reading = Reading {
        logs,
        ..Reading::default()
    };
    read_logs(host, &mut reading, document, &window, cancel, progress);
    read_peers_file(host, &mut reading, &clock);
    let (store, problems) = host.memory.evidence();
    reading.warnings.extend(problems);
    reading.remembered = store;
    reading.sightings = Sightings::read(&host.home.state_dir);
    reading.warnings.append(&mut reading.sightings.warnings);
    // Only the wire has clients of which no other log tells.
    if reading.sightings.is_there {
        reading.logins = peers::read_logins(&document.log_directories(), &window, cancel);
    }
    reading
}

fn read_logs(
    host: &Host,
    reading: &mut Reading,
    document: &Document,
    window: &Window,
    cancel: &AtomicBool,
    progress: impl Fn(u64, u64) + Sync,
) {
    let candidates = document.log_directories();
    if candidates.is_empty() {
        let words = "the file does not say where the logs are, so no mail log was read";
        reading.warnings.push(words.to_owned());
        return;
    }
    let logs = match peers::find_logs(&candidates) {
        Ok(logs) => logs,
        Err(error) => {
            reading.warnings.push(error.to_string());
            return;
        }
    };
    reading.warnings.extend(logs.unread_words(window));
    let bytes = ScanProgress::default();
    let own = host.names.hosts();
    ticking(&bytes, &progress, || match &mut reading.logs {
        // Whoever shows the findings of before goes on showing them meanwhile.
        Some(findings) => Arc::make_mut(findings).follow(&logs.files, window, &own, &bytes, cancel),
        none => *none = Some(Arc::new(peers::scan_logs(&logs.files, window, &own, 0, &bytes, cancel))),
    });
}

fn read_peers_file(host: &Host, reading: &mut Reading, clock: &Clock) {
    let path = &host.home.peers;
    // The usual one need not be there. One that was named was looked at when the host was found.
    if matches!(path.symlink_metadata(), Err(error) if error.kind() == std::io::ErrorKind::NotFound) {
        return;
    }
    match PeersFile::read(path, clock.now, &clock.zone) {
        Ok(file) => reading.peers_file = Some(file),
        Err(error) => reading.warnings.push(error.to_string()),
    }
}

impl Sources {
    /// Takes in what a probe or a header has just shown.
    pub fn learn(&mut self, record: Record) {
        self.learned.push(record);
    }

    /// The known peer that an answer of this host is about, as the book names it: from the logs, the peers file, or
    /// remembered. `answered`: the address that took the connection. `None`: nobody that we exchange mail with, as far
    /// as is known.
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

    /// What the watch has seen.
    #[must_use]
    pub fn sightings(&self) -> &Sightings {
        &self.sightings
    }

    /// Has nobody ever logged in from there or sent mail, as far as the logs know? `None`: no log could tell.
    #[must_use]
    pub fn is_stranger(&self, key: &RowKey) -> Option<bool> {
        self.logins.since.map(|_| is_stranger(key, &self.logins, &self.mail))
    }

    /// Whose client that was.
    #[must_use]
    pub fn whose(&self, key: &RowKey, row: &Row) -> Whose {
        self.logins.whose(key.address, row.service, row.recent.iter().copied())
    }

    /// The findings of the logs so far, to be carried on: a second reading reads only what is new.
    #[must_use]
    pub fn logs(&self) -> Option<Arc<LogFindings>> {
        self.logs.clone()
    }

    /// Takes in what a reading has found.
    pub fn take_in(&mut self, reading: Reading) {
        let Reading {
            logs,
            peers_file,
            remembered,
            logins,
            sightings,
            warnings,
        } = reading;
        let of_logs = logs.iter().flat_map(|logs| logs.peers());
        let inbound = of_logs.filter(|peer| peer.key.direction == Direction::Inbound);
        let mail: HashSet<IpAddr> = inbound
            .filter_map(|peer| match peer.key.host {
                PeerHost::Address(address) => Some(address),
                PeerHost::Name(_) => None,
            })
            .collect();
        let strangers;
        (self.wire, strangers) = sightings.records(&logins, &mail, Timestamp::now());
        self.mail = mail;
        self.logs = logs;
        self.logins = logins;
        self.sightings = Arc::new(sightings);
        self.peers_file = peers_file;
        self.remembered = remembered;
        self.warnings = warnings;
        if strangers > 0 {
            self.warnings.push(format!(
                "the watch: {} never logged in and sent no mail, and {} not among the peers (kerio-tls watch status shows them)",
                amount(strangers, "program at an address that", "programs at addresses that"),
                if strangers == 1 { "is" } else { "are" }
            ));
        }
        self.forget_what_is_remembered();
    }

    /// The book of what is known now; cheap enough to be made anew while probes come in.
    #[must_use]
    pub fn book(&self, host: &Host) -> PeerBook {
        let records: Vec<Record> = self.records().cloned().collect();
        let mut book = peers::make_book(&BookSources {
            logs: self.logs.as_deref(),
            peers_file: self.peers_file.as_ref(),
            records: &records,
            logins: Some(&self.logins),
            own: Some(&host.names.hosts()),
            window_days: host.preferences.days,
        });
        book.warnings.extend(self.warnings.iter().cloned());
        book
    }

    /// All that is known now.
    #[must_use]
    pub fn gathered(&self, host: &Host) -> Gathered {
        let since_save = self.since_save(host);
        let watched = since_save.as_ref().filter(|_| self.sightings.is_there);
        Gathered {
            book: self.book(host),
            measured: host.memory.measured(),
            refused: watched.map(|(at, _)| RefusedSince::new(&self.sightings, &self.logins, &self.mail, *at)),
            since_save,
        }
    }

    /// Whose mail is delayed or failing since the newest save of this program.
    fn since_save(&self, host: &Host) -> Option<(Timestamp, Vec<Trouble>)> {
        let newest = host.backups.list().ok()?.into_iter().next()?;
        let at: Timestamp = newest.when.parse().ok()?;
        let troubles = self.logs.as_ref().map(|logs| logs.troubles(at)).unwrap_or_default();
        Some((at, troubles))
    }

    fn records(&self) -> impl Iterator<Item = &Record> {
        self.remembered.records().iter().chain(&self.learned).chain(&self.wire)
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
fn ticking<T>(bytes: &ScanProgress, on_progress: &(impl Fn(u64, u64) + Sync), work: impl FnOnce() -> T) -> T {
    let (done, is_done) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while is_done.recv_timeout(TICK) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                let (read, total) = bytes.bytes();
                on_progress(read, total);
            }
        });
        let result = work();
        drop(done);
        result
    })
}
