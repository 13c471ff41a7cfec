//! The real binary on temporary files: exit statuses, JSON, bytes on disk, bad input. Commands against known peers are
//! tested in the room itself.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::other_parser::variables;
use crate::place::Place;
use crate::ran::{BINARY, Ran, alone, in_terminal, run};

/// Words that stand in the file as secrets and must never be seen again.
const SECRETS: [&str; 6] = [
    "tok-d3s-relay",
    "tok-sha-admin",
    "tok-plain-password",
    "tok-key-file",
    "tok-client-secret",
    "tok-d3s-beside",
];

const CONFIG: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<config>
  <table name="Smtp">
    <variable name="RelayWord">D3S:tok-d3s-relay</variable>
    <variable name="AdminHash">SHA:tok-sha-admin</variable>
  </table>
  <table name="Security">
    <variable name="RelayPassword">tok-plain-password</variable>
    <variable name="ServerTlsProtocols">TLSv1,TLSv1.1,TLSv1.2</variable>
    <variable name="AdminKeyFile">tok-key-file</variable>
    <variable name="Odd">a&amp;b &#9;tab</variable>
  </table>
  <table name="SmtpSecurity">
    <variable name="ClientSecretText">tok-client-secret</variable>
    <variable name='ClientTlsProtocols'>TLSv1.2</variable>
    <variable name="Beside">D3S:tok-d3s-beside</variable>
  </table>
</config>
"#;

/// Mode, time and content by path.
type Tree = BTreeMap<PathBuf, (u32, i64, i64, Vec<u8>)>;

impl Place {
    /// Runs the binary as it is.
    fn run_here(&self, arguments: &[&str]) -> Ran {
        run(Command::new(BINARY).args(self.arguments(arguments)))
    }

    /// Holds the tree against an earlier one; names what differs, not its bytes.
    fn assert_as_before(&self, before: &Tree, what: &str) {
        let now = self.tree();
        let paths: std::collections::BTreeSet<_> = before.keys().chain(now.keys()).collect();
        let differs: Vec<_> = paths
            .into_iter()
            .filter(|path| before.get(*path) != now.get(*path))
            .collect();
        assert!(differs.is_empty(), "{what}: changed, new or gone: {differs:?}");
    }

