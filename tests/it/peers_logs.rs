//! The log reader on files: windows, rotations, stretches read side by side, follow-up scans, hostile lines.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kerio_tls::peers::{
    Host, Knowledge, LogFindings, OwnHosts, Peer, ScanProgress, Service, Window, find_logs, scan_logs,
};
use kerio_tls::tls::{Direction, TlsVersion};

use crate::sample_log::SampleLog;

const NOW: &str = "2022-08-26T12:00:00Z";

pub(crate) fn window(days: u32) -> Window {
    Window {
        now: NOW.parse().unwrap(),
        days,
        zone: TimeZone::UTC,
        zone_given: false,
    }
}

pub(crate) fn scan(files: &[PathBuf], window: &Window, threads: usize) -> LogFindings {
    scan_logs(
        files,
        window,
        &OwnHosts::default(),
        threads,
        &ScanProgress::default(),
        &AtomicBool::new(false),
    )
}

pub(crate) fn scan_text(text: &str) -> LogFindings {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.log");
    fs::write(&path, text).unwrap();
    scan(&[path], &window(30), 1)
}

pub(crate) fn sent(time: &str, id: &str, recipient: &str, result: &str, status: &str, host: &str) -> String {
    format!(
        "[{time}] Sent: Queue-ID: {id}, Recipient: <{recipient}>, Result: {result}, Status: {status} , Remote-Host: {host}, Msg-Id: <x@y>\n"
    )
}

fn recv(time: &str, id: &str, service: &str, host: &str, rest: &str) -> String {
    format!(
        "[{time}] Recv: Queue-ID: {id}, Service: {service}, From: <a@example.net>, To: <b@example.org>, Size: 12, Sender-Host: {host}{rest}, Subject: x, Msg-Id: <x@y>\n"
    )
}

fn find<'a>(peers: &'a [Peer], direction: Direction, host: &str) -> &'a Peer {
    let host = Host::parse(host).unwrap();
    peers
        .iter()
        .find(|p| p.key.direction == direction && p.key.host == host)
        .unwrap_or_else(|| panic!("{host} in {peers:?}"))
}

fn one_sent() -> String {
    let (time, recipient) = ("25/Aug/2022 10:00:00", "a@b.example");
    sent(time, "1-1", recipient, "delivered", "2.0.0", "198.51.100.1")
}

#[test]
fn messages_are_counted_once_over_recipients_delays_and_both_kinds_of_trouble() {
    let mut log = String::new();
    let day = "25/Aug/2022";
    log += &sent(
        &format!("{day} 10:00:00"),
        "1-1",
        "a@example.com",
        "delivered",
        "2.0.0",
        "198.51.100.7",
    );
    log += &sent(
        &format!("{day} 10:00:00"),
        "1-1",
        "b@example.com",
        "delayed",
        "4.0.0",
        "198.51.100.7",
    );
    log += &sent(
        &format!("{day} 10:30:00"),
        "1-1",
        "b@example.com",
        "delayed",
        "4.0.0",
        "198.51.100.7",
    );
    log += &sent(
        &format!("{day} 11:00:00"),
        "1-1",
        "b@example.com",
        "relayed",
        "2.0.0",
        "198.51.100.7",
    );
    log += &sent(
        &format!("{day} 11:00:00"),
        "2-2",
        "c@Example.NET",
        "failed",
        "5.0.0",
        "198.51.100.7",
    );
    log += &sent(
        &format!("{day} 11:00:00"),
        "2-2",
        "d@example.net",
        "failed",
        "5.0.0",
        "198.51.100.7",
    );
    let findings = scan_text(&log);
    let peers = findings.peers();
    assert_eq!(peers.len(), 1);
    let peer = find(&peers, Direction::Outbound, "198.51.100.7");
    assert_eq!((peer.messages, peer.delayed, peer.failed), (1, 1, 1));
    assert_eq!(peer.names, ["example.com", "example.net"]);
    assert_eq!(
        findings.routes().iter().map(|r| r.domain.as_str()).collect::<Vec<_>>(),
        ["example.com", "example.net"]
    );
}

