//! The times of log lines. The engine writes local time without a zone; syslog writes RFC 3339.

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;

/// Turns a line's time into seconds since 1970. Lines of the same minute share one look-up of the zone.
#[derive(Debug)]
pub(super) struct Clock {
    zone: TimeZone,
    /// How the stamps of the current minute begin, and how the first of them ends: `[25/Aug/2022 15:`, `:31:00] `.
    begin: [u8; 16],
    end: u64,
    minute_starts: i64,
}

/// `[25/Aug/2022 15:31:37] `.
const STAMP: usize = 23;
/// `[25/Aug/2022 15:31`.
const MINUTE: usize = 18;
/// Where the seconds are in the last eight bytes of a stamp.
const SECONDS: u64 = u64::from_le_bytes([0, 0, 0, 0, 0xff, 0xff, 0, 0]);

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
            begin: [0; 16],
            // No stamp ends so, not even one of zeros, as after a crash of the machine.
            end: u64::MAX,
            minute_starts: 0,
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
    #[inline]
    pub(super) fn engine<'a>(&mut self, line: &'a [u8]) -> Option<Timed<'a>> {
        let (stamp, message) = line.split_first_chunk::<STAMP>()?;
        if *stamp.first_chunk()? != self.begin || self.apart(stamp)? & !SECONDS != 0 {
            self.turn_to(stamp)?;
        }
        let [_, _, _, _, tens, ones, _, _] = self.apart(stamp)?.to_le_bytes();
        let second = i64::from(tens) * 10 + i64::from(ones);
        (ones <= 9 && second <= 60).then_some(Timed {
            second: self.minute_starts + second,
            message,
        })
    }

    /// What the end of a stamp has otherwise than the current minute's first: in its seconds that is the values of their digits.
    #[inline]
    fn apart(&self, stamp: &[u8; STAMP]) -> Option<u64> {
        Some(u64::from_le_bytes(*stamp.last_chunk()?) ^ self.end)
    }

    /// Makes the minute of this stamp the current one.
    #[cold]
    #[inline(never)]
    fn turn_to(&mut self, stamp: &[u8; STAMP]) -> Option<()> {
        let (minute, [b':', _, _, b']', b' ']) = stamp.split_first_chunk()? else {
            return None;
        };
        self.minute_starts = self.look_up(minute)?;
        self.begin = *stamp.first_chunk()?;
        let zeros = u64::from_le_bytes([b'0'; 8]);
        self.end = u64::from_le_bytes(*stamp.last_chunk()?) & !SECONDS | zeros & SECONDS;
        Some(())
    }

    fn look_up(&self, minute: &[u8; MINUTE]) -> Option<i64> {
        let [
            b'[',
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
            "[25/Aug/2022 15:31:3:] x",
            "[25/Aug/2022 15:31:37> x",
            "[25/Aug/2022 15:31 37] x",
            "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        ] {
            assert_eq!(at("UTC", line), None, "{line}");
        }
    }

    #[test]
    fn a_clock_that_has_seen_a_minute_reads_as_a_new_one_does() {
        let mut clock = Clock::new(TimeZone::UTC);
        for line in [
            "[25/Aug/2022 15:31:37] x",
            "[25/Aug/2022 15:31:60] x",
            "[25/Aug/2022 15:31:61] x",
            "[25/Aug/2022 15:31:3:] x",
            "[25/Aug/2022 15:31:\u{b7}] x",
            "[25/Aug/2022 15:31:37) x",
            "[25/Aug/2022 15:31:00] x",
            "[25/Aug/2022 15:32:00] x",
            "[25/Aug/2022 15:99:00] x",
            "[25/Aug/2022 15:32:59] x",
            "[26/Aug/2022 15:32:59] x",
        ] {
            let read = clock.split(line.as_bytes()).map(Timed::into_words);
            assert_eq!(read, at("UTC", line), "{line}");
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
