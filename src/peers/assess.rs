//! Peers held against a minimum. Pure: it is run again for every row of the drop-down while the choice moves.

use std::collections::HashSet;

use jiff::Timestamp;

use super::book::PeerBook;
use super::conclude::{Meaning, Range, weigh};
use super::evidence::{Evidence, Knowledge};
use super::host::PeerKey;
use super::peer::Peer;
use crate::tls::{Direction, TlsVersion};

/// What a minimum would do to a peer, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// Its ceiling is below the minimum, and nothing speaks against that.
    CutOff,
    /// Evidence disagrees.
    Mixed,
    /// No TLS offered or seen: in clear already.
    Plain,
    /// Not known.
    Unknown,
    /// It has the minimum.
    Ok,
}

/// What peers are held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Threshold {
    /// A minimum of this version.
    At(TlsVersion),
    /// The server's default, never measured (or a custom list): every verdict is unknown.
    NotKnown,
}

/// A peer and its verdict.
#[derive(Debug, Clone)]
pub struct Assessed<'a> {
    /// The peer.
    pub peer: &'a Peer,
    /// The verdict.
    pub verdict: Verdict,
    /// The highest version known of it.
    pub highest: Option<TlsVersion>,
    /// The record that decided.
    pub decisive: Option<&'a Evidence>,
}

/// Counts of peers by verdict, and how much is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Cut off.
    pub cut_off: usize,
    /// Mixed.
    pub mixed: usize,
    /// Plain.
    pub plain: usize,
    /// Unknown.
    pub unknown: usize,
    /// Ok.
    pub ok: usize,
    /// Messages that the cut-off stand for.
    pub cut_off_messages: u64,
    /// Messages that the unknown stand for.
    pub unknown_messages: u64,
}

/// How much is known of a direction's peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Peers of which a version, or the absence of TLS, is known.
    pub known: usize,
    /// All peers.
    pub all: usize,
    /// Newest record that knows something.
    pub newest: Option<Timestamp>,
    /// Oldest of the records that decide.
    pub oldest: Option<Timestamp>,
}

/// A direction's peers held against a minimum.
#[derive(Debug, Clone)]
pub struct Impact<'a> {
    /// Sorted by verdict (worst first), then authenticated, then amount of mail.
    pub rows: Vec<Assessed<'a>>,
    /// Counts.
    pub counts: Counts,
    /// Coverage.
    pub coverage: Coverage,
}

/// Holds every peer of a direction against a minimum. Pure; under 1 ms for 10,000 records.
///
/// The rules: the newest probe outweighs a Received header, that the peers file, that the mail log. A newer, higher
/// version beats an older, lower one; a newer lower one without a probe makes it [`Verdict::Mixed`]. So does a refusal
/// of every hello that is newer than a record that would make it [`Verdict::Ok`]: it is no proof, but not fine either.
/// TLS of unknown version, refusals and silence are [`Verdict::Unknown`], never counted as fine.
#[must_use]
pub fn assess(book: &PeerBook, direction: Direction, threshold: Threshold) -> Impact<'_> {
    let mut counts = Counts::default();
    let mut coverage = Coverage::default();
    let mut rows = Vec::with_capacity(book.peers.len());
    // One integer a row keeps the sort to a compare: verdict, then authenticated, then mail, then the book's order.
    let mut order: Vec<(u128, u32)> = Vec::with_capacity(book.peers.len());
    for peer in book.peers.iter().filter(|p| p.key.direction == direction) {
        let row = judge(peer, threshold, &mut coverage);
        counts.add(&row);
        let rank = (u128::from(row.verdict as u8) << 65)
            | (u128::from(!peer.authenticated) << 64)
            | u128::from(u64::MAX - peer.messages);
        order.push((rank, u32::try_from(rows.len()).unwrap_or(u32::MAX)));
        rows.push(row);
    }
    order.sort_unstable();
    let sorted = order
        .iter()
        .filter_map(|(_, i)| rows.get(*i as usize).cloned())
        .collect();
    Impact {
        rows: sorted,
        counts,
        coverage,
    }
}

