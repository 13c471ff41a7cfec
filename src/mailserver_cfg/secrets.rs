//! What is never shown: values that hold a stored secret, and those of variables that are named like one.

use crate::hostile::{holds_secret, holds_secret_in_ciphers, names_secret, safe_text};

use super::place::VariablePath;

/// Stands where a secret was.
pub(super) const HIDDEN: &str = "(hidden)";

/// Longest value shown, in characters: longer ones are cut and say so.
const SHOWN: usize = 1000;

/// Which values are secrets: by what they hold (`D3S:`, `SHA:`) or by name ([`names_secret`]), except the variables
/// listed. An exception counts where the variable stands in its table and nowhere else: a list may have one of that
/// name.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// Variables that are named like a secret but hold a closed set of values (a key size).
    pub closed: Vec<VariablePath>,
    /// Variables that hold an OpenSSL cipher string, in which `SHA` is a keyword: `SHA:` alone is no hash there.
    pub ciphers: Vec<VariablePath>,
}

impl Secrets {
    /// Is this value to be hidden, wherever it stands?
    #[must_use]
    pub fn is_secret(&self, name: &str, value: &str) -> bool {
        names_secret(name) || holds_secret(value)
    }

    /// Is this value of a table's variable to be hidden?
    #[must_use]
    pub fn is_secret_at(&self, path: &VariablePath, value: &str) -> bool {
        self.is_secret_in(&path.table, &path.variable, value)
    }

    /// The same, without a path of one's own.
    pub(super) fn is_secret_in(&self, table: &str, variable: &str, value: &str) -> bool {
        let stored = if lists(&self.ciphers, table, variable) {
            holds_secret_in_ciphers(value)
        } else {
            holds_secret(value)
        };
        stored || (names_secret(variable) && !lists(&self.closed, table, variable))
    }

    /// The value as it may be shown: masked when secret, else safe for a terminal and bounded in length.
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

/// A value as it may be shown.
pub(super) fn shown(secret: bool, value: &str) -> String {
    if secret {
        HIDDEN.to_owned()
    } else {
        safe_text(value, SHOWN)
    }
}

/// The table's name is compared exactly, the variable's without regard to case: as the catalogue finds it.
fn lists(paths: &[VariablePath], table: &str, variable: &str) -> bool {
    paths
        .iter()
        .any(|path| path.table == table && path.variable.eq_ignore_ascii_case(variable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_what_they_hold_and_by_name() {
        let secrets = Secrets::default();
        for (name, value) in [
            ("Anything", "D3S:abc"),
            ("Anything", " sha:abc"),
            ("Anything", "ldap://x?pw=D3S:abc"),
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
    fn a_closed_variable_is_shown_in_its_own_table_unless_it_holds_a_stored_secret() {
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
