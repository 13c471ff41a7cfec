//! What the server's own ports answered, held against what was chosen.

use std::net::SocketAddr;

use crate::probe::Service;
use crate::session::Expected;
use crate::tls::{Group, Minimum, TlsVersion};

/// What one port answered about one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortAnswer {
    /// It accepts it: there was a ServerHello of that version.
    Accepts,
    /// It agrees to TLS 1.3 and asked for another key (a HelloRetryRequest); nobody has seen it go on.
    Agrees,
    /// It refuses it: by an alert, or by closing while it still answers a version that it accepts.
    Refuses,
    /// It answered, and offers no TLS: mail in clear only.
    NoTls,
    /// The question was not answered; why.
    NoAnswer(String),
}

/// What one port accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortProof {
    /// Where it listens.
    pub address: SocketAddr,
    /// What is spoken there.
    pub service: Service,
    /// What it answered about TLS 1.0 to 1.3, oldest first.
    pub answers: Vec<(TlsVersion, PortAnswer)>,
}

impl PortProof {
    pub(super) fn accepts(&self) -> impl Iterator<Item = TlsVersion> {
        self.with(|answer| *answer == PortAnswer::Accepts)
    }

    fn with(&self, wanted: fn(&PortAnswer) -> bool) -> impl Iterator<Item = TlsVersion> {
        let found = self.answers.iter().filter(move |(_, answer)| wanted(answer));
        found.map(|(version, _)| *version)
    }

    /// Did it answer about every version?
    pub(super) fn is_whole(&self) -> bool {
        !self.has_no_tls()
            && self
                .with(|answer| matches!(answer, PortAnswer::NoAnswer(_)))
                .next()
                .is_none()
    }

    fn has_no_tls(&self) -> bool {
        self.with(|answer| *answer == PortAnswer::NoTls).next().is_some()
    }

    /// In words: `465 smtps: accepts TLS 1.2, TLS 1.3; refuses TLS 1.0, TLS 1.1`.
    #[must_use]
    pub fn words(&self) -> String {
        type Wanted = fn(&PortAnswer) -> bool;
        let parts: [(&str, Wanted); 5] = [
            ("accepts", |answer| *answer == PortAnswer::Accepts),
            ("agrees to, not gone through,", |answer| *answer == PortAnswer::Agrees),
            ("refuses", |answer| *answer == PortAnswer::Refuses),
            ("offers none of", |answer| *answer == PortAnswer::NoTls),
            ("no answer to", |answer| matches!(answer, PortAnswer::NoAnswer(_))),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .map(|(verb, wanted)| (verb, listed(self.with(wanted))))
            .filter(|(_, versions)| !versions.is_empty())
            .map(|(verb, versions)| format!("{verb} {versions}"))
            .collect();
        format!("{} {}: {}", self.address.port(), self.service, parts.join("; "))
    }

    fn label(&self) -> String {
        label(self.address, self.service)
    }
}

fn label(address: SocketAddr, service: Service) -> String {
    if address.ip().is_unspecified() || address.ip().is_loopback() {
        format!("port {} ({service})", address.port())
    } else {
        format!("port {} ({service}) at {}", address.port(), address.ip())
    }
}

fn listed(versions: impl Iterator<Item = TlsVersion>) -> String {
    let versions: Vec<String> = versions.map(|version| version.to_string()).collect();
    versions.join(", ")
}

/// What all ports answered, held against what was chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveProof {
    /// Every port that was asked, by each of its addresses.
    pub ports: Vec<PortProof>,
    /// Ports of the engine that were not asked, because what is spoken there is not known.
    pub skipped: Vec<u16>,
    /// Ports that the engine had before its stop, or at the last proof, and has no more: of them nothing is proven.
    pub missing: Vec<(SocketAddr, Service)>,
    /// Where the engine does something else than was chosen. Loud.
    pub contradictions: Vec<String>,
    /// What could not be found out.
    pub open: Vec<String>,
    /// The file was written long after the engine had started. If that was not the engine itself, it has not read it
    /// yet, and its ports tell of older values.
    pub file_is_newer: bool,
    /// SMTP ports alone do something else: they follow the outbound table.
    pub smtp_is_apart: bool,
}

