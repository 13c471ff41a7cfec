//! Every word of the screen that is not a fact about a variable (catalogue) or of the review (`session::words`).

use crate::mailserver_cfg::{Conflict, EditSet, Rebased, Secrets, ValueChange, VariablePath};
use crate::peers::{Counts, Impact, PeerKey, ReceivedBudget, Threshold, Trouble, Verdict};
use crate::save::BackupInfo;
use crate::session::{
    Clock, EnginePlan, Line, Review, Tone, Wrap, amount, describe_choice, describe_minimum, host_label,
};
use crate::tls::{Choice, Direction, Minimum};
use crate::work::{self, LiveProof, Whom};

use super::key::Key;
use super::keys::{self, Command, Place, Weight};
use super::overlay::buttons;
use super::overlay::{Answer, Question, ReviewScreen};
use super::state::{Focus, Scan, State, Tab};

pub(super) const PROGRAM: &str = "kerio-tls";
pub(super) const WHERE: &str = "Configuration > Security";
pub(super) const MINIMUM: &str = "Minimum TLS version";
pub(super) const SAME_FOR_BOTH: &str = "same for both";
pub(super) const HELP_TITLE: &str = "Help";
pub(super) const SAVED: &str = "Saved.";
pub(super) const SAVED_TITLE: &str = "Saved";
pub(super) const NOT_SAVED: &str = "Not saved. Your edits are still here.";
pub(super) const NOT_SAVED_TITLE: &str = "Not saved";
pub(super) const REVIEW_TITLE: &str = "Review: nothing is written yet";
pub(super) const SAVING_TITLE: &str = "Saving";
pub(super) const LOOKING: &str = "Looking at file and engine for the review ...";
pub(super) const NOTHING_TO_SAVE: &str = "Nothing is changed, so there is nothing to save.";
pub(super) const NOTHING_TO_RESET: &str = "There is no custom TLS variable to delete.";
pub(super) const NOTHING_TO_UNDO: &str = "Nothing to undo.";
pub(super) const NOTHING_TO_REDO: &str = "Nothing to redo.";
pub(super) const UNDONE: &str = "Undone.";
pub(super) const REDONE: &str = "Done again.";
pub(super) const REVERTED: &str = "Back to what was loaded.";
pub(super) const AS_LOADED: &str = "As loaded: nothing to change here.";
pub(super) const RESET_DONE: &str =
    "Custom TLS variables will be deleted. Nothing is written before you review and save.";
pub(super) const DRAFT_TAKEN: &str = "The edits of the earlier session are back. Review them before saving.";
pub(super) const RECOVERED_TITLE: &str = "After an earlier save";
pub(super) const CONFLICT_TITLE: &str = "Changed since";
pub(super) const TAKEN_BACK: &str = "Taken back: now edits, not written yet. F6 reviews and saves.";
pub(super) const ALREADY_BACK: &str = "Nothing to take back: the file is like that already.";
pub(super) const DIRTY_BEFORE_WHOLE: &str =
    "There are unsaved changes; save or revert them before a whole file is put in place.";
pub(super) const NO_BACKUPS: &str = "No backups yet: the first save makes one.";
pub(super) const UNDO_AFTER: std::time::Duration = std::time::Duration::from_secs(600);
pub(super) const UNDO_BOX: &str = "Undo it by itself unless I confirm within 10 minutes";
pub(super) const NOBODY_TO_ASK: &str =
    "Nobody to ask: all have answered a probe already, or no outbound peer is known.";
pub(super) const PROBE_RUNS: &str = "A probe runs already; c stops it.";
pub(super) const LOOKING_BACKUPS: &str = "Looking for backups ...";
pub(super) const LOOKING_WHOM: &str = "Looking whom to ask ...";
pub(super) const ASKING_OWN_PORTS: &str = "Asking this server's own ports ...";
pub(super) const READING_HEADERS: &str = "Reading headers of stored mail ...";
pub(super) const PROOF_TITLE: &str = "What this server accepts now";
pub(super) const BACK: &str = "Back";
pub(super) const NO_NAME: &str = "The name of its variable is not public; Enter says how to give it.";
pub(super) const CLOSE: &str = "Enter or Esc closes";

