//! Choices made true: the table "choice, edits" of the room's documentation. Never empties a list, never touches a
//! variable that has no role, and leaves spelling, order and separators of what stays.

use std::collections::BTreeSet;

use super::read::{FileFacts, Found, at_least};
use super::words::{Meaning, WordList, meaning, word_like};
use super::{Catalogue, CatalogueVariable, Choice, Direction, Pair, PairEdit, PlanError, Role, Sureness, TlsVersion};

/// Planning one direction changes what the other is read against, so both are planned until nothing moves. One thing is
/// handed over, whether the other list names TLS 1.3, and a plan that has it never loses it by being told so: two
/// rounds settle it, and the third only sees that it is settled.
const ROUNDS: usize = 3;

impl Catalogue {
    /// The edits that make the choices true at once, in the order of [`Direction::ALL`]. They are planned from the pairs
    /// as *loaded*, so that choosing what was loaded comes to no edit, but each direction beside the other as it will
    /// be: a list reads as a minimum only if it goes as far as the furthest list of the file.
    ///
    /// `wanted` are the pairs of a direction for which nothing is chosen (with what was set there by hand); it gets no
    /// edits here, and may read otherwise than before ([`PlanNote::ReadsOtherwise`](super::PlanNote::ReadsOtherwise)).
    /// `server_has_tls13`: this engine was seen to speak TLS 1.3 (a handshake or a Received header).
    ///
    /// After the edits, [`Catalogue::read_both`] reads each choice, and choosing the same again comes to no edit.
    /// # Errors
    /// [`PlanError`].
    pub fn plan(
        &self,
        loaded: [&[Pair]; 2],
        wanted: [&[Pair]; 2],
        choices: [Option<Choice>; 2],
        server_has_tls13: bool,
    ) -> Result<[Vec<PairEdit>; 2], PlanError> {
        let [loaded_in, loaded_out] = loaded;
        let [wanted_in, wanted_out] = wanted;
        let [choice_in, choice_out] = choices;
        let file = self.facts(loaded_in, loaded_out);
        let known = Known {
            tls13: server_has_tls13 || file.names_tls13,
            separator: file.separator,
        };
        let side = |direction, own, other: &[Pair], choice: Option<Choice>| {
            choice.map_or(Ok(Vec::new()), |choice| {
                self.plan_beside(direction, own, other, choice, &known)
            })
        };
        let start =
            |loaded: &[Pair], wanted: &[Pair], choice: Option<Choice>| choice.map_or(wanted, |_| loaded).to_vec();
        let mut outbound = start(loaded_out, wanted_out, choice_out);
        let mut edits = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            let edits_in = side(Direction::Inbound, loaded_in, &outbound, choice_in)?;
            let inbound = made(start(loaded_in, wanted_in, choice_in), &edits_in);
            let edits_out = side(Direction::Outbound, loaded_out, &inbound, choice_out)?;
            outbound = made(start(loaded_out, wanted_out, choice_out), &edits_out);
            let before = std::mem::replace(&mut edits, [edits_in, edits_out]);
            if edits == before {
                break;
            }
        }
        Ok(edits)
    }

    /// The edits of one direction beside the pairs that the other will have.
    fn plan_beside(
        &self,
        direction: Direction,
        own: &[Pair],
        other: &[Pair],
        choice: Choice,
        known: &Known,
    ) -> Result<Vec<PairEdit>, PlanError> {
        let facts = match direction {
            Direction::Inbound => self.facts(own, other),
            Direction::Outbound => self.facts(other, own),
        };
        let table = direction.table();
        if let Some((name, count)) = self.duplicate(direction, own, Role::makes_minimum) {
            return Err(PlanError::Duplicate { table, name, count });
        }
        if choice.is_already(&self.read_with(direction, own, &facts).minimum) {
            return Ok(Vec::new());
        }
        match choice {
            Choice::Default => Ok(self
                .found(direction, own)
                .filter(|f| f.row.role.makes_minimum())
                .map(|f| delete(&f))
                .collect()),
            Choice::At(minimum) => {
                let goal = Goal {
                    minimum,
                    facts: &facts,
                    known,
                };
                self.raise_or_lower(direction, own, &goal)
            }
        }
    }

    /// Deletes every variable with a role in this direction, and nothing else.
    /// # Errors
    /// [`PlanError::Duplicate`].
    pub fn reset(&self, direction: Direction, pairs: &[Pair]) -> Result<Vec<PairEdit>, PlanError> {
        if let Some((name, count)) = self.duplicate(direction, pairs, |_| true) {
            return Err(PlanError::Duplicate {
                table: direction.table(),
                name,
                count,
            });
        }
        Ok(self.found(direction, pairs).map(|f| delete(&f)).collect())
    }

    fn raise_or_lower(
        &self,
        direction: Direction,
        pairs: &[Pair],
        goal: &Goal<'_>,
    ) -> Result<Vec<PairEdit>, PlanError> {
        let standing: Vec<Found<'_>> = self
            .found(direction, pairs)
            .filter(|f| f.row.role.makes_minimum())
            .collect();
        let speaking = || standing.iter().filter(|f| !f.pair.value.trim().is_empty());
        if speaking().next().is_some() {
            return Ok(speaking().filter_map(|found| goal.edit(found)).collect());
        }
        // Only empty ones, or none: one variable is enough, and a name that the file has beats one that it has not.
        let documented = |row: &CatalogueVariable| row.name_sure >= Sureness::Documented;
        let minimum = standing.iter().find(|f| f.row.role == Role::MinimumVersion);
        let list = standing.iter().find(|f| f.row.role == Role::ProtocolList);
        if let Some(found) = minimum.filter(|f| list.is_none() || documented(f.row)).or(list) {
            return Ok(goal.edit(found).into_iter().collect());
        }
        let row = self
            .written_for(direction, Role::MinimumVersion)
            .filter(|row| documented(row))
            .or_else(|| self.written_for(direction, Role::ProtocolList))
            .or_else(|| self.written_for(direction, Role::MinimumVersion))
            .ok_or(PlanError::NoName {
                table: direction.table(),
            })?;
        let absent = Pair {
            name: row.name.clone().unwrap_or_default(),
            value: String::new(),
        };
        Ok(goal.edit(&Found { row, pair: &absent }).into_iter().collect())
    }
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
    facts: &'a FileFacts,
    known: &'a Known,
}

