//! Find anything: every variable of both tables by name, title, meaning and value, filtered as one types.

use crate::session::{VariableRow, variable_rows};
use crate::tls::{Direction, ValueKind};

use super::editor_keys::edit_line;
use super::editor_line::TextLine;
use super::keys::Command;
use super::overlay::Overlay;
use super::state::{State, Tab};

/// An open search.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Find {
    /// What is looked for.
    pub line: TextLine,
    /// The marked match.
    pub selected: usize,
}

impl Find {
    /// A character was typed.
    pub(super) fn typed(&mut self, character: char) {
        self.line.insert(character);
        self.selected = 0;
    }
}

/// A row that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Which list it is in.
    pub direction: Direction,
    /// Its place in that list.
    pub index: usize,
    /// The row.
    pub row: VariableRow,
    /// How near the match is: 0 by name, 1 by title or value, 2 by help, meaning or source.
    pub rank: u8,
}

/// The rows in which every word of `wanted` occurs, without regard to case: nearest first, then in the order of the
/// lists. Values count as they are shown, so that a secret is never found by its value.
#[must_use]
pub fn matches(state: &State, wanted: &str) -> Vec<Match> {
    let words: Vec<String> = wanted.split_whitespace().map(str::to_lowercase).collect();
    let mut found: Vec<Match> = Direction::ALL
        .into_iter()
        .flat_map(|direction| {
            let rows = variable_rows(&state.session, direction).into_iter().enumerate();
            rows.map(move |(index, row)| (direction, index, row))
        })
        .filter_map(|(direction, index, row)| {
            rank(direction, &row, &words).map(|rank| Match {
                direction,
                index,
                row,
                rank,
            })
        })
        .collect();
    found.sort_by_key(|found| found.rank);
    found
}

fn rank(direction: Direction, row: &VariableRow, words: &[String]) -> Option<u8> {
    let mut text = row.path.as_ref().map_or_else(String::new, |path| path.variable.clone());
    let mut layers = vec![text.clone()];
    text.push(' ');
    text.push_str(row.shown.as_deref().unwrap_or("server default"));
    if let Some(known) = &row.known {
        text.push_str(&format!(" {} {}", known.title, known.role));
    }
    layers.push(text.clone());
    text.push_str(&format!(" {direction} {}", direction.table()));
    if let Some(known) = &row.known {
        text.push_str(&format!(
            " {} {} {} {}",
            known.help,
            known.source,
            known.versions,
            known.role.token()
        ));
        if let ValueKind::OneOf(values) = &known.kind {
            for (value, meaning) in values {
                text.push_str(&format!(" {value} {meaning}"));
            }
        }
    }
    layers.push(text);
    (0_u8..).zip(layers).find_map(|(rank, layer)| {
        let layer = layer.to_lowercase();
        words.iter().all(|word| layer.contains(word)).then_some(rank)
    })
}

/// Opens the search.
pub(super) fn open(state: &mut State) {
    state.status = None;
    state.overlays.push(Overlay::Find(Find::default()));
}

pub(super) fn on_command(state: &mut State, command: Command) {
    let Some(Overlay::Find(find)) = state.overlays.last() else {
        return;
    };
    let found = matches(state, &find.line.text());
    let page = usize::from(state.size.1.saturating_sub(10).max(3));
    let last = found.len().saturating_sub(1);
    if command == Command::Activate {
        let chosen = found.into_iter().nth(find.selected.min(last));
        if let Some(chosen) = chosen {
            state.overlays.pop();
            state.tab = match chosen.direction {
                Direction::Inbound => Tab::Inbound,
                Direction::Outbound => Tab::Outbound,
            };
            state.select(chosen.index);
        }
        return;
    }
    if command == Command::Back {
        state.overlays.pop();
        return;
    }
    let Some(Overlay::Find(find)) = state.overlays.last_mut() else {
        return;
    };
    match command {
        Command::Up => find.selected = find.selected.min(last).saturating_sub(1),
        Command::Down => find.selected = (find.selected + 1).min(last),
        Command::PageUp => find.selected = find.selected.min(last).saturating_sub(page),
        Command::PageDown => find.selected = (find.selected + page).min(last),
        _ => {
            edit_line(&mut find.line, command);
            if matches!(command, Command::Delete | Command::Backspace | Command::Clear) {
                find.selected = 0;
            }
        }
    }
}
