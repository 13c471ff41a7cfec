//! What the ports teach about names and tables: held against what they answered the time before, when the file said
//! something else. Pure: two measurements in, what follows out.

use std::collections::BTreeSet;

use crate::host::Standing;
use crate::tls::{Certainty, Choice, Direction, Governs, Group, Service, TlsVersion};

/// What follows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lessons {
    /// What each table governs, as far as it is known now.
    pub(super) governs: Governs,
    /// [`Certainty::Proven`] or [`Certainty::Contradicted`] for the name that makes each direction's minimum.
    pub(super) names: [Option<Certainty>; 2],
}

/// What a group of services accepts; `None`: not asked, not answered, or its ports do not agree.
fn accepted(standing: &Standing, group: Group) -> Option<BTreeSet<TlsVersion>> {
    let of_group = |(service, _): &&(String, Vec<String>)| {
        Service::from_token(service).is_some_and(|service| Group::of(service) == group)
    };
    let read = |(_, versions): &(String, Vec<String>)| -> BTreeSet<TlsVersion> {
        versions
            .iter()
            .filter_map(|token| TlsVersion::from_token(token))
            .collect()
    };
    let mut sets = standing.accepts.iter().filter(of_group).map(read);
    let first = sets.next().filter(|set| !set.is_empty())?;
    sets.all(|set| set == first).then_some(first)
}

/// The minimum that a direction had then.
fn minimum(standing: &Standing, direction: Direction) -> Option<TlsVersion> {
    let [inbound, outbound] = &standing.minimums;
    match Choice::from_token(direction.of([inbound, outbound]))? {
        Choice::At(version) => Some(version),
        Choice::Default => None,
    }
}

/// Draws the lessons. `known` is what is known of the tables already.
pub(super) fn lessons(before: Option<&Standing>, now: &Standing, known: Governs) -> Lessons {
    let mut governs = known;
    let changed: Vec<Direction> = before.map_or_else(Vec::new, |before| {
        let all = Direction::ALL
            .into_iter()
            .zip(before.minimums.iter().zip(&now.minimums));
        all.filter(|(_, (was, is))| was != is)
            .map(|(direction, _)| direction)
            .collect()
    });
    // Where one table alone changed, whatever follows is governed by it.
    if let (Some(before), [table]) = (before, changed.as_slice()) {
        for group in Group::ALL {
            let (Some(was), Some(is)) = (accepted(before, group), accepted(now, group)) else {
                continue;
            };
            if was != is {
                governs.set(*table, group, true);
            } else if let (Some(minimum), Some(lowest)) = (minimum(now, *table), is.first())
                && *lowest < minimum
            {
                governs.set(*table, group, false);
            }
        }
        // A table that nothing followed governs all the same what is its own: then its name is wrong, and nothing is
        // known.
        let follows = |group: &Group| governs.get(*table, *group) == Some(true);
        if !Group::ALL.iter().any(follows) {
            governs = known;
        }
    }
    let names = Direction::ALL.map(|direction| {
        let minimum = minimum(now, direction)?;
        let own = |group: &Group| match (direction, group) {
            (_, Group::SmtpIn) => governs.get(direction, *group) == Some(true),
            (Direction::Inbound, _) => governs.get(direction, *group) != Some(false),
            (Direction::Outbound, _) => governs.get(direction, *group) == Some(true),
        };
        let own: Vec<(Group, BTreeSet<TlsVersion>)> = Group::ALL
            .into_iter()
            .filter(own)
            .filter_map(|group| Some((group, accepted(now, group)?)))
            .collect();
        let is_below = |set: &BTreeSet<TlsVersion>| set.first().is_some_and(|lowest| *lowest < minimum);
        let below = own.iter().filter(|(_, set)| is_below(set)).count();
        if !own.is_empty() && below == own.len() {
            return Some(Certainty::Contradicted);
        }
        let moved = |(group, is): &(Group, BTreeSet<TlsVersion>)| {
            before
                .and_then(|before| accepted(before, *group))
                .is_some_and(|was| was != *is)
        };
        (below == 0 && changed.contains(&direction) && own.iter().any(moved)).then_some(Certainty::Proven)
    });
    Lessons { governs, names }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &str = "tls1.0 tls1.1 tls1.2 tls1.3";
    const NEW: &str = "tls1.2 tls1.3";

    fn standing(minimums: [&str; 2], smtp: &str, imap: &str) -> Standing {
        let versions = |text: &str| text.split(' ').map(str::to_owned).collect();
        Standing {
            minimums: minimums.map(str::to_owned),
            accepts: vec![
                ("smtp".to_owned(), versions(smtp)),
                ("imaps".to_owned(), versions(imap)),
            ],
        }
    }

    fn smtp(lessons: &Lessons) -> [Option<bool>; 2] {
        Direction::ALL.map(|direction| lessons.governs.get(direction, Group::SmtpIn))
    }

    use Certainty::{Contradicted, Proven};

    #[test]
    fn ports_that_follow_prove_the_name_and_those_that_do_not_tell_which_table_is_theirs() {
        let before = standing(["default", "default"], ALL, ALL);
        // SMTP follows the other table.
        let apart = lessons(
            Some(&before),
            &standing(["tls1.2", "default"], ALL, NEW),
            Governs::default(),
        );
        assert_eq!((smtp(&apart), apart.names), ([Some(false), None], [Some(Proven), None]));
        // SMTP follows this one.
        let both = lessons(
            Some(&before),
            &standing(["tls1.2", "default"], NEW, NEW),
            Governs::default(),
        );
        assert_eq!((smtp(&both), both.names), ([Some(true), None], [Some(Proven), None]));
        // The outbound table alone moves SMTP.
        let outbound = lessons(
            Some(&before),
            &standing(["default", "tls1.2"], NEW, ALL),
            Governs::default(),
        );
        assert_eq!(
            (smtp(&outbound), outbound.names),
            ([None, Some(true)], [None, Some(Proven)])
        );
        assert_eq!(outbound.governs.smtp_follows_outbound(), Some(true));
    }

    #[test]
    fn a_name_that_nothing_follows_is_contradicted_and_teaches_nothing_about_tables() {
        let before = standing(["default", "default"], ALL, ALL);
        let nothing = lessons(
            Some(&before),
            &standing(["tls1.2", "default"], ALL, ALL),
            Governs::default(),
        );
        assert_eq!(
            (smtp(&nothing), nothing.names),
            ([None, None], [Some(Contradicted), None])
        );
        let alone = lessons(None, &standing(["tls1.2", "tls1.2"], ALL, ALL), Governs::default());
        assert_eq!(alone.names, [Some(Contradicted), None]);
    }

    #[test]
    fn what_was_so_before_proves_nothing() {
        let before = standing(["default", "default"], NEW, NEW);
        let same = lessons(
            Some(&before),
            &standing(["tls1.2", "tls1.2"], NEW, NEW),
            Governs::default(),
        );
        assert_eq!(same, Lessons::default());
        assert_eq!(
            lessons(None, &standing(["tls1.2", "default"], NEW, NEW), Governs::default()),
            Lessons::default()
        );
    }

    #[test]
    fn two_tables_at_once_prove_the_inbound_name_and_leave_smtp_open() {
        let before = standing(["default", "default"], ALL, ALL);
        let both = lessons(
            Some(&before),
            &standing(["tls1.2", "tls1.2"], NEW, NEW),
            Governs::default(),
        );
        assert_eq!((smtp(&both), both.names), ([None, None], [Some(Proven), None]));
    }
}
