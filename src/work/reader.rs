//! Sources of evidence that are read on the user's word only. A source owes [`Record`]s, and words for what was read.
//!
//! A new one costs its reader in [`crate::peers`], and here a variant of [`Reader`] and its line in [`Reader::read`].

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use jiff::Timestamp;

use crate::host::Host;
use crate::hostile::safe_path;
use crate::mailserver_cfg::Document;
use crate::peers::{self, ReceivedBudget, Record};

/// A source of evidence that is read on the user's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// This server's own topmost Received header of stored mail.
    Headers,
}

/// How much stored mail is looked at: enough for every device of a usual server, and never a long wait.
pub const HEADERS: ReceivedBudget = ReceivedBudget {
    messages: 20_000,
    time: Duration::from_secs(20),
};

/// What a reader has found.
struct Found {
    records: Vec<Record>,
    /// What was read.
    words: String,
    /// What is worth knowing beside it.
    notes: Vec<String>,
}

impl Reader {
    /// Reads the source and remembers what it shows. In words: what was read; or why not.
    ///
    /// # Errors
    /// Why nothing could be read, in words.
    pub fn read(self, host: &Host, document: &Document, cancel: &AtomicBool) -> Result<(Vec<Record>, String), String> {
        let found = match self {
            Self::Headers => headers(host, document, cancel)?,
        };
        let mut words = found.words;
        if let Err(error) = host.memory.remember(found.records.clone()) {
            words.push_str(&format!(
                " It counts for this session only: it could not be remembered ({error})."
            ));
        }
        for note in found.notes {
            words.push(' ');
            words.push_str(&note);
        }
        Ok((found.records, words))
    }
}

/// Received headers, newest first, within a budget: never a subject, never a body.
fn headers(host: &Host, document: &Document, cancel: &AtomicBool) -> Result<Found, String> {
    let store = document
        .places()
        .store
        .ok_or("The file does not say where the mail is stored.")?;
    let found = peers::read_received(&store, &host.names.hosts(), HEADERS, Timestamp::now(), cancel)
        .map_err(|error| error.to_string())?;
    if found.tls13_seen {
        // What could not be remembered is seen again next time.
        let _: std::io::Result<()> = host.memory.remember_server(|memory| memory.speaks_tls13 = true);
    }
    let mut words = format!(
        "Read {} messages; {} had this server's own header.",
        found.messages_read, found.messages_used
    );
    if found.ended_early {
        words.push_str(" The budget ended it: older mail was not read.");
    }
    let mut notes = found.warnings;
    if found.messages_read > 0 && found.messages_used == 0 {
        let names = host.names.list();
        let known = if names.is_empty() {
            "no name".to_owned()
        } else {
            names.join(", ")
        };
        notes.push(format!(
            "This server is known as {known}; name it as its headers do with names = [\"…\"] in {}.",
            safe_path(&host.home.config)
        ));
    }
    Ok(Found {
        records: found.records,
        words,
        notes,
    })
}
