//! From an action to the next state and the effects it asks for. No I/O, no clock, no terminal.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

use crate::mailserver_cfg::VariablePath;
use crate::peers::assess;
use crate::save::BackupInfo;
use crate::session::{EnginePlan, Line, Review, Tone};
use crate::tls::{Choice, Direction, Minimum};
use crate::work::{self, Event, SaveJob, SaveProblem, SaveReport};

use super::keys::{Command, Key, TornEscape, command_at};
use super::state::{Answer, Button, CHOICES, Focus, Overlay, ReviewFocus, ReviewScreen, Scan, State, Tab};
use super::{detail, editor_keys, find, text};

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Action {
    /// A key, and when it came.
    Key(Key, Instant),
    /// The terminal has another size now.
    Resize(u16, u16),
    /// A worker says something.
    Work(Event),
    /// The process goes on after an outside stop: paint all again.
    Continued,
}

/// Something to be done, by the loop or by the workers.
#[derive(Debug, Clone)]
pub enum Effect {
    /// By the workers.
    Work(work::Effect),
    /// Give the terminal back and stop until `fg`.
    Suspend,
    /// Paint everything.
    Repaint,
    /// Leave.
    Quit,
}

/// Takes keys to commands: holds what a torn escape sequence needs to know.
#[derive(Debug, Default)]
pub struct Keyboard {
    torn: TornEscape,
}

/// Changes the state and says what to do. `now` is the time of the action.
pub fn update(state: &mut State, keyboard: &mut Keyboard, action: Action, now: Timestamp) -> Vec<Effect> {
    state.clock.now = now;
    match action {
        Action::Key(key, at) => {
            if !keyboard.torn.keep(key, at) {
                return Vec::new();
            }
            let place = state.place();
            if editor_keys::typed(state, place, key) {
                return Vec::new();
            }
            command_at(place, key).map_or_else(Vec::new, |command| on_command(state, command))
        }
        Action::Resize(width, height) => {
            state.size = (width, height);
            Vec::new()
        }
        Action::Continued => vec![Effect::Repaint],
        Action::Work(event) => on_event(state, event),
    }
}

fn on_command(state: &mut State, command: Command) -> Vec<Effect> {
    // News holds until the next key.
    state.status = None;
    match command {
        Command::Repaint => return vec![Effect::Repaint],
        Command::Suspend => return vec![Effect::Suspend],
        Command::Quit if editor_keys::asks_before_quit(state) => return Vec::new(),
        Command::Quit => return on_quit(state),
        Command::Help => {
            let lines = text::help(state);
            state.overlays.push(Overlay::Reader {
                title: text::HELP_TITLE.to_owned(),
                lines,
                scroll: 0,
            });
            return Vec::new();
        }
        _ => {}
    }
    match state.overlays.last() {
        Some(Overlay::DropDown { .. }) => on_drop_down(state, command),
        Some(Overlay::Editor(_)) => editor_keys::on_editor(state, command),
        Some(Overlay::Find(_)) => editor_keys::on_find(state, command),
        Some(Overlay::Reader { .. }) => on_reader(state, command),
        Some(Overlay::Review(_)) => on_review(state, command),
        Some(Overlay::Question(_)) => on_question(state, command),
        Some(Overlay::Saving { cancellable, .. }) => {
            if command == Command::Cancel && *cancellable {
                vec![Effect::Work(work::Effect::CancelSave)]
            } else {
                Vec::new()
            }
        }
        None => on_form(state, command),
    }
}

// --- the form -------------------------------------------------------------------------------------------------

