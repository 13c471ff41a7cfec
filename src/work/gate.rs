//! The engine as the save sees it: something that must be out of the way before the file is written, and up again
//! afterwards.

use std::cell::Cell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::engine::{self, Controller, EngineError, State, Stopped};
use crate::files;
use crate::mailserver_cfg::{Document, EditSet};
use crate::save::{Gate, GateError, GateKind, Started};

use super::effect::EngineWish;

/// No `mailserver.cfg` has more bytes.
const LARGEST: u64 = 1 << 30;

/// Never set: what must not be given up.
static NEVER: AtomicBool = AtomicBool::new(false);

/// Gets what is being waited for, in words.
pub(super) type OnDetail<'a> = &'a dyn Fn(&str);

/// Stands before one save.
pub(super) struct EngineGate<'a> {
    controller: Option<Controller>,
    wish: EngineWish,
    cancel: &'a AtomicBool,
    on_detail: OnDetail<'a>,
    /// What must still be in the file once the engine is up.
    edits: &'a EditSet,
    file: PathBuf,
    stopped: Option<Stopped>,
    seconds: Option<u64>,
    values: Option<String>,
    never_ended: bool,
}

impl<'a> EngineGate<'a> {
    pub(super) fn new(
        controller: Option<Controller>,
        wish: EngineWish,
        cancel: &'a AtomicBool,
        edits: &'a EditSet,
        file: PathBuf,
        on_detail: OnDetail<'a>,
    ) -> Self {
        Self {
            controller,
            wish,
            cancel,
            on_detail,
            edits,
            file,
            stopped: None,
            seconds: None,
            values: None,
            never_ended: false,
        }
    }

    /// How long stop and start took together, once the engine was up again.
    pub(super) fn seconds(&self) -> Option<u64> {
        self.seconds
    }

    /// The ports that the engine listened on before it was stopped.
    pub(super) fn ports_before(&self) -> &[SocketAddr] {
        self.stopped.as_ref().map_or(&[], |stopped| &stopped.ports)
    }

    /// What became of our values after the start, when the engine did something to them.
    pub(super) fn values(&self) -> Option<&str> {
        self.values.as_deref()
    }

    fn refuse_running(&self) -> Result<(), GateError> {
        let Some(controller) = &self.controller else {
            return Ok(());
        };
        let status = controller.status();
        let (kind, what) = match &status.state {
            State::None | State::Stopped => return Ok(()),
            State::Running => (GateKind::Runs, format!("the engine runs ({})", status.why)),
            State::Unknown(why) => (
                GateKind::NotSure,
                format!("it cannot be seen whether the engine runs ({why})"),
            ),
        };
        let manual = controller.manual_commands();
        let next = format!(
            "it writes this file when it stops and would throw the change away; stop it first: {}; save; start it \
             again: {}",
            manual.stop, manual.start
        );
        Err(GateError {
            kind,
            what,
            next,
            lines: Vec::new(),
        })
    }

    /// Tells progress at most once a second: the engine room reports four times as often.
    fn reporter(&self) -> impl FnMut(engine::EngineProgress) + use<'a> {
        let on_detail = self.on_detail;
        let last = Cell::new(None);
        move |progress| {
            let second = progress.passed.as_secs();
            if last.replace(Some((progress.step, second))) != Some((progress.step, second)) {
                on_detail(&progress_words(&progress));
            }
        }
    }

    /// Starts and watches. `Ok`: it runs well; what is worth telling.
    fn start_and_watch(&mut self, ask_values: bool) -> Result<Vec<String>, EngineError> {
        let Some(controller) = &self.controller else {
            return Ok(Vec::new());
        };
        let ports = self
            .stopped
            .as_ref()
            .map(|stopped| stopped.ports.clone())
            .unwrap_or_default();
        let mut report = self.reporter();
        let started = controller.start(&mut report)?;
        let mut values = || if ask_values { self.compare_values() } else { Ok(()) };
        let well = controller.watch(&started, &ports, &mut report, &mut values)?;
        let took =
            self.stopped.as_ref().map_or(Duration::ZERO, |stopped| stopped.took) + started.took + well.active_after;
        let mut words = Vec::new();
        if !well.missing_ports.is_empty() {
            let ports: Vec<String> = well.missing_ports.iter().map(ToString::to_string).collect();
            words.push(format!("! It does not listen any more on {}.", ports.join(", ")));
        }
        words.extend(well.notes);
        self.values = well.values.err();
        self.seconds = Some(took.as_secs().max(1));
        self.never_ended = well.never_ended;
        Ok(words)
    }

    /// Are our values still in the file? An engine that does not know a variable's name drops it when it writes.
    fn compare_values(&self) -> Result<(), String> {
        // Whoever may write its directory could have put a pipe or a device there by now.
        let document = files::read(&self.file, LARGEST)
            .map_err(|fault| format!("the file could not be read after the start ({})", fault.why))
            .and_then(|bytes| {
                Document::parse(bytes)
                    .map_err(|error| format!("the file cannot be understood after the start ({error})"))
            })?;
        let mut words = Vec::new();
        for edit in self.edits.edits() {
            match (&edit.new, document.value(&edit.path)) {
                (Some(_), None) => words.push(format!(
                    "the engine dropped {}: it does not know that name, so the setting has no effect",
                    edit.path
                )),
                (Some(wanted), Some(found)) if *wanted != found => {
                    words.push(format!("the engine changed {} when it started", edit.path));
                }
                (None, Some(_)) => words.push(format!(
                    "the engine put {} back, so that deleting it has no effect",
                    edit.path
                )),
                _ => {}
            }
        }
        if words.is_empty() {
            Ok(())
        } else {
            Err(words.join("; "))
        }
    }
}

