//! Runs one program of the system: an argument list, never a shell line; a clean environment, the umask and the limits
//! of a service, a process group of its own (the terminal's signals are not its), no input, bounded output, patience
//! instead of `kill -9`.
//!
//! Output goes to files in memory and not to pipes: a daemon that an init script starts inherits
//! them, and with a pipe it would keep us waiting for its end, and die of SIGPIPE after ours.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use rustix::fs::Mode;
use rustix::process::umask;

use super::limits::{Limits, PROCESS_WIDE};

/// Where programs named without a directory are looked for.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The most output of a command that is read, bytes.
const MOST_OUTPUT: usize = 64 * 1024;

/// How long a lack of processes or descriptors is waited out before a command that changes something is given up.
const SHORTAGE: Duration = Duration::from_secs(60);

/// How long a mere question to systemd may take.
pub(super) const QUESTION: Duration = Duration::from_secs(20);

/// What to run, and how it is treated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    /// Program and arguments.
    pub(super) argv: Vec<OsString>,
    /// It starts daemons directly: they must not inherit our language or our umask.
    pub(super) starts_daemons: bool,
    /// What the daemon that it starts may use at least, whatever we may.
    pub(super) limits: Limits,
    /// Its environment, if it is not the one that a service gets.
    pub(super) environment: Vec<(OsString, OsString)>,
}

impl Call {
    /// A program of systemd's, such as `systemctl`.
    pub(super) fn of<S: AsRef<OsStr>>(argv: impl IntoIterator<Item = S>) -> Call {
        Call {
            argv: argv.into_iter().map(|word| word.as_ref().to_owned()).collect(),
            starts_daemons: false,
            limits: Limits::default(),
            environment: Vec::new(),
        }
    }

    /// An init script, or a command of the user's.
    pub(super) fn of_daemon<S: AsRef<OsStr>>(argv: impl IntoIterator<Item = S>) -> Call {
        Call {
            starts_daemons: true,
            ..Call::of(argv)
        }
    }

