//! A review as the command line needs it: what refuses it, what warns of it, and its text.

use crate::peers::Threshold;
use crate::session::{DirectionReview, EnginePlan, Review, amount, describe_note};
use crate::work::Host;

use super::console::{columns, wrap};
use super::failure::Failure;

/// What no yes can remove.
pub(super) fn blocked(review: &Review) -> Result<(), Failure> {
    if let Some(why) = &review.facts.blocked {
        return Err(Failure::NotSaved(why.clone()));
    }
    match &review.facts.engine {
        EnginePlan::Refuse { why, commands } => Err(Failure::Refused(format!(
            "{why}; it writes this file when it stops and would throw the change away; nothing was written; type: {}",
            commands.join("; ").replace("(save here)", "(this command again)")
        ))),
        EnginePlan::Absent | EnginePlan::Stopped | EnginePlan::Restart { .. } => Ok(()),
    }
}

/// Peers cut off and mixed, in all directions that change.
pub(super) fn worst(review: &Review) -> (usize, usize) {
    let sum = |of: fn(&DirectionReview) -> usize| review.directions.iter().map(of).sum();
    (sum(|d| d.counts.cut_off), sum(|d| d.counts.mixed))
}

pub(super) fn cut_off_words(cut_off: usize, mixed: usize) -> String {
    let cut = amount(
        cut_off as u64,
        "known peer would be cut off",
        "known peers would be cut off",
    );
    let doubt = amount(mixed as u64, "peer", "peers");
    match (cut_off, mixed) {
        (_, 0) => cut,
        (0, _) => format!("{doubt} may be cut off (the evidence disagrees)"),
        _ => format!("{cut}, and {doubt} may be (the evidence disagrees)"),
    }
}

/// What a reader of a script's log should know.
pub(super) fn warnings(review: &Review) -> Vec<String> {
    let mut warnings = Vec::new();
    for direction in &review.directions {
        let way = direction.direction.token();
        warnings.extend(
            direction
                .notes
                .iter()
                .map(|note| format!("{way}: {}", describe_note(note))),
        );
        if direction.threshold == Threshold::NotKnown {
            warnings.push(format!(
                "{way}: what peers would be held against is not known, so it cannot be said who would be cut off"
            ));
        } else if direction.coverage.all == 0 {
            warnings.push(format!(
                "{way}: no peer is known at all, neither from the logs nor from a peers file"
            ));
        } else if direction.counts.unknown > 0 {
            let peers = amount(direction.counts.unknown as u64, "peer", "peers");
            let mail = amount(direction.counts.unknown_messages, "message", "messages");
            warnings.push(format!(
                "{way}: {peers} never measured ({mail} in {} days)",
                review.window_days
            ));
        }
    }
    warnings.extend(review.difference.clone());
    warnings.extend(review.evidence_warnings.iter().cloned());
    warnings
}

pub(super) fn review_lines(review: &Review) -> Vec<String> {
    let columns = columns();
    review
        .lines(&Host::clock())
        .iter()
        .flat_map(|line| {
            if line.wraps {
                wrap(&line.text, usize::from(line.indent), columns)
            } else {
                vec![line.text.clone()]
            }
        })
        .collect()
}
