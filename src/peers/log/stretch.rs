//! Reading a stretch of bytes of a log, line by line, into a tally.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::tz::TimeZone;

use super::clock::Clock;
use super::files::{OpenLog, read_full};
use super::line::{Line, parse};
use super::tally::{HostRef, Tally};
use super::{OwnHosts, Progress};
use crate::peers::{Host, Service};

/// One read: what fits a core's second cache; larger was slower. Also the longest line that is read.
const BUFFER: usize = 256 << 10;
/// Lines dated later than this many seconds after "now" are a wrong clock, not mail.
const FUTURE_SECONDS: i64 = 86_400;

/// What reads lines into a tally.
pub(super) struct Reader<'a> {
    clock: Clock,
    own: &'a OwnHosts,
    since: i64,
    until: i64,
    pub(super) tally: Tally,
    buffer: Vec<u8>,
}

/// Bytes of one file; lines that begin in it are read, the last one to its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub(super) file: usize,
    pub(super) start: u64,
    pub(super) start_is_line: bool,
    pub(super) end: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn new(zone: TimeZone, own: &'a OwnHosts, since: i64, now: i64) -> Self {
        Self {
            clock: Clock::new(zone),
            own,
            since,
            until: now.saturating_add(FUTURE_SECONDS),
            tally: Tally::default(),
            buffer: vec![0; BUFFER],
        }
    }

    /// Reads a stretch; gives the first byte of an unfinished last line, or the end. Stops early when cancelled.
    pub(super) fn read(
        &mut self,
        log: &OpenLog,
        stretch: Stretch,
        progress: &Progress,
        cancel: &AtomicBool,
    ) -> io::Result<u64> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = self.read_into(&mut buffer, log, stretch, progress, cancel);
        self.buffer = buffer;
        result
    }

    fn read_into(
        &mut self,
        buffer: &mut [u8],
        log: &OpenLog,
        stretch: Stretch,
        progress: &Progress,
        cancel: &AtomicBool,
    ) -> io::Result<u64> {
        // Where the next line begins is known only behind a line feed: one byte earlier may be one.
        let mut skipping = !stretch.start_is_line && stretch.start > 0;
        let mut position = if skipping { stretch.start - 1 } else { stretch.start };
        let mut kept = 0_usize;
        let mut reported = stretch.start;
        while position < stretch.end && !cancel.load(Ordering::Relaxed) {
            // The last line of a stretch is read to its end, but not much more.
            let wanted = usize::try_from(stretch.end - position).map_or(BUFFER, |n| n.saturating_add(4096).min(BUFFER));
            let wanted = wanted.max((kept * 2).min(BUFFER));
            let limit = usize::try_from(log.end - position).unwrap_or(usize::MAX).min(wanted);
            let Some(free) = buffer.get_mut(kept..limit) else { break };
            let filled = kept + read_full(&log.file, free, position + kept as u64)?;
            let Some(text) = buffer.get(..filled) else { break };
            let at_end = filled < limit || position + filled as u64 >= log.end;
            let Some(last) = memchr::memrchr(b'\n', text) else {
                if at_end {
                    if !skipping {
                        self.line(text, false);
                    }
                    break;
                }
                if filled >= BUFFER {
                    self.tally.lines.overlong += u64::from(!skipping);
                    skipping = true;
                    position += filled as u64;
                    kept = 0;
                } else {
                    kept = filled;
                }
                continue;
            };
            let (lines, rest) = text.split_at_checked(last + 1).unwrap_or((text, &[]));
            let begin = if skipping {
                memchr::memchr(b'\n', lines).map_or(lines.len(), |n| n + 1)
            } else {
                0
            };
            skipping = false;
            let ended = self.lines(lines, begin, stretch.end - position);
            let (done, rest) = (lines.len() as u64, rest.len());
            position += if ended { stretch.end - position } else { done };
            progress.advance(position.min(stretch.end).saturating_sub(reported));
            reported = reported.max(position.min(stretch.end));
            if ended {
                return Ok(stretch.end);
            }
            if at_end {
                let text = buffer.get(last + 1..filled).unwrap_or_default();
                if position < stretch.end && !text.is_empty() {
                    self.line(text, false);
                }
                break;
            }
            buffer.copy_within(last + 1..filled, 0);
            kept = rest;
        }
        progress.advance(stretch.end.saturating_sub(reported));
        Ok(position)
    }

    /// Whole lines, from `begin` on. True when one began at or after `end` (it is the next stretch's).
    fn lines(&mut self, lines: &[u8], begin: usize, end: u64) -> bool {
        let mut start = begin;
        let Some(mut rest) = lines.get(begin..) else {
            return false;
        };
        while let Some(length) = memchr::memchr(b'\n', rest) {
            if start as u64 >= end {
                return true;
            }
            let Some((line, after)) = rest.split_at_checked(length) else {
                return false;
            };
            self.line(line, true);
            start += length + 1;
            rest = after.get(1..).unwrap_or_default();
        }
        start as u64 >= end
    }

    fn line(&mut self, line: &[u8], whole: bool) {
        let Some(timed) = self.clock.split(line) else { return };
        if timed.second < self.since {
            return;
        }
        let parsed = parse(timed.message, whole);
        let host = match &parsed {
            Line::Other => return,
            Line::Ambiguous => {
                self.tally.lines.ambiguous += 1;
                return;
            }
            Line::NotUnderstood => {
                self.tally.lines.not_understood += 1;
                return;
            }
            Line::Sent(sent) => sent.host,
            Line::Received(received) => received.host,
        };
        if timed.second > self.until {
            self.tally.lines.in_future += 1;
            return;
        }
        // A bounce made here, or a delivery that reached no host: nobody to name.
        let Some(host) = host else { return };
        if let Some(address) = address(host) {
            if !self.own.has_address(address) {
                self.count(HostRef::Address(address), &parsed, timed.second);
            }
            return;
        }
        match std::str::from_utf8(host).ok().and_then(Host::parse) {
            Some(Host::Address(address)) if self.own.has_address(address) => {}
            Some(Host::Address(address)) => self.count(HostRef::Address(address), &parsed, timed.second),
            Some(Host::Name(name)) if self.own.has_name(&name) => {}
            Some(Host::Name(name)) => self.count(HostRef::Name(&name), &parsed, timed.second),
            None => self.tally.lines.not_understood += 1,
        }
    }

    fn count(&mut self, host: HostRef<'_>, line: &Line<'_>, second: i64) {
        match line {
            Line::Sent(sent) => self.tally.sent(host, sent, second),
            Line::Received(received) => self.tally.received(host, service(received.service), received, second),
            Line::Other | Line::Ambiguous | Line::NotUnderstood => {}
        }
    }
}

