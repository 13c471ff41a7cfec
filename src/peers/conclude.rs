//! What a peer's records say together: which one decides, and whether another speaks against it.

use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};

use super::evidence::{Evidence, Knowledge, Source};
use super::peer::Peer;
use crate::tls::TlsVersion;

/// What is known of a peer, and why, for a detail view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conclusion {
    /// The highest version known of it; `None` also when it has no TLS.
    pub highest: Option<TlsVersion>,
    /// What the deciding record says; `None`: no record says anything about versions.
    pub knowledge: Option<Knowledge>,
    /// The reasons in words, in sentences.
    pub why: String,
}

/// The records that matter.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Standing<'a> {
    /// The record that decides, if any says something about TLS.
    pub(super) decisive: Option<&'a Evidence>,
    /// The lowest record that speaks against it and is not outweighed.
    pub(super) against: Option<&'a Evidence>,
    /// It refused every hello after the deciding record was made.
    pub(super) refused_since: Option<&'a Evidence>,
}

/// Highest version as a range: `0` is no TLS, `1` SSL 3.0 … `5` TLS 1.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    floor: u8,
    ceiling: u8,
}

const TOP: u8 = 5;

/// Level of a version in [`Range`].
const fn level(version: TlsVersion) -> u8 {
    match version {
        TlsVersion::Ssl3 => 1,
        TlsVersion::Tls10 => 2,
        TlsVersion::Tls11 => 3,
        TlsVersion::Tls12 => 4,
        TlsVersion::Tls13 => TOP,
    }
}

/// What one record says alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    BelowMinimum,
    NoTls,
    Undecided,
    HasMinimum,
}

impl Knowledge {
    /// Does it say something of the peer's TLS? A refusal, a silence and a remark do not.
    #[must_use]
    pub fn tells(&self) -> bool {
        Range::of(self).is_some()
    }
}

impl Range {
    /// The range of a record; `None` where it says nothing about TLS.
    pub(super) fn of(knowledge: &Knowledge) -> Option<Self> {
        match knowledge {
            Knowledge::Ceiling(v) | Knowledge::Agreed(v) | Knowledge::CeilingInEffect(v) => Some(Self {
                floor: level(*v),
                ceiling: level(*v),
            }),
            Knowledge::AtLeast(v) => Some(Self {
                floor: level(*v),
                ceiling: TOP,
            }),
            Knowledge::Plain | Knowledge::NoStartTls => Some(Self { floor: 0, ceiling: 0 }),
            Knowledge::Refused(_) | Knowledge::NoAnswer(_) | Knowledge::Hint(_) => None,
        }
    }

    /// "TLS was seen, of no known version" is no knowledge of a version.
    pub(super) const fn is_known(self) -> bool {
        !(self.floor == 1 && self.ceiling == TOP)
    }

    /// Against a minimum.
    pub(super) const fn against(self, minimum: TlsVersion) -> Meaning {
        let minimum = level(minimum);
        if self.ceiling == 0 {
            Meaning::NoTls
        } else if self.ceiling < minimum {
            Meaning::BelowMinimum
        } else if self.floor >= minimum && self.is_known() {
            Meaning::HasMinimum
        } else {
            Meaning::Undecided
        }
    }

    /// The highest version known.
    pub(super) fn highest(self) -> Option<TlsVersion> {
        if !self.is_known() {
            return None;
        }
        TlsVersion::ALL.into_iter().find(|v| level(*v) == self.floor)
    }
}

/// Two probes that found different things so far apart are an old state and a new one; nearer, a server that answers now so, now so.
const SETTLED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A program that calls once a month is still there.
const MONTHLY: SignedDuration = SignedDuration::from_hours(35 * 24);

/// Whether an earlier finding of probes is done with: the newest one found more and nothing else since; or it found less, and was asked
/// again; or it was found over and over for long, and the other was not any more.
fn is_superseded(old: (&Evidence, Range), newest: (&Evidence, Range)) -> bool {
    if old.0.last_seen < newest.0.first_seen {
        let found_more = (newest.1.floor, newest.1.ceiling) >= (old.1.floor, old.1.ceiling);
        found_more || newest.0.count > 1
    } else {
        newest.0.last_seen.duration_since(old.0.last_seen) > SETTLED
    }
}

