//! The JSON shapes, documented in the README. Keys are stable and in this order; scripts and the Ansible role read them.

mod backups;
mod change;

use serde::Serialize;

use crate::peers::{Assessed, Coverage, Source, Trouble, Verdict};
use crate::probe::Report;
use crate::tls::TlsVersion;
use crate::work::{PortAnswer, PortProof};

pub(super) use backups::{BackupJson, BackupsJson, DifferenceJson};
pub(super) use change::{ChangeJson, ConflictJson, changes, conflicts, edits};

/// `show`
#[derive(Serialize)]
pub(super) struct ShowJson {
    pub(super) file: String,
    pub(super) engine: &'static str,
    pub(super) inbound: DirectionJson,
    pub(super) outbound: DirectionJson,
}

/// One direction of `show`.
#[derive(Serialize)]
pub(super) struct DirectionJson {
    pub(super) table: &'static str,
    pub(super) minimum: &'static str,
    pub(super) why: Option<String>,
    pub(super) protocols: Option<Vec<&'static str>>,
    pub(super) variables: Vec<VariableJson>,
}

/// One variable; secrets are masked.
#[derive(Serialize)]
pub(super) struct VariableJson {
    pub(super) name: String,
    pub(super) value: Option<String>,
    pub(super) role: Option<&'static str>,
    pub(super) in_file: bool,
    pub(super) assumed: bool,
}

/// `check`
#[derive(Serialize)]
pub(super) struct CheckJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) live: Option<Vec<PortJson>>,
    pub(super) minimum: &'static str,
    pub(super) ok: bool,
    pub(super) inbound: &'static str,
    pub(super) outbound: &'static str,
    pub(super) cut_off: Vec<PeerJson>,
    pub(super) unknown: usize,
    pub(super) reasons: Vec<String>,
    pub(super) warnings: Vec<String>,
    /// With `live`: the engine's ports that were not asked, because nobody knows what is spoken there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) not_asked: Option<Vec<u16>>,
}

/// `peers`
#[derive(Serialize)]
pub(super) struct PeersJson {
    /// `null`: the file's, which is not the same in both directions (see `show`).
    pub(super) minimum: Option<&'static str>,
    pub(super) window_days: u32,
    pub(super) peers: Vec<PeerJson>,
    pub(super) coverage: CoverageJson,
    pub(super) warnings: Vec<String>,
    /// Recipient domains all of whose mail goes to peers that are cut off.
    pub(super) cut_off_domains: Vec<String>,
}

/// Coverage by direction.
#[derive(Serialize)]
pub(super) struct CoverageJson {
    pub(super) outbound: KnownJson,
    pub(super) inbound: KnownJson,
}

/// How many peers are known, of how many.
#[derive(Serialize)]
pub(super) struct KnownJson {
    pub(super) known: usize,
    pub(super) all: usize,
    pub(super) newest: Option<String>,
    pub(super) oldest: Option<String>,
}

impl From<Coverage> for KnownJson {
    fn from(coverage: Coverage) -> Self {
        Self {
            known: coverage.known,
            all: coverage.all,
            newest: coverage.newest.map(|time| time.to_string()),
            oldest: coverage.oldest.map(|time| time.to_string()),
        }
    }
}

/// One peer and its verdict.
#[derive(Serialize)]
pub(super) struct PeerJson {
    pub(super) direction: &'static str,
    /// With the port where it is not the service's usual one.
    pub(super) address: String,
    pub(super) names: Vec<String>,
    pub(super) service: &'static str,
    pub(super) messages: u64,
    pub(super) verdict: &'static str,
    pub(super) highest: Option<&'static str>,
    pub(super) source: Option<&'static str>,
    pub(super) seen: Option<String>,
    pub(super) delayed: u64,
    pub(super) failed: u64,
    /// What the remote server said about TLS in the log, word for word.
    pub(super) remark: Option<String>,
}

