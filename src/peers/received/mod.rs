//! The versions of inbound peers, from the engine's own Received headers in stored mail. Only on request: it reads mail.
//!
//! Of each message at most the first 8 KiB are read, and of those only the topmost Received header is looked at ([`header`]);
//! subjects and bodies are never kept or shown. Symbolic links are not followed.

mod header;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::evidence::{Evidence, Knowledge, Record, Source};
use super::host::{Host, OwnHosts, PeerKey};
use crate::hostile::safe_text;
use crate::tls::{Direction, Service, TlsVersion};
use header::{Session, Spoke};

/// How much of a message is read.
const HEAD: usize = 8 << 10;
/// Most folders looked into.
const FOLDERS_MAX: usize = 50_000;
/// Most levels of folders below `mail`.
const DEPTH_MAX: usize = 16;
/// Newest messages of a folder looked at, where the budget allows no more for each.
const PER_FOLDER: usize = 50;
/// Most different (client, version, engine) kept.
const SEEN_MAX: usize = 200_000;

/// How much may be read.
#[derive(Debug, Clone, Copy)]
pub struct ReceivedBudget {
    /// Most messages.
    pub messages: usize,
    /// Most time.
    pub time: Duration,
}

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub enum ReceivedError {
    /// The store's mail directory cannot be read.
    #[error("cannot list the stored mail in {}: {source}; nothing was read; check the store's path and your rights", path.display())]
    Store {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What the headers say.
#[derive(Debug, Clone, Default)]
pub struct ReceivedFindings {
    /// Records of inbound peers, sorted.
    pub records: Vec<Record>,
    /// Messages whose head was read.
    pub messages_read: usize,
    /// Of those, with a topmost Received header of this server.
    pub messages_used: usize,
    /// The engine spoke TLS 1.3 with somebody.
    pub tls13_seen: bool,
    /// The budget or a cancel ended it before all messages were read.
    pub ended_early: bool,
    /// What could not be read, in words.
    pub warnings: Vec<String>,
}

/// Reads `<store>/mail/<domain>/<user>/<folder>/#msgs/*.eml`, newest first, within the budget.
/// # Errors
/// [`ReceivedError::Store`] when there is no such directory or it cannot be listed; below it, what cannot be read is a warning.
pub fn read_received(
    store: &Path,
    own: &OwnHosts,
    budget: ReceivedBudget,
    now: Timestamp,
    cancel: &AtomicBool,
) -> Result<ReceivedFindings, ReceivedError> {
    let until = Instant::now() + budget.time;
    let over = || cancel.load(Ordering::Relaxed) || Instant::now() >= until;
    let mail = store.join("mail");
    let mut findings = ReceivedFindings::default();
    let mut folders = message_folders(&mail, &mut findings, &over).map_err(|source| ReceivedError::Store {
        path: mail.clone(),
        source,
    })?;
    folders.sort_by(|a, b| b.cmp(a));
    let newest = newest_messages(&folders, budget.messages, &mut findings, &over);
    let mut seen = Seen::default();
    for (modified, path) in newest {
        if over() {
            findings.ended_early = true;
            break;
        }
        let Ok(head) = read_head(&path) else {
            // A message that was deleted or moved meanwhile.
            continue;
        };
        findings.messages_read += 1;
        if let Some(session) = header::read(&head, own) {
            findings.messages_used += 1;
            // A date after now is a wrong clock; the file's own time stands in.
            let date = session.date.filter(|date| *date <= now);
            let date = date
                .or_else(|| Timestamp::from_second(modified).ok())
                .unwrap_or(now)
                .min(now);
            seen.add(session, date);
        }
    }
    if findings.messages_read > 0 && findings.messages_used == 0 {
        findings.warnings.push(format!(
            "stored mail: none of {} messages has a topmost Received header of this server; is its host name known?",
            findings.messages_read
        ));
    }
    findings.tls13_seen = seen
        .sessions
        .keys()
        .any(|k| k.spoke == Spoke::Version(TlsVersion::Tls13));
    findings.records = seen.into_records();
    Ok(findings)
}

/// Every `#msgs` directory with its time of change.
fn message_folders(
    mail: &Path,
    findings: &mut ReceivedFindings,
    over: &impl Fn() -> bool,
) -> io::Result<Vec<(i64, PathBuf)>> {
    let mut folders = Vec::new();
    let mut waiting = vec![(mail.to_owned(), 0_usize)];
    let mut unreadable = 0_usize;
    while let Some((directory, depth)) = waiting.pop() {
        if over() || folders.len() >= FOLDERS_MAX {
            findings.ended_early = true;
            break;
        }
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(e) if depth == 0 => return Err(e),
            Err(_) => {
                unreadable += 1;
                continue;
            }
        };
        for entry in entries.flatten() {
            // The type of the entry itself: a link to a directory is none.
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            if entry.file_name() == "#msgs" {
                let changed = entry.metadata().map_or(0, |meta| meta.mtime());
                folders.push((changed, entry.path()));
            } else if depth < DEPTH_MAX && !entry.file_name().as_encoded_bytes().starts_with(b"#") {
                waiting.push((entry.path(), depth + 1));
            }
        }
    }
    if unreadable > 0 {
        findings
            .warnings
            .push(format!("stored mail: {unreadable} folders could not be listed"));
    }
    Ok(folders)
}

/// The newest messages over all folders. Names count up in a folder, so its last names are its newest messages: only those are
/// asked for their time.
fn newest_messages(
    folders: &[(i64, PathBuf)],
    budget: usize,
    findings: &mut ReceivedFindings,
    over: &impl Fn() -> bool,
) -> Vec<(i64, PathBuf)> {
    let share = PER_FOLDER.max(budget / folders.len().max(1));
    let mut newest: BTreeSet<(i64, PathBuf)> = BTreeSet::new();
    for (_, folder) in folders {
        if over() {
            findings.ended_early = true;
            break;
        }
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if Path::new(&name)
                .extension()
                .is_some_and(|e| e.eq_ignore_ascii_case("eml"))
            {
                names.insert(name);
                if names.len() > share {
                    names.pop_first();
                    findings.ended_early = true;
                }
            }
        }
        for name in names {
            let path = folder.join(name);
            let Ok(meta) = fs::symlink_metadata(&path) else {
                continue;
            };
            if meta.is_file() {
                newest.insert((meta.mtime(), path));
                if newest.len() > budget {
                    newest.pop_first();
                    findings.ended_early = true;
                }
            }
        }
    }
    newest.into_iter().rev().collect()
}

