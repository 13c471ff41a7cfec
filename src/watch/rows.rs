//! What was seen, one row for each program behind an address: counters, never a handshake kept.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use crate::probe::Ja4;
use crate::tls::{Direction, Service, TlsVersion};

/// Most rows kept.
const ROWS: usize = 100_000;
/// Most rows of one address: a crawler that changes its mark with every call pushes nobody else out.
const OF_ADDRESS: u8 = 64;
/// Times of the newest hellos of a row, by which the logs tell whose they were.
const RECENT: usize = 8;
/// Whoever never got an answer is forgotten after that.
const UNANSWERED: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The others.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// What makes a row one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey {
    /// Who called whom.
    pub direction: Direction,
    /// The server's port: ours inbound, the other's outbound.
    pub port: u16,
    /// The other side.
    pub address: IpAddr,
    /// The program that made the hello: JA4 without what comes and goes with a session. `None`: the hello was not
    /// whole, or framed as SSL 2.0.
    pub program: Option<Ja4>,
}

/// Why a handshake was refused, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Refusal {
    /// The server sent the alert; else the client did, to the version that the server had chosen.
    pub by_server: bool,
    /// The alert: 70, 40 or 71 (RFC 8446 section 6). Certificates have others, and are no refusal of a version.
    pub alert: u8,
}

impl Refusal {
    /// The alert's name, as the standard spells it.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self.alert {
            40 => "handshake_failure",
            71 => "insufficient_security",
            _ => "protocol_version",
        }
    }
}

/// What was seen of one program behind one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The service, as far as the port tells.
    pub service: Option<Service>,
    /// JA4 of a hello that goes on with no session, if there was one.
    pub ja4: Option<Ja4>,
    /// The highest version offered; `None`: no hello showed it.
    pub max: Option<TlsVersion>,
    /// All versions offered, where the hello lists them.
    pub offers: Option<Vec<TlsVersion>>,
    /// Handshakes begun.
    pub hellos: u32,
    /// Of these, second tries below what the client has (RFC 7507, or after a higher one that failed): no limit of the
    /// client.
    pub fallbacks: u32,
    /// How often each version was negotiated, and when last (seconds since 1970), in the order of [`TlsVersion::ALL`].
    pub negotiated: [(u32, i64); 5],
    /// Answered with a ServerHello.
    pub answered: u32,
    /// Not answered within 30 seconds.
    pub unanswered: u32,
    /// Refusals with their number.
    pub refused: Vec<(Refusal, u32)>,
    /// The server's own mark that it has more than it chose: at least this.
    pub mark: Option<TlsVersion>,
    /// The first hello.
    pub first: Timestamp,
    /// The newest hello.
    pub last: Timestamp,
    /// The newest refusal.
    pub last_refused: Option<Timestamp>,
    /// Times of the newest hellos, oldest first.
    pub recent: VecDeque<Timestamp>,
    /// It was among those that are settled.
    pub(super) told: bool,
}

impl Row {
    pub(super) fn new(service: Option<Service>, at: Timestamp) -> Self {
        Self {
            service,
            ja4: None,
            max: None,
            offers: None,
            hellos: 0,
            fallbacks: 0,
            negotiated: [(0, 0); 5],
            answered: 0,
            unanswered: 0,
            refused: Vec::new(),
            mark: None,
            first: at,
            last: at,
            last_refused: None,
            recent: VecDeque::new(),
            told: false,
        }
    }

    /// Another hello.
    pub(super) fn hello(&mut self, at: Timestamp) {
        self.hellos = self.hellos.saturating_add(1);
        self.first = self.first.min(at);
        self.last = self.last.max(at);
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(at);
    }

    pub(super) fn negotiate(&mut self, version: TlsVersion, at: Timestamp) {
        let place = TlsVersion::ALL.iter().position(|known| *known == version);
        if let Some((count, last)) = place.and_then(|place| self.negotiated.get_mut(place)) {
            *count = count.saturating_add(1);
            *last = at.as_second().max(*last);
        }
    }