#[test]
fn own_loopback_and_unspecified_hosts_are_no_peers() {
    let time = "25/Aug/2022 10:00:00";
    let mut log = String::new();
    for host in [
        "127.0.0.1",
        "127.8.8.8",
        "::1",
        "localhost",
        "192.0.2.1",
        "MX.example.org",
        "::ffff:127.0.0.1",
    ] {
        log += &sent(time, "1-1", "a@example.com", "delivered", "2.0.0", host);
    }
    log += &recv(time, "1-1", "SMTP", "0.0.0.0", "");
    log += &recv(time, "1-2", "SMTP", "::", "");
    log += &recv(time, "1-3", "SMTP", "2001:db8::5", "");
    log += &recv(time, "1-4", "SMTP", "[2001:db8::5]", "");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.log");
    fs::write(&path, log).unwrap();
    let own = OwnHosts::new([
        Host::parse("192.0.2.1").unwrap(),
        Host::parse("mx.example.org").unwrap(),
    ]);
    let findings = scan_logs(
        &[path],
        &window(30),
        &own,
        1,
        &ScanProgress::default(),
        &AtomicBool::new(false),
    );
    let peers = findings.peers();
    assert_eq!(peers.len(), 1, "{peers:?}");
    assert_eq!(find(&peers, Direction::Inbound, "2001:db8::5").messages, 2);
    // Behind a proxy of this host every sender has its address: that is said.
    let passed_over = "mail log: what came from or went to this server's own address was not used: 192.0.2.1";
    assert_eq!(findings.warnings(), [passed_over]);
}

#[test]
fn inbound_sessions_without_tls_are_plain_for_smtp_only() {
    let time = "25/Aug/2022 10:00:00";
    let log = recv(time, "1-1", "SMTP", "192.0.2.9", "")
        + &recv(time, "1-2", "SMTP", "192.0.2.10", ", User: u@example.org, SSL: yes")
        + &recv(
            time,
            "1-3",
            "Kerio Connect Client",
            "192.0.2.11",
            ", User: u@example.org",
        )
        + &recv(time, "1-4", "SMTP", "printer.example.org", "");
    let peers = scan_text(&log).peers();
    let plain = find(&peers, Direction::Inbound, "192.0.2.9");
    assert_eq!(
        (&plain.evidence[0].knowledge, plain.authenticated),
        (&Knowledge::Plain, false)
    );
    let tls = find(&peers, Direction::Inbound, "192.0.2.10");
    assert_eq!(
        (&tls.evidence[0].knowledge, tls.authenticated),
        (&Knowledge::AtLeast(TlsVersion::Ssl3), true)
    );
    let web = find(&peers, Direction::Inbound, "192.0.2.11");
    assert_eq!(web.key.service, Service::Https);
    assert!(matches!(web.evidence[0].knowledge, Knowledge::Hint(_)));
    assert_eq!(find(&peers, Direction::Inbound, "printer.example.org").messages, 1);
}

#[test]
fn remarks_about_tls_are_kept_word_for_word_with_control_bytes_as_hex() {
    let status = "4.7.5 negotiated an old and insecure TLS version, TLSv1.1 \x1b[31m";
    let peers = scan_text(&sent(
        "25/Aug/2022 10:00:00",
        "1-1",
        "a@example.com",
        "failed",
        status,
        "198.51.100.7",
    ))
    .peers();
    let expected = "4.7.5 negotiated an old and insecure TLS version, TLSv1.1 \\x1b[31m";
    assert_eq!(peers[0].evidence.len(), 1);
    assert_eq!(peers[0].evidence[0].knowledge, Knowledge::Hint(expected.into()));
}

#[test]
fn lines_outside_of_the_window_do_not_count_and_ambiguous_ones_are_said() {
    let log = sent(
        "26/Jul/2022 10:00:00",
        "1-1",
        "a@example.com",
        "delivered",
        "2.0.0",
        "198.51.100.1",
    ) + &sent(
        "28/Jul/2022 10:00:00",
        "1-2",
        "a@example.com",
        "delivered",
        "2.0.0",
        "198.51.100.2",
    ) + &sent(
        "25/Aug/2023 10:00:00",
        "1-3",
        "a@example.com",
        "delivered",
        "2.0.0",
        "198.51.100.3",
    ) + &sent(
        "25/Aug/2022 10:00:00",
        "1-4",
        "a@example.com",
        "failed",
        "x, Remote-Host: 6.6.6.6",
        "198.51.100.4",
    );
    let findings = scan_text(&log);
    assert_eq!(
        findings
            .peers()
            .iter()
            .map(|p| p.key.host.to_string())
            .collect::<Vec<_>>(),
        ["198.51.100.2"]
    );
    assert_eq!((findings.lines().ambiguous, findings.lines().in_future), (1, 1));
    assert_eq!(findings.warnings().len(), 2);
}

