//! From an action to the next state and the effects it asks for. No I/O, no clock, no terminal.

use std::time::Instant;

use jiff::Timestamp;

use crate::work::{Asker, Event};

use super::key::{Key, TornEscape};
use super::keys::{Command, Place, command_at};
use super::request::{Opening, Request};
use super::state::{Effect, State};
use super::{commands, events, help, questions};

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Action {
    /// A key, and when it came.
    Key(Key, Instant),
    /// The terminal has another size now.
    Resize(u16, u16),
    /// A worker reports something, to whoever asked for it.
    Work(Asker, Event),
    /// The process goes on after an outside stop: paint all again.
    Continued,
}

/// Takes keys to commands: holds what a torn escape sequence needs to know.
#[derive(Debug, Default)]
pub struct Keyboard {
    torn: TornEscape,
}

/// Changes the state and says what to do. `now` is the time of the action.
pub fn update(state: &mut State, keyboard: &mut Keyboard, action: Action, now: Timestamp) -> Vec<Effect> {
    state.context.clock.now = now;
    let effects = match action {
        Action::Key(key, at) if keyboard.torn.keep(key, at) => on_key(state, key),
        Action::Key(..) => Vec::new(),
        Action::Resize(width, height) => {
            state.context.size = (width, height);
            Vec::new()
        }
        Action::Continued => vec![Effect::Repaint],
        Action::Work(asker, event) => events::on_event(state, asker, event),
    };
    state.settle();
    effects
}

fn on_key(state: &mut State, key: Key) -> Vec<Effect> {
    let place = state.place();
    // A character where text is typed belongs to the text, whatever it does elsewhere.
    if let (Key::Char(character), true) = (key, place.takes_text()) {
        if let Some(window) = state.windows.top_mut() {
            window.on_typed(character);
        }
        return Vec::new();
    }
    command_at(place, key).map_or_else(Vec::new, |command| {
        // News holds until the next key.
        state.context.status = None;
        let requests = on_command(state, command);
        state.carry(requests)
    })
}

fn on_command(state: &mut State, command: Command) -> Vec<Request> {
    let context = &mut state.context;
    match (command, &mut state.saving) {
        (Command::Repaint, _) => return vec![Request::Repaint],
        (_, Some(saving)) => return super::pane::Pane::on(saving, command, context),
        (Command::Suspend, None) => return vec![Request::Suspend],
        (Command::Quit, None) => return quit(state),
        (Command::Help, None) => {
            let pane = state.pane();
            return vec![Request::Open(Opening::Text {
                title: help::TITLE.to_owned(),
                lines: help::lines(pane.about(&state.context), pane.place()),
            })];
        }
        _ => {}
    }
    match state.windows.top_mut() {
        Some(window) => window.on(command, context),
        None => commands::on(command, context).unwrap_or_else(|| state.tabs.pane_mut().on(command, context)),
    }
}

fn quit(state: &State) -> Vec<Request> {
    let pane = state.pane();
    let changes = state.context.unsaved();
    let question = if pane.is_unapplied() {
        questions::quit_unapplied(changes)
    } else if changes == 0 {
        return vec![Request::Quit];
    } else if pane.place() == Place::Question {
        return Vec::new();
    } else {
        questions::quit(changes)
    };
    vec![Request::Open(Opening::Question(question))]
}
