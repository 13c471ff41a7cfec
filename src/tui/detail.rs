//! What Enter shows of a row: all that is known of a variable or a peer, and why.

use crate::peers::{Assessed, Impact, Knowledge, Peer, Trouble, Verdict, assess};
use crate::session::{Line, Tone, VariableRow, evidence_words, host_label, verdict_words};
use crate::tls::{Direction, Sureness, TlsVersion};

use super::state::State;
use super::text::line;

/// A peer's row of the list.
#[derive(Debug)]
pub struct PeerRow<'a> {
    /// Direction.
    pub direction: Direction,
    /// The peer and its verdict at the wanted minimum.
    pub assessed: Assessed<'a>,
}

/// All peers, outbound after inbound, each held against the wanted minimum of its direction.
#[must_use]
pub fn peer_rows(state: &State) -> Vec<PeerRow<'_>> {
    Direction::ALL
        .into_iter()
        .flat_map(|direction| {
            let threshold = state.session.threshold(direction, &state.session.minimum(direction));
            let Impact { rows, .. } = assess(&state.book, direction, threshold);
            rows.into_iter().map(move |assessed| PeerRow { direction, assessed })
        })
        .collect()
}

fn field(name: &str, value: impl AsRef<str>) -> Line {
    let mut line = line(Tone::Text, format!("{name:<10} {}", value.as_ref()));
    line.indent = 11;
    line
}

/// How sure a name is, in a word or two.
#[must_use]
pub fn sureness(sure: Sureness) -> &'static str {
    match sure {
        Sureness::Assumed => "assumed, not in the vendor's public text",
        Sureness::Seen => "seen in files of real installs",
        Sureness::Documented => "documented by the vendor",
        Sureness::Confirmed => "confirmed by you in kerio-tls.toml",
    }
}

/// All about a variable.
#[must_use]
pub fn variable(row: &VariableRow) -> (String, Vec<Line>) {
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
    lines.extend(variable_facts(row));
    (title, lines)
}

/// What is known of a variable, fact by fact.
#[must_use]
pub fn variable_facts(row: &VariableRow) -> Vec<Line> {
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
        let name = known.name.as_deref().map_or("not known", |_| sureness(known.name_sure));
        lines.push(field("name", name));
        lines.push(field("default", known.default.as_deref().unwrap_or("not known")));
        lines.push(field("versions", &known.versions));
        lines.push(field("source", &known.source));
    }
    if let Some(why) = super::editor::not_editable(row) {
        lines.push(field("read-only", why));
    }
    lines
}

/// Why a variable cannot be set back to the default by deleting it; `None`: it can.
#[must_use]
pub fn not_deletable(row: &VariableRow) -> Option<String> {
    let why = if row.duplicate {
        "it stands more than once in the file; mend that by hand first"
    } else if row.lookalike {
        "it looks like a protocol list, but nobody has said that it is one: Enter asks"
    } else if row.known.is_none() {
        "the catalogue does not know what it is for, so it is shown and left alone"
    } else if row.path.is_none() {
        "its name is not public; it can be given in kerio-tls.toml"
    } else if row.shown.is_none() {
        "it is not in the file: the server's default holds already"
    } else {
        return None;
    };
    Some(why.to_owned())
}

/// All about a peer: verdict, why, and the raw evidence.
#[must_use]
pub fn peer(row: &PeerRow<'_>, state: &State) -> (String, Vec<Line>) {
    let assessed = &row.assessed;
    let peer = assessed.peer;
    let tone = match assessed.verdict {
        Verdict::CutOff => Tone::Bad,
        Verdict::Mixed | Verdict::Unknown => Tone::Caution,
        Verdict::Plain | Verdict::Ok => Tone::Text,
    };
    let mut verdict = field("verdict", verdict_words(assessed.verdict, assessed.highest));
    verdict.tone = tone;
    let mut lines = vec![field("direction", row.direction.to_string()), verdict];
    if !peer.names.is_empty() {
        lines.push(field("names", peer.names.join(", ")));
    }
    lines.push(field(
        "mail",
        format!(
            "{} in {} days, {} delayed, {} failed{}",
            peer.messages,
            state.book.window_days,
            peer.delayed,
            peer.failed,
            if peer.authenticated { "; it logs in" } else { "" }
        ),
    ));
    if let Some(note) = &peer.note {
        lines.push(field("note", note));
    }
    if let Some(trouble) = trouble(peer, state) {
        let since = trouble
            .worked_since
            .map_or_else(String::new, |at| format!("; it worked again {}", state.clock.say(at)));
        let many = if trouble.at_least { "at least " } else { "" };
        let mut words = field(
            "since save",
            format!(
                "{many}{} delayed or failing ({}), first {}, last {}{since}",
                trouble.count,
                trouble.novelty(),
                state.clock.say(trouble.first),
                state.clock.say(trouble.last)
            ),
        );
        words.tone = Tone::Bad;
        lines.push(words);
        lines.push(field("it says", &trouble.status));
    }
    lines.push(field("why", crate::peers::conclude(peer).why));
    lines.push(line(Tone::Text, ""));
    lines.push(line(Tone::Heading, "Evidence"));
    if peer.evidence.is_empty() {
        lines.push(line(Tone::Text, "None: mail went by, and nothing was seen of its TLS."));
    }
    for evidence in &peer.evidence {
        let decides = assessed
            .decisive
            .is_some_and(|decisive| std::ptr::eq(decisive, evidence));
        lines.push(line(
            Tone::Text,
            format!(
                "{} {}: {}",
                if decides { ">" } else { " " },
                evidence_words(evidence.source, evidence.last_seen, &state.clock),
                knowledge(&evidence.knowledge)
            ),
        ));
        if !evidence.raw.is_empty() {
            let mut raw = line(Tone::Context, format!("    {}", evidence.raw));
            raw.indent = 4;
            lines.push(raw);
        }
    }
    (host_label(&peer.key), lines)
}

/// What the remote server said of mail that is delayed or failing since the last save.
fn trouble<'a>(peer: &Peer, state: &'a State) -> Option<&'a Trouble> {
    let (_, troubles) = state.since_save.as_ref()?;
    troubles.iter().find(|trouble| trouble.peer == peer.key)
}

fn knowledge(knowledge: &Knowledge) -> String {
    match knowledge {
        Knowledge::Ceiling(version) => format!("highest is {version}"),
        // `SSL: yes` of the log, or a header of the oldest engines: TLS it was, of which version nobody wrote down.
        Knowledge::AtLeast(TlsVersion::Ssl3) => "a session with TLS, of a version that is not told".to_owned(),
        Knowledge::AtLeast(version) => format!("has at least {version}"),
        Knowledge::Plain => "a session without TLS".to_owned(),
        Knowledge::NoStartTls => "offers no STARTTLS".to_owned(),
        Knowledge::Refused(how) => format!("refused every hello ({how}): unknown"),
        Knowledge::NoAnswer(why) => format!("no answer ({why}): unknown"),
        Knowledge::Hint(words) => format!("a hint only: {words}"),
    }
}
