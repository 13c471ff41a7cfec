//! One peer: each of its addresses asked once, and up to three times where the first hello brings no version.

use std::net::SocketAddr;
use std::time::Instant;

use super::ProbeError;
use super::hello::{Hello, HelloRandom};
use super::reply::{Reply, ReplyParser, alert_words};
use super::report::{Acceptance, AddressReport, Basis, Outcome, Report};
use super::resolve::resolve;
use super::settings::{Settings, step_until};
use super::starttls::{Stop, begin};
use super::target::Target;
use super::wire::{Cancel, Channel, Cut, Wire};
use crate::hostile::slice_at;
use crate::tls::TlsVersion;

/// Leaving a handshake: `user_canceled`, then `close_notify` (RFC 8446 section 6.1).
const FAREWELL: [u8; 14] = [21, 3, 1, 0, 2, 1, 90, 21, 3, 1, 0, 2, 1, 0];

/// Connections to one address at most: the wide hello, the middle one, the bare one.
pub(super) const QUESTIONS: u32 = 3;

/// Asks a peer for the highest version that it accepts: one connection to each of its addresses, and more only where the
/// first hello was not answered with a version.
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
    let mut answers = Vec::with_capacity(addresses.len());
    let whole = end_of(settings);
    for address in addresses {
        // The limit is one for the peer, however many addresses it has; what was not asked is said.
        if !answers.is_empty() && Instant::now() >= whole {
            break;
        }
        answers.push(Call::new(target, *address, whole, settings, cancel).highest()?);
    }
    Ok(Report::of(target, answers, addresses, started.elapsed()))
}

fn end_of(settings: &Settings) -> Instant {
    let now = Instant::now();
    now.checked_add(settings.limits.whole).unwrap_or(now)
}

/// Asks whether a port accepts exactly this version, with one connection: the proof after a save. `server_name` is sent
/// where one is given; a target that is a name sends that.
/// # Errors
/// [`ProbeError`]: the question could not be put.
pub fn ask_exactly(
    target: &Target,
    version: TlsVersion,
    server_name: Option<&str>,
    settings: &Settings,
    cancel: &Cancel,
) -> Result<Acceptance, ProbeError> {
    let addresses = match resolve(target, settings, cancel)? {
        Ok(addresses) => addresses,
        Err(why) => return Ok(Acceptance::Unknown(Outcome::NoAnswer(why))),
    };
    let Some(address) = addresses.first() else {
        return Ok(Acceptance::Unknown(Outcome::NoAnswer("it has no address".to_owned())));
    };
    let hello = Hello::exactly(version, random()?, target.server_name().or(server_name));
    let mut call = Call::new(target, *address, end_of(settings), settings, cancel);
    Ok(match call.ask(&hello)? {
        Answer::Version { retry: false, .. } => Acceptance::Accepted,
        Answer::Version { retry: true, .. } => Acceptance::Agreed,
        Answer::Refused(Refusal::Alert(code)) => Acceptance::Refused(code),
        Answer::Refused(Refusal::NotOffered(words)) => Acceptance::NotOffered(words),
        Answer::Refused(Refusal::Closed(words)) => Acceptance::Closed(words),
        Answer::Refused(Refusal::Silent(words)) => Acceptance::Unknown(Outcome::NoAnswer(words)),
        Answer::NoStartTls(_) => Acceptance::Unknown(Outcome::NoStartTls),
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
        mark: Option<TlsVersion>,
        retry: bool,
    },
    /// TLS began and the hello was not answered with a version that it offers.
    Refused(Refusal),
    NoStartTls(Option<String>),
    Other(Outcome),
}

/// How a hello was refused. None of these is proof of anything by itself.
enum Refusal {
    Alert(u8),
    NotOffered(String),
    Closed(String),
    /// Nothing came for some seconds: old boxes hang on what they do not know.
    Silent(String),
}

impl Refusal {
    fn words(&self) -> String {
        match self {
            Self::Alert(code) => alert_words(*code),
            Self::NotOffered(words) | Self::Closed(words) | Self::Silent(words) => words.clone(),
        }
    }

    /// What is known of a peer that refused every hello so: silence is no refusal.
    fn outcome(&self) -> Outcome {
        match self {
            Self::Silent(words) => Outcome::NoAnswer(words.clone()),
            other => Outcome::Refused(other.words()),
        }
    }

    /// The hello was thrown out whole, and not for want of a suite in common (alerts 40 and 71 say that).
    const fn is_intolerance(&self) -> bool {
        match self {
            Self::Alert(code) => !matches!(*code, 40 | 71),
            Self::Closed(_) => true,
            Self::NotOffered(_) | Self::Silent(_) => false,
        }
    }
}

/// The connections to one address of a peer, within the peer's deadline.
struct Call<'a> {
    target: &'a Target,
    address: SocketAddr,
    whole: Instant,
    settings: &'a Settings,
    cancel: &'a Cancel,
    connections: u32,
    is_unreachable: bool,
    basis: Basis,
}

