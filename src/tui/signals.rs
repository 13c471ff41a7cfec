//! Signals, on a thread of their own.
//!
//! Measured on crossterm 0.29: once a terminal has gone while SIGHUP is caught, `event::read` burns a whole core for
//! ever (crossterm issues 793 and 1110). So nothing waits for the reader to notice: this thread tells the main
//! thread, gives it 300 ms, waits for a save that runs, gives the terminal back itself, and dies of the signal.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::work::Hold;

use super::terminal;

/// What the main thread is told.
#[derive(Debug, Clone, Copy)]
pub enum Signalled {
    /// The process goes on after an outside stop.
    Continued,
    /// It is about to end: nothing may be drawn any more.
    Ending,
}

/// How long the main thread may take to stop drawing.
const GRACE: Duration = Duration::from_millis(300);

/// Starts the thread. `on_signal` reaches the main thread; `quiet` is answered when that has stopped drawing.
///
/// # Errors
/// When handlers or the thread cannot be set up.
pub fn listen(on_signal: impl Fn(Signalled) + Send + 'static, quiet: Receiver<()>, hold: Arc<Hold>) -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGCONT])?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            if signal == SIGCONT {
                on_signal(Signalled::Continued);
                continue;
            }
            on_signal(Signalled::Ending);
            let _ = quiet.recv_timeout(GRACE);
            hold.finish();
            terminal::give_back(
                "kerio-tls: ended by a signal. Unsaved edits are kept and offered at the next start.\r\n",
            );
            let _ = emulate_default_handler(signal);
            return;
        }
    })?;
    Ok(())
}
