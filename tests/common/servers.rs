//! Real servers from Debian's packages, each in a directory of its own, on free ports of 127.0.0.1, ended when dropped.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a server may take to listen. A limit for broken machines, not a measurement.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server.
pub(crate) struct Server {
    /// The ports it listens on, in the order they were asked for.
    pub(crate) ports: Vec<u16>,
    child: Child,
    dir: TempDir,
    /// Run before the process is ended.
    farewell: Option<Command>,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(farewell) = &mut self.farewell {
            farewell.output().ok();
        }
        // Its whole process group, which is its own (see `start`): servers have helpers.
        let group = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process_group(group, rustix::process::Signal::TERM).ok();
        let deadline = Instant::now() + Duration::from_secs(5);
        while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
        self.child.wait().ok();
    }
}

/// Runs a program to its end; names the Debian package where it is missing.
pub(crate) fn run(command: &mut Command, package: &str) -> Output {
    match command.stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(e) => panic!(
            "{:?}: {e}. Install it: apt-get install {package}",
            command.get_program()
        ),
    }
}

/// A directory that the unprivileged helpers of a server can enter, with `cert.pem` and `key.pem` in it.
pub(crate) fn directory() -> TempDir {
    let dir = tempfile::Builder::new().prefix("probe-truth-").tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let made = run(
        Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=mx.example.org",
            ])
            .args(["-keyout", "key.pem", "-out", "cert.pem"])
            .current_dir(dir.path()),
        "openssl",
    );
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    dir
}

/// Ports that are free now. All are held until all are known, so that they differ.
pub(crate) fn free_ports(count: usize) -> Vec<u16> {
    let held: Vec<TcpListener> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    held.iter().map(|l| l.local_addr().unwrap().port()).collect()
}

/// Starts a server and waits until it listens on all its ports. Tried again with other ports, because another process
/// can take a free port before the server does.
pub(crate) fn start(
    package: &str,
    count: usize,
    prepare: impl Fn(&Path, &[u16]) -> (Command, Option<Command>),
) -> Server {
    let mut said = String::new();
    for _ in 0..3 {
        let (dir, ports) = (directory(), free_ports(count));
        let (mut command, farewell) = prepare(dir.path(), &ports);
        let log = dir.path().join("said.txt");
        let output = fs::File::create(&log).unwrap();
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .process_group(0);
        let child = match command.spawn() {
            Ok(child) => child,
            Err(e) => panic!(
                "{:?}: {e}. Install it: apt-get install {package}",
                command.get_program()
            ),
        };
        let mut server = Server {
            ports,
            child,
            dir,
            farewell,
        };
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline && matches!(server.child.try_wait(), Ok(None)) {
            if server
                .ports
                .iter()
                .all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok())
            {
                return server;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        said = fs::read_to_string(server.dir.path().join("said.txt")).unwrap_or_default();
    }
    let last_words: Vec<&str> = said.lines().rev().take(10).collect();
    panic!("a server from the package {package} does not listen; its last words, newest first: {last_words:#?}");
}

/// Postfix with one listener for each set of `smtpd` options.
pub(crate) fn postfix(listeners: &[&[&str]]) -> Server {
    start("postfix", listeners.len(), |dir, ports| {
        let at = dir.display();
        for sub in ["etc", "queue", "data"] {
            fs::create_dir(dir.join(sub)).unwrap();
        }
        let owned = run(
            Command::new("chown").arg("postfix").arg(dir.join("data")),
            "postfix (and run as root)",
        );
        assert!(owned.status.success(), "Postfix has to be started as root: {owned:?}");
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {at}/queue\ndata_directory = {at}/data\n\
             inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmyhostname = mx.example.org\nmydestination =\n\
             alias_maps =\nalias_database =\nmaillog_file = /dev/stdout\nsmtpd_tls_cert_file = {at}/cert.pem\n\
             smtpd_tls_key_file = {at}/key.pem\nsmtpd_tls_ciphers = medium\n\
             tls_medium_cipherlist = ALL:@SECLEVEL=0\nsmtpd_peername_lookup = no\n"
        );
        fs::write(dir.join("etc/main.cf"), main).unwrap();
        let mut master = String::from(
            "tlsmgr unix - - n 1000? 1 tlsmgr\nrewrite unix - - n - - trivial-rewrite\nanvil unix - - n - 1 anvil\n\
             proxymap unix - - n - - proxymap\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n\
             pickup unix n - n 60 1 pickup\npostlog unix-dgram n - n - 1 postlogd\n",
        );
        for (options, port) in listeners.iter().zip(ports) {
            master.push_str(&format!("127.0.0.1:{port} inet n - n - - smtpd\n"));
            options
                .iter()
                .for_each(|option| master.push_str(&format!("  -o {option}\n")));
        }
        fs::write(dir.join("etc/master.cf"), master).unwrap();
        let postfix = |action: &str| {
            let mut command = Command::new("postfix");
            command.arg("-c").arg(dir.join("etc")).arg(action);
            command
        };
        (postfix("start-fg"), Some(postfix("stop")))
    })
}
