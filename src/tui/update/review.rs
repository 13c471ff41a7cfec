//! The review, and from there the save.

use std::sync::Arc;

use crate::session::{EnginePlan, Facts, Review, Tone};
use crate::tui::keys::Command;
use crate::tui::overlay::{Overlay, ReviewFocus, ReviewScreen};
use crate::tui::state::State;
use crate::tui::{layout, text, wrap};
use crate::work::{self, SaveJob, Wanted};

use super::{Effect, page, scrolled};

pub(super) fn ask_review(state: &mut State) -> Vec<Effect> {
    if !state.session.is_dirty() {
        state.status = Some(text::line(Tone::Text, text::NOTHING_TO_SAVE));
        return Vec::new();
    }
    state.review_wanted = true;
    state.status = Some(text::line(Tone::Text, text::LOOKING));
    vec![Effect::Work(work::Effect::Inspect {
        wish: state.engine_wish,
    })]
}

pub(super) fn on_review(state: &mut State, command: Command) -> Vec<Effect> {
    let size = state.size;
    let page = page(state);
    let Some(Overlay::Review(screen)) = state.overlays.last_mut() else {
        return Vec::new();
    };
    let stops = screen.stops();
    let at = stops.iter().position(|stop| *stop == screen.focus).unwrap_or(0);
    let step = |by: usize| {
        stops
            .get((at + by) % stops.len().max(1))
            .copied()
            .unwrap_or(ReviewFocus::Back)
    };
    match (command, screen.focus) {
        (Command::Back, _) | (Command::Activate, ReviewFocus::Back) => {
            state.overlays.pop();
        }
        (Command::Next | Command::Right, _) => screen.focus = step(1),
        (Command::Previous | Command::Left, _) => screen.focus = step(stops.len().saturating_sub(1)),
        (Command::Activate | Command::Toggle, ReviewFocus::Consent(index)) => {
            if let Some(given) = screen.given.get_mut(index) {
                *given = !*given;
            }
        }
        (Command::Activate | Command::Toggle, ReviewFocus::Undo) => {
            screen.undo = screen.undo.map(|undo| !undo);
        }
        // Space beside the boxes goes to the first: the footer offers it. It ticks nothing that was not looked at.
        (Command::Toggle, _) => {
            let is_box = |stop: &&ReviewFocus| matches!(stop, ReviewFocus::Consent(_) | ReviewFocus::Undo);
            screen.focus = stops.iter().find(is_box).copied().unwrap_or(screen.focus);
        }
        (Command::Activate, ReviewFocus::Save) if screen.can_save() => return start_save(state),
        _ => {
            let hidden = wrap::height(&screen.lines, usize::from(size.0.saturating_sub(2)))
                .saturating_sub(layout::review_height(size, screen.boxes()));
            screen.scroll = scrolled(screen.scroll, command, page, hidden + 1);
        }
    }
    Vec::new()
}

fn start_save(state: &mut State) -> Vec<Effect> {
    let Some(Overlay::Review(screen)) = state.overlays.pop() else {
        return Vec::new();
    };
    let job = SaveJob {
        base: Arc::clone(state.session.base()),
        consents: screen.review.consents.clone(),
        action: if screen.whole.is_some() { "restore" } else { "save" },
        words: screen.review.change_words(),
        proves: screen.review.inbound_after(),
        engine: state.engine_wish,
        wanted: Wanted::of(&screen.review),
        undo_after: (screen.undo == Some(true)).then_some(text::UNDO_AFTER),
    };
    state.overlays.push(Overlay::Saving {
        steps: Vec::new(),
        detail: None,
        cancellable: false,
    });
    vec![Effect::Work(work::Effect::Save(Box::new(job)))]
}

pub(super) fn show_review(state: &mut State, mut facts: Facts) {
    if facts.blocked.is_none() {
        facts.blocked.clone_from(&state.read_only);
    }
    match Review::of_edits(&state.session, &state.book, facts) {
        Ok(review) => push_review(state, review, None),
        Err(error) => state.status = Some(text::line(Tone::Bad, error.to_string())),
    }
}

pub(super) fn push_review(state: &mut State, review: Review, whole: Option<String>) {
    let lines = review.lines(&state.clock);
    let given = vec![false; review.consents.len()];
    let restarts = matches!(&review.facts.engine, EnginePlan::Restart { .. });
    let undo = (restarts && review.facts.no_undo.is_none()).then_some(false);
    // Only edits can be undone by rebasing; a whole file cannot.
    let undo = undo.filter(|_| whole.is_none());
    state.overlays.push(Overlay::Review(Box::new(ReviewScreen {
        review,
        lines,
        given,
        focus: ReviewFocus::Back,
        scroll: 0,
        undo,
        whole,
    })));
}
