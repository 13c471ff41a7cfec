//! Choices and single values made true: the table "choice, edits" of the room's documentation. A list is never emptied,
//! a variable without a role is never touched, and spelling, order and separators of what stays are kept.

use std::collections::BTreeSet;

use super::catalogue::Catalogue;
use super::certainty::Certainty;
use super::minimum::Choice;
use super::role::{CatalogueVariable, Pair, Role};
use super::settings::{Found, Settings};
use super::version::{Direction, TlsVersion};
use super::words::{Meaning, WordList, meaning, shown, word_like};

/// One variable's change: `new: None` deletes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairEdit {
    /// Name as in the file, or as in the catalogue where the file has none.
    pub name: String,
    /// The new value.
    pub new: Option<String>,
}

/// Why a choice cannot be turned into edits. Nothing has been changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The name stands more than once in the table.
    #[error("{table} has {} {count} times; pick one by hand before it can be changed", shown(.name))]
    Duplicate {
        /// The table.
        table: &'static str,
        /// The variable.
        name: String,
        /// How often it stands there.
        count: usize,
    },
    /// The whole table stands more than once.
    #[error(
        "the file has the table {table} {count} times, and which one counts is not known; make them one by hand before \
        it can be changed"
    )]
    DuplicateTable {
        /// The table.
        table: &'static str,
        /// How often it stands there.
        count: usize,
    },
    /// The role has no name.
    #[error("no variable name is known for this in {table}: name it in kerio-tls.toml")]
    NoName {
        /// The table.
        table: &'static str,
    },
    /// The variable cannot hold the value, or must not be given it.
    #[error("{} in {table} cannot be set to that: {why}", shown(.name))]
    NotAccepted {
        /// The table.
        table: &'static str,
        /// The variable.
        name: String,
        /// What it can hold instead, or what would come of it.
        why: String,
    },
}

/// Planning one direction changes what the other is read against, so both are planned until nothing moves. One thing is
/// handed over, whether the other list names TLS 1.3, and a plan that has it never loses it by being told so: two
/// rounds settle it, and the third only sees that it is settled.
const ROUNDS: usize = 3;

/// The edits that make the choices true at once, in the order of [`Direction::ALL`]. They are planned from the file as
/// *loaded*, so that choosing what was loaded comes to no edit, but each direction beside the other as it will be: a
/// list reads as a minimum only if it goes as far as the furthest list of the file.
///
/// `wanted` has the pairs of a direction for which nothing is chosen (with what was set there by hand); it gets no
/// edits here, and may read otherwise than before ([`PlanNote::ReadsOtherwise`](super::PlanNote::ReadsOtherwise)).
/// `server_has_tls13`: this engine was seen to speak TLS 1.3 (a handshake or a Received header).
///
/// After the edits, [`Settings::read`] reads each choice, and choosing the same again comes to no edit.
///
/// # Errors
/// [`PlanError`].
pub fn plan_choices(
    loaded: Settings<'_>,
    wanted: Settings<'_>,
    choices: [Option<Choice>; 2],
    server_has_tls13: bool,
) -> Result<[Vec<PairEdit>; 2], PlanError> {
    let facts = loaded.facts();
    let known = Known {
        tls13: server_has_tls13 || facts.names_tls13,
        separator: facts.separator,
    };
    let start = |direction: Direction| {
        let from = if direction.of(choices).is_some() {
            loaded
        } else {
            wanted
        };
        from.pairs(direction).to_vec()
    };
    let plan = |direction: Direction, other: &[Pair]| {
        let Some(choice) = direction.of(choices) else {
            return Ok(Vec::new());
        };
        let beside = match direction {
            Direction::Inbound => [loaded.pairs(direction), other],
            Direction::Outbound => [other, loaded.pairs(direction)],
        };
        plan_beside(Settings::new(loaded.catalogue, beside), direction, choice, &known)
    };
    let mut outbound = start(Direction::Outbound);
    let mut edits = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        let edits_in = plan(Direction::Inbound, &outbound)?;
        let inbound = made(start(Direction::Inbound), &edits_in);
        let edits_out = plan(Direction::Outbound, &inbound)?;
        outbound = made(start(Direction::Outbound), &edits_out);
        let before = std::mem::replace(&mut edits, [edits_in, edits_out]);
        if edits == before {
            break;
        }
    }
    Ok(edits)
}

