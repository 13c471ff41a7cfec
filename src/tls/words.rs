//! The words of a protocol list, with everything that stands between them kept as it is.
//!
//! Knows what `TLSv1.2` means; knows nothing of variables, tables or minimums.

use std::collections::BTreeSet;

use super::version::TlsVersion;
use crate::hostile::{holds_secret, safe_text};

/// What one word of a list says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A version by its documented word (vendor's article 115132); `TLSv1.0` counts as `TLSv1`.
    Version(TlsVersion),
    /// `SSLv2`: known, older than everything that this program speaks of.
    Ssl2,
    /// A word with a sign before it (`!SSLv3`, `-TLSv1`, `+TLSv1.2`): it adds to or takes
    /// from a set that we do not know.
    Signed,
    /// Anything else.
    Unknown,
}

/// Reads one word, without regard to case.
///
/// Only the documented spellings count: `1.2`, `TLS1.2` or `TLSv1_2` may mean the same to a person,
/// but what the server makes of them is not known.
pub(super) fn meaning(word: &str) -> Meaning {
    const WORDS: [(&str, Meaning); 7] = [
        ("SSLv2", Meaning::Ssl2),
        ("SSLv3", Meaning::Version(TlsVersion::Ssl3)),
        ("TLSv1", Meaning::Version(TlsVersion::Tls10)),
        ("TLSv1.0", Meaning::Version(TlsVersion::Tls10)),
        ("TLSv1.1", Meaning::Version(TlsVersion::Tls11)),
        ("TLSv1.2", Meaning::Version(TlsVersion::Tls12)),
        ("TLSv1.3", Meaning::Version(TlsVersion::Tls13)),
    ];
    if word.starts_with(['!', '-', '+', '~', '^']) {
        return Meaning::Signed;
    }
    WORDS
        .into_iter()
        .find(|(spelling, _)| spelling.eq_ignore_ascii_case(word))
        .map_or(Meaning::Unknown, |(_, m)| m)
}

/// The documented word of the file for a version, such as `TLSv1.2` (vendor's article 115132).
#[must_use]
pub const fn protocol_word(version: TlsVersion) -> &'static str {
    match version {
        TlsVersion::Ssl3 => "SSLv3",
        TlsVersion::Tls10 => "TLSv1",
        TlsVersion::Tls11 => "TLSv1.1",
        TlsVersion::Tls12 => "TLSv1.2",
        TlsVersion::Tls13 => "TLSv1.3",
    }
}

/// The word for a version in the letters that a neighbour uses: all small, all capitals, or as documented.
pub(super) fn word_like(version: TlsVersion, neighbour: Option<&str>) -> String {
    let canonical = protocol_word(version);
    match neighbour {
        Some(n) if n.bytes().any(|b| b.is_ascii_lowercase()) && !n.bytes().any(|b| b.is_ascii_uppercase()) => {
            canonical.to_ascii_lowercase()
        }
        Some(n) if n.bytes().any(|b| b.is_ascii_uppercase()) && !n.bytes().any(|b| b.is_ascii_lowercase()) => {
            canonical.to_ascii_uppercase()
        }
        _ => canonical.to_owned(),
    }
}

/// One word and the text that stood between it and the word before it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    /// What stood before it; empty for the first word, whose text before is [`WordList::lead`].
    gap: String,
    text: String,
    meaning: Meaning,
}

/// A list of protocol words that writes back byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WordList {
    lead: String,
    words: Vec<Word>,
    tail: String,
}

/// Most bytes of a list: all documented words come to 40, and nobody keeps a hundred times that.
const LONGEST: usize = 4096;

const fn separates(c: char) -> bool {
    matches!(c, ',' | ';' | ':' | '|' | '+') || c.is_ascii_whitespace()
}

