//! The names of variables: which plays which role in which table, how sure that is, and which other names the engine's program
//! holds. A role can be given another name here: one of those, or one that is typed.

use ratatui::layout::Rect;

use crate::hostile::safe_path;
use crate::session::{Line, Naming, Tone};
use crate::tls::{Candidate, CatalogueVariable, Direction};
use crate::tui::context::Context;
use crate::tui::keys::{Command, Place};
use crate::tui::layout::{self, NARROW};
use crate::tui::pane::Pane;
use crate::tui::questions;
use crate::tui::request::{Opening, Question, Request};
use crate::tui::widgets::list;
use crate::tui::widgets::painter::Painter;
use crate::tui::widgets::text_line::TextLine;
use crate::tui::wrap::{cut, cut_front, indented, line};

const TITLE: &str = "Names of variables";
const PROMPT: &str = "Name: ";
const NO_NAME: &str = "No name is known for it.";
const NOT_READ: &str = "The engine's program was not read yet.";
const NO_PROGRAM: &str = "There is no engine's program beside the file.";
const TYPE_IT: &str = "Type the name, or mark one below.";
const NONE_HELD: &str = "The program holds no other name of this kind.";
const NONE_WITH_IT: &str = "The program holds no other name with these letters.";
const TYPE_UNTOLD: &str = "Type the name: no program has told any.";
const ABOUT: &str = "Each role of both tables with the name that is written for it. The engine's own program, beside the file, is read (and \
    never run): what it does not hold would most likely do nothing. Names that only look like one are candidates: nothing \
    is written with them before you say which it is. What you say is kept in kerio-tls.toml.";

/// The open window.
#[derive(Debug, Clone)]
pub struct Names {
    /// The table it was opened from stands first.
    first: Direction,
    selected: usize,
    /// A name is being given to the marked role.
    giving: Option<Giving>,
}

/// A name that is being typed or picked.
#[derive(Debug, Clone, Default)]
struct Giving {
    typed: TextLine,
    /// The marked candidate; `None`: what was typed counts.
    marked: Option<usize>,
}

impl Names {
    /// Opens it at a direction's table.
    pub const fn new(first: Direction) -> Self {
        Self {
            first,
            selected: 0,
            giving: None,
        }
    }

