//! OpenSSL cipher strings: what one selects, and what is wrong with it.
//!
//! OpenSSL passes over a word that it does not know *in silence*, and refuses the whole string for a character,
//! a command or a sign that it does not understand, or when nothing is left: then there is
//! no TLS at all. Both are said here before the server meets them. Read as OpenSSL 3.0.19 does
//! (measured; the tests ask the `openssl` of the machine); openssl-ciphers(1).

use std::fmt;

use super::suites::Suite;
use super::version::TlsVersion;
use super::words::shown;

/// What a cipher string comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CipherCheck {
    /// What is wrong or worth a word, in the order of the string.
    pub findings: Vec<CipherFinding>,
    /// The suites up to TLS 1.2 that the string leaves on in a usual build of OpenSSL 3.0, before the security
    /// level takes its own away.
    pub suites: Vec<&'static Suite>,
    /// The level that `@SECLEVEL=` sets, 0 to 5.
    pub security_level: Option<u8>,
}

impl CipherCheck {
    /// Whether OpenSSL refuses the string, so that there may be no TLS at all.
    #[must_use]
    pub fn stops_tls(&self) -> bool {
        self.findings.iter().any(|f| f.problem.stops_tls())
    }

    /// Whether a connection of this version has a suite left. Always true of TLS 1.3, which the string does not govern.
    #[must_use]
    pub fn serves(&self, version: TlsVersion) -> bool {
        version == TlsVersion::Tls13 || self.suites.iter().any(|s| s.oldest <= version)
    }

    /// Whether a suite with classic ephemeral Diffie-Hellman is left.
    #[must_use]
    pub fn has_dhe(&self) -> bool {
        self.suites.iter().any(|s| s.key_exchange.starts_with("DH"))
    }

    /// Whether a suite with ephemeral Diffie-Hellman on elliptic curves is left.
    #[must_use]
    pub fn has_ecdhe(&self) -> bool {
        self.suites.iter().any(|s| s.key_exchange.starts_with("ECDH"))
    }

    /// The suites left that a keyword holds, such as `eNULL`.
    pub fn of_keyword<'a>(&'a self, keyword: &'a str) -> impl Iterator<Item = &'static Suite> + 'a {
        self.suites
            .iter()
            .copied()
            .filter(move |s| s.keywords.contains(&keyword))
    }
}

/// One thing about one part of the string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CipherFinding {
    /// Where the part begins, in bytes.
    pub start: usize,
    /// Where it ends, in bytes.
    pub end: usize,
    /// What it is.
    pub problem: CipherProblem,
}

/// What can be said of a part of a cipher string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CipherProblem {
    /// No suite and no keyword: OpenSSL passes over it in silence.
    Unknown {
        /// The word.
        word: String,
        /// The nearest known one.
        suggestion: Option<&'static str>,
    },
    /// A suite of TLS 1.3: the string does not govern those, and OpenSSL passes over it.
    OfTls13 {
        /// The word.
        word: String,
    },
    /// Known, but usual builds of today have no such suite.
    NotInBuilds {
        /// The word.
        word: String,
        /// Why.
        why: &'static str,
    },
    /// `DEFAULT` or Suite B that is not the first word: OpenSSL passes over it.
    NotFirst {
        /// The word.
        word: String,
    },
    /// A command other than `@STRENGTH` and `@SECLEVEL=0` to `5`: OpenSSL refuses the whole string.
    Command {
        /// The word.
        word: String,
    },
    /// A character that no name has, after a known word or in front: OpenSSL refuses the whole string.
    Character {
        /// The word that has it.
        word: String,
        /// OpenSSL's name for what was meant, where it can be told.
        suggestion: Option<&'static str>,
    },
    /// A sign without a word: OpenSSL refuses the whole string.
    BareSign,
    /// Nothing is selected: OpenSSL refuses the string.
    Nothing,
    /// Longer than any string that somebody wrote on purpose: it was not read.
    TooLong,
}

impl CipherProblem {
    /// OpenSSL's name for what was probably meant by a misspelt word.
    #[must_use]
    pub const fn suggestion(&self) -> Option<&'static str> {
        match self {
            Self::Unknown { suggestion, .. } | Self::Character { suggestion, .. } => *suggestion,
            _ => None,
        }
    }

    /// Whether OpenSSL refuses the whole string for it, or may, so that there may be no TLS at all.
    #[must_use]
    pub const fn stops_tls(&self) -> bool {
        match self {
            Self::Command { .. } | Self::Character { .. } | Self::BareSign | Self::Nothing | Self::TooLong => true,
            Self::Unknown { .. } | Self::OfTls13 { .. } | Self::NotInBuilds { .. } | Self::NotFirst { .. } => false,
        }
    }
}

impl fmt::Display for CipherProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const REFUSED: &str = "OpenSSL refuses the whole string for it";
        let meant = |f: &mut fmt::Formatter<'_>, suggestion: &Option<&str>| match suggestion {
            Some(s) => write!(f, "; did you mean {s}?"),
            None => Ok(()),
        };
        match self {
            Self::Unknown { word, suggestion } => {
                write!(
                    f,
                    "{} is no cipher suite or keyword: OpenSSL passes over it in silence",
                    shown(word)
                )?;
                meant(f, suggestion)
            }
            Self::OfTls13 { word } => write!(
                f,
                "{} is a suite of TLS 1.3, which this string does not govern: OpenSSL passes over it",
                shown(word)
            ),
            Self::NotInBuilds { word, why } => write!(f, "{} selects nothing here: {why}", shown(word)),
            Self::NotFirst { word } => write!(f, "{} counts only as the first word", shown(word)),
            Self::Command { word } => {
                write!(
                    f,
                    "{} is no command (@STRENGTH, @SECLEVEL=0 to @SECLEVEL=5): {REFUSED}",
                    shown(word)
                )
            }
            Self::Character { word, suggestion } => {
                write!(f, "{} has a character that no name has: {REFUSED}", shown(word))?;
                meant(f, suggestion)
            }
            Self::BareSign => write!(f, "a sign without a word: {REFUSED}"),
            Self::TooLong => f.write_str("this is longer than any cipher string, and was not read"),
            Self::Nothing => f.write_str("this selects no suite at all: OpenSSL refuses it, and there may be no TLS"),
        }
    }
}
