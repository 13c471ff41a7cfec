//! Unsaved edits, kept for a session that is lost.

use crate::mailserver_cfg::{EditSet, Secrets};
use crate::save::{self, SaveError};

use super::here::Host;

impl Host {
    /// Remembers unsaved edits; what is left out because it is secret is named.
    ///
    /// # Errors
    /// [`SaveError`].
    pub fn keep_draft(&self, edits: &EditSet, secrets: &Secrets) -> Result<(), SaveError> {
        save::write_draft(&self.state()?, &self.target()?, edits, secrets).map(|_| ())
    }

    /// Forgets unsaved edits.
    ///
    /// # Errors
    /// [`SaveError`].
    pub fn drop_draft(&self) -> Result<(), SaveError> {
        if self.has_state() {
            save::discard_draft(&self.state()?, &self.target()?)
        } else {
            Ok(())
        }
    }

    /// Unsaved edits of an earlier session.
    ///
    /// # Errors
    /// [`SaveError`].
    pub fn draft(&self) -> Result<Option<save::Draft>, SaveError> {
        if self.has_state() {
            save::read_draft(&self.state()?, &self.target()?)
        } else {
            Ok(None)
        }
    }
}
