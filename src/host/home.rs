//! Where things live: preferences, peers file, state.
//!
//! As root they lie in `/etc/kerio-tls` and `/var/lib/kerio-tls`, never where `$HOME` or `$XDG_*` point: under sudo
//! those are still the other user's, who could then read backups or put commands into the preferences.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use crate::files::{self, Fault, Opened, Why};

/// The preferences' name.
pub const PREFERENCES: &str = "kerio-tls.toml";
/// The peers file's name.
pub const PEERS: &str = "peers.csv";

/// Places given on the command line, which win.
#[derive(Debug, Clone, Default)]
pub struct HomeOptions {
    /// `--config FILE`.
    pub config: Option<PathBuf>,
    /// `--peers FILE`.
    pub peers: Option<PathBuf>,
    /// `--state-dir DIR`.
    pub state_dir: Option<PathBuf>,
}

/// The places in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// Preferences; need not exist.
    pub config: PathBuf,
    /// Peers file; need not exist.
    pub peers: PathBuf,
    /// Backups, journal, draft, evidence, audit.
    pub state_dir: PathBuf,
    /// May the preferences hold commands to run? Only as root, from a file that nobody else can write.
    pub commands_allowed: bool,
}

/// No place for preferences or state could be found.
#[derive(Debug, thiserror::Error)]
#[error("no home directory is known for this user, so there is no place for backups; name one with --state-dir")]
pub struct NoHome;

impl Home {
    /// The places of whoever runs the program.
    ///
    /// # Errors
    /// [`NoHome`] for a user without a home directory and without `--state-dir`.
    pub fn find(options: &HomeOptions) -> Result<Self, NoHome> {
        let root = rustix::process::geteuid().is_root();
        let (config_dir, state_dir) = if root {
            (PathBuf::from("/etc/kerio-tls"), PathBuf::from("/var/lib/kerio-tls"))
        } else {
            match (ProjectDirs::from("", "", "kerio-tls"), &options.state_dir) {
                (Some(dirs), _) => {
                    let state = dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_path_buf();
                    (dirs.config_dir().to_path_buf(), state)
                }
                // With a state directory given, preferences are simply not found.
                (None, Some(dir)) => (dir.clone(), dir.clone()),
                (None, None) => return Err(NoHome),
            }
        };
        let config = options.config.clone().unwrap_or_else(|| config_dir.join(PREFERENCES));
        let peers = options
            .peers
            .clone()
            .unwrap_or_else(|| config.parent().unwrap_or(&config_dir).join(PEERS));
        Ok(Self {
            config,
            peers,
            state_dir: options.state_dir.clone().unwrap_or(state_dir),
            commands_allowed: root,
        })
    }
}

/// A file that was opened, or why it is ignored.
pub(super) enum Believed {
    /// Nobody else could have written it.
    Yes(Opened),
    /// Why it must not be believed.
    No(String),
}

/// Opens a file that root acts upon. What is judged is what is read afterwards: the handle, and the directories that
/// lead to it.
///
/// # Errors
/// It is not there, or cannot be opened.
pub(super) fn open_believed(path: &Path) -> Result<Believed, Fault> {
    let opened = match files::open(path) {
        Ok(opened) => opened,
        Err(fault) if matches!(fault.why, Why::ForeignLink { .. }) => {
            return Ok(Believed::No(fault.why.to_string()));
        }
        Err(fault) => return Err(fault),
    };
    // Another user's own file is that user's business.
    let root = rustix::process::geteuid().is_root();
    Ok(match opened.changeable().filter(|_| root) {
        Some(why) => Believed::No(why.to_owned()),
        None => Believed::Yes(opened),
    })
}