/// Only from a regular file, and through no stranger's link that took a part of the path meanwhile.
fn read_head(path: &Path) -> io::Result<Vec<u8>> {
    Ok(crate::files::read_start(path, HEAD)?)
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct SessionKey {
    client: std::net::IpAddr,
    spoke: Spoke,
    engine: Option<String>,
}

#[derive(Debug)]
struct SessionTally {
    first: Timestamp,
    last: Timestamp,
    count: u64,
    authenticated: bool,
    raw: String,
}

/// Sessions by client, version and engine.
#[derive(Debug, Default)]
struct Seen {
    sessions: BTreeMap<SessionKey, SessionTally>,
}

impl Seen {
    fn add(&mut self, session: Session, date: Timestamp) {
        let key = SessionKey {
            client: session.client,
            spoke: session.spoke,
            engine: session.engine,
        };
        if let Some(tally) = self.sessions.get_mut(&key) {
            tally.count += 1;
            tally.authenticated |= session.authenticated;
            tally.first = tally.first.min(date);
            if date >= tally.last {
                (tally.last, tally.raw) = (date, session.raw);
            }
        } else if self.sessions.len() < SEEN_MAX {
            let authenticated = session.authenticated;
            self.sessions.insert(
                key,
                SessionTally {
                    first: date,
                    last: date,
                    count: 1,
                    authenticated,
                    raw: session.raw,
                },
            );
        }
    }

    /// A version in a header is what both sides had. It is the *peer's* limit only if the same version of the engine also
    /// recorded a higher one (TLS 1.2 or up) with somebody else; otherwise it is what the peer has at least.
    fn into_records(self) -> Vec<Record> {
        let mut engine_spoke: HashMap<String, TlsVersion> = HashMap::new();
        for key in self.sessions.keys() {
            if let (Some(engine), Spoke::Version(version)) = (&key.engine, key.spoke) {
                let highest = engine_spoke.entry(engine.clone()).or_insert(version);
                *highest = version.max(*highest);
            }
        }
        let records = self.sessions.into_iter().map(|(key, tally)| {
            let engine_highest = key.engine.as_ref().and_then(|engine| engine_spoke.get(engine)).copied();
            let knowledge = match key.spoke {
                Spoke::Plain => Knowledge::Plain,
                Spoke::SomeTls => Knowledge::AtLeast(TlsVersion::Ssl3),
                Spoke::Version(v) if v == TlsVersion::Tls13 => Knowledge::Ceiling(v),
                Spoke::Version(v) if engine_highest.is_some_and(|high| high > v && high >= TlsVersion::Tls12) => {
                    Knowledge::Ceiling(v)
                }
                Spoke::Version(v) => Knowledge::AtLeast(v),
            };
            let raw = match &key.engine {
                Some(engine) => safe_text(format!("{engine}: {}", tally.raw), 240),
                None => tally.raw,
            };
            let host = Host::Address(key.client);
            Record {
                key: PeerKey {
                    direction: Direction::Inbound,
                    service: Service::Smtp,
                    host,
                    port: None,
                },
                address: None,
                addresses: Vec::new(),
                authenticated: tally.authenticated,
                evidence: Evidence {
                    knowledge,
                    source: Source::Received,
                    first_seen: tally.first,
                    last_seen: tally.last,
                    count: tally.count,
                    raw,
                },
            }
        });
        records.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> OwnHosts {
        OwnHosts::new([Host::Name("mx.example.org".into())])
    }

    fn message(client: &str, engine: &str, with: &str) -> String {
        format!(
            "Received: from x ([{client}])\r\n by mx.example.org ({engine}) with {with};\r\n Thu, 25 Aug 2022 15:31:37 +0200\r\nSubject: hidden\r\n\r\nx"
        )
    }

    fn using(version: &str) -> String {
        format!("ESMTPS (using {version} with cipher X (256 bits))")
    }

    fn store(messages: &[(&str, String)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in messages {
            let path = dir.path().join("mail").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    fn read(dir: &tempfile::TempDir, messages: usize) -> ReceivedFindings {
        let budget = ReceivedBudget {
            messages,
            time: Duration::from_secs(60),
        };
        read_received(dir.path(), &own(), budget, Timestamp::now(), &AtomicBool::new(false)).unwrap()
    }

    fn known(findings: &ReceivedFindings, client: &str) -> Vec<Knowledge> {
        let host = Host::parse(client).unwrap();
        findings
            .records
            .iter()
            .filter(|r| r.key.host == host)
            .map(|r| r.evidence.knowledge.clone())
            .collect()
    }

    #[test]
    fn a_low_version_is_the_peers_limit_only_if_the_same_engine_spoke_a_higher_one_with_others() {
        let (new, old) = ("Kerio Connect 10.0.2", "Kerio Connect 8.0.0");
        let dir = store(&[
            (
                "example.org/u/INBOX/#msgs/1.eml",
                message("192.0.2.10", new, &using("TLSv1.2")),
            ),
            (
                "example.org/u/INBOX/#msgs/2.eml",
                message("192.0.2.11", new, &using("TLSv1")),
            ),
            (
                "example.org/u/INBOX/Sub/#msgs/3.eml",
                message("192.0.2.12", old, &using("TLSv1")),
            ),
            ("example.org/v/INBOX/#msgs/4.eml", message("192.0.2.13", new, "ESMTP")),
            (
                "example.org/v/INBOX/#msgs/5.eml",
                message("192.0.2.14", old, &using("TLSv1/SSLv3")),
            ),
            (
                "example.org/v/INBOX/#msgs/6.txt",
                message("192.0.2.15", new, &using("TLSv1.3")),
            ),
        ]);
        let findings = read(&dir, 100);
        assert_eq!(
            (findings.messages_read, findings.messages_used, findings.tls13_seen),
            (5, 5, false)
        );
        assert_eq!(known(&findings, "192.0.2.10"), [Knowledge::AtLeast(TlsVersion::Tls12)]);
        assert_eq!(known(&findings, "192.0.2.11"), [Knowledge::Ceiling(TlsVersion::Tls10)]);
        assert_eq!(known(&findings, "192.0.2.12"), [Knowledge::AtLeast(TlsVersion::Tls10)]);
        assert_eq!(known(&findings, "192.0.2.13"), [Knowledge::Plain]);
        assert_eq!(known(&findings, "192.0.2.14"), [Knowledge::AtLeast(TlsVersion::Ssl3)]);
        assert!(!format!("{findings:?}").contains("hidden"));
        assert!(!findings.ended_early);
    }

    #[test]
    fn tls_1_3_with_anybody_is_noted_and_makes_1_2_a_limit() {
        let engine = "Kerio Connect 10.0.2";
        let dir = store(&[
            (
                "example.org/u/INBOX/#msgs/1.eml",
                message("192.0.2.10", engine, &using("TLSv1.3")),
            ),
            (
                "example.org/u/INBOX/#msgs/2.eml",
                message("192.0.2.11", engine, &using("TLSv1.2")),
            ),
        ]);
        let findings = read(&dir, 100);
        assert!(findings.tls13_seen);
        assert_eq!(known(&findings, "192.0.2.11"), [Knowledge::Ceiling(TlsVersion::Tls12)]);
    }

    #[test]
    fn links_are_not_followed() {
        let dir = store(&[(
            "example.org/u/INBOX/#msgs/1.eml",
            message("192.0.2.10", "Kerio Connect 10", &using("TLSv1.2")),
        )]);
        let mail = dir.path().join("mail");
        let inbox = mail.join("example.org/u/INBOX");
        std::os::unix::fs::symlink(&inbox, mail.join("example.org/u/Linked")).unwrap();
        std::os::unix::fs::symlink(inbox.join("#msgs/1.eml"), inbox.join("#msgs/2.eml")).unwrap();
        assert_eq!(read(&dir, 100).messages_read, 1);
    }

    #[test]
    fn the_newest_come_first_and_the_budget_ends_it() {
        let text = |n: u8| message(&format!("192.0.2.{n}"), "Kerio Connect 10", &using("TLSv1.2"));
        let dir = store(&[
            ("a.example/u/INBOX/#msgs/1.eml", text(1)),
            ("a.example/u/INBOX/#msgs/2.eml", text(2)),
            ("a.example/v/INBOX/#msgs/3.eml", text(3)),
        ]);
        let old = std::time::SystemTime::now() - Duration::from_secs(9999);
        for name in ["u/INBOX/#msgs/1.eml", "v/INBOX/#msgs/3.eml"] {
            fs::File::options()
                .write(true)
                .open(dir.path().join("mail/a.example").join(name))
                .unwrap()
                .set_modified(old)
                .unwrap();
        }
        let findings = read(&dir, 1);
        assert_eq!((findings.messages_read, findings.ended_early), (1, true));
        assert_eq!(known(&findings, "192.0.2.2").len(), 1);
        let none = ReceivedBudget {
            messages: 9,
            time: Duration::ZERO,
        };
        let findings = read_received(dir.path(), &own(), none, Timestamp::now(), &AtomicBool::new(false)).unwrap();
        assert_eq!((findings.messages_read, findings.ended_early), (0, true));
    }

    #[test]
    fn a_store_that_is_not_there_is_an_error_and_an_unknown_host_name_a_warning() {
        let budget = ReceivedBudget {
            messages: 9,
            time: Duration::from_secs(9),
        };
        let cancel = AtomicBool::new(false);
        let missing = read_received(Path::new("/nonexistent"), &own(), budget, Timestamp::now(), &cancel);
        assert!(missing.unwrap_err().to_string().contains("/nonexistent/mail"));
        let dir = store(&[(
            "example.org/u/INBOX/#msgs/1.eml",
            message("192.0.2.10", "Kerio Connect 10", "ESMTP"),
        )]);
        let findings = read_received(dir.path(), &OwnHosts::default(), budget, Timestamp::now(), &cancel).unwrap();
        assert_eq!((findings.messages_used, findings.warnings.len()), (0, 1));
    }
}
