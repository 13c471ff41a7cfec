//! What the server's own ports said, held against what was chosen.

use std::net::SocketAddr;

use crate::probe::Service;
use crate::session::Expected;
use crate::tls::{Minimum, TlsVersion};

/// What one port said of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It accepts it.
    Accepts,
    /// It refuses it.
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
    /// What it said of TLS 1.0 to 1.3, oldest first.
    pub said: Vec<(TlsVersion, Said)>,
}

impl PortProof {
    fn accepts(&self) -> impl Iterator<Item = TlsVersion> {
        self.said
            .iter()
            .filter(|(_, said)| *said == Said::Accepts)
            .map(|(version, _)| *version)
    }

    fn has_no_tls(&self) -> bool {
        self.said.iter().any(|(_, said)| *said == Said::NoTls)
    }

    /// In words: `465 smtps: accepts TLS 1.2, TLS 1.3; refuses TLS 1.0, TLS 1.1`.
    #[must_use]
    pub fn words(&self) -> String {
        let list = |wanted: fn(&Said) -> bool| {
            let found: Vec<String> = self
                .said
                .iter()
                .filter(|(_, said)| wanted(said))
                .map(|(version, _)| version.to_string())
                .collect();
            found.join(", ")
        };
        let mut parts = Vec::new();
        for (verb, versions) in [
            ("accepts", list(|said| *said == Said::Accepts)),
            ("refuses", list(|said| *said == Said::Refuses)),
            ("offers none of", list(|said| *said == Said::NoTls)),
            ("no answer to", list(|said| matches!(said, Said::NoAnswer(_)))),
        ] {
            if !versions.is_empty() {
                parts.push(format!("{verb} {versions}"));
            }
        }
        format!("{} {}: {}", self.address.port(), self.service, parts.join("; "))
    }
}

/// What all ports said, held against what was chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveProof {
    /// Every port that was asked.
    pub ports: Vec<PortProof>,
    /// Ports of the engine that were not asked, because what is spoken there is not known.
    pub skipped: Vec<u16>,
    /// Where the engine does something else than was chosen. Loud.
    pub contradictions: Vec<String>,
    /// What could not be found out.
    pub open: Vec<String>,
    /// The file was written long after the engine had started. If that was not the engine itself, it has not read it yet, and its
    /// ports tell of older values.
    pub file_is_newer: bool,
}

