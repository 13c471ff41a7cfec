//! While a command saves, signals must not end the process: an engine that is stopped would stay so.
//! (The screen has a thread of its own for signals, which waits for [`super::Hold`].)

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::flag;

/// From now on a lost connection and Ctrl-Z do nothing, and Ctrl-C, Ctrl-\ and `kill` set the flag that is given: a save that
/// looks at it can still be given up before the exchange, and starts the engine again; after that it goes on to its end.
/// For a process that ends when the save has.
///
/// # Errors
/// A handler cannot be set.
pub fn hold_signals() -> io::Result<Arc<AtomicBool>> {
    let cancel = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGQUIT, SIGTERM] {
        flag::register(signal, Arc::clone(&cancel))?;
    }
    for signal in [SIGHUP, SIGTSTP] {
        flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    Ok(cancel)
}
