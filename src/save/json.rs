//! The room's one way to and from JSON, for state files only.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::disk::Dir;
use super::error::SaveError;

/// State files are small; one that is larger was not written by us.
const LARGEST: u64 = 16 << 20;

/// Writes a value atomically and durably (see [`Dir::put`]).
pub(crate) fn put<T: Serialize>(dir: &Dir, name: &str, value: &T) -> Result<(), SaveError> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| broken(dir, name, &error))?;
    bytes.push(b'\n');
    dir.put(name, &bytes)
}

/// What to do about a file that nothing depends on.
const BOOKKEEPING: &str = "move it away (it is only our own bookkeeping), then try again";

/// The number that every file of ours begins with, for what is in it and how.
#[derive(Deserialize)]
struct Head {
    format: u32,
}

/// The same as [`get`] for a file that says its format.
pub(crate) fn get_of<T: DeserializeOwned>(dir: &Dir, name: &str, format: u32) -> Result<Option<T>, SaveError> {
    let Some(bytes) = dir.read(name, LARGEST)? else {
        return Ok(None);
    };
    let head: Head = parse(dir, name, &bytes)?;
    if head.format == format {
        parse(dir, name, &bytes).map(Some)
    } else {
        Err(SaveError::StateFile {
            path: dir.path.join(name),
            why: format!(
                "it is of format {}, made by another version of kerio-tls; this one knows format {format}",
                head.format
            ),
            next: "use that version, or move the file away and try again".to_owned(),
        })
    }
}

/// Reads a value; `None` when there is no such file.
pub(crate) fn get<T: DeserializeOwned>(dir: &Dir, name: &str) -> Result<Option<T>, SaveError> {
    dir.read(name, LARGEST)?
        .map(|bytes| parse(dir, name, &bytes))
        .transpose()
}

fn parse<T: DeserializeOwned>(dir: &Dir, name: &str, bytes: &[u8]) -> Result<T, SaveError> {
    serde_json::from_slice(bytes).map_err(|error| broken(dir, name, &error))
}

/// One line, for files that grow.
pub(crate) fn line<T: Serialize>(path: &Path, value: &T) -> Result<Vec<u8>, SaveError> {
    let mut bytes = serde_json::to_vec(value).map_err(|error| unreadable(path, &error))?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn broken(dir: &Dir, name: &str, error: &serde_json::Error) -> SaveError {
    unreadable(&dir.path.join(name), error)
}

fn unreadable(path: &Path, error: &serde_json::Error) -> SaveError {
    SaveError::StateFile {
        path: path.to_path_buf(),
        // serde's words can quote the content; the place is enough.
        why: format!("line {}, column {}", error.line(), error.column()),
        next: BOOKKEEPING.to_owned(),
    }
}
