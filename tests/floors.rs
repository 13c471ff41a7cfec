//! The house has floors: an arrow between rooms never points up, and sideways only where it is listed. This test reads
//! every path in `src/` that leads to another room (`crate::`, `super::` as far as the root, `kerio_tls::`, with or
//! without groups) and holds it against the table. Nor do the files of one room make a circle.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests: clippy.toml exempts test functions only"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A room, its floor, and the rooms it may use.
struct Room {
    name: &'static str,
    floor: u8,
    may_use: &'static [&'static str],
}

const ROOMS: &[Room] = &[
    room("mailserver_cfg", 0, &["hostile"]),
    room("tls", 0, &["hostile"]),
    room("hostile", 0, &[]),
    room("files", 0, &["hostile"]),
    room("probe", 1, &["hostile", "tls"]),
    room("watch", 1, &["hostile", "tls", "probe"]),
    room("peers", 1, &["files", "hostile", "tls"]),
    room("save", 1, &["files", "hostile", "mailserver_cfg"]),
    room("engine", 1, &["files", "hostile"]),
    room("session", 2, &["hostile", "mailserver_cfg", "tls", "peers"]),
    room("host", 3, BELOW_HOST),
    room("work", 4, BELOW_WORK),
    room("tui", 5, BELOW_SCREEN),
    room("cli", 5, BELOW_SCREEN),
];

const BELOW_HOST: &[&str] = &[
    "files",
    "hostile",
    "mailserver_cfg",
    "tls",
    "probe",
    "watch",
    "peers",
    "save",
    "engine",
    "session",
];
const BELOW_WORK: &[&str] = &[
    "files",
    "hostile",
    "mailserver_cfg",
    "tls",
    "probe",
    "watch",
    "peers",
    "save",
    "engine",
    "session",
    "host",
];
const BELOW_SCREEN: &[&str] = &["hostile", "tls", "peers", "session", "host", "work"];

/// What a room may use of another one, where that is not everything.
const ONLY: &[(&str, &str, &[&str])] = &[("probe", "tls", &["TlsVersion", "Service"]), ("watch", "probe", HELLOS)];
/// The one reader of hellos; the test makes some.
const HELLOS: &[&str] = &["ClientHello", "ServerHello", "Ja4", "Hello", "HelloRandom"];
/// Sideways: both hellos are read in one place.
const SIDEWAYS: &[(&str, &str)] = &[("watch", "probe")];

/// Rooms that are pure: bytes, policy and the session never touch the world, and read no clock.
const PURE: &[&str] = &["hostile", "mailserver_cfg", "tls", "session"];
const THE_WORLD: &[&[&str]] = &[
    &["std", "fs"],
    &["TcpStream"],
    &["TcpListener"],
    &["UdpSocket"],
    &["ToSocketAddrs"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "io", "stdin"],
    &["std", "io", "stdout"],
    &["std", "env"],
    &["std", "time", "SystemTime"],
    &["SystemTime", "now"],
    &["Instant", "now"],
    &["Timestamp", "now"],
    &["Zoned", "now"],
    &["rustix"],
];

const fn room(name: &'static str, floor: u8, may_use: &'static [&'static str]) -> Room {
    Room { name, floor, may_use }
}

fn find(name: &str) -> Option<&'static Room> {
    ROOMS.iter().find(|room| room.name == name)
}