    /// Everything below the directory: kind, mode, time and content.
    fn tree(&self) -> Tree {
        let mut found = BTreeMap::new();
        let mut open = vec![self.dir.path().to_path_buf()];
        while let Some(path) = open.pop() {
            let stat = fs::symlink_metadata(&path).unwrap();
            let mut content = Vec::new();
            if stat.is_dir() {
                open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            } else {
                content = fs::read(&path).unwrap();
            }
            found.insert(path, (stat.mode(), stat.mtime(), stat.mtime_nsec(), content));
        }
        found
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn need_root(why: &str) {
    assert!(is_root(), "run this test as root: {why}");
}

#[test]
fn show_prints_the_documented_json_with_its_keys_in_order() {
    let place = Place::with(CONFIG);
    let ran = place.run(&["show", "--json"]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    let head = format!(
        concat!(
            r#"{{"file":"{}","engine":"none","inbound":{{"table":"Security","minimum":"tls1.0","why":null,"#,
            r#""protocols":["tls1.0","tls1.1","tls1.2"],"variables":["#,
            r#"{{"name":"ServerTlsProtocols","value":"TLSv1,TLSv1.1,TLSv1.2","role":"protocol-list","in_file":true,"assumed":true,"name_sure":"assumed"}},"#,
            r#"{{"name":"ServerTlsCiphers","value":null,"role":"ciphers","in_file":false,"assumed":true,"name_sure":"assumed"}},"#,
        ),
        place.file().display()
    );
    assert!(ran.out.starts_with(&head), "{}\n{head}", ran.out);
    let json = ran.json();
    assert_eq!(json["outbound"]["table"], "SmtpSecurity");
    assert_eq!(json["outbound"]["minimum"], "tls1.2");
    assert_eq!(json["outbound"]["protocols"], json!(["tls1.2"]));
    let find = |name: &str| {
        let rows = [&json["inbound"]["variables"], &json["outbound"]["variables"]];
        rows.into_iter()
            .flat_map(|rows| rows.as_array().unwrap())
            .find(|row| row["name"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(
        find("AdminKeyFile"),
        json!({"name": "AdminKeyFile", "value": "(hidden)", "role": null, "in_file": true, "assumed": false, "name_sure": null})
    );
    assert_eq!(find("Odd")["value"], "a&b \\x09tab");
}

#[test]
fn show_in_plain_text_says_minimum_protocols_meaning_and_what_is_assumed() {
    let ran = Place::with(CONFIG).run(&["show"]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    for wanted in [
        "engine: none on this host",
        "  minimum    TLS 1.2\n",
        "  protocols  TLS 1.0, TLS 1.1, TLS 1.2\n",
        "    ClientTlsProtocols = TLSv1.2\n",
        "      TLS protocols used for sending (the name is assumed, not in the vendor's public text)\n",
        "    AdminKeyFile = (hidden)\n",
        "    ServerTlsCiphers = (not in the file: the server's default holds)\n",
    ] {
        assert!(ran.out.contains(wanted), "{wanted:?} in\n{}", ran.out);
    }
    assert!(
        ran.out
            .lines()
            .all(|line| line.chars().count() <= 100 && line.trim_end() == line)
    );
}

#[test]
fn set_writes_exactly_the_wanted_bytes_and_keeps_a_backup() {
    let place = Place::with(CONFIG);
    let ran = place.run(&["set", "--inbound", "tls1.2", "--yes", "--json"]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{}", ran.out);
    let json = ran.json();
    assert_eq!((&json["changed"], &json["saved"]), (&json!(true), &json!(true)));
    let wanted = json["edits"][0]["new"].as_str().unwrap().to_owned();
    assert_eq!(
        json["edits"],
        json!([{"table": "Security", "variable": "ServerTlsProtocols", "old": "TLSv1,TLSv1.1,TLSv1.2", "new": wanted, "name_sure": "assumed"}])
    );
    assert_eq!(
        place.text(),
        CONFIG.replace(">TLSv1,TLSv1.1,TLSv1.2<", &format!(">{wanted}<"))
    );
    assert_eq!(fs::read_to_string(json["backup"].as_str().unwrap()).unwrap(), CONFIG);
    // Another parser sees the same change and nothing else.
    let (before, after) = (variables(CONFIG), variables(&place.text()));
    assert_eq!(before.len(), after.len());
    let changed: Vec<_> = before.iter().zip(&after).filter(|(old, new)| old != new).collect();
    assert_eq!(changed.len(), 1);
    assert_eq!(
        (changed[0].1.1.as_str(), &changed[0].1.2),
        ("ServerTlsProtocols", &wanted)
    );
    // And what was written is what was asked for.
    assert_eq!(place.run(&["show", "--json"]).json()["inbound"]["minimum"], "tls1.2");
}

#[test]
fn choosing_what_the_file_says_changes_nothing_and_is_done() {
    let place = Place::with(CONFIG);
    let before = place.tree();
    let ran = place.run(&["set", "--outbound", "tls1.2", "--yes", "--json"]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert_eq!(
        ran.out,
        "{\"changed\":false,\"saved\":false,\"edits\":[],\"cut_off\":[],\"backup\":null,\"warnings\":[],\"took_effect\":null,\"cut_off_domains\":[],\"live\":null,\"not_asked\":null}\n"
    );
    let ran = place.run(&["set", "--outbound", "tls1.2", "--yes"]);
    assert!(ran.out.contains("already as wanted"), "{}", ran.out);
    place.assert_as_before(&before, "nothing was to be written");
}

#[test]
fn a_dry_run_shows_the_review_and_leaves_the_tree_as_it_was() {
    let place = Place::with(CONFIG);
    let before = place.tree();
    let ran = place.run(&["set", "--inbound", "tls1.2", "--outbound", "default", "--dry-run"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    for wanted in [
        "  Inbound: minimum TLS 1.0 -> TLS 1.2\n",
        "    changes Security/ServerTlsProtocols\n",
        "    deletes SmtpSecurity/ClientTlsProtocols\n",
        "Dry run: nothing was changed.\n",
    ] {
        assert!(ran.out.contains(wanted), "{wanted:?} in\n{}", ran.out);
    }
    for command in [
        vec!["set", "--inbound", "tls1.3", "--dry-run", "--json"],
        vec!["reset", "--dry-run"],
        vec!["reset", "inbound", "--dry-run", "--json"],
        vec!["show"],
        vec!["show", "--json"],
        vec!["check", "--min", "tls1.2"],
        vec!["peers", "--min", "tls1.2"],
        vec!["peers", "--json"],
    ] {
        place.run(&command);
        place.assert_as_before(&before, &format!("{command:?}"));
    }
}

#[test]
fn a_dry_run_leaves_a_state_directory_as_it_is() {
    for mode in [0o700, 0o755] {
        let place = Place::with(CONFIG);
        fs::create_dir(place.path("state")).unwrap();
        fs::set_permissions(place.path("state"), fs::Permissions::from_mode(mode)).unwrap();
        let before = place.tree();
        assert_eq!(place.run(&["set", "--inbound", "tls1.2", "--dry-run"]).status, 0);
        place.assert_as_before(&before, &format!("mode {mode:o}"));
    }
}

#[test]
fn reset_deletes_what_has_a_role_and_names_it() {
    let place = Place::with(CONFIG);
    let ran = place.run(&["reset", "--yes"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    for name in [
        "deleted Security/ServerTlsProtocols",
        "deleted SmtpSecurity/ClientTlsProtocols",
    ] {
        assert!(ran.out.contains(name), "{}", ran.out);
    }
    let wanted = CONFIG
        .replace(
            "    <variable name=\"ServerTlsProtocols\">TLSv1,TLSv1.1,TLSv1.2</variable>\n",
            "",
        )
        .replace("    <variable name='ClientTlsProtocols'>TLSv1.2</variable>\n", "");
    assert_eq!(place.text(), wanted);
    let place = Place::with(CONFIG);
    assert_eq!(
        place.run(&["reset", "outbound", "--yes", "--json"]).json()["saved"],
        true
    );
    assert!(place.text().contains("ServerTlsProtocols") && !place.text().contains("ClientTlsProtocols"));
}

#[test]
fn check_ends_with_3_below_the_minimum_at_an_unmeasured_default_and_at_custom() {
    let ran = Place::with(CONFIG).run(&["check", "--min", "tls1.2"]);
    assert_eq!((ran.status, ran.out.as_str()), (3, ""));
    assert!(
        ran.err.lines().last().unwrap().contains("inbound is at TLS 1.0"),
        "{}",
        ran.err
    );
    let without = CONFIG.replace("TLSv1,TLSv1.1,TLSv1.2", "");
    let ran = Place::with(without.as_bytes()).run(&["check", "--min", "tls1.0", "--json"]);
    assert_eq!(ran.status, 3);
    assert_eq!(
        ran.err.lines().count(),
        1,
        "with --json the warnings are in the JSON: {}",
        ran.err
    );
    let json = ran.json();
    assert_eq!((&json["ok"], &json["inbound"]), (&json!(false), &json!("default")));
    assert!(
        json["reasons"][0].as_str().unwrap().contains("never measured"),
        "{json}"
    );
    let custom = CONFIG.replace("TLSv1,TLSv1.1,TLSv1.2", "SSLv3,TLSv1.2");
    let ran = Place::with(custom.as_bytes()).run(&["check", "--min", "tls1.0"]);
    assert_eq!(ran.status, 3);
    assert!(ran.err.contains("inbound is custom"), "{}", ran.err);
}

#[test]
fn check_ends_with_0_at_the_minimum_and_not_knowing_fails_only_when_asked() {
    let good = CONFIG.replace("TLSv1,TLSv1.1,TLSv1.2", "TLSv1.2");
    let place = Place::with(good.as_bytes());
    let ran = place.run(&["check", "--min", "tls1.2"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.err.lines().all(|line| line.starts_with("kerio-tls: warning: ")) && !ran.err.is_empty());
    assert!(ran.out.contains("both directions have at least TLS 1.2"));
    assert_eq!(place.run(&["check", "--min", "tls1.2", "--require-known"]).status, 3);
    assert_eq!(place.run(&["check", "--min", "tls1.3"]).status, 3);
}

#[test]
fn without_a_terminal_nobody_is_asked() {
    let place = Place::with(CONFIG);
    for command in [
        vec!["set", "--inbound", "tls1.2"],
        vec!["set", "--inbound", "tls1.2", "--json"],
        vec!["reset"],
    ] {
        let ran = place.run(&command);
        let line = ran.failed(2);
        assert!(line.contains("--yes") && line.contains("--dry-run"), "{line}");
    }
    assert_eq!(place.text(), CONFIG);
    // And the screen names the commands.
    let ran = run(Command::new(BINARY).args(place.arguments(&[])));
    assert!(ran.failed(2).contains("show, check, set"), "{}", ran.err);
}

#[test]
fn wrong_usage_ends_with_2_and_changes_nothing() {
    let place = Place::with(CONFIG);
    for command in [
        vec!["set", "--yes"],
        vec!["set", "--inbound", "tls9", "--yes"],
        vec!["set", "--inbound", "tls1.2", "--use", "NoSuchVariable", "--yes"],
        vec!["check"],
        vec!["frobnicate"],
    ] {
        let ran = place.run(&command);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{command:?} {}", ran.err);
        assert!(!ran.err.is_empty());
    }
    assert_eq!(place.text(), CONFIG);
}

#[test]
fn a_lookalike_is_used_only_when_it_is_named_and_the_way_to_keep_that_is_shown() {
    let config = CONFIG.replace("ServerTlsProtocols", "SslVersions");
    let place = Place::with(config.as_bytes());
    let ran = place.run(&["set", "--inbound", "tls1.2", "--use", "Nothing", "--yes"]);
    assert!(ran.failed(2).contains("Security/SslVersions"), "{}", ran.err);
    let ran = place.run(&["set", "--inbound", "tls1.2", "--use", "SslVersions", "--yes"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(
        place.text().contains("<variable name=\"SslVersions\">TLSv1.2"),
        "{}",
        place.text()
    );
    assert!(!place.text().contains("ServerTlsProtocols"));
    for line in [
        "[[variable]]",
        "direction = \"inbound\"",
        "role = \"protocol-list\"",
        "name = \"SslVersions\"",
    ] {
        assert!(ran.out.contains(&format!("    {line}\n")), "{}", ran.out);
    }
    // What is shown works when it is put into the preferences.
    let toml: String = ran
        .out
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .fold(String::new(), |all, line| all + line + "\n");
    fs::write(place.path("kerio-tls.toml"), toml).unwrap();
    assert_eq!(place.run(&["show", "--json"]).json()["inbound"]["minimum"], "tls1.2");
}

#[test]
fn a_variable_that_stands_twice_is_shown_and_never_changed() {
    let config = CONFIG.replace(
        "    <variable name=\"Odd\">",
        "    <variable name=\"ServerTlsProtocols\">TLSv1.2</variable>\n    <variable name=\"Odd\">",
    );
    let place = Place::with(config.as_bytes());
    assert!(place.run(&["show"]).out.contains("stands more than once (lines 9, 11)"));
    let ran = place.run(&["set", "--inbound", "tls1.2", "--yes"]);
    assert!(ran.failed(1).contains("ServerTlsProtocols 2 times"), "{}", ran.err);
    assert_eq!(place.text(), config);
}

/// Both lists as servers of before 9.4 have them.
const OLD_LISTS: &str = r#"<config>
  <table name="Security">
    <variable name="ServerTlsProtocols">TLSv1,TLSv1.1,TLSv1.2</variable>
  </table>
  <table name="SmtpSecurity">
    <variable name="ClientTlsProtocols">TLSv1,TLSv1.1,TLSv1.2</variable>
  </table>
</config>
"#;

#[test]
fn two_directions_set_at_once_read_as_asked_and_the_same_command_again_changes_nothing() {
    for (inbound, outbound) in [("tls1.3", "tls1.2"), ("tls1.2", "tls1.3"), ("tls1.3", "tls1.0")] {
        let place = Place::with(OLD_LISTS.as_bytes());
        let set = ["set", "--inbound", inbound, "--outbound", outbound, "--yes", "--json"];
        let ran = place.run(&set);
        assert_eq!(ran.status, 0, "{}", ran.err);
        let shown = place.run(&["show", "--json"]).json();
        assert_eq!(shown["inbound"]["minimum"], inbound);
        assert_eq!(shown["outbound"]["minimum"], outbound);
        let text = place.text();
        assert_eq!(place.run(&set).json()["changed"], false);
        assert_eq!(place.text(), text);
    }
}

#[test]
fn a_direction_that_nobody_asked_about_keeps_its_list_and_the_review_says_that_it_reads_otherwise() {
    let place = Place::with(OLD_LISTS.as_bytes());
    let ran = place.run(&["set", "--inbound", "tls1.3", "--dry-run"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.out.contains("Outbound: minimum TLS 1.0 -> custom"), "{}", ran.out);
    assert!(
        ran.out.contains("No protocol setting of SmtpSecurity is changed"),
        "{}",
        ran.out
    );
    let json = place.run(&["set", "--inbound", "tls1.3", "--yes", "--json"]).json();
    assert_eq!(json["edits"].as_array().unwrap().len(), 1);
    let warnings = json["warnings"].to_string();
    assert!(warnings.contains("outbound: No protocol setting"), "{warnings}");
    assert!(place.text().contains("\"ClientTlsProtocols\">TLSv1,TLSv1.1,TLSv1.2<"));
}

#[test]
fn a_table_that_stands_twice_is_short_of_any_minimum() {
    let list = "<variable name=\"ServerTlsProtocols\">TLSv1.2</variable>";
    let twice = OLD_LISTS.replace("TLSv1,TLSv1.1,", "").replace(
        "<config>",
        "<config>\n  <table name=\"Security\"><variable name=\"Other\">1</variable></table>",
    );
    assert!(twice.contains(list));
    let place = Place::with(twice.as_bytes());
    let ran = place.run(&["check", "--min", "tls1.2"]);
    assert_eq!(ran.status, 3, "{} {}", ran.out, ran.err);
    assert!(
        format!("{}{}", ran.out, ran.err).contains("table Security 2 times"),
        "{}",
        ran.out
    );
}

#[test]
fn what_a_restore_adds_is_told_as_what_a_choice_adds() {
    let place = Place::with(
        OLD_LISTS
            .replace(
                "<variable name=\"ServerTlsProtocols\">TLSv1,TLSv1.1,TLSv1.2</variable>",
                "",
            )
            .as_bytes(),
    );
    assert_eq!(place.run(&["set", "--inbound", "tls1.2", "--yes"]).status, 0);
    assert_eq!(place.run(&["set", "--inbound", "default", "--yes"]).status, 0);
    let ran = place.run(&["restore", "--dry-run"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.out.contains("Its name is assumed"), "{}", ran.out);
    assert!(ran.out.contains("TLS 1.3 goes off"), "{}", ran.out);
}

#[test]
fn a_name_that_stands_twice_in_different_case_is_shown_at_both_places() {
    let twice = OLD_LISTS.replacen(
        "</variable>\n",
        "</variable>\n    <variable name=\"servertlsprotocols\">TLSv1.3</variable>\n",
        1,
    );
    let place = Place::with(twice.as_bytes());
    let out = place.run(&["show"]).out;
    assert!(out.contains("ServerTlsProtocols = TLSv1,TLSv1.1,TLSv1.2"), "{out}");
    assert!(out.contains("servertlsprotocols = TLSv1.3"), "{out}");
    assert_eq!(out.matches("stands more than once (lines 3, 4)").count(), 2, "{out}");
    let json = place.run(&["show", "--json"]).json();
    let variables = json["inbound"]["variables"].as_array().unwrap();
    let values: Vec<&str> = variables
        .iter()
        .filter(|v| v["role"] == "protocol-list" && v["in_file"] == true)
        .map(|v| v["value"].as_str().unwrap())
        .collect();
    assert_eq!(values, ["TLSv1,TLSv1.1,TLSv1.2", "TLSv1.3"]);
}

#[test]
fn a_cipher_string_that_begins_with_sha_can_be_reset_and_restored() {
    let ciphers = "<variable name=\"ServerTlsCiphers\">SHA:AES128:!aNULL</variable>";
    let config = OLD_LISTS.replacen("<variable", &format!("{ciphers}\n    <variable"), 1);
    let place = Place::with(config.as_bytes());
    assert_eq!(place.run(&["reset", "inbound", "--yes"]).status, 0);
    assert!(!place.text().contains("SHA:"));
    let ran = place.run(&["restore", "--yes"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(place.text().contains(ciphers));
}

#[test]
fn no_secret_ever_leaves_a_command() {
    let configs = [
        CONFIG.to_owned(),
        CONFIG.replace("TLSv1,TLSv1.1,TLSv1.2", "D3S:tok-d3s-relay"),
        CONFIG.replace("</table>", "</tabel>"),
        CONFIG.replace("tok-plain-password</variable>", "tok-plain-password</variabel>"),
        CONFIG.replace("D3S:tok-d3s-beside", "D3S:tok-d3s-beside&nope;"),
        CONFIG.split("tok-client-secret").next().unwrap().to_owned() + "tok-client-secret",
        CONFIG.replace("RelayPassword", "ServerTlsProtocols"),
    ];
    let commands: [&[&str]; 12] = [
        &["show"],
        &["show", "--json"],
        &["check", "--min", "tls1.2"],
        &["check", "--min", "tls1.2", "--json"],
        &["peers"],
        &["peers", "--json"],
        &["set", "--inbound", "tls1.2", "--outbound", "tls1.3", "--dry-run"],
        &[
            "set",
            "--inbound",
            "tls1.2",
            "--outbound",
            "tls1.3",
            "--dry-run",
            "--json",
        ],
        &["reset", "--dry-run"],
        &["reset", "--dry-run", "--json"],
        &["set", "--inbound", "tls1.2", "--outbound", "tls1.3", "--yes"],
        &["reset", "--yes", "--json"],
    ];
    for config in &configs {
        let place = Place::with(config.as_bytes());
        for command in commands {
            let ran = place.run(command);
            for secret in SECRETS {
                let said = format!("{}{}", ran.out, ran.err);
                // One file has a password where a protocol list should be: by its name it is none, and it is shown.
                let by_name = secret == "tok-plain-password" && config == &configs[6];
                assert!(by_name || !said.contains(secret), "{secret} in {command:?}:\n{said}");
            }
        }
    }
}

#[test]
fn every_bad_file_gets_one_clear_line_and_status_1() {
    let cases: [(&str, Vec<u8>, &str); 6] = [
        ("empty", Vec::new(), "empty"),
        ("binary junk", (0..=255).cycle().take(5000).collect(), ""),
        (
            "doctype",
            CONFIG.replace("<config>", "<!DOCTYPE config>\n<config>").into_bytes(),
            "line 2",
        ),
        ("truncated", CONFIG.as_bytes()[..600].to_vec(), "line "),
        ("two roots", format!("{CONFIG}<config/>").into_bytes(), "line 19"),
        ("another root", b"<settings></settings>".to_vec(), "config"),
    ];
    for (name, bytes, wanted) in cases {
        let place = Place::with(&bytes);
        for command in [
            vec!["show"],
            vec!["show", "--json"],
            vec!["set", "--inbound", "tls1.2", "--yes"],
        ] {
            let ran = place.run(&command);
            let line = ran.failed(1);
            assert!(
                line.contains(&place.file().display().to_string()) && line.contains(wanted),
                "{name}: {line}"
            );
        }
        assert_eq!(fs::read(place.file()).unwrap(), bytes);
    }
}

#[test]
fn what_is_no_file_gets_one_clear_line_and_status_1() {
    let place = Place::with(CONFIG);
    let huge = place.path("huge.cfg");
    File::create(&huge).unwrap().set_len((1 << 30) + 1).unwrap();
    symlink("nowhere", place.path("dangling.cfg")).unwrap();
    for (path, wanted) in [
        (place.path("absent.cfg"), "no such file"),
        (place.dir.path().to_path_buf(), "directory"),
        (huge, "1073741825 bytes"),
        (place.path("dangling.cfg"), "leads to nothing"),
        (PathBuf::from("/dev/null"), "not a file"),
    ] {
        for command in [
            vec!["show"],
            vec!["peers", "--json"],
            vec!["set", "--inbound", "tls1.2", "--yes"],
        ] {
            let ran = place.run_on(&path, &command);
            let line = ran.failed(1);
            assert!(line.contains(wanted), "{line}");
        }
    }
}

/// Runs as a user who may not do what root may.
fn as_nobody(command: &mut Command) -> Ran {
    if is_root() {
        command.uid(65_534).gid(65_534);
    }
    run(command)
}

/// The binary where nobody can get at it: `target/` may lie in a home directory.
fn binary_for_all(place: &Place) -> PathBuf {
    let copy = place.path("kerio-tls-copy");
    fs::copy(BINARY, &copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
    copy
}

#[test]
fn no_permission_to_read_gets_one_clear_line() {
    let place = Place::with(CONFIG);
    let mode = if is_root() { 0o600 } else { 0o000 };
    fs::set_permissions(place.file(), fs::Permissions::from_mode(mode)).unwrap();
    let binary = binary_for_all(&place);
    let ran = as_nobody(Command::new(binary).args(place.arguments(&["show"])));
    let line = ran.failed(1);
    assert!(
        line.contains("no permission") && line.contains("mailserver.cfg"),
        "{line}"
    );
}

#[test]
fn no_permission_to_write_says_what_to_do_and_the_file_can_still_be_shown() {
    let place = Place::with(CONFIG);
    fs::set_permissions(place.file(), fs::Permissions::from_mode(0o644)).unwrap();
    let binary = binary_for_all(&place);
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o777)).unwrap();
    if !is_root() {
        fs::set_permissions(place.dir.path(), fs::Permissions::from_mode(0o555)).unwrap();
    }
    let nobody = |arguments: &[&str]| {
        let mut all = place.arguments(arguments);
        all.extend(["--state-dir".into(), home.path().join("state").into_os_string()]);
        // The last of two wins only where the first is not there.
        all.drain(2..4);
        as_nobody(Command::new(&binary).args(all))
    };
    assert_eq!(nobody(&["show", "--json"]).json()["outbound"]["minimum"], "tls1.2");
    let ran = nobody(&["set", "--inbound", "tls1.2", "--yes", "--json"]);
    let json = ran.json();
    // An engine of somebody else's on this machine may be in the way before the permission is.
    assert!(matches!(ran.status, 1 | 4), "{}", ran.err);
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    assert_eq!(json["saved"], false);
    assert!(
        ran.err.contains("permission") && ran.err.contains("save as root"),
        "{}",
        ran.err
    );
    fs::set_permissions(place.dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(place.text(), CONFIG);
}

#[test]
fn preferences_of_another_user_are_ignored_aloud_when_root() {
    need_root("only root can make a file of another user");
    let place = Place::with(CONFIG);
    let config = place.path("kerio-tls.toml");
    fs::write(&config, "days = \"no number\"\n").unwrap();
    std::os::unix::fs::chown(&config, Some(65_534), Some(65_534)).unwrap();
    let ran = place.run(&["show", "--json"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert_eq!(ran.json()["outbound"]["minimum"], "tls1.2");
    assert_eq!(ran.err.lines().count(), 1);
    assert!(ran.err.contains("is ignored: it belongs to user 65534"), "{}", ran.err);
}

#[test]
fn preferences_that_make_no_sense_get_one_line() {
    let place = Place::with(CONFIG);
    fs::write(place.path("kerio-tls.toml"), "days = 7\ndaze = 8\n").unwrap();
    let ran = place.run(&["show"]);
    let line = ran.failed(1);
    assert!(
        line.contains("kerio-tls.toml") && line.contains("line 2") && line.contains("daze"),
        "{line}"
    );
}

#[test]
fn a_reader_that_is_gone_is_told_on_standard_error_and_nothing_panics() {
    let place = Place::with(CONFIG);
    for command in [
        vec!["show"],
        vec!["show", "--json"],
        vec!["peers"],
        vec!["set", "--inbound", "tls1.2", "--dry-run"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let outputs = [
            Stdio::from(writer),
            Stdio::from(File::options().write(true).open("/dev/full").unwrap()),
        ];
        for out in outputs {
            let output = alone()
                .arg(BINARY)
                .args(place.arguments(&command))
                .stdin(Stdio::null())
                .stdout(out)
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
                .wait_with_output()
                .unwrap();
            let err = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{command:?} {err}");
            let last = err.lines().last().unwrap();
            assert!(
                last.starts_with("kerio-tls: standard output could not be written: "),
                "{err}"
            );
            assert!(!err.contains("panicked"), "{err}");
        }
    }
}

/// No control character but line ends, and nothing that turns the text around.
fn assert_safe(said: &str) {
    let bad = said
        .chars()
        .find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
    assert_eq!(bad, None, "{said:?}");
}

#[test]
fn a_path_that_is_not_utf8_is_refused_in_one_safe_line() {
    let place = Place::with(CONFIG);
    let path = place.path(OsStr::from_bytes(b"mail\xff\x1b[2Jserver.cfg"));
    fs::copy(place.file(), &path).unwrap();
    for command in [vec!["show", "--json"], vec!["set", "--inbound", "tls1.1", "--yes"]] {
        let ran = place.run_on(&path, &command);
        assert!(ran.failed(1).contains("not UTF-8"), "{}", ran.err);
        assert_safe(&ran.err);
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), CONFIG);
}

#[test]
fn a_path_that_steers_a_terminal_is_worked_on_and_shown_safely() {
    let place = Place::with(CONFIG);
    let path = place.path("a\u{1b}[2J\u{9b}31m\u{202e}b\n.cfg");
    fs::copy(place.file(), &path).unwrap();
    for (command, status) in [
        (vec!["show"], 0),
        (vec!["show", "--json"], 0),
        (vec!["check", "--min", "tls1.3"], 3),
        (vec!["set", "--inbound", "tls1.2", "--dry-run"], 0),
        (vec!["set", "--inbound", "tls1.1", "--yes"], 0),
    ] {
        let ran = place.run_on(&path, &command);
        assert_eq!(ran.status, status, "{command:?}: {}", ran.err);
        assert_safe(&format!("{}{}", ran.out, ran.err));
    }
    assert!(fs::read_to_string(&path).unwrap().contains(">TLSv1.1,TLSv1.2<"));
}

#[test]
fn control_characters_of_the_command_line_never_reach_the_terminal() {
    let place = Place::with(CONFIG);
    let odd = "x\u{1b}]0;PWN\u{7}\u{202e}";
    for command in [
        vec!["show".to_owned(), format!("--{odd}")],
        vec![odd.to_owned()],
        vec!["set".to_owned(), "--inbound".to_owned(), odd.to_owned()],
    ] {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let ran = place.run(&words);
        assert_eq!(ran.status, 2, "{}", ran.err);
        assert!(ran.err.contains("\\x1b"), "{}", ran.err);
        assert_safe(&ran.err);
    }
}

#[test]
fn line_ends_in_a_path_are_shown_and_not_taken_for_the_layout_of_an_error() {
    let store = "<table name=\"Directories\"><variable name=\"StoreDir\">/no\u{2028}\u{301}where</variable></table>";
    let place = Place::with(CONFIG.replace("</config>", &format!("{store}</config>")));
    let odd = place.path("x\n\u{2028}\u{301}y");
    let odd = odd.to_str().unwrap();
    for command in [
        &["names", "--engine", odd][..],
        &["peers", "--peers", odd],
        &["peers", "--headers"],
    ] {
        let ran = place.run(command);
        assert!(ran.err.contains("\\u{2028}\\u{301}"), "{command:?}: {}", ran.err);
        assert!(!ran.err.contains('\u{301}'), "{command:?}: {}", ran.err);
        assert!(
            ran.err.contains("x\\x0a") || !command.contains(&odd),
            "{command:?}: {}",
            ran.err
        );
    }
}

#[test]
fn a_state_directory_that_is_refused_is_not_the_same_as_no_backups() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::with(CONFIG);
    place.run(&["set", "--outbound", "tls1.0", "--yes"]).done();
    let state = place.path("state");
    fs::set_permissions(&state, fs::Permissions::from_mode(0o777)).unwrap();
    for command in [
        &["backups"][..],
        &["backups", "--json"],
        &["restore", "--yes"],
        &["confirm"],
    ] {
        let ran = place.run(command);
        assert_eq!(ran.status, 1, "{command:?}: {}", ran.said());
        assert!(ran.err.contains("state"), "{command:?}: {}", ran.err);
    }
}

#[test]
fn control_characters_of_the_file_never_reach_the_terminal() {
    let config = CONFIG
        .replace("name=\"Odd\"", "name=\"Odd\u{9b}31m\u{202e}\"")
        .replace("a&amp;b", "\u{9b}2J\u{85}");
    let place = Place::with(config.as_bytes());
    for command in [
        vec!["show"],
        vec!["show", "--json"],
        vec!["set", "--inbound", "tls1.2", "--dry-run"],
    ] {
        let ran = place.run(&command);
        assert_eq!(ran.status, 0, "{}", ran.err);
        assert_safe(&ran.out);
    }
    let json = place.run(&["show", "--json"]).json();
    let rows = json["inbound"]["variables"].as_array().unwrap();
    assert!(
        rows.iter().any(|row| row["name"] == "Odd\u{9b}31m\u{202e}"),
        "the JSON's name is the file's own"
    );
}

/// Something that is killed at the end of a test.
struct Engine(Child);

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn while_an_engine_runs_beside_the_file_saving_is_refused_with_what_to_type() {
    let place = Place::with(CONFIG);
    let executable = place.path("mailserver");
    fs::copy("/bin/sleep", &executable).unwrap();
    let child = loop {
        match Command::new(&executable).arg("600").spawn() {
            // Another test's child may hold the copy for writing between its fork and its exec.
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
            other => break other.unwrap(),
        }
    };
    let _engine = Engine(child);
    let ran = place.run_here(&["set", "--inbound", "tls1.2", "--yes", "--json"]);
    assert_eq!(ran.status, 4, "{}", ran.err);
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    assert!(
        ran.err.contains("the engine runs") && ran.err.contains("type: "),
        "{}",
        ran.err
    );
    let json = ran.json();
    assert_eq!((&json["changed"], &json["saved"]), (&json!(true), &json!(false)));
    assert!(
        json["warnings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|words| words.as_str().unwrap().contains("the engine runs"))
    );
    assert_eq!(place.text(), CONFIG);
    assert_eq!(place.run_here(&["reset", "--yes"]).status, 4);
    assert_eq!(place.run_here(&["show", "--json"]).json()["engine"], "running");
    let dry = place.run_here(&["set", "--inbound", "tls1.2", "--dry-run"]);
    assert_eq!(dry.status, 0);
    assert!(
        dry.out.contains("Saving is refused") && dry.err.contains("the engine runs"),
        "{}{}",
        dry.out,
        dry.err
    );
    assert_eq!(place.text(), CONFIG);
}

#[test]
fn on_a_terminal_the_review_is_shown_and_each_yes_is_asked_for() {
    let place = Place::with(CONFIG);
    let (status, seen) = in_terminal(
        alone()
            .arg(BINARY)
            .args(place.arguments(&["set", "--inbound", "tls1.2"])),
        80,
        "y\ny\n",
    );
    assert_eq!(status, 0, "{seen}");
    for wanted in [
        "The lines that change",
        "It is not known who would be cut off",
        "[y/N]",
        "Saved ",
    ] {
        assert!(seen.contains(wanted), "{wanted}: {seen}");
    }
    assert_ne!(place.text(), CONFIG);
}

#[test]
fn every_answer_but_yes_is_no() {
    for answers in ["n\n", "y\nn\n", "\n", "y\n\n", "yessir\ny\n", "\u{4}"] {
        let place = Place::with(CONFIG);
        let (status, seen) = in_terminal(
            alone()
                .arg(BINARY)
                .args(place.arguments(&["set", "--inbound", "tls1.2"])),
            80,
            answers,
        );
        assert_eq!(status, 4, "{answers:?}: {seen}");
        assert_eq!(place.text(), CONFIG, "{answers:?}");
    }
}

#[test]
fn a_file_with_two_names_is_written_in_place_only_after_a_yes_of_its_own() {
    let place = Place::with(CONFIG);
    fs::hard_link(place.file(), place.path("other.cfg")).unwrap();
    let before = place.tree();
    let dry = place.run(&["set", "--inbound", "tls1.2", "--dry-run"]);
    assert_eq!(dry.status, 0, "{}", dry.err);
    assert!(dry.err.contains("--in-place"), "{}", dry.err);
    place.assert_as_before(&before, "nothing was to be written");
    let ran = place.run(&["set", "--inbound", "tls1.2", "--yes", "--json"]);
    assert_eq!((ran.status, &ran.json()["saved"]), (4, &json!(false)));
    assert!(ran.err.contains("--in-place"), "{}", ran.err);
    assert_eq!(place.text(), CONFIG);
    let ran = place.run(&["set", "--inbound", "tls1.2", "--yes", "--in-place", "--json"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert_ne!(place.text(), CONFIG);
    assert_eq!(fs::read_to_string(place.path("other.cfg")).unwrap(), place.text());
}

#[test]
fn the_man_page_and_the_completions_know_every_command() {
    let program = |arguments: &[&str]| {
        let ran = run(Command::new(BINARY).args(arguments));
        assert_eq!((ran.status, ran.err.as_str()), (0, ""));
        ran.out
    };
    let page = program(&["man"]);
    assert!(page.contains(".TH KERIO-TLS 8"));
    for shell in ["bash", "zsh", "fish"] {
        let script = program(&["completions", shell]);
        for command in ["show", "check", "set", "reset", "peers", "man", "completions"] {
            assert!(script.contains(command), "{shell}: {command}");
            assert!(page.contains(&format!(".SS \"kerio\\-tls {command}\"")), "{command}");
        }
        assert!(script.contains("accept-cut-off"), "{shell}");
    }
    let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
    let script = program(&["completions", "bash"]);
    bash.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(bash.wait().unwrap().success());
}

#[test]
fn the_demo_runs_every_command() {
    for command in [
        vec!["--demo", "show"],
        vec!["--demo", "peers", "--min", "tls1.2"],
        vec!["--demo", "set", "--inbound", "tls1.1", "--dry-run"],
    ] {
        let ran = run(Command::new(BINARY).args(&command));
        assert_eq!(ran.status, 0, "{command:?}: {}", ran.err);
        assert!(!ran.out.is_empty());
    }
}

/// A file with an engine beside it: the stand-in of `tests/systemd`, started and stopped by commands of the
/// preferences.
struct Server {
    place: Place,
    port: u16,
}

/// [`CONFIG`] with a variable that an engine counts up.
fn with_uptime() -> String {
    CONFIG.replace(
        "</config>",
        "  <table name=\"Statistics\">\n    <variable name=\"Uptime\">0</variable>\n  </table>\n</config>",
    )
}

impl Server {
    /// The engine behaves as told in `stand-in.conf`.
    fn new(stand_in: &str) -> Self {
        need_root("commands for the engine count for root only");
        let place = Place::with(with_uptime().as_bytes());
        // By another process: no child of a test that runs beside this one may hold the copy open for writing.
        let mut copy = Command::new("cp");
        let copied = copy
            .arg("/usr/bin/perl")
            .arg(place.path("mailserver"))
            .status()
            .unwrap();
        assert!(copied.success(), "perl is in the Debian package perl-base");
        fs::write(place.path("engine.pl"), include_str!("../systemd/engine.pl")).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let server = Self { place, port };
        server.behaves(stand_in);
        let here = server.place.path("");
        let here = here.to_str().unwrap().trim_end_matches('/');
        let script = |name: &str, text: &str| {
            fs::write(server.place.path(name), format!("cd {here} || exit 1\n{text}")).unwrap();
        };
        script(
            "start.sh",
            "[ ! -e before-start.sh ] || . ./before-start.sh\n./mailserver ./engine.pl || exit 1\n\
             for i in $(seq 200); do grep -q \"$(printf ':%04X ' $(sed -n s/^port=//p stand-in.conf))\" /proc/net/tcp && exit 0; sleep 0.05; done\n",
        );
        script(
            "stop.sh",
            "touch stopping\nkill \"$(cat pid)\" || exit 0\nwhile kill -0 \"$(cat pid)\" 2>/dev/null; do sleep 0.05; done\n",
        );
        fs::write(
            server.place.path("kerio-tls.toml"),
            format!(
                "[engine]\nwatch = 1\nstop = [\"/bin/sh\", \"{here}/stop.sh\"]\nstart = [\"/bin/sh\", \"{here}/start.sh\"]\n"
            ),
        )
        .unwrap();
        server
    }

    fn behaves(&self, stand_in: &str) {
        let pid = self.place.path("pid");
        let conf = format!("daemon=1\npid_file={}\nport={}\n{stand_in}", pid.display(), self.port);
        fs::write(self.place.path("stand-in.conf"), conf).unwrap();
    }

    /// What is done before each start but the first, by a shell.
    fn before_start(&self, text: &str) {
        fs::write(
            self.place.path("before-start.sh"),
            format!("[ -e stopping ] || return 0\n{text}\n"),
        )
        .unwrap();
    }

    /// Runs the binary beside the running engine.
    fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with("exec \"$@\"", arguments)
    }

    /// The same as the shell's `$@`, for `script` to run. (Not in a namespace of its own: whether an engine runs cannot
    /// be seen from there.)
    fn run_with(&self, script: &str, arguments: &[&str]) -> Ran {
        let _ = fs::remove_file(self.place.path("stopping"));
        self.end();
        let script = format!("/bin/sh \"$0\" || exit 99; {script}");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &script]).arg(self.place.path("start.sh"));
        command.arg(BINARY).args(self.place.arguments(arguments));
        run(&mut command)
    }

    fn set(&self) -> Ran {
        self.run(&[
            "set",
            "--inbound",
            "tls1.2",
            "--yes",
            "--accept-cut-off",
            "--engine",
            "restart",
        ])
    }

    /// Ends the engine, if it is up: nobody else's.
    fn end(&self) {
        let pid = fs::read_to_string(self.place.path("pid")).unwrap_or_default();
        let ours =
            fs::read_link(format!("/proc/{}/exe", pid.trim())).is_ok_and(|exe| exe.starts_with(self.place.path("")));
        let pid = pid.trim().parse().ok().and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid.filter(|_| ours) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

#[test]
fn a_variable_that_the_start_puts_back_is_told_of() {
    let server = Server::new("");
    server.before_start(
        "grep -q ServerTlsProtocols mailserver.cfg || sed -i 's|^ *<variable name=\"RelayPassword\"|    <variable name=\"ServerTlsProtocols\">TLSv1,TLSv1.1,TLSv1.2</variable>\\n&|' mailserver.cfg",
    );
    let default = [
        "set",
        "--inbound",
        "default",
        "--yes",
        "--accept-cut-off",
        "--engine",
        "restart",
        "--json",
    ];
    let ran = server.run(&default);
    assert!(server.place.text().contains("TLSv1,TLSv1.1,TLSv1.2"));
    assert_eq!(ran.status, 1, "{}", ran.err);
    let json = ran.json();
    assert_eq!((&json["saved"], &json["took_effect"]), (&json!(true), &json!(false)));
    let warnings = json["warnings"].to_string();
    assert!(
        warnings.contains("the engine put Security/ServerTlsProtocols back"),
        "{warnings}"
    );
}

#[test]
fn a_whole_file_goes_over_what_the_engine_wrote_when_it_was_stopped_for_it_and_that_is_listed() {
    let server = Server::new("on_stop=Uptime\">0<|Uptime\">77<\n");
    let first = server
        .place
        .run_here(&["set", "--inbound", "tls1.2", "--yes", "--accept-cut-off", "--json"]);
    assert_eq!(first.status, 0, "{}", first.err);
    let id = PathBuf::from(first.json()["backup"].as_str().unwrap());
    let id = id.file_stem().unwrap().to_str().unwrap();
    let ran = server.run(&[
        "restore",
        id,
        "--whole",
        "--yes",
        "--accept-cut-off",
        "--engine",
        "restart",
    ]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert_eq!(server.place.text(), with_uptime());
    assert!(
        ran.out.contains("Statistics/Uptime: 0 -> 77") && ran.out.contains("backup") && !ran.out.contains("kept:"),
        "{}",
        ran.out
    );
    // The values are in the backup of this save.
    let kept = fs::read_to_string(ran.out.lines().find_map(|line| line.strip_prefix("Backup: ")).unwrap()).unwrap();
    assert!(kept.contains(">77<"));
}

#[test]
fn what_others_changed_is_told_when_the_save_is_rolled_back_too() {
    let server = Server::new("on_stop=Uptime\">0<|Uptime\">77<\n");
    // Refuses the new file and no other.
    server.before_start(
        "! grep -q 'ServerTlsProtocols\">TLSv1.2<' mailserver.cfg || { echo 'I do not like this' >&2; exit 1; }",
    );
    let ran = server.set();
    assert_eq!(ran.status, 1, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("the old file is back"), "{}", ran.err);
    assert!(
        ran.err.contains("Statistics/Uptime: 0 -> 77") && ran.err.contains("Backup: "),
        "{}",
        ran.err
    );
    assert_eq!(server.place.text(), with_uptime().replace(">0<", ">77<"));
}

#[test]
fn an_engine_that_a_save_left_down_aloud_is_not_said_to_have_been_forgotten() {
    let server = Server::new("");
    server.before_start("exit 1");
    let ran = server.set();
    assert_eq!(ran.status, 1, "{}{}", ran.out, ran.err);
    assert!(
        ran.err
            .contains("THE ENGINE IS DOWN: it came up neither with the new file nor with the old one"),
        "{}",
        ran.err
    );
    let next = server
        .place
        .run_here(&["set", "--outbound", "default", "--yes", "--accept-cut-off"]);
    assert!(next.err.contains("THE ENGINE IS DOWN"), "{}", next.err);
    assert!(
        next.err.contains("neither with the new file nor with the old one") && !next.err.contains("did not live"),
        "{}",
        next.err
    );
    assert!(next.err.contains("start.sh"), "{}", next.err);
}

/// A save that stops the engine and starts it again.
const SET_AND_RESTART: [&str; 7] = [
    "set",
    "--inbound",
    "tls1.2",
    "--yes",
    "--accept-cut-off",
    "--engine",
    "restart",
];

#[test]
fn cancelled_while_the_engine_stops_says_that_it_was_stopped_and_started() {
    let server = Server::new("stop_takes=1\non_stop=Uptime\">0<|Uptime\">77<\n");
    let script = "\"$@\" & p=$!; until [ -e \"${0%/*}/stopping\" ]; do sleep 0.05; done; kill -TERM $p; wait $p";
    let ran = server.run_with(script, &SET_AND_RESTART);
    assert_eq!(ran.status, 1, "{}{}", ran.out, ran.err);
    assert_eq!(server.place.text(), with_uptime().replace(">0<", ">77<"));
    assert!(
        ran.err.contains("nothing of this save was written") && ran.err.contains("started again"),
        "{}",
        ran.err
    );
    assert!(!ran.err.contains("untouched"), "{}", ran.err);
}

#[test]
fn no_signal_that_ends_a_program_leaves_the_engine_down() {
    // Not every kill(1) knows the name of 16.
    for signal in [
        "16", "34", "64", "XCPU", "USR1", "USR2", "ALRM", "VTALRM", "PROF", "IO", "PWR",
    ] {
        let server = Server::new("stop_takes=1\n");
        let script = format!(
            "\"$@\" & p=$!; until [ -e \"${{0%/*}}/stopping\" ]; do sleep 0.05; done; kill -{signal} $p; wait $p"
        );
        let ran = server.run_with(&script, &SET_AND_RESTART);
        // A limit of processor time is no wish of anybody's.
        let (status, said) = if signal == "XCPU" {
            (0, "was started again and runs")
        } else {
            (1, "the engine was started again")
        };
        assert_eq!(ran.status, status, "{signal}: {}{}", ran.out, ran.err);
        assert!((ran.out + &ran.err).contains(said), "{signal}");
    }
}

/// One save, and the journal of one that broke off after it, as far as `journal` makes it.
fn with_journal(journal: impl FnOnce(&Value, &str) -> String) -> (Place, String) {
    let place = Place::with(CONFIG);
    let saved = place.run(&["set", "--inbound", "tls1.2", "--yes", "--accept-cut-off", "--json"]);
    assert_eq!(saved.status, 0, "{}", saved.err);
    let backup = PathBuf::from(saved.json()["backup"].as_str().unwrap());
    let manifest: Value = serde_json::from_slice(&fs::read(backup.with_extension("json")).unwrap()).unwrap();
    let id = backup.file_stem().unwrap().to_str().unwrap().to_owned();
    let home = backup.parent().unwrap().parent().unwrap();
    fs::write(home.join("journal.json"), journal(&manifest, &id)).unwrap();
    (place, id)
}

/// A roll back of that save.
fn roll_back(manifest: &Value, id: &str, phase: &Value) -> String {
    let mut journal = json!({
        "format": 1, "when": "2026-11-24T07:30:00Z", "action": "roll back", "summary": "Inbound: TLS 1.0 -> TLS 1.2",
        "temp": ".mailserver.cfg.kerio-tls-0123456789abcdef", "old_sha256": manifest["new_sha256"],
        "new_sha256": manifest["sha256"], "backup": id, "own_backup": false,
    });
    for (name, value) in phase.as_object().unwrap() {
        journal[name] = value.clone();
    }
    journal.to_string()
}

#[test]
fn a_roll_back_that_broke_off_is_told_with_the_file_that_really_stands_there() {
    let (place, id) = with_journal(|manifest, id| roll_back(manifest, id, &json!({"phase": "begun"})));
    let ran = place.run(&["set", "--inbound", "tls1.2", "--yes"]);
    assert!(!ran.err.contains("the file is the old one"), "{}", ran.err);
    assert!(
        ran.err
            .contains("the file is still the new one, with which the engine did not come up"),
        "{}",
        ran.err
    );
    assert!(
        ran.err.contains(&id) && ran.err.contains("kerio-tls restore"),
        "{}",
        ran.err
    );

    let (place, id) = with_journal(|manifest, id| roll_back(manifest, id, &json!({"phase": "ready", "inode": 1})));
    fs::write(place.file(), CONFIG).unwrap();
    let ran = place.run(&["set", "--inbound", "tls1.2", "--yes", "--accept-cut-off"]);
    assert!(!ran.err.contains("the new file is in place"), "{}", ran.err);
    assert!(
        ran.err.contains("the old file is back in place") && ran.err.contains(&id),
        "{}",
        ran.err
    );
}

#[test]
fn a_journal_that_cannot_be_understood_is_not_to_be_thrown_away_unread() {
    for journal in ["{\"format\": 1, \"when\":", "{\"format\": 2, \"more\": true}"] {
        let (place, id) = with_journal(|_, _| journal.to_owned());
        let before = place.text();
        let ran = place.run(&["set", "--inbound", "tls1.3", "--yes", "--accept-cut-off"]);
        let line = ran.failed(1);
        assert!(!line.contains("only our own bookkeeping"), "{line}");
        assert!(
            line.contains("journal.json") && line.contains(&format!("{id}.cfg")) && line.contains("torn"),
            "{line}"
        );
        assert_eq!(line.contains("format 2"), journal.contains("more"), "{line}");
        assert_eq!(place.text(), before);
    }
}

#[test]
fn a_group_that_the_owner_is_not_in_is_known_before_the_save() {
    need_root("only root can make a file of another user");
    let place = Place::with(CONFIG);
    let binary = binary_for_all(&place);
    std::os::unix::fs::chown(place.dir.path(), Some(1500), Some(1500)).unwrap();
    fs::create_dir(place.path("state")).unwrap();
    fs::set_permissions(place.path("state"), fs::Permissions::from_mode(0o700)).unwrap();
    std::os::unix::fs::chown(place.path("state"), Some(1500), Some(1500)).unwrap();
    let owner = |arguments: &[&str]| {
        let mut command = alone();
        command.args(["setpriv", "--reuid", "1500", "--regid", "1500", "--clear-groups"]);
        run(command.arg(&binary).args(place.arguments(arguments)))
    };
    std::os::unix::fs::chown(place.file(), Some(1500), Some(0)).unwrap();
    let dry = owner(&["set", "--inbound", "tls1.2", "--dry-run"]);
    assert!(
        dry.out.contains("It cannot be saved: keeping the group of") && dry.err.contains("not in the group root"),
        "{}{}",
        dry.out,
        dry.err
    );
    let ran = owner(&["set", "--inbound", "tls1.2", "--yes", "--accept-cut-off"]);
    assert_eq!(ran.status, 1, "{}", ran.err);
    assert!(
        ran.err.contains("keeping the group of") && ran.err.contains("save as root"),
        "{}",
        ran.err
    );
    assert_eq!(place.text(), CONFIG);
    // A directory that hands its group on keeps it without any right.
    std::os::unix::fs::chown(place.dir.path(), Some(1500), Some(0)).unwrap();
    fs::set_permissions(place.dir.path(), fs::Permissions::from_mode(0o2755)).unwrap();
    let ran = owner(&["set", "--inbound", "tls1.2", "--yes", "--accept-cut-off"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert_eq!(fs::metadata(place.file()).unwrap().gid(), 0);
}

#[test]
fn a_directory_of_others_is_never_closed_for_our_state() {
    let place = Place::with(CONFIG);
    let state = place.path("state");
    fs::create_dir(&state).unwrap();
    fs::write(state.join("index.html"), "theirs").unwrap();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o755)).unwrap();
    let before = place.tree();
    for words in [&["--yes", "--accept-cut-off"][..], &["--dry-run"]] {
        let ran = place.run(&[&["set", "--inbound", "tls1.2"], words].concat());
        let said = format!("{}{}", ran.out, ran.err);
        assert!(
            said.contains("index.html") && said.contains("--state-dir"),
            "{words:?}: {said}"
        );
        place.assert_as_before(&before, &format!("{words:?}"));
    }
    // What is ours alone is closed again.
    fs::remove_file(state.join("index.html")).unwrap();
    let set = ["set", "--inbound", "tls1.2", "--yes", "--accept-cut-off"];
    assert_eq!(place.run(&set).status, 0);
    fs::set_permissions(&state, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(
        place
            .run(&["set", "--inbound", "tls1.3", "--yes", "--accept-cut-off"])
            .status,
        0
    );
    assert_eq!(fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o700);
}
