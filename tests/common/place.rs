//! A directory like a mail host's, and the program run on it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::ran::{BINARY, Ran, alone, run};

/// A directory with `mailserver.cfg`, empty preferences, and a place for a state directory.
pub(crate) struct Place {
    pub(crate) dir: tempfile::TempDir,
}

impl Place {
    pub(crate) fn with(config: impl AsRef<[u8]>) -> Self {
        let place = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        fs::set_permissions(place.dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(place.file(), config).unwrap();
        fs::write(place.path("kerio-tls.toml"), "").unwrap();
        place
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.path("mailserver.cfg")
    }

    pub(crate) fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    /// A shell script that can be run.
    pub(crate) fn script(&self, name: &str, body: &str) {
        fs::write(self.path(name), format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The arguments that name everything in this place, then these.
    pub(crate) fn arguments(&self, arguments: &[&str]) -> Vec<OsString> {
        self.arguments_for(&self.file(), arguments)
    }

    /// The same for another file.
    pub(crate) fn arguments_for(&self, file: &Path, arguments: &[&str]) -> Vec<OsString> {
        let mut all: Vec<OsString> = vec!["-f".into(), file.into()];
        all.extend(["--state-dir".into(), self.path("state").into()]);
        all.extend(["--config".into(), self.path("kerio-tls.toml").into()]);
        all.extend(arguments.iter().map(Into::into));
        all
    }

    /// Runs the binary where it sees no process of this machine: an engine of somebody else's must not decide a test.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_on(&self.file(), arguments)
    }

    /// The same on another file.
    pub(crate) fn run_on(&self, file: &Path, arguments: &[&str]) -> Ran {
        run(alone().arg(BINARY).args(self.arguments_for(file, arguments)))
    }
}
