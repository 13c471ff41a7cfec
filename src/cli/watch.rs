//! `watch`: who really connects, and with what.

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::host::clock;
use crate::session::{Clock, amount};
use crate::work::{self, OwnHello, Row, RowKey, Rows, Seen, WatchPlan, WatchServiceError};

use super::args::{Arguments, Watch, WatchArgument};
use super::console::Console;
use super::failure::Failure;
use super::json::{OwnHelloJson, WatchJson, WireJson, second};
use super::opened::Opened;
use super::peers::aligned;

/// From this column on there are numbers.
const FIRST_NUMBER: usize = 5;

/// How long the service watches, if nothing is said.
const USUAL: Duration = Duration::from_secs(14 * 86_400);
/// Lines of a terminal that the table leaves free: the head, and what stands below it.
const FREE: usize = 6;

/// Runs `watch`.
///
/// # Errors
/// [`Failure`].
pub(super) fn run(arguments: &Arguments, watch: &Watch, console: &mut Console<'_>) -> Result<(), Failure> {
    match (watch.service, &watch.read) {
        (Some(WatchArgument::Start), _) => start(watch, console),
        (Some(WatchArgument::Stop), _) => {
            work::stop_watch_service().map_err(failed)?;
            console.lines(&["The watch is stopped; what it has seen stays: kerio-tls watch status".to_owned()])
        }
        (Some(WatchArgument::Status), _) => status(arguments, watch, console),
        (None, Some(path)) => capture(path, watch, console),
        (None, None) => live(arguments, watch, console),
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: WatchServiceError) -> Failure {
    Failure::NotSaved(error.to_string())
}

fn start(watch: &Watch, console: &mut Console<'_>) -> Result<(), Failure> {
    let span = watch.span.unwrap_or(USUAL);
    let service = work::start_watch_service(span).map_err(failed)?;
    let until = clock().date_and_time(Timestamp::now() + jiff::SignedDuration::try_from(span).unwrap_or_default());
    let mut lines = vec![
        format!(
            "The watch runs until {until}, as {} and not as root. It keeps:",
            work::WATCH_UNIT
        ),
        "addresses, services, versions offered and agreed, refusals, the mark of the program (JA4), counts and times."
            .to_owned(),
        "Never payload, users, subjects or server names. Seen: kerio-tls watch status; ended: kerio-tls watch stop"
            .to_owned(),
    ];
    let packaged = if service.packaged {
        "It is not enabled"
    } else {
        "It is a transient unit"
    };
    lines.push(format!("{packaged}: a reboot ends it."));
    console.lines(&lines)
}

/// Does it run, and what has it seen? Where there is a file of the mail server, its logs tell whose clients these are.
fn status(arguments: &Arguments, watch: &Watch, console: &mut Console<'_>) -> Result<(), Failure> {
    let service = work::watch_service();
    let (word, words) = match &service {
        Ok(service) if service.runs => ("running", "The watch runs.".to_owned()),
        Ok(service) => match &service.failure {
            Some(why) => (
                "failed",
                format!(
                    "The watch ended in a failure ({why}): journalctl -u {}",
                    work::WATCH_UNIT
                ),
            ),
            None => ("stopped", "The watch does not run.".to_owned()),
        },
        Err(error) => ("none", error.to_string()),
    };
    let mut opened = Opened::open(arguments, console)?;
    opened.gather();
    let sources = &opened.sources;
    let kept = &sources.sightings().kept;
    if watch.output.json {
        console.json(&WatchJson {
            service: word,
            since: kept.since.map(second),
            until: kept.until.map(second),
            lost: kept.lost,
            rows: kept.rows.len(),
        })?;
        for (key, row) in kept.rows.sorted() {
            console.json(&WireJson::new(key, row, sources.is_stranger(key)))?;
        }
        return own_hellos(&kept.rows, console);
    }
    let clock = clock();
    let mut lines = vec![words];
    if let (Some(since), Some(until)) = (kept.since, kept.until) {
        lines.push(format!(
            "Seen from {} to {}.",
            clock.date_and_time(since),
            clock.date_and_time(until)
        ));
    }
    if kept.lost > 0 {
        lines.push(format!(
            "{} packets were lost on the way: whoever is not listed may have called all the same.",
            kept.lost
        ));
    }
    if kept.rows.overflowed > 0 {
        lines.push(work::overflow_words(kept.rows.overflowed));
    }
    let (strangers, known): (Vec<_>, Vec<_>) = kept
        .rows
        .sorted()
        .into_iter()
        .partition(|(key, _)| sources.is_stranger(key) == Some(true));
    lines.extend(listed(&known, &clock));
    if !strangers.is_empty() {
        lines.push(String::new());
        lines.push(
            "Never logged in and sent no mail, as far as the logs know (crawlers, scanners, who was always refused):"
                .to_owned(),
        );
        lines.extend(listed(&strangers, &clock));
    }
    lines.extend(own_lines(&kept.rows, &clock));
    console.lines(&lines)
}

fn capture(path: &Path, watch: &Watch, console: &mut Console<'_>) -> Result<(), Failure> {
    let captured = work::read_capture(path, &watch.own).map_err(Failure::NotSaved)?;
    captured.notes.iter().for_each(|words| console.note(words));
    captured.warnings.iter().for_each(|words| console.warn(words));
    let rows = &captured.rows;
    if watch.output.json {
        for (key, row) in rows.sorted() {
            console.json(&WireJson::new(key, row, None))?;
        }
        return own_hellos(rows, console);
    }
    console.lines(&table(rows, usize::MAX, &clock()))
}

fn own_hellos(rows: &Rows, console: &mut Console<'_>) -> Result<(), Failure> {
    work::own_hellos(rows)
        .iter()
        .try_for_each(|hello| console.json(&OwnHelloJson::from(hello)))
}

/// Watches until Ctrl-C or the end of the time: a table that is drawn anew, or a line for each new row.
fn live(arguments: &Arguments, watch: &Watch, console: &mut Console<'_>) -> Result<(), Failure> {
    let is_service = watch.into.is_some();
    let into = match (&watch.into, watch.keep) {
        (Some(directory), _) => Some(directory.clone()),
        (None, true) => {
            Some(work::make_watch_directory(&arguments.general.host_options().home).map_err(Failure::NotSaved)?)
        }
        (None, false) => None,
    };
    let plan = WatchPlan { into, span: watch.span };
    let size = io::stdout()
        .is_terminal()
        .then(rows_of_terminal)
        .flatten()
        .filter(|_| !watch.output.json);
    let mut begins = !is_service;
    let mut lost = 0;
    let mut last = None;
    work::watch(&plan, &mut |seen| {
        if std::mem::take(&mut begins) {
            console.note("Watching the first messages of TLS handshakes on all interfaces; Ctrl-C ends it.");
        }
        lost = seen.lost;
        let shown = match (is_service, size) {
            (true, _) => Ok(()),
            (false, Some(lines)) => {
                let page = table(seen.rows, lines.saturating_sub(FREE), &clock());
                console.own("\x1b[H\x1b[J").and_then(|()| console.lines(&page))
            }
            (false, None) => new_rows(seen, watch.output.json, console),
        };
        last = (!is_service && size.is_none()).then(|| seen.rows.clone());
        shown.map_err(io::Error::other)
    })
    .map_err(|error| Failure::NotSaved(error.to_string()))?;
    if lost > 0 {
        let packets = amount(
            usize::try_from(lost).unwrap_or(usize::MAX),
            "packet was",
            "packets were",
        );
        console.warn(&format!(
            "{packets} lost on the way here: whoever is not listed may have called all the same"
        ));
    }
    match last {
        Some(rows) if watch.output.json => own_hellos(&rows, console),
        Some(rows) => console.lines(&own_lines(&rows, &clock())),
        None => Ok(()),
    }
}

fn new_rows(seen: &Seen<'_>, json: bool, console: &mut Console<'_>) -> Result<(), Failure> {
    for key in seen.settled {
        let Some(row) = seen.rows.get(key) else { continue };
        if json {
            console.json(&WireJson::new(key, row, None))?;
        } else {
            console.lines(&[cells(key, row, &clock()).join("  ")])?;
        }
    }
    Ok(())
}

fn rows_of_terminal() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    Some(usize::from(size.ws_row)).filter(|rows| *rows > FREE)
}

