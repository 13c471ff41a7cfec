//! What a scan found, in the words of the room: peers with their records, routes, troubles, warnings.

use std::net::IpAddr;

use jiff::Timestamp;

use super::counts::{LineCounts, PeerHost, PeerRest, PeerTally};
use super::key::PeerKind;
use super::plan::Cursor;
use super::span::Span;
use super::tally::Tally;
use super::trouble::Trouble;
use super::zone::Written;
use crate::peers::evidence::{Evidence, Knowledge, Source};
use crate::peers::host::{Host, PeerKey};
use crate::peers::peer::{Peer, Route};
use crate::tls::{Direction, Service, TlsVersion};

/// What the log says.
#[derive(Debug, Clone, Default)]
pub struct LogFindings {
    pub(super) tally: Tally,
    pub(super) cursor: Cursor,
    pub(super) problems: Problems,
    pub(super) written: Written,
    /// Seconds since 1970.
    pub(super) newest: Option<i64>,
    pub(super) now: i64,
    pub(super) oldest: Option<i64>,
    /// So far is the newest line ahead of now.
    pub(super) minutes_ahead: Option<i64>,
    pub(super) cancelled: bool,
    /// Some stretch was not read to its end: where to go on is not known.
    pub(super) incomplete: bool,
}

/// What could not be read, in words; many of them are counted.
#[derive(Debug, Clone, Default)]
pub(super) struct Problems {
    named: Vec<String>,
    more: usize,
}

impl Problems {
    /// Most that are named.
    const NAMED: usize = 5;

    pub(super) fn add(&mut self, words: String) {
        if self.named.len() < Self::NAMED {
            self.named.push(words);
        } else {
            self.more += 1;
        }
    }

    pub(super) fn absorb(&mut self, other: Self) {
        self.more += other.more;
        other.named.into_iter().for_each(|words| self.add(words));
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    fn words(&self) -> Vec<String> {
        let more =
            (self.more > 0).then(|| format!("mail log: {} more files were not read, or only in part", self.more));
        self.named.iter().cloned().chain(more).collect()
    }
}

/// Most addresses of this server that are named.
const OWN_NAMED: usize = 5;

impl LogFindings {
    /// It was cancelled: the amounts are too low.
    #[must_use]
    pub const fn cancelled(&self) -> bool {
        self.cancelled
    }

    /// Lines, by what was made of them.
    #[must_use]
    pub const fn lines(&self) -> LineCounts {
        self.tally.lines
    }

    /// Every peer, sorted by key.
    #[must_use]
    pub fn peers(&self) -> Vec<Peer> {
        let mut peers: Vec<Peer> = self.tally.peers().map(|(tally, rest)| self.peer(tally, rest)).collect();
        peers.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        peers
    }

    fn peer(&self, tally: &PeerTally, rest: &PeerRest) -> Peer {
        let names = rest
            .domains
            .iter()
            .filter_map(|(_, n)| self.tally.domains.name(*n))
            .map(str::to_owned)
            .collect();
        Peer {
            key: key(rest),
            names,
            messages: tally.delivered.count().into(),
            delayed: rest.delayed,
            failed: rest.failed.as_ref().map_or(0, |failed| failed.0.count().into()),
            authenticated: tally.authenticated,
            evidence: evidence(tally, rest),
            note: None,
        }
    }

    /// Which peers took each recipient domain's mail, sorted by domain. Nothing is said of a domain as a whole where a part of the
    /// log was not read or a peer was not kept: it could be the one that takes the mail.
    #[must_use]
    pub fn routes(&self) -> Vec<Route> {
        let all_kept = !self.incomplete && self.tally.lines.beyond_cap == 0;
        let keys: Vec<PeerKey> = self.tally.peers().map(|(_, rest)| key(rest)).collect();
        let mut routes: Vec<Route> = self
            .tally
            .domains
            .routes()
            .map(|(domain, route)| {
                let mut peers: Vec<PeerKey> = route
                    .peers
                    .iter()
                    .filter_map(|i| keys.get(*i as usize).cloned())
                    .collect();
                peers.sort_unstable();
                Route {
                    domain: domain.to_owned(),
                    peers,
                    complete: !route.overflow && all_kept,
                }
            })
            .collect();
        routes.sort_unstable_by(|a, b| a.domain.cmp(&b.domain));
        routes
    }

