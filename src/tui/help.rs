//! Help on where the user is, made from the key table.

use crate::session::{Line, Tone, VERDICTS};

use super::key::Key;
use super::keys::{Place, bindings_at};
use super::wrap::{indented, line};

pub(super) const TITLE: &str = "Help";

/// What is to be said of a tab or window, the keys that do something there, and the marks.
pub(super) fn lines(about: Vec<Line>, place: Place) -> Vec<Line> {
    let mut lines = about;
    let heading = |lines: &mut Vec<Line>, words: &str| {
        lines.push(line(Tone::Text, ""));
        lines.push(line(Tone::Heading, words));
    };
    heading(&mut lines, "Keys here");
    for binding in bindings_at(place) {
        let keys: Vec<String> = place.keys_of(binding.command).map(Key::label).collect();
        let words = format!("  {:<18} {}", keys.join(" "), binding.help);
        lines.push(indented(Tone::Text, words, 21));
    }
    heading(&mut lines, "Marks");
    lines.push(line(Tone::Text, "  *  changed, not saved"));
    lines.extend(VERDICTS.map(|words| indented(Tone::Text, format!("  {}  {}", words.mark, words.meaning), 5)));
    lines
}
