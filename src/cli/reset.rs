//! `reset`: delete the custom TLS variables and save; the server's defaults hold then.

use crate::tls::Direction;

use super::args::{DirectionArgument, Reset};
use super::change::{Change, can_be_answered};
use super::console::Console;
use super::failure::Failure;
use super::opened::Opened;

/// Runs `reset`.
///
/// # Errors
/// [`Failure`].
pub(super) fn run(opened: &mut Opened, reset: Reset, console: &mut Console<'_>) -> Result<(), Failure> {
    can_be_answered(reset.saving)?;
    let directions: &[Direction] = match reset.direction {
        Some(DirectionArgument::Inbound) => &[Direction::Inbound],
        Some(DirectionArgument::Outbound) => &[Direction::Outbound],
        None => &Direction::ALL,
    };
    let book = opened.gather();
    opened.session.reset(directions)?;
    // Review and report name every variable that is deleted.
    Change {
        opened,
        book: &book,
        saving: reset.saving,
        action: "reset",
        warnings: Vec::new(),
        closing: Vec::new(),
        whole: None,
        took_effect: None,
    }
    .carry_out(console)
}
