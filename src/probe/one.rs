//! One peer, asked once or twice.

use std::net::SocketAddr;
use std::time::Instant;

use super::ProbeError;
use super::hello::{Hello, HelloRandom};
use super::reply::{Reply, ReplyParser, alert_words};
use super::report::{Acceptance, Outcome, Report};
use super::resolve::resolve;
use super::settings::{Settings, step_until};
use super::starttls::{Stop, begin};
use super::target::Target;
use super::wire::{Cancel, Channel, Cut, Wire};
use crate::tls::TlsVersion;

/// Leaving a handshake: `user_canceled`, then `close_notify` (RFC 8446 section 6.1).
const FAREWELL: [u8; 14] = [21, 3, 1, 0, 2, 1, 90, 21, 3, 1, 0, 2, 1, 0];

/// Asks a peer for the highest version that it accepts, with one connection, or two where the first was refused.
/// # Errors
/// [`ProbeError`]: the probe could not be made, which says nothing about the peer.
pub fn probe_one(target: &Target, settings: &Settings, cancel: &Cancel) -> Result<Report, ProbeError> {
    let started = Instant::now();
    match resolve(target, settings, cancel)? {
        Ok(addresses) => probe_at(target, &addresses, settings, cancel, started),
        Err(why) => Ok(Report::unreached(target, why, started.elapsed())),
    }
}

/// The same, for addresses that are known. `started` is where the reported time begins; the deadlines begin now.
pub(super) fn probe_at(
    target: &Target,
    addresses: &[SocketAddr],
    settings: &Settings,
    cancel: &Cancel,
    started: Instant,
) -> Result<Report, ProbeError> {
    let mut call = Call::new(target, settings, cancel);
    let wide = Hello::wide(random()?, target.server_name());
    let (outcome, detail) = match call.ask(addresses, &wide)? {
        Answer::Other(outcome) => (outcome, String::new()),
        Answer::Version {
            version,
            has_newer: false,
        } => (
            Outcome::Version(version),
            format!("{version} in answer to a hello that offers TLS 1.0 to 1.3"),
        ),
        Answer::Version {
            version,
            has_newer: true,
        } => (
            Outcome::AtLeast(version),
            format!("{version}, marked as talked down: the peer has something newer that did not get through"),
        ),
        Answer::Refused(how) => second_question(&mut call, how)?,
    };
    let detail = if detail.is_empty() {
        outcome.words().to_owned()
    } else {
        detail
    };
    let (address, connections) = (call.address, call.connections);
    Ok(Report {
        target: target.clone(),
        outcome,
        address,
        connections,
        elapsed: started.elapsed(),
        detail,
    })
}

/// A refusal proves nothing. The bare hello finds a peer that has SSLv3 only, and one that cannot stand extensions.
fn second_question(call: &mut Call<'_>, how: String) -> Result<(Outcome, String), ProbeError> {
    use TlsVersion::Ssl3;
    let bare = Hello::bare_tls10(random()?);
    let again: Vec<SocketAddr> = call.address.into_iter().collect();
    Ok(match call.ask(&again, &bare)? {
        Answer::Version {
            version: Ssl3,
            has_newer: false,
        } => {
            let detail = format!("SSL 3.0 in answer to a bare TLS 1.0 hello; before: {how}");
            (Outcome::Version(Ssl3), detail)
        }
        // It took 1.0 where no more was offered: that is no ceiling. A 1.2 peer that dislikes an extension does it too.
        Answer::Version { version, .. } => {
            let detail = format!("{version} in answer to a bare TLS 1.0 hello, which offers no more; before: {how}");
            (Outcome::AtLeast(version), detail)
        }
        Answer::Refused(second) => {
            let detail = format!("{how}; to a bare TLS 1.0 hello: {second}");
            (Outcome::Refused(how), detail)
        }
        Answer::Other(second) => {
            let detail = format!("{how}; the second try gave nothing: {}", second.words());
            (Outcome::Refused(how), detail)
        }
    })
}

/// Asks whether a port accepts exactly this version, with one connection: the proof after a save.
/// # Errors
/// [`ProbeError`]: the question could not be put.
pub fn ask_exactly(
    target: &Target,
    version: TlsVersion,
    settings: &Settings,
    cancel: &Cancel,
) -> Result<Acceptance, ProbeError> {
    let addresses = match resolve(target, settings, cancel)? {
        Ok(addresses) => addresses,
        Err(why) => return Ok(Acceptance::Unknown(Outcome::NoAnswer(why))),
    };
    let hello = Hello::exactly(version, random()?, target.server_name());
    Ok(match Call::new(target, settings, cancel).ask(&addresses, &hello)? {
        Answer::Version { .. } => Acceptance::Accepted,
        Answer::Refused(how) => Acceptance::Refused(how),
        Answer::Other(outcome) => Acceptance::Unknown(outcome),
    })
}

fn random() -> Result<HelloRandom, ProbeError> {
    HelloRandom::from_kernel().map_err(|source| ProbeError::Local {
        what: "asking the kernel for random bytes",
        source,
    })
}

