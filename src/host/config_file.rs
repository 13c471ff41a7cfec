//! One `mailserver.cfg`: reading it, the real file behind its name, and the directory in which state is kept for it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::mailserver_cfg::{Document, ParseError};
use crate::save::{self, SaveError, StateDir, Target};

/// How the names begin of what this room keeps in the state directory; preferences and peers file stand there too where
/// a user has no home.
const IN_STATE_DIR: [&str; 8] = [
    "evidence.",
    "server.",
    "memory.",
    "program.",
    "names.",
    "engine-seconds",
    super::home::PREFERENCES,
    super::home::PEERS,
];

/// What the file holds.
pub enum Loaded {
    /// A document.
    Document(Arc<Document>),
    /// Bytes that are none.
    Broken {
        /// Those.
        bytes: Vec<u8>,
        /// Where and why.
        error: ParseError,
    },
}

/// The file as it was named, and the state directory.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    path: PathBuf,
    state_dir: PathBuf,
    /// The real file that was read first: what is reviewed and saved is that one.
    read_from: Arc<OnceLock<PathBuf>>,
}

impl ConfigFile {
    pub(super) fn new(path: PathBuf, state_dir: PathBuf) -> Self {
        Self {
            path,
            state_dir,
            read_from: Arc::default(),
        }
    }

    /// As it was named.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The real file behind the name.
    ///
    /// # Errors
    /// [`SaveError`].
    pub fn target(&self) -> Result<Target, SaveError> {
        Target::resolve(&self.path)
    }

    /// The real file that was read first.
    pub(crate) fn reviewed(&self) -> Option<&Path> {
        self.read_from.get().map(PathBuf::as_path)
    }

    /// Reads the file, whether it can be understood or not.
    ///
    /// # Errors
    /// [`SaveError`].
    pub fn read(&self) -> Result<Loaded, SaveError> {
        let target = self.target()?;
        let (bytes, _) = target.read()?;
        let _ = self.read_from.set(target.path().to_owned());
        Ok(match Document::parse_or_back(bytes) {
            Ok(document) => Loaded::Document(Arc::new(document)),
            Err((error, bytes)) => Loaded::Broken { bytes, error },
        })
    }

    /// The state directory, made if it is not there.
    ///
    /// # Errors
    /// [`SaveError`].
    pub fn state(&self) -> Result<StateDir, SaveError> {
        StateDir::open(&self.state_dir, &IN_STATE_DIR)
    }

    /// The state directory for looking only; it need not be there.
    pub(crate) fn existing_state(&self) -> Result<StateDir, SaveError> {
        StateDir::look(&self.state_dir, &IN_STATE_DIR)
    }

    /// Is there a state directory at all? One that is refused is there.
    pub(super) fn is_state_there(&self) -> bool {
        self.state_dir.symlink_metadata().is_ok()
    }

    /// State directory and target, if anything has been kept for this file yet. If not, who only looks must not make a
    /// place for it.
    pub(crate) fn kept(&self) -> Option<(StateDir, Target)> {
        let (state, target) = (self.existing_state().ok()?, self.target().ok()?);
        state.knows(&target).then_some((state, target))
    }

    /// Did an earlier save of this file break off?
    pub(super) fn is_unfinished(&self) -> bool {
        self.kept()
            .is_some_and(|(state, target)| save::unfinished(&state, &target))
    }

    /// Why nothing can be saved, whatever is chosen: no rights, a read-only disk, no place for backups.
    #[must_use]
    pub fn read_only(&self) -> Option<String> {
        if !cfg!(target_os = "linux") {
            return Some("saving works on Linux only".to_owned());
        }
        // Looking makes no directory: who only opens the screen has kept nothing yet.
        let looked = self.existing_state().and_then(|state| {
            let target = self.target()?;
            save::preflight(&target, &state, 0)?.refuse(&state, true)
        });
        looked.err().map(|error| error.to_string())
    }
}
