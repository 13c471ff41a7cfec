//! The edit session: what was loaded, what is wanted, and what saving it would mean.
//!
//! Pure: it neither reads nor writes anything, and knows nothing of terminals, threads or the engine. Facts
//! about the world (owner of the file, whether the engine runs) are passed in as values of [`Facts`].
//!
//! A draft is a map from variable to *wanted value*, held against the loaded document. Whether something is
//! changed is decided by value, never by a flag: choosing what the file already says leaves no edit behind.

mod choosing;
mod clock;
mod draft;
mod expected;
mod fields;
mod line;
mod review;
mod review_words;
mod rows;
#[cfg(test)]
mod tests;
mod values;
mod words;

use std::sync::Arc;

use crate::mailserver_cfg::Duplicate;
use crate::peers::Threshold;
use crate::tls::{Catalogue, Choice, Direction, Minimum, Pair, PlanError, PlanNote, Reading, TlsVersion};

use draft::Draft;

/// What a session says in the terms of the file: front ends need no other room for it.
pub use crate::mailserver_cfg::{
    Conflict, Document, Edit, EditError, EditSet, Rebased, Secrets, ValueChange, VariablePath,
};
pub use clock::Clock;
pub use expected::Expected;
pub use line::{Line, Tone, Wrap};
pub use review::{Affected, Consent, DirectionReview, EnginePlan, Facts, Mends, Review};
pub use rows::VariableRow;
pub use values::{change_words, conflict_lines, value_lines};
pub use words::{
    VERDICTS, VerdictWords, amount, amounts, coverage_words, cut_off_line, cut_off_narrow, describe_choice,
    describe_minimum, evidence_words, first_of, host_label, knowledge_words, mark, number_of, unknown_words,
    verdict_words, words_of,
};

/// What measurements have shown of this server; remembered between runs by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measured {
    /// This engine was seen to speak TLS 1.3 (a Received header or a handshake). What the file's own lists say is no
    /// measurement: the catalogue sees it for itself.
    pub speaks_tls13: bool,
    /// The lowest version that inbound ports accept while no TLS variable is set.
    pub inbound_default: Option<TlsVersion>,
}

/// Which values must not be shown. The catalogue's variables with closed values hold no secrets, whatever their names.
#[must_use]
pub fn secrets(catalogue: &Catalogue) -> Secrets {
    let mut secrets = Secrets::default();
    for row in Direction::ALL.into_iter().flat_map(|d| catalogue.rows(d)) {
        let Some(name) = row.name.clone() else { continue };
        let path = VariablePath {
            table: row.direction.table().to_owned(),
            variable: name,
        };
        if row.kind.is_closed() {
            secrets.closed.push(path);
        } else {
            secrets.ciphers.push(path);
        }
    }
    secrets
}

/// An edit session on one document.
#[derive(Debug, Clone)]
pub struct Session {
    base: Arc<Document>,
    catalogue: Catalogue,
    measured: Measured,
    draft: Draft,
    undo: Vec<Draft>,
    redo: Vec<Draft>,
    same_for_both: bool,
}

impl Session {
    /// Opens a session with nothing changed.
    #[must_use]
    pub fn new(base: Arc<Document>, catalogue: Catalogue, measured: Measured) -> Self {
        Self {
            base,
            catalogue,
            measured,
            draft: Draft::default(),
            undo: Vec::new(),
            redo: Vec::new(),
            same_for_both: false,
        }
    }

    /// The document that was loaded.
    #[must_use]
    pub fn base(&self) -> &Arc<Document> {
        &self.base
    }

    /// The catalogue in force.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Replaces the catalogue (the user named a variable); the draft stays.
    pub fn set_catalogue(&mut self, catalogue: Catalogue) {
        self.catalogue = catalogue;
    }

    /// What was measured of this server.
    #[must_use]
    pub fn measured(&self) -> Measured {
        self.measured
    }

    /// Takes in a measurement.
    pub fn set_measured(&mut self, measured: Measured) {
        self.measured = measured;
    }

    /// Which values must not be shown.
    #[must_use]
    pub fn secrets(&self) -> Secrets {
        secrets(&self.catalogue)
    }

    /// The pairs of a direction's table as loaded.
    #[must_use]
    pub fn loaded_pairs(&self, direction: Direction) -> Vec<Pair> {
        self.base
            .variables(direction.table())
            .into_iter()
            .map(|v| Pair {
                name: v.name,
                value: v.value,
            })
            .collect()
    }

    /// The pairs of a direction's table as wanted: file order, additions last.
    #[must_use]
    pub fn pairs(&self, direction: Direction) -> Vec<Pair> {
        self.draft.pairs(direction, self.loaded_pairs(direction))
    }

