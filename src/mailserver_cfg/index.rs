//! Where things lie: byte spans, small enough that old and new document fit into memory together (12 bytes a variable:
//! names and lines are read from the text when asked for).

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use super::content::decode_attribute;
use super::lines::LineCounter;
use super::markup::Trouble;
use super::strict::{Sink, scan};
use super::tag::Tag;
use super::types::Duplicate;
use crate::hostile::{slice_at, text_at};

/// What stands directly in `<config>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Table,
    /// A list, or something this program does not know.
    Other,
}

/// An element by its four offsets. Empty-element tag: `inner` is the empty range at its end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Element {
    start: u32,
    inner_start: u32,
    inner_end: u32,
    end: u32,
}

impl Element {
    /// From `<` to after the last `>`.
    pub(super) fn span(&self) -> Range<usize> {
        wide(self.start)..wide(self.end)
    }
    /// The start tag.
    pub(super) fn tag(&self) -> Range<usize> {
        wide(self.start)..wide(self.inner_start)
    }
    /// Between the tags.
    pub(super) fn inner(&self) -> Range<usize> {
        wide(self.inner_start)..wide(self.inner_end)
    }
}

/// An element directly in `<config>`.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub(super) kind: Kind,
    pub(super) element: Element,
    /// Its variables, at any depth, in [`Index::variables`].
    pub(super) variables: Range<u32>,
}

/// A `<variable>` anywhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    /// Offset of `<`; the highest bit says: directly in a top-level table.
    start: u32,
    inner_start: u32,
    inner_end: u32,
}

const DIRECT: u32 = 1 << 31;

impl Spot {
    pub(super) fn start(&self) -> usize {
        wide(self.start & !DIRECT)
    }
    /// Directly in a top-level table?
    pub(super) fn is_direct(&self) -> bool {
        self.start & DIRECT != 0
    }
    /// The start tag.
    pub(super) fn tag(&self) -> Range<usize> {
        self.start()..wide(self.inner_start)
    }
    /// Between the tags; the empty range at the end of an empty-element tag.
    pub(super) fn inner(&self) -> Range<usize> {
        wide(self.inner_start)..wide(self.inner_end)
    }
}

/// All spans; offsets count from the first byte of the file, byte order mark included.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    pub(super) root: Element,
    pub(super) sections: Vec<Section>,
    pub(super) variables: Vec<Spot>,
    pub(super) duplicates: Vec<Duplicate>,
}

