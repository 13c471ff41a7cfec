//! What keys do in an editor, and how one is opened from its row.

use crate::session::{Line, Tone, VariableRow, variable_rows};
use crate::tls::{Direction, Preset, Role, TlsVersion, check_ciphers};
use crate::work;

use super::editor::{Editor, Field, Stop, Wish};
use super::editor_line::TextLine;
use super::key::Key;
use super::keys::{Command, Place};
use super::overlay::Overlay;
use super::state::State;
use super::update::{Effect, changed};
use super::{detail, editor_text, find, naming_text, text};

/// A text that was typed and not applied, so that a stray Esc loses nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    direction: Direction,
    role: Role,
    text: String,
}

fn say(state: &mut State, tone: Tone, words: impl Into<String>) {
    state.status = Some(text::line(tone, words.into()));
}

/// Enter on a row: its editor, a question, or all that is known of it.
pub(super) fn open(state: &mut State, row: &VariableRow) -> Vec<Effect> {
    let direction = state.tab_direction();
    if let (Some(why), true) = (&state.read_only, row.known.is_some() || row.lookalike) {
        state.status = Some(text::line(Tone::Caution, text::cannot_change(why)));
    } else if row.lookalike && !row.duplicate {
        if let Some(question) = naming_text::naming_question(state, direction, row) {
            state.overlays.push(Overlay::Question(question));
            return Vec::new();
        }
    } else if let Some(mut editor) = Editor::open(&state.session, direction, row) {
        state.status = None;
        if let (Field::Ciphers { .. }, Some(typed)) = (&editor.field, &state.typed)
            && (typed.direction, typed.role) == (direction, editor.role)
        {
            editor.field = Field::ciphers(TextLine::new(&typed.text));
            say(state, Tone::Caution, editor_text::TYPED_BACK);
        }
        state.overlays.push(Overlay::Editor(Box::new(editor)));
        return Vec::new();
    }
    let (title, mut lines) = detail::variable(row);
    lines.extend(naming_text::naming_lines(state, direction, row));
    state.overlays.push(Overlay::Reader {
        title,
        lines,
        scroll: 0,
    });
    Vec::new()
}

/// A character where text is typed belongs to the text, whatever it does elsewhere. `false`: it is no such key or place.
pub(super) fn typed(state: &mut State, place: Place, key: Key) -> bool {
    let Key::Char(character) = key else { return false };
    if !place.takes_text() {
        return false;
    }
    match state.overlays.last_mut() {
        Some(Overlay::Editor(editor)) => {
            if let Field::Ciphers { line, .. } = &mut editor.field {
                line.insert(character);
            }
            after_typing(editor);
        }
        Some(Overlay::Find(find)) => find.typed(character),
        _ => {}
    }
    true
}

/// The text changed under the focus: the suggestions below it too.
fn after_typing(editor: &mut Editor) {
    if let Field::Ciphers { line, check } = &mut editor.field {
        **check = check_ciphers(&line.text());
    }
    editor.refused = false;
    editor.scroll = 0;
    editor.go_to(&Stop::Text);
}

pub(super) fn on_editor(state: &mut State, command: Command) -> Vec<Effect> {
    let size = state.size;
    let Some(Overlay::Editor(editor)) = state.overlays.last_mut() else {
        return Vec::new();
    };
    let in_text = editor.in_text();
    let count = editor.stops().len();
    let before = editor.focus;
    match command {
        Command::Back => return leave(state),
        Command::Activate => return enter(state),
        Command::Down | Command::Next => editor.focus = (editor.focus + 1) % count.max(1),
        Command::Up | Command::Previous => editor.focus = (editor.focus + count - 1) % count.max(1),
        Command::Toggle => return toggle(state),
        Command::PageDown => editor.scroll += usize::from(size.1 / 4).max(1),
        Command::PageUp => editor.scroll = editor.scroll.saturating_sub(usize::from(size.1 / 4).max(1)),
        Command::First if !in_text => editor.focus = 0,
        Command::Last if !in_text => editor.focus = count.saturating_sub(1),
        _ => {
            if let (true, Field::Ciphers { line, .. }) = (in_text, &mut editor.field) {
                edit_line(line, command);
                if matches!(command, Command::Delete | Command::Backspace | Command::Clear) {
                    after_typing(editor);
                }
            }
        }
    }
    if editor.focus != before {
        editor.scroll = 0;
        editor.refused = false;
    }
    Vec::new()
}

/// What keys that are no characters do to a line.
pub(super) fn edit_line(line: &mut TextLine, command: Command) {
    match command {
        Command::Left => line.left(),
        Command::Right => line.right(),
        Command::First => line.home(),
        Command::Last => line.end(),
        Command::Delete => line.delete(),
        Command::Backspace => line.backspace(),
        Command::Clear => line.clear(),
        _ => {}
    }
}

