//! What can go wrong with the engine, in words for the administrator. This room never writes
//! `mailserver.cfg`: what is on disk is as it was before the step, or as the engine left it.

/// The commands that a person would type to do by hand what we cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManualCommands {
    /// Stops the engine.
    pub stop: String,
    /// Starts the engine.
    pub start: String,
}

/// A step with the engine failed. The message says what was tried, why it failed, what is on disk, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// Nothing is known that stops and starts the engine.
    #[error("cannot {doing} the engine: found neither the unit kerio-connect.service nor /etc/init.d/kerio-connect; the file is unchanged. Stop it by hand ({}), save, and start it again ({}); or set stop and start in kerio-tls.toml", manual.stop, manual.start)]
    NoService {
        /// "stop" or "start".
        doing: &'static str,
        /// What to type.
        manual: ManualCommands,
    },
    /// The user may not stop and start services.
    #[error("cannot stop and start the engine without root's rights; nothing was done. Run this with sudo, or let someone run: {}, and afterwards: {}", manual.stop, manual.start)]
    NoRights {
        /// What to type as root.
        manual: ManualCommands,
    },
    /// The unit is masked, broken, or refuses to be stopped or started by hand.
    #[error("the engine was not touched: {unit} {why}")]
    Unusable {
        /// The unit.
        unit: String,
        /// What is wrong with it and how to mend it.
        why: String,
    },
    /// A command could not be run, or failed.
    #[error("could not {doing} with `{command}`: {why}. The file on disk was not changed by this step")]
    Command {
        /// What was being done.
        doing: &'static str,
        /// The command.
        command: String,
        /// How it failed.
        why: String,
    },
    /// The engine was told to stop, but it is not proven that it did.
    #[error(
        "the engine is not proven stopped after {waited_s} s: {why}. Nothing was written. Look at it with `{look}`, then try again"
    )]
    NotStopped {
        /// What still speaks against it.
        why: String,
        /// Whole seconds waited.
        waited_s: u64,
        /// A command that shows more.
        look: String,
    },
    /// A process that is not the engine has the file open for writing.
    #[error(
        "process {pid} ({what}) has the file open for writing; nothing was written. Let it end or stop it, then try again"
    )]
    Busy {
        /// Its id.
        pid: u32,
        /// What it runs.
        what: String,
    },
    /// The file kept changing although the engine is stopped.
    #[error(
        "{path} still changes after {waited_s} s although the engine is stopped; nothing was written. Find out what writes it (`fuser -v {path}`), then try again"
    )]
    NotQuiet {
        /// The file.
        path: String,
        /// Whole seconds waited.
        waited_s: u64,
    },
    /// The user took it back while the engine was stopping.
    #[error("cancelled while the engine was stopping; nothing was written. It may be stopped now: start it again")]
    Cancelled,
    /// The start failed.
    #[error(
        "the engine did not start: {why}. The file is as it was before the start, or as the engine left it{}",
        last_words(journal)
    )]
    NotStarted {
        /// How it failed.
        why: String,
        /// The journal's last lines.
        journal: Vec<String>,
    },
    /// It started but did not stay up as a healthy engine does.
    #[error(
        "the engine did not come up well: {why}. The file is as it was before the start, or as the engine left it{}",
        last_words(journal)
    )]
    NotWell {
        /// What was seen.
        why: String,
        /// The journal's last lines.
        journal: Vec<String>,
    },
    /// The dead-man's switch cannot be had.
    #[error("the automatic undo cannot be armed: {why}. Nothing was changed; save without it, or where systemd runs")]
    NoUndoTimer {
        /// Why.
        why: String,
    },
    /// The dead-man's switch did not obey.
    #[error(
        "could not {doing} the automatic undo {name}: {why}. See `systemctl list-timers --all`, and `systemctl stop {name}.timer` ends it"
    )]
    UndoTimer {
        /// What was being done.
        doing: &'static str,
        /// Its name.
        name: String,
        /// How it failed.
        why: String,
    },
}

fn last_words(journal: &[String]) -> String {
    if journal.is_empty() {
        String::new()
    } else {
        format!(". Its last lines: {}", journal.join(" / "))
    }
}
