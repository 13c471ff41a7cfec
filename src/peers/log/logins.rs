//! Who logged in from where: the engine's audit log. It ties users to addresses, and so tells whose client it was that
//! the wire shows, and which addresses are nobody's.
//!
//! A line (9.4 to 10.0.9): `[31/Jul/2020 22:30:21] POP3: User someone@example.org authenticated  from IP address
//! 192.0.2.15`, with
//! `; user agent` at the end of some.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::{SignedDuration, Timestamp};

use super::clock::Clock;
use super::scope::Window;
use crate::files::{self, Directory};
use crate::hostile::safe_text;
use crate::tls::Service;

/// Most bytes read of all audit logs together, the newest first.
const BYTES: u64 = 256 << 20;
/// Longest line looked at: the engine cuts them at 1,024 characters.
const LINE: u64 = 4096;
/// Most addresses known, users of one address, and logins of one address whose time is kept.
const ADDRESSES: usize = 100_000;
const USERS: usize = 64;
const RECENT: usize = 64;
/// Longest name of a user, in characters.
const NAME: usize = 100;
/// A login belongs to a hello that came so short a time before it.
const NEAR: SignedDuration = SignedDuration::from_secs(60);

/// Logins by address, as far as audit logs were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logins {
    by_address: HashMap<IpAddr, AtAddress>,
    /// Since when logins are known; `None`: no audit log was read.
    pub since: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct AtAddress {
    users: Vec<String>,
    recent: VecDeque<(Protocol, i64, usize)>,
}

/// What a user logs in by: several ports have one name in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Smtp,
    Imap,
    Pop3,
    Http,
}

impl Protocol {
    fn of_word(word: &[u8]) -> Option<Self> {
        Some(match word.split(|byte| *byte == b'/').next()? {
            b"SMTP" => Self::Smtp,
            b"IMAP" => Self::Imap,
            b"POP3" => Self::Pop3,
            b"HTTP" => Self::Http,
            _ => return None,
        })
    }

    const fn of_service(service: Service) -> Self {
        match service {
            Service::Smtp | Service::Submission | Service::Smtps => Self::Smtp,
            Service::Imap | Service::Imaps => Self::Imap,
            Service::Pop3 | Service::Pop3s => Self::Pop3,
            Service::Https => Self::Http,
        }
    }
}

/// Whose client it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// One user's: the only one at this address, or one who logged in right after.
    User(String),
    /// One of so many users behind this address.
    OneOf(usize),
    /// Nobody has logged in from there.
    Nobody,
    /// No audit log tells.
    NotKnown,
}

impl Logins {
    /// The users who logged in from an address.
    #[must_use]
    pub fn users(&self, address: IpAddr) -> &[String] {
        self.by_address.get(&address).map_or(&[], |at| &at.users)
    }

    /// Whose client it was that called a service at these times.
    #[must_use]
    pub fn whose(
        &self,
        address: IpAddr,
        service: Option<Service>,
        hellos: impl IntoIterator<Item = Timestamp>,
    ) -> Whose {
        if self.since.is_none() {
            return Whose::NotKnown;
        }
        let Some(at) = self.by_address.get(&address) else {
            return Whose::Nobody;
        };
        if let [one] = at.users.as_slice() {
            return Whose::User(one.clone());
        }
        let protocol = service.map(Protocol::of_service);
        let mut near: Vec<usize> = Vec::new();
        for hello in hellos {
            let until = hello.as_second().saturating_add(NEAR.as_secs());
            let of_hello = at
                .recent
                .iter()
                .filter(|(of, second, _)| protocol == Some(*of) && (hello.as_second()..=until).contains(second));
            near.extend(of_hello.map(|(_, _, user)| *user));
        }
        near.sort_unstable();
        near.dedup();
        match near.as_slice() {
            [user] => at.users.get(*user).cloned().map_or(Whose::Nobody, Whose::User),
            _ => Whose::OneOf(at.users.len()),
        }
    }

    /// Takes in a login.
    fn add(&mut self, address: IpAddr, protocol: Option<Protocol>, second: i64, user: &[u8]) {
        if self.by_address.len() >= ADDRESSES && !self.by_address.contains_key(&address) {
            return;
        }
        let at = self.by_address.entry(address).or_default();
        let name = safe_text(user, NAME);
        let place = at.users.iter().position(|known| *known == name).or_else(|| {
            (at.users.len() < USERS).then(|| {
                at.users.push(name);
                at.users.len().saturating_sub(1)
            })
        });
        if let (Some(protocol), Some(place)) = (protocol, place) {
            if at.recent.len() >= RECENT {
                at.recent.pop_front();
            }
            at.recent.push_back((protocol, second, place));
        }
    }
}