    pub(super) fn refuse(&mut self, refusal: Refusal, at: Timestamp) {
        match self.refused.iter_mut().find(|(known, _)| *known == refusal) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => self.refused.push((refusal, 1)),
        }
        self.last_refused = self.last_refused.max(Some(at));
    }

    /// The versions negotiated, lowest first, with the time of the newest handshake (seconds since 1970).
    pub fn agreed(&self) -> impl DoubleEndedIterator<Item = (TlsVersion, i64)> {
        let counts = TlsVersion::ALL.into_iter().zip(self.negotiated);
        counts
            .filter(|(_, (count, _))| *count > 0)
            .map(|(version, (_, last))| (version, last))
    }

    /// The highest version negotiated.
    #[must_use]
    pub fn highest_negotiated(&self) -> Option<TlsVersion> {
        self.agreed().next_back().map(|(version, _)| version)
    }

    /// All refusals.
    #[must_use]
    pub fn refusals(&self) -> u32 {
        self.refused
            .iter()
            .fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// The refusal seen most often.
    #[must_use]
    pub fn reason(&self) -> Option<Refusal> {
        self.refused
            .iter()
            .max_by_key(|(refusal, count)| (*count, *refusal))
            .map(|(refusal, _)| *refusal)
    }
}

/// All rows, bounded.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    rows: HashMap<RowKey, Row>,
    of_address: HashMap<IpAddr, u8>,
    /// Rows that were not kept, or given up, for want of room.
    pub overflowed: u64,
}

impl Rows {
    /// The row of this key, made if there is room for it.
    pub(super) fn row(&mut self, key: RowKey, service: Option<Service>, at: Timestamp) -> Option<&mut Row> {
        if !self.rows.contains_key(&key) {
            if self.rows.len() >= ROWS {
                self.make_room();
            }
            let of_address = self.of_address.entry(key.address).or_default();
            if *of_address >= OF_ADDRESS {
                self.overflowed = self.overflowed.saturating_add(1);
                return None;
            }
            *of_address = of_address.saturating_add(1);
        }
        Some(self.rows.entry(key).or_insert_with(|| Row::new(service, at)))
    }

    /// Adds a row that was kept.
    pub(super) fn insert(&mut self, key: RowKey, row: Row) {
        if let Some(mine) = self.row(key, row.service, row.first) {
            *mine = row;
        }
    }

    /// A row that is there.
    pub(super) fn get_mut(&mut self, key: &RowKey) -> Option<&mut Row> {
        self.rows.get_mut(key)
    }

    /// A row.
    #[must_use]
    pub fn get(&self, key: &RowKey) -> Option<&Row> {
        self.rows.get(key)
    }

    /// All of them, in the order of their keys.
    #[must_use]
    pub fn sorted(&self) -> Vec<(&RowKey, &Row)> {
        let mut all: Vec<_> = self.rows.iter().collect();
        all.sort_unstable_by_key(|(key, _)| **key);
        all
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// None at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Forgets what is too old.
    pub fn forget_old(&mut self, now: Timestamp) {
        self.retain(|row| {
            let kept = if row.answered == 0 && row.refused.is_empty() {
                UNANSWERED
            } else {
                KEPT
            };
            now.duration_since(row.last) <= kept
        });
    }

    /// Gives up a tenth: those who never got an answer first, then those seen longest ago.
    fn make_room(&mut self) {
        let mut order: Vec<(bool, Timestamp)> = self.rows.values().map(|row| (row.answered > 0, row.last)).collect();
        order.sort_unstable();
        let Some(until) = order.get(ROWS / 10).copied() else {
            return;
        };
        let before = self.rows.len();
        self.retain(|row| (row.answered > 0, row.last) > until);
        let gone = before.saturating_sub(self.rows.len());
        self.overflowed = self.overflowed.saturating_add(u64::try_from(gone).unwrap_or(u64::MAX));
    }

    fn retain(&mut self, mut stays: impl FnMut(&Row) -> bool) {
        let of_address = &mut self.of_address;
        self.rows.retain(|key, row| {
            let kept = stays(row);
            if !kept && let Some(count) = of_address.get_mut(&key.address) {
                *count = count.saturating_sub(1);
            }
            kept
        });
        of_address.retain(|_, count| *count > 0);
    }
}
