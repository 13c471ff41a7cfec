//! One of the server's own ports, asked for each version by itself.
//!
//! An alert is believed at once. A bare close is not: a server that is still loading closes, so does one that limits
//! how often an address may connect, and some refuse a version so. It counts as a refusal only if the port closed
//! twice, with a pause between, and answers a version that it accepts right after.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use crate::probe::{Acceptance, Cancel, Outcome, Service, Settings, Target, ask_exactly};
use crate::tls::TlsVersion;

use super::proof::{PortAnswer, PortProof};

/// How long one port is asked at most. It bounds what a limit on connections can cost.
const LIMIT: Duration = Duration::from_secs(90);
/// Before a version is asked for again that was met by a close.
const PAUSE: Duration = Duration::from_secs(1);
/// Before a port is asked again that answers nobody just now.
const LONG_PAUSE: Duration = Duration::from_secs(5);
/// Alert `unrecognized_name`: the port wants a server name, or another one.
const UNRECOGNIZED_NAME: u8 = 112;

/// What it takes to ask one port.
pub(super) struct PortQuestion<'a> {
    pub(super) address: SocketAddr,
    pub(super) service: Service,
    /// This server's own full name, for a port that wants one.
    pub(super) own_name: Option<&'a str>,
    pub(super) settings: &'a Settings,
    pub(super) cancel: &'a Cancel,
}

impl PortQuestion<'_> {
    /// Asks for each version, the newest first: what it accepts shows what its closes mean.
    pub(super) fn ask(&self) -> PortProof {
        let mut asking = Asking {
            question: self,
            target: Target::at(reachable(self.address.ip()), Some(self.address.port()), self.service),
            name: None,
            until: Instant::now().checked_add(LIMIT),
            accepted: None,
        };
        let mut answers: Vec<(TlsVersion, PortAnswer)> = Vec::new();
        let mut closed = Vec::new();
        let mut last_word: Option<PortAnswer> = None;
        for version in TlsVersion::MINIMUMS.into_iter().rev() {
            let answer = match &last_word {
                Some(answer) => Ok(answer.clone()),
                None => asking.ask(version),
            };
            match answer {
                Ok(answer) => {
                    // One that does not answer, or offers no TLS, is not asked for the next one.
                    if matches!(answer, PortAnswer::NoTls | PortAnswer::NoAnswer(_)) {
                        last_word = Some(answer.clone());
                    }
                    answers.push((version, answer));
                }
                Err(Closed(_)) => closed.push(version),
            }
        }
        // What was closed before any version had been accepted: now its meaning can be seen.
        for version in closed {
            let answer = asking
                .ask(version)
                .unwrap_or_else(|Closed(words)| PortAnswer::NoAnswer(words));
            answers.push((version, answer));
        }
        answers.sort_by_key(|(version, _)| *version);
        PortProof {
            address: self.address,
            service: self.service,
            answers,
        }
    }
}

/// It closed on a version, twice, and nothing shows what that means.
struct Closed(String);

struct Asking<'a> {
    question: &'a PortQuestion<'a>,
    target: Target,
    /// Sent once a port has shown that it wants one.
    name: Option<&'a str>,
    until: Option<Instant>,
    /// A version that it accepts.
    accepted: Option<TlsVersion>,
}

impl Asking<'_> {
    fn ask(&mut self, version: TlsVersion) -> Result<PortAnswer, Closed> {
        let mut closes = 0_usize;
        loop {
            let acceptance = match self.once(version) {
                Ok(acceptance) => acceptance,
                Err(why) => return Ok(PortAnswer::NoAnswer(why)),
            };
            match acceptance {
                Acceptance::Accepted => {
                    self.accepted = Some(version);
                    return Ok(PortAnswer::Accepts);
                }
                Acceptance::Agreed => return Ok(PortAnswer::Agrees),
                Acceptance::Refused(UNRECOGNIZED_NAME) if self.name.is_none() && self.question.own_name.is_some() => {
                    self.name = self.question.own_name;
                }
                Acceptance::Refused(_) | Acceptance::NotOffered(_) => return Ok(PortAnswer::Refuses),
                Acceptance::Unknown(Outcome::NoStartTls) => return Ok(PortAnswer::NoTls),
                Acceptance::Closed(words) => {
                    closes += 1;
                    if closes == 1 {
                        self.pause(PAUSE);
                        continue;
                    }
                    let Some(accepted) = self.accepted else {
                        return Err(Closed(words));
                    };
                    if matches!(self.once(accepted), Ok(Acceptance::Accepted)) {
                        return Ok(PortAnswer::Refuses);
                    }
                    // It answers nobody just now.
                    if !self.pause(LONG_PAUSE) {
                        return Ok(PortAnswer::NoAnswer(words));
                    }
                }
                Acceptance::Unknown(outcome) => {
                    let is_passing = matches!(outcome, Outcome::Later(_) | Outcome::NoAnswer(_));
                    closes += 1;
                    if !is_passing || closes > 2 || !self.pause(LONG_PAUSE) {
                        return Ok(PortAnswer::NoAnswer(outcome.words().to_owned()));
                    }
                }
            }
        }
    }

    fn once(&self, version: TlsVersion) -> Result<Acceptance, String> {
        let PortQuestion { settings, cancel, .. } = self.question;
        ask_exactly(&self.target, version, self.name, settings, cancel).map_err(|error| error.to_string())
    }

    /// Waits; `false`: there is no time left for it, or the user has ended it.
    fn pause(&self, time: Duration) -> bool {
        let end = Instant::now().checked_add(time);
        if end.is_none() || end > self.until {
            return false;
        }
        while Instant::now() < end.unwrap_or_else(Instant::now) {
            if self.question.cancel.is_cancelled() {
                return false;
            }
            thread::sleep(Duration::from_millis(50));
        }
        true
    }
}

