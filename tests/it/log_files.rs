//! Which files of the mail log are read, in which forms, and in which time zone.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kerio_tls::peers::{OwnHosts, ScanProgress, Window, find_logs, scan_logs};

use crate::peers_logs::{oracle, sample, scan, scan_text, sent, summary, window};
use crate::place::Place;
use crate::ran::{BINARY, run};

/// A delivery, as a line of the log.
fn delivered(civil: &str, host: &str) -> String {
    sent(civil, "1-1", "a@b.example", "delivered", "2.0.0", host)
}

fn set_modified(path: &Path, moment: Timestamp) {
    let moment = std::time::UNIX_EPOCH + std::time::Duration::from_secs(moment.as_second().cast_unsigned());
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(moment).unwrap();
}

#[test]
fn rotations_are_found_newest_first_with_gaps_and_packed_ones_among_them() {
    let dir = tempfile::tempdir().unwrap();
    for name in [
        "mail.log.10",
        "mail.log.2",
        "mail.log",
        "mail.log.0",
        "mail.log.2.gz",
        "mail.log.3.gz",
        "mail.log.idx",
        "mail.log.",
        "spam.log",
        "amail.log",
    ] {
        fs::write(dir.path().join(name), "").unwrap();
    }
    let logs = find_logs(&[dir.path().to_owned()]).unwrap();
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let names: Vec<_> = logs.files.iter().map(name).collect();
    assert_eq!(
        names,
        ["mail.log", "mail.log.0", "mail.log.2", "mail.log.3.gz", "mail.log.10"]
    );
    assert_eq!(logs.unread, Vec::<PathBuf>::new());
}

#[test]
fn kept_logs_of_other_forms_are_named_with_their_number_if_they_are_of_the_window() {
    let dir = tempfile::tempdir().unwrap();
    for name in [
        "mail.log",
        "mail.log.1.xz",
        "mail.log.2.zst",
        "mail.log.gz",
        "mail.log-20220801",
        "mail.log-20220801.gz",
        "mail-20220801.log",
    ] {
        fs::write(dir.path().join(name), "").unwrap();
    }
    let logs = find_logs(&[dir.path().to_owned()]).unwrap();
    assert_eq!((logs.files.len(), logs.unread.len()), (1, 6));
    let at = |now| Window { now, ..window(30) };
    let words = logs.unread_words(&at(Timestamp::now())).unwrap();
    assert!(
        words.contains("6 kept logs were not read") && words.contains("mail.log-20220801"),
        "{words}"
    );
    let later = at(Timestamp::now() + jiff::SignedDuration::from_hours(31 * 24));
    assert_eq!(logs.unread_words(&later), None);
}

#[test]
fn the_first_place_that_holds_a_mail_log_is_taken_and_all_are_named_where_none_does() {
    let dir = tempfile::tempdir().unwrap();
    let places = ["missing", "empty", "packed", "logs"].map(|name| dir.path().join(name));
    places.iter().skip(1).for_each(|place| fs::create_dir(place).unwrap());
    fs::write(places[2].join("mail.log.1.xz"), "").unwrap();
    let none = find_logs(&places).unwrap_err().to_string();
    for words in [
        "no mail log",
        "missing (No such file",
        "empty (not there)",
        "packed (only mail.log.1.xz)",
        "logs (not there)",
    ] {
        assert!(none.contains(words), "{words}: {none}");
    }
    fs::write(places[3].join("mail.log.7"), "").unwrap();
    assert_eq!(find_logs(&places).unwrap().files, [places[3].join("mail.log.7")]);
}

fn gzip(path: &Path, text: &[u8]) {
    let mut packed = flate2::write::GzEncoder::new(fs::File::create(path).unwrap(), flate2::Compression::fast());
    packed.write_all(text).unwrap();
    packed.finish().unwrap();
}

#[test]
fn packed_logs_count_as_the_same_bytes_unpacked_however_many_threads_read() {
    let dir = tempfile::tempdir().unwrap();
    let (files, text) = sample(dir.path());
    let expected = oracle(&text, "2022-01-01");
    let packed = dir.path().join("mail.log.3.gz");
    gzip(&packed, &fs::read(&files[2]).unwrap());
    fs::remove_file(&files[2]).unwrap();
    let logs = find_logs(&[dir.path().to_owned()]).unwrap().files;
    assert_eq!(logs, [files[0].clone(), files[1].clone(), packed.clone()]);
    for threads in [1, 3] {
        let progress = ScanProgress::default();
        let own = OwnHosts::default();
        let findings = scan_logs(&logs, &window(90), &own, threads, &progress, &AtomicBool::new(false));
        assert_eq!(summary(&findings), expected, "{threads} threads");
        assert_eq!(findings.warnings(), Vec::<String>::new());
        assert_eq!(progress.bytes().0, progress.bytes().1);
    }
    // Last written before the window, it is not unpacked.
    set_modified(&packed, Timestamp::UNIX_EPOCH);
    let (progress, own) = (ScanProgress::default(), OwnHosts::default());
    let _ = scan_logs(&logs[2..], &window(30), &own, 1, &progress, &AtomicBool::new(false));
    assert_eq!(progress.bytes().1, 0);
}