impl WordList {
    /// Takes a value apart. `,` `;` `:` `|` `+` and blanks part words, but a `+` that touches only
    /// the word after it is that word's sign, and one that ends the list (`TLSv1.2+`) belongs to
    /// the word before: both may mean more than a separator.
    ///
    /// What is longer than any list is one unknown word, of which only the beginning is kept: a value of 100 MB is
    /// not worth 50 million words, and writing the list anew drops it as a whole.
    pub(super) fn parse(value: &str) -> Self {
        let mut list = Self {
            lead: String::new(),
            words: Vec::new(),
            tail: String::new(),
        };
        let mut gap = String::new();
        let mut text = String::new();
        if value.len() > LONGEST {
            text.extend(value.chars().take(QUOTED + 1));
            list.push(&mut gap, &mut text);
            return list;
        }
        let mut chars = value.chars().peekable();
        while let Some(c) = chars.next() {
            let sign = c == '+' && text.is_empty() && chars.peek().is_some_and(|next| !separates(*next));
            if separates(c) && !sign {
                if !text.is_empty() {
                    list.push(&mut gap, &mut text);
                }
                gap.push(c);
            } else {
                text.push(c);
            }
        }
        if !text.is_empty() {
            list.push(&mut gap, &mut text);
        }
        if let Some(last) = list.words.last_mut()
            && let Some((upto, after)) = gap.rsplit_once('+')
        {
            last.text.push_str(upto);
            last.text.push('+');
            last.meaning = Meaning::Unknown;
            gap = after.to_owned();
        }
        list.tail = gap;
        list
    }

    fn push(&mut self, gap: &mut String, text: &mut String) {
        if self.words.is_empty() {
            self.lead = std::mem::take(gap);
        }
        let text = std::mem::take(text);
        self.words.push(Word {
            gap: std::mem::take(gap),
            meaning: meaning(&text),
            text,
        });
    }

    /// Every word with its meaning, in the file's order.
    pub(super) fn words(&self) -> impl Iterator<Item = (&str, Meaning)> {
        self.words.iter().map(|w| (w.text.as_str(), w.meaning))
    }

    /// Whether it holds nothing but versions.
    pub(super) fn is_clean(&self) -> bool {
        self.words.iter().all(|w| matches!(w.meaning, Meaning::Version(_)))
    }

    /// The versions that the list names, whatever else stands in it.
    pub(super) fn versions(&self) -> BTreeSet<TlsVersion> {
        self.words
            .iter()
            .filter_map(|w| match w.meaning {
                Meaning::Version(v) => Some(v),
                _ => None,
            })
            .collect()
    }

    /// What parts the words of this list, if it has two. `,,` or ` ++ ` is rather a slip than a habit:
    /// it stays where it is, but is not copied.
    pub(super) fn separator(&self) -> Option<&str> {
        let plain = |gap: &&str| gap.chars().filter(|c| !c.is_ascii_whitespace()).count() <= 1;
        self.words.get(1).map(|w| w.gap.as_str()).filter(plain)
    }

    /// Makes the list name exactly `wanted`: other words go (each with one gap), the rest keep
    /// their place and spelling, and what is missing is put in by age. `separator` is used
    /// where the list has none of its own to copy.
    pub(super) fn rewrite(&mut self, wanted: &BTreeSet<TlsVersion>, separator: &str) {
        let own = self.separator().map(str::to_owned);
        self.rewrite_with(wanted, own.as_deref().unwrap_or(separator));
        // What stays of a strange list can turn the sense of the next word (`++x` leaves a `+` behind):
        // then nothing of it is kept.
        for separator in [separator, ","] {
            let again = Self::parse(&self.to_string());
            if again.versions() == *wanted && again.is_clean() {
                return;
            }
            *self = Self {
                lead: String::new(),
                words: Vec::new(),
                tail: String::new(),
            };
            self.rewrite_with(wanted, separator);
        }
    }

