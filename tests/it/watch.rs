//! `kerio-tls watch`: captures made here, and real programs between two network namespaces.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::place::Place;
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
        r#"{"direction":"inbound","service":"imaps","address":"198.51.100.9","port":993,"ja4":"t10i020000_4e75145e4eac_000000000000","offered":"tls1.0","negotiated":null,"hellos":2,"answered":0,"refused":2,"reason":"protocol_version","first":"2026-11-28T14:00:00Z","last":"2026-11-28T14:00:02Z","stranger":null}"#
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

/// Runs the script of two networks; what it wrote lies in the directory.
fn two_networks(dir: &Path) {
    let mut command = Command::new("timeout");
    command.args(["120", "unshare"]);
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args([
        "--net",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "bash",
        "-c",
    ]);
    command
        .args([include_str!("watch.sh"), "watch.sh", BINARY])
        .current_dir(dir);
    for (tool, package) in [
        ("tshark", "tshark"),
        ("tcpdump", "tcpdump"),
        ("gnutls-cli", "gnutls-bin"),
        ("ip", "iproute2"),
    ] {
        let is_there = Command::new("sh")
            .args(["-c", &format!("command -v {tool}")])
            .output()
            .unwrap()
            .status
            .success();
        assert!(is_there, "{tool} is missing: apt-get install {package}");
    }
    run(&mut command).done();
}

/// How often each client offered what to which port, and was refused.
type Table = BTreeMap<(String, u64, String), (u64, u64)>;

/// What the program printed, by client, port and version.
fn ours(text: &str) -> Table {
    let mut table = Table::new();
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        if row["direction"] != "inbound" {
            continue;
        }
        let key = (
            row["address"].as_str().unwrap().to_owned(),
            row["port"].as_u64().unwrap(),
            row["offered"].as_str().unwrap().to_owned(),
        );
        let entry = table.entry(key).or_default();
        entry.0 += row["hellos"].as_u64().unwrap();
        entry.1 += row["refused"].as_u64().unwrap();
    }
    table
}

/// The same from tshark's fields: hellos and alerts are tied by the client's port.
fn tsharks(text: &str) -> Table {
    let mut table = Table::new();
    let mut of_connection: BTreeMap<(String, String), (String, u64, String)> = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [
            what,
            from4,
            from6,
            from_port,
            to4,
            to6,
            to_port,
            version,
            versions,
            alert,
        ] = fields[..]
        else {
            panic!("{line}")
        };
        let (from, to) = (format!("{from4}{from6}"), format!("{to4}{to6}"));
        if what == "tls.handshake.type" {
            let numbers = if versions.is_empty() { version } else { versions };
            let highest = numbers
                .split(',')
                .filter_map(|n| u16::from_str_radix(n.trim_start_matches("0x"), 16).ok());
            let highest = highest.filter(|n| n & 0x0f0f != 0x0a0a).max().unwrap();
            let token = format!("tls1.{}", (highest & 0xff) - 1);
            let key = (from.clone(), to_port.parse().unwrap(), token);
            table.entry(key.clone()).or_default().0 += 1;
            of_connection.insert((from, from_port.to_owned()), key);
        } else {
            // The client refuses a version with 70 only; 40 of it is about something else.
            let by_server = of_connection.get(&(to, to_port.to_owned()));
            let by_client = of_connection
                .get(&(from, from_port.to_owned()))
                .filter(|_| alert == "70");
            let key = by_server.or(by_client).unwrap_or_else(|| panic!("{line}"));
            table.get_mut(key).unwrap().1 += 1;
        }
    }
    table
}

#[test]
fn real_programs_are_seen_on_the_wire_as_in_a_capture_and_as_tshark_sees_them_and_become_evidence() {
    let place = Place::with_store();
    let dir = place.path("");
    let now = jiff::Timestamp::now().strftime("%d/%b/%Y %H:%M:%S").to_string();
    let login = format!("[{now}] IMAP: User anna@example.org authenticated  from IP address 192.0.2.9\n");
    fs::write(place.path("store/logs/audit.log"), login).unwrap();
    two_networks(&dir);
    let read = |name: &str| fs::read_to_string(dir.join(name)).unwrap();
    let truth = tsharks(&read("tshark.txt"));
    let total = |table: &Table| {
        table
            .values()
            .fold((0, 0), |sum, (hellos, refused)| (sum.0 + hellos, sum.1 + refused))
    };
    assert!(total(&truth).0 >= 40 && total(&truth).1 >= 12, "{truth:?}");
    for version in ["tls1.0", "tls1.1", "tls1.2", "tls1.3"] {
        assert!(
            truth.keys().any(|(_, _, offered)| offered == version),
            "{version}: {truth:?}"
        );
    }
    let live = ours(&read("live.json"));
    // Behind STARTTLS tshark has to follow the dialogue and loses one now and then (seen: one hello in 40, busy machine).
    let direct = |table: &Table| -> Table {
        let of = |port: u64| [443, 465, 993, 995].contains(&port);
        let rows = table.iter().filter(|((_, port, _), _)| of(*port));
        rows.map(|(key, counts)| (key.clone(), *counts)).collect()
    };
    assert_eq!(direct(&live), direct(&truth), "live");
    for (key, counts) in &truth {
        assert!(
            live.get(key).is_some_and(|ours| ours >= counts),
            "{key:?} {counts:?}: {live:?}"
        );
    }
    for name in ["any.pcap", "ethernet.pcap"] {
        let path = dir.join(name);
        let ran = watch(&[
            "--json",
            "--read",
            path.to_str().unwrap(),
            "--own",
            "192.0.2.25",
            "--own",
            "2001:db8::25",
        ])
        .done();
        assert_eq!(ours(&ran.out), live, "{name}");
    }
    // What was kept is evidence: of the address that logged in, and of nobody else.
    let peers = place.run(&["peers", "--min", "tls1.2", "--json"]).done().json();
    let of = |address: &str| -> Vec<&Value> {
        let all = peers["peers"].as_array().unwrap();
        all.iter().filter(|peer| peer["address"] == address).collect()
    };
    let imaps = of("192.0.2.9")
        .into_iter()
        .find(|peer| peer["service"] == "imaps")
        .unwrap();
    assert_eq!(
        (&imaps["source"], &imaps["names"][0]),
        (&"wire".into(), &"anna@example.org".into()),
        "{peers}"
    );
    assert_eq!(
        imaps["verdict"], "mixed",
        "old and new programs behind one address: {imaps}"
    );
    assert!(of("2001:db8::9").is_empty(), "nobody logged in from there: {peers}");
    assert!(
        peers["warnings"]
            .to_string()
            .contains("never logged in and sent no mail"),
        "{peers}"
    );
}

