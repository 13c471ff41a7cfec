//! One Received header of this server's engine. Pure.
//!
//! Only the topmost Received header of a message can be this server's; everything below it, and the name that the client
//! gave itself in it, is a stranger's. It is used only if its `by` host is this server.

use std::net::IpAddr;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use crate::hostile::safe_text;
use crate::peers::host::{Host, OwnHosts};
use crate::tls::TlsVersion;

/// What a session spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Spoke {
    /// No TLS.
    Plain,
    /// TLS of a version that is not known (`TLSv1/SSLv3` of 6.x, or the parenthesis hidden).
    SomeTls,
    /// This version.
    Version(TlsVersion),
}

/// What the header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) client: IpAddr,
    pub(super) spoke: Spoke,
    pub(super) authenticated: bool,
    /// Such as `Kerio Connect 9.2.12`; may be hidden by an option.
    pub(super) engine: Option<String>,
    pub(super) date: Option<Timestamp>,
    /// The `with …` part, safe to show: the evidence.
    pub(super) raw: String,
}

/// Reads the topmost Received header of a message's first bytes. `None`: there is none that is whole, ours, and clear.
pub(super) fn read(head: &[u8], own: &OwnHosts) -> Option<Session> {
    let text = topmost(head)?;
    let text = text.trim();
    let rest = text.strip_prefix("from ")?;
    // The client's own name stands before `by`: two places that could be ours, or none, are not used.
    let mut ours = rest.match_indices(" by ").filter_map(|(at, word)| {
        let (from, after) = (rest.get(..at)?, rest.get(at + word.len()..)?);
        let end = after.find([' ', '(', ';']).unwrap_or(after.len());
        let (host, after) = after.split_at_checked(end)?;
        let is_own = match Host::parse(host)? {
            Host::Address(address) => !address.is_unspecified() && own.has_address(address),
            Host::Name(name) => own.has_name(&name),
        };
        is_own.then_some((from, after))
    });
    let (from, after) = ours.next()?;
    if ours.next().is_some() {
        return None;
    }
    let client = client(from)?;
    if own.has_address(client) {
        return None;
    }
    let (engine, after) = comment(after.trim_start());
    let engine = engine.filter(|e| e.starts_with("Kerio ")).map(|e| safe_text(e, 60));
    let raw = after.split(';').next().unwrap_or_default();
    let with = after.trim_start().strip_prefix("with ")?;
    let end = with.find([' ', '(', ';']).unwrap_or(with.len());
    let (protocol, after) = with.split_at_checked(end)?;
    let (using, _) = comment(after.trim_start());
    let using = using
        .and_then(|u| u.strip_prefix("using "))
        .map(|u| u.split(' ').next().unwrap_or_default());
    // RFC 3848: S is for TLS, A for a login.
    let (tls, authenticated) = match protocol.to_ascii_uppercase().as_str() {
        "SMTP" | "ESMTP" => (false, false),
        "ESMTPA" => (false, true),
        "SMTPS" | "ESMTPS" => (true, false),
        "ESMTPSA" => (true, true),
        _ => return None,
    };
    let spoke = match (using, tls) {
        (Some("TLSv1.3"), _) => Spoke::Version(TlsVersion::Tls13),
        (Some("TLSv1.2"), _) => Spoke::Version(TlsVersion::Tls12),
        (Some("TLSv1.1"), _) => Spoke::Version(TlsVersion::Tls11),
        (Some("TLSv1" | "TLSv1.0"), _) => Spoke::Version(TlsVersion::Tls10),
        (Some("SSLv3"), _) => Spoke::Version(TlsVersion::Ssl3),
        (Some(_), _) | (None, true) => Spoke::SomeTls,
        (None, false) => Spoke::Plain,
    };
    let date = text
        .rsplit_once(';')
        .and_then(|(_, date)| DateTimeParser::new().parse_timestamp(date.trim()).ok());
    Some(Session {
        client,
        spoke,
        authenticated,
        engine,
        date,
        raw: safe_text(raw.trim(), 160),
    })
}

