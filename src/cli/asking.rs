//! `peers --probe`: asks the peers of the book, after saying what that means and getting a yes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::peers::PeerBook;
use crate::probe::Cancel;
use crate::work::{self, Asked, Question, hold_signals};

use super::args::{Peers, WhomArgument};
use super::console::{Console, can_ask};
use super::failure::Failure;
use super::opened::Opened;

/// How soon a signal ends the asking.
const TICK: Duration = Duration::from_millis(50);

/// Refuses a command line that could only end in nobody being asked; before anything is read.
///
/// # Errors
/// [`Failure::Usage`].
pub(super) fn can_be_answered(peers: &Peers) -> Result<(), Failure> {
    if peers.probe.is_none() || peers.yes {
        return Ok(());
    }
    if peers.output.json {
        return Err(Failure::Usage(
            "--json asks no questions: add --yes to probe the peers".to_owned(),
        ));
    }
    if can_ask() {
        return Ok(());
    }
    Err(Failure::Usage(
        "there is no terminal to ask on: add --yes to probe the peers".to_owned(),
    ))
}

/// Asks whom the command line names, and takes in and remembers what they answer. The book with it.
///
/// # Errors
/// [`Failure::Refused`] without a yes; [`Failure::NotSaved`] when a signal ended it: what was heard until then is remembered.
pub(super) fn ask_peers(
    opened: &mut Opened,
    book: PeerBook,
    whom: WhomArgument,
    peers: &Peers,
    console: &mut Console<'_>,
) -> Result<PeerBook, Failure> {
    let questions = work::questions(&opened.host, &book, whom == WhomArgument::Unknown);
    if questions.is_empty() {
        console.tell("Nobody is left to ask; --probe=all asks again.");
        return Ok(book);
    }
    let plan = work::probe_plan(&opened.host, &questions).words;
    // Whoever is asked sees the page; a script's page is its own.
    if peers.yes {
        plan.iter().for_each(|words| console.tell(words));
    } else {
        console.lines(&plan)?;
        if !console.ask("Ask them?")? {
            return Err(Failure::Refused("you did not say yes; nobody was asked".to_owned()));
        }
    }
    let (asked, stopped) = until_a_signal(opened, &questions)?;
    for record in asked.records {
        opened.sources.learn(record);
    }
    if stopped {
        asked.problems.iter().for_each(|problem| console.warn(problem));
        return Err(Failure::NotSaved(
            "a signal ended the probe; what was answered until then is kept, the others were not asked".to_owned(),
        ));
    }
    let mut book = opened.sources.book(&opened.host);
    book.warnings.extend(asked.problems);
    Ok(book)
}

/// Asks; a signal ends it, and what was heard counts all the same.
fn until_a_signal(opened: &Opened, questions: &[Question]) -> Result<(Asked, bool), Failure> {
    let failed = |error: std::io::Error| Failure::NotSaved(format!("the probe could not be made: {error}"));
    let stop = hold_signals().map_err(failed)?;
    let cancel = Cancel::new().map_err(failed)?;
    let done = AtomicBool::new(false);
    let asked = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                if stop.load(Ordering::SeqCst) {
                    cancel.cancel();
                }
                std::thread::sleep(TICK);
            }
        });
        let asked = work::probe(&opened.host, questions, &cancel, |_| {});
        done.store(true, Ordering::SeqCst);
        asked
    });
    Ok((asked, cancel.is_cancelled()))
}