#[test]
fn syslog_lines_junk_and_an_unfinished_last_line_are_read_for_what_they_are() {
    let mut log = "<22>1 2022-08-25T10:00:00Z host mail - - - ".to_owned();
    log += sent("x", "1-1", "a@example.com", "delivered", "2.0.0", "198.51.100.1")
        .split_once("] ")
        .unwrap()
        .1;
    log += "\0\0\0 binary \u{fffd}\n\n[25/Aug/2022 10:00:00] Sent: half a li[25/Aug/2022 10:00:00] Recv:\n";
    log += sent(
        "25/Aug/2022 10:00:00",
        "1-2",
        "a@example.com",
        "delivered",
        "2.0.0",
        "198.51.100.2",
    )
    .trim_end();
    let torn = sent(
        "25/Aug/2022 10:00:00",
        "1-3",
        "a@example.com",
        "delivered",
        "2.0.0",
        "198.51.100.70",
    );
    let findings = scan_text(&log);
    assert_eq!(findings.peers().len(), 2);
    for cut in 0..torn.len() {
        for peer in scan_text(&format!("{}\n{}", log, &torn[..cut])).peers() {
            assert!(["198.51.100.1", "198.51.100.2", "198.51.100.70"].contains(&peer.key.host.to_string().as_str()));
        }
    }
}

#[test]
fn a_line_over_a_mebibyte_is_skipped_and_said_and_its_neighbours_count() {
    let line = |id: &str, host: &str| sent("25/Aug/2022 10:00:00", id, "a@example.com", "delivered", "2.0.0", host);
    let huge = format!("[25/Aug/2022 10:00:00] {}\n", "x".repeat(3 << 20));
    let findings = scan_text(&(line("1-1", "198.51.100.1") + &huge + &line("1-2", "198.51.100.2")));
    assert_eq!((findings.peers().len(), findings.lines().overlong), (2, 1));
}

#[test]
fn a_file_that_cannot_be_read_is_a_warning_and_the_others_count() {
    let dir = tempfile::tempdir().unwrap();
    let good = dir.path().join("mail.log");
    fs::write(&good, one_sent()).unwrap();
    fs::create_dir(dir.path().join("mail.log.0")).unwrap();
    let findings = scan(
        &[good, dir.path().join("mail.log.0"), dir.path().join("mail.log.1")],
        &window(30),
        2,
    );
    assert_eq!((findings.peers().len(), findings.warnings().len()), (1, 2));
}

