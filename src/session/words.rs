//! The words of verdicts and amounts: one table, which the screen, the commands and the review all read. How a peer's
//! verdict is called, how many peers have it, what evidence it rests on and of when that is, is worded here and nowhere
//! else.

use std::fmt::Display;

use jiff::Timestamp;

use crate::peers::{Counts, Coverage, Knowledge, Source, Threshold, Verdict};
use crate::tls::{Governs, TlsVersion};

use super::clock::Clock;
use super::line::Tone;

/// How one verdict is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerdictWords {
    /// Which.
    pub verdict: Verdict,
    /// In front of a peer, so that colour never says it alone.
    pub mark: char,
    /// In a column of its own: `cut off`.
    pub word: &'static str,
    /// Behind a number of peers: `3 without TLS`.
    pub counted: &'static str,
    /// What it means, for a legend.
    pub meaning: &'static str,
    /// How it looks.
    pub tone: Tone,
}

/// Every verdict, worst first, in the order in which amounts are given.
pub const VERDICTS: [VerdictWords; 5] = [
    VerdictWords {
        verdict: Verdict::CutOff,
        mark: 'x',
        word: "cut off",
        counted: "cut off",
        meaning: "cut off: the newest evidence says its highest version is below the minimum",
        tone: Tone::Bad,
    },
    VerdictWords {
        verdict: Verdict::Mixed,
        mark: '!',
        word: "mixed",
        counted: "mixed",
        meaning: "mixed: evidence disagrees",
        tone: Tone::Caution,
    },
    VerdictWords {
        verdict: Verdict::Unknown,
        mark: '?',
        word: "unknown",
        counted: "unknown",
        meaning: "unknown: never measured, so never counted as fine",
        tone: Tone::Caution,
    },
    VerdictWords {
        verdict: Verdict::Plain,
        mark: '-',
        word: "plain",
        counted: "without TLS",
        meaning: "no TLS offered or seen: in clear already, unchanged by a minimum",
        tone: Tone::Text,
    },
    VerdictWords {
        verdict: Verdict::Ok,
        mark: '+',
        word: "ok",
        counted: "fine",
        meaning: "fine",
        tone: Tone::Text,
    },
];

/// The row of [`VERDICTS`] for a verdict.
#[must_use]
pub const fn words_of(verdict: Verdict) -> VerdictWords {
    let [cut_off, mixed, unknown, plain, ok] = VERDICTS;
    match verdict {
        Verdict::CutOff => cut_off,
        Verdict::Mixed => mixed,
        Verdict::Unknown => unknown,
        Verdict::Plain => plain,
        Verdict::Ok => ok,
    }
}

/// A peer's verdict in words: `TLS 1.0 only`, `no TLS seen: in clear already`.
#[must_use]
pub fn verdict_words(verdict: Verdict, highest: Option<TlsVersion>) -> String {
    match (verdict, highest) {
        (Verdict::CutOff, Some(version)) => format!("{version} only"),
        (Verdict::CutOff, None) => "too old".to_owned(),
        (Verdict::Mixed, Some(version)) => format!("mixed, up to {version}"),
        (Verdict::Plain, _) => "no TLS seen: in clear already".to_owned(),
        (Verdict::Ok, Some(version)) => version.to_string(),
        (verdict, _) => words_of(verdict).word.to_owned(),
    }
}

/// How many peers have a verdict.
#[must_use]
pub const fn number_of(counts: &Counts, verdict: Verdict) -> usize {
    match verdict {
        Verdict::CutOff => counts.cut_off,
        Verdict::Mixed => counts.mixed,
        Verdict::Unknown => counts.unknown,
        Verdict::Plain => counts.plain,
        Verdict::Ok => counts.ok,
    }
}

/// `3 cut off, 28 unknown`: the amounts that `named` picks, worst first. Empty: it picks none.
#[must_use]
pub fn amounts(counts: &Counts, named: impl Fn(Verdict, usize) -> bool) -> String {
    let parts: Vec<String> = VERDICTS
        .iter()
        .map(|words| (words, number_of(counts, words.verdict)))
        .filter(|(words, number)| named(words.verdict, *number))
        .map(|(words, number)| format!("{number} {}", words.counted))
        .collect();
    parts.join(", ")
}

/// Behind a choice that nobody has made yet: ` 12 cut off  3 mixed   24 unknown`, in columns, or that nothing is known.
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

/// The same where there is little room: shorter words where they fit `columns`, else numbers with their marks.
#[must_use]
pub fn cut_off_narrow(threshold: Threshold, counts: &Counts, columns: usize) -> String {
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
    if words.len() <= columns {
        words
    } else {
        format!("{cut_off}x {mixed}! {unknown}?")
    }
}

/// The unknown of a list, summed up in one row.
#[must_use]
pub fn unknown_words(count: usize, threshold: Threshold) -> String {
    // Where the minimum itself is not known, those whose versions are known count, too.
    if threshold == Threshold::NotKnown {
        return format!("{count} unknown until the default is measured");
    }
    format!("{count} unknown: never measured, or no answer")
}

