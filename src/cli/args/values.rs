//! What the words of the command line can be.

use std::time::Duration;

use clap::ValueEnum;

use crate::tls::{Choice, Direction, Role, TlsVersion};
use crate::work::EngineWish;

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal that has them, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// `DIRECTION:ROLE=TEXT`: what is said of the variable that plays a role in a direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleArgument {
    /// Which direction, and so which table.
    pub direction: Direction,
    /// What the variable is for.
    pub role: Role,
    /// What stands behind the sign: a value, or a name.
    pub text: String,
}

impl std::str::FromStr for RoleArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=').and_then(|(place, text)| {
            let (direction, role) = place.split_once(':')?;
            Some((direction, role, text))
        });
        let Some((direction, role, text)) = parts else {
            return Err("expected DIRECTION:ROLE=..., such as inbound:ciphers=HIGH".to_owned());
        };
        let direction = Direction::ALL
            .into_iter()
            .find(|known| known.token().eq_ignore_ascii_case(direction))
            .ok_or("the direction is inbound or outbound")?;
        let role = Role::from_token(role)
            .ok_or_else(|| format!("the role is one of {}", Role::ALL.map(Role::token).join(", ")))?;
        Ok(Self {
            direction,
            role,
            text: text.to_owned(),
        })
    }
}

impl std::fmt::Display for RoleArgument {
    /// Without the text: `inbound:ciphers`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.direction.token(), self.role.token())
    }
}

/// A minimum, as JSON and the peers file spell it.
pub(super) fn minimum(text: &str) -> Result<Choice, &'static str> {
    Choice::from_token(text).ok_or("expected default, tls1.0, tls1.1, tls1.2 or tls1.3")
}

/// A version, as JSON and the peers file spell it.
pub(super) fn version(text: &str) -> Result<TlsVersion, &'static str> {
    TlsVersion::from_token(text)
        .filter(|version| TlsVersion::MINIMUMS.contains(version))
        .ok_or("expected tls1.0, tls1.1, tls1.2 or tls1.3")
}

/// A time from 1 s to 24 h; a plain number is minutes.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let expected = "expected a time from 1s to 24h: 90s, 10m, 2h, or a number of minutes";
    time(text, &[('s', 1), ('m', 60), ('h', 3600)], 24 * 3600).ok_or_else(|| expected.to_owned())
}

/// A time from 1 s to 90 days; a plain number is minutes.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    let expected = "expected a time from 1s to 90d: 90s, 10m, 2h, 14d, or a number of minutes";
    time(text, &[('s', 1), ('m', 60), ('h', 3600), ('d', 86_400)], 90 * 86_400).ok_or_else(|| expected.to_owned())
}

fn time(text: &str, units: &[(char, u64)], most: u64) -> Option<Duration> {
    let unit = units.iter().find(|(letter, _)| text.ends_with(*letter));
    let number = unit.map_or(Some(text), |(letter, _)| text.strip_suffix(*letter))?;
    let seconds = u64::from(number.parse::<u32>().ok()?) * unit.map_or(60, |(_, seconds)| *seconds);
    (1..=most).contains(&seconds).then(|| Duration::from_secs(seconds))
}

/// What happens to a running engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineArgument {
    /// Refuse to save while it runs; one that is stopped stays so.
    Refuse,
    /// Stop it, write, start it again, and watch it; roll back if it does not come up.
    Restart,
}

impl EngineArgument {
    pub(in crate::cli) fn wish(self) -> EngineWish {
        match self {
            Self::Refuse => EngineWish::Refuse,
            Self::Restart => EngineWish::Restart,
        }
    }
}

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DirectionArgument {
    /// Those who call this server.
    Inbound,
    /// Servers that this one calls.
    Outbound,
}

/// A shell that completions are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU Bash, with the package bash-completion.
    Bash,
    /// Zsh.
    Zsh,
    /// fish.
    Fish,
}

/// What is done with the service of the watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WatchArgument {
    /// Start it.
    Start,
    /// Stop it.
    Stop,
    /// Does it run, and what has it seen?
    Status,
}

/// Whom `peers --probe` asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WhomArgument {
    /// Outbound peers of which no probe has told anything yet.
    Unknown,
    /// All outbound peers.
    All,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_watch_can_be_days() {
        assert_eq!(span("14d"), Ok(Duration::from_secs(14 * 86_400)));
        assert_eq!((span("2h"), span("90")), (duration("2h"), duration("90")));
        assert!(span("91d").is_err() && span("d").is_err() && span("0d").is_err() && span("1w").is_err());
    }

    #[test]
    fn a_time_is_minutes_unless_it_says_otherwise_and_never_zero_or_days() {
        for (text, seconds) in [
            ("10", 600),
            ("10m", 600),
            ("90s", 90),
            ("2h", 7200),
            ("1s", 1),
            ("24h", 86400),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "0",
            "0s",
            "25h",
            "-1",
            "s",
            "10 m",
            "1d",
            "1.5h",
            "4294967295h",
            "99999999999",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
