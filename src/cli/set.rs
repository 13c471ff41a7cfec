//! `set` and `reset`: choose minimums and values, or the server's defaults, and save. Single values get the checks that
//! the screen's editors make.

use crate::hostile::safe_text;
use crate::session::{Session, VariablePath, first_of};
use crate::tls::{
    Advice, Direction, PlanError, Role, TlsVersion, ValueKind, Weight, confirmed_toml, listed_protocols,
    lookalike_role, protocol_word,
};

use crate::work;

use super::args::{Arguments, DirectionArgument, Reset, RoleArgument, Set};
use super::change::Change;
use super::console::Console;
use super::failure::Failure;
use super::opened::{Opened, Recovered};
use super::review::can_be_answered;

/// Runs `set`.
///
/// # Errors
/// [`Failure`].
pub(super) fn run(arguments: &Arguments, set: &Set, console: &mut Console<'_>) -> Result<(), Failure> {
    can_be_answered(set.saving)?;
    no_contradiction(set)?;
    Opened::to_save(arguments, set.saving, console, |opened, recovered, console| {
        choose(opened, set, recovered, console)
    })
}

fn choose(opened: &mut Opened, set: &Set, recovered: &Recovered, console: &mut Console<'_>) -> Result<(), Failure> {
    let choices: Vec<_> = [(Direction::Inbound, set.inbound), (Direction::Outbound, set.outbound)]
        .into_iter()
        .filter_map(|(direction, choice)| Some((direction, choice?)))
        .collect();
    let mut directions: Vec<Direction> = choices.iter().map(|(direction, _)| *direction).collect();
    directions.extend(set.value.iter().map(|value| value.direction));
    directions.sort_unstable();
    directions.dedup();
    let mut used = Vec::new();
    for name in &set.r#use {
        used.extend(adopt(opened, &directions, name)?);
    }
    let book = opened.gather_aloud(console);
    for (direction, choice) in choices {
        opened.session.choose(direction, choice)?;
    }
    for value in &set.value {
        want(&mut opened.session, value)?;
    }
    // A minimum must not become a maximum: whether the server speaks TLS 1.3 is asked before a list is written without it.
    if !set.saving.dry_run && opened.session.may_switch_off_tls13() {
        console.progress("Asking this server's own ports whether they speak TLS 1.3 ...");
        let expected = opened.session.loaded().expected();
        let proof = super::probe::live(opened)?;
        opened
            .session
            .set_measured(work::measured_with(&opened.host, &proof, &expected));
        opened.session.replan();
    }
    let config = opened.host.home.config.display().to_string();
    let mut warnings: Vec<String> = used.iter().map(Used::warning).collect();
    warnings.extend(advice(&opened.session, &set.value));
    Change {
        warnings,
        closing: closing(&used, &config),
        ..Change::new(opened, &book, set.saving, "save", recovered)
    }
    .carry_out(console)
}

/// A variable that the user has just given a role, for this run.
struct Used {
    direction: Direction,
    name: String,
    role: Role,
}

impl Used {
    fn warning(&self) -> String {
        format!(
            "{} in {} is used as {} because you said so, and for this run only; to make that permanent: kerio-tls \
             config --name {}:{}={}",
            self.name,
            self.direction.table(),
            self.role,
            self.direction.token(),
            self.role.token(),
            self.name
        )
    }
}

fn closing(used: &[Used], config: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for used in used {
        lines.push(String::new());
        lines.push(format!(
            "To make the use of {} permanent, add this to {config}:",
            used.name
        ));
        lines.push(String::new());
        let toml = confirmed_toml(used.direction, &used.name, used.role);
        lines.extend(toml.trim().lines().map(|line| format!("    {line}")));
    }
    lines
}