    fn rows<'a>(&self, context: &'a Context) -> Vec<&'a CatalogueVariable> {
        let other = if self.first == Direction::Inbound {
            Direction::Outbound
        } else {
            Direction::Inbound
        };
        let catalogue = context.session.catalogue();
        catalogue.rows(self.first).chain(catalogue.rows(other)).collect()
    }

    fn marked<'a>(&self, context: &'a Context) -> Option<&'a CatalogueVariable> {
        let rows = self.rows(context);
        rows.get(self.selected.min(rows.len().saturating_sub(1))).copied()
    }

    /// Enter where a name is given: a question, which only its yes makes true.
    fn take(&self, context: &mut Context) -> Vec<Request> {
        let (Some(giving), Some(row)) = (&self.giving, self.marked(context)) else {
            return Vec::new();
        };
        let (direction, role) = (row.direction, row.role);
        let candidates = candidates(context, row, &giving.typed.text());
        let picked = giving
            .marked
            .and_then(|at| candidates.get(at.min(candidates.len().saturating_sub(1))));
        if picked.is_some_and(|candidate| candidate.cut) {
            context.report(
                Tone::Caution,
                "Only its first 16 letters can be seen: type the whole name if you know it.",
            );
            return Vec::new();
        }
        let name = picked.map_or_else(|| giving.typed.text(), |candidate| candidate.name.clone());
        if name.is_empty() {
            context.report(Tone::Text, TYPE_IT);
            return Vec::new();
        }
        if context.refuses_changes() {
            return Vec::new();
        }
        match Naming::new(&context.session, direction, role, &name) {
            Err(why) => {
                context.report(Tone::Bad, why);
                Vec::new()
            }
            Ok(naming) => {
                let doubts = naming.doubts(&context.session).into_iter();
                let mut lines: Vec<Line> = doubts
                    .map(|words| indented(Tone::Caution, format!("! {words}"), 2))
                    .collect();
                lines.insert(0, line(Tone::Text, naming.question()));
                let words = format!(
                    "It is noted in {}; nothing is written to mailserver.cfg.",
                    context.preferences
                );
                lines.push(line(Tone::Text, words));
                let name = Request::Name {
                    direction,
                    name: naming.name,
                    role,
                };
                vec![Request::Open(Opening::Question(Question {
                    title: "What is this variable?".to_owned(),
                    lines,
                    buttons: vec![
                        ("No, leave it".to_owned(), Vec::new()),
                        (format!("Yes, it is the {role}"), vec![Request::Close, name]),
                    ],
                }))]
            }
        }
    }

    fn details(&self, context: &Context) -> Vec<Line> {
        let Some(row) = self.marked(context) else {
            return Vec::new();
        };
        let mut lines = vec![line(Tone::Heading, format!("{}: {}", row.direction.table(), row.title))];
        lines.push(match &row.name {
            None => line(Tone::Caution, NO_NAME),
            Some(name) => {
                let tone = if row.name_sure.is_doubtful() {
                    Tone::Caution
                } else {
                    Tone::Text
                };
                let since = context
                    .names
                    .as_ref()
                    .and_then(|names| names.since(row.direction, name));
                let since = since.map_or_else(String::new, |at| format!(" ({})", context.clock.dated(at)));
                line(tone, format!("{name}: the name is {}{since}.", row.name_sure.words()))
            }
        });
        let found: Vec<String> = context
            .session
            .catalogue()
            .candidates_for(row.role)
            .take(4)
            .map(|candidate| candidate.name.clone())
            .collect();
        if !found.is_empty() {
            lines.push(line(Tone::Text, format!("It may be called: {}", found.join(", "))));
        }
        lines.push(line(Tone::Text, engine_words(context)));
        lines
    }

    fn draw_rows(&self, context: &Context, area: Rect, painter: &mut Painter<'_>) {
        let theme = painter.theme;
        let narrow = area.width < NARROW - 6;
        let rows = self.rows(context);
        for (y, row, is_marked) in list::in_sight(&rows, self.selected, area.height) {
            let table = if narrow {
                row.direction.table().chars().take(2).collect()
            } else {
                row.direction.table().to_owned()
            };
            let (role_at, name_at) = if narrow { (3, 19) } else { (14, 38) };
            painter.text(area, 0, y, &table, theme.text());
            let role = cut(
                &row.role.to_string(),
                usize::from(name_at - role_at - 1),
                theme.ellipsis(),
            );
            painter.text(area, role_at, y, &role, theme.text());
            let label = match &row.name {
                Some(_) => row.name_sure.label(),
                None => "no name",
            };
            let end = area.width.saturating_sub(if narrow { 0 } else { 11 });
            let name = row.name.as_deref().unwrap_or(if narrow { "(no name)" } else { "" });
            let name = cut(name, usize::from(end.saturating_sub(name_at)), theme.ellipsis());
            painter.text(area, name_at, y, &name, theme.text());
            if !narrow {
                painter.text_right(area, area.width, y, label, theme.caution());
            }
            if is_marked {
                painter.mark(area, 0, y, name_at.saturating_sub(1));
                painter.point(area, role_at, y);
            }
        }
    }

    fn draw_giving(giving: &Giving, row: &CatalogueVariable, context: &Context, area: Rect, painter: &mut Painter<'_>) {
        let theme = painter.theme;
        painter.text(
            area,
            0,
            0,
            &format!("{}: {}", row.direction.table(), row.title),
            theme.heading(),
        );
        let typed = giving.typed.text();
        let before: String = typed.chars().take(giving.typed.cursor()).collect();
        let after: String = typed.chars().skip(giving.typed.cursor()).collect();
        let room = usize::from(area.width).saturating_sub(PROMPT.len() + 1);
        let x = painter.text(area, 0, 1, PROMPT, theme.key());
        let x = painter.text(area, x, 1, &cut_front(&before, room, theme.ellipsis()), theme.text());
        painter.text(area, x, 1, &after, theme.text());
        painter.point(area, x, 1);
        let below = layout::below(area, 3);
        let found = candidates(context, row, &typed);
        let words = context.status.as_ref().map_or_else(
            || hint(context, &typed, !found.is_empty()),
            |status| status.text.as_str(),
        );
        painter.text(
            area,
            0,
            2,
            &cut(words, usize::from(area.width), theme.ellipsis()),
            theme.caution(),
        );
        let at = giving.marked.unwrap_or(0);
        for (y, candidate, is_at) in list::in_sight(&found, at, below.height) {
            let goes_on = if candidate.cut { "..." } else { "" };
            let offers = if candidate.values.is_empty() {
                String::new()
            } else {
                format!(", offers {}", candidate.values.join(" "))
            };
            let words = format!("{}{goes_on}  ({}{offers})", candidate.name, candidate.place);
            painter.text(
                below,
                0,
                y,
                &cut(&words, usize::from(below.width), theme.ellipsis()),
                theme.text(),
            );
            if is_at && giving.marked.is_some() {
                painter.mark(below, 0, y, below.width);
            }
        }
    }
}

