//! What is never shown. Rules: values that begin `D3S:` (reversible) or `SHA:` (hash), and variables named like
//! `*Password*`, `*Secret*`, `*Key*` [seen in public files of real installs].

use crate::hostile::safe_text;

use super::types::VariablePath;

/// Stands where a secret was.
pub(super) const HIDDEN: &str = "(hidden)";

/// Longest value shown, in characters: longer ones are cut and say so.
pub(super) const SHOWN: usize = 1000;

/// `passw` covers Password and Passwd; `passphrase` is the word of key files.
const WORDS: [&str; 4] = ["passw", "passphrase", "secret", "key"];
const REVERSIBLE: &str = "D3S:";
const HASH: &str = "SHA:";
const PREFIXES: [&str; 2] = [REVERSIBLE, HASH];

/// A word of this many characters behind `SHA:` is a hash, unless it is joined like a cipher suite's name. (Twenty bytes
/// in base64 are 28 characters; the longest keyword of OpenSSL has 8, and combinations seldom lead a string.)
const HASH_WORD: usize = 16;

/// Which values are secrets: by prefix (`D3S:`, `SHA:`) or by name (`*Password*`, `*Secret*`, `*Key*`), except the variables
/// listed. An exception counts where the variable stands in its table and nowhere else: a list may have one of that name.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// Variables that are named like a secret but hold a closed set of values (a key size).
    pub closed: Vec<VariablePath>,
    /// Variables that hold an OpenSSL cipher string, in which `SHA` is a keyword: `SHA:` at the beginning is no hash there.
    pub ciphers: Vec<VariablePath>,
}

impl Secrets {
    /// Is this value to be hidden, wherever it stands?
    ///
    /// A prefix hides under any name. A prefix *inside* a value does not: cipher strings have `…-SHA:…`.
    #[must_use]
    pub fn is_secret(&self, name: &str, value: &str) -> bool {
        prefixed(value, &PREFIXES) || named_like_one(name)
    }

    /// Is this value of a table's variable to be hidden?
    #[must_use]
    pub fn is_secret_at(&self, path: &VariablePath, value: &str) -> bool {
        let prefixes: &[&str] = if lists(&self.ciphers, path) && !holds_hash(value) {
            &[REVERSIBLE]
        } else {
            &PREFIXES
        };
        prefixed(value, prefixes) || (named_like_one(&path.variable) && !lists(&self.closed, path))
    }

    /// The value as it may be shown: masked when secret, else control characters as hex, bounded in length.
    #[must_use]
    pub fn show(&self, name: &str, value: &str) -> String {
        shown(self.is_secret(name, value), value)
    }

    /// The same of a table's variable.
    #[must_use]
    pub fn show_at(&self, path: &VariablePath, value: &str) -> String {
        shown(self.is_secret_at(path, value), value)
    }
}

fn shown(secret: bool, value: &str) -> String {
    if secret {
        HIDDEN.to_owned()
    } else {
        safe_text(value, SHOWN)
    }
}

/// The table's name is compared exactly, the variable's without regard to case: as the catalogue finds it.
fn lists(paths: &[VariablePath], path: &VariablePath) -> bool {
    paths
        .iter()
        .any(|p| p.table == path.table && p.variable.eq_ignore_ascii_case(&path.variable))
}

fn prefixed(value: &str, prefixes: &[&str]) -> bool {
    let value = value.trim_start();
    prefixes.iter().any(|prefix| {
        value
            .get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    })
}

fn named_like_one(name: &str) -> bool {
    WORDS.iter().any(|word| contains_word(name, word))
}

/// Does one of the words look like a hash rather than like a part of a cipher string?
fn holds_hash(value: &str) -> bool {
    value
        .split([':', ',', ';', ' '])
        .any(|word| word.len() >= HASH_WORD && !word.contains(['-', '_', '@', '!']))
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
    prefixed || named_like_one(text)
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

    fn at(table: &str, variable: &str) -> VariablePath {
        VariablePath {
            table: table.into(),
            variable: variable.into(),
        }
    }

    #[test]
    fn a_closed_variable_is_shown_in_its_own_table_unless_its_value_has_a_secret_prefix() {
        let secrets = Secrets {
            closed: vec![at("Security", "DhKeySize")],
            ..Secrets::default()
        };
        assert_eq!(secrets.show_at(&at("Security", "DHKeySize"), "2048"), "2048");
        assert_eq!(secrets.show_at(&at("Security", "DHKeySize"), "D3S:2048"), HIDDEN);
        assert_eq!(secrets.show_at(&at("Security", "DHKeySize"), "SHA:2048"), HIDDEN);
        assert_eq!(secrets.show_at(&at("Security", "OtherKeySize"), "2048"), HIDDEN);
        assert_eq!(secrets.show_at(&at("SmtpSecurity", "DHKeySize"), "2048"), HIDDEN);
        assert_eq!(secrets.show("DHKeySize", "2048"), HIDDEN, "an item of a list");
    }

    #[test]
    fn a_cipher_string_may_begin_with_the_keyword_sha_and_a_hash_is_hidden_even_there() {
        let secrets = Secrets {
            ciphers: vec![at("Security", "ServerTlsCiphers"), at("Security", "TlsKeyPassword")],
            ..Secrets::default()
        };
        let path = at("Security", "servertlsciphers");
        for open in ["SHA:AES128:!aNULL", "SHA:ECDHE-RSA-AES128-SHA256:HIGH", "HIGH:+SHA"] {
            assert_eq!(secrets.show_at(&path, open), open);
        }
        for hidden in [
            "D3S:abc",
            "SHA:qUqP5cyxm6YcTAhz05Hph5gvu9M=",
            "SHA:salt:0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33",
        ] {
            assert_eq!(secrets.show_at(&path, hidden), HIDDEN);
        }
        assert_eq!(
            secrets.show_at(&at("SmtpSecurity", "ServerTlsCiphers"), "SHA:AES128"),
            HIDDEN
        );
        assert_eq!(secrets.show_at(&at("Security", "TlsKeyPassword"), "hunter2"), HIDDEN);
    }

    #[test]
    fn shown_text_cannot_steer_a_terminal_and_has_an_end() {
        let shown = Secrets::default().show("X", "a\u{1b}[2J\t\u{202E}b\u{9b}\u{7f}");
        assert_eq!(shown, "a\\x1b[2J\\x09\\u{202e}b\\u{9b}\\x7f");
        assert_eq!(Secrets::default().show("X", &"é".repeat(5000)).chars().count(), SHOWN);
    }
}
