//! `config`: the preferences file with every setting explained; and keeping in it what a variable is for.

use crate::session::Naming;
use crate::tls::confirmed_toml;
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
    let naming = Naming::new(&opened.session, said.direction, said.role, &said.text)
        .map_err(|why| Failure::Refused(format!("--name {said}: {why}; nothing was written")))?;
    let (variable, doubts) = (naming.name.clone(), naming.doubts(&opened.session));
    if yes {
        doubts.iter().for_each(|words| console.note(words));
    } else {
        console.lines(&doubts)?;
        if !console.ask(&naming.question())? {
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
