//! What the user wants, held against the loaded document, and the way back to what was wanted before.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

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
    pub(super) const fn choices(&self) -> [Option<Choice>; 2] {
        self.choices
    }

    /// `None`: what is wanted there was set by hand, or nothing is.
    pub(super) fn set_choice(&mut self, direction: Direction, choice: Option<Choice>) {
        let [inbound, outbound] = &mut self.choices;
        *direction.of([inbound, outbound]) = choice;
    }

    /// A direction's pairs as wanted: file order, additions last. Of a name that stands several times the first is
    /// edited.
    pub(super) fn pairs<'l>(&self, direction: Direction, loaded: &'l [Pair]) -> Cow<'l, [Pair]> {
        let here = self.wanted.iter().filter(|(path, _)| path.table == direction.table());
        let mut wanted: BTreeMap<&str, &Option<String>> =
            here.map(|(path, value)| (path.variable.as_str(), value)).collect();
        if wanted.is_empty() {
            return Cow::Borrowed(loaded);
        }
        let mut pairs = Vec::with_capacity(loaded.len());
        let mut edited: HashSet<&str> = HashSet::new();
        for pair in loaded {
            match wanted.get(pair.name.as_str()) {
                Some(None) => {}
                Some(Some(value)) if edited.insert(&pair.name) => pairs.push(Pair {
                    name: pair.name.clone(),
                    value: value.clone(),
                }),
                Some(Some(_)) | None => pairs.push(pair.clone()),
            }
        }
        wanted.retain(|name, _| !edited.contains(name));
        pairs.extend(wanted.into_iter().filter_map(|(name, value)| {
            Some(Pair {
                name: name.to_owned(),
                value: value.clone()?,
            })
        }));
        Cow::Owned(pairs)
    }

    /// Wants what a plan comes to.
    pub(super) fn want_all(&mut self, direction: Direction, edits: Vec<PairEdit>) {
        for edit in edits {
            let path = VariablePath {
                table: direction.table().to_owned(),
                variable: edit.name,
            };
            self.wanted.insert(path, edit.new);
        }
    }
}

/// Undo steps kept; the oldest are forgotten beyond it.
const UNDO_LIMIT: usize = 200;

/// The present draft, those before it, and those that undo took back.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    pub(super) draft: Draft,
    undo: Vec<Draft>,
    redo: Vec<Draft>,
}

impl History {
    /// Begins anew with this draft.
    pub(super) const fn of(draft: Draft) -> Self {
        Self {
            draft,
            undo: Vec::new(),
            redo: Vec::new(),
        }
    }

    /// Takes the next draft, remembering the present one. `false`: they want the same.
    pub(super) fn advance(&mut self, next: Draft) -> bool {
        if next.wanted == self.draft.wanted {
            self.draft = next;
            return false;
        }
        self.undo.push(std::mem::replace(&mut self.draft, next));
        if self.undo.len() > UNDO_LIMIT {
            self.undo.remove(0);
        }
        self.redo.clear();
        true
    }

    /// One step back. `false`: there is none.
    pub(super) fn undo(&mut self) -> bool {
        let Some(previous) = self.undo.pop() else { return false };
        self.redo.push(std::mem::replace(&mut self.draft, previous));
        true
    }

    /// One step forward again. `false`: there is none.
    pub(super) fn redo(&mut self) -> bool {
        let Some(next) = self.redo.pop() else { return false };
        self.undo.push(std::mem::replace(&mut self.draft, next));
        true
    }
}
