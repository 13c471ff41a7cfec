use super::*;
use proptest::prelude::*;

const RECV: &str = "Recv: Queue-ID: 63073369-00000003, Service: SMTP, From: <a@example.org>, To: <b@example.com>, \
    Size: 3687, Sender-Host: 192.0.2.180, SSL: yes, Subject: Re: x, Msg-Id: <id@example.org>";
const SENT: &str = "Sent: Queue-ID: 63073369-00000003, Recipient: <c@example.net>, Result: delivered, \
    Status: 2.0.0 , Remote-Host: 198.51.100.7, Msg-Id: <id@example.org>";

fn parse(line: &str) -> LogLine<'_> {
    super::parse(line.as_bytes(), true)
}

fn received(line: &str) -> Received<'_> {
    match parse(line) {
        LogLine::Received(r) => r,
        other => panic!("{other:?} from {line}"),
    }
}

fn sent(line: &str) -> Sent<'_> {
    match parse(line) {
        LogLine::Sent(s) => s,
        other => panic!("{other:?} from {line}"),
    }
}

#[test]
fn the_engines_own_lines_are_read() {
    let r = received(RECV);
    assert_eq!(
        (r.queue_id, r.service),
        (b"63073369-00000003".as_slice(), b"SMTP".as_slice())
    );
    assert_eq!((r.host, r.tls, r.user), (Some(b"192.0.2.180".as_slice()), true, false));
    let s = sent(SENT);
    assert_eq!(
        (s.recipient, s.outcome),
        (b"c@example.net".as_slice(), Delivery::Delivered)
    );
    assert_eq!(
        (s.status, s.host),
        (b"2.0.0".as_slice(), Some(b"198.51.100.7".as_slice()))
    );
}

#[test]
fn a_missing_ssl_field_is_no_tls_and_a_user_is_authenticated() {
    let plain = RECV.replace(", SSL: yes", "");
    assert!(!received(&plain).tls);
    let user = RECV.replace(", SSL: yes", ", User: a@example.org, SSL: yes");
    assert!(received(&user).tls && received(&user).user);
}

#[test]
fn the_user_may_stand_before_the_host_and_blanks_behind_commas_may_be_missing() {
    // The order of the vendor's manual.
    let manual = RECV.replace(
        ", Sender-Host: 192.0.2.180",
        ", User: a@example.org, Sender-Host: 192.0.2.180",
    );
    let no_blanks = RECV.replace(", ", ",").replace(",SSL", ",User: a@example.org,SSL");
    for line in [
        &manual,
        &manual.replace(", SSL: yes", ""),
        &no_blanks,
        &manual.replace(", ", ","),
    ] {
        let r = received(line);
        assert_eq!(r.host, Some(b"192.0.2.180".as_slice()), "{line}");
        assert_eq!((r.user, r.tls), (true, line.contains("SSL")), "{line}");
    }
    assert_eq!(sent(&SENT.replace(", ", ",")).host, Some(b"198.51.100.7".as_slice()));
}

#[test]
fn an_empty_user_has_not_logged_in_and_hides_nothing_behind_it() {
    for user in [", User: ", ", User:", ",User: ", ", User:  "] {
        let before = RECV.replace(", Sender-Host", &format!("{user}, Sender-Host"));
        let behind = RECV.replace(", SSL", &format!("{user}, SSL"));
        for line in [before, behind] {
            let r = received(&line);
            let read = (r.host, r.user, r.tls);
            assert_eq!(read, (Some(b"192.0.2.180".as_slice()), false, true), "{line}");
        }
        let last = RECV.split(", SSL").next().unwrap().to_owned() + user;
        assert_eq!((received(&last).user, received(&last).tls), (false, false), "{last}");
    }
}

#[test]
fn a_field_that_is_not_known_is_not_passed_over() {
    for line in [
        RECV.replace(", Sender-Host", ", Colour: red, Sender-Host"),
        RECV.replace(", SSL: yes", ", Colour: red"),
        RECV.replace(", SSL: yes", ", Sender-Host: 192.0.2.66, SSL: yes"),
    ] {
        assert_eq!(parse(&line), LogLine::NotUnderstood, "{line}");
    }
}

#[test]
fn the_subject_may_stand_before_or_after_the_message_id() {
    let after = RECV.replace(
        "Subject: Re: x, Msg-Id: <id@example.org>",
        "Msg-Id: <id@example.org>, Subject: Re: x",
    );
    assert_eq!(received(&after), received(RECV));
    let without = RECV.replace(", Subject: Re: x, Msg-Id: <id@example.org>", ", Subject: ");
    assert!(received(&without).tls);
}