#[test]
fn without_the_right_to_one_line_says_what_to_do() {
    // A user of a namespace of his own has no right in the network of others.
    let ran = run(Command::new("unshare").args(["--user", "--map-current-user", BINARY, "watch", "--for", "1s"]));
    let words = ran.failed(1);
    for part in ["CAP_NET_RAW", "sudo", "watch --read FILE"] {
        assert!(words.contains(part), "{words}");
    }
}

/// A line of what the watch keeps: an old program that was refused at this time.
fn refused_row(address: &str, program: &str, at: i64) -> String {
    format!(
        r#"{{"direction":"inbound","port":993,"address":"{address}","program":"{program}","ja4":"{program}","max":"tls1.0","offers":null,"hellos":1,"fallbacks":0,"negotiated":[[0,0],[0,0],[0,0],[0,0],[0,0]],"answered":0,"unanswered":0,"refused":[[true,70,1]],"mark":null,"first":{at},"last":{at},"last_refused":{at},"recent":[{at}]}}"#
    )
}

#[test]
fn who_was_refused_since_the_save_is_named_and_a_stranger_is_counted_apart() {
    let place = Place::with_store();
    place.run(&["set", "--inbound", "tls1.2", "--yes"]).done();
    let now = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(1);
    let stamp = now.strftime("%d/%b/%Y %H:%M:%S").to_string();
    let login = format!("[{stamp}] IMAP: User anna@example.org authenticated  from IP address 192.0.2.9\n");
    fs::write(place.path("store/logs/audit.log"), login).unwrap();
    fs::create_dir(place.path("state-watch")).unwrap();
    let head = format!(
        r#"{{"kerio_tls_watch":1,"since":{},"until":{},"lost":0,"overflowed":0}}"#,
        now.as_second() - 3600,
        now.as_second()
    );
    let (old, crawler) = (
        "t10i020000_4e75145e4eac_000000000000",
        "t10i990000_4e75145e4eac_000000000000",
    );
    let seen = |rows: &[(&str, &str, i64)]| {
        let rows = rows
            .iter()
            .map(|(address, program, at)| refused_row(address, program, *at));
        let text = std::iter::once(head.clone()).chain(rows).collect::<Vec<_>>().join("\n");
        fs::write(place.path("state-watch/seen.jsonl"), text + "\n").unwrap();
    };
    seen(&[
        ("192.0.2.9", old, now.as_second()),
        // The same program from an address that is new: no crawler's.
        ("198.51.100.7", old, now.as_second()),
        ("203.0.113.66", crawler, now.as_second()),
        ("192.0.2.10", old, now.as_second() - 1800),
    ]);
    let text = place.run(&["peers", "--since-save"]).done().out;
    for words in [
        "2 clients (anna@example.org, 198.51.100.7), and 1 client nobody knows",
        "anna@example.org  imaps 993, offers TLS 1.0",
        "203.0.113.66  imaps 993",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let json = place.run(&["peers", "--since-save", "--json"]).done().json();
    let refused = json["refused"].as_array().unwrap();
    assert_eq!(refused.len(), 3, "before the save it does not count: {json}");
    let of = |address: &str| refused.iter().find(|client| client["address"] == address).unwrap();
    assert_eq!(
        (&of("192.0.2.9")["user"], &of("192.0.2.9")["reason"]),
        (&"anna@example.org".into(), &"protocol_version".into())
    );
    assert_eq!(
        (&of("198.51.100.7")["stranger"], &of("203.0.113.66")["stranger"]),
        (&false.into(), &true.into())
    );
    // Nobody refused is said only where the watch could tell.
    seen(&[]);
    let text = place.run(&["peers", "--since-save"]).done().out;
    assert!(text.contains("Nobody was seen refused from the save of"), "{text}");
    fs::write(
        place.path("state-watch/seen.jsonl"),
        head.replace("\"lost\":0", "\"lost\":7"),
    )
    .unwrap();
    let text = place.run(&["peers", "--since-save"]).done().out;
    assert!(
        text.contains("lost 7 packets") && !text.contains("Nobody was seen"),
        "{text}"
    );
}
