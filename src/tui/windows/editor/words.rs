//! The words of an editor: labels of what can be picked, and what follows from it, before it is applied.

use crate::hostile::{safe_text, text_at};
use crate::session::{Line, Tone, amount, first_of};
use crate::tls::{CHOICES, Choice, CipherCheck, Direction, Preset, TlsVersion};
use crate::tui::context::Context;
use crate::tui::widgets::boxes::check_box_label;
use crate::tui::wrap::{indented, line};

use super::model::{Editor, Field, Stop};
use super::outcome::outcome;

pub(super) const DEFAULT: &str = "Server default (delete)";
pub(super) const OLD_SSL: &str = "SSL 2.0, 3.0 cannot be switched on (RFC 6176, RFC 7568)";
pub(super) const KEPT: &str = "Not applied. What you typed is kept: open the field again and it is back.";
pub(super) const LEFT: &str = "Left without applying: nothing is changed.";
pub(super) const TYPED_BACK: &str = "This is what you typed before; it is not applied yet.";
pub(super) const FILLED: &str = "Filled in, not applied yet: look at it, then Enter applies.";
pub(super) const EMPTY: &str =
    "Nothing of one's own: the server's default holds. Type a cipher string, or take a preset (Tab).";
pub(super) const NO_STRING: &str =
    "modern has no string of its own: TLS 1.3 as minimum, and this variable left out. Enter deletes it.";

/// Above an editor.
pub(super) fn title(editor: &Editor) -> String {
    match &editor.row.path {
        Some(path) => path.to_string(),
        None => editor.role.to_string(),
    }
}

/// A stop's row.
pub(super) fn label(context: &Context, editor: &Editor, stop: &Stop) -> String {
    let now = |value: &str| editor.now.as_deref() == Some(value);
    match (stop, &editor.field) {
        (Stop::Protocol(version), Field::Protocols { ticked, .. }) => {
            let who = match alone(context, editor.direction, *version) {
                0 => String::new(),
                1 => "   1 peer has nothing newer".to_owned(),
                many => format!("   {many} peers have nothing newer"),
            };
            check_box_label(ticked.contains(version), &format!("{version}{who}"))
        }
        (Stop::Pick(index), Field::Picks(picks)) => picks.get(*index).map_or_else(String::new, |pick| {
            let mark = if now(&pick.value) { '*' } else { ' ' };
            format!("({mark}) {:<5} {}", pick.value, pick.meaning)
        }),
        (Stop::Fix(_, _, meant), _) => format!("put right: {meant}"),
        (Stop::Preset(index), _) => Preset::ALL.get(*index).map_or_else(String::new, |preset| {
            format!("Mozilla {:<13} from {}", preset.name, preset.minimum)
        }),
        (Stop::Default, Field::Picks(_)) => {
            let mark = if editor.now.is_none() { '*' } else { ' ' };
            format!("({mark}) {DEFAULT}")
        }
        (Stop::Default, _) => DEFAULT.to_owned(),
        _ => String::new(),
    }
}

/// Peers that are known to have nothing newer than a version: whom the next higher minimum cuts off, and this one not.
fn alone(context: &Context, direction: Direction, version: TlsVersion) -> usize {
    let counts = context.counts(direction);
    let cut_off = |at: TlsVersion| {
        CHOICES
            .iter()
            .zip(counts)
            .find(|(choice, _)| matches!(choice, Choice::At(v) if *v == at))
            .map(|(_, (_, counts))| counts.cut_off)
    };
    let next = TlsVersion::MINIMUMS.into_iter().find(|next| *next > version);
    match (next.and_then(cut_off), cut_off(version)) {
        (Some(above), Some(here)) => above.saturating_sub(here),
        _ => 0,
    }
}

