//! How much memory the program itself needs for a save of a large file.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{OLD, Place, content, need, need_root};

/// As large as the file of a big server.
const BYTES: usize = 10_000_000;

/// The most memory that a process had, in bytes.
fn peak(pid: u32) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: usize = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

fn child_of(pid: u32) -> Option<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

/// Saves with `set` where no process of this machine can be taken for an engine. The most memory, in bytes; looked at
/// until the end, and after its peak a save has several calls of `fsync` before it.
fn saved_with(place: &Place, minimum: &str) -> usize {
    let preferences = place.state.with_extension("toml");
    std::fs::write(&preferences, "").unwrap();
    let mut child = Command::new("unshare")
        .args(["--pid", "--fork", "--mount-proc", "--kill-child"])
        .args([env!("CARGO_BIN_EXE_kerio-tls"), "set", "--yes", "--accept-cut-off"])
        .args(["--inbound", minimum, "--file"])
        .arg(&place.file)
        .arg("--state-dir")
        .arg(&place.state)
        .arg("--config")
        .arg(&preferences)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut most = 0;
    let status = loop {
        let now = child_of(child.id()).and_then(peak);
        most = now.unwrap_or_default().max(most);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_micros(500));
    };
    assert!(status.success(), "{status}");
    most
}

#[test]
fn a_save_of_ten_megabytes_needs_less_than_three_times_the_file_and_24_megabytes() {
    need_root();
    need("unshare", "util-linux");
    let old = content(OLD, 205_000);
    assert!(old.len() >= BYTES, "{} bytes are too few", old.len());
    let place = Place::new(&old);
    let budget = 3 * old.len() + 24_000_000;
    for minimum in ["tls1.3", "tls1.2"] {
        let before = place.bytes();
        let most = saved_with(&place, minimum);
        println!("{minimum}: {} kB of {}", most / 1024, budget / 1024);
        assert!(place.bytes() != before, "{minimum}: nothing was saved");
        assert!(most > 2 * old.len(), "{minimum}: {most} bytes: the peak was not seen");
        assert!(most < budget, "{minimum}: {most} bytes, at most {budget} are wanted");
    }
}
