//! `check`: has the file at least this minimum, and is nobody known cut off by it?

use crate::host::clock;
use crate::peers::{Impact, PeerBook, Threshold, Verdict, assess};
use crate::session::{Session, amount, first_of};
use crate::tls::{Direction, Minimum, TlsVersion};
use crate::work::{self, LiveProof, OfferState, PortAnswer};

use super::args::Check;
use super::console::Console;
use super::failure::Failure;
use super::json::{CheckJson, PeerJson, PortJson};
use super::opened::Opened;

/// Most hosts named in one line.
const NAMED: usize = 5;

/// Runs `check`.
///
/// # Errors
/// [`Failure::Short`] when it is short of the minimum, [`Failure::Output`].
pub(super) fn run(opened: &mut Opened, check: Check, console: &mut Console<'_>) -> Result<(), Failure> {
    let book = opened.gather();
    let live = if check.live {
        let proof = super::probe::live(opened)?;
        // What the server's default is may be known from now on.
        let measured = work::measured_with(&opened.host, &proof, &opened.session.loaded().expected());
        opened.session.set_measured(measured);
        Some(proof)
    } else {
        None
    };
    report(opened, &book, live.as_ref(), check, console)
}

/// Holds the file against the minimum, with these peers, and with what the ports said where they were asked.
///
/// # Errors
/// [`Failure::Short`], [`Failure::Output`].
pub(super) fn report(
    opened: &Opened,
    book: &PeerBook,
    live: Option<&LiveProof>,
    check: Check,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let mut found = Found::of(&opened.session, book, check);
    if let Some(proof) = live {
        let inbound = opened.session.loaded().minimum(Direction::Inbound);
        found.live(proof, &inbound, check);
    }
    let set = opened.session.loaded().minimum(Direction::Outbound).clone();
    let outbound = live.and_then(|_| work::outbound_proof(&opened.host, &opened.sources, book, &set, &clock()));
    if let Some(proof) = outbound
        .as_ref()
        .filter(|proof| proof.state == OfferState::Contradicted)
    {
        found.reasons.push(proof.words.clone());
    }
    let reasons = found.reasons.join("; ");
    if check.output.json {
        let ports = live.map(|proof| proof.ports.iter().map(PortJson::from).collect());
        console.json(&CheckJson {
            live: ports,
            not_asked: live.map(|proof| proof.skipped.clone()),
            outbound_seen: outbound.as_ref().map(|proof| proof.state.token()),
            outbound_words: outbound.as_ref().map(|proof| proof.words.clone()),
            ..found.json(&opened.session, check.min)
        })?;
    } else {
        for warning in &found.warnings {
            console.warn(warning);
        }
        if let Some(proof) = live {
            console.lines(&proof.lines())?;
        }
        if let Some(proof) = &outbound {
            console.lines(std::slice::from_ref(&proof.words))?;
        }
        if found.reasons.is_empty() {
            let unproven = live.is_some_and(|proof| proof.took_effect().is_none());
            let rest = if unproven {
                " in the file; not every port has shown it"
            } else {
                ""
            };
            let words = format!("{}: both directions have at least {}{rest}", opened.file(), check.min);
            console.lines(&[words])?;
        }
    }
    if found.reasons.is_empty() {
        Ok(())
    } else {
        Err(Failure::Short(format!(
            "{} is short of {}: {reasons}",
            opened.file(),
            check.min
        )))
    }
}

/// What a check found.
struct Found<'a> {
    reasons: Vec<String>,
    warnings: Vec<String>,
    impacts: Vec<Impact<'a>>,
}

impl<'a> Found<'a> {
    fn of(session: &Session, book: &'a PeerBook, check: Check) -> Self {
        let mut found = Self {
            reasons: Vec::new(),
            warnings: book.warnings.clone(),
            impacts: Vec::new(),
        };
        for direction in Direction::ALL {
            found.reasons.extend(shortfall(session, direction, check.min));
        }
        for direction in Direction::ALL {
            let impact = assess(book, direction, Threshold::At(check.min));
            found.peers(direction, &impact, check.require_known);
            found.impacts.push(impact);
        }
        found
    }

