//! What is never shown. Rules: values that begin `D3S:` (reversible) or `SHA:` (hash), and variables named like
//! `*Password*`, `*Secret*`, `*Key*` [seen in public files of real installs].

/// Stands where a secret was.
pub(super) const HIDDEN: &str = "(hidden)";

/// Longest value shown, in characters: longer ones are cut and say so.
pub(super) const SHOWN: usize = 1000;

/// `passw` covers Password and Passwd; `passphrase` is the word of key files.
const WORDS: [&str; 4] = ["passw", "passphrase", "secret", "key"];
const PREFIXES: [&str; 2] = ["D3S:", "SHA:"];

/// Which values are secrets: by prefix (`D3S:`, `SHA:`) or by name (`*Password*`, `*Secret*`, `*Key*`), except the names listed.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// Names that look like a secret but hold a closed set of values (a key size). Compared without regard to case.
    pub open_names: Vec<String>,
}

impl Secrets {
    /// Is this value to be hidden?
    ///
    /// A prefix hides under any name, even an open one. A prefix *inside* a value does not: cipher strings have `…-SHA:…`.
    #[must_use]
    pub fn is_secret(&self, name: &str, value: &str) -> bool {
        if PREFIXES
            .iter()
            .any(|prefix| starts_with_word(value.trim_start(), prefix))
        {
            return true;
        }
        let open = self.open_names.iter().any(|open| open.eq_ignore_ascii_case(name));
        !open && WORDS.iter().any(|word| contains_word(name, word))
    }

    /// The value as it may be shown: masked when secret, else control characters as hex, bounded in length.
    #[must_use]
    pub fn show(&self, name: &str, value: &str) -> String {
        if self.is_secret(name, value) {
            HIDDEN.to_owned()
        } else {
            printable(value, SHOWN)
        }
    }
}

fn starts_with_word(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// ASCII case-insensitive search; `word` is lower case.
fn contains_word(text: &str, word: &str) -> bool {
    text.as_bytes()
        .windows(word.len())
        .any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

/// Could free text (a comment, an instruction) hold a secret? Then nothing of it is shown.
pub(super) fn looks_secret(text: &str) -> bool {
    let prefixed = PREFIXES.iter().any(|prefix| contains_word(text, prefix));
    prefixed || WORDS.iter().any(|word| contains_word(text, word))
}

/// Text for a terminal: what could move the cursor, change its colour or reorder the line is written as hex, and at most
/// `limit` characters are kept (`…` says that there was more).
pub(super) fn printable(text: &str, limit: usize) -> String {
    let mut shown = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == limit {
            shown.push('…');
            break;
        }
        if c.is_control() && u32::from(c) < 0x80 {
            shown.push_str(&format!("\\x{:02X}", u32::from(c)));
        } else if is_deceptive(c) {
            shown.push_str(&format!("\\u{{{:X}}}", u32::from(c)));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// C1 controls, line separators, bidirectional controls and invisible characters.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_prefix_and_by_name() {
        let secrets = Secrets::default();
        for (name, value) in [
            ("Anything", "D3S:abc"),
            ("Anything", " sha:abc"),
            ("AdminPassword", "x"),
            ("ldap_passwd", "x"),
            ("ClientSecretText", ""),
            ("SSLKeyFile", "a"),
            ("DHKEYSIZE", "2048"),
        ] {
            assert!(secrets.is_secret(name, value), "{name}");
        }
        for (name, value) in [
            ("Enabled", "1"),
            ("ServerTlsCiphers", "AES128-SHA:AES256-SHA:!aNULL"),
            ("Ke", "y"),
        ] {
            assert!(!secrets.is_secret(name, value), "{name}");
        }
    }

    #[test]
    fn an_open_name_is_shown_unless_its_value_has_a_secret_prefix() {
        let secrets = Secrets {
            open_names: vec!["DhKeySize".into()],
        };
        assert_eq!(secrets.show("DHKeySize", "2048"), "2048");
        assert_eq!(secrets.show("DHKeySize", "D3S:2048"), HIDDEN);
        assert_eq!(secrets.show("OtherKeySize", "2048"), HIDDEN);
    }

    #[test]
    fn shown_text_cannot_steer_a_terminal_and_has_an_end() {
        let shown = Secrets::default().show("X", "a\u{1b}[2J\t\u{202E}b\u{9b}\u{7f}");
        assert_eq!(shown, "a\\x1B[2J\\x09\\u{202E}b\\u{9B}\\x7F");
        assert_eq!(
            Secrets::default().show("X", &"é".repeat(5000)).chars().count(),
            SHOWN + 1
        );
    }
}