/// What stands where there is no backup to show.
pub(super) const fn no_backups(looked: bool) -> &'static str {
    if looked { NO_BACKUPS } else { LOOKING_BACKUPS }
}

pub(super) fn line(tone: Tone, text: impl Into<String>) -> Line {
    Line {
        tone,
        text: text.into(),
        indent: 0,
        wrap: Wrap::Words,
    }
}

pub(super) fn indented(tone: Tone, text: impl Into<String>, indent: u16) -> Line {
    Line {
        tone,
        text: text.into(),
        indent,
        wrap: Wrap::Words,
    }
}

pub(super) fn tab_name(tab: Tab, narrow: bool) -> &'static str {
    match (tab, narrow) {
        (Tab::TlsOptions, false) => "TLS Options",
        (Tab::TlsOptions, true) => "TLS",
        (Tab::Inbound, false) => "Inbound",
        (Tab::Inbound, true) => "In",
        (Tab::Outbound, false) => "Outbound",
        (Tab::Outbound, true) => "Out",
        (Tab::Peers, _) => "Peers",
        (Tab::Backups, _) => "Backups",
    }
}

pub(super) fn covers(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "SMTP IMAP POP3 HTTPS",
        Direction::Outbound => "SMTP to other servers",
    }
}

pub(super) fn too_small(width: u16, height: u16) -> String {
    format!("Needs 40x15, this is {width}x{height}")
}

pub(super) fn changes(count: usize) -> String {
    match count {
        0 => "no changes".to_owned(),
        _ => format!("{} *", amount(count as u64, "change", "changes")),
    }
}

pub(super) fn engine(state: &State, narrow: bool) -> String {
    state.engine.as_ref().map_or_else(
        || "engine: not looked at yet".to_owned(),
        |engine| {
            let as_of = if narrow { "" } else { "as of " };
            format!("engine: {}, {as_of}{}", engine.word, state.clock.time(engine.at))
        },
    )
}

/// What a choice would do, for a narrow drop-down: words where they fit, else the marks of the panel.
pub(super) fn counts_narrow(threshold: Threshold, counts: &Counts, columns: usize) -> String {
    if threshold == Threshold::NotKnown {
        return "not known".to_owned();
    }
    let Counts {
        cut_off,
        mixed,
        unknown,
        ..
    } = counts;
    let mixed_words = if *mixed > 0 {
        format!("{mixed} mixed, ")
    } else {
        String::new()
    };
    let words = format!("{cut_off} cut, {mixed_words}{unknown} unknown");
    if super::wrap::columns(&words) <= columns {
        words
    } else {
        format!("{cut_off}x {mixed}! {unknown}?")
    }
}

pub(super) fn scan(state: &State) -> Option<String> {
    if let Some((done, total)) = state.probing {
        return Some(format!(
            "Probing: {done} of {total} have answered; {} stops",
            Command::Cancel.key_label()
        ));
    }
    match state.scan {
        Scan::Running(_, 0) => Some("Looking for mail logs ...".to_owned()),
        Scan::Running(done, total) => {
            let percent = done.saturating_mul(100) / total.max(1);
            Some(format!(
                "Reading mail logs: {percent} % of {} MB; {} stops",
                total / 1_000_000,
                Command::Cancel.key_label()
            ))
        }
        Scan::Cancelled => Some("Reading the logs was stopped: amounts and peers are incomplete.".to_owned()),
        Scan::Never | Scan::Done => None,
    }
}

pub(super) fn cannot_change(why: &str) -> String {
    format!("Opened read-only: {why}")
}

pub(super) fn chosen(choice: Choice) -> String {
    format!("{}: not written yet; F6 reviews.", describe_choice(choice))
}

pub(super) fn deleted(path: &VariablePath) -> String {
    format!("{path} will be deleted: the server's default holds then. Not written yet.")
}

pub(super) fn panel_title(direction: Direction, minimum: &str) -> String {
    format!("{direction} at {minimum}")
}

pub(super) fn window(days: u32) -> String {
    format!("mail in {days} days")
}

pub(super) fn unknown(count: usize) -> String {
    format!("{count} unknown: never measured, or no answer")
}

