//! What is remembered between runs: measured evidence of peers, and what was measured of this server. Kept in the
//! state directory, 0600, written beside and renamed; it holds hosts, versions and times, and no secrets.
//!
//! Screen and commands may run at the same time: whoever writes holds a lock from the reading to the renaming. What
//! cannot be read is never written over.

use std::io::{Error, ErrorKind, Result};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::engine;
use crate::files::{self, Directory, Lock};
use crate::peers::{EvidenceStore, Record};
use crate::session::Measured;
use crate::tls::{Direction, Governs, Group, TlsVersion};

use super::config_file::ConfigFile;

const EVIDENCE: &str = "evidence.jsonl";
/// The same as it was, where lines of it were damaged (or are of another version) and it was written anew without them.
const DAMAGED: &str = "evidence.damaged.jsonl";
const SERVER: &str = "server.json";
/// Begins the name of the file with the time that stop and start took last.
const SECONDS: &str = "engine-seconds";
/// Held while one of them is written.
const LOCK: &str = "memory.lock";
/// How long another kerio-tls is waited for: it writes within a moment.
const PATIENCE: Duration = Duration::from_secs(10);
/// More than this is none of ours.
pub(super) const LIMIT: u64 = 64 << 20;

/// What was measured of this server, and of which build of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServerMemory {
    /// The build: path, size and time of the engine's executable, and its package's version.
    pub(crate) build: String,
    /// A handshake or a Received header has shown TLS 1.3.
    pub(crate) speaks_tls13: bool,
    /// The lowest version accepted inbound while no TLS variable was set.
    pub(crate) inbound_default: Option<String>,
    /// The addresses that answered at the last proof.
    #[serde(default)]
    pub(crate) ports: Vec<String>,
    /// What the ports accepted at the last proof, and what the file said then.
    #[serde(default)]
    pub(crate) standing: Option<Standing>,
    /// Which table governs which services: table, group, whether it does.
    #[serde(default)]
    pub(crate) governs: Vec<(String, String, bool)>,
    /// When, RFC 3339.
    pub(crate) at: String,
}

/// What ports accept while the file says something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// The minimums, inbound and outbound, as JSON spells them.
    pub(crate) minimums: [String; 2],
    /// Services and the versions that they accept.
    pub(crate) accepts: Vec<(String, Vec<String>)>,
}

impl ServerMemory {
    pub(crate) fn governs(&self) -> Governs {
        let mut governs = Governs::default();
        for (table, group, does) in &self.governs {
            let direction = Direction::ALL.into_iter().find(|it| it.table() == table);
            let group = Group::ALL.into_iter().find(|it| it.token() == group);
            if let (Some(direction), Some(group)) = (direction, group) {
                governs.set(direction, group, *does);
            }
        }
        governs
    }

    pub(crate) fn set_governs(&mut self, governs: Governs) {
        let all = Direction::ALL
            .into_iter()
            .flat_map(|direction| Group::ALL.map(|group| (direction, group)));
        let known = |(direction, group): (Direction, Group)| {
            let does = governs.get(direction, group)?;
            Some((direction.table().to_owned(), group.token().to_owned(), does))
        };
        self.governs = all.filter_map(known).collect();
    }
}

/// What is remembered for one file.
#[derive(Debug, Clone)]
pub struct Memory {
    file: ConfigFile,
}

impl Memory {
    pub(super) fn new(file: ConfigFile) -> Self {
        Self { file }
    }

    /// The remembered evidence; what cannot be read or used is named.
    pub(crate) fn evidence(&self) -> (EvidenceStore, Vec<String>) {
        match self.read(EVIDENCE) {
            Ok(bytes) => parse(&bytes.unwrap_or_default()),
            Err(error) => (
                EvidenceStore::default(),
                vec![format!("remembered evidence could not be read ({error})")],
            ),
        }
    }