/// Weighs the records of a peer. The newest probe outweighs everything older, except a probe that found more and was not asked again
/// since. Beyond it a newer, higher version beats an older, lower one; a lower version seen after a higher one, without a probe to settle
/// it, speaks against it.
pub(super) fn weigh(evidence: &[Evidence]) -> Standing<'_> {
    let known = || evidence.iter().filter_map(|e| Range::of(&e.knowledge).map(|r| (e, r)));
    let newest_probe = known()
        .filter(|(e, _)| e.source == Source::Probe)
        // Of two at the same moment the worse one: the answer must not hang on the order of records.
        .max_by_key(|(e, r)| (e.last_seen, Reverse(r.ceiling), Reverse(r.floor), Reverse(e.first_seen)));
    let counts = |(e, r): &(&Evidence, Range)| match newest_probe {
        Some(probe) if e.source == Source::Probe => std::ptr::eq(*e, probe.0) || !is_superseded((e, *r), probe),
        Some((probe, _)) => e.last_seen > probe.last_seen,
        None => true,
    };
    let best = known()
        .filter(counts)
        // A ceiling says more than "at least" of the same version.
        .max_by_key(|(e, r)| {
            (
                r.floor,
                Reverse(r.ceiling),
                e.source,
                e.last_seen,
                Reverse(e.first_seen),
            )
        });
    let Some((best, range)) = best else {
        return Standing::default();
    };
    let contradicts = |e: &Evidence| match e.source {
        // One that is lower than something newer from elsewhere is older than it: beaten.
        Source::Probe => best.source == Source::Probe,
        // Several programs stand behind an address: a newer one does not make an older one of yesterday go away.
        Source::Wire if best.source == Source::Wire => best.last_seen.duration_since(e.last_seen) <= MONTHLY,
        _ => e.last_seen > best.first_seen || (e.last_seen == best.first_seen && e.source >= best.source),
    };
    let against = known()
        .filter(|both| counts(both) && both.1.ceiling < range.floor && contradicts(both.0))
        .min_by_key(|(e, r)| (r.ceiling, Reverse(e.last_seen)))
        .map(|(e, _)| e);
    let refused_since = evidence
        .iter()
        .filter(|e| matches!(e.knowledge, Knowledge::Refused(_)) && e.last_seen > best.last_seen)
        .max_by_key(|e| e.last_seen);
    Standing {
        decisive: Some(best),
        against,
        refused_since,
    }
}

/// What the records of a peer say together, in words. Dates are days in UTC; what is more than a year before `now` is marked.
#[must_use]
pub fn conclude(peer: &Peer, now: Timestamp) -> Conclusion {
    let standing = weigh(&peer.evidence);
    let sentence = |e: &Evidence| sentence(e, now);
    let Some(best) = standing.decisive else {
        let newest = peer.evidence.iter().max_by_key(|e| (e.source, e.last_seen));
        let why = newest.map_or_else(
            || "No record says anything about it.".to_owned(),
            |e| format!("{}. Nothing else is known, so its versions are unknown.", sentence(e)),
        );
        return Conclusion {
            highest: None,
            knowledge: None,
            why,
        };
    };
    let mut why = format!("{}.", sentence(best));
    if let Some(against) = standing.against {
        why.push_str(&format!(" Against it: {}, ", lower_first(&sentence(against))));
        why.push_str(match against.source {
            Source::Probe => "and it was not asked often enough since to know which holds.",
            _ => "not older than that, and no newer probe settles it.",
        });
    }
    if let Some(refused) = standing.refused_since {
        why.push_str(&format!(" Since then: {}.", lower_first(&sentence(refused))));
    }
    let outweighed = peer
        .evidence
        .iter()
        .filter(|e| {
            let kept = std::ptr::eq(*e, best) || standing.against.is_some_and(|a| std::ptr::eq(*e, a));
            !kept && e.knowledge != best.knowledge && Range::of(&e.knowledge).is_some_and(Range::is_known)
        })
        .count();
    if outweighed > 0 {
        let records = if outweighed == 1 { "record says" } else { "records say" };
        why.push_str(&format!(
            " {outweighed} older, weaker or lower {records} otherwise and did not count."
        ));
    }
    Conclusion {
        highest: Range::of(&best.knowledge).and_then(Range::highest),
        knowledge: Some(best.knowledge.clone()),
        why,
    }
}

fn sentence(e: &Evidence, now: Timestamp) -> String {
    let mut day = day(e.last_seen);
    if e.is_old(now) {
        day.push_str(" (more than a year ago)");
    }
    let [before, after] = e.source.around_day();
    let source = format!("{before}{day}{after}");
    let says = match &e.knowledge {
        Knowledge::Ceiling(v) if e.source == Source::PeersFile => format!("says that {v} is its highest"),
        Knowledge::Ceiling(v) => format!("shows {v} as its highest"),
        Knowledge::Agreed(v) => format!("shows that it agreed to {v}; the handshake was not gone through"),
        Knowledge::CeilingInEffect(v) => {
            format!("shows that it takes only {v} and refuses whoever offers more: {v} is its highest in effect")
        }
        Knowledge::AtLeast(TlsVersion::Ssl3) => "shows TLS of a version that is not known".to_owned(),
        Knowledge::AtLeast(v) => format!("shows that it has at least {v}"),
        Knowledge::Plain => "shows a session without TLS".to_owned(),
        Knowledge::NoStartTls => "found no TLS offered".to_owned(),
        Knowledge::Refused(how) => format!("was refused ({how})"),
        Knowledge::NoAnswer(why) => format!("got no answer ({why})"),
        Knowledge::Hint(text) => format!("has only a remark ({text})"),
    };
    format!("{source} {says}")
}

