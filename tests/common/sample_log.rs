//! A mail log as the engine would write it, made up: the same seed gives the same bytes. Fast enough for gigabytes.
//!
//! Made for tests, benchmarks and the demo. Times are written as they come (seconds since 1970 read as UTC), hosts come
//! from the documentation ranges, and beyond those, for many peers, from 10.0.0.0/8.

use std::io::{self, Write};

/// What to write.
#[derive(Debug, Clone)]
pub(crate) struct SampleLog {
    /// Chooses everything that varies.
    pub(crate) seed: u64,
    /// How many outbound and how many inbound peers there are.
    pub(crate) peers: u32,
    /// First line's time, seconds since 1970.
    pub(crate) start: i64,
    /// Last line's time: lines are spread evenly as far as [`SampleLog::write`] knows the size.
    pub(crate) end: i64,
}

/// Bytes of an average pair of lines, to spread the times over a size.
const PAIR: u64 = 470;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const DOMAINS: [&str; 6] = ["partner", "old-fax", "school", "clinic", "shop", "press"];
const SUBJECTS: [&str; 6] = [
    "Re: offer",
    "Invoice 2231, please check, thanks",
    "Minutes, Sender-Host: 192.0.2.66, SSL: yes",
    "AW: Gr\u{fc}\u{df}e aus Prag",
    "[list] weekly digest",
    "Fwd: \"quoted\" <and bracketed>, both",
];

impl SampleLog {
    /// Writes about `bytes` bytes of whole lines; gives how many.
    ///
    /// # Errors
    /// What the writer says.
    pub(crate) fn write(&self, out: &mut impl Write, bytes: u64) -> io::Result<u64> {
        let mut random = Random(self.seed.wrapping_mul(2).wrapping_add(1));
        let mut text = Vec::with_capacity(1 << 20);
        let mut written = 0_u64;
        let pairs = (bytes / PAIR).max(1);
        let mut number = 0_u64;
        let mut stamp = Stamp::default();
        while written + (text.len() as u64) < bytes {
            let progress = number.min(pairs) as i128;
            let now = self.start + (i128::from(self.end - self.start) * progress / i128::from(pairs)) as i64;
            self.message(&mut text, &mut random, &mut stamp, now, number)?;
            number += 1;
            if text.len() >= 1 << 20 {
                written += text.len() as u64;
                out.write_all(&text)?;
                text.clear();
            }
        }
        written += text.len() as u64;
        out.write_all(&text)?;
        Ok(written)
    }

