//! Edits as splices: a span of the old text and what stands there afterwards. Everything else is copied.
//!
//! A value is replaced between its tags; a new variable goes after the last one of its table, looking like it; a
//! missing table goes before `</config>`; a deleted variable takes its line with it if it has one to itself.

use std::collections::HashMap;

use crate::hostile::{slice_at, text_at};

use super::document::{Document, Found};
use super::edits::{Edit, EditSet};
use super::error::EditError;
use super::index::{Index, Section, Spot};
use super::place::{LineCounter, ending_at, line_end, line_of};
use super::style::{Lead, NewVariable, Style, is_blank};
use super::text::{decode, first_unholdable};

/// Replaces `start..end` of the old text.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Splice {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) with: String,
}

/// The bytes of a text with these splices made.
pub(super) fn splice(text: &str, splices: &[Splice]) -> Vec<u8> {
    let added: usize = splices.iter().map(|splice| splice.with.len()).sum();
    let mut rendered = Vec::with_capacity(text.len() + added);
    let mut copied = 0;
    for splice in splices {
        rendered.extend_from_slice(slice_at(text.as_bytes(), copied..splice.start));
        rendered.extend_from_slice(splice.with.as_bytes());
        copied = splice.end;
    }
    rendered.extend_from_slice(slice_at(text.as_bytes(), copied..));
    rendered
}

/// The splices of these edits in the order of the text; they do not overlap.
pub(super) fn splices(document: &Document, edits: &EditSet) -> Result<Vec<Splice>, EditError> {
    let splicer = Splicer {
        document,
        text: &document.text,
        index: &document.index,
        style: Style::of(document),
        found: document.find(edits.edits().iter().map(|edit| &edit.path)),
    };
    splicer.splices(edits)
}

/// Turns edits into splices of one document.
struct Splicer<'d, 'e> {
    document: &'d Document,
    text: &'d str,
    index: &'d Index,
    style: Style<'d>,
    /// Where the paths of the edits stand.
    found: Found<'d, 'e>,
}

