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

proptest! {
    #[test]
    fn lines_counted_together_say_what_each_says_alone(
        lines in prop::collection::vec(any_line(), 0..150), cuts in prop::collection::vec(0_usize..90, 0..6),
    ) {
        let own = OwnHosts::default();
        let reader = || Reader::new(TimeZone::UTC, &own, 0, 1_661_500_000);
        let mut alone = reader();
        for line in &lines {
            alone.line(line.trim_end().as_bytes(), true);
        }
        let mut together = reader();
        let mut rest = lines.as_slice();
        for cut in cuts.into_iter().chain([usize::MAX]) {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            let text = now.concat();
            prop_assert!(together.lines(text.as_bytes(), 0, text.len() as u64));
            rest = later;
        }
        prop_assert_eq!(said(alone.tally), said(together.tally));
    }
}
