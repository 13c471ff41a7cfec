//! Text written by strangers, made safe to show; and the spans found in it, taken without a panic.
//!
//! Whatever did not come from this program (values and names of the file, paths, log lines, replies of servers, output
//! of commands) passes through [`safe_text`], [`safe_path`] or [`safe_lines`] before it reaches a terminal, a file that
//! people print to one, or an error message. There is no second list of such characters anywhere in the house.
//!
//! It also knows the marks of a stored secret. Which variables are secret is another matter
//! ([`crate::mailserver_cfg::Secrets`]). This room must never know where text comes from or where it goes.

mod characters;
mod secrets;
mod spans;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

pub use characters::{is_hidden, is_mark};
pub use secrets::{holds_secret, holds_secret_in_ciphers, mentions_secret, names_secret, quotes_secret};
pub use spans::{slice_at, text_at};

/// Combining marks shown on one base character: a decomposed umlaut has one; more of them cover what stands above.
const MARKS: usize = 1;

/// The same of a Hangul consonant, which a vowel and a final consonant join in its own cell.
const HANGUL_MARKS: usize = 2;

/// Longest path shown, in characters: the kernel's own limit in bytes.
const PATH: usize = 4096;

/// Shows text that a stranger may have written, in one line of at most `max` characters (`…` is the last where text was
/// left out).
///
/// Control bytes and invalid UTF-8 become `\x..`; characters that cannot be seen (see [`is_hidden`]), combining marks
/// without a base, and a second mark on one base become `\u{..}`. A backslash stands for itself.
#[must_use]
pub fn safe_text(bytes: impl AsRef<[u8]>, max: usize) -> String {
    let bytes = bytes.as_ref();
    let mut line = Shown::new(max);
    // Each character shown stands for at least one character of input, and those have at most four bytes: what lies
    // behind `max` times four bytes can never be shown and is not read.
    let read = bytes.get(..max.saturating_mul(4).saturating_add(4)).unwrap_or(bytes);
    for chunk in read.utf8_chunks() {
        let fits = chunk.valid().chars().all(|c| line.push(c)) && chunk.invalid().iter().all(|&b| line.escape_byte(b));
        if !fits {
            return line.cut();
        }
    }
    if read.len() < bytes.len() {
        line.cut()
    } else {
        line.text
    }
}

/// A path as it may be shown: the same rules as [`safe_text`], up to the longest path that the kernel takes.
#[must_use]
pub fn safe_path(path: impl AsRef<Path>) -> String {
    safe_text(path.as_ref().as_os_str().as_encoded_bytes(), PATH)
}

/// The last gate before a terminal or a file: whole text of ours, which may quote strangers, with its line feeds kept
/// and everything else as in [`safe_text`]. Its length is not bounded.
#[must_use]
pub fn safe_lines(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)) {
        return Cow::Borrowed(text);
    }
    let mut shown = Shown::new(usize::MAX);
    for c in text.chars() {
        if c == '\n' {
            shown.text.push('\n');
            shown.marks_left = 0;
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown.text)
}

/// A line that is being made safe.
struct Shown {
    text: String,
    /// Characters in `text`.
    used: usize,
    max: usize,
    /// How many more combining marks the last character may carry.
    marks_left: usize,
    /// What `text` and `used` were before the last character or escape.
    before: (usize, usize),
}

impl Shown {
    fn new(max: usize) -> Self {
        Self {
            text: String::new(),
            used: 0,
            max,
            marks_left: 0,
            before: (0, 0),
        }
    }

    /// Adds a character, or its escape whole. `false`: there was no room for it.
    fn push(&mut self, c: char) -> bool {
        let code = u32::from(c);
        if c.is_ascii_control() {
            return self.escape_byte(u8::try_from(code).unwrap_or_default());
        }
        let mark = is_mark(c);
        if is_hidden(c) || (mark && self.marks_left == 0) {
            // `\u{…}` with one to six digits
            return self.escape(5 + code.max(1).ilog2() as usize / 4, format_args!("\\u{{{code:x}}}"));
        }
        if self.used >= self.max {
            return false;
        }
        self.before = (self.text.len(), self.used);
        self.text.push(c);
        self.used += 1;
        self.marks_left = match c {
            _ if mark => self.marks_left - 1,
            '\u{1100}'..='\u{115e}' => HANGUL_MARKS,
            _ => MARKS,
        };
        true
    }

    fn escape_byte(&mut self, byte: u8) -> bool {
        self.escape(4, format_args!("\\x{byte:02x}"))
    }

