//! What passed on the wire, from a capture file; and what our own side offers.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use jiff::Timestamp;

use crate::files;
use crate::host::own_addresses;
use crate::hostile::safe_path;
use crate::probe::Ja4;
use crate::tls::{Direction, Service, TlsVersion};
use crate::watch::{self, Own, Rows};

/// What a capture file showed.
#[derive(Debug)]
pub struct Captured {
    /// The rows.
    pub rows: Rows,
    /// How it was read.
    pub notes: Vec<String>,
    /// What was not read.
    pub warnings: Vec<String>,
}

/// What our own side offers to others: one program, one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnHello {
    /// What is spoken there.
    pub service: Option<Service>,
    /// The program's mark; `None`: its hello was not whole.
    pub ja4: Option<Ja4>,
    /// All versions offered; `None`: the hello shows only the highest.
    pub offers: Option<Vec<TlsVersion>>,
    /// The highest version offered.
    pub max: Option<TlsVersion>,
    /// How often.
    pub hellos: u32,
    /// First and last.
    pub first: Timestamp,
    /// The newest.
    pub last: Timestamp,
}

/// Reads a capture file. `own`: which addresses are the mail server's; where none is named, this host's, else the one
/// that is called most.
///
/// # Errors
/// Why it could not be read, in words.
pub fn read_capture(path: &Path, own: &[IpAddr]) -> Result<Captured, String> {
    let failed = |why: &dyn std::fmt::Display| format!("{}: {why}", safe_path(path));
    let open = || {
        files::open(path)
            .map(files::Opened::into_file)
            .map_err(|fault| fault.to_string())
    };
    let read = |own: Own| watch::read_capture(open()?, own).map_err(|error| failed(&error));
    let mut notes = Vec::new();
    let mut read_with = if own.is_empty() { own_addresses() } else { own.to_vec() };
    let mut found = read(Own::new(read_with.iter().copied()))?;
    if own.is_empty()
        && found.rows.is_empty()
        && let Some(guess) = watch::guess_own(open()?).map_err(|error| failed(&error))?
    {
        notes.push(format!(
            "None of this host's addresses is in it; {guess} is in most handshakes and is taken for the mail server (--own says it)."
        ));
        read_with = vec![guess];
        found = read(Own::new(read_with.iter().copied()))?;
    }
    let mut warnings = Vec::new();
    if found.unknown > 0 {
        warnings.push(format!(
            "{} of {} frames are of a link type that is not read here (Ethernet, Linux cooked, raw IP and loopback are)",
            found.unknown, found.frames
        ));
    }
    if found.torn {
        warnings.push(format!(
            "{} ends in the middle of a frame: what stands before was read",
            safe_path(path)
        ));
    }
    if found.rows.overflowed > 0 {
        warnings.push(overflow_words(found.rows.overflowed));
    }
    Ok(Captured {
        rows: found.rows,
        notes,
        warnings,
    })
}

/// What was not kept for want of room.
#[must_use]
pub fn overflow_words(count: u64) -> String {
    format!("{count} rows were not kept: 64 programs of one address, and 100,000 rows in all, are the most")
}

/// What our own side offers to others, by service and program.
#[must_use]
pub fn own_hellos(rows: &Rows) -> Vec<OwnHello> {
    let mut found: BTreeMap<(Option<Service>, Option<Ja4>), OwnHello> = BTreeMap::new();
    for (key, row) in rows.sorted() {
        if key.direction != Direction::Outbound {
            continue;
        }
        let of_program = found.entry((row.service, key.program)).or_insert_with(|| OwnHello {
            service: row.service,
            ja4: row.ja4,
            offers: row.offers.clone(),
            max: row.max,
            hellos: 0,
            first: row.first,
            last: row.last,
        });
        of_program.hellos = of_program.hellos.saturating_add(row.hellos);
        of_program.first = of_program.first.min(row.first);
        of_program.last = of_program.last.max(row.last);
    }
    found.into_values().collect()
}
