//! `kerio-tls.toml`: read once at the start; what is ignored for its owner or mode is said aloud.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::engine::Commands;
use crate::files::{Fault, Why};
use crate::hostile::safe_path;
use crate::peers::{Host, safe_text};
use crate::probe::EhloName;
use crate::tls::Catalogue;

use super::home::{Believed, Home, open_believed};

/// Most names of this server.
const NAMES_MAX: usize = 32;
/// More than this is no preferences file.
const LIMIT: u64 = 1 << 20;

/// What the preferences say.
#[derive(Debug, Clone)]
pub struct Preferences {
    /// The catalogue with the user's own rows.
    pub catalogue: Catalogue,
    /// The user's own commands for the engine, where they may be run.
    pub engine: Option<Commands>,
    /// How long an engine has to stay up before it counts as started well; `None`: the engine room's own limit.
    pub watch: Option<Duration>,
    /// No engine outside of this container uses the file.
    pub only_here: bool,
    /// Days of mail that amounts stand for.
    pub days: u32,
    /// The time zone in which the mail log is written; `None`: this machine's, or what the log shows.
    pub log_zone: Option<TimeZone>,
    /// Names that this server goes by, lower case.
    pub names: Vec<String>,
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
            watch: None,
            only_here: false,
            days: DAYS,
            log_zone: None,
            names: Vec::new(),
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
        "reading the preferences {path} failed: {error}; nothing was changed; mend that, or name another file with \
         --config"
    )]
    Read {
        /// Which.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// It was named and is not there.
    #[error(
        "there are no preferences {path}; nothing was changed; name another file with --config, or make one: \
         kerio-tls config --default"
    )]
    Absent {
        /// Which.
        path: String,
    },
    /// It says something that it cannot say.
    #[error(
        "the preferences {path} cannot be understood: {why}; nothing was changed; mend that line, or name another \
         file with --config"
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
    log_zone: Option<String>,
    #[serde(default)]
    names: Vec<String>,
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
    stop: Option<Vec<String>>,
    start: Option<Vec<String>>,
    status: Option<Vec<String>>,
    /// Seconds.
    watch: Option<u64>,
    #[serde(default)]
    only_here: bool,
}

impl Engine {
    /// Longer than an hour is a slip of the fingers, and nobody would wait for it.
    fn watch(&self) -> Result<Option<Duration>, String> {
        match self.watch {
            Some(seconds) if !(1..=3600).contains(&seconds) => Err(format!(
                "[engine] watch = {seconds}: a number of seconds from 1 to 3600"
            )),
            seconds => Ok(seconds.map(Duration::from_secs)),
        }
    }

    fn commands(self) -> Result<Option<Commands>, String> {
        match (self.stop, self.start, self.status) {
            (Some(stop), Some(start), status) if !stop.is_empty() && !start.is_empty() => {
                Ok(Some(Commands { stop, start, status }))
            }
            (None, None, None) => Ok(None),
            _ => Err("[engine] needs stop and start together, each a list of arguments".to_owned()),
        }
    }
}

impl Preferences {
    /// Reads the preferences; a file that is not there means the defaults. `named`: the user named it, so it must
    /// exist.
    ///
    /// # Errors
    /// [`PreferencesError`], with line and column where it applies.
    pub fn read(home: &Home, named: bool) -> Result<Self, PreferencesError> {
        let path = &home.config;
        let shown = safe_path(path);
        let fault = |fault: Fault| PreferencesError::Read {
            path: shown.clone(),
            error: match fault.why {
                Why::NotAFile(what) => std::io::Error::other(format!("it is no regular file but {what}")),
                Why::TooLarge { limit, .. } => {
                    std::io::Error::other(format!("it has more than {limit} bytes, which is no preferences file"))
                }
                _ => fault.into(),
            },
        };
        let opened = match open_believed(path) {
            Ok(Believed::Yes(opened)) => opened,
            Ok(Believed::No(why)) => {
                let mut preferences = Self::default();
                preferences.warnings.push(format!(
                    "{shown} is ignored: {why}. As root, only a file of root that nobody else can write is believed."
                ));
                return Ok(preferences);
            }
            Err(error) if error.is_missing() && named => return Err(PreferencesError::Absent { path: shown }),
            Err(error) if error.is_missing() => return Ok(Self::default()),
            Err(error) => return Err(fault(error)),
        };
        let bytes = opened.read(LIMIT).map_err(fault)?;
        let text = String::from_utf8(bytes).map_err(|error| PreferencesError::Shape {
            path: shown.clone(),
            why: error.to_string(),
        })?;
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
        preferences.log_zone = file.log_zone.as_deref().map(log_zone).transpose()?;
        preferences.names = names(&file.names)?;
        preferences.ascii = file.ascii;
        preferences.color = file.color;
        preferences.synchronised = file.synchronised.unwrap_or(true);
        if let Some(engine) = file.engine {
            preferences.watch = engine.watch()?;
            preferences.only_here = engine.only_here;
            match engine.commands()? {
                Some(_) if !commands_allowed => preferences
                    .warnings
                    .push("the engine commands of the preferences are ignored: they count only for root.".to_owned()),
                commands => preferences.engine = commands,
            }
        }
        Ok(preferences)
    }
}

