//! Learning a name from the web administration: the file as it was is kept, the user chooses another minimum there, and what
//! changed in the file is shown. The file is waited for by inotify, in the directory: it may be replaced.

use std::ffi::OsString;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

use crate::files;
use crate::host::{Host, Learned, Question};
use crate::hostile::{mentions_secret, safe_text};
use crate::mailserver_cfg::{Document, ValueChange, VariablePath};
use crate::tls::{Certainty, Direction, Role, TlsVersion, lookalike_role, role_by_name};

/// Values listed at most.
const LISTED: usize = 40;
/// Bytes of `config.log` that are looked at, and lines shown.
const LOG_BYTES: u64 = 64 << 10;
const LOG_LINES: usize = 10;
/// Whoever writes in place has come to an end when nothing happened for so long.
const QUIET: Duration = Duration::from_millis(400);
/// How often a wish to stop is heard while waiting. The file is not looked at then.
const TICK: Duration = Duration::from_secs(1);

/// A variable of one of the two tables that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedVariable {
    /// Its table.
    pub direction: Direction,
    /// Its name.
    pub name: String,
    /// What it is probably for.
    pub role: Role,
    /// Before; `None`: it was not there.
    pub old: Option<String>,
    /// Now.
    pub new: String,
}

/// What changed in the file since the question was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// When it was asked.
    pub asked: Timestamp,
    /// The minimum that the user was going to choose.
    pub chosen: TlsVersion,
    /// Everything, masked where secret; the first of them.
    pub changes: Vec<ValueChange>,
    /// How many there are in all.
    pub count: usize,
    /// Those that can be the one: variables of the two tables that hold no secret.
    pub variables: Vec<ChangedVariable>,
    /// The lines of `config.log` since then.
    pub log: Vec<String>,
}

/// Asks which variable changes when the user chooses `chosen` in the web administration: keeps the file as it is. A question that
/// is open stays as it was asked, if the file says the same still.
///
/// # Errors
/// The file cannot be read, or the state directory not written: in words.
pub fn ask_for_name(host: &Host, chosen: TlsVersion) -> Result<(), String> {
    let document = host.load().map_err(|error| error.to_string())?;
    if let Some(open) = host.memory.question()
        && open.chosen == chosen
    {
        return Ok(());
    }
    let before = Document::parse(document.as_bytes().to_vec()).map_err(|error| error.to_string())?;
    let question = Question {
        asked: Timestamp::now(),
        chosen,
        log_size: config_log(&document).map_or(0, |opened| opened.size()),
        before,
    };
    host.memory
        .ask(&question)
        .map_err(|error| format!("the question cannot be kept ({error})"))
}

/// The question that is open: since when, and what the user was going to choose.
#[must_use]
pub fn open_question(host: &Host) -> Option<(Timestamp, TlsVersion)> {
    host.memory.question().map(|question| (question.asked, question.chosen))
}

/// What changed since the question was asked; `None`: nothing, or none is open.
///
/// # Errors
/// The file cannot be read or understood: in words. (It may be half written.)
pub fn changed_since_question(host: &Host) -> Result<Option<Changed>, String> {
    let Some(question) = host.memory.question() else {
        return Ok(None);
    };
    let now = host.load().map_err(|error| error.to_string())?;
    if now.as_bytes() == question.before.as_bytes() {
        return Ok(None);
    }
    let secrets = host.secrets();
    let (changes, count) = question.before.changes_to(&now, &secrets, LISTED);
    if count == 0 {
        return Ok(None);
    }
    let catalogue = host.catalogue();
    let mut variables = Vec::new();
    for direction in Direction::ALL {
        let table = direction.table();
        for variable in now.variables(table) {
            let path = VariablePath {
                table: table.to_owned(),
                variable: variable.name.clone(),
            };
            let old = question.before.value(&path);
            if old.as_ref() == Some(&variable.value) || secrets.is_secret_at(&path, &variable.value) {
                continue;
            }
            let known = catalogue.find(direction, &variable.name).map(|row| row.role);
            let guess = || lookalike_role(&variable.name, &variable.value).or_else(|| role_by_name(&variable.name));
            variables.push(ChangedVariable {
                direction,
                role: known.or_else(guess).unwrap_or(Role::MinimumVersion),
                name: variable.name,
                old,
                new: safe_text(&variable.value, 200),
            });
        }
    }
    Ok(Some(Changed {
        asked: question.asked,
        chosen: question.chosen,
        changes,
        count,
        variables,
        log: log_since(&now, question.log_size),
    }))
}

