//! Markup: start tags as they are spelt, and the rules for each piece (attributes, references, comments, instructions,
//! the XML declaration). quick-xml leaves all of these unchecked.

use std::borrow::Cow;
use std::ops::Range;

use crate::hostile::text_at;

use super::text::{decode_attribute, is_blank, is_name, reference};

/// A start tag or empty-element tag, `<` to `>`.
#[derive(Clone, Copy)]
pub(super) struct Tag<'a> {
    /// The element's name.
    pub(super) element: &'a str,
    /// `<x/>`?
    pub(super) empty: bool,
    /// Between the name and `>` or `/>`.
    inside: &'a str,
    /// Where `inside` begins, from the `<`.
    inside_at: usize,
}

/// One attribute as it is spelt.
#[derive(Clone, Copy)]
pub(super) struct Attribute<'a> {
    pub(super) name: &'a str,
    /// Still escaped.
    pub(super) raw: &'a str,
    /// `"` or `'`.
    pub(super) quote: char,
    /// Where the name begins, from the tag's `<`.
    pub(super) name_at: usize,
    /// Where the value begins, from the tag's `<`.
    pub(super) raw_at: usize,
}

/// What is wrong with an attribute, and where, from the tag's `<`.
#[derive(Debug)]
pub(super) struct Malformed {
    pub(super) at: usize,
    pub(super) what: &'static str,
}

impl<'a> Tag<'a> {
    /// `raw` begins with `<` and ends with `>`.
    pub(super) fn new(raw: &'a str) -> Self {
        let body = raw.strip_prefix('<').unwrap_or(raw);
        let body = body.strip_suffix('>').unwrap_or(body);
        let (body, empty) = body.strip_suffix('/').map_or((body, false), |body| (body, true));
        let end = body.bytes().position(is_blank).unwrap_or(body.len());
        let (element, inside) = body.split_at_checked(end).unwrap_or((body, ""));
        Self {
            element,
            empty,
            inside,
            inside_at: 1 + end,
        }
    }

    /// A `variable` whose tag holds `inside` between its name and `>` or `/>`.
    pub(super) fn variable(inside: &'a str, empty: bool) -> Self {
        Self {
            element: "variable",
            empty,
            inside,
            inside_at: "<variable".len(),
        }
    }

    /// The tag that stands at a place of a text.
    pub(super) fn at(text: &'a str, span: Range<usize>) -> Self {
        Self::new(text_at(text, span))
    }

    /// The value of its `name`, in a tag known to be well formed.
    pub(super) fn name(&self) -> Option<Cow<'a, str>> {
        self.attribute("name").map(|name| decode_attribute(name.raw))
    }

    /// The attributes, ending after the first malformed one.
    pub(super) fn attributes(&self) -> Attributes<'a> {
        Attributes {
            rest: self.inside,
            at: self.inside_at,
        }
    }

    /// The attribute of this name, in a tag known to be well formed.
    pub(super) fn attribute(&self, name: &str) -> Option<Attribute<'a>> {
        self.attributes()
            .map_while(Result::ok)
            .find(|attribute| attribute.name == name)
    }
}

/// See [`Tag::attributes`].
pub(super) struct Attributes<'a> {
    rest: &'a str,
    at: usize,
}

impl<'a> Attributes<'a> {
    fn skip_blanks(&mut self) -> bool {
        let blanks = self.rest.bytes().take_while(|&b| is_blank(b)).count();
        self.take(blanks);
        blanks > 0
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        self.at += taken.len();
        taken
    }

    fn broken(&mut self, what: &'static str) -> Malformed {
        self.rest = "";
        Malformed { at: self.at, what }
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let separated = self.skip_blanks();
        if self.rest.is_empty() {
            return None;
        }
        if !separated {
            return Some(Err(self.broken("expected a blank before the next attribute")));
        }
        let name_at = self.at;
        let name = self.take(
            self.rest
                .bytes()
                .position(|b| b == b'=' || is_blank(b))
                .unwrap_or(self.rest.len()),
        );
        self.skip_blanks();
        if !self.rest.starts_with('=') {
            return Some(Err(self.broken("expected `=` after the attribute's name")));
        }
        self.take(1);
        self.skip_blanks();
        let quote = match self.rest.as_bytes().first() {
            Some(b'"') => '"',
            Some(b'\'') => '\'',
            _ => return Some(Err(self.broken("expected the attribute's value in quotes"))),
        };
        self.take(1);
        let raw_at = self.at;
        let Some(end) = self.rest.find(quote) else {
            return Some(Err(self.broken("the attribute's value has no closing quote")));
        };
        let raw = self.take(end);
        self.take(1);
        Some(Ok(Attribute {
            name,
            raw,
            quote,
            name_at,
            raw_at,
        }))
    }
}

