//! What the proofs of saving share: a file with everything that must be kept, the driver that saves in a process of its
//! own, and the check that everything is sound afterwards.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use kerio_tls::mailserver_cfg::{Document, Edit, EditSet, Secrets, VariablePath};
use kerio_tls::save::{
    Actor, Content, Gate, GateError, Note, OnDisk, OpenGate, Recovered, Request, SaveError, SaveOutcome, Saved,
    Started, StateDir, Step, Target, backups, read_backup, recover, save,
};

/// Stands in a secret value of the fixture; must never be seen anywhere but in files closed to others.
pub(crate) const TOKEN: &str = "D3S:7f3a-unique-token-c01d";
/// Owner and group of the fixture: neither root nor anyone in `/etc/passwd`.
pub(crate) const OWNER: (u32, u32) = (12345, 54321);

/// The file's content with this protocol list, and `pad` more variables.
pub(crate) fn content(protocols: &str, pad: usize) -> Vec<u8> {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<config>\n  <table name=\"Security\">\n    \
         <variable name=\"ServerTlsProtocols\">{protocols}</variable>\n    \
         <variable name=\"AdminPassword\">{TOKEN}</variable>\n    <variable \
             name=\"Counter\">0</variable>\n  </table>\n  \
         <table name=\"Padding\">\n"
    );
    for number in 0..pad {
        text.push_str(&format!(
            "    <variable name=\"Pad{number}\">value {number}</variable>\n"
        ));
    }
    text.push_str("  </table>\n</config>\n");
    text.into_bytes()
}

pub(crate) const OLD: &str = "TLSv1,TLSv1.1,TLSv1.2";
pub(crate) const NEW: &str = "TLSv1.2";

pub(crate) fn path_of(variable: &str) -> VariablePath {
    VariablePath {
        table: "Security".into(),
        variable: variable.into(),
    }
}

pub(crate) fn edit(variable: &str, base: &str, new: &str) -> EditSet {
    EditSet::new([Edit {
        path: path_of(variable),
        base: Some(base.into()),
        new: Some(new.into()),
    }])
}

/// The error that every test that needs a tool gives.
pub(crate) fn need(tool: &str, package: &str) {
    let found = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path)
            .chain(["/usr/sbin".into(), "/sbin".into()])
            .any(|directory| directory.join(tool).is_file())
    });
    assert!(found, "{tool} is missing: apt-get install {package}");
}

pub(crate) fn need_root() {
    assert!(
        rustix::process::geteuid().is_root(),
        "this proof needs root: mounts, owners, immutable flags"
    );
}

pub(crate) fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// A directory with `mailserver.cfg` and a state directory.
pub(crate) struct Place {
    pub(crate) file: PathBuf,
    pub(crate) state: PathBuf,
    _temp: Option<tempfile::TempDir>,
}

