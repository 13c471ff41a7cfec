//! `peers`: who we exchange mail with, held against a minimum; `--probe` asks them first, after saying what that means
//! and getting a yes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::host::clock;
use crate::peers::{Assessed, Impact, PeerBook, PeersFile, PeersFileEntry, Threshold, assess, cut_off_domains};
use crate::session::{Clock, Session, amount, amounts, coverage_words, evidence_words, words_of};
use crate::tls::{Direction, TlsVersion};
use crate::work::Cancel;
use crate::work::{self, Asked, Question, hold_signals};

use super::args::{Peers, WhomArgument};
use super::console::{Console, can_ask, cut};
use super::failure::Failure;
use super::json::{CoverageJson, PeerJson, PeersJson, RefusedJson, SinceSaveJson, TroubleJson};
use super::opened::Opened;

/// Most characters of a peer's names in the table; JSON has them all.
const NAMES: usize = 40;
/// From this column on there are numbers.
const FIRST_NUMBER: usize = 6;

/// Runs `peers`.
///
/// # Errors
/// [`Failure::Output`].
pub(super) fn run(opened: &mut Opened, peers: Peers, console: &mut Console<'_>) -> Result<(), Failure> {
    can_be_answered(&peers)?;
    for reader in peers.readers() {
        let never = AtomicBool::new(false);
        match reader.read(&opened.host, &opened.document, &never) {
            Ok((records, words)) => {
                // They count in this run also where they could not be remembered.
                records.into_iter().for_each(|record| opened.sources.learn(record));
                console.warn(&words);
            }
            Err(words) => console.warn(&words),
        }
    }
    let mut book = opened.gather();
    if let Some(whom) = peers.probe {
        book = ask_peers(opened, book, whom, &peers, console)?;
    }
    let session = &opened.session;
    if peers.since_save {
        return since_save(opened, &book, peers.output.json, console);
    }
    if peers.export {
        // The file has its own warnings: what it could not hold must not go unseen.
        book.warnings.iter().for_each(|warning| console.warn(warning));
        let Clock { now, zone } = clock();
        let entry = |peer| {
            let known = PeersFileEntry::from_peer(peer, &zone);
            known.unwrap_or_else(|| PeersFileEntry::unknown(peer, now, &zone))
        };
        let entries: Vec<PeersFileEntry> = book.peers.iter().map(entry).collect();
        return console.text(&PeersFile::write(&entries));
    }
    if peers.output.json {
        return console.json(&json(session, &book, peers.min));
    }
    for warning in book.warnings.iter().chain(&nobody(&book)) {
        console.warn(warning);
    }
    console.lines(&table(session, &book, peers.min, &clock()))
}

/// Whose mail is delayed or failing since the last save.
fn since_save(opened: &Opened, book: &PeerBook, json: bool, console: &mut Console<'_>) -> Result<(), Failure> {
    let Some((since, troubles)) = &opened.since_save else {
        if json {
            return console.json(&SinceSaveJson {
                since: None,
                newest_line: None,
                peers: Vec::new(),
                refused: None,
            });
        }
        return console.lines(&["Nothing was saved with kerio-tls yet, so there is no time to count from.".to_owned()]);
    };
    book.warnings.iter().for_each(|warning| console.warn(warning));
    if json {
        let peers = troubles.iter().map(TroubleJson::from).collect();
        let refused = opened.refused.as_ref();
        return console.json(&SinceSaveJson {
            since: Some(since.to_string()),
            newest_line: book.logs_to.map(|newest| newest.to_string()),
            peers,
            refused: refused.map(|refused| refused.clients.iter().map(RefusedJson::from).collect()),
        });
    }
    let clock = clock();
    if let Some(refused) = &opened.refused {
        console.lines(&refused.lines(&clock))?;
    }
    // A log that ends before the save says nothing of what came after it.
    if troubles.is_empty() && book.logs_to.is_none_or(|newest| newest < *since) {
        let newest = book.logs_to.map_or_else(
            || "no mail log was read".to_owned(),
            |newest| format!("the newest line of the mail log is of {}", clock.date_and_time(newest)),
        );
        return console.lines(&[format!(
            "Since the save of {}: not known yet whose mail is delayed or failing; {newest}.",
            clock.date_and_time(*since)
        )]);
    }
    let mut lines = vec![format!(
        "Since the save of {}: {} delayed or failing.",
        clock.date_and_time(*since),
        amount(troubles.len(), "peer", "peers")
    )];
    for trouble in troubles {
        let many = if trouble.at_least { "at least " } else { "" };
        let worked = trouble.worked_since.map_or_else(String::new, |at| {
            format!("; it worked again {}", clock.date_and_time(at))
        });
        lines.push(format!(
            "  {}  {many}{} ({}), last {}{worked}: {}",
            trouble.peer.host_and_port(),
            amount(trouble.count, "message", "messages"),
            trouble.novelty(),
            clock.date_and_time(trouble.last),
            trouble.status
        ));
    }
    console.lines(&lines)
}

