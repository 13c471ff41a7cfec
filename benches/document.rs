//! The document beside other tools, on the same 10 MB file in the same run: `cargo bench --bench document`.
//!
//! Wanted: indexing at least 3 times faster than `xmllint --stream`; a whole save by the program itself in at most
//! twice `cp` and `sync` plus 100 ms, with at most 3 times the file plus 24 MB of memory. Needs root (the save runs
//! where no process can be taken for an engine). Figures depend on the machine, so nothing is asserted here; look at
//! the ratios.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

#[path = "../tests/common/sample_cfg.rs"]
mod sample_cfg;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kerio_tls::mailserver_cfg::{Document, Edit, EditSet, Secrets, VariablePath};

const KERIO_TLS: &str = env!("CARGO_BIN_EXE_kerio-tls");
const BYTES: usize = 10_000_000;
const ROUNDS: usize = 15;

fn main() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("mailserver.cfg");
    let text = sample_cfg::build(BYTES, 1);
    std::fs::write(&file, &text).expect("room for the sample");
    println!(
        "mailserver.cfg: {} bytes, {} variables; best of {ROUNDS}\n",
        text.len(),
        text.matches("<variable").count()
    );

    let stream = tool("xmllint", &["--stream".as_ref(), file.as_ref()], "libxml2-utils");
    let row = |what: &str, time: Duration| {
        let ratio = stream.as_secs_f64() / time.as_secs_f64();
        println!("{what:<44} {:>9.1} ms {ratio:>7.1} x", time.as_secs_f64() * 1000.0);
    };
    println!("{:<44} {:>12} {:>9}", "", "time", "xmllint/it");
    row("xmllint --stream", stream);
    let edit = [
        "ed",
        "-P",
        "-u",
        "/config/table[@name='Security']/variable[@name='AccountLockout']",
        "-v",
        "2",
    ];
    let edit: Vec<&std::ffi::OsStr> = edit.iter().map(AsRef::as_ref).chain([file.as_os_str()]).collect();
    row("xmlstarlet ed -P (one value)", tool("xmlstarlet", &edit, "xmlstarlet"));
    // Both write new files into memory that was freed just before: the first touch of a page that a virtual machine
    // never used takes its host ten times as long as the writing.
    let afresh = || drop(std::fs::remove_file(file.with_extension("copy")));
    let copy = best(afresh, |()| copy_and_sync(&file));
    row("cp + sync", copy);
    let mut saves = Saves::beside(&file);
    let state = file.with_extension("state");
    let afresh = || {
        drop(std::fs::remove_dir_all(&state));
        // A file that was changed just now is read twice.
        std::thread::sleep(Duration::from_millis(100));
    };
    let save = best(afresh, |()| {
        assert!(saves.start().wait().expect("an end").success(), "not saved")
    });
    row("kerio-tls set --yes (a whole save)", save);

    row(
        "Document::parse (strict pass and index)",
        best(
            || text.clone().into_bytes(),
            |bytes| Document::parse(bytes).expect("the sample"),
        ),
    );
    let document = Arc::new(Document::parse(text.clone().into_bytes()).expect("the sample"));
    let edits = one_edit(&document);
    row(
        "Document::render (one value)",
        best(|| (), |()| document.render(&edits).expect("an edit")),
    );
    let rendered = document.render(&edits).expect("an edit");
    row(
        "Document::verify",
        best(
            || rendered.clone(),
            |rendered| document.verify(&edits, rendered).expect("a proof"),
        ),
    );
    row(
        "Document::prove (render and verify)",
        best(|| (), |()| document.prove(&edits).expect("a proof")),
    );
    let proven = document.prove(&edits).expect("a proof");
    row("Proven::diff", best(|| (), |()| proven.diff(&Secrets::default(), 3)));
    let newer = Document::parse(rendered).expect("the result");
    row(
        "Document::changes_to (one value)",
        best(|| (), |()| document.changes_to(&newer, &Secrets::default(), 100)),
    );
    let other = Document::parse(sample_cfg::build(BYTES, 2).into_bytes()).expect("the sample");
    row(
        "Document::changes_to (everything differs)",
        best(|| (), |()| document.changes_to(&other, &Secrets::default(), 100)),
    );

    let most = 2 * copy + Duration::from_millis(100);
    println!(
        "\na whole save: {:.0} ms (at most {:.0} wanted)",
        save.as_secs_f64() * 1000.0,
        most.as_secs_f64() * 1000.0
    );
    let mib = |kilobytes: u64| kilobytes as f64 / 1024.0;
    println!(
        "peak memory of a whole save: {:.1} MiB (at most {:.1} wanted)",
        mib(peak(saves.start())),
        (3.0 * text.len() as f64 + 24e6) / 1_048_576.0
    );
    let copied = file.with_extension("copy");
    for (what, program, arguments) in [
        (
            "xmllint --stream",
            "xmllint",
            &["--stream".as_ref(), file.as_os_str()] as &[_],
        ),
        ("xmlstarlet ed -P", "xmlstarlet", &edit),
        ("cp", "cp", &[file.as_os_str(), copied.as_os_str()]),
    ] {
        let mut command = Command::new(program);
        let child = command.args(arguments).stdout(Stdio::null()).spawn().expect(program);
        println!("peak memory of {what}: {:.1} MiB", mib(peak(child)));
    }
}

