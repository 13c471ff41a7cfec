//! From a probe's outcome to the verdict that a user reads: what issue 4, point 8 is about.

use jiff::Timestamp;
use kerio_tls::peers::{
    BookSources, Evidence, Host, PeerKey, Record, Service, Source, Threshold, Verdict, assess, make_book,
};
use kerio_tls::probe::Outcome;
use kerio_tls::tls::{Direction, TlsVersion};
use kerio_tls::work::{Basis, knowledge};

/// The verdict of a peer of which only this is known.
pub(crate) fn verdict(outcome: &Outcome, minimum: TlsVersion) -> Verdict {
    let record = Record {
        key: PeerKey {
            direction: Direction::Outbound,
            service: Service::Smtp,
            host: Host::Address([192, 0, 2, 25].into()),
            port: None,
        },
        address: None,
        addresses: Vec::new(),
        authenticated: false,
        evidence: Evidence {
            knowledge: knowledge(outcome, Basis::default()),
            source: Source::Probe,
            first_seen: Timestamp::UNIX_EPOCH,
            last_seen: Timestamp::UNIX_EPOCH,
            count: 1,
            raw: String::new(),
        },
    };
    let book = make_book(&BookSources {
        records: &[record],
        ..BookSources::default()
    });
    assess(&book, Direction::Outbound, Threshold::At(minimum)).rows[0].verdict
}

/// A peer that has no version from the minimum on is never called ok, one that has is never called cut off; one that
/// has no TLS at all is neither. Gives the verdict.
pub(crate) fn honest(outcome: &Outcome, speaks: &[TlsVersion], minimum: TlsVersion) -> Verdict {
    let found = verdict(outcome, minimum);
    let never = if speaks.iter().any(|version| *version >= minimum) {
        &[Verdict::CutOff, Verdict::Plain][..]
    } else if speaks.is_empty() {
        &[Verdict::Ok, Verdict::CutOff]
    } else {
        &[Verdict::Ok, Verdict::Plain]
    };
    assert!(
        !never.contains(&found),
        "{found:?} at {minimum}: {outcome:?} of {speaks:?}"
    );
    found
}