/// The edits of one direction beside the pairs that the other will have.
fn plan_beside(
    settings: Settings<'_>,
    direction: Direction,
    choice: Choice,
    known: &Known,
) -> Result<Vec<PairEdit>, PlanError> {
    refuse_duplicate(settings, direction, Role::makes_minimum)?;
    if choice.is_already(&settings.minimum(direction).0) {
        return Ok(Vec::new());
    }
    let of_minimum = settings.found(direction).filter(|f| f.row.role.makes_minimum());
    match choice {
        Choice::Default => Ok(of_minimum.map(|f| delete(&f)).collect()),
        Choice::At(minimum) => {
            let goal = Goal {
                minimum,
                names_tls13: settings.facts().names_tls13 || known.tls13,
                separator: known.separator.as_deref(),
            };
            raise_or_lower(settings.catalogue, direction, &of_minimum.collect::<Vec<_>>(), &goal)
        }
    }
}

/// Edits the variables that stand there, or adds one.
fn raise_or_lower(
    catalogue: &Catalogue,
    direction: Direction,
    standing: &[Found<'_>],
    goal: &Goal<'_>,
) -> Result<Vec<PairEdit>, PlanError> {
    let speaking = || standing.iter().filter(|f| !f.pair.value.trim().is_empty());
    if speaking().next().is_some() {
        return Ok(speaking().filter_map(|found| goal.edit(found)).collect());
    }
    // Only empty ones, or none: one variable is enough, and a name that the file has beats one that it has not.
    let documented = |row: &CatalogueVariable| row.name_sure >= Certainty::Documented;
    let minimum = standing.iter().find(|f| f.row.role == Role::MinimumVersion);
    let list = standing.iter().find(|f| f.row.role == Role::ProtocolList);
    if let Some(found) = minimum.filter(|f| list.is_none() || documented(f.row)).or(list) {
        return Ok(goal.edit(found).into_iter().collect());
    }
    let row = catalogue
        .written_for(direction, Role::MinimumVersion)
        .filter(|row| documented(row))
        .or_else(|| catalogue.written_for(direction, Role::ProtocolList))
        .or_else(|| catalogue.written_for(direction, Role::MinimumVersion))
        .ok_or(PlanError::NoName {
            table: direction.table(),
        })?;
    let absent = absent(row);
    Ok(goal.edit(&Found { row, pair: &absent }).into_iter().collect())
}

/// What holds for the file as a whole, whatever is chosen.
struct Known {
    /// The engine was seen to speak TLS 1.3, or the loaded file names it.
    tls13: bool,
    /// What parts words in the first loaded list that has two.
    separator: Option<String>,
}

/// A minimum to reach, and what is known about file and engine.
struct Goal<'a> {
    minimum: TlsVersion,
    /// The file has the word for TLS 1.3, or the engine was seen to speak it.
    names_tls13: bool,
    separator: Option<&'a str>,
}

impl Goal<'_> {
    /// The edit of one variable, if it changes anything.
    fn edit(&self, found: &Found<'_>) -> Option<PairEdit> {
        let old = found.pair.value.as_str();
        let new = match found.row.role {
            Role::ProtocolList => self.list(found.row, old),
            _ => self.word(found.row, old),
        };
        (new != old).then(|| PairEdit {
            name: found.pair.name.clone(),
            new: Some(new),
        })
    }

    fn list(&self, row: &CatalogueVariable, old: &str) -> String {
        let mut list = WordList::parse(old);
        let has_it = list.versions().contains(&TlsVersion::Tls13);
        let newest = if has_it || self.minimum == TlsVersion::Tls13 || self.names_tls13 {
            TlsVersion::Tls13
        } else {
            TlsVersion::Tls12
        };
        let wanted: BTreeSet<TlsVersion> = TlsVersion::ALL
            .into_iter()
            .filter(|version| (self.minimum..=newest).contains(version))
            .collect();
        list.rewrite(&wanted, self.separator.unwrap_or(&row.separator));
        list.to_string()
    }

    fn word(&self, row: &CatalogueVariable, old: &str) -> String {
        if let Some(learned) = row.word_of(self.minimum) {
            return learned.to_owned();
        }
        let word = old.trim();
        let known = matches!(meaning(word), Meaning::Version(_) | Meaning::Ssl2);
        let new = word_like(self.minimum, known.then_some(word));
        if known { old.replacen(word, &new, 1) } else { new }
    }
}

