//! The difference in lines, as a person reviews it: secrets hidden, unseen characters as hex, long lines cut.

use std::ops::Range;

use crate::hostile::{safe_text, text_at};

use super::document::Document;
use super::place::{BOM, LineCounter, ending_at, ending_before, line_end, line_start};
use super::proof::Proven;
use super::secrets::{HIDDEN, Secrets};
use super::sensitive::sensitive;
use super::splices::Splice;

/// Longest line shown, in characters.
const WIDTH: usize = 400;

/// A line of the masked diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffLine {
    /// What happened to it.
    pub kind: DiffKind,
    /// Line number: in the old file for `Removed` and `Context`, in the new one for `Added`.
    pub line: u32,
    /// The text, secrets masked, control characters as hex, without line ending; bounded in length.
    pub text: String,
}

/// What happened to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiffKind {
    /// Unchanged, shown for orientation.
    Context,
    /// Only in the old file.
    Removed,
    /// Only in the new file.
    Added,
}

/// Neighbouring splices, as whole lines of both texts.
struct Hunk {
    old: Range<usize>,
    new: Range<usize>,
}

/// The masked diff of what was proven, with up to `context` unchanged lines around each change.
pub(super) fn diff(proven: &Proven, secrets: &Secrets, context: usize) -> Vec<DiffLine> {
    let (base, result) = (&proven.base, &proven.result);
    let hunks: Vec<Hunk> = hunks(&base.text, &proven.splices, &result.text)
        .into_iter()
        .map(|hunk| trim(&base.text, hunk, &result.text))
        .collect();
    let mut parts: Vec<(DiffKind, Range<usize>)> = Vec::new();
    let mut shown_to = 0;
    for (number, hunk) in hunks.iter().enumerate() {
        let before = back(&base.text, hunk.old.start, context).max(shown_to);
        let next = hunks.get(number + 1).map_or(base.text.len(), |next| next.old.start);
        let after = forth(&base.text, hunk.old.end, context).min(next);
        parts.push((DiffKind::Context, before..hunk.old.start));
        parts.push((DiffKind::Removed, hunk.old.clone()));
        parts.push((DiffKind::Added, hunk.new.clone()));
        parts.push((DiffKind::Context, hunk.old.end..after));
        shown_to = after;
    }
    parts.retain(|(_, lines)| !lines.is_empty());
    let of_new = |kind: DiffKind| kind == DiffKind::Added;
    let windows = |new: bool| -> Vec<Range<usize>> {
        let parts = parts.iter().filter(|(kind, _)| of_new(*kind) == new);
        parts.map(|(_, lines)| lines.clone()).collect()
    };
    let mut old = Side::new(base, &windows(false), secrets);
    let mut new = Side::new(result, &windows(true), secrets);
    let mut shown = Vec::new();
    for (kind, lines) in parts {
        let side = if of_new(kind) { &mut new } else { &mut old };
        side.show(lines, kind, &mut shown);
    }
    shown
}

/// Widens splices to lines that are whole in both texts, and joins those that touch. What stands in none of the hunks
/// is the same in both.
fn hunks(base: &str, splices: &[Splice], result: &str) -> Vec<Hunk> {
    let mut hunks: Vec<Hunk> = Vec::new();
    let (mut added, mut removed) = (0, 0);
    for splice in splices {
        // most files have short lines, but one may be a single line with a thousand changes in it
        let inside = hunks.last().is_some_and(|last| splice.end < last.old.end);
        let old = if inside {
            splice.start..splice.end
        } else {
            whole(base, splice.start..splice.end)
        };
        let mut hunk = match hunks.pop_if(|last| old.start <= last.old.end) {
            Some(last) => Hunk {
                old: last.old.start..last.old.end.max(old.end),
                ..last
            },
            None => {
                let start = old.start + added - removed;
                Hunk { old, new: start..start }
            }
        };
        (added, removed) = (added + splice.with.len(), removed + splice.end - splice.start);
        let in_result = |at: usize| at + added - removed;
        // the lines end together: where the new text goes on behind the splice, so does the old one's next line
        let end = in_result(hunk.old.end);
        if !inside && line_start(result, end) != end {
            hunk.old.end = forth(base, hunk.old.end, 1);
        }
        hunk.new.end = in_result(hunk.old.end);
        hunks.push(hunk);
    }
    hunks
}

