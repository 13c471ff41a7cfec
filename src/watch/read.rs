//! A whole capture file to rows.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;

use jiff::Timestamp;

use super::capture::{Capture, CaptureError};
use super::frame::Segment;
use super::handshakes::Watcher;
use super::own::{Own, is_usual};
use super::rows::Rows;

/// What a capture showed.
#[derive(Debug)]
pub struct Read {
    /// The rows.
    pub rows: Rows,
    /// Frames in all.
    pub frames: u64,
    /// Of these, of a link type that is not known here.
    pub unknown: u64,
    /// The file ends in the middle of a frame.
    pub torn: bool,
    /// First and last frame.
    pub span: Option<(Timestamp, Timestamp)>,
}

/// Reads a capture.
///
/// # Errors
/// [`CaptureError`].
pub fn read_capture(reader: impl io::Read, own: Own) -> Result<Read, CaptureError> {
    let mut capture = Capture::open(reader)?;
    let mut watcher = Watcher::new(own);
    let (mut frames, mut unknown, mut span) = (0_u64, 0_u64, None);
    while let Some(frame) = capture.next_frame()? {
        frames = frames.saturating_add(1);
        let (first, last) = span.unwrap_or((frame.at, frame.at));
        span = Some((first.min(frame.at), last.max(frame.at)));
        let Some(link) = frame.link else {
            unknown = unknown.saturating_add(1);
            continue;
        };
        if let Some(segment) = Segment::of_frame(link, frame.bytes) {
            watcher.take(frame.at, &segment);
        }
    }
    watcher.end();
    // Whoever called long enough before the end and was not answered will not be.
    if let Some((_, last)) = span {
        watcher.pass(last);
    }
    Ok(Read {
        rows: watcher.rows,
        frames,
        unknown,
        torn: capture.is_torn(),
        span,
    })
}

/// The address that most connections to the usual ports begin or end at: most likely the server's own.
///
/// # Errors
/// [`CaptureError`].
pub fn guess_own(reader: impl io::Read) -> Result<Option<IpAddr>, CaptureError> {
    /// So many addresses are enough to see which one is in most.
    const ADDRESSES: usize = 100_000;
    let mut capture = Capture::open(reader)?;
    let mut seen: HashMap<IpAddr, u64> = HashMap::new();
    while let Some(frame) = capture.next_frame()? {
        let segment = frame.link.and_then(|link| Segment::of_frame(link, frame.bytes));
        let Some(segment) = segment.filter(|segment| is_usual(segment.to.port())) else {
            continue;
        };
        if let [22, 3, _, _, _, 1, ..] | [0x80..=0xff, _, 1, 3, ..] = segment.payload {
            // Of two that were seen equally often the one that was called is a server.
            for (address, weight) in [(segment.from.ip(), 2), (segment.to.ip(), 3)] {
                if seen.len() < ADDRESSES || seen.contains_key(&address) {
                    *seen.entry(address).or_default() += weight;
                }
            }
        }
    }
    Ok(seen
        .into_iter()
        .max_by_key(|(address, count)| (*count, *address))
        .map(|(address, _)| address))
}
