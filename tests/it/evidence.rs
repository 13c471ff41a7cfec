//! The real binary and what it knows of peers: where that comes from, how it is asked for, that it is remembered.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::Command;

use serde_json::Value;

use crate::place::Place;
use crate::ran::{BINARY, Ran, in_terminal, run};

impl Place {
    /// With a store, where the logs are.
    pub(crate) fn with_store() -> Self {
        let place = Self::with("");
        let store = place.path("store");
        fs::create_dir_all(store.join("logs")).unwrap();
        let config = format!(
            "<config>\n  <table name=\"Directories\">\n    <variable name=\"StoreDir\">{}</variable>\n  </table>\n</config>\n",
            store.display()
        );
        fs::write(place.file(), config).unwrap();
        place
    }

    /// The demo, which asks pretend peers only, with a memory that outlives it.
    fn demo(&self, arguments: &[&str]) -> Ran {
        run(&mut self.demo_command(arguments))
    }

    fn demo_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command
            .arg("--demo")
            .arg("--state-dir")
            .arg(self.path("state"))
            .args(arguments);
        command
    }

    /// A `Sent` line of an hour ago.
    fn log(&self, lines: &[String]) {
        let then = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
        let stamp = then.strftime("%d/%b/%Y %H:%M:%S").to_string();
        let text: String = lines.iter().map(|line| format!("[{stamp}] {line}\n")).collect();
        fs::write(self.path("store/logs/mail.log"), text).unwrap();
    }

    fn peers_file(&self, text: &str) {
        fs::write(self.path("peers.csv"), text).unwrap();
    }
}

fn sent(number: u32, recipient: &str, result: &str, status: &str, host: &str) -> String {
    format!(
        "Sent: Queue-ID: 63073369-{number:08x}, Recipient: <{recipient}>, Result: {result}, Status: {status} , Remote-Host: {host}, Msg-Id: <{number}@example.org>"
    )
}

fn peer<'a>(json: &'a Value, address: &str) -> &'a Value {
    let peers = json["peers"].as_array().unwrap();
    let found = peers.iter().find(|peer| peer["address"] == address);
    found.unwrap_or_else(|| panic!("no {address} in {json}"))
}

#[test]
fn headers_count_under_the_names_of_the_preferences_even_where_nothing_can_be_remembered() {
    let place = Place::with_store();
    let messages = place.path("store/mail/example.org/anna/INBOX/#msgs");
    fs::create_dir_all(&messages).unwrap();
    let now = jiff::Timestamp::now()
        .strftime("%a, %d %b %Y %H:%M:%S +0000")
        .to_string();
    let header = format!(
        "Received: from scanner ([192.0.2.77])\r\n\tby mail.example.org (Kerio Connect 10.0.6) with ESMTPSA\r\n\t(using TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256 bits));\r\n\t{now}\r\nSubject: x\r\n\r\n"
    );
    fs::write(messages.join("00000001.eml"), header).unwrap();
    // Without a name for this server nothing is its own, and it is said where to name it.
    let before = place.run(&["peers", "--headers", "--json"]).done();
    assert_eq!(before.json()["coverage"]["inbound"]["all"], 0);
    assert!(before.err.contains("0 had this server's own header"), "{}", before.err);
    assert!(
        before.err.contains("names = [") && before.err.contains("kerio-tls.toml"),
        "{}",
        before.err
    );
    fs::write(place.path("kerio-tls.toml"), "names = [\"mail.example.org\"]\n").unwrap();
    // Nobody can make a directory below a file, root neither.
    let mut arguments = place.arguments(&[]);
    arguments[3] = place.file().join("state").into();
    let after = run(Command::new(BINARY)
        .args(arguments)
        .args(["peers", "--headers", "--json"]))
    .done();
    let json = after.json();
    let scanner = peer(&json, "192.0.2.77");
    assert_eq!(
        (&scanner["source"], &scanner["direction"]),
        (&"received".into(), &"inbound".into())
    );
    assert!(after.err.contains("could not be remembered"), "{}", after.err);
}

#[test]
fn a_peers_file_that_somebody_else_could_have_written_is_ignored_aloud_by_root() {
    let place = Place::with_store();
    place.peers_file("outbound,smtp,198.51.100.7,tls1.0,2026-10-02,x\n");
    let known = || place.run(&["peers", "--json"]).done();
    assert_eq!(peer(&known().json(), "198.51.100.7")["source"], "peers-file");
    let file = place.path("peers.csv");
    std::os::unix::fs::chown(&file, Some(65534), None).unwrap();
    let ignored = known().json();
    assert_eq!(ignored["peers"], serde_json::json!([]));
    assert!(
        ignored["warnings"]
            .to_string()
            .contains("is ignored: it belongs to user 65534"),
        "{ignored}"
    );
    // Nor is one behind a stranger's link: he could turn it to another file.
    std::os::unix::fs::chown(&file, Some(0), None).unwrap();
    fs::rename(&file, place.path("real.csv")).unwrap();
    std::os::unix::fs::symlink(place.path("real.csv"), &file).unwrap();
    std::os::unix::fs::lchown(&file, Some(65534), None).unwrap();
    let linked = known().json();
    assert_eq!(linked["peers"], serde_json::json!([]), "{linked}");
    assert!(linked["warnings"].to_string().contains("symbolic link"), "{linked}");
}