/// Waits until something changed since the question was asked; `None`: the time is over, or the wish to stop came.
///
/// # Errors
/// The directory cannot be watched: in words.
pub fn wait_for_change(host: &Host, until: Option<Instant>, stop: &AtomicBool) -> Result<Option<Changed>, String> {
    let watched =
        Watched::new(host).map_err(|error| format!("the directory of the file cannot be watched ({error})"))?;
    let is_over = || stop.load(Ordering::SeqCst) || until.is_some_and(|until| Instant::now() >= until);
    // Watched first, looked at then: what happens between is not missed.
    let mut look = true;
    loop {
        if look && let Ok(Some(changed)) = changed_since_question(host) {
            return Ok(Some(changed));
        }
        if is_over() {
            return Ok(None);
        }
        let left = until.map_or(TICK, |until| until.saturating_duration_since(Instant::now()).min(TICK));
        look = watched.waited(left).map_err(|error| error.to_string())?;
        while look && watched.waited(QUIET).map_err(|error| error.to_string())? && !is_over() {}
    }
}

/// The user's word which of them it was: its name, its table and the word for the chosen version are kept, and the question is
/// answered. Nothing is written to `mailserver.cfg`.
///
/// # Errors
/// The state directory cannot be written.
pub fn learn_name(host: &Host, changed: &Changed, variable: &ChangedVariable) -> std::io::Result<()> {
    let is_one_word = variable.role == Role::MinimumVersion && !variable.new.is_empty();
    host.memory.learn_name(&Learned {
        direction: variable.direction,
        role: variable.role,
        name: variable.name.clone(),
        sure: Certainty::SeenToChange,
        words: if is_one_word {
            vec![(changed.chosen, variable.new.clone())]
        } else {
            Vec::new()
        },
    })?;
    host.memory.forget_question()
}

/// The directories of the file, and of the link that leads to it.
struct Watched {
    inotify: OwnedFd,
    names: Vec<OsString>,
}

impl Watched {
    fn new(host: &Host) -> std::io::Result<Self> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let target = host.file.target().map_err(std::io::Error::other)?;
        let given = std::path::absolute(host.file.path())?;
        let mut names = Vec::new();
        for path in [target.path(), given.as_path()] {
            let directory = path.parent().unwrap_or(Path::new("/"));
            let what = WatchFlags::CLOSE_WRITE | WatchFlags::MODIFY | WatchFlags::MOVED_TO | WatchFlags::CREATE;
            inotify::add_watch(&inotify, directory, what | WatchFlags::ONLYDIR)?;
            names.extend(path.file_name().map(ToOwned::to_owned));
        }
        Ok(Self { inotify, names })
    }

    /// Did something happen to the file within this time?
    fn waited(&self, time: Duration) -> std::io::Result<bool> {
        let mut waits = [PollFd::new(&self.inotify, PollFlags::IN)];
        let time = Timespec::try_from(time).map_err(std::io::Error::other)?;
        match poll(&mut waits, Some(&time)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(false),
            Ok(_) => {}
            Err(errno) => return Err(errno.into()),
        }
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&self.inotify, &mut buffer);
        let mut is_ours = false;
        loop {
            match reader.next() {
                Ok(event) => {
                    let name = event.file_name().map(|name| name.to_bytes().to_vec());
                    let is_file = |wanted: &OsString| name.as_deref() == Some(wanted.as_bytes());
                    // Where events were lost anything may have happened.
                    is_ours |= event.events().contains(ReadFlags::QUEUE_OVERFLOW) || self.names.iter().any(is_file);
                }
                Err(rustix::io::Errno::AGAIN) => return Ok(is_ours),
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

fn config_log(document: &Document) -> Option<files::Opened> {
    let directories = document.log_directories();
    directories
        .iter()
        .find_map(|directory| files::open(&directory.join("config.log")).ok())
}

/// The lines of `config.log` behind this size; those that may hold a secret are not shown. Strangers' words, made safe.
fn log_since(document: &Document, size: u64) -> Vec<String> {
    let Some(opened) = config_log(document) else {
        return Vec::new();
    };
    // It was begun anew.
    let from = if opened.size() < size { 0 } else { size };
    let mut bytes = Vec::new();
    let mut file = opened.file();
    if file.seek(SeekFrom::Start(from)).is_err() || file.take(LOG_BYTES).read_to_end(&mut bytes).is_err() {
        return Vec::new();
    }
    let lines = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty());
    let shown = lines.map(|line| {
        if mentions_secret(&String::from_utf8_lossy(line)) {
            "(a line that may hold a secret is not shown)".to_owned()
        } else {
            safe_text(line, 300)
        }
    });
    shown.take(LOG_LINES).collect()
}
