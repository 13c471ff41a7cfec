//! Capture files: pcap (tcpdump, firewalls) and pcapng (dumpcap, Wireshark), read as a stream.
//!
//! A file is a stranger's: every length in it is bounded, and one that is torn (a tcpdump that was killed) gives what
//! stands before the tear. No crate: the two formats are little, and those who read them index into what they read.

use std::io::{self, BufReader, Read};

use jiff::Timestamp;

use super::frame::Link;

/// The longest frame that tcpdump and dumpcap take, in bytes; a longer one is damage.
const FRAME_LIMIT: u32 = 262_144;
/// The longest block of pcapng: a frame with its options.
const BLOCK_LIMIT: u32 = 1 << 20;
/// Interfaces of one section.
const INTERFACES: usize = 1024;

/// Why a capture cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// It begins like no capture.
    #[error("neither pcap nor pcapng; save one with: tcpdump -w FILE 'tcp' (or dumpcap -w FILE)")]
    NotACapture,
    /// It could not be read.
    #[error("it could not be read: {0}")]
    Io(#[from] io::Error),
}

/// A frame of a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// When it was seen.
    pub at: Timestamp,
    /// How it begins; `None`: in a way that is not known here.
    pub link: Option<Link>,
    /// As much of it as was kept.
    pub bytes: &'a [u8],
}

/// A capture that is being read.
#[derive(Debug)]
pub struct Capture<R> {
    reader: BufReader<R>,
    big_endian: bool,
    format: Format,
    block: Vec<u8>,
    torn: bool,
}

#[derive(Debug)]
enum Format {
    Pcap {
        link: Option<Link>,
        per_second: u64,
    },
    /// With the interfaces of the section, and the time of the last frame (simple blocks have none).
    Pcapng(Vec<Interface>, Timestamp),
}

#[derive(Debug, Clone, Copy)]
struct Interface {
    link: Option<Link>,
    /// Ticks of its clock a second.
    per_second: u64,
}

impl<R: Read> Capture<R> {
    /// Reads the head.
    ///
    /// # Errors
    /// [`CaptureError`].
    pub fn open(reader: R) -> Result<Self, CaptureError> {
        let mut capture = Self {
            reader: BufReader::with_capacity(1 << 16, reader),
            big_endian: false,
            format: Format::Pcapng(Vec::new(), Timestamp::UNIX_EPOCH),
            block: Vec::new(),
            torn: false,
        };
        if !capture.fill(4)? {
            return Err(CaptureError::NotACapture);
        }
        let magic: [u8; 4] = capture.block.as_slice().try_into().unwrap_or_default();
        let (big_endian, per_second) = match magic {
            [0xa1, 0xb2, 0xc3, 0xd4] => (true, 1_000_000),
            [0xd4, 0xc3, 0xb2, 0xa1] => (false, 1_000_000),
            [0xa1, 0xb2, 0x3c, 0x4d] => (true, 1_000_000_000),
            [0x4d, 0x3c, 0xb2, 0xa1] => (false, 1_000_000_000),
            SECTION => {
                let head = capture.section_head()?;
                return head.then_some(capture).ok_or(CaptureError::NotACapture);
            }
            _ => return Err(CaptureError::NotACapture),
        };
        capture.big_endian = big_endian;
        if !capture.fill(20)? {
            return Err(CaptureError::NotACapture);
        }
        let link = Link::from_number(capture.word(16) & 0x0fff_ffff);
        capture.format = Format::Pcap { link, per_second };
        Ok(capture)
    }