impl Pane for Names {
    fn place(&self) -> Place {
        if self.giving.is_some() {
            Place::NameField
        } else {
            Place::Names
        }
    }

    fn on(&mut self, command: Command, context: &mut Context) -> Vec<Request> {
        let page = layout::page(context.size);
        if command == Command::Activate && self.giving.is_some() {
            return self.take(context);
        }
        let count = self.rows(context).len();
        let Some(row) = self.marked(context) else {
            return vec![Request::Close];
        };
        let Some(giving) = &mut self.giving else {
            match command {
                Command::Back => return vec![Request::Close],
                Command::Learn => return vec![Request::Open(Opening::Question(questions::ask_what_to_learn()))],
                Command::Activate => self.giving = Some(Giving::default()),
                _ => self.selected = list::moved(self.selected, command, page, count).unwrap_or(self.selected),
            }
            return Vec::new();
        };
        let found = candidates(context, row, &giving.typed.text()).len();
        match (command, giving.marked) {
            (Command::Back, _) => self.giving = None,
            (Command::Up, Some(0)) => giving.marked = None,
            (Command::Down | Command::PageDown, None) => giving.marked = (found > 0).then_some(0),
            (Command::Up | Command::Down | Command::PageUp | Command::PageDown, Some(at)) => {
                giving.marked = list::moved(at, command, page, found);
            }
            _ => {
                if giving.typed.on(command) {
                    giving.marked = None;
                }
            }
        }
        Vec::new()
    }

    fn on_typed(&mut self, character: char) {
        if let Some(giving) = &mut self.giving {
            giving.typed.insert(character);
            giving.marked = None;
        }
    }

    fn draw(&self, context: &Context, area: Rect, painter: &mut Painter<'_>) {
        let size = (area.width, area.height);
        let inside = painter.centred(area, layout::reader_width(size), layout::reader_height(size), TITLE);
        if let (Some(giving), Some(row)) = (&self.giving, self.marked(context)) {
            Self::draw_giving(giving, row, context, inside, painter);
        } else {
            let details = inside.height / 2;
            let rows = Rect {
                height: inside.height - details,
                ..inside
            };
            self.draw_rows(context, rows, painter);
            let (all, visible) = (self.rows(context).len(), usize::from(rows.height));
            let below = all.saturating_sub(list::first_row(self.selected.min(all), visible, all) + visible);
            if below > 0 {
                let style = painter.theme.key();
                painter.text_right(inside, inside.width, rows.height, &format!("{below} more below"), style);
            }
            painter.lines(layout::below(inside, rows.height + 1), &self.details(context), 0);
        }
        painter.foot(area, self.place(), None);
    }

    fn about(&self, context: &Context) -> Vec<Line> {
        let mut lines = self.details(context);
        lines.push(line(Tone::Text, ""));
        lines.push(line(Tone::Text, ABOUT));
        lines
    }
}

/// Those for the role first, then the others; all that hold what was typed.
fn candidates<'a>(context: &'a Context, row: &CatalogueVariable, typed: &str) -> Vec<&'a Candidate> {
    let typed = typed.to_ascii_lowercase();
    let catalogue = context.session.catalogue();
    let others = catalogue
        .candidates()
        .iter()
        .filter(|candidate| candidate.role != Some(row.role));
    let all = catalogue.candidates_for(row.role).chain(others);
    all.filter(|candidate| candidate.name.to_ascii_lowercase().contains(&typed))
        .collect()
}

/// What to do where a name is given. Nothing is said of a program that was not read.
fn hint(context: &Context, typed: &str, any: bool) -> &'static str {
    let told = context.names.as_ref().map(|names| &names.engine);
    match told.is_some_and(|engine| engine.path.is_some() && engine.silent.is_none()) {
        _ if any => TYPE_IT,
        false => TYPE_UNTOLD,
        true if typed.is_empty() => NONE_HELD,
        true => NONE_WITH_IT,
    }
}

/// What the engine's program tells.
fn engine_words(context: &Context) -> String {
    let Some(names) = &context.names else {
        return NOT_READ.to_owned();
    };
    let Some(program) = &names.engine.path else {
        return NO_PROGRAM.to_owned();
    };
    let openssl = names
        .engine
        .openssl
        .as_ref()
        .map_or_else(String::new, |line| format!(" ({line})"));
    match &names.engine.silent {
        Some(why) => format!("{} tells nothing of names: {why}.", safe_path(program)),
        None => format!("Read: {}{openssl}.", safe_path(program)),
    }
}
