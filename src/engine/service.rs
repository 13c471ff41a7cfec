//! The service that starts and stops the engine: a systemd unit, an init script, or commands that the
//! administrator has set. Finds it, says what would be run, asks for its state. Runs no stop or start itself.

use super::command::{self, Call};
use super::error::EngineError;
use super::places::{Places, UNIT};
use super::proc_fs::Proc;
use crate::hostile::slice_at;
use std::path::PathBuf;
use std::time::Duration;

/// Commands from the root-owned preferences: argument lists, run as they stand, by no shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commands {
    /// Stops the engine and ends when it has stopped.
    pub stop: Vec<String>,
    /// Starts the engine.
    pub start: Vec<String>,
    /// Ends with status 0 if the engine runs (LSB). It is asked only where the engine's processes cannot be seen, and
    /// it can prove neither a stop nor a start: init scripts exist whose `status` ends with 0 whatever the engine does.
    pub status: Option<Vec<String>>,
}

/// Programs that find processes by their name.
const BY_NAME: [&str; 4] = ["pidof", "pgrep", "pkill", "killall"];

/// What the service says, beside the process tree.
#[derive(Debug, Clone, Default)]
pub(super) struct ServiceAnswer {
    /// The systemd unit, if there is one.
    pub(super) unit: Option<Unit>,
    /// A service in this PID namespace starts and stops the engine, so that it cannot run outside of it.
    pub(super) manages: bool,
    /// The service could not be asked (why).
    pub(super) silent: Option<String>,
}

/// What starts and stops the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Service {
    /// A systemd unit.
    Systemd {
        /// Its full name.
        unit: String,
    },
    /// An init script, on a system that systemd does not run.
    InitScript {
        /// Its file.
        path: PathBuf,
    },
    /// The administrator's own commands.
    Commands(Commands),
}

impl Service {
    /// Looks for the unit, then for the init script. `None`: the user has to stop and start the engine.
    pub fn find(places: &Places) -> Option<Service> {
        if let Ok(Some(unit)) = ask_systemd(places)
            && unit.exists()
        {
            return Some(Service::Systemd { unit: UNIT.to_owned() });
        }
        let path = places.init_script.clone();
        command::resolve(path.as_os_str()).map(|_| Service::InitScript { path })
    }

    /// What it is, for the review.
    pub fn description(&self) -> String {
        match self {
            Service::Systemd { unit } => format!("systemd unit {unit}"),
            Service::InitScript { path } => {
                format!("init script {}", super::error::shown_path(path))
            }
            Service::Commands(_) => "the commands set in kerio-tls.toml".to_owned(),
        }
    }

    /// With systemd it only hands in the job, and the engine is watched while it stops: a client that waits could be
    /// overtaken by a start (after a cancel), and then stop what was just started.
    pub(super) fn stop_call(&self) -> Call {
        match self {
            Service::Systemd { unit } => systemctl(&["--no-block", "stop", unit]),
            Service::InitScript { path } => Call::of_daemon([path.as_os_str(), "stop".as_ref()]),
            Service::Commands(commands) => Call::of_daemon(&commands.stop),
        }
    }

    pub(super) fn start_call(&self) -> Call {
        match self {
            Service::Systemd { unit } => systemctl(&["start", unit]),
            Service::InitScript { path } => Call::of_daemon([path.as_os_str(), "start".as_ref()]),
            Service::Commands(commands) => Call::of_daemon(&commands.start),
        }
    }

    /// Clears failures and the counter of starts, without which systemd refuses to start a unit that crash-looped.
    pub(super) fn clear_call(&self) -> Option<Call> {
        match self {
            Service::Systemd { unit } => Some(systemctl(&["reset-failed", unit])),
            _ => None,
        }
    }

    /// Asks the service, and systemd in any case: whatever stopped the engine, a unit with `Restart=` brings it back.
    pub(super) fn query(service: Option<&Service>, places: &Places) -> ServiceAnswer {
        let mut answer = ServiceAnswer::default();
        match ask_systemd(places) {
            Ok(unit) => answer.unit = unit.filter(|unit| unit.exists() || unit.why_not_stopped().is_some()),
            Err(why) => answer.silent = Some(why),
        }
        answer.manages = match service {
            Some(Service::Systemd { .. }) => true,
            Some(Service::InitScript { .. }) => Proc::new(&places.proc_root).is_a_system(),
            Some(Service::Commands(_)) | None => false,
        };
        answer
    }