impl Place {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let mut place = Self::at(temp.path(), bytes);
        place._temp = Some(temp);
        place
    }

    /// Below a directory that is there.
    pub(crate) fn at(root: &Path, bytes: &[u8]) -> Self {
        let directory = root.join("mailserver");
        std::fs::create_dir_all(&directory).unwrap();
        let place = Self {
            file: directory.join("mailserver.cfg"),
            state: root.join("state"),
            _temp: None,
        };
        std::fs::write(&place.file, bytes).unwrap();
        std::fs::set_permissions(&place.file, std::fs::Permissions::from_mode(0o640)).unwrap();
        place
    }

    /// The file by another path, with the same state.
    pub(crate) fn through(file: &Path, state: &Path) -> Self {
        Self {
            file: file.into(),
            state: state.into(),
            _temp: None,
        }
    }

    /// Another owner, an ACL, an extended attribute. As root.
    pub(crate) fn adorned(self) -> Self {
        need_root();
        need("setfacl", "acl");
        need("setfattr", "attr");
        adorn(&self.file);
        self
    }

    /// Back to the beginning, for the next run of a matrix.
    pub(crate) fn reset(&self, way: Way, bytes: &[u8]) {
        let _ = std::fs::remove_file(self.engine());
        let _ = std::fs::remove_file(self.second_name());
        let directory = self.file.parent().unwrap();
        for entry in std::fs::read_dir(directory).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        let _ = std::fs::remove_dir_all(&self.state);
        std::fs::write(&self.file, bytes).unwrap();
        std::fs::set_permissions(&self.file, std::fs::Permissions::from_mode(0o640)).unwrap();
        adorn(&self.file);
        if way == Way::InPlace {
            std::fs::hard_link(&self.file, self.second_name()).unwrap();
        }
    }

    /// Where the driver's engine says whether it is up.
    pub(crate) fn engine(&self) -> PathBuf {
        self.file.parent().unwrap().with_file_name("engine")
    }

    /// A second name for the file, outside its directory.
    pub(crate) fn second_name(&self) -> PathBuf {
        self.file.parent().unwrap().with_file_name("second-name.cfg")
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.file).unwrap()
    }

    pub(crate) fn target(&self) -> Target {
        Target::resolve(&self.file).unwrap()
    }

    pub(crate) fn state(&self) -> StateDir {
        StateDir::open(&self.state, &[]).unwrap()
    }

    /// Names beside the file, sorted.
    pub(crate) fn beside(&self) -> Vec<String> {
        names(self.file.parent().unwrap())
    }

    pub(crate) fn save(&self, edits: EditSet) -> Result<Saved, SaveError> {
        self.save_with(edits, |_| {}, &mut OpenGate)
    }

    pub(crate) fn save_with(
        &self,
        edits: EditSet,
        change: impl FnOnce(&mut Request<'_>),
        gate: &mut dyn Gate,
    ) -> Result<Saved, SaveError> {
        let target = Target::resolve(&self.file)?;
        let state = StateDir::open(&self.state, &[])?;
        let (bytes, _) = target.read()?;
        let base = Arc::new(Document::parse(bytes).unwrap());
        let secrets = Secrets::default();
        let mut request = request(&state, &target, &base, &secrets, edits);
        change(&mut request);
        save(&request, gate, &mut |_: Step| {})
    }
}

pub(crate) fn request<'a>(
    state: &'a StateDir,
    target: &'a Target,
    base: &'a Arc<Document>,
    secrets: &'a Secrets,
    edits: EditSet,
) -> Request<'a> {
    Request {
        state,
        target,
        reviewed: target.path(),
        base,
        content: proven(base, edits),
        note: Note {
            action: "save".into(),
            summary: "Inbound minimum: TLS 1.2".into(),
            words: vec!["in words".into()],
        },
        secrets,
        allow_in_place: false,
        actor: Actor::now(),
        cancel: None,
    }
}

/// Edits as a review hands them over: made and proven, where they can be made.
fn proven(base: &Arc<Document>, edits: EditSet) -> Content {
    match base.prove(&edits) {
        Ok(proven) => Content::Proven(Arc::new(proven)),
        Err(_) => Content::Edits(edits),
    }
}

fn adorn(file: &Path) {
    let file = file.to_str().unwrap();
    run("setfacl", &["-m", "u:23456:r", file]);
    run("setfattr", &["-n", "user.note", "-v", "kept", file]);
    std::os::unix::fs::chown(file, Some(OWNER.0), Some(OWNER.1)).unwrap();
}

pub(crate) fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Every file below a directory.
pub(crate) fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    if let Ok(entries) = std::fs::read_dir(directory) {
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(files_below(&path))
            } else {
                found.push(path)
            }
        }
    }
    found
}

