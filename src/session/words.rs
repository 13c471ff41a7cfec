//! Words for what a session knows, shared by the screen, the commands and the review.

use std::net::IpAddr;

use crate::peers::{Counts, Coverage, Host, PeerKey, Source, Threshold, Verdict};
use crate::tls::{Choice, Minimum, TlsVersion};

use super::Clock;

/// What a line is, so that a screen can colour it; the mark in its text says the same without colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    /// A heading.
    Heading,
    /// Plain text.
    Text,
    /// Someone is cut off, or something stands in the way.
    Bad,
    /// Unknown, mixed or assumed: look twice.
    Caution,
    /// A removed line of the diff.
    Removed,
    /// An added line of the diff.
    Added,
    /// Lines around it.
    Context,
}

/// What becomes of a line that is longer than a screen is wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wrap {
    /// It goes on in the next row, words stay whole.
    Words,
    /// It goes on in the next row, wherever it is: a line of the file, in which blanks are bytes like others.
    Letters,
    /// It is cut.
    Cut,
}

/// A line of text with its tone. May be longer than a screen is wide; `indent` is where its continuation begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is.
    pub tone: Tone,
    /// The text.
    pub text: String,
    /// Columns before a continuation.
    pub indent: u16,
    /// What becomes of it where it is too long.
    pub wrap: Wrap,
}

impl Line {
    pub(super) fn new(tone: Tone, text: impl Into<String>, indent: u16) -> Self {
        Self {
            tone,
            text: text.into(),
            indent,
            wrap: Wrap::Words,
        }
    }
}

/// `TLS 1.2`, `Server default`, `custom`.
#[must_use]
pub fn describe_minimum(minimum: &Minimum) -> String {
    match minimum {
        Minimum::Default => "Server default".to_owned(),
        Minimum::At(version) => version.to_string(),
        Minimum::Custom(_) => "custom".to_owned(),
    }
}

/// `TLS 1.2` or `Server default`.
#[must_use]
pub fn describe_choice(choice: Choice) -> String {
    match choice {
        Choice::Default => "Server default".to_owned(),
        Choice::At(version) => version.to_string(),
    }
}

/// Host and, where it is not the usual one, port; an IPv6 address stands in brackets before a port.
#[must_use]
pub fn host_label(key: &PeerKey) -> String {
    match (&key.host, key.port) {
        (Host::Address(address), None) => address.to_string(),
        (Host::Name(name), None) => name.clone(),
        (Host::Address(IpAddr::V6(address)), Some(port)) => format!("[{address}]:{port}"),
        (Host::Address(address), Some(port)) => format!("{address}:{port}"),
        (Host::Name(name), Some(port)) => format!("{name}:{port}"),
    }
}

/// `12 cut off  3 mixed  24 unknown`, or that nothing is known.
#[must_use]
pub fn cut_off_line(threshold: Threshold, counts: &Counts) -> String {
    if threshold == Threshold::NotKnown {
        return "not known: never measured".to_owned();
    }
    let mixed = if counts.mixed > 0 {
        format!("{:>3} mixed ", counts.mixed)
    } else {
        String::new()
    };
    format!("{:>3} cut off {mixed}{:>4} unknown", counts.cut_off, counts.unknown)
}

/// `1 message`, `118 messages`.
#[must_use]
pub fn amount(count: u64, one: &str, many: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {many}")
    }
}

/// Where a verdict comes from and of when it is: `probed today 14:01`, `peers file, 2 Oct`.
#[must_use]
pub fn evidence_words(source: Source, last_seen: jiff::Timestamp, clock: &Clock) -> String {
    let when = clock.say(last_seen);
    match source {
        Source::Probe => format!("probed {when}"),
        Source::Received => format!("Received header, {when}"),
        Source::PeersFile => format!("peers file, {when}"),
        Source::MailLog => format!("mail log, {when}"),
    }
}

/// `TLS 1.0 only`, `no TLS offered: in clear already`.
#[must_use]
pub fn verdict_words(verdict: Verdict, highest: Option<TlsVersion>) -> String {
    match (verdict, highest) {
        (Verdict::CutOff, Some(version)) => format!("{version} only"),
        (Verdict::CutOff, None) => "too old".to_owned(),
        (Verdict::Mixed, Some(version)) => format!("mixed, up to {version}"),
        (Verdict::Mixed, None) => "mixed".to_owned(),
        (Verdict::Plain, _) => "no TLS seen: in clear already".to_owned(),
        (Verdict::Unknown, _) => "unknown".to_owned(),
        (Verdict::Ok, Some(version)) => version.to_string(),
        (Verdict::Ok, None) => "ok".to_owned(),
    }
}

/// The mark in front of a peer; never colour alone.
#[must_use]
pub fn mark(verdict: Verdict) -> char {
    match verdict {
        Verdict::CutOff => 'x',
        Verdict::Mixed => '!',
        Verdict::Plain => '-',
        Verdict::Unknown => '?',
        Verdict::Ok => '+',
    }
}

/// `12 of 19 peers known; newest today 14:01, oldest 21 Sep`.
#[must_use]
pub fn coverage_words(coverage: &Coverage, clock: &Clock) -> String {
    let Coverage {
        known,
        all,
        newest,
        oldest,
    } = *coverage;
    let dates = match (newest, oldest) {
        (Some(newest), Some(oldest)) if newest != oldest => {
            format!("; newest {}, oldest {}", clock.say(newest), clock.say(oldest))
        }
        (Some(newest), _) => format!("; of {}", clock.say(newest)),
        _ => String::new(),
    };
    format!("{known} of {all} peers known{dates}")
}
