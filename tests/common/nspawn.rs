//! A real systemd in a container, for tests: a minimal Debian root of the host's own release, made once by
//! debootstrap and kept in `target/`, booted with `systemd-nspawn --boot` on a throw-away overlay.
//!
//! ```text
//! let container = Container::boot(&[Bind::read_only(binary, "/usr/bin/kerio-tls")]);
//! container.install_engine();
//! let ran = container.run(&["systemctl", "start", "kerio-connect"]);
//! ```
//!
//! Needs root and the Debian packages systemd-container and debootstrap; what is missing fails the test by name. The
//! host itself need not be run by systemd. Measured on 2 cores: the root once 40 s, a boot 0.3 s, the end 0.06 s.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Units that take time at boot and mean nothing here.
const MASKED: &[&str] = &[
    "getty.target",
    "console-getty.service",
    "systemd-logind.service",
    "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service",
    "systemd-journal-flush.service",
    "systemd-tmpfiles-clean.timer",
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "dev-hugepages.mount",
    "dev-mqueue.mount",
    "sys-fs-fuse-connections.mount",
    "systemd-pstore.service",
];

/// A directory or file of the host that the container sees.
pub(crate) struct Bind {
    host: PathBuf,
    inside: String,
    writable: bool,
}

impl Bind {
    /// The container may read it.
    pub(crate) fn read_only(host: impl Into<PathBuf>, inside: &str) -> Bind {
        Bind {
            host: host.into(),
            inside: inside.to_owned(),
            writable: false,
        }
    }

    /// The container may write it too.
    pub(crate) fn writable(host: impl Into<PathBuf>, inside: &str) -> Bind {
        Bind {
            writable: true,
            ..Bind::read_only(host, inside)
        }
    }
}

/// A booted container; ended, with everything in it, when it is dropped.
pub(crate) struct Container {
    nspawn: Child,
    leader: u32,
    log: PathBuf,
    groups: Vec<PathBuf>,
}

