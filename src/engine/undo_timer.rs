//! The dead-man's switch: a transient systemd timer that runs a command unless it is disarmed in
//! time. It survives the end of this program and of the SSH session; it does not survive a reboot.
//!
//! The caller arms it before the engine is stopped, with a time that is long enough for the whole
//! save, and arms it anew once the engine has started well: the second before the first is let go.

use super::command::{self, Call};
use super::error::EngineError;
use super::service::{show, systemctl};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::time::Duration;

/// What became of a switch that was to be disarmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disarmed {
    /// It will not run any more.
    InTime,
    /// It was not armed: never, or it has run to its end, or the machine was restarted since.
    NotArmed,
    /// It runs at this moment. It was left alone: half an undo is worse than a whole one.
    Running,
}

/// What a switch does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Armed {
    /// It waits; the time that is left, if systemd tells.
    Waiting(Option<Duration>),
    /// Its command runs.
    Running,
    /// There is none.
    No,
}

/// Arms a switch: after `after` (whole seconds, at least one), systemd runs `argv` as root. `argv` must begin with
/// an absolute path and is run by no shell. `name` names the units; letters, digits and `-` only.
///
/// Errors: [`EngineError::NoUndoTimer`] without systemd, rights or a usable name; nothing is armed then.
pub fn arm(after: Duration, argv: &[OsString], name: &str) -> Result<(), EngineError> {
    let no = |why: String| EngineError::NoUndoTimer { why };
    check_name(name).map_err(no)?;
    if !Path::new("/run/systemd/system").is_dir() {
        return Err(no(
            "systemd does not run this system, and nothing else here outlives your session".to_owned(),
        ));
    }
    let program = argv.first().filter(|program| Path::new(program).is_absolute());
    if program.and_then(|program| command::resolve(program)).is_none() {
        return Err(no(
            "its command does not begin with the absolute path of a program (was this one replaced while it ran?)"
                .to_owned(),
        ));
    }
    let seconds = after.as_secs().max(1);
    let options = [
        format!("--on-active={seconds}s"),
        format!("--unit={name}"),
        "--collect".to_owned(),
        "--no-ask-password".to_owned(),
        "--quiet".to_owned(),
        "--timer-property=AccuracySec=1s".to_owned(),
        format!("--description=kerio-tls: undo the change of the TLS settings unless it is confirmed ({name})"),
        "--".to_owned(),
    ];
    let words = std::iter::once(OsString::from("systemd-run"))
        .chain(options.iter().map(OsString::from))
        // The program's path is taken as it is.
        .chain(argv.iter().take(1).cloned())
        .chain(argv.iter().skip(1).map(|word| unexpanded(word)));
    match command::ask(&Call::of(words)) {
        Ok(ran) if ran.ok() => {}
        Ok(ran) => return Err(no(format!("systemd-run: {}", ran.words()))),
        Err(error) => return Err(no(error.to_string())),
    }
    match armed(name)? {
        Armed::No => Err(no("systemd-run reported success, but no timer waits".to_owned())),
        Armed::Waiting(_) | Armed::Running => Ok(()),
    }
}

/// A word of the command as systemd has to be given it: it replaces `${NAME}`, and `$NAME` that stands alone, by its
/// own environment when the timer goes off, and makes one `$` of two (systemd.service(5), "Command lines"). Blanks,
/// quotes and `%` it leaves alone.
fn unexpanded(word: &OsStr) -> OsString {
    let mut bytes = Vec::new();
    for byte in word.as_encoded_bytes() {
        bytes.push(*byte);
        if *byte == b'$' {
            bytes.push(*byte);
        }
    }
    OsString::from_vec(bytes)
}

/// Replaces one armed switch by another: the new one is armed first, so that there is no moment without one.
pub fn rearm(old: &str, after: Duration, argv: &[OsString], new: &str) -> Result<Disarmed, EngineError> {
    arm(after, argv, new)?;
    disarm(old)
}

/// Disarms a switch. Harmless if it is not armed.
pub fn disarm(name: &str) -> Result<Disarmed, EngineError> {
    match armed(name)? {
        Armed::No => return Ok(Disarmed::NotArmed),
        Armed::Running => return Ok(Disarmed::Running),
        Armed::Waiting(_) => {}
    }
    let fail = |why: String| EngineError::UndoTimer {
        doing: "disarm",
        name: name.to_owned(),
        why,
    };
    let ran = command::ask(&systemctl(&["stop", &format!("{name}.timer")])).map_err(|error| fail(error.to_string()))?;
    match armed(name)? {
        Armed::No => Ok(Disarmed::InTime),
        // It went off between the look and the stop.
        Armed::Running => Ok(Disarmed::Running),
        Armed::Waiting(_) => Err(fail(ran.words())),
    }
}

/// Whether a switch of that name waits or runs.
pub fn armed(name: &str) -> Result<Armed, EngineError> {
    let fail = |why: String| EngineError::UndoTimer {
        doing: "look at",
        name: name.to_owned(),
        why,
    };
    check_name(name).map_err(fail)?;
    if !Path::new("/run/systemd/system").is_dir() {
        return Ok(Armed::No);
    }
    let service = show(&format!("{name}.service"), "ActiveState").map_err(fail)?;
    let timer = show(&format!("{name}.timer"), "ActiveState,NextElapseUSecMonotonic").map_err(fail)?;
    Ok(read(&service, &timer, uptime()))
}

fn read(service: &[u8], timer: &[u8], uptime: Duration) -> Armed {
    if matches!(
        value(service, "ActiveState"),
        Some("active" | "activating" | "deactivating" | "reloading")
    ) {
        return Armed::Running;
    }
    if !matches!(value(timer, "ActiveState"), Some("active" | "activating")) {
        return Armed::No;
    }
    let next = value(timer, "NextElapseUSecMonotonic").and_then(super::service::parse_span);
    Armed::Waiting(next.map(|next| next.saturating_sub(uptime)))
}

fn value<'a>(text: &'a [u8], name: &str) -> Option<&'a str> {
    std::str::from_utf8(text)
        .ok()?
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
}

/// The clock that systemd counts `--on-active` by.
fn uptime() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or(0),
        u32::try_from(now.tv_nsec).unwrap_or(0),
    )
}

fn check_name(name: &str) -> Result<(), String> {
    let fits = !name.is_empty()
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !name.starts_with('-');
    if fits {
        Ok(())
    } else {
        Err("its name may have only letters, digits and -, at most 64".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_read_from_its_timer_and_its_service() {
        let uptime = Duration::from_secs(100);
        let waiting = b"ActiveState=active\nNextElapseUSecMonotonic=2min 30s\n";
        assert_eq!(
            read(b"ActiveState=inactive\n", waiting, uptime),
            Armed::Waiting(Some(Duration::from_secs(50)))
        );
        assert_eq!(read(b"ActiveState=activating\n", waiting, uptime), Armed::Running);
        assert_eq!(
            read(b"ActiveState=inactive\n", b"ActiveState=inactive\n", uptime),
            Armed::No
        );
        assert_eq!(
            read(b"", b"ActiveState=active\nNextElapseUSecMonotonic=infinity\n", uptime),
            Armed::Waiting(None)
        );
    }

    #[test]
    fn a_name_that_could_be_an_option_or_another_unit_is_refused() {
        for name in ["", "-x", "a.service", "a b", "a/b", "a@b"] {
            assert!(
                matches!(
                    arm(Duration::from_secs(60), &["/bin/true".into()], name),
                    Err(EngineError::NoUndoTimer { .. })
                ),
                "{name}"
            );
        }
    }
}
