//! One variable at a time: check boxes of protocols, cipher strings, switches. For those who want finer
//! control than a minimum gives; the same care for spelling, and lists are never emptied.

use std::collections::BTreeSet;

use super::ciphers::check_ciphers;
use super::read::Found;
use super::words::{Meaning, WordList, meaning};
use super::{Catalogue, Direction, Pair, PairEdit, PlanError, Role, TlsVersion, ValueKind};

impl ValueKind {
    /// Whether a variable of this kind can hold the value.
    /// # Errors
    /// Why not, in words. Of the value, no more than one word of a cipher string is quoted in them, bounded and never a
    /// secret.
    pub fn accepts(&self, value: &str) -> Result<(), String> {
        match self {
            Self::Boolean if matches!(value, "0" | "1") => Ok(()),
            Self::Boolean => Err("it is 0 or 1".to_owned()),
            Self::OneOf(values) if values.iter().any(|(v, _)| v == value) => Ok(()),
            Self::OneOf(values) => {
                let all: Vec<&str> = values.iter().map(|(v, _)| v.as_str()).collect();
                Err(format!("it is one of {}", all.join(", ")))
            }
            Self::ProtocolWords => {
                let list = WordList::parse(value);
                let known = list.words().all(|(_, m)| matches!(m, Meaning::Version(_)));
                if known && !list.versions().is_empty() {
                    Ok(())
                } else {
                    Err("it is a list of SSLv3, TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3, and not empty".to_owned())
                }
            }
            Self::ProtocolWord if matches!(meaning(value), Meaning::Version(_)) => Ok(()),
            Self::ProtocolWord => Err("it is one of SSLv3, TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3".to_owned()),
            Self::CipherString => {
                let stops = check_ciphers(value)
                    .findings
                    .into_iter()
                    .find(|f| f.problem.stops_tls());
                stops.map_or(Ok(()), |finding| Err(finding.problem.to_string()))
            }
        }
    }
}

impl Catalogue {
    /// The edits that make the direction's list name exactly `wanted`, whether or not that is a minimum.
    /// A minimum variable is left as it is: where the two disagree, [`Catalogue::read_both`] says so.
    /// # Errors
    /// [`PlanError::NotAccepted`] where nothing is wanted, [`PlanError::Duplicate`], [`PlanError::NoName`].
    pub fn set_protocols(
        &self,
        direction: Direction,
        inbound: &[Pair],
        outbound: &[Pair],
        wanted: &[TlsVersion],
    ) -> Result<Vec<PairEdit>, PlanError> {
        let facts = self.facts(inbound, outbound);
        let pairs = match direction {
            Direction::Inbound => inbound,
            Direction::Outbound => outbound,
        };
        let wanted: BTreeSet<TlsVersion> = wanted.iter().copied().collect();
        self.write(direction, pairs, Role::ProtocolList, |found| {
            if wanted.is_empty() {
                return Err("a list without any protocol might stop TLS altogether".to_owned());
            }
            let mut list = WordList::parse(&found.pair.value);
            let clean = list.words().all(|(_, m)| matches!(m, Meaning::Version(_)));
            if !clean || list.versions() != wanted {
                list.rewrite(&wanted, facts.separator.as_deref().unwrap_or(&found.row.separator));
            }
            Ok(Some(list.to_string()))
        })
    }

    /// The edits that give the variable of a role this value; `None` deletes it, and so brings back the
    /// server's default.
    /// # Errors
    /// [`PlanError`].
    pub fn set_value(
        &self,
        direction: Direction,
        pairs: &[Pair],
        role: Role,
        value: Option<&str>,
    ) -> Result<Vec<PairEdit>, PlanError> {
        if value.is_none() && !self.found(direction, pairs).any(|f| f.row.role == role) {
            return Ok(Vec::new());
        }
        self.write(direction, pairs, role, |found| {
            let Some(value) = value else { return Ok(None) };
            if value != found.pair.value || !pairs.contains(found.pair) {
                found.row.kind.accepts(value)?;
            }
            Ok(Some(value.to_owned()))
        })
    }

    /// Edits every variable of the file that plays the role, or adds the one whose name is surest.
    fn write(
        &self,
        direction: Direction,
        pairs: &[Pair],
        role: Role,
        new: impl Fn(&Found<'_>) -> Result<Option<String>, String>,
    ) -> Result<Vec<PairEdit>, PlanError> {
        let table = direction.table();
        if let Some((name, count)) = self.duplicate(direction, pairs, |r| r == role) {
            return Err(PlanError::Duplicate { table, name, count });
        }
        let value_for = |found: &Found<'_>| {
            new(found).map_err(|why| PlanError::NotAccepted {
                table,
                name: found.pair.name.clone(),
                why,
            })
        };
        let mut edits = Vec::new();
        let mut stands = false;
        for found in self.found(direction, pairs).filter(|f| f.row.role == role) {
            stands = true;
            let new = value_for(&found)?;
            if new.as_ref() != Some(&found.pair.value) {
                edits.push(PairEdit {
                    name: found.pair.name.clone(),
                    new,
                });
            }
        }
        if !stands {
            let row = self.written_for(direction, role).ok_or(PlanError::NoName { table })?;
            let name = row.name.clone().unwrap_or_default();
            let absent = Pair {
                name: name.clone(),
                value: String::new(),
            };
            let new = value_for(&Found { row, pair: &absent })?;
            edits.push(PairEdit { name, new });
        }
        Ok(edits)
    }
}
