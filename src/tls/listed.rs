//! The words of a protocol list, for those who show a list word by word (check boxes): nothing is judged here.

use super::TlsVersion;
use super::words::{Meaning, WordList, shown, word};

/// What a list of protocols names, word by word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// The versions named, oldest first.
    pub versions: Vec<TlsVersion>,
    /// Whether `SSLv2` stands in it, which has no [`TlsVersion`].
    pub ssl2: bool,
    /// Every other word (signed or unknown), bounded and with control characters as hex: writing the list anew drops them.
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

/// The word of the file for a version, such as `TLSv1.2` (vendor's article 115132).
#[must_use]
pub const fn protocol_word(version: TlsVersion) -> &'static str {
    word(version)
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
