use super::*;
use proptest::prelude::*;

/// A line to a peer about the message of this number.
fn about(id: u64, result: &str) -> String {
    format!(
        "[25/Aug/2022 15:31:37] Sent: Queue-ID: 63073369-{id:08x}, Recipient: <c@d.example>, Result: {result}, Status: 2.0.0 , \
         Remote-Host: 192.0.2.1, Msg-Id: <x@y>"
    )
}

/// How many messages these lines delivered and delayed.
fn counted(lines: impl IntoIterator<Item = String>) -> (u32, u64) {
    let own = OwnHosts::default();
    let mut reader = Reader::new(TimeZone::UTC, &own, 0, 1_661_500_000);
    for line in lines {
        reader.line(line.as_bytes(), true);
    }
    let peer = reader.tally.peers().next();
    peer.map_or((0, 0), |(peer, rest)| (peer.delivered.count(), rest.delayed))
}

#[test]
fn a_message_that_was_delayed_is_delivered_once_however_late_its_last_recipient() {
    for first in [["delayed", "delivered"], ["delivered", "delayed"]] {
        let first = first.map(|result| about(5, result));
        let others = (6..60).map(|id| about(id, "delivered"));
        let last = [about(5, "delivered"), about(5, "delayed")];
        let lines = first.into_iter().chain(others).chain(last);
        assert_eq!(counted(lines), (1 + 54, 1));
    }
}

proptest! {
    #[test]
    fn in_whatever_order_its_lines_come_a_message_is_delivered_once_and_delayed_once(
        steps in prop::collection::vec((0_u64..20, any::<bool>()), 0..120),
    ) {
        let of = |wanted| steps.iter().filter(move |(_, well)| *well == wanted).map(|(id, _)| id);
        let count = |wanted| of(wanted).collect::<std::collections::BTreeSet<_>>().len();
        let wanted = (count(true) as u32, count(false) as u64);
        let lines = steps.iter().map(|(id, well)| about(*id, if *well { "delivered" } else { "delayed" }));
        prop_assert_eq!(counted(lines), wanted);
    }
}
