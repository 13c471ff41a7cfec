//! Where something stands: a line and column, found only when someone asks, or the path of a variable. A line ends with
//! LF, CR LF, or (as XML counts) a lone CR.

use std::fmt;

use crate::hostile::{safe_text, slice_at, text_at};

/// A place in the file; both count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line.
    pub line: u32,
    /// Column, in characters.
    pub column: u32,
}

/// A variable of a top-level table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariablePath {
    /// Table name.
    pub table: String,
    /// Variable name.
    pub variable: String,
}

impl fmt::Display for VariablePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}",
            safe_text(&self.table, NAME),
            safe_text(&self.variable, NAME)
        )
    }
}

/// Longest name shown, in characters.
pub(super) const NAME: usize = 200;

/// The UTF-8 byte order mark.
pub(super) const BOM: &str = "\u{FEFF}";

/// Number of line ends before `at`.
fn ends_before(bytes: &[u8], at: usize) -> u32 {
    let before = bytes.get(..at).unwrap_or(bytes);
    let feeds = memchr::memchr_iter(b'\n', before).count();
    let lone = memchr::memchr_iter(b'\r', before)
        .filter(|&cr| bytes.get(cr + 1) != Some(&b'\n'))
        .count();
    u32::try_from(feeds + lone).unwrap_or(u32::MAX)
}

/// The line of a byte offset, from 1.
pub(super) fn line_of(text: &str, at: usize) -> u32 {
    ends_before(text.as_bytes(), at).saturating_add(1)
}

/// Lines of many ascending offsets in one pass.
pub(super) struct LineCounter<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u32,
}

impl<'a> LineCounter<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
            line: 1,
        }
    }

    /// The line of `at`, which must not be less than the one asked before.
    pub(super) fn line(&mut self, at: usize) -> u32 {
        let rest = slice_at(self.bytes, self.at..);
        self.line = self.line.saturating_add(ends_before(rest, at.saturating_sub(self.at)));
        self.at = self.at.max(at);
        self.line
    }
}

/// Line and column of a byte offset; a byte order mark is not counted.
pub(super) fn position(text: &str, at: usize) -> Position {
    let start = line_start(text, at);
    let before = text_at(text, start..at);
    let before = if start == 0 {
        before.strip_prefix(BOM).unwrap_or(before)
    } else {
        before
    };
    let column = u32::try_from(before.chars().count())
        .unwrap_or(u32::MAX)
        .saturating_add(1);
    Position {
        line: line_of(text, at),
        column,
    }
}

/// Where the line of `at` begins.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let before = bytes.get(..at).unwrap_or(bytes);
    match memchr::memrchr2(b'\n', b'\r', before) {
        // between CR and LF: still the line that they end
        Some(end) if before.get(end) == Some(&b'\r') && bytes.get(end + 1) == Some(&b'\n') => line_start(text, end),
        Some(end) => end + 1,
        None => 0,
    }
}

/// Where the line of `at` ends, before its line ending.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let rest = slice_at(text.as_bytes(), at..);
    memchr::memchr2(b'\n', b'\r', rest).map_or(text.len(), |end| at + end)
}

/// The line ending that stands at `at`, or nothing.
pub(super) fn ending_at(text: &str, at: usize) -> &'static str {
    match text.as_bytes().get(at..) {
        Some([b'\r', b'\n', ..]) => "\r\n",
        Some([b'\r', ..]) => "\r",
        Some([b'\n', ..]) => "\n",
        _ => "",
    }
}

/// The line ending just before `at`, or nothing.
pub(super) fn ending_before(text: &str, at: usize) -> &'static str {
    match text.as_bytes().get(..at) {
        Some([.., b'\r', b'\n']) => "\r\n",
        Some([.., b'\n']) => "\n",
        Some([.., b'\r']) => "\r",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_not_the_byte_order_mark() {
        let text = "\u{FEFF}<é>\r\n日本x\ry\n";
        let at = |part: &str| position(text, text.find(part).unwrap());
        assert_eq!(at("<"), Position { line: 1, column: 1 });
        assert_eq!(at(">"), Position { line: 1, column: 3 });
        assert_eq!(at("x"), Position { line: 2, column: 3 });
        assert_eq!(at("y"), Position { line: 3, column: 1 });
        assert_eq!(position(text, text.len()), Position { line: 4, column: 1 });
    }

    #[test]
    fn counting_on_agrees_with_counting_anew() {
        let text = "a\r\nb\nc\rd\r\n\n\r\re";
        let mut counter = LineCounter::new(text);
        for at in 0..=text.len() {
            assert_eq!(counter.line(at), line_of(text, at), "{at}");
        }
    }

    #[test]
    fn a_line_begins_and_ends_at_any_kind_of_ending() {
        let text = "ab\r\ncd\re";
        assert_eq!((line_start(text, 1), line_end(text, 1)), (0, 2));
        assert_eq!((line_start(text, 3), line_start(text, 4), line_end(text, 5)), (0, 4, 6));
        assert_eq!(
            (ending_at(text, 2), ending_before(text, 4), ending_at(text, 6)),
            ("\r\n", "\r\n", "\r")
        );
    }
}
