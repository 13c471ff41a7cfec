//! One connection to one address: connect, talk until TLS may begin, send a hello, and what became of it.

use std::net::SocketAddr;
use std::time::Instant;

use super::ProbeError;
use super::hello::Hello;
use super::reply::{Reply, ReplyParser, alert_words};
use super::report::Outcome;
use super::settings::{Settings, step_until};
use super::starttls::{Stop, begin};
use super::target::{Start, Target};
use super::wire::{Cancel, Channel, Cut, Wire};
use crate::hostile::slice_at;
use crate::tls::TlsVersion;

/// Leaving a handshake: `user_canceled`, then `close_notify` (RFC 8446 section 6.1).
const FAREWELL: [u8; 14] = [21, 3, 1, 0, 2, 1, 90, 21, 3, 1, 0, 2, 1, 0];

/// What one connection brought.
pub(super) enum Answer {
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
pub(super) enum Refusal {
    Alert(u8),
    NotOffered(String),
    Closed(String),
    /// Nothing came for some seconds: old boxes hang on what they do not know.
    Silent(String),
}

impl Refusal {
    pub(super) fn words(&self) -> String {
        match self {
            Self::Alert(code) => alert_words(*code),
            Self::NotOffered(words) | Self::Closed(words) | Self::Silent(words) => words.clone(),
        }
    }

    /// What is known of a peer that refused every hello so: silence is no refusal.
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Silent(words) => Outcome::NoAnswer(words.clone()),
            other => Outcome::Refused(other.words()),
        }
    }

    /// The hello was thrown out whole, and not for want of a suite in common (alerts 40 and 71 say that).
    pub(super) const fn is_intolerance(&self) -> bool {
        match self {
            Self::Alert(code) => !matches!(*code, 40 | 71),
            Self::Closed(_) => true,
            Self::NotOffered(_) | Self::Silent(_) => false,
        }
    }
}

/// The connections to one address of a peer, within the peer's deadline.
pub(super) struct Call<'a> {
    pub(super) target: &'a Target,
    pub(super) address: SocketAddr,
    whole: Instant,
    settings: &'a Settings,
    cancel: &'a Cancel,
    /// How many the peer has seen.
    pub(super) connections: u32,
    /// The network said no to the last one.
    pub(super) is_unreachable: bool,
}

impl<'a> Call<'a> {
    pub(super) fn new(
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
        }
    }

    pub(super) fn ask(&mut self, hello: &Hello) -> Result<Answer, ProbeError> {
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
        let start = Start::of(self.target.service);
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