fn judge<'a>(peer: &'a Peer, threshold: Threshold, coverage: &mut Coverage) -> Assessed<'a> {
    coverage.all += 1;
    let standing = weigh(&peer.evidence);
    let Some((best, range)) = standing.decisive.and_then(|e| Range::of(&e.knowledge).map(|r| (e, r))) else {
        return Assessed {
            peer,
            verdict: Verdict::Unknown,
            highest: None,
            decisive: newest(&peer.evidence),
        };
    };
    if range.is_known() {
        coverage.known += 1;
        coverage.newest = coverage.newest.max(Some(best.last_seen));
        coverage.oldest = Some(coverage.oldest.map_or(best.last_seen, |old| old.min(best.last_seen)));
    }
    let verdict = match threshold {
        Threshold::NotKnown => Verdict::Unknown,
        Threshold::At(minimum) => {
            let meaning = range.against(minimum);
            let other = standing
                .against
                .and_then(|e| Range::of(&e.knowledge))
                .map(|r| r.against(minimum));
            match (meaning, other) {
                // Some sessions in clear and some with TLS of no known version: nothing to disagree about.
                _ if !range.is_known() => Verdict::Unknown,
                (meaning, Some(other)) if meaning != other => Verdict::Mixed,
                (Meaning::HasMinimum, _) if standing.refused_since.is_some() => Verdict::Mixed,
                (Meaning::HasMinimum, _) => Verdict::Ok,
                (Meaning::BelowMinimum, _) => Verdict::CutOff,
                (Meaning::NoTls, _) => Verdict::Plain,
                (Meaning::Undecided, _) => Verdict::Unknown,
            }
        }
    };
    Assessed {
        peer,
        verdict,
        highest: range.highest(),
        decisive: Some(best),
    }
}

/// For a peer of which nothing is known: the record that says so best.
fn newest(evidence: &[Evidence]) -> Option<&Evidence> {
    evidence
        .iter()
        .max_by_key(|e| (!matches!(e.knowledge, Knowledge::Hint(_)), e.source, e.last_seen))
}

impl Counts {
    fn add(&mut self, row: &Assessed<'_>) {
        let counter = match row.verdict {
            Verdict::CutOff => {
                self.cut_off_messages = self.cut_off_messages.saturating_add(row.peer.messages);
                &mut self.cut_off
            }
            Verdict::Mixed => &mut self.mixed,
            Verdict::Plain => &mut self.plain,
            Verdict::Unknown => {
                self.unknown_messages = self.unknown_messages.saturating_add(row.peer.messages);
                &mut self.unknown
            }
            Verdict::Ok => &mut self.ok,
        };
        *counter += 1;
    }
}