/// Owner, mode, ACL and extended attribute are those of [`Place::adorned`].
pub(crate) fn assert_adorned(file: &Path) {
    let metadata = std::fs::metadata(file).unwrap();
    assert_eq!((metadata.uid(), metadata.gid()), OWNER, "owner of {}", file.display());
    assert_eq!(metadata.mode() & 0o7777, 0o640, "mode of {}", file.display());
    let mut value = [0_u8; 256];
    let length = rustix::fs::getxattr(file, "user.note", &mut value[..]).unwrap();
    assert_eq!(&value[..length], b"kept");
    assert!(
        rustix::fs::getxattr(file, "system.posix_acl_access", &mut value[..]).unwrap() > 0,
        "the ACL is gone"
    );
}

/// Nothing that we made may be read by anyone who may not read the file itself.
pub(crate) fn assert_closed(place: &Place) {
    for path in files_below(&place.state) {
        let mode = std::fs::metadata(&path).unwrap().mode() & 0o7777;
        assert_eq!(mode, 0o600, "{} is open to others", path.display());
    }
    if place.state.exists() {
        assert_eq!(std::fs::metadata(&place.state).unwrap().mode() & 0o777, 0o700);
    }
    for name in place.beside() {
        let path = place.file.with_file_name(&name);
        let metadata = std::fs::symlink_metadata(&path).unwrap();
        assert_eq!(metadata.mode() & 0o007, 0, "{name} is open to all");
        // The group may read only what belongs to the file's own group.
        assert!(
            metadata.mode() & 0o070 == 0 || metadata.gid() == OWNER.1,
            "{name} is open to a foreign group"
        );
    }
}

/// After whatever happened: recovery leaves the old file or the new one, whole, and nothing else; the backup fits; the
/// next save goes through. Before recovery that is so too, unless the file is written in place. Returns whether the
/// file was the new one.
pub(crate) fn assert_sound(place: &Place, way: Way, old: &[u8], new: &[u8], engine_is_down: bool, what: &str) -> bool {
    let before = place.bytes();
    let whole = before == old || before == new;
    assert!(
        whole || way == Way::InPlace,
        "{what}: the file is neither old nor new ({} bytes)",
        before.len()
    );
    assert_adorned(&place.file);
    assert_closed(place);

    let (state, target) = (place.state(), place.target());
    let mut found = recover(&state, &target).unwrap_or_else(|error| panic!("{what}: recovery: {error}"));
    let engine = |found: &Recovered| matches!(found, Recovered::EngineMayBeDown { .. });
    if engine_is_down {
        assert!(
            found.iter().any(engine),
            "{what}: the engine is down and nobody says so"
        );
    }
    found = recover(&state, &target).unwrap();
    found.retain(|found| !engine(found));
    assert_eq!(found, [], "{what}: recovery had to do something twice");
    let now = place.bytes();
    assert!(now == before || !whole, "{what}: recovery changed a whole file");
    let is_new = now == new;
    assert!(
        is_new || now == old,
        "{what}: the file is neither old nor new ({} bytes) after recovery",
        now.len()
    );
    assert_eq!(place.beside(), ["mailserver.cfg"], "{what}: leftovers");
    for path in files_below(&place.state) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let ours = name.starts_with(".tmp-") || name == "journal.json" || name == "pending.cfg";
        assert!(!ours, "{what}: left {}", path.display());
    }
    let kept = backups(&state, &target).unwrap();
    // A file that was torn and put together again keeps its backup; so does one that was saved and rolled back.
    let may_have_one = is_new || !whole || way == Way::RollBack;
    assert!(
        kept.len() == usize::from(is_new) || (may_have_one && kept.len() == 1),
        "{what}: {} backups",
        kept.len()
    );
    for backup in &kept {
        assert_eq!(
            read_backup(&state, &target, &backup.id).unwrap(),
            old,
            "{what}: the backup"
        );
    }
    assert_sums(place, what);

    let in_place = |request: &mut Request<'_>| request.allow_in_place = way == Way::InPlace;
    let again = place
        .save_with(edit("ServerTlsProtocols", OLD, NEW), in_place, &mut OpenGate)
        .unwrap_or_else(|error| panic!("{what}: saving again: {error}"));
    assert_eq!(
        again.outcome,
        if is_new {
            SaveOutcome::NothingToDo
        } else {
            SaveOutcome::Saved
        },
        "{what}"
    );
    assert_eq!(place.bytes(), new, "{what}: saving again");
    assert_adorned(&place.file);
    is_new
}

