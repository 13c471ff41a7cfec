//! What the Inbound and Outbound tabs list: every variable of the direction's table, and the catalogue's
//! variables that are not there.

use crate::mailserver_cfg::{Secrets, Variable, VariablePath};
use crate::tls::{CatalogueVariable, Direction, Pair, Sureness};

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
    /// It stands more than once (or its table does) and cannot be edited here.
    pub duplicate: bool,
    /// The lines of the loaded file on which its name stands, in whatever case.
    pub lines: Vec<u32>,
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
    /// The rows of a direction: roles of the catalogue first, then the rest of the table in file order. A name that
    /// stands more than once has a row for each place, because it is not known which one counts.
    #[must_use]
    pub fn variable_rows(&self, direction: Direction) -> Vec<VariableRow> {
        let pairs = self.pairs(direction);
        let table = Table {
            direction,
            standing: self.base().variables(direction.table()),
            secrets: self.secrets(),
            lookalikes: self.reading(direction).lookalikes,
            doubled: self.one_table(direction).is_err(),
        };
        let mut rows = Vec::new();
        for known in self.catalogue().rows(direction) {
            let stands = |v: &&Variable| known.is_named(&v.name);
            let added = || {
                let name = known.name.as_ref()?;
                let wanted = pairs.iter().find(|pair| known.is_named(&pair.name));
                Some(wanted.map_or(name, |pair| &pair.name).clone())
            };
            if table.standing.iter().any(|v| stands(&v)) {
                let of_role = table.standing.iter().filter(stands);
                rows.extend(of_role.map(|v| self.standing_row(&table, v, Some(known.clone()), &pairs)));
            } else {
                rows.push(self.row(&table, added(), Some(known.clone()), &pairs));
            }
        }
        let nameless = |name: &str| self.catalogue().find(direction, name).is_none();
        let rest = table.standing.iter().filter(|v| nameless(&v.name));
        rows.extend(rest.map(|v| self.standing_row(&table, v, None, &pairs)));
        let added = pairs
            .iter()
            .filter(|pair| nameless(&pair.name) && !table.standing.iter().any(|v| v.name == pair.name));
        rows.extend(added.map(|pair| self.row(&table, Some(pair.name.clone()), None, &pairs)));
        rows
    }

    /// The row of a variable that the file has.
    fn standing_row(
        &self,
        table: &Table,
        variable: &Variable,
        known: Option<CatalogueVariable>,
        pairs: &[Pair],
    ) -> VariableRow {
        let row = self.row(table, Some(variable.name.clone()), known, pairs);
        match &row.path {
            // It cannot be edited, so what it says is what the file says there.
            Some(path) if row.duplicate => VariableRow {
                shown: Some(table.secrets.show_at(path, &variable.value)),
                ..row
            },
            _ => row,
        }
    }

    fn row(
        &self,
        table: &Table,
        name: Option<String>,
        known: Option<CatalogueVariable>,
        pairs: &[Pair],
    ) -> VariableRow {
        let path = name.map(|variable| VariablePath {
            table: table.direction.table().to_owned(),
            variable,
        });
        let value = path.as_ref().and_then(|p| {
            let pair = pairs.iter().find(|pair| pair.name == p.variable)?;
            Some(table.secrets.show_at(p, &pair.value))
        });
        let lines = path.as_ref().map(|p| table.lines(&p.variable)).unwrap_or_default();
        VariableRow {
            shown: value,
            in_file: !lines.is_empty(),
            dirty: path.as_ref().is_some_and(|p| self.is_variable_dirty(p)),
            lookalike: path.as_ref().is_some_and(|p| table.lookalikes.contains(&p.variable)),
            duplicate: lines.len() > 1 || (table.doubled && !lines.is_empty()),
            lines,
            path,
            known,
        }
    }
}

/// What the rows of a table are made from.
struct Table {
    direction: Direction,
    /// The variables of the loaded file.
    standing: Vec<Variable>,
    secrets: Secrets,
    lookalikes: Vec<String>,
    /// The table itself stands more than once.
    doubled: bool,
}

impl Table {
    /// The lines on which a name stands, without regard to case: as the catalogue finds names, so that what cannot be
    /// planned is what is shown to stand more than once.
    fn lines(&self, name: &str) -> Vec<u32> {
        self.standing
            .iter()
            .filter(|v| v.name.eq_ignore_ascii_case(name))
            .map(|v| v.line)
            .collect()
    }
}
