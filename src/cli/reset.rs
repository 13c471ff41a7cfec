//! `reset`: delete the custom TLS variables and save; the server's defaults hold then.

use crate::tls::Direction;

use super::Arguments;
use super::args::{DirectionArgument, Reset};
use super::change::Change;
use super::consent::can_be_answered;
use super::console::Console;
use super::failure::Failure;
use super::opened::{Opened, Recovered};

/// Runs `reset`.
///
/// # Errors
/// [`Failure`].
pub(super) fn run(arguments: &Arguments, reset: Reset, console: &mut Console<'_>) -> Result<(), Failure> {
    can_be_answered(reset.saving)?;
    Opened::to_save(arguments, reset.saving, console, |opened, recovered, console| {
        delete(opened, reset, recovered, console)
    })
}

fn delete(opened: &mut Opened, reset: Reset, recovered: &Recovered, console: &mut Console<'_>) -> Result<(), Failure> {
    let directions: &[Direction] = match reset.direction {
        Some(DirectionArgument::Inbound) => &[Direction::Inbound],
        Some(DirectionArgument::Outbound) => &[Direction::Outbound],
        None => &Direction::ALL,
    };
    let book = opened.gather_aloud(console);
    opened.session.reset(directions)?;
    // Review and report name every variable that is deleted.
    Change {
        opened,
        book: &book,
        saving: reset.saving,
        action: "reset",
        recovered,
        warnings: Vec::new(),
        closing: Vec::new(),
        whole: None,
        took_effect: None,
        proof: None,
    }
    .carry_out(console)
}
