//! Captures made here, byte by byte, of every link type; real programs are in `tests/it/watch.rs`.

use std::net::{IpAddr, SocketAddr};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::probe::{Hello, HelloRandom};
use crate::tls::{Direction, Service, TlsVersion};

const NOW: Timestamp = Timestamp::constant(1_795_000_000, 250_000_000);
const SERVER: &str = "192.0.2.25";

/// A client's hello that is none of our own questions: ours with the first suite left out.
fn hello(version: TlsVersion, seed: u8) -> Vec<u8> {
    let bytes = Hello::exactly(version, HelloRandom([seed; 32]), None).bytes().to_vec();
    let mut bytes = bytes;
    let count = usize::from(u16::from_be_bytes([bytes[44], bytes[45]])) - 2;
    bytes.drain(46..48);
    bytes[44..46].copy_from_slice(&u16::try_from(count).unwrap().to_be_bytes());
    let (record, message) = (bytes.len() - 5, bytes.len() - 9);
    bytes[3..5].copy_from_slice(&u16::try_from(record).unwrap().to_be_bytes());
    bytes[7..9].copy_from_slice(&u16::try_from(message).unwrap().to_be_bytes());
    bytes
}

fn server_hello(version: TlsVersion, random: [u8; 32]) -> Vec<u8> {
    let wire = version.min(TlsVersion::Tls12).wire().to_be_bytes();
    let mut body = wire.to_vec();
    body.extend(random);
    body.extend([0, 0x13, 0x01, 0]);
    if version == TlsVersion::Tls13 {
        body.extend([0, 6, 0, 0x2b, 0, 2, 3, 4]);
    }
    let length = u8::try_from(body.len()).unwrap();
    let mut bytes = vec![22, wire[0], wire[1], 0, length + 4, 2, 0, 0, length];
    bytes.extend(body);
    bytes
}

fn alert(code: u8) -> Vec<u8> {
    vec![21, 3, 1, 0, 2, 2, code]
}

/// An IP packet with a TCP segment.
fn packet(from: &str, to: &str, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let (from, to): (SocketAddr, SocketAddr) = (from.parse().unwrap(), to.parse().unwrap());
    let mut tcp = [from.port().to_be_bytes(), to.port().to_be_bytes()].concat();
    tcp.extend(sequence.to_be_bytes());
    tcp.extend([0, 0, 0, 0, 0x60, 0x18, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0]); // with four bytes of options
    tcp.extend(payload);
    let length = |n: usize| u16::try_from(n).unwrap().to_be_bytes();
    match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let total = length(tcp.len() + 20);
            let head = [0x45, 0, total[0], total[1], 0, 0, 0x40, 0, 64, 6, 0, 0];
            [&head[..], &from.octets(), &to.octets(), &tcp].concat()
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            // Behind destination options of eight bytes.
            let total = length(tcp.len() + 8);
            let head = [0x60, 0, 0, 0, total[0], total[1], 60, 64];
            [&head[..], &from.octets(), &to.octets(), &[6, 0, 1, 4, 0, 0, 0, 0], &tcp].concat()
        }
        _ => panic!("two families"),
    }
}

fn framed(link: u32, packet: &[u8]) -> Vec<u8> {
    let kind: [u8; 2] = if packet[0] >> 4 == 4 { [8, 0] } else { [0x86, 0xdd] };
    let vlan = [[0x81, 0].as_slice(), &[0, 7], &[0x88, 0xa8], &[0, 9], &kind].concat();
    let head = match link {
        1 => [&[2; 12], kind.as_slice()].concat(),
        1001 => [&[2; 12], vlan.as_slice()].concat(),
        113 => [&[0; 14], kind.as_slice()].concat(),
        276 => [kind.as_slice(), &[0; 18]].concat(),
        0 => vec![2, 0, 0, 0],
        _ => Vec::new(),
    };
    // A short Ethernet frame is filled up.
    [&head[..], packet, &[0; 6][..if link == 1 { 6 } else { 0 }]].concat()
}