impl<'a> Call<'a> {
    fn new(
        target: &'a Target,
        address: SocketAddr,
        whole: Instant,
        settings: &'a Settings,
        cancel: &'a Cancel,
    ) -> Self {
        Self {
            target,
            address,
            whole,
            settings,
            cancel,
            connections: 0,
            is_unreachable: false,
            basis: Basis::default(),
        }
    }

    /// The highest version of this address.
    fn highest(mut self) -> Result<AddressReport, ProbeError> {
        let wide = Hello::wide(random()?, self.target.server_name());
        let mut answer = self.ask(&wide)?;
        // STARTTLS comes and goes where several machines answer for one address: an absence is asked about twice.
        let was_absent = if let Answer::NoStartTls(_) = answer {
            match self.ask(&wide)? {
                // Nothing that contradicts the absence.
                Answer::Other(_) => {}
                again => answer = again,
            }
            !matches!(answer, Answer::NoStartTls(_))
        } else {
            false
        };
        let (outcome, mut detail) = match answer {
            Answer::Version {
                version,
                mark: None,
                retry,
            } => {
                let mut detail = format!("{version} in answer to a hello that offers TLS 1.0 to 1.3");
                if retry {
                    self.basis = Basis::Agreed;
                    detail.push_str(", agreed and not gone through (HelloRetryRequest)");
                }
                (Outcome::Version(version), detail)
            }
            Answer::Version { version, .. } => (
                Outcome::AtLeast(version),
                format!("{version}, marked as talked down: the peer has something newer that did not get through"),
            ),
            Answer::Refused(how) => self.second_question(&how)?,
            Answer::NoStartTls(why) => {
                let absence = Outcome::NoStartTls.words().to_owned();
                let detail = why.map_or_else(|| absence.clone(), |why| format!("{absence}: {why}"));
                (Outcome::NoStartTls, detail)
            }
            Answer::Other(outcome) => {
                let detail = outcome.words().to_owned();
                (outcome, detail)
            }
        };
        if was_absent {
            detail.push_str("; STARTTLS was not offered when it was asked a moment before");
        }
        if matches!(outcome, Outcome::Refused(_) | Outcome::AtLeast(_)) && self.target.server_name().is_none() {
            detail.push_str("; asked without a server name, since only the address is known");
        }
        Ok(AddressReport {
            address: self.address,
            outcome,
            connections: self.connections,
            is_unreachable: self.is_unreachable,
            basis: self.basis,
            detail,
        })
    }

    /// TLS 1.2 and older, asked for in the old way.
    fn second_question(&mut self, first: &Refusal) -> Result<(Outcome, String), ProbeError> {
        let before = first.words();
        Ok(match self.ask(&Hello::middle(random()?))? {
            // What it refused was not TLS 1.3 as such: by its own mark it has that (RFC 8446 section 4.1.3).
            Answer::Version {
                version,
                mark: Some(TlsVersion::Tls13),
                ..
            } => (
                Outcome::Version(TlsVersion::Tls13),
                format!("{version} in answer to a TLS 1.2 hello, marked as having TLS 1.3; before: {before}"),
            ),
            // A server with TLS 1.3 must mark that it chose less; without the mark this is its highest.
            Answer::Version {
                version, mark: None, ..
            } => (
                Outcome::Version(version),
                format!("{version} in answer to a TLS 1.2 hello; before: {before}"),
            ),
            Answer::Version { version, .. } => (
                Outcome::AtLeast(version),
                format!("{version}, marked as talked down, in answer to a TLS 1.2 hello; before: {before}"),
            ),
            Answer::Refused(second) => self.third_question(first, &second)?,
            Answer::NoStartTls(_) => (
                first.outcome(),
                format!("{before}; at the second try: {}", Outcome::NoStartTls.words()),
            ),
            Answer::Other(second) => (
                first.outcome(),
                format!("{before}; the second try gave nothing: {}", second.words()),
            ),
        })
    }