/// Why the ports may tell of older values than those of the file.
const NEWER: &str = "the file was written after the engine had started: if that was by hand, the engine has not read \
    it, and its ports \
tell of older values until it is started again";

/// All other services follow, SMTP does not.
const SMTP_APART: &str = "the other services follow, SMTP does not: it seems to follow table SmtpSecurity on this server, not Security; \
choose the same minimum for outbound, too";

impl LiveProof {
    /// Every version that some port accepts.
    pub(super) fn accepted(&self) -> impl Iterator<Item = TlsVersion> {
        self.ports.iter().flat_map(PortProof::accepts)
    }

    /// Has any port accepted anything? If not, nothing is proven.
    #[must_use]
    pub fn has_answers(&self) -> bool {
        self.accepted().next().is_some()
    }

    /// Does the engine do what was chosen? `None`: not known, because something was not answered, is missing, or was
    /// not asked.
    #[must_use]
    pub fn took_effect(&self) -> Option<bool> {
        if !self.contradictions.is_empty() {
            return Some(false);
        }
        (self.has_answers() && self.open.is_empty() && self.missing.is_empty()).then_some(true)
    }

    /// The default that ports without a setting have shown: the lowest version accepted, where every port with TLS has
    /// answered about every version and all agree. Half an answer would make a default look stricter than it is, and
    /// cut somebody off in words.
    pub(super) fn lowest(&self) -> Option<TlsVersion> {
        if self.file_is_newer || !self.missing.is_empty() {
            return None;
        }
        let with_tls = self.ports.iter().filter(|port| !port.has_no_tls());
        let mut all = with_tls.map(|port| {
            let whole = !port
                .answers
                .iter()
                .any(|(_, answer)| matches!(answer, PortAnswer::NoAnswer(_)));
            port.accepts().min().filter(|_| whole)
        });
        let first = all.next()??;
        all.all(|other| other == Some(first)).then_some(first)
    }

    /// Holds what was accepted against what was chosen.
    pub(super) fn judge(&mut self, expected: &Expected) {
        let mut of_smtp = 0;
        for port in &self.ports {
            let before = self.contradictions.len();
            judge_port(
                port,
                &expected.of(port.service),
                &mut self.contradictions,
                &mut self.open,
            );
            if Group::of(port.service) == Group::SmtpIn {
                of_smtp += self.contradictions.len() - before;
            }
        }
        let others_follow = self
            .ports
            .iter()
            .any(|port| Group::of(port.service) != Group::SmtpIn && port.is_whole());
        self.smtp_is_apart = of_smtp > 0 && of_smtp == self.contradictions.len() && others_follow;
        if self.smtp_is_apart && expected.smtp.is_none() {
            self.open.push(SMTP_APART.to_owned());
        }
        for (address, service) in &self.missing {
            self.open.push(format!(
                "{} was open before and is not open now, so nothing is known of it",
                label(*address, *service)
            ));
        }
        if expected.is_default && self.has_answers() && self.lowest().is_none() {
            let why = if self.file_is_newer {
                NEWER
            } else {
                "the ports do not agree, or did not answer everything"
            };
            self.open
                .push(format!("{why}; so it stays unknown what the server's default is"));
        } else if self.file_is_newer && !self.contradictions.is_empty() {
            self.open.push(NEWER.to_owned());
        }
    }

