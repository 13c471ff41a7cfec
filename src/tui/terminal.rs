//! Taking the terminal and giving it back, from whatever thread has to do it.
//!
//! What must be restored is kept where a panic hook and the signal thread can reach it. They never take the lock
//! of standard output: with a stalled line, the main thread can hang in a write while holding it.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use ratatui::layout::Size;
use rustix::fs::{Mode, OFlags};
use rustix::termios::{self, OptionalActions, Termios};

use super::screen::LEAVE;

/// The terminal's settings as we found them; `None`: it is not ours at the moment.
static FOUND: Mutex<Option<Termios>> = Mutex::new(None);

/// What a terminal that cannot tell its size is taken for.
const USUAL: Size = Size { width: 80, height: 24 };

/// Are standard input and output a terminal that a screen can be drawn on? One that calls itself `dumb`, or nothing,
/// moves no cursor.
#[must_use]
pub fn is_there() -> bool {
    let can_draw = std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
    can_draw && termios::isatty(rustix::stdio::stdin()) && termios::isatty(rustix::stdio::stdout())
}

/// Columns and rows; some lines say 0x0 and mean that they do not know.
#[must_use]
pub fn size() -> Size {
    termios::tcgetwinsize(rustix::stdio::stdout()).map_or(USUAL, |size| known(size.ws_col, size.ws_row))
}

/// The same for a size that was reported.
#[must_use]
pub fn known(width: u16, height: u16) -> Size {
    if width == 0 || height == 0 {
        USUAL
    } else {
        Size { width, height }
    }
}

/// Switches line editing, echo and signal keys off.
///
/// # Errors
/// Those of `tcgetattr` and `tcsetattr`.
pub fn take() -> io::Result<()> {
    let input = rustix::stdio::stdin();
    let found = termios::tcgetattr(input)?;
    let mut raw = found.clone();
    raw.make_raw();
    termios::tcsetattr(input, OptionalActions::Now, &raw)?;
    let mut kept = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    // A second take (after an outside stop) must not mistake raw mode for what was found.
    if kept.is_none() {
        *kept = Some(found);
    }
    Ok(())
}

/// Raw mode again after an outside stop: a shell may have changed the settings meanwhile.
///
/// # Errors
/// Those of `tcgetattr` and `tcsetattr`.
pub fn retake() -> io::Result<()> {
    if FOUND.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
        return take();
    }
    let input = rustix::stdio::stdin();
    let mut raw = termios::tcgetattr(input)?;
    raw.make_raw();
    Ok(termios::tcsetattr(input, OptionalActions::Now, &raw)?)
}

/// Gives the terminal back: settings first, then the bytes, once, and never waiting for a stalled line. Only the
/// first caller does it. `words` are printed on the normal screen behind it.
pub fn give_back(words: &str) {
    if !set_back() {
        return;
    }
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    if let Ok(tty) = rustix::fs::open("/dev/tty", flags, Mode::empty()) {
        let _ = std::fs::File::from(tty).write_all(format!("{LEAVE}{words}").as_bytes());
    }
}

/// The same when the user leaves: the bytes go out behind the last frame however long the line takes, as that frame
/// itself did. For the main thread only.
pub fn leave() {
    if set_back() {
        let mut out = io::stdout().lock();
        let _ = out.write_all(LEAVE.as_bytes()).and_then(|()| out.flush());
    }
}

/// The settings as they were found. `false`: someone else has done it, or does it now.
fn set_back() -> bool {
    let found = match FOUND.try_lock() {
        Ok(mut kept) => kept.take(),
        Err(std::sync::TryLockError::Poisoned(kept)) => kept.into_inner().take(),
        Err(std::sync::TryLockError::WouldBlock) => None,
    };
    // Not `Drain`: it waits for output that a stalled line never takes.
    found.is_some_and(|found| {
        let _ = termios::tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &found);
        true
    })
}