impl Container {
    /// Boots a container with a network of its own (loopback only) and waits until systemd is up.
    pub(crate) fn boot(binds: &[Bind]) -> Container {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let root = root();
        let name = format!("kt-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let log = root.with_file_name(format!("{name}.log"));
        let log_file = fs::File::create(&log).expect("a log file beside the root");
        // Without a control group of its own, each container's systemd would take the groups of all others for its own.
        let groups = own_groups(&name);
        let mut command = Command::new("sh");
        command.args([
            "-euc",
            r#"while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs"; shift; done; shift; exec "$@""#,
            "sh",
        ]);
        command.args(&groups);
        command.args([
            "--",
            "systemd-nspawn",
            "--quiet",
            "--boot",
            "--register=no",
            "--keep-unit",
            "--volatile=overlay",
            "--private-network",
            "--console=pipe",
        ]);
        command
            .arg(format!("--machine={name}"))
            .arg(format!("--directory={}", root.display()));
        for bind in binds {
            let option = if bind.writable { "--bind" } else { "--bind-ro" };
            command.arg(format!("{option}={}:{}", bind.host.display(), bind.inside));
        }
        command
            .stdin(Stdio::null())
            .stdout(log_file.try_clone().expect("a second handle"))
            .stderr(log_file);
        let nspawn = command
            .spawn()
            .unwrap_or_else(|error| panic!("systemd-nspawn (package systemd-container): {error}"));
        let mut container = Container {
            nspawn,
            leader: 0,
            log,
            groups,
        };
        container.leader = container.wait_for("the container's first process", |this| this.find_leader());
        container.wait_for("systemd in the container to be up", |this| {
            let said = this.command(&["systemctl", "is-system-running"]).output().ok()?;
            matches!(String::from_utf8_lossy(&said.stdout).trim(), "running" | "degraded").then_some(())
        });
        container
    }

    fn wait_for<T>(&mut self, what: &str, mut look: impl FnMut(&Container) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            let ended = self.nspawn.try_wait().expect("state of systemd-nspawn");
            if ended.is_some() || start.elapsed() > Duration::from_secs(60) {
                panic!(
                    "waited in vain for {what}; systemd-nspawn: {ended:?}; its log:\n{}",
                    fs::read_to_string(&self.log).unwrap_or_default()
                );
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The child of systemd-nspawn that is the first process of its namespace.
    fn find_leader(&self) -> Option<u32> {
        let pid = self.nspawn.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
        children
            .split_ascii_whitespace()
            .filter_map(|child| child.parse().ok())
            .find(|child: &u32| {
                let status = fs::read_to_string(format!("/proc/{child}/status")).unwrap_or_default();
                status
                    .lines()
                    .any(|line| line.starts_with("NSpid:") && line.ends_with("\t1"))
            })
    }

    /// The words that run `argv` inside, from the host: for a pseudo-terminal of the test's own.
    pub(crate) fn argv(&self, argv: &[&str]) -> Vec<String> {
        let leader = self.leader.to_string();
        ["nsenter", "--target", &leader, "--all", "--wd=/", "--"]
            .iter()
            .chain(argv)
            .map(|word| (*word).to_owned())
            .collect()
    }

    /// A command inside the container, with a clean environment, as root.
    pub(crate) fn command(&self, argv: &[&str]) -> Command {
        let words = self.argv(argv);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env_clear().stdin(Stdio::null());
        command
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", "/root")
            .env("LC_ALL", "C.UTF-8");
        command
    }

    /// Runs a command inside to its end.
    pub(crate) fn run(&self, argv: &[&str]) -> Output {
        self.command(argv)
            .output()
            .unwrap_or_else(|error| panic!("nsenter (package util-linux) {argv:?}: {error}"))
    }

    /// Runs a script of the test's inside; it has to succeed. Gives its output.
    pub(crate) fn sh(&self, script: &str) -> String {
        let ran = self.run(&["sh", "-euc", script]);
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(
            ran.status.success(),
            "{script}\n{:?}\n{said}{}",
            ran.status,
            String::from_utf8_lossy(&ran.stderr)
        );
        said
    }

    /// Installs the stand-in engine of `tests/systemd` as Kerio Connect is installed: `/opt/kerio/mailserver`, its unit
    /// (not started), a configuration. See `tests/systemd/engine.pl` for what `/opt/kerio/mailserver/stand-in.conf` can
    /// make it do.
    pub(crate) fn install_engine(&self) {
        let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/systemd");
        for name in [
            "engine.pl",
            "kerio-connect.service",
            "kerio-connect.init",
            "mailserver.cfg",
            "install.sh",
        ] {
            let text = fs::read(files.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
            self.write(&format!("/run/stand-in/{name}"), &text);
        }
        self.sh("sh /run/stand-in/install.sh");
    }

    /// Writes a file inside; makes its directory.
    pub(crate) fn write(&self, path: &str, bytes: &[u8]) {
        use std::io::Write;
        let mut command = self.command(&["sh", "-euc", "mkdir -p \"$(dirname \"$1\")\"; cat > \"$1\"", "sh", path]);
        let mut child = command
            .stdin(Stdio::piped())
            .spawn()
            .expect("nsenter (package util-linux)");
        child
            .stdin
            .take()
            .expect("its input")
            .write_all(bytes)
            .expect("to write into the container");
        assert!(child.wait().expect("its end").success(), "{path} could not be written");
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // The end of the first process ends all others; nspawn then takes its mounts away and ends by itself.
        if self.leader != 0
            && let Some(pid) = rustix::process::Pid::from_raw(i32::try_from(self.leader).unwrap_or(0))
        {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        } else {
            let _ = self.nspawn.kill();
        }
        let _ = self.nspawn.wait();
        let _ = fs::remove_file(&self.log);
        self.groups.iter().for_each(|group| remove_group(group));
    }
}

/// Control groups of that name, made below our own: in the hierarchy of systemd, or in the only one.
fn own_groups(name: &str) -> Vec<PathBuf> {
    let ours = fs::read_to_string("/proc/self/cgroup").expect("/proc/self/cgroup");
    let mut groups = Vec::new();
    for line in ours.lines() {
        let Some((hierarchy, path)) = line.split_once(":/") else {
            continue;
        };
        let mounts: &[&str] = match hierarchy.split_once(':') {
            Some((_, "name=systemd")) => &["/sys/fs/cgroup/systemd"],
            Some(("0", "")) => &["/sys/fs/cgroup/unified", "/sys/fs/cgroup"],
            _ => &[],
        };
        for mount in mounts {
            let parent = Path::new(mount).join(path);
            let group = parent.join(name);
            if parent.join("cgroup.procs").exists() && fs::create_dir(&group).is_ok() {
                groups.push(group);
            }
        }
    }
    groups
}

/// A control group is removed from its leaves up, and only once no process is in it.
fn remove_group(group: &Path) {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_group(&entry.path());
        }
    }
    let _ = fs::remove_dir(group);
}

/// The Debian root of the host's release; made if it is not there yet. Other test programs wait meanwhile.
pub(crate) fn root() -> PathBuf {
    assert!(
        rustix::process::geteuid().is_root(),
        "this test boots containers and needs root"
    );
    for (tool, package) in [
        ("systemd-nspawn", "systemd-container"),
        ("debootstrap", "debootstrap"),
        ("nsenter", "util-linux"),
    ] {
        let found = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
            .iter()
            .any(|dir| Path::new(dir).join(tool).exists());
        assert!(found, "{tool} is missing: install the Debian package {package}");
    }
    let release = host_release();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/nspawn");
    fs::create_dir_all(&dir).expect("target/nspawn");
    let lock = fs::File::create(dir.join("lock")).expect("target/nspawn/lock");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("the lock of target/nspawn");
    let root = dir.join(format!("root-{release}-2"));
    if !root.is_dir() {
        make_root(&release, &root);
    }
    root
}

fn make_root(release: &str, root: &Path) {
    let new = root.with_extension("new");
    let _ = fs::remove_dir_all(&new);
    let ran = Command::new("debootstrap")
        .args([
            "--variant=minbase",
            // debootstrap does not find what a virtual package (perl-openssl-abi-3) is provided by: it is named.
            "--include=systemd,systemd-sysv,dbus,procps,libio-socket-ssl-perl,perl-openssl-defaults",
            release,
        ])
        .arg(&new)
        .stdin(Stdio::null())
        .output()
        .expect("debootstrap (package debootstrap)");
    assert!(
        ran.status.success(),
        "debootstrap failed:\n{}{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
    let units = new.join("etc/systemd/system");
    for name in MASKED {
        let _ = fs::remove_file(units.join(name));
        std::os::unix::fs::symlink("/dev/null", units.join(name)).expect("to mask a unit");
    }
    let _ = fs::remove_file(units.join("default.target"));
    std::os::unix::fs::symlink("/lib/systemd/system/multi-user.target", units.join("default.target"))
        .expect("the default target");
    fs::rename(&new, root).expect("to name the finished root");
}

/// Programs of the host run inside: both need the same C library.
fn host_release() -> String {
    let text = fs::read_to_string("/etc/os-release").expect("/etc/os-release");
    let name = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    name.expect("a Debian host: its release has a code name")
        .trim_matches('"')
        .to_owned()
}
