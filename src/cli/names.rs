//! `names`: which variables play which role, how sure each name is and since when, and what else the engine's program
//! holds.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use crate::host::{HostError, KnownNames, clock};
use crate::hostile::{safe_path, safe_text};
use crate::session::{change_words, smtp_words};
use crate::tls::{
    Candidate, Catalogue, CatalogueVariable, Certainty, Direction, Governs, Group, Role, TlsVersion, exported_toml,
};
use crate::work::{self, Changed, ChangedVariable};

use super::args::{Arguments, Names};
use super::console::{Console, can_ask, clean, columns, wrap};
use super::failure::Failure;
use super::json::{CandidateJson, EngineProgramJson, LearnedJson, NameJson, NamesJson};
use super::opened::host;

/// Longest name printed, in characters.
const NAME: usize = 100;
/// Candidates printed on a page.
const LISTED: usize = 24;

/// Runs `names`.
///
/// # Errors
/// [`Failure`].
pub(super) fn run(arguments: &Arguments, names: &Names, console: &mut Console<'_>) -> Result<(), Failure> {
    if let Some(version) = names.learn {
        return learn(arguments, names, version, console);
    }
    let known = match (&names.engine, host(arguments, console)) {
        (None, host) => {
            let host = host?;
            if let Some((asked, version)) = work::open_question(&host) {
                console.note(&format!(
                    "a question is open since {}: which variable changes when {version} is chosen in the web administration; names --learn {} goes on",
                    clock().date_and_time(asked),
                    version.token()
                ));
            }
            host.known_names()
        }
        (Some(program), Ok(host)) => KnownNames::of_program(host.preferences.catalogue, program),
        // A copy of the program can be read where there is no mail server.
        (Some(program), Err(Failure::Host(HostError::NoFile))) => {
            KnownNames::of_program(Catalogue::embedded(), program)
        }
        (Some(_), Err(failure)) => return Err(failure),
    };
    if let (Some(program), Some(why)) = (&names.engine, &known.engine.silent) {
        console.warn(&format!("{}: {why}: it tells nothing of names", safe_path(program)));
    }
    if names.export {
        return console.text(&export(&known));
    }
    if names.output.json {
        return console.json(&json(&known));
    }
    let columns = columns();
    let lines: Vec<String> = lines(&known).iter().flat_map(|line| wrap(line, 6, columns)).collect();
    console.lines(&lines)
}

/// The preferences that give other hosts of the same build the names of this one.
fn export(known: &KnownNames) -> String {
    let program = known
        .engine
        .path
        .as_ref()
        .map_or_else(String::new, |_| known.engine.build.clone());
    let mut text = format!(
        "# Names of variables, for hosts with this build of the engine:\n# {}\n",
        clean(&program)
    );
    let is_learned = |row: &&CatalogueVariable| {
        matches!(
            row.name_sure,
            Certainty::Given | Certainty::SeenToChange | Certainty::Proven
        )
    };
    let rows = Direction::ALL
        .into_iter()
        .flat_map(|direction| known.catalogue.rows(direction));
    for row in rows.filter(is_learned) {
        let Some(name) = &row.name else { continue };
        text.push_str(&format!("\n# {}\n", row.name_sure.words()));
        text.push_str(&exported_toml(row.direction, name, row.role, &row.words));
    }
    text
}

/// `--learn`: keeps the file as it is, waits, shows what changed, and asks which it was.
fn learn(arguments: &Arguments, names: &Names, version: TlsVersion, console: &mut Console<'_>) -> Result<(), Failure> {
    let host = host(arguments, console)?;
    let not_saved = |why: String| Failure::NotSaved(format!("{why}; nothing was written to mailserver.cfg"));
    work::ask_for_name(&host, version).map_err(not_saved)?;
    console.note(&format!(
        "now choose {version} in the web administration (Configuration > Security > TLS Options), and save; waiting until the file \
         changes; Ctrl-C leaves, and the question stays open"
    ));
    let until = names.timeout.and_then(|time| Instant::now().checked_add(time));
    let changed = work::wait_for_change(&host, until, &AtomicBool::new(false)).map_err(not_saved)?;
    let Some(changed) = changed else {
        let words = "Nothing changed yet: the engine may write the file only when it stops. The question stays open: kerio-tls names says \
                     what changed since, and names --learn goes on.";
        return if names.output.json {
            console.json(&LearnedJson::waiting())
        } else {
            console.lines(&[words.to_owned()])
        };
    };
    let mut taken: Option<&ChangedVariable> = None;
    if !names.output.json {
        console.lines(&changed_lines(&changed))?;
    }
    if names.yes {
        taken = changed.variables.first().filter(|_| changed.variables.len() == 1);
    } else if can_ask() && !names.output.json {
        for variable in &changed.variables {
            let question = format!(
                "Is {}/{} the {}?",
                variable.direction.table(),
                variable.name,
                variable.role
            );
            if console.ask(&question)? {
                taken = Some(variable);
                break;
            }
        }
    }
    if let Some(variable) = taken {
        work::learn_name(&host, &changed, variable)
            .map_err(|error| not_saved(format!("it cannot be kept ({error})")))?;
    }
    if names.output.json {
        return console.json(&LearnedJson::new(&changed, taken));
    }
    console.lines(&[match taken {
        Some(variable) => format!(
            "{} is the {}: kept for this build of the engine.",
            variable.name, variable.role
        ),
        None => "None was taken; the question stays open. If one variable changed and is the one: --yes".to_owned(),
    }])
}

