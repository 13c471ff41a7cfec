//! `probe`: one TLS question to hosts that are named.

use crate::probe::{Cancel, Report, Service, Target, WORKERS, probe_many};

use super::args::Probe;
use super::console::Console;
use super::failure::Failure;
use super::json::ProbeJson;
use super::opened::Opened;

/// Runs `probe`. Nothing of `mailserver.cfg` is needed for it, so it works on any host.
///
/// # Errors
/// [`Failure`].
pub(super) fn run(probe: &Probe, console: &mut Console<'_>) -> Result<(), Failure> {
    let service = Service::from_token(&probe.service)
        .ok_or_else(|| Failure::Usage(format!("--service: expected one of {}", tokens())))?;
    let targets = probe
        .host
        .iter()
        .map(|host| Target::parse(host, service))
        .collect::<Result<Vec<_>, _>>();
    let targets = targets.map_err(|error| Failure::Usage(error.to_string()))?;
    let settings = crate::work::probe_settings();
    let failed = |error: &dyn std::fmt::Display| Failure::NotSaved(format!("the probe could not be made: {error}"));
    let cancel = Cancel::new().map_err(|error| failed(&error))?;
    let mut reports: Vec<Option<Report>> = vec![None; targets.len()];
    let mut trouble = None;
    probe_many(&targets, &settings, WORKERS, &cancel, |place, result| {
        match (reports.get_mut(place), result) {
            (Some(slot), Ok(report)) => *slot = Some(report),
            (_, Err(error)) => trouble = Some(error.to_string()),
            (None, Ok(_)) => {}
        }
    })
    .map_err(|error| failed(&error))?;
    let reports: Vec<Report> = reports.into_iter().flatten().collect();
    if probe.output.json {
        let all: Vec<ProbeJson> = reports.iter().map(ProbeJson::from).collect();
        match all.as_slice() {
            [one] => console.json(one)?,
            _ => console.json(&all)?,
        }
    } else {
        let lines: Vec<String> = reports.iter().map(words).collect();
        console.lines(&lines)?;
    }
    trouble.map_or(Ok(()), |words| Err(failed(&words)))
}

fn words(report: &Report) -> String {
    let what = match report.highest() {
        Some(version) => format!("highest is {version}"),
        None => format!("{}: {}", report.outcome.token(), report.outcome.words()),
    };
    // Where there is only a reason, it is the detail too: said once.
    let detail = if report.detail == report.outcome.words() {
        String::new()
    } else {
        format!("; {}", report.detail)
    };
    format!(
        "{} {}  {what}  ({} ms{detail})",
        report.target,
        report.target.service,
        report.milliseconds(),
    )
}

fn tokens() -> String {
    Service::ALL.map(Service::token).join(", ")
}

/// What the server's own ports accept, for `check --live`: lines for people, and what contradicts the choice.
///
/// # Errors
/// [`Failure::NotSaved`] when nothing could be asked.
pub(super) fn live(opened: &Opened) -> Result<crate::work::LiveProof, Failure> {
    let cancel = Cancel::new().map_err(|error| Failure::NotSaved(format!("the ports could not be asked: {error}")))?;
    let minimum = opened.session.loaded_minimum(crate::tls::Direction::Inbound);
    Ok(opened.host.prove(&minimum, &cancel))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Outcome;

    fn report(outcome: Outcome, detail: &str) -> Report {
        Report {
            target: Target::parse("mx.example.org", Service::Smtp).unwrap(),
            outcome,
            address: None,
            connections: 1,
            elapsed: std::time::Duration::from_micros(5200),
            detail: detail.to_owned(),
        }
    }

    #[test]
    fn a_reason_is_said_once_and_what_goes_beyond_it_beside_the_time() {
        let refused = "connection refused";
        let line = words(&report(Outcome::NoAnswer(refused.to_owned()), refused));
        assert!(line.ends_with("no-answer: connection refused  (5.2 ms)"), "{line}");
        let line = words(&report(
            Outcome::Refused("alert 70".to_owned()),
            "alert 70; then alert 40",
        ));
        assert!(
            line.ends_with("refused: alert 70  (5.2 ms; alert 70; then alert 40)"),
            "{line}"
        );
    }
}