fn lower_first(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars
        .next()
        .map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect())
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::host::{Host, PeerKey};
    use crate::tls::{Direction, Service};

    fn peer(evidence: Vec<Evidence>) -> Peer {
        let host = Host::Name("mx.example.org".into());
        let key = PeerKey {
            direction: Direction::Outbound,
            service: Service::Smtp,
            host,
            port: None,
        };
        Peer {
            key,
            names: vec![],
            messages: 0,
            delayed: 0,
            failed: 0,
            authenticated: false,
            evidence,
            note: None,
        }
    }

    fn concluded(evidence: Vec<Evidence>) -> Conclusion {
        conclude(
            &peer(evidence),
            Timestamp::from_second(1_700_000_000 + 30 * 86_400).unwrap(),
        )
    }

    fn record(source: Source, knowledge: Knowledge, day: i64) -> Evidence {
        let seen = Timestamp::from_second(1_700_000_000 + day * 86_400).unwrap();
        Evidence {
            knowledge,
            source,
            first_seen: seen,
            last_seen: seen,
            count: 1,
            raw: String::new(),
        }
    }

    #[test]
    fn an_old_program_behind_an_address_is_not_beaten_by_a_new_one_that_called_later() {
        let both = |days: i64| {
            let old = record(Source::Wire, Knowledge::Ceiling(TlsVersion::Tls10), -days);
            let new = record(Source::Wire, Knowledge::Ceiling(TlsVersion::Tls13), 0);
            weigh(&[old, new]).against.is_some()
        };
        assert!(both(1) && both(30), "one that calls once a month");
        assert!(!both(40), "one that has gone");
    }

    #[test]
    fn the_reasons_name_the_deciding_record_and_what_speaks_against_it() {
        let said = concluded(vec![
            record(Source::Received, Knowledge::AtLeast(TlsVersion::Tls12), 0),
            record(Source::PeersFile, Knowledge::Ceiling(TlsVersion::Tls10), 1),
        ]);
        assert_eq!(said.highest, Some(TlsVersion::Tls12));
        assert_eq!(
            said.why,
            "A Received header of 2023-11-14 shows that it has at least TLS 1.2. Against it: the peers file, dated \
             2023-11-15, says that TLS 1.0 is its highest, not older than that, and no newer probe settles it."
        );
    }

    #[test]
    fn a_peer_without_records_about_versions_is_said_to_be_unknown_and_why() {
        assert_eq!(concluded(vec![]).why, "No record says anything about it.");
        let said = concluded(vec![record(Source::Probe, Knowledge::NoAnswer("timed out".into()), 0)]);
        assert_eq!((said.highest, said.knowledge), (None, None));
        assert!(
            said.why
                .starts_with("The probe of 2023-11-14 got no answer (timed out)."),
            "{}",
            said.why
        );
    }

    #[test]
    fn older_records_that_a_probe_outweighs_are_counted_aloud() {
        let said = concluded(vec![
            record(Source::PeersFile, Knowledge::Ceiling(TlsVersion::Tls12), 0),
            record(Source::Probe, Knowledge::Ceiling(TlsVersion::Tls10), 1),
        ]);
        assert_eq!(said.highest, Some(TlsVersion::Tls10));
        assert!(
            said.why
                .ends_with("1 older, weaker or lower record says otherwise and did not count."),
            "{}",
            said.why
        );
    }

    #[test]
    fn evidence_that_is_more_than_a_year_old_is_marked() {
        let old = concluded(vec![record(Source::Probe, Knowledge::Ceiling(TlsVersion::Tls12), -340)]);
        assert!(old.why.contains("(more than a year ago)"), "{}", old.why);
        let newer = concluded(vec![record(Source::Probe, Knowledge::Ceiling(TlsVersion::Tls12), -330)]);
        assert!(!newer.why.contains("year"), "{}", newer.why);
    }

    #[test]
    fn a_version_agreed_to_and_a_ceiling_in_effect_count_as_ceilings_and_are_worded() {
        for (knowledge, words) in [
            (
                Knowledge::Agreed(TlsVersion::Tls13),
                "agreed to TLS 1.3; the handshake was not gone through",
            ),
            (
                Knowledge::CeilingInEffect(TlsVersion::Tls10),
                "TLS 1.0 is its highest in effect",
            ),
        ] {
            let version = Range::of(&knowledge).and_then(Range::highest);
            let shown = concluded(vec![record(Source::Probe, knowledge, 0)]);
            assert!(
                shown.why.contains(words) && shown.highest == version && version.is_some(),
                "{}",
                shown.why
            );
        }
    }
}
