//! Asking peers, on the user's word only: who would be asked, what that means, and what came of it as evidence.

use jiff::Timestamp;

use crate::peers::{Evidence, Host as PeerHost, Knowledge, PeerBook, PeerKey, Record, Source};
use crate::probe::{
    Cancel, EhloName, Outcome, ProbeError, ProbePlan, Report, Service, Settings, Target, WORKERS, probe_many,
};
use crate::tls::Direction;

use super::host::Host;

/// A peer and where a probe of it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The peer.
    pub key: PeerKey,
    /// The address, port and service.
    pub target: Target,
}

impl Host {
    /// How this host asks: under its own name.
    #[must_use]
    pub fn probe_settings(&self) -> Settings {
        probe_settings()
    }

    /// The outbound peers of a book that can be asked. `only_unmeasured`: those without a probe.
    #[must_use]
    pub fn questions(&self, book: &PeerBook, only_unmeasured: bool) -> Vec<Question> {
        book.peers
            .iter()
            .filter(|peer| peer.key.direction == Direction::Outbound)
            .filter(|peer| !only_unmeasured || !peer.evidence.iter().any(|evidence| evidence.source == Source::Probe))
            .filter_map(|peer| self.question(&peer.key))
            .collect()
    }

    /// The question to one outbound peer; `None`: its name cannot be looked up, or it is one that calls us: what its own
    /// ports answer says nothing of the program that calls.
    #[must_use]
    pub fn question(&self, key: &PeerKey) -> Option<Question> {
        if key.direction != Direction::Outbound {
            return None;
        }
        let target = match self.pretend(key) {
            // In the demo nobody else is ever asked.
            Some(pretend) => pretend?,
            None => target(key)?,
        };
        Some(Question {
            key: key.clone(),
            target,
        })
    }

    /// What asking them means, in words.
    #[must_use]
    pub fn probe_plan(&self, questions: &[Question]) -> ProbePlan {
        let targets: Vec<Target> = questions.iter().map(|question| question.target.clone()).collect();
        ProbePlan::new(&targets, &self.probe_settings())
    }

    /// Asks them, and remembers what they said. `heard` gets each result as it comes.
    ///
    /// # Errors
    /// [`ProbeError::Local`] when nothing could be started.
    pub fn probe(
        &self,
        questions: &[Question],
        cancel: &Cancel,
        mut heard: impl FnMut(Record),
    ) -> Result<Vec<Record>, ProbeError> {
        let targets: Vec<Target> = questions.iter().map(|question| question.target.clone()).collect();
        let mut records = Vec::new();
        probe_many(&targets, &self.probe_settings(), WORKERS, cancel, |place, result| {
            if let (Some(question), Ok(report)) = (questions.get(place), result) {
                let record = self.record(&question.key, &report);
                heard(record.clone());
                records.push(record);
            }
        })?;
        Ok(records)
    }

    /// A probe's report as evidence.
    #[must_use]
    pub fn record(&self, key: &PeerKey, report: &Report) -> Record {
        let now = Timestamp::now();
        let named = matches!(key.host, PeerHost::Name(_)) && !self.is_demo();
        Record {
            key: key.clone(),
            address: report.address.map(|address| address.ip()).filter(|_| named),
            authenticated: false,
            evidence: Evidence {
                knowledge: knowledge(&report.outcome),
                source: Source::Probe,
                first_seen: now,
                last_seen: now,
                count: 1,
                raw: report.detail.clone(),
            },
        }
    }
}

fn target(key: &PeerKey) -> Option<Target> {
    let service = Service::from_token(key.service.token())?;
    let port = key.port.unwrap_or_else(|| service.default_port());
    match &key.host {
        PeerHost::Address(address) => Some(Target::at(*address, Some(port), service)),
        PeerHost::Name(name) => Target::parse(&format!("{name}:{port}"), service).ok(),
    }
}

/// How this host asks: under its own name.
#[must_use]
pub fn probe_settings() -> Settings {
    let node = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Settings::new(EhloName::new(&node).unwrap_or_default())
}

/// What a probe's outcome says of a peer. A refusal is never "no TLS" (Dovecot closes silently, GnuTLS sends alert 40).
fn knowledge(outcome: &Outcome) -> Knowledge {
    match outcome {
        Outcome::Version(version) => Knowledge::Ceiling(*version),
        Outcome::AtLeast(version) => Knowledge::AtLeast(*version),
        Outcome::NoStartTls => Knowledge::NoStartTls,
        Outcome::Refused(how) => Knowledge::Refused(how.clone()),
        Outcome::NoAnswer(why) | Outcome::NotTls(why) | Outcome::Later(why) => Knowledge::NoAnswer(why.clone()),
    }
}
