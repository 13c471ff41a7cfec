//! What the Inbound and Outbound tabs list: every variable of the direction's table, and the catalogue's
//! variables that are not there. However the file is filled, a list is bounded, and making it costs what reading it does.

use std::collections::{HashMap, HashSet};

use crate::mailserver_cfg::{Secrets, Variable, VariablePath};
use crate::tls::{CatalogueVariable, Certainty, Direction, Pair};

use super::edit::Session;

/// Most variables of a table that are listed. Real tables have some dozens.
const LISTED: usize = 2000;
/// Most lines that are named of a variable that stands more than once.
const LINES: usize = 10;

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
    /// How often its name stands in the loaded file, in whatever case.
    pub stands: usize,
    /// The first lines on which it does.
    pub lines: Vec<u32>,
}

impl VariableRow {
    /// How sure its name is, where the catalogue has one.
    #[must_use]
    pub fn name_sure(&self) -> Option<Certainty> {
        let known = self.known.as_ref().filter(|known| known.name.is_some());
        known.map(|known| known.name_sure)
    }
}

/// A direction's list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VariableList {
    /// Its rows.
    pub rows: Vec<VariableRow>,
    /// How many variables of the table are left out, because there are too many.
    pub left_out: usize,
}

/// The rows of a direction: roles of the catalogue first, then the rest of the table in file order. A name that
/// stands more than once has a row for each place, because it is not known which one counts.
#[must_use]
pub fn variable_rows(session: &Session, direction: Direction) -> Vec<VariableRow> {
    variable_list(session, direction).rows
}

/// The same, and how many variables are left out.
#[must_use]
pub fn variable_list(session: &Session, direction: Direction) -> VariableList {
    let standing = session.base().variables(direction.table());
    let wanted = session.wanted();
    let table = Table::new(session, direction, &standing, wanted.pairs(direction));
    let mut list = VariableList::default();
    for known in session.catalogue().rows(direction) {
        let mut of_role = standing.iter().filter(|v| known.is_named(&v.name)).peekable();
        if of_role.peek().is_some() {
            of_role.for_each(|v| list.add(|| table.standing_row(v, Some(known))));
        } else {
            let added = known.name.as_ref().map(|name| {
                let wanted = wanted.pairs(direction).iter().find(|pair| known.is_named(&pair.name));
                wanted.map_or(name, |pair| &pair.name).clone()
            });
            list.rows.push(table.row(added, Some(known)));
        }
    }
    let nameless = |name: &str| session.catalogue().find(direction, name).is_none();
    for variable in standing.iter().filter(|v| nameless(&v.name)) {
        list.add(|| table.standing_row(variable, None));
    }
    let loaded: HashSet<&str> = standing.iter().map(|v| v.name.as_str()).collect();
    for pair in wanted.pairs(direction) {
        if !loaded.contains(pair.name.as_str()) && nameless(&pair.name) {
            list.add(|| table.row(Some(pair.name.clone()), None));
        }
    }
    list
}

impl VariableList {
    fn add(&mut self, row: impl FnOnce() -> VariableRow) {
        if self.rows.len() < LISTED {
            self.rows.push(row());
        } else {
            self.left_out += 1;
        }
    }
}

/// What the rows of a table are made from, to be looked up by name.
struct Table<'a> {
    session: &'a Session,
    direction: Direction,
    secrets: Secrets,
    lookalikes: HashSet<String>,
    /// The table itself stands more than once.
    doubled: bool,
    /// The wanted value of each name; the first, where it stands more than once.
    values: HashMap<&'a str, &'a str>,
    /// How often a name stands and the first lines, without regard to case: as the catalogue finds names, so that what
    /// cannot be planned is what is shown to stand more than once.
    places: HashMap<String, (usize, Vec<u32>)>,
}

impl<'a> Table<'a> {
    fn new(session: &'a Session, direction: Direction, standing: &[Variable], pairs: &'a [Pair]) -> Self {
        let mut places: HashMap<String, (usize, Vec<u32>)> = HashMap::new();
        for variable in standing {
            let (stands, lines) = places.entry(variable.name.to_ascii_lowercase()).or_default();
            *stands += 1;
            if lines.len() < LINES {
                lines.push(variable.line);
            }
        }
        let loaded = session.loaded();
        Self {
            session,
            direction,
            secrets: session.secrets(),
            lookalikes: session.wanted().reading(direction).lookalikes.into_iter().collect(),
            doubled: loaded.one_table(direction).is_err(),
            values: pairs
                .iter()
                .rev()
                .map(|pair| (pair.name.as_str(), pair.value.as_str()))
                .collect(),
            places,
        }
    }

    /// The row of a variable that the file has.
    fn standing_row(&self, variable: &Variable, known: Option<&CatalogueVariable>) -> VariableRow {
        let row = self.row(Some(variable.name.clone()), known);
        match &row.path {
            // It cannot be edited, so what it says is what the file says there.
            Some(path) if row.duplicate => VariableRow {
                shown: Some(self.secrets.show_at(path, &variable.value)),
                ..row
            },
            _ => row,
        }
    }

    fn row(&self, name: Option<String>, known: Option<&CatalogueVariable>) -> VariableRow {
        let path = name.map(|variable| VariablePath {
            table: self.direction.table().to_owned(),
            variable,
        });
        let of_name = |path: &VariablePath| self.places.get(&path.variable.to_ascii_lowercase()).cloned();
        let (stands, lines) = path.as_ref().and_then(of_name).unwrap_or_default();
        let value = |path: &VariablePath| {
            let value = self.values.get(path.variable.as_str())?;
            Some(self.secrets.show_at(path, value))
        };
        VariableRow {
            shown: path.as_ref().and_then(value),
            in_file: stands > 0,
            dirty: path.as_ref().is_some_and(|p| self.session.is_variable_dirty(p)),
            lookalike: path.as_ref().is_some_and(|p| self.lookalikes.contains(&p.variable)),
            duplicate: stands > 1 || (self.doubled && stands > 0),
            stands,
            lines,
            path,
            known: known.cloned(),
        }
    }
}