impl Splicer<'_, '_> {
    fn splices(&self, edits: &EditSet) -> Result<Vec<Splice>, EditError> {
        let mut tables: Vec<(&str, Vec<&Edit>)> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for edit in edits.edits() {
            holdable(edit)?;
            let table = edit.path.table.as_str();
            let place = *places.entry(table).or_insert(tables.len());
            match tables.get_mut(place) {
                Some((_, group)) => group.push(edit),
                None => tables.push((table, vec![edit])),
            }
        }
        let mut splices = Vec::new();
        let mut missing: Vec<(&str, Vec<NewVariable<'_>>)> = Vec::new();
        for (table, group) in tables {
            match (self.found.tables(table), group.first()) {
                ([], _) => missing.push((table, group.iter().copied().map(only_new).collect::<Result<_, _>>()?)),
                ([section], _) => self.edit_table(section, &group, &mut splices)?,
                (_, None) => {}
                (sections, Some(edit)) => {
                    let starts = sections.iter().map(|section| section.element.span().start);
                    return Err(self.twice(edit, starts));
                }
            }
        }
        missing.retain(|(_, variables)| !variables.is_empty());
        if !missing.is_empty() {
            splices.push(self.new_tables(&missing));
        }
        splices.sort_by_key(|splice| (splice.start, splice.end));
        // two deletions beside each other may both want the line ending between them
        let mut reached = 0;
        for splice in &mut splices {
            splice.start = splice.start.max(reached);
            reached = splice.end;
        }
        Ok(splices)
    }

    fn twice(&self, edit: &Edit, starts: impl Iterator<Item = usize>) -> EditError {
        let mut counter = LineCounter::new(self.text);
        EditError::Duplicate {
            path: edit.path.clone(),
            lines: starts.map(|start| counter.line(start)).collect(),
        }
    }

    fn edit_table(&self, section: &Section, group: &[&Edit], splices: &mut Vec<Splice>) -> Result<(), EditError> {
        let last = self.index.direct(section).next_back();
        let mut added = Vec::new();
        let mut last_is_deleted = false;
        for edit in group {
            match self.found.spots(&edit.path) {
                [] => added.push(only_new(edit)?),
                [spot] => {
                    self.editable(edit, spot)?;
                    if let Some(value) = &edit.new {
                        splices.push(self.set(spot, value));
                    } else if last.is_some_and(|last| last.start() == spot.start()) {
                        last_is_deleted = true;
                    } else {
                        splices.push(self.delete(spot));
                    }
                }
                spots => return Err(self.twice(edit, spots.iter().map(|spot| spot.start()))),
            }
        }
        match (last, last_is_deleted, added.is_empty()) {
            (Some(last), true, true) => splices.push(self.delete(last)),
            (Some(last), true, false) => splices.push(self.replace(last, &added)),
            (Some(last), false, false) => splices.push(self.add_behind(section, last, &added)),
            (None, _, false) => splices.push(self.fill(section, &added)),
            (None, _, true) | (Some(_), false, true) => {}
        }
        Ok(())
    }

    fn editable(&self, edit: &Edit, spot: &Spot) -> Result<(), EditError> {
        let content = decode(self.document.raw(spot));
        if let Some(holds) = content.unplain {
            return Err(EditError::NotPlain {
                path: edit.path.clone(),
                line: line_of(self.text, spot.start()),
                holds,
            });
        }
        if edit.base.as_deref() != Some(content.text.as_str()) {
            return Err(EditError::Stale {
                path: edit.path.clone(),
            });
        }
        Ok(())
    }

    fn set(&self, spot: &Spot, value: &str) -> Splice {
        let value = self.style.spell_value(value);
        let inner = spot.inner();
        if self.style.is_empty_element(spot) {
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

    fn delete(&self, spot: &Spot) -> Splice {
        let (start, end) = (spot.start(), self.style.end_of(spot));
        let line_end = line_end(self.text, end);
        let rest = text_at(self.text, end..line_end);
        let with = String::new();
        match self.style.lead(start) {
            Some(lead) if is_blank(rest) => {
                let ending = ending_at(self.text, line_end);
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
    fn replace(&self, last: &Spot, added: &[NewVariable<'_>]) -> Splice {
        let lead = self.style.lead(last.start()).unwrap_or(Lead::NONE);
        let spelt = self.style.spell(lead, self.style.quote(last.tag()), added);
        // the lead of the first one is there already
        let with = text_at(&spelt, lead.ending.len() + lead.indent.len()..).to_owned();
        Splice {
            start: last.start(),
            end: self.style.end_of(last),
            with,
        }
    }

    fn add_behind(&self, section: &Section, last: &Spot, added: &[NewVariable<'_>]) -> Splice {
        let lead = self.style.lead(last.start()).unwrap_or(Lead::NONE);
        let at = self
            .style
            .after_remarks(self.style.end_of(last), section.element.inner().end);
        Splice {
            start: at,
            end: at,
            with: self.style.spell(lead, self.style.quote(last.tag()), added),
        }
    }

    /// A table without variables: `<table/>`, `<table></table>`, or with nothing but comments.
    fn fill(&self, section: &Section, added: &[NewVariable<'_>]) -> Splice {
        let element = &section.element;
        let lead = self.style.lead_inside(section);
        let own = self.style.lead(element.span().start).unwrap_or(Lead::NONE);
        let spelt = self.style.spell(lead, self.style.quote(element.tag()), added);
        let inner = element.inner();
        if self.text.get(element.tag()).is_some_and(|tag| tag.ends_with("/>")) {
            let with = format!(">{spelt}{}{}</table>", own.ending, own.indent);
            return Splice {
                start: inner.start - "/>".len(),
                end: inner.end,
                with,
            };
        }
        let at = self.style.content_end(element);
        if text_at(self.text, at..inner.end).contains(['\r', '\n']) {
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

    fn new_tables(&self, tables: &[(&str, Vec<NewVariable<'_>>)]) -> Splice {
        let lead = self.style.lead_of_sections();
        let quote = self.style.usual_quote();
        let sample = self
            .index
            .sections
            .iter()
            .rev()
            .find(|section| self.index.direct(section).next().is_some());
        let variable_lead = if lead.ending.is_empty() {
            Lead::NONE
        } else {
            let indent = sample.and_then(|section| self.style.lead(self.index.direct(section).next()?.start()));
            Lead {
                ending: lead.ending,
                indent: indent.map_or_else(|| Style::deeper(lead.indent), |lead| lead.indent),
            }
        };
        let mut with = String::new();
        for (name, variables) in tables {
            let name = self.style.spell_name(name, quote);
            with.push_str(&format!(
                "{}{}<table name={quote}{name}{quote}>",
                lead.ending, lead.indent
            ));
            with.push_str(&self.style.spell(variable_lead, quote, variables));
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
        let at = self.style.content_end(root);
        if text_at(self.text, at..inner.end).contains(['\r', '\n']) {
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

/// An edit of something that is not in the document can only add.
fn only_new(edit: &Edit) -> Result<NewVariable<'_>, EditError> {
    match (&edit.base, &edit.new) {
        (None, Some(value)) => Ok(NewVariable {
            name: &edit.path.variable,
            value,
        }),
        _ => Err(EditError::Stale {
            path: edit.path.clone(),
        }),
    }
}

fn holdable(edit: &Edit) -> Result<(), EditError> {
    let texts = [Some(&edit.path.table), Some(&edit.path.variable), edit.new.as_ref()];
    match texts.into_iter().flatten().find_map(|text| first_unholdable(text)) {
        Some(c) => Err(EditError::NotXml {
            path: edit.path.clone(),
            character: c.into(),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::edits::edits;
    use super::*;

    fn after(text: &str, wanted: &[(&str, Option<&str>, Option<&str>)]) -> String {
        let document = Document::parse(text.into()).unwrap();
        let edits = edits(wanted);
        let rendered = document.render(&edits).unwrap();
        document.verify(&edits, rendered.clone()).unwrap();
        String::from_utf8(rendered).unwrap()
    }

    fn refused(text: &str, wanted: &[(&str, Option<&str>, Option<&str>)]) -> EditError {
        Document::parse(text.into())
            .unwrap()
            .render(&edits(wanted))
            .unwrap_err()
    }

    #[test]
    fn no_edits_give_the_same_bytes() {
        let text = "\u{FEFF}<config a = '1'\r\n><table name='T' ><variable name=\"A\" /></table\t></config >\r\n\r\n";
        assert_eq!(after(text, &[]), text);
    }

    #[test]
    fn a_value_is_replaced_between_its_tags() {
        let text = "<config><table name='T'><variable  x='>' name='A' ><![CDATA[1]]></variable\n></table></config>";
        let wanted =
            "<config><table name='T'><variable  x='>' name='A' >&lt;2&gt;&amp;&#13;</variable\n></table></config>";
        assert_eq!(after(text, &[("T/A", Some("1"), Some("<2>&\r"))]), wanted);
        let emptied = "<config><table name='T'><variable  x='>' name='A' ></variable\n></table></config>";
        assert_eq!(after(text, &[("T/A", Some("1"), Some(""))]), emptied);
    }

    #[test]
    fn an_empty_element_opens_up_and_keeps_quotes_and_blanks() {
        let text = "<config><table name='T'><variable name = 'A' /></table></config>";
        let wanted = "<config><table name='T'><variable name = 'A' >v</variable></table></config>";
        assert_eq!(after(text, &[("T/A", Some(""), Some("v"))]), wanted);
    }

    #[test]
    fn a_new_variable_looks_like_the_last_one_of_its_table() {
        let text = "<config>\r\n\t<table name='T'>\r\n\t\t<variable name='A'/> <!-- a -->\r\n\t</table>\r\n</config>";
        let wanted = "<config>\r\n\t<table name='T'>\r\n\t\t<variable name='A'/> <!-- a -->\r\n\t\t<variable name='B&apos;&amp;'>1\r\n2</variable>\r\n\t\t<variable name='C'></variable>\r\n\t</table>\r\n</config>";
        assert_eq!(
            after(text, &[("T/B'&", None, Some("1\n2")), ("T/C", None, Some(""))]),
            wanted
        );
    }

    #[test]
    fn a_file_on_one_line_stays_on_one_line() {
        let text = "<config><table name=\"T\"><variable name=\"A\">1</variable></table></config>";
        let wanted = "<config><table name=\"T\"><variable name=\"A\">1</variable><variable \
            name=\"B\">2</variable></table><table name=\"U\"><variable name=\"C\">3</variable></table></config>";
        assert_eq!(
            after(text, &[("T/B", None, Some("2")), ("U/C", None, Some("3"))]),
            wanted
        );
    }

    #[test]
    fn an_empty_table_of_any_spelling_is_filled() {
        let file = |table: &str| {
            format!("<config>\n  <table name=\"O\">\n     <variable name=\"X\"/>\n  </table>\n  {table}\n</config>\n")
        };
        for (empty, filled) in [
            (
                "<table name='T' />",
                "<table name='T' >\n     <variable name='A'>1</variable>\n  </table>",
            ),
            (
                "<table name=\"T\"></table>",
                "<table name=\"T\">\n     <variable name=\"A\">1</variable>\n  </table>",
            ),
            (
                "<table name=\"T\">\n  </table>",
                "<table name=\"T\">\n     <variable name=\"A\">1</variable>\n  </table>",
            ),
            (
                "<table name=\"T\">\n    <!-- none -->\n  </table>",
                "<table name=\"T\">\n    <!-- none -->\n     <variable name=\"A\">1</variable>\n  </table>",
            ),
        ] {
            assert_eq!(after(&file(empty), &[("T/A", None, Some("1"))]), file(filled));
        }
    }

    #[test]
    fn a_missing_table_is_added_before_the_end_of_config() {
        let table = "  <table name=\"T\">\n    <variable name=\"A\">1</variable>\n  </table>\n";
        let add: [(&str, Option<&str>, Option<&str>); 1] = [("T/A", None, Some("1"))];
        for empty in ["<config/>", "<config></config>", "<config>\n</config>"] {
            assert_eq!(after(empty, &add), format!("<config>\n{table}</config>"), "{empty}");
        }
        let text = "<config>\n  <list name=\"L\"/>\n  <!-- end -->\n</config>\n";
        assert_eq!(
            after(text, &add),
            format!("<config>\n  <list name=\"L\"/>\n  <!-- end -->\n{table}</config>\n")
        );
    }

    #[test]
    fn a_deleted_variable_takes_its_line_only_if_it_is_alone_there() {
        let text = "<config>\n  <table name=\"T\">\n    <variable name=\"A\">1\n1</variable> \n    <variable name=\"B\"/> <!-- b -->\n    <variable name=\"C\"/></table>\n</config>\n";
        assert_eq!(
            after(text, &[("T/A", Some("1\n1"), None)]),
            text.replace("    <variable name=\"A\">1\n1</variable> \n", "")
        );
        assert_eq!(
            after(text, &[("T/B", Some(""), None)]),
            text.replace("<variable name=\"B\"/>", "")
        );
        assert_eq!(
            after(text, &[("T/C", Some(""), None)]),
            text.replace("\n    <variable name=\"C\"/>", "")
        );
    }

    #[test]
    fn deletions_beside_each_other_share_the_line_ending_between_them() {
        let text = "<config>\n <table name='T'>\n  <variable name='A'/>\n  <variable name='B'/></table>\n</config>";
        let wanted = "<config>\n <table name='T'>\n</table>\n</config>";
        assert_eq!(after(text, &[("T/B", Some(""), None), ("T/A", Some(""), None)]), wanted);
    }

    #[test]
    fn a_new_variable_may_take_the_place_of_the_deleted_last_one() {
        let text = "<config>\n  <table name=\"T\">\n    <variable name=\"A\"/>\n  </table>\n</config>\n";
        let new = "<variable name=\"B\">1</variable>\n    <variable name=\"C\">2</variable>";
        let wanted = text.replace("<variable name=\"A\"/>", new);
        assert_eq!(
            after(
                text,
                &[
                    ("T/B", None, Some("1")),
                    ("T/A", Some(""), None),
                    ("T/C", None, Some("2"))
                ]
            ),
            wanted
        );
    }

    #[test]
    fn what_stands_twice_is_refused_with_its_lines() {
        let text = "<config>\n<table name='T'>\n<variable name='A'/>\n<variable name='A'/>\n</table>\n<table name='U'/>\n<table name='U'/>\n</config>";
        for (path, base, wanted) in [("T/A", Some(""), vec![3, 4]), ("U/X", None, vec![6, 7])] {
            let error = refused(text, &[(path, base, Some("1"))]);
            assert!(
                matches!(&error, EditError::Duplicate { lines, .. } if *lines == wanted),
                "{error}"
            );
        }
    }

    #[test]
    fn what_is_not_text_is_refused_by_line_and_kind() {
        let text = "<config>\n<table name='T'><variable name='A'>1<!-- why --></variable></table></config>";
        for new in [Some("2"), None] {
            let said = refused(text, &[("T/A", Some("1"), new)]).to_string();
            assert!(said.contains("T/A (line 2) has a comment inside its value"), "{said}");
        }
    }

    #[test]
    fn another_base_and_characters_beyond_xml_are_refused() {
        let text = "<config><table name='T'><variable name='A'>1</variable></table></config>";
        for (path, base, new) in [
            ("T/A", Some("0"), Some("2")),
            ("T/A", None, Some("2")),
            ("T/B", Some("1"), None),
            ("U/B", Some("1"), Some("2")),
        ] {
            assert!(
                matches!(refused(text, &[(path, base, new)]), EditError::Stale { .. }),
                "{path}"
            );
        }
        for (path, base, new, code) in [("T/A", Some("1"), "a\u{1}", 1), ("T/B\u{FFFF}", None, "1", 0xFFFF)] {
            let error = refused(text, &[(path, base, Some(new))]);
            assert!(
                matches!(error, EditError::NotXml { character, .. } if character == code),
                "{error}"
            );
        }
    }
}
