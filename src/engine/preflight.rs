//! The questions that are asked before the engine is touched: whether it could be stopped, and above all started again.

use super::control::Controller;
use super::detect::State;
use super::error::EngineError;
use super::service::{Commands, Service, systemctl};
use super::unit::Unit;
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
        let Some(service) = &self.service else {
            return Err(EngineError::NoService {
                doing: "stop",
                manual: self.manual_commands(),
            });
        };
        if !rustix::process::geteuid().is_root() && !matches!(service, Service::Commands(_)) {
            return Err(EngineError::NoRights {
                manual: self.manual_commands(),
            });
        }
        if matches!(
            (service, &status.state),
            (Service::Commands(Commands { status: None, .. }), State::Unknown(_))
        ) {
            let why = format!(
                "cannot prove a stop here ({}): set a status command beside stop and start",
                status.why
            );
            return Err(EngineError::Unusable {
                unit: service.description(),
                why,
            });
        }
        service.check_programs()?;
        let mut warnings: Vec<String> = status.note.into_iter().collect();
        if let (Some(unit), Service::Systemd { .. }) = (&status.unit, service) {
            usable(unit)?;
            warnings.extend(unit_warnings(unit, self.timing.patience));
        }
        Ok(warnings)
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
