//! Reading a stretch of bytes of a log, line by line, into a tally.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::tz::TimeZone;

use super::clock::Clock;
use super::key::{PeerKind, address, service};
use super::line::{LogLine, parse};
use super::scope::ScanProgress;
use super::source::Source;
use super::tally::{HostRef, Tally};
use crate::hostile::slice_at;
use crate::peers::host::{Host, OwnHosts};

/// One read: what fits a core's second cache; larger was slower, 64 KiB no quicker. Also the longest line that is read.
const BUFFER: usize = 256 << 10;

/// Counts a line and gives what follows on it, or leaves it to the strict reader.
type Lane = for<'t> fn(&'t [u8], i64, &mut Tally) -> Option<&'t [u8]>;

/// The fast lane. To do without it: delete its folder, its line in `log/mod.rs` and `wide` in `Cargo.toml`, and let this be
/// `|_, _, _| None`. The program then finds the same, about three times slower (0.17 of rg instead of 0.50 on one core).
const FAST: Lane = super::fast::count;

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
    /// Where its file ends.
    pub(super) log_end: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn new(zone: TimeZone, own: &'a OwnHosts, since: i64, now: i64) -> Self {
        let clock = Clock::new(zone, now);
        Self {
            until: clock.latest(),
            clock,
            own,
            since,
            tally: Tally::default(),
            buffer: vec![0; BUFFER],
        }
    }

    /// Reads a stretch; gives the first byte of an unfinished last line, or the end. Stops early when cancelled.
    pub(super) fn read(
        &mut self,
        source: &mut Source,
        stretch: Stretch,
        progress: &ScanProgress,
        cancel: &AtomicBool,
    ) -> io::Result<u64> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = self.read_into(&mut buffer, source, stretch, progress, cancel);
        self.buffer = buffer;
        result
    }

    fn read_into(
        &mut self,
        buffer: &mut [u8],
        source: &mut Source,
        stretch: Stretch,
        progress: &ScanProgress,
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
            let limit = usize::try_from(stretch.log_end - position)
                .unwrap_or(usize::MAX)
                .min(wanted);
            let Some(free) = buffer.get_mut(kept..limit) else { break };
            let filled = kept + source.fill(free, position + kept as u64)?;
            let Some(text) = buffer.get(..filled) else { break };
            let at_end = filled < limit || position + filled as u64 >= stretch.log_end;
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
                    progress.advance(position.min(stretch.end).saturating_sub(reported));
                    reported = reported.max(position.min(stretch.end));
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
                let text = slice_at(buffer, last + 1..filled);
                if position < stretch.end && !text.is_empty() {
                    self.line(text, false);
                }
                break;
            }
            buffer.copy_within(last + 1..filled, 0);
            kept = rest;
        }
        // A scan that was cancelled did not get to the end and must not look as if it had.
        if !cancel.load(Ordering::Relaxed) {
            progress.advance(stretch.end.saturating_sub(reported));
        }
        Ok(position)
    }

    /// Whole lines, from `begin` on. True when one began at or after `end` (it is the next stretch's).
    pub(super) fn lines(&mut self, lines: &[u8], begin: usize, end: u64) -> bool {
        let mut start = begin;
        let Some(mut rest) = lines.get(begin..) else {
            return false;
        };
        while !rest.is_empty() && (start as u64) < end {
            let after = if let Some(after) = self.fast(rest) {
                after
            } else {
                let Some((line, after)) = memchr::memchr(b'\n', rest).and_then(|end| rest.split_at_checked(end)) else {
                    return false;
                };
                self.line(line, true);
                after
            };
            start += rest.len() - after.len() + 1;
            rest = slice_at(after, 1..);
        }
        start as u64 >= end
    }

    /// Reads and counts the line at the head of `text` on the fast lane; gives what follows from its line feed on. `None`: it is for the
    /// strict reader.
    #[inline]
    fn fast<'t>(&mut self, text: &'t [u8]) -> Option<&'t [u8]> {
        let timed = self.clock.engine(text)?;
        if timed.second < self.since || timed.second > self.until {
            return None;
        }
        FAST(timed.message, timed.second, &mut self.tally)
    }

    pub(super) fn line(&mut self, line: &[u8], whole: bool) {
        let Some(timed) = self.clock.split(line) else {
            if is_like_ours(line) {
                self.tally.not_understood(line);
            }
            return;
        };
        if timed.second < self.since {
            return;
        }
        let parsed = parse(timed.message, whole);
        let host = match &parsed {
            LogLine::Other => {
                if is_like_ours(timed.message) {
                    self.tally.not_understood(line);
                }
                return;
            }
            LogLine::Ambiguous => {
                self.tally.lines.ambiguous += 1;
                return;
            }
            LogLine::NotUnderstood => {
                self.tally.not_understood(line);
                return;
            }
            LogLine::Sent(sent) => sent.host,
            LogLine::Received(received) => received.host,
        };
        if timed.second > self.until {
            self.tally.lines.in_future += 1;
            return;
        }
        // A bounce made here, or a delivery that reached no host: nobody to name.
        let Some(host) = host else { return };
        let host = match address(host) {
            Some(address) => Some(Host::Address(address.into())),
            None => std::str::from_utf8(host).ok().and_then(Host::parse),
        };
        match host {
            Some(Host::Address(address)) => self.address(address, &parsed, timed.second),
            Some(Host::Name(name)) if self.own.has_name(&name) => {}
            Some(Host::Name(name)) => self.count(HostRef::Name(&name), &parsed, timed.second),
            None => self.tally.not_understood(line),
        }
    }

    fn address(&mut self, address: IpAddr, line: &LogLine<'_>, second: i64) {
        if !self.own.has_address(address) {
            return self.count(HostRef::Address(address), line, second);
        }
        match line {
            LogLine::Sent(_) => self.tally.ourselves(PeerKind::Outbound, address),
            LogLine::Received(received) => self
                .tally
                .ourselves(PeerKind::Inbound(service(received.service)), address),
            LogLine::Other | LogLine::Ambiguous | LogLine::NotUnderstood => {}
        }
    }

    fn count(&mut self, host: HostRef<'_>, line: &LogLine<'_>, second: i64) {
        match line {
            LogLine::Sent(sent) => self.tally.sent(host, sent, second),
            LogLine::Received(received) => self.tally.received(host, service(received.service), received, second),
            LogLine::Other | LogLine::Ambiguous | LogLine::NotUnderstood => {}
        }
    }
}

/// Whether a line that is not read looks as if it were about a message: it came through something that we do not know.
fn is_like_ours(line: &[u8]) -> bool {
    /// Headers are shorter, and the engine's own lines are not longer.
    const LOOK: usize = 1024;
    let line = line.get(..LOOK).unwrap_or(line);
    memchr::memmem::find(line, b"Queue-ID:").is_some_and(|at| {
        let before = slice_at(line, ..at).trim_ascii_end();
        before.ends_with(b"Sent:") || before.ends_with(b"Recv:")
    })
}

#[cfg(test)]
#[path = "stretch_tests.rs"]
mod tests;