impl From<&Assessed<'_>> for PeerJson {
    fn from(row: &Assessed<'_>) -> Self {
        let key = &row.peer.key;
        Self {
            direction: key.direction.token(),
            address: key.host_and_port(),
            names: row.peer.names.clone(),
            service: key.service.token(),
            messages: row.peer.messages,
            verdict: verdict_token(row.verdict),
            highest: row.highest.map(TlsVersion::token),
            source: row.decisive.map(|record| source_token(record.source)),
            seen: row.decisive.map(|record| record.last_seen.to_string()),
            delayed: row.peer.delayed,
            failed: row.peer.failed,
            remark: row.peer.remark().map(str::to_owned),
        }
    }
}

const fn verdict_token(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::CutOff => "cut-off",
        Verdict::Mixed => "mixed",
        Verdict::Plain => "plain",
        Verdict::Unknown => "unknown",
        Verdict::Ok => "ok",
    }
}

const fn source_token(source: Source) -> &'static str {
    match source {
        Source::Probe => "probe",
        Source::Received => "received",
        Source::PeersFile => "peers-file",
        Source::MailLog => "mail.log",
    }
}

/// `probe`
#[derive(Serialize)]
pub(super) struct ProbeJson {
    target: String,
    service: &'static str,
    highest: Option<&'static str>,
    outcome: &'static str,
    connections: u32,
    ms: f64,
    detail: String,
    remembered: bool,
}

impl ProbeJson {
    /// `remembered`: it is a known peer's, and kept.
    pub(super) fn new(report: &Report, remembered: bool) -> Self {
        Self {
            remembered,
            target: report.target.to_string(),
            service: report.target.service.token(),
            highest: report.highest().map(TlsVersion::token),
            outcome: report.outcome.token(),
            connections: report.connections,
            ms: report.milliseconds(),
            detail: report.detail.clone(),
        }
    }
}

/// `peers --since-save`
#[derive(Serialize)]
pub(super) struct SinceSaveJson {
    pub(super) since: Option<String>,
    /// Of the mail log; before it lies `since`, or nothing can be said yet.
    pub(super) newest_line: Option<String>,
    pub(super) peers: Vec<TroubleJson>,
}

/// One peer whose mail is delayed or failing since the last save.
#[derive(Serialize)]
pub(super) struct TroubleJson {
    direction: &'static str,
    address: String,
    messages: u64,
    new: bool,
    status: String,
    first: String,
    last: String,
}

impl From<&Trouble> for TroubleJson {
    fn from(trouble: &Trouble) -> Self {
        Self {
            direction: trouble.peer.direction.token(),
            address: trouble.peer.host_and_port(),
            messages: trouble.count,
            new: trouble.worked_before && !trouble.troubled_before,
            status: trouble.status.clone(),
            first: trouble.first.to_string(),
            last: trouble.last.to_string(),
        }
    }
}

/// What one of the server's own ports accepts.
#[derive(Serialize)]
pub(super) struct PortJson {
    port: u16,
    service: &'static str,
    accepts: Vec<&'static str>,
    refuses: Vec<&'static str>,
    unknown: Vec<&'static str>,
    /// TLS 1.3 that was agreed to and not gone through (HelloRetryRequest).
    agrees: Vec<&'static str>,
    address: String,
}

impl From<&PortProof> for PortJson {
    fn from(proof: &PortProof) -> Self {
        let list = |wanted: fn(&PortAnswer) -> bool| {
            proof
                .answers
                .iter()
                .filter(|(_, answer)| wanted(answer))
                .map(|(version, _)| version.token())
                .collect()
        };
        Self {
            port: proof.address.port(),
            service: proof.service.token(),
            accepts: list(|answer| *answer == PortAnswer::Accepts),
            refuses: list(|answer| *answer == PortAnswer::Refuses),
            unknown: list(|answer| matches!(answer, PortAnswer::NoAnswer(_))),
            agrees: list(|answer| *answer == PortAnswer::Agrees),
            address: proof.address.ip().to_string(),
        }
    }
}
