//! Many peers at once, politely: never two connections to one host at the same time.

use std::collections::{HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Instant;

use super::ProbeError;
use super::one::probe_at;
use super::report::Report;
use super::resolve::resolve;
use super::settings::Settings;
use super::target::{Target, TargetHost};
use super::wire::Cancel;

/// Peers that are asked at the same time, unless told otherwise: 1,000 fit under 16 MB of memory with it (issue 4).
pub const WORKERS: usize = 64;
/// Stack of a worker, in bytes; only what is touched costs memory.
const STACK: usize = 256 * 1024;

/// Asks all of `targets`, at most `workers` (at least 1) at the same time, and calls `on_result` on the calling thread
/// with the place of the target in the list and its result, as they come. A cancelled probe has no result. Returns
/// when all have answered, or at once after a cancel; every thread has ended then. How many were asked to the end.
/// # Errors
/// [`ProbeError::Local`]: not one thread could be started.
pub fn probe_many(
    targets: &[Target],
    settings: &Settings,
    workers: usize,
    cancel: &Cancel,
    mut on_result: impl FnMut(usize, Result<Report, ProbeError>),
) -> Result<usize, ProbeError> {
    let queue = Queue::new(targets);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        let mut running = 0_usize;
        for _ in 0..workers.clamp(1, targets.len().max(1)) {
            let (sender, queue) = (sender.clone(), &queue);
            let thread = std::thread::Builder::new().name("probe".to_owned()).stack_size(STACK);
            match thread.spawn_scoped(scope, move || work(queue, settings, cancel, &sender)) {
                Ok(_) => running = running.saturating_add(1),
                // Fewer at once is slower, not wrong.
                Err(source) if running == 0 => {
                    return Err(ProbeError::Local {
                        what: "starting a thread",
                        source,
                    });
                }
                Err(_) => break,
            }
        }
        drop(sender);
        let mut done = 0_usize;
        for (place, result) in receiver {
            done = done.saturating_add(1);
            on_result(place, result);
        }
        Ok(done)
    })
}

fn work(
    queue: &Queue<'_>,
    settings: &Settings,
    cancel: &Cancel,
    results: &mpsc::Sender<(usize, Result<Report, ProbeError>)>,
) {
    while let Some(job) = queue.next(cancel) {
        let started = Instant::now();
        let result = match &job.addresses {
            Some(addresses) => {
                let result = probe_at(job.target, addresses, settings, cancel, started);
                queue.release(addresses);
                result
            }
            None => match resolve(job.target, settings, cancel) {
                Ok(Ok(addresses)) => {
                    queue.put_back(Job {
                        addresses: Some(addresses),
                        ..job
                    });
                    continue;
                }
                Ok(Err(why)) => Ok(Report::unreached(job.target, why, started.elapsed())),
                Err(e) => Err(e),
            },
        };
        if !matches!(result, Err(ProbeError::Cancelled)) {
            // The receiver outlives all senders: it is read until the last of them is gone.
            results.send((job.place, result)).ok();
        }
    }
}

/// One target that waits.
struct Job<'t> {
    place: usize,
    target: &'t Target,
    /// Known from the start for an address, after the look-up for a name: two names can be one host.
    addresses: Option<Vec<SocketAddr>>,
}

struct Queue<'t> {
    state: Mutex<State<'t>>,
    freed: Condvar,
}

struct State<'t> {
    waiting: VecDeque<Job<'t>>,
    /// Hosts that are being asked.
    busy: HashSet<IpAddr>,
}

fn host(address: &SocketAddr) -> IpAddr {
    address.ip().to_canonical()
}

impl<'t> Queue<'t> {
    fn new(targets: &'t [Target]) -> Self {
        let job = |(place, target): (usize, &'t Target)| Job {
            place,
            target,
            addresses: match target.host {
                TargetHost::Address(address) => Some(vec![SocketAddr::new(address, target.port)]),
                TargetHost::Name(_) => None,
            },
        };
        let waiting = targets.iter().enumerate().map(job).collect();
        Self {
            state: Mutex::new(State {
                waiting,
                busy: HashSet::new(),
            }),
            freed: Condvar::new(),
        }
    }

    /// A worker that panicked has taken nothing half out of the queue.
    fn lock(&self) -> MutexGuard<'_, State<'t>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first job whose host is free, its host marked busy; waits where all hosts are busy. `None`: nothing is left
    /// to start. While a worker waits here, another one is asking, and its end wakes this one, also after a cancel.
    fn next(&self, cancel: &Cancel) -> Option<Job<'t>> {
        let mut state = self.lock();
        loop {
            if cancel.is_cancelled() || state.waiting.is_empty() {
                return None;
            }
            let State { waiting, busy } = &mut *state;
            let free = |job: &Job<'_>| job.addresses.iter().flatten().all(|a| !busy.contains(&host(a)));
            if let Some(job) = waiting.iter().position(free).and_then(|at| waiting.remove(at)) {
                busy.extend(job.addresses.iter().flatten().map(host));
                return Some(job);
            }
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn put_back(&self, job: Job<'t>) {
        self.lock().waiting.push_front(job);
        self.freed.notify_one();
    }

    fn release(&self, addresses: &[SocketAddr]) {
        let mut state = self.lock();
        for address in addresses {
            state.busy.remove(&host(address));
        }
        drop(state);
        self.freed.notify_all();
    }
}
