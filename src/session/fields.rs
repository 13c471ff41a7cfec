//! One variable at a time: what the editors of the Inbound and Outbound tabs ask of a session. Everything is planned
//! from the *loaded* pairs, so that spelling and order survive going back and forth, and dirty stays a matter of value.

use crate::mailserver_cfg::VariablePath;
use crate::tls::{Advice, Direction, Minimum, Pair, Plan, PlanError, PlanNote, Role, TlsVersion};

use super::{Draft, Session};

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
        let plan = self.catalogue.set_protocols(direction, &inbound, &outbound, wanted)?;
        let notes = self.list_notes(direction, &plan, wanted);
        let mut next = self.draft.clone();
        self.drop_role_edits(&mut next, direction, Role::ProtocolList);
        let list_only = !next.wanted.keys().any(|path| self.makes_minimum(direction, path));
        let kept = next.notes_mut(direction);
        if list_only {
            kept.clear();
        } else {
            kept.retain(|note| !self.is_about(direction, note, Role::ProtocolList));
        }
        kept.extend(notes);
        lay_edits(&mut next, direction, plan);
        Ok(self.advance(next))
    }

    /// Wants a value for the variable that plays a role in a direction; `None` deletes it, and so brings back the
    /// server's default.
    ///
    /// # Errors
    /// [`PlanError`], also for a value that the variable cannot hold; then nothing has changed.
    pub fn set_role_value(&mut self, direction: Direction, role: Role, value: Option<&str>) -> Result<bool, PlanError> {
        let plan = self
            .catalogue
            .set_value(direction, &self.loaded_pairs(direction), role, value)?;
        let mut next = self.draft.clone();
        self.drop_role_edits(&mut next, direction, role);
        if role.makes_minimum() {
            next.notes_mut(direction)
                .retain(|note| !self.is_about(direction, note, role));
            next.notes_mut(direction).extend(plan.notes.iter().cloned());
        } else if let Some(edit) = plan.edits.first().filter(|_| !plan.notes.is_empty()) {
            next.field_notes
                .insert(path(direction, edit.name.clone()), plan.notes.clone());
        }
        lay_edits(&mut next, direction, plan);
        Ok(self.advance(next))
    }

    /// Lets a variable of a direction's table play a role, because the user said so. The draft stays; what the file
    /// is read as changes. It is no edit of `mailserver.cfg`, and so no step of undo.
    pub fn confirm(&mut self, direction: Direction, name: &str, role: Role) {
        self.catalogue = self.catalogue.clone().confirm(direction, name, role);
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

    /// What the review says of the plans behind a direction's wanted values, as far as those are still wanted.
    #[must_use]
    pub fn notes(&self, direction: Direction) -> Vec<PlanNote> {
        let mut notes = self.draft.notes(direction).to_vec();
        for (path, of_field) in &self.draft.field_notes {
            let wanted = self.draft.wanted.get(path).is_some_and(Option::is_some);
            if path.table == direction.table() && wanted && self.is_variable_dirty(path) {
                notes.extend(of_field.iter().cloned());
            }
        }
        notes
    }

    /// What a list that is written by hand comes to, beyond what its plan says: the same warnings that a minimum gets.
    fn list_notes(&self, direction: Direction, plan: &Plan, wanted: &[TlsVersion]) -> Vec<PlanNote> {
        let mut notes = plan.notes.clone();
        let Some(edit) = plan.edits.first() else { return notes };
        let name = edit.name.clone();
        let adds = notes
            .iter()
            .any(|note| matches!(note, PlanNote::Adds { .. } | PlanNote::AddsAssumed { .. }));
        let loaded = self.loaded_reading(direction);
        let with_tls13 = wanted.contains(&TlsVersion::Tls13);
        let named_before = self.catalogue.file_names_tls13(
            &self.loaded_pairs(Direction::Inbound),
            &self.loaded_pairs(Direction::Outbound),
        );
        if with_tls13 && !named_before && !self.measured.speaks_tls13 {
            notes.push(PlanNote::Tls13NeverSeen { name: name.clone() });
        }
        if adds && !with_tls13 {
            notes.push(PlanNote::SwitchesOffTls13 { name });
        }
        if adds && !loaded.lookalikes.is_empty() {
            notes.push(PlanNote::LeavesLookalikes {
                names: loaded.lookalikes,
            });
        }
        if let Minimum::Custom(why) = loaded.minimum {
            notes.insert(0, PlanNote::ReplacesCustom { why });
        }
        notes
    }

    fn plays(&self, direction: Direction, name: &str, role: Role) -> bool {
        self.catalogue.find(direction, name).is_some_and(|row| row.role == role)
    }

    fn drop_role_edits(&self, draft: &mut Draft, direction: Direction, role: Role) {
        draft
            .wanted
            .retain(|path, _| path.table != direction.table() || !self.plays(direction, &path.variable, role));
        draft
            .field_notes
            .retain(|path, _| path.table != direction.table() || !self.plays(direction, &path.variable, role));
    }

    /// Does a note name a variable of this role?
    fn is_about(&self, direction: Direction, note: &PlanNote, role: Role) -> bool {
        match note {
            PlanNote::Adds { name }
            | PlanNote::AddsAssumed { name }
            | PlanNote::SwitchesOffTls13 { name }
            | PlanNote::Tls13NeverSeen { name } => self.plays(direction, name, role),
            PlanNote::ReplacesCustom { .. }
            | PlanNote::LegacyNeedsSecurityLevel
            | PlanNote::LeavesLookalikes { .. } => false,
        }
    }
}

fn path(direction: Direction, variable: String) -> VariablePath {
    VariablePath {
        table: direction.table().to_owned(),
        variable,
    }
}

fn lay_edits(draft: &mut Draft, direction: Direction, plan: Plan) {
    for edit in plan.edits {
        draft.wanted.insert(path(direction, edit.name), edit.new);
    }
}
