//! `watch`: who really connects, and with what.

use crate::host::clock;
use crate::session::{Clock, amount};
use crate::work::{self, OwnHello, Row, RowKey, Rows};

use super::args::{Arguments, Watch};
use super::console::Console;
use super::failure::Failure;
use super::json::{OwnHelloJson, WireJson};
use super::peers::aligned;

/// From this column on there are numbers.
const FIRST_NUMBER: usize = 5;

/// Runs `watch`.
///
/// # Errors
/// [`Failure`].
pub(super) fn run(_: &Arguments, watch: &Watch, console: &mut Console<'_>) -> Result<(), Failure> {
    let captured = work::read_capture(&watch.read, &watch.own).map_err(Failure::NotSaved)?;
    captured.notes.iter().for_each(|words| console.note(words));
    captured.warnings.iter().for_each(|words| console.warn(words));
    let rows = &captured.rows;
    if watch.output.json {
        for (key, row) in rows.sorted() {
            console.json(&WireJson::new(key, row))?;
        }
        for hello in work::own_hellos(rows) {
            console.json(&OwnHelloJson::from(&hello))?;
        }
        return Ok(());
    }
    console.lines(&table(rows, &clock()))
}

/// The rows, inbound first, and below them what our own side offers.
fn table(rows: &Rows, clock: &Clock) -> Vec<String> {
    let sorted = rows.sorted();
    if sorted.is_empty() {
        return vec!["No TLS handshake of a mail service was seen.".to_owned()];
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
    table.extend(sorted.iter().map(|(key, row)| cells(key, row, clock)));
    let mut lines = aligned(&table, FIRST_NUMBER);
    lines.push(String::new());
    lines.extend(work::own_hellos(rows).iter().map(|hello| own_words(hello, clock)));
    lines.push(format!(
        "{} of programs at addresses.",
        amount(sorted.len(), "row", "rows")
    ));
    lines
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