fn trim(base: &str, mut hunk: Hunk, result: &str) -> Hunk {
    loop {
        let old = base.get(hunk.old.start..forth(base, hunk.old.start, 1).min(hunk.old.end));
        let new = result.get(hunk.new.start..forth(result, hunk.new.start, 1).min(hunk.new.end));
        match (old, new) {
            (Some(old), Some(new)) if !old.is_empty() && old == new => {
                hunk.old.start += old.len();
                hunk.new.start += new.len();
            }
            _ => break,
        }
    }
    loop {
        let old = base.get(back(base, hunk.old.end, 1).max(hunk.old.start)..hunk.old.end);
        let new = result.get(back(result, hunk.new.end, 1).max(hunk.new.start)..hunk.new.end);
        match (old, new) {
            (Some(old), Some(new)) if !old.is_empty() && old == new => {
                hunk.old.end -= old.len();
                hunk.new.end -= new.len();
            }
            _ => return hunk,
        }
    }
}

/// One of the two texts; what is shown of it comes in order.
struct Side<'d> {
    text: &'d str,
    counter: LineCounter<'d>,
    /// What is not shown, where it meets what is shown.
    hidden: Vec<Range<usize>>,
}

impl<'d> Side<'d> {
    fn new(document: &'d Document, windows: &[Range<usize>], secrets: &Secrets) -> Self {
        Self {
            text: &document.text,
            counter: LineCounter::new(&document.text),
            hidden: joined(sensitive(document, windows, secrets)),
        }
    }

    fn show(&mut self, lines: Range<usize>, kind: DiffKind, shown: &mut Vec<DiffLine>) {
        let text = self.text;
        let mut start = lines.start;
        while start < lines.end {
            let end = line_end(text, start).min(lines.end);
            shown.push(DiffLine {
                kind,
                line: self.counter.line(start),
                text: masked(text, start..end, &self.hidden),
            });
            start = (end + ending_at(text, end).len()).max(start + 1);
        }
    }
}

/// Spans that overlap as one.
fn joined(spans: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => joined.push(span),
        }
    }
    joined
}

/// A line with its secrets masked, bounded in length.
fn masked(text: &str, line: Range<usize>, hidden: &[Range<usize>]) -> String {
    let mut shown = String::new();
    let mut at = line.start;
    let first = hidden.partition_point(|span| span.end <= line.start);
    for span in hidden.iter().skip(first).take_while(|span| span.start < line.end) {
        // four bytes a character, and an indent that is as wide again
        if shown.len() > WIDTH * 8 {
            break;
        }
        shown.push_str(text_at(text, at..span.start.max(at)));
        shown.push_str(HIDDEN);
        // a secret over several lines is hidden in each
        at = span.end.min(line.end);
    }
    if shown.len() <= WIDTH * 8 {
        let rest = text_at(text, at..line.end);
        let cut = rest.char_indices().nth(WIDTH * 2).map_or(rest.len(), |(cut, _)| cut);
        shown.push_str(text_at(rest, ..cut));
    }
    let shown = shown.strip_prefix(BOM).unwrap_or(&shown);
    // an indent of tabs is no control character to a reader
    let indent = shown.len() - shown.trim_start_matches('\t').len();
    let rest = text_at(shown, indent..);
    safe_text(format!("{}{rest}", "    ".repeat(indent.min(16))), WIDTH)
}