    /// Says which versions, of those that the minimum leaves on, a service accepted `before` and does not any more.
    pub(super) fn compare_with(&mut self, before: &[(Service, Vec<TlsVersion>)], expected: &Expected) {
        for port in self.ports.iter().filter(|port| port.is_whole()) {
            let lowest = match expected.of(port.service).minimum {
                Minimum::At(minimum) => minimum,
                Minimum::Default | Minimum::Custom(_) => TlsVersion::Tls12,
            };
            let accepts: Vec<TlsVersion> = port.accepts().collect();
            let had = before.iter().filter(|(service, _)| *service == port.service);
            let gone = had
                .flat_map(|(_, versions)| versions)
                .filter(|it| **it >= lowest && !accepts.contains(it));
            let mut gone: Vec<TlsVersion> = gone.copied().collect();
            gone.dedup();
            if !gone.is_empty() {
                let (label, versions) = (port.label(), listed(gone.into_iter()));
                self.open.push(format!(
                    "{label} accepted {versions} before and does not any more: it went off"
                ));
            }
        }
    }

    /// In words, one line each; addresses of one port that answer alike are one line.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for port in &self.ports {
            let same = |other: &&PortProof| other.address.port() == port.address.port();
            let differs = self
                .ports
                .iter()
                .filter(same)
                .any(|other| other.answers != port.answers);
            let line = if differs {
                format!("  {} (at {})", port.words(), port.address.ip())
            } else {
                format!("  {}", port.words())
            };
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        if !self.skipped.is_empty() {
            let ports: Vec<String> = self.skipped.iter().map(ToString::to_string).collect();
            lines.push(format!(
                "  not asked, because nobody knows what is spoken there: {}",
                ports.join(", ")
            ));
        }
        lines
    }
}

/// Holds one port against what was chosen.
fn judge_port(port: &PortProof, expected: &Expected, contradictions: &mut Vec<String>, open: &mut Vec<String>) {
    let (label, minimum) = (port.label(), &expected.minimum);
    if port.has_no_tls() {
        open.push(format!("{label} offers no TLS"));
        return;
    }
    let silent = port.with(|answer| matches!(answer, PortAnswer::NoAnswer(_)));
    let silent: Vec<TlsVersion> = silent.collect();
    let why = port.answers.iter().find_map(|(_, answer)| match answer {
        PortAnswer::NoAnswer(why) => Some(why),
        _ => None,
    });
    if let Some(why) = why {
        let versions = listed(silent.iter().copied());
        open.push(format!("{label} gave no answer about {versions}: {why}"));
    }
    if silent.len() == port.answers.len() {
        return;
    }
    let agreed = listed(port.with(|answer| *answer == PortAnswer::Agrees));
    if !agreed.is_empty() {
        open.push(format!(
            "{label} agrees to {agreed} and asks for another key: whether it can go on was not seen"
        ));
    }
    let accepts: Vec<TlsVersion> = port.accepts().collect();
    if accepts.is_empty() && silent.is_empty() && agreed.is_empty() {
        contradictions.push(format!("{label} accepts no TLS version at all any more"));
        return;
    }
    let is_told = |version: &TlsVersion| matches!(minimum, Minimum::At(minimum) if version < minimum);
    let unlisted = accepts.iter().copied().filter(|version| {
        let is_listed = expected.listed.as_ref().is_none_or(|listed| listed.contains(version));
        !is_listed && !is_told(version)
    });
    let unlisted = listed(unlisted);
    if !unlisted.is_empty() {
        // The one sign of a wrong name where the server's default is as strict as the choice.
        open.push(format!(
            "{label} accepts {unlisted}, which the file's protocol list does not name: the list is not read (is its \
             name right?), or does not govern that version"
        ));
    }
    let Minimum::At(minimum) = minimum else { return };
    for version in accepts.iter().filter(|version| *version < minimum) {
        contradictions.push(format!(
            "{label} still accepts {version}, though {minimum} was chosen: the setting did not take effect there"
        ));
    }
    if port.answers.contains(&(*minimum, PortAnswer::Refuses)) {
        // OpenSSL 3 refuses TLS 1.0 and 1.1 unless its security level is lowered; TLS 1.2 needs no such thing.
        let why = if *minimum < TlsVersion::Tls12 {
            "; newer builds refuse old versions without @SECLEVEL=0"
        } else {
            ""
        };
        open.push(format!("{label} does not accept {minimum} itself{why}"));
    }
}

