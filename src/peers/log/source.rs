//! The bytes of one log, as they are or unpacked.

use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::os::unix::fs::FileExt as _;

use flate2::bufread::MultiGzDecoder;

/// Most bytes unpacked from one file: whoever may write to the directory of the logs must not keep us busy for ever.
const UNPACKED_MAX: u64 = 4 << 30;

/// What is read from.
pub(super) enum Source {
    Plain(File),
    Gzip(Box<Gzip>),
}

impl Source {
    /// Reads from this place on until the buffer is full or the log ends. What is packed can only be read forwards.
    pub(super) fn fill(&mut self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        match self {
            Self::Plain(file) => read_full(file, buffer, at),
            Self::Gzip(gzip) => gzip.fill(buffer, at),
        }
    }

    /// Why it ended before its end, where it did.
    pub(super) fn failure(self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Gzip(gzip) => gzip.failure.map_or(Ok(()), Err),
        }
    }
}

/// A gzip file that is unpacked as it is read (RFC 1952).
pub(super) struct Gzip {
    unpacked: io::Take<MultiGzDecoder<BufReader<File>>>,
    position: u64,
    /// What comes before a damaged place is read; the damage is said afterwards.
    failure: Option<io::Error>,
}

impl Gzip {
    pub(super) fn new(file: File) -> Self {
        Self {
            unpacked: MultiGzDecoder::new(BufReader::new(file)).take(UNPACKED_MAX),
            position: 0,
            failure: None,
        }
    }

    pub(super) fn fill(&mut self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        if at > self.position {
            let skipped = io::copy(&mut self.unpacked.by_ref().take(at - self.position), &mut io::sink())?;
            self.position += skipped;
        }
        let mut filled = 0;
        while let Some(free) = buffer.get_mut(filled..).filter(|free| !free.is_empty()) {
            match self.unpacked.read(free) {
                Ok(0) if self.unpacked.limit() == 0 => {
                    return Err(io::Error::other("it is larger than 4 GiB unpacked"));
                }
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if filled > 0 => {
                    self.failure = Some(e);
                    break;
                }
                Err(e) => return Err(e),
            }
        }
        self.position += filled as u64;
        Ok(filled)
    }
}

/// Reads until the buffer is full or the file ends.
pub(super) fn read_full(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(free) = buffer.get_mut(filled..).filter(|free| !free.is_empty()) {
        match file.read_at(free, at + filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}
