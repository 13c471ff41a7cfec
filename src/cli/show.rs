//! `show`: the minimums and the variables behind them.

use crate::host::clock;
use crate::hostile::safe_text;
use crate::session::{Session, VariableList, VariableRow, variable_list};
use crate::tls::{Certainty, Direction, Minimum, TlsVersion};

use super::args::Output;
use super::console::{Console, columns, wrap};
use super::failure::Failure;
use super::json::{DirectionJson, ShowJson, VariableJson};
use super::opened::Opened;

/// Longest name printed, in characters. A real one has some dozens.
const NAME: usize = 200;

/// Runs `show`.
///
/// # Errors
/// [`Failure::Output`].
pub(super) fn run(opened: &Opened, output: Output, console: &mut Console<'_>) -> Result<(), Failure> {
    let engine = opened.host.engine.now();
    let session = &opened.session;
    let lists = Direction::ALL.map(|direction| {
        let VariableList { rows, left_out } = variable_list(session, direction);
        if left_out > 0 {
            console.warn(&format!(
                "table {} has so many variables that only {} of them are listed, {left_out} are not",
                direction.table(),
                rows.len()
            ));
        }
        rows
    });
    if output.json {
        let [inbound, outbound] = lists;
        return console.json(&ShowJson {
            file: opened.file(),
            engine: engine.word,
            inbound: direction_json(session, Direction::Inbound, inbound),
            outbound: direction_json(session, Direction::Outbound, outbound),
        });
    }
    let engine_words = match engine.word {
        "running" => "runs",
        "stopped" => "is stopped",
        "none" => "none on this host",
        _ => "cannot be seen, so saving is refused",
    };
    let mut lines = vec![
        opened.file(),
        format!("engine: {engine_words} (looked at {})", clock().time(engine.at)),
    ];
    for (direction, rows) in Direction::ALL.into_iter().zip(lists) {
        lines.push(String::new());
        direction_lines(session, direction, rows, &mut lines);
    }
    if let Some(difference) = session.wanted().difference() {
        lines.push(String::new());
        lines.push(format!("! {difference}"));
    }
    let columns = columns();
    let lines: Vec<String> = lines.iter().flat_map(|line| wrap(line, 6, columns)).collect();
    console.lines(&lines)
}

fn direction_json(session: &Session, direction: Direction, rows: Vec<VariableRow>) -> DirectionJson {
    let reading = session.wanted().reading(direction);
    let why = match &reading.minimum {
        Minimum::Custom(why) => Some(why.clone()),
        _ => None,
    };
    DirectionJson {
        table: direction.table(),
        minimum: reading.minimum.token(),
        why,
        protocols: reading
            .protocols
            .map(|protocols| protocols.into_iter().map(TlsVersion::token).collect()),
        variables: rows.into_iter().filter_map(variable_json).collect(),
    }
}

/// A role whose variable's name is not known has nothing that a script could use.
fn variable_json(row: VariableRow) -> Option<VariableJson> {
    let sure = row.name_sure();
    Some(VariableJson {
        name: json_name(&row.path?.variable),
        in_file: row.in_file,
        value: row.shown,
        role: row.known.map(|known| known.role.token()),
        assumed: sure == Some(Certainty::Assumed),
        name_sure: sure.map(Certainty::token),
    })
}

fn direction_lines(session: &Session, direction: Direction, rows: Vec<VariableRow>, lines: &mut Vec<String>) {
    let reading = session.wanted().reading(direction);
    let who = match direction {
        Direction::Inbound => "those who call this server: SMTP, IMAP, POP3, HTTPS",
        Direction::Outbound => "servers that this one calls: SMTP",
    };
    let minimum = match &reading.minimum {
        Minimum::Default => "server default (no variable of the file speaks of it)".to_owned(),
        Minimum::At(version) => version.to_string(),
        Minimum::Custom(why) => format!("custom: {why}"),
    };
    lines.push(format!("{direction}: {who}"));
    lines.push(format!("  minimum    {minimum}"));
    if let Some(protocols) = &reading.protocols {
        let names: Vec<String> = protocols.iter().map(ToString::to_string).collect();
        lines.push(format!("  protocols  {}", names.join(", ")));
    }
    let (named, unnamed): (Vec<VariableRow>, Vec<VariableRow>) = rows.into_iter().partition(|row| row.path.is_some());
    lines.push(format!("  table {}:", direction.table()));
    for row in &named {
        variable_lines(row, lines);
    }
    let titles: Vec<&str> = unnamed
        .iter()
        .filter_map(|row| row.known.as_ref())
        .map(|known| known.title.as_str())
        .collect();
    if !titles.is_empty() {
        lines.push(format!(
            "    The names of these variables are not public: {}. If you know one, say it once: kerio-tls config \
             --name",
            titles.join(", ")
        ));
    }
}

fn variable_lines(row: &VariableRow, lines: &mut Vec<String>) {
    let Some(path) = &row.path else { return };
    let name = safe_text(&path.variable, NAME);
    // A variable that no catalogue knows and that is not in the file cannot be here; one that is known may be missing.
    let value = match &row.shown {
        Some(value) if value.is_empty() => "(empty)",
        Some(value) => value,
        None => "(not in the file: the server's default holds)",
    };
    lines.push(format!("    {name} = {value}"));
    let mut remarks = Vec::new();
    if let Some(known) = &row.known {
        let sure = row.name_sure().map(|sure| format!(" (the name is {})", sure.words()));
        remarks.push(format!("{}{}", known.title, sure.unwrap_or_default()));
    }
    if row.lookalike {
        remarks.push(format!(
            "looks like a protocol list, but is not used as one unless you say so: set --use {name}"
        ));
    }
    if row.duplicate && row.stands > 1 {
        let mut places: Vec<String> = row.lines.iter().map(ToString::to_string).collect();
        if row.stands > places.len() {
            places.push(format!("and {} more", row.stands - places.len()));
        }
        remarks.push(format!(
            "stands more than once (lines {}): pick one by hand before it can be changed",
            places.join(", ")
        ));
    } else if row.duplicate {
        remarks.push("its table stands more than once: make it one by hand before it can be changed".to_owned());
    }
    lines.extend(remarks.iter().map(|remark| format!("      {remark}")));
}
/// In JSON a name is the file's own, so that a script can give it back; the printer escapes what a terminal would act
/// upon. Only one that is too long for a name is cut.
fn json_name(name: &str) -> String {
    if name.chars().nth(NAME).is_none() {
        name.to_owned()
    } else {
        safe_text(name, NAME)
    }
}
