//! What lies over the form: texts, questions, and what their answers ask for.

use crate::session::Tone;
use crate::tls::Direction;
use crate::tui::keys::Command;
use crate::tui::overlay::{Answer, Overlay};
use crate::tui::state::State;
use crate::tui::{editor_keys, layout, text, wrap};
use crate::work;

use super::review::ask_review;
use super::{Effect, changed, page, scrolled};

pub(super) fn on_reader(state: &mut State, command: Command) -> Vec<Effect> {
    let (page, width) = (page(state), layout::reader_width(state.size));
    if matches!(command, Command::Back | Command::Activate) {
        state.overlays.pop();
    } else if let Some(Overlay::Reader { lines, scroll, .. }) = state.overlays.last_mut() {
        let visible = layout::reader_height(state.size);
        let hidden = wrap::height(lines, width).saturating_sub(visible);
        *scroll = scrolled(*scroll, command, page, hidden + 1);
    }
    Vec::new()
}

pub(super) fn on_question(state: &mut State, command: Command) -> Vec<Effect> {
    let Some(Overlay::Question(question)) = state.overlays.last_mut() else {
        return Vec::new();
    };
    let count = question.buttons.len().max(1);
    match command {
        Command::Next | Command::Right | Command::Down => question.focus = (question.focus + 1) % count,
        Command::Previous | Command::Left | Command::Up => question.focus = (question.focus + count - 1) % count,
        Command::Back => {
            state.overlays.pop();
        }
        Command::Activate => {
            let answer = question.buttons.get(question.focus).map(|button| button.answer.clone());
            state.overlays.pop();
            return answer.map_or_else(Vec::new, |answer| on_answer(state, answer));
        }
        _ => {}
    }
    Vec::new()
}

fn on_answer(state: &mut State, answer: Answer) -> Vec<Effect> {
    match answer {
        Answer::Stay => Vec::new(),
        Answer::Quit => vec![Effect::Quit],
        Answer::Discard => {
            state
                .summary
                .push(text::summary_discarded(state.session.edits().edits().len()));
            vec![Effect::Work(work::Effect::DropDraft), Effect::Quit]
        }
        Answer::Review => ask_review(state),
        Answer::Reset(directions) => match state.session.reset(&directions) {
            Ok(done) => changed(
                state,
                done,
                if done { text::RESET_DONE } else { text::NOTHING_TO_RESET },
            ),
            Err(error) => {
                state.status = Some(text::line(Tone::Bad, error.to_string()));
                Vec::new()
            }
        },
        Answer::TakeDraft => {
            if let Some(edits) = state.found_draft.take() {
                let done = state.session.take_up(&edits);
                return changed(state, done, text::DRAFT_TAKEN);
            }
            Vec::new()
        }
        Answer::PlanProbe(whom) => {
            state.status = Some(text::line(Tone::Text, text::LOOKING_WHOM));
            vec![Effect::Work(work::Effect::PlanProbe(whom))]
        }
        Answer::PlanHeaders => {
            state.overlays.push(Overlay::Question(text::headers_question()));
            Vec::new()
        }
        Answer::ReadHeaders => {
            state.status = Some(text::line(Tone::Text, text::READING_HEADERS));
            vec![Effect::Work(work::Effect::ReadHeaders)]
        }
        Answer::Probe(questions) => vec![Effect::Work(work::Effect::Probe(questions))],
        Answer::Name { direction, name, role } => editor_keys::name(state, direction, name, role),
        Answer::Confirm => vec![Effect::Work(work::Effect::Confirm)],
        Answer::DropDraft => {
            state.found_draft = None;
            vec![Effect::Work(work::Effect::DropDraft)]
        }
    }
}

pub(super) fn on_quit(state: &mut State) -> Vec<Effect> {
    if !state.session.is_dirty() {
        return vec![Effect::Quit];
    }
    if !matches!(state.overlays.last(), Some(Overlay::Question(_))) {
        let changes = state.session.edits().edits().len();
        state.overlays.push(Overlay::Question(text::quit_question(changes)));
    }
    Vec::new()
}

pub(super) fn ask_reset(state: &mut State) {
    if let Some(why) = &state.read_only {
        state.status = Some(text::line(Tone::Caution, text::cannot_change(why)));
        return;
    }
    let mut names = Vec::new();
    for direction in Direction::ALL {
        match state.session.reset_names(direction) {
            Ok(found) => names.push((direction, found)),
            Err(error) => {
                state.status = Some(text::line(Tone::Bad, error.to_string()));
                return;
            }
        }
    }
    names.retain(|(_, found)| !found.is_empty());
    if names.is_empty() {
        state.status = Some(text::line(Tone::Text, text::NOTHING_TO_RESET));
        return;
    }
    state.overlays.push(Overlay::Question(text::reset_question(&names)));
}