#[test]
fn a_bounce_has_no_sender_and_no_host() {
    let line = "Recv: Queue-ID: 63073369-00000004, Service: DSN, From: <>, To: <a@example.org>, Size: 900, \
        Report: failed, Subject: Undeliverable, Sender-Host: 192.0.2.66, SSL: yes, Msg-Id: <x@y>";
    assert_eq!(received(line).host, None);
}

#[test]
fn several_recipients_are_read_over() {
    for to in [
        "<b@example.com>, <c@example.com>",
        "<b@example.com>,<c@example.com>",
        "<b@example.com>, To: <c@example.com>",
    ] {
        let line = RECV.replace("<b@example.com>", to);
        assert_eq!(received(&line).host, Some(b"192.0.2.180".as_slice()), "{to}");
    }
}

#[test]
fn every_result_word_has_its_outcome() {
    for (word, outcome) in [
        ("delivered", Delivery::Delivered),
        ("relayed", Delivery::Delivered),
        ("delayed", Delivery::Delayed),
        ("deferred", Delivery::Delayed),
        ("failed", Delivery::Failed),
        ("teleported", Delivery::Other),
    ] {
        assert_eq!(sent(&SENT.replace("delivered", word)).outcome, outcome);
    }
}

#[test]
fn a_subject_that_names_fields_forges_none() {
    for subject in [
        "x, Sender-Host: 192.0.2.66, SSL: yes",
        "\">, To: <z@z>, Sender-Host: 192.0.2.66",
        ", Remote-Host: 192.0.2.66, Msg-Id: <q>",
        "x, User: admin, SSL: yes",
        ",User: admin,SSL: yes",
    ] {
        let line = RECV.replace(", SSL: yes", "").replace("Re: x", subject);
        let r = received(&line);
        assert_eq!(
            (r.host, r.tls, r.user),
            (Some(b"192.0.2.180".as_slice()), false, false),
            "{subject}"
        );
    }
}

#[test]
fn a_status_that_names_a_remote_host_is_ambiguous() {
    for status in [
        "4.0.0 x, Remote-Host: 192.0.2.66",
        "4.0.0 x, Remote-Host: 192.0.2.66, Msg-Id: <y>, Status: z",
        "4.0.0 x,Remote-Host: 192.0.2.66",
        "4.0.0 x,Status:z",
    ] {
        assert_eq!(parse(&SENT.replace("2.0.0 ", status)), LogLine::Ambiguous, "{status}");
    }
    let msg_id = SENT.replace("id@example.org", "id, Remote-Host: 192.0.2.66");
    assert_eq!(parse(&msg_id), LogLine::Ambiguous);
}

#[test]
fn quoted_local_parts_are_respected_and_quotes_that_do_not_close_in_time_are_ambiguous() {
    let forged = "x, Result: delivered, Status: 2.0.0 , Remote-Host: 192.0.2.66, Msg-Id: <z";
    let quoted = SENT.replace("<c@", &format!("<\"{forged}\"@"));
    assert_eq!(sent(&quoted).host, Some(b"198.51.100.7".as_slice()));
    let quoted = RECV.replace("<a@", "<\"x, Sender-Host: 192.0.2.66, SSL: yes\"@");
    assert_eq!(received(&quoted).host, Some(b"192.0.2.180".as_slice()));
    let harmless = RECV.replace("<a@", "<\"x>y\"@");
    assert_eq!(received(&harmless).host, Some(b"192.0.2.180".as_slice()));

    // A quote opened in the address and closed in the subject.
    let open = RECV
        .replace("<a@", "<\"a@")
        .replace("Re: x", "\">, To: <y@z>, Size: 2, Sender-Host: 192.0.2.66, Subject: z");
    assert_eq!(parse(&open), LogLine::Ambiguous);
    // The engine shows a quoted local part without its quotes.
    let stripped = RECV.replace(
        "<a@",
        "<x>, To: <y>, Size: 1, Sender-Host: 192.0.2.66, SSL: yes, Subject: @",
    );
    assert_eq!(parse(&stripped), LogLine::Ambiguous);
    let stripped = SENT.replace(
        "<c@",
        "<x>, Result: delivered, Status: 2.0.0 , Remote-Host: 192.0.2.66, Msg-Id: <@",
    );
    assert_eq!(parse(&stripped), LogLine::Ambiguous);
}

