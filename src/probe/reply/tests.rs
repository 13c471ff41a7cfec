use proptest::prelude::*;

use super::*;
use crate::probe::hello::HelloRandom;
use crate::probe::server_hello::RETRY_RANDOM;

const RANDOM: HelloRandom = HelloRandom([7; 32]);

fn wide() -> Hello {
    Hello::wide(RANDOM, None)
}

/// A ServerHello message; `selected` goes into `supported_versions`.
fn message(legacy: u16, random: [u8; 32], suite: u16, selected: Option<u16>) -> Vec<u8> {
    let mut body = legacy.to_be_bytes().to_vec();
    body.extend(random);
    body.push(0);
    body.extend(suite.to_be_bytes());
    body.push(0);
    if let Some(v) = selected {
        body.extend([0, 6, 0, 0x2b, 0, 2]);
        body.extend(v.to_be_bytes());
    }
    [&[2, 0, 0, body.len() as u8], body.as_slice()].concat()
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 1], (body.len() as u16).to_be_bytes().as_slice(), body].concat()
}

fn read(hello: &Hello, bytes: &[u8]) -> Reply {
    let mut parser = ReplyParser::new(hello);
    parser.feed(bytes);
    parser.end()
}

fn version(version: TlsVersion) -> Reply {
    Reply::Version {
        version,
        mark: None,
        retry: false,
    }
}

/// One good answer for each version, to the wide hello.
fn good() -> Vec<(Reply, Vec<u8>)> {
    let retry = Reply::Version {
        version: TlsVersion::Tls13,
        mark: None,
        retry: true,
    };
    vec![
        (version(TlsVersion::Tls10), message(0x0301, [1; 32], 0x0005, None)),
        (version(TlsVersion::Tls11), message(0x0302, [1; 32], 0x000a, None)),
        (version(TlsVersion::Tls12), message(0x0303, [1; 32], 0xc02f, None)),
        (
            version(TlsVersion::Tls13),
            message(0x0303, [1; 32], 0x1301, Some(0x0304)),
        ),
        (retry, message(0x0303, RETRY_RANDOM, 0x1302, Some(0x0304))),
    ]
}

#[test]
fn each_version_is_read_however_it_is_cut() {
    let hello = wide();
    for (expected, message) in good() {
        let whole = record(22, &message);
        assert_eq!(read(&hello, &whole), expected);
        for cut in 0..whole.len() {
            let mut parser = ReplyParser::new(&hello);
            assert_eq!(parser.feed(&whole[..cut]), None, "decided too early at {cut}");
            assert_eq!(parser.feed(&whole[cut..]), Some(expected.clone()));
            assert_eq!(read(&hello, &whole[..cut]), Reply::Silence(None));
        }
        for piece in 1..message.len() {
            let records: Vec<u8> = message.chunks(piece).flat_map(|c| record(22, c)).collect();
            assert_eq!(read(&hello, &records), expected);
        }
    }
}

#[test]
fn warnings_are_passed_over_and_fatal_alerts_are_not() {
    let hello = wide();
    let (_, answer) = good().remove(2);
    let warned = [record(21, &[1, 112]), record(22, &answer)].concat();
    assert_eq!(read(&hello, &warned), version(TlsVersion::Tls12));
    let cut_alert = [record(21, &[1]), record(21, &[112]), record(22, &answer)].concat();
    assert_eq!(read(&hello, &cut_alert), version(TlsVersion::Tls12));
    assert_eq!(read(&hello, &[0x15, 3, 1, 0, 2, 2, 0x46]), Reply::Alert(70));
    assert_eq!(read(&hello, &record(21, &[2, 40])), Reply::Alert(40));
    assert_eq!(read(&hello, &record(21, &[1, 0])), Reply::Alert(0));
    assert_eq!(read(&hello, &record(21, &[1, 112, 2, 40])), Reply::Alert(40));
    assert_eq!(read(&hello, &record(21, &[1, 112])), Reply::Silence(Some(112)));
    assert_eq!(read(&hello, b""), Reply::Silence(None));
}

#[test]
fn a_version_that_was_not_offered_is_never_believed() {
    for (legacy, selected) in [
        (0x0300, None),
        (0x0200, None),
        (0x0303, Some(0x7f1c)),
        (0x0303, Some(0x0305)),
    ] {
        let answer = record(22, &message(legacy, [1; 32], 0x0005, selected));
        assert_eq!(read(&wide(), &answer), Reply::NotOffered(selected.unwrap_or(legacy)));
    }
    let exactly = Hello::exactly(TlsVersion::Tls12, RANDOM, None);
    assert_eq!(read(&exactly, &record(22, &good()[0].1)), Reply::NotOffered(0x0301));
    assert_eq!(read(&exactly, &record(22, &good()[2].1)), version(TlsVersion::Tls12));
    let bare = Hello::bare_tls10(RANDOM);
    assert_eq!(
        read(&bare, &record(22, &message(0x0300, [1; 32], 0x0005, None))),
        version(TlsVersion::Ssl3)
    );
    assert_eq!(read(&bare, &record(22, &good()[2].1)), Reply::NotOffered(0x0303));
}

