//! What was learned of names on this host, by the engine's build: seen to change, proven, contradicted.

use std::io::Result;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::tls::{Catalogue, Certainty, Direction, Role, TlsVersion};

use super::memory::{LIMIT, Memory};

/// The file in the state directory.
pub(super) const NAMES: &str = "names.json";
/// Names kept, of all builds; the oldest are forgotten beyond it.
const MOST: usize = 500;

/// One name, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    build: String,
    direction: String,
    role: String,
    name: String,
    sure: String,
    /// RFC 3339.
    at: String,
    #[serde(default)]
    words: Vec<(String, String)>,
}

/// One name and what was learned of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learned {
    /// Its table.
    pub direction: Direction,
    /// What it is for.
    pub role: Role,
    /// The name.
    pub name: String,
    /// [`Certainty::SeenToChange`], [`Certainty::Proven`] or [`Certainty::Contradicted`].
    pub sure: Certainty,
    /// The values that were seen, by version.
    pub words: Vec<(TlsVersion, String)>,
}

const LEARNED: [Certainty; 3] = [Certainty::SeenToChange, Certainty::Proven, Certainty::Contradicted];

impl Kept {
    fn read(&self) -> Option<(Learned, Timestamp)> {
        let words = self.words.iter();
        let learned = Learned {
            direction: Direction::ALL.into_iter().find(|it| it.token() == self.direction)?,
            role: Role::from_token(&self.role)?,
            name: self.name.clone(),
            sure: LEARNED.into_iter().find(|it| it.token() == self.sure)?,
            words: words
                .filter_map(|(version, word)| Some((TlsVersion::from_token(version)?, word.clone())))
                .collect(),
        };
        Some((learned, self.at.parse().ok()?))
    }
}

impl Memory {
    /// What was learned of names on this build, and when.
    pub(super) fn learned_names(&self) -> Vec<(Learned, Timestamp)> {
        let build = self.build();
        let kept = self.read(NAMES).ok().flatten().unwrap_or_default();
        let kept: Vec<Kept> = serde_json::from_slice(&kept).unwrap_or_default();
        kept.iter()
            .filter(|kept| kept.build == build)
            .filter_map(Kept::read)
            .collect()
    }

    /// Remembers what was learned of a name. Seen values add up; a proof takes the place of what was seen, and of another proof.
    ///
    /// # Errors
    /// The state directory cannot be read or written; what was remembered before is still there.
    pub(crate) fn learn_name(&self, learned: &Learned) -> Result<()> {
        self.change(|directory| {
            let bytes = directory.read(NAMES, LIMIT)?.unwrap_or_default();
            let mut all: Vec<Kept> = if bytes.is_empty() {
                Vec::new()
            } else {
                serde_json::from_slice(&bytes)?
            };
            let build = self.build();
            let is_same = |kept: &Kept| {
                kept.build == build
                    && kept.direction == learned.direction.token()
                    && kept.name.eq_ignore_ascii_case(&learned.name)
            };
            let before = all.iter().position(is_same).map(|at| all.remove(at));
            let mut words: Vec<(String, String)> = before.iter().flat_map(|kept| kept.words.clone()).collect();
            for (version, word) in &learned.words {
                words.retain(|(token, _)| token != version.token());
                words.push((version.token().to_owned(), word.clone()));
            }
            // What was proven is not less so because it was seen to change, too.
            let sure = match &before {
                Some(kept) if learned.sure == Certainty::SeenToChange && kept.sure == Certainty::Proven.token() => {
                    Certainty::Proven
                }
                _ => learned.sure,
            };
            all.push(Kept {
                build,
                direction: learned.direction.token().to_owned(),
                role: learned.role.token().to_owned(),
                name: learned.name.clone(),
                sure: sure.token().to_owned(),
                at: Timestamp::now().to_string(),
                words,
            });
            all.drain(..all.len().saturating_sub(MOST));
            Ok(directory.write(NAMES, &serde_json::to_vec(&all)?)?)
        })
    }
}

/// A catalogue with what was learned.
pub(super) fn with_learned(catalogue: Catalogue, learned: &[(Learned, Timestamp)]) -> Catalogue {
    learned.iter().fold(catalogue, |catalogue, (it, _)| {
        catalogue.learned(it.direction, &it.name, it.role, it.sure, &it.words)
    })
}
