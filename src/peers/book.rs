//! All evidence together: one entry a peer, the same whatever order it came in.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;

use super::conclude::{Range, weigh};
use super::evidence::{Evidence, Knowledge, Record, Source, add_evidence};
use super::host::{Host, OwnHosts, PeerKey};
use super::log::{LogFindings, Logins};
use super::peer::{Peer, Route};
use super::peers_file::PeersFile;
use crate::hostile::safe_text;
use crate::tls::{Direction, TlsVersion};

/// Most names kept of a peer.
const NAMES_MAX: usize = 8;
/// Most characters of what is said of a name's addresses.
const HINT_MAX: usize = 300;

/// Everybody, and what the readers had to say.
#[derive(Debug, Clone, Default)]
pub struct PeerBook {
    /// Sorted by key, one entry a key.
    pub peers: Vec<Peer>,
    /// What could not be read or used, in words.
    pub warnings: Vec<String>,
    /// Days back from "now" that were counted: those that were asked for, or as many as the mail logs go back.
    pub window_days: u32,
    /// The newest line of the mail logs; `None`: no log was read.
    pub logs_to: Option<Timestamp>,
    /// Which peers took each recipient domain's mail, sorted by domain.
    pub routes: Vec<Route>,
}

/// What a book is made from.
#[derive(Debug, Clone, Copy, Default)]
pub struct BookSources<'a> {
    /// The mail log.
    pub logs: Option<&'a LogFindings>,
    /// The user's own file.
    pub peers_file: Option<&'a PeersFile>,
    /// Probes, Received headers, and what is remembered of both.
    pub records: &'a [Record],
    /// Who logged in from where.
    pub logins: Option<&'a Logins>,
    /// This server itself, which is no peer, whoever names it. Loopback and the unspecified address never are.
    pub own: Option<&'a OwnHosts>,
    /// Days back that the log was to be counted.
    pub window_days: u32,
}

/// Most lines of the peers file about this server itself that are named.
const OWN_NAMED: usize = 5;

/// Makes the book. A name and an address are one peer only where a record ties them; then the address is the key, the name is
/// among its names, and what is known of the name holds for the address. A name of several addresses stays a peer beside them.
#[must_use]
pub fn make_book(sources: &BookSources<'_>) -> PeerBook {
    let mut peers: BTreeMap<PeerKey, Peer> = BTreeMap::new();
    let mut warnings = Vec::new();
    let mut routes = Vec::new();
    let nobody = OwnHosts::default();
    let own = sources.own.unwrap_or(&nobody);
    if let Some(logs) = sources.logs {
        logs.peers().into_iter().for_each(|peer| join(&mut peers, peer));
        routes = logs.routes();
        warnings.extend(logs.warnings());
    }
    if let Some(file) = sources.peers_file {
        let (ours, theirs): (Vec<_>, Vec<_>) = file.entries.iter().partition(|entry| own.has(&entry.key.host));
        theirs.iter().for_each(|entry| join(&mut peers, entry.to_peer()));
        warnings.extend(file.problems.iter().cloned());
        warnings.extend(ours.iter().take(OWN_NAMED).map(|entry| {
            format!(
                "peers file: not used, because this server itself is no peer: {}",
                safe_text(entry.to_string(), 80)
            )
        }));
        if ours.len() > OWN_NAMED {
            let more = ours.len() - OWN_NAMED;
            warnings.push(format!("peers file: {more} more lines name this server itself"));
        }
    }
    let is_own = |record: &&Record| {
        own.has(&record.key.host) || record.address.is_some_and(|address| own.has(&Host::Address(address)))
    };
    let mut names: BTreeMap<PeerKey, Named<'_>> = BTreeMap::new();
    for record in sources.records.iter().filter(|record| !is_own(record)) {
        let address = record.address.filter(|_| matches!(record.key.host, Host::Name(_)));
        let Some(address) = address.map(|address| address.to_canonical()) else {
            join(&mut peers, peer_of(record.key.clone(), record));
            continue;
        };
        names.entry(record.key.clone()).or_default().add(address, record);
    }
    for (name, named) in names {
        match named.addresses.as_slice() {
            [] | [_] => tie(&name, &named, &mut peers, &mut routes),
            addresses => conclude_name(&name, addresses, &named, &mut peers),
        }
    }
    for peer in peers
        .values_mut()
        .filter(|peer| peer.key.direction == Direction::Inbound)
    {
        if let (Host::Address(address), Some(logins)) = (&peer.key.host, sources.logins) {
            let users = logins.users(*address);
            peer.authenticated |= !users.is_empty();
            let new = users
                .iter()
                .filter(|user| !peer.names.contains(user))
                .cloned()
                .collect::<Vec<_>>();
            peer.names.extend(new);
            peer.names.truncate(NAMES_MAX);
        }
    }
    PeerBook {
        peers: peers.into_values().collect(),
        warnings,
        window_days: sources
            .logs
            .map_or(sources.window_days, |logs| logs.days_covered(sources.window_days)),
        logs_to: sources.logs.and_then(LogFindings::newest),
        routes,
    }
}