    /// What the administrator's status command says; `None` without one, or if it does not tell.
    pub(super) fn says_running(&self) -> Option<bool> {
        let Service::Commands(Commands { status: Some(argv), .. }) = self else {
            return None;
        };
        match command::ask(&Call::of_daemon(argv)).ok()?.code? {
            0 => Some(true),
            1..=3 => Some(false),
            _ => None,
        }
    }

    /// The script that would stop or start the engine, if it looks for its engine by name and so takes any process of
    /// that name for it, whoever runs it. The vendor's does: with two such processes it stops nothing, with one it
    /// starts nothing.
    pub(super) fn script_by_name(&self, places: &Places, unit: Option<&Unit>) -> Option<PathBuf> {
        let own = || places.init_script.clone();
        let scripts: Vec<PathBuf> = match self {
            Service::Systemd { .. } => {
                let runs_it = unit.is_some_and(|unit| {
                    unit.is_from_init_script() || unit.exec_start.contains(&*places.init_script.to_string_lossy())
                });
                runs_it.then(own).into_iter().collect()
            }
            Service::InitScript { path } => vec![path.clone()],
            Service::Commands(commands) => {
                let programs = [&commands.stop, &commands.start]
                    .into_iter()
                    .filter_map(|argv| argv.first());
                let files = programs.filter_map(|program| command::resolve(program.as_ref()));
                // service(8) runs the init script.
                let file = |path: PathBuf| {
                    if path.ends_with("service") || path.ends_with("invoke-rc.d") {
                        own()
                    } else {
                        path
                    }
                };
                files.map(file).collect()
            }
        };
        scripts.into_iter().find(|path| {
            let text = command::script_text(path).unwrap_or_default();
            BY_NAME
                .iter()
                .any(|word| memchr::memmem::find(&text, word.as_bytes()).is_some())
        })
    }

    /// Whether the programs that it needs are there.
    pub(super) fn check_programs(&self) -> Result<(), EngineError> {
        for call in [self.stop_call(), self.start_call()] {
            if call
                .argv
                .first()
                .and_then(|program| command::resolve(program))
                .is_none()
            {
                return Err(EngineError::Command {
                    doing: "check the command for the engine",
                    command: call.words(),
                    why: "the program was not found or is not executable".to_owned(),
                });
            }
        }
        Ok(())
    }
}

/// The properties asked for, in one `systemctl show -p`.
pub(super) const PROPERTIES: &str = "Id,LoadState,ActiveState,SubState,Job,MainPID,ControlGroup,\
    ExecStart,NRestarts,InvocationID,Restart,TimeoutStopUSec,Type,SourcePath,NeedDaemonReload,CanStart,\
    CanStop,RefuseManualStart,RefuseManualStop,SendSIGKILL,Result";

/// A systemd unit as it was at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unit {
    /// Its full name.
    pub id: String,
    /// `loaded`, `not-found`, `masked`, `bad-setting`, `error`.
    pub load_state: String,
    /// `active`, `inactive`, `failed`, `activating`, `deactivating`, `reloading`.
    pub active_state: String,
    /// The finer state, such as `running`, `exited`, `auto-restart`, `stop-sigterm`.
    pub sub_state: String,
    /// A job of the unit waits or works.
    pub job_pending: bool,
    /// The main process; units made from init scripts have none.
    pub main_pid: Option<u32>,
    /// The control group that its processes are in; empty while there is none.
    pub control_group: String,
    /// What it runs to start, as systemd prints it.
    pub exec_start: String,
    /// How often systemd started it again by itself.
    pub restarts: u64,
    /// Names this one run of the unit.
    pub invocation: String,
    /// `Restart=`: `no`, `always`, `on-failure`, ….
    pub restart: String,
    /// How long a stop may take before systemd kills; `None` for ever.
    pub stop_timeout: Option<Duration>,
    /// Systemd ends what does not stop with SIGKILL.
    pub kills: bool,
    /// `Type=`.
    pub kind: String,
    /// The init script that the unit was made from.
    pub source: Option<String>,
    /// The unit file changed on disk since systemd read it.
    pub needs_reload: bool,
    /// `systemctl start` is allowed.
    pub may_start: bool,
    /// `systemctl stop` is allowed.
    pub may_stop: bool,
    /// How the last run ended, such as `success`, `exit-code`, `timeout`, `start-limit-hit`.
    pub result: String,
}

