//! Where things lie: byte spans, small enough that old and new document fit into memory together (12 bytes a variable:
//! names and lines are read from the text when asked for).

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::Arc;

use crate::hostile::{slice_at, text_at};

use super::markup::{Tag, Trouble};
use super::place::LineCounter;
use super::scan::{Sink, scan};
use super::text::decode_attribute;

/// A name that stands more than once where it should be unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// The table. Shared, because a table of a long name may have many of them.
    pub table: Arc<str>,
    /// The variable, or `None` when the table itself is there more than once.
    pub variable: Option<String>,
    /// The lines where each begins.
    pub lines: Vec<u32>,
}

/// What stands directly in `<config>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SectionKind {
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
    pub(super) kind: SectionKind,
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
            ..trouble
        })?;
        let Builder {
            mut index, suspects, ..
        } = builder;
        index.sections.shrink_to_fit();
        index.variables.shrink_to_fit();
        index.duplicates = index.find_duplicates(text, &suspects);
        Ok(index)
    }

    /// The variables of a section, at any depth.
    pub(super) fn variables_of(&self, section: &Section) -> &[Spot] {
        slice_at(
            &self.variables,
            wide(section.variables.start)..wide(section.variables.end),
        )
    }

    /// The variables directly in a table.
    pub(super) fn direct(&self, section: &Section) -> impl DoubleEndedIterator<Item = &Spot> {
        self.variables_of(section).iter().filter(|spot| spot.is_direct())
    }

    /// Sorts instead of comparing each with each, and counts lines once: 100,000 duplicates are no more work than as
    /// many variables.
    fn find_duplicates(&self, text: &str, suspects: &[u32]) -> Vec<Duplicate> {
        let mut found: Vec<(Vec<usize>, Arc<str>, Option<String>)> = Vec::new();
        let tables = self
            .sections
            .iter()
            .filter(|section| section.kind == SectionKind::Table);
        let tables = tables.filter_map(|section| Some((name_in(text, section.element.tag())?, section.element.span())));
        for (name, starts) in repeated(tables.map(|(name, span)| (name, span.start))) {
            found.push((starts, name.into(), None));
        }
        for &section in suspects {
            let Some(section) = self.sections.get(wide(section)) else {
                continue;
            };
            let Some(table) = name_in(text, section.element.tag()) else {
                continue;
            };
            let table: Arc<str> = table.into();
            let variables = self.direct(section);
            let variables = variables.filter_map(|spot| Some((name_in(text, spot.tag())?, spot.start())));
            for (name, starts) in repeated(variables) {
                found.push((starts, Arc::clone(&table), Some(name.into_owned())));
            }
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let mut lines: Vec<(usize, u32)> = found
            .iter()
            .flat_map(|(starts, ..)| starts.iter().map(|&start| (start, 0)))
            .collect();
        lines.sort_unstable();
        let mut counter = LineCounter::new(text);
        for (start, line) in &mut lines {
            *line = counter.line(*start);
        }
        let line_of = |start: usize| {
            let at = lines.partition_point(|&(other, _)| other < start);
            lines.get(at).map_or(0, |&(_, line)| line)
        };
        let found = found.into_iter();
        found
            .map(|(starts, table, variable)| Duplicate {
                table,
                variable,
                lines: starts.into_iter().map(line_of).collect(),
            })
            .collect()
    }
}

/// The names that are there more than once, each with its places in order.
fn repeated<'a>(named: impl Iterator<Item = (Cow<'a, str>, usize)>) -> Vec<(Cow<'a, str>, Vec<usize>)> {
    let mut named: Vec<(Cow<'a, str>, usize)> = named.collect();
    named.sort_unstable();
    let runs = named.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() > 1);
    runs.filter_map(|run| Some((run.first()?.0.clone(), run.iter().map(|&(_, start)| start).collect())))
        .collect()
}

/// The `name` attribute of the tag at `span`.
pub(super) fn name_in(text: &str, span: Range<usize>) -> Option<Cow<'_, str>> {
    Tag::at(text, span).name()
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
            .is_some_and(|section| section.kind == SectionKind::Table)
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
                    SectionKind::Table
                } else {
                    SectionKind::Other
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
                self.hashes.push(self.hasher.hash_one(&*decode_attribute(name.raw)));
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
