//! One `mailserver.cfg` on one host, with all that belongs to it: places, preferences, state directory, engine.
//! The screen's workers and the commands both work through this.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use jiff::tz::TimeZone;

use crate::engine::{self, Controller};
use crate::mailserver_cfg::ParseError;
use crate::peers::PeerKey;
use crate::probe::{Service, Target};
use crate::save::{self, SaveError, StateDir, Target as SaveTarget};
use crate::session::{Clock, Measured, Session};
use crate::tls::{Direction, Minimum, TlsVersion};

use super::demo::Demo;
use super::home::{Home, HomeOptions, NoHome};
use super::preferences::{Preferences, PreferencesError};

/// Where the file is, unless it is named: Linux, macOS [vendor's documentation].
const USUAL: [&str; 2] = [
    "/opt/kerio/mailserver/mailserver.cfg",
    "/usr/local/kerio/mailserver/mailserver.cfg",
];

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

/// Why nothing could be opened.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// No file named, none in the usual places.
    #[error("no mailserver.cfg was named, and there is none in the usual places ({}); name it with -f FILE, or try --demo", USUAL.join(", "))]
    NoFile,
    /// No place for state.
    #[error(transparent)]
    NoHome(#[from] NoHome),
    /// The preferences.
    #[error(transparent)]
    Preferences(#[from] PreferencesError),
    /// The file or the state directory.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// The file is not one that we would edit.
    #[error("{path}: {error}; nothing was changed; {next}")]
    Parse {
        /// Which.
        path: String,
        /// Where and why.
        error: ParseError,
        /// What to do.
        next: String,
    },
    /// The peers file that was named.
    #[error("the peers file {path} cannot be read: {error}; nothing was changed; name another one with --peers")]
    PeersFile {
        /// As named.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The demo's copy could not be made.
    #[error("the demo's temporary copy could not be made: {0}; is there room in the temporary directory?")]
    Demo(std::io::Error),
}

/// What the header says of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineNow {
    /// `running`, `stopped`, `none`, `unknown`.
    pub word: &'static str,
    /// When that was seen.
    pub at: jiff::Timestamp,
}

/// One configuration file and its surroundings.
#[derive(Debug, Clone)]
pub struct Host {
    /// The file as it was named.
    pub file: PathBuf,
    /// Where things live.
    pub home: Home,
    /// The preferences.
    pub preferences: Preferences,
    /// The demo, kept until the last user of it is gone.
    demo: Option<Arc<Demo>>,
    /// The real file that was read first: what is reviewed and saved is that one.
    read_from: Arc<OnceLock<PathBuf>>,
}

/// How the names begin of what is remembered in the state directory (`memory`, `backups`), and of preferences, which stand there too where a user
/// has no home.
const IN_STATE_DIR: [&str; 6] = [
    "evidence.",
    "server.",
    "memory.",
    "engine-seconds",
    "kerio-tls.",
    "peers.csv",
];

impl Host {
    /// Finds everything, reads the preferences, changes nothing (but makes the demo's copy).
    ///
    /// # Errors
    /// [`HostError`].
    pub fn find(options: &HostOptions) -> Result<Self, HostError> {
        if options.demo {
            let demo = Demo::make(&Self::clock()).map_err(HostError::Demo)?;
            let home = demo.home(&options.home);
            Self::peers_file_is_there(&options.home)?;
            let mut preferences = Preferences::default();
            preferences.days = options.days.unwrap_or(preferences.days);
            return Ok(Self {
                file: demo.file(),
                home,
                preferences,
                demo: Some(Arc::new(demo)),
                read_from: Arc::default(),
            });
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
        Self::peers_file_is_there(&options.home)?;
        let mut preferences = Preferences::read(&home, options.home.config.is_some())?;
        preferences.days = options.days.unwrap_or(preferences.days);
        Ok(Self {
            file,
            home,
            preferences,
            demo: None,
            read_from: Arc::default(),
        })
    }

    /// A peers file that was named must be there: without it nobody in it would be cut off, and nobody would know.
    fn peers_file_is_there(options: &HomeOptions) -> Result<(), HostError> {
        let Some(path) = &options.peers else { return Ok(()) };
        let readable = std::fs::metadata(path).and_then(|found| {
            if found.is_file() {
                std::fs::File::open(path).map(|_| ())
            } else {
                Err(std::io::Error::other("it is no regular file"))
            }
        });
        readable.map_err(|error| HostError::PeersFile {
            path: path.display().to_string(),
            error,
        })
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
        let session = Session::new(
            self.load().ok()?,
            self.preferences.catalogue.clone(),
            Measured::default(),
        );
        let inbound = session.loaded().reading(Direction::Inbound);
        let lowest = match inbound.minimum {
            Minimum::At(version) => version,
            Minimum::Default | Minimum::Custom(_) => TlsVersion::Tls10,
        };
        let listed = inbound.protocols.and_then(|versions| versions.last().copied());
        Some(demo.own_ports(lowest, listed.unwrap_or(TlsVersion::Tls13)))
    }

    /// Now, and the server's zone.
    #[must_use]
    pub fn clock() -> Clock {
        Clock {
            now: jiff::Timestamp::now(),
            zone: zone(),
        }
    }

    /// The real file behind the name.
    ///
    /// # Errors
    /// [`SaveError`].
    pub fn target(&self) -> Result<SaveTarget, SaveError> {
        SaveTarget::resolve(&self.file)
    }

    /// Remembers which file was read.
    pub(super) fn was_read(&self, target: &SaveTarget) {
        let _ = self.read_from.set(target.path().to_owned());
    }

    /// The real file that was read first.
    #[must_use]
    pub fn reviewed(&self) -> Option<&Path> {
        self.read_from.get().map(PathBuf::as_path)
    }

    /// The state directory, made if it is not there.
    ///
    /// # Errors
    /// [`SaveError`].
    pub fn state(&self) -> Result<StateDir, SaveError> {
        StateDir::open(&self.home.state_dir, &IN_STATE_DIR)
    }

    /// The state directory for looking only: nothing is made.
    ///
    /// # Errors
    /// [`SaveError`].
    pub fn look_at_state(&self) -> Result<StateDir, SaveError> {
        StateDir::look(&self.home.state_dir, &IN_STATE_DIR)
    }

    /// Has anything been kept for this file yet? If not, a command that only looks must not make a place for it.
    #[must_use]
    pub fn has_state(&self) -> bool {
        self.look_at_state()
            .is_ok_and(|state| self.target().is_ok_and(|target| state.knows(&target)))
    }

    /// Why nothing can be saved, whatever is chosen: no rights, a read-only disk, no place for backups.
    #[must_use]
    pub fn read_only(&self) -> Option<String> {
        if !cfg!(target_os = "linux") {
            return Some("saving works on Linux only".to_owned());
        }
        // Looking makes no directory: who only opens the screen has kept nothing yet.
        let looked = self.look_at_state().and_then(|state| {
            let target = self.target()?;
            save::preflight(&target, &state, 0)?.refuse(&state, true)
        });
        looked.err().map(|error| error.to_string())
    }

    /// The hand on the engine; `None` in the demo, whose file no engine uses.
    pub(crate) fn controller(&self) -> Option<Controller> {
        if self.is_demo() {
            return None;
        }
        let places = engine::Places::new(&self.file);
        let controller = match &self.preferences.engine {
            Some(commands) => Controller::with_commands(places, commands.clone()),
            None => Controller::find(places),
        };
        let controller = controller.with_only_here(self.preferences.only_here);
        let usual = engine::Timing::default();
        Some(controller.with_timing(engine::Timing {
            watch: self.preferences.watch.unwrap_or(usual.watch),
            ..usual
        }))
    }

    /// What to type to start the engine.
    pub(crate) fn start_command(&self) -> String {
        self.controller()
            .map_or_else(String::new, |controller| controller.manual_commands().start)
    }

    /// What the header says of the engine.
    #[must_use]
    pub fn engine_now(&self) -> EngineNow {
        let word = self
            .controller()
            .map_or("none", |controller| match controller.status().state {
                engine::State::None => "none",
                engine::State::Stopped => "stopped",
                engine::State::Running => "running",
                engine::State::Unknown(_) => "unknown",
            });
        EngineNow {
            word,
            at: jiff::Timestamp::now(),
        }
    }
}

/// This machine's zone. jiff looks its name up in a list of the whole of `/usr/share/zoneinfo`, which costs a start half
/// a millisecond; the file that the name stands for says the same.
fn zone() -> TimeZone {
    let path = Path::new("/etc/localtime");
    let name = std::fs::read_link(path).ok().and_then(|link| {
        let (_, name) = link.to_str()?.rsplit_once("zoneinfo/")?;
        Some(name.to_owned())
    });
    let read = || TimeZone::tzif(name.as_deref().unwrap_or("local"), &std::fs::read(path).ok()?).ok();
    match std::env::var_os("TZ") {
        None => read().unwrap_or_else(TimeZone::system),
        Some(_) => TimeZone::system(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_is_the_one_that_jiff_finds() {
        let (ours, theirs) = (zone(), TimeZone::system());
        for time in ["2026-01-15T12:00:00Z", "2026-07-15T12:00:00Z", "2040-07-15T12:00:00Z"] {
            let time: jiff::Timestamp = time.parse().unwrap();
            assert_eq!(ours.to_offset(time), theirs.to_offset(time), "{time}");
        }
        assert_eq!(ours.iana_name(), theirs.iana_name());
    }
}