pub(super) const PANEL_UNKNOWN: &str = "? Who that cuts off is not known: the default was never measured (v asks).";
/// Nobody is known: of a direction, or at all.
pub(super) fn nobody(direction: Option<Direction>) -> String {
    let which = direction.map_or(String::new(), |direction| {
        format!("{} ", direction.to_string().to_lowercase())
    });
    format!("? No {which}peers known: neither the mail log nor a peers file names one.")
}

pub(super) const KEPT: &str = "Kept: the save does not undo itself any more.";
pub(super) const PANEL_ALL_FINE: &str = "+ Everyone known can do it.";

/// Rows of the panel: everyone who is not fine, and one row for the unknown.
pub(super) fn panel_rows(impact: &Impact<'_>) -> usize {
    let listed = impact
        .rows
        .iter()
        .filter(|row| matches!(row.verdict, Verdict::CutOff | Verdict::Mixed | Verdict::Plain))
        .count();
    listed + usize::from(impact.counts.unknown > 0)
}

pub(super) fn summary_discarded(changes: usize) -> String {
    format!(
        "Left without saving: {} thrown away; the file was not touched.",
        amount(changes as u64, "change", "changes")
    )
}

pub(super) fn summary_not_saved(message: &str) -> String {
    format!("Not saved: {}", message.lines().next().unwrap_or_default())
}

pub(super) fn quit_question(changes: usize) -> Question {
    Question {
        title: "Quit".to_owned(),
        lines: vec![line(
            Tone::Text,
            format!("There are unsaved changes ({changes}). The file has not been touched."),
        )],
        buttons: buttons(vec![
            ("Stay".to_owned(), Answer::Stay),
            ("Review and save".to_owned(), Answer::Review),
            ("Discard and quit".to_owned(), Answer::Discard),
        ]),
        focus: 0,
    }
}

pub(super) fn reset_question(names: &[(Direction, Vec<String>)]) -> Question {
    let mut lines = vec![line(
        Tone::Text,
        "Deletes the custom TLS variables, so that the server's own defaults hold. Nothing is written before you review and save.",
    )];
    let mut choices = vec![("Stay".to_owned(), Answer::Stay)];
    for (direction, found) in names {
        lines.push(indented(
            Tone::Text,
            format!("{direction} ({}): {}", direction.table(), found.join(", ")),
            2,
        ));
        choices.push((direction.to_string(), Answer::Reset(vec![*direction])));
    }
    if names.len() == 2 {
        choices.push(("Both".to_owned(), Answer::Reset(Direction::ALL.to_vec())));
    }
    Question {
        title: "Reset to the server's defaults".to_owned(),
        lines,
        buttons: buttons(choices),
        focus: 0,
    }
}

pub(super) fn draft_question(edits: &EditSet, lost: &[String], at: jiff::Timestamp, clock: &Clock) -> Question {
    let mut lines = vec![line(
        Tone::Text,
        format!(
            "An earlier session ended with unsaved edits, made {}:",
            clock.date_and_time(at)
        ),
    )];
    for edit in edits.edits() {
        let value = edit
            .new
            .as_deref()
            .map_or("deleted".to_owned(), |value| format!("-> {value}"));
        lines.push(indented(Tone::Text, format!("  {} {value}", edit.path), 4));
    }
    for words in lost {
        lines.push(indented(Tone::Caution, format!("! {words}"), 2));
    }
    let mut choices = vec![("Later".to_owned(), Answer::Stay)];
    if !edits.is_empty() {
        choices.push(("Take them up".to_owned(), Answer::TakeDraft));
    }
    choices.push(("Throw them away".to_owned(), Answer::DropDraft));
    Question {
        title: "Unsaved edits found".to_owned(),
        lines,
        buttons: buttons(choices),
        focus: 0,
    }
}

