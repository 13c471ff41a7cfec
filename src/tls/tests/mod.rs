//! The room's two tables, one test a row, and what must hold for any pairs at all.

mod advice;
mod catalogue;
mod choices;
mod ciphers;
mod found;
mod properties;
mod write;

use super::*;

/// That a variable which the file did not have is written.
pub(super) fn adds(name: &str, sure: Certainty) -> PlanNote {
    PlanNote::Writes {
        name: name.to_owned(),
        is_new: true,
        sure,
        candidates: Vec::new(),
    }
}

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
        let [edits_in, edits_out] = plan(self, loaded, loaded, choices, server_has_tls13)?;
        let (after_in, after_out) = (made(inbound, &edits_in), made(outbound, &edits_out));
        let edits = direction.of([edits_in, edits_out]);
        let notes = notes(self, direction, loaded, [&after_in, &after_out], server_has_tls13);
        Ok(Plan { edits, notes })
    }
}

pub(super) type Tables<'a> = [&'a [Pair]; 2];

/// The pairs of one direction of a file that has no other.
pub(super) fn alone(direction: Direction, pairs: &[Pair]) -> Tables<'_> {
    match direction {
        Direction::Inbound => [pairs, &[]],
        Direction::Outbound => [&[], pairs],
    }
}

pub(super) fn read(c: &Catalogue, direction: Direction, pairs: &[Pair]) -> Reading {
    Settings::new(c, alone(direction, pairs)).read(direction)
}

pub(super) fn read_both(c: &Catalogue, inbound: &[Pair], outbound: &[Pair]) -> [Reading; 2] {
    Direction::ALL.map(|direction| Settings::new(c, [inbound, outbound]).read(direction))
}

pub(super) fn plan(
    c: &Catalogue,
    loaded: Tables<'_>,
    wanted: Tables<'_>,
    choices: [Option<Choice>; 2],
    tls13: bool,
) -> Result<[Vec<PairEdit>; 2], PlanError> {
    plan_choices(Settings::new(c, loaded), Settings::new(c, wanted), choices, tls13)
}

pub(super) fn reset(c: &Catalogue, direction: Direction, pairs: &[Pair]) -> Result<Vec<PairEdit>, PlanError> {
    plan_reset(Settings::new(c, alone(direction, pairs)), direction)
}

pub(super) fn notes(
    c: &Catalogue,
    direction: Direction,
    loaded: Tables<'_>,
    wanted: Tables<'_>,
    tls13: bool,
) -> Vec<PlanNote> {
    super::notes(direction, Settings::new(c, loaded), Settings::new(c, wanted), tls13)
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
