//! Times as people say them.

use jiff::{Timestamp, tz::TimeZone};

/// "Now" and the local zone, passed in so that nothing here reads a clock.
#[derive(Debug, Clone)]
pub struct Clock {
    /// The present.
    pub now: Timestamp,
    /// The server's local zone: logs are written in it, and people read it.
    pub zone: TimeZone,
}

impl Clock {
    /// `14:01` for today, `2 Oct` within a year, `2 Oct 2025` beyond. Never an age: an idle screen must stay true.
    #[must_use]
    pub fn day(&self, time: Timestamp) -> String {
        let (then, now) = (
            time.to_zoned_datetime(self.zone.clone()),
            self.now.to_zoned_datetime(self.zone.clone()),
        );
        if then.date() == now.date() {
            then.strftime("today %H:%M").to_string()
        } else if self.now.duration_since(time).as_hours().abs() < 24 * 330 {
            then.strftime("%-d %b").to_string()
        } else {
            then.strftime("%-d %b %Y").to_string()
        }
    }

    /// More than a year ago: peers have been updated or replaced since.
    #[must_use]
    pub fn is_old(&self, time: Timestamp) -> bool {
        self.now.duration_since(time).as_hours() > 24 * 365
    }

    /// The same as [`Self::day`], and a word where that is more than a year ago.
    #[must_use]
    pub fn dated(&self, time: Timestamp) -> String {
        let old = if self.is_old(time) { " (old)" } else { "" };
        format!("{}{old}", self.day(time))
    }

    /// `14:01`.
    #[must_use]
    pub fn time(&self, time: Timestamp) -> String {
        time.to_zoned_datetime(self.zone.clone()).strftime("%H:%M").to_string()
    }

    /// `2026-11-24 14:01`, for lists where the day matters.
    #[must_use]
    pub fn date_and_time(&self, time: Timestamp) -> String {
        time.to_zoned_datetime(self.zone.clone())
            .strftime("%Y-%m-%d %H:%M")
            .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(now: &str) -> Clock {
        Clock {
            now: now.parse().unwrap(),
            zone: TimeZone::UTC,
        }
    }

    #[test]
    fn today_is_said_with_its_time_and_other_days_with_their_date() {
        let clock = clock("2026-11-24T15:00:00Z");
        assert_eq!(clock.day("2026-11-24T14:01:00Z".parse().unwrap()), "today 14:01");
        assert_eq!(clock.day("2026-10-02T14:01:00Z".parse().unwrap()), "2 Oct");
        assert_eq!(clock.day("2025-10-02T14:01:00Z".parse().unwrap()), "2 Oct 2025");
    }
}