/// Whom to ask.
pub(super) fn whom_question(marked: Option<PeerKey>) -> Question {
    let mut choices = vec![("Stay".to_owned(), Answer::Stay)];
    if let Some(key) = marked {
        choices.push((format!("Only {}", host_label(&key)), Answer::PlanProbe(Whom::One(key))));
    }
    choices.push(("Not known yet".to_owned(), Answer::PlanProbe(Whom::Unmeasured)));
    choices.push(("All outbound".to_owned(), Answer::PlanProbe(Whom::All)));
    choices.push(("Inbound: mail headers".to_owned(), Answer::PlanHeaders));
    Question {
        title: "Probe".to_owned(),
        lines: vec![line(
            Tone::Text,
            "Asks the servers that mail goes to for their highest TLS version. Or reads what stored mail says of those who call this server. Nothing is done yet: the next question says what it means.",
        )],
        buttons: buttons(choices),
        focus: 0,
    }
}

/// What reading stored mail means.
pub(super) fn headers_question() -> Question {
    let ReceivedBudget { messages, time } = work::HEADERS;
    Question {
        title: "Read headers of stored mail".to_owned(),
        lines: vec![
            line(
                Tone::Text,
                "This server writes into each message which TLS version the sender used. That tells what inbound servers and devices speak.",
            ),
            line(
                Tone::Text,
                format!(
                    "Reads the first 8 KiB of at most {messages} messages, newest first, for at most {} seconds; only this server's own topmost Received header is used, never a subject or a body. Nothing is written but hosts, versions and dates.",
                    time.as_secs()
                ),
            ),
        ],
        buttons: buttons(vec![
            ("Stay".to_owned(), Answer::Stay),
            ("Read them".to_owned(), Answer::ReadHeaders),
        ]),
        focus: 0,
    }
}

/// What asking means.
pub(super) fn probe_question(questions: Vec<work::Question>, words: &[String]) -> Question {
    Question {
        title: "Probe: what it will do".to_owned(),
        lines: words
            .iter()
            .map(|words| indented(Tone::Text, words.clone(), 2))
            .collect(),
        buttons: buttons(vec![
            ("Stay".to_owned(), Answer::Stay),
            ("Ask them now".to_owned(), Answer::Probe(questions)),
        ]),
        focus: 0,
    }
}

pub(super) fn probed(total: usize) -> String {
    format!(
        "Asked {}; the numbers hold what they said.",
        amount(total as u64, "peer", "peers")
    )
}

/// What the server's own ports said.
pub(super) fn proof_lines(proof: &LiveProof, minimum: &Minimum) -> Vec<Line> {
    let mut lines = vec![line(
        Tone::Heading,
        format!("Inbound in the file: {}", describe_minimum(minimum)),
    )];
    lines.extend(proof.lines().into_iter().map(|words| indented(Tone::Text, words, 4)));
    for words in &proof.contradictions {
        lines.push(indented(Tone::Bad, format!("x {words}"), 2));
    }
    for words in &proof.open {
        lines.push(indented(Tone::Caution, format!("? {words}"), 2));
    }
    if proof.contradictions.is_empty() && proof.open.is_empty() && matches!(minimum, Minimum::At(_)) {
        lines.push(line(Tone::Text, "+ Every port that was asked does what the file says."));
    }
    lines
}

/// Whose mail is delayed or failing since the last save; the first `named` of them with the remote server's words, new ones first.
pub(super) fn since_save_lines(at: jiff::Timestamp, troubles: &[Trouble], clock: &Clock, named: usize) -> Vec<Line> {
    if troubles.is_empty() {
        return Vec::new();
    }
    let new = troubles
        .iter()
        .filter(|trouble| trouble.worked_before && !trouble.troubled_before)
        .count();
    let mut lines = vec![line(
        Tone::Bad,
        format!(
            "x Since the save of {}: {} delayed or failing, {new} of them newly",
            clock.date_and_time(at),
            amount(troubles.len() as u64, "peer", "peers"),
        ),
    )];
    // One row each: the whole words stand in the peer's own view.
    lines.extend(troubles.iter().take(named).map(|trouble| Line {
        wrap: Wrap::Cut,
        ..indented(
            Tone::Text,
            format!("    {}: {}", host_label(&trouble.peer), trouble.status),
            4,
        )
    }));
    lines
}