impl Unit {
    /// Reads the `Name=value` lines. Unknown lines are passed over; what is missing reads as the harmless
    /// value, except the states, which stay empty and then count as "not stopped".
    pub(super) fn parse(text: &[u8]) -> Unit {
        let mut unit = Unit {
            kills: true,
            may_start: true,
            may_stop: true,
            ..Unit::default()
        };
        for line in text.split(|byte| *byte == b'\n') {
            let Some(at) = line.iter().position(|byte| *byte == b'=') else {
                continue;
            };
            let (name, value) = (slice_at(line, ..at), slice_at(line, at + 1..));
            unit.set(name, super::error::shown(value.trim_ascii()));
        }
        unit
    }

    fn set(&mut self, name: &[u8], value: String) {
        match name {
            b"Id" => self.id = value,
            b"LoadState" => self.load_state = value,
            b"ActiveState" => self.active_state = value,
            b"SubState" => self.sub_state = value,
            b"Job" => self.job_pending = !matches!(value.as_str(), "" | "0"),
            b"MainPID" => self.main_pid = value.parse().ok().filter(|pid| *pid != 0),
            b"ControlGroup" => self.control_group = value,
            b"ExecStart" => self.exec_start = value,
            b"NRestarts" => self.restarts = value.parse().unwrap_or(0),
            b"InvocationID" => self.invocation = value,
            b"Restart" => self.restart = value,
            b"TimeoutStopUSec" => self.stop_timeout = parse_span(&value),
            b"SendSIGKILL" => self.kills = value != "no",
            b"Type" => self.kind = value,
            b"SourcePath" => self.source = Some(value).filter(|path| !path.is_empty()),
            b"NeedDaemonReload" => self.needs_reload = value == "yes",
            b"CanStart" => self.may_start &= value != "no",
            b"RefuseManualStart" => self.may_start &= value != "yes",
            b"CanStop" => self.may_stop &= value != "no",
            b"RefuseManualStop" => self.may_stop &= value != "yes",
            b"Result" => self.result = value,
            _ => {}
        }
    }

    /// Whether systemd knows a file for this unit (even a masked or broken one).
    pub fn exists(&self) -> bool {
        !matches!(self.load_state.as_str(), "" | "not-found")
    }

    /// Whether it is made from an init script: such a unit stays `active` when its daemon dies.
    pub fn is_from_init_script(&self) -> bool {
        self.source.as_deref().is_some_and(|path| path.contains("/init.d/"))
    }

    /// What it would be after a stop: for the question whether that could be proven.
    pub(super) fn rest(&mut self) {
        self.active_state = "inactive".to_owned();
        self.sub_state = "dead".to_owned();
        self.job_pending = false;
        self.main_pid = None;
    }

    /// Its states in words, such as `active (running)`.
    pub fn words(&self) -> String {
        let job = if self.job_pending { ", a job is pending" } else { "" };
        format!("{} ({}){job}", self.active_state, self.sub_state)
    }

    /// Why this unit does not count as stopped; `None` if it does: inactive, failed or not found, and no job.
    pub(super) fn why_not_stopped(&self) -> Option<String> {
        let resting = matches!(self.active_state.as_str(), "inactive" | "failed") && !self.job_pending;
        if resting {
            return None;
        }
        let words = self.words();
        Some(match (self.active_state.as_str(), self.sub_state.as_str()) {
            (_, "auto-restart" | "auto-restart-queued") => {
                format!("systemd is about to start {} again: {words}", self.id)
            }
            ("active", _) => format!(
                "systemd calls {} {words}, but no process of it is seen: it died, or it cannot be seen from here",
                self.id
            ),
            ("", _) => "systemd did not say in which state the unit is".to_owned(),
            _ => format!("systemd calls {} {words}", self.id),
        })
    }
}

/// Reads a time span as `systemctl show` prints it (`1min 30s`, `500ms`, `infinity`); `None` for
/// infinity, and for what is no span: then nothing is said about it.
pub(super) fn parse_span(text: &str) -> Option<Duration> {
    let mut sum = Duration::ZERO;
    let mut parts = 0;
    for part in text.split_ascii_whitespace() {
        let digits = part
            .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
            .unwrap_or(part.len());
        let (number, name) = part.split_at_checked(digits)?;
        let micros_each = match name {
            "us" => 1.0,
            "ms" => 1e3,
            "s" | "" => 1e6,
            "min" => 6e7,
            "h" => 3.6e9,
            "d" => 8.64e10,
            "w" => 6.048e11,
            "month" => 2.629_8e12,
            "y" => 3.155_76e13,
            _ => return None,
        };
        let micros = number.parse::<f64>().ok()? * micros_each;
        sum = sum.checked_add(Duration::try_from_secs_f64(micros / 1e6).ok()?)?;
        parts += 1;
    }
    (parts > 0).then_some(sum)
}

