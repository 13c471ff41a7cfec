//! From an action to the next state and the effects it asks for. No I/O, no clock, no terminal.

use std::time::Instant;

use jiff::Timestamp;

use crate::session::Tone;
use crate::work::{self, Event};

use super::key::{Key, TornEscape};
use super::keys::{Command, command_at};
use super::overlay::Overlay;
use super::state::State;
use super::{editor_keys, text};

mod events;
mod form;
mod lists;
mod overlays;
mod review;

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Action {
    /// A key, and when it came.
    Key(Key, Instant),
    /// The terminal has another size now.
    Resize(u16, u16),
    /// A worker says something.
    Work(Event),
    /// The process goes on after an outside stop: paint all again.
    Continued,
}

/// Something to be done, by the loop or by the workers.
#[derive(Debug, Clone)]
pub enum Effect {
    /// By the workers.
    Work(work::Effect),
    /// Give the terminal back and stop until `fg`.
    Suspend,
    /// Paint everything.
    Repaint,
    /// Leave.
    Quit,
}

/// Takes keys to commands: holds what a torn escape sequence needs to know.
#[derive(Debug, Default)]
pub struct Keyboard {
    torn: TornEscape,
}

/// Changes the state and says what to do. `now` is the time of the action.
pub fn update(state: &mut State, keyboard: &mut Keyboard, action: Action, now: Timestamp) -> Vec<Effect> {
    state.clock.now = now;
    match action {
        Action::Key(key, at) => {
            if !keyboard.torn.keep(key, at) {
                return Vec::new();
            }
            let place = state.place();
            if editor_keys::typed(state, place, key) {
                return Vec::new();
            }
            command_at(place, key).map_or_else(Vec::new, |command| on_command(state, command))
        }
        Action::Resize(width, height) => {
            state.size = (width, height);
            Vec::new()
        }
        Action::Continued => vec![Effect::Repaint],
        Action::Work(event) => events::on_event(state, event),
    }
}

fn on_command(state: &mut State, command: Command) -> Vec<Effect> {
    // News holds until the next key.
    state.status = None;
    match command {
        Command::Repaint => return vec![Effect::Repaint],
        Command::Suspend => return vec![Effect::Suspend],
        Command::Quit if editor_keys::asks_before_quit(state) => return Vec::new(),
        Command::Quit => return overlays::on_quit(state),
        Command::Help => {
            let lines = text::help(state);
            state.overlays.push(Overlay::Reader {
                title: text::HELP_TITLE.to_owned(),
                lines,
                scroll: 0,
            });
            return Vec::new();
        }
        _ => {}
    }
    match state.overlays.last() {
        Some(Overlay::DropDown { .. }) => form::on_drop_down(state, command),
        Some(Overlay::Editor(_)) => editor_keys::on_editor(state, command),
        Some(Overlay::Find(_)) => editor_keys::on_find(state, command),
        Some(Overlay::Reader { .. }) => overlays::on_reader(state, command),
        Some(Overlay::Review(_)) => review::on_review(state, command),
        Some(Overlay::Question(_)) => overlays::on_question(state, command),
        Some(Overlay::Saving { cancellable, .. }) => {
            if command == Command::Cancel && *cancellable {
                vec![Effect::Work(work::Effect::CancelSave)]
            } else {
                Vec::new()
            }
        }
        None => form::on_form(state, command),
    }
}

/// After the draft may have changed: the words, and the draft on disk.
pub(super) fn changed(state: &mut State, done: bool, words: &str) -> Vec<Effect> {
    state.status = Some(text::line(Tone::Text, words));
    if !done {
        return Vec::new();
    }
    let edits = state.session.edits();
    let effect = if edits.is_empty() {
        work::Effect::DropDraft
    } else {
        work::Effect::KeepDraft(edits)
    };
    vec![Effect::Work(effect)]
}

/// Rows that a page moves; what the views show is never fewer.
fn page(state: &State) -> isize {
    isize::try_from(state.size.1.saturating_sub(10).max(3)).unwrap_or(3)
}

fn scrolled(scroll: usize, command: Command, page: isize, lines: usize) -> usize {
    let by = match command {
        Command::Up => -1,
        Command::Down => 1,
        Command::PageUp => -page,
        Command::PageDown => page,
        Command::First => isize::MIN,
        Command::Last => isize::MAX,
        _ => 0,
    };
    scroll.saturating_add_signed(by).min(lines.saturating_sub(1))
}
