//! What an OpenSSL cipher string can be made of: `assets/ciphers.txt`, measured with OpenSSL 3.0.

use std::sync::LazyLock;

use super::version::TlsVersion;

/// A cipher suite that usual builds of OpenSSL 3.0 have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suite {
    /// OpenSSL's name, such as `ECDHE-RSA-AES256-GCM-SHA384`.
    pub name: &'static str,
    /// IANA's name, such as `TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384`; not usable in a cipher string.
    pub iana: &'static str,
    /// The oldest version that has it. Suites of TLS 1.3 work in no other version, the others in all up to 1.2.
    pub oldest: TlsVersion,
    /// OpenSSL's word for the key exchange: `DH`, `ECDH`, `RSA`, `PSK`, …; `any` for TLS 1.3.
    pub key_exchange: &'static str,
    /// OpenSSL's word for the authentication: `RSA`, `ECDSA`, `None`, …; `any` for TLS 1.3.
    pub authentication: &'static str,
    pub(super) keywords: Vec<&'static str>,
}

/// A word that stands for many suites.
pub(super) struct Keyword {
    /// The word; its case counts.
    pub(super) name: &'static str,
    /// What it stands for, in plain words.
    pub(super) meaning: &'static str,
    /// Known, and holding nothing in usual builds of today.
    pub(super) faded: bool,
}

/// Everything that a cipher string can name.
pub(super) struct Known {
    /// Best first, as OpenSSL sorts them.
    pub(super) suites: Vec<Suite>,
    /// Suites of older or special builds, with the reason why usual builds pass over them.
    pub(super) older: Vec<(&'static str, &'static str)>,
    pub(super) keywords: Vec<Keyword>,
}

pub(super) static KNOWN: LazyLock<Known> = LazyLock::new(|| Known::read(include_str!("../../assets/ciphers.txt")));

impl Known {
    /// Reads the asset; lines of another shape are passed over (a test holds that there are none).
    fn read(text: &'static str) -> Self {
        let mut known = Self {
            suites: Vec::new(),
            older: Vec::new(),
            keywords: Vec::new(),
        };
        for line in text.lines() {
            let (sort, rest) = line.split_once(' ').unwrap_or_default();
            let (name, text) = rest.split_once(' ').unwrap_or_default();
            match sort {
                "suite" => known.suites.extend(suite(name, text)),
                "older" => known.older.push((name, text)),
                "keyword" => known.keywords.push(Keyword {
                    name,
                    meaning: text,
                    faded: false,
                }),
                "faded" => known.keywords.push(Keyword {
                    name,
                    meaning: text,
                    faded: true,
                }),
                _ => {}
            }
        }
        known
    }

    /// Every word that may stand in a string, with its case.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        let suites = self
            .suites
            .iter()
            .filter(|s| s.oldest < TlsVersion::Tls13)
            .map(|s| s.name);
        suites
            .chain(self.keywords.iter().map(|k| k.name))
            .chain(self.older.iter().map(|(name, _)| *name))
    }

    /// The word that a misspelt one was meant to be, if one is near enough.
    pub(super) fn nearest(&self, word: &str) -> Option<&'static str> {
        const LONGEST: usize = 64;
        if word.len() > LONGEST {
            return None;
        }
        let small = word.to_ascii_lowercase().replace('_', "-");
        let near = self
            .names()
            .map(|name| (strsim::osa_distance(&small, &name.to_ascii_lowercase()), name))
            .min_by_key(|(distance, _)| *distance);
        let allowed = (word.chars().count() / 4).min(3);
        near.filter(|(distance, _)| *distance <= allowed).map(|(_, name)| name)
    }
}

fn suite(name: &'static str, text: &'static str) -> Option<Suite> {
    let mut fields = text.split(' ');
    let iana = fields.next()?;
    let oldest = match fields.next()? {
        "SSLv3" => TlsVersion::Ssl3,
        "TLSv1" => TlsVersion::Tls10,
        "TLSv1.2" => TlsVersion::Tls12,
        "TLSv1.3" => TlsVersion::Tls13,
        _ => return None,
    };
    let key_exchange = fields.next()?;
    let authentication = fields.next()?;
    let keywords = fields.next().map(|k| k.split(',').collect()).unwrap_or_default();
    Some(Suite {
        name,
        iana,
        oldest,
        key_exchange,
        authentication,
        keywords,
    })
}
