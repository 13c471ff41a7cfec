//! The edit session: what was loaded, what is wanted, and what saving it would mean.
//!
//! Pure: it neither reads nor writes anything, and knows nothing of terminals, threads or the engine. Facts
//! about the world (owner of the file, whether the engine runs) are passed in as values of [`Facts`].
//!
//! A draft is a map from variable to *wanted value*, held against the loaded document. Whether something is
//! changed is decided by value, never by a flag: choosing what the file already says leaves no edit behind.

mod clock;
mod fields;
mod review;
mod rows;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::mailserver_cfg::{Document, Edit, EditSet, Rebased, Secrets, VariablePath};
use crate::peers::Threshold;
use crate::tls::{Catalogue, Choice, Direction, Minimum, Pair, Plan, PlanError, PlanNote, Reading, Role, TlsVersion};

pub use clock::Clock;
pub use review::{Affected, Consent, DirectionReview, EnginePlan, Facts, Mends, Review};
pub use rows::VariableRow;
pub use words::{
    Line, Tone, amount, coverage_words, cut_off_line, describe_choice, describe_minimum, evidence_words, host_label,
    mark, verdict_words,
};

/// What measurements have shown of this server; remembered between runs by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measured {
    /// This engine was seen to speak TLS 1.3 (a Received header, a handshake, or the file's own lists).
    pub speaks_tls13: bool,
    /// The lowest version that inbound ports accept while no TLS variable is set.
    pub inbound_default: Option<TlsVersion>,
}

/// What the user wants, held against the loaded document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Draft {
    /// Wanted values; `None` = not in the file.
    wanted: BTreeMap<VariablePath, Option<String>>,
    /// What the plans behind the wanted values had to say, by direction.
    notes: [Vec<PlanNote>; 2],
    /// What is to be said of one variable that has a field of its own; counts while that variable is changed.
    field_notes: BTreeMap<VariablePath, Vec<PlanNote>>,
}

impl Draft {
    fn notes_mut(&mut self, direction: Direction) -> &mut Vec<PlanNote> {
        let [inbound, outbound] = &mut self.notes;
        match direction {
            Direction::Inbound => inbound,
            Direction::Outbound => outbound,
        }
    }

    fn notes(&self, direction: Direction) -> &[PlanNote] {
        let [inbound, outbound] = &self.notes;
        match direction {
            Direction::Inbound => inbound,
            Direction::Outbound => outbound,
        }
    }
}