/// What a slow, obvious reader makes of a sample: distinct Queue-IDs per outbound host and result.
pub(crate) fn oracle(text: &str, since: &str) -> BTreeMap<(String, &'static str), usize> {
    let mut seen: BTreeMap<(String, &'static str), BTreeSet<String>> = BTreeMap::new();
    for line in text.lines().filter(|l| {
        l.get(1..)
            .unwrap()
            .split(' ')
            .next()
            .unwrap()
            .split('/')
            .rev()
            .map(month)
            .collect::<String>()
            >= month_day(since)
    }) {
        let id = line
            .split("Queue-ID: ")
            .nth(1)
            .unwrap()
            .split(',')
            .next()
            .unwrap()
            .to_owned();
        let (kind, marker) = if line.contains("] Sent: ") {
            ("out", "Remote-Host: ")
        } else {
            ("in", "Sender-Host: ")
        };
        let Some(host) = line
            .split(marker)
            .nth(1)
            .map(|r| r.split(',').next().unwrap().to_owned())
        else {
            continue;
        };
        if host == "127.0.0.1" || (kind == "in" && line.contains("Service: DSN")) {
            continue;
        }
        let kind = match kind {
            "in" if line.contains("Service: SMTP") => "in",
            "in" => "client",
            _ if line.contains("Result: delivered") => "out",
            _ if line.contains("Result: delayed") => "delayed",
            _ => "failed",
        };
        seen.entry((host, kind)).or_default().insert(id);
    }
    seen.into_iter().map(|(k, ids)| (k, ids.len())).collect()
}

fn month(part: &str) -> String {
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    months
        .iter()
        .position(|m| *m == part)
        .map_or(part.to_owned(), |n| format!("{:02}", n + 1))
}

fn month_day(since: &str) -> String {
    since.replace('-', "")
}

pub(crate) fn summary(findings: &LogFindings) -> BTreeMap<(String, &'static str), usize> {
    let mut out = BTreeMap::new();
    for peer in findings.peers() {
        let host = peer.key.host.to_string();
        let kind = match (peer.key.direction, peer.key.service) {
            (Direction::Inbound, Service::Smtp) => "in",
            (Direction::Inbound, _) => "client",
            (Direction::Outbound, _) => "out",
        };
        for (kind, n) in [
            (kind, peer.messages),
            ("delayed", peer.delayed),
            ("failed", peer.failed),
        ] {
            if n > 0 {
                out.insert((host.clone(), kind), usize::try_from(n).unwrap());
            }
        }
    }
    out
}

/// 12 MB over 60 days, in three files, `mail.log` the newest.
pub(crate) fn sample(dir: &Path) -> (Vec<PathBuf>, String) {
    let start = "2022-06-27T12:00:00Z".parse::<Timestamp>().unwrap().as_second();
    let end = NOW.parse::<Timestamp>().unwrap().as_second();
    let mut bytes = Vec::new();
    SampleLog {
        seed: 7,
        peers: 300,
        start,
        end,
    }
    .write(&mut bytes, 12 << 20)
    .unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let cut = |at: usize| at + text[at..].find('\n').unwrap() + 1;
    let (a, b) = (cut(5 << 20), cut((5 << 20) + 5000));
    let files = ["mail.log", "mail.log.0", "mail.log.3"].map(|n| dir.join(n)).to_vec();
    fs::write(&files[2], &text[..a]).unwrap();
    fs::write(&files[1], &text[a..b]).unwrap();
    fs::write(&files[0], &text[b..]).unwrap();
    (files, text)
}

#[test]
fn counts_are_those_of_a_slow_and_obvious_reader_however_many_threads_and_files() {
    let dir = tempfile::tempdir().unwrap();
    let (files, text) = sample(dir.path());
    let expected = oracle(&text, "2022-01-01");
    for threads in [1, 2, 3, 7] {
        let progress = ScanProgress::default();
        let findings = scan_logs(
            &files,
            &window(90),
            &OwnHosts::default(),
            threads,
            &progress,
            &AtomicBool::new(false),
        );
        assert_eq!(summary(&findings), expected, "{threads} threads");
        assert_eq!(findings.lines().ambiguous + findings.lines().not_understood, 0);
        assert_eq!(progress.bytes(), (text.len() as u64, text.len() as u64));
    }
}

#[test]
fn a_window_reads_only_the_end_of_large_files_and_counts_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (files, text) = sample(dir.path());
    // The window begins at midnight, so that the slow reader can compare days.
    let window = Window {
        now: "2022-08-27T00:00:00Z".parse().unwrap(),
        days: 10,
        zone: TimeZone::UTC,
        zone_given: false,
    };
    let progress = ScanProgress::default();
    let findings = scan_logs(
        &files,
        &window,
        &OwnHosts::default(),
        2,
        &progress,
        &AtomicBool::new(false),
    );
    assert_eq!(summary(&findings), oracle(&text, "2022-08-17"));
    let (done, total) = progress.bytes();
    assert_eq!(done, total);
    assert!(total < text.len() as u64 / 3, "{total} of {} bytes", text.len());
}

#[test]
fn a_follow_up_scan_reads_only_what_is_new_through_a_rotation_and_finds_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (files, text) = sample(dir.path());
    let whole = scan(&files, &window(90), 2);
    // The newest file grows in two steps, the first in the middle of a line, and is rotated away before the third.
    let newest = fs::read(&files[0]).unwrap();
    let (first, second) = (newest.len() / 3 + 17, newest.len() / 2);
    fs::write(&files[0], &newest[..first]).unwrap();
    let mut findings = scan(&files, &window(90), 2);
    let append = |path: &Path, bytes: &[u8]| {
        fs::OpenOptions::new()
            .append(true)
            .open(path)
            .unwrap()
            .write_all(bytes)
            .unwrap()
    };
    append(&files[0], &newest[first..second]);
    let progress = ScanProgress::default();
    let cancel = AtomicBool::new(false);
    findings.follow(&files, &window(90), &OwnHosts::default(), &progress, &cancel);
    assert!(
        progress.bytes().1 < (second - first) as u64 + 2000,
        "{:?}",
        progress.bytes()
    );
    append(&files[0], &newest[second..]);
    let rotated = dir.path().join("mail.log.1");
    fs::rename(&files[0], &rotated).unwrap();
    fs::write(&files[0], "").unwrap();
    let files = find_logs(&[dir.path().to_owned()]).unwrap().files;
    assert_eq!(files.len(), 4);
    findings.follow(&files, &window(90), &OwnHosts::default(), &progress, &cancel);
    assert!(progress.bytes().1 < (newest.len() - second) as u64 + 2000);
    assert_eq!(summary(&findings), summary(&whole));
    assert_eq!(summary(&findings), oracle(&text, "2022-01-01"));
    findings.follow(&files, &window(90), &OwnHosts::default(), &progress, &cancel);
    assert_eq!(progress.bytes().1, 0);
}

