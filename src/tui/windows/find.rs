//! The search: every variable of both tables by name, title, meaning and value, filtered as one types.

use ratatui::layout::Rect;

use crate::session::{Line, Tone, VariableRow, variable_rows};
use crate::tls::{Direction, ValueKind};
use crate::tui::context::Context;
use crate::tui::keys::{Command, Place};
use crate::tui::layout;
use crate::tui::pane::Pane;
use crate::tui::request::Request;
use crate::tui::widgets::list;
use crate::tui::widgets::painter::Painter;
use crate::tui::widgets::text_line::TextLine;
use crate::tui::wrap::{cut, cut_front, line};

const TITLE: &str = "Find by name, meaning or value";
const PROMPT: &str = "/ ";
const NOTHING: &str = "Nothing matches; Backspace takes a letter back.";
const ABOUT: &str = "Type parts of a name, a title, a meaning or a value: rows in which all of them occur are \
    listed, nearest first. Secrets are not searched.";

/// An open search.
#[derive(Debug, Clone, Default)]
pub struct Find {
    /// What is looked for.
    line: TextLine,
    /// The marked match.
    selected: usize,
}

/// A row that matches.
struct Match {
    direction: Direction,
    /// Its place in the direction's list.
    index: usize,
    row: VariableRow,
    /// How near the match is: 0 by name, 1 by title or value, 2 by help, meaning or source.
    rank: u8,
}

impl Pane for Find {
    fn place(&self) -> Place {
        Place::Find
    }

    fn on(&mut self, command: Command, context: &mut Context) -> Vec<Request> {
        let found = matches(context, &self.line.text());
        let page = layout::page(context.size);
        match command {
            Command::Back => return vec![Request::Close],
            Command::Activate => {
                let at = self.selected.min(found.len().saturating_sub(1));
                return found.get(at).map_or_else(Vec::new, |found| {
                    vec![Request::Close, Request::GoTo(found.direction, found.index)]
                });
            }
            Command::Up | Command::Down | Command::PageUp | Command::PageDown => {
                self.selected = list::moved(self.selected, command, page, found.len()).unwrap_or(0);
            }
            _ => {
                if self.line.on(command) {
                    self.selected = 0;
                }
            }
        }
        Vec::new()
    }

    fn on_typed(&mut self, character: char) {
        self.line.insert(character);
        self.selected = 0;
    }

    fn draw(&self, context: &Context, area: Rect, painter: &mut Painter<'_>) {
        let theme = painter.theme;
        let size = (area.width, area.height);
        let inside = painter.centred(area, layout::reader_width(size), layout::reader_height(size), TITLE);
        let typed: String = self.line.text();
        // The cursor stays in sight: what is too long is cut in front.
        let before: String = typed.chars().take(self.line.cursor()).collect();
        let after: String = typed.chars().skip(self.line.cursor()).collect();
        let room = usize::from(inside.width).saturating_sub(PROMPT.len() + 1);
        let before = cut_front(&before, room, theme.ellipsis());
        let x = painter.text(inside, 0, 0, PROMPT, theme.key());
        let x = painter.text(inside, x, 0, &before, theme.text());
        painter.text(inside, x, 0, &after, theme.text());

        let found = matches(context, &typed);
        let rows = layout::below(inside, 2);
        if found.is_empty() {
            painter.text(rows, 0, 0, NOTHING, theme.caution());
        }
        for (y, found, is_marked) in list::in_sight(&found, self.selected, rows.height) {
            let words = cut(&words(found), usize::from(rows.width), theme.ellipsis());
            painter.text(rows, 0, y, &words, theme.text());
            if is_marked {
                painter.mark(rows, 0, y, rows.width);
            }
        }
        // One types here: the cursor says so, the marked row is said by reverse video.
        painter.point(inside, x, 0);
        painter.foot(area, Place::Find, None);
    }

    fn about(&self, _: &Context) -> Vec<Line> {
        vec![line(Tone::Text, ABOUT)]
    }
}

/// The rows in which every word of `wanted` occurs, without regard to case: nearest first, then in the order of the
/// lists. Values count as they are shown, so that a secret is never found by its value.
fn matches(context: &Context, wanted: &str) -> Vec<Match> {
    let words: Vec<String> = wanted.split_whitespace().map(str::to_lowercase).collect();
    let mut found: Vec<Match> = Direction::ALL
        .into_iter()
        .flat_map(|direction| {
            let rows = variable_rows(&context.session, direction).into_iter().enumerate();
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

fn words(found: &Match) -> String {
    let title = found.row.known.as_ref().map_or("", |known| known.title.as_str());
    let value = match &found.row.shown {
        Some(value) if value.is_empty() => "(empty)",
        Some(value) => value,
        None => "(server default)",
    };
    match &found.row.path {
        Some(path) => format!("{path} = {value}  {title}"),
        None => format!("{}: {title} (no name)", found.direction.table()),
    }
}
