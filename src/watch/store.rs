//! Rows kept between runs, as text: one JSON object a line, so that a torn or damaged line costs that line only.
//!
//! Pure: the caller reads and writes the file. Who reads it does not trust who wrote it: everything is checked, and
//! nothing in it is text of a stranger.

use std::io::Write as _;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::own::service_of;
use super::rows::{Refusal, Row, RowKey, Rows};
use crate::probe::Ja4;
use crate::tls::{Direction, TlsVersion};

/// Longest line; ours have 500 bytes.
const LINE: usize = 2048;

/// What was seen, from when to when, and how much of it was lost.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// The rows.
    pub rows: Rows,
    /// Since when the watch goes.
    pub since: Option<Timestamp>,
    /// Until when it has seen everything.
    pub until: Option<Timestamp>,
    /// Frames that the kernel could not hand over: with any, nobody can say that nobody was refused.
    pub lost: u64,
}

#[derive(Serialize, Deserialize)]
struct Head {
    kerio_tls_watch: u8,
    since: i64,
    until: i64,
    lost: u64,
    overflowed: u64,
}

/// A line of the file. The names are the file's format: they do not change. Times are seconds since 1970.
#[derive(Serialize, Deserialize)]
struct StoredRow {
    direction: String,
    port: u16,
    address: IpAddr,
    program: Option<String>,
    ja4: Option<String>,
    max: Option<String>,
    offers: Option<Vec<String>>,
    hellos: u32,
    fallbacks: u32,
    negotiated: [(u32, i64); 5],
    answered: u32,
    unanswered: u32,
    /// By the server?, alert, how often.
    refused: Vec<(bool, u8, u32)>,
    mark: Option<String>,
    first: i64,
    last: i64,
    last_refused: Option<i64>,
    recent: Vec<i64>,
}

impl Kept {
    /// Most bytes read: 100,000 rows have less.
    pub const BYTES_MAX: u64 = 64 << 20;

    /// Reads the text back, and how many lines could not be used.
    #[must_use]
    pub fn parse(text: &[u8]) -> (Self, usize) {
        let (mut kept, mut bad) = (Self::default(), 0);
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            if let Ok(head) = serde_json::from_slice::<Head>(line) {
                kept.since = Timestamp::from_second(head.since).ok();
                kept.until = Timestamp::from_second(head.until).ok();
                kept.lost = head.lost;
                kept.rows.overflowed = head.overflowed;
                continue;
            }
            let stored = Some(line)
                .filter(|line| line.len() <= LINE)
                .and_then(|line| serde_json::from_slice(line).ok());
            match stored.and_then(|stored: StoredRow| stored.row()) {
                Some((key, row)) => kept.rows.insert(key, row),
                None => bad += 1,
            }
        }
        (kept, bad)
    }

    /// The text to write.
    #[must_use]
    pub fn to_text(&self) -> Vec<u8> {
        let second = |time: Option<Timestamp>| time.map_or(0, Timestamp::as_second);
        let head = Head {
            kerio_tls_watch: 1,
            since: second(self.since),
            until: second(self.until),
            lost: self.lost,
            overflowed: self.rows.overflowed,
        };
        let mut text = serde_json::to_vec(&head).unwrap_or_default();
        text.push(b'\n');
        for (key, row) in self.rows.sorted() {
            // Numbers and short words cannot fail to serialise.
            let _ = serde_json::to_writer(&mut text, &StoredRow::of(key, row));
            let _ = text.write_all(b"\n");
        }
        text
    }
}