/// A pcap, little-endian with microseconds or big-endian with nanoseconds.
fn pcap(link: u32, big: bool, frames: &[(Timestamp, Vec<u8>)]) -> Vec<u8> {
    let word = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let magic = if big { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
    let mut file = [magic, 0x0002_0004, 0, 0, 65535, link % 1000].map(word).concat();
    for (at, frame) in frames {
        let nanos = u32::try_from(at.subsec_nanosecond()).unwrap();
        let length = u32::try_from(frame.len()).unwrap();
        let seconds = u32::try_from(at.as_second()).unwrap();
        file.extend(
            [seconds, if big { nanos } else { nanos / 1000 }, length, length]
                .map(word)
                .concat(),
        );
        file.extend(frame);
    }
    file
}

/// A pcapng whose clock ticks 2^10 times a second, with a block of an unknown kind.
fn pcapng(link: u32, big: bool, frames: &[(Timestamp, Vec<u8>)]) -> Vec<u8> {
    let word = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let half = |n: u16| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let block = |kind: u32, body: &[u8]| {
        let length = word(u32::try_from(body.len() + 12).unwrap());
        [&word(kind)[..], &length, body, &length].concat()
    };
    let mut file = block(
        0x0a0d_0d0a,
        &[&word(0x1a2b_3c4d)[..], &half(1), &half(0), &[0xff; 8]].concat(),
    );
    let options = [
        &half(2)[..],
        &half(3),
        b"eth\0",
        &half(9),
        &half(1),
        &[0x8a, 0, 0, 0],
        &[0; 4],
    ]
    .concat();
    let link = half(u16::try_from(link % 1000).unwrap());
    file.extend(block(1, &[&link[..], &half(0), &word(0), &options].concat()));
    file.extend(block(0xbad, &[1, 2, 3, 4]));
    for (at, frame) in frames {
        let ticks = (at.as_nanosecond() * 1024 / 1_000_000_000) as u64;
        let length = u32::try_from(frame.len()).unwrap();
        let mut body = [0, (ticks >> 32) as u32, ticks as u32, length, length]
            .map(word)
            .concat();
        body.extend(frame);
        body.resize(body.len().next_multiple_of(4), 0);
        file.extend(block(6, &body));
    }
    file
}

/// One client's handshake: hello, answer.
fn talk(client: &str, server: &str, hello: &[u8], answer: &[u8]) -> Vec<Vec<u8>> {
    vec![packet(client, server, 1, hello), packet(server, client, 1, answer)]
}

fn at_once(link: u32, packets: Vec<Vec<u8>>) -> Vec<(Timestamp, Vec<u8>)> {
    packets.into_iter().map(|packet| (NOW, framed(link, &packet))).collect()
}

fn own() -> Own {
    Own::new([SERVER, "192.0.2.26", "2001:db8::25"].map(|address| address.parse().unwrap()))
}

/// What a watcher makes of packets a second apart.
fn watched(packets: &[Vec<u8>]) -> Watcher {
    let mut watcher = Watcher::new(own());
    for (seconds, packet) in (0_i64..).zip(packets) {
        let segment = Segment::of_packet(packet).unwrap();
        watcher.take(NOW + SignedDuration::from_secs(seconds), &segment);
    }
    watcher
}

fn only(watcher: &Watcher) -> (RowKey, Row) {
    let rows = watcher.rows.sorted();
    assert_eq!(rows.len(), 1, "{rows:?}");
    (*rows[0].0, rows[0].1.clone())
}

#[test]
fn every_link_type_byte_order_and_format_gives_the_same_row() {
    use TlsVersion::{Tls10, Tls12};
    for (client, server) in [
        ("198.51.100.9:50001", "192.0.2.25:993"),
        ("[2001:db8::9]:50001", "[2001:db8::25]:993"),
    ] {
        for link in [1, 1001, 113, 276, 101, 12, 0] {
            let frames = at_once(
                link,
                talk(client, server, &hello(Tls12, 1), &server_hello(Tls10, [9; 32])),
            );
            let mut files: Vec<Vec<u8>> = [false, true].map(|big| pcap(link, big, &frames)).into();
            files.extend([false, true].map(|big| pcapng(link, big, &frames)));
            for file in files {
                let read = read_capture(file.as_slice(), own()).unwrap();
                assert_eq!((read.frames, read.unknown, read.torn), (2, 0, false), "{link}");
                let rows = read.rows.sorted();
                let (key, row) = rows.first().unwrap();
                assert_eq!(
                    (key.direction, key.port, row.service),
                    (Direction::Inbound, 993, Some(Service::Imaps))
                );
                assert_eq!(key.address, client.parse::<SocketAddr>().unwrap().ip());
                assert_eq!(
                    (row.max, row.highest_negotiated(), row.hellos, row.answered),
                    (Some(Tls12), Some(Tls10), 1, 1)
                );
                assert!(
                    NOW.duration_since(row.first) < SignedDuration::from_millis(2),
                    "{}",
                    row.first
                );
            }
        }
    }
}

#[test]
fn a_torn_capture_gives_what_stands_before_the_tear_and_no_cut_breaks_the_reader() {
    let packets = talk(
        "198.51.100.9:50001",
        "192.0.2.25:993",
        &hello(TlsVersion::Tls12, 1),
        &alert(70),
    );
    let frames = at_once(1, packets);
    for file in [pcap(1, false, &frames), pcapng(1, true, &frames)] {
        for end in 0..file.len() {
            let Ok(read) = read_capture(&file[..end], own()) else {
                continue;
            };
            assert!(read.frames < 2 || end + 4 >= file.len());
            assert!(
                read.rows
                    .sorted()
                    .iter()
                    .all(|(_, row)| row.refusals() == 0 || read.frames == 2)
            );
        }
        let torn = read_capture(&file[..file.len() - 9], own()).unwrap();
        assert!(torn.torn && torn.frames == 1 && torn.rows.len() == 1);
    }
    assert!(matches!(
        read_capture(&b"#!/bin/sh\n"[..], own()),
        Err(CaptureError::NotACapture)
    ));
    assert!(matches!(read_capture(&b""[..], own()), Err(CaptureError::NotACapture)));
}

#[test]
fn a_link_type_that_is_not_known_is_counted() {
    let frames = at_once(
        1,
        talk(
            "198.51.100.9:1",
            "192.0.2.25:25",
            &hello(TlsVersion::Tls12, 1),
            &alert(70),
        ),
    );
    let read = read_capture(pcap(147, false, &frames).as_slice(), own()).unwrap();
    assert_eq!((read.frames, read.unknown, read.rows.len()), (2, 2, 0));
}

#[test]
fn a_refusal_is_told_from_a_certificate_that_was_not_liked() {
    use TlsVersion::{Tls11, Tls12};
    let (client, server) = ("198.51.100.9:50001", "192.0.2.25:443");
    for (code, counted) in [(70, true), (40, true), (71, true), (48, false), (42, false), (0, false)] {
        let (_, row) = only(&watched(&talk(client, server, &hello(Tls11, 1), &alert(code))));
        assert_eq!(row.refusals() == 1, counted, "{code}");
        assert_eq!(
            row.reason(),
            counted.then_some(Refusal {
                by_server: true,
                alert: code
            })
        );
        assert_eq!(row.last_refused.is_some(), counted);
    }
    // After the ServerHello only the client can refuse the version; what the server then sends is about something else.
    for (from, to, code, refused) in [
        (client, server, 70, true),
        (client, server, 40, false),
        (server, client, 40, false),
    ] {
        let mut packets = talk(client, server, &hello(Tls12, 1), &server_hello(Tls11, [9; 32]));
        packets.push(packet(from, to, 400, &alert(code)));
        let (_, row) = only(&watched(&packets));
        assert_eq!((row.refusals() == 1, row.answered), (refused, 1), "{from} {code}");
    }
    // An alert without a hello, and a warning, are nothing.
    assert!(watched(&[packet(server, client, 1, &alert(70))]).rows.is_empty());
    let (_, row) = only(&watched(&talk(
        client,
        server,
        &hello(Tls11, 1),
        &[21, 3, 1, 0, 2, 1, 70],
    )));
    assert_eq!(row.refusals(), 0);
}

#[test]
fn what_our_engine_offers_and_what_another_server_takes_is_outbound() {
    let server_random = [[7; 24].as_slice(), b"DOWNGRD\x01"].concat().try_into().unwrap();
    let packets = talk(
        "192.0.2.25:40000",
        "198.51.100.7:25",
        &hello(TlsVersion::Tls13, 1),
        &server_hello(TlsVersion::Tls12, server_random),
    );
    let (key, row) = only(&watched(&packets));
    assert_eq!(
        (key.direction, key.address.to_string()),
        (Direction::Outbound, "198.51.100.7".to_owned())
    );
    assert_eq!(row.offers, Some(vec![TlsVersion::Tls13]));
    assert_eq!(
        (row.highest_negotiated(), row.mark),
        (Some(TlsVersion::Tls12), Some(TlsVersion::Tls13))
    );
    // Web pages that this host fetches are no mail.
    assert!(
        watched(&talk(
            "192.0.2.25:40000",
            "198.51.100.7:443",
            &hello(TlsVersion::Tls13, 1),
            &alert(70)
        ))
        .rows
        .is_empty()
    );
    // Nor is what passes between others, or stays within this host.
    for (client, server) in [("198.51.100.1:9", "198.51.100.7:25"), ("192.0.2.25:9", "192.0.2.25:25")] {
        assert!(
            watched(&talk(client, server, &hello(TlsVersion::Tls13, 1), &alert(70)))
                .rows
                .is_empty()
        );
    }
}

#[test]
fn a_packet_seen_twice_is_one_hello_whatever_address_it_has_the_second_time() {
    let hello = hello(TlsVersion::Tls12, 1);
    let mut packets = vec![
        packet("198.51.100.9:50001", "192.0.2.25:993", 1, &hello),
        packet("198.51.100.9:50001", "192.0.2.25:993", 1, &hello),
        packet("198.51.100.9:50001", "192.0.2.26:993", 1, &hello),
    ];
    packets.push(packet(
        "192.0.2.25:993",
        "198.51.100.9:50001",
        1,
        &server_hello(TlsVersion::Tls12, [9; 32]),
    ));
    packets.push(packets[3].clone());
    let (_, row) = only(&watched(&packets));
    assert_eq!(
        (
            row.hellos,
            row.answered,
            row.negotiated.iter().map(|(count, _)| count).sum::<u32>()
        ),
        (1, 1, 1)
    );
}

#[test]
fn a_hello_in_two_segments_is_whole_and_of_one_whose_rest_is_not_seen_the_answer_tells() {
    let bytes = hello(TlsVersion::Tls13, 1);
    let (client, server) = ("198.51.100.9:50001", "192.0.2.25:993");
    let (first, second) = bytes.split_at(120);
    let answer = packet(server, client, 1, &server_hello(TlsVersion::Tls13, [9; 32]));
    let (key, row) = only(&watched(&[
        packet(client, server, 1, first),
        packet(client, server, 121, second),
        answer.clone(),
    ]));
    assert!(key.program.is_some() && row.max == Some(TlsVersion::Tls13) && row.answered == 1);
    let (key, row) = only(&watched(&[packet(client, server, 1, first), answer]));
    assert_eq!((key.program, row.max, row.ja4), (None, None, None));
    assert_eq!(row.highest_negotiated(), Some(TlsVersion::Tls13));
}

#[test]
fn the_second_hello_after_a_retry_is_the_same_handshake() {
    let retry: [u8; 32] = [
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2,
        0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
    ];
    let (client, server) = ("198.51.100.9:50001", "192.0.2.25:993");
    let mut packets = talk(
        client,
        server,
        &hello(TlsVersion::Tls13, 1),
        &server_hello(TlsVersion::Tls13, retry),
    );
    packets.push(packet(client, server, 600, &hello(TlsVersion::Tls13, 1)));
    packets.push(packet(server, client, 200, &server_hello(TlsVersion::Tls13, [9; 32])));
    let (_, row) = only(&watched(&packets));
    assert_eq!((row.hellos, row.answered, row.unanswered), (1, 1, 0));
}

#[test]
fn a_second_try_below_what_failed_is_no_limit_of_the_client_and_a_program_of_its_own_is() {
    use TlsVersion::{Tls10, Tls12};
    let server = "192.0.2.25:993";
    let mut packets = talk("198.51.100.9:50001", server, &hello(Tls12, 1), &alert(40));
    packets.extend(talk(
        "198.51.100.9:50002",
        server,
        &hello(Tls10, 2),
        &server_hello(Tls10, [9; 32]),
    ));
    let row = |watcher: &Watcher| {
        let rows = watcher.rows.sorted();
        rows.iter()
            .find(|(_, row)| row.max == Some(Tls10))
            .map(|(_, row)| (row.hellos, row.fallbacks))
            .unwrap()
    };
    assert_eq!(row(&watched(&packets)), (1, 1));
    // Behind one address: a new program that got what it wanted, then an old one.
    let mut packets = talk(
        "198.51.100.9:50001",
        server,
        &hello(Tls12, 1),
        &server_hello(Tls12, [9; 32]),
    );
    packets.extend(talk(
        "198.51.100.9:50002",
        server,
        &hello(Tls10, 2),
        &server_hello(Tls10, [9; 32]),
    ));
    assert_eq!(row(&watched(&packets)), (1, 0));
}

#[test]
fn a_hello_framed_as_ssl_2_is_seen() {
    let mut bytes = vec![0x80, 9 + 3 + 16, 1, 3, 1, 0, 3, 0, 0, 0, 16, 0, 0, 5];
    bytes.extend([0x42; 16]);
    let (key, row) = only(&watched(&talk(
        "198.51.100.9:50001",
        "192.0.2.25:110",
        &bytes,
        &alert(70),
    )));
    assert_eq!(
        (key.program, row.max, row.refusals()),
        (None, Some(TlsVersion::Tls10), 1)
    );
}

#[test]
fn what_is_not_answered_within_30_seconds_is_said_once() {
    let mut watcher = watched(&[packet(
        "198.51.100.9:50001",
        "192.0.2.25:993",
        1,
        &hello(TlsVersion::Tls10, 1),
    )]);
    assert!(!watcher.pass(NOW + SignedDuration::from_secs(30)));
    assert!(watcher.pass(NOW + SignedDuration::from_secs(31)) && !watcher.pass(NOW + SignedDuration::from_secs(99)));
    let (key, row) = only(&watcher);
    assert_eq!((row.unanswered, row.answered), (1, 0));
    assert_eq!((watcher.settled(), watcher.settled()), (vec![key], vec![]));
}

#[test]
fn our_own_probes_are_no_clients() {
    let wide = Hello::wide(HelloRandom([1; 32]), Some("mail.example.org"))
        .bytes()
        .to_vec();
    assert!(
        watched(&talk("198.51.100.9:50001", "192.0.2.25:993", &wide, &alert(70)))
            .rows
            .is_empty()
    );
}

#[test]
fn programs_behind_one_address_are_bounded_and_what_is_not_kept_is_counted() {
    let mut rows = Rows::default();
    let key = |address: u32, program: u32| RowKey {
        direction: Direction::Inbound,
        port: 993,
        address: IpAddr::V4(address.into()),
        program: crate::probe::Ja4::parse(&format!("t13d1516h2_{program:012}_000000000000")),
    };
    for program in 0..70 {
        rows.row(key(1, program), None, NOW);
    }
    assert_eq!((rows.len(), rows.overflowed), (64, 6));
    assert!(rows.row(key(2, 0), None, NOW).is_some());
    let eight_days = NOW + SignedDuration::from_hours(8 * 24);
    rows.row(key(3, 0), None, NOW).unwrap().answered = 1;
    rows.forget_old(eight_days);
    assert_eq!(rows.len(), 1, "who was answered is kept for longer");
    assert!(
        (0..64).all(|program| rows.row(key(1, program), None, NOW).is_some()),
        "there is room again"
    );
}

#[test]
fn the_server_is_found_in_a_capture_that_does_not_say_which_side_is_ours() {
    let mut packets = Vec::new();
    for client in 1..5 {
        let client = format!("198.51.100.{client}:50001");
        packets.extend(talk(
            &client,
            "192.0.2.25:993",
            &hello(TlsVersion::Tls12, 1),
            &alert(70),
        ));
    }
    packets.extend(talk(
        "192.0.2.25:40000",
        "198.51.100.7:25",
        &hello(TlsVersion::Tls12, 1),
        &alert(70),
    ));
    let file = pcap(1, false, &at_once(1, packets));
    assert_eq!(guess_own(file.as_slice()).unwrap(), Some(SERVER.parse().unwrap()));
}

proptest! {
    #[test]
    fn no_frame_breaks_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..120), link in 0_u32..300) {
        if let Some(link) = Link::from_number(link) {
            let _ = Segment::of_frame(link, &bytes);
        }
        let _ = read_capture([&[0xd4, 0xc3, 0xb2, 0xa1], bytes.as_slice()].concat().as_slice(), own());
        let _ = read_capture([&[0x0a, 0x0d, 0x0d, 0x0a], bytes.as_slice()].concat().as_slice(), own());
    }

    #[test]
    fn a_capture_with_any_bytes_changed_breaks_nothing_and_makes_no_refusal_out_of_a_hello(
        changes in proptest::collection::vec((0_usize..2000, any::<u8>()), 0..6), ng: bool,
    ) {
        let packets = vec![packet("198.51.100.9:50001", "192.0.2.25:993", 1, &hello(TlsVersion::Tls12, 1))];
        let frames = at_once(1, packets);
        let mut file = if ng { pcapng(1, false, &frames) } else { pcap(1, false, &frames) };
        for (at, byte) in changes {
            if let Some(old) = file.get_mut(at) { *old = byte; }
        }
        if let Ok(read) = read_capture(file.as_slice(), own()) {
            prop_assert!(read.rows.sorted().iter().all(|(_, row)| row.answered == 0 && row.refusals() == 0));
        }
    }
}

