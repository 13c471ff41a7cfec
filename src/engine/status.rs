//! Does an engine of this file run? By the process tree, and by what the service manager says.
//! When it cannot be seen, the answer is "unknown", which everybody treats as "runs".

use super::places::{CONFIG_FILE, Places};
use super::proc_fs::file_id;
use super::processes::{self, Process, Seen};
use super::service::ServiceAnswer;
use super::systemd::Unit;
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
    /// The engine's processes, by id.
    pub processes: Vec<Process>,
    /// Other processes that have the file open for writing.
    pub writers: Vec<Process>,
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
}

/// Puts together what the process tree and the service say.
pub(super) fn judge(places: &Places, seen: Seen, answer: ServiceAnswer) -> Status {
    let executable = places.executables().into_iter().find(|path| path.is_file());
    let (state, why) = decide(places, &seen, &answer, executable.is_some());
    let since = seen.engines.iter().filter_map(|process| process.started).min();
    Status {
        state,
        why,
        note: note(places, executable.as_deref()),
        processes: seen.engines,
        writers: seen.writers,
        since,
        unit: answer.unit,
    }
}

fn decide(places: &Places, seen: &Seen, answer: &ServiceAnswer, executable: bool) -> (State, String) {
    let unknown = |why: String| (State::Unknown(why.clone()), why);
    if let Some(engine) = seen.engines.first() {
        let more = match seen.engines.len() {
            1 => String::new(),
            all => format!(" and {} more", all - 1),
        };
        return (
            State::Running,
            format!("process {} runs {}{more}", engine.pid, engine.what),
        );
    }
    if let Some(writer) = seen.writers.first() {
        return (
            State::Running,
            format!("process {} ({}) has the file open for writing", writer.pid, writer.what),
        );
    }
    if let Some((process, why)) = seen.unproven.first() {
        // Without rights to read executables, systemd knows its own main process.
        if let Some(unit) = answer.unit.as_ref().filter(|unit| unit.main_pid == Some(process.pid)) {
            return (
                State::Running,
                format!("process {} is the main process of {}", process.pid, unit.id),
            );
        }
        return unknown(why.clone());
    }
    if answer.command == Some(true) {
        return (
            State::Running,
            "the configured status command says that it runs".to_owned(),
        );
    }
    if let Some(why) = &answer.silent {
        return unknown(why.clone());
    }
    if let Some(reason) = answer.unit.as_ref().and_then(Unit::why_not_stopped) {
        return unknown(reason);
    }
    if let Some(why) = &seen.blind {
        return unknown(why.clone());
    }
    let elsewhere = seen.namespaced && !answer.manages && answer.command.is_none();
    if elsewhere && (executable || processes::lies_on_a_volume(places)) {
        return unknown(
            "this is a container: processes outside of it are not seen, and no service in it starts the engine"
                .to_owned(),
        );
    }
    if executable || answer.manages || answer.command.is_some() {
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
