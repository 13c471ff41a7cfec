//! `mailserver.cfg` as bytes: a lossless document.
//!
//! The file is read once into memory, checked strictly (more strictly than quick-xml does, and never less than another
//! XML parser would), and kept as it is, beside a compact index of byte spans. There is no tree and no writer: an edit
//! is a span and its replacement, and everything outside of it is copied byte for byte, blanks, comments, odd quotes,
//! BOM and line endings included.
//!
//! What this room must never know: what a variable means (room `tls`), how a file gets onto the disk (room `save`), and
//! anything about files, clocks or the screen. It does no I/O at all.
//!
//! | file | holds |
//! |---|---|
//! | `place` | lines and columns, paths of variables |
//! | `error` | what can go wrong, in words |
//! | `secrets`, `sensitive` | what is never shown, and where it lies in the file |
//! | `text`, `markup`, `scan` | characters and values, single pieces of markup, the strict pass |
//! | `index`, `document` | byte spans of sections and variables; parse and look up |
//! | `edits` | what to change, and carrying it over to another version |
//! | `style`, `splices`, `proof` | the file's habits, edits as splices, the proof before any write |
//! | `diff`, `changes` | what differs, in lines and in values |
//!
//! Each uses those before it only; this file is the front door, where a [`Document`] meets edits and other documents.

mod changes;
mod diff;
mod document;
mod edits;
mod error;
mod index;
mod listening;
mod markup;
mod place;
mod proof;
mod scan;
mod secrets;
mod sensitive;
mod splices;
mod style;
mod text;

use std::sync::Arc;

pub use changes::ValueChange;
pub use diff::{DiffKind, DiffLine};
pub use document::{Document, Places, Variable};
pub use edits::{Conflict, Edit, EditSet, Rebased};
pub use error::{EditError, ParseError, Unplain};
pub use index::Duplicate;
pub use place::{Position, VariablePath};
pub use proof::Proven;
pub use secrets::Secrets;

impl Document {
    /// The bytes with the edits applied; everything else byte for byte. No edits give the same bytes.
    /// # Errors
    /// [`EditError`]: a path that stands more than once, a base that is not what stands there, a value that XML cannot
    /// hold, a variable that holds more than text.
    pub fn render(&self, edits: &EditSet) -> Result<Vec<u8>, EditError> {
        Ok(splices::splice(&self.text, &splices::splices(self, edits)?))
    }

    /// Proves that `rendered` is this document with exactly these edits (outside bytes equal, strict parse, values read
    /// back, all other raw values unchanged).
    /// # Errors
    /// [`EditError::Verify`], or whatever [`Document::render`] says of the edits; nothing may be written then.
    pub fn verify(&self, edits: &EditSet, rendered: Vec<u8>) -> Result<Document, EditError> {
        proof::verify(self, edits, &splices::splices(self, edits)?, rendered)
    }

    /// Makes the edits and proves the result, as [`Document::render`] and [`Document::verify`] do. No edits: the
    /// document itself.
    /// # Errors
    /// [`EditError`], as those say.
    pub fn prove(self: &Arc<Self>, edits: &EditSet) -> Result<Proven, EditError> {
        Proven::new(self, edits)
    }

    /// Carries edits over to this document: what it has already, what still fits, and what someone else changed
    /// meanwhile.
    ///
    /// A path that stands more than once here is left in `apply`: [`Document::render`] refuses it and names the lines.
    #[must_use]
    pub fn rebase(&self, edits: &EditSet) -> Rebased {
        edits.rebase(self)
    }

    /// What differs from this document to `newer`, value by value, at most `limit` entries (the count of all is the
    /// second value).
    ///
    /// Items of a list are matched by their Id (or Guid, or Name) when each of them has one of its own in both lists,
    /// else by place.
    #[must_use]
    pub fn changes_to(&self, newer: &Document, secrets: &Secrets, limit: usize) -> (Vec<ValueChange>, usize) {
        changes::changes(self, newer, secrets, limit)
    }
}

impl Proven {
    /// The masked diff of the edits, with up to `context` unchanged lines around each.
    #[must_use]
    pub fn diff(&self, secrets: &Secrets, context: usize) -> Vec<DiffLine> {
        diff::diff(self, secrets, context)
    }
}