/// Where a port that listens on every address can be reached from here.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::EhloName;
    use crate::probe::fake::{Behaviour, FakePeer, How, Quirk, What};
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};

    fn ask(address: SocketAddr, own_name: Option<&str>) -> Vec<PortAnswer> {
        let question = PortQuestion {
            address,
            service: Service::Smtps,
            own_name,
            settings: &Settings::new(EhloName::default()),
            cancel: &Cancel::new().unwrap(),
        };
        let proof = question.ask();
        let versions: Vec<TlsVersion> = proof.answers.iter().map(|(version, _)| *version).collect();
        assert_eq!(versions, TlsVersion::MINIMUMS);
        proof.answers.into_iter().map(|(_, answer)| answer).collect()
    }

    fn behaviour(floor: TlsVersion, ceiling: TlsVersion, quirk: Quirk) -> Behaviour {
        Behaviour {
            service: Service::Smtps,
            floor,
            ceiling,
            quirk,
        }
    }

    const MODERN: [PortAnswer; 4] = [
        PortAnswer::Refuses,
        PortAnswer::Refuses,
        PortAnswer::Accepts,
        PortAnswer::Accepts,
    ];

    /// Stands before a pretend peer, and closes what `closes` says without a word, counting from 0.
    fn behind(peer: FakePeer, closes: impl Fn(usize, &[u8]) -> bool + Send + 'static) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for (nth, stream) in listener.incoming().enumerate() {
                let mut client = stream.unwrap();
                let mut hello = [0_u8; 4096];
                let Ok(n) = client.read(&mut hello) else { continue };
                if closes(nth, &hello[..n]) {
                    continue;
                }
                let mut server = TcpStream::connect(peer.address()).unwrap();
                server.write_all(&hello[..n]).unwrap();
                let mut answer = [0_u8; 4096];
                let n = server.read(&mut answer).unwrap_or(0);
                let _ = client.write_all(&answer[..n]);
            }
        });
        address
    }

    fn modern() -> FakePeer {
        FakePeer::start(behaviour(TlsVersion::Tls12, TlsVersion::Tls13, Quirk::None)).unwrap()
    }

    #[test]
    fn an_alert_is_believed_at_once() {
        let peer = modern();
        assert_eq!(ask(peer.address(), None), MODERN);
        assert_eq!(peer.connections(), 4);
    }

    #[test]
    fn a_port_that_closes_its_first_connections_while_it_loads_comes_out_right() {
        assert_eq!(ask(behind(modern(), |nth, _| nth < 2), None), MODERN);
    }

    #[test]
    fn a_version_that_is_closed_on_while_another_is_answered_is_refused() {
        // The version of the hello itself tells 1.0 and 1.1 from the newer ones.
        let old = |_, hello: &[u8]| hello.get(9..11).is_some_and(|version| version < &[3, 3][..]);
        assert_eq!(ask(behind(modern(), old), None), MODERN);
    }

    #[test]
    fn a_port_that_closes_on_everything_is_unknown_and_not_refusing() {
        let answers = ask(behind(modern(), |_, _| true), None);
        assert!(
            answers.iter().all(|answer| matches!(answer, PortAnswer::NoAnswer(_))),
            "{answers:?}"
        );
    }

    #[test]
    fn a_port_that_limits_its_rate_comes_out_right() {
        let last = std::sync::Mutex::new(None::<Instant>);
        let limited = move |_, _: &[u8]| {
            let mut last = last.lock().unwrap();
            let too_soon = last.is_some_and(|at| at.elapsed() < Duration::from_millis(900));
            if !too_soon {
                *last = Some(Instant::now());
            }
            too_soon
        };
        assert_eq!(ask(behind(modern(), limited), None), MODERN);
    }

    #[test]
    fn a_port_that_wants_a_server_name_is_given_our_own() {
        let wants = Quirk::Dislikes(What::NoServerName, How::Alert(112));
        let peer = FakePeer::start(behaviour(TlsVersion::Tls12, TlsVersion::Tls13, wants)).unwrap();
        assert_eq!(ask(peer.address(), Some("mail.example.org")), MODERN);
        let nameless = [const { PortAnswer::Refuses }; 4];
        assert_eq!(ask(peer.address(), None), nameless);
    }
}
