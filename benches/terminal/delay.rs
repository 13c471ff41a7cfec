//! Lines on which everything arrives later: what a satellite or another continent does to a session.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Hands items on in their order, each so long after it came, until `deliver` says no or nobody brings any more.
pub fn later<T: Send + 'static>(
    delay: Duration,
    mut deliver: impl FnMut(T) -> bool + Send + 'static,
) -> impl FnMut(T) -> bool + Send {
    let (sender, items) = mpsc::channel::<(Instant, T)>();
    thread::spawn(move || {
        for (came, item) in items {
            thread::sleep((came + delay).saturating_duration_since(Instant::now()));
            if !deliver(item) {
                return;
            }
        }
    });
    move |item| sender.send((Instant::now(), item)).is_ok()
}

/// A relay on loopback to a server, with half of the round trip on each way. It goes with the process.
pub fn relay(to: SocketAddr, round_trip: Duration) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for near in listener.incoming() {
            let (near, far) = (near.unwrap(), TcpStream::connect(to).unwrap());
            for (from, into) in [(&near, &far), (&far, &near)] {
                from.set_nodelay(true).unwrap();
                carry(from.try_clone().unwrap(), into.try_clone().unwrap(), round_trip / 2);
            }
        }
    });
    address
}

/// One way of a connection; its end travels like its bytes.
fn carry(mut from: TcpStream, mut into: TcpStream, delay: Duration) {
    let mut send = later(delay, move |piece: Vec<u8>| {
        if piece.is_empty() {
            let _ = into.shutdown(std::net::Shutdown::Write);
            return false;
        }
        into.write_all(&piece).is_ok()
    });
    thread::spawn(move || {
        let mut buffer = [0; 65536];
        loop {
            let count = from.read(&mut buffer).unwrap_or(0);
            if !send(buffer[..count].to_vec()) || count == 0 {
                return;
            }
        }
    });
}
