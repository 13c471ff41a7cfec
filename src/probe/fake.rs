//! A pretend peer on loopback, for tests and for the demo: it listens on 127.0.0.1, reads the hello it is sent, and
//! answers as a server with its versions would, up to the ServerHello. It has no keys, so that nothing can be sent
//! through it. Its quirks are what no real server does on demand.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Service, Target};
use crate::tls::TlsVersion;

mod hello;
mod serve;

/// What is odd about a pretend peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quirk {
    /// Nothing.
    None,
    /// It does not offer STARTTLS.
    NoStartTls,
    /// The greeting comes after this time.
    SlowGreeting(Duration),
    /// The greeting never ends.
    EndlessBanner,
    /// It greets with 421 (or its like) and closes.
    ComeLater,
    /// It sends more in clear right after it said that TLS may begin.
    BytesAfterGo,
    /// The ServerHello comes in two pieces, cut after so many bytes.
    CutAt(usize),
    /// The ServerHello comes in records of so many bytes.
    Records(usize),
    /// A warning alert (112) comes before the ServerHello.
    WarningFirst,
    /// Every hello is answered by this fatal alert.
    Alert(u8),
    /// Every hello is answered by closing.
    SilentClose,
    /// A hello that has this is refused so.
    Dislikes(What, How),
    /// The ServerHello is marked as talked down (RFC 8446 section 4.1.3).
    Marked,
    /// It speaks HTTP, in clear.
    Http,
    /// It sends junk.
    Junk,
    /// It sends one byte each time this has passed, for ever.
    Tarpit(Duration),
}

/// What a pretend peer may dislike in a hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Extensions of any kind.
    Extensions,
    /// The list of versions that TLS 1.3 brought.
    SupportedVersions,
    /// A server name.
    ServerName,
    /// That there is no server name.
    NoServerName,
    /// A message of 256 to 511 bytes (RFC 7685).
    Length,
    /// A `client_version` of TLS 1.2.
    Tls12,
}

/// How it shows that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// By this fatal alert.
    Alert(u8),
    /// By closing.
    Close,
    /// By saying nothing any more.
    Silence,
}

/// A pretend peer: the versions it has, and its quirk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behaviour {
    /// What it speaks, and so how TLS begins.
    pub service: Service,
    /// The oldest version it accepts.
    pub floor: TlsVersion,
    /// The newest version it has.
    pub ceiling: TlsVersion,
    /// What is odd about it.
    pub quirk: Quirk,
}

impl Behaviour {
    /// A peer with everything from TLS 1.0 (or its ceiling, if that is older) up to `ceiling`, without a quirk.
    #[must_use]
    pub fn up_to(service: Service, ceiling: TlsVersion) -> Self {
        Self {
            service,
            floor: ceiling.min(TlsVersion::Tls10),
            ceiling,
            quirk: Quirk::None,
        }
    }

    /// The same peer with this quirk.
    #[must_use]
    pub const fn with(mut self, quirk: Quirk) -> Self {
        self.quirk = quirk;
        self
    }
}

/// What a pretend peer saw.
#[derive(Debug, Default)]
struct Seen {
    connections: AtomicUsize,
    /// Connections that still wait for what they came for.
    waiting: AtomicUsize,
    most_waiting: AtomicUsize,
    early: AtomicUsize,
    heard: Mutex<Vec<u8>>,
}

/// A pretend peer that runs until it is dropped.
#[derive(Debug)]
pub struct FakePeer {
    address: SocketAddr,
    behaviour: Behaviour,
    seen: Arc<Seen>,
    stop: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

/// Bytes of one peer's transcript that are kept.
const HEARD: usize = 16_384;
/// Small, because a demo or a test runs many.
const STACK: usize = 128 * 1024;

impl FakePeer {
    /// Starts one on 127.0.0.1, on a free port.
    /// # Errors
    /// No port or no thread to be had.
    pub fn start(behaviour: Behaviour) -> io::Result<Self> {
        Self::start_at(Ipv4Addr::LOCALHOST, behaviour)
    }

    /// Starts one on another loopback address, so that many can be told apart as hosts.
    /// # Errors
    /// Not a loopback address; no port or no thread to be had.
    pub fn start_at(ip: Ipv4Addr, behaviour: Behaviour) -> io::Result<Self> {
        if !ip.is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a pretend peer lives on 127.0.0.0/8",
            ));
        }
        let listener = TcpListener::bind((ip, 0))?;
        let address = listener.local_addr()?;
        let (seen, stop) = (Arc::<Seen>::default(), Arc::<AtomicBool>::default());
        let (its_seen, its_stop) = (Arc::clone(&seen), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("pretend peer".to_owned())
            .stack_size(STACK)
            .spawn(move || listen(&listener, behaviour, &its_seen, &its_stop))?;
        Ok(Self {
            address,
            behaviour,
            seen,
            stop,
            listener: Some(thread),
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// It, as something to probe.
    #[must_use]
    pub fn target(&self) -> Target {
        Target::at(IpAddr::V4(self.ip()), Some(self.address.port()), self.behaviour.service)
    }

    /// Connections it has taken.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// The most connections at one time that had not had their answer yet: the client cannot have left those.
    #[must_use]
    pub fn most_at_once(&self) -> usize {
        self.seen.most_waiting.load(Ordering::SeqCst)
    }

    /// Bytes it was sent before it had greeted: more than 0 is rude.
    #[must_use]
    pub fn spoken_early(&self) -> usize {
        self.seen.early.load(Ordering::SeqCst)
    }

    /// Everything it was sent, all connections one after the other; the first 16 KiB.
    #[must_use]
    pub fn heard(&self) -> Vec<u8> {
        self.seen.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn ip(&self) -> Ipv4Addr {
        match self.address.ip() {
            IpAddr::V4(ip) => ip,
            IpAddr::V6(_) => Ipv4Addr::LOCALHOST,
        }
    }
}

impl Drop for FakePeer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address)); // wakes the listener
        if let Some(thread) = self.listener.take() {
            thread.join().ok();
        }
    }
}

fn listen(listener: &TcpListener, behaviour: Behaviour, seen: &Arc<Seen>, stop: &Arc<AtomicBool>) {
    for stream in listener.incoming() {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let mut peer = serve::Peer::new(stream, behaviour, Arc::clone(seen), Arc::clone(stop));
        let thread = std::thread::Builder::new().stack_size(STACK);
        // An error here is the client leaving, which is how every talk ends; a peer without a thread hangs up.
        thread.spawn(move || peer.serve().ok()).ok();
    }
}
