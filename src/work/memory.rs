//! What is remembered between runs: measured evidence of peers, and what was measured of this server. Kept in the
//! state directory, 0600, written beside and renamed; it holds hosts, versions and times, and no secrets.

use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::engine;
use crate::peers::{EvidenceStore, Record};
use crate::session::Measured;
use crate::tls::TlsVersion;

use super::host::Host;

const EVIDENCE: &str = "evidence.jsonl";
const SERVER: &str = "server.json";
/// More than this is none of ours.
const LIMIT: u64 = 64 << 20;

/// What was measured of this server, and of which build of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ServerMemory {
    /// The build: path, size and time of the engine's executable, and its package's version.
    pub(super) build: String,
    /// A handshake or a Received header has shown TLS 1.3.
    pub(super) speaks_tls13: bool,
    /// The lowest version accepted inbound while no TLS variable was set.
    pub(super) inbound_default: Option<String>,
    /// When, RFC 3339.
    pub(super) at: String,
}

impl Host {
    /// The remembered evidence; what cannot be read is named.
    pub(super) fn remembered(&self) -> (EvidenceStore, Vec<String>) {
        match read(&self.home.state_dir.join(EVIDENCE)) {
            Ok(Some(bytes)) => EvidenceStore::parse(&bytes),
            Ok(None) => (EvidenceStore::default(), Vec::new()),
            Err(error) => (
                EvidenceStore::default(),
                vec![format!("remembered evidence could not be read ({error})")],
            ),
        }
    }

    /// Remembers more evidence.
    ///
    /// # Errors
    /// The state directory cannot be written; what was remembered before is still there.
    pub(super) fn remember(&self, records: Vec<Record>) -> std::io::Result<()> {
        // The state room makes the directory, and refuses one that cannot be trusted.
        self.state().map_err(std::io::Error::other)?;
        let (mut store, _) = self.remembered();
        store.remember(records);
        write(&self.home.state_dir.join(EVIDENCE), store.to_text().as_bytes())
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

    pub(super) fn server_memory(&self) -> ServerMemory {
        let build = self.build();
        let kept = read(&self.home.state_dir.join(SERVER)).ok().flatten();
        let memory: ServerMemory = kept
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        if memory.build == build {
            memory
        } else {
            ServerMemory {
                build,
                ..ServerMemory::default()
            }
        }
    }

    pub(super) fn remember_server(&self, memory: &ServerMemory) -> std::io::Result<()> {
        self.state().map_err(std::io::Error::other)?;
        write(&self.home.state_dir.join(SERVER), &serde_json::to_vec(memory)?)
    }

    /// Tells builds of the engine apart without running it.
    fn build(&self) -> String {
        engine::build(&engine::Places::new(&self.file)).map_or_else(
            || "no engine".to_owned(),
            |build| {
                let version = build.version.unwrap_or_default();
                let executable = build.executable.display();
                format!("{executable} {} {} {version}", build.size, build.modified)
            },
        )
    }
}

fn read(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Beside, synced, renamed: the old content or the new one.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
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
}
