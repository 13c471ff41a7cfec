//! The rules for single pieces of markup: attributes, references, comments, instructions, the XML declaration.

use std::borrow::Cow;

use super::chars::{is_blank, is_name, reference};
use super::tag::Tag;

/// Attributes of one element; a real file has two. Bounds the search for duplicates.
pub(super) const ATTRIBUTES: usize = 64;

/// What is wrong, at which byte.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) at: usize,
    pub(super) what: Cow<'static, str>,
}

impl Trouble {
    pub(super) fn new(at: usize, what: impl Into<Cow<'static, str>>) -> Self {
        Self { at, what: what.into() }
    }
}

pub(super) const AMPERSAND: &str = "`&` does not begin one of &lt; &gt; &amp; &apos; &quot; or a legal &#…; reference (a `&` in a value is written &amp;)";

pub(super) fn doctype(at: usize) -> Trouble {
    Trouble::new(
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

pub(super) fn attributes(tag: &Tag<'_>, at: usize) -> Result<(), Trouble> {
    // grows only with the second attribute
    let mut first = None;
    let mut seen: Vec<&str> = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|broken| Trouble::new(at + broken.at, broken.what))?;
        let name_at = at + attribute.name_at;
        if !is_name(attribute.name) || attribute.name == "xmlns" {
            return Err(Trouble::new(
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
            return Err(Trouble::new(
                name_at,
                format!("more than {ATTRIBUTES} attributes in one element"),
            ));
        }
        let raw_at = at + attribute.raw_at;
        match memchr::memchr2(b'<', b'&', attribute.raw.as_bytes()) {
            None => {}
            Some(_) => {
                if let Some(found) = attribute.raw.find('<') {
                    return Err(Trouble::new(raw_at + found, "`<` in an attribute; it is written &lt;"));
                }
                references(attribute.raw, raw_at)?;
            }
        }
    }
    Ok(())
}

pub(super) fn references(raw: &str, at: usize) -> Result<(), Trouble> {
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

pub(super) fn comment(raw: &str, at: usize) -> Result<(), Trouble> {
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

pub(super) fn instruction(raw: &str, at: usize) -> Result<(), Trouble> {
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

pub(super) fn declaration(raw: &str, at: usize) -> Result<(), Trouble> {
    if at != 0 {
        return Err(Trouble::new(
            at,
            "an XML declaration may stand only at the very start of the file",
        ));
    }
    let refused = |what: &'static str| Err(Trouble::new(at, what));
    // an empty-element tag in all but its brackets
    let inside = raw
        .strip_prefix("<?")
        .and_then(|raw| raw.strip_suffix("?>"))
        .unwrap_or_default();
    let tag = format!("<{inside}>");
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
            "version" if attribute.raw != "1.0" => return refused("the XML version is not 1.0"),
            "version" => has_version = true,
            "encoding" if !attribute.raw.eq_ignore_ascii_case("utf-8") => {
                return refused("the declared encoding is not UTF-8; the mail server writes UTF-8");
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
