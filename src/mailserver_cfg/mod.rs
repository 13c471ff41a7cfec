//! `mailserver.cfg` as bytes: a lossless document.
//!
//! The file is read once into memory, checked strictly (more strictly than quick-xml does, and never less than another
//! XML parser would), and kept as it is, beside a compact index of byte spans. There is no tree and no writer: an edit is a span
//! and its replacement, and everything outside of it is copied byte for byte, blanks, comments, odd quotes, BOM and line
//! endings included.
//!
//! What this room must never know: what a variable means (room `tls`), how a file gets onto the disk (room `save`), and anything
//! about files, clocks or the screen. It does no I/O at all.
//!
//! | file | holds |
//! |---|---|
//! | `types` | what others see: variables, edits, conflicts, diff lines |
//! | `error` | what can go wrong, in words |
//! | `strict`, `plain` | the well-formedness pass over quick-xml's events; what the server spells as always, without them |
//! | `tag`, `markup`, `chars`, `content` | start tags, rules for single pieces, legal characters and names, what a content means |
//! | `index` | byte spans of sections and variables |
//! | `document` | parse, look up, places |
//! | `edit`, `splice`, `style`, `rebase` | edits as splices, render, carrying them over; the indent, quotes and line endings found in the file |
//! | `verify`, `proven` | the proof before any write; a result that carries it |
//! | `diff`, `changes`, `piece` | what differs, in lines and in values |
//! | `secrets`, `sensitive` | what is never shown, and where it lies in the file |

mod changes;
mod chars;
mod content;
mod diff;
mod document;
mod edit;
mod error;
mod index;
mod lines;
mod markup;
mod piece;
mod plain;
mod proven;
mod rebase;
mod secrets;
mod sensitive;
mod splice;
mod strict;
mod style;
mod tag;
mod types;
mod verify;

pub use document::Document;
pub use error::{EditError, ParseError, Unplain};
pub use proven::Proven;
pub use secrets::Secrets;
pub use types::{
    Conflict, DiffKind, DiffLine, Duplicate, Edit, EditSet, Places, Position, Rebased, ValueChange, Variable,
    VariablePath,
};