fn changed_lines(changed: &Changed) -> Vec<String> {
    let mut lines = vec![format!("Changed since {}:", clock().date_and_time(changed.asked))];
    lines.extend(
        changed
            .changes
            .iter()
            .map(|change| format!("    {}", change_words(change))),
    );
    if changed.count > changed.changes.len() {
        lines.push(format!("    and {} more", changed.count - changed.changes.len()));
    }
    if !changed.log.is_empty() {
        lines.push("config.log since then:".to_owned());
        lines.extend(changed.log.iter().map(|line| format!("    {line}")));
    }
    lines
}

fn json(known: &KnownNames) -> NamesJson {
    let names = known.names().into_iter().map(|it| NameJson {
        table: it.direction.table(),
        role: it.role.token(),
        name: it.name,
        name_sure: it.sure.map(Certainty::token),
        since: it.since.map(|at| at.to_string()),
    });
    let candidates = known.catalogue.candidates().iter().map(|candidate| CandidateJson {
        role: candidate.role.map(Role::token),
        name: candidate.name.clone(),
        r#where: candidate.place.clone(),
        cut: candidate.cut,
        values: candidate.values.clone(),
    });
    NamesJson {
        engine: EngineProgramJson {
            program: known.engine.path.as_ref().map(|path| path.display().to_string()),
            build: known.engine.path.is_some().then(|| known.engine.build.clone()),
            openssl: known.engine.openssl.clone(),
            tells_nothing: known.engine.silent.clone(),
        },
        names: names.collect(),
        candidates: candidates.collect(),
        governs: governs(known.governs),
    }
}

/// Which table governs which services: a word each, `null` where the ports have not told. What is sent with is on no
/// port here.
fn governs(known: Governs) -> serde_json::Value {
    let tables = Direction::ALL.map(|direction| {
        let mut services: Vec<(String, serde_json::Value)> = Group::ALL
            .map(|group| (group.token().to_owned(), known.get(direction, group).into()))
            .into();
        services.push(("smtp_out".to_owned(), serde_json::Value::Null));
        (
            direction.table().to_owned(),
            serde_json::Value::Object(services.into_iter().collect()),
        )
    });
    serde_json::Value::Object(tables.into_iter().collect())
}

fn lines(known: &KnownNames) -> Vec<String> {
    let mut lines = vec![match (&known.engine.path, &known.engine.silent) {
        (None, _) => {
            "engine: no program beside the file, so nothing is known of names but what the catalogue says".to_owned()
        }
        (Some(path), Some(why)) => format!("engine: {} tells nothing: {why}", safe_path(path)),
        (Some(path), None) => format!("engine: {}", safe_path(path)),
    }];
    lines.extend(known.engine.openssl.iter().map(|line| format!("library: {line}")));
    let all = known.names();
    for direction in Direction::ALL {
        lines.push(String::new());
        lines.push(format!("table {} ({direction}):", direction.table()));
        for it in all.iter().filter(|it| it.direction == direction) {
            let Some((name, sure)) = it.name.as_ref().zip(it.sure) else {
                lines.push(format!("    {}: no name is known", it.role));
                continue;
            };
            let since = it.since.map(|at| format!(", since {}", clock().date_and_time(at)));
            lines.push(format!(
                "    {}: {} ({}{})",
                it.role,
                safe_text(name, NAME),
                sure.words(),
                since.unwrap_or_default()
            ));
        }
    }
    lines.push(String::new());
    lines.push(format!("SMTP on this server's ports: {}", smtp_words(known.governs)));
    let candidates = known.catalogue.candidates();
    if !candidates.is_empty() {
        lines.push(String::new());
        lines.push("other names that the program or the web administration holds, the likeliest first:".to_owned());
        lines.extend(candidates.iter().take(LISTED).map(candidate_line));
        if candidates.len() > LISTED {
            lines.push(format!("    and {} more: --json lists them", candidates.len() - LISTED));
        }
        lines.push("Which of them it is nobody knows yet. If you do, say it once: kerio-tls config --name".to_owned());
    }
    lines
}

fn candidate_line(candidate: &Candidate) -> String {
    let role = candidate.role.map_or_else(|| "?".to_owned(), |role| role.to_string());
    let goes_on = if candidate.cut {
        "... (its first 16 letters)"
    } else {
        ""
    };
    let values = if candidate.values.is_empty() {
        String::new()
    } else {
        format!("; offers {}", candidate.values.join(", "))
    };
    format!(
        "    {role}: {}{goes_on} ({}){values}",
        safe_text(&candidate.name, NAME),
        candidate.place
    )
}
