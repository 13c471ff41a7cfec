//! `probe`: one TLS question to hosts that are named.

use std::net::IpAddr;

use crate::host::HostError;
use crate::peers::{Host as PeerHost, PeerKey, Record};
use crate::tls::Direction;
use crate::tls::Service;
use crate::work::{self, ask};
use crate::work::{Cancel, Outcome, Report, Settings, Target, TargetHost};

use super::args::{Arguments, Probe};
use super::console::Console;
use super::failure::Failure;
use super::json::ProbeJson;
use super::opened::Opened;

/// Runs `probe`. Nothing of `mailserver.cfg` is needed for it, so it works on any host; where there is one, what its
/// known peers answer is remembered.
///
/// # Errors
/// [`Failure`].
pub(super) fn run(arguments: &Arguments, probe: &Probe, console: &mut Console<'_>) -> Result<(), Failure> {
    let service = Service::from_token(&probe.service)
        .ok_or_else(|| Failure::Usage(format!("--service: expected one of {}", tokens())))?;
    let targets = probe
        .host
        .iter()
        .map(|host| Target::parse(host, service))
        .collect::<Result<Vec<_>, _>>();
    let targets = targets.map_err(|error| Failure::Usage(error.to_string()))?;
    let mut opened = open(arguments, console)?;
    let settings = settings(arguments, opened.as_ref())?;
    let cancel = Cancel::new().map_err(|error| failed(&error.to_string()))?;
    // In the demo nobody else is ever asked: a pretend peer stands for each.
    let in_place: Vec<Target> = targets.iter().map(|target| stand_in(opened.as_ref(), target)).collect();
    let mut reports: Vec<Option<Report>> = vec![None; targets.len()];
    let trouble = ask(&in_place, &settings, &cancel, |place, report| {
        if let (Some(slot), Some(target)) = (reports.get_mut(place), targets.get(place)) {
            let target = target.clone();
            *slot = Some(Report { target, ..report });
        }
    });
    let reports: Vec<Report> = reports.into_iter().flatten().collect();
    if !probe.output.json {
        let lines: Vec<String> = reports.iter().map(words).collect();
        console.lines(&lines)?;
    }
    // After the answers: reading the logs can take longer than asking.
    let remembered = match &mut opened {
        Some(opened) if !reports.is_empty() => remember(opened, &reports, console),
        _ => vec![false; reports.len()],
    };
    if probe.output.json {
        let pairs = reports.iter().zip(&remembered);
        let all: Vec<ProbeJson> = pairs.map(|(report, kept)| ProbeJson::new(report, *kept)).collect();
        match all.as_slice() {
            [one] => console.json(one)?,
            _ => console.json(&all)?,
        }
    }
    trouble.map_or(Ok(()), |words| Err(failed(&words)))
}

fn failed(why: &str) -> Failure {
    Failure::NotSaved(format!("the probe could not be made: {why}"))
}

