//! What workers say.

use crate::session::{Line, Review, Tone};
use crate::tls::Direction;
use crate::tui::overlay::Overlay;
use crate::tui::state::{Scan, State};
use crate::tui::{editor_keys, text};
use crate::work::{self, Event, SaveProblem, SaveReport};

use super::Effect;
use super::review::{push_review, show_review};

pub(super) fn on_event(state: &mut State, event: Event) -> Vec<Effect> {
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
                let review = Review::of_whole(&state.session, &state.book, *facts, &restored, &id);
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
        Event::Kept(words) => {
            state.status = Some(text::line(Tone::Text, text::KEPT));
            // The summary says that the save would undo itself; here it says that it does not any more.
            state.summary.extend(words);
        }
        Event::Notice(words) | Event::NotStarted(words) => state.status = Some(text::line(Tone::Caution, words)),
    }
    Vec::new()
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
