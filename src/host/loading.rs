//! Reading the file; and what to do about one that cannot be understood, as a command to type.

use std::path::Path;
use std::sync::Arc;

use crate::mailserver_cfg::{Document, ParseError, Secrets};
use crate::save::{self, SaveError};
use crate::session;

use super::here::{Host, HostError};
use super::home::{Home, HomeOptions};

/// So many of the newest backups are looked into for one that can be understood.
const LOOKED_INTO: usize = 20;

/// What the file holds.
pub enum Loaded {
    /// A document.
    Document(Arc<Document>),
    /// Bytes that are none.
    Broken {
        /// Those.
        bytes: Vec<u8>,
        /// Where and why.
        error: ParseError,
    },
}

impl Host {
    /// Reads the file.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn load(&self) -> Result<Arc<Document>, HostError> {
        match self.read()? {
            Loaded::Document(document) => Ok(document),
            Loaded::Broken { error, .. } => Err(HostError::Parse {
                path: self.file.display().to_string(),
                error,
                next: self.way_out(),
            }),
        }
    }

    /// Reads the file, whether it can be understood or not.
    ///
    /// # Errors
    /// [`SaveError`].
    pub fn read(&self) -> Result<Loaded, SaveError> {
        let target = self.target()?;
        let (bytes, _) = target.read()?;
        self.was_read(&target);
        Ok(match Document::parse_or_back(bytes) {
            Ok(document) => Loaded::Document(Arc::new(document)),
            Err((error, bytes)) => Loaded::Broken { bytes, error },
        })
    }

    /// Which values must not be shown.
    #[must_use]
    pub fn secrets(&self) -> Secrets {
        session::secrets(&self.preferences.catalogue)
    }

    /// What puts the file right again, in words with a command to type.
    fn way_out(&self) -> String {
        let unfinished = self
            .look_at_state()
            .is_ok_and(|state| self.target().is_ok_and(|target| save::unfinished(&state, &target)));
        if unfinished {
            return format!(
                "an earlier save broke off and left it so; whatever saves puts it together again from the backup first: open {}",
                self.command_line("")
            );
        }
        match self.newest_good_backup() {
            Some((id, when)) => format!(
                "put the whole backup of {when} in its place: {}; or mend the file by hand",
                self.restore_whole(&id)
            ),
            None => "mend the file, or put a backup of your own in its place, then try again".to_owned(),
        }
    }

    /// The command that puts a whole backup in place.
    #[must_use]
    pub fn restore_whole(&self, id: &str) -> String {
        self.command_line(&format!(" restore {id} --whole"))
    }

    /// Id and time of the newest backup that is a document. (A backup of a broken file is none.)
    fn newest_good_backup(&self) -> Option<(String, String)> {
        let target = self.target().ok()?;
        let backups = self.backups().ok()?;
        let state = self.look_at_state().ok()?;
        let good = backups.into_iter().take(LOOKED_INTO).find(|backup| {
            save::read_backup(&state, &target, &backup.id).is_ok_and(|bytes| Document::parse(bytes).is_ok())
        })?;
        Some((good.id, good.when))
    }

    /// This program with this file and this state directory.
    fn command_line(&self, rest: &str) -> String {
        let mut words = format!("kerio-tls -f {}", typed(&self.file));
        let usual = Home::find(&HomeOptions::default()).map(|home| home.state_dir);
        if usual.ok().as_ref() != Some(&self.home.state_dir) {
            words.push_str(&format!(" --state-dir {}", typed(&self.home.state_dir)));
        }
        words + rest
    }
}

/// A path as it would be typed, quoted where a shell needs it.
fn typed(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |letter: char| letter.is_alphanumeric() || "-_./:=@,+%".contains(letter);
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Bytes of ours to a document, with the path in the error.
pub(super) fn parse(path: &Path, bytes: Vec<u8>) -> Result<Arc<Document>, HostError> {
    Document::parse(bytes).map(Arc::new).map_err(|error| HostError::Parse {
        path: path.display().to_string(),
        error,
        next: "choose another backup".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_typed_so_that_a_shell_reads_it_as_one_word() {
        assert_eq!(
            typed(Path::new("/opt/kerio/mailserver.cfg")),
            "/opt/kerio/mailserver.cfg"
        );
        assert_eq!(typed(Path::new("/srv/it's mine/a.cfg")), r"'/srv/it'\''s mine/a.cfg'");
    }
}
