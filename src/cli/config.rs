//! `config --default`: the preferences file with every setting explained.

use super::args::Config;
use super::console::Console;
use super::failure::Failure;

/// The file as it would be without any setting: everything is a comment.
pub(super) const DEFAULT: &str = include_str!("../../assets/kerio-tls.toml");

/// Runs `config`.
///
/// # Errors
/// [`Failure::Output`].
pub(super) fn run(_: Config, console: &mut Console<'_>) -> Result<(), Failure> {
    console.raw(DEFAULT)
}
