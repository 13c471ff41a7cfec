//! Why a command did not do what was asked, as one line for people and one exit status for scripts.

use std::io;

use crate::host::HostError;
use crate::session::EditError;
use crate::tls::PlanError;

/// Exit statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// Done, or nothing to do.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Wrong usage.
    Usage = 2,
    /// `check`: short of the minimum.
    Short = 3,
    /// Refused: peers would be cut off, the file changed in conflict, the engine runs.
    Refused = 4,
}

/// Why a command ended without doing what was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// Nothing could be opened.
    #[error(transparent)]
    Host(#[from] HostError),
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
    /// One of the above, and lines to go with it.
    #[error("{}", std::iter::once(failure.to_string()).chain(lines.iter().cloned()).collect::<Vec<_>>().join("\n"))]
    Detailed {
        /// Which.
        failure: Box<Failure>,
        /// Such as an engine's last words.
        lines: Vec<String>,
    },
    /// Saved, and the running engine does something else.
    #[error(
        "the file is saved, but the engine does something else: the setting did not take effect (see the warnings); \
         to take it back: kerio-tls restore"
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
    /// Nothing was saved. The first line says it, the others go with it.
    pub(super) fn not_saved(words: &str) -> Self {
        let mut lines = words.lines().map(str::to_owned);
        let first = lines.next().unwrap_or_default();
        Self::NotSaved(first).with_lines(lines.collect())
    }

    /// The same with lines that go with it.
    pub(super) fn with_lines(self, lines: Vec<String>) -> Self {
        match (self, lines) {
            (failure, lines) if lines.is_empty() => failure,
            (Self::Detailed { failure, lines: first }, lines) => Self::Detailed {
                failure,
                lines: [first, lines].concat(),
            },
            (failure, lines) => Self::Detailed {
                failure: Box::new(failure),
                lines,
            },
        }
    }

    /// What fits one line.
    pub(super) fn head(&self) -> String {
        match self {
            Self::Detailed { failure, .. } => failure.head(),
            other => other.to_string(),
        }
    }

    /// The lines that go with it.
    pub(super) fn more(&self) -> &[String] {
        match self {
            Self::Detailed { lines, .. } => lines,
            _ => &[],
        }
    }

    /// The exit status; the README lists them.
    pub(super) fn status(&self) -> Status {
        match self {
            Self::Detailed { failure, .. } => failure.status(),
            Self::Usage(_) => Status::Usage,
            Self::Short(_) => Status::Short,
            Self::Refused(_) => Status::Refused,
            Self::Host(_)
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
