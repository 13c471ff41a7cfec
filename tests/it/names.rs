//! Names of variables against stand-in engines, which a compiler makes: what `names` tells of each.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::place::Place;

const CONFIG: &str = include_str!("../../assets/demo/mailserver.cfg");

/// A program made of C++ source, beside nothing.
pub(crate) fn compile(to: &Path, source: &str, flags: &[&str]) {
    let text = to.with_extension("cc");
    std::fs::write(&text, source).unwrap();
    let mut compiler = Command::new("g++");
    compiler.args(["-w", "-o"]).arg(to).args(flags).arg(&text);
    let made = compiler.output().expect("g++ is missing: apt-get install g++");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::remove_file(text).unwrap();
}

/// Names as a map is filled with them, and as strings are made of them.
const SOURCE: &str = r#"
#include <cstdio>
#include <map>
#include <string>
std::map<std::string, const char *> all;
const char *const tables[] = {"Security", "SmtpSecurity"};
const char *const others[] = {"MinTlsVersion", "EnableEphemeralECDH", "ssl_ctx_new", "DhKeySize"};
__attribute__((noinline)) void use(const std::string &name) { all[name] = name.c_str(); }
int main(int count, char **) {
    use(std::string("ServerTlsProtocols"));
    use(std::string("ClientTlsProtocols"));
    all["ServerTlsCiphers"] = tables[count & 1];
    for (const char *name : others) std::puts(name);
    return 0;
}
"#;

fn json(place: &Place, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = ["names", "--json"].iter().chain(arguments).copied().collect();
    place.run(&arguments).done().json()
}

