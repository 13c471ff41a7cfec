//! What the engine really offers when it sends mail, as far as its own hellos can prove it.
//!
//! Frames know no process: a hello is taken for the engine's where it went to a server that the mail log knows mail to. And a hello
//! without `supported_versions` shows only the highest version (OpenSSL makes the same bytes whatever the minimum is).

use std::collections::HashMap;
use std::net::IpAddr;

use jiff::Timestamp;

use crate::host::Host;
use crate::peers::{Host as PeerHost, PeerBook};
use crate::probe::Ja4;
use crate::session::Clock;
use crate::tls::{Direction, Minimum, TlsVersion};
use crate::watch::{Row, RowKey};

use super::evidence::Sources;

/// What the hellos say of the setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfferState {
    /// It offers nothing below the minimum, or refused a server that chose less.
    Proven,
    /// It offers, or went on with, a version below the minimum.
    Contradicted,
    /// Its hello shows only its highest version.
    OnlyHighest,
    /// There is no minimum to hold it against; what it offers is seen.
    Seen,
    /// No hello was seen since the engine's start.
    NotSeen,
}

/// What the hellos say, in words, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundProof {
    /// Which.
    pub state: OfferState,
    /// In one sentence.
    pub words: String,
}

impl OfferState {
    /// The stable spelling of JSON.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Contradicted => "contradicted",
            Self::OnlyHighest => "only-highest",
            Self::Seen => "seen",
            Self::NotSeen => "not-seen",
        }
    }
}

/// Holds what was seen since the engine's start against this minimum. `None`: nothing was watched.
#[must_use]
pub fn outbound_proof(
    host: &Host,
    sources: &Sources,
    book: &PeerBook,
    minimum: &Minimum,
    clock: &Clock,
) -> Option<OutboundProof> {
    let sightings = sources.sightings();
    if !sightings.is_there {
        return None;
    }
    let started = host
        .engine
        .controller()
        .and_then(|controller| controller.status().since);
    let since = started
        .and_then(|started| Timestamp::try_from(started).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH);
    let rows = sightings.kept.rows.sorted();
    let rows: Vec<(&RowKey, &Row)> = rows
        .into_iter()
        .filter(|(key, row)| key.direction == Direction::Outbound && row.last >= since)
        .collect();
    let minimum = match minimum {
        Minimum::At(version) => Some(*version),
        Minimum::Default | Minimum::Custom(_) => None,
    };
    Some(judge(&rows, |address| mails(book, address), minimum, since, clock))
}

/// Does mail go to this address, as far as the log knows?
fn mails(book: &PeerBook, address: IpAddr) -> bool {
    let address = PeerHost::Address(address);
    let mut peers = book
        .peers
        .iter()
        .filter(|peer| peer.key.direction == Direction::Outbound);
    peers.any(|peer| peer.key.host == address && peer.messages + peer.delayed + peer.failed > 0)
}

