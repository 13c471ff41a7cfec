//! What raw bytes between tags or quotes mean, and how a value is spelt so that it means itself.

use super::chars::{is_xml_char, reference};
use super::error::Unplain;
use super::tag::Tag;
use crate::hostile::text_at;

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
pub(super) fn decode_attribute(raw: &str) -> String {
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
    text
}

/// The first character that XML 1.0 cannot hold.
pub(super) fn first_unholdable(value: &str) -> Option<char> {
    value.chars().find(|&c| !is_xml_char(c))
}

/// Spells a value as element content. LF becomes the document's line ending, which reads back as LF; a CR of the value is a
/// reference, or it would read back as LF.
pub(super) fn escape(value: &str, ending: &str) -> String {
    let mut raw = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' => raw.push_str("&amp;"),
            '<' => raw.push_str("&lt;"),
            '>' => raw.push_str("&gt;"),
            '\r' => raw.push_str("&#13;"),
            '\n' => raw.push_str(ending),
            other => raw.push(other),
        }
    }
    raw
}

/// Spells an attribute value for these quotes. Tab, LF and CR are references, or they would read back as spaces.
pub(super) fn escape_attribute(value: &str, quote: char) -> String {
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
            other => raw.push(other),
        }
    }
    raw
}

/// The `name` attribute's value, if there is one.
pub(super) fn name_of(tag: &Tag<'_>) -> Option<String> {
    tag.attribute("name").map(|name| decode_attribute(name.raw))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        fn an_escaped_value_reads_back(value in "(?s)[\r\n\t<>&\"' -~é\u{10000}\\]]{0,30}", ending in prop::sample::select(vec!["\n", "\r\n", "\r"])) {
            let raw = escape(&value, ending);
            prop_assert_eq!(decode(&raw), Content { text: value.clone(), unplain: None });
            for quote in ['"', '\''] {
                let raw = escape_attribute(&value, quote);
                prop_assert!(!raw.contains(quote) && !raw.contains('<'));
                prop_assert_eq!(decode_attribute(&raw), value.clone());
            }
        }
    }
}
