//! From an action to the next state and the effects it asks for. No I/O, no clock, no terminal.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::work::{Asker, Event};

use super::key::Key;
use super::keys::{Command, Place, command_at};
use super::request::{Opening, Request};

use super::state::{Effect, State};
use super::wrap::line;
use super::{commands, events, help, questions, view};
use crate::session::Tone;

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Action {
    /// A key, and when it came.
    Key(Key, Instant),
    /// Text that was pasted.
    Paste(String),
    /// The terminal has another size now.
    Resize(u16, u16),
    /// A worker reports something, to whoever asked for it.
    Work(Asker, Event),
    /// The process goes on after an outside stop: paint all again.
    Continued,
}

/// When the last key came: keys that follow each other faster than a person presses them are pasted text that the
/// terminal did not mark as such, and must not give a consent.
#[derive(Debug, Default)]
pub struct Keyboard {
    last: Option<Instant>,
}

/// Nobody presses two keys within this time; pasted text comes at once.
const TOO_FAST: Duration = Duration::from_millis(50);
/// Characters of a paste that go into a text field.
const PASTE_MAX: usize = 4096;

const TOO_FAST_WORDS: &str = "That key came too fast for a person (pasted text?), so it did nothing. Press it again.";

impl Keyboard {
    fn is_too_fast(&mut self, at: Instant) -> bool {
        let last = self.last.replace(at);
        last.is_some_and(|last| at.saturating_duration_since(last) < TOO_FAST)
    }
}

/// Changes the state and says what to do. `now` is the time of the action.
pub fn update(state: &mut State, keyboard: &mut Keyboard, action: Action, now: Timestamp) -> Vec<Effect> {
    state.context.clock.now = now;
    let effects = match action {
        Action::Key(key, at) => {
            let is_too_fast = keyboard.is_too_fast(at);
            on_key(state, key, is_too_fast)
        }
        Action::Paste(text) => {
            on_paste(state, &text);
            Vec::new()
        }
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

/// Pasted text goes where text is typed, and means nothing elsewhere: its letters are no commands.
fn on_paste(state: &mut State, text: &str) {
    if !state.place().takes_text() {
        return;
    }
    let Some(window) = state.windows.top_mut() else { return };
    for character in text.chars().filter(|c| !c.is_control()).take(PASTE_MAX) {
        window.on_typed(character);
    }
}

fn on_key(state: &mut State, key: Key, is_too_fast: bool) -> Vec<Effect> {
    let place = state.place();
    // What is not seen is not decided: where the screen is too small to be drawn, a key can only leave, and only with
    // nothing to lose.
    if view::is_too_small(state.context.size) {
        let may = match command_at(place, key) {
            Some(Command::Repaint | Command::Suspend) => true,
            Some(Command::Quit) => state.context.unsaved() == 0 && state.saving.is_none(),
            _ => false,
        };
        if !may {
            return Vec::new();
        }
    }
    // A character where text is typed belongs to the text, whatever it does elsewhere.
    if let (Key::Char(character), true) = (key, place.takes_text()) {
        if let Some(window) = state.windows.top_mut() {
            window.on_typed(character);
        }
        return Vec::new();
    }
    command_at(place, key).map_or_else(Vec::new, |command| {
        if is_too_fast && place.decides() && !command.is_harmless() {
            state.context.status = Some(line(Tone::Caution, TOO_FAST_WORDS));
            return Vec::new();
        }
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
