//! What lies over the form: drop-down, text, question, review, a save that runs.

use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

use crate::session::Tone;
use crate::tui::keys::{Command, Place};
use crate::tui::overlay::{Overlay, Question, ReviewFocus, ReviewScreen};
use crate::tui::state::State;
use crate::tui::{layout, text, wrap};

use super::form;
use super::parts::{Painter, width};

pub(super) fn draw(state: &State, overlay: &Overlay, area: Rect, painter: &mut Painter<'_>) {
    match overlay {
        Overlay::DropDown { direction, selected } => form::drop_down(state, *direction, *selected, area, painter),
        Overlay::Reader { title, lines, scroll } => {
            let inner_width = layout::reader_width((area.width, area.height));
            let rows = wrap::height(lines, inner_width);
            let height = rows.min(layout::reader_height((area.width, area.height)));
            let inside = centred(area, inner_width, height, title, painter);
            painter.lines(inside, lines, *scroll);
            painter.more(inside, *scroll, rows);
            painter.point(inside, 0, 0);
            foot(area, Place::Reader, Some(text::CLOSE), painter);
        }
        Overlay::Editor(editor) => super::editor::draw(state, editor, area, painter),
        Overlay::Find(find) => super::find::draw(state, find, area, painter),
        Overlay::Question(question) => draw_question(question, area, painter),
        Overlay::Review(screen) => draw_review(screen, area, painter),
        Overlay::Saving {
            steps,
            detail,
            cancellable,
        } => {
            let lines: Vec<_> = steps
                .iter()
                .chain(detail.as_ref())
                .map(|step| text::line(Tone::Text, step.clone()))
                .collect();
            let inner_width = layout::reader_width((area.width, area.height));
            let rows = wrap::height(&lines, inner_width).max(1);
            let height = rows.min(layout::reader_height((area.width, area.height)));
            let inside = centred(area, inner_width, height, text::SAVING_TITLE, painter);
            painter.lines(inside, &lines, rows.saturating_sub(height));
            painter.point(inside, 0, inside.height.saturating_sub(1));
            foot(area, Place::Saving, (!cancellable).then_some(text::WAIT), painter);
        }
    }
}

/// A box in the middle for an inside of this size.
pub(super) fn centred(
    area: Rect,
    inner_width: usize,
    inner_height: usize,
    title: &str,
    painter: &mut Painter<'_>,
) -> Rect {
    let w = u16::try_from(inner_width + 4).unwrap_or(u16::MAX).min(area.width);
    let h = u16::try_from(inner_height + 2)
        .unwrap_or(u16::MAX)
        .min(area.height.saturating_sub(1));
    let x = area.x + (area.width - w) / 2;
    let y = area.y + (area.height.saturating_sub(1) - h) / 2;
    let inside = painter.panel(
        Rect {
            x,
            y,
            width: w,
            height: h,
        },
        title,
    );
    Rect {
        x: inside.x + 1,
        width: inside.width.saturating_sub(2),
        ..inside
    }
}

/// The footer belongs to what lies on top.
pub(super) fn foot(area: Rect, place: Place, words: Option<&str>, painter: &mut Painter<'_>) {
    let row = area.height.saturating_sub(1);
    let line = Rect {
        y: area.y + row,
        height: 1,
        ..area
    };
    Clear.render(line, painter.buffer);
    match words {
        Some(words) => {
            painter.text(area, 1, row, words, painter.theme.text());
        }
        None => painter.hints(area, row, place),
    }
}

