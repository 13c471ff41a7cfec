//! One variable at a time: what the editors of the Inbound and Outbound tabs ask of a session. Everything is planned
//! from the *loaded* pairs, so that spelling and order survive going back and forth, and dirty stays a matter of value.

use crate::tls::{Advice, Direction, Pair, PairEdit, PlanError, Role, TlsVersion};

use super::Session;

impl Session {
    /// Wants exactly these protocols in a direction's list, whether or not they make a minimum. Other variables that
    /// make the minimum stay as they are wanted: where they disagree, [`Session::minimum`] says so.
    ///
    /// # Errors
    /// [`PlanError`], also where nothing is wanted; then nothing has changed.
    pub fn set_protocols(&mut self, direction: Direction, wanted: &[TlsVersion]) -> Result<bool, PlanError> {
        let (inbound, outbound) = (
            self.loaded_pairs(Direction::Inbound),
            self.loaded_pairs(Direction::Outbound),
        );
        let edits = self.catalogue.set_protocols(direction, &inbound, &outbound, wanted)?;
        self.set_role(direction, Role::ProtocolList, edits)
    }

    /// Wants a value for the variable that plays a role in a direction; `None` deletes it, and so brings back the
    /// server's default.
    ///
    /// # Errors
    /// [`PlanError`], also for a value that the variable cannot hold; then nothing has changed.
    pub fn set_role_value(&mut self, direction: Direction, role: Role, value: Option<&str>) -> Result<bool, PlanError> {
        let edits = self
            .catalogue
            .set_value(direction, &self.loaded_pairs(direction), role, value)?;
        self.set_role(direction, role, edits)
    }

    fn set_role(&mut self, direction: Direction, role: Role, edits: Vec<PairEdit>) -> Result<bool, PlanError> {
        self.one_table(direction)?;
        let mut next = self.draft.clone();
        next.wanted
            .retain(|path, _| path.table != direction.table() || !self.plays(direction, &path.variable, role));
        if role.makes_minimum() {
            next.set_choice(direction, None);
        }
        next.lay(direction, edits);
        let next = self.planned(next)?;
        Ok(self.advance(next))
    }

    /// Lets a variable of a direction's table play a role, because the user said so. The draft stays; what the file
    /// is read as changes. It is no edit of `mailserver.cfg`, and so no step of undo.
    pub fn confirm(&mut self, direction: Direction, name: &str, role: Role) {
        self.catalogue = self.catalogue.clone().confirm(direction, name, role);
        // It was made without this variable: its edits stay, as if they were made by hand.
        self.draft.set_choice(direction, None);
    }

    /// A copy to try a choice on, so that its consequence can be told before it is made. Without history.
    #[must_use]
    pub fn trial(&self) -> Self {
        Self {
            base: std::sync::Arc::clone(&self.base),
            catalogue: self.catalogue.clone(),
            measured: self.measured,
            draft: self.draft.clone(),
            undo: Vec::new(),
            redo: Vec::new(),
            same_for_both: self.same_for_both,
        }
    }

    /// The variables that play a role and their wanted values, in file order. Usually one or none; whatever sets the
    /// role writes them all, because it is not known which one the server reads.
    #[must_use]
    pub fn role_pairs(&self, direction: Direction, role: Role) -> Vec<Pair> {
        let mut pairs = self.pairs(direction);
        pairs.retain(|pair| self.plays(direction, &pair.name, role));
        pairs
    }

    /// The same of the file as loaded.
    #[must_use]
    pub fn loaded_role_pairs(&self, direction: Direction, role: Role) -> Vec<Pair> {
        let mut pairs = self.loaded_pairs(direction);
        pairs.retain(|pair| self.plays(direction, &pair.name, role));
        pairs
    }

    /// Advice on a role's field, heaviest first: what is about the role itself and, beside a field that makes the
    /// minimum, what is about the minimum as such.
    #[must_use]
    pub fn advice(&self, direction: Direction, role: Role) -> Vec<Advice> {
        let mut advice = self.catalogue.advise(
            direction,
            &self.pairs(direction),
            &self.reading(direction),
            self.measured.speaks_tls13,
        );
        advice.retain(|advice| advice.about.map_or(role.makes_minimum(), |about| about == role));
        advice
    }

    fn plays(&self, direction: Direction, name: &str, role: Role) -> bool {
        self.catalogue.find(direction, name).is_some_and(|row| row.role == role)
    }
}
