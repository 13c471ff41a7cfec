//! What keys do on every tab: undo and redo, the review, the search, and what workers are asked for.

use crate::session::Tone;
use crate::work;

use super::context::{Context, Scan};
use super::keys::Command;
use super::questions;
use super::request::{Opening, Request};
use super::words;

const UNDONE: &str = "Undone.";
const NOTHING_TO_UNDO: &str = "Nothing to undo.";
const REDONE: &str = "Done again.";
const NOTHING_TO_REDO: &str = "Nothing to redo.";
const ASKING_OWN_PORTS: &str = "Asking this server's own ports ...";

/// Carries a command out; `None`: it is one of the open tab.
pub(super) fn on(command: Command, context: &mut Context) -> Option<Vec<Request>> {
    Some(match command {
        Command::Undo => {
            let done = context.session.undo();
            context.changed(done, if done { UNDONE } else { NOTHING_TO_UNDO })
        }
        Command::Redo => {
            let done = context.session.redo();
            context.changed(done, if done { REDONE } else { NOTHING_TO_REDO })
        }
        Command::Review => review(context),
        Command::Find => vec![Request::Open(Opening::Find)],
        Command::Reset => questions::ask_reset(context),
        Command::Confirm => vec![Request::Work(work::Effect::Confirm)],
        Command::Refresh => {
            context.scan = Scan::Running(0, 0);
            vec![
                Request::Work(work::Effect::GatherEvidence),
                Request::Work(work::Effect::CheckEngine),
            ]
        }
        Command::Prove => {
            context.report(Tone::Text, ASKING_OWN_PORTS);
            let expected = context.session.loaded().expected();
            vec![Request::Work(work::Effect::ProveLive(expected))]
        }
        Command::Cancel if context.probing.is_some() => vec![Request::Work(work::Effect::CancelProbe)],
        Command::Cancel if context.learning => vec![Request::Work(work::Effect::CancelLearn)],
        Command::Cancel if matches!(context.scan, Scan::Running(..)) => {
            vec![Request::Work(work::Effect::CancelEvidence)]
        }
        _ => return None,
    })
}

/// Finds out about file and engine for the review of what is changed.
pub(super) fn review(context: &mut Context) -> Vec<Request> {
    if !context.session.is_dirty() {
        context.report(Tone::Text, words::NOTHING_TO_SAVE);
        return Vec::new();
    }
    context.report(Tone::Text, words::LOOKING);
    let wish = context.engine_wish;
    // A minimum must not become a maximum: whether the server speaks TLS 1.3 is asked before a list is written without it.
    let runs = context.engine.as_ref().is_some_and(|engine| engine.word == "running");
    let asks = runs && context.session.may_switch_off_tls13();
    let ports = asks.then(|| context.session.loaded().expected());
    vec![Request::Work(work::Effect::Inspect { wish, ports })]
}
