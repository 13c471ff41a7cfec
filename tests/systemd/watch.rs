//! The watch as a service under a real systemd: the packaged unit and the transient one, what they may do, what they keep.

use crate::nspawn::{Bind, Container};
use std::process::{Child, Command, Stdio};

const UNIT: &str = include_str!("../../assets/kerio-tls-watch.service");

/// A mail host whose network card leads to a client's.
struct Server {
    container: Container,
    client: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}

impl Server {
    fn boot() -> Self {
        let container = Container::boot(&[Bind::read_only(env!("CARGO_BIN_EXE_kerio-tls"), "/usr/bin/kerio-tls")]);
        container.install_engine();
        let client = Command::new("unshare").args(["--net", "sleep", "600"]).spawn().unwrap();
        let server = Self { container, client };
        let pid = server.client.id().to_string();
        server.here("ip link add s0 type veth peer name c0; ip addr add 192.0.2.25/24 dev s0; ip link set s0 up");
        server.here(&format!(
            "until ip link set c0 netns {pid} 2>/dev/null; do sleep 0.1; done"
        ));
        server.there("ip addr add 192.0.2.9/24 dev c0; ip link set c0 up");
        server
    }

    /// A script of this machine's in the network of the server.
    fn here(&self, script: &str) -> Command {
        let leader = self.container.argv(&[])[2].clone();
        Self::in_network(&leader, script)
    }

    fn there(&self, script: &str) {
        Self::in_network(&self.client.id().to_string(), script);
    }

    /// Runs it, and gives the command anew for who wants to let it run.
    fn in_network(pid: &str, script: &str) -> Command {
        let command = || {
            let mut command = Command::new("nsenter");
            command
                .args(["--target", pid, "--net", "--", "sh", "-c", script])
                .stdin(Stdio::null());
            command.stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        if !script.starts_with("exec ") {
            assert!(command().status().unwrap().success(), "{script}");
        }
        command()
    }

    /// A client that has TLS 1.2 and no more calls IMAPS.
    fn handshake(&self) {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().display();
        let made = format!(
            "cd {at}; openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=mail.example.org"
        );
        self.here(&made);
        let serve = format!("exec openssl s_server -accept 993 -quiet -cert {at}/cert.pem -key {at}/key.pem");
        let mut serving = self.here(&serve).spawn().unwrap();
        self.there(
            "n=0; until timeout 5 openssl s_client -connect 192.0.2.25:993 -tls1_2 -brief; do n=$((n+1)); [ $n -lt 50 ]; sleep 0.1; done",
        );
        serving.kill().unwrap();
        serving.wait().unwrap();
    }

    fn sh(&self, script: &str) -> String {
        self.container.sh(script)
    }

    /// The lines of `watch status --json`.
    fn status(&self) -> Vec<serde_json::Value> {
        let text = self.sh("kerio-tls watch status --json 2>/dev/null");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[test]
fn the_packaged_watch_is_not_root_keeps_what_it_sees_and_survives_a_kill_and_a_torn_file() {
    let server = Server::boot();
    server
        .container
        .write("/usr/lib/systemd/system/kerio-tls-watch.service", UNIT.as_bytes());
    server.sh("systemctl daemon-reload");
    assert_eq!(server.status()[0]["service"], "stopped");
    let said = server.sh("kerio-tls watch start --for 1h");
    for words in ["not as root", "Never payload", "a reboot ends it"] {
        assert!(said.contains(words), "{said}");
    }
    let uid = server.sh("awk '/^Uid:/ { print $2 }' /proc/$(systemctl show -P MainPID kerio-tls-watch)/status");
    assert!(uid.trim().parse::<u32>().unwrap() >= 61184, "a dynamic user: {uid}");
    let exposed = server.sh("systemd-analyze security kerio-tls-watch.service | tail -n 1");
    let level = exposed
        .split_whitespace()
        .find_map(|word| word.parse::<f32>().ok())
        .unwrap();
    println!("systemd-analyze security: {level}");
    assert!(level < 2.0, "{exposed}");
    server.handshake();
    server.sh("kerio-tls watch stop");
    let lines = server.status();
    assert_eq!(
        (&lines[0]["service"], &lines[0]["lost"]),
        (&"stopped".into(), &0.into()),
        "{lines:?}"
    );
    let row = &lines[1];
    assert_eq!(
        (&row["address"], &row["offered"], &row["negotiated"]),
        (&"192.0.2.9".into(), &"tls1.2".into(), &"tls1.2".into())
    );
    // Nobody else may read who called.
    let mode = server.sh("stat -c %a /var/lib/private/kerio-tls-watch/seen.jsonl");
    assert_eq!(mode.trim(), "600");
    // Killed: what was written stays, and that it failed is said.
    server.sh("kerio-tls watch start; systemctl kill -s KILL kerio-tls-watch; sleep 1");
    let lines = server.status();
    assert_eq!((&lines[0]["service"], lines.len()), (&"failed".into(), 2), "{lines:?}");
    // Torn: the row is lost, and the next watch begins all the same.
    server.sh("truncate -s -40 /var/lib/private/kerio-tls-watch/seen.jsonl");
    let said = server.sh("kerio-tls watch start; kerio-tls peers 2>&1");
    server.handshake();
    server.sh("kerio-tls watch stop");
    assert_eq!(server.status().len(), 2, "{said}");
    // Its own user may not lead root elsewhere.
    server.sh(
        "cd /var/lib/private/kerio-tls-watch; rm seen.jsonl; ln -s /etc/shadow seen.jsonl; chown -h 61200 seen.jsonl",
    );
    let said = server.sh("kerio-tls peers 2>&1");
    assert!(said.contains("what the watch has seen could not be read"), "{said}");
}

#[test]
fn without_the_package_a_transient_watch_does_the_same_and_a_program_it_cannot_run_is_named() {
    let server = Server::boot();
    let said = server.sh("kerio-tls watch start --for 1h");
    assert!(
        said.contains("transient unit") && said.contains("a reboot ends it"),
        "{said}"
    );
    let exposed = server.sh("systemd-analyze security kerio-tls-watch.service | tail -n 1");
    assert!(
        exposed
            .split_whitespace()
            .find_map(|word| word.parse::<f32>().ok())
            .unwrap()
            < 2.0,
        "{exposed}"
    );
    server.handshake();
    server.sh("kerio-tls watch stop");
    assert_eq!(server.status()[1]["address"], "192.0.2.9");
    let ran = server
        .container
        .run(&["sh", "-c", "cp /usr/bin/kerio-tls /root/kt; /root/kt watch start"]);
    let words = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(
        !ran.status.success() && words.contains("/root/kt") && words.contains("/usr/local/bin"),
        "{words}"
    );
}
