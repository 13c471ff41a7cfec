//! What workers report.

use crate::session::{Line, Tone, amount};
use crate::tls::{Direction, Minimum};
use crate::work::{Asker, Event, LiveProof};

use super::context::Scan;
use super::questions;
use super::request::{Opening, Request};
use super::state::{Awaited, Effect, State};
use super::variable_words::snippet;
use super::windows::saving;
use super::wrap::{indented, line};

const NOBODY_TO_ASK: &str = "Nobody to ask: all have answered a probe already, or no outbound peer is known.";
const STILL_OPEN: &str = "Nothing changed yet. The question stays open, and is asked again at the next start.";
const KEPT: &str = "Kept: the save does not undo itself any more.";

/// Takes in what a worker reports. While a save runs, what does not answer it waits for its end.
pub(super) fn on_event(state: &mut State, asker: Asker, event: Event) -> Vec<Effect> {
    let Some(running) = state.saving.as_mut() else {
        let requests = answer(state, asker, event);
        return state.carry_answer(requests);
    };
    match event {
        Event::SaveStep { words, cancellable } if running.asked(asker) => running.step(words, cancellable),
        Event::SaveDetail(words) if running.asked(asker) => running.waits_for(words),
        Event::Saved(_) | Event::NotSaved(_) if running.asked(asker) => {
            state.saving = None;
            let mut waited = vec![(asker, event)];
            waited.append(&mut state.inbox);
            return waited
                .into_iter()
                .flat_map(|(asker, event)| on_event(state, asker, event))
                .collect();
        }
        other => state.inbox.push((asker, other)),
    }
    Vec::new()
}

fn answer(state: &mut State, asker: Asker, event: Event) -> Vec<Request> {
    let context = &mut state.context;
    match event {
        Event::EvidenceProgress { done, total } => context.scan = Scan::Running(done, total),
        Event::Evidence {
            book,
            measured,
            cancelled,
            since_save,
            refused,
        } => {
            context.since_save = since_save;
            context.refused = refused;
            context.book = book;
            context.session.set_measured(measured);
            context.scan = if cancelled { Scan::Cancelled } else { Scan::Done };
            context.count();
        }
        Event::Learned(book) => {
            context.book = book;
            context.count();
        }
        Event::Engine(now) => context.engine = Some(now),
        Event::Changed(changed) => {
            context.learning = false;
            return match changed {
                Some(changed) => vec![Request::Open(Opening::Question(questions::which_changed(&changed)))],
                None => vec![Request::Status(STILL_OPEN)],
            };
        }
        Event::Names(names) => {
            context.session.set_catalogue(names.catalogue.clone());
            context.names = Some(names);
            context.count();
        }
        Event::Backups(backups) => state.tabs.backups.found(backups),
        Event::ProbeProgress { done, total } => {
            context.probing = (done < total).then_some((done, total));
            if context.probing.is_none() {
                let peers = amount(total, "peer", "peers");
                context.report(Tone::Text, format!("Asked {peers}; the numbers hold what they said."));
            }
        }
        Event::SourceRead(words) => context.report(Tone::Text, words),
        Event::Notice(words) => context.report(Tone::Caution, words),
        Event::NotStarted(words) => {
            context.learning = false;
            context.report(Tone::Caution, words);
            if state.is_awaited(Awaited::Evidence, asker) {
                state.context.scan = Scan::Cancelled;
            }
        }
        Event::Kept(words) => {
            context.report(Tone::Text, KEPT);
            // The summary says that the save would undo itself; here it says that it does not any more.
            context.summary.extend(words);
        }
        Event::DraftFound { edits, lost, at } => {
            let question = questions::draft(edits, &lost, at, context);
            return vec![Request::Open(Opening::Question(question))];
        }
        Event::NotNamed { why, snippet } => return vec![Request::Open(not_named(&why, &snippet))],
        Event::Proven { proof, measured } => {
            context.session.set_measured(measured);
            context.session.replan();
            context.count();
            if state.is_awaited(Awaited::Proof, asker) {
                let context = &mut state.context;
                context.status = None;
                let minimum = context.session.loaded().minimum(Direction::Inbound);
                return vec![Request::Open(proven(&proof, &minimum))];
            }
        }
        Event::ProbePlanned { questions, words } => {
            if state.is_awaited(Awaited::Plan, asker) {
                if questions.is_empty() {
                    state.context.report(Tone::Text, NOBODY_TO_ASK);
                    return Vec::new();
                }
                state.context.status = None;
                let question = questions::probe(questions, &words);
                return vec![Request::Open(Opening::Question(question))];
            }
        }
        Event::BackupDifference { id, changes, count } => {
            if state.is_awaited(Awaited::Difference, asker) {
                let opening = state.tabs.backups.difference(&id, &changes, count);
                return opening.map(Request::Open).into_iter().collect();
            }
        }
        Event::Facts(facts) => return reviewed(state, asker, Opening::Review(facts)),
        Event::WholeFacts { id, restored, facts } => {
            return reviewed(state, asker, Opening::ReviewWhole { id, restored, facts });
        }
        // News of a save that has ended already.
        Event::SaveStep { .. } | Event::SaveDetail(_) => {}
        event @ (Event::Saved(_) | Event::NotSaved(_)) => return saving::end(event, context).unwrap_or_default(),
    }
    Vec::new()
}

fn reviewed(state: &mut State, asker: Asker, opening: Opening) -> Vec<Request> {
    if !state.is_awaited(Awaited::Review, asker) {
        return Vec::new();
    }
    state.context.status = None;
    vec![Request::Open(opening)]
}

/// What the server's own ports accept.
fn proven(proof: &LiveProof, minimum: &Minimum) -> Opening {
    let in_file = format!("Inbound in the file: {}", minimum);
    let mut lines = vec![line(Tone::Heading, in_file)];
    lines.extend(proof.lines().into_iter().map(|words| indented(Tone::Text, words, 4)));
    let marked = |tone, mark: char, words: &String| indented(tone, format!("{mark} {words}"), 2);
    lines.extend(proof.contradictions.iter().map(|words| marked(Tone::Bad, 'x', words)));
    lines.extend(proof.open.iter().map(|words| marked(Tone::Caution, '?', words)));
    if proof.contradictions.is_empty() && proof.open.is_empty() && matches!(minimum, Minimum::At(_)) {
        let words = "+ Every port that was asked does what the file says.";
        lines.push(line(Tone::Text, words));
    }
    Opening::Text {
        title: "What this server accepts now".to_owned(),
        lines,
    }
}

/// A name could not be kept: what to add by hand.
fn not_named(why: &str, toml: &str) -> Opening {
    let mut lines: Vec<Line> = vec![
        line(Tone::Caution, why),
        line(
            Tone::Text,
            "It counts until you leave. To make it last, add this to the file by hand:",
        ),
    ];
    lines.extend(snippet(toml));
    Opening::Text {
        title: "The name is not kept".to_owned(),
        lines,
    }
}
