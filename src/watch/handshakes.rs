//! Segments to handshakes, and handshakes to rows.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

use jiff::{SignedDuration, Timestamp};

use super::frame::Segment;
use super::own::{Own, Way};
use super::rows::{Refusal, RowKey, Rows};
use crate::probe::{ClientHello, ServerHello};
use crate::tls::{Direction, TlsVersion};

/// How long an answer is waited for.
const PATIENCE: SignedDuration = SignedDuration::from_secs(30);
/// A lower hello so soon after a higher one that failed is a second try, and no limit of the client.
const SECOND_TRY: SignedDuration = SignedDuration::from_secs(60);
/// Handshakes without an answer that are waited for at once, and addresses whose last hello is known.
const WAITING: usize = 65_536;
/// Hellos of which the rest is waited for, and how long one may get.
const PARTIAL: usize = 1024;
const HELLO_LIMIT: usize = 16_384;

/// Client and server.
type Connection = (SocketAddr, SocketAddr);

/// Takes segments in the order in which they were seen.
#[derive(Debug)]
pub struct Watcher {
    own: Own,
    /// What was seen so far.
    pub rows: Rows,
    waiting: HashMap<Connection, Handshake>,
    /// In the order of their times: what is waited for, and by which random it is known again.
    queue: VecDeque<(Timestamp, Connection, [u8; 32])>,
    randoms: HashSet<[u8; 32]>,
    /// The first segments of long hellos.
    partial: HashMap<Connection, Partial>,
    /// The highest hello of an address to a port lately.
    highest: HashMap<(IpAddr, u16), (TlsVersion, Timestamp, Connection)>,
    now: Timestamp,
    /// Rows of which there is something to tell for the first time.
    settled: Vec<RowKey>,
}

#[derive(Debug)]
struct Handshake {
    row: RowKey,
    at: Timestamp,
    answered: bool,
    refused: bool,
}

#[derive(Debug)]
struct Partial {
    at: Timestamp,
    bytes: Vec<u8>,
    next: u32,
}

impl Watcher {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(own: Own) -> Self {
        Self::going_on(own, Rows::default())
    }

    /// Goes on from what was seen before.
    #[must_use]
    pub fn going_on(own: Own, rows: Rows) -> Self {
        Self {
            own,
            rows,
            waiting: HashMap::new(),
            queue: VecDeque::new(),
            randoms: HashSet::new(),
            partial: HashMap::new(),
            highest: HashMap::new(),
            now: Timestamp::UNIX_EPOCH,
            settled: Vec::new(),
        }
    }

    /// Takes a segment. `true`: a row changed.
    pub fn take(&mut self, at: Timestamp, segment: &Segment<'_>) -> bool {
        let client_first = (segment.from, segment.to);
        if !self.partial.is_empty() && self.goes_on(segment) {
            return true;
        }
        match segment.payload {
            [22, 3, _, _, _, 1, ..] | [0x80..=0xff, _, 1, 3, ..] => self.client_hello(at, client_first, segment),
            [22, 3, _, _, _, 2, ..] => self.server_hello(at, (segment.to, segment.from), segment.payload),
            [21, 3, _, 0, 2, 2, alert, ..] => self.alert(at, segment, *alert),
            _ => false,
        }
    }

    /// From now on these are our side.
    pub fn set_own(&mut self, own: Own) {
        self.own = own;
    }

