//! The times of log lines. The engine writes local time without a zone; what came through syslog has other forms.

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;

use super::syslog::{self, Local, Stamp, month, two_digits};

/// So far after "now" a line may be dated.
const FUTURE_SECONDS: i64 = 86_400;
/// What some writers begin a file or a message with.
const BOM: &[u8] = "\u{feff}".as_bytes();

/// Turns a line's time into seconds since 1970. Lines of the same minute share one look-up of the zone.
#[derive(Debug)]
pub(super) struct Clock {
    zone: TimeZone,
    /// In seconds: syslog's old form has no year.
    now: i64,
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
    pub(super) fn new(zone: TimeZone, now: i64) -> Self {
        Self {
            zone,
            now,
            begin: [0; 16],
            // No stamp ends so, not even one of zeros, as after a crash of the machine.
            end: u64::MAX,
            minute_starts: 0,
        }
    }

    /// Lines dated later than this, in seconds, are a wrong clock's, not mail.
    pub(super) const fn latest(&self) -> i64 {
        self.now.saturating_add(FUTURE_SECONDS)
    }

    /// Reads `[25/Aug/2022 15:31:37] message`, or a syslog header before it or in its place.
    pub(super) fn split<'a>(&mut self, line: &'a [u8]) -> Option<Timed<'a>> {
        let line = line.strip_prefix(BOM).unwrap_or(line);
        match line.first()? {
            b'[' => self.engine(line),
            _ => self.syslog(line),
        }
    }

    /// The moment of a line whose time is local; `None` also where its zone stands in it.
    pub(super) fn local(&mut self, line: &[u8]) -> Option<i64> {
        let line = line.strip_prefix(BOM).unwrap_or(line);
        match line.first()? {
            b'[' => Some(self.engine(line)?.second),
            _ => match syslog::read(line)?.0 {
                Stamp::Local(local) => self.moment(local),
                Stamp::Zoned(_) => None,
            },
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
        let month = month([m1, m2, m3])?;
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

    /// Reads a line that came through syslog.
    fn syslog<'a>(&mut self, line: &'a [u8]) -> Option<Timed<'a>> {
        let (stamp, message) = syslog::read(line)?;
        let message = message.strip_prefix(BOM).unwrap_or(message);
        // Some relays keep the engine's own time in front.
        let own = self.engine(message);
        let message = own.as_ref().map_or(message, |own| own.message);
        let second = match (stamp, own) {
            (Stamp::Zoned(moment), _) => moment,
            (Stamp::Local(_), Some(own)) => own.second,
            (Stamp::Local(local), None) => self.moment(local)?,
        };
        Some(Timed { second, message })
    }

    /// The moment of a local time without a year: the last one that is not ahead.
    fn moment(&self, local: Local) -> Option<i64> {
        let year = self.zone.to_datetime(Timestamp::from_second(self.now).ok()?).year();
        let of = |year: i16| {
            let date = civil::Date::new(year, local.month, local.day).ok()?;
            let time = civil::Time::new(local.hour, local.minute, local.second.min(59), 0).ok()?;
            let moment = self
                .zone
                .to_ambiguous_timestamp(date.to_datetime(time))
                .compatible()
                .ok()?;
            Some(moment.as_second())
        };
        let this_year = of(year).filter(|second| *second <= self.latest());
        this_year.or_else(|| of(year - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 4 April 2026, 12:00 UTC.
    const NOW: i64 = 1_775_304_000;

    fn at(zone: &str, line: &str) -> Option<(String, String)> {
        let timed = Clock::new(TimeZone::get(zone).unwrap(), NOW)
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
    fn what_rsyslog_writes_is_read_in_its_old_form_and_its_new_one() {
        let expected = Some(("2026-04-04T10:00:00Z".to_owned(), "Recv: y".to_owned()));
        for line in [
            "Apr  4 10:00:00 mx01 mail: Recv: y",
            "<22>Apr  4 10:00:00 mx01 mail: Recv: y",
            "<22>Apr  4 10:00:00 mx01 mail[77]: Recv: y",
            "Apr  4 10:00:00 mx01 Recv: y",
            "2026-04-04T10:00:00.123456+00:00 mx01 mail: Recv: y",
            "2026-04-04T12:00:00+02:00 mx01 mail - - - Recv: y",
            "2026-04-04T10:00:00Z mx01 mail: \u{feff}Recv: y",
            "\u{feff}Apr  4 10:00:00 mx01 mail: [04/Apr/2026 10:00:00] Recv: y",
            "<22>1 2026-04-04T10:00:00Z host mail - - - \u{feff}Recv: y",
            "\u{feff}[04/Apr/2026 10:00:00] Recv: y",
        ] {
            assert_eq!(at("UTC", line), expected, "{line}");
        }
        // Without a year it is the last one that is not ahead, and the time is local.
        assert_eq!(
            at("UTC", "Dec 31 23:00:00 h mail: x").unwrap().0,
            "2025-12-31T23:00:00Z"
        );
        assert_eq!(
            at("Europe/Prague", "Jan 10 23:00:00 h mail: x").unwrap().0,
            "2026-01-10T22:00:00Z"
        );
        assert_eq!(at("UTC", "Feb 29 23:00:00 h mail: x"), None);
    }

    #[test]
    fn a_local_time_is_told_from_one_that_has_its_zone() {
        let mut clock = Clock::new(TimeZone::UTC, NOW);
        assert!(clock.local(b"[04/Apr/2026 10:00:00] x").is_some());
        assert!(clock.local(b"Apr  4 10:00:00 mx01 mail: x").is_some());
        assert!(clock.local(b"2026-04-04T10:00:00Z mx01 mail: x").is_none());
        assert!(
            clock
                .local(b"<22>1 2026-04-04T10:00:00Z h m - - - [04/Apr/2026 10:00:00] x")
                .is_none()
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
            "Apr 31 10:00:00 mx01 mail: x",
            "Abc  4 10:00:00 mx01 mail: x",
            "Apr  4 10:00 mx01 mail: x",
            "2026-04-04 10:00:00 mx01 mail: x",
            "Apr  4 10:00:00 mx01 mail x",
            "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        ] {
            assert_eq!(at("UTC", line), None, "{line}");
        }
    }

    #[test]
    fn a_clock_that_has_seen_a_minute_reads_as_a_new_one_does() {
        let mut clock = Clock::new(TimeZone::UTC, NOW);
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
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120), kind in 0..5) {
            let mut line = match kind { 0 => b"[25/Aug/2022 15:31:".to_vec(), 1 => b"<22>1 2026-04-04T10:00:00Z ".to_vec(),
                2 => b"Apr  4 10:00:00 ".to_vec(), 3 => b"2026-04-04T10:00:00Z ".to_vec(), _ => vec![] };
            line.extend(bytes);
            let _ = Clock::new(TimeZone::UTC, NOW).split(&line);
        }
    }
}