#[test]
fn a_server_hello_that_cannot_be_right_is_not_tls() {
    let cases = [
        message(0x0304, [1; 32], 0x1301, None),         // 1.3 without the extension
        message(0x0303, [1; 32], 0x1301, Some(0x0303)), // the extension with an old version
        message(0x0302, [1; 32], 0x1301, Some(0x0304)), // two versions
        message(0x0303, RETRY_RANDOM, 0xc02f, None),    // retry without a version
        message(0x0303, [1; 32], 0x0000, None),         // NULL suite
        message(0x0303, [1; 32], 0x00ff, None),         // the signalling value
        message(0x0303, [1; 32], 0x1301, None),         // a 1.3 suite with 1.2
        message(0x0303, [1; 32], 0xc02f, Some(0x0304)), // a 1.2 suite with 1.3
        vec![2, 0, 0, 4, 3, 3, 1, 1],                   // cut inside
        vec![2, 1, 0, 0, 3, 3],                         // 64 KiB
        vec![11, 0, 0, 1, 0],                           // a Certificate first
    ];
    for (i, case) in cases.iter().enumerate() {
        assert!(matches!(read(&wide(), &record(22, case)), Reply::NotTls(_)), "case {i}");
    }
}

#[test]
fn a_marked_downgrade_is_reported() {
    for (last, mark) in [(0, TlsVersion::Tls12), (1, TlsVersion::Tls13)] {
        let mut random = [1; 32];
        random[24..].copy_from_slice(&[0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, last]);
        let answer = record(22, &message(0x0301, random, 0x002f, None));
        assert_eq!(
            read(&Hello::bare_tls10(RANDOM), &answer),
            Reply::Version {
                version: TlsVersion::Tls10,
                mark: Some(mark),
                retry: false,
            }
        );
    }
}

#[test]
fn what_is_not_tls_is_named() {
    let cases: [(&[u8], &str); 7] = [
        (
            b"HTTP/1.1 400 Bad Request\r\n",
            "HTTP in clear: HTTP/1.1 400 Bad Request",
        ),
        (
            b"220 mx.example.org ESMTP\r\n",
            "a mail server in clear: 220 mx.example.org ESMTP",
        ),
        (b"* OK ready\r\n", "a mail server in clear: * OK ready"),
        (&[0x80, 3, 0, 0, 1], "an SSL 2.0 record"),
        (b"\x00\x1b[2J\n", "not TLS: \\x00\\x1b[2J"),
        (&[22, 3, 1, 0x41, 1], "a TLS record longer than 16,640 bytes"),
        (&[23, 3, 3, 0, 1, 0], "a TLS record of type 23 before the ServerHello"),
    ];
    for (bytes, words) in cases {
        assert_eq!(read(&wide(), bytes), Reply::NotTls(words.to_owned()));
    }
    let largest = record(21, &[[1, 112]; 8_320].concat());
    assert_eq!(largest.len(), 5 + 16_640);
    assert_eq!(read(&wide(), &largest), Reply::Silence(Some(112)));
    let endless: Vec<u8> = std::iter::repeat_n(record(21, &[1, 112]), 10_000).flatten().collect();
    assert_eq!(
        read(&wide(), &endless),
        Reply::NotTls("more than 64 KiB without a ServerHello".to_owned())
    );
}

/// Bytes that look enough like TLS to reach the deep parts.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let mutated = (
        0..5_usize,
        prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        1..99_usize,
    )
        .prop_map(|(which, changes, piece)| {
            let message = good().remove(which).1;
            let mut bytes: Vec<u8> = message.chunks(piece).flat_map(|c| record(22, c)).collect();
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            bytes
        });
    let framed = prop::collection::vec((20..25_u8, prop::collection::vec(any::<u8>(), 0..80)), 0..6)
        .prop_map(|records| records.iter().flat_map(|(kind, body)| record(*kind, body)).collect());
    prop_oneof![mutated, framed, prop::collection::vec(any::<u8>(), 0..200)]
}

/// The bodies of all handshake records, one after the other.
fn handshake_bytes(mut records: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let [kind, _, _, high, low, rest @ ..] = records {
        let body = &rest[..usize::from(u16::from_be_bytes([*high, *low])).min(rest.len())];
        if *kind == 22 {
            out.extend(body);
        }
        records = &rest[body.len()..];
    }
    out
}

fn hellos() -> Vec<Hello> {
    let mut all = vec![wide(), Hello::bare_tls10(RANDOM)];
    all.extend(TlsVersion::ALL.map(|v| Hello::exactly(v, RANDOM, None)));
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn hostile_bytes_never_panic_and_never_forge_a_version(bytes in hostile(), cuts in prop::collection::vec(1..40_usize, 1..20)) {
        for hello in hellos() {
            let whole = read(&hello, &bytes);
            let mut parser = ReplyParser::new(&hello);
            let (mut rest, mut cuts) = (bytes.as_slice(), cuts.iter().cycle());
            while !rest.is_empty() {
                let (piece, after) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
                parser.feed(piece);
                rest = after;
            }
            prop_assert_eq!(&parser.end(), &whole, "depends on the cuts");
            match whole {
                Reply::Version { version, .. } => {
                    prop_assert!(hello.versions().contains(&version));
                    // The version's own bytes must stand in what was received, records put together.
                    let wire = version.wire().to_be_bytes();
                    prop_assert!(handshake_bytes(&bytes).windows(2).any(|w| w == wire));
                }
                Reply::NotOffered(wire) => {
                    prop_assert!(!hello.versions().iter().any(|v| v.wire() == wire));
                }
                Reply::NotTls(words) => prop_assert!(words.len() < 400 && !words.contains(char::is_control)),
                Reply::Alert(_) | Reply::Silence(_) => {}
            }
        }
    }
}
