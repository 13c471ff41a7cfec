use super::*;
use crate::peers::log::LogFindings;
use proptest::prelude::*;

/// Everything that is said of lines in this tally.
fn said(tally: Tally) -> String {
    let findings = LogFindings {
        tally,
        ..LogFindings::default()
    };
    let since = jiff::Timestamp::from_second(1_661_441_500).unwrap();
    format!(
        "{:?}\n{:#?}\n{:#?}\n{:#?}",
        findings.lines(),
        findings.peers(),
        findings.routes(),
        findings.troubles(since)
    )
}

/// A line of few peers, messages and domains: usual ones, troubles, and what only the strict reader understands.
fn any_line() -> impl Strategy<Value = String> {
    (0_u8..12, 0_u8..5, 0_u8..12, 0_u8..3, 0_u8..60).prop_map(|(kind, peer, id, domain, second)| {
        let sent = |result: &str, status: &str| {
            format!(
                "Sent: Queue-ID: 63073369-0000000{id:x}, Recipient: <c@d{domain}.example>, Result: {result}, Status: {status}, \
                 Remote-Host: 192.0.2.{peer}, Msg-Id: <x@y>"
            )
        };
        let received = |rest: &str| {
            format!(
                "Recv: Queue-ID: 63073369-0000000{id:x}, Service: SMTP, From: <a@b>, To: <c@d>, Size: 1, {rest}, Subject: x"
            )
        };
        let message = match kind {
            0..=2 => sent("delivered", "2.0.0 "),
            3 => sent("delayed", "4.7.5 TLS "),
            4 => sent("failed", "5.1.1 no, never "),
            5 => sent("relayed", "2.0.0 "),
            6 => sent("delivered", "2.0.0 , Status: 5.0.0 "),
            7 => received(&format!("Sender-Host: 192.0.2.{peer}, SSL: yes")),
            8 => received(&format!("Sender-Host: 192.0.2.{peer}, User: u")),
            9 => received("Report: delayed"),
            10 => sent("delivered", "2.0.0 ").replace("192.0.2.", "127.0.0."),
            _ => sent("delivered", "2.0.0 ").replace("192.0.2.", "2001:db8::"),
        };
        format!("[25/Aug/2022 15:31:{second:02}] {message}\n")
    })
}

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

#[test]
fn a_usual_line_of_a_known_peer_takes_the_short_cut() {
    let own = OwnHosts::default();
    let mut reader = Reader::new(TimeZone::UTC, &own, 0, 1_661_500_000);
    let text = format!("{}\n{}\n", about(5, "delivered"), about(6, "delivered"));
    assert!(reader.usual(text.as_bytes()).is_none(), "the peer is not known yet");
    reader.line(about(4, "delivered").as_bytes(), true);
    assert!(reader.usual(text.as_bytes()).is_some());
    assert_eq!(reader.tally.peers().next().unwrap().0.delivered.count(), 2);
}

proptest! {
    #[test]
    fn the_short_cut_counts_what_the_strict_reader_counts(
        lines in prop::collection::vec(any_line(), 0..150), cuts in prop::collection::vec(0_usize..90, 0..6),
    ) {
        let own = OwnHosts::default();
        let reader = || Reader::new(TimeZone::UTC, &own, 0, 1_661_500_000);
        let mut strict = reader();
        for line in &lines {
            strict.line(line.trim_end().as_bytes(), true);
        }
        let mut quick = reader();
        let mut rest = lines.as_slice();
        for cut in cuts.into_iter().chain([usize::MAX]) {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            let text = now.concat();
            prop_assert!(quick.lines(text.as_bytes(), 0, text.len() as u64));
            rest = later;
        }
        prop_assert_eq!(said(strict.tally), said(quick.tally));
    }
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