fn progress_words(progress: &engine::EngineProgress) -> String {
    let doing = match progress.step {
        engine::EngineStep::Stopping => "Stopping the engine",
        engine::EngineStep::Proving => "Waiting until the engine has stopped",
        engine::EngineStep::Quiet => "Waiting until the file is quiet",
        engine::EngineStep::Starting => "Starting the engine",
        engine::EngineStep::Watching => "Watching whether the engine stays up",
    };
    format!(
        "{doing}: {} s of at most {} s",
        progress.passed.as_secs(),
        progress.limit.as_secs()
    )
}

fn gate_error(error: &EngineError, controller: &Controller) -> GateError {
    if *error == EngineError::Cancelled {
        return GateError {
            kind: GateKind::Cancelled,
            what: "cancelled while the engine was stopping".to_owned(),
            // By `abort`, which the save calls after any error; if that fails, the engine being down is said before
            // this.
            next: "it is started again".to_owned(),
            lines: Vec::new(),
        };
    }
    let kind = match error {
        EngineError::NoService { .. }
        | EngineError::NoRights { .. }
        | EngineError::Unusable { .. }
        | EngineError::Busy { .. } => GateKind::Runs,
        EngineError::NotStarted { .. } | EngineError::NotWell { .. } => GateKind::StartFailed,
        _ => GateKind::StopFailed,
    };
    let next = if kind == GateKind::StartFailed {
        format!("see why, then start it: {}", controller.manual_commands().start)
    } else if controller.told_to_stop() {
        // By `abort`, too.
        "the engine runs on, or was started again if it had ended; mend that, then save again".to_owned()
    } else {
        "mend that, then save again".to_owned()
    };
    let (what, lines) = match error {
        EngineError::NotStarted { why, journal } => (format!("the engine did not start: {why}"), journal.clone()),
        EngineError::NotWell { why, journal } => (format!("the engine did not come up well: {why}"), journal.clone()),
        other => (other.to_string(), Vec::new()),
    };
    GateError {
        kind,
        what,
        next,
        lines,
    }
}

/// What went wrong with a start, line by line, the journal's last words included.
fn bad_words(error: &EngineError) -> Vec<String> {
    match error {
        EngineError::NotStarted { why, journal } | EngineError::NotWell { why, journal } => {
            let mut words = vec![why.clone()];
            words.extend(journal.iter().map(|line| format!("  {line}")));
            words
        }
        other => vec![other.to_string()],
    }
}

impl Gate for EngineGate<'_> {
    fn will_stop(&mut self) -> bool {
        self.wish == EngineWish::Restart
            && self
                .controller
                .as_ref()
                .is_some_and(|controller| !controller.status().is_out_of_the_way())
    }

    fn before_write(&mut self) -> Result<(), GateError> {
        let Some(controller) = &self.controller else {
            return Ok(());
        };
        if self.wish != EngineWish::Restart {
            return self.refuse_running();
        }
        controller.preflight().map_err(|error| gate_error(&error, controller))?;
        let stopped = controller.stop(&mut self.reporter(), self.cancel);
        let stopped = stopped.map_err(|error| gate_error(&error, controller))?;
        self.stopped = Some(stopped);
        Ok(())
    }

    /// A stop command was run, so whatever happens the engine must be started again.
    fn told_to_stop(&self) -> bool {
        self.controller.as_ref().is_some_and(Controller::told_to_stop)
    }

    fn prove_stopped(&mut self) -> Result<(), GateError> {
        match &self.controller {
            None => Ok(()),
            Some(controller) if self.wish == EngineWish::Restart => controller
                .prove_stopped()
                .map_err(|error| gate_error(&error, controller)),
            Some(_) => self.refuse_running(),
        }
    }

    fn abort(&mut self) -> Result<(), GateError> {
        if !self.told_to_stop() {
            return Ok(());
        }
        let result = self.start_and_watch(false);
        match (&self.controller, result) {
            (Some(controller), Err(error)) => Err(gate_error(&error, controller)),
            _ => Ok(()),
        }
    }

    fn never_ended(&self) -> bool {
        self.never_ended
    }

    fn after_commit(&mut self) -> Started {
        if !self.told_to_stop() {
            return Started::NotOurs;
        }
        match self.start_and_watch(true) {
            Ok(words) => Started::Well(words),
            Err(error) => Started::Badly(bad_words(&error)),
        }
    }

    fn before_roll_back(&mut self) -> Result<(), GateError> {
        let Some(controller) = &self.controller else {
            return Ok(());
        };
        // From the exchange on nothing is given up any more.
        controller
            .stop(&mut self.reporter(), &NEVER)
            .map(|_| ())
            .map_err(|error| gate_error(&error, controller))
    }

    fn after_roll_back(&mut self) -> Started {
        match self.start_and_watch(false) {
            Ok(words) => Started::Well(words),
            Err(error) => Started::Badly(bad_words(&error)),
        }
    }
}
