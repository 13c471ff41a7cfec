//! Now, and this machine's time zone.

use std::path::Path;

use jiff::tz::TimeZone;

use crate::files;
use crate::session::Clock;

/// A compiled time zone is a few kilobytes.
const LIMIT: u64 = 1 << 20;

/// Now, and the server's zone.
#[must_use]
pub fn clock() -> Clock {
    Clock {
        now: jiff::Timestamp::now(),
        zone: zone(),
    }
}

/// This machine's zone. jiff looks its name up in a list of the whole of `/usr/share/zoneinfo`, which costs a start
/// half a millisecond; the file that the name stands for says the same.
fn zone() -> TimeZone {
    match std::env::var("TZ") {
        Ok(named) => named_zone(&named),
        Err(_) => of_this_machine().unwrap_or(TimeZone::UTC),
    }
}

fn of_this_machine() -> Option<TimeZone> {
    let path = Path::new("/etc/localtime");
    let name = std::fs::read_link(path).ok().and_then(|link| {
        let (_, name) = link.to_str()?.rsplit_once("zoneinfo/")?;
        Some(name.to_owned())
    });
    TimeZone::tzif(name.as_deref().unwrap_or("local"), &files::read(path, LIMIT).ok()?).ok()
}

/// What `TZ` names (tzset(3)): a file by its path, a zone of the list, or a rule. A path of the user's choice may be a
/// pipe, which jiff would wait for; it is opened as every stranger's file is.
fn named_zone(named: &str) -> TimeZone {
    let name = named.strip_prefix(':').unwrap_or(named);
    let path = Path::new(name);
    let found = if name.is_empty() {
        None
    } else if path.is_absolute() {
        let bytes = files::read(path, LIMIT).ok();
        bytes.and_then(|bytes| TimeZone::tzif(name, &bytes).ok())
    } else {
        TimeZone::get(name).or_else(|_| TimeZone::posix(name)).ok()
    };
    found.unwrap_or(TimeZone::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_is_the_one_that_jiff_finds() {
        let (ours, theirs) = (zone(), TimeZone::system());
        for time in ["2026-01-15T12:00:00Z", "2026-07-15T12:00:00Z", "2040-07-15T12:00:00Z"] {
            let time: jiff::Timestamp = time.parse().unwrap();
            assert_eq!(ours.to_offset(time), theirs.to_offset(time), "{time}");
        }
    }

    #[test]
    fn a_zone_is_named_by_the_list_by_a_rule_or_by_a_file_and_a_pipe_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("zone");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
        let summer: jiff::Timestamp = "2026-07-15T12:00:00Z".parse().unwrap();
        let hours = |named: &str| named_zone(named).to_offset(summer).seconds() / 3600;
        assert_eq!(hours("CET-1CEST,M3.5.0,M10.5.0/3"), 2);
        assert_eq!(hours("EST5"), -5);
        for none in ["", ":", "no such zone", &pipe.display().to_string(), "/nonexistent"] {
            assert_eq!(hours(none), 0, "{none}");
        }
    }
}
