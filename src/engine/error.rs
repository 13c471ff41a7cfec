//! What can go wrong with the engine, in words for the administrator; and words from outside (names of processes,
//! output of commands, the journal) made fit to be shown. This room never writes `mailserver.cfg`: what is on disk is
//! as it was before the step, or as the engine left it.

use crate::hostile::{quotes_secret, safe_text};
use std::path::Path;

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
    #[error("cannot {doing} the engine: found neither the unit kerio-connect.service nor /etc/init.d/kerio-connect; \
        the file is unchanged. Stop it by hand ({}), save, and start it again ({}); \
        or set stop and start in kerio-tls.toml",
        manual.stop, manual.start)]
    NoService {
        /// "stop" or "start".
        doing: &'static str,
        /// What to type.
        manual: ManualCommands,
    },
    /// The user may not stop and start services.
    #[error("cannot stop and start the engine without root's rights; nothing was done. Run this with sudo, or let \
        someone run: {}, and afterwards: {}", manual.stop, manual.start)]
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
        "the engine is not proven stopped after {waited_s} s: {why}. Nothing was written. Look at it with `{look}`, \
         then try again"
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
        "process {pid} ({what}) has the file open for writing; nothing was written. Let it end or stop it, then try \
         again"
    )]
    Busy {
        /// Its id.
        pid: u32,
        /// What it runs.
        what: String,
    },
    /// The file kept changing although the engine is stopped.
    #[error(
        "{path} still changes after {waited_s} s although the engine is stopped; nothing was written. Find out what \
         writes it (`fuser -v {path}`), then try again"
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
        "could not {doing} the automatic undo {name}: {why}. See `systemctl list-timers --all`, and `systemctl stop \
         {name}.timer` ends it"
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

/// The most characters of one line that are shown.
const LINE: usize = 400;

/// A path as one harmless line.
pub(super) fn shown_path(path: &Path) -> String {
    shown(path.as_os_str().as_encoded_bytes())
}

/// Foreign bytes as one harmless line.
pub(super) fn shown(bytes: &[u8]) -> String {
    safe_text(bytes, LINE)
}

/// The last lines of an output, each harmless and without secrets. Empty lines are left out.
pub(super) fn last_lines(output: &[u8], most: usize) -> Vec<String> {
    let mut lines: Vec<String> = output
        .rsplit(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.trim_ascii().is_empty())
        .take(most)
        .map(line_without_secrets)
        .collect();
    lines.reverse();
    lines
}

/// A line that quotes a secret is not shown at all: what the engine prints about its configuration is not ours to take
/// apart.
fn line_without_secrets(line: &[u8]) -> String {
    if quotes_secret(&String::from_utf8_lossy(line)) {
        "(a line that may hold a secret is not shown)".to_owned()
    } else {
        shown(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_last_lines_are_kept_in_order_and_empty_ones_left_out() {
        assert_eq!(last_lines(b"one\n\ntwo\r\nthree\n", 2), ["two", "three"]);
    }

    #[test]
    fn a_line_with_a_secret_is_not_shown() {
        for line in [
            "bad value D3S:abcdef",
            "hash SHA:123",
            "<variable name=\"SmtpPassword\">x</variable>",
            "ApiKey=xyz",
        ] {
            assert_eq!(
                last_lines(line.as_bytes(), 5),
                ["(a line that may hold a secret is not shown)"]
            );
        }
        assert_eq!(last_lines(b"cannot open key file", 5), ["cannot open key file"]);
    }

    proptest! {
        #[test]
        fn nothing_shown_holds_a_control_character_or_is_long(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
            let text = shown(&bytes);
            prop_assert!(text.chars().all(|letter| !letter.is_control()));
            prop_assert!(text.chars().count() <= LINE);
        }
    }
}
