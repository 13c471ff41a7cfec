//! A question with buttons.

use ratatui::layout::Rect;

use crate::tui::context::Context;
use crate::tui::keys::{Command, Place};
use crate::tui::pane::Pane;
use crate::tui::request::{Question, Request};
use crate::tui::widgets::boxes::{self, Spot};
use crate::tui::widgets::list::turned;
use crate::tui::widgets::painter::{Painter, width};
use crate::tui::wrap;

/// An open question, and which of its buttons has the focus: the first one until a key moves it.
#[derive(Debug, Clone)]
pub struct Asked {
    question: Question,
    focus: usize,
}

impl Asked {
    /// Opens a question.
    pub fn new(question: Question) -> Self {
        Self { question, focus: 0 }
    }
}

impl Pane for Asked {
    fn place(&self) -> Place {
        Place::Question
    }

    fn on(&mut self, command: Command, _: &mut Context) -> Vec<Request> {
        let buttons = &mut self.question.buttons;
        match command {
            Command::Back => vec![Request::Close],
            Command::Activate => {
                let mut requests = vec![Request::Close];
                if let Some((_, answer)) = buttons.get_mut(self.focus) {
                    requests.append(answer);
                }
                requests
            }
            _ => {
                self.focus = turned(self.focus, command, buttons.len()).unwrap_or(self.focus);
                Vec::new()
            }
        }
    }

    fn draw(&self, _: &Context, area: Rect, painter: &mut Painter<'_>) {
        let Question { title, lines, buttons } = &self.question;
        let inner_width = usize::from(area.width.saturating_sub(8).min(66));
        let rows = wrap::height(lines, inner_width);
        let columns = |label: &str| usize::from(width(&boxes::button_label(label))) + 2;
        let one_row = buttons.iter().map(|(label, _)| columns(label)).sum::<usize>() <= inner_width;
        let button_rows = if one_row { 1 } else { buttons.len() };
        let height = (rows + 1 + button_rows).min(usize::from(area.height.saturating_sub(3)));
        let inside = painter.centred(area, inner_width, height, title);
        let text = Rect {
            height: inside
                .height
                .saturating_sub(u16::try_from(button_rows + 1).unwrap_or(1)),
            ..inside
        };
        painter.lines(text, lines, 0);
        if rows > usize::from(text.height) {
            // Never as if that were all.
            let (ellipsis, look) = (painter.theme.ellipsis(), painter.theme.key());
            painter.text_right(inside, inside.width, text.height.saturating_sub(1), ellipsis, look);
        }
        let (mut x, mut y) = (0, text.height + 1);
        for (index, (label, _)) in buttons.iter().enumerate() {
            let spot = Spot {
                area: inside,
                x,
                y,
                focused: index == self.focus,
            };
            let end = boxes::button(spot, label, painter);
            if one_row {
                x = end + 2;
            } else {
                y += 1;
            }
        }
        painter.foot(area, Place::Question, None);
    }
}
