//! The versions of inbound peers, from the engine's own Received headers in stored mail. Only on request: it reads mail.
//!
//! Of each message at most the first 8 KiB are read, and of those only the topmost Received header is looked at ([`header`]);
//! subjects and bodies are never kept or shown. No symbolic link is followed ([`mod@folders`]).

mod folders;
mod header;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::evidence::{Evidence, Knowledge, Record, Source};
use super::host::{Host, OwnHosts, PeerKey};
use crate::hostile::{safe_path, safe_text};
use crate::tls::{Direction, Service, TlsVersion};
use folders::StoredMail;
use header::{Session, Spoke};

/// The engine's other sessions tell what it could do, as many days before and after: it is set up anew now and then.
const AROUND_DAYS: i64 = 7;
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
    #[error(
        "cannot list the stored mail in {}: {source}; nothing was read; check the store's path and your rights",
        safe_path(path)
    )]
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
    let mut stored = StoredMail::open(&mail, &over).map_err(|fault| ReceivedError::Store {
        path: mail.clone(),
        source: fault.into(),
    })?;
    let mut seen = Seen::default();
    let newest = stored.newest(budget.messages, &over);
    findings.ended_early = stored.ended_early;
    if stored.unreadable > 0 {
        let words = format!("stored mail: {} could not be listed", folders(stored.unreadable));
        findings.warnings.push(words);
    }
    for message in newest {
        if over() {
            findings.ended_early = true;
            break;
        }
        let Some(head) = stored.head(&message) else { continue };
        findings.messages_read += 1;
        if let Some(session) = header::read(&head, own) {
            findings.messages_used += 1;
            // A date after now is a wrong clock; the file's own time stands in.
            let date = session.date.filter(|date| *date <= now);
            let date = date
                .or_else(|| Timestamp::from_second(message.modified).ok())
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
    /// The highest version from TLS 1.2 on that each engine spoke with anybody, by day.
    engines: HashMap<String, BTreeMap<i64, TlsVersion>>,
}

impl Seen {
    fn add(&mut self, session: Session, date: Timestamp) {
        if let (Some(engine), Spoke::Version(version @ (TlsVersion::Tls12 | TlsVersion::Tls13))) =
            (&session.engine, session.spoke)
        {
            let days = self.engines.entry(engine.clone()).or_default();
            let highest = days.entry(day(date)).or_insert(version);
            *highest = version.max(*highest);
        }
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

    /// A version in a header is what both sides had. It is the *peer's* limit only if the same version of the engine also recorded a higher
    /// one (TLS 1.2 or up) with somebody else at about that time; otherwise it is what the peer has at least.
    fn into_records(self) -> Vec<Record> {
        let Self { sessions, engines } = self;
        let records = sessions.into_iter().map(|(key, tally)| {
            let days = key.engine.as_ref().and_then(|engine| engines.get(engine));
            let then = day(tally.last);
            let around = |days: &BTreeMap<i64, TlsVersion>| {
                let near = days.range(then - AROUND_DAYS..=then + AROUND_DAYS);
                near.map(|(_, version)| *version).max()
            };
            let engine_highest = days.and_then(around);
            let knowledge = match key.spoke {
                Spoke::Plain => Knowledge::Plain,
                Spoke::SomeTls => Knowledge::AtLeast(TlsVersion::Ssl3),
                Spoke::Version(v) if v == TlsVersion::Tls13 => Knowledge::Ceiling(v),
                Spoke::Version(v) if engine_highest.is_some_and(|high| high > v) => Knowledge::Ceiling(v),
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

fn folders(count: usize) -> String {
    if count == 1 {
        "1 folder".to_owned()
    } else {
        format!("{count} folders")
    }
}

/// Days since 1970.
fn day(time: Timestamp) -> i64 {
    time.as_second().div_euclid(86_400)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};

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
    fn what_the_engine_spoke_weeks_before_does_not_make_a_version_the_peers_limit() {
        let engine = "Kerio Connect 10.0.2";
        let at = |client: &str, version: &str, date: &str| {
            message(client, engine, &using(version)).replace("Thu, 25 Aug 2022 15:31:37 +0200", date)
        };
        let low = at("192.0.2.11", "TLSv1", "Thu, 25 Aug 2022 15:31:37 +0200");
        for (date, expected) in [
            ("Fri, 19 Aug 2022 15:31:37 +0200", Knowledge::Ceiling(TlsVersion::Tls10)),
            ("Tue, 30 Aug 2022 15:31:37 +0200", Knowledge::Ceiling(TlsVersion::Tls10)),
            ("Mon, 1 Aug 2022 15:31:37 +0200", Knowledge::AtLeast(TlsVersion::Tls10)),
            ("Mon, 26 Sep 2022 15:31:37 +0200", Knowledge::AtLeast(TlsVersion::Tls10)),
        ] {
            let dir = store(&[
                ("example.org/u/INBOX/#msgs/1.eml", low.clone()),
                ("example.org/u/INBOX/#msgs/2.eml", at("192.0.2.10", "TLSv1.2", date)),
            ]);
            assert_eq!(known(&read(&dir, 100), "192.0.2.11"), [expected], "{date}");
        }
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
    fn links_are_not_followed_and_pipes_not_waited_for() {
        let dir = store(&[(
            "example.org/u/INBOX/#msgs/1.eml",
            message("192.0.2.10", "Kerio Connect 10", &using("TLSv1.2")),
        )]);
        let mail = dir.path().join("mail");
        let inbox = mail.join("example.org/u/INBOX");
        std::os::unix::fs::symlink(&inbox, mail.join("example.org/u/Linked")).unwrap();
        std::os::unix::fs::symlink(inbox.join("#msgs/1.eml"), inbox.join("#msgs/2.eml")).unwrap();
        fs::create_dir(mail.join("example.org/u/Other")).unwrap();
        std::os::unix::fs::symlink(inbox.join("#msgs"), mail.join("example.org/u/Other/#msgs")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            inbox.join("#msgs/3.eml"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
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
            File::options()
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
