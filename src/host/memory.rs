//! What is remembered between runs: measured evidence of peers, and what was measured of this server. Kept in the
//! state directory, 0600, written beside and renamed; it holds hosts, versions and times, and no secrets.
//!
//! Screen and commands may run at the same time: whoever writes holds a lock from the reading to the renaming. What cannot be
//! read is never written over.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use crate::engine;
use crate::peers::{EvidenceStore, Record};
use crate::session::Measured;
use crate::tls::TlsVersion;

use super::here::Host;

const EVIDENCE: &str = "evidence.jsonl";
/// The same as it was, where lines of it were damaged (or are of another version) and it was written anew without them.
const DAMAGED: &str = "evidence.damaged.jsonl";
const SERVER: &str = "server.json";
/// Held while one of the two is written.
const LOCK: &str = "memory.lock";
/// How long another kerio-tls is waited for: it writes within a moment.
const PATIENCE: Duration = Duration::from_secs(10);
/// More than this is none of ours.
const LIMIT: u64 = 64 << 20;

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
    /// When, RFC 3339.
    pub(crate) at: String,
}

impl Host {
    /// The remembered evidence; what cannot be read or used is named.
    pub(crate) fn remembered(&self) -> (EvidenceStore, Vec<String>) {
        match self.evidence() {
            Ok((store, problems, _)) => (store, problems),
            Err(error) => (
                EvidenceStore::default(),
                vec![format!("remembered evidence could not be read ({error})")],
            ),
        }
    }

    /// The same, and the bytes of it.
    fn evidence(&self) -> Result<(EvidenceStore, Vec<String>, Vec<u8>)> {
        let bytes = read(&self.home.state_dir.join(EVIDENCE))?.unwrap_or_default();
        // The clock is read after the file: nobody's record of just now is from the future.
        let (store, problems) = EvidenceStore::parse(&bytes, Timestamp::now());
        Ok((store, problems, bytes))
    }

    /// Remembers more evidence.
    ///
    /// # Errors
    /// The state directory cannot be read or written; what was remembered before is still there.
    pub(crate) fn remember(&self, records: Vec<Record>) -> Result<()> {
        let _held = self.lock_memory()?;
        let (mut store, _, bytes) = self.evidence()?;
        if bytes.len() > EvidenceStore::BYTES_MAX {
            return Err(Error::new(ErrorKind::FileTooLarge, format!("{EVIDENCE} is too large")));
        }
        if store.damaged() > 0 {
            write(&self.home.state_dir.join(DAMAGED), &bytes)?;
        }
        store.remember(records);
        write(&self.home.state_dir.join(EVIDENCE), store.to_text().as_bytes())
    }

    /// Waits until nobody else writes here; the lock ends with the handle, and with the process.
    pub(crate) fn lock_memory(&self) -> Result<std::fs::File> {
        // The state room makes the directory, and refuses one that cannot be trusted.
        self.state().map_err(Error::other)?;
        let lock = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(self.home.state_dir.join(LOCK))?;
        let until = Instant::now() + PATIENCE;
        loop {
            match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(lock),
                Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    return Err(Error::new(ErrorKind::TimedOut, "another kerio-tls is writing it"));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What was measured of this server, as long as it is the same build.
    #[must_use]
    pub fn measured(&self) -> Measured {
        let memory = self.server_memory();
        Measured {
            speaks_tls13: memory.speaks_tls13,
            inbound_default: memory.inbound_default.as_deref().and_then(TlsVersion::from_token),
        }
    }

    pub(crate) fn server_memory(&self) -> ServerMemory {
        // What cannot be read is "never measured".
        self.kept_memory().unwrap_or_default()
    }

    /// What is kept of this build; another build's is none.
    fn kept_memory(&self) -> Result<ServerMemory> {
        let build = self.build();
        let kept = read(&self.home.state_dir.join(SERVER))?;
        let memory: ServerMemory = kept
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        Ok(if memory.build == build {
            memory
        } else {
            ServerMemory {
                build,
                ..ServerMemory::default()
            }
        })
    }

    /// Changes what is remembered of this server.
    ///
    /// # Errors
    /// The state directory cannot be read or written; what was remembered before is still there.
    pub(crate) fn remember_server(&self, change: impl FnOnce(&mut ServerMemory)) -> Result<()> {
        let _held = self.lock_memory()?;
        let mut memory = self.kept_memory()?;
        change(&mut memory);
        write(&self.home.state_dir.join(SERVER), &serde_json::to_vec(&memory)?)
    }

    /// Tells builds of the engine apart without running it, by whatever path the file was named.
    fn build(&self) -> String {
        engine::build(&engine::Places::new(&self.file)).map_or_else(
            || "no engine".to_owned(),
            |build| {
                let executable = build.executable.canonicalize().unwrap_or(build.executable);
                let version = build.version.unwrap_or_default();
                format!("{} {} {} {version}", executable.display(), build.size, build.modified)
            },
        )
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Beside, synced, renamed: the old content or the new one.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(&beside)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_written_is_private_whole_and_leaves_nothing_beside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.json");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), b"two");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

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
        host.remember(vec![probed(1)]).unwrap();
        let (path, kept) = (
            dir.path().join("state").join(EVIDENCE),
            dir.path().join("state").join(DAMAGED),
        );
        assert!(!kept.exists());
        let torn = [&std::fs::read(&path).unwrap()[..], b"{\"direction\":\"out"].concat();
        std::fs::write(&path, &torn).unwrap();
        assert_eq!(host.remembered().1.len(), 1);
        host.remember(vec![probed(2)]).unwrap();
        assert_eq!(std::fs::read(&kept).unwrap(), torn);
        let (store, problems) = host.remembered();
        assert_eq!((store.records().len(), problems), (2, Vec::new()));
        // And nobody takes the directory for another's.
        assert!(host.state().is_ok());
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
                        host.remember(vec![probed(number * 4 + round)]).unwrap();
                        host.remember_server(|memory| memory.at.push('x')).unwrap();
                    }
                });
            }
        });
        let (store, problems) = host.remembered();
        assert_eq!((store.records().len(), problems), (32, Vec::new()));
        assert_eq!(host.server_memory().at.len(), 32);
    }

    #[test]
    fn what_cannot_be_read_is_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let host = host(dir.path(), &dir.path().join("mailserver.cfg"));
        host.state().unwrap();
        // A link in a circle: reading it fails for root too, and a rename would put a file in its place.
        for name in [EVIDENCE, SERVER] {
            let path = dir.path().join("state").join(name);
            std::os::unix::fs::symlink(name, &path).unwrap();
        }
        assert!(host.remember(vec![probed(1)]).is_err());
        assert!(host.remember_server(|memory| memory.speaks_tls13 = true).is_err());
        for name in [EVIDENCE, SERVER] {
            assert!(dir.path().join("state").join(name).is_symlink(), "{name}");
        }
        assert_eq!(host.remembered().1.len(), 1);
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
            .remember_server(remember)
            .unwrap();
        for named in [
            "link/mailserver.cfg",
            "real/../real/mailserver.cfg",
            "link/../real/./mailserver.cfg",
        ] {
            let measured = host(dir.path(), &dir.path().join(named)).measured();
            assert_eq!(measured.inbound_default, Some(TlsVersion::Tls12), "{named}");
        }
        std::fs::write(real.join("mailserver"), "another engine").unwrap();
        let measured = host(dir.path(), &real.join("mailserver.cfg")).measured();
        assert_eq!(measured.inbound_default, None);
    }
}
