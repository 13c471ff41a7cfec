//! A text to read: help, a message, what is known of a row.

use ratatui::layout::Rect;

use crate::session::Line;
use crate::tui::context::Context;
use crate::tui::keys::{Command, Place};
use crate::tui::pane::Pane;
use crate::tui::request::Request;
use crate::tui::widgets::painter::Painter;
use crate::tui::widgets::scroll::Scroll;
use crate::tui::{layout, wrap};

const CLOSE: &str = "Enter or Esc closes";

/// An open text.
#[derive(Debug, Clone)]
pub struct Reader {
    title: String,
    lines: Vec<Line>,
    scroll: Scroll,
}

impl Reader {
    /// Opens a text at its beginning.
    pub fn new(title: String, lines: Vec<Line>) -> Self {
        Self {
            title,
            lines,
            scroll: Scroll::default(),
        }
    }
}

impl Pane for Reader {
    fn place(&self) -> Place {
        Place::Reader
    }

    fn on(&mut self, command: Command, context: &mut Context) -> Vec<Request> {
        if matches!(command, Command::Back | Command::Activate) {
            return vec![Request::Close];
        }
        let size = context.size;
        let (width, visible) = (layout::reader_width(size), layout::reader_height(size));
        self.scroll.on(command, layout::page(size), &self.lines, width, visible);
        Vec::new()
    }

    fn draw(&self, _: &Context, area: Rect, painter: &mut Painter<'_>) {
        let size = (area.width, area.height);
        let width = layout::reader_width(size);
        let rows = wrap::height(&self.lines, width);
        let inside = painter.centred(area, width, rows.min(layout::reader_height(size)), &self.title);
        painter.lines(inside, &self.lines, self.scroll.0);
        painter.more(inside, self.scroll.0, rows);
        painter.point(inside, 0, 0);
        painter.foot(area, Place::Reader, Some(CLOSE));
    }
}
