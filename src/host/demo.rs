//! The demo: a temporary copy of a realistic file, mail logs dated from now, and a peers file, so that someone without
//! a mail server sees the whole thing. Everything is really read, really edited and really saved, in a directory that
//! only this user can enter and that is gone when the program ends.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use crate::engine::EXECUTABLE;
use crate::peers::PeerKey;
use crate::probe::fake::{Behaviour, FakePeer, Quirk};
use crate::probe::{Service, Target};
use crate::session::Clock;
use crate::tls::TlsVersion;

use super::home::{Home, HomeOptions, PEERS, PREFERENCES};
use super::sightings::{SEEN, watch_directory};

const CONFIG: &str = include_str!("../../assets/demo/mailserver.cfg");

/// What stands in for the engine's program: names as a compiler leaves them. It is read, and cannot be run.
const PROGRAM: &[u8] =
    b"\0Security\0SmtpSecurity\0ServerTlsProtocols\0ServerTlsCiphers\0TlsMinimumVersion\0EnableECDHE\0\
EnableDHE\0DhKeySize\0ClientTlsProtocols\0ClientTlsCiphers\0OpenSSL 1.1.1w  11 Sep 2023\0";

/// The demo's directory; removed when dropped. Its pretend peers end with it.
#[derive(Debug)]
pub(super) struct Demo {
    dir: TempDir,
    pretend: Mutex<Pretend>,
}

/// Pretend peers, started when they are asked for the first time.
#[derive(Debug, Default)]
struct Pretend {
    peers: HashMap<String, FakePeer>,
    /// The demo's own ports, made anew for each proof from what the demo's file says then.
    own: Vec<FakePeer>,
}

/// Someone who gets mail from the demo's server: address, domain, messages in 30 days.
const OUTBOUND: &[(&str, &str, u32)] = &[
    ("198.51.100.7", "old-partner.example", 118),
    ("192.0.2.9", "example.net", 12),
    ("198.51.100.40", "town-hall.example", 41),
    ("203.0.113.5", "example.com", 326),
    ("203.0.113.6", "supplier.example", 87),
    ("203.0.113.20", "university.example", 64),
    ("2001:db8::25", "v6.example", 33),
];

/// Someone who sends mail to it: address, TLS seen, user (devices log in), messages.
const INBOUND: &[(&str, bool, Option<&str>, u32)] = &[
    ("192.0.2.180", true, None, 204),
    ("192.0.2.40", false, None, 57),
    ("192.0.2.77", true, Some("scanner@example.org"), 96),
    ("203.0.113.5", true, None, 311),
    ("198.51.100.7", true, None, 102),
    ("2001:db8::25", true, None, 29),
];

/// Peers that nobody knows anything of.
const NEVER_MEASURED: u32 = 24;

impl Demo {
    /// Makes the copy.
    pub(super) fn make(clock: &Clock) -> io::Result<Self> {
        let demo = Self {
            dir: tempfile::Builder::new().prefix("kerio-tls-demo-").tempdir()?,
            pretend: Mutex::default(),
        };
        let root = demo.root();
        let store = root.join("store");
        fs::create_dir_all(store.join("logs"))?;
        fs::write(demo.file(), CONFIG.replace("@STORE@", &store.display().to_string()))?;
        fs::write(store.join("logs/mail.log"), log(clock))?;
        fs::write(root.join(PEERS), peers(clock))?;
        fs::write(store.join("logs/audit.log"), logins(clock))?;
        let watch = watch_directory(&root.join("state"));
        fs::create_dir(&watch)?;
        fs::write(watch.join(SEEN), sightings(clock))?;
        fs::write(root.join(EXECUTABLE), PROGRAM)?;
        Ok(demo)
    }

    /// The demo's directory.
    pub(super) fn root(&self) -> &Path {
        self.dir.path()
    }

    /// The demo's `mailserver.cfg`.
    pub(super) fn file(&self) -> PathBuf {
        self.root().join("mailserver.cfg")
    }

    /// The pretend peer that stands for this one; `None`: none could be started.
    pub(super) fn pretend(&self, key: &PeerKey) -> Option<Target> {
        let host = key.host.to_string();
        let mut pretend = self.pretend.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(peer) = pretend.peers.get(&host) {
            return Some(peer.target());
        }
        let number = u8::try_from(pretend.peers.len() % 250).unwrap_or(0);
        let peer = FakePeer::start_at(Ipv4Addr::new(127, 0, 1, number + 1), behaviour(&host)).ok()?;
        let target = peer.target();
        pretend.peers.insert(host, peer);
        Some(target)
    }

