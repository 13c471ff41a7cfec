//! The marks by which a secret is known in any text, whoever quotes it. The mail server stores passwords as `D3S:…`
//! (reversible) or `SHA:…` (a hash); everything else is known by the name beside it [seen in public files of real
//! installs].

use super::spans::{slice_at, text_at};

/// Words of secrets, wherever they stand in a name. `pass` covers Password, Passwd, Passphrase and the `CertPass` of
/// key files.
const PARTS: [&str; 6] = ["pass", "pwd", "secret", "key", "token", "credential"];

/// Words that are too short to count inside of others (`Ping`, `Mapping`).
const WORDS: [&str; 3] = ["pin", "cred", "creds"];

/// What stands before `pass`, and after it in small letters, where it is no secret (`Bypass`, `passed`, `PassiveMode`).
const BEFORE_PASS: [&str; 2] = ["by", "com"];
const AFTER_PASS: [&str; 6] = ["ed", "es", "ing", "ive", "enger", "age"];

/// A word of this many characters beside `SHA:` is a hash, unless it is joined like a cipher suite's name. (Twenty
/// bytes in base64 are 28 characters; the longest keyword of OpenSSL has 11.)
const HASH_WORD: usize = 16;

/// The same of keywords that a cipher string joins with `+`, a sign that base64 has as well.
const JOINED_WORD: usize = 24;

/// Does the text hold a stored secret: `D3S:` anywhere, or `SHA:` other than as the end of a cipher suite's name
/// (`AES128-SHA:AES256-SHA`)?
#[must_use]
pub fn holds_secret(text: &str) -> bool {
    marks(text).any(|mark| mark != Mark::SuiteEnd) || holds_hash(text)
}

/// The same of a cipher string, in which `SHA` is also a keyword of its own (`SHA:AES128:!aNULL`).
#[must_use]
pub fn holds_secret_in_ciphers(text: &str) -> bool {
    marks(text).any(|mark| mark == Mark::Reversible) || holds_hash(text)
}

/// Is this the name of something secret: `*Pass*`, `*Pwd*`, `*Secret*`, `*Key*`, `*Token*`, `*Credential*`, or with the
/// word `Pin` or `Cred` in it?
#[must_use]
pub fn names_secret(name: &str) -> bool {
    secret_words(name.as_bytes()).next().is_some()
}

/// Where the words of secrets end in a name or a text.
fn secret_words(text: &[u8]) -> impl Iterator<Item = usize> + '_ {
    (0..text.len()).filter_map(|at| {
        let (before, rest) = text.split_at_checked(at)?;
        // Few letters begin one, and a file has ten million letters.
        if !matches!(rest.first()?.to_ascii_lowercase(), b'p' | b's' | b'k' | b't' | b'c') {
            return None;
        }
        let starts = |word: &&str| {
            let start = rest.get(..word.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
        };
        let part = PARTS.into_iter().find(starts);
        let part = part.filter(|part| *part != "pass" || !is_harmless(before, slice_at(rest, part.len()..)));
        let alone = |word: &&str| stands_alone(before, rest, word.len());
        let word = part.or_else(|| WORDS.into_iter().filter(starts).find(alone));
        word.map(|word| at + word.len())
    })
}

/// Is the `pass` between these no secret?
fn is_harmless(before: &[u8], after: &[u8]) -> bool {
    let ends = |word: &str| {
        let end = before.len().checked_sub(word.len()).and_then(|at| before.get(at..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(word.as_bytes()))
    };
    BEFORE_PASS.into_iter().any(ends) || AFTER_PASS.iter().any(|word| after.starts_with(word.as_bytes()))
}

/// Are the first letters of `rest` a word, as in `UserPin`, `PIN` or `pin_code`?
fn stands_alone(before: &[u8], rest: &[u8], length: usize) -> bool {
    let capital = rest.first().is_some_and(u8::is_ascii_uppercase);
    let begins = |last: &u8| !last.is_ascii_alphabetic() || (capital && last.is_ascii_lowercase());
    before.last().is_none_or(begins) && rest.get(length).is_none_or(|next| !next.is_ascii_lowercase())
}

/// Could free text (a comment, a line of a log) hold a secret?
#[must_use]
pub fn mentions_secret(text: &str) -> bool {
    marks(text).next().is_some() || names_secret(text)
}

/// Does a line that a program wrote about itself quote a secret: `Password=x`, `<variable name="Key">`, `passwd: x`?
/// One that only has such a word in it says what the matter is (`cannot open key file: no such file`).
#[must_use]
pub fn quotes_secret(line: &str) -> bool {
    let quoted = |end: usize| {
        let (word, rest) = (text_at(line, ..end), text_at(line, end..));
        let rest = rest.trim_start_matches(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '"'));
        rest.trim_start().starts_with(':') && !word.ends_with("key")
    };
    let mut words = secret_words(line.as_bytes()).peekable();
    let set = words.peek().is_some() && line.contains(['<', '=']);
    set || marks(line).next().is_some() || words.any(quoted)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// `D3S:`
    Reversible,
    /// `SHA:`
    Hash,
    /// `-SHA:`, `_SHA:` and the like.
    SuiteEnd,
}