/// An IPv4 address, the common case, without the detour over text.
fn address(host: &[u8]) -> Option<IpAddr> {
    let mut octets = [0_u8; 4];
    let mut parts = host.split(|b| *b == b'.');
    for octet in &mut octets {
        let part = parts.next()?;
        if part.is_empty() || part.len() > 3 || (part.len() > 1 && part.first() == Some(&b'0')) {
            return None;
        }
        let mut value = 0_u16;
        for digit in part {
            value = value * 10 + u16::from(digit.checked_sub(b'0').filter(|d| *d < 10)?);
        }
        *octet = u8::try_from(value).ok()?;
    }
    parts.next().is_none().then(|| IpAddr::V4(Ipv4Addr::from(octets)))
}

/// The service that a `Recv` line names. Only `SMTP` is mail transport; the engine's own client, WebDAV and ActiveSync
/// come over HTTPS. A session of a user on 587 or 465 is logged as `SMTP` too, as far as is known.
fn service(word: &[u8]) -> Service {
    match word {
        b"SMTP" => return Service::Smtp,
        b"Kerio Connect Client" | b"WebDAV" => return Service::Https,
        _ => {}
    }
    let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    if is("SMTP") || is("ESMTP") {
        Service::Smtp
    } else {
        let named = std::str::from_utf8(word).ok().and_then(Service::from_token);
        named.unwrap_or(Service::Https)
    }
}
