//! The words that other rooms speak with this one. Values are secret until shown through [`Secrets`], so
//! `Debug` masks them.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;

use super::secrets::Secrets;

/// A place in the file; both count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line.
    pub line: u32,
    /// Column, in characters.
    pub column: u32,
}

/// A variable of a top-level table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariablePath {
    /// Table name.
    pub table: String,
    /// Variable name.
    pub variable: String,
}

impl fmt::Display for VariablePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.table, self.variable)
    }
}

/// A variable as it stands in the document.
#[derive(Clone, PartialEq, Eq)]
pub struct Variable {
    /// Name, unescaped.
    pub name: String,
    /// Value, unescaped.
    pub value: String,
    /// Line it begins on, from 1.
    pub line: u32,
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variable")
            .field("name", &self.name)
            .field("value", &masked(&self.name, &self.value))
            .field("line", &self.line)
            .finish()
    }
}

/// A name that stands more than once where it should be unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// The table.
    pub table: String,
    /// The variable, or `None` when the table itself is there more than once.
    pub variable: Option<String>,
    /// The lines where each begins.
    pub lines: Vec<u32>,
}

/// Where things lie, as the file itself says (not checked against the disk).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places {
    /// `Directories/StoreDir`.
    pub store: Option<PathBuf>,
    /// `LogGlobal/RelativePathsRoot`, else the store's `logs`. The first of
    /// [`Document::log_directories`](super::Document::log_directories).
    pub logs: Option<PathBuf>,
}

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
            .field("base", &masked_option(&self.path, self.base.as_deref()))
            .field("new", &masked_option(&self.path, self.new.as_deref()))
            .finish()
    }
}

/// What to change, independent of the bytes it will be applied to. At most one edit a path; no edit whose `base == new`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EditSet {
    edits: Vec<Edit>,
}

impl EditSet {
    /// Collects edits; later ones of a path replace earlier ones (keeping the first base), and those that change nothing are dropped.
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
            .field("base", &masked_option(&self.path, self.base.as_deref()))
            .field("theirs", &masked_option(&self.path, self.theirs.as_deref()))
            .field("mine", &masked_option(&self.path, self.mine.as_deref()))
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

/// What differs between two documents, value by value (secrets masked).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueChange {
    /// Where, in words: `Security/ServerTlsProtocols`, or `list Users, item 3, Enabled`.
    pub place: String,
    /// Before (masked), `None` = was not there.
    pub old: Option<String>,
    /// After (masked), `None` = is not there.
    pub new: Option<String>,
}

/// `Debug` knows no catalogue, so it hides by name and prefix without exceptions.
fn masked(name: &str, value: &str) -> String {
    Secrets::default().show(name, value)
}

fn masked_option(path: &VariablePath, value: Option<&str>) -> Option<String> {
    value.map(|value| masked(&path.variable, value))
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
        let variable = Variable {
            name: "AdminPassword".into(),
            value: token.into(),
            line: 3,
        };
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
        let said = format!(
            "{variable:?} {by_prefix:?} {conflict:?} {:?}",
            EditSet::new([by_prefix.clone()])
        );
        assert!(!said.contains(token), "{said}");
        assert!(said.contains("AdminPassword"));
    }
}
