//! The form: tabs, fields, the drop-down, and the panel below them.

use crate::peers::assess;
use crate::session::Tone;
use crate::tls::{Choice, Direction, Minimum};
use crate::tui::keys::Command;
use crate::tui::overlay::Overlay;
use crate::tui::state::{CHOICES, Focus, Scan, State, Tab};
use crate::tui::{detail, find, layout, text, view};
use crate::work;

use super::lists::{on_backups, on_peers, on_variables};
use super::overlays::ask_reset;
use super::review::ask_review;
use super::{Effect, changed};

pub(super) fn on_form(state: &mut State, command: Command) -> Vec<Effect> {
    match command {
        Command::Left => return open_tab(state, -1),
        Command::Right => return open_tab(state, 1),
        Command::Confirm => return vec![Effect::Work(work::Effect::Confirm)],
        Command::Undo => {
            let done = state.session.undo();
            return changed(state, done, if done { text::UNDONE } else { text::NOTHING_TO_UNDO });
        }
        Command::Redo => {
            let done = state.session.redo();
            return changed(state, done, if done { text::REDONE } else { text::NOTHING_TO_REDO });
        }
        Command::Review => return ask_review(state),
        Command::Find => find::open(state),
        Command::Reset => ask_reset(state),
        Command::Refresh => {
            state.scan = Scan::Running(0, 0);
            return vec![
                Effect::Work(work::Effect::GatherEvidence),
                Effect::Work(work::Effect::LookAtEngine),
            ];
        }
        Command::Cancel if state.probing.is_some() => return vec![Effect::Work(work::Effect::CancelProbe)],
        Command::Probe => return ask_probe(state),
        Command::Prove => {
            state.status = Some(text::line(Tone::Text, text::ASKING_OWN_PORTS));
            let expected = state.session.loaded().expected();
            return vec![Effect::Work(work::Effect::ProveLive(expected))];
        }
        Command::Cancel if matches!(state.scan, Scan::Running(..)) => {
            return vec![Effect::Work(work::Effect::CancelEvidence)];
        }
        _ => {
            return match state.tab {
                Tab::TlsOptions => on_tls_options(state, command),
                Tab::Inbound | Tab::Outbound => on_variables(state, command),
                Tab::Peers => on_peers(state, command),
                Tab::Backups => on_backups(state, command),
            };
        }
    }
    Vec::new()
}

/// Opens the tab to the right or left; what it lists from the disk is read anew.
pub(super) fn open_tab(state: &mut State, by: isize) -> Vec<Effect> {
    state.tab = state.tab.step(by);
    if state.tab == Tab::Backups {
        vec![Effect::Work(work::Effect::ListBackups)]
    } else {
        Vec::new()
    }
}

fn on_tls_options(state: &mut State, command: Command) -> Vec<Effect> {
    let on_panel = state.focus == Focus::Panel;
    match command {
        Command::Next => move_focus(state, 1),
        Command::Previous => move_focus(state, -1),
        Command::Down if on_panel => scroll_panel(state, 1),
        Command::Up if on_panel && state.panel_scroll > 0 => scroll_panel(state, -1),
        Command::PageDown => scroll_panel(state, panel_page(state)),
        Command::PageUp => scroll_panel(state, -panel_page(state)),
        Command::First => state.panel_scroll = 0,
        Command::Last => scroll_panel(state, isize::MAX),
        Command::Down => move_focus(state, 1),
        Command::Up => move_focus(state, -1),
        Command::Activate | Command::Toggle => match state.focus {
            Focus::SameForBoth => state.session.set_same_for_both(!state.session.same_for_both()),
            Focus::Field(direction) => open_drop_down(state, direction),
            Focus::Panel => {}
        },
        Command::Revert => {
            if let Focus::Field(direction) = state.focus {
                let done = state.session.revert_minimum(direction);
                return changed(state, done, if done { text::REVERTED } else { text::AS_LOADED });
            }
        }
        _ => {}
    }
    Vec::new()
}

