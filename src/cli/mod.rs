//! The commands: every action of the screen, for scripts and for people with screen readers.
//!
//! This room owns the arguments, the JSON shapes and the plain output. Everything that a command does goes through
//! [`crate::host::Host`] and [`crate::session::Session`], the same road as the screen: choose, review, save. It must
//! never know of the screen (room `tui`), and it decides nothing about TLS, peers or saving itself.
//!
//! One file a command; `change` (with `review`) is what `set`, `reset` and `restore` share. `console` is the only way
//! out: nothing that the file or a stranger wrote reaches a terminal as control bytes, and a failure is one line on
//! standard error and an exit status.

mod args;
mod backups;
mod change;
mod check;
mod config;
mod console;
mod failure;
mod json;
mod manual;
mod names;
mod opened;
mod peers;
mod probe;
mod restore;
mod review;
mod set;
mod show;
#[cfg(test)]
mod tests;
mod watch;

use std::io::Write;

pub use args::{Arguments, Command};
pub use console::{print_failure, print_lines};
pub use failure::Status;

use console::Console;
use failure::Failure;
use opened::Opened;

/// Runs the command of the arguments. Answers go to `out`, warnings and the one line of a failure to `err`; questions
/// are asked only when standard input and output are terminals.
pub fn run(arguments: &Arguments, out: &mut dyn Write, err: &mut dyn Write) -> Status {
    let mut console = Console::new(out, err);
    match carry_out(arguments, &mut console) {
        Ok(()) => Status::Done,
        Err(failure) => {
            console.fail(&failure);
            failure.status()
        }
    }
}

fn carry_out(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let Some(command) = &arguments.command else {
        return Err(Failure::Usage("no command was given; see kerio-tls --help".to_owned()));
    };
    let open = |console: &mut Console<'_>| Opened::open(arguments, console);
    match command {
        Command::Show(output) => show::run(&open(console)?, *output, console),
        Command::Check(check) => check::run(&mut open(console)?, *check, console),
        Command::Set(set) => set::run(arguments, set, console),
        Command::Reset(reset) => set::run_reset(arguments, *reset, console),
        Command::Peers(peers) => peers::run(&mut open(console)?, *peers, console),
        Command::Probe(probe) => probe::run(arguments, probe, console),
        Command::Watch(watch) => watch::run(arguments, watch, console),
        Command::Backups(backups) => backups::run(arguments, backups, console),
        Command::Restore(restore) => restore::run(arguments, restore, console),
        Command::Confirm => restore::confirm(arguments, console),
        Command::Undo(undo) => restore::undo(arguments, undo, console),
        Command::Config(config) => config::run(arguments, config, console),
        Command::Names(names) => names::run(arguments, names, console),
        Command::Man => console.own(&manual::man_page()?),
        Command::Completions(completions) => console.own(&manual::completions(completions.shell)?),
    }
}
