//! One connection to a pretend peer, played as a server would.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::behaviour::{Behaviour, HEARD, How, Quirk, Seen};
use super::hello;
use crate::hostile::slice_at;
use crate::probe::target::Start;

/// What follows an answer in clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Line,
    Tls,
    Close,
}

/// The answer to one line in clear, as a server with (or without) an offer of TLS gives it.
fn in_clear(start: Start, line: &str, offers: bool) -> (String, Next) {
    let (tag, rest) = if start == Start::Imap {
        line.split_once(' ').unwrap_or_default()
    } else {
        ("", line)
    };
    let command = rest.split(' ').next().unwrap_or_default().to_ascii_uppercase();
    let (answer, next) = match (start, command.as_str()) {
        (Start::Smtp, "EHLO") if offers => ("250-mx.example.org\r\n250-PIPELINING\r\n250 STARTTLS\r\n", Next::Line),
        (Start::Smtp, "EHLO") => ("250-mx.example.org\r\n250 PIPELINING\r\n", Next::Line),
        (Start::Smtp, "STARTTLS") if offers => ("220 2.0.0 go ahead\r\n", Next::Tls),
        (Start::Smtp, "QUIT") => ("221 2.0.0 bye\r\n", Next::Close),
        (Start::Smtp, _) => ("502 5.5.1 no\r\n", Next::Line),
        (Start::Pop3, "CAPA") if offers => ("+OK\r\nUSER\r\nSTLS\r\n.\r\n", Next::Line),
        (Start::Pop3, "CAPA") => ("+OK\r\nUSER\r\n.\r\n", Next::Line),
        (Start::Pop3, "STLS") if offers => ("+OK go ahead\r\n", Next::Tls),
        (Start::Pop3, "QUIT") => ("+OK bye\r\n", Next::Close),
        (Start::Pop3, _) => ("-ERR no\r\n", Next::Line),
        (_, "CAPABILITY") if offers => ("* CAPABILITY IMAP4rev1 STARTTLS\r\nTAG OK done\r\n", Next::Line),
        (_, "CAPABILITY") => ("* CAPABILITY IMAP4rev1\r\nTAG OK done\r\n", Next::Line),
        (_, "STARTTLS") if offers => ("TAG OK go ahead\r\n", Next::Tls),
        (_, "LOGOUT") => ("* BYE\r\nTAG OK bye\r\n", Next::Close),
        _ => ("TAG BAD no\r\n", Next::Line),
    };
    (answer.replace("TAG", tag), next)
}

pub(super) struct Peer {
    stream: TcpStream,
    behaviour: Behaviour,
    seen: Arc<Seen>,
    stop: Arc<AtomicBool>,
    buffer: Vec<u8>,
    waiting: bool,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.answered();
    }
}

impl Peer {
    pub(super) fn new(stream: TcpStream, behaviour: Behaviour, seen: Arc<Seen>, stop: Arc<AtomicBool>) -> Self {
        seen.connections.fetch_add(1, Ordering::SeqCst);
        let waiting = seen.waiting.fetch_add(1, Ordering::SeqCst).saturating_add(1);
        seen.most_waiting.fetch_max(waiting, Ordering::SeqCst);
        Self {
            stream,
            behaviour,
            seen,
            stop,
            buffer: Vec::new(),
            waiting: true,
        }
    }

    /// From here on the client may have left before this peer hears of it.
    fn answered(&mut self) {
        if std::mem::take(&mut self.waiting) {
            self.seen.waiting.fetch_sub(1, Ordering::SeqCst);
        }
    }

    pub(super) fn serve(&mut self) -> io::Result<()> {
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
                let line: &[u8] = match Start::of(self.behaviour.service) {
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
        match Start::of(self.behaviour.service) {
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
        if later {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        loop {
            let line = self.line()?;
            let (mut answer, next) = in_clear(start, &line, offers);
            if next == Next::Tls && self.behaviour.quirk == Quirk::BytesAfterGo {
                answer.push_str("250 injected\r\n");
            }
            self.stream.write_all(answer.as_bytes())?;
            match next {
                Next::Line => {}
                Next::Tls => return Ok(()),
                Next::Close => return Err(io::ErrorKind::ConnectionAborted.into()),
            }
        }
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
            Quirk::Dislikes(what, how) if offer.has(what) => match how {
                How::Alert(code) => hello::alert(2, code),
                How::Close => return Ok(()),
                How::Silence => Vec::new(),
            },
            quirk => match offer.answer(self.behaviour.floor, self.behaviour.ceiling, quirk == Quirk::Marked) {
                Err(code) => hello::alert(2, code),
                Ok(message) => match quirk {
                    Quirk::WarningFirst => [hello::alert(1, 112), hello::record(22, &message)].concat(),
                    Quirk::Records(n) => message.chunks(n.max(1)).flat_map(|c| hello::record(22, c)).collect(),
                    Quirk::CutAt(at) => {
                        let bytes = hello::record(22, &message);
                        let (first, rest) = bytes.split_at_checked(at).unwrap_or((&bytes, &[]));
                        self.answered();
                        self.stream.write_all(first)?;
                        self.pause(Duration::from_millis(5))?;
                        rest.to_vec()
                    }
                    _ => hello::record(22, &message),
                },
            },
        };
        self.answered();
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
                    let bytes = slice_at(&chunk, ..n);
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
