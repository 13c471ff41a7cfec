//! Keeps in `kerio-tls.toml` what the user said a variable is for: appends one `[[variable]]` table, and leaves
//! everything else of the file byte for byte. Written beside and renamed over it, so that it is whole at any moment.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use crate::files::{Directory, Fault, Permissions};
use crate::hostile::safe_path;
use crate::tls::{Catalogue, Direction, Role, confirmed_toml};

use super::home::{Believed, open_believed};

/// More than this is no preferences file.
const LIMIT: u64 = 1 << 20;

/// Why the name is not kept. The preferences are as they were.
#[derive(Debug, thiserror::Error)]
pub enum NamingError {
    /// Somebody else could write it.
    #[error("{path} was not written: {why}. It is as it was")]
    Distrusted {
        /// Which file or directory.
        path: String,
        /// Why.
        why: String,
    },
    /// It could not be read or written.
    #[error("{path} could not be written ({what}: {error}). It is as it was")]
    Io {
        /// Which.
        path: String,
        /// What was being done.
        what: &'static str,
        /// Why.
        error: io::Error,
    },
    /// With the name added it could not be understood.
    #[error("{path} was not written: with the name added it cannot be understood ({why}). It is as it was")]
    Shape {
        /// Which.
        path: String,
        /// Where and why.
        why: String,
    },
}

/// Adds what a variable is for to the preferences. Returns what was done, in words. Two at once would lose one's name:
/// the caller holds a lock.
///
/// # Errors
/// [`NamingError`]; then nothing was written.
pub(super) fn append(config: &Path, direction: Direction, name: &str, role: Role) -> Result<String, NamingError> {
    // A link is followed: the file behind it is what is believed at the next start.
    let path = fs::canonicalize(config).unwrap_or_else(|_| config.to_path_buf());
    let shown = safe_path(&path);
    let io = |what: &'static str| {
        let path = shown.clone();
        move |fault: Fault| NamingError::Io {
            path,
            what,
            error: fault.into(),
        }
    };
    let distrusted = |path: &Path, why: String| NamingError::Distrusted {
        path: safe_path(path),
        why,
    };
    let (old, permissions) = match open_believed(&path) {
        Ok(Believed::Yes(opened)) => {
            let stat = *opened.stat();
            let permissions = Permissions {
                mode: stat.st_mode & 0o7777,
                owner: Some((stat.st_uid, stat.st_gid)),
            };
            (Some(opened.read(LIMIT).map_err(io("reading"))?), permissions)
        }
        Ok(Believed::No(why)) => return Err(distrusted(&path, why)),
        // Preferences are no secret: everyone may read what this host's administrators agreed on.
        Err(fault) if fault.is_missing() => (
            None,
            Permissions {
                mode: 0o644,
                owner: None,
            },
        ),
        Err(fault) => return Err(io("reading")(fault)),
    };
    let is_new = old.is_none();
    let shape = |why: String| NamingError::Shape {
        path: shown.clone(),
        why,
    };
    let text = String::from_utf8(old.unwrap_or_default()).map_err(|error| shape(error.to_string()))?;
    let Some(new) = appended(&text, direction, name, role).map_err(shape)? else {
        return Ok(format!("{name} is named in {shown} already."));
    };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    if is_new {
        make_directory(parent).map_err(|error| NamingError::Io {
            path: shown.clone(),
            what: "making its directory",
            error,
        })?;
    }
    let directory = Directory::open(parent).map_err(io("opening its directory"))?;
    // Someone else could exchange what root writes there.
    if rustix::process::geteuid().is_root()
        && let Some(why) = directory.changeable().map_err(io("looking at its directory"))?
    {
        return Err(distrusted(parent, why));
    }
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    directory
        .write_for(&file, new.as_bytes(), permissions)
        .map_err(io("writing"))?;
    Ok(format!("{name} is the variable for \"{role}\": kept in {shown}."))
}