/// `sha256sum -c` accepts the list, where there is one with something in it.
pub(crate) fn assert_sums(place: &Place, what: &str) {
    for list in files_below(&place.state)
        .iter()
        .filter(|path| path.ends_with("SHA256SUMS"))
    {
        if std::fs::metadata(list).unwrap().len() > 0 {
            let output = Command::new("sha256sum")
                .args(["--strict", "-c", "SHA256SUMS"])
                .current_dir(list.parent().unwrap())
                .output()
                .unwrap();
            assert!(
                output.status.success(),
                "{what}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}

/// What the driver does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The file is replaced.
    Replace,
    /// The file has a second name, and is written in place.
    InPlace,
    /// The file is replaced, the engine does not come up, the old file goes back.
    RollBack,
    /// Only recovery.
    Recover,
}

/// How the driver ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ended {
    Killed,
    Saved,
    RolledBack,
    RollBackFailed,
    Recovered,
    NothingToDo,
    Untouched,
    PutBack,
    Theirs,
    New,
    Torn,
    Unsure,
}

const CODES: [(Ended, i32); 11] = [
    (Ended::Saved, 40),
    (Ended::NothingToDo, 41),
    (Ended::Untouched, 42),
    (Ended::PutBack, 43),
    (Ended::Theirs, 44),
    (Ended::New, 45),
    (Ended::Torn, 46),
    (Ended::Unsure, 47),
    (Ended::RolledBack, 48),
    (Ended::RollBackFailed, 49),
    (Ended::Recovered, 50),
];

pub(crate) fn ended(status: std::process::ExitStatus) -> Ended {
    use std::os::unix::process::ExitStatusExt as _;
    match status.code() {
        Some(137) => Ended::Killed,
        Some(code) => CODES
            .iter()
            .find(|(_, known)| *known == code)
            .map(|(ended, _)| *ended)
            .unwrap_or_else(|| panic!("exit status {code}")),
        None => {
            assert_eq!(status.signal(), Some(9), "{status:?}");
            Ended::Killed
        }
    }
}

/// An engine that is a word in a file.
struct WordEngine {
    word: PathBuf,
    comes_up_badly: bool,
}

impl WordEngine {
    fn is(&self, state: &str) {
        let _ = std::fs::write(&self.word, state);
    }
}

impl Gate for WordEngine {
    fn will_stop(&mut self) -> bool {
        true
    }
    fn before_write(&mut self) -> Result<(), GateError> {
        self.is("down");
        Ok(())
    }
    fn abort(&mut self) -> Result<(), GateError> {
        self.is("up");
        Ok(())
    }
    fn after_commit(&mut self) -> Started {
        if self.comes_up_badly {
            return Started::Badly(vec!["bad TLS".into()]);
        }
        self.is("up");
        Started::Well(vec![])
    }
    fn after_roll_back(&mut self) -> Started {
        self.is("up");
        Started::Well(vec![])
    }
}

/// The body of the driver: to be called from a `#[test] fn driver()` of the test binary. Without the variables it does
/// nothing. It saves on the calling thread between two system calls that a trace recognises.
pub(crate) fn drive() {
    let Some(file) = std::env::var_os("SAVE_DRIVER_FILE") else {
        return;
    };
    let state = PathBuf::from(std::env::var_os("SAVE_DRIVER_STATE").unwrap());
    let way = std::env::var("SAVE_DRIVER_WAY").unwrap();
    let place = Place {
        file: file.into(),
        state,
        _temp: None,
    };
    let mut engine = WordEngine {
        word: place.engine(),
        comes_up_badly: way == "RollBack",
    };
    spend_numbers();
    let _ = std::fs::metadata("/save-driver-begins");
    let result = if way == "Recover" {
        Target::resolve(&place.file)
            .and_then(|target| recover(&StateDir::open(&place.state, &[])?, &target))
            .map(|recovered| (Ended::Recovered, format!("{recovered:?}")))
    } else {
        place
            .save_with(
                edit("ServerTlsProtocols", OLD, NEW),
                |request| request.allow_in_place = way == "InPlace",
                &mut engine,
            )
            .map(|saved| {
                let ended = match saved.outcome {
                    SaveOutcome::Saved => Ended::Saved,
                    SaveOutcome::NothingToDo => Ended::NothingToDo,
                    SaveOutcome::RolledBack { .. } => Ended::RolledBack,
                    SaveOutcome::RollBackFailed { .. } => Ended::RollBackFailed,
                };
                (ended, format!("{saved:?}"))
            })
    };
    let _ = std::fs::metadata("/save-driver-ends");
    let (ended, words) = result.unwrap_or_else(|error| {
        let ended = match error.on_disk {
            OnDisk::Untouched | OnDisk::Engines => Ended::Untouched,
            OnDisk::PutBack => Ended::PutBack,
            OnDisk::Theirs => Ended::Theirs,
            OnDisk::New => Ended::New,
            OnDisk::Torn { .. } => Ended::Torn,
            OnDisk::Unsure { .. } => Ended::Unsure,
        };
        (ended, format!("{error}\n{error:?}"))
    });
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{words}");
    let code = CODES.iter().find(|(known, _)| *known == ended).unwrap().1;
    std::process::exit(code);
}

/// strace counts each thread's calls from one, and a fault at number N hits every thread that gets that far. libtest's
/// main thread makes a few dozen calls of these kinds; the thread that saves makes more first, so that its numbers
/// during the save are its alone.
fn spend_numbers() {
    use std::io::{Read as _, Write as _};
    for _ in 0..3 {
        // libtest starts the thread of the test; a save tries once whether it could start one.
        std::thread::spawn(|| ()).join().unwrap();
    }
    for _ in 0..60 {
        let mut file = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/null")
            .unwrap();
        rustix::fs::fstat(&file).unwrap();
        rustix::fs::statat(rustix::fs::CWD, "/dev/null", rustix::fs::AtFlags::empty()).unwrap();
        let _ = rustix::fs::readlinkat(rustix::fs::CWD, "/proc/self/exe", Vec::new()).unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        let _ = std::fs::metadata("/dev/null").unwrap(); // statx
        let mut nothing = [0_u8; 1];
        let _ = file.read(&mut nothing).unwrap();
        file.write_all(&nothing).unwrap();
        let mut random = [0_u8; 1];
        let _ = std::fs::File::open("/dev/null").unwrap().read(&mut random).unwrap();
    }
}

/// The driver as a command, below `wrapper` (strace and its options) when that is not empty.
pub(crate) fn driver(place: &Place, wrapper: &[&str], way: Way) -> Command {
    let own = std::env::current_exe().unwrap();
    let mut command = match wrapper {
        [] => Command::new(own),
        [program, options @ ..] => {
            let mut command = Command::new(program);
            command.args(options).arg(own);
            command
        }
    };
    command.args(["--exact", "driver", "--nocapture", "--test-threads=1"]);
    command
        .env("SAVE_DRIVER_FILE", &place.file)
        .env("SAVE_DRIVER_STATE", &place.state);
    command.env("SAVE_DRIVER_WAY", format!("{way:?}"));
    // cargo's: the loader would look for libraries in all of its directories, on a thread whose calls are counted too.
    command.env_remove("LD_LIBRARY_PATH");
    command
}
