//! Signals, on a thread of their own.
//!
//! Measured on crossterm 0.29: once a terminal has gone while SIGHUP is caught, `event::read` burns a whole core for
//! ever (crossterm issues 793 and 1110). So nothing waits for the reader to notice: this thread makes the main thread
//! stop drawing, waits for a save that runs, gives the terminal back itself, and dies of the signal.

use std::io;
use std::sync::Arc;

use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXCPU};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::shutdown::{SIGNALS, Shutdown};
use crate::work::unusual_signals;

/// Starts the thread. `on_continued` is called when the process goes on after an outside stop.
///
/// # Errors
/// When handlers or the thread cannot be set up.
pub fn listen(shutdown: Arc<Shutdown>, on_continued: impl Fn() + Send + 'static) -> io::Result<()> {
    let known = [SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGXCPU, SIGCONT];
    let mut signals = Signals::new(known.into_iter().chain(unusual_signals()))?;
    std::thread::Builder::new().name(SIGNALS.to_owned()).spawn(move || {
        for signal in signals.forever() {
            if signal == SIGCONT {
                on_continued();
                continue;
            }
            shutdown.by_signal();
            let _ = emulate_default_handler(signal);
            // Of some it does not know that they end a process.
            std::process::exit(128 + signal);
        }
    })?;
    Ok(())
}
