//! The edit session: what was loaded, what is wanted, and what saving it would mean.
//!
//! Pure: it neither reads nor writes anything, and knows nothing of terminals, threads or the engine. Facts
//! about the world (owner of the file, whether the engine runs) are passed in as values of [`Facts`].
//!
//! A draft is a map from variable to *wanted value*, held against the loaded document. Whether something is
//! changed is decided by value, never by a flag: choosing what the file already says leaves no edit behind.

mod clock;
mod draft;
mod edit;
mod line;
mod naming;
mod review;
mod review_words;
mod rows;
mod snapshot;
#[cfg(test)]
mod tests;
mod values;
mod words;

/// What a session says in the terms of the file: front ends need no other room for it.
pub use crate::mailserver_cfg::{
    Conflict, Document, Edit, EditError, EditSet, Rebased, Secrets, ValueChange, VariablePath,
};
pub use clock::Clock;
pub use edit::Session;
pub use line::{Line, Tone, Wrap};
pub use naming::Naming;
pub use review::{Affected, Consent, DirectionReview, EnginePlan, Facts, Mends, Review, Subject};
pub use rows::{VariableList, VariableRow, variable_list, variable_rows};
pub use snapshot::{Expected, Measured, Snapshot, secrets};
pub use values::{change_words, conflict_lines, value_lines};
pub use words::{
    VERDICTS, VerdictWords, amount, amounts, coverage_words, cut_off_line, cut_off_narrow, evidence_words, first_of,
    knowledge_words, number_of, smtp_words, unknown_words, verdict_words, words_of,
};
