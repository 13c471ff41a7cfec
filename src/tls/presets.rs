//! Cipher strings to start from: Mozilla's three, and what each cuts off in plain words.

use super::version::TlsVersion;

/// A published configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// Mozilla's name for it.
    pub name: &'static str,
    /// The minimum version that it is made for.
    pub minimum: TlsVersion,
    /// The suites up to TLS 1.2, as an OpenSSL cipher string. `None`: it has none, because it is for TLS 1.3
    /// alone; the variable is left out then, never left empty (OpenSSL refuses an empty string).
    pub ciphers: Option<&'static str>,
    /// Who it is for.
    pub purpose: &'static str,
    /// Who can no longer connect with it.
    pub cuts_off: &'static str,
    /// Where it is from, with its date.
    pub source: &'static str,
}

impl Preset {
    /// All of them, strictest first.
    pub const ALL: [Self; 3] = [MODERN, INTERMEDIATE, OLD];

    /// The string for an engine built with OpenSSL 3 where TLS 1.0 or 1.1 shall work: with `@SECLEVEL=0`.
    /// OpenSSL before 1.1.0 does not know that command and refuses the whole string: there,
    /// [`Preset::ciphers`] as it is.
    #[must_use]
    pub fn ciphers_for_openssl_3(&self) -> Option<String> {
        let level = if self.minimum < TlsVersion::Tls12 {
            ":@SECLEVEL=0"
        } else {
            ""
        };
        self.ciphers.map(|ciphers| format!("{ciphers}{level}"))
    }
}

const SOURCE: &str =
    "Mozilla, Server Side TLS, version 5.7 (2023); for Windows, Microsoft's lists of what each version has";

const MODERN: Preset = Preset {
    name: "modern",
    minimum: TlsVersion::Tls13,
    ciphers: None,
    purpose: "Peers that all speak TLS 1.3. Mail servers of strangers do not: too strict for a public \
              mail host.",
    cuts_off: "Everything that speaks TLS 1.2 at best: Windows Server 2019 and older, Java before 11, OpenSSL before \
        1.1.1, \
               Android before 10, Apple systems before macOS 10.14.4 and iOS 12.2, many printers and scanners.",
    source: SOURCE,
};

const INTERMEDIATE: Preset = Preset {
    name: "intermediate",
    minimum: TlsVersion::Tls12,
    ciphers: Some(concat!(
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:",
        "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:",
        "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:",
        "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305",
    )),
    purpose: "Nearly every server of today. Recommended.",
    cuts_off: "Everything that speaks TLS 1.1 at best, and peers with TLS 1.2 that know only CBC suites or no \
        ephemeral keys: \
               Java before 8u31, OpenSSL before 1.0.1, Android before 4.4.2, Internet Explorer 10 and older, \
               Windows Server 2008 R2 and 2012 without the updates of 2014 and 2015.",
    source: SOURCE,
};

const OLD: Preset = Preset {
    name: "old",
    minimum: TlsVersion::Tls10,
    ciphers: Some(concat!(
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:",
        "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:",
        "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:",
        "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305:",
        "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:",
        "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:",
        "DHE-RSA-AES128-SHA256:DHE-RSA-AES256-SHA256:",
        "AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA256:AES256-SHA256:AES128-SHA:AES256-SHA:DES-CBC3-SHA",
    )),
    purpose: "Very old peers that cannot be replaced yet. TLS 1.0 and 1.1 must not be used by RFC 8996: plan its end.",
    cuts_off: "Peers with SSL 3.0 at best, or with nothing but RC4, DES or export suites; with an engine on OpenSSL \
        1.1.0 or newer \
               also those with nothing but triple DES, which usual builds no longer have.",
    source: SOURCE,
};
