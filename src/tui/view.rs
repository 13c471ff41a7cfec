//! Draws the screen: head and foot, the open tab between them, and what lies over it.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::session::{Line, Tone, amount};

use super::context::{Context, Scan};
use super::keys::Command;
use super::layout::{self, NARROW, ROOMY, SMALLEST};
use super::pane::Pane;
use super::state::State;
use super::tabs::Tab;
use super::widgets::painter::{Painter, width};
use super::wrap::{cut, cut_front, line};

const PROGRAM: &str = "kerio-tls";
const WHERE: &str = "Configuration > Security";

/// Below this nothing but that is shown, and no key decides anything.
pub(super) const fn is_too_small((width, height): (u16, u16)) -> bool {
    width < SMALLEST.0 || height < SMALLEST.1
}

/// Draws the whole screen. Right from 40x15 up; below that it says so; never panics from 0x0 up.
pub fn draw(state: &State, frame: &mut Frame<'_>) {
    let context = &state.context;
    let area = frame.area();
    let mut painter = Painter {
        buffer: frame.buffer_mut(),
        theme: context.theme,
        cursor: None,
    };
    if is_too_small((area.width, area.height)) {
        let words = format!("Needs 40x15, this is {}x{}", area.width, area.height);
        painter.text(area, 0, 0, &words, context.theme.text());
        return;
    }
    if !state.windows.cover_all() {
        let body = chrome(state, area, &mut painter);
        state.tabs.pane().draw(context, body, &mut painter);
    }
    for window in state.windows.all() {
        window.draw(context, area, &mut painter);
    }
    if let Some(saving) = &state.saving {
        saving.draw(context, area, &mut painter);
    }
    // Screen readers follow the hardware cursor: it stands on what has the focus.
    let cursor = painter.cursor;
    if let Some(cursor) = cursor {
        frame.set_cursor_position(cursor);
    }
}

/// Head and foot; returns what is left between them.
fn chrome(state: &State, area: Rect, painter: &mut Painter<'_>) -> Rect {
    let context = &state.context;
    let theme = context.theme;
    let narrow = area.width < NARROW;
    let engine = engine(context, narrow);
    let right = area.width.saturating_sub(1);

    let x = painter.text(area, 1, 0, PROGRAM, theme.heading()) + if narrow { 2 } else { 3 };
    let room = if narrow {
        right.saturating_sub(x)
    } else {
        right.saturating_sub(x + width(&engine) + 1)
    };
    let path = cut_front(&context.path, usize::from(room), theme.ellipsis());
    painter.text(area, x, 0, &path, theme.text());
    if narrow {
        painter.text(area, 1, 1, &engine, theme.text());
    } else {
        painter.text_right(area, right, 0, &engine, theme.text());
        painter.text(area, 1, 1, WHERE, theme.text());
    }
    let (changes, look) = match context.unsaved() {
        0 => ("no changes".to_owned(), theme.text()),
        count => (format!("{} *", amount(count, "change", "changes")), theme.dirty()),
    };
    painter.text_right(area, right, 1, &changes, look);

    let mut x = 1;
    for tab in Tab::ALL {
        let name = tab.name(narrow);
        let (label, look) = if tab == state.tabs.open {
            (format!("[{name}]"), theme.open_tab())
        } else {
            (format!(" {name} "), theme.text())
        };
        x = painter.text(area, x, 2, &label, look) + u16::from(!narrow);
    }

    let foot = area.height.saturating_sub(2);
    if area.height >= ROOMY {
        painter.rule(area, 3);
        painter.rule(area, foot.saturating_sub(1));
    }
    let news = context.status.clone().or_else(|| at_work(context));
    if let Some(news) = news {
        let words = cut(&news.text, usize::from(area.width.saturating_sub(2)), theme.ellipsis());
        painter.text(area, 1, foot, &words, theme.tone(news.tone));
    }
    painter.hints(area, foot + 1, state.place(), None);
    Rect {
        x: area.x,
        y: area.y + layout::body_top(area.height),
        width: area.width,
        height: layout::body_height(area.height),
    }
}

fn engine(context: &Context, narrow: bool) -> String {
    context.engine.as_ref().map_or_else(
        || "engine: not looked at yet".to_owned(),
        |engine| {
            let as_of = if narrow { "" } else { "as of " };
            format!("engine: {}, {as_of}{}", engine.word, context.clock.time(engine.at))
        },
    )
}

/// What the workers are at, where there is no other news.
fn at_work(context: &Context) -> Option<Line> {
    let stop = Command::Cancel.key_label();
    let words = match (context.probing, context.scan) {
        (Some((done, total)), _) => format!("Probing: {done} of {total} have answered; {stop} stops"),
        (None, _) if context.learning => format!("Waiting until the web administration has saved; {stop} stops"),
        (None, Scan::Running(_, 0)) => "Looking for mail logs ...".to_owned(),
        (None, Scan::Running(done, total)) => {
            let percent = done.saturating_mul(100) / total.max(1);
            let size = total / 1_000_000;
            format!("Reading mail logs: {percent} % of {size} MB; {stop} stops")
        }
        (None, Scan::Cancelled) => "Reading the logs was stopped: amounts and peers are incomplete.".to_owned(),
        (None, Scan::Never | Scan::Done) => return None,
    };
    Some(line(Tone::Text, words))
}
