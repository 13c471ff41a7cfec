use super::*;
use crate::peers::host::OwnHosts;
use crate::peers::log::findings::LogFindings;
use crate::peers::log::key::address;
use crate::peers::log::line::{self, LogLine};
use crate::peers::log::stretch::Reader;
use jiff::tz::TimeZone;
use proptest::prelude::*;

const SENT: &str = "Sent: Queue-ID: 63073369-00000003, Recipient: <c@example.net>, Result: delivered, \
    Status: 2.0.0 , Remote-Host: 198.51.100.7, Msg-Id: <id@example.org>";
const RECV: &str = "Recv: Queue-ID: 63073369-00000003, Service: SMTP, From: <a@example.org>, To: <b@example.com>, \
    Size: 3687, Sender-Host: 192.0.2.180, SSL: yes, Subject: Re: x, Msg-Id: <id@example.org>";

/// Behind it: the fast lane needs to see a few dozen bytes more than the line.
const NEXT: &str = "[25/Aug/2022 15:31:37] Sent: Queue-ID: 63073369-00000004, Recipient: <x@y>, Result: delivered, Status: 2.0.0 , \
    Remote-Host: 192.0.2.7, Msg-Id: <z>\n";

/// The fast lane's answer for the line at the head of `text`, after it was held against the strict reader's.
fn checked(text: &[u8]) -> Option<Usual<'_>> {
    let (common, rest) = read(text)?;
    let line = &text[..text.len() - rest.len()];
    assert!(rest.starts_with(b"\n") && !line.contains(&b'\n'));
    let shown = String::from_utf8_lossy(line);
    match (&common, line::parse(line, true)) {
        (Usual::Made, LogLine::Received(strict)) => assert_eq!(strict.host, None, "{shown}"),
        (
            Usual::Sent {
                host,
                id,
                domain,
                outcome,
                status,
            },
            LogLine::Sent(strict),
        ) => {
            assert_eq!(
                (&id[..], *domain, *outcome, *status),
                (strict.queue_id, strict.domain(), strict.outcome, strict.status),
                "{shown}"
            );
            // A key that is no address was never put into the table.
            if let Some(address) = strict.host.and_then(address) {
                assert_eq!(*host, HostKey::of(PeerKind::Outbound, address), "{shown}");
            }
        }
        (Usual::Received { host, id, user, tls }, LogLine::Received(strict)) => {
            let read = (&id[..], *user, *tls);
            assert_eq!(read, (strict.queue_id, strict.user, strict.tls), "{shown}");
            if let Some(address) = strict.host.and_then(address) {
                let kind = PeerKind::Inbound(service(strict.service));
                assert_eq!(*host, HostKey::of(kind, address), "{shown}");
            }
        }
        (common, strict) => panic!("{common:?} but {strict:?} from {shown}"),
    }
    Some(common)
}

#[test]
fn the_usual_lines_take_the_fast_lane() {
    let sent = checked(format!("{SENT}\n{NEXT}").as_bytes()).is_some();
    let crlf = checked(format!("{SENT}\r\n{NEXT}").as_bytes()).is_some();
    let with_user = RECV
        .replace(", SSL", ", User: a@example.org, SSL")
        .replace("SMTP", "ActiveSync");
    let manual = RECV.replace(", Sender-Host", ", User: a@example.org, Sender-Host");
    let received = [RECV, &with_user, &manual].map(|line| checked(format!("{line}\n{NEXT}").as_bytes()).is_some());
    assert!(sent && crlf && received == [true; 3]);
    let key = HostKey::of(PeerKind::Inbound(Service::Smtp), "192.0.2.180".parse().unwrap());
    assert!(matches!(
        checked(format!("{RECV}\n{NEXT}").as_bytes()),
        Some(Usual::Received { host, tls: true, user: false, .. }) if host == key
    ));
}

