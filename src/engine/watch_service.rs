//! The watch as a service of systemd's: the unit that the package brings, or a transient one with the same properties.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::command::{self, Call};
use super::service::{show, systemctl};
use crate::files::Directory;
use crate::hostile::safe_path;

/// Its unit.
pub const WATCH_UNIT: &str = "kerio-tls-watch.service";
/// The unit as the package brings it; its properties are those of a transient one, too.
const UNIT_FILE: &str = include_str!("../../assets/kerio-tls-watch.service");
/// What stands between the lines of the package and those of both.
const SHARED: &str = "# Below this line";
/// Where the packaged unit finds how long it is to run.
const RUN: &str = "/run";
const SETTINGS: &str = "kerio-tls-watch.env";
/// Directories that the service does not see, or may not enter.
const HIDDEN: [&str; 5] = ["/root", "/home", "/tmp", "/var/tmp", "/run"];

/// What systemd says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchService {
    /// It runs.
    pub runs: bool,
    /// The package's unit is there.
    pub packaged: bool,
    /// How it ended last, where that was not as it should: `exit-code`, `oom-kill`.
    pub failure: Option<String>,
}

/// Why it cannot be started, stopped or asked.
#[derive(Debug, thiserror::Error)]
pub enum WatchServiceError {
    /// Nothing here outlives the session.
    #[error(
        "systemd does not run this system: watch in the foreground instead, in tmux or screen: kerio-tls watch --keep"
    )]
    NoSystemd,
    /// Not root.
    #[error("starting and stopping the watch needs root: run it with sudo")]
    NotRoot,
    /// The service would not find its program.
    #[error(
        "the service runs as a user of its own, who cannot run {0}: install the package, or copy the program to /usr/local/bin and start it from there"
    )]
    Hidden(String),
    /// systemd refused.
    #[error("{0}")]
    Refused(String),
}

/// What the watch does now.
///
/// # Errors
/// [`WatchServiceError`].
pub fn watch_service() -> Result<WatchService, WatchServiceError> {
    if !Path::new("/run/systemd/system").is_dir() {
        return Err(WatchServiceError::NoSystemd);
    }
    let text = show(WATCH_UNIT, "LoadState,ActiveState,FragmentPath,Result").map_err(WatchServiceError::Refused)?;
    let text = String::from_utf8_lossy(&text);
    let value = |name: &str| {
        let lines = text.lines().filter_map(|line| line.split_once('='));
        lines
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value)
            .next_back()
            .unwrap_or_default()
    };
    let failed = value("ActiveState") == "failed";
    Ok(WatchService {
        runs: matches!(value("ActiveState"), "active" | "activating" | "reloading"),
        packaged: value("LoadState") == "loaded" && !value("FragmentPath").starts_with("/run/systemd/transient"),
        failure: failed.then(|| value("Result").to_owned()),
    })
}

/// Starts it for so long.
///
/// # Errors
/// [`WatchServiceError`]; then it does not run.
pub fn start_watch_service(span: Duration) -> Result<WatchService, WatchServiceError> {
    let before = watch_service()?;
    if !rustix::process::geteuid().is_root() {
        return Err(WatchServiceError::NotRoot);
    }
    let seconds = format!("{}s", span.as_secs().max(1));
    let call = if before.packaged {
        let settings = format!("WATCH_FOR={seconds}\n");
        let written = Directory::open(Path::new(RUN)).and_then(|run| run.write(SETTINGS, settings.as_bytes()));
        written.map_err(|fault| WatchServiceError::Refused(fault.to_string()))?;
        // One that runs is to run so long from now on.
        systemctl(&["restart", WATCH_UNIT])
    } else {
        if before.runs {
            stop_watch_service()?;
        }
        transient(&program()?, &seconds)
    };
    let ran = command::ask(&call).map_err(|error| WatchServiceError::Refused(error.to_string()))?;
    if !ran.ok() {
        return Err(WatchServiceError::Refused(format!(
            "the watch does not start: {}",
            ran.words()
        )));
    }
    let now = watch_service()?;
    if !now.runs {
        return Err(WatchServiceError::Refused(format!(
            "the watch started and ended again; see: journalctl -u {WATCH_UNIT}"
        )));
    }
    Ok(now)
}

/// Stops it; it writes what it has seen first.
///
/// # Errors
/// [`WatchServiceError`].
pub fn stop_watch_service() -> Result<(), WatchServiceError> {
    if !watch_service()?.runs {
        return Ok(());
    }
    if !rustix::process::geteuid().is_root() {
        return Err(WatchServiceError::NotRoot);
    }
    let ran = command::ask(&systemctl(&["stop", WATCH_UNIT]));
    let ran = ran.map_err(|error| WatchServiceError::Refused(error.to_string()))?;
    ran.ok()
        .then_some(())
        .ok_or_else(|| WatchServiceError::Refused(format!("the watch does not stop: {}", ran.words())))
}

/// This program, as the service would run it.
fn program() -> Result<PathBuf, WatchServiceError> {
    let path = std::env::current_exe().map_err(|error| WatchServiceError::Refused(error.to_string()))?;
    if HIDDEN.iter().any(|hidden| path.starts_with(hidden)) {
        return Err(WatchServiceError::Hidden(safe_path(&path)));
    }
    Ok(path)
}

fn transient(program: &Path, seconds: &str) -> Call {
    let shared = UNIT_FILE.split_once(SHARED).map_or("", |(_, shared)| shared);
    let properties = shared.lines().skip(1).filter(|line| !line.is_empty());
    let mut words: Vec<std::ffi::OsString> = ["systemd-run", "--collect", "--quiet", "--no-ask-password"]
        .map(Into::into)
        .into();
    words.push(format!("--unit={WATCH_UNIT}").into());
    words.extend(properties.map(|line| format!("--property={line}").into()));
    words.extend(["--".into(), program.as_os_str().to_owned()]);
    words.extend(["watch", "--into", "/var/lib/kerio-tls-watch", "--for", seconds].map(Into::into));
    Call::of(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transient_unit_has_every_protection_of_the_packaged_one() {
        let words = transient(Path::new("/usr/local/bin/kerio-tls"), "60s").argv;
        let words: Vec<&str> = words.iter().map(|word| word.to_str().unwrap()).collect();
        for property in [
            "DynamicUser=yes",
            "CapabilityBoundingSet=CAP_NET_RAW",
            "NoNewPrivileges=yes",
            "MemoryMax=64M",
        ] {
            assert!(words.contains(&format!("--property={property}").as_str()), "{words:?}");
        }
        assert!(
            !words
                .iter()
                .any(|word| word.contains("ExecStart") || word.contains("Environment"))
        );
        let service = UNIT_FILE.split_once("[Service]").unwrap().1;
        let lines = service
            .lines()
            .filter(|line| line.contains('=') && !line.starts_with(['E', '#']));
        assert_eq!(
            lines.count(),
            words.iter().filter(|word| word.starts_with("--property=")).count()
        );
    }
}
