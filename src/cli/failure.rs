//! Why a command did not do what was asked, as one line for people and one exit status for scripts.

use std::io;

use crate::mailserver_cfg::EditError;
use crate::save::SaveError;
use crate::tls::PlanError;
use crate::work::HostError;

use super::Status;

/// Why a command ended without doing what was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// Nothing could be opened.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The state directory or the backups.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// The choice cannot be turned into edits.
    #[error("{0}; nothing was changed")]
    Plan(#[from] PlanError),
    /// The edits cannot be made in this file.
    #[error("{0}; nothing was changed")]
    Edit(#[from] EditError),
    /// The command line says something that cannot be done. In words.
    #[error("{0}")]
    Usage(String),
    /// `check`: short of the minimum. In words.
    #[error("{0}")]
    Short(String),
    /// Refused: somebody would be cut off, the engine runs, the file changed. In words.
    #[error("{0}")]
    Refused(String),
    /// Nothing was saved. In words.
    #[error("{0}")]
    NotSaved(String),
    /// Saved, and the running engine does something else.
    #[error(
        "the file is saved, but the engine does something else: the setting did not take effect (see the warnings); to take it back: kerio-tls restore"
    )]
    NoEffect,
    /// Standard output does not take what is printed.
    #[error("standard output could not be written: {error}; {on_disk}")]
    Output {
        /// Why.
        error: io::Error,
        /// What is on disk, in words.
        on_disk: String,
    },
    /// The answer could not be read.
    #[error("the answer could not be read: {0}; nothing was changed")]
    Input(io::Error),
}

impl Failure {
    /// The exit status; the README lists them.
    pub(super) const fn status(&self) -> Status {
        match self {
            Self::Usage(_) => Status::Usage,
            Self::Short(_) => Status::Short,
            Self::Refused(_) => Status::Refused,
            Self::Host(_)
            | Self::Save(_)
            | Self::Plan(_)
            | Self::Edit(_)
            | Self::NotSaved(_)
            | Self::NoEffect
            | Self::Output { .. }
            | Self::Input(_) => Status::Failed,
        }
    }

    /// The same failure to print, after the file was saved.
    pub(super) fn after_saving(self, backup: Option<&str>) -> Self {
        match self {
            Self::Output { error, .. } => Self::Output {
                error,
                on_disk: backup.map_or_else(
                    || "nothing had to be written".to_owned(),
                    |backup| format!("the change is saved all the same, backup {backup}"),
                ),
            },
            other => other,
        }
    }
}
