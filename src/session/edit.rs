//! The edit session: what was loaded, what is wanted, and the ways to want something else.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::mailserver_cfg::{Document, Edit, EditSet, Rebased, Secrets, VariablePath};
use crate::peers::Threshold;
use crate::tls::{
    Catalogue, Choice, Direction, Minimum, Pair, PairEdit, PlanError, PlanNote, Role, TlsVersion, plan_choices,
    plan_protocols, plan_reset, plan_value,
};

use super::draft::{Draft, History};
use super::snapshot::{Measured, Snapshot, secrets, tables};

/// An edit session on one document.
#[derive(Debug, Clone)]
pub struct Session {
    base: Arc<Document>,
    /// The pairs of both tables of `base`.
    loaded: Arc<[Vec<Pair>; 2]>,
    catalogue: Catalogue,
    measured: Measured,
    history: History,
    same_for_both: bool,
}

impl Session {
    /// Opens a session with nothing changed.
    #[must_use]
    pub fn new(base: Arc<Document>, catalogue: Catalogue, measured: Measured) -> Self {
        Self {
            loaded: tables(&base),
            base,
            catalogue,
            measured,
            history: History::default(),
            same_for_both: false,
        }
    }

    /// The document that was loaded.
    #[must_use]
    pub const fn base(&self) -> &Arc<Document> {
        &self.base
    }

    /// Wanted values that were set; `None`: not in the file.
    pub(super) const fn drafted(&self) -> &BTreeMap<VariablePath, Option<String>> {
        &self.history.draft.wanted
    }

    /// The catalogue in force.
    #[must_use]
    pub const fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Replaces the catalogue (the user named a variable); the draft stays.
    pub fn set_catalogue(&mut self, catalogue: Catalogue) {
        self.catalogue = catalogue;
    }

    /// What was measured of this server.
    #[must_use]
    pub const fn measured(&self) -> Measured {
        self.measured
    }

    /// Takes in a measurement.
    pub const fn set_measured(&mut self, measured: Measured) {
        self.measured = measured;
    }

    /// Would a list be newly written without TLS 1.3, so that it goes off if the server has it?
    #[must_use]
    pub fn may_switch_off_tls13(&self) -> bool {
        let mut notes = Direction::ALL.into_iter().flat_map(|direction| self.notes(direction));
        notes.any(|note| matches!(note, PlanNote::SwitchesOffTls13 { .. }))
    }

    /// Plans what was chosen again, with what was measured meanwhile. It is no step of undo.
    pub fn replan(&mut self) {
        if let Ok(planned) = self.planned(self.history.draft.clone()) {
            self.history.draft = planned;
        }
    }

    /// Which values must not be shown.
    #[must_use]
    pub fn secrets(&self) -> Secrets {
        secrets(&self.catalogue)
    }

    /// Does a choice count for both directions?
    #[must_use]
    pub const fn same_for_both(&self) -> bool {
        self.same_for_both
    }

    /// Lets a choice count for both directions, or for one.
    pub const fn set_same_for_both(&mut self, same: bool) {
        self.same_for_both = same;
    }

