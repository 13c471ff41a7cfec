//! What `show`, `check`, `peers` and `probe` say.

use serde::Serialize;

use crate::peers::{Assessed, Coverage, Trouble, Verdict, Whose};
use crate::session::ValueChange;
use crate::tls::TlsVersion;
use crate::work::{Changed, ChangedVariable};
use crate::work::{PortAnswer, PortProof};
use crate::work::{RefusedClient, Report};

/// `show`
#[derive(Serialize)]
pub(in crate::cli) struct ShowJson {
    pub(in crate::cli) file: String,
    pub(in crate::cli) engine: &'static str,
    pub(in crate::cli) inbound: DirectionJson,
    pub(in crate::cli) outbound: DirectionJson,
}

/// One direction of `show`.
#[derive(Serialize)]
pub(in crate::cli) struct DirectionJson {
    pub(in crate::cli) table: &'static str,
    pub(in crate::cli) minimum: &'static str,
    pub(in crate::cli) why: Option<String>,
    pub(in crate::cli) protocols: Option<Vec<&'static str>>,
    pub(in crate::cli) variables: Vec<VariableJson>,
}

/// One variable; secrets are masked.
#[derive(Serialize)]
pub(in crate::cli) struct VariableJson {
    pub(in crate::cli) name: String,
    pub(in crate::cli) value: Option<String>,
    pub(in crate::cli) role: Option<&'static str>,
    pub(in crate::cli) in_file: bool,
    pub(in crate::cli) assumed: bool,
    pub(in crate::cli) name_sure: Option<&'static str>,
}

/// `check`
#[derive(Serialize)]
pub(in crate::cli) struct CheckJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) live: Option<Vec<PortJson>>,
    pub(in crate::cli) minimum: &'static str,
    pub(in crate::cli) ok: bool,
    pub(in crate::cli) inbound: &'static str,
    pub(in crate::cli) outbound: &'static str,
    pub(in crate::cli) cut_off: Vec<PeerJson>,
    pub(in crate::cli) unknown: usize,
    pub(in crate::cli) reasons: Vec<String>,
    pub(in crate::cli) warnings: Vec<String>,
    /// With `live`: the engine's ports that were not asked, because nobody knows what is spoken there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) not_asked: Option<Vec<u16>>,
    /// With `live`, and where the wire was watched: what the engine's own hellos say of the outbound setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) outbound_seen: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) outbound_words: Option<String>,
}

/// `peers`
#[derive(Serialize)]
pub(in crate::cli) struct PeersJson {
    /// `null`: the file's, which is not the same in both directions (see `show`).
    pub(in crate::cli) minimum: Option<&'static str>,
    pub(in crate::cli) window_days: u32,
    pub(in crate::cli) peers: Vec<PeerJson>,
    pub(in crate::cli) coverage: CoverageJson,
    pub(in crate::cli) warnings: Vec<String>,
    /// Recipient domains all of whose mail goes to peers that are cut off.
    pub(in crate::cli) cut_off_domains: Vec<String>,
}

/// Coverage by direction.
#[derive(Serialize)]
pub(in crate::cli) struct CoverageJson {
    pub(in crate::cli) outbound: KnownJson,
    pub(in crate::cli) inbound: KnownJson,
}