    /// What the wanted variables of a direction say.
    #[must_use]
    pub fn reading(&self, direction: Direction) -> Reading {
        self.read(direction, Direction::ALL.map(|d| self.pairs(d)))
    }

    /// What the loaded variables of a direction say.
    #[must_use]
    pub fn loaded_reading(&self, direction: Direction) -> Reading {
        self.read(direction, Direction::ALL.map(|d| self.loaded_pairs(d)))
    }

    fn read(&self, direction: Direction, [inbound, outbound]: [Vec<Pair>; 2]) -> Reading {
        let mut reading = direction.of(self.catalogue.read_both(&inbound, &outbound));
        if let Err(twice) = self.one_table(direction) {
            reading.minimum = Minimum::Custom(twice.to_string());
            reading.protocols = None;
        }
        reading
    }

    /// Which of several tables of a name the server reads is not known: then they make no minimum and take no choice.
    ///
    /// # Errors
    /// [`PlanError::DuplicateTable`].
    fn one_table(&self, direction: Direction) -> Result<(), PlanError> {
        let table = direction.table();
        let twice = |d: &&Duplicate| *d.table == *table && d.variable.is_none();
        match self.base.duplicates().iter().find(twice) {
            Some(found) => Err(PlanError::DuplicateTable {
                table,
                count: found.lines.len(),
            }),
            None => Ok(()),
        }
    }

    /// What the review says of a direction's changes.
    #[must_use]
    pub fn notes(&self, direction: Direction) -> Vec<PlanNote> {
        self.notes_to(direction, self)
    }

    /// The same of what another session wants, held against what was loaded here.
    fn notes_to(&self, direction: Direction, after: &Self) -> Vec<PlanNote> {
        let [in_before, out_before] = Direction::ALL.map(|d| self.loaded_pairs(d));
        let [in_after, out_after] = Direction::ALL.map(|d| after.pairs(d));
        let (before, after) = ([&in_before[..], &out_before], [&in_after[..], &out_after]);
        self.catalogue
            .notes(direction, before, after, self.measured.speaks_tls13)
    }

    /// The minimum that is wanted.
    #[must_use]
    pub fn minimum(&self, direction: Direction) -> Minimum {
        self.reading(direction).minimum
    }

    /// The minimum that was loaded.
    #[must_use]
    pub fn loaded_minimum(&self, direction: Direction) -> Minimum {
        self.loaded_reading(direction).minimum
    }

    /// What peers of a direction are held against when this minimum holds. Only the inbound default can be
    /// measured (on the server's own ports); an outbound default stays unknown.
    #[must_use]
    pub fn threshold(&self, direction: Direction, minimum: &Minimum) -> Threshold {
        match (minimum, direction) {
            (Minimum::At(version), _) => Threshold::At(*version),
            (Minimum::Default, Direction::Inbound) => {
                self.measured.inbound_default.map_or(Threshold::NotKnown, Threshold::At)
            }
            (Minimum::Default, Direction::Outbound) | (Minimum::Custom(_), _) => Threshold::NotKnown,
        }
    }

    /// The same for a choice that has not been made yet.
    #[must_use]
    pub fn threshold_of(&self, direction: Direction, choice: Choice) -> Threshold {
        match choice {
            Choice::Default => self.threshold(direction, &Minimum::Default),
            Choice::At(version) => Threshold::At(version),
        }
    }

    /// The edits that saving would make, decided by value.
    #[must_use]
    pub fn edits(&self) -> EditSet {
        EditSet::new(self.draft.wanted.iter().map(|(path, wanted)| Edit {
            path: path.clone(),
            base: self.base.value(path),
            new: wanted.clone(),
        }))
    }

    /// Is anything to be saved?
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        !self.edits().is_empty()
    }

    /// Does this variable differ from what was loaded?
    #[must_use]
    pub fn is_variable_dirty(&self, path: &VariablePath) -> bool {
        self.draft
            .wanted
            .get(path)
            .is_some_and(|wanted| *wanted != self.base.value(path))
    }

    /// Does a variable that makes this direction's minimum differ from what was loaded?
    #[must_use]
    pub fn is_minimum_dirty(&self, direction: Direction) -> bool {
        self.draft
            .wanted
            .keys()
            .any(|path| self.makes_minimum(direction, path) && self.is_variable_dirty(path))
    }

    /// Says in words where the two directions differ; `None` when they agree.
    #[must_use]
    pub fn difference(&self) -> Option<String> {
        let (inbound, outbound) = (self.minimum(Direction::Inbound), self.minimum(Direction::Outbound));
        (inbound != outbound).then(|| {
            format!(
                "Inbound ({}) and outbound ({}) differ; the same is advised.",
                describe_minimum(&inbound),
                describe_minimum(&outbound)
            )
        })
    }
}
