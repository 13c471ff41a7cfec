//! The peers file: what the user knows of printers, scanners and partners, one a line.
//!
//! `direction,service,host[:port],max-version or -,date,note`, `#` comments, UTF-8. Versions are spelt as in the JSON, and
//! `none` for a peer that offers no TLS. The note takes the rest, commas and all. A bad line is named and the others kept.

use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::conclude::weigh;
use super::evidence::{Evidence, Knowledge, Source};
use super::host::{Host, PeerKey};
use super::peer::Peer;
use crate::files;
use crate::hostile::{safe_path, safe_text, slice_at};
use crate::tls::{Direction, Service, TlsVersion};

/// Most bytes read.
const BYTES_MAX: usize = 1 << 20;
/// Most lines read.
const LINES_MAX: usize = 10_000;
/// Most bad lines named; the others are counted.
const PROBLEMS_MAX: usize = 50;
/// Longest note in characters.
const NOTE_MAX: usize = 200;

/// Why the peers file could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum PeersFileError {
    /// The system refused.
    #[error(
        "cannot read the peers file {}: {source}; nothing of it is used and it is unchanged; check its path and mode",
        safe_path(path)
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Root does not believe a file that somebody else could have written.
    #[error("the peers file {} is ignored: {why}", safe_path(path))]
    Ignored {
        /// The file.
        path: PathBuf,
        /// Who could have written it.
        why: String,
    },
}

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeersFileEntry {
    /// Who.
    pub key: PeerKey,
    /// Its highest version, or no TLS.
    pub says: Option<ListedVersion>,
    /// The day on which that was known, here.
    pub date: Date,
    /// The first moment of that day, so that a probe of the same day is newer.
    pub since: Timestamp,
    /// The user's note, safe to show; may be empty.
    pub note: String,
}

/// The fourth field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListedVersion {
    /// The highest version.
    Highest(TlsVersion),
    /// `none`: it offers no TLS.
    NoTls,
}

/// The whole file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeersFile {
    /// The good lines, in their order.
    pub entries: Vec<PeersFileEntry>,
    /// The bad ones in words, each with its number.
    pub problems: Vec<String>,
}

impl fmt::Display for PeersFileEntry {
    /// One line of the file, without its line feed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let says = match self.says {
            None => "-",
            Some(ListedVersion::NoTls) => "none",
            Some(ListedVersion::Highest(version)) => version.token(),
        };
        let (direction, service, host) = (self.key.direction.token(), self.key.service, self.key.host_and_port());
        write!(
            f,
            "{direction},{service},{host},{says},{},{}",
            self.date,
            safe_text(self.note.trim(), NOTE_MAX)
        )
    }
}

impl PeersFileEntry {
    /// Reads one line.
    /// # Errors
    /// What is wrong with it, in words; foreign text in them is bounded and safe to show.
    pub fn parse(line: &str, now: Timestamp, zone: &TimeZone) -> Result<Self, String> {
        let bad = |what: &str, text: &str| format!("{what} \"{}\"", safe_text(text.trim(), 40));
        let mut fields = line.splitn(6, ',').map(str::trim);
        let mut next = |what: &str| fields.next().ok_or_else(|| format!("{what} is missing"));
        let direction = next("the direction")?;
        let direction = Direction::ALL
            .into_iter()
            .find(|d| d.token().eq_ignore_ascii_case(direction))
            .ok_or_else(|| bad("neither inbound nor outbound:", direction))?;
        let service = next("the service")?;
        let service = Service::from_token(service).ok_or_else(|| bad("not a known service:", service))?;
        let host = next("the host")?;
        let (host, port) = Host::parse_with_port(host).ok_or_else(|| bad("not a host or host:port:", host))?;
        let says = next("the highest version (or -)")?;
        let says = match says {
            "-" => None,
            none if none.eq_ignore_ascii_case("none") => Some(ListedVersion::NoTls),
            version => Some(ListedVersion::Highest(
                TlsVersion::from_token(version)
                    .ok_or_else(|| bad("not a version (tls1.0 … tls1.3, ssl3, none, -):", version))?,
            )),
        };
        let date = next("the date")?;
        let date: Date = strict_date(date).ok_or_else(|| bad("not a date like 2026-10-02:", date))?;
        // A record from the future would outweigh every probe to come.
        let since = first_moment(date, zone);
        if since > now + SignedDuration::from_hours(24) {
            return Err(bad("the date lies in the future:", &date.to_string()));
        }
        let note = safe_text(fields.next().unwrap_or_default(), NOTE_MAX);
        let port = port.filter(|port| *port != service.port());
        Ok(Self {
            key: PeerKey {
                direction,
                service,
                host,
                port,
            },
            says,
            date,
            since,
            note,
        })
    }