#[cfg(test)]
mod tests {
    use super::PortAnswer::{Accepts, Agrees, NoAnswer, Refuses};
    use super::*;

    fn proof(answers: &[PortAnswer]) -> LiveProof {
        let answers = TlsVersion::MINIMUMS.into_iter().zip(answers.iter().cloned()).collect();
        let address = "127.0.0.1:465".parse().unwrap();
        LiveProof {
            ports: vec![PortProof {
                address,
                service: Service::Smtps,
                answers,
            }],
            ..LiveProof::default()
        }
    }

    fn default() -> Expected {
        Expected {
            minimum: Minimum::Default,
            listed: None,
            is_default: true,
            smtp: None,
        }
    }

    /// A list from this version up to TLS 1.3.
    fn at(minimum: TlsVersion) -> Expected {
        let listed = TlsVersion::MINIMUMS.into_iter().filter(|version| *version >= minimum);
        Expected {
            minimum: Minimum::At(minimum),
            listed: Some(listed.collect()),
            is_default: false,
            smtp: None,
        }
    }

    #[test]
    fn a_version_that_the_list_does_not_name_is_no_proof_that_the_list_is_read() {
        let mut same_as_default = proof(&[Refuses, Refuses, Accepts, Accepts]);
        let listed = Some(vec![TlsVersion::Tls12]);
        same_as_default.judge(&Expected {
            listed,
            ..at(TlsVersion::Tls12)
        });
        assert!(same_as_default.contradictions.is_empty());
        assert_eq!(same_as_default.open.len(), 1, "{same_as_default:?}");
        assert!(same_as_default.open[0].contains("accepts TLS 1.3, which the file's protocol list does not name"));
    }

    #[test]
    fn a_version_that_went_off_above_the_minimum_is_said() {
        let mut now = proof(&[
            PortAnswer::Refuses,
            PortAnswer::Refuses,
            PortAnswer::Accepts,
            PortAnswer::Refuses,
        ]);
        let before = [(Service::Smtps, TlsVersion::MINIMUMS.to_vec())];
        now.compare_with(&before, &at(TlsVersion::Tls12));
        assert_eq!(
            now.open,
            ["port 465 (smtps) accepted TLS 1.3 before and does not any more: it went off"]
        );
        now.open.clear();
        now.compare_with(
            &[(Service::Imaps, TlsVersion::MINIMUMS.to_vec())],
            &at(TlsVersion::Tls12),
        );
        assert!(now.open.is_empty());
    }

    #[test]
    fn a_port_that_still_accepts_an_old_version_contradicts_the_choice() {
        let mut proof = proof(&[Accepts, Refuses, Accepts, Accepts]);
        proof.judge(&at(TlsVersion::Tls12));
        assert_eq!(proof.contradictions.len(), 1);
        assert!(
            proof.contradictions[0].contains("TLS 1.0"),
            "{:?}",
            proof.contradictions
        );
    }

    #[test]
    fn a_port_that_does_what_was_chosen_contradicts_nothing() {
        let mut proof = proof(&[Refuses, Refuses, Accepts, Accepts]);
        proof.judge(&at(TlsVersion::Tls12));
        assert!(proof.contradictions.is_empty() && proof.open.is_empty());
        assert_eq!(
            proof.ports[0].words(),
            "465 smtps: accepts TLS 1.2, TLS 1.3; refuses TLS 1.0, TLS 1.1"
        );
    }

    #[test]
    fn a_port_that_accepts_nothing_any_more_is_said_loudly_and_silence_is_never_a_refusal() {
        let mut none = proof(&[Refuses, Refuses, Refuses, Refuses]);
        none.judge(&at(TlsVersion::Tls12));
        assert!(none.contradictions[0].contains("no TLS version at all"));
        let silence = || NoAnswer("timed out".to_owned());
        let mut silent = proof(&[silence(), silence(), silence(), silence()]);
        silent.judge(&at(TlsVersion::Tls12));
        assert!(silent.contradictions.is_empty());
        assert_eq!(
            silent.open,
            ["port 465 (smtps) gave no answer about TLS 1.0, TLS 1.1, TLS 1.2, TLS 1.3: timed out"]
        );
        assert_eq!(silent.lowest(), None);
    }

