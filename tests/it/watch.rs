//! `kerio-tls watch`: captures made here, and real programs between two network namespaces.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ran::{BINARY, Ran, run};

/// A TLS 1.0 hello of an old scanner: two suites, no extensions.
fn old_hello(random: u8) -> Vec<u8> {
    let mut hello = vec![22, 3, 1, 0, 47, 1, 0, 0, 43, 3, 1];
    hello.extend([random; 32]);
    hello.extend([0, 0, 4, 0, 0x2f, 0, 5, 1, 0]);
    hello
}

/// A pcap of raw IP packets, a second apart from 28 November 2026, 14:00 UTC on.
fn capture(dir: &Path, packets: &[(&str, &str, &[u8])]) -> PathBuf {
    let mut file = [0xa1b2_c3d4_u32, 0x0002_0004, 0, 0, 65535, 101]
        .map(u32::to_le_bytes)
        .concat();
    for (second, (from, to, payload)) in (1_795_874_400_u32..).zip(packets) {
        let end = |text: &str| text.parse::<std::net::SocketAddrV4>().unwrap();
        let (from, to) = (end(from), end(to));
        let total = u16::try_from(40 + payload.len()).unwrap().to_be_bytes();
        let mut packet = vec![0x45, 0, total[0], total[1], 0, 0, 0, 0, 64, 6, 0, 0];
        packet.extend([from.ip().octets(), to.ip().octets()].concat());
        packet.extend([from.port().to_be_bytes(), to.port().to_be_bytes()].concat());
        packet.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x18, 0, 0, 0, 0, 0, 0]);
        packet.extend(*payload);
        let length = u32::try_from(packet.len()).unwrap();
        file.extend([second, 0, length, length].map(u32::to_le_bytes).concat());
        file.extend(packet);
    }
    let path = dir.join("capture.pcap");
    fs::write(&path, file).unwrap();
    path
}

fn watch(arguments: &[&str]) -> Ran {
    run(Command::new(BINARY).arg("watch").args(arguments))
}

const REFUSED: &[u8] = &[21, 3, 1, 0, 2, 2, 70];

#[test]
fn a_capture_shows_who_calls_with_what_and_who_was_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (hello, again) = (old_hello(1), old_hello(2));
    let (client, server) = ("198.51.100.9:50001", "192.0.2.25:993");
    let path = capture(
        dir.path(),
        &[
            (client, server, &hello),
            (server, client, REFUSED),
            ("198.51.100.9:50002", server, &again),
            (server, "198.51.100.9:50002", REFUSED),
        ],
    );
    let path = path.to_str().unwrap();
    let ran = watch(&["--read", path, "--own", "192.0.2.25", "--json"]).done();
    assert_eq!(
        ran.out.trim_end(),
        r#"{"direction":"inbound","service":"imaps","address":"198.51.100.9","port":993,"ja4":"t10i020000_4e75145e4eac_000000000000","offered":"tls1.0","negotiated":null,"hellos":2,"answered":0,"refused":2,"reason":"protocol_version","first":"2026-11-28T14:00:00Z","last":"2026-11-28T14:00:02Z"}"#
    );
    // Nobody said which side is ours: the address that was called is taken, and that is said.
    let ran = watch(&["--read", path]).done();
    assert!(
        ran.err
            .contains("192.0.2.25 is in most handshakes and is taken for the mail server"),
        "{}",
        ran.err
    );
    for words in [
        "imaps 993",
        "198.51.100.9",
        "TLS 1.0",
        "2 (protocol_version)",
        "1 row of programs",
    ] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
}

#[test]
fn the_other_side_of_the_same_capture_shows_what_this_host_offers() {
    let dir = tempfile::tempdir().unwrap();
    let hello = old_hello(1);
    let (client, server) = ("192.0.2.25:50001", "198.51.100.7:25");
    let path = capture(dir.path(), &[(client, server, &hello), (server, client, REFUSED)]);
    let ran = watch(&["--read", path.to_str().unwrap(), "--own", "192.0.2.25", "--json"]).done();
    let own = ran.out.lines().last().unwrap();
    assert!(
        own.starts_with(r#"{"direction":"own","service":"smtp","offers":null,"max":"tls1.0","#),
        "{own}"
    );
    let ran = watch(&["--read", path.to_str().unwrap(), "--own", "192.0.2.25"]).done();
    assert!(
        ran.out
            .contains("offers at most TLS 1.0 (how low it goes, its hello does not show)"),
        "{}",
        ran.out
    );
}

#[test]
fn what_is_no_capture_is_refused_in_one_line_and_a_torn_one_is_read_as_far_as_it_goes() {
    let dir = tempfile::tempdir().unwrap();
    let none = dir.path().join("none");
    fs::write(&none, "#!/bin/sh\n").unwrap();
    let words = |path: &Path| watch(&["--read", path.to_str().unwrap()]).failed(1).to_owned();
    assert!(words(&none).contains("neither pcap nor pcapng"), "{}", words(&none));
    assert!(words(Path::new("/dev/zero")).contains("/dev/zero"));
    assert!(words(&dir.path().join("missing")).contains("missing"));
    let (hello, client, server) = (old_hello(1), "198.51.100.9:50001", "192.0.2.25:993");
    let path = capture(dir.path(), &[(client, server, &hello), (server, client, REFUSED)]);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
    let ran = watch(&["--read", path.to_str().unwrap()]).done();
    assert!(
        ran.err.contains("ends in the middle of a frame") && ran.out.contains("TLS 1.0"),
        "{}",
        ran.said()
    );
}