/// How many peers are known, of how many.
#[derive(Serialize)]
pub(in crate::cli) struct KnownJson {
    pub(in crate::cli) known: usize,
    pub(in crate::cli) all: usize,
    pub(in crate::cli) newest: Option<String>,
    pub(in crate::cli) oldest: Option<String>,
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
pub(in crate::cli) struct PeerJson {
    pub(in crate::cli) direction: &'static str,
    /// With the port where it is not the service's usual one.
    pub(in crate::cli) address: String,
    pub(in crate::cli) names: Vec<String>,
    pub(in crate::cli) service: &'static str,
    pub(in crate::cli) messages: u64,
    pub(in crate::cli) verdict: &'static str,
    pub(in crate::cli) highest: Option<&'static str>,
    pub(in crate::cli) source: Option<&'static str>,
    pub(in crate::cli) seen: Option<String>,
    pub(in crate::cli) delayed: u64,
    pub(in crate::cli) failed: u64,
    /// What the remote server said about TLS in the log, word for word.
    pub(in crate::cli) remark: Option<String>,
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
            source: row.decisive.map(|record| record.source.token()),
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

/// `probe`
#[derive(Serialize)]
pub(in crate::cli) struct ProbeJson {
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
    pub(in crate::cli) fn new(report: &Report, remembered: bool) -> Self {
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
pub(in crate::cli) struct SinceSaveJson {
    pub(in crate::cli) since: Option<String>,
    /// Of the mail log; before it lies `since`, or nothing can be said yet.
    pub(in crate::cli) newest_line: Option<String>,
    pub(in crate::cli) peers: Vec<TroubleJson>,
    /// Clients of this server; `null`: nothing was watched.
    pub(in crate::cli) refused: Option<Vec<RefusedJson>>,
}

/// One client that was refused since the last save.
#[derive(Serialize)]
pub(in crate::cli) struct RefusedJson {
    address: String,
    service: Option<&'static str>,
    port: u16,
    offered: Option<&'static str>,
    reason: &'static str,
    last: String,
    /// `null`: it cannot be told, or is nobody's.
    user: Option<String>,
    stranger: bool,
}

impl From<&RefusedClient> for RefusedJson {
    fn from(client: &RefusedClient) -> Self {
        Self {
            address: client.address.to_string(),
            service: client.service.map(|service| service.token()),
            port: client.port,
            offered: client.offered.map(TlsVersion::token),
            reason: client.reason,
            last: client.last.to_string(),
            user: match &client.whose {
                Whose::User(user) => Some(user.clone()),
                Whose::OneOf(_) | Whose::Nobody | Whose::NotKnown => None,
            },
            stranger: client.stranger,
        }
    }
}

/// One peer whose mail is delayed or failing since the last save.
#[derive(Serialize)]
pub(in crate::cli) struct TroubleJson {
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
pub(in crate::cli) struct PortJson {
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

/// `names`
#[derive(Serialize)]
pub(in crate::cli) struct NamesJson {
    pub(in crate::cli) engine: EngineProgramJson,
    pub(in crate::cli) names: Vec<NameJson>,
    pub(in crate::cli) candidates: Vec<CandidateJson>,
    pub(in crate::cli) governs: serde_json::Value,
}

/// The engine's program.
#[derive(Serialize)]
pub(in crate::cli) struct EngineProgramJson {
    pub(in crate::cli) program: Option<String>,
    pub(in crate::cli) build: Option<String>,
    pub(in crate::cli) openssl: Option<String>,
    /// Why it tells nothing of names, where it does not.
    pub(in crate::cli) tells_nothing: Option<String>,
}

/// One role of a table and its name.
#[derive(Serialize)]
pub(in crate::cli) struct NameJson {
    pub(in crate::cli) table: &'static str,
    pub(in crate::cli) role: &'static str,
    pub(in crate::cli) name: Option<String>,
    pub(in crate::cli) name_sure: Option<&'static str>,
    pub(in crate::cli) since: Option<String>,
}

/// A name that may be a variable's.
#[derive(Serialize)]
pub(in crate::cli) struct CandidateJson {
    pub(in crate::cli) role: Option<&'static str>,
    pub(in crate::cli) name: String,
    pub(in crate::cli) r#where: String,
    /// Only its first 16 letters can be seen.
    pub(in crate::cli) cut: bool,
    pub(in crate::cli) values: Vec<String>,
}

/// `names --learn`
#[derive(Serialize)]
pub(in crate::cli) struct LearnedJson {
    /// Nothing changed yet: the question stays open.
    waiting: bool,
    changed: Vec<ChangedJson>,
    log: Vec<String>,
    /// The variable that was taken.
    learned: Option<String>,
}

/// One value that changed; masked where secret.
#[derive(Serialize)]
struct ChangedJson {
    place: String,
    old: Option<String>,
    new: Option<String>,
}

impl LearnedJson {
    /// Nothing changed yet.
    pub(in crate::cli) const fn waiting() -> Self {
        Self {
            waiting: true,
            changed: Vec::new(),
            log: Vec::new(),
            learned: None,
        }
    }

    /// What changed, and which of it was taken.
    pub(in crate::cli) fn new(changed: &Changed, taken: Option<&ChangedVariable>) -> Self {
        let of = |change: &ValueChange| ChangedJson {
            place: change.place.clone(),
            old: change.old.clone(),
            new: change.new.clone(),
        };
        Self {
            waiting: false,
            changed: changed.changes.iter().map(of).collect(),
            log: changed.log.clone(),
            learned: taken.map(|variable| variable.name.clone()),
        }
    }
}