/// What the peers of a direction are held against: what was asked for, else what the file says.
fn impact<'a>(
    session: &Session,
    book: &'a PeerBook,
    direction: Direction,
    minimum: Option<TlsVersion>,
) -> (Threshold, Impact<'a>) {
    let threshold = minimum.map_or_else(
        || session.threshold(direction, &session.loaded().minimum(direction)),
        Threshold::At,
    );
    (threshold, assess(book, direction, threshold))
}

pub(super) fn json(session: &Session, book: &PeerBook, minimum: Option<TlsVersion>) -> PeersJson {
    let (_, outbound) = impact(session, book, Direction::Outbound, minimum);
    let (_, inbound) = impact(session, book, Direction::Inbound, minimum);
    let [of_inbound, of_outbound] = Direction::ALL.map(|direction| session.loaded().minimum(direction).token());
    PeersJson {
        minimum: match minimum {
            Some(version) => Some(version.token()),
            None => (of_inbound == of_outbound).then_some(of_inbound),
        },
        window_days: book.window_days,
        peers: outbound.rows.iter().chain(&inbound.rows).map(PeerJson::from).collect(),
        coverage: CoverageJson {
            outbound: outbound.coverage.into(),
            inbound: inbound.coverage.into(),
        },
        warnings: book.warnings.iter().cloned().chain(nobody(book)).collect(),
        cut_off_domains: cut_off_domains(book, &outbound)
            .into_iter()
            .map(str::to_owned)
            .collect(),
    }
}

/// Knowing nobody is not the same as nobody being cut off.
fn nobody(book: &PeerBook) -> Vec<String> {
    [Direction::Outbound, Direction::Inbound]
        .into_iter()
        .filter(|direction| !book.peers.iter().any(|peer| peer.key.direction == *direction))
        .map(|direction| {
            format!(
                "{}: no peer is known at all, neither from the logs nor from a peers file",
                direction.token()
            )
        })
        .collect()
}

