//! What is known of the names of variables on this very host: the catalogue, what was learned, and what the engine's
//! own program and its web administration tell. What was read of the program is kept by size and time of its files, so
//! that it is read once a build.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::engine::{self, Presence, Program, Stamp, Wanted};
use crate::tls::{Candidate, Catalogue, Certainty, Direction, Governs, InProgram, Role, WORDS, role_by_name};

use super::here::Host;
use super::learned::{Learned, with_learned};
use super::memory::{LIMIT, Memory};
use super::preferences::Preferences;

/// The file in the state directory.
pub(super) const KEPT: &str = "program.json";
/// The shape of that file, and of what is looked for.
const SHAPE: u32 = 1;
/// Candidates given at most.
const CANDIDATES: usize = 60;

/// What was read of the engine's program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineProgram {
    /// The executable; `None`: there is none.
    pub path: Option<PathBuf>,
    /// Which build it is: path, size, time, and the package's version.
    pub build: String,
    /// Why it tells nothing; `None`: it tells, or there is none.
    pub silent: Option<String>,
    /// Its OpenSSL, as `OpenSSL 1.1.1k`.
    pub openssl: Option<String>,
}

/// One role of a table and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownName {
    /// Its table.
    pub direction: Direction,
    /// What it is for.
    pub role: Role,
    /// The name; `None`: not known.
    pub name: Option<String>,
    /// How sure it is.
    pub sure: Option<Certainty>,
    /// Since when, where that was learned here.
    pub since: Option<Timestamp>,
}

/// What is known of names.
#[derive(Debug, Clone)]
pub struct KnownNames {
    /// The engine's program.
    pub engine: EngineProgram,
    /// The catalogue with all of it.
    pub catalogue: Catalogue,
    /// Which table governs which services.
    pub governs: Governs,
    learned: Vec<(Learned, Timestamp)>,
}

impl KnownNames {
    /// Every role of both tables; one that several names play stands several times.
    #[must_use]
    pub fn names(&self) -> Vec<KnownName> {
        let rows = Direction::ALL
            .into_iter()
            .flat_map(|direction| self.catalogue.rows(direction));
        rows.map(|row| KnownName {
            direction: row.direction,
            role: row.role,
            sure: row.name.as_ref().map(|_| row.name_sure),
            since: row.name.as_ref().and_then(|name| self.since(row.direction, name)),
            name: row.name.clone(),
        })
        .collect()
    }

    /// When a name became as sure as it is, where that was learned here.
    #[must_use]
    pub fn since(&self, direction: Direction, name: &str) -> Option<Timestamp> {
        let is_it = |(learned, _): &&(Learned, Timestamp)| {
            learned.direction == direction && learned.name.eq_ignore_ascii_case(name)
        };
        self.learned.iter().find(is_it).map(|(_, at)| *at)
    }

    /// What a catalogue and a copy of an engine's program tell, on any machine.
    #[must_use]
    pub fn of_program(catalogue: Catalogue, program: &Path) -> Self {
        let read = Kept::read(&catalogue, program, program.display().to_string());
        Self::new(catalogue, Vec::new(), Some(read))
    }

    fn new(catalogue: Catalogue, learned: Vec<(Learned, Timestamp)>, kept: Option<Kept>) -> Self {
        let governs = Governs::default();
        let Some(kept) = kept else {
            return Self {
                engine: EngineProgram::default(),
                catalogue,
                governs,
                learned,
            };
        };
        let engine = EngineProgram {
            path: Some(kept.path.clone()),
            build: kept.build.clone(),
            silent: kept.silent.clone(),
            openssl: kept.openssl.clone(),
        };
        let catalogue = if kept.silent.is_none() {
            let is_there = |name: &str| match kept.names.get(name).map(String::as_str) {
                Some("whole") => InProgram::Whole,
                Some("cut") => InProgram::Probably,
                _ => InProgram::No,
            };
            catalogue
                .in_program(is_there, kept.candidates())
                .with_openssl(kept.openssl.clone())
        } else {
            catalogue
        };
        Self {
            engine,
            catalogue,
            governs,
            learned,
        }
    }
}

impl Host {
    /// The catalogue of the preferences with what was learned here; the engine's program is not looked at.
    #[must_use]
    pub fn catalogue(&self) -> Catalogue {
        with_learned(self.preferences.catalogue.clone(), &self.memory.learned_names())
    }

