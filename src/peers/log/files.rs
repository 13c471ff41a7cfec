//! Which mail logs there are: the first candidate directory that holds one, and what in it can be read.

use std::path::{Path, PathBuf};

use super::scope::Window;
use crate::files::{Directory, Fault};
use crate::hostile::safe_text;

/// Most candidates and names that are shown.
const NAMED: usize = 4;

/// No mail log was found.
#[derive(Debug, thiserror::Error)]
#[error("no mail log was found, so nothing is known of who mail is exchanged with; looked for mail.log, mail.log.0 and so on in {}", .0.join(", "))]
pub struct LogError(Vec<String>);

/// The mail logs of a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logs {
    /// What can be read, newest first: `mail.log`, then `mail.log.0`, `mail.log.1`, `mail.log.2.gz`, … with whatever numbers exist.
    pub files: Vec<PathBuf>,
    /// Kept logs that are not read: compressed in another way, or named so that their order is not known.
    pub unread: Vec<PathBuf>,
}

impl Logs {
    /// Says which kept logs of the window were not read, if there are any.
    #[must_use]
    pub fn unread_words(&self, window: &Window) -> Option<String> {
        let recent = |path: &&PathBuf| {
            let meta = path.symlink_metadata().ok();
            meta.is_none_or(|meta| std::os::unix::fs::MetadataExt::mtime(&meta) >= window.since())
        };
        let names: Vec<String> = self.unread.iter().filter(recent).map(|path| shown_name(path)).collect();
        let (count, named) = (names.len(), names.get(..NAMED).unwrap_or(&names).join(", "));
        let more = if count > NAMED { ", …" } else { "" };
        match count {
            0 => None,
            1 => Some(format!(
                "mail log: 1 kept log was not read: {named} (read are mail.log, mail.log.N and mail.log.N.gz)"
            )),
            _ => Some(format!(
                "mail log: {count} kept logs were not read: {named}{more} (read are mail.log, mail.log.N and mail.log.N.gz)"
            )),
        }
    }
}

/// Finds the logs in the first of these directories that holds one.
/// # Errors
/// [`LogError`] when none does; it names all candidates.
pub fn find_logs(candidates: &[PathBuf]) -> Result<Logs, LogError> {
    let mut reasons = Vec::new();
    for directory in candidates {
        let why = match logs_in(directory) {
            Ok(logs) if !logs.files.is_empty() => return Ok(logs),
            Ok(logs) => match logs.unread.first() {
                Some(other) => format!("only {}", shown_name(other)),
                None => "not there".to_owned(),
            },
            Err(fault) => std::io::Error::from(fault).to_string(),
        };
        reasons.push(format!(
            "{} ({why})",
            safe_text(directory.as_os_str().as_encoded_bytes(), 200)
        ));
    }
    Err(LogError(reasons))
}

fn logs_in(directory: &Path) -> Result<Logs, Fault> {
    let mut numbered: Vec<(u64, bool, PathBuf)> = Vec::new();
    let mut unread = Vec::new();
    for name in Directory::open(directory)?.names()? {
        match form(&name) {
            Form::Numbered { number, gzip } => numbered.push((number, gzip, directory.join(name))),
            Form::Other => unread.push(directory.join(name)),
            Form::NoLog => {}
        }
    }
    numbered.sort();
    // Where a file and its packed copy are both there, it is just being packed.
    numbered.dedup_by(|next, before| next.0 == before.0);
    let files = numbered.into_iter().map(|(_, _, path)| path).collect();
    Ok(Logs { files, unread })
}

enum Form {
    Numbered { number: u64, gzip: bool },
    Other,
    NoLog,
}

fn form(name: &str) -> Form {
    let Some(rest) = name.strip_prefix("mail.log") else {
        // As `logrotate` names them with `dateext` and `extension .log`.
        let dated = name.starts_with("mail-") && name.contains(".log");
        return if dated { Form::Other } else { Form::NoLog };
    };
    if rest.is_empty() {
        return Form::Numbered { number: 0, gzip: false };
    }
    let (number, gzip) = match rest.strip_suffix(".gz") {
        Some(number) => (number, true),
        None => (rest, false),
    };
    let digits = number
        .strip_prefix('.')
        .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    match digits.and_then(|digits| digits.parse::<u64>().ok()) {
        Some(number) => Form::Numbered {
            number: number.saturating_add(1),
            gzip,
        },
        None if rest.starts_with(['.', '-']) && rest.len() > 1 && rest != ".idx" => Form::Other,
        None => Form::NoLog,
    }
}

fn shown_name(path: &Path) -> String {
    safe_text(path.file_name().unwrap_or_default().as_encoded_bytes(), 60)
}
