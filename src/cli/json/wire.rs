//! What `watch` says: one line of JSON a row.

use jiff::Timestamp;
use serde::Serialize;

use crate::tls::TlsVersion;
use crate::work::{OwnHello, Row, RowKey};

/// One program behind one address.
#[derive(Serialize)]
pub(in crate::cli) struct WireJson {
    direction: &'static str,
    /// `null`: no service of this program's list.
    service: Option<&'static str>,
    address: String,
    port: u16,
    /// `null`: its hello was not whole.
    ja4: Option<String>,
    offered: Option<&'static str>,
    negotiated: Option<&'static str>,
    hellos: u32,
    answered: u32,
    refused: u32,
    reason: Option<&'static str>,
    first: String,
    last: String,
    /// Nobody has ever logged in from there or sent mail; `null`: no log was read that could tell.
    stranger: Option<bool>,
}

/// `watch status`, before its rows.
#[derive(Serialize)]
pub(in crate::cli) struct WatchJson {
    pub(in crate::cli) service: &'static str,
    pub(in crate::cli) since: Option<String>,
    pub(in crate::cli) until: Option<String>,
    pub(in crate::cli) lost: u64,
    pub(in crate::cli) rows: usize,
}

impl WireJson {
    pub(in crate::cli) fn new(key: &RowKey, row: &Row, stranger: Option<bool>) -> Self {
        Self {
            direction: key.direction.token(),
            service: row.service.map(|service| service.token()),
            address: key.address.to_string(),
            port: key.port,
            ja4: row.ja4.map(|mark| mark.to_string()),
            offered: row.max.map(TlsVersion::token),
            negotiated: row.highest_negotiated().map(TlsVersion::token),
            hellos: row.hellos,
            answered: row.answered,
            refused: row.refusals(),
            reason: row.reason().map(|refusal| refusal.token()),
            first: second(row.first),
            last: second(row.last),
            stranger,
        }
    }
}

/// What our own side offers to others.
#[derive(Serialize)]
pub(in crate::cli) struct OwnHelloJson {
    direction: &'static str,
    service: Option<&'static str>,
    /// `null`: the hello shows the highest version only.
    offers: Option<Vec<&'static str>>,
    max: Option<&'static str>,
    ja4: Option<String>,
    hellos: u32,
    first: String,
    last: String,
}

impl From<&OwnHello> for OwnHelloJson {
    fn from(hello: &OwnHello) -> Self {
        let tokens = |versions: &Vec<TlsVersion>| versions.iter().map(|version| version.token()).collect();
        Self {
            direction: "own",
            service: hello.service.map(|service| service.token()),
            offers: hello.offers.as_ref().map(tokens),
            max: hello.max.map(TlsVersion::token),
            ja4: hello.ja4.map(|mark| mark.to_string()),
            hellos: hello.hellos,
            first: second(hello.first),
            last: second(hello.last),
        }
    }
}

/// A time to the second: more of it is nobody's business.
pub(in crate::cli) fn second(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}
