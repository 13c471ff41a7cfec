//! The review in plain words: one list of lines that the screen and `--dry-run` both show, so that nobody reads
//! less on one road than on the other.

use crate::mailserver_cfg::DiffKind;
use crate::peers::{Knowledge, Threshold, Verdict};
use crate::tls::{Direction, Minimum};

use super::clock::Clock;
use super::line::{Line, Tone, Wrap};
use super::review::{Affected, Consent, DirectionReview, EnginePlan, Mends, Review, Subject};
use super::values::value_lines;
use super::words::{amount, amounts, coverage_words, evidence_words, first_of, verdict_words, words_of};

/// Most recipient domains named in one line.
const DOMAINS: usize = 20;

impl Review {
    /// The whole review as lines.
    #[must_use]
    pub fn lines(&self, clock: &Clock) -> Vec<Line> {
        let mut lines = vec![Line::new(Tone::Heading, "The change", 0)];
        self.change(&mut lines);
        for direction in &self.directions {
            self.direction(direction, clock, &mut lines);
        }
        self.file_and_engine(&mut lines);
        self.values(&mut lines);
        lines
    }

    /// What differs: lines of the file, or values where the whole file does.
    fn values(&self, lines: &mut Vec<Line>) {
        lines.push(Line::new(Tone::Text, "", 0));
        let diff = match &self.subject {
            Subject::Edits { diff, .. } => diff,
            Subject::Whole { changes, count, .. } => {
                lines.push(Line::new(Tone::Heading, "The values that change", 0));
                lines.extend(value_lines(changes, *count));
                return;
            }
            Subject::Mend { .. } => return,
        };
        lines.push(Line::new(Tone::Heading, "The lines that change", 0));
        for line in diff {
            let (tone, sign) = match line.kind {
                DiffKind::Context => (Tone::Context, ' '),
                DiffKind::Removed => (Tone::Removed, '-'),
                DiffKind::Added => (Tone::Added, '+'),
            };
            let mut shown = Line::new(tone, format!("{:>6} {sign} {}", line.line, line.text), 9);
            // What changes is shown to its last character.
            shown.wrap = match line.kind {
                DiffKind::Context => Wrap::Cut,
                DiffKind::Removed | DiffKind::Added => Wrap::Letters,
            };
            lines.push(shown);
        }
    }

    fn change(&self, lines: &mut Vec<Line>) {
        match &self.subject {
            Subject::Mend { mends, .. } => {
                let words = format!("  The whole file of a backup is put in place. {}", mends.words());
                lines.push(Line::new(Tone::Caution, words, 2));
                for (direction, minimum) in &mends.minimums {
                    let words = format!("  {direction}: minimum {} then", minimum);
                    lines.push(Line::new(Tone::Text, words, 4));
                }
            }
            Subject::Whole { count, .. } => {
                let words = format!(
                    "  The whole file of a backup is put in place; {}. Everything saved since then is lost.",
                    amount(*count, "value changes", "values change")
                );
                lines.push(Line::new(Tone::Caution, words, 2));
            }
            Subject::Edits { proven, .. } if proven.edits().is_empty() => {
                lines.push(Line::new(Tone::Text, "  Nothing is changed.", 2));
            }
            Subject::Edits { .. } => {}
        }
        for review in &self.directions {
            let text = if review.from == review.to {
                format!("  {}: minimum stays {}", review.direction, review.to)
            } else {
                format!("  {}: minimum {} -> {}", review.direction, review.from, review.to)
            };
            lines.push(Line::new(Tone::Text, text, 4));
            for edit in self.edits().iter().filter(|e| e.path.table == review.direction.table()) {
                let verb = match (&edit.base, &edit.new) {
                    (None, _) => "adds",
                    (_, None) => "deletes",
                    _ => "changes",
                };
                lines.push(Line::new(Tone::Text, format!("    {verb} {}", edit.path), 6));
            }
            for note in &review.notes {
                lines.push(Line::new(Tone::Caution, format!("  ! {}", note), 4));
            }
        }
        if let Some(difference) = &self.difference {
            lines.push(Line::new(Tone::Caution, format!("  ! {difference}"), 4));
        }
    }

