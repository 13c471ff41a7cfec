//! Whether a variable may be taken for what somebody says it is: why not, and what is to be known before the yes. Screen and
//! command ask here, so that neither takes what the other refuses.

use crate::mailserver_cfg::VariablePath;
use crate::tls::{Certainty, Direction, Role, lookalike_role};

use super::edit::Session;
use super::rows::{VariableRow, variable_rows};

/// Longest name taken, in bytes.
const LONGEST: usize = 200;

/// A name that somebody gives to a role.
#[derive(Debug, Clone)]
pub struct Naming {
    /// The table.
    pub direction: Direction,
    /// What the variable is for.
    pub role: Role,
    /// Its name, as the file spells it where it has it.
    pub name: String,
    /// The row of the variable, if the file has it.
    row: Option<VariableRow>,
}

impl Naming {
    /// Of what was typed or picked.
    ///
    /// # Errors
    /// Why the variable is not taken for that.
    pub fn new(session: &Session, direction: Direction, role: Role, typed: &str) -> Result<Self, String> {
        if typed.is_empty() || typed.len() > LONGEST || typed.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err("expected the name of a variable, without blanks".to_owned());
        }
        let mut then = session.trial();
        then.confirm(direction, typed, role);
        let row = find(&then, direction, typed);
        let path = row.as_ref().and_then(|row| row.path.as_ref());
        let naming = Self {
            direction,
            role,
            name: path.map_or_else(|| typed.to_owned(), |path| path.variable.clone()),
            row,
        };
        match naming.refusal(session, &then) {
            Some(why) => Err(why),
            None => Ok(naming),
        }
    }

    /// `then` is the session in which the variable plays the role.
    fn refusal(&self, session: &Session, then: &Session) -> Option<String> {
        let Self {
            direction, role, name, ..
        } = self;
        let known = session.catalogue().find(*direction, name);
        if let Some(known) = known.filter(|known| known.role != *role) {
            return Some(format!("{name} is known as the {}", known.role));
        }
        // The guess with a value that every list can have is a guess by the name alone.
        let turns = lookalike_role(name, "TLSv1.2").is_none();
        if known.is_none() && turns != (*role == Role::DheOff) {
            return Some(format!(
                "by its name {name} can mean the opposite, or a highest instead of a lowest; if you know better, write it into the preferences by hand"
            ));
        }
        let row = self.row.as_ref()?;
        if row.duplicate {
            return Some(format!("{name} stands more than once; pick one by hand first"));
        }
        let loaded = session.loaded();
        let pair = loaded
            .pairs(*direction)
            .iter()
            .find(|pair| pair.name.eq_ignore_ascii_case(name))?;
        let path = VariablePath {
            table: direction.table().to_owned(),
            variable: name.clone(),
        };
        // A key size is no secret, whatever its name.
        if then.secrets().is_secret_at(&path, &pair.value) {
            return Some(format!("{name} holds a secret, or is named like one"));
        }
        let fits = then.catalogue().find(*direction, name)?.kind.accepts(&pair.value);
        match (lookalike_role(name, &pair.value), role) {
            (Some(Role::MinimumVersion), Role::ProtocolList) => {
                Some(format!("{name} looks like the minimum version by its name"))
            }
            (None, Role::ProtocolList | Role::MinimumVersion) if known.is_none() => Some(format!(
                "what {name} says does not look like the {role}; a word with a sign, or an unknown one, can mean the opposite"
            )),
            _ => fits
                .err()
                .map(|why| format!("{name} does not look like the {role}: {why}")),
        }
    }

    /// What is to be known before the yes.
    #[must_use]
    pub fn doubts(&self, session: &Session) -> Vec<String> {
        let Self {
            direction, role, name, ..
        } = self;
        let row = self.row.as_ref();
        let mut lines = vec![match row.map(|row| row.shown.clone().unwrap_or_default()) {
            Some(shown) => format!("{name} = {shown}"),
            None => format!(
                "{name} is not in table {} of the file now: a name that the server does not know would be written and do nothing",
                direction.table()
            ),
        }];
        let known = session.catalogue().find(*direction, name);
        if known.is_none() {
            lines.push(if role.makes_minimum() {
                "it can mean the opposite: a list of what is denied, or a highest instead of a lowest version; raising the minimum would \
                 then let old versions in, or stop TLS"
                    .to_owned()
            } else {
                "neither the vendor's text nor the catalogue knows it".to_owned()
            });
        }
        if let Some(known) = known.filter(|known| known.name_sure == Certainty::Contradicted) {
            lines.push(format!("its name is {}", known.name_sure.words()));
        }
        let others = session.wanted().role_pairs(*direction, *role);
        if let Some(other) = others.iter().find(|pair| !pair.name.eq_ignore_ascii_case(name)) {
            lines.push(format!(
                "{} plays this role already: then both are written, and both must agree",
                other.name
            ));
        }
        lines
    }

    /// The question itself.
    #[must_use]
    pub fn question(&self) -> String {
        format!(
            "Is {} in table {} the {}?",
            self.name,
            self.direction.table(),
            self.role
        )
    }
}

fn find(session: &Session, direction: Direction, name: &str) -> Option<VariableRow> {
    let mut rows = variable_rows(session, direction);
    rows.retain(|row| row.in_file);
    let is = |same: fn(&str, &str) -> bool| {
        move |row: &&VariableRow| row.path.as_ref().is_some_and(|path| same(&path.variable, name))
    };
    rows.iter()
        .find(is(|one, other| one == other))
        .or_else(|| rows.iter().find(is(str::eq_ignore_ascii_case)))
        .cloned()
}
