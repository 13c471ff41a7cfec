//! One peer: each of its addresses asked once, and up to three times where the first hello brings no version.

use std::net::SocketAddr;
use std::time::Instant;

use super::ProbeError;
use super::connection::{Answer, Call, Refusal};
use super::hello::{Hello, HelloRandom};
use super::report::{Acceptance, AddressReport, Basis, Outcome, Report};
use super::resolve::resolve;
use super::settings::Settings;
use super::target::Target;
use super::wire::Cancel;
use crate::tls::TlsVersion;

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
        answers.push(highest(Call::new(target, *address, whole, settings, cancel))?);
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

/// The highest version of one address.
fn highest(mut call: Call<'_>) -> Result<AddressReport, ProbeError> {
    let server_name = call.target.server_name();
    let wide = Hello::wide(random()?, server_name);
    let mut answer = call.ask(&wide)?;
    // STARTTLS comes and goes where several machines answer for one address: an absence is asked about twice.
    let mut was_absent = false;
    if let Answer::NoStartTls(_) = answer {
        match call.ask(&wide)? {
            // Nothing that contradicts the absence.
            Answer::Other(_) => {}
            again => answer = again,
        }
        was_absent = !matches!(answer, Answer::NoStartTls(_));
    }
    let mut basis = Basis::default();
    let (outcome, mut detail) = match answer {
        Answer::Version {
            version,
            mark: None,
            retry,
        } => {
            let mut detail = format!("{version} in answer to a hello that offers TLS 1.0 to 1.3");
            if retry {
                basis = Basis::Agreed;
                detail.push_str(", agreed and not gone through (HelloRetryRequest)");
            }
            (Outcome::Version(version), detail)
        }
        Answer::Version { version, .. } => (
            Outcome::AtLeast(version),
            format!("{version}, marked as talked down: the peer has something newer that did not get through"),
        ),
        Answer::Refused(how) => {
            let (found, rests_on, detail) = second_question(&mut call, &how)?;
            basis = rests_on;
            (found, detail)
        }
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
    if matches!(outcome, Outcome::Refused(_) | Outcome::AtLeast(_)) && server_name.is_none() {
        detail.push_str("; asked without a server name, since only the address is known");
    }
    Ok(AddressReport {
        address: call.address,
        outcome,
        connections: call.connections,
        is_unreachable: call.is_unreachable,
        basis,
        detail,
    })
}

/// What is known, what it rests on, and the evidence in words.
type Found = (Outcome, Basis, String);

/// TLS 1.2 and older, asked for in the old way.
fn second_question(call: &mut Call<'_>, first: &Refusal) -> Result<Found, ProbeError> {
    let before = first.words();
    let middle = Hello::middle(random()?, matches!(first, Refusal::Alert(40 | 71)));
    let (outcome, detail) = match call.ask(&middle)? {
        Answer::Version {
            version,
            mark: Some(TlsVersion::Tls13),
            ..
        } => {
            return marked_question(call, version, first);
        }
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
        Answer::Refused(second) => return third_question(call, first, &second),
        Answer::NoStartTls(_) => (
            first.outcome(),
            format!("{before}; at the second try: {}", Outcome::NoStartTls.words()),
        ),
        Answer::Other(second) => (
            first.outcome(),
            format!("{before}; the second try gave nothing: {}", second.words()),
        ),
    };
    Ok((outcome, Basis::Chosen, detail))
}

/// By its own mark it has TLS 1.3 (RFC 8446 section 4.1.3), and it refused the hello that offers it. Perhaps it disliked
/// something else in that, such as the name; or it has no suite, group or key for TLS 1.3, and then whoever offers TLS 1.3
/// is refused: OpenSSL with a brainpool curve, GnuTLS with Camellia, Erlang with a DSA key do so.
fn marked_question(call: &mut Call<'_>, version: TlsVersion, first: &Refusal) -> Result<Found, ProbeError> {
    let before = format!(
        "{version} in answer to a TLS 1.2 hello, marked as having TLS 1.3; before: {}",
        first.words()
    );
    if call.connections >= QUESTIONS {
        return Ok((Outcome::AtLeast(version), Basis::Chosen, before));
    }
    Ok(match call.ask(&Hello::exactly(TlsVersion::Tls13, random()?, None))? {
        Answer::Version {
            version: new, retry, ..
        } => (
            Outcome::Version(new),
            if retry { Basis::Agreed } else { Basis::Chosen },
            format!("{new} in answer to a hello that offers no other and no server name; before: {before}"),
        ),
        Answer::Refused(third) if !matches!((first, &third), (Refusal::Silent(_), _) | (_, Refusal::Silent(_))) => (
            Outcome::Version(version),
            Basis::InEffect,
            format!(
                "{before}; to a TLS 1.3 hello: {}; whoever offers TLS 1.3 is refused: {version} is in effect its highest",
                third.words()
            ),
        ),
        _ => (Outcome::AtLeast(version), Basis::Chosen, before),
    })
}

/// The bare hello finds a peer that has SSLv3 only, and one that throws out whoever offers more than TLS 1.0.
fn third_question(call: &mut Call<'_>, first: &Refusal, second: &Refusal) -> Result<Found, ProbeError> {
    let before = format!("{}; to a TLS 1.2 hello: {}", first.words(), second.words());
    let refused = match first {
        Refusal::Silent(_) => second.outcome(),
        other => other.outcome(),
    };
    if call.connections >= QUESTIONS {
        return Ok((refused, Basis::Chosen, before));
    }
    let (outcome, detail) = match call.ask(&Hello::bare_tls10(random()?))? {
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
            let detail = format!(
                "{version} in answer to a bare TLS 1.0 hello, and whoever offers TLS 1.2 is thrown out: in effect its \
                 highest; before: {before}"
            );
            return Ok((Outcome::Version(version), Basis::InEffect, detail));
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
    };
    Ok((outcome, Basis::Chosen, detail))
}
