//! The questions that are asked before the engine is touched: whether it could be stopped, whether that could be proven, and above
//! all whether it would be started again.

use super::controller::Controller;
use super::error::EngineError;
use super::limits::{DEADLY_LIMITS, Limits};
use super::proc_fs::Proc;
use super::service::Service;
use super::status::{self, State, Status};
use super::systemd::{Unit, systemctl};
use std::time::Duration;

impl Controller {
    /// Everything about the engine that can be known before it is touched. Gives warnings for the review;
    /// an error means that stopping or starting it would fail, or must not be tried.
    pub fn preflight(&self) -> Result<Vec<String>, EngineError> {
        let status = self.status();
        self.free_of_writers(&status)?;
        if status.is_out_of_the_way() {
            return Ok(status.note.into_iter().collect());
        }
        let by_systems_own = matches!(self.service, Some(Service::Systemd { .. } | Service::InitScript { .. }));
        if by_systems_own && !rustix::process::geteuid().is_root() {
            return Err(EngineError::NoRights {
                manual: self.manual_commands(),
            });
        }
        let service = self.may_stop(&status)?;
        service.check_programs()?;
        let mut warnings: Vec<String> = status.note.iter().cloned().collect();
        match (&status.unit, service) {
            (Some(unit), Service::Systemd { .. }) => {
                usable(unit)?;
                warnings.extend(unit_warnings(unit, self.timing.patience));
            }
            _ => warnings.extend(self.script_warnings(&status)),
        }
        Ok(warnings)
    }

    /// What stops and starts the engine; an error if a stop could not be proven, or would not end with the engine started again.
    pub(super) fn may_stop(&self, status: &Status) -> Result<&Service, EngineError> {
        let Some(service) = &self.service else {
            return Err(EngineError::NoService {
                doing: "stop",
                manual: self.manual_commands(),
            });
        };
        let refuse = |why: String| {
            Err(EngineError::Unusable {
                unit: service.description(),
                why,
            })
        };
        if let Some(other) = status.others.first() {
            return refuse(format!(
                "would neither start nor stop {}, which uses this file, too; stop that one first, the way it was started, then try again",
                other.words()
            ));
        }
        if let (Some(other), Some(script)) = (
            status.namesakes.first(),
            service.script_by_name(&self.places, status.unit.as_ref()),
        ) {
            return refuse(format!(
                "might stop or start nothing: {} has the engine's name, and {} looks for its engine by name. End that process, then try again",
                other.words(),
                super::text::shown(script.as_os_str().as_encoded_bytes())
            ));
        }
        let proc = Proc::new(&self.places.proc_root);
        let above_us = proc.own_ancestors();
        if let Some(first) = status
            .processes
            .iter()
            .find(|process| process.here && (process.pid == 1 || above_us.contains(&process.pid)))
        {
            return refuse(format!(
                "could not start it again: the engine is process {}, from which this program descends or with which this container ends, so \
                 nobody would be left to do that. Stop the container, save from outside of it, and start it",
                first.pid
            ));
        }
        let missing = if matches!(service, Service::Systemd { .. }) {
            Vec::new()
        } else {
            self.missing_limits(status)
        };
        if let Some(limit) = missing.iter().find(|limit| DEADLY_LIMITS.contains(limit)) {
            return refuse(format!(
                "would start it again with a narrower limit than it has now ({limit}, see ulimit), \
                 from which an engine may die, and this session may not raise it. Save from a session without that limit"
            ));
        }
        let (seen, answer) = self.look();
        match status::once_stopped(&self.view(), seen, answer) {
            (State::None | State::Stopped, _) => Ok(service),
            (_, why) => refuse(format!("could stop it, but that could not be proven here: {why}")),
        }
    }

    /// The limits that the engine has now and would not have again: a script passes ours on, and not everybody may raise them.
    fn missing_limits(&self, status: &Status) -> Vec<&'static str> {
        let engine = status.processes.first();
        let limits = engine.and_then(|engine| Proc::new(&self.places.proc_root).limits(engine.pid).ok());
        limits.map(|text| Limits::parse(&text).missing()).unwrap_or_default()
    }

    fn script_warnings(&self, status: &Status) -> Vec<String> {
        let proc = Proc::new(&self.places.proc_root);
        let mut warnings = Vec::new();
        if let Some(other) = status.namesakes.first() {
            warnings.push(format!(
                "{} has the engine's name; a script that looks for its engine by name may stop or start nothing while it runs",
                other.words()
            ));
        }
        // A container ends with its first process, and that one may wait for nothing but the engine.
        let first = proc.comm(1).unwrap_or_default();
        if !proc.sees_whole_host() && !proc.is_a_system() {
            warnings.push(format!(
                "the first process of this container ({}) is no init system; should it end when the engine stops, the container ends with it",
                super::text::shown(&first)
            ));
        }
        let missing = self.missing_limits(status);
        if !missing.is_empty() {
            warnings.push(format!(
                "the engine would be started with narrower limits than it has now ({}): those of this session, which may not be raised",
                missing.join(", ")
            ));
        }
        warnings
    }
}

fn usable(unit: &Unit) -> Result<(), EngineError> {
    let why = match unit.load_state.as_str() {
        "masked" => "is masked, so it could not be started again: run `systemctl unmask` first",
        "bad-setting" | "error" => {
            "has a unit file that systemd cannot read, so it could not be started again: mend it first (`systemctl status` says what is wrong)"
        }
        _ if !unit.may_stop => "may not be stopped by hand (RefuseManualStop=)",
        _ if !unit.may_start => "may not be started by hand (RefuseManualStart=), so it could not be started again",
        _ => return Ok(()),
    };
    Err(EngineError::Unusable {
        unit: unit.id.clone(),
        why: why.to_owned(),
    })
}

fn unit_warnings(unit: &Unit, patience: Duration) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(limit) = unit.stop_timeout.filter(|limit| unit.kills && *limit < patience) {
        let kind = systemctl(&["show", "-p", "TimeoutStopUSec", &unit.id])
            .words()
            .replace(" --no-ask-password", "");
        warnings.push(format!("systemd kills the engine if it takes longer than {} s to stop (TimeoutStopSec, see `{kind}`); a large mail store may need longer", limit.as_secs()));
    }
    if unit.needs_reload {
        warnings.push(format!(
            "the file of {} changed since systemd read it; systemd uses the old one until `systemctl daemon-reload`",
            unit.id
        ));
    }
    warnings
}
