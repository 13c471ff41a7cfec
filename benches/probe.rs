//! The probe measured beside sslscan and testssl.sh in the same run: `cargo bench --bench probe`.
//! Needs Debian's postfix, sslscan and testssl.sh, and root (Postfix). Prints a table; asserts nothing about times.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark talks, and stops where its tools are missing"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use kerio_tls::probe::fake::{Behaviour, FakePeer, Quirk};
use kerio_tls::probe::{Cancel, EhloName, Report, Service, Settings, Target, WORKERS, probe_many, probe_one};
use kerio_tls::tls::TlsVersion;

#[path = "../tests/common/servers.rs"]
mod servers;

/// One way through the delay proxy; a round trip is twice that.
const ONE_WAY: Duration = Duration::from_millis(25);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("peers") => play_peers(arguments[2].parse().unwrap(), arguments[3].parse().unwrap()),
        Some("all") => ask_peers(),
        Some("cancel") => cancel_peers(),
        _ => {
            let server = servers::postfix(&[&["smtpd_tls_security_level=may"]]);
            through_delay(server.ports[0]);
            beside_others(server.ports[0]);
            drop(server);
            thousand_peers("answering at once", 0, "all");
            thousand_peers("greeting after 200 ms", 200, "all");
            thousand_peers("greeting after 20 s, cancelled after 300 ms", 20_000, "cancel");
        }
    }
}

fn settings() -> Settings {
    Settings::new(EhloName::new("mail.example.org").unwrap())
}

fn ask(port: u16) -> Report {
    let target = Target::at(Ipv4Addr::LOCALHOST.into(), Some(port), Service::Smtp);
    let report = probe_one(&target, &settings(), &Cancel::new().unwrap()).unwrap();
    assert_eq!(report.highest(), Some(TlsVersion::Tls13), "{report:?}");
    report
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn through_delay(port: u16) {
    let proxy = delay_proxy(port);
    let reports: Vec<Report> = (0..11).map(|_| ask(proxy)).collect();
    let time = median(reports.iter().map(|r| r.elapsed).collect());
    let trips = time.as_secs_f64() / (ONE_WAY * 2).as_secs_f64();
    println!(
        "One SMTP peer (Postfix, STARTTLS) through a round trip of 50 ms, median of {}:",
        reports.len()
    );
    println!(
        "  verdict {:>8.1} ms = {trips:.2} round trips = {:.3} x five (budget 1.2 x); connections: {}",
        ms(time),
        trips / 5.0,
        reports.iter().map(|r| r.connections).max().unwrap_or_default()
    );
}

/// What a user waits for: each program from its start to its end, in turns, so that noise hits all alike.
fn beside_others(port: u16) {
    let in_process = median((0..101).map(|_| ask(port).elapsed).collect());
    let at = format!("127.0.0.1:{port}");
    let mut ours = Command::new(env!("CARGO_BIN_EXE_kerio-tls"));
    ours.args(["probe", &at, "--service", "smtp"]);
    let mut sslscan = Command::new("sslscan");
    sslscan.args([
        "--starttls-smtp",
        "--no-ciphersuites",
        "--no-fallback",
        "--no-renegotiation",
        "--no-compression",
        "--no-heartbleed",
        "--no-groups",
        "--no-check-certificate",
        &at,
    ]);
    let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
    for _ in 0..15 {
        their_times.push(timed(&mut sslscan, "sslscan"));
        our_times.extend((0..5).map(|_| timed(&mut ours, "kerio-tls")));
    }
    let mut testssl = Command::new("testssl");
    testssl.args([
        "--quiet",
        "--protocols",
        "--starttls",
        "smtp",
        "--color",
        "0",
        "--warnings",
        "batch",
        &at,
    ]);
    let testssl = timed(&mut testssl, "testssl.sh");
    let mut nothing = Command::new(env!("CARGO_BIN_EXE_kerio-tls"));
    nothing.arg("--version");
    let start = median((0..51).map(|_| timed_start(&mut nothing)).collect());
    let command = median(our_times.clone());
    println!("The same peer on loopback, same run, each program with its start and end:");
    for (what, time) in [
        ("kerio-tls probe, median of 75 ", command),
        (
            "  its best                    ",
            our_times.iter().min().copied().unwrap(),
        ),
        ("  of that in process          ", in_process),
        ("  kerio-tls --version         ", start),
        ("sslscan, versions only, of 15 ", median(their_times.clone())),
        (
            "  its best                    ",
            their_times.iter().min().copied().unwrap(),
        ),
        ("testssl.sh --protocols, once  ", testssl),
    ] {
        let times = time.as_secs_f64() / command.as_secs_f64();
        println!("  {what}{:>9.2} ms = {times:>8.1} x ours", ms(time));
    }
}

fn timed_start(command: &mut Command) -> Duration {
    let started = Instant::now();
    assert!(command.output().unwrap().status.success());
    started.elapsed()
}

fn timed(command: &mut Command, package: &str) -> Duration {
    let started = Instant::now();
    let output = servers::run(command, package);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains("TLSv1.3") || said.contains("TLS 1.3"),
        "{package} did not see the server: {said}"
    );
    started.elapsed()
}

