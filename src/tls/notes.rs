//! What the review must say of a direction's changes, seen from the file before and after them. It does not matter who
//! asked for a change (a choice, a field, a restore, a draft of yesterday): the same change gets the same words.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::certainty::Certainty;
use super::minimum::Minimum;
use super::role::{CatalogueVariable, Pair, Role};
use super::settings::Settings;
use super::version::{Direction, TlsVersion};
use super::words::{Meaning, WordList, shown};

/// Something the review must say about a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanNote {
    /// A variable is written. How sure its name is, and what else the engine's program holds for its role, where that
    /// is in doubt.
    Writes {
        /// The name written.
        name: String,
        /// The file did not have it.
        is_new: bool,
        /// How sure it is.
        sure: Certainty,
        /// Names that the engine's program does hold.
        candidates: Vec<String>,
    },
    /// A list is newly written without a word for TLS 1.3: it goes off if the server has it.
    SwitchesOffTls13 {
        /// The list.
        name: String,
    },
    /// The word `TLSv1.3` is written though this server has not been seen to speak it.
    Tls13NeverSeen {
        /// The list.
        name: String,
    },
    /// What the file said before was no minimum (the reason); the choice replaces it.
    ReplacesCustom {
        /// The reason it was custom.
        why: String,
    },
    /// Accepting TLS 1.0/1.1 on an OpenSSL 3 build also needs `@SECLEVEL=0` in the cipher string.
    LegacyNeedsSecurityLevel,
    /// A variable is added although the file has some that look like protocol lists and were not
    /// given a role: one of them may be the one that the server reads.
    LeavesLookalikes {
        /// Their names, as spelt in the file.
        names: Vec<String>,
    },
    /// No list or minimum of this direction is changed, yet it reads otherwise: the other direction's list now goes up
    /// to another version (the rule "up to the highest word of the file's lists").
    ReadsOtherwise {
        /// The direction's table.
        table: &'static str,
        /// What it reads as now.
        to: Minimum,
    },
}

impl fmt::Display for PlanNote {
    /// One sentence for the review. Names are bounded, control characters shown as hex.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Writes {
                name,
                is_new,
                sure,
                candidates,
            } => {
                let name = shown(name);
                if *is_new {
                    write!(f, "Adds {name}, a variable that this file did not have.")?;
                } else {
                    write!(f, "Changes {name}.")?;
                }
                match sure {
                    Certainty::Documented => return Ok(()),
                    Certainty::Assumed => f.write_str(
                        " Its name is assumed: it may have no effect until a handshake with the server proves it.",
                    )?,
                    Certainty::NotInEngine => f.write_str(
                        " The engine's own program does not hold this name: most likely it would do nothing.",
                    )?,
                    sure => write!(f, " Its name is {}.", sure.words())?,
                }
                if sure.is_doubtful() && !candidates.is_empty() {
                    let names: Vec<String> = candidates.iter().map(|name| shown(name)).collect();
                    write!(f, " For this role the program holds: {}.", names.join(", "))?;
                }
                Ok(())
            }
            Self::SwitchesOffTls13 { name } => write!(
                f,
                "{} is newly written without TLSv1.3: TLS 1.3 goes off if this server has it. Asking the server's \
                 own ports tells.",
                shown(name)
            ),
            Self::Tls13NeverSeen { name } => write!(
                f,
                "{} gets the word TLSv1.3, though this server has not been seen to speak TLS 1.3: a word that it \
                 does not know might stop TLS altogether.",
                shown(name)
            ),
            Self::ReplacesCustom { why } => {
                write!(f, "What the file said was no plain minimum and is replaced: {why}.")
            }
            Self::LegacyNeedsSecurityLevel => f.write_str(
                "If the engine is built with OpenSSL 3, TLS 1.0 and 1.1 work only with @SECLEVEL=0 in the cipher \
                 string as well.",
            ),
            Self::LeavesLookalikes { names } => {
                let names: Vec<String> = names.iter().take(5).map(|n| shown(n)).collect();
                write!(
                    f,
                    "The file has what looks like a list of protocols and is not used: {}. If the server reads that \
                     one, name it in kerio-tls.toml.",
                    names.join(", ")
                )
            }
            Self::ReadsOtherwise {
                table,
                to: Minimum::Custom(why),
            } => write!(
                f,
                "No protocol setting of {table} is changed, yet it is no plain minimum any more: {why}. Choose a \
                 minimum \
                 for this direction too, and its list goes as far."
            ),
            Self::ReadsOtherwise { table, to } => write!(
                f,
                "No protocol setting of {table} is changed, yet it now reads as {to}: no other list of the file goes \
                 further."
            ),
        }
    }
}