#[test]
fn a_log_that_is_packed_between_two_scans_is_not_counted_twice() {
    let dir = tempfile::tempdir().unwrap();
    let (files, text) = sample(dir.path());
    let newest = fs::read(&files[0]).unwrap();
    fs::write(&files[0], &newest[..newest.len() / 2]).unwrap();
    let mut findings = scan(&files, &window(90), 2);
    gzip(&dir.path().join("mail.log.1.gz"), &newest);
    fs::rename(&files[1], dir.path().join("mail.log.2")).unwrap();
    fs::remove_file(&files[0]).unwrap();
    for _ in 0..2 {
        let logs = find_logs(&[dir.path().to_owned()]).unwrap().files;
        let (progress, own) = (ScanProgress::default(), OwnHosts::default());
        findings.follow(&logs, &window(90), &own, &progress, &AtomicBool::new(false));
        assert_eq!(summary(&findings), oracle(&text, "2022-01-01"));
    }
}

#[test]
fn a_packed_log_that_is_torn_or_no_gzip_at_all_is_said_and_the_others_count() {
    let dir = tempfile::tempdir().unwrap();
    let line = |host: &str| delivered("25/Aug/2022 10:00:00", host);
    let logs = ["mail.log", "mail.log.1.gz", "mail.log.2.gz", "mail.log.3.gz"].map(|name| dir.path().join(name));
    fs::write(&logs[0], line("198.51.100.1")).unwrap();
    gzip(&logs[1], line("198.51.100.2").repeat(9000).as_bytes());
    let whole = fs::metadata(&logs[1]).unwrap().len();
    let file = fs::File::options().write(true).open(&logs[1]).unwrap();
    file.set_len(whole - 20).unwrap();
    fs::write(&logs[2], "this is no gzip file").unwrap();
    gzip(&logs[3], line("198.51.100.3").as_bytes());
    let mut padded = fs::File::options().append(true).open(&logs[3]).unwrap();
    padded.write_all(&[0; 100]).unwrap();
    let findings = scan(&logs, &window(30), 1);
    let warnings = findings.warnings();
    for words in [
        "mail.log.1.gz was read only in part",
        "mail.log.2.gz was not read",
        "mail.log.3.gz was read only in part",
    ] {
        assert!(
            warnings.iter().any(|said| said.contains(words)),
            "{words}: {warnings:?}"
        );
    }
    // What comes before the damage counts.
    let hosts: Vec<String> = findings.peers().iter().map(|peer| peer.key.host.to_string()).collect();
    assert_eq!(hosts, ["198.51.100.1", "198.51.100.2", "198.51.100.3"]);
}

#[test]
fn lines_that_look_like_ours_and_are_not_understood_are_counted_and_one_is_shown() {
    let line = |before: &str| {
        let line = delivered("25/Aug/2022 10:00:00", "198.51.100.7");
        format!("{before}{}", line.split_once("] ").unwrap().1)
    };
    let text = line("25.08.2022 10:00 | \x1b[31m") + &line("2022/08/25 x ") + "25.08.2022 10:00 | something else\n";
    let findings = scan_text(&text);
    assert_eq!((findings.lines().not_understood, findings.peers().len()), (2, 0));
    let warnings = findings.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    for words in [
        "2 lines that look like Sent or Recv",
        "25.08.2022 10:00 | \\x1b[31mSent",
    ] {
        assert!(warnings[0].contains(words), "{warnings:?}");
    }
    let one = scan_text(&line("| ")).warnings();
    assert!(one[0].contains("1 line that looks"), "{one:?}");
}

#[test]
fn a_link_to_a_device_is_not_opened_and_one_to_a_file_of_the_same_owner_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("mail.log");
    std::os::unix::fs::symlink("/dev/zero", &log).unwrap();
    let warnings = scan(std::slice::from_ref(&log), &window(30), 1).warnings();
    assert!(warnings[0].contains("a device"), "{warnings:?}");
    let real = dir.path().join("real");
    fs::write(&real, delivered("25/Aug/2022 10:00:00", "198.51.100.1")).unwrap();
    fs::remove_file(&log).unwrap();
    std::os::unix::fs::symlink(&real, &log).unwrap();
    assert_eq!(scan(&[log], &window(30), 1).peers().len(), 1);
}