/// Attributes of one element; a real file has two. Bounds the search for duplicates.
pub(super) const ATTRIBUTES: usize = 64;

/// What is wrong, at which byte.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) at: usize,
    pub(super) what: Cow<'static, str>,
    /// See [`ParseError::may_be_sound`](super::ParseError::may_be_sound).
    pub(super) may_be_sound: bool,
}

impl Trouble {
    pub(super) fn new(at: usize, what: impl Into<Cow<'static, str>>) -> Self {
        Self {
            at,
            what: what.into(),
            may_be_sound: false,
        }
    }

    /// What another XML parser would accept.
    pub(super) fn of_sound(at: usize, what: impl Into<Cow<'static, str>>) -> Self {
        Self {
            may_be_sound: true,
            ..Self::new(at, what)
        }
    }
}

/// Why an `&` is refused.
pub(super) const AMPERSAND: &str = "`&` does not begin one of &lt; &gt; &amp; &apos; &quot; or a legal &#…; reference \
    (a `&` in a value is written &amp;)";

/// Why a DOCTYPE is refused.
pub(super) fn doctype(at: usize) -> Trouble {
    Trouble::of_sound(
        at,
        "a DOCTYPE is refused: the mail server writes none, and its entities could hide values",
    )
}

/// Names that may be quoted: no secret can be among them.
pub(super) fn known(name: &str) -> &'static str {
    ["config", "table", "list", "listitem", "variable"]
        .into_iter()
        .find(|&known| known == name)
        .unwrap_or("…")
}

/// Checks the attributes of a tag that begins at `at`.
pub(super) fn check_attributes(tag: &Tag<'_>, at: usize) -> Result<(), Trouble> {
    // grows only with the second attribute
    let mut first = None;
    let mut seen: Vec<&str> = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|broken| Trouble::new(at + broken.at, broken.what))?;
        let name_at = at + attribute.name_at;
        if !is_name(attribute.name) || attribute.name == "xmlns" {
            return Err(Trouble::of_sound(
                name_at,
                "not a legal attribute name (namespaces are not used in mailserver.cfg)",
            ));
        }
        if first == Some(attribute.name) || seen.contains(&attribute.name) {
            return Err(Trouble::new(name_at, "the same attribute stands twice in one element"));
        }
        if first.is_some() {
            seen.push(attribute.name);
        } else {
            first = Some(attribute.name);
        }
        if seen.len() >= ATTRIBUTES {
            return Err(Trouble::of_sound(
                name_at,
                format!("more than {ATTRIBUTES} attributes in one element"),
            ));
        }
        let raw_at = at + attribute.raw_at;
        if memchr::memchr2(b'<', b'&', attribute.raw.as_bytes()).is_some() {
            if let Some(found) = attribute.raw.find('<') {
                return Err(Trouble::new(raw_at + found, "`<` in an attribute; it is written &lt;"));
            }
            check_references(attribute.raw, raw_at)?;
        }
    }
    Ok(())
}

/// Checks every reference in raw text that begins at `at`.
pub(super) fn check_references(raw: &str, at: usize) -> Result<(), Trouble> {
    for (found, _) in raw.match_indices('&') {
        let name = raw
            .get(found + 1..)
            .and_then(|rest| rest.split_once(';'))
            .map_or("", |(name, _)| name);
        if reference(name).is_none() {
            return Err(Trouble::new(at + found, AMPERSAND));
        }
    }
    Ok(())
}

/// Checks a comment.
pub(super) fn check_comment(raw: &str, at: usize) -> Result<(), Trouble> {
    let Some(inside) = raw.strip_prefix("<!--").and_then(|raw| raw.strip_suffix("-->")) else {
        return Err(Trouble::new(at, "a comment that is not closed by `-->`"));
    };
    match inside
        .find("--")
        .or_else(|| inside.ends_with('-').then(|| inside.len() - 1))
    {
        Some(found) => Err(Trouble::new(at + 4 + found, "`--` may not stand in a comment")),
        None => Ok(()),
    }
}

/// Checks a processing instruction.
pub(super) fn check_instruction(raw: &str, at: usize) -> Result<(), Trouble> {
    let inside = raw
        .strip_prefix("<?")
        .and_then(|raw| raw.strip_suffix("?>"))
        .unwrap_or_default();
    let target = inside
        .split(|c: char| c.is_ascii() && is_blank(c as u8))
        .next()
        .unwrap_or_default();
    if target.eq_ignore_ascii_case("xml") {
        return Err(Trouble::new(
            at,
            "an XML declaration may stand only at the very start of the file, spelt `<?xml`",
        ));
    }
    if !is_name(target) {
        return Err(Trouble::new(at, "`<?` is not followed by a legal name"));
    }
    Ok(())
}