fn sure(json: &Value, name: &str) -> String {
    let names = json["names"].as_array().unwrap();
    let found = names.iter().find(|it| it["name"] == name);
    found.unwrap_or_else(|| panic!("{name} in {json}"))["name_sure"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn candidates(json: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let all = json["candidates"].as_array().unwrap();
    all.iter().map(|it| (text(&it["role"]), text(&it["name"]))).collect()
}

fn program(place: &Place) -> PathBuf {
    place.path("mailserver")
}

#[test]
fn a_compiled_program_tells_its_names_stripped_or_not_and_however_its_literals_were_cut() {
    for flags in [&["-O0"][..], &["-O2"], &["-O3"], &["-O2", "-s"], &["-O3", "-s"]] {
        let place = Place::with(CONFIG);
        compile(&program(&place), SOURCE, flags);
        let json = json(&place, &[]);
        assert_eq!(json["engine"]["tells_nothing"], Value::Null, "{flags:?}");
        for name in ["ServerTlsProtocols", "ClientTlsProtocols", "ServerTlsCiphers"] {
            assert_eq!(sure(&json, name), "in-engine", "{flags:?} {name}: {json}");
        }
        for name in ["ClientTlsCiphers", "DisableEphemeralDH"] {
            assert_eq!(sure(&json, name), "not-in-engine", "{flags:?} {name}");
        }
        let wanted = [
            ("minimum-version", "MinTlsVersion"),
            ("ecdhe-on", "EnableEphemeralECDH"),
            ("dhe-key-size", "DhKeySize"),
        ];
        let found = candidates(&json);
        for (role, name) in wanted {
            assert!(
                found.contains(&(role.to_owned(), name.to_owned())),
                "{flags:?} {name}: {found:?}"
            );
        }
        assert!(!found.iter().any(|(_, name)| name == "ssl_ctx_new"), "{found:?}");
    }
}

#[test]
fn a_program_without_the_tables_names_leaves_everything_as_sure_as_it_was_and_says_so() {
    let place = Place::with(CONFIG);
    std::fs::write(program(&place), b"\0ServerTlsProtocols\0packed").unwrap();
    let json = json(&place, &[]);
    assert_eq!(sure(&json, "ServerTlsProtocols"), "assumed");
    assert_eq!(sure(&json, "DisableEphemeralDH"), "documented");
    assert!(
        json["engine"]["tells_nothing"]
            .as_str()
            .unwrap()
            .contains("SmtpSecurity"),
        "{json}"
    );
    let page = place.run(&["names"]).done().out;
    assert!(page.contains("tells nothing"), "{page}");
}

#[test]
fn a_copy_of_the_program_is_read_where_there_is_no_mail_server() {
    let place = Place::with(CONFIG);
    let copy = place.path("copy");
    std::fs::write(
        &copy,
        b"\0SmtpSecurity\0ServerTlsProtocols\0OpenSSL 3.0.13 30 Jan 2024\0",
    )
    .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kerio-tls"));
    command
        .args(["names", "--json", "--engine"])
        .arg(&copy)
        .arg("--state-dir")
        .arg(place.path("none"));
    let ran = crate::ran::run(&mut command).done();
    let json = ran.json();
    assert_eq!(sure(&json, "ServerTlsProtocols"), "in-engine");
    assert_eq!(json["engine"]["openssl"], "OpenSSL 3.0.13");
    assert!(!place.path("none").exists(), "looking makes no directory");
    // One that is not there is said, and is no answer about names.
    let ran = place
        .run(&["names", "--json", "--engine", "/nowhere/mailserver"])
        .done();
    assert!(ran.err.contains("tells nothing of names"), "{}", ran.err);
}

#[test]
fn what_was_read_is_known_again_until_the_program_is_another() {
    let place = Place::with(CONFIG);
    std::fs::write(program(&place), b"\0SmtpSecurity\0ServerTlsProtocols\0").unwrap();
    // Keeping a name makes the state directory.
    place
        .run(&["config", "--name", "inbound:ecdhe-on=EnableECDHE", "--yes"])
        .done();
    let first = json(&place, &[]);
    let kept = place.path("state").join("program.json");
    let before = std::fs::metadata(&kept).unwrap().modified().unwrap();
    assert_eq!(json(&place, &[]), first);
    assert_eq!(
        std::fs::metadata(&kept).unwrap().modified().unwrap(),
        before,
        "it was read once"
    );
    std::fs::write(program(&place), b"\0SmtpSecurity\0ClientTlsProtocols\0..").unwrap();
    let second = json(&place, &[]);
    assert_eq!(
        (
            sure(&first, "ServerTlsProtocols").as_str(),
            sure(&second, "ServerTlsProtocols").as_str()
        ),
        ("in-engine", "not-in-engine")
    );
    // A torn file of ours is no answer either.
    std::fs::write(&kept, "{").unwrap();
    assert_eq!(json(&place, &[]), second);
}

#[test]
fn show_and_the_review_say_how_sure_each_name_is() {
    let place = Place::with(CONFIG);
    std::fs::write(
        program(&place),
        b"\0SmtpSecurity\0ServerTlsProtocols\0ClientTlsProtocols\0",
    )
    .unwrap();
    let shown = place.run(&["show", "--json"]).done().json();
    let rows = shown["inbound"]["variables"].as_array().unwrap();
    let of = |name: &str| rows.iter().find(|row| row["name"] == name).unwrap().clone();
    assert_eq!(of("ServerTlsProtocols")["name_sure"], "in-engine");
    assert_eq!(of("ServerTlsProtocols")["assumed"], false);
    assert_eq!(of("ServerTlsCiphers")["name_sure"], "not-in-engine");
    let page = place.run(&["show"]).done().out;
    assert!(
        page.contains("(the name is in the engine's own program)") && !page.contains("assumed"),
        "{page}"
    );
    let review = place.run(&["set", "--outbound", "tls1.2", "--dry-run"]).done().out;
    let words = review.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("Its name is in the engine's own program."), "{review}");
}

#[test]
fn a_name_that_the_program_does_not_hold_is_written_only_with_its_own_yes_and_the_review_says_what_it_holds() {
    let place = Place::with(CONFIG);
    std::fs::write(
        program(&place),
        b"\0SmtpSecurity\0ClientTlsProtocols\0TlsServerVersions\0",
    )
    .unwrap();
    // The stand-in is no process; the file is one that no engine uses.
    let only_here = "[engine]\nonly_here = true\n";
    std::fs::write(place.path("kerio-tls.toml"), only_here).unwrap();
    let set = |more: &[&str]| {
        let all = ["set", "--inbound", "tls1.2"].iter().chain(more).copied();
        place.run(&all.collect::<Vec<_>>())
    };
    let review = set(&["--dry-run"]);
    let words = review.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("Changes ServerTlsProtocols. The engine's own program does not hold this name")
            && words.contains("For this role the program holds: TlsServerVersions."),
        "{words}"
    );
    let refused = set(&["--yes", "--accept-cut-off"]);
    assert!(
        refused.failed_with_warnings(4).contains("--accept-unknown-name"),
        "{}",
        refused.err
    );
    let json = set(&["--yes", "--accept-cut-off", "--accept-unknown-name", "--json"])
        .done()
        .json();
    assert_eq!(
        (&json["saved"], &json["edits"][0]["name_sure"]),
        (&true.into(), &"not-in-engine".into())
    );
    // A name that it holds needs no such yes.
    place
        .run(&["set", "--outbound", "tls1.2", "--yes", "--accept-cut-off"])
        .done();
}

/// `names --learn` that runs, and the file's directory.
fn learning(place: &Place, more: &[&str]) -> std::process::Child {
    let mut command = crate::ran::alone();
    command.arg(env!("CARGO_BIN_EXE_kerio-tls"));
    let arguments: Vec<&str> = ["names", "--learn", "tls1.2", "--json"]
        .iter()
        .chain(more)
        .copied()
        .collect();
    command.args(place.arguments(&arguments));
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    command.spawn().unwrap()
}