#[test]
fn more_logs_than_there_are_descriptors_are_read_one_after_another() {
    let place = Place::with_store();
    let then = Timestamp::now() - jiff::SignedDuration::from_hours(1);
    let civil = TimeZone::system()
        .to_datetime(then)
        .strftime("%d/%b/%Y %H:%M:%S")
        .to_string();
    for number in 0..300 {
        let line = delivered(&civil, "198.51.100.7").replace("1-1", &format!("1-{number}"));
        fs::write(place.path(format!("store/logs/mail.log.{number}")), line).unwrap();
    }
    let script = "ulimit -n 40; exec \"$0\" \"$@\"";
    let ran = run(Command::new("sh")
        .args(["-c", script, BINARY])
        .args(place.arguments(&["peers", "--json"])))
    .done();
    assert_eq!(ran.json()["peers"][0]["messages"], 300, "{}", ran.err);
    assert!(!ran.err.contains("not read"), "{}", ran.err);
}

#[test]
fn of_many_logs_that_cannot_be_read_some_are_named_and_the_others_counted() {
    let missing: Vec<PathBuf> = (0..300).map(|n| format!("/nonexistent/mail.log.{n}").into()).collect();
    let warnings = scan(&missing, &window(30), 1).warnings();
    assert!(
        warnings.len() == 6 && warnings[5].contains("295 more files"),
        "{warnings:?}"
    );
}

/// A log whose newest line has this local time, in a file that was last written at that moment.
fn written(dir: &Path, name: &str, civil: &str, modified: &str) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, delivered(civil, "198.51.100.1")).unwrap();
    set_modified(&path, modified.parse().unwrap());
    path
}

fn in_zone(zone: &str) -> Window {
    Window {
        zone: TimeZone::get(zone).unwrap(),
        ..window(30)
    }
}

#[test]
fn a_log_that_was_written_in_another_zone_is_read_in_it_and_that_is_said() {
    let file = "2022-08-25T10:00:02Z";
    for (zone, civil, newest, words) in [
        // A container in UTC, on hosts to both sides of it.
        (
            "Europe/Prague",
            "25/Aug/2022 10:00:00",
            "2022-08-25T10:00:00Z",
            Some("in UTC"),
        ),
        (
            "America/New_York",
            "25/Aug/2022 10:00:00",
            "2022-08-25T10:00:00Z",
            Some("in UTC"),
        ),
        ("UTC", "25/Aug/2022 15:30:00", "2022-08-25T10:00:00Z", Some("UTC+05:30")),
        // Its own zone; a copy that was made a day later.
        ("Europe/Prague", "25/Aug/2022 12:00:00", "2022-08-25T10:00:00Z", None),
        ("Europe/Prague", "24/Aug/2022 10:00:00", "2022-08-24T08:00:00Z", None),
        // Another zone behind ours, or a copy that was made an hour later: one file alone does not tell, so both are said.
        (
            "UTC",
            "25/Aug/2022 09:00:00",
            "2022-08-25T09:00:00Z",
            Some("1 h older than the file"),
        ),
        // A clock that was wrong: no line is written after its file.
        (
            "UTC",
            "25/Aug/2022 10:47:00",
            "2022-08-25T10:00:02Z",
            Some("46 min after the file"),
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let log = written(dir.path(), "mail.log", civil, file);
        let findings = scan(&[log], &in_zone(zone), 1);
        assert_eq!(findings.newest().unwrap().to_string(), newest, "{zone} {civil}");
        let said = findings.warnings();
        assert_eq!(said.len(), usize::from(words.is_some()), "{zone} {civil}: {said:?}");
        assert!(
            words.is_none_or(|words| said[0].contains(words)),
            "{zone} {civil}: {said:?}"
        );
    }
}

#[test]
fn a_zone_that_the_user_names_is_believed_and_nothing_is_guessed() {
    let dir = tempfile::tempdir().unwrap();
    let log = written(dir.path(), "mail.log", "25/Aug/2022 05:00:00", "2022-08-25T10:00:02Z");
    let given = Window {
        zone_given: true,
        ..in_zone("America/New_York")
    };
    let findings = scan(&[log], &given, 1);
    assert_eq!(findings.newest().unwrap().to_string(), "2022-08-25T09:00:00Z");
    assert_eq!(findings.warnings(), Vec::<String>::new());
}

#[test]
fn trouble_since_a_save_is_not_missed_where_the_log_may_be_of_a_zone_behind_ours() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.log");
    let line = |time: &str, result: &str| {
        delivered(&format!("25/Aug/2022 {time}"), "198.51.100.1")
            .replace("Result: delivered", &format!("Result: {result}"))
    };
    // Five hours behind: the delay was at 09:00 UTC, the newest line at 10:00 UTC.
    fs::write(&path, line("04:00:00", "delayed") + &line("05:00:00", "delivered")).unwrap();
    set_modified(&path, "2022-08-25T10:00:02Z".parse().unwrap());
    let findings = scan(&[path], &window(30), 1);
    assert_eq!(findings.troubles("2022-08-25T08:00:00Z".parse().unwrap()).len(), 1);
    assert!(
        findings.warnings()[0].contains("5 h older"),
        "{:?}",
        findings.warnings()
    );
}