#[test]
fn a_line_torn_anywhere_never_borrows_from_the_next_one() {
    for line in [SENT, RECV] {
        for cut in 0..line.len() {
            let (torn, lost) = line.split_at(cut);
            for next in [SENT, RECV, lost] {
                checked(format!("{torn}\n{next}\n{NEXT}").as_bytes());
            }
        }
        let endless = format!("{line}{}", "x".repeat(200));
        assert_eq!(read(endless.as_bytes()), None, "without a line feed");
    }
}

#[test]
fn what_the_strict_reader_does_not_use_is_left_to_it() {
    for line in [
        SENT.replace("id@example.org", "id, Remote-Host: 192.0.2.66"),
        SENT.replace("id@example.org", "id, Status: 2.0.0 "),
        SENT.replace("2.0.0 ", "2.0.0 , Remote-Host: 192.0.2.66"),
        SENT.replace("<c@", "<\"c\"@"),
        SENT.replace("delivered", "relayed"),
        SENT.replace("delivered, Status: 2.0.0 ", "failed, Status: 5.1.1 no, Status: no "),
        SENT.replace(", Status: 2.0.0 ", ", Status:2.0.0 "),
        RECV.replace("Re: x", "x, Size: 1, Sender-Host: 192.0.2.66"),
        RECV.replace("Re: x", "x,Size: 1,Sender-Host: 192.0.2.66"),
        RECV.replace("Re: x", "x, Size: y"),
        RECV.replace(", SSL", ", User: , SSL"),
        RECV.replace(", ", ","),
        SENT.replace(", ", ","),
        SENT.replace("2.0.0 ", "2.0.0 x,Remote-Host: 192.0.2.66"),
        SENT.replace("id@example.org", "id,Status:x"),
        RECV.replace("3687", ""),
        RECV.replace(", SSL: yes", ", SSL: y"),
        RECV.replace(", Sender-Host: 192.0.2.180", ""),
        RECV.replace("63073369-0", "63073369,0"),
        RECV.replace("63073369-0", "6307,369-0"),
    ] {
        assert_eq!(checked(format!("{line}\n{NEXT}").as_bytes()), None, "{line}");
    }
}

#[test]
fn troubles_and_reports_take_the_fast_lane_too() {
    let words = "5.1.1 <nobody>: Recipient rejected, User unknown";
    for result in ["delayed", "failed", "delivered"] {
        let line = SENT.replace("delivered", result).replace("2.0.0", words);
        let expected = checked(format!("{line}\n{NEXT}").as_bytes()).map(|common| match common {
            Usual::Sent { status, .. } => String::from_utf8_lossy(status).into_owned(),
            other => format!("{other:?}"),
        });
        assert_eq!(expected.as_deref(), Some(words), "{result}");
    }
    let made = RECV.replace("Sender-Host: 192.0.2.180, SSL: yes", "Report: delayed");
    assert_eq!(checked(format!("{made}\n{NEXT}").as_bytes()), Some(Usual::Made));
}

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
    (0_u8..15, 0_u8..5, 0_u8..12, 0_u8..3, 0_u8..60).prop_map(|(kind, peer, id, domain, second)| {
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
            11 => sent("delivered", "2.0.0 ").replace("192.0.2.", "2001:db8::"),
            12 => received(&format!("User: u, Sender-Host: 192.0.2.{peer}")),
            13 => received(&format!("User: , Sender-Host: 192.0.2.{peer}, SSL: yes")),
            _ => received(&format!("Sender-Host: 192.0.2.{peer}, SSL: yes")).replace(", ", ","),
        };
        format!("[25/Aug/2022 15:31:{second:02}] {message}\n")
    })
}

fn reader(own: &OwnHosts) -> Reader<'_> {
    Reader::new(TimeZone::UTC, own, 0, 1_661_500_000)
}