/// After a save that undoes itself unless it is confirmed.
pub(super) fn confirm_question(lines: Vec<Line>) -> Question {
    Question {
        title: SAVED_TITLE.to_owned(),
        lines,
        buttons: buttons(vec![
            ("Later (y on the form)".to_owned(), Answer::Stay),
            ("Keep it for good".to_owned(), Answer::Confirm),
        ]),
        focus: 0,
    }
}

/// A backup: who, when, what, and what differs now.
pub(super) fn backup_lines(backup: &BackupInfo, changes: &[ValueChange], count: usize) -> Vec<Line> {
    let mut lines = vec![
        indented(
            Tone::Text,
            format!("saved     {} by {}", backup.when, backup.who.words()),
            10,
        ),
        indented(
            Tone::Text,
            format!("what      {}: {}", backup.action, backup.summary),
            10,
        ),
        indented(
            Tone::Text,
            format!("holds     the file as it was right before, {} bytes", backup.size),
            10,
        ),
        indented(Tone::Text, format!("copy      {}", backup.path.display()), 10),
        indented(Tone::Text, format!("sha256    {}", backup.sha256), 10),
        line(Tone::Text, ""),
        line(Tone::Heading, "From the file now to this backup"),
    ];
    if count == 0 {
        lines.push(line(Tone::Text, "  The same: every value is as it was."));
    }
    lines.extend(difference_lines(changes, count));
    lines
}

/// What differs, value by value, masked.
pub(super) fn difference_lines(changes: &[ValueChange], count: usize) -> Vec<Line> {
    let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "(not there)".to_owned());
    let mut lines: Vec<Line> = changes
        .iter()
        .map(|change| {
            indented(
                Tone::Text,
                format!("  {}: {} -> {}", change.place, side(&change.old), side(&change.new)),
                4,
            )
        })
        .collect();
    if count > changes.len() {
        lines.push(line(
            Tone::Caution,
            format!("  ... and {} more values", count - changes.len()),
        ));
    }
    lines
}

/// Taking a save back met values that someone changed since.
pub(super) fn taken_back_lines(rebased: &Rebased, secrets: &Secrets) -> Vec<Line> {
    let mut lines = vec![line(
        Tone::Caution,
        "These values were changed since that save, so they are left as they are:",
    )];
    lines.extend(conflict_lines(&rebased.conflicts, secrets));
    lines
}

pub(super) fn conflict_lines(conflicts: &[Conflict], secrets: &Secrets) -> Vec<Line> {
    let mut lines = Vec::new();
    for conflict in conflicts {
        let show = |value: &Option<String>| {
            value
                .as_ref()
                .map_or("(not in the file)".to_owned(), |v| secrets.show_at(&conflict.path, v))
        };
        lines.push(line(Tone::Heading, conflict.path.to_string()));
        lines.push(indented(
            Tone::Text,
            format!("  as loaded   {}", show(&conflict.base)),
            14,
        ));
        lines.push(indented(
            Tone::Caution,
            format!("  on disk     {}", show(&conflict.theirs)),
            14,
        ));
        lines.push(indented(
            Tone::Text,
            format!("  your edit   {}", show(&conflict.mine)),
            14,
        ));
    }
    lines
}

pub(super) fn rebase_lines(rebased: &Rebased) -> Vec<Line> {
    let mut lines = vec![line(Tone::Text, "The screen now shows the file as it is on disk.")];
    if !rebased.apply.is_empty() {
        let left = amount(rebased.apply.edits().len() as u64, "edit", "edits");
        lines.push(line(Tone::Text, format!("{left} of yours still to be saved.")));
    }
    if !rebased.conflicts.is_empty() {
        lines.push(line(
            Tone::Caution,
            "Where both changed a value, the one on disk is shown; make yours again if it is right.",
        ));
    }
    lines
}

/// A hint of the footer.
pub(super) struct Hint {
    pub(super) command: Command,
    pub(super) key: String,
    pub(super) words: &'static str,
    pub(super) short: &'static str,
    pub(super) weight: Weight,
}

/// Hints for the footer, in the order of the key table.
pub(super) fn hints(place: Place) -> Vec<Hint> {
    keys::bindings_at(place)
        .filter(|binding| !binding.hint.is_empty())
        .map(|binding| Hint {
            command: binding.command,
            key: place
                .keys_of(binding.command)
                .next()
                .map_or_else(String::new, Key::label),
            words: binding.hint,
            short: binding.short,
            weight: binding.weight,
        })
        .collect()
}

