//! Choices made true: the table "choice, edits" of the room's documentation. Never empties a list, never touches a
//! variable that has no role, and leaves spelling, order and separators of what stays.

use std::collections::BTreeSet;

use super::read::{FileFacts, Found, at_least};
use super::words::{Meaning, WordList, meaning, word_like};
use super::{
    Catalogue, CatalogueVariable, Choice, Direction, Minimum, Pair, PairEdit, Plan, PlanError, PlanNote, Role,
    Sureness, TlsVersion,
};

impl Catalogue {
    /// The edits that make `choice` true in pairs as loaded, as if the file had no other direction.
    /// `server_has_tls13`: this engine was seen to speak TLS 1.3 (a handshake or a Received header).
    /// # Errors
    /// [`PlanError`].
    pub fn choose(
        &self,
        direction: Direction,
        pairs: &[Pair],
        choice: Choice,
        server_has_tls13: bool,
    ) -> Result<Plan, PlanError> {
        match direction {
            Direction::Inbound => self.choose_in_file(direction, pairs, &[], choice, server_has_tls13),
            Direction::Outbound => self.choose_in_file(direction, &[], pairs, choice, server_has_tls13),
        }
    }

    /// The edits to `direction` that make `choice` true there, with both tables of the file at hand: the
    /// other one may show that the engine knows TLS 1.3, and how lists are written. The pairs
    /// are those of the loaded file, so that choosing what was loaded comes to no edit.
    ///
    /// Read the result with [`Catalogue::read_both`]: it is `choice` in `direction`. The other direction
    /// can read otherwise than before, where `TLSv1.3` is now named for the first time in the file.
    /// # Errors
    /// [`PlanError`].
    pub fn choose_in_file(
        &self,
        direction: Direction,
        inbound: &[Pair],
        outbound: &[Pair],
        choice: Choice,
        server_has_tls13: bool,
    ) -> Result<Plan, PlanError> {
        let facts = self.facts(inbound, outbound);
        let pairs = match direction {
            Direction::Inbound => inbound,
            Direction::Outbound => outbound,
        };
        let table = direction.table();
        if let Some((name, count)) = self.duplicate(direction, pairs, Role::makes_minimum) {
            return Err(PlanError::Duplicate { table, name, count });
        }
        let loaded = self.read_with(direction, pairs, &facts);
        if choice.is_already(&loaded.minimum) {
            return Ok(Plan::default());
        }
        let mut plan = Plan::default();
        match choice {
            Choice::Default => {
                for found in self.found(direction, pairs).filter(|f| f.row.role.makes_minimum()) {
                    plan.edits.push(PairEdit {
                        name: found.pair.name.clone(),
                        new: None,
                    });
                }
            }
            Choice::At(minimum) => {
                let goal = Goal {
                    minimum,
                    facts: &facts,
                    server_has_tls13,
                };
                self.raise_or_lower(direction, pairs, &goal, &mut plan)?;
                let added = plan
                    .notes
                    .iter()
                    .any(|n| matches!(n, PlanNote::Adds { .. } | PlanNote::AddsAssumed { .. }));
                if added && !loaded.lookalikes.is_empty() {
                    plan.notes.push(PlanNote::LeavesLookalikes {
                        names: loaded.lookalikes,
                    });
                }
                if minimum < TlsVersion::Tls12 && !self.has_security_level_0(direction, pairs) {
                    plan.notes.push(PlanNote::LegacyNeedsSecurityLevel);
                }
            }
        }
        if let Minimum::Custom(why) = loaded.minimum {
            plan.notes.insert(0, PlanNote::ReplacesCustom { why });
        }
        Ok(plan)
    }

    /// Deletes every variable with a role in this direction, and nothing else.
    /// # Errors
    /// [`PlanError::Duplicate`].
    pub fn reset(&self, direction: Direction, pairs: &[Pair]) -> Result<Plan, PlanError> {
        if let Some((name, count)) = self.duplicate(direction, pairs, |_| true) {
            return Err(PlanError::Duplicate {
                table: direction.table(),
                name,
                count,
            });
        }
        let edits = self
            .found(direction, pairs)
            .map(|f| PairEdit {
                name: f.pair.name.clone(),
                new: None,
            })
            .collect();
        Ok(Plan {
            edits,
            notes: Vec::new(),
        })
    }

