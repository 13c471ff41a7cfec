//! One `mailserver.cfg` on one host, with all that belongs to it. The screen's workers and the commands both work
//! through this.

use std::fs::File;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::files;
use crate::hostile::safe_path;
use crate::mailserver_cfg::{Document, Secrets, ValueChange};
use crate::peers::PeerKey;
use crate::probe::{Service, Target};
use crate::session::{self, Measured, Session};
use crate::tls::{Direction, Minimum, Role, TlsVersion};

use super::backups::Backups;
use super::clock::clock;
use super::config_file::{ConfigFile, Loaded};
use super::demo::Demo;
use super::drafts::Drafts;
use super::error::{HostError, USUAL};
use super::home::{Home, HomeOptions};
use super::memory::Memory;
use super::names::OwnNames;
use super::naming::{self, NamingError};
use super::own_engine::OwnEngine;
use super::preferences::Preferences;

/// How many differing values are listed.
const LISTED: usize = 200;

/// What was asked for on the command line.
#[derive(Debug, Clone, Default)]
pub struct HostOptions {
    /// `-f FILE`.
    pub file: Option<PathBuf>,
    /// Work on the embedded sample.
    pub demo: bool,
    /// Other places.
    pub home: HomeOptions,
    /// `--days N`.
    pub days: Option<u32>,
}

/// One configuration file and its surroundings.
#[derive(Debug, Clone)]
pub struct Host {
    /// The file.
    pub file: ConfigFile,
    /// Where things live.
    pub home: Home,
    /// The preferences.
    pub preferences: Preferences,
    /// What this host is called.
    pub names: OwnNames,
    /// What is remembered between runs.
    pub memory: Memory,
    /// What was saved when and by whom.
    pub backups: Backups,
    /// Unsaved edits of a session that was lost.
    pub drafts: Drafts,
    /// The engine that uses the file.
    pub engine: OwnEngine,
    /// The demo, kept until the last user of it is gone.
    demo: Option<Arc<Demo>>,
}

impl Host {
    /// Finds everything, reads the preferences, changes nothing (but makes the demo's copy).
    ///
    /// # Errors
    /// [`HostError`].
    pub fn find(options: &HostOptions) -> Result<Self, HostError> {
        if options.demo {
            let demo = Demo::make(&clock()).map_err(HostError::Demo)?;
            let home = demo.home(&options.home);
            peers_file_is_there(&options.home)?;
            return Ok(Self::of(
                demo.file(),
                home,
                Preferences::default(),
                options.days,
                Some(demo),
            ));
        }
        let file = match &options.file {
            Some(file) => file.clone(),
            None => USUAL
                .iter()
                .map(PathBuf::from)
                .find(|path| path.exists())
                .ok_or(HostError::NoFile)?,
        };
        let home = Home::find(&options.home)?;
        peers_file_is_there(&options.home)?;
        let preferences = Preferences::read(&home, options.home.config.is_some())?;
        Ok(Self::of(file, home, preferences, options.days, None))
    }

    fn of(path: PathBuf, home: Home, mut preferences: Preferences, days: Option<u32>, demo: Option<Demo>) -> Self {
        preferences.days = days.unwrap_or(preferences.days);
        let file = ConfigFile::new(path, home.state_dir.clone());
        Self {
            names: OwnNames::new(&preferences.names),
            memory: Memory::new(file.clone()),
            backups: Backups::new(file.clone()),
            drafts: Drafts::new(file.clone()),
            engine: OwnEngine {
                file: demo.is_none().then(|| file.path().to_owned()),
                commands: preferences.engine.clone(),
                watch: preferences.watch,
                only_here: preferences.only_here,
            },
            file,
            home,
            preferences,
            demo: demo.map(Arc::new),
        }
    }

    /// Is this the demo?
    #[must_use]
    pub fn is_demo(&self) -> bool {
        self.demo.is_some()
    }

    /// In the demo: its directory, which must not stay behind.
    #[must_use]
    pub fn temporary(&self) -> Option<PathBuf> {
        self.demo.as_ref().map(|demo| demo.root().to_owned())
    }

    /// In the demo: the pretend peer that stands for this one. `None`: this is no demo.
    pub(crate) fn pretend(&self, key: &PeerKey) -> Option<Option<Target>> {
        self.demo.as_ref().map(|demo| demo.pretend(key))
    }