/// What follows from what has the focus; whatever stands in the way comes first.
pub(super) fn lines(context: &Context, editor: &Editor) -> Vec<Line> {
    let mut lines = Vec::new();
    let focused = editor.focused();
    let checked = match &editor.field {
        Field::Ciphers { line, check } => Some((line.text(), check)),
        _ => None,
    };
    match (&focused, &checked) {
        (Stop::Preset(index), _) => lines.extend(preset_lines(*index)),
        (Stop::Fix(start, end, meant), Some((text, _))) => {
            let word = safe_text(text_at(text, *start..*end), 40);
            lines.push(line(Tone::Text, format!("Enter puts {meant} in the place of {word}.")));
        }
        (Stop::Text, Some((text, _))) if text.trim().is_empty() => lines.push(line(Tone::Text, EMPTY)),
        (Stop::Text, Some((text, check))) => lines.extend(check_lines(text, check)),
        _ => {}
    }
    if let Some(wish) = editor.wish() {
        outcome(context, editor, &wish, &mut lines);
    }
    if let Field::Protocols { ssl2, others, .. } = &editor.field {
        if *ssl2 {
            lines.push(line(
                Tone::Caution,
                "! SSLv2 stands in the list, and goes when a change is applied.",
            ));
        }
        if !others.is_empty() {
            let words = first_of(others.iter().map(|word| safe_text(word, 40)), 5);
            lines.push(line(
                Tone::Caution,
                format!("! The list also has {words}: no protocol that we know, and gone when a change is applied."),
            ));
        }
        lines.push(line(Tone::Text, OLD_SSL));
    }
    if let Some(known) = &editor.row.known {
        lines.push(line(Tone::Text, ""));
        lines.push(line(Tone::Heading, known.title.clone()));
        lines.push(line(Tone::Text, known.help.clone()));
        let default = known.default.as_deref().unwrap_or("not known");
        lines.push(line(
            Tone::Text,
            format!(
                "Default: {default}. Versions: {}. Name: {}.",
                known.versions,
                known.name_sure.words()
            ),
        ));
    }
    lines
}

fn preset_lines(index: usize) -> Vec<Line> {
    let Some(preset) = Preset::ALL.get(index) else {
        return Vec::new();
    };
    let offer = match preset.ciphers {
        Some(_) if preset.minimum < TlsVersion::Tls12 => {
            "Enter fills it in, with @SECLEVEL=0, which OpenSSL 3 needs for TLS 1.0 and 1.1."
        }
        Some(_) => "Enter fills it in; nothing is applied yet.",
        None => NO_STRING,
    };
    vec![
        indented(Tone::Caution, format!("Cuts off: {}", preset.cuts_off), 2),
        indented(Tone::Text, format!("For: {}", preset.purpose), 2),
        line(Tone::Text, format!("{offer} Made for {} as minimum.", preset.minimum)),
        line(Tone::Text, format!("[{}]", preset.source)),
    ]
}

/// What is wrong with a cipher string, where, and what it serves.
fn check_lines(text: &str, check: &CipherCheck) -> Vec<Line> {
    let mut lines: Vec<Line> = check
        .findings
        .iter()
        .map(|finding| {
            let stops = finding.problem.stops_tls();
            let (mark, tone) = if stops { ('x', Tone::Bad) } else { ('!', Tone::Caution) };
            let start = text.get(..finding.start).map_or(0, |head| head.chars().count());
            indented(
                tone,
                format!("{mark} at {}: {}", start + 1, sentence(&finding.problem)),
                2,
            )
        })
        .collect();
    if !check.stops_tls() {
        lines.push(line(Tone::Text, serves(check)));
    }
    lines
}

fn serves(check: &CipherCheck) -> String {
    let versions: Vec<String> = TlsVersion::MINIMUMS
        .into_iter()
        .filter(|version| *version < TlsVersion::Tls13 && check.serves(*version))
        .map(|version| version.to_string())
        .collect();
    let yes = |has: bool| if has { "yes" } else { "no" };
    let level = check
        .security_level
        .map_or_else(String::new, |level| format!("; security level {level}"));
    format!(
        "{} for {}; ECDHE {}, DHE {}{level}. TLS 1.3 has its own.",
        amount(check.suites.len(), "suite", "suites"),
        if versions.is_empty() {
            "no version".to_owned()
        } else {
            versions.join(", ")
        },
        yes(check.has_ecdhe()),
        yes(check.has_dhe()),
    )
}

/// Ended by a full stop, unless it asks.
pub(super) fn sentence(of: &impl ToString) -> String {
    let mut words = of.to_string();
    if !words.ends_with('?') {
        words.push('.');
    }
    words
}
