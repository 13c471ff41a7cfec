//! What passes on the wire, as it passes: in the foreground, and as the service.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use crate::files::{Directory, Fault};
use crate::host::{Home, HomeOptions, SEEN, own_addresses, watch_directory};
use crate::hostile::safe_path;
use crate::watch::{Kept, Own, RowKey, Rows, Tap, TapError, Watcher};

/// What was seen is written so often at most.
const WRITE: Duration = Duration::from_secs(60);
/// And shown so often at most.
const SHOW: Duration = Duration::from_secs(1);
/// Own addresses are looked at anew so often, if anything comes at all.
const LOOK: Duration = Duration::from_secs(60);
/// What is not answered by then will not be.
const UNANSWERED: Duration = Duration::from_secs(31);
/// Segments taken before anything else is done.
const AT_ONCE: usize = 4096;

/// What is to be watched.
#[derive(Debug, Clone, Default)]
pub struct WatchPlan {
    /// Where what is seen is kept; the directory is there.
    pub into: Option<PathBuf>,
    /// How long; else until a signal.
    pub span: Option<Duration>,
}

/// What was seen so far.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The rows.
    pub rows: &'a Rows,
    /// Those of which there is something to tell for the first time.
    pub settled: &'a [RowKey],
    /// Packets that the kernel could not hand over.
    pub lost: u64,
}

/// Why nothing is watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The network.
    #[error(transparent)]
    Tap(#[from] TapError),
    /// The file.
    #[error("what is seen cannot be kept: {0}; nothing is watched")]
    Keep(#[from] Fault),
    /// Another cause.
    #[error("the watch ended: {0}")]
    Failed(#[from] io::Error),
}

/// Watches until a signal or the end of the time, and shows what is new to `show`, which can end it with an error.
///
/// # Errors
/// [`WatchError`]; what was seen until then is kept.
pub fn watch(plan: &WatchPlan, show: &mut dyn FnMut(&Seen<'_>) -> io::Result<()>) -> Result<(), WatchError> {
    let mut tap = Tap::open()?;
    let stop = stopped_by_a_signal()?;
    let directory = plan.into.as_deref().map(Directory::open).transpose()?;
    let mut kept = directory.as_ref().map_or_else(|| Ok(Kept::default()), read_kept)?;
    let before = kept.lost;
    kept.since = kept.since.or(Some(Timestamp::now()));
    let mut watcher = Watcher::going_on(own(), std::mem::take(&mut kept.rows));
    let started = Instant::now();
    let (mut looked, mut shown, mut written) = (started, None::<Instant>, started);
    let (mut to_show, mut to_write) = (true, directory.is_some());
    loop {
        let now = Timestamp::now();
        let mut count = 0;
        while count < AT_ONCE
            && let Some(segment) = tap.next_segment()?
        {
            if watcher.take(now, &segment) {
                (to_show, to_write) = (true, true);
            }
            count += 1;
        }
        if watcher.pass(now) {
            (to_show, to_write) = (true, true);
        }
        if count > 0 && looked.elapsed() >= LOOK {
            watcher.set_own(own());
            looked = Instant::now();
        }
        let over = plan.span.is_some_and(|span| started.elapsed() >= span);
        let ends = over || is_readable(&stop);
        if ends {
            watcher.end();
        }
        let lost = before.saturating_add(tap.lost().into());
        if to_show && (ends || shown.is_none_or(|at| at.elapsed() >= SHOW)) {
            let settled = watcher.settled();
            show(&Seen {
                rows: &watcher.rows,
                settled: &settled,
                lost,
            })?;
            (to_show, shown) = (false, Some(Instant::now()));
        }
        // At once at the start, so that whoever asks sees that it goes.
        if let Some(directory) = &directory
            && to_write
            && (ends || kept.until.is_none() || written.elapsed() >= WRITE)
        {
            watcher.rows.forget_old(now);
            (kept.lost, kept.until) = (lost, Some(now));
            kept.rows = std::mem::take(&mut watcher.rows);
            let done = directory.write(SEEN, &kept.to_text());
            watcher.rows = std::mem::take(&mut kept.rows);
            done?;
            (to_write, written) = (false, Instant::now());
        }
        if ends {
            return Ok(());
        }
        if count == AT_ONCE {
            continue;
        }
        let waits = [
            to_show.then(|| SHOW.saturating_sub(shown.map_or(SHOW, |at| at.elapsed()))),
            (to_write && directory.is_some()).then(|| WRITE.saturating_sub(written.elapsed())),
            watcher.waits().then_some(UNANSWERED),
            plan.span.map(|span| span.saturating_sub(started.elapsed())),
        ];
        wait(&tap, &stop, waits.into_iter().flatten().min())?;
    }
}

/// The directory in which what is seen is kept, made if it is not there.
///
/// # Errors
/// Why there is none, in words.
pub fn make_watch_directory(home: &HomeOptions) -> Result<PathBuf, String> {
    let home = Home::find(home).map_err(|error| error.to_string())?;
    let path = watch_directory(&home.state_dir);
    let (Some(parent), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Err(format!("{} is no place to keep what is seen", safe_path(&path)));
    };
    let parent = if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    };
    // systemd makes it a link to where it keeps what belongs to users of its own.
    let made = Directory::open(&path).or_else(|_| Directory::open(parent).and_then(|parent| parent.sub(name)));
    made.map(|_| path.clone())
        .map_err(|fault| format!("what is seen cannot be kept: {fault}; nothing is watched"))
}

/// What an earlier watch has seen here.
fn read_kept(directory: &Directory) -> Result<Kept, Fault> {
    let bytes = directory.read(SEEN, Kept::BYTES_MAX)?.unwrap_or_default();
    Ok(Kept::parse(&bytes).0)
}

/// This host as it is now.
fn own() -> Own {
    Own::new(own_addresses()).on_any_port()
}

/// Readable once the process is to end.
fn stopped_by_a_signal() -> io::Result<UnixStream> {
    let (stop, signal) = UnixStream::pair()?;
    for number in [SIGINT, SIGTERM, SIGQUIT, SIGHUP] {
        signal_hook::low_level::pipe::register(number, signal.try_clone()?)?;
    }
    Ok(stop)
}

fn is_readable(stop: &UnixStream) -> bool {
    let mut polled = [PollFd::new(stop, PollFlags::IN)];
    matches!(poll(&mut polled, Some(&Timespec::default())), Ok(1..))
}

/// Sleeps until something comes, or so long; without a time for as long as nothing happens.
fn wait(tap: &Tap, stop: &UnixStream, longest: Option<Duration>) -> io::Result<()> {
    let longest = longest.map(Timespec::try_from).transpose().map_err(io::Error::other)?;
    let tap = tap.as_fd();
    let mut polled = [PollFd::new(&tap, PollFlags::IN), PollFd::new(stop, PollFlags::IN)];
    match poll(&mut polled, longest.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
