//! Evidence remembered between runs, as text: one JSON object a line, so that a torn or damaged line costs that line only.
//!
//! Pure: the caller reads and writes the file (0600, written beside and renamed). No secrets can be in it: a record holds
//! a host, a version, times, and bounded, safe text.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::evidence::{Evidence, Knowledge, Record, Source, add_evidence};
use super::host::{Host, PeerKey};
use crate::hostile::{safe_text, slice_at};
use crate::tls::{Direction, Service, TlsVersion};

/// Most records kept: the oldest go.
const RECORDS_MAX: usize = 50_000;
/// Most bad lines named.
const PROBLEMS_MAX: usize = 20;
/// Longest text of a record in characters.
const TEXT_MAX: usize = 300;
/// Most addresses of a name.
const ADDRESSES_MAX: usize = 32;
/// What a clock that was set back a little may be ahead.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// First line of the file.
const HEAD: &str = "{\"kerio_tls_evidence\":1}";

/// What is remembered, merged by the rules of the book.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EvidenceStore {
    records: Vec<Record>,
    /// Dated after "now": a clock was wrong, then or now. They would outweigh every probe to come, so they are not used. They are
    /// kept until their peer is measured again: it may be today's clock that is wrong.
    ahead: Vec<Record>,
    /// How many lines could not be used; they are not written again.
    damaged: usize,
}

/// What is remembered of one owner, while records are merged.
#[derive(Default)]
struct Remembered {
    authenticated: bool,
    seen: Option<Timestamp>,
    addresses: Vec<IpAddr>,
    evidence: Vec<Evidence>,
}

/// A line of the file. The names are the file's format: they do not change.
#[derive(Debug, Serialize, Deserialize)]
struct StoredLine {
    direction: String,
    service: String,
    host: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    addresses: Vec<IpAddr>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    authenticated: bool,
    source: String,
    knows: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    text: String,
    first: String,
    last: String,
    count: u64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    raw: String,
}

impl EvidenceStore {
    /// Most bytes read. A larger file must not be written anew: what is beyond would be lost.
    pub const BYTES_MAX: usize = 32 << 20;

    /// Reads the text back; bad lines are named, the others kept. Records dated after `now` are set aside, which is said.
    #[must_use]
    pub fn parse(text: &[u8], now: Timestamp) -> (Self, Vec<String>) {
        let mut store = Self::default();
        let mut problems = Vec::new();
        let mut bad = 0_usize;
        let used = slice_at(text, ..Self::BYTES_MAX.min(text.len()));
        let mut records = Vec::new();
        for (number, line) in (1_usize..).zip(used.split(|b| *b == b'\n')) {
            if line.trim_ascii().is_empty() || line.trim_ascii() == HEAD.as_bytes() {
                continue;
            }
            let record = serde_json::from_slice::<StoredLine>(line)
                .ok()
                .as_ref()
                .and_then(StoredLine::to_record);
            match record {
                Some(record) => records.push(record),
                None => {
                    bad += 1;
                    if bad <= PROBLEMS_MAX {
                        problems.push(format!("remembered evidence, line {number}: torn or damaged, not used"));
                    }
                }
            }
        }
        if bad > PROBLEMS_MAX {
            problems.push(format!(
                "remembered evidence: {} more damaged lines",
                bad - PROBLEMS_MAX
            ));
        }
        if used.len() < text.len() {
            problems.push("remembered evidence: larger than 32 MiB, the rest is not used".to_owned());
        }
        let latest = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
        let (ahead, records): (Vec<Record>, Vec<Record>) =
            records.into_iter().partition(|r| r.evidence.last_seen > latest);
        if let Some(newest) = ahead.iter().map(|r| r.evidence.last_seen).max() {
            let count = ahead.len();
            let (records, are) = if count == 1 {
                ("record", "is")
            } else {
                ("records", "are")
            };
            problems.push(format!(
                "remembered evidence: {count} {records} dated in the future ({newest}) {are} not used; is the clock right? Probe again"
            ));
        }
        store.remember(records);
        store.ahead = ahead;
        store.damaged = bad;
        (store, problems)
    }

    /// How many lines of what was read could not be used: written anew, they would be gone.
    #[must_use]
    pub const fn damaged(&self) -> usize {
        self.damaged
    }

