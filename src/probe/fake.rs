//! A pretend peer on loopback, for tests and for the demo: it listens on 127.0.0.1, reads the hello it is sent, and
//! answers as a server with its versions would, up to the ServerHello. It has no keys, so that nothing can be sent
//! through it. Its quirks are what no real server does on demand.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;

use super::Target;

mod behaviour;
mod hello;
mod serve;

use behaviour::Seen;
pub use behaviour::{Behaviour, How, Quirk, What};

/// A pretend peer that runs until it is dropped.
#[derive(Debug)]
pub struct FakePeer {
    address: SocketAddr,
    behaviour: Behaviour,
    seen: Arc<Seen>,
    stop: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

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