pub(super) fn table(session: &Session, book: &PeerBook, minimum: Option<TlsVersion>, clock: &Clock) -> Vec<String> {
    let directions = [Direction::Outbound, Direction::Inbound];
    // Two columns that are all 0 on most days would only make the lines too long.
    let troubled = book.peers.iter().any(|peer| peer.delayed + peer.failed > 0);
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut closing: Vec<String> = Vec::new();
    let mut remarks: Vec<String> = Vec::new();
    for direction in directions {
        let (threshold, impact) = impact(session, book, direction, minimum);
        rows.extend(impact.rows.iter().map(|row| cells(row, clock, troubled)));
        remarks.extend(impact.rows.iter().filter_map(|row| {
            let label = row.peer.key.host_and_port();
            row.peer.remark().map(|words| format!("  {label}: {words}"))
        }));
        let held = match (minimum, threshold) {
            (None, Threshold::NotKnown) => {
                let says = session.loaded().minimum(direction);
                format!("the file says {says}, and what that does is not known: hold them against a version with --min")
            }
            (_, Threshold::At(version)) => format!("held against {version}"),
            (Some(version), _) => format!("held against {version}"),
        };
        closing.push(format!(
            "{direction}: {}; {}; {held}",
            coverage_words(&impact.coverage, clock),
            amounts(&impact.counts, |_, _| true)
        ));
        let domains = cut_off_domains(book, &impact);
        if direction == Direction::Outbound && !domains.is_empty() {
            closing.push(format!("Whole domains cut off: {}", domains.join(", ")));
        }
    }
    let mut lines = Vec::new();
    if !rows.is_empty() {
        let mut head = vec!["", "verdict", "host", "names", "highest", "evidence", "messages"];
        if troubled {
            head.extend(["delayed", "failed"]);
        }
        let head = head.into_iter().map(str::to_owned).collect();
        lines = aligned(&[vec![head], rows].concat(), FIRST_NUMBER);
        lines.push(String::new());
    }
    if !remarks.is_empty() {
        lines.push("What remote servers said about TLS in the log, word for word (hints, no evidence):".to_owned());
        lines.extend(remarks);
        lines.push(String::new());
    }
    lines.extend(closing);
    lines.push(match book.logs_to {
        Some(_) => format!("Messages are of the last {}.", amount(book.window_days, "day", "days")),
        None => "No line of a mail log was read, so no messages are counted.".to_owned(),
    });
    lines
}

fn cells(row: &Assessed<'_>, clock: &Clock, troubled: bool) -> Vec<String> {
    let key = &row.peer.key;
    let verdict = words_of(row.verdict);
    let mut cells = vec![
        key.direction.token().to_owned(),
        format!("{} {}", verdict.mark, verdict.word),
        key.host_and_port(),
        cut(&row.peer.names.join(", "), NAMES),
        row.highest
            .map_or_else(|| "-".to_owned(), |version| version.to_string()),
        row.decisive.map_or_else(
            || "-".to_owned(),
            |record| evidence_words(record.source, record.last_seen, clock),
        ),
        row.peer.messages.to_string(),
    ];
    if troubled {
        cells.extend([row.peer.delayed.to_string(), row.peer.failed.to_string()]);
    }
    cells
}

/// Columns as wide as their widest cell, those of numbers (from this one on) to the right.
pub(super) fn aligned(rows: &[Vec<String>], first_number: usize) -> Vec<String> {
    let mut widths = vec![0_usize; rows.first().map_or(0, Vec::len)];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    rows.iter()
        .map(|row| {
            let padded = widths.iter().zip(row).enumerate().map(|(at, (width, cell))| {
                if at >= first_number {
                    format!("{cell:>width$}")
                } else {
                    format!("{cell:<width$}")
                }
            });
            padded.collect::<Vec<_>>().join("  ")
        })
        .collect()
}

/// How soon a signal ends the asking.
const TICK: Duration = Duration::from_millis(50);

/// Refuses a command line that could only end in nobody being asked; before anything is read.
///
/// # Errors
/// [`Failure::Usage`].
fn can_be_answered(peers: &Peers) -> Result<(), Failure> {
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
/// [`Failure::Refused`] without a yes; [`Failure::NotSaved`] when a signal ended it: what was heard until then is
/// remembered.
fn ask_peers(
    opened: &mut Opened,
    book: PeerBook,
    whom: WhomArgument,
    peers: &Peers,
    console: &mut Console<'_>,
) -> Result<PeerBook, Failure> {
    let questions = work::questions(&opened.host, &book, whom == WhomArgument::Unknown);
    if questions.is_empty() {
        console.note("Nobody is left to ask; --probe=all asks again.");
        return Ok(book);
    }
    let plan = work::probe_plan(&opened.host, &questions).words;
    // Whoever is asked sees the page; a script's page is its own.
    if peers.yes {
        plan.iter().for_each(|words| console.note(words));
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