    /// Is an answer waited for?
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.queue.is_empty() || !self.partial.is_empty()
    }

    /// Lets the time pass: what was waited for too long is not answered. `true`: a row changed.
    pub fn pass(&mut self, now: Timestamp) -> bool {
        self.now = self.now.max(now);
        let overdue = |at: Timestamp| now.duration_since(at) > PATIENCE;
        let mut changed = false;
        while let Some((at, connection, random)) = self.queue.front().copied() {
            if !overdue(at) && self.queue.len() <= WAITING {
                break;
            }
            self.queue.pop_front();
            self.randoms.remove(&random);
            // The same ports may have begun another handshake since.
            if self
                .waiting
                .get(&connection)
                .is_some_and(|handshake| handshake.at == at)
                && let Some(handshake) = self.waiting.remove(&connection)
                && !handshake.answered
                && !handshake.refused
                && let Some(row) = self.rows.get_mut(&handshake.row)
            {
                row.unanswered = row.unanswered.saturating_add(1);
                self.settle(handshake.row);
                changed = true;
            }
        }
        if self.highest.len() > WAITING {
            self.highest
                .retain(|_, (_, at, _)| now.duration_since(*at) <= SECOND_TRY);
        }
        if self.partial.values().any(|partial| overdue(partial.at)) || self.partial.len() > PARTIAL {
            for (connection, partial) in std::mem::take(&mut self.partial) {
                changed |= self.begin(partial.at, connection, &partial.bytes);
            }
        }
        changed
    }

    /// No more will come: what was not answered stays open.
    pub fn end(&mut self) {
        for (connection, partial) in std::mem::take(&mut self.partial) {
            self.begin(partial.at, connection, &partial.bytes);
        }
    }

    /// Rows of which there is something to tell for the first time, since this was last asked.
    pub fn settled(&mut self) -> Vec<RowKey> {
        std::mem::take(&mut self.settled)
    }

    fn settle(&mut self, key: RowKey) {
        if let Some(row) = self.rows.get_mut(&key)
            && !std::mem::replace(&mut row.told, true)
        {
            self.settled.push(key);
        }
    }

    /// The next segment of a long hello.
    fn goes_on(&mut self, segment: &Segment<'_>) -> bool {
        let connection = (segment.from, segment.to);
        let Some(partial) = self
            .partial
            .get_mut(&connection)
            .filter(|partial| partial.next == segment.sequence)
        else {
            return false;
        };
        partial.bytes.extend_from_slice(segment.payload);
        partial.next = after(segment);
        let done =
            partial.bytes.len() >= HELLO_LIMIT || ClientHello::read(&partial.bytes).is_none_or(|hello| hello.whole);
        done && self.begin_partial(connection)
    }

    fn begin_partial(&mut self, connection: Connection) -> bool {
        let partial = self.partial.remove(&connection);
        partial.is_some_and(|partial| self.begin(partial.at, connection, &partial.bytes))
    }

    fn client_hello(&mut self, at: Timestamp, connection: Connection, segment: &Segment<'_>) -> bool {
        let passed = self.pass(at);
        if self.own.way(connection.0, connection.1).is_none() {
            return passed;
        }
        if ClientHello::read(segment.payload).is_some_and(|hello| !hello.whole)
            && !self.partial.contains_key(&connection)
        {
            let partial = Partial {
                at,
                bytes: segment.payload.to_vec(),
                next: after(segment),
            };
            self.partial.insert(connection, partial);
            return passed;
        }
        self.begin(at, connection, segment.payload) || passed
    }

    /// A handshake begins, if it is not one seen already: a packet passes several interfaces, is sent again, and the
    /// second hello after a HelloRetryRequest has the random of the first (RFC 8446 section 4.1.2).
    fn begin(&mut self, at: Timestamp, connection: Connection, bytes: &[u8]) -> bool {
        let (Some(hello), Some(way)) = (ClientHello::read(bytes), self.own.way(connection.0, connection.1)) else {
            return false;
        };
        if hello.is_probe() || !self.randoms.insert(hello.random) {
            return false;
        }
        let highest = hello.highest();
        let second_try = hello.is_fallback() || highest.is_some_and(|v| self.is_second_try(at, &way, v, connection));
        let key = RowKey {
            direction: way.direction,
            port: way.port,
            address: way.peer,
            program: hello.program(),
        };
        let Some(row) = self.rows.row(key, way.service, at) else {
            return false;
        };
        row.hello(at);
        row.fallbacks = row.fallbacks.saturating_add(u32::from(second_try));
        row.max = row.max.max(highest);
        if row.offers.is_none() {
            row.offers = hello.offers();
        }
        if row.ja4.is_none() || !hello.has_passing_extensions() {
            row.ja4 = hello.ja4();
        }
        let handshake = Handshake {
            row: key,
            at,
            answered: false,
            refused: false,
        };
        self.waiting.insert(connection, handshake);
        self.queue.push_back((at, connection, hello.random));
        true
    }

    /// Was a higher hello of this address tried a moment ago, and did it fail?
    fn is_second_try(&mut self, at: Timestamp, way: &Way, version: TlsVersion, connection: Connection) -> bool {
        let place = (way.peer, way.port);
        if way.direction == Direction::Inbound
            && let Some((higher, then, by)) = self.highest.get(&place)
            && *higher > version
            && at.duration_since(*then) <= SECOND_TRY
        {
            return self
                .waiting
                .get(by)
                .is_none_or(|handshake| handshake.refused || !handshake.answered);
        }
        self.highest.insert(place, (version, at, connection));
        false
    }

    fn server_hello(&mut self, at: Timestamp, connection: Connection, payload: &[u8]) -> bool {
        let passed = self.pass(at) | self.begin_partial(connection);
        let Some(handshake) = self
            .waiting
            .get_mut(&connection)
            .filter(|handshake| !handshake.answered)
        else {
            return passed;
        };
        handshake.answered = true;
        let key = handshake.row;
        let body = payload.get(6..9).and_then(|length| {
            let [a, b, c] = <[u8; 3]>::try_from(length).ok()?;
            let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).ok()?;
            payload.get(9..9_usize.saturating_add(length))
        });
        if let Some(row) = self.rows.get_mut(&key) {
            row.answered = row.answered.saturating_add(1);
            // One that was cut tells that there was an answer, and no more.
            if let Some(hello) = body.and_then(|body| ServerHello::read(body).ok()) {
                if let Some(version) = TlsVersion::from_wire(hello.wire) {
                    row.negotiate(version, at);
                }
                row.mark = row.mark.max(hello.mark);
            }
        }
        self.settle(key);
        true
    }

    /// An alert in clear. Of the server's before its hello those that refuse version or ciphers count, of the client's
    /// the one that refuses the version chosen.
    fn alert(&mut self, at: Timestamp, segment: &Segment<'_>, alert: u8) -> bool {
        let (sent, received) = ((segment.from, segment.to), (segment.to, segment.from));
        let passed = self.pass(at) | self.begin_partial(received);
        let by_server = self.waiting.contains_key(&received);
        let Some(handshake) = self.waiting.get_mut(if by_server { &received } else { &sent }) else {
            return passed;
        };
        let refuses = if by_server {
            !handshake.answered && matches!(alert, 40 | 70 | 71)
        } else {
            alert == 70
        };
        if !refuses || handshake.refused {
            return passed;
        }
        handshake.refused = true;
        let key = handshake.row;
        if let Some(row) = self.rows.get_mut(&key) {
            row.refuse(Refusal { by_server, alert }, at);
        }
        self.settle(key);
        true
    }
}

/// The number of the byte after this segment.
fn after(segment: &Segment<'_>) -> u32 {
    segment
        .sequence
        .wrapping_add(u32::try_from(segment.payload.len()).unwrap_or(0))
}
