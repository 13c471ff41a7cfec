//! Words of strangers, made safe to show: one function for every room above, because six of them had six different ideas
//! of what a stranger can hide in a line.
//!
//! It must never know where text comes from or where it goes. Secrets are another matter ([`crate::mailserver_cfg`]).

use std::fmt::Write as _;

/// Shows text that a stranger may have written: control bytes, invalid UTF-8 and invisible format characters
/// (bidirectional overrides, zero-width, tags: Unicode's "Trojan Source" set) become `\\x..` or `\\u{..}`, and at most
/// `max` characters are given, with `…` as the last where text was left out. A backslash stands for itself.
#[must_use]
pub fn safe_text(bytes: impl AsRef<[u8]>, max: usize) -> String {
    let mut out = String::new();
    let mut used = 0_usize;
    // Each shown character stands for at least one byte of input: what lies beyond `max` bytes of characters (four
    // bytes at most each) can never be shown and is not looked at.
    let bytes = bytes.as_ref();
    let looked_at = bytes.get(..max.saturating_mul(4).saturating_add(4)).unwrap_or(bytes);
    let mut cut = looked_at.len() < bytes.len();
    let mut piece = String::new();
    'all: for chunk in looked_at.utf8_chunks() {
        for c in chunk.valid().chars() {
            piece.clear();
            if c.is_ascii_control() {
                let _ = write!(piece, "\\x{:02x}", u32::from(c));
            } else if is_invisible(c) {
                let _ = write!(piece, "\\u{{{:x}}}", u32::from(c));
            } else {
                piece.push(c);
            }
            if !append(&mut out, &mut used, &piece, max) {
                cut = true;
                break 'all;
            }
        }
        for byte in chunk.invalid() {
            piece.clear();
            let _ = write!(piece, "\\x{byte:02x}");
            if !append(&mut out, &mut used, &piece, max) {
                cut = true;
                break 'all;
            }
        }
    }
    if cut && max > 0 {
        while used >= max {
            out.pop();
            used -= 1;
        }
        out.push('…');
    }
    out
}

/// Adds a piece whole or not at all, so that an escape is never cut in two.
fn append(out: &mut String, used: &mut usize, piece: &str, max: usize) -> bool {
    let length = piece.chars().count();
    if *used + length > max {
        return false;
    }
    out.push_str(piece);
    *used += length;
    true
}

/// Characters that take no cell or reorder their neighbours, and the C1 controls.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
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
    fn text_is_bounded_and_an_escape_is_never_cut_in_two() {
        assert_eq!(safe_text("abcdef", 6), "abcdef");
        assert_eq!(safe_text("abcdefg", 6), "abcde…");
        assert_eq!(safe_text(b"abcd\x1bef", 6), "abcd…");
        assert_eq!(safe_text("abc", 0), "");
    }

    proptest! {
        #[test]
        fn no_bytes_ever_yield_a_control_character_or_more_than_was_asked(
            bytes in proptest::collection::vec(any::<u8>(), 0..200), max in 0_usize..60,
        ) {
            let text = safe_text(&bytes, max);
            prop_assert!(text.chars().count() <= max);
            prop_assert!(!text.chars().any(|c| c.is_control() || is_invisible(c)));
        }
    }
}