#[test]
fn a_probe_gives_the_name_of_the_preferences() {
    let place = Place::with_store();
    fs::write(place.path("kerio-tls.toml"), "names = [\"mail.example.org\"]\n").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"220 mx.example.net\r\n").unwrap();
        let mut line = String::new();
        BufReader::new(stream.try_clone().unwrap())
            .read_line(&mut line)
            .unwrap();
        stream.write_all(b"504 5.5.2 Helo command rejected\r\n").unwrap();
        line
    });
    let said = place.run(&["probe", &address, "--json"]).done().json();
    assert_eq!(heard.join().unwrap(), "EHLO mail.example.org\r\n");
    // A no to our name says nothing of TLS.
    assert_eq!(
        (&said["outcome"], &said["remembered"]),
        (&"refused".into(), &false.into())
    );
    assert!(said["detail"].as_str().unwrap().contains("504 5.5.2"), "{said}");
}

#[test]
fn a_line_of_the_peers_file_about_this_server_itself_cuts_nobody_off() {
    let place = Place::with_store();
    place.peers_file("outbound,smtp,127.0.0.1,tls1.0,2026-10-02,ourselves\n");
    let ran = place.run(&["peers", "--min", "tls1.2", "--json"]).done();
    let json = ran.json();
    assert_eq!(json["coverage"]["outbound"]["all"], 0);
    let warnings = json["warnings"].to_string();
    assert!(
        warnings.contains("this server itself") && warnings.contains("127.0.0.1"),
        "{warnings}"
    );
}

#[test]
fn a_domain_is_cut_off_as_a_whole_only_where_all_that_took_its_mail_are() {
    let place = Place::with_store();
    place.peers_file("outbound,smtp,198.51.100.7,tls1.0,2026-10-02,fax\n");
    place.log(&[
        sent(1, "a@old.example", "delivered", "2.0.0", "198.51.100.7"),
        sent(2, "b@old.example", "delayed", "4.4.1 timed out", "198.51.100.8"),
        sent(3, "c@both.example", "delivered", "2.0.0", "198.51.100.7"),
        sent(4, "d@both.example", "delivered", "2.0.0", "198.51.100.8"),
    ]);
    let ran = place.run(&["peers", "--min", "tls1.2", "--json"]).done();
    assert_eq!(ran.json()["cut_off_domains"], serde_json::json!(["old.example"]));
    let set = ["set", "--outbound", "tls1.2", "--dry-run", "--json"];
    assert_eq!(
        place.run(&set).done().json()["cut_off_domains"],
        serde_json::json!(["old.example"])
    );
    let plain = place.run(&["peers", "--min", "tls1.2"]).done();
    assert!(
        plain.out.contains("Whole domains cut off: old.example\n"),
        "{}",
        plain.out
    );
    let review = place.run(&["set", "--outbound", "tls1.2", "--dry-run"]);
    assert!(
        review.out.contains("x whole domains cut off: old.example\n"),
        "{}",
        review.out
    );
}

#[test]
fn the_table_says_what_is_delayed_and_failed_how_old_the_evidence_is_and_the_remarks_word_for_word() {
    let place = Place::with_store();
    place.peers_file("outbound,smtp,198.51.100.7,tls1.0,2026-10-02,fax\n");
    let remark = "5.7.10 negotiated an old and insecure TLS version, TLSv1.1";
    place.log(&[
        sent(1, "a@old.example", "delivered", "2.0.0", "198.51.100.7"),
        sent(2, "b@slow.example", "delayed", "4.4.1 timed out", "198.51.100.8"),
        sent(3, "c@strict.example", "failed", remark, "198.51.100.9"),
    ]);
    let ran = place.run(&["peers", "--min", "tls1.2"]).done();
    let head = ran.out.lines().next().unwrap();
    assert!(head.ends_with("messages  delayed  failed"), "{}", ran.out);
    let row = |host: &str| ran.out.lines().find(|line| line.contains(host)).unwrap();
    assert!(row("198.51.100.8").ends_with("0        1       0"), "{}", ran.out);
    assert!(row("198.51.100.9").ends_with("0        0       1"), "{}", ran.out);
    assert!(ran.out.contains(&format!("  198.51.100.9: {remark}")), "{}", ran.out);
    assert!(
        ran.out.contains("Outbound: 1 of 3 peers known; of 2 Oct; 1 cut off"),
        "{}",
        ran.out
    );
    assert!(
        ran.err.contains("warning: inbound: no peer is known at all"),
        "{}",
        ran.err
    );
    let json = place.run(&["peers", "--json"]).done().json();
    assert_eq!(peer(&json, "198.51.100.8")["delayed"], 1);
    assert_eq!(peer(&json, "198.51.100.9")["remark"], remark);
    assert_eq!(json["coverage"]["outbound"]["newest"], "2026-10-02T00:00:00Z");
    assert!(
        json["warnings"]
            .to_string()
            .contains("inbound: no peer is known at all")
    );
    // A peer of which nothing is known is exported all the same.
    let export = place.run(&["peers", "--export"]).done();
    assert!(export.out.contains("outbound,smtp,198.51.100.8,-,"), "{}", export.out);
}

