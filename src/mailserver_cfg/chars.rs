//! Which characters, names and references XML 1.0 (fifth edition) allows.

use crate::hostile::slice_at;

/// Production 2, `Char`.
pub(super) fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

/// Production 3, `S`.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Byte offset of the first character that XML 1.0 cannot hold. `&str` has no surrogates, so control characters,
/// U+FFFE and U+FFFF remain; the loop over fixed chunks is one that the compiler turns into vector code.
pub(super) fn first_illegal(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let bad = |b: u8| b < 0x20 && b != b'\t' && b != b'\n' && b != b'\r';
    let mut control = None;
    for (number, chunk) in bytes.chunks(4096).enumerate() {
        if chunk.iter().fold(false, |seen, &b| seen | bad(b)) {
            control = chunk.iter().position(|&b| bad(b)).map(|at| number * 4096 + at);
            break;
        }
    }
    let until = slice_at(bytes, ..control.unwrap_or(bytes.len()));
    let no_character =
        memchr::memchr_iter(0xEF, until).find(|&at| matches!(until.get(at + 1..at + 3), Some([0xBF, 0xBE | 0xBF])));
    no_character.or(control)
}

/// Production 5, `Name`, without the colon: this file knows no namespaces.
pub(super) fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let Some(first) = bytes.next() else { return false };
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if (first.is_ascii_alphabetic() || first == b'_') && bytes.all(plain) {
        return true;
    }
    if name.is_ascii() {
        return false;
    }
    let mut characters = name.chars();
    characters.next().is_some_and(is_name_start) && characters.all(is_name_char)
}

fn is_name_start(c: char) -> bool {
    matches!(c, 'A'..='Z' | 'a'..='z' | '_' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

fn is_name_char(c: char) -> bool {
    is_name_start(c) || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// What the text between `&` and `;` stands for: one of the five entities or a legal character reference.
pub(super) fn reference(name: &str) -> Option<char> {
    match name {
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "amp" => return Some('&'),
        "apos" => return Some('\''),
        "quot" => return Some('"'),
        _ => {}
    }
    let number = name.strip_prefix('#')?;
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    // from_str_radix would take a sign
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    let code = if significant.is_empty() {
        0
    } else {
        u32::from_str_radix(significant, radix).ok()?
    };
    char::from_u32(code).filter(|&c| is_xml_char(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn references_are_the_five_entities_and_legal_characters_only() {
        for (name, c) in [
            ("lt", '<'),
            ("amp", '&'),
            ("#65", 'A'),
            ("#x41", 'A'),
            ("#x0000000000041", 'A'),
            ("#x10FFFF", '\u{10FFFF}'),
        ] {
            assert_eq!(reference(name), Some(c), "{name}");
        }
        for name in [
            "",
            "nbsp",
            "LT",
            "#",
            "#x",
            "#0",
            "#x0",
            "#xD800",
            "#xFFFE",
            "#x110000",
            "#+65",
            "#X41",
            "#99999999999",
            "#8",
            "#1 ",
        ] {
            assert_eq!(reference(name), None, "{name}");
        }
    }

    #[test]
    fn names_follow_the_grammar_and_have_no_colon() {
        for name in ["config", "_x", "a-b.c9", "é", "日本"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "9a", "-a", "a:b", "xmlns:x", "a b", "a/", "a=\"", "×", "a\u{2190}"] {
            assert!(!is_name(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn the_fast_search_finds_what_the_grammar_forbids(text in "(?s).{0,40}[\u{0}-\u{40}\u{FFF0}-\u{FFFF}]{0,6}.{0,9}") {
            let slow = text.char_indices().find(|&(_, c)| !is_xml_char(c)).map(|(at, _)| at);
            prop_assert_eq!(first_illegal(&text), slow);
        }
    }
}
