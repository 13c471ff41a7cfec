//! The ways to change what is wanted: choices, resets, single values, undo, another version of the file.

use std::sync::Arc;

use crate::mailserver_cfg::{Document, EditSet, Rebased, VariablePath};
use crate::tls::{Choice, Direction, PlanError, Role};

use super::Session;
use super::draft::Draft;

/// Undo steps kept; the oldest are forgotten beyond it.
const UNDO_LIMIT: usize = 200;

impl Session {
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
    /// that going back and forth in the drop-down loses nothing, and together with what is chosen in the other
    /// direction, so that both read as chosen in the end. A direction in which nothing is chosen gets no edit; where it
    /// reads otherwise because of this one, the review says so.
    ///
    /// # Errors
    /// [`PlanError`]; then nothing has changed.
    pub fn choose(&mut self, direction: Direction, choice: Choice) -> Result<bool, PlanError> {
        let mut next = self.draft.clone();
        for direction in self.affected(direction) {
            self.drop_minimum_edits(&mut next, direction);
            next.set_choice(direction, Some(choice));
        }
        let next = self.planned(next)?;
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
            self.one_table(direction)?;
            let edits = self.catalogue.reset(direction, &self.loaded_pairs(direction))?;
            next.wanted.retain(|path, _| {
                path.table != direction.table() || self.catalogue.find(direction, &path.variable).is_none()
            });
            next.set_choice(direction, None);
            next.lay(direction, edits);
        }
        let next = self.planned(next)?;
        Ok(self.advance(next))
    }

    /// What a reset would delete: the names, by direction.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn reset_names(&self, direction: Direction) -> Result<Vec<String>, PlanError> {
        let edits = self.catalogue.reset(direction, &self.loaded_pairs(direction))?;
        Ok(edits.into_iter().map(|edit| edit.name).collect())
    }

    /// Brings a direction's minimum back to what was loaded.
    pub fn revert_minimum(&mut self, direction: Direction) -> bool {
        let mut next = self.draft.clone();
        for direction in self.affected(direction) {
            self.drop_minimum_edits(&mut next, direction);
        }
        self.settle(next)
    }

    /// Brings one variable back to what was loaded.
    pub fn revert_variable(&mut self, path: &VariablePath) -> bool {
        let mut next = self.draft.clone();
        next.wanted.remove(path);
        self.by_hand(&mut next, path);
        self.settle(next)
    }

    /// Wants a value for one variable; `None` deletes it (the server's default then holds).
    pub fn want(&mut self, path: VariablePath, value: Option<String>) -> bool {
        let mut next = self.draft.clone();
        self.by_hand(&mut next, &path);
        if self.base.value(&path) == value {
            next.wanted.remove(&path);
        } else {
            next.wanted.insert(path, value);
        }
        self.settle(next)
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

    /// Carries the draft over to another version of the file (after a save, or because someone else wrote it).
    /// Conflicting edits are dropped from the draft and returned; undo starts anew.
    pub fn rebase(&mut self, onto: Arc<Document>) -> Rebased {
        let rebased = onto.rebase(&self.edits());
        self.base = onto;
        // The choices were made in another file: their edits stay, as if they were made by hand.
        self.draft = Draft::default();
        self.draft.wanted.extend(
            rebased
                .apply
                .edits()
                .iter()
                .map(|edit| (edit.path.clone(), edit.new.clone())),
        );
        self.undo.clear();
        self.redo.clear();
        rebased
    }

    /// Takes up edits of an earlier session; they must fit the loaded document (see [`Document::rebase`]).
    pub fn take_up(&mut self, edits: &EditSet) -> bool {
        let mut next = self.draft.clone();
        for edit in edits.edits() {
            self.by_hand(&mut next, &edit.path);
            next.wanted.insert(edit.path.clone(), edit.new.clone());
        }
        self.settle(next)
    }

    pub(super) fn makes_minimum(&self, direction: Direction, path: &VariablePath) -> bool {
        path.table == direction.table()
            && self
                .catalogue
                .find(direction, &path.variable)
                .is_some_and(|row| matches!(row.role, Role::ProtocolList | Role::MinimumVersion))
    }

    fn drop_minimum_edits(&self, draft: &mut Draft, direction: Direction) {
        draft.wanted.retain(|path, _| !self.makes_minimum(direction, path));
        draft.set_choice(direction, None);
    }

    /// A variable that makes a minimum is set by itself: the choice before it no longer stands.
    fn by_hand(&self, draft: &mut Draft, path: &VariablePath) {
        for direction in Direction::ALL {
            if self.makes_minimum(direction, path) {
                draft.set_choice(direction, None);
            }
        }
    }

    /// The draft with the edits that its choices come to beside everything else that it wants.
    pub(super) fn planned(&self, mut draft: Draft) -> Result<Draft, PlanError> {
        let choices = draft.choices();
        for direction in Direction::ALL.into_iter().filter(|d| d.of(choices).is_some()) {
            self.one_table(direction)?;
            draft.wanted.retain(|path, _| !self.makes_minimum(direction, path));
        }
        let [in_loaded, out_loaded] = Direction::ALL.map(|d| self.loaded_pairs(d));
        let [in_wanted, out_wanted] = Direction::ALL.map(|d| draft.pairs(d, self.loaded_pairs(d)));
        let edits = self.catalogue.plan(
            [&in_loaded, &out_loaded],
            [&in_wanted, &out_wanted],
            choices,
            self.measured.speaks_tls13,
        )?;
        for (direction, edits) in Direction::ALL.into_iter().zip(edits) {
            draft.lay(direction, edits);
        }
        Ok(draft)
    }

    /// Takes the next draft, planned anew. What could be planned before can be planned again; if not, its edits stay.
    fn settle(&mut self, next: Draft) -> bool {
        let next = self.planned(next.clone()).unwrap_or(next);
        self.advance(next)
    }

    /// Takes the next draft, remembering the present one. `false`: they want the same.
    pub(super) fn advance(&mut self, next: Draft) -> bool {
        if next.wanted == self.draft.wanted {
            self.draft = next;
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