fn draw_question(question: &Question, area: Rect, painter: &mut Painter<'_>) {
    let inner_width = usize::from(area.width.saturating_sub(8).min(66));
    let rows = wrap::height(&question.lines, inner_width);
    let labels: Vec<String> = question
        .buttons
        .iter()
        .map(|button| format!("[ {} ]", button.label))
        .collect();
    let one_row = labels.iter().map(|label| wrap::columns(label) + 2).sum::<usize>() <= inner_width;
    let button_rows = if one_row { 1 } else { labels.len() };
    let height = (rows + 1 + button_rows).min(usize::from(area.height.saturating_sub(3)));
    let inside = centred(area, inner_width, height, &question.title, painter);
    let text_rows = inside
        .height
        .saturating_sub(u16::try_from(button_rows + 1).unwrap_or(1));
    painter.lines(
        Rect {
            height: text_rows,
            ..inside
        },
        &question.lines,
        0,
    );
    if rows > usize::from(text_rows) {
        // Never as if that were all.
        let ellipsis = painter.theme.ellipsis();
        painter.text_right(
            inside,
            inside.width,
            text_rows.saturating_sub(1),
            ellipsis,
            painter.theme.key(),
        );
    }
    let (mut x, mut y) = (0, text_rows + 1);
    for (index, label) in labels.iter().enumerate() {
        let end = painter.text(inside, x, y, label, painter.theme.text());
        if index == question.focus {
            painter.mark(inside, x, y, width(label));
            painter.point(inside, x + 2, y);
        }
        if one_row {
            x = end + 2;
        } else {
            y += 1;
        }
    }
    foot(area, Place::Question, None, painter);
}

fn draw_review(screen: &ReviewScreen, area: Rect, painter: &mut Painter<'_>) {
    let theme = painter.theme;
    Clear.render(area, painter.buffer);
    painter.text(area, 1, 0, text::REVIEW_TITLE, theme.heading());
    painter.rule(area, 1);
    let visible = layout::review_height((area.width, area.height), screen.boxes());
    let height = u16::try_from(visible).unwrap_or(u16::MAX);
    let body = Rect {
        x: area.x + 1,
        y: area.y + 2,
        width: area.width.saturating_sub(2),
        height,
    };
    let rows = painter.lines(body, &screen.lines, screen.scroll);
    painter.more(body, screen.scroll, rows);

    let mut row = 2 + height;
    painter.rule(area, row);
    row += 1;
    for (index, (consent, given)) in screen.review.consents.iter().zip(&screen.given).enumerate() {
        let mark = if *given { 'x' } else { ' ' };
        let label = wrap::cut(
            &format!("[{mark}] {}", screen.review.question(*consent)),
            usize::from(area.width.saturating_sub(2)),
            theme.ellipsis(),
        );
        let look = if screen.review.refusal().is_some() {
            theme.text()
        } else {
            theme.caution()
        };
        painter.text(area, 1, row, &label, look);
        if screen.focus == ReviewFocus::Consent(index) {
            painter.mark(area, 1, row, width(&label));
            painter.point(area, 2, row);
        }
        row += 1;
    }
    if let Some(undo) = screen.undo {
        let mark = if undo { 'x' } else { ' ' };
        let label = format!("[{mark}] {}", text::UNDO_BOX);
        painter.text(area, 1, row, &label, theme.text());
        if screen.focus == ReviewFocus::Undo {
            painter.mark(area, 1, row, width(&label));
            painter.point(area, 2, row);
        }
        row += 1;
    }
    let back = format!("[ {} ]", text::BACK);
    let save = format!("[ {} ]", text::save_label(&screen.review));
    let x = painter.text(area, 1, row, &back, theme.text());
    if screen.focus == ReviewFocus::Back {
        painter.mark(area, 1, row, width(&back));
        painter.point(area, 3, row);
    }
    if screen.can_save() {
        painter.text(area, x + 2, row, &save, theme.text());
        if screen.focus == ReviewFocus::Save {
            painter.mark(area, x + 2, row, width(&save));
            painter.point(area, x + 4, row);
        }
    } else {
        let words = text::why_not_yet(screen);
        let room = usize::from(area.width.saturating_sub(x + 3));
        painter.text(area, x + 2, row, &wrap::cut(words, room, theme.ellipsis()), theme.bad());
    }
    // A refused review has no box that could be ticked.
    let is_box = |stop: &ReviewFocus| matches!(stop, ReviewFocus::Consent(_) | ReviewFocus::Undo);
    let idle = (!screen.stops().iter().any(is_box)).then_some(Command::Toggle);
    painter.hints_without(area, row + 1, Place::Review, idle);
}
