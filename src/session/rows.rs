//! What the Inbound and Outbound tabs list: every variable of the direction's table, and the catalogue's
//! variables that are not there.

use crate::mailserver_cfg::{Secrets, VariablePath};
use crate::tls::{CatalogueVariable, Direction, Sureness};

use super::Session;

/// One line of a direction's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableRow {
    /// Where it is (or would be); `None`: the role exists, but no name for it is known.
    pub path: Option<VariablePath>,
    /// The value wanted, masked where secret; `None`: not in the file, the server's default holds.
    pub shown: Option<String>,
    /// Is it in the loaded file?
    pub in_file: bool,
    /// Does it differ from what was loaded?
    pub dirty: bool,
    /// Its catalogue row, where it has one.
    pub known: Option<CatalogueVariable>,
    /// It looks like a protocol list, but the user has not said that it is one.
    pub lookalike: bool,
    /// It stands more than once and cannot be edited here.
    pub duplicate: bool,
}

impl VariableRow {
    /// Is the name only our best reading?
    #[must_use]
    pub fn assumed(&self) -> bool {
        self.known
            .as_ref()
            .is_some_and(|row| row.name_sure == Sureness::Assumed)
    }
}

impl Session {
    /// The rows of a direction: roles of the catalogue first, then the rest of the table in file order.
    #[must_use]
    pub fn variable_rows(&self, direction: Direction) -> Vec<VariableRow> {
        let secrets = self.secrets();
        let pairs = self.pairs(direction);
        let lookalikes = self.reading(direction).lookalikes;
        let mut rows = Vec::new();
        for known in self.catalogue().rows(direction) {
            let spelling = known.name.as_ref().map(|name| self.spelling(direction, name));
            rows.push(self.row(direction, spelling, Some(known.clone()), &pairs, &lookalikes, &secrets));
        }
        let mut listed: Vec<String> = Vec::new();
        let loaded = self.loaded_pairs(direction).into_iter().map(|pair| pair.name);
        for name in loaded.chain(pairs.iter().map(|pair| pair.name.clone())) {
            if self.catalogue().find(direction, &name).is_none() && !listed.contains(&name) {
                listed.push(name.clone());
                rows.push(self.row(direction, Some(name), None, &pairs, &lookalikes, &secrets));
            }
        }
        rows
    }

    /// The file's own spelling of a catalogue name.
    fn spelling(&self, direction: Direction, name: &str) -> String {
        self.loaded_pairs(direction)
            .into_iter()
            .map(|pair| pair.name)
            .find(|in_file| in_file.eq_ignore_ascii_case(name))
            .unwrap_or_else(|| name.to_owned())
    }

    fn row(
        &self,
        direction: Direction,
        name: Option<String>,
        known: Option<CatalogueVariable>,
        pairs: &[crate::tls::Pair],
        lookalikes: &[String],
        secrets: &Secrets,
    ) -> VariableRow {
        let path = name.map(|variable| VariablePath {
            table: direction.table().to_owned(),
            variable,
        });
        let value = path
            .as_ref()
            .and_then(|p| pairs.iter().find(|pair| pair.name == p.variable));
        VariableRow {
            shown: value.map(|pair| secrets.show(&pair.name, &pair.value)),
            in_file: path.as_ref().is_some_and(|p| self.base().value(p).is_some()),
            dirty: path.as_ref().is_some_and(|p| self.is_variable_dirty(p)),
            lookalike: path.as_ref().is_some_and(|p| lookalikes.contains(&p.variable)),
            duplicate: path.as_ref().is_some_and(|p| self.is_duplicate(p)),
            path,
            known,
        }
    }

    fn is_duplicate(&self, path: &VariablePath) -> bool {
        self.base()
            .duplicates()
            .iter()
            .any(|d| d.table == path.table && d.variable.as_ref().is_none_or(|name| *name == path.variable))
    }
}
