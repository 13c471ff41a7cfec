//! The habits of a file: indent, line ending, quotes. A new variable looks like the one above it.

use std::ops::Range;

use crate::hostile::text_at;

use super::document::Document;
use super::index::{Element, Index, Section, SectionKind, Spot};
use super::markup::{Tag, declares_ascii};
use super::place::{ending_at, ending_before, line_end};
use super::text::{escape, escape_attribute};

/// What stands before an element that has its line to itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lead<'a> {
    /// The line ending before it; empty only where the element does not begin a line.
    pub(super) ending: &'a str,
    /// The blanks before it.
    pub(super) indent: &'a str,
}

impl Lead<'_> {
    /// Everything on one line.
    pub(super) const NONE: Lead<'static> = Lead { ending: "", indent: "" };
}

/// `name="X"`, as a new variable or table spells it.
pub(super) struct NewVariable<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
}

/// How a document is written.
pub(super) struct Style<'d> {
    text: &'d str,
    index: &'d Index,
    /// The line ending: the first one in the file.
    pub(super) ending: &'static str,
    /// The file declares itself to be ASCII.
    ascii: bool,
}

impl<'d> Style<'d> {
    pub(super) fn of(document: &'d Document) -> Self {
        Self {
            text: &document.text,
            index: &document.index,
            ending: match ending_at(&document.text, line_end(&document.text, 0)) {
                "" => "\n",
                ending => ending,
            },
            ascii: declares_ascii(&document.text),
        }
    }

    /// The lead of an element at `at`, if only blanks stand before it in its line. Reads those blanks and no more: a
    /// line may be the whole file.
    pub(super) fn lead(&self, at: usize) -> Option<Lead<'d>> {
        let before = text_at(self.text, ..at);
        let start = before.trim_end_matches([' ', '\t']).len();
        let ending = ending_before(self.text, start);
        (!ending.is_empty()).then_some(Lead {
            ending,
            indent: text_at(self.text, start..at),
        })
    }

    /// The quote that an element uses for its name, `"` where it has none.
    pub(super) fn quote(&self, tag: Range<usize>) -> char {
        let tag = Tag::at(self.text, tag);
        tag.attribute("name").map_or('"', |name| name.quote)
    }

    /// The lead for variables of a table that has none yet: deeper than the table by what other tables use.
    pub(super) fn lead_inside(&self, table: &Section) -> Lead<'d> {
        let Some(own) = self.lead(table.element.span().start) else {
            return Lead::NONE;
        };
        let sample = self
            .index
            .sections
            .iter()
            .filter(|section| section.kind == SectionKind::Table)
            .find_map(|section| {
                let outer = self.lead(section.element.span().start)?;
                let inner = self.lead(self.index.direct(section).next()?.start())?;
                (outer.indent == own.indent && inner.indent.starts_with(own.indent)).then_some(inner.indent)
            });
        // without another table to learn from: one more of the table's own indent, which is one level deep
        Lead {
            ending: own.ending,
            indent: sample.unwrap_or_else(|| Self::deeper(own.indent)),
        }
    }

    /// Twice this indent, found as a piece of blanks in the file, or made of spaces.
    pub(super) fn deeper(indent: &str) -> &'static str {
        if indent.starts_with('\t') {
            "\t\t"
        } else {
            SPACES
                .get(..(indent.len() * 2).clamp(2, SPACES.len()))
                .unwrap_or(SPACES)
        }
    }

    /// The lead for a new section: like the last one that begins a line.
    pub(super) fn lead_of_sections(&self) -> Lead<'d> {
        if let Some(found) = self
            .index
            .sections
            .iter()
            .rev()
            .find_map(|section| self.lead(section.element.span().start))
        {
            return found;
        }
        let root = &self.index.root;
        if self.index.sections.is_empty() && !text_at(self.text, root.inner()).contains("<!--") {
            return Lead {
                ending: self.ending,
                indent: "  ",
            };
        }
        Lead::NONE
    }

    /// The quote that the file's other tables use.
    pub(super) fn usual_quote(&self) -> char {
        self.index
            .sections
            .last()
            .map_or('"', |section| self.quote(section.element.tag()))
    }

    /// Spells a value.
    pub(super) fn spell_value(&self, value: &str) -> String {
        escape(value, self.ending, self.ascii)
    }

    /// Spells a name for these quotes.
    pub(super) fn spell_name(&self, name: &str, quote: char) -> String {
        escape_attribute(name, quote, self.ascii)
    }

    /// Spells new variables, each with its lead.
    pub(super) fn spell(&self, lead: Lead<'_>, quote: char, variables: &[NewVariable<'_>]) -> String {
        let mut raw = String::new();
        for variable in variables {
            raw.push_str(lead.ending);
            raw.push_str(lead.indent);
            raw.push_str(&format!(
                "<variable name={quote}{}{quote}>",
                self.spell_name(variable.name, quote)
            ));
            raw.push_str(&self.spell_value(variable.value));
            raw.push_str("</variable>");
        }
        raw
    }

    /// Where the content of an element really ends: before the blanks that stand before its end tag.
    pub(super) fn content_end(&self, element: &Element) -> usize {
        let inner = element.inner();
        let raw = text_at(self.text, inner.clone());
        inner.start + raw.trim_end_matches([' ', '\t', '\r', '\n']).len()
    }

    /// Where a variable's element ends, after its last `>`.
    pub(super) fn end_of(&self, spot: &Spot) -> usize {
        let inner = spot.inner();
        let rest = text_at(self.text, inner.end..);
        if rest.starts_with("</") && !self.is_empty_element(spot) {
            inner.end + rest.find('>').map_or(0, |at| at + 1)
        } else {
            inner.end
        }
    }

    /// `<variable …/>`?
    pub(super) fn is_empty_element(&self, spot: &Spot) -> bool {
        spot.inner().is_empty() && self.text.get(spot.tag()).is_some_and(|tag| tag.ends_with("/>"))
    }

    /// After the rest of the line of `at`, if that rest is nothing but blanks and comments inside `until`; else `at`.
    pub(super) fn after_remarks(&self, at: usize, until: usize) -> usize {
        let mut reached = at;
        loop {
            let rest = text_at(self.text, reached..until);
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            let rest = text_at(rest, blanks..);
            if rest.is_empty() || rest.starts_with(['\r', '\n']) {
                return reached;
            }
            match rest.strip_prefix("<!--").and_then(|comment| comment.find("-->")) {
                Some(inside) => reached += blanks + "<!--".len() + inside + "-->".len(),
                None => return at,
            }
        }
    }
}

const SPACES: &str = "                ";

pub(super) fn is_blank(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b' ' | b'\t'))
}