    /// The demo's own ports: pretend servers that do what the demo's file says, as an engine would after its start.
    pub(super) fn own_ports(&self, lowest: TlsVersion, highest: TlsVersion) -> Vec<(SocketAddr, Service)> {
        let services = [Service::Smtp, Service::Smtps, Service::Imaps, Service::Https];
        let started = services.into_iter().filter_map(|service| {
            let behaviour = Behaviour {
                service,
                floor: lowest,
                ceiling: highest,
                quirk: Quirk::None,
            };
            FakePeer::start(behaviour).ok().map(|peer| (service, peer))
        });
        let started: Vec<(Service, FakePeer)> = started.collect();
        let ports = started
            .iter()
            .map(|(service, peer)| (peer.address(), *service))
            .collect();
        let mut pretend = self.pretend.lock().unwrap_or_else(PoisonError::into_inner);
        pretend.own = started.into_iter().map(|(_, peer)| peer).collect();
        ports
    }

    /// The demo's places: nothing of the host is read or written.
    pub(super) fn home(&self, options: &HomeOptions) -> Home {
        Home {
            config: self.root().join(PREFERENCES),
            peers: options.peers.clone().unwrap_or_else(|| self.root().join(PEERS)),
            state_dir: options.state_dir.clone().unwrap_or_else(|| self.root().join("state")),
            commands_allowed: false,
        }
    }
}

/// What a pretend peer does: those that the peers file names do what it says, the others are one of each case.
fn behaviour(host: &str) -> Behaviour {
    use TlsVersion::{Tls10, Tls11, Tls12, Tls13};
    let up_to = |version| Behaviour::up_to(Service::Smtp, version);
    match host {
        "198.51.100.7" => return up_to(Tls10),
        "192.0.2.9" => return up_to(Tls11),
        "198.51.100.40" => return up_to(Tls12).with(Quirk::NoStartTls),
        "203.0.113.6" | "2001:db8::25" => return up_to(Tls12),
        "203.0.113.5" | "203.0.113.20" => return up_to(Tls13),
        _ => {}
    }
    let cases = [
        up_to(Tls13),
        up_to(Tls12),
        up_to(Tls13).with(Quirk::SlowGreeting(Duration::from_secs(2))),
        up_to(Tls12).with(Quirk::WarningFirst),
        up_to(Tls13).with(Quirk::Records(5)),
        up_to(Tls10),
        up_to(Tls12).with(Quirk::ComeLater),
        up_to(Tls12).with(Quirk::SilentClose),
        up_to(Tls12).with(Quirk::Alert(40)),
        up_to(Tls12).with(Quirk::NoStartTls),
        up_to(Tls13).with(Quirk::BytesAfterGo),
        up_to(Tls12).with(Quirk::Http),
    ];
    let number = host
        .rsplit('.')
        .next()
        .and_then(|last| last.parse::<usize>().ok())
        .unwrap_or(0);
    cases.get(number % cases.len()).copied().unwrap_or_else(|| up_to(Tls12))
}

/// The peers file: what the pretend administrator knows.
fn peers(clock: &Clock) -> String {
    let day = |days: i64| {
        let then = clock.now - SignedDuration::from_hours(24 * days);
        then.to_zoned_datetime(clock.zone.clone())
            .strftime("%Y-%m-%d")
            .to_string()
    };
    format!(
        "# direction,service,host[:port],max-version or -,date,note\n\
         outbound,smtp,198.51.100.7,tls1.0,{},mx.old-partner.example: their fax gateway\n\
         outbound,smtp,192.0.2.9,tls1.1,{},seen in their bounce\n\
         outbound,smtp,198.51.100.40,none,{},offers no TLS\n\
         outbound,smtp,203.0.113.5,tls1.3,{},\n\
         outbound,smtp,203.0.113.6,tls1.2,{},asked their admin\n\
         outbound,smtp,203.0.113.20,tls1.3,{},\n\
         inbound,smtp,192.0.2.77,tls1.0,{},the scanner on the second floor\n\
         inbound,smtp,203.0.113.5,tls1.3,{},\n",
        day(53),
        day(41),
        day(12),
        day(3),
        day(20),
        day(3),
        day(160),
        day(3),
    )
}

