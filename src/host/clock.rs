//! Now, and this machine's time zone.

use crate::save;
use crate::session::Clock;

/// Now, and the server's zone.
#[must_use]
pub fn clock() -> Clock {
    Clock {
        now: jiff::Timestamp::now(),
        zone: save::zone(),
    }
}