    /// The bare hello finds a peer that has SSLv3 only, and one that throws out whoever offers more than TLS 1.0.
    fn third_question(&mut self, first: &Refusal, second: &Refusal) -> Result<(Outcome, String), ProbeError> {
        let before = format!("{}; to a TLS 1.2 hello: {}", first.words(), second.words());
        let refused = match first {
            Refusal::Silent(_) => second.outcome(),
            other => other.outcome(),
        };
        if self.connections >= QUESTIONS {
            return Ok((refused, before));
        }
        Ok(match self.ask(&Hello::bare_tls10(random()?))? {
            Answer::Version {
                version: TlsVersion::Ssl3,
                mark: None,
                ..
            } => (
                Outcome::Version(TlsVersion::Ssl3),
                format!("SSL 3.0 in answer to a bare TLS 1.0 hello; before: {before}"),
            ),
            Answer::Version {
                version, mark: None, ..
            } if second.is_intolerance() => {
                self.basis = Basis::InEffect;
                let detail = format!(
                    "{version} in answer to a bare TLS 1.0 hello, and whoever offers TLS 1.2 is thrown out: in effect its \
                     highest; before: {before}"
                );
                (Outcome::Version(version), detail)
            }
            // It took 1.0 where no more was offered: that is no ceiling. A 1.2 peer that dislikes an extension does it too.
            Answer::Version { version, .. } => (
                Outcome::AtLeast(version),
                format!("{version} in answer to a bare TLS 1.0 hello, which offers no more; before: {before}"),
            ),
            Answer::Refused(third) => (refused, format!("{before}; to a bare TLS 1.0 hello: {}", third.words())),
            Answer::NoStartTls(_) => (
                refused,
                format!("{before}; at the third try: {}", Outcome::NoStartTls.words()),
            ),
            Answer::Other(third) => (
                refused,
                format!("{before}; the third try gave nothing: {}", third.words()),
            ),
        })
    }

    fn ask(&mut self, hello: &Hello) -> Result<Answer, ProbeError> {
        let limits = &self.settings.limits;
        let until = step_until(self.whole, limits.connect);
        let mut wire = match Wire::connect(self.address, until, self.cancel) {
            Ok(wire) => wire,
            Err(cut) => {
                self.is_unreachable = matches!(cut, Cut::Network(_));
                let why = format!("{}: {}", self.address.ip(), cut_words("a connection", cut)?);
                return Ok(Answer::Other(Outcome::NoAnswer(why)));
            }
        };
        self.connections = self.connections.saturating_add(1);
        let name = self.settings.ehlo_name.spoken(wire.local_address());
        let start = super::Start::of(self.target.service);
        match begin(&mut wire, start, &name, limits, self.whole) {
            Ok(()) => self.handshake(&mut wire, hello),
            Err(Stop::NoStartTls(why)) => Ok(Answer::NoStartTls(why)),
            Err(stop) => Ok(Answer::Other(match stop {
                Stop::NoStartTls(_) => Outcome::NoStartTls,
                Stop::Refused(words) => Outcome::TurnedAway(format!("refused before TLS began: {words}")),
                Stop::Later(words) => Outcome::Later(words),
                Stop::NotTls(what) => Outcome::NotTls(what),
                Stop::Endless(why) => Outcome::NoAnswer(why),
                Stop::Cut(what, cut) => Outcome::NoAnswer(cut_words(what, cut)?),
            })),
        }
    }

    fn handshake(&self, wire: &mut Wire, hello: &Hello) -> Result<Answer, ProbeError> {
        const WHAT: &str = "the ServerHello";
        let until = step_until(self.whole, self.settings.limits.hello);
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
                Ok(n) => reply = parser.feed(slice_at(&buffer, ..n)),
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
            (Reply::Version { version, mark, retry }, _) => Answer::Version { version, mark, retry },
            (Reply::NotTls(what), _) => Answer::Other(Outcome::NotTls(what)),
            (Reply::Alert(code), _) => Answer::Refused(Refusal::Alert(code)),
            (Reply::NotOffered(wire), _) => Answer::Refused(Refusal::NotOffered(not_offered_words(wire))),
            (Reply::Silence(warning), None | Some(Cut::Closed)) => Answer::Refused(Refusal::Closed(match warning {
                Some(code) => format!("closed after the warning {}", alert_words(code)),
                None => "closed without a word".to_owned(),
            })),
            (Reply::Silence(_), Some(cut @ Cut::TimedOut)) => Answer::Refused(Refusal::Silent(cut_words(WHAT, cut)?)),
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