    /// The peer that this line is, with its one record.
    #[must_use]
    pub fn to_peer(&self) -> Peer {
        let seen = self.since;
        let knowledge = match self.says {
            None => Knowledge::Hint("listed in the peers file without a version".to_owned()),
            Some(ListedVersion::NoTls) => Knowledge::NoStartTls,
            Some(ListedVersion::Highest(version)) => Knowledge::Ceiling(version),
        };
        let record = Evidence {
            knowledge,
            source: Source::PeersFile,
            first_seen: seen,
            last_seen: seen,
            count: 1,
            raw: self.to_string(),
        };
        Peer {
            key: self.key.clone(),
            names: Vec::new(),
            messages: 0,
            delayed: 0,
            failed: 0,
            authenticated: false,
            evidence: vec![record],
            note: Some(self.note.clone()).filter(|note| !note.is_empty()),
        }
    }

    /// A peer of which there is no record, as a line to export: mail to it was only delayed or failed.
    #[must_use]
    pub fn unknown(peer: &Peer, now: Timestamp, zone: &TimeZone) -> Self {
        let date = zone.to_datetime(now).date();
        Self {
            key: peer.key.clone(),
            says: None,
            date,
            since: first_moment(date, zone),
            note: peer.note.clone().unwrap_or_else(|| peer.names.join(" ")),
        }
    }

    /// What is known of a peer, as a line to export: its highest version where that is a ceiling, the day it was seen, the note.
    /// `None` for a peer of which there is no record.
    #[must_use]
    pub fn from_peer(peer: &Peer, zone: &TimeZone) -> Option<Self> {
        let decisive = weigh(&peer.evidence).decisive;
        let says = match decisive.map(|e| &e.knowledge) {
            Some(Knowledge::Ceiling(version) | Knowledge::Agreed(version) | Knowledge::CeilingInEffect(version)) => {
                Some(ListedVersion::Highest(*version))
            }
            Some(Knowledge::Plain | Knowledge::NoStartTls) => Some(ListedVersion::NoTls),
            // "At least" is not a highest version, but for the highest there is.
            Some(Knowledge::AtLeast(TlsVersion::Tls13)) => Some(ListedVersion::Highest(TlsVersion::Tls13)),
            _ => None,
        };
        let seen = decisive.map(|e| e.last_seen);
        let seen = seen.or_else(|| peer.evidence.iter().map(|e| e.last_seen).max())?;
        let date = zone.to_datetime(seen).date();
        let note = peer.note.clone().unwrap_or_else(|| peer.names.join(" "));
        Some(Self {
            key: peer.key.clone(),
            says,
            date,
            since: first_moment(date, zone),
            note,
        })
    }
}

impl PeersFile {
    /// Reads the bytes of a file. Never fails: what is bad is named.
    #[must_use]
    pub fn parse(bytes: &[u8], now: Timestamp, zone: &TimeZone) -> Self {
        let mut file = Self::default();
        let mut unnamed = 0_usize;
        let mut problem = |problems: &mut Vec<String>, number: usize, why: &str| {
            if problems.len() < PROBLEMS_MAX {
                problems.push(format!("peers file, line {number}: {why}"));
            } else {
                unnamed += 1;
            }
        };
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        let cut = bytes.len() > BYTES_MAX;
        let text = slice_at(bytes, ..BYTES_MAX.min(bytes.len()));
        // The line that the limit cuts in two is not used.
        let text = if cut {
            text.get(..memchr::memrchr(b'\n', text).unwrap_or(0))
                .unwrap_or_default()
        } else {
            text
        };
        for (number, line) in (1..).zip(text.split(|b| *b == b'\n')) {
            if number > LINES_MAX {
                problem(
                    &mut file.problems,
                    number,
                    "more than 10,000 lines; this one and what follows is not used",
                );
                break;
            }
            let Ok(line) = std::str::from_utf8(line) else {
                problem(&mut file.problems, number, "not UTF-8");
                continue;
            };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match PeersFileEntry::parse(line, now, zone) {
                Ok(entry) => file.entries.push(entry),
                Err(why) => problem(&mut file.problems, number, &why),
            }
        }
        if unnamed > 0 {
            file.problems.push(format!("peers file: {unnamed} more bad lines"));
        }
        if cut {
            file.problems
                .push("peers file: larger than 1 MiB; the rest is not used".to_owned());
        }
        file
    }

