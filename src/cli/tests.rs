//! Commands against peers that are made by hand, and against a file that changes under them. What the real binary
//! does with real files is in `tests/it/cli.rs`.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser as _;
use serde_json::{Value, json};

use super::args::{Check, Command, Output, Saving};
use super::change::Change;
use super::console::Console;
use super::failure::Failure;
use super::opened::{Opened, Recovered};
use super::{Arguments, Status, check, json as shapes, peers, review};
use crate::peers::{Evidence, Host, Knowledge, Peer, PeerBook, PeerKey, Service, Source};
use crate::session::{Conflict, EnginePlan, Review, Secrets, Session, VariablePath};
use crate::tls::{Choice, Direction, TlsVersion};
use crate::work::{self, LiveProof, PortAnswer, PortProof};

const FILE: &str = r#"<config>
  <table name="Security">
    <variable name="ServerTlsProtocols">TLSv1,TLSv1.1,TLSv1.2</variable>
  </table>
  <table name="SmtpSecurity">
    <variable name="ClientTlsProtocols">TLSv1,TLSv1.1,TLSv1.2</variable>
  </table>
</config>
"#;

/// A file of the demo, which no engine uses: what runs on this machine cannot get into these tests.
struct Bench {
    _dir: tempfile::TempDir,
    file: PathBuf,
    opened: Opened,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state").display().to_string();
        let arguments = Arguments::try_parse_from(["kerio-tls", "--demo", "--state-dir", &state, "show"]).unwrap();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut opened = Opened::open(&arguments, &mut Console::new(&mut out, &mut err)).unwrap();
        let file = opened.host.file.path().to_owned();
        fs::write(&file, FILE).unwrap();
        opened.document = opened.host.load().unwrap();
        let (catalogue, measured) = (opened.session.catalogue().clone(), opened.session.measured());
        opened.session = Session::new(Arc::clone(&opened.document), catalogue, measured);
        Self {
            _dir: dir,
            file,
            opened,
        }
    }

    /// `set --outbound tls1.2` with these peers: the outcome, standard output, standard error.
    fn set(&mut self, book: &PeerBook, saving: Saving) -> (Result<(), Failure>, String, String) {
        self.opened
            .session
            .choose(Direction::Outbound, Choice::At(TlsVersion::Tls12))
            .unwrap();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let result = Change::new(&self.opened, book, saving, "save", &Recovered::default())
            .carry_out(&mut Console::new(&mut out, &mut err));
        (result, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.file).unwrap()
    }
}

const fn saving() -> Saving {
    Saving {
        dry_run: false,
        yes: true,
        accept_cut_off: false,
        accept_unknown_name: false,
        engine: super::args::values::EngineArgument::Refuse,
        undo_after: None,
        in_place: false,
        output: Output { json: true },
    }
}

fn peer(direction: Direction, last: u8, messages: u64, records: &[(Source, Knowledge, i64)]) -> Peer {
    let time = |second: i64| jiff::Timestamp::from_second(1_790_000_000 + second).unwrap();
    Peer {
        key: PeerKey {
            direction,
            service: Service::Smtp,
            host: Host::Address([192, 0, 2, last].into()),
            port: None,
        },
        names: vec![format!("peer{last}.example.net")],
        messages,
        delayed: 0,
        failed: 0,
        authenticated: false,
        evidence: records
            .iter()
            .map(|(source, knowledge, second)| Evidence {
                knowledge: knowledge.clone(),
                source: *source,
                first_seen: time(*second),
                last_seen: time(*second),
                count: 1,
                raw: String::new(),
            })
            .collect(),
        note: None,
    }
}

fn book(peers: Vec<Peer>) -> PeerBook {
    PeerBook {
        peers,
        window_days: 30,
        ..PeerBook::default()
    }
}

fn old(last: u8) -> Peer {
    let record = (Source::PeersFile, Knowledge::Ceiling(TlsVersion::Tls10), 0);
    peer(Direction::Outbound, last, 118, &[record])
}

fn modern(direction: Direction, last: u8) -> Peer {
    peer(
        direction,
        last,
        7,
        &[(Source::Probe, Knowledge::Ceiling(TlsVersion::Tls13), 0)],
    )
}

fn unknown(direction: Direction, last: u8) -> Peer {
    let hint = Knowledge::Hint("mail went by".to_owned());
    peer(direction, last, 3, &[(Source::MailLog, hint, 0)])
}

