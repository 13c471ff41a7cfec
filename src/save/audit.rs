//! The audit file: one line of JSON for each save, restore, roll back and recovery; append-only, 0600, durable.

use std::io::Write as _;

use rustix::fs::{Mode, OFlags};
use serde::Serialize;

use super::error::SaveError;
use super::json;
use super::state_dir::StateDir;
use super::target::Target;
use super::who::{self, Actor};

/// Its name in the state directory.
pub const AUDIT_FILE: &str = "audit.jsonl";

#[derive(Serialize)]
struct Line<'a> {
    when: String,
    who: String,
    actor: &'a Actor,
    file: String,
    action: &'a str,
    what: &'a str,
    words: &'a [String],
    result: &'a str,
    backup: Option<&'a str>,
}

/// One entry of the audit file. All of it in words, secrets masked by whoever made the words.
#[derive(Debug, Clone, Copy)]
pub struct AuditEntry<'a> {
    /// Who did it.
    pub actor: &'a Actor,
    /// What was done, one word.
    pub action: &'a str,
    /// What changed, in one line.
    pub what: &'a str,
    /// What changed, in more words.
    pub words: &'a [String],
    /// How it ended.
    pub result: &'a str,
    /// The backup that belongs to it.
    pub backup: Option<&'a str>,
}

/// Appends an entry and makes it durable.
/// # Errors
/// The state directory is full, read-only or broken. Nothing else depends on this.
pub fn audit(state: &StateDir, target: &Target, entry: AuditEntry<'_>) -> Result<(), SaveError> {
    let path = state.dir.path.join(AUDIT_FILE);
    let line = Line {
        when: who::now(),
        who: entry.actor.words(),
        actor: entry.actor,
        file: target.path().to_string_lossy().into_owned(),
        action: entry.action,
        what: entry.what,
        words: entry.words,
        result: entry.result,
        backup: entry.backup,
    };
    let mut bytes = json::line(&path, &line)?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = rustix::fs::openat(&state.dir.handle, AUDIT_FILE, flags, Mode::RUSR | Mode::WUSR)
        .map(std::fs::File::from)
        .map_err(|errno| SaveError::disk("opening", &path, errno))?;
    let fault = |error: std::io::Error| SaveError::io("writing", &path, &error);
    let size = file.metadata().map_err(fault)?.len();
    if size == 0 {
        state.dir.sync()?;
    } else {
        // A power cut can have torn the last line: ours begins on a line of its own.
        let mut last = [b'\n'];
        let at = size.saturating_sub(1);
        std::os::unix::fs::FileExt::read_exact_at(&file, &mut last, at).map_err(fault)?;
        if last != [b'\n'] {
            bytes.insert(0, b'\n');
        }
    }
    // One write: two processes that append do not mix their lines.
    file.write_all(&bytes).map_err(fault)?;
    super::disk::sync_file(&file, &path)
}
