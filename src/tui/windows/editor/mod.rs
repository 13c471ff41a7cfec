//! The editor of one variable: how it is opened from its row, and what keys do in it.

mod draw;
mod model;
mod naming;
mod outcome;
mod words;

use ratatui::layout::Rect;

use crate::session::{Line, Tone, VariableRow};
use crate::tls::{Direction, Preset, TlsVersion, check_ciphers};
use crate::tui::context::{Context, Typed};
use crate::tui::keys::{Command, Place};
use crate::tui::pane::Pane;
use crate::tui::request::{Opening, Request};
use crate::tui::widgets::list::turned;
use crate::tui::widgets::painter::Painter;
use crate::tui::widgets::text_line::TextLine;
use crate::tui::{variable_words, words as shared};

pub use model::Editor;
use model::{Field, Stop, Wish};

/// Enter on a row: its editor, or what to show in its place: a question, or all that is known of it.
pub fn open(direction: Direction, row: &VariableRow, context: &mut Context) -> Result<Editor, Opening> {
    let read_only = (row.known.is_some() || row.lookalike) && context.refuses_changes();
    if !read_only && row.lookalike && !row.duplicate {
        if let Some(question) = naming::question(context, direction, row) {
            return Err(Opening::Question(question));
        }
    } else if !read_only && let Some(mut editor) = Editor::open(&context.session, direction, row) {
        context.status = None;
        if let (Field::Ciphers { .. }, Some(typed)) = (&editor.field, &context.typed)
            && (typed.direction, typed.role) == (direction, editor.role)
        {
            editor.field = Field::ciphers(TextLine::new(&typed.text));
            context.report(Tone::Caution, words::TYPED_BACK);
        }
        return Ok(editor);
    }
    let (title, mut lines) = variable_words::about(row);
    lines.extend(variable_words::naming_lines(context, direction, row));
    Err(Opening::Text { title, lines })
}

impl Pane for Editor {
    fn place(&self) -> Place {
        if self.in_text() {
            Place::TextField
        } else {
            Place::Editor
        }
    }

    fn on(&mut self, command: Command, context: &mut Context) -> Vec<Request> {
        let in_text = self.in_text();
        let last = self.stops().len().saturating_sub(1);
        let page = usize::from(context.size.1 / 4).max(1);
        match command {
            Command::Back => return self.leave(context),
            Command::Activate => return self.enter(context),
            Command::Down | Command::Next | Command::Up | Command::Previous => {
                self.focus_on(turned(self.focus, command, last + 1).unwrap_or(self.focus));
            }
            Command::Toggle => self.toggle(context),
            Command::PageDown => self.scroll.0 += page,
            Command::PageUp => self.scroll.0 = self.scroll.0.saturating_sub(page),
            Command::First if !in_text => self.focus_on(0),
            Command::Last if !in_text => self.focus_on(last),
            _ => {
                if let (true, Field::Ciphers { line, .. }) = (in_text, &mut self.field)
                    && line.on(command)
                {
                    self.after_typing();
                }
            }
        }
        Vec::new()
    }

    fn on_typed(&mut self, character: char) {
        if let Field::Ciphers { line, .. } = &mut self.field {
            line.insert(character);
        }
        self.after_typing();
    }

    fn draw(&self, context: &Context, area: Rect, painter: &mut Painter<'_>) {
        draw::draw(self, self.place(), context, area, painter);
    }

    fn about(&self, context: &Context) -> Vec<Line> {
        variable_words::help(context, self.direction, &self.row)
    }

    fn is_unapplied(&self) -> bool {
        self.is_changed()
    }
}

impl Editor {
    fn focus_on(&mut self, stop: usize) {
        if stop != self.focus {
            self.focus = stop;
            self.scroll.0 = 0;
            self.refused = false;
        }
    }

    /// The text changed under the focus: the suggestions below it too.
    fn after_typing(&mut self) {
        if let Field::Ciphers { line, check } = &mut self.field {
            **check = check_ciphers(&line.text());
        }
        self.refused = false;
        self.scroll.0 = 0;
        self.go_to(&Stop::Text);
    }

    /// Esc: back without change. What was typed is kept aside.
    fn leave(&self, context: &mut Context) -> Vec<Request> {
        let changed = self.is_changed();
        match &self.field {
            Field::Ciphers { line, .. } if changed => {
                context.typed = Some(Typed {
                    direction: self.direction,
                    role: self.role,
                    text: line.text(),
                });
                context.report(Tone::Caution, words::KEPT);
            }
            Field::Ciphers { .. } => {
                context.typed = None;
                context.status = None;
            }
            _ if changed => context.report(Tone::Text, words::LEFT),
            _ => {}
        }
        vec![Request::Close]
    }

    /// Space: ticks, or fills in. Only Enter applies.
    fn toggle(&mut self, context: &mut Context) {
        let Stop::Protocol(version) = self.focused() else {
            if self.wish().is_none() {
                self.fill(context);
            }
            return;
        };
        self.refused = false;
        self.scroll.0 = 0;
        let Field::Protocols { ticked, .. } = &mut self.field else {
            return;
        };
        if !ticked.remove(&version) {
            if version < TlsVersion::Tls10 {
                context.report(Tone::Caution, words::OLD_SSL);
            } else {
                ticked.insert(version);
            }
        }
    }

    /// Enter: fills the field in, or applies it.
    fn enter(&mut self, context: &mut Context) -> Vec<Request> {
        let Some(wish) = self.wish() else {
            self.fill(context);
            return Vec::new();
        };
        match self.apply(&wish, &mut context.session) {
            Err(error) => {
                self.refused = true;
                self.scroll.0 = 0;
                context.report(Tone::Bad, error.to_string());
                Vec::new()
            }
            Ok(done) => {
                context.typed = None;
                let pairs = context.session.wanted().role_pairs(self.direction, self.role);
                let is_loaded = pairs == context.session.loaded().role_pairs(self.direction, self.role);
                let words = if is_loaded {
                    shared::AS_LOADED.to_owned()
                } else {
                    self.applied(&wish)
                };
                let mut requests = vec![Request::Close];
                requests.extend(context.changed(done, words));
                requests
            }
        }
    }

    /// Fills the text in from a preset or a suggestion; nothing is applied.
    fn fill(&mut self, context: &mut Context) {
        let stop = self.focused();
        let Field::Ciphers { line, .. } = &mut self.field else {
            return;
        };
        match stop {
            Stop::Fix(start, end, meant) => {
                line.replace(start, end, meant);
            }
            Stop::Preset(index) => match Preset::ALL.get(index).and_then(Preset::ciphers_for_openssl_3) {
                Some(ciphers) => *line = TextLine::new(&ciphers),
                None => {
                    self.go_to(&Stop::Default);
                    self.scroll.0 = 0;
                    context.report(Tone::Text, words::NO_STRING);
                    return;
                }
            },
            _ => return,
        }
        self.after_typing();
        context.report(Tone::Text, words::FILLED);
    }

    fn applied(&self, wish: &Wish) -> String {
        let what = words::title(self);
        match wish {
            Wish::Delete => shared::deleted(&what),
            Wish::Protocols(_) | Wish::Value(_) => format!("{what}: not written yet; F6 reviews and saves."),
        }
    }
}