/// Esc: back without change. What was typed is kept aside.
fn leave(state: &mut State) -> Vec<Effect> {
    let Some(Overlay::Editor(editor)) = state.overlays.pop() else {
        return Vec::new();
    };
    let changed = editor.is_changed();
    match &editor.field {
        Field::Ciphers { line, .. } if changed => {
            state.typed = Some(Typed {
                direction: editor.direction,
                role: editor.role,
                text: line.text(),
            });
            say(state, Tone::Caution, editor_text::KEPT);
        }
        Field::Ciphers { .. } => {
            state.typed = None;
            state.status = None;
        }
        _ if changed => say(state, Tone::Text, editor_text::LEFT),
        _ => {}
    }
    Vec::new()
}

fn toggle(state: &mut State) -> Vec<Effect> {
    let Some(Overlay::Editor(editor)) = state.overlays.last_mut() else {
        return Vec::new();
    };
    if let Stop::Protocol(version) = editor.focused() {
        let mut refused = false;
        if let Field::Protocols { ticked, .. } = &mut editor.field
            && !ticked.remove(&version)
        {
            refused = version < TlsVersion::Tls10;
            if !refused {
                ticked.insert(version);
            }
        }
        editor.refused = false;
        editor.scroll = 0;
        if refused {
            say(state, Tone::Caution, editor_text::OLD_SSL);
        }
        return Vec::new();
    }
    // Space fills in, but only Enter applies.
    if editor.wish().is_none() {
        return enter(state);
    }
    Vec::new()
}

/// Enter: fills the field in, or applies it.
fn enter(state: &mut State) -> Vec<Effect> {
    let Some(Overlay::Editor(editor)) = state.overlays.last_mut() else {
        return Vec::new();
    };
    let Some(wish) = editor.wish() else {
        let words = fill(editor);
        say(state, Tone::Text, words);
        return Vec::new();
    };
    match editor.apply(&wish, &mut state.session) {
        Err(error) => {
            editor.refused = true;
            editor.scroll = 0;
            say(state, Tone::Bad, error.to_string());
            Vec::new()
        }
        Ok(done) => {
            let words = applied(editor, &wish);
            let role = editor.role;
            let direction = editor.direction;
            state.overlays.pop();
            state.typed = None;
            state.count();
            let dirty = state
                .session
                .wanted()
                .role_pairs(direction, role)
                .ne(&state.session.loaded().role_pairs(direction, role));
            changed(state, done, if dirty { &words } else { text::AS_LOADED })
        }
    }
}

/// Fills the text in from a preset or a suggestion; nothing is applied.
fn fill(editor: &mut Editor) -> &'static str {
    let stop = editor.focused();
    let Field::Ciphers { line, .. } = &mut editor.field else {
        return "";
    };
    match stop {
        Stop::Fix(start, end, meant) => {
            line.replace(start, end, meant);
        }
        Stop::Preset(index) => match Preset::ALL.get(index).and_then(Preset::ciphers_for_openssl_3) {
            Some(ciphers) => *line = TextLine::new(&ciphers),
            None => {
                editor.go_to(&Stop::Default);
                editor.scroll = 0;
                return editor_text::NO_STRING;
            }
        },
        _ => return "",
    }
    after_typing(editor);
    editor_text::FILLED
}

fn applied(editor: &Editor, wish: &Wish) -> String {
    let what = editor_text::title(editor);
    match wish {
        Wish::Delete => format!("{what} will be deleted: the server's default holds then. Not written yet."),
        Wish::Protocols(_) | Wish::Value(_) => format!("{what}: not written yet; F6 reviews and saves."),
    }
}

/// The user has said what a variable is for.
pub(super) fn name(state: &mut State, direction: Direction, name: String, role: Role) -> Vec<Effect> {
    state.session.confirm(direction, &name, role);
    state.count();
    // Its row moved up among the roles; the mark goes with it.
    let rows = variable_rows(&state.session, direction);
    let at = rows
        .iter()
        .position(|row| row.path.as_ref().is_some_and(|path| path.variable == name));
    if let Some(at) = at {
        state.select(at);
    }
    say(state, Tone::Text, naming_text::named(&name, role));
    vec![Effect::Work(work::Effect::NameVariable { direction, name, role })]
}

/// A name could not be kept: what to add by hand.
pub(super) fn not_kept(state: &mut State, why: &str, snippet: &str) {
    let mut lines: Vec<Line> = vec![
        text::line(Tone::Caution, why),
        text::line(
            Tone::Text,
            "It counts until you leave. To make it last, add this to the file by hand:",
        ),
    ];
    lines.extend(naming_text::snippet(snippet));
    state.overlays.push(Overlay::Reader {
        title: "The name is not kept".to_owned(),
        lines,
        scroll: 0,
    });
}

/// Quit in an editor that holds something unapplied: asks. `false`: nothing would be lost here.
pub(super) fn asks_before_quit(state: &mut State) -> bool {
    let unapplied = matches!(state.overlays.last(), Some(Overlay::Editor(editor)) if editor.is_changed());
    if unapplied {
        let edits = state.session.edits().edits().len();
        state
            .overlays
            .push(Overlay::Question(editor_text::quit_question(edits)));
    }
    unapplied
}

/// Keys of the search.
pub(super) fn on_find(state: &mut State, command: Command) -> Vec<Effect> {
    find::on_command(state, command);
    Vec::new()
}