fn on_form(state: &mut State, command: Command) -> Vec<Effect> {
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
            let minimum = state.session.loaded_minimum(Direction::Inbound);
            return vec![Effect::Work(work::Effect::ProveLive(minimum))];
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
fn open_tab(state: &mut State, by: isize) -> Vec<Effect> {
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
    text::panel_height(state.size, super::view::notes(state).len())
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

fn on_drop_down(state: &mut State, command: Command) -> Vec<Effect> {
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

/// After the draft may have changed: the words, and the draft on disk.
pub(super) fn changed(state: &mut State, done: bool, words: &str) -> Vec<Effect> {
    state.status = Some(text::line(Tone::Text, words));
    if !done {
        return Vec::new();
    }
    let edits = state.session.edits();
    let effect = if edits.is_empty() {
        work::Effect::DropDraft
    } else {
        work::Effect::KeepDraft(edits)
    };
    vec![Effect::Work(effect)]
}

/// On the tab Peers: asks about the marked one, or all; elsewhere: the unmeasured, or all.
fn ask_probe(state: &mut State) -> Vec<Effect> {
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
        .flatten();
    let question = text::whom_question(marked);
    state.overlays.push(Overlay::Question(question));
    Vec::new()
}

// --- the lists ------------------------------------------------------------------------------------------------

/// Rows that a page moves; what the views show is never fewer.
fn page(state: &State) -> isize {
    isize::try_from(state.size.1.saturating_sub(10).max(3)).unwrap_or(3)
}

/// Moves the mark of the open list. `false`: the command is no movement.
fn move_selection(state: &mut State, command: Command, rows: usize) -> bool {
    let by = match command {
        Command::Up => -1,
        Command::Down => 1,
        Command::PageUp => -page(state),
        Command::PageDown => page(state),
        Command::First => isize::MIN,
        Command::Last => isize::MAX,
        _ => return false,
    };
    let row = state.selected().saturating_add_signed(by).min(rows.saturating_sub(1));
    state.select(row);
    true
}

fn on_variables(state: &mut State, command: Command) -> Vec<Effect> {
    let rows = state.session.variable_rows(state.tab_direction());
    if move_selection(state, command, rows.len()) {
        return Vec::new();
    }
    let Some(row) = rows.get(state.selected().min(rows.len().saturating_sub(1))) else {
        return Vec::new();
    };
    match command {
        Command::Next => return open_tab(state, 1),
        Command::Previous => return open_tab(state, -1),
        Command::Activate => return editor_keys::open(state, row),
        Command::Revert => {
            if let Some(path) = &row.path {
                let done = state.session.revert_variable(&path.clone());
                return changed(state, done, if done { text::REVERTED } else { text::AS_LOADED });
            }
            // A row without a name cannot have been changed.
            state.status = Some(text::line(Tone::Text, text::AS_LOADED));
        }
        Command::Delete => {
            if let Some(why) = detail::not_deletable(row) {
                state.status = Some(text::line(Tone::Caution, why));
            } else if let Some(path) = row.path.clone() {
                return delete(state, path);
            }
        }
        _ => {}
    }
    Vec::new()
}

fn delete(state: &mut State, path: VariablePath) -> Vec<Effect> {
    if let Some(why) = &state.read_only {
        state.status = Some(text::line(Tone::Caution, text::cannot_change(why)));
        return Vec::new();
    }
    let words = text::deleted(&path);
    let done = state.session.want(path, None);
    changed(state, done, if done { &words } else { text::AS_LOADED })
}

fn on_peers(state: &mut State, command: Command) -> Vec<Effect> {
    let rows = detail::peer_rows(state);
    let count = rows.len();
    match command {
        Command::Activate => {
            if let Some(row) = rows.get(state.selected().min(count.saturating_sub(1))) {
                let (title, lines) = detail::peer(row, state);
                state.overlays.push(Overlay::Reader {
                    title,
                    lines,
                    scroll: 0,
                });
            } else {
                state.status = Some(text::line(Tone::Text, text::PANEL_NOBODY));
            }
        }
        Command::Next => return open_tab(state, 1),
        Command::Previous => return open_tab(state, -1),
        _ => {
            move_selection(state, command, count);
        }
    }
    Vec::new()
}

fn on_backups(state: &mut State, command: Command) -> Vec<Effect> {
    let backups = state.backups.clone().unwrap_or_default();
    if move_selection(state, command, backups.len()) {
        return Vec::new();
    }
    match command {
        Command::Next => return open_tab(state, 1),
        Command::Previous => return open_tab(state, -1),
        _ => {}
    }
    let Some(backup) = backups.get(state.selected().min(backups.len().saturating_sub(1))) else {
        state.status = Some(text::line(Tone::Text, text::no_backups(state.backups.is_some())));
        return Vec::new();
    };
    if matches!(command, Command::BringBack | Command::WholeFile)
        && let Some(why) = &state.read_only
    {
        state.status = Some(text::line(Tone::Caution, text::cannot_change(why)));
        return Vec::new();
    }
    match command {
        Command::Activate => vec![Effect::Work(work::Effect::LookAtBackup(backup.id.clone()))],
        Command::BringBack => bring_back(state, backup),
        Command::WholeFile if state.session.is_dirty() => {
            state.status = Some(text::line(Tone::Caution, text::DIRTY_BEFORE_WHOLE));
            Vec::new()
        }
        Command::WholeFile => {
            state.review_wanted = true;
            state.status = Some(text::line(Tone::Text, text::LOOKING));
            vec![Effect::Work(work::Effect::InspectWhole {
                id: backup.id.clone(),
                wish: state.engine_wish,
            })]
        }
        _ => Vec::new(),
    }
}

/// Takes the changes of a save back: its inverse becomes edits on today's file, so that what others saved since stays.
fn bring_back(state: &mut State, backup: &BackupInfo) -> Vec<Effect> {
    let undo = match backup.undo() {
        Ok(edits) => edits,
        Err(error) => {
            state.status = Some(text::line(Tone::Caution, error.to_string()));
            return Vec::new();
        }
    };
    let rebased = state.session.base().rebase(&undo);
    if !rebased.conflicts.is_empty() {
        let lines = text::taken_back_lines(&rebased, &state.session.secrets());
        state.overlays.push(Overlay::Reader {
            title: text::CONFLICT_TITLE.to_owned(),
            lines,
            scroll: 0,
        });
    }
    let done = state.session.take_up(&rebased.apply);
    changed(state, done, if done { text::TAKEN_BACK } else { text::ALREADY_BACK })
}

// --- what lies over the form ----------------------------------------------------------------------------------

fn scrolled(scroll: usize, command: Command, page: isize, lines: usize) -> usize {
    let by = match command {
        Command::Up => -1,
        Command::Down => 1,
        Command::PageUp => -page,
        Command::PageDown => page,
        Command::First => isize::MIN,
        Command::Last => isize::MAX,
        _ => 0,
    };
    scroll.saturating_add_signed(by).min(lines.saturating_sub(1))
}

fn on_reader(state: &mut State, command: Command) -> Vec<Effect> {
    let (page, width) = (page(state), text::reader_width(state.size));
    if matches!(command, Command::Back | Command::Activate) {
        state.overlays.pop();
    } else if let Some(Overlay::Reader { lines, scroll, .. }) = state.overlays.last_mut() {
        let visible = text::reader_height(state.size);
        let hidden = super::wrap::height(lines, width).saturating_sub(visible);
        *scroll = scrolled(*scroll, command, page, hidden + 1);
    }
    Vec::new()
}

fn on_question(state: &mut State, command: Command) -> Vec<Effect> {
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

fn on_quit(state: &mut State) -> Vec<Effect> {
    if !state.session.is_dirty() {
        return vec![Effect::Quit];
    }
    if !matches!(state.overlays.last(), Some(Overlay::Question(_))) {
        let changes = state.session.edits().edits().len();
        state.overlays.push(Overlay::Question(text::quit_question(changes)));
    }
    Vec::new()
}

fn ask_reset(state: &mut State) {
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

// --- review and save ------------------------------------------------------------------------------------------

fn ask_review(state: &mut State) -> Vec<Effect> {
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

fn on_review(state: &mut State, command: Command) -> Vec<Effect> {
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
            let hidden = super::wrap::height(&screen.lines, usize::from(size.0.saturating_sub(2)))
                .saturating_sub(text::review_height(size, screen.boxes()));
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
        edits: screen.review.edits.clone(),
        consents: screen.review.consents.clone(),
        action: if screen.whole.is_some() { "restore" } else { "save" },
        words: screen.review.change_words(),
        proves: screen.review.inbound_after(),
        engine: state.engine_wish,
        whole: screen.whole,
        undo_after: (screen.undo == Some(true)).then_some(text::UNDO_AFTER),
    };
    state.overlays.push(Overlay::Saving {
        steps: Vec::new(),
        detail: None,
        cancellable: false,
    });
    vec![Effect::Work(work::Effect::Save(Box::new(job)))]
}

// --- what workers say -----------------------------------------------------------------------------------------

fn on_event(state: &mut State, event: Event) -> Vec<Effect> {
    match event {
        Event::EvidenceProgress { done, total } => state.scan = Scan::Running(done, total),
        Event::Evidence {
            book,
            measured,
            cancelled,
            since_save,
        } => {
            state.since_save = since_save;
            state.book = book;
            state.session.set_measured(measured);
            state.scan = if cancelled { Scan::Cancelled } else { Scan::Done };
            state.count();
        }
        Event::ProbePlanned { questions, words } => {
            state.status = None;
            if questions.is_empty() {
                state.status = Some(text::line(Tone::Text, text::NOBODY_TO_ASK));
            } else {
                state
                    .overlays
                    .push(Overlay::Question(text::probe_question(questions, &words)));
            }
        }
        Event::ProbeProgress { done, total } => {
            state.probing = (done < total).then_some((done, total));
            if state.probing.is_none() {
                state.status = Some(text::line(Tone::Text, text::probed(total)));
            }
        }
        Event::HeadersRead(words) => state.status = Some(text::line(Tone::Text, words)),
        Event::Learned(book) => {
            state.book = book;
            state.count();
        }
        Event::Proven { proof, measured } => {
            state.session.set_measured(measured);
            state.count();
            state.status = None;
            let lines = text::proof_lines(&proof, &state.session.loaded_minimum(Direction::Inbound));
            state.overlays.push(Overlay::Reader {
                title: text::PROOF_TITLE.to_owned(),
                lines,
                scroll: 0,
            });
        }
        Event::Engine(now) => state.engine = Some(now),
        Event::Facts(facts) => {
            if std::mem::take(&mut state.review_wanted) {
                state.status = None;
                show_review(state, *facts);
            }
        }
        Event::SaveStep {
            words,
            cancellable: can,
        } => {
            if let Some(Overlay::Saving {
                steps,
                detail,
                cancellable,
            }) = state.overlays.last_mut()
            {
                steps.push(words);
                *detail = None;
                *cancellable = can;
            }
        }
        Event::SaveDetail(words) => {
            if let Some(Overlay::Saving { detail, .. }) = state.overlays.last_mut() {
                *detail = Some(words);
            }
        }
        Event::Backups(backups) => state.backups = Some(backups),
        Event::BackupDifference { id, changes, count } => {
            let backups = state.backups.clone().unwrap_or_default();
            if let Some(backup) = backups.iter().find(|backup| backup.id == id) {
                let lines = text::backup_lines(backup, &changes, count);
                state.overlays.push(Overlay::Reader {
                    title: id,
                    lines,
                    scroll: 0,
                });
            }
        }
        Event::WholeFacts { id, restored, facts } => {
            if std::mem::take(&mut state.review_wanted) {
                state.status = None;
                let review = state.session.review_whole(&state.book, *facts, &restored);
                push_review(state, review, Some(id));
            }
        }
        Event::Saved(report) => return on_saved(state, *report),
        Event::NotSaved(problem) => return on_not_saved(state, *problem),
        Event::DraftFound { edits, lost, at } => {
            let question = text::draft_question(&edits, &lost, at, &state.clock);
            state.found_draft = Some(edits);
            // Below what lies there already: what recovery says (an engine that is down) is more urgent.
            state.overlays.insert(0, Overlay::Question(question));
        }
        Event::NotNamed { why, snippet } => editor_keys::not_kept(state, &why, &snippet),
        Event::Notice(words) => state.status = Some(text::line(Tone::Caution, words)),
    }
    Vec::new()
}

fn show_review(state: &mut State, mut facts: crate::session::Facts) {
    if facts.blocked.is_none() {
        facts.blocked.clone_from(&state.read_only);
    }
    match state.session.review(&state.book, facts) {
        Ok(review) => push_review(state, review, None),
        Err(error) => state.status = Some(text::line(Tone::Bad, error.to_string())),
    }
}

fn push_review(state: &mut State, review: Review, whole: Option<String>) {
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

fn close_saving(state: &mut State) {
    if matches!(state.overlays.last(), Some(Overlay::Saving { .. })) {
        state.overlays.pop();
    }
}

fn on_saved(state: &mut State, report: SaveReport) -> Vec<Effect> {
    close_saving(state);
    state.session.rebase(report.document);
    state.count();
    let mut lines: Vec<Line> = report
        .lines
        .iter()
        .map(|words| text::line(Tone::Text, words.clone()))
        .collect();
    lines.extend(
        report
            .warnings
            .iter()
            .map(|words| text::line(Tone::Caution, format!("! {words}"))),
    );
    state.summary.extend(report.lines);
    state
        .summary
        .extend(report.warnings.iter().map(|words| format!("! {words}")));
    state.status = Some(text::line(Tone::Text, text::SAVED));
    state.overlays.push(if report.to_confirm {
        Overlay::Question(text::confirm_question(lines))
    } else {
        Overlay::Reader {
            title: text::SAVED_TITLE.to_owned(),
            lines,
            scroll: 0,
        }
    });
    vec![
        Effect::Work(work::Effect::DropDraft),
        Effect::Work(work::Effect::LookAtEngine),
        Effect::Work(work::Effect::ListBackups),
    ]
}

fn on_not_saved(state: &mut State, problem: SaveProblem) -> Vec<Effect> {
    close_saving(state);
    let mut lines: Vec<Line> = problem
        .message
        .lines()
        .map(|words| text::line(Tone::Bad, words))
        .collect();
    lines.extend(text::conflict_lines(&problem.conflicts, &state.session.secrets()));
    if let Some(document) = problem.document {
        let rebased = state.session.rebase(document);
        lines.extend(text::rebase_lines(&rebased));
        state.count();
    }
    state.summary.push(text::summary_not_saved(&problem.message));
    state.status = Some(text::line(Tone::Bad, text::NOT_SAVED));
    state.overlays.push(Overlay::Reader {
        title: text::NOT_SAVED_TITLE.to_owned(),
        lines,
        scroll: 0,
    });
    vec![Effect::Work(work::Effect::LookAtEngine)]
}

/// The buttons of a question, from labels and answers.
pub(super) fn buttons(of: Vec<(String, Answer)>) -> Vec<Button> {
    of.into_iter().map(|(label, answer)| Button { label, answer }).collect()
}
