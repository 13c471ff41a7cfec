//! The room's two tables, one test a row, and what must hold for any pairs at all.

mod advice;
mod catalogue;
mod choices;
mod ciphers;
mod found;
mod properties;
mod write;

use super::{Catalogue, Choice, Direction, Pair, PairEdit, PlanError, PlanNote, Role};

/// The edits of one choice, and what the review says of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Plan {
    pub(super) edits: Vec<PairEdit>,
    pub(super) notes: Vec<PlanNote>,
}

impl Catalogue {
    /// A choice in a file that has no other direction.
    pub(super) fn choose(
        &self,
        direction: Direction,
        pairs: &[Pair],
        choice: Choice,
        server_has_tls13: bool,
    ) -> Result<Plan, PlanError> {
        match direction {
            Direction::Inbound => self.choose_in_file(direction, pairs, &[], choice, server_has_tls13),
            Direction::Outbound => self.choose_in_file(direction, &[], pairs, choice, server_has_tls13),
        }
    }

    /// A choice in one direction of a file whose other one is left as it is.
    pub(super) fn choose_in_file(
        &self,
        direction: Direction,
        inbound: &[Pair],
        outbound: &[Pair],
        choice: Choice,
        server_has_tls13: bool,
    ) -> Result<Plan, PlanError> {
        let loaded = [inbound, outbound];
        let choices = Direction::ALL.map(|d| (d == direction).then_some(choice));
        let [edits_in, edits_out] = self.plan(loaded, loaded, choices, server_has_tls13)?;
        let (after_in, after_out) = (made(inbound, &edits_in), made(outbound, &edits_out));
        let edits = direction.of([edits_in, edits_out]);
        let notes = self.notes(direction, loaded, [&after_in, &after_out], server_has_tls13);
        Ok(Plan { edits, notes })
    }
}

/// Pairs from (name, value).
pub(super) fn pairs(of: &[(&str, &str)]) -> Vec<Pair> {
    of.iter()
        .map(|(name, value)| Pair {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
        })
        .collect()
}

/// The embedded catalogue with a minimum variable named, as a user would.
pub(super) fn with_minimum() -> Catalogue {
    Catalogue::embedded()
        .confirm(Direction::Inbound, "MinTlsVersion", Role::MinimumVersion)
        .confirm(Direction::Outbound, "MinTlsVersion", Role::MinimumVersion)
}

/// The pairs after the edits, as the file would hold them.
pub(super) fn applied(pairs: &[Pair], plan: &Plan) -> Vec<Pair> {
    made(pairs, &plan.edits)
}

pub(super) fn made(pairs: &[Pair], edits: &[PairEdit]) -> Vec<Pair> {
    let mut after = pairs.to_vec();
    for edit in edits {
        match (&edit.new, after.iter_mut().find(|p| p.name == edit.name)) {
            (Some(new), Some(pair)) => pair.value.clone_from(new),
            (Some(new), None) => after.push(Pair {
                name: edit.name.clone(),
                value: new.clone(),
            }),
            (None, _) => after.retain(|p| p.name != edit.name),
        }
    }
    after
}
