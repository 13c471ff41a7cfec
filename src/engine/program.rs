//! What the engine's own program tells of names, without running it: the executable and the libraries beside it are
//! read as bytes, from the beginning to the end, a piece at a time.

use std::collections::HashSet;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::files::{self, Directory, Fault, Opened};
use crate::hostile::safe_text;

use super::identifiers::{MARGIN, OtherName, Presence, Search, Wanted};

/// Bytes read at once.
const PIECE: usize = 1 << 18;
/// Threads at most, and bytes that are worth one.
const THREADS: usize = 4;
const SMALLEST: u64 = 4 << 20;
/// More than this is no engine's program (10.0.9 has 69 MB), nor all its libraries together.
const LARGEST: u64 = 512 << 20;
/// Libraries read at most.
const LIBRARIES: usize = 64;
/// Other names given at most.
const OTHERS: usize = 200;

/// What a program and the libraries beside it tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// What was read: name, size and time of each file, so that it is known again.
    pub stamp: Vec<Stamp>,
    /// Why it tells nothing of names; `None`: it tells.
    pub silent: Option<String>,
    /// Each name that was asked for, in that order.
    pub names: Vec<Presence>,
    /// Other identifiers with one of the words, nearest to the known names first.
    pub others: Vec<OtherName>,
    /// `OpenSSL 1.1.1k`, where it or a library says so.
    pub openssl: Option<String>,
}

/// One file, as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Its name.
    pub name: String,
    /// Its size.
    pub size: u64,
    /// When it was changed: seconds and nanoseconds.
    pub modified: (i64, i64),
}

impl Stamp {
    fn of(name: &str, opened: &Opened) -> Self {
        let stat = opened.stat();
        Self {
            name: name.to_owned(),
            size: opened.size(),
            modified: (stat.st_mtime, stat.st_mtime_nsec as i64),
        }
    }
}

/// The executable and the libraries beside it, opened.
struct Files {
    all: Vec<(String, Opened)>,
}

impl Files {
    fn open(executable: &Path) -> Result<Self, Fault> {
        let name = |path: &Path| safe_text(path.file_name().unwrap_or_default().as_encoded_bytes(), 80);
        let program = files::open(executable)?;
        let stat = program.stat();
        let (mut seen, mut size) = (HashSet::from([(stat.st_dev, stat.st_ino)]), program.size());
        let mut all = vec![(name(executable), program)];
        let beside = executable.parent().unwrap_or(Path::new("."));
        let names = Directory::open(beside)
            .and_then(|directory| directory.names())
            .unwrap_or_default();
        for library in names
            .iter()
            .filter(|name| name.ends_with(".so") || name.contains(".so."))
        {
            // A library that cannot be read tells nothing; its links lead to one file.
            if let Ok(opened) = files::open(&beside.join(library))
                && seen.insert((opened.stat().st_dev, opened.stat().st_ino))
                && all.len() <= LIBRARIES
                && size + opened.size() <= LARGEST
            {
                size += opened.size();
                all.push((safe_text(library, 80), opened));
            }
        }
        Ok(Self { all })
    }

    fn stamp(&self) -> Vec<Stamp> {
        self.all.iter().map(|(name, opened)| Stamp::of(name, opened)).collect()
    }
}

/// What is there to be read: to be held against what was read before. `None`: nothing can be.
#[must_use]
pub fn program_stamp(executable: &Path) -> Option<Vec<Stamp>> {
    Some(Files::open(executable).ok()?.stamp())
}

/// Reads an executable and the libraries beside it. Never fails: what cannot be read tells nothing, and why.
#[must_use]
pub fn read_program(executable: &Path, wanted: Wanted<'_>) -> Program {
    let silent = |stamp, why: String| Program {
        path: executable.to_owned(),
        stamp,
        silent: Some(why),
        names: vec![Presence::Absent; wanted.names.len()],
        others: Vec::new(),
        openssl: None,
    };
    let found = match Files::open(executable) {
        Ok(found) => found,
        Err(fault) => return silent(Vec::new(), format!("it cannot be read ({})", fault.why)),
    };
    let stamp = found.stamp();
    if stamp.first().is_some_and(|program| program.size > LARGEST) {
        return silent(stamp, "it is larger than any engine's program".to_owned());
    }
    let mut search = Search::new(wanted);
    for (name, opened) in &found.all {
        match read(opened.file(), opened.size(), wanted, &mut search) {
            Ok(()) => search.end_of_file(name),
            Err(error) => return silent(stamp, format!("{name} cannot be read ({error})")),
        }
    }
    // What was exchanged or written meanwhile was read half.
    if program_stamp(executable).as_ref() != Some(&stamp) {
        return silent(Vec::new(), "it changed while it was read".to_owned());
    }
    let (has_anchor, names, others, openssl) = search.end(OTHERS);
    let why = || {
        format!(
            "it does not even hold the name {} (packed, or laid out in another way)",
            wanted.anchor
        )
    };
    Program {
        path: executable.to_owned(),
        stamp,
        silent: (!has_anchor).then(why),
        names,
        others: if has_anchor { others } else { Vec::new() },
        openssl,
    }
}

/// Reads a file, its parts at the same time where there are processors for it.
fn read<'a>(file: &File, size: u64, wanted: Wanted<'a>, search: &mut Search<'a>) -> std::io::Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get().min(THREADS)) as u64;
    let part = (size / threads + 1).max(SMALLEST);
    let starts = (0..threads)
        .map(|index| index * part)
        .filter(|start| *start < size.max(1));
    std::thread::scope(|scope| {
        let parts: Vec<_> = starts
            .map(|start| {
                let mut search = Search::new(wanted);
                let read = move || read_part(file, start, (start + part).min(size), size, &mut search).map(|()| search);
                std::thread::Builder::new()
                    .name("program".to_owned())
                    .spawn_scoped(scope, read)
            })
            .collect();
        for part in parts {
            // A thread that panicked has read nothing that could be relied on.
            let read = part?
                .join()
                .map_err(|_| std::io::Error::other("an error in the program"))?;
            search.join(read?);
        }
        Ok(())
    })
}

/// Reads the names that begin in a part of a file of this size.
fn read_part(file: &File, from: u64, to: u64, size: u64, search: &mut Search<'_>) -> std::io::Result<()> {
    let (mut at, margin) = (from.saturating_sub(MARGIN as u64), MARGIN as u64);
    let end = (to + margin).min(size);
    let mut buffer = vec![0; PIECE];
    loop {
        let room = usize::try_from(end - at).unwrap_or(PIECE).min(PIECE);
        let mut held = 0;
        while let Some(rest) = buffer.get_mut(held..room).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, at + held as u64) {
                // It is shorter than it was: that it changed is seen by whoever compares.
                Ok(0) => break,
                Ok(count) => held += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let reached = at + held as u64;
        search.piece(buffer.get(..held).unwrap_or_default(), at, reached >= size);
        if reached >= end || held < room || held <= 2 * MARGIN {
            return Ok(());
        }
        at = reached - 2 * margin;
    }
}

#[cfg(test)]
mod tests;
