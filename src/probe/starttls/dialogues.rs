//! The three dialogues, as their standards write them.

use std::time::Duration;

use super::{Stop, Talk, WORDS};
use crate::hostile::safe_text;
use crate::probe::settings::step_until;
use crate::probe::wire::Channel;

/// A reply of SMTP: its code, and the words of each line.
struct SmtpReply {
    code: u16,
    lines: Vec<Vec<u8>>,
}

impl SmtpReply {
    /// The code and the last line's words, which carry the reason.
    fn words(&self) -> String {
        let last = self.lines.last().map(Vec::as_slice).unwrap_or_default();
        format!("{} {}", self.code, safe_text(last, WORDS))
            .trim_end()
            .to_owned()
    }

    /// `refused` is what a permanent no means here.
    fn accept(self, codes: std::ops::RangeInclusive<u16>) -> Result<Self, Stop> {
        match self.code {
            code if codes.contains(&code) => Ok(self),
            400..=499 => Err(Stop::Later(self.words())),
            _ => Err(Stop::Refused(self.words())),
        }
    }
}

impl<C: Channel> Talk<'_, C> {
    pub(super) fn smtp(&mut self) -> Result<(), Stop> {
        let limits = self.limits;
        self.smtp_reply("a greeting", limits.greeting)?.accept(220..=220)?;
        let ehlo = format!("EHLO {}\r\n", self.ehlo_name);
        self.send(ehlo.as_bytes())?;
        let offers = self.smtp_reply("the answer to EHLO", limits.reply)?;
        if matches!(offers.code, 500 | 502) {
            return Err(Stop::NoStartTls(None)); // no EHLO, so no extensions (RFC 5321 section 3.2)
        }
        let offers = offers.accept(250..=250)?;
        // The first line should be a greeting (RFC 5321 section 4.1.1.1); large providers leave it out.
        if !offers.lines.iter().any(|line| first_word_is(line, b"STARTTLS")) {
            return Err(Stop::NoStartTls(offers.lines.iter().find_map(|line| masked(line))));
        }
        self.send(b"STARTTLS\r\n")?;
        self.smtp_reply("the answer to STARTTLS", limits.reply)?
            .accept(220..=220)?;
        Ok(())
    }

    /// One reply, however many lines: `250-…` goes on, `250 …` ends (RFC 5321 section 4.2.1).
    fn smtp_reply(&mut self, what: &'static str, patience: Duration) -> Result<SmtpReply, Stop> {
        let until = step_until(self.whole, patience);
        let mut reply = SmtpReply {
            code: 0,
            lines: Vec::new(),
        };
        loop {
            let line = self.line(what, until)?;
            let strange = || Stop::NotTls(format!("no SMTP there: {}", safe_text(&line, 64)));
            let (code, rest) = line.split_at_checked(3).ok_or_else(strange)?;
            let code = std::str::from_utf8(code)
                .ok()
                .and_then(|c| c.parse().ok())
                .filter(|c| (200..600).contains(c));
            let code: u16 = code.ok_or_else(strange)?;
            if !reply.lines.is_empty() && code != reply.code {
                return Err(strange());
            }
            reply.code = code;
            match rest {
                [] => reply.lines.push(Vec::new()),
                [b' ' | b'-', words @ ..] => reply.lines.push(words.to_vec()),
                _ => return Err(strange()),
            }
            if rest.first() != Some(&b'-') {
                return Ok(reply);
            }
        }
    }

    pub(super) fn imap(&mut self) -> Result<(), Stop> {
        let limits = self.limits;
        let greeting = self.line("a greeting", step_until(self.whole, limits.greeting))?;
        let words = safe_text(&greeting, WORDS);
        match greeting.get(..5).map(<[u8]>::to_ascii_uppercase).as_deref() {
            Some(b"* OK ") => {}
            Some(b"* BYE") => return Err(Stop::Later(words)),
            // STARTTLS is allowed before logging in only, and this connection is logged in already.
            Some(b"* PRE") => return Err(Stop::Refused(words)),
            _ => return Err(Stop::NotTls(format!("no IMAP there: {words}"))),
        }
        self.send(b"k1 CAPABILITY\r\n")?;
        let mut offered = false;
        let until = step_until(self.whole, limits.reply);
        loop {
            let line = self.line("the answer to CAPABILITY", until)?;
            // Some say it in the tagged line only (RFC 3501 section 7.1).
            offered |= contains(&line, b"CAPABILITY")
                && line
                    .split(|b| *b <= b' ' || *b == b']')
                    .any(|word| word.eq_ignore_ascii_case(b"STARTTLS"));
            match imap_tagged(&line, b"k1 ") {
                None if line.to_ascii_uppercase().starts_with(b"* BYE") => {
                    return Err(Stop::Later(safe_text(&line, WORDS)));
                }
                None => {}
                Some(Ok(())) => break,
                Some(Err(words)) => return Err(Stop::Refused(words)),
            }
        }
        if !offered {
            return Err(Stop::NoStartTls(None));
        }
        self.send(b"k2 STARTTLS\r\n")?;
        let until = step_until(self.whole, limits.reply);
        loop {
            let line = self.line("the answer to STARTTLS", until)?;
            match imap_tagged(&line, b"k2 ") {
                None => {}
                Some(Ok(())) => return Ok(()),
                Some(Err(words)) => return Err(Stop::Refused(words)),
            }
        }
    }

    pub(super) fn pop3(&mut self) -> Result<(), Stop> {
        let limits = self.limits;
        let greeting = self.line("a greeting", step_until(self.whole, limits.greeting))?;
        match pop3_ok(&greeting)? {
            true => {}
            // Response codes for "not now" (RFC 2449 section 8, RFC 3206).
            false
                if [&b"[IN-USE]"[..], b"[SYS/TEMP]", b"[LOGIN-DELAY]"]
                    .iter()
                    .any(|c| contains(&greeting, c)) =>
            {
                return Err(Stop::Later(safe_text(&greeting, WORDS)));
            }
            false => return Err(Stop::Refused(safe_text(&greeting, WORDS))),
        }
        self.send(b"CAPA\r\n")?;
        let until = step_until(self.whole, limits.reply);
        let mut offered = None;
        if pop3_ok(&self.line("the answer to CAPA", until)?)? {
            offered = Some(false);
            loop {
                let line = self.line("the answer to CAPA", until)?;
                if line.trim_ascii_end() == b"." {
                    break;
                }
                if first_word_is(&line, b"STLS") {
                    offered = Some(true);
                }
            }
        }
        if offered == Some(false) {
            return Err(Stop::NoStartTls(None));
        }
        self.send(b"STLS\r\n")?;
        let answer = self.line("the answer to STLS", step_until(self.whole, limits.reply))?;
        match (pop3_ok(&answer)?, offered) {
            (true, _) => Ok(()),
            (false, None) => Err(Stop::NoStartTls(None)), // no CAPA and no STLS: older than both
            (false, Some(_)) => Err(Stop::Refused(safe_text(&answer, WORDS))),
        }
    }
}

