//! Who was refused since the last save: clients of this server that the wire shows, by name as far as the logs tell.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;

use crate::host::{Host, Sightings, clock, is_stranger};
use crate::peers::{self, Logins, Whose, Window};
use crate::session::{Clock, amount};
use crate::tls::{Direction, Service, TlsVersion};

/// Most names in one line.
const NAMED: usize = 4;

/// A client that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedClient {
    /// From where.
    pub address: IpAddr,
    /// Which service of ours, as far as the port tells.
    pub service: Option<Service>,
    /// Its port.
    pub port: u16,
    /// The highest version that it offered.
    pub offered: Option<TlsVersion>,
    /// The alert's name.
    pub reason: &'static str,
    /// The newest refusal.
    pub last: Timestamp,
    /// Whose it is.
    pub whose: Whose,
    /// Nobody ever logged in from there or sent mail, nor with this program to this service from anywhere.
    pub stranger: bool,
}

/// All of them, and how far the watch can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedSince {
    /// The time asked for.
    pub since: Timestamp,
    /// The clients, those whom somebody knows first.
    pub clients: Vec<RefusedClient>,
    /// From when to when the watch has seen; `None`: there was none.
    pub watched: Option<(Timestamp, Timestamp)>,
    /// Packets that it lost.
    pub lost: u64,
}

impl RefusedSince {
    pub(super) fn new(sightings: &Sightings, logins: &Logins, mail: &HashSet<IpAddr>, since: Timestamp) -> Self {
        let rows = sightings.kept.rows.sorted();
        let mut known = HashSet::new();
        for (key, _) in &rows {
            // A program that somebody logs in with is no crawler's, wherever it calls from.
            if key.program.is_some() && !is_stranger(key, logins, mail) {
                known.insert((key.port, key.program));
            }
        }
        let mut clients: Vec<RefusedClient> = Vec::new();
        for (key, row) in rows {
            let (Some(last), Some(refusal)) = (row.last_refused, row.reason()) else {
                continue;
            };
            if key.direction != Direction::Inbound || last < since {
                continue;
            }
            clients.push(RefusedClient {
                address: key.address,
                service: row.service,
                port: key.port,
                offered: row.max,
                reason: refusal.token(),
                last,
                whose: logins.whose(key.address, row.service, row.recent.iter().copied()),
                stranger: is_stranger(key, logins, mail) && !known.contains(&(key.port, key.program)),
            });
        }
        clients.sort_by_key(|client| (client.stranger, std::cmp::Reverse(client.last), client.address));
        Self {
            since,
            clients,
            watched: sightings.kept.since.zip(sightings.kept.until),
            lost: sightings.kept.lost,
        }
    }

    /// In one line, if anybody was refused: those whom somebody knows by name, the others by number.
    #[must_use]
    pub fn line(&self, clock: &Clock) -> Option<String> {
        let (strangers, known): (Vec<_>, Vec<_>) = self.clients.iter().partition(|client| client.stranger);
        let at = clock.date_and_time(self.since);
        let nobody = format!("{} nobody knows", amount(strangers.len(), "client", "clients"));
        if known.is_empty() {
            return (!strangers.is_empty()).then(|| format!("Refused since the save of {at}: {nobody}"));
        }
        let mut names: Vec<String> = Vec::new();
        for client in &known {
            let name = client.name();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let more = names.len().saturating_sub(NAMED);
        names.truncate(NAMED);
        let mut words = format!(
            "Refused since the save of {at}: {} ({}",
            amount(known.len(), "client", "clients"),
            names.join(", ")
        );
        if more > 0 {
            words.push_str(&format!(" and {more} more"));
        }
        words.push(')');
        if !strangers.is_empty() {
            words.push_str(&format!(", and {nobody}"));
        }
        Some(words)
    }

    /// A line for each client, and how far the watch can tell.
    #[must_use]
    pub fn lines(&self, clock: &Clock) -> Vec<String> {
        let at = clock.date_and_time(self.since);
        let mut lines: Vec<String> = self.line(clock).into_iter().collect();
        for client in &self.clients {
            let offers = client
                .offered
                .map_or_else(|| "unknown".to_owned(), |version| version.to_string());
            let service = client.service.map_or_else(String::new, |service| format!("{service} "));
            lines.push(format!(
                "  {}  {service}{}, offers {offers}, last {} ({}){}",
                client.name(),
                client.port,
                clock.date_and_time(client.last),
                client.reason,
                if client.stranger { "; nobody knows it" } else { "" }
            ));
        }
        lines.push(match self.watched {
            None => "Nothing was watched, so who was refused is not known: kerio-tls watch start".to_owned(),
            Some((from, until)) if from > self.since || until < self.since => format!(
                "The watch has seen {} to {} only, and not all since the save.",
                clock.date_and_time(from),
                clock.date_and_time(until)
            ),
            Some(_) if self.lost > 0 => {
                format!(
                    "The watch lost {} packets: somebody else may have been refused, too.",
                    self.lost
                )
            }
            Some((_, until)) if self.clients.is_empty() => {
                format!(
                    "Nobody was seen refused from the save of {at} to {}.",
                    clock.date_and_time(until)
                )
            }
            Some(_) => return lines,
        });
        lines
    }
}

impl RefusedClient {
    /// The best name there is: the user, or how many it could be, and the address.
    fn name(&self) -> String {
        match &self.whose {
            Whose::User(user) => user.clone(),
            Whose::OneOf(count) => format!("one of {count} users behind {}", self.address),
            Whose::Nobody | Whose::NotKnown => self.address.to_string(),
        }
    }
}

/// Whom the watch saw refused since then, looked up anew: for the end of a save on trial. `None`: nothing was watched.
pub(super) fn refused_since(host: &Host, since: Timestamp) -> Option<RefusedSince> {
    let sightings = Sightings::read(&host.home.state_dir);
    if !sightings.is_there {
        return None;
    }
    let Clock { now, zone } = clock();
    let window = Window {
        now,
        days: host.preferences.days,
        zone: host.preferences.log_zone.clone().unwrap_or(zone),
        zone_given: host.preferences.log_zone.is_some(),
    };
    let directories = host.load().ok()?.log_directories();
    let logins = peers::read_logins(&directories, &window, &AtomicBool::new(false));
    Some(RefusedSince::new(&sightings, &logins, &HashSet::new(), since))
}