    /// The command as the user would type it, quoted where a shell needs it.
    pub(super) fn words(&self) -> String {
        self.argv
            .iter()
            .map(|word| quoted(&super::error::shown(word.as_encoded_bytes())))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=@,+%".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ran {
    /// The exit status; `None` if a signal ended it.
    pub(super) code: Option<i32>,
    pub(super) signal: Option<i32>,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

impl Ran {
    pub(super) fn ok(&self) -> bool {
        self.code == Some(0)
    }

    /// What it said on its error output, if anything.
    pub(super) fn complaint(&self) -> Option<String> {
        let lines = super::error::last_lines(&self.stderr, 3);
        (!lines.is_empty()).then(|| lines.join(" / "))
    }

    /// How it ended, with the last of what it said, for a message.
    pub(super) fn words(&self) -> String {
        let end = match (self.code, self.signal) {
            (Some(code), _) => format!("it ended with status {code}"),
            (None, Some(signal)) => format!("signal {signal} ended it"),
            (None, None) => "it ended".to_owned(),
        };
        let mut said = super::error::last_lines(&self.stderr, 3);
        if said.is_empty() {
            said = super::error::last_lines(&self.stdout, 3);
        }
        if said.is_empty() {
            end
        } else {
            format!("{end} and said: {}", said.join(" / "))
        }
    }
}

/// Why there is no end to report.
#[derive(Debug, thiserror::Error)]
pub(super) enum RunError {
    #[error("{0} was not found")]
    NotFound(String),
    #[error("{0} could not be run: {1}")]
    Spawn(String, io::Error),
    #[error("{0} had not ended after {1} s")]
    TimedOut(String, u64, Option<Child>),
}

/// The program's file: an absolute path as it is, a bare name from the fixed path.
pub(super) fn resolve(program: &OsStr) -> Option<PathBuf> {
    let path = Path::new(program);
    if path.is_absolute() {
        return is_executable(path).then(|| path.to_path_buf());
    }
    // A relative path with directories would depend on where the user stands.
    if path.components().count() != 1 {
        return None;
    }
    std::env::split_paths(PATH)
        .map(|dir| dir.join(path))
        .find(|path| is_executable(path))
}

/// The beginning of a script; `None` if the file is none.
pub(super) fn script_text(path: &Path) -> Option<Vec<u8>> {
    let mut text = vec![0; MOST_OUTPUT];
    let read = crate::files::open(path).ok()?.file().read_at(&mut text, 0).ok()?;
    text.truncate(read);
    text.starts_with(b"#!").then_some(text)
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// What to do when the caller or the clock says enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AtTheEnd {
    /// It changes something: leave it alone, it ends by itself.
    Leave,
    /// It only asks: end it.
    End,
}

/// Runs a command to its end. `tick` is called about ten times a second with the time passed; where it says `false` the
/// command is not waited for any longer. A stop command that is still on its way would reach an engine that is started
/// now: whoever gives up waiting for one has to see to that.
pub(super) fn run(
    call: &Call,
    patience: Duration,
    at_the_end: AtTheEnd,
    tick: &mut dyn FnMut(Duration) -> bool,
) -> Result<Ran, RunError> {
    let words = call.words();
    let (program, arguments) = call
        .argv
        .split_first()
        .ok_or_else(|| RunError::NotFound("(an empty command)".to_owned()))?;
    let path = resolve(program).ok_or_else(|| RunError::NotFound(super::error::shown(program.as_encoded_bytes())))?;
    let failed = |error| RunError::Spawn(words.clone(), error);
    let begin = Instant::now();
    let (mut child, out, err) = loop {
        match begin_run(call, &path, arguments) {
            // No process or descriptor is free at this moment. An engine that is down must not stay down for that.
            Err(error)
                if at_the_end == AtTheEnd::Leave && is_shortage(&error) && begin.elapsed() < patience.min(SHORTAGE) =>
            {
                tick(begin.elapsed());
                std::thread::sleep(Duration::from_millis(200));
            }
            begun => break begun.map_err(failed)?,
        }
    };
    let ended = wait(&mut child, patience, tick, &[&out, &err]);
    // What goes on behind our back shall not fill the memory.
    seal(&out);
    seal(&err);
    let error = match ended {
        Ok(Some(status)) => {
            return Ok(Ran {
                code: status.code(),
                signal: status.signal(),
                stdout: tail(&out),
                stderr: tail(&err),
            });
        }
        Ok(None) if at_the_end == AtTheEnd::Leave => {
            return Err(RunError::TimedOut(words, begin.elapsed().as_secs(), Some(child)));
        }
        Ok(None) => RunError::TimedOut(words, patience.as_secs(), None),
        Err(error) => RunError::Spawn(words, error),
    };
    if at_the_end == AtTheEnd::End {
        let _ = child.kill();
        let _ = child.wait();
    }
    Err(error)
}

/// Starts a command, with the files that its output goes to.
fn begin_run(call: &Call, path: &Path, arguments: &[OsString]) -> io::Result<(Child, File, File)> {
    let (out, err) = (output_file()?, output_file()?);
    let mut command = prepare(call, path, arguments);
    command.stdout(out.try_clone()?).stderr(err.try_clone()?);
    let child = spawn(&mut command, call)?;
    Ok((child, out, err))
}

/// Whether the system has no more of something at this moment (processes, memory, descriptors).
fn is_shortage(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let shortages = [Errno::AGAIN, Errno::NOMEM, Errno::MFILE, Errno::NFILE];
    shortages
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// Asks a question that changes nothing.
pub(super) fn ask(call: &Call) -> Result<Ran, RunError> {
    run(call, QUESTION, AtTheEnd::End, &mut |_| true)
}

fn prepare(call: &Call, path: &Path, arguments: &[OsString]) -> Command {
    let mut command = Command::new(path);
    command
        .args(arguments)
        .env_clear()
        .env("PATH", PATH)
        .current_dir("/")
        .stdin(Stdio::null())
        .process_group(0);
    if !call.environment.is_empty() {
        command.env_clear().envs(call.environment.iter().cloned());
    } else if call.starts_daemons {
        // What service(8) passes on, and a home for clients such as docker's.
        if let Some(language) = std::env::var_os("LANG") {
            command.env("LANG", language);
        }
        if rustix::process::geteuid().is_root() {
            command.env("HOME", "/root");
        }
    } else {
        command
            .env("LC_ALL", "C")
            .env("SYSTEMD_COLORS", "0")
            .env("SYSTEMD_PAGER", "");
    }
    command
}

/// Spawns. A daemon would inherit our umask 077 and our limits, so for that moment the umask is an ordinary one and the
/// limits are the engine's: whatever this program keeps names its own mode, so that a file of another thread made just
/// then is none for others to read.
fn spawn(command: &mut Command, call: &Call) -> io::Result<Child> {
    if !call.starts_daemons {
        return command.spawn();
    }
    let ordinary = Mode::WGRP | Mode::WOTH;
    let _one = PROCESS_WIDE.lock().unwrap_or_else(PoisonError::into_inner);
    let ours = umask(ordinary);
    umask(ours & ordinary);
    let (before, _) = call.limits.raise();
    let child = command.spawn();
    before.set();
    umask(ours);
    child
}

/// `Ok(None)`: it had not ended when patience did.
fn wait(
    child: &mut Child,
    patience: Duration,
    tick: &mut dyn FnMut(Duration) -> bool,
    outputs: &[&File],
) -> io::Result<Option<std::process::ExitStatus>> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(2);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        let passed = start.elapsed();
        if !tick(passed) || passed >= patience {
            return Ok(None);
        }
        for output in outputs {
            // A command that floods: from here on its writes fail, it does not fill the memory.
            if output
                .metadata()
                .is_ok_and(|found| found.len() > 16 * MOST_OUTPUT as u64)
            {
                seal(output);
            }
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

/// The end of what was written.
fn tail(file: &File) -> Vec<u8> {
    let length = file.metadata().map(|found| found.len()).unwrap_or(0);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(MOST_OUTPUT).min(MOST_OUTPUT)];
    let read = file
        .read_at(&mut bytes, length.saturating_sub(MOST_OUTPUT as u64))
        .unwrap_or(0);
    bytes.truncate(read);
    bytes
}

#[cfg(target_os = "linux")]
fn output_file() -> io::Result<File> {
    use rustix::fs::{MemfdFlags, memfd_create};
    Ok(File::from(memfd_create(
        "kerio-tls-output",
        MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING,
    )?))
}

/// A daemon that still holds the file cannot make it grow: its writes fail, without a signal.
#[cfg(target_os = "linux")]
fn seal(file: &File) {
    let _ = rustix::fs::fcntl_add_seals(file, rustix::fs::SealFlags::GROW);
}

#[cfg(not(target_os = "linux"))]
fn output_file() -> io::Result<File> {
    tempfile::tempfile()
}

#[cfg(not(target_os = "linux"))]
fn seal(_file: &File) {}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Call {
        Call::of(["/bin/sh", "-c", script])
    }

    #[test]
    fn status_output_and_error_output_of_a_command_are_reported() {
        let ran = ask(&sh("echo said; echo wrong >&2; exit 3")).unwrap();
        assert_eq!(
            (ran.code, ran.stdout.as_slice(), ran.stderr.as_slice()),
            (Some(3), &b"said\n"[..], &b"wrong\n"[..])
        );
        assert_eq!(ran.words(), "it ended with status 3 and said: wrong");
    }

    #[test]
    fn the_environment_is_clean_and_the_group_is_its_own() {
        let ran = ask(&sh("env | sort; echo pgid=$(ps -o pgid= -p $$ | tr -d ' ') pid=$$")).unwrap();
        let text = String::from_utf8(ran.stdout).unwrap();
        assert!(!text.contains("CARGO") && !text.contains("HOME="), "{text}");
        assert!(
            text.contains("LC_ALL=C") && text.contains(&format!("PATH={PATH}")),
            "{text}"
        );
        let ids: Vec<&str> = text.lines().last().unwrap().split([' ', '=']).collect();
        assert_eq!(ids[1], ids[3], "ps (package procps) says {text}");
    }

    #[test]
    fn a_daemon_that_keeps_the_output_open_does_not_keep_us_waiting_and_does_not_die_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let mark = dir.path().join("alive");
        let script = format!("(sleep 0.3; echo late; echo alive > {}) & echo started", mark.display());
        let ran = ask(&sh(&script)).unwrap();
        assert_eq!(ran.stdout, b"started\n");
        for _ in 0..200 {
            if mark.exists() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the daemon died when it wrote after our end");
    }

    #[test]
    fn a_flood_of_output_is_bounded() {
        let ran = ask(&sh("head -c 50000000 /dev/zero; echo; echo end >&2")).unwrap();
        assert!(ran.stdout.len() <= MOST_OUTPUT);
        assert!(ran.stderr.ends_with(b"end\n"), "{ran:?}");
    }

    #[test]
    fn patience_ends_a_question_and_says_so() {
        let error = run(&sh("sleep 60"), Duration::from_millis(50), AtTheEnd::End, &mut |_| true).unwrap_err();
        assert!(matches!(error, RunError::TimedOut(..)), "{error}");
    }

    /// Runs the named test once more, alone in a process of nobody's: limits belong to the whole process, and root has
    /// none on processes. `true`: this is that process.
    fn is_alone(name: &str) -> bool {
        if std::env::var_os("KERIO_TLS_TEST_ALONE").is_some() {
            return true;
        }
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let program = dir.path().join("test");
        let copied = Command::new("cp")
            .arg(std::env::current_exe().unwrap())
            .arg(&program)
            .status();
        assert!(copied.unwrap().success());
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
            .arg(program)
            .arg(name);
        let ran = command
            .env("KERIO_TLS_TEST_ALONE", "1")
            .current_dir("/")
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(
            ran.status.success() && words.contains("1 passed"),
            "as root, with setpriv (util-linux): {words}"
        );
        false
    }

    #[test]
    fn a_command_that_changes_something_waits_until_a_process_and_descriptors_are_free() {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        if !is_alone("a_command_that_changes_something_waits_until_a_process_and_descriptors_are_free") {
            return;
        }
        for resource in [Resource::Nproc, Resource::Nofile] {
            let before = getrlimit(resource);
            let later = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_secs(1));
                setrlimit(resource, before).unwrap();
            });
            setrlimit(
                resource,
                Rlimit {
                    current: Some(0),
                    ..before
                },
            )
            .unwrap();
            let mut waited = 0;
            let ran = run(&sh("exit 0"), Duration::from_secs(60), AtTheEnd::Leave, &mut |_| {
                waited += 1;
                true
            });
            assert!(ran.unwrap().ok() && waited > 1, "{resource:?}");
            later.join().unwrap();
            setrlimit(
                resource,
                Rlimit {
                    current: Some(0),
                    ..before
                },
            )
            .unwrap();
            assert!(
                matches!(ask(&sh("exit 0")), Err(RunError::Spawn(..))),
                "a question is not worth waiting"
            );
            setrlimit(resource, before).unwrap();
        }
    }

    #[test]
    fn a_program_is_found_by_absolute_path_or_bare_name_only() {
        assert!(resolve(OsStr::new("sh")).is_some());
        assert!(resolve(OsStr::new("/bin/sh")).is_some());
        assert_eq!(resolve(OsStr::new("bin/sh")), None);
        assert_eq!(resolve(OsStr::new("./sh")), None);
        assert!(matches!(
            ask(&Call::of(["no-such-program-of-ours"])),
            Err(RunError::NotFound(_))
        ));
    }

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        assert_eq!(
            Call::of(["/usr/bin/docker", "stop", "my mail"]).words(),
            "/usr/bin/docker stop 'my mail'"
        );
        assert_eq!(
            Call::of(["a", "it's", "\x1b[2J", ""]).words(),
            r"a 'it'\''s' '\x1b[2J' ''"
        );
    }
}
