//! Values of the file in words: what a whole file changes, and what two editors want differently. Masked where secret.

use crate::mailserver_cfg::{Conflict, Secrets, ValueChange};

use super::line::{Line, Tone};
use super::words::amount;

/// What differs, value by value; of `count` values only the first may be listed. The changes are masked already.
#[must_use]
pub fn value_lines(changes: &[ValueChange], count: usize) -> Vec<Line> {
    let mut lines: Vec<Line> = changes
        .iter()
        .map(|change| Line::new(Tone::Text, format!("  {}", change_words(change)), 4))
        .collect();
    if count > changes.len() {
        let more = amount(count - changes.len(), "more value", "more values");
        lines.push(Line::new(Tone::Caution, format!("  ... and {more}"), 4));
    }
    lines
}

/// `Table/Name: old -> new`.
#[must_use]
pub fn change_words(change: &ValueChange) -> String {
    let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "(not there)".to_owned());
    format!("{}: {} -> {}", change.place, side(&change.old), side(&change.new))
}

/// Values that someone else changed too: the name, and three lines of what each of the three has.
#[must_use]
pub fn conflict_lines(conflicts: &[Conflict], secrets: &Secrets) -> Vec<Line> {
    let mut lines = Vec::new();
    for conflict in conflicts {
        let show = |value: &Option<String>| {
            value.as_ref().map_or("(not in the file)".to_owned(), |value| {
                secrets.show_at(&conflict.path, value)
            })
        };
        lines.push(Line::new(Tone::Heading, conflict.path.to_string(), 0));
        for (tone, whose, value) in [
            (Tone::Text, "as loaded", &conflict.base),
            (Tone::Caution, "on disk  ", &conflict.theirs),
            (Tone::Text, "your edit", &conflict.mine),
        ] {
            lines.push(Line::new(tone, format!("  {whose}   {}", show(value)), 14));
        }
    }
    lines
}
