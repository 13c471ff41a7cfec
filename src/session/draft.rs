//! What the user wants, held against the loaded document.

use std::collections::BTreeMap;

use crate::mailserver_cfg::VariablePath;
use crate::tls::{Choice, Direction, Pair, PairEdit};

/// Wanted values, and the choices behind some of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Draft {
    /// Wanted values; `None` = not in the file.
    pub(super) wanted: BTreeMap<VariablePath, Option<String>>,
    /// What was chosen in the drop-downs, also where that comes to no edit: what one direction gets can ask for more in
    /// the other. Not kept: a draft that is taken up again is what it is.
    choices: [Option<Choice>; 2],
}

impl Draft {
    pub(super) fn choices(&self) -> [Option<Choice>; 2] {
        self.choices
    }

    /// `None`: what is wanted there was set by hand, or nothing is.
    pub(super) fn set_choice(&mut self, direction: Direction, choice: Option<Choice>) {
        let [inbound, outbound] = &mut self.choices;
        *direction.of([inbound, outbound]) = choice;
    }

    /// A direction's pairs as wanted: file order, additions last.
    pub(super) fn pairs(&self, direction: Direction, loaded: Vec<Pair>) -> Vec<Pair> {
        let table = direction.table();
        let mut pairs = loaded;
        for (path, wanted) in self.wanted.iter().filter(|(path, _)| path.table == table) {
            match wanted {
                None => pairs.retain(|p| p.name != path.variable),
                Some(value) => match pairs.iter_mut().find(|p| p.name == path.variable) {
                    Some(pair) => pair.value.clone_from(value),
                    None => pairs.push(Pair {
                        name: path.variable.clone(),
                        value: value.clone(),
                    }),
                },
            }
        }
        pairs
    }

    /// Wants what a plan says.
    pub(super) fn lay(&mut self, direction: Direction, edits: Vec<PairEdit>) {
        for edit in edits {
            let path = VariablePath {
                table: direction.table().to_owned(),
                variable: edit.name,
            };
            self.wanted.insert(path, edit.new);
        }
    }
}
