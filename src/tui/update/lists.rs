//! The lists: variables, peers, backups.

use crate::mailserver_cfg::VariablePath;
use crate::save::BackupInfo;
use crate::session::{Tone, variable_rows};
use crate::tui::keys::Command;
use crate::tui::overlay::Overlay;
use crate::tui::state::State;
use crate::tui::{detail, editor_keys, text};
use crate::work;

use super::form::open_tab;
use super::{Effect, changed, page};

/// Moves the mark of the open list. `false`: the command is no movement.
fn move_selection(state: &mut State, command: Command, rows: usize) -> bool {
    let by = match command {
        Command::Up => -1,
        Command::Down => 1,
        Command::PageUp => -page(state),
        Command::PageDown => page(state),
        Command::First => isize::MIN,
        Command::Last => isize::MAX,
        _ => return false,
    };
    let row = state.selected().saturating_add_signed(by).min(rows.saturating_sub(1));
    state.select(row);
    true
}

pub(super) fn on_variables(state: &mut State, command: Command) -> Vec<Effect> {
    let rows = variable_rows(&state.session, state.tab_direction());
    if move_selection(state, command, rows.len()) {
        return Vec::new();
    }
    let Some(row) = rows.get(state.selected().min(rows.len().saturating_sub(1))) else {
        return Vec::new();
    };
    match command {
        Command::Next => return open_tab(state, 1),
        Command::Previous => return open_tab(state, -1),
        Command::Activate => return editor_keys::open(state, row),
        Command::Revert => {
            if let Some(path) = &row.path {
                let done = state.session.revert_variable(&path.clone());
                return changed(state, done, if done { text::REVERTED } else { text::AS_LOADED });
            }
            // A row without a name cannot have been changed.
            state.status = Some(text::line(Tone::Text, text::AS_LOADED));
        }
        Command::Delete => {
            if let Some(why) = detail::not_deletable(row) {
                state.status = Some(text::line(Tone::Caution, why));
            } else if let Some(path) = row.path.clone() {
                return delete(state, path);
            }
        }
        _ => {}
    }
    Vec::new()
}

fn delete(state: &mut State, path: VariablePath) -> Vec<Effect> {
    if let Some(why) = &state.read_only {
        state.status = Some(text::line(Tone::Caution, text::cannot_change(why)));
        return Vec::new();
    }
    let words = text::deleted(&path);
    let done = state.session.want(path, None);
    changed(state, done, if done { &words } else { text::AS_LOADED })
}

pub(super) fn on_peers(state: &mut State, command: Command) -> Vec<Effect> {
    let rows = detail::peer_rows(state);
    let count = rows.len();
    match command {
        Command::Activate => {
            if let Some(row) = rows.get(state.selected().min(count.saturating_sub(1))) {
                let (title, lines) = detail::peer(row, state);
                state.overlays.push(Overlay::Reader {
                    title,
                    lines,
                    scroll: 0,
                });
            } else {
                state.status = Some(text::line(Tone::Text, text::nobody(None)));
            }
        }
        Command::Next => return open_tab(state, 1),
        Command::Previous => return open_tab(state, -1),
        _ => {
            move_selection(state, command, count);
        }
    }
    Vec::new()
}

pub(super) fn on_backups(state: &mut State, command: Command) -> Vec<Effect> {
    let backups = state.backups.clone().unwrap_or_default();
    if move_selection(state, command, backups.len()) {
        return Vec::new();
    }
    match command {
        Command::Next => return open_tab(state, 1),
        Command::Previous => return open_tab(state, -1),
        _ => {}
    }
    let Some(backup) = backups.get(state.selected().min(backups.len().saturating_sub(1))) else {
        state.status = Some(text::line(Tone::Text, text::no_backups(state.backups.is_some())));
        return Vec::new();
    };
    if matches!(command, Command::BringBack | Command::WholeFile)
        && let Some(why) = &state.read_only
    {
        state.status = Some(text::line(Tone::Caution, text::cannot_change(why)));
        return Vec::new();
    }
    match command {
        Command::Activate => vec![Effect::Work(work::Effect::LookAtBackup(backup.id.clone()))],
        Command::BringBack => bring_back(state, backup),
        Command::WholeFile if state.session.is_dirty() => {
            state.status = Some(text::line(Tone::Caution, text::DIRTY_BEFORE_WHOLE));
            Vec::new()
        }
        Command::WholeFile => {
            state.review_wanted = true;
            state.status = Some(text::line(Tone::Text, text::LOOKING));
            vec![Effect::Work(work::Effect::InspectWhole {
                id: backup.id.clone(),
                wish: state.engine_wish,
            })]
        }
        _ => Vec::new(),
    }
}

/// Takes the changes of a save back: its inverse becomes edits on today's file, so that what others saved since stays.
fn bring_back(state: &mut State, backup: &BackupInfo) -> Vec<Effect> {
    let undo = match backup.undo() {
        Ok(edits) => edits,
        Err(error) => {
            state.status = Some(text::line(Tone::Caution, error.to_string()));
            return Vec::new();
        }
    };
    let rebased = state.session.base().rebase(&undo);
    if !rebased.conflicts.is_empty() {
        let lines = text::taken_back_lines(&rebased, &state.session.secrets());
        state.overlays.push(Overlay::Reader {
            title: text::CONFLICT_TITLE.to_owned(),
            lines,
            scroll: 0,
        });
    }
    let done = state.session.take_up(&rebased.apply);
    changed(state, done, if done { text::TAKEN_BACK } else { text::ALREADY_BACK })
}