/// The recipient domains that would be cut off as a whole: every address that took their mail in the window would be
/// (a domain is only a *name of* an address). Sorted. Domains whose routes are not wholly known are left out.
#[must_use]
pub fn cut_off_domains<'b>(book: &'b PeerBook, impact: &Impact<'_>) -> Vec<&'b str> {
    let cut: HashSet<&PeerKey> = impact
        .rows
        .iter()
        .filter(|r| r.verdict == Verdict::CutOff)
        .map(|r| &r.peer.key)
        .collect();
    book.routes
        .iter()
        .filter(|r| r.complete && !r.peers.is_empty() && r.peers.iter().all(|p| cut.contains(p)))
        .map(|r| r.domain.as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::evidence::Source;
    use crate::peers::host::Host;
    use crate::peers::peer::Route;
    use crate::tls::Service;
    use crate::tls::TlsVersion::{Ssl3, Tls10, Tls11, Tls12, Tls13};
    use proptest::prelude::*;

    fn day(n: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + n * 86_400).unwrap()
    }

    fn record(source: Source, knowledge: Knowledge, first: i64, last: i64) -> Evidence {
        Evidence {
            knowledge,
            source,
            first_seen: day(first),
            last_seen: day(last),
            count: 1,
            raw: String::new(),
        }
    }

    fn peer(n: u8, messages: u64, evidence: Vec<Evidence>) -> Peer {
        Peer {
            key: PeerKey {
                direction: Direction::Outbound,
                service: Service::Smtp,
                host: Host::Address([192, 0, 2, n].into()),
                port: None,
            },
            names: vec![],
            messages,
            delayed: 0,
            failed: 0,
            authenticated: false,
            evidence,
            note: None,
        }
    }

    fn verdict(minimum: TlsVersion, evidence: Vec<Evidence>) -> Verdict {
        let book = PeerBook {
            peers: vec![peer(1, 1, evidence)],
            ..PeerBook::default()
        };
        assess(&book, Direction::Outbound, Threshold::At(minimum)).rows[0].verdict
    }

    use Knowledge::{AtLeast, Ceiling, NoStartTls, Plain};
    use Source::{MailLog, PeersFile, Probe, Received};

    #[test]
    fn a_ceiling_below_the_minimum_is_cut_off_and_one_at_it_is_ok() {
        for v in TlsVersion::ALL {
            for minimum in TlsVersion::MINIMUMS {
                let expected = if v < minimum { Verdict::CutOff } else { Verdict::Ok };
                assert_eq!(
                    verdict(minimum, vec![record(Probe, Ceiling(v), 1, 1)]),
                    expected,
                    "{v} at {minimum}"
                );
            }
        }
    }

    #[test]
    fn at_least_is_ok_or_unknown_but_never_cut_off() {
        assert_eq!(
            verdict(Tls12, vec![record(Received, AtLeast(Tls12), 1, 1)]),
            Verdict::Ok
        );
        assert_eq!(
            verdict(Tls12, vec![record(Received, AtLeast(Tls10), 1, 1)]),
            Verdict::Unknown
        );
        assert_eq!(
            verdict(Tls10, vec![record(MailLog, AtLeast(Ssl3), 1, 1)]),
            Verdict::Unknown
        );
    }

    #[test]
    fn no_tls_is_plain_and_a_refusal_or_silence_is_unknown() {
        assert_eq!(verdict(Tls12, vec![record(Probe, NoStartTls, 1, 1)]), Verdict::Plain);
        assert_eq!(verdict(Tls12, vec![record(MailLog, Plain, 1, 1)]), Verdict::Plain);
        assert_eq!(
            verdict(Tls12, vec![record(Probe, Knowledge::Refused("alert 40".into()), 1, 1)]),
            Verdict::Unknown
        );
        assert_eq!(
            verdict(Tls12, vec![record(Probe, Knowledge::NoAnswer("timeout".into()), 1, 1)]),
            Verdict::Unknown
        );
        assert_eq!(
            verdict(Tls12, vec![record(MailLog, Knowledge::Hint("TLSv1.1".into()), 1, 1)]),
            Verdict::Unknown
        );
        assert_eq!(verdict(Tls12, vec![]), Verdict::Unknown);
    }

    #[test]
    fn the_newest_probe_outweighs_everything_older() {
        let old = [
            record(Received, Ceiling(Tls13), 1, 4),
            record(PeersFile, Ceiling(Tls12), 3, 3),
        ];
        let mut with = old.to_vec();
        with.push(record(Probe, Ceiling(Tls12), 2, 2));
        // Found twice: one lower probe alone could be the other half of a pair of servers.
        with.push(Evidence {
            count: 2,
            ..record(Probe, Ceiling(Tls10), 5, 6)
        });
        assert_eq!(verdict(Tls12, with), Verdict::CutOff);
        let mut plain = old.to_vec();
        plain.push(record(Probe, NoStartTls, 5, 5));
        assert_eq!(verdict(Tls12, plain), Verdict::Plain);
    }

    #[test]
    fn a_newer_higher_version_beats_an_older_lower_one_even_a_probe() {
        assert_eq!(
            verdict(
                Tls12,
                vec![
                    record(Probe, Ceiling(Tls10), 1, 1),
                    record(Received, AtLeast(Tls12), 0, 2)
                ]
            ),
            Verdict::Ok
        );
        assert_eq!(
            verdict(
                Tls12,
                vec![
                    record(PeersFile, Ceiling(Tls10), 1, 1),
                    record(PeersFile, Ceiling(Tls12), 2, 2)
                ]
            ),
            Verdict::Ok
        );
        assert_eq!(
            verdict(
                Tls12,
                vec![record(MailLog, Plain, 1, 1), record(PeersFile, Ceiling(Tls10), 2, 2)]
            ),
            Verdict::CutOff
        );
    }

    #[test]
    fn a_newer_lower_version_without_a_probe_is_mixed_only_where_the_verdict_would_differ() {
        let both = vec![
            record(Received, AtLeast(Tls12), 1, 1),
            record(PeersFile, Ceiling(Tls11), 2, 2),
        ];
        assert_eq!(verdict(Tls12, both.clone()), Verdict::Mixed);
        assert_eq!(verdict(Tls11, both.clone()), Verdict::Ok);
        let low = vec![
            record(Received, Ceiling(Tls11), 1, 1),
            record(PeersFile, Ceiling(Tls10), 2, 2),
        ];
        assert_eq!(verdict(Tls12, low), Verdict::CutOff);
        let after_probe = vec![
            record(Probe, Ceiling(Tls12), 1, 1),
            record(Received, Ceiling(Tls10), 2, 2),
        ];
        assert_eq!(verdict(Tls12, after_probe), Verdict::Mixed);
    }

    #[test]
    fn sessions_of_both_kinds_that_interleave_are_mixed() {
        // Several devices behind one address: the lower one was still seen after the higher one first was.
        let both = vec![
            record(Received, Ceiling(Tls10), 1, 8),
            record(Received, AtLeast(Tls12), 2, 9),
        ];
        assert_eq!(verdict(Tls12, both), Verdict::Mixed);
    }

    #[test]
    fn tls_of_unknown_version_beside_plain_sessions_is_unknown() {
        let both = vec![record(MailLog, AtLeast(Ssl3), 1, 8), record(MailLog, Plain, 2, 9)];
        assert_eq!(verdict(Tls12, both), Verdict::Unknown);
    }

    #[test]
    fn a_refusal_newer_than_an_ok_record_is_mixed_and_never_undoes_a_cut_off() {
        let refused = || record(Probe, Knowledge::Refused("alert 70".into()), 3, 3);
        assert_eq!(
            verdict(Tls12, vec![record(Probe, Ceiling(Tls12), 1, 1), refused()]),
            Verdict::Mixed
        );
        assert_eq!(
            verdict(Tls12, vec![record(Probe, Ceiling(Tls10), 1, 1), refused()]),
            Verdict::CutOff
        );
        assert_eq!(
            verdict(Tls12, vec![record(Probe, Ceiling(Tls12), 4, 4), refused()]),
            Verdict::Ok
        );
        let silent = record(Probe, Knowledge::NoAnswer("timeout".into()), 3, 3);
        assert_eq!(
            verdict(Tls12, vec![record(Probe, Ceiling(Tls12), 1, 1), silent]),
            Verdict::Ok
        );
    }

    #[test]
    fn with_a_default_that_was_never_measured_every_verdict_is_unknown() {
        let book = PeerBook {
            peers: vec![
                peer(1, 1, vec![record(Probe, Ceiling(Tls10), 1, 1)]),
                peer(2, 1, vec![record(Probe, NoStartTls, 1, 1)]),
            ],
            ..PeerBook::default()
        };
        let impact = assess(&book, Direction::Outbound, Threshold::NotKnown);
        assert!(impact.rows.iter().all(|r| r.verdict == Verdict::Unknown));
        assert_eq!(impact.coverage.known, 2);
    }

    #[test]
    fn rows_come_worst_first_then_authenticated_then_by_mail_and_only_of_the_direction() {
        let mut signed_in = peer(3, 1, vec![record(Probe, Ceiling(Tls10), 1, 1)]);
        signed_in.authenticated = true;
        let mut inbound = peer(9, 1, vec![]);
        inbound.key.direction = Direction::Inbound;
        let book = PeerBook {
            peers: vec![
                inbound,
                peer(1, 5, vec![record(Probe, Ceiling(Tls10), 1, 1)]),
                peer(2, 9, vec![record(Probe, Ceiling(Tls10), 2, 2)]),
                signed_in,
                peer(4, 99, vec![]),
                peer(5, 7, vec![record(Probe, Ceiling(Tls13), 7, 7)]),
            ],
            ..PeerBook::default()
        };
        let impact = assess(&book, Direction::Outbound, Threshold::At(Tls12));
        let messages: Vec<u64> = impact.rows.iter().map(|r| r.peer.messages).collect();
        assert_eq!(messages, [1, 9, 5, 99, 7]);
        assert_eq!(
            impact.counts,
            Counts {
                cut_off: 3,
                unknown: 1,
                ok: 1,
                cut_off_messages: 15,
                unknown_messages: 99,
                ..Counts::default()
            }
        );
        assert_eq!(
            impact.coverage,
            Coverage {
                known: 4,
                all: 5,
                newest: Some(day(7)),
                oldest: Some(day(1))
            }
        );
    }

    #[test]
    fn a_domain_is_cut_off_only_if_every_address_that_took_its_mail_is() {
        let peers = vec![
            peer(1, 1, vec![record(Probe, Ceiling(Tls10), 1, 1)]),
            peer(2, 1, vec![record(Probe, Ceiling(Tls12), 1, 1)]),
        ];
        let (old, new) = (peers[0].key.clone(), peers[1].key.clone());
        let route = |domain: &str, peers: Vec<PeerKey>, complete| Route {
            domain: domain.into(),
            peers,
            complete,
        };
        let book = PeerBook {
            peers,
            routes: vec![
                route("both.example", vec![old.clone(), new.clone()], true),
                route("old.example", vec![old.clone()], true),
                route("partly-known.example", vec![old], false),
            ],
            ..PeerBook::default()
        };
        let impact = assess(&book, Direction::Outbound, Threshold::At(Tls12));
        assert_eq!(cut_off_domains(&book, &impact), ["old.example"]);
    }

    fn any_record() -> impl Strategy<Value = Evidence> {
        let version = prop::sample::select(TlsVersion::ALL.to_vec());
        let knowledge = prop_oneof![
            version.clone().prop_map(Ceiling),
            version.prop_map(AtLeast),
            Just(Plain),
            Just(NoStartTls),
            Just(Knowledge::Refused("r".into())),
            Just(Knowledge::Hint("h".into())),
        ];
        let source = prop::sample::select(vec![MailLog, PeersFile, Received, Probe]);
        (knowledge, source, 0_i64..6, 0_i64..6).prop_map(|(k, s, a, b)| record(s, k, a.min(b), a.max(b)))
    }

    #[test]
    fn two_probes_that_disagree_are_mixed_until_the_lower_one_is_found_again() {
        let at = |count, knowledge, first, last| Evidence {
            count,
            ..record(Probe, knowledge, first, last)
        };
        for lower in [NoStartTls, Ceiling(Tls10), Ceiling(Tls11)] {
            let once = [at(1, Ceiling(Tls12), 0, 0), at(1, lower.clone(), 1, 1)];
            assert_eq!(verdict(Tls12, once.to_vec()), Verdict::Mixed, "{lower:?}");
            let again = [at(1, Ceiling(Tls12), 0, 0), at(2, lower.clone(), 1, 2)];
            assert_ne!(verdict(Tls12, again.to_vec()), Verdict::Mixed, "{lower:?}");
            // Now so, now so.
            let in_turns = [at(2, Ceiling(Tls12), 0, 2), at(2, lower.clone(), 1, 3)];
            assert_eq!(verdict(Tls12, in_turns.to_vec()), Verdict::Mixed, "{lower:?}");
            let last_is_higher = [at(2, Ceiling(Tls12), 0, 3), at(2, lower.clone(), 1, 2)];
            assert_eq!(verdict(Tls12, last_is_higher.to_vec()), Verdict::Mixed, "{lower:?}");
            let long_ago = [at(9, Ceiling(Tls12), 0, 30), at(2, lower.clone(), 1, 2)];
            assert_eq!(verdict(Tls12, long_ago.to_vec()), Verdict::Ok, "{lower:?}");
            let upgraded = [at(1, lower.clone(), 0, 0), at(1, Ceiling(Tls12), 1, 1)];
            assert_eq!(verdict(Tls12, upgraded.to_vec()), Verdict::Ok, "{lower:?}");
        }
        // A server that offers STARTTLS in every other answer, and is too old where it does.
        let flapping = [at(1, Ceiling(Tls10), 0, 0), at(1, NoStartTls, 1, 1)];
        assert_eq!(verdict(Tls12, flapping.to_vec()), Verdict::Mixed);
    }

    proptest! {
        #[test]
        fn the_order_of_records_never_changes_a_verdict(
            mut evidence in prop::collection::vec(any_record(), 0..6), minimum in 0_usize..4,
        ) {
            let minimum = TlsVersion::MINIMUMS[minimum];
            let forward = verdict(minimum, evidence.clone());
            evidence.reverse();
            prop_assert_eq!(forward, verdict(minimum, evidence));
        }

        #[test]
        fn a_peer_of_legacy_ceilings_only_is_never_ok_and_one_that_has_the_minimum_is_never_cut_off(
            evidence in prop::collection::vec(any_record(), 1..6),
        ) {
            let legacy = evidence.iter().all(|e| matches!(e.knowledge, Ceiling(v) if v < Tls12));
            let modern = evidence.iter().all(|e| matches!(e.knowledge, Ceiling(v) | AtLeast(v) if v >= Tls12));
            let verdict = verdict(Tls12, evidence);
            prop_assert!(!(legacy && verdict != Verdict::CutOff));
            prop_assert!(!(modern && verdict != Verdict::Ok));
        }

        #[test]
        fn a_higher_minimum_never_makes_a_peer_better(evidence in prop::collection::vec(any_record(), 0..6)) {
            let ok: Vec<bool> = TlsVersion::MINIMUMS
                .into_iter()
                .map(|m| verdict(m, evidence.clone()) == Verdict::Ok)
                .collect();
            prop_assert!(ok.windows(2).all(|w| w[0] || !w[1]));
        }
    }
}
