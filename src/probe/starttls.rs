//! The talk in clear before TLS begins: SMTP (RFC 3207), IMAP (RFC 9051 section 6.2.1) and POP3 (RFC 2595).
//!
//! It never speaks before the greeting (that is logged as a spam attack), never pipelines, and leaves politely. What it
//! reads is a stranger's: lines and bytes are counted, every reply has one deadline, and bytes that come after "go
//! ahead" and before TLS are refused, because they could have been put there by anyone (CVE-2011-0411).

use std::time::{Duration, Instant};

use super::settings::{Limits, step_until};
use super::target::Start;
use super::wire::{Channel, Cut};
use crate::hostile::{safe_text, slice_at};

mod dialogues;

/// How much of a reply is kept for people, in bytes.
const WORDS: usize = 160;
/// How long a peer may take to answer a farewell.
const FAREWELL: Duration = Duration::from_secs(1);

/// Why TLS did not begin. Words are bounded and safe to show.
#[derive(Debug)]
pub(super) enum Stop {
    /// It does not offer TLS; what else its answer shows.
    NoStartTls(Option<String>),
    /// It offers TLS, or might, and will not begin. No ClientHello was sent.
    Refused(String),
    /// It asks to come later: 421, 4xx and their like.
    Later(String),
    /// Something else is spoken there.
    NotTls(String),
    /// The talk has no end.
    Endless(String),
    /// The connection gave no more, while waiting for this.
    Cut(&'static str, Cut),
}

/// Talks until the next byte may be the ClientHello.
pub(super) fn begin<C: Channel>(
    channel: &mut C,
    start: Start,
    ehlo_name: &str,
    limits: &Limits,
    whole: Instant,
) -> Result<(), Stop> {
    let mut talk = Talk {
        channel,
        ehlo_name,
        limits,
        whole,
        buffer: Vec::new(),
        lines: 0,
        bytes: 0,
    };
    let (result, farewell): (_, &[u8]) = match start {
        Start::Direct => return Ok(()),
        Start::Smtp => (talk.smtp(), b"QUIT\r\n"),
        Start::Imap => (talk.imap(), b"k9 LOGOUT\r\n"),
        Start::Pop3 => (talk.pop3(), b"QUIT\r\n"),
    };
    if matches!(result, Err(Stop::NoStartTls(_) | Stop::Refused(_) | Stop::Later(_))) {
        talk.leave(farewell);
    }
    result?;
    if talk.buffer.is_empty() {
        return Ok(());
    }
    Err(Stop::NotTls(format!(
        "bytes in clear after it said that TLS may begin: {}",
        safe_text(talk.buffer.trim_ascii(), 64)
    )))
}

struct Talk<'a, C> {
    channel: &'a mut C,
    ehlo_name: &'a str,
    limits: &'a Limits,
    whole: Instant,
    /// Received, not yet read as a line.
    buffer: Vec<u8>,
    lines: usize,
    bytes: usize,
}

impl<C: Channel> Talk<'_, C> {
    fn send(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let until = step_until(self.whole, self.limits.reply);
        self.channel
            .send(bytes, until)
            .map_err(|cut| Stop::Cut("a command to be taken", cut))
    }

    /// The next line, without its end.
    fn line(&mut self, what: &'static str, until: Instant) -> Result<Vec<u8>, Stop> {
        let limits = self.limits;
        let mut searched = 0;
        loop {
            if let Some(end) = self.buffer.iter().skip(searched).position(|b| *b == b'\n') {
                self.lines = self.lines.saturating_add(1);
                if self.lines > limits.lines {
                    return Err(Stop::Endless(format!("more than {} reply lines", limits.lines)));
                }
                let mut line: Vec<u8> = self.buffer.drain(..=searched.saturating_add(end)).collect();
                line.pop();
                while line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(line);
            }
            searched = self.buffer.len();
            let mut chunk = [0_u8; 4096];
            let n = match self.channel.receive(&mut chunk, until) {
                Ok(n) => n,
                // What closes without having sent a line is named by what it sent, and not only as closed.
                Err(Cut::Closed) if !self.buffer.is_empty() => {
                    return Err(Stop::NotTls(format!(
                        "no line, but: {}",
                        safe_text(self.buffer.trim_ascii(), 64)
                    )));
                }
                Err(cut) => return Err(Stop::Cut(what, cut)),
            };
            self.bytes = self.bytes.saturating_add(n);
            if self.bytes > limits.bytes {
                return Err(Stop::Endless(format!("more than {} bytes of replies", limits.bytes)));
            }
            self.buffer.extend(slice_at(&chunk, ..n));
        }
    }

    /// Says goodbye and gives the peer a moment to take it; what becomes of it changes nothing.
    fn leave(&mut self, farewell: &[u8]) {
        let until = step_until(self.whole, FAREWELL);
        if self.channel.send(farewell, until).is_ok() {
            let mut last_words = [0_u8; 512];
            self.channel.receive(&mut last_words, until).ok();
        }
    }
}

#[cfg(test)]
mod tests;
