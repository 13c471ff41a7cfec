//! Which bytes of each log the window needs. Each file is opened, looked at and closed again, so that any number of them takes one
//! descriptor; whoever reads it opens it anew.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::clock::Clock;
use super::distinct::identity;
use super::source::{Gzip, Source, read_full};
use crate::files::{self, Directory, Opened};
use crate::hostile::slice_at;

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
/// What is packed is about so many times larger unpacked: only for sharing the work.
const PACKED: u64 = 10;

/// What a file is known again by, whatever it is called now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct FileIdentity {
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
    pub(super) fn set(&mut self, log: &PlannedLog, read_to: u64) {
        if let Some(identity) = log.identity {
            // Nothing is added to what is packed.
            self.read_to
                .insert(identity, if log.packed { u64::MAX } else { read_to });
        }
    }

    /// Where to go on; 0 for a file that is new, was cut short, or has no whole line yet. A file that was packed since is another one: it is
    /// known by its first line.
    fn resume(&self, log: &PlannedLog) -> u64 {
        let Some(identity) = log.identity else { return 0 };
        let known = self.read_to.get(&identity).copied();
        if log.packed {
            let same_line = |(known, _): &(&FileIdentity, &u64)| known.first_line == identity.first_line;
            let by_line = || self.read_to.iter().filter(same_line).map(|(_, read_to)| *read_to).max();
            return known.or_else(by_line).unwrap_or(0);
        }
        known.filter(|read_to| *read_to <= log.end).unwrap_or(0)
    }
}

/// A log and the bytes of it that are to be read.
#[derive(Debug)]
pub(super) struct PlannedLog {
    pub(super) path: PathBuf,
    device: u64,
    inode: u64,
    identity: Option<FileIdentity>,
    /// It is a gzip file: `start` and `end` count unpacked bytes, and only the whole can be read.
    pub(super) packed: bool,
    /// Bytes on disk that are to be read.
    pub(super) bytes: u64,
    /// First byte to read; unless it is 0 or where reading stopped, in the middle of a line.
    pub(super) start: u64,
    /// `start` is the first byte of a line.
    pub(super) start_is_line: bool,
    pub(super) end: u64,
    /// The times of its first and its newest line, in seconds, as far as they were seen.
    pub(super) first: Option<i64>,
    pub(super) last: Option<i64>,
}

impl PlannedLog {
    /// How much work it is to read, in bytes.
    pub(super) const fn weight(&self) -> u64 {
        if self.packed {
            self.bytes.saturating_mul(PACKED)
        } else {
            self.bytes
        }
    }

    /// Takes in how it begins.
    fn know_by(&mut self, head: &[u8], clock: &mut Clock) {
        let whole = memchr::memchr(b'\n', head).or((head.len() == FIRST_LINE).then_some(FIRST_LINE));
        let Some(line) = whole.and_then(|end| head.get(..end)) else {
            return;
        };
        self.first = clock.split(line).map(|timed| timed.second);
        self.identity = Some(FileIdentity {
            device: self.device,
            inode: self.inode,
            first_line: identity(line),
        });
    }

    /// Opens it for reading; if rotation gave its name to another file meanwhile, under the name that it has now.
    pub(super) fn open(&self) -> io::Result<Source> {
        let opened = files::open(&self.path)
            .map_err(io::Error::from)
            .and_then(|opened| self.same(opened));
        let file = match opened {
            Ok(file) => file,
            Err(error) => self.elsewhere().ok_or(error)?,
        };
        Ok(if self.packed {
            Source::Gzip(Box::new(Gzip::new(file)))
        } else {
            Source::Plain(file)
        })
    }

    fn same(&self, opened: Opened) -> io::Result<File> {
        let stat = opened.stat();
        if (stat.st_dev, stat.st_ino) == (self.device, self.inode) {
            Ok(opened.into_file())
        } else {
            Err(io::Error::other("another file has its name by now"))
        }
    }

    fn elsewhere(&self) -> Option<File> {
        let directory = Directory::open(self.path.parent()?).ok()?;
        let names = directory.names().ok()?;
        let logs = names.iter().filter(|name| name.starts_with("mail.log"));
        let mut opened = logs.filter_map(|name| files::open(&directory.path().join(name)).ok());
        opened.find_map(|opened| self.same(opened).ok())
    }
}