/// The text of the first Received field, unfolded; only if it ends within these bytes.
fn topmost(head: &[u8]) -> Option<String> {
    let mut lines = head.split_inclusive(|b| *b == b'\n');
    let mut text: Option<Vec<u8>> = None;
    let whole = loop {
        let Some(line) = lines.next() else { break false };
        let ended = line.ends_with(b"\n");
        let content = line.trim_ascii_end();
        let folded = line.first().is_some_and(|b| matches!(b, b' ' | b'\t'));
        match &mut text {
            Some(text) if folded && ended && !content.is_empty() => {
                text.push(b' ');
                text.extend_from_slice(content.trim_ascii_start());
            }
            Some(_) => break ended,
            None if content.is_empty() => return None,
            None => {
                let name = line.get(..9).filter(|name| name.eq_ignore_ascii_case(b"Received:"));
                if name.is_some() && ended {
                    text = content.get(9..).map(<[u8]>::to_vec);
                }
            }
        }
    };
    let text = text.filter(|_| whole)?;
    // The engine writes ASCII; anything else is a stranger's name for himself, and cannot be `by` or `with`.
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// A comment in parentheses, which may nest, and what follows it.
fn comment(text: &str) -> (Option<&str>, &str) {
    let Some(inner) = text.strip_prefix('(') else {
        return (None, text);
    };
    let mut depth = 1_u32;
    for (at, c) in inner.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let parts = inner.get(..at).zip(inner.get(at + 1..));
            return parts.map_or((None, text), |(inside, after)| (Some(inside), after));
        }
    }
    (None, text)
}

