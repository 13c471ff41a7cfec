//! What probing will do, in words, for the question that comes before it.

use std::collections::BTreeSet;

use super::one::QUESTIONS;
use super::settings::Settings;
use super::target::{Start, Target, TargetHost};

/// What a list of targets would mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbePlan {
    /// Different hosts.
    pub hosts: usize,
    /// Host, port and service together: what is asked.
    pub questions: usize,
    /// Connections at most to one address each: more than one only where the first hello brings no version.
    pub most_connections: usize,
    /// What will be done and what the other side's logs will show: one sentence a line.
    pub words: Vec<String>,
}

impl ProbePlan {
    /// The plan for these targets. Looks nothing up.
    #[must_use]
    pub fn new(targets: &[Target], settings: &Settings) -> Self {
        let hosts = targets.iter().map(|t| &t.host).collect::<BTreeSet<&TargetHost>>().len();
        let questions = targets.len();
        let most_connections = questions.saturating_mul(usize::try_from(QUESTIONS).unwrap_or(usize::MAX));
        let mut words = vec![
            format!(
                "{}, {} at most: one each, more where the first is refused; never two to one host at a time.",
                count(hosts, "host"),
                count(most_connections, "connection")
            ),
            "No mail is sent and nobody logs in: each is asked for its highest TLS version, and then left.".to_owned(),
            format!("None of them takes longer than {} s.", settings.limits.whole.as_secs()),
        ];
        let name = &settings.ehlo_name;
        let speaks = |start| targets.iter().any(|t| Start::of(t.service) == start);
        if speaks(Start::Smtp) {
            words.push(format!(
                "Their mail logs will show a connection from here with EHLO {name}, STARTTLS, and a TLS handshake that \
                 was broken off (or QUIT, where there is no TLS)."
            ));
        }
        if speaks(Start::Imap) || speaks(Start::Pop3) {
            words.push(
                "IMAP and POP3 logs will show a session without a login, broken off in the TLS handshake.".to_owned(),
            );
        }
        if speaks(Start::Direct) {
            words.push("On ports with TLS from the start, logs will show a broken-off TLS handshake.".to_owned());
        }
        if targets.iter().any(|t| matches!(t.host, TargetHost::Name(_))) {
            words.push("Names are looked up by this system's resolver, and each address of a name is asked; there is no MX look-up."
                    .to_owned());
        }
        Self {
            hosts,
            questions,
            most_connections,
            words,
        }
    }
}

fn count(n: usize, what: &str) -> String {
    if n == 1 {
        format!("1 {what}")
    } else {
        format!("{n} {what}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{EhloName, Service};

    fn plan(targets: &[(&str, Service)]) -> ProbePlan {
        let targets: Vec<Target> = targets.iter().map(|(t, s)| Target::parse(t, *s).unwrap()).collect();
        ProbePlan::new(&targets, &Settings::new(EhloName::new("mail.example.org").unwrap()))
    }

    #[test]
    fn hosts_are_counted_once_and_connections_at_their_most() {
        let plan = plan(&[
            ("192.0.2.9", Service::Smtp),
            ("192.0.2.9:587", Service::Submission),
            ("mx.example.net", Service::Smtp),
        ]);
        assert_eq!((plan.hosts, plan.questions, plan.most_connections), (2, 3, 9));
        assert!(plan.words[0].starts_with("2 hosts, 9 connections at most"));
        assert!(plan.words.iter().any(|w| w.contains("EHLO mail.example.org")));
        assert!(plan.words.iter().any(|w| w.contains("no MX look-up")));
    }

    #[test]
    fn only_what_will_happen_is_said() {
        let plan = plan(&[("192.0.2.9", Service::Https)]);
        assert!(plan.words[0].starts_with("1 host, 3 connections at most"));
        assert!(
            !plan
                .words
                .iter()
                .any(|w| w.contains("EHLO") || w.contains("IMAP") || w.contains("resolver"))
        );
    }
}
