//! Facts for a dry run. [`Host::facts`] makes the state directory (and closes one that others may read), and a dry run must
//! leave nothing behind: where the directory is not there yet as it will be, a look of our own takes its place. It
//! knows less: owners by number, no look at room, nothing about single-file bind mounts.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD};

use crate::engine::{Controller, Places, State};
use crate::session::{EnginePlan, Facts};
use crate::work::{EngineWish, Host};

/// Looks at file and engine, and leaves nothing behind.
pub(super) fn facts(host: &Host) -> Facts {
    if is_settled(&host.home.state_dir) {
        return host.facts(EngineWish::Refuse);
    }
    let path = host.file.display().to_string();
    let real = host.file.canonicalize().ok();
    let found = std::fs::metadata(&host.file).ok();
    let links = found.as_ref().map_or(1, |found| found.nlink());
    let directory = real.as_deref().and_then(Path::parent);
    let writable = directory.is_some_and(|directory| {
        rustix::fs::accessat(CWD, directory, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS).is_ok()
    });
    Facts {
        link_target: real
            .as_ref()
            .filter(|_| host.file.is_symlink())
            .map(|real| real.display().to_string()),
        owner: found.as_ref().map_or_else(
            || "not known".to_owned(),
            |found| format!("{}:{}", found.uid(), found.gid()),
        ),
        mode: found.as_ref().map_or(0, |found| found.mode() & 0o7777),
        backups: host.home.state_dir.join("backups").display().to_string(),
        in_place: (links > 1).then(|| format!("it has {links} names (hard links)")),
        blocked: (!writable && links < 2)
            .then(|| format!("no permission to write beside {path}; save as root or as the owner of the file")),
        engine: engine(host),
        path,
    }
}

/// Is the state directory there, with the mode that opening it would give it? Then opening it changes nothing.
fn is_settled(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|found| found.is_dir() && found.mode() & 0o777 == 0o700)
}

fn engine(host: &Host) -> EnginePlan {
    if host.is_demo() {
        return EnginePlan::Absent;
    }
    let places = Places::new(&host.file);
    let controller = match &host.preferences.engine {
        Some(commands) => Controller::with_commands(places, commands.clone()),
        None => Controller::find(places),
    };
    let status = controller.status();
    let why = match &status.state {
        State::None => return EnginePlan::Absent,
        State::Stopped => return EnginePlan::Stopped,
        State::Running => format!("the engine runs ({})", status.why),
        State::Unknown(why) => format!("it cannot be seen whether the engine runs ({why})"),
    };
    let manual = controller.manual_commands();
    EnginePlan::Refuse {
        why,
        commands: vec![manual.stop, "(save here)".to_owned(), manual.start],
    }
}