/// It waits as soon as its question is kept.
fn until_it_waits(place: &Place) {
    let kept = || {
        let names = std::fs::read_dir(place.path("state")).into_iter().flatten();
        names
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().starts_with("names.question."))
    };
    let mut looks = 0..1500;
    while !kept() {
        assert!(looks.next().is_some(), "no question was kept");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

fn learned(child: std::process::Child) -> Value {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

const SAVED: &str = "    <variable name=\"TlsMinimumVersion\">1.2</variable>\n    <variable name=\"LockoutEnabled\">";

#[test]
fn the_variable_that_the_web_administration_changes_is_learned_in_place_or_by_rename_with_its_word() {
    for by_rename in [false, true] {
        let place = Place::with(CONFIG.replace("@STORE@", "."));
        let child = learning(&place, &["--yes"]);
        until_it_waits(&place);
        let text = place.text().replace("    <variable name=\"LockoutEnabled\">", SAVED);
        if by_rename {
            std::fs::write(place.path("new"), &text).unwrap();
            std::fs::rename(place.path("new"), place.file()).unwrap();
        } else {
            // A writer that takes its time: the half file is no answer.
            use std::io::Write as _;
            let mut file = std::fs::File::create(place.file()).unwrap();
            let (half, rest) = text.as_bytes().split_at(text.len() / 2);
            file.write_all(half).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(600));
            file.write_all(rest).unwrap();
        }
        let json = learned(child);
        assert_eq!(json["learned"], "TlsMinimumVersion", "{json}");
        let before = place.text();
        let names = self::json(&place, &[]);
        let row = names["names"]
            .as_array()
            .unwrap()
            .iter()
            .find(|it| it["name"] == "TlsMinimumVersion")
            .unwrap();
        assert_eq!(
            (&row["role"], &row["name_sure"]),
            (&"minimum-version".into(), &"seen".into()),
            "{row}"
        );
        assert!(row["since"].is_string(), "{row}");
        // It reads as the version that was chosen, and its word is written for it.
        let shown = place.run(&["show", "--json"]).done().json();
        assert!(
            shown["inbound"]["why"]
                .as_str()
                .unwrap()
                .contains("TlsMinimumVersion says TLS 1.2"),
            "{shown}"
        );
        let export = place.run(&["names", "--export"]).done().out;
        assert!(
            export.contains("name = \"TlsMinimumVersion\"") && export.contains("[\"tls1.2\", \"1.2\"]"),
            "{export}"
        );
        assert_eq!(place.text(), before, "nothing is written to the file");
        // Another host of the same build takes it.
        let other = Place::with(CONFIG);
        std::fs::write(other.path("kerio-tls.toml"), export).unwrap();
        assert_eq!(sure(&self::json(&other, &[]), "TlsMinimumVersion"), "given");
    }
}

#[test]
fn of_three_changes_none_is_taken_by_itself_and_secrets_stay_masked() {
    let place = Place::with(CONFIG);
    let child = learning(&place, &["--yes"]);
    until_it_waits(&place);
    let text = place.text().replace("    <variable name=\"LockoutEnabled\">", SAVED);
    let text = text.replace("<variable name=\"LockoutCount\">5", "<variable name=\"LockoutCount\">6");
    let text = text.replace(
        "D3S:3c8f0a6a5d1be7a95f0c2b7f4c1f90aa",
        "D3S:0000000000000000000000000000beef",
    );
    std::fs::write(place.file(), text).unwrap();
    let json = learned(child);
    assert_eq!(
        (&json["learned"], json["changed"].as_array().unwrap().len()),
        (&Value::Null, 3),
        "{json}"
    );
    assert!(
        !json.to_string().contains("beef") && json.to_string().contains("(hidden)"),
        "{json}"
    );
    let page = place.run(&["names"]).done();
    assert!(page.err.contains("a question is open since"), "{}", page.err);
}

#[test]
fn where_nothing_changes_the_question_outlives_the_program() {
    let place = Place::with(CONFIG);
    let json = learned(learning(&place, &["--timeout", "1s"]));
    assert_eq!(json["waiting"], true, "{json}");
    // The engine writes the file when it stops, days later.
    std::fs::write(
        place.file(),
        place.text().replace("    <variable name=\"LockoutEnabled\">", SAVED),
    )
    .unwrap();
    let json = learned(learning(&place, &["--yes"]));
    assert_eq!(json["learned"], "TlsMinimumVersion", "{json}");
    assert!(!place.run(&["names"]).done().err.contains("a question is open"));
}