/// The text with the table behind it; `None`: the name plays that role there already.
fn appended(text: &str, direction: Direction, name: &str, role: Role) -> Result<Option<String>, String> {
    let before = Catalogue::embedded().with_overrides(text).map_err(|e| e.to_string())?;
    let is_named = |catalogue: &Catalogue| {
        catalogue
            .find(direction, name)
            .is_some_and(|row| row.role == role && row.name_sure == crate::tls::Certainty::Given)
    };
    if is_named(&before) {
        return Ok(None);
    }
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut new = text.to_owned();
    if !new.is_empty() {
        if !new.ends_with('\n') {
            new.push_str(newline);
        }
        new.push_str(newline);
    }
    new.push_str(&confirmed_toml(direction, name, role).replace('\n', newline));
    let after = Catalogue::embedded().with_overrides(&new).map_err(|e| e.to_string())?;
    if is_named(&after) {
        Ok(Some(new))
    } else {
        Err("it would still not be known by that name".to_owned())
    }
}

/// Makes a directory that all may enter, whatever the umask of the program says.
fn make_directory(directory: &Path) -> io::Result<()> {
    if directory.as_os_str().is_empty() || directory.is_dir() {
        return Ok(());
    }
    if let Some(parent) = directory.parent() {
        make_directory(parent)?;
    }
    match DirBuilder::new().mode(0o755).create(directory) {
        // Somebody else was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => return Ok(()),
        made => made?,
    }
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use std::os::unix::fs::MetadataExt as _;

    const NAME: &str = "WebTlsVersions";

    #[test]
    fn of_many_names_that_are_kept_at_once_none_is_lost() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kerio-tls.toml");
        fs::write(&path, "").unwrap();
        let host = Host::find(&crate::host::HostOptions {
            file: Some(directory.path().join("mailserver.cfg")),
            home: crate::host::HomeOptions {
                state_dir: Some(directory.path().join("state")),
                config: Some(path.clone()),
                peers: None,
            },
            ..crate::host::HostOptions::default()
        })
        .unwrap();
        std::thread::scope(|scope| {
            for number in 0..6 {
                let host = &host;
                scope.spawn(move || {
                    let name = format!("TlsVersions{number}");
                    host.name_variable(Direction::Inbound, &name, Role::ProtocolList)
                        .unwrap();
                });
            }
        });
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches("[[variable]]").count(), 6, "{text}");
    }

    fn add(path: &Path) -> Result<String, NamingError> {
        append(path, Direction::Inbound, NAME, Role::ProtocolList)
    }

    #[test]
    fn a_name_is_added_behind_everything_else_which_stays_byte_for_byte() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kerio-tls.toml");
        let old = "# ours, see ticket 12\ndays   = 9\n\n[[variable]]\r\ndirection = 'both'\nrole='dhe-on'\nname = \"EnableDH\"";
        fs::write(&path, old).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        add(&path).unwrap();
        let new = fs::read_to_string(&path).unwrap();
        assert!(new.starts_with(old), "{new}");
        let catalogue = Catalogue::embedded().with_overrides(&new).unwrap();
        assert_eq!(
            catalogue.find(Direction::Inbound, NAME).unwrap().role,
            Role::ProtocolList
        );
        assert!(catalogue.find(Direction::Outbound, "enabledh").is_some());
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
        // Said twice, it is written once.
        add(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), new);
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }

    #[test]
    fn a_missing_file_and_its_directory_are_made_for_all_to_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("etc/kerio-tls.toml");
        add(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o644);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o7777, 0o755);
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kerio-tls.toml");
        for old in ["variable = 1\n", "[[variable]\n", "[engine]\nx = [\n"] {
            fs::write(&path, old).unwrap();
            assert!(matches!(add(&path), Err(NamingError::Shape { .. })), "{old}");
            assert_eq!(fs::read_to_string(&path).unwrap(), old);
        }
    }

    #[test]
    fn a_directory_in_the_place_of_the_file_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let error = add(dir.path()).unwrap_err().to_string();
        assert!(error.contains(&dir.path().display().to_string()), "{error}");
    }

    #[test]
    fn root_writes_no_file_that_others_can_write() {
        // Another user's own file is that user's business, and is written.
        let root = rustix::process::geteuid().is_root();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kerio-tls.toml");
        fs::write(&path, "days = 9\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(matches!(add(&path), Err(NamingError::Distrusted { .. })), root);
        assert_eq!(fs::read_to_string(&path).unwrap() == "days = 9\n", root);
    }
}