    fn rewrite_with(&mut self, wanted: &BTreeSet<TlsVersion>, separator: &str) {
        let newest_first = self.is_newest_first();
        let sample = self
            .words
            .iter()
            .find(|w| matches!(w.meaning, Meaning::Version(_)))
            .map(|w| w.text.clone());
        let had_words = !self.words.is_empty();
        let was_clean = had_words && self.is_clean();
        self.words
            .retain(|w| matches!(w.meaning, Meaning::Version(v) if wanted.contains(&v)));
        let present = self.versions();
        for &version in wanted.difference(&present) {
            let place = self.words.iter().position(|w| match w.meaning {
                Meaning::Version(v) if newest_first => v < version,
                Meaning::Version(v) => v > version,
                _ => false,
            });
            let place = place.unwrap_or(self.words.len());
            let text = word_like(version, sample.as_deref());
            self.words.insert(
                place,
                Word {
                    gap: separator.to_owned(),
                    meaning: Meaning::Version(version),
                    text,
                },
            );
        }
        for (i, w) in self.words.iter_mut().enumerate() {
            if i == 0 {
                w.gap.clear();
            } else if w.gap.is_empty() {
                separator.clone_into(&mut w.gap);
            }
        }
        if !was_clean {
            // What stood around it was written for something else; only blanks around words are worth keeping.
            for edge in [&mut self.lead, &mut self.tail] {
                edge.retain(|c| c.is_ascii_whitespace() && had_words);
            }
        }
    }

    fn is_newest_first(&self) -> bool {
        let versions: Vec<TlsVersion> = self
            .words
            .iter()
            .filter_map(|w| match w.meaning {
                Meaning::Version(v) => Some(v),
                _ => None,
            })
            .collect();
        versions.len() > 1 && versions.iter().zip(versions.iter().skip(1)).all(|(a, b)| a > b)
    }
}

impl std::fmt::Display for WordList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.lead)?;
        for w in &self.words {
            write!(f, "{}{}", w.gap, w.text)?;
        }
        f.write_str(&self.tail)
    }
}

/// Most characters of a stranger's word that stand in a sentence.
const QUOTED: usize = 41;

/// A stranger's word as it may stand in a sentence: bounded, control and invisible characters as hex.
/// A stored secret (in a variable that was named wrongly) is never quoted.
pub(super) fn shown(text: &str) -> String {
    if holds_secret(text) {
        return "a secret".to_owned();
    }
    safe_text(text, QUOTED)
}

/// What a list of protocols names, word by word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// The versions named, oldest first.
    pub versions: Vec<TlsVersion>,
    /// Whether `SSLv2` stands in it, which has no [`TlsVersion`].
    pub ssl2: bool,
    /// Every other word (signed or unknown), bounded and with control characters as hex: writing the list anew drops
    /// them.
    pub others: Vec<String>,
}

/// Reads the words of a list. Never fails: what is no protocol is among [`Listed::others`].
#[must_use]
pub fn listed_protocols(value: &str) -> Listed {
    let list = WordList::parse(value);
    Listed {
        versions: list.versions().into_iter().collect(),
        ssl2: list.words().any(|(_, m)| m == Meaning::Ssl2),
        others: list
            .words()
            .filter(|(_, m)| matches!(m, Meaning::Signed | Meaning::Unknown))
            .map(|(text, _)| shown(text))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_of_a_list_is_named_once_and_nothing_is_lost() {
        let listed = listed_protocols("SSLv2, tlsv1.2 !SSLv3;wat TLSv1.2,TLSv1");
        assert_eq!(listed.versions, [TlsVersion::Tls10, TlsVersion::Tls12]);
        assert!(listed.ssl2);
        assert_eq!(listed.others, ["!SSLv3", "wat"]);
    }

    #[test]
    fn the_word_of_a_version_reads_back_as_that_version() {
        for version in TlsVersion::ALL {
            assert_eq!(listed_protocols(protocol_word(version)).versions, [version]);
        }
    }
}