/// The names of US-ASCII, which is a part of UTF-8: those that IANA registers and XML can spell, and Python's.
const ASCII: [&str; 10] = [
    "us-ascii",
    "ascii",
    "ansi_x3.4-1968",
    "ansi_x3.4-1986",
    "iso646-us",
    "iso-ir-6",
    "us",
    "ibm367",
    "cp367",
    "csascii",
];

/// The names of UTF-8: the one that the mail server writes, and the one that Python's ElementTree copies.
const UTF_8: [&str; 2] = ["utf-8", "utf8"];

fn is_one_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The XML declaration as a tag: an empty-element tag in all but its brackets.
fn declaration(raw: &str) -> Option<String> {
    let inside = raw.strip_prefix("<?xml")?.split_once("?>")?.0;
    Some(format!("<xml{inside}>"))
}

/// Does a well-formed document declare that it is ASCII? Then other characters are written as references.
pub(super) fn declares_ascii(text: &str) -> bool {
    let Some(tag) = declaration(text) else { return false };
    let encoding = Tag::new(&tag)
        .attribute("encoding")
        .map(|encoding| encoding.raw.to_owned());
    encoding.is_some_and(|encoding| is_one_of(&ASCII, &encoding))
}

/// Checks the XML declaration, which begins at `at` of the document `text`.
pub(super) fn check_declaration(raw: &str, at: usize, text: &str) -> Result<(), Trouble> {
    if at != 0 {
        return Err(Trouble::new(
            at,
            "an XML declaration may stand only at the very start of the file",
        ));
    }
    let refused = |what: &'static str| Err(Trouble::new(at, what));
    let tag = declaration(raw).unwrap_or_default();
    let tag = Tag::new(&tag);
    if tag.empty {
        return refused("the XML declaration has a `/` too much");
    }
    let mut expected = ["version", "encoding", "standalone"].into_iter();
    let mut has_version = false;
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|broken| Trouble::new(at + 1 + broken.at, broken.what))?;
        if !expected.any(|name| name == attribute.name) {
            return refused(
                "the XML declaration has something other than version, encoding and standalone, in this order",
            );
        }
        match attribute.name {
            "version" if attribute.raw != "1.0" => {
                return Err(Trouble::of_sound(at, "the XML version is not 1.0"));
            }
            "version" => has_version = true,
            "encoding" if is_one_of(&ASCII, attribute.raw) => {
                if let Some(odd) = text.bytes().position(|byte| !byte.is_ascii()) {
                    return Err(Trouble::of_sound(
                        odd,
                        "a character beyond ASCII, although the first line declares the encoding to be ASCII \
                         (encoding=\"utf-8\" there would be right if it reads well)",
                    ));
                }
            }
            "encoding" if !is_one_of(&UTF_8, attribute.raw) => {
                return Err(Trouble::of_sound(
                    at,
                    "the declared encoding is neither UTF-8 nor its part US-ASCII; the mail server writes UTF-8",
                ));
            }
            "standalone" if !matches!(attribute.raw, "yes" | "no") => {
                return refused("standalone is neither yes nor no");
            }
            _ => {}
        }
    }
    if has_version {
        Ok(())
    } else {
        refused("the XML declaration has no version")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_keep_their_spelling_and_place() {
        let raw = "<variable\n name = 'a\"b'  x=\"\" />";
        let tag = Tag::new(raw);
        assert_eq!((tag.element, tag.empty), ("variable", true));
        let all: Vec<_> = tag
            .attributes()
            .map(|a| a.unwrap())
            .map(|a| (a.name, a.raw, a.quote))
            .collect();
        assert_eq!(all, [("name", "a\"b", '\''), ("x", "", '"')]);
        let name = tag.attribute("name").unwrap();
        assert!(raw.split_at(name.name_at).1.starts_with("name =") && raw.split_at(name.raw_at).1.starts_with("a\"b'"));
    }

    #[test]
    fn malformed_attributes_are_named_with_their_place() {
        for (raw, at) in [
            ("<a b>", 4),
            ("<a b=c>", 5),
            ("<a b='c>", 6),
            ("<a b='c'd='e'>", 8),
            ("<a b='c'/ >", 8),
        ] {
            let broken = Tag::new(raw).attributes().find_map(Result::err).unwrap();
            assert_eq!(broken.at, at, "{raw}: {}", broken.what);
        }
    }
}