#[test]
fn the_kernels_filter_lets_through_what_the_watcher_reads_and_nothing_else() {
    use super::live::tests::passes;
    let ssl2 = [&[0x80, 28, 1, 3, 1, 0, 3, 0, 0, 0, 16, 0, 0, 5][..], &[0x42; 16]].concat();
    let read = [
        hello(TlsVersion::Tls13, 1),
        server_hello(TlsVersion::Tls12, [9; 32]),
        alert(70),
        ssl2,
    ];
    // Data, an encrypted alert, a certificate, clear text, nothing.
    let others: [&[u8]; 5] = [
        &[23, 3, 3, 0, 9, 1, 2, 3, 4],
        &[21, 3, 3, 0, 26, 0, 0],
        &[22, 3, 3, 0, 9, 11, 0],
        b"220 ESMTP",
        b"",
    ];
    for (from, to) in [
        ("198.51.100.9:1", "192.0.2.25:993"),
        ("[2001:db8::9]:1", "[2001:db8::25]:993"),
    ] {
        let packet = |payload: &[u8]| {
            let mut packet = packet(from, to, 1, payload);
            if packet[0] >> 4 == 6 {
                // Without the options, which the filter does not look behind.
                packet[6] = 6;
                packet.drain(40..48);
            }
            packet
        };
        for payload in &read {
            let mut bytes = packet(payload);
            assert!(passes(&bytes, 2, 0) && passes(&bytes, 2, 4) && passes(&bytes, 1, 0));
            assert!(!passes(&bytes, 1, 4), "on loopback once is enough");
            let is_v4 = bytes[0] >> 4 == 4;
            bytes[if is_v4 { 9 } else { 6 }] = 17;
            assert!(!passes(&bytes, 2, 0), "UDP");
        }
        for payload in others {
            assert!(!passes(&packet(payload), 2, 0), "{payload:?}");
        }
        let bytes = packet(&read[0]);
        for end in 1..bytes.len() {
            let cut = passes(&bytes[..end], 2, 0);
            assert!(
                !cut || Segment::of_packet(&bytes[..end]).is_some_and(|segment| segment.payload.len() >= 6),
                "{end}"
            );
        }
    }
}
