//! What a variable is for, what it can hold, and how sure we are of it.

use std::fmt;

use super::certainty::Certainty;
use super::cipher_reader::check_ciphers;
use super::version::{Direction, TlsVersion};
use super::words::{Meaning, WordList, meaning};

/// One variable of a table, as (name, value).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Name as spelt in the file.
    pub name: String,
    /// Value, unescaped.
    pub value: String,
}

/// What a variable is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Names the protocols that are accepted.
    ProtocolList,
    /// Names the lowest protocol that is accepted.
    MinimumVersion,
    /// OpenSSL cipher string.
    Ciphers,
    /// `1` switches ephemeral DH off (9.0.0 and 9.0.1).
    DheOff,
    /// `1` switches ephemeral DH on (from 9.0.2).
    DheOn,
    /// Ephemeral DH key size in bits.
    DheKeySize,
    /// `1` switches ephemeral ECDH on.
    EcdheOn,
}

impl Role {
    /// Every role, in the order of the screen.
    pub const ALL: [Self; 7] = [
        Self::MinimumVersion,
        Self::ProtocolList,
        Self::Ciphers,
        Self::EcdheOn,
        Self::DheOn,
        Self::DheOff,
        Self::DheKeySize,
    ];

    /// The stable spelling of JSON and `kerio-tls.toml`, such as `protocol-list`.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Self::ProtocolList => "protocol-list",
            Self::MinimumVersion => "minimum-version",
            Self::Ciphers => "ciphers",
            Self::DheOff => "dhe-off",
            Self::DheOn => "dhe-on",
            Self::DheKeySize => "dhe-key-size",
            Self::EcdheOn => "ecdhe-on",
        }
    }

    /// Reads [`Self::token`] back, without regard to case.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.token().eq_ignore_ascii_case(token))
    }

    /// Whether the role takes part in the minimum version.
    #[must_use]
    pub const fn makes_minimum(self) -> bool {
        matches!(self, Self::ProtocolList | Self::MinimumVersion)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ProtocolList => "list of protocols",
            Self::MinimumVersion => "minimum version",
            Self::Ciphers => "cipher string",
            Self::DheOff => "ephemeral DH off",
            Self::DheOn => "ephemeral DH on",
            Self::DheKeySize => "ephemeral DH key size",
            Self::EcdheOn => "ephemeral ECDH on",
        })
    }
}

/// What values a variable can hold; decides its editor and whether it can be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueKind {
    /// `0` or `1`.
    Boolean,
    /// One of these, with what each means.
    OneOf(Vec<(String, String)>),
    /// A list of protocol words.
    ProtocolWords,
    /// One protocol word.
    ProtocolWord,
    /// An OpenSSL cipher string.
    CipherString,
}

impl ValueKind {
    /// The kind of value that a role has unless the catalogue says otherwise.
    pub(super) fn usual(role: Role) -> Self {
        match role {
            Role::ProtocolList => Self::ProtocolWords,
            Role::MinimumVersion => Self::ProtocolWord,
            Role::Ciphers => Self::CipherString,
            Role::DheOff | Role::DheOn | Role::EcdheOn => Self::Boolean,
            Role::DheKeySize => Self::OneOf(
                ["0", "1024", "2048", "4096"]
                    .map(|v| (v.to_owned(), String::new()))
                    .to_vec(),
            ),
        }
    }

    /// Whether every value that it can hold is known beforehand: then none is a secret, whatever the variable's name.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        match self {
            Self::Boolean | Self::OneOf(_) | Self::ProtocolWords | Self::ProtocolWord => true,
            Self::CipherString => false,
        }
    }

    /// Whether a variable of this kind can hold the value.
    ///
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
                if list.is_clean() && !list.versions().is_empty() {
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

/// One row of the catalogue, for one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueVariable {
    /// The direction, and so the table.
    pub direction: Direction,
    /// What it is for.
    pub role: Role,
    /// The name, where one is known or assumed; `None`: the role exists, its name is not public.
    pub name: Option<String>,
    /// How sure the *name* is.
    pub name_sure: Certainty,
    /// What it can hold.
    pub kind: ValueKind,
    /// The server's default, where known.
    pub default: Option<String>,
    /// What stands between the words of a list that is newly written. Always assumed: a list that
    /// the file has keeps its own.
    pub separator: String,
    /// Which server versions have it, in words.
    pub versions: String,
    /// One line for lists, such as "TLS protocols accepted".
    pub title: String,
    /// What it does, in plain words (may be several sentences).
    pub help: String,
    /// Where this is from.
    pub source: String,
    /// The value for each version where it is no documented protocol word: as the web administration was seen to write
    /// it.
    pub words: Vec<(TlsVersion, String)>,
}

impl CatalogueVariable {
    /// The learned value for a version, where there is one.
    #[must_use]
    pub fn word_of(&self, version: TlsVersion) -> Option<&str> {
        let mut words = self.words.iter();
        words.find(|(of, _)| *of == version).map(|(_, word)| word.as_str())
    }

    /// The version that a value means as it was learned.
    #[must_use]
    pub fn version_of(&self, value: &str) -> Option<TlsVersion> {
        let mut words = self.words.iter();
        words
            .find(|(_, word)| word == value.trim())
            .map(|(version, _)| *version)
    }

    /// Whether the file's `name` is this variable, without regard to case.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        self.name.as_deref().is_some_and(|n| n.eq_ignore_ascii_case(name))
    }
}
