//! Start tags: the attributes as they are spelt. quick-xml leaves them unchecked, so this is where they are.

use super::chars::is_blank;

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
