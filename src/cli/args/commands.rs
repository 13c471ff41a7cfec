//! The commands, and what can be said to each.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::tls::{Choice, TlsVersion};
use crate::work::Reader;

use super::values::{
    DirectionArgument, EngineArgument, RoleArgument, Shell, WatchArgument, WhomArgument, duration, minimum, span,
    version,
};

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
    /// What a known peer answers is remembered, so that check, peers and set know it: one that the logs or the peers
    /// file name, or that is remembered from before. Of others nothing is kept; a line in the peers file makes them
    /// known.
    Probe(Probe),
    /// See who really connects, and with which TLS versions
    ///
    /// Reads the first messages of TLS handshakes, which are in clear, and nothing else: no payload, no server names,
    /// no users. From the network, as root, until Ctrl-C; or from a capture file.
    Watch(Watch),
    /// List what was saved, or what differs between a backup and the file now
    Backups(Backups),
    /// Take the changes of a save back, or put a whole older file in place
    Restore(Restore),
    /// Keep a save that would undo itself
    Confirm,
    /// Undo a save that nobody confirmed; run by a timer
    #[command(hide = true)]
    Undo(Undo),
    /// Print the preferences file with every setting explained, or keep in it what a variable is for
    Config(Config),
    /// Show the names of variables: which there are, how sure each is, and what the engine's own program holds
    Names(Names),
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
    /// Write a variable although the engine's own program does not hold its name
    #[arg(long)]
    pub accept_unknown_name: bool,
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
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true).args(["inbound", "outbound", "value"]))]
pub struct Set {
    /// Minimum for those who call this server: default, tls1.0, tls1.1, tls1.2, tls1.3
    #[arg(long, value_name = "MINIMUM", value_parser = minimum)]
    pub inbound: Option<Choice>,
    /// Minimum for servers that this one calls
    #[arg(long, value_name = "MINIMUM", value_parser = minimum)]
    pub outbound: Option<Choice>,
    /// Value for the variable that plays a role, such as inbound:ciphers='HIGH:!aNULL'
    ///
    /// DIRECTION is inbound or outbound. ROLE is ciphers, ecdhe-on, dhe-on, dhe-off (each 1 or 0), dhe-key-size (bits),
    /// protocol-list (such as tls1.2,tls1.3) or minimum-version. An empty VALUE, or the word default in small letters,
    /// deletes the variable: the server's default holds then. Can be said several times.
    #[arg(long, value_name = "DIRECTION:ROLE=VALUE")]
    pub value: Vec<RoleArgument>,
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
    /// Whom to ask
    #[arg(
        required = true,
        value_name = "HOST[:PORT]",
        help = "Whom to ask: HOST, HOST:PORT or [IPV6]:PORT"
    )]
    pub host: Vec<String>,
    /// What is spoken there: smtp, submission, smtps, imap, imaps, pop3, pop3s, https
    #[arg(long, value_name = "SERVICE", default_value = "smtp")]
    pub service: String,
    /// How to print
    #[command(flatten)]
    pub output: Output,
}

/// `watch`
#[derive(Debug, Clone, Args)]
pub struct Watch {
    /// As a service, which is not root and keeps what it sees: start it (for 14 days unless --for says otherwise), stop
    /// it, or show what it has seen
    #[arg(value_enum, conflicts_with_all = ["read", "keep", "into"])]
    pub service: Option<WatchArgument>,
    /// Read this capture: pcap or pcapng, as tcpdump, dumpcap and firewalls write it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["span", "keep"])]
    pub read: Option<PathBuf>,
    /// Which address in it is the mail server's; can be said several times [default: this host's, else the one called
    /// most]
    #[arg(long, value_name = "ADDRESS", requires = "read")]
    pub own: Vec<IpAddr>,
    /// Watch so long: 90s, 10m, 2h, 14d, or a number of minutes; at most 90d
    #[arg(long = "for", value_name = "TIME", value_parser = span)]
    pub span: Option<Duration>,
    /// Keep what is seen, so that peers, check and set know it
    #[arg(long)]
    pub keep: bool,
    /// Where the service keeps what it sees
    #[arg(long, value_name = "DIR", hide = true, conflicts_with_all = ["read", "keep"])]
    pub into: Option<PathBuf>,
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
#[derive(Debug, Clone, Args)]
#[command(group = clap::ArgGroup::new("doing").required(true).args(["default", "name"]))]
pub struct Config {
    /// With every setting at its default
    #[arg(long)]
    pub default: bool,
    /// Keep in the preferences that this variable plays this role, such as inbound:ecdhe-on=VARIABLE
    ///
    /// DIRECTION is inbound or outbound. ROLE is minimum-version, protocol-list, ciphers, ecdhe-on, dhe-on, dhe-off or
    /// dhe-key-size. The mail server's file is not touched. Says what it may mean, and asks for a yes.
    #[arg(long, value_name = "DIRECTION:ROLE=VARIABLE")]
    pub name: Option<RoleArgument>,
    /// Answer the question of --name with yes
    #[arg(long, requires = "name")]
    pub yes: bool,
}

/// `names`
#[derive(Debug, Clone, Args)]
pub struct Names {
    /// Read this copy of the engine's program in the place of the one beside the file; needs no mail server here
    #[arg(long, value_name = "FILE", conflicts_with = "learn")]
    pub engine: Option<PathBuf>,
    /// Learn the name of the minimum's variable: wait until the web administration has written this version
    ///
    /// The file as it is now is kept; you choose VERSION there (Configuration > Security > TLS Options) and save; what changed in the
    /// file is shown, secrets masked, and you say which variable it was. If nothing changes, the question stays open and is asked
    /// again the next time, over days: some engines write the file only when they stop. Nothing is written to mailserver.cfg.
    #[arg(long, value_name = "VERSION", value_parser = version, conflicts_with = "export")]
    pub learn: Option<TlsVersion>,
    /// With --learn: wait at most so long (a plain number is minutes) [default: until something changes]
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "learn")]
    pub timeout: Option<Duration>,
    /// With --learn: if one variable changed, it is that one
    #[arg(long, requires = "learn")]
    pub yes: bool,
    /// Print what was given, seen or proven here as a kerio-tls.toml for hosts of the same build
    #[arg(long, conflicts_with = "json")]
    pub export: bool,
    /// How to print
    #[command(flatten)]
    pub output: Output,
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
    /// First ask outbound peers for the highest TLS version they accept: those of which no probe has told it yet, or
    /// all
    ///
    /// Says beforehand how many hosts and connections that means and what their logs will show, and asks for a yes.
    /// What they answer is remembered.
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

impl Peers {
    /// The sources that are to be read first.
    pub fn readers(&self) -> impl Iterator<Item = Reader> + use<> {
        let wanted = [(self.headers, Reader::Headers)];
        wanted
            .into_iter()
            .filter(|(is_wanted, _)| *is_wanted)
            .map(|(_, reader)| reader)
    }
}

/// `completions`
#[derive(Debug, Clone, Copy, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}