fn about(state: &State) -> Vec<Line> {
    let words: &[&str] = match (state.place(), state.focus) {
        (Place::Field | Place::DropDown, Focus::Field(Direction::Inbound)) => &[
            "Inbound: the lowest TLS version that this server accepts from those who call it: other mail servers and phones by SMTP, mail programs by IMAP and POP3, browsers and ActiveSync by HTTPS, and the web administration itself (table Security).",
            "Raising it can lock out old phones, printers and scanners. Versions of IMAP, POP3 and HTTPS clients stand in no log: they are unknown until measured.",
        ],
        (Place::Field | Place::DropDown, _) => &[
            "Outbound: the lowest TLS version that this server uses when it delivers mail to other servers by SMTP (table SmtpSecurity).",
            "With peers that cannot do it, mail may bounce, wait, or go in clear (RFC 9325 section 5.2).",
        ],
        (Place::CheckBox, _) => &[
            "Ticked, a choice counts for inbound and outbound. The vendor advises the same for both; tune them apart on purpose only.",
        ],
        (Place::Panel, _) => &[
            "Who is touched by the minimum above: x cut off, ! evidence disagrees, - without TLS already, ? never measured. The tab Peers lists everyone.",
        ],
        (Place::Variables, _) => &[
            "Every variable of the table. What the catalogue knows has an editor (Enter), and goes back to the server's default by deleting it; everything else is shown as it is. Names marked 'assumed' are our best reading and not in the vendor's public text.",
        ],
        (Place::Peers, _) => &[
            "Everyone we exchanged mail with, held against the minimums that are wanted now. Enter shows the evidence.",
        ],
        (Place::Find, _) => &[
            "Type parts of a name, a title, a meaning or a value: rows in which all of them occur are listed, nearest first. Secrets are not searched.",
        ],
        (Place::Backups, _) => &[
            "Every save keeps the file as it was right before. Taking a save back undoes its TLS changes and leaves what the engine saved since; the whole file loses that, and the review lists what.",
        ],
        (Place::Review, _) => &[
            "Read what would be written. Cutting someone off, or not knowing, needs its own tick before Save can be pressed.",
        ],
        _ => &[],
    };
    words.iter().map(|words| line(Tone::Text, *words)).collect()
}

/// Help on where the user is, from the key table.
pub(super) fn help(state: &State) -> Vec<Line> {
    let mut lines = about(state);
    lines.splice(0..0, super::editor_text::focused_help(state));
    lines.push(line(Tone::Text, ""));
    lines.push(line(Tone::Heading, "Keys here"));
    for binding in keys::bindings_at(state.place()) {
        let keys: Vec<String> = state.place().keys_of(binding.command).map(|key| key.label()).collect();
        lines.push(indented(
            Tone::Text,
            format!("  {:<18} {}", keys.join(" "), binding.help),
            21,
        ));
    }
    lines.push(line(Tone::Text, ""));
    lines.push(line(Tone::Heading, "Marks"));
    for words in [
        "  *  changed, not saved",
        "  x  cut off: the newest evidence says its highest version is below the minimum",
        "  !  mixed: evidence disagrees",
        "  -  no TLS offered or seen: in clear already, unchanged by a minimum",
        "  ?  unknown: never measured, so never counted as fine",
        "  +  fine",
    ] {
        lines.push(indented(Tone::Text, words, 5));
    }
    lines
}

pub(super) const WAIT: &str = "Please wait: this part cannot be given up any more.";

/// The button that writes.
pub(super) fn save_label(review: &Review) -> &'static str {
    match review.facts.engine {
        EnginePlan::Restart { .. } => "Stop, save, start",
        _ => "Save",
    }
}

/// Why there is no button yet.
pub(super) fn why_not_yet(screen: &ReviewScreen) -> &'static str {
    if screen.review.refusal().is_some() {
        "cannot be saved now: see above"
    } else {
        "first tick: Tab, Space"
    }
}
