//! How OpenSSL reads a cipher string: `ssl_cipher_process_rulestr` without the order of the suites.

use super::ciphers::{CipherCheck, CipherFinding, CipherProblem};
use super::suites::{KNOWN, Suite};
use super::version::TlsVersion;
use crate::hostile::text_at;

/// Reads a cipher string. Never fails: what is wrong is among the findings.
#[must_use]
pub fn check_ciphers(text: &str) -> CipherCheck {
    Reader::new(text).check()
}

/// Most bytes that are read of a string: ten times what naming every suite that there is takes.
const LONGEST: usize = 16 * 1024;

/// What a sign before a word does with the suites of the word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Add,
    Remove,
    /// Removes for good: no later word brings it back.
    Kill,
    /// Moves to the end: changes the order only.
    Move,
}

/// Follows a string as OpenSSL does.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    on: Vec<&'static Suite>,
    killed: Vec<&'static Suite>,
    findings: Vec<CipherFinding>,
    level: Option<u8>,
}

impl<'a> Reader<'a> {
    const fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            on: Vec::new(),
            killed: Vec::new(),
            findings: Vec::new(),
            level: None,
        }
    }

    fn check(mut self) -> CipherCheck {
        if self.text.len() > LONGEST {
            self.find(0, CipherProblem::TooLong);
        } else {
            self.read();
        }
        if self.on.is_empty() && !self.findings.iter().any(|f| f.problem.stops_tls()) {
            self.find(0, CipherProblem::Nothing);
        }
        CipherCheck {
            findings: self.findings,
            suites: self.on,
            security_level: self.level,
        }
    }

    fn rest(&self) -> &str {
        text_at(self.text, self.at..self.text.len())
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Takes the characters that hold, and says which they were.
    fn take(&mut self, holds: impl Fn(char) -> bool) -> String {
        let taken: String = self.rest().chars().take_while(|c| holds(*c)).collect();
        self.at = self.at.saturating_add(taken.len());
        taken
    }

    fn find(&mut self, start: usize, problem: CipherProblem) {
        let end = if matches!(problem, CipherProblem::Nothing | CipherProblem::TooLong) {
            self.text.len()
        } else {
            self.at
        };
        self.findings.push(CipherFinding { start, end, problem });
    }

    fn read(&mut self) {
        if let Some(suite_b) = SUITE_B.into_iter().find(|name| self.text.starts_with(name)) {
            // It takes the place of the whole string, whatever follows.
            self.on = holders(suite_b).unwrap_or_default();
            return;
        }
        if self.text.starts_with(DEFAULT) {
            let beyond = holders("COMPLEMENTOFDEFAULT").unwrap_or_default();
            self.on = holders("ALL").unwrap_or_default();
            self.on.retain(|s| !beyond.contains(s));
            // What DEFAULT leaves out it strikes for good (`ALL:!COMPLEMENTOFDEFAULT:!eNULL`).
            self.killed = beyond;
            self.killed.extend(holders("eNULL").unwrap_or_default());
            self.at = DEFAULT.len();
        }
        while let Some(c) = self.peek() {
            let start = self.at;
            if separates(c) {
                self.take(separates);
                continue;
            }
            if c == '@' {
                self.command(start);
                continue;
            }
            let sign = match c {
                '-' => Sign::Remove,
                '+' => Sign::Move,
                '!' => Sign::Kill,
                _ => Sign::Add,
            };
            if sign != Sign::Add {
                self.at = self.at.saturating_add(1);
            }
            if !self.element(start, sign) {
                return;
            }
        }
    }

    /// `@STRENGTH` or `@SECLEVEL=n`.
    fn command(&mut self, start: usize) {
        let word = format!("{}{}", self.take(|c| c == '@'), self.take(in_names));
        let after = self.take(|c| !separates(c));
        let level = word
            .strip_prefix("@SECLEVEL=")
            .filter(|l| l.len() == 1)
            .and_then(|l| l.parse::<u8>().ok());
        match level.filter(|l| *l <= 5) {
            Some(level) => self.level = Some(level),
            None if word == "@STRENGTH" => {}
            None => self.find(
                start,
                CipherProblem::Command {
                    word: format!("{word}{after}"),
                },
            ),
        }
    }

    /// One word, or several with `+` between: the suites that all of them hold. False: OpenSSL reads no further.
    fn element(&mut self, start: usize, sign: Sign) -> bool {
        let mut chosen: Option<Vec<&'static Suite>> = None;
        loop {
            let begin = self.at;
            let word = self.take(in_names);
            let next = self.peek().filter(|c| !separates(*c));
            let Some(of) = holders(&word).filter(|_| !word.is_empty()) else {
                if word.is_empty() && next.is_none_or(signs) {
                    self.find(start, CipherProblem::BareSign);
                    return false;
                }
                // Up to the next separator nothing is looked at any more, if the word has begun as a word.
                let whole = format!("{word}{}", self.take(|c| !separates(c)));
                if word.is_empty() {
                    self.refuse(begin, whole);
                    return false;
                }
                self.pass_over(begin, whole);
                return true;
            };
            if next.is_some_and(|c| !signs(c)) {
                let whole = format!("{word}{}", self.take(|c| !separates(c)));
                self.refuse(begin, whole);
                return false;
            }
            match &mut chosen {
                Some(so_far) => so_far.retain(|s| of.contains(s)),
                None => chosen = Some(of),
            }
            if next != Some('+') {
                break;
            }
            self.at = self.at.saturating_add(1);
        }
        self.apply(sign, chosen.unwrap_or_default());
        true
    }

    fn apply(&mut self, sign: Sign, suites: Vec<&'static Suite>) {
        match sign {
            Sign::Add => {
                for suite in suites {
                    if !self.killed.contains(&suite) && !self.on.contains(&suite) {
                        self.on.push(suite);
                    }
                }
            }
            Sign::Remove => self.on.retain(|s| !suites.contains(s)),
            Sign::Kill => {
                self.on.retain(|s| !suites.contains(s));
                self.killed.extend(suites);
            }
            Sign::Move => {}
        }
    }

    /// A word that OpenSSL passes over: says why.
    fn pass_over(&mut self, start: usize, word: String) {
        let older = KNOWN.older.iter().find(|(name, _)| *name == word);
        let problem = if let Some((_, why)) = older {
            CipherProblem::NotInBuilds { word, why }
        } else if let Some(faded) = KNOWN.keywords.iter().find(|k| k.name == word && k.faded) {
            CipherProblem::NotInBuilds {
                word,
                why: faded.meaning,
            }
        } else if word == DEFAULT || SUITE_B.contains(&word.as_str()) {
            CipherProblem::NotFirst { word }
        } else if let Some(suite) = KNOWN.suites.iter().find(|s| s.iana.eq_ignore_ascii_case(&word)) {
            match suite.oldest {
                TlsVersion::Tls13 => CipherProblem::OfTls13 { word },
                _ => CipherProblem::Unknown {
                    word,
                    suggestion: Some(suite.name),
                },
            }
        } else {
            CipherProblem::Unknown {
                suggestion: KNOWN.nearest(&word),
                word,
            }
        };
        self.find(start, problem);
    }

    /// A character that stops the string.
    fn refuse(&mut self, start: usize, word: String) {
        self.find(
            start,
            CipherProblem::Character {
                suggestion: KNOWN.nearest(&word),
                word,
            },
        );
    }
}

const DEFAULT: &str = "DEFAULT";
const SUITE_B: [&str; 4] = ["SUITEB128ONLY", "SUITEB128C2", "SUITEB128", "SUITEB192"];

const fn separates(c: char) -> bool {
    matches!(c, ':' | ' ' | ';' | ',')
}

const fn in_names(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '=')
}

/// Characters that may follow a word without a separator.
const fn signs(c: char) -> bool {
    matches!(c, '+' | '!' | '@')
}

/// The suites up to TLS 1.2 that a word stands for; `None`: OpenSSL passes over the word.
fn holders(word: &str) -> Option<Vec<&'static Suite>> {
    let suites: Vec<&'static Suite> = KNOWN
        .suites
        .iter()
        .filter(|s| s.oldest < TlsVersion::Tls13 && (s.name == word || s.keywords.contains(&word)))
        .collect();
    (!suites.is_empty()).then_some(suites)
}
