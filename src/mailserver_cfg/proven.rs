//! Edits made in a document, together with the proof: what a review shows and a save writes is the same thing.

use std::fmt;
use std::sync::Arc;

use super::document::Document;
use super::error::EditError;
use super::splice::Splice;
use super::types::EditSet;

/// A document with edits made in it, proven to differ from its base by them and by nothing else. Only [`Document::prove`] makes one.
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

impl Document {
    /// Makes the edits and proves the result, as [`Document::render`] and [`Document::verify`] do. No edits: the document itself.
    /// # Errors
    /// [`EditError`], as those say.
    pub fn prove(self: &Arc<Self>, edits: &EditSet) -> Result<Proven, EditError> {
        let splices = self.splices(edits)?;
        let result = if edits.is_empty() {
            Arc::clone(self)
        } else {
            Arc::new(self.verify_with(edits, &splices, self.splice(&splices))?)
        };
        Ok(Proven {
            base: Arc::clone(self),
            edits: edits.clone(),
            splices,
            result,
        })
    }
}

impl Proven {
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

#[cfg(test)]
mod tests {
    use super::super::types::{Edit, VariablePath};
    use super::*;

    fn document(value: &str) -> Arc<Document> {
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
        let base = document("1");
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
        let base = document("1");
        let proven = base.prove(&edits("1", "2")).unwrap();
        assert!(proven.is_of(&base, &edits("1", "2")));
        assert!(!proven.is_of(&base, &edits("1", "3")));
        assert!(!proven.is_of(&document("1"), &edits("1", "2")));
    }

    #[test]
    fn no_edits_are_the_document_itself() {
        let base = document("1");
        assert!(Arc::ptr_eq(base.prove(&EditSet::default()).unwrap().result(), &base));
    }

    #[test]
    fn no_value_is_in_what_is_printed_for_debugging() {
        let proven = document("1").prove(&edits("1", "secret")).unwrap();
        assert!(!format!("{proven:?}").contains("secret"));
    }
}
