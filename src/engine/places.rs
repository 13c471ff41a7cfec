//! Where an engine can be: the paths that detection looks at. Every one can be replaced, so that
//! several servers on a host, and tests, are possible.

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
}