fn mixed(last: u8) -> Peer {
    let records = [
        (Source::Received, Knowledge::Ceiling(TlsVersion::Tls13), 0),
        (Source::Received, Knowledge::Ceiling(TlsVersion::Tls10), 90),
    ];
    peer(Direction::Outbound, last, 5, &records)
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_known_peer_that_would_be_cut_off_refuses_the_save_and_json_still_says_who() {
    let mut bench = Bench::new();
    let (result, out, err) = bench.set(&book(vec![old(9), modern(Direction::Outbound, 10)]), saving());
    let failure = result.unwrap_err();
    assert_eq!(failure.status(), Status::Refused);
    assert!(failure.to_string().contains("--accept-cut-off"), "{failure}");
    assert_eq!(bench.text(), FILE);
    assert_eq!(err, "", "with --json the warnings are in the JSON");
    let json = parsed(&out);
    assert_eq!((&json["changed"], &json["saved"]), (&json!(true), &json!(false)));
    assert_eq!(json["backup"], Value::Null);
    assert_eq!(
        json["cut_off"],
        json!([{
            "direction": "outbound", "address": "192.0.2.9", "names": ["peer9.example.net"], "service": "smtp",
            "messages": 118, "verdict": "cut-off", "highest": "tls1.0", "source": "peers-file", "seen": "2026-09-21T14:13:20Z",
            "delayed": 0, "failed": 0, "remark": null
        }])
    );
    assert!(
        json["warnings"].as_array().unwrap().last().unwrap() == &json!(failure.to_string()),
        "{out}"
    );
}

#[test]
fn a_peer_whose_evidence_disagrees_needs_the_same_yes() {
    let mut bench = Bench::new();
    let (result, out, _) = bench.set(&book(vec![mixed(9)]), saving());
    assert_eq!(result.unwrap_err().status(), Status::Refused);
    assert_eq!(parsed(&out)["cut_off"][0]["verdict"], "mixed");
    assert_eq!(bench.text(), FILE);
}

#[test]
fn cutting_off_is_saved_once_it_is_accepted() {
    let mut bench = Bench::new();
    let accepted = Saving {
        accept_cut_off: true,
        ..saving()
    };
    let (result, out, _) = bench.set(&book(vec![old(9), mixed(10)]), accepted);
    result.unwrap();
    let json = parsed(&out);
    assert_eq!(json["saved"], true);
    assert_eq!(json["cut_off"].as_array().unwrap().len(), 2);
    assert!(fs::exists(json["backup"].as_str().unwrap()).unwrap());
    let wanted = FILE.replace(
        r#""ClientTlsProtocols">TLSv1,TLSv1.1,TLSv1.2"#,
        r#""ClientTlsProtocols">TLSv1.2"#,
    );
    assert_eq!(bench.text(), wanted);
}

#[test]
fn unknown_peers_are_a_warning_and_no_refusal() {
    let mut bench = Bench::new();
    let plain = Saving {
        output: Output { json: false },
        ..saving()
    };
    let (result, out, err) = bench.set(&book(vec![unknown(Direction::Outbound, 4)]), plain);
    result.unwrap();
    assert!(
        err.contains("kerio-tls: warning: outbound: 1 peer never measured (3 messages in 30 days)\n"),
        "{err}"
    );
    assert!(out.contains("Saved ") && out.contains("Backup: "), "{out}");
}

#[test]
fn a_dry_run_says_that_it_would_be_refused_and_ends_well() {
    let mut bench = Bench::new();
    let dry = Saving {
        dry_run: true,
        yes: false,
        ..saving()
    };
    let (result, out, _) = bench.set(&book(vec![old(9)]), dry);
    result.unwrap();
    let json = parsed(&out);
    assert_eq!((&json["changed"], &json["saved"]), (&json!(true), &json!(false)));
    let last = json["warnings"].as_array().unwrap().last().unwrap();
    assert!(last.as_str().unwrap().contains("--accept-cut-off"), "{out}");
    assert_eq!(bench.text(), FILE);
}

#[test]
fn a_value_that_someone_else_changed_meanwhile_is_refused_and_kept() {
    let mut bench = Bench::new();
    let theirs = FILE.replace(
        r#""ClientTlsProtocols">TLSv1,TLSv1.1,TLSv1.2"#,
        r#""ClientTlsProtocols">TLSv1.1,TLSv1.2"#,
    );
    fs::write(&bench.file, &theirs).unwrap();
    let (result, out, _) = bench.set(&book(vec![modern(Direction::Outbound, 9)]), saving());
    let failure = result.unwrap_err();
    assert_eq!(failure.status(), Status::Refused, "{failure}");
    assert_eq!(parsed(&out)["saved"], false);
    assert_eq!(bench.text(), theirs);
}

#[test]
fn what_someone_else_changed_meanwhile_is_shown_with_what_it_was_and_what_was_wanted() {
    let theirs = FILE.replace(
        r#""ClientTlsProtocols">TLSv1,TLSv1.1,TLSv1.2"#,
        r#""ClientTlsProtocols">TLSv1.1,TLSv1.2"#,
    );
    let mut bench = Bench::new();
    fs::write(&bench.file, &theirs).unwrap();
    let known = book(vec![modern(Direction::Outbound, 9)]);
    let (result, out, _) = bench.set(&known, saving());
    assert_eq!(
        result.unwrap_err().more(),
        [
            "SmtpSecurity/ClientTlsProtocols",
            "  as loaded   TLSv1,TLSv1.1,TLSv1.2",
            "  on disk     TLSv1.1,TLSv1.2",
            "  your edit   TLSv1.2",
        ]
    );
    assert_eq!(
        parsed(&out)["conflicts"],
        json!([{
            "table": "SmtpSecurity", "variable": "ClientTlsProtocols",
            "base": "TLSv1,TLSv1.1,TLSv1.2", "theirs": "TLSv1.1,TLSv1.2", "mine": "TLSv1.2"
        }])
    );
}

#[test]
fn a_value_in_dispute_is_masked_where_it_is_a_secret() {
    let conflict = Conflict {
        path: VariablePath {
            table: "Smtp".to_owned(),
            variable: "RelayPassword".to_owned(),
        },
        base: Some("tok-one".to_owned()),
        theirs: Some("D3S:tok-two".to_owned()),
        mine: None,
    };
    let conflicts = [conflict];
    let lines = review::texts(crate::session::conflict_lines(&conflicts, &Secrets::default())).join("\n");
    let shown = serde_json::to_string(&shapes::conflicts(&conflicts, &Secrets::default())).unwrap();
    assert!(
        !lines.contains("tok-") && lines.contains("(not in the file)"),
        "{lines}"
    );
    assert!(!shown.contains("tok-"), "{shown}");
}

#[test]
fn what_the_unit_of_the_engine_warns_of_is_said_before_a_save_of_a_script_too() {
    let bench = Bench::new();
    let mut facts = work::facts(&bench.opened.host, crate::work::EngineWish::Restart);
    let short = "systemd kills the engine after 90 s".to_owned();
    facts.engine = EnginePlan::Restart {
        commands: Vec::new(),
        last_seconds: None,
        warnings: vec![short.clone()],
    };
    let shown = Review::of_edits(&bench.opened.session, &book(vec![]), facts).unwrap();
    assert!(review::warnings(&shown).contains(&short));
}

#[test]
fn a_dry_run_does_not_advise_itself() {
    let mut bench = Bench::new();
    let dry = Saving {
        dry_run: true,
        yes: false,
        ..saving()
    };
    let (_, out, _) = bench.set(&book(vec![old(9)]), dry);
    assert!(
        out.contains("add --accept-cut-off") && !out.contains("--dry-run"),
        "{out}"
    );
    let (result, _, _) = bench.set(&book(vec![old(9)]), saving());
    assert!(result.unwrap_err().to_string().contains("see who with --dry-run"));
}

#[test]
fn a_value_elsewhere_that_someone_else_changed_meanwhile_stays_in_the_saved_file() {
    let mut bench = Bench::new();
    let theirs = FILE.replace(r#""ServerTlsProtocols">TLSv1,"#, r#""ServerTlsProtocols">"#);
    fs::write(&bench.file, &theirs).unwrap();
    let (result, _, _) = bench.set(&book(vec![modern(Direction::Outbound, 9)]), saving());
    result.unwrap();
    let wanted = theirs.replace(
        r#""ClientTlsProtocols">TLSv1,TLSv1.1,TLSv1.2"#,
        r#""ClientTlsProtocols">TLSv1.2"#,
    );
    assert_eq!(bench.text(), wanted);
}

/// A standard output that takes nothing.
struct Gone;

impl std::io::Write for Gone {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_is_gone_after_the_save_is_told_that_it_is_saved() {
    let mut bench = Bench::new();
    bench
        .opened
        .session
        .choose(Direction::Outbound, Choice::At(TlsVersion::Tls12))
        .unwrap();
    let mut err = Vec::new();
    let failure = Change::new(
        &bench.opened,
        &book(vec![modern(Direction::Outbound, 9)]),
        saving(),
        "save",
        &Recovered::default(),
    )
    .carry_out(&mut Console::new(&mut Gone, &mut err))
    .unwrap_err();
    assert_eq!(failure.status(), Status::Failed);
    assert!(
        failure
            .to_string()
            .contains("the change is saved all the same, backup /"),
        "{failure}"
    );
    assert_ne!(bench.text(), FILE);
}

fn checked(bench: &Bench, book: &PeerBook, min: TlsVersion, require_known: bool) -> (Result<(), Failure>, Value) {
    checked_live(bench, book, None, min, require_known)
}

fn checked_live(
    bench: &Bench,
    book: &PeerBook,
    live: Option<&LiveProof>,
    min: TlsVersion,
    require_known: bool,
) -> (Result<(), Failure>, Value) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let check = Check {
        min,
        require_known,
        live: false,
        output: Output { json: true },
    };
    let result = check::report(&bench.opened, book, live, check, &mut Console::new(&mut out, &mut err));
    (result, parsed(&String::from_utf8(out).unwrap()))
}

#[test]
fn check_fails_on_a_known_peer_cut_off_and_warns_of_unknown_ones_unless_they_must_be_known() {
    let bench = Bench::new();
    let known = |mut peers: Vec<Peer>| {
        peers.push(modern(Direction::Inbound, 1));
        book(peers)
    };
    // The file has TLS 1.0 in both directions.
    let (result, json) = checked(
        &bench,
        &known(vec![modern(Direction::Outbound, 2)]),
        TlsVersion::Tls10,
        true,
    );
    result.unwrap();
    assert_eq!(
        json,
        json!({"minimum": "tls1.0", "ok": true, "inbound": "tls1.0", "outbound": "tls1.0", "cut_off": [],
               "unknown": 0, "reasons": [], "warnings": []})
    );
    let with_unknown = known(vec![unknown(Direction::Outbound, 2)]);
    let (result, json) = checked(&bench, &with_unknown, TlsVersion::Tls10, false);
    result.unwrap();
    assert_eq!(json["warnings"], json!(["outbound: 1 peer never measured"]));
    assert_eq!(json["unknown"], 1);
    let (result, json) = checked(&bench, &with_unknown, TlsVersion::Tls10, true);
    assert_eq!(result.unwrap_err().status(), Status::Short);
    assert_eq!(json["reasons"], json!(["outbound: 1 peer never measured"]));

    let mut too_old = old(3);
    too_old.evidence[0].knowledge = Knowledge::Ceiling(TlsVersion::Ssl3);
    let (result, json) = checked(&bench, &known(vec![too_old]), TlsVersion::Tls10, false);
    assert_eq!(result.unwrap_err().status(), Status::Short);
    assert_eq!(json["cut_off"][0]["address"], "192.0.2.3");
    assert_eq!(
        json["reasons"],
        json!(["outbound: 1 known peer is cut off (192.0.2.3)"])
    );
}

#[test]
fn a_port_of_which_nothing_was_seen_is_warned_of_and_fails_where_all_must_be_known() {
    let bench = Bench::new();
    let peers = book(vec![modern(Direction::Inbound, 1), modern(Direction::Outbound, 2)]);
    let answers = TlsVersion::MINIMUMS.map(|version| (version, PortAnswer::Accepts));
    let missing = "port 993 (imaps) was open before and is not open now".to_owned();
    let proof = LiveProof {
        ports: vec![PortProof {
            address: "127.0.0.1:25".parse().unwrap(),
            service: Service::Smtp,
            answers: answers.to_vec(),
        }],
        open: vec![missing.clone()],
        ..LiveProof::default()
    };
    let (result, json) = checked_live(&bench, &peers, Some(&proof), TlsVersion::Tls10, false);
    result.unwrap();
    assert_eq!(json["warnings"], json!([missing]));
    let (result, json) = checked_live(&bench, &peers, Some(&proof), TlsVersion::Tls10, true);
    assert_eq!(result.unwrap_err().status(), Status::Short);
    assert_eq!(json["reasons"], json!([missing]));
}

#[test]
fn no_peer_at_all_is_not_knowing() {
    let bench = Bench::new();
    let (result, json) = checked(&bench, &book(vec![]), TlsVersion::Tls10, false);
    result.unwrap();
    assert_eq!(json["warnings"].as_array().unwrap().len(), 2);
    let (result, _) = checked(&bench, &book(vec![]), TlsVersion::Tls10, true);
    assert_eq!(result.unwrap_err().status(), Status::Short);
}

#[test]
fn peers_in_json_are_as_documented_worst_first() {
    let bench = Bench::new();
    let mut all = book(vec![
        modern(Direction::Outbound, 1),
        old(9),
        unknown(Direction::Inbound, 7),
    ]);
    all.warnings
        .push("line 3 of the peers file could not be used".to_owned());
    let shown = peers::json(&bench.opened.session, &all, Some(TlsVersion::Tls12));
    assert_eq!(
        serde_json::to_string(&shown).unwrap(),
        concat!(
            r#"{"minimum":"tls1.2","window_days":30,"peers":["#,
            r#"{"direction":"outbound","address":"192.0.2.9","names":["peer9.example.net"],"service":"smtp","messages":118,"verdict":"cut-off","highest":"tls1.0","source":"peers-file","seen":"2026-09-21T14:13:20Z","delayed":0,"failed":0,"remark":null},"#,
            r#"{"direction":"outbound","address":"192.0.2.1","names":["peer1.example.net"],"service":"smtp","messages":7,"verdict":"ok","highest":"tls1.3","source":"probe","seen":"2026-09-21T14:13:20Z","delayed":0,"failed":0,"remark":null},"#,
            r#"{"direction":"inbound","address":"192.0.2.7","names":["peer7.example.net"],"service":"smtp","messages":3,"verdict":"unknown","highest":null,"source":"mail.log","seen":"2026-09-21T14:13:20Z","delayed":0,"failed":0,"remark":null}],"#,
            r#""coverage":{"outbound":{"known":2,"all":2,"newest":"2026-09-21T14:13:20Z","oldest":"2026-09-21T14:13:20Z"},"#,
            r#""inbound":{"known":0,"all":1,"newest":null,"oldest":null}},"#,
            r#""warnings":["line 3 of the peers file could not be used"],"cut_off_domains":[]}"#,
        )
    );
}

#[test]
fn without_a_minimum_peers_are_held_against_the_file() {
    let bench = Bench::new();
    let shown = serde_json::to_value(peers::json(&bench.opened.session, &book(vec![old(9)]), None)).unwrap();
    assert_eq!(shown["minimum"], "tls1.0");
    assert_eq!(shown["peers"][0]["verdict"], "ok");
}

#[test]
fn the_table_of_peers_has_a_mark_a_word_and_the_evidence_with_its_date() {
    let bench = Bench::new();
    let clock = crate::session::Clock {
        now: "2026-11-24T15:00:00Z".parse().unwrap(),
        zone: jiff::tz::TimeZone::UTC,
    };
    let all = book(vec![modern(Direction::Outbound, 1), old(9)]);
    let lines = peers::table(&bench.opened.session, &all, Some(TlsVersion::Tls12), &clock);
    assert_eq!(
        lines[..5],
        [
            "          verdict    host       names              highest  evidence            messages",
            "outbound  x cut off  192.0.2.9  peer9.example.net  TLS 1.0  peers file, 21 Sep       118",
            "outbound  + ok       192.0.2.1  peer1.example.net  TLS 1.3  probed 21 Sep              7",
            "",
            "Outbound: 2 of 2 peers known; of 21 Sep; 1 cut off, 0 mixed, 0 unknown, 0 without TLS, 1 fine; held \
             against TLS 1.2",
        ]
    );
}

#[test]
fn every_command_and_flag_is_well_formed() {
    use clap::CommandFactory as _;
    Arguments::command().debug_assert();
    let arguments = Arguments::try_parse_from(["kerio-tls", "reset", "inbound", "--yes"]).unwrap();
    assert!(matches!(arguments.command, Some(Command::Reset(_))));
    for wrong in [
        vec!["kerio-tls", "set"],
        vec!["kerio-tls", "set", "--inbound", "ssl3"],
        vec!["kerio-tls", "check"],
        vec!["kerio-tls", "check", "--min", "default"],
        vec!["kerio-tls", "reset", "both"],
        vec!["kerio-tls", "--days", "0", "show"],
        vec!["kerio-tls", "set", "--inbound", "tls1.2", "--yes", "--dry-run"],
    ] {
        let error = Arguments::try_parse_from(&wrong).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{wrong:?}");
    }
}
