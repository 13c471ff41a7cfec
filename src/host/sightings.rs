//! What the watch has seen, read back: a file that another, weaker user writes, and so read as any stranger's.

use std::collections::HashSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::files;
use crate::peers::{Evidence, Host, Knowledge, Logins, PeerKey, Record, Source};
use crate::tls::{Direction, Service, TlsVersion};
use crate::watch::{Kept, Row, RowKey};

/// The file in the directory of the watch.
pub const SEEN: &str = "seen.jsonl";
/// A lower version than the one agreed to since is done with after so many seconds: the other side was set anew.
const SETTLED: i64 = 7 * 86_400;

/// What the watch has seen, as far as it can be read.
#[derive(Debug, Clone, Default)]
pub struct Sightings {
    /// What was kept.
    pub kept: Kept,
    /// What could not be read, in words.
    pub warnings: Vec<String>,
    /// There is a watch's file.
    pub is_there: bool,
}

/// Beside the state directory, and never in it: systemd hands it over to the user of the watch, backups and all.
#[must_use]
pub fn watch_directory(state_dir: &Path) -> PathBuf {
    let mut name = state_dir.as_os_str().to_owned();
    name.push("-watch");
    name.into()
}

impl Sightings {
    /// Reads them.
    #[must_use]
    pub fn read(state_dir: &Path) -> Self {
        let path = watch_directory(state_dir).join(SEEN);
        let bytes = match files::read(&path, Kept::BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(fault) if fault.is_missing() => return Self::default(),
            Err(fault) => {
                return Self {
                    warnings: vec![format!("what the watch has seen could not be read: {fault}")],
                    ..Self::default()
                };
            }
        };
        let (kept, bad) = Kept::parse(&bytes);
        let mut warnings = Vec::new();
        if bad > 0 {
            warnings.push(format!(
                "the watch: {bad} lines of what it has seen are torn or damaged, not used"
            ));
        }
        Self {
            kept,
            warnings,
            is_there: true,
        }
    }

    /// What it shows of those we exchange mail with, and of how many programs at addresses that never logged in and
    /// sent no mail.
    /// `mail`: the addresses that the mail log has mail from.
    #[must_use]
    pub fn records(&self, logins: &Logins, mail: &HashSet<IpAddr>, now: Timestamp) -> (Vec<Record>, usize) {
        let mut strangers = 0;
        let mut records = Vec::new();
        for (key, row) in self.kept.rows.sorted() {
            // A clock that was wrong outweighs nobody.
            if row.last > now {
                continue;
            }
            if is_stranger(key, logins, mail) {
                strangers += 1;
                continue;
            }
            records.extend(records_of(key, row));
        }
        (records, strangers)
    }
}

/// Nobody has ever logged in from there or sent mail, as far as the logs know: crawlers, scanners, and clients that
/// were always refused.
#[must_use]
pub fn is_stranger(key: &RowKey, logins: &Logins, mail: &HashSet<IpAddr>) -> bool {
    let known = || !logins.users(key.address).is_empty() || mail.contains(&key.address);
    key.direction == Direction::Inbound && logins.since.is_some() && !known()
}

/// What a row shows of its peer.
fn records_of(key: &RowKey, row: &Row) -> Vec<Record> {
    let Some(service) = row.service else { return Vec::new() };
    // The logs know one SMTP, whatever the port, and no port of a client.
    let service = match (key.direction, service) {
        (Direction::Outbound, _) | (_, Service::Submission | Service::Smtps) => Service::Smtp,
        (Direction::Inbound, service) => service,
    };
    let mut shown: Vec<(Knowledge, Timestamp)> = Vec::new();
    match key.direction {
        Direction::Inbound => {
            let exact = row.max.filter(|_| row.hellos > row.fallbacks);
            let knowledge = match (exact, row.highest_negotiated()) {
                (Some(max), _) => Some(Knowledge::Ceiling(max)),
                (None, Some(agreed)) => Some(Knowledge::AtLeast(agreed)),
                (None, None) => None,
            };
            shown.extend(knowledge.map(|knowledge| (knowledge, row.last)));
        }
        Direction::Outbound => {
            let newest = row.agreed().next_back().map_or(i64::MIN, |(_, last)| last);
            for (version, last) in row.agreed() {
                let at = Timestamp::from_second(last).unwrap_or(row.last);
                let is_best = Some(version) == row.highest_negotiated();
                // What was agreed to long before a higher version was is an old state.
                if is_best || newest.saturating_sub(last) <= SETTLED {
                    shown.push((outbound(version, row), at));
                }
            }
            if let (Some(refusal), Some(at)) = (row.reason().filter(|why| why.by_server), row.last_refused) {
                shown.push((
                    Knowledge::Refused(format!("alert {} ({})", refusal.alert, refusal.token())),
                    at,
                ));
            }
        }
    }
    let record = |(knowledge, last): (Knowledge, Timestamp)| Record {
        key: PeerKey {
            direction: key.direction,
            service,
            host: Host::Address(key.address),
            port: None,
        },
        address: None,
        addresses: Vec::new(),
        authenticated: false,
        evidence: Evidence {
            knowledge,
            source: Source::Wire,
            first_seen: row.first.min(last),
            last_seen: last,
            count: u64::from(row.hellos),
            raw: words(key, row),
        },
    };
    shown.into_iter().map(record).collect()
}

