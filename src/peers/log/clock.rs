//! The times of log lines. The engine writes local time without a zone; syslog writes RFC 3339.

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;

/// Turns a line's time into seconds since 1970. Lines of the same minute share one look-up of the zone.
#[derive(Debug)]
pub(super) struct Clock {
    zone: TimeZone,
    minute: [u8; MINUTE],
    minute_starts: Option<i64>,
}

/// `25/Aug/2022 15:31`.
const MINUTE: usize = 17;

/// A line split into its time and the rest.
pub(super) struct Timed<'a> {
    /// Seconds since 1970.
    pub(super) second: i64,
    /// What follows.
    pub(super) message: &'a [u8],
}

impl Clock {
    pub(super) fn new(zone: TimeZone) -> Self {
        Self {
            zone,
            minute: [0; MINUTE],
            minute_starts: None,
        }
    }

    /// Reads `[25/Aug/2022 15:31:37] message`, or an RFC 5424 header before it or in its place.
    pub(super) fn split<'a>(&mut self, line: &'a [u8]) -> Option<Timed<'a>> {
        match line.first()? {
            b'[' => self.engine(line),
            b'<' => self.syslog(line),
            _ => None,
        }
    }

    /// Reads `[25/Aug/2022 15:31:37] message`.
    pub(super) fn engine<'a>(&mut self, line: &'a [u8]) -> Option<Timed<'a>> {
        let (stamp, message) = line.strip_prefix(b"[")?.split_first_chunk::<20>()?;
        let message = message.strip_prefix(b"] ")?;
        let (minute, seconds) = stamp.split_first_chunk::<MINUTE>()?;
        let [b':', tens, ones] = seconds else { return None };
        let second = i64::from(two_digits(*tens, *ones)?);
        if second > 60 {
            return None;
        }
        if self.minute != *minute {
            self.minute_starts = self.look_up(minute);
            self.minute = *minute;
        }
        Some(Timed {
            second: self.minute_starts? + second,
            message,
        })
    }

    fn look_up(&self, minute: &[u8; MINUTE]) -> Option<i64> {
        let [
            d1,
            d2,
            b'/',
            m1,
            m2,
            m3,
            b'/',
            y1,
            y2,
            y3,
            y4,
            b' ',
            h1,
            h2,
            b':',
            n1,
            n2,
        ] = *minute
        else {
            return None;
        };
        let month = match &[m1, m2, m3] {
            b"Jan" => 1,
            b"Feb" => 2,
            b"Mar" => 3,
            b"Apr" => 4,
            b"May" => 5,
            b"Jun" => 6,
            b"Jul" => 7,
            b"Aug" => 8,
            b"Sep" => 9,
            b"Oct" => 10,
            b"Nov" => 11,
            b"Dec" => 12,
            _ => return None,
        };
        let year = i16::from(two_digits(y1, y2)?) * 100 + i16::from(two_digits(y3, y4)?);
        let date = civil::Date::new(year, month, two_digits(d1, d2)?).ok()?;
        let time = civil::Time::new(two_digits(h1, h2)?, two_digits(n1, n2)?, 0, 0).ok()?;
        // In the hour that a clock change repeats, the first of the two is taken: an hour's error in a window of days.
        let moment = self
            .zone
            .to_ambiguous_timestamp(date.to_datetime(time))
            .compatible()
            .ok()?;
        Some(moment.as_second())
    }

    /// RFC 5424 section 6: `<PRI>1 TIMESTAMP HOST APP PROCID MSGID SD MSG`.
    fn syslog<'a>(&mut self, line: &'a [u8]) -> Option<Timed<'a>> {
        let close = memchr::memchr(b'>', line.get(..6)?)?;
        if close < 2 || !line.get(1..close)?.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let mut rest = line.get(close + 1..)?.strip_prefix(b"1 ")?;
        let mut time = &[][..];
        for field in 0..5 {
            let space = memchr::memchr(b' ', rest.get(..rest.len().min(300))?)?;
            let (word, after) = rest.split_at_checked(space)?;
            if word.is_empty() {
                return None;
            }
            if field == 0 {
                time = word;
            }
            rest = after.strip_prefix(b" ")?;
        }
        let message = structured_data(rest)?;
        let message = message.strip_prefix("\u{feff}".as_bytes()).unwrap_or(message);
        // Some relays keep the engine's own time in front: the text behind it counts, the header's time has a zone.
        let message = match self.engine(message) {
            Some(inner) => inner.message,
            None => message,
        };
        let second = std::str::from_utf8(time).ok()?.parse::<Timestamp>().ok()?.as_second();
        Some(Timed { second, message })
    }
}