/// The whole lines that a span touches, with the last one's ending.
fn whole(text: &str, span: Range<usize>) -> Range<usize> {
    let start = line_start(text, span.start);
    // a span that ends at the start of a line does not touch that line
    if span.end > span.start && line_start(text, span.end) == span.end {
        return start..span.end;
    }
    start..forth(text, span.end, 1)
}

/// `count` lines on from `at`, which begins a line (or the end).
fn forth(text: &str, mut at: usize, count: usize) -> usize {
    for _ in 0..count {
        let end = line_end(text, at);
        at = end + ending_at(text, end).len();
    }
    at
}

/// `count` lines back from `at`, which begins a line (or is the end).
fn back(text: &str, mut at: usize, count: usize) -> usize {
    for _ in 0..count {
        let ending = ending_before(text, at).len();
        at = line_start(text, at.saturating_sub(ending));
    }
    at
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::edits::{Edit, EditSet};
    use super::super::place::VariablePath;
    use super::super::splices::splices;
    use super::*;

    const TEXT: &str = "<config>\r\n  <table name=\"T\">\r\n    <variable name=\"A\">1</variable>\r\n    <variable name=\"B\">\t2</variable>\r\n    <variable name=\"MyKey\">one\r\ntwo</variable>\r\n\t</table>\r\n</config>\r\n";

    fn diff(text: &str, wanted: &[(&str, Option<&str>, Option<&str>)], context: usize) -> Vec<String> {
        let edits = EditSet::new(wanted.iter().map(|&(name, base, new)| Edit {
            path: VariablePath {
                table: "T".into(),
                variable: name.into(),
            },
            base: base.map(Into::into),
            new: new.map(Into::into),
        }));
        let base = Arc::new(Document::parse(text.into()).unwrap());
        let lines = base.prove(&edits).unwrap().diff(&Secrets::default(), context);
        let sign = |kind| match kind {
            DiffKind::Context => ' ',
            DiffKind::Removed => '-',
            DiffKind::Added => '+',
        };
        lines
            .into_iter()
            .map(|line| format!("{}{} {}", sign(line.kind), line.line, line.text.trim()))
            .collect()
    }

    #[test]
    fn a_changed_value_is_one_line_out_and_one_in() {
        assert_eq!(
            diff(TEXT, &[("A", Some("1"), Some("9"))], 1),
            [
                " 2 <table name=\"T\">",
                "-3 <variable name=\"A\">1</variable>",
                "+3 <variable name=\"A\">9</variable>",
                " 4 <variable name=\"B\">\\x092</variable>",
            ]
        );
    }

    #[test]
    fn an_added_variable_is_only_added_and_a_secret_stays_hidden_over_its_lines() {
        assert_eq!(
            diff(TEXT, &[("C", None, Some("3"))], 2),
            [
                " 5 <variable name=\"MyKey\">(hidden)",
                " 6 (hidden)</variable>",
                "+7 <variable name=\"C\">3</variable>",
                " 7 </table>",
                " 8 </config>",
            ]
        );
    }

    #[test]
    fn a_deleted_line_is_only_removed_and_numbers_of_added_lines_are_of_the_new_file() {
        assert_eq!(
            diff(
                TEXT,
                &[("A", Some("1"), None), ("MyKey", Some("one\ntwo"), Some("x"))],
                0
            ),
            [
                "-3 <variable name=\"A\">1</variable>",
                "-5 <variable name=\"MyKey\">(hidden)",
                "-6 (hidden)</variable>",
                "+4 <variable name=\"MyKey\">(hidden)</variable>"
            ]
        );
    }

    #[test]
    fn a_root_that_ends_on_the_line_of_its_last_table_is_shown_on_both_sides() {
        let text = "<config>\n<table name=\"T\">\n<variable name=\"A\">1</variable>\n</table></config>\n";
        let lines = diff(text, &[("B", None, Some("2"))], 0);
        let ends = |sign: char| {
            lines
                .iter()
                .filter(|line| line.starts_with(sign) && line.contains("</config>"))
                .count()
        };
        assert_eq!(ends('-'), ends('+'), "{lines:?}");
        let bare = "<config>\n<table name=\"Else\">\n</table></config>";
        let lines = diff(bare, &[("B", None, Some("2"))], 0);
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with('+') && line.contains("</config>")),
            "{lines:?}"
        );
    }

    /// Documents whose parts stand on lines of their own, or not.
    fn layout() -> impl proptest::strategy::Strategy<Value = String> {
        use proptest::prelude::*;
        let gap = prop::sample::select(vec!["", "\n", "\r\n", "  ", "\n\n", "\n    ", "<!-- c -->"]);
        let value = prop::sample::select(vec!["1", "", "a\nb", "&lt;"]);
        let tables = prop::sample::subsequence(vec!["T", "Else"], 0..=2);
        (
            tables,
            prop::sample::subsequence(vec!["A", "B", "C"], 0..=3),
            value,
            prop::collection::vec(gap, 24),
        )
            .prop_map(|(tables, names, value, gaps)| {
                let mut gaps = gaps.into_iter().cycle();
                let mut gap = move || gaps.next().unwrap_or("");
                let mut text = format!("<config>{}", gap());
                for table in tables {
                    text += &format!("<table name=\"{table}\">{}", gap());
                    for name in &names {
                        text += &format!("<variable name=\"{name}\">{value}</variable>{}", gap());
                    }
                    text += &format!("</table>{}", gap());
                }
                text + "</config>" + gap()
            })
    }

    proptest::proptest! {
        #[test]
        fn the_old_text_without_what_is_removed_and_with_what_is_added_is_the_new_text(
            text in layout(),
            wishes in proptest::collection::vec(proptest::option::of(proptest::sample::select(vec!["", "9", "x\ny"])), 4),
        ) {
            let old = Document::parse(text.into_bytes()).unwrap();
            let edits = EditSet::new(["A", "B", "C", "D"].into_iter().zip(wishes).map(|(name, new)| {
                let path = VariablePath { table: "T".into(), variable: name.into() };
                Edit { base: old.value(&path), path, new: new.map(str::to_owned) }
            }));
            let new = Document::parse(old.render(&edits).unwrap()).unwrap();
            let (mut made, mut at) = (String::new(), 0);
            for hunk in hunks(&old.text, &splices(&old, &edits).unwrap(), &new.text) {
                let hunk = trim(&old.text, hunk, &new.text);
                for (text, range) in [(&old.text, &hunk.old), (&new.text, &hunk.new)] {
                    for end in [range.start, range.end] {
                        proptest::prop_assert!(end == text.len() || line_start(text, end) == end, "{:?}\n{:?}", old.text, new.text);
                    }
                }
                made += old.text.get(at..hunk.old.start).unwrap();
                made += new.text.get(hunk.new).unwrap();
                at = hunk.old.end;
            }
            made += old.text.get(at..).unwrap();
            proptest::prop_assert_eq!(&made, &new.text);
        }
    }

    #[test]
    fn neighbours_share_their_context() {
        let lines = diff(TEXT, &[("A", Some("1"), None), ("C", None, Some("3"))], 9);
        let context: Vec<_> = lines
            .iter()
            .filter(|line| line.starts_with(' '))
            .map(|line| line.split_at(2).0)
            .collect();
        assert_eq!(context, [" 1", " 2", " 4", " 5", " 6", " 7", " 8"]);
        assert_eq!(lines.len(), 9);
    }

    #[test]
    fn long_lines_are_cut() {
        let text = format!(
            "<config><table name=\"T\"><variable name=\"A\">{}</variable></table></config>",
            "x".repeat(9000)
        );
        let lines = diff(&text, &[("A", Some(&"x".repeat(9000)), Some("1"))], 0);
        assert!(lines.iter().all(|line| line.chars().count() < WIDTH + 10), "{lines:?}");
    }

    #[test]
    fn no_edits_have_no_diff() {
        assert!(diff(TEXT, &[], 3).is_empty());
    }
}
