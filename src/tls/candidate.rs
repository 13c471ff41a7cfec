//! Names that may be a variable's, and what their letters tell: to be offered, never to be acted upon.

use super::role::Role;

/// A name that the engine's program or the web administration holds, and that may be a variable's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The name.
    pub name: String,
    /// What it may be for, by its letters; `None`: they do not tell.
    pub role: Option<Role>,
    /// Where it stands.
    pub place: String,
    /// It goes on: only its first 16 letters can be seen, so it cannot be written as it is.
    pub cut: bool,
    /// The values that a field of that name offers, where they are known.
    pub values: Vec<String>,
}

/// What a variable may be for, by the letters of its name alone: to offer it, never to act upon. The words are those
/// that the vendor's pages use for the settings (article 115132).
#[must_use]
pub fn role_by_name(name: &str) -> Option<Role> {
    let small = name.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| small.contains(word));
    if has(&["cipher"]) {
        return Some(Role::Ciphers);
    }
    if has(&["dhkey", "dhparam", "dhsize", "dhbits"]) {
        return Some(Role::DheKeySize);
    }
    if has(&["ecdh"]) {
        return Some(Role::EcdheOn);
    }
    if has(&["ephemeral", "dhe"]) {
        let is_off = has(&["disable", "no"]);
        return Some(if is_off { Role::DheOff } else { Role::DheOn });
    }
    if !has(&["tls", "ssl", "protocol"]) || has(&["max"]) {
        return None;
    }
    if has(&["min"]) || (has(&["version"]) && !has(&["versions"])) {
        return Some(Role::MinimumVersion);
    }
    has(&["protocol", "versions"]).then_some(Role::ProtocolList)
}

/// What of a program's identifiers is collected: lower-case words, as the settings are called.
pub const WORDS: [&str; 8] = [
    "tls",
    "ssl",
    "cipher",
    "ephemeral",
    "ecdh",
    "dhkey",
    "minversion",
    "protocol",
];
