//! Does an engine of this file run? By the process tree, and by what the service manager says.
//! When it cannot be seen, the answer is "unknown", which everybody treats as "runs".

use super::places::{CONFIG_FILE, Places};
use super::proc_fs::file_id;
use super::processes::{self, Process, Seen};
use super::service::Unit;
use super::service::{Service, ServiceAnswer};
use std::time::SystemTime;

/// Does the engine run?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// There is no engine on this host: nothing is in the way.
    None,
    /// It is proven stopped.
    Stopped,
    /// It runs.
    Running,
    /// It cannot be seen whether it runs (why); treated as running.
    Unknown(String),
}

/// What was seen of the engine, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The answer.
    pub state: State,
    /// The reason for it, one sentence without a full stop.
    pub why: String,
    /// The engine's processes that the service stops and starts, by id.
    pub processes: Vec<Process>,
    /// Engines of this file that the service does not know: they are in the way as well, and stay when it is stopped.
    pub others: Vec<Process>,
    /// Other processes that have the file open for writing.
    pub writers: Vec<Process>,
    /// Processes that have the engine's name and are none.
    pub(super) namesakes: Vec<Process>,
    /// Since when the oldest engine process runs.
    pub since: Option<SystemTime>,
    /// What systemd says of the unit, if it knows one.
    pub unit: Option<Unit>,
    /// A thing worth knowing that does not change the answer.
    pub note: Option<String>,
}

impl Status {
    /// Whether nothing is in the way of writing the file.
    pub fn is_out_of_the_way(&self) -> bool {
        matches!(self.state, State::None | State::Stopped)
    }

    /// Whether the engine that the service starts is up. Another one of this file, or a process that has it open, is
    /// not that.
    pub fn service_is_up(&self) -> bool {
        !self.processes.is_empty()
    }
}

/// Where the question is asked from.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) places: &'a Places,
    pub(super) service: Option<&'a Service>,
    /// The engine ran in this very container until we stopped it.
    pub(super) stopped_here: bool,
    /// The administrator's word: no engine outside of this container uses the file.
    pub(super) only_here: bool,
    /// The status command may say what cannot be seen.
    pub(super) asks_command: bool,
}

/// Puts together what the process tree and the service say.
pub(super) fn judge(view: &View<'_>, seen: Seen, answer: ServiceAnswer) -> Status {
    let executable = view.places.executables().into_iter().find(|path| path.is_file());
    let (processes, others): (Vec<Process>, Vec<Process>) = seen
        .engines
        .iter()
        .cloned()
        .partition(|process| drives(view.service, answer.unit.as_ref(), process));
    let (state, why) = decide(view, &seen, &answer, executable.is_some(), &processes, &others);
    Status {
        state,
        why,
        note: note(view.places, executable.as_deref()),
        since: processes.iter().filter_map(|process| process.started).min(),
        processes,
        others,
        writers: seen.writers,
        namesakes: seen.namesakes,
        unit: answer.unit,
    }
}

/// What the state would be once the service has stopped its processes. Asked before the stop: what cannot be proven
/// then must not be tried.
pub(super) fn once_stopped(view: &View<'_>, mut seen: Seen, mut answer: ServiceAnswer) -> (State, String) {
    let (ended, others): (Vec<Process>, Vec<Process>) = std::mem::take(&mut seen.engines)
        .into_iter()
        .partition(|process| drives(view.service, answer.unit.as_ref(), process));
    let view = View {
        stopped_here: view.stopped_here || ended.iter().any(|process| process.here),
        asks_command: false,
        ..*view
    };
    if let Some(unit) = &mut answer.unit {
        unit.rest();
    }
    let executable = view.places.executables().into_iter().any(|path| path.is_file());
    decide(&view, &seen, &answer, executable, &[], &others)
}