/// Skips `-` or `[id name="value"]…` (quotes may hold `]`).
fn structured_data(rest: &[u8]) -> Option<&[u8]> {
    if let Some(message) = rest.strip_prefix(b"- ") {
        return Some(message);
    }
    let (mut depth, mut quoted, mut escaped) = (0_u8, false, false);
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if depth == 1 => quoted = !quoted,
            b'[' if !quoted && depth == 0 => depth = 1,
            b']' if !quoted && depth == 1 => depth = 0,
            b' ' if depth == 0 && at > 0 => return rest.get(at + 1..),
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

fn two_digits(tens: u8, ones: u8) -> Option<i8> {
    if !(tens.is_ascii_digit() && ones.is_ascii_digit()) {
        return None;
    }
    i8::try_from((tens - b'0') * 10 + (ones - b'0')).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(zone: &str, line: &str) -> Option<(String, String)> {
        let timed = Clock::new(TimeZone::get(zone).unwrap())
            .split(line.as_bytes())?
            .into_words();
        Some(timed)
    }

    impl Timed<'_> {
        fn into_words(self) -> (String, String) {
            let time = Timestamp::from_second(self.second).unwrap().to_string();
            (time, String::from_utf8_lossy(self.message).into_owned())
        }
    }

    #[test]
    fn the_engines_time_is_local_and_the_zone_is_the_callers() {
        let line = "[25/Aug/2022 15:31:37] Recv: x";
        assert_eq!(at("UTC", line), Some(("2022-08-25T15:31:37Z".into(), "Recv: x".into())));
        assert_eq!(at("Europe/Prague", line).unwrap().0, "2022-08-25T13:31:37Z");
    }

    #[test]
    fn clock_changes_are_neither_errors_nor_more_than_an_hour_off() {
        assert_eq!(
            at("Europe/Prague", "[30/Oct/2022 02:30:00] x").unwrap().0,
            "2022-10-30T00:30:00Z"
        );
        assert_eq!(
            at("Europe/Prague", "[27/Mar/2022 02:30:00] x").unwrap().0,
            "2022-03-27T01:30:00Z"
        );
    }

    #[test]
    fn syslog_headers_are_read_with_and_without_the_engines_own_time() {
        let expected = Some(("2026-04-04T10:00:00Z".to_owned(), "Recv: y".to_owned()));
        assert_eq!(
            at("Europe/Prague", "<22>1 2026-04-04T10:00:00Z host mail - - - Recv: y"),
            expected
        );
        assert_eq!(
            at("UTC", "<22>1 2026-04-04T12:00:00.5+02:00 host mail - - - Recv: y"),
            expected
        );
        assert_eq!(
            at(
                "UTC",
                "<22>1 2026-04-04T10:00:00Z host mail 1 m [a b=\"] \\\" x\"][c] Recv: y"
            ),
            expected
        );
        assert_eq!(
            at(
                "UTC",
                "<22>1 2026-04-04T10:00:00Z h m - - - [04/Apr/2026 12:00:00] Recv: y"
            ),
            expected
        );
    }

    #[test]
    fn what_is_no_time_is_no_time() {
        for line in [
            "",
            "[",
            "[25/Aug/2022 15:31:37]",
            "[32/Aug/2022 15:31:37] x",
            "[25/aug/2022 15:31:37] x",
            "[25/Aug/2022 25:31:37] x",
            "[25/Aug/2022 15:31:61] x",
            "<22>1 now h m - - - x",
            "<>1 2026-04-04T10:00:00Z h m - - - x",
            " [25/Aug/2022 15:31:37] x",
            "<22>1 2026-04-04T10:00:00Z h m - - [x Recv: y",
        ] {
            assert_eq!(at("UTC", line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120), kind in 0..3) {
            let mut line = match kind { 0 => b"[25/Aug/2022 15:31:".to_vec(), 1 => b"<22>1 2026-04-04T10:00:00Z ".to_vec(), _ => vec![] };
            line.extend(bytes);
            let _ = Clock::new(TimeZone::UTC).split(&line);
        }
    }
}
