//! The room's one way to and from JSON, for state files only.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

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

/// Reads a value; `None` when there is no such file.
pub(crate) fn get<T: DeserializeOwned>(dir: &Dir, name: &str) -> Result<Option<T>, SaveError> {
    match dir.read(name, LARGEST)? {
        None => Ok(None),
        Some(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| broken(dir, name, &error)),
    }
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
        next: "move it away (it is only our own bookkeeping), then try again",
    }
}