    /// Peers whose mail was delayed or failed since a time: new troubles first, then by how many messages.
    #[must_use]
    pub fn troubles(&self, since: Timestamp) -> Vec<Trouble> {
        // Rather one of before than none of since.
        let since = since.as_second().saturating_sub(self.written.perhaps_younger());
        let mut troubles: Vec<Trouble> = self
            .tally
            .peers()
            .filter_map(|(tally, rest)| {
                let trouble = rest.trouble.as_ref()?;
                trouble.since(key(rest), since, tally.mail())
            })
            .collect();
        troubles.sort_unstable_by(|a, b| {
            let rank = |t: &Trouble| (t.troubled_before, !t.worked_before, std::cmp::Reverse(t.count));
            rank(a).cmp(&rank(b)).then_with(|| a.peer.cmp(&b.peer))
        });
        troubles
    }

    /// The time of the newest line, as far as it was seen; never later than it can have been written.
    #[must_use]
    pub fn newest(&self) -> Option<Timestamp> {
        let newest = self.newest?.saturating_sub(self.written.older());
        Timestamp::from_second(newest).ok()
    }

    /// So many of these days the logs go back; all where nothing was seen of their beginning.
    #[must_use]
    pub fn days_covered(&self, days: u32) -> u32 {
        let covered = self
            .oldest
            .map(|oldest| (self.now - oldest).max(1).unsigned_abs().div_ceil(86_400));
        covered
            .and_then(|covered| u32::try_from(covered).ok())
            .map_or(days, |covered| covered.min(days))
    }

    /// What could not be read or used, in words.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.problems.words();
        warnings.extend(self.written.words());
        let lines = self.tally.lines;
        let mut add = |count: u64, one: &str, many: &str| match count {
            0 => {}
            1 => warnings.push(format!("mail log: 1 line {one}")),
            _ => warnings.push(format!("mail log: {count} lines {many}")),
        };
        add(
            lines.ambiguous,
            "in which a field could be read in two places was not used",
            "in which a field could be read in two places were not used",
        );
        let example = self.tally.example.as_deref().unwrap_or_default();
        add(
            lines.not_understood,
            &format!("that looks like Sent or Recv was not understood and not used: {example}"),
            &format!("that look like Sent or Recv were not understood and not used, such as: {example}"),
        );
        add(lines.overlong, "over 256 KiB was skipped", "over 256 KiB were skipped");
        add(
            lines.in_future,
            "dated more than a day ahead was not used (clock or time zone?)",
            "dated more than a day ahead were not used (clock or time zone?)",
        );
        add(
            lines.beyond_cap,
            "of a peer beyond the first 200,000 was not used",
            "of peers beyond the first 200,000 were not used",
        );
        let own: Vec<String> = self
            .tally
            .own_addresses
            .iter()
            .take(OWN_NAMED)
            .map(IpAddr::to_string)
            .collect();
        if !own.is_empty() {
            warnings.push(format!(
                "mail log: what came from or went to this server's own address was not used: {}",
                own.join(", ")
            ));
        }
        if let Some(minutes) = self.minutes_ahead {
            warnings.push(format!(
                "mail log: its newest line is dated {minutes} min from now; is the clock or the time zone right?"
            ));
        }
        if self.tally.waiting_overflowed() {
            warnings.push("mail log: so many messages wait that some count as delayed more than once".to_owned());
        }
        if self.tally.domains.overflowed() {
            warnings.push("mail log: only the first 100,000 recipient domains are kept".to_owned());
        }
        if self.cancelled {
            warnings.push("mail log: the scan was cancelled; the amounts are too low".to_owned());
        }
        warnings
    }
}