fn judge(
    rows: &[(&RowKey, &Row)],
    mails: impl Fn(IpAddr) -> bool,
    minimum: Option<TlsVersion>,
    since: Timestamp,
    clock: &Clock,
) -> OutboundProof {
    let to_peers: Vec<_> = rows.iter().filter(|(key, _)| mails(key.address)).copied().collect();
    let (who, rows) = if to_peers.is_empty() {
        ("a program on this host", rows)
    } else {
        ("the engine", to_peers.as_slice())
    };
    // One program sends the mail; monitoring and tests by hand are few.
    let mut hellos: HashMap<Option<Ja4>, u32> = HashMap::new();
    for (key, row) in rows {
        *hellos.entry(key.program).or_default() += row.hellos;
    }
    let program = hellos
        .into_iter()
        .max_by_key(|(program, count)| (*count, *program))
        .map(|(program, _)| program);
    let of_program: Vec<_> = rows.iter().filter(|(key, _)| Some(key.program) == program).collect();
    let Some((key, row)) = of_program.iter().max_by_key(|(_, row)| row.last) else {
        return OutboundProof {
            state: OfferState::NotSeen,
            words: "outbound: no connection of the engine was seen yet, so what it offers is not known".to_owned(),
        };
    };
    let seen = format!("(seen {} to {})", clock.date_and_time(row.last), key.address);
    let below = |version: &TlsVersion| minimum.is_some_and(|minimum| *version < minimum);
    let agreed = |row: &Row| {
        row.agreed()
            .find(|(version, last)| below(version) && *last >= since.as_second())
    };
    let went_on = of_program.iter().find_map(|(key, row)| {
        let refused = row.refused.iter().any(|(refusal, _)| !refusal.by_server);
        agreed(row)
            .filter(|_| !refused)
            .map(|(version, _)| (key.address, version))
    });
    let refused = of_program
        .iter()
        .any(|(_, row)| row.refused.iter().any(|(refusal, _)| !refusal.by_server));
    let listed = |versions: &[TlsVersion]| versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let (state, words) = match (&row.offers, minimum, row.max) {
        (_, Some(minimum), _) if let Some((address, version)) = went_on => (
            OfferState::Contradicted,
            format!("{who} agreed to {version} with {address}, below the minimum of {minimum}"),
        ),
        (Some(offers), Some(minimum), _) if offers.iter().any(&below) => (
            OfferState::Contradicted,
            format!("{who} offers {} {seen}, below the minimum of {minimum}", listed(offers)),
        ),
        (Some(offers), Some(_), _) => (OfferState::Proven, format!("{who} offers {} {seen}", listed(offers))),
        (None, Some(minimum), _) if refused => (
            OfferState::Proven,
            format!("{who} refused a server that chose less than {minimum} {seen}"),
        ),
        (Some(offers), None, _) => (OfferState::Seen, format!("{who} offers {} {seen}", listed(offers))),
        (None, _, Some(max)) => (
            OfferState::OnlyHighest,
            format!("{who} offers at most {max} {seen}; how low it goes, its hello does not show"),
        ),
        (None, _, None) => (
            OfferState::OnlyHighest,
            format!("{who} calls other servers {seen}; its hello was not whole"),
        ),
    };
    OutboundProof {
        state,
        words: format!("outbound: {words}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::Kept;

    fn state(
        offers: &str,
        negotiated: &str,
        refused: &str,
        minimum: Option<TlsVersion>,
        mails: bool,
    ) -> (OfferState, String) {
        let line = format!(
            r#"{{"direction":"outbound","port":25,"address":"198.51.100.7","program":null,"ja4":null,"max":"tls1.3","offers":{offers},"hellos":2,"fallbacks":0,"negotiated":{negotiated},"answered":1,"unanswered":0,"refused":{refused},"mark":null,"first":1795860000,"last":1795870000,"last_refused":null,"recent":[]}}"#
        );
        let (kept, bad) = Kept::parse(line.as_bytes());
        assert_eq!(bad, 0, "{line}");
        let clock = Clock {
            now: Timestamp::from_second(1_795_880_000).unwrap(),
            zone: jiff::tz::TimeZone::UTC,
        };
        let proof = judge(&kept.rows.sorted(), |_| mails, minimum, Timestamp::UNIX_EPOCH, &clock);
        (proof.state, proof.words)
    }

    #[test]
    fn a_hello_proves_what_it_shows_and_no_more() {
        let none = "[[0,0],[0,0],[0,0],[0,0],[0,0]]";
        let low = "[[0,0],[1,1795870000],[0,0],[0,0],[0,0]]";
        let (new, all) = ("[\"tls1.2\",\"tls1.3\"]", "[\"tls1.0\",\"tls1.2\",\"tls1.3\"]");
        let at = Some(TlsVersion::Tls12);
        let (proven, words) = state(new, none, "[]", at, true);
        assert_eq!(proven, OfferState::Proven);
        assert!(
            words.starts_with("outbound: the engine offers TLS 1.2, TLS 1.3 (seen "),
            "{words}"
        );
        assert!(state(new, none, "[]", at, false).1.contains("a program on this host"));
        assert_eq!(state(all, none, "[]", at, true).0, OfferState::Contradicted);
        assert_eq!(state("null", none, "[]", at, true).0, OfferState::OnlyHighest);
        assert_eq!(
            state("null", low, "[]", at, true).0,
            OfferState::Contradicted,
            "it went on"
        );
        assert_eq!(
            state("null", low, "[[false,70,1]]", at, true).0,
            OfferState::Proven,
            "it refused"
        );
        assert_eq!(
            state(all, none, "[]", None, true).0,
            OfferState::Seen,
            "the default is measured so"
        );
        let clock = crate::host::clock();
        let nothing = judge(&[], |_| true, at, Timestamp::UNIX_EPOCH, &clock);
        assert_eq!(nothing.state, OfferState::NotSeen);
    }
}
