//! What is asked before something is done that cannot be taken back, or that others would notice. The first button is
//! the default and does the least.

use std::sync::Arc;

use jiff::Timestamp;

use crate::peers::{PeerKey, ReceivedBudget};
use crate::session::{EditSet, Tone, amount, change_words};
use crate::tls::{Direction, TlsVersion};
use crate::work::{self, Changed, Whom};

use super::context::Context;
use super::request::{Opening, Question, Request};
use super::wrap::{indented, line};

/// Values named in a question, and buttons of it.
const CHANGES: usize = 4;
const STAY: &str = "Stay";
const PROBE_RUNS: &str = "A probe runs already; c stops it.";
const LOOKING_WHOM: &str = "Looking whom to ask ...";
const READING_HEADERS: &str = "Reading headers of stored mail ...";
pub(super) const NOTHING_TO_RESET: &str = "There is no custom TLS variable to delete.";

fn stay() -> (String, Vec<Request>) {
    (STAY.to_owned(), Vec::new())
}

fn discard_and_quit(changes: usize) -> (String, Vec<Request>) {
    let words = format!(
        "Left without saving: {} thrown away; the file was not touched.",
        amount(changes, "change", "changes")
    );
    let requests = vec![
        Request::Summary(words),
        Request::Work(work::Effect::DropDraft),
        Request::Quit,
    ];
    ("Discard and quit".to_owned(), requests)
}

/// Leaving with changes that are not saved.
pub(super) fn quit(changes: usize) -> Question {
    Question {
        title: "Quit".to_owned(),
        lines: vec![line(
            Tone::Text,
            format!("There are unsaved changes ({changes}). The file has not been touched."),
        )],
        buttons: vec![
            stay(),
            ("Review and save".to_owned(), vec![Request::Review]),
            discard_and_quit(changes),
        ],
    }
}

/// Leaving while an editor holds something that was not applied.
pub(super) fn quit_unapplied(changes: usize) -> Question {
    let mut lines = vec![line(
        Tone::Text,
        "What is in this field is not applied yet, and would be lost.",
    )];
    let mut leave = discard_and_quit(changes);
    if changes > 0 {
        let edits = amount(changes, "change that is", "changes that are");
        lines.push(line(Tone::Text, format!("{edits} not saved would be lost too.")));
    } else {
        leave.1 = vec![Request::Quit];
    }
    Question {
        title: "Quit".to_owned(),
        lines,
        buttons: vec![stay(), leave],
    }
}

/// Deleting the custom variables, of one direction or both.
pub(super) fn ask_reset(context: &mut Context) -> Vec<Request> {
    if context.refuses_changes() {
        return Vec::new();
    }
    let mut lines = vec![line(
        Tone::Text,
        "Deletes the custom TLS variables, so that the server's own defaults hold. Nothing is written before you \
         review and save.",
    )];
    let mut buttons = vec![stay()];
    for direction in Direction::ALL {
        let names = match context.session.reset_names(direction) {
            Ok(names) => names.join(", "),
            Err(error) => {
                context.report(Tone::Bad, error.to_string());
                return Vec::new();
            }
        };
        if !names.is_empty() {
            let words = format!("{direction} ({}): {names}", direction.table());
            lines.push(indented(Tone::Text, words, 2));
            buttons.push((direction.to_string(), vec![Request::Reset(vec![direction])]));
        }
    }
    match buttons.len() {
        1 => {
            context.report(Tone::Text, NOTHING_TO_RESET);
            return Vec::new();
        }
        3 => buttons.push(("Both".to_owned(), vec![Request::Reset(Direction::ALL.to_vec())])),
        _ => {}
    }
    vec![Request::Open(Opening::Question(Question {
        title: "Reset to the server's defaults".to_owned(),
        lines,
        buttons,
    }))]
}

/// Edits of an earlier session: to be taken up or thrown away.
pub(super) fn draft(edits: EditSet, lost: &[String], at: Timestamp, context: &Context) -> Question {
    let mut lines = vec![line(
        Tone::Text,
        format!(
            "An earlier session ended with unsaved edits, made {}:",
            context.clock.date_and_time(at)
        ),
    )];
    for edit in edits.edits() {
        let value = edit
            .new
            .as_deref()
            .map_or("deleted".to_owned(), |value| format!("-> {value}"));
        lines.push(indented(Tone::Text, format!("  {} {value}", edit.path), 4));
    }
    for words in lost {
        lines.push(indented(Tone::Caution, format!("! {words}"), 2));
    }
    let mut buttons = vec![("Later".to_owned(), Vec::new())];
    if !edits.is_empty() {
        buttons.push(("Take them up".to_owned(), vec![Request::TakeUp(edits)]));
    }
    let throw_away = vec![Request::Work(work::Effect::DropDraft)];
    buttons.push(("Throw them away".to_owned(), throw_away));
    Question {
        title: "Unsaved edits found".to_owned(),
        lines,
        buttons,
    }
}

