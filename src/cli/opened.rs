//! What every command begins with: the host, the file, a session on it; and who is known, where that matters.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;

use crate::mailserver_cfg::Document;
use crate::peers::{PeerBook, Trouble};
use crate::session::Session;
use crate::work::{Host, Sources};

use super::Arguments;
use super::console::Console;
use super::failure::Failure;

/// An opened file.
pub(super) struct Opened {
    pub(super) host: Host,
    pub(super) document: Arc<Document>,
    pub(super) session: Session,
    /// What evidence was made from.
    pub(super) sources: Sources,
    /// When the file was last saved, and whose mail is delayed or failing since; after [`Self::gather`].
    pub(super) since_save: Option<(Timestamp, Vec<Trouble>)>,
}

impl Opened {
    /// Finds and reads everything that is named; what is ignored is said aloud. Changes nothing.
    ///
    /// # Errors
    /// [`Failure::Host`].
    pub(super) fn open(arguments: &Arguments, console: &mut Console<'_>) -> Result<Self, Failure> {
        let host = Host::find(&arguments.general.host_options())?;
        for warning in &host.preferences.warnings {
            console.warn(warning);
        }
        let document = host.load()?;
        let catalogue = host.preferences.catalogue.clone();
        let session = Session::new(Arc::clone(&document), catalogue, host.measured());
        Ok(Self {
            host,
            document,
            session,
            sources: Sources::default(),
            since_save: None,
        })
    }

    /// Reads logs and peers file, and takes in what they show of this server.
    pub(super) fn gather(&mut self) -> PeerBook {
        let gathered = self
            .host
            .gather(&mut self.sources, &self.document, &AtomicBool::new(false), |_, _| {});
        self.session.set_measured(gathered.measured);
        self.since_save = gathered.since_save;
        gathered.book
    }

    /// The file as it was named.
    pub(super) fn file(&self) -> String {
        self.host.file.display().to_string()
    }
}
