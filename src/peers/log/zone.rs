//! In which time zone a log was written. The engine writes local time without a zone, and its zone need not be ours: containers run in
//! UTC. A line is written at the moment at which its file changes last, so the newest line beside the file's own time tells.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use super::clock::Clock;
use super::plan::last_time;
use super::scope::Window;
use crate::files;

/// Offsets of zones are multiples of this.
const STEP: i64 = 15 * 60;
/// So much may lie between the newest line and the file's own time.
const NEAR: i64 = 90;
/// No zone is further from UTC.
const FURTHEST: i64 = 14 * 3600;
/// So many files are asked.
const ASKED: usize = 4;

/// How a log is read.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Written {
    /// In the zone that was given.
    #[default]
    Here,
    /// With this offset, in seconds.
    At(i32),
    /// Its newest line is so many seconds older than its file, as in a zone behind ours; or the file is a copy. In the zone that was given.
    Behind(i64),
    /// Its newest line is dated so many seconds after its file was written, and no zone explains that.
    Ahead(i64),
}

/// What one file shows: the offset from UTC of its newest line, or how far that is from any offset.
struct Shown {
    offset: Result<i64, i64>,
    ours: i64,
    modified: i64,
}

impl Written {
    /// Finds out from the newest of these logs.
    pub(super) fn notice(logs: &[PathBuf], window: &Window) -> Self {
        if window.zone_given {
            return Self::Here;
        }
        let plain = logs
            .iter()
            .filter(|path| path.extension().is_none_or(|extension| extension != "gz"));
        let shown: Vec<Shown> = plain.take(ASKED).filter_map(|path| show(path, window)).collect();
        let Some((newest, older)) = shown.split_first() else {
            return Self::Here;
        };
        let offset = match newest.offset {
            Ok(offset) => offset,
            Err(ahead) if ahead > newest.ours + NEAR => return Self::Ahead(ahead - newest.ours),
            Err(_) => return Self::Here,
        };
        let agrees = |other: &&Shown| other.offset == Ok(offset) && (other.modified - newest.modified).abs() > 3600;
        let contradicts = |other: &Shown| other.offset == Ok(other.ours);
        // No line is written after its file. One that is older than its file may stand in a copy: then only UTC is likely enough.
        let is_sure = offset > newest.ours
            || older.iter().any(|other| agrees(&other))
            || (offset == 0 && !older.iter().any(contradicts));
        match i32::try_from(offset) {
            Ok(seconds) if offset != newest.ours && is_sure => Self::At(seconds),
            Ok(_) if offset < newest.ours && !older.iter().any(contradicts) => Self::Behind(newest.ours - offset),
            _ => Self::Here,
        }
    }

    /// The zone to read in.
    pub(super) fn zone(&self, given: &TimeZone) -> TimeZone {
        match self {
            Self::At(0) => TimeZone::UTC,
            Self::At(seconds) => Offset::from_seconds(*seconds).map_or_else(|_| given.clone(), TimeZone::fixed),
            Self::Here | Self::Behind(_) | Self::Ahead(_) => given.clone(),
        }
    }

    /// So many seconds its lines may be younger than they are read.
    pub(super) const fn perhaps_younger(&self) -> i64 {
        match self {
            Self::Behind(seconds) => *seconds,
            Self::Here | Self::At(_) | Self::Ahead(_) => 0,
        }
    }

    /// So many seconds its newest line is older than it is read, at least.
    pub(super) const fn older(&self) -> i64 {
        match self {
            Self::Ahead(seconds) => *seconds,
            Self::Here | Self::At(_) | Self::Behind(_) => 0,
        }
    }

    pub(super) fn words(&self) -> Option<String> {
        match self {
            Self::Here => None,
            Self::At(0) => Some(
                "mail log: its times are in UTC, not in this machine's zone, as its newest line and the file's own time show; they are \
                 read so"
                    .to_owned(),
            ),
            Self::At(seconds) => Some(format!(
                "mail log: its times are in another zone than this machine's (UTC{}), as its newest line and the file's own time show; \
                 they are read so",
                shown_offset(*seconds)
            )),
            Self::Behind(seconds) => Some(format!(
                "mail log: its newest line is {} older than the file itself, as in a log of another time zone, or in a copy; it is read \
                 in this machine's zone, unless log-zone in kerio-tls.toml names another (log-zone = \"UTC\")",
                if seconds % 3600 == 0 {
                    format!("{} h", seconds / 3600)
                } else {
                    format!("{} min", seconds / 60)
                }
            )),
            Self::Ahead(seconds) => Some(format!(
                "mail log: its newest line is dated {} min after the file was written; is the clock right? log-zone in kerio-tls.toml \
                 names the log's time zone",
                seconds / 60
            )),
        }
    }
}

fn show(path: &Path, window: &Window) -> Option<Shown> {
    let opened = files::open(path).ok()?;
    let (modified, size) = (opened.stat().st_mtime, opened.size());
    let mut clock = Clock::new(TimeZone::UTC, window.now.as_second());
    let line = last_time(opened.file(), size, |line| clock.local(line)).ok()??;
    let ours = window.zone.to_offset(Timestamp::from_second(modified).ok()?);
    let apart = line - modified;
    let offset = (apart + STEP / 2).div_euclid(STEP) * STEP;
    let is_offset = (apart - offset).abs() <= NEAR && offset.abs() <= FURTHEST;
    Some(Shown {
        offset: if is_offset { Ok(offset) } else { Err(apart) },
        ours: ours.seconds().into(),
        modified,
    })
}

fn shown_offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}