    fn raise_or_lower(
        &self,
        direction: Direction,
        pairs: &[Pair],
        goal: &Goal<'_>,
        plan: &mut Plan,
    ) -> Result<(), PlanError> {
        let standing: Vec<Found<'_>> = self
            .found(direction, pairs)
            .filter(|f| f.row.role.makes_minimum())
            .collect();
        let speaking = standing.iter().filter(|f| !f.pair.value.trim().is_empty()).count();
        if speaking > 0 {
            for found in standing.iter().filter(|f| !f.pair.value.trim().is_empty()) {
                goal.edit(found, plan);
            }
            return Ok(());
        }
        // Only empty ones, or none: one variable is enough, and a name that the file has beats one that it has not.
        let documented = |row: &CatalogueVariable| row.name_sure >= Sureness::Documented;
        let minimum = standing.iter().find(|f| f.row.role == Role::MinimumVersion);
        let list = standing.iter().find(|f| f.row.role == Role::ProtocolList);
        if let Some(found) = minimum.filter(|f| list.is_none() || documented(f.row)).or(list) {
            goal.edit(found, plan);
            return Ok(());
        }
        let row = self
            .written_for(direction, Role::MinimumVersion)
            .filter(|row| documented(row))
            .or_else(|| self.written_for(direction, Role::ProtocolList))
            .or_else(|| self.written_for(direction, Role::MinimumVersion))
            .ok_or(PlanError::NoName {
                table: direction.table(),
            })?;
        let name = row.name.clone().unwrap_or_default();
        let absent = Pair {
            name: name.clone(),
            value: String::new(),
        };
        goal.edit(&Found { row, pair: &absent }, plan);
        let note = if documented(row) {
            PlanNote::Adds { name }
        } else {
            PlanNote::AddsAssumed { name }
        };
        plan.notes.insert(0, note);
        Ok(())
    }

    /// Whether a cipher string of this direction lowers the security level to 0 already.
    fn has_security_level_0(&self, direction: Direction, pairs: &[Pair]) -> bool {
        self.found(direction, pairs)
            .any(|f| f.row.role == Role::Ciphers && f.pair.value.to_ascii_uppercase().contains("@SECLEVEL=0"))
    }
}

/// A minimum to reach, and what is known about the engine.
struct Goal<'a> {
    minimum: TlsVersion,
    facts: &'a FileFacts,
    server_has_tls13: bool,
}

impl Goal<'_> {
    /// Adds the edit (if it changes anything) and the notes for one variable.
    fn edit(&self, found: &Found<'_>, plan: &mut Plan) {
        let (name, old) = (found.pair.name.clone(), found.pair.value.as_str());
        let new = match found.row.role {
            Role::ProtocolList => self.list(found.row, old),
            _ => self.word(old),
        };
        if new == old {
            return;
        }
        let writes_tls13 = names_tls13(&new) && !names_tls13(old);
        if writes_tls13 && !self.server_has_tls13 && !self.facts.names_tls13 {
            plan.notes.push(PlanNote::Tls13NeverSeen { name: name.clone() });
        }
        if found.row.role == Role::ProtocolList && !names_tls13(&new) && may_have_meant_tls13(old) {
            plan.notes.push(PlanNote::SwitchesOffTls13 { name: name.clone() });
        }
        plan.edits.push(PairEdit { name, new: Some(new) });
    }

    fn list(&self, row: &CatalogueVariable, old: &str) -> String {
        let mut list = WordList::parse(old);
        let has_it = list.versions().contains(&TlsVersion::Tls13);
        let with_tls13 = has_it || self.minimum == TlsVersion::Tls13 || self.facts.names_tls13 || self.server_has_tls13;
        let newest = if with_tls13 {
            TlsVersion::Tls13
        } else {
            TlsVersion::Tls12
        };
        let wanted: BTreeSet<TlsVersion> = at_least(self.minimum, newest);
        list.rewrite(&wanted, self.facts.separator.as_deref().unwrap_or(&row.separator));
        list.to_string()
    }

    fn word(&self, old: &str) -> String {
        let word = old.trim();
        let known = matches!(meaning(word), Meaning::Version(_) | Meaning::Ssl2);
        let new = word_like(self.minimum, known.then_some(word));
        if known { old.replacen(word, &new, 1) } else { new }
    }
}

fn names_tls13(value: &str) -> bool {
    WordList::parse(value).versions().contains(&TlsVersion::Tls13)
}

/// Whether a list, before it was written anew, may have left TLS 1.3 on without naming it: it said
/// nothing, or something (`ALL`, `-SSLv3`) whose sense we do not know.
fn may_have_meant_tls13(old: &str) -> bool {
    let list = WordList::parse(old);
    list.words().next().is_none()
        || list
            .words()
            .any(|(_, m)| matches!(m, Meaning::Signed | Meaning::Unknown))
}