/// The audit log: the scanner logs in.
fn logins(clock: &Clock) -> String {
    let at = (clock.now - SignedDuration::from_mins(37)).to_zoned_datetime(clock.zone.clone());
    format!(
        "[{}] SMTP: User scanner@example.org authenticated  from IP address 192.0.2.77\n",
        at.strftime("%d/%b/%Y %H:%M:%S")
    )
}

/// What a watch of two weeks has seen: the scanner's old hello, and what the engine offers.
fn sightings(clock: &Clock) -> String {
    let second = |minutes: i64| (clock.now - SignedDuration::from_mins(minutes)).as_second();
    let (since, until) = (second(14 * 24 * 60), second(1));
    let row = |direction: &str,
               port: u16,
               address: &str,
               mark: &str,
               version: &str,
               hellos: u32,
               place: usize,
               last: i64| {
        let mut negotiated = [[0, 0]; 5];
        if let Some(agreed) = negotiated.get_mut(place) {
            *agreed = [i64::from(hellos), last];
        }
        format!(
            r#"{{"direction":"{direction}","port":{port},"address":"{address}","program":"{mark}","ja4":"{mark}","max":"{version}","offers":null,"hellos":{hellos},"fallbacks":0,"negotiated":{negotiated:?},"answered":{hellos},"unanswered":0,"refused":[],"mark":null,"first":{since},"last":{last},"last_refused":null,"recent":[{last}]}}"#
        )
    };
    let (scanner, engine) = (
        "t10i230500_44099cda8a52_195413a0cc0f",
        "t12i840600_bd790527ddab_3c5a66c06c35",
    );
    [
        format!(r#"{{"kerio_tls_watch":1,"since":{since},"until":{until},"lost":0,"overflowed":0}}"#),
        row("inbound", 587, "192.0.2.77", scanner, "tls1.0", 44, 1, second(37)),
        row("outbound", 25, "203.0.113.5", engine, "tls1.2", 61, 3, second(12)),
        String::new(),
    ]
    .join("\n")
}

/// A line's time, text and nothing else: sorted before they are written.
type Lines = Vec<(Timestamp, String)>;

/// The mail log of the last 30 days, ending now.
fn log(clock: &Clock) -> String {
    let mut lines: Lines = Vec::new();
    let mut queue = 0x6307_3000_u32;
    let mut id = || {
        queue += 1;
        format!("{queue:08x}-{:08x}", queue & 0xff)
    };
    for (address, domain, count) in OUTBOUND {
        for number in 0..*count {
            sent(&mut lines, clock, &id(), address, domain, number, *count);
        }
    }
    for number in 0..NEVER_MEASURED {
        let count = 1 + number % 19;
        let (address, domain) = (format!("203.0.113.{}", 100 + number), format!("shop{number}.example"));
        for message in 0..count {
            sent(&mut lines, clock, &id(), &address, &domain, message, count);
        }
    }
    for (address, tls, user, count) in INBOUND {
        for number in 0..*count {
            let user = user.map_or_else(String::new, |user| format!(", User: {user}"));
            let ssl = if *tls { ", SSL: yes" } else { "" };
            lines.push((
                spread(clock, number, *count),
                format!(
                    "Recv: Queue-ID: {}, Service: SMTP, From: <someone@example.com>, To: <info@example.org>, Size: \
                     {}, Sender-Host: {address}{user}{ssl}, Subject: Order {number}, Msg-Id: \
                     <{number}.{address}@example.com>",
                    id(),
                    2000 + number * 7
                ),
            ));
        }
    }
    lines.sort();
    let mut text = String::new();
    for (time, line) in lines {
        let stamp = time
            .to_zoned_datetime(clock.zone.clone())
            .strftime("%d/%b/%Y %H:%M:%S")
            .to_string();
        let _ = writeln!(text, "[{stamp}] {line}");
    }
    text
}

fn sent(lines: &mut Lines, clock: &Clock, id: &str, address: &str, domain: &str, number: u32, count: u32) {
    lines.push((
        spread(clock, number, count),
        format!(
            "Sent: Queue-ID: {id}, Recipient: <someone@{domain}>, Result: delivered, Status: 2.0.0 , Remote-Host: \
             {address}, Msg-Id: <{id}@example.org>"
        ),
    ));
}

/// The time of message `number` of `count`, spread evenly over the last 29 days.
fn spread(clock: &Clock, number: u32, count: u32) -> Timestamp {
    let minutes = 29 * 24 * 60 / i64::from(count.max(1));
    clock.now - SignedDuration::from_mins(7 + minutes * i64::from(number))
}