/// Which values must not be shown: names of the catalogue hold no secrets.
#[must_use]
pub fn secrets(catalogue: &Catalogue) -> Secrets {
    let open_names = Direction::ALL
        .into_iter()
        .flat_map(|d| catalogue.rows(d))
        .filter_map(|row| row.name.clone())
        .collect();
    Secrets { open_names }
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

/// Undo steps kept; the oldest are forgotten beyond it.
const UNDO_LIMIT: usize = 200;

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
        let table = direction.table();
        let mut pairs = self.loaded_pairs(direction);
        for (path, wanted) in self.draft.wanted.iter().filter(|(path, _)| path.table == table) {
            match wanted {
                None => pairs.retain(|p| p.name != path.variable),
                Some(value) => match pairs.iter_mut().find(|p| p.name == path.variable) {
                    Some(pair) => pair.value.clone_from(value),
                    None => pairs.push(Pair {
                        name: path.variable.clone(),
                        value: value.clone(),
                    }),
                },
            }
        }
        pairs
    }

    /// What the wanted variables of a direction say.
    #[must_use]
    pub fn reading(&self, direction: Direction) -> Reading {
        self.read(direction, Self::pairs)
    }

    /// What the loaded variables of a direction say.
    #[must_use]
    pub fn loaded_reading(&self, direction: Direction) -> Reading {
        self.read(direction, Self::loaded_pairs)
    }

    fn read(&self, direction: Direction, pairs: impl Fn(&Self, Direction) -> Vec<Pair>) -> Reading {
        let [inbound, outbound] = self
            .catalogue
            .read_both(&pairs(self, Direction::Inbound), &pairs(self, Direction::Outbound));
        match direction {
            Direction::Inbound => inbound,
            Direction::Outbound => outbound,
        }
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

    /// Does a choice count for both directions?
    #[must_use]
    pub fn same_for_both(&self) -> bool {
        self.same_for_both
    }

    /// Lets a choice count for both directions, or for one.
    pub fn set_same_for_both(&mut self, same: bool) {
        self.same_for_both = same;
    }

    /// Makes a choice in one direction, or in both when they go together. Planned from what was *loaded*, so
    /// that going back and forth in the drop-down loses nothing.
    ///
    /// # Errors
    /// [`PlanError`]; then nothing has changed.
    pub fn choose(&mut self, direction: Direction, choice: Choice) -> Result<bool, PlanError> {
        let mut next = self.draft.clone();
        for direction in self.affected(direction) {
            let plan = self.catalogue.choose_in_file(
                direction,
                &self.loaded_pairs(Direction::Inbound),
                &self.loaded_pairs(Direction::Outbound),
                choice,
                self.measured.speaks_tls13,
            )?;
            self.drop_minimum_edits(&mut next, direction);
            self.lay_plan(&mut next, direction, plan);
        }
        Ok(self.advance(next))
    }

    /// The directions that a choice in `direction` touches.
    #[must_use]
    pub fn affected(&self, direction: Direction) -> Vec<Direction> {
        if self.same_for_both {
            Direction::ALL.to_vec()
        } else {
            vec![direction]
        }
    }

    /// Deletes every variable with a role in these directions, and nothing else.
    ///
    /// # Errors
    /// [`PlanError`]; then nothing has changed.
    pub fn reset(&mut self, directions: &[Direction]) -> Result<bool, PlanError> {
        let mut next = self.draft.clone();
        for &direction in directions {
            let plan = self.catalogue.reset(direction, &self.loaded_pairs(direction))?;
            next.wanted.retain(|path, _| {
                path.table != direction.table() || self.catalogue.find(direction, &path.variable).is_none()
            });
            self.lay_plan(&mut next, direction, plan);
        }
        Ok(self.advance(next))
    }

    /// What a reset would delete: the names, by direction.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn reset_names(&self, direction: Direction) -> Result<Vec<String>, PlanError> {
        let plan = self.catalogue.reset(direction, &self.loaded_pairs(direction))?;
        Ok(plan.edits.into_iter().map(|edit| edit.name).collect())
    }

    /// Brings a direction's minimum back to what was loaded.
    pub fn revert_minimum(&mut self, direction: Direction) -> bool {
        let mut next = self.draft.clone();
        for direction in self.affected(direction) {
            self.drop_minimum_edits(&mut next, direction);
        }
        self.advance(next)
    }

    /// Brings one variable back to what was loaded.
    pub fn revert_variable(&mut self, path: &VariablePath) -> bool {
        let mut next = self.draft.clone();
        next.wanted.remove(path);
        self.advance(next)
    }

    /// Brings everything back to what was loaded.
    pub fn revert_all(&mut self) -> bool {
        self.advance(Draft::default())
    }

    /// Wants a value for one variable; `None` deletes it (the server's default then holds).
    pub fn want(&mut self, path: VariablePath, value: Option<String>) -> bool {
        let mut next = self.draft.clone();
        if self.base.value(&path) == value {
            next.wanted.remove(&path);
        } else {
            next.wanted.insert(path, value);
        }
        self.advance(next)
    }

    /// One step back. `false`: there is none.
    pub fn undo(&mut self) -> bool {
        let Some(previous) = self.undo.pop() else { return false };
        self.redo.push(std::mem::replace(&mut self.draft, previous));
        true
    }

    /// One step forward again. `false`: there is none.
    pub fn redo(&mut self) -> bool {
        let Some(next) = self.redo.pop() else { return false };
        self.undo.push(std::mem::replace(&mut self.draft, next));
        true
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

    /// Carries the draft over to another version of the file (after a save, or because someone else wrote it).
    /// Conflicting edits are dropped from the draft and returned; undo starts anew.
    pub fn rebase(&mut self, onto: Arc<Document>) -> Rebased {
        let rebased = onto.rebase(&self.edits());
        self.base = onto;
        self.draft.wanted = rebased
            .apply
            .edits()
            .iter()
            .map(|edit| (edit.path.clone(), edit.new.clone()))
            .collect();
        for direction in Direction::ALL {
            if !self.is_minimum_dirty(direction) {
                self.draft.notes_mut(direction).clear();
            }
        }
        self.undo.clear();
        self.redo.clear();
        rebased
    }

    /// Takes up edits of an earlier session; they must fit the loaded document (see [`Document::rebase`]).
    pub fn take_up(&mut self, edits: &EditSet) -> bool {
        let mut next = self.draft.clone();
        for edit in edits.edits() {
            next.wanted.insert(edit.path.clone(), edit.new.clone());
        }
        self.advance(next)
    }

    fn makes_minimum(&self, direction: Direction, path: &VariablePath) -> bool {
        path.table == direction.table()
            && self
                .catalogue
                .find(direction, &path.variable)
                .is_some_and(|row| matches!(row.role, Role::ProtocolList | Role::MinimumVersion))
    }

    fn drop_minimum_edits(&self, draft: &mut Draft, direction: Direction) {
        draft.wanted.retain(|path, _| !self.makes_minimum(direction, path));
        draft.notes_mut(direction).clear();
    }

    fn lay_plan(&self, draft: &mut Draft, direction: Direction, plan: Plan) {
        for edit in plan.edits {
            let path = VariablePath {
                table: direction.table().to_owned(),
                variable: edit.name,
            };
            draft.wanted.insert(path, edit.new);
        }
        *draft.notes_mut(direction) = plan.notes;
    }

    /// Takes the next draft, remembering the present one. `false`: they are the same.
    fn advance(&mut self, next: Draft) -> bool {
        if next == self.draft {
            return false;
        }
        self.undo.push(std::mem::replace(&mut self.draft, next));
        if self.undo.len() > UNDO_LIMIT {
            self.undo.remove(0);
        }
        self.redo.clear();
        true
    }
}
