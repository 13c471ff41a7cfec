use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::probe::Limits;

/// A peer that sends these pieces, one after each command (the first at once), then closes.
struct Script {
    pieces: VecDeque<Vec<u8>>,
    sent: Vec<u8>,
    /// What was sent before the first piece had been read.
    early: usize,
    read_any: bool,
}

impl Channel for Script {
    fn receive(&mut self, buffer: &mut [u8], _until: Instant) -> Result<usize, Cut> {
        self.read_any = true;
        let Some(mut piece) = self.pieces.pop_front() else {
            return Err(Cut::Closed);
        };
        let n = piece.len().min(buffer.len());
        buffer[..n].copy_from_slice(&piece[..n]);
        if n < piece.len() {
            self.pieces.push_front(piece.split_off(n));
        }
        Ok(n)
    }

    fn send(&mut self, bytes: &[u8], _until: Instant) -> Result<(), Cut> {
        self.early += if self.read_any { 0 } else { bytes.len() };
        self.sent.extend(bytes);
        Ok(())
    }
}

fn play(start: Start, pieces: &[&[u8]]) -> (Result<(), Stop>, String) {
    let pieces = pieces.iter().filter(|p| !p.is_empty()).map(|p| p.to_vec()).collect();
    let mut script = Script {
        pieces,

        sent: Vec::new(),
        early: 0,
        read_any: false,
    };
    let whole = Instant::now() + Duration::from_secs(45);
    let result = begin(&mut script, start, "mail.example.org", &Limits::default(), whole);
    assert_eq!(script.early, 0, "spoke before the greeting");
    (result, String::from_utf8(script.sent).unwrap())
}

#[test]
fn smtp_waits_for_each_reply_and_then_begins() {
    let (result, sent) = play(
        Start::Smtp,
        &[
            b"220-mx.example.org\r\n220 ESMTP\r\n",
            b"250-mx\r\n250-SIZE 1\r\n250 STARTTLS\r\n",
            b"220 go\r\n",
        ],
    );
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(sent, "EHLO mail.example.org\r\nSTARTTLS\r\n");
}

#[test]
fn replies_split_byte_by_byte_read_the_same() {
    let all = b"220 mx\r\n250-mx\r\n250 starttls\r\n220 go\r\n";
    let bytes: Vec<&[u8]> = all.chunks(1).collect();
    assert!(play(Start::Smtp, &bytes).0.is_ok());
}

#[test]
fn starttls_is_seen_on_any_line_and_however_the_line_ends() {
    for offers in [
        &b"250-STARTTLS\r\n250 8BITMIME\r\n"[..],
        b"250 STARTTLS\r\n",
        b"250-mx\r\n250-StartTLS\t\r\n250 SIZE 9\r\n",
        b"250-mx\r\r\n250-STARTTLS\r\r\n250 SIZE 9\r\r\n",
        b"250-mx\n250 STARTTLS\n",
        b"250-mx\r\n250- STARTTLS\r\n250 SIZE 9\r\n",
    ] {
        let (result, _) = play(Start::Smtp, &[b"220 mx\r\n", offers, b"220 go\r\n"]);
        assert!(result.is_ok(), "{}: {result:?}", String::from_utf8_lossy(offers));
    }
}

#[test]
fn a_firewall_that_masks_starttls_is_named() {
    let masked: &[u8] = b"250-mx\r\n250-SIZE 10\r\n250-XXXXXXXA\r\n250 HELP\r\n";
    let greeting: &[u8] = b"220 ****************\r\n";
    let (result, _) = play(Start::Smtp, &[greeting, masked, b"221 bye\r\n"]);
    assert!(
        matches!(&result, Err(Stop::NoStartTls(Some(why))) if why.contains("XXXXXXXA")),
        "{result:?}"
    );
    let (result, _) = play(
        Start::Smtp,
        &[greeting, b"250-mx\r\n250 XCLIENT NAME\r\n", b"221 bye\r\n"],
    );
    assert!(matches!(result, Err(Stop::NoStartTls(None))), "{result:?}");
}