    fn message(
        &self,
        text: &mut Vec<u8>,
        random: &mut Random,
        stamp: &mut Stamp,
        now: i64,
        number: u64,
    ) -> io::Result<()> {
        let id = (now as u32, number as u32);
        let peer = random.skewed(self.peers);
        let domain = pick(&DOMAINS, peer);
        let subject = pick(&SUBJECTS, random.below(60));
        let size = 900 + random.below(90_000);
        let time = stamp.at(now);
        match random.below(20) {
            0 => writeln!(
                text,
                "[{time}] Recv: Queue-ID: {:08x}-{:08x}, Service: DSN, From: <>, To: <user{peer}@example.org>, Size: {size}, Report: delayed, Subject: {subject}, Msg-Id: <{number}@mail.example.org>",
                id.0, id.1
            )?,
            1..=8 => {
                let tls = if peer.is_multiple_of(9) { "" } else { ", SSL: yes" };
                let user = if peer.is_multiple_of(13) {
                    ", User: user@example.org"
                } else {
                    ""
                };
                writeln!(
                    text,
                    "[{time}] Recv: Queue-ID: {:08x}-{:08x}, Service: SMTP, From: <writer{peer}@{domain}{peer}.example>, To: <user{}@example.org>, Size: {size}, Sender-Host: {}{user}{tls}, Subject: {subject}, Msg-Id: <{number}@{domain}{peer}.example>",
                    id.0,
                    id.1,
                    random.below(90),
                    Address(peer, 198, 51),
                )?;
                writeln!(
                    text,
                    "[{time}] Sent: Queue-ID: {:08x}-{:08x}, Recipient: <user{}@example.org>, Result: delivered, Status: 2.0.0 , Remote-Host: 127.0.0.1, Msg-Id: <{number}@{domain}{peer}.example>",
                    id.0,
                    id.1,
                    random.below(90),
                )?;
            }
            outcome => {
                let (result, status) = match outcome {
                    18 => (
                        "delayed",
                        "4.7.5 TLS handshake failed: negotiated an old and insecure TLS version, TLSv1.1 ",
                    ),
                    19 => ("failed", "5.1.1 <nobody>: Recipient address rejected, User unknown "),
                    _ => ("delivered", "2.0.0 "),
                };
                writeln!(
                    text,
                    "[{time}] Recv: Queue-ID: {:08x}-{:08x}, Service: Kerio Connect Client, From: <user@example.org>, To: <reader{peer}@{domain}{peer}.example>, Size: {size}, Sender-Host: {}, User: user@example.org, SSL: yes, Subject: {subject}, Msg-Id: <{number}@mail.example.org>",
                    id.0,
                    id.1,
                    Address(random.below(40), 192, 0),
                )?;
                for recipient in 0..=random.below(8) / 6 {
                    writeln!(
                        text,
                        "[{time}] Sent: Queue-ID: {:08x}-{:08x}, Recipient: <reader{recipient}@{domain}{peer}.example>, Result: {result}, Status: {status}, Remote-Host: {}, Msg-Id: <{number}@mail.example.org>",
                        id.0,
                        id.1,
                        Address(peer, 203, 0),
                    )?;
                }
            }
        }
        Ok(())
    }
}

fn pick<'a>(list: &[&'a str], n: u32) -> &'a str {
    list.get(n as usize % list.len().max(1)).copied().unwrap_or_default()
}

/// The documentation range `a.b.*.n` for the first peers, 10.0.0.0/8 beyond.
struct Address(u32, u8, u8);

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(n, a, b) = *self;
        let c = match a {
            198 => 100,
            192 => 2,
            _ => 113,
        };
        if n < 250 {
            write!(f, "{a}.{b}.{c}.{}", n + 1)
        } else {
            write!(f, "10.{}.{}.{}", (n >> 16) & 255, (n >> 8) & 255, n & 255)
        }
    }
}

/// `25/Aug/2022 15:31:37`, made anew only when the second changes.
#[derive(Default)]
struct Stamp {
    second: Option<i64>,
    text: String,
}

impl Stamp {
    fn at(&mut self, second: i64) -> &str {
        if self.second != Some(second) {
            self.second = Some(second);
            let (day, rest) = (second.div_euclid(86_400), second.rem_euclid(86_400));
            // Days to a civil date (Howard Hinnant's `civil_from_days`).
            let z = day + 719_468;
            let era = z.div_euclid(146_097);
            let doe = z.rem_euclid(146_097);
            let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
            let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
            let mp = (5 * doy + 2) / 153;
            let d = doy - (153 * mp + 2) / 5 + 1;
            let m = if mp < 10 { mp + 3 } else { mp - 9 };
            let y = yoe + era * 400 + i64::from(m <= 2);
            let (h, n, s) = (rest / 3600, rest / 60 % 60, rest % 60);
            self.text = format!("{d:02}/{}/{y:04} {h:02}:{n:02}:{s:02}", pick(&MONTHS, m as u32 - 1));
        }
        &self.text
    }
}

/// xorshift64*: enough to vary a text.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u32) -> u32 {
        (((self.next() >> 32) * u64::from(limit.max(1))) >> 32) as u32
    }

    /// Few peers take most of the mail.
    fn skewed(&mut self, limit: u32) -> u32 {
        let a = u64::from(self.below(limit));
        let b = u64::from(self.below(limit));
        (a * b / u64::from(limit.max(1))) as u32
    }
}
