//! TLS as `mailserver.cfg` speaks of it: versions, minimums, the catalogue of variables.
//! CONTRACT: signatures are fixed (other rooms build on them); bodies are the tls helper's work.

mod version;

pub use version::{Direction, TlsVersion};

/// What one direction's variables say about its minimum version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Minimum {
    /// No variable speaks of it: the server's own default holds.
    Default,
    /// Everything from this version up is accepted.
    At(TlsVersion),
    /// The variables say something that is no minimum; the reason in words.
    Custom(String),
}

/// What the user chooses in the drop-down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Choice {
    /// Delete protocol list and minimum variable of the direction.
    Default,
    /// Accept this version and newer ones. Never `Ssl3` (callers use [`TlsVersion::MINIMUMS`]).
    At(TlsVersion),
}

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

/// How sure a fact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sureness {
    /// Our best reading; to be confirmed on a live server.
    Assumed,
    /// Read in public files of real installs.
    Seen,
    /// In the vendor's own pages.
    Documented,
    /// The user said so, in `kerio-tls.toml`.
    Confirmed,
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
    pub name_sure: Sureness,
    /// What it can hold.
    pub kind: ValueKind,
    /// The server's default, where known.
    pub default: Option<String>,
    /// Which server versions have it, in words.
    pub versions: String,
    /// One line for lists, such as "TLS protocols accepted".
    pub title: String,
    /// What it does, in plain words (may be several sentences).
    pub help: String,
    /// Where this is from.
    pub source: String,
}

/// All variables that the program knows, from `assets/catalogue.toml` and the preferences.
#[derive(Debug, Clone)]
pub struct Catalogue {
    #[allow(dead_code)]
    rows: Vec<CatalogueVariable>,
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
}

/// The edits that make a choice true.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Edits in file order, additions last. Empty: nothing to do.
    pub edits: Vec<PairEdit>,
    /// What to say about them.
    pub notes: Vec<PlanNote>,
}

/// Why a choice cannot be turned into edits.
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
    /// The role has no name.
    #[error("no variable name is known for this in {table}: name it in kerio-tls.toml")]
    NoName {
        /// The table.
        table: &'static str,
    },
}

/// Why preferences could not extend the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CatalogueError(pub String);

impl Catalogue {
    /// The catalogue that ships with the program.
    #[must_use]
    pub fn embedded() -> Self {
        todo!()
    }

    /// This catalogue with the `[[variable]]` tables of the preferences added or laid over it.
    /// # Errors
    /// Text that is not TOML of the catalogue's shape, with line and column.
    pub fn with_overrides(self, toml: &str) -> Result<Self, CatalogueError> {
        let _ = toml;
        todo!()
    }

    /// Lets `name` of this direction's table play `role`, because the user said so.
    #[must_use]
    pub fn confirm(self, direction: Direction, name: &str, role: Role) -> Self {
        let _ = (direction, name, role);
        todo!()
    }

    /// Every row of a direction, in the order of the screen.
    pub fn rows(&self, direction: Direction) -> impl Iterator<Item = &CatalogueVariable> {
        self.rows.iter().filter(move |r| r.direction == direction)
    }

    /// The row that names this variable, without regard to case.
    #[must_use]
    pub fn find(&self, direction: Direction, name: &str) -> Option<&CatalogueVariable> {
        let _ = (direction, name);
        todo!()
    }

    /// Reads the minimum that these pairs make.
    #[must_use]
    pub fn read(&self, direction: Direction, pairs: &[Pair]) -> Reading {
        let _ = (direction, pairs);
        todo!()
    }

    /// The edits that make `choice` true. `server_has_tls13`: this engine was seen to speak TLS 1.3.
    /// # Errors
    /// [`PlanError`].
    pub fn choose(
        &self,
        direction: Direction,
        pairs: &[Pair],
        choice: Choice,
        server_has_tls13: bool,
    ) -> Result<Plan, PlanError> {
        let _ = (direction, pairs, choice, server_has_tls13);
        todo!()
    }

    /// Deletes every variable with a role in this direction, and nothing else.
    /// # Errors
    /// [`PlanError::Duplicate`].
    pub fn reset(&self, direction: Direction, pairs: &[Pair]) -> Result<Plan, PlanError> {
        let _ = (direction, pairs);
        todo!()
    }
}