/// What is to be said of the changes in a direction, from the file as loaded and as wanted.
/// `server_has_tls13`: this engine was seen to speak TLS 1.3.
#[must_use]
pub fn notes(
    direction: Direction,
    loaded: Settings<'_>,
    wanted: Settings<'_>,
    server_has_tls13: bool,
) -> Vec<PlanNote> {
    let (before, after) = (loaded.read(direction), wanted.minimum(direction).0);
    let written = written(direction, loaded.pairs(direction), wanted);
    let minimum = || written.iter().filter(|w| w.row.role.makes_minimum());
    let staying: HashSet<&str> = wanted.pairs(direction).iter().map(|pair| pair.name.as_str()).collect();
    let deleted = loaded
        .found(direction)
        .any(|f| f.row.role.makes_minimum() && !staying.contains(f.pair.name.as_str()));

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
    let is_said = |w: &&Written<'_>| {
        w.old.is_none() || matches!(w.row.name_sure, Certainty::NotInEngine | Certainty::Contradicted)
    };
    notes.extend(written.iter().filter(is_said).map(|w| {
        PlanNote::Writes {
            name: w.name.to_owned(),
            is_new: w.old.is_none(),
            sure: w.row.name_sure,
            candidates: wanted
                .catalogue
                .candidates_for(w.row.role)
                .take(3)
                .map(|c| c.name.clone())
                .collect(),
        }
    }));
    let tls13_known = server_has_tls13 || loaded.facts().names_tls13;
    for w in minimum() {
        let (old, name) = (w.old.unwrap_or_default(), w.name.to_owned());
        if names_tls13(w.new) && !names_tls13(old) && !tls13_known {
            notes.push(PlanNote::Tls13NeverSeen { name: name.clone() });
        }
        let may_have_it = !wanted.catalogue.has_openssl_before([1, 1, 1]);
        if w.row.role == Role::ProtocolList && !names_tls13(w.new) && may_have_meant_tls13(old) && may_have_it {
            notes.push(PlanNote::SwitchesOffTls13 { name });
        }
    }
    if minimum().any(|w| w.old.is_none()) && !before.lookalikes.is_empty() {
        notes.push(PlanNote::LeavesLookalikes {
            names: before.lookalikes,
        });
    }
    let may_refuse_legacy = !wanted.catalogue.has_openssl_before([3, 0, 0]);
    if may_refuse_legacy && minimum().any(|w| names_legacy(w.new)) && !has_security_level_0(direction, wanted) {
        notes.push(PlanNote::LegacyNeedsSecurityLevel);
    }
    notes
}

/// A variable with a role whose value is written anew.
struct Written<'a> {
    row: &'a CatalogueVariable,
    name: &'a str,
    /// `None`: the file did not have it.
    old: Option<&'a str>,
    new: &'a str,
}

fn written<'a>(direction: Direction, old: &'a [Pair], wanted: Settings<'a>) -> Vec<Written<'a>> {
    // Of a name that stands several times the first value counts.
    let old: HashMap<&str, &str> = old.iter().rev().map(|o| (o.name.as_str(), o.value.as_str())).collect();
    wanted
        .found(direction)
        .map(|f| Written {
            row: f.row,
            name: &f.pair.name,
            old: old.get(f.pair.name.as_str()).copied(),
            new: &f.pair.value,
        })
        .filter(|w| w.old != Some(w.new))
        .collect()
}

/// Whether a cipher string of this direction lowers the security level to 0.
fn has_security_level_0(direction: Direction, settings: Settings<'_>) -> bool {
    settings
        .found(direction)
        .any(|f| f.row.role == Role::Ciphers && f.pair.value.to_ascii_uppercase().contains("@SECLEVEL=0"))
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
