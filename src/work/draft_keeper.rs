//! Unsaved edits on their way to the disk: one thread writes, always the newest, so that slow disks skip what is
//! outdated.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::host::Host;
use crate::mailserver_cfg::{Document, EditSet, Secrets};

use super::effect::Event;

/// The newest wish for the draft.
#[derive(Default)]
pub(super) struct DraftKeeper {
    newest: Mutex<Newest>,
}

#[derive(Default)]
struct Newest {
    wanted: Option<EditSet>,
    /// A thread is there that writes what is wanted, and goes on until nothing is.
    has_writer: bool,
}

impl DraftKeeper {
    fn lock(&self) -> MutexGuard<'_, Newest> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wants these edits kept. `true`: a thread is to be started for [`Self::write`].
    pub(super) fn want(&self, edits: EditSet) -> bool {
        let mut newest = self.lock();
        newest.wanted = Some(edits);
        !std::mem::replace(&mut newest.has_writer, true)
    }

    /// From now on there is a writer, or there is none any more.
    pub(super) fn set_writer(&self, is_there: bool) {
        self.lock().has_writer = is_there;
    }

    /// Writes until nothing is wanted. What could not be kept is given to `on_problem`.
    pub(super) fn write(&self, host: &Host, secrets: &Secrets, on_problem: impl Fn(String)) {
        loop {
            let mut newest = self.lock();
            let Some(edits) = newest.wanted.take() else {
                newest.has_writer = false;
                return;
            };
            drop(newest);
            if let Err(error) = host.drafts.keep(&edits, secrets) {
                on_problem(error.to_string());
            }
        }
    }
}

/// The edits of an earlier session, as far as they fit the document; what there is to be said of them.
pub(super) fn find_draft(host: &Host, document: &Document) -> Option<Event> {
    let draft = match host.drafts.find() {
        Ok(draft) => draft?,
        Err(error) => {
            return Some(Event::Notice(format!(
                "The edits of an earlier session cannot be read: {error}"
            )));
        }
    };
    let rebased = document.rebase(&draft.edits);
    let lost = rebased.conflicts.iter().map(|conflict| {
        format!(
            "{} was changed by someone else since; that edit is left out.",
            conflict.path
        )
    });
    Some(Event::DraftFound {
        lost: lost.collect(),
        edits: rebased.apply,
        at: draft.when.parse().unwrap_or_else(|_| jiff::Timestamp::now()),
    })
}