    /// Remembers more evidence.
    ///
    /// # Errors
    /// The state directory cannot be read or written; what was remembered before is still there.
    pub(crate) fn remember(&self, records: Vec<Record>) -> Result<()> {
        self.change(|directory| {
            let bytes = directory.read(EVIDENCE, LIMIT)?.unwrap_or_default();
            let (mut store, _) = parse(&bytes);
            if bytes.len() > EvidenceStore::BYTES_MAX {
                return Err(Error::new(ErrorKind::FileTooLarge, format!("{EVIDENCE} is too large")));
            }
            if store.damaged() > 0 {
                directory.write(DAMAGED, &bytes)?;
            }
            store.remember(records);
            Ok(directory.write(EVIDENCE, store.to_text().as_bytes())?)
        })
    }

    /// What was measured of this server, as long as it is the same build.
    #[must_use]
    pub fn measured(&self) -> Measured {
        let memory = self.server();
        Measured {
            speaks_tls13: memory.speaks_tls13,
            inbound_default: memory.inbound_default.as_deref().and_then(TlsVersion::from_token),
            governs: memory.governs(),
        }
    }

    /// What is kept of this build; another build's is none, and what cannot be read is "never measured".
    pub(crate) fn server(&self) -> ServerMemory {
        self.of_this_build(self.read(SERVER).ok().flatten())
    }

    fn of_this_build(&self, kept: Option<Vec<u8>>) -> ServerMemory {
        let build = self.build();
        let memory: ServerMemory = kept
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        if memory.build == build {
            return memory;
        }
        ServerMemory {
            build,
            ..ServerMemory::default()
        }
    }

    /// Changes what is remembered of this server.
    ///
    /// # Errors
    /// The state directory cannot be read or written; what was remembered before is still there.
    pub(crate) fn remember_server(&self, change: impl FnOnce(&mut ServerMemory)) -> Result<()> {
        self.change(|directory| {
            let mut memory = self.of_this_build(directory.read(SERVER, LIMIT)?);
            change(&mut memory);
            Ok(directory.write(SERVER, &serde_json::to_vec(&memory)?)?)
        })
    }

    /// How long stop and start of this file's engine took last time, in seconds.
    pub(crate) fn engine_seconds(&self) -> Option<u64> {
        let bytes = self.read(&self.seconds_name()?).ok()??;
        String::from_utf8(bytes).ok()?.trim().parse().ok()
    }

    /// Remembers it. Nothing depends on it, so nothing is said when that fails.
    pub(crate) fn remember_engine_seconds(&self, seconds: u64) {
        if let Some(name) = self.seconds_name() {
            let _: Result<()> = self.change(|directory| Ok(directory.write(&name, format!("{seconds}\n").as_bytes())?));
        }
    }

    /// Every server has its own: several may share one state directory.
    fn seconds_name(&self) -> Option<String> {
        self.own(SECONDS)
    }

    /// A name of this server's own, that begins so.
    pub(super) fn own(&self, begin: &str) -> Option<String> {
        let target = self.file.target().ok()?;
        let digest = files::sha256(target.path().as_os_str().as_encoded_bytes());
        let short: String = digest.chars().take(16).collect();
        Some(format!("{begin}.{short}"))
    }

    /// Is there a state directory?
    pub(super) fn is_there(&self) -> bool {
        self.file.is_state_there()
    }

    /// Reads one of its files. Where there is no state directory nothing is remembered; one that is refused is not
    /// believed either.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        if !self.file.is_state_there() {
            return Ok(None);
        }
        let state = self.file.existing_state().map_err(Error::other)?;
        match state.directory() {
            Some(directory) => Ok(directory.read(name, LIMIT)?),
            None => Ok(None),
        }
    }

    /// Does something in the state directory while nobody else does. (The state room makes the directory, and refuses
    /// one that cannot be trusted.)
    pub(super) fn change<T>(&self, change: impl FnOnce(&Directory) -> Result<T>) -> Result<T> {
        let state = self.file.state().map_err(Error::other)?;
        let directory = state.directory().ok_or(ErrorKind::NotFound)?;
        let _held = lock(directory)?;
        change(directory)
    }

    /// Does something that needs nothing of the state directory but its lock; where the lock cannot be had, without it.
    pub(super) fn one_at_a_time<T>(&self, work: impl FnOnce() -> T) -> T {
        let state = self.file.state().ok();
        let _held = state
            .as_ref()
            .and_then(|state| state.directory())
            .and_then(|directory| lock(directory).ok());
        work()
    }

    /// Tells builds of the engine apart without running it, by whatever path the file was named.
    pub(super) fn build(&self) -> String {
        engine::build(&engine::Places::new(self.file.path())).map_or_else(
            || "no engine".to_owned(),
            |build| {
                let executable = build.executable.canonicalize().unwrap_or(build.executable);
                let version = build.version.unwrap_or_default();
                format!("{} {} {} {version}", executable.display(), build.size, build.modified)
            },
        )
    }
}