    /// The text to write.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEAD}\n");
        for record in self.records.iter().chain(&self.ahead) {
            // Strings and numbers cannot fail to serialise; if one did, it would be forgotten, not written half.
            if let Ok(line) = serde_json::to_string(&StoredLine::of(record)) {
                text.push_str(&line);
                text.push('\n');
            }
        }
        text
    }

    /// Adds records: those of a peer that say the same become one, of refusals and silences the newest stays. Past 50,000
    /// records the ones seen longest ago go. Sorted by peer. What was set aside as dated in the future goes where the same source
    /// says something of that peer anew.
    pub fn remember(&mut self, new: impl IntoIterator<Item = Record>) {
        let new: Vec<Record> = new.into_iter().collect();
        if !self.ahead.is_empty() {
            let about = |r: &Record| (r.key.clone(), r.address, r.evidence.source);
            let measured: std::collections::BTreeSet<_> = new.iter().map(about).collect();
            self.ahead.retain(|old| !measured.contains(&about(old)));
        }
        let mut by_owner: BTreeMap<(PeerKey, Option<IpAddr>), Remembered> = BTreeMap::new();
        for record in std::mem::take(&mut self.records).into_iter().chain(new) {
            let mine = by_owner.entry((record.key, record.address)).or_default();
            mine.authenticated |= record.authenticated;
            // Where a name leads is known by who asked last.
            if mine.seen.is_none_or(|seen| seen <= record.evidence.last_seen) {
                (mine.seen, mine.addresses) = (Some(record.evidence.last_seen), record.addresses);
            }
            add_evidence(&mut mine.evidence, record.evidence);
        }
        for ((key, address), remembered) in by_owner {
            let (authenticated, addresses, records) =
                (remembered.authenticated, remembered.addresses, remembered.evidence);
            let owned = |evidence| Record {
                key: key.clone(),
                address,
                addresses: addresses.clone(),
                authenticated,
                evidence,
            };
            self.records.extend(records.into_iter().map(owned));
        }
        if self.records.len() > RECORDS_MAX {
            self.records.sort_by_key(|r| std::cmp::Reverse(r.evidence.last_seen));
            self.records.truncate(RECORDS_MAX);
            self.records
                .sort_by(|a, b| (&a.key, a.address).cmp(&(&b.key, b.address)));
        }
    }

    /// What is remembered, for the book.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }
}

impl StoredLine {
    fn of(record: &Record) -> Self {
        let (knows, version, text) = match &record.evidence.knowledge {
            Knowledge::Ceiling(v) => ("ceiling", Some(*v), ""),
            Knowledge::Agreed(v) => ("agreed", Some(*v), ""),
            Knowledge::CeilingInEffect(v) => ("ceiling-in-effect", Some(*v), ""),
            Knowledge::AtLeast(v) => ("at-least", Some(*v), ""),
            Knowledge::Plain => ("plain", None, ""),
            Knowledge::NoStartTls => ("no-starttls", None, ""),
            Knowledge::Refused(how) => ("refused", None, how.as_str()),
            Knowledge::NoAnswer(why) => ("no-answer", None, why.as_str()),
            Knowledge::Hint(text) => ("hint", None, text.as_str()),
        };
        Self {
            direction: record.key.direction.token().to_owned(),
            service: record.key.service.token().to_owned(),
            host: record.key.host_and_port(),
            address: record.address,
            addresses: record.addresses.clone(),
            authenticated: record.authenticated,
            source: record.evidence.source.token().to_owned(),
            knows: knows.to_owned(),
            version: version.map(|v| v.token().to_owned()),
            text: safe_text(text, TEXT_MAX),
            first: record.evidence.first_seen.to_string(),
            last: record.evidence.last_seen.to_string(),
            count: record.evidence.count,
            raw: safe_text(&record.evidence.raw, TEXT_MAX),
        }
    }

