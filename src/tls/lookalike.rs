//! Variables that no catalogue names and that look like a protocol list. They are shown, and used
//! only after the user has said so once: adopting by shape could turn a setting into its opposite.

use super::role::Role;
use super::words::{Meaning, WordList};

/// Parts of a name that turn the sense of a list, or make it no list of what is accepted.
const TURNS: [&str; 14] = [
    "disable", "disallow", "deny", "denied", "exclude", "except", "forbid", "reject", "refuse", "block", "prohibit",
    "ignore", "without", "max",
];
/// The same as whole words of a name, because they are parts of harmless ones (`Notify`, `Offer`).
const TURNS_AS_WORD: [&str; 6] = ["no", "not", "non", "off", "un", "remove"];

/// What a variable without a role looks like: [`Role::ProtocolList`], or [`Role::MinimumVersion`] where the
/// name has `min` in it and the value is one word. `None`: it looks like neither, or its name or
/// its words carry a sign that may mean the opposite. A guess to offer to the user, never to act upon.
#[must_use]
pub fn lookalike_role(name: &str, value: &str) -> Option<Role> {
    let list = WordList::parse(value);
    let count = list.words().count();
    let protocols_only = list
        .words()
        .all(|(_, m)| matches!(m, Meaning::Version(_) | Meaning::Ssl2));
    if count == 0 || !protocols_only || turns(name) {
        return None;
    }
    let minimum = count == 1 && name.to_ascii_lowercase().contains("min");
    Some(if minimum {
        Role::MinimumVersion
    } else {
        Role::ProtocolList
    })
}

fn turns(name: &str) -> bool {
    let small = name.to_ascii_lowercase();
    TURNS.iter().any(|t| small.contains(t)) || words_of(name).iter().any(|w| TURNS_AS_WORD.contains(&w.as_str()))
}

/// The words of a name such as `NoTlsProtocols`, `no_tls` or `TLSNotUsed`, in small letters.
fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let letters: Vec<char> = name.chars().collect();
    for (i, &c) in letters.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|b| letters.get(b));
        let after = i.checked_add(1).and_then(|a| letters.get(a));
        let begins =
            c.is_uppercase() && (before.is_some_and(|b| !b.is_uppercase()) || after.is_some_and(|a| a.is_lowercase()));
        if (begins || !c.is_alphabetic()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphabetic() {
            word.extend(c.to_lowercase());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}
