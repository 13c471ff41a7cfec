//! The catalogue: every variable that the program knows, by direction.

use super::candidate::Candidate;
use super::certainty::{Certainty, InProgram};
use super::role::{CatalogueVariable, Role, ValueKind};
use super::toml::{self, CatalogueError};
use super::version::{Direction, TlsVersion};

/// All variables that the program knows, from `assets/catalogue.toml` and the preferences.
///
/// A role may have several rows in one direction, because names differ by server version: whatever
/// row the loaded file names is the one that counts, and where it names none, the surest name is written.
#[derive(Debug, Clone)]
pub struct Catalogue {
    pub(super) rows: Vec<CatalogueVariable>,
    candidates: Vec<Candidate>,
    /// The engine's `OpenSSL 1.1.1k`, where its program or a library says so.
    openssl: Option<String>,
}

impl Catalogue {
    /// The catalogue that ships with the program.
    #[must_use]
    pub fn embedded() -> Self {
        // The asset is part of the program; that it can be read is held by a test.
        Self {
            rows: toml::shipped(include_str!("../../assets/catalogue.toml")).unwrap_or_default(),
            candidates: Vec::new(),
            openssl: None,
        }
    }

    /// This catalogue with the `[[variable]]` tables of the preferences added or laid over it.
    ///
    /// A table whose `name` the catalogue has is laid over that row; a role without a name gets the
    /// name; anything else is a row of its own before the others of its role. Other keys and tables
    /// of the text are left alone. The shape is in the documentation of the room [`crate::tls`].
    ///
    /// # Errors
    /// Text that is not TOML of the catalogue's shape, with line and column.
    pub fn with_overrides(mut self, toml: &str) -> Result<Self, CatalogueError> {
        for variable in toml::overrides(toml)? {
            for direction in variable.directions() {
                self.lay_over(*direction, &variable);
            }
        }
        Ok(self)
    }

    /// Lets `name` of this direction's table play `role`, because the user said so.
    /// [`confirmed_toml`](super::confirmed_toml) is the text that makes it last.
    #[must_use]
    pub fn confirm(mut self, direction: Direction, name: &str, role: Role) -> Self {
        let inbound = direction == Direction::Inbound;
        self.lay_over(direction, &toml::Override::naming(inbound, role, name));
        self
    }

    /// What was learned of a name on this build: how sure it is, and the values that were seen.
    #[must_use]
    pub fn learned(
        mut self,
        direction: Direction,
        name: &str,
        role: Role,
        sure: Certainty,
        words: &[(TlsVersion, String)],
    ) -> Self {
        if self.find(direction, name).is_none_or(|row| row.role != role) {
            self = self.confirm(direction, name, role);
        }
        let row = self
            .rows
            .iter_mut()
            .find(|row| row.direction == direction && row.is_named(name));
        if let Some(row) = row {
            row.name_sure = sure;
            if !words.is_empty() {
                row.words = words.to_vec();
            }
        }
        self
    }

    /// Takes in what the engine's own program tells: of each name whether it is there, and what else is.
    #[must_use]
    pub fn in_program(mut self, is_there: impl Fn(&str) -> InProgram, candidates: Vec<Candidate>) -> Self {
        for row in &mut self.rows {
            if let Some(name) = &row.name {
                row.name_sure = is_there(name).on(row.name_sure);
            }
        }
        self.candidates = candidates;
        self
    }

    /// Takes in which OpenSSL the engine's program or a library names.
    #[must_use]
    pub fn with_openssl(mut self, line: Option<String>) -> Self {
        self.openssl = line;
        self
    }

    /// Is the library known to be older than this: 1.1.1 brought TLS 1.3, 3.0 the security level that refuses TLS 1.0 and 1.1?
    pub(super) fn has_openssl_before(&self, version: [u32; 3]) -> bool {
        let line = self.openssl.as_deref().and_then(|line| line.strip_prefix("OpenSSL "));
        let number = |part: &str| part.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u32>().ok();
        let numbers: Option<Vec<u32>> = line.map(|line| line.split('.').map_while(number).collect());
        numbers.is_some_and(|numbers| numbers.len() == version.len() && numbers.as_slice() < version.as_slice())
    }

    /// Names of the engine's program or the web administration that may be a variable's, nearest first.
    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// Those that may play a role and that no row has.
    pub fn candidates_for(&self, role: Role) -> impl Iterator<Item = &Candidate> {
        let is_new = |name: &str| !self.rows.iter().any(|row| row.is_named(name));
        let of_role = self
            .candidates
            .iter()
            .filter(move |candidate| candidate.role == Some(role));
        of_role.filter(move |candidate| is_new(&candidate.name))
    }

    /// Every row of a direction, in the order of the screen.
    pub fn rows(&self, direction: Direction) -> impl Iterator<Item = &CatalogueVariable> {
        self.rows.iter().filter(move |r| r.direction == direction)
    }

    /// The row that names this variable, without regard to case.
    #[must_use]
    pub fn find(&self, direction: Direction, name: &str) -> Option<&CatalogueVariable> {
        self.rows(direction).find(|r| r.is_named(name))
    }

    /// The row whose name is written where the file has none for this role: the surest, and of
    /// equally sure ones the first. `None`: no name is known.
    #[must_use]
    pub fn written_for(&self, direction: Direction, role: Role) -> Option<&CatalogueVariable> {
        let mut best: Option<&CatalogueVariable> = None;
        for row in self.rows(direction).filter(|r| r.role == role && r.name.is_some()) {
            if best.is_none_or(|b| row.name_sure > b.name_sure) {
                best = Some(row);
            }
        }
        best
    }

    fn lay_over(&mut self, direction: Direction, variable: &toml::Override) {
        // The user's word ends what the catalogue assumed of the same name in another role.
        for row in &mut self.rows {
            if row.direction == direction && row.role != variable.role() && row.is_named(variable.name()) {
                row.name = None;
                row.name_sure = Certainty::Assumed;
            }
        }
        let mine = |r: &CatalogueVariable| r.direction == direction && r.role == variable.role();
        let named = self.rows.iter().position(|r| mine(r) && r.is_named(variable.name()));
        let place = named.or_else(|| self.rows.iter().position(|r| mine(r) && r.name.is_none()));
        if let Some(row) = place.and_then(|i| self.rows.get_mut(i)) {
            variable.apply(row);
            return;
        }
        let first = self.rows.iter().position(mine);
        let mut row = first
            .and_then(|i| self.rows.get(i))
            .cloned()
            .unwrap_or_else(|| CatalogueVariable {
                direction,
                role: variable.role(),
                name: None,
                name_sure: Certainty::Assumed,
                kind: ValueKind::usual(variable.role()),
                default: None,
                separator: ",".to_owned(),
                versions: "not known".to_owned(),
                title: variable.role().to_string(),
                help: String::new(),
                source: String::new(),
                words: Vec::new(),
            });
        variable.apply(&mut row);
        self.rows.insert(first.unwrap_or(self.rows.len()), row);
    }
}