/// Gives a variable that looks like a protocol list its role, in every chosen direction whose table has it. Nothing
/// else can be adopted: a list that turns the sense (`Disabled…`) would do the opposite of what was meant.
fn adopt(opened: &mut Opened, directions: &[Direction], name: &str) -> Result<Vec<Used>, Failure> {
    let session = &mut opened.session;
    let mut used = Vec::new();
    let mut others = Vec::new();
    for &direction in directions {
        for lookalike in session.loaded().reading(direction).lookalikes {
            if lookalike != name {
                others.push(format!("{}/{}", direction.table(), safe_text(&lookalike, NAME)));
                continue;
            }
            let loaded = session.loaded();
            let role = loaded
                .pairs(direction)
                .iter()
                .find(|pair| pair.name == lookalike)
                .and_then(|pair| lookalike_role(&pair.name, &pair.value));
            used.extend(role.map(|role| Used {
                direction,
                name: lookalike,
                role,
            }));
        }
    }
    if used.is_empty() {
        let have = if others.is_empty() {
            "none does".to_owned()
        } else {
            format!("these do: {}", first_of(others, NAMED))
        };
        let tables: Vec<&str> = directions.iter().map(|direction| direction.table()).collect();
        return Err(Failure::Usage(format!(
            "--use {name}: no variable of that name in {} looks like a protocol list without a role; {have}; nothing \
             was changed",
            tables.join(" or ")
        )));
    }
    for used in &used {
        let catalogue = session.catalogue().clone();
        session.set_catalogue(catalogue.confirm(used.direction, &used.name, used.role));
    }
    Ok(used)
}

/// Runs `reset`.
///
/// # Errors
/// [`Failure`].
pub(super) fn run_reset(arguments: &Arguments, reset: Reset, console: &mut Console<'_>) -> Result<(), Failure> {
    can_be_answered(reset.saving)?;
    Opened::to_save(arguments, reset.saving, console, |opened, recovered, console| {
        delete(opened, reset, recovered, console)
    })
}

fn delete(opened: &mut Opened, reset: Reset, recovered: &Recovered, console: &mut Console<'_>) -> Result<(), Failure> {
    let directions: &[Direction] = match reset.direction {
        Some(DirectionArgument::Inbound) => &[Direction::Inbound],
        Some(DirectionArgument::Outbound) => &[Direction::Outbound],
        None => &Direction::ALL,
    };
    let book = opened.gather_aloud(console);
    opened.session.reset(directions)?;
    // Review and report name every variable that is deleted.
    Change::new(opened, &book, reset.saving, "reset", recovered).carry_out(console)
}

/// Longest name repeated, in characters, and most of them in one line.
const NAME: usize = 200;
const NAMED: usize = 10;
/// Longest value taken, in bytes: as much as the screen's editor takes.
const LONGEST: usize = 4096;

/// Refuses what says two things of one variable; before anything is read.
///
/// # Errors
/// [`Failure::Usage`].
fn no_contradiction(set: &Set) -> Result<(), Failure> {
    let twice = |first: &str, second: &RoleArgument| {
        Err(Failure::Usage(format!(
            "{first} and --value {second} say two things of one; say one of them; nothing was changed"
        )))
    };
    for (at, value) in set.value.iter().enumerate() {
        let same = |other: &RoleArgument| (other.direction, other.role) == (value.direction, value.role);
        if set.value.iter().skip(at + 1).any(same) {
            return twice(&format!("--value {value}"), value);
        }
        let minimum = value.direction.of([set.inbound, set.outbound]);
        if minimum.is_some() && value.role.makes_minimum() {
            return twice(&format!("--{}", value.direction.token()), value);
        }
    }
    Ok(())
}

/// Wants what a value says.
///
/// # Errors
/// [`Failure::Usage`] for a value that the variable cannot hold; [`Failure::Plan`], [`Failure::NotSaved`].
fn want(session: &mut Session, said: &RoleArgument) -> Result<(), Failure> {
    let (direction, role) = (said.direction, said.role);
    hides_nothing(session, said)?;
    let text = said.text.trim();
    let cannot = |why: &str| Failure::Usage(format!("--value {said}: {why}; nothing was changed"));
    if text.len() > LONGEST {
        return Err(cannot(&format!("it is longer than {LONGEST} bytes")));
    }
    if text.chars().any(char::is_control) {
        return Err(cannot("it has a control character"));
    }
    let done = if deletes(role, text) {
        session.set_role_value(direction, role, None)
    } else {
        match kind(session, direction, role) {
            Some(ValueKind::ProtocolWords) => {
                let wanted = protocols(session, direction, text).map_err(|why| cannot(&why))?;
                session.set_protocols(direction, &wanted)
            }
            Some(ValueKind::ProtocolWord) => {
                let word = minimum_word(session, direction, text).map_err(|why| cannot(&why))?;
                session.set_role_value(direction, role, Some(&word))
            }
            _ => session.set_role_value(direction, role, Some(text)),
        }
    };
    match done {
        Ok(_) => Ok(()),
        Err(PlanError::NotAccepted { why, .. }) => Err(cannot(&why)),
        Err(PlanError::NoName { table }) => Err(Failure::NotSaved(format!(
            "the name of the variable for {} in table {table} is not public; change the setting once in the web \
             administration, see \
             which variable of that table appears or changes, and say its name once: kerio-tls config --name \
             {said}=VARIABLE; nothing \
             was changed",
            role.token()
        ))),
        Err(error) => Err(error.into()),
    }
}

