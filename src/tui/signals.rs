//! Signals, on a thread of their own.
//!
//! Measured on crossterm 0.29: once a terminal has gone while SIGHUP is caught, `event::read` burns a whole core for
//! ever (crossterm issues 793 and 1110). So nothing waits for the reader to notice: this thread tells the main
//! thread, gives it 300 ms, waits for a save that runs, gives the terminal back itself, and dies of the signal.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::work::Hold;

use super::run::Incoming;
use super::terminal;

/// How long the main thread may take to stop drawing.
const GRACE: Duration = Duration::from_millis(300);

/// Starts the thread. `quiet` hears when the main thread has stopped drawing.
///
/// # Errors
/// When handlers or the thread cannot be set up.
pub fn listen(to: Sender<Incoming>, quiet: Receiver<()>, hold: Arc<Hold>) -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGCONT])?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            if signal == SIGCONT {
                let _ = to.send(Incoming::Continued);
                continue;
            }
            let _ = to.send(Incoming::Ending);
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