/// A port behind which everything takes 25 ms each way. Connecting to a port of one's own machine takes no time, so the
/// three ways of a TCP connect that come before the server hears of it are waited for here.
fn delay_proxy(server: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            std::thread::spawn(move || {
                std::thread::sleep(ONE_WAY * 3);
                let server = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).unwrap();
                delay(client.try_clone().unwrap(), server.try_clone().unwrap());
                delay(server, client);
            });
        }
    });
    port
}

/// Hands on what comes, each piece 25 ms after it came.
fn delay(mut from: TcpStream, mut to: TcpStream) {
    to.set_nodelay(true).unwrap();
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    std::thread::spawn(move || {
        let mut buffer = [0_u8; 8192];
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            if sender.send((Instant::now() + ONE_WAY, buffer[..n].to_vec())).is_err() {
                return;
            }
        }
    });
    std::thread::spawn(move || {
        for (due, bytes) in receiver {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                return;
            }
        }
        to.shutdown(Shutdown::Both).ok();
    });
}

/// The peers and the prober are processes of their own, so that the memory shown is the prober's.
fn thousand_peers(what: &str, greeting_ms: u64, prober: &str) {
    const COUNT: usize = 1_000;
    let me = std::env::current_exe().unwrap();
    let mut peers = Command::new(&me)
        .args(["peers", &COUNT.to_string(), &greeting_ms.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let list: Vec<String> = BufReader::new(peers.stdout.take().unwrap())
        .lines()
        .take(COUNT)
        .map(Result::unwrap)
        .collect();
    assert_eq!(list.len(), COUNT);
    let mut prober = Command::new(&me)
        .arg(prober)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    prober
        .stdin
        .take()
        .unwrap()
        .write_all(list.join("\n").as_bytes())
        .unwrap();
    let output = prober.wait_with_output().unwrap();
    drop(peers.stdin.take());
    peers.wait().unwrap();
    assert!(output.status.success());
    print!(
        "{COUNT} pretend peers {what}, {WORKERS} at once: {}",
        String::from_utf8_lossy(&output.stdout)
    );
}

/// Plays peers, each on an address of its own, until the standard input is closed.
fn play_peers(count: u32, greeting_ms: u64) {
    let quirk = match greeting_ms {
        0 => Quirk::None,
        ms => Quirk::SlowGreeting(Duration::from_millis(ms)),
    };
    let peers: Vec<FakePeer> = (0..count)
        .map(|n| {
            let ip = Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 1, 0, 1)) + n);
            let ceiling = TlsVersion::MINIMUMS[n as usize % 4];
            FakePeer::start_at(ip, Behaviour::up_to(Service::Smtp, ceiling).with(quirk)).unwrap()
        })
        .collect();
    peers.iter().for_each(|peer| println!("{}", peer.address()));
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    std::process::exit(0); // without waiting for a thousand threads
}

/// The peers to ask, an address a line.
fn read_targets() -> Vec<Target> {
    std::io::stdin()
        .lines()
        .map(|line| Target::parse(&line.unwrap(), Service::Smtp).unwrap())
        .collect()
}

/// Asks all, and cancels meanwhile: how long until the caller is free, with every socket closed.
fn cancel_peers() {
    let targets = read_targets();
    let cancel = Cancel::new().unwrap();
    let bell = cancel.clone();
    let ringing = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        let rung = Instant::now();
        bell.cancel();
        rung
    });
    let done = probe_many(&targets, &settings(), WORKERS, &cancel, |_, _| {}).unwrap();
    let free = Instant::now();
    let time = free - ringing.join().unwrap();
    println!(
        "free after {:.2} ms (budget 100 ms), {done} results, VmHWM {:.1} MB",
        ms(time),
        peak_memory()
    );
}

/// Asks all, prints time and memory.
fn ask_peers() {
    let targets = read_targets();
    let before = peak_memory();
    let started = Instant::now();
    let mut known = 0;
    probe_many(&targets, &settings(), WORKERS, &Cancel::new().unwrap(), |_, result| {
        known += usize::from(result.unwrap().highest().is_some());
    })
    .unwrap();
    let time = started.elapsed();
    assert_eq!(known, targets.len());
    println!(
        "{:.2} s, VmHWM {:.1} MB, {:.1} MB before the first probe (budget 16 MB)",
        time.as_secs_f64(),
        peak_memory(),
        before
    );
}

/// The most memory this process has had, in MB (VmHWM of the kernel).
fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1_024.0
}
