//! Where secrets lie in the text, so that lines can be shown. Whoever prints a line of the file asks here first.

use std::ops::Range;

use super::content::{decode, decode_attribute};
use super::document::Document;
use super::lines::BOM;
use super::secrets::{Secrets, looks_secret};
use super::strict::{Sink, scan, scan_inside};
use super::tag::Tag;
use super::types::VariablePath;
use crate::hostile::text_at;

impl Document {
    /// The spans inside `window` that must be hidden, in file order: values of secret variables (and of any other element or
    /// attribute named like one), comments and instructions that mention a secret.
    pub(super) fn sensitive(&self, window: Range<usize>, secrets: &Secrets) -> Vec<Range<usize>> {
        let skip = if self.text.starts_with(BOM) { BOM.len() } else { 0 };
        let document = text_at(&self.text, skip..);
        let window = window.start.saturating_sub(skip)..window.end.saturating_sub(skip);
        let mut finder = Finder {
            text: document,
            window,
            secrets,
            open: Vec::new(),
            found: Vec::new(),
        };
        // parsed before, so neither can fail
        match self.sections_around(&finder.window, skip) {
            Some(part) => {
                let text = text_at(document, ..part.end);
                scan_inside(text, "config", part.start, &mut finder);
            }
            None => {
                let _ = scan(document, "config", &mut finder);
            }
        }
        let mut found: Vec<_> = finder
            .found
            .into_iter()
            .map(|span| span.start + skip..span.end + skip)
            .collect();
        found.sort_by_key(|span| (span.start, span.end));
        found
    }

    /// From the end of the last section before the window to the beginning of the first one after it: all that can reach into it. `None`: the
    /// window may touch something before the first section or after the last one. Offsets without the byte order mark.
    fn sections_around(&self, window: &Range<usize>, skip: usize) -> Option<Range<usize>> {
        let spans = || {
            let spans = self.index.sections.iter().map(|section| section.element.span());
            spans.map(|span| span.start.saturating_sub(skip)..span.end.saturating_sub(skip))
        };
        let start = spans()
            .map(|span| span.end)
            .take_while(|end| *end <= window.start)
            .last()?;
        let end = spans().map(|span| span.start).find(|start| *start >= window.end)?;
        Some(start..end)
    }
}

struct Finder<'a> {
    text: &'a str,
    window: Range<usize>,
    secrets: &'a Secrets,
    /// Start tag of each open element.
    open: Vec<Range<usize>>,
    found: Vec<Range<usize>>,
}

impl Finder<'_> {
    fn meets(&self, span: &Range<usize>) -> bool {
        span.start < self.window.end && span.end > self.window.start
    }

    fn text_of(&self, span: &Range<usize>) -> &str {
        text_at(self.text, span.clone())
    }

    /// The top-level table that an element of this depth, which has just been closed, stands in. (The root is not among the
    /// open elements where only some sections are looked at.)
    fn table(&self, depth: usize) -> Option<String> {
        let section = self.open.last().filter(|_| depth == 3)?;
        let tag = Tag::new(self.text_of(section));
        let name = tag.attribute("name").filter(|_| tag.element == "table")?;
        Some(decode_attribute(name.raw))
    }
}

impl Sink for Finder<'_> {
    fn open(&mut self, _: usize, tag: &Tag<'_>, at: Range<usize>) {
        if self.meets(&at) {
            for attribute in tag.attributes().map_while(Result::ok) {
                let value = decode_attribute(attribute.raw);
                // the name of a thing is no secret because it says "key"
                let name = if attribute.name == "name" { "" } else { attribute.name };
                if self.secrets.is_secret(name, &value) {
                    let start = at.start + attribute.raw_at;
                    self.found.push(start..start + attribute.raw.len());
                }
            }
        }
        self.open.push(at);
    }

    fn close(&mut self, depth: usize, at: Range<usize>) {
        let Some(start_tag) = self.open.pop() else { return };
        let inner = start_tag.end..at.start.max(start_tag.end);
        // sections are large and hold their secrets in elements of their own
        if depth < 3 || inner.is_empty() || !self.meets(&inner) {
            return;
        }
        let tag = Tag::new(self.text_of(&start_tag));
        // a container may be named like a secret; its variables are judged by their own names
        if matches!(tag.element, "listitem" | "table" | "list") {
            return;
        }
        let name = tag
            .attribute("name")
            .map_or_else(|| tag.element.to_owned(), |name| decode_attribute(name.raw));
        let value = decode(self.text_of(&inner)).text;
        let secret = match self.table(depth).filter(|_| tag.element == "variable") {
            Some(table) => {
                let path = VariablePath { table, variable: name };
                self.secrets.is_secret_at(&path, &value)
            }
            None => self.secrets.is_secret(&name, &value),
        };
        if secret {
            self.found.push(inner);
        }
    }

    fn aside(&mut self, at: Range<usize>) {
        if self.meets(&at) && looks_secret(self.text_of(&at)) {
            self.found.push(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_in_a_window_is_the_same_when_only_the_sections_around_it_are_looked_at() {
        let inside = "<!-- password one --><table name='A'><variable name='MyKey'>x</variable></table> <?php secret?>\
                      <list name='B'><listitem><variable name='C'>D3S:1</variable></listitem></list>\
                      <!-- a\npassword --><other D='SHA:2'><!-- pass-word --></other><table name='E'><variable name='HisKey'>1</variable></table>\
                      <table name='F'><variable name='Password'>y</variable></table> <!-- key password -->";
        for bom in ["", BOM] {
            let text = format!("{bom}<!-- password --><config key='D3S:3'>{inside}</config><!-- password -->");
            let document = Document::parse(text.clone().into()).unwrap();
            let his_key = VariablePath {
                table: "E".into(),
                variable: "HisKey".into(),
            };
            let secrets = Secrets {
                closed: vec![his_key],
                ..Secrets::default()
            };
            let open = text.find("'HisKey'>1").unwrap();
            let value = open + "'HisKey'>".len();
            assert_eq!(document.sensitive(value..value + 1, &secrets), []);
            let hidden = value..value + 1;
            assert_eq!(document.sensitive(hidden.clone(), &Secrets::default()), vec![hidden]);
            let mut parts = 0;
            for start in (0..text.len()).step_by(5) {
                for end in (start + 1..text.len()).step_by(7) {
                    let window = start.saturating_sub(bom.len())..end.saturating_sub(bom.len());
                    parts += usize::from(document.sections_around(&window, bom.len()).is_some());
                    let mut finder = Finder {
                        text: text.strip_prefix(bom).unwrap(),
                        window,
                        secrets: &secrets,
                        open: Vec::new(),
                        found: Vec::new(),
                    };
                    scan(finder.text, "config", &mut finder).unwrap();
                    let mut all: Vec<_> = finder.found;
                    all.sort_by_key(|span| (span.start, span.end));
                    let all: Vec<_> = all.iter().map(|at| at.start + bom.len()..at.end + bom.len()).collect();
                    assert_eq!(document.sensitive(start..end, &secrets), all, "{start}..{end}");
                }
            }
            assert!(parts > 100, "{parts}");
        }
    }
}
