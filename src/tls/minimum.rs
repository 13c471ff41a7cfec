//! The minimum that one direction's variables make, and the choice that replaces it.

use std::fmt;

use super::version::TlsVersion;

/// What one direction's variables say about its minimum version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Minimum {
    /// No variable speaks of it: the server's own default holds.
    Default,
    /// Everything from this version up is accepted. Never [`TlsVersion::Ssl3`]: accepting SSL 3.0
    /// reads as [`Minimum::Custom`], because it is no minimum that can be chosen.
    At(TlsVersion),
    /// The variables say something that is no minimum; the reason in words.
    Custom(String),
}

impl Minimum {
    /// The stable spelling of JSON: `default`, `tls1.0` … `tls1.3`, `custom`.
    #[must_use]
    pub const fn token(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::At(version) => version.token(),
            Self::Custom(_) => "custom",
        }
    }
}

impl fmt::Display for Minimum {
    /// `TLS 1.2`, `Server default`, `custom`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.pad("Server default"),
            Self::At(version) => version.fmt(f),
            Self::Custom(_) => f.pad("custom"),
        }
    }
}

/// What the user chooses in the drop-down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Choice {
    /// Delete protocol list and minimum variable of the direction.
    Default,
    /// Accept this version and newer ones. Never `Ssl3` (callers use [`TlsVersion::MINIMUMS`]).
    At(TlsVersion),
}

/// Every choice, in the order of the drop-down.
pub const CHOICES: [Choice; 5] = [
    Choice::Default,
    Choice::At(TlsVersion::Tls10),
    Choice::At(TlsVersion::Tls11),
    Choice::At(TlsVersion::Tls12),
    Choice::At(TlsVersion::Tls13),
];

impl Choice {
    /// The stable spelling of JSON and arguments: `default`, `tls1.0` … `tls1.3`.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::At(version) => version.token(),
        }
    }

    /// Reads [`Self::token`] back, without regard to case; `ssl3` is no choice.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        CHOICES.into_iter().find(|c| c.token().eq_ignore_ascii_case(token))
    }

    /// Whether the variables say already what this choice would make them say.
    #[must_use]
    pub fn is_already(self, minimum: &Minimum) -> bool {
        Minimum::from(self) == *minimum
    }
}

impl From<Choice> for Minimum {
    fn from(choice: Choice) -> Self {
        match choice {
            Choice::Default => Self::Default,
            Choice::At(version) => Self::At(version),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Minimum::from(*self).fmt(f)
    }
}

/// What was found in one direction's pairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The minimum they make.
    pub minimum: Minimum,
    /// The protocols of the list, if there is one that could be read, oldest first.
    pub protocols: Option<Vec<TlsVersion>>,
    /// Names (as spelt in the file) that look like a protocol list and have no role yet.
    pub lookalikes: Vec<String>,
}