/// The file whose peers these may be. A host without one can probe as well; a file that was named must be there.
fn open(arguments: &Arguments, console: &mut Console<'_>) -> Result<Option<Opened>, Failure> {
    let named = arguments.general.file.is_some() || arguments.general.demo;
    match Opened::open(arguments, console) {
        Ok(opened) => Ok(Some(opened)),
        Err(Failure::Host(HostError::NoFile)) if !named => Ok(None),
        Err(Failure::Host(error @ (HostError::Save(_) | HostError::Parse { .. }))) if !named => {
            console.warn(&format!("what is answered will not be remembered: {error}"));
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

fn settings(arguments: &Arguments, opened: Option<&Opened>) -> Result<Settings, Failure> {
    match opened {
        Some(opened) => Ok(work::settings(&opened.host)),
        None => Ok(work::settings_without_file(&arguments.general.host_options().home).map_err(HostError::from)?),
    }
}

fn stand_in(opened: Option<&Opened>, target: &Target) -> Target {
    opened
        .filter(|opened| opened.host.is_demo())
        .and_then(|opened| work::question(&opened.host, &key(target)?))
        .map_or_else(|| target.clone(), |question| question.target)
}

/// A target as a peer: this server calls it.
fn key(target: &Target) -> Option<PeerKey> {
    let host = match &target.host {
        TargetHost::Address(address) => PeerHost::Address(address.to_canonical()),
        TargetHost::Name(name) => PeerHost::parse(name.as_str())?,
    };
    Some(PeerKey {
        direction: Direction::Outbound,
        service: target.service,
        host,
        port: Some(target.port).filter(|port| *port != target.service.port()),
    })
}

/// Remembers what known peers answered, and says so. For each report: is it remembered?
fn remember(opened: &mut Opened, reports: &[Report], console: &mut Console<'_>) -> Vec<bool> {
    let book = opened.gather();
    let known = |report: &Report| -> Option<Vec<Record>> {
        // Loopback is no peer, whoever names it.
        if is_loopback(report) && !opened.host.is_demo() {
            return None;
        }
        let asked = key(&report.target)?;
        // The demo's stand-ins answer from addresses of their own.
        let answered = report.address.map(|address| address.ip());
        let answered: Option<IpAddr> = answered.filter(|_| !opened.host.is_demo());
        let key = opened.sources.known(&book, &asked, answered)?;
        Some(work::evidence_of(&opened.host, &key, report))
    };
    let records: Vec<Option<Vec<Record>>> = reports.iter().map(known).collect();
    let (kept, others): (Vec<_>, Vec<_>) = records.iter().zip(reports).partition(|(record, _)| record.is_some());
    let names = |of: &[(&Option<Vec<Record>>, &Report)]| -> String {
        let names: Vec<String> = of.iter().map(|(_, report)| report.target.to_string()).collect();
        names.join(", ")
    };
    let (loopback, others): (Vec<_>, Vec<_>) = others
        .into_iter()
        .partition(|(_, report)| is_loopback(report) && !opened.host.is_demo());
    for (because, of) in [
        ("loopback is no peer", loopback),
        ("neither logs nor peers file name it", others),
    ] {
        if !of.is_empty() {
            console.note(&format!("Not remembered, because {because}: {}", names(&of)));
        }
    }
    let records_kept: Vec<Record> = records.iter().flatten().flatten().cloned().collect();
    if let Some(problem) = work::remember_aloud(&opened.host, &records_kept) {
        console.warn(&problem);
        return vec![false; reports.len()];
    }
    if !kept.is_empty() {
        console.note(&format!("Remembered for check, peers and set: {}", names(&kept)));
    }
    records.iter().map(Option::is_some).collect()
}

fn is_loopback(report: &Report) -> bool {
    report.address.is_some_and(|address| address.ip().is_loopback())
}

fn words(report: &Report) -> String {
    let what = match report.highest() {
        Some(version) => format!("highest is {version}"),
        None => match &report.outcome {
            Outcome::AtLeast(version) => format!("refused: at least {version}; its highest is not known"),
            outcome => format!("{}: {}", outcome.token(), outcome.words()),
        },
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
    Ok(work::prove(&opened.host, &opened.session.loaded().expected(), &cancel))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::TlsVersion;

    fn report(outcome: Outcome, detail: &str) -> Report {
        Report {
            target: Target::parse("mx.example.org", Service::Smtp).unwrap(),
            outcome,
            basis: crate::work::Basis::default(),
            address: None,
            addresses: Vec::new(),
            not_asked: Vec::new(),
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
        let line = words(&report(
            Outcome::AtLeast(TlsVersion::Tls12),
            "TLS 1.2, marked as talked down",
        ));
        assert!(
            line.ends_with(
                "refused: at least TLS 1.2; its highest is not known  (5.2 ms; TLS 1.2, marked as talked down)"
            ),
            "{line}"
        );
    }
}