/// Saves by the program itself, each with another value than the one before.
struct Saves {
    file: PathBuf,
    count: usize,
}

impl Saves {
    fn beside(file: &Path) -> Self {
        let own = file.with_extension("saved");
        copy_and_sync_to(file, &own);
        std::fs::write(own.with_extension("toml"), "").expect("room");
        Self { file: own, count: 0 }
    }

    fn start(&mut self) -> Child {
        self.count += 1;
        let minimum = if self.count.is_multiple_of(2) {
            "tls1.2"
        } else {
            "tls1.3"
        };
        Command::new("unshare")
            .args(["--pid", "--fork", "--mount-proc", "--kill-child"])
            .args([KERIO_TLS, "set", "--yes", "--accept-cut-off", "--inbound", minimum])
            .arg("--file")
            .arg(&self.file)
            .arg("--config")
            .arg(self.file.with_extension("toml"))
            .arg("--state-dir")
            .arg(self.file.with_extension("state"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("unshare; install it with: apt-get install util-linux")
    }
}

/// The most memory that a program or its child had, in kilobytes: looked at until it ends.
fn peak(mut child: Child) -> u64 {
    let own = child.id();
    let mut most = 0;
    while child.try_wait().expect("a child").is_none() {
        let children = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
        let pids = children.split_whitespace().map(str::to_owned).chain([own.to_string()]);
        let of = |pid: String| -> Option<u64> {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
            peak.trim().trim_end_matches(" kB").parse().ok()
        };
        most = pids.filter_map(of).max().unwrap_or_default().max(most);
        std::thread::sleep(Duration::from_micros(200));
    }
    most
}

fn one_edit(document: &Document) -> EditSet {
    let path = VariablePath {
        table: "Security".into(),
        variable: "AccountLockout".into(),
    };
    EditSet::new([Edit {
        base: document.value(&path),
        path,
        new: Some("2".into()),
    }])
}

fn best<I, O>(mut input: impl FnMut() -> I, mut run: impl FnMut(I) -> O) -> Duration {
    let mut once = || {
        let given = input();
        let start = Instant::now();
        let made = black_box(run(given));
        let time = start.elapsed();
        drop(made);
        time
    };
    (0..ROUNDS).map(|_| once()).min().unwrap_or_default()
}

fn tool(name: &str, arguments: &[&std::ffi::OsStr], package: &str) -> Duration {
    let run = |()| {
        let status = Command::new(name).args(arguments).stdout(Stdio::null()).status();
        let status =
            status.unwrap_or_else(|error| panic!("{name}: {error}; install it with: apt-get install {package}"));
        assert!(status.success(), "{name} failed");
    };
    best(|| (), run)
}

fn copy_and_sync(file: &Path) {
    copy_and_sync_to(file, &file.with_extension("copy"));
}

fn copy_and_sync_to(file: &Path, copy: &Path) {
    std::fs::copy(file, copy).expect("room for a copy");
    std::fs::File::open(copy)
        .and_then(|copy| copy.sync_all())
        .expect("sync");
}
