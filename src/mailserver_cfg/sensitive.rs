//! Where secrets lie in the text, so that lines can be shown. Whoever prints a line of the file asks here first.

use std::borrow::Cow;
use std::ops::Range;

use crate::hostile::{mentions_secret, text_at};

use super::document::Document;
use super::markup::Tag;
use super::place::BOM;
use super::scan::{Sink, scan, scan_inside};
use super::secrets::Secrets;
use super::text::{decode, decode_attribute};

/// The spans that must be hidden where they meet one of the windows (which are in file order and do not overlap), in
/// file order: values of secret variables (and of any other element or attribute named like one), comments and
/// instructions that mention a secret. One pass, however many windows there are.
pub(super) fn sensitive(document: &Document, windows: &[Range<usize>], secrets: &Secrets) -> Vec<Range<usize>> {
    let skip = if document.text.starts_with(BOM) { BOM.len() } else { 0 };
    let text = text_at(&document.text, skip..);
    let windows = windows.iter();
    let windows: Vec<Range<usize>> = windows
        .map(|window| window.start.saturating_sub(skip)..window.end.saturating_sub(skip))
        .collect();
    let (Some(first), Some(last)) = (windows.first(), windows.last()) else {
        return Vec::new();
    };
    let part = sections_around(document, &(first.start..last.end), skip);
    let mut finder = Finder::new(text, windows, secrets);
    // parsed before, so neither can fail
    match part {
        Some(part) => scan_inside(text_at(text, ..part.end), "config", part.start, &mut finder),
        None => {
            let _ = scan(text, "config", &mut finder);
        }
    }
    let found = finder.found.into_iter();
    let mut found: Vec<_> = found.map(|span| span.start + skip..span.end + skip).collect();
    found.sort_by_key(|span| (span.start, span.end));
    found
}

/// From the end of the last section before the window to the beginning of the first one after it: all that can reach
/// into it. `None`: the window may touch something before the first section or after the last one. Offsets without the
/// byte order mark.
fn sections_around(document: &Document, window: &Range<usize>, skip: usize) -> Option<Range<usize>> {
    let sections = &document.index.sections;
    let span = |at: usize| sections.get(at).map(|section| section.element.span());
    let before = sections.partition_point(|section| section.element.span().end <= window.start + skip);
    let behind = sections.partition_point(|section| section.element.span().start < window.end + skip);
    let start = span(before.checked_sub(1)?)?.end;
    Some(start - skip..span(behind)?.start - skip)
}

struct Finder<'a> {
    text: &'a str,
    windows: Vec<Range<usize>>,
    secrets: &'a Secrets,
    /// Start tag of each open element.
    open: Vec<Range<usize>>,
    /// The name of the top-level table that is open.
    table: Option<Cow<'a, str>>,
    found: Vec<Range<usize>>,
}

impl<'a> Finder<'a> {
    fn new(text: &'a str, windows: Vec<Range<usize>>, secrets: &'a Secrets) -> Self {
        Self {
            text,
            windows,
            secrets,
            open: Vec::new(),
            table: None,
            found: Vec::new(),
        }
    }

    fn meets(&self, span: &Range<usize>) -> bool {
        let next = self.windows.partition_point(|window| window.end <= span.start);
        self.windows.get(next).is_some_and(|window| window.start < span.end)
    }

    fn text_of(&self, span: &Range<usize>) -> &'a str {
        text_at(self.text, span.clone())
    }
}

impl Sink for Finder<'_> {
    fn open(&mut self, depth: usize, tag: &Tag<'_>, at: Range<usize>) {
        if depth == 2 {
            let tag = Tag::new(self.text_of(&at));
            self.table = tag.name().filter(|_| tag.element == "table");
        }
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
        let name = tag.name().unwrap_or(Cow::Borrowed(tag.element));
        let value = decode(self.text_of(&inner)).text;
        let secret = match &self.table {
            Some(table) if depth == 3 && tag.element == "variable" => self.secrets.is_secret_in(table, &name, &value),
            _ => self.secrets.is_secret(&name, &value),
        };
        if secret {
            self.found.push(inner);
        }
    }

    fn aside(&mut self, at: Range<usize>) {
        if self.meets(&at) && mentions_secret(self.text_of(&at)) {
            self.found.push(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::place::VariablePath;
    use super::*;

    fn sensitive_in(document: &Document, window: Range<usize>, secrets: &Secrets) -> Vec<Range<usize>> {
        sensitive(document, std::slice::from_ref(&window), secrets)
    }

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
            assert_eq!(sensitive_in(&document, value..value + 1, &secrets), []);
            let hidden = value..value + 1;
            assert_eq!(
                sensitive_in(&document, hidden.clone(), &Secrets::default()),
                vec![hidden]
            );
            let mut parts = 0;
            for start in (0..text.len()).step_by(5) {
                for end in (start + 1..text.len()).step_by(7) {
                    let window = start.saturating_sub(bom.len())..end.saturating_sub(bom.len());
                    parts += usize::from(sections_around(&document, &window, bom.len()).is_some());
                    let mut finder = Finder::new(text.strip_prefix(bom).unwrap(), vec![window], &secrets);
                    scan(finder.text, "config", &mut finder).unwrap();
                    let mut all: Vec<_> = finder.found;
                    all.sort_by_key(|span| (span.start, span.end));
                    let all: Vec<_> = all.iter().map(|at| at.start + bom.len()..at.end + bom.len()).collect();
                    assert_eq!(sensitive_in(&document, start..end, &secrets), all, "{start}..{end}");
                }
            }
            assert!(parts > 100, "{parts}");
        }
    }
}