/// The rows, inbound first, and below them what our own side offers.
fn table(rows: &Rows, most: usize, clock: &Clock) -> Vec<String> {
    let mut sorted = rows.sorted();
    let all = sorted.len();
    if sorted.is_empty() {
        return vec!["No TLS handshake of a mail service was seen.".to_owned()];
    }
    if all > most {
        // Where not all fit, those seen last.
        sorted.sort_by_key(|(_, row)| std::cmp::Reverse(row.last));
        sorted.truncate(most);
        sorted.sort_by_key(|(key, _)| **key);
    }
    let mut lines = listed(&sorted, clock);
    lines.push(String::new());
    lines.extend(own_lines(rows, clock));
    lines.push(format!(
        "{} of programs at addresses.{}",
        amount(all, "row", "rows"),
        if all > most { " Shown are those seen last." } else { "" }
    ));
    lines
}

fn listed(rows: &[(&RowKey, &Row)], clock: &Clock) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let head = [
        "",
        "service",
        "address",
        "offers",
        "agreed",
        "hellos",
        "refused",
        "last",
        "program (JA4)",
    ];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    table.extend(rows.iter().map(|(key, row)| cells(key, row, clock)));
    aligned(&table, FIRST_NUMBER)
}

fn own_lines(rows: &Rows, clock: &Clock) -> Vec<String> {
    let hellos = work::own_hellos(rows);
    hellos.iter().map(|hello| own_words(hello, clock)).collect()
}

fn cells(key: &RowKey, row: &Row, clock: &Clock) -> Vec<String> {
    let version = |version: Option<crate::tls::TlsVersion>| version.map_or_else(|| "-".to_owned(), |v| v.to_string());
    let service = row
        .service
        .map_or_else(|| "port".to_owned(), |service| service.to_string());
    let refused = match (row.refusals(), row.reason()) {
        (0, _) | (_, None) => "0".to_owned(),
        (count, Some(reason)) => format!("{count} ({})", reason.token()),
    };
    vec![
        key.direction.token().to_owned(),
        format!("{service} {}", key.port),
        key.address.to_string(),
        version(row.max),
        version(row.highest_negotiated()),
        row.hellos.to_string(),
        refused,
        clock.date_and_time(row.last),
        row.ja4.map_or_else(|| "-".to_owned(), |mark| mark.to_string()),
    ]
}

fn own_words(hello: &OwnHello, clock: &Clock) -> String {
    let offers = match (&hello.offers, hello.max) {
        (Some(versions), _) => {
            let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
            format!("offers {}", versions.join(", "))
        }
        (None, Some(max)) => format!("offers at most {max} (how low it goes, its hello does not show)"),
        (None, None) => "offers what its hello did not show".to_owned(),
    };
    format!(
        "A program on this side {offers} to other mail servers: {}, last {}.",
        amount(usize::try_from(hello.hellos).unwrap_or(usize::MAX), "hello", "hellos"),
        clock.date_and_time(hello.last)
    )
}
