//! The proof before any write, and what carries it: what a review shows and a save writes is the same thing. The proof
//! does not trust the splices: it looks at the bytes that are about to be written.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::document::Document;
use super::edits::EditSet;
use super::error::EditError;
use super::index::{SectionKind, Spot, name_in};
use super::splices::{Splice, splice, splices};

/// A document with edits made in it, proven to differ from its base by them and by nothing else. Only
/// [`Document::prove`] makes one.
pub struct Proven {
    pub(super) base: Arc<Document>,
    edits: EditSet,
    pub(super) splices: Vec<Splice>,
    pub(super) result: Arc<Document>,
}

/// Sizes only: values can be secrets.
impl fmt::Debug for Proven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proven")
            .field("edits", &self.edits.edits().len())
            .field("result", &self.result)
            .finish_non_exhaustive()
    }
}

impl Proven {
    /// Makes the edits and proves the result. No edits: the document itself.
    pub(super) fn new(base: &Arc<Document>, edits: &EditSet) -> Result<Self, EditError> {
        let splices = splices(base, edits)?;
        let result = if edits.is_empty() {
            Arc::clone(base)
        } else {
            Arc::new(verify(base, edits, &splices, splice(&base.text, &splices))?)
        };
        Ok(Self {
            base: Arc::clone(base),
            edits: edits.clone(),
            splices,
            result,
        })
    }

    /// The edits that were made.
    #[must_use]
    pub fn edits(&self) -> &EditSet {
        &self.edits
    }

    /// The document with them.
    #[must_use]
    pub fn result(&self) -> &Arc<Document> {
        &self.result
    }

    /// Is this the proof of these edits in this very document (not in one that is equal)?
    #[must_use]
    pub fn is_of(&self, base: &Arc<Document>, edits: &EditSet) -> bool {
        Arc::ptr_eq(&self.base, base) && self.edits == *edits
    }
}

/// Proves that `rendered` is `old` with exactly these edits, whose splices are at hand.
pub(super) fn verify(
    old: &Document,
    edits: &EditSet,
    splices: &[Splice],
    rendered: Vec<u8>,
) -> Result<Document, EditError> {
    let failed = |what: &str| EditError::Verify(what.to_owned());
    if !outside_is_equal(old.as_bytes(), splices, &rendered) {
        return Err(failed("bytes outside of the edits differ"));
    }
    let result = Document::parse(rendered)
        .map_err(|error| EditError::Verify(format!("the result is not well formed ({error})")))?;
    let found = result.find(edits.edits().iter().map(|edit| &edit.path));
    for edit in edits.edits() {
        if found.value(&edit.path) != edit.new || found.spots(&edit.path).len() > 1 {
            return Err(EditError::Verify(format!(
                "{} does not read back as it was set",
                edit.path
            )));
        }
    }
    drop(found);
    let tables: HashSet<&str> = edits.edits().iter().map(|edit| edit.path.table.as_str()).collect();
    let edited = edits.edits().iter();
    let edited: HashSet<(&str, &str)> = edited
        .map(|edit| (edit.path.table.as_str(), edit.path.variable.as_str()))
        .collect();
    let (before, after) = (untouched(old, &tables, &edited), untouched(&result, &tables, &edited));
    if before.len() != after.len() || !before.iter().zip(&after).all(|(old, new)| old.is(new)) {
        return Err(failed("a value that was not edited differs"));
    }
    drop((before, after));
    Ok(result)
}

