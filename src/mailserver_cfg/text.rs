//! What raw text means and how a value is spelt: the characters, names and references that XML allows, decoding,
//! escaping.
//!
//! Names are those of XML 1.0's fifth edition. `libxml2` (and `xmllint`) take them, too; parsers that keep to the
//! fourth edition, such as expat, refuse some names that are not ASCII. The mail server itself writes ASCII names only.

use std::borrow::Cow;

use crate::hostile::{slice_at, text_at};

use super::error::Unplain;

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

/// A content, decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Content {
    /// All text in it: references resolved, CDATA as it is, line endings as LF, comments left out.
    pub(super) text: String,
    /// The first thing in it that is no text.
    pub(super) unplain: Option<Unplain>,
}

/// Decodes the raw content of a well-formed element.
pub(super) fn decode(raw: &str) -> Content {
    let mut content = Content {
        text: String::with_capacity(raw.len()),
        unplain: None,
    };
    let mut rest = raw;
    while let Some(at) = memchr::memchr3(b'<', b'&', b'\r', rest.as_bytes()) {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        content.text.push_str(before);
        rest = if let Some(cdata) = from.strip_prefix("<![CDATA[") {
            let (inside, after) = cdata.split_once("]]>").unwrap_or((cdata, ""));
            push_normalised(&mut content.text, inside);
            after
        } else if let Some(comment) = from.strip_prefix("<!--") {
            content.unplain.get_or_insert(Unplain::Comment);
            comment.split_once("-->").map_or("", |(_, after)| after)
        } else if let Some(instruction) = from.strip_prefix("<?") {
            content.unplain.get_or_insert(Unplain::Instruction);
            instruction.split_once("?>").map_or("", |(_, after)| after)
        } else if from.starts_with('<') {
            content.unplain.get_or_insert(Unplain::Element);
            after_tag(from)
        } else if from.starts_with('&') {
            push_reference(&mut content.text, from)
        } else {
            content.text.push('\n');
            from.strip_prefix("\r\n")
                .or_else(|| from.strip_prefix('\r'))
                .unwrap_or_default()
        };
    }
    content.text.push_str(rest);
    content
}

/// Skips a tag; `>` may stand in a quoted value.
fn after_tag(from: &str) -> &str {
    let mut quote = None;
    for (at, b) in from.bytes().enumerate() {
        match (quote, b) {
            (None, b'>') => return text_at(from, at + 1..),
            (None, b'"' | b'\'') => quote = Some(b),
            (Some(open), _) if open == b => quote = None,
            _ => {}
        }
    }
    ""
}

fn push_reference<'a>(text: &mut String, from: &'a str) -> &'a str {
    let Some((name, after)) = from.strip_prefix('&').and_then(|name| name.split_once(';')) else {
        return "";
    };
    text.extend(reference(name));
    after
}

/// XML 1.0 section 2.11: CR LF and a lone CR are read as LF.
fn push_normalised(text: &mut String, raw: &str) {
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('\r') {
        text.push_str(before);
        text.push('\n');
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
    text.push_str(rest);
}

/// Decodes a well-formed attribute value: XML 1.0 section 3.3.3, each blank is a space unless it was a reference.
pub(super) fn decode_attribute(raw: &str) -> Cow<'_, str> {
    if !raw.contains(['&', '\r', '\n', '\t']) {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '\r', '\n', '\t']) {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        text.push_str(before);
        rest = if from.starts_with('&') {
            push_reference(&mut text, from)
        } else {
            text.push(' ');
            from.strip_prefix("\r\n").or_else(|| from.get(1..)).unwrap_or_default()
        };
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// The first character that XML 1.0 cannot hold.
pub(super) fn first_unholdable(value: &str) -> Option<char> {
    value.chars().find(|&c| !is_xml_char(c))
}

/// Spells a value as element content. LF becomes the document's line ending, which reads back as LF; a CR of the value
/// is a reference, or it would read back as LF. `ascii`: other characters are references, because the file declares
/// them away.
pub(super) fn escape(value: &str, ending: &str, ascii: bool) -> String {
    let mut raw = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' => raw.push_str("&amp;"),
            '<' => raw.push_str("&lt;"),
            '>' => raw.push_str("&gt;"),
            '\r' => raw.push_str("&#13;"),
            '\n' => raw.push_str(ending),
            other if ascii && !other.is_ascii() => push_code(&mut raw, other),
            other => raw.push(other),
        }
    }
    raw
}

fn push_code(raw: &mut String, c: char) {
    raw.push_str(&format!("&#x{:X};", u32::from(c)));
}

/// Spells an attribute value for these quotes. Tab, LF and CR are references, or they would read back as spaces.
pub(super) fn escape_attribute(value: &str, quote: char, ascii: bool) -> String {
    let mut raw = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' => raw.push_str("&amp;"),
            '<' => raw.push_str("&lt;"),
            '"' if quote == '"' => raw.push_str("&quot;"),
            '\'' if quote == '\'' => raw.push_str("&apos;"),
            '\t' => raw.push_str("&#9;"),
            '\n' => raw.push_str("&#10;"),
            '\r' => raw.push_str("&#13;"),
            other if ascii && !other.is_ascii() => push_code(&mut raw, other),
            other => raw.push(other),
        }
    }
    raw
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
    #[test]
    fn values_are_read_as_xml_reads_them() {
        let content = decode("a&lt;&#x41;\r\nb\rc<![CDATA[<&\r\n]]]]><![CDATA[>]]>&#13;\td");
        assert_eq!(
            content,
            Content {
                text: "a<A\nb\nc<&\n]]>\r\td".into(),
                unplain: None
            }
        );
        assert_eq!(decode_attribute("a\r\nb\tc&#9;&quot;"), "a b c\t\"");
    }

    #[test]
    fn what_is_not_text_is_named_and_left_out_of_the_value() {
        assert_eq!(
            decode("a<!-- b -->c"),
            Content {
                text: "ac".into(),
                unplain: Some(Unplain::Comment)
            }
        );
        assert_eq!(
            decode("a<?b c?>d"),
            Content {
                text: "ad".into(),
                unplain: Some(Unplain::Instruction)
            }
        );
        assert_eq!(
            decode("a<b c='>'/>d"),
            Content {
                text: "ad".into(),
                unplain: Some(Unplain::Element)
            }
        );
    }

    proptest! {
        #[test]
        fn an_escaped_value_reads_back(value in "(?s)[\r\n\t<>&\"' -~é\u{10000}\\]]{0,30}", ending in prop::sample::select(vec!["\n", "\r\n", "\r"]), ascii: bool) {
            let raw = escape(&value, ending, ascii);
            prop_assert!(!ascii || raw.is_ascii());
            prop_assert_eq!(decode(&raw), Content { text: value.clone(), unplain: None });
            for quote in ['"', '\''] {
                let raw = escape_attribute(&value, quote, ascii);
                prop_assert!(!raw.contains(quote) && !raw.contains('<'));
                prop_assert_eq!(decode_attribute(&raw), value.as_str());
            }
        }
    }
}
