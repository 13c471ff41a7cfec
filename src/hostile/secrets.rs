//! The marks by which a secret is known in any text, whoever quotes it. The mail server stores passwords as `D3S:…`
//! (reversible) or `SHA:…` (a hash); everything else is known by the name beside it [seen in public files of real installs].

/// `passw` covers Password and Passwd; `passphrase` is the word of key files.
const WORDS: [&str; 4] = ["passw", "passphrase", "secret", "key"];

/// A word of this many characters beside `SHA:` is a hash, unless it is joined like a cipher suite's name. (Twenty bytes in
/// base64 are 28 characters; the longest keyword of OpenSSL has 11.)
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

/// Is this the name of something secret: `*Passw*`, `*Passphrase*`, `*Secret*`, `*Key*`?
#[must_use]
pub fn names_secret(name: &str) -> bool {
    WORDS.iter().any(|word| {
        let mut windows = name.as_bytes().windows(word.len());
        windows.any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
    })
}

/// Could free text (a comment, a line of a log) hold a secret?
#[must_use]
pub fn mentions_secret(text: &str) -> bool {
    marks(text).next().is_some() || names_secret(text)
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
        ] {
            assert!(names_secret(name), "{name}");
        }
        assert!(!names_secret("Ke") && !names_secret("Enabled"));
        assert!(mentions_secret("the old password was x") && mentions_secret("x-SHA:1") && !mentions_secret("plain"));
    }
}