impl Goal<'_> {
    /// The edit of one variable, if it changes anything.
    fn edit(&self, found: &Found<'_>) -> Option<PairEdit> {
        let old = found.pair.value.as_str();
        let new = match found.row.role {
            Role::ProtocolList => self.list(found.row, old),
            _ => self.word(old),
        };
        (new != old).then(|| PairEdit {
            name: found.pair.name.clone(),
            new: Some(new),
        })
    }

    fn list(&self, row: &CatalogueVariable, old: &str) -> String {
        let mut list = WordList::parse(old);
        let has_it = list.versions().contains(&TlsVersion::Tls13);
        let with_tls13 = has_it || self.minimum == TlsVersion::Tls13 || self.facts.names_tls13 || self.known.tls13;
        let newest = if with_tls13 {
            TlsVersion::Tls13
        } else {
            TlsVersion::Tls12
        };
        let wanted: BTreeSet<TlsVersion> = at_least(self.minimum, newest);
        list.rewrite(&wanted, self.known.separator.as_deref().unwrap_or(&row.separator));
        list.to_string()
    }

    fn word(&self, old: &str) -> String {
        let word = old.trim();
        let known = matches!(meaning(word), Meaning::Version(_) | Meaning::Ssl2);
        let new = word_like(self.minimum, known.then_some(word));
        if known { old.replacen(word, &new, 1) } else { new }
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
