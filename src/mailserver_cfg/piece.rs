//! One element as a piece of text, for comparing documents without a tree.

use std::ops::Range;

use super::content::{decode, decode_attribute, name_of};
use super::strict::{Sink, scan};
use super::tag::Tag;

/// An element of a document that was parsed before.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    /// From `<` to after the last `>`.
    pub(super) raw: &'a str,
    /// The start tag.
    tag: &'a str,
}

impl<'a> Piece<'a> {
    pub(super) fn new(raw: &'a str, tag: &'a str) -> Self {
        Self { raw, tag }
    }

    pub(super) fn element(&self) -> &'a str {
        Tag::new(self.tag).element
    }

    pub(super) fn name(&self) -> Option<String> {
        name_of(&Tag::new(self.tag))
    }

    /// Attributes other than `name`, decoded.
    pub(super) fn attributes(&self) -> Vec<(String, String)> {
        let all = Tag::new(self.tag)
            .attributes()
            .map_while(Result::ok)
            .filter(|attribute| attribute.name != "name");
        all.map(|attribute| (attribute.name.to_owned(), decode_attribute(attribute.raw)))
            .collect()
    }

    /// The child elements, in order.
    pub(super) fn children(&self) -> Vec<Piece<'a>> {
        // most elements are variables with nothing but text
        if memchr::memchr_iter(b'<', self.raw.as_bytes()).nth(2).is_none() {
            return Vec::new();
        }
        let mut children = Children {
            found: Vec::new(),
            open: 0..0,
        };
        // a part of a document that was parsed before, so it cannot fail
        let _ = scan(self.raw, self.element(), &mut children);
        let piece =
            |(tag, end): (Range<usize>, usize)| Some(Self::new(self.raw.get(tag.start..end)?, self.raw.get(tag)?));
        children.found.into_iter().filter_map(piece).collect()
    }

    /// All text inside.
    pub(super) fn value(&self) -> String {
        let inner = self.raw.strip_prefix(self.tag).unwrap_or_default();
        inner
            .rfind("</")
            .and_then(|end| inner.get(..end))
            .map(|inner| decode(inner).text)
            .unwrap_or_default()
    }

    /// The value of the first variable of this name directly inside.
    pub(super) fn child_value(&self, name: &str) -> Option<String> {
        let named = |child: &Piece<'_>| child.element() == "variable" && child.name().as_deref() == Some(name);
        self.children().into_iter().find(named).map(|child| child.value())
    }
}

/// The child elements of the root: start tag and end.
struct Children {
    found: Vec<(Range<usize>, usize)>,
    open: Range<usize>,
}

impl Sink for Children {
    fn open(&mut self, depth: usize, _: &Tag<'_>, at: Range<usize>) {
        if depth == 2 {
            self.open = at;
        }
    }

    fn close(&mut self, depth: usize, at: Range<usize>) {
        if depth == 2 {
            self.found.push((self.open.clone(), at.end));
        }
    }
}
