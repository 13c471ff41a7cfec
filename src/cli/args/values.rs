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
    let (number, unit) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(number) if text.ends_with('s') => (number, 1),
        Some(number) if text.ends_with('h') => (number, 3600),
        Some(number) => (number, 60),
        None => (text, 60),
    };
    number
        .parse::<u32>()
        .ok()
        .map(|number| u64::from(number) * unit)
        .filter(|seconds| (1..=24 * 3600).contains(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| "expected a time from 1s to 24h: 90s, 10m, 2h, or a number of minutes".to_owned())
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
