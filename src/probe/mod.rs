//! One TLS question to one address: *what is the highest version you speak?* And many such questions at once.
//!
//! The question is one hand-built ClientHello ([`Hello`]); the answer is the version of the ServerHello
//! ([`ReplyParser`]). There is no cryptography in it and nothing of a mail is sent. A peer that does not answer it with a
//! version is asked for TLS 1.2 in the old way, and then once more with a bare TLS 1.0 hello. What cannot be known is
//! reported as not known: a refusal is never "no TLS", and a version that a peer accepts is called its highest only if
//! more was offered, or if it throws out whoever offers more.
//!
//! This room must never know what a mail log, a verdict or a screen is. Everything a peer sends is hostile: bounded by
//! [`Limits`], and shown only through [`safe_text`].

mod client_hello;
mod connection;
pub mod fake;
mod fields;
mod hello;
mod idn;
mod many;
mod one;
mod plan;
mod reply;
mod report;
mod resolve;
mod server_hello;
mod settings;
mod starttls;
mod target;
mod wire;

pub use crate::hostile::safe_text;
pub use crate::tls::Service;
pub use client_hello::{ClientHello, Ja4};
pub use hello::{Hello, HelloRandom};
pub use many::{WORKERS, probe_many};
pub use one::{ask_exactly, probe_one};
pub use plan::ProbePlan;
pub use reply::{Reply, ReplyParser, alert_words};
pub use report::{Acceptance, AddressReport, Basis, Outcome, Report};
pub use server_hello::ServerHello;
pub use settings::{EhloName, Limits, Settings};
pub use target::{HostName, Start, Target, TargetHost};
pub use wire::Cancel;

/// Why a probe could not be made. None of these says anything about the peer, and nothing was changed anywhere.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The user ended it.
    #[error("the probe was cancelled before there was an answer")]
    Cancelled,
    /// This machine could not do its part.
    #[error("cannot probe: this machine failed at {what}: {source}; try again with fewer at once")]
    Local {
        /// What was being done.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The target cannot be read.
    #[error("cannot probe {text}: {why}; give HOST, HOST:PORT or [IPV6]:PORT")]
    BadTarget {
        /// What was given, bounded and safe to show.
        text: String,
        /// What is wrong with it.
        why: String,
    },
}