    /// The variables as they were loaded.
    #[must_use]
    pub fn loaded(&self) -> Snapshot<'_> {
        self.snapshot(&Draft::default())
    }

    /// The variables as they are wanted.
    #[must_use]
    pub fn wanted(&self) -> Snapshot<'_> {
        self.snapshot(&self.history.draft)
    }

    fn snapshot(&self, draft: &Draft) -> Snapshot<'_> {
        let [inbound, outbound] = &*self.loaded;
        let pairs = [
            draft.pairs(Direction::Inbound, inbound),
            draft.pairs(Direction::Outbound, outbound),
        ];
        Snapshot::new(&self.base, &self.catalogue, self.measured, pairs)
    }

    /// The minimum that is wanted.
    #[must_use]
    pub fn minimum(&self, direction: Direction) -> Minimum {
        self.wanted().minimum(direction)
    }

    /// What the review says of a direction's changes.
    #[must_use]
    pub fn notes(&self, direction: Direction) -> Vec<PlanNote> {
        self.loaded().notes_to(&self.wanted(), direction)
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

    /// The edits that saving would make, decided by value.
    #[must_use]
    pub fn edits(&self) -> EditSet {
        EditSet::new(self.history.draft.wanted.iter().map(|(path, wanted)| Edit {
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
        let wanted = self.history.draft.wanted.get(path);
        wanted.is_some_and(|wanted| *wanted != self.base.value(path))
    }

    /// Does a variable that makes this direction's minimum differ from what was loaded?
    #[must_use]
    pub fn is_minimum_dirty(&self, direction: Direction) -> bool {
        let mut wanted = self.history.draft.wanted.keys();
        wanted.any(|path| self.makes_minimum(direction, path) && self.is_variable_dirty(path))
    }

    /// Makes a choice in one direction, or in both when they go together. Planned from what was *loaded*, so
    /// that going back and forth in the drop-down loses nothing, and together with what is chosen in the other
    /// direction, so that both read as chosen in the end. A direction in which nothing is chosen gets no edit; where it
    /// reads otherwise because of this one, the review says so.
    ///
    /// # Errors
    /// [`PlanError`]; then nothing has changed.
    pub fn choose(&mut self, direction: Direction, choice: Choice) -> Result<bool, PlanError> {
        let mut next = self.history.draft.clone();
        for direction in self.affected(direction) {
            self.drop_minimum(&mut next, direction);
            next.set_choice(direction, Some(choice));
        }
        self.plan(next)
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
        let mut next = self.history.draft.clone();
        for &direction in directions {
            self.loaded().one_table(direction)?;
            let edits = plan_reset(self.loaded().settings(), direction)?;
            next.wanted.retain(|path, _| self.role(direction, path).is_none());
            next.set_choice(direction, None);
            next.want_all(direction, edits);
        }
        self.plan(next)
    }

    /// What a reset would delete: the names, by direction.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn reset_names(&self, direction: Direction) -> Result<Vec<String>, PlanError> {
        let edits = plan_reset(self.loaded().settings(), direction)?;
        Ok(edits.into_iter().map(|edit| edit.name).collect())
    }

    /// Wants exactly these protocols in a direction's list, whether or not they make a minimum. Other variables that
    /// make the minimum stay as they are wanted: where they disagree, [`Session::minimum`] says so. Planned, as every
    /// single value, from the *loaded* pairs: spelling and order survive going back and forth.
    ///
    /// # Errors
    /// [`PlanError`], also where nothing is wanted; then nothing has changed.
    pub fn set_protocols(&mut self, direction: Direction, wanted: &[TlsVersion]) -> Result<bool, PlanError> {
        let edits = plan_protocols(self.loaded().settings(), direction, wanted)?;
        self.set_role(direction, Role::ProtocolList, edits)
    }

    /// Wants a value for the variable that plays a role in a direction; `None` deletes it, and so brings back the
    /// server's default.
    ///
    /// # Errors
    /// [`PlanError`], also for a value that the variable cannot hold; then nothing has changed.
    pub fn set_role_value(&mut self, direction: Direction, role: Role, value: Option<&str>) -> Result<bool, PlanError> {
        let edits = plan_value(self.loaded().settings(), direction, role, value)?;
        self.set_role(direction, role, edits)
    }

    fn set_role(&mut self, direction: Direction, role: Role, edits: Vec<PairEdit>) -> Result<bool, PlanError> {
        self.loaded().one_table(direction)?;
        let mut next = self.history.draft.clone();
        next.wanted.retain(|path, _| self.role(direction, path) != Some(role));
        if role.makes_minimum() {
            next.set_choice(direction, None);
        }
        next.want_all(direction, edits);
        self.plan(next)
    }

    /// Wants a value for one variable; `None` deletes it (the server's default then holds).
    pub fn want(&mut self, path: VariablePath, value: Option<String>) -> bool {
        let mut next = self.history.draft.clone();
        self.set_by_hand(&mut next, &path);
        if self.base.value(&path) == value {
            next.wanted.remove(&path);
        } else {
            next.wanted.insert(path, value);
        }
        self.settle(next)
    }

    /// Brings a direction's minimum back to what was loaded.
    pub fn revert_minimum(&mut self, direction: Direction) -> bool {
        let mut next = self.history.draft.clone();
        for direction in self.affected(direction) {
            self.drop_minimum(&mut next, direction);
        }
        self.settle(next)
    }

    /// Brings one variable back to what was loaded.
    pub fn revert_variable(&mut self, path: &VariablePath) -> bool {
        let mut next = self.history.draft.clone();
        next.wanted.remove(path);
        self.set_by_hand(&mut next, path);
        self.settle(next)
    }

    /// Takes up edits of an earlier session; they must fit the loaded document (see [`Document::rebase`]).
    pub fn take_up(&mut self, edits: &EditSet) -> bool {
        let mut next = self.history.draft.clone();
        for edit in edits.edits() {
            self.set_by_hand(&mut next, &edit.path);
            next.wanted.insert(edit.path.clone(), edit.new.clone());
        }
        self.settle(next)
    }

    /// One step back. `false`: there is none.
    pub fn undo(&mut self) -> bool {
        self.history.undo()
    }

    /// One step forward again. `false`: there is none.
    pub fn redo(&mut self) -> bool {
        self.history.redo()
    }

    /// Carries the draft over to another version of the file (after a save, or because someone else wrote it).
    /// Conflicting edits are dropped from the draft and returned; undo starts anew.
    pub fn rebase(&mut self, onto: Arc<Document>) -> Rebased {
        let rebased = onto.rebase(&self.edits());
        self.loaded = tables(&onto);
        self.base = onto;
        // The choices were made in another file: their edits stay, as if they were made by hand.
        let mut draft = Draft::default();
        let apply = rebased.apply.edits().iter();
        draft
            .wanted
            .extend(apply.map(|edit| (edit.path.clone(), edit.new.clone())));
        self.history = History::of(draft);
        rebased
    }

    /// Lets a variable of a direction's table play a role, because the user said so. The draft stays; what the file
    /// is read as changes. It is no edit of `mailserver.cfg`, and so no step of undo.
    pub fn confirm(&mut self, direction: Direction, name: &str, role: Role) {
        self.catalogue = self.catalogue.clone().confirm(direction, name, role);
        // It was made without this variable: its edits stay, as if they were made by hand.
        self.history.draft.set_choice(direction, None);
    }

    /// A copy to try a choice on, so that its consequence can be told before it is made. Without history.
    #[must_use]
    pub fn trial(&self) -> Self {
        Self {
            base: Arc::clone(&self.base),
            loaded: Arc::clone(&self.loaded),
            catalogue: self.catalogue.clone(),
            history: History::of(self.history.draft.clone()),
            ..*self
        }
    }

    /// The role that a path plays in a direction.
    fn role(&self, direction: Direction, path: &VariablePath) -> Option<Role> {
        let row = self.catalogue.find(direction, &path.variable)?;
        (path.table == direction.table()).then_some(row.role)
    }

    fn makes_minimum(&self, direction: Direction, path: &VariablePath) -> bool {
        self.role(direction, path).is_some_and(Role::makes_minimum)
    }

    fn drop_minimum(&self, draft: &mut Draft, direction: Direction) {
        draft.wanted.retain(|path, _| !self.makes_minimum(direction, path));
        draft.set_choice(direction, None);
    }

    /// A variable that makes a minimum is set by itself: the choice before it no longer stands.
    fn set_by_hand(&self, draft: &mut Draft, path: &VariablePath) {
        for direction in Direction::ALL {
            if self.makes_minimum(direction, path) {
                draft.set_choice(direction, None);
            }
        }
    }

    /// The draft with the edits that its choices come to beside everything else that it wants.
    fn planned(&self, mut draft: Draft) -> Result<Draft, PlanError> {
        let choices = draft.choices();
        let loaded = self.loaded();
        for direction in Direction::ALL.into_iter().filter(|d| d.of(choices).is_some()) {
            loaded.one_table(direction)?;
            draft.wanted.retain(|path, _| !self.makes_minimum(direction, path));
        }
        let wanted = self.snapshot(&draft);
        let edits = plan_choices(
            loaded.settings(),
            wanted.settings(),
            choices,
            self.measured.speaks_tls13,
        )?;
        for (direction, edits) in Direction::ALL.into_iter().zip(edits) {
            draft.want_all(direction, edits);
        }
        Ok(draft)
    }

    /// Takes the next draft, planned anew.
    fn plan(&mut self, next: Draft) -> Result<bool, PlanError> {
        let next = self.planned(next)?;
        Ok(self.history.advance(next))
    }

    /// The same; what could be planned before can be planned again, and if not, its edits stay.
    fn settle(&mut self, next: Draft) -> bool {
        let next = self.planned(next.clone()).unwrap_or(next);
        self.history.advance(next)
    }
}
