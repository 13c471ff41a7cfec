//! Wiring and exit status.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use kerio_tls::cli::{self, Arguments, Status};
use kerio_tls::host::{Host, clock};
use kerio_tls::hostile;
use kerio_tls::session::Session;
use kerio_tls::tui::{self, Ending, Options, State, Theme};
use kerio_tls::work::{self, Asker, Effect, Hold, Workers};

fn main() -> ExitCode {
    // Temporary files, backups, journal: nothing that we make is for others.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    // A core file, or what `core_pattern` pipes it to, would hold the secrets of mailserver.cfg. This is not inherited
    // over exec, as a limit would be: an engine that an init script starts must have the limits that it had.
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    // A file that may grow no further (`ulimit -f`) is an error to be worded, and no death. Handled, not ignored: what
    // we start must not inherit it.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    // All times are jiff's, which end with the year 9999.
    if jiff::Timestamp::try_from(SystemTime::now()).is_err() {
        cli::print_failure(
            "the clock of this machine is wrong (later than the year 9999, or before our era): set it, then try again",
        );
        return ExitCode::from(Status::Failed as u8);
    }
    let arguments = match Arguments::read() {
        Ok(arguments) => arguments,
        // Help and version are not errors; everything else is wrong usage. clap says which.
        Err(error) => {
            if error.use_stderr() {
                // It quotes what was typed, and a script may have had that from a stranger.
                let text = error.render().to_string();
                let _ = io::stderr().lock().write_all(hostile::safe_lines(&text).as_bytes());
            } else {
                let _ = error.print();
            }
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let status = match &arguments.command {
        Some(_) => command(&arguments),
        None => screen(&arguments),
    };
    ExitCode::from(status as u8)
}

/// Runs a command. An error in the program is said without its message, which could hold a secret; a save that it broke
/// off has said what is true.
fn command(arguments: &Arguments) -> Status {
    std::panic::set_hook(Box::new(|info| {
        // Past the lock of standard error, which the main thread holds.
        let words = format!("kerio-tls: an error in the program{}\n", work::place_of(info));
        let _ = rustix::io::write(rustix::stdio::stderr(), words.as_bytes());
    }));
    let run = || cli::run(arguments, &mut io::stdout().lock(), &mut io::stderr().lock());
    std::panic::catch_unwind(run).unwrap_or(Status::Failed)
}

/// Opens the screen.
fn screen(arguments: &Arguments) -> Status {
    match open_screen(arguments) {
        Ok(Ending::Left(summary)) => {
            cli::print_lines(&summary);
            Status::Done
        }
        Ok(Ending::NoTerminal) => {
            cli::print_failure(
                "there is no terminal to draw on (or TERM is unset or dumb); in scripts use the commands: kerio-tls \
                 show, check, set, reset, peers (see kerio-tls --help)",
            );
            Status::Usage
        }
        Ok(Ending::Lost(error)) => {
            cli::print_failure(&format!(
                "the terminal was lost ({error}); unsaved edits are kept and offered at the next start"
            ));
            Status::Failed
        }
        Err(error) => {
            cli::print_failure(&error);
            Status::Failed
        }
    }
}

fn open_screen(arguments: &Arguments) -> Result<Ending, String> {
    let arguments = &arguments.general;
    let host = Host::find(&arguments.host_options()).map_err(|error| error.to_string())?;
    // What an earlier save tore is put together before it is read.
    let read_only = host.file.read_only();
    let recovered = if read_only.is_none() {
        work::recover(&host)
    } else {
        Ok(Vec::new())
    };
    let document = host.load().map_err(|error| match &recovered {
        Ok(_) => error.to_string(),
        Err(why) => format!("{why}; {error}"),
    })?;
    let session = Session::new(Arc::clone(&document), host.catalogue(), host.memory.measured());
    let secrets = session.secrets();
    let theme = Theme::new(
        arguments.color(host.preferences.color),
        arguments.ascii(host.preferences.ascii),
    );
    let mut state = State::new(hostile::safe_path(host.file.path()), session, clock(), theme);
    state.context.read_only = read_only;
    state.context.preferences = hostile::safe_path(&host.home.config);
    state.notices(host.preferences.warnings.iter().cloned());
    match recovered {
        Ok(found) => state.recovered(found),
        Err(error) => state.notices([error.to_string()]),
    }
    let options = Options {
        synchronised: host.preferences.synchronised && !arguments.no_sync,
    };
    let hold = Arc::new(Hold::removing(host.temporary()));
    let for_workers = Arc::clone(&hold);
    let writable = state.context.read_only.is_none();
    let ending = tui::run(state, options, Arc::clone(&hold), move |sink| {
        let workers = Workers::new(host, document, secrets, for_workers, sink);
        workers.carry(Asker::default(), Effect::CheckEngine);
        workers.carry(Asker::default(), Effect::ReadNames);
        workers.carry(Asker::default(), Effect::GatherEvidence);
        if writable {
            workers.carry(Asker::default(), Effect::FindDraft);
        }
        move |asker, effect| workers.carry(asker, effect)
    });
    // A draft that is being written or thrown away comes to its end.
    hold.finish();
    Ok(ending)
}