#[test]
fn a_line_cut_anywhere_gives_the_same_or_nothing() {
    let whole_received = received(RECV);
    let whole_sent = sent(SENT);
    for cut in 0..RECV.len() {
        match super::parse(&RECV.as_bytes()[..cut], false) {
            LogLine::Received(r) => assert!(r == whole_received || r.host.is_none(), "{cut}: {r:?}"),
            other => assert!(
                matches!(other, LogLine::Other | LogLine::NotUnderstood),
                "{cut}: {other:?}"
            ),
        }
    }
    for cut in 0..SENT.len() {
        match super::parse(&SENT.as_bytes()[..cut], false) {
            LogLine::Sent(s) => assert!(s == whole_sent || s.host.is_none(), "{cut}: {s:?}"),
            other => assert!(
                matches!(other, LogLine::Other | LogLine::NotUnderstood),
                "{cut}: {other:?}"
            ),
        }
    }
}

/// Text as a stranger would write it who knows the format.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(", Sender-Host: 192.0.2.66".to_owned()),
        Just(", Remote-Host: 192.0.2.66".to_owned()),
        Just(", Msg-Id: <z>".to_owned()),
        Just(", SSL: yes".to_owned()),
        Just(", User: root".to_owned()),
        Just(", Size: 1".to_owned()),
        Just(">, To: <x@y>".to_owned()),
        Just(", Subject: z".to_owned()),
        Just(", Result: delivered".to_owned()),
        Just(", Status: 2.0.0 ".to_owned()),
        Just(">".to_owned()),
        Just("<".to_owned()),
        Just("\"".to_owned()),
        Just("\\".to_owned()),
        Just(", ".to_owned()),
        "[ -~]{0,6}",
    ];
    prop::collection::vec(piece, 0..9).prop_map(|pieces| pieces.concat())
}

/// A mailbox whose local part a stranger chose, as SMTP can carry it: a quoted string (RFC 5321 section 4.1.2), shown
/// with its quotes or, should the engine do that, without.
fn hostile_mailbox() -> impl Strategy<Value = String> {
    (hostile(), any::<bool>()).prop_map(|(text, quotes)| {
        if quotes {
            let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
            format!("<\"{quoted}\"@example.org>")
        } else {
            format!("<{text}@example.org>")
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..300, whole in any::<bool>()) {
            super::parse(&bytes, whole);
        for line in [RECV, SENT] {
            let cut = cut.min(line.len());
            let mut mixed = line.as_bytes()[..cut].to_vec();
            mixed.extend_from_slice(&bytes);
            super::parse(&mixed, whole);
            mixed.extend_from_slice(&line.as_bytes()[cut..]);
            super::parse(&mixed, whole);
        }
    }

    #[test]
    fn no_subject_sender_or_recipient_changes_a_received_line(
        subject in hostile(), from in hostile_mailbox(), to in hostile_mailbox(), tls in any::<bool>(), subject_first in any::<bool>(),
    ) {
        let tls_field = if tls { ", SSL: yes" } else { "" };
        let tail = if subject_first {
            format!("Subject: {subject}, Msg-Id: <id@example.org>")
        } else {
            format!("Msg-Id: <id@example.org>, Subject: {subject}")
        };
        let line = format!(
            "Recv: Queue-ID: 63073369-00000003, Service: SMTP, From: {from}, To: {to}, Size: 3687, Sender-Host: 192.0.2.180{tls_field}, {tail}"
        );
        match parse(&line) {
            LogLine::Received(r) => {
                prop_assert_eq!(r.host, Some(b"192.0.2.180".as_slice()), "{}", line);
                prop_assert_eq!((r.tls, r.user), (tls, false), "{}", line);
            }
            LogLine::Ambiguous | LogLine::NotUnderstood => {}
            other => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn a_hostile_subject_alone_hides_its_message_only_by_a_second_size(subject in hostile()) {
        let line = RECV.replace("Re: x", &subject);
        match parse(&line) {
            LogLine::Received(r) => prop_assert_eq!(r.host, Some(b"192.0.2.180".as_slice())),
            LogLine::Ambiguous => prop_assert!(subject.contains(", Size: ")),
            other => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn no_status_recipient_or_message_id_changes_a_sent_line(
        status in hostile(), to in hostile_mailbox(), id in hostile(), with_host in any::<bool>(),
    ) {
        let host = if with_host { ", Remote-Host: 198.51.100.7" } else { ", Remote-Host: 127.0.0.1" };
        let line = format!(
            "Sent: Queue-ID: 63073369-00000003, Recipient: {to}, Result: failed, Status: 5.0.0 {status}{host}, Msg-Id: <{id}>"
        );
        match parse(&line) {
            LogLine::Sent(s) => {
                let expected = if with_host { b"198.51.100.7".as_slice() } else { b"127.0.0.1" };
                prop_assert_eq!(s.host, Some(expected), "{}", line);
                prop_assert_eq!(s.outcome, Delivery::Failed);
            }
            LogLine::Ambiguous | LogLine::NotUnderstood => {}
            other => prop_assert!(false, "{other:?}"),
        }
    }
}