impl StoredRow {
    fn of(key: &RowKey, row: &Row) -> Self {
        let word = |version: TlsVersion| version.token().to_owned();
        Self {
            direction: key.direction.token().to_owned(),
            port: key.port,
            address: key.address,
            program: key.program.map(|mark| mark.to_string()),
            ja4: row.ja4.map(|mark| mark.to_string()),
            max: row.max.map(word),
            offers: row
                .offers
                .as_ref()
                .map(|offers| offers.iter().copied().map(word).collect()),
            hellos: row.hellos,
            fallbacks: row.fallbacks,
            negotiated: row.negotiated,
            answered: row.answered,
            unanswered: row.unanswered,
            refused: row
                .refused
                .iter()
                .map(|(why, count)| (why.by_server, why.alert, *count))
                .collect(),
            mark: row.mark.map(word),
            first: row.first.as_second(),
            last: row.last.as_second(),
            last_refused: row.last_refused.map(Timestamp::as_second),
            recent: row.recent.iter().map(|time| time.as_second()).collect(),
        }
    }

    /// `None`: something in it cannot be.
    fn row(self) -> Option<(RowKey, Row)> {
        let version = |word: Option<String>| {
            word.map(|word| TlsVersion::from_token(&word))
                .map_or(Some(None), |v| v.map(Some))
        };
        let mark = |word: Option<String>| word.map(|word| Ja4::parse(&word)).map_or(Some(None), |m| m.map(Some));
        let time = |second| Timestamp::from_second(second).ok();
        let refusal =
            |(by_server, alert, count)| matches!(alert, 40 | 70 | 71).then_some((Refusal { by_server, alert }, count));
        let key = RowKey {
            direction: Direction::ALL.into_iter().find(|d| d.token() == self.direction)?,
            port: self.port,
            address: self.address.to_canonical(),
            program: mark(self.program)?,
        };
        let offers: Option<Vec<TlsVersion>> = match self.offers {
            Some(words) => Some(
                words
                    .iter()
                    .map(|word| TlsVersion::from_token(word))
                    .collect::<Option<_>>()?,
            ),
            None => None,
        };
        let row = Row {
            ja4: mark(self.ja4)?,
            max: version(self.max)?,
            offers,
            hellos: self.hellos,
            fallbacks: self.fallbacks,
            negotiated: self.negotiated,
            answered: self.answered,
            unanswered: self.unanswered,
            refused: self.refused.into_iter().take(8).map(refusal).collect::<Option<_>>()?,
            mark: version(self.mark)?,
            last: time(self.last)?,
            last_refused: self.last_refused.map(time).map_or(Some(None), |t| t.map(Some))?,
            recent: self.recent.into_iter().take(8).filter_map(time).collect(),
            told: true,
            ..Row::new(service_of(self.port), time(self.first)?)
        };
        Some((key, row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_read_back_and_a_damaged_line_costs_itself_only() {
        let now = Timestamp::from_second(1_795_000_000).unwrap();
        let mut kept = Kept {
            since: Some(now),
            until: Some(now),
            lost: 3,
            ..Kept::default()
        };
        for last in 1..=3_u8 {
            let key = RowKey {
                direction: Direction::Inbound,
                port: 993,
                address: [198, 51, 100, last].into(),
                program: Ja4::parse("t13d1516h2_8daaf6152771_e5627efa2ab1"),
            };
            let row = kept.rows.row(key, service_of(993), now).unwrap();
            row.hello(now);
            row.told = true;
            row.max = Some(TlsVersion::Tls10);
            row.offers = Some(vec![TlsVersion::Tls10]);
            row.negotiate(TlsVersion::Tls10, now);
            row.refuse(
                Refusal {
                    by_server: true,
                    alert: 70,
                },
                now,
            );
        }
        let text = kept.to_text();
        let (back, bad) = Kept::parse(&text);
        assert_eq!((back.rows.sorted(), bad), (kept.rows.sorted(), 0));
        assert_eq!((back.since, back.until, back.lost), (Some(now), Some(now), 3));
        for end in 0..text.len() {
            let (torn, bad) = Kept::parse(&text[..end]);
            assert!(torn.rows.len() <= 3 && bad <= 1);
        }
        let strange = String::from_utf8(text)
            .unwrap()
            .replacen("inbound", "sideways", 1)
            .replacen("tls1.0", "tls9", 2);
        let (back, bad) = Kept::parse(strange.as_bytes());
        assert_eq!(back.rows.len() + bad, 3);
        assert!(bad >= 1);
    }
}
