//! What a choice comes to: edits, what the review must say about them, and why there can be none.

use std::fmt;

use super::Minimum;
use super::words::shown;

/// One variable's change: `new: None` deletes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairEdit {
    /// Name as in the file, or as in the catalogue where the file has none.
    pub name: String,
    /// The new value.
    pub new: Option<String>,
}

/// Something the review must say about a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanNote {
    /// The file did not have this variable, and its name is only assumed.
    AddsAssumed {
        /// The name written.
        name: String,
    },
    /// The file did not have this variable; its name is documented or confirmed.
    Adds {
        /// The name written.
        name: String,
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
    /// No list or minimum of this direction is changed, yet it reads otherwise: the other direction's list now goes up to
    /// another version (the rule "up to the highest word of the file's lists").
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
            Self::AddsAssumed { name } => write!(
                f,
                "Adds {}, a variable that this file did not have. Its name is assumed: it may have no effect until \
                 a handshake with the server proves it.",
                shown(name)
            ),
            Self::Adds { name } => write!(f, "Adds {}, a variable that this file did not have.", shown(name)),
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
                "No protocol setting of {table} is changed, yet it is no plain minimum any more: {why}. Choose a minimum \
                 for this direction too, and its list goes as far."
            ),
            Self::ReadsOtherwise { table, to } => write!(
                f,
                "No protocol setting of {table} is changed, yet it now reads as {to}: no other list of the file goes further."
            ),
        }
    }
}

/// Why a choice cannot be turned into edits. Nothing has been changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The name stands more than once in the table.
    #[error("{table} has {name} {count} times; pick one by hand before it can be changed")]
    Duplicate {
        /// The table.
        table: &'static str,
        /// The variable.
        name: String,
        /// How often it stands there.
        count: usize,
    },
    /// The whole table stands more than once.
    #[error(
        "the file has the table {table} {count} times, and which one counts is not known; make them one by hand before it can be changed"
    )]
    DuplicateTable {
        /// The table.
        table: &'static str,
        /// How often it stands there.
        count: usize,
    },
    /// The role has no name.
    #[error("no variable name is known for this in {table}: name it in kerio-tls.toml")]
    NoName {
        /// The table.
        table: &'static str,
    },
    /// The variable cannot hold the value, or must not be given it.
    #[error("{name} in {table} cannot be set to that: {why}")]
    NotAccepted {
        /// The table.
        table: &'static str,
        /// The variable.
        name: String,
        /// What it can hold instead, or what would come of it.
        why: String,
    },
}