#[test]
fn smtp_without_starttls_is_left_politely() {
    for offers in [
        &b"250 mx.example.org\r\n"[..],
        b"250-mx\r\n250-XSTARTTLS\r\n250 SIZE 9\r\n",
        b"502 no EHLO\r\n",
        b"250 starttls.example.org at your service\r\n",
    ] {
        let (result, sent) = play(Start::Smtp, &[b"220 mx\r\n", offers, b"221 bye\r\n"]);
        assert!(matches!(result, Err(Stop::NoStartTls(None))), "{result:?}");
        assert_eq!(sent, "EHLO mail.example.org\r\nQUIT\r\n");
    }
}

#[test]
fn a_temporary_no_is_later_and_a_permanent_no_is_refused() {
    let offers: &[u8] = b"250-mx\r\n250 STARTTLS\r\n";
    for (pieces, later) in [
        (vec![&b"421 4.3.2 busy\r\n"[..]], true),
        (vec![b"220 mx\r\n", b"450 greylisted\r\n"], true),
        (vec![b"220 mx\r\n", offers, b"454 TLS not available\r\n"], true),
        (vec![b"554 no\r\n"], false),
        (vec![b"220 mx\r\n", b"550 who are you\r\n"], false),
        (vec![b"220 mx\r\n", offers, b"503 no\r\n"], false),
    ] {
        let (result, sent) = play(Start::Smtp, &pieces);
        match result {
            Err(Stop::Later(words)) => assert!(later && words.starts_with('4'), "{words}"),
            Err(Stop::Refused(words)) => assert!(!later && words.starts_with('5'), "{words}"),
            other => panic!("{other:?}"),
        }
        assert!(sent.ends_with("QUIT\r\n"));
    }
}

#[test]
fn bytes_after_go_ahead_are_refused() {
    for (start, pieces) in [
        (
            Start::Smtp,
            [
                &b"220 mx\r\n"[..],
                b"250-mx\r\n250 STARTTLS\r\n",
                b"220 go\r\n250 injected\r\n",
            ],
        ),
        (
            Start::Imap,
            [b"* OK hi\r\n", b"* CAPABILITY STARTTLS\r\nk1 OK\r\n", b"k2 OK go\r\nx"],
        ),
        (Start::Pop3, [b"+OK hi\r\n", b"+OK\r\nSTLS\r\n.\r\n", b"+OK go\r\n\x16"]),
    ] {
        let (result, _) = play(start, &pieces);
        assert!(matches!(result, Err(Stop::NotTls(_))), "{result:?}");
    }
}

#[test]
fn imap_begins_or_says_why_not() {
    let ready: &[u8] = b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n";
    let (result, sent) = play(
        Start::Imap,
        &[
            ready,
            b"* CAPABILITY IMAP4rev1 STARTTLS\r\nk1 OK done\r\n",
            b"* NO note\r\nk2 OK go\r\n",
        ],
    );
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(sent, "k1 CAPABILITY\r\nk2 STARTTLS\r\n");
    let (result, sent) = play(Start::Imap, &[ready, b"* CAPABILITY IMAP4rev1\r\nk1 OK done\r\n"]);
    assert!(
        matches!(result, Err(Stop::NoStartTls(None))) && sent.ends_with("k9 LOGOUT\r\n"),
        "{result:?}"
    );
    assert!(matches!(play(Start::Imap, &[b"* BYE busy\r\n"]).0, Err(Stop::Later(_))));
    assert!(matches!(
        play(Start::Imap, &[b"* PREAUTH you\r\n"]).0,
        Err(Stop::Refused(_))
    ));
    assert!(matches!(
        play(Start::Imap, &[b"220 mx ESMTP\r\n"]).0,
        Err(Stop::NotTls(_))
    ));
    assert!(matches!(
        play(Start::Imap, &[ready, b"k1 BAD no\r\n"]).0,
        Err(Stop::Refused(_))
    ));
}