fn wide(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

impl Index {
    /// Checks `text` from `skip` on (the byte order mark) and indexes it.
    pub(super) fn build(text: &str, skip: usize) -> Result<Self, Trouble> {
        let mut builder = Builder {
            index: Self::default(),
            base: skip,
            open: Vec::new(),
            hasher: RandomState::new(),
            hashes: Vec::new(),
            suspects: Vec::new(),
        };
        let document = text_at(text, skip..);
        let scanned = scan(document, "config", &mut builder);
        scanned.map_err(|trouble| Trouble {
            at: trouble.at + skip,
            what: trouble.what,
        })?;
        let Builder {
            mut index, suspects, ..
        } = builder;
        index.sections.shrink_to_fit();
        index.variables.shrink_to_fit();
        index.duplicates = index.find_duplicates(text, suspects);
        Ok(index)
    }

    /// The variables of a section, at any depth.
    pub(super) fn variables_of(&self, section: &Section) -> &[Spot] {
        slice_at(
            &self.variables,
            wide(section.variables.start)..wide(section.variables.end),
        )
    }

    fn find_duplicates(&self, text: &str, suspects: Vec<u32>) -> Vec<Duplicate> {
        let mut found: Vec<(Vec<usize>, String, Option<String>)> = Vec::new();
        let mut tables: HashMap<String, usize> = HashMap::new();
        for section in self.sections.iter().filter(|section| section.kind == Kind::Table) {
            let Some(name) = name_in(text, section.element.tag()) else {
                continue;
            };
            let place = *tables.entry(name.clone()).or_insert(found.len());
            match found.get_mut(place) {
                Some((starts, ..)) => starts.push(section.element.span().start),
                None => found.push((vec![section.element.span().start], name, None)),
            }
        }
        for section in suspects {
            let Some(section) = self.sections.get(wide(section)) else {
                continue;
            };
            let Some(table) = name_in(text, section.element.tag()) else {
                continue;
            };
            let mut variables: HashMap<String, usize> = HashMap::new();
            for spot in self.variables_of(section).iter().filter(|spot| spot.is_direct()) {
                let Some(name) = name_in(text, spot.tag()) else {
                    continue;
                };
                let place = *variables.entry(name.clone()).or_insert(found.len());
                match found.get_mut(place) {
                    Some((starts, ..)) => starts.push(spot.start()),
                    None => found.push((vec![spot.start()], table.clone(), Some(name))),
                }
            }
        }
        found.retain(|(starts, ..)| starts.len() > 1);
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let lines = |starts: Vec<usize>| {
            let mut counter = LineCounter::new(text);
            starts.into_iter().map(|start| counter.line(start)).collect()
        };
        found
            .into_iter()
            .map(|(starts, table, variable)| Duplicate {
                table,
                variable,
                lines: lines(starts),
            })
            .collect()
    }
}

/// The `name` attribute of the tag at `span`.
pub(super) fn name_in(text: &str, span: Range<usize>) -> Option<String> {
    super::content::name_of(&Tag::new(text.get(span)?))
}

struct Builder {
    index: Index,
    base: usize,
    /// The place in `index.variables` of each open element that is a variable.
    open: Vec<Option<usize>>,
    hasher: RandomState,
    /// Hashes of the names in the table that is open: 8 bytes a variable, for one table at a time.
    hashes: Vec<u64>,
    /// Sections that have two equal hashes, and so almost surely two equal names.
    suspects: Vec<u32>,
}

impl Builder {
    fn in_table(&self) -> bool {
        self.index
            .sections
            .last()
            .is_some_and(|section| section.kind == Kind::Table)
    }
}

impl Sink for Builder {
    fn open(&mut self, depth: usize, tag: &Tag<'_>, at: Range<usize>) {
        let (start, end) = (narrow(at.start + self.base), narrow(at.end + self.base));
        let element = Element {
            start,
            inner_start: end,
            inner_end: end,
            end,
        };
        let count = narrow(self.index.variables.len());
        match depth {
            1 => self.index.root = element,
            2 => {
                let kind = if tag.element == "table" {
                    Kind::Table
                } else {
                    Kind::Other
                };
                self.index.sections.push(Section {
                    kind,
                    element,
                    variables: count..count,
                });
                self.hashes.clear();
            }
            _ => {}
        }
        let mut place = None;
        if tag.element == "variable" {
            let name = if depth == 3 && self.in_table() {
                tag.attribute("name")
            } else {
                None
            };
            if let Some(name) = name {
                let hash = if name.raw.contains(['&', '\t', '\n', '\r']) {
                    self.hasher.hash_one(decode_attribute(name.raw).as_str())
                } else {
                    self.hasher.hash_one(name.raw)
                };
                self.hashes.push(hash);
            }
            place = Some(self.index.variables.len());
            let start = if name.is_some() { start | DIRECT } else { start };
            self.index.variables.push(Spot {
                start,
                inner_start: end,
                inner_end: end,
            });
        }
        self.open.push(place);
    }

    fn close(&mut self, depth: usize, at: Range<usize>) {
        let (start, end) = (narrow(at.start + self.base), narrow(at.end + self.base));
        if let Some(spot) = self
            .open
            .pop()
            .flatten()
            .and_then(|place| self.index.variables.get_mut(place))
        {
            spot.inner_end = start;
        }
        if depth == 1 {
            (self.index.root.inner_end, self.index.root.end) = (start, end);
        } else if depth == 2 {
            let count = narrow(self.index.variables.len());
            let number = self.index.sections.len().saturating_sub(1);
            if let Some(section) = self.index.sections.last_mut() {
                (section.element.inner_end, section.element.end) = (start, end);
                section.variables.end = count;
            }
            self.hashes.sort_unstable();
            if self.hashes.windows(2).any(|pair| pair.first() == pair.last()) {
                self.suspects.push(narrow(number));
            }
        }
    }
}
