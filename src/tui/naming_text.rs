//! Giving a role's variable its name: how to find it out, the question, and what was kept.

use crate::session::{Line, Tone, VariableRow};
use crate::tls::{Direction, Role, confirmed_toml, lookalike_role};

use super::editor::not_editable;
use super::editor_text::NO_NAME;
use super::overlay::{Answer, Question, buttons};
use super::state::State;
use super::text::line;

/// How a role without a public name is named: for the reader of such a row.
pub(super) fn naming_lines(state: &State, direction: Direction, row: &VariableRow) -> Vec<Line> {
    let (Some(known), Some(NO_NAME)) = (&row.known, not_editable(row)) else {
        return Vec::new();
    };
    let mut lines = vec![
        line(Tone::Text, ""),
        line(Tone::Heading, "How to name it"),
        line(
            Tone::Text,
            format!(
                "Change the setting once in the web administration and look which variable of table {} appears or changes in mailserver.cfg. Then add this to {}, with that name:",
                direction.table(),
                state.preferences
            ),
        ),
    ];
    lines.extend(snippet(&confirmed_toml(direction, "TheVariablesName", known.role)));
    lines.push(line(Tone::Text, "At the next start its editor is here."));
    lines
}

/// Lines of TOML, as they are to be typed.
pub(super) fn snippet(toml: &str) -> Vec<Line> {
    toml.trim()
        .lines()
        .map(|words| line(Tone::Context, format!("    {words}")))
        .collect()
}

/// Shall a variable that looks like a list be used as one? Not by itself: it may mean the opposite.
pub(super) fn naming_question(state: &State, direction: Direction, row: &VariableRow) -> Option<Question> {
    let path = row.path.as_ref()?;
    let wanted = state.session.wanted();
    let pair = wanted.pairs(direction).iter().find(|pair| pair.name == path.variable)?;
    let role = lookalike_role(&path.variable, &pair.value)?;
    let shown = row.shown.clone().unwrap_or_default();
    let mut lines = vec![
        line(Tone::Text, format!("{} = {shown}", path.variable)),
        line(
            Tone::Text,
            format!("It looks like the {role}, but neither the vendor's text nor the catalogue knows it."),
        ),
        line(
            Tone::Caution,
            "! It can mean the opposite: a list of what is denied, or a highest instead of a lowest version. Raising the minimum would then let old versions in, or stop TLS.",
        ),
    ];
    if let Some(other) = state.session.wanted().role_pairs(direction, role).first() {
        lines.push(line(
            Tone::Caution,
            format!(
                "! {} plays this role already: then both are written, and both must agree.",
                other.name
            ),
        ));
    }
    lines.push(line(
        Tone::Text,
        format!(
            "Yes only if you know it (the web administration changes it, or a handshake shows its effect). It is noted once in {}; nothing is written to mailserver.cfg.",
            state.preferences
        ),
    ));
    Some(Question {
        title: "What is this variable?".to_owned(),
        lines,
        buttons: buttons(vec![
            ("No, leave it alone".to_owned(), Answer::Stay),
            (
                format!("Yes, it is the {role}"),
                Answer::Name {
                    direction,
                    name: path.variable.clone(),
                    role,
                },
            ),
        ]),
        focus: 0,
    })
}

/// After naming.
pub(super) fn named(name: &str, role: Role) -> String {
    format!("{name} is used as the {role} from now on.")
}