fn move_focus(state: &mut State, by: isize) {
    let at = Focus::ALL.iter().position(|focus| *focus == state.focus).unwrap_or(0);
    let next = (at.cast_signed() + by)
        .rem_euclid(Focus::ALL.len().cast_signed())
        .cast_unsigned();
    if let Some(focus) = Focus::ALL.get(next) {
        state.focus = *focus;
    }
    if let Focus::Field(direction) = state.focus
        && direction != state.panel_direction
    {
        state.panel_direction = direction;
        state.panel_scroll = 0;
    }
}

/// Rows that the panel shows at once.
fn panel_shows(state: &State) -> usize {
    let (width, height) = state.size;
    let body = layout::body_height(height);
    let form = (width.min(layout::READABLE), body);
    layout::panel_height(body, view::note_rows(state, form).len())
}

/// One row stays in sight from page to page: the last one, which says how many are below.
fn panel_page(state: &State) -> isize {
    isize::try_from(panel_shows(state)).map_or(1, |rows| (rows - 1).max(1))
}

fn scroll_panel(state: &mut State, by: isize) {
    let (direction, minimum) = state.panel_subject();
    let rows = text::panel_rows(&assess(
        &state.book,
        direction,
        state.session.threshold(direction, &minimum),
    ));
    let last = rows.saturating_sub(panel_shows(state));
    state.panel_scroll = state.panel_scroll.saturating_add_signed(by).min(last);
}

fn open_drop_down(state: &mut State, direction: Direction) {
    if let Some(why) = &state.read_only {
        state.status = Some(text::line(Tone::Caution, text::cannot_change(why)));
        return;
    }
    let wanted = match state.session.minimum(direction) {
        Minimum::At(version) => Choice::At(version),
        Minimum::Default | Minimum::Custom(_) => Choice::Default,
    };
    let selected = CHOICES.iter().position(|choice| *choice == wanted).unwrap_or(0);
    state.panel_direction = direction;
    state.panel_scroll = 0;
    state.overlays.push(Overlay::DropDown { direction, selected });
}

pub(super) fn on_drop_down(state: &mut State, command: Command) -> Vec<Effect> {
    let Some(Overlay::DropDown { direction, selected }) = state.overlays.last_mut() else {
        return Vec::new();
    };
    let last = CHOICES.len() - 1;
    let before = *selected;
    match command {
        Command::Up => *selected = selected.saturating_sub(1),
        Command::Down => *selected = (*selected + 1).min(last),
        Command::First => *selected = 0,
        Command::Last => *selected = last,
        Command::Back => {
            state.overlays.pop();
            state.panel_scroll = 0;
        }
        Command::Activate => {
            let (direction, choice) = (*direction, CHOICES.get(*selected).copied());
            state.overlays.pop();
            state.panel_scroll = 0;
            if let Some(choice) = choice {
                return choose(state, direction, choice);
            }
        }
        _ => {}
    }
    if let Some(Overlay::DropDown { selected, .. }) = state.overlays.last()
        && *selected != before
    {
        state.panel_scroll = 0;
    }
    Vec::new()
}

fn choose(state: &mut State, direction: Direction, choice: Choice) -> Vec<Effect> {
    match state.session.choose(direction, choice) {
        Ok(done) => {
            let words = if state.session.is_minimum_dirty(direction) {
                text::chosen(choice)
            } else {
                text::AS_LOADED.to_owned()
            };
            changed(state, done, &words)
        }
        Err(error) => {
            state.status = Some(text::line(Tone::Bad, error.to_string()));
            Vec::new()
        }
    }
}

/// On the tab Peers: asks about the marked one (outbound), or all; elsewhere: the unmeasured, or all.
pub(super) fn ask_probe(state: &mut State) -> Vec<Effect> {
    if state.probing.is_some() {
        state.status = Some(text::line(Tone::Text, text::PROBE_RUNS));
        return Vec::new();
    }
    let marked = (state.tab == Tab::Peers)
        .then(|| {
            detail::peer_rows(state)
                .get(state.selected())
                .map(|row| row.assessed.peer.key.clone())
        })
        .flatten()
        // What a caller's own port 25 answers says nothing of the program that calls from there.
        .filter(|key| key.direction == Direction::Outbound);
    let question = text::whom_question(marked);
    state.overlays.push(Overlay::Question(question));
    Vec::new()
}
