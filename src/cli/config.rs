//! `config`: the preferences file with every setting explained; and keeping in it what a variable is for.

use crate::session::{Session, VariablePath, VariableRow, variable_rows};
use crate::tls::{Role, confirmed_toml, lookalike_role};
use crate::work::hold_signals;

use super::args::{Arguments, Config, RoleArgument};
use super::console::{Console, can_ask};
use super::failure::Failure;
use super::opened::Opened;

/// The file as it would be without any setting: everything is a comment.
pub(super) const DEFAULT: &str = include_str!("../../assets/kerio-tls.toml");
/// Longest name taken, in bytes.
const LONGEST: usize = 200;

/// Runs `config`.
///
/// # Errors
/// [`Failure`].
pub(super) fn run(arguments: &Arguments, config: &Config, console: &mut Console<'_>) -> Result<(), Failure> {
    match &config.name {
        Some(said) => name(arguments, said, config.yes, console),
        None => console.own(DEFAULT),
    }
}

fn name(arguments: &Arguments, said: &RoleArgument, yes: bool, console: &mut Console<'_>) -> Result<(), Failure> {
    let usage = |why: &str| Err(Failure::Usage(format!("--name {said}: {why}; nothing was written")));
    if said.text.is_empty() || said.text.len() > LONGEST || said.text.contains(char::is_control) {
        return usage("expected the name of a variable behind the sign");
    }
    if !yes && !can_ask() {
        return usage("there is no terminal to ask on: add --yes if you know what the variable is for");
    }
    let opened = Opened::open(arguments, console)?;
    if let Some(why) = opened.host.file.read_only() {
        return Err(Failure::NotSaved(why));
    }
    let mut then = opened.session.trial();
    then.confirm(said.direction, &said.text, said.role);
    let found = find(&then, said);
    if let Some(why) = refusal(&opened.session, &then, said, found.as_ref()) {
        return Err(Failure::Refused(format!("--name {said}: {why}; nothing was written")));
    }
    let variable = found
        .as_ref()
        .and_then(|row| row.path.as_ref())
        .map_or_else(|| said.text.clone(), |path| path.variable.clone());
    let doubts = doubts(&opened.session, said, &variable, found.as_ref());
    if yes {
        doubts.iter().for_each(|words| console.note(words));
    } else {
        console.lines(&doubts)?;
        let question = format!("Is {variable} in table {} the {}?", said.direction.table(), said.role);
        if !console.ask(&question)? {
            return Err(Failure::Refused("you did not say yes; nothing was written".to_owned()));
        }
    }
    // A signal leaves nothing half-written.
    let _held = hold_signals()
        .map_err(|error| Failure::NotSaved(format!("signals cannot be held ({error}); nothing was written")))?;
    match opened.host.name_variable(said.direction, &variable, said.role) {
        Ok(words) => console
            .lines(std::slice::from_ref(&words))
            .map_err(|failure| match failure {
                Failure::Output { error, .. } => Failure::Output { error, on_disk: words },
                other => other,
            }),
        Err(error) => {
            let mut lines = vec!["to make it last, add this by hand:".to_owned()];
            let toml = confirmed_toml(said.direction, &variable, said.role);
            lines.extend(toml.trim().lines().map(str::to_owned));
            Err(Failure::NotSaved(error.to_string()).with_lines(lines))
        }
    }
}

/// The row of the variable, if the file has it.
fn find(session: &Session, said: &RoleArgument) -> Option<VariableRow> {
    let mut rows = variable_rows(session, said.direction);
    rows.retain(|row| row.in_file);
    let is = |same: fn(&str, &str) -> bool| {
        move |row: &&VariableRow| row.path.as_ref().is_some_and(|path| same(&path.variable, &said.text))
    };
    rows.iter()
        .find(is(|name, text| name == text))
        .or_else(|| rows.iter().find(is(str::eq_ignore_ascii_case)))
        .cloned()
}

/// Why the variable is not taken for what it is said to be: what the screen does not offer either.
/// `then` is the session in which it is.
fn refusal(session: &Session, then: &Session, said: &RoleArgument, row: Option<&VariableRow>) -> Option<String> {
    let (name, role) = (&said.text, said.role);
    let known = session.catalogue().find(said.direction, name);
    if let Some(known) = known.filter(|known| known.role != role) {
        return Some(format!("{name} is known as the {}", known.role));
    }
    // The guess with a value that every list can have is a guess by the name alone.
    let turns = lookalike_role(name, "TLSv1.2").is_none();
    if known.is_none() && turns != (role == Role::DheOff) {
        return Some(format!(
            "by its name {name} can mean the opposite, or a highest instead of a lowest; if you know better, write it \
             into the preferences by hand"
        ));
    }
    let row = row?;
    if row.duplicate {
        return Some(format!("{name} stands more than once; pick one by hand first"));
    }
    let loaded = session.loaded();
    let pair = loaded
        .pairs(said.direction)
        .iter()
        .find(|pair| pair.name.eq_ignore_ascii_case(name))?;
    let path = VariablePath {
        table: said.direction.table().to_owned(),
        variable: name.clone(),
    };
    // A key size is no secret, whatever its name.
    if then.secrets().is_secret_at(&path, &pair.value) {
        return Some(format!("{name} holds a secret, or is named like one"));
    }
    let fits = then.catalogue().find(said.direction, name)?.kind.accepts(&pair.value);
    match (lookalike_role(name, &pair.value), role) {
        (Some(Role::MinimumVersion), Role::ProtocolList) => {
            Some(format!("{name} looks like the minimum version by its name"))
        }
        (None, Role::ProtocolList | Role::MinimumVersion) if known.is_none() => Some(format!(
            "what {name} says does not look like the {role}; a word with a sign, or an unknown one, can mean the \
             opposite"
        )),
        _ => fits
            .err()
            .map(|why| format!("{name} does not look like the {role}: {why}")),
    }
}

/// What is to be known before the yes.
fn doubts(session: &Session, said: &RoleArgument, name: &str, row: Option<&VariableRow>) -> Vec<String> {
    let mut lines = vec![match row.map(|row| row.shown.clone().unwrap_or_default()) {
        Some(shown) => format!("{name} = {shown}"),
        None => format!(
            "{name} is not in table {} of the file now: a name that the server does not know would be written and do \
             nothing",
            said.direction.table()
        ),
    }];
    if session.catalogue().find(said.direction, name).is_none() {
        lines.push(if said.role.makes_minimum() {
            "it can mean the opposite: a list of what is denied, or a highest instead of a lowest version; raising \
             the minimum would \
             then let old versions in, or stop TLS"
                .to_owned()
        } else {
            "neither the vendor's text nor the catalogue knows it".to_owned()
        });
    }
    let others = session.wanted().role_pairs(said.direction, said.role);
    if let Some(other) = others.iter().find(|pair| !pair.name.eq_ignore_ascii_case(name)) {
        lines.push(format!(
            "{} plays this role already: then both are written, and both must agree",
            other.name
        ));
    }
    lines
}
