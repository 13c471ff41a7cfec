//! The document beside other tools, on the same 10 MB file in the same run: `cargo bench --bench document`.
//!
//! Wanted: indexing at least 3 times faster than `xmllint --stream`; memory of a whole edit below 3 times the file plus 24 MB.
//! Figures depend on the machine, so nothing is asserted here; look at the ratios.

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
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kerio_tls::mailserver_cfg::{Document, Edit, EditSet, Secrets, VariablePath};

const BYTES: usize = 10_000_000;
const ROUNDS: usize = 15;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, flag, file] = arguments.as_slice()
        && flag == "--memory"
    {
        return whole_edit(Path::new(file));
    }
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
    row("cp + sync", best(|| (), |()| copy_and_sync(&file)));

    row(
        "Document::parse (strict pass and index)",
        best(
            || text.clone().into_bytes(),
            |bytes| Document::parse(bytes).expect("the sample"),
        ),
    );
    let document = Document::parse(text.clone().into_bytes()).expect("the sample");
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
        "Document::diff",
        best(
            || (),
            |()| document.diff(&edits, &Secrets::default(), 3).expect("a diff"),
        ),
    );
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

    let this = std::env::current_exe().expect("this program");
    let output = Command::new(this)
        .arg("--memory")
        .arg(&file)
        .output()
        .expect("this program again");
    let peak: f64 = String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .expect("a number of kilobytes");
    let (peak, limit) = (peak / 1024.0, 3.0 * text.len() as f64 / 1_048_576.0 + 24.0);
    println!("\npeak memory of read, parse, render, verify: {peak:.1} MiB (at most {limit:.1} wanted)");
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

/// What a save holds in memory at once; prints the peak in kilobytes (Linux).
fn whole_edit(file: &Path) {
    let document = Document::parse(std::fs::read(file).expect("the sample")).expect("the sample");
    let edits = one_edit(&document);
    let result = document
        .verify(&edits, document.render(&edits).expect("an edit"))
        .expect("a proof");
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("VmHWM");
    println!("{}", peak.trim().trim_end_matches(" kB"));
    black_box((document, result));
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
    let copy = file.with_extension("copy");
    std::fs::copy(file, &copy).expect("room for a copy");
    std::fs::File::open(&copy)
        .and_then(|copy| copy.sync_all())
        .expect("sync");
}
