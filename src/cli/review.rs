//! The review on a page, and what of it a reader of a script's log should know.

use crate::host::Host;
use crate::peers::Threshold;
use crate::session::{EnginePlan, Line, Review, Wrap, amount};

use super::args::Saving;
use super::console::{columns, wrap};

/// What a reader of a script's log should know.
pub(super) fn warnings(review: &Review) -> Vec<String> {
    let mut warnings: Vec<String> = review.mends.iter().map(|mends| mends.words()).collect();
    if let Some((changes, count)) = review.whole.as_ref().filter(|(changes, count)| *count > changes.len()) {
        warnings.push(format!("{count} values change, of which {} are listed", changes.len()));
    }
    for direction in &review.directions {
        let way = direction.direction.token();
        warnings.extend(direction.notes.iter().map(|note| format!("{way}: {note}")));
        if direction.threshold == Threshold::NotKnown {
            warnings.push(format!(
                "{way}: what peers would be held against is not known, so it cannot be said who would be cut off"
            ));
        } else if direction.coverage.all == 0 {
            warnings.push(format!(
                "{way}: no peer is known at all, neither from the logs nor from a peers file"
            ));
        } else if direction.counts.unknown > 0 {
            let peers = amount(direction.counts.unknown, "peer", "peers");
            let mail = amount(direction.counts.unknown_messages, "message", "messages");
            warnings.push(format!(
                "{way}: {peers} never measured ({mail} in {})",
                amount(review.window_days, "day", "days")
            ));
        }
    }
    warnings.extend(review.difference.clone());
    // A stop that systemd cuts short is to be known before, on every road.
    if let EnginePlan::Restart { warnings: of_unit, .. } = &review.facts.engine {
        warnings.extend(of_unit.iter().cloned());
    }
    warnings.extend(review.evidence_warnings.iter().cloned());
    warnings
}

/// The whole review, wrapped.
pub(super) fn lines(review: &Review, saving: Saving) -> Vec<String> {
    let columns = columns();
    let mut lines: Vec<String> = review
        .lines(&Host::clock())
        .iter()
        .flat_map(|line| {
            if line.wrap == Wrap::Words {
                wrap(&line.text, usize::from(line.indent), columns)
            } else {
                vec![line.text.clone()]
            }
        })
        .collect();
    if let (Some(after), None) = (saving.undo_after, &review.facts.no_undo) {
        lines.push(String::new());
        let words = format!(
            "It undoes itself {} s after the engine has started well, unless it is confirmed: kerio-tls confirm",
            after.as_secs()
        );
        lines.extend(wrap(&words, 2, columns));
    }
    lines
}

/// Lines of the session as they are, without their looks.
pub(super) fn texts(lines: Vec<Line>) -> Vec<String> {
    lines.into_iter().map(|line| line.text).collect()
}