#[test]
fn the_peers_are_asked_only_after_a_yes_and_what_they_answer_moves_the_table_and_stays() {
    let place = Place::with_store();
    for arguments in [["peers", "--probe"].as_slice(), &["peers", "--probe", "--json"]] {
        let ran = place.demo(arguments);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{}", ran.err);
        assert!(ran.err.contains("--yes") && ran.err.lines().count() == 1, "{}", ran.err);
    }
    let before = place.demo(&["peers", "--min", "tls1.2", "--json"]).done().json();
    assert_eq!(peer(&before, "198.51.100.7")["source"], "peers-file");
    let ran = place
        .demo(&["peers", "--probe=all", "--yes", "--min", "tls1.2", "--json"])
        .done();
    assert!(
        ran.err.contains("connections at most") && ran.err.contains("EHLO"),
        "{}",
        ran.err
    );
    let asked = ran.json();
    let after = place.demo(&["peers", "--min", "tls1.2", "--json"]).done().json();
    for json in [&asked, &after] {
        let fax = peer(json, "198.51.100.7");
        assert_eq!((&fax["source"], &fax["highest"]), (&"probe".into(), &"tls1.0".into()));
        assert_eq!(
            json["peers"].as_array().unwrap().len(),
            before["peers"].as_array().unwrap().len()
        );
    }
    let known = |json: &Value| json["coverage"]["outbound"]["known"].as_u64().unwrap();
    assert!(known(&asked) > known(&before) && known(&after) == known(&asked));
    // Only those without an answer are asked again.
    let again = place.demo(&["peers", "--probe", "--yes", "--min", "tls1.2"]).done();
    let hosts: u64 = again
        .err
        .lines()
        .find(|line| line.contains("connections at most"))
        .and_then(|line| line.trim_start_matches("kerio-tls: ").split(' ').next()?.parse().ok())
        .unwrap();
    let all = after["coverage"]["outbound"]["all"].as_u64().unwrap();
    assert!(hosts > 0 && hosts < all - 10, "{hosts} of {all}");
    assert!(again.out.contains("Outbound: "), "{}", again.out);
}

#[test]
fn on_a_terminal_the_plan_is_shown_and_only_a_yes_asks_the_peers() {
    let place = Place::with_store();
    let (status, seen) = in_terminal(
        &place.demo_command(&["peers", "--probe=all", "--min", "tls1.2"]),
        200,
        "n\n",
    );
    assert_eq!(status, 4, "{seen}");
    assert!(
        seen.contains("connections at most") && seen.contains("Ask them? [y/N]"),
        "{seen}"
    );
    assert!(seen.contains("nobody was asked"), "{seen}");
    assert!(
        !place.path("state").exists(),
        "nothing was measured, so nothing is remembered"
    );
    let (status, seen) = in_terminal(
        &place.demo_command(&["peers", "--probe=all", "--min", "tls1.2"]),
        200,
        "y\n",
    );
    assert_eq!(status, 0, "{seen}");
    assert!(seen.contains("probed today"), "{seen}");
    assert!(place.path("state/evidence.jsonl").exists());
}

#[test]
fn what_a_known_peer_answers_to_a_probe_is_remembered_and_of_others_nothing() {
    let place = Place::with_store();
    let known = place.demo(&["probe", "198.51.100.7", "--json"]).done().json();
    assert_eq!(
        (&known["target"], &known["highest"]),
        (&"198.51.100.7:25".into(), &"tls1.0".into())
    );
    assert_eq!(known["remembered"], true);
    let other = place.demo(&["probe", "192.0.2.250"]).done();
    assert!(
        other.err.contains("Not remembered") && other.err.contains("192.0.2.250"),
        "{}",
        other.err
    );
    let peers = place.demo(&["peers", "--min", "tls1.2", "--json"]).done().json();
    assert_eq!(peer(&peers, "198.51.100.7")["source"], "probe");
    assert!(!peers.to_string().contains("192.0.2.250"));
}

#[test]
fn whom_this_machine_could_not_ask_is_counted_aloud() {
    let place = Place::with_store();
    // Standard streams and what ends a probe fill the five: no socket is left.
    // A descriptor that another test opens at this moment may be inherited.
    let script = "ulimit -n 5; exec \"$0\" \"$@\" 3>&- 4>&-";
    let ran = run(Command::new("sh")
        .args(["-c", script, BINARY])
        .args(place.arguments(&[]))
        .args(["probe", "127.0.0.1:1", "127.0.0.2:1"]));
    assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{}", ran.err);
    assert!(ran.err.contains("2 of 2 could not be asked"), "{}", ran.err);
}
