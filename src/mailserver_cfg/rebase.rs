//! Edits are what to change, not bytes: they can be carried over to another version of the file.

use super::document::Document;
use super::types::{Conflict, EditSet, Rebased};

impl Document {
    /// Carries edits over to this document: what it has already, what still fits, and what someone else changed meanwhile.
    ///
    /// A path that stands more than once here is left in `apply`: [`Document::render`] refuses it and names the lines.
    #[must_use]
    pub fn rebase(&self, edits: &EditSet) -> Rebased {
        let mut rebased = Rebased::default();
        let mut apply = Vec::new();
        for edit in edits.edits() {
            let ambiguous = self.tables(&edit.path.table).nth(1).is_some() || self.spots(&edit.path).nth(1).is_some();
            let theirs = self.value(&edit.path);
            if ambiguous || (theirs != edit.new && theirs == edit.base) {
                apply.push(edit.clone());
            } else if theirs == edit.new {
                rebased.already.push(edit.clone());
            } else {
                let (path, base, mine) = (edit.path.clone(), edit.base.clone(), edit.new.clone());
                rebased.conflicts.push(Conflict {
                    path,
                    base,
                    theirs,
                    mine,
                });
            }
        }
        rebased.apply = EditSet::new(apply);
        rebased
    }
}

#[cfg(test)]
mod tests {
    use super::super::types::edits;
    use super::*;

    #[test]
    fn edits_are_carried_over_to_what_is_there_now() {
        let now = Document::parse("<config><table name='T'><variable name='A'>1</variable><variable name='B'>new</variable><variable name='C'>theirs</variable></table></config>".into()).unwrap();
        let rebased = now.rebase(&edits(&[
            ("T/A", Some("1"), None),
            ("T/B", Some("old"), Some("new")),
            ("T/C", Some("base"), Some("mine")),
            ("T/D", None, Some("x")),
            ("T/E", Some("gone"), None),
        ]));
        assert_eq!(
            rebased.apply,
            edits(&[("T/A", Some("1"), None), ("T/D", None, Some("x"))])
        );
        assert_eq!(
            rebased.already,
            edits(&[("T/B", Some("old"), Some("new")), ("T/E", Some("gone"), None)]).edits()
        );
        let conflict = rebased.conflicts.first().unwrap();
        assert_eq!(rebased.conflicts.len(), 1);
        assert_eq!(
            (
                conflict.base.as_deref(),
                conflict.theirs.as_deref(),
                conflict.mine.as_deref()
            ),
            (Some("base"), Some("theirs"), Some("mine"))
        );
    }
}