#[test]
fn a_usual_line_of_a_known_peer_takes_the_fast_lane() {
    let own = OwnHosts::default();
    let mut reader = reader(&own);
    let text = format!("{SENT}\n{NEXT}");
    assert!(
        count(text.as_bytes(), 0, &mut reader.tally).is_none(),
        "the peer is not known yet"
    );
    reader.line(
        format!("[25/Aug/2022 15:31:37] {}", SENT.replace("00003,", "00002,")).as_bytes(),
        true,
    );
    assert!(count(text.as_bytes(), 1_661_441_497, &mut reader.tally).is_some());
    assert_eq!(reader.tally.peers().next().unwrap().0.delivered.count(), 2);
}

/// Text as a stranger would write it who knows the format; line feeds too, as a torn line leaves them.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        ", Sender-Host: 192.0.2.66",
        ", Remote-Host: 192.0.2.66",
        ", Msg-Id: <z>",
        ", SSL: yes",
        ", User: root",
        ", Size: 1",
        ",Size: 1",
        ",User: x",
        ", User: ",
        ",Status:",
        ">, To: <x@y>",
        ", Subject: z",
        ">, Result: delivered, Status: 2.0.0 ",
        "Sent: Queue-ID: 63073369-00000003",
        ">",
        "<",
        "\"",
        "\\",
        ", ",
        "\n",
        "\r",
        "x",
    ]);
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn the_fast_lane_never_differs_from_the_strict_reader(
        text in prop::array::uniform3(hostile()), tls in any::<bool>(), host in "[0-9.]{1,16}", next in hostile(),
    ) {
        let [a, b, c] = text;
        let sent = format!(
            "Sent: Queue-ID: 63073369-00000003, Recipient: <c{a}@example.net>, Result: delivered, Status: 2.0.0 {b}, \
             Remote-Host: {host}, Msg-Id: <{c}>\n{next}\n{NEXT}"
        );
        for result in ["delivered", "delayed", "failed", "delivered, Status: 4.7.5 x"] {
            checked(sent.replacen("delivered, Status: 2.0.0", &format!("{result}, Status: 4.0.0"), 1).as_bytes());
        }
        checked(sent.as_bytes());
        let made = format!(
            "Recv: Queue-ID: 63073369-00000003, Service: DSN, From: <>, To: <b{a}@example.com>, Size: 3687{b}, Report: {c}\n{next}\n{NEXT}"
        );
        checked(made.as_bytes());
        let tls = if tls { ", SSL: yes" } else { "" };
        let received = format!(
            "Recv: Queue-ID: 63073369-00000003, Service: SMTP, From: <a{a}@example.org>, To: <b@example.com>, Size: 3687, \
             Sender-Host: {host}{b}{tls}, Subject: {c}, Msg-Id: <id@example.org>\n{next}\n{NEXT}"
        );
        checked(received.as_bytes());
    }

    #[test]
    fn changed_bytes_never_make_it_differ(at in 0_usize..250, bytes in prop::collection::vec(any::<u8>(), 1..4), cut in 0_usize..4) {
        for line in [SENT, RECV] {
            let mut text = format!("{line}\n{NEXT}").into_bytes();
            let at = at.min(line.len() + 1);
            let end = (at + cut).min(line.len() + 1);
            text.splice(at..end, bytes.iter().copied());
            checked(&text);
        }
    }

    #[test]
    fn both_readers_count_the_same(
        lines in prop::collection::vec(prop_oneof![9 => any_line(), 1 => hostile().prop_map(|text| format!("[25/Aug/2022 15:31:37] {text}\n"))], 0..150),
        cuts in prop::collection::vec(0_usize..90, 0..6),
    ) {
        let own = OwnHosts::default();
        let mut strict = reader(&own);
        let text = lines.concat();
        for line in text.lines() {
            strict.line(line.as_bytes(), true);
        }
        let mut quick = reader(&own);
        let mut rest = lines.as_slice();
        for cut in cuts.into_iter().chain([usize::MAX]) {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            let text = now.concat();
            prop_assert!(quick.lines(text.as_bytes(), 0, text.len() as u64));
            rest = later;
        }
        prop_assert_eq!(said(strict.tally), said(quick.tally));
    }
}
