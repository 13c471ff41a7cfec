//! Edits: what to change, not bytes, so that they can be carried over to another version of the file.

use std::collections::HashMap;
use std::fmt;

use super::document::Document;
use super::place::VariablePath;
use super::secrets::Secrets;

/// One change: from the value it was based on to the value it shall have; `None` = not in the file.
#[derive(Clone, PartialEq, Eq)]
pub struct Edit {
    /// What.
    pub path: VariablePath,
    /// The value when the edit was made.
    pub base: Option<String>,
    /// The value wanted; `None` deletes.
    pub new: Option<String>,
}

impl fmt::Debug for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edit")
            .field("path", &self.path)
            .field("base", &masked(&self.path, self.base.as_deref()))
            .field("new", &masked(&self.path, self.new.as_deref()))
            .finish()
    }
}

/// What to change, independent of the bytes it will be applied to. At most one edit a path; no edit whose `base ==
/// new`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EditSet {
    edits: Vec<Edit>,
}

impl EditSet {
    /// Collects edits; later ones of a path replace earlier ones (keeping the first base), and those that change
    /// nothing are dropped.
    #[must_use]
    pub fn new(edits: impl IntoIterator<Item = Edit>) -> Self {
        let mut place: HashMap<VariablePath, usize> = HashMap::new();
        let mut kept: Vec<Edit> = Vec::new();
        for edit in edits {
            let earlier = place.get(&edit.path).and_then(|&at| kept.get_mut(at));
            if let Some(earlier) = earlier {
                earlier.new = edit.new;
            } else {
                place.insert(edit.path.clone(), kept.len());
                kept.push(edit);
            }
        }
        kept.retain(|edit| edit.base != edit.new);
        Self { edits: kept }
    }

    /// The edits, in the order given.
    #[must_use]
    pub fn edits(&self) -> &[Edit] {
        &self.edits
    }

    /// Nothing to do?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// Carries the edits over to another version of the file.
    pub(super) fn rebase(&self, onto: &Document) -> Rebased {
        let found = onto.find(self.edits.iter().map(|edit| &edit.path));
        let mut rebased = Rebased::default();
        for edit in &self.edits {
            let ambiguous = found.tables(&edit.path.table).len() > 1 || found.spots(&edit.path).len() > 1;
            let theirs = found.value(&edit.path);
            if ambiguous || (theirs != edit.new && theirs == edit.base) {
                rebased.apply.edits.push(edit.clone());
            } else if theirs == edit.new {
                rebased.already.push(edit.clone());
            } else {
                rebased.conflicts.push(Conflict {
                    path: edit.path.clone(),
                    base: edit.base.clone(),
                    theirs,
                    mine: edit.new.clone(),
                });
            }
        }
        rebased
    }

    /// The edits that undo these.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let undo = |edit: &Edit| Edit {
            path: edit.path.clone(),
            base: edit.new.clone(),
            new: edit.base.clone(),
        };
        Self {
            edits: self.edits.iter().map(undo).collect(),
        }
    }
}

/// An edit that does not fit what is in the document now.
#[derive(Clone, PartialEq, Eq)]
pub struct Conflict {
    /// What.
    pub path: VariablePath,
    /// The value the edit was based on.
    pub base: Option<String>,
    /// What stands there now.
    pub theirs: Option<String>,
    /// What the edit wants.
    pub mine: Option<String>,
}

impl fmt::Debug for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conflict")
            .field("path", &self.path)
            .field("base", &masked(&self.path, self.base.as_deref()))
            .field("theirs", &masked(&self.path, self.theirs.as_deref()))
            .field("mine", &masked(&self.path, self.mine.as_deref()))
            .finish()
    }
}

/// Edits carried over to another version of the document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rebased {
    /// Still to be applied.
    pub apply: EditSet,
    /// Already there.
    pub already: Vec<Edit>,
    /// Not to be applied without the user's word.
    pub conflicts: Vec<Conflict>,
}

/// `Debug` knows no catalogue, so it hides by name and content without exceptions.
fn masked(path: &VariablePath, value: Option<&str>) -> Option<String> {
    value.map(|value| Secrets::default().show(&path.variable, value))
}

/// Edits as tests write them: `Table/Variable`, base, new value.
#[cfg(test)]
pub(super) fn edits(wanted: &[(&str, Option<&str>, Option<&str>)]) -> EditSet {
    let edit = |&(path, base, new): &(&str, Option<&str>, Option<&str>)| {
        let (table, variable) = path.split_once('/').unwrap();
        let path = VariablePath {
            table: table.into(),
            variable: variable.into(),
        };
        Edit {
            path,
            base: base.map(Into::into),
            new: new.map(Into::into),
        }
    };
    EditSet::new(wanted.iter().map(edit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(name: &str, base: Option<&str>, new: Option<&str>) -> Edit {
        Edit {
            path: VariablePath {
                table: "Security".into(),
                variable: name.into(),
            },
            base: base.map(Into::into),
            new: new.map(Into::into),
        }
    }

    #[test]
    fn a_later_edit_of_a_path_replaces_the_earlier_and_keeps_its_base() {
        let set = EditSet::new([
            edit("A", Some("1"), Some("2")),
            edit("B", None, Some("x")),
            edit("A", Some("2"), None),
        ]);
        assert_eq!(set.edits(), [edit("A", Some("1"), None), edit("B", None, Some("x"))]);
    }

    #[test]
    fn edits_that_come_back_to_the_base_are_dropped() {
        let set = EditSet::new([edit("A", Some("1"), Some("2")), edit("A", Some("2"), Some("1"))]);
        assert!(set.is_empty());
    }

    #[test]
    fn the_inverse_of_the_inverse_is_the_set_itself() {
        let set = EditSet::new([edit("A", Some("1"), None), edit("B", None, Some("2"))]);
        assert_eq!(
            set.inverse().edits(),
            [edit("A", None, Some("1")), edit("B", Some("2"), None)]
        );
        assert_eq!(set.inverse().inverse(), set);
    }

    #[test]
    fn debug_never_prints_a_secret() {
        let token = "hunter2-token";
        let by_prefix = edit("Plain", Some("D3S:hunter2-token"), Some("SHA:hunter2-token"));
        let conflict = Conflict {
            path: VariablePath {
                table: "T".into(),
                variable: "SmtpSecret".into(),
            },
            base: Some(token.into()),
            theirs: Some(token.into()),
            mine: Some(token.into()),
        };
        let printed = format!("{by_prefix:?} {conflict:?} {:?}", EditSet::new([by_prefix.clone()]));
        assert!(!printed.contains(token), "{printed}");
        assert!(printed.contains("SmtpSecret"));
    }

    #[test]
    fn edits_are_carried_over_to_what_is_there_now() {
        let now = Document::parse(
            "<config><table name='T'><variable name='A'>1</variable><variable \
            name='B'>new</variable><variable name='C'>theirs</variable></table></config>"
                .into(),
        )
        .unwrap();
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
