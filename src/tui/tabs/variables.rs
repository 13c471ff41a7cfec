//! The tabs Inbound and Outbound: every variable of a direction's table, with help for the marked one.

use ratatui::layout::Rect;

use crate::session::{Line, Tone, VariableRow, variable_rows};
use crate::tls::Direction;
use crate::tui::context::Context;
use crate::tui::keys::{Command, Place};
use crate::tui::layout::{self, NARROW, WIDE};
use crate::tui::pane::Pane;
use crate::tui::request::{Opening, Request};
use crate::tui::widgets::list;
use crate::tui::widgets::painter::Painter;
use crate::tui::wrap::{cut, line};
use crate::tui::{variable_words, words};

const ABOUT: &str = "Every variable of the table. What the catalogue knows has an editor (Enter), and goes back to \
    the server's default by deleting it; everything else is shown as it is. Names marked 'assumed' are our best \
    reading and not in the vendor's public text.";
const NO_NAME: &str = "The name of its variable is not public; Enter says how to give it.";

/// The tab of a direction: which row is marked.
#[derive(Debug, Clone)]
pub struct Variables {
    direction: Direction,
    pub(super) selected: usize,
}

impl Variables {
    /// The tab of a direction.
    pub fn new(direction: Direction) -> Self {
        Self { direction, selected: 0 }
    }

    fn rows(&self, context: &Context) -> Vec<VariableRow> {
        variable_rows(&context.session, self.direction)
    }

    fn marked(&self, mut rows: Vec<VariableRow>) -> Option<VariableRow> {
        let last = rows.len().checked_sub(1)?;
        Some(rows.swap_remove(self.selected.min(last)))
    }
}

impl Pane for Variables {
    fn place(&self) -> Place {
        Place::Variables
    }

    fn on(&mut self, command: Command, context: &mut Context) -> Vec<Request> {
        if let Some(turn) = Request::turn_tab(command) {
            return vec![turn];
        }
        let rows = self.rows(context);
        let page = layout::page(context.size);
        if let Some(selected) = list::moved(self.selected, command, page, rows.len()) {
            self.selected = selected;
            return Vec::new();
        }
        let Some(row) = self.marked(rows) else {
            return Vec::new();
        };
        match command {
            Command::Activate => vec![Request::Open(Opening::Variable(self.direction, Box::new(row)))],
            Command::Revert => {
                // A row without a name cannot have been changed.
                let done = row.path.is_some_and(|path| context.session.revert_variable(&path));
                context.changed(done, words::reverted(done))
            }
            Command::Names => vec![Request::Open(Opening::Names(self.direction))],
            Command::Delete => delete(&row, context),
            _ => Vec::new(),
        }
    }

    fn draw(&self, context: &Context, area: Rect, painter: &mut Painter<'_>) {
        let rows = self.rows(context);
        let (list, help) = split(area);
        let heading = format!("Table {} of mailserver.cfg", self.direction.table());
        painter.text(list, 2, 0, &heading, painter.theme.heading());
        let list = layout::below(list, 1);
        for (y, row, is_marked) in list::in_sight(&rows, self.selected, list.height) {
            draw_row(row, list, y, painter);
            if is_marked {
                // The name only: a whole row is written twice with each move, and the help below changes too.
                painter.mark(list, 1, y, name_width(list) + 2);
                painter.point(list, 2, y);
            }
        }
        if let Some(row) = self.marked(rows) {
            let mut lines = self.help(&row, context);
            if area.width >= WIDE {
                lines.push(line(Tone::Text, ""));
                lines.extend(variable_words::facts(&row));
            }
            painter.lines(help, &lines, 0);
        }
    }

    fn about(&self, context: &Context) -> Vec<Line> {
        let mut lines = self
            .marked(self.rows(context))
            .map_or_else(Vec::new, |row| variable_words::help(context, self.direction, &row));
        lines.push(line(Tone::Text, ABOUT));
        lines
    }
}

impl Variables {
    /// What stands below or beside the list for the marked row.
    fn help(&self, row: &VariableRow, context: &Context) -> Vec<Line> {
        let Some(known) = &row.known else {
            let why = variable_words::not_deletable(row);
            return why
                .map(|why| line(Tone::Text, format!("Read-only: {why}.")))
                .into_iter()
                .collect();
        };
        let mut lines = vec![line(Tone::Heading, known.title.clone())];
        lines.extend(variable_words::row_advice(context, self.direction, row));
        let name = match &row.path {
            Some(_) => format!("The name is {}.", known.name_sure.words()),
            None => NO_NAME.to_owned(),
        };
        lines.push(line(Tone::Text, name));
        lines.push(line(Tone::Text, known.help.clone()));
        lines
    }
}

fn delete(row: &VariableRow, context: &mut Context) -> Vec<Request> {
    if let Some(why) = variable_words::not_deletable(row) {
        context.report(Tone::Caution, why);
    } else if let Some(path) = row.path.clone()
        && !context.refuses_changes()
    {
        let deleted = words::deleted(&path.to_string());
        let done = context.session.want(path, None);
        return context.changed(done, if done { &deleted } else { words::AS_LOADED });
    }
    Vec::new()
}

/// Splits the body into list and help: help lies below, on a wide screen beside.
fn split(area: Rect) -> (Rect, Rect) {
    let (list, beside) = list::side_by_side(area);
    if let Some(beside) = beside {
        return (list, beside);
    }
    let help = match area.height {
        24.. => 9,
        14.. => 5,
        _ => 3,
    };
    let list = Rect {
        height: area.height.saturating_sub(help),
        ..list
    };
    let help = Rect {
        x: area.x + 2,
        width: area.width.saturating_sub(4),
        y: list.bottom(),
        height: help.min(area.height),
    };
    (list, help)
}

/// Columns for the name of a variable.
fn name_width(area: Rect) -> u16 {
    if area.width < NARROW {
        20
    } else {
        26 + area.width.saturating_sub(80) / 2
    }
}

fn draw_row(row: &VariableRow, area: Rect, y: u16, painter: &mut Painter<'_>) {
    let theme = painter.theme;
    let narrow = area.width < NARROW;
    let title = || row.known.as_ref().map_or("", |known| known.title.as_str());
    let name = row
        .path
        .as_ref()
        .map_or_else(|| format!("({})", title()), |path| path.variable.clone());
    if row.dirty {
        painter.text(area, 0, y, "*", theme.dirty());
    }
    let sure = if row.path.is_none() {
        "no name"
    } else if row.lookalike {
        "a list?"
    } else if let Some(sure) = row.name_sure() {
        sure.label()
    } else {
        "read-only"
    };
    let name_width = name_width(area);
    let name = cut(&name, usize::from(name_width), theme.ellipsis());
    painter.text(area, 2, y, &name, theme.text());
    let x = 2 + name_width + 1;
    let value = match &row.shown {
        Some(value) if value.is_empty() => "(empty)",
        Some(value) => value,
        None if row.in_file => "(deleted: server default)",
        None => "(server default)",
    };
    let right = area.width.saturating_sub(2);
    let room = right.saturating_sub(if narrow { x } else { x + 10 });
    let value = cut(value, usize::from(room), theme.ellipsis());
    painter.text(area, x, y, &value, theme.text());
    if !narrow {
        painter.text_right(area, right, y, sure, theme.caution());
    }
}
