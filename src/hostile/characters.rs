//! Which characters cannot be seen, or reorder and overlay what stands beside them.

use unicode_width::UnicodeWidthChar as _;

/// Characters with Unicode's property `Default_Ignorable_Code_Point` (DerivedCoreProperties.txt) or the general
/// category Cc, Cf, Zl, Zp or, the ordinary blank aside, Zs (DerivedGeneralCategory.txt), as of Unicode 16.0, and two
/// symbols that are drawn as nothing; in code order, both ends included. A test compares the table with the crate
/// `regex-syntax`.
const HIDDEN: [(char, char); 31] = [
    ('\0', '\u{1f}'),
    ('\u{7f}', '\u{a0}'),
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{1680}', '\u{1680}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{2000}', '\u{200f}'),
    ('\u{2028}', '\u{202f}'),
    ('\u{205f}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'), // Braille with no dot
    ('\u{3000}', '\u{3000}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d159}', '\u{1d159}'), // a note without a head
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// A control or format character, a separator other than the blank, or one that is drawn as nothing (zero-width, Hangul
/// fillers, variation selectors, tags, bidirectional controls): it is never shown as itself.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    if (' '..='~').contains(&c) {
        return false;
    }
    let behind = HIDDEN.partition_point(|&(first, _)| first <= c);
    behind
        .checked_sub(1)
        .and_then(|at| HIDDEN.get(at))
        .is_some_and(|&(_, last)| c <= last)
}

/// A character that takes no cell of its own but is drawn on the one before it (combining marks, vowels and final
/// consonants of Hangul).
#[must_use]
pub fn is_mark(c: char) -> bool {
    !c.is_ascii() && c.width() == Some(0) && !is_hidden(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex_syntax::hir::{Class, HirKind};

    /// Every character of a class, as the crate's tables have it.
    fn class(pattern: &str) -> Vec<(char, char)> {
        match regex_syntax::parse(pattern).unwrap().into_kind() {
            HirKind::Class(Class::Unicode(class)) => class.iter().map(|range| (range.start(), range.end())).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_table_is_unicodes_own() {
        assert_eq!(
            HIDDEN.to_vec(),
            class(r"[[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Zs}\x{2800}\x{1D159}]--[\x20]]")
        );
    }

    #[test]
    fn every_nonspacing_and_enclosing_mark_is_hidden_or_bounded() {
        let marks = class(r"[\p{Mn}\p{Me}]");
        let taking_a_cell: Vec<char> = marks
            .iter()
            .flat_map(|&(first, last)| first..=last)
            .filter(|&c| !is_hidden(c) && !is_mark(c))
            .collect();
        // the Tifinagh joiner, which fonts draw in a cell of its own
        assert_eq!(taking_a_cell, ['\u{2d7f}']);
    }

    #[test]
    fn no_blank_but_the_ordinary_one_is_shown_as_itself() {
        for c in "\u{a0}\u{1680}\u{2000}\u{2007}\u{200a}\u{202f}\u{205f}\u{2800}\u{3000}".chars() {
            assert!(is_hidden(c), "{:x}", u32::from(c));
        }
        assert!(!is_hidden(' '));
    }

    #[test]
    fn letters_of_every_script_are_seen() {
        for c in "aé日本Ω\u{5d0}ß\u{fffd}".chars() {
            assert!(!is_hidden(c) && !is_mark(c), "{c}");
        }
    }
}