fn key(rest: &PeerRest) -> PeerKey {
    let (direction, service) = match rest.kind {
        PeerKind::Outbound => (Direction::Outbound, Service::Smtp),
        PeerKind::Inbound(service) => (Direction::Inbound, service),
    };
    let host = match &rest.host {
        PeerHost::Address(address) => Host::Address(*address),
        PeerHost::Name(name) => Host::Name((**name).to_owned()),
    };
    PeerKey {
        direction,
        service,
        host,
        port: None,
    }
}

/// The records that a tally makes.
fn evidence(tally: &PeerTally, rest: &PeerRest) -> Vec<Evidence> {
    let mut records = Vec::new();
    let mut record = |knowledge: Knowledge, span: Span, raw: String| {
        if span.count == 0 {
            return;
        }
        let (Ok(first_seen), Ok(last_seen)) = (Timestamp::from_second(span.first), Timestamp::from_second(span.last))
        else {
            return;
        };
        records.push(Evidence {
            knowledge,
            source: Source::MailLog,
            first_seen,
            last_seen,
            count: span.count,
            raw,
        });
    };
    let with_tls = tally.with_tls.span();
    let plain = match rest.kind {
        PeerKind::Inbound(Service::Smtp) => tally.other.span(),
        PeerKind::Inbound(_) | PeerKind::Outbound => Span::default(),
    };
    record(Knowledge::Plain, plain, "SMTP without SSL: yes".to_owned());
    // `AtLeast(Ssl3)` is how "TLS of a version that is not known" is written.
    record(Knowledge::AtLeast(TlsVersion::Ssl3), with_tls, "SSL: yes".to_owned());
    if plain.count == 0 && with_tls.count == 0 {
        record(
            Knowledge::Hint("mail went by, of TLS the log says nothing".to_owned()),
            tally.mail(),
            String::new(),
        );
    }
    if let Some((words, span)) = rest.trouble.as_ref().and_then(|t| t.remark()) {
        record(Knowledge::Hint(words.clone()), span, words);
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::log::line::{Delivery, Sent};
    use crate::peers::log::tally::HostRef;

    fn sent(findings: &mut LogFindings, last: u8, recipient: &str, outcome: Delivery) {
        let queue_id = format!("{last}-{recipient}-{outcome:?}");
        let line = Sent {
            queue_id: queue_id.as_bytes(),
            recipient: recipient.as_bytes(),
            outcome,
            status: b"",
            host: None,
        };
        findings
            .tally
            .sent(HostRef::Address([192, 0, 2, last].into()), &line, 1_790_000_000);
    }

    fn route(findings: &LogFindings) -> (Vec<String>, bool) {
        let routes = findings.routes();
        assert_eq!(routes.len(), 1);
        let hosts = routes[0].peers.iter().map(|peer| peer.host.to_string());
        (hosts.collect(), routes[0].complete)
    }

    #[test]
    fn only_who_took_the_mail_of_a_domain_is_on_its_route() {
        let mut findings = LogFindings::default();
        sent(&mut findings, 1, "a@example.net", Delivery::Delivered);
        sent(&mut findings, 2, "a@example.net", Delivery::Delayed);
        sent(&mut findings, 3, "a@example.net", Delivery::Failed);
        assert_eq!(route(&findings), (vec!["192.0.2.1".to_owned()], true));
        assert!(findings.peers().iter().all(|peer| peer.names == ["example.net"]));
        // A later part of the log, in which what was delayed is delivered.
        let mut newer = LogFindings::default();
        sent(&mut newer, 2, "b@example.net", Delivery::Delayed);
        sent(&mut newer, 2, "b@EXAMPLE.net", Delivery::Delivered);
        sent(&mut newer, 2, "c@example.net", Delivery::Delivered);
        findings.tally.absorb_newer(newer.tally);
        let both = vec!["192.0.2.1".to_owned(), "192.0.2.2".to_owned()];
        assert_eq!(route(&findings), (both, true));
    }

    #[test]
    fn nothing_is_said_of_a_whole_domain_when_a_peer_was_not_kept() {
        let mut findings = LogFindings::default();
        sent(&mut findings, 1, "a@example.net", Delivery::Delivered);
        findings.tally.lines.beyond_cap = 1;
        assert!(!route(&findings).1);
    }
}