/// Reads `audit.log` and its rotated ones in the first of these directories that holds one, as far as the window goes
/// back. What cannot be read gives no logins.
#[must_use]
pub fn read_logins(candidates: &[PathBuf], window: &Window, cancel: &AtomicBool) -> Logins {
    let mut logins = Logins::default();
    let mut left = BYTES;
    let mut files = candidates
        .iter()
        .map(|directory| audit_logs(directory))
        .find(|files| !files.is_empty())
        .unwrap_or_default();
    // Which of them fit is found from the newest on; they are read from the oldest on, so that the newest logins stay.
    files.retain(|(_, path)| {
        let size = path.symlink_metadata().map_or(0, |meta| meta.len());
        let fits = size <= left;
        left = if fits { left.saturating_sub(size) } else { 0 };
        fits
    });
    for (_, path) in files.into_iter().rev() {
        let Ok(opened) = files::open(&path) else { continue };
        let mut clock = Clock::new(window.zone.clone(), window.now.as_second());
        let mut reader = BufReader::new(opened.into_file());
        let mut line = Vec::new();
        while !cancel.load(Ordering::Relaxed) {
            line.clear();
            match reader.by_ref().take(LINE).read_until(b'\n', &mut line) {
                Ok(read) if read > 0 => {}
                _ => break,
            }
            let Some(timed) = clock
                .split(line.trim_ascii_end())
                .filter(|timed| timed.second <= clock.latest())
            else {
                continue;
            };
            if timed.second < window.since() {
                continue;
            }
            let at = Timestamp::from_second(timed.second).ok();
            logins.since = [logins.since, at].into_iter().flatten().min();
            if let Some((word, user, address)) = login(timed.message) {
                logins.add(address, Protocol::of_word(word), timed.second, user);
            }
        }
    }
    logins
}

/// The audit logs of a directory, newest first.
fn audit_logs(directory: &Path) -> Vec<(u64, PathBuf)> {
    let names = Directory::open(directory)
        .and_then(|directory| directory.names())
        .unwrap_or_default();
    let number = |name: &String| match name.strip_prefix("audit.log")? {
        "" => Some(0),
        rest => rest.strip_prefix('.')?.parse::<u64>().ok()?.checked_add(1),
    };
    let mut found: Vec<_> = names
        .iter()
        .filter_map(|name| Some((number(name)?, directory.join(name))))
        .collect();
    found.sort();
    found
}

/// `POP3: User someone@example.org authenticated  from IP address 192.0.2.15; agent`: service, user, address. Read from
/// the left: what stands behind the address is a stranger's.
fn login(message: &[u8]) -> Option<(&[u8], &[u8], IpAddr)> {
    let (word, rest) = split(message, b": User ")?;
    let (user, rest) = split(rest, b" authenticated ")?;
    let rest = rest.trim_ascii_start().strip_prefix(b"from IP address ")?;
    let address = rest.split(|byte| matches!(byte, b';' | b' ' | b',')).next()?;
    let address: IpAddr = std::str::from_utf8(address).ok()?.parse().ok()?;
    let plain = |word: &[u8]| word.len() <= 20 && word.iter().all(|b| b.is_ascii_alphanumeric() || b"/-_".contains(b));
    (plain(word) && !user.is_empty()).then_some((word, user, address.to_canonical()))
}

fn split<'a>(text: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = memchr::memmem::find(text, at)?;
    Some((text.get(..place)?, text.get(place.saturating_add(at.len())..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    fn read(text: &str) -> Logins {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("audit.log"), text).unwrap();
        let window = Window {
            now: "2026-11-28T15:00:00Z".parse().unwrap(),
            days: 30,
            zone: TimeZone::UTC,
            zone_given: false,
        };
        read_logins(
            &[dir.path().join("missing"), dir.path().to_owned()],
            &window,
            &AtomicBool::new(false),
        )
    }

    #[test]
    fn an_address_has_the_users_who_logged_in_from_it_and_a_time_tells_which_of_them() {
        let logins = read(
            "[28/Nov/2026 14:00:05] IMAP: User anna@example.org authenticated  from IP address 198.51.100.9\n\
             [28/Nov/2026 14:30:00] HTTP/KOFF: User ben@example.org authenticated  from IP address 198.51.100.9; Outlook; from IP address 192.0.2.1\n\
             [28/Nov/2026 14:31:00] POP3: User carl@example.org authenticated from IP address 2001:db8::9\n\
             [01/Jan/2020 14:31:00] POP3: User old@example.org authenticated from IP address 192.0.2.7\n",
        );
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let time = |text: &str| Some(format!("2026-11-28T{text}Z").parse::<Timestamp>().unwrap());
        assert_eq!(
            logins.users(address("198.51.100.9")),
            ["anna@example.org", "ben@example.org"]
        );
        let whose = |host: &str, service, hello| logins.whose(address(host), Some(service), hello);
        assert_eq!(
            whose("198.51.100.9", Service::Imaps, time("14:00:01")),
            Whose::User("anna@example.org".into())
        );
        assert_eq!(
            whose("198.51.100.9", Service::Https, time("14:29:59")),
            Whose::User("ben@example.org".into())
        );
        assert_eq!(
            whose("198.51.100.9", Service::Pop3s, time("14:00:01")),
            Whose::OneOf(2),
            "of another service"
        );
        assert_eq!(
            whose("198.51.100.9", Service::Imaps, time("14:10:00")),
            Whose::OneOf(2),
            "long after"
        );
        assert_eq!(
            whose("2001:db8::9", Service::Https, None),
            Whose::User("carl@example.org".into())
        );
        assert_eq!(
            whose("192.0.2.1", Service::Https, None),
            Whose::Nobody,
            "what an agent says is no address"
        );
        assert_eq!(
            whose("192.0.2.7", Service::Pop3, None),
            Whose::Nobody,
            "before the window"
        );
        assert_eq!(read("").whose(address("192.0.2.7"), None, None), Whose::NotKnown);
    }

    #[test]
    fn lines_of_another_form_are_no_logins() {
        for line in [
            "POP3: User  authenticated  from IP address 192.0.2.15",
            "POP3: User a authenticated  from IP address 192.0.2.",
            "x y: User a authenticated  from IP address 192.0.2.15",
            "POP3: User a failed to log in from IP address 192.0.2.15",
            "",
        ] {
            assert_eq!(login(line.as_bytes()), None, "{line}");
        }
    }
}
