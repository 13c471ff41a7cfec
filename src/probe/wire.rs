//! One TCP connection with deadlines that nothing the peer does can stretch, and that ends at once when cancelled.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType};

use crate::hostile::slice_at;

/// Ends probes from another thread. Clones are one and the same.
#[derive(Debug, Clone)]
pub struct Cancel(Arc<Bell>);

#[derive(Debug)]
struct Bell {
    rung: AtomicBool,
    button: UnixStream,
    /// Becomes readable for every waiting probe at once, and stays so.
    ear: UnixStream,
}

impl Cancel {
    /// A new one, not cancelled.
    /// # Errors
    /// No file descriptor is left for it.
    pub fn new() -> io::Result<Self> {
        let (button, ear) = UnixStream::pair()?;
        Ok(Self(Arc::new(Bell {
            rung: AtomicBool::new(false),
            button,
            ear,
        })))
    }

    /// Ends every probe that holds a clone: nothing new is started, waiting ends at once, sockets are closed.
    pub fn cancel(&self) {
        self.0.rung.store(true, Ordering::SeqCst);
        // Cannot fail while both ends are ours; the flag stands in any case.
        self.0.button.shutdown(Shutdown::Both).unwrap_or_default();
    }

    /// Whether it was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.rung.load(Ordering::SeqCst)
    }
}

/// Why a connection gave no more.
#[derive(Debug)]
pub(super) enum Cut {
    /// The peer closed or reset it.
    Closed,
    /// The deadline passed.
    TimedOut,
    /// The user ended it.
    Cancelled,
    /// The network said no, such as "connection refused".
    Network(io::Error),
    /// This machine could not: no descriptor, no memory. Says nothing about the peer.
    Local(io::Error),
}

/// Bytes both ways with deadlines; the dialogues are written against it, so that tests can play the peer.
pub(super) trait Channel {
    /// At least one byte into `buffer`.
    fn receive(&mut self, buffer: &mut [u8], until: Instant) -> Result<usize, Cut>;
    /// All of `bytes`.
    fn send(&mut self, bytes: &[u8], until: Instant) -> Result<(), Cut>;
}

/// Waits until `fd` is ready, `until` has come, or the user cancels.
pub(super) fn wait(fd: BorrowedFd<'_>, ready: PollFlags, until: Instant, cancel: &Cancel) -> Result<(), Cut> {
    loop {
        if cancel.is_cancelled() {
            return Err(Cut::Cancelled);
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Cut::TimedOut);
        }
        let left = Timespec::try_from(left).map_err(|e| Cut::Local(io::Error::other(e)))?;
        let mut fds = [
            PollFd::from_borrowed_fd(fd, ready),
            PollFd::new(&cancel.0.ear, PollFlags::IN),
        ];
        match rustix::event::poll(&mut fds, Some(&left)) {
            Ok(_) if cancel.is_cancelled() => return Err(Cut::Cancelled),
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(e) => return Err(Cut::Local(e.into())),
        }
    }
}

/// A connection to a peer.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    cancel: Cancel,
}

impl Wire {
    pub(super) fn connect(address: SocketAddr, until: Instant, cancel: &Cancel) -> Result<Self, Cut> {
        if cancel.is_cancelled() {
            return Err(Cut::Cancelled);
        }
        let local = |e: Errno| Cut::Local(e.into());
        let family = if address.is_ipv4() {
            AddressFamily::INET
        } else {
            AddressFamily::INET6
        };
        // A plain `connect` could not be cancelled for as long as the peer's firewall is silent.
        let socket = rustix::net::socket(family, SocketType::STREAM, None).map_err(local)?;
        rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC).map_err(local)?;
        rustix::io::ioctl_fionbio(&socket, true).map_err(local)?;
        match rustix::net::connect(&socket, &address) {
            Ok(()) => {}
            Err(Errno::INPROGRESS | Errno::INTR) => {
                wait(socket.as_fd(), PollFlags::OUT, until, cancel)?;
                rustix::net::sockopt::socket_error(&socket)
                    .map_err(local)?
                    .map_err(|e| Cut::Network(e.into()))?;
            }
            Err(e @ (Errno::ADDRNOTAVAIL | Errno::NOBUFS | Errno::NOMEM)) => return Err(Cut::Local(e.into())),
            Err(e) => return Err(Cut::Network(e.into())),
        }
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true).map_err(Cut::Local)?;
        Ok(Self {
            stream,
            cancel: cancel.clone(),
        })
    }

    /// Our own end of the connection, where the system tells it.
    pub(super) fn local_address(&self) -> Option<IpAddr> {
        self.stream.local_addr().ok().map(|address| address.ip().to_canonical())
    }

    fn after(&self, error: io::Error, ready: PollFlags, until: Instant) -> Result<(), Cut> {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, Interrupted, WouldBlock};
        match error.kind() {
            WouldBlock => wait(self.stream.as_fd(), ready, until, &self.cancel),
            Interrupted => Ok(()),
            ConnectionReset | ConnectionAborted | BrokenPipe => Err(Cut::Closed),
            _ => Err(Cut::Network(error)),
        }
    }
}

impl Channel for Wire {
    fn receive(&mut self, buffer: &mut [u8], until: Instant) -> Result<usize, Cut> {
        loop {
            // A peer that drips bytes is always ready: the deadline and the user still come first.
            if self.cancel.is_cancelled() {
                return Err(Cut::Cancelled);
            }
            if Instant::now() >= until {
                return Err(Cut::TimedOut);
            }
            match self.stream.read(buffer) {
                Ok(0) => return Err(Cut::Closed),
                Ok(n) => return Ok(n),
                Err(e) => self.after(e, PollFlags::IN, until)?,
            }
        }
    }

    fn send(&mut self, mut bytes: &[u8], until: Instant) -> Result<(), Cut> {
        while !bytes.is_empty() {
            match self.stream.write(bytes) {
                Ok(0) => return Err(Cut::Closed),
                Ok(n) => bytes = slice_at(bytes, n..),
                Err(e) => self.after(e, PollFlags::OUT, until)?,
            }
        }
        Ok(())
    }
}
