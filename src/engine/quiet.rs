//! Waits until a file is quiet: two equal looks at its identity, a pause apart. Used after the
//! engine has stopped, because the stop itself writes the file.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Everything of a file that changes when it is written or replaced; `None` while there is no such file.
type Look = Option<(u64, u64, u64, i64, i64, i64, i64)>;

fn look(path: &Path) -> Look {
    let found = fs::metadata(path).ok()?;
    Some((
        found.dev(),
        found.ino(),
        found.size(),
        found.mtime(),
        found.mtime_nsec(),
        found.ctime(),
        found.ctime_nsec(),
    ))
}

/// Waits until two looks `pause` apart are equal. `false` if the file still changes after `patience`.
pub(super) fn wait(path: &Path, pause: Duration, patience: Duration, go_on: &mut dyn FnMut(Duration) -> bool) -> bool {
    let start = Instant::now();
    let mut before = look(path);
    loop {
        std::thread::sleep(pause);
        let now = look(path);
        if now == before {
            return true;
        }
        before = now;
        if start.elapsed() >= patience || !go_on(start.elapsed()) {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_nobody_writes_is_quiet_and_one_that_grows_at_each_look_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mailserver.cfg");
        fs::write(&path, "x").unwrap();
        assert!(wait(
            &path,
            Duration::from_millis(5),
            Duration::from_secs(5),
            &mut |_| true
        ));
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                use std::io::Write;
                let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    file.write_all(b"y").unwrap();
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
            let quiet = wait(
                &path,
                Duration::from_millis(200),
                Duration::from_millis(300),
                &mut |_| true,
            );
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(!quiet);
        });
    }
}