/// Looks at a log and finds which bytes of it the window (from `since`, in seconds) needs.
pub(super) fn plan(path: &Path, since: i64, clock: &mut Clock, cursor: &Cursor) -> io::Result<PlannedLog> {
    let since = since.saturating_sub(SLACK_SECONDS);
    let opened = files::open(path)?;
    let (stat, size) = (*opened.stat(), opened.size());
    let file = opened.into_file();
    let mut log = PlannedLog {
        path: path.to_owned(),
        device: stat.st_dev,
        inode: stat.st_ino,
        identity: None,
        packed: path.extension().is_some_and(|extension| extension == "gz"),
        bytes: size,
        start: 0,
        start_is_line: true,
        end: size,
        first: None,
        last: None,
    };
    let mut head = vec![0; FIRST_LINE];
    if log.packed {
        if stat.st_mtime < since {
            (log.bytes, log.end, log.first) = (0, 0, Some(stat.st_mtime));
            return Ok(log);
        }
        let filled = Gzip::new(file).fill(&mut head, 0)?;
        head.truncate(filled);
        if let Some(what) = no_lines(&head) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        log.know_by(&head, clock);
        (log.start, log.end) = (cursor.resume(&log), u64::MAX / 2);
        if log.start >= log.end {
            (log.bytes, log.start, log.end) = (0, 0, 0);
        }
        return Ok(log);
    }
    let filled = read_full(&file, &mut head, 0)?;
    head.truncate(filled);
    if let Some(what) = no_lines(&head) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    log.know_by(&head, clock);
    let until = clock.latest();
    let time_of = |line: &[u8]| {
        clock
            .split(line)
            .map(|timed| timed.second)
            .filter(|second| *second <= until)
    };
    log.last = last_time(&file, size, time_of)?;
    let resume = cursor.resume(&log);
    if resume > 0 {
        log.start = resume;
    } else if log.last.is_some_and(|last| last < since) {
        log.start = size;
    } else if size >= SEARCH_FROM {
        log.start = search(&file, size, since, clock)?;
        log.start_is_line = log.start == 0;
    }
    log.bytes = size - log.start;
    Ok(log)
}

/// What a file is that was copied or converted in such a way that it has no lines of a log any more.
fn no_lines(head: &[u8]) -> Option<&'static str> {
    match head {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'[', 0, ..] | [0, b'[', ..] => {
            Some("it looks like UTF-16, and only ASCII and UTF-8 are read; convert it: iconv -f UTF-16 -t UTF-8")
        }
        _ if memchr::memchr(b'\n', head).is_none() && memchr::memmem::find(head, b"\r[").is_some() => {
            Some("its lines end in CR alone, and only LF and CR LF are read; convert it: tr '\\r' '\\n'")
        }
        _ => None,
    }
}

/// The newest time near the end of a file, as `time_of` reads lines; `None` where there is none to be read.
pub(super) fn last_time(file: &File, size: u64, time_of: impl FnMut(&[u8]) -> Option<i64>) -> io::Result<Option<i64>> {
    let mut tail = vec![0; LOOK];
    let filled = read_full(file, &mut tail, size.saturating_sub(LOOK as u64))?;
    tail.truncate(filled);
    Ok(tail.split(|b| *b == b'\n').filter_map(time_of).max())
}

/// A place before the first line of the window, found by halving. Where no time can be read, everything is needed.
fn search(file: &File, size: u64, since: i64, clock: &mut Clock) -> io::Result<u64> {
    let (mut low, mut high) = (0, size);
    let mut look = vec![0; LOOK];
    while high - low > NEAR {
        let middle = low + (high - low) / 2;
        let filled = read_full(file, &mut look, middle)?;
        let text = slice_at(&look, ..filled);
        // The first piece is the rest of a line.
        match text.split(|b| *b == b'\n').skip(1).find_map(|line| clock.split(line)) {
            Some(timed) if timed.second < since => low = middle,
            Some(_) => high = middle,
            None => return Ok(0),
        }
    }
    Ok(low)
}