/// What one connection brought.
enum Answer {
    Version {
        version: TlsVersion,
        has_newer: bool,
    },
    /// TLS began and the hello was refused, one way or another.
    Refused(String),
    Other(Outcome),
}

/// The connections to one peer, within one deadline.
struct Call<'a> {
    target: &'a Target,
    settings: &'a Settings,
    cancel: &'a Cancel,
    whole: Instant,
    address: Option<SocketAddr>,
    connections: u32,
}

impl<'a> Call<'a> {
    fn new(target: &'a Target, settings: &'a Settings, cancel: &'a Cancel) -> Self {
        let now = Instant::now();
        let whole = now.checked_add(settings.limits.whole).unwrap_or(now);
        Self {
            target,
            settings,
            cancel,
            whole,
            address: None,
            connections: 0,
        }
    }

    fn ask(&mut self, addresses: &[SocketAddr], hello: &Hello) -> Result<Answer, ProbeError> {
        let mut wire = match self.connect(addresses)? {
            Ok(wire) => wire,
            Err(why) => return Ok(Answer::Other(Outcome::NoAnswer(why))),
        };
        match begin(
            &mut wire,
            super::Start::of(self.target.service),
            self.settings,
            self.whole,
        ) {
            Ok(()) => self.handshake(&mut wire, hello),
            Err(stop) => Ok(Answer::Other(match stop {
                Stop::NoStartTls => Outcome::NoStartTls,
                // No ClientHello was sent: a "no" to our name or address says nothing about the peer's versions.
                Stop::Refused(words) => Outcome::NoAnswer(format!("refused before TLS began: {words}")),
                Stop::Later(words) => Outcome::Later(words),
                Stop::NotTls(what) => Outcome::NotTls(what),
                Stop::Endless(why) => Outcome::NoAnswer(why),
                Stop::Cut(what, cut) => Outcome::NoAnswer(cut_words(what, cut)?),
            })),
        }
    }

    fn connect(&mut self, addresses: &[SocketAddr]) -> Result<Result<Wire, String>, ProbeError> {
        let mut failures = Vec::new();
        for address in addresses {
            match Wire::connect(
                *address,
                step_until(self.whole, self.settings.limits.connect),
                self.cancel,
            ) {
                Ok(wire) => {
                    self.address = Some(*address);
                    self.connections = self.connections.saturating_add(1);
                    return Ok(Ok(wire));
                }
                Err(cut) => failures.push(format!("{}: {}", address.ip(), cut_words("a connection", cut)?)),
            }
        }
        Ok(Err(failures.join("; ")))
    }

    fn handshake(&self, wire: &mut Wire, hello: &Hello) -> Result<Answer, ProbeError> {
        const WHAT: &str = "the ServerHello";
        let until = step_until(self.whole, self.settings.limits.reply);
        let mut parser = ReplyParser::new(hello);
        let mut end = wire.send(hello.bytes(), until).err();
        let mut buffer = [0_u8; 4096];
        let mut reply = None;
        // After a failed send there can still be an alert to read.
        while reply.is_none()
            && !matches!(
                end,
                Some(Cut::Cancelled | Cut::TimedOut | Cut::Local(_) | Cut::Network(_))
            )
        {
            match wire.receive(&mut buffer, until) {
                Ok(n) => reply = parser.feed(buffer.get(..n).unwrap_or_default()),
                Err(cut) => {
                    end = Some(cut);
                    break;
                }
            }
        }
        let reply = reply.unwrap_or_else(|| parser.end());
        if matches!(reply, Reply::Version { .. } | Reply::NotOffered(_)) {
            wire.send(&FAREWELL, until).ok();
        }
        Ok(match (reply, end) {
            (Reply::Version { version, has_newer }, _) => Answer::Version { version, has_newer },
            (Reply::NotTls(what), _) => Answer::Other(Outcome::NotTls(what)),
            (Reply::Alert(code), _) => Answer::Refused(alert_words(code)),
            (Reply::NotOffered(wire), _) => Answer::Refused(not_offered_words(wire)),
            (Reply::Silence(warning), None | Some(Cut::Closed)) => Answer::Refused(match warning {
                Some(code) => format!("closed after the warning {}", alert_words(code)),
                None => "closed without a word".to_owned(),
            }),
            (Reply::Silence(_), Some(cut)) => Answer::Other(Outcome::NoAnswer(cut_words(WHAT, cut)?)),
        })
    }
}

fn not_offered_words(wire: u16) -> String {
    match TlsVersion::from_wire(wire) {
        Some(version) => format!("answered with {version}, which was not offered"),
        None => format!("answered with version {wire:#06x}, which was not offered"),
    }
}

/// A cut in words; what is not the peer's doing is an error.
fn cut_words(what: &'static str, cut: Cut) -> Result<String, ProbeError> {
    match cut {
        Cut::Closed => Ok(format!("closed while waiting for {what}")),
        Cut::TimedOut => Ok(format!("out of time while waiting for {what}")),
        Cut::Network(e) => Ok(format!("{e} while waiting for {what}")),
        Cut::Cancelled => Err(ProbeError::Cancelled),
        Cut::Local(source) => Err(ProbeError::Local { what, source }),
    }
}