    #[test]
    fn the_default_is_known_only_where_every_port_answered_everything_and_all_agree() {
        let whole = || proof(&[Refuses, Refuses, Accepts, Accepts]);
        assert_eq!(whole().lowest(), Some(TlsVersion::Tls12));
        let mut half = proof(&[NoAnswer("reset".to_owned()), Refuses, Accepts, Accepts]);
        half.judge(&default());
        assert_eq!((half.lowest(), half.open.len()), (None, 2), "{half:?}");
        let mut two = whole();
        two.ports.extend(whole().ports);
        assert_eq!(two.lowest(), Some(TlsVersion::Tls12));
        two.ports.extend(proof(&[Accepts, Accepts, Accepts, Refuses]).ports);
        two.judge(&default());
        assert_eq!(two.lowest(), None);
        assert!(two.open[0].contains("stays unknown"), "{two:?}");
        assert_eq!(LiveProof::default().lowest(), None);
        let mut by_hand = whole();
        by_hand.file_is_newer = true;
        by_hand.judge(&default());
        assert_eq!(by_hand.lowest(), None);
        assert!(by_hand.open[0].contains("tell of older values"), "{by_hand:?}");
    }

    #[test]
    fn a_port_that_was_there_before_and_is_missing_leaves_the_effect_unknown() {
        let mut whole = proof(&[Refuses, Refuses, Accepts, Accepts]);
        whole.judge(&at(TlsVersion::Tls12));
        assert_eq!(whole.took_effect(), Some(true));
        whole.missing.push(("0.0.0.0:993".parse().unwrap(), Service::Imaps));
        whole.judge(&at(TlsVersion::Tls12));
        assert_eq!(whole.took_effect(), None);
        assert!(
            whole.open[0].contains("port 993 (imaps) was open before"),
            "{:?}",
            whole.open
        );
        assert_eq!(whole.lowest(), None);
    }

    #[test]
    fn tls_13_that_was_only_agreed_to_is_not_called_accepted() {
        let mut agreed = proof(&[Refuses, Refuses, Accepts, Agrees]);
        agreed.judge(&at(TlsVersion::Tls12));
        assert_eq!(agreed.took_effect(), None);
        assert!(agreed.ports[0].words().contains("agrees to, not gone through, TLS 1.3"));
    }

    #[test]
    fn the_security_level_is_no_advice_for_tls_12() {
        for (minimum, is_advised) in [(TlsVersion::Tls11, true), (TlsVersion::Tls12, false)] {
            let mut refuses = proof(&[Refuses, Refuses, Refuses, Accepts]);
            refuses.judge(&at(minimum));
            assert_eq!(refuses.open[0].contains("SECLEVEL"), is_advised, "{:?}", refuses.open);
        }
    }

    #[test]
    fn addresses_of_one_port_are_one_line_where_they_answer_alike() {
        let mut two = proof(&[Refuses, Refuses, Accepts, Accepts]);
        let mut other = two.ports[0].clone();
        other.address = "[::1]:465".parse().unwrap();
        two.ports.push(other);
        assert_eq!(two.lines().len(), 1);
        two.ports[1].answers[0].1 = Accepts;
        assert_eq!(two.lines().len(), 2);
        assert!(two.lines()[1].ends_with("(at ::1)"), "{:?}", two.lines());
    }

    #[test]
    fn a_port_without_tls_at_all_is_said_at_every_minimum() {
        for minimum in [
            Minimum::Default,
            Minimum::Custom("x".to_owned()),
            Minimum::At(TlsVersion::Tls10),
        ] {
            let mut none = proof(&[Refuses, Refuses, Refuses, Refuses]);
            none.judge(&Expected {
                minimum: minimum.clone(),
                ..default()
            });
            assert_eq!(none.contradictions.len(), 1, "{minimum:?}");
        }
    }
}
