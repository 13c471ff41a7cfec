//! The room's two tables, one test a row, and what must hold for any pairs at all.

mod advice;
mod catalogue;
mod choices;
mod ciphers;
mod found;
mod properties;
mod write;

use super::{Catalogue, Direction, Pair, Role};

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
pub(super) fn applied(pairs: &[Pair], plan: &super::Plan) -> Vec<Pair> {
    let mut after = pairs.to_vec();
    for edit in &plan.edits {
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
