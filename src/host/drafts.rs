//! Unsaved edits, kept for a session that is lost.

use crate::mailserver_cfg::{EditSet, Secrets};
use crate::save::{self, SaveError};

use super::config_file::ConfigFile;

/// The draft of one file.
#[derive(Debug, Clone)]
pub struct Drafts {
    file: ConfigFile,
}

impl Drafts {
    pub(super) fn new(file: ConfigFile) -> Self {
        Self { file }
    }

    /// Remembers unsaved edits, and forgets the old ones; what is secret is left out. No edits: none are remembered.
    ///
    /// # Errors
    /// [`SaveError`].
    pub fn keep(&self, edits: &EditSet, secrets: &Secrets) -> Result<(), SaveError> {
        if !edits.is_empty() {
            return save::write_draft(&self.file.state()?, &self.file.target()?, edits, secrets).map(|_| ());
        }
        match self.file.kept() {
            Some((state, target)) => save::discard_draft(&state, &target),
            None => Ok(()),
        }
    }

    /// Unsaved edits of an earlier session.
    ///
    /// # Errors
    /// [`SaveError`].
    pub fn find(&self) -> Result<Option<save::Draft>, SaveError> {
        match self.file.kept() {
            Some((state, target)) => save::read_draft(&state, &target),
            None => Ok(None),
        }
    }
}