    fn peers(&mut self, direction: Direction, impact: &Impact<'_>, require_known: bool) {
        let way = direction.token();
        if impact.counts.cut_off > 0 {
            let peers = amount(impact.counts.cut_off, "known peer is", "known peers are");
            self.reasons
                .push(format!("{way}: {peers} cut off ({})", hosts(impact, Verdict::CutOff)));
        }
        // Not knowing is never counted as fine; whether it fails is the caller's to say.
        let open = if require_known {
            &mut self.reasons
        } else {
            &mut self.warnings
        };
        if impact.coverage.all == 0 {
            open.push(format!(
                "{way}: no peer is known at all, neither from the logs nor from a peers file"
            ));
        }
        if impact.counts.unknown > 0 {
            let peers = amount(impact.counts.unknown, "peer", "peers");
            open.push(format!("{way}: {peers} never measured"));
        }
        if impact.counts.mixed > 0 {
            let peers = amount(impact.counts.mixed, "peer", "peers");
            open.push(format!(
                "{way}: the evidence of {peers} disagrees ({})",
                hosts(impact, Verdict::Mixed)
            ));
        }
    }

    /// What the server's own ports said. Nothing seen is no proof, so it is short of the minimum as well.
    /// A part not seen is a warning, as peers never measured are.
    fn live(&mut self, proof: &LiveProof, chosen: &Minimum, check: Check) {
        let minimum = check.min;
        self.reasons.extend(proof.contradictions.iter().cloned());
        for port in &proof.ports {
            // What contradicts the file is said already.
            let said = |version: TlsVersion| matches!(chosen, Minimum::At(chosen) if version < *chosen);
            let older: Vec<String> = port
                .answers
                .iter()
                .filter(|(version, answer)| *version < minimum && *answer == PortAnswer::Accepts && !said(*version))
                .map(|(version, _)| version.to_string())
                .collect();
            if !older.is_empty() {
                self.reasons
                    .push(format!("port {} accepts {}", port.address.port(), older.join(", ")));
            }
        }
        if proof.has_answers() && !check.require_known {
            self.warnings.extend(proof.open.iter().cloned());
        } else {
            self.reasons.extend(proof.open.iter().cloned());
        }
    }

    fn json(&self, session: &Session, minimum: TlsVersion) -> CheckJson {
        CheckJson {
            live: None,
            not_asked: None,
            outbound_seen: None,
            outbound_words: None,
            minimum: minimum.token(),
            ok: self.reasons.is_empty(),
            inbound: session.loaded().minimum(Direction::Inbound).token(),
            outbound: session.loaded().minimum(Direction::Outbound).token(),
            cut_off: self
                .impacts
                .iter()
                .flat_map(|impact| &impact.rows)
                .filter(|row| row.verdict == Verdict::CutOff)
                .map(PeerJson::from)
                .collect(),
            unknown: self.impacts.iter().map(|impact| impact.counts.unknown).sum(),
            reasons: self.reasons.clone(),
            warnings: self.warnings.clone(),
        }
    }
}

/// Why a direction is short of the minimum; `None`: it is not.
fn shortfall(session: &Session, direction: Direction, wanted: TlsVersion) -> Option<String> {
    let minimum = session.loaded().minimum(direction);
    let way = direction.token();
    match (&minimum, session.threshold(direction, &minimum)) {
        (Minimum::Custom(why), _) => Some(format!("{way} is custom ({why})")),
        (Minimum::Default, Threshold::At(measured)) if measured < wanted => {
            Some(format!("{way} is the server's default, measured as {measured}"))
        }
        (Minimum::Default, Threshold::NotKnown) => {
            Some(format!("{way} is the server's default, which was never measured"))
        }
        (Minimum::At(version), _) if *version < wanted => Some(format!("{way} is at {version}")),
        _ => None,
    }
}

fn hosts(impact: &Impact<'_>, verdict: Verdict) -> String {
    let of_verdict = impact.rows.iter().filter(|row| row.verdict == verdict);
    first_of(of_verdict.map(|row| row.peer.key.host_and_port()), NAMED)
}
