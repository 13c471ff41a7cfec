//! Why nothing could be opened.

use std::sync::Arc;

use crate::mailserver_cfg::{Document, ParseError};
use crate::save::SaveError;

use super::home::NoHome;
use super::preferences::PreferencesError;

/// Where the file is, unless it is named: Linux, macOS [vendor's documentation].
pub(super) const USUAL: [&str; 2] = [
    "/opt/kerio/mailserver/mailserver.cfg",
    "/usr/local/kerio/mailserver/mailserver.cfg",
];

/// Why nothing could be opened.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// No file named, none in the usual places.
    #[error("no mailserver.cfg was named, and there is none in the usual places ({}); name it with -f FILE, or try \
        --demo", USUAL.join(", "))]
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

/// Bytes of ours to a document, with their name in the error.
pub(super) fn parse(name: &str, bytes: Vec<u8>) -> Result<Arc<Document>, HostError> {
    Document::parse(bytes).map(Arc::new).map_err(|error| HostError::Parse {
        path: name.to_owned(),
        error,
        next: "choose another backup".to_owned(),
    })
}
