//! Deliveries that were delayed or failed: the remote server's last words, and since when. This is what shows a wrong
//! choice on the day after (issue 4.6).

use std::collections::VecDeque;

use jiff::Timestamp;

use super::span::Span;
use crate::hostile::safe_text;
use crate::peers::host::PeerKey;

/// Most of a remote server's words that are kept, in bytes, and shown, in characters.
const WORDS_MAX: usize = 200;
/// Times of trouble remembered per peer.
const TIMES_MAX: usize = 64;

/// A peer whose mail is delayed or failing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Who.
    pub peer: PeerKey,
    /// The remote server's words, bounded, control bytes as hex: the last that speak of TLS, where any do since the time asked
    /// for, else its last.
    pub status: String,
    /// The first delay or failure since the time asked for (of those still remembered).
    pub first: Timestamp,
    /// The last one.
    pub last: Timestamp,
    /// Messages that were delayed or failed since (each counted once); the last 64 are remembered.
    pub count: u64,
    /// There may be more than `count`, and earlier than `first`: all that is remembered lies in the time asked for.
    pub at_least: bool,
    /// A delivery to it went well before the time asked for: with `troubled_before` false, the trouble is new.
    pub worked_before: bool,
    /// It had delays or failures before the time asked for, in the window.
    pub troubled_before: bool,
    /// The last delivery that went well, if any did since.
    pub worked_since: Option<Timestamp>,
}

impl Trouble {
    /// Whether this began with the time asked for, as far as the log tells.
    #[must_use]
    pub const fn novelty(&self) -> &'static str {
        match (self.troubled_before, self.worked_before) {
            (true, _) => "not new, it had trouble before",
            (false, true) => "new, it worked before",
            (false, false) => "no mail to it is known from before",
        }
    }
}

/// One peer's troubles.
#[derive(Debug, Clone, Default)]
pub(super) struct TroubleTally {
    /// Seconds since 1970, oldest first.
    times: VecDeque<u32>,
    /// The very first one in the window.
    first: i64,
    /// More than `times` holds.
    forgotten: bool,
    /// The last remark about TLS among the remote server's words. As it came, like the other: most are overwritten by the next, and made safe
    /// only when shown.
    remark: Option<(Vec<u8>, Span)>,
    /// The last words about something else.
    other: Vec<u8>,
    other_at: i64,
}

impl TroubleTally {
    /// `new`: the message had no trouble with this peer before.
    pub(super) fn see(&mut self, second: i64, status: &[u8], new: bool) {
        let words = status.get(..WORDS_MAX).unwrap_or(status);
        // A server says the same again and again.
        match &mut self.remark {
            Some((remark, span)) if remark == words => span.see(second),
            _ if self.other == words => self.other_at = second,
            remark if speaks_of_tls(words) => {
                let (remark, span) = remark.get_or_insert_default();
                remark.clear();
                remark.extend_from_slice(words);
                span.see(second);
            }
            _ => {
                self.other.clear();
                self.other.extend_from_slice(words);
                self.other_at = second;
            }
        }
        if new {
            self.push(second);
        }
    }

    fn push(&mut self, second: i64) {
        self.first = if self.times.is_empty() {
            second
        } else {
            self.first.min(second)
        };
        if self.times.len() >= TIMES_MAX {
            self.times.pop_front();
            self.forgotten = true;
        }
        self.times.push_back(u32::try_from(second.max(0)).unwrap_or(u32::MAX));
    }

    pub(super) fn absorb_newer(&mut self, newer: Self) {
        let first = match (self.times.is_empty(), newer.times.is_empty()) {
            (false, false) => self.first.min(newer.first),
            (true, _) => newer.first,
            (false, true) => self.first,
        };
        for second in newer.times {
            self.push(second.into());
        }
        self.first = first;
        self.forgotten |= newer.forgotten;
        if newer.other_at >= self.other_at {
            (self.other, self.other_at) = (newer.other, newer.other_at);
        }
        match (&mut self.remark, newer.remark) {
            (Some((words, span)), Some((newer_words, newer_span))) => {
                if newer_span.last >= span.last {
                    *words = newer_words;
                }
                span.absorb(newer_span);
            }
            (mine @ None, newer) => *mine = newer,
            (Some(_), None) => {}
        }
    }

    /// The last remark about TLS, safe to show, and how often there was one.
    pub(super) fn remark(&self) -> Option<(String, Span)> {
        self.remark
            .as_ref()
            .map(|(words, span)| (safe_text(words, WORDS_MAX), *span))
    }

    /// What there is since `since` (seconds); `mail`: the deliveries that went well.
    pub(super) fn since(&self, peer: PeerKey, since: i64, mail: Span) -> Option<Trouble> {
        let times = || self.times.iter().map(|second| i64::from(*second));
        let recent = || times().filter(|t| *t >= since);
        let first = recent().min()?;
        let of_tls = self.remark.as_ref().filter(|(_, span)| span.last >= since);
        let status = of_tls.map_or(&self.other, |(words, _)| words);
        let at_least = self.forgotten && times().all(|t| t >= since);
        Some(Trouble {
            peer,
            status: safe_text(status, WORDS_MAX),
            first: Timestamp::from_second(first).ok()?,
            last: Timestamp::from_second(recent().max()?).ok()?,
            count: recent().count() as u64,
            at_least,
            worked_before: mail.count > 0 && mail.first < since,
            troubled_before: self.first < since,
            worked_since: (mail.count > 0 && mail.last >= since)
                .then(|| Timestamp::from_second(mail.last).ok())
                .flatten(),
        })
    }
}

/// Whether a remote server's words are about TLS, such as "negotiated an old and insecure TLS version, TLSv1.1".
fn speaks_of_tls(status: &[u8]) -> bool {
    status.iter().enumerate().any(|(at, first)| {
        let word: &[u8] = match first.to_ascii_lowercase() {
            b't' => b"tls",
            b's' => b"ssl",
            b'h' => b"handshake",
            b'c' => b"cipher",
            b'p' => b"protocol version",
            _ => return false,
        };
        status
            .get(at..at + word.len())
            .is_some_and(|there| there.eq_ignore_ascii_case(word))
    })
}