/// The client's address: the one `[address]` that closes a parenthesis. Two of them are not used.
fn client(from: &str) -> Option<IpAddr> {
    let mut found = None;
    for (at, _) in from.match_indices("])") {
        let address = from
            .get(..at)
            .and_then(|f| f.rsplit_once('['))
            .map(|(_, address)| address);
        if let Some(address) = address.and_then(|a| a.strip_prefix("IPv6:").unwrap_or(a).parse::<IpAddr>().ok())
            && found.replace(address.to_canonical()).is_some()
        {
            return None;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn own() -> OwnHosts {
        OwnHosts::new([
            Host::parse("mx.example.org").unwrap(),
            Host::parse("192.0.2.1").unwrap(),
        ])
    }

    const GOOD: &str = "Return-Path: <a@example.net>\r\nReceived: from mail.example.net ([198.51.100.9])\r\n\tby mx.example.org (Kerio Connect 9.2.12) \
        with ESMTPSA\r\n\t(using TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256 bits));\r\n\tThu, 25 Aug 2022 15:31:37 +0200\r\nSubject: secret\r\n\r\nbody\r\n";

    fn session(text: &str) -> Option<Session> {
        read(text.as_bytes(), &own())
    }

    #[test]
    fn a_folded_header_of_this_server_is_read_and_nothing_of_subject_or_body() {
        let s = session(GOOD).unwrap();
        assert_eq!(s.client.to_string(), "198.51.100.9");
        assert_eq!((s.spoke, s.authenticated), (Spoke::Version(TlsVersion::Tls12), true));
        assert_eq!(s.engine.as_deref(), Some("Kerio Connect 9.2.12"));
        assert_eq!(s.date.unwrap().to_string(), "2022-08-25T13:31:37Z");
        assert!(!format!("{s:?}").contains("secret"));
        assert_eq!(
            s.raw,
            "with ESMTPSA (using TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256 bits))"
        );
    }

    #[test]
    fn every_protocol_and_version_has_its_meaning() {
        let using = "(using TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256 bits))";
        for (protocol, what, spoke) in [
            ("ESMTP", "", Spoke::Plain),
            ("ESMTPA", "", Spoke::Plain),
            ("SMTP", "", Spoke::Plain),
            ("ESMTPS", "", Spoke::SomeTls),
            ("ESMTPS", "(using TLSv1/SSLv3 with cipher X (256 bits))", Spoke::SomeTls),
            (
                "ESMTPS",
                "(using TLSv1 with cipher X (256 bits))",
                Spoke::Version(TlsVersion::Tls10),
            ),
            (
                "ESMTPS",
                "(using TLSv1.1 with cipher X (256 bits))",
                Spoke::Version(TlsVersion::Tls11),
            ),
            (
                "ESMTPS",
                "(using TLSv1.3 with cipher X (256 bits))",
                Spoke::Version(TlsVersion::Tls13),
            ),
            (
                "ESMTPS",
                "(using SSLv3 with cipher X (256 bits))",
                Spoke::Version(TlsVersion::Ssl3),
            ),
        ] {
            let text = GOOD.replace("ESMTPSA", protocol).replace(using, what);
            assert_eq!(session(&text).map(|s| s.spoke), Some(spoke), "{protocol} {what}");
        }
        assert_eq!(session(&GOOD.replace("ESMTPSA", "HTTP")), None);
    }

    #[test]
    fn the_engine_may_hide_its_name() {
        let hidden = session(&GOOD.replace(" (Kerio Connect 9.2.12)", "")).unwrap();
        assert_eq!((hidden.engine, hidden.spoke), (None, Spoke::Version(TlsVersion::Tls12)));
    }

    #[test]
    fn a_header_of_another_server_or_below_another_is_not_used() {
        assert_eq!(session(&GOOD.replace("mx.example.org", "mx.evil.example")), None);
        let below = format!("Received: from x ([203.0.113.1]) by other.example with ESMTP; x\r\n{GOOD}");
        assert_eq!(session(&below), None);
        let in_body = GOOD
            .replace("Received:", "X-Other:")
            .replace("body", &GOOD.replace("Return-Path: <a@example.net>\r\n", ""));
        assert_eq!(session(&in_body), None);
    }

    #[test]
    fn a_client_that_calls_itself_a_header_is_not_believed() {
        let name = "x ([203.0.113.66]) by mx.example.org (Kerio Connect 9.2.12) with ESMTPS (using TLSv1.3 with cipher X (256 bits))";
        assert_eq!(session(&GOOD.replace("mail.example.net", name)), None);
        assert_eq!(session(&GOOD.replace("mail.example.net", "x ([203.0.113.66])")), None);
        let literal = session(&GOOD.replace("mail.example.net", "[203.0.113.66]")).unwrap();
        assert_eq!(literal.client.to_string(), "198.51.100.9");
    }

    #[test]
    fn a_header_cut_by_the_limit_is_not_used() {
        let end = GOOD.find("Subject").unwrap();
        for cut in 0..=end {
            assert_eq!(read(&GOOD.as_bytes()[..cut], &own()), None, "{cut}");
        }
        assert!(read(&GOOD.as_bytes()[..end + 9], &own()).is_none());
        assert!(read(&GOOD.as_bytes()[..end + 17], &own()).is_some());
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0_usize..400) {
            let _ = read(&bytes, &own());
            let at = at.min(GOOD.len());
            let mixed = [&GOOD.as_bytes()[..at], &bytes, &GOOD.as_bytes()[at..]].concat();
            let _ = read(&mixed, &own());
        }

        #[test]
        fn no_name_of_a_client_changes_its_address_or_version(name in "([ -~]{0,30}|\\(\\[203\\.0\\.113\\.66\\]\\)| by mx\\.example\\.org | with ESMTPS | \\(using TLSv1\\.3 |;|\\r\\n\\t){0,5}") {
            if let Some(s) = session(&GOOD.replace("mail.example.net", &name)) {
                prop_assert_eq!(s.client.to_string(), "198.51.100.9");
                prop_assert_eq!(s.spoke, Spoke::Version(TlsVersion::Tls12));
            }
        }
    }
}
