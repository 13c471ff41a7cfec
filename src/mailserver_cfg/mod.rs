//! `mailserver.cfg` as bytes: a lossless document.
//! CONTRACT: signatures are fixed (other rooms build on them); bodies are the mailserver_cfg helper's work.

use std::path::PathBuf;

/// A place in the file; both count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line.
    pub line: u32,
    /// Column, in characters.
    pub column: u32,
}

/// Why the bytes are not a `mailserver.cfg` that we would edit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {}, column {}: {what}", position.line, position.column)]
pub struct ParseError {
    /// Where.
    pub position: Position,
    /// What is wrong and what was expected.
    pub what: String,
}

/// A variable of a top-level table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariablePath {
    /// Table name.
    pub table: String,
    /// Variable name.
    pub variable: String,
}

impl std::fmt::Display for VariablePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.table, self.variable)
    }
}

/// A variable as it stands in the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Name, unescaped.
    pub name: String,
    /// Value, unescaped.
    pub value: String,
    /// Line it begins on, from 1.
    pub line: u32,
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
    /// `LogGlobal/RelativePathsRoot`, else the store's `logs`.
    pub logs: Option<PathBuf>,
}

/// One change: from the value it was based on to the value it shall have; `None` = not in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What.
    pub path: VariablePath,
    /// The value when the edit was made.
    pub base: Option<String>,
    /// The value wanted; `None` deletes.
    pub new: Option<String>,
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
        let _ = edits.into_iter();
        todo!()
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
        todo!()
    }
}

/// An edit that does not fit what is in the document now.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// The text, secrets masked, control characters as hex, without line ending.
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

/// Which values are secrets: by prefix (`D3S:`, `SHA:`) or by name (`*Password*`, `*Secret*`, `*Key*`), except the names listed.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// Names that look like a secret but hold a closed set of values (a key size).
    pub open_names: Vec<String>,
}

impl Secrets {
    /// Is this value to be hidden?
    #[must_use]
    pub fn is_secret(&self, name: &str, value: &str) -> bool {
        let _ = (name, value);
        todo!()
    }
    /// The value as it may be shown: masked when secret, else control characters as hex, bounded in length.
    #[must_use]
    pub fn show(&self, name: &str, value: &str) -> String {
        let _ = (name, value);
        todo!()
    }
}

/// Why edits could not be rendered or the result was not what it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The path stands more than once.
    #[error("{path} stands more than once (lines {lines:?}); it is edited only by hand")]
    Duplicate {
        /// The path.
        path: VariablePath,
        /// Where.
        lines: Vec<u32>,
    },
    /// XML 1.0 cannot hold this value.
    #[error("the new value of {path} has a character that XML cannot hold (U+{character:04X})")]
    NotXml {
        /// The path.
        path: VariablePath,
        /// The character.
        character: u32,
    },
    /// The document's base value is not the edit's.
    #[error("{path} is not what this edit was based on")]
    Stale {
        /// The path.
        path: VariablePath,
    },
    /// Verification of the result failed; nothing may be written.
    #[error("checking the new file before writing failed: {0}")]
    Verify(String),
}

/// The whole file: its bytes and an index of spans.
#[derive(Debug, Clone)]
pub struct Document {
    #[allow(dead_code)]
    bytes: Vec<u8>,
}

impl Document {
    /// Reads strictly.
    /// # Errors
    /// [`ParseError`] with line and column.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, ParseError> {
        let _ = bytes;
        todo!()
    }
    /// The bytes, exactly as read.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
    /// The variables of a top-level table in file order, duplicates included; empty when there is no such table.
    #[must_use]
    pub fn variables(&self, table: &str) -> Vec<Variable> {
        let _ = table;
        todo!()
    }
    /// Is the table there?
    #[must_use]
    pub fn has_table(&self, table: &str) -> bool {
        let _ = table;
        todo!()
    }
    /// The value at a path (the first, where there are duplicates).
    #[must_use]
    pub fn value(&self, path: &VariablePath) -> Option<String> {
        let _ = path;
        todo!()
    }
    /// Top-level tables and variables in them that stand more than once.
    #[must_use]
    pub fn duplicates(&self) -> &[Duplicate] {
        todo!()
    }
    /// Where store and logs lie.
    #[must_use]
    pub fn places(&self) -> Places {
        todo!()
    }
    /// The bytes with the edits applied; everything else byte for byte.
    /// # Errors
    /// [`EditError`].
    pub fn render(&self, edits: &EditSet) -> Result<Vec<u8>, EditError> {
        let _ = edits;
        todo!()
    }
    /// Proves that `rendered` is this document with exactly these edits (outside bytes equal, strict parse, values read back, all other raw values unchanged).
    /// # Errors
    /// [`EditError::Verify`].
    pub fn verify(&self, edits: &EditSet, rendered: Vec<u8>) -> Result<Document, EditError> {
        let _ = (edits, rendered);
        todo!()
    }
    /// Carries edits over to this document.
    #[must_use]
    pub fn rebase(&self, edits: &EditSet) -> Rebased {
        let _ = edits;
        todo!()
    }
    /// The masked diff of these edits, with up to `context` unchanged lines around each.
    /// # Errors
    /// [`EditError`].
    pub fn diff(&self, edits: &EditSet, secrets: &Secrets, context: usize) -> Result<Vec<DiffLine>, EditError> {
        let _ = (edits, secrets, context);
        todo!()
    }
    /// What differs from this document to `newer`, value by value, at most `limit` entries (the count of all is the second value).
    #[must_use]
    pub fn changes_to(&self, newer: &Document, secrets: &Secrets, limit: usize) -> (Vec<ValueChange>, usize) {
        let _ = (newer, secrets, limit);
        todo!()
    }
}