    fn direction(&self, review: &DirectionReview, clock: &Clock, lines: &mut Vec<Line>) {
        lines.push(Line::new(Tone::Text, "", 0));
        let heading = format!("{} at {}: who is touched", review.direction, review.to);
        lines.push(Line::new(Tone::Heading, heading, 0));
        if review.threshold == Threshold::NotKnown {
            let text = match review.to {
                Minimum::Custom(ref why) => format!("  ? Not known: {why}."),
                _ => "  ? Not known: what the server does by default was never measured. Going back to it can cut \
                    peers off too: newer builds may start at TLS 1.2."
                    .to_owned(),
            };
            lines.push(Line::new(Tone::Caution, text, 4));
        }
        if review.coverage.all == 0 {
            lines.push(Line::new(
                Tone::Caution,
                format!(
                    "  ? No peer is known at all: neither the logs nor a peers file name anyone. {}",
                    effect(review.direction)
                ),
                4,
            ));
            return;
        }
        let counts = amounts(&review.counts, |verdict, number| {
            number > 0 || verdict != Verdict::Mixed
        });
        let coverage = coverage_words(&review.coverage, clock);
        lines.push(Line::new(Tone::Text, format!("  {counts}; {coverage}."), 4));
        for peer in &review.affected {
            lines.push(Line::new(
                words_of(peer.verdict).tone,
                format!("  {}", affected_words(peer, self.window_days, clock)),
                6,
            ));
        }
        if !review.domains.is_empty() {
            let domains = first_of(review.domains.iter().cloned(), DOMAINS);
            lines.push(Line::new(Tone::Bad, format!("  x whole domains cut off: {domains}"), 4));
        }
        if review.counts.unknown > 0 && review.threshold != Threshold::NotKnown {
            let mail = amount(review.counts.unknown_messages, "message", "messages");
            lines.push(Line::new(
                Tone::Caution,
                format!(
                    "  ? {} unknown: never measured, or no answer ({mail} in {})",
                    review.counts.unknown,
                    amount(self.window_days, "day", "days")
                ),
                4,
            ));
        }
        if review.counts.plain > 0 {
            lines.push(Line::new(
                Tone::Text,
                format!(
                    "  - {} without TLS: in clear already, unchanged by a minimum; lost only if encryption is \
                     required.",
                    review.counts.plain
                ),
                4,
            ));
        }
        if review.counts.cut_off + review.counts.mixed + review.counts.unknown > 0 {
            lines.push(Line::new(Tone::Text, format!("  {}", effect(review.direction)), 2));
        }
    }

    fn file_and_engine(&self, lines: &mut Vec<Line>) {
        let facts = &self.facts;
        lines.push(Line::new(Tone::Text, "", 0));
        lines.push(Line::new(Tone::Heading, "The file and the engine", 0));
        lines.push(Line::new(Tone::Text, format!("  file    {}", facts.path), 10));
        if let Some(target) = &facts.link_target {
            lines.push(Line::new(
                Tone::Text,
                format!("          a link to {target}; the link stays"),
                10,
            ));
        }
        let bits = facts.mode & 0o7777;
        lines.push(Line::new(
            Tone::Text,
            format!("  owner   {}, mode {bits:04o}; both stay", facts.owner),
            10,
        ));
        lines.push(Line::new(Tone::Text, format!("  backup  {}", facts.backups), 10));
        if let Some(why) = &facts.in_place {
            lines.push(Line::new(
                Tone::Caution,
                format!(
                    "  ! The file can only be written in place ({why}): a crash in that moment leaves it torn, \
                    until the next start of kerio-tls restores the backup."
                ),
                4,
            ));
        }
        if let Some(why) = &facts.blocked {
            lines.push(Line::new(Tone::Bad, format!("  x It cannot be saved: {why}"), 4));
        }
        engine_lines(&facts.engine, facts.no_undo.as_deref(), lines);
        for warning in &self.evidence_warnings {
            lines.push(Line::new(Tone::Caution, format!("  ! {warning}"), 4));
        }
    }

    /// The change in one line each, without values: for manifest, audit and summary.
    #[must_use]
    pub fn change_words(&self) -> Vec<String> {
        let mut words = Vec::new();
        match &self.subject {
            Subject::Mend { .. } => {
                words.push("put a whole older file in place of one that could not be understood".to_owned());
            }
            Subject::Whole { count, .. } => {
                let values = amount(*count, "value changes", "values change");
                words.push(format!("put a whole older file in place ({values})"));
            }
            Subject::Edits { .. } => {}
        }
        for review in &self.directions {
            if review.from != review.to {
                words.push(format!("{}: {} -> {}", review.direction, review.from, review.to));
            }
        }
        for edit in self.edits() {
            words.push(match (&edit.base, &edit.new) {
                (None, _) => format!("added {}", edit.path),
                (_, None) => format!("deleted {}", edit.path),
                _ => format!("changed {}", edit.path),
            });
        }
        words
    }