/// Why the ports may tell of older values than those of the file.
const NEWER: &str = "the file was written after the engine had started: if that was by hand, the engine has not read it, and its ports \
tell of older values until it is started again";

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

    /// The default that ports without a setting have shown: the lowest version accepted, where every port with TLS has answered about every version and
    /// all agree. Half an answer would make a default look stricter than it is, and cut somebody off in words.
    pub(super) fn lowest(&self) -> Option<TlsVersion> {
        if self.file_is_newer {
            return None;
        }
        let with_tls = self.ports.iter().filter(|port| !port.has_no_tls());
        let mut all = with_tls.map(|port| {
            let whole = port.said.iter().all(|(_, said)| !matches!(said, Said::NoAnswer(_)));
            port.accepts().min().filter(|_| whole)
        });
        let first = all.next()??;
        all.all(|other| other == Some(first)).then_some(first)
    }

    /// Holds what was accepted against what was chosen.
    pub(super) fn judge(&mut self, expected: &Expected) {
        let minimum = &expected.minimum;
        for port in &self.ports {
            let label = format!("port {} ({})", port.address.port(), port.service);
            let unanswered = |of: &(TlsVersion, Said)| match &of.1 {
                Said::NoAnswer(why) => Some((of.0, why.clone())),
                Said::Accepts | Said::Refuses | Said::NoTls => None,
            };
            if port.has_no_tls() {
                self.open.push(format!("{label} offers no TLS"));
                continue;
            }
            let silent: Vec<(TlsVersion, String)> = port.said.iter().filter_map(unanswered).collect();
            if let Some((_, why)) = silent.first() {
                let versions: Vec<String> = silent.iter().map(|(version, _)| version.to_string()).collect();
                self.open
                    .push(format!("{label} gave no answer about {}: {why}", versions.join(", ")));
            }
            if silent.len() == port.said.len() {
                continue;
            }
            let accepts: Vec<TlsVersion> = port.accepts().collect();
            if accepts.is_empty() && silent.is_empty() {
                self.contradictions
                    .push(format!("{label} accepts no TLS version at all any more"));
                continue;
            }
            let told = |version: &TlsVersion| matches!(minimum, Minimum::At(minimum) if version < minimum);
            let unlisted: Vec<String> = accepts
                .iter()
                .filter(|version| expected.listed.as_ref().is_some_and(|listed| !listed.contains(version)))
                .filter(|version| !told(version))
                .map(ToString::to_string)
                .collect();
            if !unlisted.is_empty() {
                // The one sign of a wrong name where the server's default is as strict as the choice.
                self.open.push(format!(
                    "{label} accepts {}, which the file's protocol list does not name: the list is not read (is its name right?), or does not govern that version",
                    unlisted.join(", ")
                ));
            }
            let Minimum::At(minimum) = minimum else { continue };
            for version in accepts.iter().filter(|version| *version < minimum) {
                self.contradictions.push(format!(
                    "{label} still accepts {version}, though {minimum} was chosen: the setting did not take effect there"
                ));
            }
            if port.said.contains(&(*minimum, Said::Refuses)) {
                self.open.push(format!(
                    "{label} does not accept {minimum} itself; newer builds refuse old versions without @SECLEVEL=0"
                ));
            }
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

    /// In words, one line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.ports.iter().map(|port| format!("  {}", port.words())).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(said: &[Said]) -> LiveProof {
        let said = TlsVersion::MINIMUMS.into_iter().zip(said.iter().cloned()).collect();
        let address = "127.0.0.1:465".parse().unwrap();
        LiveProof {
            ports: vec![PortProof {
                address,
                service: Service::Smtps,
                said,
            }],
            ..LiveProof::default()
        }
    }

    fn default() -> Expected {
        Expected {
            minimum: Minimum::Default,
            listed: None,
            is_default: true,
        }
    }

    /// A list from this version up to TLS 1.3.
    fn at(minimum: TlsVersion) -> Expected {
        let listed = TlsVersion::MINIMUMS.into_iter().filter(|version| *version >= minimum);
        Expected {
            minimum: Minimum::At(minimum),
            listed: Some(listed.collect()),
            is_default: false,
        }
    }

    #[test]
    fn a_version_that_the_list_does_not_name_is_no_proof_that_the_list_is_read() {
        let mut same_as_default = proof(&[Said::Refuses, Said::Refuses, Said::Accepts, Said::Accepts]);
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
    fn a_port_that_still_accepts_an_old_version_contradicts_the_choice() {
        let mut proof = proof(&[Said::Accepts, Said::Refuses, Said::Accepts, Said::Accepts]);
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
        let mut proof = proof(&[Said::Refuses, Said::Refuses, Said::Accepts, Said::Accepts]);
        proof.judge(&at(TlsVersion::Tls12));
        assert!(proof.contradictions.is_empty() && proof.open.is_empty());
        assert_eq!(
            proof.ports[0].words(),
            "465 smtps: accepts TLS 1.2, TLS 1.3; refuses TLS 1.0, TLS 1.1"
        );
    }

    #[test]
    fn a_port_that_accepts_nothing_any_more_is_said_loudly_and_silence_is_never_a_refusal() {
        let mut none = proof(&[Said::Refuses, Said::Refuses, Said::Refuses, Said::Refuses]);
        none.judge(&at(TlsVersion::Tls12));
        assert!(none.contradictions[0].contains("no TLS version at all"));
        let silence = || Said::NoAnswer("timed out".to_owned());
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
        let whole = || proof(&[Said::Refuses, Said::Refuses, Said::Accepts, Said::Accepts]);
        assert_eq!(whole().lowest(), Some(TlsVersion::Tls12));
        let mut half = proof(&[
            Said::NoAnswer("reset".to_owned()),
            Said::Refuses,
            Said::Accepts,
            Said::Accepts,
        ]);
        half.judge(&default());
        assert_eq!((half.lowest(), half.open.len()), (None, 2), "{half:?}");
        let mut two = whole();
        two.ports.extend(whole().ports);
        assert_eq!(two.lowest(), Some(TlsVersion::Tls12));
        two.ports
            .extend(proof(&[Said::Accepts, Said::Accepts, Said::Accepts, Said::Refuses]).ports);
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
    fn a_port_without_tls_at_all_is_said_at_every_minimum() {
        for minimum in [
            Minimum::Default,
            Minimum::Custom("x".to_owned()),
            Minimum::At(TlsVersion::Tls10),
        ] {
            let mut none = proof(&[Said::Refuses, Said::Refuses, Said::Refuses, Said::Refuses]);
            none.judge(&Expected {
                minimum: minimum.clone(),
                ..default()
            });
            assert_eq!(none.contradictions.len(), 1, "{minimum:?}");
        }
    }
}