    fn escape(&mut self, length: usize, escape: std::fmt::Arguments<'_>) -> bool {
        if self.max - self.used < length {
            return false;
        }
        self.before = (self.text.len(), self.used);
        let _ = self.text.write_fmt(escape);
        self.used += length;
        self.marks_left = 0;
        true
    }

    /// Ends the line where something was left out.
    fn cut(mut self) -> String {
        if self.max == 0 {
            return self.text;
        }
        if self.used >= self.max {
            self.text.truncate(self.before.0);
        }
        self.text.push('…');
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn control_bytes_bad_utf8_and_bidi_controls_are_shown_as_hex() {
        assert_eq!(safe_text(b"a\x1b[2Jb\r\n", 80), "a\\x1b[2Jb\\x0d\\x0a");
        assert_eq!(safe_text(b"a\xff\xfeb", 80), "a\\xff\\xfeb");
        assert_eq!(safe_text("x\u{202e}y\u{200b}\u{9b}", 80), "x\\u{202e}y\\u{200b}\\u{9b}");
        assert_eq!(safe_text("Grüße, 東京", 80), "Grüße, 東京");
    }

    #[test]
    fn characters_that_take_no_cell_are_shown_as_hex() {
        for c in [
            '\u{1bca0}',
            '\u{1bca3}',
            '\u{115f}',
            '\u{3164}',
            '\u{ffa0}',
            '\u{2028}',
            '\u{2029}',
            '\u{ad}',
            '\u{600}',
            '\u{feff}',
            '\u{fe0f}',
            '\u{e0041}',
            '\u{13430}',
        ] {
            assert_eq!(safe_text(format!("a{c}b"), 80), format!("a\\u{{{:x}}}b", u32::from(c)));
        }
    }

    #[test]
    fn marks_need_a_base_and_do_not_pile_up() {
        assert_eq!(safe_text("Mu\u{308}ller", 80), "Mu\u{308}ller");
        assert_eq!(safe_text("e\u{301}\u{323}x", 80), "e\u{301}\\u{323}x");
        assert_eq!(
            safe_text("\u{301}a", 80),
            "\\u{301}a",
            "it would sit on what stands before the text"
        );
        assert_eq!(safe_text("\u{1b}\u{301}", 80), "\\x1b\\u{301}");
        let piled = format!("a{}b", "\u{301}".repeat(3));
        assert_eq!(safe_text(piled, 80), "a\u{301}\\u{301}\\u{301}b");
        assert_eq!(
            safe_text("\u{1100}\u{1161}\u{11a8}", 80),
            "\u{1100}\u{1161}\u{11a8}",
            "a Hangul syllable"
        );
    }

    #[test]
    fn text_is_bounded_and_an_escape_is_never_cut_in_two() {
        assert_eq!(safe_text("abcdef", 6), "abcdef");
        assert_eq!(safe_text("abcdefg", 6), "abcde…");
        assert_eq!(safe_text(b"abcd\x1bef", 6), "abcd…");
        assert_eq!(safe_text("abc", 0), "");
        assert_eq!(safe_text("a\u{202e}b", 9), "a…");
        assert_eq!(safe_text("a\u{202e}bc", 10), "a\\u{202e}…");
        assert_eq!(safe_text("a\u{202e}b", 10), "a\\u{202e}b");
    }

    #[test]
    fn whole_text_keeps_its_lines_and_a_path_its_name() {
        assert!(matches!(safe_lines("plain\nlines\n"), Cow::Borrowed("plain\nlines\n")));
        assert_eq!(
            safe_lines("é\n\u{301}\r\n\u{1b}]0;x\u{7}"),
            "é\n\\u{301}\\x0d\n\\x1b]0;x\\x07"
        );
        assert_eq!(safe_path("/srv/\u{1b}[31m/ä"), "/srv/\\x1b[31m/ä");
    }

    proptest! {
        #[test]
        fn no_bytes_ever_yield_a_character_that_is_not_seen_or_more_than_was_asked(
            bytes in proptest::collection::vec(any::<u8>(), 0..200), max in 0_usize..60,
        ) {
            let text = safe_text(&bytes, max);
            prop_assert!(text.chars().count() <= max);
            prop_assert!(!text.chars().any(is_hidden));
        }

        #[test]
        fn any_characters_are_safe_and_within_their_bound(text in "(?s).{0,40}", max in 0_usize..60) {
            let shown = safe_text(&text, max);
            prop_assert!(shown.chars().count() <= max);
            prop_assert!(!shown.chars().any(is_hidden) && !shown.starts_with(is_mark));
            prop_assert_eq!(safe_text(&shown, usize::MAX), shown.clone(), "what is safe stays as it is");
            prop_assert!(!safe_lines(&text).chars().any(|c| c != '\n' && is_hidden(c)));
        }
    }
}
