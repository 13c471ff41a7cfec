//! Which files of the log there are, and which bytes of them the window needs.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::clock::Clock;
use super::distinct::identity;

/// From this size on, where the window begins in a file is searched for instead of read for.
const SEARCH_FROM: u64 = 4 << 20;
/// The search ends when it is this near.
const NEAR: u64 = 1 << 20;
/// How much is looked at for a line with a time.
const LOOK: usize = 64 << 10;
/// The log is in order of time but for clock changes; so much earlier is read to be sure.
const SLACK_SECONDS: i64 = 86_400;
/// A first line is known again by so much of it.
const FIRST_LINE: usize = 512;

/// Why the log could not be looked for.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The directory of the logs cannot be read.
    #[error("cannot list the mail logs in {}: {source}; nothing was read; check the path and your rights", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The mail logs of a directory, newest first: `mail.log`, then `mail.log.0`, `mail.log.1`, …, with whatever numbers exist.
/// # Errors
/// [`LogError::Directory`] when the directory cannot be read.
pub fn find_logs(directory: &Path) -> Result<Vec<PathBuf>, LogError> {
    let fail = |source| LogError::Directory {
        path: directory.to_owned(),
        source,
    };
    let mut found: Vec<(u64, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|n| n.strip_prefix("mail.log")) else {
            continue;
        };
        let number = match rest.strip_prefix('.') {
            None if rest.is_empty() => 0,
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                match digits.parse::<u64>() {
                    Ok(number) => number.saturating_add(1),
                    Err(_) => continue,
                }
            }
            _ => continue,
        };
        found.push((number, entry.path()));
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// What a file is known again by, whatever it is called now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FileIdentity {
    device: u64,
    inode: u64,
    first_line: u64,
}

/// Where reading stopped, per file: what [`super::LogFindings::follow`] starts from.
#[derive(Debug, Clone, Default)]
pub(super) struct Cursor {
    read_to: HashMap<FileIdentity, u64>,
}

impl Cursor {
    pub(super) fn set(&mut self, file: &OpenLog, read_to: u64) {
        if let Some(identity) = file.identity {
            self.read_to.insert(identity, read_to);
        }
    }

    /// Where to go on; 0 for a file that is new, was cut short, or has no whole line yet.
    fn resume(&self, file: &OpenLog) -> u64 {
        let known = file.identity.and_then(|identity| self.read_to.get(&identity)).copied();
        known.filter(|read_to| *read_to <= file.size).unwrap_or(0)
    }
}

/// An open log and the bytes of it that are to be read.
#[derive(Debug)]
pub(super) struct OpenLog {
    pub(super) path: PathBuf,
    pub(super) file: File,
    identity: Option<FileIdentity>,
    size: u64,
    /// First byte to read; unless it is 0 or where reading stopped, in the middle of a line.
    pub(super) start: u64,
    /// `start` is the first byte of a line.
    pub(super) start_is_line: bool,
    pub(super) end: u64,
}

/// Opens a log and finds which bytes of it the window (from `since`, in seconds) needs.
pub(super) fn open(path: &Path, since: i64, clock: &mut Clock, cursor: Option<&Cursor>) -> io::Result<OpenLog> {
    // A FIFO of this name must not hang the scan.
    let non_blocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(non_blocking).open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let size = meta.len();
    let mut head = vec![0; FIRST_LINE];
    let filled = read_full(&file, &mut head, 0)?;
    head.truncate(filled);
    let whole = memchr::memchr(b'\n', &head).or((head.len() == FIRST_LINE).then_some(FIRST_LINE));
    let identity = whole.and_then(|end| head.get(..end)).map(|line| FileIdentity {
        device: meta.dev(),
        inode: meta.ino(),
        first_line: identity(line),
    });
    let mut log = OpenLog {
        path: path.to_owned(),
        file,
        identity,
        size,
        start: 0,
        start_is_line: true,
        end: size,
    };
    if let Some(resume) = cursor.map(|c| c.resume(&log)).filter(|resume| *resume > 0) {
        log.start = resume;
        return Ok(log);
    }
    let since = since.saturating_sub(SLACK_SECONDS);
    if last_time(&log.file, size, clock)?.is_some_and(|last| last < since) {
        log.start = size;
        return Ok(log);
    }
    if size >= SEARCH_FROM {
        log.start = search(&log.file, size, since, clock)?;
        log.start_is_line = log.start == 0;
    }
    Ok(log)
}

/// The newest time near the end; `None` where there is none to be read.
fn last_time(file: &File, size: u64, clock: &mut Clock) -> io::Result<Option<i64>> {
    let mut tail = vec![0; LOOK];
    let at = size.saturating_sub(LOOK as u64);
    let filled = read_full(file, &mut tail, at)?;
    tail.truncate(filled);
    Ok(tail
        .split(|b| *b == b'\n')
        .filter_map(|line| clock.split(line))
        .map(|t| t.second)
        .max())
}

/// A place before the first line of the window, found by halving. Where no time can be read, everything is needed.
fn search(file: &File, size: u64, since: i64, clock: &mut Clock) -> io::Result<u64> {
    let (mut low, mut high) = (0, size);
    let mut look = vec![0; LOOK];
    while high - low > NEAR {
        let middle = low + (high - low) / 2;
        let filled = read_full(file, &mut look, middle)?;
        let text = look.get(..filled).unwrap_or_default();
        // The first piece is the rest of a line.
        match text.split(|b| *b == b'\n').skip(1).find_map(|line| clock.split(line)) {
            Some(timed) if timed.second < since => low = middle,
            Some(_) => high = middle,
            None => return Ok(0),
        }
    }
    Ok(low)
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