/// What was asked under a name.
#[derive(Default)]
struct Named<'a> {
    asked: BTreeMap<IpAddr, Vec<&'a Record>>,
    /// Every address that the name had when it was last asked, sorted; empty: one, as far as is known.
    addresses: Vec<IpAddr>,
    seen: Option<Timestamp>,
}

impl<'a> Named<'a> {
    fn add(&mut self, address: IpAddr, record: &'a Record) {
        self.asked.entry(address).or_default().push(record);
        if self.seen.is_none_or(|seen| seen <= record.evidence.last_seen) {
            self.seen = Some(record.evidence.last_seen);
            self.addresses = record.addresses.iter().map(IpAddr::to_canonical).collect();
            self.addresses.sort_unstable();
            self.addresses.dedup();
        }
    }
}

/// One peer of a record.
fn peer_of(key: PeerKey, record: &Record) -> Peer {
    let mut peer = Peer::new(key);
    peer.authenticated = record.authenticated;
    peer.evidence.push(record.evidence.clone());
    peer
}

fn at(name: &PeerKey, address: IpAddr) -> PeerKey {
    PeerKey {
        host: Host::Address(address),
        ..name.clone()
    }
}

/// A name of one address, as far as is known: the address is the peer, and the name is among its names. Where it answered under several,
/// each is.
fn tie(name: &PeerKey, named: &Named<'_>, peers: &mut BTreeMap<PeerKey, Peer>, routes: &mut [Route]) {
    let addresses: Vec<PeerKey> = named.asked.keys().map(|address| at(name, *address)).collect();
    for (key, record) in addresses
        .iter()
        .zip(named.asked.values())
        .flat_map(|(key, all)| all.iter().map(move |r| (key, r)))
    {
        join(peers, peer_of(key.clone(), record));
    }
    let known = peers.remove(name);
    for address in &addresses {
        let mut copy = known.clone().unwrap_or_else(|| Peer::new(name.clone()));
        // Mail that the log counts by name went to one of several addresses: which, is not known.
        if addresses.len() > 1 {
            (copy.messages, copy.delayed, copy.failed) = (0, 0, 0);
        }
        copy.names.insert(0, name.host.to_string());
        copy.key = address.clone();
        join(peers, copy);
    }
    let mail = |peer: &Peer| peer.messages + peer.delayed + peer.failed > 0;
    if let Some(known) = known.filter(|peer| addresses.len() > 1 && mail(peer)) {
        // Its amounts belong to nobody else: it stays, beside the addresses.
        peers.insert(name.clone(), known);
        return;
    }
    for route in routes {
        if let Ok(at) = route.peers.binary_search(name) {
            route.peers.remove(at);
            route.peers.extend(addresses.iter().cloned());
            route.peers.sort_unstable();
            route.peers.dedup();
        }
    }
}