#[test]
fn pop3_begins_or_says_why_not() {
    let (result, sent) = play(
        Start::Pop3,
        &[b"+OK hi\r\n", b"+OK\r\nUIDL\r\nSTLS\r\n.\r\n", b"+OK go\r\n"],
    );
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(sent, "CAPA\r\nSTLS\r\n");
    let without: [&[u8]; 2] = [b"+OK hi\r\n", b"+OK\r\nUIDL\r\n.\r\n"];
    assert!(matches!(play(Start::Pop3, &without).0, Err(Stop::NoStartTls(None))));
    assert!(matches!(
        play(Start::Pop3, &[b"+OK\r\n", b"-ERR\r\n", b"-ERR\r\n"]).0,
        Err(Stop::NoStartTls(None))
    ));
    assert!(play(Start::Pop3, &[b"+OK\r\n", b"-ERR\r\n", b"+OK\r\n"]).0.is_ok());
    let blanks = b"+OK\r\n STLS \r\n. \r\n";
    assert!(play(Start::Pop3, &[b"+OK\r\n", blanks, b"+OK\r\n"]).0.is_ok());
    for offers in [
        &b"* CAPABILITY IMAP4rev1\tSTARTTLS\t\r\nk1 OK\r\n"[..],
        b"*  CAPABILITY  IMAP4rev1 STARTTLS\r\nk1 OK\r\n",
        b"k1 OK [CAPABILITY IMAP4rev1 STARTTLS] done\r\n",
    ] {
        assert!(play(Start::Imap, &[b"* OK hi\r\n", offers, b"k2 OK go\r\n"]).0.is_ok());
    }
    assert!(matches!(
        play(Start::Pop3, &[b"-ERR [SYS/TEMP] busy\r\n"]).0,
        Err(Stop::Later(_))
    ));
    assert!(matches!(
        play(Start::Pop3, &[b"-ERR go away\r\n"]).0,
        Err(Stop::Refused(_))
    ));
}

#[test]
fn an_endless_banner_ends() {
    let lines = b"220-more\r\n".repeat(200);
    assert!(matches!(play(Start::Smtp, &[&lines]).0, Err(Stop::Endless(_))));
    let one_line = vec![b'2'; 70_000];
    assert!(matches!(play(Start::Smtp, &[&one_line]).0, Err(Stop::Endless(_))));
}

#[test]
fn what_speaks_something_else_is_named() {
    for strange in [
        &b"HTTP/1.1 400\r\n"[..],
        b"SSH-2.0-x\r\n",
        b"\r\n",
        b"220-a\r\n250 b\r\n",
        b"220x\r\n",
        b"999 x\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
    ] {
        assert!(
            matches!(play(Start::Smtp, &[strange]).0, Err(Stop::NotTls(_))),
            "{strange:?}"
        );
    }
    assert!(matches!(
        play(Start::Smtp, &[]).0,
        Err(Stop::Cut("a greeting", Cut::Closed))
    ));
}

proptest! {
    #[test]
    fn hostile_replies_never_panic_and_never_reach_a_terminal_raw(
        pieces in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 1..50),
                "(220|250|421|\\* OK|k1 OK|\\+OK|-ERR)[ -][A-Z \\x00-\\x1f]{0,9}\r\n".prop_map(String::into_bytes),
            ],
            0..9,
        )
    ) {
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        for start in [Start::Smtp, Start::Imap, Start::Pop3] {
            if let Err(Stop::Refused(w) | Stop::Later(w) | Stop::NotTls(w) | Stop::Endless(w)) = play(start, &pieces).0 {
                prop_assert!(!w.contains(char::is_control) && w.len() < 1_000, "{}", w);
            }
        }
    }
}
