//! What can be said on the command line. Man page and completions are made from these definitions.

mod commands;
pub(super) mod values;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser};

use crate::host::{HomeOptions, HostOptions};

pub use commands::{
    Backups, Check, Command, Config, Names, Output, Peers, Probe, Reset, Restore, Saving, Set, Undo, Watch,
};
pub use values::{DirectionArgument, RoleArgument, Shell, WatchArgument, When, WhomArgument};

/// Choose the minimum TLS version of a Kerio Connect server, and see who would be cut off before it is done.
///
/// Without a command it opens the screen.
#[derive(Debug, Clone, Parser)]
#[command(name = "kerio-tls", version)]
#[command(
    after_help = "Exit status: 0 done or nothing to do, 1 failed, 2 wrong usage, 3 short of the minimum (check), 4 \
        refused."
)]
pub struct Arguments {
    /// What can be said with a command and without one
    #[command(flatten)]
    pub general: General,
    /// What to do; without it the screen opens
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What can be said with a command and without one.
#[derive(Debug, Clone, Args)]
pub struct General {
    /// The configuration file [default: the usual places]
    #[arg(short, long, value_name = "FILE", global = true)]
    pub file: Option<PathBuf>,
    /// Work on a temporary copy of an embedded sample
    #[arg(long, global = true, conflicts_with = "file")]
    pub demo: bool,
    /// The peers file
    #[arg(long, value_name = "FILE", global = true)]
    pub peers: Option<PathBuf>,
    /// Days of mail to count [default: 30]
    #[arg(long, value_name = "N", global = true, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: Option<u32>,
    /// The preferences file
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Where backups, journal and evidence are kept
    #[arg(long, value_name = "DIR", global = true)]
    pub state_dir: Option<PathBuf>,
    /// Use colours [default: auto]
    #[arg(long, value_name = "WHEN", global = true)]
    pub color: Option<When>,
    /// Draw lines in ASCII
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Do not frame what is drawn as synchronised updates (mode 2026)
    #[arg(long)]
    pub no_sync: bool,
}

impl Arguments {
    /// What this process was started with.
    ///
    /// clap makes the definitions of all commands before it reads the first word, which is a tenth of the time to the
    /// screen's first frame. So the words are first read as those of a start without a command; whatever that does not
    /// understand, help and mistakes included, is for the whole definition.
    ///
    /// # Errors
    /// Wrong usage, or a wish for help or the version: to be printed, with an exit status of its own.
    pub fn read() -> Result<Self, clap::Error> {
        Self::read_from(&std::env::args_os().collect::<Vec<_>>())
    }

    fn read_from(words: &[OsString]) -> Result<Self, clap::Error> {
        #[derive(Parser)]
        struct Alone {
            #[command(flatten)]
            general: General,
        }
        let is_command = |word: &OsString| !word.as_encoded_bytes().starts_with(b"-");
        if !words.get(1).is_some_and(is_command)
            && let Ok(Alone { general }) = Alone::try_parse_from(words)
        {
            return Ok(Self { general, command: None });
        }
        Self::try_parse_from(words)
    }
}

impl General {
    /// What the rooms below need of it.
    #[must_use]
    pub fn host_options(&self) -> HostOptions {
        HostOptions {
            file: self.file.clone(),
            demo: self.demo,
            days: self.days,
            home: HomeOptions {
                config: self.config.clone(),
                peers: self.peers.clone(),
                state_dir: self.state_dir.clone(),
            },
        }
    }

    /// Colours, by argument, then preference, then `NO_COLOR` (no-color.org) and `TERM`.
    #[must_use]
    pub fn color(&self, preferred: Option<bool>) -> bool {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        match self.color {
            Some(When::Always) => true,
            Some(When::Never) => false,
            Some(When::Auto) => !plain,
            None => preferred.unwrap_or(!plain),
        }
    }

    /// ASCII lines, by argument, then preference, then the locale (`LC_ALL`, `LC_CTYPE`, `LANG`: the first that is set,
    /// as POSIX says).
    #[must_use]
    pub fn ascii(&self, preferred: Option<bool>) -> bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
            .unwrap_or_default()
            .to_ascii_lowercase();
        let utf8 = locale.contains("utf-8") || locale.contains("utf8");
        self.ascii || preferred.unwrap_or(!utf8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_reads_what_the_whole_definition_reads() {
        for words in [
            "",
            "--demo",
            "-f x --days 7 --no-sync --ascii --color never",
            "--file show",
            "--file x show",
            "--demo show --json",
            "--demo --file x",
            "--days 0",
            "--fil x",
            "--file",
            "--help",
            "-h",
            "--version",
            "-- show",
            "show --no-sync",
            "nothing",
            "--color never --color always",
            "set --min",
        ] {
            let words: Vec<OsString> = std::iter::once("kerio-tls")
                .chain(words.split_whitespace())
                .map(OsString::from)
                .collect();
            let told = |read: Result<Arguments, clap::Error>| match read {
                Ok(arguments) => format!("{arguments:?}"),
                Err(error) => format!("{:?}: {error}", error.kind()),
            };
            let (short, whole) = (Arguments::read_from(&words), Arguments::try_parse_from(&words));
            assert_eq!(told(short), told(whole), "{words:?}");
        }
    }
}