    /// The next frame; `None` at the end, and where the file is torn.
    ///
    /// # Errors
    /// [`CaptureError::Io`].
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        if let Format::Pcap { link, per_second } = self.format {
            if !self.fill(16)? {
                return Ok(None);
            }
            let (seconds, fraction, length) = (self.word(0), self.word(4), self.word(8));
            if length > FRAME_LIMIT || !self.fill(length)? {
                self.torn = true;
                return Ok(None);
            }
            let ticks = u64::from(seconds)
                .saturating_mul(per_second)
                .saturating_add(u64::from(fraction));
            return Ok(Some(Frame {
                at: time(ticks, per_second),
                link,
                bytes: &self.block,
            }));
        }
        self.next_block()
    }

    /// It ended in the middle of something.
    #[must_use]
    pub const fn is_torn(&self) -> bool {
        self.torn
    }

    fn next_block(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        loop {
            if !self.fill(4)? {
                return Ok(None);
            }
            if self.block == SECTION {
                if !self.section_head()? {
                    self.torn = true;
                    return Ok(None);
                }
                continue;
            }
            let kind = self.word(0);
            if !self.fill(4)? {
                return Ok(None);
            }
            let length = self.word(0);
            if !(12..=BLOCK_LIMIT).contains(&length) || !self.fill(length.saturating_sub(8))? {
                self.torn = true;
                return Ok(None);
            }
            let (head, kept) = match kind {
                1 => {
                    self.interface();
                    continue;
                }
                3 => (4, self.word(0)),
                6 => (20, self.word(12)),
                _ => continue,
            };
            let kept = usize::try_from(kept).unwrap_or(usize::MAX);
            // The last four bytes repeat the length.
            let there = self.block.len().saturating_sub(4).saturating_sub(head);
            let (number, ticks) = if kind == 6 {
                (self.word(0), u64::from(self.word(4)) << 32 | u64::from(self.word(8)))
            } else {
                (0, 0)
            };
            let Format::Pcapng(interfaces, last) = &mut self.format else {
                return Ok(None);
            };
            let interface = usize::try_from(number)
                .ok()
                .and_then(|number| interfaces.get(number))
                .copied();
            if let (6, Some(interface)) = (kind, interface) {
                *last = time(ticks, interface.per_second);
            }
            let at = *last;
            return Ok(Some(Frame {
                at,
                link: interface.and_then(|interface| interface.link),
                bytes: self
                    .block
                    .get(head..head.saturating_add(kept.min(there)))
                    .unwrap_or_default(),
            }));
        }
    }

    /// What follows the first four bytes of a section's head: its byte order, and that its interfaces begin anew.
    fn section_head(&mut self) -> Result<bool, CaptureError> {
        if !self.fill(8)? {
            return Ok(false);
        }
        self.big_endian = match self.block.get(4..) {
            Some([0x1a, 0x2b, 0x3c, 0x4d]) => true,
            Some([0x4d, 0x3c, 0x2b, 0x1a]) => false,
            _ => return Ok(false),
        };
        let length = self.word(0);
        if !(28..=BLOCK_LIMIT).contains(&length) || !self.fill(length.saturating_sub(12))? {
            return Ok(false);
        }
        self.format = Format::Pcapng(Vec::new(), Timestamp::UNIX_EPOCH);
        Ok(true)
    }

    fn interface(&mut self) {
        let shift = if self.big_endian { 16 } else { 0 };
        let link = Link::from_number((self.word(0) >> shift) & 0xffff);
        let mut per_second = 1_000_000;
        let mut at = 8_usize;
        // Options: kind, length, value filled up to four bytes.
        while let Some([a, b, c, d, rest @ ..]) = self.block.get(at..) {
            let word = |pair| {
                if self.big_endian {
                    u16::from_be_bytes(pair)
                } else {
                    u16::from_le_bytes(pair)
                }
            };
            let (kind, length) = (word([*a, *b]), usize::from(word([*c, *d])));
            match (kind, rest.first()) {
                (0, _) => break,
                (9, Some(power)) if length == 1 => per_second = resolution(*power).unwrap_or(per_second),
                _ => {}
            }
            at = at.saturating_add(4).saturating_add(length.next_multiple_of(4));
        }
        if let Format::Pcapng(interfaces, _) = &mut self.format
            && interfaces.len() < INTERFACES
        {
            interfaces.push(Interface { link, per_second });
        }
    }

    /// Reads so many bytes; `false` at the end of the file.
    fn fill(&mut self, length: u32) -> Result<bool, CaptureError> {
        self.block.clear();
        let read = self
            .reader
            .by_ref()
            .take(u64::from(length))
            .read_to_end(&mut self.block)?;
        let whole = u32::try_from(read) == Ok(length);
        self.torn |= !whole && read > 0;
        Ok(whole)
    }

    fn word(&self, at: usize) -> u32 {
        let bytes = self
            .block
            .get(at..at.saturating_add(4))
            .and_then(|four| four.try_into().ok())
            .unwrap_or_default();
        if self.big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    }
}

/// First bytes of a section of pcapng, the same in both byte orders.
const SECTION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// The option `if_tsresol`: a power of ten, or of two with the highest bit set. `None`: finer than a counter of 64
/// bits.
fn resolution(power: u8) -> Option<u64> {
    let base: u64 = if power & 0x80 == 0 { 10 } else { 2 };
    base.checked_pow(u32::from(power & 0x7f))
}

/// A time of so many ticks; one past all calendars is the last that there is.
fn time(ticks: u64, per_second: u64) -> Timestamp {
    let seconds = i64::try_from(ticks / per_second.max(1)).unwrap_or(i64::MAX);
    let rest = u128::from(ticks % per_second.max(1)) * 1_000_000_000 / u128::from(per_second.max(1));
    Timestamp::new(seconds, i32::try_from(rest).unwrap_or(0)).unwrap_or(Timestamp::MAX)
}
