//! Lines of text, and folding them to rows of a width.

use ratatui::text::Span;

use crate::session::{Line, Tone, Wrap};

/// A line whose words stay whole.
pub fn line(tone: Tone, text: impl Into<String>) -> Line {
    indented(tone, text, 0)
}

/// The same, with a continuation that begins in this column.
pub fn indented(tone: Tone, text: impl Into<String>, indent: u16) -> Line {
    Line {
        tone,
        text: text.into(),
        indent,
        wrap: Wrap::Words,
    }
}

/// Columns a text takes.
#[must_use]
pub fn columns(text: &str) -> usize {
    Span::raw(text).width()
}

/// The longest beginning of `text` that fits into `width` columns, and the rest.
fn split_at_columns(text: &str, width: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, character) in text.char_indices() {
        used += columns(character.encode_utf8(&mut [0; 4]));
        if used > width {
            return text.split_at_checked(at).unwrap_or((text, ""));
        }
    }
    (text, "")
}

/// Cuts a text to a width, ending in `ellipsis` where something is missing.
#[must_use]
pub fn cut(text: &str, width: usize, ellipsis: &str) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let (head, _) = split_at_columns(text, width.saturating_sub(columns(ellipsis)));
    if width < columns(ellipsis) {
        String::new()
    } else {
        format!("{head}{ellipsis}")
    }
}

/// Cuts in the middle of a path, keeping its end.
#[must_use]
pub fn cut_front(text: &str, width: usize, ellipsis: &str) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let Some(room) = width.checked_sub(columns(ellipsis)) else {
        return String::new();
    };
    // A wide character that lies across the cut goes, too.
    let start = text
        .char_indices()
        .map(|(at, _)| at)
        .find(|at| text.get(*at..).is_some_and(|tail| columns(tail) <= room));
    let tail = start.and_then(|at| text.get(at..)).unwrap_or_default();
    format!("{ellipsis}{tail}")
}

/// A line as rows of `width` columns; words stay whole where they fit, continuations are indented.
#[must_use]
pub fn rows(line: &Line, width: usize, ellipsis: &str) -> Vec<String> {
    let width = width.max(1);
    if line.wrap == Wrap::Cut {
        return vec![cut(&line.text, width, ellipsis)];
    }
    let indent = " ".repeat(usize::from(line.indent).min(width / 2));
    let mut rows = Vec::new();
    let mut rest = line.text.as_str();
    let mut lead = "";
    loop {
        let room = width.saturating_sub(lead.len()).max(1);
        let (head, tail) = split_at_columns(rest, room);
        if tail.is_empty() {
            rows.push(format!("{lead}{head}"));
            return rows;
        }
        // Break at the last blank, unless that is all the line has (its own indent, or one long word).
        let at = head
            .rfind(' ')
            .filter(|_| line.wrap == Wrap::Words)
            .filter(|at| !head.get(..*at).unwrap_or("").trim().is_empty() || tail.starts_with(' '));
        let (head, next) = match (tail.starts_with(' '), at) {
            (true, _) | (false, None) => (head, tail),
            (false, Some(at)) => rest.split_at_checked(at).unwrap_or((head, tail)),
        };
        if head.is_empty() {
            if lead.is_empty() {
                // A character wider than the whole row never fits; the rest is left out rather than looping.
                return rows;
            }
            lead = "";
            continue;
        }
        rows.push(format!("{lead}{head}"));
        rest = match line.wrap {
            Wrap::Letters => next,
            Wrap::Words | Wrap::Cut => next.trim_start(),
        };
        if rest.is_empty() {
            return rows;
        }
        lead = &indent;
    }
}

/// Rows that lines take at a width.
#[must_use]
pub fn height(lines: &[Line], width: usize) -> usize {
    lines.iter().map(|line| rows(line, width, "").len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str, indent: u16) -> Line {
        indented(Tone::Text, text, indent)
    }

    #[test]
    fn words_stay_whole_and_continuations_are_indented() {
        assert_eq!(rows(&text("  one two three", 4), 9, "~"), ["  one two", "    three"]);
    }

    #[test]
    fn a_word_longer_than_the_row_is_broken() {
        assert_eq!(rows(&text("abcdefgh", 0), 3, "~"), ["abc", "def", "gh"]);
    }

    proptest::proptest! {
        #[test]
        fn no_row_is_wider_than_asked_and_no_letter_is_lost(
            text in "[a-zé日 ]{0,80}",
            indent in 0u16..10,
            width in 2usize..40,
        ) {
            let rows = rows(&indented(Tone::Text, text.as_str(), indent), width, "~");
            for row in &rows {
                proptest::prop_assert!(columns(row) <= width, "{row:?}");
            }
            let letters = |s: &str| s.chars().filter(|c| *c != ' ').collect::<String>();
            proptest::prop_assert_eq!(letters(&rows.concat()), letters(&text));
        }

        #[test]
        fn cutting_from_either_side_fits(text in "[a-zé日/]{0,60}", width in 0usize..40) {
            proptest::prop_assert!(columns(&cut(&text, width, "~")) <= width);
            proptest::prop_assert!(columns(&cut_front(&text, width, "~")) <= width);
        }
    }

    #[test]
    fn a_line_of_the_file_breaks_anywhere_and_loses_no_blank() {
        let line = Line {
            tone: Tone::Added,
            text: "   34 +   <variable name=\"A\">b  c</variable>".to_owned(),
            indent: 9,
            wrap: Wrap::Letters,
        };
        let rows = rows(&line, 24, "…");
        assert!(rows.iter().all(|row| columns(row) <= 24), "{rows:?}");
        let (first, others) = rows.split_first().unwrap();
        let whole = first.clone() + &others.iter().map(|row| row.get(9..).unwrap()).collect::<String>();
        assert_eq!(whole, line.text);
    }
}
