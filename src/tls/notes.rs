//! What the review must say of a direction's changes, seen from the pairs before and after them. It does not matter who
//! asked for a change (a choice, a field, a restore, a draft of yesterday): the same change gets the same words.

use super::words::{Meaning, WordList};
use super::{Catalogue, CatalogueVariable, Direction, Minimum, Pair, PlanNote, Role, Sureness, TlsVersion};

/// A variable with a role whose value is written anew.
struct Written<'a> {
    row: &'a CatalogueVariable,
    name: &'a str,
    /// `None`: the file did not have it.
    old: Option<&'a str>,
    new: &'a str,
}

impl Catalogue {
    /// What is to be said of the changes in a direction, from the pairs of both tables as loaded and as wanted (in the
    /// order of [`Direction::ALL`]). `server_has_tls13`: this engine was seen to speak TLS 1.3.
    #[must_use]
    pub fn notes(
        &self,
        direction: Direction,
        loaded: [&[Pair]; 2],
        wanted: [&[Pair]; 2],
        server_has_tls13: bool,
    ) -> Vec<PlanNote> {
        let (old, new): (&[Pair], &[Pair]) = (direction.of(loaded), direction.of(wanted));
        let read = |[inbound, outbound]: [&[Pair]; 2]| direction.of(self.read_both(inbound, outbound));
        let (before, after) = (read(loaded), read(wanted).minimum);
        let written = self.written(direction, old, new);
        let minimum = || written.iter().filter(|w| w.row.role.makes_minimum());
        let deleted = self
            .found(direction, old)
            .any(|f| f.row.role.makes_minimum() && !new.iter().any(|pair| pair.name == f.pair.name));

        let mut notes = Vec::new();
        if minimum().next().is_none() && !deleted {
            if after != before.minimum {
                notes.push(PlanNote::ReadsOtherwise {
                    table: direction.table(),
                    to: after,
                });
            }
        } else if let Minimum::Custom(why) = before.minimum {
            notes.push(PlanNote::ReplacesCustom { why });
        }
        notes.extend(written.iter().filter(|w| w.old.is_none()).map(adds));
        let tls13_known = server_has_tls13 || self.file_names_tls13(loaded);
        for w in minimum() {
            let (old, name) = (w.old.unwrap_or_default(), w.name.to_owned());
            if names_tls13(w.new) && !names_tls13(old) && !tls13_known {
                notes.push(PlanNote::Tls13NeverSeen { name: name.clone() });
            }
            if w.row.role == Role::ProtocolList && !names_tls13(w.new) && may_have_meant_tls13(old) {
                notes.push(PlanNote::SwitchesOffTls13 { name });
            }
        }
        if minimum().any(|w| w.old.is_none()) && !before.lookalikes.is_empty() {
            notes.push(PlanNote::LeavesLookalikes {
                names: before.lookalikes,
            });
        }
        if minimum().any(|w| names_legacy(w.new)) && !self.has_security_level_0(direction, new) {
            notes.push(PlanNote::LegacyNeedsSecurityLevel);
        }
        notes
    }

    fn written<'a>(&'a self, direction: Direction, old: &'a [Pair], new: &'a [Pair]) -> Vec<Written<'a>> {
        self.found(direction, new)
            .map(|f| Written {
                row: f.row,
                name: &f.pair.name,
                old: old.iter().find(|o| o.name == f.pair.name).map(|o| o.value.as_str()),
                new: &f.pair.value,
            })
            .filter(|w| w.old != Some(w.new))
            .collect()
    }

    /// Whether a cipher string of this direction lowers the security level to 0.
    fn has_security_level_0(&self, direction: Direction, pairs: &[Pair]) -> bool {
        self.found(direction, pairs)
            .any(|f| f.row.role == Role::Ciphers && f.pair.value.to_ascii_uppercase().contains("@SECLEVEL=0"))
    }
}

fn adds(written: &Written<'_>) -> PlanNote {
    let name = written.name.to_owned();
    if written.row.name_sure >= Sureness::Documented {
        PlanNote::Adds { name }
    } else {
        PlanNote::AddsAssumed { name }
    }
}

fn names_tls13(value: &str) -> bool {
    WordList::parse(value).versions().contains(&TlsVersion::Tls13)
}

fn names_legacy(value: &str) -> bool {
    let versions = WordList::parse(value).versions();
    versions.contains(&TlsVersion::Tls10) || versions.contains(&TlsVersion::Tls11)
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