#[test]
fn a_log_that_lost_its_lines_in_a_conversion_is_named_with_what_it_is() {
    let text = delivered("25/Aug/2022 10:00:00", "198.51.100.1").repeat(3);
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [&[0xff, 0xfe], utf16.as_slice()].concat();
    let cr = text.replace(['\r', '\n'], "\r").into_bytes();
    for (bytes, what) in [(utf16, "UTF-16"), (marked, "UTF-16"), (cr, "CR alone")] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mail.log");
        fs::write(&path, bytes).unwrap();
        let said = scan(&[path], &window(30), 1).warnings();
        assert!(said.iter().any(|words| words.contains(what)), "{said:?}");
    }
}

#[test]
fn rotated_logs_bear_out_a_zone_or_speak_against_it() {
    let dir = tempfile::tempdir().unwrap();
    let (today, before) = ("2022-08-25T10:00:02Z", "2022-08-24T10:00:02Z");
    let newest = written(dir.path(), "mail.log", "25/Aug/2022 09:00:00", today);
    let agrees = written(dir.path(), "mail.log.0", "24/Aug/2022 09:00:00", before);
    let findings = scan(&[newest, agrees], &window(30), 1);
    let said = findings.warnings();
    assert!(said[0].contains("UTC-01:00"), "{said:?}");
    assert_eq!(findings.newest().unwrap().to_string(), "2022-08-25T10:00:00Z");
    let utc = written(dir.path(), "mail.log", "25/Aug/2022 10:00:00", today);
    let ours = written(dir.path(), "mail.log.0", "24/Aug/2022 12:00:00", before);
    let said = scan(&[utc, ours], &in_zone("Europe/Prague"), 1).warnings();
    assert_eq!(said, Vec::<String>::new());
}

#[test]
fn a_newest_line_that_lies_ahead_is_never_passed_over_in_silence() {
    let dir = tempfile::tempdir().unwrap();
    let log = written(dir.path(), "mail.log", "26/Aug/2022 15:00:00", "2022-08-26T15:00:00Z");
    let said = scan(&[log], &window(30), 1).warnings();
    assert!(said[0].contains("180 min from now"), "{said:?}");
}

#[test]
fn nothing_is_said_of_the_time_since_a_save_where_the_log_ends_before_it() {
    let place = Place::with_store();
    let log = |text: String| fs::write(place.path("store/logs/mail.log"), text).unwrap();
    let at = |moment: Timestamp| {
        let civil = TimeZone::system().to_datetime(moment);
        delivered(&civil.strftime("%d/%b/%Y %H:%M:%S").to_string(), "198.51.100.7")
    };
    let before = at(Timestamp::now() - jiff::SignedDuration::from_hours(1));
    log(before.clone());
    let _ = place
        .run(&[
            "set",
            "--inbound",
            "tls1.2",
            "--outbound",
            "tls1.2",
            "--yes",
            "--accept-cut-off",
        ])
        .done();
    let since = || place.run(&["peers", "--since-save"]).done().out;
    let early = since();
    assert!(
        early.contains("not known yet") && early.contains("newest line"),
        "{early}"
    );
    log(before + &at(Timestamp::now() + jiff::SignedDuration::from_secs(1)));
    let later = since();
    assert!(later.contains("0 peers delayed or failing"), "{later}");
    fs::remove_file(place.path("store/logs/mail.log")).unwrap();
    let none = place.run(&["peers", "--since-save"]).done();
    assert!(
        none.out.contains("no mail log was read") && none.err.contains("no mail log was found"),
        "{}",
        none.err
    );
}

#[test]
fn amounts_are_said_to_be_of_as_many_days_as_the_logs_go_back() {
    let place = Place::with_store();
    let moment = Timestamp::now() - jiff::SignedDuration::from_hours(100);
    let civil = TimeZone::system().to_datetime(moment);
    let line = delivered(&civil.strftime("%d/%b/%Y %H:%M:%S").to_string(), "198.51.100.7");
    fs::write(place.path("store/logs/mail.log"), line).unwrap();
    let ran = place.run(&["peers"]).done();
    assert!(ran.out.contains("Messages are of the last 5 days."), "{}", ran.out);
    assert_eq!(place.run(&["peers", "--json"]).done().json()["window_days"], 5);
}