    /// The question behind a consent.
    #[must_use]
    pub fn question(&self, consent: Consent) -> String {
        match consent {
            Consent::InPlace => "Yes, write the file in place".to_owned(),
            Consent::UnknownName => format!("Yes, write a name that is not in the engine: {}", self.unknown_names()),
            Consent::WholeFile => "Yes, put the whole older file in place".to_owned(),
            Consent::CutOff => {
                let touched = amounts(&self.counts(), |verdict, number| {
                    number > 0 && matches!(verdict, Verdict::CutOff | Verdict::Mixed | Verdict::Unknown)
                });
                if touched.is_empty() {
                    "Yes, though nothing is known of the peers".to_owned()
                } else {
                    format!("Yes: {touched}")
                }
            }
        }
    }
}

impl Mends {
    /// That nothing can be compared, and where the broken file goes.
    #[must_use]
    pub fn words(&self) -> String {
        format!(
            "The file now cannot be understood ({}), so it cannot be said which values change; it is kept as a backup \
             itself.",
            self.why
        )
    }
}

fn engine_lines(engine: &EnginePlan, no_undo: Option<&str>, lines: &mut Vec<Line>) {
    match engine {
        EnginePlan::Absent => lines.push(Line::new(
            Tone::Text,
            "  engine  none on this host: nothing is stopped or started",
            10,
        )),
        EnginePlan::Stopped => {
            lines.push(Line::new(
                Tone::Text,
                "  engine  stopped, and stays so: start it when you are done",
                10,
            ));
        }
        EnginePlan::Refuse { why, commands } => {
            lines.push(Line::new(Tone::Bad, format!("  x Saving is refused: {why}"), 4));
            lines.push(Line::new(
                Tone::Text,
                "    The engine writes this file when it stops, and would throw the change away. Stop it first; your \
                 edits stay here:",
                4,
            ));
            for command in commands {
                lines.push(Line::new(Tone::Text, format!("      {command}"), 8));
            }
        }
        EnginePlan::Restart {
            commands,
            last_seconds,
            warnings,
        } => {
            let last = last_seconds.map_or_else(
                || "how long it takes was never measured here; a start of 20 seconds is usual".to_owned(),
                |seconds| format!("last time that took {seconds} s"),
            );
            lines.push(Line::new(
                Tone::Text,
                format!("  engine  is stopped, and started again after writing ({last}):"),
                10,
            ));
            for command in commands {
                lines.push(Line::new(Tone::Text, format!("            {command}"), 14));
            }
            for warning in warnings {
                lines.push(Line::new(Tone::Caution, format!("  ! {warning}"), 4));
            }
            let undo = match no_undo {
                None => "          It can undo itself unless you confirm it: see the box below. (That does not \
                    outlive a reboot.)"
                    .to_owned(),
                Some(why) => format!("          It cannot undo itself by a timer: {why}."),
            };
            lines.push(Line::new(Tone::Text, undo, 10));
            let or_undo = if no_undo.is_none() {
                " (or a chosen undo goes off)"
            } else {
                ""
            };
            let dies = format!(
                "          A lost session does not stop this; if kerio-tls is killed in the middle, the engine stays \
                 down until someone starts it{or_undo}."
            );
            lines.push(Line::new(Tone::Text, dies, 10));
        }
    }
}

/// What being cut off means in practice (RFC 7435; RFC 9325 section 5.2: too strict a rule can end in clear text).
fn effect(direction: Direction) -> &'static str {
    match direction {
        Direction::Outbound => "Mail to peers that cannot do it may bounce, wait, or go in clear.",
        Direction::Inbound => {
            "Servers that cannot do it may not deliver or send in clear; old phones, printers, scanners and browsers \
             can be locked out, of the web administration too."
        }
    }
}

fn affected_words(peer: &Affected, window_days: u32, clock: &Clock) -> String {
    let names = if peer.names.is_empty() {
        String::new()
    } else {
        format!(" ({})", peer.names.join(", "))
    };
    let seen = peer.seen.map_or_else(String::new, |(source, at)| {
        format!(", {}", evidence_words(source, at, clock))
    });
    let login = if peer.authenticated { ", logs in" } else { "" };
    format!(
        "{} {}{names}: {}{seen}{login}; {} in {}",
        words_of(peer.verdict).mark,
        peer.host,
        match &peer.knowledge {
            Some(Knowledge::Refused(how)) => format!("refused ({how})"),
            _ => verdict_words(peer.verdict, peer.highest),
        },
        amount(peer.messages, "message", "messages"),
        amount(window_days, "day", "days"),
    )
}
