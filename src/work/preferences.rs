//! `kerio-tls.toml`: read once at the start; what is ignored for its owner or mode is said aloud.

use std::path::Path;

use serde::Deserialize;

use crate::engine::Commands;
use crate::tls::Catalogue;

use super::home::{Home, distrust};

/// More than this is no preferences file.
const LIMIT: u64 = 1 << 20;

/// What the preferences say.
#[derive(Debug, Clone)]
pub struct Preferences {
    /// The catalogue with the user's own rows.
    pub catalogue: Catalogue,
    /// The user's own commands for the engine, where they may be run.
    pub engine: Option<Commands>,
    /// Days of mail that amounts stand for.
    pub days: u32,
    /// Draw lines in ASCII; `None`: by the locale.
    pub ascii: Option<bool>,
    /// Use colours; `None`: by `NO_COLOR` and `TERM`.
    pub color: Option<bool>,
    /// Frame each write by mode 2026.
    pub synchronised: bool,
    /// What was ignored, and why.
    pub warnings: Vec<String>,
}

/// Days of mail, unless said otherwise.
pub const DAYS: u32 = 30;

impl Default for Preferences {
    fn default() -> Self {
        Self {
            catalogue: Catalogue::embedded(),
            engine: None,
            days: DAYS,
            ascii: None,
            color: None,
            synchronised: true,
            warnings: Vec::new(),
        }
    }
}

/// The file could not be understood.
#[derive(Debug, thiserror::Error)]
pub enum PreferencesError {
    /// It could not be read.
    #[error(
        "reading the preferences {path} failed: {error}; nothing was changed; mend its permissions or name another file with --config"
    )]
    Read {
        /// Which.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// It says something that it cannot say.
    #[error(
        "the preferences {path} cannot be understood: {why}; nothing was changed; mend that line, or name another file with --config"
    )]
    Shape {
        /// Which.
        path: String,
        /// Where and why.
        why: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    days: Option<u32>,
    ascii: Option<bool>,
    color: Option<bool>,
    synchronised: Option<bool>,
    engine: Option<Engine>,
    /// Read by the catalogue itself.
    #[serde(default, rename = "variable")]
    _variable: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Engine {
    stop: Vec<String>,
    start: Vec<String>,
    status: Option<Vec<String>>,
}

impl Preferences {
    /// Reads the preferences; a file that is not there means the defaults. `named`: the user named it, so it must exist.
    ///
    /// # Errors
    /// [`PreferencesError`], with line and column where it applies.
    pub fn read(home: &Home, named: bool) -> Result<Self, PreferencesError> {
        let path = &home.config;
        let shown = path.display().to_string();
        let text = match read_bounded(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => return Ok(Self::default()),
            Err(error) => return Err(PreferencesError::Read { path: shown, error }),
        };
        if let Some(why) = distrust(path) {
            let mut preferences = Self::default();
            preferences.warnings.push(format!(
                "{shown} is ignored: {why}. As root, only a file of root that nobody else can write is believed."
            ));
            return Ok(preferences);
        }
        Self::parse(&text, home.commands_allowed).map_err(|why| PreferencesError::Shape { path: shown, why })
    }

    fn parse(text: &str, commands_allowed: bool) -> Result<Self, String> {
        let file: File = toml_edit::de::from_str(text).map_err(|error| error.to_string())?;
        let mut preferences = Self::default();
        preferences.catalogue = preferences
            .catalogue
            .with_overrides(text)
            .map_err(|error| error.to_string())?;
        preferences.days = file.days.unwrap_or(DAYS).clamp(1, 3650);
        preferences.ascii = file.ascii;
        preferences.color = file.color;
        preferences.synchronised = file.synchronised.unwrap_or(true);
        match file.engine {
            Some(_) if !commands_allowed => preferences
                .warnings
                .push("the engine commands of the preferences are ignored: they count only for root.".to_owned()),
            Some(Engine { stop, start, status }) => {
                if stop.is_empty() || start.is_empty() {
                    return Err("[engine] needs both stop and start, each a list of arguments".to_owned());
                }
                preferences.engine = Some(Commands { stop, start, status });
            }
            None => {}
        }
        Ok(preferences)
    }
}

fn read_bounded(path: &Path) -> std::io::Result<String> {
    use std::io::Read;
    let file = std::fs::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    let mut text = String::new();
    file.take(LIMIT).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = Preferences::parse("days = 7\ndaze = 8\n", true).unwrap_err();
        assert!(error.contains("line 2") && error.contains("daze"), "{error}");
    }

    #[test]
    fn engine_commands_count_for_root_only() {
        let text = "[engine]\nstop = [\"/bin/a\"]\nstart = [\"/bin/b\"]\n";
        assert!(Preferences::parse(text, true).unwrap().engine.is_some());
        let other = Preferences::parse(text, false).unwrap();
        assert!(other.engine.is_none() && other.warnings.len() == 1);
    }

    #[test]
    fn a_variable_can_be_named_in_the_preferences() {
        let text = "days = 9\n[[variable]]\ndirection = \"inbound\"\nrole = \"protocol-list\"\nname = \"MyList\"\n";
        let preferences = Preferences::parse(text, true).unwrap();
        assert_eq!(preferences.days, 9);
        assert!(
            preferences
                .catalogue
                .find(crate::tls::Direction::Inbound, "mylist")
                .is_some()
        );
    }
}
