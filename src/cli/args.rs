//! What can be said on the command line. Man page and completions are made from these definitions.

mod values;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::tls::TlsVersion;
use crate::work::{HomeOptions, HostOptions};

pub use values::{DirectionArgument, EngineArgument, MinimumArgument, Shell, When, WhomArgument};
use values::{duration, version};

/// Choose the minimum TLS version of a Kerio Connect server, and see who would be cut off before it is done.
///
/// Without a command it opens the screen.
#[derive(Debug, Clone, Parser)]
#[command(name = "kerio-tls", version)]
#[command(
    after_help = "Exit status: 0 done or nothing to do, 1 failed, 2 wrong usage, 3 short of the minimum (check), 4 refused."
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

/// A command.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Show the minimums and the variables behind them
    Show(Output),
    /// Tell whether the file has at least this minimum and nobody known is cut off
    Check(Check),
    /// Choose a minimum and save
    Set(Set),
    /// Delete the custom TLS variables and save: the server's defaults hold then
    Reset(Reset),
    /// List the peers, held against a minimum
    Peers(Peers),
    /// Ask servers for the highest TLS version they accept
    ///
    /// What a known peer answers is remembered, so that check, peers and set know it: one that the logs or the peers file name,
    /// or that is remembered from before. Of others nothing is kept; a line in the peers file makes them known.
    Probe(Probe),
    /// List what was saved, or what differs between a backup and the file now
    Backups(Backups),
    /// Take the changes of a save back, or put a whole older file in place
    Restore(Restore),
    /// Keep a save that would undo itself
    Confirm,
    /// Undo a save that nobody confirmed; run by a timer
    #[command(hide = true)]
    Undo(Undo),
    /// Print the preferences file with every setting explained
    Config(Config),
    /// Print the man page
    Man,
    /// Print completions for a shell
    Completions(Completions),
}

/// How to print.
#[derive(Debug, Clone, Copy, Args)]
pub struct Output {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `check`
#[derive(Debug, Clone, Copy, Args)]
pub struct Check {
    /// The minimum that both directions must have
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub min: TlsVersion,
    /// Fail when peers are unknown, too
    #[arg(long)]
    pub require_known: bool,
    /// Ask the server's own ports what they really accept, too
    #[arg(long)]
    pub live: bool,
    /// How to print
    #[command(flatten)]
    pub output: Output,
}

/// How to save.
#[derive(Debug, Clone, Copy, Args)]
pub struct Saving {
    /// Show what would be done, and change nothing
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Answer the review with yes
    #[arg(long)]
    pub yes: bool,
    /// Go on although known peers are cut off
    #[arg(long)]
    pub accept_cut_off: bool,
    /// What happens to a running engine
    #[arg(long, value_name = "WHAT", default_value = "refuse")]
    pub engine: EngineArgument,
    /// Undo the change by itself so long after the engine has started well, unless `kerio-tls confirm` was said
    ///
    /// A plain number is minutes; 90s, 10m and 2h say it themselves. At most 24h.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub undo_after: Option<Duration>,
    /// Write the file in place where it cannot be replaced
    #[arg(long)]
    pub in_place: bool,
    /// How to print
    #[command(flatten)]
    pub output: Output,
}

/// `set`
#[derive(Debug, Clone, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true).args(["inbound", "outbound"]))]
pub struct Set {
    /// Minimum for those who call this server: default, tls1.0, tls1.1, tls1.2, tls1.3
    #[arg(long, value_name = "MINIMUM")]
    pub inbound: Option<MinimumArgument>,
    /// Minimum for servers that this one calls
    #[arg(long, value_name = "MINIMUM")]
    pub outbound: Option<MinimumArgument>,
    /// Use this variable of the file as the protocol list, though no catalogue knows it
    #[arg(long, value_name = "NAME")]
    pub r#use: Vec<String>,
    /// How to save
    #[command(flatten)]
    pub saving: Saving,
}

/// `reset`
#[derive(Debug, Clone, Copy, Args)]
pub struct Reset {
    /// Only this direction
    #[arg(value_enum)]
    pub direction: Option<DirectionArgument>,
    /// How to save
    #[command(flatten)]
    pub saving: Saving,
}

/// `probe`
#[derive(Debug, Clone, Args)]
pub struct Probe {
    /// Whom to ask: HOST, HOST:PORT or [IPV6]:PORT
    #[arg(required = true, value_name = "HOST[:PORT]")]
    pub host: Vec<String>,
    /// What is spoken there: smtp, submission, smtps, imap, imaps, pop3, pop3s, https
    #[arg(long, value_name = "SERVICE", default_value = "smtp")]
    pub service: String,
    /// How to print
    #[command(flatten)]
    pub output: Output,
}

/// `backups`
#[derive(Debug, Clone, Args)]
pub struct Backups {
    /// Show what differs between this backup and the file now
    #[arg(value_name = "ID")]
    pub id: Option<String>,
    /// How to print
    #[command(flatten)]
    pub output: Output,
}

/// `restore`
#[derive(Debug, Clone, Args)]
pub struct Restore {
    /// The save to take back [default: the newest]
    #[arg(value_name = "ID")]
    pub id: Option<String>,
    /// Put the whole file of the backup in place; everything saved since is lost
    #[arg(long)]
    pub whole: bool,
    /// How to save
    #[command(flatten)]
    pub saving: Saving,
}

/// `undo`
#[derive(Debug, Clone, Args)]
pub struct Undo {
    /// The switch that went off
    #[arg(long, value_name = "NAME")]
    pub switch: String,
}

/// `config`
#[derive(Debug, Clone, Copy, Args)]
pub struct Config {
    /// With every setting at its default
    #[arg(long, required = true)]
    pub default: bool,
}

/// `peers`
#[derive(Debug, Clone, Copy, Args)]
pub struct Peers {
    /// The minimum to hold them against [default: what the file says]
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub min: Option<TlsVersion>,
    /// Only peers whose mail is delayed or failing since the last save, with their own words
    #[arg(long, conflicts_with = "export")]
    pub since_save: bool,
    /// First read this server's own Received headers in stored mail (never a subject or body)
    #[arg(long)]
    pub headers: bool,
    /// First ask outbound peers for the highest TLS version they accept: those of which no probe has told it yet, or all
    ///
    /// Says beforehand how many hosts and connections that means and what their logs will show, and asks for a yes. What they
    /// answer is remembered.
    #[arg(
        long,
        value_name = "WHOM",
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "unknown",
        conflicts_with = "since_save"
    )]
    pub probe: Option<WhomArgument>,
    /// Answer the question of --probe with yes
    #[arg(long, requires = "probe")]
    pub yes: bool,
    /// Print what is known as a peers file
    #[arg(long, conflicts_with = "json")]
    pub export: bool,
    /// How to print
    #[command(flatten)]
    pub output: Output,
}

/// `completions`
#[derive(Debug, Clone, Copy, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
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

    /// ASCII lines, by argument, then preference, then the locale (`LC_ALL`, `LC_CTYPE`, `LANG`: the first that is set, as POSIX says).
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
