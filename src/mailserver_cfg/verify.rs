//! The proof before any write. It does not trust `render`: it looks at the bytes that are about to be written.

use std::collections::HashSet;

use super::document::Document;
use super::error::EditError;
use super::index::{Kind, name_in};
use super::splice::Splice;
use super::types::EditSet;

impl Document {
    /// Proves that `rendered` is this document with exactly these edits (outside bytes equal, strict parse, values read back, all other raw values unchanged).
    /// # Errors
    /// [`EditError::Verify`], or whatever [`Document::render`] says of the edits; nothing may be written then.
    pub fn verify(&self, edits: &EditSet, rendered: Vec<u8>) -> Result<Document, EditError> {
        let splices = self.splices(edits)?;
        let failed = |what: &str| EditError::Verify(what.to_owned());
        if !outside_is_equal(self.as_bytes(), &splices, &rendered) {
            return Err(failed("bytes outside of the edits differ"));
        }
        let result = Self::parse(rendered)
            .map_err(|error| EditError::Verify(format!("the result is not well formed ({error})")))?;
        for edit in edits.edits() {
            if result.value(&edit.path) != edit.new || result.spots(&edit.path).nth(1).is_some() {
                return Err(EditError::Verify(format!(
                    "{} does not read back as it was set",
                    edit.path
                )));
            }
        }
        let edited: HashSet<(&str, &str)> = edits
            .edits()
            .iter()
            .map(|edit| (edit.path.table.as_str(), edit.path.variable.as_str()))
            .collect();
        let tables: HashSet<&str> = edited.iter().map(|(table, _)| *table).collect();
        let mut before = self.untouched(&edited, &tables);
        let mut after = result.untouched(&edited, &tables);
        let mut same = true;
        loop {
            match (before.next(), after.next()) {
                (None, None) => break,
                (old, new) => same &= old == new,
            }
            if !same {
                return Err(failed("a value that was not edited differs"));
            }
        }
        drop((before, after));
        Ok(result)
    }

    /// Every variable that is not edited, in file order: its section's name, its raw start tag and raw value.
    fn untouched<'a>(
        &'a self,
        edited: &'a HashSet<(&str, &str)>,
        tables: &'a HashSet<&str>,
    ) -> impl Iterator<Item = (Option<String>, &'a str, &'a str)> {
        self.index.sections.iter().flat_map(move |section| {
            let name = name_in(&self.text, section.element.tag());
            let table = match name.as_deref() {
                Some(name) if section.kind == Kind::Table => tables.get(name).copied(),
                _ => None,
            };
            let spots = self.index.variables_of(section).iter();
            let mut section_name = name;
            spots.filter_map(move |spot| {
                if spot.is_direct()
                    && let Some(table) = table
                    && let Some(variable) = name_in(&self.text, spot.tag())
                    && edited.contains(&(table, variable.as_str()))
                {
                    return None;
                }
                // the first variable of a section carries its name
                Some((section_name.take(), self.text.get(spot.tag())?, self.raw(spot)))
            })
        })
    }
}

fn outside_is_equal(old: &[u8], splices: &[Splice], new: &[u8]) -> bool {
    let (mut copied, mut at) = (0, 0);
    for splice in splices {
        let Some(kept) = old.get(copied..splice.start) else {
            return false;
        };
        if new.get(at..at + kept.len()) != Some(kept) {
            return false;
        }
        (copied, at) = (splice.end, at + kept.len() + splice.with.len());
    }
    matches!((old.get(copied..), new.get(at..)), (Some(kept), Some(rest)) if kept == rest)
}

#[cfg(test)]
mod tests {
    use super::super::types::{Edit, VariablePath};
    use super::*;

    fn document() -> Document {
        let text = "<config>\n  <table name=\"Security\">\n    <variable name=\"A\">1</variable>\n    <variable name=\"B\">2</variable>\n  </table>\n</config>\n";
        Document::parse(text.into()).unwrap()
    }

    fn edits() -> EditSet {
        let path = VariablePath {
            table: "Security".into(),
            variable: "A".into(),
        };
        EditSet::new([Edit {
            path,
            base: Some("1".into()),
            new: Some("9".into()),
        }])
    }

    #[test]
    fn what_render_made_is_proven() {
        let old = document();
        let rendered = old.render(&edits()).unwrap();
        assert_eq!(old.verify(&edits(), rendered.clone()).unwrap().as_bytes(), rendered);
        assert_eq!(
            old.verify(&EditSet::default(), old.as_bytes().to_vec())
                .unwrap()
                .as_bytes(),
            old.as_bytes()
        );
    }

    #[test]
    fn any_other_byte_fails_the_proof() {
        let old = document();
        let rendered = old.render(&edits()).unwrap();
        for at in 0..rendered.len() {
            let mut damaged = rendered.clone();
            damaged[at] ^= 0x01;
            assert!(
                matches!(old.verify(&edits(), damaged), Err(EditError::Verify(_))),
                "byte {at}"
            );
            let mut shorter = rendered.clone();
            shorter.remove(at);
            assert!(
                matches!(old.verify(&edits(), shorter), Err(EditError::Verify(_))),
                "without byte {at}"
            );
        }
        let mut longer = rendered;
        longer.push(b'\n');
        assert!(old.verify(&edits(), longer).is_err());
    }

    #[test]
    fn edits_that_were_not_made_fail_the_proof() {
        let old = document();
        assert!(matches!(
            old.verify(&edits(), old.as_bytes().to_vec()),
            Err(EditError::Verify(_))
        ));
    }
}
