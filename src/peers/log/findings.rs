//! What a scan found, in the words of the room: peers with their records, routes, troubles, warnings.

use jiff::Timestamp;

use super::counts::{LineCounts, PeerHost, PeerRest, PeerTally, Span};
use super::key::Kind;
use super::{LogFindings, Trouble};
use crate::peers::{Evidence, Host, Knowledge, Peer, PeerKey, Route, Service, Source};
use crate::tls::{Direction, TlsVersion};

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
            .filter_map(|(_, n)| self.tally.domain_name(*n))
            .map(str::to_owned)
            .collect();
        Peer {
            key: key(rest),
            names,
            messages: tally.delivered.count().into(),
            delayed: rest.delayed,
            failed: rest.failed.as_ref().map_or(0, |failed| failed.count().into()),
            authenticated: tally.authenticated,
            evidence: evidence(tally, rest),
            note: None,
        }
    }

    /// Where each recipient domain's mail went, sorted by domain.
    #[must_use]
    pub fn routes(&self) -> Vec<Route> {
        let keys: Vec<PeerKey> = self.tally.peers().map(|(_, rest)| key(rest)).collect();
        let mut routes: Vec<Route> = self
            .tally
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
                    complete: !route.overflow && !self.incomplete,
                }
            })
            .collect();
        routes.sort_unstable_by(|a, b| a.domain.cmp(&b.domain));
        routes
    }

    /// Peers whose mail was delayed or failed since a time: new troubles first, then by how many messages.
    #[must_use]
    pub fn troubles(&self, since: Timestamp) -> Vec<Trouble> {
        let mut troubles: Vec<Trouble> = self
            .tally
            .peers()
            .filter_map(|(tally, rest)| {
                let trouble = rest.trouble.as_ref()?;
                trouble.since(key(rest), since.as_second(), tally.mail())
            })
            .collect();
        troubles.sort_unstable_by(|a, b| {
            let rank = |t: &Trouble| (t.troubled_before, !t.worked_before, std::cmp::Reverse(t.count));
            rank(a).cmp(&rank(b)).then_with(|| a.peer.cmp(&b.peer))
        });
        troubles
    }

    /// What could not be read or used, in words.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.problems.clone();
        let lines = self.tally.lines;
        let mut say = |count: u64, what: &str| {
            if count > 0 {
                warnings.push(format!("mail log: {count} {what}"));
            }
        };
        say(
            lines.ambiguous,
            "lines in which a field could be read in two places were not used",
        );
        say(
            lines.not_understood,
            "Sent or Recv lines were not understood and not used",
        );
        say(lines.overlong, "lines over 256 KiB were skipped");
        say(
            lines.in_future,
            "lines dated more than a day ahead were not used (clock or time zone?)",
        );
        say(
            lines.beyond_cap,
            "lines of peers beyond the first 200,000 were not used",
        );
        if self.tally.waiting_overflowed() {
            warnings.push("mail log: so many messages wait that some count as delayed more than once".to_owned());
        }
        if self.tally.domains_overflowed() {
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
        Kind::Outbound => (Direction::Outbound, Service::Smtp),
        Kind::Inbound(service) => (Direction::Inbound, service),
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
        Kind::Inbound(Service::Smtp) => tally.other.span(),
        Kind::Inbound(_) | Kind::Outbound => Span::default(),
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