/// A zone by its name (`Europe/Berlin`, `UTC`) or its offset (`+02:00`).
fn log_zone(given: &str) -> Result<TimeZone, String> {
    let signed = given.starts_with(['+', '-']);
    let offset = || {
        jiff::fmt::strtime::parse("%:z", given)
            .ok()?
            .offset()
            .map(TimeZone::fixed)
    };
    let zone = if signed { offset() } else { TimeZone::get(given).ok() };
    zone.ok_or_else(|| {
        let given = safe_text(given, 80);
        format!(
            "log-zone: \"{given}\" is no time zone that is known here; give one such as UTC, Europe/Berlin or +02:00"
        )
    })
}

/// The server's own names, each checked: they stand in EHLO and decide which headers and hosts are ours.
fn names(given: &[String]) -> Result<Vec<String>, String> {
    if given.len() > NAMES_MAX {
        return Err(format!("names: at most {NAMES_MAX} of them"));
    }
    given
        .iter()
        .map(|name| match Host::parse(name) {
            Some(Host::Name(name)) if EhloName::new(&name).is_some() => Ok(name),
            _ => Err(format!("names: \"{}\" is no host name", safe_text(name, 80))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_of_the_log_is_a_name_or_an_offset() {
        let zone = |text: &str| Preferences::parse(&format!("log-zone = \"{text}\"\n"), true);
        for good in ["UTC", "Europe/Prague", "+02:00", "-05:30"] {
            assert!(zone(good).unwrap().log_zone.is_some(), "{good}");
        }
        for bad in ["", "Europe/Nowhere", "+2", "+99:00", "CEST maybe"] {
            assert!(zone(bad).unwrap_err().to_string().contains("log-zone"), "{bad}");
        }
    }

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
    fn the_time_to_watch_an_engine_needs_no_commands_and_commands_come_in_pairs() {
        let alone = Preferences::parse("[engine]\nwatch = 1\n", false).unwrap();
        assert!(alone.engine.is_none() && alone.warnings.is_empty());
        assert_eq!(alone.watch, Some(Duration::from_secs(1)));
        assert_eq!(Preferences::parse("days = 3\n", true).unwrap().watch, None);
        assert!(
            !alone.only_here
                && Preferences::parse("[engine]\nonly_here = true\n", true)
                    .unwrap()
                    .only_here
        );
        for wrong in [
            "watch = 0",
            "watch = 3601",
            "watch = -1",
            "stop = [\"/bin/a\"]",
            "start = [\"/bin/a\"]",
            "status = [\"/bin/a\"]",
            "stop = []\nstart = [\"/bin/a\"]",
        ] {
            let error = Preferences::parse(&format!("[engine]\n{wrong}\n"), true).map(|_| wrong);
            assert!(error.is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_servers_own_names_are_host_names_and_nothing_else() {
        let names = |text: &str| Preferences::parse(text, true).map(|preferences| preferences.names);
        assert_eq!(
            names("names = [\"Mail.example.org\", \"mx.example.org.\"]\n").unwrap(),
            ["mail.example.org", "mx.example.org"]
        );
        for wrong in ["192.0.2.1", "a b", "mail.example.org\\r\\nQUIT", ""] {
            let error = names(&format!("names = [\"{wrong}\"]\n")).unwrap_err();
            assert!(error.contains("names"), "{error}");
        }
        assert!(names("names = \"mail.example.org\"\n").is_err());
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