    /// Reads a file, at most what is used of it. As root it is judged by the handle that is read: who could have written it.
    /// # Errors
    /// [`PeersFileError`]; a file that is not there is [`PeersFileError::Read`].
    pub fn read(path: &Path, now: Timestamp, zone: &TimeZone) -> Result<Self, PeersFileError> {
        let fail = |source| PeersFileError::Read {
            path: path.to_owned(),
            source,
        };
        let opened = files::open(path).map_err(|fault| fail(fault.into()))?;
        if let Some(why) = opened.changeable().filter(|_| rustix::process::geteuid().is_root()) {
            let (path, why) = (path.to_owned(), why.to_owned());
            return Err(PeersFileError::Ignored { path, why });
        }
        let mut bytes = Vec::new();
        let file = opened.into_file();
        file.take(BYTES_MAX as u64 + 4).read_to_end(&mut bytes).map_err(fail)?;
        Ok(Self::parse(&bytes, now, zone))
    }

    /// A whole file for these entries, with the format explained at its head.
    #[must_use]
    pub fn write<'a>(entries: impl IntoIterator<Item = &'a PeersFileEntry>) -> String {
        let mut text = "# direction,service,host[:port],max-version or -,date,note\n\
            # versions: ssl3 tls1.0 tls1.1 tls1.2 tls1.3, none = offers no TLS, - = not known\n"
            .to_owned();
        for entry in entries {
            text.push_str(&entry.to_string());
            text.push('\n');
        }
        text
    }
}

/// `2026-10-02` and nothing shorter or longer.
fn strict_date(text: &str) -> Option<Date> {
    let date: Date = text.parse().ok()?;
    (date.to_string() == text).then_some(date)
}

