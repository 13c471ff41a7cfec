//! The stored messages of a server, newest first. Whoever owns the store may turn a folder into a link at any moment, so each is reached
//! from the store's own handle, name by name, and no link is followed.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, RawDir};

use crate::files::{Directory, Fault};

/// How much of a message is read.
const HEAD: u64 = 8 << 10;
/// Most folders looked into.
const FOLDERS_MAX: usize = 50_000;
/// Most levels of folders below `mail`.
const DEPTH_MAX: usize = 16;
/// Newest messages of a folder looked at, where the budget allows no more for each.
const PER_FOLDER: usize = 50;

/// The directory `mail` of a store.
pub(super) struct StoredMail {
    root: Directory,
    /// Every `#msgs` below it, newest change first.
    folders: Vec<PathBuf>,
    /// How many folders could not be listed.
    pub(super) unreadable: usize,
    /// There is more mail than was looked at.
    pub(super) ended_early: bool,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Message {
    /// When its file was written last, in seconds.
    pub(super) modified: i64,
    folder: usize,
    name: String,
}

impl StoredMail {
    /// Finds the folders of messages.
    pub(super) fn open(mail: &Path, over: &impl Fn() -> bool) -> Result<Self, Fault> {
        let root = Directory::open(mail)?;
        let mut folders: Vec<(i64, PathBuf)> = Vec::new();
        let mut waiting = vec![(PathBuf::new(), 0_usize)];
        let (mut unreadable, mut ended_early) = (0_usize, false);
        while let Some((path, depth)) = waiting.pop() {
            if over() || folders.len() >= FOLDERS_MAX {
                ended_early = true;
                break;
            }
            let mut below = Vec::new();
            let listed = open_below(&root, &path).and_then(|directory| {
                each_name(&directory, |name, kind| {
                    if matches!(kind, FileType::Directory | FileType::Unknown) {
                        below.push(name.to_owned());
                    }
                })?;
                Ok(directory)
            });
            let directory = match listed {
                Ok(directory) => directory,
                Err(fault) if depth == 0 => return Err(fault),
                Err(_) => {
                    unreadable += 1;
                    continue;
                }
            };
            for name in below {
                if name == "#msgs" {
                    // A link or a file of that name is none.
                    let Ok(Some(messages)) = directory.existing(&name) else {
                        continue;
                    };
                    let changed = messages.stat().map_or(0, |stat| stat.st_mtime);
                    folders.push((changed, path.join(name)));
                } else if depth < DEPTH_MAX && !name.starts_with('#') {
                    waiting.push((path.join(name), depth + 1));
                }
            }
        }
        folders.sort_by(|a, b| b.cmp(a));
        let folders = folders.into_iter().map(|(_, path)| path).collect();
        Ok(Self {
            root,
            folders,
            unreadable,
            ended_early,
        })
    }

    /// The newest messages over all folders. Names count up in a folder, so its last names are its newest messages: only those are
    /// asked for their time.
    pub(super) fn newest(&mut self, budget: usize, over: &impl Fn() -> bool) -> Vec<Message> {
        let share = PER_FOLDER.max(budget / self.folders.len().max(1));
        let mut newest: BTreeSet<Message> = BTreeSet::new();
        for (folder, path) in self.folders.iter().enumerate() {
            if over() {
                self.ended_early = true;
                break;
            }
            let Ok(directory) = open_below(&self.root, path) else {
                continue;
            };
            let mut names = BTreeSet::new();
            let listed = each_name(&directory, |name, _| {
                let extension = Path::new(name).extension();
                if extension.is_some_and(|extension| extension.eq_ignore_ascii_case("eml")) {
                    names.insert(name.to_owned());
                    if names.len() > share {
                        names.pop_first();
                        self.ended_early = true;
                    }
                }
            });
            if listed.is_err() {
                continue;
            }
            for name in names {
                let stat = rustix::fs::statat(directory.handle(), name.as_str(), AtFlags::SYMLINK_NOFOLLOW);
                let Some(stat) = stat.ok().filter(|stat| FileType::from_raw_mode(stat.st_mode).is_file()) else {
                    continue;
                };
                newest.insert(Message {
                    modified: stat.st_mtime,
                    folder,
                    name,
                });
                if newest.len() > budget {
                    newest.pop_first();
                    self.ended_early = true;
                }
            }
        }
        newest.into_iter().rev().collect()
    }

    /// The first bytes of a message; `None`: it was deleted or moved meanwhile, or is none.
    pub(super) fn head(&self, message: &Message) -> Option<Vec<u8>> {
        let directory = open_below(&self.root, self.folders.get(message.folder)?).ok()?;
        let file = directory.open_file(&message.name).ok()??.into_file();
        let mut head = Vec::new();
        file.take(HEAD).read_to_end(&mut head).ok()?;
        Some(head)
    }
}

/// A directory below another one, reached name by name through handles.
fn open_below(root: &Directory, path: &Path) -> Result<Directory, Fault> {
    let mut names = path.iter().filter_map(std::ffi::OsStr::to_str);
    let first = names.next().unwrap_or(".");
    let missing =
        |at: &Directory, name: &str| Fault::system("opening", &at.path().join(name), rustix::io::Errno::NOENT);
    let mut here = root.existing(first)?.ok_or_else(|| missing(root, first))?;
    for name in names {
        here = here.existing(name)?.ok_or_else(|| missing(&here, name))?;
    }
    Ok(here)
}

/// Each name in a directory with its kind, if the file system says it. Names that are not UTF-8 are left out: the engine makes none.
fn each_name(directory: &Directory, mut each: impl FnMut(&str, FileType)) -> Result<(), Fault> {
    let fault = |errno| Fault::system("listing", directory.path(), errno);
    let handle = directory.again().map_err(fault)?;
    let mut buffer = Vec::with_capacity(32 << 10);
    let mut entries = RawDir::new(handle, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(fault)?;
        match entry.file_name().to_str() {
            Ok("." | "..") | Err(_) => {}
            Ok(name) => each(name, entry.file_type()),
        }
    }
    Ok(())
}