/// A name of several addresses stays a peer of its own: mail to it may go to any of them. What is known of the worst of them counts for it,
/// once something is known of each; until then nothing is said of it.
fn conclude_name(name: &PeerKey, addresses: &[IpAddr], named: &Named<'_>, peers: &mut BTreeMap<PeerKey, Peer>) {
    let mut parts: Vec<(IpAddr, Peer)> = Vec::new();
    for address in addresses {
        let key = at(name, *address);
        let listed = peers.get_mut(&key);
        let mut part = listed.as_deref().cloned().unwrap_or_else(|| Peer::new(key.clone()));
        for record in named.asked.get(address).into_iter().flatten() {
            absorb(&mut part, peer_of(key.clone(), record));
        }
        // One that the log knows, too, is a peer of its own beside the name.
        if let Some(listed) = listed {
            *listed = part.clone();
            listed.names.insert(0, name.host.to_string());
            listed.names.truncate(NAMES_MAX);
        }
        parts.push((*address, part));
    }
    let found = |part: &Peer| {
        weigh(&part.evidence)
            .decisive
            .and_then(|e| Some((e.clone(), Range::of(&e.knowledge)?)))
    };
    let asked = parts
        .iter()
        .filter(|(_, part)| found(part).is_some_and(|(_, range)| range.is_known()))
        .count();
    let words = parts
        .iter()
        .map(|(address, part)| match found(part).map(|(_, range)| range.highest()) {
            Some(Some(version)) => format!("{address} {version}"),
            Some(None) => format!("{address} no TLS"),
            None => format!("{address} not known"),
        });
    let all = format!(
        "{asked} of {} addresses asked: {}",
        parts.len(),
        words.collect::<Vec<_>>().join(", ")
    );
    let mine = peers.entry(name.clone()).or_insert_with(|| Peer::new(name.clone()));
    mine.authenticated |= named.asked.values().flatten().any(|record| record.authenticated);
    let seen = named.seen.unwrap_or_default();
    let hint = Evidence {
        knowledge: Knowledge::Hint(safe_text(&all, HINT_MAX)),
        source: Source::Probe,
        first_seen: seen,
        last_seen: seen,
        count: 1,
        raw: String::new(),
    };
    add_evidence(&mut mine.evidence, hint);
    if asked < parts.len() {
        return;
    }
    // The lowest version; in clear only where that is none that a minimum could cut off.
    let rank = |part: &Peer| {
        let highest = found(part).and_then(|(_, range)| range.highest());
        (highest.is_none_or(|version| version >= TlsVersion::Tls12), highest)
    };
    if let Some((address, worst)) = parts.iter().min_by_key(|(_, part)| rank(part)) {
        for record in &worst.evidence {
            let raw = safe_text(format!("{address}: {}", record.raw), HINT_MAX);
            let record = Evidence { raw, ..record.clone() };
            add_evidence(&mut mine.evidence, record);
        }
    }
}

fn join(peers: &mut BTreeMap<PeerKey, Peer>, peer: Peer) {
    let Some(mine) = peers.get_mut(&peer.key) else {
        let mut first = Peer::new(peer.key.clone());
        absorb(&mut first, peer);
        peers.insert(first.key.clone(), first);
        return;
    };
    absorb(mine, peer);
}