/// The first moment of a day in a zone: midnight, or what comes next where a clock change leaves that out.
fn first_moment(date: Date, zone: &TimeZone) -> Timestamp {
    let midnight = date.to_datetime(jiff::civil::Time::midnight());
    let moment = zone.to_ambiguous_timestamp(midnight).compatible();
    moment.unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn now() -> Timestamp {
        "2026-10-05T12:00:00Z".parse().unwrap()
    }

    fn parse(text: &str) -> PeersFile {
        PeersFile::parse(text.as_bytes(), now(), &TimeZone::UTC)
    }

    #[test]
    fn a_good_line_is_read_with_commas_in_its_note() {
        let file = parse("outbound,smtp,mx.partner.example,tls1.0,2026-10-02,their fax gateway, 2nd floor\n");
        assert_eq!(file.problems, Vec::<String>::new());
        let entry = &file.entries[0];
        assert_eq!(entry.key.host, Host::Name("mx.partner.example".into()));
        assert_eq!(
            (entry.says, entry.note.as_str()),
            (
                Some(ListedVersion::Highest(TlsVersion::Tls10)),
                "their fax gateway, 2nd floor"
            )
        );
        let peer = entry.to_peer();
        assert_eq!(peer.evidence[0].knowledge, Knowledge::Ceiling(TlsVersion::Tls10));
        assert_eq!(peer.evidence[0].last_seen.to_string(), "2026-10-02T00:00:00Z");
    }

    #[test]
    fn addresses_ports_none_and_dash_are_read_and_written_back() {
        for line in [
            "inbound,submission,192.0.2.9,tls1.1,2026-10-01,scanner",
            "inbound,smtp,[2001:db8::9]:2525,none,2026-10-01,",
            "outbound,smtp,2001:db8::9,-,2026-10-01,x",
            "outbound,smtps,mx.example.org:4650,ssl3,2026-10-01,x",
        ] {
            let file = parse(line);
            assert_eq!(file.problems, Vec::<String>::new());
            assert_eq!(file.entries[0].to_string(), line);
        }
        assert_eq!(
            parse("outbound,smtp,mx.example.org:25,-,2026-10-01").entries[0]
                .key
                .port,
            None
        );
        assert_eq!(
            parse("inbound,smtp,192.0.2.9,none,2026-10-01").entries[0]
                .to_peer()
                .evidence[0]
                .knowledge,
            Knowledge::NoStartTls
        );
    }

    #[test]
    fn a_date_is_the_first_moment_of_the_day_here_and_an_export_has_the_day_here() {
        for (zone, moment) in [
            ("America/Los_Angeles", "2026-10-02T07:00:00Z"),
            ("Asia/Tokyo", "2026-10-01T15:00:00Z"),
        ] {
            let zone = TimeZone::get(zone).unwrap();
            let entry =
                PeersFileEntry::parse("outbound,smtp,mx.example.org,tls1.0,2026-10-02,x", now(), &zone).unwrap();
            assert_eq!(entry.to_peer().evidence[0].last_seen.to_string(), moment);
            assert_eq!(PeersFileEntry::from_peer(&entry.to_peer(), &zone), Some(entry));
        }
    }

    #[test]
    fn bad_lines_are_named_by_number_and_reason_and_the_others_are_kept() {
        let file = parse(
            "# comment\r\n\
             sideways,smtp,mx.example.org,tls1.0,2026-10-02,\r\n\
             outbound,fax,mx.example.org,tls1.0,2026-10-02,\r\n\
             outbound,smtp,a b,tls1.0,2026-10-02,\r\n\
             outbound,smtp,mx.example.org,tls9,2026-10-02,\r\n\
             outbound,smtp,mx.example.org,tls1.0,2.10.2026,\r\n\
             outbound,smtp,mx.example.org,tls1.0,2027-10-02,\r\n\
             outbound,smtp,mx.example.org\r\n\
             outbound,smtp,\x1b[2J,tls1.0,2026-10-02,\r\n\
             outbound,smtp,mx.example.org,tls1.0,2026-10-02,kept\r\n",
        );
        assert_eq!(file.entries.len(), 1);
        assert_eq!(file.problems.len(), 8, "{:?}", file.problems);
        for (problem, (line, words)) in file.problems.iter().zip([
            (2, "neither inbound nor outbound"),
            (3, "not a known service"),
            (4, "not a host"),
            (5, "not a version"),
            (6, "not a date"),
            (7, "in the future"),
            (8, "the highest version (or -) is missing"),
            (9, "\\x1b[2J"),
        ]) {
            assert!(
                problem.contains(&format!("line {line}: ")) && problem.contains(words),
                "{problem}"
            );
        }
    }

    #[test]
    fn a_file_over_its_limits_is_used_up_to_them_and_says_so() {
        let line = "outbound,smtp,mx.example.org,tls1.0,2026-10-02,x\n";
        let many = parse(&line.repeat(10_001));
        assert_eq!(many.entries.len(), 10_000);
        assert!(
            many.problems[0].contains("line 10001") && many.problems.len() == 1,
            "{:?}",
            many.problems
        );
        let long = format!("{line}# {}\n{line}", "x".repeat(BYTES_MAX));
        let long = parse(&long);
        assert_eq!((long.entries.len(), long.problems.len()), (1, 1));
        assert_eq!(parse(&"bad\n".repeat(200)).problems.len(), PROBLEMS_MAX + 1);
    }

    proptest! {
        #[test]
        fn any_note_is_written_as_one_line_that_reads_back(note in "\\PC{0,60}|.{0,60}") {
            let mut entry = parse("outbound,smtp,mx.example.org,tls1.0,2026-10-02,").entries.remove(0);
            entry.note = note;
            let text = PeersFile::write([&entry]);
            let back = PeersFile::parse(text.as_bytes(), now(), &TimeZone::UTC);
            prop_assert_eq!(back.problems, Vec::<String>::new());
            prop_assert_eq!(back.entries.len(), 1);
        }

        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = PeersFile::parse(&bytes, now(), &TimeZone::UTC);
        }
    }
}