/// Ended by a blank or any control byte: some servers write a blank before it, and a tab or two CR behind it.
fn first_word(line: &[u8]) -> &[u8] {
    line.split(|b| *b <= b' ')
        .find(|word| !word.is_empty())
        .unwrap_or_default()
}

fn first_word_is(line: &[u8], word: &[u8]) -> bool {
    first_word(line).eq_ignore_ascii_case(word)
}

/// Firewalls that inspect SMTP overwrite extensions that they do not allow with the letter X (`XXXXXXXA`): the peer may
/// well offer STARTTLS, but nobody behind that firewall ever sees it.
fn masked(line: &[u8]) -> Option<String> {
    let word = first_word(line);
    let xs = word.iter().take_while(|b| **b == b'X').count();
    (xs >= 4 && word.len() <= xs.saturating_add(1)).then(|| {
        let word = safe_text(word, 16);
        format!("a firewall on the way masks what the server offers ({word}), and STARTTLS may be behind it")
    })
}

fn contains(line: &[u8], code: &[u8]) -> bool {
    memchr::memmem::find(&line.to_ascii_uppercase(), code).is_some()
}

/// Whether this is the tagged answer to a command, and what it is.
fn imap_tagged(line: &[u8], tag: &[u8]) -> Option<Result<(), String>> {
    let rest = line.strip_prefix(tag)?;
    Some(if first_word_is(rest, b"OK") {
        Ok(())
    } else {
        Err(safe_text(rest, WORDS))
    })
}

fn pop3_ok(line: &[u8]) -> Result<bool, Stop> {
    if line.starts_with(b"+OK") {
        Ok(true)
    } else if line.starts_with(b"-ERR") {
        Ok(false)
    } else {
        Err(Stop::NotTls(format!("no POP3 there: {}", safe_text(line, 64))))
    }
}
