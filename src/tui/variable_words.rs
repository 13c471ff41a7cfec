//! What is known of a variable: for its row of the list, its editor and the help.

use crate::session::{Line, Tone, VariableRow};
use crate::tls::{Advice, Direction, Weight, confirmed_toml};

use super::context::Context;
use super::words::field;
use super::wrap::{indented, line};

const DUPLICATE: &str = "it stands more than once in the file; mend that by hand first";
const LOOKALIKE: &str = "it looks like a protocol list, and nobody has said yet that it is one; Enter asks";
const NO_ROLE: &str = "the catalogue does not know what it is for, so it is shown and left alone";
const NOT_THERE: &str = "it is not in the file: the server's default holds already";
const NO_NAME: &str = "the name of its variable is not public; it can be given in kerio-tls.toml";

/// All about a variable.
#[must_use]
pub fn about(row: &VariableRow) -> (String, Vec<Line>) {
    let title = row.path.as_ref().map_or_else(
        || row.known.as_ref().map_or_else(String::new, |known| known.title.clone()),
        ToString::to_string,
    );
    let mut lines = Vec::new();
    if let Some(known) = &row.known {
        // Where there is no name it stands above already.
        if row.path.is_some() {
            lines.push(line(Tone::Heading, known.title.clone()));
        }
        lines.push(line(Tone::Text, known.help.clone()));
        lines.push(line(Tone::Text, ""));
    }
    lines.extend(facts(row));
    (title, lines)
}

/// What is known of a variable, fact by fact.
#[must_use]
pub fn facts(row: &VariableRow) -> Vec<Line> {
    let mut lines = Vec::new();
    let value = match &row.shown {
        Some(value) if value.is_empty() => "empty".to_owned(),
        Some(value) => value.clone(),
        None => "not in the file: the server's default holds".to_owned(),
    };
    lines.push(field("value", value));
    if row.dirty {
        lines.push(field("", "changed, not saved"));
    }
    if let Some(known) = &row.known {
        let name = known.name.as_deref().map_or("not known", |_| known.name_sure.words());
        lines.push(field("name", name));
        lines.push(field("default", known.default.as_deref().unwrap_or("not known")));
        lines.push(field("versions", &known.versions));
        lines.push(field("source", &known.source));
    }
    if let Some(why) = not_editable(row) {
        lines.push(field("read-only", why));
    }
    lines
}

/// Why a variable cannot be set back to the default by deleting it; `None`: it can.
#[must_use]
pub fn not_deletable(row: &VariableRow) -> Option<&'static str> {
    not_editable(row).or((row.shown.is_none()).then_some(NOT_THERE))
}

/// Why a row has no editor; `None`: it has one.
#[must_use]
pub fn not_editable(row: &VariableRow) -> Option<&'static str> {
    if row.duplicate {
        Some(DUPLICATE)
    } else if row.lookalike {
        Some(LOOKALIKE)
    } else if row.known.is_none() {
        Some(NO_ROLE)
    } else if row.path.is_none() {
        Some(NO_NAME)
    } else {
        None
    }
}

/// Advice, each piece with who says so.
pub fn advice_lines(advice: &[Advice]) -> Vec<Line> {
    advice
        .iter()
        .map(|advice| {
            let (mark, tone) = match advice.weight {
                Weight::Danger => ('x', Tone::Bad),
                Weight::Caution => ('!', Tone::Caution),
                Weight::Note => ('-', Tone::Text),
            };
            indented(tone, format!("{mark} {} [{}]", advice.text, advice.source), 2)
        })
        .collect()
}

/// Advice on a row of the list.
pub fn row_advice(context: &Context, direction: Direction, row: &VariableRow) -> Vec<Line> {
    // A role without a name says nothing of the file, unless another name of the role does.
    row.known.as_ref().map_or_else(Vec::new, |known| {
        advice_lines(&context.session.wanted().advice(direction, known.role))
    })
}

/// All that is known of a row, advice and naming included: what the help says first.
pub fn help(context: &Context, direction: Direction, row: &VariableRow) -> Vec<Line> {
    let (title, mut lines) = about(row);
    lines.insert(0, line(Tone::Heading, title));
    let advice = row_advice(context, direction, row);
    if !advice.is_empty() {
        lines.push(line(Tone::Text, ""));
        lines.push(line(Tone::Heading, "Advice"));
        lines.extend(advice);
    }
    lines.extend(naming_lines(context, direction, row));
    lines.push(line(Tone::Text, ""));
    lines
}

/// How a role without a public name is named: for the reader of such a row.
pub fn naming_lines(context: &Context, direction: Direction, row: &VariableRow) -> Vec<Line> {
    let (Some(known), Some(NO_NAME)) = (&row.known, not_editable(row)) else {
        return Vec::new();
    };
    let mut lines = vec![
        line(Tone::Text, ""),
        line(Tone::Heading, "How to name it"),
        line(
            Tone::Text,
            format!(
                "Change the setting once in the web administration and look which variable of table {} appears or \
                 changes in mailserver.cfg. Then add this to {}, with that name:",
                direction.table(),
                context.preferences
            ),
        ),
    ];
    lines.extend(snippet(&confirmed_toml(direction, "TheVariablesName", known.role)));
    lines.push(line(Tone::Text, "At the next start its editor is here."));
    lines
}

/// Lines of TOML, as they are to be typed.
pub fn snippet(toml: &str) -> Vec<Line> {
    toml.trim()
        .lines()
        .map(|words| line(Tone::Context, format!("    {words}")))
        .collect()
}
