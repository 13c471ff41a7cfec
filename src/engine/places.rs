//! Where an engine can be: the paths that detection looks at, and which build is installed there. Every path can be
//! replaced, so that several servers on a host, and tests, are possible.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The engine's executable and process name, in every directory where an engine can be (seen in real installs).
pub const EXECUTABLE: &str = "mailserver";

/// The file that an engine reads and rewrites, beside its executable.
pub const CONFIG_FILE: &str = "mailserver.cfg";

/// Where Kerio Connect for Linux is installed.
pub const DEFAULT_DIR: &str = "/opt/kerio/mailserver";

/// The systemd unit of Kerio Connect.
pub const UNIT: &str = "kerio-connect.service";

/// The init script of Kerio Connect.
pub const INIT_SCRIPT: &str = "/etc/init.d/kerio-connect";

/// The paths that belong to one configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The file as the user gave it, made absolute; in containers often a symlink.
    pub config_file: PathBuf,
    /// What it leads to; the same as `config_file` if it is no link, or does not exist.
    pub resolved: PathBuf,
    /// The process tree; `/proc`.
    pub proc_root: PathBuf,
    /// Where an engine is looked for besides the file's own directories; [`DEFAULT_DIR`].
    pub default_dir: PathBuf,
    /// Present if systemd runs this system (sd_booted(3)); `/run/systemd/system`.
    pub systemd_runs: PathBuf,
    /// The init script; [`INIT_SCRIPT`].
    pub init_script: PathBuf,
}

impl Places {
    /// The usual places for a configuration file. Reads links, changes nothing, never fails: what
    /// cannot be resolved stays as it was given.
    pub fn new(config_file: &Path) -> Places {
        let config_file = std::path::absolute(config_file).unwrap_or_else(|_| config_file.to_path_buf());
        let resolved = config_file.canonicalize().unwrap_or_else(|_| config_file.clone());
        Places {
            config_file,
            resolved,
            proc_root: PathBuf::from("/proc"),
            default_dir: PathBuf::from(DEFAULT_DIR),
            systemd_runs: PathBuf::from("/run/systemd/system"),
            init_script: PathBuf::from(INIT_SCRIPT),
        }
    }

    /// The paths that an engine's executable can have: beside the link, beside its target, in the
    /// default place, and what each of them is once links are followed.
    pub fn executables(&self) -> Vec<PathBuf> {
        let dirs = [
            self.config_file.parent(),
            self.resolved.parent(),
            Some(self.default_dir.as_path()),
        ];
        let mut paths: Vec<PathBuf> = Vec::new();
        for dir in dirs.into_iter().flatten() {
            let plain = dir.join(EXECUTABLE);
            let through_dir = dir.canonicalize().map(|dir| dir.join(EXECUTABLE));
            let through_all = plain.canonicalize();
            for path in [Ok(plain), through_dir, through_all].into_iter().flatten() {
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        paths
    }
}

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
            version = Some(super::error::shown(text));
        }
    }
    version.filter(|_| ours && installed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_looked_for_beside_the_link_beside_its_target_and_in_the_default_place() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        std::fs::create_dir(base.join("volume")).unwrap();
        std::fs::create_dir(base.join("app")).unwrap();
        std::fs::write(base.join("volume/mailserver.cfg"), "x").unwrap();
        std::os::unix::fs::symlink("../volume/mailserver.cfg", base.join("app/mailserver.cfg")).unwrap();
        let places = Places::new(&base.join("app/mailserver.cfg"));
        assert_eq!(places.resolved, base.join("volume/mailserver.cfg"));
        let wanted = [
            base.join("app/mailserver"),
            base.join("volume/mailserver"),
            PathBuf::from("/opt/kerio/mailserver/mailserver"),
        ];
        assert_eq!(places.executables(), wanted);
    }

    #[test]
    fn a_file_that_does_not_exist_has_places_too() {
        let places = Places::new(Path::new("/nowhere/at/all/mailserver.cfg"));
        assert_eq!(places.resolved, places.config_file);
    }

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
