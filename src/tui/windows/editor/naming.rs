//! Whether a variable that looks like a protocol list shall be used as one.

use crate::session::{Tone, VariableRow};
use crate::tls::{Direction, lookalike_role};
use crate::tui::context::Context;
use crate::tui::request::{Question, Request};
use crate::tui::wrap::line;

/// Asks, because it is not to be done by itself: the variable may mean the opposite.
pub(super) fn question(context: &Context, direction: Direction, row: &VariableRow) -> Option<Question> {
    let path = row.path.as_ref()?;
    let wanted = context.session.wanted();
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
            "! It can mean the opposite: a list of what is denied, or a highest instead of a lowest version. Raising \
             the minimum would then let old versions in, or stop TLS.",
        ),
    ];
    if let Some(other) = context.session.wanted().role_pairs(direction, role).first() {
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
            "Yes only if you know it (the web administration changes it, or a handshake shows its effect). It is \
             noted once in {}; nothing is written to mailserver.cfg.",
            context.preferences
        ),
    ));
    let name = Request::Name {
        direction,
        name: path.variable.clone(),
        role,
    };
    Some(Question {
        title: "What is this variable?".to_owned(),
        lines,
        buttons: vec![
            ("No, leave it alone".to_owned(), Vec::new()),
            (format!("Yes, it is the {role}"), vec![name]),
        ],
    })
}