/// The sections with a variable that is not edited, in file order.
fn untouched<'d>(document: &'d Document, tables: &HashSet<&str>, edited: &HashSet<(&str, &str)>) -> Vec<Untouched<'d>> {
    let (text, index) = (document.text.as_str(), &document.index);
    let sections = index.sections.iter().map(|section| {
        let name = name_in(text, section.element.tag());
        let all = index.variables_of(section);
        let spots = match name.as_deref() {
            Some(table) if section.kind == SectionKind::Table && tables.contains(table) => {
                let is_edited = |spot: &&Spot| {
                    let is_named = |name: Cow<'_, str>| edited.contains(&(table, &*name));
                    spot.is_direct() && name_in(text, spot.tag()).is_some_and(is_named)
                };
                Cow::Owned(all.iter().filter(|spot| !is_edited(spot)).copied().collect())
            }
            _ => Cow::Borrowed(all),
        };
        Untouched { text, name, spots }
    });
    sections.filter(|section| !section.spots.is_empty()).collect()
}

/// What of a section is not edited.
struct Untouched<'a> {
    text: &'a str,
    name: Option<Cow<'a, str>>,
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
    use super::super::edits::Edit;
    use super::super::place::VariablePath;
    use super::*;

    fn document() -> Document {
        let text = "<config>\n  <table name=\"Security\">\n    <variable name=\"A\">1</variable>\n    <variable name=\"B\">2</variable>\n  </table>\n</config>\n";
        Document::parse(text.into()).unwrap()
    }

    fn one_edit() -> EditSet {
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
        let rendered = old.render(&one_edit()).unwrap();
        assert_eq!(old.verify(&one_edit(), rendered.clone()).unwrap().as_bytes(), rendered);
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
        let rendered = old.render(&one_edit()).unwrap();
        for at in 0..rendered.len() {
            let mut damaged = rendered.clone();
            damaged[at] ^= 0x01;
            assert!(
                matches!(old.verify(&one_edit(), damaged), Err(EditError::Verify(_))),
                "byte {at}"
            );
            let mut shorter = rendered.clone();
            shorter.remove(at);
            assert!(
                matches!(old.verify(&one_edit(), shorter), Err(EditError::Verify(_))),
                "without byte {at}"
            );
        }
        let mut longer = rendered;
        longer.push(b'\n');
        assert!(old.verify(&one_edit(), longer).is_err());
    }

    #[test]
    fn edits_that_were_not_made_fail_the_proof() {
        let old = document();
        assert!(matches!(
            old.verify(&one_edit(), old.as_bytes().to_vec()),
            Err(EditError::Verify(_))
        ));
    }

    fn with_value(value: &str) -> Arc<Document> {
        let text = format!("<config><table name=\"T\"><variable name=\"A\">{value}</variable></table></config>");
        Arc::new(Document::parse(text.into()).unwrap())
    }

    fn edits(base: &str, new: &str) -> EditSet {
        EditSet::new([Edit {
            path: VariablePath {
                table: "T".into(),
                variable: "A".into(),
            },
            base: Some(base.into()),
            new: Some(new.into()),
        }])
    }

    #[test]
    fn what_is_proven_is_what_render_makes() {
        let base = with_value("1");
        let proven = base.prove(&edits("1", "2")).unwrap();
        assert_eq!(
            proven.result().as_bytes(),
            base.render(&edits("1", "2")).unwrap().as_slice()
        );
        assert_eq!(*proven.edits(), edits("1", "2"));
        assert!(base.prove(&edits("7", "2")).is_err());
    }

    #[test]
    fn a_proof_is_of_its_own_document_and_edits_and_of_no_others() {
        let base = with_value("1");
        let proven = base.prove(&edits("1", "2")).unwrap();
        assert!(proven.is_of(&base, &edits("1", "2")));
        assert!(!proven.is_of(&base, &edits("1", "3")));
        assert!(!proven.is_of(&with_value("1"), &edits("1", "2")));
    }

    #[test]
    fn no_edits_are_the_document_itself() {
        let base = with_value("1");
        assert!(Arc::ptr_eq(base.prove(&EditSet::default()).unwrap().result(), &base));
    }

    #[test]
    fn no_value_is_in_what_is_printed_for_debugging() {
        let proven = with_value("1").prove(&edits("1", "secret")).unwrap();
        assert!(!format!("{proven:?}").contains("secret"));
    }
}
