//! All evidence together: one entry a peer, the same whatever order it came in.

use std::collections::BTreeMap;

use super::evidence::{Record, add_evidence};
use super::host::{Host, OwnHosts, PeerKey};
use super::log::LogFindings;
use super::peer::{Peer, Route};
use super::peers_file::PeersFile;
use crate::hostile::safe_text;

/// Most names kept of a peer.
const NAMES_MAX: usize = 8;

/// Everybody, and what the readers had to say.
#[derive(Debug, Clone, Default)]
pub struct PeerBook {
    /// Sorted by key, one entry a key.
    pub peers: Vec<Peer>,
    /// What could not be read or used, in words.
    pub warnings: Vec<String>,
    /// Days back from "now" that were counted.
    pub window_days: u32,
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
    /// This server itself, which is no peer, whoever names it. Loopback and the unspecified address never are.
    pub own: Option<&'a OwnHosts>,
    /// Days back that the log was counted.
    pub window_days: u32,
}

/// Most lines of the peers file about this server itself that are named.
const OWN_NAMED: usize = 5;

/// Makes the book. A name and an address are one peer only where a record ties them; then the address is the key, the name is
/// among its names, and what is known of the name holds for every address tied to it.
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
    let mut ties: BTreeMap<PeerKey, Vec<PeerKey>> = BTreeMap::new();
    let is_own = |record: &&Record| {
        own.has(&record.key.host) || record.address.is_some_and(|address| own.has(&Host::Address(address)))
    };
    for record in sources.records.iter().filter(|record| !is_own(record)) {
        let key = match record.address.filter(|_| matches!(record.key.host, Host::Name(_))) {
            Some(address) => {
                let tied = PeerKey {
                    host: Host::Address(address.to_canonical()),
                    ..record.key.clone()
                };
                ties.entry(record.key.clone()).or_default().push(tied.clone());
                tied
            }
            None => record.key.clone(),
        };
        let mut peer = empty(key);
        peer.authenticated = record.authenticated;
        peer.evidence.push(record.evidence.clone());
        join(&mut peers, peer);
    }
    for (name, addresses) in &mut ties {
        addresses.sort_unstable();
        addresses.dedup();
        let known = peers.remove(name);
        for address in addresses.iter() {
            let mut copy = known.clone().unwrap_or_else(|| empty(name.clone()));
            // Mail that the log counts by name went to one of several addresses: which, is not known.
            if addresses.len() > 1 {
                (copy.messages, copy.delayed, copy.failed) = (0, 0, 0);
            }
            copy.names.insert(0, name.host.to_string());
            copy.key = address.clone();
            join(&mut peers, copy);
        }
        let mail = |peer: &Peer| peer.messages + peer.delayed + peer.failed > 0;
        if let Some(known) = known.filter(|peer| addresses.len() > 1 && mail(peer)) {
            // Its amounts belong to nobody else: it stays, beside the addresses.
            peers.insert(name.clone(), known);
            continue;
        }
        for route in &mut routes {
            if let Ok(at) = route.peers.binary_search(name) {
                route.peers.remove(at);
                route.peers.extend(addresses.iter().cloned());
                route.peers.sort_unstable();
                route.peers.dedup();
            }
        }
    }
    PeerBook {
        peers: peers.into_values().collect(),
        warnings,
        window_days: sources.window_days,
        routes,
    }
}

const fn empty(key: PeerKey) -> Peer {
    Peer {
        key,
        names: Vec::new(),
        messages: 0,
        delayed: 0,
        failed: 0,
        authenticated: false,
        evidence: Vec::new(),
        note: None,
    }
}

fn join(peers: &mut BTreeMap<PeerKey, Peer>, peer: Peer) {
    let Some(mine) = peers.get_mut(&peer.key) else {
        let mut first = empty(peer.key.clone());
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
    use crate::peers::evidence::{Evidence, Knowledge, Source};
    use crate::tls::{Direction, Service, TlsVersion};
    use jiff::Timestamp;

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
            authenticated: false,
            evidence,
        }
    }

    fn file(text: &str) -> PeersFile {
        PeersFile::parse(text.as_bytes(), "2026-10-05T00:00:00Z".parse().unwrap())
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
}
