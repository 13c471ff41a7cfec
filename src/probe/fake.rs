//! A pretend peer on loopback, for tests and for the demo: it listens on 127.0.0.1, reads the hello it is sent, and
//! answers as a server with its versions would, up to the ServerHello. It has no keys, so that nothing can be sent
//! through it. Its quirks are what no real server does on demand.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::target::{Service, Start, Target};
use crate::tls::TlsVersion;

mod hello;

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
    /// A hello with extensions is refused with alert 40.
    NoExtensions,
    /// The ServerHello is marked as talked down (RFC 8446 section 4.1.3).
    Marked,
    /// It speaks HTTP, in clear.
    Http,
    /// It sends junk.
    Junk,
    /// It sends one byte each time this has passed, for ever.
    Tarpit(Duration),
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
    open: AtomicUsize,
    most_open: AtomicUsize,
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

    /// The most connections that were open at one time.
    #[must_use]
    pub fn most_open(&self) -> usize {
        self.seen.most_open.load(Ordering::SeqCst)
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
        seen.connections.fetch_add(1, Ordering::SeqCst);
        let open = seen.open.fetch_add(1, Ordering::SeqCst).saturating_add(1);
        seen.most_open.fetch_max(open, Ordering::SeqCst);
        let (its_seen, stop) = (Arc::clone(seen), Arc::clone(stop));
        let started = std::thread::Builder::new().stack_size(STACK).spawn(move || {
            let mut peer = Peer {
                stream,
                behaviour,
                seen: &its_seen,
                stop: &stop,
                buffer: Vec::new(),
            };
            peer.serve().ok(); // the client left: that is how every talk here ends
            drop(peer);
            its_seen.open.fetch_sub(1, Ordering::SeqCst);
        });
        if started.is_err() {
            seen.open.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

struct Peer<'a> {
    stream: TcpStream,
    behaviour: Behaviour,
    seen: &'a Seen,
    stop: &'a AtomicBool,
    buffer: Vec<u8>,
}

impl Peer<'_> {
    fn serve(&mut self) -> io::Result<()> {
        self.stream.set_nodelay(true)?;
        self.stream.set_read_timeout(Some(Duration::from_millis(250)))?;
        match self.behaviour.quirk {
            Quirk::Http => {
                return self
                    .stream
                    .write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
            }
            Quirk::Junk => return self.stream.write_all(b"\x07\xff\x00\x1b[2Jwhat is this\n"),
            Quirk::Tarpit(pause) => loop {
                self.pause(pause)?;
                self.stream.write_all(b"2")?;
            },
            Quirk::EndlessBanner => loop {
                let line: &[u8] = match self.behaviour.service.start() {
                    Start::Smtp => b"220-and another thing\r\n",
                    _ => b"* OK and another thing\r\n",
                };
                self.running()?;
                self.stream.write_all(line)?;
            },
            Quirk::SlowGreeting(pause) => {
                self.pause(pause)?;
                self.stream.set_nonblocking(true)?;
                let mut early = [0_u8; 512];
                let n = self.stream.read(&mut early).unwrap_or(0);
                self.stream.set_nonblocking(false)?;
                self.seen.early.fetch_add(n, Ordering::SeqCst);
            }
            _ => {}
        }
        match self.behaviour.service.start() {
            Start::Direct => {}
            start => self.talk(start)?,
        }
        self.handshake()
    }

    /// The talk in clear, until TLS may begin; an error ends the connection.
    fn talk(&mut self, start: Start) -> io::Result<()> {
        let later = self.behaviour.quirk == Quirk::ComeLater;
        let greeting: &[u8] = match (start, later) {
            (Start::Imap, false) => b"* OK mx.example.org ready\r\n",
            (Start::Imap, true) => b"* BYE too busy, come again\r\n",
            (Start::Pop3, false) => b"+OK mx.example.org ready\r\n",
            (Start::Pop3, true) => b"-ERR [SYS/TEMP] too busy, come again\r\n",
            (_, false) => b"220 mx.example.org ESMTP\r\n",
            (_, true) => b"421 4.3.2 too busy, come again\r\n",
        };
        self.stream.write_all(greeting)?;
        let offers = self.behaviour.quirk != Quirk::NoStartTls;
        while !later {
            let line = self.line()?;
            let mut words = line.split(' ');
            let tag = if start == Start::Imap {
                words.next().unwrap_or_default()
            } else {
                ""
            };
            let command = words.next().unwrap_or_default().to_ascii_uppercase();
            let (answer, go) = match (start, command.as_str()) {
                (Start::Smtp, "EHLO") if offers => {
                    ("250-mx.example.org\r\n250-PIPELINING\r\n250 STARTTLS\r\n".into(), false)
                }
                (Start::Smtp, "EHLO") => ("250-mx.example.org\r\n250 PIPELINING\r\n".into(), false),
                (Start::Smtp, "STARTTLS") if offers => ("220 2.0.0 go ahead\r\n".into(), true),
                (Start::Smtp, "QUIT") => ("221 2.0.0 bye\r\n".into(), false),
                (Start::Smtp, _) => ("502 5.5.1 no\r\n".into(), false),
                (Start::Pop3, "CAPA") if offers => ("+OK\r\nUSER\r\nSTLS\r\n.\r\n".into(), false),
                (Start::Pop3, "CAPA") => ("+OK\r\nUSER\r\n.\r\n".into(), false),
                (Start::Pop3, "STLS") if offers => ("+OK go ahead\r\n".into(), true),
                (Start::Pop3, "QUIT") => ("+OK bye\r\n".into(), false),
                (Start::Pop3, _) => ("-ERR no\r\n".into(), false),
                (_, "CAPABILITY") => {
                    let word = if offers { " STARTTLS" } else { "" };
                    (format!("* CAPABILITY IMAP4rev1{word}\r\n{tag} OK done\r\n"), false)
                }
                (_, "STARTTLS") if offers => (format!("{tag} OK go ahead\r\n"), true),
                (_, "LOGOUT") => (format!("* BYE\r\n{tag} OK bye\r\n"), false),
                _ => (format!("{tag} BAD no\r\n"), false),
            };
            let mut bytes = answer.into_bytes();
            if go && self.behaviour.quirk == Quirk::BytesAfterGo {
                bytes.extend(b"250 injected\r\n");
            }
            self.stream.write_all(&bytes)?;
            if go {
                return Ok(());
            }
            if command == "QUIT" || command == "LOGOUT" {
                break;
            }
        }
        Err(io::ErrorKind::ConnectionAborted.into())
    }

    fn handshake(&mut self) -> io::Result<()> {
        let offer = loop {
            if let Some(offer) = hello::Offer::read(&self.buffer) {
                break offer;
            }
            self.more()?;
        };
        let answer = match self.behaviour.quirk {
            Quirk::Alert(code) => hello::alert(2, code),
            Quirk::SilentClose => return Ok(()),
            Quirk::NoExtensions if offer.has_extensions => hello::alert(2, 40),
            quirk => match offer.answer(self.behaviour.floor, self.behaviour.ceiling, quirk == Quirk::Marked) {
                Err(code) => hello::alert(2, code),
                Ok(message) => match quirk {
                    Quirk::WarningFirst => [hello::alert(1, 112), hello::record(22, &message)].concat(),
                    Quirk::Records(n) => message.chunks(n.max(1)).flat_map(|c| hello::record(22, c)).collect(),
                    Quirk::CutAt(at) => {
                        let bytes = hello::record(22, &message);
                        let (first, rest) = bytes.split_at_checked(at).unwrap_or((&bytes, &[]));
                        self.stream.write_all(first)?;
                        self.pause(Duration::from_millis(5))?;
                        rest.to_vec()
                    }
                    _ => hello::record(22, &message),
                },
            },
        };
        self.stream.write_all(&answer)?;
        loop {
            self.more()?; // whatever the client still says, until it goes
        }
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.buffer.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            self.more()?;
        }
    }

    /// Reads some more; an error when the client is gone, this peer is to stop, or too much was sent.
    fn more(&mut self) -> io::Result<()> {
        let mut chunk = [0_u8; 2048];
        loop {
            self.running()?;
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    let bytes = chunk.get(..n).unwrap_or_default();
                    let mut heard = self.seen.heard.lock().unwrap_or_else(PoisonError::into_inner);
                    let room = HEARD.saturating_sub(heard.len());
                    heard.extend(bytes.iter().take(room));
                    self.buffer.extend(bytes);
                    return if self.buffer.len() > HEARD {
                        Err(io::ErrorKind::OutOfMemory.into())
                    } else {
                        Ok(())
                    };
                }
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                Err(e) => return Err(e),
            }
        }
    }

    fn running(&self) -> io::Result<()> {
        if self.stop.load(Ordering::SeqCst) {
            Err(io::ErrorKind::Interrupted.into())
        } else {
            Ok(())
        }
    }

    /// Sleeps, and ends early when this peer is to stop.
    fn pause(&self, time: Duration) -> io::Result<()> {
        let mut left = time;
        while !left.is_zero() {
            self.running()?;
            let step = left.min(Duration::from_millis(100));
            std::thread::sleep(step);
            left = left.saturating_sub(step);
        }
        self.running()
    }
}