/// The marks in a text, in order.
fn marks(text: &str) -> impl Iterator<Item = Mark> {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b':', bytes).filter_map(move |colon| {
        let start = colon.checked_sub(3)?;
        let mark = bytes.get(start..colon)?;
        if mark.eq_ignore_ascii_case(b"d3s") {
            return Some(Mark::Reversible);
        }
        let before = start.checked_sub(1).and_then(|at| bytes.get(at));
        let joined = before.is_some_and(|&b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let hash = if joined { Mark::SuiteEnd } else { Mark::Hash };
        mark.eq_ignore_ascii_case(b"sha").then_some(hash)
    })
}

/// Is there a `SHA:` of any kind, and a word that looks like a hash rather than like a part of a cipher string?
fn holds_hash(text: &str) -> bool {
    let is_hash = |word: &str| {
        let long = if word.contains('+') && !word.contains(['/', '=']) {
            JOINED_WORD
        } else {
            HASH_WORD
        };
        word.len() >= long && !word.contains(['-', '_', '@', '!'])
    };
    marks(text).next().is_some() && text.split([':', ',', ';', ' ']).any(is_hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_secrets_are_found_anywhere_in_a_text() {
        for secret in [
            "D3S:1f2e",
            "d3s:",
            "user=postmaster;password=D3S:1f2e",
            "  SHA:ab",
            "{SHA:qUqP5cyxm6YcTAhz05Hph5gvu9M=}",
            "user-SHA:qUqP5cyxm6YcTAhz05Hph5gvu9M=",
            "xD3S:1",
        ] {
            assert!(holds_secret(secret), "{secret}");
        }
        for open in [
            "",
            ":",
            "3S:",
            "AES128-SHA:AES256-SHA:!aNULL",
            "TLS_RSA_WITH_AES_128_CBC_SHA:x",
            "SHA256:x",
        ] {
            assert!(!holds_secret(open), "{open}");
        }
    }

    #[test]
    fn a_cipher_string_may_use_the_keyword_sha() {
        for open in [
            "SHA:AES128:!aNULL",
            "HIGH:SHA:+kECDHE+CAMELLIA256",
            "SHA:ECDHE-RSA-AES128-SHA256:HIGH",
        ] {
            assert!(!holds_secret_in_ciphers(open), "{open}");
        }
        for secret in [
            "HIGH:D3S:1",
            "SHA:qUqP5cyxm6YcTAhz05Hph5gvu9M=",
            "SHA:qUqP5cyxm6Y+TAhz05Hph5gvu9M=",
            "HIGH:SHA:salt:0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33",
        ] {
            assert!(holds_secret_in_ciphers(secret), "{secret}");
        }
    }

    #[test]
    fn names_and_free_text_are_judged_by_their_words() {
        for name in [
            "AdminPassword",
            "ldap_passwd",
            "ClientSecretText",
            "SSLKeyFile",
            "passphrase",
            "SslCertPass",
            "PassHash",
            "db_pass",
            "DBPASS",
            "SmtpAuthPwd",
            "UserPin",
            "PIN",
            "pin_code",
            "ApiToken",
            "ProxyCredentials",
            "LdapCred",
        ] {
            assert!(names_secret(name), "{name}");
        }
        for name in [
            "Ke",
            "Enabled",
            "SpamBypass",
            "PassiveMode",
            "Passed",
            "PingInterval",
            "ColumnMapping",
            "PinnedHosts",
            "SacredCount",
        ] {
            assert!(!names_secret(name), "{name}");
        }
        for line in [
            "ApiKey=xyz",
            "<variable name=\"SmtpPassword\">x",
            "passwd: x",
            "\"token\": \"x\"",
            "bad D3S:ab",
            "x SHA:1",
        ] {
            assert!(quotes_secret(line), "{line}");
        }
        for line in [
            "cannot open key file",
            "private key: permission denied",
            "2 tests passed: all",
            "load = 3",
        ] {
            assert!(!quotes_secret(line), "{line}");
        }
        assert!(mentions_secret("the old password was x") && mentions_secret("x-SHA:1") && !mentions_secret("plain"));
    }
}
