//! What the README says is held against the program and the tree: links, commands, options.

use std::path::Path;
use std::process::Command;

const README: &str = include_str!("../../README.md");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn help(words: &[&str]) -> Option<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_kerio-tls"))
        .args(words)
        .arg("--help")
        .output()
        .unwrap();
    output
        .status
        .success()
        .then(|| String::from_utf8(output.stdout).unwrap())
}

/// What stands between backquotes in a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

fn section(title: &str) -> &'static str {
    let (_, rest) = README
        .split_once(&format!("\n## {title}\n"))
        .unwrap_or_else(|| panic!("README.md has no section {title:?}"));
    rest.split("\n## ").next().unwrap_or(rest)
}

#[test]
fn every_link_of_the_readme_leads_somewhere() {
    let mut followed = 0;
    for target in README.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        match target.strip_prefix('#') {
            Some(heading) => {
                let anchor = |line: &str| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
                assert!(
                    README
                        .lines()
                        .any(|line| line.starts_with('#') && anchor(line) == heading),
                    "no heading for #{heading}"
                );
            }
            None => assert!(root().join(target).exists(), "{target} is not there"),
        }
        followed += 1;
    }
    assert!(
        followed > 5,
        "{followed} links: is the test still looking at the right thing?"
    );
}

#[test]
fn every_command_and_option_of_the_readmes_table_is_known_to_the_program() {
    let rows: Vec<&str> = section("Commands")
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    assert!(rows.len() >= 8, "{rows:?}");
    for row in rows {
        let cell = row.split(" | ").next().unwrap();
        for command in quoted(cell) {
            let name = command.split(' ').next().unwrap();
            let help = help(&[name]).unwrap_or_else(|| panic!("{name} is no command: {row}"));
            for option in command
                .split(|c: char| c.is_whitespace() || "[]|\\".contains(c))
                .filter(|word| word.starts_with("--"))
            {
                assert!(help.contains(option), "{name} has no {option}:\n{help}");
            }
        }
    }
}

#[test]
fn every_command_of_the_program_is_in_the_readme() {
    let help = help(&[]).unwrap();
    let (_, commands) = help.split_once("Commands:").unwrap();
    let table = section("Commands");
    for name in commands
        .lines()
        .skip(1)
        .take_while(|line| !line.trim().is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
    {
        let listed = quoted(table).any(|command| command.split(' ').next() == Some(name));
        assert!(listed, "{name} is not in the README's table");
    }
}

#[test]
fn every_path_that_the_readme_names_in_the_tree_is_there() {
    let mut seen = 0;
    for path in README.lines().flat_map(quoted).filter(|word| {
        ["assets/", "tests/", ".ci/", "src/", "benches/"]
            .iter()
            .any(|start| word.starts_with(start))
    }) {
        assert!(root().join(path).exists(), "{path} is not there");
        seen += 1;
    }
    assert!(seen > 2);
}
