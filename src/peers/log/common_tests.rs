use super::*;
use crate::peers::Service;
use crate::peers::log::key::address;
use crate::peers::log::line::{self, Line};
use proptest::prelude::*;

const SENT: &str = "Sent: Queue-ID: 63073369-00000003, Recipient: <c@example.net>, Result: delivered, \
    Status: 2.0.0 , Remote-Host: 198.51.100.7, Msg-Id: <id@example.org>";
const RECV: &str = "Recv: Queue-ID: 63073369-00000003, Service: SMTP, From: <a@example.org>, To: <b@example.com>, \
    Size: 3687, Sender-Host: 192.0.2.180, SSL: yes, Subject: Re: x, Msg-Id: <id@example.org>";

/// Behind it: the short cut needs to see a few dozen bytes more than the line.
const NEXT: &str = "[25/Aug/2022 15:31:37] Sent: Queue-ID: 63073369-00000004, Recipient: <x@y>, Result: delivered, Status: 2.0.0 , \
    Remote-Host: 192.0.2.7, Msg-Id: <z>\n";

/// The short cut's answer for the line at the head of `text`, after it was held against the strict reader's.
fn checked(text: &[u8]) -> Option<Common<'_>> {
    let (common, rest) = read(text)?;
    let line = &text[..text.len() - rest.len()];
    assert!(rest.starts_with(b"\n") && !line.contains(&b'\n'));
    let shown = String::from_utf8_lossy(line);
    match (&common, line::parse(line, true)) {
        (Common::Made, Line::Received(strict)) => assert_eq!(strict.host, None, "{shown}"),
        (
            Common::Sent {
                host,
                id,
                domain,
                outcome,
                status,
            },
            Line::Sent(strict),
        ) => {
            assert_eq!(
                (&id[..], *domain, *outcome, *status),
                (strict.queue_id, strict.domain(), strict.outcome, strict.status),
                "{shown}"
            );
            // A key that is no address was never put into the table.
            if let Some(address) = strict.host.and_then(address) {
                assert_eq!(*host, HostKey::of(Kind::Outbound, address), "{shown}");
            }
        }
        (Common::Received { host, id, user, tls }, Line::Received(strict)) => {
            let read = (&id[..], *user, *tls);
            assert_eq!(read, (strict.queue_id, strict.user, strict.tls), "{shown}");
            if let Some(address) = strict.host.and_then(address) {
                let kind = Kind::Inbound(service(strict.service));
                assert_eq!(*host, HostKey::of(kind, address), "{shown}");
            }
        }
        (common, strict) => panic!("{common:?} but {strict:?} from {shown}"),
    }
    Some(common)
}

#[test]
fn the_usual_lines_take_the_short_cut() {
    let sent = checked(format!("{SENT}\n{NEXT}").as_bytes()).is_some();
    let crlf = checked(format!("{SENT}\r\n{NEXT}").as_bytes()).is_some();
    let with_user = RECV
        .replace(", SSL", ", User: a@example.org, SSL")
        .replace("SMTP", "ActiveSync");
    let received = [RECV, &with_user].map(|line| checked(format!("{line}\n{NEXT}").as_bytes()).is_some());
    assert!(sent && crlf && received == [true, true]);
    let key = HostKey::of(Kind::Inbound(Service::Smtp), "192.0.2.180".parse().unwrap());
    assert!(matches!(
        checked(format!("{RECV}\n{NEXT}").as_bytes()),
        Some(Common::Received { host, tls: true, user: false, .. }) if host == key
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
        RECV.replace("Re: x", "x, Size: y"),
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
fn troubles_and_reports_take_the_short_cut_too() {
    let words = "5.1.1 <nobody>: Recipient rejected, User unknown";
    for result in ["delayed", "failed", "delivered"] {
        let line = SENT.replace("delivered", result).replace("2.0.0", words);
        let expected = checked(format!("{line}\n{NEXT}").as_bytes()).map(|common| match common {
            Common::Sent { status, .. } => String::from_utf8_lossy(status).into_owned(),
            other => format!("{other:?}"),
        });
        assert_eq!(expected.as_deref(), Some(words), "{result}");
    }
    let made = RECV.replace("Sender-Host: 192.0.2.180, SSL: yes", "Report: delayed");
    assert_eq!(checked(format!("{made}\n{NEXT}").as_bytes()), Some(Common::Made));
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
    fn the_short_cut_never_differs_from_the_strict_reader(
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
}