/// The edits that delete every variable with a role in this direction, and nothing else.
///
/// # Errors
/// [`PlanError::Duplicate`].
pub fn plan_reset(settings: Settings<'_>, direction: Direction) -> Result<Vec<PairEdit>, PlanError> {
    refuse_duplicate(settings, direction, |_| true)?;
    Ok(settings.found(direction).map(|f| delete(&f)).collect())
}

/// The edits that make the direction's list name exactly `wanted`, whether or not that is a minimum.
/// A minimum variable is left as it is: where the two disagree, [`Settings::read`] says so.
///
/// # Errors
/// [`PlanError::NotAccepted`] where nothing is wanted, [`PlanError::Duplicate`], [`PlanError::NoName`].
pub fn plan_protocols(
    settings: Settings<'_>,
    direction: Direction,
    wanted: &[TlsVersion],
) -> Result<Vec<PairEdit>, PlanError> {
    let separator = settings.facts().separator;
    let wanted: BTreeSet<TlsVersion> = wanted.iter().copied().collect();
    write(settings, direction, Role::ProtocolList, |found| {
        if wanted.is_empty() {
            return Err("a list without any protocol might stop TLS altogether".to_owned());
        }
        let mut list = WordList::parse(&found.pair.value);
        if !list.is_clean() || list.versions() != wanted {
            list.rewrite(&wanted, separator.as_deref().unwrap_or(&found.row.separator));
        }
        Ok(Some(list.to_string()))
    })
}

/// The edits that give the variable of a role this value; `None` deletes it, and so brings back the server's default.
///
/// # Errors
/// [`PlanError`].
pub fn plan_value(
    settings: Settings<'_>,
    direction: Direction,
    role: Role,
    value: Option<&str>,
) -> Result<Vec<PairEdit>, PlanError> {
    if value.is_none() && !settings.found(direction).any(|f| f.row.role == role) {
        return Ok(Vec::new());
    }
    write(settings, direction, role, |found| {
        let Some(value) = value else { return Ok(None) };
        if value != found.pair.value || !settings.pairs(direction).contains(found.pair) {
            found.row.kind.accepts(value)?;
        }
        Ok(Some(value.to_owned()))
    })
}

/// Edits every variable of the file that plays the role, or adds the one whose name is surest.
fn write(
    settings: Settings<'_>,
    direction: Direction,
    role: Role,
    new: impl Fn(&Found<'_>) -> Result<Option<String>, String>,
) -> Result<Vec<PairEdit>, PlanError> {
    let table = direction.table();
    refuse_duplicate(settings, direction, |r| r == role)?;
    let edit = |found: &Found<'_>| {
        let name = found.pair.name.clone();
        match new(found) {
            Ok(new) => Ok(PairEdit { name, new }),
            Err(why) => Err(PlanError::NotAccepted { table, name, why }),
        }
    };
    let mut edits = Vec::new();
    let mut stands = false;
    for found in settings.found(direction).filter(|f| f.row.role == role) {
        stands = true;
        let edit = edit(&found)?;
        if edit.new.as_ref() != Some(&found.pair.value) {
            edits.push(edit);
        }
    }
    if !stands {
        let row = settings
            .catalogue
            .written_for(direction, role)
            .ok_or(PlanError::NoName { table })?;
        edits.push(edit(&Found {
            row,
            pair: &absent(row),
        })?);
    }
    Ok(edits)
}

fn refuse_duplicate(
    settings: Settings<'_>,
    direction: Direction,
    role: impl Fn(Role) -> bool,
) -> Result<(), PlanError> {
    let table = direction.table();
    match settings.duplicate(direction, role) {
        Some((name, count)) => Err(PlanError::Duplicate { table, name, count }),
        None => Ok(()),
    }
}

/// A variable that the file does not have yet.
fn absent(row: &CatalogueVariable) -> Pair {
    Pair {
        name: row.name.clone().unwrap_or_default(),
        value: String::new(),
    }
}

fn delete(found: &Found<'_>) -> PairEdit {
    PairEdit {
        name: found.pair.name.clone(),
        new: None,
    }
}

/// The pairs with the edits made.
fn made(mut pairs: Vec<Pair>, edits: &[PairEdit]) -> Vec<Pair> {
    for edit in edits {
        match (&edit.new, pairs.iter_mut().find(|pair| pair.name == edit.name)) {
            (None, _) => pairs.retain(|pair| pair.name != edit.name),
            (Some(value), Some(pair)) => pair.value.clone_from(value),
            (Some(value), None) => pairs.push(Pair {
                name: edit.name.clone(),
                value: value.clone(),
            }),
        }
    }
    pairs
}