#[test]
fn no_arrow_between_rooms_points_up_or_sideways() {
    let mut wrong = Vec::new();
    let mut arrows = BTreeSet::new();
    for source in sources() {
        let text = fs::read_to_string(&source.path).unwrap();
        for path in paths(&text, &source.module) {
            if let Some(problem) = judge(&source.module, &path) {
                wrong.push(format!("{}: {problem}", source.path.display()));
            }
            if let (Some(from), Some(to)) = (source.module.first(), path.first())
                && from != to
            {
                arrows.insert((from.clone(), to.clone()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // A reader that finds nothing would always be content.
    for (from, to) in [("tui", "session"), ("session", "tls"), ("save", "mailserver_cfg")] {
        assert!(
            arrows.contains(&(from.to_owned(), to.to_owned())),
            "{from} -> {to} was not seen, so the reader is broken"
        );
    }
}

#[test]
fn every_room_has_a_floor_and_the_table_itself_points_down() {
    let found: BTreeSet<String> = sources()
        .iter()
        .filter_map(|source| source.module.first().cloned())
        .collect();
    for name in &found {
        assert!(find(name).is_some(), "{name} is in src/ but has no floor");
    }
    for room in ROOMS {
        assert!(
            found.contains(room.name),
            "{} has a floor but is not in src/",
            room.name
        );
        for used in room.may_use {
            let used = find(used).unwrap();
            // `hostile` is the cellar: every room may show a stranger's words.
            assert!(
                used.floor < room.floor || used.name == "hostile" || SIDEWAYS.contains(&(room.name, used.name)),
                "{} may not use {}",
                room.name,
                used.name
            );
        }
    }
}

#[test]
fn the_pure_rooms_neither_touch_the_world_nor_read_a_clock() {
    for source in sources() {
        let Some(name) = source.module.first().filter(|name| PURE.contains(&name.as_str())) else {
            continue;
        };
        // Tests stand at the end of a file or in a module of their own, and may read fixtures.
        if source.module.iter().any(|part| part == "tests") {
            continue;
        }
        let text = fs::read_to_string(&source.path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        for found in any_paths(text) {
            for world in THE_WORLD {
                assert!(
                    !found.windows(world.len()).any(|part| part == *world),
                    "{}: {name} is pure, but uses {}",
                    source.path.display(),
                    found.join("::")
                );
            }
        }
    }
}

/// Ways to open a path that do not look at what was opened. `files` is the one door: a pipe, a device, a link of a
/// stranger's or a directory that was exchanged can stand anywhere where others than root may write.
const PLAIN_OPENINGS: &[&[&str]] = &[
    &["fs", "read"],
    &["fs", "read_to_string"],
    &["fs", "write"],
    &["fs", "copy"],
    &["fs", "rename"],
    &["File", "open"],
    &["File", "create"],
    &["File", "options"],
    &["OpenOptions", "new"],
];

/// Where that is right nevertheless, and why.
const MAY_OPEN: &[(&str, &str)] = &[
    (
        "engine/places.rs",
        "/var/lib/dpkg/status, which is root's like everything above it",
    ),
    ("probe/hello.rs", "/dev/urandom"),
    ("host/names.rs", "/proc/net, where nobody can put a file"),
    ("host/demo.rs", "the demo's own new directory, 0700"),
];

#[test]
fn no_path_is_opened_without_a_look_at_what_was_opened() {
    let mut wrong = Vec::new();
    for source in sources() {
        let name = source
            .path
            .strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
        let name = name.unwrap().to_str().unwrap().to_owned();
        let is_a_test = name.contains("tests") || source.module.first().is_some_and(|room| room == "files");
        if is_a_test || MAY_OPEN.iter().any(|(allowed, _)| *allowed == name) {
            continue;
        }
        let text = fs::read_to_string(&source.path).unwrap();
        wrong.extend(openings(&text).into_iter().map(|found| format!("{name}: {found}")));
    }
    assert!(wrong.is_empty(), "use crate::files instead:\n{}", wrong.join("\n"));
    // A reader that finds nothing would always be content.
    for found in [
        "use std::fs; fn f() { fs::read(p) }",
        "std::fs::File::open(p)",
        "OpenOptions::new()",
    ] {
        assert_eq!(openings(found).len(), 1, "{found}");
    }
    assert!(openings("#[cfg(test)] mod tests { fn f() { std::fs::read(p) } }").is_empty());
}

fn openings(text: &str) -> Vec<String> {
    // Tests stand at the end of a file, and open what they made.
    let text = text.split("#[cfg(test)]").next().unwrap();
    let paths = any_paths(text).into_iter();
    let plain = |path: &Vec<String>| {
        let ends = |with: &&[&str]| path.windows(with.len()).any(|part| part == *with);
        PLAIN_OPENINGS.iter().any(ends)
    };
    paths.filter(plain).map(|path| path.join("::")).collect()
}

#[test]
fn an_arrow_that_points_up_would_be_found_however_it_is_written() {
    let module = ["save".to_owned(), "steps".to_owned()];
    for upward in [
        "use crate::session::Session;",
        "use crate::{mailserver_cfg::Edit, work::{Host}};",
        "use super::super::tui;",
        "use super::super::{mailserver_cfg, cli::run};",
        "fn f() { let x = crate :: engine :: detect(); }",
        "mod tests { use super::super::super::session::Session; }",
        "use kerio_tls::peers;",
        "use ::kerio_tls::peers;",
        "use crate::*;",
        "use crate as house;",
        "/* crate::tls */ const A: char = '\"'; use crate::tls::Role; // \"",
        "const A: &str = r#\"\\\"#; type T<'a> = &'a crate::peers::Peer;",
    ] {
        let wrong: Vec<String> = paths(upward, &module)
            .iter()
            .filter_map(|path| judge(&module, path))
            .collect();
        assert_eq!(wrong.len(), 1, "{upward}: {wrong:?}");
    }
}

#[test]
fn comments_strings_and_arrows_that_are_listed_are_no_fault() {
    let module = ["save".to_owned(), "steps".to_owned()];
    for fine in [
        "use crate::mailserver_cfg::{Edit, EditSet};",
        "use super::journal; use super::super::save::gate; use crate::save::audit;",
        "// crate::tui\n/* crate::cli /* crate::work */ crate::tui */",
        "const A: &str = \"crate::tui \\\" crate::cli\"; const B: &str = r##\"crate::work \"# \"##;",
        "pub(crate) fn f() {} pub(in crate::save) fn g() {}",
        "let b = b\"crate::tui\"; let c = '\\''; let d = '\"'; let e = \"crate::tui\";",
    ] {
        let wrong: Vec<String> = paths(fine, &module)
            .iter()
            .filter_map(|path| judge(&module, path))
            .collect();
        assert!(wrong.is_empty(), "{fine}: {wrong:?}");
    }
    let probe = ["probe".to_owned()];
    let seen = |text: &str| paths(text, &probe).iter().filter_map(|p| judge(&probe, p)).count();
    assert_eq!(seen("use crate::tls::TlsVersion; use crate::tls::{TlsVersion};"), 0);
    assert_eq!(seen("use crate::tls::Catalogue;"), 1);
    assert_eq!(seen("use crate::tls;"), 1);
}

#[test]
fn the_files_of_a_room_make_no_circle() {
    let house: Vec<(Vec<String>, String)> = sources()
        .into_iter()
        .map(|source| (source.module, fs::read_to_string(&source.path).unwrap()))
        .collect();
    let circles = circles(&house);
    let in_a_room = |circle: &&String| {
        ROOMS.iter().any(|room| {
            circle.starts_with(&format!("{}/", room.name)) || circle.starts_with(&format!("{} ", room.name))
        })
    };
    let wrong: Vec<&str> = circles.iter().filter(in_a_room).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_circle_of_files_would_be_found_however_it_is_written() {
    let file = |module: &[&str], text: &str| (module.iter().map(|part| (*part).to_owned()).collect(), text.to_owned());
    for (a, b, door) in [
        ("use super::b::B;", "use super::a::A;", "mod a; mod b;"),
        ("use super::{b};", "fn f() { super::a::f() }", "mod a; mod b;"),
        ("use crate::save::b::B;", "use crate::{save::{a::A}};", "mod a; mod b;"),
        (
            "use super::B;",
            "use super::A;",
            "mod a; mod b; pub use a::A; pub(crate) use b::{B};",
        ),
        (
            "use super::Declared;",
            "",
            "mod a; mod b; pub struct Declared; fn f() { a::f() }",
        ),
    ] {
        let house = [file(&["save"], door), file(&["save", "a"], a), file(&["save", "b"], b)];
        assert_eq!(circles(&house).len(), 1, "{a} | {b} | {door}");
    }
    for (a, b, door) in [
        ("use super::b::B;", "use super::c::C;", "mod a; mod b; pub use a::A;"),
        (
            "use super::Declared;",
            "use super::a::A;",
            "mod a; mod b; pub use a::A; pub struct Declared;",
        ),
        (
            "use super::b::B;\n#[cfg(test)]\nmod tests { use super::*; }",
            "#[cfg(test)]\nmod tests { use super::super::a::A; }",
            "mod a;",
        ),
    ] {
        let house = [file(&["save"], door), file(&["save", "a"], a), file(&["save", "b"], b)];
        assert_eq!(circles(&house), [""; 0], "{a} | {b} | {door}");
    }
}

/// Every circle of files of one room, as the names of the files in it. Tests are left out.
fn circles(house: &[(Vec<String>, String)]) -> Vec<String> {
    let is_test = |module: &[String]| module.iter().any(|part| part == "tests" || part.ends_with("_tests"));
    let files: Vec<(&[String], Vec<String>)> = house
        .iter()
        .filter(|(module, _)| !module.is_empty() && !is_test(module))
        .map(|(module, text)| {
            let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            (module.as_slice(), tokens(text))
        })
        .collect();
    let modules: BTreeSet<&[String]> = files.iter().map(|(module, _)| *module).collect();
    // What each file re-exports from the files below it: the name, and whose it is.
    let mut doors: BTreeMap<(&[String], String), Vec<String>> = BTreeMap::new();
    let mut uses: Vec<(&[String], Vec<Vec<String>>)> = Vec::new();
    for (module, tokens) in &files {
        let (given_out, rest) = without_exports(tokens);
        for path in paths_in(&given_out) {
            let target = [module, &path[..]].concat();
            if modules.contains(&target[..module.len() + 1]) {
                let name = path.last().unwrap().clone();
                doors.insert((module, name), target[..target.len() - 1].to_vec());
            }
        }
        let absolute = |path: Vec<String>| match path[0].as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some([module, &path[1..]].concat()),
            "super" => {
                let ups = path.iter().take_while(|part| *part == "super").count();
                Some([&module[..module.len().saturating_sub(ups)], &path[ups..]].concat())
            }
            _ => {
                let target = [module, &path[..]].concat();
                modules.contains(&target[..module.len() + 1]).then_some(target)
            }
        };
        uses.push((module, paths_in(&rest).into_iter().filter_map(absolute).collect()));
    }
    let mut edges: BTreeMap<&[String], BTreeSet<&[String]>> = BTreeMap::new();
    for (module, paths) in &uses {
        for path in paths {
            let found = file_of(path, &modules, &doors);
            if let Some(found) = found.filter(|found| found != module && found[0] == module[0]) {
                edges.entry(module).or_default().insert(found);
            }
        }
    }
    let reaches = |from: &[String]| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(next) = open.pop() {
            for to in edges.get(next).into_iter().flatten() {
                if seen.insert(*to) {
                    open.push(to);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&[String], BTreeSet<&[String]>> =
        modules.iter().map(|module| (*module, reaches(module))).collect();
    let circle = |module: &&[String]| {
        let with = reached[*module]
            .iter()
            .filter(|other| reached[**other].contains(*module));
        let names: Vec<String> = with.map(|other| other.join("/")).collect();
        (!names.is_empty()).then(|| format!("{} make a circle", names.join(" ")))
    };
    let found: BTreeSet<String> = modules.iter().filter_map(circle).collect();
    found.into_iter().collect()
}

/// The tokens of what is given out again (`pub use`, `pub(crate) use`), and the others.
fn without_exports(tokens: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut exports, mut rest, mut index) = (Vec::new(), Vec::new(), 0);
    while index < tokens.len() {
        if tokens[index] == "pub" {
            let mut next = index + 1;
            // Where it may be seen is no use of it.
            if tokens.get(next).is_some_and(|token| token == "(") {
                next += tokens[next..]
                    .iter()
                    .position(|token| token == ")")
                    .map_or(0, |end| end + 1);
            }
            if tokens.get(next).is_some_and(|token| token == "use") {
                let end = tokens[next..].iter().position(|token| token == ";");
                let end = end.map_or(tokens.len(), |end| next + end);
                exports.extend_from_slice(&tokens[next + 1..end]);
                exports.push(";".to_owned());
                next = end;
            }
            index = next;
            continue;
        }
        rest.push(tokens[index].clone());
        index += 1;
    }
    (exports, rest)
}

/// The file that a path from the root on leads to, through what files give out again.
fn file_of<'a>(
    path: &[String],
    modules: &BTreeSet<&'a [String]>,
    doors: &BTreeMap<(&[String], String), Vec<String>>,
) -> Option<&'a [String]> {
    let mut path = path.to_vec();
    for _ in 0..8 {
        let length = (1..=path.len())
            .rev()
            .find(|length| modules.contains(&path[..*length]))?;
        let found = modules.get(&path[..length])?;
        let next = path
            .get(length)
            .and_then(|name| doors.get(&(&path[..length], name.clone())));
        match next {
            Some(behind) => path = [behind, &path[length..]].concat(),
            None => return Some(found),
        }
    }
    None
}

/// What is wrong with a path from a module to `path` (from the root on), if anything.
fn judge(module: &[String], path: &[String]) -> Option<String> {
    // `main.rs` and `lib.rs` are the roof: they may use everything.
    let from = find(module.first()?)?;
    let shown = path.join("::");
    let to = path.first().map_or("*", String::as_str);
    if to == from.name {
        return None;
    }
    if !from.may_use.contains(&to) {
        return Some(format!("{} may not use {shown}", from.name));
    }
    let (_, _, only) = ONLY.iter().find(|(a, b, _)| *a == from.name && *b == to)?;
    let used = path.get(1).map_or("everything", String::as_str);
    (!only.contains(&used)).then(|| format!("{} may use of {to} only {only:?}, not {used}", from.name))
}

struct Source {
    path: PathBuf,
    /// The module of the file: `src/save/steps.rs` is `save, steps`; `main.rs` and `lib.rs` are empty.
    module: Vec<String>,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let mut module: Vec<String> = path
                    .strip_prefix(&root)
                    .unwrap()
                    .with_extension("")
                    .iter()
                    .map(|part| part.to_str().unwrap().to_owned())
                    .collect();
                let roof = module.len() == 1 && matches!(module[0].as_str(), "main" | "lib");
                if roof || module.last().is_some_and(|last| last == "mod") {
                    module.pop();
                }
                found.push(Source { path, module });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Paths that lead to the root of the crate, from there on.
fn paths(text: &str, module: &[String]) -> Vec<Vec<String>> {
    let tokens = tokens(text);
    let at = |index: usize| tokens.get(index).map(String::as_str);
    let mut found = Vec::new();
    // Modules written inside the file, with the depth of braces at which each ends.
    let mut inline: Vec<usize> = Vec::new();
    let mut depth = 0;
    let mut index = 0;
    while let Some(token) = at(index) {
        match token {
            "{" => {
                depth += 1;
                if index >= 2 && at(index - 2) == Some("mod") {
                    inline.push(depth);
                }
            }
            "}" => {
                if inline.last() == Some(&depth) {
                    inline.pop();
                }
                depth = depth.saturating_sub(1);
            }
            "crate" if at(index + 1) == Some("as") => found.push(Vec::new()),
            "crate" | "kerio_tls" if at(index + 1) == Some("::") => {
                expand(&tokens, index + 2, &mut Vec::new(), &mut found);
            }
            "super" if index == 0 || at(index - 1) != Some("::") => {
                let mut ups = 1;
                let mut next = index + 1;
                while at(next) == Some("::") && at(next + 1) == Some("super") {
                    ups += 1;
                    next += 2;
                }
                let mut prefix: Vec<String> = module.to_vec();
                prefix.extend(inline.iter().map(|_| "inline".to_owned()));
                prefix.truncate(prefix.len().saturating_sub(ups));
                if at(next) == Some("::") && prefix.is_empty() {
                    expand(&tokens, next + 1, &mut prefix, &mut found);
                }
            }
            _ => {}
        }
        index += 1;
    }
    found
}

/// Every path of names, groups expanded.
fn any_paths(text: &str) -> Vec<Vec<String>> {
    paths_in(&tokens(text))
}

fn paths_in(tokens: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for index in 0..tokens.len() {
        let begins = index == 0 || tokens[index - 1] != "::";
        if begins && is_name(&tokens[index]) && tokens.get(index + 1).is_some_and(|next| next == "::") {
            expand(tokens, index, &mut Vec::new(), &mut found);
        }
    }
    found
}

/// Reads a path, or a group of paths, from `index` on; returns the index behind it.
fn expand(tokens: &[String], mut index: usize, prefix: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> usize {
    let at = |index: usize| tokens.get(index).map(String::as_str);
    let kept = prefix.len();
    loop {
        match at(index) {
            Some("{") => {
                index += 1;
                while let Some(token) = at(index) {
                    match token {
                        "}" => {
                            index += 1;
                            break;
                        }
                        "," => index += 1,
                        _ => {
                            let before = index;
                            index = expand(tokens, index, prefix, found).max(before + 1);
                        }
                    }
                }
                break;
            }
            Some(name) if is_name(name) || name == "*" => {
                prefix.push(name.to_owned());
                index += 1;
                if at(index) == Some("::") && at(index + 1).is_some_and(|next| is_name(next) || "{*".contains(next)) {
                    index += 1;
                    continue;
                }
                found.push(prefix.clone());
                if at(index) == Some("as") {
                    index += 2;
                }
                break;
            }
            _ => break,
        }
    }
    prefix.truncate(kept);
    index
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Names, `::` and single signs; comments, strings, characters and numbers are left out.
fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied();
    let mut found = Vec::new();
    let mut index = 0;
    while let Some(c) = at(index) {
        if c == '/' && at(index + 1) == Some('/') {
            while at(index).is_some_and(|c| c != '\n') {
                index += 1;
            }
        } else if c == '/' && at(index + 1) == Some('*') {
            let mut depth = 0;
            while index < chars.len() {
                match (at(index), at(index + 1)) {
                    (Some('/'), Some('*')) => {
                        depth += 1;
                        index += 2;
                    }
                    (Some('*'), Some('/')) => {
                        depth -= 1;
                        index += 2;
                        if depth == 0 {
                            break;
                        }
                    }
                    _ => index += 1,
                }
            }
        } else if c == '"' {
            index = behind_string(&chars, index + 1);
        } else if c == '\'' {
            // A lifetime has no closing quote behind its first character.
            match (at(index + 1), at(index + 2)) {
                (Some('\\'), _) => {
                    index += 3;
                    while at(index).is_some_and(|c| c != '\'') {
                        index += 1;
                    }
                    index += 1;
                }
                (Some(_), Some('\'')) => index += 3,
                _ => index += 1,
            }
        } else if c.is_alphabetic() || c == '_' {
            let start = index;
            while at(index).is_some_and(|c| c.is_alphanumeric() || c == '_') {
                index += 1;
            }
            let name: String = chars[start..index].iter().collect();
            let raw = matches!(name.as_str(), "r" | "br" | "cr");
            let hashes = (index..).take_while(|i| at(*i) == Some('#')).count();
            if raw && at(index + hashes) == Some('"') {
                index += hashes + 1;
                while index < chars.len()
                    && !(at(index) == Some('"') && (1..=hashes).all(|i| at(index + i) == Some('#')))
                {
                    index += 1;
                }
                index += 1 + hashes;
            } else {
                found.push(name);
            }
        } else if c.is_ascii_digit() {
            while at(index).is_some_and(|c| c.is_alphanumeric() || c == '_') {
                index += 1;
            }
        } else if c == ':' && at(index + 1) == Some(':') {
            found.push("::".to_owned());
            index += 2;
        } else {
            if !c.is_whitespace() {
                found.push(c.to_string());
            }
            index += 1;
        }
    }
    found
}

fn behind_string(chars: &[char], mut index: usize) -> usize {
    while let Some(c) = chars.get(index) {
        match c {
            '\\' => index += 2,
            '"' => return index + 1,
            _ => index += 1,
        }
    }
    index
}
