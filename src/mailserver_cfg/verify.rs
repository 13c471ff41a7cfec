//! The proof before any write. It does not trust `render`: it looks at the bytes that are about to be written.

use std::borrow::Cow;
use std::collections::HashSet;

use super::document::Document;
use super::error::EditError;
use super::index::{Kind, Spot, name_in};
use super::splice::Splice;
use super::types::EditSet;

impl Document {
    /// Proves that `rendered` is this document with exactly these edits (outside bytes equal, strict parse, values read back, all other raw values unchanged).
    /// # Errors
    /// [`EditError::Verify`], or whatever [`Document::render`] says of the edits; nothing may be written then.
    pub fn verify(&self, edits: &EditSet, rendered: Vec<u8>) -> Result<Document, EditError> {
        self.verify_with(edits, &self.splices(edits)?, rendered)
    }

    /// The same where the splices of the edits are at hand.
    pub(super) fn verify_with(
        &self,
        edits: &EditSet,
        splices: &[Splice],
        rendered: Vec<u8>,
    ) -> Result<Document, EditError> {
        let failed = |what: &str| EditError::Verify(what.to_owned());
        if !outside_is_equal(self.as_bytes(), splices, &rendered) {
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
        let (before, after) = (self.untouched(&edited), result.untouched(&edited));
        if before.len() != after.len() || !before.iter().zip(&after).all(|(old, new)| old.is(new)) {
            return Err(failed("a value that was not edited differs"));
        }
        drop((before, after));
        Ok(result)
    }

    /// The sections with a variable that is not edited, in file order.
    fn untouched(&self, edited: &HashSet<(&str, &str)>) -> Vec<Untouched<'_>> {
        let edits_of = |name: &str| edited.iter().any(|(table, _)| *table == name);
        let sections = self.index.sections.iter().map(|section| {
            let name = name_in(&self.text, section.element.tag());
            let all = self.index.variables_of(section);
            let spots = match name.as_deref() {
                Some(table) if section.kind == Kind::Table && edits_of(table) => {
                    let is_edited = |spot: &&Spot| {
                        spot.is_direct()
                            && name_in(&self.text, spot.tag())
                                .is_some_and(|name| edited.contains(&(table, name.as_str())))
                    };
                    Cow::Owned(all.iter().filter(|spot| !is_edited(spot)).copied().collect())
                }
                _ => Cow::Borrowed(all),
            };
            Untouched {
                text: &self.text,
                name,
                spots,
            }
        });
        sections.filter(|section| !section.spots.is_empty()).collect()
    }
}

/// What of a section is not edited.
struct Untouched<'a> {
    text: &'a str,
    name: Option<String>,
    spots: Cow<'a, [Spot]>,
}

impl Untouched<'_> {
    /// The same name, and the same raw start tags and raw values in the same order?
    fn is(&self, other: &Self) -> bool {
        let raw = |text, spot: &Spot| -> (Option<&str>, Option<&str>) {
            (str::get(text, spot.tag()), str::get(text, spot.inner()))
        };
        self.name == other.name
            && self.spots.len() == other.spots.len()
            && self
                .spots
                .iter()
                .zip(other.spots.iter())
                .all(|(ours, theirs)| raw(self.text, ours) == raw(other.text, theirs))
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