/// `systemctl`, which must never ask for a password on the terminal that the screen is drawn on.
pub(super) fn systemctl(arguments: &[&str]) -> Call {
    Call::of(["systemctl", "--no-ask-password"].iter().chain(arguments))
}

/// What systemd says of the engine's unit; `Ok(None)` where systemd does not run.
pub(super) fn ask_systemd(places: &Places) -> Result<Option<Unit>, String> {
    if !places.systemd_runs.is_dir() {
        return Ok(None);
    }
    show(UNIT, PROPERTIES).map(|text| Some(Unit::parse(&text)))
}

/// The properties of any unit, as text.
pub(super) fn show(unit: &str, properties: &str) -> Result<Vec<u8>, String> {
    match command::ask(&systemctl(&["show", "-p", properties, unit])) {
        Ok(ran) if ran.ok() => Ok(ran.stdout),
        Ok(ran) => Err(format!("systemd cannot be asked about {unit}: {}", ran.words())),
        Err(error) => Err(format!("systemd cannot be asked about {unit}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RUNNING: &str = "Type=simple\nRestart=on-failure\nTimeoutStopUSec=1min 30s\nMainPID=412\n\
        ControlGroup=/system.slice/kerio-connect.service\nNRestarts=2\nResult=success\n\
        Id=kerio-connect.service\nLoadState=loaded\nActiveState=active\nSubState=running\nInvocationID=aa11\n\
        CanStart=yes\nCanStop=yes\nNeedDaemonReload=no\nRefuseManualStop=no\n";

    #[test]
    fn the_properties_of_a_running_unit_are_read() {
        let unit = Unit::parse(RUNNING.as_bytes());
        assert_eq!(unit.main_pid, Some(412));
        assert_eq!(unit.control_group, "/system.slice/kerio-connect.service");
        assert_eq!(unit.restarts, 2);
        assert_eq!(unit.stop_timeout, Some(Duration::from_secs(90)));
        assert!(unit.exists() && unit.may_stop && unit.kills && !unit.job_pending && !unit.is_from_init_script());
        assert!(unit.why_not_stopped().unwrap().contains("active (running)"));
    }

    #[test]
    fn inactive_failed_and_not_found_units_without_a_job_count_as_stopped() {
        for state in [
            "LoadState=loaded\nActiveState=inactive\nSubState=dead",
            "ActiveState=failed\nSubState=failed",
            "LoadState=not-found\nActiveState=inactive\nSubState=dead",
        ] {
            assert_eq!(Unit::parse(state.as_bytes()).why_not_stopped(), None);
        }
    }

    #[test]
    fn a_pending_job_an_automatic_restart_and_silence_do_not_count_as_stopped() {
        for state in [
            "ActiveState=inactive\nSubState=dead\nJob=812",
            "ActiveState=activating\nSubState=auto-restart",
            "ActiveState=active\nSubState=exited",
            "ActiveState=deactivating\nSubState=stop-sigterm",
            "",
        ] {
            assert!(Unit::parse(state.as_bytes()).why_not_stopped().is_some(), "{state}");
        }
    }

    #[test]
    fn a_unit_made_from_an_init_script_is_told_by_its_source() {
        assert!(Unit::parse(b"SourcePath=/etc/init.d/kerio-connect\n").is_from_init_script());
        assert!(!Unit::parse(b"SourcePath=\n").is_from_init_script());
    }

    #[test]
    fn spans_are_read_as_systemd_prints_them() {
        let cases = [
            ("1min 30s", Some(90_000)),
            ("500ms", Some(500)),
            ("5min", Some(300_000)),
            ("infinity", None),
            ("1h", Some(3_600_000)),
            ("0", Some(0)),
            ("", None),
            ("5 parsecs", None),
        ];
        for (text, millis) in cases {
            assert_eq!(parse_span(text), millis.map(Duration::from_millis), "{text}");
        }
    }

    proptest! {
        #[test]
        fn only_inactive_or_failed_without_a_job_is_ever_called_stopped(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let unit = Unit::parse(&bytes);
            let resting = (unit.active_state == "inactive" || unit.active_state == "failed") && !unit.job_pending;
            prop_assert_eq!(unit.why_not_stopped().is_none(), resting);
        }

        #[test]
        fn no_text_makes_the_span_parser_panic(text in ".{0,40}") {
            let _ = parse_span(&text);
        }
    }
}
