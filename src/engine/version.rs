//! Which build of the engine is installed, without running it: what was measured of one build must not
//! be believed of the next.

use super::places::Places;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// One installed build of the engine. Two equal values are the same build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// The package's version, where dpkg installed it (package name `kerio-connect`: assumed).
    pub version: Option<String>,
    /// The executable.
    pub executable: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written, in seconds since 1970.
    pub modified: i64,
}

/// The engine that is installed for this file; `None` if there is no executable. Reads metadata and dpkg's list only.
pub fn build(places: &Places) -> Option<Build> {
    let executable = places.executables().into_iter().find(|path| path.is_file())?;
    let found = fs::metadata(&executable).ok()?;
    let packaged = executable.starts_with(&places.default_dir);
    let version = packaged
        .then(|| {
            fs::File::open(Path::new("/var/lib/dpkg/status"))
                .ok()
                .and_then(|file| package_version(BufReader::new(file)))
        })
        .flatten();
    Some(Build {
        version,
        executable,
        size: found.size(),
        modified: found.mtime(),
    })
}

/// The version of the installed package `kerio-connect` in dpkg's status file (deb822, one paragraph a package).
fn package_version(status: impl BufRead) -> Option<String> {
    let (mut ours, mut installed, mut version) = (false, false, None);
    for line in status.split(b'\n') {
        let line = line.ok()?;
        if line.is_empty() {
            if ours && installed {
                return version;
            }
            (ours, installed, version) = (false, false, None);
        } else if line == b"Package: kerio-connect" {
            ours = true;
        } else if ours && line.starts_with(b"Status: ") {
            installed = line.ends_with(b" installed");
        } else if let Some(text) = line.strip_prefix(b"Version: ").filter(|_| ours) {
            version = Some(super::text::shown(text));
        }
    }
    version.filter(|_| ours && installed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_installed_package_and_of_no_other() {
        let other = "Package: kerio-connect-tools\nStatus: install ok installed\nVersion: 1\n\n";
        let ours =
            "Package: kerio-connect\nStatus: install ok installed\nDescription: x\n Version: 3\nVersion: 10.0.6-8571\n";
        let removed = "Package: kerio-connect\nStatus: deinstall ok config-files\nVersion: 9.4\n";
        assert_eq!(
            package_version(format!("{other}{ours}\n{other}").as_bytes()).as_deref(),
            Some("10.0.6-8571")
        );
        assert_eq!(
            package_version(format!("{other}{ours}").as_bytes()).as_deref(),
            Some("10.0.6-8571")
        );
        assert_eq!(package_version(format!("{other}{removed}\n{other}").as_bytes()), None);
        assert_eq!(package_version(other.as_bytes()), None);
    }

    #[test]
    fn an_update_makes_another_build() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places {
            default_dir: dir.path().join("none"),
            ..Places::new(&dir.path().join("mailserver.cfg"))
        };
        assert_eq!(build(&places), None);
        fs::write(dir.path().join("mailserver"), "one").unwrap();
        let first = build(&places).unwrap();
        assert_eq!(build(&places).unwrap(), first);
        fs::write(dir.path().join("mailserver"), "other").unwrap();
        assert_ne!(build(&places).unwrap(), first);
    }
}
