//! Wiring and exit status.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use kerio_tls::cli::{self, Arguments, Status};
use kerio_tls::host::Host;
use kerio_tls::session::Session;
use kerio_tls::tui::{self, Ending, Options, State, Theme};
use kerio_tls::work::{Asker, Effect, Hold, Workers};

fn main() -> ExitCode {
    // Temporary files, backups, journal: nothing that we make is for others.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    // A core file would hold the secrets of mailserver.cfg.
    let none = rustix::process::Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
    let arguments = match Arguments::read() {
        Ok(arguments) => arguments,
        // Help and version are not errors; everything else is wrong usage. clap says which.
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let status = match &arguments.command {
        Some(_) => cli::run(&arguments, &mut io::stdout().lock(), &mut io::stderr().lock()),
        None => screen(&arguments),
    };
    ExitCode::from(status as u8)
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
                "there is no terminal to draw on (or TERM is unset or dumb); in scripts use the commands: kerio-tls show, check, set, reset, peers (see kerio-tls --help)",
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
    let read_only = host.read_only();
    let recovered = if read_only.is_none() {
        host.recover()
    } else {
        Ok(Vec::new())
    };
    let document = host.load().map_err(|error| match &recovered {
        Ok(_) => error.to_string(),
        Err(why) => format!("{why}; {error}"),
    })?;
    let session = Session::new(
        Arc::clone(&document),
        host.preferences.catalogue.clone(),
        host.measured(),
    );
    let secrets = session.secrets();
    let theme = Theme::new(
        arguments.color(host.preferences.color),
        arguments.ascii(host.preferences.ascii),
    );
    let mut state = State::new(host.file.display().to_string(), session, Host::clock(), theme);
    state.context.read_only = read_only;
    state.context.preferences = host.home.config.display().to_string();
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
        workers.carry(Asker::default(), Effect::LookAtEngine);
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
