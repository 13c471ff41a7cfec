//! The power is cut in the middle of a save: on ext4, xfs and btrfs the file is old or new, whole, and a save that was
//! acknowledged is there.
//!
//! Each file system lies in an image on a loop device. The save is killed at a call, and the image is copied **while it
//! is mounted**: the copy holds what the file system had given to the disk by then and nothing more, which is what a
//! power cut leaves. The copy is mounted and checked.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::kill::calls;
use crate::real::Mounted;
use crate::support::{Ended, NEW, OLD, Place, Way, assert_sound, content, driver, ended, need, need_root, run};

struct FileSystem {
    name: &'static str,
    /// Bytes: the smallest image that its mkfs takes, and some.
    size: u64,
    make: &'static [&'static str],
    package: &'static str,
    /// Options so that nothing is written back behind our back while the image is copied.
    options: &'static str,
}

const EXT4: FileSystem = FileSystem {
    name: "ext4",
    size: 48 << 20,
    make: &["mkfs.ext4", "-q"],
    package: "e2fsprogs",
    options: "loop,commit=300",
};
const XFS: FileSystem = FileSystem {
    name: "xfs",
    size: 320 << 20,
    make: &["mkfs.xfs", "-q"],
    package: "xfsprogs",
    options: "loop,nouuid",
};
const BTRFS: FileSystem = FileSystem {
    name: "btrfs",
    size: 160 << 20,
    make: &["mkfs.btrfs", "-q"],
    package: "btrfs-progs",
    options: "loop,commit=300",
};

/// The calls around which the order on disk is decided.
const POINTS: [&str; 8] = [
    "fsync",
    "renameat",
    "renameat2",
    "unlinkat",
    "mkdirat",
    "fchmod",
    "fchown",
    "fsetxattr",
];

struct Bench {
    system: &'static FileSystem,
    directory: tempfile::TempDir,
    images: std::cell::Cell<usize>,
}

impl Bench {
    fn new(system: &'static FileSystem) -> Self {
        need_root();
        need("strace", "strace");
        need("mount", "mount");
        need(system.make[0], system.package);
        assert!(
            Path::new("/dev/loop-control").exists(),
            "this proof needs loop devices (modprobe loop)"
        );
        let bench = Self {
            system,
            directory: tempfile::tempdir().unwrap(),
            images: std::cell::Cell::new(0),
        };
        let image = bench.path("base.img");
        std::fs::File::create(&image).unwrap().set_len(system.size).unwrap();
        let mut arguments = system.make[1..].to_vec();
        arguments.push(image.to_str().unwrap());
        run(system.make[0], &arguments);
        std::fs::create_dir(bench.path("mnt")).unwrap();
        let mounted = bench.mount("base.img");
        // The old file is on the disk for certain: unmounting writes everything.
        let _ = Place::at(&mounted.0, &content(OLD, 60)).adorned();
        bench.unmount(mounted);
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn mount(&self, image: &str) -> Mounted {
        let (image, mnt) = (self.path(image), self.path("mnt"));
        run(
            "mount",
            &[
                "-t",
                self.system.name,
                "-o",
                self.system.options,
                image.to_str().unwrap(),
                mnt.to_str().unwrap(),
            ],
        );
        Mounted(mnt)
    }

    fn unmount(&self, mounted: Mounted) {
        // A child that another test is just starting has copies of our handles until its exec; so it can be busy for a
        // moment.
        for _ in 0..200 {
            if Command::new("umount")
                .arg(&mounted.0)
                .stderr(Stdio::null())
                .status()
                .unwrap()
                .success()
            {
                std::mem::forget(mounted);
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        run("umount", &[mounted.0.to_str().unwrap()]);
    }

    /// Copies until two copies in a row are equal: nothing moved meanwhile.
    fn copy(&self, from: &str, to: &str) {
        let (from, to) = (self.path(from), self.path(to));
        for _ in 0..20 {
            run("cp", &["--sparse=always", from.to_str().unwrap(), to.to_str().unwrap()]);
            if Command::new("cmp")
                .arg("-s")
                .arg(&from)
                .arg(&to)
                .status()
                .unwrap()
                .success()
            {
                return;
            }
        }
        panic!("the image of {} never held still", self.system.name);
    }

    fn place(&self) -> Place {
        let root = self.path("mnt");
        Place::through(&root.join("mailserver/mailserver.cfg"), &root.join("state"))
    }

    /// One save below these strace options, a power cut right after it ended or was killed. Returns how it ended and
    /// whether the file is new.
    fn cut(&self, options: &[&str], what: &str) -> (Ended, bool) {
        // New images each time: a loop device that is still being taken down keeps the old blocks of its file.
        let number = self.images.replace(self.images.get() + 1);
        let (before, after) = (format!("run-{number}.img"), format!("cut-{number}.img"));
        self.copy("base.img", &before);
        let mounted = self.mount(&before);
        let place = self.place();
        let mut wrapper = vec!["strace", "-f", "-qq", "-o", "/dev/null"];
        wrapper.extend(options);
        let wrapper = if options.is_empty() { &[][..] } else { &wrapper[..] };
        let output = driver(&place, wrapper, Way::Replace).output().unwrap();
        let end = ended(output.status);
        self.copy(&before, &after);
        self.unmount(mounted);
        let mounted = self.mount(&after);
        let what = format!("{what}: {end:?}: {}", String::from_utf8_lossy(&output.stderr));
        let is_new = assert_sound(&place, Way::Replace, &content(OLD, 60), &content(NEW, 60), false, &what);
        self.unmount(mounted);
        for image in [before, after] {
            std::fs::remove_file(self.path(&image)).unwrap();
        }
        assert!(
            end == Ended::Killed || is_new,
            "{what}: after the power cut the file is old"
        );
        (end, is_new)
    }
}

fn prove(system: &'static FileSystem) {
    let bench = Bench::new(system);
    bench.copy("base.img", "run.img");
    let mounted = bench.mount("run.img");
    let calls = calls(&bench.place(), Way::Replace);
    bench.unmount(mounted);
    let (mut cuts, mut new) = (0, 0);
    for name in POINTS {
        let Some((first, last)) = calls.get(name) else { continue };
        for number in *first..=*last {
            let inject = format!("inject={name}:signal=KILL:when={number}");
            let what = format!("{}: {inject}", system.name);
            let (_, is_new) = bench.cut(&["-e", &format!("trace={name}"), "-e", &inject], &what);
            cuts += 1;
            new += usize::from(is_new);
        }
    }
    // Acknowledged, and the power cut in the same instant.
    for _ in 0..5 {
        let what = format!("{}: acknowledged", system.name);
        assert_eq!(bench.cut(&[], &what), (Ended::Saved, true), "{what}");
    }
    println!(
        "power cut, {}: {cuts} cuts, file new after {new}; 5 acknowledged saves, 5 there",
        system.name
    );
    assert!(
        new > 0 && new < cuts,
        "{}: cuts only on one side of the commit",
        system.name
    );
}

#[test]
fn on_ext4_the_file_is_old_or_new_and_an_acknowledged_save_is_there() {
    prove(&EXT4);
}

#[test]
fn on_xfs_the_file_is_old_or_new_and_an_acknowledged_save_is_there() {
    prove(&XFS);
}

#[test]
fn on_btrfs_the_file_is_old_or_new_and_an_acknowledged_save_is_there() {
    prove(&BTRFS);
}