fn absorb(mine: &mut Peer, other: Peer) {
    for name in other.names {
        if mine.names.len() < NAMES_MAX && !mine.names.contains(&name) {
            mine.names.push(name);
        }
    }
    mine.messages = mine.messages.saturating_add(other.messages);
    mine.delayed = mine.delayed.saturating_add(other.delayed);
    mine.failed = mine.failed.saturating_add(other.failed);
    mine.authenticated |= other.authenticated;
    // Of several lines of the peers file the last has the note.
    mine.note = other.note.or(mine.note.take());
    for record in other.evidence {
        add_evidence(&mut mine.evidence, record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::assess::{Threshold, Verdict, assess};
    use crate::tls::{Direction, Service};

    fn key(host: &str) -> PeerKey {
        let host = Host::parse(host).unwrap();
        PeerKey {
            direction: Direction::Outbound,
            service: Service::Smtp,
            host,
            port: None,
        }
    }

    fn record(host: &str, address: Option<&str>, knowledge: Knowledge, second: i64) -> Record {
        let seen = Timestamp::from_second(1_790_000_000 + second).unwrap();
        let evidence = Evidence {
            knowledge,
            source: Source::Probe,
            first_seen: seen,
            last_seen: seen,
            count: 1,
            raw: String::new(),
        };
        Record {
            key: key(host),
            address: address.map(|a| a.parse().unwrap()),
            addresses: Vec::new(),
            authenticated: false,
            evidence,
        }
    }

    fn file(text: &str) -> PeersFile {
        PeersFile::parse(
            text.as_bytes(),
            "2026-10-05T00:00:00Z".parse().unwrap(),
            &jiff::tz::TimeZone::UTC,
        )
    }

    #[test]
    fn a_name_and_an_address_stay_two_peers_unless_a_probe_ties_them() {
        let file = file("outbound,smtp,mx.example.org,tls1.0,2026-10-02,fax\noutbound,smtp,192.0.2.9,-,2026-10-02,\n");
        let apart = make_book(&BookSources {
            peers_file: Some(&file),
            ..BookSources::default()
        });
        assert_eq!(apart.peers.len(), 2);
        let records = [record(
            "mx.example.org",
            Some("192.0.2.9"),
            Knowledge::NoAnswer("x".into()),
            0,
        )];
        let tied = make_book(&BookSources {
            peers_file: Some(&file),
            records: &records,
            ..BookSources::default()
        });
        assert_eq!(tied.peers.len(), 1);
        let peer = &tied.peers[0];
        assert_eq!(
            (peer.key.host.to_string().as_str(), peer.note.as_deref()),
            ("192.0.2.9", Some("fax"))
        );
        assert_eq!(peer.names, ["mx.example.org"]);
        let impact = assess(&tied, Direction::Outbound, Threshold::At(TlsVersion::Tls12));
        assert_eq!(impact.rows[0].verdict, Verdict::CutOff);
    }

    #[test]
    fn what_one_address_of_a_name_answers_is_not_said_of_the_other() {
        let records = [
            record(
                "mx.example.org",
                Some("192.0.2.1"),
                Knowledge::Ceiling(TlsVersion::Tls10),
                0,
            ),
            record(
                "mx.example.org",
                Some("192.0.2.2"),
                Knowledge::Ceiling(TlsVersion::Tls13),
                0,
            ),
        ];
        let book = make_book(&BookSources {
            records: &records,
            ..BookSources::default()
        });
        let impact = assess(&book, Direction::Outbound, Threshold::At(TlsVersion::Tls12));
        assert_eq!(
            impact.rows.iter().map(|r| r.verdict).collect::<Vec<_>>(),
            [Verdict::CutOff, Verdict::Ok]
        );
    }

    #[test]
    fn the_order_of_records_does_not_matter_and_repeated_ones_are_one() {
        let mut records = vec![
            record("192.0.2.1", None, Knowledge::Ceiling(TlsVersion::Tls10), 0),
            record("192.0.2.1", None, Knowledge::Ceiling(TlsVersion::Tls10), 50),
            record("192.0.2.1", None, Knowledge::Refused("a".into()), 20),
            record("192.0.2.1", None, Knowledge::Refused("b".into()), 30),
            record("192.0.2.1", None, Knowledge::NoAnswer("c".into()), 10),
        ];
        let book = |records: &[Record]| {
            make_book(&BookSources {
                records,
                ..BookSources::default()
            })
            .peers
        };
        let forward = book(&records);
        records.reverse();
        assert_eq!(forward, book(&records));
        assert_eq!(forward.len(), 1);
        assert_eq!(forward[0].evidence.len(), 3);
        assert_eq!(forward[0].evidence[0].count, 2);
        assert!(
            forward[0]
                .evidence
                .iter()
                .any(|e| e.knowledge == Knowledge::Refused("b".into()))
        );
    }

    #[test]
    fn this_server_itself_is_no_peer_whoever_names_it() {
        let file = file(
            "outbound,smtp,127.0.0.1,tls1.0,2026-10-02,x\noutbound,smtp,192.0.2.7,tls1.0,2026-10-02,us\n\
             inbound,smtp,mail.example.org,tls1.0,2026-10-02,us\noutbound,smtp,192.0.2.9,tls1.0,2026-10-02,they\n",
        );
        let own = OwnHosts::new([
            Host::parse("192.0.2.7").unwrap(),
            Host::parse("mail.example.org").unwrap(),
        ]);
        let tls10 = || Knowledge::Ceiling(TlsVersion::Tls10);
        let records = [
            record("::1", None, tls10(), 0),
            record("192.0.2.7", None, tls10(), 0),
            record("mx.example.net", Some("::ffff:192.0.2.7"), tls10(), 0),
            record("mail.example.org", Some("192.0.2.8"), tls10(), 0),
        ];
        let book = make_book(&BookSources {
            peers_file: Some(&file),
            records: &records,
            own: Some(&own),
            ..BookSources::default()
        });
        let hosts: Vec<String> = book.peers.iter().map(|peer| peer.key.host.to_string()).collect();
        assert_eq!(hosts, ["192.0.2.9"]);
        assert_eq!(book.warnings.len(), 3, "{:?}", book.warnings);
        assert!(book.warnings[0].contains("this server itself") && book.warnings[0].contains("127.0.0.1"));
    }

    /// What asking this name, of these two addresses, has shown so far.
    fn asked(found: &[(&str, Knowledge)]) -> Vec<Record> {
        let addresses = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse().unwrap());
        let all = found.iter().map(|(address, knowledge)| Record {
            addresses: addresses.to_vec(),
            ..record("mx.example.org", Some(address), knowledge.clone(), 0)
        });
        all.collect()
    }

    #[test]
    fn a_name_of_two_addresses_is_unknown_until_both_were_asked_and_then_the_worse_one_counts() {
        let file = file("outbound,smtp,mx.example.org,-,2026-10-02,fax\n");
        let verdict = |found: &[(&str, Knowledge)]| {
            let records = asked(found);
            let mut book = make_book(&BookSources {
                peers_file: Some(&file),
                records: &records,
                ..BookSources::default()
            });
            book.routes.push(Route {
                domain: "example.org".to_owned(),
                peers: vec![key("mx.example.org")],
                complete: true,
            });
            let impact = assess(&book, Direction::Outbound, Threshold::At(TlsVersion::Tls12));
            assert_eq!(impact.rows.len(), 1);
            let row = &impact.rows[0];
            assert_eq!(
                (&row.peer.key, row.peer.note.as_deref()),
                (&key("mx.example.org"), Some("fax"))
            );
            let hints = row.peer.evidence.iter().filter_map(|e| match &e.knowledge {
                Knowledge::Hint(words) if e.source == Source::Probe => Some(words.clone()),
                _ => None,
            });
            let domains = crate::peers::assess::cut_off_domains(&book, &impact).len();
            (row.verdict, row.highest, domains, hints.collect::<Vec<_>>().join("; "))
        };
        let (old, new) = (
            Knowledge::Ceiling(TlsVersion::Tls10),
            Knowledge::Ceiling(TlsVersion::Tls13),
        );
        for (found, shown) in [(&old, "TLS 1.0"), (&new, "TLS 1.3")] {
            for address in ["192.0.2.1", "192.0.2.2"] {
                let (verdict, _, domains, words) = verdict(&[(address, found.clone())]);
                assert_eq!((verdict, domains), (Verdict::Unknown, 0), "{words}");
                assert!(
                    words.contains("1 of 2 addresses asked") && words.contains(&format!("{address} {shown}")),
                    "{words}"
                );
            }
        }
        for both in [["192.0.2.1", "192.0.2.2"], ["192.0.2.2", "192.0.2.1"]] {
            let (worse, highest, domains, words) = verdict(&[(both[0], old.clone()), (both[1], new.clone())]);
            assert_eq!(
                (worse, highest, domains),
                (Verdict::CutOff, Some(TlsVersion::Tls10), 1),
                "{words}"
            );
            assert!(words.contains("2 of 2 addresses asked"), "{words}");
            let silent = Knowledge::NoAnswer("timed out".into());
            assert_eq!(
                verdict(&[(both[0], old.clone()), (both[1], silent)]).0,
                Verdict::Unknown
            );
            let plain = verdict(&[(both[0], Knowledge::NoStartTls), (both[1], new.clone())]);
            assert_eq!(plain.0, Verdict::Plain);
        }
    }

    #[test]
    fn an_address_that_the_log_knows_stays_a_peer_beside_the_name_that_leads_to_it() {
        let mut records = asked(&[("192.0.2.1", Knowledge::Ceiling(TlsVersion::Tls10))]);
        records.push(record("192.0.2.2", None, Knowledge::Ceiling(TlsVersion::Tls12), 0));
        let book = make_book(&BookSources {
            records: &records,
            ..BookSources::default()
        });
        let impact = assess(&book, Direction::Outbound, Threshold::At(TlsVersion::Tls12));
        let rows: Vec<_> = impact
            .rows
            .iter()
            .map(|row| (row.peer.key.host.to_string(), row.verdict))
            .collect();
        let expected = [("mx.example.org", Verdict::CutOff), ("192.0.2.2", Verdict::Ok)];
        assert_eq!(rows, expected.map(|(host, verdict)| (host.to_owned(), verdict)));
        assert_eq!(impact.rows[1].peer.names, ["mx.example.org"]);
    }
}
