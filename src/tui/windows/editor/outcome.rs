//! What applying an editor comes to: why it cannot be, or the minimum, who is cut off, the value written, and advice.

use crate::hostile::safe_text;
use crate::peers::{Threshold, Verdict, assess};
use crate::session::{Line, Session, Tone, cut_off_line, first_of};
use crate::tls::{Advice, Direction, Minimum, Role, Weight};
use crate::tui::context::Context;
use crate::tui::variable_words::advice_lines;
use crate::tui::wrap::{indented, line};

use super::model::{Editor, Field, Wish};

/// What applying comes to: why it cannot be, or the minimum, who is cut off, the value written, and advice.
pub(super) fn outcome(context: &Context, editor: &Editor, wish: &Wish, lines: &mut Vec<Line>) {
    let mut trial = context.session.trial();
    if let Err(error) = editor.apply(wish, &mut trial) {
        let said = if editor.refused {
            "x Not applied"
        } else {
            "x Cannot be applied"
        };
        // A cipher string's faults are listed already, each with its place.
        if editor.refused || !matches!(editor.field, Field::Ciphers { .. }) {
            lines.insert(0, indented(Tone::Bad, format!("{said}: {error}."), 2));
        }
        return;
    }
    if editor.role.makes_minimum() {
        minimum_lines(context, &trial, editor.direction, lines);
    }
    value_lines(context, &trial, editor, lines);
    for note in trial.notes(editor.direction) {
        lines.push(indented(Tone::Caution, format!("! {note}"), 2));
    }
    let mut advice = trial.wanted().advice(editor.direction, editor.role);
    if let Field::Ciphers { check, .. } = &editor.field {
        // What is wrong with single words stands above, with its place.
        let findings: Vec<String> = check
            .findings
            .iter()
            .map(|finding| format!("{}.", finding.problem))
            .collect();
        advice.retain(|advice| !findings.contains(&advice.text));
    }
    lines.extend(advice_lines(&advice));
    if editor.role.makes_minimum() {
        // A protocol that is on and has no cipher is off all the same.
        let of_ciphers: Vec<Advice> = trial
            .wanted()
            .advice(editor.direction, Role::Ciphers)
            .into_iter()
            .filter(|advice| advice.weight > Weight::Note)
            .collect();
        lines.extend(advice_lines(&of_ciphers));
    }
}

/// What would be written, variable by variable.
fn value_lines(context: &Context, trial: &Session, editor: &Editor, lines: &mut Vec<Line>) {
    let pairs = trial.wanted().role_pairs(editor.direction, editor.role);
    let loaded = context.session.loaded().role_pairs(editor.direction, editor.role);
    if pairs.is_empty() && loaded.is_empty() {
        lines.push(line(Tone::Text, "Not in the file: the server's own default holds."));
    } else if pairs == loaded {
        lines.push(line(Tone::Text, "As loaded."));
    }
    for pair in pairs.iter().filter(|pair| !loaded.contains(pair)) {
        let words = if matches!(editor.field, Field::Ciphers { .. }) {
            format!("{} would be written; nothing is before the review.", pair.name)
        } else {
            format!("{} would be: {}", pair.name, safe_text(&pair.value, 200))
        };
        lines.push(line(Tone::Text, words));
    }
    for gone in &loaded {
        if !pairs.iter().any(|pair| pair.name == gone.name) {
            let words = format!("{} would be deleted: the server's own default holds then.", gone.name);
            lines.push(line(Tone::Text, words));
        }
    }
}

fn minimum_lines(context: &Context, trial: &Session, direction: Direction, lines: &mut Vec<Line>) {
    let minimum = trial.minimum(direction);
    let words = match &minimum {
        Minimum::Custom(why) => format!("Minimum: custom: {why}"),
        other => format!("Minimum: {}", other),
    };
    lines.push(indented(Tone::Heading, words, 2));
    let threshold = trial.threshold(direction, &minimum);
    let impact = assess(&context.book, direction, threshold);
    let tone = match threshold {
        Threshold::NotKnown => Tone::Caution,
        _ if impact.counts.cut_off > 0 => Tone::Bad,
        _ => Tone::Text,
    };
    lines.push(indented(
        tone,
        match &minimum {
            Minimum::Custom(_) => "Who: not known, because this is no plain minimum.".to_owned(),
            _ => format!("Who: {}", cut_off_line(threshold, &impact.counts).trim_start()),
        },
        2,
    ));
    let cut_off = impact.rows.iter().filter(|row| row.verdict == Verdict::CutOff);
    let named = first_of(cut_off.map(|row| row.peer.key.host_and_port()), 3);
    if !named.is_empty() {
        lines.push(indented(Tone::Bad, format!("x {named}"), 2));
    }
}