    /// What is known of names here. Reads the engine's program, unless that was done for this build. (It takes a tenth
    /// of a second.)
    #[must_use]
    pub fn known_names(&self) -> KnownNames {
        // Names may have been given since the start.
        let named = Preferences::read(&self.home, false).map(|preferences| preferences.catalogue);
        let learned = self.memory.learned_names();
        let catalogue = with_learned(named.unwrap_or_else(|_| self.preferences.catalogue.clone()), &learned);
        let build = engine::build(&engine::Places::new(self.file.path()));
        let kept = build.map(|build| self.memory.program(&catalogue, &build.executable));
        KnownNames {
            governs: self.memory.measured().governs,
            ..KnownNames::new(catalogue, learned, kept)
        }
    }
}

/// What is kept of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    shape: u32,
    path: PathBuf,
    build: String,
    stamp: Vec<(String, u64, i64, i64)>,
    silent: Option<String>,
    /// Each name that was asked for: `whole`, `cut`, `no`.
    names: HashMap<String, String>,
    others: Vec<KeptOther>,
    openssl: Option<String>,
}

/// Another name, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KeptOther {
    name: String,
    place: String,
    cut: bool,
    values: Vec<String>,
}

/// The names that a catalogue has.
fn names(catalogue: &Catalogue) -> Vec<&str> {
    let rows = Direction::ALL
        .into_iter()
        .flat_map(|direction| catalogue.rows(direction));
    let mut names: Vec<&str> = rows.filter_map(|row| row.name.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn stamp_of(stamp: Vec<Stamp>) -> Vec<(String, u64, i64, i64)> {
    let as_kept = |stamp: Stamp| (stamp.name, stamp.size, stamp.modified.0, stamp.modified.1);
    stamp.into_iter().map(as_kept).collect()
}

impl Kept {
    fn read(catalogue: &Catalogue, executable: &Path, build: String) -> Self {
        let names = names(catalogue);
        let program: Program = engine::read_program(
            executable,
            Wanted {
                anchor: Direction::Outbound.table(),
                names: &names,
                words: &WORDS,
            },
        );
        let tokens = program.names.iter().map(|presence| match presence {
            Presence::Whole => "whole",
            Presence::Cut => "cut",
            Presence::Absent => "no",
        });
        let others = program.others.into_iter().map(|other| KeptOther {
            name: other.name,
            place: other.file,
            cut: other.cut,
            values: Vec::new(),
        });
        let fields = engine::administration(executable, &WORDS).into_iter();
        let fields = fields.map(|field| KeptOther {
            name: field.name,
            place: format!("web administration, {}", field.script),
            cut: false,
            values: field.values,
        });
        Self {
            shape: SHAPE,
            path: executable.to_owned(),
            build,
            stamp: stamp_of(program.stamp),
            silent: program.silent,
            names: names
                .iter()
                .map(|name| (*name).to_owned())
                .zip(tokens.map(str::to_owned))
                .collect(),
            others: others.chain(fields).collect(),
            openssl: program.openssl,
        }
    }

    /// Those whose letters tell a role come first, in the order of nearness; a field's spelling begins with a small
    /// letter.
    fn candidates(&self) -> Vec<Candidate> {
        let mut all: Vec<Candidate> = self
            .others
            .iter()
            .map(|other| Candidate {
                role: role_by_name(&other.name),
                name: other.name.clone(),
                place: other.place.clone(),
                cut: other.cut,
                values: other.values.clone(),
            })
            .collect();
        all.sort_by_key(|candidate| candidate.role.is_none());
        all.truncate(CANDIDATES);
        all
    }
}

impl Memory {
    /// What the program tells: as it is kept, if it is the same and everything was asked for, else read now.
    fn program(&self, catalogue: &Catalogue, executable: &Path) -> Kept {
        let kept = self.read(KEPT).ok().flatten();
        let kept: Option<Kept> = kept.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let is_same = |kept: &Kept| {
            kept.shape == SHAPE
                && kept.path == executable
                && names(catalogue).iter().all(|name| kept.names.contains_key(*name))
                && engine::program_stamp(executable).map(stamp_of).as_ref() == Some(&kept.stamp)
        };
        if let Some(kept) = kept.filter(is_same) {
            return kept;
        }
        let read = Kept::read(catalogue, executable, self.build());
        // Who only looks makes no state directory. What cannot be kept is read again next time.
        if self.is_there() && !read.stamp.is_empty() {
            let _: std::io::Result<()> = self.change(|directory| {
                let bytes = serde_json::to_vec(&read)?;
                if bytes.len() as u64 > LIMIT {
                    return Ok(());
                }
                Ok(directory.write(KEPT, &bytes)?)
            });
        }
        read
    }
}
