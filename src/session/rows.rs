//! What the Inbound and Outbound tabs list: every variable of the direction's table, and the catalogue's variables that
//! are not there. However the file is filled, a list is bounded, and making it costs what reading it does.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::mailserver_cfg::{Secrets, Variable, VariablePath};
use crate::tls::{CatalogueVariable, Certainty, Direction};

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
    let catalogue = session.catalogue();
    let mut table = Table::new(session, direction);
    let (mut named, mut nameless) = (Vec::new(), Vec::new());
    let mut list = VariableList::default();
    for variable in session.base().variables(direction.table()) {
        let part = match catalogue.find(direction, &variable.name) {
            Some(_) => &mut named,
            None => &mut nameless,
        };
        let is_listed = part.len() < LISTED;
        table.count(&variable, is_listed);
        if is_listed {
            part.push(variable);
        } else {
            list.left_out += 1;
        }
    }
    for known in catalogue.rows(direction) {
        let mut of_role = named
            .iter()
            .filter(|variable| known.is_named(&variable.name))
            .peekable();
        if of_role.peek().is_some() {
            of_role.for_each(|variable| list.add(table.standing_row(variable, Some(known))));
        } else {
            let added = known.name.as_ref().map(|name| {
                let wanted = table.added().find(|name| known.is_named(name));
                wanted.unwrap_or(name).to_owned()
            });
            list.rows.push(table.row(added, Some(known)));
        }
    }
    nameless
        .iter()
        .for_each(|variable| list.add(table.standing_row(variable, None)));
    let nameless = table.added().filter(|name| catalogue.find(direction, name).is_none());
    nameless.for_each(|name| list.add(table.row(Some(name.to_owned()), None)));
    list
}

impl VariableList {
    fn add(&mut self, row: VariableRow) {
        if self.rows.len() < LISTED {
            self.rows.push(row);
        } else {
            self.left_out += 1;
        }
    }
}

/// What the rows of a table are made from.
struct Table<'a> {
    session: &'a Session,
    direction: Direction,
    secrets: Secrets,
    lookalikes: HashSet<String>,
    /// The table itself stands more than once.
    doubled: bool,
    /// The names of the table that the draft sets or deletes.
    drafted: BTreeSet<&'a str>,
    /// Those of them that the file has.
    standing: HashSet<String>,
    /// How often a name that is listed stands and the first lines, without regard to case: as the catalogue finds
    /// names, so that what cannot be planned is what is shown to stand more than once.
    places: HashMap<String, (usize, Vec<u32>)>,
}

impl<'a> Table<'a> {
    fn new(session: &'a Session, direction: Direction) -> Self {
        let here = session.drafted().keys().filter(|path| path.table == direction.table());
        let drafted: BTreeSet<&str> = here.map(|path| path.variable.as_str()).collect();
        let known = session
            .catalogue()
            .rows(direction)
            .filter_map(|row| row.name.as_deref());
        let places = known.chain(drafted.iter().copied());
        Self {
            session,
            direction,
            secrets: session.secrets(),
            lookalikes: session.wanted().reading(direction).lookalikes.into_iter().collect(),
            doubled: session.loaded().one_table(direction).is_err(),
            places: places
                .map(|name| (name.to_ascii_lowercase(), Default::default()))
                .collect(),
            standing: HashSet::new(),
            drafted,
        }
    }

    /// Takes a variable of the file in. What is not listed is counted only where its name is.
    fn count(&mut self, variable: &Variable, is_listed: bool) {
        let name = variable.name.to_ascii_lowercase();
        let place = match self.places.get_mut(&name) {
            None if is_listed => self.places.entry(name).or_default(),
            None => return,
            Some(place) => place,
        };
        place.0 += 1;
        if place.1.len() < LINES {
            place.1.push(variable.line);
        }
        if self.drafted.contains(variable.name.as_str()) {
            self.standing.insert(variable.name.clone());
        }
    }

    /// The names that the draft adds to the file, in order.
    fn added(&self) -> impl Iterator<Item = &str> {
        let drafted = self.drafted.iter().copied();
        drafted.filter(|name| !self.standing.contains(*name) && self.draft(name).is_some_and(Option::is_some))
    }

    fn draft(&self, name: &str) -> Option<&Option<String>> {
        self.session.drafted().get(&self.path(name.to_owned()))
    }

    fn path(&self, variable: String) -> VariablePath {
        VariablePath {
            table: self.direction.table().to_owned(),
            variable,
        }
    }

    /// The row of a variable that the file has. Where it cannot be edited, what it says is what the file says there.
    fn standing_row(&self, variable: &Variable, known: Option<&CatalogueVariable>) -> VariableRow {
        let mut row = self.row(Some(variable.name.clone()), known);
        let drafted = self.draft(&variable.name);
        if let Some(path) = row.path.as_ref().filter(|_| row.duplicate || drafted.is_none()) {
            row.shown = Some(self.secrets.show_at(path, &variable.value));
        }
        row
    }

    fn row(&self, name: Option<String>, known: Option<&CatalogueVariable>) -> VariableRow {
        let path = name.map(|name| self.path(name));
        let of_name = |path: &VariablePath| self.places.get(&path.variable.to_ascii_lowercase()).cloned();
        let (stands, lines) = path.as_ref().and_then(of_name).unwrap_or_default();
        let value = |path: &VariablePath| {
            let value = self.session.drafted().get(path)?.as_ref()?;
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