/// Whom a probe shall ask.
pub(super) fn ask_whom(marked: Option<PeerKey>, context: &mut Context) -> Vec<Request> {
    if context.probing.is_some() {
        context.report(Tone::Text, PROBE_RUNS);
        return Vec::new();
    }
    let plan = |whom| {
        vec![
            Request::Status(LOOKING_WHOM),
            Request::Work(work::Effect::PlanProbe(whom)),
        ]
    };
    let mut buttons = vec![stay()];
    if let Some(key) = marked {
        buttons.push((format!("Only {}", key.host_and_port()), plan(Whom::One(key))));
    }
    buttons.push(("Not known yet".to_owned(), plan(Whom::Unmeasured)));
    buttons.push(("All outbound".to_owned(), plan(Whom::All)));
    let inbound = vec![Request::Open(Opening::Question(read_headers()))];
    buttons.push(("Inbound: mail headers".to_owned(), inbound));
    vec![Request::Open(Opening::Question(Question {
        title: "Probe".to_owned(),
        lines: vec![line(
            Tone::Text,
            "Asks the servers that mail goes to for their highest TLS version. Or reads what stored mail says of \
             those who call this server. Nothing is done yet: the next question says what it means.",
        )],
        buttons,
    }))]
}

/// What reading stored mail means.
fn read_headers() -> Question {
    let ReceivedBudget { messages, time } = work::HEADERS;
    let read = vec![
        Request::Status(READING_HEADERS),
        Request::Work(work::Effect::Read(work::Reader::Headers)),
    ];
    Question {
        title: "Read headers of stored mail".to_owned(),
        lines: vec![
            line(
                Tone::Text,
                "This server writes into each message which TLS version the sender used. That tells what inbound \
                 servers and devices speak.",
            ),
            line(
                Tone::Text,
                format!(
                    "Reads the first 8 KiB of at most {messages} messages, newest first, for at most {} seconds; \
                     only this server's own topmost Received header is used, never a subject or a body. Nothing is \
                     written but hosts, versions and dates.",
                    time.as_secs()
                ),
            ),
        ],
        buttons: vec![stay(), ("Read them".to_owned(), read)],
    }
}

/// Which minimum will be chosen in the web administration.
pub(super) fn ask_what_to_learn() -> Question {
    let learn = |version: TlsVersion| {
        let requests = vec![Request::Close, Request::Learn(version)];
        (version.to_string(), requests)
    };
    let mut buttons = vec![stay()];
    buttons.extend(TlsVersion::MINIMUMS.map(learn));
    Question {
        title: "Learn the name of the minimum's variable".to_owned(),
        lines: vec![line(
            Tone::Text,
            "Choose another minimum in the web administration and save it there: what changed in the file is shown here. An \
                 engine may write it only when it stops; the question stays open until then. Which one will you choose?",
        )],
        buttons,
    }
}

/// What changed in the file, and which of it was the minimum.
pub(super) fn which_changed(changed: &Arc<Changed>) -> Question {
    let mut lines = vec![line(
        Tone::Text,
        format!("Changed since {} was to be chosen:", changed.chosen),
    )];
    let all = changed.changes.iter().take(CHANGES).map(change_words);
    lines.extend(all.map(|words| indented(Tone::Text, format!("  {words}"), 4)));
    if changed.count > CHANGES {
        lines.push(line(Tone::Caution, format!("  and {} more", changed.count - CHANGES)));
    }
    let log = changed.log.iter().take(3);
    lines.extend(log.map(|words| indented(Tone::Context, format!("  config.log: {words}"), 4)));
    let mut buttons = vec![("None of them".to_owned(), Vec::new())];
    buttons.extend(
        changed
            .variables
            .iter()
            .take(CHANGES)
            .enumerate()
            .map(|(index, variable)| {
                let words = format!("{}: the {}", variable.name, variable.role);
                let learned = work::Effect::Learned {
                    changed: Arc::clone(changed),
                    index,
                };
                (words, vec![Request::Work(learned)])
            }),
    );
    Question {
        title: "Which one was it?".to_owned(),
        lines,
        buttons,
    }
}

/// What asking means.
pub(super) fn probe(questions: Vec<work::Question>, words: &[String]) -> Question {
    let ask = vec![Request::Work(work::Effect::Probe(questions))];
    Question {
        title: "Probe: what it will do".to_owned(),
        lines: words
            .iter()
            .map(|words| indented(Tone::Text, words.clone(), 2))
            .collect(),
        buttons: vec![stay(), ("Ask them now".to_owned(), ask)],
    }
}
