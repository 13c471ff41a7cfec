//! What every command begins with: the host, the file, a session on it; and who is known, where that matters.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;

use crate::host::{Host, HostError};
use crate::peers::{PeerBook, Trouble};
use crate::session::{Document, Session};
use crate::work::{self, RefusedSince, Sources};

use super::args::{Arguments, Saving};
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
    /// And who was refused since, as far as the wire was watched.
    pub(super) refused: Option<RefusedSince>,
}

/// What was cleaned up after an earlier save, before anything was read: to be reported once, whatever comes of the
/// command.
#[derive(Default)]
pub(super) struct Recovered {
    pub(super) words: Vec<String>,
    /// They were reported.
    pub(super) reported: Cell<bool>,
}

impl Recovered {
    /// Says them on standard error, unless that was done.
    pub(super) fn report(&self, console: &mut Console<'_>) {
        if !self.reported.replace(true) {
            for words in &self.words {
                console.warn(words);
            }
        }
    }
}

/// Finds everything that is named; what is ignored is said aloud. Changes nothing.
///
/// # Errors
/// [`Failure::Host`].
pub(super) fn host(arguments: &Arguments, console: &mut Console<'_>) -> Result<Host, Failure> {
    let host = Host::find(&arguments.general.host_options())?;
    for warning in &host.preferences.warnings {
        console.warn(warning);
    }
    Ok(host)
}

/// Cleans up after saves that did not end, before the file is read: it may be torn. A dry run only looks.
///
/// # Errors
/// [`Failure::Host`].
pub(super) fn recover(host: &Host, saving: Saving, console: &mut Console<'_>) -> Result<Recovered, Failure> {
    if saving.dry_run {
        return Ok(Recovered::default());
    }
    let recovered = Recovered {
        words: work::recover(host).map_err(HostError::from)?,
        reported: Cell::new(false),
    };
    // With --json it belongs into the JSON.
    if !saving.output.json {
        recovered.report(console);
    }
    Ok(recovered)
}

impl Opened {
    /// Finds and reads everything that is named. Changes nothing.
    ///
    /// # Errors
    /// [`Failure::Host`].
    pub(super) fn open(arguments: &Arguments, console: &mut Console<'_>) -> Result<Self, Failure> {
        let host = host(arguments, console)?;
        let document = host.load()?;
        Ok(Self::with(host, document))
    }

    /// The same for a command that saves: what an earlier save tore is put together first. `command` goes on from
    /// there.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) fn to_save(
        arguments: &Arguments,
        saving: Saving,
        console: &mut Console<'_>,
        command: impl FnOnce(&mut Self, &Recovered, &mut Console<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let host = host(arguments, console)?;
        let recovered = recover(&host, saving, console)?;
        let done = host.load().map_err(Failure::from).and_then(|document| {
            let mut opened = Self::with(host, document);
            command(&mut opened, &recovered, console)
        });
        if done.is_err() {
            recovered.report(console);
        }
        done
    }

    /// A session on this document.
    pub(super) fn with(host: Host, document: Arc<Document>) -> Self {
        let names = host.known_names();
        let session = Session::new(Arc::clone(&document), names.catalogue, host.memory.measured());
        Self {
            host,
            document,
            session,
            sources: Sources::default(),
            since_save: None,
            refused: None,
        }
    }

    /// The same for a command that saves, which says that it reads.
    pub(super) fn gather_aloud(&mut self, console: &mut Console<'_>) -> PeerBook {
        console.progress("Reading mail logs and peers file ...");
        self.gather()
    }

    /// Reads logs and peers file, and takes in what they show of this server.
    pub(super) fn gather(&mut self) -> PeerBook {
        let never = AtomicBool::new(false);
        let reading = work::read_evidence(&self.host, self.sources.logs(), &self.document, &never, |_, _| {});
        self.sources.take_in(reading);
        let gathered = self.sources.gathered(&self.host);
        self.session.set_measured(gathered.measured);
        self.since_save = gathered.since_save;
        self.refused = gathered.refused;
        gathered.book
    }

    /// The file as it was named.
    pub(super) fn file(&self) -> String {
        self.host.file.path().display().to_string()
    }
}
