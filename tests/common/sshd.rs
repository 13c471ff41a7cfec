//! A real `sshd` on loopback with keys and settings of its own, for whoever runs this. It ends with its value, and by
//! the kernel's hand when this process is killed.
//!
//! As root it needs `/run/sshd` (for its unprivileged half), which the package's service would make at boot. Without
//! PAM an account whose password field begins with `!` is refused; `*`, as in Debian's images, is not.

use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const DAEMON: &str = "/usr/sbin/sshd";
const CLIENT: &str = "/usr/bin/ssh";
const PATIENCE: Duration = Duration::from_secs(15);

/// A daemon that runs.
pub struct Sshd {
    dir: TempDir,
    daemon: Child,
    port: u16,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

impl Sshd {
    /// Starts one at a free port and waits until it greets.
    pub fn start() -> Self {
        for (path, package) in [
            (DAEMON, "openssh-server"),
            (CLIENT, "openssh-client"),
            ("/usr/bin/ssh-keygen", "openssh-client"),
            ("/usr/bin/setpriv", "util-linux"),
        ] {
            assert!(
                Path::new(path).exists(),
                "there is no {path} here: apt-get install {package}"
            );
        }
        if rustix::process::geteuid().is_root() {
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let dir = tempfile::tempdir().unwrap();
        for name in ["host", "user"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
                .arg(dir.path().join(name))
                .status()
                .unwrap();
            assert!(made.success(), "ssh-keygen: {made}");
        }
        let host = fs::read_to_string(dir.path().join("host.pub")).unwrap();
        fs::write(dir.path().join("known"), format!("here {host}")).unwrap();
        // A port that is free now can be taken by someone else before the daemon has it.
        for _ in 0..5 {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            let mut daemon = spawn(dir.path(), port);
            if greets(&mut daemon, port) {
                return Self { dir, daemon, port };
            }
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
        panic!("sshd does not start:\n{}", log(dir.path()));
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// What it said, for messages.
    pub fn log(&self) -> String {
        log(self.dir.path())
    }

    /// The client that runs a command of a shell there, in a terminal. `at`: the daemon, or what relays to it.
    pub fn client(&self, at: SocketAddr, command: &str) -> Vec<String> {
        let key = self.dir.path().join("user").display().to_string();
        let known = format!("UserKnownHostsFile={}", self.dir.path().join("known").display());
        let port = at.port().to_string();
        let mut argv = vec![CLIENT, "-tt", "-F", "none", "-p", &port, "-i", &key];
        for option in [
            known.as_str(),
            "GlobalKnownHostsFile=none",
            "HostKeyAlias=here",
            "StrictHostKeyChecking=yes",
            "IdentitiesOnly=yes",
            "BatchMode=yes",
            "LogLevel=ERROR",
            "SetEnv=LC_ALL=C.UTF-8",
            // OpenSSH from 9.5 on sends keys on a beat of 20 ms, so that nobody can tell what is typed; unknown before.
            "IgnoreUnknown=ObscureKeystrokeTiming",
            "ObscureKeystrokeTiming=no",
        ] {
            argv.extend(["-o", option]);
        }
        argv.extend(["127.0.0.1", command]);
        argv.into_iter().map(str::to_owned).collect()
    }
}

fn spawn(dir: &Path, port: u16) -> Child {
    let here = |name: &str| -> PathBuf { dir.join(name) };
    fs::copy(here("user.pub"), here("authorized")).unwrap();
    let config = format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {}\nPidFile {}\nAuthorizedKeysFile {}\n\
         UsePAM no\nStrictModes no\nPermitRootLogin yes\nPubkeyAuthentication yes\nPasswordAuthentication no\n\
         AcceptEnv LANG LC_*\nPrintMotd no\nPrintLastLog no\nMaxStartups 100\nLogLevel VERBOSE\n",
        here("host").display(),
        here("pid").display(),
        here("authorized").display(),
    );
    fs::write(here("config"), config).unwrap();
    // A panic drops the daemon; for a kill of this process there is the kernel.
    Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "--", DAEMON, "-D", "-e", "-f"])
        .arg(here("config"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(here("log")).unwrap())
        .spawn()
        .unwrap()
}

/// Does it greet before it ends?
fn greets(daemon: &mut Child, port: u16) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline && daemon.try_wait().unwrap().is_none() {
        if let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            let mut greeting = [0; 4];
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            return stream.read_exact(&mut greeting).is_ok() && greeting == *b"SSH-";
        }
        // Not synchronisation, only manners towards the processor between two questions.
        std::thread::sleep(Duration::from_millis(2));
    }
    false
}

fn log(dir: &Path) -> String {
    fs::read_to_string(dir.join("log")).unwrap_or_default()
}
