//! Files as a process must handle them that runs as root among users it does not trust: what is judged is what is read,
//! and what is written is the old content or the new one, whole.
//!
//! * [`open()`] and [`read()`]: a path is resolved name by name through handles, and what was opened is looked at,
//!   never what the name meant a moment before. Only regular files; no pipe is waited for, no device is opened.
//! * [`Directory`]: a directory that was opened once; everything in it is reached through that handle.
//!   [`Directory::write`] is the one way in which the house writes a small file of its own.
//!
//! Whether anybody but root and us could change what was opened is found out on the way ([`Opened::changeable`],
//! [`Directory::changeable`]) and left to the caller to judge. This room must never know what a file is for, or its
//! name.

mod directory;
mod fault;
mod opened;
#[cfg(test)]
mod tests;
mod walk;

pub use directory::{Directory, Lock, Permissions};
pub use fault::{Fault, Why};
pub use opened::{Opened, free_bytes, holds, open, read, read_all, read_kernel, sha256, sha256_of, sync, write_all};
pub use walk::{Resolved, kind, resolve};

pub(crate) use directory::{is_temp_name, random_name};