/// The clock is read after the file: nobody's record of just now is from the future.
fn parse(bytes: &[u8]) -> (EvidenceStore, Vec<String>) {
    EvidenceStore::parse(bytes, Timestamp::now())
}

/// Waits until nobody else writes here; the lock ends with the value, and with the process.
fn lock(directory: &Directory) -> Result<Lock> {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(lock) = directory.lock(LOCK)? {
            return Ok(lock);
        }
        if Instant::now() >= until {
            return Err(Error::new(ErrorKind::TimedOut, "another kerio-tls is writing it"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use std::path::Path;

    fn host(dir: &Path, file: &Path) -> Host {
        Host::find(&crate::host::HostOptions {
            file: Some(file.to_owned()),
            home: crate::host::HomeOptions {
                state_dir: Some(dir.join("state")),
                ..crate::host::HomeOptions::default()
            },
            ..crate::host::HostOptions::default()
        })
        .unwrap()
    }

    fn probed(last: u8) -> Record {
        let seen = Timestamp::from_second(1_790_000_000).unwrap();
        Record {
            key: crate::peers::PeerKey {
                direction: crate::tls::Direction::Outbound,
                service: crate::peers::Service::Smtp,
                host: crate::peers::Host::Address([192, 0, 2, last].into()),
                port: None,
            },
            address: None,
            addresses: Vec::new(),
            authenticated: false,
            evidence: crate::peers::Evidence {
                knowledge: crate::peers::Knowledge::Ceiling(TlsVersion::Tls12),
                source: crate::peers::Source::Probe,
                first_seen: seen,
                last_seen: seen,
                count: 1,
                raw: String::new(),
            },
        }
    }

    #[test]
    fn a_file_with_a_damaged_line_is_kept_as_it_was_before_it_is_written_without_it() {
        let dir = tempfile::tempdir().unwrap();
        let host = host(dir.path(), &dir.path().join("mailserver.cfg"));
        host.memory.remember(vec![probed(1)]).unwrap();
        let (path, kept) = (
            dir.path().join("state").join(EVIDENCE),
            dir.path().join("state").join(DAMAGED),
        );
        assert!(!kept.exists());
        let torn = [&std::fs::read(&path).unwrap()[..], b"{\"direction\":\"out"].concat();
        std::fs::write(&path, &torn).unwrap();
        assert_eq!(host.memory.evidence().1.len(), 1);
        host.memory.remember(vec![probed(2)]).unwrap();
        assert_eq!(std::fs::read(&kept).unwrap(), torn);
        let (store, problems) = host.memory.evidence();
        assert_eq!((store.records().len(), problems), (2, Vec::new()));
        // And nobody takes the directory for another's.
        assert!(host.file.state().is_ok());
    }

    #[test]
    fn those_who_remember_at_the_same_time_lose_nothing_of_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let host = host(dir.path(), &dir.path().join("mailserver.cfg"));
        std::thread::scope(|scope| {
            for number in 0..8_u8 {
                let host = &host;
                scope.spawn(move || {
                    for round in 0..4 {
                        host.memory.remember(vec![probed(number * 4 + round)]).unwrap();
                        host.memory.remember_server(|memory| memory.at.push('x')).unwrap();
                    }
                });
            }
        });
        let (store, problems) = host.memory.evidence();
        assert_eq!((store.records().len(), problems), (32, Vec::new()));
        assert_eq!(host.memory.server().at.len(), 32);
    }

    #[test]
    fn what_cannot_be_read_is_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let host = host(dir.path(), &dir.path().join("mailserver.cfg"));
        host.file.state().unwrap();
        // A link in a circle: reading it fails for root too, and a rename would put a file in its place.
        for name in [EVIDENCE, SERVER] {
            let path = dir.path().join("state").join(name);
            std::os::unix::fs::symlink(name, &path).unwrap();
        }
        assert!(host.memory.remember(vec![probed(1)]).is_err());
        assert!(
            host.memory
                .remember_server(|memory| memory.speaks_tls13 = true)
                .is_err()
        );
        for name in [EVIDENCE, SERVER] {
            assert!(dir.path().join("state").join(name).is_symlink(), "{name}");
        }
        assert_eq!(host.memory.evidence().1.len(), 1);
    }

    #[test]
    fn what_was_measured_is_known_again_by_whatever_path_the_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().join("real");
        std::fs::create_dir(&real).unwrap();
        std::fs::write(real.join("mailserver"), "engine").unwrap();
        std::fs::write(real.join("mailserver.cfg"), "<config></config>").unwrap();
        std::os::unix::fs::symlink("real", dir.path().join("link")).unwrap();
        let remember = |memory: &mut ServerMemory| memory.inbound_default = Some("tls1.2".to_owned());
        host(dir.path(), &real.join("mailserver.cfg"))
            .memory
            .remember_server(remember)
            .unwrap();
        for named in [
            "link/mailserver.cfg",
            "real/../real/mailserver.cfg",
            "link/../real/./mailserver.cfg",
        ] {
            let measured = host(dir.path(), &dir.path().join(named)).memory.measured();
            assert_eq!(measured.inbound_default, Some(TlsVersion::Tls12), "{named}");
        }
        std::fs::write(real.join("mailserver"), "another engine").unwrap();
        let measured = host(dir.path(), &real.join("mailserver.cfg")).memory.measured();
        assert_eq!(measured.inbound_default, None);
    }

    #[test]
    fn servers_that_share_a_state_directory_have_a_time_of_their_own_each() {
        let dir = tempfile::tempdir().unwrap();
        let of = |name: &str| {
            let file = dir.path().join(name);
            std::fs::create_dir(&file).unwrap();
            std::fs::write(file.join("mailserver.cfg"), "<config></config>").unwrap();
            host(dir.path(), &file.join("mailserver.cfg")).memory
        };
        let (one, other) = (of("one"), of("other"));
        one.remember_engine_seconds(42);
        assert_eq!((one.engine_seconds(), other.engine_seconds()), (Some(42), None));
        other.remember_engine_seconds(7);
        assert_eq!((one.engine_seconds(), other.engine_seconds()), (Some(42), Some(7)));
        assert!(
            host(dir.path(), &dir.path().join("one/mailserver.cfg"))
                .file
                .state()
                .is_ok()
        );
    }

    #[test]
    fn a_state_directory_that_is_refused_for_writing_is_not_believed_for_reading() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let host = host(dir.path(), &dir.path().join("mailserver.cfg"));
        host.memory.remember(vec![probed(1)]).unwrap();
        host.memory
            .remember_server(|memory| memory.speaks_tls13 = true)
            .unwrap();
        assert!(host.memory.measured().speaks_tls13);
        let state = dir.path().join("state");
        std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o777)).unwrap();
        let (store, problems) = host.memory.evidence();
        assert!(store.records().is_empty());
        assert!(problems[0].contains("others may write"), "{problems:?}");
        assert!(!host.memory.measured().speaks_tls13);
        assert!(host.memory.remember(vec![probed(2)]).is_err());
        assert!(host.file.kept().is_none() && host.drafts.find().unwrap().is_none());
    }

    #[test]
    fn a_pipe_under_a_name_of_ours_keeps_nobody_waiting() {
        let dir = tempfile::tempdir().unwrap();
        let host = host(dir.path(), &dir.path().join("mailserver.cfg"));
        host.file.state().unwrap();
        let pipe = dir.path().join("state").join(EVIDENCE);
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
        let (store, problems) = host.memory.evidence();
        assert!(store.records().is_empty() && problems.len() == 1, "{problems:?}");
    }
}
