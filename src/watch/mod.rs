//! Who really connects, seen on the wire: frames to hellos, hellos to rows.
//!
//! The first messages of a TLS handshake are in clear. The highest version that a ClientHello offers is what that
//! client program has; the ServerHello says what was agreed; an alert says who was refused. That is all that is read:
//! no payload, no server name, no user.
//!
//! [`Capture`] reads frames from a file, [`Segment`] finds the TCP segment in one, and [`Watcher`] makes [`Rows`] of
//! them: one row for each direction, port, address and program (JA4), since several programs stand behind one address.
//!
//! This room must never know what a mail log, a verdict or a screen is. Every byte of a frame is a stranger's.

mod capture;
mod frame;
mod handshakes;
mod live;
mod own;
mod read;
mod rows;
mod store;
#[cfg(test)]
mod tests;

pub use capture::{Capture, CaptureError, Frame};
pub use frame::{Link, Segment};
pub use handshakes::Watcher;
pub use live::{Tap, TapError};
pub use own::{Own, service_of};
pub use read::{Read, guess_own, read_capture};
pub use rows::{Refusal, Row, RowKey, Rows};
pub use store::Kept;