    /// In the demo: its own ports, which do what its file says.
    pub(crate) fn pretend_ports(&self) -> Option<Vec<(SocketAddr, Service)>> {
        let demo = self.demo.as_ref()?;
        let session = Session::new(self.load().ok()?, self.catalogue(), Measured::default());
        let inbound = session.loaded().reading(Direction::Inbound);
        let lowest = match inbound.minimum {
            Minimum::At(version) => version,
            Minimum::Default | Minimum::Custom(_) => TlsVersion::Tls10,
        };
        let listed = inbound.protocols.and_then(|versions| versions.last().copied());
        Some(demo.own_ports(lowest, listed.unwrap_or(TlsVersion::Tls13)))
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn load(&self) -> Result<Arc<Document>, HostError> {
        match self.file.read()? {
            Loaded::Document(document) => Ok(document),
            Loaded::Broken { error, .. } => Err(HostError::Parse {
                path: safe_path(self.file.path()),
                next: self.way_out(error.may_be_sound),
                error,
            }),
        }
    }

    /// Which values must not be shown.
    #[must_use]
    pub fn secrets(&self) -> Secrets {
        session::secrets(&self.catalogue())
    }

    /// What putting that backup's whole file in place would change now: value by value, masked, and how many in all.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn difference(&self, id: &str, secrets: &Secrets) -> Result<(Vec<ValueChange>, usize), HostError> {
        let then = self.backups.document(id)?;
        Ok(self.load()?.changes_to(&then, secrets, LISTED))
    }

    /// Keeps in the preferences what a variable is for. Returns what was done, in words.
    ///
    /// # Errors
    /// [`NamingError`]; then nothing was written.
    pub fn name_variable(&self, direction: Direction, name: &str, role: Role) -> Result<String, NamingError> {
        // Two at once: each adds to what the other wrote.
        self.memory
            .one_at_a_time(|| naming::append(&self.home.config, direction, name, role))
    }

    /// What puts the file right again, in words with a command to type.
    fn way_out(&self, may_be_sound: bool) -> String {
        if self.file.is_unfinished() {
            return format!(
                "an earlier save broke off and left it so; whatever saves puts it together again from the backup \
                 first: open {}",
                self.command_line("")
            );
        }
        if may_be_sound {
            return "change that in the file by hand: a whole backup in its place would lose what was changed since"
                .to_owned();
        }
        match self.backups.newest_good() {
            Some((id, when)) => format!(
                "put the whole backup of {when} in its place: {}; or mend the file by hand",
                self.restore_whole(&id)
            ),
            None => "mend the file, or put a backup of your own in its place, then try again".to_owned(),
        }
    }

    /// The command that puts a whole backup in place.
    #[must_use]
    pub fn restore_whole(&self, id: &str) -> String {
        self.command_line(&format!(" restore {id} --whole"))
    }

    /// This program with this file and this state directory.
    fn command_line(&self, rest: &str) -> String {
        let mut words = format!("kerio-tls -f {}", typed(self.file.path()));
        let usual = Home::find(&HomeOptions::default()).map(|home| home.state_dir);
        if usual.ok().as_ref() != Some(&self.home.state_dir) {
            words.push_str(&format!(" --state-dir {}", typed(&self.home.state_dir)));
        }
        words + rest
    }
}

/// A peers file that was named must be there: without it nobody in it would be cut off, and nobody would know.
fn peers_file_is_there(options: &HomeOptions) -> Result<(), HostError> {
    let Some(path) = &options.peers else { return Ok(()) };
    // What can be opened can still be unreadable.
    let begin = |file: File| file.take(1 << 20).read_to_end(&mut Vec::new());
    let read = files::open(path).map_err(std::io::Error::from);
    match read.and_then(|opened| begin(opened.into_file())) {
        Ok(_) => Ok(()),
        Err(error) => Err(HostError::PeersFile {
            path: safe_path(path),
            error,
        }),
    }
}

/// A path as it would be typed, quoted where a shell needs it.
fn typed(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |letter: char| letter.is_alphanumeric() || "-_./:=@,+%".contains(letter);
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_typed_so_that_a_shell_reads_it_as_one_word() {
        assert_eq!(
            typed(Path::new("/opt/kerio/mailserver.cfg")),
            "/opt/kerio/mailserver.cfg"
        );
        assert_eq!(typed(Path::new("/srv/it's mine/a.cfg")), r"'/srv/it'\''s mine/a.cfg'");
    }
}