#[test]
fn a_cancelled_scan_says_so_and_the_next_one_starts_afresh() {
    let dir = tempfile::tempdir().unwrap();
    let (files, text) = sample(dir.path());
    let mut findings = scan_logs(
        &files,
        &window(90),
        &OwnHosts::default(),
        2,
        &ScanProgress::default(),
        &AtomicBool::new(true),
    );
    assert!(findings.cancelled() && findings.warnings().iter().any(|w| w.contains("cancelled")));
    findings.follow(
        &files,
        &window(90),
        &OwnHosts::default(),
        &ScanProgress::default(),
        &AtomicBool::new(false),
    );
    assert!(!findings.cancelled());
    assert_eq!(summary(&findings), oracle(&text, "2022-01-01"));
}

#[test]
fn a_scan_that_is_cancelled_while_it_reads_ends_early_and_its_progress_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.log");
    // A hole of 64 GB behind the mail: far more than is read until somebody sees that reading began.
    fs::write(&path, one_sent()).unwrap();
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(64 << 30)
        .unwrap();
    let (progress, cancel) = (ScanProgress::default(), AtomicBool::new(false));
    let findings = std::thread::scope(|scope| {
        scope.spawn(|| {
            while progress.bytes().0 == 0 {
                std::thread::yield_now();
            }
            cancel.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        scan_logs(&[path], &window(30), &OwnHosts::default(), 2, &progress, &cancel)
    });
    let (done, total) = progress.bytes();
    assert!(findings.cancelled() && done > 0 && done < total, "{done} of {total}");
}

#[test]
fn troubles_since_a_save_name_new_ones_first_with_the_remote_servers_words() {
    let log = sent(
        "24/Aug/2022 10:00:00",
        "1-1",
        "a@example.com",
        "delivered",
        "2.0.0",
        "198.51.100.1",
    ) + &sent(
        "24/Aug/2022 10:00:00",
        "1-2",
        "a@example.com",
        "delayed",
        "4.0.0 always busy",
        "198.51.100.2",
    ) + &sent(
        "25/Aug/2022 10:00:00",
        "1-3",
        "a@example.com",
        "delayed",
        "4.7.0 no shared TLS version",
        "198.51.100.1",
    ) + &sent(
        "25/Aug/2022 10:30:00",
        "1-3",
        "a@example.com",
        "delayed",
        "4.7.0 no shared TLS \x07version",
        "198.51.100.1",
    ) + &sent(
        "25/Aug/2022 10:40:00",
        "1-6",
        "a@example.com",
        "failed",
        "5.4.7 expired",
        "198.51.100.1",
    ) + &sent(
        "25/Aug/2022 10:40:00",
        "1-7",
        "a@example.com",
        "failed",
        "5.7.1 no",
        "198.51.100.3",
    ) + &sent(
        "25/Aug/2022 11:00:00",
        "1-4",
        "a@example.com",
        "delayed",
        "4.0.0 always busy",
        "198.51.100.2",
    ) + &sent(
        "25/Aug/2022 12:00:00",
        "1-5",
        "a@example.com",
        "delivered",
        "2.0.0",
        "198.51.100.2",
    );
    let findings = scan_text(&log);
    let troubles = findings.troubles("2022-08-25T00:00:00Z".parse().unwrap());
    assert_eq!(troubles.len(), 3);
    let new = &troubles[0];
    // What it said of TLS tells more than what it said last.
    assert_eq!(
        (new.peer.host.to_string().as_str(), new.count, new.status.as_str()),
        ("198.51.100.1", 2, "4.7.0 no shared TLS \\x07version")
    );
    assert_eq!(new.novelty(), "new, it worked before");
    assert!(new.worked_before && !new.troubled_before && new.worked_since.is_none() && !new.at_least);
    let stranger = &troubles[1];
    assert_eq!(
        (stranger.peer.host.to_string().as_str(), stranger.novelty()),
        ("198.51.100.3", "no mail to it is known from before")
    );
    let old = &troubles[2];
    assert_eq!(old.novelty(), "not new, it had trouble before");
    assert!(old.troubled_before && !old.worked_before && old.worked_since.is_some());
    assert!(findings.troubles("2022-08-26T00:00:00Z".parse().unwrap()).is_empty());
}