/// Whether the service stops and starts this engine: systemd the processes of its unit, an init script those of its own
/// container. A unit that was made from an init script does nothing while systemd thinks that it rests.
fn drives(service: Option<&Service>, unit: Option<&Unit>, process: &Process) -> bool {
    match (service, unit) {
        (Some(Service::Systemd { .. }), Some(unit)) if unit.is_from_init_script() => {
            process.here && unit.why_not_stopped().is_some()
        }
        (Some(Service::Systemd { .. }), Some(_)) => process.of_unit,
        (Some(Service::InitScript { .. }), _) => process.here,
        _ => true,
    }
}

fn decide(
    view: &View<'_>,
    seen: &Seen,
    answer: &ServiceAnswer,
    executable: bool,
    processes: &[Process],
    others: &[Process],
) -> (State, String) {
    let unknown = |why: String| (State::Unknown(why.clone()), why);
    if let Some(engine) = processes.first() {
        let more = match processes.len() {
            1 => String::new(),
            all => format!(" and {} more", all - 1),
        };
        let main = answer.unit.as_ref().filter(|unit| unit.main_pid == Some(engine.pid));
        let main = main.map_or_else(String::new, |unit| format!(", the main process of {}", unit.id));
        return (
            State::Running,
            format!("process {} runs {}{main}{more}", engine.pid, engine.what),
        );
    }
    if let Some(other) = others.first() {
        let service = view.service.map_or_else(String::new, |service| {
            format!(", which {} would neither start nor stop", service.description())
        });
        return (
            State::Running,
            format!("process {} runs {}{service}", other.pid, other.what),
        );
    }
    if let Some(writer) = seen.writers.first() {
        return (
            State::Running,
            format!("process {} ({}) has the file open for writing", writer.pid, writer.what),
        );
    }
    if let Some((_, why)) = seen.unproven.first() {
        return unknown(why.clone());
    }
    if let Some(why) = &answer.silent {
        return unknown(why.clone());
    }
    if let Some(reason) = answer.unit.as_ref().and_then(Unit::why_not_stopped) {
        return unknown(reason);
    }
    if let Some(why) = not_all_is_seen(view, seen, answer, executable) {
        // Only where we do not see for ourselves: init scripts exist whose status is 0 whatever the engine does.
        let service = view.service.filter(|_| view.asks_command);
        return match service.and_then(Service::says_running) {
            Some(true) => (
                State::Running,
                "the configured status command says that it runs".to_owned(),
            ),
            _ => unknown(why),
        };
    }
    if executable || answer.manages || matches!(view.service, Some(Service::Commands(_))) {
        let by = if answer.unit.is_some() {
            "systemd and the process tree say so"
        } else {
            "no process is the engine, and none has the file open for writing"
        };
        return (State::Stopped, by.to_owned());
    }
    (
        State::None,
        "there is no engine beside the file or in the default place, and no such process".to_owned(),
    )
}

/// Why an engine of this file may run without being seen from here.
fn not_all_is_seen(view: &View<'_>, seen: &Seen, answer: &ServiceAnswer, executable: bool) -> Option<String> {
    if let Some(why) = &seen.blind {
        return Some(why.clone());
    }
    let seen_well = !seen.namespaced || answer.manages || view.stopped_here || view.only_here;
    let may_be_used = || executable || processes::lies_on_a_volume(view.places);
    (!seen_well && may_be_used()).then(|| {
        "this is a container: processes outside of it are not seen, and no service in it starts the engine. If no \
         engine outside \
         of it uses this file, say so in kerio-tls.toml: only_here = true under [engine]"
            .to_owned()
    })
}

/// The engine of the default place reads the file in its own directory; if that is another file, say so.
fn note(places: &Places, executable: Option<&std::path::Path>) -> Option<String> {
    let executable = executable?;
    if executable.parent() != Some(places.default_dir.as_path()) {
        return None;
    }
    let own = places.default_dir.join(CONFIG_FILE);
    let (theirs, ours) = (file_id(&own)?, file_id(&places.resolved)?);
    (theirs != ours).then(|| {
        format!(
            "the engine in {} uses {}, which is another file than this one",
            places.default_dir.display(),
            own.display()
        )
    })
}