/// `DEFAULT` is a keyword of OpenSSL, and the names of its ciphers and keywords are read with regard to case.
fn deletes(role: Role, text: &str) -> bool {
    text.is_empty() || text == "default" || (role != Role::Ciphers && text.eq_ignore_ascii_case("default"))
}

/// What the variable of a role can hold: the one of the file, else the one that would be added.
fn kind(session: &Session, direction: Direction, role: Role) -> Option<ValueKind> {
    let catalogue = session.catalogue();
    let loaded = session.loaded().role_pairs(direction, role);
    let stands = loaded.first().and_then(|pair| catalogue.find(direction, &pair.name));
    stands
        .or_else(|| catalogue.written_for(direction, role))
        .map(|row| row.kind.clone())
}

/// A variable that was named wrongly and holds a secret is not written over.
fn hides_nothing(session: &Session, said: &RoleArgument) -> Result<(), Failure> {
    let secrets = session.secrets();
    for pair in session.loaded().role_pairs(said.direction, said.role) {
        let path = VariablePath {
            table: said.direction.table().to_owned(),
            variable: pair.name,
        };
        if secrets.is_secret_at(&path, &pair.value) {
            return Err(Failure::NotSaved(format!(
                "{path} holds a secret, so it is not what --value {said} is meant for; nothing was changed"
            )));
        }
    }
    Ok(())
}

/// The versions of a list, as the arguments or as the file spell them.
fn protocols(session: &Session, direction: Direction, text: &str) -> Result<Vec<TlsVersion>, String> {
    let mut wanted = Vec::new();
    for word in text.split(',').map(str::trim) {
        let version = version(word).ok_or_else(|| {
            let word: String = word.chars().take(40).collect();
            format!("expected versions with commas between, such as tls1.2,tls1.3, or default; not {word:?}")
        })?;
        wanted.push(version);
    }
    let loaded = session.loaded().role_pairs(direction, Role::ProtocolList);
    let has_old = loaded
        .iter()
        .any(|pair| listed_protocols(&pair.value).versions.contains(&TlsVersion::Ssl3));
    if wanted.contains(&TlsVersion::Ssl3) && !has_old {
        return Err("SSL 3.0 cannot be switched on (RFC 7568)".to_owned());
    }
    Ok(wanted)
}

/// The file's word for a minimum, in the spelling of the file where it says the same.
fn minimum_word(session: &Session, direction: Direction, text: &str) -> Result<String, String> {
    let version = version(text)
        .filter(|version| TlsVersion::MINIMUMS.contains(version))
        .ok_or("expected tls1.0, tls1.1, tls1.2 or tls1.3, or default")?;
    let word = protocol_word(version);
    let loaded = session.loaded().role_pairs(direction, Role::MinimumVersion);
    let same = loaded.into_iter().find(|pair| pair.value.eq_ignore_ascii_case(word));
    Ok(same.map_or_else(|| word.to_owned(), |pair| pair.value))
}

fn version(word: &str) -> Option<TlsVersion> {
    TlsVersion::from_token(word).or_else(|| {
        let listed = listed_protocols(word);
        match (&listed.versions[..], listed.ssl2, &listed.others[..]) {
            ([version], false, []) => Some(*version),
            _ => None,
        }
    })
}

/// What follows from the values, and who says so: what the screen's editors say, notes left out. A protocol that is on
/// and has no cipher is off all the same, so that the cipher string is looked at beside the minimum.
fn advice(session: &Session, values: &[RoleArgument]) -> Vec<String> {
    let mut said = Vec::new();
    for value in values {
        let mut roles = vec![value.role];
        if value.role.makes_minimum() {
            roles.push(Role::Ciphers);
        }
        let advice = roles
            .into_iter()
            .flat_map(|role| session.wanted().advice(value.direction, role))
            .filter(|advice| advice.weight > Weight::Note);
        for Advice { text, source, .. } in advice {
            let words = format!("{}: {text} [{source}]", value.direction.token());
            if !said.contains(&words) {
                said.push(words);
            }
        }
    }
    said
}
