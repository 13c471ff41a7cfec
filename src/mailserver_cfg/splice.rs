//! The splice for each kind of edit: what becomes of lines, indents and tags around it.

use super::content::escape;
use super::document::Document;
use super::index::{Section, Spot};
use super::lines::{ending_at, line_end};
use super::style::{Lead, NewVariable, is_blank};
use crate::hostile::text_at;

/// Replaces `start..end` of the old text.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Splice {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) with: String,
}

impl Document {
    pub(super) fn set(&self, spot: &Spot, value: &str) -> Splice {
        let value = escape(value, self.ending());
        let inner = spot.inner();
        if self.is_empty_element(spot) {
            // `/>` becomes `>`, so that quotes and blanks of the tag stay
            return Splice {
                start: inner.start - "/>".len(),
                end: inner.end,
                with: format!(">{value}</variable>"),
            };
        }
        Splice {
            start: inner.start,
            end: inner.end,
            with: value,
        }
    }

    pub(super) fn delete(&self, spot: &Spot) -> Splice {
        let (start, end) = (spot.start(), self.end_of(spot));
        let line_end = line_end(&self.text, end);
        let rest = text_at(&self.text, end..line_end);
        let with = String::new();
        match self.lead(start) {
            Some(lead) if is_blank(rest) => {
                let ending = ending_at(&self.text, line_end);
                Splice {
                    start: start - lead.indent.len(),
                    end: line_end + ending.len(),
                    with,
                }
            }
            // `</table>` follows at once: it goes on following what was before
            Some(lead) if rest.trim_start_matches([' ', '\t']).starts_with("</") => Splice {
                start: start - lead.indent.len() - lead.ending.len(),
                end,
                with,
            },
            _ => Splice { start, end, with },
        }
    }

    /// The last variable goes and others come: they take its place.
    pub(super) fn replace(&self, last: &Spot, added: &[NewVariable<'_>]) -> Splice {
        let lead = self.lead(last.start()).unwrap_or(Lead::NONE);
        let spelt = self.spell(lead, self.quote(last.tag()), added);
        // the lead of the first one is there already
        let with = text_at(&spelt, lead.ending.len() + lead.indent.len()..).to_owned();
        Splice {
            start: last.start(),
            end: self.end_of(last),
            with,
        }
    }

    pub(super) fn append(&self, section: &Section, last: &Spot, added: &[NewVariable<'_>]) -> Splice {
        let lead = self.lead(last.start()).unwrap_or(Lead::NONE);
        let at = self.after_remarks(self.end_of(last), section.element.inner().end);
        Splice {
            start: at,
            end: at,
            with: self.spell(lead, self.quote(last.tag()), added),
        }
    }

    /// A table without variables: `<table/>`, `<table></table>`, or with nothing but comments.
    pub(super) fn fill(&self, section: &Section, added: &[NewVariable<'_>]) -> Splice {
        let element = &section.element;
        let lead = self.lead_inside(section);
        let own = self.lead(element.span().start).unwrap_or(Lead::NONE);
        let spelt = self.spell(lead, self.quote(element.tag()), added);
        let inner = element.inner();
        if self.text.get(element.tag()).is_some_and(|tag| tag.ends_with("/>")) {
            let with = format!(">{spelt}{}{}</table>", own.ending, own.indent);
            return Splice {
                start: inner.start - "/>".len(),
                end: inner.end,
                with,
            };
        }
        let at = self.content_end(element);
        if text_at(&self.text, at..inner.end).contains(['\r', '\n']) {
            return Splice {
                start: at,
                end: at,
                with: spelt,
            };
        }
        Splice {
            start: at,
            end: inner.end,
            with: format!("{spelt}{}{}", own.ending, own.indent),
        }
    }

    pub(super) fn new_tables(&self, tables: &[(&str, Vec<NewVariable<'_>>)]) -> Splice {
        let lead = self.lead_of_sections();
        let quote = self.usual_quote();
        let sample = self
            .index
            .sections
            .iter()
            .rev()
            .find(|section| self.direct(section).next().is_some());
        let variable_lead = if lead.ending.is_empty() {
            Lead::NONE
        } else {
            let indent = sample.and_then(|section| self.lead(self.direct(section).next()?.start()));
            Lead {
                ending: lead.ending,
                indent: indent.map_or_else(|| Self::deeper(lead.indent), |lead| lead.indent),
            }
        };
        let mut with = String::new();
        for (name, variables) in tables {
            let name = super::content::escape_attribute(name, quote);
            with.push_str(&format!(
                "{}{}<table name={quote}{name}{quote}>",
                lead.ending, lead.indent
            ));
            with.push_str(&self.spell(variable_lead, quote, variables));
            with.push_str(&format!("{}{}</table>", lead.ending, lead.indent));
        }
        let root = &self.index.root;
        let inner = root.inner();
        if self.text.get(root.tag()).is_some_and(|tag| tag.ends_with("/>")) {
            return Splice {
                start: inner.start - "/>".len(),
                end: inner.end,
                with: format!(">{with}{}</config>", lead.ending),
            };
        }
        let at = self.content_end(root);
        if text_at(&self.text, at..inner.end).contains(['\r', '\n']) {
            return Splice {
                start: at,
                end: at,
                with,
            };
        }
        Splice {
            start: at,
            end: inner.end,
            with: format!("{with}{}", lead.ending),
        }
    }
}