    fn to_record(&self) -> Option<Record> {
        let direction = Direction::ALL.into_iter().find(|d| d.token() == self.direction)?;
        let service = Service::from_token(&self.service)?;
        let (host, port) = Host::parse_with_port(&self.host)?;
        let version = self
            .version
            .as_deref()
            .map(|v| TlsVersion::from_token(v).ok_or(()))
            .transpose()
            .ok()?;
        let text = || safe_text(&self.text, TEXT_MAX);
        let knowledge = match (self.knows.as_str(), version) {
            ("ceiling", Some(v)) => Knowledge::Ceiling(v),
            ("agreed", Some(v)) => Knowledge::Agreed(v),
            ("ceiling-in-effect", Some(v)) => Knowledge::CeilingInEffect(v),
            ("at-least", Some(v)) => Knowledge::AtLeast(v),
            ("plain", None) => Knowledge::Plain,
            ("no-starttls", None) => Knowledge::NoStartTls,
            ("refused", None) => Knowledge::Refused(text()),
            ("no-answer", None) => Knowledge::NoAnswer(text()),
            ("hint", None) => Knowledge::Hint(text()),
            _ => return None,
        };
        let (first_seen, last_seen): (Timestamp, Timestamp) = (self.first.parse().ok()?, self.last.parse().ok()?);
        let evidence = Evidence {
            knowledge,
            source: Source::from_token(&self.source)?,
            first_seen: first_seen.min(last_seen),
            last_seen,
            count: self.count,
            raw: safe_text(&self.raw, TEXT_MAX),
        };
        let key = PeerKey {
            direction,
            service,
            host,
            port,
        };
        Some(Record {
            key,
            address: self.address,
            addresses: self.addresses.iter().take(ADDRESSES_MAX).copied().collect(),
            authenticated: self.authenticated,
            evidence,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// After everything that these tests remember.
    const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn any_record() -> impl Strategy<Value = Record> {
        let version = || prop::sample::select(TlsVersion::ALL.to_vec());
        let knowledge = prop_oneof![
            version().prop_map(Knowledge::Ceiling),
            version().prop_map(Knowledge::AtLeast),
            version().prop_map(Knowledge::Agreed),
            version().prop_map(Knowledge::CeilingInEffect),
            Just(Knowledge::Plain),
            Just(Knowledge::NoStartTls),
            "[a-z\\\\\"{]{0,20}".prop_map(Knowledge::Refused),
            "[a-z ]{0,20}".prop_map(Knowledge::NoAnswer),
            "[a-zé ]{0,20}".prop_map(Knowledge::Hint),
        ];
        let host = prop::sample::select(vec!["192.0.2.1", "192.0.2.2", "2001:db8::1", "mx.example.org"]);
        let port = prop::option::of(1_u16..3);
        let source = prop::sample::select(Source::ALL.to_vec());
        let times = (0_i64..50, 0_i64..50);
        (knowledge, host, port, source, times, any::<bool>(), "[ -~]{0,20}").prop_map(
            |(knowledge, host, port, source, (a, b), flag, raw)| {
                let time = |n: i64| Timestamp::from_second(1_790_000_000 + n).unwrap();
                Record {
                    key: PeerKey {
                        direction: if flag { Direction::Inbound } else { Direction::Outbound },
                        service: Service::Smtp,
                        host: Host::parse(host).unwrap(),
                        port,
                    },
                    address: flag.then(|| "192.0.2.7".parse().unwrap()),
                    addresses: if flag && a > 20 {
                        vec!["192.0.2.7".parse().unwrap(), "2001:db8::7".parse().unwrap()]
                    } else {
                        vec![]
                    },
                    authenticated: flag,
                    evidence: Evidence {
                        knowledge,
                        source,
                        first_seen: time(a.min(b)),
                        last_seen: time(a.max(b)),
                        count: 1,
                        raw,
                    },
                }
            },
        )
    }

    fn store(records: Vec<Record>) -> EvidenceStore {
        let mut store = EvidenceStore::default();
        store.remember(records);
        store
    }

    proptest! {
        #[test]
        fn what_is_remembered_reads_back_the_same(records in prop::collection::vec(any_record(), 0..30)) {
            let store = store(records);
            let (back, problems) = EvidenceStore::parse(store.to_text().as_bytes(), NOW);
            prop_assert_eq!(problems, Vec::<String>::new());
            prop_assert_eq!(back, store);
        }

        #[test]
        fn a_text_cut_anywhere_loses_its_last_line_at_most(records in prop::collection::vec(any_record(), 1..10), cut in 0_usize..4000) {
            let store = store(records);
            let text = store.to_text();
            let cut = cut.min(text.len());
            let (back, problems) = EvidenceStore::parse(&text.as_bytes()[..cut], NOW);
            let whole_lines = text.as_bytes()[..cut].iter().filter(|b| **b == b'\n').count().saturating_sub(1);
            prop_assert!(back.records().len() >= whole_lines && problems.len() <= 1);
            prop_assert!(back.records().iter().all(|r| store.records().contains(r)));
        }

        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = EvidenceStore::parse(&bytes, NOW);
        }
    }

    #[test]
    fn damaged_lines_are_named_and_the_others_kept() {
        let good = "{\"direction\":\"outbound\",\"service\":\"smtp\",\"host\":\"192.0.2.1\",\"source\":\"probe\",\"knows\":\"ceiling\",\
            \"version\":\"tls1.0\",\"first\":\"2026-10-01T00:00:00Z\",\"last\":\"2026-10-01T00:00:00Z\",\"count\":1}";
        let text = format!(
            "{HEAD}\n{good}\n{{\"direction\":\n{}\n\0\0\0\n",
            good.replace("tls1.0", "tls9")
        );
        let (store, problems) = EvidenceStore::parse(text.as_bytes(), NOW);
        assert_eq!(store.records().len(), 1);
        assert_eq!((problems.len(), store.damaged()), (3, 3));
        assert!(problems[0].contains("line 3"));
    }

    #[test]
    fn the_store_is_bounded_and_the_oldest_go() {
        let records = (0..RECORDS_MAX as i64 + 5).map(|n| {
            let seen = Timestamp::from_second(1_790_000_000 + n).unwrap();
            let host = Host::Address(std::net::Ipv4Addr::from(0x0a00_0000 + n as u32).into());
            Record {
                key: PeerKey {
                    direction: Direction::Outbound,
                    service: Service::Smtp,
                    host,
                    port: None,
                },
                address: None,
                addresses: Vec::new(),
                authenticated: false,
                evidence: Evidence {
                    knowledge: Knowledge::Plain,
                    source: Source::Probe,
                    first_seen: seen,
                    last_seen: seen,
                    count: 1,
                    raw: String::new(),
                },
            }
        });
        let store = store(records.collect());
        assert_eq!(store.records().len(), RECORDS_MAX);
        assert!(
            store
                .records()
                .iter()
                .all(|r| r.evidence.last_seen.as_second() >= 1_790_000_005)
        );
    }

    #[test]
    fn records_dated_in_the_future_are_set_aside_aloud_and_kept_until_the_peer_is_measured_again() {
        let probe = |host: &str, second: i64, version| {
            let seen = NOW + SignedDuration::from_secs(second);
            Record {
                key: PeerKey {
                    direction: Direction::Outbound,
                    service: Service::Smtp,
                    host: Host::parse(host).unwrap(),
                    port: None,
                },
                address: None,
                addresses: Vec::new(),
                authenticated: false,
                evidence: Evidence {
                    knowledge: Knowledge::Ceiling(version),
                    source: Source::Probe,
                    first_seen: seen,
                    last_seen: seen,
                    count: 1,
                    raw: String::new(),
                },
            }
        };
        let day = 86_400;
        let written = store(vec![
            probe("192.0.2.1", 3 * day, TlsVersion::Tls13),
            probe("192.0.2.2", 3 * day, TlsVersion::Tls13),
            probe("192.0.2.3", -day, TlsVersion::Tls12),
        ]);
        let (mut back, problems) = EvidenceStore::parse(written.to_text().as_bytes(), NOW);
        assert_eq!(back.records(), [probe("192.0.2.3", -day, TlsVersion::Tls12)]);
        assert_eq!(problems.len(), 1);
        assert!(
            problems[0].contains("2 records dated in the future (2027-01-18"),
            "{problems:?}"
        );
        // A new probe counts at once, and the one from the future is gone; the other one waits for its day.
        back.remember([probe("192.0.2.1", 0, TlsVersion::Tls10)]);
        let later = NOW + SignedDuration::from_secs(4 * day);
        let (back, problems) = EvidenceStore::parse(back.to_text().as_bytes(), later);
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(
            back.records(),
            [
                probe("192.0.2.1", 0, TlsVersion::Tls10),
                probe("192.0.2.2", 3 * day, TlsVersion::Tls13),
                probe("192.0.2.3", -day, TlsVersion::Tls12),
            ]
        );
    }
}