/// Which table SMTP on this server's ports follows.
#[must_use]
pub fn smtp_words(governs: Governs) -> &'static str {
    match governs.smtp_follows_outbound() {
        Some(true) => "it follows table SmtpSecurity, in both directions",
        Some(false) => "it follows table Security, as the other services",
        None => "not known which table it follows",
    }
}

/// A number with its noun: `1 message`, `118 messages`.
#[must_use]
pub fn amount<N: Display + PartialEq + From<u8>>(count: N, one: &str, many: &str) -> String {
    let noun = if count == N::from(1) { one } else { many };
    format!("{count} {noun}")
}

/// `a, b, c and 4 more`: the first `most` of them.
#[must_use]
pub fn first_of(all: impl IntoIterator<Item = String>, most: usize) -> String {
    let mut all = all.into_iter();
    let mut named: Vec<String> = all.by_ref().take(most).collect();
    match all.count() {
        0 => {}
        more => named.push(format!("and {more} more")),
    }
    named.join(", ")
}

/// Where evidence comes from and of when it is: `probed today 14:01`, `peers file, 2 Oct 2024 (old)`.
#[must_use]
pub fn evidence_words(source: Source, last_seen: Timestamp, clock: &Clock) -> String {
    format!("{}{}", source.before_date(), clock.dated(last_seen))
}

/// What one record knows.
#[must_use]
pub fn knowledge_words(knowledge: &Knowledge) -> String {
    match knowledge {
        Knowledge::Ceiling(version) => format!("highest is {version}"),
        Knowledge::Agreed(version) => format!("agreed to {version}, not gone through"),
        Knowledge::CeilingInEffect(version) => format!("{version} in effect: whoever offers more is refused"),
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

/// How much is known: `12 of 19 peers known; newest today 14:01, oldest 21 Sep`.
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
            format!("; newest {}, oldest {}", clock.dated(newest), clock.dated(oldest))
        }
        (Some(newest), _) => format!("; of {}", clock.dated(newest)),
        _ => String::new(),
    };
    format!("{known} of {all} peers known{dates}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTS: Counts = Counts {
        cut_off: 3,
        mixed: 0,
        plain: 2,
        unknown: 28,
        ok: 1,
        cut_off_messages: 0,
        unknown_messages: 0,
    };

    #[test]
    fn each_verdict_has_the_row_of_its_own_words_and_a_mark_that_no_other_has() {
        for words in VERDICTS {
            assert_eq!(words_of(words.verdict), words);
            let same_mark = VERDICTS.iter().filter(|other| other.mark == words.mark).count();
            assert_eq!(same_mark, 1, "{}", words.word);
        }
    }

    #[test]
    fn amounts_are_given_worst_first_and_only_those_that_were_asked_for() {
        assert_eq!(
            amounts(&COUNTS, |_, number| number > 0),
            "3 cut off, 28 unknown, 2 without TLS, 1 fine"
        );
        assert_eq!(amounts(&COUNTS, |verdict, _| verdict == Verdict::Mixed), "0 mixed");
        assert_eq!(amounts(&COUNTS, |_, _| false), "");
    }

    #[test]
    fn little_room_gets_short_words_and_less_gets_marks() {
        let at = Threshold::At(TlsVersion::Tls12);
        assert_eq!(cut_off_line(at, &COUNTS), "  3 cut off   28 unknown");
        assert_eq!(cut_off_narrow(at, &COUNTS, 17), "3 cut, 28 unknown");
        assert_eq!(cut_off_narrow(at, &COUNTS, 16), "3x 0! 28?");
        assert_eq!(cut_off_narrow(Threshold::NotKnown, &COUNTS, 80), "not known");
    }

    #[test]
    fn one_is_singular_and_a_long_list_says_how_many_it_leaves_out() {
        assert_eq!(amount(1_u64, "line", "lines"), "1 line");
        assert_eq!(amount(0_usize, "line", "lines"), "0 lines");
        let all = || ["a", "b", "c"].map(str::to_owned);
        assert_eq!(first_of(all(), 3), "a, b, c");
        assert_eq!(first_of(all(), 1), "a, and 2 more");
    }

    #[test]
    fn evidence_older_than_a_year_is_marked_as_old_wherever_it_is_named() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let clock = Clock {
            now: time("2026-11-24T15:00:00Z"),
            zone: jiff::tz::TimeZone::UTC,
        };
        let of = |text| evidence_words(Source::Probe, time(text), &clock);
        assert_eq!(of("2025-11-25T14:00:00Z"), "probed 25 Nov 2025");
        assert_eq!(of("2025-11-23T14:00:00Z"), "probed 23 Nov 2025 (old)");
        let coverage = Coverage {
            known: 2,
            all: 3,
            newest: Some(time("2026-11-24T14:00:00Z")),
            oldest: Some(time("2024-01-02T00:00:00Z")),
        };
        assert_eq!(
            coverage_words(&coverage, &clock),
            "2 of 3 peers known; newest today 14:00, oldest 2 Jan 2024 (old)"
        );
    }
}
