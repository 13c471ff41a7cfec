//! Host names to addresses, by the system's own resolver.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::time::Instant;

use rustix::event::PollFlags;

use super::ProbeError;
use super::settings::Settings;
use super::target::{Target, TargetHost};
use super::wire::{Cancel, Cut, wait};

/// Addresses of one name that are tried, in the system's order.
const ADDRESSES: usize = 8;
/// Stack of the thread that looks up, in bytes: the C library's resolver needs more than our own threads.
const STACK: usize = 512 * 1024;

/// The addresses of a target, by the system's own resolver, within its deadline; `Ok(Err(why))` where there are none.
pub(super) fn resolve(
    target: &Target,
    settings: &Settings,
    cancel: &Cancel,
) -> Result<Result<Vec<SocketAddr>, String>, ProbeError> {
    let name = match &target.host {
        TargetHost::Address(address) => return Ok(Ok(vec![SocketAddr::new(*address, target.port)])),
        TargetHost::Name(name) => name.as_str().to_owned(),
    };
    let local = |source| ProbeError::Local {
        what: "looking a name up",
        source,
    };
    // The system's look-up cannot be interrupted, so it has a thread of its own, which ends when the system lets it.
    // Dropping its end of the pair is what wakes us.
    let (done, ours) = UnixStream::pair().map_err(local)?;
    let (sender, receiver) = mpsc::sync_channel(1);
    let (lookup, port) = (name.clone(), target.port);
    std::thread::Builder::new()
        .name("look-up".to_owned())
        .stack_size(STACK)
        .spawn(move || {
            let found = (lookup.as_str(), port)
                .to_socket_addrs()
                .map(Iterator::collect::<Vec<_>>);
            sender.send(found).ok();
            drop(done);
        })
        .map_err(local)?;
    let now = Instant::now();
    let until = now.checked_add(settings.limits.resolve).unwrap_or(now);
    match wait(ours.as_fd(), PollFlags::IN, until, cancel) {
        Ok(()) => {}
        Err(Cut::Cancelled) => return Err(ProbeError::Cancelled),
        Err(Cut::Local(source)) => return Err(local(source)),
        Err(_) => return Ok(Err(format!("the look-up of {name} took too long"))),
    }
    Ok(match receiver.try_recv() {
        Ok(Ok(mut found)) if !found.is_empty() => {
            let mut seen = HashSet::<IpAddr>::new();
            found.retain(|a| seen.insert(a.ip().to_canonical()));
            found.truncate(ADDRESSES);
            Ok(found)
        }
        Ok(Err(e)) => Err(format!("the look-up of {name} failed: {e}")),
        _ => Err(format!("{name} has no address")),
    })
}