/// A server that chose less than we offered has no more, unless it marks its answer with a higher one.
fn outbound(version: TlsVersion, row: &Row) -> Knowledge {
    match (row.mark, row.max) {
        (Some(mark), _) if mark > version => Knowledge::AtLeast(mark),
        (_, Some(max)) if version < max => Knowledge::Ceiling(version),
        _ => Knowledge::AtLeast(version),
    }
}

/// The row in one line, for who wants to know where it is from.
fn words(key: &RowKey, row: &Row) -> String {
    let word = |version: Option<TlsVersion>| version.map_or_else(|| "?".to_owned(), |version| version.to_string());
    let program = row.ja4.map_or_else(|| "not whole".to_owned(), |mark| mark.to_string());
    format!(
        "port {}, offers {}, agreed {}, {} hellos, {} refused, JA4 {program}",
        key.port,
        word(row.max),
        word(row.highest_negotiated()),
        row.hellos,
        row.refusals()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_795_874_400, 0);

    fn kept(line: &str) -> Sightings {
        let (kept, bad) = Kept::parse(line.as_bytes());
        assert_eq!((bad, kept.rows.len()), (0, 1), "{line}");
        Sightings {
            kept,
            ..Sightings::default()
        }
    }

    fn line(direction: &str, port: u16, max: &str, fallbacks: u32, negotiated: &str, mark: &str) -> String {
        format!(
            r#"{{"direction":"{direction}","port":{port},"address":"198.51.100.9","program":null,"ja4":null,"max":{max},"offers":null,"hellos":2,"fallbacks":{fallbacks},"negotiated":{negotiated},"answered":1,"unanswered":0,"refused":[],"mark":{mark},"first":1795860000,"last":1795870000,"last_refused":null,"recent":[]}}"#
        )
    }

    fn knows(line: &str) -> Vec<Knowledge> {
        let (records, _) = kept(line).records(&Logins::default(), &HashSet::new(), NOW);
        records.into_iter().map(|record| record.evidence.knowledge).collect()
    }

    #[test]
    fn a_client_has_what_its_hello_offers_and_a_second_try_shows_no_limit() {
        use Knowledge::{AtLeast, Ceiling};
        use TlsVersion::{Tls10, Tls12, Tls13};
        let agreed10 = "[[0,0],[1,1795870000],[0,0],[0,0],[0,0]]";
        let none = "[[0,0],[0,0],[0,0],[0,0],[0,0]]";
        assert_eq!(
            knows(&line("inbound", 993, "\"tls1.3\"", 0, agreed10, "null")),
            [Ceiling(Tls13)]
        );
        assert_eq!(
            knows(&line("inbound", 993, "\"tls1.0\"", 2, agreed10, "null")),
            [AtLeast(Tls10)]
        );
        assert_eq!(knows(&line("inbound", 993, "null", 0, none, "null")), []);
        let agreed12 = "[[0,0],[0,0],[0,0],[1,1795870000],[0,0]]";
        assert_eq!(
            knows(&line("outbound", 25, "\"tls1.3\"", 0, agreed12, "null")),
            [Ceiling(Tls12)]
        );
        assert_eq!(
            knows(&line("outbound", 25, "\"tls1.3\"", 0, agreed12, "\"tls1.3\"")),
            [AtLeast(Tls13)]
        );
        assert_eq!(
            knows(&line("outbound", 25, "\"tls1.2\"", 0, agreed12, "null")),
            [AtLeast(Tls12)]
        );
        // One that answers now so, now so, and one that was set anew weeks ago.
        let both = "[[0,0],[1,1795870000],[0,0],[1,1795870001],[0,0]]";
        assert_eq!(
            knows(&line("outbound", 25, "\"tls1.2\"", 0, both, "null")),
            [Ceiling(Tls10), AtLeast(Tls12)]
        );
        let old = "[[0,0],[1,1795000000],[0,0],[1,1795870001],[0,0]]";
        assert_eq!(
            knows(&line("outbound", 25, "\"tls1.2\"", 0, old, "null")),
            [AtLeast(Tls12)]
        );
    }

    #[test]
    fn whoever_never_logged_in_and_sent_no_mail_is_a_stranger_once_a_log_could_tell() {
        let none = "[[0,0],[0,0],[0,0],[0,0],[0,0]]";
        let seen = kept(&line("inbound", 993, "\"tls1.0\"", 0, none, "null"));
        let mail: HashSet<IpAddr> = HashSet::from([[198, 51, 100, 9].into()]);
        let dir = tempfile::tempdir().unwrap();
        let login = "[28/Nov/2026 13:00:05] IMAP: User anna@example.org authenticated  from IP address 192.0.2.9\n";
        std::fs::write(dir.path().join("audit.log"), login).unwrap();
        let window = crate::peers::Window {
            now: NOW,
            days: 30,
            zone: jiff::tz::TimeZone::UTC,
            zone_given: false,
        };
        let never = std::sync::atomic::AtomicBool::new(false);
        let logins = crate::peers::read_logins(&[dir.path().to_owned()], &window, &never);
        let strangers = |logins: &Logins, mail: &HashSet<IpAddr>| seen.records(logins, mail, NOW).1;
        assert_eq!(strangers(&Logins::default(), &HashSet::new()), 0, "no audit log tells");
        assert_eq!(strangers(&logins, &HashSet::new()), 1);
        assert_eq!(strangers(&logins, &mail), 0);
    }
}
