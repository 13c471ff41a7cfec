//! `set`: choose minimums and values, and save.

mod values;

use crate::tls::{Direction, Role, confirmed_toml, lookalike_role};

use super::Arguments;
use super::args::Set;
use super::change::Change;
use super::consent::can_be_answered;
use super::console::Console;
use super::failure::Failure;
use super::opened::{Opened, Recovered};

/// Runs `set`.
///
/// # Errors
/// [`Failure`].
pub(super) fn run(arguments: &Arguments, set: &Set, console: &mut Console<'_>) -> Result<(), Failure> {
    can_be_answered(set.saving)?;
    values::said_once(set)?;
    Opened::to_save(arguments, set.saving, console, |opened, recovered, console| {
        choose(opened, set, recovered, console)
    })
}

fn choose(opened: &mut Opened, set: &Set, recovered: &Recovered, console: &mut Console<'_>) -> Result<(), Failure> {
    let choices: Vec<_> = [(Direction::Inbound, set.inbound), (Direction::Outbound, set.outbound)]
        .into_iter()
        .filter_map(|(direction, choice)| Some((direction, choice?.0)))
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
        values::want(&mut opened.session, value)?;
    }
    let config = opened.host.home.config.display().to_string();
    let mut warnings: Vec<String> = used.iter().map(Used::warning).collect();
    warnings.extend(values::advice(&opened.session, &set.value));
    Change {
        opened,
        book: &book,
        saving: set.saving,
        action: "save",
        recovered,
        warnings,
        closing: closing(&used, &config),
        whole: None,
        took_effect: None,
        proof: None,
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
            "{} in {} is used as {} because you said so, and for this run only; to make that permanent: kerio-tls config --name {}:{}={}",
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

/// Gives a variable that looks like a protocol list its role, in every chosen direction whose table has it. Nothing else can be
/// adopted: a list that turns the sense (`Disabled…`) would do the opposite of what was meant.
fn adopt(opened: &mut Opened, directions: &[Direction], name: &str) -> Result<Vec<Used>, Failure> {
    let session = &mut opened.session;
    let mut used = Vec::new();
    let mut others = Vec::new();
    for &direction in directions {
        for lookalike in session.loaded_reading(direction).lookalikes {
            if lookalike != name {
                others.push(format!("{}/{lookalike}", direction.table()));
                continue;
            }
            let pairs = session.loaded_pairs(direction);
            let role = pairs
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
            format!("these do: {}", others.join(", "))
        };
        let tables: Vec<&str> = directions.iter().map(|direction| direction.table()).collect();
        return Err(Failure::Usage(format!(
            "--use {name}: no variable of that name in {} looks like a protocol list without a role; {have}; nothing was changed",
            tables.join(" or ")
        )));
    }
    for used in &used {
        let catalogue = session.catalogue().clone();
        session.set_catalogue(catalogue.confirm(used.direction, &used.name, used.role));
    }
    Ok(used)
}
